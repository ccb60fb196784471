import {
  usageCheckAnswer,
  usageCheckShape,
  usageReceiptAnswer,
  usageReceiptShape,
  usageRowsAnswer,
  usageShape,
  usageTotalsAnswer,
  usageTotalsOf,
} from '../answers/usage.ts'
import { forbidden } from '../http/principal.ts'
import { defineRoute } from '../http/route.ts'
import { object, oneOf, optional, page, sort } from '../http/schemas.ts'
import { boundsAnswer } from './analytics-question.ts'
import { emptyAnswer, pagedAnswer, pageOf } from './lists.ts'
import { callFilterFields, callScopeOf, periodFields, periodOf } from './period.ts'
import { call, callFactsOf } from './report.ts'

const DIMENSIONS = ['day', 'agent', 'token', 'provider', 'model', 'project', 'owner'] as const

export const usageRoutes = [
  defineRoute({
    method: 'GET',
    path: '/usage',
    auth: 'user',
    permission: 'metrics:read',
    rateLimit: 'analytics',
    audit: [],
    summary: 'Usage of a period, in total and by a dimension',
    query: object({
      ...page,
      ...sort('cost_usd', 'requests', 'total_tokens', 'key'),
      ...periodFields,
      ...callFilterFields,
      group_by: optional(oneOf('none', ...DIMENSIONS)),
    }),
    answers: { 200: usageShape },
    errors: ['AGENT_NOT_FOUND'],
    handler: async ({ services, query, principal, scope }) => {
      const { group_by: groupBy = 'none' } = query
      if (groupBy === 'owner' && scope !== 'any') throw forbidden()
      const period = periodOf(query, services.database.clock.now())
      const calls = callScopeOf(query, { principal, scope })
      const window = pageOf({ ...query, sort: query.sort?.replace(/_usd$/, '') })
      return services.database.read(async (tx) => {
        const range = await services.analytics.range(period, calls, { tx })
        const at = { tx, now: range.calculatedAt }
        const grouped =
          groupBy === 'none' ? undefined : await services.analytics.by(groupBy, period, calls, { ...window, ...at })
        const totals = grouped?.totals ?? usageTotalsOf(await services.analytics.totals(period, calls, at))
        const listed = grouped === undefined ? emptyAnswer(window) : pagedAnswer(grouped, (row) => row)
        return {
          body: {
            ...boundsAnswer(period, range),
            group_by: groupBy,
            totals: usageTotalsAnswer(totals),
            data: grouped === undefined || groupBy === 'none' ? [] : usageRowsAnswer(grouped, groupBy),
            pagination: listed.pagination,
          },
        }
      })
    },
  }),
  defineRoute({
    method: 'POST',
    path: '/usage',
    auth: 'api-token',
    rateLimit: 'report',
    audit: [],
    summary: 'Record a call made with an API token; never refused',
    body: call,
    example: { request_id: 'call-2', model: 'demo-large', input_tokens: 400_000, output_tokens: 50_000 },
    answers: { 200: usageReceiptShape, 201: usageReceiptShape },
    errors: ['IDEMPOTENCY_CONFLICT'],
    handler: async ({ services, principal, body }) => {
      const receipt = await services.tokens.recordUsage(principal, callFactsOf(body))
      return {
        status: receipt.duplicate ? 200 : 201,
        body: usageReceiptAnswer(receipt),
        headers: { Location: `/api/v1/requests/${receipt.call.id}` },
      }
    },
  }),
  defineRoute({
    method: 'POST',
    path: '/usage/check',
    auth: 'api-token',
    rateLimit: 'report',
    audit: [],
    summary: 'Check whether a call would stay within all limits; counts and holds nothing',
    body: call,
    example: { request_id: 'call-2', model: 'demo-large', input_tokens: 400_000, output_tokens: 50_000 },
    answers: { 200: usageCheckShape },
    handler: async ({ services, principal, body }) => ({
      body: usageCheckAnswer(await services.tokens.checkUsage(principal, callFactsOf(body))),
    }),
  }),
]
