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
CREATE FUNCTION public.actor_entries_insert() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN INSERT INTO actor_entries (actor_id, seq) SELECT l.actor_id, l.seq FROM audit_log l WHERE l.seq > NEW.seq - 1024 AND l.seq <= NEW.seq ORDER BY l.actor_id, l.seq; RETURN NULL; END $$;
CREATE FUNCTION public.agent_events_delete() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN DELETE FROM agent_events a USING gone g WHERE a.agent_id = g.agent_id AND a.seq = g.seq; RETURN NULL; END $$;
CREATE FUNCTION public.agent_tags_count_archived() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ DECLARE d record; BEGIN FOR d IN SELECT t.tag FROM agent_tags t WHERE t.agent_id = NEW.agent_id LOOP PERFORM count_entries('agent_tags', CASE WHEN OLD.archived_at IS NOT NULL THEN 'archived ' ELSE 'active ' END || d.tag, -1); PERFORM count_entries('agent_tags', CASE WHEN NEW.archived_at IS NOT NULL THEN 'archived ' ELSE 'active ' END || d.tag, 1); END LOOP; RETURN NULL; END $$;
CREATE FUNCTION public.agent_tags_count_delete() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ DECLARE d record; BEGIN FOR d IN SELECT CASE WHEN EXISTS (SELECT 1 FROM agent_budgets b WHERE b.agent_id = t.agent_id AND b.archived_at IS NOT NULL) THEN 'archived ' ELSE 'active ' END || t.tag AS part, count(*) AS entries FROM moved t GROUP BY 1 LOOP PERFORM count_entries('agent_tags', d.part, -1 * d.entries); END LOOP; RETURN NULL; END $$;
CREATE FUNCTION public.agent_tags_count_insert() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ DECLARE d record; BEGIN FOR d IN SELECT CASE WHEN EXISTS (SELECT 1 FROM agent_budgets b WHERE b.agent_id = t.agent_id AND b.archived_at IS NOT NULL) THEN 'archived ' ELSE 'active ' END || t.tag AS part, count(*) AS entries FROM moved t GROUP BY 1 LOOP PERFORM count_entries('agent_tags', d.part, 1 * d.entries); END LOOP; RETURN NULL; END $$;
CREATE FUNCTION public.agents_copies_insert() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ DECLARE b agent_budgets; BEGIN SELECT * INTO b FROM agent_budgets o WHERE o.agent_id = NEW.id; NEW.archived := CASE WHEN b.archived_at IS NULL THEN 0 ELSE 1 END; NEW.owner_id := b.owner_id; RETURN NEW; END $$;
CREATE FUNCTION public.agents_copies_note() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ DECLARE noted text[] := CAST(coalesce(nullif(current_setting('iron.agents_moved', true), ''), '{}') AS text[]) || NEW.agent_id; BEGIN PERFORM set_config('iron.agents_moved', noted::text, true); IF cardinality(noted) >= 100 THEN PERFORM copy_noted_agents(); END IF; RETURN NULL; END $$;
CREATE FUNCTION public.agents_copies_update() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN PERFORM copy_noted_agents(); RETURN NULL; END $$;
CREATE FUNCTION public.agents_count_delete() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ DECLARE d record; BEGIN FOR d IN SELECT t.state || CASE WHEN t.archived = 1 THEN ' archived' ELSE ' active' END AS part, count(*) AS entries FROM moved t GROUP BY 1 LOOP PERFORM count_entries('agents', d.part, -1 * d.entries); END LOOP; RETURN NULL; END $$;
CREATE FUNCTION public.agents_count_insert() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ DECLARE d record; BEGIN FOR d IN SELECT t.state || CASE WHEN t.archived = 1 THEN ' archived' ELSE ' active' END AS part, count(*) AS entries FROM moved t GROUP BY 1 LOOP PERFORM count_entries('agents', d.part, 1 * d.entries); END LOOP; RETURN NULL; END $$;
CREATE FUNCTION public.agents_count_noted() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN PERFORM count_noted('agents'); RETURN NULL; END $$;
CREATE FUNCTION public.agents_count_update() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ DECLARE gone text; made text; BEGIN gone := OLD.state || CASE WHEN OLD.archived = 1 THEN ' archived' ELSE ' active' END; made := NEW.state || CASE WHEN NEW.archived = 1 THEN ' archived' ELSE ' active' END; IF gone <> made THEN PERFORM note_count('agents', gone, -1); PERFORM note_count('agents', made, 1); END IF; RETURN NULL; END $$;
CREATE FUNCTION public.agents_tags() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN IF TG_OP = 'UPDATE' THEN DELETE FROM agent_tags WHERE agent_id = NEW.id; END IF; INSERT INTO agent_tags (tag, created_at, agent_id) SELECT tag, created_at, agent_id FROM tagged_agent WHERE agent_id = NEW.id AND NEW.tags <> '[]'; RETURN NULL; END $$;
CREATE FUNCTION public.api_tokens_count_delete() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ DECLARE d record; BEGIN FOR d IN SELECT CASE WHEN t.revoked_at IS NOT NULL THEN 'revoked' WHEN t.expires_at IS NULL THEN 'kept' ELSE 'until ' || CAST(1000000000 + t.expires_at / 86400000 AS text) END AS part, count(*) AS entries FROM moved t GROUP BY 1 LOOP PERFORM count_entries('api_tokens', d.part, -1 * d.entries); END LOOP; RETURN NULL; END $$;
CREATE FUNCTION public.api_tokens_count_insert() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ DECLARE d record; BEGIN FOR d IN SELECT CASE WHEN t.revoked_at IS NOT NULL THEN 'revoked' WHEN t.expires_at IS NULL THEN 'kept' ELSE 'until ' || CAST(1000000000 + t.expires_at / 86400000 AS text) END AS part, count(*) AS entries FROM moved t GROUP BY 1 LOOP PERFORM count_entries('api_tokens', d.part, 1 * d.entries); END LOOP; RETURN NULL; END $$;
CREATE FUNCTION public.api_tokens_count_noted() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN PERFORM count_noted('api_tokens'); RETURN NULL; END $$;
CREATE FUNCTION public.api_tokens_count_update() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ DECLARE gone text; made text; BEGIN gone := CASE WHEN OLD.revoked_at IS NOT NULL THEN 'revoked' WHEN OLD.expires_at IS NULL THEN 'kept' ELSE 'until ' || CAST(1000000000 + OLD.expires_at / 86400000 AS text) END; made := CASE WHEN NEW.revoked_at IS NOT NULL THEN 'revoked' WHEN NEW.expires_at IS NULL THEN 'kept' ELSE 'until ' || CAST(1000000000 + NEW.expires_at / 86400000 AS text) END; IF gone <> made THEN PERFORM note_count('api_tokens', gone, -1); PERFORM note_count('api_tokens', made, 1); END IF; RETURN NULL; END $$;
CREATE FUNCTION public.audit_log_insert() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN PERFORM 1 FROM log_heads WHERE name = 'audit' FOR UPDATE; IF NEW.seq IS DISTINCT FROM (SELECT head_seq + 1 FROM log_heads WHERE name = 'audit') OR NEW.prev_hash IS DISTINCT FROM (SELECT head_hash FROM log_heads WHERE name = 'audit') OR EXISTS (SELECT 1 FROM audit_log a WHERE a.id = NEW.id) THEN RAISE EXCEPTION 'audit_log: out of sequence' USING ERRCODE = 'restrict_violation'; END IF; UPDATE log_heads SET head_seq = NEW.seq, head_hash = NEW.hash, updated_at = NEW.at, newest_at = greatest(newest_at, NEW.at), late_ms = greatest(late_ms, newest_at - NEW.at) WHERE name = 'audit'; RETURN NEW; END $$;
CREATE FUNCTION public.audit_log_no_delete() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'audit_log is append-only' USING ERRCODE = 'restrict_violation'; END $$;
CREATE FUNCTION public.audit_log_no_update() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'audit_log is append-only' USING ERRCODE = 'restrict_violation'; END $$;
CREATE FUNCTION public.budget_ranks() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN NEW.used_rank := CASE WHEN NEW.spent_micros < NEW.allocated_micros THEN NEW.spent_micros * 100 / NEW.allocated_micros * 2 + CASE WHEN NEW.spent_micros * 100 % NEW.allocated_micros > 0 THEN 1 ELSE 0 END WHEN NEW.spent_micros = 0 THEN 0 WHEN NEW.spent_micros = NEW.allocated_micros OR NEW.allocated_micros = 0 THEN 200 ELSE 200 + length(CAST((NEW.spent_micros * 100 / NEW.allocated_micros) AS text)) * 1000 + CAST(substr(CAST((NEW.spent_micros * 100 / NEW.allocated_micros) AS text), 1, 3) AS integer) / 5 * 5 END; NEW.spent_rank := length(CAST((NEW.spent_micros / 10000) AS text)) * 1000 + CAST(substr(CAST((NEW.spent_micros / 10000) AS text), 1, 3) AS integer) / 5 * 5; NEW.left_rank := CASE WHEN (NEW.allocated_micros - NEW.reserved_micros - NEW.spent_micros) >= 0 THEN length(CAST(((NEW.allocated_micros - NEW.reserved_micros - NEW.spent_micros) / 10000) AS text)) * 1000 + CAST(substr(CAST(((NEW.allocated_micros - NEW.reserved_micros - NEW.spent_micros) / 10000) AS text), 1, 3) AS integer) / 5 * 5 ELSE -(length(CAST(((-(NEW.allocated_micros - NEW.reserved_micros - NEW.spent_micros)) / 10000) AS text)) * 1000 + CAST(substr(CAST(((-(NEW.allocated_micros - NEW.reserved_micros - NEW.spent_micros)) / 10000) AS text), 1, 3) AS integer) / 5 * 5) END; RETURN NEW; END $$;
CREATE FUNCTION public.budget_requests_count_delete() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ DECLARE d record; BEGIN FOR d IN SELECT t.status AS part, count(*) AS entries FROM moved t GROUP BY 1 LOOP PERFORM count_entries('budget_requests', d.part, -1 * d.entries); END LOOP; RETURN NULL; END $$;
CREATE FUNCTION public.budget_requests_count_insert() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ DECLARE d record; BEGIN FOR d IN SELECT t.status AS part, count(*) AS entries FROM moved t GROUP BY 1 LOOP PERFORM count_entries('budget_requests', d.part, 1 * d.entries); END LOOP; RETURN NULL; END $$;
CREATE FUNCTION public.budget_requests_count_noted() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN PERFORM count_noted('budget_requests'); RETURN NULL; END $$;
CREATE FUNCTION public.budget_requests_count_update() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ DECLARE gone text; made text; BEGIN gone := OLD.status; made := NEW.status; IF gone <> made THEN PERFORM note_count('budget_requests', gone, -1); PERFORM note_count('budget_requests', made, 1); END IF; RETURN NULL; END $$;
CREATE FUNCTION public.budget_sums_delete() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN WITH d AS (SELECT c.owner_id, c.grade, CAST(sum(c.agents) AS bigint) AS agents, CAST(sum(c.allocated_whole) AS bigint) AS allocated_whole, CAST(sum(c.allocated_rest) AS bigint) AS allocated_rest, CAST(sum(c.reserved_whole) AS bigint) AS reserved_whole, CAST(sum(c.reserved_rest) AS bigint) AS reserved_rest, CAST(sum(c.spent_whole) AS bigint) AS spent_whole, CAST(sum(c.spent_rest) AS bigint) AS spent_rest, CAST(sum(c.overdrawn_whole) AS bigint) AS overdrawn_whole, CAST(sum(c.overdrawn_rest) AS bigint) AS overdrawn_rest FROM (SELECT '' AS owner_id, CASE WHEN b.archived_at IS NOT NULL THEN -2 WHEN b.allocated_micros = 0 AND b.spent_micros = 0 THEN -1 WHEN b.spent_micros > b.allocated_micros AND b.allocated_micros > 0 THEN 201 ELSE b.used_rank END AS grade, -1 AS agents, -((b.allocated_micros) / 1000000) AS allocated_whole, -((b.allocated_micros) % 1000000) AS allocated_rest, -((b.reserved_micros) / 1000000) AS reserved_whole, -((b.reserved_micros) % 1000000) AS reserved_rest, -((b.spent_micros) / 1000000) AS spent_whole, -((b.spent_micros) % 1000000) AS spent_rest, -((CASE WHEN (b.spent_micros + b.reserved_micros - b.allocated_micros) > 0 THEN (b.spent_micros + b.reserved_micros - b.allocated_micros) ELSE 0 END) / 1000000) AS overdrawn_whole, -((CASE WHEN (b.spent_micros + b.reserved_micros - b.allocated_micros) > 0 THEN (b.spent_micros + b.reserved_micros - b.allocated_micros) ELSE 0 END) % 1000000) AS overdrawn_rest FROM gone b WHERE true UNION ALL SELECT b.owner_id AS owner_id, CASE WHEN b.archived_at IS NOT NULL THEN -2 WHEN b.allocated_micros = 0 AND b.spent_micros = 0 THEN -1 WHEN b.spent_micros >= b.allocated_micros THEN 200 WHEN b.spent_micros * 10 >= b.allocated_micros * 9 THEN 180 WHEN b.spent_micros * 10 >= b.allocated_micros * 8 THEN 160 WHEN b.spent_micros * 10 >= b.allocated_micros * 5 THEN 100 ELSE 0 END AS grade, -1 AS agents, -((b.allocated_micros) / 1000000) AS allocated_whole, -((b.allocated_micros) % 1000000) AS allocated_rest, -((b.reserved_micros) / 1000000) AS reserved_whole, -((b.reserved_micros) % 1000000) AS reserved_rest, -((b.spent_micros) / 1000000) AS spent_whole, -((b.spent_micros) % 1000000) AS spent_rest, -((CASE WHEN (b.spent_micros + b.reserved_micros - b.allocated_micros) > 0 THEN (b.spent_micros + b.reserved_micros - b.allocated_micros) ELSE 0 END) / 1000000) AS overdrawn_whole, -((CASE WHEN (b.spent_micros + b.reserved_micros - b.allocated_micros) > 0 THEN (b.spent_micros + b.reserved_micros - b.allocated_micros) ELSE 0 END) % 1000000) AS overdrawn_rest FROM gone b WHERE b.owner_id IS NOT NULL) c GROUP BY c.owner_id, c.grade HAVING sum(c.agents) <> 0 OR sum(c.allocated_whole) <> 0 OR sum(c.allocated_rest) <> 0 OR sum(c.reserved_whole) <> 0 OR sum(c.reserved_rest) <> 0 OR sum(c.spent_whole) <> 0 OR sum(c.spent_rest) <> 0 OR sum(c.overdrawn_whole) <> 0 OR sum(c.overdrawn_rest) <> 0), e AS MATERIALIZED (SELECT d.*, (SELECT f.shard FROM budget_sums f WHERE f.owner_id = d.owner_id AND f.grade = d.grade ORDER BY f.shard LIMIT 1 FOR UPDATE SKIP LOCKED) AS free FROM d), u AS (UPDATE budget_sums s SET agents = s.agents + e.agents, allocated_whole = s.allocated_whole + e.allocated_whole, allocated_rest = s.allocated_rest + e.allocated_rest, reserved_whole = s.reserved_whole + e.reserved_whole, reserved_rest = s.reserved_rest + e.reserved_rest, spent_whole = s.spent_whole + e.spent_whole, spent_rest = s.spent_rest + e.spent_rest, overdrawn_whole = s.overdrawn_whole + e.overdrawn_whole, overdrawn_rest = s.overdrawn_rest + e.overdrawn_rest FROM e WHERE s.owner_id = e.owner_id AND s.grade = e.grade AND s.shard = e.free) INSERT INTO budget_sums (owner_id, grade, shard, agents, allocated_whole, allocated_rest, reserved_whole, reserved_rest, spent_whole, spent_rest, overdrawn_whole, overdrawn_rest) SELECT e.owner_id, e.grade, CAST(CAST(pg_current_xact_id() AS text) AS bigint), e.agents, e.allocated_whole, e.allocated_rest, e.reserved_whole, e.reserved_rest, e.spent_whole, e.spent_rest, e.overdrawn_whole, e.overdrawn_rest FROM e WHERE e.free IS NULL; RETURN NULL; END $$;
CREATE FUNCTION public.budget_sums_insert() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN WITH d AS (SELECT c.owner_id, c.grade, CAST(sum(c.agents) AS bigint) AS agents, CAST(sum(c.allocated_whole) AS bigint) AS allocated_whole, CAST(sum(c.allocated_rest) AS bigint) AS allocated_rest, CAST(sum(c.reserved_whole) AS bigint) AS reserved_whole, CAST(sum(c.reserved_rest) AS bigint) AS reserved_rest, CAST(sum(c.spent_whole) AS bigint) AS spent_whole, CAST(sum(c.spent_rest) AS bigint) AS spent_rest, CAST(sum(c.overdrawn_whole) AS bigint) AS overdrawn_whole, CAST(sum(c.overdrawn_rest) AS bigint) AS overdrawn_rest FROM (SELECT '' AS owner_id, CASE WHEN b.archived_at IS NOT NULL THEN -2 WHEN b.allocated_micros = 0 AND b.spent_micros = 0 THEN -1 WHEN b.spent_micros > b.allocated_micros AND b.allocated_micros > 0 THEN 201 ELSE b.used_rank END AS grade, 1 AS agents, ((b.allocated_micros) / 1000000) AS allocated_whole, ((b.allocated_micros) % 1000000) AS allocated_rest, ((b.reserved_micros) / 1000000) AS reserved_whole, ((b.reserved_micros) % 1000000) AS reserved_rest, ((b.spent_micros) / 1000000) AS spent_whole, ((b.spent_micros) % 1000000) AS spent_rest, ((CASE WHEN (b.spent_micros + b.reserved_micros - b.allocated_micros) > 0 THEN (b.spent_micros + b.reserved_micros - b.allocated_micros) ELSE 0 END) / 1000000) AS overdrawn_whole, ((CASE WHEN (b.spent_micros + b.reserved_micros - b.allocated_micros) > 0 THEN (b.spent_micros + b.reserved_micros - b.allocated_micros) ELSE 0 END) % 1000000) AS overdrawn_rest FROM made b WHERE true UNION ALL SELECT b.owner_id AS owner_id, CASE WHEN b.archived_at IS NOT NULL THEN -2 WHEN b.allocated_micros = 0 AND b.spent_micros = 0 THEN -1 WHEN b.spent_micros >= b.allocated_micros THEN 200 WHEN b.spent_micros * 10 >= b.allocated_micros * 9 THEN 180 WHEN b.spent_micros * 10 >= b.allocated_micros * 8 THEN 160 WHEN b.spent_micros * 10 >= b.allocated_micros * 5 THEN 100 ELSE 0 END AS grade, 1 AS agents, ((b.allocated_micros) / 1000000) AS allocated_whole, ((b.allocated_micros) % 1000000) AS allocated_rest, ((b.reserved_micros) / 1000000) AS reserved_whole, ((b.reserved_micros) % 1000000) AS reserved_rest, ((b.spent_micros) / 1000000) AS spent_whole, ((b.spent_micros) % 1000000) AS spent_rest, ((CASE WHEN (b.spent_micros + b.reserved_micros - b.allocated_micros) > 0 THEN (b.spent_micros + b.reserved_micros - b.allocated_micros) ELSE 0 END) / 1000000) AS overdrawn_whole, ((CASE WHEN (b.spent_micros + b.reserved_micros - b.allocated_micros) > 0 THEN (b.spent_micros + b.reserved_micros - b.allocated_micros) ELSE 0 END) % 1000000) AS overdrawn_rest FROM made b WHERE b.owner_id IS NOT NULL) c GROUP BY c.owner_id, c.grade HAVING sum(c.agents) <> 0 OR sum(c.allocated_whole) <> 0 OR sum(c.allocated_rest) <> 0 OR sum(c.reserved_whole) <> 0 OR sum(c.reserved_rest) <> 0 OR sum(c.spent_whole) <> 0 OR sum(c.spent_rest) <> 0 OR sum(c.overdrawn_whole) <> 0 OR sum(c.overdrawn_rest) <> 0), e AS MATERIALIZED (SELECT d.*, (SELECT f.shard FROM budget_sums f WHERE f.owner_id = d.owner_id AND f.grade = d.grade ORDER BY f.shard LIMIT 1 FOR UPDATE SKIP LOCKED) AS free FROM d), u AS (UPDATE budget_sums s SET agents = s.agents + e.agents, allocated_whole = s.allocated_whole + e.allocated_whole, allocated_rest = s.allocated_rest + e.allocated_rest, reserved_whole = s.reserved_whole + e.reserved_whole, reserved_rest = s.reserved_rest + e.reserved_rest, spent_whole = s.spent_whole + e.spent_whole, spent_rest = s.spent_rest + e.spent_rest, overdrawn_whole = s.overdrawn_whole + e.overdrawn_whole, overdrawn_rest = s.overdrawn_rest + e.overdrawn_rest FROM e WHERE s.owner_id = e.owner_id AND s.grade = e.grade AND s.shard = e.free) INSERT INTO budget_sums (owner_id, grade, shard, agents, allocated_whole, allocated_rest, reserved_whole, reserved_rest, spent_whole, spent_rest, overdrawn_whole, overdrawn_rest) SELECT e.owner_id, e.grade, CAST(CAST(pg_current_xact_id() AS text) AS bigint), e.agents, e.allocated_whole, e.allocated_rest, e.reserved_whole, e.reserved_rest, e.spent_whole, e.spent_rest, e.overdrawn_whole, e.overdrawn_rest FROM e WHERE e.free IS NULL; RETURN NULL; END $$;
CREATE FUNCTION public.budget_sums_update() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ DECLARE many bigint; before agent_budgets; after agent_budgets; was bigint; becomes bigint; BEGIN SELECT count(*) INTO many FROM made; IF many > 1 THEN WITH d AS (SELECT c.owner_id, c.grade, CAST(sum(c.agents) AS bigint) AS agents, CAST(sum(c.allocated_whole) AS bigint) AS allocated_whole, CAST(sum(c.allocated_rest) AS bigint) AS allocated_rest, CAST(sum(c.reserved_whole) AS bigint) AS reserved_whole, CAST(sum(c.reserved_rest) AS bigint) AS reserved_rest, CAST(sum(c.spent_whole) AS bigint) AS spent_whole, CAST(sum(c.spent_rest) AS bigint) AS spent_rest, CAST(sum(c.overdrawn_whole) AS bigint) AS overdrawn_whole, CAST(sum(c.overdrawn_rest) AS bigint) AS overdrawn_rest FROM (SELECT '' AS owner_id, CASE WHEN b.archived_at IS NOT NULL THEN -2 WHEN b.allocated_micros = 0 AND b.spent_micros = 0 THEN -1 WHEN b.spent_micros > b.allocated_micros AND b.allocated_micros > 0 THEN 201 ELSE b.used_rank END AS grade, -1 AS agents, -((b.allocated_micros) / 1000000) AS allocated_whole, -((b.allocated_micros) % 1000000) AS allocated_rest, -((b.reserved_micros) / 1000000) AS reserved_whole, -((b.reserved_micros) % 1000000) AS reserved_rest, -((b.spent_micros) / 1000000) AS spent_whole, -((b.spent_micros) % 1000000) AS spent_rest, -((CASE WHEN (b.spent_micros + b.reserved_micros - b.allocated_micros) > 0 THEN (b.spent_micros + b.reserved_micros - b.allocated_micros) ELSE 0 END) / 1000000) AS overdrawn_whole, -((CASE WHEN (b.spent_micros + b.reserved_micros - b.allocated_micros) > 0 THEN (b.spent_micros + b.reserved_micros - b.allocated_micros) ELSE 0 END) % 1000000) AS overdrawn_rest FROM gone b WHERE true UNION ALL SELECT b.owner_id AS owner_id, CASE WHEN b.archived_at IS NOT NULL THEN -2 WHEN b.allocated_micros = 0 AND b.spent_micros = 0 THEN -1 WHEN b.spent_micros >= b.allocated_micros THEN 200 WHEN b.spent_micros * 10 >= b.allocated_micros * 9 THEN 180 WHEN b.spent_micros * 10 >= b.allocated_micros * 8 THEN 160 WHEN b.spent_micros * 10 >= b.allocated_micros * 5 THEN 100 ELSE 0 END AS grade, -1 AS agents, -((b.allocated_micros) / 1000000) AS allocated_whole, -((b.allocated_micros) % 1000000) AS allocated_rest, -((b.reserved_micros) / 1000000) AS reserved_whole, -((b.reserved_micros) % 1000000) AS reserved_rest, -((b.spent_micros) / 1000000) AS spent_whole, -((b.spent_micros) % 1000000) AS spent_rest, -((CASE WHEN (b.spent_micros + b.reserved_micros - b.allocated_micros) > 0 THEN (b.spent_micros + b.reserved_micros - b.allocated_micros) ELSE 0 END) / 1000000) AS overdrawn_whole, -((CASE WHEN (b.spent_micros + b.reserved_micros - b.allocated_micros) > 0 THEN (b.spent_micros + b.reserved_micros - b.allocated_micros) ELSE 0 END) % 1000000) AS overdrawn_rest FROM gone b WHERE b.owner_id IS NOT NULL UNION ALL SELECT '' AS owner_id, CASE WHEN b.archived_at IS NOT NULL THEN -2 WHEN b.allocated_micros = 0 AND b.spent_micros = 0 THEN -1 WHEN b.spent_micros > b.allocated_micros AND b.allocated_micros > 0 THEN 201 ELSE b.used_rank END AS grade, 1 AS agents, ((b.allocated_micros) / 1000000) AS allocated_whole, ((b.allocated_micros) % 1000000) AS allocated_rest, ((b.reserved_micros) / 1000000) AS reserved_whole, ((b.reserved_micros) % 1000000) AS reserved_rest, ((b.spent_micros) / 1000000) AS spent_whole, ((b.spent_micros) % 1000000) AS spent_rest, ((CASE WHEN (b.spent_micros + b.reserved_micros - b.allocated_micros) > 0 THEN (b.spent_micros + b.reserved_micros - b.allocated_micros) ELSE 0 END) / 1000000) AS overdrawn_whole, ((CASE WHEN (b.spent_micros + b.reserved_micros - b.allocated_micros) > 0 THEN (b.spent_micros + b.reserved_micros - b.allocated_micros) ELSE 0 END) % 1000000) AS overdrawn_rest FROM made b WHERE true UNION ALL SELECT b.owner_id AS owner_id, CASE WHEN b.archived_at IS NOT NULL THEN -2 WHEN b.allocated_micros = 0 AND b.spent_micros = 0 THEN -1 WHEN b.spent_micros >= b.allocated_micros THEN 200 WHEN b.spent_micros * 10 >= b.allocated_micros * 9 THEN 180 WHEN b.spent_micros * 10 >= b.allocated_micros * 8 THEN 160 WHEN b.spent_micros * 10 >= b.allocated_micros * 5 THEN 100 ELSE 0 END AS grade, 1 AS agents, ((b.allocated_micros) / 1000000) AS allocated_whole, ((b.allocated_micros) % 1000000) AS allocated_rest, ((b.reserved_micros) / 1000000) AS reserved_whole, ((b.reserved_micros) % 1000000) AS reserved_rest, ((b.spent_micros) / 1000000) AS spent_whole, ((b.spent_micros) % 1000000) AS spent_rest, ((CASE WHEN (b.spent_micros + b.reserved_micros - b.allocated_micros) > 0 THEN (b.spent_micros + b.reserved_micros - b.allocated_micros) ELSE 0 END) / 1000000) AS overdrawn_whole, ((CASE WHEN (b.spent_micros + b.reserved_micros - b.allocated_micros) > 0 THEN (b.spent_micros + b.reserved_micros - b.allocated_micros) ELSE 0 END) % 1000000) AS overdrawn_rest FROM made b WHERE b.owner_id IS NOT NULL) c GROUP BY c.owner_id, c.grade HAVING sum(c.agents) <> 0 OR sum(c.allocated_whole) <> 0 OR sum(c.allocated_rest) <> 0 OR sum(c.reserved_whole) <> 0 OR sum(c.reserved_rest) <> 0 OR sum(c.spent_whole) <> 0 OR sum(c.spent_rest) <> 0 OR sum(c.overdrawn_whole) <> 0 OR sum(c.overdrawn_rest) <> 0), e AS MATERIALIZED (SELECT d.*, (SELECT f.shard FROM budget_sums f WHERE f.owner_id = d.owner_id AND f.grade = d.grade ORDER BY f.shard LIMIT 1 FOR UPDATE SKIP LOCKED) AS free FROM d), u AS (UPDATE budget_sums s SET agents = s.agents + e.agents, allocated_whole = s.allocated_whole + e.allocated_whole, allocated_rest = s.allocated_rest + e.allocated_rest, reserved_whole = s.reserved_whole + e.reserved_whole, reserved_rest = s.reserved_rest + e.reserved_rest, spent_whole = s.spent_whole + e.spent_whole, spent_rest = s.spent_rest + e.spent_rest, overdrawn_whole = s.overdrawn_whole + e.overdrawn_whole, overdrawn_rest = s.overdrawn_rest + e.overdrawn_rest FROM e WHERE s.owner_id = e.owner_id AND s.grade = e.grade AND s.shard = e.free) INSERT INTO budget_sums (owner_id, grade, shard, agents, allocated_whole, allocated_rest, reserved_whole, reserved_rest, spent_whole, spent_rest, overdrawn_whole, overdrawn_rest) SELECT e.owner_id, e.grade, CAST(CAST(pg_current_xact_id() AS text) AS bigint), e.agents, e.allocated_whole, e.allocated_rest, e.reserved_whole, e.reserved_rest, e.spent_whole, e.spent_rest, e.overdrawn_whole, e.overdrawn_rest FROM e WHERE e.free IS NULL; ELSIF many = 1 THEN SELECT * INTO before FROM gone; SELECT * INTO after FROM made; was := CASE WHEN before.archived_at IS NOT NULL THEN -2 WHEN before.allocated_micros = 0 AND before.spent_micros = 0 THEN -1 WHEN before.spent_micros > before.allocated_micros AND before.allocated_micros > 0 THEN 201 ELSE before.used_rank END; becomes := CASE WHEN after.archived_at IS NOT NULL THEN -2 WHEN after.allocated_micros = 0 AND after.spent_micros = 0 THEN -1 WHEN after.spent_micros > after.allocated_micros AND after.allocated_micros > 0 THEN 201 ELSE after.used_rank END; IF '' = '' AND was = becomes THEN UPDATE budget_sums s SET agents = s.agents + (1 - 1), allocated_whole = s.allocated_whole + (((after.allocated_micros) / 1000000) - ((before.allocated_micros) / 1000000)), allocated_rest = s.allocated_rest + (((after.allocated_micros) % 1000000) - ((before.allocated_micros) % 1000000)), reserved_whole = s.reserved_whole + (((after.reserved_micros) / 1000000) - ((before.reserved_micros) / 1000000)), reserved_rest = s.reserved_rest + (((after.reserved_micros) % 1000000) - ((before.reserved_micros) % 1000000)), spent_whole = s.spent_whole + (((after.spent_micros) / 1000000) - ((before.spent_micros) / 1000000)), spent_rest = s.spent_rest + (((after.spent_micros) % 1000000) - ((before.spent_micros) % 1000000)), overdrawn_whole = s.overdrawn_whole + (((CASE WHEN (after.spent_micros + after.reserved_micros - after.allocated_micros) > 0 THEN (after.spent_micros + after.reserved_micros - after.allocated_micros) ELSE 0 END) / 1000000) - ((CASE WHEN (before.spent_micros + before.reserved_micros - before.allocated_micros) > 0 THEN (before.spent_micros + before.reserved_micros - before.allocated_micros) ELSE 0 END) / 1000000)), overdrawn_rest = s.overdrawn_rest + (((CASE WHEN (after.spent_micros + after.reserved_micros - after.allocated_micros) > 0 THEN (after.spent_micros + after.reserved_micros - after.allocated_micros) ELSE 0 END) % 1000000) - ((CASE WHEN (before.spent_micros + before.reserved_micros - before.allocated_micros) > 0 THEN (before.spent_micros + before.reserved_micros - before.allocated_micros) ELSE 0 END) % 1000000)) WHERE s.owner_id = '' AND s.grade = was AND s.shard = (SELECT f.shard FROM budget_sums f WHERE f.owner_id = '' AND f.grade = was ORDER BY f.shard LIMIT 1 FOR UPDATE SKIP LOCKED); IF NOT FOUND THEN INSERT INTO budget_sums (owner_id, grade, shard, agents, allocated_whole, allocated_rest, reserved_whole, reserved_rest, spent_whole, spent_rest, overdrawn_whole, overdrawn_rest) VALUES ('', was, CAST(CAST(pg_current_xact_id() AS text) AS bigint), 1 - 1, ((after.allocated_micros) / 1000000) - ((before.allocated_micros) / 1000000), ((after.allocated_micros) % 1000000) - ((before.allocated_micros) % 1000000), ((after.reserved_micros) / 1000000) - ((before.reserved_micros) / 1000000), ((after.reserved_micros) % 1000000) - ((before.reserved_micros) % 1000000), ((after.spent_micros) / 1000000) - ((before.spent_micros) / 1000000), ((after.spent_micros) % 1000000) - ((before.spent_micros) % 1000000), ((CASE WHEN (after.spent_micros + after.reserved_micros - after.allocated_micros) > 0 THEN (after.spent_micros + after.reserved_micros - after.allocated_micros) ELSE 0 END) / 1000000) - ((CASE WHEN (before.spent_micros + before.reserved_micros - before.allocated_micros) > 0 THEN (before.spent_micros + before.reserved_micros - before.allocated_micros) ELSE 0 END) / 1000000), ((CASE WHEN (after.spent_micros + after.reserved_micros - after.allocated_micros) > 0 THEN (after.spent_micros + after.reserved_micros - after.allocated_micros) ELSE 0 END) % 1000000) - ((CASE WHEN (before.spent_micros + before.reserved_micros - before.allocated_micros) > 0 THEN (before.spent_micros + before.reserved_micros - before.allocated_micros) ELSE 0 END) % 1000000)); END IF; ELSE IF true THEN UPDATE budget_sums s SET agents = s.agents + (-1), allocated_whole = s.allocated_whole + (-((before.allocated_micros) / 1000000)), allocated_rest = s.allocated_rest + (-((before.allocated_micros) % 1000000)), reserved_whole = s.reserved_whole + (-((before.reserved_micros) / 1000000)), reserved_rest = s.reserved_rest + (-((before.reserved_micros) % 1000000)), spent_whole = s.spent_whole + (-((before.spent_micros) / 1000000)), spent_rest = s.spent_rest + (-((before.spent_micros) % 1000000)), overdrawn_whole = s.overdrawn_whole + (-((CASE WHEN (before.spent_micros + before.reserved_micros - before.allocated_micros) > 0 THEN (before.spent_micros + before.reserved_micros - before.allocated_micros) ELSE 0 END) / 1000000)), overdrawn_rest = s.overdrawn_rest + (-((CASE WHEN (before.spent_micros + before.reserved_micros - before.allocated_micros) > 0 THEN (before.spent_micros + before.reserved_micros - before.allocated_micros) ELSE 0 END) % 1000000)) WHERE s.owner_id = '' AND s.grade = was AND s.shard = (SELECT f.shard FROM budget_sums f WHERE f.owner_id = '' AND f.grade = was ORDER BY f.shard LIMIT 1 FOR UPDATE SKIP LOCKED); IF NOT FOUND THEN INSERT INTO budget_sums (owner_id, grade, shard, agents, allocated_whole, allocated_rest, reserved_whole, reserved_rest, spent_whole, spent_rest, overdrawn_whole, overdrawn_rest) VALUES ('', was, CAST(CAST(pg_current_xact_id() AS text) AS bigint), -1, -((before.allocated_micros) / 1000000), -((before.allocated_micros) % 1000000), -((before.reserved_micros) / 1000000), -((before.reserved_micros) % 1000000), -((before.spent_micros) / 1000000), -((before.spent_micros) % 1000000), -((CASE WHEN (before.spent_micros + before.reserved_micros - before.allocated_micros) > 0 THEN (before.spent_micros + before.reserved_micros - before.allocated_micros) ELSE 0 END) / 1000000), -((CASE WHEN (before.spent_micros + before.reserved_micros - before.allocated_micros) > 0 THEN (before.spent_micros + before.reserved_micros - before.allocated_micros) ELSE 0 END) % 1000000)); END IF; END IF; IF true THEN UPDATE budget_sums s SET agents = s.agents + (1), allocated_whole = s.allocated_whole + (((after.allocated_micros) / 1000000)), allocated_rest = s.allocated_rest + (((after.allocated_micros) % 1000000)), reserved_whole = s.reserved_whole + (((after.reserved_micros) / 1000000)), reserved_rest = s.reserved_rest + (((after.reserved_micros) % 1000000)), spent_whole = s.spent_whole + (((after.spent_micros) / 1000000)), spent_rest = s.spent_rest + (((after.spent_micros) % 1000000)), overdrawn_whole = s.overdrawn_whole + (((CASE WHEN (after.spent_micros + after.reserved_micros - after.allocated_micros) > 0 THEN (after.spent_micros + after.reserved_micros - after.allocated_micros) ELSE 0 END) / 1000000)), overdrawn_rest = s.overdrawn_rest + (((CASE WHEN (after.spent_micros + after.reserved_micros - after.allocated_micros) > 0 THEN (after.spent_micros + after.reserved_micros - after.allocated_micros) ELSE 0 END) % 1000000)) WHERE s.owner_id = '' AND s.grade = becomes AND s.shard = (SELECT f.shard FROM budget_sums f WHERE f.owner_id = '' AND f.grade = becomes ORDER BY f.shard LIMIT 1 FOR UPDATE SKIP LOCKED); IF NOT FOUND THEN INSERT INTO budget_sums (owner_id, grade, shard, agents, allocated_whole, allocated_rest, reserved_whole, reserved_rest, spent_whole, spent_rest, overdrawn_whole, overdrawn_rest) VALUES ('', becomes, CAST(CAST(pg_current_xact_id() AS text) AS bigint), 1, ((after.allocated_micros) / 1000000), ((after.allocated_micros) % 1000000), ((after.reserved_micros) / 1000000), ((after.reserved_micros) % 1000000), ((after.spent_micros) / 1000000), ((after.spent_micros) % 1000000), ((CASE WHEN (after.spent_micros + after.reserved_micros - after.allocated_micros) > 0 THEN (after.spent_micros + after.reserved_micros - after.allocated_micros) ELSE 0 END) / 1000000), ((CASE WHEN (after.spent_micros + after.reserved_micros - after.allocated_micros) > 0 THEN (after.spent_micros + after.reserved_micros - after.allocated_micros) ELSE 0 END) % 1000000)); END IF; END IF; END IF; was := CASE WHEN before.archived_at IS NOT NULL THEN -2 WHEN before.allocated_micros = 0 AND before.spent_micros = 0 THEN -1 WHEN before.spent_micros >= before.allocated_micros THEN 200 WHEN before.spent_micros * 10 >= before.allocated_micros * 9 THEN 180 WHEN before.spent_micros * 10 >= before.allocated_micros * 8 THEN 160 WHEN before.spent_micros * 10 >= before.allocated_micros * 5 THEN 100 ELSE 0 END; becomes := CASE WHEN after.archived_at IS NOT NULL THEN -2 WHEN after.allocated_micros = 0 AND after.spent_micros = 0 THEN -1 WHEN after.spent_micros >= after.allocated_micros THEN 200 WHEN after.spent_micros * 10 >= after.allocated_micros * 9 THEN 180 WHEN after.spent_micros * 10 >= after.allocated_micros * 8 THEN 160 WHEN after.spent_micros * 10 >= after.allocated_micros * 5 THEN 100 ELSE 0 END; IF before.owner_id = after.owner_id AND was = becomes THEN UPDATE budget_sums s SET agents = s.agents + (1 - 1), allocated_whole = s.allocated_whole + (((after.allocated_micros) / 1000000) - ((before.allocated_micros) / 1000000)), allocated_rest = s.allocated_rest + (((after.allocated_micros) % 1000000) - ((before.allocated_micros) % 1000000)), reserved_whole = s.reserved_whole + (((after.reserved_micros) / 1000000) - ((before.reserved_micros) / 1000000)), reserved_rest = s.reserved_rest + (((after.reserved_micros) % 1000000) - ((before.reserved_micros) % 1000000)), spent_whole = s.spent_whole + (((after.spent_micros) / 1000000) - ((before.spent_micros) / 1000000)), spent_rest = s.spent_rest + (((after.spent_micros) % 1000000) - ((before.spent_micros) % 1000000)), overdrawn_whole = s.overdrawn_whole + (((CASE WHEN (after.spent_micros + after.reserved_micros - after.allocated_micros) > 0 THEN (after.spent_micros + after.reserved_micros - after.allocated_micros) ELSE 0 END) / 1000000) - ((CASE WHEN (before.spent_micros + before.reserved_micros - before.allocated_micros) > 0 THEN (before.spent_micros + before.reserved_micros - before.allocated_micros) ELSE 0 END) / 1000000)), overdrawn_rest = s.overdrawn_rest + (((CASE WHEN (after.spent_micros + after.reserved_micros - after.allocated_micros) > 0 THEN (after.spent_micros + after.reserved_micros - after.allocated_micros) ELSE 0 END) % 1000000) - ((CASE WHEN (before.spent_micros + before.reserved_micros - before.allocated_micros) > 0 THEN (before.spent_micros + before.reserved_micros - before.allocated_micros) ELSE 0 END) % 1000000)) WHERE s.owner_id = after.owner_id AND s.grade = was AND s.shard = (SELECT f.shard FROM budget_sums f WHERE f.owner_id = after.owner_id AND f.grade = was ORDER BY f.shard LIMIT 1 FOR UPDATE SKIP LOCKED); IF NOT FOUND THEN INSERT INTO budget_sums (owner_id, grade, shard, agents, allocated_whole, allocated_rest, reserved_whole, reserved_rest, spent_whole, spent_rest, overdrawn_whole, overdrawn_rest) VALUES (after.owner_id, was, CAST(CAST(pg_current_xact_id() AS text) AS bigint), 1 - 1, ((after.allocated_micros) / 1000000) - ((before.allocated_micros) / 1000000), ((after.allocated_micros) % 1000000) - ((before.allocated_micros) % 1000000), ((after.reserved_micros) / 1000000) - ((before.reserved_micros) / 1000000), ((after.reserved_micros) % 1000000) - ((before.reserved_micros) % 1000000), ((after.spent_micros) / 1000000) - ((before.spent_micros) / 1000000), ((after.spent_micros) % 1000000) - ((before.spent_micros) % 1000000), ((CASE WHEN (after.spent_micros + after.reserved_micros - after.allocated_micros) > 0 THEN (after.spent_micros + after.reserved_micros - after.allocated_micros) ELSE 0 END) / 1000000) - ((CASE WHEN (before.spent_micros + before.reserved_micros - before.allocated_micros) > 0 THEN (before.spent_micros + before.reserved_micros - before.allocated_micros) ELSE 0 END) / 1000000), ((CASE WHEN (after.spent_micros + after.reserved_micros - after.allocated_micros) > 0 THEN (after.spent_micros + after.reserved_micros - after.allocated_micros) ELSE 0 END) % 1000000) - ((CASE WHEN (before.spent_micros + before.reserved_micros - before.allocated_micros) > 0 THEN (before.spent_micros + before.reserved_micros - before.allocated_micros) ELSE 0 END) % 1000000)); END IF; ELSE IF before.owner_id IS NOT NULL THEN UPDATE budget_sums s SET agents = s.agents + (-1), allocated_whole = s.allocated_whole + (-((before.allocated_micros) / 1000000)), allocated_rest = s.allocated_rest + (-((before.allocated_micros) % 1000000)), reserved_whole = s.reserved_whole + (-((before.reserved_micros) / 1000000)), reserved_rest = s.reserved_rest + (-((before.reserved_micros) % 1000000)), spent_whole = s.spent_whole + (-((before.spent_micros) / 1000000)), spent_rest = s.spent_rest + (-((before.spent_micros) % 1000000)), overdrawn_whole = s.overdrawn_whole + (-((CASE WHEN (before.spent_micros + before.reserved_micros - before.allocated_micros) > 0 THEN (before.spent_micros + before.reserved_micros - before.allocated_micros) ELSE 0 END) / 1000000)), overdrawn_rest = s.overdrawn_rest + (-((CASE WHEN (before.spent_micros + before.reserved_micros - before.allocated_micros) > 0 THEN (before.spent_micros + before.reserved_micros - before.allocated_micros) ELSE 0 END) % 1000000)) WHERE s.owner_id = before.owner_id AND s.grade = was AND s.shard = (SELECT f.shard FROM budget_sums f WHERE f.owner_id = before.owner_id AND f.grade = was ORDER BY f.shard LIMIT 1 FOR UPDATE SKIP LOCKED); IF NOT FOUND THEN INSERT INTO budget_sums (owner_id, grade, shard, agents, allocated_whole, allocated_rest, reserved_whole, reserved_rest, spent_whole, spent_rest, overdrawn_whole, overdrawn_rest) VALUES (before.owner_id, was, CAST(CAST(pg_current_xact_id() AS text) AS bigint), -1, -((before.allocated_micros) / 1000000), -((before.allocated_micros) % 1000000), -((before.reserved_micros) / 1000000), -((before.reserved_micros) % 1000000), -((before.spent_micros) / 1000000), -((before.spent_micros) % 1000000), -((CASE WHEN (before.spent_micros + before.reserved_micros - before.allocated_micros) > 0 THEN (before.spent_micros + before.reserved_micros - before.allocated_micros) ELSE 0 END) / 1000000), -((CASE WHEN (before.spent_micros + before.reserved_micros - before.allocated_micros) > 0 THEN (before.spent_micros + before.reserved_micros - before.allocated_micros) ELSE 0 END) % 1000000)); END IF; END IF; IF after.owner_id IS NOT NULL THEN UPDATE budget_sums s SET agents = s.agents + (1), allocated_whole = s.allocated_whole + (((after.allocated_micros) / 1000000)), allocated_rest = s.allocated_rest + (((after.allocated_micros) % 1000000)), reserved_whole = s.reserved_whole + (((after.reserved_micros) / 1000000)), reserved_rest = s.reserved_rest + (((after.reserved_micros) % 1000000)), spent_whole = s.spent_whole + (((after.spent_micros) / 1000000)), spent_rest = s.spent_rest + (((after.spent_micros) % 1000000)), overdrawn_whole = s.overdrawn_whole + (((CASE WHEN (after.spent_micros + after.reserved_micros - after.allocated_micros) > 0 THEN (after.spent_micros + after.reserved_micros - after.allocated_micros) ELSE 0 END) / 1000000)), overdrawn_rest = s.overdrawn_rest + (((CASE WHEN (after.spent_micros + after.reserved_micros - after.allocated_micros) > 0 THEN (after.spent_micros + after.reserved_micros - after.allocated_micros) ELSE 0 END) % 1000000)) WHERE s.owner_id = after.owner_id AND s.grade = becomes AND s.shard = (SELECT f.shard FROM budget_sums f WHERE f.owner_id = after.owner_id AND f.grade = becomes ORDER BY f.shard LIMIT 1 FOR UPDATE SKIP LOCKED); IF NOT FOUND THEN INSERT INTO budget_sums (owner_id, grade, shard, agents, allocated_whole, allocated_rest, reserved_whole, reserved_rest, spent_whole, spent_rest, overdrawn_whole, overdrawn_rest) VALUES (after.owner_id, becomes, CAST(CAST(pg_current_xact_id() AS text) AS bigint), 1, ((after.allocated_micros) / 1000000), ((after.allocated_micros) % 1000000), ((after.reserved_micros) / 1000000), ((after.reserved_micros) % 1000000), ((after.spent_micros) / 1000000), ((after.spent_micros) % 1000000), ((CASE WHEN (after.spent_micros + after.reserved_micros - after.allocated_micros) > 0 THEN (after.spent_micros + after.reserved_micros - after.allocated_micros) ELSE 0 END) / 1000000), ((CASE WHEN (after.spent_micros + after.reserved_micros - after.allocated_micros) > 0 THEN (after.spent_micros + after.reserved_micros - after.allocated_micros) ELSE 0 END) % 1000000)); END IF; END IF; END IF; END IF; RETURN NULL; END $$;
CREATE FUNCTION public.copy_noted_agents() RETURNS void
    LANGUAGE plpgsql
    AS $$ DECLARE noted text[] := CAST(coalesce(nullif(current_setting('iron.agents_moved', true), ''), '{}') AS text[]); BEGIN IF noted = '{}' THEN RETURN; END IF; PERFORM set_config('iron.agents_moved', '', true); UPDATE agents SET archived = CASE WHEN b.archived_at IS NULL THEN 0 ELSE 1 END, owner_id = b.owner_id FROM agent_budgets b WHERE b.agent_id = agents.id AND agents.id = ANY (noted); END $$;
