import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Answer } from '../support/http-client.ts'
import { fakeRoutes } from '../support/fake-routes.ts'
import { bearer, FOREIGN_AGENT, IC_TOKEN, OWN_AGENT, sessionToken, UNKNOWN_AGENT } from '../support/fake-services.ts'
import { listen, type TestListener } from '../support/listen.ts'

let api: TestListener
beforeAll(async () => {
  api = await listen(fakeRoutes)
})
afterAll(async () => api[Symbol.asyncDispose]())

const outcome = (answer: Answer): unknown[] => [answer.status, answer.body.code]
const fieldsOf = (answer: Answer): Record<string, string> => {
  expect(outcome(answer)).toEqual([400, 'VALIDATION_ERROR'])
  return answer.body.details.fields as Record<string, string>
}
const create = (body: unknown, headers: Record<string, string> = {}, search = ''): Promise<Answer> =>
  api.client.post(`/things${search}`, body, { ...bearer('admin'), ...headers })
const json = (text: string): Promise<Answer> => api.client.request('POST', '/api/things', text, bearer('admin'))

describe('the order of checks (http-api 1.6): the first failure wins', () => {
  const large = 'x'.repeat(70_000)
  test.each<[string, string, string, unknown, Record<string, string>, number, string]>([
    ['path before method', 'PATCH', '/nowhere', {}, {}, 404, 'NOT_FOUND'],
    ['method before body', 'PUT', '/things', large, {}, 405, 'METHOD_NOT_ALLOWED'],
    ['size before media type', 'POST', '/things', large, { 'Content-Type': 'text/plain' }, 413, 'PAYLOAD_TOO_LARGE'],
    ['media type before JSON', 'POST', '/things', '{', { 'Content-Type': 'text/plain' }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['JSON before credential', 'POST', '/things', '{', {}, 400, 'MALFORMED_JSON'],
    ['credential before permission', 'POST', '/things', {}, bearer('nobody'), 401, 'UNAUTHORIZED'],
    ['pending password before permission', 'POST', '/things', {}, bearer('pending'), 403, 'PASSWORD_CHANGE_REQUIRED'],
    ['ACL-04 permission before validation', 'POST', '/things', { nonsense: 1 }, bearer('user'), 403, 'FORBIDDEN'],
    ['permission before the id is looked at', 'PATCH', `/agents/x`, {}, bearer('viewer'), 403, 'FORBIDDEN'],
    ['validation before existence', 'PATCH', `/agents/${UNKNOWN_AGENT}`, {}, bearer('user'), 400, 'VALIDATION_ERROR'],
    ['existence last', 'PATCH', `/agents/${UNKNOWN_AGENT}`, { name: 'a' }, bearer('user'), 404, 'AGENT_NOT_FOUND'],
  ])('%s', async (_, method, path, body, headers, status, code) => {
    const sent = body === large ? JSON.stringify({ large }) : body
    expect(outcome(await api.client.request(method, `/api/v1${path}`, sent, headers))).toEqual([status, code])
  })

  test('ACL-03 VAL-09 foreign, missing and malformed are the same bytes', async () => {
    const answers = await Promise.all(
      [FOREIGN_AGENT, UNKNOWN_AGENT, 'agent_1', OWN_AGENT.toUpperCase(), '%ff'].map((id) =>
        api.client.request('PATCH', `/api/agents/${id}`, { name: 'a' }, bearer('user')),
      ),
    )
    for (const answer of answers) {
      expect([answer.status, answer.body]).toEqual([404, { error: 'Not found', code: 'AGENT_NOT_FOUND' }])
    }
    const own = await api.client.request('PATCH', `/api/agents/${OWN_AGENT}`, { name: 'a' }, bearer('user'))
    expect([own.status, own.body]).toEqual([200, { id: OWN_AGENT }])
  })
})

describe('validation', () => {
  test('VAL-02 faults of query, body and header are named together, the first of each path', async () => {
    const fields = fieldsOf(
      await create(
        {
          name: '',
          tags: ['ok', 'too long', 'x'],
          parts: [{ cost_usd: 1 }, {}],
          agent_id: 'agent_1',
          amount_usd: 0.0000001,
          more: 1,
        },
        { 'Idempotency-Key': 'with space' },
        '?page=1&page=2&unknown=1&per_page=0',
      ),
    )
    expect(fields).toEqual({
      'query.page': 'is given more than once',
      'query.unknown': 'is not known',
      'query.per_page': 'must be at least 1',
      name: 'must be 1 to 5 characters long',
      tags: 'must have at most 2 entries',
      'tags[1]': 'must be 1 to 5 characters long',
      'parts[1].cost_usd': 'is required',
      agent_id: 'must be an id agent_<uuid>',
      amount_usd: 'must have at most 6 decimals',
      more: 'is not known',
      'header.Idempotency-Key': 'must be 1 to 255 visible ASCII characters',
    })
  })

  test('VAL-03 what may be of two types says so', async () => {
    expect(fieldsOf(await create({ name: 'a', at: 5, tags: 'x' }))).toEqual({
      at: 'must be a text',
      tags: 'must be a list',
    })
  })

  test.each(['{"name":"a","__proto__":1}', '{"name":"a","__proto__":{"admin":true}}', '{"name":"a","constructor":1}'])(
    'VAL-12 %s: an ordinary unknown field',
    async (body) => {
      const name = body.includes('__proto__') ? '__proto__' : 'constructor'
      expect(JSON.stringify(fieldsOf(await json(body)))).toBe(JSON.stringify(JSON.parse(`{"${name}":"is not known"}`)))
    },
  )

  test('VAL-12 a query parameter called __proto__ is one that is not known', async () => {
    const answer = await api.client.get('/things?__proto__=1&constructor=2', bearer('user'))
    expect(Object.keys(fieldsOf(answer)).sort()).toEqual(['query.__proto__', 'query.constructor'])
  })

  test('VAL-12 free-form data keeps such keys as data', async () => {
    const answer = await json('{"name":"a","attributes":{"__proto__":{"x":1}}}')
    expect([answer.status, JSON.stringify(answer.body)]).toEqual([
      201,
      '{"name":"a","attributes":{"__proto__":{"x":1}}}',
    ])
  })

  test('VAL-06 names are trimmed, then counted in code points; multi-line text is stored as sent', async () => {
    expect((await create({ name: '  ab  ', notes: ' a\n\tb ', tags: [' x '] })).body).toEqual({
      name: 'ab',
      notes: ' a\n\tb ',
      tags: ['x'],
    })
    expect((await create({ name: '😀😀😀😀😀' })).status).toBe(201)
    expect(Object.keys(fieldsOf(await create({ name: '😀😀😀😀😀😀' })))).toEqual(['name'])
    for (const blank of ['', ' ', '\u00a0\u3000'])
      expect(Object.keys(fieldsOf(await create({ name: blank })))).toEqual(['name'])
    const trimmed = await api.client.get('/things?search=%20a%20', bearer('user'))
    expect(trimmed.body.query).toEqual({ search: 'a' })
  })

  test.each(['\0', '\u0001', '\n', '\t', '\r', '\u007f', '\u0085', '\ud800'])(
    'VAL-07 %j is refused at every position of a name',
    async (character) => {
      for (const name of [`${character}ab`, `a${character}b`, `ab${character}`]) {
        expect(Object.keys(fieldsOf(await create({ name })))).toEqual(['name'])
      }
      expect(Object.keys(fieldsOf(await create({ name: 'a', tags: [`x${character}`] })))).toEqual(['tags[0]'])
    },
  )

  test('VAL-03 VAL-05 null, wrong types, empty updates', async () => {
    for (const name of [null, 1, true, [], {}])
      expect(fieldsOf(await create({ name }))).toEqual({ name: 'must be a text' })
    for (const body of ['[]', '"a"', '1', 'null', 'true'])
      expect(fieldsOf(await json(body))).toEqual({ $: 'must be an object' })
    const update = await api.client.request('PATCH', `/api/agents/${OWN_AGENT}`, {}, bearer('user'))
    expect(fieldsOf(update)).toEqual({ $: 'must name at least one field' })
    const absent = await api.client.request('PATCH', `/api/agents/${OWN_AGENT}`, undefined, bearer('user'))
    expect(fieldsOf(absent)).toEqual({ $: 'must name at least one field' })
  })

  test.each([1e308, -1, -0.000001, 1e9 + 1, '1', true, null, [1]])('MON-03 %j is no cost', async (cost) => {
    expect(Object.keys(fieldsOf(await create({ name: 'a', parts: [{ cost_usd: cost }] })))).toEqual([
      'parts[0].cost_usd',
    ])
  })

  test('MON-03 numbers beyond a double are no numbers; costs have any precision', async () => {
    expect(fieldsOf(await json('{"name":"a","amount_usd":1e999}'))).toEqual({ amount_usd: 'must be a number' })
    for (const cost of [0, 1e-9, 0.1234567, 1e9]) {
      expect((await create({ name: 'a', parts: [{ cost_usd: cost }] })).status).toBe(201)
    }
    for (const amount of [0.000001, 1e9, 8.2])
      expect((await create({ name: 'a', amount_usd: amount })).status).toBe(201)
    for (const amount of [0, 1e-7, 1e9 + 0.000001]) {
      expect(Object.keys(fieldsOf(await create({ name: 'a', amount_usd: amount })))).toEqual(['amount_usd'])
    }
  })

  test.each([
    '2026-01-15T12:00:00',
    '2026-01-15',
    '2026-02-29T00:00:00Z',
    '2026-01-15T24:00:00Z',
    '2026-01-15T12:00:60Z',
    '2026-01-15T12:00:00+25:00',
    'now',
    '',
  ])('VAL-14 %j is no time', async (at) =>
    expect(Object.keys(fieldsOf(await create({ name: 'a', at })))).toEqual(['at']),
  )

  test.each(['2026-01-15T12:00:00Z', '2024-02-29T23:59:59.123456+05:30', '2026-01-15t12:00:00z'])(
    '%j is a time',
    async (at) => expect((await create({ name: 'a', at })).status).toBe(201),
  )

  test('VAL-10 VAL-11 queries take their declared types, written canonically', async () => {
    const good = await api.client.get('/things?page=2&threshold=1.5&archived=false&state=on', bearer('user'))
    expect(good.body).toEqual({ query: { page: 2, threshold: 1.5, archived: false, state: 'on' }, scope: 'own' })
    for (const search of [
      'page=0',
      'page=-1',
      'page=1.0',
      'page=1e1',
      'page=01',
      'page=+1',
      'page=',
      'page=0x1',
      'page=9007199254740993',
      'archived=1',
      'archived=TRUE',
      'state=ON',
      'threshold=NaN',
      'threshold=101',
    ]) {
      const fields = fieldsOf(await api.client.get(`/things?${search}`, bearer('user')))
      expect(Object.keys(fields)).toEqual([`query.${search.slice(0, search.indexOf('='))}`])
    }
  })

  test('VAL-01 nesting of 32 passes the parser, 33 does not; brackets in a text do not count', async () => {
    const nested = (depth: number): string =>
      `{"name":"a","attributes":${'{"a":'.repeat(depth - 1)}1${'}'.repeat(depth - 1)}}`
    expect((await json(nested(32))).status).toBe(201)
    expect(outcome(await json(nested(33)))).toEqual([400, 'MALFORMED_JSON'])
    expect((await create({ name: 'a', attributes: { text: '[{'.repeat(100), quoted: '\\"[' } })).status).toBe(201)
  })

  test('an absent body is an empty one; a body on GET is ignored', async () => {
    expect(fieldsOf(await api.client.request('POST', '/api/things', undefined, bearer('admin')))).toEqual({
      name: 'is required',
    })
    const ignored = await api.client.request('GET', '/api/things', '{', {
      ...bearer('user'),
      'Content-Type': 'text/plain',
    })
    expect(ignored.status).toBe(200)
  })

  test.each([
    'application/json',
    'Application/JSON',
    'application/json; charset=utf-8',
    'application/json;charset="UTF-8"',
    'application/json; profile=x; charset=utf-8',
  ])('%s is JSON', async (type) => expect((await create({ name: 'a' }, { 'Content-Type': type })).status).toBe(201))
})

describe('credentials', () => {
  const verify = (headers: Record<string, string>): Promise<Answer> => api.client.get('/things', headers)

  test.each([
    '',
    'Bearer',
    'Bearer ',
    'Bearer  ',
    'Basic YTpi',
    'Bearer a b',
    `Bearer Bearer ${sessionToken('user')}`,
    sessionToken('user'),
    `Bearer\u00a0x`,
    'Bearer \u00ff',
  ])('AUT-18 Authorization %j is 401', async (authorization) => {
    const answer = await verify({ Authorization: authorization })
    expect(outcome(answer)).toEqual([401, 'UNAUTHORIZED'])
    expect(answer.headers['www-authenticate']).toBe('Bearer')
  })

  test('AUT-18 the scheme is case-insensitive; the same value twice is one credential', async () => {
    expect((await verify({ Authorization: `bEARER  ${sessionToken('user')}` })).status).toBe(200)
    const beat = `/agents/${OWN_AGENT}/beat`
    const twice = { 'X-IC-Token': IC_TOKEN, Authorization: `Bearer ${IC_TOKEN}` }
    expect((await api.client.post(beat, { ic_token: IC_TOKEN }, twice)).status).toBe(200)
    const two = { ...twice, Authorization: `Bearer ${sessionToken('user')}` }
    expect(outcome(await api.client.post(beat, {}, two))).toEqual([400, 'AMBIGUOUS_CREDENTIALS'])
    expect(outcome(await api.client.post(beat, { ic_token: 'ic_other' }, twice))).toEqual([
      400,
      'AMBIGUOUS_CREDENTIALS',
    ])
  })

  test('ic_token in the body is a credential there, no field, and checked as one', async () => {
    const beat = `/agents/${OWN_AGENT}/beat`
    expect((await api.client.post(beat, { ic_token: IC_TOKEN })).body).toEqual({})
    expect(outcome(await api.client.post(beat, { ic_token: 5 }))).toEqual([401, 'UNAUTHORIZED'])
    expect(Object.keys(fieldsOf(await api.client.post(beat, { ic_token: 5 }, { 'X-IC-Token': IC_TOKEN })))).toEqual([
      'ic_token',
    ])
    expect(Object.keys(fieldsOf(await create({ name: 'a', ic_token: IC_TOKEN })))).toEqual(['ic_token'])
  })

  test('ACL-12 ACL-13 kinds and permissions of agents', async () => {
    const runtime = { 'X-IC-Token': IC_TOKEN }
    expect(outcome(await verify(runtime))).toEqual([403, 'FORBIDDEN'])
    expect(outcome(await api.client.post('/traces', {}, runtime))).toEqual([403, 'FORBIDDEN'])
    expect(outcome(await api.client.post(`/agents/${OWN_AGENT}/beat`, {}, bearer('admin')))).toEqual([403, 'FORBIDDEN'])
    expect(outcome(await api.client.post(`/agents/${FOREIGN_AGENT}/beat`, {}, runtime))).toEqual([
      404,
      'AGENT_NOT_FOUND',
    ])
  })

  test('AUT-19 a credential in the URL authenticates nobody and reaches no log', async () => {
    const token = sessionToken('admin')
    expect(outcome(await verify({}))).toEqual([401, 'UNAUTHORIZED'])
    expect(outcome(await api.client.get(`/things?access_token=${token}`))).toEqual([401, 'UNAUTHORIZED'])
    expect(JSON.stringify(api.log)).not.toContain(token)
  })

  test('AUT-22 a database that fails while a credential is checked is 503; AUT-02 an expiry is told', async () => {
    const outage = await verify(bearer('outage'))
    expect(outcome(outage)).toEqual([503, 'SERVICE_UNAVAILABLE'])
    expect(outage.headers['retry-after']).toBe('1')
    const expired = await verify(bearer('expired'))
    expect(expired.body).toMatchObject({ code: 'TOKEN_EXPIRED', details: { expired_at: '1970-01-01T00:00:00.000Z' } })
  })

  test('AUT-10 with a pending password change only what is marked may be called', async () => {
    expect(outcome(await verify(bearer('pending')))).toEqual([403, 'PASSWORD_CHANGE_REQUIRED'])
    expect((await api.client.get('/while-pending', bearer('pending'))).status).toBe(200)
  })
})

describe('OPS-11 what goes wrong inside stays inside', () => {
  test.each([
    ['SQLITE_ERROR', 500, 'INTERNAL_ERROR'],
    ['number', 500, 'INTERNAL_ERROR'],
    ['header', 500, 'INTERNAL_ERROR'],
    ['text', 500, 'INTERNAL_ERROR'],
    ['prototype', 500, 'INTERNAL_ERROR'],
    ['INVALID_KEY', 500, 'INTERNAL_ERROR'],
    ['DATABASE_BUSY', 503, 'SERVICE_UNAVAILABLE'],
    ['CRYPTO_UNAVAILABLE', 503, 'CRYPTO_UNAVAILABLE'],
    ['QUERY_TIMEOUT', 504, 'QUERY_TIMEOUT'],
  ])('%s', async (how, status, code) => {
    const answer = await api.client.get(`/fails/${how}`, { 'X-Request-Id': `r-${how}` })
    expect(outcome(answer)).toEqual([status, code])
    expect(answer.body.details).toEqual({ request_id: `r-${how}` })
    expect(JSON.stringify(answer.body)).not.toMatch(/secret|SELECT|srv|stack/)
    expect(answer.headers['retry-after']).toBe(status === 503 ? '1' : undefined)
    expect(answer.headers['set-cookie']).toBeUndefined()
    expect(api.log.find((line) => line['msg'] === 'request failed' && line['request_id'] === `r-${how}`)).toBeDefined()
  })
})

describe('OPS-12 AUT-14 who asks', () => {
  test('a request id is taken in a safe shape only, and made otherwise', async () => {
    for (const id of ['a', 'A-1_b.c', 'x'.repeat(100)]) {
      expect((await api.client.get('/open', { 'X-Request-Id': id })).headers['x-request-id']).toBe(id)
    }
    for (const id of ['', 'a b', 'x'.repeat(101), 'a,b', 'ä']) {
      const made = (await api.client.get('/open', { 'X-Request-Id': id })).headers['x-request-id']
      expect(made).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    }
  })

  test.each([
    [0, '9.9.9.9', '127.0.0.1'],
    [1, '9.9.9.9', '9.9.9.9'],
    [1, '6.6.6.6, 9.9.9.9', '9.9.9.9'],
    [2, '6.6.6.6, 9.9.9.9', '6.6.6.6'],
    [2, '9.9.9.9', '9.9.9.9'],
    [1, '::ffff:9.9.9.9', '9.9.9.9'],
    [1, '2001:db8::1', '2001:db8::1'],
    [1, 'unknown', '127.0.0.1'],
    [1, '', '127.0.0.1'],
    [1, '::ffff:192.0.2.1', '192.0.2.1'],
    [1, '::FFFF:c000:201', '192.0.2.1'],
    [1, '2001:DB8:0:0::1', '2001:db8::1'],
    [1, 'fe80::1%eth0', 'fe80::1'],
  ])('with %i trusted proxies, X-Forwarded-For %j is %s', async (trustedProxies, forwarded, ip) => {
    await using proxied = await listen(fakeRoutes, { trustedProxies })
    expect((await proxied.client.get('/open', { 'X-Forwarded-For': forwarded })).body).toEqual({ ip })
  })
})

test('ACL-20 a denial is logged with who asked, from where and for which route, and with no credential', async () => {
  await using own = await listen(fakeRoutes)
  const headers = bearer('viewer')
  expect((await own.client.post('/things', { name: 'a' }, headers)).status).toBe(403)
  await own.client.get('/things')
  const lines = own.log.filter(({ msg }) => msg === 'request')
  expect(lines).toMatchObject([
    { status: 403, route: 'POST /things', principal: expect.stringMatching(/^user_/), ip: '127.0.0.1' },
    { status: 401, route: 'GET /things', ip: '127.0.0.1' },
  ])
  expect(lines[1]).not.toHaveProperty('principal')
  expect(JSON.stringify(lines)).not.toContain(headers['Authorization'])
})

describe('http-api 1.10 1.11 headers', () => {
  test('HSTS in production only; a foreign preflight shows nothing', async () => {
    await using strict = await listen(fakeRoutes, {
      strictTransportSecurity: true,
      allowedOrigins: ['https://a.example'],
    })
    expect((await strict.client.get('/open')).headers['strict-transport-security']).toMatch(/^max-age=\d+/)
    expect((await api.client.get('/open')).headers['strict-transport-security']).toBeUndefined()
    const refused = await strict.client.get('/nowhere', { Origin: 'https://a.example' })
    expect(refused.headers['access-control-allow-origin']).toBe('https://a.example')
    expect(refused.headers['access-control-allow-credentials']).toBeUndefined()
    const foreign = await strict.client.get('/open', { Origin: 'https://A.example' })
    expect(Object.keys(foreign.headers).filter((name) => name.startsWith('access-control'))).toEqual([])
  })

  test('HEAD tells the length of what GET would send', async () => {
    const got = await api.client.request('GET', '/api/open')
    const head = await api.client.request('HEAD', '/api/open')
    expect([head.status, head.body, head.headers['content-length']]).toEqual([200, '', got.headers['content-length']])
    expect(outcome(await api.client.request('HEAD', '/api/nowhere'))).toEqual([404, undefined])
  })

  test('AUT-20 ACL-19 encodings, dots, doubled slashes and an override header reach nothing', async () => {
    for (const path of [
      '/api/v1//things',
      '//api/v1/things',
      '/api/v1/%74hings',
      '/api/v1/things%2f',
      '/api/v1/x/../things',
      '/Api/v1/things',
      '/api/v1/things/%',
      '/api/v1/things;x=1',
      '/api/v1/things//',
      '*',
    ]) {
      expect(outcome(await api.client.request('GET', path, undefined, bearer('user')))).toEqual([404, 'NOT_FOUND'])
    }
    const override = { ...bearer('admin'), 'X-HTTP-Method-Override': 'POST' }
    expect((await api.client.get('/things', override)).body.scope).toBe('any')
  })
})
