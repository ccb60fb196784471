-- index agent_budgets_allocated
CREATE INDEX agent_budgets_allocated ON agent_budgets (allocated_micros, agent_id) WHERE archived_at IS NULL;

-- index agent_budgets_archived
CREATE INDEX agent_budgets_archived ON agent_budgets (agent_id) WHERE archived_at IS NOT NULL;

-- index agent_budgets_created
CREATE INDEX agent_budgets_created ON agent_budgets (created_at, agent_id) WHERE archived_at IS NULL;

-- index agent_budgets_left
CREATE INDEX agent_budgets_left ON agent_budgets (left_rank, agent_id) WHERE archived_at IS NULL;

-- index agent_budgets_owner
CREATE INDEX "agent_budgets_owner" on "agent_budgets" ("owner_id");

-- index agent_budgets_spent
CREATE INDEX agent_budgets_spent ON agent_budgets (spent_rank, agent_id) WHERE archived_at IS NULL;

-- index agent_budgets_used
CREATE INDEX agent_budgets_used ON agent_budgets (used_rank, agent_id) WHERE archived_at IS NULL;

-- index agent_providers_order
CREATE UNIQUE INDEX "agent_providers_order" on "agent_providers" ("agent_id", "position");

-- index agent_providers_provider
CREATE INDEX "agent_providers_provider" on "agent_providers" ("provider_id");

-- index agent_tags_agent
CREATE INDEX "agent_tags_agent" on "agent_tags" ("agent_id");

-- index agents_archived
CREATE INDEX agents_archived ON agents (created_at, id, name) WHERE archived = 1;

-- index agents_created
CREATE INDEX agents_created ON agents (created_at, id, archived, name);

-- index agents_failed
CREATE INDEX agents_failed ON agents (created_at, id) WHERE state = 'failed';

-- index agents_idle
CREATE INDEX agents_idle ON agents (created_at, id) WHERE state = 'idle';

-- index agents_name
CREATE INDEX agents_name ON agents (name, id);

-- index agents_owner
CREATE INDEX agents_owner ON agents (owner_id, created_at, id, archived, state, name);

-- index agents_running
CREATE INDEX agents_running ON agents (created_at, id) WHERE state = 'running';

-- index agents_silent
CREATE INDEX "agents_silent" on "agents" ("last_seen_at") where state = 'running';

-- index agents_stopped
CREATE INDEX agents_stopped ON agents (created_at, id) WHERE state = 'stopped';

-- index agents_updated
CREATE INDEX agents_updated ON agents (updated_at, id);

-- index api_token_secrets_current
CREATE UNIQUE INDEX "api_token_secrets_current" on "api_token_secrets" ("token_id") where valid_until IS NULL;

-- index api_token_secrets_token
CREATE INDEX "api_token_secrets_token" on "api_token_secrets" ("token_id");

-- index api_tokens_created
CREATE INDEX api_tokens_created ON api_tokens (created_at, id);

-- index api_tokens_expires
CREATE INDEX api_tokens_expires ON api_tokens (expires_at, id);

-- index api_tokens_last_used
CREATE INDEX api_tokens_last_used ON api_tokens (last_used_at, id);

-- index api_tokens_name
CREATE INDEX api_tokens_name ON api_tokens (name, id);

-- index api_tokens_owner
CREATE INDEX "api_tokens_owner" on "api_tokens" ("owner_id", "created_at");

-- index api_tokens_project
CREATE INDEX api_tokens_project ON api_tokens (project_id, created_at, id) WHERE project_id IS NOT NULL;

-- index api_tokens_revoked
CREATE INDEX api_tokens_revoked ON api_tokens (created_at, id) WHERE revoked_at IS NOT NULL;

-- index audit_log_id
CREATE UNIQUE INDEX "audit_log_id" on "audit_log" ("id");

-- index audit_log_operation
CREATE INDEX audit_log_operation ON audit_log (operation, seq);

-- index audit_log_resource
CREATE INDEX "audit_log_resource" on "audit_log" ("resource_type", "resource_id", "seq");

-- index audit_log_type
CREATE INDEX audit_log_type ON audit_log (resource_type, seq);

-- index audit_log_user
CREATE INDEX "audit_log_user" on "audit_log" ("actor_user_id", "seq") where actor_user_id IS NOT NULL;

-- index budget_requests_agent
CREATE INDEX "budget_requests_agent" on "budget_requests" ("agent_id", "created_at");

-- index budget_requests_created
CREATE INDEX budget_requests_created ON budget_requests (created_at, id);

-- index budget_requests_requested
CREATE INDEX budget_requests_requested ON budget_requests (requested_allocated_micros, id);

-- index budget_requests_requester
CREATE INDEX "budget_requests_requester" on "budget_requests" ("requester_id", "created_at");

-- index budget_requests_status
CREATE INDEX "budget_requests_status" on "budget_requests" ("status", "created_at");

-- index budget_requests_wanted
CREATE INDEX budget_requests_wanted ON budget_requests (status, requested_allocated_micros, id);

-- index events_dedupe
CREATE UNIQUE INDEX "events_dedupe" on "events" ("dedupe_key") where dedupe_key IS NOT NULL;

-- index events_type
CREATE INDEX events_type ON events (type, seq) WHERE type NOT IN ('request.completed', 'request.failed');

-- index ic_tokens_agent
CREATE INDEX "ic_tokens_agent" on "ic_tokens" ("agent_id", "created_at");

-- index ic_tokens_live
CREATE UNIQUE INDEX "ic_tokens_live" on "ic_tokens" ("agent_id") where revoked_at IS NULL;

-- index ic_tokens_token_hash
CREATE UNIQUE INDEX "ic_tokens_token_hash" on "ic_tokens" ("token_hash");

-- index idempotency_keys_age
CREATE INDEX "idempotency_keys_age" on "idempotency_keys" ("created_at");

-- index leases_active
CREATE INDEX "leases_active" on "leases" ("agent_id") where status = 'active';

-- index leases_agent
CREATE INDEX "leases_agent" on "leases" ("agent_id", "created_at");

-- index leases_due
CREATE INDEX "leases_due" on "leases" ("expires_at") where status = 'active';

-- index leases_idempotency
CREATE UNIQUE INDEX "leases_idempotency" on "leases" ("agent_id", "idempotency_key") where idempotency_key IS NOT NULL;

-- index leases_supersedes
CREATE UNIQUE INDEX "leases_supersedes" on "leases" ("supersedes");

-- index ledger_entries_history
CREATE UNIQUE INDEX "ledger_entries_history" on "ledger_entries" ("agent_id", "version") where type IN ('allocate', 'deallocate');

-- index limits_created
CREATE INDEX limits_created ON limits (created_at, id);

-- index limits_general
CREATE UNIQUE INDEX "limits_general" on "limits" ("owner_id") where project_id IS NULL;

-- index limits_project
CREATE UNIQUE INDEX "limits_project" on "limits" ("owner_id", "project_id") where project_id IS NOT NULL;

-- index provider_keys_active
CREATE UNIQUE INDEX "provider_keys_active" on "provider_keys" ("provider_id") where status = 'active';

-- index provider_keys_created
CREATE INDEX provider_keys_created ON provider_keys (created_at, id);

-- index provider_keys_last_used
CREATE INDEX provider_keys_last_used ON provider_keys (last_used_at, id);

-- index provider_keys_provider
CREATE INDEX "provider_keys_provider" on "provider_keys" ("provider_id", "created_at");

-- index provider_keys_vault
CREATE INDEX "provider_keys_vault" on "provider_keys" ("vault_key_id") where sealed IS NOT NULL;

-- index providers_deleted
CREATE INDEX providers_deleted ON providers (id) WHERE deleted_at IS NOT NULL;

-- index providers_name
CREATE UNIQUE INDEX "providers_name" on "providers" ("name") where deleted_at IS NULL;

-- index request_rollups_model
CREATE INDEX request_rollups_model ON request_rollups (model, hour_start);

-- index request_rollups_provider
CREATE INDEX request_rollups_provider ON request_rollups (provider, hour_start);

-- index request_rollups_subject
CREATE INDEX "request_rollups_subject" on "request_rollups" ("subject_id", "hour_start");

-- index request_sums_subject
CREATE INDEX "request_sums_subject" on "request_sums" ("subject_id", "start");

-- index requests_key
CREATE UNIQUE INDEX "requests_key" on "requests" ("subject_id", "request_id");

-- index requests_subject_time
CREATE INDEX "requests_subject_time" on "requests" ("subject_id", "received_at");

-- index requests_time
CREATE INDEX "requests_time" on "requests" ("received_at", "id");

-- index schema_migrations_name
CREATE UNIQUE INDEX "schema_migrations_name" on "schema_migrations" ("name");

-- index sessions_expiry
CREATE INDEX "sessions_expiry" on "sessions" ("expires_at");

-- index sessions_user
CREATE INDEX "sessions_user" on "sessions" ("user_id", "created_at");

-- index spans_age
CREATE INDEX "spans_age" on "spans" ("received_at");

-- index spans_agent
CREATE INDEX "spans_agent" on "spans" ("agent_id", "started_at");

-- index telemetry_ids_age
CREATE INDEX "telemetry_ids_age" on "telemetry_ids" ("received_at");

-- index users_admins
CREATE INDEX users_admins ON users (created_at, id) WHERE role = 'admin' AND deleted_at IS NULL;

-- index users_created
CREATE INDEX "users_created" on "users" ("created_at", "id");

-- index users_deleted
CREATE INDEX users_deleted ON users (created_at, id) WHERE deleted_at IS NOT NULL;

-- index users_email
CREATE UNIQUE INDEX "users_email" on "users" ("email") where deleted_at IS NULL;

-- index users_email_order
CREATE INDEX users_email_order ON users (email, id) WHERE deleted_at IS NULL;

-- index users_last_login
CREATE INDEX users_last_login ON users (last_login_at, id) WHERE deleted_at IS NULL;

-- index users_live_admins
CREATE INDEX "users_live_admins" on "users" ("id") where role = 'admin' AND suspended_at IS NULL AND deleted_at IS NULL;

-- index users_suspended
CREATE INDEX users_suspended ON users (created_at, id) WHERE suspended_at IS NOT NULL AND deleted_at IS NULL;

-- index users_username
CREATE UNIQUE INDEX "users_username" on "users" ("username_key") where deleted_at IS NULL;

-- index users_users
CREATE INDEX users_users ON users (created_at, id) WHERE role = 'user' AND deleted_at IS NULL;

-- index users_viewers
CREATE INDEX users_viewers ON users (created_at, id) WHERE role = 'viewer' AND deleted_at IS NULL;

-- table actor_entries
CREATE TABLE "actor_entries" (
  "actor_id" text not null,
  "seq" integer not null,
  constraint "actor_entries_pkey" primary key ("actor_id", "seq"),
  constraint "actor_entries_seq_check" check (seq BETWEEN 1 AND 9007199254740991)
) strict, without rowid;

-- table agent_budgets
CREATE TABLE "agent_budgets" (
  "agent_id" text not null,
  "owner_id" text,
  "allocated_micros" integer default 0 not null,
  "reserved_micros" integer default 0 not null,
  "spent_micros" integer default 0 not null,
  "version" integer default 0 not null,
  "ledger_seq" integer default 0 not null,
  "ledger_hash" text default '0000000000000000000000000000000000000000000000000000000000000000' not null,
  "alerted_percent" integer default 0 not null,
  "archived_at" integer,
  "created_at" integer not null,
  "updated_at" integer not null, used_rank integer DEFAULT 0 NOT NULL, spent_rank integer DEFAULT 1000 NOT NULL, left_rank integer DEFAULT 1000 NOT NULL,
  constraint "agent_budgets_pkey" primary key ("agent_id"),
  constraint "agent_budgets_agent_id_check" check (length(agent_id) BETWEEN 1 AND 255),
  constraint "agent_budgets_owner_id_check" check (length(owner_id) BETWEEN 1 AND 255),
  constraint "agent_budgets_allocated_micros_check" check (allocated_micros BETWEEN 0 AND 9007199254740991),
  constraint "agent_budgets_reserved_micros_check" check (reserved_micros BETWEEN 0 AND 9007199254740991),
  constraint "agent_budgets_spent_micros_check" check (spent_micros BETWEEN 0 AND 9007199254740991),
  constraint "agent_budgets_version_check" check (version BETWEEN 0 AND 9007199254740991),
  constraint "agent_budgets_ledger_seq_check" check (ledger_seq BETWEEN 0 AND 9007199254740991),
  constraint "agent_budgets_ledger_hash_check" check (length(ledger_hash) = 64),
  constraint "agent_budgets_alerted_percent_check" check (alerted_percent IN (0, 50, 80, 90, 100))
) strict;

-- table agent_events
CREATE TABLE "agent_events" (
  "agent_id" text not null,
  "seq" integer not null,
  constraint "agent_events_pkey" primary key ("agent_id", "seq"),
  constraint "agent_events_agent_id_check" check (length(agent_id) BETWEEN 1 AND 255),
  constraint "agent_events_seq_check" check (seq BETWEEN 1 AND 9007199254740991)
) strict, without rowid;

-- table agent_providers
CREATE TABLE "agent_providers" (
  "agent_id" text not null,
  "provider_id" text not null,
  "position" integer not null,
  "assigned_at" integer not null,
  constraint "agent_providers_pkey" primary key ("agent_id", "provider_id"),
  constraint "agent_providers_agent_id_fkey" foreign key ("agent_id") references "agents" ("id") on delete cascade,
  constraint "agent_providers_provider_id_fkey" foreign key ("provider_id") references "providers" ("id") on delete cascade,
  constraint "agent_providers_agent_id_check" check (length(agent_id) BETWEEN 1 AND 255),
  constraint "agent_providers_provider_id_check" check (length(provider_id) BETWEEN 1 AND 255),
  constraint "agent_providers_position_check" check (position BETWEEN 0 AND 9007199254740991)
) strict, without rowid;

-- table agent_tags
CREATE TABLE "agent_tags" (
  "tag" text not null,
  "created_at" integer not null,
  "agent_id" text not null,
  constraint "agent_tags_pkey" primary key ("tag", "created_at", "agent_id"),
  constraint "agent_tags_agent_id_fkey" foreign key ("agent_id") references "agents" ("id") on delete cascade,
  constraint "agent_tags_agent_id_check" check (length(agent_id) BETWEEN 1 AND 255)
) strict, without rowid;

-- table agents
CREATE TABLE "agents" (
  "id" text not null,
  "name" text not null,
  "description" text,
  "tags" text default '[]' not null,
  "state" text default 'idle' not null,
  "state_reason" text,
  "state_changed_at" integer not null,
  "desired_state" text default 'running' not null,
  "last_seen_at" integer,
  "created_at" integer not null,
  "updated_at" integer not null, archived integer DEFAULT 0 NOT NULL CONSTRAINT agents_archived_check CHECK (archived IN (0, 1)), owner_id text CONSTRAINT agents_owner_id_check CHECK (length(owner_id) BETWEEN 1 AND 255),
  constraint "agents_pkey" primary key ("id"),
  constraint "agents_id_fkey" foreign key ("id") references "agent_budgets" ("agent_id") on delete restrict,
  constraint "agents_id_check" check (length(id) BETWEEN 1 AND 255),
  constraint "agents_name_check" check (length(name) BETWEEN 1 AND 100),
  constraint "agents_description_check" check (length(description) <= 500),
  constraint "agents_state_check" check (state IN ('running', 'idle', 'stopped', 'failed')),
  constraint "agents_state_reason_check" check (length(state_reason) <= 500),
  constraint "agents_desired_state_check" check (desired_state IN ('running', 'stopped'))
) strict;

