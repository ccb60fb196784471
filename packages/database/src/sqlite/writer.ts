import type { Kysely } from 'kysely'
import { tellCommit } from '../commits.ts'
import { DatabaseError } from '../errors.ts'
import type { WriteGroup } from '../iron-database.ts'
import { kyselyOn } from '../kysely-executor.ts'
import { type Notify, OpenTransaction, type TransactionEngine } from '../open-transaction.ts'
import { runInside, writeTimeout } from '../open-writes.ts'
import type { IronSchema } from '../schema.ts'
import type { WriteTx } from '../transaction.ts'
import type { SqliteConnection } from './connection.ts'

/** Jobs that share one transaction and one fsync (budget protocol 2). */
export const GROUP_MAX = 256
/**
 * How long jobs go on joining a transaction, in milliseconds: nothing else runs on this thread meanwhile, and every turn of the event loop
 * accepts one connection (measured with batches of 100 reports on 50 connections: some were not accepted for seconds).
 */
export const GROUP_MS_MAX = 20
/** Writes that may wait; above it a caller is told to come back instead of filling the memory. */
export const QUEUED_WRITES_MAX = 10_000

type Work<T> = (tx: WriteTx) => Promise<T>

interface Job {
  readonly work: Work<unknown>
  readonly group: WriteGroup | boolean
  readonly deadlineMs: number
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

type Outcome = { readonly job: Job } & (
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown }
)

/** What jobs did in one transaction, before its COMMIT. Those that came too late for it have no outcome. */
interface Done {
  readonly outcomes: readonly Outcome[]
  /** Whose after-commit work and wake-ups are due once it is committed. */
  readonly transactions: readonly OpenTransaction[]
}

/** How a writer tells what happens in it. */
export interface WriterOptions {
  readonly notify: Notify
  readonly report: (error: unknown) => void
  /** Ends whatever else is open on the connection. */
  readonly beforeBegin: () => void
  /** Throws when nothing may be committed now. */
  readonly beforeCommit: () => void
  /** Must not throw: what was committed stays. */
  readonly afterCommit: () => void
}

/**
 * The one writer of a SQLite file: a queue in front of one connection. Nothing foreign runs between BEGIN IMMEDIATE and
 * COMMIT, which is all the locking of budget protocol 12.1. Grouped jobs that wait at the end of a loop turn share the next
 * transaction; a failing one undoes no other. Every caller is answered after the COMMIT that made its work durable.
 */
export class SqliteWriter {
  readonly #connection: SqliteConnection
  readonly #engine: TransactionEngine
  readonly #options: WriterOptions
  readonly #queue: Job[] = []
  #head = 0
  #draining = false
  #closed = false
  /** Whether the file took no write the last time, whatever the write was. */
  #isRefused = false
  /** Whether another process held the write lock the last time, and for longer than is waited for it. */
  #isHeld = false
  #idle: (() => void) | undefined

