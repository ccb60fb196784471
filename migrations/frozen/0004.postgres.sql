SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE FUNCTION public.audit_log_insert() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN PERFORM 1 FROM log_heads WHERE name = 'audit' FOR UPDATE; IF NEW.seq IS DISTINCT FROM (SELECT head_seq + 1 FROM log_heads WHERE name = 'audit') OR NEW.prev_hash IS DISTINCT FROM (SELECT head_hash FROM log_heads WHERE name = 'audit') OR EXISTS (SELECT 1 FROM audit_log a WHERE a.id = NEW.id) THEN RAISE EXCEPTION 'audit_log: out of sequence' USING ERRCODE = 'restrict_violation'; END IF; UPDATE log_heads SET head_seq = NEW.seq, head_hash = NEW.hash, updated_at = NEW.at WHERE name = 'audit'; RETURN NEW; END $$;
CREATE FUNCTION public.audit_log_no_delete() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'audit_log is append-only' USING ERRCODE = 'restrict_violation'; END $$;
CREATE FUNCTION public.audit_log_no_update() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'audit_log is append-only' USING ERRCODE = 'restrict_violation'; END $$;
CREATE FUNCTION public.events_insert() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN PERFORM 1 FROM log_heads WHERE name = 'events' FOR UPDATE; IF NEW.seq IS DISTINCT FROM (SELECT head_seq + 1 FROM log_heads WHERE name = 'events') OR EXISTS (SELECT 1 FROM events e WHERE e.dedupe_key = NEW.dedupe_key) THEN RAISE EXCEPTION 'events: out of sequence' USING ERRCODE = 'restrict_violation'; END IF; UPDATE log_heads SET head_seq = NEW.seq, updated_at = NEW.at WHERE name = 'events'; RETURN NEW; END $$;
CREATE FUNCTION public.events_no_delete() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN IF OLD.seq > (SELECT floor FROM log_heads WHERE name = 'events') THEN RAISE EXCEPTION 'events is append-only' USING ERRCODE = 'restrict_violation'; END IF; RETURN OLD; END $$;
CREATE FUNCTION public.events_no_update() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'events is append-only' USING ERRCODE = 'restrict_violation'; END $$;
CREATE FUNCTION public.leases_final() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN IF NEW.id IS DISTINCT FROM OLD.id OR NEW.agent_id IS DISTINCT FROM OLD.agent_id OR NEW.supersedes IS DISTINCT FROM OLD.supersedes OR NEW.idempotency_key IS DISTINCT FROM OLD.idempotency_key OR NEW.granted_micros IS DISTINCT FROM OLD.granted_micros OR (OLD.status <> 'active' AND (NEW.status IS DISTINCT FROM OLD.status OR NEW.close_reason IS DISTINCT FROM OLD.close_reason)) THEN RAISE EXCEPTION 'leases: a final state is final' USING ERRCODE = 'restrict_violation'; END IF; RETURN NEW; END $$;
CREATE FUNCTION public.leases_no_delete() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'leases are kept' USING ERRCODE = 'restrict_violation'; END $$;
CREATE FUNCTION public.ledger_entries_insert() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN IF NOT EXISTS (SELECT 1 FROM agent_budgets b WHERE b.agent_id = NEW.agent_id AND b.ledger_seq = NEW.seq AND b.ledger_hash = NEW.hash AND b.version = NEW.version AND b.allocated_micros = NEW.allocated_after AND b.reserved_micros = NEW.reserved_after AND b.spent_micros = NEW.spent_after) OR EXISTS (SELECT 1 FROM ledger_entries l WHERE l.agent_id = NEW.agent_id AND l.seq = NEW.seq) OR (NEW.seq > 1 AND NOT EXISTS (SELECT 1 FROM ledger_entries l WHERE l.agent_id = NEW.agent_id AND l.seq = NEW.seq - 1)) OR (NEW.type IN ('allocate', 'deallocate') AND EXISTS (SELECT 1 FROM ledger_entries l WHERE l.agent_id = NEW.agent_id AND l.version = NEW.version AND l.type IN ('allocate', 'deallocate'))) THEN RAISE EXCEPTION 'ledger_entries: row does not match the budget' USING ERRCODE = 'restrict_violation'; END IF; RETURN NEW; END $$;
CREATE FUNCTION public.ledger_entries_no_delete() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'ledger_entries is append-only' USING ERRCODE = 'restrict_violation'; END $$;
CREATE FUNCTION public.ledger_entries_no_update() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'ledger_entries is append-only' USING ERRCODE = 'restrict_violation'; END $$;
CREATE FUNCTION public.log_heads_guard() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN IF NEW.name <> OLD.name OR NEW.head_seq < OLD.head_seq OR NEW.floor < OLD.floor OR (NEW.head_seq = OLD.head_seq AND NEW.head_hash IS DISTINCT FROM OLD.head_hash) THEN RAISE EXCEPTION 'log_heads may only move forward' USING ERRCODE = 'restrict_violation'; END IF; RETURN NEW; END $$;
CREATE FUNCTION public.log_heads_no_delete() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'log_heads rows are permanent' USING ERRCODE = 'restrict_violation'; END $$;
CREATE FUNCTION public.log_heads_no_insert() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'log_heads rows are permanent' USING ERRCODE = 'restrict_violation'; END $$;
CREATE FUNCTION public.no_truncate() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION '% is never truncated', TG_TABLE_NAME USING ERRCODE = 'restrict_violation'; END $$;
CREATE FUNCTION public.request_keys_insert() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN IF EXISTS (SELECT 1 FROM request_keys k WHERE k.subject_id = NEW.subject_id AND k.request_id = NEW.request_id) OR NOT EXISTS (SELECT 1 FROM requests r WHERE r.subject_id = NEW.subject_id AND r.request_id = NEW.request_id AND r.id = NEW.id AND r.payload_hash = NEW.payload_hash AND r.lease_id IS NOT DISTINCT FROM NEW.lease_id AND r.cost_micros = NEW.cost_micros AND r.overrun_micros = NEW.overrun_micros AND r.pricing = NEW.pricing AND r.late = NEW.late) THEN RAISE EXCEPTION 'request_keys: not the copy of a billed call' USING ERRCODE = 'restrict_violation'; END IF; RETURN NEW; END $$;
CREATE FUNCTION public.request_keys_no_delete() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'request_keys is append-only' USING ERRCODE = 'restrict_violation'; END $$;
CREATE FUNCTION public.request_keys_no_update() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'request_keys is append-only' USING ERRCODE = 'restrict_violation'; END $$;
CREATE FUNCTION public.requests_final() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN IF NEW.id IS DISTINCT FROM OLD.id OR NEW.source IS DISTINCT FROM OLD.source OR NEW.subject_id IS DISTINCT FROM OLD.subject_id OR NEW.request_id IS DISTINCT FROM OLD.request_id OR (OLD.billed = 1 AND (NEW.billed IS DISTINCT FROM OLD.billed OR NEW.lease_id IS DISTINCT FROM OLD.lease_id OR NEW.payload_hash IS DISTINCT FROM OLD.payload_hash OR NEW.cost_micros IS DISTINCT FROM OLD.cost_micros OR NEW.overrun_micros IS DISTINCT FROM OLD.overrun_micros OR NEW.input_tokens IS DISTINCT FROM OLD.input_tokens OR NEW.cache_read_tokens IS DISTINCT FROM OLD.cache_read_tokens OR NEW.cache_write_tokens IS DISTINCT FROM OLD.cache_write_tokens OR NEW.output_tokens IS DISTINCT FROM OLD.output_tokens OR NEW.reasoning_tokens IS DISTINCT FROM OLD.reasoning_tokens OR NEW.other_parts IS DISTINCT FROM OLD.other_parts OR NEW.total_tokens IS DISTINCT FROM OLD.total_tokens OR NEW.pricing IS DISTINCT FROM OLD.pricing OR NEW.price_id IS DISTINCT FROM OLD.price_id OR NEW.late IS DISTINCT FROM OLD.late OR NEW.received_at IS DISTINCT FROM OLD.received_at)) THEN RAISE EXCEPTION 'requests: a billed call is final' USING ERRCODE = 'restrict_violation'; END IF; RETURN NEW; END $$;
CREATE FUNCTION public.requests_keep_key() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN IF OLD.payload_hash IS NOT NULL AND NOT EXISTS (SELECT 1 FROM request_keys k WHERE k.subject_id = OLD.subject_id AND k.request_id = OLD.request_id AND k.id = OLD.id AND k.payload_hash = OLD.payload_hash AND k.cost_micros = OLD.cost_micros) THEN RAISE EXCEPTION 'requests: a billed call leaves its key' USING ERRCODE = 'restrict_violation'; END IF; RETURN OLD; END $$;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.agent_budgets (
    agent_id text NOT NULL COLLATE pg_catalog."C",
    owner_id text COLLATE pg_catalog."C",
    allocated_micros bigint DEFAULT 0 NOT NULL,
    reserved_micros bigint DEFAULT 0 NOT NULL,
    spent_micros bigint DEFAULT 0 NOT NULL,
    version bigint DEFAULT 0 NOT NULL,
    ledger_seq bigint DEFAULT 0 NOT NULL,
    ledger_hash text DEFAULT '0000000000000000000000000000000000000000000000000000000000000000'::text NOT NULL COLLATE pg_catalog."C",
    alerted_percent bigint DEFAULT 0 NOT NULL,
    archived_at bigint,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    CONSTRAINT agent_budgets_agent_id_check CHECK (((length(agent_id) >= 1) AND (length(agent_id) <= 255))),
    CONSTRAINT agent_budgets_alerted_percent_check CHECK ((alerted_percent = ANY (ARRAY[(0)::bigint, (50)::bigint, (80)::bigint, (90)::bigint, (100)::bigint]))),
    CONSTRAINT agent_budgets_allocated_micros_check CHECK (((allocated_micros >= 0) AND (allocated_micros <= '9007199254740991'::bigint))),
    CONSTRAINT agent_budgets_ledger_hash_check CHECK ((length(ledger_hash) = 64)),
    CONSTRAINT agent_budgets_ledger_seq_check CHECK (((ledger_seq >= 0) AND (ledger_seq <= '9007199254740991'::bigint))),
    CONSTRAINT agent_budgets_owner_id_check CHECK (((length(owner_id) >= 1) AND (length(owner_id) <= 255))),
    CONSTRAINT agent_budgets_reserved_micros_check CHECK (((reserved_micros >= 0) AND (reserved_micros <= '9007199254740991'::bigint))),
    CONSTRAINT agent_budgets_spent_micros_check CHECK (((spent_micros >= 0) AND (spent_micros <= '9007199254740991'::bigint))),
    CONSTRAINT agent_budgets_version_check CHECK (((version >= 0) AND (version <= '9007199254740991'::bigint)))
)
WITH (fillfactor='70', autovacuum_vacuum_scale_factor='0.02', autovacuum_analyze_scale_factor='0.02');
CREATE TABLE public.agents (
    id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    description text COLLATE pg_catalog."C",
    tags text DEFAULT '[]'::text NOT NULL COLLATE pg_catalog."C",
    state text DEFAULT 'idle'::text NOT NULL COLLATE pg_catalog."C",
    state_reason text COLLATE pg_catalog."C",
    state_changed_at bigint NOT NULL,
    desired_state text DEFAULT 'running'::text NOT NULL COLLATE pg_catalog."C",
    last_seen_at bigint,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    CONSTRAINT agents_description_check CHECK ((length(description) <= 500)),
    CONSTRAINT agents_desired_state_check CHECK ((desired_state = ANY (ARRAY['running'::text, 'stopped'::text]))),
    CONSTRAINT agents_id_check CHECK (((length(id) >= 1) AND (length(id) <= 255))),
    CONSTRAINT agents_name_check CHECK (((length(name) >= 1) AND (length(name) <= 100))),
    CONSTRAINT agents_state_check CHECK ((state = ANY (ARRAY['running'::text, 'idle'::text, 'stopped'::text, 'failed'::text]))),
    CONSTRAINT agents_state_reason_check CHECK ((length(state_reason) <= 500))
);
CREATE VIEW public.agent_owner AS
 SELECT b.agent_id,
    b.owner_id,
    a.name AS agent_name,
    b.allocated_micros
   FROM (public.agent_budgets b
     LEFT JOIN public.agents a ON ((a.id = b.agent_id)));
