import { toUsd } from '@iron/cost-calculator'
import type { BudgetRequest } from '@iron/lease-manager'
import { id, nullable, oneOf, time } from '../http/schemas.ts'
import { budgetShape } from './budget.ts'
import { isoTime, isoTimeOrNull } from './scalars.ts'
import { component, dollars, type Shaped, shown, usuallyNull } from './shape.ts'

export const budgetRequestStatus = oneOf('pending', 'approved', 'rejected', 'cancelled')

const budgetRequestFields = {
  id: id('breq'),
  agent_id: id('agent'),
  agent_name: nullable(shown('research-bot')),
  requester_id: shown('user_0199c2f0-5a00-7000-8000-000000000001'),
  requester_name: nullable(shown('ada')),
  status: budgetRequestStatus,
  allocated_usd: dollars(100),
  requested_allocated_usd: dollars(200),
  approved_allocated_usd: usuallyNull(nullable(dollars(200))),
  justification: shown('The March evaluation needs twice the calls of February.'),
  review_notes: usuallyNull(nullable(shown('Fine until the end of March.'))),
  reviewed_by: usuallyNull(nullable(shown('user_0199c2f0-5a00-7000-8000-000000000001'))),
  reviewed_by_name: usuallyNull(nullable(shown('admin'))),
  reviewed_at: usuallyNull(nullable(time())),
  cancelled_by: usuallyNull(nullable(shown('user_0199c2f0-5a00-7000-8000-000000000001'))),
  cancelled_at: usuallyNull(nullable(time())),
  created_at: time(),
  updated_at: time(),
}

export const budgetRequestShape = component('BudgetRequest', budgetRequestFields)

export const budgetRequestWithBudgetShape = component('BudgetRequestWithBudget', {
  ...budgetRequestFields,
  /** Null when the agent is no longer the reader's. */
  agent_budget: nullable(budgetShape),
})

export const approvedBudgetRequestShape = component('ApprovedBudgetRequest', {
  ...budgetRequestFields,
  budget: budgetShape,
  previous_allocated_usd: dollars(100),
})

/** `BudgetRequest` of http-api 4.10. */
export function budgetRequestAnswer(request: BudgetRequest): Shaped<typeof budgetRequestShape> {
  const { approvedAllocated } = request
  return {
    id: request.id,
    agent_id: request.agentId,
    agent_name: request.agentName,
    requester_id: request.requesterId,
    requester_name: request.requesterName,
    status: request.status,
    allocated_usd: toUsd(request.allocated),
    requested_allocated_usd: toUsd(request.requestedAllocated),
    approved_allocated_usd: approvedAllocated === null ? null : toUsd(approvedAllocated),
    justification: request.justification,
    review_notes: request.reviewNotes,
    reviewed_by: request.reviewedBy,
    reviewed_by_name: request.reviewedByName,
    reviewed_at: isoTimeOrNull(request.reviewedAt),
    cancelled_by: request.cancelledBy,
    cancelled_at: isoTimeOrNull(request.cancelledAt),
    created_at: isoTime(request.createdAt),
    updated_at: isoTime(request.updatedAt),
  }
}
