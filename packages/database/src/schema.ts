/**
 * The types of every table and view, one interface each, exactly as data-model.md lists them. Columns keep their SQL names and
 * their SQL values: times are epoch milliseconds, flags are 0 or 1, JSON is text that its package parses and validates.
 * A column is `Generated` where the database has a default, and nowhere else; a test compares this file with both engines.
 */
import type { Microdollars } from '@iron/cost-calculator'
import type { Generated } from 'kysely'

/** 0 or 1: neither engine stores a boolean here (data-model 1). */
export type Flag = 0 | 1
/** Milliseconds since 1970-01-01T00:00:00Z. */
export type EpochMs = number
/** JSON text; never queried by content. */
export type JsonText = string
/** 64 lower-case hex digits of a SHA-256. */
export type HexHash = string

export interface SchemaMigrationsTable {
  number: number
  name: string
  /** Of the shipped step's source. */
  checksum: HexHash
  /** Fingerprint of the schema after the step, on this engine. */
  schema_hash: HexHash
  app_version: string
  applied_at: EpochMs
}

export interface MetaTable {
  key: string
  value: string
}

export interface IdempotencyKeysTable {
  principal_id: string
  /** Method and path. */
  route: string
  key: string
  payload_hash: HexHash
  /** Status and body, without secrets. */
  result: JsonText
  created_at: EpochMs
}

export interface UsersTable {
  id: string
  username: string
  /** The username NFKC-normalised, trimmed and lower-cased. */
  username_key: string
  email: string | null
  name: string | null
  role: 'admin' | 'user' | 'viewer'
  password_hash: string | null
  force_password_change: Generated<Flag>
  last_login_at: EpochMs | null
  suspended_at: EpochMs | null
  suspended_by: string | null
  suspended_reason: string | null
  deleted_at: EpochMs | null
  deleted_by: string | null
  created_at: EpochMs
  updated_at: EpochMs
}

export interface LoginAttemptsTable {
  account_key: string
  failures: number
  last_failed_at: EpochMs
  locked_until: EpochMs | null
}

export interface SessionsTable {
  id: string
  user_id: string
  refresh_hash: HexHash
  created_at: EpochMs
  refreshed_at: EpochMs
  expires_at: EpochMs
  revoked_at: EpochMs | null
  revoke_reason: 'logout' | 'refresh_reuse' | 'password_changed' | 'user_suspended' | 'user_deleted' | 'admin' | null
  ip: string | null
  user_agent: string | null
}

export interface ApiTokensTable {
  id: string
  owner_id: string
  name: string
  description: string | null
  project_id: string | null
  /** Null: all of the owner's permissions. */
  scopes: JsonText | null
  /** `[]`: any address. */
  allowed_ips: Generated<JsonText>
  created_at: EpochMs
  expires_at: EpochMs | null
  last_used_at: EpochMs | null
  revoked_at: EpochMs | null
  revoked_by: string | null
}

export interface ApiTokenSecretsTable {
  token_hash: HexHash
  token_id: string
  hint: string
  created_at: EpochMs
  /** Null: the current secret. */
  valid_until: EpochMs | null
}

export interface LimitsTable {
  id: string
  owner_id: string
  /** Null: the general row. */
  project_id: string | null
  max_tokens_per_day: number | null
  max_requests_per_minute: number | null
  max_cost_per_month_micros: Microdollars | null
  created_at: EpochMs
  updated_at: EpochMs
}

export interface LimitCountersTable {
  owner_id: string
  /** `''`: the general row. */
  project_id: Generated<string>
  metric: 'tokens_per_day' | 'requests_per_minute' | 'cost_per_month'
  window_start: EpochMs
  /** Tokens, requests or microdollars, by metric. */
  used: number
}

export interface ProvidersTable {
  id: string
  name: string
  kind: 'openai' | 'anthropic' | 'google' | 'azure_openai' | 'custom'
  base_url: string
  models: Generated<JsonText>
  status: Generated<'active' | 'disabled'>
  created_at: EpochMs
  updated_at: EpochMs
  deleted_at: EpochMs | null
}

export interface ProviderKeysTable {
  id: string
  provider_id: string
  status: 'active' | 'retired'
  /** Base64 `iv:ciphertext:tag`; null together with `vault_key_id`: destroyed. */
  sealed: string | null
  vault_key_id: string | null
  masked: string
  created_at: EpochMs
  created_by: string
  last_used_at: EpochMs | null
  retired_at: EpochMs | null
}

