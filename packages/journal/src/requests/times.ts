import type { ReadTx } from '@iron/database'
import { allOf, type SqlPart } from '../sql-part.ts'
import { coverOf, type Piece, type Span } from './cover.ts'
import { asksSubjects, namesSubjects, type CallFilter, type CallTable, conditionsOf } from './filter.ts'
import { type Grain, GRAINS } from './grains.ts'
import { HOUR_MS, hourOf, type Progress, readProgress } from './hours.ts'
import type { CallKey } from './sums.ts'

/** Calls that are asked about, on one snapshot. */
export interface CallSet {
  readonly filter: CallFilter
  /** How far the roll-ups have come. */
  readonly progress: Progress
}

/** Spans of changed hours that are read one by one. */
const SPANS_MAX = 100

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
 * Together the tables have each call once. Finished hours come from the roll-ups and, where whole hours, days or months of them
 * are asked for, from their sums; both outlive the calls. The hours after them, those noted as changed and the part of an hour
 * before `to` are read from the calls, so that no figure is behind. `from` is rounded down to its hour, as is a `to` in an hour
 * whose calls are gone.
 *
 * @param keys what `select` tells calls apart by
 */
export function callsIn(
  table: CallTable,
  calls: CallSet,
  select: (source: string) => string,
  keys: readonly CallKey[] = [],
): SqlPart {
  const parts = timesIn(table, calls, keys).map((time) => allOf([time, ...conditionsOf(calls.filter, table)]))
  return {
    sql: parts.map(({ sql }) => select(`FROM ${table} WHERE ${sql}`)).join(' UNION ALL '),
    values: parts.flatMap(({ values }) => values),
  }
}

function timesIn(table: CallTable, calls: CallSet, keys: readonly CallKey[]): readonly SqlPart[] {
  const apart = asksSubjects(calls.filter) || keys.some(({ name }) => name === 'subject_id')
  const { summed, unsummed, changed, rest } = partsOf(calls, grainsOf(keys))
  switch (table) {
    case 'requests':
      return merged([...changed.map(hourSpan), rest]).map(rawTimes)
    case 'request_rollups':
      // Sums by the hour are kept for all subjects together only.
      return orNothing([...summed.filter(({ grain }) => apart && grain === 'hour'), ...unsummed]).map(rolledTimes)
    case 'request_sums':
      return orNothing(summed.filter(({ grain }) => !apart || grain !== 'hour')).map((piece) =>
        summedTimes(piece, apart, calls),
      )
  }
}

/** The spans in which roll-ups do not tell of all calls that are there: hours that lost some, changed since, or are not finished. */
export function unfinishedSpans({ rolledHour, prunedHour, dirtyHours }: Progress): readonly Span[] {
  const hours = [prunedHour, ...dirtyHours].filter((hour) => hour >= 0 && hour >= prunedHour && hour <= rolledHour)
  const rest = { from: rolledHour < 0 ? 0 : rolledHour + HOUR_MS, to: Number.MAX_SAFE_INTEGER }
  return merged([...hours.map(hourSpan), rest])
}

/** A query needs a source, if only an empty one. */
function orNothing(pieces: readonly Piece[]): readonly Piece[] {
  return pieces.length > 0 ? pieces : [{ grain: 'day', from: 0, to: 0, except: [] }]
}

/** The grains that may be read when calls are told apart by these keys. */
function grainsOf(keys: readonly CallKey[]): readonly Grain[] {
  return GRAINS.slice(Math.max(0, ...keys.map(({ grain }) => (grain === undefined ? 0 : GRAINS.indexOf(grain)))))
}

interface Parts {
  /** What is read from sums. */
  readonly summed: readonly Piece[]
  /** Finished hours that are not in the sums yet. */
  readonly unsummed: readonly Piece[]
  /** Finished hours that have changed since, ascending. */
  readonly changed: readonly number[]
  readonly rest: Span
}

function partsOf({ filter, progress }: CallSet, grains: readonly Grain[]): Parts {
  const { rolledHour, prunedHour, summedHour, dirtyHours } = progress
  const from = hourOf(filter.from ?? 0)
  const wanted = filter.to ?? Number.MAX_SAFE_INTEGER
  const to = hourOf(wanted) <= prunedHour ? hourOf(wanted) : wanted
  const rolledEnd = Math.max(from, Math.min(hourOf(to), rolledHour < 0 ? 0 : rolledHour + HOUR_MS))
  const changed = dirtyHours.filter((hour) => hour >= from && hour < rolledEnd && hour > prunedHour)
  const summedEnd = summedHour < 0 ? 0 : summedHour + HOUR_MS
  const turn = Math.max(from, Math.min(rolledEnd, summedEnd))
  const before = changed.filter((hour) => hour < turn)
  const after = changed.filter((hour) => hour >= turn)
  return {
    summed: coverOf({ from, to: turn, changed: before, summedEnd }, grains),
    unsummed: coverOf({ from: turn, to: rolledEnd, changed: after, summedEnd }, ['hour']),
    changed,
    rest: { from: rolledEnd, to },
  }
}

function rolledTimes({ from, to, except }: Piece): SqlPart {
  const within = { sql: 'hour_start >= ? AND hour_start < ?', values: [from, to] }
  return allOf([within, ...without('hour_start', except)])
}

/**
 * Sums of single subjects are looked up by these, and not by time, when the filter names some: SQLite takes any value of a first
 * key column for rare, so that one is hidden.
 */
function summedTimes({ grain, from, to, except }: Piece, apart: boolean, { filter }: CallSet): SqlPart {
  const column = namesSubjects(filter) ? "grain || ''" : 'grain'
  const times = `${column} = '${apart ? 'each_' : ''}${grain}' AND start >= ? AND start < ?`
  return allOf([{ sql: times, values: [from, to] }, ...without('start', except)])
}

/** The condition that a start is none of some. */
export function without(column: string, starts: readonly number[]): readonly SqlPart[] {
  if (starts.length === 0) return []
  return [{ sql: `${column} NOT IN (${starts.map(() => '?').join(', ')})`, values: starts }]
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