  constructor(connection: SqliteConnection, options: WriterOptions) {
    this.#connection = connection
    this.#options = options
    this.#engine = {
      owner: this,
      dialect: 'sqlite',
      executor: connection,
      kysely: kyselyOn('sqlite', connection),
      executeAll: async (queries) => queries.map((query) => connection.run(query)),
      command: async (sql) => {
        connection.command(sql)
      },
      lock: async () => {},
    }
  }

  get kysely(): Kysely<IronSchema> {
    return this.#engine.kysely
  }

  /** Writes in the queue. */
  get waiting(): number {
    return this.#queue.length - this.#head
  }

  /** Queues a transaction. */
  write<T>(work: Work<T>, group: WriteGroup | boolean, timeoutMs: number): Promise<T> {
    if (this.#closed) return Promise.reject(new DatabaseError('DATABASE_CLOSED', 'the database is closed'))
    if (this.waiting >= QUEUED_WRITES_MAX) {
      const details = { queued: QUEUED_WRITES_MAX }
      return Promise.reject(
        new DatabaseError('DATABASE_BUSY', 'too many writes are waiting', { details, retryable: true }),
      )
    }
    return new Promise<T>((resolve, reject) => {
      const deadlineMs = performance.now() + timeoutMs
      this.#queue.push({ work, group, deadlineMs, resolve: resolve as (value: unknown) => void, reject })
      this.#wake()
    })
  }

  /**
   * Runs `work` when no transaction is open and lets nobody else write meanwhile: migrations manage their own. It begins in a
   * turn of the event loop of its own, like every transaction: one that began between the steps of another handle's, on the same
   * file, would hold up this thread until its busy timeout, and so the very transaction that it waits for.
   */
  async exclusive<T>(work: (kysely: Kysely<IronSchema>) => Promise<T>): Promise<T> {
    do await new Promise((resolve) => setImmediate(resolve))
    while (this.#draining)
    this.#draining = true
    this.#options.beforeBegin()
    try {
      return await work(this.#engine.kysely)
    } finally {
      this.#rest()
    }
  }

  /**
   * Resolves unless the file takes no writes. It costs nothing while they are committed: only after one that the file refused, one
   * is tried that changes nothing.
   *
   * @throws {DatabaseError} DATABASE_BUSY, DATABASE_UNAVAILABLE
   */
  async requireWritable(): Promise<void> {
    if (!this.#isRefused) return
    await this.exclusive(async () => this.#connection.tryWrite())
    // In this turn of the event loop: no write has begun since.
    this.#isRefused = false
  }

  /** Lets the queued work finish, then refuses more. */
  async close(): Promise<void> {
    this.#closed = true
    if (this.#draining || this.#head < this.#queue.length) await new Promise<void>((resolve) => (this.#idle = resolve))
  }

  #wake(): void {
    if (this.#draining || this.#head >= this.#queue.length) return
    this.#draining = true
    setImmediate(() => void this.#turn())
  }

  /** One transaction, then back to the event loop, so that answers leave and new work arrives. */
  async #turn(): Promise<void> {
    await this.#commit(this.#nextBatch())
    this.#rest()
  }

  #rest(): void {
    this.#draining = false
    if (this.#head < this.#queue.length) this.#wake()
    else this.#idle?.()
  }

  #nextBatch(): Job[] {
    const batch: Job[] = []
    while (this.#head < this.#queue.length && batch.length < GROUP_MAX) {
      const job = this.#queue[this.#head] as Job
      if (batch.length > 0 && (job.group === false || (batch[0] as Job).group === false)) break
      this.#head += 1
      if (performance.now() > job.deadlineMs) job.reject(writeTimeout())
      else batch.push(job)
    }
    if (this.#head === this.#queue.length) {
      this.#queue.length = 0
      this.#head = 0
    } else if (this.#head > QUEUED_WRITES_MAX) {
      this.#queue.splice(0, this.#head)
      this.#head = 0
    }
    return batch
  }

  async #commit(batch: readonly Job[]): Promise<void> {
    if (batch.length === 0) return
    let done: Done
    try {
      this.#options.beforeBegin()
      this.#begin()
      done = (await this.#runTogether(batch)) ?? (await this.#runApart(batch))
      const writes = done.outcomes.filter((outcome) => outcome.ok).length
      if (writes > 0) {
        this.#options.beforeCommit()
        this.#connection.command('COMMIT')
        this.#options.afterCommit()
        this.#isRefused = false
        tellCommit(writes)
      } else this.#rollback()
    } catch (error) {
      this.#isRefused ||= isRefusal(error)
      this.#rollback()
      for (const job of batch) job.reject(error)
      return
    }
    this.#queue.splice(this.#head, 0, ...batch.slice(done.outcomes.length))
    for (const outcome of done.outcomes) {
      if (outcome.ok) outcome.job.resolve(outcome.value)
      else outcome.job.reject(outcome.error)
    }
    for (const tx of done.transactions) {
      tx.committed(this.#options.report)
      for (const { channel, payload } of tx.notifications()) this.#options.notify(channel, payload)
    }
  }

  /**
   * Nothing else runs on this thread while it waits for the lock of another process. So only one transaction waits for one that is
   * held for long; those after it fail at once, until the lock is free again (OPS-02).
   */
  #begin(): void {
    try {
      if (this.#isHeld) this.#connection.tryBegin()
      else this.#connection.command('BEGIN IMMEDIATE')
      this.#isHeld = false
    } catch (error) {
      this.#isHeld = error instanceof DatabaseError && error.code === 'DATABASE_BUSY'
      throw error
    }
  }

  /**
   * Runs several jobs in arrival order without a savepoint for each, for SQLite copies every page that a savepoint may have to
   * restore. What they deferred is written once for all, though before a job that may look at it.
   *
   * @returns undefined when one failed: the transaction has begun anew then, and nothing of any has happened
   */
  async #runTogether(batch: readonly Job[]): Promise<Done | undefined> {
    if (batch.length === 1) return undefined
    const tx = new OpenTransaction(this.#engine)
    const outcomes: Outcome[] = []
    const isFull = groupOfTime()
    try {
      for (const job of batch) {
        if (!staysWithinKey(job.group)) await tx.flush()
        const value = await tx.share('in turn', (part) => runWork(this, part, job))
        outcomes.push({ job, ok: true, value })
        if (isFull()) break
      }
      await tx.flush()
      tx.close()
      return { outcomes, transactions: [tx] }
    } catch {
      tx.close()
      this.#rollback()
      this.#connection.command('BEGIN IMMEDIATE')
      return undefined
    }
  }

  /** Runs the jobs in arrival order, each in its own savepoint. Throws only when the whole transaction is lost. */
  async #runApart(batch: readonly Job[]): Promise<Done> {
    const outcomes: Outcome[] = []
    const transactions: OpenTransaction[] = []
    const alone = batch.length === 1
    const isFull = groupOfTime()
    for (const job of batch) {
      const tx = new OpenTransaction(this.#engine)
      if (!alone) this.#connection.command('SAVEPOINT job')
      try {
        const value = await runWork(this, tx, job)
        await tx.flush()
        tx.close()
        if (!alone) this.#connection.command('RELEASE job')
        outcomes.push({ job, ok: true, value })
        transactions.push(tx)
      } catch (error) {
        tx.close()
        if (!this.#connection.raw.inTransaction) throw error
        if (!alone) {
          this.#connection.command('ROLLBACK TO job')
          this.#connection.command('RELEASE job')
        }
        this.#isRefused ||= isRefusal(error)
        outcomes.push({ job, ok: false, error })
      }
      if (isFull()) break
    }
    return { outcomes, transactions }
  }

  #rollback(): void {
    try {
      if (this.#connection.raw.inTransaction) this.#connection.command('ROLLBACK')
    } catch (error) {
      this.#options.report(error)
    }
  }
}

/** Whether the file refused a write, whatever its work was: the disk is full, the file is read-only or damaged, somebody holds its lock. */
function isRefusal(error: unknown): boolean {
  return error instanceof DatabaseError && (error.code === 'DATABASE_UNAVAILABLE' || error.code === 'DATABASE_BUSY')
}

/** Whether a group that begins now has lasted long enough. */
function groupOfTime(): () => boolean {
  const untilMs = performance.now() + GROUP_MS_MAX
  return () => performance.now() >= untilMs
}

/** Whether a job decides on nothing that jobs of other keys have deferred, such as the counters of an owner. */
function staysWithinKey(group: WriteGroup | boolean): boolean {
  return typeof group === 'object' && group.decidesOn === undefined
}

/** Runs a job's work, but not for longer than its caller waits: work that hangs must not hold the write lock. */
async function runWork(owner: object, tx: OpenTransaction, job: Job): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(writeTimeout()), Math.max(0, job.deadlineMs - performance.now()))
  })
  try {
    return await Promise.race([runInside(owner, tx, job.work), late])
  } finally {
    clearTimeout(timer)
  }
}
