-- function actor_entries_insert()
CREATE FUNCTION actor_entries_insert() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  BEGIN INSERT INTO actor_entries (actor_id, seq) SELECT l.actor_id, l.seq FROM audit_log l WHERE l.seq > NEW.seq - 1024 AND l.seq <= NEW.seq ORDER BY l.actor_id, l.seq; RETURN NULL; END ;

-- function agent_events_delete()
CREATE FUNCTION agent_events_delete() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  BEGIN DELETE FROM agent_events a USING gone g WHERE a.agent_id = g.agent_id AND a.seq = g.seq; RETURN NULL; END ;

-- function agent_tags_count_archived()
CREATE FUNCTION agent_tags_count_archived() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  DECLARE d record; BEGIN FOR d IN SELECT t.tag FROM agent_tags t WHERE t.agent_id = NEW.agent_id LOOP PERFORM count_entries('agent_tags', CASE WHEN OLD.archived_at IS NOT NULL THEN 'archived ' ELSE 'active ' END || d.tag, -1); PERFORM count_entries('agent_tags', CASE WHEN NEW.archived_at IS NOT NULL THEN 'archived ' ELSE 'active ' END || d.tag, 1); END LOOP; RETURN NULL; END ;

-- function agent_tags_count_delete()
CREATE FUNCTION agent_tags_count_delete() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  DECLARE d record; BEGIN FOR d IN SELECT CASE WHEN EXISTS (SELECT 1 FROM agent_budgets b WHERE b.agent_id = t.agent_id AND b.archived_at IS NOT NULL) THEN 'archived ' ELSE 'active ' END || t.tag AS part, count(*) AS entries FROM moved t GROUP BY 1 LOOP PERFORM count_entries('agent_tags', d.part, -1 * d.entries); END LOOP; RETURN NULL; END ;

-- function agent_tags_count_insert()
CREATE FUNCTION agent_tags_count_insert() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  DECLARE d record; BEGIN FOR d IN SELECT CASE WHEN EXISTS (SELECT 1 FROM agent_budgets b WHERE b.agent_id = t.agent_id AND b.archived_at IS NOT NULL) THEN 'archived ' ELSE 'active ' END || t.tag AS part, count(*) AS entries FROM moved t GROUP BY 1 LOOP PERFORM count_entries('agent_tags', d.part, 1 * d.entries); END LOOP; RETURN NULL; END ;

-- function agents_copies_insert()
CREATE FUNCTION agents_copies_insert() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  DECLARE b agent_budgets; BEGIN SELECT * INTO b FROM agent_budgets o WHERE o.agent_id = NEW.id; NEW.archived := CASE WHEN b.archived_at IS NULL THEN 0 ELSE 1 END; NEW.owner_id := b.owner_id; RETURN NEW; END ;

-- function agents_copies_note()
CREATE FUNCTION agents_copies_note() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  DECLARE noted text[] := CAST(coalesce(nullif(current_setting('iron.agents_moved', true), ''), '{}') AS text[]) || NEW.agent_id; BEGIN PERFORM set_config('iron.agents_moved', noted::text, true); IF cardinality(noted) >= 100 THEN PERFORM copy_noted_agents(); END IF; RETURN NULL; END ;

-- function agents_copies_update()
CREATE FUNCTION agents_copies_update() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  BEGIN PERFORM copy_noted_agents(); RETURN NULL; END ;

-- function agents_count_delete()
CREATE FUNCTION agents_count_delete() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  DECLARE d record; BEGIN FOR d IN SELECT t.state || CASE WHEN t.archived = 1 THEN ' archived' ELSE ' active' END AS part, count(*) AS entries FROM moved t GROUP BY 1 LOOP PERFORM count_entries('agents', d.part, -1 * d.entries); END LOOP; RETURN NULL; END ;

-- function agents_count_insert()
CREATE FUNCTION agents_count_insert() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  DECLARE d record; BEGIN FOR d IN SELECT t.state || CASE WHEN t.archived = 1 THEN ' archived' ELSE ' active' END AS part, count(*) AS entries FROM moved t GROUP BY 1 LOOP PERFORM count_entries('agents', d.part, 1 * d.entries); END LOOP; RETURN NULL; END ;

-- function agents_count_noted()
CREATE FUNCTION agents_count_noted() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  BEGIN PERFORM count_noted('agents'); RETURN NULL; END ;

-- function agents_count_update()
CREATE FUNCTION agents_count_update() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  DECLARE gone text; made text; BEGIN gone := OLD.state || CASE WHEN OLD.archived = 1 THEN ' archived' ELSE ' active' END; made := NEW.state || CASE WHEN NEW.archived = 1 THEN ' archived' ELSE ' active' END; IF gone <> made THEN PERFORM note_count('agents', gone, -1); PERFORM note_count('agents', made, 1); END IF; RETURN NULL; END ;

-- function agents_tags()
CREATE FUNCTION agents_tags() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  BEGIN IF TG_OP = 'UPDATE' THEN DELETE FROM agent_tags WHERE agent_id = NEW.id; END IF; INSERT INTO agent_tags (tag, created_at, agent_id) SELECT tag, created_at, agent_id FROM tagged_agent WHERE agent_id = NEW.id AND NEW.tags <> '[]'; RETURN NULL; END ;

-- function api_tokens_count_delete()
CREATE FUNCTION api_tokens_count_delete() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  DECLARE d record; BEGIN FOR d IN SELECT CASE WHEN t.revoked_at IS NOT NULL THEN 'revoked' WHEN t.expires_at IS NULL THEN 'kept' ELSE 'until ' || CAST(1000000000 + t.expires_at / 86400000 AS text) END AS part, count(*) AS entries FROM moved t GROUP BY 1 LOOP PERFORM count_entries('api_tokens', d.part, -1 * d.entries); END LOOP; RETURN NULL; END ;

-- function api_tokens_count_insert()
CREATE FUNCTION api_tokens_count_insert() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  DECLARE d record; BEGIN FOR d IN SELECT CASE WHEN t.revoked_at IS NOT NULL THEN 'revoked' WHEN t.expires_at IS NULL THEN 'kept' ELSE 'until ' || CAST(1000000000 + t.expires_at / 86400000 AS text) END AS part, count(*) AS entries FROM moved t GROUP BY 1 LOOP PERFORM count_entries('api_tokens', d.part, 1 * d.entries); END LOOP; RETURN NULL; END ;

-- function api_tokens_count_noted()
CREATE FUNCTION api_tokens_count_noted() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  BEGIN PERFORM count_noted('api_tokens'); RETURN NULL; END ;

-- function api_tokens_count_update()
CREATE FUNCTION api_tokens_count_update() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  DECLARE gone text; made text; BEGIN gone := CASE WHEN OLD.revoked_at IS NOT NULL THEN 'revoked' WHEN OLD.expires_at IS NULL THEN 'kept' ELSE 'until ' || CAST(1000000000 + OLD.expires_at / 86400000 AS text) END; made := CASE WHEN NEW.revoked_at IS NOT NULL THEN 'revoked' WHEN NEW.expires_at IS NULL THEN 'kept' ELSE 'until ' || CAST(1000000000 + NEW.expires_at / 86400000 AS text) END; IF gone <> made THEN PERFORM note_count('api_tokens', gone, -1); PERFORM note_count('api_tokens', made, 1); END IF; RETURN NULL; END ;

-- function audit_log_insert()
CREATE FUNCTION audit_log_insert() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  BEGIN PERFORM 1 FROM log_heads WHERE name = 'audit' FOR UPDATE; IF NEW.seq IS DISTINCT FROM (SELECT head_seq + 1 FROM log_heads WHERE name = 'audit') OR NEW.prev_hash IS DISTINCT FROM (SELECT head_hash FROM log_heads WHERE name = 'audit') OR EXISTS (SELECT 1 FROM audit_log a WHERE a.id = NEW.id) THEN RAISE EXCEPTION 'audit_log: out of sequence' USING ERRCODE = 'restrict_violation'; END IF; UPDATE log_heads SET head_seq = NEW.seq, head_hash = NEW.hash, updated_at = NEW.at, newest_at = greatest(newest_at, NEW.at), late_ms = greatest(late_ms, newest_at - NEW.at) WHERE name = 'audit'; RETURN NEW; END ;

-- function audit_log_no_delete()
CREATE FUNCTION audit_log_no_delete() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  BEGIN RAISE EXCEPTION 'audit_log is append-only' USING ERRCODE = 'restrict_violation'; END ;

-- function audit_log_no_update()
CREATE FUNCTION audit_log_no_update() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  BEGIN RAISE EXCEPTION 'audit_log is append-only' USING ERRCODE = 'restrict_violation'; END ;

-- function budget_ranks()
CREATE FUNCTION budget_ranks() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  BEGIN NEW.used_rank := CASE WHEN NEW.spent_micros < NEW.allocated_micros THEN NEW.spent_micros * 100 / NEW.allocated_micros * 2 + CASE WHEN NEW.spent_micros * 100 % NEW.allocated_micros > 0 THEN 1 ELSE 0 END WHEN NEW.spent_micros = 0 THEN 0 WHEN NEW.spent_micros = NEW.allocated_micros OR NEW.allocated_micros = 0 THEN 200 ELSE 200 + length(CAST((NEW.spent_micros * 100 / NEW.allocated_micros) AS text)) * 1000 + CAST(substr(CAST((NEW.spent_micros * 100 / NEW.allocated_micros) AS text), 1, 3) AS integer) / 5 * 5 END; NEW.spent_rank := length(CAST((NEW.spent_micros / 10000) AS text)) * 1000 + CAST(substr(CAST((NEW.spent_micros / 10000) AS text), 1, 3) AS integer) / 5 * 5; NEW.left_rank := CASE WHEN (NEW.allocated_micros - NEW.reserved_micros - NEW.spent_micros) >= 0 THEN length(CAST(((NEW.allocated_micros - NEW.reserved_micros - NEW.spent_micros) / 10000) AS text)) * 1000 + CAST(substr(CAST(((NEW.allocated_micros - NEW.reserved_micros - NEW.spent_micros) / 10000) AS text), 1, 3) AS integer) / 5 * 5 ELSE -(length(CAST(((-(NEW.allocated_micros - NEW.reserved_micros - NEW.spent_micros)) / 10000) AS text)) * 1000 + CAST(substr(CAST(((-(NEW.allocated_micros - NEW.reserved_micros - NEW.spent_micros)) / 10000) AS text), 1, 3) AS integer) / 5 * 5) END; RETURN NEW; END ;

-- function budget_requests_count_delete()
CREATE FUNCTION budget_requests_count_delete() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  DECLARE d record; BEGIN FOR d IN SELECT t.status AS part, count(*) AS entries FROM moved t GROUP BY 1 LOOP PERFORM count_entries('budget_requests', d.part, -1 * d.entries); END LOOP; RETURN NULL; END ;

-- function budget_requests_count_insert()
CREATE FUNCTION budget_requests_count_insert() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  DECLARE d record; BEGIN FOR d IN SELECT t.status AS part, count(*) AS entries FROM moved t GROUP BY 1 LOOP PERFORM count_entries('budget_requests', d.part, 1 * d.entries); END LOOP; RETURN NULL; END ;

-- function budget_requests_count_noted()
CREATE FUNCTION budget_requests_count_noted() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  BEGIN PERFORM count_noted('budget_requests'); RETURN NULL; END ;

-- function budget_requests_count_update()
CREATE FUNCTION budget_requests_count_update() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  DECLARE gone text; made text; BEGIN gone := OLD.status; made := NEW.status; IF gone <> made THEN PERFORM note_count('budget_requests', gone, -1); PERFORM note_count('budget_requests', made, 1); END IF; RETURN NULL; END ;

-- function budget_sums_delete()
CREATE FUNCTION budget_sums_delete() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  BEGIN WITH d AS (SELECT c.owner_id, c.grade, CAST(sum(c.agents) AS bigint) AS agents, CAST(sum(c.allocated_whole) AS bigint) AS allocated_whole, CAST(sum(c.allocated_rest) AS bigint) AS allocated_rest, CAST(sum(c.reserved_whole) AS bigint) AS reserved_whole, CAST(sum(c.reserved_rest) AS bigint) AS reserved_rest, CAST(sum(c.spent_whole) AS bigint) AS spent_whole, CAST(sum(c.spent_rest) AS bigint) AS spent_rest, CAST(sum(c.overdrawn_whole) AS bigint) AS overdrawn_whole, CAST(sum(c.overdrawn_rest) AS bigint) AS overdrawn_rest FROM (SELECT '' AS owner_id, CASE WHEN b.archived_at IS NOT NULL THEN -2 WHEN b.allocated_micros = 0 AND b.spent_micros = 0 THEN -1 WHEN b.spent_micros > b.allocated_micros AND b.allocated_micros > 0 THEN 201 ELSE b.used_rank END AS grade, -1 AS agents, -((b.allocated_micros) / 1000000) AS allocated_whole, -((b.allocated_micros) % 1000000) AS allocated_rest, -((b.reserved_micros) / 1000000) AS reserved_whole, -((b.reserved_micros) % 1000000) AS reserved_rest, -((b.spent_micros) / 1000000) AS spent_whole, -((b.spent_micros) % 1000000) AS spent_rest, -((CASE WHEN (b.spent_micros + b.reserved_micros - b.allocated_micros) > 0 THEN (b.spent_micros + b.reserved_micros - b.allocated_micros) ELSE 0 END) / 1000000) AS overdrawn_whole, -((CASE WHEN (b.spent_micros + b.reserved_micros - b.allocated_micros) > 0 THEN (b.spent_micros + b.reserved_micros - b.allocated_micros) ELSE 0 END) % 1000000) AS overdrawn_rest FROM gone b WHERE true UNION ALL SELECT b.owner_id AS owner_id, CASE WHEN b.archived_at IS NOT NULL THEN -2 WHEN b.allocated_micros = 0 AND b.spent_micros = 0 THEN -1 WHEN b.spent_micros >= b.allocated_micros THEN 200 WHEN b.spent_micros * 10 >= b.allocated_micros * 9 THEN 180 WHEN b.spent_micros * 10 >= b.allocated_micros * 8 THEN 160 WHEN b.spent_micros * 10 >= b.allocated_micros * 5 THEN 100 ELSE 0 END AS grade, -1 AS agents, -((b.allocated_micros) / 1000000) AS allocated_whole, -((b.allocated_micros) % 1000000) AS allocated_rest, -((b.reserved_micros) / 1000000) AS reserved_whole, -((b.reserved_micros) % 1000000) AS reserved_rest, -((b.spent_micros) / 1000000) AS spent_whole, -((b.spent_micros) % 1000000) AS spent_rest, -((CASE WHEN (b.spent_micros + b.reserved_micros - b.allocated_micros) > 0 THEN (b.spent_micros + b.reserved_micros - b.allocated_micros) ELSE 0 END) / 1000000) AS overdrawn_whole, -((CASE WHEN (b.spent_micros + b.reserved_micros - b.allocated_micros) > 0 THEN (b.spent_micros + b.reserved_micros - b.allocated_micros) ELSE 0 END) % 1000000) AS overdrawn_rest FROM gone b WHERE b.owner_id IS NOT NULL) c GROUP BY c.owner_id, c.grade HAVING sum(c.agents) <> 0 OR sum(c.allocated_whole) <> 0 OR sum(c.allocated_rest) <> 0 OR sum(c.reserved_whole) <> 0 OR sum(c.reserved_rest) <> 0 OR sum(c.spent_whole) <> 0 OR sum(c.spent_rest) <> 0 OR sum(c.overdrawn_whole) <> 0 OR sum(c.overdrawn_rest) <> 0), e AS MATERIALIZED (SELECT d.*, (SELECT f.shard FROM budget_sums f WHERE f.owner_id = d.owner_id AND f.grade = d.grade ORDER BY f.shard LIMIT 1 FOR UPDATE SKIP LOCKED) AS free FROM d), u AS (UPDATE budget_sums s SET agents = s.agents + e.agents, allocated_whole = s.allocated_whole + e.allocated_whole, allocated_rest = s.allocated_rest + e.allocated_rest, reserved_whole = s.reserved_whole + e.reserved_whole, reserved_rest = s.reserved_rest + e.reserved_rest, spent_whole = s.spent_whole + e.spent_whole, spent_rest = s.spent_rest + e.spent_rest, overdrawn_whole = s.overdrawn_whole + e.overdrawn_whole, overdrawn_rest = s.overdrawn_rest + e.overdrawn_rest FROM e WHERE s.owner_id = e.owner_id AND s.grade = e.grade AND s.shard = e.free) INSERT INTO budget_sums (owner_id, grade, shard, agents, allocated_whole, allocated_rest, reserved_whole, reserved_rest, spent_whole, spent_rest, overdrawn_whole, overdrawn_rest) SELECT e.owner_id, e.grade, CAST(CAST(pg_current_xact_id() AS text) AS bigint), e.agents, e.allocated_whole, e.allocated_rest, e.reserved_whole, e.reserved_rest, e.spent_whole, e.spent_rest, e.overdrawn_whole, e.overdrawn_rest FROM e WHERE e.free IS NULL; RETURN NULL; END ;

