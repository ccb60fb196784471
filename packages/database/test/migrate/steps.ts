import type { AnySchema, Engine, MigrationStep } from '@iron/migrations'
import { steps } from '@iron/migrations'
import { sql } from 'kysely'

/** The shipped history; tests add steps of their own behind it. */
export const shipped: readonly MigrationStep[] = steps

/** The number of the last shipped step, and of the one behind it. */
export const LAST = shipped.length
export const NEXT = LAST + 1
/** The numbers of all shipped steps. */
export const NUMBERS: readonly number[] = shipped.map(({ number }) => number)

/** A step behind the shipped ones. */
export function step(name: string, up: MigrationStep['up'], number = NEXT): MigrationStep {
  return { number, name, checksum: name.padEnd(64, '0').slice(0, 64), up }
}

export const addColumn = step('add_column', async (db: AnySchema) => {
  await sql`ALTER TABLE meta ADD COLUMN note text`.execute(db)
})

/** Fails after it has changed a table, made one and removed a trigger. */
export const failing = step('failing', async (db: AnySchema, engine: Engine) => {
  await sql`ALTER TABLE meta ADD COLUMN note text`.execute(db)
  await sql`CREATE TABLE half (id text NOT NULL PRIMARY KEY)`.execute(db)
  await sql.raw(`DROP TRIGGER audit_log_no_update${engine === 'postgres' ? ' ON audit_log' : ''}`).execute(db)
  await sql`INSERT INTO meta (key, value) VALUES ('half', 'done')`.execute(db)
  await sql`SELECT * FROM nowhere`.execute(db)
})
