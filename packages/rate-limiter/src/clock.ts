/** Where the time comes from. */
export interface Clock {
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  now(): number
}

export const systemClock: Clock = { now: () => Date.now() }

/** The whole millisecond a clock stands at. @throws RangeError when it gives no time: every limit would be decided by chance */
export function wholeMs(clock: Clock): number {
  const now = Math.floor(clock.now())
  return Number.isFinite(now) ? now : noTime()
}

function noTime(): never {
  throw new RangeError('The clock of a limiter must give epoch milliseconds')
}
