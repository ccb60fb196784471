/** Events and audit entries of a budget, written with the change they describe (websocket.md 5, http-api 1.13). */
import { type Microdollars, toUsd } from '@iron/cost-calculator'
import type { WriteTx } from '@iron/database'
import type { ActorRef } from '@iron/journal'
import { actorId, type Books } from '../books.ts'
import { balanceOnWire } from './balance.ts'
import type { LockedBudget } from './budget-row.ts'
import type { Threshold } from './threshold.ts'

const SEVERITY: Readonly<Record<Threshold, string>> = { 50: 'info', 80: 'warning', 90: 'critical', 100: 'critical' }

/** Longest agent id that fits into a dedupe key beside the rest; above it the unique mark on the budget row has to do. */
const DEDUPE_ID_MAX = 160

/** Announces what spending has reached, ascending; 100 percent is also the end of the budget. */
export function announceThresholds(
  tx: WriteTx,
  books: Books,
  budget: LockedBudget,
  crossed: readonly Threshold[],
  leaseId: string | null,
): void {
  const balance = balanceOnWire(budget)
  for (const threshold of crossed) {
    books.events.defer(
      {
        type: 'budget.threshold_reached',
        agentId: budget.agentId,
        data: { threshold, severity: SEVERITY[threshold], ...balance, allocation_version: budget.version },
        dedupeKey: dedupeKey(budget, threshold),
      },
      { tx },
    )
  }
  if (crossed.includes(100)) {
    books.events.defer(
      {
        type: 'budget.exhausted',
        agentId: budget.agentId,
        data: { ...balance, allocation_version: budget.version, lease_id: leaseId },
      },
      { tx },
    )
  }
}

function dedupeKey(budget: LockedBudget, threshold: Threshold): string | undefined {
  return budget.agentId.length > DEDUPE_ID_MAX
    ? undefined
    : `threshold:${budget.version}:${threshold}:${budget.agentId}`
}

/** What a `budget.changed` event tells besides the balance. */
export interface BudgetChanged {
  readonly reason: 'increased' | 'decreased' | 'request_approved' | 'adjusted'
  readonly previousAllocated: Microdollars
  readonly actor: ActorRef
  readonly note: string | undefined
  readonly budgetRequestId?: string | undefined
  /** A credit is negative. */
  readonly adjustment?: Microdollars | undefined
}

export function announceChange(tx: WriteTx, books: Books, budget: LockedBudget, change: BudgetChanged): void {
  books.events.defer(
    {
      type: 'budget.changed',
      agentId: budget.agentId,
      data: {
        reason: change.reason,
        previous_allocated_usd: toUsd(change.previousAllocated),
        ...balanceOnWire(budget),
        allocation_version: budget.version,
        changed_by: actorId(change.actor),
        note: change.note ?? null,
        budget_request_id: change.budgetRequestId ?? null,
        adjustment_usd: change.adjustment === undefined ? null : toUsd(change.adjustment),
      },
    },
    { tx },
  )
}
