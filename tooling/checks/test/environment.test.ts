import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from '@jest/globals'
import { checkEnvironment } from '../src/environment.ts'
import { repository, TemporaryFolder } from './temporary-folder.ts'

const turboJson = readFileSync(path.join(repository, 'turbo.json'), 'utf8')

test('R3 the environment reaches the tests', async () => {
  expect(await checkEnvironment(repository)).toEqual([])
})

test('R3 a turbo.json that passes nothing on is found', async () => {
  using folder = new TemporaryFolder()
  folder.write('turbo.json', { ...(JSON.parse(turboJson) as object), globalPassThroughEnv: ['CI'] })
  const texts = (await checkEnvironment(folder.path)).map(({ text }) => text)
  expect(texts).toContain('IRON_REQUIRE_SERVICES does not reach a test')
  expect(texts).toContain('DATABASE_URL does not reach a test')
})
