import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { averageCost, averageCount, middleCost, percentOf } from '../src/rounding.ts'
import { micro } from './world.ts'

const whole = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })
const count = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })

describe('PRI-31 one definition and one rounding', () => {
  test.each([
    [0, 0, 0],
    [0, 7, 0],
    [10, 3, 4],
    [9, 3, 3],
    [1, 1_000, 1],
    [Number.MAX_SAFE_INTEGER, 2, 4_503_599_627_370_496],
  ])('%d µ$ over %d calls are %d each', (total, calls, each) => {
    expect(averageCost(micro(total), calls)).toBe(each)
  })

  test.each([
    [0, 0, 0],
    [5, 10, 1],
    [4, 10, 0],
    [14, 10, 1],
    [15, 10, 2],
    [9_007_199_254_740_991, 2, 4_503_599_627_370_496],
  ])('%d tokens over %d calls are %d each', (total, calls, each) => {
    expect(averageCount(total, calls)).toBe(each)
  })

  test.each([
    [0, 0, 0],
    [5, 0, 0],
    [1, 3, 33.33],
    [2, 3, 66.67],
    [1, 1_000_000, 0],
    [1, 20_000, 0.01],
    [1, 20_001, 0],
    [3, 2, 150],
    [105_500_000, 100_000_000, 105.5],
    [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 100],
  ])('%d of %d are %d percent', (part, of, percent) => {
    expect(percentOf(part, of)).toBe(percent)
  })

  test('exact up to 2^53: the average is the smallest that covers the total', () => {
    fc.assert(
      fc.property(whole, count, (total, calls) => {
        const each = BigInt(averageCost(micro(total), calls))
        expect(each * BigInt(calls) >= BigInt(total)).toBe(true)
        expect((each - 1n) * BigInt(calls) < BigInt(total)).toBe(true)
      }),
    )
  })

  test('exact up to 2^53: tokens are off by half a token at most', () => {
    fc.assert(
      fc.property(whole, count, (total, calls) => {
        const off = 2n * (BigInt(averageCount(total, calls)) * BigInt(calls) - BigInt(total))
        expect(off > -BigInt(calls) && off <= BigInt(calls)).toBe(true)
      }),
    )
  })

  test('the middle of two amounts is rounded up', () => {
    fc.assert(
      fc.property(whole, whole, (a, b) => {
        const [lower, upper] = [Math.min(a, b), Math.max(a, b)]
        const twice = BigInt(lower) + BigInt(upper)
        expect(BigInt(middleCost(micro(lower), micro(upper)))).toBe((twice + 1n) / 2n)
      }),
    )
  })
})
