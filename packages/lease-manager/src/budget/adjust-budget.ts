/** Corrections by an admin, each a movement of its own with a reason (budget protocol 3.2, MON-31). */
import { type Microdollars, minus, toUsd, ZERO } from '@iron/cost-calculator'
import type { WriteTx } from '@iron/database'
import type { ActorRef } from '@iron/journal'
import { actorId, type Books } from '../books.ts'
import { LeaseError } from '../errors.ts'
import { endOverdueLeases } from '../lease/end-lease.ts'
import { isOpen } from '../lease/lease.ts'
import { readActiveLeases } from '../lease/find-leases.ts'
import { findEntry, type LedgerEntry } from '../ledger/ledger-entry.ts'
import { post } from '../ledger/post.ts'
import { announceChange, announceThresholds } from './announce.ts'
import { type Budget, publicBudget } from './budget.ts'
import { lockLiveBudget } from './budget-row.ts'
import { decideAdjustment } from './decide-allocation.ts'

/** The booking and the budget after it. */
export interface Adjustment {
  readonly entry: LedgerEntry
  readonly budget: Budget
}

/** @throws {LeaseError} AGENT_NOT_FOUND, AGENT_ARCHIVED, ADJUSTMENT_TOO_LARGE */
export async function adjustBudget(
  tx: WriteTx,
  books: Books,
  agentId: string,
  change: { readonly direction: 'credit' | 'charge'; readonly amount: Microdollars; readonly reason: string },
  actor: ActorRef,
): Promise<Adjustment> {
  const { direction, amount, reason } = change
  const locked = await lockLiveBudget(tx, agentId, books.clock)
  const swept = await endOverdueLeases(tx, books, locked, (await readActiveLeases(tx, agentId)).active)
  const before = swept.budget
  const decision = decideAdjustment(before, direction, amount)
  if (decision.outcome === 'too_large') {
    throw new LeaseError('ADJUSTMENT_TOO_LARGE', 'a credit cannot exceed what is spent', {
      details: { spent_usd: toUsd(before.spent) },
    })
  }
  const { budget, crossed } = await post(tx, before, { type: decision.type, amount, actorId: actorId(actor), reason })
  books.audit.defer(
    {
      operation: 'BUDGET_ADJUSTED',
      resourceType: 'agent',
      resourceId: agentId,
      actor,
      changes: { before: { spent_usd: toUsd(before.spent) }, after: { spent_usd: toUsd(budget.spent) } },
      reason,
      metadata: { direction, amount_usd: toUsd(amount), ledger_seq: budget.seq },
    },
    { tx },
  )
  announceChange(tx, books, budget, {
    reason: 'adjusted',
    previousAllocated: budget.allocated,
    actor,
    note: reason,
    adjustment: direction === 'credit' ? minus(ZERO, amount) : amount,
  })
  announceThresholds(tx, books, budget, crossed, null)
  const entry = await findEntry(tx, agentId, budget.seq)
  if (entry === undefined) throw new Error('ledger: the entry just booked is missing')
  return Object.freeze({ entry, budget: publicBudget(budget, swept.leases.filter(isOpen).length) })
}
