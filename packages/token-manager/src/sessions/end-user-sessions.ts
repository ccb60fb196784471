import type { WriteTx } from '@iron/database'

/** Why sessions end all at once (data-model 3.1). */
export type SessionsEndReason = 'logout' | 'admin' | 'password_changed' | 'user_suspended' | 'user_deleted'

/**
 * Ends every session of a user, except one if asked, in the caller's transaction. Those that have expired are ended too: a
 * clock that steps back must not revive them.
 *
 * @returns the ids of those that were in force, in order
 */
export async function endUserSessions(
  tx: WriteTx,
  userId: string,
  ended: { readonly at: number; readonly reason: SessionsEndReason; readonly exceptSessionId?: string | undefined },
): Promise<readonly string[]> {
  let update = tx.sql
    .updateTable('sessions')
    .set({ revoked_at: ended.at, revoke_reason: ended.reason })
    .where('user_id', '=', userId)
    .where('revoked_at', 'is', null)
  if (ended.exceptSessionId !== undefined) update = update.where('id', '<>', ended.exceptSessionId)
  const rows = await update.returning(['id', 'expires_at']).execute()
  return rows
    .filter((row) => row.expires_at > ended.at)
    .map(({ id }) => id)
    .sort()
}
