/**
 * The outer form of a compact JWT (RFC 7515 7.1), checked before any cryptography: garbage and over-long input cost a
 * length comparison or one linear pass, never an HMAC.
 */
import { IcTokenError } from './errors.ts'

/** Longest JWT accepted or issued, in characters, without `ic_` (http-api 2). */
export const TOKEN_MAX_CHARS = 2000

// Three parts of base64url; the third may be empty so that an unsigned token is refused for its algorithm.
const THREE_PARTS = /^([\w-]+)\.[\w-]+\.[\w-]*$/

/** The two header parameters that decide how a token is checked. What is in them is the sender's and not yet trusted. */
export interface JwtHeader {
  readonly alg: unknown
  /** `undefined` when absent. */
  readonly kid: unknown
}

/**
 * The header of the token.
 *
 * @throws {IcTokenError} MALFORMED when it is not three parts of base64url or the header is no JSON object, or
 * demands an extension (`crit`), of which this package knows none (RFC 7515 4.1.11)
 */
export function parseJwt(jwt: string): JwtHeader {
  const encodedHeader = THREE_PARTS.exec(jwt)?.[1]
  if (encodedHeader === undefined) throw new IcTokenError('MALFORMED')
  const header = parseObject(Buffer.from(encodedHeader, 'base64url').toString('utf8'))
  if (header === undefined || header.crit !== undefined) throw new IcTokenError('MALFORMED')
  return { alg: header.alg, kid: header.kid }
}

/** The payload of a token whose form was found good; `undefined` when it is no JSON. */
export function payloadOf(jwt: string): unknown {
  try {
    return JSON.parse(Buffer.from(jwt.slice(jwt.indexOf('.') + 1, jwt.lastIndexOf('.')), 'base64url').toString('utf8'))
  } catch {
    return undefined
  }
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}
