/** Checks of what callers bring, all faults at once (packages.md 0.3). Nothing is converted before it has passed. */
import { Faults } from '@iron/database'
import { type ActorRef, type CallFacts, checkFacts } from '@iron/journal'
import { checkAmount } from '../amount.ts'
import { LeaseError } from '../errors.ts'

/** Longest id a runtime gives itself, in code points (data-model 3.4). */
export const RUNTIME_ID_MAX = 100
/** Longest text an operator may leave with a change, in code points. */
export const REASON_MAX = 500

/** @throws {LeaseError} VALIDATION_ERROR when there are any */
export function refuseFaults(faults: Faults): void {
  faults.throwIfAny((details) => new LeaseError('VALIDATION_ERROR', 'the input is not valid', { details }))
}

/** An id with the input it belongs to, checked together. */
export function checkIds(ids: Readonly<Record<string, unknown>>, more?: (faults: Faults) => void): void {
  const faults = new Faults()
  for (const [path, id] of Object.entries(ids)) faults.id(path, id)
  more?.(faults)
  refuseFaults(faults)
}

/** The facts of a reported call; whether it can be priced is the caller's to add. */
export function checkReport(faults: Faults, report: CallFacts): void {
  for (const name of ['requestId', 'model'] as const) faults.check(report[name] !== undefined, name, 'is required')
  if (report.cost !== undefined) checkAmount(faults, 'cost', report.cost, 0)
  checkFacts(report, faults)
}

/** Who acts, checked with the input and before anything is written. */
export function checkActor(faults: Faults, actor: ActorRef | undefined): void {
  if (typeof actor !== 'object' || (actor as unknown) === null)
    faults.id('actor', typeof actor === 'number' ? String(actor) : actor)
  else {
    faults.id('actor.id', actor.id)
    if (actor.userId !== undefined) faults.id('actor.userId', actor.userId)
  }
}
