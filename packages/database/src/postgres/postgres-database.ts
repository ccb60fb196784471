import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Kysely, sql } from 'kysely'
import { tellCall } from '../calls.ts'
import type { Clock } from '../clock.ts'
import { tellCommit } from '../commits.ts'
import type { CopyOptions } from '../copy/copy-all.ts'
import { DatabaseError } from '../errors.ts'
import type { IdSource } from '../ids.ts'
import type { IronDatabase, Pong, ReadOptions, WriteOptions } from '../iron-database.ts'
import { refuseInsideWrite, runInside, WRITE_TIMEOUT_MS, writeTimeout } from '../open-writes.ts'
import { requireOwn } from '../own-transaction.ts'
import { ReadSnapshot } from '../read-snapshot.ts'
import { type Executor, kyselyOn } from '../kysely-executor.ts'
import type { IronSchema } from '../schema.ts'
import { urlOf } from '../source.ts'
import type { ReadTx, WriteTx } from '../transaction.ts'
import { WakeUps } from '../wake-ups.ts'
import { type AttemptedWork, attemptWrite } from './attempt-write.ts'
import { loadDriver } from './client.ts'
import type { PostgresConnection } from './connection.ts'
import { busy, isConflict, noAnswer, notUtf8, notWritable, readFailure } from './failure.ts'
import { POSTGRES_LIMITS, type PostgresLimits } from './limits.ts'
import { PostgresListener } from './listener.ts'
import { PostgresPool } from './pool.ts'
import { StatementSets } from './statement-sets.ts'
import { type Deadline, settledWithin, within } from './within.ts'
import { WriteGroups } from './write-groups.ts'

/** How often a transaction that lost a conflict runs in all (budget protocol 12.3). */
const ATTEMPTS_MAX = 10
/** Pause before the second attempt, and the longest, in milliseconds (budget protocol 12.3). */
const PAUSE_FIRST_MS = 5
const PAUSE_LONGEST_MS = 250

/** Whether a write would work and last. */
const WRITABLE = `SELECT pg_is_in_recovery() AS recovers, current_setting('transaction_read_only') AS read_only,
  current_setting('synchronous_commit') AS synchronous_commit,
  current_setting('session_replication_role') AS replication_role,
  (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now_ms`

interface Writable {
  readonly recovers: boolean
  readonly read_only: string
  readonly synchronous_commit: string
  readonly replication_role: string
  readonly now_ms: number
}

/** What {@link PostgresDatabase} needs to know. */
export interface PostgresDatabaseOptions {
  readonly url: string
  readonly clock: Clock
  readonly ids: IdSource
  readonly writeTimeoutMs?: number | undefined
  readonly report: (error: unknown) => void
  /** For this package's own tests, which cannot wait that long. */
  readonly limits?: Partial<PostgresLimits> | undefined
}

/** PostgreSQL behind {@link IronDatabase}: READ COMMITTED, locks taken in one order, conflicts run again, every wait bounded. */
export class PostgresDatabase implements IronDatabase {
  readonly dialect = 'postgres'
  readonly url: string
  readonly clock: Clock
  readonly ids: IdSource
  readonly #options: PostgresDatabaseOptions
  readonly #limits: PostgresLimits
  readonly #pool: PostgresPool
  readonly #wakeUps: WakeUps
  readonly #listener: PostgresListener
  readonly #groups: WriteGroups
  /** Lookups of one loop turn, such as those of the credentials of requests that came together, share statements. */
  readonly #lookups = new StatementSets(
    { execute: (query) => this.#lookup((connection) => connection.execute(query)) },
    { isTransaction: false },
  )
  readonly #lookupKysely = kyselyOn('postgres', this.#lookups)
  #closed: Promise<void> | undefined

