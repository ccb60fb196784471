/**
 * Whether a service may join a transaction: one of another database must not take its rows to a place where nobody looks for them,
 * and what has ended takes none, so nothing is begun in it.
 */
import { DatabaseError } from './errors.ts'
import type { IronDatabase } from './iron-database.ts'
import type { ReadTx } from './transaction.ts'

/** What a handle and its transactions have in common. */
interface Owned {
  readonly owner?: object
  readonly isOpen?: boolean
}

/**
 * What does not say whose it is passes: the handle may come from another copy of this package, or be wrapped by its user.
 *
 * @throws {DatabaseError} TRANSACTION_CLOSED the transaction is of another handle, or has ended
 */
export function requireOwn(db: IronDatabase, tx: ReadTx): void {
  const [ours, its] = [(db as Owned).owner, (tx as Owned).owner]
  if (ours !== undefined && its !== undefined && ours !== its) {
    throw new DatabaseError('TRANSACTION_CLOSED', 'this transaction is of another database')
  }
  if ((tx as Owned).isOpen === false) throw new DatabaseError('TRANSACTION_CLOSED', 'this transaction has ended')
}
