import {
  type AtTx,
  type Cursor,
  type CursorPage,
  cursorPage,
  cursorWindow,
  encodeCursor,
  type ReadTx,
} from '@iron/database'
import { JournalError } from '../errors.ts'
import { allOf, queryPart, type SqlPart } from '../sql-part.ts'
import type { Call } from './call.ts'
import { type CallFilter, conditionsOf } from './filter.ts'
import { HOUR_MS, readProgress } from './hours.ts'
import { callOf, REQUEST_COLUMNS, type RequestRow } from './row.ts'

type NamedRow = RequestRow & { readonly agent_name: string | null }

const select = `
  SELECT ${REQUEST_COLUMNS.join(', ')},
    CASE WHEN source = 'agent' THEN (SELECT o.agent_name FROM agent_owner o WHERE o.agent_id = requests.subject_id) END AS agent_name
  FROM requests`

/** The call with an id (`req_…`). */
export async function getCall(tx: ReadTx, id: string): Promise<Call | undefined> {
  const [row] = await queryPart<NamedRow>(tx, { sql: `${select} WHERE id = ?`, values: [id] })
  return row === undefined ? undefined : callOf(row, row.agent_name)
}

/**
 * A page of calls by the time they were received.
 *
 * @throws {JournalError} CURSOR_EXPIRED when calls of the page were pruned
 */
export async function listCalls(tx: ReadTx, filter: CallFilter, options: Cursor & AtTx): Promise<CursorPage<Call>> {
  const window = cursorWindow(options, ['number', 'string'])
  const conditions: SqlPart[] = [...conditionsOf(filter, 'requests')]
  if (filter.from !== undefined) conditions.push({ sql: 'received_at >= ?', values: [filter.from] })
  if (filter.to !== undefined) conditions.push({ sql: 'received_at < ?', values: [filter.to] })
  if (window.after !== undefined) {
    const { prunedHour } = await readProgress(tx)
    if (prunedHour >= 0 && Number(window.after[0]) < prunedHour + HOUR_MS) {
      const oldest = prunedHour + HOUR_MS
      const details = { oldest, oldestCursor: encodeCursor(oldest, '') }
      throw new JournalError('CURSOR_EXPIRED', 'the calls at this position are no longer kept', { details })
    }
    conditions.push({ sql: `(received_at, id) ${window.order === 'asc' ? '>' : '<'} (?, ?)`, values: window.after })
  }
  const { sql, values } = allOf(conditions)
  const where = conditions.length === 0 ? '' : `WHERE ${sql}`
  const order = `ORDER BY received_at ${window.order}, id ${window.order} LIMIT ?`
  const page = { sql: `${select} ${where} ${order}`, values: [...values, window.limit + 1] }
  const rows = await queryPart<NamedRow>(tx, page)
  return cursorPage(
    rows,
    window.limit,
    (row) => callOf(row, row.agent_name),
    (row) => [row.received_at, row.id],
  )
}
