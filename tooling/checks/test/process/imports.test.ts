import path from 'node:path'
import { expect, test } from '@jest/globals'
import { importFaults } from '../../src/imports.ts'
import { TemporaryFolder } from '../temporary-folder.ts'

async function faultsOf(code: string): Promise<string[]> {
  using folder = new TemporaryFolder()
  folder.write('package.json', { type: 'module' })
  folder.write('dist/index.js', code)
  folder.write('node_modules/reader/index.js', 'export const home = process.env.HOME\n')
  folder.write('node_modules/reader/package.json', { type: 'module', exports: './index.js' })
  return await importFaults(path.join(folder.path, 'dist', 'index.js'), path.join(folder.path, 'dist'))
}

test('OPS-17 a module that only defines is clean, whatever others read', async () => {
  expect(
    await faultsOf("import fs from 'node:fs'\nimport 'reader'\nexport const read = () => fs.readFileSync('x')"),
  ).toEqual([])
})

test.each([
  ['an environment variable', 'export const home = process.env.HOME', 'reads process.env.HOME'],
  ['whether a variable is there', "export const debug = 'DEBUG' in process.env", 'asks for process.env.DEBUG'],
  ['the whole environment', 'export const all = { ...process.env }', 'lists process.env'],
  [
    'a file',
    "import { readFileSync } from 'node:fs'\nexport const me = readFileSync(import.meta.filename)",
    'calls fs.readFileSync',
  ],
  [
    'a file, later',
    "import { readFile } from 'node:fs/promises'\nvoid readFile(import.meta.filename)",
    'calls fs.readFile',
  ],
  ['a timer, even one that keeps nothing alive', 'setInterval(() => {}, 1000).unref()', 'starts a Timeout'],
  ['a server', "import { createServer } from 'node:net'\ncreateServer().listen(0).unref()", 'starts a TCPSERVERWRAP'],
  ['a worker', "import { Worker } from 'node:worker_threads'\nnew Worker('', { eval: true })", 'starts a WORKER'],
  ['a process', "import { spawn } from 'node:child_process'\nspawn(process.execPath, ['-v'])", 'starts a PROCESSWRAP'],
  ['a failure', "throw new Error('no database')", 'cannot be imported: no database'],
])('OPS-17 %s is found', async (_, code, fault) => {
  expect(await faultsOf(code)).toContain(fault)
})

test('OPS-17 a module that keeps the process alive is found', async () => {
  const faults = await faultsOf('setInterval(() => {}, 1000)')
  expect(faults).toContain('starts a Timeout')
  expect(faults.join()).toMatch(/keeps the process alive/)
})

test('an entry that was not built is found', async () => {
  expect(await importFaults('/no/such/file.js', '/no/such')).toEqual(['is not built'])
})
