import { describe, expect, test } from '@jest/globals'
import { createTestPlace, enginesForTests } from '@iron/database/testing'
import {
  CLOCK_APART_MAX_MS,
  EVENT_LAG_MAX_MS,
  Readiness,
  type ReadinessSources,
} from '../../src/observability/readiness.ts'
import { generateSecrets } from '../../src/secrets.ts'
import { startApi } from '../support/api.ts'
import { rawExchange } from '../support/raw-http.ts'

const ALL_OK = { database: 'ok', migrations: 'ok', vault: 'ok', events: 'ok', ledger: 'ok' }
const NONE_OK = { database: 'failed', migrations: 'failed', vault: 'failed', events: 'failed', ledger: 'failed' }

/** Ports that pass, but for what is given. */
function sources(given: Partial<ReadinessSources> = {}): ReadinessSources {
  return {
    database: { ping: async () => ({ clockAheadMs: 0 }) },
    keys: { checkCanary: async () => [{ vaultKeyId: 'm1', ok: true }] },
    eventLag: { ms: async () => 0 },
    ...given,
  }
}

const clocksApart = (clockAheadMs: number): Partial<ReadinessSources> => ({
  database: { ping: async () => ({ clockAheadMs }) },
})

function serving(given: Partial<ReadinessSources> = {}): Readiness {
  const readiness = new Readiness(sources(given))
  readiness.serve()
  return readiness
}

test.each<[string, Partial<ReadinessSources>, object]>([
  [
    'OPS-01 the database does not answer',
    { database: { ping: () => Promise.reject(new Error('down')) } },
    { database: 'failed', migrations: 'failed', ledger: 'failed' },
  ],
  [
    'SEC-19 a key in use does not open its canary',
    {
      keys: {
        checkCanary: async () => [
          { vaultKeyId: 'm1', ok: true },
          { vaultKeyId: 'm0', ok: false },
        ],
      },
    },
    { vault: 'failed' },
  ],
  ['clocks are just near enough', clocksApart(-CLOCK_APART_MAX_MS), {}],
  ['the clock is ahead of the database', clocksApart(CLOCK_APART_MAX_MS + 1), { database: 'failed' }],
  ['the clock is behind the database', clocksApart(-CLOCK_APART_MAX_MS - 1), { database: 'failed' }],
  ['events lag just enough', { eventLag: { ms: async () => EVENT_LAG_MAX_MS } }, {}],
  ['events lag too far', { eventLag: { ms: async () => EVENT_LAG_MAX_MS + 1 } }, { events: 'failed' }],
])('%s', async (_, given, failed) => {
  expect(await serving(given).check()).toEqual({ ...ALL_OK, ...failed })
})

test('what the jobs found decides about schema and ledger', async () => {
  const readiness = serving()
  readiness.noteSchema(false)
  readiness.noteLedger(false)
  expect(await readiness.check()).toEqual({ ...ALL_OK, migrations: 'failed', ledger: 'failed' })
})

test('starting and stopping nothing is ready, and nothing is asked', async () => {
  const readiness = new Readiness(sources({ database: { ping: () => Promise.reject(new Error('asked')) } }))
  expect(await readiness.check()).toEqual(NONE_OK)
  readiness.stop()
  readiness.serve()
  expect(await readiness.check()).toEqual(NONE_OK)
})

test('OPS-01 a crowd that asks costs one look', async () => {
  let pings = 0
  const readiness = serving({ database: { ping: async () => ({ clockAheadMs: 0 * (pings += 1) }) } })
  await Promise.all(Array.from({ length: 200 }, () => readiness.check()))
  expect(pings).toBe(1)
})

describe.each(await enginesForTests())('GET /ready on %s', (dialect) => {
  test('OPS-01 without credential; health asks nobody; shutting down it is 503', async () => {
    const place = await createTestPlace(dialect)
    const {
      JWT_SECRET: jwtSecret,
      IC_TOKEN_SECRET: icTokenSecret,
      IRON_MASTER_KEYS: masterKeys,
    } = generateSecrets('k1')
    try {
      await using api = await startApi({ databaseUrl: place.url, jwtSecret, icTokenSecret, masterKeys })
      const { client, state, port } = api
      for (const path of ['/ready', '/api/v1/ready']) {
        const { status, body } = await client.request('GET', path)
        expect([status, body]).toEqual([200, { status: 'ready', checks: ALL_OK }])
      }
      const { readiness, database } = await state.services()
      // While it shuts down, on a connection that is still open.
      readiness.stop()
      const { status, body, headers } = await client.get('/ready')
      expect([status, body.code, body.details.checks, headers['retry-after']]).toEqual([
        503,
        'SERVICE_UNAVAILABLE',
        NONE_OK,
        '1',
      ])
      await database.close()
      expect((await client.get('/health')).status).toBe(200)
      expect((await rawExchange(port, 'GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).text).toMatch(
        / 200 /,
      )
    } finally {
      await place.remove()
    }
  })
})

const withPostgres = (await enginesForTests()).includes('postgres') ? describe : describe.skip
withPostgres('clocks on postgres', () => {
  test.each([60_000, -60_000])(
    'a process whose clock is %i ms off the database is not ready, and says so',
    async (skewMs) => {
      const place = await createTestPlace('postgres')
      const {
        JWT_SECRET: jwtSecret,
        IC_TOKEN_SECRET: icTokenSecret,
        IRON_MASTER_KEYS: masterKeys,
      } = generateSecrets('k1')
      const clock = { now: () => Date.now() + skewMs }
      try {
        await using api = await startApi({ databaseUrl: place.url, jwtSecret, icTokenSecret, masterKeys }, { clock })
        const { status, body } = await api.client.request('GET', '/ready')
        expect([status, body.code, body.details.checks]).toEqual([
          503,
          'SERVICE_UNAVAILABLE',
          { ...ALL_OK, database: 'failed' },
        ])
        expect(body.details.clock_ahead_max_ms).toBe(CLOCK_APART_MAX_MS)
        expect(Math.abs(body.details.clock_ahead_ms - skewMs)).toBeLessThan(CLOCK_APART_MAX_MS)
      } finally {
        await place.remove()
      }
    },
  )
})
