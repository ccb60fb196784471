import { describe, expect, test } from '@jest/globals'
import { createTestDb, enginesForTests, type TestDb } from '@iron/database/testing'
import { AuditLog } from '@iron/journal'
import { ProviderCatalog, ProviderKeyStorage, seed, SessionService, TokenManager, UsageTracker } from '../src/index.ts'
import { createTestDbWithSeed, SEED_PASSWORD, SEED_TOKENS, TEST_SECRETS } from '../src/testing.ts'
import { testVault } from '../src/testing/seeded-db.ts'
import { TEST_COST } from './support.ts'

const DAY_MS = 86_400_000
/** Columns that hold what is random by nature. */
const RANDOM = ['password_hash', 'sealed']

/** Every row of every table, without what is random and without what comes from the opening of the database. */
async function rowsOf(test: TestDb): Promise<Record<string, unknown[]>> {
  const tables = ['users', 'api_tokens', 'api_token_secrets', 'limits', 'limit_counters', 'providers', 'provider_keys']
  const logs = ['audit_log', 'requests', 'log_heads']
  const found: Record<string, unknown[]> = {}
  for (const table of [...tables, ...logs]) {
    const rows = await test.rows<Record<string, unknown>>(`SELECT * FROM ${table}`)
    found[table] = rows
      .map((row) => Object.fromEntries(Object.entries(row).filter(([column]) => !RANDOM.includes(column))))
      .map((row) => JSON.stringify(row))
      .sort()
  }
  return found
}

