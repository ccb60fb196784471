import type pg from 'pg'
import type { Client, ClientConfig, PoolConfig } from 'pg'
import { DatabaseError } from '../errors.ts'
import { parseSafeInteger } from '../safe-integers.ts'
import { PostgresConnection } from './connection.ts'
import {
  IDLE_IN_TRANSACTION_TIMEOUT_MS,
  KEEP_ALIVE_AFTER_MS,
  LOCK_TIMEOUT_MS,
  POSTGRES_LIMITS,
  type PostgresLimits,
} from './limits.ts'

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

/**
 * The driver is an optional peer: it is loaded when a PostgreSQL URL is opened, and only then.
 *
 * @throws {DatabaseError} DATABASE_UNAVAILABLE when it is not installed or cannot be loaded, with `cause`
 */
export async function loadDriver(load = (): Promise<{ default: typeof pg }> => import('pg')): Promise<typeof pg> {
  try {
    const { default: driver } = await load()
    return driver
  } catch (cause) {
    const text = 'PostgreSQL needs the package pg, which cannot be loaded: is it installed?'
    throw new DatabaseError('DATABASE_UNAVAILABLE', text, { details: { package: 'pg' }, cause })
  }
}

/**
 * A page whose cost is estimated too high would be compiled for longer than it runs (measured: 25 ms for one of 1), on every connection
 * anew. Options in the URL take its place.
 */
const WITHOUT_JIT = '-c jit=off'

/** The settings of every connection. */
export function clientConfig(url: string, limits: PostgresLimits = POSTGRES_LIMITS): PoolConfig {
  return {
    connectionString: url,
    types,
    application_name: 'iron',
    options: WITHOUT_JIT,
    // The driver sends at once what it is given; who waits for whom is decided by PostgresConnection.
    pipeline: true,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_AFTER_MS,
    lock_timeout: LOCK_TIMEOUT_MS,
    statement_timeout: limits.statementMs,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
    connectionTimeoutMillis: limits.connectMs,
    max: limits.connectionsMax,
  }
}

/**
 * The driver's client, heard and known from its birth to its end: an `error` that nobody hears ends the process, and pg emits one in
 * every state, lent, idle or connecting. Its goodbye is bounded, because a peer that hangs never answers it.
 *
 * @param born told of each client before it connects
 */
export function watchedClient(
  { Client: DriverClient }: typeof pg,
  limits: PostgresLimits,
  born: (connection: PostgresConnection) => void,
): new (config?: ClientConfig) => Client {
  return class WatchedClient extends DriverClient {
    constructor(config?: ClientConfig) {
      super(config)
      const connection = new PostgresConnection(this, limits)
      connections.set(this, connection)
      born(connection)
    }

    override end(): Promise<void>
    override end(callback: (error: Error) => void): void
    override end(callback?: (error: Error) => void): Promise<void> | void {
      const goodbye = setTimeout(() => this.connection.stream.destroy(), limits.goodbyeMs).unref()
      this.once('end', () => clearTimeout(goodbye))
      executorOf(this).retire()
      if (callback === undefined) return super.end()
      super.end(callback)
    }
  }
}

const connections = new WeakMap<Client, PostgresConnection>()

/** What runs queries on a client; one for its whole life. */
export function executorOf(client: Client): PostgresConnection {
  const known = connections.get(client)
  if (known !== undefined) return known
  const connection = new PostgresConnection(client, POSTGRES_LIMITS)
  connections.set(client, connection)
  return connection
}
