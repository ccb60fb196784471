import { createHash, randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Kysely } from 'kysely'
import type { Pool, PoolClient } from 'pg'
import type { Clock } from '../clock.ts'
import { DatabaseError, isIronError } from '../errors.ts'
import type { IdSource } from '../ids.ts'
import type { IronDatabase, ReadOptions, WriteOptions } from '../iron-database.ts'
import { OpenTransaction, type TransactionEngine } from '../open-transaction.ts'
import { refuseInsideWrite, runInside, WRITE_TIMEOUT_MS, writeTimeout } from '../open-writes.ts'
import { ReadSnapshot } from '../read-snapshot.ts'
import type { IronSchema } from '../schema.ts'
import type { ReadTx, WriteTx } from '../transaction.ts'
import { WakeUps } from '../wake-ups.ts'
import { clientConfig, executorOf, loadDriver, type PostgresExecutor } from './client.ts'
import { isConflict, postgresFailure } from './failure.ts'
import { PostgresListener } from './listener.ts'

/** How often a transaction that lost a conflict runs in all (budget protocol 12.3). */
const ATTEMPTS_MAX = 10
/** Pause before the second attempt, and the longest, in milliseconds (budget protocol 12.3). */
const PAUSE_FIRST_MS = 5
const PAUSE_LONGEST_MS = 250

/** What {@link PostgresDatabase} needs to know. */
export interface PostgresDatabaseOptions {
  readonly url: string
  readonly clock: Clock
  readonly ids: IdSource
  readonly writeTimeoutMs?: number | undefined
  readonly report: (error: unknown) => void
}

/** PostgreSQL behind {@link IronDatabase}: READ COMMITTED, locks taken in one order, conflicts run again. */
export class PostgresDatabase implements IronDatabase {
  readonly dialect = 'postgres'
  readonly url: string
  readonly clock: Clock
  readonly ids: IdSource
  readonly #options: PostgresDatabaseOptions
  readonly #pool: Pool
  readonly #wakeUps: WakeUps
  readonly #listener: PostgresListener
  #closed: Promise<void> | undefined

