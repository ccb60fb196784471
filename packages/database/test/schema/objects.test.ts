import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { steps } from '@iron/migrations'
import { enginesForTests } from '@iron/test-kit'
import { applyMigrations } from '../../src/migrate/apply.ts'
import { TABLE_OWNERS, VIEW_NAMES } from '../../src/schema.ts'
import { type EmptyDatabase, openEmpty } from '../migrate/open-empty.ts'
import { columnsOf, TABLES, VIEWS } from './data-model.ts'

const INTEGERS = new Set(['money', 'int', 'signed', 'time', 'flag'])
const currentNamespace = '(SELECT oid FROM pg_namespace WHERE nspname = current_schema())'

/** `name integer|text ?` and the default, of every column of a table or view. */
async function liveColumns(database: EmptyDatabase, table: string): Promise<string[]> {
  const query =
    database.dialect === 'sqlite'
      ? `SELECT name, lower(type) AS type, "notnull" AS required, dflt_value AS value FROM pragma_table_info('${table}') ORDER BY cid`
      : `SELECT a.attname::text AS name, format_type(a.atttypid, NULL) AS type, a.attnotnull::int::bigint AS required,
          pg_get_expr(d.adbin, d.adrelid) AS value FROM pg_attribute a
          LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
          WHERE a.attrelid = '${table}'::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`
  const rows = await database.rows<{ name: string; type: string; required: number; value: string | null }>(query)
  return rows.map(({ name, type, required, value }) => {
    const text = value === null ? '' : ` = ${value.replace(/::\w+$/, '').replace(/^'(.*)'$/, '$1')}`
    return `${name} ${type === 'bigint' ? 'integer' : type}${required === 1 ? '' : '?'}${text}`
  })
}

function modelColumns(table: string): string[] {
  const model = TABLES[table]
  if (model === undefined) throw new Error(`no table ${table}`)
  return columnsOf(model).map(({ name, kind, nullable, values, defaultValue }) => {
    const integer = INTEGERS.has(kind) || (kind === 'enum' && /^\d+$/.test(values[0] ?? ''))
    return `${name} ${integer ? 'integer' : 'text'}${nullable ? '?' : ''}${defaultValue === undefined ? '' : ` = ${defaultValue}`}`
  })
}

/** White space, quotes, case and the casts of PostgreSQL do not matter. */
function plain(sql: string): string {
  return sql
    .replaceAll('"', '')
    .replaceAll('::text', '')
    .replaceAll(' NULLS FIRST', '')
    .replace(/= ANY \(ARRAY\[([^\]]*)\]\)/g, 'IN ($1)')
    .replace(/<> ALL \(ARRAY\[([^\]]*)\]\)/g, 'NOT IN ($1)')
    .replace(/[\s()]+/g, ' ')
    .trim()
    .toLowerCase()
}

