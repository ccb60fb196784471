import type { IncomingMessage } from 'node:http'
import type { AuthRefusal } from '@iron/token-manager'
import { isoTime } from '../answers/scalars.ts'
import type { Services } from '../services.ts'
import { type PresentedCredential, presentedCredential } from './credentials.ts'
import { ApiError, type ApiErrorCode } from './errors.ts'
import { forbidden, type Principal } from './principal.ts'
import type { RequestContext } from './request-context.ts'
import type { RouteAuth } from './route.ts'

/** The kinds of principal each kind of route takes (http-api 3.2). */
const TAKES: Readonly<Record<Exclude<RouteAuth, 'public' | 'login' | 'refresh'>, readonly Principal['kind'][]>> = {
  session: ['session'],
  user: ['session', 'api_token'],
  'api-token': ['api_token'],
  agent: ['ic_token'],
  'user-or-agent': ['session', 'api_token', 'ic_token'],
  any: ['session', 'api_token', 'ic_token'],
  metrics: ['session', 'api_token'],
}

const TEXTS: Readonly<Partial<Record<ApiErrorCode, string>>> = {
  UNAUTHORIZED: 'Authentication required',
  TOKEN_EXPIRED: 'The credential has expired',
  TOKEN_REVOKED: 'The credential has been ended',
  ACCOUNT_SUSPENDED: 'The account is suspended',
  IP_NOT_ALLOWED: 'The address is not allowed',
  FORBIDDEN: 'Not allowed',
}

/** Whether a route looks at a credential or a password: the ways in that failed attempts are counted for. */
export function looksAtCredentials(auth: RouteAuth): boolean {
  return auth !== 'public'
}

/**
 * Establishes who asks, or refuses. `undefined`: the route takes no principal, or it was the scrape token.
 *
 * @param bodyIcToken the body's `ic_token`, where the route takes an agent
 * @throws {ApiError} UNAUTHORIZED, TOKEN_EXPIRED, TOKEN_REVOKED, ACCOUNT_SUSPENDED, IP_NOT_ALLOWED, FORBIDDEN (a valid
 * credential of a kind the route does not take), AMBIGUOUS_CREDENTIALS
 */
export async function authenticate(
  services: Services,
  request: IncomingMessage,
  auth: RouteAuth,
  context: RequestContext,
  bodyIcToken: unknown,
): Promise<Principal | undefined> {
  if (auth === 'public' || auth === 'login' || auth === 'refresh') return undefined
  const takesAgents = TAKES[auth].includes('ic_token')
  const presented = presentedCredential(request, takesAgents ? bodyIcToken : undefined)
  if (presented === undefined) throw refusal({ outcome: 'refused', code: 'UNAUTHORIZED' })
  if (auth === 'metrics' && presented.isBearer && services.metrics.isScrapeToken(presented.token)) return undefined
  const principal = await verifyCredential(services, presented, context)
  if (!TAKES[auth].includes(principal.kind)) throw forbidden()
  return principal
}

/**
 * Who a presented credential stands for.
 *
 * @param isSignOfLife whether an agent's runtime has just been heard; false for a check that nobody asked for
 * @throws {ApiError} UNAUTHORIZED, TOKEN_EXPIRED, TOKEN_REVOKED, ACCOUNT_SUSPENDED, IP_NOT_ALLOWED
 */
export async function verifyCredential(
  services: Services,
  { kind, token }: PresentedCredential,
  context: RequestContext,
  isSignOfLife = true,
): Promise<Principal> {
  const verify = (): Promise<{ readonly outcome: 'ok'; readonly principal: Principal } | AuthRefusal> => {
    switch (kind) {
      case 'session':
        return services.sessions.authenticate(token)
      case 'ic_token':
        return services.agents.authenticate(token, { context, isSignOfLife })
      case 'api_token':
        return services.tokens.authenticate(token, context)
    }
  }
  const answer = await verify()
  if (answer.outcome !== 'ok') throw refusal(answer)
  return answer.principal
}

/** A refused authentication as it leaves the server: the code tells apart, and nothing else does (SEC-04). */
export function refusal(answer: AuthRefusal): ApiError {
  const details =
    answer.code === 'TOKEN_EXPIRED' && answer.expiredAt !== undefined
      ? { expired_at: isoTime(answer.expiredAt) }
      : undefined
  return new ApiError(answer.code, TEXTS[answer.code] ?? 'Authentication required', { details })
}
