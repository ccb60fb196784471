/** Operations as the script takes them, and its answers as results. */
import { decisionAt } from '../decision.ts'
import { type Meter, meterOf, waitMs } from '../meter.ts'
import type { StoreOperation, StoreResult } from '../store.ts'
import { windowKeptMs } from '../window.ts'
import { ANSWERS_AN_OPERATION } from './script.ts'

const MODES = { consume: 'c', peek: 'p', refund: 'r' } as const

/** The script's arguments for one operation. @param isFirst of its list */
export function argumentsOf({ rule, mode, cost }: StoreOperation, now: number, isFirst: boolean): string[] {
  const meter = meterOf(rule)
  const letter = MODES[mode]
  return [
    isFirst ? letter.toUpperCase() : letter,
    String(cost * meter.unit),
    String(meter.full),
    String(meter.perMs),
    String(keptMs(meter, now)),
  ]
}

/**
 * How long Redis keeps a window's record: until its end by the caller's clock and somewhat longer, so that a process
 * whose clock is behind still counts on it. Buckets expire when they are full, by the clock of Redis.
 */
function keptMs(meter: Meter, now: number): number {
  return meter.perMs === 0 ? Math.max(1, meter.endsAt - now) + windowKeptMs(meter.fullMs) : 0
}

/** What stands where a list failed, before what Redis said of it. */
const FAILED = -1

/** @throws Error when the answer is not the script's, or tells of a failure */
export function resultsOf(operations: readonly StoreOperation[], answer: unknown, now: number): readonly StoreResult[] {
  if (Array.isArray(answer) && answer[0] === FAILED) throw new Error(String(answer[1]))
  const numbers = Array.isArray(answer) ? answer.map(Number) : []
  if (numbers.length !== operations.length * ANSWERS_AN_OPERATION || !numbers.every(Number.isFinite)) {
    throw new Error('Redis answered something else than the script does')
  }
  return operations.map(({ rule, cost }, index) => {
    const [passes = 0, level = 0, decidedOn = 0] = numbers.slice(index * ANSWERS_AN_OPERATION)
    return resultOf(meterOf(rule), cost, passes === 1, level, decidedOn, now)
  })
}

function resultOf(
  meter: Meter,
  cost: number,
  passes: boolean,
  level: number,
  decidedOn: number,
  now: number,
): StoreResult {
  const retryAfterMs = passes ? 0 : waitMs(meter, decidedOn, cost, now)
  const { allowed, remaining, resetAtMs } = decisionAt(meter, level, now, passes, retryAfterMs)
  return { allowed, remaining, retryAfterMs, resetAtMs }
}
