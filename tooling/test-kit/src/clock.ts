/**
 * Time that moves only when a test moves it. The interface is declared structurally: the test-kit depends on none of
 * ours, and every `Clock` of the house has this shape.
 */
export interface Clock {
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  now(): number
}

/** A clock in the hands of a test. */
export interface ManualClock extends Clock {
  /** Stands at this instant from now on, epoch ms; earlier than before is allowed (a clock that steps back). */
  set(at: number): void
  /** Moves by this many milliseconds; negative moves back. */
  advance(ms: number): void
}

/** The "now" of tests unless they say otherwise: 2026-01-15T12:00:00.000Z, a Thursday. */
export const TEST_ANCHOR_MS = Date.UTC(2026, 0, 15, 12)

/** A clock that stands still until it is moved. */
export function manualClock(at: number = TEST_ANCHOR_MS): ManualClock {
  let nowMs = checked(at)
  return {
    now: () => nowMs,
    set: (to) => {
      nowMs = checked(to)
    },
    advance: (ms) => {
      nowMs = checked(nowMs + ms)
    },
  }
}

function checked(at: number): number {
  if (!Number.isSafeInteger(at)) throw new RangeError(`A clock stands at whole milliseconds, not at ${at}`)
  return at
}
