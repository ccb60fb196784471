/**
 * Sums over many agents, in microdollars: together they may exceed 2^53, which one amount cannot. Whole dollars and the rest are
 * added apart, and each of the two fits a safe integer.
 */
import { sql } from '@iron/database'
import type { Expression } from 'kysely'

const MICROS_PER_USD = 1_000_000

/** The whole dollars of an integer expression, added up; null of no rows. */
export function wholeSum(micros: Expression<unknown>) {
  return sql<number | null>`sum(${micros} / ${sql.lit(MICROS_PER_USD)})`
}

/** What its amounts have beyond whole dollars, added up, in microdollars; null of no rows. */
export function restSum(micros: Expression<unknown>) {
  return sql<number | null>`sum(${micros} % ${sql.lit(MICROS_PER_USD)})`
}

/** The sum of both, in microdollars. */
export function wideSum(whole: number | null | undefined, rest: number | null | undefined): bigint {
  return BigInt(whole ?? 0) * BigInt(MICROS_PER_USD) + BigInt(rest ?? 0)
}
