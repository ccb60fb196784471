/**
 * Logins and the sessions they open. A session is one row: its tokens are worth nothing once the row has ended, its refresh
 * token is spent by use, and every refusal tells an outsider the same.
 */
import {
  type AtTx,
  type DbSource,
  Faults,
  type InTx,
  type IronDatabase,
  type Page,
  type Paged,
  pageSlice,
  pageWindow,
  type Prune,
  type ServiceOptions,
  type WriteTx,
} from '@iron/database'
import { type ActorRef, actorIdOf, type AuditInput } from '@iron/journal'
import { AccountMemory, accountsChanged } from './account-memory.ts'
import { auditedIds } from './audited-ids.ts'
import { AuditedService } from './audited-service.ts'
import { checkPrune } from './check-prune.ts'
import { refuseFaults, TokenManagerError } from './errors.ts'
import { BCRYPT_COST, checkCost, costOf, PASSWORD_MAX, verifyPassword } from './passwords/hash-password.ts'
import { stranger } from './sessions/client-context.ts'
import { countFailure } from './sessions/count-failure.ts'
import { decideSession } from './sessions/decide-session.ts'
import { endUserSessions } from './sessions/end-user-sessions.ts'
import { logIn } from './sessions/log-in.ts'
import { lockedUntil } from './sessions/login-attempts.ts'
import { loginKey } from './sessions/login-key.ts'
import { pruneAttempts, pruneSessions } from './sessions/prune-sessions.ts'
import { rotateSession } from './sessions/rotate-session.ts'
import {
  type AuthRefusal,
  type ClientContext,
  type LoginResult,
  type RefreshResult,
  type Session,
  SESSION_COLUMNS,
  type SessionAuthentication,
  type SessionState,
  toSession,
} from './sessions/session.ts'
import { hashRefreshToken, type SessionKey, SessionTokenSigner } from './sessions/session-tokens.ts'
import { accountByEmail, attemptsOf, dearestHash, revokeSession, sessionState } from './sessions/statements.ts'
import type { TokenPairMaker } from './sessions/token-pair.ts'
import { emailKey } from './users/account-keys.ts'
import { isLiveUser } from './users/statements.ts'

/** Life of an access token, in milliseconds (http-api 7). */
const ACCESS_TTL_MS = 60 * 60_000
/** Life of a refresh token, anew with each refresh, in milliseconds (http-api 7). */
const REFRESH_TTL_MS = 30 * 24 * 60 * 60_000
/** How long a read session is believed, in milliseconds: the promise of http-api 2, and the most that may be asked for. */
const CACHE_MS_MAX = 1_000
/** Up to which cost a stored password raises the work of every login: about two seconds. */
const RAISED_COST_MAX = 15
/** Sessions remembered at most; a remembered one takes about a third of a kilobyte. */
const REMEMBERED_MAX = 10_000
/** Longest e-mail that is looked at, in code points (http-api 4.1). */
const EMAIL_INPUT_MAX = 255

/** Options of {@link SessionService}. */
export interface SessionServiceOptions extends ServiceOptions {
  /** The first key signs; all keys verify. Secrets of at least 32 bytes. */
  readonly keys: readonly SessionKey[]
  /** Default 3 600 000 (1 h); at least 1000, whole seconds count. */
  readonly accessTtlMs?: number | undefined
  /** Default 2 592 000 000 (30 d); longer than `accessTtlMs`. */
  readonly refreshTtlMs?: number | undefined
  /** How long a session once read is believed. 0..1000, default 1000; 0 = every request reads. */
  readonly cacheMs?: number | undefined
  /** The work of every login, known e-mail or not; a dearer stored password raises it (to 15 at most). Default 12. */
  readonly bcryptCost?: number | undefined
}

/** Logins, and the sessions they open, until they end. */
export class SessionService extends AuditedService {
  readonly #tokens: TokenPairMaker
  readonly #memory: AccountMemory<SessionState>
  /** The work every login takes, as a cost: that of the most expensive password known. */
  #cost: number
  #costKnown = false

