/** UTC windows, aligned to the calendar or to the epoch, so that every process names the same ones. */

/** `{ ms }` counts from 1970-01-01T00:00:00Z. */
export type QuotaWindow = 'minute' | 'hour' | 'day' | 'month' | { readonly ms: number }

/** From `startsAt` on, until before `endsAt`; epoch ms. */
export interface WindowBounds {
  readonly startsAt: number
  readonly endsAt: number
}

const LENGTHS_MS = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const

/** Longest time a window's record is kept after its end. */
const KEPT_MAX_MS = 3_600_000

/** How long a window of this length is kept after its end: a clock that is behind, or steps back, finds it again. */
export function windowKeptMs(lengthMs: number): number {
  return Math.min(lengthMs, KEPT_MAX_MS)
}

/** The window that holds an instant. */
export function windowAt(window: QuotaWindow, now: number): WindowBounds {
  if (window === 'month') return monthAt(now)
  const lengthMs = typeof window === 'string' ? LENGTHS_MS[window] : window.ms
  const startsAt = Math.floor(now / lengthMs) * lengthMs
  return { startsAt, endsAt: startsAt + lengthMs }
}

function monthAt(now: number): WindowBounds {
  // Date.UTC takes the years 0 to 99 for those after 1900.
  const date = new Date(now)
  date.setUTCDate(1)
  const startsAt = date.setUTCHours(0, 0, 0, 0)
  return { startsAt, endsAt: date.setUTCMonth(date.getUTCMonth() + 1) }
}

/** A window's name, as it stands in stored keys. */
export function windowName(window: QuotaWindow): string {
  return typeof window === 'string' ? window : `${window.ms}ms`
}
