/** When people work: calls follow the hours of the day and the days of the week (UTC). */

const HOUR_MS = 3_600_000
const HOURS_PER_DAY = 24

/** How busy each hour of a day is, from midnight. */
const HOUR_WEIGHTS = [2, 1, 1, 1, 1, 2, 3, 5, 8, 10, 11, 11, 9, 10, 11, 11, 10, 9, 7, 5, 4, 3, 3, 2] as const
/** How busy each day is, from Sunday. No day is so quiet that a lease lapses unnoticed. */
const DAY_WEIGHTS = [0.6, 1, 1.1, 1.1, 1, 0.9, 0.65] as const
/** The middle of its share of the time in which a call is made, so that two calls are never at the same moment. */
const SPREAD = { from: 0.15, to: 0.85 } as const

/** Instants in `[from, to)`, ascending, one in each of `count` equally busy parts of it. */
export function planTimes(from: number, to: number, count: number, random: () => number): number[] {
  const hours = hoursIn(from, to)
  const busy = hours.reduce((sum, { weight }) => sum + weight, 0)
  return Array.from({ length: count }, (_, index) => {
    const place = SPREAD.from + (SPREAD.to - SPREAD.from) * random()
    return instantAt(hours, ((index + place) / count) * busy)
  })
}

interface Stretch {
  readonly from: number
  readonly lastsMs: number
  readonly weight: number
}

/** Full hours, and the parts of one at both ends. */
function hoursIn(from: number, to: number): Stretch[] {
  const stretches: Stretch[] = []
  for (let start = from; start < to;) {
    const end = Math.min(to, (Math.floor(start / HOUR_MS) + 1) * HOUR_MS)
    const date = new Date(start)
    const perHour = (HOUR_WEIGHTS[date.getUTCHours() % HOURS_PER_DAY] ?? 1) * (DAY_WEIGHTS[date.getUTCDay()] ?? 1)
    stretches.push({ from: start, lastsMs: end - start, weight: (perHour * (end - start)) / HOUR_MS })
    start = end
  }
  return stretches
}

function instantAt(hours: readonly Stretch[], busy: number): number {
  let left = busy
  for (const { from, lastsMs, weight } of hours) {
    if (left < weight) return from + Math.floor((left / weight) * lastsMs)
    left -= weight
  }
  throw new RangeError('the time ended before its work')
}
