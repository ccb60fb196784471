import type { AgentPrincipal } from '@iron/agent-registry'
import { usd } from '@iron/cost-calculator'
import {
  batchShape,
  grantAnswer,
  handshakeShape,
  refreshAnswer,
  refreshShape,
  reportAnswer,
  reportShape,
  reservationShape,
  returnAnswer,
  returnShape,
} from '../answers/protocol.ts'
import { budgetListFields } from '../answers/analytics.ts'
import { component } from '../answers/shape.ts'
import { actorOf, isPerson, type Principal } from '../http/principal.ts'
import { BATCH_BYTES_MAX } from '../http/json-body.ts'
import { defineRoute, type HandlerInput } from '../http/route.ts'
import { array, checkedApart, id, object, optional, text, usdAmount, usdAmountOrZero } from '../http/schemas.ts'
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

/** Why a slice of budget is not lent. */
const GRANT_REFUSALS = [
  'ACCOUNT_SUSPENDED',
  'AGENT_STOPPED',
  'LEASE_NOT_ACTIVE',
  'LEASE_CAP_REACHED',
  'BUDGET_EXCEEDED',
  'LIMIT_EXCEEDED',
] as const
/** Why the key that goes with it is not handed over. */
const KEY_REFUSALS = [
  'NO_PROVIDER_ASSIGNED',
  'PROVIDER_NOT_ASSIGNED',
  'PROVIDER_DISABLED',
  'NO_ACTIVE_KEY',
  'CRYPTO_UNAVAILABLE',
] as const

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
    example: { requested_usd: 10, runtime_id: 'worker-1' },
    answers: { 200: handshakeShape },
    errors: [...GRANT_REFUSALS, ...KEY_REFUSALS],
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
    example: { requested_usd: 10, runtime_id: 'worker-1' },
    answers: { 200: reservationShape },
    errors: [...GRANT_REFUSALS],
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
    example: {
      lease_id: 'lease_0199c2f0-5a00-7000-8000-000000000006',
      request_id: 'call-2',
      model: 'demo-large',
      input_tokens: 400_000,
      output_tokens: 50_000,
    },
    answers: { 200: reportShape },
    errors: ['LEASE_NOT_FOUND', 'IDEMPOTENCY_CONFLICT'],
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
    body: object({ reports: array(checkedApart(report), { minItems: 1, maxItems: 1_000 }) }),
    example: {
      reports: [
        {
          lease_id: 'lease_0199c2f0-5a00-7000-8000-000000000006',
          request_id: 'call-2',
          model: 'demo-large',
          cost_usd: 1.5,
        },
      ],
    },
    answers: { 200: batchShape },
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
    summary: 'Return what is left of a lease and borrow the next slice',
    body: object({ ...requested, lease_id: id('lease') }),
    example: { lease_id: 'lease_0199c2f0-5a00-7000-8000-000000000006', requested_usd: 20 },
    answers: { 200: refreshShape },
    errors: ['LEASE_NOT_FOUND', ...GRANT_REFUSALS, ...KEY_REFUSALS],
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
    summary: 'Return a lease with its final spending',
    body: object({ lease_id: id('lease'), spent_usd: optional(usdAmountOrZero()) }),
    example: { lease_id: 'lease_0199c2f0-5a00-7000-8000-000000000006', spent_usd: 4.5 },
    answers: { 200: returnShape },
    errors: ['LEASE_NOT_FOUND'],
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
    summary: 'List budgets, with a summary over all matches',
    query: budgetsQuery,
    answers: { 200: component('BudgetList', budgetListFields) },
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
