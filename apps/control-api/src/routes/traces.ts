import { traceAnswer, traceShape, wholeTraceAnswer, wholeTraceShape } from '../answers/trace.ts'
import { logOfShape } from '../answers/list.ts'
import { spanResultsShape } from '../answers/batch.ts'
import { notFound } from '../http/handle.ts'
import { BATCH_BYTES_MAX } from '../http/json-body.ts'
import { hidesDetails } from '../http/principal.ts'
import { defineRoute } from '../http/route.ts'
import { array, checkedApart, cursor, id, object, optional } from '../http/schemas.ts'
import { timeRange, timesOf } from './audit-filter.ts'
import { cursorOf, logAnswer } from './lists.ts'
import { maySee, NOBODY, ownerFilter } from './scope.ts'
import { appendSpans, span } from './span-batch.ts'

const readTraces = { auth: 'user', permission: 'metrics:read', rateLimit: 'read', audit: [] } as const

export const traceRoutes = [
  defineRoute({
    method: 'POST',
    path: '/traces',
    auth: 'agent',
    agentPermission: 'analytics:write',
    rateLimit: 'batch',
    bodyBytesMax: BATCH_BYTES_MAX,
    audit: [],
    summary: 'Send up to 1000 spans of traces; charges nothing',
    body: object({ spans: array(checkedApart(span), { minItems: 1, maxItems: 1_000 }) }),
    example: {
      spans: [
        {
          trace_id: 'trace_0199c2f0-5a00-7000-8000-00000000000c',
          span_id: 'span-1',
          name: 'plan',
          started_at: '2026-01-31T09:30:00.000Z',
          duration_ms: 120,
          status: 'ok',
        },
      ],
    },
    answers: { 200: spanResultsShape },
    handler: async ({ services, principal, body }) => ({
      body: await appendSpans(services, principal.agentId, body.spans),
    }),
  }),
  defineRoute({
    ...readTraces,
    method: 'GET',
    path: '/traces',
    summary: 'List traces in the order of their arrival',
    query: object({ ...cursor, ...timeRange, agent_id: optional(id('agent')), owner_id: optional(id('user')) }),
    answers: { 200: logOfShape(traceShape) },
    errors: ['CURSOR_EXPIRED'],
    handler: async ({ services, query, principal, scope }) => {
      const owned = ownerFilter({ principal, scope }, query.owner_id) ?? { ownerId: NOBODY }
      const filter = { ...owned, agentId: query.agent_id, ...timesOf(query) }
      return { body: logAnswer(await services.traces.list(filter, cursorOf(query)), traceAnswer) }
    },
  }),
  defineRoute({
    ...readTraces,
    method: 'GET',
    path: '/traces/{trace_id}',
    params: { trace_id: { prefix: 'trace', notFound: 'TRACE_NOT_FOUND' } },
    summary: 'Get a trace with its spans',
    answers: { 200: wholeTraceShape },
    handler: async ({ services, params, principal }) =>
      services.database.read(async (tx) => {
        const trace = await services.traces.get(params['trace_id'] ?? '', { tx })
        const budget = trace === undefined ? undefined : await services.budgets.get(trace.agentId, { tx })
        if (trace === undefined || !maySee(principal, 'metrics:read', budget?.ownerId ?? null)) {
          throw notFound('TRACE_NOT_FOUND')
        }
        return { body: wholeTraceAnswer(trace, hidesDetails(principal)) }
      }),
  }),
]
