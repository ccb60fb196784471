/** Rejects a request; the allocation stays as it is (budget protocol 14). */
import type { WriteTx } from '@iron/database'
import { type ActorRef, actorIdOf } from '@iron/journal'
import type { Books } from '../books.ts'
import { auditRequest } from './audit.ts'
import type { BudgetRequest } from './budget-request.ts'
import { alreadyReviewed } from './refusals.ts'
import { endRequest, lockRequest, writtenRequest } from './request-rows.ts'

/** @throws {LeaseError} BUDGET_REQUEST_NOT_FOUND, REQUEST_ALREADY_REVIEWED */
export async function rejectRequest(
  tx: WriteTx,
  books: Books,
  id: string,
  reviewNotes: string,
  actor: ActorRef,
): Promise<BudgetRequest> {
  const { request: before, budget } = await lockRequest(tx, books, id)
  if (before.status !== 'pending') throw alreadyReviewed(before)
  await endRequest(tx, id, {
    status: 'rejected',
    reviewed_at: budget.now,
    reviewed_by: actorIdOf(actor),
    review_notes: reviewNotes,
  })
  const request = await writtenRequest(tx, id)
  auditRequest(tx, books, 'REJECTED', request, actor)
  return request
}
