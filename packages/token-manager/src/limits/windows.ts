/**
 * The UTC windows in which usage is counted. The start of the window is part of the counter's key, so a new window begins
 * at zero by itself and nothing is ever reset (LIM-11, LIM-12).
 */

/** In the order in which limits are tested and named. */
export const LIMIT_WINDOWS = ['tokens_per_day', 'requests_per_minute', 'cost_per_month'] as const

/** What a usage limit bounds. */
export type LimitWindow = (typeof LIMIT_WINDOWS)[number]

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS

/** An instant for each window, epoch ms. */
export type WindowInstants = { readonly [Window in LimitWindow]: number }

/** When the windows that hold an instant began. */
export function windowStarts(nowMs: number): WindowInstants {
  const now = new Date(nowMs)
  return {
    tokens_per_day: Math.floor(nowMs / DAY_MS) * DAY_MS,
    requests_per_minute: Math.floor(nowMs / MINUTE_MS) * MINUTE_MS,
    cost_per_month: Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1),
  }
}

/** When they end and the next begin. */
export function windowEnds(nowMs: number): WindowInstants {
  const starts = windowStarts(nowMs)
  const month = new Date(starts.cost_per_month)
  return {
    tokens_per_day: starts.tokens_per_day + DAY_MS,
    requests_per_minute: starts.requests_per_minute + MINUTE_MS,
    cost_per_month: Date.UTC(month.getUTCFullYear(), month.getUTCMonth() + 1, 1),
  }
}

/** The start of the oldest window whose counter is kept: minutes 2 d, days 90 d, months 25 months (data-model 6). */
export function keptSince(nowMs: number): WindowInstants {
  const month = new Date(windowStarts(nowMs).cost_per_month)
  return {
    tokens_per_day: nowMs - 90 * DAY_MS,
    requests_per_minute: nowMs - 2 * DAY_MS,
    cost_per_month: Date.UTC(month.getUTCFullYear(), month.getUTCMonth() - 25, 1),
  }
}
