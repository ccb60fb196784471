import type { ReadTx } from '@iron/database'
import { allOf, type SqlPart } from '../sql-part.ts'
import { type CallFilter, type CallTable, conditionsOf } from './filter.ts'
import { HOUR_MS, hourOf, type Progress, readProgress } from './hours.ts'

/** Calls that are asked about, on one snapshot. */
export interface CallSet {
  readonly filter: CallFilter
  /** How far the roll-ups have come. */
  readonly progress: Progress
}

/** Spans of changed hours that are read one by one. */
const SPANS_MAX = 100

interface Span {
  readonly from: number
  /** Exclusive. */
  readonly to: number
}

/** The calls of a filter, on the snapshot of `tx`. */
export async function callSet(tx: ReadTx, filter: CallFilter): Promise<CallSet> {
  return { filter, progress: withFewSpans(await readProgress(tx)) }
}

/** With more changed hours than can be read one by one, nothing since the first of them counts as finished. */
function withFewSpans(progress: Progress): Progress {
  const changed = progress.dirtyHours.filter((hour) => hour > progress.prunedHour)
  const [first] = changed
  if (first === undefined || merged(changed.map(hourSpan)).length <= SPANS_MAX) return progress
  return { ...progress, rolledHour: first - HOUR_MS, dirtyHours: [] }
}

/**
 * What `select` makes of `FROM … WHERE …` for the calls that are read from a table, all rows of it: once for each span of time,
 * because spans joined by OR would not be looked up by an index.
 *
 * Together the tables have each call once. Finished hours come from the roll-ups, which outlive the calls; the hours after
 * them, those noted as changed and the part of an hour before `to` are read from the calls, so that no figure is behind. `from`
 * is rounded down to its hour, as is a `to` in an hour whose calls are gone.
 */
export function callsIn(table: CallTable, calls: CallSet, select: (source: string) => string): SqlPart {
  const { rolled, changed, rest } = partsOf(calls)
  const raw = merged([...changed.map(hourSpan), rest])
  const times = table === 'requests' ? raw.map(rawTimes) : [rolledTimes(rolled, changed)]
  const parts = times.map((time) => allOf([time, ...conditionsOf(calls.filter, table)]))
  return {
    sql: parts.map(({ sql }) => select(`FROM ${table} WHERE ${sql}`)).join(' UNION ALL '),
    values: parts.flatMap(({ values }) => values),
  }
}

interface Parts {
  /** Finished hours, those that have changed since among them. */
  readonly rolled: Span
  /** Starts of hours, ascending. */
  readonly changed: readonly number[]
  readonly rest: Span
}

function partsOf({ filter, progress: { rolledHour, prunedHour, dirtyHours } }: CallSet): Parts {
  const from = hourOf(filter.from ?? 0)
  const wanted = filter.to ?? Number.MAX_SAFE_INTEGER
  const to = hourOf(wanted) <= prunedHour ? hourOf(wanted) : wanted
  const rolledEnd = Math.max(from, Math.min(hourOf(to), rolledHour < 0 ? 0 : rolledHour + HOUR_MS))
  const changed = dirtyHours.filter((hour) => hour >= from && hour < rolledEnd && hour > prunedHour)
  return { rolled: { from, to: rolledEnd }, changed, rest: { from: rolledEnd, to } }
}

function rolledTimes({ from, to }: Span, changed: readonly number[]): SqlPart {
  const within = { sql: 'hour_start >= ? AND hour_start < ?', values: [from, to] }
  if (changed.length === 0) return within
  return allOf([within, { sql: `hour_start NOT IN (${changed.map(() => '?').join(', ')})`, values: changed }])
}

function rawTimes({ from, to }: Span): SqlPart {
  return { sql: 'received_at >= ? AND received_at < ?', values: [from, to] }
}

function hourSpan(hour: number): Span {
  return { from: hour, to: hour + HOUR_MS }
}

/** Those that touch as one. */
function merged(spans: readonly Span[]): readonly Span[] {
  const result: Span[] = []
  for (const span of spans) {
    const last = result.at(-1)
    if (last?.to === span.from) result[result.length - 1] = { from: last.from, to: span.to }
    else result.push(span)
  }
  return result
}
