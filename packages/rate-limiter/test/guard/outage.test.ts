import { setTimeout as sleep } from 'node:timers/promises'
import { type ManualClock, manualClock } from '@iron/test-kit'
import { describe, expect, test } from '@jest/globals'
import { consumeAll, type LimiterOptions, QuotaLimiter, RateLimiter, type RateLimiterOptions } from '../../src/index.ts'
import { allowedOf, refusal, times } from '../setup.ts'
import { type Failure, FailingStore } from './failing-store.ts'

const HOUR_MS = 3_600_000
/** Short, so that tests of a store that hangs are. */
const TIMEOUT_MS = 20
/** How long a failed store is left alone, as the README says. */
const LEFT_ALONE_MS = 1_000
const SLOW = { capacity: 10, refill: 10, intervalMs: 10 * HOUR_MS } as const
const FAILURES: readonly Failure[] = ['reject', 'hang', 'throw', 'shorten']

interface Broken {
  readonly store: FailingStore
  readonly clock: ManualClock
  readonly options: LimiterOptions
}

function setUp(options: LimiterOptions = {}): Broken {
  const [store, clock] = [new FailingStore(), manualClock()]
  return { store, clock, options: { store, clock, storeTimeoutMs: TIMEOUT_MS, ...options } }
}

const bucketOf = (options: LimiterOptions, rule: Partial<RateLimiterOptions> = {}): RateLimiter =>
  new RateLimiter({ ...SLOW, ...options, ...rule })

describe.each(FAILURES)('LIM-08 a store that fails: %s', (failure) => {
  test("'local', the default, limits in this process", async () => {
    const { store, options } = setUp()
    const limiter = bucketOf(options)
    expect(await limiter.consume('user')).toMatchObject({ allowed: true, remaining: 9, degraded: false })
    store.failure = failure
    expect(await allowedOf(times(25, () => limiter.consume('user')))).toBe(10)
    expect(await limiter.consume('user')).toMatchObject({ allowed: false, degraded: true, retryAfterMs: HOUR_MS })
    expect(await limiter.peek('other')).toMatchObject({ allowed: true, remaining: 10, degraded: true })
    await limiter.refund('user', 4)
    expect(await limiter.peek('user')).toMatchObject({ remaining: 4, degraded: true })
  })

  test("'deny' refuses until the store may be back, and takes nothing", async () => {
    const { store, options } = setUp({ onStoreError: 'deny' })
    const limiter = bucketOf(options)
    store.failure = failure
    const base = { limit: 10, degraded: true }
    expect(await limiter.consume('user')).toMatchObject({ ...base, allowed: false, remaining: 0, retryAfterMs: 1_000 })
    expect(await limiter.peek('user')).toMatchObject({ ...base, allowed: false })
    expect(await limiter.check('user')).toBe(false)
    await limiter.refund('user')
  })

  test("'allow' admits, except what never fits", async () => {
    const { store, options } = setUp({ onStoreError: 'allow' })
    const limiter = bucketOf(options)
    store.failure = failure
    expect(await allowedOf(times(50, () => limiter.consume('user')))).toBe(50)
    expect(await limiter.consume('user')).toMatchObject({ allowed: true, retryAfterMs: 0, degraded: true })
    expect(await limiter.consume('user', 11)).toMatchObject({ allowed: false, retryAfterMs: Infinity, degraded: true })
    expect(await new RateLimiter(0, options).check('user')).toBe(false)
  })

  test('is noticed, left alone, tried by one call at a time, and used again without restart', async () => {
    const { store, clock, options } = setUp()
    const limiter = bucketOf(options)
    expect(limiter.degraded).toBe(false)
    store.failure = failure
    expect(await limiter.consume('user')).toMatchObject({ degraded: true })
    expect(limiter.degraded).toBe(true)
    clock.advance(LEFT_ALONE_MS - 1)
    store.asked = 0
    expect(await Promise.all(times(50, () => limiter.consume('user')))).toHaveLength(50)
    expect(store.asked).toBe(0)
    clock.advance(1)
    await Promise.all(times(50, () => limiter.consume('user')))
    expect(store.asked).toBe(1)
    store.failure = undefined
    clock.advance(LEFT_ALONE_MS - 1)
    expect(await limiter.consume('user')).toMatchObject({ degraded: true })
    clock.advance(1)
    expect(await limiter.consume('user')).toMatchObject({ degraded: false, remaining: 9 })
    expect(limiter.degraded).toBe(false)
  })

  test('all limiters of the store know of it', async () => {
    const { store, options } = setUp()
    const [one, other] = [bucketOf(options, { name: 'one' }), bucketOf(options, { name: 'other' })]
    store.failure = failure
    await one.consume('user')
    store.asked = 0
    expect(other.degraded).toBe(true)
    expect(await other.consume('user')).toMatchObject({ degraded: true, remaining: 9 })
    expect(store.asked).toBe(0)
  })

  test('consumeAll stays one step', async () => {
    const { store, options } = setUp()
    const wide = bucketOf(options, { name: 'wide' })
    const narrow = new QuotaLimiter({ ...options, name: 'narrow', limit: 2, window: 'day' })
    store.failure = failure
    const parts = [
      { limiter: wide, key: 'user' },
      { limiter: narrow, key: 'user' },
    ]
    expect(await allowedOf(times(5, () => consumeAll(parts)))).toBe(2)
    expect(await consumeAll(parts)).toMatchObject({ allowed: false, refusedBy: 1, degraded: true })
    expect(await wide.peek('user')).toMatchObject({ remaining: 8 })
  })

  test("in consumeAll each limiter's own policy holds, and a refusal by one takes nothing from the others", async () => {
    const { store, options } = setUp()
    const local = bucketOf(options, { name: 'local' })
    const allow = bucketOf(options, { name: 'allow', onStoreError: 'allow' })
    const deny = bucketOf(options, { name: 'deny', onStoreError: 'deny' })
    store.failure = failure
    const part = (limiter: RateLimiter, cost = 1): Parameters<typeof consumeAll>[0][number] => ({
      limiter,
      key: 'user',
      cost,
    })
    expect(await consumeAll([part(allow), part(local, 3)])).toMatchObject({
      allowed: true,
      remaining: 7,
      degraded: true,
    })
    expect(await consumeAll([part(local), part(deny)])).toMatchObject({ allowed: false, refusedBy: 1 })
    expect(await consumeAll([part(local), part(allow, 11)])).toMatchObject({ allowed: false, refusedBy: 1 })
    expect(await consumeAll([part(allow), part(local, 8)])).toMatchObject({ allowed: false, refusedBy: 1 })
    expect(await local.peek('user')).toMatchObject({ remaining: 7 })
  })

  test('STORE_UNAVAILABLE: reset says that it could not be done, but forgets here', async () => {
    const { store, clock, options } = setUp()
    const limiter = bucketOf(options)
    store.failure = failure === 'shorten' ? 'reject' : failure
    await limiter.consume('user', 10)
    clock.advance(LEFT_ALONE_MS)
    const error = await refusal(() => limiter.reset('user'))
    expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true, cause: expect.any(Error) })
    expect(await limiter.peek('user')).toMatchObject({ remaining: 10, degraded: true })
    store.failure = undefined
    clock.advance(LEFT_ALONE_MS)
    await limiter.reset('user')
  })
})

