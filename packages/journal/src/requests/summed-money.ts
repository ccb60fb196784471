/** Microdollars in a US dollar. */
export const MICROS_PER_USD = 1_000_000

/** Where sums of costs stop, in microdollars: the last whole dollar below 2^53 microdollars, nine billion of them. */
export const SUMMED_MICROS_MAX = Math.floor(Number.MAX_SAFE_INTEGER / MICROS_PER_USD) * MICROS_PER_USD