CREATE TABLE public.agent_providers (
    agent_id text NOT NULL COLLATE pg_catalog."C",
    provider_id text NOT NULL COLLATE pg_catalog."C",
    "position" bigint NOT NULL,
    assigned_at bigint NOT NULL,
    CONSTRAINT agent_providers_agent_id_check CHECK (((length(agent_id) >= 1) AND (length(agent_id) <= 255))),
    CONSTRAINT agent_providers_position_check CHECK ((("position" >= 0) AND ("position" <= '9007199254740991'::bigint))),
    CONSTRAINT agent_providers_provider_id_check CHECK (((length(provider_id) >= 1) AND (length(provider_id) <= 255)))
);
CREATE TABLE public.api_token_secrets (
    token_hash text NOT NULL COLLATE pg_catalog."C",
    token_id text NOT NULL COLLATE pg_catalog."C",
    hint text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    valid_until bigint,
    CONSTRAINT api_token_secrets_hint_check CHECK ((length(hint) <= 20)),
    CONSTRAINT api_token_secrets_token_hash_check CHECK ((length(token_hash) = 64)),
    CONSTRAINT api_token_secrets_token_id_check CHECK (((length(token_id) >= 1) AND (length(token_id) <= 255)))
);
CREATE TABLE public.api_tokens (
    id text NOT NULL COLLATE pg_catalog."C",
    owner_id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    description text COLLATE pg_catalog."C",
    project_id text COLLATE pg_catalog."C",
    scopes text COLLATE pg_catalog."C",
    allowed_ips text DEFAULT '[]'::text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    expires_at bigint,
    last_used_at bigint,
    revoked_at bigint,
    revoked_by text COLLATE pg_catalog."C",
    CONSTRAINT api_tokens_description_check CHECK ((length(description) <= 500)),
    CONSTRAINT api_tokens_id_check CHECK (((length(id) >= 1) AND (length(id) <= 255))),
    CONSTRAINT api_tokens_name_check CHECK (((length(name) >= 1) AND (length(name) <= 100))),
    CONSTRAINT api_tokens_owner_id_check CHECK (((length(owner_id) >= 1) AND (length(owner_id) <= 255))),
    CONSTRAINT api_tokens_project_id_check CHECK (((length(project_id) >= 1) AND (length(project_id) <= 100))),
    CONSTRAINT api_tokens_revoked_by_check CHECK (((length(revoked_by) >= 1) AND (length(revoked_by) <= 255)))
);
CREATE TABLE public.audit_log (
    seq bigint NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    at bigint NOT NULL,
    actor_type text NOT NULL COLLATE pg_catalog."C",
    actor_id text NOT NULL COLLATE pg_catalog."C",
    actor_user_id text COLLATE pg_catalog."C",
    actor_role text COLLATE pg_catalog."C",
    operation text NOT NULL COLLATE pg_catalog."C",
    resource_type text NOT NULL COLLATE pg_catalog."C",
    resource_id text COLLATE pg_catalog."C",
    http_request_id text COLLATE pg_catalog."C",
    ip text COLLATE pg_catalog."C",
    user_agent text COLLATE pg_catalog."C",
    changes text COLLATE pg_catalog."C",
    reason text COLLATE pg_catalog."C",
    metadata text DEFAULT '{}'::text NOT NULL COLLATE pg_catalog."C",
    prev_hash text NOT NULL COLLATE pg_catalog."C",
    hash text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT audit_log_actor_type_check CHECK ((actor_type = ANY (ARRAY['user'::text, 'api_token'::text, 'agent'::text, 'system'::text]))),
    CONSTRAINT audit_log_hash_check CHECK ((length(hash) = 64)),
    CONSTRAINT audit_log_id_check CHECK (((length(id) >= 1) AND (length(id) <= 255))),
    CONSTRAINT audit_log_operation_check CHECK (((length(operation) >= 1) AND (length(operation) <= 64))),
    CONSTRAINT audit_log_prev_hash_check CHECK ((length(prev_hash) = 64)),
    CONSTRAINT audit_log_reason_check CHECK ((length(reason) <= 1000)),
    CONSTRAINT audit_log_seq_check CHECK (((seq >= 1) AND (seq <= '9007199254740991'::bigint))),
    CONSTRAINT audit_log_user_agent_check CHECK ((length(user_agent) <= 500))
);
CREATE TABLE public.budget_requests (
    id text NOT NULL COLLATE pg_catalog."C",
    agent_id text NOT NULL COLLATE pg_catalog."C",
    requester_id text NOT NULL COLLATE pg_catalog."C",
    status text NOT NULL COLLATE pg_catalog."C",
    allocated_micros bigint NOT NULL,
    requested_allocated_micros bigint NOT NULL,
    approved_allocated_micros bigint,
    justification text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    reviewed_at bigint,
    reviewed_by text COLLATE pg_catalog."C",
    cancelled_at bigint,
    cancelled_by text COLLATE pg_catalog."C",
    review_notes text COLLATE pg_catalog."C",
    CONSTRAINT budget_requests_agent_id_check CHECK (((length(agent_id) >= 1) AND (length(agent_id) <= 255))),
    CONSTRAINT budget_requests_allocated_micros_check CHECK (((allocated_micros >= 0) AND (allocated_micros <= '9007199254740991'::bigint))),
    CONSTRAINT budget_requests_approved_allocated_micros_check CHECK (((approved_allocated_micros >= 1) AND (approved_allocated_micros <= '9007199254740991'::bigint))),
    CONSTRAINT budget_requests_approved_with_amount CHECK (((status = 'approved'::text) = (approved_allocated_micros IS NOT NULL))),
    CONSTRAINT budget_requests_asks_for_more CHECK ((requested_allocated_micros > allocated_micros)),
    CONSTRAINT budget_requests_cancelled_by_check CHECK (((length(cancelled_by) >= 1) AND (length(cancelled_by) <= 255))),
    CONSTRAINT budget_requests_cancelled_with_time CHECK (((status = 'cancelled'::text) = (cancelled_at IS NOT NULL))),
    CONSTRAINT budget_requests_canceller_with_time CHECK (((cancelled_by IS NULL) OR (cancelled_at IS NOT NULL))),
    CONSTRAINT budget_requests_id_check CHECK (((length(id) >= 1) AND (length(id) <= 255))),
    CONSTRAINT budget_requests_justification_check CHECK (((length(justification) >= 20) AND (length(justification) <= 500))),
    CONSTRAINT budget_requests_rejected_with_notes CHECK (((status <> 'rejected'::text) OR ((review_notes IS NOT NULL) AND (length(review_notes) >= 20)))),
    CONSTRAINT budget_requests_requested_allocated_micros_check CHECK (((requested_allocated_micros >= 0) AND (requested_allocated_micros <= '9007199254740991'::bigint))),
    CONSTRAINT budget_requests_requester_id_check CHECK (((length(requester_id) >= 1) AND (length(requester_id) <= 255))),
    CONSTRAINT budget_requests_review_notes_check CHECK ((length(review_notes) <= 1000)),
    CONSTRAINT budget_requests_reviewed_by_check CHECK (((length(reviewed_by) >= 1) AND (length(reviewed_by) <= 255))),
    CONSTRAINT budget_requests_reviewed_by_somebody CHECK (((reviewed_at IS NULL) = (reviewed_by IS NULL))),
    CONSTRAINT budget_requests_reviewed_when_decided CHECK (((status = ANY (ARRAY['approved'::text, 'rejected'::text])) = (reviewed_at IS NOT NULL))),
    CONSTRAINT budget_requests_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'approved'::text, 'rejected'::text, 'cancelled'::text])))
);
CREATE TABLE public.events (
    seq bigint NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    at bigint NOT NULL,
    type text NOT NULL COLLATE pg_catalog."C",
    agent_id text NOT NULL COLLATE pg_catalog."C",
    dedupe_key text COLLATE pg_catalog."C",
    data text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT events_agent_id_check CHECK (((length(agent_id) >= 1) AND (length(agent_id) <= 255))),
    CONSTRAINT events_data_check CHECK ((length(data) <= 16384)),
    CONSTRAINT events_dedupe_key_check CHECK ((length(dedupe_key) <= 200)),
    CONSTRAINT events_id_check CHECK (((length(id) >= 1) AND (length(id) <= 255))),
    CONSTRAINT events_seq_check CHECK (((seq >= 1) AND (seq <= '9007199254740991'::bigint))),
    CONSTRAINT events_type_check CHECK (((length(type) >= 3) AND (length(type) <= 64)))
);
CREATE TABLE public.ic_tokens (
    id text NOT NULL COLLATE pg_catalog."C",
    agent_id text NOT NULL COLLATE pg_catalog."C",
    token_hash text NOT NULL COLLATE pg_catalog."C",
    permissions text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    created_by text NOT NULL COLLATE pg_catalog."C",
    expires_at bigint,
    last_used_at bigint,
    revoked_at bigint,
    revoked_by text COLLATE pg_catalog."C",
    CONSTRAINT ic_tokens_agent_id_check CHECK (((length(agent_id) >= 1) AND (length(agent_id) <= 255))),
    CONSTRAINT ic_tokens_created_by_check CHECK (((length(created_by) >= 1) AND (length(created_by) <= 255))),
    CONSTRAINT ic_tokens_id_check CHECK (((length(id) >= 1) AND (length(id) <= 255))),
    CONSTRAINT ic_tokens_revoked_by_check CHECK (((length(revoked_by) >= 1) AND (length(revoked_by) <= 255))),
    CONSTRAINT ic_tokens_token_hash_check CHECK ((length(token_hash) = 64))
);
CREATE TABLE public.idempotency_keys (
    principal_id text NOT NULL COLLATE pg_catalog."C",
    route text NOT NULL COLLATE pg_catalog."C",
    key text NOT NULL COLLATE pg_catalog."C",
    payload_hash text NOT NULL COLLATE pg_catalog."C",
    result text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    CONSTRAINT idempotency_keys_key_check CHECK (((length(key) >= 1) AND (length(key) <= 255))),
    CONSTRAINT idempotency_keys_payload_hash_check CHECK ((length(payload_hash) = 64)),
    CONSTRAINT idempotency_keys_principal_id_check CHECK (((length(principal_id) >= 1) AND (length(principal_id) <= 255))),
    CONSTRAINT idempotency_keys_route_check CHECK (((length(route) >= 1) AND (length(route) <= 200)))
);
CREATE TABLE public.leases (
    id text NOT NULL COLLATE pg_catalog."C",
    agent_id text NOT NULL COLLATE pg_catalog."C",
    supersedes text COLLATE pg_catalog."C",
    provider_id text COLLATE pg_catalog."C",
    runtime_id text COLLATE pg_catalog."C",
    idempotency_key text COLLATE pg_catalog."C",
    status text NOT NULL COLLATE pg_catalog."C",
    requested_micros bigint NOT NULL,
    granted_micros bigint NOT NULL,
    spent_micros bigint DEFAULT 0 NOT NULL,
    released_micros bigint DEFAULT 0 NOT NULL,
    overrun_micros bigint DEFAULT 0 NOT NULL,
    unreported_micros bigint DEFAULT 0 NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    closed_at bigint,
    close_reason text COLLATE pg_catalog."C",
    returned_at bigint,
    return_spent_micros bigint,
    CONSTRAINT leases_active_is_open CHECK (((status = 'active'::text) = (closed_at IS NULL))),
    CONSTRAINT leases_active_releases_nothing CHECK (((status <> 'active'::text) OR (released_micros = 0))),
    CONSTRAINT leases_active_without_reason CHECK (((status = 'active'::text) = (close_reason IS NULL))),
    CONSTRAINT leases_agent_id_check CHECK (((length(agent_id) >= 1) AND (length(agent_id) <= 255))),
    CONSTRAINT leases_close_reason_check CHECK ((close_reason = ANY (ARRAY['returned'::text, 'lapsed'::text, 'superseded'::text, 'revoked'::text]))),
    CONSTRAINT leases_ended_is_settled CHECK (((status = 'active'::text) OR ((spent_micros + released_micros) = granted_micros))),
    CONSTRAINT leases_granted_micros_check CHECK (((granted_micros >= 1) AND (granted_micros <= '9007199254740991'::bigint))),
    CONSTRAINT leases_granted_within_requested CHECK ((granted_micros <= requested_micros)),
    CONSTRAINT leases_id_check CHECK (((length(id) >= 1) AND (length(id) <= 255))),
    CONSTRAINT leases_idempotency_key_check CHECK (((length(idempotency_key) >= 1) AND (length(idempotency_key) <= 255))),
    CONSTRAINT leases_overrun_micros_check CHECK (((overrun_micros >= 0) AND (overrun_micros <= '9007199254740991'::bigint))),
    CONSTRAINT leases_provider_id_check CHECK (((length(provider_id) >= 1) AND (length(provider_id) <= 255))),
    CONSTRAINT leases_released_micros_check CHECK (((released_micros >= 0) AND (released_micros <= '9007199254740991'::bigint))),
    CONSTRAINT leases_requested_micros_check CHECK (((requested_micros >= 1) AND (requested_micros <= '9007199254740991'::bigint))),
    CONSTRAINT leases_return_ends CHECK (((returned_at IS NULL) OR (closed_at IS NOT NULL))),
    CONSTRAINT leases_return_spent_micros_check CHECK (((return_spent_micros >= 0) AND (return_spent_micros <= '9007199254740991'::bigint))),
    CONSTRAINT leases_return_total_with_time CHECK (((returned_at IS NULL) = (return_spent_micros IS NULL))),
    CONSTRAINT leases_returned_has_time CHECK (((close_reason IS NULL) OR (close_reason <> 'returned'::text) OR (returned_at IS NOT NULL))),
    CONSTRAINT leases_runtime_id_check CHECK ((length(runtime_id) <= 100)),
    CONSTRAINT leases_spent_micros_check CHECK (((spent_micros >= 0) AND (spent_micros <= '9007199254740991'::bigint))),
    CONSTRAINT leases_status_check CHECK ((status = ANY (ARRAY['active'::text, 'superseded'::text, 'closed'::text, 'revoked'::text]))),
    CONSTRAINT leases_status_follows_reason CHECK (((status = 'active'::text) OR (status =
CASE
    WHEN (close_reason = ANY (ARRAY['returned'::text, 'lapsed'::text])) THEN 'closed'::text
    ELSE close_reason
END))),
    CONSTRAINT leases_supersedes_check CHECK (((length(supersedes) >= 1) AND (length(supersedes) <= 255))),
    CONSTRAINT leases_unreported_micros_check CHECK (((unreported_micros >= 0) AND (unreported_micros <= '9007199254740991'::bigint))),
    CONSTRAINT leases_unreported_within_used CHECK ((unreported_micros <= (spent_micros + overrun_micros))),
    CONSTRAINT leases_used_within_granted CHECK (((spent_micros + released_micros) <= granted_micros))
)
WITH (fillfactor='70', autovacuum_vacuum_scale_factor='0.02', autovacuum_analyze_scale_factor='0.02');
CREATE TABLE public.ledger_entries (
    agent_id text NOT NULL COLLATE pg_catalog."C",
    seq bigint NOT NULL,
    type text NOT NULL COLLATE pg_catalog."C",
    amount_micros bigint NOT NULL,
    lease_id text COLLATE pg_catalog."C",
    request_id text COLLATE pg_catalog."C",
    budget_request_id text COLLATE pg_catalog."C",
    version bigint NOT NULL,
    allocated_after bigint NOT NULL,
    reserved_after bigint NOT NULL,
    spent_after bigint NOT NULL,
    actor_id text COLLATE pg_catalog."C",
    reason text COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    hash text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT ledger_entries_actor_required CHECK (((actor_id IS NOT NULL) OR (type = ANY (ARRAY['grant'::text, 'spend'::text, 'overrun'::text, 'release'::text])))),
    CONSTRAINT ledger_entries_agent_id_check CHECK (((length(agent_id) >= 1) AND (length(agent_id) <= 255))),
    CONSTRAINT ledger_entries_allocated_after_check CHECK (((allocated_after >= 0) AND (allocated_after <= '9007199254740991'::bigint))),
    CONSTRAINT ledger_entries_amount_micros_check CHECK (((amount_micros >= 1) AND (amount_micros <= '9007199254740991'::bigint))),
    CONSTRAINT ledger_entries_available_after CHECK (((type <> ALL (ARRAY['grant'::text, 'deallocate'::text])) OR (((allocated_after - reserved_after) - spent_after) >= 0))),
    CONSTRAINT ledger_entries_budget_request_allocates CHECK (((budget_request_id IS NULL) OR (type = 'allocate'::text))),
    CONSTRAINT ledger_entries_budget_request_id_check CHECK (((length(budget_request_id) >= 1) AND (length(budget_request_id) <= 255))),
    CONSTRAINT ledger_entries_hash_check CHECK ((length(hash) = 64)),
    CONSTRAINT ledger_entries_lease_forbidden CHECK (((type <> ALL (ARRAY['allocate'::text, 'deallocate'::text, 'adjust'::text])) OR (lease_id IS NULL))),
    CONSTRAINT ledger_entries_lease_id_check CHECK (((length(lease_id) >= 1) AND (length(lease_id) <= 255))),
    CONSTRAINT ledger_entries_lease_required CHECK (((type <> ALL (ARRAY['grant'::text, 'spend'::text, 'release'::text])) OR (lease_id IS NOT NULL))),
    CONSTRAINT ledger_entries_reason_check CHECK ((length(reason) <= 500)),
    CONSTRAINT ledger_entries_reason_without_lease CHECK (((lease_id IS NOT NULL) OR (type = ANY (ARRAY['allocate'::text, 'deallocate'::text])) OR (reason IS NOT NULL))),
    CONSTRAINT ledger_entries_request_id_check CHECK (((length(request_id) >= 1) AND (length(request_id) <= 100))),
    CONSTRAINT ledger_entries_request_of_a_report CHECK (((request_id IS NULL) OR (type = ANY (ARRAY['spend'::text, 'overrun'::text])))),
    CONSTRAINT ledger_entries_reserved_after_check CHECK (((reserved_after >= 0) AND (reserved_after <= '9007199254740991'::bigint))),
    CONSTRAINT ledger_entries_seq_check CHECK (((seq >= 1) AND (seq <= '9007199254740991'::bigint))),
    CONSTRAINT ledger_entries_spent_after_check CHECK (((spent_after >= 0) AND (spent_after <= '9007199254740991'::bigint))),
    CONSTRAINT ledger_entries_type_check CHECK ((type = ANY (ARRAY['allocate'::text, 'deallocate'::text, 'grant'::text, 'spend'::text, 'overrun'::text, 'release'::text, 'adjust'::text]))),
    CONSTRAINT ledger_entries_version_check CHECK (((version >= 0) AND (version <= '9007199254740991'::bigint)))
);
CREATE VIEW public.ledger_postings AS
 SELECT ledger_entries.agent_id,
    ledger_entries.seq,
    ledger_entries.created_at,
        CASE ledger_entries.type
            WHEN 'allocate'::text THEN 'available'::text
            WHEN 'deallocate'::text THEN 'funding'::text
            WHEN 'grant'::text THEN 'reserved'::text
            WHEN 'release'::text THEN 'available'::text
            WHEN 'spend'::text THEN 'spent'::text
            WHEN 'overrun'::text THEN 'spent'::text
            WHEN 'adjust'::text THEN 'available'::text
            ELSE NULL::text
        END AS account,
    ledger_entries.amount_micros
   FROM public.ledger_entries
