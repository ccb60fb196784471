import { describe, expect, test } from '@jest/globals'
import { createTestPlace, enginesForTests } from '@iron/database/testing'
import type { ControlApiConfig } from '../../src/index.ts'
import { generateSecrets } from '../../src/secrets.ts'
import { startApi, type TestApi } from '../support/api.ts'
import { type Collector, type ReceivedSpan, startCollector } from '../support/collector.ts'
import { ADMIN } from '../support/server-process.ts'

const SERVER = 2
const ERROR = 2
const TRACE = '0af7651916cd43dd8448eb211c80319c'
/** A shutdown waits 4 s for a collector; the rest is this machine's. */
const CLOSED_MS = 6_000
const PARENT = 'b7ad6b7169203331'

/** The spans of what was asked of a server that has stopped since. */
async function spansOf(
  ask: (api: TestApi) => Promise<unknown>,
  config: Partial<ControlApiConfig> = {},
): Promise<{ readonly spans: ReceivedSpan[]; readonly collector: Collector }> {
  const collector = await startCollector()
  try {
    await using api = await startApi({ tracesEndpoint: collector.endpoint, ...config })
    await ask(api)
  } finally {
    await collector[Symbol.asyncDispose]()
  }
  return { spans: collector.spans(), collector }
}

const requests = (spans: readonly ReceivedSpan[]): ReceivedSpan[] => spans.filter(({ kind }) => kind === SERVER)

describe.each(await enginesForTests())('traces on %s', (dialect) => {
  test('a request is a span, and what it asks of the database is inside it', async () => {
    const place = await createTestPlace(dialect)
    const {
      JWT_SECRET: jwtSecret,
      IC_TOKEN_SECRET: icTokenSecret,
      IRON_MASTER_KEYS: masterKeys,
    } = generateSecrets('k1')
    try {
      const { spans, collector } = await spansOf(
        async ({ client }) => {
          const headers = { traceparent: `00-${TRACE}-${PARENT}-01`, 'X-Request-Id': 'call-7' }
          await client.request('POST', '/api/login/nothing', {}, headers)
          await client.post('/auth/login', ADMIN, headers)
        },
        { databaseUrl: place.url, jwtSecret, icTokenSecret, masterKeys, tracesHeaders: 'x-team=iron%20one' },
      )
      const [missing, login, ...others] = requests(spans)
      expect(others).toEqual([])
      expect([missing!.name, missing!.status.code ?? 0]).toEqual(['POST', 0])
      expect(login).toMatchObject({ name: 'POST /api/v1/auth/login', traceId: TRACE, parentSpanId: PARENT })
      expect(login!.attributes).toEqual({
        'http.request.method': 'POST',
        'http.route': '/api/v1/auth/login',
        'http.response.status_code': 200,
        'url.scheme': 'http',
        'network.protocol.version': '1.1',
        'client.address': '127.0.0.1',
        'iron.request_id': 'call-7',
      })
      const inside = spans.filter(({ parentSpanId }) => parentSpanId === login!.spanId)
      expect(new Set(inside.map(({ traceId }) => traceId))).toEqual(new Set([TRACE]))
      expect(inside.map(({ name }) => name)).toContain('database write')
      const system = dialect === 'sqlite' ? 'sqlite' : 'postgresql'
      expect(inside.at(-1)!.attributes).toEqual({ 'db.system.name': system, 'db.operation.name': 'write' })
      // Nothing but requests begins a trace: the timers' work is nobody's.
      expect(spans).toHaveLength(2 + inside.length)
      expect(collector.resource()).toMatchObject({ 'service.name': 'iron-control-api', 'service.version': '0.0.0' })
      expect(collector.headers[0]).toMatchObject({ path: '/v1/traces', 'x-team': 'iron one' })
    } finally {
      await place.remove()
    }
  })
})

test('a 5xx is an error, a refusal is none; a failed call tells its code and nothing else', async () => {
  const { spans } = await spansOf(async ({ client, state }) => {
    const { traces } = await state.services()
    const { body } = await client.post('/auth/login', ADMIN)
    const session = { Authorization: `Bearer ${String(body.access_token)}` }
    traces.list = () => Promise.reject(new Error('a secret of the house'))
    await client.get('/traces', session)
    await client.post('/users', { username: 'admin', email: 'x@y.z', password: 'correct horse', role: 'user' }, session)
  })
  const [, failed, refused] = requests(spans)
  expect(failed).toMatchObject({ status: { code: ERROR }, attributes: { 'error.type': '500' } })
  expect(refused!.attributes).toMatchObject({ 'http.response.status_code': 409 })
  expect(refused!.status.code ?? 0).toBe(0)
  const inside = spans.filter(({ parentSpanId }) => parentSpanId === refused!.spanId)
  expect(inside.map(({ attributes }) => attributes['error.type'])).toContain('DUPLICATE_USERNAME')
  expect(JSON.stringify(spans)).not.toContain('secret of the house')
})

test.each<[Partial<ControlApiConfig>, number]>([
  [{ tracesSampler: 'always_off' }, 0],
  [{ tracesSampler: 'traceidratio', tracesSamplerRatio: 0 }, 0],
  [{ tracesSampler: 'parentbased_traceidratio', tracesSamplerRatio: 0 }, 1],
  [{ tracesSampler: 'always_on' }, 3],
  [{}, 2],
])('samplers %j', async (config, kept) => {
  const { spans } = await spansOf(async ({ client }) => {
    await client.request('GET', '/health', undefined, { traceparent: `00-${TRACE}-${PARENT}-01` })
    await client.request('GET', '/health', undefined, { traceparent: `00-${TRACE}-${PARENT}-00` })
    await client.request('GET', '/health', undefined, { traceparent: 'not one' })
  }, config)
  expect(requests(spans)).toHaveLength(kept)
})

test('a collector that is gone, silent or overloaded harms nothing, and is told of once', async () => {
  await using silent = await startCollector(() => undefined)
  await using overloaded = await startCollector(
    (response) => void response.writeHead(503, { 'Retry-After': '60' }).end(),
  )
  const endpoints = ['http://127.0.0.1:9', silent.endpoint, overloaded.endpoint]
  const ends = endpoints.map(async (tracesEndpoint) => {
    const told: unknown[] = []
    const api = await startApi({ tracesEndpoint })
    api.state.logger.error = (line: unknown) => void told.push(line)
    for (let index = 0; index < 50; index += 1) expect((await api.client.get('/health')).status).toBe(200)
    const began = performance.now()
    await api[Symbol.asyncDispose]()
    expect(performance.now() - began).toBeLessThan(CLOSED_MS)
    return told.map((line) => (line as { err: Error }).err.message)
  })
  expect(await Promise.all(ends)).toEqual(endpoints.map(() => ['the collector takes no traces']))
})
