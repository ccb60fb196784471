/** Authentication of agents for Express: finds the IC token of a request, asks the registry, and keeps whose it is. */
import { headerOf, refuse, type Refusal } from '@iron/token-manager/express'
import type { Request, RequestHandler } from 'express'
import type { AgentRegistry } from './agent-registry.ts'
import type { AgentPrincipal } from './authenticate.ts'

/** Options of {@link authenticateAgent}. */
export interface AuthenticateAgentOptions {
  /** What the token must allow, such as `llm:call`. */
  readonly permission?: string | undefined
  /** Refuse a request without an IC token. Default true; false lets it pass without an agent. */
  readonly required?: boolean | undefined
}

const agents = new WeakMap<Request, AgentPrincipal>()

/**
 * A middleware that establishes which agent asks, by `X-IC-Token` or `Authorization: Bearer ic_…`; any other Bearer is no IC token
 * and somebody else's. An IC token that is presented must be good, also where none is required; an accepted one is a sign of life.
 *
 * Refusals are answered here as `{ error, code }`: 401 with `WWW-Authenticate: Bearer` (`UNAUTHORIZED`, `TOKEN_EXPIRED`,
 * `TOKEN_REVOKED`), 403 (`FORBIDDEN`: the permission is missing), 400 (`AMBIGUOUS_CREDENTIALS`: two different tokens). A failing
 * database goes to the next error handler.
 */
export function authenticateAgent(registry: AgentRegistry, options: AuthenticateAgentOptions = {}): RequestHandler {
  return (request, response, next) => {
    establish(request, registry, options)
      .then((refused) => (refused === undefined ? next() : refuse(response, refused)))
      .catch(next)
  }
}

/** Which agent {@link authenticateAgent} found; `undefined` where none was required and no token was presented. */
export function agentOf(request: Request): AgentPrincipal | undefined {
  return agents.get(request)
}

async function establish(
  request: Request,
  registry: AgentRegistry,
  { permission, required = true }: AuthenticateAgentOptions,
): Promise<Refusal | undefined> {
  const presented = presentedToken(request)
  if (presented === undefined) return required ? { code: 'UNAUTHORIZED' } : undefined
  if (typeof presented === 'object') return presented
  const context = { ip: request.ip, userAgent: request.get('user-agent') }
  const answer = await registry.authenticate(presented, { permission, context })
  if (answer.outcome !== 'ok') return answer
  agents.set(request, answer.principal)
  return undefined
}

const BEARER = /^bearer +(ic_[\x21-\x7e]+)$/i

/** The one IC token of a request, unverified; the same value in both places is one (http-api 2). */
function presentedToken(request: Request): string | Refusal | undefined {
  const header = headerOf(request, 'x-ic-token')
  const authorization = headerOf(request, 'authorization')
  if (header === '' || authorization === '') return { code: 'UNAUTHORIZED' }
  const bearer = authorization === undefined ? undefined : BEARER.exec(authorization)?.[1]
  if (header === undefined || bearer === undefined) return header ?? bearer
  return bare(header) === bare(bearer) ? header : { code: 'AMBIGUOUS_CREDENTIALS' }
}

function bare(token: string): string {
  return token.replace(/^ic_/, '')
}
