/**
 * Brings a database to the schema of this version, or refuses it. Whatever it refuses, nothing was written: the server never
 * serves on a schema that it does not expect (DAT-02).
 */
import { type AnySchema, type MigrationStep, steps as shippedSteps } from '@iron/migrations'
import { checkFingerprint } from './check-fingerprint.ts'
import { checkShipped, decideHistory, mismatch, refuseHistory } from './history.ts'
import type { MigrationHost } from './host.ts'
import { holdsData, readHistory } from './read-history.ts'
import { runStep } from './run-step.ts'

/** How {@link applyMigrations} treats steps that have not run yet. */
export interface ApplyOptions {
  /** `verify` refuses them as `outdated` instead of running them. */
  readonly mode: 'apply' | 'verify'
  /** Recorded with every step that runs. */
  readonly appVersion: string
  /** Compares the schema with one made here and now also when it has the recorded fingerprint. */
  readonly closely?: boolean | undefined
  /** Default: the steps of this version. */
  readonly steps?: readonly MigrationStep[] | undefined
}

/** What {@link applyMigrations} did. */
export interface Applied {
  /** Numbers of the steps that ran here, in order. */
  applied: number[]
  /** Number of the last step of the database. */
  version: number
}

/**
 * @throws {DatabaseError} SCHEMA_MISMATCH with `details.reason` `outdated`, `newer`, `unknown`, `diverged` or `dirty`;
 * MIGRATION_CHECKSUM_MISMATCH; MIGRATION_FAILED when a step failed, which left nothing behind
 */
export function applyMigrations(host: MigrationHost, options: ApplyOptions): Promise<Applied> {
  const shipped = options.steps ?? shippedSteps
  checkShipped(shipped)
  return host.exclusive((db) => bringUp(db, host, options, shipped))
}

async function bringUp(
  db: AnySchema,
  host: MigrationHost,
  options: ApplyOptions,
  shipped: readonly MigrationStep[],
): Promise<Applied> {
  const { dialect } = host
  const { mode, appVersion, closely } = options
  const found = await readHistory(db, dialect)
  const decision = decideHistory(found, shipped)
  refuseHistory(decision)
  const recorded = found.kind === 'recorded' ? found.steps : []
  try {
    await checkFingerprint(db, dialect, recorded, shipped, closely)
  } catch (error) {
    // Another process that starts may have run a step between the look at the history and that at the schema.
    const now = await readHistory(db, dialect)
    if (now.kind !== 'recorded' || now.steps.length <= recorded.length) throw error
    return bringUp(db, host, options, shipped)
  }
  const version = shipped.length
  if (decision.outcome === 'current') return { applied: [], version }
  const withData = await holdsData(db, dialect)
  if (mode === 'verify') {
    const lacking =
      found.kind === 'empty' ? 'the database has no tables yet' : 'the database lacks migrations of this version'
    throw mismatch('outdated', lacking, {
      recorded: recorded.length,
      shipped: version,
      pending: decision.steps.map(({ name }) => name),
      holdsData: withData,
    })
  }
  if (withData) await host.backup?.()
  const applied: number[] = []
  for (const step of decision.steps) {
    if (await runStep(db, step, { dialect, shipped, appVersion, now: () => host.now() })) applied.push(step.number)
  }
  return { applied, version }
}
