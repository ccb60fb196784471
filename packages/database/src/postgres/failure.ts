/**
 * What PostgreSQL, the driver and the network throw, as an error of ours. The classes, in the order in which they are looked at:
 *
 * | SQLSTATE | becomes | why |
 * |---|---|---|
 * | 23xxx, 2F004 | `DATABASE_CONSTRAINT` | a constraint or an append-only trigger refused the change |
 * | 22003 | `DATABASE_CONSTRAINT` | a number is out of range |
 * | 22021, 22P05 | `VALIDATION_ERROR` | a text has a NUL, which SQLite takes and PostgreSQL does not |
 * | 40001, 40P01 | `DATABASE_BUSY` | conflict: the whole transaction is run again inside, see {@link isConflict} |
 * | 55P03, 57014 | `DATABASE_BUSY` | a lock or a statement took too long |
 * | 25P03, 25P04 | `DATABASE_BUSY` | the transaction sat idle, or lived, too long; the server has ended the connection |
 * | 53300 | `DATABASE_BUSY` | no room for another connection |
 * | 0A000 (cached plan), 26000 | `DATABASE_BUSY` | the statements prepared on this connection are stale; a new one prepares them again |
 * | 25006 | `DATABASE_UNAVAILABLE` | read-only: a failover left this connection on a standby |
 * | 55000 | `DATABASE_UNAVAILABLE` | the database does not accept connections |
 * | 08xxx, 57P0x, 58xxx | `DATABASE_UNAVAILABLE` | connection, shutdown, crash, starting up, dropped, I/O |
 * | 53xxx | `DATABASE_UNAVAILABLE` | disk or memory is full |
 * | 28xxx, 3Dxxx | `DATABASE_UNAVAILABLE` | login or database refused: a password being rotated, a restore under way |
 * | XXxxx | `DATABASE_UNAVAILABLE` | internal error, as during a shutdown, or damaged data |
 * | no SQLSTATE, from the network or a lost connection | `DATABASE_UNAVAILABLE` | |
 * | everything else (42xxx, 25P02, …) | as thrown | a fault of the program, not of the moment |
 *
 * All but `DATABASE_CONSTRAINT` and `VALIDATION_ERROR` are `retryable`: nothing was committed. The one exception is {@link commitUnknown}.
 */
import { DatabaseError, IronError } from '../errors.ts'

interface PostgresErrorLike {
  readonly code: string
  readonly message: string
  readonly constraint?: string
  readonly table?: string
  readonly column?: string
}

const CONFLICT = /^(40001|40P01)$/
const BUSY = /^(55P03|57014|25P03|25P04|53300)$/
const UNAVAILABLE = /^(08...|53...|57P..|58...|XX...|28...|3D...|25006|55000)$/
/** What an operator can do something about is called by its name. */
const UNAVAILABLE_MESSAGES: readonly (readonly [RegExp, string])[] = [
  [/^28...$/, 'the database refuses the login'],
  [/^3D...$/, 'there is no such database'],
  [/^53...$/, "the database's disk or memory is full"],
  [/^25006$/, 'the database is read-only'],
]
const NETWORK =
  /^(ECONN\w+|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_\w+|EHOST\w+|ENET\w+|EADDRNOTAVAIL|EMFILE|ENFILE|ENOENT|ERR_STREAM_DESTROYED)$/
/** What the driver says, without a code, of a connection that is gone. */
const GONE = /Connection terminated|not queryable|timeout expired/

function isPostgresError(error: unknown): error is PostgresErrorLike {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
}

function codeOf(error: unknown): string | undefined {
  const cause = error instanceof IronError ? error.cause : error
  return isPostgresError(cause) ? cause.code : undefined
}

/** Whether the whole transaction should be run again: the server has undone it (budget protocol 12.3). */
export function isConflict(error: unknown): boolean {
  return CONFLICT.test(codeOf(error) ?? '')
}

/** Whether a value that was sent is at fault, and nothing else: what does not hold it would have been answered. */
export function isBadValue(error: unknown): boolean {
  return codeOf(error)?.startsWith('22') === true
}

/** Whether the connection should not be lent again: it is broken, or leads to where nothing can be written, or its plans are stale. */
export function spoilsConnection(error: unknown): boolean {
  if (!(error instanceof DatabaseError)) return false
  return error.code === 'DATABASE_UNAVAILABLE' || isStalePlan(error.cause)
}

