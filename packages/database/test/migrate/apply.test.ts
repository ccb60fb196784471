import { describe, expect, test } from '@jest/globals'
import { enginesForTests } from '@iron/test-kit'
import { sql } from 'kysely'
import { applyMigrations } from '../../src/migrate/apply.ts'
import { describeSchema } from '../../src/migrate/describe-schema.ts'
import { fingerprint } from '../../src/migrate/fingerprint.ts'
import type { MigrationHost } from '../../src/migrate/host.ts'
import { type EmptyDatabase, openEmpty } from './open-empty.ts'
import { addColumn, failing, LAST, NEXT, NUMBERS, shipped, step } from './steps.ts'

const apply = { mode: 'apply', appVersion: '1.2.3' } as const
const verify = { mode: 'verify', appVersion: '1.2.3' } as const

/** Everything a refused or failed run could have changed. */
async function state(database: EmptyDatabase): Promise<unknown> {
  const objects = await describeSchema(database.db, database.dialect)
  const rows: unknown[] = []
  for (const { kind, name } of objects)
    if (kind === 'table') rows.push([name, await database.rows(`SELECT * FROM ${name}`)])
  return { objects, rows }
}

describe.each(await enginesForTests())('migrating %s', (dialect) => {
  test('an empty database gets every step, recorded with its fingerprint', async () => {
    await using database = await openEmpty(dialect, { now: () => 1_700_000_000_000 })
    expect(await applyMigrations(database.host, apply)).toEqual({ applied: NUMBERS, version: LAST })
    const recorded = await database.rows<{ schema_hash: string }>('SELECT * FROM schema_migrations ORDER BY number')
    expect(recorded).toEqual(
      shipped.map(({ number, name, checksum }) => ({
        number,
        name,
        checksum,
        schema_hash: expect.stringMatching(/^[0-9a-f]{64}$/),
        app_version: '1.2.3',
        applied_at: 1_700_000_000_000,
      })),
    )
    expect(recorded.at(-1)?.schema_hash).toBe(await fingerprint(database.db, dialect))
  })

  test('DAT-01 again is no harm and changes nothing', async () => {
    await using database = await openEmpty(dialect)
    await applyMigrations(database.host, apply)
    const before = await state(database)
    expect(await applyMigrations(database.host, apply)).toEqual({ applied: [], version: LAST })
    expect(await applyMigrations(database.host, verify)).toEqual({ applied: [], version: LAST })
    expect(await state(database)).toEqual(before)
  })

  test('DAT-08 two databases made by the same steps have one fingerprint, whatever they hold', async () => {
    await using one = await openEmpty(dialect)
    await using two = await openEmpty(dialect)
    await applyMigrations(one.host, apply)
    await applyMigrations(two.host, apply)
    await one.rows("INSERT INTO meta (key, value) VALUES ('greeting', 'hello')")
    expect(await fingerprint(one.db, dialect)).toBe(await fingerprint(two.db, dialect))
  })

  test('a database that was upgraded equals a fresh one', async () => {
    const steps = [...shipped, addColumn]
    await using upgraded = await openEmpty(dialect)
    await applyMigrations(upgraded.host, apply)
    expect(await applyMigrations(upgraded.host, { ...apply, steps })).toEqual({ applied: [NEXT], version: NEXT })
    await using fresh = await openEmpty(dialect)
    expect(await applyMigrations(fresh.host, { ...apply, steps })).toEqual({
      applied: [...NUMBERS, NEXT],
      version: NEXT,
    })
    expect(await describeSchema(upgraded.db, dialect)).toEqual(await describeSchema(fresh.db, dialect))
    expect(await applyMigrations(upgraded.host, { ...verify, steps })).toEqual({ applied: [], version: NEXT })
  })

  test('DAT-02 a failing step leaves the database as before', async () => {
    await using database = await openEmpty(dialect)
    await applyMigrations(database.host, apply)
    const before = await state(database)
    const steps = [...shipped, failing]
    await expect(applyMigrations(database.host, { ...apply, steps })).rejects.toMatchObject({
      code: 'MIGRATION_FAILED',
      details: { number: NEXT, name: 'failing', why: expect.stringContaining('nowhere') },
    })
    expect(await state(database)).toEqual(before)
    expect(await applyMigrations(database.host, verify)).toEqual({ applied: [], version: LAST })
  })

  test('DAT-02 the steps before a failing one stay', async () => {
    await using database = await openEmpty(dialect)
    const steps = [...shipped, addColumn, { ...failing, number: NEXT + 1 }]
    await expect(applyMigrations(database.host, { ...apply, steps })).rejects.toMatchObject({
      code: 'MIGRATION_FAILED',
    })
    expect(await applyMigrations(database.host, { ...verify, steps: steps.slice(0, NEXT) })).toEqual({
      applied: [],
      version: NEXT,
    })
  })

  test('DAT-02 a first step that fails leaves nothing at all', async () => {
    await using database = await openEmpty(dialect)
    const steps = [{ ...failing, number: 1 }]
    await expect(applyMigrations(database.host, { ...apply, steps })).rejects.toMatchObject({
      code: 'MIGRATION_FAILED',
    })
    expect(await describeSchema(database.db, dialect)).toEqual([])
  })

  test('OPS-04 what failed is told also where the engine has rolled back by itself, as SQLite does on a full disk', async () => {
    await using database = await openEmpty(dialect)
    await applyMigrations(database.host, apply)
    const before = await state(database)
    const full = step('full', async (db) => {
      await sql`ROLLBACK`.execute(db)
      throw new Error('the disk is full')
    })
    await expect(applyMigrations(database.host, { ...apply, steps: [...shipped, full] })).rejects.toMatchObject({
      code: 'MIGRATION_FAILED',
      details: { number: NEXT, name: 'full', why: 'the disk is full' },
    })
    expect(await state(database)).toEqual(before)
  })

  test('DAT-01 a step runs once', async () => {
    await using database = await openEmpty(dialect)
    let runs = 0
    const counted = step('counted', async () => {
      runs += 1
    })
    const steps = [...shipped, counted]
    await applyMigrations(database.host, { ...apply, steps })
    await applyMigrations(database.host, { ...apply, steps })
    expect(runs).toBe(1)
  })

  test('a backup is made once, before the first step, and only of a database with data', async () => {
    await using database = await openEmpty(dialect)
    const seen: number[] = []
    const host: MigrationHost = {
      ...database.host,
      backup: async () => {
        seen.push((await database.rows('SELECT number FROM schema_migrations')).length)
        return 'copy.db'
      },
    }
    await applyMigrations(host, apply)
    expect(seen).toEqual([])
    await applyMigrations(host, { ...apply, steps: [...shipped, addColumn] })
    expect(seen).toEqual([])
    await database.rows("INSERT INTO meta (key, value) VALUES ('greeting', 'hello')")
    const more = step('more', async () => {}, NEXT + 1)
    const last = step('last', async () => {}, NEXT + 2)
    await applyMigrations(host, { ...apply, steps: [...shipped, addColumn, more, last] })
    expect(seen).toEqual([NEXT])
    await applyMigrations(host, { ...apply, steps: [...shipped, addColumn, more, last] })
    expect(seen).toEqual([NEXT])
  })

  test('a backup that fails stops the migration before its first step', async () => {
    await using database = await openEmpty(dialect)
    await applyMigrations(database.host, apply)
    await database.rows("INSERT INTO meta (key, value) VALUES ('greeting', 'hello')")
    const host: MigrationHost = { ...database.host, backup: () => Promise.reject(new Error('disk full')) }
    await expect(applyMigrations(host, { ...apply, steps: [...shipped, addColumn] })).rejects.toThrow('disk full')
    expect(await applyMigrations(database.host, verify)).toEqual({ applied: [], version: LAST })
  })

  test('DAT-07 a step that adds leaves statements of the older version working', async () => {
    await using database = await openEmpty(dialect)
    await applyMigrations(database.host, apply)
    const insert = "INSERT INTO meta (key, value) VALUES ('old', 'version')"
    await applyMigrations(database.host, { ...apply, steps: [...shipped, addColumn] })
    await database.rows(insert)
    expect(await database.rows('SELECT key, value FROM meta')).toEqual([{ key: 'old', value: 'version' }])
  })
})