-- table api_token_secrets
CREATE TABLE "api_token_secrets" (
  "token_hash" text not null,
  "token_id" text not null,
  "hint" text not null,
  "created_at" integer not null,
  "valid_until" integer,
  constraint "api_token_secrets_pkey" primary key ("token_hash"),
  constraint "api_token_secrets_token_id_fkey" foreign key ("token_id") references "api_tokens" ("id") on delete cascade,
  constraint "api_token_secrets_token_hash_check" check (length(token_hash) = 64),
  constraint "api_token_secrets_token_id_check" check (length(token_id) BETWEEN 1 AND 255),
  constraint "api_token_secrets_hint_check" check (length(hint) <= 20)
) strict, without rowid;

-- table api_tokens
CREATE TABLE "api_tokens" (
  "id" text not null,
  "owner_id" text not null,
  "name" text not null,
  "description" text,
  "project_id" text,
  "scopes" text,
  "allowed_ips" text default '[]' not null,
  "created_at" integer not null,
  "expires_at" integer,
  "last_used_at" integer,
  "revoked_at" integer,
  "revoked_by" text,
  constraint "api_tokens_pkey" primary key ("id"),
  constraint "api_tokens_owner_id_fkey" foreign key ("owner_id") references "users" ("id") on delete restrict,
  constraint "api_tokens_id_check" check (length(id) BETWEEN 1 AND 255),
  constraint "api_tokens_owner_id_check" check (length(owner_id) BETWEEN 1 AND 255),
  constraint "api_tokens_name_check" check (length(name) BETWEEN 1 AND 100),
  constraint "api_tokens_description_check" check (length(description) <= 500),
  constraint "api_tokens_project_id_check" check (length(project_id) BETWEEN 1 AND 100),
  constraint "api_tokens_revoked_by_check" check (length(revoked_by) BETWEEN 1 AND 255)
) strict;

-- table audit_log
CREATE TABLE "audit_log" (
  "seq" integer not null,
  "id" text not null,
  "at" integer not null,
  "actor_type" text not null,
  "actor_id" text not null,
  "actor_user_id" text,
  "actor_role" text,
  "operation" text not null,
  "resource_type" text not null,
  "resource_id" text,
  "http_request_id" text,
  "ip" text,
  "user_agent" text,
  "changes" text,
  "reason" text,
  "metadata" text default '{}' not null,
  "prev_hash" text not null,
  "hash" text not null,
  constraint "audit_log_pkey" primary key ("seq"),
  constraint "audit_log_seq_check" check (seq BETWEEN 1 AND 9007199254740991),
  constraint "audit_log_id_check" check (length(id) BETWEEN 1 AND 255),
  constraint "audit_log_actor_type_check" check (actor_type IN ('user', 'api_token', 'agent', 'system')),
  constraint "audit_log_operation_check" check (length(operation) BETWEEN 1 AND 64),
  constraint "audit_log_user_agent_check" check (length(user_agent) <= 500),
  constraint "audit_log_reason_check" check (length(reason) <= 1000),
  constraint "audit_log_prev_hash_check" check (length(prev_hash) = 64),
  constraint "audit_log_hash_check" check (length(hash) = 64)
) strict;

-- table budget_requests
CREATE TABLE "budget_requests" (
  "id" text not null,
  "agent_id" text not null,
  "requester_id" text not null,
  "status" text not null,
  "allocated_micros" integer not null,
  "requested_allocated_micros" integer not null,
  "approved_allocated_micros" integer,
  "justification" text not null,
  "created_at" integer not null,
  "reviewed_at" integer,
  "reviewed_by" text,
  "cancelled_at" integer,
  "cancelled_by" text,
  "review_notes" text,
  constraint "budget_requests_pkey" primary key ("id"),
  constraint "budget_requests_agent_id_fkey" foreign key ("agent_id") references "agent_budgets" ("agent_id") on delete restrict,
  constraint "budget_requests_id_check" check (length(id) BETWEEN 1 AND 255),
  constraint "budget_requests_agent_id_check" check (length(agent_id) BETWEEN 1 AND 255),
  constraint "budget_requests_requester_id_check" check (length(requester_id) BETWEEN 1 AND 255),
  constraint "budget_requests_status_check" check (status IN ('pending', 'approved', 'rejected', 'cancelled')),
  constraint "budget_requests_allocated_micros_check" check (allocated_micros BETWEEN 0 AND 9007199254740991),
  constraint "budget_requests_requested_allocated_micros_check" check (requested_allocated_micros BETWEEN 0 AND 9007199254740991),
  constraint "budget_requests_approved_allocated_micros_check" check (approved_allocated_micros BETWEEN 1 AND 9007199254740991),
  constraint "budget_requests_justification_check" check (length(justification) BETWEEN 20 AND 500),
  constraint "budget_requests_reviewed_by_check" check (length(reviewed_by) BETWEEN 1 AND 255),
  constraint "budget_requests_cancelled_by_check" check (length(cancelled_by) BETWEEN 1 AND 255),
  constraint "budget_requests_review_notes_check" check (length(review_notes) <= 1000),
  constraint "budget_requests_asks_for_more" check (requested_allocated_micros > allocated_micros),
  constraint "budget_requests_reviewed_when_decided" check ((status IN ('approved', 'rejected')) = (reviewed_at IS NOT NULL)),
  constraint "budget_requests_reviewed_by_somebody" check ((reviewed_at IS NULL) = (reviewed_by IS NULL)),
  constraint "budget_requests_cancelled_with_time" check ((status = 'cancelled') = (cancelled_at IS NOT NULL)),
  constraint "budget_requests_canceller_with_time" check (cancelled_by IS NULL OR cancelled_at IS NOT NULL),
  constraint "budget_requests_approved_with_amount" check ((status = 'approved') = (approved_allocated_micros IS NOT NULL)),
  constraint "budget_requests_rejected_with_notes" check (status <> 'rejected' OR (review_notes IS NOT NULL AND length(review_notes) >= 20))
) strict;

-- table budget_sums
CREATE TABLE "budget_sums" (
  "owner_id" text not null,
  "grade" integer not null,
  "shard" integer not null,
  "agents" integer not null,
  "allocated_whole" integer not null,
  "allocated_rest" integer not null,
  "reserved_whole" integer not null,
  "reserved_rest" integer not null,
  "spent_whole" integer not null,
  "spent_rest" integer not null,
  "overdrawn_whole" integer not null,
  "overdrawn_rest" integer not null,
  constraint "budget_sums_pkey" primary key ("owner_id", "grade", "shard"),
  constraint "budget_sums_owner_id_check" check (length(owner_id) <= 255),
  constraint "budget_sums_grade_check" check (grade BETWEEN -2 AND 201),
  constraint "budget_sums_shard_check" check (shard BETWEEN 0 AND 9007199254740991)
) strict, without rowid;

-- table events
CREATE TABLE "events" (
  "seq" integer not null,
  "id" text not null,
  "at" integer not null,
  "type" text not null,
  "agent_id" text not null,
  "dedupe_key" text,
  "data" text not null,
  constraint "events_pkey" primary key ("seq"),
  constraint "events_seq_check" check (seq BETWEEN 1 AND 9007199254740991),
  constraint "events_id_check" check (length(id) BETWEEN 1 AND 255),
  constraint "events_type_check" check (length(type) BETWEEN 3 AND 64),
  constraint "events_agent_id_check" check (length(agent_id) BETWEEN 1 AND 255),
  constraint "events_dedupe_key_check" check (length(dedupe_key) <= 200),
  constraint "events_data_check" check (length(data) <= 16384)
) strict;

-- table ic_tokens
CREATE TABLE "ic_tokens" (
  "id" text not null,
  "agent_id" text not null,
  "token_hash" text not null,
  "permissions" text not null,
  "created_at" integer not null,
  "created_by" text not null,
  "expires_at" integer,
  "last_used_at" integer,
  "revoked_at" integer,
  "revoked_by" text,
  constraint "ic_tokens_pkey" primary key ("id"),
  constraint "ic_tokens_agent_id_fkey" foreign key ("agent_id") references "agents" ("id") on delete restrict,
  constraint "ic_tokens_id_check" check (length(id) BETWEEN 1 AND 255),
  constraint "ic_tokens_agent_id_check" check (length(agent_id) BETWEEN 1 AND 255),
  constraint "ic_tokens_token_hash_check" check (length(token_hash) = 64),
  constraint "ic_tokens_created_by_check" check (length(created_by) BETWEEN 1 AND 255),
  constraint "ic_tokens_revoked_by_check" check (length(revoked_by) BETWEEN 1 AND 255)
) strict;

-- table idempotency_keys
CREATE TABLE "idempotency_keys" (
  "principal_id" text not null,
  "route" text not null,
  "key" text not null,
  "payload_hash" text not null,
  "result" text not null,
  "created_at" integer not null,
  constraint "idempotency_keys_pkey" primary key ("principal_id", "route", "key"),
  constraint "idempotency_keys_principal_id_check" check (length(principal_id) BETWEEN 1 AND 255),
  constraint "idempotency_keys_route_check" check (length(route) BETWEEN 1 AND 200),
  constraint "idempotency_keys_key_check" check (length(key) BETWEEN 1 AND 255),
  constraint "idempotency_keys_payload_hash_check" check (length(payload_hash) = 64)
) strict, without rowid;

-- table lease_entries
CREATE TABLE "lease_entries" (
  "lease_id" text not null,
  "seq" integer not null,
  constraint "lease_entries_pkey" primary key ("lease_id", "seq"),
  constraint "lease_entries_lease_id_check" check (length(lease_id) BETWEEN 1 AND 255),
  constraint "lease_entries_seq_check" check (seq BETWEEN 1 AND 9007199254740991)
) strict, without rowid;

-- table leases
CREATE TABLE "leases" (
  "id" text not null,
  "agent_id" text not null,
  "supersedes" text,
  "provider_id" text,
  "runtime_id" text,
  "idempotency_key" text,
  "status" text not null,
  "requested_micros" integer not null,
  "granted_micros" integer not null,
  "spent_micros" integer default 0 not null,
  "released_micros" integer default 0 not null,
  "overrun_micros" integer default 0 not null,
  "unreported_micros" integer default 0 not null,
  "created_at" integer not null,
  "expires_at" integer not null,
  "closed_at" integer,
  "close_reason" text,
  "returned_at" integer,
  "return_spent_micros" integer,
  constraint "leases_pkey" primary key ("id"),
  constraint "leases_agent_id_fkey" foreign key ("agent_id") references "agent_budgets" ("agent_id") on delete restrict,
  constraint "leases_supersedes_fkey" foreign key ("supersedes") references "leases" ("id") on delete restrict,
  constraint "leases_id_check" check (length(id) BETWEEN 1 AND 255),
  constraint "leases_agent_id_check" check (length(agent_id) BETWEEN 1 AND 255),
  constraint "leases_supersedes_check" check (length(supersedes) BETWEEN 1 AND 255),
  constraint "leases_provider_id_check" check (length(provider_id) BETWEEN 1 AND 255),
  constraint "leases_runtime_id_check" check (length(runtime_id) <= 100),
  constraint "leases_idempotency_key_check" check (length(idempotency_key) BETWEEN 1 AND 255),
  constraint "leases_status_check" check (status IN ('active', 'superseded', 'closed', 'revoked')),
  constraint "leases_requested_micros_check" check (requested_micros BETWEEN 1 AND 9007199254740991),
  constraint "leases_granted_micros_check" check (granted_micros BETWEEN 1 AND 9007199254740991),
  constraint "leases_spent_micros_check" check (spent_micros BETWEEN 0 AND 9007199254740991),
  constraint "leases_released_micros_check" check (released_micros BETWEEN 0 AND 9007199254740991),
  constraint "leases_overrun_micros_check" check (overrun_micros BETWEEN 0 AND 9007199254740991),
  constraint "leases_unreported_micros_check" check (unreported_micros BETWEEN 0 AND 9007199254740991),
  constraint "leases_close_reason_check" check (close_reason IN ('returned', 'lapsed', 'superseded', 'revoked')),
  constraint "leases_return_spent_micros_check" check (return_spent_micros BETWEEN 0 AND 9007199254740991),
  constraint "leases_granted_within_requested" check (granted_micros <= requested_micros),
  constraint "leases_used_within_granted" check (spent_micros + released_micros <= granted_micros),
  constraint "leases_unreported_within_used" check (unreported_micros <= spent_micros + overrun_micros),
  constraint "leases_active_is_open" check ((status = 'active') = (closed_at IS NULL)),
  constraint "leases_active_without_reason" check ((status = 'active') = (close_reason IS NULL)),
  constraint "leases_status_follows_reason" check (status = 'active' OR status = CASE WHEN close_reason IN ('returned', 'lapsed') THEN 'closed' ELSE close_reason END),
  constraint "leases_active_releases_nothing" check (status <> 'active' OR released_micros = 0),
  constraint "leases_ended_is_settled" check (status = 'active' OR spent_micros + released_micros = granted_micros),
  constraint "leases_return_ends" check (returned_at IS NULL OR closed_at IS NOT NULL),
  constraint "leases_returned_has_time" check (close_reason IS NULL OR close_reason <> 'returned' OR returned_at IS NOT NULL),
  constraint "leases_return_total_with_time" check ((returned_at IS NULL) = (return_spent_micros IS NULL))
) strict;

