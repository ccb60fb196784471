import type { AnySchema, Engine } from '@iron/migrations'
import { sql } from 'kysely'
import { TABLE_OWNERS, type TableName } from '../schema.ts'

/** A foreign key as far as its direction matters. */
export interface ForeignKey {
  readonly table: string
  readonly column: string
  readonly parent: string
}

/** Where a package stands in the layers of packages.md 0.1, among those that own tables. */
const LAYER: Readonly<Record<(typeof TABLE_OWNERS)[TableName], number>> = {
  database: 1,
  journal: 2,
  'token-manager': 3,
  'lease-manager': 3,
  analytics: 3,
  'agent-registry': 4,
}

/** Actors are recorded, not looked up; the owner of an API token is the one exception (data-model 1). */
const ACTOR_COLUMN = /(_by$|^actor|^owner_id$|^requester_id$)/

/** Why a foreign key may not exist, or undefined when it may (DAT-26). */
export function faultOf({ table, column, parent }: ForeignKey): string | undefined {
  if (ACTOR_COLUMN.test(column) && !(table === 'api_tokens' && column === 'owner_id')) return 'points to an actor'
  const owners: Readonly<Record<string, keyof typeof LAYER | undefined>> = TABLE_OWNERS
  const from = owners[table]
  const to = owners[parent]
  if (from === undefined || to === undefined) return 'joins a table that is not part of the schema'
  if (from === to || LAYER[to] < LAYER[from]) return undefined
  return `points from ${from} to ${to}, which it may not import`
}

/** The first column of every foreign key. */
export async function foreignKeys(db: AnySchema, engine: Engine): Promise<ForeignKey[]> {
  const query =
    engine === 'sqlite'
      ? sql<ForeignKey>`SELECT s.name AS "table", k."from" AS "column", k."table" AS parent
          FROM sqlite_schema s JOIN pragma_foreign_key_list(s.name) k WHERE s.type = 'table' AND k.seq = 0`
      : sql<ForeignKey>`SELECT c.relname::text AS "table", a.attname::text AS "column", p.relname::text AS parent
          FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class p ON p.oid = k.confrelid
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.conkey[1]
          WHERE k.contype = 'f' AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())`
  return (await query.execute(db)).rows
}
