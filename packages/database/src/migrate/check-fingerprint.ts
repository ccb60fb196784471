import type { AnySchema, Engine, MigrationStep } from '@iron/migrations'
import { sql } from 'kysely'
import { describeSchema, differencesOf, type SchemaObject } from './describe-schema.ts'
import { expectedSchema } from './expected-schema.ts'
import { fingerprintOf } from './fingerprint.ts'
import { mismatch, type RecordedStep } from './history.ts'

/** Differences named in one error; a database of something else would fill a log. */
const DIFFERENCES_MAX = 50

/**
 * Refuses a schema that is not what the recorded steps made. A fingerprint that differs is looked at closely: a newer major
 * version of PostgreSQL, or of this package, may spell the same schema differently, so it is compared with one made here and
 * now by the same steps. `closely` does so in any case: whoever can drop a trigger can also record the new fingerprint.
 *
 * @throws {DatabaseError} SCHEMA_MISMATCH, reason `dirty`, with the differences
 */
export async function checkFingerprint(
  db: AnySchema,
  engine: Engine,
  recorded: readonly RecordedStep[],
  shipped: readonly MigrationStep[],
  closely = false,
): Promise<void> {
  const last = recorded.at(-1)
  if (last === undefined) return
  const live = await describeSchema(db, engine)
  const isAsRecorded = fingerprintOf(live) === last.schemaHash
  if (isAsRecorded && !closely) return
  const expected = await builtHere(db, engine, shipped.slice(0, recorded.length))
  if (isAsRecorded && expected === undefined) return
  const differences = expected === undefined ? undefined : differencesOf(expected, live)
  if (differences?.length === 0) return
  throw mismatch('dirty', 'the schema of the database is not the one its migrations made', {
    number: last.number,
    ...(differences === undefined
      ? {}
      : { differences: differences.slice(0, DIFFERENCES_MAX), count: differences.length }),
  })
}

/** Undefined when the role may not create a schema to compare with; the refusal then names no differences. */
async function builtHere(
  db: AnySchema,
  engine: Engine,
  steps: readonly MigrationStep[],
): Promise<SchemaObject[] | undefined> {
  if (engine === 'sqlite') return expectedSchema(db, engine, steps)
  await sql`BEGIN ISOLATION LEVEL READ COMMITTED`.execute(db)
  try {
    const { rows } = await sql<{ may: boolean }>`
      SELECT has_database_privilege(current_database(), 'CREATE') AS may
    `.execute(db)
    return rows[0]?.may === true ? await expectedSchema(db, engine, steps) : undefined
  } finally {
    await sql`ROLLBACK`.execute(db)
  }
}
