import type { QueryResult } from 'kysely'
import { kyselyOn } from '../kysely-executor.ts'
import type { PreparedQuery } from '../transaction.ts'
import { checkpoint } from './checkpoint.ts'
import { SqliteConnection, VACUUM_INTO } from './connection.ts'
import type { ReaderSetup } from './reader-protocol.ts'
import type { SnapshotReader } from './snapshot-reader.ts'

/** Little: whoever reads so walks through everything once, in several threads at a time. */
const CACHE_KIB = 8 * 1_024

/** Reads on the thread of the caller: rows cross no thread, which costs as much as reading them, but a query holds up the thread. */
export class LocalReader implements SnapshotReader {
  readonly kysely = kyselyOn('sqlite', this)
  readonly failed = false
  readonly #setup: ReaderSetup
  readonly #connection: SqliteConnection

  constructor(setup: ReaderSetup) {
    const { file, busyTimeoutMs } = setup
    this.#setup = setup
    this.#connection = new SqliteConnection(file, { readonly: true, busyTimeoutMs, cacheKib: CACHE_KIB })
  }

  async execute<R>(query: PreparedQuery): Promise<QueryResult<R>> {
    this.#connection.beginSnapshot()
    return this.#connection.run<R>(query)
  }

  async backup(file: string): Promise<void> {
    this.#connection.run({ sql: VACUUM_INTO, parameters: [file] })
  }

  async checkpoint(): Promise<void> {
    checkpoint(this.#setup)
  }

  end(): void {
    this.#connection.endSnapshot()
  }

  async close(): Promise<void> {
    this.#connection.close()
  }
}
