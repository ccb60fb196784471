/** Where the time comes from. */
export interface Clock {
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  now(): number
}

export const systemClock: Clock = { now: () => Date.now() }

/**
 * How far from 1970 a clock may stand, in ms: a hundred years short of the first and the last instant that a `Date` can name
 * (8.64e15 ms), so that every window and every refill ends at one, too.
 */
export const CLOCK_MAX_MS = 8.64e15 - 100 * 366 * 86_400_000

/** The whole millisecond a clock stands at. @throws RangeError when it gives no time: every limit would be decided by chance */
export function wholeMs(clock: Clock): number {
  const now = Math.floor(clock.now())
  // False for NaN as well.
  return now <= CLOCK_MAX_MS && now >= -CLOCK_MAX_MS ? now : noTime()
}

function noTime(): never {
  throw new RangeError('The clock of a limiter must give epoch milliseconds')
}
