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

describe('iron-jest', () => {
  /** A member of its own; what it has in `test` is what jest runs. */
  function memberWith(files: Readonly<Record<string, string>>): TemporaryFolder {
    const folder = new TemporaryFolder()
    folder.write('package.json', { name: 'sample', type: 'module' })
    folder.write(
      'jest.config.js',
      `export { default } from ${JSON.stringify(path.join(repository, 'tooling/jest/index.js'))}\n`,
    )
    for (const [file, text] of Object.entries(files)) folder.write(file, text)
    return folder
  }

  const jest = path.join(repository, 'tooling', 'jest', 'iron-jest.js')
  const run = (folder: TemporaryFolder, args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) =>
    runProgram(process.execPath, [jest, ...args], { cwd: folder.path, env })

  test('leaves the figures of its run, a suite that cannot run counted as a failure', async () => {
    using folder = memberWith({
      'test/mixed.test.ts': `import { test } from '@jest/globals'
        test('good', () => {})
        test('bad', () => { throw new Error('bad') })
        test('never ends', () => new Promise(() => {}), 20)`,
      'test/broken.test.ts': "import { test } from '@jest/globals'\nimport './missing.ts'\ntest('never', () => {})\n",
    })
    const results = path.join(folder.path, 'results')
    const { code, stderr } = await run(folder, [], { IRON_TEST_RESULTS: results })
    expect(code).toBe(1)
    expect(stderr).toMatch(/test\/mixed\.test\.ts:3:\d+/)
    const { stdout } = await runProgram('ls', [results], { cwd: folder.path })
    const figures: unknown = JSON.parse(readFileSync(path.join(results, stdout.trim()), 'utf8'))
    expect(figures).toMatchObject({ passed: 1, failed: 3, skipped: 0 })
  })

  test('a suite finds the process as it was, and its own helpers; what it tests is loaded once', async () => {
    const suite = `import { afterAll, expect, jest, test } from '@jest/globals'
      import { calls } from '../src/tested.ts'
      import { cases } from './support/cases.ts'
      jest.setTimeout(50)
      test('one', () => {
        expect(cases.push('one')).toBe(1)
        calls.push('one')
        expect(process.env).not.toHaveProperty('SAMPLE')
        expect(process.env.HOME).not.toBe('/nowhere')
        expect(Math.cbrt(8)).toBe(2)
        expect(Date.now()).toBeGreaterThan(1_700_000_000_000)
        process.env.SAMPLE = 'set'
        process.env.HOME = '/nowhere'
        jest.spyOn(Math, 'cbrt').mockReturnValue(7)
        jest.useFakeTimers({ now: 0 })
      })
      afterAll(() => console.log(calls.join()))`
    using folder = memberWith({
      'src/tested.ts': "export const calls: string[] = ['loaded']\n",
      'test/support/cases.ts': 'export const cases: string[] = []\n',
      'test/first.test.ts': suite,
      'test/second.test.ts': suite,
      'test/third.test.ts': `import { test } from '@jest/globals'
        import { setTimeout } from 'node:timers/promises'
        test('has as long as any', () => setTimeout(60))`,
    })
    const { code, stdout, stderr } = await run(folder, ['--runInBand'])
    expect(stderr).toMatch(/Tests: +3 passed, 3 total/)
    expect(stdout + stderr).toContain('loaded,one,one')
    expect(code).toBe(0)
  })
})
