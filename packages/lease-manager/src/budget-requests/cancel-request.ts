/** Takes requests back: one by whoever asked, or all of an agent or a requester that goes away (budget protocol 14). */
import type { WriteTx } from '@iron/database'
import { type ActorRef, actorIdOf } from '@iron/journal'
import type { Books } from '../books.ts'
import { auditRequest } from './audit.ts'
import type { BudgetRequest } from './budget-request.ts'
import { alreadyReviewed } from './refusals.ts'
import { endRequest, endRequests, lockRequest, writtenRequest } from './request-rows.ts'

/** @throws {LeaseError} BUDGET_REQUEST_NOT_FOUND, REQUEST_ALREADY_REVIEWED */
export async function cancelRequest(tx: WriteTx, books: Books, id: string, actor: ActorRef): Promise<BudgetRequest> {
  const { request: before, budget } = await lockRequest(tx, books, id)
  if (before.status !== 'pending') throw alreadyReviewed(before)
  await endRequest(tx, id, { status: 'cancelled', cancelled_at: budget.now, cancelled_by: cancellerOf(actor) })
  const request = await writtenRequest(tx, id)
  auditRequest(tx, books, 'CANCELLED', request, actor)
  return request
}

/** Requests that end in one statement. */
const CANCELLED_MAX = 500

/** Whose requests are cancelled together. */
export interface CancelFilter {
  readonly agentId?: string | undefined
  readonly requesterId?: string | undefined
}

/**
 * Cancels every pending request that fits. Their rows are locked in the order of their ids, so that two such passes over the
 * same rows wait for each other instead of dying.
 *
 * @returns the ids, ascending
 */
export async function cancelRequests(
  tx: WriteTx,
  filter: CancelFilter,
  ended: { readonly by: ActorRef; readonly at: number; readonly note: string },
): Promise<readonly string[]> {
  const { agentId, requesterId } = filter
  let pending = tx.sql.selectFrom('budget_requests').select('id').where('status', '=', 'pending').orderBy('id')
  if (agentId !== undefined) pending = pending.where('agent_id', '=', agentId)
  if (requesterId !== undefined) pending = pending.where('requester_id', '=', requesterId)
  const rows = await (tx.dialect === 'postgres' ? pending.forUpdate() : pending).execute()
  const ids = rows.map(({ id }) => id)
  const cancelled = { status: 'cancelled', cancelled_at: ended.at, cancelled_by: cancellerOf(ended.by) } as const
  for (let at = 0; at < ids.length; at += CANCELLED_MAX) {
    await endRequests(tx, ids.slice(at, at + CANCELLED_MAX), { ...cancelled, review_notes: ended.note })
  }
  return Object.freeze(ids)
}

/** The column holds people; null there means the system. */
function cancellerOf(actor: ActorRef): string | null {
  return typeof actor === 'object' && actor.type === 'system' ? null : actorIdOf(actor)
}
