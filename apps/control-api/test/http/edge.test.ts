import net from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type Answer } from '../support/http-client.ts'
import { startApi, type TestApi } from '../support/api.ts'
import { createAgent, type TestAgent } from '../support/server-process.ts'

let api: TestApi
let agent: TestAgent
let leaseId: string

beforeAll(async () => {
  api = await startApi()
  agent = await createAgent(api.client, { allocatedUsd: 100 })
  const lease = await api.client.post('/budget/handshake', { requested_usd: 10 }, agent.runtime)
  leaseId = lease.body.lease_id
})
afterAll(async () => {
  await api[Symbol.asyncDispose]()
})

/** The one error shape of every non-2xx answer, without anything that must not leave. */
function expectError(answer: Answer, status: number, code: string): void {
  expect([answer.status, answer.body.code]).toEqual([status, code])
  expect(typeof answer.body.error).toBe('string')
  expect(Object.keys(answer.body as object).every((key) => ['error', 'code', 'details'].includes(key))).toBe(true)
  expect(answer.headers['content-type']).toBe('application/json; charset=utf-8')
  expect(answer.headers['x-request-id']).toMatch(/^[A-Za-z0-9._-]{1,100}$/)
  expect(JSON.stringify(answer.body)).not.toMatch(/\bat \w+.*\.[tj]s|SQLITE|SELECT |node_modules/)
}

const report = (fields: object = {}): object => ({
  lease_id: leaseId,
  request_id: 'edge-1',
  model: 'gpt-4o',
  cost_usd: 0.1,
  ...fields,
})
const send = (body: string, headers: Record<string, string> = {}): Promise<Answer> =>
  api.client.request('POST', '/api/v1/budget/report', body, { ...agent.runtime, ...headers })

describe('MON-03 a number is what was written, not the nearest double', () => {
  const charged = async (id: string, cost: string): Promise<unknown> => {
    const text = JSON.stringify(report({ request_id: id, cost_usd: 0 })).replace('"cost_usd":0', `"cost_usd":${cost}`)
    const answer = await send(text)
    return answer.status === 200 ? answer.body.cost_usd : answer.body
  }

  test('a rest is rounded up, however small', async () => {
    expect(await charged('exact-1', '0.10000000000000000001')).toBe(0.100001)
    expect(await charged('exact-2', '0.09999999999999999999')).toBe(0.1)
    expect(await charged('exact-3', '1e-400')).toBe(0.000001)
  })

  test('an amount of more decimals, a count of any, is refused', async () => {
    const reserve = (amount: string): Promise<Answer> =>
      api.client.request('POST', '/api/v1/budget/reserve', `{"requested_usd":${amount}}`, agent.runtime)
    expectError(await reserve('1.00000000000000000001'), 400, 'VALIDATION_ERROR')
    const text = JSON.stringify(report({ request_id: 'exact-4', input_tokens: 7 }))
    expectError(
      await send(text.replace('"input_tokens":7', '"input_tokens":7.00000000000000000001')),
      400,
      'VALIDATION_ERROR',
    )
  })
})

