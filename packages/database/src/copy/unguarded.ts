import type { AnySchema, Engine } from '@iron/migrations'
import { sql } from 'kysely'

interface Statement {
  readonly drop: string
  readonly create: string
}

/**
 * Runs `load` in the open transaction without the triggers that admit only what happens now, one row after the other, and
 * without foreign keys between rows that arrive in any order; both are back before it returns, and every key was checked. Nobody
 * else can see or use the gap: the tables are locked until the transaction ends, and its end brings all or nothing.
 */
export async function unguarded<T>(db: AnySchema, engine: Engine, load: () => Promise<T>): Promise<T> {
  const guards = engine === 'sqlite' ? await sqliteGuards(db) : await postgresGuards(db)
  for (const { drop } of guards) await sql.raw(drop).execute(db)
  const value = await load()
  for (const { create } of guards) await sql.raw(create).execute(db)
  return value
}

/** SQLite counts open references and refuses the COMMIT while there are any. */
async function sqliteGuards(db: AnySchema): Promise<Statement[]> {
  await sql`PRAGMA defer_foreign_keys = ON`.execute(db)
  const { rows } = await sql<{
    name: string
    sql: string
  }>`SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' ORDER BY name`.execute(db)
  return rows.map(({ name, sql: create }) => ({ drop: `DROP TRIGGER "${name}"`, create }))
}

/** Making a foreign key checks all rows at once, which also is faster than one at a time. */
async function postgresGuards(db: AnySchema): Promise<Statement[]> {
  const { rows: triggers } = await sql<{ table: string }>`
    SELECT DISTINCT tgrelid::regclass::text AS "table" FROM pg_trigger
    WHERE NOT tgisinternal AND tgrelid IN (SELECT oid FROM pg_class
      WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema()))
    ORDER BY 1`.execute(db)
  const { rows: keys } = await sql<{ table: string; name: string; definition: string }>`
    SELECT conrelid::regclass::text AS "table", quote_ident(conname) AS name, pg_get_constraintdef(oid) AS definition
    FROM pg_constraint WHERE contype = 'f' AND conparentid = 0
      AND connamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
    ORDER BY 1, 2`.execute(db)
  return [
    ...keys.map(({ table, name, definition }) => ({
      drop: `ALTER TABLE ${table} DROP CONSTRAINT ${name}`,
      create: `ALTER TABLE ${table} ADD CONSTRAINT ${name} ${definition}`,
    })),
    ...triggers.map(({ table }) => ({
      drop: `ALTER TABLE ${table} DISABLE TRIGGER USER`,
      create: `ALTER TABLE ${table} ENABLE TRIGGER USER`,
    })),
  ]
}