describe.each(await enginesForTests())('schema on %s', (dialect) => {
  let database: EmptyDatabase

  beforeAll(async () => {
    database = await openEmpty(dialect)
    await applyMigrations(database.host, { mode: 'apply', appVersion: '0.0.0' })
  })
  afterAll(async () => {
    await database[Symbol.asyncDispose]()
  })

  async function names(kind: 'table' | 'view' | 'index'): Promise<string[]> {
    const relkind = { table: 'r', view: 'v', index: 'i' }[kind]
    const rows = await database.rows<{ name: string }>(
      dialect === 'sqlite'
        ? `SELECT name FROM sqlite_schema WHERE type = '${kind}' AND name NOT LIKE 'sqlite~_%' ESCAPE '~'`
        : `SELECT relname::text AS name FROM pg_class c WHERE relnamespace = ${currentNamespace} AND relkind = '${relkind}'
            AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = c.oid)`,
    )
    return rows.map(({ name }) => name).sort()
  }

  test('DAT-08 has exactly the 34 tables of the data model, each with one owner', async () => {
    const tables = dialect === 'sqlite' ? await names('table') : (await ordinaryTables()).sort()
    expect(tables).toEqual(Object.keys(TABLES).sort())
    expect(tables).toHaveLength(34)
    expect(Object.keys(TABLE_OWNERS).sort()).toEqual(tables)
  })

  async function ordinaryTables(): Promise<string[]> {
    const rows = await database.rows<{ name: string }>(
      `SELECT relname::text AS name FROM pg_class WHERE relnamespace = ${currentNamespace} AND relkind = 'r'`,
    )
    return rows.map(({ name }) => name)
  }

  test('DAT-08 has exactly the views of the data model', async () => {
    expect(await names('view')).toEqual(Object.keys(VIEWS).sort())
    expect([...VIEW_NAMES].sort()).toEqual(Object.keys(VIEWS).sort())
    for (const [view, columns] of Object.entries(VIEWS)) {
      const live = await liveColumns(database, view)
      expect([view, ...live.map((column) => column.split(' ')[0])]).toEqual([view, ...columns])
    }
  })

  test.each(Object.keys(TABLES))('DAT-08 DAT-18 %s has exactly its columns', async (table) => {
    expect(await liveColumns(database, table)).toEqual(modelColumns(table))
  })

  test('has exactly the indexes of the data model', async () => {
    const expected = Object.values(TABLES).flatMap(({ indexes = {} }) => Object.keys(indexes))
    expect(await names('index')).toEqual(expected.sort())
  })

  test.each(
    Object.entries(TABLES).flatMap(([table, { indexes = {} }]) =>
      Object.entries(indexes).map(([name, text]) => [name, table, text]),
    ),
  )('index %s', async (name, table, text) => {
    const [row] = await database.rows<{ sql: string }>(
      dialect === 'sqlite'
        ? `SELECT sql FROM sqlite_schema WHERE name = '${name}'`
        : `SELECT pg_get_indexdef('${name}'::regclass, 0, true) AS sql`,
    )
    const { unique, columns, where } =
      /^(?<unique>unique )?(?<columns>.*?)(?<where> where .*)?$/.exec(text)?.groups ?? {}
    const expected = `create ${unique ?? ''}index ${name} on ${table} (${columns ?? ''})${where ?? ''}`
    expect(plain((row?.sql ?? '').replace(' USING btree', ''))).toBe(plain(expected))
  })

  test.each(Object.entries(TABLES))('DAT-16 DAT-26 keys of %s', async (table, model) => {
    const primary = await database.rows<{ name: string }>(
      dialect === 'sqlite'
        ? `SELECT name FROM pragma_table_info('${table}') WHERE pk > 0 ORDER BY pk`
        : `SELECT a.attname::text AS name FROM pg_constraint c CROSS JOIN unnest(c.conkey) WITH ORDINALITY k(num, pos)
            JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.num
            WHERE c.conrelid = '${table}'::regclass AND c.contype = 'p' ORDER BY k.pos`,
    )
    expect(primary.map(({ name }) => name).join(', ')).toBe(model.primaryKey)
    const foreign = await database.rows<{ text: string }>(
      dialect === 'sqlite'
        ? `SELECT "from" || ' -> ' || "table" || '.' || "to" || CASE on_delete WHEN 'RESTRICT' THEN '' ELSE ' ' || lower(on_delete) END
            AS text FROM pragma_foreign_key_list('${table}') ORDER BY 1`
        : `SELECT a.attname || ' -> ' || p.relname || '.' || b.attname || CASE c.confdeltype WHEN 'r' THEN '' WHEN 'c' THEN ' cascade'
            ELSE ' ' || c.confdeltype::text END AS text FROM pg_constraint c JOIN pg_class p ON p.oid = c.confrelid
            JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
            JOIN pg_attribute b ON b.attrelid = c.confrelid AND b.attnum = c.confkey[1]
            WHERE c.conrelid = '${table}'::regclass AND c.contype = 'f' ORDER BY 1`,
    )
    expect(foreign.map(({ text }) => text)).toEqual([...(model.foreignKeys ?? [])].sort())
  })

  test('DAT-13 cascades exist for pure link rows only', async () => {
    const cascades = Object.entries(TABLES).flatMap(([table, { foreignKeys = [] }]) =>
      foreignKeys.filter((key) => key.endsWith(' cascade')).map(() => table),
    )
    expect(new Set(cascades)).toEqual(new Set(['api_token_secrets', 'agent_providers', 'agent_tags']))
  })

  if (dialect === 'sqlite') {
    test('DAT-16 every table is STRICT, and clustered by its key where the data model says so', async () => {
      const rows = await database.rows<{ name: string; strict: number; wr: number }>(
        "SELECT name, strict, wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~'",
      )
      expect(rows.filter(({ strict }) => strict !== 1)).toEqual([])
      const clustered = Object.keys(TABLES).filter((table) => TABLES[table]?.withoutRowid === true)
      expect(
        rows
          .filter(({ wr }) => wr === 1)
          .map(({ name }) => name)
          .sort(),
      ).toEqual(clustered.sort())
    })
  } else {
    test('texts sort by code point, and busy tables leave room for updates', async () => {
      const loose = await database.rows(
        `SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_collation l ON l.oid = a.attcollation
          WHERE c.relnamespace = ${currentNamespace} AND c.relkind = 'r' AND a.attnum > 0 AND l.collname <> 'C'`,
      )
      expect(loose).toEqual([])
      const rows = await database.rows<{ name: string; options: string }>(
        `SELECT relname::text AS name, array_to_string(reloptions, ' ') AS options FROM pg_class
          WHERE relnamespace = ${currentNamespace} AND relkind = 'r' AND reloptions IS NOT NULL`,
      )
      const busy = Object.keys(TABLES).filter((table) => TABLES[table]?.roomForUpdates === true)
      expect(rows.map(({ name }) => name).sort()).toEqual(busy.sort())
      for (const { options } of rows) {
        expect(options).toBe('fillfactor=70 autovacuum_vacuum_scale_factor=0.02 autovacuum_analyze_scale_factor=0.02')
      }
    })
  }

  test('DAT-06 the steps bring no rows but the two log heads', async () => {
    for (const table of Object.keys(TABLES)) {
      const rows = await database.rows(`SELECT * FROM ${table}`)
      if (table === 'schema_migrations') expect(rows).toHaveLength(steps.length)
      else if (table !== 'log_heads') expect([table, rows]).toEqual([table, []])
    }
    expect(await database.rows('SELECT name, head_seq, head_hash, floor FROM log_heads ORDER BY name')).toEqual([
      { name: 'audit', head_seq: 0, head_hash: '0'.repeat(64), floor: 0 },
      { name: 'events', head_seq: 0, head_hash: null, floor: 0 },
    ])
  })
})

