/**
 * What a new allocation means for an agent (budget protocol 4.8). Order of precedence: wrong version, unchanged, raised, below
 * spent, unconfirmed, lowered. Pure: the leases to revoke are named, not revoked.
 */
import { type Microdollars, minus } from '@iron/cost-calculator'
import type { Stored } from '../ledger/movement.ts'
import { byAge, holdOf, type LeaseState } from '../lease/lease.ts'

export interface AllocationQuestion {
  readonly budget: Stored & { readonly version: number }
  /** Every active lease of the agent. */
  readonly leases: readonly LeaseState[]
  /** A′ */
  readonly allocated: Microdollars
  readonly force: boolean
  readonly expectedVersion?: number | undefined
}

export type AllocationDecision =
  | { readonly outcome: 'stale' }
  | { readonly outcome: 'unchanged' }
  | { readonly outcome: 'raise'; readonly by: Microdollars }
  | { readonly outcome: 'below_spent' }
  | { readonly outcome: 'unconfirmed'; readonly revoke: readonly LeaseState[]; readonly remaining: Microdollars }
  | { readonly outcome: 'lower'; readonly by: Microdollars; readonly revoke: readonly LeaseState[] }

export function decideAllocation(question: AllocationQuestion): AllocationDecision {
  const { budget, allocated, leases, force, expectedVersion } = question
  if (expectedVersion !== undefined && expectedVersion !== budget.version) return { outcome: 'stale' }
  if (allocated === budget.allocated) return { outcome: 'unchanged' }
  if (allocated > budget.allocated) return { outcome: 'raise', by: minus(allocated, budget.allocated) }
  if (allocated < budget.spent) return { outcome: 'below_spent' }
  const { revoke, reserved } = leasesToRevoke(leases, budget.reserved, minus(allocated, budget.spent))
  if (!force) return { outcome: 'unconfirmed', revoke, remaining: minus(minus(allocated, budget.spent), reserved) }
  return { outcome: 'lower', by: minus(budget.allocated, allocated), revoke }
}

/** The newest leases that must go until what is lent fits. */
function leasesToRevoke(
  leases: readonly LeaseState[],
  reserved: Microdollars,
  fits: Microdollars,
): { revoke: readonly LeaseState[]; reserved: Microdollars } {
  const revoke: LeaseState[] = []
  let lent = reserved
  for (const lease of [...leases].sort((a, b) => byAge(b, a))) {
    if (lent <= fits) break
    revoke.push(lease)
    lent = minus(lent, holdOf(lease))
  }
  return { revoke, reserved: lent }
}

export type AdjustmentDecision =
  { readonly outcome: 'book'; readonly type: 'adjust' | 'overrun' } | { readonly outcome: 'too_large' }

/** A credit gives back spent money and cannot exceed it; a charge is a fact and always booked. */
export function decideAdjustment(
  budget: Stored,
  direction: 'credit' | 'charge',
  amount: Microdollars,
): AdjustmentDecision {
  if (direction === 'charge') return { outcome: 'book', type: 'overrun' }
  return amount <= budget.spent ? { outcome: 'book', type: 'adjust' } : { outcome: 'too_large' }
}