UNION ALL
 SELECT ledger_entries.agent_id,
    ledger_entries.seq,
    ledger_entries.created_at,
        CASE ledger_entries.type
            WHEN 'allocate'::text THEN 'funding'::text
            WHEN 'deallocate'::text THEN 'available'::text
            WHEN 'grant'::text THEN 'available'::text
            WHEN 'release'::text THEN 'reserved'::text
            WHEN 'spend'::text THEN 'reserved'::text
            WHEN 'overrun'::text THEN 'available'::text
            WHEN 'adjust'::text THEN 'spent'::text
            ELSE NULL::text
        END AS account,
    (- ledger_entries.amount_micros) AS amount_micros
   FROM public.ledger_entries;
CREATE TABLE public.limit_counters (
    owner_id text NOT NULL COLLATE pg_catalog."C",
    project_id text DEFAULT ''::text NOT NULL COLLATE pg_catalog."C",
    metric text NOT NULL COLLATE pg_catalog."C",
    window_start bigint NOT NULL,
    used bigint NOT NULL,
    CONSTRAINT limit_counters_metric_check CHECK ((metric = ANY (ARRAY['tokens_per_day'::text, 'requests_per_minute'::text, 'cost_per_month'::text]))),
    CONSTRAINT limit_counters_owner_id_check CHECK (((length(owner_id) >= 1) AND (length(owner_id) <= 255))),
    CONSTRAINT limit_counters_project_id_check CHECK ((length(project_id) <= 100)),
    CONSTRAINT limit_counters_used_check CHECK (((used >= 0) AND (used <= '9007199254740991'::bigint)))
)
WITH (fillfactor='70', autovacuum_vacuum_scale_factor='0.02', autovacuum_analyze_scale_factor='0.02');
CREATE TABLE public.limits (
    id text NOT NULL COLLATE pg_catalog."C",
    owner_id text NOT NULL COLLATE pg_catalog."C",
    project_id text COLLATE pg_catalog."C",
    max_tokens_per_day bigint,
    max_requests_per_minute bigint,
    max_cost_per_month_micros bigint,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    CONSTRAINT limits_id_check CHECK (((length(id) >= 1) AND (length(id) <= 255))),
    CONSTRAINT limits_max_cost_per_month_micros_check CHECK (((max_cost_per_month_micros >= 0) AND (max_cost_per_month_micros <= '9007199254740991'::bigint))),
    CONSTRAINT limits_max_requests_per_minute_check CHECK (((max_requests_per_minute >= 0) AND (max_requests_per_minute <= '9007199254740991'::bigint))),
    CONSTRAINT limits_max_tokens_per_day_check CHECK (((max_tokens_per_day >= 0) AND (max_tokens_per_day <= '9007199254740991'::bigint))),
    CONSTRAINT limits_owner_id_check CHECK (((length(owner_id) >= 1) AND (length(owner_id) <= 255))),
    CONSTRAINT limits_project_id_check CHECK (((length(project_id) >= 1) AND (length(project_id) <= 100)))
);
CREATE TABLE public.log_heads (
    name text NOT NULL COLLATE pg_catalog."C",
    head_seq bigint DEFAULT 0 NOT NULL,
    head_hash text COLLATE pg_catalog."C",
    floor bigint DEFAULT 0 NOT NULL,
    updated_at bigint NOT NULL,
    CONSTRAINT log_heads_audit_is_chained CHECK (((name = 'audit'::text) = (head_hash IS NOT NULL))),
    CONSTRAINT log_heads_audit_keeps_all CHECK (((name <> 'audit'::text) OR (floor = 0))),
    CONSTRAINT log_heads_floor_check CHECK (((floor >= 0) AND (floor <= '9007199254740991'::bigint))),
    CONSTRAINT log_heads_floor_within_head CHECK ((floor <= head_seq)),
    CONSTRAINT log_heads_head_hash_check CHECK ((length(head_hash) = 64)),
    CONSTRAINT log_heads_head_seq_check CHECK (((head_seq >= 0) AND (head_seq <= '9007199254740991'::bigint))),
    CONSTRAINT log_heads_name_check CHECK ((name = ANY (ARRAY['audit'::text, 'events'::text])))
)
WITH (fillfactor='70', autovacuum_vacuum_scale_factor='0.02', autovacuum_analyze_scale_factor='0.02');
CREATE TABLE public.login_attempts (
    account_key text NOT NULL COLLATE pg_catalog."C",
    failures bigint NOT NULL,
    last_failed_at bigint NOT NULL,
    locked_until bigint,
    CONSTRAINT login_attempts_account_key_check CHECK (((length(account_key) >= 1) AND (length(account_key) <= 255))),
    CONSTRAINT login_attempts_failures_check CHECK (((failures >= 0) AND (failures <= '9007199254740991'::bigint)))
);
CREATE TABLE public.meta (
    key text NOT NULL COLLATE pg_catalog."C",
    value text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT meta_key_check CHECK (((length(key) >= 1) AND (length(key) <= 100)))
);
CREATE VIEW public.owner_reserved AS
 SELECT agent_budgets.owner_id,
    (sum(agent_budgets.reserved_micros))::bigint AS reserved
   FROM public.agent_budgets
  WHERE (agent_budgets.owner_id IS NOT NULL)
  GROUP BY agent_budgets.owner_id;