describe('VAL-01 bodies that are none', () => {
  test.each([
    ['half', '{"lease_id": "x"'],
    ['text', 'hello'],
    ['trailing comma', '{"a":1,}'],
    ['NaN', '{"cost_usd": NaN}'],
    ['two values', '{} {}'],
    ['10 000 deep', `${'['.repeat(10_000)}${']'.repeat(10_000)}`],
    ['33 deep', `${'{"a":'.repeat(33)}1${'}'.repeat(33)}`],
    ['NUL outside a string', '{"a":\u0000 1}'],
  ])('%s', async (_, body) => expectError(await send(body), 400, 'MALFORMED_JSON'))

  test('invalid UTF-8', async () => {
    const bytes = Buffer.from([0x7b, 0x22, 0x61, 0x22, 0x3a, 0x22, 0xff, 0xfe, 0x22, 0x7d]).toString('latin1')
    const answer = await raw(
      `POST /api/v1/budget/report HTTP/1.1\r\nHost: x\r\nX-IC-Token: ${agent.icToken}\r\nContent-Type: application/json\r\nContent-Length: 10\r\nConnection: close\r\n\r\n${bytes}`,
    )
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
    expect(answer).toContain('"MALFORMED_JSON"')
  })

  test('10 MB', async () => {
    const answer = await raw(
      `POST /api/v1/budget/report HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${10 * 1024 * 1024}\r\n\r\n${'x'.repeat(100_000)}`,
    )
    expect(answer).toMatch(/^HTTP\/1\.1 413 /)
    expect(answer).toContain('"max_bytes":65536')
  })

  test('more than 64 KiB without a declared length', async () => {
    const chunk = `ffff\r\n${'x'.repeat(0xffff)}\r\n`
    const answer = await raw(
      `POST /api/v1/budget/report HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}${chunk}`,
    )
    expect(answer).toMatch(/^HTTP\/1\.1 413 /)
  })

  test.each(['text/plain', 'application/xml', 'application/json; charset=latin1', 'multipart/form-data', ''])(
    'media type %j',
    async (type) => expectError(await send('{}', { 'Content-Type': type }), 415, 'UNSUPPORTED_MEDIA_TYPE'),
  )

  test('compressed', async () =>
    expectError(await send('{}', { 'Content-Encoding': 'gzip' }), 415, 'UNSUPPORTED_MEDIA_TYPE'))
})

