import {
  icTokenInfoAnswer,
  icTokenStandingShape,
  issuedIcTokenAnswer,
  newIcTokenShape,
  regeneratedIcTokenShape,
} from '../answers/agent.ts'
import { notFound } from '../http/handle.ts'
import { actorOf } from '../http/principal.ts'
import { defineRoute } from '../http/route.ts'
import { object, optional, time } from '../http/schemas.ts'
import { icTokenOf, icTokenPermissions } from './agent-fields.ts'
import { ofAgent } from './agent-param.ts'

const newIcToken = object({ permissions: optional(icTokenPermissions), expires_at: optional(time()) })
const write = { ...ofAgent, permission: 'tokens:write' } as const
/** An answer that shows a token; a replay of it does not. */
const showsToken = { rateLimit: 'secret', idempotency: 'stored', secrets: ['ic_token.token'] } as const

export const agentCredentialRoutes = [
  defineRoute({
    ...write,
    method: 'GET',
    path: '/agents/{id}/ic-token',
    rateLimit: 'read',
    audit: [],
    summary: "What may be known of an agent's IC token",
    answers: { 200: icTokenStandingShape },
    handler: async ({ services, params }) => {
      const agent = await services.agents.get(params['id'] ?? '')
      if (agent === undefined) throw notFound('AGENT_NOT_FOUND')
      const { id, icToken } = agent
      const has = icToken !== null
      return { body: { agent_id: id, has_ic_token: has, ic_token: has ? icTokenInfoAnswer(icToken) : null } }
    },
  }),
  defineRoute({
    ...write,
    ...showsToken,
    method: 'POST',
    path: '/agents/{id}/ic-token',
    audit: ['IC_TOKEN_CREATED'],
    summary: 'Issue an IC token to an agent that has none; it is shown only here',
    body: newIcToken,
    example: { permissions: ['llm:call'] },
    answers: { 201: newIcTokenShape },
    errors: ['IC_TOKEN_EXISTS', 'AGENT_ARCHIVED'],
    handler: async ({ services, params, body, principal, context, tx }) => {
      const agentId = params['id'] ?? ''
      const options = { ...icTokenOf(body.permissions, body.expires_at), tx }
      const issued = await services.agents.issueIcToken(agentId, actorOf(principal, context), options)
      return {
        status: 201,
        body: { agent_id: agentId, ic_token: issuedIcTokenAnswer(issued) },
        headers: { Location: `/api/v1/agents/${agentId}/ic-token` },
      }
    },
  }),
  defineRoute({
    ...write,
    ...showsToken,
    method: 'POST',
    path: '/agents/{id}/ic-token/regenerate',
    audit: ['IC_TOKEN_REGENERATED'],
    summary: "Replace an agent's IC token at once; its leases are revoked",
    body: newIcToken,
    example: { permissions: ['llm:call', 'analytics:write'] },
    answers: { 200: regeneratedIcTokenShape },
    errors: ['AGENT_ARCHIVED'],
    handler: async ({ services, params, body, principal, context, tx }) => {
      const agentId = params['id'] ?? ''
      const options = { ...icTokenOf(body.permissions, body.expires_at), tx }
      const issued = await services.agents.regenerateIcToken(agentId, actorOf(principal, context), options)
      return {
        body: {
          agent_id: agentId,
          ic_token: issuedIcTokenAnswer(issued),
          old_token_invalidated: issued.oldTokenInvalidated,
        },
      }
    },
  }),
  defineRoute({
    ...write,
    method: 'DELETE',
    path: '/agents/{id}/ic-token',
    rateLimit: 'write',
    audit: ['IC_TOKEN_REVOKED'],
    summary: "End an agent's IC token; its leases are revoked",
    answers: { 204: null },
    handler: async ({ services, params, principal, context }) => {
      await services.agents.revokeIcToken(params['id'] ?? '', actorOf(principal, context))
      return { status: 204 }
    },
  }),
]
