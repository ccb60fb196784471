/**
 * The first schema: 27 tables, 5 views, and the rules that keep the logs append-only (data-model 3 and 5). It carries no data
 * but the two rows of log_heads that the logs count from.
 */
import { sql } from 'kysely'
import { createTable } from './0001_baseline/create-table.ts'
import { agentRegistryTables } from './0001_baseline/tables-agent-registry.ts'
import { databaseTables } from './0001_baseline/tables-database.ts'
import { journalTables } from './0001_baseline/tables-journal.ts'
import { leaseManagerTables, NO_HASH } from './0001_baseline/tables-lease-manager.ts'
import { tokenManagerTables } from './0001_baseline/tables-token-manager.ts'
import { createTriggers } from './0001_baseline/triggers.ts'
import { views } from './0001_baseline/views.ts'
import type { AnySchema, Engine } from './step.ts'

export async function up(db: AnySchema, engine: Engine): Promise<void> {
  const tables = [databaseTables, journalTables, tokenManagerTables, leaseManagerTables, agentRegistryTables].flat()
  for (const table of tables) await createTable(db, engine, table)
  for (const [name, query] of Object.entries(views)) await sql.raw(`CREATE VIEW ${name} AS ${query}`).execute(db)
  await sql
    .raw(`INSERT INTO log_heads (name, head_hash, updated_at) VALUES ('audit', '${NO_HASH}', 0), ('events', NULL, 0)`)
    .execute(db)
  await createTriggers(db, engine)
}
