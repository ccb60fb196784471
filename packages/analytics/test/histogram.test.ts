import { describe, expect, test } from '@jest/globals'
import { latencyBucket } from '@iron/journal'
import fc from 'fast-check'
import { Histogram } from '../src/histogram.ts'

const latencies = fc.array(fc.oneof(fc.nat(30), fc.nat(5_000), fc.nat(Number.MAX_SAFE_INTEGER)), {
  minLength: 1,
  maxLength: 60,
})

/** As a roll-up keeps latencies. */
function textOf(values: readonly number[]): string {
  const counts: Record<string, number> = {}
  for (const value of values) counts[latencyBucket(value)] = (counts[latencyBucket(value)] ?? 0) + 1
  return JSON.stringify(counts)
}

function nearestRank(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.ceil((sorted.length * percent) / 100) - 1]!
}

describe('latency percentiles', () => {
  test('are null without calls', async () => {
    const histogram = new Histogram()
    await histogram.addTexts('')
    await histogram.addTexts('{}')
    expect(histogram.percentile(50)).toBeNull()
  })

  test('are exact where a bucket holds one whole millisecond', () => {
    const histogram = new Histogram()
    for (let ms = 1; ms <= 20; ms += 1) histogram.add(ms, 1)
    expect([5, 50, 95, 100].map((percent) => histogram.percentile(percent))).toEqual([1, 10, 19, 20])
  })

  test('less than a millisecond counts as one', () => {
    const histogram = new Histogram()
    histogram.add(0, 3)
    expect(histogram.percentile(95)).toBe(1)
  })

  test('lie within 5 percent of the nearest rank', () => {
    fc.assert(
      fc.property(latencies, fc.integer({ min: 1, max: 100 }), (values, percent) => {
        const histogram = new Histogram()
        for (const value of values) histogram.add(value, 1)
        const exact = Math.max(1, nearestRank(values, percent))
        expect(Math.abs(histogram.percentile(percent)! - exact)).toBeLessThanOrEqual(exact * 0.05)
      }),
    )
  })

  test('PRI-25 say the same of calls and of their roll-ups, also half rolled up', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(latencies, { maxLength: 5 }), latencies, async (hours, rest) => {
        const [read, rolled] = [new Histogram(), new Histogram()]
        for (const value of [...hours.flat(), ...rest]) read.add(value, 1)
        await rolled.addTexts(hours.map(textOf).join(''))
        for (const value of rest) rolled.add(value, 1)
        expect([50, 95].map((p) => rolled.percentile(p))).toEqual([50, 95].map((p) => read.percentile(p)))
      }),
    )
  })

  test('a bucket that cannot be is not passed over', async () => {
    await expect(new Histogram().addTexts('{"99999":1}')).rejects.toThrow(/bucket 99999/)
  })
})
