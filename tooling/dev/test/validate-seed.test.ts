import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import Database from 'better-sqlite3'
import { openDatabase } from '@iron/database'
import { createTestDb } from '@iron/token-manager/testing'
import { REFERENCE } from '../src/commands/reference.ts'
import { seedReference } from '../src/seed-reference.ts'
import { compareWithSeed, validateSeed } from '../src/validate-seed.ts'
import { TEST_ANCHOR_MS, testConfig, testSecrets, tellTestStory } from '../src/test-story.ts'

const expectations = { config: testConfig, secrets: testSecrets }
const DEVELOPER = 'user_01900000-0000-7000-8000-000000000002'
const AGENT = 'agent_01900000-0000-7000-8000-000000000001'

/** Two weeks are told in two seconds, but not on a machine that does much else. */
const SLOW_MS = 120_000

const folder = mkdtempSync(path.join(tmpdir(), 'iron-seeded-'))
const seeded = path.join(folder, 'seeded.db')
let story: Awaited<ReturnType<typeof tellTestStory>>

beforeAll(async () => {
  story = await tellTestStory(TEST_ANCHOR_MS)
  await story.services.database.backup(seeded)
}, SLOW_MS)
afterAll(async () => {
  await story.close()
  rmSync(folder, { recursive: true, force: true })
})

let copies = 0

interface Trigger {
  readonly name: string
  readonly sql: string
}

/** What the validator finds in a seeded database after these statements, as `rule where`. */
async function findingsAfter(...statements: readonly string[]): Promise<string[]> {
  const file = path.join(folder, `copy-${String((copies += 1))}.db`)
  copyFileSync(seeded, file)
  const raw = new Database(file)
  raw.pragma('foreign_keys = OFF')
  // What is planted past the rules of the schema is what the validator is for.
  const triggers = raw.prepare(`SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'`).all() as Trigger[]
  for (const { name } of triggers) raw.exec(`DROP TRIGGER ${name}`)
  for (const statement of statements) raw.exec(statement)
  for (const { sql } of triggers) raw.exec(sql)
  raw.close()
  await using database = await openDatabase(file, { migrations: 'unchecked', readers: 1 })
  const found = await compareWithSeed(database, story.services.database, expectations)
  return found.map(({ rule, where }) => `${rule} ${where}`)
}

test('the seed is the one that seed-reference.md describes', async () => {
  const reference = await seedReference(story.services.database, TEST_ANCHOR_MS)
  expect(reference).toBe(readFileSync(REFERENCE, 'utf8'))
})

