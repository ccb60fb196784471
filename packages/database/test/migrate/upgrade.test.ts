import { expect, test } from '@jest/globals'
import { postgresForTests } from '@iron/test-kit'
import { applyMigrations } from '../../src/migrate/apply.ts'
import { ROWS } from '../schema/rows.ts'
import { openEmpty } from './open-empty.ts'
import { LAST, shipped } from './steps.ts'

const older = Array.from({ length: LAST - 1 }, (_, index) => index + 1)
const service = await postgresForTests()
const versions = service === undefined ? test.skip : test

versions.each(older)(
  'DAT-04 DAT-07 schema version %i with data is upgraded while a process of its version goes on writing',
  async (version) => {
    await using database = await openEmpty('postgres')
    const apply = (steps: typeof shipped): Promise<unknown> =>
      applyMigrations(database.host, { mode: 'apply', appVersion: '1.2.3', steps })
    await apply(shipped.slice(0, version))
    const known = await database.rows<{ name: string }>(
      'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = current_schema()',
    )
    const tables = Object.keys(ROWS).filter((table) => known.some(({ name }) => name === table))
    expect(tables.length).toBeGreaterThan(20)
    for (const table of tables) {
      const row = ROWS[table] ?? {}
      const columns = Object.keys(row)
      const places = columns.map(() => '?').join(', ')
      await database.rows(`INSERT INTO ${table} (${columns.join(', ')}) VALUES (${places})`, ...Object.values(row))
    }
    const kept = async (): Promise<unknown[]> => {
      const counts = []
      for (const table of tables) counts.push((await database.rows(`SELECT * FROM ${table}`)).length)
      return counts
    }
    const before = await kept()

    const [{ schema }] = (await database.rows<{ schema: string }>('SELECT current_schema() AS schema')) as [
      { schema: string },
    ]
    await using process = await openEmpty('postgres', { schema })
    const upgraded = new AbortController()
    const isUpgraded = (): boolean => upgraded.signal.aborted
    let written = 0
    const writing = (async () => {
      while (!isUpgraded() || written < 20) {
        await process.rows("UPDATE users SET name = ?, updated_at = updated_at + 1 WHERE id = 'user-1'", `n${written}`)
        written += 1
      }
    })()
    await apply(shipped)
    upgraded.abort()
    await writing

    expect(await kept()).toEqual(before)
    expect(await database.rows("SELECT updated_at FROM users WHERE id = 'user-1'")).toEqual([
      { updated_at: 1 + written },
    ])
    await applyMigrations(database.host, { mode: 'verify', closely: true, appVersion: '1.2.3' })
  },
  60_000,
)
