import { manualClock } from '@iron/test-kit'
import { describe, expect, test } from '@jest/globals'
import { MemoryRateLimitStore, RateLimiter, type RateLimiterOptions } from '../src/index.ts'
import { foreignStore, refusal, times } from './setup.ts'

const TEN_A_MINUTE = { capacity: 10, refill: 10, intervalMs: 60_000 } as const

describe('LIM-01 ten a minute', () => {
  test('admits ten at once and then ten over the next minute, one every 6 s', () => {
    const clock = manualClock()
    const limiter = new RateLimiter({ ...TEN_A_MINUTE, clock })
    expect(times(10, () => limiter.consumeSync('user').allowed)).toEqual(times(10, () => true))
    const admittedAtMs: number[] = []
    for (let ms = 0; ms <= 60_000; ms += 100) {
      while (limiter.consumeSync('user').allowed) admittedAtMs.push(ms)
      clock.advance(100)
    }
    expect(admittedAtMs).toEqual(times(10, (index) => (index + 1) * 6_000))
  })

  test('says what is left, how long to wait, and when it is full', async () => {
    const clock = manualClock()
    const limiter = new RateLimiter({ ...TEN_A_MINUTE, clock })
    const base = { limit: 10, degraded: false }
    expect(await limiter.consume('user', 4)).toEqual({
      ...base,
      allowed: true,
      remaining: 6,
      retryAfterMs: 0,
      resetAtMs: clock.now() + 24_000,
    })
    expect(await limiter.consume('user', 7)).toEqual({
      ...base,
      allowed: false,
      remaining: 6,
      retryAfterMs: 6_000,
      resetAtMs: clock.now() + 24_000,
    })
    clock.advance(24_000)
    expect(await limiter.peek('user')).toEqual({
      ...base,
      allowed: true,
      remaining: 10,
      retryAfterMs: 0,
      resetAtMs: clock.now(),
    })
  })
})

test('a number alone is so many a second, at once and evenly', () => {
  const clock = manualClock()
  const limiter = new RateLimiter(100, { clock })
  expect(times(101, () => limiter.consumeSync('user').allowed).filter(Boolean)).toHaveLength(100)
  expect(limiter.consumeSync('user').retryAfterMs).toBe(10)
  clock.advance(10)
  expect(limiter.consumeSync('user')).toMatchObject({ allowed: true, remaining: 0 })
  expect(limiter.consumeSync('other').remaining).toBe(99)
})

test('capacity and refill may differ: a burst of 5, then 1 a second', () => {
  const clock = manualClock()
  const limiter = new RateLimiter({ capacity: 5, refill: 1, intervalMs: 1_000, clock })
  limiter.consumeSync('user', 5)
  clock.advance(999)
  expect(limiter.consumeSync('user')).toMatchObject({ allowed: false, retryAfterMs: 1 })
  clock.advance(1)
  expect(limiter.consumeSync('user').allowed).toBe(true)
  clock.advance(1_000_000)
  expect(limiter.consumeSync('user').remaining).toBe(4)
})

test('LIM-03 0 a second refuses everything', async () => {
  const limiter = new RateLimiter(0)
  expect(await limiter.consume('user')).toMatchObject({
    allowed: false,
    limit: 0,
    remaining: 0,
    retryAfterMs: Infinity,
  })
  expect(await limiter.check('user')).toBe(false)
})

test('check, consume and consumeSync count on one bucket', async () => {
  const limiter = new RateLimiter({ capacity: 3, refill: 1, intervalMs: 60_000, clock: manualClock() })
  expect(await limiter.check('user')).toBe(true)
  expect((await limiter.consume('user')).remaining).toBe(1)
  expect(limiter.consumeSync('user').remaining).toBe(0)
  expect(await limiter.check('user')).toBe(false)
})

test('each limiter made without a store has one of its own', async () => {
  const [one, other] = [new RateLimiter(1), new RateLimiter(1)]
  expect([await one.check('user'), await other.check('user')]).toEqual([true, true])
})

