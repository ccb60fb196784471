/** Options of an {@link IronError}. */
export interface IronErrorOptions {
  /** Facts about the failure that are safe to show; never a secret. */
  readonly details?: Readonly<Record<string, unknown>> | undefined
  /** Whether the same call may succeed when it is simply repeated. */
  readonly retryable?: boolean | undefined
  readonly cause?: unknown
}

/**
 * The error every stateful package of the house throws. Compare `code`: it never changes its meaning, unlike `message`.
 */
export class IronError<C extends string = string> extends Error {
  readonly code: C
  readonly details: Readonly<Record<string, unknown>>
  readonly retryable: boolean

  constructor(code: C, message: string, options: IronErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
    this.code = code
    this.details = Object.freeze({ ...options.details })
    this.retryable = options.retryable ?? false
  }
}

/** Why the database could not do what it was asked. `DATABASE_*` and `WRITE_TIMEOUT` carry the driver's error as `cause`. */
export type DatabaseErrorCode =
  | 'UNSUPPORTED_URL'
  | 'DATABASE_UNAVAILABLE'
  | 'DATABASE_BUSY'
  | 'DATABASE_CLOSED'
  | 'DATABASE_CONSTRAINT'
  | 'WRITE_TIMEOUT'
  | 'NESTED_WRITE'
  | 'TRANSACTION_CLOSED'
  | 'SCHEMA_MISMATCH'
  | 'MIGRATION_CHECKSUM_MISMATCH'
  | 'MIGRATION_FAILED'
  | 'INVALID_CURSOR'
  | 'UNSAFE_INTEGER'
  | 'VALIDATION_ERROR'
  | 'IDEMPOTENCY_CONFLICT'
  | 'COPY_REFUSED'
  | 'COPY_FAILED'

/** The error class of this package. */
export class DatabaseError extends IronError<DatabaseErrorCode> {}

/** Whether an error is one of the house's, of whatever package. */
export function isIronError(error: unknown): error is IronError {
  return error instanceof IronError
}
