/**
 * What single calls cost, counted in the roll-ups of their hour and in its sums (data-model 3.6), so that a median is exact and
 * still needs no calls. Hours that are rolled up already hold no such counts: which are the first that do is noted.
 */
import { sql } from 'kysely'
import type { AnySchema, Engine } from './step.ts'

const HOUR_MS = 3_600_000

const TEXT = { sqlite: 'text', postgres: 'text collate "C"' } as const

export async function up(db: AnySchema, engine: Engine): Promise<void> {
  for (const table of ['request_rollups', 'request_sums']) {
    await sql.raw(`ALTER TABLE ${table} ADD COLUMN costs ${TEXT[engine]} DEFAULT '{}' NOT NULL`).execute(db)
  }
  const noted = `CAST(CAST(value AS bigint) + ${String(HOUR_MS)} AS text)`
  await sql
    .raw(`INSERT INTO meta (key, value) SELECT 'rollup.costs', ${noted} FROM meta WHERE key = 'rollup.hour'`)
    .execute(db)
}