describe('consumeSync', () => {
  test('ASYNC_STORE on any store but the memory store', async () => {
    const limiter = new RateLimiter(1, foreignStore())
    expect(await refusal(() => limiter.consumeSync('user'))).toMatchObject({ code: 'ASYNC_STORE', retryable: false })
  })

  test('a memory store whose apply was replaced is asked through it', async () => {
    class Refusing extends MemoryRateLimitStore {
      override apply(): ReturnType<MemoryRateLimitStore['apply']> {
        const refused = { allowed: false, remaining: 0, retryAfterMs: 5, resetAtMs: 5 }
        return Promise.resolve([refused])
      }
    }
    expect(await new RateLimiter(1, { store: new Refusing() }).consume('user')).toMatchObject({ retryAfterMs: 5 })
  })
})

test('a clock that gives no time is an error, not a chance', async () => {
  const limiter = new RateLimiter(1, { clock: { now: () => Number.NaN } })
  await expect(limiter.consume('user')).rejects.toThrow(RangeError)
})

test('parts of a millisecond of a clock are cut off', () => {
  let now = 1_000.9
  const limiter = new RateLimiter({ capacity: 1, refill: 1, intervalMs: 10, clock: { now: () => now } })
  limiter.consumeSync('user')
  now = 1_009.99
  expect(limiter.consumeSync('user')).toMatchObject({ allowed: false, retryAfterMs: 1, resetAtMs: 1_010 })
  now = 1_010
  expect(limiter.consumeSync('user').allowed).toBe(true)
})

describe('INVALID_COST', () => {
  test.each([0, -1, 1.5, Number.NaN, Infinity, 2 ** 53, '1', null])('%p', async (cost) => {
    const limiter = new RateLimiter(10)
    for (const call of ['check', 'consume', 'consumeSync', 'refund'] as const) {
      const error = await refusal(() => limiter[call]('user', cost as number))
      expect(error).toMatchObject({ code: 'INVALID_COST', details: { fields: { cost: expect.any(String) } } })
    }
    expect((await limiter.peek('user')).remaining).toBe(10)
  })
})

describe('INVALID_LIMIT', () => {
  const wrong: [string, Partial<Record<keyof RateLimiterOptions, unknown>>, string[]][] = [
    ['a negative capacity', { capacity: -1 }, ['capacity']],
    ['half a token', { capacity: 0.5 }, ['capacity']],
    ['a capacity that is no number', { capacity: '10' }, ['capacity']],
    ['a bucket that never refills', { refill: 0 }, ['refill']],
    ['no interval', { intervalMs: 0 }, ['intervalMs']],
    ['an endless interval', { intervalMs: Infinity }, ['intervalMs']],
    ['a refill that takes more than 100 years', { capacity: 2 ** 40, intervalMs: 86_400_000 }, ['capacity']],
    ['numbers too large to be counted exactly', { capacity: 2 ** 52, refill: 2 ** 52 - 1 }, ['capacity']],
    ['an unknown policy', { onStoreError: 'open' }, ['onStoreError']],
    ['a deadline of 0', { storeTimeoutMs: 0 }, ['storeTimeoutMs']],
    ['an empty name', { name: '' }, ['name']],
    ['a store that is none', { store: {} }, ['store']],
    ['a clock without now', { clock: {} }, ['clock']],
    [
      'everything at once',
      { capacity: -1, intervalMs: 0, name: '', clock: {} },
      ['capacity', 'intervalMs', 'clock', 'name'],
    ],
  ]
  test.each(wrong)('%s', async (_, change, fields) => {
    const make = (): RateLimiter => new RateLimiter({ ...TEN_A_MINUTE, ...change } as RateLimiterOptions)
    const error = await refusal(make)
    expect(error).toMatchObject({ code: 'INVALID_LIMIT', retryable: false })
    expect(Object.keys(error.details['fields'] as object)).toEqual(fields)
  })

  test.each([-1, 1.5, Number.NaN, Infinity, '5', undefined, null])('perSecond %p', async (perSecond) => {
    expect(await refusal(() => new RateLimiter(perSecond as number))).toMatchObject({ code: 'INVALID_LIMIT' })
  })
})
