import type { WriteTx } from '@iron/database'
import type { ActorRef } from '@iron/journal'
import { type BudgetRequest, type NewBudgetRequest, ownerLock } from '@iron/lease-manager'
import { agentNotFound } from '../errors.ts'
import type { RegistryParts } from '../registry-parts.ts'

/**
 * Asks for a budget under the lock that the end of a user takes too, so that no request comes after those of the user were
 * cancelled, and none for an agent that has just become somebody else's.
 *
 * @param ownerId whose agent it must be; default: anybody's
 * @throws {AgentError} AGENT_NOT_FOUND when the requester is deleted, for whom nothing is there any more, and for a foreign agent
 */
export async function requestBudget(
  tx: WriteTx,
  request: NewBudgetRequest,
  actor: ActorRef,
  ownerId: string | undefined,
  { users, budgets, budgetRequests }: RegistryParts,
): Promise<BudgetRequest> {
  const { agentId, requesterId } = request
  await tx.lock(ownerLock(requesterId), { shared: true })
  const requester = await users.getUser(requesterId, { tx })
  const budget = await budgets.get(agentId, { tx })
  const isTheirs = budget !== undefined && (ownerId === undefined || budget.ownerId === ownerId)
  if (requester?.status === 'deleted' || !isTheirs) throw agentNotFound(agentId)
  return budgetRequests.create(request, actor, { tx })
}