CREATE TABLE public.provider_keys (
    id text NOT NULL COLLATE pg_catalog."C",
    provider_id text NOT NULL COLLATE pg_catalog."C",
    status text NOT NULL COLLATE pg_catalog."C",
    sealed text COLLATE pg_catalog."C",
    vault_key_id text COLLATE pg_catalog."C",
    masked text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    created_by text NOT NULL COLLATE pg_catalog."C",
    last_used_at bigint,
    retired_at bigint,
    CONSTRAINT provider_keys_active_is_sealed CHECK (((status <> 'active'::text) OR (sealed IS NOT NULL))),
    CONSTRAINT provider_keys_created_by_check CHECK (((length(created_by) >= 1) AND (length(created_by) <= 255))),
    CONSTRAINT provider_keys_id_check CHECK (((length(id) >= 1) AND (length(id) <= 255))),
    CONSTRAINT provider_keys_masked_check CHECK ((length(masked) <= 20)),
    CONSTRAINT provider_keys_provider_id_check CHECK (((length(provider_id) >= 1) AND (length(provider_id) <= 255))),
    CONSTRAINT provider_keys_retired_with_time CHECK (((status = 'retired'::text) = (retired_at IS NOT NULL))),
    CONSTRAINT provider_keys_sealed_with_vault_key CHECK (((sealed IS NULL) = (vault_key_id IS NULL))),
    CONSTRAINT provider_keys_status_check CHECK ((status = ANY (ARRAY['active'::text, 'retired'::text])))
);
CREATE TABLE public.providers (
    id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL COLLATE pg_catalog."C",
    base_url text NOT NULL COLLATE pg_catalog."C",
    models text DEFAULT '[]'::text NOT NULL COLLATE pg_catalog."C",
    status text DEFAULT 'active'::text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    deleted_at bigint,
    CONSTRAINT providers_base_url_check CHECK (((length(base_url) >= 8) AND (length(base_url) <= 2000))),
    CONSTRAINT providers_id_check CHECK (((length(id) >= 1) AND (length(id) <= 255))),
    CONSTRAINT providers_kind_check CHECK ((kind = ANY (ARRAY['openai'::text, 'anthropic'::text, 'google'::text, 'azure_openai'::text, 'custom'::text]))),
    CONSTRAINT providers_name_check CHECK (((length(name) >= 1) AND (length(name) <= 50))),
    CONSTRAINT providers_status_check CHECK ((status = ANY (ARRAY['active'::text, 'disabled'::text])))
);
CREATE TABLE public.request_keys (
    subject_id text NOT NULL COLLATE pg_catalog."C",
    request_id text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    payload_hash text NOT NULL COLLATE pg_catalog."C",
    lease_id text COLLATE pg_catalog."C",
    cost_micros bigint NOT NULL,
    overrun_micros bigint NOT NULL,
    pricing text NOT NULL COLLATE pg_catalog."C",
    late bigint NOT NULL,
    CONSTRAINT request_keys_cost_micros_check CHECK (((cost_micros >= 0) AND (cost_micros <= '9007199254740991'::bigint))),
    CONSTRAINT request_keys_id_check CHECK (((length(id) >= 1) AND (length(id) <= 255))),
    CONSTRAINT request_keys_late_check CHECK ((late = ANY (ARRAY[(0)::bigint, (1)::bigint]))),
    CONSTRAINT request_keys_lease_id_check CHECK (((length(lease_id) >= 1) AND (length(lease_id) <= 255))),
    CONSTRAINT request_keys_overrun_micros_check CHECK (((overrun_micros >= 0) AND (overrun_micros <= '9007199254740991'::bigint))),
    CONSTRAINT request_keys_overrun_within_cost CHECK ((overrun_micros <= cost_micros)),
    CONSTRAINT request_keys_payload_hash_check CHECK ((length(payload_hash) = 64)),
    CONSTRAINT request_keys_pricing_check CHECK ((pricing = ANY (ARRAY['reported'::text, 'price_book'::text, 'ceiling'::text]))),
    CONSTRAINT request_keys_request_id_check CHECK (((length(request_id) >= 1) AND (length(request_id) <= 100))),
    CONSTRAINT request_keys_subject_id_check CHECK (((length(subject_id) >= 1) AND (length(subject_id) <= 255)))
);
CREATE TABLE public.request_rollups (
    hour_start bigint NOT NULL,
    subject_id text NOT NULL COLLATE pg_catalog."C",
    provider text NOT NULL COLLATE pg_catalog."C",
    model text NOT NULL COLLATE pg_catalog."C",
    outcome text NOT NULL COLLATE pg_catalog."C",
    requests bigint NOT NULL,
    input_tokens bigint NOT NULL,
    cache_read_tokens bigint NOT NULL,
    cache_write_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    reasoning_tokens bigint NOT NULL,
    total_tokens bigint NOT NULL,
    cost_micros bigint NOT NULL,
    billed_micros bigint NOT NULL,
    ceiling_micros bigint NOT NULL,
    latency text DEFAULT '{}'::text NOT NULL COLLATE pg_catalog."C",
    costs text DEFAULT '{}'::text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT request_rollups_billed_micros_check CHECK (((billed_micros >= 0) AND (billed_micros <= '9007199254740991'::bigint))),
    CONSTRAINT request_rollups_cache_read_tokens_check CHECK (((cache_read_tokens >= 0) AND (cache_read_tokens <= '9007199254740991'::bigint))),
    CONSTRAINT request_rollups_cache_write_tokens_check CHECK (((cache_write_tokens >= 0) AND (cache_write_tokens <= '9007199254740991'::bigint))),
    CONSTRAINT request_rollups_ceiling_micros_check CHECK (((ceiling_micros >= 0) AND (ceiling_micros <= '9007199254740991'::bigint))),
    CONSTRAINT request_rollups_cost_micros_check CHECK (((cost_micros >= 0) AND (cost_micros <= '9007199254740991'::bigint))),
    CONSTRAINT request_rollups_input_tokens_check CHECK (((input_tokens >= 0) AND (input_tokens <= '9007199254740991'::bigint))),
    CONSTRAINT request_rollups_model_check CHECK ((length(model) <= 255)),
    CONSTRAINT request_rollups_outcome_check CHECK ((outcome = ANY (ARRAY['completed'::text, 'failed'::text]))),
    CONSTRAINT request_rollups_output_tokens_check CHECK (((output_tokens >= 0) AND (output_tokens <= '9007199254740991'::bigint))),
    CONSTRAINT request_rollups_provider_check CHECK ((length(provider) <= 100)),
    CONSTRAINT request_rollups_reasoning_tokens_check CHECK (((reasoning_tokens >= 0) AND (reasoning_tokens <= '9007199254740991'::bigint))),
    CONSTRAINT request_rollups_requests_check CHECK (((requests >= 0) AND (requests <= '9007199254740991'::bigint))),
    CONSTRAINT request_rollups_subject_id_check CHECK (((length(subject_id) >= 1) AND (length(subject_id) <= 255))),
    CONSTRAINT request_rollups_total_tokens_check CHECK (((total_tokens >= 0) AND (total_tokens <= '9007199254740991'::bigint)))
);
CREATE TABLE public.request_sums (
    grain text NOT NULL COLLATE pg_catalog."C",
    start bigint NOT NULL,
    subject_id text NOT NULL COLLATE pg_catalog."C",
    provider text NOT NULL COLLATE pg_catalog."C",
    model text NOT NULL COLLATE pg_catalog."C",
    outcome text NOT NULL COLLATE pg_catalog."C",
    requests bigint NOT NULL,
    input_tokens bigint NOT NULL,
    cache_read_tokens bigint NOT NULL,
    cache_write_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    reasoning_tokens bigint NOT NULL,
    total_tokens bigint NOT NULL,
    cost_micros bigint NOT NULL,
    billed_micros bigint NOT NULL,
    ceiling_micros bigint NOT NULL,
    latency text DEFAULT '{}'::text NOT NULL COLLATE pg_catalog."C",
    costs text DEFAULT '{}'::text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT request_sums_billed_micros_check CHECK (((billed_micros >= 0) AND (billed_micros <= '9007199254740991'::bigint))),
    CONSTRAINT request_sums_cache_read_tokens_check CHECK (((cache_read_tokens >= 0) AND (cache_read_tokens <= '9007199254740991'::bigint))),
    CONSTRAINT request_sums_cache_write_tokens_check CHECK (((cache_write_tokens >= 0) AND (cache_write_tokens <= '9007199254740991'::bigint))),
    CONSTRAINT request_sums_ceiling_micros_check CHECK (((ceiling_micros >= 0) AND (ceiling_micros <= '9007199254740991'::bigint))),
    CONSTRAINT request_sums_cost_micros_check CHECK (((cost_micros >= 0) AND (cost_micros <= '9007199254740991'::bigint))),
    CONSTRAINT request_sums_grain_check CHECK ((grain = ANY (ARRAY['hour'::text, 'day'::text, 'month'::text, 'each_day'::text, 'each_month'::text]))),
    CONSTRAINT request_sums_input_tokens_check CHECK (((input_tokens >= 0) AND (input_tokens <= '9007199254740991'::bigint))),
    CONSTRAINT request_sums_model_check CHECK ((length(model) <= 255)),
    CONSTRAINT request_sums_outcome_check CHECK ((outcome = ANY (ARRAY['completed'::text, 'failed'::text]))),
    CONSTRAINT request_sums_output_tokens_check CHECK (((output_tokens >= 0) AND (output_tokens <= '9007199254740991'::bigint))),
    CONSTRAINT request_sums_provider_check CHECK ((length(provider) <= 100)),
    CONSTRAINT request_sums_reasoning_tokens_check CHECK (((reasoning_tokens >= 0) AND (reasoning_tokens <= '9007199254740991'::bigint))),
    CONSTRAINT request_sums_requests_check CHECK (((requests >= 1) AND (requests <= '9007199254740991'::bigint))),
    CONSTRAINT request_sums_subject_id_check CHECK ((length(subject_id) <= 255)),
    CONSTRAINT request_sums_total_tokens_check CHECK (((total_tokens >= 0) AND (total_tokens <= '9007199254740991'::bigint)))
);
CREATE TABLE public.requests (
    id text NOT NULL COLLATE pg_catalog."C",
    source text NOT NULL COLLATE pg_catalog."C",
    subject_id text NOT NULL COLLATE pg_catalog."C",
    request_id text COLLATE pg_catalog."C",
    payload_hash text COLLATE pg_catalog."C",
    lease_id text COLLATE pg_catalog."C",
    provider_id text COLLATE pg_catalog."C",
    provider text COLLATE pg_catalog."C",
    model text COLLATE pg_catalog."C",
    outcome text COLLATE pg_catalog."C",
    error_code text COLLATE pg_catalog."C",
    error_message text COLLATE pg_catalog."C",
    input_tokens bigint,
    cache_read_tokens bigint,
    cache_write_tokens bigint,
    output_tokens bigint,
    reasoning_tokens bigint,
    other_parts text COLLATE pg_catalog."C",
    total_tokens bigint NOT NULL,
    cost_micros bigint NOT NULL,
    overrun_micros bigint DEFAULT 0 NOT NULL,
    pricing text NOT NULL COLLATE pg_catalog."C",
    price_id text COLLATE pg_catalog."C",
    billed bigint NOT NULL,
    late bigint DEFAULT 0 NOT NULL,
    latency_ms bigint,
    trace_id text COLLATE pg_catalog."C",
    at bigint NOT NULL,
    received_at bigint NOT NULL,
    CONSTRAINT requests_billed_agent_has_key CHECK (((source <> 'agent'::text) OR (billed = 0) OR (request_id IS NOT NULL))),
    CONSTRAINT requests_billed_agent_has_lease CHECK (((source <> 'agent'::text) OR (billed = 0) OR (lease_id IS NOT NULL))),
    CONSTRAINT requests_billed_check CHECK ((billed = ANY (ARRAY[(0)::bigint, (1)::bigint]))),
    CONSTRAINT requests_cache_read_tokens_check CHECK (((cache_read_tokens >= 0) AND (cache_read_tokens <= '9007199254740991'::bigint))),
    CONSTRAINT requests_cache_within_input CHECK (((COALESCE(cache_read_tokens, (0)::bigint) + COALESCE(cache_write_tokens, (0)::bigint)) <= COALESCE(input_tokens, (0)::bigint))),
    CONSTRAINT requests_cache_write_tokens_check CHECK (((cache_write_tokens >= 0) AND (cache_write_tokens <= '9007199254740991'::bigint))),
    CONSTRAINT requests_cost_micros_check CHECK (((cost_micros >= 0) AND (cost_micros <= '9007199254740991'::bigint))),
    CONSTRAINT requests_error_code_check CHECK ((length(error_code) <= 100)),
    CONSTRAINT requests_error_message_check CHECK ((length(error_message) <= 1000)),
    CONSTRAINT requests_id_check CHECK (((length(id) >= 1) AND (length(id) <= 255))),
    CONSTRAINT requests_input_tokens_check CHECK (((input_tokens >= 0) AND (input_tokens <= '9007199254740991'::bigint))),
    CONSTRAINT requests_late_check CHECK ((late = ANY (ARRAY[(0)::bigint, (1)::bigint]))),
    CONSTRAINT requests_latency_ms_check CHECK (((latency_ms >= 0) AND (latency_ms <= '9007199254740991'::bigint))),
    CONSTRAINT requests_lease_id_check CHECK (((length(lease_id) >= 1) AND (length(lease_id) <= 255))),
    CONSTRAINT requests_lease_of_a_billed_call CHECK (((lease_id IS NULL) OR ((source = 'agent'::text) AND (billed = 1)))),
    CONSTRAINT requests_model_check CHECK (((length(model) >= 1) AND (length(model) <= 255))),
    CONSTRAINT requests_outcome_check CHECK ((outcome = ANY (ARRAY['completed'::text, 'failed'::text]))),
    CONSTRAINT requests_output_tokens_check CHECK (((output_tokens >= 0) AND (output_tokens <= '9007199254740991'::bigint))),
    CONSTRAINT requests_overrun_micros_check CHECK (((overrun_micros >= 0) AND (overrun_micros <= '9007199254740991'::bigint))),
    CONSTRAINT requests_overrun_within_cost CHECK ((overrun_micros <= cost_micros)),
    CONSTRAINT requests_parts_within_total CHECK (((COALESCE(input_tokens, (0)::bigint) + COALESCE(output_tokens, (0)::bigint)) <= total_tokens)),
    CONSTRAINT requests_payload_hash_check CHECK ((length(payload_hash) = 64)),
    CONSTRAINT requests_payload_of_a_billed_key CHECK (((payload_hash IS NOT NULL) = ((billed = 1) AND (request_id IS NOT NULL)))),
    CONSTRAINT requests_price_id_check CHECK ((length(price_id) <= 200)),
    CONSTRAINT requests_pricing_check CHECK ((pricing = ANY (ARRAY['reported'::text, 'price_book'::text, 'ceiling'::text]))),
    CONSTRAINT requests_provider_check CHECK (((length(provider) >= 1) AND (length(provider) <= 100))),
    CONSTRAINT requests_provider_id_check CHECK (((length(provider_id) >= 1) AND (length(provider_id) <= 255))),
    CONSTRAINT requests_reasoning_tokens_check CHECK (((reasoning_tokens >= 0) AND (reasoning_tokens <= '9007199254740991'::bigint))),
    CONSTRAINT requests_reasoning_within_output CHECK ((COALESCE(reasoning_tokens, (0)::bigint) <= COALESCE(output_tokens, (0)::bigint))),
    CONSTRAINT requests_request_id_check CHECK (((length(request_id) >= 1) AND (length(request_id) <= 100))),
    CONSTRAINT requests_source_check CHECK ((source = ANY (ARRAY['agent'::text, 'api_token'::text]))),
    CONSTRAINT requests_subject_id_check CHECK (((length(subject_id) >= 1) AND (length(subject_id) <= 255))),
    CONSTRAINT requests_total_tokens_check CHECK (((total_tokens >= 0) AND (total_tokens <= '9007199254740991'::bigint))),
    CONSTRAINT requests_trace_id_check CHECK ((length(trace_id) <= 100))
);
CREATE TABLE public.schema_migrations (
    number bigint NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    checksum text NOT NULL COLLATE pg_catalog."C",
    schema_hash text NOT NULL COLLATE pg_catalog."C",
    app_version text NOT NULL COLLATE pg_catalog."C",
    applied_at bigint NOT NULL,
    CONSTRAINT schema_migrations_checksum_check CHECK ((length(checksum) = 64)),
    CONSTRAINT schema_migrations_number_check CHECK (((number >= 1) AND (number <= '9007199254740991'::bigint))),
    CONSTRAINT schema_migrations_schema_hash_check CHECK ((length(schema_hash) = 64))
);
CREATE TABLE public.sessions (
    id text NOT NULL COLLATE pg_catalog."C",
    user_id text NOT NULL COLLATE pg_catalog."C",
    refresh_hash text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    refreshed_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    revoked_at bigint,
    revoke_reason text COLLATE pg_catalog."C",
    ip text COLLATE pg_catalog."C",
    user_agent text COLLATE pg_catalog."C",
    CONSTRAINT sessions_id_check CHECK (((length(id) >= 1) AND (length(id) <= 255))),
    CONSTRAINT sessions_refresh_hash_check CHECK ((length(refresh_hash) = 64)),
    CONSTRAINT sessions_revoke_reason_check CHECK ((revoke_reason = ANY (ARRAY['logout'::text, 'refresh_reuse'::text, 'password_changed'::text, 'user_suspended'::text, 'user_deleted'::text, 'admin'::text]))),
    CONSTRAINT sessions_revoked_with_reason CHECK (((revoked_at IS NULL) = (revoke_reason IS NULL))),
    CONSTRAINT sessions_user_agent_check CHECK ((length(user_agent) <= 500)),
    CONSTRAINT sessions_user_id_check CHECK (((length(user_id) >= 1) AND (length(user_id) <= 255)))
);
CREATE TABLE public.spans (
    trace_id text NOT NULL COLLATE pg_catalog."C",
    span_id text NOT NULL COLLATE pg_catalog."C",
    parent_id text COLLATE pg_catalog."C",
    agent_id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL COLLATE pg_catalog."C",
    status text NOT NULL COLLATE pg_catalog."C",
    started_at bigint NOT NULL,
    duration_ms bigint,
    attributes text DEFAULT '{}'::text NOT NULL COLLATE pg_catalog."C",
    received_at bigint NOT NULL,
    CONSTRAINT spans_agent_id_check CHECK (((length(agent_id) >= 1) AND (length(agent_id) <= 255))),
    CONSTRAINT spans_attributes_check CHECK ((length(attributes) <= 16384)),
    CONSTRAINT spans_duration_ms_check CHECK (((duration_ms >= 0) AND (duration_ms <= '9007199254740991'::bigint))),
    CONSTRAINT spans_name_check CHECK (((length(name) >= 1) AND (length(name) <= 200))),
    CONSTRAINT spans_parent_id_check CHECK ((length(parent_id) <= 100)),
    CONSTRAINT spans_span_id_check CHECK (((length(span_id) >= 1) AND (length(span_id) <= 100))),
    CONSTRAINT spans_status_check CHECK ((status = ANY (ARRAY['ok'::text, 'error'::text]))),
    CONSTRAINT spans_trace_id_check CHECK (((length(trace_id) >= 1) AND (length(trace_id) <= 255)))
);
CREATE TABLE public.telemetry_ids (
    agent_id text NOT NULL COLLATE pg_catalog."C",
    event_id text NOT NULL COLLATE pg_catalog."C",
    received_at bigint NOT NULL,
    CONSTRAINT telemetry_ids_agent_id_check CHECK (((length(agent_id) >= 1) AND (length(agent_id) <= 255))),
    CONSTRAINT telemetry_ids_event_id_check CHECK (((length(event_id) >= 1) AND (length(event_id) <= 100)))
);
CREATE VIEW public.token_owner AS
 SELECT api_tokens.id AS token_id,
    api_tokens.owner_id,
    api_tokens.project_id,
    api_tokens.name AS token_name
   FROM public.api_tokens;
