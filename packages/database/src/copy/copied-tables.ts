import type { AnySchema, Engine } from '@iron/migrations'
import { sql } from 'kysely'

/** A table as a copy sees it: rows are read in the order of their key, which both engines compare by bytes. */
export interface CopiedTable {
  readonly name: string
  readonly columns: readonly string[]
  readonly key: readonly string[]
}

/** What the migrations of the target have written itself. */
const NOT_COPIED = 'schema_migrations'

interface ColumnRow {
  readonly table: string
  readonly column: string
  /** Place in the primary key from 1; 0 when it is not part of it. */
  readonly place: number
}

/** Every table whose rows move, by name. */
export async function copiedTables(db: AnySchema, engine: Engine): Promise<CopiedTable[]> {
  const query =
    engine === 'sqlite'
      ? sql<ColumnRow>`SELECT s.name AS "table", c.name AS "column", c.pk AS place
          FROM sqlite_schema s JOIN pragma_table_info(s.name) c
          WHERE s.type = 'table' AND s.name NOT LIKE 'sqlite~_%' ESCAPE '~' ORDER BY s.name, c.name`
      : sql<ColumnRow>`SELECT c.relname::text AS "table", a.attname::text AS "column",
            coalesce(array_position(i.indkey::int2[], a.attnum) + 1, 0)::int AS place
          FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
          JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
          WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
            AND c.relkind IN ('r', 'p') AND NOT c.relispartition
          ORDER BY c.relname COLLATE "C", a.attname COLLATE "C"`
  const { rows } = await query.execute(db)
  const tables = Map.groupBy(
    rows.filter(({ table }) => table !== NOT_COPIED),
    ({ table }) => table,
  )
  return [...tables].map(([name, columns]) => ({
    name,
    columns: columns.map(({ column }) => column),
    key: columns
      .filter(({ place }) => place > 0)
      .sort((a, b) => a.place - b.place)
      .map(({ column }) => column),
  }))
}

/** How many rows a table has. */
export async function countRows(db: AnySchema, table: string): Promise<number> {
  const { rows } = await sql<{ count: number }>`SELECT count(*) AS count FROM ${sql.table(table)}`.execute(db)
  return rows[0]?.count ?? 0
}
