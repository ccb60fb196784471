import type { WriteTx } from '@iron/database'
import { lockedUntil } from '../sessions/login-attempts.ts'
import { attemptsOf, forgetAttempts } from '../sessions/statements.ts'
import { lockLogin } from './account-locks.ts'
import type { Acting } from './acting.ts'
import { toUser, type User } from './user.ts'

/** Forgets the failed logins of a user. Recorded only if they had locked the login. */
export async function unlockUser(tx: WriteTx, id: string, acting: Acting): Promise<User> {
  const { row, loginKey: key } = await lockLogin(tx, id)
  const attempts = key === null ? undefined : await attemptsOf.first(tx, { key })
  if (key === null || attempts === undefined) return toUser(row)
  await forgetAttempts.run(tx, { key })
  const { actor, audit, nowMs } = acting
  const until = lockedUntil(attempts, nowMs)
  if (until !== null) {
    const metadata = { failures: attempts.failures, locked_until: new Date(until).toISOString() }
    audit.defer({ operation: 'USER_UNLOCKED', resourceType: 'user', resourceId: id, actor, metadata }, { tx })
  }
  return toUser(row)
}