CREATE TABLE public.users (
    id text NOT NULL COLLATE pg_catalog."C",
    username text NOT NULL COLLATE pg_catalog."C",
    username_key text NOT NULL COLLATE pg_catalog."C",
    email text COLLATE pg_catalog."C",
    name text COLLATE pg_catalog."C",
    role text NOT NULL COLLATE pg_catalog."C",
    password_hash text COLLATE pg_catalog."C",
    force_password_change bigint DEFAULT 0 NOT NULL,
    last_login_at bigint,
    suspended_at bigint,
    suspended_by text COLLATE pg_catalog."C",
    suspended_reason text COLLATE pg_catalog."C",
    deleted_at bigint,
    deleted_by text COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    CONSTRAINT users_deleted_by_check CHECK (((length(deleted_by) >= 1) AND (length(deleted_by) <= 255))),
    CONSTRAINT users_email_check CHECK (((length(email) >= 3) AND (length(email) <= 255))),
    CONSTRAINT users_force_password_change_check CHECK ((force_password_change = ANY (ARRAY[(0)::bigint, (1)::bigint]))),
    CONSTRAINT users_id_check CHECK (((length(id) >= 1) AND (length(id) <= 255))),
    CONSTRAINT users_name_check CHECK (((length(name) >= 1) AND (length(name) <= 255))),
    CONSTRAINT users_password_hash_check CHECK (((length(password_hash) >= 20) AND (length(password_hash) <= 255))),
    CONSTRAINT users_role_check CHECK ((role = ANY (ARRAY['admin'::text, 'user'::text, 'viewer'::text]))),
    CONSTRAINT users_suspended_by_check CHECK (((length(suspended_by) >= 1) AND (length(suspended_by) <= 255))),
    CONSTRAINT users_suspended_reason_check CHECK ((length(suspended_reason) <= 1000)),
    CONSTRAINT users_username_check CHECK (((length(username) >= 1) AND (length(username) <= 255))),
    CONSTRAINT users_username_key_check CHECK (((length(username_key) >= 1) AND (length(username_key) <= 255)))
);
CREATE VIEW public.user_name AS
 SELECT users.id AS user_id,
    users.username,
    users.name
   FROM public.users;
