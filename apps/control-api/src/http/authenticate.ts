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
const TAKES: Readonly<Record<Exclude<RouteAuth, 'public' | 'refresh'>, readonly Principal['kind'][]>> = {
  session: ['session'],
  user: ['session'],
  agent: ['ic_token'],
  'user-or-agent': ['session', 'ic_token'],
  any: ['session', 'ic_token'],
}

const TEXTS: Readonly<Partial<Record<ApiErrorCode, string>>> = {
  UNAUTHORIZED: 'Authentication required',
  TOKEN_EXPIRED: 'The credential has expired',
  TOKEN_REVOKED: 'The credential has been ended',
  ACCOUNT_SUSPENDED: 'The account is suspended',
  IP_NOT_ALLOWED: 'The address is not allowed',
  FORBIDDEN: 'Not allowed',
}

/**
 * Establishes who asks, or refuses.
 *
 * @param bodyIcToken the body's `ic_token`, where the route takes an agent
 * @throws {ApiError} UNAUTHORIZED, TOKEN_EXPIRED, TOKEN_REVOKED, ACCOUNT_SUSPENDED, FORBIDDEN (a valid credential of a kind
 * the route does not take), AMBIGUOUS_CREDENTIALS
 */
export async function authenticate(
  services: Services,
  request: IncomingMessage,
  auth: RouteAuth,
  context: RequestContext,
  bodyIcToken: unknown,
): Promise<Principal | undefined> {
  if (auth === 'public' || auth === 'refresh') return undefined
  const takesAgents = TAKES[auth].includes('ic_token')
  const presented = presentedCredential(request, takesAgents ? bodyIcToken : undefined)
  if (presented === undefined) throw refusal({ outcome: 'refused', code: 'UNAUTHORIZED' })
  const principal = await verify(services, presented, context)
  if (!TAKES[auth].includes(principal.kind)) throw forbidden()
  return principal
}

async function verify(services: Services, presented: PresentedCredential, context: RequestContext): Promise<Principal> {
  switch (presented.kind) {
    case 'session': {
      const answer = await services.sessions.authenticate(presented.token)
      if (answer.outcome !== 'ok') throw refusal(answer)
      return answer.principal
    }
    case 'ic_token': {
      const answer = await services.agents.authenticate(presented.token, { context })
      if (answer.outcome !== 'ok') throw refusal(answer)
      return answer.principal
    }
    case 'api_token':
      // No API token has been issued by this version, so none can be known.
      throw refusal({ outcome: 'refused', code: 'UNAUTHORIZED' })
  }
}

/** A refused authentication as it leaves the server: the code tells apart, and nothing else does (SEC-04). */
export function refusal(answer: AuthRefusal): ApiError {
  const details =
    answer.code === 'TOKEN_EXPIRED' && answer.expiredAt !== undefined
      ? { expired_at: isoTime(answer.expiredAt) }
      : undefined
  return new ApiError(answer.code, TEXTS[answer.code] ?? 'Authentication required', { details })
}
