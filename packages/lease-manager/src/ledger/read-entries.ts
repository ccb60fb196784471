import { lastIndexedEntry, type LedgerEntriesTable, prepare, readIndexedAndLate, type ReadTx } from '@iron/database'

/** Which rows: an agent's, or those of one of its leases. */
export interface LedgerFilter {
  readonly agentId: string
  readonly leaseId?: string | undefined
}

/** A page of them. */
export interface LedgerPlace {
  /** The number of the last row before the page. */
  readonly after: number | undefined
  readonly limit: number
  readonly order: 'asc' | 'desc'
}

/** Where to look, and for how many rows. */
interface Part {
  /** Numbers greater than this, */
  readonly above: number
  /** and not greater than that. */
  readonly upTo: number
  readonly limit: number
  readonly order: 'asc' | 'desc'
}

type Rows = Promise<readonly LedgerEntriesTable[]>

/** Rows in the order of their numbers: those of a lease by their index, and the last ones, which are not in it yet, along the ledger. */
export async function readEntries(tx: ReadTx, { agentId, leaseId }: LedgerFilter, place: LedgerPlace): Rows {
  const part = partOf(place)
  if (leaseId === undefined) return walk(tx, { agentId }, part)
  const indexed = await indexedRows(tx, agentId)
  return readIndexedAndLate(
    part,
    (limit) => readIndexed(tx, agentId, leaseId, { ...part, upTo: Math.min(part.upTo, indexed), limit }),
    (limit) => walk(tx, { agentId, leaseId }, { ...part, above: Math.max(part.above, indexed), limit }),
  )
}

function partOf({ after, limit, order }: LedgerPlace): Part {
  const [above, upTo] = order === 'asc' ? [after, undefined] : [undefined, after === undefined ? after : after - 1]
  return { above: above ?? 0, upTo: upTo ?? Number.MAX_SAFE_INTEGER, limit, order }
}

const newestRow = prepare<{ agentId: string }, { seq: number }>((db, p) =>
  db.selectFrom('ledger_entries').select('seq').where('agent_id', '=', p('agentId')).orderBy('seq', 'desc').limit(1),
)

/** The last row of an agent's ledger that the index of leases has. */
export async function indexedRows(tx: ReadTx, agentId: string): Promise<number> {
  return lastIndexedEntry((await newestRow.first(tx, { agentId }))?.seq ?? 0)
}

/** Looks at one row of the agent after the other. */
function walk(tx: ReadTx, { agentId, leaseId }: LedgerFilter, { above, upTo, limit, order }: Part): Rows {
  let query = tx.sql
    .selectFrom('ledger_entries')
    .selectAll()
    .where('agent_id', '=', agentId)
    .where('seq', '>', above)
    .where('seq', '<=', upTo)
    .orderBy('seq', order)
    .limit(limit)
  if (leaseId !== undefined) query = query.where('lease_id', '=', leaseId)
  return query.execute()
}

/** As many entries as the page holds are found before any row is read. */
function readIndexed(tx: ReadTx, agentId: string, leaseId: string, { above, upTo, limit, order }: Part): Rows {
  const entries = tx.sql
    .selectFrom('lease_entries')
    .select('seq')
    .where('lease_id', '=', leaseId)
    .where('seq', '>', above)
    .where('seq', '<=', upTo)
    .orderBy('seq', order)
    .limit(limit)
  return (
    tx.sql
      .selectFrom(entries.as('e'))
      .crossJoin('ledger_entries as l')
      .selectAll('l')
      .where('l.agent_id', '=', agentId)
      .whereRef('l.seq', '=', 'e.seq')
      // The lease may be another agent's.
      .where('l.lease_id', '=', leaseId)
      .orderBy('e.seq', order)
      .execute()
  )
}
