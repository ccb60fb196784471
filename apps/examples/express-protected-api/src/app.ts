/** The API: who asks, how often, and whether they may, in this order before every handler. */
import { randomUUID } from 'node:crypto'
import express, { type Express, type Request } from 'express'
import { RateLimiter } from '@iron/rate-limiter'
import { rateLimit } from '@iron/rate-limiter/express'
import { scopeOf, type Subject } from '@iron/rbac'
import { requirePermission } from '@iron/rbac/express'
import type { SessionService, TokenManager } from '@iron/token-manager'
import { authenticate, principalOf } from '@iron/token-manager/express'

/** What the API is about: it belongs to somebody. */
interface Agent {
  readonly id: string
  readonly ownerId: string
  readonly name: string
}

export interface Services {
  readonly sessions: SessionService
  readonly tokens: TokenManager
}

/** Requests of one account: so many at once, and as many again each minute. */
const PER_ACCOUNT = { capacity: 20, refill: 20, intervalMs: 60_000 }
/** Attempts to log in from one address, each minute. */
const LOGINS = { capacity: 5, refill: 5, intervalMs: 60_000 }

export function createApp({ sessions, tokens }: Services): Express {
  const agents = new Map<string, Agent>()
  const app = express()
  app.use(express.json({ limit: '64kb' }))

  const loginLimit = rateLimit({ limiter: new RateLimiter(LOGINS), key: (request) => request.ip })
  app.post('/login', loginLimit, async (request, response) => {
    const { email, password } = (request.body ?? {}) as Record<string, unknown>
    const login = await sessions.login(String(email), String(password), { ip: request.ip })
    if (login.outcome === 'ok') response.json({ access_token: login.tokens.accessToken })
    else response.status(401).json({ error: 'Wrong e-mail or password', code: 'INVALID_CREDENTIALS' })
  })

  // From here on somebody must be there: a session's access token or an API token.
  app.use(authenticate({ sessions, tokens }))
  app.use(rateLimit({ limiter: new RateLimiter(PER_ACCOUNT), key: (request) => principalOf(request)?.userId }))

  const resource = (request: Request): Agent | undefined => agents.get(String(request.params['id']))

  app.get('/agents', requirePermission('agents:read', { subject }), (request, response) => {
    const asking = subject(request)
    const seesAll = asking !== undefined && scopeOf(asking, 'agents:read') === 'any'
    response.json([...agents.values()].filter(({ ownerId }) => seesAll || ownerId === asking?.id))
  })
  app.post('/agents', requirePermission('agents:write', { subject }), (request, response) => {
    const { name } = (request.body ?? {}) as Record<string, unknown>
    const ownerId = subject(request)?.id
    if (typeof name !== 'string' || name === '' || ownerId === undefined) {
      response.status(400).json({ error: 'name: must be a text', code: 'VALIDATION_ERROR' })
      return
    }
    const agent = { id: randomUUID(), ownerId, name }
    agents.set(agent.id, agent)
    response.status(201).json(agent)
  })
  app.get('/agents/:id', requirePermission('agents:read', { subject, resource }), (request, response) => {
    response.json(resource(request))
  })
  app.delete('/agents/:id', requirePermission('agents:write', { subject, resource }), (request, response) => {
    agents.delete(String(request.params['id']))
    response.status(204).end()
  })
  return app
}

/** Who was authenticated, in the words of `@iron/rbac`. */
function subject(request: Request): Subject | undefined {
  const principal = principalOf(request)
  if (principal === undefined) return undefined
  const scopes = principal.kind === 'api_token' ? principal.scopes : null
  return { id: principal.userId, role: principal.role, scopes }
}
