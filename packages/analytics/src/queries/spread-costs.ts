import type { Amounts } from '@iron/cost-calculator'
import { Faults, type ReadTx } from '@iron/database'
import { callCosts, endOf, HOUR_MS, queryPart, startOf, usageTotalsOf } from '@iron/journal'
import { CostSpread } from '../cost-spread.ts'
import { readCounts } from '../count-texts.ts'
import { refuseFaults } from '../errors.ts'
import type { TimeRange } from '../period.ts'
import { averageCost, middleCost } from '../rounding.ts'
import { type AskedCalls, firstRolledHour, rangeOf, unrolled } from './find-calls.ts'
import { sumFigures } from './sum-all.ts'

/** Longest period over which costs are spread, in days (http-api 4.15). */
export const COSTS_DAYS_MAX = 31

/** Characters of counts that are kept between the two looks at them, a month of some ten million calls; of more they are read again. */
const KEPT_CHARACTERS_MAX = 32 * 1024 * 1024

/** How the costs of single calls are spread; all 0 without calls. */
export interface Costs extends Amounts<'avg' | 'median' | 'min' | 'max' | 'spend'> {
  readonly requests: number
}

/**
 * How the costs of a set of calls are spread. They are gone through twice: how many calls cost about how much tells where the
 * middle is, and only the costs near it are sorted.
 */
export async function spreadCosts(tx: ReadTx, calls: AskedCalls): Promise<Costs> {
  const range = await readableRange(tx, calls)
  const { cost: spend } = usageTotalsOf(await sumFigures(tx, calls))
  const spread = new CostSpread()
  const kept: string[] = []
  let characters = 0
  for await (const texts of costTexts(tx, calls, range)) {
    characters += texts.length
    if (characters <= KEPT_CHARACTERS_MAX) kept.push(texts)
    await readCounts(texts, (cost, count) => spread.add(cost, count))
  }
  const { calls: requests, min, max } = spread
  const lower = spread.at(Math.ceil(requests / 2))
  const upper = spread.at(Math.floor(requests / 2) + 1)
  for await (const texts of characters <= KEPT_CHARACTERS_MAX ? kept : costTexts(tx, calls, range)) {
    await readCounts(texts, (cost, count) => {
      lower.add(cost, count)
      upper.add(cost, count)
    })
  }
  const median = middleCost(lower.cost, upper.cost)
  return Object.freeze({ requests, spend, avg: averageCost(spend, requests), median, min, max })
}

/** Day by day, which bounds what is in memory. Hours that were rolled up without single costs are read from their calls. */
async function* costTexts(tx: ReadTx, calls: AskedCalls, { from }: TimeRange): AsyncIterable<string> {
  const { filter, progress } = calls
  const { costsFrom } = progress
  let start = from
  while (start < filter.to) {
    const day = Math.min(endOf('day', startOf('day', start)), filter.to)
    const end = start < costsFrom ? Math.min(day, costsFrom) : day
    const slice = { progress, filter: { ...filter, from: start, to: end } }
    const query = callCosts(start < costsFrom ? unrolled(slice) : slice)
    for (const { texts } of await queryPart<{ texts: string }>(tx, query)) yield texts
    start = end
  }
}

/** @throws {AnalyticsError} VALIDATION_ERROR when the period is too long or what some of its calls cost is not known any more */
async function readableRange(tx: ReadTx, calls: AskedCalls): Promise<TimeRange> {
  const range = await rangeOf(tx, calls)
  const faults = new Faults()
  faults.check(
    range.to - range.from <= COSTS_DAYS_MAX * 24 * HOUR_MS,
    'period',
    `must be at most ${COSTS_DAYS_MAX} days long`,
  )
  if (!faults.any && (await someAreGone(tx, calls)))
    faults.add('period', 'has calls that are no longer kept one by one')
  refuseFaults(faults)
  return range
}

/** Whether calls were pruned that had been rolled up before single costs were counted. */
async function someAreGone(tx: ReadTx, calls: AskedCalls): Promise<boolean> {
  const { filter, progress } = calls
  const end = Math.min(filter.to, progress.prunedHour + HOUR_MS, progress.costsFrom)
  if (end <= filter.from) return false
  return (await firstRolledHour(tx, { progress, filter: { ...filter, to: end } })) !== undefined
}
