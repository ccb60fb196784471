import { manualClock } from '@iron/test-kit'
import { describe, expect, test } from '@jest/globals'
import { CLOCK_MAX_MS } from '../src/clock.ts'
import { QuotaLimiter, type QuotaWindow } from '../src/index.ts'
import { windowAt } from '../src/window.ts'
import { refusal, times } from './setup.ts'

const at = (iso: string): number => Date.parse(iso)

describe('windows are UTC and aligned', () => {
  test.each<readonly [QuotaWindow, string, string, string]>([
    ['minute', '2026-01-15T12:34:56.789Z', '2026-01-15T12:34:00Z', '2026-01-15T12:35:00Z'],
    ['hour', '2026-01-15T23:59:59.999Z', '2026-01-15T23:00:00Z', '2026-01-16T00:00:00Z'],
    ['day', '2026-01-15T00:00:00.000Z', '2026-01-15T00:00:00Z', '2026-01-16T00:00:00Z'],
    ['day', '2024-02-29T12:00:00.000Z', '2024-02-29T00:00:00Z', '2024-03-01T00:00:00Z'],
    ['month', '2026-01-31T23:59:59.999Z', '2026-01-01T00:00:00Z', '2026-02-01T00:00:00Z'],
    ['month', '2024-02-29T23:59:59.999Z', '2024-02-01T00:00:00Z', '2024-03-01T00:00:00Z'],
    ['month', '2026-02-28T23:59:59.999Z', '2026-02-01T00:00:00Z', '2026-03-01T00:00:00Z'],
    ['month', '2026-12-31T23:59:59.999Z', '2026-12-01T00:00:00Z', '2027-01-01T00:00:00Z'],
    ['month', '2100-02-28T12:00:00.000Z', '2100-02-01T00:00:00Z', '2100-03-01T00:00:00Z'],
    ['month', '0050-12-31T12:00:00.000Z', '0050-12-01T00:00:00Z', '0051-01-01T00:00:00Z'],
    [{ ms: 7_000 }, '1970-01-01T00:00:13.999Z', '1970-01-01T00:00:07Z', '1970-01-01T00:00:14Z'],
    [{ ms: 604_800_000 }, '1970-01-08T00:00:00.000Z', '1970-01-08T00:00:00Z', '1970-01-15T00:00:00Z'],
  ])('%p at %s', (window, now, startsAt, endsAt) => {
    expect(windowAt(window, at(now))).toEqual({ startsAt: at(startsAt), endsAt: at(endsAt) })
  })
})

test.each<QuotaWindow>(['minute', 'day', 'month', { ms: 100 * 366 * 86_400_000 }])(
  'a quota a %p tells its end wherever its clock may stand, and a clock further away is no time',
  (window) => {
    const standing = (now: number): number =>
      new QuotaLimiter({ limit: 3, window, clock: manualClock(now) }).consumeSync('user').resetAtMs
    for (const now of [CLOCK_MAX_MS, -CLOCK_MAX_MS]) {
      expect(standing(now)).toBeGreaterThan(now)
      expect(new Date(standing(now)).getTime()).toBe(standing(now))
    }
    for (const now of [2 ** 53, CLOCK_MAX_MS + 1, -CLOCK_MAX_MS - 1, Infinity]) {
      expect(() => standing(now)).toThrow(RangeError)
    }
  },
)

test('the announced reset is true: refused until it, and full from it on', () => {
  const clock = manualClock(at('2024-02-29T23:59:30Z'))
  const quota = new QuotaLimiter({ limit: 3, window: 'month', clock })
  expect(times(4, () => quota.consumeSync('user').allowed)).toEqual([true, true, true, false])
  const refused = quota.consumeSync('user')
  expect(refused).toEqual({
    allowed: false,
    limit: 3,
    remaining: 0,
    retryAfterMs: 30_000,
    resetAtMs: at('2024-03-01T00:00:00Z'),
    degraded: false,
  })
  clock.advance(refused.retryAfterMs - 1)
  expect(quota.consumeSync('user')).toMatchObject({ allowed: false, retryAfterMs: 1 })
  clock.advance(1)
  expect(quota.consumeSync('user')).toMatchObject({ allowed: true, remaining: 2 })
})

test('after any idle time a window is full by itself', () => {
  const clock = manualClock(at('2026-01-31T12:00:00Z'))
  const quota = new QuotaLimiter({ limit: 2, window: 'day', clock })
  for (const idleDays of [1, 1, 29, 366, 4_000]) {
    expect(quota.consumeSync('user', 2).allowed).toBe(true)
    expect(quota.consumeSync('user').allowed).toBe(false)
    clock.advance(idleDays * 86_400_000)
  }
})

test('up to twice the limit passes around a boundary, and no more', () => {
  const clock = manualClock(at('2026-01-15T12:00:59.990Z'))
  const quota = new QuotaLimiter({ limit: 5, window: 'minute', clock })
  const admitted = times(40, () => {
    clock.advance(1)
    return quota.consumeSync('user').allowed
  }).filter(Boolean)
  expect(admitted).toHaveLength(10)
})

test('LIM-09 a clock that trembles at a boundary grants nothing', () => {
  const clock = manualClock(at('2026-01-15T12:00:59.999Z'))
  const quota = new QuotaLimiter({ limit: 5, window: 'minute', clock })
  let admitted = 0
  for (let round = 0; round < 1_000; round += 1) {
    clock.advance([1, -1, 0][round % 3] ?? 0)
    if (quota.consumeSync('user').allowed) admitted += 1
  }
  expect(admitted).toBe(10)
})

test('LIM-09 a clock that steps back by years does not block beyond one window', () => {
  const clock = manualClock(at('2036-01-15T12:00:00Z'))
  const quota = new QuotaLimiter({ limit: 1, window: 'hour', clock })
  quota.consumeSync('user')
  clock.set(at('2026-01-15T12:30:00Z'))
  expect(quota.consumeSync('user').allowed).toBe(true)
  expect(quota.consumeSync('user')).toMatchObject({ allowed: false, retryAfterMs: 1_800_000 })
})

describe('INVALID_LIMIT', () => {
  test.each<readonly [string, object, string[]]>([
    ['a negative limit', { limit: -1 }, ['limit']],
    ['half a token', { limit: 0.5 }, ['limit']],
    ['an unknown window', { window: 'week' }, ['window']],
    ['no window', { window: undefined }, ['window']],
    ['null', { window: null }, ['window']],
    ['a window of 0 ms', { window: { ms: 0 } }, ['window.ms']],
    ['a window of part of a ms', { window: { ms: 0.5 } }, ['window.ms']],
    ['both, and an option', { limit: '3', window: 'year', storeTimeoutMs: -1 }, ['limit', 'window', 'storeTimeoutMs']],
  ])('%s', async (_, change, fields) => {
    const error = await refusal(() => new QuotaLimiter({ limit: 1, window: 'day', ...change }))
    expect(error).toMatchObject({ code: 'INVALID_LIMIT' })
    expect(Object.keys(error.details['fields'] as object)).toEqual(fields)
  })
})
