import { toUsd } from '@iron/cost-calculator'
import type { BudgetRequest } from '@iron/lease-manager'
import { isoTime, isoTimeOrNull } from './scalars.ts'

/** `BudgetRequest` of http-api 4.10. */
export function budgetRequestAnswer(request: BudgetRequest) {
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
