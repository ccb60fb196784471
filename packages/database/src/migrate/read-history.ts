import type { AnySchema, Engine } from '@iron/migrations'
import { sql } from 'kysely'
import type { Found, RecordedStep } from './history.ts'

/** What the database is, judged by its tables and by schema_migrations. Reads only. */
export async function readHistory(db: AnySchema, engine: Engine): Promise<Found> {
  const tables = await tableNames(db, engine)
  if (tables.length === 0) return { kind: 'empty' }
  if (!tables.includes('schema_migrations') || !(await isOurs(db, engine))) return { kind: 'unknown' }
  const rows = await db
    .selectFrom('schema_migrations')
    .select(['number', 'name', 'checksum', 'schema_hash as schemaHash'])
    .orderBy('number')
    .execute()
  const steps = rows.map((row) => ({ ...(row as RecordedStep), number: Number(row.number) }))
  return steps.length === 0 ? { kind: 'unknown' } : { kind: 'recorded', steps }
}

/** Whether any table holds a row besides those that the migrations themselves write. */
export async function holdsData(db: AnySchema, engine: Engine): Promise<boolean> {
  const tables = (await tableNames(db, engine)).filter((name) => name !== 'schema_migrations' && name !== 'log_heads')
  for (const table of tables) {
    const { rows } = await sql<{ one: number }>`SELECT 1 AS one FROM ${sql.table(table)} LIMIT 1`.execute(db)
    if (rows.length > 0) return true
  }
  return false
}

/** Another tool may keep a table of the same name: ours has these columns. */
async function isOurs(db: AnySchema, engine: Engine): Promise<boolean> {
  const columns =
    engine === 'sqlite'
      ? sql<{ name: string }>`SELECT name FROM pragma_table_info('schema_migrations')`
      : sql<{ name: string }>`SELECT attname::text AS name FROM pg_attribute
          WHERE attrelid = to_regclass('schema_migrations') AND attnum > 0 AND NOT attisdropped`
  const names = new Set((await columns.execute(db)).rows.map(({ name }) => name))
  return ['number', 'name', 'checksum', 'schema_hash', 'app_version', 'applied_at'].every((name) => names.has(name))
}

async function tableNames(db: AnySchema, engine: Engine): Promise<string[]> {
  const query =
    engine === 'sqlite'
      ? sql<{
          name: string
        }>`SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~'`
      : sql<{ name: string }>`SELECT c.relname::text AS name FROM pg_class c
          WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()) AND c.relkind IN ('r', 'p')
          AND NOT EXISTS (SELECT 1 FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype = 'e')`
  return (await query.execute(db)).rows.map(({ name }) => name)
}
