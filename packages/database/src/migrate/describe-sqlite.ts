import type { AnySchema } from '@iron/migrations'
import { sql } from 'kysely'
import type { SchemaObject } from './describe-schema.ts'

/** SQLite keeps the text of every object; white space is the only thing in it that does not matter. */
export async function describeSqlite(db: AnySchema): Promise<SchemaObject[]> {
  const { rows } = await sql<{ kind: 'table' | 'index' | 'trigger' | 'view'; name: string; text: string }>`
    SELECT type AS kind, name, sql AS text FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite~_%' ESCAPE '~'
  `.execute(db)
  return rows.map(({ kind, name, text }) => ({ kind, name, sql: text.replace(/\s+/g, ' ').trim() }))
}
