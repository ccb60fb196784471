import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { costBucket, CostSpread } from '../src/cost-spread.ts'
import { readCounts } from '../src/count-texts.ts'

const cost = fc.oneof(fc.nat(300), fc.nat(100_000), fc.nat(2 ** 31 - 1), fc.maxSafeNat())
const counted = fc.tuple(cost, fc.integer({ min: 1, max: 4 }))

describe('the bucket of a cost', () => {
  test('never falls as costs rise, and differs between costs that differ by more than a sixty-fourth (property)', () => {
    fc.assert(
      fc.property(cost, cost, (one, other) => {
        const [less, more] = one < other ? [one, other] : [other, one]
        expect(costBucket(less)).toBeLessThanOrEqual(costBucket(more))
        if (more - less > less / 64 + 1) expect(costBucket(less)).toBeLessThan(costBucket(more))
      }),
    )
  })

  test('is the next one at each power of two', () => {
    for (let power = 1; power < 53; power += 1) {
      expect(costBucket(2 ** power) - costBucket(2 ** power - 1)).toBe(1)
    }
  })
})

describe('the spread of costs', () => {
  test('PRI-28 tells the cost at every place, the smallest and the largest, as sorting them does (property)', () => {
    fc.assert(
      fc.property(fc.array(counted, { minLength: 1, maxLength: 30 }), fc.nat(), (told, drawn) => {
        const sorted = told.flatMap(([value, calls]) => new Array<number>(calls).fill(value)).sort((a, b) => a - b)
        const spread = new CostSpread()
        for (const [value, calls] of told) spread.add(value, calls)
        const place = 1 + (drawn % sorted.length)
        const at = spread.at(place)
        for (const [value, calls] of told) at.add(value, calls)
        expect([spread.calls, spread.min, spread.max, at.cost]).toEqual([
          sorted.length,
          sorted[0],
          sorted.at(-1),
          sorted[place - 1],
        ])
      }),
    )
  })

  test('is 0 throughout without calls', () => {
    const spread = new CostSpread()
    expect([spread.calls, spread.min, spread.max, spread.at(0).cost, spread.at(1).cost]).toEqual([0, 0, 0, 0, 0])
  })
})

describe('counts in texts', () => {
  test('are all told, however long the texts are and wherever they are cut', async () => {
    const rows = Array.from({ length: 9 }, (_, row) =>
      Object.fromEntries(Array.from({ length: row * 2_000 }, (__, index) => [String(index * 7 + row), index + 1])),
    )
    const texts = rows.map((row) => JSON.stringify(row)).join('')
    expect(texts.length).toBeGreaterThan(10 * 65_536)
    const told: [number, number][] = []
    await readCounts(texts, (value, calls) => told.push([value, calls]))
    expect(told).toEqual(rows.flatMap((row) => Object.entries(row).map(([value, calls]) => [Number(value), calls])))
  })
})
