import { BATCH_BYTES_MAX } from '../http/json-body.ts'
import { defineRoute } from '../http/route.ts'
import { array, object, Type } from '../http/schemas.ts'
import { ingestTelemetry } from './telemetry.ts'

export const analyticsEventRoutes = [
  defineRoute({
    method: 'POST',
    path: '/analytics/events',
    auth: 'agent',
    agentPermission: 'analytics:write',
    rateLimit: 'batch',
    bodyBytesMax: BATCH_BYTES_MAX,
    audit: [],
    summary: 'Telemetry of up to 1000 calls and findings; charges nothing',
    body: object({ events: array(Type.Unknown(), { minItems: 1, maxItems: 1_000 }) }),
    handler: async ({ services, principal, body }) => ({
      body: await ingestTelemetry(services, principal.agentId, body.events),
    }),
  }),
]
