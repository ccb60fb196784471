import { agentMetricsAnswer, agentMetricsShape } from '../answers/agent-metrics.ts'
import { notFound } from '../http/handle.ts'
import { defineRoute } from '../http/route.ts'
import { object } from '../http/schemas.ts'
import { ofAgent } from './agent-param.ts'
import { periodFields, periodOf } from './period.ts'
import { ownOnly } from './scope.ts'

/** Models shown, the dearest first (http-api 5.3). */
const MODELS_MAX = 50

export const agentMetricsRoutes = [
  defineRoute({
    ...ofAgent,
    method: 'GET',
    path: '/agents/{id}/metrics',
    permission: 'metrics:read',
    rateLimit: 'analytics',
    audit: [],
    summary: "An agent's calls of a period, and its budget now",
    query: object({ ...periodFields }),
    answers: { 200: agentMetricsShape },
    handler: async ({ services, params, query, principal, scope }) => {
      const agentId = params['id'] ?? ''
      const period = periodOf(query, services.database.clock.now())
      const calls = { agentId, ownerId: ownOnly({ principal, scope }) }
      return services.database.read(async (tx) => {
        const range = await services.analytics.range(period, calls, { tx })
        const at = { tx, now: range.calculatedAt }
        const totals = await services.analytics.totals(period, calls, at)
        const models = await services.analytics.by('model', period, calls, { perPage: MODELS_MAX, ...at })
        const budget = await services.budgets.get(agentId, { tx })
        if (budget === undefined) throw notFound('AGENT_NOT_FOUND')
        return { body: agentMetricsAnswer({ period, range, totals, models: models.data, budget }) }
      })
    },
  }),
]
