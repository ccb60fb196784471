import type { PreparedQuery, WriteTx } from '@iron/database'

/** SQL type of a column, as PostgreSQL casts it. */
type ColumnType = 'bigint' | 'text'

/**
 * An insert of any number of rows that stays prepared: row by row on SQLite, where a statement costs microseconds; in one
 * statement over arrays on PostgreSQL, where a round trip is what costs. Rows go in as ordered by the first column.
 */
export function insertMany<Row extends object>(
  table: string,
  columns: Readonly<Record<keyof Row & string, ColumnType>>,
): (tx: WriteTx, rows: readonly Row[]) => Promise<void> {
  const names = Object.keys(columns) as (keyof Row & string)[]
  const list = names.join(', ')
  const sqlite = `INSERT INTO ${table} (${list}) VALUES (${names.map(() => '?').join(', ')})`
  const one = `INSERT INTO ${table} (${list}) VALUES (${names.map((_, index) => `$${index + 1}`).join(', ')})`
  const arrays = names.map((name, index) => `$${index + 1}::${columns[name]}[]`).join(', ')
  const many = `INSERT INTO ${table} (${list}) SELECT ${list} FROM unnest(${arrays}) AS r (${list}) ORDER BY ${String(names[0])}`
  const valuesOf = (row: Row): unknown[] => names.map((name) => row[name])

  return async (tx, rows) => {
    const [first] = rows
    if (first === undefined) return
    if (tx.dialect === 'sqlite') {
      for (const row of rows) await tx.execute({ sql: sqlite, parameters: valuesOf(row) })
    } else {
      const query: PreparedQuery =
        rows.length === 1
          ? { sql: one, parameters: valuesOf(first), name: `journal_${table}_one` }
          : {
              sql: many,
              parameters: names.map((name) => rows.map((row) => row[name])),
              name: `journal_${table}_many`,
            }
      await tx.execute(query)
    }
  }
}
