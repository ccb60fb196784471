/**
 * Signs and verifies IC tokens: HS256 JWTs, algorithm fixed here and never taken from a token. A token that `verify`
 * returns was signed by a key of this manager, is within its time, and names an agent in well-formed claims; whether
 * that agent exists and the token is still its current one is for the caller (compare the stored hash on every use).
 */
import { randomUUID } from 'node:crypto'
import jsonwebtoken from 'jsonwebtoken'
import { DEFAULT_PERMISSIONS, faultsOfClaims, freezeClaims, ISSUER, type IcTokenClaims } from './claims.ts'
import { IcTokenError } from './errors.ts'
import { hashIcToken, stripPrefix, TOKEN_PREFIX } from './hash.ts'
import { parseJwt, payloadOf, TOKEN_MAX_CHARS } from './jwt-form.ts'
import { KeyRing, type IcTokenKey, type SigningKey } from './key-ring.ts'
import { isSignedBy } from './signature.ts'
import { VerifiedTokens } from './verified-tokens.ts'

/** Where the time comes from. */
export interface Clock {
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  now(): number
}

/** A token and what it says. Show `token` once; store `hash`. */
export interface IcTokenResult {
  /** What the agent holds: `ic_` + `jwt`. */
  readonly token: string
  /** The JWT in compact form (RFC 7515 7.1). */
  readonly jwt: string
  /** SHA-256 hex of `jwt`. */
  readonly hash: string
  /** Key that signed it. */
  readonly kid: string
  readonly claims: IcTokenClaims
}

export interface IcTokenManagerOptions {
  /** The first key signs; all keys verify. */
  readonly keys: readonly [IcTokenKey, ...IcTokenKey[]]
  /** Default: the system clock. */
  readonly clock?: Clock | undefined
  /** How far ahead of our clock a token may have been issued, in seconds. Default 60 (http-api 2). */
  readonly maxSkewSeconds?: number | undefined
}

export interface IcTokenInput {
  readonly agentId: string
  /** Default: `budget_` + the agent id without `agent_`. */
  readonly budgetId?: string | undefined
  /** Becomes the `jti`. Default: `ic_` + a random UUID. */
  readonly id?: string | undefined
  /** Default: {@link DEFAULT_PERMISSIONS}. */
  readonly permissions?: readonly string[] | undefined
  /** Epoch ms; cut to the whole second, so a token never lives longer than asked. Default: no expiry. */
  readonly expiresAt?: number | undefined
}

const MAX_SKEW_SECONDS = 60
const INPUT_MESSAGE = 'The IC token cannot be issued with this input'
const systemClock: Clock = { now: () => Date.now() }
const inputNames: Readonly<Record<string, string>> = {
  agent_id: 'agentId',
  budget_id: 'budgetId',
  jti: 'id',
  exp: 'expiresAt',
  iat: 'clock',
}

/**
 * Signs and verifies IC tokens. What `verify` returns was signed by one of the keys and is within its time; that the agent exists
 * and the token is still its current one is for the caller to check.
 *
 * @example
 * const tokens = new IcTokenManager({ keys: [{ kid: '2026-01', secret: randomBytes(32) }] })
 * const { token } = tokens.issue({ agentId: 'agent_7' })
 * tokens.verify(token).claims.agent_id // 'agent_7'
 */
export class IcTokenManager {
  readonly #keys: KeyRing
  readonly #clock: Clock
  readonly #maxSkewMs: number
  readonly #verified = new VerifiedTokens()

  /**
   * @throws {IcTokenError} WEAK_SECRET a secret is under 32 bytes; UNKNOWN_KEY no key, a bad `kid` or one given twice;
   * BAD_CLAIMS `maxSkewSeconds` is not a number of seconds. All with `details.fields`.
   */
  constructor(options: IcTokenManagerOptions) {
    const { clock = systemClock, maxSkewSeconds = MAX_SKEW_SECONDS } = options
    this.#keys = new KeyRing(options.keys)
    if (!Number.isFinite(maxSkewSeconds) || maxSkewSeconds < 0) {
      const fields = { maxSkewSeconds: 'must be a number of seconds, 0 or more' }
      throw new IcTokenError('BAD_CLAIMS', { fields }, 'The options are not valid')
    }
    this.#clock = clock
    this.#maxSkewMs = maxSkewSeconds * 1000
  }

  /**
   * Signs a new token with the first key. Two calls differ even within one millisecond (the `jti` does).
   *
   * @throws {IcTokenError} BAD_CLAIMS with `details.fields`, all faults at once; TOO_LONG when the JWT would exceed 2000
   * characters
   */
  issue(input: IcTokenInput): IcTokenResult {
    const nowMs = this.#clock.now()
    const asked = claimsFor(input, nowMs)
    checkInput(asked, nowMs)
    const claims = freezeClaims(asked)
    const { kid, key } = this.#keys.current
    // Given as text: jsonwebtoken would add a wall-clock `iat` to an object whose own is 0.
    const payload = JSON.stringify(claims)
    const jwt = jsonwebtoken.sign(payload, key, { algorithm: 'HS256', header: { alg: 'HS256', typ: 'JWT', kid } })
    if (jwt.length > TOKEN_MAX_CHARS) {
      const fields = { $: `makes a token of more than ${TOKEN_MAX_CHARS} characters` }
      throw new IcTokenError('TOO_LONG', { fields }, INPUT_MESSAGE)
    }
    return resultOf(jwt, kid, claims)
  }

