import { expect, test } from '@jest/globals'
import { manualClock } from '@iron/test-kit'
import {
  consumeAll,
  MemoryRateLimitStore,
  QuotaLimiter,
  RateLimitError,
  RateLimiter,
  type RateLimitStore,
  type StoreOperation,
  type StoreRule,
} from '../src/index.ts'

const KEY_MAX_CHARS = 2_048
const CLOCK_MAX_MS = 8.64e15 - 100 * 366 * 86_400_000
const DAY_MS = 86_400_000

function refused(make: () => unknown): RateLimitError {
  try {
    make()
  } catch (error) {
    if (error instanceof RateLimitError) return error
    throw error
  }
  throw new Error('nothing was refused')
}

const fieldsOf = (make: () => unknown): string[] => Object.keys(refused(make).details['fields'] as object).sort()

test('every option out of its range is named, and the last one within is taken', () => {
  const bad = { clock: {}, name: 'x'.repeat(101), onStoreError: 'maybe', storeTimeoutMs: 0, store: { apply: () => 0 } }
  const named = ['clock', 'name', 'onStoreError', 'store', 'storeTimeoutMs']
  expect(fieldsOf(() => new RateLimiter(1, bad as never))).toEqual(named)
  expect(fieldsOf(() => new RateLimiter(-1))).toEqual(['perSecond'])
  expect(fieldsOf(() => new QuotaLimiter({ limit: -1, window: { ms: 0 }, ...bad } as never))).toEqual([
    'clock',
    'limit',
    'name',
    'onStoreError',
    'store',
    'storeTimeoutMs',
    'window.ms',
  ])
  expect(fieldsOf(() => new RateLimiter({ capacity: 1, refill: 0, intervalMs: 0 }))).toEqual(['intervalMs', 'refill'])
  expect(fieldsOf(() => new RateLimiter({ capacity: -1, refill: 0.5, intervalMs: 1 }))).toEqual(['capacity', 'refill'])
  expect(fieldsOf(() => new RateLimiter({ capacity: 2, refill: 1, intervalMs: 100 * 366 * DAY_MS }))).toContain(
    'capacity',
  )
  expect(fieldsOf(() => new RateLimiter({ capacity: 2 ** 52, refill: 7, intervalMs: 1_000 }))).toEqual(['capacity'])
  expect(fieldsOf(() => new MemoryRateLimitStore({ maxKeys: 0 }))).toEqual(['maxKeys'])
  const store = new MemoryRateLimitStore({ maxKeys: 1 })
  const edge = { store, name: 'x'.repeat(100), storeTimeoutMs: 1, onStoreError: 'deny' } as const
  expect(new RateLimiter({ capacity: 1, refill: 1, intervalMs: 1, ...edge }).consumeSync('a').allowed).toBe(true)
  expect(new QuotaLimiter({ limit: 1, window: { ms: 1 } }).consumeSync('a').allowed).toBe(true)
  expect(new RateLimiter({ capacity: 0, refill: 0, intervalMs: 1 }).consumeSync('a').allowed).toBe(false)
  expect(new RateLimiter(0).consumeSync('a')).toMatchObject({ allowed: false, limit: 0, retryAfterMs: Infinity })
})

test('errors say what they are; only a store that did not answer is worth another try', async () => {
  const error = refused(() => new RateLimiter(1).consumeSync('a', 0))
  expect([error.name, error.code, error.retryable]).toEqual(['RateLimitError', 'INVALID_COST', false])
  expect(Object.isFrozen(error.details)).toBe(true)
  const gone = new Error('gone')
  const store: RateLimitStore = { apply: () => Promise.reject(gone), delete: () => Promise.reject(gone) }
  const limiter = new RateLimiter(1, { store })
  await expect(limiter.reset('a')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true, cause: gone })
  expect(refused(() => limiter.consumeSync('a'))).toMatchObject({ code: 'ASYNC_STORE', retryable: false })
})

test('a key may be as long as it says, and no longer, its marks included', () => {
  const limiter = new RateLimiter(1_000)
  const longest: (string | string[])[] = [
    'x'.repeat(KEY_MAX_CHARS),
    `"${'x'.repeat(KEY_MAX_CHARS - 4)}`,
    ['x'.repeat(KEY_MAX_CHARS - 4)],
  ]
  for (const key of longest) {
    expect(limiter.consumeSync(key).allowed).toBe(true)
    const longer = typeof key === 'string' ? `${key}x` : key.map((part) => `${part}x`)
    expect(refused(() => limiter.consumeSync(longer))).toMatchObject({ code: 'INVALID_KEY' })
  }
  expect(fieldsOf(() => limiter.consumeSync(['a', NaN]))).toEqual(['key[1]'])
  expect(fieldsOf(() => limiter.consumeSync([]))).toEqual(['key'])
})

