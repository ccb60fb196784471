/**
 * Compares what a database says about its steps with what this version ships (data-model 9.7). The comparison is pure; it
 * decides before anything is written.
 */
import type { MigrationStep } from '@iron/migrations'
import { DatabaseError } from '../errors.ts'

/** A row of schema_migrations, as far as the comparison needs it. */
export interface RecordedStep {
  readonly number: number
  readonly name: string
  readonly checksum: string
  /** Fingerprint of the schema after the step. */
  readonly schemaHash: string
}

/** What a database holds when it is opened. */
export type Found =
  | { readonly kind: 'empty' }
  /** Tables, but no history that we wrote. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'recorded'; readonly steps: readonly RecordedStep[] }

export type HistoryDecision =
  | { readonly outcome: 'current' }
  | { readonly outcome: 'pending'; readonly steps: readonly MigrationStep[] }
  | { readonly outcome: 'unknown' }
  | { readonly outcome: 'diverged'; readonly at: number; readonly recorded: string; readonly shipped: string }
  | { readonly outcome: 'checksum'; readonly number: number; readonly name: string }
  | { readonly outcome: 'newer'; readonly recorded: number; readonly shipped: number }

type Shipped = Pick<MigrationStep, 'number' | 'name' | 'checksum'>

/** In order of precedence: unknown, then the first step that differs (`diverged`, `checksum`), then `newer`, `pending`, `current`. */
export function decideHistory(found: Found, shipped: readonly MigrationStep[]): HistoryDecision {
  if (found.kind === 'unknown') return { outcome: 'unknown' }
  const recorded = found.kind === 'empty' ? [] : found.steps
  for (const [index, step] of recorded.slice(0, shipped.length).entries()) {
    const expected = shipped[index] as MigrationStep
    if (step.number !== expected.number || step.name !== expected.name) {
      return { outcome: 'diverged', at: index + 1, recorded: label(step), shipped: label(expected) }
    }
    if (step.checksum !== expected.checksum) return { outcome: 'checksum', number: step.number, name: step.name }
  }
  if (recorded.length > shipped.length) return { outcome: 'newer', recorded: recorded.length, shipped: shipped.length }
  const steps = shipped.slice(recorded.length)
  return steps.length === 0 ? { outcome: 'current' } : { outcome: 'pending', steps }
}

/** Throws what the decision refuses. */
export function refuseHistory(
  decision: HistoryDecision,
): asserts decision is HistoryDecision & { outcome: 'current' | 'pending' } {
  switch (decision.outcome) {
    case 'current':
    case 'pending':
      return
    case 'unknown':
      throw mismatch('unknown', 'the database holds tables of something else: name an empty one, or one of Iron', {})
    case 'newer':
      throw mismatch('newer', 'the database was migrated by a newer version', {
        recorded: decision.recorded,
        shipped: decision.shipped,
      })
    case 'diverged':
      throw mismatch('diverged', `migration ${String(decision.at)} of the database is not the one of this version`, {
        number: decision.at,
        recorded: decision.recorded,
        shipped: decision.shipped,
      })
    case 'checksum':
      throw new DatabaseError(
        'MIGRATION_CHECKSUM_MISMATCH',
        `migration ${String(decision.number)} (${decision.name}) was edited after it ran here`,
        { details: { number: decision.number, name: decision.name } },
      )
  }
}

/** A step left out, repeated or renumbered in what is shipped is our own fault: nothing runs (DAT-03). */
export function checkShipped(shipped: readonly Shipped[]): void {
  const names = new Set<string>()
  for (const [index, { number, name }] of shipped.entries()) {
    if (number !== index + 1 || names.has(name)) {
      throw new DatabaseError(
        'MIGRATION_FAILED',
        `the shipped migration ${label({ number, name })} is out of order or repeated`,
        {
          details: { number, name },
        },
      )
    }
    names.add(name)
  }
}

export function mismatch(
  reason: 'outdated' | 'newer' | 'unknown' | 'diverged' | 'dirty',
  message: string,
  details: Readonly<Record<string, unknown>>,
): DatabaseError {
  return new DatabaseError('SCHEMA_MISMATCH', message, { details: { reason, ...details } })
}

function label({ number, name }: Pick<Shipped, 'number' | 'name'>): string {
  return `${String(number).padStart(4, '0')}_${name}`
}