export interface AgentBudgetsTable {
  agent_id: string
  owner_id: string | null
  allocated_micros: Generated<Microdollars>
  reserved_micros: Generated<Microdollars>
  spent_micros: Generated<Microdollars>
  /** Of the allocation. */
  version: Generated<number>
  /** Number of the last ledger row. */
  ledger_seq: Generated<number>
  /** Hash of the last ledger row; 64 zeros before the first (rulings R7). */
  ledger_hash: Generated<HexHash>
  alerted_percent: Generated<0 | 50 | 80 | 90 | 100>
  archived_at: EpochMs | null
  created_at: EpochMs
  updated_at: EpochMs
  /** Coarse orders for lists, kept by triggers. Twice the percentage used, rounded down, one more when something was cut off; above 200 coarser. */
  used_rank: Generated<number>
  /** 1000 times the digits of what is spent, and the first three. */
  spent_rank: Generated<number>
  /** The same of what is left, negative when it is overdrawn. */
  left_rank: Generated<number>
}

/** Budgets added up by grade, everybody's and each owner's, kept by triggers; several rows of one grade are summed. */
export interface BudgetSumsTable {
  /** `''`: everybody's budgets. */
  owner_id: string
  /**
   * -2 for the archived, -1 for nothing of nothing, else the `used_rank`, at most 201; of an owner's only 0, 100, 160, 180 and 200,
   * where levels of risk begin.
   */
  grade: number
  /** 0; on PostgreSQL also the transaction that made the row. */
  shard: number
  agents: number
  allocated_whole: number
  allocated_rest: number
  reserved_whole: number
  reserved_rest: number
  spent_whole: number
  spent_rest: number
  overdrawn_whole: number
  overdrawn_rest: number
}

/** How many rows each part of a list has, kept by triggers; several rows of one part are summed. */
export interface ListCountsTable {
  list: 'agents' | 'owned_agents' | 'agent_tags' | 'api_tokens' | 'budget_requests' | 'provider_keys' | 'users'
  part: string
  /** As in {@link BudgetSumsTable}. */
  shard: number
  entries: number
}

export interface LeasesTable {
  id: string
  agent_id: string
  supersedes: string | null
  provider_id: string | null
  runtime_id: string | null
  idempotency_key: string | null
  status: 'active' | 'superseded' | 'closed' | 'revoked'
  requested_micros: Microdollars
  granted_micros: Microdollars
  spent_micros: Generated<Microdollars>
  released_micros: Generated<Microdollars>
  overrun_micros: Generated<Microdollars>
  unreported_micros: Generated<Microdollars>
  created_at: EpochMs
  expires_at: EpochMs
  closed_at: EpochMs | null
  close_reason: 'returned' | 'lapsed' | 'superseded' | 'revoked' | null
  returned_at: EpochMs | null
  /** The recorded total as the first return answered it; set exactly with `returned_at`. */
  return_spent_micros: Microdollars | null
}

/** Which rows of its agent's ledger a lease has, but for the last ones: written for many at once by triggers. */
export interface LeaseEntriesTable {
  lease_id: string
  seq: number
}

export interface LedgerEntriesTable {
  agent_id: string
  seq: number
  type: 'allocate' | 'deallocate' | 'grant' | 'spend' | 'overrun' | 'release' | 'adjust'
  amount_micros: Microdollars
  lease_id: string | null
  request_id: string | null
  budget_request_id: string | null
  version: number
  allocated_after: Microdollars
  reserved_after: Microdollars
  spent_after: Microdollars
  /** Null: the agent itself. */
  actor_id: string | null
  reason: string | null
  created_at: EpochMs
  /** Over the previous row's hash and this row's other columns (rulings R7). */
  hash: HexHash
}

export interface BudgetRequestsTable {
  id: string
  agent_id: string
  requester_id: string
  status: 'pending' | 'approved' | 'rejected' | 'cancelled'
  allocated_micros: Microdollars
  requested_allocated_micros: Microdollars
  approved_allocated_micros: Microdollars | null
  justification: string
  created_at: EpochMs
  reviewed_at: EpochMs | null
  reviewed_by: string | null
  cancelled_at: EpochMs | null
  /** Null on a cancelled request: the system. */
  cancelled_by: string | null
  review_notes: string | null
}

export interface AgentsTable {
  id: string
  name: string
  description: string | null
  tags: Generated<JsonText>
  state: Generated<'running' | 'idle' | 'stopped' | 'failed'>
  state_reason: string | null
  state_changed_at: EpochMs
  desired_state: Generated<'running' | 'stopped'>
  last_seen_at: EpochMs | null
  created_at: EpochMs
  updated_at: EpochMs
  /** Kept by triggers: whether its budget has an `archived_at`, and whose it is. */
  archived: Generated<Flag>
  owner_id: string | null
}

/** The tags of agents, kept by triggers. */
export interface AgentTagsTable {
  tag: string
  /** Of the agent. */
  created_at: EpochMs
  agent_id: string
}