-- function budget_sums_insert()
CREATE FUNCTION budget_sums_insert() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  BEGIN WITH d AS (SELECT c.owner_id, c.grade, CAST(sum(c.agents) AS bigint) AS agents, CAST(sum(c.allocated_whole) AS bigint) AS allocated_whole, CAST(sum(c.allocated_rest) AS bigint) AS allocated_rest, CAST(sum(c.reserved_whole) AS bigint) AS reserved_whole, CAST(sum(c.reserved_rest) AS bigint) AS reserved_rest, CAST(sum(c.spent_whole) AS bigint) AS spent_whole, CAST(sum(c.spent_rest) AS bigint) AS spent_rest, CAST(sum(c.overdrawn_whole) AS bigint) AS overdrawn_whole, CAST(sum(c.overdrawn_rest) AS bigint) AS overdrawn_rest FROM (SELECT '' AS owner_id, CASE WHEN b.archived_at IS NOT NULL THEN -2 WHEN b.allocated_micros = 0 AND b.spent_micros = 0 THEN -1 WHEN b.spent_micros > b.allocated_micros AND b.allocated_micros > 0 THEN 201 ELSE b.used_rank END AS grade, 1 AS agents, ((b.allocated_micros) / 1000000) AS allocated_whole, ((b.allocated_micros) % 1000000) AS allocated_rest, ((b.reserved_micros) / 1000000) AS reserved_whole, ((b.reserved_micros) % 1000000) AS reserved_rest, ((b.spent_micros) / 1000000) AS spent_whole, ((b.spent_micros) % 1000000) AS spent_rest, ((CASE WHEN (b.spent_micros + b.reserved_micros - b.allocated_micros) > 0 THEN (b.spent_micros + b.reserved_micros - b.allocated_micros) ELSE 0 END) / 1000000) AS overdrawn_whole, ((CASE WHEN (b.spent_micros + b.reserved_micros - b.allocated_micros) > 0 THEN (b.spent_micros + b.reserved_micros - b.allocated_micros) ELSE 0 END) % 1000000) AS overdrawn_rest FROM made b WHERE true UNION ALL SELECT b.owner_id AS owner_id, CASE WHEN b.archived_at IS NOT NULL THEN -2 WHEN b.allocated_micros = 0 AND b.spent_micros = 0 THEN -1 WHEN b.spent_micros >= b.allocated_micros THEN 200 WHEN b.spent_micros * 10 >= b.allocated_micros * 9 THEN 180 WHEN b.spent_micros * 10 >= b.allocated_micros * 8 THEN 160 WHEN b.spent_micros * 10 >= b.allocated_micros * 5 THEN 100 ELSE 0 END AS grade, 1 AS agents, ((b.allocated_micros) / 1000000) AS allocated_whole, ((b.allocated_micros) % 1000000) AS allocated_rest, ((b.reserved_micros) / 1000000) AS reserved_whole, ((b.reserved_micros) % 1000000) AS reserved_rest, ((b.spent_micros) / 1000000) AS spent_whole, ((b.spent_micros) % 1000000) AS spent_rest, ((CASE WHEN (b.spent_micros + b.reserved_micros - b.allocated_micros) > 0 THEN (b.spent_micros + b.reserved_micros - b.allocated_micros) ELSE 0 END) / 1000000) AS overdrawn_whole, ((CASE WHEN (b.spent_micros + b.reserved_micros - b.allocated_micros) > 0 THEN (b.spent_micros + b.reserved_micros - b.allocated_micros) ELSE 0 END) % 1000000) AS overdrawn_rest FROM made b WHERE b.owner_id IS NOT NULL) c GROUP BY c.owner_id, c.grade HAVING sum(c.agents) <> 0 OR sum(c.allocated_whole) <> 0 OR sum(c.allocated_rest) <> 0 OR sum(c.reserved_whole) <> 0 OR sum(c.reserved_rest) <> 0 OR sum(c.spent_whole) <> 0 OR sum(c.spent_rest) <> 0 OR sum(c.overdrawn_whole) <> 0 OR sum(c.overdrawn_rest) <> 0), e AS MATERIALIZED (SELECT d.*, (SELECT f.shard FROM budget_sums f WHERE f.owner_id = d.owner_id AND f.grade = d.grade ORDER BY f.shard LIMIT 1 FOR UPDATE SKIP LOCKED) AS free FROM d), u AS (UPDATE budget_sums s SET agents = s.agents + e.agents, allocated_whole = s.allocated_whole + e.allocated_whole, allocated_rest = s.allocated_rest + e.allocated_rest, reserved_whole = s.reserved_whole + e.reserved_whole, reserved_rest = s.reserved_rest + e.reserved_rest, spent_whole = s.spent_whole + e.spent_whole, spent_rest = s.spent_rest + e.spent_rest, overdrawn_whole = s.overdrawn_whole + e.overdrawn_whole, overdrawn_rest = s.overdrawn_rest + e.overdrawn_rest FROM e WHERE s.owner_id = e.owner_id AND s.grade = e.grade AND s.shard = e.free) INSERT INTO budget_sums (owner_id, grade, shard, agents, allocated_whole, allocated_rest, reserved_whole, reserved_rest, spent_whole, spent_rest, overdrawn_whole, overdrawn_rest) SELECT e.owner_id, e.grade, CAST(CAST(pg_current_xact_id() AS text) AS bigint), e.agents, e.allocated_whole, e.allocated_rest, e.reserved_whole, e.reserved_rest, e.spent_whole, e.spent_rest, e.overdrawn_whole, e.overdrawn_rest FROM e WHERE e.free IS NULL; RETURN NULL; END ;

-- function budget_sums_update()
CREATE FUNCTION budget_sums_update() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  DECLARE many bigint; before agent_budgets; after agent_budgets; was bigint; becomes bigint; BEGIN SELECT count(*) INTO many FROM made; IF many > 1 THEN WITH d AS (SELECT c.owner_id, c.grade, CAST(sum(c.agents) AS bigint) AS agents, CAST(sum(c.allocated_whole) AS bigint) AS allocated_whole, CAST(sum(c.allocated_rest) AS bigint) AS allocated_rest, CAST(sum(c.reserved_whole) AS bigint) AS reserved_whole, CAST(sum(c.reserved_rest) AS bigint) AS reserved_rest, CAST(sum(c.spent_whole) AS bigint) AS spent_whole, CAST(sum(c.spent_rest) AS bigint) AS spent_rest, CAST(sum(c.overdrawn_whole) AS bigint) AS overdrawn_whole, CAST(sum(c.overdrawn_rest) AS bigint) AS overdrawn_rest FROM (SELECT '' AS owner_id, CASE WHEN b.archived_at IS NOT NULL THEN -2 WHEN b.allocated_micros = 0 AND b.spent_micros = 0 THEN -1 WHEN b.spent_micros > b.allocated_micros AND b.allocated_micros > 0 THEN 201 ELSE b.used_rank END AS grade, -1 AS agents, -((b.allocated_micros) / 1000000) AS allocated_whole, -((b.allocated_micros) % 1000000) AS allocated_rest, -((b.reserved_micros) / 1000000) AS reserved_whole, -((b.reserved_micros) % 1000000) AS reserved_rest, -((b.spent_micros) / 1000000) AS spent_whole, -((b.spent_micros) % 1000000) AS spent_rest, -((CASE WHEN (b.spent_micros + b.reserved_micros - b.allocated_micros) > 0 THEN (b.spent_micros + b.reserved_micros - b.allocated_micros) ELSE 0 END) / 1000000) AS overdrawn_whole, -((CASE WHEN (b.spent_micros + b.reserved_micros - b.allocated_micros) > 0 THEN (b.spent_micros + b.reserved_micros - b.allocated_micros) ELSE 0 END) % 1000000) AS overdrawn_rest FROM gone b WHERE true UNION ALL SELECT b.owner_id AS owner_id, CASE WHEN b.archived_at IS NOT NULL THEN -2 WHEN b.allocated_micros = 0 AND b.spent_micros = 0 THEN -1 WHEN b.spent_micros >= b.allocated_micros THEN 200 WHEN b.spent_micros * 10 >= b.allocated_micros * 9 THEN 180 WHEN b.spent_micros * 10 >= b.allocated_micros * 8 THEN 160 WHEN b.spent_micros * 10 >= b.allocated_micros * 5 THEN 100 ELSE 0 END AS grade, -1 AS agents, -((b.allocated_micros) / 1000000) AS allocated_whole, -((b.allocated_micros) % 1000000) AS allocated_rest, -((b.reserved_micros) / 1000000) AS reserved_whole, -((b.reserved_micros) % 1000000) AS reserved_rest, -((b.spent_micros) / 1000000) AS spent_whole, -((b.spent_micros) % 1000000) AS spent_rest, -((CASE WHEN (b.spent_micros + b.reserved_micros - b.allocated_micros) > 0 THEN (b.spent_micros + b.reserved_micros - b.allocated_micros) ELSE 0 END) / 1000000) AS overdrawn_whole, -((CASE WHEN (b.spent_micros + b.reserved_micros - b.allocated_micros) > 0 THEN (b.spent_micros + b.reserved_micros - b.allocated_micros) ELSE 0 END) % 1000000) AS overdrawn_rest FROM gone b WHERE b.owner_id IS NOT NULL UNION ALL SELECT '' AS owner_id, CASE WHEN b.archived_at IS NOT NULL THEN -2 WHEN b.allocated_micros = 0 AND b.spent_micros = 0 THEN -1 WHEN b.spent_micros > b.allocated_micros AND b.allocated_micros > 0 THEN 201 ELSE b.used_rank END AS grade, 1 AS agents, ((b.allocated_micros) / 1000000) AS allocated_whole, ((b.allocated_micros) % 1000000) AS allocated_rest, ((b.reserved_micros) / 1000000) AS reserved_whole, ((b.reserved_micros) % 1000000) AS reserved_rest, ((b.spent_micros) / 1000000) AS spent_whole, ((b.spent_micros) % 1000000) AS spent_rest, ((CASE WHEN (b.spent_micros + b.reserved_micros - b.allocated_micros) > 0 THEN (b.spent_micros + b.reserved_micros - b.allocated_micros) ELSE 0 END) / 1000000) AS overdrawn_whole, ((CASE WHEN (b.spent_micros + b.reserved_micros - b.allocated_micros) > 0 THEN (b.spent_micros + b.reserved_micros - b.allocated_micros) ELSE 0 END) % 1000000) AS overdrawn_rest FROM made b WHERE true UNION ALL SELECT b.owner_id AS owner_id, CASE WHEN b.archived_at IS NOT NULL THEN -2 WHEN b.allocated_micros = 0 AND b.spent_micros = 0 THEN -1 WHEN b.spent_micros >= b.allocated_micros THEN 200 WHEN b.spent_micros * 10 >= b.allocated_micros * 9 THEN 180 WHEN b.spent_micros * 10 >= b.allocated_micros * 8 THEN 160 WHEN b.spent_micros * 10 >= b.allocated_micros * 5 THEN 100 ELSE 0 END AS grade, 1 AS agents, ((b.allocated_micros) / 1000000) AS allocated_whole, ((b.allocated_micros) % 1000000) AS allocated_rest, ((b.reserved_micros) / 1000000) AS reserved_whole, ((b.reserved_micros) % 1000000) AS reserved_rest, ((b.spent_micros) / 1000000) AS spent_whole, ((b.spent_micros) % 1000000) AS spent_rest, ((CASE WHEN (b.spent_micros + b.reserved_micros - b.allocated_micros) > 0 THEN (b.spent_micros + b.reserved_micros - b.allocated_micros) ELSE 0 END) / 1000000) AS overdrawn_whole, ((CASE WHEN (b.spent_micros + b.reserved_micros - b.allocated_micros) > 0 THEN (b.spent_micros + b.reserved_micros - b.allocated_micros) ELSE 0 END) % 1000000) AS overdrawn_rest FROM made b WHERE b.owner_id IS NOT NULL) c GROUP BY c.owner_id, c.grade HAVING sum(c.agents) <> 0 OR sum(c.allocated_whole) <> 0 OR sum(c.allocated_rest) <> 0 OR sum(c.reserved_whole) <> 0 OR sum(c.reserved_rest) <> 0 OR sum(c.spent_whole) <> 0 OR sum(c.spent_rest) <> 0 OR sum(c.overdrawn_whole) <> 0 OR sum(c.overdrawn_rest) <> 0), e AS MATERIALIZED (SELECT d.*, (SELECT f.shard FROM budget_sums f WHERE f.owner_id = d.owner_id AND f.grade = d.grade ORDER BY f.shard LIMIT 1 FOR UPDATE SKIP LOCKED) AS free FROM d), u AS (UPDATE budget_sums s SET agents = s.agents + e.agents, allocated_whole = s.allocated_whole + e.allocated_whole, allocated_rest = s.allocated_rest + e.allocated_rest, reserved_whole = s.reserved_whole + e.reserved_whole, reserved_rest = s.reserved_rest + e.reserved_rest, spent_whole = s.spent_whole + e.spent_whole, spent_rest = s.spent_rest + e.spent_rest, overdrawn_whole = s.overdrawn_whole + e.overdrawn_whole, overdrawn_rest = s.overdrawn_rest + e.overdrawn_rest FROM e WHERE s.owner_id = e.owner_id AND s.grade = e.grade AND s.shard = e.free) INSERT INTO budget_sums (owner_id, grade, shard, agents, allocated_whole, allocated_rest, reserved_whole, reserved_rest, spent_whole, spent_rest, overdrawn_whole, overdrawn_rest) SELECT e.owner_id, e.grade, CAST(CAST(pg_current_xact_id() AS text) AS bigint), e.agents, e.allocated_whole, e.allocated_rest, e.reserved_whole, e.reserved_rest, e.spent_whole, e.spent_rest, e.overdrawn_whole, e.overdrawn_rest FROM e WHERE e.free IS NULL; ELSIF many = 1 THEN SELECT * INTO before FROM gone; SELECT * INTO after FROM made; was := CASE WHEN before.archived_at IS NOT NULL THEN -2 WHEN before.allocated_micros = 0 AND before.spent_micros = 0 THEN -1 WHEN before.spent_micros > before.allocated_micros AND before.allocated_micros > 0 THEN 201 ELSE before.used_rank END; becomes := CASE WHEN after.archived_at IS NOT NULL THEN -2 WHEN after.allocated_micros = 0 AND after.spent_micros = 0 THEN -1 WHEN after.spent_micros > after.allocated_micros AND after.allocated_micros > 0 THEN 201 ELSE after.used_rank END; IF '' = '' AND was = becomes THEN UPDATE budget_sums s SET agents = s.agents + (1 - 1), allocated_whole = s.allocated_whole + (((after.allocated_micros) / 1000000) - ((before.allocated_micros) / 1000000)), allocated_rest = s.allocated_rest + (((after.allocated_micros) % 1000000) - ((before.allocated_micros) % 1000000)), reserved_whole = s.reserved_whole + (((after.reserved_micros) / 1000000) - ((before.reserved_micros) / 1000000)), reserved_rest = s.reserved_rest + (((after.reserved_micros) % 1000000) - ((before.reserved_micros) % 1000000)), spent_whole = s.spent_whole + (((after.spent_micros) / 1000000) - ((before.spent_micros) / 1000000)), spent_rest = s.spent_rest + (((after.spent_micros) % 1000000) - ((before.spent_micros) % 1000000)), overdrawn_whole = s.overdrawn_whole + (((CASE WHEN (after.spent_micros + after.reserved_micros - after.allocated_micros) > 0 THEN (after.spent_micros + after.reserved_micros - after.allocated_micros) ELSE 0 END) / 1000000) - ((CASE WHEN (before.spent_micros + before.reserved_micros - before.allocated_micros) > 0 THEN (before.spent_micros + before.reserved_micros - before.allocated_micros) ELSE 0 END) / 1000000)), overdrawn_rest = s.overdrawn_rest + (((CASE WHEN (after.spent_micros + after.reserved_micros - after.allocated_micros) > 0 THEN (after.spent_micros + after.reserved_micros - after.allocated_micros) ELSE 0 END) % 1000000) - ((CASE WHEN (before.spent_micros + before.reserved_micros - before.allocated_micros) > 0 THEN (before.spent_micros + before.reserved_micros - before.allocated_micros) ELSE 0 END) % 1000000)) WHERE s.owner_id = '' AND s.grade = was AND s.shard = (SELECT f.shard FROM budget_sums f WHERE f.owner_id = '' AND f.grade = was ORDER BY f.shard LIMIT 1 FOR UPDATE SKIP LOCKED); IF NOT FOUND THEN INSERT INTO budget_sums (owner_id, grade, shard, agents, allocated_whole, allocated_rest, reserved_whole, reserved_rest, spent_whole, spent_rest, overdrawn_whole, overdrawn_rest) VALUES ('', was, CAST(CAST(pg_current_xact_id() AS text) AS bigint), 1 - 1, ((after.allocated_micros) / 1000000) - ((before.allocated_micros) / 1000000), ((after.allocated_micros) % 1000000) - ((before.allocated_micros) % 1000000), ((after.reserved_micros) / 1000000) - ((before.reserved_micros) / 1000000), ((after.reserved_micros) % 1000000) - ((before.reserved_micros) % 1000000), ((after.spent_micros) / 1000000) - ((before.spent_micros) / 1000000), ((after.spent_micros) % 1000000) - ((before.spent_micros) % 1000000), ((CASE WHEN (after.spent_micros + after.reserved_micros - after.allocated_micros) > 0 THEN (after.spent_micros + after.reserved_micros - after.allocated_micros) ELSE 0 END) / 1000000) - ((CASE WHEN (before.spent_micros + before.reserved_micros - before.allocated_micros) > 0 THEN (before.spent_micros + before.reserved_micros - before.allocated_micros) ELSE 0 END) / 1000000), ((CASE WHEN (after.spent_micros + after.reserved_micros - after.allocated_micros) > 0 THEN (after.spent_micros + after.reserved_micros - after.allocated_micros) ELSE 0 END) % 1000000) - ((CASE WHEN (before.spent_micros + before.reserved_micros - before.allocated_micros) > 0 THEN (before.spent_micros + before.reserved_micros - before.allocated_micros) ELSE 0 END) % 1000000)); END IF; ELSE IF true THEN UPDATE budget_sums s SET agents = s.agents + (-1), allocated_whole = s.allocated_whole + (-((before.allocated_micros) / 1000000)), allocated_rest = s.allocated_rest + (-((before.allocated_micros) % 1000000)), reserved_whole = s.reserved_whole + (-((before.reserved_micros) / 1000000)), reserved_rest = s.reserved_rest + (-((before.reserved_micros) % 1000000)), spent_whole = s.spent_whole + (-((before.spent_micros) / 1000000)), spent_rest = s.spent_rest + (-((before.spent_micros) % 1000000)), overdrawn_whole = s.overdrawn_whole + (-((CASE WHEN (before.spent_micros + before.reserved_micros - before.allocated_micros) > 0 THEN (before.spent_micros + before.reserved_micros - before.allocated_micros) ELSE 0 END) / 1000000)), overdrawn_rest = s.overdrawn_rest + (-((CASE WHEN (before.spent_micros + before.reserved_micros - before.allocated_micros) > 0 THEN (before.spent_micros + before.reserved_micros - before.allocated_micros) ELSE 0 END) % 1000000)) WHERE s.owner_id = '' AND s.grade = was AND s.shard = (SELECT f.shard FROM budget_sums f WHERE f.owner_id = '' AND f.grade = was ORDER BY f.shard LIMIT 1 FOR UPDATE SKIP LOCKED); IF NOT FOUND THEN INSERT INTO budget_sums (owner_id, grade, shard, agents, allocated_whole, allocated_rest, reserved_whole, reserved_rest, spent_whole, spent_rest, overdrawn_whole, overdrawn_rest) VALUES ('', was, CAST(CAST(pg_current_xact_id() AS text) AS bigint), -1, -((before.allocated_micros) / 1000000), -((before.allocated_micros) % 1000000), -((before.reserved_micros) / 1000000), -((before.reserved_micros) % 1000000), -((before.spent_micros) / 1000000), -((before.spent_micros) % 1000000), -((CASE WHEN (before.spent_micros + before.reserved_micros - before.allocated_micros) > 0 THEN (before.spent_micros + before.reserved_micros - before.allocated_micros) ELSE 0 END) / 1000000), -((CASE WHEN (before.spent_micros + before.reserved_micros - before.allocated_micros) > 0 THEN (before.spent_micros + before.reserved_micros - before.allocated_micros) ELSE 0 END) % 1000000)); END IF; END IF; IF true THEN UPDATE budget_sums s SET agents = s.agents + (1), allocated_whole = s.allocated_whole + (((after.allocated_micros) / 1000000)), allocated_rest = s.allocated_rest + (((after.allocated_micros) % 1000000)), reserved_whole = s.reserved_whole + (((after.reserved_micros) / 1000000)), reserved_rest = s.reserved_rest + (((after.reserved_micros) % 1000000)), spent_whole = s.spent_whole + (((after.spent_micros) / 1000000)), spent_rest = s.spent_rest + (((after.spent_micros) % 1000000)), overdrawn_whole = s.overdrawn_whole + (((CASE WHEN (after.spent_micros + after.reserved_micros - after.allocated_micros) > 0 THEN (after.spent_micros + after.reserved_micros - after.allocated_micros) ELSE 0 END) / 1000000)), overdrawn_rest = s.overdrawn_rest + (((CASE WHEN (after.spent_micros + after.reserved_micros - after.allocated_micros) > 0 THEN (after.spent_micros + after.reserved_micros - after.allocated_micros) ELSE 0 END) % 1000000)) WHERE s.owner_id = '' AND s.grade = becomes AND s.shard = (SELECT f.shard FROM budget_sums f WHERE f.owner_id = '' AND f.grade = becomes ORDER BY f.shard LIMIT 1 FOR UPDATE SKIP LOCKED); IF NOT FOUND THEN INSERT INTO budget_sums (owner_id, grade, shard, agents, allocated_whole, allocated_rest, reserved_whole, reserved_rest, spent_whole, spent_rest, overdrawn_whole, overdrawn_rest) VALUES ('', becomes, CAST(CAST(pg_current_xact_id() AS text) AS bigint), 1, ((after.allocated_micros) / 1000000), ((after.allocated_micros) % 1000000), ((after.reserved_micros) / 1000000), ((after.reserved_micros) % 1000000), ((after.spent_micros) / 1000000), ((after.spent_micros) % 1000000), ((CASE WHEN (after.spent_micros + after.reserved_micros - after.allocated_micros) > 0 THEN (after.spent_micros + after.reserved_micros - after.allocated_micros) ELSE 0 END) / 1000000), ((CASE WHEN (after.spent_micros + after.reserved_micros - after.allocated_micros) > 0 THEN (after.spent_micros + after.reserved_micros - after.allocated_micros) ELSE 0 END) % 1000000)); END IF; END IF; END IF; was := CASE WHEN before.archived_at IS NOT NULL THEN -2 WHEN before.allocated_micros = 0 AND before.spent_micros = 0 THEN -1 WHEN before.spent_micros >= before.allocated_micros THEN 200 WHEN before.spent_micros * 10 >= before.allocated_micros * 9 THEN 180 WHEN before.spent_micros * 10 >= before.allocated_micros * 8 THEN 160 WHEN before.spent_micros * 10 >= before.allocated_micros * 5 THEN 100 ELSE 0 END; becomes := CASE WHEN after.archived_at IS NOT NULL THEN -2 WHEN after.allocated_micros = 0 AND after.spent_micros = 0 THEN -1 WHEN after.spent_micros >= after.allocated_micros THEN 200 WHEN after.spent_micros * 10 >= after.allocated_micros * 9 THEN 180 WHEN after.spent_micros * 10 >= after.allocated_micros * 8 THEN 160 WHEN after.spent_micros * 10 >= after.allocated_micros * 5 THEN 100 ELSE 0 END; IF before.owner_id = after.owner_id AND was = becomes THEN UPDATE budget_sums s SET agents = s.agents + (1 - 1), allocated_whole = s.allocated_whole + (((after.allocated_micros) / 1000000) - ((before.allocated_micros) / 1000000)), allocated_rest = s.allocated_rest + (((after.allocated_micros) % 1000000) - ((before.allocated_micros) % 1000000)), reserved_whole = s.reserved_whole + (((after.reserved_micros) / 1000000) - ((before.reserved_micros) / 1000000)), reserved_rest = s.reserved_rest + (((after.reserved_micros) % 1000000) - ((before.reserved_micros) % 1000000)), spent_whole = s.spent_whole + (((after.spent_micros) / 1000000) - ((before.spent_micros) / 1000000)), spent_rest = s.spent_rest + (((after.spent_micros) % 1000000) - ((before.spent_micros) % 1000000)), overdrawn_whole = s.overdrawn_whole + (((CASE WHEN (after.spent_micros + after.reserved_micros - after.allocated_micros) > 0 THEN (after.spent_micros + after.reserved_micros - after.allocated_micros) ELSE 0 END) / 1000000) - ((CASE WHEN (before.spent_micros + before.reserved_micros - before.allocated_micros) > 0 THEN (before.spent_micros + before.reserved_micros - before.allocated_micros) ELSE 0 END) / 1000000)), overdrawn_rest = s.overdrawn_rest + (((CASE WHEN (after.spent_micros + after.reserved_micros - after.allocated_micros) > 0 THEN (after.spent_micros + after.reserved_micros - after.allocated_micros) ELSE 0 END) % 1000000) - ((CASE WHEN (before.spent_micros + before.reserved_micros - before.allocated_micros) > 0 THEN (before.spent_micros + before.reserved_micros - before.allocated_micros) ELSE 0 END) % 1000000)) WHERE s.owner_id = after.owner_id AND s.grade = was AND s.shard = (SELECT f.shard FROM budget_sums f WHERE f.owner_id = after.owner_id AND f.grade = was ORDER BY f.shard LIMIT 1 FOR UPDATE SKIP LOCKED); IF NOT FOUND THEN INSERT INTO budget_sums (owner_id, grade, shard, agents, allocated_whole, allocated_rest, reserved_whole, reserved_rest, spent_whole, spent_rest, overdrawn_whole, overdrawn_rest) VALUES (after.owner_id, was, CAST(CAST(pg_current_xact_id() AS text) AS bigint), 1 - 1, ((after.allocated_micros) / 1000000) - ((before.allocated_micros) / 1000000), ((after.allocated_micros) % 1000000) - ((before.allocated_micros) % 1000000), ((after.reserved_micros) / 1000000) - ((before.reserved_micros) / 1000000), ((after.reserved_micros) % 1000000) - ((before.reserved_micros) % 1000000), ((after.spent_micros) / 1000000) - ((before.spent_micros) / 1000000), ((after.spent_micros) % 1000000) - ((before.spent_micros) % 1000000), ((CASE WHEN (after.spent_micros + after.reserved_micros - after.allocated_micros) > 0 THEN (after.spent_micros + after.reserved_micros - after.allocated_micros) ELSE 0 END) / 1000000) - ((CASE WHEN (before.spent_micros + before.reserved_micros - before.allocated_micros) > 0 THEN (before.spent_micros + before.reserved_micros - before.allocated_micros) ELSE 0 END) / 1000000), ((CASE WHEN (after.spent_micros + after.reserved_micros - after.allocated_micros) > 0 THEN (after.spent_micros + after.reserved_micros - after.allocated_micros) ELSE 0 END) % 1000000) - ((CASE WHEN (before.spent_micros + before.reserved_micros - before.allocated_micros) > 0 THEN (before.spent_micros + before.reserved_micros - before.allocated_micros) ELSE 0 END) % 1000000)); END IF; ELSE IF before.owner_id IS NOT NULL THEN UPDATE budget_sums s SET agents = s.agents + (-1), allocated_whole = s.allocated_whole + (-((before.allocated_micros) / 1000000)), allocated_rest = s.allocated_rest + (-((before.allocated_micros) % 1000000)), reserved_whole = s.reserved_whole + (-((before.reserved_micros) / 1000000)), reserved_rest = s.reserved_rest + (-((before.reserved_micros) % 1000000)), spent_whole = s.spent_whole + (-((before.spent_micros) / 1000000)), spent_rest = s.spent_rest + (-((before.spent_micros) % 1000000)), overdrawn_whole = s.overdrawn_whole + (-((CASE WHEN (before.spent_micros + before.reserved_micros - before.allocated_micros) > 0 THEN (before.spent_micros + before.reserved_micros - before.allocated_micros) ELSE 0 END) / 1000000)), overdrawn_rest = s.overdrawn_rest + (-((CASE WHEN (before.spent_micros + before.reserved_micros - before.allocated_micros) > 0 THEN (before.spent_micros + before.reserved_micros - before.allocated_micros) ELSE 0 END) % 1000000)) WHERE s.owner_id = before.owner_id AND s.grade = was AND s.shard = (SELECT f.shard FROM budget_sums f WHERE f.owner_id = before.owner_id AND f.grade = was ORDER BY f.shard LIMIT 1 FOR UPDATE SKIP LOCKED); IF NOT FOUND THEN INSERT INTO budget_sums (owner_id, grade, shard, agents, allocated_whole, allocated_rest, reserved_whole, reserved_rest, spent_whole, spent_rest, overdrawn_whole, overdrawn_rest) VALUES (before.owner_id, was, CAST(CAST(pg_current_xact_id() AS text) AS bigint), -1, -((before.allocated_micros) / 1000000), -((before.allocated_micros) % 1000000), -((before.reserved_micros) / 1000000), -((before.reserved_micros) % 1000000), -((before.spent_micros) / 1000000), -((before.spent_micros) % 1000000), -((CASE WHEN (before.spent_micros + before.reserved_micros - before.allocated_micros) > 0 THEN (before.spent_micros + before.reserved_micros - before.allocated_micros) ELSE 0 END) / 1000000), -((CASE WHEN (before.spent_micros + before.reserved_micros - before.allocated_micros) > 0 THEN (before.spent_micros + before.reserved_micros - before.allocated_micros) ELSE 0 END) % 1000000)); END IF; END IF; IF after.owner_id IS NOT NULL THEN UPDATE budget_sums s SET agents = s.agents + (1), allocated_whole = s.allocated_whole + (((after.allocated_micros) / 1000000)), allocated_rest = s.allocated_rest + (((after.allocated_micros) % 1000000)), reserved_whole = s.reserved_whole + (((after.reserved_micros) / 1000000)), reserved_rest = s.reserved_rest + (((after.reserved_micros) % 1000000)), spent_whole = s.spent_whole + (((after.spent_micros) / 1000000)), spent_rest = s.spent_rest + (((after.spent_micros) % 1000000)), overdrawn_whole = s.overdrawn_whole + (((CASE WHEN (after.spent_micros + after.reserved_micros - after.allocated_micros) > 0 THEN (after.spent_micros + after.reserved_micros - after.allocated_micros) ELSE 0 END) / 1000000)), overdrawn_rest = s.overdrawn_rest + (((CASE WHEN (after.spent_micros + after.reserved_micros - after.allocated_micros) > 0 THEN (after.spent_micros + after.reserved_micros - after.allocated_micros) ELSE 0 END) % 1000000)) WHERE s.owner_id = after.owner_id AND s.grade = becomes AND s.shard = (SELECT f.shard FROM budget_sums f WHERE f.owner_id = after.owner_id AND f.grade = becomes ORDER BY f.shard LIMIT 1 FOR UPDATE SKIP LOCKED); IF NOT FOUND THEN INSERT INTO budget_sums (owner_id, grade, shard, agents, allocated_whole, allocated_rest, reserved_whole, reserved_rest, spent_whole, spent_rest, overdrawn_whole, overdrawn_rest) VALUES (after.owner_id, becomes, CAST(CAST(pg_current_xact_id() AS text) AS bigint), 1, ((after.allocated_micros) / 1000000), ((after.allocated_micros) % 1000000), ((after.reserved_micros) / 1000000), ((after.reserved_micros) % 1000000), ((after.spent_micros) / 1000000), ((after.spent_micros) % 1000000), ((CASE WHEN (after.spent_micros + after.reserved_micros - after.allocated_micros) > 0 THEN (after.spent_micros + after.reserved_micros - after.allocated_micros) ELSE 0 END) / 1000000), ((CASE WHEN (after.spent_micros + after.reserved_micros - after.allocated_micros) > 0 THEN (after.spent_micros + after.reserved_micros - after.allocated_micros) ELSE 0 END) % 1000000)); END IF; END IF; END IF; END IF; RETURN NULL; END ;

