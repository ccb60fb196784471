import { manualClock } from '@iron/test-kit'
import { describe, expect, test } from '@jest/globals'
import { type ConsumePart, consumeAll, MemoryRateLimitStore, QuotaLimiter, RateLimiter } from '../src/index.ts'
import { refusal } from './setup.ts'

const HOUR_MS = 3_600_000

function setUp(): {
  part: (capacity: number, options?: { cost?: number; key?: string; hours?: number }) => ConsumePart
} {
  const [store, clock] = [new MemoryRateLimitStore(), manualClock()]
  return {
    part: (capacity, { cost, key = 'user', hours = 1 } = {}) => {
      const limiter = new RateLimiter({
        name: `${capacity} in ${hours} h`,
        capacity,
        refill: 1,
        intervalMs: hours * HOUR_MS,
        store,
        clock,
      })
      return { limiter, key, cost }
    },
  }
}

describe('the decision', () => {
  test('allowed: that of the part with the fewest tokens left', async () => {
    const { part } = setUp()
    expect(await consumeAll([part(50), part(4), part(9)])).toEqual({
      allowed: true,
      limit: 4,
      remaining: 3,
      retryAfterMs: 0,
      resetAtMs: manualClock().now() + HOUR_MS,
      degraded: false,
    })
  })

  test('refused: that of the refusing part with the longest wait; refusedBy is the first', async () => {
    const { part } = setUp()
    const [open, short, long] = [part(5), part(1, { hours: 1 }), part(1, { hours: 24 })]
    await consumeAll([short, long])
    expect(await consumeAll([open, short, long])).toMatchObject({
      allowed: false,
      refusedBy: 1,
      limit: 1,
      remaining: 0,
      retryAfterMs: 24 * HOUR_MS,
    })
    expect(await open.limiter.peek('user')).toMatchObject({ remaining: 5 })
  })

  test('refused by one alone, which is not the one closest to empty', async () => {
    const { part } = setUp()
    const decision = await consumeAll([part(1), part(5, { cost: 6 })])
    expect(decision).toMatchObject({ allowed: false, refusedBy: 1, limit: 5, remaining: 5, retryAfterMs: Infinity })
  })

  test('parts that take from one record take the sum of their costs, or wait for it, or for ever', async () => {
    const { part } = setUp()
    const twice = (capacity: number, cost: number) => [part(capacity, { cost }), part(capacity, { cost })]
    expect(await consumeAll(twice(5, 2))).toMatchObject({ allowed: true, remaining: 1 })
    expect(await consumeAll(twice(5, 2))).toMatchObject({
      allowed: false,
      refusedBy: 0,
      remaining: 1,
      retryAfterMs: 3 * HOUR_MS,
    })
    expect(await consumeAll(twice(5, 3))).toMatchObject({ allowed: false, retryAfterMs: Infinity })
    expect(await consumeAll([part(5), part(5, { key: 'other' })])).toMatchObject({ allowed: true, remaining: 0 })
  })

  test('buckets and quotas together', async () => {
    const [store, clock] = [new MemoryRateLimitStore(), manualClock(Date.UTC(2026, 0, 31, 23))]
    const perSecond = new RateLimiter(10, { store, clock })
    const perMonth = new QuotaLimiter({ limit: 11, window: 'month', store, clock })
    const parts = [
      { limiter: perSecond, key: 'user' },
      { limiter: perMonth, key: ['user', 1] },
    ]
    for (let call = 0; call < 11; call += 1) {
      expect((await consumeAll(parts)).allowed).toBe(true)
      clock.advance(100)
    }
    expect(await consumeAll(parts)).toMatchObject({ allowed: false, refusedBy: 1, resetAtMs: Date.UTC(2026, 1, 1) })
    clock.set(Date.UTC(2026, 1, 1))
    expect(await consumeAll(parts)).toMatchObject({ allowed: true, remaining: 9 })
  })
})

test('LIM-03 no limit admits everything and is no error', async () => {
  expect(await consumeAll([])).toEqual({
    allowed: true,
    limit: Infinity,
    remaining: Infinity,
    retryAfterMs: 0,
    resetAtMs: 0,
    degraded: false,
  })
})

describe('refused without taking anything', () => {
  test('MIXED_STORES: limiters that do not share one store', async () => {
    const { part } = setUp()
    const [mine, foreign] = [part(5), { limiter: new RateLimiter(5), key: 'user' }]
    const error = await refusal(() => consumeAll([mine, part(6), foreign]))
    expect(error).toMatchObject({ code: 'MIXED_STORES', details: { index: 2 }, retryable: false })
    expect(await mine.limiter.peek('user')).toMatchObject({ remaining: 5 })
  })

  test.each([
    ['INVALID_KEY', { key: '' }],
    ['INVALID_COST', { cost: 0 }],
  ] as const)('%s in a later part', async (code, change) => {
    const { part } = setUp()
    const first = part(5)
    expect(await refusal(() => consumeAll([first, { ...part(6), ...change }]))).toMatchObject({ code })
    expect(await first.limiter.peek('user')).toMatchObject({ remaining: 5 })
  })

  test('what is no limiter is a TypeError', async () => {
    await expect(
      consumeAll([{ limiter: { check: () => true } as unknown as RateLimiter, key: 'user' }]),
    ).rejects.toThrow(TypeError)
  })
})
