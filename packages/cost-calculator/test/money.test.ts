import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import {
  type CostError,
  formatUsd,
  MAX_AMOUNT,
  micros,
  type Microdollars,
  MIN_AMOUNT,
  minus,
  sum,
  toUsd,
  usd,
  type UsdAmount,
  ZERO,
} from '../src/index.ts'
import { refusal } from './refusal.ts'

const amounts = fc.integer({ min: 0, max: MAX_AMOUNT })

describe('usd', () => {
  test.each([
    [8.2, 8_200_000],
    [64.1, 64_100_000],
    [105.5, 105_500_000],
    [0.000001, 1],
    [1e-6, 1],
    ['0.1', 100_000],
    ['007.50', 7_500_000],
    ['1e3', 1_000_000_000],
    [1_000_000_000, MAX_AMOUNT],
    [0, 0],
    ['0.0000000', 0],
  ])('MON-02 reads %p as %p microdollars', (text, expected) => {
    expect(usd(text)).toBe(expected)
  })

  test.each([
    NaN,
    Infinity,
    -Infinity,
    -0,
    -1,
    -0.000001,
    '',
    ' 1',
    '1 ',
    '+1',
    '.5',
    '5.',
    '0x10',
    '1,5',
    'NaN',
    '-0',
    '1_000',
    '१',
  ])('MON-04 refuses %p before any conversion', (text) => {
    expect(refusal(() => usd(text)).code).toBe('INVALID_AMOUNT')
  })

  test.each<unknown>([null, undefined, true, 10n, {}, [1]])('MON-04 refuses %p, which is no amount at all', (value) => {
    expect(refusal(() => usd(value as UsdAmount)).code).toBe('INVALID_AMOUNT')
  })

  test.each([1e308, 1_000_000_000.000001, '1000000000.000001', '1e400', '9'.repeat(300)])(
    'MON-05 refuses %p, above the largest amount',
    (text) => {
      expect(refusal(() => usd(text)).code).toBe('AMOUNT_OUT_OF_RANGE')
    },
  )

  test('MON-05 one microdollar above the bound is refused even when it comes from rounding up', () => {
    expect(refusal(() => usd('1000000000.0000001', { rounding: 'up' })).code).toBe('AMOUNT_OUT_OF_RANGE')
  })

  test('MON-03 a seventh decimal is refused in a budget and rounded up in a cost', () => {
    expect(refusal(() => usd('0.0000001')).code).toBe('TOO_MANY_DECIMALS')
    expect(refusal(() => usd(1e-7)).code).toBe('TOO_MANY_DECIMALS')
    expect(usd('0.0000001', { rounding: 'up' })).toBe(1)
    expect(usd('1.2345670', { rounding: 'up' })).toBe(1_234_567)
    expect(usd('1.2345671', { rounding: 'up' })).toBe(1_234_568)
    expect(usd(5e-324, { rounding: 'up' })).toBe(1)
  })

  test('a negative amount needs `signed`', () => {
    expect(usd('-1.5', { signed: true })).toBe(-1_500_000)
    expect(usd(-0, { signed: true })).toBe(0)
    expect(refusal(() => usd('-1000000000.000001', { signed: true })).code).toBe('AMOUNT_OUT_OF_RANGE')
  })

  test('MON-02 a number is what its text is, or is refused as that is', () => {
    const told = (amount: number | string, rounding: 'exact' | 'up'): unknown => {
      try {
        return usd(amount, { rounding })
      } catch (error) {
        return (error as CostError).code
      }
    }
    const numbers = fc.oneof(
      fc.double({ min: 0, max: 2_000_000_000, noNaN: true, noDefaultInfinity: true, minExcluded: true }),
      fc.integer({ min: 1, max: MAX_AMOUNT }).map((whole) => whole / 1_000_000),
      // The numbers on both sides of one that is so many microdollars.
      fc
        .tuple(fc.integer({ min: 1, max: MAX_AMOUNT }), fc.constantFrom(-2, -1, 1, 2))
        .map(([whole, steps]) => (whole / 1_000_000) * (1 + steps * Number.EPSILON)),
      fc.integer({ min: 1, max: 100_000 }).map((tenths) => tenths / 10_000_000),
    )
    fc.assert(
      fc.property(numbers, fc.constantFrom('exact', 'up'), (amount, rounding) => {
        expect([amount, told(amount, rounding)]).toEqual([amount, told(String(amount), rounding)])
      }),
      { numRuns: 20_000 },
    )
  })

  test('P7 MON-02 microdollars to text to microdollars is the same amount, also through a JSON number', () => {
    fc.assert(
      fc.property(amounts, fc.integer({ min: 0, max: 9 }), (value, minDecimals) => {
        const amount = micros(value)
        expect(usd(formatUsd(amount))).toBe(amount)
        expect(usd(toUsd(amount))).toBe(amount)
        expect(usd(Number(JSON.stringify({ usd: toUsd(amount) }).slice(7, -1)))).toBe(amount)
        // Zeros beyond the sixth decimal are no digits.
        expect(usd(formatUsd(amount, { minDecimals }))).toBe(amount)
      }),
      { numRuns: 2_000 },
    )
  })
})

