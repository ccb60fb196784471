import type { Amounts, Microdollars } from '@iron/cost-calculator'
import { Faults, type ReadTx } from '@iron/database'
import { callsIn, HOUR_MS, queryPart, totalSql } from '@iron/journal'
import { refuseFaults } from '../errors.ts'
import { averageCost, middleCost } from '../rounding.ts'
import { type AskedCalls, firstRolledHour, rangeOf, unrolled } from './find-calls.ts'

/** Longest period of which single calls are read, in days (http-api 4.15). */
export const COSTS_DAYS_MAX = 31

/** How the costs of single calls are spread; all 0 without calls. */
export interface Costs extends Amounts<'avg' | 'median' | 'min' | 'max' | 'spend'> {
  readonly requests: number
}

interface CostRecord {
  readonly requests: number
  readonly spend: Microdollars
  readonly lowest: Microdollars
  readonly highest: Microdollars
  /** The two in the middle; for an odd count the same one. */
  readonly lower: Microdollars
  readonly upper: Microdollars
}

/** How the costs of a set of calls are spread. */
export async function spreadCosts(tx: ReadTx, calls: AskedCalls): Promise<Costs> {
  await mustBeReadable(tx, calls)
  const counted = callsIn(
    'requests',
    unrolled(calls),
    (source) =>
      `SELECT cost_micros AS cost, count(*) AS calls, sum(cost_micros) AS spend ${source} GROUP BY cost_micros`,
  )
  const [record] = await queryPart<CostRecord>(tx, { sql: spreadSql(counted.sql), values: counted.values })
  const { requests, spend, lowest, highest, lower, upper } = record as CostRecord
  const median = middleCost(lower, upper)
  return Object.freeze({ requests, spend, avg: averageCost(spend, requests), median, min: lowest, max: highest })
}

/** Calls are counted by their cost first: the engine sorts different costs, and only one row crosses. */
function spreadSql(counted: string): string {
  const middle = (side: '>=' | '>'): string =>
    `(SELECT coalesce(min(cost), 0) FROM ranked WHERE 2 * upto ${side} (SELECT max(upto) FROM ranked))`
  return `
    WITH costs AS (${counted}), ranked AS MATERIALIZED (
      SELECT cost, calls, spend, CAST(sum(calls) OVER (ORDER BY cost) AS bigint) AS upto FROM costs
    )
    SELECT ${totalSql('calls')} AS requests, ${totalSql('spend')} AS spend, coalesce(min(cost), 0) AS lowest,
      coalesce(max(cost), 0) AS highest, ${middle('>=')} AS lower, ${middle('>')} AS upper
    FROM ranked`
}

/** @throws {AnalyticsError} VALIDATION_ERROR when the period is too long or some of its calls are gone */
async function mustBeReadable(tx: ReadTx, calls: AskedCalls): Promise<void> {
  const { from, to } = await rangeOf(tx, calls)
  const faults = new Faults()
  faults.check(to - from <= COSTS_DAYS_MAX * 24 * HOUR_MS, 'period', `must be at most ${COSTS_DAYS_MAX} days long`)
  if (!faults.any && (await someAreGone(tx, calls)))
    faults.add('period', 'has calls that are no longer kept one by one')
  refuseFaults(faults)
}

async function someAreGone(tx: ReadTx, calls: AskedCalls): Promise<boolean> {
  const { filter, progress } = calls
  const end = Math.min(filter.to, progress.prunedHour + HOUR_MS)
  if (progress.prunedHour < 0 || end <= filter.from) return false
  return (await firstRolledHour(tx, { progress, filter: { ...filter, to: end } })) !== undefined
}
