import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { Timers } from '../../src/jobs/timers.ts'
import type { Logger } from '../../src/observability/logger.ts'

describe('periodic work', () => {
  beforeEach(() => void jest.useFakeTimers())
  afterEach(() => void jest.useRealTimers())

  test('that leaves something over goes on after the short pause, until nothing is left or it fails', async () => {
    const errors: unknown[] = []
    const timers = new Timers({ error: (fields: unknown) => errors.push(fields) } as unknown as Logger)
    const left: (() => boolean)[] = [
      () => true,
      () => true,
      () => false,
      () => true,
      () => {
        throw new Error('no database')
      },
      () => false,
    ]
    const ranAtMs: number[] = []
    const from = Date.now()
    const work = async (): Promise<boolean> => {
      ranAtMs.push(Date.now() - from)
      await Promise.resolve()
      return left[ranAtMs.length - 1]!()
    }
    timers.every('catch-up', 300_000, work, { againMs: 1_000 })
    await jest.advanceTimersByTimeAsync(950_000)
    expect(ranAtMs).toEqual([300_000, 301_000, 302_000, 602_000, 603_000, 903_000])
    expect(errors).toEqual([{ job: 'catch-up', err: expect.objectContaining({ message: 'no database' }) }])
    await timers.stop()
    await jest.advanceTimersByTimeAsync(900_000)
    expect(ranAtMs).toHaveLength(6)
  })

  test('that says nothing of what is left waits its whole time', async () => {
    const timers = new Timers({ error: () => undefined } as unknown as Logger)
    let runs = 0
    timers.every('plain', 5_000, () => Promise.resolve((runs += 1)), { atOnce: true, againMs: 1 })
    await jest.advanceTimersByTimeAsync(11_000)
    expect(runs).toBe(3)
    await timers.stop()
  })
})
