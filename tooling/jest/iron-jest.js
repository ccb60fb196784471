#!/usr/bin/env node
// Starts jest so that the house's packages resolve to their sources, also in worker threads and child processes of a test: that is
// why the condition travels in NODE_OPTIONS.
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { tmpdir, userInfo } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const require = createRequire(import.meta.url)
const flags = ['--conditions=@iron/source', process.env.NODE_OPTIONS ?? '']
// `pnpm test -- <file>` hands over the `--` as well, after which jest would take every flag for a file name.
const args = process.argv.slice(process.argv[2] === '--' ? 3 : 2)
// `pnpm test` at the root adds up the figures of all members.
if (process.env.IRON_TEST_RESULTS) {
  args.push('--reporters=default', `--reporters=${fileURLToPath(new URL('./results-reporter.js', import.meta.url))}`)
}
// A process has each source as it was when it was loaded: with this limit, of memory, jest starts others each time it watches.
if (args.some((arg) => arg.startsWith('--watch'))) args.push('--workerIdleMemoryLimit=2GB')
// `pnpm test:quick`: without the tests that start servers, load them or search long.
if (process.env.IRON_TEST_QUICK === '1') {
  const slow = '/test/(process|http|openapi|load|simulation)/'
  args.push('--passWithNoTests', '--testPathIgnorePatterns=/node_modules/', `--testPathIgnorePatterns=${slow}`)
}
// Tests start many processes from the sources: what one has stripped and compiled the next takes over.
const compileCache = path.join(tmpdir(), `iron-test-compile-cache-${String(userInfo().uid)}`)
const jest = spawn(process.execPath, [require.resolve('jest/bin/jest'), ...args], {
  stdio: 'inherit',
  env: { NODE_COMPILE_CACHE: compileCache, ...process.env, NODE_OPTIONS: flags.join(' ').trim() },
})
jest.on('exit', (code, signal) => process.exit(code ?? (signal === null ? 1 : 128)))
