/** Audit entries of budget requests, one per step (http-api 1.13). */
import { toUsd } from '@iron/cost-calculator'
import type { JsonObject, WriteTx } from '@iron/database'
import type { ActorRef } from '@iron/journal'
import type { Books } from '../books.ts'
import type { BudgetRequest } from './budget-request.ts'

export function auditRequest(
  tx: WriteTx,
  books: Books,
  step: 'CREATED' | 'APPROVED' | 'REJECTED' | 'CANCELLED',
  request: BudgetRequest,
  actor: ActorRef,
): void {
  const created = step === 'CREATED'
  const { status, approvedAllocated } = request
  const after: JsonObject = {
    status,
    ...(approvedAllocated === null ? {} : { approved_allocated_usd: toUsd(approvedAllocated) }),
  }
  books.audit.defer(
    {
      operation: `BUDGET_REQUEST_${step}`,
      resourceType: 'budget_request',
      resourceId: request.id,
      actor,
      changes: created ? { after } : { before: { status: 'pending' }, after },
      reason: created ? request.justification : (request.reviewNotes ?? undefined),
      metadata: {
        agent_id: request.agentId,
        requester_id: request.requesterId,
        allocated_usd: toUsd(request.allocated),
        requested_allocated_usd: toUsd(request.requestedAllocated),
      },
    },
    { tx },
  )
}
