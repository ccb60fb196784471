/** Why a limiter was misused, or could not do what it was told. */
export type RateLimitErrorCode =
  'INVALID_LIMIT' | 'INVALID_COST' | 'INVALID_KEY' | 'MIXED_STORES' | 'ASYNC_STORE' | 'STORE_UNAVAILABLE'

/**
 * The error class of this package. Being limited is never an error, and neither is a store that is down: both are
 * decisions. Compare `code`; it never changes its meaning.
 */
export class RateLimitError extends Error {
  override readonly name = 'RateLimitError'
  readonly code: RateLimitErrorCode
  /** Safe to show; `{ fields: { path: rule } }` where input was wrong, all faults at once. */
  readonly details: Readonly<Record<string, unknown>>
  /** Whether the same call may succeed later: true for `STORE_UNAVAILABLE` alone. */
  readonly retryable: boolean

  constructor(
    code: RateLimitErrorCode,
    message: string,
    details: Readonly<Record<string, unknown>> = {},
    options?: ErrorOptions,
  ) {
    super(message, options)
    this.code = code
    this.details = Object.freeze({ ...details })
    this.retryable = code === 'STORE_UNAVAILABLE'
  }
}
