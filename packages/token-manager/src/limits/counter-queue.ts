import type { DeferredQueue } from '@iron/database'
import { type CounterStep, raiseAll, raiseCounters } from './statements.ts'
import { LIMIT_WINDOWS } from './windows.ts'

/** One counter of one owner to be raised. */
export interface OwnerStep extends CounterStep {
  readonly ownerId: string
}

/**
 * Counters that are raised at the end of a transaction, before the logs: what several messages count on one counter is added up, and
 * counters are locked in one order, the one of {@link raiseCounters}, whichever owners a transaction is about.
 */
export const counterQueue: DeferredQueue<OwnerStep> = {
  order: 0,
  flush: async (tx, steps) => {
    const sorted = sums(steps).sort(inLockOrder)
    if (tx.dialect === 'postgres') return raiseAll(tx, sorted)
    for (const [ownerId, own] of Map.groupBy(sorted, (step) => step.ownerId)) await raiseCounters(tx, ownerId, own)
  },
}

function sums(steps: readonly OwnerStep[]): OwnerStep[] {
  const known = new Map<string, OwnerStep>()
  for (const step of steps) {
    const key = JSON.stringify([step.ownerId, step.projectId, step.metric, step.start])
    const amount = Math.min(Number.MAX_SAFE_INTEGER, (known.get(key)?.amount ?? 0) + step.amount)
    known.set(key, { ...step, amount })
  }
  return [...known.values()]
}

function inLockOrder(one: OwnerStep, other: OwnerStep): number {
  return (
    compare(one.ownerId, other.ownerId) ||
    compare(one.projectId, other.projectId) ||
    LIMIT_WINDOWS.indexOf(one.metric) - LIMIT_WINDOWS.indexOf(other.metric) ||
    one.start - other.start
  )
}

function compare(one: string, other: string): number {
  if (one === other) return 0
  return one < other ? -1 : 1
}
