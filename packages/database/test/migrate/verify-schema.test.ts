import { existsSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { enginesForTests } from '@iron/test-kit'
import { openDatabase, verifySchema } from '../../src/index.ts'
import { fingerprint } from '../../src/migrate/fingerprint.ts'
import { createTestDb, createTestPlace, type TestDb } from '../../src/testing.ts'

/** What somebody does who wants a missing trigger to go unnoticed. */
async function recordFingerprint(test: TestDb): Promise<void> {
  const now = await test.db.write((tx) => fingerprint(tx.sql, tx.dialect))
  await test.rows('UPDATE schema_migrations SET schema_hash = ?', now)
}

describe.each(await enginesForTests())('a damaged database on %s', (dialect) => {
  const dropTrigger = `DROP TRIGGER audit_log_no_update${dialect === 'postgres' ? ' ON audit_log' : ''}`
  const differs = {
    code: 'SCHEMA_MISMATCH',
    details: {
      reason: 'dirty',
      count: 1,
      differences: [{ object: 'trigger audit_log_no_update', text: 'is missing' }],
    },
  }

  test('opens unchecked, shows its rows, and verifySchema says what is wrong with it', async () => {
    const place = await createTestPlace(dialect)
    try {
      {
        await using db = await openDatabase(place.url)
        await verifySchema(db)
        await db.write((tx) => tx.sql.insertInto('meta').values({ key: 'kept', value: 'yes' }).execute())
        await db.write((tx) => tx.execute({ sql: dropTrigger, parameters: [] }))
      }
      await expect(openDatabase(place.url, { migrations: 'verify' })).rejects.toMatchObject(differs)
      await using db = await openDatabase(place.url, { migrations: 'unchecked' })
      const rows = await db.read((tx) => tx.sql.selectFrom('meta').selectAll().where('key', '=', 'kept').execute())
      expect(rows).toEqual([{ key: 'kept', value: 'yes' }])
      await expect(verifySchema(db)).rejects.toMatchObject(differs)
    } finally {
      await place.remove()
    }
  })

  test('is found also when its new fingerprint was recorded', async () => {
    await using damaged = await createTestDb({ dialect })
    await damaged.rows(dropTrigger)
    await recordFingerprint(damaged)
    await expect(verifySchema(damaged.db)).rejects.toMatchObject(differs)
  })
})

test.each(['unchecked', 'verify'] as const)(
  'DAT-23 opening %s makes neither a file nor a folder',
  async (migrations) => {
    const place = await createTestPlace('sqlite')
    try {
      const missing = path.join(path.dirname(place.url), 'folder', 'missing.db')
      await expect(openDatabase(missing, { migrations })).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE' })
      await expect(openDatabase(place.url, { migrations })).rejects.toMatchObject({
        code: 'DATABASE_UNAVAILABLE',
        message: 'there is no database file, or its folder cannot be written',
      })
      expect([existsSync(path.dirname(missing)), existsSync(place.url)]).toEqual([false, false])
    } finally {
      await place.remove()
    }
  },
)

test('memory that is only verified is an outdated database, not a missing one', async () => {
  await expect(openDatabase(':memory:', { migrations: 'verify' })).rejects.toMatchObject({
    code: 'SCHEMA_MISMATCH',
    details: { reason: 'outdated', holdsData: false },
  })
})
