/**
 * Runs one step so that its changes, its row in schema_migrations and the fingerprint after it commit together or not at all,
 * and so that of two processes that start at once only one runs it (DAT-01, DAT-02).
 */
import type { AnySchema, Engine, MigrationStep } from '@iron/migrations'
import { sql } from 'kysely'
import { DatabaseError } from '../errors.ts'
import { fingerprint } from './fingerprint.ts'
import { decideHistory, refuseHistory } from './history.ts'
import { readHistory } from './read-history.ts'

export interface StepRun {
  readonly dialect: Engine
  readonly shipped: readonly MigrationStep[]
  readonly appVersion: string
  readonly now: () => number
}

/** @returns whether it ran here; false when another process was faster */
export async function runStep(db: AnySchema, step: MigrationStep, run: StepRun): Promise<boolean> {
  // SQLite ignores this inside a transaction; without it, dropping a table that is rebuilt would cascade (data-model 9.4).
  if (run.dialect === 'sqlite') await sql`PRAGMA foreign_keys = OFF`.execute(db)
  try {
    await sql.raw(run.dialect === 'sqlite' ? 'BEGIN IMMEDIATE' : 'BEGIN ISOLATION LEVEL READ COMMITTED').execute(db)
    try {
      const ran = await runInside(db, step, run)
      await sql`COMMIT`.execute(db)
      return ran
    } catch (error) {
      await rollBack(db)
      throw error
    }
  } finally {
    if (run.dialect === 'sqlite') await sql`PRAGMA foreign_keys = ON`.execute(db)
  }
}

/**
 * What went wrong before is told, whatever comes of this: SQLite has already rolled back when the disk is full, and there is no
 * ROLLBACK on a lost connection.
 */
async function rollBack(db: AnySchema): Promise<void> {
  try {
    await sql`ROLLBACK`.execute(db)
  } catch {
    // Nothing is open any more.
  }
}

async function runInside(
  db: AnySchema,
  step: MigrationStep,
  { dialect, shipped, appVersion, now }: StepRun,
): Promise<boolean> {
  if (dialect === 'postgres') await lockMigrations(db)
  const decision = decideHistory(await readHistory(db, dialect), shipped)
  refuseHistory(decision)
  if (decision.outcome === 'current' || decision.steps[0]?.number !== step.number) return false
  try {
    await step.up(db, dialect)
    if (dialect === 'sqlite') await checkForeignKeys(db)
    const row = {
      number: step.number,
      name: step.name,
      checksum: step.checksum,
      schema_hash: await fingerprint(db, dialect),
      app_version: appVersion,
      applied_at: now(),
    }
    await db.insertInto('schema_migrations').values(row).execute()
    return true
  } catch (error) {
    throw new DatabaseError(
      'MIGRATION_FAILED',
      `migration ${String(step.number)} (${step.name}) failed; nothing of it was kept`,
      {
        details: { number: step.number, name: step.name, why: error instanceof Error ? error.message : String(error) },
        cause: error,
      },
    )
  }
}

/** One process at a time in one schema; the lock ends with the transaction. */
async function lockMigrations(db: AnySchema): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(hashtextextended('iron.migrations.' || current_schema(), 0))`.execute(db)
}

/** DAT-05: with foreign keys off, nothing else would notice rows that lost their parent. */
async function checkForeignKeys(db: AnySchema): Promise<void> {
  const { rows } = await sql<{ table: string; parent: string }>`PRAGMA foreign_key_check`.execute(db)
  const [first] = rows
  if (first !== undefined) throw new Error(`a row of ${first.table} has no row in ${first.parent}`)
}
