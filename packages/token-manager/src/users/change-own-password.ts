/**
 * A user changes the own password. The current one is compared outside any transaction, and what is stored is decided again
 * under the lock of the login: guesses here count like those at the login, so that a stolen session is no way around the
 * lock (AUT-13).
 */
import { Faults, type ReadTx, type WriteTx } from '@iron/database'
import type { AuditLog } from '@iron/journal'
import { accountsChanged } from '../account-memory.ts'
import { refuseFaults } from '../errors.ts'
import { checkPassword, PASSWORD_MAX } from '../passwords/hash-password.ts'
import { userActor } from '../sessions/client-context.ts'
import { countFailure } from '../sessions/count-failure.ts'
import { endUserSessions } from '../sessions/end-user-sessions.ts'
import { lockedUntil } from '../sessions/login-attempts.ts'
import { loginKey } from '../sessions/login-key.ts'
import type { ClientContext } from '../sessions/session.ts'
import { attemptsOf, forgetAttempts } from '../sessions/statements.ts'
import { lockLogin } from './account-locks.ts'
import { accountError } from './refusals.ts'
import { passwordById, setPassword } from './statements.ts'

/** What a change of the own password led to. */
export type PasswordChange = 'changed' | 'wrong_password' | 'unchanged' | 'locked'

/** What the current password was found to be, and what is to be stored. */
export interface ComparedPassword {
  /** The hash it was compared with. */
  readonly comparedWith: string | null
  readonly matches: boolean
  /** `undefined`: it is not to change. */
  readonly nextHash: string | undefined
  readonly keepSessionId: string | undefined
  readonly context: ClientContext
  readonly nowMs: number
  readonly audit: AuditLog
}

/** @throws {TokenManagerError} VALIDATION_ERROR on `currentPassword`, `newPassword` */
export function checkPasswordChange(current: string, next: string): void {
  const faults = new Faults()
  faults.text('currentPassword', current, { max: PASSWORD_MAX })
  checkPassword(faults, 'newPassword', next)
  refuseFaults(faults)
}

/** What the current password is to be compared with, and whether it may be. @throws {TokenManagerError} USER_NOT_FOUND */
export async function passwordToCompare(
  tx: ReadTx,
  id: string,
  nowMs: number,
): Promise<{ readonly passwordHash: string | null; readonly isLocked: boolean }> {
  const account = await passwordById.first(tx, { id })
  if (account === undefined) throw accountError('USER_NOT_FOUND')
  const { email, password_hash: passwordHash } = account
  const attempts = email === null ? undefined : await attemptsOf.first(tx, { key: loginKey(email) })
  return { passwordHash, isLocked: lockedUntil(attempts, nowMs) !== null }
}

/** Stores the new password, or counts a wrong one. @throws {TokenManagerError} USER_NOT_FOUND */
export async function changeOwnPassword(tx: WriteTx, id: string, compared: ComparedPassword): Promise<PasswordChange> {
  const { row, loginKey: key } = await lockLogin(tx, id)
  const { nowMs: at, audit, nextHash } = compared
  const actor = userActor(row, compared.context)
  const attempts = key === null ? undefined : await attemptsOf.first(tx, { key })
  if (lockedUntil(attempts, at) !== null) return 'locked'
  const stored = await passwordById.first(tx, { id })
  if (stored?.password_hash !== compared.comparedWith) return 'wrong_password'
  if (!compared.matches) {
    const attempt = { accountId: id, actor, nowMs: at, audit, metadata: { reason: 'password_change' } }
    if (key !== null) await countFailure(tx, { ...attempt, key })
    return 'wrong_password'
  }
  if (nextHash === undefined) return 'unchanged'
  await setPassword.run(tx, { id, at, passwordHash: nextHash, force: 0 })
  const exceptSessionId = compared.keepSessionId
  const ended = await endUserSessions(tx, id, { at, reason: 'password_changed', exceptSessionId })
  if (key !== null) await forgetAttempts.run(tx, { key })
  const entry = { operation: 'PASSWORD_CHANGED', resourceType: 'user', resourceId: id, actor }
  audit.defer({ ...entry, metadata: { sessions_ended: ended.length } }, { tx })
  accountsChanged(tx)
  return 'changed'
}
