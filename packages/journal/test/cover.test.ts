import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { coverOf } from '../src/requests/cover.ts'
import { endOf, type Grain, GRAINS } from '../src/requests/grains.ts'
import { HOUR_MS } from '../src/requests/hours.ts'

const MARCH = Date.UTC(2026, 2, 1)
const hour = (offset: number): number => MARCH + offset * HOUR_MS
const unbounded = { changed: [], summedEnd: Infinity }

describe('coverOf', () => {
  test('takes months where whole ones fit, days at their edges and hours at the edges of those', () => {
    const [from, to] = [MARCH - 25 * HOUR_MS, Date.UTC(2026, 3, 2, 3)]
    expect(coverOf({ from, to, ...unbounded }, GRAINS)).toEqual([
      { grain: 'month', from: MARCH, to: Date.UTC(2026, 3, 1), except: [] },
      { grain: 'day', from: hour(-24), to: MARCH, except: [] },
      { grain: 'hour', from: hour(-25), to: hour(-24), except: [] },
      { grain: 'day', from: Date.UTC(2026, 3, 1), to: Date.UTC(2026, 3, 2), except: [] },
      { grain: 'hour', from: Date.UTC(2026, 3, 2), to, except: [] },
    ])
  })

  test('what ends with the sums is not finished, and still whole', () => {
    const to = hour(30)
    expect(coverOf({ from: 0, to, changed: [], summedEnd: to }, GRAINS)).toEqual([
      { grain: 'month', from: 0, to: Date.UTC(2026, 3, 1), except: [] },
    ])
  })

  test('PRI-30 covers each hour once, changed ones never, with few pieces (property)', () => {
    const grains = fc.constantFrom<readonly Grain[]>(['hour'], ['day', 'hour'], GRAINS)
    const numbers = fc.tuple(fc.integer({ min: -2_000, max: 2_000 }), fc.integer({ min: 1, max: 2_000 }), fc.nat(50))
    fc.assert(
      fc.property(
        numbers,
        fc.uniqueArray(fc.nat(2_000), { maxLength: 6 }),
        grains,
        ([start, length, rest], holes, by) => {
          const [from, to] = [hour(start), hour(start + length)]
          const summedEnd = to + rest * HOUR_MS
          const changed = holes
            .map((hole) => from + hole * HOUR_MS)
            .filter((hole) => hole < to)
            .sort((a, b) => a - b)
          const pieces = coverOf({ from, to, changed, summedEnd }, by)
          const seen: number[] = []
          for (const { grain, from: first, to: last, except } of pieces) {
            for (let at = first; at < last; at = endOf(grain, at)) {
              if (except.includes(at)) continue
              // Beyond the end of the sums there is nothing to be counted.
              for (let each = at; each < Math.min(endOf(grain, at), summedEnd); each += HOUR_MS) seen.push(each)
            }
          }
          const wanted: number[] = []
          for (let at = from; at < to; at += HOUR_MS) if (!changed.includes(at)) wanted.push(at)
          expect(seen.sort((a, b) => a - b)).toEqual(wanted)
          expect(pieces.length).toBeLessThanOrEqual(5 + 4 * changed.length)
        },
      ),
      { numRuns: 200 },
    )
  })
})
