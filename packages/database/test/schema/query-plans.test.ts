import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { enginesForTests } from '@iron/test-kit'
import { applyMigrations } from '../../src/migrate/apply.ts'
import { type EmptyDatabase, openEmpty } from '../migrate/open-empty.ts'
import { undone } from '../migrate/undone.ts'
import { TABLES } from './data-model.ts'

/**
 * The query that each index exists for (data-model 3, "Indexes"). The predicate of a partial index is written out: with a
 * parameter in its place PostgreSQL's generic plan could not know that the index applies.
 */
const QUERIES: Readonly<Record<string, string>> = {
  schema_migrations_name: 'SELECT * FROM schema_migrations WHERE name = ?',
  idempotency_keys_age: 'SELECT * FROM idempotency_keys WHERE created_at < ?',
  users_username: 'SELECT * FROM users WHERE username_key = ? AND deleted_at IS NULL',
  users_email: 'SELECT * FROM users WHERE email = ? AND deleted_at IS NULL',
  users_created: 'SELECT * FROM users ORDER BY created_at, id LIMIT 20',
  users_email_order: 'SELECT id FROM users WHERE deleted_at IS NULL ORDER BY email NULLS FIRST, id LIMIT 20',
  users_suspended:
    'SELECT id FROM users WHERE suspended_at IS NOT NULL AND deleted_at IS NULL ORDER BY created_at, id LIMIT 20',
  users_deleted: 'SELECT id FROM users WHERE deleted_at IS NOT NULL ORDER BY created_at, id LIMIT 20',
  users_last_login: 'SELECT id FROM users WHERE deleted_at IS NULL ORDER BY last_login_at NULLS FIRST, id LIMIT 20',
  users_admins: "SELECT id FROM users WHERE role = 'admin' AND deleted_at IS NULL ORDER BY created_at, id LIMIT 20",
  users_users: "SELECT id FROM users WHERE role = 'user' AND deleted_at IS NULL ORDER BY created_at, id LIMIT 20",
  users_viewers: "SELECT id FROM users WHERE role = 'viewer' AND deleted_at IS NULL ORDER BY created_at, id LIMIT 20",
  users_live_admins:
    "SELECT id FROM users WHERE role = 'admin' AND suspended_at IS NULL AND deleted_at IS NULL ORDER BY id LIMIT 2",
  sessions_user: 'SELECT * FROM sessions WHERE user_id = ? ORDER BY created_at',
  sessions_expiry: 'SELECT * FROM sessions WHERE expires_at < ?',
  api_tokens_owner: 'SELECT * FROM api_tokens WHERE owner_id = ? ORDER BY created_at',
  api_tokens_created: 'SELECT * FROM api_tokens ORDER BY created_at, id LIMIT 20',
  api_tokens_name: 'SELECT * FROM api_tokens ORDER BY name, id LIMIT 20',
  api_tokens_expires: 'SELECT * FROM api_tokens ORDER BY expires_at, id LIMIT 20',
  api_tokens_last_used: 'SELECT * FROM api_tokens ORDER BY last_used_at NULLS FIRST, id LIMIT 20',
  api_tokens_project: 'SELECT * FROM api_tokens WHERE project_id = ? ORDER BY created_at, id LIMIT 20',
  api_tokens_revoked: 'SELECT * FROM api_tokens WHERE revoked_at IS NOT NULL ORDER BY created_at, id LIMIT 20',
  api_token_secrets_current: 'SELECT * FROM api_token_secrets WHERE token_id = ? AND valid_until IS NULL',
  api_token_secrets_token: 'SELECT * FROM api_token_secrets WHERE token_id = ?',
  limits_general: 'SELECT * FROM limits WHERE owner_id = ? AND project_id IS NULL',
  limits_project: 'SELECT * FROM limits WHERE owner_id = ? AND project_id = ?',
  limits_created: 'SELECT * FROM limits ORDER BY created_at, id LIMIT 20',
  providers_name: 'SELECT * FROM providers WHERE name = ? AND deleted_at IS NULL',
  provider_keys_active: "SELECT * FROM provider_keys WHERE provider_id = ? AND status = 'active'",
  provider_keys_provider: 'SELECT * FROM provider_keys WHERE provider_id = ? ORDER BY created_at',
  provider_keys_created: 'SELECT * FROM provider_keys ORDER BY created_at, id LIMIT 20',
  providers_deleted: 'SELECT id FROM providers WHERE deleted_at IS NOT NULL',
  provider_keys_last_used: 'SELECT * FROM provider_keys ORDER BY last_used_at NULLS FIRST, id LIMIT 20',
  provider_keys_vault: 'SELECT * FROM provider_keys WHERE vault_key_id = ? AND sealed IS NOT NULL',
  agent_budgets_owner: 'SELECT agent_id FROM agent_owner WHERE owner_id = ?',
  agent_budgets_archived: 'SELECT count(*) FROM agent_budgets WHERE archived_at IS NOT NULL',
  agent_budgets_used:
    'SELECT agent_id FROM agent_budgets WHERE archived_at IS NULL ORDER BY used_rank, agent_id LIMIT 20',
  agent_budgets_spent:
    'SELECT agent_id FROM agent_budgets WHERE archived_at IS NULL ORDER BY spent_rank, agent_id LIMIT 20',
  agent_budgets_left:
    'SELECT agent_id FROM agent_budgets WHERE archived_at IS NULL ORDER BY left_rank, agent_id LIMIT 20',
  agent_budgets_allocated:
    'SELECT agent_id FROM agent_budgets WHERE archived_at IS NULL ORDER BY allocated_micros, agent_id LIMIT 20',
  agent_budgets_created:
    'SELECT agent_id FROM agent_budgets WHERE archived_at IS NULL ORDER BY created_at, agent_id LIMIT 20',
  leases_supersedes: 'SELECT * FROM leases WHERE supersedes = ?',
  leases_idempotency: 'SELECT * FROM leases WHERE agent_id = ? AND idempotency_key = ?',
  leases_active: "SELECT * FROM leases WHERE agent_id = ? AND status = 'active'",
  leases_due: "SELECT * FROM leases WHERE expires_at <= ? AND status = 'active'",
  leases_agent: 'SELECT * FROM leases WHERE agent_id = ? ORDER BY created_at DESC',
  ledger_entries_history:
    "SELECT * FROM ledger_entries WHERE agent_id = ? AND type IN ('allocate', 'deallocate') ORDER BY version DESC",
  budget_requests_agent: 'SELECT * FROM budget_requests WHERE agent_id = ? ORDER BY created_at',
  budget_requests_requester: 'SELECT * FROM budget_requests WHERE requester_id = ? ORDER BY created_at',
  budget_requests_status: 'SELECT * FROM budget_requests WHERE status = ? ORDER BY created_at',
  budget_requests_created: 'SELECT * FROM budget_requests ORDER BY created_at, id LIMIT 20',
  budget_requests_wanted:
    'SELECT * FROM budget_requests WHERE status = ? ORDER BY requested_allocated_micros, id LIMIT 20',
  budget_requests_requested: 'SELECT * FROM budget_requests ORDER BY requested_allocated_micros, id LIMIT 20',
  agents_created: 'SELECT * FROM agents ORDER BY created_at, id LIMIT 20',
  agents_owner: 'SELECT id FROM agents WHERE owner_id = ? ORDER BY created_at, id LIMIT 20',
  agents_archived: 'SELECT id FROM agents WHERE archived = 1 ORDER BY created_at, id LIMIT 20',
  agents_name: 'SELECT * FROM agents ORDER BY name, id LIMIT 20',
  agents_updated: 'SELECT * FROM agents ORDER BY updated_at, id LIMIT 20',
  agents_running: "SELECT * FROM agents WHERE state = 'running' ORDER BY created_at, id LIMIT 20",
  agents_idle: "SELECT * FROM agents WHERE state = 'idle' ORDER BY created_at, id LIMIT 20",
  agents_stopped: "SELECT * FROM agents WHERE state = 'stopped' ORDER BY created_at, id LIMIT 20",
  agents_failed: "SELECT * FROM agents WHERE state = 'failed' ORDER BY created_at, id LIMIT 20",
  agents_silent: "SELECT * FROM agents WHERE last_seen_at < ? AND state = 'running'",
  agent_tags_agent: 'SELECT * FROM agent_tags WHERE agent_id = ?',
  agent_providers_order: 'SELECT * FROM agent_providers WHERE agent_id = ? ORDER BY position',
  agent_providers_provider: 'SELECT * FROM agent_providers WHERE provider_id = ?',
  ic_tokens_token_hash: 'SELECT * FROM ic_tokens WHERE token_hash = ?',
  ic_tokens_live: 'SELECT * FROM ic_tokens WHERE agent_id = ? AND revoked_at IS NULL',
  ic_tokens_agent: 'SELECT * FROM ic_tokens WHERE agent_id = ? ORDER BY created_at',
  requests_key: 'SELECT * FROM requests WHERE subject_id = ? AND request_id = ?',
  requests_subject_time: 'SELECT * FROM requests WHERE subject_id = ? AND received_at >= ? AND received_at < ?',
  requests_time: 'SELECT * FROM requests WHERE received_at >= ? ORDER BY received_at, id LIMIT 100',
  request_rollups_subject: 'SELECT * FROM request_rollups WHERE subject_id = ? AND hour_start >= ?',
  request_rollups_provider: 'SELECT hour_start FROM request_rollups WHERE provider = ? ORDER BY hour_start LIMIT 20',
  request_rollups_model: 'SELECT hour_start FROM request_rollups WHERE model = ? ORDER BY hour_start LIMIT 20',
  request_sums_subject: 'SELECT * FROM request_sums WHERE subject_id = ? AND start >= ?',
  telemetry_ids_age: 'SELECT * FROM telemetry_ids WHERE received_at < ?',
  spans_agent: 'SELECT * FROM spans WHERE agent_id = ? ORDER BY started_at DESC',
  spans_age: 'SELECT * FROM spans WHERE received_at < ?',
  audit_log_id: 'SELECT * FROM audit_log WHERE id = ?',
  audit_log_resource: 'SELECT * FROM audit_log WHERE resource_type = ? AND resource_id = ? ORDER BY seq',
  audit_log_type: 'SELECT * FROM audit_log WHERE resource_type = ? ORDER BY seq DESC LIMIT 20',
  audit_log_operation: 'SELECT * FROM audit_log WHERE operation = ? ORDER BY seq',
  audit_log_user: 'SELECT * FROM audit_log WHERE actor_user_id = ? ORDER BY seq',
  events_type:
    "SELECT * FROM events WHERE type = ? AND type NOT IN ('request.completed', 'request.failed') ORDER BY seq LIMIT 20",
  events_dedupe: 'SELECT * FROM events WHERE dedupe_key = ?',
}

