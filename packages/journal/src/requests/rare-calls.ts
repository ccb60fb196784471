/**
 * Pages of calls by their provider or model. Where such calls are frequent, a few steps along the log find a page. Where they are rare,
 * the roll-ups tell in which hours whose calls they are among, and only those are looked at: a report writes no index for it.
 */
import type { CursorWindow, ReadTx } from '@iron/database'
import { allOf, besides, queryPart, type SqlPart } from '../sql-part.ts'
import { asksSubjects, type CallFilter, conditionsOf } from './filter.ts'
import { HOUR_MS, hourOf, type Progress } from './hours.ts'
import { callSet, unfinishedSpans, without } from './times.ts'

/** Calls that are looked at one after the other before the roll-ups are asked. */
const WALK_MAX = 1_000

/** What a row's place in the log is known by. */
interface Placed {
  readonly id: string
  readonly received_at: number
}

/** Reads the page's rows that meet more conditions, at most one more than it holds; `among` stands before the table of calls. */
export type ReadPage<R> = (conditions: readonly SqlPart[], among?: SqlPart) => Promise<readonly R[]>

/** Whether a filter asks for calls that may be rare, and that roll-ups tell of: those write '' for what is not known. */
export function mayBeRare(filter: CallFilter): boolean {
  const { provider, model } = filter
  return !asksSubjects(filter) && provider !== '' && model !== '' && (provider ?? model) !== undefined
}

/** The rows of a page, and one more if there is one. */
export async function readRarely<R extends Placed>(
  tx: ReadTx,
  filter: CallFilter,
  window: CursorWindow,
  place: readonly SqlPart[],
  read: ReadPage<R>,
): Promise<readonly R[]> {
  return (await readAlong(tx, window, place, WALK_MAX, read)) ?? readByHours(tx, filter, window, read)
}

/** The same, if they are among so many calls from the page's place on. */
export async function readAlong<R extends Placed>(
  tx: ReadTx,
  { order, limit }: CursorWindow,
  place: readonly SqlPart[],
  calls: number,
  read: ReadPage<R>,
): Promise<readonly R[] | undefined> {
  const { sql, values } = allOf([{ sql: '1 = 1', values: [] }, ...place])
  const [end] = await queryPart<Placed>(tx, {
    sql: `SELECT received_at, id FROM requests WHERE ${sql} ORDER BY received_at ${order}, id ${order} LIMIT 1 OFFSET ?`,
    values: [...values, calls],
  })
  if (end === undefined) return read([])
  const found = await read([besides(order === 'asc' ? '<' : '>', [end.received_at, end.id])])
  return found.length > limit ? found : undefined
}

async function readByHours<R extends Placed>(
  tx: ReadTx,
  filter: CallFilter,
  window: CursorWindow,
  read: ReadPage<R>,
): Promise<readonly R[]> {
  const { progress } = await callSet(tx, filter)
  const found = [...(await readOfCells(tx, filter, window, progress, read))]
  for (const { from, to } of unfinishedSpans(progress)) {
    found.push(...(await read([{ sql: 'received_at >= ? AND received_at < ?', values: [from, to] }])))
  }
  const sign = window.order === 'asc' ? 1 : -1
  const compare = (one: R, other: R): number => one.received_at - other.received_at || (one.id < other.id ? -1 : 1)
  return found.sort((one, other) => sign * compare(one, other)).slice(0, window.limit + 1)
}

/** The page's rows of finished hours. A cell is what one agent or token called within an hour; each has one such call at least. */
async function readOfCells<R extends Placed>(
  tx: ReadTx,
  filter: CallFilter,
  { order, limit, after }: CursorWindow,
  { rolledHour, prunedHour, dirtyHours }: Progress,
  read: ReadPage<R>,
): Promise<readonly R[]> {
  const { from = 0, to = Number.MAX_SAFE_INTEGER } = filter
  const place = after === undefined ? undefined : hourOf(Number(after[0]))
  const [beyond, upTo] = order === 'asc' ? (['>', '<='] as const) : (['<', '>='] as const)
  const hours = [
    ...conditionsOf(filter, 'request_rollups'),
    { sql: 'hour_start > ? AND hour_start <= ?', values: [prunedHour, rolledHour] },
    ...without('hour_start', dirtyHours),
    { sql: 'hour_start >= ? AND hour_start < ?', values: [hourOf(from), to] },
    ...(place === undefined ? [] : [{ sql: `hour_start ${beyond}= ?`, values: [place] }]),
  ]
  // As many cells as a page has rows are enough, of hours that belong to it as a whole.
  const whole = allOf([
    ...hours,
    { sql: 'hour_start >= ? AND hour_start <= ?', values: [from, to - HOUR_MS] },
    ...(place === undefined ? [] : [{ sql: `hour_start ${beyond} ?`, values: [place] }]),
  ])
  const [last] = await queryPart<{ hour_start: number }>(tx, {
    sql: `SELECT hour_start FROM request_rollups WHERE ${whole.sql} ORDER BY hour_start ${order} LIMIT 1 OFFSET ?`,
    values: [...whole.values, limit],
  })
  const enough = last === undefined ? [] : [{ sql: `hour_start ${upTo} ?`, values: [last.hour_start] }]
  const cells = allOf([...hours, ...enough])
  return read([{ sql: CALLS_OF_CELL, values: [] }], {
    sql: `(SELECT DISTINCT hour_start AS hour, subject_id AS subject FROM request_rollups WHERE ${cells.sql}) AS cell CROSS JOIN`,
    values: cells.values,
  })
}

const CALLS_OF_CELL = `subject_id = cell.subject AND received_at >= cell.hour AND received_at < cell.hour + ${HOUR_MS}`