INSERT INTO public.agent_budgets VALUES ('agent_01a22299-4e2c-7000-8adb-068e0c01bd3c', 'user_01a22299-45b1-7000-ac58-d287d87d1ec8', 1000000, 0, 0, 1, 1, 'ba8141204933fc0fa99c0bedf51efb9edca31741135e94c9d51317d0883f8467', 0, NULL, 1795876802092, 1795876802092);
INSERT INTO public.agent_budgets VALUES ('agent_01a22299-4dde-7000-bf26-4c443597e290', 'user_01a22299-45b1-7000-ac58-d287d87d1ec8', 100000000, 5000000, 6500000, 1, 6, '8bf85a716abbf842701b9c65b4f5a3eb49c9dee0e884034243a507b4a404ef90', 0, NULL, 1795876802014, 1795876802255);
INSERT INTO public.agent_providers VALUES ('agent_01a22299-4dde-7000-bf26-4c443597e290', 'prov_01a22299-4db1-7000-8aa7-c1f5cdc4a7d9', 0, 1795876802011);
INSERT INTO public.agent_providers VALUES ('agent_01a22299-4e2c-7000-8adb-068e0c01bd3c', 'prov_01a22299-4db1-7000-8aa7-c1f5cdc4a7d9', 0, 1795876802089);
INSERT INTO public.agents VALUES ('agent_01a22299-4e2c-7000-8adb-068e0c01bd3c', 'second', NULL, '[]', 'idle', NULL, 1795876802089, 'running', NULL, 1795876802089, 1795876802089);
INSERT INTO public.agents VALUES ('agent_01a22299-4dde-7000-bf26-4c443597e290', 'agent', NULL, '[]', 'idle', NULL, 1795876802011, 'running', 1795876802107, 1795876802011, 1795876802011);
INSERT INTO public.api_token_secrets VALUES ('7e99f859ef305088a02a4071763d984b55d0566f4e2eedabed08705e9ae139fe', 'tok_01a22299-4d7f-7000-abc6-1cbedff9e157', 'at_6Xuc...v7ZC', 1795876801919, NULL);
INSERT INTO public.api_tokens VALUES ('tok_01a22299-4d7f-7000-abc6-1cbedff9e157', 'user_01a22299-45b1-7000-ac58-d287d87d1ec8', 'frozen', NULL, NULL, NULL, '[]', 1795876801919, NULL, 1795876801934, NULL, NULL);
INSERT INTO public.audit_log VALUES (1, 'aud_01a22299-45b5-7000-9a6b-31c7bf4c105e', 1795876799925, 'system', 'system:bootstrap', NULL, NULL, 'USER_CREATED', 'user', 'user_01a22299-45b1-7000-ac58-d287d87d1ec8', NULL, NULL, NULL, '{"after":{"email":"admin@cluster.test","name":null,"role":"admin","username":"admin"}}', NULL, '{}', '0000000000000000000000000000000000000000000000000000000000000000', '8c7f8c09b0367808570c4fc83c8017feb397a75dc48318e1b28711cc4061007c');
INSERT INTO public.audit_log VALUES (2, 'aud_01a22299-4ac5-7000-b05d-7737ef61cd1b', 1795876801221, 'user', 'user_01a22299-45b1-7000-ac58-d287d87d1ec8', 'user_01a22299-45b1-7000-ac58-d287d87d1ec8', 'admin', 'SESSION_CREATED', 'session', 'sess_01a22299-4ac2-7000-9f58-5c02f7ac152f', '01a22299-468a-7000-b1f7-a989114479f5', '127.0.0.1', NULL, NULL, NULL, '{"user_id":"user_01a22299-45b1-7000-ac58-d287d87d1ec8"}', '8c7f8c09b0367808570c4fc83c8017feb397a75dc48318e1b28711cc4061007c', 'ef1d62ff6956687139c73068016b5bdc72c0fcf9f9b254ef792ba5fee9f78405');
INSERT INTO public.audit_log VALUES (3, 'aud_01a22299-4d77-7000-b0fb-2ea384690f4e', 1795876801911, 'user', 'user_01a22299-45b1-7000-ac58-d287d87d1ec8', 'user_01a22299-45b1-7000-ac58-d287d87d1ec8', 'admin', 'LIMIT_CREATED', 'limit', 'lim_01a22299-4d71-7000-b516-7e660ef6fadc', '01a22299-4d6b-7000-9ca1-9dcf10270ec8', '127.0.0.1', NULL, '{"after":{"max_cost_per_month_usd":null,"max_requests_per_minute":null,"max_tokens_per_day":1000000,"project_id":null,"user_id":"user_01a22299-45b1-7000-ac58-d287d87d1ec8"}}', NULL, '{}', 'ef1d62ff6956687139c73068016b5bdc72c0fcf9f9b254ef792ba5fee9f78405', 'df18a247e3db63456c4ea77d4d0c634a705f8e3552eac6e35dea4ee125266d55');
INSERT INTO public.audit_log VALUES (4, 'aud_01a22299-4d84-7000-9ed1-0067608af3c4', 1795876801924, 'user', 'user_01a22299-45b1-7000-ac58-d287d87d1ec8', 'user_01a22299-45b1-7000-ac58-d287d87d1ec8', 'admin', 'API_TOKEN_CREATED', 'api_token', 'tok_01a22299-4d7f-7000-abc6-1cbedff9e157', '01a22299-4d7d-7000-838c-62ade0dc0807', '127.0.0.1', NULL, '{"after":{"allowed_ips":[],"description":null,"expires_at":null,"name":"frozen","project_id":null,"scopes":null,"user_id":"user_01a22299-45b1-7000-ac58-d287d87d1ec8"}}', NULL, '{}', 'df18a247e3db63456c4ea77d4d0c634a705f8e3552eac6e35dea4ee125266d55', '0cd2140e9bf27cd88f0bff50fbff18611724ebe575f49d1d1c93dd9aeaf3f3d2');
INSERT INTO public.audit_log VALUES (5, 'aud_01a22299-4db8-7000-b889-cddf571e8a6e', 1795876801977, 'user', 'user_01a22299-45b1-7000-ac58-d287d87d1ec8', 'user_01a22299-45b1-7000-ac58-d287d87d1ec8', 'admin', 'PROVIDER_CREATED', 'provider', 'prov_01a22299-4db1-7000-8aa7-c1f5cdc4a7d9', '01a22299-4dae-7000-a508-0835906dd014', '127.0.0.1', NULL, '{"after":{"base_url":"https://api.openai.com/v1","kind":"openai","models":["gpt-4o"],"name":"openai","status":"active"}}', NULL, '{}', '0cd2140e9bf27cd88f0bff50fbff18611724ebe575f49d1d1c93dd9aeaf3f3d2', '97fe57f49a5404502cac7aee944a973bd4113ef48f92f29ffc336fa9c7a8ee1f');
INSERT INTO public.audit_log VALUES (6, 'aud_01a22299-4dd4-7000-871e-326c3d5c0e5c', 1795876802004, 'user', 'user_01a22299-45b1-7000-ac58-d287d87d1ec8', 'user_01a22299-45b1-7000-ac58-d287d87d1ec8', 'admin', 'PROVIDER_KEY_ADDED', 'provider_key', 'key_01a22299-4dcc-7000-89bd-974ed8d23b19', '01a22299-4dc3-7000-9562-2c9a187e03e3', '127.0.0.1', NULL, NULL, NULL, '{"masked":"sk-f...789","provider_id":"prov_01a22299-4db1-7000-8aa7-c1f5cdc4a7d9"}', '97fe57f49a5404502cac7aee944a973bd4113ef48f92f29ffc336fa9c7a8ee1f', '653e03f91f2173fd558c81c25da12a366b039d6b7572e85fa66dce054c1ec6c9');
INSERT INTO public.audit_log VALUES (7, 'aud_01a22299-4dea-7000-b220-54c4d4f76e92', 1795876802026, 'user', 'user_01a22299-45b1-7000-ac58-d287d87d1ec8', 'user_01a22299-45b1-7000-ac58-d287d87d1ec8', 'admin', 'AGENT_CREATED', 'agent', 'agent_01a22299-4dde-7000-bf26-4c443597e290', '01a22299-4dd8-7000-94df-4f13c01b0429', '127.0.0.1', NULL, '{"after":{"allocated_usd":100,"description":null,"name":"agent","owner_id":"user_01a22299-45b1-7000-ac58-d287d87d1ec8","provider_ids":["prov_01a22299-4db1-7000-8aa7-c1f5cdc4a7d9"],"tags":[]}}', NULL, '{}', '653e03f91f2173fd558c81c25da12a366b039d6b7572e85fa66dce054c1ec6c9', 'f108aa4e87f7ffc1c0b4266cdc8d2570b8378c468c832ebf444bbf4f9558872a');
INSERT INTO public.audit_log VALUES (8, 'aud_01a22299-4df4-7000-9577-f475ee27f316', 1795876802036, 'user', 'user_01a22299-45b1-7000-ac58-d287d87d1ec8', 'user_01a22299-45b1-7000-ac58-d287d87d1ec8', 'admin', 'IC_TOKEN_CREATED', 'ic_token', 'ic_01a22299-4dea-7001-9ed5-f24f2c00e670', '01a22299-4dd8-7000-94df-4f13c01b0429', '127.0.0.1', NULL, NULL, NULL, '{"agent_id":"agent_01a22299-4dde-7000-bf26-4c443597e290","permissions":["llm:call","analytics:write"]}', 'f108aa4e87f7ffc1c0b4266cdc8d2570b8378c468c832ebf444bbf4f9558872a', 'fcd10cc44d53ce3b39d57680063123362368f4b74cbe66d466e929c61a8077e1');
INSERT INTO public.audit_log VALUES (9, 'aud_01a22299-4e30-7000-ae28-68c6901ac9b9', 1795876802096, 'user', 'user_01a22299-45b1-7000-ac58-d287d87d1ec8', 'user_01a22299-45b1-7000-ac58-d287d87d1ec8', 'admin', 'AGENT_CREATED', 'agent', 'agent_01a22299-4e2c-7000-8adb-068e0c01bd3c', '01a22299-4e20-7000-82e9-f6b4ca9b62da', '127.0.0.1', NULL, '{"after":{"allocated_usd":1,"description":null,"name":"second","owner_id":"user_01a22299-45b1-7000-ac58-d287d87d1ec8","provider_ids":["prov_01a22299-4db1-7000-8aa7-c1f5cdc4a7d9"],"tags":[]}}', NULL, '{}', 'fcd10cc44d53ce3b39d57680063123362368f4b74cbe66d466e929c61a8077e1', 'dbcf19e14ceedefa2bcb1882cbaa3af622ca124932abe587077d4c8c2f061eaa');
INSERT INTO public.audit_log VALUES (10, 'aud_01a22299-4e31-7000-9ad0-fe7c263a7480', 1795876802097, 'user', 'user_01a22299-45b1-7000-ac58-d287d87d1ec8', 'user_01a22299-45b1-7000-ac58-d287d87d1ec8', 'admin', 'IC_TOKEN_CREATED', 'ic_token', 'ic_01a22299-4e30-7001-beae-226b25ab2e14', '01a22299-4e20-7000-82e9-f6b4ca9b62da', '127.0.0.1', NULL, NULL, NULL, '{"agent_id":"agent_01a22299-4e2c-7000-8adb-068e0c01bd3c","permissions":["llm:call","analytics:write"]}', 'dbcf19e14ceedefa2bcb1882cbaa3af622ca124932abe587077d4c8c2f061eaa', '69390de77ac78e3ca071a5027402ec786055037c689b264879a95aa2f8430afa');
INSERT INTO public.audit_log VALUES (11, 'aud_01a22299-4e69-7000-a0aa-c15717673df9', 1795876802153, 'agent', 'agent_01a22299-4dde-7000-bf26-4c443597e290', NULL, NULL, 'LEASE_GRANTED', 'lease', 'lease_01a22299-4e5b-7000-820c-0c4c4fcd066e', '01a22299-4e38-7000-9f63-0435a8883f8e', '127.0.0.1', NULL, NULL, NULL, '{"agent_id":"agent_01a22299-4dde-7000-bf26-4c443597e290","expires_at":"2026-11-28T15:40:02.141Z","granted_usd":5,"provider_id":"prov_01a22299-4db1-7000-8aa7-c1f5cdc4a7d9","requested_usd":5,"runtime_id":null}', '69390de77ac78e3ca071a5027402ec786055037c689b264879a95aa2f8430afa', '6670cc00bac9557740d462497a9bd4372b11385c518b4ddce59cb4003b3f2cae');
INSERT INTO public.audit_log VALUES (12, 'aud_01a22299-4e6f-7000-8f0d-087c71bab305', 1795876802159, 'agent', 'agent_01a22299-4dde-7000-bf26-4c443597e290', NULL, NULL, 'PROVIDER_KEY_DISCLOSED', 'provider_key', 'key_01a22299-4dcc-7000-89bd-974ed8d23b19', '01a22299-4e38-7000-9f63-0435a8883f8e', '127.0.0.1', NULL, NULL, NULL, '{"provider_id":"prov_01a22299-4db1-7000-8aa7-c1f5cdc4a7d9","purpose":"handshake"}', '6670cc00bac9557740d462497a9bd4372b11385c518b4ddce59cb4003b3f2cae', 'ec1ae7346a0d4dc427ea4334278fa4be437de2206fbf5fcaadbd3d02a9506be0');
INSERT INTO public.audit_log VALUES (13, 'aud_01a22299-4ea8-7001-a9f9-38d8a47a33fe', 1795876802216, 'agent', 'agent_01a22299-4dde-7000-bf26-4c443597e290', NULL, NULL, 'USAGE_OVERRUN', 'lease', 'lease_01a22299-4e5b-7000-820c-0c4c4fcd066e', NULL, NULL, NULL, NULL, NULL, '{"agent_id":"agent_01a22299-4dde-7000-bf26-4c443597e290","cost_usd":4.5,"late":false,"overrun_usd":1.5,"request_id":"call-2"}', 'ec1ae7346a0d4dc427ea4334278fa4be437de2206fbf5fcaadbd3d02a9506be0', 'dd761505527c833094bab6f1d81bc93eb6aac39ae36a22af99b895c085553020');
INSERT INTO public.audit_log VALUES (14, 'aud_01a22299-4eb9-7000-ae09-cdfc4b8870d5', 1795876802233, 'agent', 'agent_01a22299-4dde-7000-bf26-4c443597e290', NULL, NULL, 'LEASE_RETURNED', 'lease', 'lease_01a22299-4e5b-7000-820c-0c4c4fcd066e', NULL, NULL, NULL, NULL, NULL, '{"agent_id":"agent_01a22299-4dde-7000-bf26-4c443597e290","granted_usd":5,"overrun_usd":1.5,"returned_usd":0,"spent_usd":5,"unreported_usd":0}', 'dd761505527c833094bab6f1d81bc93eb6aac39ae36a22af99b895c085553020', '27e92251abe309cc4f65ca84e4a6e98bf56419f4f4cd948b9761b61ad44b29cf');
INSERT INTO public.audit_log VALUES (15, 'aud_01a22299-4ed4-7000-98e9-95d6c24d7814', 1795876802260, 'agent', 'agent_01a22299-4dde-7000-bf26-4c443597e290', NULL, NULL, 'LEASE_GRANTED', 'lease', 'lease_01a22299-4ecc-7000-8b98-c55db0d451d9', '01a22299-4ebd-7000-a00a-c2877807f903', '127.0.0.1', NULL, NULL, NULL, '{"agent_id":"agent_01a22299-4dde-7000-bf26-4c443597e290","expires_at":"2026-11-28T15:40:02.255Z","granted_usd":5,"provider_id":"prov_01a22299-4db1-7000-8aa7-c1f5cdc4a7d9","requested_usd":5,"runtime_id":null}', '27e92251abe309cc4f65ca84e4a6e98bf56419f4f4cd948b9761b61ad44b29cf', 'e26bd1d7ebeab851eac217f88f58225e2d11f0cb3b58a42c3fdf42b77a1c62ef');
INSERT INTO public.audit_log VALUES (16, 'aud_01a22299-4ed6-7000-ad10-e0ee694e89ee', 1795876802262, 'agent', 'agent_01a22299-4dde-7000-bf26-4c443597e290', NULL, NULL, 'PROVIDER_KEY_DISCLOSED', 'provider_key', 'key_01a22299-4dcc-7000-89bd-974ed8d23b19', '01a22299-4ebd-7000-a00a-c2877807f903', '127.0.0.1', NULL, NULL, NULL, '{"provider_id":"prov_01a22299-4db1-7000-8aa7-c1f5cdc4a7d9","purpose":"handshake"}', 'e26bd1d7ebeab851eac217f88f58225e2d11f0cb3b58a42c3fdf42b77a1c62ef', 'e97d3d4827758bf5810263e402628fe60e4b4be60f8803ee8f617f0725213d04');
INSERT INTO public.audit_log VALUES (17, 'aud_01a22299-4f1e-7000-8030-72aa59a46271', 1795876802334, 'user', 'user_01a22299-45b1-7000-ac58-d287d87d1ec8', 'user_01a22299-45b1-7000-ac58-d287d87d1ec8', 'admin', 'BUDGET_REQUEST_CREATED', 'budget_request', 'breq_01a22299-4f1b-7000-a722-73e13d14f700', '01a22299-4f17-7000-b1c9-666364fcb69b', '127.0.0.1', NULL, '{"after":{"status":"pending"}}', 'more is to be done in March', '{"agent_id":"agent_01a22299-4dde-7000-bf26-4c443597e290","allocated_usd":100,"requested_allocated_usd":200,"requester_id":"user_01a22299-45b1-7000-ac58-d287d87d1ec8"}', 'e97d3d4827758bf5810263e402628fe60e4b4be60f8803ee8f617f0725213d04', '68b86213120206633876cf81ecdeb7822a26f1d507b4f16cb9e4d5bb60504139');
INSERT INTO public.budget_requests VALUES ('breq_01a22299-4f1b-7000-a722-73e13d14f700', 'agent_01a22299-4dde-7000-bf26-4c443597e290', 'user_01a22299-45b1-7000-ac58-d287d87d1ec8', 'pending', 100000000, 200000000, NULL, 'more is to be done in March', 1795876802331, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.events VALUES (1, 'evt_01a22299-4e69-7001-b88e-833ff4e9c678', 1795876802153, 'lease.granted', 'agent_01a22299-4dde-7000-bf26-4c443597e290', NULL, '{"lease_id":"lease_01a22299-4e5b-7000-820c-0c4c4fcd066e","via":"handshake","requested_usd":5,"granted_usd":5,"partial":false,"provider_id":"prov_01a22299-4db1-7000-8aa7-c1f5cdc4a7d9","runtime_id":null,"supersedes":null,"expires_at":"2026-11-28T15:40:02.141Z"}');
INSERT INTO public.events VALUES (2, 'evt_01a22299-4e93-7000-9e7f-801aafc692c9', 1795876802195, 'request.completed', 'agent_01a22299-4dde-7000-bf26-4c443597e290', NULL, '{"request_row_id":"req_01a22299-4e91-7000-b9c0-03f4c0272d60","request_id":"call-1","lease_id":"lease_01a22299-4e5b-7000-820c-0c4c4fcd066e","provider":null,"model":"gpt-4o","input_tokens":null,"output_tokens":null,"total_tokens":0,"cost_usd":2,"pricing":"reported","billed":true,"late":false,"latency_ms":120}');
INSERT INTO public.events VALUES (3, 'evt_01a22299-4ea8-7000-af8a-fe5ebd62eea0', 1795876802216, 'request.completed', 'agent_01a22299-4dde-7000-bf26-4c443597e290', NULL, '{"request_row_id":"req_01a22299-4ea7-7000-b696-372b5f994c7e","request_id":"call-2","lease_id":"lease_01a22299-4e5b-7000-820c-0c4c4fcd066e","provider":null,"model":"gpt-4o","input_tokens":null,"output_tokens":null,"total_tokens":0,"cost_usd":4.5,"pricing":"reported","billed":true,"late":false,"latency_ms":120}');
INSERT INTO public.events VALUES (4, 'evt_01a22299-4eb9-7001-a3bf-11808bcac8cb', 1795876802233, 'lease.closed', 'agent_01a22299-4dde-7000-bf26-4c443597e290', NULL, '{"lease_id":"lease_01a22299-4e5b-7000-820c-0c4c4fcd066e","status":"closed","close_reason":"returned","cause":null,"granted_usd":5,"spent_usd":5,"overrun_usd":1.5,"returned_usd":0,"superseded_by":null}');
INSERT INTO public.events VALUES (5, 'evt_01a22299-4ed4-7001-8a91-8081ee68357f', 1795876802260, 'lease.granted', 'agent_01a22299-4dde-7000-bf26-4c443597e290', NULL, '{"lease_id":"lease_01a22299-4ecc-7000-8b98-c55db0d451d9","via":"handshake","requested_usd":5,"granted_usd":5,"partial":false,"provider_id":"prov_01a22299-4db1-7000-8aa7-c1f5cdc4a7d9","runtime_id":null,"supersedes":null,"expires_at":"2026-11-28T15:40:02.255Z"}');
INSERT INTO public.events VALUES (6, 'evt_01a22299-4f0c-7000-8313-0d01ae22381f', 1795876802316, 'request.completed', 'agent_01a22299-4dde-7000-bf26-4c443597e290', NULL, '{"request_row_id":"req_01a22299-4f07-7000-8c70-b6a3698b93c4","request_id":"call-3","lease_id":null,"provider":null,"model":"gpt-4o","input_tokens":null,"output_tokens":null,"total_tokens":0,"cost_usd":1,"pricing":"reported","billed":false,"late":false,"latency_ms":null}');
INSERT INTO public.ic_tokens VALUES ('ic_01a22299-4e30-7001-beae-226b25ab2e14', 'agent_01a22299-4e2c-7000-8adb-068e0c01bd3c', '1f880fabdc7af0b1fc19be8e134398d2d3b11608ac2de64f167f5ff5780e57af', '["llm:call","analytics:write"]', 1795876802089, 'user_01a22299-45b1-7000-ac58-d287d87d1ec8', NULL, NULL, NULL, NULL);
INSERT INTO public.ic_tokens VALUES ('ic_01a22299-4dea-7001-9ed5-f24f2c00e670', 'agent_01a22299-4dde-7000-bf26-4c443597e290', '9aa60d08cebcb008f13c541f9e934f5ac0ce5d9a799dff0ecfc300be1f29df7a', '["llm:call","analytics:write"]', 1795876802011, 'user_01a22299-45b1-7000-ac58-d287d87d1ec8', NULL, 1795876802107, NULL, NULL);
INSERT INTO public.idempotency_keys VALUES ('user_01a22299-45b1-7000-ac58-d287d87d1ec8', 'POST /agents', 'frozen', '234ab3d4150df24ceb33f6d29e05b332fc1cabb1448e573513663e33c7fa4085', '{"status":201,"body":{"id":"agent_01a22299-4e2c-7000-8adb-068e0c01bd3c","budget_id":"budget_01a22299-4e2c-7000-8adb-068e0c01bd3c","name":"second","description":null,"owner_id":"user_01a22299-45b1-7000-ac58-d287d87d1ec8","tags":[],"status":"active","state":"idle","desired_state":"running","state_reason":null,"last_seen_at":null,"provider_ids":["prov_01a22299-4db1-7000-8aa7-c1f5cdc4a7d9"],"budget":{"budget_id":"budget_01a22299-4e2c-7000-8adb-068e0c01bd3c","agent_id":"agent_01a22299-4e2c-7000-8adb-068e0c01bd3c","agent_name":"second","allocated_usd":1,"spent_usd":0,"reserved_usd":0,"remaining_usd":1,"overdrawn_usd":0,"percent_used":0,"status":"active","risk_level":"low","open_leases":0,"allocation_version":1,"updated_at":"2026-11-28T14:40:02.092Z"},"created_at":"2026-11-28T14:40:02.089Z","updated_at":"2026-11-28T14:40:02.089Z","ic_token":{"id":"ic_01a22299-4e30-7001-beae-226b25ab2e14","permissions":["llm:call","analytics:write"],"created_at":"2026-11-28T14:40:02.089Z","expires_at":null,"last_used_at":null,"token":null}},"headers":{"Location":"/api/v1/agents/agent_01a22299-4e2c-7000-8adb-068e0c01bd3c"}}', 1795876802098);
INSERT INTO public.leases VALUES ('lease_01a22299-4e5b-7000-820c-0c4c4fcd066e', 'agent_01a22299-4dde-7000-bf26-4c443597e290', NULL, 'prov_01a22299-4db1-7000-8aa7-c1f5cdc4a7d9', NULL, NULL, 'closed', 5000000, 5000000, 5000000, 0, 1500000, 0, 1795876802141, 1795880402210, 1795876802228, 'returned', 1795876802228, 6500000);
INSERT INTO public.leases VALUES ('lease_01a22299-4ecc-7000-8b98-c55db0d451d9', 'agent_01a22299-4dde-7000-bf26-4c443597e290', NULL, 'prov_01a22299-4db1-7000-8aa7-c1f5cdc4a7d9', NULL, NULL, 'active', 5000000, 5000000, 0, 0, 0, 0, 1795876802255, 1795880402255, NULL, NULL, NULL, NULL);
INSERT INTO public.ledger_entries VALUES ('agent_01a22299-4dde-7000-bf26-4c443597e290', 1, 'allocate', 100000000, NULL, NULL, NULL, 1, 100000000, 0, 0, 'user_01a22299-45b1-7000-ac58-d287d87d1ec8', NULL, 1795876802014, '9ccad0892e1d2caa8661570d96185817a15ffcd282d3988433e207ccd51ecdaf');
INSERT INTO public.ledger_entries VALUES ('agent_01a22299-4e2c-7000-8adb-068e0c01bd3c', 1, 'allocate', 1000000, NULL, NULL, NULL, 1, 1000000, 0, 0, 'user_01a22299-45b1-7000-ac58-d287d87d1ec8', NULL, 1795876802092, 'ba8141204933fc0fa99c0bedf51efb9edca31741135e94c9d51317d0883f8467');
INSERT INTO public.ledger_entries VALUES ('agent_01a22299-4dde-7000-bf26-4c443597e290', 2, 'grant', 5000000, 'lease_01a22299-4e5b-7000-820c-0c4c4fcd066e', NULL, NULL, 1, 100000000, 5000000, 0, NULL, NULL, 1795876802141, '0cf3d78039f95bfff1e8fdf0e0603cc7f7bfa6e41f616b19b564cab07ea434ab');
INSERT INTO public.ledger_entries VALUES ('agent_01a22299-4dde-7000-bf26-4c443597e290', 3, 'spend', 2000000, 'lease_01a22299-4e5b-7000-820c-0c4c4fcd066e', 'call-1', NULL, 1, 100000000, 3000000, 2000000, NULL, NULL, 1795876802185, 'e604afb9d46eb0f7d03325bf9844882c8a9d7bbdf59be3e3269204539449eb6f');
INSERT INTO public.ledger_entries VALUES ('agent_01a22299-4dde-7000-bf26-4c443597e290', 4, 'spend', 3000000, 'lease_01a22299-4e5b-7000-820c-0c4c4fcd066e', 'call-2', NULL, 1, 100000000, 0, 5000000, NULL, NULL, 1795876802210, '3953db42b902213c3efde503547d9375f9f70b0dcf69b9ec6bdcb3905e3816e9');
INSERT INTO public.ledger_entries VALUES ('agent_01a22299-4dde-7000-bf26-4c443597e290', 5, 'overrun', 1500000, 'lease_01a22299-4e5b-7000-820c-0c4c4fcd066e', 'call-2', NULL, 1, 100000000, 0, 6500000, NULL, NULL, 1795876802210, '38600956576cd4f314ad34dffb0075661e93b6bc77d332263e8298966d2ef75a');
INSERT INTO public.ledger_entries VALUES ('agent_01a22299-4dde-7000-bf26-4c443597e290', 6, 'grant', 5000000, 'lease_01a22299-4ecc-7000-8b98-c55db0d451d9', NULL, NULL, 1, 100000000, 5000000, 6500000, NULL, NULL, 1795876802255, '8bf85a716abbf842701b9c65b4f5a3eb49c9dee0e884034243a507b4a404ef90');
INSERT INTO public.limit_counters VALUES ('user_01a22299-45b1-7000-ac58-d287d87d1ec8', '', 'tokens_per_day', 1795824000000, 15);
INSERT INTO public.limit_counters VALUES ('user_01a22299-45b1-7000-ac58-d287d87d1ec8', '', 'requests_per_minute', 1795876800000, 3);
INSERT INTO public.limit_counters VALUES ('user_01a22299-45b1-7000-ac58-d287d87d1ec8', '', 'cost_per_month', 1793491200000, 6500075);
INSERT INTO public.limits VALUES ('lim_01a22299-4d71-7000-b516-7e660ef6fadc', 'user_01a22299-45b1-7000-ac58-d287d87d1ec8', NULL, 1000000, NULL, NULL, 1795876801903, 1795876801903);
INSERT INTO public.log_heads VALUES ('events', 6, NULL, 0, 1795876802316);
INSERT INTO public.log_heads VALUES ('audit', 17, '68b86213120206633876cf81ecdeb7822a26f1d507b4f16cb9e4d5bb60504139', 0, 1795876802334);
INSERT INTO public.login_attempts VALUES ('somebody@cluster.test', 1, 1795876801871, NULL);
INSERT INTO public.meta VALUES ('audit.key', 'none');
INSERT INTO public.meta VALUES ('vault.canary.m1', '5m36hzNVcVrJUMTK:PWwZgFoil5+ce2/4Z4JMi9I=:xnS+jOsHyzgQvOO7UhLYJg==');
INSERT INTO public.meta VALUES ('rollup.hour', '1804510800000');
INSERT INTO public.meta VALUES ('rollup.summed', '1804510800000');
INSERT INTO public.meta VALUES ('rollup.pruned', '1795874400000');
INSERT INTO public.provider_keys VALUES ('key_01a22299-4dcc-7000-89bd-974ed8d23b19', 'prov_01a22299-4db1-7000-8aa7-c1f5cdc4a7d9', 'active', 'STY5eQ/Ooou1xeNQ:SKIBpjnOp6M3LqlojZRgDCOraDw=:PjCrbSBMeNowITNnVz64Uw==', 'm1', 'sk-f...789', 1795876802000, 'user_01a22299-45b1-7000-ac58-d287d87d1ec8', 1795876802156, NULL);
INSERT INTO public.providers VALUES ('prov_01a22299-4db1-7000-8aa7-c1f5cdc4a7d9', 'openai', 'openai', 'https://api.openai.com/v1', '["gpt-4o"]', 'active', 1795876801969, 1795876801969, NULL);
INSERT INTO public.request_keys VALUES ('tok_01a22299-4d7f-7000-abc6-1cbedff9e157', 'told', 'req_01a22299-4d9a-7000-9ad7-12f822282c35', '7f2f8948c2e4a1659f0856ace4110766fe63f7f807af4ac76a4d2682e6b51aef', NULL, 75, 0, 'price_book', 0);
INSERT INTO public.request_rollups VALUES (1795874400000, 'agent_01a22299-4dde-7000-bf26-4c443597e290', '', 'gpt-4o', 'completed', 3, 0, 0, 0, 0, 0, 0, 7500000, 6500000, 0, '{"98":2}', '{"1000000":1,"2000000":1,"4500000":1}');
INSERT INTO public.request_rollups VALUES (1795874400000, 'tok_01a22299-4d7f-7000-abc6-1cbedff9e157', '', 'gpt-4o', 'completed', 1, 10, 0, 0, 5, 0, 15, 75, 75, 0, '{}', '{"75":1}');
INSERT INTO public.request_sums VALUES ('hour', 1795874400000, '', '', 'gpt-4o', 'completed', 4, 10, 0, 0, 5, 0, 15, 7500075, 6500075, 0, '{"98":2}', '{"75":1,"1000000":1,"2000000":1,"4500000":1}');
INSERT INTO public.request_sums VALUES ('day', 1795824000000, '', '', 'gpt-4o', 'completed', 4, 10, 0, 0, 5, 0, 15, 7500075, 6500075, 0, '{"98":2}', '{}');
INSERT INTO public.request_sums VALUES ('month', 1793491200000, '', '', 'gpt-4o', 'completed', 4, 10, 0, 0, 5, 0, 15, 7500075, 6500075, 0, '{"98":2}', '{}');
INSERT INTO public.request_sums VALUES ('each_day', 1795824000000, 'agent_01a22299-4dde-7000-bf26-4c443597e290', '', 'gpt-4o', 'completed', 3, 0, 0, 0, 0, 0, 0, 7500000, 6500000, 0, '{"98":2}', '{"1000000":1,"2000000":1,"4500000":1}');
INSERT INTO public.request_sums VALUES ('each_day', 1795824000000, 'tok_01a22299-4d7f-7000-abc6-1cbedff9e157', '', 'gpt-4o', 'completed', 1, 10, 0, 0, 5, 0, 15, 75, 75, 0, '{}', '{"75":1}');
INSERT INTO public.request_sums VALUES ('each_month', 1793491200000, 'agent_01a22299-4dde-7000-bf26-4c443597e290', '', 'gpt-4o', 'completed', 3, 0, 0, 0, 0, 0, 0, 7500000, 6500000, 0, '{"98":2}', '{}');
INSERT INTO public.request_sums VALUES ('each_month', 1793491200000, 'tok_01a22299-4d7f-7000-abc6-1cbedff9e157', '', 'gpt-4o', 'completed', 1, 10, 0, 0, 5, 0, 15, 75, 75, 0, '{}', '{}');
INSERT INTO public.requests VALUES ('req_01a22299-4e91-7000-b9c0-03f4c0272d60', 'agent', 'agent_01a22299-4dde-7000-bf26-4c443597e290', 'call-1', '2306b5dfe4f9331d5e65d495d503f0da4584f6c94dd9979e67f75a41de7f329f', 'lease_01a22299-4e5b-7000-820c-0c4c4fcd066e', NULL, NULL, 'gpt-4o', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 2000000, 0, 'reported', NULL, 1, 0, 120, NULL, 1795876802193, 1795876802193);
INSERT INTO public.requests VALUES ('req_01a22299-4ea7-7000-b696-372b5f994c7e', 'agent', 'agent_01a22299-4dde-7000-bf26-4c443597e290', 'call-2', 'd8364156e95ceb56c276026162966c76e86f4ea082f9f222726e067cb230a5fb', 'lease_01a22299-4e5b-7000-820c-0c4c4fcd066e', NULL, NULL, 'gpt-4o', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 4500000, 1500000, 'reported', NULL, 1, 0, 120, NULL, 1795876802215, 1795876802215);
INSERT INTO public.requests VALUES ('req_01a22299-4f07-7000-8c70-b6a3698b93c4', 'agent', 'agent_01a22299-4dde-7000-bf26-4c443597e290', 'call-3', NULL, NULL, NULL, NULL, 'gpt-4o', 'completed', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 1000000, 0, 'reported', NULL, 0, 0, NULL, NULL, 1795876802266, 1795876802311);
INSERT INTO public.schema_migrations VALUES (1, 'baseline', 'a1da2c407032ec3058070879c7cc9ea6256a5405acffc44d356a8ca6c17bde09', '2be910e509950a0be04543667af6bd4fcaaca70abfcc31dfd7b7aa97d744003d', '0.0.0', 1795876799083);
INSERT INTO public.schema_migrations VALUES (2, 'list_indexes', '9da35643ed478a65fcb7cb44600fbe1fabd42d390b7f26240fa25485c1001ee0', '58ca141d17843adda7f853659fe94d32cde6b7bf97eb29176083d57a68e627e3', '0.0.0', 1795876799110);
INSERT INTO public.schema_migrations VALUES (3, 'request_sums', '41144f51b03d4e16d6ad8534753ea81564bc9b94748e401a027c85c3f6c85756', '5c1a56ab1cf26c7a6d5f808f1dc91a76a796f43e09314bd067787ab20dd88f9a', '0.0.0', 1795876799141);
INSERT INTO public.schema_migrations VALUES (4, 'call_costs', '8d07284d409fb2f1270b1ca2872cceb19cc70806fe322bfa74e613cfcb58a70c', '77998b639aa1c27799510c816664d26204f3f221bde2caab49c99f36fe1948d7', '0.0.0', 1795876799171);
INSERT INTO public.sessions VALUES ('sess_01a22299-4ac2-7000-9f58-5c02f7ac152f', 'user_01a22299-45b1-7000-ac58-d287d87d1ec8', 'a40bca5cfaa45bb976c49338e06a3391fae7e39854c28bb4613b81c3b71c49e2', 1795876801214, 1795876801214, 1798468801000, NULL, NULL, '127.0.0.1', NULL);
INSERT INTO public.spans VALUES ('trace_7d7d9112-bb51-4b8b-aa87-1aab7e8e18a4', 'span-1', NULL, 'agent_01a22299-4dde-7000-bf26-4c443597e290', 'call', 'ok', 1795876802266, 1, '{}', 1795876802322);
INSERT INTO public.telemetry_ids VALUES ('agent_01a22299-4dde-7000-bf26-4c443597e290', 'event-1', 1795876802307);
INSERT INTO public.users VALUES ('user_01a22299-45b1-7000-ac58-d287d87d1ec8', 'admin', 'admin', 'admin@cluster.test', NULL, 'admin', '$2b$12$FMkhq3RXUI6hcLmrl27Q.eENBH5pRyRt5M2WD2IGh1Kq3o.UEvtaW', 0, 1795876801214, NULL, NULL, NULL, NULL, NULL, 1795876799921, 1795876799921);
ALTER TABLE ONLY public.agent_budgets
    ADD CONSTRAINT agent_budgets_pkey PRIMARY KEY (agent_id);
ALTER TABLE ONLY public.agent_providers
    ADD CONSTRAINT agent_providers_pkey PRIMARY KEY (agent_id, provider_id);
ALTER TABLE ONLY public.agents
    ADD CONSTRAINT agents_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.api_token_secrets
    ADD CONSTRAINT api_token_secrets_pkey PRIMARY KEY (token_hash);
ALTER TABLE ONLY public.api_tokens
    ADD CONSTRAINT api_tokens_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.audit_log
    ADD CONSTRAINT audit_log_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY public.budget_requests
    ADD CONSTRAINT budget_requests_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY public.ic_tokens
    ADD CONSTRAINT ic_tokens_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (principal_id, route, key);
ALTER TABLE ONLY public.leases
    ADD CONSTRAINT leases_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.ledger_entries
    ADD CONSTRAINT ledger_entries_pkey PRIMARY KEY (agent_id, seq);
ALTER TABLE ONLY public.limit_counters
    ADD CONSTRAINT limit_counters_pkey PRIMARY KEY (owner_id, project_id, metric, window_start);
ALTER TABLE ONLY public.limits
    ADD CONSTRAINT limits_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.log_heads
    ADD CONSTRAINT log_heads_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.login_attempts
    ADD CONSTRAINT login_attempts_pkey PRIMARY KEY (account_key);
ALTER TABLE ONLY public.meta
    ADD CONSTRAINT meta_pkey PRIMARY KEY (key);
ALTER TABLE ONLY public.provider_keys
    ADD CONSTRAINT provider_keys_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.providers
    ADD CONSTRAINT providers_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.request_keys
    ADD CONSTRAINT request_keys_pkey PRIMARY KEY (subject_id, request_id);
ALTER TABLE ONLY public.request_rollups
    ADD CONSTRAINT request_rollups_pkey PRIMARY KEY (hour_start, subject_id, provider, model, outcome);
ALTER TABLE ONLY public.request_sums
    ADD CONSTRAINT request_sums_pkey PRIMARY KEY (grain, start, subject_id, provider, model, outcome);
ALTER TABLE ONLY public.requests
    ADD CONSTRAINT requests_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (number);
ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.spans
    ADD CONSTRAINT spans_pkey PRIMARY KEY (trace_id, span_id);
ALTER TABLE ONLY public.telemetry_ids
    ADD CONSTRAINT telemetry_ids_pkey PRIMARY KEY (agent_id, event_id);
ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);
CREATE INDEX agent_budgets_archived ON public.agent_budgets USING btree (agent_id) WHERE (archived_at IS NOT NULL);
CREATE INDEX agent_budgets_owner ON public.agent_budgets USING btree (owner_id);
CREATE UNIQUE INDEX agent_providers_order ON public.agent_providers USING btree (agent_id, "position");
CREATE INDEX agent_providers_provider ON public.agent_providers USING btree (provider_id);
CREATE INDEX agents_created ON public.agents USING btree (created_at, id);
CREATE INDEX agents_failed ON public.agents USING btree (created_at, id) WHERE (state = 'failed'::text);
CREATE INDEX agents_idle ON public.agents USING btree (created_at, id) WHERE (state = 'idle'::text);
CREATE INDEX agents_name ON public.agents USING btree (name, id);
CREATE INDEX agents_running ON public.agents USING btree (created_at, id) WHERE (state = 'running'::text);
CREATE INDEX agents_silent ON public.agents USING btree (last_seen_at) WHERE (state = 'running'::text);
CREATE INDEX agents_stopped ON public.agents USING btree (created_at, id) WHERE (state = 'stopped'::text);
CREATE INDEX agents_updated ON public.agents USING btree (updated_at, id);
CREATE UNIQUE INDEX api_token_secrets_current ON public.api_token_secrets USING btree (token_id) WHERE (valid_until IS NULL);
CREATE INDEX api_token_secrets_token ON public.api_token_secrets USING btree (token_id);
CREATE INDEX api_tokens_created ON public.api_tokens USING btree (created_at, id);
CREATE INDEX api_tokens_name ON public.api_tokens USING btree (name, id);
CREATE INDEX api_tokens_owner ON public.api_tokens USING btree (owner_id, created_at);
CREATE INDEX audit_log_actor ON public.audit_log USING btree (actor_id, seq);
CREATE UNIQUE INDEX audit_log_id ON public.audit_log USING btree (id);
CREATE INDEX audit_log_operation ON public.audit_log USING btree (operation, seq);
CREATE INDEX audit_log_resource ON public.audit_log USING btree (resource_type, resource_id, seq);
CREATE INDEX audit_log_user ON public.audit_log USING btree (actor_user_id, seq) WHERE (actor_user_id IS NOT NULL);
CREATE INDEX budget_requests_agent ON public.budget_requests USING btree (agent_id, created_at);
CREATE INDEX budget_requests_created ON public.budget_requests USING btree (created_at, id);
CREATE INDEX budget_requests_requested ON public.budget_requests USING btree (requested_allocated_micros, id);
CREATE INDEX budget_requests_requester ON public.budget_requests USING btree (requester_id, created_at);
CREATE INDEX budget_requests_status ON public.budget_requests USING btree (status, created_at);
CREATE INDEX events_agent ON public.events USING btree (agent_id, seq);
CREATE UNIQUE INDEX events_dedupe ON public.events USING btree (dedupe_key) WHERE (dedupe_key IS NOT NULL);
CREATE INDEX ic_tokens_agent ON public.ic_tokens USING btree (agent_id, created_at);
CREATE UNIQUE INDEX ic_tokens_live ON public.ic_tokens USING btree (agent_id) WHERE (revoked_at IS NULL);
CREATE UNIQUE INDEX ic_tokens_token_hash ON public.ic_tokens USING btree (token_hash);
CREATE INDEX idempotency_keys_age ON public.idempotency_keys USING btree (created_at);
CREATE INDEX leases_active ON public.leases USING btree (agent_id) WHERE (status = 'active'::text);
CREATE INDEX leases_agent ON public.leases USING btree (agent_id, created_at);
CREATE INDEX leases_due ON public.leases USING btree (expires_at) WHERE (status = 'active'::text);
CREATE UNIQUE INDEX leases_idempotency ON public.leases USING btree (agent_id, idempotency_key) WHERE (idempotency_key IS NOT NULL);
CREATE UNIQUE INDEX leases_supersedes ON public.leases USING btree (supersedes);
CREATE UNIQUE INDEX ledger_entries_history ON public.ledger_entries USING btree (agent_id, version) WHERE (type = ANY (ARRAY['allocate'::text, 'deallocate'::text]));
CREATE INDEX ledger_entries_lease ON public.ledger_entries USING btree (lease_id) WHERE (lease_id IS NOT NULL);
CREATE INDEX limits_created ON public.limits USING btree (created_at, id);
CREATE UNIQUE INDEX limits_general ON public.limits USING btree (owner_id) WHERE (project_id IS NULL);
CREATE UNIQUE INDEX limits_project ON public.limits USING btree (owner_id, project_id) WHERE (project_id IS NOT NULL);
CREATE UNIQUE INDEX provider_keys_active ON public.provider_keys USING btree (provider_id) WHERE (status = 'active'::text);
CREATE INDEX provider_keys_created ON public.provider_keys USING btree (created_at, id);
CREATE INDEX provider_keys_provider ON public.provider_keys USING btree (provider_id, created_at);
CREATE INDEX provider_keys_vault ON public.provider_keys USING btree (vault_key_id) WHERE (sealed IS NOT NULL);
CREATE UNIQUE INDEX providers_name ON public.providers USING btree (name) WHERE (deleted_at IS NULL);
CREATE INDEX request_rollups_subject ON public.request_rollups USING btree (subject_id, hour_start);
CREATE INDEX request_sums_subject ON public.request_sums USING btree (subject_id, start);
CREATE UNIQUE INDEX requests_key ON public.requests USING btree (subject_id, request_id);
CREATE INDEX requests_lease ON public.requests USING btree (lease_id) WHERE (lease_id IS NOT NULL);
CREATE INDEX requests_subject_time ON public.requests USING btree (subject_id, received_at);
CREATE INDEX requests_time ON public.requests USING btree (received_at, id);
CREATE UNIQUE INDEX schema_migrations_name ON public.schema_migrations USING btree (name);
CREATE INDEX sessions_expiry ON public.sessions USING btree (expires_at);
CREATE INDEX sessions_user ON public.sessions USING btree (user_id, created_at);
CREATE INDEX spans_age ON public.spans USING btree (received_at);
CREATE INDEX spans_agent ON public.spans USING btree (agent_id, started_at);
CREATE INDEX telemetry_ids_age ON public.telemetry_ids USING btree (received_at);
CREATE INDEX users_created ON public.users USING btree (created_at, id);
CREATE UNIQUE INDEX users_email ON public.users USING btree (email) WHERE (deleted_at IS NULL);
CREATE INDEX users_email_order ON public.users USING btree (email NULLS FIRST, id) WHERE (deleted_at IS NULL);
CREATE INDEX users_live_admins ON public.users USING btree (id) WHERE ((role = 'admin'::text) AND (suspended_at IS NULL) AND (deleted_at IS NULL));
CREATE UNIQUE INDEX users_username ON public.users USING btree (username_key) WHERE (deleted_at IS NULL);
CREATE TRIGGER audit_log_insert BEFORE INSERT ON public.audit_log FOR EACH ROW EXECUTE FUNCTION public.audit_log_insert();
CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON public.audit_log FOR EACH ROW EXECUTE FUNCTION public.audit_log_no_delete();
CREATE TRIGGER audit_log_no_truncate BEFORE TRUNCATE ON public.audit_log FOR EACH STATEMENT EXECUTE FUNCTION public.no_truncate();
CREATE TRIGGER audit_log_no_update BEFORE UPDATE ON public.audit_log FOR EACH ROW EXECUTE FUNCTION public.audit_log_no_update();
CREATE TRIGGER events_insert BEFORE INSERT ON public.events FOR EACH ROW EXECUTE FUNCTION public.events_insert();
CREATE TRIGGER events_no_delete BEFORE DELETE ON public.events FOR EACH ROW EXECUTE FUNCTION public.events_no_delete();
CREATE TRIGGER events_no_truncate BEFORE TRUNCATE ON public.events FOR EACH STATEMENT EXECUTE FUNCTION public.no_truncate();
CREATE TRIGGER events_no_update BEFORE UPDATE ON public.events FOR EACH ROW EXECUTE FUNCTION public.events_no_update();
CREATE TRIGGER leases_final BEFORE UPDATE ON public.leases FOR EACH ROW EXECUTE FUNCTION public.leases_final();
CREATE TRIGGER leases_no_delete BEFORE DELETE ON public.leases FOR EACH ROW EXECUTE FUNCTION public.leases_no_delete();
CREATE TRIGGER leases_no_truncate BEFORE TRUNCATE ON public.leases FOR EACH STATEMENT EXECUTE FUNCTION public.no_truncate();
CREATE TRIGGER ledger_entries_insert BEFORE INSERT ON public.ledger_entries FOR EACH ROW EXECUTE FUNCTION public.ledger_entries_insert();
CREATE TRIGGER ledger_entries_no_delete BEFORE DELETE ON public.ledger_entries FOR EACH ROW EXECUTE FUNCTION public.ledger_entries_no_delete();
CREATE TRIGGER ledger_entries_no_truncate BEFORE TRUNCATE ON public.ledger_entries FOR EACH STATEMENT EXECUTE FUNCTION public.no_truncate();
CREATE TRIGGER ledger_entries_no_update BEFORE UPDATE ON public.ledger_entries FOR EACH ROW EXECUTE FUNCTION public.ledger_entries_no_update();
CREATE TRIGGER log_heads_guard BEFORE UPDATE ON public.log_heads FOR EACH ROW EXECUTE FUNCTION public.log_heads_guard();
CREATE TRIGGER log_heads_no_delete BEFORE DELETE ON public.log_heads FOR EACH ROW EXECUTE FUNCTION public.log_heads_no_delete();
CREATE TRIGGER log_heads_no_insert BEFORE INSERT ON public.log_heads FOR EACH ROW EXECUTE FUNCTION public.log_heads_no_insert();
CREATE TRIGGER log_heads_no_truncate BEFORE TRUNCATE ON public.log_heads FOR EACH STATEMENT EXECUTE FUNCTION public.no_truncate();
CREATE TRIGGER request_keys_insert BEFORE INSERT ON public.request_keys FOR EACH ROW EXECUTE FUNCTION public.request_keys_insert();
CREATE TRIGGER request_keys_no_delete BEFORE DELETE ON public.request_keys FOR EACH ROW EXECUTE FUNCTION public.request_keys_no_delete();
CREATE TRIGGER request_keys_no_truncate BEFORE TRUNCATE ON public.request_keys FOR EACH STATEMENT EXECUTE FUNCTION public.no_truncate();
CREATE TRIGGER request_keys_no_update BEFORE UPDATE ON public.request_keys FOR EACH ROW EXECUTE FUNCTION public.request_keys_no_update();
CREATE TRIGGER requests_final BEFORE UPDATE ON public.requests FOR EACH ROW EXECUTE FUNCTION public.requests_final();
CREATE TRIGGER requests_keep_key BEFORE DELETE ON public.requests FOR EACH ROW EXECUTE FUNCTION public.requests_keep_key();
CREATE TRIGGER requests_no_truncate BEFORE TRUNCATE ON public.requests FOR EACH STATEMENT EXECUTE FUNCTION public.no_truncate();
ALTER TABLE ONLY public.agent_providers
    ADD CONSTRAINT agent_providers_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES public.agents(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.agent_providers
    ADD CONSTRAINT agent_providers_provider_id_fkey FOREIGN KEY (provider_id) REFERENCES public.providers(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.agents
    ADD CONSTRAINT agents_id_fkey FOREIGN KEY (id) REFERENCES public.agent_budgets(agent_id) ON DELETE RESTRICT;
ALTER TABLE ONLY public.api_token_secrets
    ADD CONSTRAINT api_token_secrets_token_id_fkey FOREIGN KEY (token_id) REFERENCES public.api_tokens(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.api_tokens
    ADD CONSTRAINT api_tokens_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES public.users(id) ON DELETE RESTRICT;
ALTER TABLE ONLY public.budget_requests
    ADD CONSTRAINT budget_requests_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES public.agent_budgets(agent_id) ON DELETE RESTRICT;
ALTER TABLE ONLY public.ic_tokens
    ADD CONSTRAINT ic_tokens_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES public.agents(id) ON DELETE RESTRICT;
ALTER TABLE ONLY public.leases
    ADD CONSTRAINT leases_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES public.agent_budgets(agent_id) ON DELETE RESTRICT;
ALTER TABLE ONLY public.leases
    ADD CONSTRAINT leases_supersedes_fkey FOREIGN KEY (supersedes) REFERENCES public.leases(id) ON DELETE RESTRICT;
ALTER TABLE ONLY public.ledger_entries
    ADD CONSTRAINT ledger_entries_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES public.agent_budgets(agent_id) ON DELETE RESTRICT;
ALTER TABLE ONLY public.ledger_entries
    ADD CONSTRAINT ledger_entries_budget_request_id_fkey FOREIGN KEY (budget_request_id) REFERENCES public.budget_requests(id) ON DELETE RESTRICT;
ALTER TABLE ONLY public.provider_keys
    ADD CONSTRAINT provider_keys_provider_id_fkey FOREIGN KEY (provider_id) REFERENCES public.providers(id) ON DELETE RESTRICT;
ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE RESTRICT;
