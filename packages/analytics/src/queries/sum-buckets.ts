import { Faults, type ReadTx } from '@iron/database'
import {
  ADDED_SUMS,
  type CallSums,
  type CallKey,
  callSums,
  DAY_KEY,
  DAY_MS,
  HOUR_KEY,
  HOUR_MS,
  queryPart,
  type UsageTotals,
  usageTotalsOf,
} from '@iron/journal'
import { refuseFaults } from '../errors.ts'
import { type AskedCalls, firstCallAt } from './find-calls.ts'

/** Spans a timeline is divided in. */
export const BUCKETS = ['hour', 'day'] as const
export type Bucket = (typeof BUCKETS)[number]

/** Spans in one timeline (http-api 4.15). */
export const BUCKETS_MAX = 1_000

const BUCKET_MS: Readonly<Record<Bucket, number>> = { hour: HOUR_MS, day: DAY_MS }
const BUCKET_KEY: Readonly<Record<Bucket, CallKey>> = { hour: HOUR_KEY, day: DAY_KEY }

/** What was used in one span of a timeline. */
export interface TimelinePoint extends UsageTotals {
  /** Of the span in UTC, epoch ms; also when the period begins within it. */
  readonly start: number
}

const NOTHING: CallSums = {
  requests: 0,
  failed: 0,
  input_tokens: 0,
  output_tokens: 0,
  total_tokens: 0,
  cost_micros: 0,
  billed_micros: 0,
}

/** The sums of a set of calls span by span, those without calls included. */
export async function sumBuckets(tx: ReadTx, calls: AskedCalls, bucket: Bucket): Promise<readonly TimelinePoint[]> {
  const ms = BUCKET_MS[bucket]
  const starts = startsOf(await firstStart(tx, calls, ms), calls.filter.to, ms)
  const { sql, values } = callSums(calls, [BUCKET_KEY[bucket]])
  const text = `SELECT start, ${ADDED_SUMS} FROM (${sql}) AS calls GROUP BY 1`
  const rows = await queryPart<CallSums & { start: number }>(tx, { sql: text, values })
  const sums = new Map(rows.map((row) => [row.start, row]))
  return Object.freeze(starts.map((start) => Object.freeze({ start, ...usageTotalsOf(sums.get(start) ?? NOTHING) })))
}

/** Infinity: all time without calls is no time at all. */
async function firstStart(tx: ReadTx, calls: AskedCalls, ms: number): Promise<number> {
  const from = calls.period === 'all-time' ? await firstCallAt(tx, calls) : calls.filter.from
  return from === undefined ? Infinity : from - (from % ms)
}

function startsOf(first: number, end: number, ms: number): readonly number[] {
  const count = Math.max(0, Math.ceil((end - first) / ms))
  const faults = new Faults()
  faults.check(count <= BUCKETS_MAX, 'period', `has more than ${BUCKETS_MAX} spans of this length`)
  refuseFaults(faults)
  return Array.from({ length: count }, (_, index) => first + index * ms)
}
