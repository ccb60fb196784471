import http from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createIdSource } from '@iron/database'
import { Listener } from '../../src/http/listener.ts'
import { defineRoute } from '../../src/http/route.ts'
import { fakeRoutes } from '../support/fake-routes.ts'
import { bearer } from '../support/fake-services.ts'
import { listen, type TestListener } from '../support/listen.ts'
import { answersIn, rawExchange } from '../support/raw-http.ts'

let api: TestListener
beforeAll(async () => {
  api = await listen(fakeRoutes)
})
afterAll(async () => api[Symbol.asyncDispose]())

/** The one answer of an exchange, in the one error shape. */
async function refusal(bytes: string | readonly string[], options: { readonly halfClose?: boolean } = {}) {
  const { text } = await rawExchange(api.port, bytes, options)
  const answers = answersIn(text)
  expect(answers).toHaveLength(1)
  const [answer] = answers
  expect(answer?.headers).toMatch(/^content-type: application\/json; charset=utf-8$/im)
  expect(answer?.headers).toMatch(/^x-request-id: [\w.-]+$/im)
  expect(answer?.headers).toMatch(/^cache-control: no-store$/im)
  const body = JSON.parse(answer?.body ?? '') as { code: string; error: string }
  expect(typeof body.error).toBe('string')
  return [answer?.status, body.code]
}

const POST = 'POST /api/v1/things HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'
const CLOSE = 'Connection: close\r\n'

test('RFC 9112 3.2.2 a request may name its target with scheme and host', async () => {
  const ask = async (target: string): Promise<number | undefined> => {
    const { text } = await rawExchange(api.port, `GET ${target} HTTP/1.1\r\nHost: x\r\n${CLOSE}\r\n`)
    return answersIn(text)[0]?.status
  }
  expect(await ask('http://iron.test/api/v1/open')).toBe(200)
  expect(await ask('HTTPS://iron.test:8443/api/v1/open/')).toBe(200)
  expect(await ask('http://iron.test/api/v1/open?x=1')).toBe(400)
  // What needs a credential does so under any name, and what is no route is none.
  expect(await ask('http://iron.test/api/v1/things')).toBe(401)
  for (const target of ['http://iron.test', 'http://iron.test?x=1', 'http://iron.test//api/v1/open']) {
    expect(await ask(target)).toBe(404)
  }
  for (const target of ['ftp://iron.test/api/v1/open', 'http:///api/v1/open', 'iron.test/api/v1/open']) {
    expect([400, 404]).toContain(await ask(target))
  }
})

