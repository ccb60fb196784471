/**
 * DAT-04, DAT-07, data-model 9.9: what an installation of each released schema version left behind is upgraded by this version, loses
 * nothing, and still proves itself. The files are made by `pnpm --filter @iron/cluster freeze` and kept for ever.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from '@jest/globals'
import { migrations, openDatabase, tableCounts } from '@iron/database'
import { createTestPlace, enginesForTests, type TestPlace } from '@iron/database/testing'
import { AuditLog } from '@iron/journal'
import pg from 'pg'
import { examine } from '../../src/commands/verify/examine.ts'

const folder = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../../../migrations/frozen')
const LAST = migrations.length
const kept = readdirSync(folder)
const nameOf = (number: number, engine: string): string => `${String(number).padStart(4, '0')}.${engine}.sql`

/** Tables that stay empty in a short life: they are filled for 1,024 rows, or 64, at once. */
const WRITTEN_LATE = new Set(['actor_entries', 'agent_events', 'lease_entries'])

/** The installation as its version left it. */
async function thaw(dialect: 'sqlite' | 'postgres', number: number): Promise<TestPlace> {
  const text = readFileSync(path.join(folder, nameOf(number, dialect)), 'utf8')
  if (dialect === 'sqlite') {
    const home = mkdtempSync(path.join(tmpdir(), 'iron-frozen-'))
    const file = path.join(home, 'frozen.db')
    const database = new DatabaseSync(file)
    database.exec(text)
    database.close()
    return { url: file, remove: async () => rmSync(home, { recursive: true }) }
  }
  const place = await createTestPlace(dialect)
  const client = new pg.Client({ connectionString: place.url })
  await client.connect()
  // It comes with the schema of this version.
  await client.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public')
  await client.query(text)
  await client.end()
  return place
}

async function countsIn(url: string): Promise<Readonly<Record<string, number>>> {
  await using database = await openDatabase(url, { migrations: 'unchecked' })
  return await tableCounts(database)
}

const numbers = Array.from({ length: LAST }, (_, index) => index + 1)

// The last one has been made by its own version before the next one comes.
test('every earlier schema version is kept, for both engines', () => {
  const earlier = numbers.slice(0, -1)
  const expected = earlier.flatMap((number) => ['postgres', 'sqlite'].map((engine) => nameOf(number, engine)))
  expect(kept).toEqual(expect.arrayContaining(expected))
})

describe.each(await enginesForTests())('on %s', (dialect) => {
  const known = numbers.filter((number) => kept.includes(nameOf(number, dialect)))
  test.each(known)('an installation of schema version %i is upgraded whole', async (number) => {
    const place = await thaw(dialect, number)
    try {
      const before = await countsIn(place.url)
      expect(Object.keys(before).filter((table) => before[table] === 0 && !WRITTEN_LATE.has(table))).toEqual([])
      if (number < LAST) {
        await expect(openDatabase(place.url, { migrations: 'verify' })).rejects.toMatchObject({
          code: 'SCHEMA_MISMATCH',
          details: { reason: 'outdated', recorded: number, shipped: LAST, holdsData: true },
        })
      }
      await using upgraded = await openDatabase(place.url, { migrations: 'apply' })
      const { meta = 0, ...after } = await tableCounts(upgraded)
      const { meta: metaBefore = 0, ...rowsBefore } = before
      expect(after).toMatchObject(rowsBefore)
      // A step may note since when it holds.
      expect(meta).toBeGreaterThanOrEqual(metaBefore)
      const findings = await examine(upgraded, new AuditLog(upgraded), { audit: undefined, ledger: [] })
      expect(findings).toMatchObject({ ok: true, schema: { ok: true }, audit: { ok: true }, ledger: { ok: true } })
      expect(findings.ledger.heads).toHaveLength(2)
    } finally {
      await place.remove()
    }
  })
})