/** Turns what pg throws into our error; errors of our own pass through. */
export function postgresFailure(error: unknown): Error {
  if (error instanceof IronError) return error
  if (!isPostgresError(error)) {
    const failure = error instanceof Error ? error : new Error(String(error))
    return GONE.test(failure.message) ? unavailable(error) : failure
  }
  const { code } = error
  if (code.startsWith('23') || code === '2F004') {
    return new DatabaseError('DATABASE_CONSTRAINT', 'a constraint of the database refused the change', {
      details: { constraint: error.constraint ?? error.column ?? error.message, table: error.table ?? null },
      cause: error,
    })
  }
  if (code === '22003') {
    return new DatabaseError('DATABASE_CONSTRAINT', 'a number is out of range', { cause: error })
  }
  if (code === '22021' || code === '22P05') {
    const fields = { $: 'must hold no NUL' }
    return new DatabaseError('VALIDATION_ERROR', 'a text has a NUL', { details: { fields }, cause: error })
  }
  if (CONFLICT.test(code) || BUSY.test(code) || isStalePlan(error)) return busy('the database is busy', error)
  if (UNAVAILABLE.test(code) || NETWORK.test(code)) return unavailable(error)
  return error as unknown as Error
}

/** What went wrong while a connection was made: whatever it is, no statement was sent. */
export function connectFailure(error: unknown): Error {
  const failure = postgresFailure(error)
  return failure instanceof DatabaseError && failure.retryable ? failure : unavailable(error)
}

/**
 * A write to a database that refuses writes is a matter of the moment, but in a snapshot that was opened read-only it is a fault of the
 * program, and stays one.
 */
export function readFailure(error: unknown): unknown {
  return error instanceof DatabaseError && codeOf(error) === '25006' ? error.cause : error
}

export function unavailable(cause?: unknown): DatabaseError {
  const code = isPostgresError(cause) ? cause.code : ''
  const known = UNAVAILABLE_MESSAGES.find(([pattern]) => pattern.test(code))
  const message = known?.[1] ?? 'the database cannot be reached'
  return new DatabaseError('DATABASE_UNAVAILABLE', message, { retryable: true, cause })
}

/** An answer that did not come: what was sent may be lost, or a network or server hangs. */
export function noAnswer(): DatabaseError {
  return new DatabaseError('DATABASE_UNAVAILABLE', 'the database did not answer in time', { retryable: true })
}

/** Why a database that answers takes no writes that would count. */
type NotWritable = 'recovery' | 'read-only' | 'synchronous_commit' | 'session_replication_role'

/** The database answers, but a write would fail, not be durable or not be checked (OPS-01). */
export function notWritable(reason: NotWritable): DatabaseError {
  return new DatabaseError('DATABASE_UNAVAILABLE', 'the database takes no durable writes', {
    retryable: true,
    details: { reason },
  })
}

/** Texts of another encoding cannot hold every name, and are neither compared nor measured as those of SQLite. */
export function notUtf8(encoding: string): DatabaseError {
  return new DatabaseError('DATABASE_UNAVAILABLE', `the database's encoding is ${encoding}, and must be UTF8`, {
    details: { reason: 'encoding' },
  })
}

/**
 * COMMIT was sent and the connection lost before its answer: the transaction is whole, but whether it happened only the data can tell.
 * Not `retryable`: repeated as it is, it may happen twice. A caller whose operation carries its own key (an idempotency key, a request
 * id) may repeat it (budget protocol 7), and readers of `details.outcome` can tell this case from the others.
 */
export function commitUnknown(cause: unknown): DatabaseError {
  return new DatabaseError('DATABASE_UNAVAILABLE', 'the connection was lost before the commit was answered', {
    details: { outcome: 'unknown' },
    cause,
  })
}

/** @param text what was waited for */
export function busy(text: string, cause?: unknown): DatabaseError {
  return new DatabaseError('DATABASE_BUSY', text, { retryable: true, cause })
}

function isStalePlan(error: unknown): boolean {
  if (!isPostgresError(error)) return false
  return error.code === '26000' || (error.code === '0A000' && error.message.includes('cached plan'))
}