-- table ledger_entries
CREATE TABLE "ledger_entries" (
  "agent_id" text not null,
  "seq" integer not null,
  "type" text not null,
  "amount_micros" integer not null,
  "lease_id" text,
  "request_id" text,
  "budget_request_id" text,
  "version" integer not null,
  "allocated_after" integer not null,
  "reserved_after" integer not null,
  "spent_after" integer not null,
  "actor_id" text,
  "reason" text,
  "created_at" integer not null,
  "hash" text not null,
  constraint "ledger_entries_pkey" primary key ("agent_id", "seq"),
  constraint "ledger_entries_agent_id_fkey" foreign key ("agent_id") references "agent_budgets" ("agent_id") on delete restrict,
  constraint "ledger_entries_budget_request_id_fkey" foreign key ("budget_request_id") references "budget_requests" ("id") on delete restrict,
  constraint "ledger_entries_agent_id_check" check (length(agent_id) BETWEEN 1 AND 255),
  constraint "ledger_entries_seq_check" check (seq BETWEEN 1 AND 9007199254740991),
  constraint "ledger_entries_type_check" check (type IN ('allocate', 'deallocate', 'grant', 'spend', 'overrun', 'release', 'adjust')),
  constraint "ledger_entries_amount_micros_check" check (amount_micros BETWEEN 1 AND 9007199254740991),
  constraint "ledger_entries_lease_id_check" check (length(lease_id) BETWEEN 1 AND 255),
  constraint "ledger_entries_request_id_check" check (length(request_id) BETWEEN 1 AND 100),
  constraint "ledger_entries_budget_request_id_check" check (length(budget_request_id) BETWEEN 1 AND 255),
  constraint "ledger_entries_version_check" check (version BETWEEN 0 AND 9007199254740991),
  constraint "ledger_entries_allocated_after_check" check (allocated_after BETWEEN 0 AND 9007199254740991),
  constraint "ledger_entries_reserved_after_check" check (reserved_after BETWEEN 0 AND 9007199254740991),
  constraint "ledger_entries_spent_after_check" check (spent_after BETWEEN 0 AND 9007199254740991),
  constraint "ledger_entries_reason_check" check (length(reason) <= 500),
  constraint "ledger_entries_hash_check" check (length(hash) = 64),
  constraint "ledger_entries_available_after" check (type NOT IN ('grant', 'deallocate') OR allocated_after - reserved_after - spent_after >= 0),
  constraint "ledger_entries_lease_required" check (type NOT IN ('grant', 'spend', 'release') OR lease_id IS NOT NULL),
  constraint "ledger_entries_lease_forbidden" check (type NOT IN ('allocate', 'deallocate', 'adjust') OR lease_id IS NULL),
  constraint "ledger_entries_reason_without_lease" check (lease_id IS NOT NULL OR type IN ('allocate', 'deallocate') OR reason IS NOT NULL),
  constraint "ledger_entries_request_of_a_report" check (request_id IS NULL OR type IN ('spend', 'overrun')),
  constraint "ledger_entries_actor_required" check (actor_id IS NOT NULL OR type IN ('grant', 'spend', 'overrun', 'release')),
  constraint "ledger_entries_budget_request_allocates" check (budget_request_id IS NULL OR type = 'allocate')
) strict, without rowid;

-- table limit_counters
CREATE TABLE "limit_counters" (
  "owner_id" text not null,
  "project_id" text default '' not null,
  "metric" text not null,
  "window_start" integer not null,
  "used" integer not null,
  constraint "limit_counters_pkey" primary key ("owner_id", "project_id", "metric", "window_start"),
  constraint "limit_counters_owner_id_check" check (length(owner_id) BETWEEN 1 AND 255),
  constraint "limit_counters_project_id_check" check (length(project_id) <= 100),
  constraint "limit_counters_metric_check" check (metric IN ('tokens_per_day', 'requests_per_minute', 'cost_per_month')),
  constraint "limit_counters_used_check" check (used BETWEEN 0 AND 9007199254740991)
) strict, without rowid;

-- table limits
CREATE TABLE "limits" (
  "id" text not null,
  "owner_id" text not null,
  "project_id" text,
  "max_tokens_per_day" integer,
  "max_requests_per_minute" integer,
  "max_cost_per_month_micros" integer,
  "created_at" integer not null,
  "updated_at" integer not null,
  constraint "limits_pkey" primary key ("id"),
  constraint "limits_id_check" check (length(id) BETWEEN 1 AND 255),
  constraint "limits_owner_id_check" check (length(owner_id) BETWEEN 1 AND 255),
  constraint "limits_project_id_check" check (length(project_id) BETWEEN 1 AND 100),
  constraint "limits_max_tokens_per_day_check" check (max_tokens_per_day BETWEEN 0 AND 9007199254740991),
  constraint "limits_max_requests_per_minute_check" check (max_requests_per_minute BETWEEN 0 AND 9007199254740991),
  constraint "limits_max_cost_per_month_micros_check" check (max_cost_per_month_micros BETWEEN 0 AND 9007199254740991)
) strict;

-- table list_counts
CREATE TABLE "list_counts" (
  "list" text not null,
  "part" text not null,
  "shard" integer not null,
  "entries" integer not null,
  constraint "list_counts_pkey" primary key ("list", "part", "shard"),
  constraint "list_counts_list_check" check (list IN ('agents', 'owned_agents', 'agent_tags', 'api_tokens', 'budget_requests', 'provider_keys', 'users')),
  constraint "list_counts_part_check" check (length(part) BETWEEN 1 AND 300),
  constraint "list_counts_shard_check" check (shard BETWEEN 0 AND 9007199254740991)
) strict, without rowid;

-- table log_heads
CREATE TABLE "log_heads" (
  "name" text not null,
  "head_seq" integer default 0 not null,
  "head_hash" text,
  "floor" integer default 0 not null,
  "updated_at" integer not null, newest_at INTEGER NOT NULL DEFAULT 0 CONSTRAINT log_heads_newest_at_check CHECK (newest_at BETWEEN 0 AND 9007199254740991), late_ms INTEGER NOT NULL DEFAULT 0 CONSTRAINT log_heads_late_ms_check CHECK (late_ms BETWEEN 0 AND 9007199254740991),
  constraint "log_heads_pkey" primary key ("name"),
  constraint "log_heads_name_check" check (name IN ('audit', 'events')),
  constraint "log_heads_head_seq_check" check (head_seq BETWEEN 0 AND 9007199254740991),
  constraint "log_heads_head_hash_check" check (length(head_hash) = 64),
  constraint "log_heads_floor_check" check (floor BETWEEN 0 AND 9007199254740991),
  constraint "log_heads_floor_within_head" check (floor <= head_seq),
  constraint "log_heads_audit_keeps_all" check (name <> 'audit' OR floor = 0),
  constraint "log_heads_audit_is_chained" check ((name = 'audit') = (head_hash IS NOT NULL))
) strict;

-- table login_attempts
CREATE TABLE "login_attempts" (
  "account_key" text not null,
  "failures" integer not null,
  "last_failed_at" integer not null,
  "locked_until" integer,
  constraint "login_attempts_pkey" primary key ("account_key"),
  constraint "login_attempts_account_key_check" check (length(account_key) BETWEEN 1 AND 255),
  constraint "login_attempts_failures_check" check (failures BETWEEN 0 AND 9007199254740991)
) strict;

-- table meta
CREATE TABLE "meta" (
  "key" text not null,
  "value" text not null,
  constraint "meta_pkey" primary key ("key"),
  constraint "meta_key_check" check (length(key) BETWEEN 1 AND 100)
) strict;

-- table provider_keys
CREATE TABLE "provider_keys" (
  "id" text not null,
  "provider_id" text not null,
  "status" text not null,
  "sealed" text,
  "vault_key_id" text,
  "masked" text not null,
  "created_at" integer not null,
  "created_by" text not null,
  "last_used_at" integer,
  "retired_at" integer,
  constraint "provider_keys_pkey" primary key ("id"),
  constraint "provider_keys_provider_id_fkey" foreign key ("provider_id") references "providers" ("id") on delete restrict,
  constraint "provider_keys_id_check" check (length(id) BETWEEN 1 AND 255),
  constraint "provider_keys_provider_id_check" check (length(provider_id) BETWEEN 1 AND 255),
  constraint "provider_keys_status_check" check (status IN ('active', 'retired')),
  constraint "provider_keys_masked_check" check (length(masked) <= 20),
  constraint "provider_keys_created_by_check" check (length(created_by) BETWEEN 1 AND 255),
  constraint "provider_keys_sealed_with_vault_key" check ((sealed IS NULL) = (vault_key_id IS NULL)),
  constraint "provider_keys_active_is_sealed" check (status <> 'active' OR sealed IS NOT NULL),
  constraint "provider_keys_retired_with_time" check ((status = 'retired') = (retired_at IS NOT NULL))
) strict;

-- table providers
CREATE TABLE "providers" (
  "id" text not null,
  "name" text not null,
  "kind" text not null,
  "base_url" text not null,
  "models" text default '[]' not null,
  "status" text default 'active' not null,
  "created_at" integer not null,
  "updated_at" integer not null,
  "deleted_at" integer,
  constraint "providers_pkey" primary key ("id"),
  constraint "providers_id_check" check (length(id) BETWEEN 1 AND 255),
  constraint "providers_name_check" check (length(name) BETWEEN 1 AND 50),
  constraint "providers_kind_check" check (kind IN ('openai', 'anthropic', 'google', 'azure_openai', 'custom')),
  constraint "providers_base_url_check" check (length(base_url) BETWEEN 8 AND 2000),
  constraint "providers_status_check" check (status IN ('active', 'disabled'))
) strict;

-- table request_keys
CREATE TABLE "request_keys" (
  "subject_id" text not null,
  "request_id" text not null,
  "id" text not null,
  "payload_hash" text not null,
  "lease_id" text,
  "cost_micros" integer not null,
  "overrun_micros" integer not null,
  "pricing" text not null,
  "late" integer not null,
  constraint "request_keys_pkey" primary key ("subject_id", "request_id"),
  constraint "request_keys_subject_id_check" check (length(subject_id) BETWEEN 1 AND 255),
  constraint "request_keys_request_id_check" check (length(request_id) BETWEEN 1 AND 100),
  constraint "request_keys_id_check" check (length(id) BETWEEN 1 AND 255),
  constraint "request_keys_payload_hash_check" check (length(payload_hash) = 64),
  constraint "request_keys_lease_id_check" check (length(lease_id) BETWEEN 1 AND 255),
  constraint "request_keys_cost_micros_check" check (cost_micros BETWEEN 0 AND 9007199254740991),
  constraint "request_keys_overrun_micros_check" check (overrun_micros BETWEEN 0 AND 9007199254740991),
  constraint "request_keys_pricing_check" check (pricing IN ('reported', 'price_book', 'ceiling')),
  constraint "request_keys_late_check" check (late IN (0, 1)),
  constraint "request_keys_overrun_within_cost" check (overrun_micros <= cost_micros)
) strict, without rowid;

-- table request_rollups
CREATE TABLE "request_rollups" (
  "hour_start" integer not null,
  "subject_id" text not null,
  "provider" text not null,
  "model" text not null,
  "outcome" text not null,
  "requests" integer not null,
  "input_tokens" integer not null,
  "cache_read_tokens" integer not null,
  "cache_write_tokens" integer not null,
  "output_tokens" integer not null,
  "reasoning_tokens" integer not null,
  "total_tokens" integer not null,
  "cost_micros" integer not null,
  "billed_micros" integer not null,
  "ceiling_micros" integer not null,
  "latency" text default '{}' not null, costs text DEFAULT '{}' NOT NULL,
  constraint "request_rollups_pkey" primary key ("hour_start", "subject_id", "provider", "model", "outcome"),
  constraint "request_rollups_subject_id_check" check (length(subject_id) BETWEEN 1 AND 255),
  constraint "request_rollups_provider_check" check (length(provider) <= 100),
  constraint "request_rollups_model_check" check (length(model) <= 255),
  constraint "request_rollups_outcome_check" check (outcome IN ('completed', 'failed')),
  constraint "request_rollups_requests_check" check (requests BETWEEN 0 AND 9007199254740991),
  constraint "request_rollups_input_tokens_check" check (input_tokens BETWEEN 0 AND 9007199254740991),
  constraint "request_rollups_cache_read_tokens_check" check (cache_read_tokens BETWEEN 0 AND 9007199254740991),
  constraint "request_rollups_cache_write_tokens_check" check (cache_write_tokens BETWEEN 0 AND 9007199254740991),
  constraint "request_rollups_output_tokens_check" check (output_tokens BETWEEN 0 AND 9007199254740991),
  constraint "request_rollups_reasoning_tokens_check" check (reasoning_tokens BETWEEN 0 AND 9007199254740991),
  constraint "request_rollups_total_tokens_check" check (total_tokens BETWEEN 0 AND 9007199254740991),
  constraint "request_rollups_cost_micros_check" check (cost_micros BETWEEN 0 AND 9007199254740991),
  constraint "request_rollups_billed_micros_check" check (billed_micros BETWEEN 0 AND 9007199254740991),
  constraint "request_rollups_ceiling_micros_check" check (ceiling_micros BETWEEN 0 AND 9007199254740991)
) strict, without rowid;

-- table request_sums
CREATE TABLE "request_sums" (
  "grain" text not null,
  "start" integer not null,
  "subject_id" text not null,
  "provider" text not null,
  "model" text not null,
  "outcome" text not null,
  "requests" integer not null,
  "input_tokens" integer not null,
  "cache_read_tokens" integer not null,
  "cache_write_tokens" integer not null,
  "output_tokens" integer not null,
  "reasoning_tokens" integer not null,
  "total_tokens" integer not null,
  "cost_micros" integer not null,
  "billed_micros" integer not null,
  "ceiling_micros" integer not null,
  "latency" text default '{}' not null, costs text DEFAULT '{}' NOT NULL,
  constraint "request_sums_pkey" primary key ("grain", "start", "subject_id", "provider", "model", "outcome"),
  constraint "request_sums_grain_check" check (grain IN ('hour', 'day', 'month', 'each_day', 'each_month')),
  constraint "request_sums_subject_id_check" check (length(subject_id) <= 255),
  constraint "request_sums_provider_check" check (length(provider) <= 100),
  constraint "request_sums_model_check" check (length(model) <= 255),
  constraint "request_sums_outcome_check" check (outcome IN ('completed', 'failed')),
  constraint "request_sums_requests_check" check (requests BETWEEN 1 AND 9007199254740991),
  constraint "request_sums_input_tokens_check" check (input_tokens BETWEEN 0 AND 9007199254740991),
  constraint "request_sums_cache_read_tokens_check" check (cache_read_tokens BETWEEN 0 AND 9007199254740991),
  constraint "request_sums_cache_write_tokens_check" check (cache_write_tokens BETWEEN 0 AND 9007199254740991),
  constraint "request_sums_output_tokens_check" check (output_tokens BETWEEN 0 AND 9007199254740991),
  constraint "request_sums_reasoning_tokens_check" check (reasoning_tokens BETWEEN 0 AND 9007199254740991),
  constraint "request_sums_total_tokens_check" check (total_tokens BETWEEN 0 AND 9007199254740991),
  constraint "request_sums_cost_micros_check" check (cost_micros BETWEEN 0 AND 9007199254740991),
  constraint "request_sums_billed_micros_check" check (billed_micros BETWEEN 0 AND 9007199254740991),
  constraint "request_sums_ceiling_micros_check" check (ceiling_micros BETWEEN 0 AND 9007199254740991)
) strict, without rowid;

