import { manualClock } from '@iron/test-kit'
import { describe, expect, test } from '@jest/globals'
import { consumeAll, MemoryRateLimitStore, QuotaLimiter, RateLimiter, type StoreOperation } from '../../src/index.ts'
import { ExactBucket } from '../property/exact-bucket.ts'
import { refusal, times } from '../setup.ts'

const HOUR_MS = 3_600_000
const SLOW = { capacity: 3, refill: 3, intervalMs: 3 * HOUR_MS } as const

describe('LIM-06 the number of records is bounded', () => {
  test('by maxKeys, over all limiters of the store', () => {
    const store = new MemoryRateLimitStore({ maxKeys: 50 })
    const clock = manualClock()
    const limiters = [
      new RateLimiter({ ...SLOW, store, clock, name: 'a' }),
      new RateLimiter({ ...SLOW, store, clock, name: 'b' }),
      new QuotaLimiter({ limit: 3, window: 'day', store, clock }),
    ]
    for (let key = 0; key < 1_000; key += 1) for (const limiter of limiters) limiter.consumeSync(`key-${key}`)
    expect(store.size).toBe(50)
  })

  test('new keys share one record of the rule then, and a throttled key keeps its own', () => {
    const clock = manualClock()
    const limiter = new RateLimiter({ ...SLOW, clock, store: new MemoryRateLimitStore({ maxKeys: 2 }) })
    limiter.consumeSync('throttled', 3)
    limiter.consumeSync('half', 1)
    const admitted = times(1_000, (index) => limiter.consumeSync(`new-${index}`).allowed).filter(Boolean)
    expect(admitted).toHaveLength(3)
    expect(limiter.consumeSync('throttled')).toMatchObject({ allowed: false, retryAfterMs: HOUR_MS })
    expect(limiter.consumeSync('half', 2)).toMatchObject({ allowed: true, remaining: 0 })
    clock.advance(HOUR_MS)
    expect(limiter.consumeSync('new-7').allowed).toBe(true)
    expect(limiter.consumeSync('new-8').allowed).toBe(false)
  })

  test('a key that took from the shared record does not start full when there is room again', async () => {
    const limiter = new RateLimiter({ ...SLOW, clock: manualClock(), store: new MemoryRateLimitStore({ maxKeys: 1 }) })
    limiter.consumeSync('first')
    expect(limiter.consumeSync('second', 2)).toMatchObject({ allowed: true, remaining: 1 })
    await limiter.reset('first')
    expect(limiter.consumeSync('second', 2)).toMatchObject({ allowed: false, remaining: 1 })
    expect(limiter.consumeSync('second', 1)).toMatchObject({ allowed: true, remaining: 0 })
  })

  test('a refund to a key without a record gives nothing to the others', async () => {
    const limiter = new RateLimiter({ ...SLOW, clock: manualClock(), store: new MemoryRateLimitStore({ maxKeys: 1 }) })
    limiter.consumeSync('first')
    limiter.consumeSync('second', 3)
    await limiter.refund('third', 1)
    await limiter.refund('third', 3)
    expect(limiter.consumeSync('fourth').allowed).toBe(false)
  })

  test('what consumeAll could not take whole is put back, also in shared records', async () => {
    const clock = manualClock()
    const store = new MemoryRateLimitStore({ maxKeys: 2 })
    const limiter = new RateLimiter({ ...SLOW, clock, store })
    const other = new RateLimiter({ ...SLOW, clock, store, name: 'other' })
    other.consumeSync('user', 3)
    const parts = ['a', 'b', 'c'].map((key) => ({ limiter, key }))
    expect(await consumeAll([...parts, { limiter: other, key: 'user' }])).toMatchObject({
      allowed: false,
      refusedBy: 3,
    })
    expect(store.size).toBe(1)
    for (const { key } of parts) expect(await limiter.peek(key)).toMatchObject({ remaining: 3 })
    // a gets the last record; b and c share one.
    expect(await consumeAll(parts)).toMatchObject({ allowed: true, remaining: 1 })
    expect(await limiter.peek('a')).toMatchObject({ remaining: 2 })
    expect(await limiter.peek('d')).toMatchObject({ remaining: 1 })
  })

  test('a window that is over makes room at once', () => {
    const clock = manualClock()
    const store = new MemoryRateLimitStore({ maxKeys: 10 })
    const quota = new QuotaLimiter({ limit: 1, window: 'minute', clock, store })
    for (let minute = 0; minute < 5; minute += 1) {
      expect(times(10, (index) => quota.consumeSync(`${minute}-${index}`).allowed)).toEqual(times(10, () => true))
      expect(store.size).toBe(10)
      clock.advance(60_000)
    }
  })
})

