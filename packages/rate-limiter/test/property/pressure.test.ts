import { manualClock } from '@iron/test-kit'
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { consumeAll, MemoryRateLimitStore, QuotaLimiter, RateLimiter } from '../../src/index.ts'
import { ExactBucket } from './exact-bucket.ts'

const RULES = [
  { name: 'a', capacity: 5, refill: 5, intervalMs: 1_000 },
  { name: 'b', capacity: 7, refill: 3, intervalMs: 700 },
] as const
const QUOTA = { name: 'c', limit: 4, window: { ms: 2_000 } } as const

/** Many more keys than there is room for, clocks that go forward, and calls on one limiter or on several at once. */
const call = fc.record({
  key: fc.integer({ min: 0, max: 30 }),
  cost: fc.integer({ min: 1, max: 3 }),
  movedMs: fc.oneof(
    { weight: 5, arbitrary: fc.integer({ min: 0, max: 40 }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 8_000 }) },
  ),
  limiters: fc.uniqueArray(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 3 }),
})

test('LIM-06 pressure never loosens a limit: no key gets what a store without bound would have refused', async () => {
  let shared = 0
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: 30, maxLength: 150 }), async (calls) => {
      const clock = manualClock()
      const maxKeys = 8
      const store = new MemoryRateLimitStore({ maxKeys })
      const limiters = [
        ...RULES.map((rule) => new RateLimiter({ ...rule, clock, store })),
        new QuotaLimiter({ ...QUOTA, clock, store }),
      ]
      const buckets = new Map<string, ExactBucket>()
      const windows = new Map<string, number>()
      for (const { key, cost, movedMs, limiters: chosen } of calls) {
        clock.advance(movedMs)
        const parts = chosen.map((index) => ({ limiter: limiters[index]!, key: `key-${key}`, cost }))
        const { allowed } =
          parts.length === 1 ? parts[0]!.limiter.consumeSync(parts[0]!.key, cost) : await consumeAll(parts)
        expect(store.size).toBeLessThanOrEqual(maxKeys)
        if (store.size === maxKeys) shared += 1
        if (!allowed) continue
        for (const index of chosen) {
          const rule = RULES[index]
          if (rule === undefined) {
            const name = `${key}@${Math.floor(clock.now() / QUOTA.window.ms)}`
            windows.set(name, (windows.get(name) ?? 0) + cost)
            expect(windows.get(name)).toBeLessThanOrEqual(QUOTA.limit)
          } else {
            const name = `${index}:${key}`
            const exact = buckets.get(name) ?? new ExactBucket(rule)
            buckets.set(name, exact)
            expect(exact.consume(cost, clock.now()).allowed).toBe(true)
          }
        }
      }
    }),
    { numRuns: 400 },
  )
  // The property says nothing unless there was pressure.
  expect(shared).toBeGreaterThan(5_000)
})
