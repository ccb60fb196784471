import { expect, test } from '@jest/globals'
import { checkPacked } from '../../src/packed.ts'
import { TemporaryFolder } from '../temporary-folder.ts'

const entry = { types: './dist/index.d.ts', default: './dist/index.js' }
const manifest = {
  name: '@iron/sample',
  version: '1.0.0',
  license: 'Apache-2.0',
  repository: { type: 'git', url: 'git+https://github.com/iron-control-plane/iron.git' },
  type: 'module',
  sideEffects: false,
  engines: { node: '>=22.14' },
  files: ['dist', 'README.md', 'LICENSE'],
  exports: { '.': { '@iron/source': './src/index.ts', ...entry }, './package.json': './package.json' },
  publishConfig: { access: 'public', exports: { '.': entry, './package.json': './package.json' } },
}

function packageWith(changes: Readonly<Record<string, unknown>>): TemporaryFolder {
  const folder = new TemporaryFolder()
  const files: Record<string, unknown> = {
    'package.json': manifest,
    'README.md': '# @iron/sample\n',
    LICENSE: 'a license',
    'dist/index.js': 'export const one = 1\n',
    'dist/index.d.ts': 'export declare const one: number\n',
    ...changes,
  }
  folder.write('package.json', { name: 'root', private: true })
  folder.write('pnpm-workspace.yaml', 'packages: [packages/*]\npmOnFail: ignore\n')
  for (const [file, content] of Object.entries(files)) {
    if (content !== undefined) folder.write(`packages/sample/${file}`, content)
  }
  return folder
}

test('a sound package is clean', async () => {
  using folder = packageWith({})
  expect(await checkPacked(folder.path)).toEqual([])
})

test.each<[string, Record<string, unknown>, RegExp]>([
  ['no license', { LICENSE: undefined }, /has no LICENSE/],
  ['no README', { 'README.md': undefined }, /has no README/],
  ['no build', { 'dist/index.js': undefined, 'dist/index.d.ts': undefined }, /is not built/],
  ['missing types', { 'dist/index.d.ts': undefined }, /dist\/index\.d\.ts, which is not in the tarball/],
  ['the source condition', { 'package.json': { ...manifest, publishConfig: undefined } }, /still says "@iron\/source"/],
  [
    'sources',
    { 'package.json': { ...manifest, files: [...manifest.files, 'src'] }, 'src/index.ts': 'export const one = 1' },
    /the tarball has src\/index\.ts/,
  ],
  ['CommonJS that calls itself ESM', { 'dist/index.js': 'module.exports = { one: 1 }\n' }, /publint: /],
  [
    'a type of a lib that is not named',
    { 'dist/index.d.ts': 'export interface One extends Disposable {}\n' },
    /dist\/index\.d\.ts names Disposable and no lib/,
  ],
  [
    'types that Node would not resolve',
    { 'dist/index.d.ts': "export { one } from './one'\n", 'dist/one.d.ts': 'export declare const one: number\n' },
    /attw: /,
  ],
])('%s is found', async (_, changes, text) => {
  using folder = packageWith(changes)
  const texts = (await checkPacked(folder.path)).map((finding) => finding.text)
  expect(texts.join('\n')).toMatch(text)
})
