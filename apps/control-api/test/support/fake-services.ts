import { createIdSource } from '@iron/database'
import { RATE_CLASS_NAMES } from '../../src/http/rate-classes.ts'
import { RateLimits } from '../../src/http/rate-limits.ts'
import { Metrics } from '../../src/observability/metrics.ts'
import type { Services } from '../../src/services.ts'

const HOUR_MS = 3_600_000

/** The credentials that the fake port below knows, as they are sent. */
export const SESSIONS = {
  admin: { userId: 'user_00000000-0000-7000-8000-000000000001', role: 'admin' },
  user: { userId: 'user_00000000-0000-7000-8000-000000000002', role: 'user' },
  viewer: { userId: 'user_00000000-0000-7000-8000-000000000003', role: 'viewer' },
  pending: { userId: 'user_00000000-0000-7000-8000-000000000004', role: 'admin' },
} as const

export const OWN_AGENT = 'agent_00000000-0000-7000-8000-00000000000a'
export const FOREIGN_AGENT = 'agent_00000000-0000-7000-8000-00000000000b'
export const UNKNOWN_AGENT = 'agent_00000000-0000-7000-8000-00000000000c'

/** A text of the form of a session token, for one of {@link SESSIONS} or for nobody. */
export function sessionToken(name: string): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'HS256' })}.${part({ sub: name })}.c2lnbmF0dXJl`
}

export const bearer = (name: string): Record<string, string> => ({ Authorization: `Bearer ${sessionToken(name)}` })
export const IC_TOKEN = 'ic_the-agent'

/** A port with three people, one agent and no storage: what the pipeline asks before a handler runs. */
export function fakeServices(): Services {
  const byToken = new Map(
    Object.entries(SESSIONS).map(([name, session]) => [sessionToken(name), { name, ...session }] as const),
  )
  const off = Object.fromEntries(RATE_CLASS_NAMES.map((name) => [name, 'off' as const]))
  const rateLimits = new RateLimits(off, { clock: { now: () => Date.now() } })
  const port = {
    rateLimits,
    metrics: new Metrics(rateLimits, undefined),
    tokens: { authenticate: async () => ({ outcome: 'refused', code: 'UNAUTHORIZED' }) },
    database: { ids: createIdSource({ now: () => Date.now() }) },
    sessions: {
      authenticate: async (token: string) => {
        if (token === sessionToken('outage'))
          throw Object.assign(new Error('no database'), { code: 'DATABASE_UNAVAILABLE' })
        if (token === sessionToken('expired')) return { outcome: 'refused', code: 'TOKEN_EXPIRED', expiredAt: 0 }
        const session = byToken.get(token)
        if (session === undefined) return { outcome: 'refused', code: 'UNAUTHORIZED' }
        const { name, userId, role } = session
        const expiresAt = Date.now() + HOUR_MS
        const principal = {
          kind: 'session',
          userId,
          role,
          sessionId: 'sess_1',
          expiresAt,
          forcePasswordChange: name === 'pending',
        }
        return { outcome: 'ok', principal }
      },
    },
    agents: {
      authenticate: async (token: string) => {
        if (token !== IC_TOKEN) return { outcome: 'refused', code: 'UNAUTHORIZED' }
        const principal = {
          kind: 'ic_token',
          agentId: OWN_AGENT,
          ownerId: SESSIONS.user.userId,
          permissions: ['llm:call'],
        }
        return { outcome: 'ok', principal }
      },
    },
    budgets: {
      get: async (agentId: string) => {
        if (agentId === OWN_AGENT) return { agentId, ownerId: SESSIONS.user.userId }
        return agentId === FOREIGN_AGENT ? { agentId, ownerId: SESSIONS.admin.userId } : undefined
      },
    },
  }
  return port as unknown as Services
}
