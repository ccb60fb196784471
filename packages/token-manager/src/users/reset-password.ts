import type { WriteTx } from '@iron/database'
import { actorIdOf, REDACTED } from '@iron/journal'
import { accountsChanged } from '../account-memory.ts'
import { auditedIds } from '../audited-ids.ts'
import { endUserSessions } from '../sessions/end-user-sessions.ts'
import { forgetAttempts } from '../sessions/statements.ts'
import { revokeOwnerTokens } from '../tokens/revoke-owner-tokens.ts'
import { lockLogin, ownerLock } from './account-locks.ts'
import type { Acting } from './acting.ts'
import { written } from './refusals.ts'
import { setPassword } from './statements.ts'
import { toUser, type User } from './user.ts'

/** What else a reset does. */
export interface PasswordReset {
  readonly passwordHash: string
  /** Whether the first thing the user may do is to choose another password. */
  readonly forceChange: boolean
  readonly revokeApiTokens: boolean
}

/** Gives a user another password: every session ends and the login is unlocked (AUT-09). */
export async function resetPassword(tx: WriteTx, id: string, reset: PasswordReset, acting: Acting): Promise<User> {
  // A token that is being issued is revoked with the others or comes after the reset.
  if (reset.revokeApiTokens) await tx.lock(ownerLock(id))
  const { loginKey } = await lockLogin(tx, id)
  const { actor, audit, nowMs: at } = acting
  const { passwordHash, forceChange } = reset
  const row = written(await setPassword.first(tx, { id, at, passwordHash, force: forceChange ? 1 : 0 }))
  const ended = await endUserSessions(tx, id, { at, reason: 'password_changed' })
  const revoked = reset.revokeApiTokens ? await revokeOwnerTokens(tx, id, { at, by: actorIdOf(actor) }) : []
  if (loginKey !== null) await forgetAttempts.run(tx, { key: loginKey })
  audit.defer(
    {
      operation: 'USER_PASSWORD_RESET',
      resourceType: 'user',
      resourceId: id,
      actor,
      changes: { after: { password: REDACTED, force_password_change: forceChange } },
      metadata: {
        sessions_ended: ended.length,
        api_tokens_revoked: [...auditedIds(revoked)],
        tokens_revoked: revoked.length,
      },
    },
    { tx },
  )
  accountsChanged(tx)
  return toUser(row)
}
