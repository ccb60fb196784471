import { type Amounts, minus, type Microdollars } from '@iron/cost-calculator'
import { type CallSums, usageTotalsOf } from '@iron/journal'
import { averageCost, percentOf } from './rounding.ts'

/** What percentiles say about the calls that told their latency; null when none did. */
export interface Latency {
  /** Milliseconds, within 5 percent. */
  readonly p50Ms: number | null
  readonly p95Ms: number | null
}

/** The figures of a set of calls (http-api 5.3). */
export interface Totals extends Amounts<'spend' | 'billed' | 'unbilled' | 'avgCostPerRequest'> {
  readonly requests: {
    readonly total: number
    readonly completed: number
    readonly failed: number
    /** Percent, 2 decimals; 0 without requests. */
    readonly successRate: number
  }
  /** What was not told counts as 0; a total told without its parts is in `total` only. */
  readonly tokens: { readonly input: number; readonly output: number; readonly total: number }
  readonly latency: Latency
}

/** The figures that sums tell. */
export function totalsOf(sums: CallSums, latency: Latency): Totals {
  const usage = usageTotalsOf(sums)
  const billed = sums.billed_micros as Microdollars
  return Object.freeze({
    spend: usage.cost,
    billed,
    unbilled: minus(usage.cost, billed),
    avgCostPerRequest: averageCost(usage.cost, usage.requests),
    requests: Object.freeze({
      total: usage.requests,
      completed: usage.completed,
      failed: usage.failed,
      successRate: percentOf(usage.completed, usage.requests),
    }),
    tokens: Object.freeze({ input: usage.inputTokens, output: usage.outputTokens, total: usage.totalTokens }),
    latency: Object.freeze(latency),
  })
}
