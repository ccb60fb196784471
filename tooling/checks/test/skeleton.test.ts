import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { checkSkeletons } from '../src/skeleton.ts'
import { repository, TemporaryFolder } from './temporary-folder.ts'

const license = readFileSync(path.join(repository, 'LICENSE'), 'utf8')
const entry = { types: './dist/index.d.ts', default: './dist/index.js' }
const manifest = {
  name: '@iron/sample',
  version: '0.0.0',
  description: 'A sample',
  keywords: ['sample'],
  license: 'Apache-2.0',
  repository: { type: 'git', url: 'git+https://example.test/iron.git', directory: 'packages/sample' },
  type: 'module',
  sideEffects: false,
  engines: { node: '>=22.14' },
  files: ['dist', 'README.md', 'LICENSE'],
  exports: { '.': { '@iron/source': './src/index.ts', ...entry }, './package.json': './package.json' },
  publishConfig: { access: 'public', exports: { '.': entry, './package.json': './package.json' } },
  scripts: {
    build: 'tsup',
    'build:js': 'tsup --no-dts',
    'build:types': 'tsup --dts-only',
    prepack: 'node ../../tooling/dev/prepack.mjs',
    postpack: 'node ../../tooling/dev/postpack.mjs',
    test: 'iron-jest',
    typecheck: 'tsc -p tsconfig.json',
    lint: 'eslint .',
  },
}

function packageWith(changes: Readonly<Record<string, unknown>> = {}): TemporaryFolder {
  const folder = new TemporaryFolder()
  folder.write('LICENSE', license)
  const files = {
    'package.json': manifest,
    'README.md': '# @iron/sample\n',
    LICENSE: license,
    'eslint.config.js': "export { default } from '@iron/eslint-config'\n",
    'jest.config.js': "export { default } from '@iron/jest-config'\n",
    'tsconfig.json': { extends: '@iron/tsconfig/library.json' },
    'turbo.json': { extends: ['//'], tags: ['pure'] },
    'tsup.config.ts': '',
    'src/index.ts': "export { one, type Two } from './one.ts'\nexport type { Three } from './three.ts'\n",
    'test/one.test.ts': '',
    ...changes,
  }
  for (const [file, content] of Object.entries(files)) folder.write(path.join('packages/sample', file), content)
  return folder
}

test('the whole skeleton is clean', async () => {
  using folder = packageWith()
  expect(await checkSkeletons(folder.path)).toEqual([])
})

test.each<[string, Record<string, unknown>, string]>([
  ['own lint rules', { 'eslint.config.js': 'export default []\n' }, 'eslint.config.js differs'],
  ['another license', { LICENSE: 'MIT' }, 'LICENSE is not the root one'],
  ['a README of another package', { 'README.md': '# @iron/other\n' }, 'README.md does not open with'],
  ['another name', { 'package.json': { ...manifest, name: '@iron/simple' } }, 'is named @iron/simple'],
  ['side effects', { 'package.json': { ...manifest, sideEffects: true } }, 'sideEffects is not false'],
  ['another Node', { 'package.json': { ...manifest, engines: { node: '>=18' } } }, 'engines is not'],
  ['no description', { 'package.json': { ...manifest, description: undefined } }, 'description is missing'],
  [
    'a source condition for the registry',
    { 'package.json': { ...manifest, publishConfig: { access: 'public', exports: manifest.exports } } },
    'publishConfig.exports is not exports',
  ],
  [
    'private access',
    { 'package.json': { ...manifest, publishConfig: { exports: manifest.publishConfig.exports } } },
    'publishConfig.access',
  ],
  [
    'an entry without a source',
    {
      'package.json': {
        ...manifest,
        exports: { ...manifest.exports, './more': { '@iron/source': './src/more.ts', ...entry } },
      },
    },
    'src/more.ts is exported but missing',
  ],
  ['a star export', { 'src/index.ts': "export * from './one.ts'\n" }, 'more than named re-exports'],
  ['code in the index', { 'src/index.ts': 'export const one = 1\n' }, 'more than named re-exports'],
  [
    'a class that only its module describes',
    { 'src/one.ts': "/** About one. */\nimport 'two'\n\n/** @example new one() */\nexport class one {}\n" },
    'the class one has no sentence in its docstring',
  ],
  ['an empty index', { 'src/index.ts': 'export {}\n' }, 'more than named re-exports'],
])('%s is found', async (_, changes, text) => {
  using folder = packageWith(changes)
  const texts = (await checkSkeletons(folder.path)).map((finding) => finding.text)
  expect(texts.join('\n')).toContain(text)
})