describe('VAL-01 what is not a good HTTP request', () => {
  test.each([
    ['no HTTP', 'hello\r\n\r\n', 400, 'MALFORMED_JSON'],
    ['bytes of TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400, 'MALFORMED_JSON'],
    ['an invalid method', 'FOO /health HTTP/1.1\r\nHost: x\r\n\r\n', 400, 'MALFORMED_JSON'],
    ['no Host', `GET /open HTTP/1.1\r\n${CLOSE}\r\n`, 400, 'MALFORMED_JSON'],
    ['an invalid header', 'GET /open HTTP/1.1\r\nHost: x\r\nbad header\r\n\r\n', 400, 'MALFORMED_JSON'],
    ['two lengths', `${POST}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`, 400, 'MALFORMED_JSON'],
    ['length and chunks', `${POST}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}`, 400, 'MALFORMED_JSON'],
    ['a chunk that is none', `${POST}Transfer-Encoding: chunked\r\n\r\nZZ\r\n`, 400, 'MALFORMED_JSON'],
    ['huge headers', `GET /open HTTP/1.1\r\nHost: x\r\nX-A: ${'a'.repeat(17_000)}\r\n\r\n`, 431, 'HEADERS_TOO_LARGE'],
    ['a huge path', `GET /${'a'.repeat(17_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431, 'HEADERS_TOO_LARGE'],
    ['invalid UTF-8', `${POST}${CLOSE}Content-Length: 9\r\n\r\n{"a":"\xff"}`, 400, 'MALFORMED_JSON'],
    ['overlong UTF-8', `${POST}${CLOSE}Content-Length: 10\r\n\r\n{"a":"\xc0\x80"}`, 400, 'MALFORMED_JSON'],
  ])('%s', async (_, bytes, status, code) => {
    expect(await refusal(bytes)).toEqual([status, code])
  })

  test('a body that breaks off', async () => {
    expect(await refusal(`${POST}Content-Length: 100\r\n\r\n{"name":`, { halfClose: true })).toEqual([
      400,
      'MALFORMED_JSON',
    ])
  })

  test('what follows a good request does not cost it its answer', async () => {
    const { text } = await rawExchange(api.port, 'GET /open HTTP/1.1\r\nHost: x\r\n\r\n\x16\x03\x01 no HTTP\r\n\r\n')
    expect(answersIn(text).map(({ status }) => status)).toEqual([200, 400])
  })

  test('a tunnel is refused in words, with the headers of every answer', async () => {
    const { text } = await rawExchange(api.port, 'CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n')
    const [answer] = answersIn(text)
    expect([answer?.status, JSON.parse(answer?.body ?? '')]).toMatchObject([405, { code: 'METHOD_NOT_ALLOWED' }])
    for (const header of ['allow', 'cache-control', 'vary', 'x-frame-options', 'referrer-policy', 'x-request-id']) {
      expect(answer?.headers.toLowerCase()).toContain(`\r\n${header}: `)
    }
  })

  test('a tunnel behind a request that waits for its answer does not cost it', async () => {
    const { text } = await rawExchange(
      api.port,
      'GET /open HTTP/1.1\r\nHost: x\r\n\r\nCONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n',
    )
    expect(answersIn(text).map(({ status }) => status)).toEqual([200, 405])
  })

  test('HTTP/1.0 needs no Host; an Expect that nobody knows is ignored', async () => {
    const old = await rawExchange(api.port, 'GET /open HTTP/1.0\r\n\r\n')
    expect(answersIn(old.text)[0]?.status).toBe(200)
    const expecting = await rawExchange(api.port, `GET /open HTTP/1.1\r\nHost: x\r\nExpect: a-miracle\r\n${CLOSE}\r\n`)
    expect(answersIn(expecting.text)[0]?.status).toBe(200)
  })

  test('pipelined requests are answered in order, each with its own id', async () => {
    const one = (id: number): string =>
      `GET /open HTTP/1.1\r\nHost: x\r\nX-Request-Id: n${id}\r\n${id === 3 ? CLOSE : ''}\r\n`
    const { text } = await rawExchange(api.port, one(1) + one(2) + one(3))
    expect(answersIn(text).map(({ headers }) => /^x-request-id: (\S+)$/im.exec(headers)?.[1])).toEqual([
      'n1',
      'n2',
      'n3',
    ])
  })
})

describe('OPS-13 limits', () => {
  test('10 MB: the client reads 413 and goes on with the same connection', async () => {
    const before = await api.client.get('/open')
    const answer = await api.client.post('/things', { name: 'x'.repeat(10 * 1_024 * 1_024) }, bearer('admin'))
    expect([answer.status, answer.body]).toEqual([
      413,
      { error: 'The body is too large', code: 'PAYLOAD_TOO_LARGE', details: { max_bytes: 65_536 } },
    ])
    const after = await api.client.get('/open')
    expect([before.status, after.status]).toEqual([200, 200])
  })

  test('the limit in bytes is exact, declared or chunked', async () => {
    const body = (bytes: number): string => `{"name":"a"${' '.repeat(bytes - 12)}}`
    const chunked = (bytes: number): string =>
      `${POST}${CLOSE}Authorization: ${bearer('admin')['Authorization'] ?? ''}\r\nTransfer-Encoding: chunked\r\n\r\n${bytes.toString(16)}\r\n${body(bytes)}\r\n0\r\n\r\n`
    const send = async (bytes: number): Promise<number> =>
      (await api.client.request('POST', '/api/v1/things', body(bytes), bearer('admin'))).status
    expect([await send(65_536), await send(65_537)]).toEqual([201, 413])
    const statuses = []
    for (const bytes of [65_536, 65_537])
      statuses.push(answersIn((await rawExchange(api.port, chunked(bytes))).text)[0]?.status)
    expect(statuses).toEqual([201, 413])
  })

  test('a refused body that does not end is cut off', async () => {
    const { text } = await rawExchange(api.port, [
      `${POST}Content-Length: 99999999\r\n\r\n`,
      'x'.repeat(18 * 1_024 * 1_024),
    ])
    expect(text.slice(0, 12)).toBe('HTTP/1.1 413')
  })

  test('slow headers and slow bodies are cut off with an answer', async () => {
    await using slow = await listen(fakeRoutes, { headersTimeoutMs: 200, requestTimeoutMs: 400 })
    const began = performance.now()
    for (const bytes of ['GET /open HTTP/1.1\r\nHost:', `${POST}Content-Length: 10\r\n\r\n{`]) {
      const { text } = await rawExchange(slow.port, bytes)
      expect(JSON.parse(answersIn(text)[0]?.body ?? '')).toMatchObject({ code: 'MALFORMED_JSON' })
    }
    expect(performance.now() - began).toBeLessThan(10_000)
  })
})

/** A route that answers when it is told to; `entered` once so many requests are in it. */
function waiting(requests: number) {
  const entered = Promise.withResolvers<undefined>()
  const released = Promise.withResolvers<undefined>()
  let count = 0
  const waits = defineRoute({
    method: 'GET',
    path: '/waits',
    auth: 'public',
    rateLimit: 'read',
    audit: [],
    summary: 'Waits for the test',
    answers: {},
    handler: async () => {
      count += 1
      if (count === requests) entered.resolve(undefined)
      await released.promise
      return { body: { done: true } }
    },
  })
  return { waits, entered: entered.promise, release: () => released.resolve(undefined) }
}

describe('OPS-05 shutdown', () => {
  test('what is in flight is answered, idle connections end at once, nothing new is accepted', async () => {
    const { waits, entered, release } = waiting(1)
    await using draining = await listen([...fakeRoutes, waits])
    const agent = new http.Agent({ keepAlive: true })
    const idle = await new Promise<number | undefined>((resolve, reject) => {
      http
        .get({ port: draining.port, path: '/open', agent }, (answer) => {
          answer.resume().on('end', () => resolve(answer.statusCode))
        })
        .on('error', reject)
    })
    const inFlight = draining.client.get('/waits')
    await entered
    const closed = draining.listener.close(20_000)
    release()
    expect(idle).toBe(200)
    expect((await inFlight).body).toEqual({ done: true })
    const began = performance.now()
    await closed
    expect(performance.now() - began).toBeLessThan(5_000)
    await expect(rawExchange(draining.port, 'GET /open HTTP/1.1\r\n\r\n')).rejects.toThrow('ECONNREFUSED')
    agent.destroy()
  })

  test('every answer says that its connection ends with it, and of several only the last', async () => {
    const { waits, entered, release } = waiting(3)
    await using draining = await listen([waits])
    const ask = 'GET /api/v1/waits HTTP/1.1\r\nHost: x\r\n\r\n'
    const single = rawExchange(draining.port, ask)
    const pipelined = rawExchange(draining.port, ask + ask)
    await entered
    const closed = draining.listener.close(20_000)
    release()
    const connections = async (exchange: typeof single): Promise<unknown[]> =>
      answersIn((await exchange).text).map(({ headers }) => /^connection: (.*)$/im.exec(headers)?.[1])
    expect(await connections(single)).toEqual(['close'])
    expect(await connections(pipelined)).toEqual(['keep-alive', 'close'])
    await closed
  })

  test('what does not finish within the drain time is ended', async () => {
    const entered = Promise.withResolvers<undefined>()
    const hangs = defineRoute({
      method: 'GET',
      path: '/hangs',
      auth: 'public',
      rateLimit: 'read',
      audit: [],
      summary: 'Never answers',
      answers: {},
      handler: () => {
        entered.resolve(undefined)
        return new Promise<never>(() => undefined)
      },
    })
    await using draining = await listen([hangs])
    const broken = expect(draining.client.get('/hangs')).rejects.toThrow('socket hang up')
    await entered.promise
    await draining.listener.close(50)
    await broken
  })
})

test('what keeps it from listening is said by the variable that mends it', async () => {
  const other = (port: number, host: string) =>
    new Listener(() => undefined, createIdSource({ now: () => Date.now() })).listen(port, host)
  await expect(other(api.port, '127.0.0.1')).rejects.toThrow(
    `cannot listen: PORT ${api.port} of 127.0.0.1 is taken by another process`,
  )
  await expect(other(0, '192.0.2.1')).rejects.toThrow('cannot listen: HOST 192.0.2.1 is no address of this machine')
  await expect(other(0, '300.1.1.1')).rejects.toThrow(
    /^cannot listen: HOST 300\.1\.1\.1 is neither an address nor a name/,
  )
})
