import { DatabaseError, IronError } from '../errors.ts'

interface SqliteErrorLike {
  readonly code: string
  readonly message: string
}

function isSqliteError(error: unknown): error is SqliteErrorLike {
  return (
    typeof error === 'object' &&
    error !== null &&
    'code' in error &&
    typeof error.code === 'string' &&
    error.code.startsWith('SQLITE_')
  )
}

/** Turns what better-sqlite3 throws into our error; errors of our own pass through. */
export function sqliteFailure(error: unknown): Error {
  if (error instanceof IronError) return error
  if (!isSqliteError(error)) {
    if (error instanceof Error && /connection is not open/.test(error.message)) {
      return new DatabaseError('DATABASE_CLOSED', 'the database is closed', { cause: error })
    }
    if (error instanceof TypeError && /directory does not exist/.test(error.message)) {
      return new DatabaseError('DATABASE_UNAVAILABLE', 'the folder of the database does not exist', { cause: error })
    }
    return error instanceof Error ? error : new Error(String(error))
  }
  if (error.code.startsWith('SQLITE_CONSTRAINT')) {
    return new DatabaseError('DATABASE_CONSTRAINT', 'a constraint of the database refused the change', {
      details: { constraint: constraintOf(error.message), kind: error.code.slice('SQLITE_CONSTRAINT_'.length) },
      cause: error,
    })
  }
  if (error.code.startsWith('SQLITE_BUSY') || error.code.startsWith('SQLITE_LOCKED')) {
    return new DatabaseError('DATABASE_BUSY', 'another process holds the write lock of the database', {
      retryable: true,
      cause: error,
    })
  }
  if (error.code === 'SQLITE_ERROR' || error.code === 'SQLITE_MISMATCH' || error.code === 'SQLITE_RANGE') {
    return error as unknown as Error
  }
  const isUnopened = error.code.startsWith('SQLITE_CANTOPEN')
  const message = isUnopened ? 'there is no database file, or it cannot be opened' : 'the database cannot be used'
  return new DatabaseError('DATABASE_UNAVAILABLE', message, {
    details: { reason: error.code },
    retryable: true,
    cause: error,
  })
}

/** `UNIQUE constraint failed: users.email` names the columns, a trigger its own text. */
function constraintOf(message: string): string {
  const colon = message.indexOf('constraint failed: ')
  return colon < 0 ? message : message.slice(colon + 'constraint failed: '.length)
}
