/**
 * Creates a described table with its keys, checks and indexes through Kysely's schema builder. Every constraint has a name, the
 * same on both engines, so that a refusal can be told apart by it.
 */
import { type ColumnDefinitionBuilder, type CreateTableBuilder, sql } from 'kysely'
import type { AnySchema, Engine } from '../step.ts'
import type { Column } from './columns.ts'

/** An index; `where` makes it partial. */
export interface Index {
  readonly columns: readonly string[]
  readonly unique?: boolean
  readonly where?: string
}

/** One table of data-model 3. */
export interface Table {
  readonly name: string
  readonly columns: Readonly<Record<string, Column>>
  readonly primaryKey: readonly string[]
  /** Rules over several columns, by the end of their names: `leases_<key>`. */
  readonly checks?: Readonly<Record<string, string>>
  /** By the end of their names. */
  readonly indexes?: Readonly<Record<string, Index>>
  /** SQLite: clustered by its primary key (data-model 8). */
  readonly clustered?: boolean
  /** PostgreSQL: rows that are updated on every call get room on their page (data-model 8). */
  readonly updatedOften?: boolean
}

const STORAGE = {
  sqlite: { text: 'text', integer: 'integer' },
  postgres: { text: 'text collate "C"', integer: 'bigint' },
} as const

const ROOM_FOR_UPDATES =
  'fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02'

export async function createTable(db: AnySchema, engine: Engine, table: Table): Promise<void> {
  let builder: CreateTableBuilder<string, string> = db.schema.createTable(table.name)
  for (const [name, column] of Object.entries(table.columns)) {
    builder = builder.addColumn(name, sql.raw(STORAGE[engine][column.storage]), (definition) =>
      define(definition, column),
    )
  }
  builder = builder.addPrimaryKeyConstraint(`${table.name}_pkey`, [...table.primaryKey])
  for (const [name, { references }] of Object.entries(table.columns)) {
    if (references === undefined) continue
    const { table: parent, column, onDelete } = references
    builder = builder.addForeignKeyConstraint(`${table.name}_${name}_fkey`, [name], parent, [column], (key) =>
      key.onDelete(onDelete),
    )
  }
  for (const [name, { check }] of Object.entries(table.columns)) {
    if (check !== undefined) builder = builder.addCheckConstraint(`${table.name}_${name}_check`, sql.raw(check(name)))
  }
  for (const [name, check] of Object.entries(table.checks ?? {})) {
    builder = builder.addCheckConstraint(`${table.name}_${name}`, sql.raw(check))
  }
  if (engine === 'sqlite')
    builder = builder.modifyEnd(sql.raw(table.clustered === true ? 'strict, without rowid' : 'strict'))
  else if (table.updatedOften === true) builder = builder.modifyEnd(sql.raw(`with (${ROOM_FOR_UPDATES})`))
  await builder.execute()
  for (const [name, index] of Object.entries(table.indexes ?? {})) await createIndex(db, table.name, name, index)
}

function define(definition: ColumnDefinitionBuilder, { nullable, defaultValue }: Column): ColumnDefinitionBuilder {
  const typed = nullable === true ? definition : definition.notNull()
  return defaultValue === undefined ? typed : typed.defaultTo(defaultValue)
}

async function createIndex(db: AnySchema, table: string, name: string, index: Index): Promise<void> {
  let builder = db.schema
    .createIndex(`${table}_${name}`)
    .on(table)
    .columns([...index.columns])
  if (index.unique === true) builder = builder.unique()
  if (index.where !== undefined) builder = builder.where(sql.raw<boolean>(index.where))
  await builder.execute()
}
