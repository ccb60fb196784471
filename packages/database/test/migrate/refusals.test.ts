import { describe, expect, test } from '@jest/globals'
import { enginesForTests } from '@iron/test-kit'
import { applyMigrations } from '../../src/migrate/apply.ts'
import { describeSchema } from '../../src/migrate/describe-schema.ts'
import { type EmptyDatabase, openEmpty } from './open-empty.ts'
import { addColumn, LAST, NEXT, shipped } from './steps.ts'

const apply = { mode: 'apply', appVersion: '1.2.3' } as const
const verify = { mode: 'verify', appVersion: '1.2.3' } as const
const steps = [...shipped, addColumn]

async function migrated(dialect: 'sqlite' | 'postgres'): Promise<EmptyDatabase> {
  const database = await openEmpty(dialect)
  await applyMigrations(database.host, { ...apply, steps })
  return database
}

/** Neither mode serves on the database, and neither changes it. */
async function expectRefusal(database: EmptyDatabase, shippedSteps: typeof steps, expected: object): Promise<void> {
  const before = await describeSchema(database.db, database.dialect)
  for (const mode of ['apply', 'verify'] as const) {
    const outcome = applyMigrations(database.host, { mode, appVersion: '1.2.3', steps: shippedSteps })
    await expect(outcome).rejects.toMatchObject(expected)
  }
  expect(await describeSchema(database.db, database.dialect)).toEqual(before)
}

const mismatch = (reason: string): object => ({ code: 'SCHEMA_MISMATCH', details: { reason } })

describe.each(await enginesForTests())('DAT-02 start on %s refuses', (dialect) => {
  test('missing steps when it may only verify, and says whether there is data to lose', async () => {
    await using database = await openEmpty(dialect)
    await expect(applyMigrations(database.host, verify)).rejects.toMatchObject({
      code: 'SCHEMA_MISMATCH',
      details: {
        reason: 'outdated',
        recorded: 0,
        shipped: LAST,
        pending: shipped.map(({ name }) => name),
        holdsData: false,
      },
    })
    expect(await describeSchema(database.db, dialect)).toEqual([])
    await applyMigrations(database.host, apply)
    await database.rows("INSERT INTO meta (key, value) VALUES ('greeting', 'hello')")
    await expect(applyMigrations(database.host, { ...verify, steps })).rejects.toMatchObject({
      details: { reason: 'outdated', recorded: LAST, shipped: NEXT, pending: ['add_column'], holdsData: true },
    })
  })

  test('tables of somebody else', async () => {
    await using database = await openEmpty(dialect)
    await database.rows('CREATE TABLE notes (id text)')
    await expectRefusal(database, steps, mismatch('unknown'))
  })

  test("another tool's schema_migrations", async () => {
    await using database = await openEmpty(dialect)
    await database.rows('CREATE TABLE schema_migrations (version text)')
    await database.rows("INSERT INTO schema_migrations (version) VALUES ('20200101')")
    await expectRefusal(database, steps, mismatch('unknown'))
  })

  test('our tables without their history', async () => {
    await using database = await migrated(dialect)
    await database.rows('DELETE FROM schema_migrations')
    await expectRefusal(database, steps, mismatch('unknown'))
  })

  test('a database of a newer version', async () => {
    await using database = await migrated(dialect)
    await expectRefusal(database, [...shipped], mismatch('newer'))
  })

  test('DAT-03 another history', async () => {
    await using database = await migrated(dialect)
    await expectRefusal(database, [...shipped, { ...addColumn, name: 'other' }], mismatch('diverged'))
    await database.rows('DELETE FROM schema_migrations WHERE number = 1')
    await expectRefusal(database, steps, mismatch('diverged'))
  })

  test('DAT-03 an edited step', async () => {
    await using database = await migrated(dialect)
    await expectRefusal(database, [...shipped, { ...addColumn, checksum: 'e'.repeat(64) }], {
      code: 'MIGRATION_CHECKSUM_MISMATCH',
      details: { number: NEXT, name: 'add_column' },
    })
  })

  test('DAT-03 an edited step in front of one that is missing', async () => {
    await using database = await openEmpty(dialect)
    await applyMigrations(database.host, apply)
    const [baseline, ...others] = shipped
    await expectRefusal(
      database,
      [{ ...(baseline as (typeof shipped)[number]), checksum: 'e'.repeat(64) }, ...others, addColumn],
      {
        code: 'MIGRATION_CHECKSUM_MISMATCH',
      },
    )
  })

  const on = (table: string): string => (dialect === 'postgres' ? ` ON ${table}` : '')
  const damages: [damage: string, statement: string, object: string, text: string][] = [
    [
      'a dropped trigger',
      `DROP TRIGGER audit_log_no_update${on('audit_log')}`,
      'trigger audit_log_no_update',
      'is missing',
    ],
    ['a dropped index', 'DROP INDEX users_email', 'index users_email', 'is missing'],
    ['a dropped view', 'DROP VIEW user_name', 'view user_name', 'is missing'],
    ['another column', 'ALTER TABLE users ADD COLUMN nickname text', 'table users', 'nickname'],
    ['another table', 'CREATE TABLE notes (id text)', 'table notes', 'is not part of the schema'],
    ['another index', 'CREATE INDEX events_at ON events (at)', 'index events_at', 'is not part of the schema'],
  ]
  if (dialect === 'postgres') {
    damages.push(
      [
        'a disabled trigger',
        'ALTER TABLE events DISABLE TRIGGER events_no_update',
        'trigger events_no_update',
        'enabled: D',
      ],
      [
        'a dropped check',
        'ALTER TABLE leases DROP CONSTRAINT leases_used_within_granted',
        'table leases',
        'leases_used_within_granted',
      ],
      ['a nullable column', 'ALTER TABLE leases ALTER COLUMN status DROP NOT NULL', 'table leases', 'status'],
      ['another default', 'ALTER TABLE leases ALTER COLUMN spent_micros SET DEFAULT 1', 'table leases', 'DEFAULT 1'],
      ['another type', 'ALTER TABLE meta ALTER COLUMN value TYPE varchar(9)', 'table meta', 'varying(9)'],
      ['another fill factor', 'ALTER TABLE leases RESET (fillfactor)', 'table leases', 'autovacuum'],
      [
        'another function body',
        'CREATE OR REPLACE FUNCTION leases_no_delete() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN OLD; END $$',
        'function leases_no_delete()',
        'RETURN OLD',
      ],
    )
  }
  test.each(damages)('a schema with %s, and names it', async (_, statement, object, text) => {
    await using database = await migrated(dialect)
    await database.rows(statement)
    await expect(applyMigrations(database.host, { ...verify, steps })).rejects.toMatchObject({
      code: 'SCHEMA_MISMATCH',
      details: {
        reason: 'dirty',
        number: NEXT,
        count: 1,
        differences: [{ object, text: expect.stringContaining(text) }],
      },
    })
  })

  test('a dirty schema also when steps are missing', async () => {
    await using database = await openEmpty(dialect)
    await applyMigrations(database.host, apply)
    await database.rows('DROP INDEX users_email')
    await expectRefusal(database, steps, mismatch('dirty'))
  })

  test('nothing when only the spelling of the fingerprint changed', async () => {
    await using database = await migrated(dialect)
    await database.rows(`UPDATE schema_migrations SET schema_hash = '${'0'.repeat(64)}'`)
    expect(await applyMigrations(database.host, { ...verify, steps })).toEqual({ applied: [], version: NEXT })
  })
})