CREATE FUNCTION public.count_entries(counted text, counted_part text, more bigint) RETURNS void
    LANGUAGE plpgsql
    AS $$ DECLARE free bigint; BEGIN SELECT c.shard INTO free FROM list_counts c WHERE c.list = counted AND c.part = counted_part ORDER BY c.shard LIMIT 1 FOR UPDATE SKIP LOCKED; IF FOUND THEN UPDATE list_counts c SET entries = c.entries + more WHERE c.list = counted AND c.part = counted_part AND c.shard = free; ELSE INSERT INTO list_counts (list, part, shard, entries) VALUES (counted, counted_part, CAST(CAST(pg_current_xact_id() AS text) AS bigint), more); END IF; END $$;
CREATE FUNCTION public.count_noted(counted text) RETURNS void
    LANGUAGE plpgsql
    AS $$ DECLARE noted jsonb := coalesce(nullif(current_setting('iron.counts_' || counted, true), ''), '{}'); d record; BEGIN IF noted = '{}' THEN RETURN; END IF; PERFORM set_config('iron.counts_' || counted, '', true); FOR d IN SELECT n.key AS part, CAST(n.value AS bigint) AS more FROM jsonb_each_text(noted) n WHERE n.value <> '0' ORDER BY 1 LOOP PERFORM count_entries(counted, d.part, d.more); END LOOP; END $$;
