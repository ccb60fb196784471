/**
 * Which time a question covers (http-api 5.1). Ranges are half-open and in UTC, so that adjoining periods share no call and
 * miss none.
 */
import { Faults } from '@iron/database'
import { HOUR_MS, hourOf } from '@iron/journal'
import { refuseFaults } from './errors.ts'

const DAY_MS = 24 * HOUR_MS
/** Longest period with bounds of one's own, in days. */
export const PERIOD_DAYS_MAX = 3_660

export const PERIOD_NAMES = [
  'today',
  'yesterday',
  'last-7-days',
  'last-30-days',
  'this-month',
  'last-month',
  'all-time',
] as const

/** A named period, or bounds in epoch ms that are rounded down to whole UTC hours. */
export type Period = (typeof PERIOD_NAMES)[number] | TimeRange

/** A half-open range, epoch ms. */
export interface TimeRange {
  readonly from: number
  /** Exclusive. */
  readonly to: number
}

/**
 * The bounds of a period.
 *
 * @param now epoch ms
 * @param firstAt when the first call was received, for `all-time`; default `now`
 * @throws {AnalyticsError} VALIDATION_ERROR for an unknown name, for bounds that leave no whole hour between them, and for more
 * than 3660 days
 */
export function resolvePeriod(period: Period, now: number, firstAt: number = now): TimeRange {
  const faults = new Faults()
  checkPeriod(faults, period)
  refuseFaults(faults)
  return Object.freeze(boundsOf(period, now, firstAt))
}

function boundsOf(period: Period, now: number, firstAt: number): TimeRange {
  const today = now - (now % DAY_MS)
  switch (period) {
    case 'today':
      return { from: today, to: now }
    case 'yesterday':
      return { from: today - DAY_MS, to: today }
    case 'last-7-days':
      return { from: today - 7 * DAY_MS, to: now }
    case 'last-30-days':
      return { from: today - 30 * DAY_MS, to: now }
    case 'this-month':
      return { from: monthStart(now, 0), to: now }
    case 'last-month':
      return { from: monthStart(now, -1), to: monthStart(now, 0) }
    case 'all-time':
      return { from: Math.min(firstAt, now), to: now }
    default:
      return { from: hourOf(period.from), to: hourOf(period.to) }
  }
}

/** Whether a period ends with the moment of the question. */
export function endsNow(period: Period): boolean {
  return typeof period === 'string' && period !== 'yesterday' && period !== 'last-month'
}

/** Collects what is wrong with a period. */
export function checkPeriod(faults: Faults, period: unknown): void {
  if (typeof period !== 'object' || period === null) {
    faults.oneOf('period', period, PERIOD_NAMES)
    return
  }
  const { from, to } = period as TimeRange
  faults.integer('period.from', from, 0)
  faults.integer('period.to', to, 0)
  if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to)) return
  const spanMs = hourOf(to) - hourOf(from)
  faults.check(spanMs > 0, 'period.to', 'must be in a later UTC hour than from')
  faults.check(spanMs <= PERIOD_DAYS_MAX * DAY_MS, 'period.to', `must be at most ${PERIOD_DAYS_MAX} days after from`)
}

/** The first of a month, counted from the month of `now`. */
function monthStart(now: number, months: number): number {
  const date = new Date(now)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + months, 1)
}
