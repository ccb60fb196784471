import type { Clock } from './clock.ts'
import type { CopyOptions } from './copy/copy-all.ts'
import type { IdSource } from './ids.ts'
import type { AtTx, DialectName, InTx, ReadTx, WriteTx } from './transaction.ts'

/**
 * What a grouped job locks. Jobs of different keys run side by side in one transaction, jobs of one key one after the other, so a
 * job must touch no row that a job of another key decides on, or say what it `decidesOn` besides.
 */
export interface WriteGroup {
  /** Of the rows that the job locks and decides on, such as an agent's id. */
  readonly key: string
  /**
   * Takes the locks of every key of a group in the order in which all transactions take them, before anything that its jobs ask for. It
   * resolves when its statements are on their way, to their answers, for which no job waits. The same function for all jobs that may
   * share a transaction.
   */
  readonly lock: (
    tx: WriteTx,
    keys: readonly string[],
    hints: ReadonlyMap<string, string>,
  ) => Promise<readonly Promise<unknown>[]>
  /** What `lock` is told of the key, such as what has to be locked before it. */
  readonly hint?: string | undefined
  /**
   * What jobs of other keys decide on, too, such as the money of an owner. It shares only with jobs that name the same, and what it
   * decides on that, it does in {@link WriteTx.inTurn}.
   */
  readonly decidesOn?: string | undefined
}

/** Options of {@link IronDatabase.write}. */
export interface WriteOptions extends InTx {
  /**
   * Shares one transaction and one fsync with other grouped jobs that wait at the same time; a failing one undoes no other. On
   * PostgreSQL only jobs that tell what they lock share one.
   */
  readonly group?: boolean | WriteGroup | undefined
  /** How often a transaction that lost a conflict is run in all. Default 10. */
  readonly attempts?: number | undefined
  /** From the call to the commit, waiting and retries included, in milliseconds. Default 10 000. */
  readonly timeoutMs?: number | undefined
}

/** Options of {@link IronDatabase.read}. */
export interface ReadOptions extends AtTx {
  /**
   * The work is one lookup by key: it needs no snapshot and answers in microseconds, so on SQLite it runs on a read-only
   * connection of this thread instead of crossing to a reader thread.
   */
  readonly lookup?: boolean | undefined
}

/** What {@link IronDatabase.ping} found. */
export interface Pong {
  /**
   * How far this process's clock is ahead of the engine's, in milliseconds; behind it, negative. The time that the question took is
   * nobody's fault and taken off. 0 on SQLite, which has no clock of its own.
   */
  readonly clockAheadMs: number
}

/** An open, migrated database. Every handle is one writer on SQLite and one pool on PostgreSQL. */
export interface IronDatabase extends AsyncDisposable {
  readonly dialect: DialectName
  /** Where it is, without password. */
  readonly url: string
  readonly clock: Clock
  readonly ids: IdSource
  /** Calls that wait for their turn now: for the one writer on SQLite, for a connection on PostgreSQL. */
  readonly waiting: number
  /** Runs `work` on one snapshot of committed data. Never waits for a writer (except `:memory:`, which has one connection). */
  read<T>(work: (tx: ReadTx) => Promise<T>, options?: ReadOptions): Promise<T>
  /**
   * Runs `work` in one write transaction: what it did is durable when the promise resolves, and undone when it rejects.
   * `work` may run again after a conflict, so effects outside the database belong in `tx.afterCommit`.
   *
   * @throws {DatabaseError} NESTED_WRITE inside another `write` on this handle without its `tx`; DATABASE_BUSY after the
   * last attempt; WRITE_TIMEOUT; DATABASE_UNAVAILABLE when nothing was committed because the engine failed.
   */
  write<T>(work: (tx: WriteTx) => Promise<T>, options?: WriteOptions): Promise<T>
  /** Calls `wake` after commits that notified `channel`. Resolves to the function that stops it. */
  listen(channel: string, wake: (payload: string) => void): Promise<() => Promise<void>>
  /** Resolves when the engine answers. @throws {DatabaseError} DATABASE_UNAVAILABLE */
  ping(): Promise<Pong>
  /**
   * Writes everything, as it is at one moment, to a new SQLite file while the database is in use. The file is complete and on
   * disk when this resolves; before, it does not exist under its name. Of PostgreSQL, this version's schema is needed.
   *
   * @throws {DatabaseError} COPY_REFUSED when the file exists; DATABASE_UNAVAILABLE when it cannot be written; of PostgreSQL also
   * what {@link copyDatabase} throws
   */
  backup(file: string, options?: CopyOptions): Promise<void>
  close(): Promise<void>
}
