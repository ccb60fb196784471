/**
 * Where the cost of one call goes (budget protocol 4.4, 5). A cost is a fact: whatever the lease's state, all of it is booked,
 * on the hold as far as that goes, and what no hold covers as overrun (MON-10, MON-12).
 */
import { type Microdollars, ZERO } from '@iron/cost-calculator'
import { rest, smaller } from '../amount.ts'
import { holdOf, isOpen, type LeaseState } from './lease.ts'

export interface ReportDecision {
  /** p: from the hold. */
  readonly spend: Microdollars
  /** e: what no hold covers. */
  readonly overrun: Microdollars
  /** a: part of an earlier return's unreported usage that this call explains; nothing moves for it. */
  readonly itemised: Microdollars
  /** The lease was not active. */
  readonly late: boolean
  /** Slides on an active lease only. */
  readonly expiresAt: number
}

/** `lease` is judged as it stands at `now`, overdue leases already ended. */
export function decideReport(lease: LeaseState, cost: Microdollars, now: number, ttlMs: number): ReportDecision {
  if (!isOpen(lease)) {
    const itemised = smaller(cost, lease.unreported)
    return { spend: ZERO, overrun: rest(cost, itemised), itemised, late: true, expiresAt: lease.expiresAt }
  }
  const late = now >= lease.expiresAt
  const spend = smaller(cost, holdOf(lease))
  return { spend, overrun: rest(cost, spend), itemised: ZERO, late, expiresAt: late ? lease.expiresAt : now + ttlMs }
}
