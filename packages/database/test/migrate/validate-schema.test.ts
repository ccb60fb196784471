import { describe, expect, test } from '@jest/globals'
import { enginesForTests } from '@iron/test-kit'
import { sql } from 'kysely'
import { faultOf } from '../../src/migrate/foreign-key-layers.ts'
import { validateSchema } from '../../src/migrate/validate-schema.ts'
import { SqliteConnection } from '../../src/sqlite/connection.ts'
import { SqliteDatabase } from '../../src/sqlite/sqlite-database.ts'
import { createTestDb, type TestDb } from '../../src/testing.ts'

async function after(test: TestDb, ...statements: string[]): Promise<{ rule: string; where: string }[]> {
  for (const statement of statements) await test.rows(statement)
  return (await validateSchema(test.db)).map(({ rule, where }) => ({ rule, where }))
}

function asSqlite({ db }: TestDb): SqliteDatabase {
  if (!(db instanceof SqliteDatabase)) throw new Error('not SQLite')
  return db
}

describe.each(await enginesForTests())('validateSchema on %s', (dialect) => {
  const on = (table: string): string => (dialect === 'postgres' ? ` ON ${table}` : '')

  test('finds nothing in a migrated database, and leaves nothing in it', async () => {
    await using fresh = await createTestDb({ dialect })
    expect(await validateSchema(fresh.db)).toEqual([])
    for (const table of ['audit_log', 'events', 'ledger_entries', 'requests', 'request_keys', 'agent_budgets']) {
      expect([table, await fresh.rows(`SELECT * FROM ${table}`)]).toEqual([table, []])
    }
    expect(await fresh.scalar('SELECT sum(head_seq) FROM log_heads')).toBe(0)
  })

  test('finds nothing in a database in use', async () => {
    await using used = await createTestDb({ dialect })
    const event =
      "INSERT INTO events (seq, id, at, type, agent_id, data) VALUES (1, 'evt', 1, 'agent.created', 'a', '{}')"
    expect(await after(used, event)).toEqual([])
    expect(await used.scalar("SELECT head_seq FROM log_heads WHERE name = 'events'")).toBe(1)
  })

  test.each([
    ['audit_log', 'audit_log_no_update'],
    ['audit_log', 'audit_log_no_delete'],
    ['events', 'events_no_update'],
    ['events', 'events_no_delete'],
    ['ledger_entries', 'ledger_entries_no_update'],
    ['ledger_entries', 'ledger_entries_no_delete'],
    ['request_keys', 'request_keys_no_update'],
    ['request_keys', 'request_keys_no_delete'],
  ])('DAT-09 %s without %s is told twice: missing, and what is accepted', async (table, trigger) => {
    await using damaged = await createTestDb({ dialect })
    expect(await after(damaged, `DROP TRIGGER ${trigger}${on(table)}`)).toEqual([
      { rule: 'schema', where: `trigger ${trigger}` },
      { rule: 'append-only', where: table },
    ])
  })

  test('DAT-08 names every other difference', async () => {
    await using damaged = await createTestDb({ dialect })
    expect(
      await after(
        damaged,
        'DROP INDEX users_email',
        'DROP VIEW user_name',
        'CREATE INDEX events_at ON events (at)',
        'ALTER TABLE users ADD COLUMN nickname text',
      ),
    ).toEqual([
      { rule: 'schema', where: 'index users_email' },
      { rule: 'schema', where: 'table users' },
      { rule: 'schema', where: 'view user_name' },
      { rule: 'schema', where: 'index events_at' },
    ])
  })

  test('DAT-03 tells a wrong list of steps', async () => {
    await using damaged = await createTestDb({ dialect })
    const found = await after(damaged, `UPDATE schema_migrations SET checksum = '${'e'.repeat(64)}'`)
    expect(found).toEqual([{ rule: 'migrations', where: 'schema_migrations' }])
  })

  test('DAT-03 tells a fingerprint that is not that of the schema', async () => {
    await using damaged = await createTestDb({ dialect })
    const found = await after(damaged, `UPDATE schema_migrations SET schema_hash = '${'e'.repeat(64)}'`)
    expect(found).toEqual([{ rule: 'migrations', where: 'schema_migrations' }])
  })

  test('DAT-26 finds a foreign key to a package that its owner may not import, and to an actor', async () => {
    await using damaged = await createTestDb({ dialect })
    const found = await after(
      damaged,
      'DROP TABLE spans',
      `CREATE TABLE spans (trace_id text NOT NULL PRIMARY KEY REFERENCES agents(id), created_by text REFERENCES users(id))${
        dialect === 'sqlite' ? ' STRICT' : ''
      }`,
    )
    expect(found).toEqual(
      expect.arrayContaining([
        { rule: 'layers', where: 'spans.trace_id' },
        { rule: 'layers', where: 'spans.created_by' },
      ]),
    )
  })
})

