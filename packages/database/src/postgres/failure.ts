import { DatabaseError, IronError } from '../errors.ts'

interface PostgresErrorLike {
  readonly code: string
  readonly message: string
  readonly constraint?: string
  readonly table?: string
  readonly column?: string
}

/** Codes after which the same transaction may simply run again: serialization failure, deadlock (budget protocol 12.3). */
const CONFLICTS = new Set(['40001', '40P01'])
/** Codes of a lock or statement that took too long, and of connections the server has no room for. */
const BUSY = new Set(['55P03', '57014', '53300', '25P03'])
/** Network errors of Node, where the outcome of a commit in flight is unknown. */
const NETWORK = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EHOSTUNREACH', 'ENOENT'])

function isPostgresError(error: unknown): error is PostgresErrorLike {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
}

/** Whether the whole transaction should be run again. */
export function isConflict(error: unknown): boolean {
  const cause = error instanceof IronError ? error.cause : error
  return isPostgresError(cause) && CONFLICTS.has(cause.code)
}

/** Turns what pg throws into our error; errors of our own pass through. */
export function postgresFailure(error: unknown): Error {
  if (error instanceof IronError) return error
  const failure = error instanceof Error ? error : new Error(String(error))
  if (!isPostgresError(error)) {
    if (/timeout exceeded when trying to connect/.test(failure.message)) {
      return new DatabaseError('DATABASE_BUSY', 'no database connection became free in time', {
        retryable: true,
        cause: error,
      })
    }
    if (/Connection terminated|not queryable|after calling end/.test(failure.message)) return unavailable(error)
    return failure
  }
  if (error.code.startsWith('23') || error.code === '2F004') {
    return new DatabaseError('DATABASE_CONSTRAINT', 'a constraint of the database refused the change', {
      details: { constraint: error.constraint ?? error.column ?? error.message, table: error.table ?? null },
      cause: error,
    })
  }
  if (CONFLICTS.has(error.code) || BUSY.has(error.code)) {
    return new DatabaseError('DATABASE_BUSY', 'the database is busy', { retryable: true, cause: error })
  }
  if (error.code === '22003') {
    return new DatabaseError('DATABASE_CONSTRAINT', 'a number is out of range', { cause: error })
  }
  if (/^(08|53|57P|58|XX|28|3D)/.test(error.code) || NETWORK.has(error.code)) return unavailable(error)
  return failure
}

function unavailable(cause: unknown): DatabaseError {
  return new DatabaseError('DATABASE_UNAVAILABLE', 'the database cannot be reached', { retryable: true, cause })
}
