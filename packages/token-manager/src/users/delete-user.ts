import type { JsonObject, WriteTx } from '@iron/database'
import { actorIdOf } from '@iron/journal'
import { accountsChanged } from '../account-memory.ts'
import { auditedIds } from '../audited-ids.ts'
import { endUserSessions } from '../sessions/end-user-sessions.ts'
import { revokeOwnerTokens } from '../tokens/revoke-owner-tokens.ts'
import { ownerLock } from './account-locks.ts'
import type { Acting } from './acting.ts'
import { decideDeletion } from './decide-change.ts'
import { lockForDecision } from './lock-for-decision.ts'
import { accountError, written } from './refusals.ts'
import { setDeleted } from './statements.ts'
import { auditedUser, statusOf, toUser, type User } from './user.ts'

/** A deleted user, and what ended with the account. */
export interface DeletedUser {
  readonly user: User
  /** Ids of the API tokens that were revoked, in order. */
  readonly tokensRevoked: readonly string[]
  /** How many sessions in force were ended. */
  readonly sessionsEnded: number
}

/**
 * Deletes a user for good: the row stays for the history, user name and e-mail become free. One entry records all of it,
 * also what a composing operation did in this transaction (`metadata`).
 */
export async function deleteUser(
  tx: WriteTx,
  id: string,
  about: { readonly reason: string | undefined; readonly metadata: JsonObject | undefined },
  acting: Acting,
): Promise<DeletedUser> {
  await tx.lock(ownerLock(id))
  const { user: before, facts } = await lockForDecision(tx, id, acting)
  const decision = decideDeletion(facts)
  if (decision !== 'delete') throw accountError(decision)
  const { actor, audit, nowMs: at } = acting
  const by = actorIdOf(actor)
  const row = written(await setDeleted.first(tx, { id, at, by }))
  const tokensRevoked = await revokeOwnerTokens(tx, id, { at, by })
  const sessionsEnded = (await endUserSessions(tx, id, { at, reason: 'user_deleted' })).length
  audit.defer(
    {
      operation: 'USER_DELETED',
      resourceType: 'user',
      resourceId: id,
      actor,
      changes: { before: { ...auditedUser(before), status: statusOf(before) }, after: { status: 'deleted' } },
      reason: about.reason,
      metadata: {
        ...about.metadata,
        api_tokens_revoked: [...auditedIds(tokensRevoked)],
        tokens_revoked: tokensRevoked.length,
        sessions_ended: sessionsEnded,
      },
    },
    { tx },
  )
  accountsChanged(tx)
  return Object.freeze({ user: toUser(row), tokensRevoked: Object.freeze(tokensRevoked), sessionsEnded })
}
