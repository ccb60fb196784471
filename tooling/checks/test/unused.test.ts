import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { checkUnused, CONFIG } from '../src/unused.ts'
import { repository, TemporaryFolder } from './temporary-folder.ts'

/** A workspace of one package under the real configuration. */
function workspaceWith(changes: Readonly<Record<string, unknown>>): TemporaryFolder {
  const folder = new TemporaryFolder()
  const config = JSON.parse(readFileSync(path.join(repository, CONFIG), 'utf8')) as { workspaces: object }
  const files = {
    [CONFIG]: { ...config, workspaces: { 'packages/*': (config.workspaces as Record<string, object>)['packages/*'] } },
    'package.json': { name: 'root', private: true },
    'pnpm-workspace.yaml': 'packages: [packages/*]\n',
    'packages/one/package.json': { name: '@iron/one', version: '0.0.0', type: 'module' },
    'packages/one/src/index.ts': "export { used } from './used.ts'\n",
    'packages/one/src/used.ts': 'export const used = 1\n',
    ...changes,
  }
  for (const [file, content] of Object.entries(files)) folder.write(file, content)
  return folder
}

test('what is used is clean', async () => {
  using folder = workspaceWith({})
  expect(await checkUnused(folder.path)).toEqual([])
})

test.each<[string, Record<string, unknown>, RegExp]>([
  ['a file', { 'packages/one/src/planted.ts': 'export const planted = 1\n' }, /planted\.ts/],
  ['an export', { 'packages/one/src/used.ts': 'export const used = 1\nexport const planted = 2\n' }, /planted/],
  [
    'a dependency',
    { 'packages/one/package.json': { name: '@iron/one', version: '0.0.0', dependencies: { planted: '1.0.0' } } },
    /planted/,
  ],
  ['a dependency that is not declared', { 'packages/one/src/used.ts': "export { used } from 'planted'\n" }, /planted/],
])('%s that nobody uses, or declares, is found', async (_, changes, text) => {
  using folder = workspaceWith(changes)
  expect((await checkUnused(folder.path)).map((finding) => finding.text).join('\n')).toMatch(text)
})