-- table requests
CREATE TABLE "requests" (
  "id" text not null,
  "source" text not null,
  "subject_id" text not null,
  "request_id" text,
  "payload_hash" text,
  "lease_id" text,
  "provider_id" text,
  "provider" text,
  "model" text,
  "outcome" text,
  "error_code" text,
  "error_message" text,
  "input_tokens" integer,
  "cache_read_tokens" integer,
  "cache_write_tokens" integer,
  "output_tokens" integer,
  "reasoning_tokens" integer,
  "other_parts" text,
  "total_tokens" integer not null,
  "cost_micros" integer not null,
  "overrun_micros" integer default 0 not null,
  "pricing" text not null,
  "price_id" text,
  "billed" integer not null,
  "late" integer default 0 not null,
  "latency_ms" integer,
  "trace_id" text,
  "at" integer not null,
  "received_at" integer not null,
  constraint "requests_pkey" primary key ("id"),
  constraint "requests_id_check" check (length(id) BETWEEN 1 AND 255),
  constraint "requests_source_check" check (source IN ('agent', 'api_token')),
  constraint "requests_subject_id_check" check (length(subject_id) BETWEEN 1 AND 255),
  constraint "requests_request_id_check" check (length(request_id) BETWEEN 1 AND 100),
  constraint "requests_payload_hash_check" check (length(payload_hash) = 64),
  constraint "requests_lease_id_check" check (length(lease_id) BETWEEN 1 AND 255),
  constraint "requests_provider_id_check" check (length(provider_id) BETWEEN 1 AND 255),
  constraint "requests_provider_check" check (length(provider) BETWEEN 1 AND 100),
  constraint "requests_model_check" check (length(model) BETWEEN 1 AND 255),
  constraint "requests_outcome_check" check (outcome IN ('completed', 'failed')),
  constraint "requests_error_code_check" check (length(error_code) <= 100),
  constraint "requests_error_message_check" check (length(error_message) <= 1000),
  constraint "requests_input_tokens_check" check (input_tokens BETWEEN 0 AND 9007199254740991),
  constraint "requests_cache_read_tokens_check" check (cache_read_tokens BETWEEN 0 AND 9007199254740991),
  constraint "requests_cache_write_tokens_check" check (cache_write_tokens BETWEEN 0 AND 9007199254740991),
  constraint "requests_output_tokens_check" check (output_tokens BETWEEN 0 AND 9007199254740991),
  constraint "requests_reasoning_tokens_check" check (reasoning_tokens BETWEEN 0 AND 9007199254740991),
  constraint "requests_total_tokens_check" check (total_tokens BETWEEN 0 AND 9007199254740991),
  constraint "requests_cost_micros_check" check (cost_micros BETWEEN 0 AND 9007199254740991),
  constraint "requests_overrun_micros_check" check (overrun_micros BETWEEN 0 AND 9007199254740991),
  constraint "requests_pricing_check" check (pricing IN ('reported', 'price_book', 'ceiling')),
  constraint "requests_price_id_check" check (length(price_id) <= 200),
  constraint "requests_billed_check" check (billed IN (0, 1)),
  constraint "requests_late_check" check (late IN (0, 1)),
  constraint "requests_latency_ms_check" check (latency_ms BETWEEN 0 AND 9007199254740991),
  constraint "requests_trace_id_check" check (length(trace_id) <= 100),
  constraint "requests_overrun_within_cost" check (overrun_micros <= cost_micros),
  constraint "requests_cache_within_input" check (coalesce(cache_read_tokens, 0) + coalesce(cache_write_tokens, 0) <= coalesce(input_tokens, 0)),
  constraint "requests_reasoning_within_output" check (coalesce(reasoning_tokens, 0) <= coalesce(output_tokens, 0)),
  constraint "requests_parts_within_total" check (coalesce(input_tokens, 0) + coalesce(output_tokens, 0) <= total_tokens),
  constraint "requests_lease_of_a_billed_call" check (lease_id IS NULL OR (source = 'agent' AND billed = 1)),
  constraint "requests_billed_agent_has_lease" check (source <> 'agent' OR billed = 0 OR lease_id IS NOT NULL),
  constraint "requests_billed_agent_has_key" check (source <> 'agent' OR billed = 0 OR request_id IS NOT NULL),
  constraint "requests_payload_of_a_billed_key" check ((payload_hash IS NOT NULL) = (billed = 1 AND request_id IS NOT NULL))
) strict;

-- table schema_migrations
CREATE TABLE "schema_migrations" (
  "number" integer not null,
  "name" text not null,
  "checksum" text not null,
  "schema_hash" text not null,
  "app_version" text not null,
  "applied_at" integer not null,
  constraint "schema_migrations_pkey" primary key ("number"),
  constraint "schema_migrations_number_check" check (number BETWEEN 1 AND 9007199254740991),
  constraint "schema_migrations_checksum_check" check (length(checksum) = 64),
  constraint "schema_migrations_schema_hash_check" check (length(schema_hash) = 64)
) strict;

-- table sessions
CREATE TABLE "sessions" (
  "id" text not null,
  "user_id" text not null,
  "refresh_hash" text not null,
  "created_at" integer not null,
  "refreshed_at" integer not null,
  "expires_at" integer not null,
  "revoked_at" integer,
  "revoke_reason" text,
  "ip" text,
  "user_agent" text,
  constraint "sessions_pkey" primary key ("id"),
  constraint "sessions_user_id_fkey" foreign key ("user_id") references "users" ("id") on delete restrict,
  constraint "sessions_id_check" check (length(id) BETWEEN 1 AND 255),
  constraint "sessions_user_id_check" check (length(user_id) BETWEEN 1 AND 255),
  constraint "sessions_refresh_hash_check" check (length(refresh_hash) = 64),
  constraint "sessions_revoke_reason_check" check (revoke_reason IN ('logout', 'refresh_reuse', 'password_changed', 'user_suspended', 'user_deleted', 'admin')),
  constraint "sessions_user_agent_check" check (length(user_agent) <= 500),
  constraint "sessions_revoked_with_reason" check ((revoked_at IS NULL) = (revoke_reason IS NULL))
) strict;

-- table spans
CREATE TABLE "spans" (
  "trace_id" text not null,
  "span_id" text not null,
  "parent_id" text,
  "agent_id" text not null,
  "name" text not null,
  "status" text not null,
  "started_at" integer not null,
  "duration_ms" integer,
  "attributes" text default '{}' not null,
  "received_at" integer not null,
  constraint "spans_pkey" primary key ("trace_id", "span_id"),
  constraint "spans_trace_id_check" check (length(trace_id) BETWEEN 1 AND 255),
  constraint "spans_span_id_check" check (length(span_id) BETWEEN 1 AND 100),
  constraint "spans_parent_id_check" check (length(parent_id) <= 100),
  constraint "spans_agent_id_check" check (length(agent_id) BETWEEN 1 AND 255),
  constraint "spans_name_check" check (length(name) BETWEEN 1 AND 200),
  constraint "spans_status_check" check (status IN ('ok', 'error')),
  constraint "spans_duration_ms_check" check (duration_ms BETWEEN 0 AND 9007199254740991),
  constraint "spans_attributes_check" check (length(attributes) <= 16384)
) strict, without rowid;

-- table telemetry_ids
CREATE TABLE "telemetry_ids" (
  "agent_id" text not null,
  "event_id" text not null,
  "received_at" integer not null,
  constraint "telemetry_ids_pkey" primary key ("agent_id", "event_id"),
  constraint "telemetry_ids_agent_id_check" check (length(agent_id) BETWEEN 1 AND 255),
  constraint "telemetry_ids_event_id_check" check (length(event_id) BETWEEN 1 AND 100)
) strict, without rowid;

-- table users
CREATE TABLE "users" (
  "id" text not null,
  "username" text not null,
  "username_key" text not null,
  "email" text,
  "name" text,
  "role" text not null,
  "password_hash" text,
  "force_password_change" integer default 0 not null,
  "last_login_at" integer,
  "suspended_at" integer,
  "suspended_by" text,
  "suspended_reason" text,
  "deleted_at" integer,
  "deleted_by" text,
  "created_at" integer not null,
  "updated_at" integer not null,
  constraint "users_pkey" primary key ("id"),
  constraint "users_id_check" check (length(id) BETWEEN 1 AND 255),
  constraint "users_username_check" check (length(username) BETWEEN 1 AND 255),
  constraint "users_username_key_check" check (length(username_key) BETWEEN 1 AND 255),
  constraint "users_email_check" check (length(email) BETWEEN 3 AND 255),
  constraint "users_name_check" check (length(name) BETWEEN 1 AND 255),
  constraint "users_role_check" check (role IN ('admin', 'user', 'viewer')),
  constraint "users_password_hash_check" check (length(password_hash) BETWEEN 20 AND 255),
  constraint "users_force_password_change_check" check (force_password_change IN (0, 1)),
  constraint "users_suspended_by_check" check (length(suspended_by) BETWEEN 1 AND 255),
  constraint "users_suspended_reason_check" check (length(suspended_reason) <= 1000),
  constraint "users_deleted_by_check" check (length(deleted_by) BETWEEN 1 AND 255)
) strict;

-- trigger actor_entries_insert
CREATE TRIGGER actor_entries_insert AFTER INSERT ON audit_log WHEN NEW.seq % 1024 = 0 BEGIN INSERT INTO actor_entries (actor_id, seq) SELECT l.actor_id, l.seq FROM audit_log l WHERE l.seq > NEW.seq - 1024 AND l.seq <= NEW.seq ORDER BY l.actor_id, l.seq; END;

-- trigger agent_events_delete
CREATE TRIGGER agent_events_delete AFTER DELETE ON events BEGIN DELETE FROM agent_events WHERE agent_id = OLD.agent_id AND seq = OLD.seq; END;

-- trigger agent_events_insert
CREATE TRIGGER agent_events_insert AFTER INSERT ON events WHEN NEW.seq % 1024 = 0 BEGIN INSERT INTO agent_events (agent_id, seq) SELECT e.agent_id, e.seq FROM events e WHERE e.seq > NEW.seq - 1024 AND e.seq <= NEW.seq ORDER BY e.agent_id, e.seq; END;

-- trigger agent_tags_count_archived
CREATE TRIGGER agent_tags_count_archived AFTER UPDATE OF archived_at ON agent_budgets WHEN (NEW.archived_at IS NULL) <> (OLD.archived_at IS NULL) BEGIN INSERT INTO list_counts (list, part, shard, entries) SELECT 'agent_tags', CASE WHEN OLD.archived_at IS NOT NULL THEN 'archived ' ELSE 'active ' END || t.tag, 0, -1 FROM agent_tags t WHERE t.agent_id = NEW.agent_id ON CONFLICT (list, part, shard) DO UPDATE SET entries = entries + excluded.entries; INSERT INTO list_counts (list, part, shard, entries) SELECT 'agent_tags', CASE WHEN NEW.archived_at IS NOT NULL THEN 'archived ' ELSE 'active ' END || t.tag, 0, 1 FROM agent_tags t WHERE t.agent_id = NEW.agent_id ON CONFLICT (list, part, shard) DO UPDATE SET entries = entries + excluded.entries; END;

-- trigger agent_tags_count_delete
CREATE TRIGGER agent_tags_count_delete AFTER DELETE ON agent_tags BEGIN INSERT INTO list_counts (list, part, shard, entries) SELECT 'agent_tags', CASE WHEN EXISTS (SELECT 1 FROM agent_budgets b WHERE b.agent_id = OLD.agent_id AND b.archived_at IS NOT NULL) THEN 'archived ' ELSE 'active ' END || OLD.tag, 0, -1 WHERE true ON CONFLICT (list, part, shard) DO UPDATE SET entries = entries + excluded.entries; END;

-- trigger agent_tags_count_insert
CREATE TRIGGER agent_tags_count_insert AFTER INSERT ON agent_tags BEGIN INSERT INTO list_counts (list, part, shard, entries) SELECT 'agent_tags', CASE WHEN EXISTS (SELECT 1 FROM agent_budgets b WHERE b.agent_id = NEW.agent_id AND b.archived_at IS NOT NULL) THEN 'archived ' ELSE 'active ' END || NEW.tag, 0, 1 WHERE true ON CONFLICT (list, part, shard) DO UPDATE SET entries = entries + excluded.entries; END;

-- trigger agents_copies_insert
CREATE TRIGGER agents_copies_insert AFTER INSERT ON agents BEGIN UPDATE agents SET archived = CASE WHEN b.archived_at IS NULL THEN 0 ELSE 1 END, owner_id = b.owner_id FROM agent_budgets b WHERE b.agent_id = agents.id AND agents.id = NEW.id; END;

-- trigger agents_copies_update
CREATE TRIGGER agents_copies_update AFTER UPDATE OF archived_at, owner_id ON agent_budgets WHEN NEW.owner_id IS DISTINCT FROM OLD.owner_id OR (NEW.archived_at IS NULL) <> (OLD.archived_at IS NULL) BEGIN UPDATE agents SET archived = CASE WHEN NEW.archived_at IS NULL THEN 0 ELSE 1 END, owner_id = NEW.owner_id WHERE id = NEW.agent_id; END;

-- trigger agents_count_delete
CREATE TRIGGER agents_count_delete AFTER DELETE ON agents BEGIN INSERT INTO list_counts (list, part, shard, entries) SELECT 'agents', OLD.state || CASE WHEN OLD.archived = 1 THEN ' archived' ELSE ' active' END, 0, -1 WHERE true ON CONFLICT (list, part, shard) DO UPDATE SET entries = entries + excluded.entries; END;

-- trigger agents_count_insert
CREATE TRIGGER agents_count_insert AFTER INSERT ON agents BEGIN INSERT INTO list_counts (list, part, shard, entries) SELECT 'agents', NEW.state || CASE WHEN NEW.archived = 1 THEN ' archived' ELSE ' active' END, 0, 1 WHERE true ON CONFLICT (list, part, shard) DO UPDATE SET entries = entries + excluded.entries; END;

-- trigger agents_count_update
CREATE TRIGGER agents_count_update AFTER UPDATE OF state, archived ON agents WHEN NEW.state || CASE WHEN NEW.archived = 1 THEN ' archived' ELSE ' active' END <> OLD.state || CASE WHEN OLD.archived = 1 THEN ' archived' ELSE ' active' END BEGIN INSERT INTO list_counts (list, part, shard, entries) SELECT 'agents', OLD.state || CASE WHEN OLD.archived = 1 THEN ' archived' ELSE ' active' END, 0, -1 WHERE true ON CONFLICT (list, part, shard) DO UPDATE SET entries = entries + excluded.entries; INSERT INTO list_counts (list, part, shard, entries) SELECT 'agents', NEW.state || CASE WHEN NEW.archived = 1 THEN ' archived' ELSE ' active' END, 0, 1 WHERE true ON CONFLICT (list, part, shard) DO UPDATE SET entries = entries + excluded.entries; END;

-- trigger agents_tags_insert
CREATE TRIGGER agents_tags_insert AFTER INSERT ON agents WHEN NEW.tags <> '[]' BEGIN INSERT INTO agent_tags (tag, created_at, agent_id) SELECT tag, created_at, agent_id FROM tagged_agent WHERE agent_id = NEW.id AND NEW.tags <> '[]'; END;

-- trigger agents_tags_update
CREATE TRIGGER agents_tags_update AFTER UPDATE OF tags ON agents WHEN NEW.tags <> OLD.tags BEGIN DELETE FROM agent_tags WHERE agent_id = NEW.id; INSERT INTO agent_tags (tag, created_at, agent_id) SELECT tag, created_at, agent_id FROM tagged_agent WHERE agent_id = NEW.id AND NEW.tags <> '[]'; END;

-- trigger api_tokens_count_delete
CREATE TRIGGER api_tokens_count_delete AFTER DELETE ON api_tokens BEGIN INSERT INTO list_counts (list, part, shard, entries) SELECT 'api_tokens', CASE WHEN OLD.revoked_at IS NOT NULL THEN 'revoked' WHEN OLD.expires_at IS NULL THEN 'kept' ELSE 'until ' || CAST(1000000000 + OLD.expires_at / 86400000 AS text) END, 0, -1 WHERE true ON CONFLICT (list, part, shard) DO UPDATE SET entries = entries + excluded.entries; END;

