/**
 * How long Iron waits for PostgreSQL and the network, and how much may wait. The server's own limits (budget protocol 12.3) are a little
 * below those of the client, so that its answer wins as long as it answers at all; the client's are for a server or a network that says
 * nothing any more. A connection that missed one is destroyed, never lent again.
 */

/** How long a statement waits for a lock, in milliseconds (budget protocol 12.3). */
export const LOCK_TIMEOUT_MS = 5_000
/** How long a transaction may sit idle, in milliseconds (budget protocol 12.3). */
export const IDLE_IN_TRANSACTION_TIMEOUT_MS = 10_000
/** How long a connection is silent before the kernel asks whether the other side is there, in milliseconds. */
export const KEEP_ALIVE_AFTER_MS = 10_000

/** What the client bounds; times in milliseconds. */
export interface PostgresLimits {
  /** Connections of one process (part of the sizing rule: processes x 10 + a few for people stay below the server's 100). */
  readonly connectionsMax: number
  /** Calls that may wait for a connection; above it a caller is told to come back instead of filling the memory. */
  readonly waitingMax: number
  /** Making a connection, login included. */
  readonly connectMs: number
  /** A read's wait for a connection. A write waits within its own time. */
  readonly acquireMs: number
  /** How long the server lets one statement run (budget protocol 12.3), unless the work gives itself more. */
  readonly statementMs: number
  /** What the answer to a statement may take beyond that, before the connection is given up. */
  readonly answerMarginMs: number
  /** All of a lookup, once it has a connection. */
  readonly lookupMs: number
  /** All of any other read, however many statements it runs: an old snapshot keeps the server from tidying up. */
  readonly readMs: number
  /** What a COMMIT gets even when the write's time is up: leaving it makes its outcome unknown. */
  readonly commitMs: number
  /** A ROLLBACK; a connection that does not manage it is destroyed, which rolls back as well. */
  readonly rollbackMs: number
  /** What running work gets when the database is closed, before its connections are destroyed. */
  readonly closeMs: number
  /** What the server gets to answer our goodbye, before the socket is destroyed. */
  readonly goodbyeMs: number
  /** How often the listening connection, which is silent otherwise, is asked whether it still hears. */
  readonly heartbeatMs: number
}

/** The limits of every database that is opened; tests may shorten them. */
export const POSTGRES_LIMITS: PostgresLimits = {
  connectionsMax: 10,
  waitingMax: 10_000,
  connectMs: 10_000,
  acquireMs: 10_000,
  statementMs: 10_000,
  answerMarginMs: 1_000,
  lookupMs: 10_000,
  readMs: 300_000,
  commitMs: 1_000,
  rollbackMs: 2_000,
  closeMs: 5_000,
  goodbyeMs: 1_000,
  heartbeatMs: 15_000,
}
