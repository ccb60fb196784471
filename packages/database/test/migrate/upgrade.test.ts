/** Every earlier version of the schema, with a row in every table, becomes this version's; nothing is lost on the way. */
import { describe, expect, test } from '@jest/globals'
import { enginesForTests } from '@iron/test-kit'
import { applyMigrations } from '../../src/migrate/apply.ts'
import { describeSchema } from '../../src/migrate/describe-schema.ts'
import { ROWS } from '../schema/rows.ts'
import { type EmptyDatabase, openEmpty } from './open-empty.ts'
import { LAST, NUMBERS, shipped } from './steps.ts'

const apply = { mode: 'apply', appVersion: '1.2.3' } as const

async function tablesOf({ db, dialect }: EmptyDatabase): Promise<string[]> {
  const objects = await describeSchema(db, dialect)
  return objects.filter(({ kind }) => kind === 'table').map(({ name }) => name)
}

async function fill(database: EmptyDatabase): Promise<void> {
  const tables = await tablesOf(database)
  for (const [table, row] of Object.entries(ROWS)) {
    if (!tables.includes(table)) continue
    const places = Object.keys(row).map(() => '?')
    const text = `INSERT INTO ${table} (${Object.keys(row).join(', ')}) VALUES (${places.join(', ')})`
    await database.rows(text, ...Object.values(row))
  }
}

async function contents(database: EmptyDatabase, tables: readonly string[]): Promise<[string, unknown[]][]> {
  const found: [string, unknown[]][] = []
  for (const table of tables) {
    if (table !== 'schema_migrations') found.push([table, await database.rows(`SELECT * FROM ${table}`)])
  }
  return found
}

describe.each(await enginesForTests())('DAT-01 a database of %s', (dialect) => {
  test.each(NUMBERS.slice(0, -1))('that has the steps up to %d gets those after it', async (number) => {
    await using old = await openEmpty(dialect)
    await applyMigrations(old.host, { ...apply, steps: shipped.slice(0, number) })
    await fill(old)
    const tables = await tablesOf(old)
    const before = await contents(old, tables)
    expect(before.filter(([, rows]) => rows.length === 0)).toEqual([])

    let copies = 0
    const backup = async (): Promise<string> => `copy-${String((copies += 1))}.db`
    expect(await applyMigrations({ ...old.host, backup }, apply)).toEqual({
      applied: NUMBERS.slice(number),
      version: LAST,
    })
    expect(copies).toBe(1)
    expect(await contents(old, tables)).toEqual(before)

    await using fresh = await openEmpty(dialect)
    await applyMigrations(fresh.host, apply)
    expect(await describeSchema(old.db, dialect)).toEqual(await describeSchema(fresh.db, dialect))
  })

  test('may have its list indexes before the step that makes them', async () => {
    await using old = await openEmpty(dialect)
    const place = shipped.findIndex(({ name }) => name === 'list_indexes')
    await applyMigrations(old.host, { ...apply, steps: shipped.slice(0, place) })
    await shipped[place]?.up(old.db, dialect)
    const built = await describeSchema(old.db, dialect)
    await shipped[place]?.up(old.db, dialect)
    expect(await describeSchema(old.db, dialect)).toEqual(built)
  })
})
