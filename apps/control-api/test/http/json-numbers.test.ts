import { describe, expect, test } from '@jest/globals'
import { usd } from '@iron/cost-calculator'
import fc from 'fast-check'
import { parseJson } from '../../src/http/json-numbers.ts'

/** Microdollars of a decimal text, rounded up, by integer arithmetic alone. */
function microsUp(whole: bigint, fraction: string): bigint {
  const kept = BigInt(fraction.slice(0, 6).padEnd(6, '0'))
  return whole * 1_000_000n + kept + (/[1-9]/.test(fraction.slice(6)) ? 1n : 0n)
}

describe('MON-03 numbers of a body are what was written', () => {
  test('a cost is rounded up from its decimal text, however many digits it has', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 1_000_000n }),
        fc.stringMatching(/^\d{0,7}0{0,30}\d{0,8}$/),
        fc.integer({ min: 0, max: 20 }),
        (whole, fraction, nines) => {
          const digits = `${fraction}${'9'.repeat(nines)}1`
          const { cost } = parseJson(`{"cost":${String(whole)}.${digits}}`) as { cost: number }
          expect(BigInt(usd(cost, { rounding: 'up' }))).toBe(microsUp(whole, digits))
        },
      ),
      { numRuns: 2_000 },
    )
  })

  test('what a double is as written stays; what none is goes to the side where it is', () => {
    for (const text of [
      '0',
      '-0',
      '1',
      '0.1',
      '1.50',
      '100000000000000000000',
      '1e21',
      '1e-300',
      '0.30000000000000004',
    ]) {
      expect(parseJson(`[${text}]`)).toEqual([Number(text)])
    }
    const cases: [string, number][] = [
      ['0.10000000000000000001', 0.10000000000000002],
      ['0.09999999999999999999', 0.09999999999999999],
      ['1.00000000000000000001', 1.0000000000000002],
      ['-1.00000000000000000001', -1.0000000000000002],
      ['0.00000100000000000000000001', 0.0000010000000000000002],
      ['1e-400', Number.MIN_VALUE],
      ['-1e-400', -Number.MIN_VALUE],
      ['9007199254740993', 9007199254740994],
      ['1e400', Infinity],
    ]
    for (const [text, value] of cases) expect([text, parseJson(`{"n":${text}}`)]).toEqual([text, { n: value }])
  })

  test('texts with many digits are texts', () => {
    const sent = { id: '00000000000000000000000000000001e-400', 'a0.10000000000000000001': [1] }
    expect(parseJson(JSON.stringify(sent))).toEqual(sent)
    expect(parseJson('{"__proto__":0.10000000000000000001}')).toHaveProperty(['__proto__'], 0.10000000000000002)
    expect(() => parseJson('{"a":00000000000000000000}')).toThrow(SyntaxError)
  })
})
