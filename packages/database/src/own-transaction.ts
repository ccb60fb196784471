/** Which handle a transaction belongs to: one of another database must not take a service's rows to a place where nobody looks for them. */
import { DatabaseError } from './errors.ts'
import type { IronDatabase } from './iron-database.ts'
import type { ReadTx } from './transaction.ts'

/** What a handle and its transactions have in common. */
interface Owned {
  readonly owner?: object
}

/**
 * What does not say whose it is passes: the handle may come from another copy of this package, or be wrapped by its user.
 *
 * @throws {DatabaseError} TRANSACTION_CLOSED the transaction is of another handle
 */
export function requireOwn(db: IronDatabase, tx: ReadTx): void {
  const [ours, its] = [(db as Owned).owner, (tx as Owned).owner]
  if (ours === undefined || its === undefined || ours === its) return
  throw new DatabaseError('TRANSACTION_CLOSED', 'this transaction is of another database')
}
