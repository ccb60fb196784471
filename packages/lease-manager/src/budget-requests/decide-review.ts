/**
 * Whether a request may be approved, or ended otherwise (budget protocol 14). Order of precedence: decided already, the
 * requester's own, archived agent, not above the live allocation. Pure: nothing here reads or writes.
 */
import type { Microdollars } from '@iron/cost-calculator'
import type { BudgetRequestStatus } from './budget-request.ts'

/** What an approval is decided on; the budget's figures are the live ones, read under its lock. */
export interface ApprovalQuestion {
  readonly request: {
    readonly status: BudgetRequestStatus
    readonly requesterId: string
    readonly requestedAllocated: Microdollars
  }
  readonly budget: { readonly allocated: Microdollars; readonly archivedAt: number | null }
  /** Default: what was requested. */
  readonly approvedAllocated?: Microdollars | undefined
  readonly reviewerId: string
  /** Whether the requester may be the reviewer. */
  readonly allowSelf: boolean
}

export type ApprovalDecision =
  | { readonly outcome: 'already_reviewed' }
  | { readonly outcome: 'self_approval' }
  | { readonly outcome: 'archived' }
  | { readonly outcome: 'decreases' }
  | { readonly outcome: 'approve'; readonly allocated: Microdollars }

export function decideApproval(question: ApprovalQuestion): ApprovalDecision {
  const { request, budget, reviewerId, allowSelf } = question
  if (request.status !== 'pending') return { outcome: 'already_reviewed' }
  if (request.requesterId === reviewerId && !allowSelf) return { outcome: 'self_approval' }
  if (budget.archivedAt !== null) return { outcome: 'archived' }
  const allocated = question.approvedAllocated ?? request.requestedAllocated
  return allocated > budget.allocated ? { outcome: 'approve', allocated } : { outcome: 'decreases' }
}
