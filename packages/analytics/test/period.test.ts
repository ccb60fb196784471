import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { AnalyticsError, type Period, PERIOD_NAMES, resolvePeriod } from '../src/index.ts'
import { DAY, HOUR } from './world.ts'

const at = (text: string): number => Date.parse(text)

describe('named periods', () => {
  const now = at('2026-03-01T10:20:30.400Z')
  const today = at('2026-03-01T00:00:00Z')

  test.each<[Period, number, number]>([
    ['today', today, now],
    ['yesterday', today - DAY, today],
    ['last-7-days', at('2026-02-22T00:00:00Z'), now],
    ['last-30-days', at('2026-01-30T00:00:00Z'), now],
    ['this-month', at('2026-03-01T00:00:00Z'), now],
    ['last-month', at('2026-02-01T00:00:00Z'), at('2026-03-01T00:00:00Z')],
    ['all-time', now, now],
  ])('PRI-30 %s', (period, from, to) => {
    expect(resolvePeriod(period, now)).toEqual({ from, to })
  })

  test('all time begins with the first call, and never after now', () => {
    expect(resolvePeriod('all-time', now, 17)).toEqual({ from: 17, to: now })
    expect(resolvePeriod('all-time', now, now + HOUR)).toEqual({ from: now, to: now })
  })

  test('in January the last month is December', () => {
    const range = { from: at('2025-12-01T00:00:00Z'), to: at('2026-01-01T00:00:00Z') }
    expect(resolvePeriod('last-month', at('2026-01-31T23:59:59.999Z'))).toEqual(range)
  })

  test('at midnight today is empty, not refused', () => {
    expect(resolvePeriod('today', today)).toEqual({ from: today, to: today })
  })

  test('PRI-30 periods adjoin without gap or overlap, whatever the time', () => {
    fc.assert(
      fc.property(fc.integer({ min: 60 * DAY, max: at('2100-01-01T00:00:00Z') }), (instant) => {
        const { from, to } = resolvePeriod('today', instant)
        expect(resolvePeriod('yesterday', instant).to).toBe(from)
        expect(resolvePeriod('last-month', instant).to).toBe(resolvePeriod('this-month', instant).from)
        expect([from % DAY, to]).toEqual([0, instant])
        expect(to - resolvePeriod('last-7-days', instant).from).toBe(instant - from + 7 * DAY)
        expect(new Date(resolvePeriod('last-month', instant).from).getUTCDate()).toBe(1)
      }),
    )
  })
})

describe('bounds of one’s own', () => {
  test('are rounded down to whole UTC hours', () => {
    const period = { from: at('2026-01-01T10:59:59.999Z'), to: at('2026-01-01T12:00:00.001Z') }
    expect(resolvePeriod(period, 0)).toEqual({ from: at('2026-01-01T10:00:00Z'), to: at('2026-01-01T12:00:00Z') })
  })

  test('may span 3660 days and no more', () => {
    expect(resolvePeriod({ from: 0, to: 3_660 * DAY + HOUR - 1 }, 0)).toEqual({ from: 0, to: 3_660 * DAY })
    expect(() => resolvePeriod({ from: 0, to: 3_660 * DAY + HOUR }, 0)).toThrow(AnalyticsError)
  })

  test.each<[unknown, string]>([
    ['', 'period'],
    ['Today', 'period'],
    ['toString', 'period'],
    ['last-8-days', 'period'],
    [null, 'period'],
    [undefined, 'period'],
    [7, 'period'],
    [{}, 'period.from'],
    [{ from: 1.5, to: 2 * HOUR }, 'period.from'],
    [{ from: -HOUR, to: HOUR }, 'period.from'],
    [{ from: 0, to: Infinity }, 'period.to'],
    [{ from: 0, to: '7200000' }, 'period.to'],
    [{ from: HOUR, to: HOUR }, 'period.to'],
    [{ from: 2 * HOUR, to: HOUR }, 'period.to'],
    [{ from: HOUR, to: 2 * HOUR - 1 }, 'period.to'],
  ])('VAL-11 %p is refused', (period, path) => {
    const error = thrownBy(() => resolvePeriod(period as Period, 0))
    expect(error).toMatchObject({ code: 'VALIDATION_ERROR', details: { fields: { [path]: expect.any(String) } } })
  })
})

test('the names are exactly those of the interface', () => {
  expect(PERIOD_NAMES).toEqual([
    'today',
    'yesterday',
    'last-7-days',
    'last-30-days',
    'this-month',
    'last-month',
    'all-time',
  ])
})

function thrownBy(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}
