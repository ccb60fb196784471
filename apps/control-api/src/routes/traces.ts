import { traceAnswer, wholeTraceAnswer } from '../answers/trace.ts'
import { notFound } from '../http/handle.ts'
import { BATCH_BYTES_MAX } from '../http/json-body.ts'
import { hidesDetails } from '../http/principal.ts'
import { defineRoute } from '../http/route.ts'
import { array, cursor, id, object, optional, Type } from '../http/schemas.ts'
import { timeRange, timesOf } from './audit-filter.ts'
import { cursorOf, logAnswer } from './lists.ts'
import { maySee, NOBODY, ownerFilter } from './scope.ts'
import { appendSpans } from './span-batch.ts'

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
    summary: 'Up to 1000 spans of traces; charges nothing',
    body: object({ spans: array(Type.Unknown(), { minItems: 1, maxItems: 1_000 }) }),
    handler: async ({ services, principal, body }) => ({
      body: await appendSpans(services, principal.agentId, body.spans),
    }),
  }),
  defineRoute({
    ...readTraces,
    method: 'GET',
    path: '/traces',
    summary: 'Traces in the order of their arrival',
    query: object({ ...cursor, ...timeRange, agent_id: optional(id('agent')), owner_id: optional(id('user')) }),
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
    summary: 'One trace with its spans',
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