-- function copy_noted_agents()
CREATE FUNCTION copy_noted_agents() RETURNS void LANGUAGE plpgsql VOLATILITY v AS  DECLARE noted text[] := CAST(coalesce(nullif(current_setting('iron.agents_moved', true), ''), '{}') AS text[]); BEGIN IF noted = '{}' THEN RETURN; END IF; PERFORM set_config('iron.agents_moved', '', true); UPDATE agents SET archived = CASE WHEN b.archived_at IS NULL THEN 0 ELSE 1 END, owner_id = b.owner_id FROM agent_budgets b WHERE b.agent_id = agents.id AND agents.id = ANY (noted); END ;

-- function count_entries(counted text, counted_part text, more bigint)
CREATE FUNCTION count_entries(counted text, counted_part text, more bigint) RETURNS void LANGUAGE plpgsql VOLATILITY v AS  DECLARE free bigint; BEGIN SELECT c.shard INTO free FROM list_counts c WHERE c.list = counted AND c.part = counted_part ORDER BY c.shard LIMIT 1 FOR UPDATE SKIP LOCKED; IF FOUND THEN UPDATE list_counts c SET entries = c.entries + more WHERE c.list = counted AND c.part = counted_part AND c.shard = free; ELSE INSERT INTO list_counts (list, part, shard, entries) VALUES (counted, counted_part, CAST(CAST(pg_current_xact_id() AS text) AS bigint), more); END IF; END ;

-- function count_noted(counted text)
CREATE FUNCTION count_noted(counted text) RETURNS void LANGUAGE plpgsql VOLATILITY v AS  DECLARE noted jsonb := coalesce(nullif(current_setting('iron.counts_' || counted, true), ''), '{}'); d record; BEGIN IF noted = '{}' THEN RETURN; END IF; PERFORM set_config('iron.counts_' || counted, '', true); FOR d IN SELECT n.key AS part, CAST(n.value AS bigint) AS more FROM jsonb_each_text(noted) n WHERE n.value <> '0' ORDER BY 1 LOOP PERFORM count_entries(counted, d.part, d.more); END LOOP; END ;

-- function events_insert()
CREATE FUNCTION events_insert() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  DECLARE added bigint; lowest bigint; highest bigint; done bigint; due bigint; BEGIN SELECT count(*), min(m.seq), max(m.seq) INTO added, lowest, highest FROM made m; IF added = 0 THEN RETURN NULL; END IF; UPDATE log_heads SET head_seq = highest, updated_at = (SELECT m.at FROM made m WHERE m.seq = highest) WHERE name = 'events' AND head_seq = lowest - 1 AND highest - lowest = added - 1; IF NOT FOUND THEN RAISE EXCEPTION 'events: out of sequence' USING ERRCODE = 'restrict_violation'; END IF; done := (lowest - 1) - (lowest - 1) % 1024; due := highest - highest % 1024; IF due > done THEN INSERT INTO agent_events (agent_id, seq) SELECT e.agent_id, e.seq FROM events e WHERE e.seq > done AND e.seq <= due ORDER BY e.agent_id, e.seq; END IF; RETURN NULL; END ;

-- function events_no_delete()
CREATE FUNCTION events_no_delete() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  BEGIN IF OLD.seq > (SELECT floor FROM log_heads WHERE name = 'events') THEN RAISE EXCEPTION 'events is append-only' USING ERRCODE = 'restrict_violation'; END IF; RETURN OLD; END ;

-- function events_no_update()
CREATE FUNCTION events_no_update() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  BEGIN RAISE EXCEPTION 'events is append-only' USING ERRCODE = 'restrict_violation'; END ;

-- function lease_entries_insert()
CREATE FUNCTION lease_entries_insert() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  BEGIN INSERT INTO lease_entries (lease_id, seq) SELECT l.lease_id, l.seq FROM ledger_entries l WHERE l.lease_id IS NOT NULL AND l.agent_id = NEW.agent_id AND l.seq > NEW.seq - 64 AND l.seq <= NEW.seq ORDER BY l.lease_id, l.seq; RETURN NULL; END ;

-- function leases_final()
CREATE FUNCTION leases_final() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  BEGIN IF NEW.id IS DISTINCT FROM OLD.id OR NEW.agent_id IS DISTINCT FROM OLD.agent_id OR NEW.supersedes IS DISTINCT FROM OLD.supersedes OR NEW.idempotency_key IS DISTINCT FROM OLD.idempotency_key OR NEW.granted_micros IS DISTINCT FROM OLD.granted_micros OR (OLD.status <> 'active' AND (NEW.status IS DISTINCT FROM OLD.status OR NEW.close_reason IS DISTINCT FROM OLD.close_reason)) THEN RAISE EXCEPTION 'leases: a final state is final' USING ERRCODE = 'restrict_violation'; END IF; RETURN NEW; END ;

-- function leases_no_delete()
CREATE FUNCTION leases_no_delete() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  BEGIN RAISE EXCEPTION 'leases are kept' USING ERRCODE = 'restrict_violation'; END ;

