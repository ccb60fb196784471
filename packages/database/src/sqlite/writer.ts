import type { Kysely } from 'kysely'
import { tellCommit } from '../commits.ts'
import { DatabaseError } from '../errors.ts'
import { kyselyOn } from '../kysely-executor.ts'
import { type Notify, OpenTransaction, type TransactionEngine } from '../open-transaction.ts'
import { runInside, writeTimeout } from '../open-writes.ts'
import type { IronSchema } from '../schema.ts'
import type { WriteTx } from '../transaction.ts'
import type { SqliteConnection } from './connection.ts'

/** Jobs that share one transaction and one fsync (budget protocol 2). */
export const GROUP_MAX = 256
/** Writes that may wait; above it a caller is told to come back instead of filling the memory. */
export const QUEUED_WRITES_MAX = 10_000

type Work<T> = (tx: WriteTx) => Promise<T>

interface Job {
  readonly work: Work<unknown>
  readonly group: boolean
  readonly deadlineMs: number
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

type Outcome = { readonly job: Job; readonly tx: OpenTransaction } & (
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown }
)

/** How a writer tells what happens in it. */
export interface WriterOptions {
  readonly notify: Notify
  readonly report: (error: unknown) => void
}

/**
 * The one writer of a SQLite file: a queue in front of one connection. Nothing foreign runs between BEGIN IMMEDIATE and
 * COMMIT, which is all the locking of budget protocol 12.1. Grouped jobs that wait at the end of a loop turn share the next
 * transaction, each in its own savepoint; every caller is answered after the COMMIT that made its work durable.
 */
export class SqliteWriter {
  readonly #connection: SqliteConnection
  readonly #engine: TransactionEngine
  readonly #options: WriterOptions
  readonly #queue: Job[] = []
  #head = 0
  #draining = false
  #closed = false
  #idle: (() => void) | undefined

  constructor(connection: SqliteConnection, options: WriterOptions) {
    this.#connection = connection
    this.#options = options
    this.#engine = {
      dialect: 'sqlite',
      executor: connection,
      kysely: kyselyOn('sqlite', connection),
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
  write<T>(work: Work<T>, group: boolean, timeoutMs: number): Promise<T> {
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

  /** Runs `work` when no transaction is open and lets nobody else write meanwhile: migrations manage their own. */
  async exclusive<T>(work: (kysely: Kysely<IronSchema>) => Promise<T>): Promise<T> {
    while (this.#draining) await new Promise((resolve) => setImmediate(resolve))
    this.#draining = true
    try {
      return await work(this.#engine.kysely)
    } finally {
      this.#draining = false
      this.#wake()
    }
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
    this.#draining = false
    if (this.#head < this.#queue.length) this.#wake()
    else this.#idle?.()
  }

  #nextBatch(): Job[] {
    const batch: Job[] = []
    while (this.#head < this.#queue.length && batch.length < GROUP_MAX) {
      const job = this.#queue[this.#head] as Job
      if (batch.length > 0 && !(job.group && (batch[0] as Job).group)) break
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

  async #commit(batch: Job[]): Promise<void> {
    if (batch.length === 0) return
    let outcomes: Outcome[]
    try {
      this.#connection.command('BEGIN IMMEDIATE')
      outcomes = await this.#runAll(batch)
      const writes = outcomes.filter((outcome) => outcome.ok).length
      if (writes > 0) {
        this.#connection.command('COMMIT')
        tellCommit(writes)
      } else this.#rollback()
    } catch (error) {
      this.#rollback()
      for (const job of batch) job.reject(error)
      return
    }
    for (const outcome of outcomes) {
      if (!outcome.ok) {
        outcome.job.reject(outcome.error)
        continue
      }
      outcome.job.resolve(outcome.value)
      outcome.tx.committed(this.#options.report)
      for (const { channel, payload } of outcome.tx.notifications()) this.#options.notify(channel, payload)
    }
  }

  /** Runs the jobs in arrival order. Throws only when the whole transaction is lost. */
  async #runAll(batch: Job[]): Promise<Outcome[]> {
    const outcomes: Outcome[] = []
    const alone = batch.length === 1
    for (const job of batch) {
      const tx = new OpenTransaction(this.#engine)
      if (!alone) this.#connection.command('SAVEPOINT job')
      try {
        const value = await runWork(this, tx, job)
        await tx.flush()
        tx.close()
        if (!alone) this.#connection.command('RELEASE job')
        outcomes.push({ job, tx, ok: true, value })
      } catch (error) {
        tx.close()
        if (!this.#connection.raw.inTransaction) throw error
        if (!alone) {
          this.#connection.command('ROLLBACK TO job')
          this.#connection.command('RELEASE job')
        }
        outcomes.push({ job, tx, ok: false, error })
      }
    }
    return outcomes
  }

  #rollback(): void {
    try {
      if (this.#connection.raw.inTransaction) this.#connection.command('ROLLBACK')
    } catch (error) {
      this.#options.report(error)
    }
  }
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
