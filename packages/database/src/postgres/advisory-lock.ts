import { createHash } from 'node:crypto'
import type { PreparedQuery } from '../transaction.ts'

/** Locks a name that need not be a row until the end of the transaction; `shared` holders admit each other. */
export function advisoryLock(name: string, shared: boolean): PreparedQuery {
  return {
    sql: shared ? 'SELECT pg_advisory_xact_lock_shared($1)' : 'SELECT pg_advisory_xact_lock($1)',
    parameters: [lockNumber(name)],
    name: shared ? 'lock_shared' : 'lock',
  }
}

/** 64 bits of a hash: two names that share a number wait for each other, nothing worse. */
function lockNumber(name: string): string {
  return createHash('sha256').update(name).digest().readBigInt64BE(0).toString()
}
