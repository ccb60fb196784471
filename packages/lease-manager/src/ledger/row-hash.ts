/** The chain that makes a changed or missing ledger row visible (rulings R7). */
import { hash } from 'node:crypto'
import type { LedgerEntriesTable } from '@iron/database'

/** What stands before an agent's first row. */
export const CHAIN_START = '0'.repeat(64)

/** A ledger row without its hash. */
export type UnsealedRow = Omit<LedgerEntriesTable, 'hash'>

/**
 * SHA-256 over the previous row's hash followed by the canonical JSON of all other columns of this row, lower-case hex. The columns
 * are listed in sorted order, which JSON.stringify keeps: a verification spends most of its time here.
 */
export function rowHash(previousHash: string, row: UnsealedRow): string {
  const canonical = JSON.stringify({
    actor_id: row.actor_id,
    agent_id: row.agent_id,
    allocated_after: row.allocated_after,
    amount_micros: row.amount_micros,
    budget_request_id: row.budget_request_id,
    created_at: row.created_at,
    lease_id: row.lease_id,
    reason: row.reason,
    request_id: row.request_id,
    reserved_after: row.reserved_after,
    seq: row.seq,
    spent_after: row.spent_after,
    type: row.type,
    version: row.version,
  } satisfies UnsealedRow)
  return hash('sha256', previousHash + canonical, 'hex')
}
