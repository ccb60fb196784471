import { type Kysely, type QueryResult, sql } from 'kysely'
import { tellCall } from '../calls.ts'
import type { Clock } from '../clock.ts'
import { DatabaseError } from '../errors.ts'
import type { IdSource } from '../ids.ts'
import type { IronDatabase, Pong, ReadOptions, WriteOptions } from '../iron-database.ts'
import { type Executor, kyselyOn, queryBuilders } from '../kysely-executor.ts'
import { refuseInsideWrite, WRITE_TIMEOUT_MS } from '../open-writes.ts'
import { requireOwn } from '../own-transaction.ts'
import { ReadSnapshot } from '../read-snapshot.ts'
import type { IronSchema } from '../schema.ts'
import { urlOf } from '../source.ts'
import type { PreparedQuery, ReadTx, WriteTx } from '../transaction.ts'
import { WakeUps } from '../wake-ups.ts'
import { writeNewFile } from './write-new-file.ts'
import { Checkpointer } from './checkpointer.ts'
import { BUSY_TIMEOUT_MS, SqliteConnection, VACUUM_INTO } from './connection.ts'
import { OpenFiles } from './open-files.ts'
import { ReaderPool } from './reader-pool.ts'
import { TurnSnapshot } from './turn-snapshot.ts'
import { SqliteWriter } from './writer.ts'

/** Reader threads of a file (packages.md 6). */
export const READERS = 4

/** What {@link SqliteDatabase} needs to know. */
export interface SqliteDatabaseOptions {
  /** An absolute path, or `:memory:`. */
  readonly file: string
  /** A missing file is an error instead of a new database. */
  readonly mustExist?: boolean | undefined
  readonly clock: Clock
  readonly ids: IdSource
  readonly readers?: number | undefined
  readonly busyTimeoutMs?: number | undefined
  readonly writeTimeoutMs?: number | undefined
  /** Start `:memory:` from this image. */
  readonly image?: Buffer | undefined
  readonly report: (error: unknown) => void
}

/** SQLite behind {@link IronDatabase}: one writer on this thread, readers in worker threads (rulings R11). */
export class SqliteDatabase implements IronDatabase {
  readonly dialect = 'sqlite'
  readonly url: string
  readonly clock: Clock
  readonly ids: IdSource
  readonly #options: SqliteDatabaseOptions
  readonly #connection: SqliteConnection
  readonly #lookups: TurnSnapshot
  readonly #writer: SqliteWriter
  readonly #wakeUps: WakeUps
  readonly #inMemory: boolean
  readonly #files: OpenFiles | undefined
  readonly #checkpointer: Checkpointer | undefined
  #readers: ReaderPool | undefined
  readonly #lookupExecutor: Executor = { execute: async (query) => this.#lookUp(query) }
  readonly #lookupKysely = kyselyOn('sqlite', this.#lookupExecutor)
  #reader: SqliteConnection | undefined
  #closed: Promise<void> | undefined