  private constructor(options: PostgresDatabaseOptions, pool: PostgresPool, limits: PostgresLimits) {
    const { url, clock, ids, report } = options
    this.#options = options
    this.#limits = limits
    this.#pool = pool
    this.url = urlOf({ dialect: 'postgres', url })
    this.clock = clock
    this.ids = ids
    this.#wakeUps = new WakeUps(report)
    this.#listener = new PostgresListener({ url, limits, wakeUps: this.#wakeUps, report })
    this.#groups = new WriteGroups({
      ...limits,
      attempt: (work, deadlineMs, writes) => this.#attempt(work, deadlineMs, writes),
      alone: (work, deadlineMs) => this.#writeAlone(work, ATTEMPTS_MAX, deadlineMs),
      inside: (tx, work) => runInside(this, tx, work),
    })
  }

  /** Connects once, so that a wrong address, password or encoding is known at the start. */
  static async open(options: PostgresDatabaseOptions): Promise<PostgresDatabase> {
    const driver = await loadDriver()
    const limits = { ...POSTGRES_LIMITS, ...options.limits }
    const pool = new PostgresPool(driver, options.url, limits, options.report)
    const database = new PostgresDatabase(options, pool, limits)
    try {
      const encoding = await database.#lookup(async (connection) => {
        const { rows } = await connection.execute<{ server_encoding: string }>({
          sql: 'SHOW server_encoding',
          parameters: [],
        })
        return rows[0]?.server_encoding ?? ''
      })
      if (encoding !== 'UTF8') throw notUtf8(encoding)
    } catch (error) {
      await database.close()
      throw error
    }
    return database
  }

  get waiting(): number {
    return this.#pool.waiting + this.#groups.waiting
  }

  /**
   * Runs `work` in one transaction. It is run again after a conflict only, which the server has undone; after a lost connection never,
   * not even when nothing was committed, because the caller's time and the database are better spent on an answer.
   *
   * @throws {DatabaseError} DATABASE_UNAVAILABLE with `details.outcome` `'unknown'`, not `retryable`, when the connection was lost between
   * COMMIT and its answer: the transaction may have happened, as a whole. After every other error it has not.
   */
  async write<T>(work: (tx: WriteTx) => Promise<T>, options: WriteOptions = {}): Promise<T> {
    if (options.tx !== undefined) return this.#join(options.tx, work)
    refuseInsideWrite(this)
    return tellCall('write', 'postgres', () => this.#write(work, options))
  }

  /** What its transactions say they belong to. */
  get owner(): object {
    return this
  }

  async #join<Tx extends ReadTx, T>(tx: Tx, work: (tx: Tx) => Promise<T>): Promise<T> {
    requireOwn(this, tx)
    return work(tx)
  }

  async #write<T>(work: (tx: WriteTx) => Promise<T>, options: WriteOptions): Promise<T> {
    const { attempts = ATTEMPTS_MAX, group } = options
    const deadlineMs = performance.now() + (options.timeoutMs ?? this.#options.writeTimeoutMs ?? WRITE_TIMEOUT_MS)
    if (typeof group !== 'object') return this.#writeAlone(work, attempts, deadlineMs)
    if (this.#closed !== undefined) throw new DatabaseError('DATABASE_CLOSED', 'the database is closed')
    return this.#groups.add(work, group, deadlineMs)
  }

  async #writeAlone<T>(work: (tx: WriteTx) => Promise<T>, attempts: number, deadlineMs: number): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#attempt(work, deadlineMs, 1)
      } catch (error) {
        if (!isConflict(error) || attempt >= attempts) throw error
        const pauseMs =
          Math.min(PAUSE_LONGEST_MS, PAUSE_FIRST_MS * 2 ** (attempt - 1)) * (randomInt(500, 1_000) / 1_000)
        if (performance.now() + pauseMs > deadlineMs) throw error
        await sleep(pauseMs)
      }
    }
  }

  async read<T>(work: (tx: ReadTx) => Promise<T>, options: ReadOptions = {}): Promise<T> {
    if (options.tx !== undefined) return this.#join(options.tx, work)
    refuseInsideWrite(this)
    const look = (executor: Executor, kysely: Kysely<IronSchema>): Promise<T> =>
      ReadSnapshot.during(new ReadSnapshot(this, 'postgres', kysely, executor), work)
    return options.lookup === true
      ? tellCall('lookup', 'postgres', () => look(this.#lookups, this.#lookupKysely))
      : tellCall('read', 'postgres', () => this.#snapshot((connection) => look(connection, connection.kysely)))
  }

  async listen(channel: string, wake: (payload: string) => void): Promise<() => Promise<void>> {
    if (this.#closed !== undefined) throw new DatabaseError('DATABASE_CLOSED', 'the database is closed')
    const stop = this.#wakeUps.add(channel, wake)
    try {
      await this.#listener.listen(channel)
    } catch (error) {
      stop()
      throw error
    }
    return async () => {
      stop()
    }
  }

  /**
   * Resolves when a write would work and last: a standby, a database that was made read-only and one that answers a commit before it is
   * on disk are as good as none (OPS-01).
   *
   * @throws {DatabaseError} DATABASE_UNAVAILABLE, with `details.reason` when it answers but takes no writes
   */
  ping(): Promise<Pong> {
    return this.#lookup(async (connection) => {
      const askedAtMs = this.clock.now()
      const { rows } = await connection.execute<Writable>({ sql: WRITABLE, parameters: [] })
      const [state] = rows
      if (state?.recovers !== false) throw notWritable('recovery')
      if (state.read_only !== 'off') throw notWritable('read-only')
      if (state.synchronous_commit === 'off') throw notWritable('synchronous_commit')
      // As a replica a session fires no triggers: nothing would keep logs append-only, nor sums.
      if (state.replication_role === 'replica') throw notWritable('session_replication_role')
      return { clockAheadMs: aheadOf(state.now_ms, askedAtMs, this.clock.now()) }
    })
  }

  async backup(file: string, options: CopyOptions = {}): Promise<void> {
    // Loaded when it is used: most processes on PostgreSQL never touch SQLite.
    const { backupToSqlite } = await import('../copy/backup-to-sqlite.ts')
    await backupToSqlite(this, file, options)
  }

  /** For copies only: one snapshot for as long as the work takes, however many statements it runs. */
  snapshot<T>(work: (kysely: Kysely<IronSchema>) => Promise<T>): Promise<T> {
    return this.exclusive(async (kysely) => {
      await sql`BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`.execute(kysely)
      try {
        await sql`SET LOCAL idle_in_transaction_session_timeout = 0`.execute(kysely)
        return await work(kysely)
      } finally {
        await sql`ROLLBACK`.execute(kysely)
      }
    })
  }

  /** For migrations only: one connection without a transaction, and as much time as a statement takes. */
  exclusive<T>(work: (kysely: Kysely<IronSchema>) => Promise<T>): Promise<T> {
    return this.#pool.use(this.#patience(), async (connection) => {
      await connection.command('SET statement_timeout = 0')
      await connection.command('SET lock_timeout = 0')
      try {
        return await within(connection, undefined, () => work(connection.kysely))
      } finally {
        await restoreTimeouts(connection)
      }
    })
  }

  /** Lets running work finish for up to 5 s; ends in bounded time whatever hangs. */
  close(): Promise<void> {
    this.#closed ??= this.#end()
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #end(): Promise<void> {
    await settledWithin(this.#groups.idle(), this.#limits.closeMs)
    await Promise.all([this.#listener.close(), this.#pool.close()])
  }

  async #attempt<T>(work: AttemptedWork<T>, deadlineMs: number, writes: number): Promise<T> {
    const { value, tx } = await this.#pool.use({ deadlineMs, late: writeTimeout }, (connection) =>
      attemptWrite(connection, { owner: this, work, deadlineMs, limits: this.#limits }),
    )
    tellCommit(writes)
    tx.committed(this.#options.report)
    return value
  }

  /** A statement that needs no snapshot, and an answer soon. */
  #lookup<T>(look: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    return this.#pool.use(this.#patience(), (connection) =>
      within(connection, soon(this.#limits.lookupMs), () => look(connection)),
    )
  }

  #snapshot<T>(look: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    return this.#pool.use(this.#patience(), async (connection) => {
      try {
        return await within(connection, soon(this.#limits.readMs), async () => {
          await connection.command('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
          const value = await look(connection)
          await connection.command('COMMIT')
          return value
        })
      } catch (error) {
        await connection.rollback()
        throw readFailure(error)
      }
    })
  }

  #patience(): Deadline {
    const late = (): DatabaseError => busy('no database connection became free in time')
    return { deadlineMs: performance.now() + this.#limits.acquireMs, late }
  }
}

/** How far a clock that showed these two times is ahead of one that showed `nowMs` in between. */
function aheadOf(nowMs: number, askedAtMs: number, answeredAtMs: number): number {
  if (nowMs < askedAtMs) return askedAtMs - nowMs
  return nowMs > answeredAtMs ? answeredAtMs - nowMs : 0
}

function soon(ms: number): Deadline {
  return { deadlineMs: performance.now() + ms, late: noAnswer }
}

/** A connection that cannot be put back as it was is not lent again; what the work threw is what its caller hears. */
async function restoreTimeouts(connection: PostgresConnection): Promise<void> {
  try {
    await connection.command('RESET statement_timeout')
    await connection.command('RESET lock_timeout')
  } catch (error) {
    connection.destroy(error as Error)
  }
}
