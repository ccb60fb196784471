import type { JsonObject, WriteTx } from '@iron/database'
import type { Actor, AuditLog } from '@iron/journal'
import { decideFailure, lockedUntil } from './login-attempts.ts'
import { loginLock } from './login-key.ts'
import { attemptsOf, storeAttempts } from './statements.ts'

/** A wrong password, or one for an e-mail nobody has. */
export interface FailedAttempt {
  /** Under which it is counted, see `loginKey`. */
  readonly key: string
  /** `undefined`: nobody has that e-mail. */
  readonly accountId: string | undefined
  readonly actor: Actor
  readonly nowMs: number
  readonly audit: AuditLog
  readonly metadata?: JsonObject | undefined
}

/**
 * Counts one more failure, unless the e-mail is locked. Known and unknown e-mails are counted alike; only what concerns an
 * account is recorded (AUT-23).
 */
export async function countFailure(
  tx: WriteTx,
  attempt: FailedAttempt,
): Promise<{ readonly outcome: 'counted' } | { readonly outcome: 'locked'; readonly until: number }> {
  const { key, nowMs, accountId, actor } = attempt
  await tx.lock(loginLock(key))
  const attempts = await attemptsOf.first(tx, { key })
  const until = lockedUntil(attempts, nowMs)
  if (until !== null) return { outcome: 'locked', until }
  const { failures, locked_until: lockUntil } = decideFailure(attempts, nowMs)
  await storeAttempts.run(tx, { key, failures, at: nowMs, lockedUntil: lockUntil })
  if (accountId === undefined) return { outcome: 'counted' }
  const entry = { resourceType: 'user', resourceId: accountId, actor }
  const metadata = { ...attempt.metadata, failures }
  attempt.audit.defer({ ...entry, operation: 'LOGIN_FAILED', metadata }, { tx })
  if (lockUntil !== null) {
    const locked = { failures, locked_until: new Date(lockUntil).toISOString() }
    attempt.audit.defer({ ...entry, operation: 'ACCOUNT_LOCKED', metadata: locked }, { tx })
  }
  return { outcome: 'counted' }
}
