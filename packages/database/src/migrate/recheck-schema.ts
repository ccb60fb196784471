import { type AnySchema, type Engine, steps as shipped } from '@iron/migrations'
import { describeSchema } from './describe-schema.ts'
import { fingerprintOf } from './fingerprint.ts'
import { decideHistory, mismatch, refuseHistory } from './history.ts'
import { readHistory } from './read-history.ts'

/**
 * Reads whether a database that was accepted at the start still is what it was: all steps of this version, and the schema that the
 * last one recorded. Steps of a newer version behind them are no fault: in a rolling upgrade they run first, only add, and a
 * process that is running goes on (data-model 9.8); none of this version starts any more.
 *
 * @returns false when only the fingerprint differs, which another spelling of the same schema does too
 * @throws {DatabaseError} SCHEMA_MISMATCH, MIGRATION_CHECKSUM_MISMATCH
 */
export async function isAsRecorded(db: AnySchema, engine: Engine): Promise<boolean> {
  const found = await readHistory(db, engine)
  const decision = decideHistory(found, shipped)
  if (decision.outcome !== 'newer') refuseHistory(decision)
  if (found.kind !== 'recorded' || decision.outcome === 'pending') {
    throw mismatch('outdated', 'the database has lost migrations of this version', { shipped: shipped.length })
  }
  return fingerprintOf(await describeSchema(db, engine)) === found.steps.at(-1)?.schemaHash
}