describe('LIM-06 idle keys disappear', () => {
  test('full buckets and past windows, as others come', () => {
    const clock = manualClock()
    const store = new MemoryRateLimitStore()
    const limiter = new RateLimiter({ capacity: 10, refill: 10, intervalMs: 1_000, clock, store })
    const quota = new QuotaLimiter({ limit: 10, window: 'minute', clock, store })
    for (let key = 0; key < 20_000; key += 1) {
      limiter.consumeSync(`key-${key}`)
      quota.consumeSync(`key-${key}`)
    }
    expect(store.size).toBe(40_000)
    clock.advance(10 * 60_000)
    for (let call = 0; call < 50_000; call += 1) limiter.consumeSync('busy')
    expect(store.size).toBe(1)
  })

  test('ever new keys with short limits never pile up', () => {
    const clock = manualClock()
    const store = new MemoryRateLimitStore()
    const limiter = new RateLimiter({ capacity: 1, refill: 1, intervalMs: 1_000, clock, store })
    let most = 0
    for (let key = 0; key < 100_000; key += 1) {
      clock.advance(1)
      limiter.consumeSync(`key-${key}`)
      most = Math.max(most, store.size)
    }
    // One key a ms, limited for 1 s and kept for 5 s: some 6,000 are of use, and at most twice as many are kept.
    expect(most).toBeLessThan(12_000)
  })

  test('a key that is still limited stays, however many come and go', () => {
    const clock = manualClock()
    const store = new MemoryRateLimitStore()
    const limiter = new RateLimiter({ ...SLOW, clock, store })
    const quick = new RateLimiter({ capacity: 1, refill: 1, intervalMs: 1, clock, store })
    limiter.consumeSync('user', 3)
    for (let key = 0; key < 10_000; key += 1) {
      clock.advance(10)
      quick.consumeSync(`key-${key}`)
    }
    expect(limiter.consumeSync('user')).toMatchObject({ allowed: false, retryAfterMs: HOUR_MS - 100_000 })
  })

  test('records survive all moves of other records: removals, growth and the spreading over several maps', () => {
    const clock = manualClock()
    const store = new MemoryRateLimitStore()
    // A token is 999,999.57 ms: each record has parts of a ms, too.
    const rule = { capacity: 7, refill: 7, intervalMs: 6_999_997 }
    const kept = new RateLimiter({ ...rule, clock, store })
    const exact = times(30_000, () => new ExactBucket(rule))
    exact.forEach((bucket, index) => {
      const cost = 1 + (index % 7)
      expect(kept.consumeSync(`key-${index}`, cost)).toMatchObject(bucket.consume(cost, clock.now()))
    })
    // Those that took 1 or 2 are full again and go.
    clock.advance(2_500_000)
    for (let call = 0; call < 100_000; call += 1) kept.consumeSync('busy')
    expect(store.size).toBe(1 + exact.filter((_, index) => index % 7 > 1).length)
    exact.forEach((bucket, index) => {
      expect(kept.consumeSync(`key-${index}`)).toMatchObject(bucket.consume(1, clock.now()))
    })
  })
})

