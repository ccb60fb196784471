/** Budgets get another owner, or are closed for good. */
import type { WriteTx } from '@iron/database'
import type { Books } from '../books.ts'
import { countOpenLeases } from '../lease/find-leases.ts'
import { type Budget, publicBudget } from './budget.ts'
import { lockLiveBudget, ownerLock } from './budget-row.ts'

/**
 * From here on the new owner's limits count; leases are untouched. Excludes every grant of either owner.
 *
 * @throws {LeaseError} AGENT_NOT_FOUND, AGENT_ARCHIVED
 */
export async function moveBudget(tx: WriteTx, books: Books, agentId: string, ownerId: string): Promise<void> {
  await lockLiveBudget(tx, agentId, books.clock, { exclusive: true, newOwnerId: ownerId })
  await tx.sql.updateTable('agent_budgets').set({ owner_id: ownerId }).where('agent_id', '=', agentId).execute()
}

/**
 * Moves whatever an owner has to another, archived agents as well: money history must stay with somebody who is there to be
 * asked. With both owners locked nobody else holds a row of theirs, so one statement moves them all.
 *
 * @returns the agent ids, ascending
 */
export async function moveBudgets(tx: WriteTx, ownerId: string, newOwnerId: string): Promise<readonly string[]> {
  for (const owner of [...new Set([ownerId, newOwnerId])].sort()) await tx.lock(ownerLock(owner))
  const moved = await tx.sql
    .updateTable('agent_budgets')
    .set({ owner_id: newOwnerId })
    .where('owner_id', '=', ownerId)
    .returning('agent_id')
    .execute()
  return Object.freeze(moved.map((row) => row.agent_id).sort())
}

/**
 * Final: afterwards only reports and returns are accepted, and all history stays (MON-26). Its composer revokes the leases first.
 *
 * @throws {LeaseError} AGENT_NOT_FOUND, AGENT_ARCHIVED
 */
export async function archiveBudget(tx: WriteTx, books: Books, agentId: string): Promise<Budget> {
  const budget = await lockLiveBudget(tx, agentId, books.clock)
  await tx.sql.updateTable('agent_budgets').set({ archived_at: budget.now }).where('agent_id', '=', agentId).execute()
  return publicBudget({ ...budget, archivedAt: budget.now }, await countOpenLeases(tx, agentId))
}
