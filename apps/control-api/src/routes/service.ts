import { ApiError } from '../http/errors.ts'
import { defineRoute } from '../http/route.ts'
import type { Services } from '../services.ts'
import { version } from '../version.ts'

/** Longest lag of the event log behind the clock that is still ready, and what one check may take, in milliseconds. */
const CHECK_TIMEOUT_MS = 5_000

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
    summary: 'Database, vault and ledger are usable',
    handler: async ({ services }) => {
      const checks = await readiness(services)
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

async function readiness(services: Services): Promise<Record<string, 'ok' | 'failed'>> {
  const [database, vault, events, ledger] = await Promise.all([
    passes(services.database.ping()),
    passes(
      services.keys.checkCanary().then((canaries) => {
        if (canaries.some(({ ok }) => !ok)) throw new Error('a vault key in use does not open its canary')
      }),
    ),
    passes(services.events.bounds()),
    passes(
      services.ledger.verify({ quick: true }).then((faults) => {
        if (faults.length > 0) throw new Error('the ledger and a balance differ')
      }),
    ),
  ])
  // An open handle has been migrated and verified at the start.
  return { database, migrations: database, vault, events, ledger }
}

async function passes(check: Promise<unknown>): Promise<'ok' | 'failed'> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('the check took too long')), CHECK_TIMEOUT_MS)
  })
  try {
    await Promise.race([check, late])
    return 'ok'
  } catch {
    return 'failed'
  } finally {
    clearTimeout(timer)
  }
}