test('MON-06 a sum that no amount can hold is written exactly, and as the nearest JSON number', () => {
  expect(formatUsd(10_000_000_000_000_001n)).toBe('10000000000.000001')
  expect(formatUsd(-10_000_000_000_500_000n, { minDecimals: 2 })).toBe('-10000000000.50')
  expect(toUsd(9_000_000_000_250_000n)).toBe(9_000_000_000.25)
  expect([formatUsd(0n), formatUsd(7n)]).toEqual(['0', '0.000007'])
})

test('MON-02 every number of microdollars, as US dollars, is the number that its text is read as', () => {
  const anything = fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER })
  fc.assert(
    fc.property(fc.oneof(anything, fc.integer()), (value) => {
      const amount = micros(value)
      expect(toUsd(amount)).toBe(Number(formatUsd(amount)))
    }),
    { numRuns: 10_000 },
  )
})

describe('micros', () => {
  test('MON-01 takes whole safe numbers only', () => {
    expect(micros(5n)).toBe(5)
    expect(Object.is(micros(-0), 0)).toBe(true)
    for (const value of [0.5, NaN, Infinity, 2 ** 53, 2n ** 53n, -(2n ** 60n)]) {
      expect(refusal(() => micros(value)).code).toBe('INVALID_AMOUNT')
    }
  })

  test('MON-01 a plain number in a money position and money in a dollar position do not compile', () => {
    const take = (amount: Microdollars): number => amount
    // @ts-expect-error a plain number is not Microdollars
    expect(take(5)).toBe(5)
    // @ts-expect-error Microdollars are not US dollars
    expect(usd(MIN_AMOUNT)).toBe(1_000_000)
  })
})

describe('sums', () => {
  test('MON-06 nothing adds up to 0, and beyond 2^53 it fails instead of losing digits', () => {
    expect(sum([])).toBe(0)
    expect(sum([usd(1), usd(2)])).toBe(3_000_000)
    expect(refusal(() => sum(Array.from({ length: 10 }, () => MAX_AMOUNT))).code).toBe('AMOUNT_OUT_OF_RANGE')
    // The total counts, not what it was on the way.
    const most = micros(Number.MAX_SAFE_INTEGER)
    expect(sum([most, micros(1), minus(micros(0), micros(5))])).toBe(Number.MAX_SAFE_INTEGER - 4)
    expect(sum([most, most, minus(micros(0), most), micros(0)])).toBe(Number.MAX_SAFE_INTEGER)
    expect(refusal(() => sum([most, most])).code).toBe('AMOUNT_OUT_OF_RANGE')
    expect(refusal(() => minus(micros(-Number.MAX_SAFE_INTEGER), MIN_AMOUNT)).code).toBe('AMOUNT_OUT_OF_RANGE')
    expect(minus(usd(1), usd(3))).toBe(-2_000_000)
    expect(Object.is(minus(ZERO, ZERO), 0)).toBe(true)
  })

  test('formatUsd writes 0.1 as 0.1 and pads only when asked', () => {
    expect(formatUsd(usd(0.1))).toBe('0.1')
    expect(formatUsd(usd(100))).toBe('100')
    expect(formatUsd(usd(8.2), { minDecimals: 2 })).toBe('8.20')
    expect(formatUsd(micros(-1_500_000))).toBe('-1.5')
    expect(toUsd(micros(-1))).toBe(-0.000001)
  })
})