describe('LIM-09 a clock that steps back', () => {
  test('leaves no record that blocks new keys beyond one refill', () => {
    const clock = manualClock()
    const limiter = new RateLimiter({
      capacity: 1,
      refill: 1,
      intervalMs: 1_000,
      clock,
      store: new MemoryRateLimitStore({ maxKeys: 8 }),
    })
    for (let key = 0; key < 8; key += 1) limiter.consumeSync(`key-${key}`)
    clock.advance(-10 * 365 * 86_400_000)
    for (let call = 0; call < 200; call += 1) limiter.consumeSync(`late-${call}`)
    clock.advance(2_000)
    expect(times(8, (index) => limiter.consumeSync(`new-${index}`).allowed)).toEqual(times(8, () => true))
  })

  test('leaves no window that takes the room of new keys until its time comes', () => {
    const clock = manualClock()
    const store = new MemoryRateLimitStore({ maxKeys: 8 })
    const quota = new QuotaLimiter({ limit: 1, window: 'minute', clock, store })
    for (let key = 0; key < 8; key += 1) quota.consumeSync(`key-${key}`)
    clock.advance(-10 * 365 * 86_400_000)
    expect(times(8, (index) => quota.consumeSync(`new-${index}`).allowed)).toEqual(times(8, () => true))
  })
})

describe('apply and applySync', () => {
  const bucket = { kind: 'bucket', capacity: 2, refill: 2, intervalMs: 2_000 } as const
  const consume = (key: string, cost = 1): StoreOperation => ({ key, rule: bucket, mode: 'consume', cost })

  test('answer one result an operation, as if those before it had happened', () => {
    const store = new MemoryRateLimitStore()
    expect(store.applySync([consume('a'), consume('b', 2), { ...consume('a'), mode: 'peek' }], 1_000)).toEqual([
      { allowed: true, remaining: 1, retryAfterMs: 0, resetAtMs: 2_000 },
      { allowed: true, remaining: 0, retryAfterMs: 0, resetAtMs: 3_000 },
      { allowed: true, remaining: 1, retryAfterMs: 0, resetAtMs: 2_000 },
    ])
  })

  test('a list that is refused changed nothing, refunds included', async () => {
    const store = new MemoryRateLimitStore()
    store.applySync([consume('a', 2), consume('b', 1)], 1_000)
    const list = [{ ...consume('b'), mode: 'refund' } as const, consume('a'), consume('c')]
    expect(await store.apply(list, 1_000)).toEqual([
      { allowed: true, remaining: 1, retryAfterMs: 0, resetAtMs: 2_000 },
      { allowed: false, remaining: 0, retryAfterMs: 1_000, resetAtMs: 3_000 },
      { allowed: true, remaining: 2, retryAfterMs: 0, resetAtMs: 1_000 },
    ])
    expect(store.size).toBe(2)
  })

  test('delete forgets what was kept under that key, and nothing of limiters', async () => {
    const store = new MemoryRateLimitStore()
    const limiter = new RateLimiter({ ...SLOW, store, clock: manualClock(1_500) })
    const window = { kind: 'window', limit: 1, startsAt: 1_000, endsAt: 2_000 } as const
    limiter.consumeSync('a', 3)
    store.applySync([consume('a'), { ...consume('a'), rule: window }], 1_500)
    expect(store.size).toBe(3)
    await store.delete('a')
    expect(store.size).toBe(1)
    expect(limiter.consumeSync('a').allowed).toBe(false)
    expect(store.applySync([], 1_500)).toEqual([])
  })

  test('a window that is over by the time given with it leaves nothing behind', () => {
    const store = new MemoryRateLimitStore({ maxKeys: 2 })
    const past = { kind: 'window', limit: 1, startsAt: 1_000, endsAt: 2_000 } as const
    for (let key = 0; key < 100; key += 1) store.applySync([{ ...consume(`k-${key}`), rule: past }], 9_000)
    expect(store.size).toBeLessThanOrEqual(2)
    for (let call = 0; call < 100; call += 1) store.applySync([{ ...consume('x'), mode: 'peek' }], 9_000)
    expect(store.size).toBe(0)
  })
})

test.each([0, -1, 1.5, Number.NaN, Infinity, '10', null])('INVALID_LIMIT: maxKeys %p', async (maxKeys) => {
  const error = await refusal(() => new MemoryRateLimitStore({ maxKeys: maxKeys as number }))
  expect(error).toMatchObject({ code: 'INVALID_LIMIT', details: { fields: { maxKeys: expect.any(String) } } })
})
