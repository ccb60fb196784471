import { cpSync, existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { checkBoundaries } from '../src/boundaries.ts'
import { type Manifest, workspaceMembers } from '../src/workspace.ts'
import { repository, TemporaryFolder } from './temporary-folder.ts'

/** The repository as turbo's boundaries see it: manifests, tags and sources, nothing installed. */
function copyOfRepository(): TemporaryFolder {
  const copy = new TemporaryFolder()
  const take = (file: string): void => {
    const from = path.join(repository, file)
    if (existsSync(from)) cpSync(from, path.join(copy.path, file), { recursive: true })
  }
  for (const file of ['package.json', 'pnpm-workspace.yaml', 'pnpm-lock.yaml', 'turbo.json']) take(file)
  for (const { folder } of workspaceMembers(repository)) {
    for (const file of ['package.json', 'turbo.json', 'src', 'index.ts']) take(path.join(folder, file))
  }
  return copy
}

function plantDependency(copy: TemporaryFolder, folder: string, name: string): void {
  const file = path.join(folder, 'package.json')
  const manifest = JSON.parse(readFileSync(path.join(copy.path, file), 'utf8')) as Manifest
  copy.write(file, { ...manifest, dependencies: { ...manifest.dependencies, [name]: 'workspace:^' } })
}

test('OPS-23 the repository keeps its layers', async () => {
  using copy = copyOfRepository()
  expect(await checkBoundaries(copy.path)).toEqual([])
})

test('OPS-23 an import of a package further right is found', async () => {
  using copy = copyOfRepository()
  plantDependency(copy, 'packages/lease-manager', '@iron/agent-registry')
  copy.write('packages/lease-manager/src/planted.ts', "import '@iron/agent-registry'\n")
  const texts = (await checkBoundaries(copy.path)).map(({ text }) => text).join()
  expect(texts).toMatch(/agent-registry.*registry/)
})

test('OPS-23 an import that no dependency covers is found', async () => {
  using copy = copyOfRepository()
  copy.write('packages/rbac/src/planted.ts', "import { openDatabase } from '@iron/database'\nopenDatabase\n")
  expect(await checkBoundaries(copy.path)).not.toEqual([])
})

test.each([
  ['a sibling', 'packages/token-manager', '@iron/lease-manager'],
  ['the app', 'packages/budget-protocol', '@iron/control-api'],
  ['a layer further right', 'packages/database', '@iron/journal'],
])('OPS-23 a dependency on %s is found', async (_, folder, name) => {
  using copy = copyOfRepository()
  plantDependency(copy, folder, name)
  expect(await checkBoundaries(copy.path)).not.toEqual([])
})

test('OPS-23 R4 what tags cannot say is found: migrations outside of database, anything of ours in a pure package', async () => {
  using copy = copyOfRepository()
  plantDependency(copy, 'packages/journal', '@iron/migrations')
  plantDependency(copy, 'packages/rbac', '@iron/cost-calculator')
  const found = (await checkBoundaries(copy.path)).map(({ where, text }) => `${where} ${text}`)
  expect(found).toEqual(
    expect.arrayContaining([
      'packages/journal depends on @iron/migrations, which only @iron/database may',
      'packages/journal is published and needs the private @iron/migrations at run time',
      'packages/rbac is pure and yet depends on @iron/cost-calculator',
    ]),
  )
})

test('a member without a layer tag is found', async () => {
  using copy = copyOfRepository()
  copy.write('packages/journal/turbo.json', { extends: ['//'] })
  expect((await checkBoundaries(copy.path)).map(({ where }) => where)).toContain('packages/journal')
})