describe('validate:seed', () => {
  test(
    'finds nothing in a seeded database, also when it tells the story itself, and changes nothing',
    async () => {
      const { database } = story.services
      const before = await database.read((tx) => tx.sql.selectFrom('sessions').selectAll().execute())
      expect(await findingsAfter()).toEqual([])
      expect(await validateSeed(database, expectations)).toEqual([])
      expect(await database.read((tx) => tx.sql.selectFrom('sessions').selectAll().execute())).toEqual(before)
    },
    SLOW_MS,
  )

  test.each<[string, string, string[]]>([
    ['a missing row', `DELETE FROM spans WHERE span_id = 's9'`, ['row spans']],
    ['an extra row', `INSERT INTO meta (key, value) VALUES ('extra', '1')`, ['row meta']],
    ['a different row', `UPDATE agents SET description = 'other' WHERE id = '${AGENT}'`, ['row agents']],
    [
      'another number of users',
      `INSERT INTO users (id, username, username_key, role, created_at, updated_at) VALUES ('u', 'u', 'u', 'user', 1, 1)`,
      ['count users', 'row users'],
    ],
    ['another number of limits', `DELETE FROM limits WHERE owner_id = '${DEVELOPER}'`, ['count limits', 'row limits']],
    [
      'an accepted token that should be refused',
      `UPDATE api_tokens SET revoked_at = NULL, revoked_by = NULL WHERE name = 'Revoked'`,
      ['row api_tokens', 'token iron_dev_revoked_token_004'],
    ],
    [
      'a refused token that should be accepted',
      `UPDATE api_tokens SET expires_at = 1 WHERE name = 'Developer'`,
      ['row api_tokens', 'token iron_dev_pm_token_002'],
    ],
    [
      'a password that does not verify',
      `UPDATE users SET password_hash = replace(password_hash, substr(password_hash, -5), 'aaaaa') WHERE username = 'viewer'`,
      ['password viewer@iron.test'],
    ],
    [
      'a key that does not open',
      `UPDATE provider_keys SET sealed = (SELECT value FROM meta WHERE key = 'vault.canary.dev1') 
         WHERE provider_id = (SELECT id FROM providers WHERE name = 'anthropic')`,
      ['provider-key anthropic'],
    ],
    [
      'a counter that is not the sum of recorded usage',
      `UPDATE limit_counters SET used = used + 1 WHERE owner_id = '${DEVELOPER}' AND metric = 'cost_per_month'
         AND project_id = '' AND window_start = ${String(Date.UTC(2026, 0, 1))}`,
      ['row limit_counters', `counter ${DEVELOPER}  cost_per_month ${String(Date.UTC(2026, 0, 1))}`],
    ],
    [
      'a ledger that does not add up',
      `UPDATE agent_budgets SET spent_micros = spent_micros + 1 WHERE agent_id = '${AGENT}'`,
      ['row agent_budgets', `ledger ${AGENT}`],
    ],
    [
      'an audit chain that is broken',
      `UPDATE audit_log SET reason = 'other' WHERE seq = 7`,
      ['row audit_log', 'audit entry 7'],
    ],
    [
      'a roll-up that differs from its calls',
      `UPDATE request_rollups SET requests = requests + 1 WHERE (hour_start, subject_id, provider, model, outcome) IN
         (SELECT hour_start, subject_id, provider, model, outcome FROM request_rollups LIMIT 1)`,
      ['row request_rollups', 'roll-up request_rollups'],
    ],
    [
      'a threshold that was not announced',
      `DELETE FROM events WHERE type = 'budget.threshold_reached' AND data LIKE '%"threshold":90%'`,
      ['row events', 'threshold agent_01900000-0000-7000-8000-000000000003 budget.threshold_reached 90'],
    ],
    [
      'a threshold that was announced twice',
      `INSERT INTO events (seq, id, at, type, agent_id, data)
         SELECT 99999, 'evt_twice', at, type, agent_id, data FROM events
         WHERE type = 'budget.threshold_reached' AND data LIKE '%"threshold":90%'`,
      ['row events', 'threshold agent_01900000-0000-7000-8000-000000000003 budget.threshold_reached 90'],
    ],
  ])('finds %s', async (_, statement, expected) => {
    const found = await findingsAfter(statement)
    expect([...new Set(found)].sort()).toEqual([...expected].sort())
  })

  test('finds a key that opens and is another one', async () => {
    const found = await findingsAfter(
      `UPDATE providers SET name = 'x' WHERE name = 'openai'`,
      `UPDATE providers SET name = 'openai' WHERE name = 'anthropic'`,
      `UPDATE providers SET name = 'anthropic' WHERE name = 'x'`,
    )
    expect(found).toEqual(expect.arrayContaining(['provider-key openai', 'provider-key anthropic']))
  })

  test('says that a database was never seeded, or at no instant', async () => {
    await using empty = await createTestDb()
    expect(await validateSeed(empty.db, expectations)).toMatchObject([{ rule: 'seeded', where: 'meta' }])
    await empty.rows(`INSERT INTO meta (key, value) VALUES ('seeded', '{"anchor":"x","seed":42}')`)
    expect(await validateSeed(empty.db, expectations)).toMatchObject([{ rule: 'seeded', where: 'meta' }])
  })
})
