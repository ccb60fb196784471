import { expect, test } from '@jest/globals'
import { checkCommands } from '../src/commands.ts'
import { runProgram } from '../src/run-program.ts'
import { repository, TemporaryFolder } from './temporary-folder.ts'

test('every command that a document or workflow names can be run', async () => {
  expect(await checkCommands(repository)).toEqual([])
})

test('scripts and members that are not there are found, with their line', async () => {
  using folder = new TemporaryFolder()
  await runProgram('git', ['init', '--quiet'], { cwd: folder.path })
  folder.write('package.json', { name: 'root', scripts: { start: '', 'seed:all': '' } })
  folder.write('packages/one/package.json', { name: '@iron/one', scripts: { demo: '' } })
  folder.write(
    'README.md',
    [
      'Say `npx --yes pnpm@12 start`, `pnpm seed:all` or `pnpm gone`; pnpm is no script.',
      '```sh',
      'npx --yes pnpm@12 --filter @iron/one demo    # and',
      'npx --yes pnpm@12 --filter @iron/one start',
      'npx --yes pnpm@12 --silent --filter @iron/two demo',
      'npx --yes pnpm@12 install && pnpm seed',
      '```',
    ].join('\n'),
  )
  folder.write('.github/workflows/ci.yml', 'steps:\n  - run: npx --yes pnpm@12 nothing\n')
  const found = (await checkCommands(folder.path)).map(({ where, text }) => `${where} ${text}`)
  expect(found.sort()).toEqual([
    '.github/workflows/ci.yml:2 pnpm@12 nothing: the root has no script nothing',
    'README.md:1 pnpm gone: the root has no script gone',
    'README.md:4 pnpm@12 --filter @iron/one start: @iron/one has no script start',
    'README.md:5 pnpm@12 --silent --filter @iron/two demo: there is no @iron/two',
    'README.md:6 pnpm seed: the root has no script seed',
  ])
})