  constructor(options: SqliteDatabaseOptions) {
    this.#options = options
    this.#inMemory = options.file === ':memory:'
    this.url = urlOf({ dialect: 'sqlite', file: options.file })
    this.clock = options.clock
    this.ids = options.ids
    this.#wakeUps = new WakeUps(options.report)
    this.#connection = new SqliteConnection(options.file, options)
    this.#files = this.#inMemory ? undefined : new OpenFiles(options.file)
    this.#lookups = new TurnSnapshot(this.#connection)
    this.#writer = new SqliteWriter(this.#connection, {
      beforeBegin: () => this.#lookups.end(),
      notify: (channel, payload) => this.#wakeUps.wake(channel, payload),
      report: options.report,
      beforeCommit: () => this.#files?.requireInPlace(),
      afterCommit: () => this.#checkpointer?.committed(),
    })
    this.#checkpointer = this.#inMemory || options.readers === 0 ? undefined : this.#makeCheckpointer()
  }

  get waiting(): number {
    return this.#writer.waiting
  }

  async write<T>(work: (tx: WriteTx) => Promise<T>, options: WriteOptions = {}): Promise<T> {
    if (options.tx !== undefined) return this.#join(options.tx, work)
    refuseInsideWrite(this.#writer)
    const timeoutMs = options.timeoutMs ?? this.#options.writeTimeoutMs ?? WRITE_TIMEOUT_MS
    return tellCall('write', 'sqlite', () => this.#writer.write(work, options.group ?? false, timeoutMs))
  }

  async read<T>(work: (tx: ReadTx) => Promise<T>, options: ReadOptions = {}): Promise<T> {
    if (options.tx !== undefined) return this.#join(options.tx, work)
    if (this.#closed !== undefined) throw new DatabaseError('DATABASE_CLOSED', 'the database is closed')
    refuseInsideWrite(this.#writer)
    const isLookup = options.lookup === true
    return tellCall(isLookup ? 'lookup' : 'read', 'sqlite', () => this.#read(work, isLookup))
  }

  /** What its transactions say they belong to. */
  get owner(): object {
    return this.#writer
  }

  async #join<Tx extends ReadTx, T>(tx: Tx, work: (tx: Tx) => Promise<T>): Promise<T> {
    requireOwn(this, tx)
    return work(tx)
  }

  async listen(channel: string, wake: (payload: string) => void): Promise<() => Promise<void>> {
    const stop = this.#wakeUps.add(channel, wake)
    return async () => {
      stop()
    }
  }

  /**
   * Resolves when a write would work and last: a file that is not the one under its name, or that took no write the last time
   * and takes none now, is as good as none (OPS-01).
   *
   * @throws {DatabaseError} DATABASE_UNAVAILABLE, DATABASE_BUSY another process holds the write lock, DATABASE_CLOSED
   */
  async ping(): Promise<Pong> {
    if (this.#closed !== undefined) throw new DatabaseError('DATABASE_CLOSED', 'the database is closed')
    await this.#connection.execute(sql`SELECT 1`.compile(queryBuilders.sqlite))
    this.#files?.requireInPlace()
    await this.#writer.requireWritable()
    return { clockAheadMs: 0 }
  }

  backup(file: string): Promise<void> {
    return writeNewFile(file, (draft) => this.#vacuumInto(draft))
  }

  /** An image of the whole database, for tests that start from a migrated one. */
  image(): Buffer {
    return this.#connection.raw.serialize()
  }

  /** The file, unless the database lives in memory. */
  get file(): string | undefined {
    return this.#inMemory ? undefined : this.#options.file
  }

  /** Copies the file beside itself before its schema changes (data-model 9.5). */
  async backupBeforeMigration(): Promise<string> {
    const backup = `${this.#options.file}.before-migration-${String(this.clock.now())}.db`
    await this.backup(backup)
    return backup
  }

  /** For migrations only: the writer's connection without a transaction, and nobody else on it. */
  exclusive<T>(work: (kysely: Kysely<IronSchema>) => Promise<T>): Promise<T> {
    return this.#writer.exclusive(work)
  }

  close(): Promise<void> {
    this.#closed ??= this.#end()
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #read<T>(work: (tx: ReadTx) => Promise<T>, isLookup: boolean): Promise<T> {
    if (this.#inMemory) return this.#writer.write(work, false, this.#options.writeTimeoutMs ?? WRITE_TIMEOUT_MS)
    if (isLookup) {
      return ReadSnapshot.during(
        new ReadSnapshot(this.#writer, 'sqlite', this.#lookupKysely, this.#lookupExecutor),
        work,
      )
    }
    return this.#readerPool().use((reader) =>
      ReadSnapshot.during(new ReadSnapshot(this.#writer, 'sqlite', reader.kysely, reader), work),
    )
  }

  /**
   * Lookups run on the writer's connection while it does not write: its page cache is warm, where another connection's is void
   * after every commit (measured: 3 µs against 25). Between BEGIN and COMMIT it shows what is not committed yet, so then they run
   * on a read-only connection.
   */
  #lookUp<R>(query: PreparedQuery): QueryResult<R> {
    if (this.#lookups.isOpen || !this.#connection.raw.inTransaction) {
      this.#lookups.begin()
      return this.#connection.runReadOnly<R>(query)
    }
    this.#reader ??= new SqliteConnection(this.#options.file, { ...this.#options, readonly: true })
    return this.#reader.run<R>(query)
  }

  #readerPool(): ReaderPool {
    const busyTimeoutMs = this.#options.busyTimeoutMs ?? BUSY_TIMEOUT_MS
    this.#readers ??= new ReaderPool({ file: this.#options.file, busyTimeoutMs }, this.#options.readers ?? READERS)
    return this.#readers
  }

  #makeCheckpointer(): Checkpointer {
    return new Checkpointer(this.#connection, {
      copy: () => this.#readerPool().use((reader) => reader.checkpoint()),
      between: (work) => this.#writer.exclusive(async () => work()),
      report: this.#options.report,
    })
  }

  async #vacuumInto(file: string): Promise<void> {
    if (!this.#inMemory) return this.#readerPool().use((reader) => reader.backup(file))
    await this.#writer.exclusive(async () => this.#connection.run({ sql: VACUUM_INTO, parameters: [file] }))
  }

  async #end(): Promise<void> {
    await this.#writer.close()
    await this.#checkpointer?.settled()
    await this.#readers?.close()
    this.#reader?.close()
    this.#lookups.end()
    this.#connection.close()
  }
}
