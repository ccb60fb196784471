/**
 * API tokens: issued, found by the hash of their secret, changed and ended, and the usage recorded with them. A secret is
 * shown once; from then on only its hash is known. What a token may do is what its owner may do now, narrowed by its scopes.
 */
import { CostCalculator, type UsdAmount } from '@iron/cost-calculator'
import {
  type AtTx,
  type DbSource,
  Faults,
  type InTx,
  type IronDatabase,
  type Page,
  type Paged,
  type Prune,
  type ServiceOptions,
} from '@iron/database'
import { type ActorRef, type CallFacts, RequestLog } from '@iron/journal'
import { AccountMemory } from './account-memory.ts'
import { AuditedService } from './audited-service.ts'
import { checkPrune } from './check-prune.ts'
import { refuseFaults, TokenManagerError } from './errors.ts'
import { LimitEnforcer } from './limit-enforcer.ts'
import { ProviderCatalog } from './provider-catalog.ts'
import type { AuthRefusal, ClientContext } from './sessions/session.ts'
import { checkNewToken, checkTokenChange } from './tokens/check-token.ts'
import { factsOfTotals } from './tokens/check-usage-facts.ts'
import { UNKNOWN } from './tokens/decide-token.ts'
import { issueToken, type TokenContext } from './tokens/issue-token.ts'
import { KnownToken } from './tokens/known-token.ts'
import { isStampDue, LastUses } from './tokens/last-uses.ts'
import { checkTokenFilter, listTokens } from './tokens/list-tokens.ts'
import { pruneSecrets } from './tokens/prune-secrets.ts'
import { checkUsage, readyUsage, recordUsage, type UsageBooks } from './tokens/record-usage.ts'
import { revokeAllTokens, revokeToken } from './tokens/revoke-token.ts'
import { GRACE_MAX_MS, rotateToken } from './tokens/rotate-token.ts'
import { hasBrokenChecksum, hashApiToken, isSecretText } from './tokens/secret.ts'
import { stateOfSecret, tokenById } from './tokens/statements.ts'
import {
  type ApiToken,
  type ApiTokenPrincipal,
  type ApiTokenWithUsage,
  type IssuedToken,
  type OfOwner,
  toApiToken,
  type TokenAuthentication,
  type TokenChange,
  type TokenFilter,
  type TokenOptions,
} from './tokens/token.ts'
import type { UsageCheck, UsageReceipt } from './tokens/usage.ts'
import { updateToken } from './tokens/update-token.ts'
import { checkReason } from './users/reason.ts'

/** Tokens an owner may have that are neither revoked nor expired (http-api 4.3). */
const ACTIVE_MAX = 10
/** The most that may be asked for: the tokens of an owner are counted at every issue. */
const ACTIVE_MAX_MAX = 10_000
/** How long a token once read is believed, in milliseconds: the promise of http-api 2, and the most that may be asked for. */
const CACHE_MS_MAX = 1_000
/** Tokens remembered at most; the oldest make room. */
const REMEMBERED_MAX = 10_000

/** Options of {@link TokenManager}. */
export interface TokenManagerOptions extends ServiceOptions {
  /** Tokens an owner may have that are neither revoked nor expired. 1..10 000, default 10. */
  readonly maxActivePerOwner?: number | undefined
  /** Whether issuing makes a user of an unknown owner. Default: true for a path or URL, false for an open handle. */
  readonly provisionOwners?: boolean | undefined
  /** Prices calls that are recorded without a cost. Default: the bundled price book. */
  readonly pricing?: CostCalculator | undefined
  /** How long a token once read is believed, in milliseconds. 0..1000, default 1000; 0 = every request reads. */
  readonly cacheMs?: number | undefined
}

/** API tokens and the usage recorded with them. */
export class TokenManager extends AuditedService {
  readonly #options: TokenManagerOptions
  readonly #maxActive: number
  readonly #memory: AccountMemory<KnownToken>
  readonly #lastUses = new LastUses((work) => this.write(work, { group: true }))
  #pricing: CostCalculator | undefined
  #books: UsageBooks | undefined

