/**
 * What a login with the right password writes: a session. It holds a lock on the e-mail and decides again on what is stored
 * then, because others were trying meanwhile.
 */
import type { IdSource, WriteTx } from '@iron/database'
import type { AuditLog } from '@iron/journal'
import { toUser, type User } from '../users/user.ts'
import { storedClient, stranger, userActor } from './client-context.ts'
import { lockedUntil } from './login-attempts.ts'
import { loginLock } from './login-key.ts'
import type { ClientContext, LoginResult, SessionTokens } from './session.ts'
import { hashRefreshToken } from './session-tokens.ts'
import { accountAsChecked, attemptsOf, forgetAttempts, insertSession, stampLogin } from './statements.ts'
import { makeTokenPair, type TokenPairMaker } from './token-pair.ts'

/** One attempt to log in whose password was right. */
export interface RightPassword {
  /** See `loginKey`. */
  readonly key: string
  /** What the password was compared with. */
  readonly account: { readonly id: string; readonly passwordHash: string }
  readonly context: ClientContext
  readonly nowMs: number
  readonly audit: AuditLog
  readonly ids: IdSource
  readonly tokens: TokenPairMaker
}

/** A session, unless the account was locked, suspended or changed while the password was being compared. */
export async function logIn(tx: WriteTx, attempt: RightPassword): Promise<LoginResult> {
  const { key, account, nowMs } = attempt
  await tx.lock(loginLock(key))
  const attempts = await attemptsOf.first(tx, { key })
  const until = lockedUntil(attempts, nowMs)
  if (until !== null) return { outcome: 'locked', until }
  const row = await stampLogin.first(tx, { ...account, at: nowMs })
  if (row === undefined) return refuse(tx, attempt)
  if (attempts !== undefined) await forgetAttempts.run(tx, { key })
  const user = toUser(row)
  return Object.freeze({ outcome: 'ok', user, tokens: await openSession(tx, attempt, user) })
}

/** The password was right and opened nothing: recorded like any failed login, but counted towards no lock. */
async function refuse(tx: WriteTx, attempt: RightPassword): Promise<LoginResult> {
  const unchanged = await accountAsChecked.first(tx, attempt.account)
  if (unchanged === undefined) return { outcome: 'invalid_credentials' }
  const entry = { operation: 'LOGIN_FAILED', resourceType: 'user', resourceId: attempt.account.id }
  const metadata = { reason: 'account_suspended' }
  attempt.audit.defer({ ...entry, actor: stranger(attempt.context), metadata }, { tx })
  return { outcome: 'suspended' }
}

async function openSession(tx: WriteTx, attempt: RightPassword, user: User): Promise<SessionTokens> {
  const { context, nowMs, audit } = attempt
  const id = attempt.ids.next('sess')
  const tokens = makeTokenPair(attempt.tokens, user, id, nowMs)
  await insertSession.run(tx, {
    id,
    userId: user.id,
    refreshHash: hashRefreshToken(tokens.refreshToken),
    at: nowMs,
    expiresAt: tokens.refreshExpiresAt,
    ...storedClient(context),
  })
  const entry = { operation: 'SESSION_CREATED', resourceType: 'session', resourceId: id }
  audit.defer({ ...entry, actor: userActor(user, context), metadata: { user_id: user.id } }, { tx })
  return tokens
}
