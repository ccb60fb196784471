/**
 * data-model.md 3, transcribed by hand from the document and not from the migrations: what the tests hold the database to.
 * One column: `name type`, `?` after a name that may be null, `= value` for a default.
 */

/** One table of the document. */
export interface TableModel {
  readonly columns: string
  readonly primaryKey: string
  /** By name: columns, `unique` before them, `where` and the predicate after them. */
  readonly indexes?: Readonly<Record<string, string>>
  /** `column -> table.column`, restrict unless it says cascade. */
  readonly foreignKeys?: readonly string[]
  readonly withoutRowid?: boolean
  readonly roomForUpdates?: boolean
}

export const TABLES: Readonly<Record<string, TableModel>> = {
  schema_migrations: {
    columns: 'number int 1.., name text, checksum hash, schema_hash hash, app_version text, applied_at time',
    primaryKey: 'number',
    indexes: { schema_migrations_name: 'unique name' },
  },
  meta: { columns: 'key text 1..100, value text', primaryKey: 'key' },
  idempotency_keys: {
    columns: 'principal_id id, route text 1..200, key text 1..255, payload_hash hash, result json, created_at time',
    primaryKey: 'principal_id, route, key',
    indexes: { idempotency_keys_age: 'created_at' },
    withoutRowid: true,
  },
  users: {
    columns:
      'id id, username text 1..255, username_key text 1..255, email? text 3..255, name? text 1..255,' +
      'role enum admin|user|viewer, password_hash? text 20..255, force_password_change flag = 0, last_login_at? time,' +
      'suspended_at? time, suspended_by? id, suspended_reason? text ..1000, deleted_at? time, deleted_by? id,' +
      'created_at time, updated_at time',
    primaryKey: 'id',
    indexes: {
      users_username: 'unique username_key where deleted_at IS NULL',
      users_email: 'unique email where deleted_at IS NULL',
      users_created: 'created_at, id',
      users_suspended: 'created_at, id where suspended_at IS NOT NULL AND deleted_at IS NULL',
      users_deleted: 'created_at, id where deleted_at IS NOT NULL',
      users_last_login: 'last_login_at, id where deleted_at IS NULL',
      users_admins: "created_at, id where role = 'admin' AND deleted_at IS NULL",
      users_users: "created_at, id where role = 'user' AND deleted_at IS NULL",
      users_viewers: "created_at, id where role = 'viewer' AND deleted_at IS NULL",
      users_email_order: 'email, id where deleted_at IS NULL',
      users_live_admins: "id where role = 'admin' AND suspended_at IS NULL AND deleted_at IS NULL",
    },
  },
  login_attempts: {
    columns: 'account_key text 1..255, failures int, last_failed_at time, locked_until? time',
    primaryKey: 'account_key',
  },
  sessions: {
    columns:
      'id id, user_id id, refresh_hash hash, created_at time, refreshed_at time, expires_at time, revoked_at? time,' +
      'revoke_reason? enum logout|refresh_reuse|password_changed|user_suspended|user_deleted|admin, ip? text,' +
      'user_agent? text ..500',
    primaryKey: 'id',
    indexes: { sessions_user: 'user_id, created_at', sessions_expiry: 'expires_at' },
    foreignKeys: ['user_id -> users.id'],
  },
  api_tokens: {
    columns:
      'id id, owner_id id, name text 1..100, description? text ..500, project_id? text 1..100, scopes? json,' +
      'allowed_ips json = [], created_at time, expires_at? time, last_used_at? time, revoked_at? time, revoked_by? id',
    primaryKey: 'id',
    indexes: {
      api_tokens_owner: 'owner_id, created_at',
      api_tokens_created: 'created_at, id',
      api_tokens_name: 'name, id',
      api_tokens_expires: 'expires_at, id',
      api_tokens_last_used: 'last_used_at, id',
      api_tokens_project: 'project_id, created_at, id where project_id IS NOT NULL',
      api_tokens_revoked: 'created_at, id where revoked_at IS NOT NULL',
    },
    foreignKeys: ['owner_id -> users.id'],
  },
  api_token_secrets: {
    columns: 'token_hash hash, token_id id, hint text ..20, created_at time, valid_until? time',
    primaryKey: 'token_hash',
    indexes: {
      api_token_secrets_current: 'unique token_id where valid_until IS NULL',
      api_token_secrets_token: 'token_id',
    },
    foreignKeys: ['token_id -> api_tokens.id cascade'],
    withoutRowid: true,
  },
  limits: {
    columns:
      'id id, owner_id id, project_id? text 1..100, max_tokens_per_day? int, max_requests_per_minute? int,' +
      'max_cost_per_month_micros? money, created_at time, updated_at time',
    primaryKey: 'id',
    indexes: {
      limits_general: 'unique owner_id where project_id IS NULL',
      limits_project: 'unique owner_id, project_id where project_id IS NOT NULL',
      limits_created: 'created_at, id',
    },
  },
  limit_counters: {
    columns:
      'owner_id id, project_id text ..100 = , metric enum tokens_per_day|requests_per_minute|cost_per_month,' +
      'window_start time, used int',
    primaryKey: 'owner_id, project_id, metric, window_start',
    withoutRowid: true,
    roomForUpdates: true,
  },
  providers: {
    columns:
      'id id, name text 1..50, kind enum openai|anthropic|google|azure_openai|custom, base_url text 8..2000,' +
      'models json = [], status enum active|disabled = active, created_at time, updated_at time, deleted_at? time',
    primaryKey: 'id',
    indexes: {
      providers_name: 'unique name where deleted_at IS NULL',
      providers_deleted: 'id where deleted_at IS NOT NULL',
    },
  },
  provider_keys: {
    columns:
      'id id, provider_id id, status enum active|retired, sealed? text, vault_key_id? text, masked text ..20,' +
      'created_at time, created_by id, last_used_at? time, retired_at? time',
    primaryKey: 'id',
    indexes: {
      provider_keys_active: "unique provider_id where status = 'active'",
      provider_keys_provider: 'provider_id, created_at',
      provider_keys_created: 'created_at, id',
      provider_keys_last_used: 'last_used_at, id',
      provider_keys_vault: 'vault_key_id where sealed IS NOT NULL',
    },
    foreignKeys: ['provider_id -> providers.id'],
  },
  agent_budgets: {
    columns:
      'agent_id id, owner_id? id, allocated_micros money = 0, reserved_micros money = 0, spent_micros money = 0,' +
      `version int = 0, ledger_seq int = 0, ledger_hash hash = ${'0'.repeat(64)}, alerted_percent enum 0|50|80|90|100 = 0,` +
      'archived_at? time, created_at time, updated_at time, used_rank signed = 0, spent_rank signed = 1000,' +
      'left_rank signed = 1000',
    primaryKey: 'agent_id',
    indexes: {
      agent_budgets_owner: 'owner_id',
      agent_budgets_archived: 'agent_id where archived_at IS NOT NULL',
      agent_budgets_used: 'used_rank, agent_id where archived_at IS NULL',
      agent_budgets_spent: 'spent_rank, agent_id where archived_at IS NULL',
      agent_budgets_left: 'left_rank, agent_id where archived_at IS NULL',
      agent_budgets_allocated: 'allocated_micros, agent_id where archived_at IS NULL',
      agent_budgets_created: 'created_at, agent_id where archived_at IS NULL',
    },
    roomForUpdates: true,
  },
  budget_sums: {
    columns:
      'owner_id text 0..255, grade int -2.., shard int, agents signed, allocated_whole signed, allocated_rest signed, reserved_whole signed,' +
      'reserved_rest signed, spent_whole signed, spent_rest signed, overdrawn_whole signed, overdrawn_rest signed',
    primaryKey: 'owner_id, grade, shard',
    withoutRowid: true,
    roomForUpdates: true,
  },
  list_counts: {
    columns:
      'list enum agents|owned_agents|agent_tags|api_tokens|budget_requests|provider_keys|users, part text 1..300, shard int, entries signed',
    primaryKey: 'list, part, shard',
    withoutRowid: true,
    roomForUpdates: true,
  },
  leases: {
    columns:
      'id id, agent_id id, supersedes? id, provider_id? id, runtime_id? text ..100, idempotency_key? text 1..255,' +
      'status enum active|superseded|closed|revoked, requested_micros money 1.., granted_micros money 1..,' +
      'spent_micros money = 0, released_micros money = 0, overrun_micros money = 0, unreported_micros money = 0,' +
      'created_at time, expires_at time, closed_at? time, close_reason? enum returned|lapsed|superseded|revoked,' +
      'returned_at? time, return_spent_micros? money',
    primaryKey: 'id',
    indexes: {
      leases_supersedes: 'unique supersedes',
      leases_idempotency: 'unique agent_id, idempotency_key where idempotency_key IS NOT NULL',
      leases_active: "agent_id where status = 'active'",
      leases_due: "expires_at where status = 'active'",
      leases_agent: 'agent_id, created_at',
    },
    foreignKeys: ['agent_id -> agent_budgets.agent_id', 'supersedes -> leases.id'],
    roomForUpdates: true,
  },
  lease_entries: { columns: 'lease_id id, seq int 1..', primaryKey: 'lease_id, seq', withoutRowid: true },
  ledger_entries: {
    columns:
      'agent_id id, seq int 1.., type enum allocate|deallocate|grant|spend|overrun|release|adjust, amount_micros money 1..,' +
      'lease_id? id, request_id? text 1..100, budget_request_id? id, version int, allocated_after money, reserved_after money,' +
      'spent_after money, actor_id? text, reason? text ..500, created_at time, hash hash',
    primaryKey: 'agent_id, seq',
    indexes: {
      ledger_entries_history: "unique agent_id, version where type IN ('allocate', 'deallocate')",
    },
    foreignKeys: ['agent_id -> agent_budgets.agent_id', 'budget_request_id -> budget_requests.id'],
    withoutRowid: true,
  },
  budget_requests: {
    columns:
      'id id, agent_id id, requester_id id, status enum pending|approved|rejected|cancelled, allocated_micros money,' +
      'requested_allocated_micros money, approved_allocated_micros? money 1.., justification text 20..500, created_at time,' +
      'reviewed_at? time, reviewed_by? id, cancelled_at? time, cancelled_by? id, review_notes? text ..1000',
    primaryKey: 'id',
    indexes: {
      budget_requests_agent: 'agent_id, created_at',
      budget_requests_requester: 'requester_id, created_at',
      budget_requests_status: 'status, created_at',
      budget_requests_created: 'created_at, id',
      budget_requests_wanted: 'status, requested_allocated_micros, id',
      budget_requests_requested: 'requested_allocated_micros, id',
    },
    foreignKeys: ['agent_id -> agent_budgets.agent_id'],
  },
  agents: {
    columns:
      'id id, name text 1..100, description? text ..500, tags json = [], state enum running|idle|stopped|failed = idle,' +
      'state_reason? text ..500, state_changed_at time, desired_state enum running|stopped = running, last_seen_at? time,' +
      'created_at time, updated_at time, archived flag = 0, owner_id? id',
    primaryKey: 'id',
    indexes: {
      agents_created: 'created_at, id, archived, name',
      agents_owner: 'owner_id, created_at, id, archived, state, name',
      agents_archived: 'created_at, id, name where archived = 1',
      agents_name: 'name, id',
      agents_updated: 'updated_at, id',
      agents_running: "created_at, id where state = 'running'",
      agents_idle: "created_at, id where state = 'idle'",
      agents_stopped: "created_at, id where state = 'stopped'",
      agents_failed: "created_at, id where state = 'failed'",
      agents_silent: "last_seen_at where state = 'running'",
    },
    foreignKeys: ['id -> agent_budgets.agent_id'],
  },
  agent_tags: {
    columns: 'tag text, created_at time, agent_id id',
    primaryKey: 'tag, created_at, agent_id',
    indexes: { agent_tags_agent: 'agent_id' },
    foreignKeys: ['agent_id -> agents.id cascade'],
    withoutRowid: true,
  },
  agent_providers: {
    columns: 'agent_id id, provider_id id, position int, assigned_at time',
    primaryKey: 'agent_id, provider_id',
    indexes: { agent_providers_order: 'unique agent_id, position', agent_providers_provider: 'provider_id' },
    foreignKeys: ['agent_id -> agents.id cascade', 'provider_id -> providers.id cascade'],
    withoutRowid: true,
  },
  ic_tokens: {
    columns:
      'id id, agent_id id, token_hash hash, permissions json, created_at time, created_by id, expires_at? time,' +
      'last_used_at? time, revoked_at? time, revoked_by? id',
    primaryKey: 'id',
    indexes: {
      ic_tokens_token_hash: 'unique token_hash',
      ic_tokens_live: 'unique agent_id where revoked_at IS NULL',
      ic_tokens_agent: 'agent_id, created_at',
    },
    foreignKeys: ['agent_id -> agents.id'],
  },
  requests: {
    columns:
      'id id, source enum agent|api_token, subject_id id, request_id? text 1..100, payload_hash? hash, lease_id? id,' +
      'provider_id? id, provider? text 1..100, model? text 1..255, outcome? enum completed|failed, error_code? text ..100,' +
      'error_message? text ..1000, input_tokens? int, cache_read_tokens? int, cache_write_tokens? int, output_tokens? int,' +
      'reasoning_tokens? int, other_parts? json, total_tokens int, cost_micros money, overrun_micros money = 0,' +
      'pricing enum reported|price_book|ceiling, price_id? text ..200, billed flag, late flag = 0, latency_ms? int,' +
      'trace_id? text ..100, at time, received_at time',
    primaryKey: 'id',
    indexes: {
      requests_key: 'unique subject_id, request_id',
      requests_subject_time: 'subject_id, received_at',
      requests_time: 'received_at, id',
    },
  },
  request_keys: {
    columns:
      'subject_id id, request_id text 1..100, id id, payload_hash hash, lease_id? id, cost_micros money, overrun_micros money,' +
      'pricing enum reported|price_book|ceiling, late flag',
    primaryKey: 'subject_id, request_id',
    withoutRowid: true,
  },
  request_rollups: {
    columns:
      'hour_start time, subject_id id, provider text ..100, model text ..255, outcome enum completed|failed, requests int,' +
      'input_tokens int, cache_read_tokens int, cache_write_tokens int, output_tokens int, reasoning_tokens int,' +
      'total_tokens int, cost_micros money, billed_micros money, ceiling_micros money, latency json = {}, costs json = {}',
    primaryKey: 'hour_start, subject_id, provider, model, outcome',
    indexes: {
      request_rollups_subject: 'subject_id, hour_start',
      request_rollups_provider: 'provider, hour_start',
      request_rollups_model: 'model, hour_start',
    },
    withoutRowid: true,
  },
  request_sums: {
    columns:
      'grain enum hour|day|month|each_day|each_month, start time, subject_id text ..255, provider text ..100, model text ..255,' +
      'outcome enum completed|failed, requests int 1.., input_tokens int, cache_read_tokens int, cache_write_tokens int,' +
      'output_tokens int, reasoning_tokens int, total_tokens int, cost_micros money, billed_micros money,' +
      'ceiling_micros money, latency json = {}, costs json = {}',
    primaryKey: 'grain, start, subject_id, provider, model, outcome',
    indexes: { request_sums_subject: 'subject_id, start' },
    withoutRowid: true,
  },
  telemetry_ids: {
    columns: 'agent_id id, event_id text 1..100, received_at time',
    primaryKey: 'agent_id, event_id',
    indexes: { telemetry_ids_age: 'received_at' },
    withoutRowid: true,
  },
  spans: {
    columns:
      'trace_id id, span_id text 1..100, parent_id? text ..100, agent_id id, name text 1..200, status enum ok|error,' +
      'started_at time, duration_ms? int, attributes json ..16384 = {}, received_at time',
    primaryKey: 'trace_id, span_id',
    indexes: { spans_agent: 'agent_id, started_at', spans_age: 'received_at' },
    withoutRowid: true,
  },
  audit_log: {
    columns:
      'seq int 1.., id id, at time, actor_type enum user|api_token|agent|system, actor_id text, actor_user_id? text,' +
      'actor_role? text, operation text 1..64, resource_type text, resource_id? text, http_request_id? text, ip? text,' +
      'user_agent? text ..500, changes? json, reason? text ..1000, metadata json = {}, prev_hash hash, hash hash',
    primaryKey: 'seq',
    indexes: {
      audit_log_id: 'unique id',
      audit_log_resource: 'resource_type, resource_id, seq',
      audit_log_type: 'resource_type, seq',
      audit_log_operation: 'operation, seq',
      audit_log_user: 'actor_user_id, seq where actor_user_id IS NOT NULL',
    },
  },
  events: {
    columns: 'seq int 1.., id id, at time, type text 3..64, agent_id id, dedupe_key? text ..200, data json ..16384',
    primaryKey: 'seq',
    indexes: {
      events_type: "type, seq where type NOT IN ('request.completed', 'request.failed')",
      events_dedupe: 'unique dedupe_key where dedupe_key IS NOT NULL',
    },
  },
  actor_entries: { columns: 'actor_id text, seq int 1..', primaryKey: 'actor_id, seq', withoutRowid: true },
  agent_events: { columns: 'agent_id id, seq int 1..', primaryKey: 'agent_id, seq', withoutRowid: true },
  log_heads: {
    columns:
      'name enum audit|events, head_seq int = 0, head_hash? hash, floor int = 0, updated_at time,' +
      'newest_at int = 0, late_ms int = 0',
    primaryKey: 'name',
    roomForUpdates: true,
  },
}