-- trigger api_tokens_count_insert
CREATE TRIGGER api_tokens_count_insert AFTER INSERT ON api_tokens BEGIN INSERT INTO list_counts (list, part, shard, entries) SELECT 'api_tokens', CASE WHEN NEW.revoked_at IS NOT NULL THEN 'revoked' WHEN NEW.expires_at IS NULL THEN 'kept' ELSE 'until ' || CAST(1000000000 + NEW.expires_at / 86400000 AS text) END, 0, 1 WHERE true ON CONFLICT (list, part, shard) DO UPDATE SET entries = entries + excluded.entries; END;

-- trigger api_tokens_count_update
CREATE TRIGGER api_tokens_count_update AFTER UPDATE OF revoked_at, expires_at ON api_tokens WHEN CASE WHEN NEW.revoked_at IS NOT NULL THEN 'revoked' WHEN NEW.expires_at IS NULL THEN 'kept' ELSE 'until ' || CAST(1000000000 + NEW.expires_at / 86400000 AS text) END <> CASE WHEN OLD.revoked_at IS NOT NULL THEN 'revoked' WHEN OLD.expires_at IS NULL THEN 'kept' ELSE 'until ' || CAST(1000000000 + OLD.expires_at / 86400000 AS text) END BEGIN INSERT INTO list_counts (list, part, shard, entries) SELECT 'api_tokens', CASE WHEN OLD.revoked_at IS NOT NULL THEN 'revoked' WHEN OLD.expires_at IS NULL THEN 'kept' ELSE 'until ' || CAST(1000000000 + OLD.expires_at / 86400000 AS text) END, 0, -1 WHERE true ON CONFLICT (list, part, shard) DO UPDATE SET entries = entries + excluded.entries; INSERT INTO list_counts (list, part, shard, entries) SELECT 'api_tokens', CASE WHEN NEW.revoked_at IS NOT NULL THEN 'revoked' WHEN NEW.expires_at IS NULL THEN 'kept' ELSE 'until ' || CAST(1000000000 + NEW.expires_at / 86400000 AS text) END, 0, 1 WHERE true ON CONFLICT (list, part, shard) DO UPDATE SET entries = entries + excluded.entries; END;

-- trigger audit_log_head
CREATE TRIGGER audit_log_head AFTER INSERT ON audit_log BEGIN UPDATE log_heads SET head_seq = NEW.seq, head_hash = NEW.hash, updated_at = NEW.at, newest_at = max(newest_at, NEW.at), late_ms = max(late_ms, newest_at - NEW.at) WHERE name = 'audit'; END;

-- trigger audit_log_insert
CREATE TRIGGER audit_log_insert BEFORE INSERT ON audit_log WHEN NEW.seq IS DISTINCT FROM (SELECT head_seq + 1 FROM log_heads WHERE name = 'audit') OR NEW.prev_hash IS DISTINCT FROM (SELECT head_hash FROM log_heads WHERE name = 'audit') OR EXISTS (SELECT 1 FROM audit_log a WHERE a.id = NEW.id) BEGIN SELECT RAISE(ABORT, 'audit_log: out of sequence'); END;

-- trigger audit_log_no_delete
CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON audit_log BEGIN SELECT RAISE(ABORT, 'audit_log is append-only'); END;

-- trigger audit_log_no_update
CREATE TRIGGER audit_log_no_update BEFORE UPDATE ON audit_log BEGIN SELECT RAISE(ABORT, 'audit_log is append-only'); END;

-- trigger budget_ranks_insert
CREATE TRIGGER budget_ranks_insert AFTER INSERT ON agent_budgets WHEN NEW.used_rank <> CASE WHEN NEW.spent_micros < NEW.allocated_micros THEN NEW.spent_micros * 100 / NEW.allocated_micros * 2 + CASE WHEN NEW.spent_micros * 100 % NEW.allocated_micros > 0 THEN 1 ELSE 0 END WHEN NEW.spent_micros = 0 THEN 0 WHEN NEW.spent_micros = NEW.allocated_micros OR NEW.allocated_micros = 0 THEN 200 ELSE 200 + length(CAST((NEW.spent_micros * 100 / NEW.allocated_micros) AS text)) * 1000 + CAST(substr(CAST((NEW.spent_micros * 100 / NEW.allocated_micros) AS text), 1, 3) AS integer) / 5 * 5 END OR NEW.spent_rank <> length(CAST((NEW.spent_micros / 10000) AS text)) * 1000 + CAST(substr(CAST((NEW.spent_micros / 10000) AS text), 1, 3) AS integer) / 5 * 5 OR NEW.left_rank <> CASE WHEN (NEW.allocated_micros - NEW.reserved_micros - NEW.spent_micros) >= 0 THEN length(CAST(((NEW.allocated_micros - NEW.reserved_micros - NEW.spent_micros) / 10000) AS text)) * 1000 + CAST(substr(CAST(((NEW.allocated_micros - NEW.reserved_micros - NEW.spent_micros) / 10000) AS text), 1, 3) AS integer) / 5 * 5 ELSE -(length(CAST(((-(NEW.allocated_micros - NEW.reserved_micros - NEW.spent_micros)) / 10000) AS text)) * 1000 + CAST(substr(CAST(((-(NEW.allocated_micros - NEW.reserved_micros - NEW.spent_micros)) / 10000) AS text), 1, 3) AS integer) / 5 * 5) END BEGIN UPDATE agent_budgets SET used_rank = CASE WHEN NEW.spent_micros < NEW.allocated_micros THEN NEW.spent_micros * 100 / NEW.allocated_micros * 2 + CASE WHEN NEW.spent_micros * 100 % NEW.allocated_micros > 0 THEN 1 ELSE 0 END WHEN NEW.spent_micros = 0 THEN 0 WHEN NEW.spent_micros = NEW.allocated_micros OR NEW.allocated_micros = 0 THEN 200 ELSE 200 + length(CAST((NEW.spent_micros * 100 / NEW.allocated_micros) AS text)) * 1000 + CAST(substr(CAST((NEW.spent_micros * 100 / NEW.allocated_micros) AS text), 1, 3) AS integer) / 5 * 5 END, spent_rank = length(CAST((NEW.spent_micros / 10000) AS text)) * 1000 + CAST(substr(CAST((NEW.spent_micros / 10000) AS text), 1, 3) AS integer) / 5 * 5, left_rank = CASE WHEN (NEW.allocated_micros - NEW.reserved_micros - NEW.spent_micros) >= 0 THEN length(CAST(((NEW.allocated_micros - NEW.reserved_micros - NEW.spent_micros) / 10000) AS text)) * 1000 + CAST(substr(CAST(((NEW.allocated_micros - NEW.reserved_micros - NEW.spent_micros) / 10000) AS text), 1, 3) AS integer) / 5 * 5 ELSE -(length(CAST(((-(NEW.allocated_micros - NEW.reserved_micros - NEW.spent_micros)) / 10000) AS text)) * 1000 + CAST(substr(CAST(((-(NEW.allocated_micros - NEW.reserved_micros - NEW.spent_micros)) / 10000) AS text), 1, 3) AS integer) / 5 * 5) END WHERE agent_id = NEW.agent_id; END;

-- trigger budget_ranks_update
CREATE TRIGGER budget_ranks_update AFTER UPDATE OF allocated_micros, reserved_micros, spent_micros ON agent_budgets WHEN NEW.used_rank <> CASE WHEN NEW.spent_micros < NEW.allocated_micros THEN NEW.spent_micros * 100 / NEW.allocated_micros * 2 + CASE WHEN NEW.spent_micros * 100 % NEW.allocated_micros > 0 THEN 1 ELSE 0 END WHEN NEW.spent_micros = 0 THEN 0 WHEN NEW.spent_micros = NEW.allocated_micros OR NEW.allocated_micros = 0 THEN 200 ELSE 200 + length(CAST((NEW.spent_micros * 100 / NEW.allocated_micros) AS text)) * 1000 + CAST(substr(CAST((NEW.spent_micros * 100 / NEW.allocated_micros) AS text), 1, 3) AS integer) / 5 * 5 END OR NEW.spent_rank <> length(CAST((NEW.spent_micros / 10000) AS text)) * 1000 + CAST(substr(CAST((NEW.spent_micros / 10000) AS text), 1, 3) AS integer) / 5 * 5 OR NEW.left_rank <> CASE WHEN (NEW.allocated_micros - NEW.reserved_micros - NEW.spent_micros) >= 0 THEN length(CAST(((NEW.allocated_micros - NEW.reserved_micros - NEW.spent_micros) / 10000) AS text)) * 1000 + CAST(substr(CAST(((NEW.allocated_micros - NEW.reserved_micros - NEW.spent_micros) / 10000) AS text), 1, 3) AS integer) / 5 * 5 ELSE -(length(CAST(((-(NEW.allocated_micros - NEW.reserved_micros - NEW.spent_micros)) / 10000) AS text)) * 1000 + CAST(substr(CAST(((-(NEW.allocated_micros - NEW.reserved_micros - NEW.spent_micros)) / 10000) AS text), 1, 3) AS integer) / 5 * 5) END BEGIN UPDATE agent_budgets SET used_rank = CASE WHEN NEW.spent_micros < NEW.allocated_micros THEN NEW.spent_micros * 100 / NEW.allocated_micros * 2 + CASE WHEN NEW.spent_micros * 100 % NEW.allocated_micros > 0 THEN 1 ELSE 0 END WHEN NEW.spent_micros = 0 THEN 0 WHEN NEW.spent_micros = NEW.allocated_micros OR NEW.allocated_micros = 0 THEN 200 ELSE 200 + length(CAST((NEW.spent_micros * 100 / NEW.allocated_micros) AS text)) * 1000 + CAST(substr(CAST((NEW.spent_micros * 100 / NEW.allocated_micros) AS text), 1, 3) AS integer) / 5 * 5 END, spent_rank = length(CAST((NEW.spent_micros / 10000) AS text)) * 1000 + CAST(substr(CAST((NEW.spent_micros / 10000) AS text), 1, 3) AS integer) / 5 * 5, left_rank = CASE WHEN (NEW.allocated_micros - NEW.reserved_micros - NEW.spent_micros) >= 0 THEN length(CAST(((NEW.allocated_micros - NEW.reserved_micros - NEW.spent_micros) / 10000) AS text)) * 1000 + CAST(substr(CAST(((NEW.allocated_micros - NEW.reserved_micros - NEW.spent_micros) / 10000) AS text), 1, 3) AS integer) / 5 * 5 ELSE -(length(CAST(((-(NEW.allocated_micros - NEW.reserved_micros - NEW.spent_micros)) / 10000) AS text)) * 1000 + CAST(substr(CAST(((-(NEW.allocated_micros - NEW.reserved_micros - NEW.spent_micros)) / 10000) AS text), 1, 3) AS integer) / 5 * 5) END WHERE agent_id = NEW.agent_id; END;

-- trigger budget_requests_count_delete
CREATE TRIGGER budget_requests_count_delete AFTER DELETE ON budget_requests BEGIN INSERT INTO list_counts (list, part, shard, entries) SELECT 'budget_requests', OLD.status, 0, -1 WHERE true ON CONFLICT (list, part, shard) DO UPDATE SET entries = entries + excluded.entries; END;

-- trigger budget_requests_count_insert
CREATE TRIGGER budget_requests_count_insert AFTER INSERT ON budget_requests BEGIN INSERT INTO list_counts (list, part, shard, entries) SELECT 'budget_requests', NEW.status, 0, 1 WHERE true ON CONFLICT (list, part, shard) DO UPDATE SET entries = entries + excluded.entries; END;

-- trigger budget_requests_count_update
CREATE TRIGGER budget_requests_count_update AFTER UPDATE OF status ON budget_requests WHEN NEW.status <> OLD.status BEGIN INSERT INTO list_counts (list, part, shard, entries) SELECT 'budget_requests', OLD.status, 0, -1 WHERE true ON CONFLICT (list, part, shard) DO UPDATE SET entries = entries + excluded.entries; INSERT INTO list_counts (list, part, shard, entries) SELECT 'budget_requests', NEW.status, 0, 1 WHERE true ON CONFLICT (list, part, shard) DO UPDATE SET entries = entries + excluded.entries; END;

-- trigger budget_sums_delete
CREATE TRIGGER budget_sums_delete AFTER DELETE ON agent_budgets BEGIN INSERT INTO budget_sums (owner_id, grade, shard, agents, allocated_whole, allocated_rest, reserved_whole, reserved_rest, spent_whole, spent_rest, overdrawn_whole, overdrawn_rest) SELECT '', CASE WHEN OLD.archived_at IS NOT NULL THEN -2 WHEN OLD.allocated_micros = 0 AND OLD.spent_micros = 0 THEN -1 WHEN OLD.spent_micros > OLD.allocated_micros AND OLD.allocated_micros > 0 THEN 201 ELSE CASE WHEN OLD.spent_micros < OLD.allocated_micros THEN OLD.spent_micros * 100 / OLD.allocated_micros * 2 + CASE WHEN OLD.spent_micros * 100 % OLD.allocated_micros > 0 THEN 1 ELSE 0 END WHEN OLD.spent_micros = 0 THEN 0 WHEN OLD.spent_micros = OLD.allocated_micros OR OLD.allocated_micros = 0 THEN 200 ELSE 200 + length(CAST((OLD.spent_micros * 100 / OLD.allocated_micros) AS text)) * 1000 + CAST(substr(CAST((OLD.spent_micros * 100 / OLD.allocated_micros) AS text), 1, 3) AS integer) / 5 * 5 END END, 0, -1, -((OLD.allocated_micros) / 1000000), -((OLD.allocated_micros) % 1000000), -((OLD.reserved_micros) / 1000000), -((OLD.reserved_micros) % 1000000), -((OLD.spent_micros) / 1000000), -((OLD.spent_micros) % 1000000), -((CASE WHEN (OLD.spent_micros + OLD.reserved_micros - OLD.allocated_micros) > 0 THEN (OLD.spent_micros + OLD.reserved_micros - OLD.allocated_micros) ELSE 0 END) / 1000000), -((CASE WHEN (OLD.spent_micros + OLD.reserved_micros - OLD.allocated_micros) > 0 THEN (OLD.spent_micros + OLD.reserved_micros - OLD.allocated_micros) ELSE 0 END) % 1000000) WHERE true ON CONFLICT (owner_id, grade, shard) DO UPDATE SET agents = agents + excluded.agents, allocated_whole = allocated_whole + excluded.allocated_whole, allocated_rest = allocated_rest + excluded.allocated_rest, reserved_whole = reserved_whole + excluded.reserved_whole, reserved_rest = reserved_rest + excluded.reserved_rest, spent_whole = spent_whole + excluded.spent_whole, spent_rest = spent_rest + excluded.spent_rest, overdrawn_whole = overdrawn_whole + excluded.overdrawn_whole, overdrawn_rest = overdrawn_rest + excluded.overdrawn_rest; INSERT INTO budget_sums (owner_id, grade, shard, agents, allocated_whole, allocated_rest, reserved_whole, reserved_rest, spent_whole, spent_rest, overdrawn_whole, overdrawn_rest) SELECT OLD.owner_id, CASE WHEN OLD.archived_at IS NOT NULL THEN -2 WHEN OLD.allocated_micros = 0 AND OLD.spent_micros = 0 THEN -1 WHEN OLD.spent_micros >= OLD.allocated_micros THEN 200 WHEN OLD.spent_micros * 10 >= OLD.allocated_micros * 9 THEN 180 WHEN OLD.spent_micros * 10 >= OLD.allocated_micros * 8 THEN 160 WHEN OLD.spent_micros * 10 >= OLD.allocated_micros * 5 THEN 100 ELSE 0 END, 0, -1, -((OLD.allocated_micros) / 1000000), -((OLD.allocated_micros) % 1000000), -((OLD.reserved_micros) / 1000000), -((OLD.reserved_micros) % 1000000), -((OLD.spent_micros) / 1000000), -((OLD.spent_micros) % 1000000), -((CASE WHEN (OLD.spent_micros + OLD.reserved_micros - OLD.allocated_micros) > 0 THEN (OLD.spent_micros + OLD.reserved_micros - OLD.allocated_micros) ELSE 0 END) / 1000000), -((CASE WHEN (OLD.spent_micros + OLD.reserved_micros - OLD.allocated_micros) > 0 THEN (OLD.spent_micros + OLD.reserved_micros - OLD.allocated_micros) ELSE 0 END) % 1000000) WHERE OLD.owner_id IS NOT NULL ON CONFLICT (owner_id, grade, shard) DO UPDATE SET agents = agents + excluded.agents, allocated_whole = allocated_whole + excluded.allocated_whole, allocated_rest = allocated_rest + excluded.allocated_rest, reserved_whole = reserved_whole + excluded.reserved_whole, reserved_rest = reserved_rest + excluded.reserved_rest, spent_whole = spent_whole + excluded.spent_whole, spent_rest = spent_rest + excluded.spent_rest, overdrawn_whole = overdrawn_whole + excluded.overdrawn_whole, overdrawn_rest = overdrawn_rest + excluded.overdrawn_rest; END;

