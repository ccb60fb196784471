/**
 * Rows of calls that are new. A call whose key was kept is never booked again, and a row that is there is left to the caller; ON
 * CONFLICT alone would do for the row, but SQLite asks the trigger against replacing billed rows first, and that one raises. The
 * last hour that is rolled up comes back with a row, so that a clock that stepped back is noticed without another statement.
 */
import type { DialectName, SetType, WriteTx } from '@iron/database'
import { namedSql } from '../named-sql.ts'
import { parseHour, ROLLED_KEY } from './hours.ts'
import { REQUEST_COLUMNS, type RequestRow } from './row.ts'

/** A row was written. */
export interface Inserted {
  /** Start of the last hour that is rolled up. */
  readonly rolledHour: number
}

interface InsertedRow {
  readonly rolled_hour: string | null
}

/** Writes one row. `undefined`: the call is known. */
export async function insertRow(tx: WriteTx, row: RequestRow): Promise<Inserted | undefined> {
  const inserted = await insert.first(tx, row)
  return inserted && { rolledHour: parseHour(inserted.rolled_hour) }
}

/** Writes those rows, of different calls, whose calls are not known: in one statement on PostgreSQL. */
export async function insertRows(tx: WriteTx, rows: readonly RequestRow[]): Promise<ReadonlyMap<RequestRow, Inserted>> {
  const inserted = await insert.each(tx, rows)
  return new Map(
    rows.flatMap((row, index) => {
      const [written] = inserted[index] ?? []
      return written === undefined ? [] : [[row, { rolledHour: parseHour(written.rolled_hour) }] as const]
    }),
  )
}

const COLUMNS = REQUEST_COLUMNS.join(', ')
/** What is told of a row that was written. */
const ROLLED_HOUR = `(SELECT value FROM meta WHERE key = '${ROLLED_KEY}') AS rolled_hour`

const INTEGERS: ReadonlySet<string> = new Set<keyof RequestRow>([
  'input_tokens',
  'cache_read_tokens',
  'cache_write_tokens',
  'output_tokens',
  'reasoning_tokens',
  'total_tokens',
  'cost_micros',
  'overrun_micros',
  'billed',
  'late',
  'latency_ms',
  'at',
  'received_at',
])

/** PostgreSQL has to be told what a parameter of a SELECT list is. */
function typed(column: string, dialect: DialectName): string {
  return dialect === 'sqlite' ? `:${column}` : `CAST(:${column} AS ${typeOf(column)})`
}

function typeOf(column: string): SetType {
  return INTEGERS.has(column) ? 'bigint' : 'text'
}

const insert = namedSql<RequestRow, InsertedRow>(
  'request_insert',
  (dialect) => `
    INSERT INTO requests (${COLUMNS})
    SELECT ${REQUEST_COLUMNS.map((column) => typed(column, dialect)).join(', ')}
    WHERE NOT EXISTS (SELECT 1 FROM request_keys WHERE subject_id = :subject_id AND request_id = :request_id)
      AND NOT EXISTS (SELECT 1 FROM requests WHERE subject_id = :subject_id AND request_id = :request_id)
    ON CONFLICT (subject_id, request_id) DO NOTHING
    RETURNING ${ROLLED_HOUR}`,
  {
    types: Object.fromEntries(REQUEST_COLUMNS.map((column) => [column, typeOf(column)])) as Record<
      keyof RequestRow,
      SetType
    >,
    insert: {
      key: 'id',
      // The offset keeps PostgreSQL from reading all keys, as it would if it had made its plan when there were few.
      text: (rows) => `
    INSERT INTO requests (${COLUMNS})
    SELECT ${REQUEST_COLUMNS.map((column) => `:${column}`).join(', ')} FROM ${rows}
    WHERE NOT EXISTS (SELECT 1 FROM request_keys WHERE subject_id = :subject_id AND request_id = :request_id OFFSET 0)
    ON CONFLICT (subject_id, request_id) DO NOTHING
    RETURNING id AS tag, ${ROLLED_HOUR}`,
    },
  },
)
