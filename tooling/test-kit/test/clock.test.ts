import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { manualClock, seededIds, seededRandom } from '../src/index.ts'

describe('manualClock', () => {
  test('stands at the test anchor until it is moved', () => {
    const clock = manualClock()
    expect(new Date(clock.now()).toISOString()).toBe('2026-01-15T12:00:00.000Z')
    clock.advance(1500)
    expect(new Date(clock.now()).toISOString()).toBe('2026-01-15T12:00:01.500Z')
    clock.advance(-500)
    clock.set(clock.now() + 1)
    expect(new Date(clock.now()).toISOString()).toBe('2026-01-15T12:00:01.001Z')
  })

  test('stands at whole milliseconds only', () => {
    const clock = manualClock(0)
    for (const wrong of [0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      expect(() => clock.set(wrong)).toThrow(RangeError)
      expect(() => clock.advance(wrong)).toThrow(RangeError)
      expect(() => manualClock(wrong)).toThrow(RangeError)
    }
    expect(clock.now()).toBe(0)
  })
})

describe('seededRandom', () => {
  test('gives these numbers for seed 42, for ever: kept seeds must replay', () => {
    const random = seededRandom(42)
    expect([random(), random(), random()].map((value) => Math.floor(value * 2 ** 32))).toEqual([
      2581720956, 1925393290, 3661312704,
    ])
  })

  test('fills [0, 1) evenly', () => {
    const buckets = new Array<number>(10).fill(0)
    const random = seededRandom(7)
    for (let n = 0; n < 100_000; n++) buckets[Math.floor(random() * 10)]! += 1
    for (const count of buckets) expect(Math.abs(count - 10_000)).toBeLessThan(500)
  })
})

describe('seededIds', () => {
  const uuid7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

  test('makes <prefix>_<uuidv7> with the time of the clock', () => {
    const clock = manualClock()
    const id = seededIds(1, clock).next('agent')
    expect(id.startsWith('agent_')).toBe(true)
    const uuid = id.slice('agent_'.length)
    expect(uuid).toMatch(uuid7)
    expect(parseInt(uuid.slice(0, 8) + uuid.slice(9, 13), 16)).toBe(clock.now())
  })

  test('replays with its seed and differs with another', () => {
    const take = (seed: number): string[] => {
      const ids = seededIds(seed, manualClock())
      return Array.from({ length: 50 }, () => ids.next('evt'))
    }
    expect(take(3)).toEqual(take(3))
    expect(new Set([...take(3), ...take(4)]).size).toBe(100)
  })

  test('every id is greater than the one before, however the clock moves', () => {
    fc.assert(
      fc.property(fc.integer(), fc.array(fc.integer({ min: -5, max: 5 }), { maxLength: 200 }), (seed, moves) => {
        const clock = manualClock()
        const ids = seededIds(seed, clock)
        let last = ''
        for (const move of moves) {
          clock.advance(move)
          const id = ids.next('x')
          expect(id > last).toBe(true)
          last = id
        }
      }),
    )
  })

  test('more than 4096 ids in one millisecond stay in order', () => {
    const ids = seededIds(1, manualClock())
    const made = Array.from({ length: 10_000 }, () => ids.next('x'))
    expect(made).toEqual([...new Set(made)].sort())
    expect(made.every((id) => uuid7.test(id.slice(2)))).toBe(true)
  })
})
