import type { AgentPrincipal } from '@iron/agent-registry'
import { usd } from '@iron/cost-calculator'
import { grantAnswer, refreshAnswer, reportAnswer, returnAnswer } from '../answers/protocol.ts'
import { actorOf, isPerson, type Principal } from '../http/principal.ts'
import { BATCH_BYTES_MAX } from '../http/json-body.ts'
import { defineRoute, type HandlerInput } from '../http/route.ts'
import { array, id, object, optional, text, Type, usdAmount, usdAmountOrZero } from '../http/schemas.ts'
import { budgetsQuery, listBudgets } from './budgets-list.ts'
import { report, usageReportOf } from './report.ts'
import { reportBatch } from './report-batch.ts'

/** The agent that a route with `auth: 'agent'` was reached by, with this request's traces. */
function agentOf(input: Pick<HandlerInput<'agent', unknown, unknown>, 'principal' | 'context'>): AgentPrincipal {
  const { principal, context } = input
  return { ...principal, actor: actorOf(principal, context) }
}

const requested = { requested_usd: optional(usdAmount()) }
const runtimeId = { runtime_id: optional(text({ max: 100 })) }
const micros = (amount: number | undefined) => (amount === undefined ? undefined : usd(amount))

export const budgetRoutes = [
  defineRoute({
    method: 'POST',
    path: '/budget/handshake',
    auth: 'agent',
    agentPermission: 'llm:call',
    rateLimit: 'grant',
    audit: ['LEASE_GRANTED', 'PROVIDER_KEY_DISCLOSED'],
    idempotency: 'lease',
    summary: 'Borrow a slice of budget together with a sealed provider key',
    body: object({ ...requested, ...runtimeId, provider: optional(text({ max: 100 })) }),
    handler: async (input) => {
      const { services, body, idempotencyKey } = input
      const request = {
        requested: micros(body.requested_usd),
        provider: body.provider,
        runtimeId: body.runtime_id,
        idempotencyKey,
      }
      return { body: grantAnswer(await services.protocol.handshake(agentOf(input), request)) }
    },
  }),
  defineRoute({
    method: 'POST',
    path: '/budget/reserve',
    auth: 'agent',
    agentPermission: 'llm:call',
    rateLimit: 'grant',
    audit: ['LEASE_GRANTED'],
    idempotency: 'lease',
    summary: 'Borrow a slice of budget without a key',
    body: object({ ...requested, ...runtimeId }),
    handler: async (input) => {
      const { services, body, idempotencyKey } = input
      const request = { requested: micros(body.requested_usd), runtimeId: body.runtime_id, idempotencyKey }
      return { body: grantAnswer(await services.protocol.reserve(agentOf(input), request)) }
    },
  }),
  defineRoute({
    method: 'POST',
    path: '/budget/report',
    auth: 'agent',
    agentPermission: 'llm:call',
    rateLimit: 'report',
    audit: ['USAGE_OVERRUN'],
    summary: 'Report one LLM call',
    body: report,
    handler: async (input) => {
      const { services, body } = input
      return { body: reportAnswer(await services.protocol.report(agentOf(input), body.lease_id, usageReportOf(body))) }
    },
  }),
  defineRoute({
    method: 'POST',
    path: '/budget/report/batch',
    auth: 'agent',
    agentPermission: 'llm:call',
    rateLimit: 'batch',
    bodyBytesMax: BATCH_BYTES_MAX,
    audit: ['USAGE_OVERRUN'],
    summary: 'Report up to 1000 LLM calls',
    body: object({ reports: array(Type.Unknown(), { minItems: 1, maxItems: 1_000 }) }),
    handler: async (input) => {
      const { services, body } = input
      return { body: await reportBatch(services, agentOf(input), body.reports) }
    },
  }),
  defineRoute({
    method: 'POST',
    path: '/budget/refresh',
    auth: 'agent',
    agentPermission: 'llm:call',
    rateLimit: 'grant',
    audit: ['LEASE_REFRESHED', 'PROVIDER_KEY_DISCLOSED'],
    idempotency: 'lease',
    summary: 'Give back what is left of a lease and borrow the next slice',
    body: object({ ...requested, lease_id: id('lease') }),
    handler: async (input) => {
      const { services, body, idempotencyKey } = input
      const request = { requested: micros(body.requested_usd), idempotencyKey }
      return { body: refreshAnswer(await services.protocol.refresh(agentOf(input), body.lease_id, request)) }
    },
  }),
  defineRoute({
    method: 'POST',
    path: '/budget/return',
    auth: 'agent',
    agentPermission: 'llm:call',
    rateLimit: 'grant',
    audit: ['LEASE_RETURNED'],
    summary: 'The last word on a lease',
    body: object({ lease_id: id('lease'), spent_usd: optional(usdAmountOrZero()) }),
    handler: async (input) => {
      const { services, body } = input
      return {
        body: returnAnswer(
          await services.protocol.returnLease(agentOf(input), body.lease_id, { spent: micros(body.spent_usd) }),
        ),
      }
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/budget',
    auth: 'user-or-agent',
    permission: 'agents:read',
    rateLimit: 'read',
    audit: [],
    summary: 'Budgets with a summary over all matches',
    query: budgetsQuery,
    handler: async ({ services, query, principal, scope }) => ({
      body: await listBudgets(services, query, visibleTo(principal, scope, query.agent_id)),
    }),
  }),
]

/** The filter of what a principal may see: an agent itself, a user what they own, an admin everything. */
function visibleTo(principal: Principal, scope: 'own' | 'any', agentId: string | undefined) {
  if (!isPerson(principal))
    return { agentId: agentId === undefined || agentId === principal.agentId ? principal.agentId : 'none' }
  return { agentId, ownerId: scope === 'own' ? principal.userId : undefined }
}
