import type { WriteTx } from '@iron/database'
import { actorIdOf } from '@iron/journal'
import { accountsChanged } from '../account-memory.ts'
import { endUserSessions } from '../sessions/end-user-sessions.ts'
import { ownerLock } from './account-locks.ts'
import type { Acting } from './acting.ts'
import { decideSuspension } from './decide-change.ts'
import { lockForDecision } from './lock-for-decision.ts'
import { accountError, written } from './refusals.ts'
import { setSuspended } from './statements.ts'
import { toUser, type User } from './user.ts'

/** Suspends a user and ends the sessions. What the user owns is granted nothing from this commit on (ACL-16). */
export async function suspendUser(tx: WriteTx, id: string, reason: string | undefined, acting: Acting): Promise<User> {
  await tx.lock(ownerLock(id))
  const { user, facts } = await lockForDecision(tx, id, acting)
  const decision = decideSuspension(user, facts)
  if (decision !== 'suspend') throw accountError(decision)
  const { actor, audit, nowMs: at } = acting
  const suspension = { id, at, by: actorIdOf(actor), reason: reason ?? null }
  const row = written(await setSuspended.first(tx, suspension))
  const ended = await endUserSessions(tx, id, { at, reason: 'user_suspended' })
  audit.defer(
    {
      operation: 'USER_SUSPENDED',
      resourceType: 'user',
      resourceId: id,
      actor,
      changes: { before: { status: 'active' }, after: { status: 'suspended' } },
      reason,
      metadata: { sessions_ended: ended.length },
    },
    { tx },
  )
  accountsChanged(tx)
  return toUser(row)
}
