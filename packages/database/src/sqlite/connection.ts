import type { Database as Connection, Statement } from 'better-sqlite3'
import type { QueryResult } from 'kysely'
import { DatabaseError } from '../errors.ts'
import type { Executor } from '../kysely-executor.ts'
import type { PreparedQuery } from '../transaction.ts'
import { refuseUnsafeIntegers, refuseUnsafeValues } from '../safe-integers.ts'
import { openConnection } from './driver.ts'
import { sqliteFailure } from './failure.ts'

/** Prepared statements kept on one connection; the house has a few hundred, dynamic lists a few hundred more. */
const STATEMENTS_MAX = 1_000

/** How long SQLite waits for another process's write lock, in milliseconds (data-model 8). */
export const BUSY_TIMEOUT_MS = 5_000

/**
 * Pages of the write-ahead log after which it is copied into the database, on the thread of whoever commits. At SQLite's own 1000
 * that happened every few group commits and took longer than they did; a page that is written often is copied once.
 */
export const WAL_CHECKPOINT_PAGES = 10_000
/**
 * Where SQLite notes what a statement or savepoint would have to undo. In a file, as is its default, that was half of all time
 * spent in statements: every insert under a trigger notes each page that it touches (measured: 68 µs a call row instead of 33).
 */
const TEMP_STORE_MEMORY = 2
/** Pages kept in memory per connection unless told, in KiB. */
const CACHE_KIB = 64 * 1_024

/**
 * Copies a database into a new file. Unlike the backup API it never begins anew when another process writes, and its file has no
 * free pages with what was deleted.
 */
export const VACUUM_INTO = 'VACUUM INTO ?'

/** Rows without their names: row by row, each with the values of all columns. */
export interface FlatRows {
  readonly columns: readonly string[]
  readonly values: readonly unknown[]
}

/** How to open a file. */
export interface SqliteOpenOptions {
  readonly readonly?: boolean | undefined
  /** A missing file is an error instead of a new database. */
  readonly mustExist?: boolean | undefined
  readonly busyTimeoutMs?: number | undefined
  /** Pages kept in memory, in KiB. */
  readonly cacheKib?: number | undefined
  /** Start from this image of a database instead of a file. */
  readonly image?: Buffer | undefined
}

/** One connection with the settings of data-model 8, set and read back, and a cache of its prepared statements. */
export class SqliteConnection implements Executor {
  readonly raw: Connection
  readonly #statements = new Map<string, Statement>()

  constructor(file: string, options: SqliteOpenOptions = {}) {
    try {
      this.raw = openConnection(options.image ?? file, {
        readonly: options.readonly ?? false,
        fileMustExist: options.mustExist ?? options.readonly ?? false,
      })
    } catch (error) {
      throw sqliteFailure(error)
    }
    try {
      this.#configure(file === ':memory:' || options.image !== undefined, options)
    } catch (error) {
      this.raw.close()
      throw sqliteFailure(error)
    }
  }

  /** Answers at once: SQLite runs on this thread. */
  run<R>(query: PreparedQuery): QueryResult<R> {
    try {
      const statement = this.#prepared(query.sql)
      if (statement.reader) {
        const rows = statement.all(query.parameters) as R[]
        refuseUnsafeIntegers(rows)
        return { rows }
      }
      const { changes } = statement.run(query.parameters)
      return { rows: [], numAffectedRows: BigInt(changes) }
    } catch (error) {
      throw sqliteFailure(error)
    }
  }

  /** The same with the values of all rows in one list: what crosses between threads is cheap without the names. */
  runFlat({ sql, parameters }: PreparedQuery): FlatRows {
    try {
      const statement = this.#prepared(sql)
      if (!statement.reader) {
        statement.run(parameters)
        return { columns: [], values: [] }
      }
      const rows = statement.raw(true).all(parameters) as unknown[][]
      statement.raw(false)
      const columns = statement.columns().map(({ name }) => name)
      const values = rows.flat()
      refuseUnsafeValues(columns, values)
      return { columns, values }
    } catch (error) {
      throw sqliteFailure(error)
    }
  }

  /** The same for a query that must not write. */
  runReadOnly<R>(query: PreparedQuery): QueryResult<R> {
    const statement = this.#prepared(query.sql)
    if (!statement.readonly) throw new DatabaseError('TRANSACTION_CLOSED', 'a read cannot write')
    return this.run<R>(query)
  }

