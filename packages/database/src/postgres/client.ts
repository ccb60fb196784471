import type { Kysely, QueryResult } from 'kysely'
import type pg from 'pg'
import type { Client, ClientBase, ClientConfig, PoolClient, PoolConfig } from 'pg'
import { type Executor, kyselyOn } from '../kysely-executor.ts'
import { parseSafeInteger } from '../safe-integers.ts'
import type { IronSchema } from '../schema.ts'
import type { PreparedQuery } from '../transaction.ts'
import { postgresFailure } from './failure.ts'

/** Connections of one process (part of the sizing rule: processes x 10 + a few for people stay below the server's 100). */
export const POOL_MAX = 10
/** How long a statement waits for a lock, in milliseconds (budget protocol 12.3). */
export const LOCK_TIMEOUT_MS = 5_000
/** How long one statement may run, in milliseconds (budget protocol 12.3). */
export const STATEMENT_TIMEOUT_MS = 10_000
/** How long a transaction may sit idle, in milliseconds (budget protocol 12.3). */
export const IDLE_IN_TRANSACTION_TIMEOUT_MS = 10_000
/** How long a caller waits for a free connection, in milliseconds. */
export const CONNECT_TIMEOUT_MS = 10_000

const OID_INT8 = 20
const OID_NUMERIC = 1700

/** Integers arrive as numbers that are exact, or as an error (data-model 1). */
const types: ClientConfig['types'] = {
  getTypeParser: (oid: number) =>
    oid === OID_INT8 || oid === OID_NUMERIC || oid === 21 || oid === 23
      ? parseSafeInteger
      : oid === 16
        ? (text: string) => text === 't'
        : (text: string) => text,
}

/** The driver is an optional peer: it is loaded when a PostgreSQL URL is opened, and only then. */
export async function loadDriver(): Promise<typeof pg> {
  const { default: driver } = await import('pg')
  return driver
}

/** The settings of every connection. */
export function clientConfig(url: string): PoolConfig {
  return {
    connectionString: url,
    types,
    application_name: 'iron',
    keepAlive: true,
    lock_timeout: LOCK_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    max: POOL_MAX,
  }
}

/** Runs compiled queries on one connection; prepared ones keep their plan there. */
export class PostgresExecutor implements Executor {
  readonly #client: ClientBase
  readonly kysely: Kysely<IronSchema>

  constructor(client: ClientBase) {
    this.#client = client
    this.kysely = kyselyOn('postgres', this)
  }

  async execute<R>(query: PreparedQuery): Promise<QueryResult<R>> {
    try {
      const result = await this.#client.query<never>({
        name: query.name,
        text: query.sql,
        values: query.parameters as unknown[],
      })
      return { rows: result.rows, numAffectedRows: BigInt(result.rowCount ?? 0) }
    } catch (error) {
      throw postgresFailure(error)
    }
  }

  async command(sql: string): Promise<void> {
    try {
      await this.#client.query(sql)
    } catch (error) {
      throw postgresFailure(error)
    }
  }
}

const executors = new WeakMap<ClientBase, PostgresExecutor>()

/** The executor of a pooled connection; one for its whole life. */
export function executorOf(client: PoolClient | Client): PostgresExecutor {
  const known = executors.get(client)
  if (known !== undefined) return known
  const executor = new PostgresExecutor(client)
  executors.set(client, executor)
  return executor
}
