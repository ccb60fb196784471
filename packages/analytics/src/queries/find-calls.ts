import type { Clock, ReadTx } from '@iron/database'
import {
  type CallFilter,
  type CallKey,
  type CallSet,
  callSet,
  callsIn,
  type CallTable,
  DAY_KEY,
  endOf,
  type Grain,
  HOUR_KEY,
  HOUR_MS,
  queryPart,
} from '@iron/journal'
import { endsNow, type Period, resolvePeriod, type TimeRange } from '../period.ts'
import type { Scope } from '../scope.ts'
import { mustKnowAgent } from './known-agent.ts'

/** The calls a question is about. */
export interface AskedCalls extends CallSet {
  readonly period: Period
  /** The moment of the question, epoch ms. */
  readonly now: number
  readonly filter: CallFilter & TimeRange
}

/**
 * Settles which calls are meant. The clock is read after the snapshot is taken, and a period that ends now includes calls of
 * this very millisecond: what was recorded before the question is in the answer.
 *
 * @throws {AnalyticsError} AGENT_NOT_FOUND
 */
export async function findCalls(tx: ReadTx, period: Period, scope: Scope, clock: Clock): Promise<AskedCalls> {
  const calls = await callSet(tx, scope)
  const now = clock.now()
  await mustKnowAgent(tx, scope)
  const { from, to } = resolvePeriod(period, now, 0)
  return { ...calls, period, now, filter: { ...scope, from, to: endsNow(period) ? to + 1 : to } }
}

const NOTHING_ROLLED = { rolledHour: -1, summedHour: -1, prunedHour: -1, costsFrom: -1, dirtyHours: [] }

/** The same calls, to be read one by one, in finished hours too. */
export function unrolled<Calls extends CallSet>(calls: Calls): Calls {
  return { ...calls, progress: NOTHING_ROLLED }
}

/** The bounds of the period; `all-time` begins with the first call. */
export async function rangeOf(tx: ReadTx, calls: AskedCalls): Promise<TimeRange> {
  const { period, now } = calls
  return resolvePeriod(period, now, period === 'all-time' ? await firstCallAt(tx, calls) : undefined)
}

/** When the first of the calls was received; to the hour when it is no longer kept. `undefined`: there are none. */
export async function firstCallAt(tx: ReadTx, calls: CallSet): Promise<number | undefined> {
  const rolled = await firstRolledHour(tx, calls)
  const raw = await earliest(tx, 'requests', calls)
  if (rolled === undefined || (raw !== undefined && raw < rolled)) return raw
  if (rolled <= calls.progress.prunedHour) return rolled
  const hour = { ...calls, filter: { ...calls.filter, from: rolled, to: rolled + HOUR_MS } }
  return (await earliest(tx, 'requests', unrolled(hour))) ?? rolled
}

/** The first hour that is rolled up: of the first month that has calls, of its first day, its first hour. */
export async function firstRolledHour(tx: ReadTx, calls: CallSet): Promise<number | undefined> {
  const { to = Infinity } = calls.filter
  let first: number | undefined
  let within = calls
  for (const { keys, grain } of NARROWING) {
    const starts = [
      await earliest(tx, 'request_sums', within, keys),
      await earliest(tx, 'request_rollups', within, keys),
    ].filter((start) => start !== undefined)
    if (starts.length === 0) return first
    first = Math.min(...starts)
    within = { ...calls, filter: { ...calls.filter, from: first, to: Math.min(to, endOf(grain, first)) } }
  }
  return first
}

/** By what calls are looked for, and how long what is found may be. */
const NARROWING: readonly { readonly keys: readonly CallKey[]; readonly grain: Grain }[] = [
  { keys: [], grain: 'month' },
  { keys: [DAY_KEY], grain: 'day' },
  { keys: [HOUR_KEY], grain: 'hour' },
]

const START_COLUMN: Readonly<Record<CallTable, string>> = {
  requests: 'received_at',
  request_rollups: 'hour_start',
  request_sums: 'start',
}

async function earliest(
  tx: ReadTx,
  table: CallTable,
  calls: CallSet,
  keys: readonly CallKey[] = [],
): Promise<number | undefined> {
  const { sql, values } = callsIn(
    table,
    calls,
    (source) => `SELECT min(${START_COLUMN[table]}) AS first ${source}`,
    keys,
  )
  const query = { sql: `SELECT min(first) AS first FROM (${sql}) AS spans`, values }
  const [row] = await queryPart<{ first: number | null }>(tx, query)
  return row?.first ?? undefined
}
