import { leaseAnswer, leaseShape } from '../answers/lease.ts'
import { logOfShape } from '../answers/list.ts'
import { notFound } from '../http/handle.ts'
import { actorOf } from '../http/principal.ts'
import { defineRoute } from '../http/route.ts'
import { cursor, object, oneOf, optional, text } from '../http/schemas.ts'
import { agentParam, knownAgent, ofAgent } from './agent-param.ts'
import { cursorOf, logAnswer } from './lists.ts'

const leaseParam = { ...agentParam, lease_id: { prefix: 'lease', notFound: 'LEASE_NOT_FOUND' } } as const

export const agentLeaseRoutes = [
  defineRoute({
    ...ofAgent,
    method: 'GET',
    path: '/agents/{id}/leases',
    permission: 'agents:read',
    rateLimit: 'read',
    audit: [],
    summary: "An agent's leases",
    query: object({ ...cursor, status: optional(oneOf('active', 'expired', 'closed', 'superseded', 'revoked')) }),
    answers: { 200: logOfShape(leaseShape) },
    handler: async ({ services, params, query }) => {
      const filter = { agentId: await knownAgent(services, params), status: query.status }
      return { body: logAnswer(await services.leases.list(filter, cursorOf(query)), leaseAnswer) }
    },
  }),
  defineRoute({
    ...ofAgent,
    method: 'GET',
    path: '/agents/{id}/leases/{lease_id}',
    permission: 'agents:read',
    rateLimit: 'read',
    audit: [],
    params: leaseParam,
    summary: 'Get a lease',
    answers: { 200: leaseShape },
    handler: async ({ services, params }) => {
      const agentId = await knownAgent(services, params)
      const lease = await services.leases.get(params['lease_id'] ?? '')
      if (lease?.agentId !== agentId) throw notFound('LEASE_NOT_FOUND')
      return { body: leaseAnswer(lease) }
    },
  }),
  defineRoute({
    ...ofAgent,
    method: 'POST',
    path: '/agents/{id}/leases/{lease_id}/revoke',
    permission: 'agents:stop',
    rateLimit: 'write',
    audit: ['LEASE_REVOKED'],
    params: leaseParam,
    summary: 'Revoke a lease; later handshakes stay possible',
    body: object({ reason: optional(text({ max: 500, multiline: true })) }),
    example: { reason: 'The worker is gone' },
    answers: { 200: leaseShape },
    errors: ['LEASE_NOT_ACTIVE', 'AGENT_ARCHIVED'],
    handler: async ({ services, params, body, principal, context }) => {
      const options = { agentId: await knownAgent(services, params), reason: body.reason }
      const actor = actorOf(principal, context)
      return { body: leaseAnswer(await services.leases.revoke(params['lease_id'] ?? '', actor, options)) }
    },
  }),
]
