/** Comparisons and checks of amounts that money itself does not bring. Every result is exact or an error (MON-06). */
import { formatUsd, MAX_AMOUNT, type Microdollars, micros, minus, sum, ZERO } from '@iron/cost-calculator'
import type { Faults } from '@iron/database'

/** The sum of two amounts. @throws {CostError} AMOUNT_OUT_OF_RANGE */
export function plus(a: Microdollars, b: Microdollars): Microdollars {
  return sum([a, b])
}

/**
 * The sum of two stored amounts that may be damaged: it stops at 2^53 − 1, which no sound figure reaches, instead of ending the
 * verification that is to name the damage.
 */
export function tally(a: Microdollars, b: Microdollars): Microdollars {
  return micros(Math.min(a + b, Number.MAX_SAFE_INTEGER))
}

/** The smaller amount. */
export function smaller(a: Microdollars, b: Microdollars): Microdollars {
  return a < b ? a : b
}

/** What is left of `a` after `b`, at least nothing. */
export function rest(a: Microdollars, b: Microdollars): Microdollars {
  return a > b ? minus(a, b) : ZERO
}

/**
 * Records a fault unless `value` is a whole amount of microdollars from `min` to {@link MAX_AMOUNT}. NaN, infinities, fractions,
 * texts and negative zero are refused before anything is computed (MON-04).
 */
export function checkAmount(faults: Faults, path: string, value: unknown, min: number, max: number = MAX_AMOUNT): void {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || Object.is(value, -0)) {
    faults.add(path, 'must be a whole number of microdollars')
  } else if (value < min || value > max) {
    // In dollars: whoever asked over HTTP gave dollars, and in code the unit is named.
    faults.add(path, `must be ${formatUsd(micros(min))} to ${formatUsd(micros(max))} USD`)
  }
}
