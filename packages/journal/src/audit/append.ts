import type { DeferredQueue, WriteTx } from '@iron/database'
import { insertMany } from '../insert-many.ts'
import { lockHead } from '../log-heads.ts'
import { type Chain, FIRST_PREV_HASH, linkRow } from './chain.ts'
import type { AuditRow, PendingRow } from './entry.ts'

/** An entry that waits for the end of its transaction, and how its chain is computed. */
export interface DeferredEntry {
  readonly row: PendingRow
  readonly chain: Chain
}

/**
 * Entries of one transaction are written together as its last statements but the events, whichever service handed them in:
 * the head of the log, which everybody needs, is read and locked once and last (budget protocol 12.1).
 */
export const auditQueue: DeferredQueue<DeferredEntry> = {
  order: 1,
  flush: async (tx, entries) => {
    await appendEntries(tx, entries)
  },
}

/** Appends entries at the head of the log. */
export async function appendEntries(tx: WriteTx, entries: readonly DeferredEntry[]): Promise<readonly AuditRow[]> {
  const head = await lockHead(tx, 'audit')
  let seq = head.seq
  let prevHash = head.hash ?? FIRST_PREV_HASH
  const rows = entries.map(({ row, chain }) => {
    const linked = linkRow(row, (seq += 1), prevHash, chain)
    prevHash = linked.hash
    return linked
  })
  await insertEntries(tx, rows)
  return rows
}

const insertEntries = insertMany<AuditRow>('audit_log', {
  seq: 'bigint',
  id: 'text',
  at: 'bigint',
  actor_type: 'text',
  actor_id: 'text',
  actor_user_id: 'text',
  actor_role: 'text',
  operation: 'text',
  resource_type: 'text',
  resource_id: 'text',
  http_request_id: 'text',
  ip: 'text',
  user_agent: 'text',
  changes: 'text',
  reason: 'text',
  metadata: 'text',
  prev_hash: 'text',
  hash: 'text',
})