  /**
   * The claims of a good token, given with or without `ic_`. Checked in this order, the first failure decides: at most
   * 2000 characters, three parts, HS256, known `kid` (absent: every key is tried), signature, `iss`, claim shapes, `iat`
   * at most `maxSkewSeconds` ahead, now < `exp` without leeway. Successes are remembered; time is checked on each call.
   *
   * @throws {IcTokenError} TOO_LONG, MALFORMED, BAD_ALGORITHM, UNKNOWN_KEY, BAD_SIGNATURE, BAD_ISSUER, BAD_CLAIMS,
   * NOT_YET_VALID, EXPIRED; all with one text
   */
  verify(token: string): IcTokenResult {
    if (typeof token !== 'string') throw new IcTokenError('MALFORMED')
    const jwt = stripPrefix(token)
    if (jwt.length > TOKEN_MAX_CHARS) throw new IcTokenError('TOO_LONG')
    const known = this.#verified.get(jwt)
    const result = known ?? this.#verifyAnew(jwt)
    this.#checkTime(result)
    if (known === undefined) this.#verified.add(result)
    return result
  }

  #verifyAnew(jwt: string): IcTokenResult {
    const header = parseJwt(jwt)
    if (header.alg !== 'HS256') throw new IcTokenError('BAD_ALGORITHM')
    const candidates = this.#keys.candidates(header.kid)
    if (candidates.length === 0) throw new IcTokenError('UNKNOWN_KEY')
    const { kid, payload } = checkSignature(jwt, candidates)
    const claims = (typeof payload === 'object' && payload !== null ? payload : {}) as Record<string, unknown>
    if (claims.iss !== ISSUER) throw new IcTokenError('BAD_ISSUER')
    if (Object.keys(faultsOfClaims(claims)).length > 0) throw new IcTokenError('BAD_CLAIMS')
    return resultOf(jwt, kid, freezeClaims(claims as unknown as IcTokenClaims))
  }

  #checkTime({ jwt, claims }: IcTokenResult): void {
    const nowMs = this.#clock.now()
    // Both say when a token is good rather than when it is not, so that a clock that yields NaN refuses.
    if (!(claims.iat * 1000 <= nowMs + this.#maxSkewMs)) throw new IcTokenError('NOT_YET_VALID')
    // RFC 7519 4.1.4: on or after `exp` a token must not be accepted.
    if (claims.exp !== undefined && !(nowMs < claims.exp * 1000)) {
      this.#verified.forget(jwt)
      throw new IcTokenError('EXPIRED')
    }
  }
}

/** The claims asked for, sound or not: `checkInput` judges them, in the types of the caller or outside of them. */
function claimsFor(input: IcTokenInput, nowMs: number): IcTokenClaims {
  const { agentId, id = `ic_${randomUUID()}`, permissions = DEFAULT_PERMISSIONS, expiresAt } = input
  const { budgetId = defaultBudgetId(agentId) } = input
  const exp = expiresAt === undefined ? {} : { exp: Math.floor(expiresAt / 1000) }
  const iat = Math.floor(nowMs / 1000)
  return { agent_id: agentId, budget_id: budgetId, iss: ISSUER, iat, ...exp, jti: id, permissions }
}

/** Of what is no text there is no default; only the agent id is reported then. */
function defaultBudgetId(agentId: unknown): string {
  return typeof agentId === 'string' && agentId !== '' ? `budget_${agentId.replace(/^agent_/, '')}` : 'budget_'
}

function checkInput(claims: IcTokenClaims, nowMs: number): void {
  const faults = faultsOfClaims({ ...claims })
  if (claims.exp !== undefined && !(nowMs < claims.exp * 1000))
    faults.exp = 'must be a future time in epoch milliseconds'
  const fields = Object.fromEntries(Object.entries(faults).map(([name, text]) => [inputNames[name] ?? name, text]))
  if (Object.keys(fields).length > 0)
    throw new IcTokenError('BAD_CLAIMS', { fields: Object.freeze(fields) }, INPUT_MESSAGE)
}

/** @throws {IcTokenError} BAD_SIGNATURE no candidate made this signature (or what it covers is not JSON at all) */
function checkSignature(jwt: string, candidates: readonly SigningKey[]): { kid: string; payload: unknown } {
  const signer = candidates.find(({ key }) => isSignedBy(jwt, key))
  const payload = signer === undefined ? undefined : payloadOf(jwt)
  // Why is not told: nothing about the token may depend on it.
  if (signer === undefined || payload === undefined) throw new IcTokenError('BAD_SIGNATURE')
  return { kid: signer.kid, payload }
}

function resultOf(jwt: string, kid: string, claims: IcTokenClaims): IcTokenResult {
  return Object.freeze({ token: TOKEN_PREFIX + jwt, jwt, hash: hashIcToken(jwt), kid, claims })
}
