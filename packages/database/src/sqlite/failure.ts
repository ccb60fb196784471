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
  return new DatabaseError('DATABASE_UNAVAILABLE', unusable(error.code), {
    details: { reason: error.code },
    retryable: true,
    cause: error,
  })
}

/** What an operator can do something about, by the code of SQLite; an extended code begins with its plain one. */
const UNUSABLE: readonly (readonly [code: string, text: string])[] = [
  ['SQLITE_CANTOPEN', 'there is no database file, or its folder cannot be written'],
  ['SQLITE_FULL', 'the disk of the database is full'],
  ['SQLITE_IOERR_SHMSIZE', 'the disk of the database is full'],
  ['SQLITE_READONLY', 'the database file or its folder cannot be written'],
  ['SQLITE_CORRUPT', 'the database file is damaged: restore a backup'],
  ['SQLITE_NOTADB', 'the file is not a database, or it is damaged: restore a backup'],
]

function unusable(code: string): string {
  return UNUSABLE.find(([prefix]) => code.startsWith(prefix))?.[1] ?? 'the database cannot be used'
}

/** `UNIQUE constraint failed: users.email` names the columns, a trigger its own text. */
function constraintOf(message: string): string {
  const colon = message.indexOf('constraint failed: ')
  return colon < 0 ? message : message.slice(colon + 'constraint failed: '.length)
}