-- function ledger_entries_insert()
CREATE FUNCTION ledger_entries_insert() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  BEGIN IF NOT EXISTS (SELECT 1 FROM agent_budgets b WHERE b.agent_id = NEW.agent_id AND b.ledger_seq = NEW.seq AND b.ledger_hash = NEW.hash AND b.version = NEW.version AND b.allocated_micros = NEW.allocated_after AND b.reserved_micros = NEW.reserved_after AND b.spent_micros = NEW.spent_after) OR EXISTS (SELECT 1 FROM ledger_entries l WHERE l.agent_id = NEW.agent_id AND l.seq = NEW.seq) OR (NEW.seq > 1 AND NOT EXISTS (SELECT 1 FROM ledger_entries l WHERE l.agent_id = NEW.agent_id AND l.seq = NEW.seq - 1)) OR (NEW.type IN ('allocate', 'deallocate') AND EXISTS (SELECT 1 FROM ledger_entries l WHERE l.agent_id = NEW.agent_id AND l.version = NEW.version AND l.type IN ('allocate', 'deallocate'))) THEN RAISE EXCEPTION 'ledger_entries: row does not match the budget' USING ERRCODE = 'restrict_violation'; END IF; RETURN NEW; END ;

-- function ledger_entries_no_delete()
CREATE FUNCTION ledger_entries_no_delete() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  BEGIN RAISE EXCEPTION 'ledger_entries is append-only' USING ERRCODE = 'restrict_violation'; END ;

-- function ledger_entries_no_update()
CREATE FUNCTION ledger_entries_no_update() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  BEGIN RAISE EXCEPTION 'ledger_entries is append-only' USING ERRCODE = 'restrict_violation'; END ;

-- function log_heads_guard()
CREATE FUNCTION log_heads_guard() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  BEGIN IF NEW.name <> OLD.name OR NEW.head_seq < OLD.head_seq OR NEW.floor < OLD.floor OR (NEW.head_seq = OLD.head_seq AND NEW.head_hash IS DISTINCT FROM OLD.head_hash) THEN RAISE EXCEPTION 'log_heads may only move forward' USING ERRCODE = 'restrict_violation'; END IF; RETURN NEW; END ;

-- function log_heads_no_delete()
CREATE FUNCTION log_heads_no_delete() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  BEGIN RAISE EXCEPTION 'log_heads rows are permanent' USING ERRCODE = 'restrict_violation'; END ;

-- function log_heads_no_insert()
CREATE FUNCTION log_heads_no_insert() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  BEGIN RAISE EXCEPTION 'log_heads rows are permanent' USING ERRCODE = 'restrict_violation'; END ;

-- function no_truncate()
CREATE FUNCTION no_truncate() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  BEGIN RAISE EXCEPTION '% is never truncated', TG_TABLE_NAME USING ERRCODE = 'restrict_violation'; END ;

-- function note_count(counted text, counted_part text, more bigint)
CREATE FUNCTION note_count(counted text, counted_part text, more bigint) RETURNS void LANGUAGE plpgsql VOLATILITY v AS  DECLARE noted jsonb := coalesce(nullif(current_setting('iron.counts_' || counted, true), ''), '{}'); notes text; BEGIN notes := jsonb_set(noted, ARRAY[counted_part], to_jsonb(coalesce(CAST(noted ->> counted_part AS bigint), 0) + more)); PERFORM set_config('iron.counts_' || counted, notes, true); IF length(notes) > 8000 THEN PERFORM count_noted(counted); END IF; END ;

-- function owned_agents_count_delete()
CREATE FUNCTION owned_agents_count_delete() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  DECLARE d record; BEGIN FOR d IN SELECT t.state || CASE WHEN t.archived = 1 THEN ' archived' ELSE ' active' END || ' ' || coalesce(t.owner_id, '') AS part, count(*) AS entries FROM moved t GROUP BY 1 LOOP PERFORM count_entries('owned_agents', d.part, -1 * d.entries); END LOOP; RETURN NULL; END ;

-- function owned_agents_count_insert()
CREATE FUNCTION owned_agents_count_insert() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  DECLARE d record; BEGIN FOR d IN SELECT t.state || CASE WHEN t.archived = 1 THEN ' archived' ELSE ' active' END || ' ' || coalesce(t.owner_id, '') AS part, count(*) AS entries FROM moved t GROUP BY 1 LOOP PERFORM count_entries('owned_agents', d.part, 1 * d.entries); END LOOP; RETURN NULL; END ;

-- function owned_agents_count_noted()
CREATE FUNCTION owned_agents_count_noted() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  BEGIN PERFORM count_noted('owned_agents'); RETURN NULL; END ;

-- function owned_agents_count_update()
CREATE FUNCTION owned_agents_count_update() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  DECLARE gone text; made text; BEGIN gone := OLD.state || CASE WHEN OLD.archived = 1 THEN ' archived' ELSE ' active' END || ' ' || coalesce(OLD.owner_id, ''); made := NEW.state || CASE WHEN NEW.archived = 1 THEN ' archived' ELSE ' active' END || ' ' || coalesce(NEW.owner_id, ''); IF gone <> made THEN PERFORM note_count('owned_agents', gone, -1); PERFORM note_count('owned_agents', made, 1); END IF; RETURN NULL; END ;

-- function provider_keys_count_delete()
CREATE FUNCTION provider_keys_count_delete() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  DECLARE d record; BEGIN FOR d IN SELECT t.status AS part, count(*) AS entries FROM moved t GROUP BY 1 LOOP PERFORM count_entries('provider_keys', d.part, -1 * d.entries); END LOOP; RETURN NULL; END ;

-- function provider_keys_count_insert()
CREATE FUNCTION provider_keys_count_insert() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  DECLARE d record; BEGIN FOR d IN SELECT t.status AS part, count(*) AS entries FROM moved t GROUP BY 1 LOOP PERFORM count_entries('provider_keys', d.part, 1 * d.entries); END LOOP; RETURN NULL; END ;

-- function provider_keys_count_noted()
CREATE FUNCTION provider_keys_count_noted() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  BEGIN PERFORM count_noted('provider_keys'); RETURN NULL; END ;

-- function provider_keys_count_update()
CREATE FUNCTION provider_keys_count_update() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  DECLARE gone text; made text; BEGIN gone := OLD.status; made := NEW.status; IF gone <> made THEN PERFORM note_count('provider_keys', gone, -1); PERFORM note_count('provider_keys', made, 1); END IF; RETURN NULL; END ;

-- function request_keys_insert()
CREATE FUNCTION request_keys_insert() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  BEGIN IF EXISTS (SELECT 1 FROM request_keys k WHERE k.subject_id = NEW.subject_id AND k.request_id = NEW.request_id) OR NOT EXISTS (SELECT 1 FROM requests r WHERE r.subject_id = NEW.subject_id AND r.request_id = NEW.request_id AND r.id = NEW.id AND r.payload_hash = NEW.payload_hash AND r.lease_id IS NOT DISTINCT FROM NEW.lease_id AND r.cost_micros = NEW.cost_micros AND r.overrun_micros = NEW.overrun_micros AND r.pricing = NEW.pricing AND r.late = NEW.late) THEN RAISE EXCEPTION 'request_keys: not the copy of a billed call' USING ERRCODE = 'restrict_violation'; END IF; RETURN NEW; END ;

-- function request_keys_no_delete()
CREATE FUNCTION request_keys_no_delete() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  BEGIN RAISE EXCEPTION 'request_keys is append-only' USING ERRCODE = 'restrict_violation'; END ;

-- function request_keys_no_update()
CREATE FUNCTION request_keys_no_update() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  BEGIN RAISE EXCEPTION 'request_keys is append-only' USING ERRCODE = 'restrict_violation'; END ;

-- function requests_final()
CREATE FUNCTION requests_final() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  BEGIN IF NEW.id IS DISTINCT FROM OLD.id OR NEW.source IS DISTINCT FROM OLD.source OR NEW.subject_id IS DISTINCT FROM OLD.subject_id OR NEW.request_id IS DISTINCT FROM OLD.request_id OR (OLD.billed = 1 AND (NEW.billed IS DISTINCT FROM OLD.billed OR NEW.lease_id IS DISTINCT FROM OLD.lease_id OR NEW.payload_hash IS DISTINCT FROM OLD.payload_hash OR NEW.cost_micros IS DISTINCT FROM OLD.cost_micros OR NEW.overrun_micros IS DISTINCT FROM OLD.overrun_micros OR NEW.input_tokens IS DISTINCT FROM OLD.input_tokens OR NEW.cache_read_tokens IS DISTINCT FROM OLD.cache_read_tokens OR NEW.cache_write_tokens IS DISTINCT FROM OLD.cache_write_tokens OR NEW.output_tokens IS DISTINCT FROM OLD.output_tokens OR NEW.reasoning_tokens IS DISTINCT FROM OLD.reasoning_tokens OR NEW.other_parts IS DISTINCT FROM OLD.other_parts OR NEW.total_tokens IS DISTINCT FROM OLD.total_tokens OR NEW.pricing IS DISTINCT FROM OLD.pricing OR NEW.price_id IS DISTINCT FROM OLD.price_id OR NEW.late IS DISTINCT FROM OLD.late OR NEW.received_at IS DISTINCT FROM OLD.received_at)) THEN RAISE EXCEPTION 'requests: a billed call is final' USING ERRCODE = 'restrict_violation'; END IF; RETURN NEW; END ;

-- function requests_keep_key()
CREATE FUNCTION requests_keep_key() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  BEGIN IF OLD.payload_hash IS NOT NULL AND NOT EXISTS (SELECT 1 FROM request_keys k WHERE k.subject_id = OLD.subject_id AND k.request_id = OLD.request_id AND k.id = OLD.id AND k.payload_hash = OLD.payload_hash AND k.cost_micros = OLD.cost_micros) THEN RAISE EXCEPTION 'requests: a billed call leaves its key' USING ERRCODE = 'restrict_violation'; END IF; RETURN OLD; END ;

-- function users_count_delete()
CREATE FUNCTION users_count_delete() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  DECLARE d record; BEGIN FOR d IN SELECT t.role || CASE WHEN t.deleted_at IS NOT NULL THEN ' deleted' WHEN t.suspended_at IS NOT NULL THEN ' suspended' ELSE ' active' END AS part, count(*) AS entries FROM moved t GROUP BY 1 LOOP PERFORM count_entries('users', d.part, -1 * d.entries); END LOOP; RETURN NULL; END ;

-- function users_count_insert()
CREATE FUNCTION users_count_insert() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  DECLARE d record; BEGIN FOR d IN SELECT t.role || CASE WHEN t.deleted_at IS NOT NULL THEN ' deleted' WHEN t.suspended_at IS NOT NULL THEN ' suspended' ELSE ' active' END AS part, count(*) AS entries FROM moved t GROUP BY 1 LOOP PERFORM count_entries('users', d.part, 1 * d.entries); END LOOP; RETURN NULL; END ;

-- function users_count_noted()
CREATE FUNCTION users_count_noted() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  BEGIN PERFORM count_noted('users'); RETURN NULL; END ;

-- function users_count_update()
CREATE FUNCTION users_count_update() RETURNS trigger LANGUAGE plpgsql VOLATILITY v AS  DECLARE gone text; made text; BEGIN gone := OLD.role || CASE WHEN OLD.deleted_at IS NOT NULL THEN ' deleted' WHEN OLD.suspended_at IS NOT NULL THEN ' suspended' ELSE ' active' END; made := NEW.role || CASE WHEN NEW.deleted_at IS NOT NULL THEN ' deleted' WHEN NEW.suspended_at IS NOT NULL THEN ' suspended' ELSE ' active' END; IF gone <> made THEN PERFORM note_count('users', gone, -1); PERFORM note_count('users', made, 1); END IF; RETURN NULL; END ;

-- index agent_budgets_allocated
CREATE INDEX agent_budgets_allocated ON agent_budgets USING btree (allocated_micros, agent_id) WHERE archived_at IS NULL;

-- index agent_budgets_archived
CREATE INDEX agent_budgets_archived ON agent_budgets USING btree (agent_id) WHERE archived_at IS NOT NULL;

-- index agent_budgets_created
CREATE INDEX agent_budgets_created ON agent_budgets USING btree (created_at, agent_id) WHERE archived_at IS NULL;

-- index agent_budgets_left
CREATE INDEX agent_budgets_left ON agent_budgets USING btree (left_rank, agent_id) WHERE archived_at IS NULL;

-- index agent_budgets_owner
CREATE INDEX agent_budgets_owner ON agent_budgets USING btree (owner_id);

-- index agent_budgets_spent
CREATE INDEX agent_budgets_spent ON agent_budgets USING btree (spent_rank, agent_id) WHERE archived_at IS NULL;

-- index agent_budgets_used
CREATE INDEX agent_budgets_used ON agent_budgets USING btree (used_rank, agent_id) WHERE archived_at IS NULL;

-- index agent_providers_order
CREATE UNIQUE INDEX agent_providers_order ON agent_providers USING btree (agent_id, "position");

-- index agent_providers_provider
CREATE INDEX agent_providers_provider ON agent_providers USING btree (provider_id);

-- index agent_tags_agent
CREATE INDEX agent_tags_agent ON agent_tags USING btree (agent_id);

-- index agents_archived
CREATE INDEX agents_archived ON agents USING btree (created_at, id, name) WHERE archived = 1;

-- index agents_created
CREATE INDEX agents_created ON agents USING btree (created_at, id, archived, name);

-- index agents_failed
CREATE INDEX agents_failed ON agents USING btree (created_at, id) WHERE state = 'failed'::text;

-- index agents_idle
CREATE INDEX agents_idle ON agents USING btree (created_at, id) WHERE state = 'idle'::text;

-- index agents_name
CREATE INDEX agents_name ON agents USING btree (name, id);

-- index agents_owner
CREATE INDEX agents_owner ON agents USING btree (owner_id, created_at, id, archived, state, name);

-- index agents_running
CREATE INDEX agents_running ON agents USING btree (created_at, id) WHERE state = 'running'::text;

-- index agents_silent
CREATE INDEX agents_silent ON agents USING btree (last_seen_at) WHERE state = 'running'::text;

-- index agents_stopped
CREATE INDEX agents_stopped ON agents USING btree (created_at, id) WHERE state = 'stopped'::text;

-- index agents_updated
CREATE INDEX agents_updated ON agents USING btree (updated_at, id);

-- index api_token_secrets_current
CREATE UNIQUE INDEX api_token_secrets_current ON api_token_secrets USING btree (token_id) WHERE valid_until IS NULL;

-- index api_token_secrets_token
CREATE INDEX api_token_secrets_token ON api_token_secrets USING btree (token_id);

-- index api_tokens_created
CREATE INDEX api_tokens_created ON api_tokens USING btree (created_at, id);

-- index api_tokens_expires
CREATE INDEX api_tokens_expires ON api_tokens USING btree (expires_at, id);

-- index api_tokens_last_used
CREATE INDEX api_tokens_last_used ON api_tokens USING btree (last_used_at NULLS FIRST, id);

-- index api_tokens_name
CREATE INDEX api_tokens_name ON api_tokens USING btree (name, id);

-- index api_tokens_owner
CREATE INDEX api_tokens_owner ON api_tokens USING btree (owner_id, created_at);

-- index api_tokens_project
CREATE INDEX api_tokens_project ON api_tokens USING btree (project_id, created_at, id) WHERE project_id IS NOT NULL;

-- index api_tokens_revoked
CREATE INDEX api_tokens_revoked ON api_tokens USING btree (created_at, id) WHERE revoked_at IS NOT NULL;

-- index audit_log_id
CREATE UNIQUE INDEX audit_log_id ON audit_log USING btree (id);

-- index audit_log_operation
CREATE INDEX audit_log_operation ON audit_log USING btree (operation, seq);

-- index audit_log_resource
CREATE INDEX audit_log_resource ON audit_log USING btree (resource_type, resource_id, seq);

-- index audit_log_type
CREATE INDEX audit_log_type ON audit_log USING btree (resource_type, seq);

-- index audit_log_user
CREATE INDEX audit_log_user ON audit_log USING btree (actor_user_id, seq) WHERE actor_user_id IS NOT NULL;

-- index budget_requests_agent
CREATE INDEX budget_requests_agent ON budget_requests USING btree (agent_id, created_at);

-- index budget_requests_created
CREATE INDEX budget_requests_created ON budget_requests USING btree (created_at, id);

-- index budget_requests_requested
CREATE INDEX budget_requests_requested ON budget_requests USING btree (requested_allocated_micros, id);

-- index budget_requests_requester
CREATE INDEX budget_requests_requester ON budget_requests USING btree (requester_id, created_at);

-- index budget_requests_status
CREATE INDEX budget_requests_status ON budget_requests USING btree (status, created_at);

-- index budget_requests_wanted
CREATE INDEX budget_requests_wanted ON budget_requests USING btree (status, requested_allocated_micros, id);

-- index events_dedupe
CREATE UNIQUE INDEX events_dedupe ON events USING btree (dedupe_key) WHERE dedupe_key IS NOT NULL;

-- index events_type
CREATE INDEX events_type ON events USING btree (type, seq) WHERE type <> ALL (ARRAY['request.completed'::text, 'request.failed'::text]);

-- index ic_tokens_agent
CREATE INDEX ic_tokens_agent ON ic_tokens USING btree (agent_id, created_at);

-- index ic_tokens_live
CREATE UNIQUE INDEX ic_tokens_live ON ic_tokens USING btree (agent_id) WHERE revoked_at IS NULL;

-- index ic_tokens_token_hash
CREATE UNIQUE INDEX ic_tokens_token_hash ON ic_tokens USING btree (token_hash);

-- index idempotency_keys_age
CREATE INDEX idempotency_keys_age ON idempotency_keys USING btree (created_at);

-- index leases_active
CREATE INDEX leases_active ON leases USING btree (agent_id) WHERE status = 'active'::text;

-- index leases_agent
CREATE INDEX leases_agent ON leases USING btree (agent_id, created_at);

-- index leases_due
CREATE INDEX leases_due ON leases USING btree (expires_at) WHERE status = 'active'::text;

-- index leases_idempotency
CREATE UNIQUE INDEX leases_idempotency ON leases USING btree (agent_id, idempotency_key) WHERE idempotency_key IS NOT NULL;

-- index leases_supersedes
CREATE UNIQUE INDEX leases_supersedes ON leases USING btree (supersedes);

