/**
 * What a login writes once the password has been compared: a session, or one more failure. Both hold a lock on the e-mail
 * and decide again on what is stored then, because others were trying meanwhile.
 */
import { createHash } from 'node:crypto'
import type { IdSource, WriteTx } from '@iron/database'
import type { AuditLog } from '@iron/journal'
import { emailKey } from '../users/account-keys.ts'
import { toUser } from '../users/user.ts'
import { storedClient, stranger, userActor } from './client-context.ts'
import { decideFailure, lockedUntil } from './login-attempts.ts'
import type { ClientContext, LoginResult } from './session.ts'
import { hashRefreshToken } from './session-tokens.ts'
import { accountAsChecked, attemptsOf, forgetAttempts, insertSession, stampLogin, storeAttempts } from './statements.ts'
import { makeTokenPair, type TokenPairMaker } from './token-pair.ts'

/** Longest e-mail that can be an account's, in code points. */
const EMAIL_MAX = 255

/** One attempt to log in. */
export interface LoginAttempt {
  readonly email: string
  readonly context: ClientContext
  readonly nowMs: number
  readonly audit: AuditLog
}

/** Under which key failures are counted: the e-mail as it is looked up, or its hash when no account can have it. */
export function attemptKey(email: string): string {
  const key = emailKey(email)
  const length = Array.from(key).length
  return length >= 1 && length <= EMAIL_MAX ? key : `sha256:${createHash('sha256').update(key).digest('hex')}`
}

/** The right password: a session, unless the account was locked or changed while the password was being compared. */
export async function openSession(
  tx: WriteTx,
  attempt: LoginAttempt,
  account: { readonly id: string; readonly passwordHash: string },
  made: { readonly ids: IdSource; readonly tokens: TokenPairMaker },
): Promise<LoginResult> {
  const { context, nowMs } = attempt
  const key = attemptKey(attempt.email)
  await tx.lock(`login:${key}`)
  const attempts = await attemptsOf.first(tx, { key })
  const until = lockedUntil(attempts, nowMs)
  if (until !== null) return { outcome: 'locked', until }
  const row = await stampLogin.first(tx, { ...account, at: nowMs })
  if (row === undefined) {
    const unchanged = await accountAsChecked.first(tx, account)
    return { outcome: unchanged === undefined ? 'invalid_credentials' : 'suspended' }
  }
  if (attempts !== undefined) await forgetAttempts.run(tx, { key })
  const user = toUser(row)
  const sessionId = made.ids.next('sess')
  const tokens = makeTokenPair(made.tokens, user, sessionId, nowMs)
  await insertSession.run(tx, {
    id: sessionId,
    userId: user.id,
    refreshHash: hashRefreshToken(tokens.refreshToken),
    at: nowMs,
    expiresAt: tokens.refreshExpiresAt,
    ...storedClient(context),
  })
  attempt.audit.defer(
    {
      operation: 'SESSION_CREATED',
      resourceType: 'session',
      resourceId: sessionId,
      actor: userActor(user, context),
      metadata: { user_id: user.id },
    },
    { tx },
  )
  return { outcome: 'ok', user, tokens }
}

/** A wrong password or an unknown e-mail: counted alike, and recorded where there is an account (AUT-23). */
export async function countFailure(
  tx: WriteTx,
  attempt: LoginAttempt,
  accountId: string | undefined,
): Promise<LoginResult> {
  const { nowMs, audit } = attempt
  const key = attemptKey(attempt.email)
  await tx.lock(`login:${key}`)
  const attempts = await attemptsOf.first(tx, { key })
  const until = lockedUntil(attempts, nowMs)
  if (until !== null) return { outcome: 'locked', until }
  const { failures, locked_until: lockUntil } = decideFailure(attempts, nowMs)
  await storeAttempts.run(tx, { key, failures, at: nowMs, lockedUntil: lockUntil })
  if (accountId !== undefined) {
    const entry = { resourceType: 'user', resourceId: accountId, actor: stranger(attempt.context) }
    audit.defer({ ...entry, operation: 'LOGIN_FAILED', metadata: { failures } }, { tx })
    if (lockUntil !== null) {
      const metadata = { failures, locked_until: new Date(lockUntil).toISOString() }
      audit.defer({ ...entry, operation: 'ACCOUNT_LOCKED', metadata }, { tx })
    }
  }
  return { outcome: 'invalid_credentials' }
}
