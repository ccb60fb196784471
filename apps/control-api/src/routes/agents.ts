import { toUsd, usd } from '@iron/cost-calculator'
import {
  agentAnswer,
  agentShape,
  agentWithTokenAnswer,
  agentWithTokenShape,
  archivedAgentShape,
  issuedIcTokenAnswer,
  newAgentShape,
} from '../answers/agent.ts'
import { pageOfShape } from '../answers/list.ts'
import { notFound } from '../http/handle.ts'
import { actorOf, forbidden, holds } from '../http/principal.ts'
import { defineRoute } from '../http/route.ts'
import {
  changes,
  id,
  nullable,
  object,
  oneOf,
  optional,
  page,
  sort,
  text,
  time,
  usdAmountOrZero,
} from '../http/schemas.ts'
import {
  description,
  icTokenOf,
  icTokenPermissions,
  name,
  newTags,
  providerIds,
  tags,
  withFlatFields,
} from './agent-fields.ts'
import { ofAgent } from './agent-param.ts'
import { emptyAnswer, pagedAnswer, pageOf } from './lists.ts'
import { ownerFilter } from './scope.ts'

export const agentRoutes = [
  defineRoute({
    method: 'POST',
    path: '/agents',
    auth: 'user',
    permission: ['agents:write', 'tokens:write'],
    rateLimit: 'secret',
    audit: ['AGENT_CREATED', 'IC_TOKEN_CREATED'],
    idempotency: 'stored',
    secrets: ['ic_token.token'],
    summary: 'Create an agent with budget, providers and IC token',
    body: object({
      name,
      description: optional(description),
      tags: optional(newTags),
      provider_ids: optional(providerIds),
      owner_id: optional(id('user')),
      allocated_usd: optional(usdAmountOrZero()),
      ic_token_permissions: optional(icTokenPermissions),
      ic_token_expires_at: optional(time()),
    }),
    example: { name: 'research-bot', provider_ids: ['prov_0199c2f0-5a00-7000-8000-000000000003'], allocated_usd: 100 },
    answers: { 201: newAgentShape },
    errors: ['INVALID_PROVIDER_ID', 'USER_NOT_FOUND'],
    handler: async ({ services, body, principal, context, scope, tx }) => {
      const { owner_id: ownerId = principal.userId, allocated_usd: amount = 0, provider_ids: providers } = body
      const allocated = usd(amount)
      if (ownerId !== principal.userId && scope !== 'any') throw forbidden()
      if (allocated > 0 && !holds(principal, 'budgets:allocate')) throw forbidden()
      const about = { name: body.name, description: body.description, tags: body.tags, providerIds: providers }
      const icToken = icTokenOf(body.ic_token_permissions, body.ic_token_expires_at)
      const actor = actorOf(principal, context)
      const made = await services.agents.create({ ...about, ownerId, allocated, icToken }, actor, { tx }).catch(refuse)
      return {
        status: 201,
        body: { ...agentAnswer(made.agent), ic_token: issuedIcTokenAnswer(made.icToken) },
        headers: { Location: `/api/v1/agents/${made.agent.id}` },
      }
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/agents',
    auth: 'user',
    permission: 'agents:read',
    rateLimit: 'read',
    audit: [],
    summary: 'List agents',
    query: object({
      ...page,
      ...sort('created_at', 'updated_at', 'name'),
      name: optional(text({ min: 0, max: 255 })),
      status: optional(oneOf('active', 'archived')),
      state: optional(oneOf('running', 'idle', 'stopped', 'failed')),
      owner_id: optional(id('user')),
      tag: optional(text({ min: 0, max: 255 })),
    }),
    answers: { 200: pageOfShape(agentShape) },
    handler: async ({ services, query, scope, principal }) => {
      const { name: part, status = 'active', state, tag, owner_id: owner, ...rest } = query
      const window = pageOf(rest)
      const owned = ownerFilter({ principal, scope }, owner)
      if (owned === undefined) return { body: emptyAnswer(window) }
      const filter = { name: part, status, state, tag, ...owned }
      return { body: pagedAnswer(await services.agents.list(filter, window), agentAnswer) }
    },
  }),
  defineRoute({
    ...ofAgent,
    method: 'GET',
    path: '/agents/{id}',
    permission: 'agents:read',
    rateLimit: 'read',
    audit: [],
    summary: 'Get an agent',
    answers: { 200: agentWithTokenShape },
    handler: async ({ services, params }) => {
      const agent = await services.agents.get(params['id'] ?? '')
      if (agent === undefined) throw notFound('AGENT_NOT_FOUND')
      return { body: agentWithTokenAnswer(agent) }
    },
  }),
  defineRoute({
    ...ofAgent,
    method: 'PATCH',
    path: '/agents/{id}',
    permission: 'agents:write',
    rateLimit: 'write',
    audit: ['AGENT_UPDATED', 'AGENT_OWNER_CHANGED'],
    summary: 'Change an agent, or transfer it to another owner with its whole history',
    body: changes({
      name: optional(name),
      description: optional(nullable(description)),
      tags: optional(tags),
      owner_id: optional(id('user')),
    }),
    example: { tags: ['research', 'night'] },
    answers: { 200: agentShape },
    errors: ['USER_NOT_FOUND', 'AGENT_ARCHIVED'],
    handler: async ({ services, params, body, principal, context, scope }) => {
      const { owner_id: ownerId, ...rest } = body
      if (ownerId !== undefined && ownerId !== principal.userId && scope !== 'any') throw forbidden()
      const change = { ...rest, ownerId }
      return {
        body: agentAnswer(await services.agents.update(params['id'] ?? '', change, actorOf(principal, context))),
      }
    },
  }),
  defineRoute({
    ...ofAgent,
    method: 'DELETE',
    path: '/agents/{id}',
    permission: 'agents:write',
    rateLimit: 'write',
    audit: ['AGENT_ARCHIVED'],
    summary: 'Archive an agent permanently',
    answers: { 200: archivedAgentShape },
    handler: async ({ services, params, principal, context }) => {
      const archived = await services.agents.archive(params['id'] ?? '', actorOf(principal, context))
      return {
        body: {
          ...agentAnswer(archived.agent),
          leases_revoked: archived.leasesRevoked.length,
          released_usd: toUsd(archived.released),
          budget_requests_cancelled: archived.budgetRequestsCancelled.length,
        },
      }
    },
  }),
]

function refuse(error: unknown): never {
  throw withFlatFields(error)
}
