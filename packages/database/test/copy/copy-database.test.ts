/** DAT-22: a copy and a backup hold everything, as it was at one moment, and nothing else can be made of them. */
import { readdirSync } from 'node:fs'
import path from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { sql } from 'kysely'
import {
  copyDatabase,
  type DialectName,
  type IronDatabase,
  openDatabase,
  verifySchema,
  type WriteTx,
} from '../../src/index.ts'
import { createTestPlace, enginesForTests, type TestPlace } from '../../src/testing.ts'
import { ROWS, type Row } from '../schema/rows.ts'

/** More than a page, so that rows are found where the page before ended. */
const MANY = 2_100

interface Opened extends AsyncDisposable {
  readonly db: IronDatabase
  readonly place: TestPlace
}

async function openOn(dialect: DialectName): Promise<Opened> {
  const place = await createTestPlace(dialect)
  const db = await openDatabase(place.url)
  return {
    db,
    place,
    [Symbol.asyncDispose]: async () => {
      await db.close()
      await place.remove()
    },
  }
}

/** A row of every table; a lease whose successor has the smaller id, text of every kind, many rows, pruned events. */
async function fill(db: IronDatabase): Promise<void> {
  await db.write(fillIn)
}

async function fillIn(tx: WriteTx): Promise<void> {
  const insert = (table: string, rows: Row | Row[]): Promise<unknown> =>
    tx.sql
      .insertInto(table as 'meta')
      .values(rows as never)
      .execute()
  for (const [table, row] of Object.entries(ROWS)) await insert(table, row)
  await insert('leases', { ...(ROWS.leases as Row), id: 'lease-0', supersedes: 'lease-1', idempotency_key: 'grant-2' })
  await insert('meta', { key: 'texts', value: 'ä 🦀 "quoted"\n\\ \t' })
  for (let from = 0; from < MANY; from += 300) {
    await insert(
      'meta',
      Array.from({ length: 300 }, (_, index) => ({ key: `k${String(from + index)}`, value: 'v' })),
    )
  }
  await tx.sql.updateTable('log_heads').set({ floor: 1 }).where('name', '=', 'events').execute()
  await tx.sql.deleteFrom('events').execute()
}

const TABLES = [...Object.keys(ROWS), 'log_heads'] as const

async function contents(db: IronDatabase): Promise<Record<string, unknown[]>> {
  const found: Record<string, unknown[]> = {}
  for (const table of TABLES) {
    const rows = await db.read((tx) =>
      tx.sql
        .selectFrom(table as 'meta')
        .selectAll()
        .execute(),
    )
    found[table] = rows.map((row) => JSON.stringify(Object.entries(row).sort())).sort()
  }
  return found
}

/** What is not among others. */
function missing(rows: readonly unknown[], among: readonly unknown[]): unknown[] {
  const known = new Set(among)
  return rows.filter((row) => !known.has(row))
}

const engines = await enginesForTests()

describe.each(engines)('from %s', (from) => {
  let source: Opened
  beforeAll(async () => {
    source = await openOn(from)
    await fill(source.db)
  })
  afterAll(async () => {
    await source[Symbol.asyncDispose]()
  })

  test.each(engines)('to %s: every row arrives as it was, and the rules of the target stand as before', async (to) => {
    await using target = await openOn(to)
    const phases = new Set<string>()
    const copied = await copyDatabase(source.db, target.db, { onProgress: ({ phase }) => phases.add(phase) })
    expect(await contents(target.db)).toEqual(await contents(source.db))
    expect(copied.tables).toMatchObject({ leases: 2, events: 0, log_heads: 2, meta: MANY + 2 })
    expect([...phases]).toEqual(['copying', 'comparing'])
    await verifySchema(target.db)
    for (const statement of [
      sql`UPDATE ledger_entries SET amount_micros = 1`,
      sql`DELETE FROM audit_log`,
      sql`INSERT INTO api_tokens (id, owner_id, name, created_at) VALUES ('tok-2', 'nobody', 'x', 1)`,
    ]) {
      await expect(target.db.write((tx) => statement.execute(tx.sql))).rejects.toMatchObject({
        code: 'DATABASE_CONSTRAINT',
      })
    }
    // The next event goes where the source would have put it.
    await target.db.write((tx) =>
      tx.sql
        .insertInto('events')
        .values({ ...ROWS.events, seq: 2 } as never)
        .execute(),
    )
  })

  test('what is written meanwhile is not part of it', async () => {
    await using target = await openOn('sqlite')
    const before = await contents(source.db)
    const writes: Promise<unknown>[] = []
    await copyDatabase(source.db, target.db, {
      onProgress: () => {
        const key = `~late${String(writes.length)}`
        writes.push(source.db.write((tx) => tx.sql.insertInto('meta').values({ key, value: '' }).execute()))
      },
    })
    await Promise.all(writes)
    expect(writes.length).toBeGreaterThan(10)
    expect(await contents(target.db)).toEqual(before)
  })

  test('a backup is one whole file made while others write, and is not written over', async () => {
    await using folder = await openOn('sqlite')
    // A writer of another connection, whose commits make the backup API of SQLite begin anew.
    await using writer = await openDatabase(source.place.url)
    const before = await contents(source.db)
    const done = new AbortController()
    let written = 0
    const writing = (async () => {
      for (; !done.signal.aborted; written += 1) {
        const key = `~more${String(written)}`
        await writer.write((tx) => tx.sql.insertInto('meta').values({ key, value: '' }).execute())
      }
    })()
    const file = path.join(path.dirname(folder.place.url), 'new', 'backup.db')
    await source.db.backup(file)
    done.abort()
    await writing
    const { meta: all = [] } = await contents(source.db)
    {
      await using copy = await openDatabase(file, { migrations: 'verify' })
      const { meta = [], ...others } = await contents(copy)
      expect({ ...others, meta: before.meta }).toEqual(before)
      expect(missing(meta, all)).toEqual([])
      expect(missing(before.meta ?? [], meta)).toEqual([])
      expect(all.length).toBe((before.meta?.length ?? 0) + written)
    }
    await expect(source.db.backup(file)).rejects.toMatchObject({
      code: 'COPY_REFUSED',
      details: { reason: 'exists' },
    })
    expect(readdirSync(path.dirname(file))).toEqual(['backup.db'])
  })
})

describe.each(engines)('into %s', (to) => {
  test('a target that holds anything is refused and left as it is', async () => {
    await using source = await openOn('sqlite')
    await using target = await openOn(to)
    await target.db.write((tx) => tx.sql.insertInto('meta').values({ key: 'own', value: '' }).execute())
    await expect(copyDatabase(source.db, target.db)).rejects.toMatchObject({
      code: 'COPY_REFUSED',
      details: { reason: 'not-empty' },
    })
    expect((await contents(target.db)).meta).toHaveLength(1)
    await verifySchema(target.db)
  })

  test('a row without its parent is refused, and nothing of the copy stays', async () => {
    await using source = await openOn('sqlite')
    await using target = await openOn(to)
    await fill(source.db)
    const raw = new Database(source.place.url)
    raw.pragma('foreign_keys = OFF')
    raw.prepare("UPDATE agent_providers SET provider_id = 'gone'").run()
    raw.close()
    await expect(copyDatabase(source.db, target.db)).rejects.toMatchObject({ code: 'DATABASE_CONSTRAINT' })
    expect((await contents(target.db)).meta).toEqual([])
    await verifySchema(target.db)
  })
})

test('a database is not copied into itself', async () => {
  await using source = await openOn('sqlite')
  await expect(copyDatabase(source.db, source.db)).rejects.toMatchObject({ details: { reason: 'same' } })
})
