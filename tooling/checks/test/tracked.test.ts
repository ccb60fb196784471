import { describe, expect, test } from '@jest/globals'
import { runProgram } from '../src/run-program.ts'
import { checkTopLevel } from '../src/top-level.ts'
import { checkTrackedText } from '../src/tracked-text.ts'
import { repository, TemporaryFolder } from './temporary-folder.ts'

async function repositoryWith(files: Readonly<Record<string, string>>): Promise<TemporaryFolder> {
  const folder = new TemporaryFolder()
  await runProgram('git', ['init', '--quiet'], { cwd: folder.path })
  for (const [file, text] of Object.entries(files)) folder.write(file, text)
  return folder
}

describe('the top level (R15)', () => {
  test('holds what the list allows', async () => {
    expect(await checkTopLevel(repository)).toEqual([])
  })

  test('a stray file or folder is found, an ignored one is not', async () => {
    using folder = await repositoryWith({
      '.gitignore': 'dist/\n',
      'dist/a.js': '',
      'package.json': '{}',
      'jest.config.js': '',
      'scripts/a.sh': '',
      '.husky/pre-commit': '',
    })
    const found = await checkTopLevel(folder.path)
    expect(found.map(({ where }) => where)).toEqual(['.husky', 'jest.config.js', 'scripts'])
  })
})

describe('tracked text', () => {
  test('names no registry host and no personal path', async () => {
    expect(await checkTrackedText(repository)).toEqual([])
  })

  // Put together here, so that this file does not name one itself.
  const host = ['registry', 'npmjs', 'org'].join('.')
  const slash = '/'
  const colon = ':'
  const equals = '='
  test.each([
    ['a registry host', 'pnpm-lock.yaml', `see ${host}`],
    ['a lock file with addresses', 'pnpm-lock.yaml', `  tarball${colon} https://mirror.example/x.tgz`],
    ['a set registry', '.npmrc', `registry${equals}https://mirror.example/`],
    ['a scoped registry', '.npmrc', `@iron:registry${equals}https://mirror.example/`],
    ['a Linux home', 'a.md', `see ${slash}home/ann/iron`],
    ['a macOS home', 'a.ts', `const file = '${slash}Users/ann/iron'`],
    ["root's home", 'a.ts', `const file = "${slash}root/.npmrc"`],
    ['a Windows home', 'a.md', ['C:', 'Users', 'ann'].join('\\')],
  ])('%s is found', async (_, file, text) => {
    using folder = await repositoryWith({ [file]: `first line\n${text}\n` })
    expect((await checkTrackedText(folder.path)).map(({ where }) => where)).toContain(`${file}:2`)
  })

  test('what only looks like it is not found', async () => {
    const texts = [`https://example.test${slash}home/page`, `packages${slash}root/x`, `.${slash}root/x`, '~/iron']
    using folder = await repositoryWith({ 'a.md': texts.join('\n') })
    expect(await checkTrackedText(folder.path)).toEqual([])
  })
})
