import type { Kysely, QueryResult } from 'kysely'
import { DatabaseError } from './errors.ts'
import type { Executor } from './kysely-executor.ts'
import type { IronSchema } from './schema.ts'
import type { DialectName, PreparedQuery, ReadTx } from './transaction.ts'

/** A snapshot while its read runs; used afterwards, it throws. */
export class ReadSnapshot implements ReadTx {
  readonly owner: object
  readonly dialect: DialectName
  readonly #kysely: Kysely<IronSchema>
  readonly #executor: Executor
  #open = true

  constructor(owner: object, dialect: DialectName, kysely: Kysely<IronSchema>, executor: Executor) {
    this.owner = owner
    this.dialect = dialect
    this.#kysely = kysely
    this.#executor = executor
  }

  get isOpen(): boolean {
    return this.#open
  }

  get sql(): Kysely<IronSchema> {
    if (!this.#open) throw new DatabaseError('TRANSACTION_CLOSED', 'this read has ended')
    return this.#kysely
  }

  execute<R>(query: PreparedQuery): Promise<QueryResult<R>> {
    if (!this.#open) throw new DatabaseError('TRANSACTION_CLOSED', 'this read has ended')
    return this.#executor.execute(query)
  }

  /** Runs `work` on a snapshot that ends with it. */
  static async during<T>(snapshot: ReadSnapshot, work: (tx: ReadTx) => Promise<T>): Promise<T> {
    try {
      return await work(snapshot)
    } finally {
      snapshot.#open = false
    }
  }
}
