import path from 'node:path'
import { expect, test } from '@jest/globals'
import { requireFault } from '../../src/imports.ts'
import { shakingFaults } from '../../src/shaking.ts'
import { TemporaryFolder } from '../temporary-folder.ts'

const long = JSON.stringify('x'.repeat(25_000))
const two = `export const one = () => ${long}\n`

async function withModule<Found>(code: string, find: (file: string) => Promise<Found>): Promise<Found> {
  using folder = new TemporaryFolder()
  folder.write('package.json', { type: 'module', sideEffects: false })
  folder.write('dist/index.js', code)
  return await find(path.join(folder.path, 'dist', 'index.js'))
}

test.each([
  ['two independent exports', `${two}export const other = () => ${long}.length\n`, ''],
  [
    'one that needs the other',
    `${two}export const other = () => one().length\nother.size = one`,
    'its smallest export',
  ],
])('a large package of %s', async (_, code, fault) => {
  expect((await withModule(code, shakingFaults)).join().slice(0, 19)).toBe(fault)
})

test('a side effect of an import is found', async () => {
  using folder = new TemporaryFolder()
  folder.write('package.json', { type: 'module' })
  folder.write('dist/index.js', 'export const one = 1\nconsole.log(one)\n')
  const faults = await shakingFaults(path.join(folder.path, 'dist', 'index.js'))
  expect(faults.join()).toMatch(/^an import that uses nothing leaves \d+ bytes$/)
})

test.each([
  ['can be required', 'export const one = 1\n', /^fine$/],
  ['awaits at its top', 'export const one = await 1\n', /ERR_REQUIRE_ASYNC_MODULE/],
  ['exports nothing', 'const one = 1\n', /require gives/],
])('a module that %s', async (_, code, text) => {
  expect((await withModule(code, requireFault)) ?? 'fine').toMatch(text)
})
