/**
 * What lists of many agents are read by (data-model 3.4): sums and counts that triggers keep, so that a page's total needs no look at
 * every row, and coarse orders of budgets. A report changes what an agent has spent, and an index on that would be written by every
 * report; a rank changes once in many, and agents of one rank are few enough to be sorted. Whoever writes budgets need not know.
 */
import { sql } from 'kysely'
import { count, oneOf, text } from './0001_baseline/columns.ts'
import { createTable } from './0001_baseline/create-table.ts'
import { copiedColumns, createCopyTriggers } from './0005_kept_sums/agents.ts'
import { createRankTriggers, rankColumns } from './0005_kept_sums/budget-ranks.ts'
import {
  ARCHIVED,
  BEYOND,
  createSumTriggers,
  FIGURES,
  FILL_BUDGET_SUMS,
  OWNER_RESERVED_VIEW,
} from './0005_kept_sums/budget-sums.ts'
import { createCountTriggers, FILL_LIST_COUNTS } from './0005_kept_sums/counts.ts'
import { moveEventHead } from './0005_kept_sums/event-head.ts'
import { FILL_LATE, keepLate } from './0005_kept_sums/late.ts'
import { agentTags, createTagTriggers, FILL_TAGS, taggedAgentView } from './0005_kept_sums/tags.ts'
import type { AnySchema, Engine } from './step.ts'

/** Longest part: a status, and a tag that names the owner whom an agent had. */
const PART_MAX = 300
/** Longest id of an owner; `''` is everybody. */
const OWNER_MAX = 255

/** Whole numbers that may be negative: what one transaction took from a row that another one filled. */
const signed = { storage: 'integer' } as const

const INDEXES: Readonly<Record<string, string>> = {
  agent_budgets_used: 'agent_budgets (used_rank, agent_id) WHERE archived_at IS NULL',
  agent_budgets_spent: 'agent_budgets (spent_rank, agent_id) WHERE archived_at IS NULL',
  agent_budgets_left: 'agent_budgets (left_rank, agent_id) WHERE archived_at IS NULL',
  agent_budgets_allocated: 'agent_budgets (allocated_micros, agent_id) WHERE archived_at IS NULL',
  agent_budgets_created: 'agent_budgets (created_at, agent_id) WHERE archived_at IS NULL',
  // With all that a name is looked for by: on SQLite a search reads this much of each agent, and no row but those that it shows.
  agents_created: 'agents (created_at, id, archived, name)',
  // An owner may have most of all agents, and asks for those in a state, or with a text in their names.
  agents_owner: 'agents (owner_id, created_at, id, archived, state, name)',
  agents_archived: 'agents (created_at, id, name) WHERE archived = 1',
  budget_requests_wanted: 'budget_requests (status, requested_allocated_micros, id)',
  users_suspended: 'users (created_at, id) WHERE suspended_at IS NOT NULL AND deleted_at IS NULL',
  users_deleted: 'users (created_at, id) WHERE deleted_at IS NOT NULL',
  users_last_login: 'users (last_login_at NULLS FIRST, id) WHERE deleted_at IS NULL',
  // One for each role: next to an index that begins with the role SQLite would not take the one of admins in office.
  users_admins: "users (created_at, id) WHERE role = 'admin' AND deleted_at IS NULL",
  users_users: "users (created_at, id) WHERE role = 'user' AND deleted_at IS NULL",
  users_viewers: "users (created_at, id) WHERE role = 'viewer' AND deleted_at IS NULL",
  api_tokens_expires: 'api_tokens (expires_at, id)',
  api_tokens_last_used: 'api_tokens (last_used_at NULLS FIRST, id)',
  api_tokens_project: 'api_tokens (project_id, created_at, id) WHERE project_id IS NOT NULL',
  api_tokens_revoked: 'api_tokens (created_at, id) WHERE revoked_at IS NOT NULL',
  // Keys of deleted providers are counted apart.
  providers_deleted: 'providers (id) WHERE deleted_at IS NOT NULL',
  provider_keys_last_used: 'provider_keys (last_used_at NULLS FIRST, id)',
  // The index of resources holds a type's entries in the order of its resources, not in that of the log.
  audit_log_type: 'audit_log (resource_type, seq)',
  // Roll-ups are written in the background: they are where calls of a rare provider or model are found by.
  request_rollups_provider: 'request_rollups (provider, hour_start)',
  request_rollups_model: 'request_rollups (model, hour_start)',
  // Not those of reports, which are most of all events: a report writes nothing more.
  events_type: "events (type, seq) WHERE type NOT IN ('request.completed', 'request.failed')",
}

const DROPPED = [
  // It is made anew with more columns.
  'agents_created',
  // Nobody asks for the calls of a lease, and every report wrote it (measured: one in eight of the pages that reports write).
  'requests_lease',
]

export async function up(db: AnySchema, engine: Engine): Promise<void> {
  await createTable(db, engine, {
    name: 'budget_sums',
    columns: {
      owner_id: text(0, OWNER_MAX),
      grade: { storage: 'integer', check: (name) => `${name} BETWEEN ${String(ARCHIVED)} AND ${String(BEYOND)}` },
      shard: count(),
      agents: signed,
      ...Object.fromEntries(
        FIGURES.flatMap((name) => [[`${name}_whole`, signed] as const, [`${name}_rest`, signed] as const]),
      ),
    },
    primaryKey: ['owner_id', 'grade', 'shard'],
    clustered: true,
    updatedOften: true,
  })
  await createTable(db, engine, {
    name: 'list_counts',
    columns: {
      list: oneOf('agents', 'owned_agents', 'agent_tags', 'api_tokens', 'budget_requests', 'provider_keys', 'users'),
      part: text(1, PART_MAX),
      shard: count(),
      entries: signed,
    },
    primaryKey: ['list', 'part', 'shard'],
    clustered: true,
    updatedOften: true,
  })
  await createTable(db, engine, agentTags)
  for (const statement of [taggedAgentView(engine), ...createTagTriggers(engine), FILL_TAGS]) {
    await sql.raw(statement).execute(db)
  }
  for (const statement of [...copiedColumns(engine), ...rankColumns(engine)]) await sql.raw(statement).execute(db)
  for (const index of DROPPED) await sql.raw(`DROP INDEX ${index}`).execute(db)
  for (const [name, index] of Object.entries(INDEXES)) {
    const spelled = engine === 'postgres' ? index : index.replace(' NULLS FIRST', '')
    await sql.raw(`CREATE INDEX IF NOT EXISTS ${name} ON ${spelled}`).execute(db)
  }
  // Triggers first: making them locks the tables, so that what is counted afterwards is all there is.
  const triggers = [
    ...createCopyTriggers(engine),
    ...createRankTriggers(engine),
    ...createSumTriggers(engine),
    ...createCountTriggers(engine),
    ...keepLate(engine),
    ...moveEventHead(engine),
  ]
  const view = ['DROP VIEW owner_reserved', OWNER_RESERVED_VIEW]
  for (const statement of [...triggers, FILL_BUDGET_SUMS, FILL_LIST_COUNTS, FILL_LATE, ...view])
    await sql.raw(statement).execute(db)
}
