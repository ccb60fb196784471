import { agentProvidersAnswer, agentProvidersShape } from '../answers/agent.ts'
import { actorOf } from '../http/principal.ts'
import { defineRoute } from '../http/route.ts'
import { object } from '../http/schemas.ts'
import { providerIds } from './agent-fields.ts'
import { agentParam, ofAgent } from './agent-param.ts'

export const agentProviderRoutes = [
  defineRoute({
    ...ofAgent,
    method: 'GET',
    path: '/agents/{id}/providers',
    permission: 'agents:read',
    rateLimit: 'read',
    audit: [],
    summary: "An agent's providers in order of preference",
    answers: { 200: agentProvidersShape },
    handler: async ({ services, params }) => {
      const agentId = params['id'] ?? ''
      return { body: agentProvidersAnswer(agentId, await services.agents.providers(agentId)) }
    },
  }),
  defineRoute({
    ...ofAgent,
    method: 'PUT',
    path: '/agents/{id}/providers',
    permission: 'agents:write',
    rateLimit: 'write',
    audit: ['AGENT_PROVIDERS_UPDATED'],
    summary: "Replace all of an agent's providers; the order is the order of preference",
    body: object({ provider_ids: providerIds }),
    example: { provider_ids: ['prov_0199c2f0-5a00-7000-8000-000000000003'] },
    answers: { 200: agentProvidersShape },
    errors: ['INVALID_PROVIDER_ID', 'AGENT_ARCHIVED'],
    handler: async ({ services, params, body, principal, context }) => {
      const agentId = params['id'] ?? ''
      const left = await services.agents.setProviders(agentId, body.provider_ids, actorOf(principal, context))
      return { body: { ...agentProvidersAnswer(agentId, left), ...warningOf(left) } }
    },
  }),
  defineRoute({
    ...ofAgent,
    method: 'DELETE',
    path: '/agents/{id}/providers/{provider_id}',
    permission: 'agents:write',
    rateLimit: 'write',
    audit: ['AGENT_PROVIDERS_UPDATED'],
    params: { ...agentParam, provider_id: { prefix: 'prov', notFound: 'ASSIGNMENT_NOT_FOUND' } },
    summary: 'Remove a provider from an agent',
    answers: { 200: agentProvidersShape },
    errors: ['AGENT_ARCHIVED'],
    handler: async ({ services, params, principal, context }) => {
      const { id: agentId = '', provider_id: providerId = '' } = params
      const left = await services.agents.removeProvider(agentId, providerId, actorOf(principal, context))
      return { body: { ...agentProvidersAnswer(agentId, left), ...warningOf(left) } }
    },
  }),
]

/** A change that leaves an agent unable to get a key is done, and said. */
function warningOf(left: readonly unknown[]): { readonly warning?: string } {
  return left.length > 0 ? {} : { warning: 'The agent has no provider: handshakes are refused until it has one' }
}