/** The lookups of the main job by primary key. */
const BY_KEY: Readonly<Record<string, string>> = {
  api_token_secrets: 'SELECT * FROM api_token_secrets WHERE token_hash = ?',
  agent_budgets: 'SELECT * FROM agent_budgets WHERE agent_id = ?',
  leases: 'SELECT * FROM leases WHERE id = ?',
  budget_sums: 'SELECT reserved FROM owner_reserved WHERE owner_id = ?',
  ledger_entries: 'SELECT * FROM ledger_entries WHERE agent_id = ? AND seq <= ? ORDER BY seq DESC LIMIT 1',
  request_keys: 'SELECT * FROM request_keys WHERE subject_id = ? AND request_id = ?',
  limit_counters:
    "SELECT * FROM limit_counters WHERE owner_id = ? AND project_id = ? AND metric = 'tokens_per_day' AND window_start = ?",
  idempotency_keys: 'SELECT * FROM idempotency_keys WHERE principal_id = ? AND route = ? AND key = ?',
  events: 'SELECT * FROM events WHERE seq > ? ORDER BY seq LIMIT 100',
  actor_entries: 'SELECT * FROM actor_entries WHERE actor_id = ? AND seq > ? ORDER BY seq',
  agent_events: 'SELECT * FROM agent_events WHERE agent_id = ? AND seq > ? ORDER BY seq',
  lease_entries: 'SELECT * FROM lease_entries WHERE lease_id = ? AND seq > ? ORDER BY seq',
}

