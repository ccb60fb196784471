/**
 * Builds the schema that some steps make, in a place that is thrown away, to compare a database with it. Needed only when a
 * recorded fingerprint does not match, and by `validateSchema`.
 */
import { randomBytes } from 'node:crypto'
import type { AnySchema, Engine, MigrationStep } from '@iron/migrations'
import { sql } from 'kysely'
import { kyselyOn } from '../kysely-executor.ts'
import { SqliteConnection } from '../sqlite/connection.ts'
import { describeSchema, type SchemaObject } from './describe-schema.ts'

/**
 * @param db on PostgreSQL an open transaction that the caller rolls back, of a role that may create a schema; on SQLite the
 * schema is built in memory and `db` is not used
 */
export function expectedSchema(
  db: AnySchema,
  engine: Engine,
  steps: readonly MigrationStep[],
): Promise<SchemaObject[]> {
  return engine === 'sqlite' ? inMemory(steps) : inScratchSchema(db, steps)
}

async function inMemory(steps: readonly MigrationStep[]): Promise<SchemaObject[]> {
  const connection = new SqliteConnection(':memory:')
  try {
    const db: AnySchema = kyselyOn('sqlite', connection)
    for (const step of steps) await step.up(db, 'sqlite')
    return await describeSchema(db, 'sqlite')
  } finally {
    connection.close()
  }
}

async function inScratchSchema(db: AnySchema, steps: readonly MigrationStep[]): Promise<SchemaObject[]> {
  const schema = `iron_expected_${randomBytes(8).toString('hex')}`
  await sql`CREATE SCHEMA ${sql.id(schema)}`.execute(db)
  await sql`SELECT set_config('search_path', ${schema}, true)`.execute(db)
  for (const step of steps) await step.up(db, 'postgres')
  return describeSchema(db, 'postgres')
}