CREATE FUNCTION public.events_insert() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ DECLARE added bigint; lowest bigint; highest bigint; done bigint; due bigint; BEGIN SELECT count(*), min(m.seq), max(m.seq) INTO added, lowest, highest FROM made m; IF added = 0 THEN RETURN NULL; END IF; UPDATE log_heads SET head_seq = highest, updated_at = (SELECT m.at FROM made m WHERE m.seq = highest) WHERE name = 'events' AND head_seq = lowest - 1 AND highest - lowest = added - 1; IF NOT FOUND THEN RAISE EXCEPTION 'events: out of sequence' USING ERRCODE = 'restrict_violation'; END IF; done := (lowest - 1) - (lowest - 1) % 1024; due := highest - highest % 1024; IF due > done THEN INSERT INTO agent_events (agent_id, seq) SELECT e.agent_id, e.seq FROM events e WHERE e.seq > done AND e.seq <= due ORDER BY e.agent_id, e.seq; END IF; RETURN NULL; END $$;
CREATE FUNCTION public.events_no_delete() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN IF OLD.seq > (SELECT floor FROM log_heads WHERE name = 'events') THEN RAISE EXCEPTION 'events is append-only' USING ERRCODE = 'restrict_violation'; END IF; RETURN OLD; END $$;
CREATE FUNCTION public.events_no_update() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'events is append-only' USING ERRCODE = 'restrict_violation'; END $$;
CREATE FUNCTION public.lease_entries_insert() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN INSERT INTO lease_entries (lease_id, seq) SELECT l.lease_id, l.seq FROM ledger_entries l WHERE l.lease_id IS NOT NULL AND l.agent_id = NEW.agent_id AND l.seq > NEW.seq - 64 AND l.seq <= NEW.seq ORDER BY l.lease_id, l.seq; RETURN NULL; END $$;
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
CREATE FUNCTION public.note_count(counted text, counted_part text, more bigint) RETURNS void
    LANGUAGE plpgsql
    AS $$ DECLARE noted jsonb := coalesce(nullif(current_setting('iron.counts_' || counted, true), ''), '{}'); notes text; BEGIN notes := jsonb_set(noted, ARRAY[counted_part], to_jsonb(coalesce(CAST(noted ->> counted_part AS bigint), 0) + more)); PERFORM set_config('iron.counts_' || counted, notes, true); IF length(notes) > 8000 THEN PERFORM count_noted(counted); END IF; END $$;
