import { always, component, list, shape, shown, usuallyNull } from '../answers/shape.ts'
import { ApiError } from '../http/errors.ts'
import { defineRoute } from '../http/route.ts'
import { nullable, time } from '../http/schemas.ts'
import { CLOCK_APART_MAX_MS } from '../observability/readiness.ts'
import { version } from '../version.ts'

const readyShape = component('Readiness', {
  status: always('ready'),
  checks: shape({
    database: always('ok'),
    migrations: always('ok'),
    vault: always('ok'),
    events: always('ok'),
    ledger: always('ok'),
  }),
})

const versionShape = component('Version', {
  name: always('iron-control-api'),
  version: shown('1.0.0'),
  commit: usuallyNull(nullable(shown('0123456789abcdef0123456789abcdef01234567'))),
  built_at: usuallyNull(nullable(time())),
  api_version: always('v1'),
  supported_versions: list(always('v1')),
  deprecated_versions: list(shown('v0')),
})

/** What an operator mends when the hosts' clocks are apart. */
const clockDetails = (aheadMs: number | undefined): object =>
  aheadMs === undefined ? {} : { clock_ahead_ms: Math.round(aheadMs), clock_ahead_max_ms: CLOCK_APART_MAX_MS }

export const serviceRoutes = [
  defineRoute({
    method: 'GET',
    path: '/health',
    auth: 'public',
    rateLimit: 'public',
    audit: [],
    atRoot: true,
    summary: 'Whether the process is serving; does not ask the database',
    answers: { 200: shape({ status: always('healthy'), timestamp: time() }) },
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
    summary: 'Whether database, schema, vault, events and ledger are usable',
    answers: { 200: readyShape },
    handler: async ({ services }) => {
      const checks = await services.readiness.check()
      const failed = Object.values(checks).some((state) => state !== 'ok')
      if (failed)
        throw new ApiError('SERVICE_UNAVAILABLE', 'Service unavailable', {
          details: { checks, ...clockDetails(services.readiness.clockFaultMs) },
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
    summary: 'The version that is running',
    answers: { 200: versionShape },
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
