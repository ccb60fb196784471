import type { IncomingMessage } from 'node:http'
import { decodeJwt } from './jwt-form.ts'
import { ApiError } from './errors.ts'

/** A credential as presented: what kind its form says it is, and nothing about whether it is any good. */
export interface PresentedCredential {
  readonly kind: 'session' | 'api_token' | 'ic_token'
  readonly token: string
  /** Whether it stood in `Authorization`, the one place for a refresh token and a scrape token. */
  readonly isBearer: boolean
}

/** Who issues IC tokens (http-api 2). */
const IC_ISSUER = 'iron-control-panel'
const BEARER = /^bearer +([\x21-\x7e]+)$/i

const unauthorized = (): ApiError => new ApiError('UNAUTHORIZED', 'Authentication required')

/**
 * Finds the one credential of a request: Bearer, `X-API-Token`, `X-IC-Token`, or the body's `ic_token` where a route takes
 * it. The same value in two places is fine (http-api 2).
 *
 * @throws {ApiError} AMBIGUOUS_CREDENTIALS for two different ones; UNAUTHORIZED for a malformed scheme
 */
export function presentedCredential(request: IncomingMessage, bodyIcToken?: unknown): PresentedCredential | undefined {
  const found: PresentedCredential[] = []
  const authorization = request.headers.authorization
  if (authorization !== undefined) {
    if (headerCount(request, 'authorization') > 1) throw unauthorized()
    const bearer = BEARER.exec(authorization)?.[1]
    if (bearer === undefined) throw unauthorized()
    found.push({ kind: kindOfBearer(bearer), token: bearer, isBearer: true })
  }
  for (const [name, kind] of [
    ['x-api-token', 'api_token'],
    ['x-ic-token', 'ic_token'],
  ] as const) {
    const value = request.headers[name]
    if (value === undefined) continue
    if (typeof value !== 'string' || value === '' || headerCount(request, name) > 1) throw unauthorized()
    found.push({ kind, token: value, isBearer: false })
  }
  if (typeof bodyIcToken === 'string') found.push({ kind: 'ic_token', token: bodyIcToken, isBearer: false })
  const [first, ...others] = found
  if (first === undefined) return undefined
  if (others.some(({ token }) => bare(token) !== bare(first.token))) {
    throw new ApiError('AMBIGUOUS_CREDENTIALS', 'The request carries two different credentials')
  }
  const specific = found.find(({ kind }) => kind !== 'session')
  return specific ?? first
}

/** Whether a request's headers carry anything meant as a credential, however malformed. */
export function carriesCredential(request: IncomingMessage): boolean {
  const { headers } = request
  return [headers.authorization, headers['x-api-token'], headers['x-ic-token']].some((value) => value !== undefined)
}

/** A credential that stands alone, as in a WebSocket's first message. @throws {ApiError} UNAUTHORIZED for what no header could hold */
export function credentialOf(token: string): PresentedCredential {
  if (!/^[\x21-\x7e]+$/.test(token)) throw unauthorized()
  return { kind: kindOfBearer(token), token, isBearer: false }
}

/** Bearer values are told apart by form (http-api 2). */
function kindOfBearer(token: string): PresentedCredential['kind'] {
  if (token.startsWith('ic_')) return 'ic_token'
  const jwt = decodeJwt(token)
  if (jwt === undefined) return 'api_token'
  return jwt['iss'] === IC_ISSUER ? 'ic_token' : 'session'
}

function bare(token: string): string {
  return token.startsWith('ic_') ? token.slice(3) : token
}

/** Node joins or drops repeated headers; the raw list tells. */
function headerCount(request: IncomingMessage, name: string): number {
  let count = 0
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    if (request.rawHeaders[index]?.toLowerCase() === name) count += 1
  }
  return count
}
