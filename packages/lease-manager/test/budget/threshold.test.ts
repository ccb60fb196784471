import { describe, expect, test } from '@jest/globals'
import type { Microdollars } from '@iron/cost-calculator'
import * as fc from 'fast-check'
import {
  crossedByAllocation,
  crossedBySpending,
  highestMet,
  type Mark,
  THRESHOLDS,
  thresholdAmount,
} from '../../src/budget/threshold.ts'

const m = (value: number): Microdollars => value as Microdollars
const of = (allocated: number, spent: number) => ({ allocated: m(allocated), spent: m(spent) })
const amounts = fc.oneof(fc.integer({ min: 0, max: 1_000 }), fc.maxSafeInteger().map(Math.abs))

describe('T(t)', () => {
  test('of 7 micros is 4, 6, 7, 7 (budget protocol 17)', () => {
    expect(THRESHOLDS.map((t) => thresholdAmount(m(7), t))).toEqual([4, 6, 7, 7])
  })

  test('P8 is met exactly when the exact rational S/A reaches t percent, for all A and S', () => {
    fc.assert(
      fc.property(amounts, amounts, fc.constantFrom(...THRESHOLDS), (allocated, spent, t) => {
        const exact = allocated > 0 && BigInt(spent) * 100n >= BigInt(allocated) * BigInt(t)
        expect(allocated > 0 && spent >= thresholdAmount(m(allocated), t)).toBe(exact)
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('what spending crosses', () => {
  test.each<[string, number, number, Mark, readonly number[], Mark]>([
    ['nothing yet', 100, 49, 0, [], 0],
    ['exactly half', 100, 50, 0, [50], 50],
    ['the same again', 100, 60, 50, [], 50],
    ['several at once, ascending (EVT-08)', 100, 105, 0, [50, 80, 90, 100], 100],
    ['the rest of them', 100, 95, 50, [80, 90], 90],
    ['nothing of nothing allocated', 0, 5, 0, [], 0],
    ['a mark that a credit left behind', 100, 10, 80, [], 80],
  ])('%s', (_, allocated, spent, mark, crossed, next) => {
    expect(crossedBySpending(of(allocated, spent), mark)).toEqual({ crossed, mark: next })
  })
})

describe('what a changed allocation crosses', () => {
  test.each<[string, number, number, number, readonly number[], Mark]>([
    ['a raise re-arms what is no longer met', 100, 54, 150, [], 0],
    ['a raise keeps what is still met', 100, 105, 200, [], 50],
    ['a raise from nothing fires nothing, whatever was spent (I13)', 0, 5, 10, [], 50],
    ['a decrease fires what it newly crosses', 150, 68, 120, [50], 50],
    ['a decrease keeps quiet about what was met before', 100, 60, 70, [80], 80],
    ['a decrease to exactly what is spent fires the rest', 100, 50, 50, [80, 90, 100], 100],
  ])('%s', (_, before, spent, after, crossed, mark) => {
    expect(crossedByAllocation(of(before, spent), of(after, spent))).toEqual({ crossed, mark })
  })

  test('I13 no raise ever announces anything', () => {
    fc.assert(
      fc.property(amounts, amounts, amounts, (a, b, spent) => {
        const [before, after] = [Math.min(a, b), Math.max(a, b)]
        expect(crossedByAllocation(of(before, spent), of(after, spent)).crossed).toEqual([])
      }),
    )
  })

  test('the mark is always the highest threshold that is met', () => {
    fc.assert(
      fc.property(amounts, amounts, amounts, (before, after, spent) => {
        expect(crossedByAllocation(of(before, spent), of(after, spent)).mark).toBe(highestMet(of(after, spent)))
      }),
    )
  })
})