  /** @throws {TokenManagerError} VALIDATION_ERROR, WEAK_SECRET */
  constructor(source: DbSource, options: SessionServiceOptions) {
    super(source, options)
    const accessTtlMs = options.accessTtlMs ?? ACCESS_TTL_MS
    const refreshTtlMs = options.refreshTtlMs ?? REFRESH_TTL_MS
    this.#cost = options.bcryptCost ?? BCRYPT_COST
    const cacheMs = options.cacheMs ?? CACHE_MS_MAX
    const faults = new Faults()
    faults.integer('accessTtlMs', accessTtlMs, 1_000)
    faults.integer('refreshTtlMs', refreshTtlMs, 1_000)
    faults.check(refreshTtlMs > accessTtlMs, 'refreshTtlMs', 'must be longer than accessTtlMs')
    faults.integer('cacheMs', cacheMs, 0, CACHE_MS_MAX)
    checkCost(faults, this.#cost)
    refuseFaults(faults)
    this.#tokens = { signer: new SessionTokenSigner(options.keys), accessTtlMs, refreshTtlMs }
    this.#memory = new AccountMemory(cacheMs, REMEMBERED_MAX)
  }

  /** How long an access token is accepted from its issue on, in milliseconds; whole seconds. */
  get accessTtlMs(): number {
    return Math.floor(this.#tokens.accessTtlMs / 1_000) * 1_000
  }

  /**
   * Opens a session for an e-mail and a password. An unknown e-mail costs the same work and is counted the same way as a
   * known one; ten failures lock it for half an hour (http-api 4.1).
   *
   * @throws {TokenManagerError} VALIDATION_ERROR; HASHING_BUSY (retryable)
   */
  async login(email: string, password: string, context: ClientContext = {}): Promise<LoginResult> {
    const faults = new Faults()
    faults.text('email', email, { max: EMAIL_INPUT_MAX })
    faults.text('password', password, { max: PASSWORD_MAX })
    refuseFaults(faults)
    const key = loginKey(email)
    const before = await this.read(
      async (tx) => ({
        attempts: await attemptsOf.first(tx, { key }),
        account: await accountByEmail.first(tx, { email: emailKey(email) }),
      }),
      { lookup: true },
    )
    const until = lockedUntil(before.attempts, this.clock.now())
    if (until !== null) return { outcome: 'locked', until }
    const passwordHash = before.account?.password_hash ?? null
    const matches = await verifyPassword(password, passwordHash, await this.#workFor(passwordHash))
    return this.write(async (tx, db) => {
      const attempt = { key, nowMs: this.clock.now(), audit: this.auditOf(db) }
      if (before.account === undefined || passwordHash === null || !matches) {
        const failed = { ...attempt, accountId: before.account?.id, actor: stranger(context) }
        const counted = await countFailure(tx, failed)
        return counted.outcome === 'locked' ? counted : { outcome: 'invalid_credentials' }
      }
      const account = { id: before.account.id, passwordHash }
      return logIn(tx, { ...attempt, account, context, ids: this.idsOf(db), tokens: this.#tokens })
    })
  }

  /**
   * Replaces both tokens of a session; the presented refresh token is spent. Presented again, it ends the session. Clients
   * should refresh one at a time: of two simultaneous refreshes the second counts as reuse.
   */
  async refresh(refreshToken: string, context: ClientContext = {}): Promise<RefreshResult> {
    const verified = this.#tokens.signer.verify('refresh', refreshToken, this.clock.now())
    if (verified.outcome === 'refused') return verified
    const { userId, sessionId } = verified.claims
    const presented = { userId, sessionId, hash: hashRefreshToken(refreshToken) }
    return this.write((tx, db) =>
      rotateSession(tx, presented, context, { clock: this.clock, audit: this.auditOf(db), tokens: this.#tokens }),
    )
  }

  /**
   * Who an access token stands for: its signature, then one read of session and user, believed for at most `cacheMs`.
   * A failing database is an error, never a refusal (AUT-22).
   */
  async authenticate(accessToken: string): Promise<SessionAuthentication> {
    const nowMs = this.clock.now()
    const verified = this.#tokens.signer.verify('access', accessToken, nowMs)
    if (verified.outcome === 'refused') return verified
    const { userId, sessionId, expiresAt } = verified.claims
    const remembered = this.#memory.get(sessionId, nowMs)
    // What refuses is never taken from memory: a refresh or a new role may have come since.
    const known = remembered !== undefined && decideSession(remembered, userId, nowMs) === undefined
    const state = known ? remembered : await this.#readSession(sessionId, nowMs)
    const refused = decideSession(state, userId, nowMs)
    if (refused !== undefined || state === undefined) return refused ?? REVOKED
    const forcePasswordChange = state.force_password_change === 1
    const principal = { kind: 'session', userId, role: state.role, sessionId, expiresAt, forcePasswordChange } as const
    return Object.freeze({ outcome: 'ok', principal: Object.freeze(principal) })
  }

  /** The sessions of a user that are in force. Sorts: `createdAt` (default, newest first). */
  async list(filter: { readonly userId: string }, options: Page & AtTx = {}): Promise<Paged<Session>> {
    const window = pageWindow(options, { createdAt: 'created_at' } as const)
    const { page, perPage, column } = window
    return this.read(async (tx) => {
      const live = tx.sql
        .selectFrom('sessions')
        .where('user_id', '=', filter.userId)
        .where('revoked_at', 'is', null)
        .where('expires_at', '>', this.clock.now())
      const { total } = await live.select((eb) => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow()
      const { limit, offset, direction } = pageSlice(window, total)
      const ids = live.select('id').orderBy(column, direction).orderBy('id', direction).limit(limit).offset(offset)
      const rows = await tx.sql
        .selectFrom('sessions')
        .select(SESSION_COLUMNS)
        .where('id', 'in', ids)
        .orderBy(column, window.direction)
        .orderBy('id', window.direction)
        .execute()
      return Object.freeze({ data: Object.freeze(rows.map(toSession)), page, perPage, total })
    }, options)
  }

  /**
   * Ends a session: its access and refresh tokens are worth nothing from now on. One that has ended already stays as it is.
   *
   * @param options.userId only a session of this user is found
   * @throws {TokenManagerError} SESSION_NOT_FOUND
   */
  end(id: string, actor: ActorRef, options: InTx & { readonly userId?: string | undefined } = {}): Promise<void> {
    return this.write(async (tx, db) => {
      const state = await sessionState.first(tx, { id })
      if (state === undefined || (options.userId !== undefined && options.userId !== state.user_id)) {
        throw new TokenManagerError('SESSION_NOT_FOUND', 'there is no such session')
      }
      const reason = actorIdOf(actor) === state.user_id ? 'logout' : 'admin'
      if ((await revokeSession.run(tx, { id, at: this.clock.now(), reason })) === 0) return
      accountsChanged(tx)
      const metadata = { user_id: state.user_id, reason }
      this.#record(tx, db, { operation: 'SESSION_ENDED', resourceType: 'session', resourceId: id, actor, metadata })
    }, options)
  }

  /**
   * Ends every session of a user, except one if asked.
   *
   * @returns how many ended
   * @throws {TokenManagerError} USER_NOT_FOUND
   */
  endAll(
    userId: string,
    actor: ActorRef,
    options: InTx & { readonly exceptSessionId?: string | undefined } = {},
  ): Promise<number> {
    return this.write(async (tx, db) => {
      if (!(await isLiveUser(tx, userId))) throw new TokenManagerError('USER_NOT_FOUND', 'there is no such user')
      const reason = actorIdOf(actor) === userId ? 'logout' : 'admin'
      const { exceptSessionId } = options
      const ended = await endUserSessions(tx, userId, { at: this.clock.now(), reason, exceptSessionId })
      if (ended.length === 0) return 0
      accountsChanged(tx)
      const metadata = { session_ids: [...auditedIds(ended)], sessions_ended: ended.length, reason }
      this.#record(tx, db, { operation: 'SESSION_ENDED', resourceType: 'user', resourceId: userId, actor, metadata })
      return ended.length
    }, options)
  }

  /**
   * Deletes sessions that expired or were ended before `olderThan`, and failed logins that have been silent for a day.
   *
   * @returns how many rows went, at most `limit` (default 5000) of each kind
   * @throws {TokenManagerError} VALIDATION_ERROR
   */
  async prune(options: Parameters<Prune>[0]): Promise<number> {
    const { olderThan, limit } = checkPrune(options)
    const now = this.clock.now()
    return this.write(async (tx) => {
      const sessions = await pruneSessions(tx, Math.min(olderThan, now), limit)
      return sessions + (await pruneAttempts(tx, now, limit))
    })
  }

  #readSession(id: string, nowMs: number): Promise<SessionState | undefined> {
    return this.read(
      async (tx, db) => {
        this.#memory.follow(db)
        const remember = this.#memory.reading(id, nowMs)
        const state = await sessionState.first(tx, { id })
        if (state?.revoked_at === null) remember(state)
        return state
      },
      { lookup: true },
    )
  }

  /** The cost whose work a login takes: raised to that of any stored password, lest a dearer one tells that it exists. */
  async #workFor(passwordHash: string | null): Promise<number> {
    if (!this.#costKnown) {
      this.#raiseCost((await this.read((tx) => dearestHash.first(tx, {})))?.password_hash ?? null)
      this.#costKnown = true
    }
    this.#raiseCost(passwordHash)
    return this.#cost
  }

  #raiseCost(passwordHash: string | null): void {
    const cost = passwordHash === null ? 0 : costOf(passwordHash)
    this.#cost = Math.max(this.#cost, Math.min(cost, RAISED_COST_MAX))
  }

  #record(tx: WriteTx, db: IronDatabase, entry: AuditInput): void {
    this.auditOf(db).defer(entry, { tx })
  }
}

const REVOKED: AuthRefusal = Object.freeze({ outcome: 'refused', code: 'TOKEN_REVOKED' })