describe('VAL-02 VAL-03 VAL-04 VAL-13 fields', () => {
  const fieldsOf = async (body: object, path = '/budget/report'): Promise<Record<string, string>> => {
    const answer = await api.client.post(path, body, agent.runtime)
    expectError(answer, 400, 'VALIDATION_ERROR')
    return answer.body.details.fields as Record<string, string>
  }

  test('all faults are named at once', async () => {
    const fields = await fieldsOf({
      lease_id: 'x',
      request_id: '',
      model: 7,
      input_tokens: '5',
      output_tokens: 1.5,
      nonsense: 1,
      cost_usd: -1,
    })
    expect(Object.keys(fields).sort()).toEqual(
      ['cost_usd', 'input_tokens', 'lease_id', 'model', 'nonsense', 'output_tokens', 'request_id'].sort(),
    )
  })

  test('an empty body names what is required', async () => {
    expect(await fieldsOf({})).toEqual({ lease_id: 'is required', request_id: 'is required', model: 'is required' })
    expect(Object.keys(await fieldsOf([]))).toEqual(['$'])
  })

  test.each([
    ['1e308', { cost_usd: 1e308 }, 'cost_usd'],
    ['above the bound', { cost_usd: 1_000_000_000.01 }, 'cost_usd'],
    ['a string', { cost_usd: '1' }, 'cost_usd'],
    ['null', { cost_usd: null }, 'cost_usd'],
    ['2^53', { input_tokens: 2 ** 53 }, 'input_tokens'],
    ['NUL in a text', { model: 'a\0b' }, 'model'],
    ['control character', { provider: 'a\u0007' }, 'provider'],
    ['too long', { model: 'm'.repeat(256) }, 'model'],
    ['a boolean for an enum', { outcome: true }, 'outcome'],
    ['a time without zone', { timestamp: '2026-01-15T12:00:00' }, 'timestamp'],
    ['a day that is none', { timestamp: '2026-02-30T12:00:00Z' }, 'timestamp'],
    ['__proto__', JSON.parse('{"__proto__": 1}') as object, '__proto__'],
    ['constructor', { constructor: 1 }, 'constructor'],
  ])('%s', async (_, fields, named) => {
    const body = JSON.stringify(report()).slice(0, -1) + `,${JSON.stringify(fields).slice(1)}`
    const answer = await send(body)
    expectError(answer, 400, 'VALIDATION_ERROR')
    expect(Object.keys(answer.body.details.fields as object)).toEqual([named])
  })

  test.each(['0000-01-01T00:00:00Z', '1969-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'])(
    'a runtime whose clock says %s: what it tells is taken, at most a day off',
    async (timestamp) => {
      const { client } = api
      const told = { request_id: `clock-${timestamp}`, model: 'gpt-4o', cost_usd: 0.1, timestamp }
      expect((await client.post('/budget/report', report(told), agent.runtime)).status).toBe(200)
      const event = { ...told, event_id: timestamp, type: 'request.completed', request_id: `told-${timestamp}` }
      const pii = { categories: ['email'], count: 1, action: 'logged', direction: 'input' }
      const events = [event, { ...pii, event_id: `pii-${timestamp}`, type: 'safety.pii_detected', timestamp }]
      expect((await client.post('/analytics/events', { events }, agent.runtime)).body).toMatchObject({ accepted: 2 })
      const { body } = await client.post('/tokens', { name: 'clock' }, agent.admin)
      const token = { 'X-API-Token': body.token as string }
      expect((await client.post('/usage', told, token)).status).toBe(201)
      const rows = (await client.get('/requests?limit=3', agent.admin)).body.data as Record<string, string>[]
      for (const row of rows) {
        expect(Math.abs(Date.parse(row['timestamp'] ?? '') - Date.parse(row['received_at'] ?? ''))).toBe(86_400_000)
      }
    },
  )

  test('MON-03 MON-05 an amount has at most 6 decimals and the one bound everywhere', async () => {
    expect(await fieldsOf({ requested_usd: 1.0000001 }, '/budget/handshake')).toEqual({
      requested_usd: 'must have at most 6 decimals',
    })
    expect(await fieldsOf({ requested_usd: 0 }, '/budget/handshake')).toEqual({
      requested_usd: 'must be at least 0.000001',
    })
    expect(Object.keys(await fieldsOf({ requested_usd: 1e9 + 1 }, '/budget/handshake'))).toEqual(['requested_usd'])
    expect(await fieldsOf({ requested_usd: 1_001 }, '/budget/handshake')).toEqual({
      requested_usd: 'must be 0.000001 to 1000 USD',
    })
  })

  test('PRI-21 parts above their total are refused by name', async () => {
    const fields = await fieldsOf(report({ cost_usd: undefined, input_tokens: 10, cache_read_tokens: 11 }))
    expect(Object.keys(fields)).toHaveLength(1)
  })

  test('VAL-10 queries: unknown, repeated, out of range', async () => {
    const query = async (search: string): Promise<string[]> => {
      const answer = await api.client.get(`/agents?${search}`, agent.admin)
      expectError(answer, 400, 'VALIDATION_ERROR')
      return Object.keys(answer.body.details.fields as object)
    }
    expect(await query('page=0')).toEqual(['query.page'])
    expect(await query('page=1.5')).toEqual(['query.page'])
    expect(await query('per_page=101')).toEqual(['query.per_page'])
    expect(await query('page=1&page=2')).toEqual(['query.page'])
    expect(await query('page=99999999999999999999')).toEqual(['query.page'])
    expect(await query('sort=password')).toEqual(['query.sort'])
    expect(await query('token=x')).toEqual(['query.token'])
    const empty = await api.client.get('/agents?page=99', agent.admin)
    expect(empty.body).toEqual({ data: [], pagination: { page: 99, per_page: 50, total: 1, total_pages: 1 } })
  })
})

