import { cpSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { dependencyFolder } from '../src/dependency.ts'
import { runProgram } from '../src/run-program.ts'
import { repository, TemporaryFolder } from './temporary-folder.ts'

type Member = 'passes' | 'fails' | 'dies' | 'tests nothing'

const PROGRAMS: Readonly<Record<Member, string>> = {
  passes: 'leave({ passed: 3, failed: 0, skipped: 0 })',
  fails: 'leave({ passed: 2, failed: 1, skipped: 0 }); process.exitCode = 1',
  dies: 'process.exitCode = 134',
  'tests nothing': 'leave({ passed: 0, failed: 0, skipped: 2 })',
}

/** A workspace with the real test command, whose members only pretend to run jest. */
function workspaceOf(members: readonly Member[], firstName: string): TemporaryFolder {
  const folder = new TemporaryFolder()
  for (const file of ['test.mjs', 'turbo.mjs']) {
    cpSync(path.join(repository, 'tooling', 'dev', file), path.join(folder.path, 'tooling', 'dev', file))
  }
  cpSync(path.join(repository, 'turbo.json'), path.join(folder.path, 'turbo.json'))
  mkdirSync(path.join(folder.path, 'node_modules'))
  symlinkSync(dependencyFolder('turbo'), path.join(folder.path, 'node_modules', 'turbo'))
  folder.write('package.json', { name: 'root', private: true, packageManager: 'pnpm@12.0.0' })
  folder.write('pnpm-workspace.yaml', 'packages: [packages/*]\npmOnFail: ignore\n')
  folder.write('pnpm-lock.yaml', "lockfileVersion: '9.0'\n")
  for (const [index, member] of members.entries()) {
    const name = `member-${index}`
    folder.write(`packages/${name}/package.json`, {
      name: index === 0 ? firstName : name,
      version: '0.0.0',
      type: 'module',
      scripts: { test: 'node iron-jest.js' },
    })
    folder.write(
      `packages/${name}/iron-jest.js`,
      `import { mkdirSync, writeFileSync } from 'node:fs'
       const leave = (figures) => {
         mkdirSync(process.env.IRON_TEST_RESULTS, { recursive: true })
         writeFileSync(process.env.IRON_TEST_RESULTS + '/${name}.json', JSON.stringify({ folder: process.cwd(), suites: [], ...figures }))
       }
       ${PROGRAMS[member]}`,
    )
  }
  return folder
}

describe('pnpm test', () => {
  test.each<[Member[], string, number, string]>([
    [['passes', 'passes'], '6 passed, 0 failed', 0, 'member-0'],
    [['passes', 'fails', 'passes'], '8 passed, 1 failed', 1, 'member-0'],
    [['passes', 'dies'], '3 passed, 1 failed', 1, 'member-0'],
    [['tests nothing'], '0 passed, 0 failed', 1, 'member-0'],
    [['fails', 'passes', 'dies'], '5 passed, 2 failed', 1, '@iron/control-api'],
  ])('members that: %j: ends with "%s"', async (members, last, code, firstName) => {
    using folder = workspaceOf(members, firstName)
    // A figure of an earlier run must not be counted.
    folder.write('node_modules/.cache/iron/results/old.json', { folder: 'old', passed: 1000, failed: 0, skipped: 0 })
    const run = await runProgram(process.execPath, ['tooling/dev/test.mjs'], { cwd: folder.path })
    expect(run.stdout.trimEnd().split('\n').at(-1)).toBe(last)
    expect(run.code).toBe(code)
  })
})

test('iron-jest leaves the figures of its run, a suite that cannot run counted as a failure', async () => {
  using folder = new TemporaryFolder()
  folder.write('package.json', { name: 'sample', type: 'module' })
  folder.write(
    'jest.config.js',
    `export { default } from ${JSON.stringify(path.join(repository, 'tooling/jest/index.js'))}\n`,
  )
  folder.write('test/mixed.test.ts', "test('good', () => {})\ntest('bad', () => { throw new Error('bad') })\n")
  folder.write('test/broken.test.ts', "import './missing.ts'\ntest('never', () => {})\n")
  const results = path.join(folder.path, 'results')
  const jest = path.join(repository, 'tooling', 'jest', 'iron-jest.js')
  const run = await runProgram(process.execPath, [jest], { cwd: folder.path, env: { IRON_TEST_RESULTS: results } })
  expect(run.code).toBe(1)
  const { stdout } = await runProgram('ls', [results], { cwd: folder.path })
  const figures: unknown = JSON.parse(readFileSync(path.join(results, stdout.trim()), 'utf8'))
  expect(figures).toMatchObject({ passed: 1, failed: 2, skipped: 0 })
})
