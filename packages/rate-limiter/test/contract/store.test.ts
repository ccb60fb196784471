import { setTimeout as sleep } from 'node:timers/promises'
import { manualClock } from '@iron/test-kit'
import { describe, expect, test } from '@jest/globals'
import {
  type Clock,
  consumeAll,
  type Limiter,
  QuotaLimiter,
  type RateDecision,
  RateLimiter,
  type RateLimitStore,
} from '../../src/index.ts'
import {
  allowedOf,
  foreignStore,
  ioredisStore,
  memoryStore,
  nodeRedisStore,
  redisUrl,
  type TestStore,
  times,
} from '../setup.ts'
import { type CaseRule, type CaseStep, STORE_CASES } from './cases.ts'

/** What the steps of a case may take on Redis, whose clock runs. */
const SLOW_MS = 20_000
/** The start of a month, and so of every window. */
const START_MS = Date.UTC(2026, 2, 1)
const HOUR_MS = 3_600_000

interface Subject {
  readonly name: string
  /** Whether time passes by itself. */
  readonly isReal: boolean
  readonly open: () => TestStore | Promise<TestStore>
}

const SUBJECTS: readonly Subject[] = [
  { name: 'memory', isReal: false, open: memoryStore },
  { name: 'memory behind the interface', isReal: false, open: foreignStore },
  { name: 'Redis by ioredis', isReal: true, open: ioredisStore },
  { name: 'Redis by node-redis', isReal: true, open: nodeRedisStore },
]