  private constructor(options: PostgresDatabaseOptions, pool: Pool) {
    this.#options = options
    this.#pool = pool
    this.url = withoutPassword(options.url)
    this.clock = options.clock
    this.ids = options.ids
    this.#wakeUps = new WakeUps(options.report)
    this.#listener = new PostgresListener(options.url, this.#wakeUps, options.report)
    // An idle connection that breaks is replaced by the pool; without a listener it would end the process.
    // One that breaks while it is being closed anyway is no news.
    pool.on('error', (error) => {
      if (this.#closed === undefined) options.report(error)
    })
  }

  /** Connects once, so that a wrong address or password is known at the start. */
  static async open(options: PostgresDatabaseOptions): Promise<PostgresDatabase> {
    const driver = await loadDriver()
    const database = new PostgresDatabase(options, new driver.Pool(clientConfig(options.url)))
    try {
      await database.ping()
    } catch (error) {
      await database.close()
      throw error
    }
    return database
  }

  async write<T>(work: (tx: WriteTx) => Promise<T>, options: WriteOptions = {}): Promise<T> {
    if (options.tx !== undefined) return work(options.tx)
    refuseInsideWrite(this.#pool)
    const attempts = options.attempts ?? ATTEMPTS_MAX
    const deadlineMs = performance.now() + (options.timeoutMs ?? this.#options.writeTimeoutMs ?? WRITE_TIMEOUT_MS)
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#attempt(work, deadlineMs)
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
    if (options.tx !== undefined) return work(options.tx)
    refuseInsideWrite(this.#pool)
    return this.#withClient(async (executor) => {
      const snapshot = new ReadSnapshot('postgres', executor.kysely, executor)
      if (options.lookup === true) return ReadSnapshot.during(snapshot, work)
      await executor.command('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
      try {
        return await ReadSnapshot.during(snapshot, work)
      } finally {
        await executor.command('COMMIT')
      }
    })
  }

  async listen(channel: string, wake: (payload: string) => void): Promise<() => Promise<void>> {
    const stop = this.#wakeUps.add(channel, wake)
    await this.#listener.listen(channel)
    return async () => {
      stop()
    }
  }

  async ping(): Promise<void> {
    await this.#withClient((executor) => executor.command('SELECT 1'))
  }

  async backup(): Promise<void> {
    throw new DatabaseError('UNSUPPORTED_URL', 'a PostgreSQL database is backed up with pg_dump')
  }

  /** For migrations only: one connection without a transaction and without a statement timeout. */
  exclusive<T>(work: (kysely: Kysely<IronSchema>) => Promise<T>): Promise<T> {
    return this.#withClient(async (executor) => {
      await executor.command('SET statement_timeout = 0')
      await executor.command('SET lock_timeout = 0')
      try {
        return await work(executor.kysely)
      } finally {
        await executor.command('RESET statement_timeout')
        await executor.command('RESET lock_timeout')
      }
    })
  }

  close(): Promise<void> {
    this.#closed ??= this.#end()
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #end(): Promise<void> {
    await this.#listener.close()
    await this.#pool.end()
  }

  async #attempt<T>(work: (tx: WriteTx) => Promise<T>, deadlineMs: number): Promise<T> {
    const tx: { open?: OpenTransaction } = {}
    const value = await this.#withClient(async (executor) => {
      if (performance.now() > deadlineMs) throw writeTimeout()
      const open = (tx.open = new OpenTransaction(engineOf(executor)))
      await executor.command('BEGIN')
      try {
        const result = await beforeDeadline(runInside(this.#pool, open, work), deadlineMs)
        await open.flush()
        for (const { channel, payload } of open.notifications()) {
          await executor.execute({
            sql: 'SELECT pg_notify($1, $2)',
            parameters: [channel, payload],
          })
        }
        open.close()
        await executor.command('COMMIT')
        return result
      } catch (error) {
        open.close()
        await executor.command('ROLLBACK')
        throw error
      }
    })
    tx.open?.committed(this.#options.report)
    return value
  }

  async #withClient<T>(work: (executor: PostgresExecutor) => Promise<T>): Promise<T> {
    if (this.#closed !== undefined) throw new DatabaseError('DATABASE_CLOSED', 'the database is closed')
    let client: PoolClient
    try {
      client = await this.#pool.connect()
    } catch (error) {
      throw postgresFailure(error)
    }
    let broken = false
    try {
      return await work(executorOf(client))
    } catch (error) {
      // A connection whose state is not known is not handed to the next caller.
      broken = isIronError(error) && ['DATABASE_UNAVAILABLE', 'WRITE_TIMEOUT'].includes(error.code)
      throw error
    } finally {
      client.release(broken)
    }
  }
}

function engineOf(executor: PostgresExecutor): TransactionEngine {
  return {
    dialect: 'postgres',
    executor,
    kysely: executor.kysely,
    command: (sql) => executor.command(sql),
    lock: async (name, shared) => {
      const sql = shared ? 'SELECT pg_advisory_xact_lock_shared($1)' : 'SELECT pg_advisory_xact_lock($1)'
      await executor.execute({
        sql,
        parameters: [lockNumber(name)],
        name: shared ? 'lock_shared' : 'lock',
      })
    },
  }
}

/** 64 bits of a hash: two names that share a number wait for each other, nothing worse. */
function lockNumber(name: string): string {
  return createHash('sha256').update(name).digest().readBigInt64BE(0).toString()
}

async function beforeDeadline<T>(work: Promise<T>, deadlineMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(writeTimeout()), Math.max(0, deadlineMs - performance.now()))
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

function withoutPassword(url: string): string {
  const parsed = new URL(url)
  parsed.password = ''
  return parsed.href
}
