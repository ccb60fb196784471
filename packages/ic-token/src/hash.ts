/**
 * The hash by which a stored record knows its one current token. Revocation lives there: a token whose hash is no longer
 * the stored one is dead, however good its signature (pitfall SEC-11).
 */
import { hash, timingSafeEqual } from 'node:crypto'

/** Written before the JWT in what an agent holds; optional on input (http-api 2). */
export const TOKEN_PREFIX = 'ic_'

const SHA256_HEX = /^[0-9a-f]{64}$/

/** The JWT of a token given with or without `ic_`. Exactly one prefix is taken away. */
export function stripPrefix(token: string): string {
  return token.startsWith(TOKEN_PREFIX) ? token.slice(TOKEN_PREFIX.length) : token
}

/** SHA-256 (64 lower-case hex digits) of the JWT without `ic_`: what a record stores instead of the token. */
export function hashIcToken(token: string): string {
  return hash('sha256', stripPrefix(token), 'hex')
}

/** Whether `hash` is that of `token`, compared in constant time. A `hash` of another form is never equal. */
export function matchesHash(token: string, hash: string): boolean {
  if (typeof token !== 'string' || typeof hash !== 'string' || !SHA256_HEX.test(hash)) return false
  return timingSafeEqual(Buffer.from(hashIcToken(token), 'latin1'), Buffer.from(hash, 'latin1'))
}
