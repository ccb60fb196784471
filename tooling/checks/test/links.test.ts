import { expect, test } from '@jest/globals'
import { checkLinks } from '../src/links.ts'
import { runProgram } from '../src/run-program.ts'
import { repository, TemporaryFolder } from './temporary-folder.ts'

test('no link of the repository is dead', async () => {
  expect(await checkLinks(repository)).toEqual([])
})

test('files, folders and headings that are not there are found, with their line', async () => {
  using folder = new TemporaryFolder()
  await runProgram('git', ['init', '--quiet'], { cwd: folder.path })
  folder.write(
    'README.md',
    [
      '# One `code` & two',
      '[file](docs/page.md) [folder](docs) [itself](#one-code--two) [elsewhere](https://example.test/#x)',
      '[heading](docs/page.md#part-1) [no file](docs/none.md) [broken](%zz)',
      '`[code](none.md)`',
      '```',
      '[code](none.md)',
      '# no heading',
      '```',
      '[no heading](docs/page.md#none) [of code](#no-heading)',
      '[up](docs/../docs/page.md) [outside](../none.md) [no page](docs/data.json#x)',
    ].join('\n'),
  )
  folder.write('docs/page.md', '# Page\n## Part\n## Part\n[up](../README.md)\n\n[ref]: none.md\n')
  folder.write('docs/data.json', '{}')
  const found = (await checkLinks(folder.path)).map(({ where, text }) => `${where} ${text}`)
  expect(found.sort()).toEqual([
    'README.md:10 ../none.md: there is no such file',
    'README.md:10 docs/data.json#x: an anchor in what is no page',
    'README.md:3 %zz: there is no such file',
    'README.md:3 docs/none.md: there is no such file',
    'README.md:9 #no-heading: there is no such heading',
    'README.md:9 docs/page.md#none: there is no such heading',
    'docs/page.md:6 none.md: there is no such file',
  ])
})
