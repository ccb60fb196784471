/** The audit entries of an actor: written when the log reaches a multiple of {@link AUDIT_ENTRIES_AT_ONCE}. */
import { count, text } from '../0001_baseline/columns.ts'
import type { Table } from '../0001_baseline/create-table.ts'
import type { Engine } from '../step.ts'
import { fillTriggers } from './fill-triggers.ts'

/** Entries of the log that are written here together. Those after the last multiple of it are not yet, and are few enough to be looked at. */
export const AUDIT_ENTRIES_AT_ONCE = 1_024

export const actorEntries: Table = {
  name: 'actor_entries',
  columns: { actor_id: text(), seq: count(1) },
  primaryKey: ['actor_id', 'seq'],
  clustered: true,
}

const COLUMNS = 'actor_id, seq'
const FROM_LOG = `INSERT INTO actor_entries (${COLUMNS}) SELECT l.actor_id, l.seq FROM audit_log l WHERE`
const ORDER = 'ORDER BY l.actor_id, l.seq'

const MANY = String(AUDIT_ENTRIES_AT_ONCE)
const REACHED = `(SELECT h.head_seq - h.head_seq % ${MANY} FROM log_heads h WHERE h.name = 'audit')`

/** Fills an empty `actor_entries`. */
export const FILL_ACTOR_ENTRIES = `${FROM_LOG} l.seq <= ${REACHED} ${ORDER}`

const except = (one: string, other: string): string =>
  `SELECT ${COLUMNS} FROM ${one} x WHERE NOT EXISTS` +
  ` (SELECT 1 FROM ${other} y WHERE y.actor_id = x.actor_id AND y.seq = x.seq)`

/** Actors whose entries in the audit log are others. */
export const WRONG_ACTOR_ENTRIES =
  `SELECT DISTINCT actor_id FROM (${except('actor_entries', 'audit_log')}` +
  ` UNION ALL ${except('audit_log', 'actor_entries')} AND x.seq <= ${REACHED}) w ORDER BY 1`

export function createActorEntryTriggers(engine: Engine): string[] {
  const fill = `${FROM_LOG} l.seq > NEW.seq - ${MANY} AND l.seq <= NEW.seq ${ORDER}`
  return fillTriggers(engine, { table: 'actor_entries', source: 'audit_log', rowsAtOnce: AUDIT_ENTRIES_AT_ONCE, fill })
}
