import type { AnySchema } from '@iron/migrations'
import { type RawBuilder, sql } from 'kysely'
import type { SchemaObject } from './describe-schema.ts'

/**
 * PostgreSQL keeps no text, so it is put together from the catalogs, of the current schema alone. The pretty forms name no
 * schema that is on the search path, so two schemas made by the same steps have the same description.
 */
export async function describePostgres(db: AnySchema): Promise<SchemaObject[]> {
  const { rows } = await sql<SchemaObject>`
    ${tables()} UNION ALL ${indexes()} UNION ALL ${triggers()} UNION ALL ${functions()} UNION ALL ${views()}
  `.execute(db)
  return rows
}

const current = (): RawBuilder<unknown> => sql`(SELECT oid FROM pg_namespace WHERE nspname = current_schema())`

const notOfAnExtension = (catalog: string, oid: string): RawBuilder<unknown> => sql`
  NOT EXISTS (SELECT 1 FROM pg_depend WHERE classid = ${sql.lit(catalog)}::regclass AND objid = ${sql.ref(oid)} AND deptype = 'e')
`

/** Columns in their order, then constraints by name, then storage settings. */
const tables = (): RawBuilder<unknown> => sql`
  SELECT 'table' AS kind, c.relname::text AS name, 'CREATE TABLE ' || c.relname || E' (\n  ' || array_to_string(
    ARRAY(
      SELECT a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
        || CASE WHEN a.attcollation IN (0, t.typcollation) THEN '' ELSE ' COLLATE ' || quote_ident(l.collname) END
        || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
        || CASE WHEN a.attidentity = '' THEN '' ELSE ' IDENTITY ' || a.attidentity::text END
        || CASE WHEN d.oid IS NULL THEN '' WHEN a.attgenerated = '' THEN ' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid)
           ELSE ' GENERATED ' || pg_get_expr(d.adbin, d.adrelid) END
      FROM pg_attribute a
      JOIN pg_type t ON t.oid = a.atttypid
      LEFT JOIN pg_collation l ON l.oid = a.attcollation
      LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      ORDER BY a.attnum
    ) || ARRAY(
      SELECT 'CONSTRAINT ' || n.conname || ' ' || pg_get_constraintdef(n.oid, true)
        || CASE WHEN n.convalidated THEN '' ELSE ' (not validated)' END
      FROM pg_constraint n
      WHERE n.conrelid = c.oid AND n.contype IN ('p', 'u', 'c', 'f', 'x')
      ORDER BY n.conname COLLATE "C"
    ), E',\n  '
  ) || E'\n)'
    || CASE WHEN c.relkind = 'p' THEN ' PARTITION BY ' || pg_get_partkeydef(c.oid) ELSE '' END
    || CASE c.relpersistence WHEN 'p' THEN '' ELSE ' UNLOGGED' END
    || CASE WHEN c.relrowsecurity THEN ' ROW SECURITY' ELSE '' END
    || coalesce(' WITH (' || array_to_string(c.reloptions, ', ') || ')', '') AS sql
  FROM pg_class c
  WHERE c.relnamespace = ${current()} AND c.relkind IN ('r', 'p', 'f', 'm', 'S') AND ${notOfAnExtension('pg_class', 'c.oid')}
`

/** Indexes of keys are part of their constraint. An index that is not valid is not the one that was shipped. */
const indexes = (): RawBuilder<unknown> => sql`
  SELECT 'index', c.relname::text, pg_get_indexdef(i.indexrelid, 0, true) || CASE WHEN i.indisvalid THEN '' ELSE ' (not valid)' END
  FROM pg_index i
  JOIN pg_class c ON c.oid = i.indexrelid
  WHERE c.relnamespace = ${current()} AND ${notOfAnExtension('pg_class', 'i.indrelid')}
    AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = i.indexrelid AND contype IN ('p', 'u', 'x'))
`

/** A disabled trigger counts as changed. */
const triggers = (): RawBuilder<unknown> => sql`
  SELECT 'trigger', g.tgname::text, pg_get_triggerdef(g.oid, true)
      || CASE g.tgenabled WHEN 'O' THEN '' ELSE ' (enabled: ' || g.tgenabled::text || ')' END
  FROM pg_trigger g
  JOIN pg_class c ON c.oid = g.tgrelid
  WHERE c.relnamespace = ${current()} AND NOT g.tgisinternal AND ${notOfAnExtension('pg_class', 'c.oid')}
`

const functions = (): RawBuilder<unknown> => sql`
  SELECT 'function', p.proname::text || '(' || pg_get_function_identity_arguments(p.oid) || ')',
    'CREATE FUNCTION ' || p.proname || '(' || pg_get_function_arguments(p.oid) || ') RETURNS ' || pg_get_function_result(p.oid)
      || ' LANGUAGE ' || l.lanname || ' VOLATILITY ' || p.provolatile::text
      || CASE WHEN p.prosecdef THEN ' SECURITY DEFINER' ELSE '' END
      || coalesce(' SET ' || array_to_string(p.proconfig, ', '), '')
      || ' AS ' || p.prosrc
  FROM pg_proc p
  JOIN pg_language l ON l.oid = p.prolang
  WHERE p.pronamespace = ${current()} AND p.prokind IN ('f', 'p') AND ${notOfAnExtension('pg_proc', 'p.oid')}
`

const views = (): RawBuilder<unknown> => sql`
  SELECT 'view', c.relname::text, 'CREATE VIEW ' || c.relname || ' AS' || E'\n' || pg_get_viewdef(c.oid, true)
      || coalesce(' WITH (' || array_to_string(c.reloptions, ', ') || ')', '')
  FROM pg_class c
  WHERE c.relnamespace = ${current()} AND c.relkind = 'v' AND ${notOfAnExtension('pg_class', 'c.oid')}
`
