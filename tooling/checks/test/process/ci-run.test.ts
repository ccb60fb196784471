import { chmodSync, cpSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { runProgram } from '../../src/run-program.ts'
import { repository, TemporaryFolder } from '../temporary-folder.ts'

/** Runs `.ci/run` with an `npx` that only says what it is told to say for each script. */
async function runWith(
  answers: Readonly<Record<string, string>>,
): Promise<{ code: number; last: string; out: string }> {
  using folder = new TemporaryFolder()
  cpSync(path.join(repository, '.ci', 'run'), path.join(folder.path, '.ci', 'run'))
  const cases = Object.entries(answers).map(([script, does]) => `  ${script}) ${does} ;;`)
  // Called as `npx --yes pnpm@12 <script>`.
  folder.write('bin/npx', `#!/bin/sh\ncase "$3" in\n${cases.join('\n')}\n  *) echo "fine: $3" ;;\nesac\n`)
  chmodSync(path.join(folder.path, 'bin', 'npx'), 0o755)
  const run = await runProgram('bash', [path.join(folder.path, '.ci', 'run')], {
    cwd: folder.path,
    env: {
      PATH: `${path.join(folder.path, 'bin')}:${process.env.PATH ?? ''}`,
      IRON_TEST_POSTGRES_URL: 'postgres://not-asked',
      IRON_TEST_REDIS_URL: 'redis://not-asked',
    },
  })
  return { code: run.code, last: run.stdout.trimEnd().split('\n').at(-1) ?? '', out: run.stdout }
}

test.each<[string, Record<string, string>, string, number]>([
  ['all is well', { test: 'echo "12 passed, 0 failed"' }, '12 passed, 0 failed', 0],
  ['tests fail', { test: 'echo "10 passed, 2 failed"; exit 1' }, '10 passed, 2 failed', 1],
  ['a check fails', { test: 'echo "12 passed, 0 failed"', lint: 'exit 1' }, '12 passed, 1 failed', 1],
  ['nothing can be built', { test: 'echo "12 passed, 0 failed"', build: 'exit 1' }, '12 passed, 1 failed', 1],
  [
    'tests and checks fail',
    { test: 'echo "10 passed, 2 failed"; exit 1', 'check:static': 'exit 2', 'check:quickstarts': 'exit 1' },
    '10 passed, 4 failed',
    1,
  ],
  ['the test command dies without a word', { test: 'exit 137' }, '0 passed, 1 failed', 1],
  [
    'the test command fails but counts nothing',
    { test: 'echo "12 passed, 0 failed"; exit 1' },
    '12 passed, 1 failed',
    1,
  ],
  ['no test ran', { test: 'echo "0 passed, 0 failed"' }, '0 passed, 1 failed', 1],
])('.ci/run when %s', async (_, answers, last, code) => {
  const run = await runWith(answers)
  expect(run.last).toBe(last)
  expect(run.code).toBe(code)
  for (const step of ['tests', 'format', 'lint', 'types', 'static', 'packages', 'quickstarts', 'dev-fresh']) {
    expect(run.out).toMatch(new RegExp(`^${step} +(ok|FAILED) +\\d+ s$`, 'm'))
  }
})

test('.ci/run asks tests to have their services', async () => {
  const run = await runWith({ test: 'echo "1 passed, 0 failed"; echo "required=$IRON_REQUIRE_SERVICES"' })
  expect(run.out).toContain('required=1')
})