-- index ledger_entries_history
CREATE UNIQUE INDEX ledger_entries_history ON ledger_entries USING btree (agent_id, version) WHERE type = ANY (ARRAY['allocate'::text, 'deallocate'::text]);

-- index limits_created
CREATE INDEX limits_created ON limits USING btree (created_at, id);

-- index limits_general
CREATE UNIQUE INDEX limits_general ON limits USING btree (owner_id) WHERE project_id IS NULL;

-- index limits_project
CREATE UNIQUE INDEX limits_project ON limits USING btree (owner_id, project_id) WHERE project_id IS NOT NULL;

-- index provider_keys_active
CREATE UNIQUE INDEX provider_keys_active ON provider_keys USING btree (provider_id) WHERE status = 'active'::text;

-- index provider_keys_created
CREATE INDEX provider_keys_created ON provider_keys USING btree (created_at, id);

-- index provider_keys_last_used
CREATE INDEX provider_keys_last_used ON provider_keys USING btree (last_used_at NULLS FIRST, id);

-- index provider_keys_provider
CREATE INDEX provider_keys_provider ON provider_keys USING btree (provider_id, created_at);

-- index provider_keys_vault
CREATE INDEX provider_keys_vault ON provider_keys USING btree (vault_key_id) WHERE sealed IS NOT NULL;

-- index providers_deleted
CREATE INDEX providers_deleted ON providers USING btree (id) WHERE deleted_at IS NOT NULL;

-- index providers_name
CREATE UNIQUE INDEX providers_name ON providers USING btree (name) WHERE deleted_at IS NULL;

-- index request_rollups_model
CREATE INDEX request_rollups_model ON request_rollups USING btree (model, hour_start);

-- index request_rollups_provider
CREATE INDEX request_rollups_provider ON request_rollups USING btree (provider, hour_start);

-- index request_rollups_subject
CREATE INDEX request_rollups_subject ON request_rollups USING btree (subject_id, hour_start);

-- index request_sums_subject
CREATE INDEX request_sums_subject ON request_sums USING btree (subject_id, start);

-- index requests_key
CREATE UNIQUE INDEX requests_key ON requests USING btree (subject_id, request_id);

-- index requests_subject_time
CREATE INDEX requests_subject_time ON requests USING btree (subject_id, received_at);

-- index requests_time
CREATE INDEX requests_time ON requests USING btree (received_at, id);

-- index schema_migrations_name
CREATE UNIQUE INDEX schema_migrations_name ON schema_migrations USING btree (name);

-- index sessions_expiry
CREATE INDEX sessions_expiry ON sessions USING btree (expires_at);

-- index sessions_user
CREATE INDEX sessions_user ON sessions USING btree (user_id, created_at);

-- index spans_age
CREATE INDEX spans_age ON spans USING btree (received_at);

-- index spans_agent
CREATE INDEX spans_agent ON spans USING btree (agent_id, started_at);

-- index telemetry_ids_age
CREATE INDEX telemetry_ids_age ON telemetry_ids USING btree (received_at);

-- index users_admins
CREATE INDEX users_admins ON users USING btree (created_at, id) WHERE role = 'admin'::text AND deleted_at IS NULL;

-- index users_created
CREATE INDEX users_created ON users USING btree (created_at, id);

-- index users_deleted
CREATE INDEX users_deleted ON users USING btree (created_at, id) WHERE deleted_at IS NOT NULL;

-- index users_email
CREATE UNIQUE INDEX users_email ON users USING btree (email) WHERE deleted_at IS NULL;

-- index users_email_order
CREATE INDEX users_email_order ON users USING btree (email NULLS FIRST, id) WHERE deleted_at IS NULL;

-- index users_last_login
CREATE INDEX users_last_login ON users USING btree (last_login_at NULLS FIRST, id) WHERE deleted_at IS NULL;

-- index users_live_admins
CREATE INDEX users_live_admins ON users USING btree (id) WHERE role = 'admin'::text AND suspended_at IS NULL AND deleted_at IS NULL;

-- index users_suspended
CREATE INDEX users_suspended ON users USING btree (created_at, id) WHERE suspended_at IS NOT NULL AND deleted_at IS NULL;

-- index users_username
CREATE UNIQUE INDEX users_username ON users USING btree (username_key) WHERE deleted_at IS NULL;

-- index users_users
CREATE INDEX users_users ON users USING btree (created_at, id) WHERE role = 'user'::text AND deleted_at IS NULL;

-- index users_viewers
CREATE INDEX users_viewers ON users USING btree (created_at, id) WHERE role = 'viewer'::text AND deleted_at IS NULL;

-- table actor_entries
CREATE TABLE actor_entries (
  actor_id text COLLATE "C" NOT NULL,
  seq bigint NOT NULL,
  CONSTRAINT actor_entries_pkey PRIMARY KEY (actor_id, seq),
  CONSTRAINT actor_entries_seq_check CHECK (seq >= 1 AND seq <= '9007199254740991'::bigint)
);

-- table agent_budgets
CREATE TABLE agent_budgets (
  agent_id text COLLATE "C" NOT NULL,
  owner_id text COLLATE "C",
  allocated_micros bigint NOT NULL DEFAULT 0,
  reserved_micros bigint NOT NULL DEFAULT 0,
  spent_micros bigint NOT NULL DEFAULT 0,
  version bigint NOT NULL DEFAULT 0,
  ledger_seq bigint NOT NULL DEFAULT 0,
  ledger_hash text COLLATE "C" NOT NULL DEFAULT '0000000000000000000000000000000000000000000000000000000000000000'::text,
  alerted_percent bigint NOT NULL DEFAULT 0,
  archived_at bigint,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  used_rank bigint NOT NULL DEFAULT 0,
  spent_rank bigint NOT NULL DEFAULT 1000,
  left_rank bigint NOT NULL DEFAULT 1000,
  CONSTRAINT agent_budgets_agent_id_check CHECK (length(agent_id) >= 1 AND length(agent_id) <= 255),
  CONSTRAINT agent_budgets_alerted_percent_check CHECK (alerted_percent = ANY (ARRAY[0::bigint, 50::bigint, 80::bigint, 90::bigint, 100::bigint])),
  CONSTRAINT agent_budgets_allocated_micros_check CHECK (allocated_micros >= 0 AND allocated_micros <= '9007199254740991'::bigint),
  CONSTRAINT agent_budgets_ledger_hash_check CHECK (length(ledger_hash) = 64),
  CONSTRAINT agent_budgets_ledger_seq_check CHECK (ledger_seq >= 0 AND ledger_seq <= '9007199254740991'::bigint),
  CONSTRAINT agent_budgets_owner_id_check CHECK (length(owner_id) >= 1 AND length(owner_id) <= 255),
  CONSTRAINT agent_budgets_pkey PRIMARY KEY (agent_id),
  CONSTRAINT agent_budgets_reserved_micros_check CHECK (reserved_micros >= 0 AND reserved_micros <= '9007199254740991'::bigint),
  CONSTRAINT agent_budgets_spent_micros_check CHECK (spent_micros >= 0 AND spent_micros <= '9007199254740991'::bigint),
  CONSTRAINT agent_budgets_version_check CHECK (version >= 0 AND version <= '9007199254740991'::bigint)
) WITH (fillfactor=70, autovacuum_vacuum_scale_factor=0.02, autovacuum_analyze_scale_factor=0.02);

-- table agent_events
CREATE TABLE agent_events (
  agent_id text COLLATE "C" NOT NULL,
  seq bigint NOT NULL,
  CONSTRAINT agent_events_agent_id_check CHECK (length(agent_id) >= 1 AND length(agent_id) <= 255),
  CONSTRAINT agent_events_pkey PRIMARY KEY (agent_id, seq),
  CONSTRAINT agent_events_seq_check CHECK (seq >= 1 AND seq <= '9007199254740991'::bigint)
);

-- table agent_providers
CREATE TABLE agent_providers (
  agent_id text COLLATE "C" NOT NULL,
  provider_id text COLLATE "C" NOT NULL,
  position bigint NOT NULL,
  assigned_at bigint NOT NULL,
  CONSTRAINT agent_providers_agent_id_check CHECK (length(agent_id) >= 1 AND length(agent_id) <= 255),
  CONSTRAINT agent_providers_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES agents(id) ON DELETE CASCADE,
  CONSTRAINT agent_providers_pkey PRIMARY KEY (agent_id, provider_id),
  CONSTRAINT agent_providers_position_check CHECK ("position" >= 0 AND "position" <= '9007199254740991'::bigint),
  CONSTRAINT agent_providers_provider_id_check CHECK (length(provider_id) >= 1 AND length(provider_id) <= 255),
  CONSTRAINT agent_providers_provider_id_fkey FOREIGN KEY (provider_id) REFERENCES providers(id) ON DELETE CASCADE
);

-- table agent_tags
CREATE TABLE agent_tags (
  tag text COLLATE "C" NOT NULL,
  created_at bigint NOT NULL,
  agent_id text COLLATE "C" NOT NULL,
  CONSTRAINT agent_tags_agent_id_check CHECK (length(agent_id) >= 1 AND length(agent_id) <= 255),
  CONSTRAINT agent_tags_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES agents(id) ON DELETE CASCADE,
  CONSTRAINT agent_tags_pkey PRIMARY KEY (tag, created_at, agent_id)
);

-- table agents
CREATE TABLE agents (
  id text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  description text COLLATE "C",
  tags text COLLATE "C" NOT NULL DEFAULT '[]'::text,
  state text COLLATE "C" NOT NULL DEFAULT 'idle'::text,
  state_reason text COLLATE "C",
  state_changed_at bigint NOT NULL,
  desired_state text COLLATE "C" NOT NULL DEFAULT 'running'::text,
  last_seen_at bigint,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  archived bigint NOT NULL DEFAULT 0,
  owner_id text COLLATE "C",
  CONSTRAINT agents_archived_check CHECK (archived = ANY (ARRAY[0::bigint, 1::bigint])),
  CONSTRAINT agents_description_check CHECK (length(description) <= 500),
  CONSTRAINT agents_desired_state_check CHECK (desired_state = ANY (ARRAY['running'::text, 'stopped'::text])),
  CONSTRAINT agents_id_check CHECK (length(id) >= 1 AND length(id) <= 255),
  CONSTRAINT agents_id_fkey FOREIGN KEY (id) REFERENCES agent_budgets(agent_id) ON DELETE RESTRICT,
  CONSTRAINT agents_name_check CHECK (length(name) >= 1 AND length(name) <= 100),
  CONSTRAINT agents_owner_id_check CHECK (length(owner_id) >= 1 AND length(owner_id) <= 255),
  CONSTRAINT agents_pkey PRIMARY KEY (id),
  CONSTRAINT agents_state_check CHECK (state = ANY (ARRAY['running'::text, 'idle'::text, 'stopped'::text, 'failed'::text])),
  CONSTRAINT agents_state_reason_check CHECK (length(state_reason) <= 500)
);

-- table api_token_secrets
CREATE TABLE api_token_secrets (
  token_hash text COLLATE "C" NOT NULL,
  token_id text COLLATE "C" NOT NULL,
  hint text COLLATE "C" NOT NULL,
  created_at bigint NOT NULL,
  valid_until bigint,
  CONSTRAINT api_token_secrets_hint_check CHECK (length(hint) <= 20),
  CONSTRAINT api_token_secrets_pkey PRIMARY KEY (token_hash),
  CONSTRAINT api_token_secrets_token_hash_check CHECK (length(token_hash) = 64),
  CONSTRAINT api_token_secrets_token_id_check CHECK (length(token_id) >= 1 AND length(token_id) <= 255),
  CONSTRAINT api_token_secrets_token_id_fkey FOREIGN KEY (token_id) REFERENCES api_tokens(id) ON DELETE CASCADE
);

-- table api_tokens
CREATE TABLE api_tokens (
  id text COLLATE "C" NOT NULL,
  owner_id text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  description text COLLATE "C",
  project_id text COLLATE "C",
  scopes text COLLATE "C",
  allowed_ips text COLLATE "C" NOT NULL DEFAULT '[]'::text,
  created_at bigint NOT NULL,
  expires_at bigint,
  last_used_at bigint,
  revoked_at bigint,
  revoked_by text COLLATE "C",
  CONSTRAINT api_tokens_description_check CHECK (length(description) <= 500),
  CONSTRAINT api_tokens_id_check CHECK (length(id) >= 1 AND length(id) <= 255),
  CONSTRAINT api_tokens_name_check CHECK (length(name) >= 1 AND length(name) <= 100),
  CONSTRAINT api_tokens_owner_id_check CHECK (length(owner_id) >= 1 AND length(owner_id) <= 255),
  CONSTRAINT api_tokens_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES users(id) ON DELETE RESTRICT,
  CONSTRAINT api_tokens_pkey PRIMARY KEY (id),
  CONSTRAINT api_tokens_project_id_check CHECK (length(project_id) >= 1 AND length(project_id) <= 100),
  CONSTRAINT api_tokens_revoked_by_check CHECK (length(revoked_by) >= 1 AND length(revoked_by) <= 255)
);

-- table audit_log
CREATE TABLE audit_log (
  seq bigint NOT NULL,
  id text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  actor_type text COLLATE "C" NOT NULL,
  actor_id text COLLATE "C" NOT NULL,
  actor_user_id text COLLATE "C",
  actor_role text COLLATE "C",
  operation text COLLATE "C" NOT NULL,
  resource_type text COLLATE "C" NOT NULL,
  resource_id text COLLATE "C",
  http_request_id text COLLATE "C",
  ip text COLLATE "C",
  user_agent text COLLATE "C",
  changes text COLLATE "C",
  reason text COLLATE "C",
  metadata text COLLATE "C" NOT NULL DEFAULT '{}'::text,
  prev_hash text COLLATE "C" NOT NULL,
  hash text COLLATE "C" NOT NULL,
  CONSTRAINT audit_log_actor_type_check CHECK (actor_type = ANY (ARRAY['user'::text, 'api_token'::text, 'agent'::text, 'system'::text])),
  CONSTRAINT audit_log_hash_check CHECK (length(hash) = 64),
  CONSTRAINT audit_log_id_check CHECK (length(id) >= 1 AND length(id) <= 255),
  CONSTRAINT audit_log_operation_check CHECK (length(operation) >= 1 AND length(operation) <= 64),
  CONSTRAINT audit_log_pkey PRIMARY KEY (seq),
  CONSTRAINT audit_log_prev_hash_check CHECK (length(prev_hash) = 64),
  CONSTRAINT audit_log_reason_check CHECK (length(reason) <= 1000),
  CONSTRAINT audit_log_seq_check CHECK (seq >= 1 AND seq <= '9007199254740991'::bigint),
  CONSTRAINT audit_log_user_agent_check CHECK (length(user_agent) <= 500)
);

-- table budget_requests
CREATE TABLE budget_requests (
  id text COLLATE "C" NOT NULL,
  agent_id text COLLATE "C" NOT NULL,
  requester_id text COLLATE "C" NOT NULL,
  status text COLLATE "C" NOT NULL,
  allocated_micros bigint NOT NULL,
  requested_allocated_micros bigint NOT NULL,
  approved_allocated_micros bigint,
  justification text COLLATE "C" NOT NULL,
  created_at bigint NOT NULL,
  reviewed_at bigint,
  reviewed_by text COLLATE "C",
  cancelled_at bigint,
  cancelled_by text COLLATE "C",
  review_notes text COLLATE "C",
  CONSTRAINT budget_requests_agent_id_check CHECK (length(agent_id) >= 1 AND length(agent_id) <= 255),
  CONSTRAINT budget_requests_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES agent_budgets(agent_id) ON DELETE RESTRICT,
  CONSTRAINT budget_requests_allocated_micros_check CHECK (allocated_micros >= 0 AND allocated_micros <= '9007199254740991'::bigint),
  CONSTRAINT budget_requests_approved_allocated_micros_check CHECK (approved_allocated_micros >= 1 AND approved_allocated_micros <= '9007199254740991'::bigint),
  CONSTRAINT budget_requests_approved_with_amount CHECK ((status = 'approved'::text) = (approved_allocated_micros IS NOT NULL)),
  CONSTRAINT budget_requests_asks_for_more CHECK (requested_allocated_micros > allocated_micros),
  CONSTRAINT budget_requests_cancelled_by_check CHECK (length(cancelled_by) >= 1 AND length(cancelled_by) <= 255),
  CONSTRAINT budget_requests_cancelled_with_time CHECK ((status = 'cancelled'::text) = (cancelled_at IS NOT NULL)),
  CONSTRAINT budget_requests_canceller_with_time CHECK (cancelled_by IS NULL OR cancelled_at IS NOT NULL),
  CONSTRAINT budget_requests_id_check CHECK (length(id) >= 1 AND length(id) <= 255),
  CONSTRAINT budget_requests_justification_check CHECK (length(justification) >= 20 AND length(justification) <= 500),
  CONSTRAINT budget_requests_pkey PRIMARY KEY (id),
  CONSTRAINT budget_requests_rejected_with_notes CHECK (status <> 'rejected'::text OR review_notes IS NOT NULL AND length(review_notes) >= 20),
  CONSTRAINT budget_requests_requested_allocated_micros_check CHECK (requested_allocated_micros >= 0 AND requested_allocated_micros <= '9007199254740991'::bigint),
  CONSTRAINT budget_requests_requester_id_check CHECK (length(requester_id) >= 1 AND length(requester_id) <= 255),
  CONSTRAINT budget_requests_review_notes_check CHECK (length(review_notes) <= 1000),
  CONSTRAINT budget_requests_reviewed_by_check CHECK (length(reviewed_by) >= 1 AND length(reviewed_by) <= 255),
  CONSTRAINT budget_requests_reviewed_by_somebody CHECK ((reviewed_at IS NULL) = (reviewed_by IS NULL)),
  CONSTRAINT budget_requests_reviewed_when_decided CHECK ((status = ANY (ARRAY['approved'::text, 'rejected'::text])) = (reviewed_at IS NOT NULL)),
  CONSTRAINT budget_requests_status_check CHECK (status = ANY (ARRAY['pending'::text, 'approved'::text, 'rejected'::text, 'cancelled'::text]))
);

