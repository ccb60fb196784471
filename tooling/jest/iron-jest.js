#!/usr/bin/env node
// Starts jest with the flags ESM needs. They travel in NODE_OPTIONS so that worker threads and child processes of a test
// resolve the house's packages to their sources as well.
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const flags = [
  '--experimental-vm-modules',
  '--conditions=@iron/source',
  '--disable-warning=ExperimentalWarning',
  process.env.NODE_OPTIONS ?? '',
]
const jest = spawn(process.execPath, [require.resolve('jest/bin/jest'), ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { ...process.env, NODE_OPTIONS: flags.join(' ').trim() },
})
jest.on('exit', (code, signal) => process.exit(code ?? (signal === null ? 1 : 128)))
