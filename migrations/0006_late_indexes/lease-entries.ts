/**
 * The ledger's rows of a lease: written when the ledger of its agent reaches a multiple of {@link ENTRIES_AT_ONCE}. Rows of the ledger
 * stay for ever, and so do these.
 */
import { count, id } from '../0001_baseline/columns.ts'
import type { Table } from '../0001_baseline/create-table.ts'
import type { Engine } from '../step.ts'
import { fillTriggers } from './fill-triggers.ts'

/** Rows of an agent whose entries are written together. Those after the last multiple of it have none yet, and are few enough to be looked at. */
export const ENTRIES_AT_ONCE = 64

export const leaseEntries: Table = {
  name: 'lease_entries',
  columns: { lease_id: id(), seq: count(1) },
  primaryKey: ['lease_id', 'seq'],
  clustered: true,
}

const FROM_LEDGER =
  'INSERT INTO lease_entries (lease_id, seq) SELECT l.lease_id, l.seq FROM ledger_entries l WHERE l.lease_id IS NOT NULL AND'
const ORDER = 'ORDER BY l.lease_id, l.seq'

/** Rows whose ledger has come to the next multiple: they have entries. */
const REACHED =
  'EXISTS (SELECT 1 FROM ledger_entries m WHERE m.agent_id = l.agent_id' +
  ` AND m.seq = (l.seq + ${String(ENTRIES_AT_ONCE - 1)}) / ${String(ENTRIES_AT_ONCE)} * ${String(ENTRIES_AT_ONCE)})`

/** Fills an empty `lease_entries`. */
export const FILL_LEASE_ENTRIES = `${FROM_LEDGER} ${REACHED} ${ORDER}`

/** Leases whose rows in the ledger are not the entries. */
export const WRONG_LEASE_ENTRIES =
  'SELECT DISTINCT lease_id FROM (' +
  'SELECT e.lease_id FROM lease_entries e WHERE NOT EXISTS (SELECT 1 FROM leases s JOIN ledger_entries l' +
  ' ON l.agent_id = s.agent_id AND l.seq = e.seq AND l.lease_id = e.lease_id WHERE s.id = e.lease_id)' +
  ` UNION ALL SELECT l.lease_id FROM ledger_entries l WHERE l.lease_id IS NOT NULL AND ${REACHED}` +
  ' AND NOT EXISTS (SELECT 1 FROM lease_entries e WHERE e.lease_id = l.lease_id AND e.seq = l.seq)) w ORDER BY 1'

export function createLeaseEntryTriggers(engine: Engine): string[] {
  const many = String(ENTRIES_AT_ONCE)
  const fill = `${FROM_LEDGER} l.agent_id = NEW.agent_id AND l.seq > NEW.seq - ${many} AND l.seq <= NEW.seq ${ORDER}`
  return fillTriggers(engine, { table: 'lease_entries', source: 'ledger_entries', rowsAtOnce: ENTRIES_AT_ONCE, fill })
}
