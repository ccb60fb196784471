/**
 * Authentication for Express: finds the one credential of a request, asks the service it belongs to, and keeps who it stands
 * for. It decides nothing about what that person may do.
 */
import { Faults } from '@iron/database'
import type { Request, RequestHandler, Response } from 'express'
import { refuseFaults } from './errors.ts'
import type { SessionService } from './session-service.ts'
import type { AuthRefusal, ClientContext, SessionPrincipal } from './sessions/session.ts'
import type { TokenManager } from './token-manager.ts'
import type { ApiTokenPrincipal } from './tokens/token.ts'

/** Options of {@link authenticate}; at least one service. */
export interface AuthenticateOptions {
  /** Accepts access tokens of sessions. */
  readonly sessions?: SessionService | undefined
  /** Accepts API tokens. */
  readonly tokens?: TokenManager | undefined
  /** Refuse a request without a credential. Default true; false lets it pass without a principal. */
  readonly required?: boolean | undefined
}

type Principal = SessionPrincipal | ApiTokenPrincipal
type Answer = { readonly outcome: 'ok'; readonly principal: Principal } | AuthRefusal
/** Why a request is not let through: a refused authentication, or two different credentials. */
export type Refusal = Pick<AuthRefusal, 'expiredAt'> & { readonly code: AuthRefusal['code'] | 'AMBIGUOUS_CREDENTIALS' }

const principals = new WeakMap<Request, Principal>()

/**
 * A middleware that establishes who asks, by `Authorization: Bearer` (an access token of a session, or an API token) or
 * `X-API-Token`. A credential that is presented must be good, also where none is required. The client's address is
 * `request.ip`, so the application's `trust proxy` setting decides whose word counts.
 *
 * Refusals are answered here as `{ error, code }`: 401 with `WWW-Authenticate: Bearer` (`UNAUTHORIZED`, `TOKEN_EXPIRED`,
 * `TOKEN_REVOKED`), 403 (`ACCOUNT_SUSPENDED`, `IP_NOT_ALLOWED`), 400 (`AMBIGUOUS_CREDENTIALS`: two different credentials). A
 * failing database goes to the next error handler.
 *
 * @throws {TokenManagerError} VALIDATION_ERROR without any service, when the middleware is made
 */
export function authenticate(options: AuthenticateOptions): RequestHandler {
  const faults = new Faults()
  faults.check(options.sessions !== undefined || options.tokens !== undefined, '$', 'must name sessions or tokens')
  refuseFaults(faults)
  return (request, response, next) => {
    establish(request, options)
      .then((refused) => (refused === undefined ? next() : refuse(response, refused)))
      .catch(next)
  }
}

/** Who {@link authenticate} found; `undefined` where no credential was required and none was presented. */
export function principalOf(request: Request): SessionPrincipal | ApiTokenPrincipal | undefined {
  return principals.get(request)
}

async function establish(request: Request, options: AuthenticateOptions): Promise<Refusal | undefined> {
  const presented = presentedCredential(request)
  if (presented === undefined) return options.required === false ? undefined : { code: 'UNAUTHORIZED' }
  if ('code' in presented) return presented
  const answer = await verified(presented, options, { ip: request.ip, userAgent: request.get('user-agent') })
  if (answer.outcome !== 'ok') return answer
  principals.set(request, answer.principal)
  return undefined
}

interface Credential {
  readonly token: string
  readonly isSession: boolean
}

const BEARER = /^bearer +([\x21-\x7e]+)$/i
/** Three parts in base64url: the form of a JWT, which no API token has. */
const JWT_FORM = /^[\w-]+\.[\w-]+\.[\w-]+$/

/** The one credential of a request, unverified; the same value in both places is one (http-api 2). */
function presentedCredential(request: Request): Credential | Refusal | undefined {
  const authorization = headerOf(request, 'authorization')
  const apiToken = headerOf(request, 'x-api-token')
  if (authorization === undefined && apiToken === undefined) return undefined
  const bearer = authorization === undefined ? undefined : BEARER.exec(authorization)?.[1]
  if ((authorization !== undefined && bearer === undefined) || apiToken === '') return { code: 'UNAUTHORIZED' }
  if (apiToken === undefined) return { token: bearer as string, isSession: JWT_FORM.test(bearer as string) }
  if (bearer !== undefined && bearer !== apiToken) return { code: 'AMBIGUOUS_CREDENTIALS' }
  return { token: apiToken, isSession: false }
}

/** A header's value; `''` for one that was sent twice. Node drops or joins repeated headers: the raw list tells. */
export function headerOf(request: Request, name: string): string | undefined {
  let count = 0
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    if (request.rawHeaders[index]?.toLowerCase() === name) count += 1
  }
  if (count === 0) return undefined
  return count === 1 ? request.get(name) : ''
}

async function verified(
  { token, isSession }: Credential,
  { sessions, tokens }: AuthenticateOptions,
  context: ClientContext,
): Promise<Answer> {
  if (isSession) return (await sessions?.authenticate(token)) ?? UNKNOWN
  return (await tokens?.authenticate(token, context)) ?? UNKNOWN
}

const UNKNOWN: AuthRefusal = Object.freeze({ outcome: 'refused', code: 'UNAUTHORIZED' })

const TEXTS: Readonly<Record<Refusal['code'], string>> = {
  UNAUTHORIZED: 'Authentication required',
  TOKEN_EXPIRED: 'The credential has expired',
  TOKEN_REVOKED: 'The credential has been ended',
  ACCOUNT_SUSPENDED: 'The account is suspended',
  IP_NOT_ALLOWED: 'The address is not allowed',
  FORBIDDEN: 'Not allowed',
  AMBIGUOUS_CREDENTIALS: 'The request carries two different credentials',
}
const STATUS: Readonly<Record<Refusal['code'], number>> = {
  UNAUTHORIZED: 401,
  TOKEN_EXPIRED: 401,
  TOKEN_REVOKED: 401,
  ACCOUNT_SUSPENDED: 403,
  IP_NOT_ALLOWED: 403,
  FORBIDDEN: 403,
  AMBIGUOUS_CREDENTIALS: 400,
}

/** Answers a request that is not let through: `{ error, code, details? }` with the status of {@link authenticate}. */
export function refuse(response: Response, { code, expiredAt }: Refusal): void {
  const status = STATUS[code]
  if (status === 401) response.set('WWW-Authenticate', 'Bearer')
  const details = expiredAt === undefined ? {} : { details: { expired_at: new Date(expiredAt).toISOString() } }
  response.status(status).json({ error: TEXTS[code], code, ...details })
}
