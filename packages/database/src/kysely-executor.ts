import {
  type CompiledQuery,
  type DatabaseConnection,
  type DatabaseIntrospector,
  type Dialect,
  type DialectAdapter,
  type Driver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryCompiler,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import type { IronSchema } from './schema.ts'
import type { DialectName, PreparedQuery } from './transaction.ts'

/** Whatever can run a compiled query: a SQLite connection, a reader thread, a PostgreSQL client. */
export interface Executor {
  execute<R>(query: PreparedQuery): Promise<QueryResult<R>>
}

class ExecutorConnection implements DatabaseConnection {
  readonly #executor: Executor
  constructor(executor: Executor) {
    this.#executor = executor
  }
  executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    return this.#executor.execute(query)
  }

  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('streaming is not supported: read in pages')
  }
}

class ExecutorDriver implements Driver {
  readonly #connection: ExecutorConnection
  constructor(executor: Executor) {
    this.#connection = new ExecutorConnection(executor)
  }
  async init(): Promise<void> {}
  async acquireConnection(): Promise<DatabaseConnection> {
    return this.#connection
  }
  async beginTransaction(): Promise<void> {
    throw new Error('transactions are opened with db.write() and tx.savepoint()')
  }
  async commitTransaction(): Promise<void> {}
  async rollbackTransaction(): Promise<void> {}
  async releaseConnection(): Promise<void> {}
  async destroy(): Promise<void> {}
}

class ExecutorDialect implements Dialect {
  readonly #name: DialectName
  readonly #executor: Executor
  constructor(name: DialectName, executor: Executor) {
    this.#name = name
    this.#executor = executor
  }
  createDriver(): Driver {
    return new ExecutorDriver(this.#executor)
  }
  createQueryCompiler(): QueryCompiler {
    return this.#name === 'sqlite' ? new SqliteQueryCompiler() : new PostgresQueryCompiler()
  }
  createAdapter(): DialectAdapter {
    return this.#name === 'sqlite' ? new SqliteAdapter() : new PostgresAdapter()
  }
  createIntrospector(db: Kysely<unknown>): DatabaseIntrospector {
    return this.#name === 'sqlite' ? new SqliteIntrospector(db) : new PostgresIntrospector(db)
  }
}

/** A Kysely whose queries all run on one executor: its transactions are ours, not Kysely's. */
export function kyselyOn(dialect: DialectName, executor: Executor): Kysely<IronSchema> {
  return new Kysely<IronSchema>({ dialect: new ExecutorDialect(dialect, executor) })
}

const nowhere: Executor = {
  execute: () => Promise.reject(new Error('this builder only compiles')),
}

/** Builders that compile for an engine and run nothing. */
export const queryBuilders: Readonly<Record<DialectName, Kysely<IronSchema>>> = {
  sqlite: kyselyOn('sqlite', nowhere),
  postgres: kyselyOn('postgres', nowhere),
}