-- trigger budget_sums_insert
CREATE TRIGGER budget_sums_insert AFTER INSERT ON agent_budgets BEGIN INSERT INTO budget_sums (owner_id, grade, shard, agents, allocated_whole, allocated_rest, reserved_whole, reserved_rest, spent_whole, spent_rest, overdrawn_whole, overdrawn_rest) SELECT '', CASE WHEN NEW.archived_at IS NOT NULL THEN -2 WHEN NEW.allocated_micros = 0 AND NEW.spent_micros = 0 THEN -1 WHEN NEW.spent_micros > NEW.allocated_micros AND NEW.allocated_micros > 0 THEN 201 ELSE CASE WHEN NEW.spent_micros < NEW.allocated_micros THEN NEW.spent_micros * 100 / NEW.allocated_micros * 2 + CASE WHEN NEW.spent_micros * 100 % NEW.allocated_micros > 0 THEN 1 ELSE 0 END WHEN NEW.spent_micros = 0 THEN 0 WHEN NEW.spent_micros = NEW.allocated_micros OR NEW.allocated_micros = 0 THEN 200 ELSE 200 + length(CAST((NEW.spent_micros * 100 / NEW.allocated_micros) AS text)) * 1000 + CAST(substr(CAST((NEW.spent_micros * 100 / NEW.allocated_micros) AS text), 1, 3) AS integer) / 5 * 5 END END, 0, 1, ((NEW.allocated_micros) / 1000000), ((NEW.allocated_micros) % 1000000), ((NEW.reserved_micros) / 1000000), ((NEW.reserved_micros) % 1000000), ((NEW.spent_micros) / 1000000), ((NEW.spent_micros) % 1000000), ((CASE WHEN (NEW.spent_micros + NEW.reserved_micros - NEW.allocated_micros) > 0 THEN (NEW.spent_micros + NEW.reserved_micros - NEW.allocated_micros) ELSE 0 END) / 1000000), ((CASE WHEN (NEW.spent_micros + NEW.reserved_micros - NEW.allocated_micros) > 0 THEN (NEW.spent_micros + NEW.reserved_micros - NEW.allocated_micros) ELSE 0 END) % 1000000) WHERE true ON CONFLICT (owner_id, grade, shard) DO UPDATE SET agents = agents + excluded.agents, allocated_whole = allocated_whole + excluded.allocated_whole, allocated_rest = allocated_rest + excluded.allocated_rest, reserved_whole = reserved_whole + excluded.reserved_whole, reserved_rest = reserved_rest + excluded.reserved_rest, spent_whole = spent_whole + excluded.spent_whole, spent_rest = spent_rest + excluded.spent_rest, overdrawn_whole = overdrawn_whole + excluded.overdrawn_whole, overdrawn_rest = overdrawn_rest + excluded.overdrawn_rest; INSERT INTO budget_sums (owner_id, grade, shard, agents, allocated_whole, allocated_rest, reserved_whole, reserved_rest, spent_whole, spent_rest, overdrawn_whole, overdrawn_rest) SELECT NEW.owner_id, CASE WHEN NEW.archived_at IS NOT NULL THEN -2 WHEN NEW.allocated_micros = 0 AND NEW.spent_micros = 0 THEN -1 WHEN NEW.spent_micros >= NEW.allocated_micros THEN 200 WHEN NEW.spent_micros * 10 >= NEW.allocated_micros * 9 THEN 180 WHEN NEW.spent_micros * 10 >= NEW.allocated_micros * 8 THEN 160 WHEN NEW.spent_micros * 10 >= NEW.allocated_micros * 5 THEN 100 ELSE 0 END, 0, 1, ((NEW.allocated_micros) / 1000000), ((NEW.allocated_micros) % 1000000), ((NEW.reserved_micros) / 1000000), ((NEW.reserved_micros) % 1000000), ((NEW.spent_micros) / 1000000), ((NEW.spent_micros) % 1000000), ((CASE WHEN (NEW.spent_micros + NEW.reserved_micros - NEW.allocated_micros) > 0 THEN (NEW.spent_micros + NEW.reserved_micros - NEW.allocated_micros) ELSE 0 END) / 1000000), ((CASE WHEN (NEW.spent_micros + NEW.reserved_micros - NEW.allocated_micros) > 0 THEN (NEW.spent_micros + NEW.reserved_micros - NEW.allocated_micros) ELSE 0 END) % 1000000) WHERE NEW.owner_id IS NOT NULL ON CONFLICT (owner_id, grade, shard) DO UPDATE SET agents = agents + excluded.agents, allocated_whole = allocated_whole + excluded.allocated_whole, allocated_rest = allocated_rest + excluded.allocated_rest, reserved_whole = reserved_whole + excluded.reserved_whole, reserved_rest = reserved_rest + excluded.reserved_rest, spent_whole = spent_whole + excluded.spent_whole, spent_rest = spent_rest + excluded.spent_rest, overdrawn_whole = overdrawn_whole + excluded.overdrawn_whole, overdrawn_rest = overdrawn_rest + excluded.overdrawn_rest; END;

-- trigger budget_sums_move
CREATE TRIGGER budget_sums_move AFTER UPDATE OF allocated_micros, reserved_micros, spent_micros, archived_at ON agent_budgets WHEN CASE WHEN OLD.archived_at IS NOT NULL THEN -2 WHEN OLD.allocated_micros = 0 AND OLD.spent_micros = 0 THEN -1 WHEN OLD.spent_micros > OLD.allocated_micros AND OLD.allocated_micros > 0 THEN 201 ELSE OLD.used_rank END <> CASE WHEN NEW.archived_at IS NOT NULL THEN -2 WHEN NEW.allocated_micros = 0 AND NEW.spent_micros = 0 THEN -1 WHEN NEW.spent_micros > NEW.allocated_micros AND NEW.allocated_micros > 0 THEN 201 ELSE CASE WHEN NEW.spent_micros < NEW.allocated_micros THEN NEW.spent_micros * 100 / NEW.allocated_micros * 2 + CASE WHEN NEW.spent_micros * 100 % NEW.allocated_micros > 0 THEN 1 ELSE 0 END WHEN NEW.spent_micros = 0 THEN 0 WHEN NEW.spent_micros = NEW.allocated_micros OR NEW.allocated_micros = 0 THEN 200 ELSE 200 + length(CAST((NEW.spent_micros * 100 / NEW.allocated_micros) AS text)) * 1000 + CAST(substr(CAST((NEW.spent_micros * 100 / NEW.allocated_micros) AS text), 1, 3) AS integer) / 5 * 5 END END BEGIN INSERT INTO budget_sums (owner_id, grade, shard, agents, allocated_whole, allocated_rest, reserved_whole, reserved_rest, spent_whole, spent_rest, overdrawn_whole, overdrawn_rest) SELECT '', CASE WHEN OLD.archived_at IS NOT NULL THEN -2 WHEN OLD.allocated_micros = 0 AND OLD.spent_micros = 0 THEN -1 WHEN OLD.spent_micros > OLD.allocated_micros AND OLD.allocated_micros > 0 THEN 201 ELSE CASE WHEN OLD.spent_micros < OLD.allocated_micros THEN OLD.spent_micros * 100 / OLD.allocated_micros * 2 + CASE WHEN OLD.spent_micros * 100 % OLD.allocated_micros > 0 THEN 1 ELSE 0 END WHEN OLD.spent_micros = 0 THEN 0 WHEN OLD.spent_micros = OLD.allocated_micros OR OLD.allocated_micros = 0 THEN 200 ELSE 200 + length(CAST((OLD.spent_micros * 100 / OLD.allocated_micros) AS text)) * 1000 + CAST(substr(CAST((OLD.spent_micros * 100 / OLD.allocated_micros) AS text), 1, 3) AS integer) / 5 * 5 END END, 0, -1, -((OLD.allocated_micros) / 1000000), -((OLD.allocated_micros) % 1000000), -((OLD.reserved_micros) / 1000000), -((OLD.reserved_micros) % 1000000), -((OLD.spent_micros) / 1000000), -((OLD.spent_micros) % 1000000), -((CASE WHEN (OLD.spent_micros + OLD.reserved_micros - OLD.allocated_micros) > 0 THEN (OLD.spent_micros + OLD.reserved_micros - OLD.allocated_micros) ELSE 0 END) / 1000000), -((CASE WHEN (OLD.spent_micros + OLD.reserved_micros - OLD.allocated_micros) > 0 THEN (OLD.spent_micros + OLD.reserved_micros - OLD.allocated_micros) ELSE 0 END) % 1000000) WHERE true ON CONFLICT (owner_id, grade, shard) DO UPDATE SET agents = agents + excluded.agents, allocated_whole = allocated_whole + excluded.allocated_whole, allocated_rest = allocated_rest + excluded.allocated_rest, reserved_whole = reserved_whole + excluded.reserved_whole, reserved_rest = reserved_rest + excluded.reserved_rest, spent_whole = spent_whole + excluded.spent_whole, spent_rest = spent_rest + excluded.spent_rest, overdrawn_whole = overdrawn_whole + excluded.overdrawn_whole, overdrawn_rest = overdrawn_rest + excluded.overdrawn_rest; INSERT INTO budget_sums (owner_id, grade, shard, agents, allocated_whole, allocated_rest, reserved_whole, reserved_rest, spent_whole, spent_rest, overdrawn_whole, overdrawn_rest) SELECT '', CASE WHEN NEW.archived_at IS NOT NULL THEN -2 WHEN NEW.allocated_micros = 0 AND NEW.spent_micros = 0 THEN -1 WHEN NEW.spent_micros > NEW.allocated_micros AND NEW.allocated_micros > 0 THEN 201 ELSE CASE WHEN NEW.spent_micros < NEW.allocated_micros THEN NEW.spent_micros * 100 / NEW.allocated_micros * 2 + CASE WHEN NEW.spent_micros * 100 % NEW.allocated_micros > 0 THEN 1 ELSE 0 END WHEN NEW.spent_micros = 0 THEN 0 WHEN NEW.spent_micros = NEW.allocated_micros OR NEW.allocated_micros = 0 THEN 200 ELSE 200 + length(CAST((NEW.spent_micros * 100 / NEW.allocated_micros) AS text)) * 1000 + CAST(substr(CAST((NEW.spent_micros * 100 / NEW.allocated_micros) AS text), 1, 3) AS integer) / 5 * 5 END END, 0, 1, ((NEW.allocated_micros) / 1000000), ((NEW.allocated_micros) % 1000000), ((NEW.reserved_micros) / 1000000), ((NEW.reserved_micros) % 1000000), ((NEW.spent_micros) / 1000000), ((NEW.spent_micros) % 1000000), ((CASE WHEN (NEW.spent_micros + NEW.reserved_micros - NEW.allocated_micros) > 0 THEN (NEW.spent_micros + NEW.reserved_micros - NEW.allocated_micros) ELSE 0 END) / 1000000), ((CASE WHEN (NEW.spent_micros + NEW.reserved_micros - NEW.allocated_micros) > 0 THEN (NEW.spent_micros + NEW.reserved_micros - NEW.allocated_micros) ELSE 0 END) % 1000000) WHERE true ON CONFLICT (owner_id, grade, shard) DO UPDATE SET agents = agents + excluded.agents, allocated_whole = allocated_whole + excluded.allocated_whole, allocated_rest = allocated_rest + excluded.allocated_rest, reserved_whole = reserved_whole + excluded.reserved_whole, reserved_rest = reserved_rest + excluded.reserved_rest, spent_whole = spent_whole + excluded.spent_whole, spent_rest = spent_rest + excluded.spent_rest, overdrawn_whole = overdrawn_whole + excluded.overdrawn_whole, overdrawn_rest = overdrawn_rest + excluded.overdrawn_rest; END;

