import type { WriteTx } from '@iron/database'
import { actorIdOf } from '@iron/journal'
import { ADMINS_LOCK, lockUser } from './account-locks.ts'
import type { Acting } from './acting.ts'
import type { ChangeFacts } from './decide-change.ts'
import { isOnlyActiveAdmin } from './only-active-admin.ts'
import type { UserRow } from './user.ts'

/**
 * A user with what decides about suspending, deleting or re-roling: no other admin goes away before this transaction ends.
 *
 * @throws {TokenManagerError} USER_NOT_FOUND
 */
export async function lockForDecision(
  tx: WriteTx,
  id: string,
  acting: Acting,
): Promise<{ readonly user: UserRow; readonly facts: ChangeFacts }> {
  await tx.lock(ADMINS_LOCK)
  const user = await lockUser(tx, id)
  const isSelf = actorIdOf(acting.actor) === id
  return { user, facts: { isSelf, isOnlyActiveAdmin: await isOnlyActiveAdmin(tx, id) } }
}
