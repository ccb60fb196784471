/** What limits say about usage (budget protocol 9). Pure: the rows were read under the owner's lock where it matters. */
import type { Microdollars } from '@iron/cost-calculator'
import { type Exceeded, heldOn, type LimitNeed, type LimitRoom, type LimitRow } from './limit.ts'
import { LIMIT_WINDOWS, type LimitWindow, windowEnds } from './windows.ts'

interface Standing {
  readonly max: number | null
  readonly used: number
}

/**
 * The first window that `need` more would pass, or that is passed already; null = within all. Windows are tested in the
 * order of {@link LIMIT_WINDOWS}, on each window the general row first. A maximum of 0 is always passed (LIM-03).
 */
export function decideExceeded(rows: readonly LimitRow[], need: LimitNeed, nowMs: number): Exceeded | null {
  const wanted = { tokens_per_day: need.tokens, requests_per_minute: need.requests, cost_per_month: need.cost }
  const generalFirst = [...rows].sort((a, b) => Number(a.project_id !== null) - Number(b.project_id !== null))
  for (const window of LIMIT_WINDOWS) {
    for (const row of generalFirst) {
      const { max, used } = standing(row, window)
      if (max !== null && (max === 0 || used + (wanted[window] ?? 0) > max)) return exceeded(row, window, nowMs)
    }
  }
  return null
}

/** What the general row leaves for a grant; without a row, everything. */
export function decideRoom(row: LimitRow | undefined, nowMs: number): LimitRoom {
  if (row === undefined) return Object.freeze({ left: null, blocked: false, exceeded: null })
  const isUsedUp = (window: LimitWindow): boolean => {
    const { max, used } = standing(row, window)
    return max !== null && used >= max
  }
  const first = LIMIT_WINDOWS.find(isUsedUp)
  const month = standing(row, 'cost_per_month')
  return Object.freeze({
    left: month.max === null ? null : ((month.max - month.used) as Microdollars),
    blocked: isUsedUp('tokens_per_day') || isUsedUp('requests_per_minute'),
    exceeded: first === undefined ? null : exceeded(row, first, nowMs),
  })
}

function standing(row: LimitRow, window: LimitWindow): Standing {
  switch (window) {
    case 'tokens_per_day':
      return { max: row.max_tokens_per_day, used: row.tokens ?? 0 }
    case 'requests_per_minute':
      return { max: row.max_requests_per_minute, used: row.requests ?? 0 }
    case 'cost_per_month':
      return { max: row.max_cost_per_month_micros, used: (row.cost ?? 0) + heldOn(row) }
  }
}

function exceeded(row: LimitRow, window: LimitWindow, nowMs: number): Exceeded {
  const { max, used } = standing(row, window)
  return Object.freeze({ limitId: row.id, window, limit: max ?? 0, used, resetsAt: windowEnds(nowMs)[window] })
}
