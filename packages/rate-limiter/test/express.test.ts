import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { manualClock } from '@iron/test-kit'
import { describe, expect, test } from '@jest/globals'
import express, { type NextFunction, type Request, type RequestHandler, type Response } from 'express'
import { rateLimit, type RateLimitOptions } from '../src/express.ts'
import { QuotaLimiter, RateLimiter } from '../src/index.ts'
import { FailingStore } from './guard/failing-store.ts'
import { refusal, times } from './setup.ts'

interface Answer {
  readonly status: number
  readonly body: unknown
  readonly limit: string | null
  readonly remaining: string | null
  readonly reset: string | null
  readonly retryAfter: string | null
}

interface Served extends AsyncDisposable {
  readonly get: (headers?: Record<string, string>) => Promise<Answer>
}

/** An app with these handlers before a route that answers `{ served: true }`. */
async function serve(...handlers: RequestHandler[]): Promise<Served> {
  const app = express()
  app.use(...handlers)
  app.get('/', (_request, response) => void response.json({ served: true }))
  app.use((error: Error & { code?: string }, _request: Request, response: Response, _next: NextFunction) => {
    response.status(500).json({ failed: error.code ?? error.message })
  })
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  return {
    get: async (headers = {}) => {
      const response = await fetch(url, { headers })
      return {
        status: response.status,
        body: await response.json(),
        limit: response.headers.get('ratelimit-limit'),
        remaining: response.headers.get('ratelimit-remaining'),
        reset: response.headers.get('ratelimit-reset'),
        retryAfter: response.headers.get('retry-after'),
      }
    },
    [Symbol.asyncDispose]: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

const everybody = (): string => 'everybody'

describe('answers', () => {
  test('the headers of the bucket, and a 429 with JSON and Retry-After', async () => {
    const clock = manualClock()
    const limiter = new RateLimiter({ capacity: 2, refill: 2, intervalMs: 60_000, clock })
    await using app = await serve(rateLimit({ limiter, key: everybody }))
    const served = { status: 200, body: { served: true }, limit: '2', retryAfter: null }
    expect(await app.get()).toEqual({ ...served, remaining: '1', reset: '30' })
    clock.advance(500)
    expect(await app.get()).toEqual({ ...served, remaining: '0', reset: '60' })
    expect(await app.get()).toEqual({
      status: 429,
      body: { error: 'Too many requests', code: 'RATE_LIMIT_EXCEEDED', details: { retry_after: 30 } },
      limit: '2',
      remaining: '0',
      reset: '60',
      retryAfter: '30',
    })
  })

  test('LIM-04 waiting the announced Retry-After leads to success; it is at least 1 and present on every 429', async () => {
    for (const [capacity, refill, intervalMs] of [
      [1, 1, 7],
      [1, 7, 1_000],
      [3, 7, 60_001],
      [4, 9, 10_000],
      [5, 1, 999],
    ] as const) {
      const clock = manualClock()
      const limiter = new RateLimiter({ capacity, refill, intervalMs, clock })
      await using app = await serve(rateLimit({ limiter, key: everybody }))
      let refusals = 0
      for (let call = 0; call < 3 * capacity + 3; call += 1) {
        const { status, retryAfter } = await app.get()
        clock.advance(1)
        if (status === 200) continue
        refusals += 1
        expect(retryAfter).toMatch(/^[1-9]\d*$/)
        clock.advance(Number(retryAfter) * 1_000)
        expect(await app.get()).toMatchObject({ status: 200 })
      }
      expect(refusals).toBeGreaterThan(0)
    }
  })

  test('LIM-04 a limit of 0 and a cost that never fits announce a year', async () => {
    for (const [capacity, cost] of [
      [0, 1],
      [5, 6],
    ] as const) {
      const limiter = new RateLimiter({ capacity, refill: 1, intervalMs: 1_000 })
      await using app = await serve(rateLimit({ limiter, key: everybody, cost }))
      const { status, retryAfter, body } = await app.get()
      expect({ status, retryAfter, body }).toMatchObject({
        status: 429,
        retryAfter: '31536000',
        body: { details: { retry_after: 31_536_000 } },
      })
    }
  })

  test('onLimited answers instead, with the headers set', async () => {
    const limiter = new RateLimiter(0)
    const onLimited: RateLimitOptions['onLimited'] = (decision, request, response) => {
      response.status(503).json({ path: request.path, limit: decision.limit })
    }
    await using app = await serve(rateLimit({ limiter, key: everybody, onLimited }))
    expect(await app.get()).toMatchObject({
      status: 503,
      body: { path: '/', limit: 0 },
      limit: '0',
      retryAfter: '31536000',
    })
  })
})

describe('whom and how much', () => {
  test('key separates, and undefined is not limited', async () => {
    const limiter = new RateLimiter({ capacity: 1, refill: 1, intervalMs: 3_600_000 })
    await using app = await serve(rateLimit({ limiter, key: (request) => request.get('x-user') }))
    const statusOf = async (user: string): Promise<number> => (await app.get({ 'x-user': user })).status
    expect([await statusOf('a'), await statusOf('a'), await statusOf('b')]).toEqual([200, 429, 200])
    for (const answer of [await app.get(), await app.get()]) {
      expect(answer).toMatchObject({ status: 200, limit: null, remaining: null, reset: null })
    }
  })

  test('cost may depend on the request', async () => {
    const limiter = new RateLimiter({ capacity: 10, refill: 1, intervalMs: 3_600_000 })
    const cost = (request: Request): number => Number(request.get('x-cost'))
    await using app = await serve(rateLimit({ limiter, key: everybody, cost }))
    expect(await app.get({ 'x-cost': '7' })).toMatchObject({ status: 200, remaining: '3' })
    expect(await app.get({ 'x-cost': '4' })).toMatchObject({ status: 429, remaining: '3' })
    expect(await app.get({ 'x-cost': 'x' })).toMatchObject({ status: 500, body: { failed: 'INVALID_COST' } })
  })

  test('an invalid key and a key function that throws go to the error handler', async () => {
    const limiter = new RateLimiter(1)
    const key = (request: Request): string => {
      if (request.get('x-user') === undefined) throw new Error('no user')
      return ''
    }
    await using app = await serve(rateLimit({ limiter, key }))
    expect(await app.get({ 'x-user': 'a' })).toMatchObject({ status: 500, body: { failed: 'INVALID_KEY' } })
    expect(await app.get()).toMatchObject({ status: 500, body: { failed: 'no user' } })
  })
})

test('several limiters on one request: the headers of the one closest to empty, whatever their order', async () => {
  const clock = manualClock(Date.UTC(2026, 0, 15))
  const wide = new RateLimiter({ capacity: 100, refill: 100, intervalMs: 60_000, clock })
  const narrow = new QuotaLimiter({ limit: 3, window: 'hour', clock })
  const handlers = [rateLimit({ limiter: wide, key: everybody }), rateLimit({ limiter: narrow, key: everybody })]
  for (const ordered of [handlers, handlers.toReversed()]) {
    await using app = await serve(...ordered)
    for (const limiter of [wide, narrow]) await limiter.reset('everybody')
    expect(await app.get()).toMatchObject({ limit: '3', remaining: '2', reset: '3600' })
    for (const _ of times(2, () => 0)) await app.get()
    expect(await app.get()).toMatchObject({ status: 429, limit: '3', remaining: '0', retryAfter: '3600' })
  }
})

describe('LIM-08 a store that fails', () => {
  test.each([
    ['local', 200, '1'],
    ['allow', 200, '2'],
    ['deny', 429, '0'],
  ] as const)("with '%s' answers %d", async (onStoreError, status, remaining) => {
    const store = new FailingStore()
    store.failure = 'reject'
    const limiter = new RateLimiter({ capacity: 2, refill: 2, intervalMs: 3_600_000, store, onStoreError })
    await using app = await serve(rateLimit({ limiter, key: everybody }))
    expect(await app.get()).toMatchObject({ status, remaining, retryAfter: status === 429 ? '1' : null })
  })
})

test.each<readonly [string, object, string, string[]]>([
  ['no limiter', { limiter: undefined }, 'INVALID_LIMIT', ['limiter']],
  ['a limiter that is none', { limiter: { consume: everybody } }, 'INVALID_LIMIT', ['limiter']],
  ['no key', { key: undefined }, 'INVALID_LIMIT', ['key']],
  ['an answer that is none', { onLimited: 'no' }, 'INVALID_LIMIT', ['onLimited']],
  ['all of it', { limiter: 1, key: 'user', onLimited: {} }, 'INVALID_LIMIT', ['limiter', 'key', 'onLimited']],
  ['a cost of 0', { cost: 0 }, 'INVALID_COST', ['cost']],
  ['a cost that is no number', { cost: '1' }, 'INVALID_COST', ['cost']],
])('options are checked at once: %s', async (_, change, code, fields) => {
  const options = { limiter: new RateLimiter(1), key: everybody, ...change } as RateLimitOptions
  const error = await refusal(() => rateLimit(options))
  expect(error.code).toBe(code)
  expect(Object.keys(error.details['fields'] as object)).toEqual(fields)
})
