import { eventResultsShape } from '../answers/batch.ts'
import { BATCH_BYTES_MAX } from '../http/json-body.ts'
import { defineRoute } from '../http/route.ts'
import { array, checkedApart, object } from '../http/schemas.ts'
import { ingestTelemetry, telemetryEvent } from './telemetry.ts'

export const analyticsEventRoutes = [
  defineRoute({
    method: 'POST',
    path: '/analytics/events',
    auth: 'agent',
    agentPermission: 'analytics:write',
    rateLimit: 'batch',
    bodyBytesMax: BATCH_BYTES_MAX,
    audit: [],
    summary: 'Send telemetry of up to 1000 calls and findings; charges nothing',
    body: object({ events: array(checkedApart(telemetryEvent), { minItems: 1, maxItems: 1_000 }) }),
    example: {
      events: [
        {
          event_id: 'event-1',
          type: 'request.completed',
          timestamp: '2026-01-31T09:30:00.000Z',
          request_id: 'call-2',
          model: 'demo-large',
          latency_ms: 850,
        },
      ],
    },
    answers: { 200: eventResultsShape },
    handler: async ({ services, principal, body }) => ({
      body: await ingestTelemetry(services, principal.agentId, body.events),
    }),
  }),
]