CREATE FUNCTION public.owned_agents_count_delete() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ DECLARE d record; BEGIN FOR d IN SELECT t.state || CASE WHEN t.archived = 1 THEN ' archived' ELSE ' active' END || ' ' || coalesce(t.owner_id, '') AS part, count(*) AS entries FROM moved t GROUP BY 1 LOOP PERFORM count_entries('owned_agents', d.part, -1 * d.entries); END LOOP; RETURN NULL; END $$;
CREATE FUNCTION public.owned_agents_count_insert() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ DECLARE d record; BEGIN FOR d IN SELECT t.state || CASE WHEN t.archived = 1 THEN ' archived' ELSE ' active' END || ' ' || coalesce(t.owner_id, '') AS part, count(*) AS entries FROM moved t GROUP BY 1 LOOP PERFORM count_entries('owned_agents', d.part, 1 * d.entries); END LOOP; RETURN NULL; END $$;
CREATE FUNCTION public.owned_agents_count_noted() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN PERFORM count_noted('owned_agents'); RETURN NULL; END $$;
CREATE FUNCTION public.owned_agents_count_update() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ DECLARE gone text; made text; BEGIN gone := OLD.state || CASE WHEN OLD.archived = 1 THEN ' archived' ELSE ' active' END || ' ' || coalesce(OLD.owner_id, ''); made := NEW.state || CASE WHEN NEW.archived = 1 THEN ' archived' ELSE ' active' END || ' ' || coalesce(NEW.owner_id, ''); IF gone <> made THEN PERFORM note_count('owned_agents', gone, -1); PERFORM note_count('owned_agents', made, 1); END IF; RETURN NULL; END $$;
CREATE FUNCTION public.provider_keys_count_delete() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ DECLARE d record; BEGIN FOR d IN SELECT t.status AS part, count(*) AS entries FROM moved t GROUP BY 1 LOOP PERFORM count_entries('provider_keys', d.part, -1 * d.entries); END LOOP; RETURN NULL; END $$;
CREATE FUNCTION public.provider_keys_count_insert() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ DECLARE d record; BEGIN FOR d IN SELECT t.status AS part, count(*) AS entries FROM moved t GROUP BY 1 LOOP PERFORM count_entries('provider_keys', d.part, 1 * d.entries); END LOOP; RETURN NULL; END $$;
CREATE FUNCTION public.provider_keys_count_noted() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN PERFORM count_noted('provider_keys'); RETURN NULL; END $$;
CREATE FUNCTION public.provider_keys_count_update() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ DECLARE gone text; made text; BEGIN gone := OLD.status; made := NEW.status; IF gone <> made THEN PERFORM note_count('provider_keys', gone, -1); PERFORM note_count('provider_keys', made, 1); END IF; RETURN NULL; END $$;
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
CREATE FUNCTION public.users_count_delete() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ DECLARE d record; BEGIN FOR d IN SELECT t.role || CASE WHEN t.deleted_at IS NOT NULL THEN ' deleted' WHEN t.suspended_at IS NOT NULL THEN ' suspended' ELSE ' active' END AS part, count(*) AS entries FROM moved t GROUP BY 1 LOOP PERFORM count_entries('users', d.part, -1 * d.entries); END LOOP; RETURN NULL; END $$;
CREATE FUNCTION public.users_count_insert() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ DECLARE d record; BEGIN FOR d IN SELECT t.role || CASE WHEN t.deleted_at IS NOT NULL THEN ' deleted' WHEN t.suspended_at IS NOT NULL THEN ' suspended' ELSE ' active' END AS part, count(*) AS entries FROM moved t GROUP BY 1 LOOP PERFORM count_entries('users', d.part, 1 * d.entries); END LOOP; RETURN NULL; END $$;
CREATE FUNCTION public.users_count_noted() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN PERFORM count_noted('users'); RETURN NULL; END $$;
CREATE FUNCTION public.users_count_update() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ DECLARE gone text; made text; BEGIN gone := OLD.role || CASE WHEN OLD.deleted_at IS NOT NULL THEN ' deleted' WHEN OLD.suspended_at IS NOT NULL THEN ' suspended' ELSE ' active' END; made := NEW.role || CASE WHEN NEW.deleted_at IS NOT NULL THEN ' deleted' WHEN NEW.suspended_at IS NOT NULL THEN ' suspended' ELSE ' active' END; IF gone <> made THEN PERFORM note_count('users', gone, -1); PERFORM note_count('users', made, 1); END IF; RETURN NULL; END $$;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.actor_entries (
    actor_id text NOT NULL COLLATE pg_catalog."C",
    seq bigint NOT NULL,
    CONSTRAINT actor_entries_seq_check CHECK (((seq >= 1) AND (seq <= '9007199254740991'::bigint)))
);
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
    used_rank bigint DEFAULT 0 NOT NULL,
    spent_rank bigint DEFAULT 1000 NOT NULL,
    left_rank bigint DEFAULT 1000 NOT NULL,
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
CREATE TABLE public.agent_events (
    agent_id text NOT NULL COLLATE pg_catalog."C",
    seq bigint NOT NULL,
    CONSTRAINT agent_events_agent_id_check CHECK (((length(agent_id) >= 1) AND (length(agent_id) <= 255))),
    CONSTRAINT agent_events_seq_check CHECK (((seq >= 1) AND (seq <= '9007199254740991'::bigint)))
);
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
    archived bigint DEFAULT 0 NOT NULL,
    owner_id text COLLATE pg_catalog."C",
    CONSTRAINT agents_archived_check CHECK ((archived = ANY (ARRAY[(0)::bigint, (1)::bigint]))),
    CONSTRAINT agents_description_check CHECK ((length(description) <= 500)),
    CONSTRAINT agents_desired_state_check CHECK ((desired_state = ANY (ARRAY['running'::text, 'stopped'::text]))),
    CONSTRAINT agents_id_check CHECK (((length(id) >= 1) AND (length(id) <= 255))),
    CONSTRAINT agents_name_check CHECK (((length(name) >= 1) AND (length(name) <= 100))),
    CONSTRAINT agents_owner_id_check CHECK (((length(owner_id) >= 1) AND (length(owner_id) <= 255))),
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
CREATE TABLE public.agent_tags (
    tag text NOT NULL COLLATE pg_catalog."C",
    created_at bigint NOT NULL,
    agent_id text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT agent_tags_agent_id_check CHECK (((length(agent_id) >= 1) AND (length(agent_id) <= 255)))
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
CREATE TABLE public.budget_sums (
    owner_id text NOT NULL COLLATE pg_catalog."C",
    grade bigint NOT NULL,
    shard bigint NOT NULL,
    agents bigint NOT NULL,
    allocated_whole bigint NOT NULL,
    allocated_rest bigint NOT NULL,
    reserved_whole bigint NOT NULL,
    reserved_rest bigint NOT NULL,
    spent_whole bigint NOT NULL,
    spent_rest bigint NOT NULL,
    overdrawn_whole bigint NOT NULL,
    overdrawn_rest bigint NOT NULL,
    CONSTRAINT budget_sums_grade_check CHECK (((grade >= '-2'::integer) AND (grade <= 201))),
    CONSTRAINT budget_sums_owner_id_check CHECK ((length(owner_id) <= 255)),
    CONSTRAINT budget_sums_shard_check CHECK (((shard >= 0) AND (shard <= '9007199254740991'::bigint)))
)
WITH (fillfactor='70', autovacuum_vacuum_scale_factor='0.02', autovacuum_analyze_scale_factor='0.02');
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
CREATE TABLE public.lease_entries (
    lease_id text NOT NULL COLLATE pg_catalog."C",
    seq bigint NOT NULL,
    CONSTRAINT lease_entries_lease_id_check CHECK (((length(lease_id) >= 1) AND (length(lease_id) <= 255))),
    CONSTRAINT lease_entries_seq_check CHECK (((seq >= 1) AND (seq <= '9007199254740991'::bigint)))
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
CREATE TABLE public.list_counts (
    list text NOT NULL COLLATE pg_catalog."C",
    part text NOT NULL COLLATE pg_catalog."C",
    shard bigint NOT NULL,
    entries bigint NOT NULL,
    CONSTRAINT list_counts_list_check CHECK ((list = ANY (ARRAY['agents'::text, 'owned_agents'::text, 'agent_tags'::text, 'api_tokens'::text, 'budget_requests'::text, 'provider_keys'::text, 'users'::text]))),
    CONSTRAINT list_counts_part_check CHECK (((length(part) >= 1) AND (length(part) <= 300))),
    CONSTRAINT list_counts_shard_check CHECK (((shard >= 0) AND (shard <= '9007199254740991'::bigint)))
)
WITH (fillfactor='70', autovacuum_vacuum_scale_factor='0.02', autovacuum_analyze_scale_factor='0.02');
CREATE TABLE public.log_heads (
    name text NOT NULL COLLATE pg_catalog."C",
    head_seq bigint DEFAULT 0 NOT NULL,
    head_hash text COLLATE pg_catalog."C",
    floor bigint DEFAULT 0 NOT NULL,
    updated_at bigint NOT NULL,
    newest_at bigint DEFAULT 0 NOT NULL,
    late_ms bigint DEFAULT 0 NOT NULL,
    CONSTRAINT log_heads_audit_is_chained CHECK (((name = 'audit'::text) = (head_hash IS NOT NULL))),
    CONSTRAINT log_heads_audit_keeps_all CHECK (((name <> 'audit'::text) OR (floor = 0))),
    CONSTRAINT log_heads_floor_check CHECK (((floor >= 0) AND (floor <= '9007199254740991'::bigint))),
    CONSTRAINT log_heads_floor_within_head CHECK ((floor <= head_seq)),
    CONSTRAINT log_heads_head_hash_check CHECK ((length(head_hash) = 64)),
    CONSTRAINT log_heads_head_seq_check CHECK (((head_seq >= 0) AND (head_seq <= '9007199254740991'::bigint))),
    CONSTRAINT log_heads_late_ms_check CHECK (((late_ms >= 0) AND (late_ms <= '9007199254740991'::bigint))),
    CONSTRAINT log_heads_name_check CHECK ((name = ANY (ARRAY['audit'::text, 'events'::text]))),
    CONSTRAINT log_heads_newest_at_check CHECK (((newest_at >= 0) AND (newest_at <= '9007199254740991'::bigint)))
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
 SELECT budget_sums.owner_id,
    (((sum(budget_sums.reserved_whole) * (1000000)::numeric) + sum(budget_sums.reserved_rest)))::bigint AS reserved
   FROM public.budget_sums
  WHERE (budget_sums.owner_id <> ''::text)
  GROUP BY budget_sums.owner_id;
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
CREATE VIEW public.tagged_agent AS
 SELECT DISTINCT a.id AS agent_id,
    a.created_at,
    (j.tag COLLATE "C") AS tag
   FROM public.agents a,
    LATERAL json_array_elements_text((a.tags)::json) j(tag);
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
INSERT INTO public.agent_budgets VALUES ('agent_01a22be7-2c0f-7000-9c8a-882daa309945', 'user_01a22be7-2874-7000-98d7-c5fcfa5100bc', 1000000, 0, 0, 1, 1, '762fdeaaa5fa3f4f459e6c5a8b475301b465c759005275c9d8c355491369ceb6', 0, NULL, 1796032900111, 1796032900111, 0, 1000, 3100);
INSERT INTO public.agent_budgets VALUES ('agent_01a22be7-2bde-7000-9bca-77306222463f', 'user_01a22be7-2874-7000-98d7-c5fcfa5100bc', 100000000, 5000000, 6500000, 1, 6, '4f730ff490c88136c508da2422c2f8f1108b4174395b0ad86106a2c6dbcb0b43', 0, NULL, 1796032900063, 1796032900281, 13, 3650, 4885);
INSERT INTO public.agent_providers VALUES ('agent_01a22be7-2bde-7000-9bca-77306222463f', 'prov_01a22be7-2bb3-7000-9cfc-e6e42e6a064f', 0, 1796032900056);
INSERT INTO public.agent_providers VALUES ('agent_01a22be7-2c0f-7000-9c8a-882daa309945', 'prov_01a22be7-2bb3-7000-9cfc-e6e42e6a064f', 0, 1796032900108);
INSERT INTO public.agent_tags VALUES ('frozen', 1796032900108, 'agent_01a22be7-2c0f-7000-9c8a-882daa309945');
INSERT INTO public.agents VALUES ('agent_01a22be7-2c0f-7000-9c8a-882daa309945', 'second', NULL, '["frozen"]', 'idle', NULL, 1796032900108, 'running', NULL, 1796032900108, 1796032900108, 0, 'user_01a22be7-2874-7000-98d7-c5fcfa5100bc');
INSERT INTO public.agents VALUES ('agent_01a22be7-2bde-7000-9bca-77306222463f', 'agent', NULL, '[]', 'idle', NULL, 1796032900056, 'running', 1796032900135, 1796032900056, 1796032900056, 0, 'user_01a22be7-2874-7000-98d7-c5fcfa5100bc');
INSERT INTO public.api_token_secrets VALUES ('2b82dee59d0e691f151cbe587f5c108c0fbc179bb93387ded768e3f8d1ddaeca', 'tok_01a22be7-2b7b-7000-8645-c587545e8370', 'at_-GfT...u1cs', 1796032899964, NULL);
INSERT INTO public.api_tokens VALUES ('tok_01a22be7-2b7b-7000-8645-c587545e8370', 'user_01a22be7-2874-7000-98d7-c5fcfa5100bc', 'frozen', NULL, NULL, NULL, '[]', 1796032899964, NULL, 1796032899979, NULL, NULL);
INSERT INTO public.audit_log VALUES (1, 'aud_01a22be7-287c-7000-b61d-54bf0acd6ef9', 1796032899196, 'system', 'system:bootstrap', NULL, NULL, 'USER_CREATED', 'user', 'user_01a22be7-2874-7000-98d7-c5fcfa5100bc', NULL, NULL, NULL, '{"after":{"email":"admin@cluster.test","name":null,"role":"admin","username":"admin"}}', NULL, '{}', '0000000000000000000000000000000000000000000000000000000000000000', '7916eaf5ef42596ae8d7bc23d5f7bbf9256d3baf0749425c5df2201a59005b83');
INSERT INTO public.audit_log VALUES (2, 'aud_01a22be7-2a25-7000-990d-17800fb71e9d', 1796032899621, 'user', 'user_01a22be7-2874-7000-98d7-c5fcfa5100bc', 'user_01a22be7-2874-7000-98d7-c5fcfa5100bc', 'admin', 'SESSION_CREATED', 'session', 'sess_01a22be7-2a1f-7000-8400-2891dc31db73', '01a22be7-28da-7000-a484-287fb3a0440e', '127.0.0.1', NULL, NULL, NULL, '{"user_id":"user_01a22be7-2874-7000-98d7-c5fcfa5100bc"}', '7916eaf5ef42596ae8d7bc23d5f7bbf9256d3baf0749425c5df2201a59005b83', '260c519d191b6aed5724e9ff1b272669b777934281327d6b49f3430684cbdc29');
INSERT INTO public.audit_log VALUES (3, 'aud_01a22be7-2b66-7000-aaab-8343a8acd852', 1796032899942, 'user', 'user_01a22be7-2874-7000-98d7-c5fcfa5100bc', 'user_01a22be7-2874-7000-98d7-c5fcfa5100bc', 'admin', 'LIMIT_CREATED', 'limit', 'lim_01a22be7-2b5d-7000-966b-ec6f437b8e78', '01a22be7-2b55-7000-be90-f4054c90fc22', '127.0.0.1', NULL, '{"after":{"max_cost_per_month_usd":null,"max_requests_per_minute":null,"max_tokens_per_day":1000000,"project_id":null,"user_id":"user_01a22be7-2874-7000-98d7-c5fcfa5100bc"}}', NULL, '{}', '260c519d191b6aed5724e9ff1b272669b777934281327d6b49f3430684cbdc29', '6181d3598a6171e6abb68c860381133e2aee29cf41db610bced2d8bda0becd8e');
INSERT INTO public.audit_log VALUES (4, 'aud_01a22be7-2b80-7000-a571-3f6adbc78831', 1796032899968, 'user', 'user_01a22be7-2874-7000-98d7-c5fcfa5100bc', 'user_01a22be7-2874-7000-98d7-c5fcfa5100bc', 'admin', 'API_TOKEN_CREATED', 'api_token', 'tok_01a22be7-2b7b-7000-8645-c587545e8370', '01a22be7-2b6d-7000-92c5-26c36d4facdd', '127.0.0.1', NULL, '{"after":{"allowed_ips":[],"description":null,"expires_at":null,"name":"frozen","project_id":null,"scopes":null,"user_id":"user_01a22be7-2874-7000-98d7-c5fcfa5100bc"}}', NULL, '{}', '6181d3598a6171e6abb68c860381133e2aee29cf41db610bced2d8bda0becd8e', 'db734edbd754cc9df2d06d187ba14255e23bb5f0e5ce880d6bd5eefdece77203');
INSERT INTO public.audit_log VALUES (5, 'aud_01a22be7-2bb8-7000-8d0a-d1b8a1a22df3', 1796032900024, 'user', 'user_01a22be7-2874-7000-98d7-c5fcfa5100bc', 'user_01a22be7-2874-7000-98d7-c5fcfa5100bc', 'admin', 'PROVIDER_CREATED', 'provider', 'prov_01a22be7-2bb3-7000-9cfc-e6e42e6a064f', '01a22be7-2bad-7000-985e-c32c2c79b71b', '127.0.0.1', NULL, '{"after":{"base_url":"https://api.openai.com/v1","kind":"openai","models":["gpt-4o"],"name":"openai","status":"active"}}', NULL, '{}', 'db734edbd754cc9df2d06d187ba14255e23bb5f0e5ce880d6bd5eefdece77203', '578ff91d564b1317851b526693a3344f505cbae880aecd2ad709ad2f30639bac');
INSERT INTO public.audit_log VALUES (6, 'aud_01a22be7-2bc9-7000-b216-aff27a68e1b6', 1796032900041, 'user', 'user_01a22be7-2874-7000-98d7-c5fcfa5100bc', 'user_01a22be7-2874-7000-98d7-c5fcfa5100bc', 'admin', 'PROVIDER_KEY_ADDED', 'provider_key', 'key_01a22be7-2bc3-7000-b5be-fcea79cd9d64', '01a22be7-2bbd-7000-8f2b-534e983ac978', '127.0.0.1', NULL, NULL, NULL, '{"masked":"sk-f...789","provider_id":"prov_01a22be7-2bb3-7000-9cfc-e6e42e6a064f"}', '578ff91d564b1317851b526693a3344f505cbae880aecd2ad709ad2f30639bac', 'db7ea87e80b1d335681b5493f46d1bd5b5c4239d3522394bffa642143d188265');
INSERT INTO public.audit_log VALUES (7, 'aud_01a22be7-2bf3-7000-a7de-dd9ccfd99888', 1796032900083, 'user', 'user_01a22be7-2874-7000-98d7-c5fcfa5100bc', 'user_01a22be7-2874-7000-98d7-c5fcfa5100bc', 'admin', 'AGENT_CREATED', 'agent', 'agent_01a22be7-2bde-7000-9bca-77306222463f', '01a22be7-2bcd-7000-b80e-2bb7d5687043', '127.0.0.1', NULL, '{"after":{"allocated_usd":100,"description":null,"name":"agent","owner_id":"user_01a22be7-2874-7000-98d7-c5fcfa5100bc","provider_ids":["prov_01a22be7-2bb3-7000-9cfc-e6e42e6a064f"],"tags":[]}}', NULL, '{}', 'db7ea87e80b1d335681b5493f46d1bd5b5c4239d3522394bffa642143d188265', '88428e6e3eaea7064a1c754950e845d91381a3fc53f2249f52e10f28f9dac74a');
INSERT INTO public.audit_log VALUES (8, 'aud_01a22be7-2bf7-7000-8d51-b3db8136f682', 1796032900087, 'user', 'user_01a22be7-2874-7000-98d7-c5fcfa5100bc', 'user_01a22be7-2874-7000-98d7-c5fcfa5100bc', 'admin', 'IC_TOKEN_CREATED', 'ic_token', 'ic_01a22be7-2bf4-7000-bf13-843949d039ca', '01a22be7-2bcd-7000-b80e-2bb7d5687043', '127.0.0.1', NULL, NULL, NULL, '{"agent_id":"agent_01a22be7-2bde-7000-9bca-77306222463f","permissions":["llm:call","analytics:write"]}', '88428e6e3eaea7064a1c754950e845d91381a3fc53f2249f52e10f28f9dac74a', '266ce321017c5d406c3b4666fbef4fbaff9e4bafc8f7ca1342a29c6368ddd921');
INSERT INTO public.audit_log VALUES (9, 'aud_01a22be7-2c18-7000-8f83-f888baa85a75', 1796032900120, 'user', 'user_01a22be7-2874-7000-98d7-c5fcfa5100bc', 'user_01a22be7-2874-7000-98d7-c5fcfa5100bc', 'admin', 'AGENT_CREATED', 'agent', 'agent_01a22be7-2c0f-7000-9c8a-882daa309945', '01a22be7-2c05-7000-91b9-68f5bde8bd72', '127.0.0.1', NULL, '{"after":{"allocated_usd":1,"description":null,"name":"second","owner_id":"user_01a22be7-2874-7000-98d7-c5fcfa5100bc","provider_ids":["prov_01a22be7-2bb3-7000-9cfc-e6e42e6a064f"],"tags":["frozen"]}}', NULL, '{}', '266ce321017c5d406c3b4666fbef4fbaff9e4bafc8f7ca1342a29c6368ddd921', 'c7993c1e770b57086454e811cc883739cadd0ecda1c11a0745cd598c03799423');
INSERT INTO public.audit_log VALUES (10, 'aud_01a22be7-2c1a-7000-83b2-2e4b71606c24', 1796032900122, 'user', 'user_01a22be7-2874-7000-98d7-c5fcfa5100bc', 'user_01a22be7-2874-7000-98d7-c5fcfa5100bc', 'admin', 'IC_TOKEN_CREATED', 'ic_token', 'ic_01a22be7-2c18-7001-b76a-fb3c5460a6be', '01a22be7-2c05-7000-91b9-68f5bde8bd72', '127.0.0.1', NULL, NULL, NULL, '{"agent_id":"agent_01a22be7-2c0f-7000-9c8a-882daa309945","permissions":["llm:call","analytics:write"]}', 'c7993c1e770b57086454e811cc883739cadd0ecda1c11a0745cd598c03799423', '01359adfb9cb3d868e143eb5be1cd21498a46a73b00dc0a67f8b72b67d3be679');
INSERT INTO public.audit_log VALUES (11, 'aud_01a22be7-2c60-7000-b73f-baa0bb28a12b', 1796032900192, 'agent', 'agent_01a22be7-2bde-7000-9bca-77306222463f', NULL, NULL, 'LEASE_GRANTED', 'lease', 'lease_01a22be7-2c48-7000-a5ad-e14533d4cbe9', '01a22be7-2c22-7000-8de0-801d31e94451', '127.0.0.1', NULL, NULL, NULL, '{"agent_id":"agent_01a22be7-2bde-7000-9bca-77306222463f","expires_at":"2026-11-30T11:01:40.171Z","granted_usd":5,"provider_id":"prov_01a22be7-2bb3-7000-9cfc-e6e42e6a064f","requested_usd":5,"runtime_id":null}', '01359adfb9cb3d868e143eb5be1cd21498a46a73b00dc0a67f8b72b67d3be679', 'a9d9718dac85c76894183ca628645afce40d64a1bc7dc2688e272b824d40bc1b');
INSERT INTO public.audit_log VALUES (12, 'aud_01a22be7-2c66-7000-bd9e-7c16646d8c60', 1796032900198, 'agent', 'agent_01a22be7-2bde-7000-9bca-77306222463f', NULL, NULL, 'PROVIDER_KEY_DISCLOSED', 'provider_key', 'key_01a22be7-2bc3-7000-b5be-fcea79cd9d64', '01a22be7-2c22-7000-8de0-801d31e94451', '127.0.0.1', NULL, NULL, NULL, '{"provider_id":"prov_01a22be7-2bb3-7000-9cfc-e6e42e6a064f","purpose":"handshake"}', 'a9d9718dac85c76894183ca628645afce40d64a1bc7dc2688e272b824d40bc1b', 'dc231f7af167aa7f1c2aa6c31e81bf6898c08f22629f48483204d51a9c33ad28');
INSERT INTO public.audit_log VALUES (13, 'aud_01a22be7-2c9c-7000-8ead-908c560dfcaf', 1796032900252, 'agent', 'agent_01a22be7-2bde-7000-9bca-77306222463f', NULL, NULL, 'USAGE_OVERRUN', 'lease', 'lease_01a22be7-2c48-7000-a5ad-e14533d4cbe9', '01a22be7-2c92-7000-aa6d-c97993ce400d', '127.0.0.1', NULL, NULL, NULL, '{"agent_id":"agent_01a22be7-2bde-7000-9bca-77306222463f","cost_usd":4.5,"late":false,"overrun_usd":1.5,"request_id":"call-2"}', 'dc231f7af167aa7f1c2aa6c31e81bf6898c08f22629f48483204d51a9c33ad28', '6190acddb6ccfe2477a78dc2ba8e2c08a396654ce3457f3454a5666334724ad8');
INSERT INTO public.audit_log VALUES (14, 'aud_01a22be7-2cab-7000-92ce-1b5817c5fe81', 1796032900267, 'agent', 'agent_01a22be7-2bde-7000-9bca-77306222463f', NULL, NULL, 'LEASE_RETURNED', 'lease', 'lease_01a22be7-2c48-7000-a5ad-e14533d4cbe9', '01a22be7-2ca1-7000-b7db-36a309d28473', '127.0.0.1', NULL, NULL, NULL, '{"agent_id":"agent_01a22be7-2bde-7000-9bca-77306222463f","granted_usd":5,"overrun_usd":1.5,"returned_usd":0,"spent_usd":5,"unreported_usd":0}', '6190acddb6ccfe2477a78dc2ba8e2c08a396654ce3457f3454a5666334724ad8', '37c9e406b3a1d3f53c710f1e6d5638a349101226ee3cd7db668b2c80d397b99a');
INSERT INTO public.audit_log VALUES (15, 'aud_01a22be7-2cbd-7000-a564-e9191cfd4bc1', 1796032900285, 'agent', 'agent_01a22be7-2bde-7000-9bca-77306222463f', NULL, NULL, 'LEASE_GRANTED', 'lease', 'lease_01a22be7-2cb8-7000-a202-5cd82fd651fb', '01a22be7-2cb0-7000-8d15-97607297a1ab', '127.0.0.1', NULL, NULL, NULL, '{"agent_id":"agent_01a22be7-2bde-7000-9bca-77306222463f","expires_at":"2026-11-30T11:01:40.281Z","granted_usd":5,"provider_id":"prov_01a22be7-2bb3-7000-9cfc-e6e42e6a064f","requested_usd":5,"runtime_id":null}', '37c9e406b3a1d3f53c710f1e6d5638a349101226ee3cd7db668b2c80d397b99a', 'ff684d713c378cd459ac386515bf50a361a48b09669cf8d2c920b4edf87dbdfc');
INSERT INTO public.audit_log VALUES (16, 'aud_01a22be7-2cbf-7000-a2d1-f54c7d831e32', 1796032900287, 'agent', 'agent_01a22be7-2bde-7000-9bca-77306222463f', NULL, NULL, 'PROVIDER_KEY_DISCLOSED', 'provider_key', 'key_01a22be7-2bc3-7000-b5be-fcea79cd9d64', '01a22be7-2cb0-7000-8d15-97607297a1ab', '127.0.0.1', NULL, NULL, NULL, '{"provider_id":"prov_01a22be7-2bb3-7000-9cfc-e6e42e6a064f","purpose":"handshake"}', 'ff684d713c378cd459ac386515bf50a361a48b09669cf8d2c920b4edf87dbdfc', '9bf385715000ea73126fe207ee75fb285a47af414813f8fe9881c71fe5685362');
INSERT INTO public.audit_log VALUES (17, 'aud_01a22be7-2cf6-7000-b209-ced9cad4fecf', 1796032900342, 'user', 'user_01a22be7-2874-7000-98d7-c5fcfa5100bc', 'user_01a22be7-2874-7000-98d7-c5fcfa5100bc', 'admin', 'BUDGET_REQUEST_CREATED', 'budget_request', 'breq_01a22be7-2cf0-7000-8059-f216bafda6cb', '01a22be7-2ce7-7000-a708-e17f24adc131', '127.0.0.1', NULL, '{"after":{"status":"pending"}}', 'more is to be done in March', '{"agent_id":"agent_01a22be7-2bde-7000-9bca-77306222463f","allocated_usd":100,"requested_allocated_usd":200,"requester_id":"user_01a22be7-2874-7000-98d7-c5fcfa5100bc"}', '9bf385715000ea73126fe207ee75fb285a47af414813f8fe9881c71fe5685362', '529f43ad2cfbac693d0a14582244785abb7d35ed2f3a56c0a1061de064b0983c');
INSERT INTO public.budget_requests VALUES ('breq_01a22be7-2cf0-7000-8059-f216bafda6cb', 'agent_01a22be7-2bde-7000-9bca-77306222463f', 'user_01a22be7-2874-7000-98d7-c5fcfa5100bc', 'pending', 100000000, 200000000, NULL, 'more is to be done in March', 1796032900336, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.budget_sums VALUES ('', -1, 741, 0, 0, 0, 0, 0, 0, 0, 0, 0);
INSERT INTO public.budget_sums VALUES ('user_01a22be7-2874-7000-98d7-c5fcfa5100bc', -1, 741, 0, 0, 0, 0, 0, 0, 0, 0, 0);
INSERT INTO public.budget_sums VALUES ('', 0, 741, 1, 1, 0, 0, 0, 0, 0, 0, 0);
INSERT INTO public.budget_sums VALUES ('', 4, 745, 0, 0, 0, 0, 0, 0, 0, 0, 0);
INSERT INTO public.budget_sums VALUES ('', 10, 746, 0, 0, 0, 0, 0, 0, 0, 0, 0);
INSERT INTO public.budget_sums VALUES ('', 13, 746, 1, 100, 0, 5, 0, 6, 500000, 0, 0);
INSERT INTO public.budget_sums VALUES ('user_01a22be7-2874-7000-98d7-c5fcfa5100bc', 0, 741, 2, 101, 0, 5, 0, 6, 500000, 0, 0);
INSERT INTO public.events VALUES (1, 'evt_01a22be7-2c61-7000-9e24-b35f98364af4', 1796032900193, 'lease.granted', 'agent_01a22be7-2bde-7000-9bca-77306222463f', NULL, '{"lease_id":"lease_01a22be7-2c48-7000-a5ad-e14533d4cbe9","via":"handshake","requested_usd":5,"granted_usd":5,"partial":false,"provider_id":"prov_01a22be7-2bb3-7000-9cfc-e6e42e6a064f","runtime_id":null,"supersedes":null,"expires_at":"2026-11-30T11:01:40.171Z"}');
INSERT INTO public.events VALUES (2, 'evt_01a22be7-2c87-7000-887c-316a84e64518', 1796032900231, 'request.completed', 'agent_01a22be7-2bde-7000-9bca-77306222463f', NULL, '{"request_row_id":"req_01a22be7-2c85-7000-a08d-8930902421b1","request_id":"call-1","lease_id":"lease_01a22be7-2c48-7000-a5ad-e14533d4cbe9","provider":null,"model":"gpt-4o","input_tokens":null,"output_tokens":null,"total_tokens":0,"cost_usd":2,"pricing":"reported","billed":true,"late":false,"latency_ms":120}');
INSERT INTO public.events VALUES (3, 'evt_01a22be7-2c98-7000-aeee-36570bd834c1', 1796032900248, 'request.completed', 'agent_01a22be7-2bde-7000-9bca-77306222463f', NULL, '{"request_row_id":"req_01a22be7-2c96-7000-804e-dac823af2f22","request_id":"call-2","lease_id":"lease_01a22be7-2c48-7000-a5ad-e14533d4cbe9","provider":null,"model":"gpt-4o","input_tokens":null,"output_tokens":null,"total_tokens":0,"cost_usd":4.5,"pricing":"reported","billed":true,"late":false,"latency_ms":120}');
INSERT INTO public.events VALUES (4, 'evt_01a22be7-2cab-7001-807d-8e72f39838a4', 1796032900267, 'lease.closed', 'agent_01a22be7-2bde-7000-9bca-77306222463f', NULL, '{"lease_id":"lease_01a22be7-2c48-7000-a5ad-e14533d4cbe9","status":"closed","close_reason":"returned","cause":null,"granted_usd":5,"spent_usd":5,"overrun_usd":1.5,"returned_usd":0,"superseded_by":null}');
INSERT INTO public.events VALUES (5, 'evt_01a22be7-2cbe-7000-9ed5-1875e89c4427', 1796032900286, 'lease.granted', 'agent_01a22be7-2bde-7000-9bca-77306222463f', NULL, '{"lease_id":"lease_01a22be7-2cb8-7000-a202-5cd82fd651fb","via":"handshake","requested_usd":5,"granted_usd":5,"partial":false,"provider_id":"prov_01a22be7-2bb3-7000-9cfc-e6e42e6a064f","runtime_id":null,"supersedes":null,"expires_at":"2026-11-30T11:01:40.281Z"}');
INSERT INTO public.events VALUES (6, 'evt_01a22be7-2cd4-7000-81ca-219a47bf27d9', 1796032900308, 'request.completed', 'agent_01a22be7-2bde-7000-9bca-77306222463f', NULL, '{"request_row_id":"req_01a22be7-2cd2-7000-9a43-3d91a6c89f29","request_id":"call-3","lease_id":null,"provider":null,"model":"gpt-4o","input_tokens":null,"output_tokens":null,"total_tokens":0,"cost_usd":1,"pricing":"reported","billed":false,"late":false,"latency_ms":null}');
INSERT INTO public.ic_tokens VALUES ('ic_01a22be7-2c18-7001-b76a-fb3c5460a6be', 'agent_01a22be7-2c0f-7000-9c8a-882daa309945', '3b5d37a282eb1437cb7052b15ad3866440de9c47a7f77aa9f07ab033a30874dd', '["llm:call","analytics:write"]', 1796032900108, 'user_01a22be7-2874-7000-98d7-c5fcfa5100bc', NULL, NULL, NULL, NULL);
INSERT INTO public.ic_tokens VALUES ('ic_01a22be7-2bf4-7000-bf13-843949d039ca', 'agent_01a22be7-2bde-7000-9bca-77306222463f', '4179cdfd85e90464d0ca35d45d428e7dc06a93ba98272f715e94bb3c7827ca2d', '["llm:call","analytics:write"]', 1796032900056, 'user_01a22be7-2874-7000-98d7-c5fcfa5100bc', NULL, 1796032900135, NULL, NULL);
INSERT INTO public.idempotency_keys VALUES ('user_01a22be7-2874-7000-98d7-c5fcfa5100bc', 'POST /agents', 'frozen', '9142289b46a3611e01b102f6adff320f466ed75a3631b5dfba360b37944023fb', '{"status":201,"body":{"id":"agent_01a22be7-2c0f-7000-9c8a-882daa309945","budget_id":"budget_01a22be7-2c0f-7000-9c8a-882daa309945","name":"second","description":null,"owner_id":"user_01a22be7-2874-7000-98d7-c5fcfa5100bc","tags":["frozen"],"status":"active","state":"idle","desired_state":"running","state_reason":null,"last_seen_at":null,"provider_ids":["prov_01a22be7-2bb3-7000-9cfc-e6e42e6a064f"],"budget":{"budget_id":"budget_01a22be7-2c0f-7000-9c8a-882daa309945","agent_id":"agent_01a22be7-2c0f-7000-9c8a-882daa309945","agent_name":"second","allocated_usd":1,"spent_usd":0,"reserved_usd":0,"remaining_usd":1,"overdrawn_usd":0,"percent_used":0,"status":"active","risk_level":"low","open_leases":0,"allocation_version":1,"updated_at":"2026-11-30T10:01:40.111Z"},"created_at":"2026-11-30T10:01:40.108Z","updated_at":"2026-11-30T10:01:40.108Z","ic_token":{"id":"ic_01a22be7-2c18-7001-b76a-fb3c5460a6be","permissions":["llm:call","analytics:write"],"created_at":"2026-11-30T10:01:40.108Z","expires_at":null,"last_used_at":null,"token":null}},"headers":{"Location":"/api/v1/agents/agent_01a22be7-2c0f-7000-9c8a-882daa309945"}}', 1796032900124);
INSERT INTO public.leases VALUES ('lease_01a22be7-2c48-7000-a5ad-e14533d4cbe9', 'agent_01a22be7-2bde-7000-9bca-77306222463f', NULL, 'prov_01a22be7-2bb3-7000-9cfc-e6e42e6a064f', NULL, NULL, 'closed', 5000000, 5000000, 5000000, 0, 1500000, 0, 1796032900171, 1796036500245, 1796032900263, 'returned', 1796032900263, 6500000);
INSERT INTO public.leases VALUES ('lease_01a22be7-2cb8-7000-a202-5cd82fd651fb', 'agent_01a22be7-2bde-7000-9bca-77306222463f', NULL, 'prov_01a22be7-2bb3-7000-9cfc-e6e42e6a064f', NULL, NULL, 'active', 5000000, 5000000, 0, 0, 0, 0, 1796032900281, 1796036500281, NULL, NULL, NULL, NULL);
INSERT INTO public.ledger_entries VALUES ('agent_01a22be7-2bde-7000-9bca-77306222463f', 1, 'allocate', 100000000, NULL, NULL, NULL, 1, 100000000, 0, 0, 'user_01a22be7-2874-7000-98d7-c5fcfa5100bc', NULL, 1796032900063, '6139a16ca72be42e21868aa5c42564ab373f3cab73a6ced6da3834f6de3e4f62');
INSERT INTO public.ledger_entries VALUES ('agent_01a22be7-2c0f-7000-9c8a-882daa309945', 1, 'allocate', 1000000, NULL, NULL, NULL, 1, 1000000, 0, 0, 'user_01a22be7-2874-7000-98d7-c5fcfa5100bc', NULL, 1796032900111, '762fdeaaa5fa3f4f459e6c5a8b475301b465c759005275c9d8c355491369ceb6');
INSERT INTO public.ledger_entries VALUES ('agent_01a22be7-2bde-7000-9bca-77306222463f', 2, 'grant', 5000000, 'lease_01a22be7-2c48-7000-a5ad-e14533d4cbe9', NULL, NULL, 1, 100000000, 5000000, 0, NULL, NULL, 1796032900171, '5ecfd1537537be621ff5ca5100412d977fb46fb5d2901c774b73cbe508efe828');
INSERT INTO public.ledger_entries VALUES ('agent_01a22be7-2bde-7000-9bca-77306222463f', 3, 'spend', 2000000, 'lease_01a22be7-2c48-7000-a5ad-e14533d4cbe9', 'call-1', NULL, 1, 100000000, 3000000, 2000000, NULL, NULL, 1796032900224, '4a4aad46460cd6b9d6e6f83ed18775283e6ea9516a53ed8c092b535abb57dd14');
INSERT INTO public.ledger_entries VALUES ('agent_01a22be7-2bde-7000-9bca-77306222463f', 4, 'spend', 3000000, 'lease_01a22be7-2c48-7000-a5ad-e14533d4cbe9', 'call-2', NULL, 1, 100000000, 0, 5000000, NULL, NULL, 1796032900245, '6be9298bd9ad17a4b94eafba89bca75e4979d372b393ecc09bcc3d84a4b74867');
INSERT INTO public.ledger_entries VALUES ('agent_01a22be7-2bde-7000-9bca-77306222463f', 5, 'overrun', 1500000, 'lease_01a22be7-2c48-7000-a5ad-e14533d4cbe9', 'call-2', NULL, 1, 100000000, 0, 6500000, NULL, NULL, 1796032900245, 'ba092a42b56066c416424f64f292afaf924d6cdfadaf47e8a86f0eeed941f6d6');
INSERT INTO public.ledger_entries VALUES ('agent_01a22be7-2bde-7000-9bca-77306222463f', 6, 'grant', 5000000, 'lease_01a22be7-2cb8-7000-a202-5cd82fd651fb', NULL, NULL, 1, 100000000, 5000000, 6500000, NULL, NULL, 1796032900281, '4f730ff490c88136c508da2422c2f8f1108b4174395b0ad86106a2c6dbcb0b43');
INSERT INTO public.limit_counters VALUES ('user_01a22be7-2874-7000-98d7-c5fcfa5100bc', '', 'tokens_per_day', 1795996800000, 15);
INSERT INTO public.limit_counters VALUES ('user_01a22be7-2874-7000-98d7-c5fcfa5100bc', '', 'requests_per_minute', 1796032860000, 3);
INSERT INTO public.limit_counters VALUES ('user_01a22be7-2874-7000-98d7-c5fcfa5100bc', '', 'cost_per_month', 1793491200000, 6500075);
INSERT INTO public.limits VALUES ('lim_01a22be7-2b5d-7000-966b-ec6f437b8e78', 'user_01a22be7-2874-7000-98d7-c5fcfa5100bc', NULL, 1000000, NULL, NULL, 1796032899931, 1796032899931);
INSERT INTO public.list_counts VALUES ('users', 'admin active', 732, 1);
INSERT INTO public.list_counts VALUES ('api_tokens', 'kept', 736, 1);
INSERT INTO public.list_counts VALUES ('provider_keys', 'active', 740, 1);
INSERT INTO public.list_counts VALUES ('agent_tags', 'active frozen', 742, 1);
INSERT INTO public.list_counts VALUES ('agents', 'idle active', 741, 2);
INSERT INTO public.list_counts VALUES ('owned_agents', 'idle active user_01a22be7-2874-7000-98d7-c5fcfa5100bc', 741, 2);
INSERT INTO public.list_counts VALUES ('budget_requests', 'pending', 751, 1);
INSERT INTO public.log_heads VALUES ('events', 6, NULL, 0, 1796032900308, 0, 0);
INSERT INTO public.log_heads VALUES ('audit', 17, '529f43ad2cfbac693d0a14582244785abb7d35ed2f3a56c0a1061de064b0983c', 0, 1796032900342, 1796032900342, 0);
INSERT INTO public.login_attempts VALUES ('somebody@cluster.test', 1, 1796032899908, NULL);
INSERT INTO public.meta VALUES ('audit.key', 'none');
INSERT INTO public.meta VALUES ('vault.canary.m1', 'KsDe1dpVwUnPJQWD:Zrwjz+mALwomP4akQ+smoas=:LlQMPenY6MJpFGoSPcqecA==');
INSERT INTO public.meta VALUES ('rollup.hour', '1804665600000');
INSERT INTO public.meta VALUES ('rollup.summed', '1804665600000');
INSERT INTO public.meta VALUES ('rollup.pruned', '1796032800000');
INSERT INTO public.provider_keys VALUES ('key_01a22be7-2bc3-7000-b5be-fcea79cd9d64', 'prov_01a22be7-2bb3-7000-9cfc-e6e42e6a064f', 'active', 'qBTeDm25Rg6SHhLn:zCjEHRevwnm9zG28voLecQjgIII=:P0piYp7IcL8wUDLBPe1V7A==', 'm1', 'sk-f...789', 1796032900037, 'user_01a22be7-2874-7000-98d7-c5fcfa5100bc', 1796032900196, NULL);
INSERT INTO public.providers VALUES ('prov_01a22be7-2bb3-7000-9cfc-e6e42e6a064f', 'openai', 'openai', 'https://api.openai.com/v1', '["gpt-4o"]', 'active', 1796032900019, 1796032900019, NULL);
INSERT INTO public.request_keys VALUES ('tok_01a22be7-2b7b-7000-8645-c587545e8370', 'told', 'req_01a22be7-2b9b-7000-96f3-d5b4e4d5ce2b', '7f2f8948c2e4a1659f0856ace4110766fe63f7f807af4ac76a4d2682e6b51aef', NULL, 75, 0, 'price_book', 0);
INSERT INTO public.request_rollups VALUES (1796032800000, 'agent_01a22be7-2bde-7000-9bca-77306222463f', '', 'gpt-4o', 'completed', 3, 0, 0, 0, 0, 0, 0, 7500000, 6500000, 0, '{"98":2}', '{"1000000":1,"2000000":1,"4500000":1}');
INSERT INTO public.request_rollups VALUES (1796032800000, 'tok_01a22be7-2b7b-7000-8645-c587545e8370', '', 'gpt-4o', 'completed', 1, 10, 0, 0, 5, 0, 15, 75, 75, 0, '{}', '{"75":1}');
INSERT INTO public.request_sums VALUES ('hour', 1796032800000, '', '', 'gpt-4o', 'completed', 4, 10, 0, 0, 5, 0, 15, 7500075, 6500075, 0, '{"98":2}', '{"75":1,"1000000":1,"2000000":1,"4500000":1}');
INSERT INTO public.request_sums VALUES ('day', 1795996800000, '', '', 'gpt-4o', 'completed', 4, 10, 0, 0, 5, 0, 15, 7500075, 6500075, 0, '{"98":2}', '{}');
INSERT INTO public.request_sums VALUES ('month', 1793491200000, '', '', 'gpt-4o', 'completed', 4, 10, 0, 0, 5, 0, 15, 7500075, 6500075, 0, '{"98":2}', '{}');
INSERT INTO public.request_sums VALUES ('each_day', 1795996800000, 'agent_01a22be7-2bde-7000-9bca-77306222463f', '', 'gpt-4o', 'completed', 3, 0, 0, 0, 0, 0, 0, 7500000, 6500000, 0, '{"98":2}', '{"1000000":1,"2000000":1,"4500000":1}');
INSERT INTO public.request_sums VALUES ('each_day', 1795996800000, 'tok_01a22be7-2b7b-7000-8645-c587545e8370', '', 'gpt-4o', 'completed', 1, 10, 0, 0, 5, 0, 15, 75, 75, 0, '{}', '{"75":1}');
INSERT INTO public.request_sums VALUES ('each_month', 1793491200000, 'agent_01a22be7-2bde-7000-9bca-77306222463f', '', 'gpt-4o', 'completed', 3, 0, 0, 0, 0, 0, 0, 7500000, 6500000, 0, '{"98":2}', '{}');
INSERT INTO public.request_sums VALUES ('each_month', 1793491200000, 'tok_01a22be7-2b7b-7000-8645-c587545e8370', '', 'gpt-4o', 'completed', 1, 10, 0, 0, 5, 0, 15, 75, 75, 0, '{}', '{}');
INSERT INTO public.requests VALUES ('req_01a22be7-2c85-7000-a08d-8930902421b1', 'agent', 'agent_01a22be7-2bde-7000-9bca-77306222463f', 'call-1', '2306b5dfe4f9331d5e65d495d503f0da4584f6c94dd9979e67f75a41de7f329f', 'lease_01a22be7-2c48-7000-a5ad-e14533d4cbe9', NULL, NULL, 'gpt-4o', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 2000000, 0, 'reported', NULL, 1, 0, 120, NULL, 1796032900229, 1796032900229);
INSERT INTO public.requests VALUES ('req_01a22be7-2c96-7000-804e-dac823af2f22', 'agent', 'agent_01a22be7-2bde-7000-9bca-77306222463f', 'call-2', 'd8364156e95ceb56c276026162966c76e86f4ea082f9f222726e067cb230a5fb', 'lease_01a22be7-2c48-7000-a5ad-e14533d4cbe9', NULL, NULL, 'gpt-4o', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 4500000, 1500000, 'reported', NULL, 1, 0, 120, NULL, 1796032900246, 1796032900246);
INSERT INTO public.requests VALUES ('req_01a22be7-2cd2-7000-9a43-3d91a6c89f29', 'agent', 'agent_01a22be7-2bde-7000-9bca-77306222463f', 'call-3', NULL, NULL, NULL, NULL, 'gpt-4o', 'completed', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 1000000, 0, 'reported', NULL, 0, 0, NULL, NULL, 1796032900292, 1796032900306);
INSERT INTO public.schema_migrations VALUES (1, 'baseline', 'a1da2c407032ec3058070879c7cc9ea6256a5405acffc44d356a8ca6c17bde09', '2be910e509950a0be04543667af6bd4fcaaca70abfcc31dfd7b7aa97d744003d', '0.0.0', 1796032898372);
INSERT INTO public.schema_migrations VALUES (2, 'list_indexes', '9da35643ed478a65fcb7cb44600fbe1fabd42d390b7f26240fa25485c1001ee0', '58ca141d17843adda7f853659fe94d32cde6b7bf97eb29176083d57a68e627e3', '0.0.0', 1796032898412);
INSERT INTO public.schema_migrations VALUES (3, 'request_sums', '41144f51b03d4e16d6ad8534753ea81564bc9b94748e401a027c85c3f6c85756', '5c1a56ab1cf26c7a6d5f808f1dc91a76a796f43e09314bd067787ab20dd88f9a', '0.0.0', 1796032898436);
INSERT INTO public.schema_migrations VALUES (4, 'call_costs', '8d07284d409fb2f1270b1ca2872cceb19cc70806fe322bfa74e613cfcb58a70c', '77998b639aa1c27799510c816664d26204f3f221bde2caab49c99f36fe1948d7', '0.0.0', 1796032898460);
INSERT INTO public.schema_migrations VALUES (5, 'kept_sums', 'f312b41a33c29cbaf4bb3819e55d546d44331aa8110dd0299d058546396cf089', '2d95d82818d349244ab7b11f1049809ec2e75839b2ac5c5df80acb748be4a3d6', '0.0.0', 1796032898558);
INSERT INTO public.schema_migrations VALUES (6, 'late_indexes', 'c84253e6650278c55e56e4a911d123687e1fb256451f44e8ea1ad7f39296ba53', '70bfc107ef7fca6e2a9e680bb2ecc142370aca84fb69b0ff334908dbaf168b06', '0.0.0', 1796032898590);
INSERT INTO public.sessions VALUES ('sess_01a22be7-2a1f-7000-8400-2891dc31db73', 'user_01a22be7-2874-7000-98d7-c5fcfa5100bc', '45a74a439be47007435655124bec0a0b9dde1558955999ab7450892a64093f82', 1796032899610, 1796032899610, 1798624899000, NULL, NULL, '127.0.0.1', NULL);
INSERT INTO public.spans VALUES ('trace_c48d2305-dabe-4925-958e-f0801cb944e9', 'span-1', NULL, 'agent_01a22be7-2bde-7000-9bca-77306222463f', 'call', 'ok', 1796032900292, 1, '{}', 1796032900319);
INSERT INTO public.telemetry_ids VALUES ('agent_01a22be7-2bde-7000-9bca-77306222463f', 'event-1', 1796032900304);
INSERT INTO public.users VALUES ('user_01a22be7-2874-7000-98d7-c5fcfa5100bc', 'admin', 'admin', 'admin@cluster.test', NULL, 'admin', '$2b$12$GafViQo0bhRQTQQx1YPqPO7Tccsk.bvnl3AvS4TGpJG2gkPFaiiRm', 0, 1796032899610, NULL, NULL, NULL, NULL, NULL, 1796032899189, 1796032899189);
ALTER TABLE ONLY public.actor_entries
    ADD CONSTRAINT actor_entries_pkey PRIMARY KEY (actor_id, seq);
ALTER TABLE ONLY public.agent_budgets
    ADD CONSTRAINT agent_budgets_pkey PRIMARY KEY (agent_id);
ALTER TABLE ONLY public.agent_events
    ADD CONSTRAINT agent_events_pkey PRIMARY KEY (agent_id, seq);
ALTER TABLE ONLY public.agent_providers
    ADD CONSTRAINT agent_providers_pkey PRIMARY KEY (agent_id, provider_id);
ALTER TABLE ONLY public.agent_tags
    ADD CONSTRAINT agent_tags_pkey PRIMARY KEY (tag, created_at, agent_id);
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
ALTER TABLE ONLY public.budget_sums
    ADD CONSTRAINT budget_sums_pkey PRIMARY KEY (owner_id, grade, shard);
ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY public.ic_tokens
    ADD CONSTRAINT ic_tokens_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (principal_id, route, key);
ALTER TABLE ONLY public.lease_entries
    ADD CONSTRAINT lease_entries_pkey PRIMARY KEY (lease_id, seq);
ALTER TABLE ONLY public.leases
    ADD CONSTRAINT leases_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.ledger_entries
    ADD CONSTRAINT ledger_entries_pkey PRIMARY KEY (agent_id, seq);
ALTER TABLE ONLY public.limit_counters
    ADD CONSTRAINT limit_counters_pkey PRIMARY KEY (owner_id, project_id, metric, window_start);
ALTER TABLE ONLY public.limits
    ADD CONSTRAINT limits_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.list_counts
    ADD CONSTRAINT list_counts_pkey PRIMARY KEY (list, part, shard);
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
CREATE INDEX agent_budgets_allocated ON public.agent_budgets USING btree (allocated_micros, agent_id) WHERE (archived_at IS NULL);
CREATE INDEX agent_budgets_archived ON public.agent_budgets USING btree (agent_id) WHERE (archived_at IS NOT NULL);
CREATE INDEX agent_budgets_created ON public.agent_budgets USING btree (created_at, agent_id) WHERE (archived_at IS NULL);
CREATE INDEX agent_budgets_left ON public.agent_budgets USING btree (left_rank, agent_id) WHERE (archived_at IS NULL);
CREATE INDEX agent_budgets_owner ON public.agent_budgets USING btree (owner_id);
CREATE INDEX agent_budgets_spent ON public.agent_budgets USING btree (spent_rank, agent_id) WHERE (archived_at IS NULL);
CREATE INDEX agent_budgets_used ON public.agent_budgets USING btree (used_rank, agent_id) WHERE (archived_at IS NULL);
CREATE UNIQUE INDEX agent_providers_order ON public.agent_providers USING btree (agent_id, "position");
CREATE INDEX agent_providers_provider ON public.agent_providers USING btree (provider_id);
CREATE INDEX agent_tags_agent ON public.agent_tags USING btree (agent_id);
CREATE INDEX agents_archived ON public.agents USING btree (created_at, id, name) WHERE (archived = 1);
CREATE INDEX agents_created ON public.agents USING btree (created_at, id, archived, name);
CREATE INDEX agents_failed ON public.agents USING btree (created_at, id) WHERE (state = 'failed'::text);
CREATE INDEX agents_idle ON public.agents USING btree (created_at, id) WHERE (state = 'idle'::text);
CREATE INDEX agents_name ON public.agents USING btree (name, id);
CREATE INDEX agents_owner ON public.agents USING btree (owner_id, created_at, id, archived, state, name);
CREATE INDEX agents_running ON public.agents USING btree (created_at, id) WHERE (state = 'running'::text);
CREATE INDEX agents_silent ON public.agents USING btree (last_seen_at) WHERE (state = 'running'::text);
CREATE INDEX agents_stopped ON public.agents USING btree (created_at, id) WHERE (state = 'stopped'::text);
CREATE INDEX agents_updated ON public.agents USING btree (updated_at, id);
CREATE UNIQUE INDEX api_token_secrets_current ON public.api_token_secrets USING btree (token_id) WHERE (valid_until IS NULL);
CREATE INDEX api_token_secrets_token ON public.api_token_secrets USING btree (token_id);
CREATE INDEX api_tokens_created ON public.api_tokens USING btree (created_at, id);
CREATE INDEX api_tokens_expires ON public.api_tokens USING btree (expires_at, id);
CREATE INDEX api_tokens_last_used ON public.api_tokens USING btree (last_used_at NULLS FIRST, id);
CREATE INDEX api_tokens_name ON public.api_tokens USING btree (name, id);
CREATE INDEX api_tokens_owner ON public.api_tokens USING btree (owner_id, created_at);
CREATE INDEX api_tokens_project ON public.api_tokens USING btree (project_id, created_at, id) WHERE (project_id IS NOT NULL);
CREATE INDEX api_tokens_revoked ON public.api_tokens USING btree (created_at, id) WHERE (revoked_at IS NOT NULL);
CREATE UNIQUE INDEX audit_log_id ON public.audit_log USING btree (id);
CREATE INDEX audit_log_operation ON public.audit_log USING btree (operation, seq);
CREATE INDEX audit_log_resource ON public.audit_log USING btree (resource_type, resource_id, seq);
CREATE INDEX audit_log_type ON public.audit_log USING btree (resource_type, seq);
CREATE INDEX audit_log_user ON public.audit_log USING btree (actor_user_id, seq) WHERE (actor_user_id IS NOT NULL);
CREATE INDEX budget_requests_agent ON public.budget_requests USING btree (agent_id, created_at);
CREATE INDEX budget_requests_created ON public.budget_requests USING btree (created_at, id);
CREATE INDEX budget_requests_requested ON public.budget_requests USING btree (requested_allocated_micros, id);
CREATE INDEX budget_requests_requester ON public.budget_requests USING btree (requester_id, created_at);
CREATE INDEX budget_requests_status ON public.budget_requests USING btree (status, created_at);
CREATE INDEX budget_requests_wanted ON public.budget_requests USING btree (status, requested_allocated_micros, id);
CREATE UNIQUE INDEX events_dedupe ON public.events USING btree (dedupe_key) WHERE (dedupe_key IS NOT NULL);
CREATE INDEX events_type ON public.events USING btree (type, seq) WHERE (type <> ALL (ARRAY['request.completed'::text, 'request.failed'::text]));
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
CREATE INDEX limits_created ON public.limits USING btree (created_at, id);
CREATE UNIQUE INDEX limits_general ON public.limits USING btree (owner_id) WHERE (project_id IS NULL);
CREATE UNIQUE INDEX limits_project ON public.limits USING btree (owner_id, project_id) WHERE (project_id IS NOT NULL);
CREATE UNIQUE INDEX provider_keys_active ON public.provider_keys USING btree (provider_id) WHERE (status = 'active'::text);
CREATE INDEX provider_keys_created ON public.provider_keys USING btree (created_at, id);
CREATE INDEX provider_keys_last_used ON public.provider_keys USING btree (last_used_at NULLS FIRST, id);
CREATE INDEX provider_keys_provider ON public.provider_keys USING btree (provider_id, created_at);
CREATE INDEX provider_keys_vault ON public.provider_keys USING btree (vault_key_id) WHERE (sealed IS NOT NULL);
CREATE INDEX providers_deleted ON public.providers USING btree (id) WHERE (deleted_at IS NOT NULL);
CREATE UNIQUE INDEX providers_name ON public.providers USING btree (name) WHERE (deleted_at IS NULL);
CREATE INDEX request_rollups_model ON public.request_rollups USING btree (model, hour_start);
CREATE INDEX request_rollups_provider ON public.request_rollups USING btree (provider, hour_start);
CREATE INDEX request_rollups_subject ON public.request_rollups USING btree (subject_id, hour_start);
CREATE INDEX request_sums_subject ON public.request_sums USING btree (subject_id, start);
CREATE UNIQUE INDEX requests_key ON public.requests USING btree (subject_id, request_id);
CREATE INDEX requests_subject_time ON public.requests USING btree (subject_id, received_at);
CREATE INDEX requests_time ON public.requests USING btree (received_at, id);
CREATE UNIQUE INDEX schema_migrations_name ON public.schema_migrations USING btree (name);
CREATE INDEX sessions_expiry ON public.sessions USING btree (expires_at);
CREATE INDEX sessions_user ON public.sessions USING btree (user_id, created_at);
CREATE INDEX spans_age ON public.spans USING btree (received_at);
CREATE INDEX spans_agent ON public.spans USING btree (agent_id, started_at);
CREATE INDEX telemetry_ids_age ON public.telemetry_ids USING btree (received_at);
CREATE INDEX users_admins ON public.users USING btree (created_at, id) WHERE ((role = 'admin'::text) AND (deleted_at IS NULL));
CREATE INDEX users_created ON public.users USING btree (created_at, id);
CREATE INDEX users_deleted ON public.users USING btree (created_at, id) WHERE (deleted_at IS NOT NULL);
CREATE UNIQUE INDEX users_email ON public.users USING btree (email) WHERE (deleted_at IS NULL);
CREATE INDEX users_email_order ON public.users USING btree (email NULLS FIRST, id) WHERE (deleted_at IS NULL);
CREATE INDEX users_last_login ON public.users USING btree (last_login_at NULLS FIRST, id) WHERE (deleted_at IS NULL);
CREATE INDEX users_live_admins ON public.users USING btree (id) WHERE ((role = 'admin'::text) AND (suspended_at IS NULL) AND (deleted_at IS NULL));
CREATE INDEX users_suspended ON public.users USING btree (created_at, id) WHERE ((suspended_at IS NOT NULL) AND (deleted_at IS NULL));
CREATE UNIQUE INDEX users_username ON public.users USING btree (username_key) WHERE (deleted_at IS NULL);
CREATE INDEX users_users ON public.users USING btree (created_at, id) WHERE ((role = 'user'::text) AND (deleted_at IS NULL));
CREATE INDEX users_viewers ON public.users USING btree (created_at, id) WHERE ((role = 'viewer'::text) AND (deleted_at IS NULL));
CREATE TRIGGER actor_entries_insert AFTER INSERT ON public.audit_log FOR EACH ROW WHEN (((new.seq % (1024)::bigint) = 0)) EXECUTE FUNCTION public.actor_entries_insert();
CREATE TRIGGER agent_events_delete AFTER DELETE ON public.events REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION public.agent_events_delete();
CREATE TRIGGER agent_tags_count_archived AFTER UPDATE OF archived_at ON public.agent_budgets FOR EACH ROW WHEN (((old.archived_at IS NULL) <> (new.archived_at IS NULL))) EXECUTE FUNCTION public.agent_tags_count_archived();
CREATE TRIGGER agent_tags_count_delete AFTER DELETE ON public.agent_tags REFERENCING OLD TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION public.agent_tags_count_delete();
CREATE TRIGGER agent_tags_count_insert AFTER INSERT ON public.agent_tags REFERENCING NEW TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION public.agent_tags_count_insert();
CREATE TRIGGER agents_copies_insert BEFORE INSERT ON public.agents FOR EACH ROW EXECUTE FUNCTION public.agents_copies_insert();
CREATE TRIGGER agents_copies_note AFTER UPDATE OF archived_at, owner_id ON public.agent_budgets FOR EACH ROW WHEN (((new.owner_id IS DISTINCT FROM old.owner_id) OR ((new.archived_at IS NULL) <> (old.archived_at IS NULL)))) EXECUTE FUNCTION public.agents_copies_note();
CREATE TRIGGER agents_copies_update AFTER UPDATE OF archived_at, owner_id ON public.agent_budgets FOR EACH STATEMENT EXECUTE FUNCTION public.agents_copies_update();
CREATE TRIGGER agents_count_delete AFTER DELETE ON public.agents REFERENCING OLD TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION public.agents_count_delete();
CREATE TRIGGER agents_count_insert AFTER INSERT ON public.agents REFERENCING NEW TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION public.agents_count_insert();
CREATE TRIGGER agents_count_noted AFTER UPDATE OF state, archived ON public.agents FOR EACH STATEMENT EXECUTE FUNCTION public.agents_count_noted();
CREATE TRIGGER agents_count_update AFTER UPDATE OF state, archived ON public.agents FOR EACH ROW WHEN (((old.state IS DISTINCT FROM new.state) OR (old.archived IS DISTINCT FROM new.archived))) EXECUTE FUNCTION public.agents_count_update();
CREATE TRIGGER agents_tags_insert AFTER INSERT ON public.agents FOR EACH ROW WHEN ((new.tags <> '[]'::text)) EXECUTE FUNCTION public.agents_tags();
CREATE TRIGGER agents_tags_update AFTER UPDATE OF tags ON public.agents FOR EACH ROW WHEN ((new.tags <> old.tags)) EXECUTE FUNCTION public.agents_tags();
CREATE TRIGGER api_tokens_count_delete AFTER DELETE ON public.api_tokens REFERENCING OLD TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION public.api_tokens_count_delete();
CREATE TRIGGER api_tokens_count_insert AFTER INSERT ON public.api_tokens REFERENCING NEW TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION public.api_tokens_count_insert();
CREATE TRIGGER api_tokens_count_noted AFTER UPDATE OF revoked_at, expires_at ON public.api_tokens FOR EACH STATEMENT EXECUTE FUNCTION public.api_tokens_count_noted();
CREATE TRIGGER api_tokens_count_update AFTER UPDATE OF revoked_at, expires_at ON public.api_tokens FOR EACH ROW WHEN (((old.revoked_at IS DISTINCT FROM new.revoked_at) OR (old.expires_at IS DISTINCT FROM new.expires_at))) EXECUTE FUNCTION public.api_tokens_count_update();
CREATE TRIGGER audit_log_insert BEFORE INSERT ON public.audit_log FOR EACH ROW EXECUTE FUNCTION public.audit_log_insert();
CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON public.audit_log FOR EACH ROW EXECUTE FUNCTION public.audit_log_no_delete();
CREATE TRIGGER audit_log_no_truncate BEFORE TRUNCATE ON public.audit_log FOR EACH STATEMENT EXECUTE FUNCTION public.no_truncate();
CREATE TRIGGER audit_log_no_update BEFORE UPDATE ON public.audit_log FOR EACH ROW EXECUTE FUNCTION public.audit_log_no_update();
CREATE TRIGGER budget_ranks_insert BEFORE INSERT ON public.agent_budgets FOR EACH ROW EXECUTE FUNCTION public.budget_ranks();
CREATE TRIGGER budget_ranks_update BEFORE UPDATE OF allocated_micros, reserved_micros, spent_micros ON public.agent_budgets FOR EACH ROW EXECUTE FUNCTION public.budget_ranks();
CREATE TRIGGER budget_requests_count_delete AFTER DELETE ON public.budget_requests REFERENCING OLD TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION public.budget_requests_count_delete();
CREATE TRIGGER budget_requests_count_insert AFTER INSERT ON public.budget_requests REFERENCING NEW TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION public.budget_requests_count_insert();
CREATE TRIGGER budget_requests_count_noted AFTER UPDATE OF status ON public.budget_requests FOR EACH STATEMENT EXECUTE FUNCTION public.budget_requests_count_noted();
CREATE TRIGGER budget_requests_count_update AFTER UPDATE OF status ON public.budget_requests FOR EACH ROW WHEN ((old.status IS DISTINCT FROM new.status)) EXECUTE FUNCTION public.budget_requests_count_update();
CREATE TRIGGER budget_sums_delete AFTER DELETE ON public.agent_budgets REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION public.budget_sums_delete();
CREATE TRIGGER budget_sums_insert AFTER INSERT ON public.agent_budgets REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION public.budget_sums_insert();
CREATE TRIGGER budget_sums_update AFTER UPDATE ON public.agent_budgets REFERENCING OLD TABLE AS gone NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION public.budget_sums_update();
CREATE TRIGGER events_insert AFTER INSERT ON public.events REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION public.events_insert();
CREATE TRIGGER events_no_delete BEFORE DELETE ON public.events FOR EACH ROW EXECUTE FUNCTION public.events_no_delete();
CREATE TRIGGER events_no_truncate BEFORE TRUNCATE ON public.events FOR EACH STATEMENT EXECUTE FUNCTION public.no_truncate();
CREATE TRIGGER events_no_update BEFORE UPDATE ON public.events FOR EACH ROW EXECUTE FUNCTION public.events_no_update();
CREATE TRIGGER lease_entries_insert AFTER INSERT ON public.ledger_entries FOR EACH ROW WHEN (((new.seq % (64)::bigint) = 0)) EXECUTE FUNCTION public.lease_entries_insert();
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
CREATE TRIGGER owned_agents_count_delete AFTER DELETE ON public.agents REFERENCING OLD TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION public.owned_agents_count_delete();
CREATE TRIGGER owned_agents_count_insert AFTER INSERT ON public.agents REFERENCING NEW TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION public.owned_agents_count_insert();
CREATE TRIGGER owned_agents_count_noted AFTER UPDATE OF state, archived, owner_id ON public.agents FOR EACH STATEMENT EXECUTE FUNCTION public.owned_agents_count_noted();
CREATE TRIGGER owned_agents_count_update AFTER UPDATE OF state, archived, owner_id ON public.agents FOR EACH ROW WHEN (((old.state IS DISTINCT FROM new.state) OR (old.archived IS DISTINCT FROM new.archived) OR (old.owner_id IS DISTINCT FROM new.owner_id))) EXECUTE FUNCTION public.owned_agents_count_update();
CREATE TRIGGER provider_keys_count_delete AFTER DELETE ON public.provider_keys REFERENCING OLD TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION public.provider_keys_count_delete();
CREATE TRIGGER provider_keys_count_insert AFTER INSERT ON public.provider_keys REFERENCING NEW TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION public.provider_keys_count_insert();
CREATE TRIGGER provider_keys_count_noted AFTER UPDATE OF status ON public.provider_keys FOR EACH STATEMENT EXECUTE FUNCTION public.provider_keys_count_noted();
CREATE TRIGGER provider_keys_count_update AFTER UPDATE OF status ON public.provider_keys FOR EACH ROW WHEN ((old.status IS DISTINCT FROM new.status)) EXECUTE FUNCTION public.provider_keys_count_update();
CREATE TRIGGER request_keys_insert BEFORE INSERT ON public.request_keys FOR EACH ROW EXECUTE FUNCTION public.request_keys_insert();
CREATE TRIGGER request_keys_no_delete BEFORE DELETE ON public.request_keys FOR EACH ROW EXECUTE FUNCTION public.request_keys_no_delete();
CREATE TRIGGER request_keys_no_truncate BEFORE TRUNCATE ON public.request_keys FOR EACH STATEMENT EXECUTE FUNCTION public.no_truncate();
CREATE TRIGGER request_keys_no_update BEFORE UPDATE ON public.request_keys FOR EACH ROW EXECUTE FUNCTION public.request_keys_no_update();
CREATE TRIGGER requests_final BEFORE UPDATE ON public.requests FOR EACH ROW EXECUTE FUNCTION public.requests_final();
CREATE TRIGGER requests_keep_key BEFORE DELETE ON public.requests FOR EACH ROW EXECUTE FUNCTION public.requests_keep_key();
CREATE TRIGGER requests_no_truncate BEFORE TRUNCATE ON public.requests FOR EACH STATEMENT EXECUTE FUNCTION public.no_truncate();
CREATE TRIGGER users_count_delete AFTER DELETE ON public.users REFERENCING OLD TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION public.users_count_delete();
CREATE TRIGGER users_count_insert AFTER INSERT ON public.users REFERENCING NEW TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION public.users_count_insert();
CREATE TRIGGER users_count_noted AFTER UPDATE OF role, suspended_at, deleted_at ON public.users FOR EACH STATEMENT EXECUTE FUNCTION public.users_count_noted();
CREATE TRIGGER users_count_update AFTER UPDATE OF role, suspended_at, deleted_at ON public.users FOR EACH ROW WHEN (((old.role IS DISTINCT FROM new.role) OR (old.suspended_at IS DISTINCT FROM new.suspended_at) OR (old.deleted_at IS DISTINCT FROM new.deleted_at))) EXECUTE FUNCTION public.users_count_update();
ALTER TABLE ONLY public.agent_providers
    ADD CONSTRAINT agent_providers_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES public.agents(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.agent_providers
    ADD CONSTRAINT agent_providers_provider_id_fkey FOREIGN KEY (provider_id) REFERENCES public.providers(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.agent_tags
    ADD CONSTRAINT agent_tags_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES public.agents(id) ON DELETE CASCADE;
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
