/** The events of an agent: written when the log reaches a multiple of {@link EVENTS_AT_ONCE}, gone with the events. */
import { count, id } from '../0001_baseline/columns.ts'
import type { Table } from '../0001_baseline/create-table.ts'
import { logs } from '../0001_baseline/rules.ts'
import type { Engine } from '../step.ts'
import { fillTriggers } from './fill-triggers.ts'

/** Events whose entries are written together. Those after the last multiple of it have none yet, and are few enough to be looked at. */
export const EVENTS_AT_ONCE = 1_024

export const agentEvents: Table = {
  name: 'agent_events',
  columns: { agent_id: id(), seq: count(1) },
  primaryKey: ['agent_id', 'seq'],
  clustered: true,
}

const COLUMNS = 'agent_id, seq'
const FROM_EVENTS = `INSERT INTO agent_events (${COLUMNS}) SELECT e.agent_id, e.seq FROM events e WHERE`
const ORDER = 'ORDER BY e.agent_id, e.seq'

const reached = (seq: string): string => `${seq} - ${seq} % ${String(EVENTS_AT_ONCE)}`
const REACHED = `(SELECT ${reached('h.head_seq')} FROM log_heads h WHERE h.name = 'events')`

/** Fills an empty `agent_events`. */
export const FILL_AGENT_EVENTS = `${FROM_EVENTS} e.seq <= ${REACHED} ${ORDER}`

const except = (one: string, other: string): string =>
  `SELECT ${COLUMNS} FROM ${one} x WHERE NOT EXISTS` +
  ` (SELECT 1 FROM ${other} y WHERE y.agent_id = x.agent_id AND y.seq = x.seq)`

/** Agents whose events are not the entries. */
export const WRONG_AGENT_EVENTS =
  `SELECT DISTINCT agent_id FROM (${except('agent_events', 'events')}` +
  ` UNION ALL ${except('events', 'agent_events')} AND x.seq <= ${REACHED}) w ORDER BY 1`

export function createAgentEventTriggers(engine: Engine): string[] {
  return engine === 'sqlite' ? sqliteTriggers() : postgresTriggers()
}

function sqliteTriggers(): string[] {
  const fill = `${FROM_EVENTS} e.seq > NEW.seq - ${String(EVENTS_AT_ONCE)} AND e.seq <= NEW.seq ${ORDER}`
  return [
    ...fillTriggers('sqlite', { table: 'agent_events', source: 'events', rowsAtOnce: EVENTS_AT_ONCE, fill }),
    'CREATE TRIGGER agent_events_delete AFTER DELETE ON events' +
      ' BEGIN DELETE FROM agent_events WHERE agent_id = OLD.agent_id AND seq = OLD.seq; END',
  ]
}

/** The function that moves the head, once a statement, knows from where to where. */
function postgresTriggers(): string[] {
  const message = String(logs.find(({ name }) => name === 'events')?.message)
  const body =
    'SELECT count(*), min(m.seq), max(m.seq) INTO added, lowest, highest FROM made m;' +
    ' IF added = 0 THEN RETURN NULL; END IF;' +
    ' UPDATE log_heads SET head_seq = highest, updated_at = (SELECT m.at FROM made m WHERE m.seq = highest)' +
    " WHERE name = 'events' AND head_seq = lowest - 1 AND highest - lowest = added - 1;" +
    ` IF NOT FOUND THEN RAISE EXCEPTION '${message}' USING ERRCODE = 'restrict_violation'; END IF;` +
    ` done := ${reached('(lowest - 1)')}; due := ${reached('highest')};` +
    ` IF due > done THEN ${FROM_EVENTS} e.seq > done AND e.seq <= due ${ORDER}; END IF; RETURN NULL;`
  return [
    'CREATE OR REPLACE FUNCTION events_insert() RETURNS trigger LANGUAGE plpgsql AS $$' +
      ` DECLARE added bigint; lowest bigint; highest bigint; done bigint; due bigint; BEGIN ${body} END $$`,
    'CREATE FUNCTION agent_events_delete() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN' +
      ' DELETE FROM agent_events a USING gone g WHERE a.agent_id = g.agent_id AND a.seq = g.seq; RETURN NULL; END $$',
    'CREATE TRIGGER agent_events_delete AFTER DELETE ON events REFERENCING OLD TABLE AS gone' +
      ' FOR EACH STATEMENT EXECUTE FUNCTION agent_events_delete()',
  ]
}