test('times are rounded so that waiting them is enough, tokens so that all are there', () => {
  const clock = manualClock(1_000)
  const limiter = new RateLimiter({ capacity: 7, refill: 3, intervalMs: 1_000, clock })
  expect(limiter.consumeSync('a')).toMatchObject({ remaining: 6, resetAtMs: 1_334, retryAfterMs: 0 })
  expect(limiter.consumeSync('a', 6)).toMatchObject({ remaining: 0, resetAtMs: 3_334 })
  clock.advance(333)
  expect(limiter.consumeSync('a')).toMatchObject({ allowed: false, remaining: 0, retryAfterMs: 1, degraded: false })
  clock.advance(1)
  expect(limiter.consumeSync('a')).toMatchObject({ allowed: true, remaining: 0, resetAtMs: 3_667 })
})

test('part of a millisecond has not passed yet; what is no time is refused', async () => {
  let now = 1_000.9
  const limiter = new QuotaLimiter({ limit: 1, window: { ms: 1_000 }, clock: { now: () => now } })
  expect(limiter.consumeSync('a')).toMatchObject({ allowed: true, resetAtMs: 2_000 })
  now = 1_999.9
  expect(limiter.consumeSync('a')).toMatchObject({ allowed: false, retryAfterMs: 1 })
  now = 2_000
  expect(limiter.consumeSync('a').allowed).toBe(true)
  for (now of [CLOCK_MAX_MS, -CLOCK_MAX_MS]) expect(limiter.consumeSync(String(now)).allowed).toBe(true)
  for (now of [CLOCK_MAX_MS + 1, -CLOCK_MAX_MS - 1, NaN, Infinity]) {
    await expect(limiter.check('b')).rejects.toThrow(RangeError)
  }
})

test('what is refused together tells the longest wait, whichever part it is of; allowed, the fewest left', async () => {
  const clock = manualClock(0)
  const store = new MemoryRateLimitStore()
  const slow = new RateLimiter({ capacity: 1, refill: 1, intervalMs: 60_000, store, clock })
  const fast = new RateLimiter({ capacity: 2, refill: 1, intervalMs: 1_000, store, clock })
  const parts = [
    { limiter: slow, key: 'a' },
    { limiter: fast, key: 'a', cost: 2 },
  ] as const
  expect(await consumeAll(parts.toReversed())).toMatchObject({ allowed: true, remaining: 0 })
  expect(
    await consumeAll([
      { limiter: fast, key: 'b' },
      { limiter: fast, key: 'c', cost: 2 },
    ]),
  ).toMatchObject({
    remaining: 0,
  })
  expect(await consumeAll(parts)).toMatchObject({ allowed: false, refusedBy: 0, retryAfterMs: 60_000, limit: 1 })
  expect(await consumeAll(parts.toReversed())).toMatchObject({ refusedBy: 0, retryAfterMs: 60_000, limit: 1 })
  clock.advance(1_000)
  const last = [{ limiter: fast, key: 'd' }, ...parts]
  expect(await consumeAll(last)).toMatchObject({ allowed: false, refusedBy: 1, retryAfterMs: 59_000 })
  expect(await fast.peek('d')).toMatchObject({ remaining: 2 })
})

test('a list of operations that is refused leaves every record as it was, one named twice too', async () => {
  const store = new MemoryRateLimitStore()
  const rule: StoreRule = { kind: 'bucket', capacity: 10, refill: 1, intervalMs: 1_000 }
  const of = (key: string, cost: number, mode: StoreOperation['mode'] = 'consume'): StoreOperation => ({
    key,
    rule,
    mode,
    cost,
  })
  await store.apply([of('a', 4)], 0)
  const before = (await store.apply([of('a', 1, 'peek'), of('b', 1, 'peek')], 0)).map(({ remaining }) => remaining)
  expect(before).toEqual([6, 10])
  const answers = await store.apply([of('a', 1), of('b', 3), of('a', 2), of('a', 2, 'refund'), of('b', 8)], 0)
  expect(answers.map(({ allowed, remaining }) => [allowed, remaining])).toEqual([
    [true, 6],
    [true, 10],
    [true, 6],
    [true, 6],
    [false, 10],
  ])
  expect(store.size).toBe(1)
  expect((await store.apply([of('a', 6), of('b', 10)], 0)).map(({ remaining }) => remaining)).toEqual([0, 0])
  expect((await store.apply([of('a', 1, 'peek')], 0))[0]).toMatchObject({ allowed: false, retryAfterMs: 1_000 })
  await store.apply([of('a', 10, 'refund'), of('b', 3, 'refund'), of('c', 3, 'refund')], 0)
  expect(store.size).toBe(1)
  expect((await store.apply([of('b', 1, 'peek')], 0))[0]).toMatchObject({ remaining: 3 })
  const window = (startsAt: number): StoreRule => ({ kind: 'window', limit: 1, startsAt, endsAt: startsAt + 100 })
  const inWindow = (startsAt: number): StoreOperation => ({
    key: 'w',
    rule: window(startsAt),
    mode: 'consume',
    cost: 1,
  })
  expect((await store.apply([inWindow(0)], 0))[0]?.allowed).toBe(true)
  expect((await store.apply([inWindow(100)], 99))[0]?.allowed).toBe(true)
  expect((await store.apply([inWindow(0)], 99))[0]).toMatchObject({ allowed: false, retryAfterMs: 1 })
})

