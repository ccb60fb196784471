import { AsyncLocalStorage } from 'node:async_hooks'
import { DatabaseError } from './errors.ts'
import type { OpenTransaction } from './open-transaction.ts'
import type { WriteTx } from './transaction.ts'

/** How long a write may take in all, waiting and retries included, in milliseconds (packages.md 6). */
export const WRITE_TIMEOUT_MS = 10_000

const openTransactions = new AsyncLocalStorage<{ readonly owner: object; readonly tx: OpenTransaction }>()

/**
 * Refuses a call that would wait for the transaction it runs inside of: a service called without the open `tx` must fail at
 * once instead of deadlocking (CON-14).
 */
export function refuseInsideWrite(owner: object): void {
  const current = openTransactions.getStore()
  if (current !== undefined && current.owner === owner && current.tx.isOpen) {
    throw new DatabaseError('NESTED_WRITE', 'a write is open in this call chain: pass its tx')
  }
}

/** Runs work so that {@link refuseInsideWrite} can see it. */
export function runInside<T>(owner: object, tx: OpenTransaction, work: (tx: WriteTx) => Promise<T>): Promise<T> {
  return openTransactions.run({ owner, tx }, () => work(tx))
}

/** The error of a write that did not commit in time. */
export function writeTimeout(): DatabaseError {
  return new DatabaseError('WRITE_TIMEOUT', 'the write was not committed in time', { retryable: true })
}
