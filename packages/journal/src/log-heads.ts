import { prepare, type ReadTx, type WriteTx } from '@iron/database'

/** Where a log stands. `hash` is null for events. */
export interface LogHead {
  readonly seq: number
  readonly hash: string | null
  /** Rows up to this number may be deleted; always 0 for the audit log. */
  readonly floor: number
}

type LogName = 'audit' | 'events'

interface HeadRow {
  readonly name: LogName
  readonly head_seq: number
  readonly head_hash: string | null
  readonly floor: number
}

const columns = ['name', 'head_seq', 'head_hash', 'floor'] as const

const one = prepare<{ name: LogName }, HeadRow>((db, p) =>
  db.selectFrom('log_heads').select(columns).where('name', '=', p('name')),
)

const oneLocked = prepare<{ name: LogName }, HeadRow>((db, p, dialect) => {
  const query = db.selectFrom('log_heads').select(columns).where('name', '=', p('name'))
  return dialect === 'postgres' ? query.forUpdate() : query
})

const allLocked = prepare<object, HeadRow>((db, _p, dialect) => {
  const query = db.selectFrom('log_heads').select(columns).orderBy('name')
  return dialect === 'postgres' ? query.forUpdate() : query
})

/** Reads where a log stands. */
export async function readHead(tx: ReadTx, name: LogName): Promise<LogHead> {
  return headOf(await one.first(tx, { name }))
}

/**
 * Reads where a log stands and keeps others from appending until the end of the transaction: numbers are given in commit
 * order because they are given under this lock (budget protocol 12.3).
 */
export async function lockHead(tx: WriteTx, name: LogName): Promise<LogHead> {
  return headOf(await oneLocked.first(tx, { name }))
}

/**
 * Locks both heads in the order audit, events and returns that of the events, so that a transaction which appends an event
 * before an audit entry cannot deadlock with one that does it the other way round.
 */
export async function lockHeads(tx: WriteTx): Promise<LogHead> {
  const rows = await allLocked.all(tx, {})
  return headOf(rows.find((row) => row.name === 'events'))
}

function headOf(row: HeadRow | undefined): LogHead {
  if (row === undefined) throw lostHead()
  return { seq: row.head_seq, hash: row.head_hash, floor: row.floor }
}

export function lostHead(): Error {
  return new Error('log_heads has lost a row: the database is damaged')
}
