import { manualClock } from '@iron/test-kit'
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { MemoryRateLimitStore, RateLimiter } from '../../src/index.ts'
import { ExactBucket } from './exact-bucket.ts'

/** Rules of every shape: intervals that divide and that do not, refills slower and much faster than one a ms. */
const rule = fc
  .record({
    capacity: fc.oneof(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 1, max: 1_000_000 })),
    refill: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 10_000_019 })),
    intervalMs: fc.oneof(fc.integer({ min: 1, max: 100 }), fc.constantFrom(1_000, 60_000, 86_400_000, 2_678_400_000)),
  })
  // As long as a century to refill is refused.
  .filter(({ capacity, refill, intervalMs }) => (capacity * intervalMs) / refill < 1e12)

type Rule = ConstructorParameters<typeof ExactBucket>[0]

/** A step: how far the clock moves, as a part of a whole refill, and what is asked then, as a part of the capacity. */
const step = fc.record({
  moved: fc.oneof(
    fc.constant(0),
    fc.double({ min: 0, max: 0.2, noNaN: true }),
    fc.double({ min: -3, max: 3, noNaN: true }),
  ),
  asked: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1.1, noNaN: true })),
})

/** Where the clock stands first: on both sides of 1970, too, where a rounding that goes by the sign would show. */
const startsAt = fc.constantFrom(undefined, 1, 0, -1, -1_000_000)

const fullMs = ({ capacity, refill, intervalMs }: Rule): number => Math.ceil((capacity * intervalMs) / refill)
const costOf = ({ capacity }: Rule, asked: number): number => Math.max(1, Math.floor(capacity * asked))

test('every answer is that of an exact bucket, whatever the rule and the clock', () => {
  fc.assert(
    fc.property(rule, startsAt, fc.array(step, { minLength: 1, maxLength: 40 }), (chosen, starts, steps) => {
      const clock = manualClock(starts)
      const limiter = new RateLimiter({ ...chosen, clock })
      const exact = new ExactBucket(chosen)
      for (const { moved, asked } of steps) {
        clock.advance(Math.round(moved * fullMs(chosen)))
        const cost = costOf(chosen, asked)
        expect(limiter.consumeSync('user', cost)).toEqual({
          ...exact.consume(cost, clock.now()),
          limit: chosen.capacity,
          degraded: false,
        })
      }
    }),
    { numRuns: 3_000 },
  )
})

test('LIM-04 waiting what was announced leads to success, and a millisecond less does not', () => {
  fc.assert(
    fc.property(rule, fc.array(step, { minLength: 1, maxLength: 20 }), (chosen, steps) => {
      const clock = manualClock()
      const limiter = new RateLimiter({ ...chosen, clock })
      for (const { moved, asked } of steps) {
        clock.advance(Math.round(Math.abs(moved) * fullMs(chosen)))
        const cost = costOf(chosen, asked)
        const { allowed, retryAfterMs } = limiter.consumeSync('user', cost)
        if (allowed || retryAfterMs === Infinity) continue
        clock.advance(retryAfterMs - 1)
        expect(limiter.consumeSync('user', cost)).toMatchObject({ allowed: false, retryAfterMs: 1 })
        clock.advance(1)
        expect(limiter.consumeSync('user', cost)).toMatchObject({ allowed: true })
      }
    }),
    { numRuns: 2_000 },
  )
})

test('LIM-09 in any stretch no more is admitted than the capacity and what came back, however the clock moves', () => {
  fc.assert(
    fc.property(rule, fc.array(step, { minLength: 1, maxLength: 300 }), (chosen, steps) => {
      const clock = manualClock()
      const limiter = new RateLimiter({ ...chosen, clock })
      // For the stretch that begins before each step: what was admitted since, and how far the clock went forward.
      let admitted = 0n
      let forwardMs = 0n
      let worst = 0n
      const [capacity, refill, intervalMs] = [BigInt(chosen.capacity), BigInt(chosen.refill), BigInt(chosen.intervalMs)]
      for (const { moved, asked } of steps) {
        const ms = Math.round(moved * fullMs(chosen))
        clock.advance(ms)
        if (ms > 0) forwardMs += BigInt(ms)
        const cost = costOf(chosen, asked)
        const before = admitted * intervalMs - forwardMs * refill
        if (before < worst) worst = before
        if (limiter.consumeSync('user', cost).allowed) admitted += BigInt(cost)
        expect(admitted * intervalMs - forwardMs * refill - worst <= capacity * intervalMs).toBe(true)
      }
    }),
    { numRuns: 2_000 },
  )
})

test('LIM-09 a clock that steps back blocks for at most one full refill', () => {
  fc.assert(
    fc.property(rule, fc.integer({ min: 1, max: 10 ** 12 }), (chosen, backMs) => {
      fc.pre(chosen.capacity > 0)
      const clock = manualClock()
      const limiter = new RateLimiter({ ...chosen, clock })
      limiter.consumeSync('user', chosen.capacity)
      clock.advance(-backMs)
      const { retryAfterMs } = limiter.consumeSync('user', chosen.capacity)
      expect(retryAfterMs).toBeLessThanOrEqual(fullMs(chosen))
      clock.advance(fullMs(chosen))
      expect(limiter.consumeSync('user', chosen.capacity).allowed).toBe(true)
    }),
    { numRuns: 1_000 },
  )
})

test('check, consume and consumeSync answer alike', async () => {
  await fc.assert(
    fc.asyncProperty(rule, fc.array(step, { minLength: 1, maxLength: 20 }), async (chosen, steps) => {
      const clock = manualClock()
      const [one, two, three] = [1, 2, 3].map(
        () => new RateLimiter({ ...chosen, clock, store: new MemoryRateLimitStore() }),
      )
      for (const { moved, asked } of steps) {
        clock.advance(Math.round(moved * fullMs(chosen)))
        const cost = costOf(chosen, asked)
        const decision = one!.consumeSync('user', cost)
        expect(await two!.consume('user', cost)).toEqual(decision)
        expect(await three!.check('user', cost)).toBe(decision.allowed)
      }
    }),
    { numRuns: 300 },
  )
})
