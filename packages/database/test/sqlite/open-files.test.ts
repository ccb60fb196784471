import { copyFile, rename, rm } from 'node:fs/promises'
import { expect, test } from '@jest/globals'
import { DatabaseError, type IronDatabase, openDatabase } from '../../src/index.ts'
import { SqliteConnection } from '../../src/sqlite/connection.ts'
import { createTestPlace } from '../../src/testing.ts'

const write = (db: IronDatabase, key: string): Promise<unknown> =>
  db.write((tx) => tx.sql.insertInto('meta').values({ key, value: 'there' }).execute(), { group: true })

const read = (db: IronDatabase): Promise<unknown> =>
  db.read((tx) => tx.sql.selectFrom('meta').select('key').where('value', '=', 'there').execute())

/** An open database with one row, its file, and what it is refused with. */
async function withFile(work: (db: IronDatabase, file: string) => Promise<void>): Promise<void> {
  const place = await createTestPlace('sqlite')
  try {
    await using db = await openDatabase(place.url)
    await write(db, 'first')
    expect(await read(db)).toEqual([{ key: 'first' }])
    await work(db, place.url)
  } finally {
    await place.remove()
  }
}

async function refusal(work: Promise<unknown>): Promise<DatabaseError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof DatabaseError) return error
  throw new Error(`not refused: ${String(error)}`)
}

test.each([
  ['the database', ''],
  ['its journal', '-wal'],
])('OPS-04 nothing is committed to %s after it was deleted', async (_, suffix) => {
  await withFile(async (db, file) => {
    await rm(`${file}${suffix}`)
    for (const refused of [await refusal(write(db, 'second')), await refusal(db.ping())]) {
      expect(refused.code).toBe('DATABASE_UNAVAILABLE')
      expect(refused.details).toEqual({ reason: 'deleted', file: `${file}${suffix}` })
    }
    // A reader that has it open still reads it.
    expect(await read(db)).toEqual([{ key: 'first' }])
  })
})

test('OPS-04 nothing is committed to a database that was replaced, and everything to one that is back', async () => {
  await withFile(async (db, file) => {
    await rename(file, `${file}.away`)
    await copyFile(`${file}.away`, file)
    expect((await refusal(write(db, 'second'))).details).toEqual({ reason: 'replaced', file })
    await rename(`${file}.away`, file)
    await write(db, 'third')
    expect(await read(db)).toEqual([{ key: 'first' }, { key: 'third' }])
  })
})

test('OPS-01 a file that took no write is as good as none until it takes one, without a write of its callers', async () => {
  await withFile(async (unused, file) => {
    await unused.close()
    await using db = await openDatabase(file, { busyTimeoutMs: 20 })
    const other = new SqliteConnection(file)
    other.command('BEGIN IMMEDIATE')
    // Nobody has been refused: who holds the lock for a moment is no reason to be not ready.
    await db.ping()
    for (const work of [() => write(db, 'first'), () => db.ping(), () => db.ping()]) {
      expect((await refusal(work())).code).toBe('DATABASE_BUSY')
    }
    other.command('COMMIT')
    await db.ping()
    other.command('BEGIN IMMEDIATE')
    await db.ping()
    expect((await refusal(write(db, 'first'))).code).toBe('DATABASE_BUSY')
    other.command('COMMIT')
    await write(db, 'second')
    other.command('BEGIN IMMEDIATE')
    await db.ping()
    other.close()
  })
})

test('OPS-02 one write waits for a lock that another process keeps, those after it fail at once until it is free', async () => {
  await withFile(async (unused, file) => {
    await unused.close()
    const busyTimeoutMs = 300
    await using db = await openDatabase(file, { busyTimeoutMs })
    const other = new SqliteConnection(file)
    const waited = async (work: () => Promise<unknown>): Promise<number> => {
      const began = performance.now()
      expect((await refusal(work())).code).toBe('DATABASE_BUSY')
      return performance.now() - began
    }
    for (const round of ['second', 'third']) {
      other.command('BEGIN IMMEDIATE')
      expect(await waited(() => write(db, round))).toBeGreaterThanOrEqual(busyTimeoutMs - 50)
      for (let again = 0; again < 3; again += 1)
        expect(await waited(() => write(db, round))).toBeLessThan(busyTimeoutMs / 2)
      other.command('COMMIT')
      // It is free, and whoever waits for it is waited for again.
      await write(db, round)
    }
    other.close()
  })
})

test('a journal that is there only later is known from then on', async () => {
  await withFile(async (db, file) => {
    await db.close()
    await using again = await openDatabase(file, { migrations: 'verify' })
    await write(again, 'second')
    await rm(`${file}-wal`)
    expect((await refusal(write(again, 'third'))).details).toMatchObject({ reason: 'deleted' })
  })
})
