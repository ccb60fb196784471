import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { LIMIT_WINDOWS, windowEnds, windowStarts } from '../src/limits/windows.ts'

const instants = fc.integer({ min: 0, max: Date.UTC(2200, 0, 1) })

describe('windows', () => {
  test('LIM-11 every instant lies in its window, and the next begins where it ends', () => {
    fc.assert(
      fc.property(instants, (nowMs) => {
        const [starts, ends] = [windowStarts(nowMs), windowEnds(nowMs)]
        for (const window of LIMIT_WINDOWS) {
          expect(starts[window]).toBeLessThanOrEqual(nowMs)
          expect(ends[window]).toBeGreaterThan(nowMs)
          expect(windowStarts(ends[window] - 1)[window]).toBe(starts[window])
          expect(windowStarts(ends[window])[window]).toBe(ends[window])
        }
      }),
    )
  })

  test.each([
    ['2026-02-28T23:59:59.999Z', '2026-02-01', '2026-03-01'],
    ['2028-02-29T12:00:00.000Z', '2028-02-01', '2028-03-01'],
    ['2026-12-31T23:59:59.999Z', '2026-12-01', '2027-01-01'],
    ['2026-01-01T00:00:00.000Z', '2026-01-01', '2026-02-01'],
  ])('LIM-11 the month of %s', (now, start, end) => {
    expect(windowStarts(Date.parse(now)).cost_per_month).toBe(Date.parse(start))
    expect(windowEnds(Date.parse(now)).cost_per_month).toBe(Date.parse(end))
  })
})