-- trigger budget_sums_stay
CREATE TRIGGER budget_sums_stay AFTER UPDATE OF allocated_micros, reserved_micros, spent_micros, archived_at ON agent_budgets WHEN NOT (CASE WHEN OLD.archived_at IS NOT NULL THEN -2 WHEN OLD.allocated_micros = 0 AND OLD.spent_micros = 0 THEN -1 WHEN OLD.spent_micros > OLD.allocated_micros AND OLD.allocated_micros > 0 THEN 201 ELSE OLD.used_rank END <> CASE WHEN NEW.archived_at IS NOT NULL THEN -2 WHEN NEW.allocated_micros = 0 AND NEW.spent_micros = 0 THEN -1 WHEN NEW.spent_micros > NEW.allocated_micros AND NEW.allocated_micros > 0 THEN 201 ELSE CASE WHEN NEW.spent_micros < NEW.allocated_micros THEN NEW.spent_micros * 100 / NEW.allocated_micros * 2 + CASE WHEN NEW.spent_micros * 100 % NEW.allocated_micros > 0 THEN 1 ELSE 0 END WHEN NEW.spent_micros = 0 THEN 0 WHEN NEW.spent_micros = NEW.allocated_micros OR NEW.allocated_micros = 0 THEN 200 ELSE 200 + length(CAST((NEW.spent_micros * 100 / NEW.allocated_micros) AS text)) * 1000 + CAST(substr(CAST((NEW.spent_micros * 100 / NEW.allocated_micros) AS text), 1, 3) AS integer) / 5 * 5 END END) BEGIN INSERT INTO budget_sums (owner_id, grade, shard, agents, allocated_whole, allocated_rest, reserved_whole, reserved_rest, spent_whole, spent_rest, overdrawn_whole, overdrawn_rest) SELECT '', CASE WHEN NEW.archived_at IS NOT NULL THEN -2 WHEN NEW.allocated_micros = 0 AND NEW.spent_micros = 0 THEN -1 WHEN NEW.spent_micros > NEW.allocated_micros AND NEW.allocated_micros > 0 THEN 201 ELSE CASE WHEN NEW.spent_micros < NEW.allocated_micros THEN NEW.spent_micros * 100 / NEW.allocated_micros * 2 + CASE WHEN NEW.spent_micros * 100 % NEW.allocated_micros > 0 THEN 1 ELSE 0 END WHEN NEW.spent_micros = 0 THEN 0 WHEN NEW.spent_micros = NEW.allocated_micros OR NEW.allocated_micros = 0 THEN 200 ELSE 200 + length(CAST((NEW.spent_micros * 100 / NEW.allocated_micros) AS text)) * 1000 + CAST(substr(CAST((NEW.spent_micros * 100 / NEW.allocated_micros) AS text), 1, 3) AS integer) / 5 * 5 END END, 0, 1 - 1, ((NEW.allocated_micros) / 1000000) - ((OLD.allocated_micros) / 1000000), ((NEW.allocated_micros) % 1000000) - ((OLD.allocated_micros) % 1000000), ((NEW.reserved_micros) / 1000000) - ((OLD.reserved_micros) / 1000000), ((NEW.reserved_micros) % 1000000) - ((OLD.reserved_micros) % 1000000), ((NEW.spent_micros) / 1000000) - ((OLD.spent_micros) / 1000000), ((NEW.spent_micros) % 1000000) - ((OLD.spent_micros) % 1000000), ((CASE WHEN (NEW.spent_micros + NEW.reserved_micros - NEW.allocated_micros) > 0 THEN (NEW.spent_micros + NEW.reserved_micros - NEW.allocated_micros) ELSE 0 END) / 1000000) - ((CASE WHEN (OLD.spent_micros + OLD.reserved_micros - OLD.allocated_micros) > 0 THEN (OLD.spent_micros + OLD.reserved_micros - OLD.allocated_micros) ELSE 0 END) / 1000000), ((CASE WHEN (NEW.spent_micros + NEW.reserved_micros - NEW.allocated_micros) > 0 THEN (NEW.spent_micros + NEW.reserved_micros - NEW.allocated_micros) ELSE 0 END) % 1000000) - ((CASE WHEN (OLD.spent_micros + OLD.reserved_micros - OLD.allocated_micros) > 0 THEN (OLD.spent_micros + OLD.reserved_micros - OLD.allocated_micros) ELSE 0 END) % 1000000) WHERE true ON CONFLICT (owner_id, grade, shard) DO UPDATE SET agents = agents + excluded.agents, allocated_whole = allocated_whole + excluded.allocated_whole, allocated_rest = allocated_rest + excluded.allocated_rest, reserved_whole = reserved_whole + excluded.reserved_whole, reserved_rest = reserved_rest + excluded.reserved_rest, spent_whole = spent_whole + excluded.spent_whole, spent_rest = spent_rest + excluded.spent_rest, overdrawn_whole = overdrawn_whole + excluded.overdrawn_whole, overdrawn_rest = overdrawn_rest + excluded.overdrawn_rest; END;

-- trigger events_head
CREATE TRIGGER events_head AFTER INSERT ON events BEGIN UPDATE log_heads SET head_seq = NEW.seq, updated_at = NEW.at WHERE name = 'events'; END;

-- trigger events_insert
CREATE TRIGGER events_insert BEFORE INSERT ON events WHEN NEW.seq IS DISTINCT FROM (SELECT head_seq + 1 FROM log_heads WHERE name = 'events') OR EXISTS (SELECT 1 FROM events e WHERE e.dedupe_key = NEW.dedupe_key) BEGIN SELECT RAISE(ABORT, 'events: out of sequence'); END;

-- trigger events_no_delete
CREATE TRIGGER events_no_delete BEFORE DELETE ON events WHEN OLD.seq > (SELECT floor FROM log_heads WHERE name = 'events') BEGIN SELECT RAISE(ABORT, 'events is append-only'); END;

-- trigger events_no_update
CREATE TRIGGER events_no_update BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events is append-only'); END;

-- trigger lease_entries_insert
CREATE TRIGGER lease_entries_insert AFTER INSERT ON ledger_entries WHEN NEW.seq % 64 = 0 BEGIN INSERT INTO lease_entries (lease_id, seq) SELECT l.lease_id, l.seq FROM ledger_entries l WHERE l.lease_id IS NOT NULL AND l.agent_id = NEW.agent_id AND l.seq > NEW.seq - 64 AND l.seq <= NEW.seq ORDER BY l.lease_id, l.seq; END;

-- trigger leases_final
CREATE TRIGGER leases_final BEFORE UPDATE ON leases WHEN NEW.id IS DISTINCT FROM OLD.id OR NEW.agent_id IS DISTINCT FROM OLD.agent_id OR NEW.supersedes IS DISTINCT FROM OLD.supersedes OR NEW.idempotency_key IS DISTINCT FROM OLD.idempotency_key OR NEW.granted_micros IS DISTINCT FROM OLD.granted_micros OR (OLD.status <> 'active' AND (NEW.status IS DISTINCT FROM OLD.status OR NEW.close_reason IS DISTINCT FROM OLD.close_reason)) BEGIN SELECT RAISE(ABORT, 'leases: a final state is final'); END;

-- trigger leases_no_delete
CREATE TRIGGER leases_no_delete BEFORE DELETE ON leases BEGIN SELECT RAISE(ABORT, 'leases are kept'); END;

-- trigger leases_no_replace
CREATE TRIGGER leases_no_replace BEFORE INSERT ON leases WHEN EXISTS (SELECT 1 FROM leases l WHERE l.id = NEW.id) OR EXISTS (SELECT 1 FROM leases l WHERE l.supersedes = NEW.supersedes) OR EXISTS (SELECT 1 FROM leases l WHERE l.agent_id = NEW.agent_id AND l.idempotency_key = NEW.idempotency_key) BEGIN SELECT RAISE(ABORT, 'leases: exists already'); END;

-- trigger ledger_entries_insert
CREATE TRIGGER ledger_entries_insert BEFORE INSERT ON ledger_entries WHEN NOT EXISTS (SELECT 1 FROM agent_budgets b WHERE b.agent_id = NEW.agent_id AND b.ledger_seq = NEW.seq AND b.ledger_hash = NEW.hash AND b.version = NEW.version AND b.allocated_micros = NEW.allocated_after AND b.reserved_micros = NEW.reserved_after AND b.spent_micros = NEW.spent_after) OR EXISTS (SELECT 1 FROM ledger_entries l WHERE l.agent_id = NEW.agent_id AND l.seq = NEW.seq) OR (NEW.seq > 1 AND NOT EXISTS (SELECT 1 FROM ledger_entries l WHERE l.agent_id = NEW.agent_id AND l.seq = NEW.seq - 1)) OR (NEW.type IN ('allocate', 'deallocate') AND EXISTS (SELECT 1 FROM ledger_entries l WHERE l.agent_id = NEW.agent_id AND l.version = NEW.version AND l.type IN ('allocate', 'deallocate'))) BEGIN SELECT RAISE(ABORT, 'ledger_entries: row does not match the budget'); END;

-- trigger ledger_entries_no_delete
CREATE TRIGGER ledger_entries_no_delete BEFORE DELETE ON ledger_entries BEGIN SELECT RAISE(ABORT, 'ledger_entries is append-only'); END;

-- trigger ledger_entries_no_update
CREATE TRIGGER ledger_entries_no_update BEFORE UPDATE ON ledger_entries BEGIN SELECT RAISE(ABORT, 'ledger_entries is append-only'); END;

-- trigger log_heads_guard
CREATE TRIGGER log_heads_guard BEFORE UPDATE ON log_heads WHEN NEW.name <> OLD.name OR NEW.head_seq < OLD.head_seq OR NEW.floor < OLD.floor OR (NEW.head_seq = OLD.head_seq AND NEW.head_hash IS DISTINCT FROM OLD.head_hash) BEGIN SELECT RAISE(ABORT, 'log_heads may only move forward'); END;

-- trigger log_heads_no_delete
CREATE TRIGGER log_heads_no_delete BEFORE DELETE ON log_heads BEGIN SELECT RAISE(ABORT, 'log_heads rows are permanent'); END;

-- trigger log_heads_no_insert
CREATE TRIGGER log_heads_no_insert BEFORE INSERT ON log_heads BEGIN SELECT RAISE(ABORT, 'log_heads rows are permanent'); END;

-- trigger owned_agents_count_delete
CREATE TRIGGER owned_agents_count_delete AFTER DELETE ON agents BEGIN INSERT INTO list_counts (list, part, shard, entries) SELECT 'owned_agents', OLD.state || CASE WHEN OLD.archived = 1 THEN ' archived' ELSE ' active' END || ' ' || coalesce(OLD.owner_id, ''), 0, -1 WHERE true ON CONFLICT (list, part, shard) DO UPDATE SET entries = entries + excluded.entries; END;

-- trigger owned_agents_count_insert
CREATE TRIGGER owned_agents_count_insert AFTER INSERT ON agents BEGIN INSERT INTO list_counts (list, part, shard, entries) SELECT 'owned_agents', NEW.state || CASE WHEN NEW.archived = 1 THEN ' archived' ELSE ' active' END || ' ' || coalesce(NEW.owner_id, ''), 0, 1 WHERE true ON CONFLICT (list, part, shard) DO UPDATE SET entries = entries + excluded.entries; END;

-- trigger owned_agents_count_update
CREATE TRIGGER owned_agents_count_update AFTER UPDATE OF state, archived, owner_id ON agents WHEN NEW.state || CASE WHEN NEW.archived = 1 THEN ' archived' ELSE ' active' END || ' ' || coalesce(NEW.owner_id, '') <> OLD.state || CASE WHEN OLD.archived = 1 THEN ' archived' ELSE ' active' END || ' ' || coalesce(OLD.owner_id, '') BEGIN INSERT INTO list_counts (list, part, shard, entries) SELECT 'owned_agents', OLD.state || CASE WHEN OLD.archived = 1 THEN ' archived' ELSE ' active' END || ' ' || coalesce(OLD.owner_id, ''), 0, -1 WHERE true ON CONFLICT (list, part, shard) DO UPDATE SET entries = entries + excluded.entries; INSERT INTO list_counts (list, part, shard, entries) SELECT 'owned_agents', NEW.state || CASE WHEN NEW.archived = 1 THEN ' archived' ELSE ' active' END || ' ' || coalesce(NEW.owner_id, ''), 0, 1 WHERE true ON CONFLICT (list, part, shard) DO UPDATE SET entries = entries + excluded.entries; END;

-- trigger owner_sums_move
CREATE TRIGGER owner_sums_move AFTER UPDATE OF allocated_micros, reserved_micros, spent_micros, archived_at, owner_id ON agent_budgets WHEN CASE WHEN OLD.archived_at IS NOT NULL THEN -2 WHEN OLD.allocated_micros = 0 AND OLD.spent_micros = 0 THEN -1 WHEN OLD.spent_micros >= OLD.allocated_micros THEN 200 WHEN OLD.spent_micros * 10 >= OLD.allocated_micros * 9 THEN 180 WHEN OLD.spent_micros * 10 >= OLD.allocated_micros * 8 THEN 160 WHEN OLD.spent_micros * 10 >= OLD.allocated_micros * 5 THEN 100 ELSE 0 END <> CASE WHEN NEW.archived_at IS NOT NULL THEN -2 WHEN NEW.allocated_micros = 0 AND NEW.spent_micros = 0 THEN -1 WHEN NEW.spent_micros >= NEW.allocated_micros THEN 200 WHEN NEW.spent_micros * 10 >= NEW.allocated_micros * 9 THEN 180 WHEN NEW.spent_micros * 10 >= NEW.allocated_micros * 8 THEN 160 WHEN NEW.spent_micros * 10 >= NEW.allocated_micros * 5 THEN 100 ELSE 0 END OR OLD.owner_id IS NOT NEW.owner_id BEGIN INSERT INTO budget_sums (owner_id, grade, shard, agents, allocated_whole, allocated_rest, reserved_whole, reserved_rest, spent_whole, spent_rest, overdrawn_whole, overdrawn_rest) SELECT OLD.owner_id, CASE WHEN OLD.archived_at IS NOT NULL THEN -2 WHEN OLD.allocated_micros = 0 AND OLD.spent_micros = 0 THEN -1 WHEN OLD.spent_micros >= OLD.allocated_micros THEN 200 WHEN OLD.spent_micros * 10 >= OLD.allocated_micros * 9 THEN 180 WHEN OLD.spent_micros * 10 >= OLD.allocated_micros * 8 THEN 160 WHEN OLD.spent_micros * 10 >= OLD.allocated_micros * 5 THEN 100 ELSE 0 END, 0, -1, -((OLD.allocated_micros) / 1000000), -((OLD.allocated_micros) % 1000000), -((OLD.reserved_micros) / 1000000), -((OLD.reserved_micros) % 1000000), -((OLD.spent_micros) / 1000000), -((OLD.spent_micros) % 1000000), -((CASE WHEN (OLD.spent_micros + OLD.reserved_micros - OLD.allocated_micros) > 0 THEN (OLD.spent_micros + OLD.reserved_micros - OLD.allocated_micros) ELSE 0 END) / 1000000), -((CASE WHEN (OLD.spent_micros + OLD.reserved_micros - OLD.allocated_micros) > 0 THEN (OLD.spent_micros + OLD.reserved_micros - OLD.allocated_micros) ELSE 0 END) % 1000000) WHERE OLD.owner_id IS NOT NULL ON CONFLICT (owner_id, grade, shard) DO UPDATE SET agents = agents + excluded.agents, allocated_whole = allocated_whole + excluded.allocated_whole, allocated_rest = allocated_rest + excluded.allocated_rest, reserved_whole = reserved_whole + excluded.reserved_whole, reserved_rest = reserved_rest + excluded.reserved_rest, spent_whole = spent_whole + excluded.spent_whole, spent_rest = spent_rest + excluded.spent_rest, overdrawn_whole = overdrawn_whole + excluded.overdrawn_whole, overdrawn_rest = overdrawn_rest + excluded.overdrawn_rest; INSERT INTO budget_sums (owner_id, grade, shard, agents, allocated_whole, allocated_rest, reserved_whole, reserved_rest, spent_whole, spent_rest, overdrawn_whole, overdrawn_rest) SELECT NEW.owner_id, CASE WHEN NEW.archived_at IS NOT NULL THEN -2 WHEN NEW.allocated_micros = 0 AND NEW.spent_micros = 0 THEN -1 WHEN NEW.spent_micros >= NEW.allocated_micros THEN 200 WHEN NEW.spent_micros * 10 >= NEW.allocated_micros * 9 THEN 180 WHEN NEW.spent_micros * 10 >= NEW.allocated_micros * 8 THEN 160 WHEN NEW.spent_micros * 10 >= NEW.allocated_micros * 5 THEN 100 ELSE 0 END, 0, 1, ((NEW.allocated_micros) / 1000000), ((NEW.allocated_micros) % 1000000), ((NEW.reserved_micros) / 1000000), ((NEW.reserved_micros) % 1000000), ((NEW.spent_micros) / 1000000), ((NEW.spent_micros) % 1000000), ((CASE WHEN (NEW.spent_micros + NEW.reserved_micros - NEW.allocated_micros) > 0 THEN (NEW.spent_micros + NEW.reserved_micros - NEW.allocated_micros) ELSE 0 END) / 1000000), ((CASE WHEN (NEW.spent_micros + NEW.reserved_micros - NEW.allocated_micros) > 0 THEN (NEW.spent_micros + NEW.reserved_micros - NEW.allocated_micros) ELSE 0 END) % 1000000) WHERE NEW.owner_id IS NOT NULL ON CONFLICT (owner_id, grade, shard) DO UPDATE SET agents = agents + excluded.agents, allocated_whole = allocated_whole + excluded.allocated_whole, allocated_rest = allocated_rest + excluded.allocated_rest, reserved_whole = reserved_whole + excluded.reserved_whole, reserved_rest = reserved_rest + excluded.reserved_rest, spent_whole = spent_whole + excluded.spent_whole, spent_rest = spent_rest + excluded.spent_rest, overdrawn_whole = overdrawn_whole + excluded.overdrawn_whole, overdrawn_rest = overdrawn_rest + excluded.overdrawn_rest; END;