-- table budget_sums
CREATE TABLE budget_sums (
  owner_id text COLLATE "C" NOT NULL,
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
  CONSTRAINT budget_sums_grade_check CHECK (grade >= '-2'::integer AND grade <= 201),
  CONSTRAINT budget_sums_owner_id_check CHECK (length(owner_id) <= 255),
  CONSTRAINT budget_sums_pkey PRIMARY KEY (owner_id, grade, shard),
  CONSTRAINT budget_sums_shard_check CHECK (shard >= 0 AND shard <= '9007199254740991'::bigint)
) WITH (fillfactor=70, autovacuum_vacuum_scale_factor=0.02, autovacuum_analyze_scale_factor=0.02);

-- table events
CREATE TABLE events (
  seq bigint NOT NULL,
  id text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  type text COLLATE "C" NOT NULL,
  agent_id text COLLATE "C" NOT NULL,
  dedupe_key text COLLATE "C",
  data text COLLATE "C" NOT NULL,
  CONSTRAINT events_agent_id_check CHECK (length(agent_id) >= 1 AND length(agent_id) <= 255),
  CONSTRAINT events_data_check CHECK (length(data) <= 16384),
  CONSTRAINT events_dedupe_key_check CHECK (length(dedupe_key) <= 200),
  CONSTRAINT events_id_check CHECK (length(id) >= 1 AND length(id) <= 255),
  CONSTRAINT events_pkey PRIMARY KEY (seq),
  CONSTRAINT events_seq_check CHECK (seq >= 1 AND seq <= '9007199254740991'::bigint),
  CONSTRAINT events_type_check CHECK (length(type) >= 3 AND length(type) <= 64)
);

-- table ic_tokens
CREATE TABLE ic_tokens (
  id text COLLATE "C" NOT NULL,
  agent_id text COLLATE "C" NOT NULL,
  token_hash text COLLATE "C" NOT NULL,
  permissions text COLLATE "C" NOT NULL,
  created_at bigint NOT NULL,
  created_by text COLLATE "C" NOT NULL,
  expires_at bigint,
  last_used_at bigint,
  revoked_at bigint,
  revoked_by text COLLATE "C",
  CONSTRAINT ic_tokens_agent_id_check CHECK (length(agent_id) >= 1 AND length(agent_id) <= 255),
  CONSTRAINT ic_tokens_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES agents(id) ON DELETE RESTRICT,
  CONSTRAINT ic_tokens_created_by_check CHECK (length(created_by) >= 1 AND length(created_by) <= 255),
  CONSTRAINT ic_tokens_id_check CHECK (length(id) >= 1 AND length(id) <= 255),
  CONSTRAINT ic_tokens_pkey PRIMARY KEY (id),
  CONSTRAINT ic_tokens_revoked_by_check CHECK (length(revoked_by) >= 1 AND length(revoked_by) <= 255),
  CONSTRAINT ic_tokens_token_hash_check CHECK (length(token_hash) = 64)
);

-- table idempotency_keys
CREATE TABLE idempotency_keys (
  principal_id text COLLATE "C" NOT NULL,
  route text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  payload_hash text COLLATE "C" NOT NULL,
  result text COLLATE "C" NOT NULL,
  created_at bigint NOT NULL,
  CONSTRAINT idempotency_keys_key_check CHECK (length(key) >= 1 AND length(key) <= 255),
  CONSTRAINT idempotency_keys_payload_hash_check CHECK (length(payload_hash) = 64),
  CONSTRAINT idempotency_keys_pkey PRIMARY KEY (principal_id, route, key),
  CONSTRAINT idempotency_keys_principal_id_check CHECK (length(principal_id) >= 1 AND length(principal_id) <= 255),
  CONSTRAINT idempotency_keys_route_check CHECK (length(route) >= 1 AND length(route) <= 200)
);

-- table lease_entries
CREATE TABLE lease_entries (
  lease_id text COLLATE "C" NOT NULL,
  seq bigint NOT NULL,
  CONSTRAINT lease_entries_lease_id_check CHECK (length(lease_id) >= 1 AND length(lease_id) <= 255),
  CONSTRAINT lease_entries_pkey PRIMARY KEY (lease_id, seq),
  CONSTRAINT lease_entries_seq_check CHECK (seq >= 1 AND seq <= '9007199254740991'::bigint)
);

-- table leases
CREATE TABLE leases (
  id text COLLATE "C" NOT NULL,
  agent_id text COLLATE "C" NOT NULL,
  supersedes text COLLATE "C",
  provider_id text COLLATE "C",
  runtime_id text COLLATE "C",
  idempotency_key text COLLATE "C",
  status text COLLATE "C" NOT NULL,
  requested_micros bigint NOT NULL,
  granted_micros bigint NOT NULL,
  spent_micros bigint NOT NULL DEFAULT 0,
  released_micros bigint NOT NULL DEFAULT 0,
  overrun_micros bigint NOT NULL DEFAULT 0,
  unreported_micros bigint NOT NULL DEFAULT 0,
  created_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  closed_at bigint,
  close_reason text COLLATE "C",
  returned_at bigint,
  return_spent_micros bigint,
  CONSTRAINT leases_active_is_open CHECK ((status = 'active'::text) = (closed_at IS NULL)),
  CONSTRAINT leases_active_releases_nothing CHECK (status <> 'active'::text OR released_micros = 0),
  CONSTRAINT leases_active_without_reason CHECK ((status = 'active'::text) = (close_reason IS NULL)),
  CONSTRAINT leases_agent_id_check CHECK (length(agent_id) >= 1 AND length(agent_id) <= 255),
  CONSTRAINT leases_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES agent_budgets(agent_id) ON DELETE RESTRICT,
  CONSTRAINT leases_close_reason_check CHECK (close_reason = ANY (ARRAY['returned'::text, 'lapsed'::text, 'superseded'::text, 'revoked'::text])),
  CONSTRAINT leases_ended_is_settled CHECK (status = 'active'::text OR (spent_micros + released_micros) = granted_micros),
  CONSTRAINT leases_granted_micros_check CHECK (granted_micros >= 1 AND granted_micros <= '9007199254740991'::bigint),
  CONSTRAINT leases_granted_within_requested CHECK (granted_micros <= requested_micros),
  CONSTRAINT leases_id_check CHECK (length(id) >= 1 AND length(id) <= 255),
  CONSTRAINT leases_idempotency_key_check CHECK (length(idempotency_key) >= 1 AND length(idempotency_key) <= 255),
  CONSTRAINT leases_overrun_micros_check CHECK (overrun_micros >= 0 AND overrun_micros <= '9007199254740991'::bigint),
  CONSTRAINT leases_pkey PRIMARY KEY (id),
  CONSTRAINT leases_provider_id_check CHECK (length(provider_id) >= 1 AND length(provider_id) <= 255),
  CONSTRAINT leases_released_micros_check CHECK (released_micros >= 0 AND released_micros <= '9007199254740991'::bigint),
  CONSTRAINT leases_requested_micros_check CHECK (requested_micros >= 1 AND requested_micros <= '9007199254740991'::bigint),
  CONSTRAINT leases_return_ends CHECK (returned_at IS NULL OR closed_at IS NOT NULL),
  CONSTRAINT leases_return_spent_micros_check CHECK (return_spent_micros >= 0 AND return_spent_micros <= '9007199254740991'::bigint),
  CONSTRAINT leases_return_total_with_time CHECK ((returned_at IS NULL) = (return_spent_micros IS NULL)),
  CONSTRAINT leases_returned_has_time CHECK (close_reason IS NULL OR close_reason <> 'returned'::text OR returned_at IS NOT NULL),
  CONSTRAINT leases_runtime_id_check CHECK (length(runtime_id) <= 100),
  CONSTRAINT leases_spent_micros_check CHECK (spent_micros >= 0 AND spent_micros <= '9007199254740991'::bigint),
  CONSTRAINT leases_status_check CHECK (status = ANY (ARRAY['active'::text, 'superseded'::text, 'closed'::text, 'revoked'::text])),
  CONSTRAINT leases_status_follows_reason CHECK (status = 'active'::text OR status =
CASE
    WHEN close_reason = ANY (ARRAY['returned'::text, 'lapsed'::text]) THEN 'closed'::text
    ELSE close_reason
END),
  CONSTRAINT leases_supersedes_check CHECK (length(supersedes) >= 1 AND length(supersedes) <= 255),
  CONSTRAINT leases_supersedes_fkey FOREIGN KEY (supersedes) REFERENCES leases(id) ON DELETE RESTRICT,
  CONSTRAINT leases_unreported_micros_check CHECK (unreported_micros >= 0 AND unreported_micros <= '9007199254740991'::bigint),
  CONSTRAINT leases_unreported_within_used CHECK (unreported_micros <= (spent_micros + overrun_micros)),
  CONSTRAINT leases_used_within_granted CHECK ((spent_micros + released_micros) <= granted_micros)
) WITH (fillfactor=70, autovacuum_vacuum_scale_factor=0.02, autovacuum_analyze_scale_factor=0.02);

-- table ledger_entries
CREATE TABLE ledger_entries (
  agent_id text COLLATE "C" NOT NULL,
  seq bigint NOT NULL,
  type text COLLATE "C" NOT NULL,
  amount_micros bigint NOT NULL,
  lease_id text COLLATE "C",
  request_id text COLLATE "C",
  budget_request_id text COLLATE "C",
  version bigint NOT NULL,
  allocated_after bigint NOT NULL,
  reserved_after bigint NOT NULL,
  spent_after bigint NOT NULL,
  actor_id text COLLATE "C",
  reason text COLLATE "C",
  created_at bigint NOT NULL,
  hash text COLLATE "C" NOT NULL,
  CONSTRAINT ledger_entries_actor_required CHECK (actor_id IS NOT NULL OR (type = ANY (ARRAY['grant'::text, 'spend'::text, 'overrun'::text, 'release'::text]))),
  CONSTRAINT ledger_entries_agent_id_check CHECK (length(agent_id) >= 1 AND length(agent_id) <= 255),
  CONSTRAINT ledger_entries_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES agent_budgets(agent_id) ON DELETE RESTRICT,
  CONSTRAINT ledger_entries_allocated_after_check CHECK (allocated_after >= 0 AND allocated_after <= '9007199254740991'::bigint),
  CONSTRAINT ledger_entries_amount_micros_check CHECK (amount_micros >= 1 AND amount_micros <= '9007199254740991'::bigint),
  CONSTRAINT ledger_entries_available_after CHECK ((type <> ALL (ARRAY['grant'::text, 'deallocate'::text])) OR (allocated_after - reserved_after - spent_after) >= 0),
  CONSTRAINT ledger_entries_budget_request_allocates CHECK (budget_request_id IS NULL OR type = 'allocate'::text),
  CONSTRAINT ledger_entries_budget_request_id_check CHECK (length(budget_request_id) >= 1 AND length(budget_request_id) <= 255),
  CONSTRAINT ledger_entries_budget_request_id_fkey FOREIGN KEY (budget_request_id) REFERENCES budget_requests(id) ON DELETE RESTRICT,
  CONSTRAINT ledger_entries_hash_check CHECK (length(hash) = 64),
  CONSTRAINT ledger_entries_lease_forbidden CHECK ((type <> ALL (ARRAY['allocate'::text, 'deallocate'::text, 'adjust'::text])) OR lease_id IS NULL),
  CONSTRAINT ledger_entries_lease_id_check CHECK (length(lease_id) >= 1 AND length(lease_id) <= 255),
  CONSTRAINT ledger_entries_lease_required CHECK ((type <> ALL (ARRAY['grant'::text, 'spend'::text, 'release'::text])) OR lease_id IS NOT NULL),
  CONSTRAINT ledger_entries_pkey PRIMARY KEY (agent_id, seq),
  CONSTRAINT ledger_entries_reason_check CHECK (length(reason) <= 500),
  CONSTRAINT ledger_entries_reason_without_lease CHECK (lease_id IS NOT NULL OR (type = ANY (ARRAY['allocate'::text, 'deallocate'::text])) OR reason IS NOT NULL),
  CONSTRAINT ledger_entries_request_id_check CHECK (length(request_id) >= 1 AND length(request_id) <= 100),
  CONSTRAINT ledger_entries_request_of_a_report CHECK (request_id IS NULL OR (type = ANY (ARRAY['spend'::text, 'overrun'::text]))),
  CONSTRAINT ledger_entries_reserved_after_check CHECK (reserved_after >= 0 AND reserved_after <= '9007199254740991'::bigint),
  CONSTRAINT ledger_entries_seq_check CHECK (seq >= 1 AND seq <= '9007199254740991'::bigint),
  CONSTRAINT ledger_entries_spent_after_check CHECK (spent_after >= 0 AND spent_after <= '9007199254740991'::bigint),
  CONSTRAINT ledger_entries_type_check CHECK (type = ANY (ARRAY['allocate'::text, 'deallocate'::text, 'grant'::text, 'spend'::text, 'overrun'::text, 'release'::text, 'adjust'::text])),
  CONSTRAINT ledger_entries_version_check CHECK (version >= 0 AND version <= '9007199254740991'::bigint)
);

-- table limit_counters
CREATE TABLE limit_counters (
  owner_id text COLLATE "C" NOT NULL,
  project_id text COLLATE "C" NOT NULL DEFAULT ''::text,
  metric text COLLATE "C" NOT NULL,
  window_start bigint NOT NULL,
  used bigint NOT NULL,
  CONSTRAINT limit_counters_metric_check CHECK (metric = ANY (ARRAY['tokens_per_day'::text, 'requests_per_minute'::text, 'cost_per_month'::text])),
  CONSTRAINT limit_counters_owner_id_check CHECK (length(owner_id) >= 1 AND length(owner_id) <= 255),
  CONSTRAINT limit_counters_pkey PRIMARY KEY (owner_id, project_id, metric, window_start),
  CONSTRAINT limit_counters_project_id_check CHECK (length(project_id) <= 100),
  CONSTRAINT limit_counters_used_check CHECK (used >= 0 AND used <= '9007199254740991'::bigint)
) WITH (fillfactor=70, autovacuum_vacuum_scale_factor=0.02, autovacuum_analyze_scale_factor=0.02);

-- table limits
CREATE TABLE limits (
  id text COLLATE "C" NOT NULL,
  owner_id text COLLATE "C" NOT NULL,
  project_id text COLLATE "C",
  max_tokens_per_day bigint,
  max_requests_per_minute bigint,
  max_cost_per_month_micros bigint,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  CONSTRAINT limits_id_check CHECK (length(id) >= 1 AND length(id) <= 255),
  CONSTRAINT limits_max_cost_per_month_micros_check CHECK (max_cost_per_month_micros >= 0 AND max_cost_per_month_micros <= '9007199254740991'::bigint),
  CONSTRAINT limits_max_requests_per_minute_check CHECK (max_requests_per_minute >= 0 AND max_requests_per_minute <= '9007199254740991'::bigint),
  CONSTRAINT limits_max_tokens_per_day_check CHECK (max_tokens_per_day >= 0 AND max_tokens_per_day <= '9007199254740991'::bigint),
  CONSTRAINT limits_owner_id_check CHECK (length(owner_id) >= 1 AND length(owner_id) <= 255),
  CONSTRAINT limits_pkey PRIMARY KEY (id),
  CONSTRAINT limits_project_id_check CHECK (length(project_id) >= 1 AND length(project_id) <= 100)
);

-- table list_counts
CREATE TABLE list_counts (
  list text COLLATE "C" NOT NULL,
  part text COLLATE "C" NOT NULL,
  shard bigint NOT NULL,
  entries bigint NOT NULL,
  CONSTRAINT list_counts_list_check CHECK (list = ANY (ARRAY['agents'::text, 'owned_agents'::text, 'agent_tags'::text, 'api_tokens'::text, 'budget_requests'::text, 'provider_keys'::text, 'users'::text])),
  CONSTRAINT list_counts_part_check CHECK (length(part) >= 1 AND length(part) <= 300),
  CONSTRAINT list_counts_pkey PRIMARY KEY (list, part, shard),
  CONSTRAINT list_counts_shard_check CHECK (shard >= 0 AND shard <= '9007199254740991'::bigint)
) WITH (fillfactor=70, autovacuum_vacuum_scale_factor=0.02, autovacuum_analyze_scale_factor=0.02);

-- table log_heads
CREATE TABLE log_heads (
  name text COLLATE "C" NOT NULL,
  head_seq bigint NOT NULL DEFAULT 0,
  head_hash text COLLATE "C",
  floor bigint NOT NULL DEFAULT 0,
  updated_at bigint NOT NULL,
  newest_at bigint NOT NULL DEFAULT 0,
  late_ms bigint NOT NULL DEFAULT 0,
  CONSTRAINT log_heads_audit_is_chained CHECK ((name = 'audit'::text) = (head_hash IS NOT NULL)),
  CONSTRAINT log_heads_audit_keeps_all CHECK (name <> 'audit'::text OR floor = 0),
  CONSTRAINT log_heads_floor_check CHECK (floor >= 0 AND floor <= '9007199254740991'::bigint),
  CONSTRAINT log_heads_floor_within_head CHECK (floor <= head_seq),
  CONSTRAINT log_heads_head_hash_check CHECK (length(head_hash) = 64),
  CONSTRAINT log_heads_head_seq_check CHECK (head_seq >= 0 AND head_seq <= '9007199254740991'::bigint),
  CONSTRAINT log_heads_late_ms_check CHECK (late_ms >= 0 AND late_ms <= '9007199254740991'::bigint),
  CONSTRAINT log_heads_name_check CHECK (name = ANY (ARRAY['audit'::text, 'events'::text])),
  CONSTRAINT log_heads_newest_at_check CHECK (newest_at >= 0 AND newest_at <= '9007199254740991'::bigint),
  CONSTRAINT log_heads_pkey PRIMARY KEY (name)
) WITH (fillfactor=70, autovacuum_vacuum_scale_factor=0.02, autovacuum_analyze_scale_factor=0.02);

-- table login_attempts
CREATE TABLE login_attempts (
  account_key text COLLATE "C" NOT NULL,
  failures bigint NOT NULL,
  last_failed_at bigint NOT NULL,
  locked_until bigint,
  CONSTRAINT login_attempts_account_key_check CHECK (length(account_key) >= 1 AND length(account_key) <= 255),
  CONSTRAINT login_attempts_failures_check CHECK (failures >= 0 AND failures <= '9007199254740991'::bigint),
  CONSTRAINT login_attempts_pkey PRIMARY KEY (account_key)
);

