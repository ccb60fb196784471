import type { Kysely, QueryResult } from 'kysely'
import type { IronSchema } from './schema.ts'
import type { SetRow } from './set-form.ts'

/** The two engines of the house. */
export type DialectName = 'sqlite' | 'postgres'

/** A snapshot to read from. */
export interface ReadTx {
  readonly sql: Kysely<IronSchema>
  readonly dialect: DialectName
  /**
   * Runs a compiled query past Kysely's pipeline, prepared once on the driver: for hot statements, normally through
   * {@link prepare}.
   */
  execute<R>(query: PreparedQuery): Promise<QueryResult<R>>
}

/** SQL of the transaction's dialect with its values; `name` is under which PostgreSQL keeps it prepared. */
export interface PreparedQuery {
  readonly sql: string
  readonly parameters: readonly unknown[]
  readonly name?: string | undefined
  /** The same for a statement over many rows of parameters, if it may travel with its like. */
  readonly together?: SetRow | undefined
}

/**
 * What a transaction writes as its last statements, such as rows of a log whose head everybody needs: items are collected
 * while the work runs and flushed in `order` just before the commit. Items of a savepoint that was rolled back are dropped.
 */
export interface DeferredQueue<T> {
  /**
   * Queues begin to be flushed from the lowest to the highest: audit 1, events 2 (budget protocol 12.1). On PostgreSQL they do not wait for
   * one another, so each takes its locks with its first statement.
   */
  readonly order: number
  flush(tx: WriteTx, items: readonly T[]): Promise<void>
}

/** An open write transaction. */
export interface WriteTx extends ReadTx {
  /** Runs `work` so that its failure undoes only what it did. */
  savepoint<T>(work: (tx: WriteTx) => Promise<T>): Promise<T>
  /**
   * Runs queries in their order, each as it stands. On PostgreSQL they leave without waiting for the answers in between, so that many cost
   * no more round trips than one; none of them may need what an earlier one answered.
   *
   * @throws what the first that failed failed with; on PostgreSQL the later ones have failed as well
   */
  executeAll(queries: readonly PreparedQuery[]): Promise<readonly QueryResult<unknown>[]>
  /**
   * Serialises transactions on a name that need not be a row, until the end of the transaction. `shared` holders admit each
   * other. One writer at a time makes this free on SQLite; so is a lock that the transaction holds already.
   *
   * @param options `taken`: a statement of the caller's has taken it, such as one that locked many rows; it is only remembered
   */
  lock(
    name: string,
    options?: { readonly shared?: boolean | undefined; readonly taken?: boolean | undefined },
  ): Promise<void>
  /** Whether it holds the lock, `shared` or not at all shared. */
  holds(name: string, options?: { readonly shared?: boolean | undefined }): boolean
  /**
   * Runs `work` while no other job that shares this transaction is inside of one of the same name: they run one after the other, and each
   * sees what those before it wrote. The first is told so: what it read before still holds. Free where jobs are not run side by side.
   */
  inTurn<T>(name: string, work: (isFirst: boolean) => Promise<T>): Promise<T>
  /** Hands an item to a queue that is written as the last statements of this transaction. */
  defer<T>(queue: DeferredQueue<T>, item: T): void
  /** Runs once after the attempt that committed. What it throws is reported, not propagated. */
  afterCommit(run: () => void): void
  /** Wakes the listeners of `channel` after the commit, on PostgreSQL in every process. Wake-ups may merge. */
  notify(channel: string, payload: string): void
}

/** Option of every method that may write inside a transaction of its caller. */
export interface InTx {
  readonly tx?: WriteTx | undefined
}

/** Option of every method that may read from a snapshot of its caller. */
export interface AtTx {
  readonly tx?: ReadTx | undefined
}