describe.each(SUBJECTS.filter(({ isReal }) => !isReal || redisUrl !== undefined))('$name', ({ isReal, open }) => {
  test.each(STORE_CASES)('$name', async ({ rule, steps }) => {
    await using opened = await open()
    const clock = manualClock(START_MS)
    const limiter = limiterOf(rule, opened.store, clock)
    for (const [index, step] of steps.entries()) {
      clock.advance(step.waitMs ?? 0)
      if (isReal && step.waitMs !== undefined) await sleep(step.waitMs)
      const answer = await answerOf(limiter, step)
      expect({ index, ...answer }).toMatchObject({ index, ...step.answer })
      const { retryAfterMs } = step
      if (retryAfterMs === undefined) continue
      const slackMs = isReal && 'capacity' in rule && Number.isFinite(retryAfterMs) ? SLOW_MS : 0
      expect(answer?.retryAfterMs).toBeLessThanOrEqual(retryAfterMs)
      expect(answer?.retryAfterMs).toBeGreaterThanOrEqual(retryAfterMs - slackMs)
    }
  })

  test('LIM-15 100 parallel calls at the edge admit exactly what is left', async () => {
    await using opened = await open()
    const limiter = new RateLimiter({ capacity: 120, refill: 1, intervalMs: HOUR_MS, store: opened.store })
    await limiter.consume('user', 83)
    expect(await allowedOf(times(100, () => limiter.consume('user')))).toBe(37)
  })

  test('LIM-15 consumeAll takes from all or from none, also in parallel', async () => {
    await using opened = await open()
    const { store } = opened
    const clock = manualClock(START_MS)
    const wide = new RateLimiter({ name: 'wide', capacity: 100, refill: 1, intervalMs: HOUR_MS, store, clock })
    const narrow = new QuotaLimiter({ name: 'narrow', limit: 7, window: 'month', store, clock })
    const parts = [
      { limiter: narrow, key: 'user' },
      { limiter: wide, key: 'address', cost: 3 },
    ]
    expect(await allowedOf(times(50, () => consumeAll(parts)))).toBe(7)
    expect(await narrow.peek('user')).toMatchObject({ remaining: 0 })
    expect(await wide.peek('address')).toMatchObject({ remaining: 100 - 7 * 3 })
  })

  test('two parts of consumeAll on one bucket are charged together', async () => {
    await using opened = await open()
    const limiter = new RateLimiter({ capacity: 5, refill: 1, intervalMs: HOUR_MS, store: opened.store })
    const part = { limiter, key: 'user', cost: 2 }
    expect(await consumeAll([part, part])).toMatchObject({ allowed: true, remaining: 1 })
    expect(await limiter.consume('user')).toMatchObject({ remaining: 0 })
    await limiter.reset('user')
    await limiter.consume('user', 2)
    const refused = await consumeAll([part, part])
    expect(refused).toMatchObject({ allowed: false, refusedBy: 0, remaining: 3 })
    expect(Math.ceil(refused.retryAfterMs / HOUR_MS)).toBe(1)
    expect(await limiter.peek('user')).toMatchObject({ remaining: 3 })
  })

  test('LIM-05 keys do not collide, whatever they are made of', async () => {
    await using opened = await open()
    const limiter = new RateLimiter({ capacity: 1, refill: 1, intervalMs: HOUR_MS, store: opened.store })
    const quota = new QuotaLimiter({ limit: 1, window: 'month', store: opened.store })
    const keys = [
      ...[
        'a:b',
        'a',
        ':',
        '["a","b"]',
        '"a"',
        '[',
        '"',
        '\ud800',
        '\ud801',
        '\ufffd',
        '\0',
        ' ',
        '{a}',
        '1',
        '__proto__',
      ],
      ...[
        ['a', 'b'],
        ['a:b'],
        ['a', ':b'],
        ['a:', 'b'],
        ['a,b'],
        ['a', ''],
        ['', 'a'],
        ['a'],
        [1],
        ['1'],
        ['\ud800'],
        ['\ud801'],
      ],
    ]
    for (const key of keys) {
      expect([key, await limiter.check(key)]).toEqual([key, true])
      expect([key, await quota.check(key)]).toEqual([key, true])
    }
    for (const key of keys) expect([key, await limiter.check(key)]).toEqual([key, false])
  })

  test('names separate limiters that share a store; without a name the rule does', async () => {
    await using opened = await open()
    // When all windows begin at once.
    const clock = manualClock(START_MS)
    const rule = { capacity: 1, refill: 1, intervalMs: HOUR_MS, store: opened.store, clock }
    const quota = { limit: 1, store: opened.store, clock }
    const separate = [
      new RateLimiter({ ...rule, name: 'a' }),
      new RateLimiter({ ...rule, name: 'b' }),
      new RateLimiter({ ...rule, name: '1/1/3600000' }),
      new RateLimiter(rule),
      new RateLimiter({ ...rule, intervalMs: HOUR_MS + 1 }),
      new QuotaLimiter({ ...quota, window: 'hour', name: 'a' }),
      new QuotaLimiter({ ...quota, window: 'day', name: 'a' }),
      new QuotaLimiter({ ...quota, window: { ms: 86_400_000 }, name: 'a' }),
      new QuotaLimiter({ ...quota, window: 'day' }),
    ]
    for (const limiter of separate) expect(await limiter.check('user')).toBe(true)
    expect(await new RateLimiter(rule).check('user')).toBe(false)
    expect(await new RateLimiter({ ...rule, name: 'a' }).check('user')).toBe(false)
  })

  test('under a name, what was taken outlives a change of the rule', async () => {
    await using opened = await open()
    const named = { name: 'quota', window: 'month', store: opened.store, clock: manualClock(START_MS) } as const
    await new QuotaLimiter({ ...named, limit: 10 }).consume('user', 8)
    const lower = new QuotaLimiter({ ...named, limit: 5 })
    expect(await lower.peek('user')).toMatchObject({ allowed: false, limit: 5, remaining: 0 })
    await lower.refund('user')
    expect(await new QuotaLimiter({ ...named, limit: 20 }).peek('user')).toMatchObject({ remaining: 13 })
  })

  test('LIM-12 a window opens at its full limit and leaves the one before as it was', async () => {
    await using opened = await open()
    const clock = manualClock(Date.UTC(2026, 1, 28, 23, 59, 59, 999))
    const quota = new QuotaLimiter({ limit: 2, window: 'month', store: opened.store, clock })
    expect(await quota.consume('user', 2)).toMatchObject({ allowed: true, resetAtMs: Date.UTC(2026, 2, 1) })
    expect(await quota.consume('user')).toMatchObject({ allowed: false, retryAfterMs: 1 })
    clock.advance(1)
    expect(await quota.consume('user')).toMatchObject({ allowed: true, remaining: 1, resetAtMs: Date.UTC(2026, 3, 1) })
    // The clock is set back over the boundary: the old window is still used up (LIM-09).
    clock.advance(-1)
    expect(await quota.consume('user')).toMatchObject({ allowed: false })
    clock.advance(1)
    expect(await quota.peek('user')).toMatchObject({ remaining: 1 })
  })
})

function limiterOf(rule: CaseRule, store: RateLimitStore, clock: Clock): Limiter {
  return 'capacity' in rule ? new RateLimiter({ ...rule, store, clock }) : new QuotaLimiter({ ...rule, store, clock })
}

async function answerOf(limiter: Limiter, { call, cost, key = 'user' }: CaseStep): Promise<RateDecision | undefined> {
  switch (call) {
    case 'consume':
      return limiter.consume(key, cost)
    case 'peek':
      return limiter.peek(key)
    case 'refund':
      await limiter.refund(key, cost)
      return undefined
    case 'reset':
      await limiter.reset(key)
      return undefined
  }
}
