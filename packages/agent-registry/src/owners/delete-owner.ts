import type { WriteTx } from '@iron/database'
import { type Actor, type ActorRef, actorIdOf } from '@iron/journal'
import { type BudgetRequestManager, ownerLock } from '@iron/lease-manager'
import type { User, UserService } from '@iron/token-manager'
import type { AgentRegistry } from '../agent-registry.ts'
import { auditedIds } from '../audited-ids.ts'
import { ownerNotFound } from '../errors.ts'
import type { ReassignedAgent } from './reassign-agents.ts'

/** A deleted user, and what became of what the user had. */
export interface DeletedOwner {
  readonly user: User
  /** By agent id; archived ones too. */
  readonly agentsAffected: readonly ReassignedAgent[]
  readonly budgetRequestsCancelled: readonly string[]
  readonly apiTokensRevoked: readonly string[]
  readonly sessionsEnded: number
}

/** The services a deletion spans. */
export interface OwnerParts {
  readonly registry: AgentRegistry
  readonly users: UserService
  readonly budgetRequests: BudgetRequestManager
}

/** Requests are not cancelled by whoever deleted, but because nobody is left who wants them. */
const DELETING: Actor = Object.freeze({ type: 'system', id: 'system:delete-user' })
const NOTE = 'Auto-cancelled: user deleted'

/**
 * Deletes a user in the caller's transaction: agents to the acting user, pending requests cancelled, then the account with one
 * audit entry that tells all of it. Both owners are locked first, ascending: no agent comes or goes meanwhile (CON-23), and
 * who receives the agents stays active (CON-19).
 *
 * @throws {AgentError} USER_NOT_FOUND when the acting user is not active
 * @throws {TokenManagerError} USER_NOT_FOUND, SELF_MODIFICATION_FORBIDDEN, LAST_ADMIN
 */
export async function deleteOwner(
  tx: WriteTx,
  id: string,
  actor: ActorRef,
  reason: string | undefined,
  { registry, users, budgetRequests }: OwnerParts,
): Promise<DeletedOwner> {
  const newOwnerId = actorIdOf(actor)
  for (const ownerId of [...new Set([id, newOwnerId])].sort()) await tx.lock(ownerLock(ownerId))
  if ((await users.getUser(newOwnerId, { tx }))?.status !== 'active') throw ownerNotFound(newOwnerId)
  const agentsAffected = await registry.reassignAll(id, newOwnerId, { tx })
  const cancelled = await budgetRequests.cancelAll({ requesterId: id }, DELETING, NOTE, { tx })
  const metadata = {
    new_owner_id: newOwnerId,
    agents_affected: auditedIds(agentsAffected.map(({ agentId }) => agentId)),
    agents_count: agentsAffected.length,
    budget_requests_cancelled: auditedIds(cancelled),
  }
  const { user, tokensRevoked, sessionsEnded } = await users.deleteUser(id, actor, { tx, reason, metadata })
  return Object.freeze({
    user,
    agentsAffected,
    budgetRequestsCancelled: cancelled,
    apiTokensRevoked: tokensRevoked,
    sessionsEnded,
  })
}