describe('migrating sqlite', () => {
  /** Data-model 9.4: create anew, copy, drop, rename, with foreign keys off; a view would not let the table go. */
  const rebuild = step('rebuild', async (db) => {
    const [row] = (
      await sql<{ text: string }>`SELECT sql AS text FROM sqlite_schema WHERE name = 'api_tokens'`.execute(db)
    ).rows
    const text = row?.text ?? ''
    await sql
      .raw(text.replace('"api_tokens"', '"api_tokens_new"').replace('BETWEEN 1 AND 100)', 'BETWEEN 1 AND 200)'))
      .execute(db)
    await sql`INSERT INTO api_tokens_new SELECT * FROM api_tokens`.execute(db)
    await sql`DROP VIEW token_owner`.execute(db)
    await sql`DROP TABLE api_tokens`.execute(db)
    await sql`ALTER TABLE api_tokens_new RENAME TO api_tokens`.execute(db)
    await sql`CREATE INDEX api_tokens_owner ON api_tokens (owner_id, created_at)`.execute(db)
    await sql`CREATE VIEW token_owner AS SELECT id AS token_id, owner_id FROM api_tokens`.execute(db)
  })

  async function withToken(database: EmptyDatabase): Promise<void> {
    await applyMigrations(database.host, apply)
    await database.rows(
      "INSERT INTO users (id, username, username_key, role, created_at, updated_at) VALUES ('u', 'u', 'u', 'admin', 1, 1)",
    )
    await database.rows("INSERT INTO api_tokens (id, owner_id, name, created_at) VALUES ('t', 'u', 'n', 1)")
    await database.rows(
      `INSERT INTO api_token_secrets (token_hash, token_id, hint, created_at) VALUES ('${'a'.repeat(64)}', 't', 'h', 1)`,
    )
  }

  test('DAT-05 a rebuilt table takes nothing with it', async () => {
    await using database = await openEmpty('sqlite')
    await withToken(database)
    expect(await applyMigrations(database.host, { ...apply, steps: [...shipped, rebuild] })).toEqual({
      applied: [NEXT],
      version: NEXT,
    })
    expect(await database.rows('SELECT token_id FROM api_token_secrets')).toEqual([{ token_id: 't' }])
    expect(await database.rows('SELECT * FROM token_owner')).toEqual([{ token_id: 't', owner_id: 'u' }])
    expect(await database.rows('PRAGMA foreign_keys')).toEqual([{ foreign_keys: 1 }])
    await expect(database.rows("DELETE FROM users WHERE id = 'u'")).rejects.toMatchObject({
      code: 'DATABASE_CONSTRAINT',
    })
  })

  test('DAT-05 a step that leaves rows without their parent fails as a whole, with foreign keys on again', async () => {
    await using database = await openEmpty('sqlite')
    await withToken(database)
    const careless = step('careless', async (db) => {
      await sql`DELETE FROM api_tokens`.execute(db)
    })
    await expect(applyMigrations(database.host, { ...apply, steps: [...shipped, careless] })).rejects.toMatchObject({
      code: 'MIGRATION_FAILED',
      details: { why: 'a row of api_token_secrets has no row in api_tokens' },
    })
    expect(await database.rows('SELECT id FROM api_tokens')).toEqual([{ id: 't' }])
    expect(await database.rows('PRAGMA foreign_keys')).toEqual([{ foreign_keys: 1 }])
  })
})
