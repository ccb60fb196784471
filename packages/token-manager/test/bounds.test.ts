import { expect, test } from '@jest/globals'
import { createTestDb, type TestDb } from '@iron/database/testing'
import { LimitEnforcer, ProviderCatalog, ProviderKeyStorage, SessionService } from '../src/index.ts'
import { PASSWORD } from './accounts-support.ts'
import { ADMIN, ANN, freshVault, sessionsOn, TEST_KEY, usersOn } from './support.ts'
import { OWNER, tokensOn } from './tokens-support.ts'

type Call = (size: number, test: TestDb) => Promise<unknown>

const text = (size: number): string => 'ü'.repeat(size)
const ascii = (size: number): string => 'x'.repeat(size)
const FACTS = { name: 'one', kind: 'openai', baseUrl: 'https://api.openai.com/v1', models: ['gpt-4o'] } as const

const issued: (options: (size: number) => object) => Call =
  (options) =>
  (size, { db }) =>
    tokensOn(db).issueToken(OWNER, 'key', ADMIN, options(size))
const created: (user: (size: number) => object) => Call =
  (user) =>
  (size, { db }) =>
    usersOn(db).createUser({ ...ANN, ...user(size) }, ADMIN)
const provided: (facts: (size: number) => object) => Call =
  (facts) =>
  (size, { db }) =>
    new ProviderCatalog(db).create({ ...FACTS, ...facts(size) }, ADMIN)

/** The sizes that http-api 4 admits, from the smallest to the largest: those are taken, and one more or less is named. */
const BOUNDS: readonly (readonly [field: string, min: number, max: number, call: Call])[] = [
  ['name', 1, 100, (size, { db }) => tokensOn(db).issueToken(OWNER, text(size), ADMIN)],
  ['description', 0, 500, issued((size) => ({ description: text(size) }))],
  ['projectId', 1, 100, issued((size) => ({ projectId: text(size) }))],
  ['allowedIps', 0, 50, issued((size) => ({ allowedIps: Array.from({ length: size }, (_, at) => `10.0.0.${at}`) }))],
  [
    'graceMs',
    0,
    7 * 24 * 3_600_000,
    async (graceMs, { db }) => {
      const { token } = await tokensOn(db).issueToken(OWNER, 'key', ADMIN)
      return tokensOn(db).rotateToken(token.id, ADMIN, { graceMs })
    },
  ],
  [
    'reason',
    1,
    1_000,
    async (size, { db }) => {
      const users = usersOn(db)
      const [ann] = (await users.listUsers({ search: 'ann' })).data
      const { id } = ann ?? (await users.createUser(ANN, ADMIN))
      return users.deleteUser(id, ADMIN, { reason: text(size) })
    },
  ],
  ['name', 1, 255, created((size) => ({ name: text(size) }))],
  ['username', 1, 255, created((size) => ({ username: text(size) }))],
  ['email', 3, 255, created((size) => ({ email: `${ascii(size - 2)}@b` }))],
  ['password', 8, 1_000, created((size) => ({ password: text(size) }))],
  ['search', 0, 255, (size, { db }) => usersOn(db).listUsers({ search: text(size) })],
  ['models[0]', 1, 255, provided((size) => ({ models: [text(size)] }))],
  ['models', 1, 100, provided((size) => ({ models: Array.from({ length: size }, (_, at) => `m${at}`) }))],
  ['baseUrl', 9, 2_000, provided((size) => ({ baseUrl: `https://${size > 20 ? 'e.com/' : ''}`.padEnd(size, 'x') }))],
  [
    'apiKey',
    1,
    500,
    async (size, { db }) => {
      const { id } = await new ProviderCatalog(db).create({ ...FACTS, name: `p${size}` }, ADMIN)
      return new ProviderKeyStorage(db, freshVault()).add(id, ascii(size), ADMIN)
    },
  ],
  [
    'projectId',
    1,
    100,
    (size, { db }) =>
      new LimitEnforcer(db, { provisionOwners: true }).create(
        { ownerId: OWNER, projectId: text(size), maxTokensPerDay: 1 },
        ADMIN,
      ),
  ],
]

test.each(BOUNDS)('%s: %d to %d', async (field, min, max, call) => {
  for (const size of [min, max]) {
    await using db = await createTestDb()
    await call(size, db)
  }
  for (const size of [min - 1, max + 1]) {
    // No text and no list is as short as that.
    if (size < 0 && field !== 'graceMs') continue
    await using db = await createTestDb()
    const outcome = await call(size, db).catch((error: unknown) => error)
    expect([size, outcome]).toEqual([
      size,
      expect.objectContaining({ code: 'VALIDATION_ERROR', details: { fields: { [field]: expect.any(String) } } }),
    ])
  }
})

test('an owner has at most ten active tokens unless told otherwise', async () => {
  await using test = await createTestDb()
  const tokens = tokensOn(test.db)
  for (let count = 0; count < 10; count += 1) await tokens.issueToken(OWNER, 'key', ADMIN)
  await expect(tokens.issueToken(OWNER, 'key', ADMIN)).rejects.toMatchObject({
    code: 'TOKEN_LIMIT_EXCEEDED',
    details: { max: 10 },
  })
})

test('a session lasts an hour, its refresh token 30 days; what a client says of itself is cut', async () => {
  await using test = await createTestDb()
  await usersOn(test.db).createUser(ANN, ADMIN)
  const sessions = new SessionService(test.db, { keys: [TEST_KEY], bcryptCost: 4 })
  const answer = await sessions.login(ANN.email, PASSWORD, { ip: ascii(60), userAgent: `\u0007${text(600)}` })
  if (answer.outcome !== 'ok') throw new Error(answer.outcome)
  const { expiresAt, refreshExpiresAt } = answer.tokens
  expect([expiresAt - test.clock.now(), refreshExpiresAt - test.clock.now()]).toEqual([3_600_000, 30 * 24 * 3_600_000])
  const [session] = (await sessions.list({ userId: answer.user.id })).data
  expect(session).toMatchObject({ ip: ascii(45), userAgent: ` ${text(499)}` })
  expect(() => sessionsOn(test.db, { keys: [{ kid: 'k', secret: ascii(31) }] })).toThrow(
    expect.objectContaining({ code: 'WEAK_SECRET' }),
  )
  sessionsOn(test.db, { keys: [{ kid: 'k', secret: ascii(32) }] })
})