test('tens of thousands of keys are kept apart while they come and go', async () => {
  const clock = manualClock(0)
  const store = new MemoryRateLimitStore()
  // Thirds of a millisecond, so that parts of one are kept as well.
  const limiter = new RateLimiter({ capacity: 9, refill: 3, intervalMs: 1_000_000, store, clock })
  const COUNT = 20_000
  const key = (index: number): string =>
    index % 3 === 0 ? String(index) : index % 3 === 1 ? `k${index}` : `${index}-key`
  const used = (index: number): number => 1 + (index % 9)
  for (let index = 0; index < COUNT; index += 1) limiter.consumeSync(key(index), used(index))
  expect(store.size).toBe(COUNT)
  // Every third goes, from both ends: the last record takes the place of each.
  const isGone = (index: number): boolean => index % 3 === 1 || index > COUNT - 50
  for (let index = 0; index < COUNT; index += 1) if (isGone(index)) await limiter.reset(key(index))
  expect(store.size).toBe(Array.from({ length: COUNT }, (_, index) => index).filter((index) => !isGone(index)).length)
  clock.advance(1)
  const wrong: number[] = []
  for (let index = 0; index < COUNT; index += 1) {
    const left = isGone(index) ? 9 : 9 - used(index)
    const answer = limiter.consumeSync(key(index), left + 1)
    if (answer.allowed || answer.remaining !== left) wrong.push(index)
  }
  expect(wrong).toEqual([])
  expect(limiter.consumeSync(key(8), 1)).toMatchObject({ allowed: false, retryAfterMs: 333_333 })
  for (let index = 0; index < COUNT; index += 1) await limiter.refund(key(index), 9)
  expect(store.size).toBe(0)
  for (let index = 0; index < 2_000; index += 1) limiter.consumeSync(key(index), 9)
  expect(store.size).toBe(2_000)
  expect(limiter.consumeSync(key(1_999)).allowed).toBe(false)
})

test('a full store lets unknown keys share one record, and knows the others', () => {
  const clock = manualClock(0)
  const store = new MemoryRateLimitStore({ maxKeys: 2 })
  const limiter = new RateLimiter({ capacity: 3, refill: 1, intervalMs: 60_000, store, clock })
  for (const key of ['a', 'b']) expect(limiter.consumeSync(key, 1).remaining).toBe(2)
  expect(limiter.consumeSync('c', 2).remaining).toBe(1)
  expect(limiter.consumeSync('d').remaining).toBe(0)
  expect(limiter.consumeSync('e')).toMatchObject({ allowed: false, retryAfterMs: 60_000 })
  expect(limiter.consumeSync('a', 2).remaining).toBe(0)
  expect(store.size).toBe(2)
  clock.advance(180_000)
  expect(limiter.consumeSync('e', 3).allowed).toBe(true)
})

test('limits taken together wait for a store as long as the one of them that waits least', async () => {
  const never = new Promise<never>(() => undefined)
  const store: RateLimitStore = { apply: () => never, delete: () => never }
  const patient = new RateLimiter(5, { store, name: 'patient', storeTimeoutMs: 60_000, onStoreError: 'deny' })
  const hasty = new RateLimiter(5, { store, name: 'hasty', storeTimeoutMs: 1, onStoreError: 'deny' })
  const parts = [
    { limiter: patient, key: 'a' },
    { limiter: hasty, key: 'a' },
  ]
  expect(await consumeAll(parts)).toMatchObject({ allowed: false, degraded: true })
  expect([patient.degraded, hasty.degraded]).toEqual([true, true])
}, 10_000)
