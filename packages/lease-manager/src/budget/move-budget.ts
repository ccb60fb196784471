/** An agent's budget gets another owner, or is closed for good. */
import type { WriteTx } from '@iron/database'
import type { Books } from '../books.ts'
import { countOpenLeases } from '../lease/lease-row.ts'
import { type Budget, publicBudget } from './budget.ts'
import { lockLiveBudget } from './budget-row.ts'

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
 * Final: afterwards only reports and returns are accepted, and all history stays (MON-26). Its composer revokes the leases first.
 *
 * @throws {LeaseError} AGENT_NOT_FOUND, AGENT_ARCHIVED
 */
export async function archiveBudget(tx: WriteTx, books: Books, agentId: string): Promise<Budget> {
  const budget = await lockLiveBudget(tx, agentId, books.clock)
  await tx.sql.updateTable('agent_budgets').set({ archived_at: budget.now }).where('agent_id', '=', agentId).execute()
  return publicBudget({ ...budget, archivedAt: budget.now }, await countOpenLeases(tx, agentId))
}