describe('validateSchema on sqlite', () => {
  test('DAT-16 finds a table that is not strict', async () => {
    await using damaged = await createTestDb()
    expect(await after(damaged, 'CREATE TABLE loose (id text)')).toEqual([
      { rule: 'strict', where: 'loose' },
      { rule: 'schema', where: 'table loose' },
    ])
  })

  test('DAT-16 finds a connection that does not enforce foreign keys', async () => {
    await using damaged = await createTestDb()
    await asSqlite(damaged).exclusive((db) => sql`PRAGMA foreign_keys = OFF`.execute(db))
    expect(await after(damaged)).toEqual([{ rule: 'foreign-keys', where: 'connection' }])
  })

  test.each([
    ['a type', '"started_at" integer', '"started_at" text'],
    ['a default', `default '{}'`, `default '[]'`],
    ['a check', `status IN ('ok', 'error')`, `status IN ('ok', 'error', 'lost')`],
    ['a key', 'primary key ("trace_id", "span_id")', 'primary key ("span_id", "trace_id")'],
    ['a column that is missing', '"duration_ms" integer,', ''],
  ])('DAT-08 finds %s that differs', async (_, text, other) => {
    await using damaged = await createTestDb()
    const made = await damaged.scalar<string>(`SELECT sql FROM sqlite_schema WHERE name = 'spans'`)
    expect(made).toContain(text)
    const indexes = await damaged.rows<{ sql: string }>(
      `SELECT sql FROM sqlite_schema WHERE tbl_name = 'spans' AND type = 'index' AND sql IS NOT NULL`,
    )
    const without = other === '' ? made.replace(/constraint "spans_duration_ms_check" check \([^,]*\),?/, '') : made
    const statements = ['DROP TABLE spans', without.replace(text, other), ...indexes.map(({ sql: index }) => index)]
    expect(await after(damaged, ...statements)).toEqual([{ rule: 'schema', where: 'table spans' }])
  })

  test('finds a table that is missing', async () => {
    await using damaged = await createTestDb()
    const found = await after(damaged, 'DROP TABLE spans')
    expect(found).toContainEqual({ rule: 'schema', where: 'table spans' })
  })

  test('finds a file that is not sound', async () => {
    await using damaged = await createTestDb({ storage: 'file' })
    const other = new SqliteConnection(asSqlite(damaged).file as string)
    other.command('PRAGMA ignore_check_constraints = ON')
    other.command(
      "INSERT INTO providers (id, name, kind, base_url, created_at, updated_at) VALUES ('', 'n', 'openai', 'u', 1, 1)",
    )
    other.close()
    expect((await after(damaged)).map(({ rule }) => rule)).toContain('integrity')
  })

  test('finds a row without its parent', async () => {
    await using damaged = await createTestDb({ storage: 'file' })
    const other = new SqliteConnection(asSqlite(damaged).file as string)
    other.command('PRAGMA foreign_keys = OFF')
    other.command(
      'INSERT INTO sessions (id, user_id, refresh_hash, created_at, refreshed_at, expires_at) VALUES ' +
        `('s', 'nobody', '${'a'.repeat(64)}', 1, 1, 1)`,
    )
    other.close()
    expect(await after(damaged)).toEqual([{ rule: 'orphan', where: 'sessions' }])
  })
})

test.each([
  [{ table: 'agents', column: 'id', parent: 'agent_budgets' }, undefined],
  [{ table: 'agent_providers', column: 'provider_id', parent: 'providers' }, undefined],
  [{ table: 'api_tokens', column: 'owner_id', parent: 'users' }, undefined],
  [{ table: 'limits', column: 'owner_id', parent: 'users' }, 'points to an actor'],
  [{ table: 'budget_requests', column: 'requester_id', parent: 'users' }, 'points to an actor'],
  [
    { table: 'agent_budgets', column: 'agent_id', parent: 'agents' },
    'points from lease-manager to agent-registry, which it may not import',
  ],
  [
    { table: 'leases', column: 'provider_id', parent: 'providers' },
    'points from lease-manager to token-manager, which it may not import',
  ],
  [
    { table: 'events', column: 'agent_id', parent: 'agents' },
    'points from journal to agent-registry, which it may not import',
  ],
  [{ table: 'agents', column: 'id', parent: 'notes' }, 'joins a table that is not part of the schema'],
])('DAT-26 %j', (key, fault) => {
  expect(faultOf(key)).toBe(fault)
})