test.each(['answer', 'reject'] as const)('LIM-08 a late %s disturbs nobody', async (how) => {
  const { store, options } = setUp()
  const limiter = bucketOf(options)
  store.failure = 'hang'
  await Promise.all(times(10, () => limiter.consume('user')))
  store.failure = undefined
  store.release(how)
  // Time for a rejection that nobody handles to be noticed: Jest fails a test for it.
  await sleep(10)
  expect(await limiter.consume('user')).toMatchObject({ degraded: true })
})

test('LIM-08 a call from before the store came back does not take it away again', async () => {
  const { store, clock, options } = setUp()
  const [patient, limiter] = [bucketOf(options, { storeTimeoutMs: 60_000 }), bucketOf(options)]
  store.failure = 'hang'
  const early = patient.consume('user')
  await limiter.consume('user')
  clock.advance(LEFT_ALONE_MS)
  store.failure = undefined
  expect(await limiter.consume('user')).toMatchObject({ degraded: false })
  store.release('reject')
  expect(await early).toMatchObject({ degraded: true })
  expect(await limiter.consume('user')).toMatchObject({ degraded: false })
})

test('LIM-09 a clock that steps back does not prolong an outage', async () => {
  const { store, clock, options } = setUp()
  const limiter = bucketOf(options)
  store.failure = 'reject'
  await limiter.consume('user')
  store.failure = undefined
  clock.advance(-HOUR_MS)
  expect(await limiter.consume('user')).toMatchObject({ degraded: false })
})

test('a memory store is never degraded', async () => {
  const limiter = bucketOf({})
  await limiter.consume('user')
  expect(limiter.degraded).toBe(false)
})
