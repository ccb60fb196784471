/** The settings of every simulated world, within the ranges of budget protocol 2; small, so that worlds meet their bounds. */

export const SECOND = 1_000
export const MINUTE = 60 * SECOND
export const DAY = 24 * 60 * MINUTE
export const USD = 1_000_000

export const TTL_MS = 10 * MINUTE
export const GRACE_MS = 60 * SECOND
/** How far a clock may step back before it is believed (budget protocol 2). */
export const TOLERANCE_MS = 5 * MINUTE
export const OPEN_LEASES_MAX = 4
export const ALLOCATED_AT_FIRST = 30 * USD