  /** @throws {TokenManagerError} VALIDATION_ERROR */
  constructor(source: DbSource, options: TokenManagerOptions = {}) {
    super(source, options)
    this.#options = options
    this.#maxActive = options.maxActivePerOwner ?? ACTIVE_MAX
    this.#pricing = options.pricing
    const cacheMs = options.cacheMs ?? CACHE_MS_MAX
    const faults = new Faults()
    faults.integer('maxActivePerOwner', this.#maxActive, 1, ACTIVE_MAX_MAX)
    faults.integer('cacheMs', cacheMs, 0, CACHE_MS_MAX)
    refuseFaults(faults)
    this.#memory = new AccountMemory(cacheMs, REMEMBERED_MAX)
  }

  /**
   * Issues a token in its owner's own name and returns its secret, which is shown only here.
   *
   * @throws {TokenManagerError} as `issueToken`
   */
  async createToken(ownerId: string, name: string, options: TokenOptions = {}): Promise<string> {
    return (await this.issueToken(ownerId, name, ownerId, options)).secret
  }

  /**
   * Issues a token. Its secret is in the result and nowhere else. Audited as `API_TOKEN_CREATED`.
   *
   * @param ownerId an active user; an unknown one is created where `provisionOwners` says so
   * @param name 1..100 characters, trimmed; need not be unique
   * @throws {TokenManagerError} VALIDATION_ERROR (also for scopes the owner does not hold), USER_NOT_FOUND;
   * TOKEN_LIMIT_EXCEEDED (`details.max`)
   */
  async issueToken(
    ownerId: string,
    name: string,
    actor: ActorRef,
    options: TokenOptions & InTx = {},
  ): Promise<IssuedToken> {
    const checked = checkNewToken(ownerId, name, options, this.clock.now())
    const provision = this.#options.provisionOwners ?? this.opensItself
    return this.write(
      (tx, db) => {
        const token = { ...checked, id: this.idsOf(db).next('tok'), ownerId, provision }
        return issueToken(tx, token, actor, this.#contextOf(db))
      },
      { tx: options.tx },
    )
  }

  /** Whether a secret authenticates now, from no address in particular: one bound to addresses does not. */
  async verify(secret: string): Promise<boolean> {
    return (await this.authenticate(secret)).outcome === 'ok'
  }

  /**
   * Who a secret stands for. One that has the form of ours must have the right checksum before the database is asked; then
   * one read by its hash, believed for at most `cacheMs` and never beyond its expiry or grace. The use is stamped at most once
   * a minute, off this path. A failing database is an error, never a refusal (AUT-22).
   *
   * @param context `ip` decides for a token that is bound to addresses; without one it is refused
   */
  authenticate(secret: string, context: ClientContext = {}): Promise<TokenAuthentication> {
    if (!isSecretText(secret)) return Promise.resolve(UNKNOWN)
    const nowMs = this.clock.now()
    const hash = hashApiToken(secret)
    const remembered = this.#memory.get(hash, nowMs)
    // What refuses is never taken from memory: it may have been changed since.
    if (remembered !== undefined && remembered.refusal(context.ip, nowMs) === undefined) {
      return this.#used(remembered, nowMs)
    }
    if (hasBrokenChecksum(secret)) return Promise.resolve(UNKNOWN)
    return this.#authenticateFresh(hash, context.ip, nowMs)
  }

  /**
   * Records a call made with a token, never refused by a limit: the call's row and the counters of its owner, and of its
   * project, in one transaction. A repeat of the same `requestId` counts nothing.
   *
   * @param token its secret, or the principal it authenticated as
   * @throws {TokenManagerError} VALIDATION_ERROR; IDEMPOTENCY_CONFLICT: the request id was recorded with other content; the
   * code of the refusal for a secret that does not authenticate
   */
  recordUsage(token: string | ApiTokenPrincipal, tokens: number, costUsd: UsdAmount): Promise<UsageReceipt>
  recordUsage(token: string | ApiTokenPrincipal, usage: CallFacts): Promise<UsageReceipt>
  async recordUsage(
    token: string | ApiTokenPrincipal,
    ...told: [tokens: number, costUsd: UsdAmount] | [usage: CallFacts]
  ): Promise<UsageReceipt> {
    const given = typeof told[0] === 'number' ? factsOfTotals(told[0], told[1] as UsdAmount) : told[0]
    const books = await this.#openBooks()
    const usage = await readyUsage(given, books)
    const principal = await this.#principalOf(token)
    return this.write((tx) => recordUsage(tx, principal, usage, books), { group: true })
  }

  /**
   * Whether a call would stay within all limits, and what it would cost: the answer recording the same call would give now.
   * Nothing is counted or held.
   *
   * @throws {TokenManagerError} as `recordUsage`
   */
  async checkUsage(token: string | ApiTokenPrincipal, usage: CallFacts): Promise<UsageCheck> {
    const books = await this.#openBooks()
    const ready = await readyUsage(usage, books)
    const principal = await this.#principalOf(token)
    // A named call is looked up as well as its limits, on one snapshot; an unnamed one is a single statement.
    const lookup = ready.facts.requestId === undefined
    return this.read((tx) => checkUsage(tx, principal, ready, books), { lookup })
  }

  /**
   * Changes what is given: what is absent stays, null clears. In force at the next use, at most `cacheMs` later. Audited as
   * `API_TOKEN_UPDATED` if anything changed.
   *
   * @param options.ownerId only a token of this owner is found
   * @throws {TokenManagerError} VALIDATION_ERROR, TOKEN_NOT_FOUND; TOKEN_ALREADY_REVOKED (`details.revoked_at`);
   * TOKEN_LIMIT_EXCEEDED when an expired token would be active again
   */
  async updateToken(id: string, change: TokenChange, actor: ActorRef, options: InTx & OfOwner = {}): Promise<ApiToken> {
    const checked = checkTokenChange(change, this.clock.now())
    return this.write(
      (tx, db) => updateToken(tx, id, checked, actor, { ...this.#contextOf(db), ownerId: options.ownerId }),
      { tx: options.tx },
    )
  }

  /**
   * Gives a token a new secret and keeps everything else. Audited as `API_TOKEN_ROTATED`.
   *
   * @param options.graceMs how long the replaced secret works on, 0..604 800 000 (7 d), default 0; one replaced before dies at
   * once
   * @param options.ownerId only a token of this owner is found
   * @throws {TokenManagerError} VALIDATION_ERROR, TOKEN_NOT_FOUND; TOKEN_ALREADY_REVOKED (`details.revoked_at`);
   * TOKEN_NOT_ACTIVE for an expired one
   */
  async rotateToken(
    id: string,
    actor: ActorRef,
    options: InTx & OfOwner & { readonly graceMs?: number | undefined } = {},
  ): Promise<IssuedToken> {
    const { tx, ownerId, graceMs = 0 } = options
    const faults = new Faults()
    faults.integer('graceMs', graceMs, 0, GRACE_MAX_MS)
    refuseFaults(faults)
    return this.write((open, db) => rotateToken(open, id, actor, { ...this.#contextOf(db), ownerId, graceMs }), { tx })
  }

  /**
   * Ends a token for good, a secret in its grace included. Audited as `API_TOKEN_REVOKED`.
   *
   * @param options.reason 1..1000 characters, for the audit log
   * @param options.ownerId only a token of this owner is found
   * @throws {TokenManagerError} VALIDATION_ERROR, TOKEN_NOT_FOUND; TOKEN_ALREADY_REVOKED (`details.revoked_at`)
   */
  async revokeToken(
    id: string,
    actor: ActorRef,
    options: InTx & OfOwner & { readonly reason?: string | undefined } = {},
  ): Promise<ApiToken> {
    const { tx, ownerId, reason } = options
    const checked = checkReason(reason)
    return this.write(
      (open, db) => revokeToken(open, id, actor, { ...this.#contextOf(db), ownerId, reason: checked }),
      { tx },
    )
  }

  /**
   * Ends every token of an owner. One entry `API_TOKEN_REVOKED` about the user names them all.
   *
   * @returns the ids of those that were in force or expired, in order
   * @throws {TokenManagerError} USER_NOT_FOUND
   */
  revokeAll(ownerId: string, actor: ActorRef, options: InTx = {}): Promise<readonly string[]> {
    return this.write((tx, db) => revokeAllTokens(tx, ownerId, actor, this.#contextOf(db)), options)
  }

  /**
   * A token by id, revoked ones too, with the totals of its calls.
   *
   * @param options.ownerId only a token of this owner is found
   */
  getToken(id: string, options: AtTx & OfOwner = {}): Promise<ApiTokenWithUsage | undefined> {
    return this.read(
      async (tx, db) => {
        const row = await tokenById.first(tx, { id })
        if (row === undefined || (options.ownerId !== undefined && options.ownerId !== row.owner_id)) return undefined
        const usage = await this.#booksOf(db).requests.totals({ tokenId: id }, { tx })
        return Object.freeze({ ...toApiToken(row, this.clock.now()), usage })
      },
      { tx: options.tx },
    )
  }

  /**
   * Tokens, revoked ones too. Sorts: `createdAt` (default, newest first), `name`, `lastUsedAt`, `expiresAt`; never used comes
   * before every use, never expiring after every expiry.
   */
  async listTokens(filter: TokenFilter = {}, options: Page & AtTx = {}): Promise<Paged<ApiToken>> {
    checkTokenFilter(filter)
    return this.read((tx) => listTokens(tx, filter, options, this.clock.now()), { tx: options.tx })
  }

  /**
   * Deletes secrets that were replaced and whose grace ended before `olderThan` (epoch ms); tokens themselves are kept.
   *
   * @returns how many, at most `limit` (default 5000)
   * @throws {TokenManagerError} VALIDATION_ERROR
   */
  async prune(options: Parameters<Prune>[0]): Promise<number> {
    const { olderThan, limit } = checkPrune(options)
    return this.write((tx) => pruneSecrets(tx, Math.min(olderThan, this.clock.now()), limit))
  }

  /** Waits until the last uses noted so far are stamped, then closes what the service opened itself. */
  override async close(): Promise<void> {
    this.#memory.forgetAll()
    await this.#lastUses.settled()
    await super.close()
  }

  async #authenticateFresh(hash: string, address: string | undefined, nowMs: number): Promise<TokenAuthentication> {
    const db = await this.ready()
    this.#memory.follow(db)
    const remember = this.#memory.reading(hash, nowMs)
    const state = await db.read((tx) => stateOfSecret.first(tx, { hash }), { lookup: true })
    if (state === undefined) return UNKNOWN
    const token = new KnownToken(state)
    const refused = token.refusal(address, nowMs)
    if (refused !== undefined) return refused
    remember(token)
    return this.#used(token, nowMs)
  }

  #used(token: KnownToken, nowMs: number): Promise<TokenAuthentication> {
    if (isStampDue(token.lastUsedAt, nowMs)) {
      token.lastUsedAt = nowMs
      this.#lastUses.note(token.tokenId, nowMs)
    }
    return token.accepted
  }

  /** @throws {TokenManagerError} the code of the refusal; VALIDATION_ERROR for what is neither secret nor principal */
  async #principalOf(token: string | ApiTokenPrincipal): Promise<ApiTokenPrincipal> {
    if (typeof token !== 'string') return checkedPrincipal(token)
    const answer = await this.authenticate(token)
    if (answer.outcome === 'ok') return answer.principal
    throw refusalError(answer)
  }

  #contextOf(db: IronDatabase): TokenContext {
    return { audit: this.auditOf(db), clock: this.clock, maxActive: this.#maxActive }
  }

  async #openBooks(): Promise<UsageBooks> {
    return this.#booksOf(await this.ready())
  }

  #booksOf(db: IronDatabase): UsageBooks {
    const sources = { clock: this.#options.clock, ids: this.#options.ids }
    this.#books ??= {
      requests: new RequestLog(db, sources),
      limits: new LimitEnforcer(db, sources),
      providers: new ProviderCatalog(db, sources),
      pricing: () => (this.#pricing ??= new CostCalculator()),
      clock: this.clock,
    }
    return this.#books
  }
}

function checkedPrincipal(token: ApiTokenPrincipal): ApiTokenPrincipal {
  const faults = new Faults()
  const given = token as Partial<ApiTokenPrincipal> | null
  faults.id('token.tokenId', given?.tokenId)
  faults.id('token.userId', given?.userId)
  refuseFaults(faults)
  return token
}

function refusalError({ code, expiredAt }: AuthRefusal): TokenManagerError {
  const details = expiredAt === undefined ? {} : { expired_at: new Date(expiredAt).toISOString() }
  // No API token is refused for its kind here; the type is that of every credential.
  const known = code === 'FORBIDDEN' ? 'UNAUTHORIZED' : code
  return new TokenManagerError(known, 'the API token is not accepted', { details })
}