/** data-model.md 2. */
export const VIEWS: Readonly<Record<string, readonly string[]>> = {
  agent_owner: ['agent_id', 'owner_id', 'agent_name', 'allocated_micros'],
  tagged_agent: ['agent_id', 'created_at', 'tag'],
  token_owner: ['token_id', 'owner_id', 'project_id', 'token_name'],
  user_name: ['user_id', 'username', 'name'],
  owner_reserved: ['owner_id', 'reserved'],
  ledger_postings: ['agent_id', 'seq', 'created_at', 'account', 'amount_micros'],
}

export interface ColumnModel {
  readonly name: string
  readonly kind: 'id' | 'text' | 'money' | 'int' | 'signed' | 'time' | 'flag' | 'json' | 'hash' | 'enum'
  readonly nullable: boolean
  /** Shortest and longest text, smallest integer. */
  readonly min: number | undefined
  readonly max: number | undefined
  readonly values: readonly string[]
  readonly defaultValue: string | undefined
}

const COLUMN = /^(?<name>\w+)(?<nullable>\??) (?<kind>[a-z]+)(?: (?<rule>[^= ]+))?(?: = ?(?<value>.*))?$/

export function columnsOf(table: TableModel): ColumnModel[] {
  return table.columns.split(',').map((text) => {
    const { name, nullable, kind, rule, value } = COLUMN.exec(text.trim())?.groups ?? {}
    if (name === undefined || kind === undefined) throw new Error(`not a column: ${text}`)
    const [min, max] = (rule ?? '').includes('..')
      ? (rule as string).split('..').map((n) => (n === '' ? undefined : Number(n)))
      : []
    return {
      name,
      kind: kind as ColumnModel['kind'],
      nullable: nullable === '?',
      min,
      max,
      values: kind === 'enum' ? (rule ?? '').split('|') : [],
      // `= ` with nothing after it is the empty text; the split above took its space.
      defaultValue: text.includes(' =') ? (value ?? '') : undefined,
    }
  })
}