  async execute<R>(query: PreparedQuery): Promise<QueryResult<R>> {
    return this.run(query)
  }

  /** Everything until {@link endSnapshot} reads what is committed now; nothing changes when a snapshot is open. */
  beginSnapshot(): void {
    if (!this.raw.inTransaction) this.command('BEGIN')
  }

  /** A COMMIT would fail after a query that met a damaged page, and with it whoever reads here next. */
  endSnapshot(): void {
    if (this.raw.inTransaction) this.command('ROLLBACK')
  }

  /** A statement without parameters and result. */
  command(sql: string): void {
    try {
      const statement = this.#prepared(sql)
      statement.run()
    } catch (error) {
      throw sqliteFailure(error)
    }
  }

  /**
   * Commits a page as it is, without waiting for another process: what a file that takes no writes refuses.
   *
   * @throws {DatabaseError} DATABASE_BUSY, DATABASE_UNAVAILABLE
   */
  tryWrite(): void {
    this.#withoutWaiting(() => {
      try {
        this.command('BEGIN IMMEDIATE')
        // A row that is set to what it is leaves its page alone; the header of the file is written whatever is set in it.
        this.raw.pragma(`user_version = ${String(this.raw.pragma('user_version', { simple: true }))}`)
        this.command('COMMIT')
      } catch (error) {
        if (this.raw.inTransaction) this.command('ROLLBACK')
        throw sqliteFailure(error)
      }
    })
  }

  /** Takes the write lock if no other process holds it. @throws {DatabaseError} DATABASE_BUSY, DATABASE_UNAVAILABLE */
  tryBegin(): void {
    this.#withoutWaiting(() => this.command('BEGIN IMMEDIATE'))
  }

  close(): void {
    this.#statements.clear()
    this.raw.close()
  }

  #withoutWaiting(work: () => void): void {
    const busyTimeoutMs = String(this.raw.pragma('busy_timeout', { simple: true }))
    this.raw.pragma('busy_timeout = 0')
    try {
      work()
    } finally {
      this.raw.pragma(`busy_timeout = ${busyTimeoutMs}`)
    }
  }

  #prepared(sql: string): Statement {
    return this.#statements.get(sql) ?? this.#prepare(sql)
  }

  #prepare(sql: string): Statement {
    if (this.#statements.size >= STATEMENTS_MAX) {
      const oldest = this.#statements.keys().next().value
      if (oldest !== undefined) this.#statements.delete(oldest)
    }
    const statement = this.raw.prepare(sql)
    this.#statements.set(sql, statement)
    return statement
  }

  #configure(inMemory: boolean, options: SqliteOpenOptions): void {
    const busyTimeoutMs = options.busyTimeoutMs ?? BUSY_TIMEOUT_MS
    const cacheKib = options.cacheKib ?? CACHE_KIB
    const settings: [pragma: string, value: string | number, readBack: string | number][] = [
      ['busy_timeout', busyTimeoutMs, busyTimeoutMs],
      ['foreign_keys', 'ON', 1],
      ['recursive_triggers', 'ON', 1],
      ['trusted_schema', 'OFF', 0],
      ['cache_size', -cacheKib, -cacheKib],
      ['temp_store', TEMP_STORE_MEMORY, TEMP_STORE_MEMORY],
    ]
    if (options.readonly !== true) {
      settings.push(
        ['journal_mode', inMemory ? 'MEMORY' : 'WAL', inMemory ? 'memory' : 'wal'],
        ['synchronous', 'FULL', 2],
        ['wal_autocheckpoint', WAL_CHECKPOINT_PAGES, WAL_CHECKPOINT_PAGES],
      )
      if (process.platform === 'darwin') settings.push(['fullfsync', 'ON', 1])
    }
    for (const [pragma, value, expected] of settings) {
      this.raw.pragma(`${pragma} = ${String(value)}`)
      const actual = this.raw.pragma(pragma, { simple: true })
      if (actual !== expected) {
        throw new DatabaseError('DATABASE_UNAVAILABLE', `SQLite did not accept ${pragma} = ${String(value)}`, {
          details: { pragma, expected, actual },
        })
      }
    }
  }
}
