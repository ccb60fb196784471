import { defineRoute } from '../http/route.ts'

export const metricsRoutes = [
  defineRoute({
    method: 'GET',
    path: '/metrics',
    auth: 'metrics',
    permission: 'audit:read',
    rateLimit: 'read',
    audit: [],
    atRoot: true,
    summary: 'Metrics of this process, for Prometheus',
    answers: { 200: 'text/plain' },
    handler: async ({ services }) => ({ text: await services.metrics.read() }),
  }),
]
