/**
 * The two JWTs of a session: a short access token and the refresh token that replaces both. They are HS256 only, bound to
 * their use by `typ`, and signed with keys chosen by `kid`: the first key signs, every key verifies (http-api 2).
 */
import { createHash, createSecretKey, type KeyObject, randomUUID } from 'node:crypto'
import { Faults } from '@iron/database'
import type { Role } from '@iron/rbac'
import jwt from 'jsonwebtoken'
import { refuseFaults, TokenManagerError } from '../errors.ts'

/** A key that signs sessions; `secret` has at least 32 bytes (RFC 7518 3.2). */
export interface SessionKey {
  readonly kid: string
  readonly secret: string | Uint8Array
}

/** Shortest signing secret, in bytes. */
const SECRET_BYTES_MIN = 32
/** Longest token that is looked at, in characters; ours have about 400. */
const TOKEN_LENGTH_MAX = 2_000
/** How far ahead of our clock a token may have been issued, in seconds (http-api 2). */
const SKEW_SECONDS_MAX = 60

/** What a token of ours says. */
export interface SessionClaims {
  readonly userId: string
  readonly sessionId: string
  /** Epoch ms. */
  readonly expiresAt: number
}

/** Whether a token is one of ours and in force; one refusal for every kind of fault (SEC-28). */
export type VerifiedToken =
  | { readonly outcome: 'ok'; readonly claims: SessionClaims }
  | {
      readonly outcome: 'refused'
      readonly code: 'UNAUTHORIZED' | 'TOKEN_EXPIRED'
      readonly expiredAt?: number | undefined
    }

const REFUSED: VerifiedToken = Object.freeze({ outcome: 'refused', code: 'UNAUTHORIZED' })

/** Signs and verifies the tokens of sessions. */
export class SessionTokenSigner {
  readonly #keys = new Map<string, KeyObject>()
  readonly #current: { readonly kid: string; readonly key: KeyObject }

  /** @throws {TokenManagerError} WEAK_SECRET, VALIDATION_ERROR */
  constructor(keys: readonly SessionKey[]) {
    const faults = new Faults()
    faults.check(keys.length > 0, 'keys', 'must hold at least one key')
    keys.forEach(({ kid }, index) => {
      faults.check(/^[A-Za-z0-9._-]{1,32}$/.test(kid), `keys[${index}].kid`, 'must be 1 to 32 of A-Z a-z 0-9 . _ -')
      faults.check(keys.findIndex((other) => other.kid === kid) === index, `keys[${index}].kid`, 'is used twice')
    })
    refuseFaults(faults)
    for (const { kid, secret } of keys) this.#keys.set(kid, keyObject(kid, secret))
    const kid = (keys[0] as SessionKey).kid
    this.#current = { kid, key: this.#keys.get(kid) as KeyObject }
  }

  /** A new token; two of the same millisecond differ by their `jti` (AUT-11). */
  issue(
    typ: 'access' | 'refresh',
    session: { readonly userId: string; readonly sessionId: string; readonly role?: Role | undefined },
    nowMs: number,
    ttlMs: number,
  ): { readonly token: string; readonly expiresAt: number } {
    const iat = Math.floor(nowMs / 1_000)
    const exp = iat + Math.floor(ttlMs / 1_000)
    const { userId: sub, sessionId: sid, role } = session
    const claims = { typ, sub, sid, jti: randomUUID(), iat, exp, ...(role === undefined ? {} : { role }) }
    const token = jwt.sign(claims, this.#current.key, { algorithm: 'HS256', keyid: this.#current.kid })
    return { token, expiresAt: exp * 1_000 }
  }

  /**
   * Checks form, algorithm, key, signature, use, issue time and expiry, in this order; expiry is exact, without leeway
   * (AUT-04), and told only of a token that is otherwise good.
   */
  verify(typ: 'access' | 'refresh', token: unknown, nowMs: number): VerifiedToken {
    if (typeof token !== 'string' || token.length > TOKEN_LENGTH_MAX) return REFUSED
    const key = this.#keyOf(token)
    if (key === undefined) return REFUSED
    const claims = signedClaims(token, key)
    if (claims?.typ !== typ || !isText(claims.sub) || !isText(claims.sid) || !isText(claims.jti)) return REFUSED
    const { iat, exp } = claims
    if (!isSeconds(iat) || !isSeconds(exp) || iat * 1_000 > nowMs + SKEW_SECONDS_MAX * 1_000) return REFUSED
    const expiresAt = exp * 1_000
    if (nowMs >= expiresAt) return { outcome: 'refused', code: 'TOKEN_EXPIRED', expiredAt: expiresAt }
    return { outcome: 'ok', claims: { userId: claims.sub, sessionId: claims.sid, expiresAt } }
  }

  /** The key a token names. Its algorithm is ours whatever the token says (SEC-23), and must be named as such. */
  #keyOf(token: string): KeyObject | undefined {
    const parts = token.split('.')
    if (parts.length !== 3) return undefined
    const header = parsedObject(Buffer.from(parts[0] as string, 'base64url').toString('utf8'))
    return header?.alg === 'HS256' && typeof header.kid === 'string' ? this.#keys.get(header.kid) : undefined
  }
}

/** What is stored of a refresh token. */
export function hashRefreshToken(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

interface RawClaims {
  readonly [claim: string]: unknown
}

function signedClaims(token: string, key: KeyObject): RawClaims | undefined {
  try {
    const claims = jwt.verify(token, key, { algorithms: ['HS256'], ignoreExpiration: true, ignoreNotBefore: true })
    return typeof claims === 'object' ? claims : undefined
  } catch {
    return undefined
  }
}

function keyObject(kid: string, secret: string | Uint8Array): KeyObject {
  const bytes = typeof secret === 'string' ? Buffer.from(secret, 'utf8') : secret
  if (bytes.byteLength < SECRET_BYTES_MIN) {
    throw new TokenManagerError('WEAK_SECRET', `a signing secret needs at least ${SECRET_BYTES_MIN} bytes`, {
      details: { kid },
    })
  }
  return createSecretKey(bytes)
}

function parsedObject(text: string): RawClaims | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as RawClaims) : undefined
  } catch {
    return undefined
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0
}

function isSeconds(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
