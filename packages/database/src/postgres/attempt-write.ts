import { allDone } from '../all-done.ts'
import { OpenTransaction, type TransactionEngine } from '../open-transaction.ts'
import { runInside, writeTimeout } from '../open-writes.ts'
import { advisoryLock } from './advisory-lock.ts'
import type { PostgresConnection } from './connection.ts'
import { commitUnknown } from './failure.ts'
import type { PostgresLimits } from './limits.ts'
import { within } from './within.ts'

/** What is asked for in a transaction. */
export type AttemptedWork<T> = (tx: OpenTransaction, connection: PostgresConnection) => Promise<T>

/** One attempt of a write. */
export interface WriteAttempt<T> {
  /** The handle inside of whose write the work runs. */
  readonly owner: object
  readonly work: AttemptedWork<T>
  /** On the scale of `performance.now()`. */
  readonly deadlineMs: number
  readonly limits: PostgresLimits
}

/**
 * Runs work in one transaction on one connection. An error means that nothing was committed, with one exception, {@link commitUnknown}:
 * COMMIT was sent, the connection was lost, and no answer had come. Up to then a lost connection is a rolled back transaction, and an
 * error that the server answers COMMIT with is one as well, which a connection that still takes a ROLLBACK proves.
 *
 * @returns what the work returned, and the transaction, committed
 */
export async function attemptWrite<T>(
  connection: PostgresConnection,
  { owner, work, deadlineMs, limits }: WriteAttempt<T>,
): Promise<{ readonly value: T; readonly tx: OpenTransaction }> {
  const tx = new OpenTransaction(engineOn(connection, owner))
  let isCommitting = false
  try {
    const value = await within(connection, { deadlineMs, late: writeTimeout }, async () => {
      const begun = connection.begin()
      const result = await connection.pipelined(async () => {
        const done = await runInside(owner, tx, () => work(tx, connection))
        await tx.flush()
        return done
      })
      await begun
      tx.close()
      return result
    })
    isCommitting = true
    const commitMs = Math.max(limits.commitMs, deadlineMs - performance.now())
    await connection.pipelined(() => allDone([...notified(connection, tx), connection.commit(commitMs)]))
    return { value, tx }
  } catch (error) {
    tx.close()
    const isUndone = await connection.rollback()
    throw isCommitting && !isUndone ? commitUnknown(error) : error
  }
}

function notified(connection: PostgresConnection, tx: OpenTransaction): Promise<unknown>[] {
  return tx
    .notifications()
    .map(({ channel, payload }) =>
      connection.execute({ sql: 'SELECT pg_notify($1, $2)', parameters: [channel, payload], name: 'notify' }),
    )
}

function engineOn(connection: PostgresConnection, owner: object): TransactionEngine {
  return {
    owner,
    dialect: 'postgres',
    executor: connection,
    kysely: connection.kysely,
    executeAll: (queries) => connection.executeAll(queries),
    command: (sql) => connection.command(sql),
    lock: async (name, shared) => {
      await connection.execute(advisoryLock(name, shared))
    },
  }
}