describe.each(await enginesForTests())('seed on %s', (dialect) => {
  test('makes exactly 3 users, 2 keys, 5 tokens and 3 limits, by the hand of system:seed', async () => {
    await using test = await createTestDb({ dialect })
    const options = { anchor: test.clock.now(), vault: testVault(), bcryptCost: TEST_COST }
    expect(await seed(test.db, options)).toEqual({ users: 3, providerKeys: 2, tokens: 5, limits: 3 })
    for (const [table, count] of Object.entries({
      users: 3,
      provider_keys: 2,
      api_tokens: 5,
      limits: 3,
      requests: 15,
    })) {
      expect([table, await test.scalar(`SELECT count(*) FROM ${table}`)]).toEqual([table, count])
    }
    expect(await test.rows('SELECT DISTINCT actor_type, actor_id FROM audit_log')).toEqual([
      { actor_type: 'system', actor_id: 'system:seed' },
    ])
    expect(await new AuditLog(test.db).verify()).toMatchObject({ ok: true })
    expect(await test.scalar(`SELECT value FROM meta WHERE key = 'seeded'`)).toBe(
      JSON.stringify({ anchor: test.clock.now(), seed: 42 }),
    )
    await expect(seed(test.db, options)).rejects.toMatchObject({ code: 'SEED_REFUSED' })
    expect(await test.scalar('SELECT count(*) FROM users')).toBe(3)
  })

  test('each development token is accepted or refused as documented', async () => {
    await using test = await createTestDbWithSeed({ dialect })
    const tokens = new TokenManager(test.db)
    const answers = []
    for (const { secret } of SEED_TOKENS) {
      const answer = await tokens.authenticate(secret)
      answers.push(answer.outcome === 'ok' ? [answer.principal.role, answer.principal.scopes] : answer.code)
    }
    expect(answers).toEqual([
      ['admin', null],
      ['user', null],
      ['viewer', ['agents:read', 'metrics:read']],
      'TOKEN_REVOKED',
      'TOKEN_EXPIRED',
    ])
    test.clock.advance(30 * DAY_MS)
    expect(await tokens.authenticate('iron_dev_pm_token_002')).toMatchObject({ code: 'TOKEN_EXPIRED' })
  })

  test('the password verifies, the provider keys open, and both only with what the tests export', async () => {
    await using test = await createTestDbWithSeed({ dialect })
    const sessions = new SessionService(test.db, { keys: [TEST_SECRETS.jwt], bcryptCost: TEST_COST })
    for (const email of ['admin@iron.test', 'developer@iron.test', 'viewer@iron.test']) {
      expect((await sessions.login(email, SEED_PASSWORD)).outcome).toBe('ok')
    }
    const keys = new ProviderKeyStorage(test.db, testVault())
    const { data } = await new ProviderCatalog(test.db).list()
    const opened = await Promise.all(data.map(async ({ id, name }) => [name, (await keys.unseal(id)).apiKey]))
    expect(opened).toEqual([
      ['anthropic', 'sk-ant-dev-not-a-real-key-0002'],
      ['openai', 'sk-dev-openai-not-a-real-key-0001'],
    ])
  })

  test('usage and counters are those of the plan', async () => {
    await using test = await createTestDbWithSeed({ dialect })
    const tracker = new UsageTracker(test.db)
    const of = (n: number) => tracker.totals({ tokenId: `tok_01900000-0000-7000-8000-00000000000${n}` })
    expect(await of(2)).toMatchObject({ requests: 12, totalTokens: 400_000, cost: 3_000_000 })
    expect(await of(3)).toMatchObject({ requests: 3, totalTokens: 90_000, cost: 300_000 })
    const counted = await test.rows<{ metric: string; project_id: string; used: number | string }>(
      'SELECT metric, project_id, sum(used) AS used FROM limit_counters GROUP BY metric, project_id ORDER BY metric, project_id',
    )
    expect(counted.map(({ metric, project_id, used }) => [metric, project_id, Number(used)])).toEqual([
      ['cost_per_month', '', 3_300_000],
      ['cost_per_month', 'project_alpha', 3_000_000],
      ['requests_per_minute', '', 15],
      ['requests_per_minute', 'project_alpha', 12],
      ['tokens_per_day', '', 490_000],
      ['tokens_per_day', 'project_alpha', 400_000],
    ])
    const viewer = 'user_01900000-0000-7000-8000-000000000003'
    const midnight = test.clock.now() - (test.clock.now() % DAY_MS)
    expect(
      await test.scalar(
        `SELECT used FROM limit_counters WHERE owner_id = ? AND project_id = '' AND metric = 'tokens_per_day' AND window_start = ?`,
        viewer,
        midnight,
      ),
    ).toBe(90_000)
  })

  test('the same anchor gives the same rows', async () => {
    await using one = await createTestDbWithSeed({ dialect })
    await using two = await createTestDbWithSeed({ dialect })
    expect(await rowsOf(two)).toEqual(await rowsOf(one))
  })

  test.each([Date.UTC(2026, 0, 1), Date.UTC(2028, 1, 29, 0, 1), Date.UTC(2026, 11, 31, 23, 59)])(
    'any anchor will do: %i',
    async (at) => {
      await using test = await createTestDbWithSeed({ dialect, at })
      expect(await test.scalar('SELECT max(received_at) FROM requests')).toBeLessThanOrEqual(at)
      expect(await new UsageTracker(test.db).totals()).toMatchObject({ requests: 15, totalTokens: 490_000 })
    },
  )

  test('SEC-29 a database with a user is not seeded, nor is one twice by two at once', async () => {
    await using test = await createTestDb({ dialect })
    const options = { anchor: test.clock.now(), vault: testVault(), bcryptCost: TEST_COST }
    const settled = await Promise.allSettled([seed(test.db, options), seed(test.db, options)])
    expect(settled.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(await test.scalar('SELECT count(*) FROM users')).toBe(3)
    await using used = await createTestDb({ dialect })
    await used.rows(
      `INSERT INTO users (id, username, username_key, role, force_password_change, created_at, updated_at) VALUES ('u', 'u', 'u', 'user', 0, 1, 1)`,
    )
    await expect(seed(used.db, options)).rejects.toMatchObject({ code: 'SEED_REFUSED' })
    expect(await used.scalar('SELECT count(*) FROM providers')).toBe(0)
  })
})

test('without a vault the keys are sealed for good, and the anchor is the minute', async () => {
  await using test = await createTestDb({ at: Date.UTC(2026, 0, 15, 12, 0, 59) })
  await seed(test.db, { bcryptCost: TEST_COST })
  expect(await test.scalar(`SELECT value FROM meta WHERE key = 'seeded'`)).toContain(`${Date.UTC(2026, 0, 15, 12)}`)
  const { data } = await new ProviderCatalog(test.db).list()
  const keys = new ProviderKeyStorage(test.db, testVault())
  await expect(keys.unseal(data[0]?.id ?? '')).rejects.toMatchObject({ code: 'CRYPTO_UNAVAILABLE' })
})
