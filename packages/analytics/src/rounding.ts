/** The one rounding of each kind of figure (http-api 5.3): money up, percentages and tokens half up. Nothing divides by 0. */
import { type Microdollars, ZERO } from '@iron/cost-calculator'

/** Hundredths of a percent in a whole. */
const HUNDREDTHS = 10_000n

/** Money divided by a count, rounded up to a microdollar; 0 for none. */
export function averageCost(total: Microdollars, count: number): Microdollars {
  if (count === 0) return ZERO
  const rest = total % count
  return ((total - rest) / count + (rest > 0 ? 1 : 0)) as Microdollars
}

/** The middle between two amounts, the lower one first, rounded up. */
export function middleCost(lower: Microdollars, upper: Microdollars): Microdollars {
  return (lower + Math.ceil((upper - lower) / 2)) as Microdollars
}

/** A count divided by a count, rounded half up to an integer; 0 for none. */
export function averageCount(total: number, count: number): number {
  if (count === 0) return 0
  const rest = total % count
  return (total - rest) / count + (rest * 2 >= count ? 1 : 0)
}

/** A part of a whole in percent, rounded half up to 2 decimals; 0 of nothing. */
export function percentOf(part: number, whole: number): number {
  if (whole === 0) return 0
  const divisor = BigInt(whole)
  return Number((BigInt(part) * HUNDREDTHS * 2n + divisor) / (divisor * 2n)) / 100
}
