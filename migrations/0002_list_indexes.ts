/**
 * Indexes that lists are read by (data-model 3): each gives a page in its order without a look at the rows of other pages. None is
 * on a column that a report writes. All may be there already: on a large PostgreSQL they are built before, with CONCURRENTLY.
 */
import { sql } from 'kysely'
import type { AnySchema, Engine } from './step.ts'

interface ListIndex {
  readonly table: string
  readonly columns: readonly string[]
  readonly where?: string
}

const indexes: Readonly<Record<string, ListIndex>> = {
  users_email_order: { table: 'users', columns: ['email', 'id'], where: 'deleted_at IS NULL' },
  api_tokens_created: { table: 'api_tokens', columns: ['created_at', 'id'] },
  api_tokens_name: { table: 'api_tokens', columns: ['name', 'id'] },
  limits_created: { table: 'limits', columns: ['created_at', 'id'] },
  provider_keys_created: { table: 'provider_keys', columns: ['created_at', 'id'] },
  agent_budgets_archived: { table: 'agent_budgets', columns: ['agent_id'], where: 'archived_at IS NOT NULL' },
  budget_requests_created: { table: 'budget_requests', columns: ['created_at', 'id'] },
  budget_requests_requested: { table: 'budget_requests', columns: ['requested_allocated_micros', 'id'] },
  agents_name: { table: 'agents', columns: ['name', 'id'] },
  agents_updated: { table: 'agents', columns: ['updated_at', 'id'] },
  // One for each state: next to an index that begins with the state SQLite would not take the one of silent agents.
  agents_running: { table: 'agents', columns: ['created_at', 'id'], where: "state = 'running'" },
  agents_idle: { table: 'agents', columns: ['created_at', 'id'], where: "state = 'idle'" },
  agents_stopped: { table: 'agents', columns: ['created_at', 'id'], where: "state = 'stopped'" },
  agents_failed: { table: 'agents', columns: ['created_at', 'id'], where: "state = 'failed'" },
  audit_log_operation: { table: 'audit_log', columns: ['operation', 'seq'] },
}

/** What is not given comes before everything in lists, as SQLite has it. */
const NULLS_FIRST = new Set(['email'])

export async function up(db: AnySchema, engine: Engine): Promise<void> {
  for (const [name, { table, columns, where }] of Object.entries(indexes)) {
    const spelled = columns.map((column) =>
      engine === 'postgres' && NULLS_FIRST.has(column) ? `${column} NULLS FIRST` : column,
    )
    const rows = where === undefined ? '' : ` WHERE ${where}`
    await sql.raw(`CREATE INDEX IF NOT EXISTS ${name} ON ${table} (${spelled.join(', ')})${rows}`).execute(db)
  }
}
