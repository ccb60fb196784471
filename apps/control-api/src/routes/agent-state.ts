import { HEARTBEAT_TIMEOUT_MS } from '@iron/agent-registry'
import { toUsd } from '@iron/cost-calculator'
import {
  agentStateAnswer,
  agentStateShape,
  agentStatusAnswer,
  agentStatusShape,
  heartbeatShape,
  stoppedAgentShape,
} from '../answers/agent.ts'
import { isoTime } from '../answers/scalars.ts'
import { notFound } from '../http/handle.ts'
import { actorOf } from '../http/principal.ts'
import { defineRoute } from '../http/route.ts'
import { object, oneOf, optional, text } from '../http/schemas.ts'
import { ofAgent, ofOwnAgent } from './agent-param.ts'

/** Code points of a reason (http-api 4.4). */
const REASON_MAX = 500

export const agentStateRoutes = [
  defineRoute({
    ...ofAgent,
    method: 'GET',
    path: '/agents/{id}/status',
    permission: 'agents:read',
    rateLimit: 'read',
    audit: [],
    summary: "Get an agent's state, desired state, remaining budget and last activity",
    answers: { 200: agentStatusShape },
    handler: async ({ services, params }) => {
      const status = await services.agents.status(params['id'] ?? '')
      if (status === undefined) throw notFound('AGENT_NOT_FOUND')
      return { body: agentStatusAnswer(status) }
    },
  }),
  defineRoute({
    ...ofAgent,
    method: 'POST',
    path: '/agents/{id}/stop',
    permission: 'agents:stop',
    rateLimit: 'write',
    audit: ['AGENT_STOPPED'],
    summary: 'Stop an agent and revoke its leases',
    body: object({ reason: optional(text({ max: REASON_MAX, multiline: true })) }),
    example: { reason: 'Runs away with the budget' },
    answers: { 200: stoppedAgentShape },
    errors: ['AGENT_ARCHIVED'],
    handler: async ({ services, params, body, principal, context }) => {
      const options = { reason: body.reason }
      const stopped = await services.agents.stop(params['id'] ?? '', actorOf(principal, context), options)
      return {
        body: {
          ...agentStateAnswer(stopped.agent),
          changed: stopped.changed,
          leases_revoked: stopped.leasesRevoked.length,
          released_usd: toUsd(stopped.released),
        },
      }
    },
  }),
  defineRoute({
    ...ofAgent,
    method: 'POST',
    path: '/agents/{id}/resume',
    permission: 'agents:stop',
    rateLimit: 'write',
    audit: ['AGENT_RESUMED'],
    summary: 'Resume a stopped agent',
    answers: { 200: agentStateShape },
    errors: ['AGENT_ARCHIVED'],
    handler: async ({ services, params, principal, context }) => {
      const { agent, changed } = await services.agents.resume(params['id'] ?? '', actorOf(principal, context))
      return { body: { ...agentStateAnswer(agent), changed } }
    },
  }),
  defineRoute({
    ...ofOwnAgent,
    method: 'POST',
    path: '/agents/{id}/state',
    rateLimit: 'beat',
    audit: ['AGENT_STATE_CHANGED'],
    summary: "Report the runtime's state",
    body: object({
      state: oneOf('running', 'idle', 'stopped', 'failed'),
      reason: optional(text({ min: 0, max: REASON_MAX, multiline: true })),
    }),
    example: { state: 'running' },
    answers: { 200: agentStateShape },
    errors: ['AGENT_STOPPED', 'AGENT_ARCHIVED'],
    handler: async ({ services, params, body, principal, context }) => {
      const options = { reason: body.reason, actor: actorOf(principal, context) }
      const { agent, changed } = await services.agents.reportState(params['id'] ?? '', body.state, options)
      return { body: { ...agentStateAnswer(agent), changed } }
    },
  }),
  defineRoute({
    ...ofOwnAgent,
    method: 'POST',
    path: '/agents/{id}/heartbeat',
    rateLimit: 'beat',
    audit: [],
    summary: 'Send a heartbeat; the response has the desired state',
    answers: { 200: heartbeatShape },
    errors: ['AGENT_ARCHIVED'],
    handler: async ({ services, params }) => {
      const agent = await services.agents.heartbeat(params['id'] ?? '')
      return {
        body: {
          ...agentStateAnswer(agent),
          server_time: isoTime(services.database.clock.now()),
          heartbeat_timeout_seconds: HEARTBEAT_TIMEOUT_MS / 1_000,
        },
      }
    },
  }),
]
