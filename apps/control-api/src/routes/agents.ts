import { micros, minus, toUsd, usd } from '@iron/cost-calculator'
import { agentAnswer, icTokenInfoAnswer, issuedIcTokenAnswer } from '../answers/agent.ts'
import { budgetAnswer } from '../answers/budget.ts'
import { ledgerEntryAnswer, leaseAnswer } from '../answers/lease.ts'
import { isoTime } from '../answers/scalars.ts'
import { notFound } from '../http/handle.ts'
import { actorOf, forbidden, holds, requirePermission } from '../http/principal.ts'
import { defineRoute } from '../http/route.ts'
import {
  array,
  boolean,
  count,
  cursor,
  id,
  object,
  oneOf,
  optional,
  page,
  sort,
  text,
  time,
  usdAmountOrZero,
} from '../http/schemas.ts'
import { cursorOf, logAnswer, pagedAnswer, pageOf } from './lists.ts'

const agentParam = { id: { prefix: 'agent', notFound: 'AGENT_NOT_FOUND' } } as const
const leaseParam = { ...agentParam, lease_id: { prefix: 'lease', notFound: 'LEASE_NOT_FOUND' } } as const

export const agentRoutes = [
  defineRoute({
    method: 'POST',
    path: '/agents',
    auth: 'user',
    permission: 'agents:write',
    rateLimit: 'secret',
    audit: ['AGENT_CREATED', 'IC_TOKEN_CREATED'],
    idempotency: 'stored',
    secrets: ['ic_token.token'],
    summary: 'Create an agent with budget, providers and IC token',
    body: object({
      name: text({ max: 100 }),
      description: optional(text({ min: 0, max: 500, multiline: true })),
      tags: optional(array(text({ max: 50 }), { maxItems: 20 })),
      provider_ids: optional(array(id('prov'), { maxItems: 50 })),
      owner_id: optional(id('user')),
      allocated_usd: optional(usdAmountOrZero()),
      ic_token_permissions: optional(array(oneOf('llm:call', 'analytics:write'), { minItems: 1, maxItems: 2 })),
      ic_token_expires_at: optional(time()),
    }),
    handler: async ({ services, body, principal, context, scope, tx }) => {
      requirePermission(principal, 'tokens:write')
      const self = principal.kind === 'session' ? principal.userId : ''
      const ownerId = body.owner_id ?? self
      const allocated = usd(body.allocated_usd ?? 0)
      if (ownerId !== self && scope !== 'any') throw forbidden()
      if (allocated > 0 && !holds(principal, 'budgets:allocate')) throw forbidden()
      const { agent, icToken } = await services.agents.create(
        {
          name: body.name,
          description: body.description,
          tags: body.tags,
          providerIds: body.provider_ids,
          ownerId,
          allocated,
          icToken: {
            permissions: body.ic_token_permissions,
            expiresAt: body.ic_token_expires_at === undefined ? undefined : Date.parse(body.ic_token_expires_at),
          },
        },
        actorOf(principal, context),
        { tx },
      )
      return {
        status: 201,
        body: { ...agentAnswer(agent), ic_token: issuedIcTokenAnswer(icToken) },
        headers: { Location: `/api/v1/agents/${agent.id}` },
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
    handler: async ({ services, query, scope, principal }) => {
      const { name, status, state, tag, owner_id: owner, ...rest } = query
      const self = principal.kind === 'session' ? principal.userId : ''
      const window = pageOf(rest)
      if (scope === 'own' && owner !== undefined && owner !== self) {
        const nothing = { data: [], page: window.page ?? 1, perPage: window.perPage ?? 50, total: 0 }
        return { body: pagedAnswer(nothing, agentAnswer) }
      }
      const filter = {
        name,
        status: status ?? ('active' as const),
        state,
        tag,
        ownerId: scope === 'own' ? self : owner,
      }
      return { body: pagedAnswer(await services.agents.list(filter, window), agentAnswer) }
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/agents/{id}',
    auth: 'user',
    permission: 'agents:read',
    rateLimit: 'read',
    audit: [],
    params: agentParam,
    agentParam: 'id',
    summary: 'One agent',
    handler: async ({ services, params }) => {
      const agent = await services.agents.get(params['id'] ?? '')
      if (agent === undefined) throw notFound('AGENT_NOT_FOUND')
      return {
        body: { ...agentAnswer(agent), ic_token: agent.icToken === null ? null : icTokenInfoAnswer(agent.icToken) },
      }
    },
  }),
  defineRoute({
    method: 'DELETE',
    path: '/agents/{id}',
    auth: 'user',
    permission: 'agents:write',
    rateLimit: 'write',
    audit: ['AGENT_ARCHIVED'],
    params: agentParam,
    agentParam: 'id',
    summary: 'Archive an agent for good',
    handler: async ({ services, params, principal, context }) => {
      const { agent, leasesRevoked, released } = await services.agents.archive(
        params['id'] ?? '',
        actorOf(principal, context),
      )
      return {
        body: {
          ...agentAnswer(agent),
          leases_revoked: leasesRevoked.length,
          released_usd: toUsd(released),
          budget_requests_cancelled: 0,
        },
      }
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/agents/{id}/budget',
    auth: 'user',
    permission: 'agents:read',
    rateLimit: 'read',
    audit: [],
    params: agentParam,
    agentParam: 'id',
    summary: "An agent's budget",
    handler: async ({ services, params }) => {
      const budget = await services.budgets.get(params['id'] ?? '')
      if (budget === undefined) throw notFound('AGENT_NOT_FOUND')
      return { body: budgetAnswer(budget) }
    },
  }),
  defineRoute({
    method: 'PUT',
    path: '/agents/{id}/budget',
    auth: 'user',
    permission: 'budgets:allocate',
    rateLimit: 'write',
    audit: ['BUDGET_UPDATED'],
    params: agentParam,
    agentParam: 'id',
    summary: 'Set the allocation to an absolute amount',
    body: object({
      allocated_usd: usdAmountOrZero(),
      force: optional(boolean()),
      reason: optional(text({ max: 500, multiline: true })),
      expected_version: optional(count()),
    }),
    handler: async ({ services, params, body, principal, context }) => {
      const { allocated_usd: allocated, force, reason, expected_version: expectedVersion } = body
      const options = { force, reason, expectedVersion }
      const actor = actorOf(principal, context)
      const change = await services.budgets.setAllocation(params['id'] ?? '', usd(allocated), actor, options)
      return {
        body: {
          ...budgetAnswer(change.budget),
          previous_allocated_usd: toUsd(change.previousAllocated),
          change_usd: toUsd(minus(change.budget.allocated, change.previousAllocated)),
          leases_revoked: change.leasesRevoked.length,
        },
      }
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/agents/{id}/budget/verify',
    auth: 'user',
    permission: 'audit:read',
    rateLimit: 'analytics',
    audit: [],
    params: agentParam,
    agentParam: 'id',
    summary: 'Recompute every balance of an agent from its ledger',
    handler: async ({ services, params }) => {
      const agentId = params['id'] ?? ''
      if ((await services.budgets.get(agentId)) === undefined) throw notFound('AGENT_NOT_FOUND')
      const faults = await services.ledger.verify({ agentId })
      return {
        body: {
          agent_id: agentId,
          consistent: faults.length === 0,
          differences: faults.map(({ what, cached, ledger, seq }) => ({
            what,
            seq,
            cached_usd: toUsd(micros(cached)),
            ledger_usd: toUsd(micros(ledger)),
          })),
        },
      }
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/agents/{id}/leases',
    auth: 'user',
    permission: 'agents:read',
    rateLimit: 'read',
    audit: [],
    params: agentParam,
    agentParam: 'id',
    summary: "An agent's leases",
    query: object({ ...cursor, status: optional(oneOf('active', 'expired', 'closed', 'superseded', 'revoked')) }),
    handler: async ({ services, params, query }) => {
      const agentId = params['id'] ?? ''
      if ((await services.budgets.get(agentId)) === undefined) throw notFound('AGENT_NOT_FOUND')
      return {
        body: logAnswer(await services.leases.list({ agentId, status: query.status }, cursorOf(query)), leaseAnswer),
      }
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/agents/{id}/leases/{lease_id}',
    auth: 'user',
    permission: 'agents:read',
    rateLimit: 'read',
    audit: [],
    params: leaseParam,
    agentParam: 'id',
    summary: 'One lease',
    handler: async ({ services, params }) => {
      const lease = await services.leases.get(params['lease_id'] ?? '')
      if (lease === undefined || lease.agentId !== params['id']) throw notFound('LEASE_NOT_FOUND')
      return { body: leaseAnswer(lease) }
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/agents/{id}/ledger',
    auth: 'user',
    permission: 'agents:read',
    rateLimit: 'read',
    audit: [],
    params: agentParam,
    agentParam: 'id',
    summary: "An agent's ledger",
    query: object({ ...cursor, lease_id: optional(id('lease')) }),
    handler: async ({ services, params, query }) => {
      const agentId = params['id'] ?? ''
      if ((await services.budgets.get(agentId)) === undefined) throw notFound('AGENT_NOT_FOUND')
      return {
        body: logAnswer(
          await services.ledger.list({ agentId, leaseId: query.lease_id }, cursorOf(query)),
          ledgerEntryAnswer,
        ),
      }
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/agents/{id}/ledger/balances',
    auth: 'user',
    permission: 'agents:read',
    rateLimit: 'read',
    audit: [],
    params: agentParam,
    agentParam: 'id',
    summary: 'Balances at an instant, from the ledger',
    query: object({ at: optional(time()) }),
    handler: async ({ services, params, query }) => {
      const agentId = params['id'] ?? ''
      if ((await services.budgets.get(agentId)) === undefined) throw notFound('AGENT_NOT_FOUND')
      const at = query.at === undefined ? services.database.clock.now() : Date.parse(query.at)
      const balances = await services.ledger.balancesAt(agentId, at)
      return {
        body: {
          agent_id: agentId,
          at: isoTime(at),
          allocated_usd: toUsd(balances.allocated),
          spent_usd: toUsd(balances.spent),
          reserved_usd: toUsd(balances.reserved),
          available_usd: toUsd(balances.available),
        },
      }
    },
  }),
]