export interface AgentProvidersTable {
  agent_id: string
  provider_id: string
  /** Order of preference, from 0. */
  position: number
  assigned_at: EpochMs
}

export interface IcTokensTable {
  /** The claim `jti`. */
  id: string
  agent_id: string
  token_hash: HexHash
  permissions: JsonText
  created_at: EpochMs
  created_by: string
  expires_at: EpochMs | null
  last_used_at: EpochMs | null
  revoked_at: EpochMs | null
  revoked_by: string | null
}

/** Where the price of a call came from. */
type Pricing = 'reported' | 'price_book' | 'ceiling'

export interface RequestsTable {
  id: string
  source: 'agent' | 'api_token'
  subject_id: string
  request_id: string | null
  payload_hash: HexHash | null
  lease_id: string | null
  provider_id: string | null
  provider: string | null
  model: string | null
  /** Null: not told yet; counts as completed. */
  outcome: 'completed' | 'failed' | null
  error_code: string | null
  error_message: string | null
  input_tokens: number | null
  cache_read_tokens: number | null
  cache_write_tokens: number | null
  output_tokens: number | null
  reasoning_tokens: number | null
  other_parts: JsonText | null
  total_tokens: number
  cost_micros: Microdollars
  overrun_micros: Generated<Microdollars>
  pricing: Pricing
  price_id: string | null
  billed: Flag
  late: Generated<Flag>
  latency_ms: number | null
  trace_id: string | null
  /** The caller's clock, clamped. */
  at: EpochMs
  /** The server's clock. */
  received_at: EpochMs
}

export interface RequestKeysTable {
  subject_id: string
  request_id: string
  id: string
  payload_hash: HexHash
  lease_id: string | null
  cost_micros: Microdollars
  overrun_micros: Microdollars
  pricing: Pricing
  late: Flag
}

export interface RequestRollupsTable {
  hour_start: EpochMs
  subject_id: string
  /** `''`: unknown. */
  provider: string
  /** `''`: unknown. */
  model: string
  outcome: 'completed' | 'failed'
  requests: number
  input_tokens: number
  cache_read_tokens: number
  cache_write_tokens: number
  output_tokens: number
  reasoning_tokens: number
  total_tokens: number
  cost_micros: Microdollars
  billed_micros: Microdollars
  ceiling_micros: Microdollars
  /** Counts by bucket k = 1.05^k..1.05^(k+1) milliseconds. */
  latency: Generated<JsonText>
  /** Counts by what a single call cost, in microdollars; in sums, by `hour` and `each_day` only. */
  costs: Generated<JsonText>
}

/** What hours of `request_rollups` add up to. */
export interface RequestSumsTable extends Omit<RequestRollupsTable, 'hour_start'> {
  /** `each_…`: of one subject; the others: of all together. */
  grain: 'hour' | 'day' | 'month' | 'each_day' | 'each_month'
  /** Of the UTC hour, day or month. */
  start: EpochMs
  /** `''`: all agents and API tokens together. */
  subject_id: string
}

export interface TelemetryIdsTable {
  agent_id: string
  event_id: string
  received_at: EpochMs
}

export interface SpansTable {
  trace_id: string
  span_id: string
  parent_id: string | null
  agent_id: string
  name: string
  status: 'ok' | 'error'
  started_at: EpochMs
  duration_ms: number | null
  attributes: Generated<JsonText>
  received_at: EpochMs
}

export interface AuditLogTable {
  seq: number
  id: string
  at: EpochMs
  actor_type: 'user' | 'api_token' | 'agent' | 'system'
  actor_id: string
  actor_user_id: string | null
  actor_role: string | null
  operation: string
  resource_type: string
  resource_id: string | null
  http_request_id: string | null
  ip: string | null
  user_agent: string | null
  changes: JsonText | null
  reason: string | null
  metadata: Generated<JsonText>
  prev_hash: HexHash
  hash: HexHash
}

export interface EventsTable {
  seq: number
  id: string
  at: EpochMs
  type: string
  agent_id: string
  dedupe_key: string | null
  data: JsonText
}

/** Which events an agent has, but for the last ones: written for many at once by triggers. */
export interface AgentEventsTable {
  agent_id: string
  seq: number
}

/** Which entries of the audit log an actor has, but for the last ones: written for many at once by triggers. */
export interface ActorEntriesTable {
  actor_id: string
  seq: number
}

export interface LogHeadsTable {
  name: 'audit' | 'events'
  head_seq: Generated<number>
  /** Null for events. */
  head_hash: HexHash | null
  /** Events with a number up to this one may be deleted. */
  floor: Generated<number>
  updated_at: EpochMs
  /** The newest time of all audit entries; 0 for events. */
  newest_at: Generated<EpochMs>
  /** The longest that an audit entry was behind the newest before it, by the clock of its process. */
  late_ms: Generated<number>
}

