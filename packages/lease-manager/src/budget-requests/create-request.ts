/** Asks for a higher allocation (budget protocol 14). */
import type { WriteTx } from '@iron/database'
import type { ActorRef } from '@iron/journal'
import type { Books } from '../books.ts'
import { lockLiveBudget } from '../budget/budget-row.ts'
import { auditRequest } from './audit.ts'
import type { BudgetRequest } from './budget-request.ts'
import type { NewBudgetRequest } from './check-request.ts'
import { notAnIncrease } from './refusals.ts'
import { insertRequest, writtenRequest } from './request-rows.ts'

/** @throws {LeaseError} AGENT_NOT_FOUND, AGENT_ARCHIVED, BUDGET_DECREASE_REQUEST, in this order */
export async function createRequest(
  tx: WriteTx,
  books: Books,
  checked: NewBudgetRequest,
  actor: ActorRef,
): Promise<BudgetRequest> {
  const { agentId, requesterId, requestedAllocated, justification } = checked
  const { allocated, now } = await lockLiveBudget(tx, agentId, books.clock)
  if (requestedAllocated <= allocated) throw notAnIncrease('BUDGET_DECREASE_REQUEST', allocated)
  const id = books.ids.next('breq')
  await insertRequest(tx, {
    id,
    agentId,
    requesterId,
    allocated,
    requested: requestedAllocated,
    justification,
    at: now,
  })
  const request = await writtenRequest(tx, id)
  auditRequest(tx, books, 'CREATED', request, actor)
  return request
}
