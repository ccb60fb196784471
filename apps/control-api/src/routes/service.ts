import { ApiError } from '../http/errors.ts'
import { defineRoute } from '../http/route.ts'
import { version } from '../version.ts'

export const serviceRoutes = [
  defineRoute({
    method: 'GET',
    path: '/health',
    auth: 'public',
    rateLimit: 'public',
    audit: [],
    atRoot: true,
    summary: 'The process serves; the database is not asked',
    handler: async ({ services }) => ({
      body: { status: 'healthy', timestamp: new Date(services.database.clock.now()).toISOString() },
    }),
  }),
  defineRoute({
    method: 'GET',
    path: '/ready',
    auth: 'public',
    rateLimit: 'public',
    audit: [],
    atRoot: true,
    summary: 'Database, schema, vault, events and ledger are usable',
    handler: async ({ services }) => {
      const checks = await services.readiness.check()
      const failed = Object.values(checks).some((state) => state !== 'ok')
      if (failed)
        throw new ApiError('SERVICE_UNAVAILABLE', 'Service unavailable', {
          details: { checks },
          headers: { 'Retry-After': '1' },
        })
      return { body: { status: 'ready', checks } }
    },
  }),
  defineRoute({
    method: 'GET',
    path: '/version',
    auth: 'public',
    rateLimit: 'public',
    audit: [],
    atRoot: true,
    summary: 'What is running',
    handler: async () => ({
      body: {
        name: 'iron-control-api',
        version,
        commit: null,
        built_at: null,
        api_version: 'v1',
        supported_versions: ['v1'],
        deprecated_versions: [],
      },
    }),
  }),
]
