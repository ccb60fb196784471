import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from '@jest/globals'
import { createTestDb } from '@iron/database/testing'
import { LimitEnforcer, ProviderCatalog } from '../src/index.ts'
import { ADMIN, ANN, sessionsOn, usersOn } from './support.ts'

const packageFolder = path.join(import.meta.dirname, '..')

test('the README does what it says', async () => {
  const readme = await readFile(path.join(packageFolder, 'README.md'), 'utf8')
  const blocks = Array.from(readme.matchAll(/```ts\n(.*?)```/gs), (match) => match[1]!)
  expect(blocks).toHaveLength(5)
  const folder = await mkdtemp(path.join(tmpdir(), 'iron-quick-start-'))
  try {
    const output: string[] = []
    for (const block of blocks) {
      const code = block.replaceAll(/'\.\/(\w+\.db)'/g, (_, file: string) => `'${path.join(folder, file)}'`)
      const run = promisify(execFile)(process.execPath, ['--input-type=module-typescript', '-e', code], {
        cwd: packageFolder,
        timeout: 60_000,
      })
      output.push((await run).stdout)
    }
    expect(output[0]).toBe('3\n')
    expect(output[1]).toContain("outcome: 'ok'")
    expect(output[1]).toMatch(/\nnull\n$/)
    expect(output[2]).toBe('sk-d...def\ntrue\n')
    expect(output[4]).toBe('1\n3\n1\n')
  } finally {
    await rm(folder, { recursive: true })
  }
}, 120_000)

test('on a file, lookups on their own connection see what was committed', async () => {
  await using test = await createTestDb({ storage: 'file' })
  const users = usersOn(test.db)
  const ann = await users.createUser(ANN, ADMIN)
  const sessions = sessionsOn(test.db)
  const login = await sessions.login(ANN.email, ANN.password as string)
  if (login.outcome !== 'ok') throw new Error(login.outcome)
  expect((await sessions.authenticate(login.tokens.accessToken)).outcome).toBe('ok')
  await sessions.end(login.tokens.sessionId, ann.id)
  expect(await sessions.authenticate(login.tokens.accessToken)).toEqual({ outcome: 'refused', code: 'TOKEN_REVOKED' })
  const limits = new LimitEnforcer(test.db)
  await limits.create({ ownerId: ann.id, maxTokensPerDay: 10 }, ADMIN)
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => limits.consume({ ownerId: ann.id }, { tokens: 1 })),
  )
  expect(answers.filter((answer) => answer === null)).toHaveLength(10)
  expect(await limits.room(ann.id)).toMatchObject({ blocked: true })
  expect((await new ProviderCatalog(test.db).list()).total).toBe(0)
})
