/** Approves a request: it and the allocation it sets change together or not at all (MON-25, I23). */
import type { Microdollars } from '@iron/cost-calculator'
import type { InTx, WriteTx } from '@iron/database'
import { type ActorRef, actorIdOf } from '@iron/journal'
import type { Books } from '../books.ts'
import type { Budget } from '../budget/budget.ts'
import { changeAllocation } from '../budget/change-allocation.ts'
import { LeaseError } from '../errors.ts'
import { auditRequest } from './audit.ts'
import type { BudgetRequest } from './budget-request.ts'
import { type ApprovalDecision, decideApproval } from './decide-review.ts'
import { alreadyReviewed, notAnIncrease } from './refusals.ts'
import { endRequest, type LockedRequest, lockRequest, writtenRequest } from './request-rows.ts'

/** Options of an approval. */
export interface ApprovalOptions extends InTx {
  /** Absolute; default: what was requested. */
  readonly approvedAllocated?: Microdollars | undefined
  /** Up to 1000 code points. */
  readonly reviewNotes?: string | undefined
  /** Whether the requester may approve the own request. Default false. */
  readonly allowSelf?: boolean | undefined
}

/** The approved request and the budget it led to. */
export interface BudgetApproval {
  readonly request: BudgetRequest
  readonly budget: Budget
  readonly previousAllocated: Microdollars
}

/**
 * Every refusal comes before the first write, so that a composing operation may go on after one.
 *
 * @throws {LeaseError} BUDGET_REQUEST_NOT_FOUND, REQUEST_ALREADY_REVIEWED, SELF_APPROVAL_FORBIDDEN, AGENT_ARCHIVED,
 * APPROVAL_DECREASES_BUDGET, in this order
 */
export async function approveRequest(
  tx: WriteTx,
  books: Books,
  id: string,
  actor: ActorRef,
  review: Omit<ApprovalOptions, 'tx'>,
): Promise<BudgetApproval> {
  const locked = await lockRequest(tx, books, id)
  const { approvedAllocated, reviewNotes, allowSelf = false } = review
  const reviewerId = actorIdOf(actor)
  const decision = decideApproval({ ...locked, approvedAllocated, reviewerId, allowSelf })
  if (decision.outcome !== 'approve') throw refusalOf(decision, locked)
  await endRequest(tx, id, {
    status: 'approved',
    approved_allocated_micros: decision.allocated,
    reviewed_at: locked.budget.now,
    reviewed_by: reviewerId,
    review_notes: reviewNotes ?? null,
  })
  const request = await writtenRequest(tx, id)
  auditRequest(tx, books, 'APPROVED', request, actor)
  const { budget, previousAllocated } = await changeAllocation(
    tx,
    books,
    request.agentId,
    decision.allocated,
    actor,
    {},
    { budgetRequestId: id, note: reviewNotes },
  )
  return Object.freeze({ request, budget, previousAllocated })
}

function refusalOf(
  refused: Exclude<ApprovalDecision, { readonly outcome: 'approve' }>,
  { request, budget }: LockedRequest,
): LeaseError {
  switch (refused.outcome) {
    case 'already_reviewed':
      return alreadyReviewed(request)
    case 'self_approval':
      return new LeaseError('SELF_APPROVAL_FORBIDDEN', 'the requester cannot approve the own request')
    case 'archived':
      return new LeaseError('AGENT_ARCHIVED', 'the agent is archived')
    case 'decreases':
      return notAnIncrease('APPROVAL_DECREASES_BUDGET', budget.allocated)
  }
}
