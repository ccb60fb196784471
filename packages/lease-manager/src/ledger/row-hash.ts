/** The chain that makes a changed or missing ledger row visible (rulings R7). */
import { createHash } from 'node:crypto'
import { canonicalJson, type LedgerEntriesTable } from '@iron/database'

/** What stands before an agent's first row. */
export const CHAIN_START = '0'.repeat(64)

/** A ledger row without its hash. */
export type UnsealedRow = Omit<LedgerEntriesTable, 'hash'>

/** SHA-256 over the previous row's hash followed by the canonical JSON of all other columns of this row, lower-case hex. */
export function rowHash(previousHash: string, row: UnsealedRow): string {
  return createHash('sha256').update(previousHash).update(canonicalJson(row)).digest('hex')
}