-- trigger owner_sums_stay
CREATE TRIGGER owner_sums_stay AFTER UPDATE OF allocated_micros, reserved_micros, spent_micros, archived_at, owner_id ON agent_budgets WHEN NOT (CASE WHEN OLD.archived_at IS NOT NULL THEN -2 WHEN OLD.allocated_micros = 0 AND OLD.spent_micros = 0 THEN -1 WHEN OLD.spent_micros >= OLD.allocated_micros THEN 200 WHEN OLD.spent_micros * 10 >= OLD.allocated_micros * 9 THEN 180 WHEN OLD.spent_micros * 10 >= OLD.allocated_micros * 8 THEN 160 WHEN OLD.spent_micros * 10 >= OLD.allocated_micros * 5 THEN 100 ELSE 0 END <> CASE WHEN NEW.archived_at IS NOT NULL THEN -2 WHEN NEW.allocated_micros = 0 AND NEW.spent_micros = 0 THEN -1 WHEN NEW.spent_micros >= NEW.allocated_micros THEN 200 WHEN NEW.spent_micros * 10 >= NEW.allocated_micros * 9 THEN 180 WHEN NEW.spent_micros * 10 >= NEW.allocated_micros * 8 THEN 160 WHEN NEW.spent_micros * 10 >= NEW.allocated_micros * 5 THEN 100 ELSE 0 END OR OLD.owner_id IS NOT NEW.owner_id) BEGIN INSERT INTO budget_sums (owner_id, grade, shard, agents, allocated_whole, allocated_rest, reserved_whole, reserved_rest, spent_whole, spent_rest, overdrawn_whole, overdrawn_rest) SELECT NEW.owner_id, CASE WHEN NEW.archived_at IS NOT NULL THEN -2 WHEN NEW.allocated_micros = 0 AND NEW.spent_micros = 0 THEN -1 WHEN NEW.spent_micros >= NEW.allocated_micros THEN 200 WHEN NEW.spent_micros * 10 >= NEW.allocated_micros * 9 THEN 180 WHEN NEW.spent_micros * 10 >= NEW.allocated_micros * 8 THEN 160 WHEN NEW.spent_micros * 10 >= NEW.allocated_micros * 5 THEN 100 ELSE 0 END, 0, 1 - 1, ((NEW.allocated_micros) / 1000000) - ((OLD.allocated_micros) / 1000000), ((NEW.allocated_micros) % 1000000) - ((OLD.allocated_micros) % 1000000), ((NEW.reserved_micros) / 1000000) - ((OLD.reserved_micros) / 1000000), ((NEW.reserved_micros) % 1000000) - ((OLD.reserved_micros) % 1000000), ((NEW.spent_micros) / 1000000) - ((OLD.spent_micros) / 1000000), ((NEW.spent_micros) % 1000000) - ((OLD.spent_micros) % 1000000), ((CASE WHEN (NEW.spent_micros + NEW.reserved_micros - NEW.allocated_micros) > 0 THEN (NEW.spent_micros + NEW.reserved_micros - NEW.allocated_micros) ELSE 0 END) / 1000000) - ((CASE WHEN (OLD.spent_micros + OLD.reserved_micros - OLD.allocated_micros) > 0 THEN (OLD.spent_micros + OLD.reserved_micros - OLD.allocated_micros) ELSE 0 END) / 1000000), ((CASE WHEN (NEW.spent_micros + NEW.reserved_micros - NEW.allocated_micros) > 0 THEN (NEW.spent_micros + NEW.reserved_micros - NEW.allocated_micros) ELSE 0 END) % 1000000) - ((CASE WHEN (OLD.spent_micros + OLD.reserved_micros - OLD.allocated_micros) > 0 THEN (OLD.spent_micros + OLD.reserved_micros - OLD.allocated_micros) ELSE 0 END) % 1000000) WHERE NEW.owner_id IS NOT NULL ON CONFLICT (owner_id, grade, shard) DO UPDATE SET agents = agents + excluded.agents, allocated_whole = allocated_whole + excluded.allocated_whole, allocated_rest = allocated_rest + excluded.allocated_rest, reserved_whole = reserved_whole + excluded.reserved_whole, reserved_rest = reserved_rest + excluded.reserved_rest, spent_whole = spent_whole + excluded.spent_whole, spent_rest = spent_rest + excluded.spent_rest, overdrawn_whole = overdrawn_whole + excluded.overdrawn_whole, overdrawn_rest = overdrawn_rest + excluded.overdrawn_rest; END;

-- trigger provider_keys_count_delete
CREATE TRIGGER provider_keys_count_delete AFTER DELETE ON provider_keys BEGIN INSERT INTO list_counts (list, part, shard, entries) SELECT 'provider_keys', OLD.status, 0, -1 WHERE true ON CONFLICT (list, part, shard) DO UPDATE SET entries = entries + excluded.entries; END;

-- trigger provider_keys_count_insert
CREATE TRIGGER provider_keys_count_insert AFTER INSERT ON provider_keys BEGIN INSERT INTO list_counts (list, part, shard, entries) SELECT 'provider_keys', NEW.status, 0, 1 WHERE true ON CONFLICT (list, part, shard) DO UPDATE SET entries = entries + excluded.entries; END;

-- trigger provider_keys_count_update
CREATE TRIGGER provider_keys_count_update AFTER UPDATE OF status ON provider_keys WHEN NEW.status <> OLD.status BEGIN INSERT INTO list_counts (list, part, shard, entries) SELECT 'provider_keys', OLD.status, 0, -1 WHERE true ON CONFLICT (list, part, shard) DO UPDATE SET entries = entries + excluded.entries; INSERT INTO list_counts (list, part, shard, entries) SELECT 'provider_keys', NEW.status, 0, 1 WHERE true ON CONFLICT (list, part, shard) DO UPDATE SET entries = entries + excluded.entries; END;

-- trigger request_keys_insert
CREATE TRIGGER request_keys_insert BEFORE INSERT ON request_keys WHEN EXISTS (SELECT 1 FROM request_keys k WHERE k.subject_id = NEW.subject_id AND k.request_id = NEW.request_id) OR NOT EXISTS (SELECT 1 FROM requests r WHERE r.subject_id = NEW.subject_id AND r.request_id = NEW.request_id AND r.id = NEW.id AND r.payload_hash = NEW.payload_hash AND r.lease_id IS NOT DISTINCT FROM NEW.lease_id AND r.cost_micros = NEW.cost_micros AND r.overrun_micros = NEW.overrun_micros AND r.pricing = NEW.pricing AND r.late = NEW.late) BEGIN SELECT RAISE(ABORT, 'request_keys: not the copy of a billed call'); END;

-- trigger request_keys_no_delete
CREATE TRIGGER request_keys_no_delete BEFORE DELETE ON request_keys BEGIN SELECT RAISE(ABORT, 'request_keys is append-only'); END;

-- trigger request_keys_no_update
CREATE TRIGGER request_keys_no_update BEFORE UPDATE ON request_keys BEGIN SELECT RAISE(ABORT, 'request_keys is append-only'); END;

-- trigger requests_final
CREATE TRIGGER requests_final BEFORE UPDATE ON requests WHEN NEW.id IS DISTINCT FROM OLD.id OR NEW.source IS DISTINCT FROM OLD.source OR NEW.subject_id IS DISTINCT FROM OLD.subject_id OR NEW.request_id IS DISTINCT FROM OLD.request_id OR (OLD.billed = 1 AND (NEW.billed IS DISTINCT FROM OLD.billed OR NEW.lease_id IS DISTINCT FROM OLD.lease_id OR NEW.payload_hash IS DISTINCT FROM OLD.payload_hash OR NEW.cost_micros IS DISTINCT FROM OLD.cost_micros OR NEW.overrun_micros IS DISTINCT FROM OLD.overrun_micros OR NEW.input_tokens IS DISTINCT FROM OLD.input_tokens OR NEW.cache_read_tokens IS DISTINCT FROM OLD.cache_read_tokens OR NEW.cache_write_tokens IS DISTINCT FROM OLD.cache_write_tokens OR NEW.output_tokens IS DISTINCT FROM OLD.output_tokens OR NEW.reasoning_tokens IS DISTINCT FROM OLD.reasoning_tokens OR NEW.other_parts IS DISTINCT FROM OLD.other_parts OR NEW.total_tokens IS DISTINCT FROM OLD.total_tokens OR NEW.pricing IS DISTINCT FROM OLD.pricing OR NEW.price_id IS DISTINCT FROM OLD.price_id OR NEW.late IS DISTINCT FROM OLD.late OR NEW.received_at IS DISTINCT FROM OLD.received_at)) BEGIN SELECT RAISE(ABORT, 'requests: a billed call is final'); END;

-- trigger requests_keep_key
CREATE TRIGGER requests_keep_key BEFORE DELETE ON requests WHEN OLD.payload_hash IS NOT NULL AND NOT EXISTS (SELECT 1 FROM request_keys k WHERE k.subject_id = OLD.subject_id AND k.request_id = OLD.request_id AND k.id = OLD.id AND k.payload_hash = OLD.payload_hash AND k.cost_micros = OLD.cost_micros) BEGIN SELECT RAISE(ABORT, 'requests: a billed call leaves its key'); END;

-- trigger requests_no_replace
CREATE TRIGGER requests_no_replace BEFORE INSERT ON requests WHEN EXISTS (SELECT 1 FROM requests r WHERE r.id = NEW.id AND r.billed = 1) OR EXISTS (SELECT 1 FROM requests r WHERE r.subject_id = NEW.subject_id AND r.request_id = NEW.request_id AND r.billed = 1) BEGIN SELECT RAISE(ABORT, 'requests: a billed call is final'); END;

-- trigger users_count_delete
CREATE TRIGGER users_count_delete AFTER DELETE ON users BEGIN INSERT INTO list_counts (list, part, shard, entries) SELECT 'users', OLD.role || CASE WHEN OLD.deleted_at IS NOT NULL THEN ' deleted' WHEN OLD.suspended_at IS NOT NULL THEN ' suspended' ELSE ' active' END, 0, -1 WHERE true ON CONFLICT (list, part, shard) DO UPDATE SET entries = entries + excluded.entries; END;

-- trigger users_count_insert
CREATE TRIGGER users_count_insert AFTER INSERT ON users BEGIN INSERT INTO list_counts (list, part, shard, entries) SELECT 'users', NEW.role || CASE WHEN NEW.deleted_at IS NOT NULL THEN ' deleted' WHEN NEW.suspended_at IS NOT NULL THEN ' suspended' ELSE ' active' END, 0, 1 WHERE true ON CONFLICT (list, part, shard) DO UPDATE SET entries = entries + excluded.entries; END;

-- trigger users_count_update
CREATE TRIGGER users_count_update AFTER UPDATE OF role, suspended_at, deleted_at ON users WHEN NEW.role || CASE WHEN NEW.deleted_at IS NOT NULL THEN ' deleted' WHEN NEW.suspended_at IS NOT NULL THEN ' suspended' ELSE ' active' END <> OLD.role || CASE WHEN OLD.deleted_at IS NOT NULL THEN ' deleted' WHEN OLD.suspended_at IS NOT NULL THEN ' suspended' ELSE ' active' END BEGIN INSERT INTO list_counts (list, part, shard, entries) SELECT 'users', OLD.role || CASE WHEN OLD.deleted_at IS NOT NULL THEN ' deleted' WHEN OLD.suspended_at IS NOT NULL THEN ' suspended' ELSE ' active' END, 0, -1 WHERE true ON CONFLICT (list, part, shard) DO UPDATE SET entries = entries + excluded.entries; INSERT INTO list_counts (list, part, shard, entries) SELECT 'users', NEW.role || CASE WHEN NEW.deleted_at IS NOT NULL THEN ' deleted' WHEN NEW.suspended_at IS NOT NULL THEN ' suspended' ELSE ' active' END, 0, 1 WHERE true ON CONFLICT (list, part, shard) DO UPDATE SET entries = entries + excluded.entries; END;

-- view agent_owner
CREATE VIEW agent_owner AS SELECT b.agent_id, b.owner_id, a.name AS agent_name, b.allocated_micros FROM agent_budgets b LEFT JOIN agents a ON a.id = b.agent_id;

-- view ledger_postings
CREATE VIEW ledger_postings AS SELECT agent_id, seq, created_at, CASE type WHEN 'allocate' THEN 'available' WHEN 'deallocate' THEN 'funding' WHEN 'grant' THEN 'reserved' WHEN 'release' THEN 'available' WHEN 'spend' THEN 'spent' WHEN 'overrun' THEN 'spent' WHEN 'adjust' THEN 'available' END AS account, amount_micros FROM ledger_entries UNION ALL SELECT agent_id, seq, created_at, CASE type WHEN 'allocate' THEN 'funding' WHEN 'deallocate' THEN 'available' WHEN 'grant' THEN 'available' WHEN 'release' THEN 'reserved' WHEN 'spend' THEN 'reserved' WHEN 'overrun' THEN 'available' WHEN 'adjust' THEN 'spent' END, -amount_micros FROM ledger_entries;

-- view owner_reserved
CREATE VIEW owner_reserved AS SELECT owner_id, CAST(sum(reserved_whole) * 1000000 + sum(reserved_rest) AS BIGINT) AS reserved FROM budget_sums WHERE owner_id <> '' GROUP BY owner_id;

-- view tagged_agent
CREATE VIEW tagged_agent AS SELECT DISTINCT a.id AS agent_id, a.created_at, j.value AS tag FROM agents a, json_each(a.tags) j;

-- view token_owner
CREATE VIEW token_owner AS SELECT id AS token_id, owner_id, project_id, name AS token_name FROM api_tokens;

-- view user_name
CREATE VIEW user_name AS SELECT id AS user_id, username, name FROM users;