-- table meta
CREATE TABLE meta (
  key text COLLATE "C" NOT NULL,
  value text COLLATE "C" NOT NULL,
  CONSTRAINT meta_key_check CHECK (length(key) >= 1 AND length(key) <= 100),
  CONSTRAINT meta_pkey PRIMARY KEY (key)
);

-- table provider_keys
CREATE TABLE provider_keys (
  id text COLLATE "C" NOT NULL,
  provider_id text COLLATE "C" NOT NULL,
  status text COLLATE "C" NOT NULL,
  sealed text COLLATE "C",
  vault_key_id text COLLATE "C",
  masked text COLLATE "C" NOT NULL,
  created_at bigint NOT NULL,
  created_by text COLLATE "C" NOT NULL,
  last_used_at bigint,
  retired_at bigint,
  CONSTRAINT provider_keys_active_is_sealed CHECK (status <> 'active'::text OR sealed IS NOT NULL),
  CONSTRAINT provider_keys_created_by_check CHECK (length(created_by) >= 1 AND length(created_by) <= 255),
  CONSTRAINT provider_keys_id_check CHECK (length(id) >= 1 AND length(id) <= 255),
  CONSTRAINT provider_keys_masked_check CHECK (length(masked) <= 20),
  CONSTRAINT provider_keys_pkey PRIMARY KEY (id),
  CONSTRAINT provider_keys_provider_id_check CHECK (length(provider_id) >= 1 AND length(provider_id) <= 255),
  CONSTRAINT provider_keys_provider_id_fkey FOREIGN KEY (provider_id) REFERENCES providers(id) ON DELETE RESTRICT,
  CONSTRAINT provider_keys_retired_with_time CHECK ((status = 'retired'::text) = (retired_at IS NOT NULL)),
  CONSTRAINT provider_keys_sealed_with_vault_key CHECK ((sealed IS NULL) = (vault_key_id IS NULL)),
  CONSTRAINT provider_keys_status_check CHECK (status = ANY (ARRAY['active'::text, 'retired'::text]))
);

-- table providers
CREATE TABLE providers (
  id text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  kind text COLLATE "C" NOT NULL,
  base_url text COLLATE "C" NOT NULL,
  models text COLLATE "C" NOT NULL DEFAULT '[]'::text,
  status text COLLATE "C" NOT NULL DEFAULT 'active'::text,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  deleted_at bigint,
  CONSTRAINT providers_base_url_check CHECK (length(base_url) >= 8 AND length(base_url) <= 2000),
  CONSTRAINT providers_id_check CHECK (length(id) >= 1 AND length(id) <= 255),
  CONSTRAINT providers_kind_check CHECK (kind = ANY (ARRAY['openai'::text, 'anthropic'::text, 'google'::text, 'azure_openai'::text, 'custom'::text])),
  CONSTRAINT providers_name_check CHECK (length(name) >= 1 AND length(name) <= 50),
  CONSTRAINT providers_pkey PRIMARY KEY (id),
  CONSTRAINT providers_status_check CHECK (status = ANY (ARRAY['active'::text, 'disabled'::text]))
);

-- table request_keys
CREATE TABLE request_keys (
  subject_id text COLLATE "C" NOT NULL,
  request_id text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  payload_hash text COLLATE "C" NOT NULL,
  lease_id text COLLATE "C",
  cost_micros bigint NOT NULL,
  overrun_micros bigint NOT NULL,
  pricing text COLLATE "C" NOT NULL,
  late bigint NOT NULL,
  CONSTRAINT request_keys_cost_micros_check CHECK (cost_micros >= 0 AND cost_micros <= '9007199254740991'::bigint),
  CONSTRAINT request_keys_id_check CHECK (length(id) >= 1 AND length(id) <= 255),
  CONSTRAINT request_keys_late_check CHECK (late = ANY (ARRAY[0::bigint, 1::bigint])),
  CONSTRAINT request_keys_lease_id_check CHECK (length(lease_id) >= 1 AND length(lease_id) <= 255),
  CONSTRAINT request_keys_overrun_micros_check CHECK (overrun_micros >= 0 AND overrun_micros <= '9007199254740991'::bigint),
  CONSTRAINT request_keys_overrun_within_cost CHECK (overrun_micros <= cost_micros),
  CONSTRAINT request_keys_payload_hash_check CHECK (length(payload_hash) = 64),
  CONSTRAINT request_keys_pkey PRIMARY KEY (subject_id, request_id),
  CONSTRAINT request_keys_pricing_check CHECK (pricing = ANY (ARRAY['reported'::text, 'price_book'::text, 'ceiling'::text])),
  CONSTRAINT request_keys_request_id_check CHECK (length(request_id) >= 1 AND length(request_id) <= 100),
  CONSTRAINT request_keys_subject_id_check CHECK (length(subject_id) >= 1 AND length(subject_id) <= 255)
);

-- table request_rollups
CREATE TABLE request_rollups (
  hour_start bigint NOT NULL,
  subject_id text COLLATE "C" NOT NULL,
  provider text COLLATE "C" NOT NULL,
  model text COLLATE "C" NOT NULL,
  outcome text COLLATE "C" NOT NULL,
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
  latency text COLLATE "C" NOT NULL DEFAULT '{}'::text,
  costs text COLLATE "C" NOT NULL DEFAULT '{}'::text,
  CONSTRAINT request_rollups_billed_micros_check CHECK (billed_micros >= 0 AND billed_micros <= '9007199254740991'::bigint),
  CONSTRAINT request_rollups_cache_read_tokens_check CHECK (cache_read_tokens >= 0 AND cache_read_tokens <= '9007199254740991'::bigint),
  CONSTRAINT request_rollups_cache_write_tokens_check CHECK (cache_write_tokens >= 0 AND cache_write_tokens <= '9007199254740991'::bigint),
  CONSTRAINT request_rollups_ceiling_micros_check CHECK (ceiling_micros >= 0 AND ceiling_micros <= '9007199254740991'::bigint),
  CONSTRAINT request_rollups_cost_micros_check CHECK (cost_micros >= 0 AND cost_micros <= '9007199254740991'::bigint),
  CONSTRAINT request_rollups_input_tokens_check CHECK (input_tokens >= 0 AND input_tokens <= '9007199254740991'::bigint),
  CONSTRAINT request_rollups_model_check CHECK (length(model) <= 255),
  CONSTRAINT request_rollups_outcome_check CHECK (outcome = ANY (ARRAY['completed'::text, 'failed'::text])),
  CONSTRAINT request_rollups_output_tokens_check CHECK (output_tokens >= 0 AND output_tokens <= '9007199254740991'::bigint),
  CONSTRAINT request_rollups_pkey PRIMARY KEY (hour_start, subject_id, provider, model, outcome),
  CONSTRAINT request_rollups_provider_check CHECK (length(provider) <= 100),
  CONSTRAINT request_rollups_reasoning_tokens_check CHECK (reasoning_tokens >= 0 AND reasoning_tokens <= '9007199254740991'::bigint),
  CONSTRAINT request_rollups_requests_check CHECK (requests >= 0 AND requests <= '9007199254740991'::bigint),
  CONSTRAINT request_rollups_subject_id_check CHECK (length(subject_id) >= 1 AND length(subject_id) <= 255),
  CONSTRAINT request_rollups_total_tokens_check CHECK (total_tokens >= 0 AND total_tokens <= '9007199254740991'::bigint)
);

-- table request_sums
CREATE TABLE request_sums (
  grain text COLLATE "C" NOT NULL,
  start bigint NOT NULL,
  subject_id text COLLATE "C" NOT NULL,
  provider text COLLATE "C" NOT NULL,
  model text COLLATE "C" NOT NULL,
  outcome text COLLATE "C" NOT NULL,
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
  latency text COLLATE "C" NOT NULL DEFAULT '{}'::text,
  costs text COLLATE "C" NOT NULL DEFAULT '{}'::text,
  CONSTRAINT request_sums_billed_micros_check CHECK (billed_micros >= 0 AND billed_micros <= '9007199254740991'::bigint),
  CONSTRAINT request_sums_cache_read_tokens_check CHECK (cache_read_tokens >= 0 AND cache_read_tokens <= '9007199254740991'::bigint),
  CONSTRAINT request_sums_cache_write_tokens_check CHECK (cache_write_tokens >= 0 AND cache_write_tokens <= '9007199254740991'::bigint),
  CONSTRAINT request_sums_ceiling_micros_check CHECK (ceiling_micros >= 0 AND ceiling_micros <= '9007199254740991'::bigint),
  CONSTRAINT request_sums_cost_micros_check CHECK (cost_micros >= 0 AND cost_micros <= '9007199254740991'::bigint),
  CONSTRAINT request_sums_grain_check CHECK (grain = ANY (ARRAY['hour'::text, 'day'::text, 'month'::text, 'each_day'::text, 'each_month'::text])),
  CONSTRAINT request_sums_input_tokens_check CHECK (input_tokens >= 0 AND input_tokens <= '9007199254740991'::bigint),
  CONSTRAINT request_sums_model_check CHECK (length(model) <= 255),
  CONSTRAINT request_sums_outcome_check CHECK (outcome = ANY (ARRAY['completed'::text, 'failed'::text])),
  CONSTRAINT request_sums_output_tokens_check CHECK (output_tokens >= 0 AND output_tokens <= '9007199254740991'::bigint),
  CONSTRAINT request_sums_pkey PRIMARY KEY (grain, start, subject_id, provider, model, outcome),
  CONSTRAINT request_sums_provider_check CHECK (length(provider) <= 100),
  CONSTRAINT request_sums_reasoning_tokens_check CHECK (reasoning_tokens >= 0 AND reasoning_tokens <= '9007199254740991'::bigint),
  CONSTRAINT request_sums_requests_check CHECK (requests >= 1 AND requests <= '9007199254740991'::bigint),
  CONSTRAINT request_sums_subject_id_check CHECK (length(subject_id) <= 255),
  CONSTRAINT request_sums_total_tokens_check CHECK (total_tokens >= 0 AND total_tokens <= '9007199254740991'::bigint)
);

-- table requests
CREATE TABLE requests (
  id text COLLATE "C" NOT NULL,
  source text COLLATE "C" NOT NULL,
  subject_id text COLLATE "C" NOT NULL,
  request_id text COLLATE "C",
  payload_hash text COLLATE "C",
  lease_id text COLLATE "C",
  provider_id text COLLATE "C",
  provider text COLLATE "C",
  model text COLLATE "C",
  outcome text COLLATE "C",
  error_code text COLLATE "C",
  error_message text COLLATE "C",
  input_tokens bigint,
  cache_read_tokens bigint,
  cache_write_tokens bigint,
  output_tokens bigint,
  reasoning_tokens bigint,
  other_parts text COLLATE "C",
  total_tokens bigint NOT NULL,
  cost_micros bigint NOT NULL,
  overrun_micros bigint NOT NULL DEFAULT 0,
  pricing text COLLATE "C" NOT NULL,
  price_id text COLLATE "C",
  billed bigint NOT NULL,
  late bigint NOT NULL DEFAULT 0,
  latency_ms bigint,
  trace_id text COLLATE "C",
  at bigint NOT NULL,
  received_at bigint NOT NULL,
  CONSTRAINT requests_billed_agent_has_key CHECK (source <> 'agent'::text OR billed = 0 OR request_id IS NOT NULL),
  CONSTRAINT requests_billed_agent_has_lease CHECK (source <> 'agent'::text OR billed = 0 OR lease_id IS NOT NULL),
  CONSTRAINT requests_billed_check CHECK (billed = ANY (ARRAY[0::bigint, 1::bigint])),
  CONSTRAINT requests_cache_read_tokens_check CHECK (cache_read_tokens >= 0 AND cache_read_tokens <= '9007199254740991'::bigint),
  CONSTRAINT requests_cache_within_input CHECK ((COALESCE(cache_read_tokens, 0::bigint) + COALESCE(cache_write_tokens, 0::bigint)) <= COALESCE(input_tokens, 0::bigint)),
  CONSTRAINT requests_cache_write_tokens_check CHECK (cache_write_tokens >= 0 AND cache_write_tokens <= '9007199254740991'::bigint),
  CONSTRAINT requests_cost_micros_check CHECK (cost_micros >= 0 AND cost_micros <= '9007199254740991'::bigint),
  CONSTRAINT requests_error_code_check CHECK (length(error_code) <= 100),
  CONSTRAINT requests_error_message_check CHECK (length(error_message) <= 1000),
  CONSTRAINT requests_id_check CHECK (length(id) >= 1 AND length(id) <= 255),
  CONSTRAINT requests_input_tokens_check CHECK (input_tokens >= 0 AND input_tokens <= '9007199254740991'::bigint),
  CONSTRAINT requests_late_check CHECK (late = ANY (ARRAY[0::bigint, 1::bigint])),
  CONSTRAINT requests_latency_ms_check CHECK (latency_ms >= 0 AND latency_ms <= '9007199254740991'::bigint),
  CONSTRAINT requests_lease_id_check CHECK (length(lease_id) >= 1 AND length(lease_id) <= 255),
  CONSTRAINT requests_lease_of_a_billed_call CHECK (lease_id IS NULL OR source = 'agent'::text AND billed = 1),
  CONSTRAINT requests_model_check CHECK (length(model) >= 1 AND length(model) <= 255),
  CONSTRAINT requests_outcome_check CHECK (outcome = ANY (ARRAY['completed'::text, 'failed'::text])),
  CONSTRAINT requests_output_tokens_check CHECK (output_tokens >= 0 AND output_tokens <= '9007199254740991'::bigint),
  CONSTRAINT requests_overrun_micros_check CHECK (overrun_micros >= 0 AND overrun_micros <= '9007199254740991'::bigint),
  CONSTRAINT requests_overrun_within_cost CHECK (overrun_micros <= cost_micros),
  CONSTRAINT requests_parts_within_total CHECK ((COALESCE(input_tokens, 0::bigint) + COALESCE(output_tokens, 0::bigint)) <= total_tokens),
  CONSTRAINT requests_payload_hash_check CHECK (length(payload_hash) = 64),
  CONSTRAINT requests_payload_of_a_billed_key CHECK ((payload_hash IS NOT NULL) = (billed = 1 AND request_id IS NOT NULL)),
  CONSTRAINT requests_pkey PRIMARY KEY (id),
  CONSTRAINT requests_price_id_check CHECK (length(price_id) <= 200),
  CONSTRAINT requests_pricing_check CHECK (pricing = ANY (ARRAY['reported'::text, 'price_book'::text, 'ceiling'::text])),
  CONSTRAINT requests_provider_check CHECK (length(provider) >= 1 AND length(provider) <= 100),
  CONSTRAINT requests_provider_id_check CHECK (length(provider_id) >= 1 AND length(provider_id) <= 255),
  CONSTRAINT requests_reasoning_tokens_check CHECK (reasoning_tokens >= 0 AND reasoning_tokens <= '9007199254740991'::bigint),
  CONSTRAINT requests_reasoning_within_output CHECK (COALESCE(reasoning_tokens, 0::bigint) <= COALESCE(output_tokens, 0::bigint)),
  CONSTRAINT requests_request_id_check CHECK (length(request_id) >= 1 AND length(request_id) <= 100),
  CONSTRAINT requests_source_check CHECK (source = ANY (ARRAY['agent'::text, 'api_token'::text])),
  CONSTRAINT requests_subject_id_check CHECK (length(subject_id) >= 1 AND length(subject_id) <= 255),
  CONSTRAINT requests_total_tokens_check CHECK (total_tokens >= 0 AND total_tokens <= '9007199254740991'::bigint),
  CONSTRAINT requests_trace_id_check CHECK (length(trace_id) <= 100)
);

-- table schema_migrations
CREATE TABLE schema_migrations (
  number bigint NOT NULL,
  name text COLLATE "C" NOT NULL,
  checksum text COLLATE "C" NOT NULL,
  schema_hash text COLLATE "C" NOT NULL,
  app_version text COLLATE "C" NOT NULL,
  applied_at bigint NOT NULL,
  CONSTRAINT schema_migrations_checksum_check CHECK (length(checksum) = 64),
  CONSTRAINT schema_migrations_number_check CHECK (number >= 1 AND number <= '9007199254740991'::bigint),
  CONSTRAINT schema_migrations_pkey PRIMARY KEY (number),
  CONSTRAINT schema_migrations_schema_hash_check CHECK (length(schema_hash) = 64)
);

-- table sessions
CREATE TABLE sessions (
  id text COLLATE "C" NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  refresh_hash text COLLATE "C" NOT NULL,
  created_at bigint NOT NULL,
  refreshed_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  revoked_at bigint,
  revoke_reason text COLLATE "C",
  ip text COLLATE "C",
  user_agent text COLLATE "C",
  CONSTRAINT sessions_id_check CHECK (length(id) >= 1 AND length(id) <= 255),
  CONSTRAINT sessions_pkey PRIMARY KEY (id),
  CONSTRAINT sessions_refresh_hash_check CHECK (length(refresh_hash) = 64),
  CONSTRAINT sessions_revoke_reason_check CHECK (revoke_reason = ANY (ARRAY['logout'::text, 'refresh_reuse'::text, 'password_changed'::text, 'user_suspended'::text, 'user_deleted'::text, 'admin'::text])),
  CONSTRAINT sessions_revoked_with_reason CHECK ((revoked_at IS NULL) = (revoke_reason IS NULL)),
  CONSTRAINT sessions_user_agent_check CHECK (length(user_agent) <= 500),
  CONSTRAINT sessions_user_id_check CHECK (length(user_id) >= 1 AND length(user_id) <= 255),
  CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE RESTRICT
);