/** Whose an agent is now: behind every "own" filter. */
export interface AgentOwnerView {
  agent_id: string
  owner_id: string | null
  /** Null: a budget without an agent. */
  agent_name: string | null
  allocated_micros: Microdollars
}

/** What `agent_tags` must hold. */
export interface TaggedAgentView {
  agent_id: string
  created_at: EpochMs
  tag: string
}

export interface TokenOwnerView {
  token_id: string
  owner_id: string
  project_id: string | null
  token_name: string
}

export interface UserNameView {
  user_id: string
  username: string
  name: string | null
}

/** Money lent out per owner: behind the month headroom. */
export interface OwnerReservedView {
  owner_id: string
  reserved: Microdollars
}

/** Double entry: two rows per ledger entry, debit positive, credit negative. */
export interface LedgerPostingsView {
  agent_id: string
  seq: number
  created_at: EpochMs
  account: 'funding' | 'available' | 'reserved' | 'spent'
  /** Signed, in microdollars. */
  amount_micros: number
}

/** Every table, by its SQL name. */
export interface IronTables {
  schema_migrations: SchemaMigrationsTable
  meta: MetaTable
  idempotency_keys: IdempotencyKeysTable
  audit_log: AuditLogTable
  actor_entries: ActorEntriesTable
  events: EventsTable
  agent_events: AgentEventsTable
  log_heads: LogHeadsTable
  requests: RequestsTable
  request_keys: RequestKeysTable
  request_rollups: RequestRollupsTable
  request_sums: RequestSumsTable
  telemetry_ids: TelemetryIdsTable
  users: UsersTable
  login_attempts: LoginAttemptsTable
  sessions: SessionsTable
  api_tokens: ApiTokensTable
  api_token_secrets: ApiTokenSecretsTable
  limits: LimitsTable
  limit_counters: LimitCountersTable
  providers: ProvidersTable
  provider_keys: ProviderKeysTable
  list_counts: ListCountsTable
  agent_budgets: AgentBudgetsTable
  budget_sums: BudgetSumsTable
  leases: LeasesTable
  ledger_entries: LedgerEntriesTable
  lease_entries: LeaseEntriesTable
  budget_requests: BudgetRequestsTable
  agents: AgentsTable
  agent_tags: AgentTagsTable
  agent_providers: AgentProvidersTable
  ic_tokens: IcTokensTable
  spans: SpansTable
}

/** Every view; read-only. */
export interface IronViews {
  agent_owner: AgentOwnerView
  token_owner: TokenOwnerView
  user_name: UserNameView
  owner_reserved: OwnerReservedView
  ledger_postings: LedgerPostingsView
  tagged_agent: TaggedAgentView
}

/** What `tx.sql` knows: Kysely's map from name to row. */
export interface IronSchema extends IronTables, IronViews {}

export type TableName = keyof IronTables
export type ViewName = keyof IronViews

/** The one package that writes a table (data-model 2); the others go through its API. */
export const TABLE_OWNERS = {
  schema_migrations: 'database',
  meta: 'database',
  idempotency_keys: 'database',
  audit_log: 'journal',
  actor_entries: 'journal',
  events: 'journal',
  agent_events: 'journal',
  log_heads: 'journal',
  requests: 'journal',
  request_keys: 'journal',
  request_rollups: 'journal',
  request_sums: 'journal',
  telemetry_ids: 'journal',
  users: 'token-manager',
  login_attempts: 'token-manager',
  sessions: 'token-manager',
  api_tokens: 'token-manager',
  api_token_secrets: 'token-manager',
  limits: 'token-manager',
  limit_counters: 'token-manager',
  providers: 'token-manager',
  provider_keys: 'token-manager',
  list_counts: 'database',
  agent_budgets: 'lease-manager',
  budget_sums: 'lease-manager',
  leases: 'lease-manager',
  ledger_entries: 'lease-manager',
  lease_entries: 'lease-manager',
  budget_requests: 'lease-manager',
  agents: 'agent-registry',
  agent_tags: 'agent-registry',
  agent_providers: 'agent-registry',
  ic_tokens: 'agent-registry',
  spans: 'analytics',
} as const satisfies Readonly<Record<TableName, string>>

/** The views, for checks that compare a database with this list. */
export const VIEW_NAMES = [
  'agent_owner',
  'ledger_postings',
  'owner_reserved',
  'tagged_agent',
  'token_owner',
  'user_name',
] as const satisfies readonly ViewName[]
