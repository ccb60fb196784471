import { createHash } from 'node:crypto'
import type { AnySchema } from '@iron/migrations'
import { CompiledQuery } from 'kysely'
import type { CopiedTable } from './copied-tables.ts'

/** A row as an object of column and value: text, whole number or null. */
export type CopiedRow = Readonly<Record<string, string | number | null>>

/** Rows read at once. */
const PAGE_ROWS = 1_000
/** Parameters of one statement that both engines take (SQLite 32 766). */
const PARAMETERS_MAX = 30_000
/** Rows of one INSERT: beyond, nothing gets faster. */
const INSERT_ROWS_MAX = 200

/** The rows of a table in pages, ordered by its key, so that memory does not grow with the table. */
export async function* pagesOf(
  db: AnySchema,
  { name, columns, key }: CopiedTable,
  parameter: (place: number) => string,
): AsyncIterable<readonly CopiedRow[]> {
  const list = columns.map(quoted).join(', ')
  const order = key.map(quoted).join(', ')
  const beyond = `WHERE (${order}) > (${key.map((_, index) => parameter(index + 1)).join(', ')})`
  const pageFrom = (where: string): string =>
    `SELECT ${list} FROM ${quoted(name)} ${where} ORDER BY ${order} LIMIT ${String(PAGE_ROWS)}`
  let last: CopiedRow | undefined
  for (;;) {
    const query =
      last === undefined ? CompiledQuery.raw(pageFrom('')) : CompiledQuery.raw(pageFrom(beyond), valuesOf(last, key))
    const { rows } = await db.executeQuery<CopiedRow>(query)
    if (rows.length > 0) yield rows
    if (rows.length < PAGE_ROWS) return
    last = rows.at(-1)
  }
}

/** Inserts rows, many in one statement. */
export async function insertRows(
  db: AnySchema,
  { name, columns }: CopiedTable,
  rows: readonly CopiedRow[],
  parameter: (place: number) => string,
): Promise<void> {
  const step = Math.min(INSERT_ROWS_MAX, Math.floor(PARAMETERS_MAX / columns.length))
  for (let from = 0; from < rows.length; from += step) {
    const part = rows.slice(from, from + step)
    const tuples = part.map(
      (_, row) => `(${columns.map((_name, column) => parameter(row * columns.length + column + 1)).join(', ')})`,
    )
    const text = `INSERT INTO ${quoted(name)} (${columns.map(quoted).join(', ')}) VALUES ${tuples.join(', ')}`
    const parameters = part.flatMap((row) => valuesOf(row, columns))
    await db.executeQuery(CompiledQuery.raw(text, parameters))
  }
}

/** A digest over all values of a table in order: equal on both sides means that not one of them differs. */
export class TableDigest {
  readonly #hash = createHash('sha256')
  readonly #columns: readonly string[]
  #rows = 0

  constructor({ columns }: CopiedTable) {
    this.#columns = columns
  }

  get rows(): number {
    return this.#rows
  }

  add(rows: readonly CopiedRow[]): void {
    this.#rows += rows.length
    this.#hash.update(rows.map((row) => JSON.stringify(valuesOf(row, this.#columns))).join('\n'))
    this.#hash.update('\n')
  }

  end(): string {
    return this.#hash.digest('hex')
  }
}

function valuesOf(row: CopiedRow, columns: readonly string[]): (string | number | null)[] {
  return columns.map((column) => row[column] ?? null)
}

/** Names come from the catalog; the quotes are for those that are words of SQL. */
function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