describe('paths and methods', () => {
  test.each([
    '/api/v1/nothing',
    '/api',
    '/',
    '/api/v2/health',
    '/api/v1//health',
    '/api/v1/HEALTH',
    '/api/v1/../health',
    '/api/v1/%2e%2e/health',
  ])('AUT-20 %s is no route', async (path) => expectError(await api.client.request('GET', path), 404, 'NOT_FOUND'))

  test('a known path with another method is 405 with Allow', async () => {
    const answer = await api.client.request('PATCH', '/api/v1/budget/report', {}, agent.runtime)
    expectError(answer, 405, 'METHOD_NOT_ALLOWED')
    expect(answer.headers.allow).toBe('OPTIONS, POST')
    const options = await api.client.request('OPTIONS', '/api/v1/agents')
    expect([options.status, options.headers.allow]).toEqual([204, 'GET, HEAD, OPTIONS, POST'])
  })

  test('both mounts, one trailing slash, HEAD', async () => {
    for (const path of ['/health', '/api/health', '/api/v1/health', '/api/v1/health/']) {
      expect((await api.client.request('GET', path)).body.status).toBe('healthy')
    }
    const head = await api.client.request('HEAD', '/api/v1/health')
    expect([head.status, head.body]).toEqual([200, ''])
  })

  test('VAL-09 a malformed id in a path is the 404 of its resource', async () => {
    for (const id of [
      'x',
      'agent_1',
      agent.agentId.toUpperCase(),
      `${agent.agentId}0`,
      '%00',
      '%ff',
      'budget_' + agent.agentId.slice(6),
    ]) {
      expectError(await api.client.get(`/agents/${id}`, agent.admin), 404, 'AGENT_NOT_FOUND')
    }
  })

  test('headers above 16 KiB are 431 in the one shape', async () => {
    const answer = await raw(`GET /health HTTP/1.1\r\nHost: x\r\nX-Padding: ${'x'.repeat(20_000)}\r\n\r\n`)
    expect(answer).toMatch(/^HTTP\/1\.1 431 /)
    expect(answer).toContain('"HEADERS_TOO_LARGE"')
  })

  test('what is not HTTP is refused, not crashed on', async () => {
    expect(await raw('hello there\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /)
    expect((await api.client.get('/health')).status).toBe(200)
  })
})

describe('credentials', () => {
  test('AUT-01 AUT-18 none, empty, doubled, malformed', async () => {
    for (const headers of [
      {},
      { Authorization: 'Bearer' },
      { Authorization: 'Basic YTpi' },
      { Authorization: 'Bearer a b' },
      { 'X-IC-Token': '' },
    ]) {
      const answer = await api.client.get('/agents', headers as Record<string, string>)
      expectError(answer, 401, 'UNAUTHORIZED')
      expect(answer.headers['www-authenticate']).toBe('Bearer')
    }
  })

  test('two different credentials are ambiguous; the same twice is fine', async () => {
    expectError(await api.client.get('/agents', { ...agent.admin, ...agent.runtime }), 400, 'AMBIGUOUS_CREDENTIALS')
    const twice = { 'X-IC-Token': agent.icToken, Authorization: `Bearer ${agent.icToken}` }
    expect((await api.client.get('/auth/verify', twice)).body.kind).toBe('ic_token')
    const inBody = await api.client.post('/budget/reserve', { ic_token: agent.icToken, requested_usd: 1 })
    expect(inBody.status).toBe(200)
  })

  test('ACL-12 each kind works only where it belongs', async () => {
    expectError(await api.client.get('/agents', agent.runtime), 403, 'FORBIDDEN')
    expectError(await api.client.post('/budget/reserve', {}, agent.admin), 403, 'FORBIDDEN')
    expectError(await api.client.get('/agents', { Authorization: 'Bearer at_unknown' }), 401, 'UNAUTHORIZED')
    expectError(await api.client.get('/agents?access_token=x', {}), 401, 'UNAUTHORIZED')
  })

  test('AUT-03 AUT-05 AUT-06 refresh rotates, reuse and logout end the session', async () => {
    const login = await api.client.post('/auth/login', { email: ' ADMIN@iron.test', password: 'correct horse battery' })
    expect(login.status).toBe(200)
    const access = { Authorization: `Bearer ${login.body.access_token}` }
    expectError(
      await api.client.get('/auth/me', { Authorization: `Bearer ${login.body.refresh_token}` }),
      401,
      'UNAUTHORIZED',
    )
    const renewed = await api.client.post('/auth/refresh', { refresh_token: login.body.refresh_token })
    expect([renewed.status, renewed.body.session_id]).toEqual([200, login.body.session_id])
    const byBearer = await api.client.post(
      '/auth/refresh',
      {},
      { Authorization: `Bearer ${renewed.body.refresh_token}` },
    )
    expect(byBearer.status).toBe(200)
    expectError(
      await api.client.post('/auth/refresh', { refresh_token: renewed.body.refresh_token }),
      401,
      'TOKEN_REVOKED',
    )
    const other = await api.client.post('/auth/login', { email: 'admin@iron.test', password: 'correct horse battery' })
    const second = { Authorization: `Bearer ${other.body.access_token}` }
    expect((await api.client.post('/auth/logout', {}, second)).status).toBe(204)
    expectError(await api.client.post('/auth/logout', {}, second), 401, 'TOKEN_REVOKED')
    expectError(
      await api.client.post('/auth/login', { email: 'admin@iron.test', password: 'wrong' }),
      401,
      'UNAUTHORIZED',
    )
    expectError(
      await api.client.post('/auth/login', { email: 'nobody@iron.test', password: 'wrong' }),
      401,
      'UNAUTHORIZED',
    )
    expect(access).toBeDefined()
  })
})

describe('headers of every answer', () => {
  test('OPS-12 request ids, SEC-26 no-store, no server header', async () => {
    const given = await api.client.get('/health', { 'X-Request-Id': 'my-id.1' })
    expect(given.headers['x-request-id']).toBe('my-id.1')
    const bad = await api.client.get('/health', { 'X-Request-Id': 'no spaces' })
    expect(bad.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/)
    expect(given.headers).toMatchObject({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'x-frame-options': 'DENY',
      vary: 'Origin',
    })
    for (const absent of [
      'etag',
      'server',
      'x-powered-by',
      'strict-transport-security',
      'access-control-allow-origin',
    ]) {
      expect(given.headers[absent]).toBeUndefined()
    }
  })

  test('OPS-07 CORS admits exact origins only', async () => {
    await using open = await startApi({ allowedOrigins: ['https://console.example.com'] })
    const preflight = { 'Access-Control-Request-Method': 'POST', Origin: 'https://console.example.com' }
    const allowed = await open.client.request('OPTIONS', '/api/v1/agents', undefined, preflight)
    expect(allowed.status).toBe(204)
    expect(allowed.headers['access-control-allow-origin']).toBe('https://console.example.com')
    expect(allowed.headers['access-control-max-age']).toBe('600')
    for (const origin of ['https://evil.example.com', 'https://console.example.com.evil', 'null']) {
      const refused = await open.client.request('OPTIONS', '/api/v1/agents', undefined, {
        ...preflight,
        Origin: origin,
      })
      expect(Object.keys(refused.headers).filter((name) => name.startsWith('access-control'))).toEqual([])
    }
  })
})

test('idempotency keys answer a repeated creation with the first answer, without its secret', async () => {
  const key = { ...agent.admin, 'Idempotency-Key': 'create-1' }
  const first = await api.client.post('/agents', { name: 'once' }, key)
  const again = await api.client.post('/agents', { name: 'once' }, key)
  expect([first.status, again.status]).toEqual([201, 201])
  expect(again.headers['idempotency-replayed']).toBe('true')
  expect(again.body).toEqual({ ...first.body, ic_token: { ...first.body.ic_token, token: null }, secret_omitted: true })
  expectError(await api.client.post('/agents', { name: 'twice' }, key), 409, 'IDEMPOTENCY_CONFLICT')
})

/** Writes bytes to a socket and reads what comes back until the server closes, or a moment of quiet. */
function raw(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(api.port, '127.0.0.1', () => socket.write(text, 'latin1'))
    let received = ''
    socket.setEncoding('latin1')
    socket.setTimeout(1_000, () => socket.destroy())
    socket.on('data', (chunk: string) => (received += chunk))
    socket.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ECONNRESET' || error.code === 'EPIPE' ? undefined : reject(error),
    )
    socket.on('close', () => resolve(received))
  })
}