describe.each(await enginesForTests())('query plans on an empty %s', (dialect) => {
  let database: EmptyDatabase

  beforeAll(async () => {
    database = await openEmpty(dialect)
    await applyMigrations(database.host, { mode: 'apply', appVersion: '0.0.0' })
  })
  afterAll(async () => {
    await database[Symbol.asyncDispose]()
  })

  /** @param index the one that PostgreSQL is asked about: on an empty table it rates all alike, so the others are put away */
  async function planOf(query: string, index?: string): Promise<string> {
    if (dialect === 'sqlite') {
      const text = query.replaceAll('?', "'x'")
      return (await database.rows<{ detail: string }>(`EXPLAIN QUERY PLAN ${text}`))
        .map(({ detail }) => detail)
        .join('\n')
    }
    // An empty table is cheapest to scan; without scans the plan shows whether the index can serve the query.
    const text = query.replace(/(\w+(?:_at|_start)|start|seq) (<=|>=|<|>|=) \?/g, '$1 $2 1').replaceAll('?', "'x'")
    return undone(database, async () => {
      const others =
        Object.values(TABLES).find((table) => index !== undefined && index in (table.indexes ?? {}))?.indexes ?? {}
      for (const other of Object.keys(others)) if (other !== index) await database.rows(`DROP INDEX ${other}`)
      await database.rows('SET LOCAL enable_seqscan = off')
      await database.rows('SET LOCAL enable_sort = off')
      await database.rows('SET LOCAL enable_bitmapscan = off')
      const rows = await database.rows<{ 'QUERY PLAN': string }>(`EXPLAIN (COSTS OFF) ${text}`)
      return rows.map((row) => row['QUERY PLAN']).join('\n')
    })
  }

  test('there is a query for every index', () => {
    const indexes = Object.values(TABLES).flatMap((table) => Object.keys(table.indexes ?? {}))
    expect(Object.keys(QUERIES).sort()).toEqual(indexes.sort())
  })

  test.each(Object.entries(QUERIES))('%s', async (index, query) => {
    const plan = await planOf(query, index)
    expect(plan).toMatch(new RegExp(`\\b${index}\\b`))
    if (dialect === 'sqlite') expect(plan).not.toContain('TEMP B-TREE')
  })

  test.each(Object.entries(BY_KEY))('%s by its key', async (table, query) => {
    const plan = await planOf(query)
    const own =
      dialect === 'sqlite'
        ? /SEARCH \w+ USING (PRIMARY KEY|INTEGER PRIMARY KEY|INDEX sqlite_autoindex)/
        : `${table}_pkey`
    expect(plan).toMatch(own)
  })
})
