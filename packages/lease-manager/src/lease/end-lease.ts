/**
 * Ends leases: releases what they still hold and gives them their one final state (MON-19). Overdue leases end here whoever's
 * message meets them first, so that correctness never waits for the sweeper (budget protocol 11.1).
 */
import type { WriteTx } from '@iron/database'
import type { ActorRef } from '@iron/journal'
import { type Books, ledgerActor, SWEEPER } from '../books.ts'
import type { LockedBudget } from '../budget/budget-row.ts'
import { post } from '../ledger/post.ts'
import { announceClosed, auditExpired, auditRevoked } from './announce.ts'
import { decideOverdue } from './decide-overdue.ts'
import { tellEnding } from './endings.ts'
import { type CloseReason, holdOf, type LeaseState, type RevokeCause, type StoredStatus } from './lease.ts'
import { type LeaseChange, updateLease } from './write-lease.ts'

const FINAL_STATUS: Readonly<Record<CloseReason, StoredStatus>> = {
  returned: 'closed',
  lapsed: 'closed',
  superseded: 'superseded',
  revoked: 'revoked',
}

/** How a lease ends. */
export interface Ending {
  readonly closeReason: CloseReason
  /** Of the release row; absent: the agent itself. */
  readonly actorId?: string | undefined
  /** Of the release row; default: the close reason. */
  readonly reason?: string | undefined
  /** Columns that change with the end. */
  readonly change?: LeaseChange | undefined
}

/** A budget, and a lease that has just ended on it. */
export interface Ended {
  readonly budget: LockedBudget
  readonly lease: LeaseState
}

/** Releases the hold and closes the lease; tells nobody. `spent` in `ending.change` is booked by the caller beforehand. */
export async function endLease(tx: WriteTx, budget: LockedBudget, lease: LeaseState, ending: Ending): Promise<Ended> {
  const settled: LeaseState = { ...lease, ...ending.change }
  const release = holdOf(settled)
  const posted = await post(tx, budget, {
    type: 'release',
    amount: release,
    leaseId: lease.id,
    actorId: ending.actorId,
    reason: ending.reason ?? ending.closeReason,
  })
  const ended = await updateLease(tx, lease, {
    ...ending.change,
    stored: FINAL_STATUS[ending.closeReason],
    released: release,
    closedAt: budget.now,
    closeReason: ending.closeReason,
  })
  tellEnding(tx, ending.closeReason)
  return { budget: posted.budget, lease: ended }
}

/** What a pass over possibly overdue leases leaves: the budget, the leases as they are now, and how many it ended or cut. */
export interface Swept {
  readonly budget: LockedBudget
  readonly leases: readonly LeaseState[]
  readonly ended: number
  readonly cut: number
}

/** Ends the leases whose grace is over and cuts deadlines that are too far ahead (the latter is neither audited nor told). */
export async function endOverdueLeases(
  tx: WriteTx,
  books: Books,
  budget: LockedBudget,
  leases: readonly LeaseState[],
): Promise<Swept> {
  let swept: Swept = { budget, leases: [], ended: 0, cut: 0 }
  for (const lease of leases) {
    const decision = decideOverdue(lease, budget.now, books.times)
    if (decision.outcome === 'lapse') {
      const ended = await endLease(tx, swept.budget, lease, { closeReason: 'lapsed', actorId: SWEEPER.id })
      auditExpired(tx, books, ended.lease)
      announceClosed(tx, books, ended.lease)
      swept = { ...swept, budget: ended.budget, leases: [...swept.leases, ended.lease], ended: swept.ended + 1 }
    } else if (decision.outcome === 'cut') {
      const cut = await updateLease(tx, lease, { expiresAt: decision.expiresAt })
      swept = { ...swept, leases: [...swept.leases, cut], cut: swept.cut + 1 }
    } else {
      swept = { ...swept, leases: [...swept.leases, lease] }
    }
  }
  return swept
}

/** Why and by whom leases are revoked. */
export interface Revocation {
  readonly actor: ActorRef
  readonly cause: RevokeCause
  /** The operator's own words; default: the cause. */
  readonly reason?: string | undefined
}

/** Revokes open leases one after the other and audits each; the caller announces them in its own order. */
export async function revokeLeases(
  tx: WriteTx,
  books: Books,
  budget: LockedBudget,
  leases: readonly LeaseState[],
  revocation: Revocation,
): Promise<{ readonly budget: LockedBudget; readonly revoked: readonly LeaseState[] }> {
  const { actor, cause } = revocation
  const reason = revocation.reason ?? cause
  const revoked: LeaseState[] = []
  let current = budget
  for (const lease of leases) {
    const ended = await endLease(tx, current, lease, { closeReason: 'revoked', actorId: ledgerActor(actor), reason })
    auditRevoked(tx, books, ended.lease, actor, cause, reason)
    revoked.push(ended.lease)
    current = ended.budget
  }
  return { budget: current, revoked }
}
