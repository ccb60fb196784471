/** Sets an agent's allocation to an absolute amount (budget protocol 4.8). */
import { type Microdollars, toUsd } from '@iron/cost-calculator'
import type { InTx, WriteTx } from '@iron/database'
import type { ActorRef } from '@iron/journal'
import { actorId, type Books } from '../books.ts'
import { LeaseError } from '../errors.ts'
import { announceClosed } from '../lease/announce.ts'
import { endOverdueLeases, revokeLeases } from '../lease/end-lease.ts'
import { isOpen, type LeaseState } from '../lease/lease.ts'
import { readActiveLeases } from '../lease/find-leases.ts'
import { post } from '../ledger/post.ts'
import { announceChange, announceThresholds } from './announce.ts'
import { type Budget, publicBudget } from './budget.ts'
import { type LockedBudget, lockLiveBudget } from './budget-row.ts'
import { type AllocationDecision, decideAllocation } from './decide-allocation.ts'

/** Options of a changed allocation. */
export interface AllocationOptions extends InTx {
  /** 1..500 characters; stands in the ledger, the audit entry and the event. */
  readonly reason?: string | undefined
  /** Lower it even if leases must be revoked for it. */
  readonly force?: boolean | undefined
  /** Refuse when the allocation has another version by now. */
  readonly expectedVersion?: number | undefined
}

/** The budget afterwards. `changed` is false when it had that allocation already; nothing was written then. */
export interface AllocationChange {
  readonly budget: Budget
  readonly previousAllocated: Microdollars
  readonly changed: boolean
  readonly leasesRevoked: readonly string[]
}

/** The budget request that an allocation approves: it stands in the ledger row, the audit entry and the event. */
export interface Approval {
  readonly budgetRequestId: string
  /** The reviewer's words, for the event; the request itself keeps them. */
  readonly note: string | undefined
}

/**
 * @throws {LeaseError} AGENT_NOT_FOUND, AGENT_ARCHIVED, CONFLICT, BUDGET_BELOW_SPENT, BUDGET_DECREASE_REQUIRES_CONFIRMATION, in
 * this order
 */
export async function changeAllocation(
  tx: WriteTx,
  books: Books,
  agentId: string,
  allocated: Microdollars,
  actor: ActorRef,
  options: AllocationOptions,
  approval?: Approval,
): Promise<AllocationChange> {
  const { reason, force = false, expectedVersion } = options
  const locked = await lockLiveBudget(tx, agentId, books.clock)
  const swept = await endOverdueLeases(tx, books, locked, (await readActiveLeases(tx, agentId)).active)
  const before = swept.budget
  const open = swept.leases.filter(isOpen)
  const decision = decideAllocation({ budget: before, leases: open, allocated, force, expectedVersion })
  if (decision.outcome === 'unchanged') return resultOf(before, before, open.length, [], false)
  if (decision.outcome !== 'raise' && decision.outcome !== 'lower') throw refusalOf(decision, before, allocated)

  const lowered = decision.outcome === 'lower'
  const revocation = { actor, cause: 'allocation_lowered', reason } as const
  const { budget, revoked } = await revokeLeases(tx, books, before, lowered ? decision.revoke : [], revocation)
  const { budget: after, crossed } = await post(tx, budget, {
    type: lowered ? 'deallocate' : 'allocate',
    amount: decision.by,
    budgetRequestId: approval?.budgetRequestId,
    actorId: actorId(actor),
    reason,
  })
  books.audit.defer(
    {
      operation: 'BUDGET_UPDATED',
      resourceType: 'agent',
      resourceId: agentId,
      actor,
      changes: {
        before: { allocated_usd: toUsd(before.allocated), allocation_version: before.version },
        after: { allocated_usd: toUsd(after.allocated), allocation_version: after.version },
      },
      reason,
      metadata: {
        leases_revoked: revoked.map(({ id }) => id),
        ...(approval === undefined ? {} : { budget_request_id: approval.budgetRequestId }),
      },
    },
    { tx },
  )
  announceChange(tx, books, after, {
    reason: approval !== undefined ? 'request_approved' : lowered ? 'decreased' : 'increased',
    previousAllocated: before.allocated,
    actor,
    note: approval?.note ?? reason,
    budgetRequestId: approval?.budgetRequestId,
  })
  for (const lease of revoked) announceClosed(tx, books, lease, 'allocation_lowered')
  announceThresholds(tx, books, after, crossed, null)
  return resultOf(before, after, open.length - revoked.length, revoked, true)
}

function resultOf(
  before: LockedBudget,
  after: LockedBudget,
  openLeases: number,
  revoked: readonly LeaseState[],
  changed: boolean,
): AllocationChange {
  return Object.freeze({
    budget: publicBudget(after, openLeases),
    previousAllocated: before.allocated,
    changed,
    leasesRevoked: Object.freeze(revoked.map(({ id }) => id)),
  })
}

type Refused = Extract<AllocationDecision, { readonly outcome: 'stale' | 'below_spent' | 'unconfirmed' }>

function refusalOf(refused: Refused, budget: LockedBudget, allocated: Microdollars): LeaseError {
  const spending = { allocated_usd: toUsd(budget.allocated), spent_usd: toUsd(budget.spent) }
  switch (refused.outcome) {
    case 'stale':
      return new LeaseError('CONFLICT', 'the allocation has changed meanwhile', {
        details: { allocation_version: budget.version, allocated_usd: toUsd(budget.allocated) },
      })
    case 'below_spent':
      return new LeaseError('BUDGET_BELOW_SPENT', 'the allocation cannot be lower than what is spent', {
        details: spending,
      })
    case 'unconfirmed':
      return new LeaseError('BUDGET_DECREASE_REQUIRES_CONFIRMATION', 'lowering an allocation must be confirmed', {
        details: {
          ...spending,
          requested_allocated_usd: toUsd(allocated),
          reserved_usd: toUsd(budget.reserved),
          remaining_after_usd: toUsd(refused.remaining),
          leases_to_revoke: refused.revoke.map(({ id }) => id),
        },
      })
  }
}