test('schema.ts has the columns, nulls and defaults of the data model', () => {
  const source = readFileSync(new URL('../../src/schema.ts', import.meta.url), 'utf8')
  const map = new Map(
    [...source.matchAll(/^ {2}(\w+): (\w+Table)$/gm)].map(([, table, name]) => [name, table] as const),
  )
  expect([...map.values()].sort()).toEqual(Object.keys(TABLES).sort())
  for (const [, name, body] of source.matchAll(/export interface (\w+Table) \{\n(.*?)\n\}/gs)) {
    const table = map.get(name) as string
    const typed = [...(body as string).matchAll(/^ {2}(\w+): (.*)$/gm)].map(
      ([, column, type = '']) =>
        `${column ?? ''}${type.endsWith('| null') ? '?' : ''}${type.startsWith('Generated<') ? ' =' : ''}`,
    )
    const model = columnsOf(TABLES[table] as (typeof TABLES)[string])
    expect([table, ...typed]).toEqual([
      table,
      ...model.map(
        (column) => `${column.name}${column.nullable ? '?' : ''}${column.defaultValue === undefined ? '' : ' ='}`,
      ),
    ])
    for (const { name: column, kind } of model) {
      const type = new RegExp(`^  ${column}: (.*)$`, 'm').exec(body as string)?.[1] ?? ''
      if (kind === 'money') expect([table, column, type.includes('Microdollars')]).toEqual([table, column, true])
      if (kind === 'flag') expect([table, column, type.includes('Flag')]).toEqual([table, column, true])
    }
  }
})