-- table spans
CREATE TABLE spans (
  trace_id text COLLATE "C" NOT NULL,
  span_id text COLLATE "C" NOT NULL,
  parent_id text COLLATE "C",
  agent_id text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  status text COLLATE "C" NOT NULL,
  started_at bigint NOT NULL,
  duration_ms bigint,
  attributes text COLLATE "C" NOT NULL DEFAULT '{}'::text,
  received_at bigint NOT NULL,
  CONSTRAINT spans_agent_id_check CHECK (length(agent_id) >= 1 AND length(agent_id) <= 255),
  CONSTRAINT spans_attributes_check CHECK (length(attributes) <= 16384),
  CONSTRAINT spans_duration_ms_check CHECK (duration_ms >= 0 AND duration_ms <= '9007199254740991'::bigint),
  CONSTRAINT spans_name_check CHECK (length(name) >= 1 AND length(name) <= 200),
  CONSTRAINT spans_parent_id_check CHECK (length(parent_id) <= 100),
  CONSTRAINT spans_pkey PRIMARY KEY (trace_id, span_id),
  CONSTRAINT spans_span_id_check CHECK (length(span_id) >= 1 AND length(span_id) <= 100),
  CONSTRAINT spans_status_check CHECK (status = ANY (ARRAY['ok'::text, 'error'::text])),
  CONSTRAINT spans_trace_id_check CHECK (length(trace_id) >= 1 AND length(trace_id) <= 255)
);

-- table telemetry_ids
CREATE TABLE telemetry_ids (
  agent_id text COLLATE "C" NOT NULL,
  event_id text COLLATE "C" NOT NULL,
  received_at bigint NOT NULL,
  CONSTRAINT telemetry_ids_agent_id_check CHECK (length(agent_id) >= 1 AND length(agent_id) <= 255),
  CONSTRAINT telemetry_ids_event_id_check CHECK (length(event_id) >= 1 AND length(event_id) <= 100),
  CONSTRAINT telemetry_ids_pkey PRIMARY KEY (agent_id, event_id)
);

-- table users
CREATE TABLE users (
  id text COLLATE "C" NOT NULL,
  username text COLLATE "C" NOT NULL,
  username_key text COLLATE "C" NOT NULL,
  email text COLLATE "C",
  name text COLLATE "C",
  role text COLLATE "C" NOT NULL,
  password_hash text COLLATE "C",
  force_password_change bigint NOT NULL DEFAULT 0,
  last_login_at bigint,
  suspended_at bigint,
  suspended_by text COLLATE "C",
  suspended_reason text COLLATE "C",
  deleted_at bigint,
  deleted_by text COLLATE "C",
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  CONSTRAINT users_deleted_by_check CHECK (length(deleted_by) >= 1 AND length(deleted_by) <= 255),
  CONSTRAINT users_email_check CHECK (length(email) >= 3 AND length(email) <= 255),
  CONSTRAINT users_force_password_change_check CHECK (force_password_change = ANY (ARRAY[0::bigint, 1::bigint])),
  CONSTRAINT users_id_check CHECK (length(id) >= 1 AND length(id) <= 255),
  CONSTRAINT users_name_check CHECK (length(name) >= 1 AND length(name) <= 255),
  CONSTRAINT users_password_hash_check CHECK (length(password_hash) >= 20 AND length(password_hash) <= 255),
  CONSTRAINT users_pkey PRIMARY KEY (id),
  CONSTRAINT users_role_check CHECK (role = ANY (ARRAY['admin'::text, 'user'::text, 'viewer'::text])),
  CONSTRAINT users_suspended_by_check CHECK (length(suspended_by) >= 1 AND length(suspended_by) <= 255),
  CONSTRAINT users_suspended_reason_check CHECK (length(suspended_reason) <= 1000),
  CONSTRAINT users_username_check CHECK (length(username) >= 1 AND length(username) <= 255),
  CONSTRAINT users_username_key_check CHECK (length(username_key) >= 1 AND length(username_key) <= 255)
);

-- trigger actor_entries_insert
CREATE TRIGGER actor_entries_insert AFTER INSERT ON audit_log FOR EACH ROW WHEN ((new.seq % 1024::bigint) = 0) EXECUTE FUNCTION actor_entries_insert();

-- trigger agent_events_delete
CREATE TRIGGER agent_events_delete AFTER DELETE ON events REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION agent_events_delete();

-- trigger agent_tags_count_archived
CREATE TRIGGER agent_tags_count_archived AFTER UPDATE OF archived_at ON agent_budgets FOR EACH ROW WHEN ((old.archived_at IS NULL) <> (new.archived_at IS NULL)) EXECUTE FUNCTION agent_tags_count_archived();

-- trigger agent_tags_count_delete
CREATE TRIGGER agent_tags_count_delete AFTER DELETE ON agent_tags REFERENCING OLD TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION agent_tags_count_delete();

-- trigger agent_tags_count_insert
CREATE TRIGGER agent_tags_count_insert AFTER INSERT ON agent_tags REFERENCING NEW TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION agent_tags_count_insert();

-- trigger agents_copies_insert
CREATE TRIGGER agents_copies_insert BEFORE INSERT ON agents FOR EACH ROW EXECUTE FUNCTION agents_copies_insert();

-- trigger agents_copies_note
CREATE TRIGGER agents_copies_note AFTER UPDATE OF archived_at, owner_id ON agent_budgets FOR EACH ROW WHEN (new.owner_id IS DISTINCT FROM old.owner_id OR (new.archived_at IS NULL) <> (old.archived_at IS NULL)) EXECUTE FUNCTION agents_copies_note();

-- trigger agents_copies_update
CREATE TRIGGER agents_copies_update AFTER UPDATE OF archived_at, owner_id ON agent_budgets FOR EACH STATEMENT EXECUTE FUNCTION agents_copies_update();

-- trigger agents_count_delete
CREATE TRIGGER agents_count_delete AFTER DELETE ON agents REFERENCING OLD TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION agents_count_delete();

-- trigger agents_count_insert
CREATE TRIGGER agents_count_insert AFTER INSERT ON agents REFERENCING NEW TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION agents_count_insert();

-- trigger agents_count_noted
CREATE TRIGGER agents_count_noted AFTER UPDATE OF state, archived ON agents FOR EACH STATEMENT EXECUTE FUNCTION agents_count_noted();

-- trigger agents_count_update
CREATE TRIGGER agents_count_update AFTER UPDATE OF state, archived ON agents FOR EACH ROW WHEN (old.state IS DISTINCT FROM new.state OR old.archived IS DISTINCT FROM new.archived) EXECUTE FUNCTION agents_count_update();

-- trigger agents_tags_insert
CREATE TRIGGER agents_tags_insert AFTER INSERT ON agents FOR EACH ROW WHEN (new.tags <> '[]'::text) EXECUTE FUNCTION agents_tags();

-- trigger agents_tags_update
CREATE TRIGGER agents_tags_update AFTER UPDATE OF tags ON agents FOR EACH ROW WHEN (new.tags <> old.tags) EXECUTE FUNCTION agents_tags();

-- trigger api_tokens_count_delete
CREATE TRIGGER api_tokens_count_delete AFTER DELETE ON api_tokens REFERENCING OLD TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION api_tokens_count_delete();

-- trigger api_tokens_count_insert
CREATE TRIGGER api_tokens_count_insert AFTER INSERT ON api_tokens REFERENCING NEW TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION api_tokens_count_insert();

-- trigger api_tokens_count_noted
CREATE TRIGGER api_tokens_count_noted AFTER UPDATE OF revoked_at, expires_at ON api_tokens FOR EACH STATEMENT EXECUTE FUNCTION api_tokens_count_noted();

-- trigger api_tokens_count_update
CREATE TRIGGER api_tokens_count_update AFTER UPDATE OF revoked_at, expires_at ON api_tokens FOR EACH ROW WHEN (old.revoked_at IS DISTINCT FROM new.revoked_at OR old.expires_at IS DISTINCT FROM new.expires_at) EXECUTE FUNCTION api_tokens_count_update();

-- trigger audit_log_insert
CREATE TRIGGER audit_log_insert BEFORE INSERT ON audit_log FOR EACH ROW EXECUTE FUNCTION audit_log_insert();

-- trigger audit_log_no_delete
CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON audit_log FOR EACH ROW EXECUTE FUNCTION audit_log_no_delete();

-- trigger audit_log_no_truncate
CREATE TRIGGER audit_log_no_truncate BEFORE TRUNCATE ON audit_log FOR EACH STATEMENT EXECUTE FUNCTION no_truncate();

-- trigger audit_log_no_update
CREATE TRIGGER audit_log_no_update BEFORE UPDATE ON audit_log FOR EACH ROW EXECUTE FUNCTION audit_log_no_update();

-- trigger budget_ranks_insert
CREATE TRIGGER budget_ranks_insert BEFORE INSERT ON agent_budgets FOR EACH ROW EXECUTE FUNCTION budget_ranks();

-- trigger budget_ranks_update
CREATE TRIGGER budget_ranks_update BEFORE UPDATE OF allocated_micros, reserved_micros, spent_micros ON agent_budgets FOR EACH ROW EXECUTE FUNCTION budget_ranks();

-- trigger budget_requests_count_delete
CREATE TRIGGER budget_requests_count_delete AFTER DELETE ON budget_requests REFERENCING OLD TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION budget_requests_count_delete();

-- trigger budget_requests_count_insert
CREATE TRIGGER budget_requests_count_insert AFTER INSERT ON budget_requests REFERENCING NEW TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION budget_requests_count_insert();

-- trigger budget_requests_count_noted
CREATE TRIGGER budget_requests_count_noted AFTER UPDATE OF status ON budget_requests FOR EACH STATEMENT EXECUTE FUNCTION budget_requests_count_noted();

-- trigger budget_requests_count_update
CREATE TRIGGER budget_requests_count_update AFTER UPDATE OF status ON budget_requests FOR EACH ROW WHEN (old.status IS DISTINCT FROM new.status) EXECUTE FUNCTION budget_requests_count_update();

-- trigger budget_sums_delete
CREATE TRIGGER budget_sums_delete AFTER DELETE ON agent_budgets REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION budget_sums_delete();

-- trigger budget_sums_insert
CREATE TRIGGER budget_sums_insert AFTER INSERT ON agent_budgets REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION budget_sums_insert();

-- trigger budget_sums_update
CREATE TRIGGER budget_sums_update AFTER UPDATE ON agent_budgets REFERENCING OLD TABLE AS gone NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION budget_sums_update();

-- trigger events_insert
CREATE TRIGGER events_insert AFTER INSERT ON events REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION events_insert();

-- trigger events_no_delete
CREATE TRIGGER events_no_delete BEFORE DELETE ON events FOR EACH ROW EXECUTE FUNCTION events_no_delete();

-- trigger events_no_truncate
CREATE TRIGGER events_no_truncate BEFORE TRUNCATE ON events FOR EACH STATEMENT EXECUTE FUNCTION no_truncate();

-- trigger events_no_update
CREATE TRIGGER events_no_update BEFORE UPDATE ON events FOR EACH ROW EXECUTE FUNCTION events_no_update();

-- trigger lease_entries_insert
CREATE TRIGGER lease_entries_insert AFTER INSERT ON ledger_entries FOR EACH ROW WHEN ((new.seq % 64::bigint) = 0) EXECUTE FUNCTION lease_entries_insert();

-- trigger leases_final
CREATE TRIGGER leases_final BEFORE UPDATE ON leases FOR EACH ROW EXECUTE FUNCTION leases_final();

-- trigger leases_no_delete
CREATE TRIGGER leases_no_delete BEFORE DELETE ON leases FOR EACH ROW EXECUTE FUNCTION leases_no_delete();

-- trigger leases_no_truncate
CREATE TRIGGER leases_no_truncate BEFORE TRUNCATE ON leases FOR EACH STATEMENT EXECUTE FUNCTION no_truncate();

-- trigger ledger_entries_insert
CREATE TRIGGER ledger_entries_insert BEFORE INSERT ON ledger_entries FOR EACH ROW EXECUTE FUNCTION ledger_entries_insert();

-- trigger ledger_entries_no_delete
CREATE TRIGGER ledger_entries_no_delete BEFORE DELETE ON ledger_entries FOR EACH ROW EXECUTE FUNCTION ledger_entries_no_delete();

-- trigger ledger_entries_no_truncate
CREATE TRIGGER ledger_entries_no_truncate BEFORE TRUNCATE ON ledger_entries FOR EACH STATEMENT EXECUTE FUNCTION no_truncate();

-- trigger ledger_entries_no_update
CREATE TRIGGER ledger_entries_no_update BEFORE UPDATE ON ledger_entries FOR EACH ROW EXECUTE FUNCTION ledger_entries_no_update();

-- trigger log_heads_guard
CREATE TRIGGER log_heads_guard BEFORE UPDATE ON log_heads FOR EACH ROW EXECUTE FUNCTION log_heads_guard();

-- trigger log_heads_no_delete
CREATE TRIGGER log_heads_no_delete BEFORE DELETE ON log_heads FOR EACH ROW EXECUTE FUNCTION log_heads_no_delete();

-- trigger log_heads_no_insert
CREATE TRIGGER log_heads_no_insert BEFORE INSERT ON log_heads FOR EACH ROW EXECUTE FUNCTION log_heads_no_insert();

-- trigger log_heads_no_truncate
CREATE TRIGGER log_heads_no_truncate BEFORE TRUNCATE ON log_heads FOR EACH STATEMENT EXECUTE FUNCTION no_truncate();

-- trigger owned_agents_count_delete
CREATE TRIGGER owned_agents_count_delete AFTER DELETE ON agents REFERENCING OLD TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION owned_agents_count_delete();

-- trigger owned_agents_count_insert
CREATE TRIGGER owned_agents_count_insert AFTER INSERT ON agents REFERENCING NEW TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION owned_agents_count_insert();

-- trigger owned_agents_count_noted
CREATE TRIGGER owned_agents_count_noted AFTER UPDATE OF state, archived, owner_id ON agents FOR EACH STATEMENT EXECUTE FUNCTION owned_agents_count_noted();

-- trigger owned_agents_count_update
CREATE TRIGGER owned_agents_count_update AFTER UPDATE OF state, archived, owner_id ON agents FOR EACH ROW WHEN (old.state IS DISTINCT FROM new.state OR old.archived IS DISTINCT FROM new.archived OR old.owner_id IS DISTINCT FROM new.owner_id) EXECUTE FUNCTION owned_agents_count_update();

-- trigger provider_keys_count_delete
CREATE TRIGGER provider_keys_count_delete AFTER DELETE ON provider_keys REFERENCING OLD TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION provider_keys_count_delete();

-- trigger provider_keys_count_insert
CREATE TRIGGER provider_keys_count_insert AFTER INSERT ON provider_keys REFERENCING NEW TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION provider_keys_count_insert();

-- trigger provider_keys_count_noted
CREATE TRIGGER provider_keys_count_noted AFTER UPDATE OF status ON provider_keys FOR EACH STATEMENT EXECUTE FUNCTION provider_keys_count_noted();

-- trigger provider_keys_count_update
CREATE TRIGGER provider_keys_count_update AFTER UPDATE OF status ON provider_keys FOR EACH ROW WHEN (old.status IS DISTINCT FROM new.status) EXECUTE FUNCTION provider_keys_count_update();

-- trigger request_keys_insert
CREATE TRIGGER request_keys_insert BEFORE INSERT ON request_keys FOR EACH ROW EXECUTE FUNCTION request_keys_insert();

-- trigger request_keys_no_delete
CREATE TRIGGER request_keys_no_delete BEFORE DELETE ON request_keys FOR EACH ROW EXECUTE FUNCTION request_keys_no_delete();

-- trigger request_keys_no_truncate
CREATE TRIGGER request_keys_no_truncate BEFORE TRUNCATE ON request_keys FOR EACH STATEMENT EXECUTE FUNCTION no_truncate();

-- trigger request_keys_no_update
CREATE TRIGGER request_keys_no_update BEFORE UPDATE ON request_keys FOR EACH ROW EXECUTE FUNCTION request_keys_no_update();

-- trigger requests_final
CREATE TRIGGER requests_final BEFORE UPDATE ON requests FOR EACH ROW EXECUTE FUNCTION requests_final();

-- trigger requests_keep_key
CREATE TRIGGER requests_keep_key BEFORE DELETE ON requests FOR EACH ROW EXECUTE FUNCTION requests_keep_key();

-- trigger requests_no_truncate
CREATE TRIGGER requests_no_truncate BEFORE TRUNCATE ON requests FOR EACH STATEMENT EXECUTE FUNCTION no_truncate();

-- trigger users_count_delete
CREATE TRIGGER users_count_delete AFTER DELETE ON users REFERENCING OLD TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION users_count_delete();

-- trigger users_count_insert
CREATE TRIGGER users_count_insert AFTER INSERT ON users REFERENCING NEW TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION users_count_insert();

-- trigger users_count_noted
CREATE TRIGGER users_count_noted AFTER UPDATE OF role, suspended_at, deleted_at ON users FOR EACH STATEMENT EXECUTE FUNCTION users_count_noted();

-- trigger users_count_update
CREATE TRIGGER users_count_update AFTER UPDATE OF role, suspended_at, deleted_at ON users FOR EACH ROW WHEN (old.role IS DISTINCT FROM new.role OR old.suspended_at IS DISTINCT FROM new.suspended_at OR old.deleted_at IS DISTINCT FROM new.deleted_at) EXECUTE FUNCTION users_count_update();

-- view agent_owner
CREATE VIEW agent_owner AS
 SELECT b.agent_id,
    b.owner_id,
    a.name AS agent_name,
    b.allocated_micros
   FROM agent_budgets b
     LEFT JOIN agents a ON a.id = b.agent_id;

-- view ledger_postings
CREATE VIEW ledger_postings AS
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
   FROM ledger_entries
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
    - ledger_entries.amount_micros AS amount_micros
   FROM ledger_entries;

-- view owner_reserved
CREATE VIEW owner_reserved AS
 SELECT budget_sums.owner_id,
    (sum(budget_sums.reserved_whole) * 1000000::numeric + sum(budget_sums.reserved_rest))::bigint AS reserved
   FROM budget_sums
  WHERE budget_sums.owner_id <> ''::text
  GROUP BY budget_sums.owner_id;

-- view tagged_agent
CREATE VIEW tagged_agent AS
 SELECT DISTINCT a.id AS agent_id,
    a.created_at,
    j.tag COLLATE "C" AS tag
   FROM agents a,
    LATERAL json_array_elements_text(a.tags::json) j(tag);

-- view token_owner
CREATE VIEW token_owner AS
 SELECT api_tokens.id AS token_id,
    api_tokens.owner_id,
    api_tokens.project_id,
    api_tokens.name AS token_name
   FROM api_tokens;

-- view user_name
CREATE VIEW user_name AS
 SELECT users.id AS user_id,
    users.username,
    users.name
   FROM users;
