import {
  type AtTx,
  type Cursor,
  type CursorPage,
  cursorPage,
  type CursorWindow,
  cursorWindow,
  encodeCursor,
  type ReadTx,
} from '@iron/database'
import { JournalError } from '../errors.ts'
import { OWNER_WALK_MAX, ownsMany } from '../owners.ts'
import { allOf, besides, queryPart, type SqlPart } from '../sql-part.ts'
import type { Call } from './call.ts'
import { type CallFilter, conditionsOf, subjectIsOf } from './filter.ts'
import { HOUR_MS, readProgress } from './hours.ts'
import { mayBeRare, readAlong, type ReadPage, readRarely } from './rare-calls.ts'
import { callOf, REQUEST_COLUMNS, type RequestRow } from './row.ts'

type NamedRow = RequestRow & { readonly agent_name: string | null }

const select = `
  SELECT ${REQUEST_COLUMNS.join(', ')},
    CASE WHEN source = 'agent' THEN (SELECT o.agent_name FROM agent_owner o WHERE o.agent_id = requests.subject_id) END AS agent_name
  FROM`

const NOTHING: SqlPart = { sql: '', values: [] }

/** The call with an id (`req_…`). */
export async function getCall(tx: ReadTx, id: string): Promise<Call | undefined> {
  const [row] = await queryPart<NamedRow>(tx, { sql: `${select} requests WHERE id = ?`, values: [id] })
  return row === undefined ? undefined : callOf(row, row.agent_name)
}

/**
 * A page of calls by the time they were received.
 *
 * @throws {JournalError} CURSOR_EXPIRED when calls of the page were pruned
 */
export async function listCalls(tx: ReadTx, filter: CallFilter, options: Cursor & AtTx): Promise<CursorPage<Call>> {
  const window = cursorWindow(options, ['number', 'string'])
  const place: SqlPart[] = []
  if (filter.from !== undefined) place.push({ sql: 'received_at >= ?', values: [filter.from] })
  if (filter.to !== undefined) place.push({ sql: 'received_at < ?', values: [filter.to] })
  if (window.after !== undefined) {
    const { prunedHour } = await readProgress(tx)
    if (prunedHour >= 0 && Number(window.after[0]) < prunedHour + HOUR_MS) {
      const oldest = prunedHour + HOUR_MS
      const details = { oldest, oldestCursor: encodeCursor(oldest, '') }
      throw new JournalError('CURSOR_EXPIRED', 'the calls at this position are no longer kept', { details })
    }
    place.push(besides(window.order === 'asc' ? '>' : '<', window.after))
  }
  const reading =
    (conditions: readonly SqlPart[]): ReadPage<NamedRow> =>
    (more, among = NOTHING) => {
      const { sql, values } = allOf([{ sql: '1 = 1', values: [] }, ...conditions, ...place, ...more])
      // What is found otherwise than along the log is not ordered by its index: a sum is none of its columns.
      const time = among === NOTHING ? 'received_at' : 'received_at + 0'
      const order = `ORDER BY ${time} ${window.order}, id ${window.order} LIMIT ?`
      const page = `${select} ${among.sql} requests WHERE ${sql} ${order}`
      return queryPart<NamedRow>(tx, { sql: page, values: [...among.values, ...values, window.limit + 1] })
    }
  const rows = await rowsOfPage(tx, filter, window, place, reading)
  return cursorPage(
    rows,
    window.limit,
    (row) => callOf(row, row.agent_name),
    (row) => [row.received_at, row.id],
  )
}

/** The rows of a page, and one more if there is one: read the way that fits what is asked. */
async function rowsOfPage(
  tx: ReadTx,
  filter: CallFilter,
  window: CursorWindow,
  place: readonly SqlPart[],
  reading: (conditions: readonly SqlPart[]) => ReadPage<NamedRow>,
): Promise<readonly NamedRow[]> {
  const read = reading(conditionsOf(filter, 'requests'))
  if (mayBeRare(filter)) return readRarely(tx, filter, window, place, read)
  const { ownerId, ...others } = filter
  if (ownerId === undefined || !(await ownsMany(tx, ownerId))) return read([])
  const along = reading([...conditionsOf(others, 'requests'), subjectIsOf(ownerId)])
  return (await readAlong(tx, window, place, OWNER_WALK_MAX, along)) ?? read([])
}
