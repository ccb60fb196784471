/** Why money, usage or a price was refused. */
export type CostErrorCode =
  | 'INVALID_AMOUNT'
  | 'TOO_MANY_DECIMALS'
  | 'AMOUNT_OUT_OF_RANGE'
  | 'INVALID_USAGE'
  | 'UNKNOWN_MODEL'
  | 'INVALID_PRICE'
  | 'BUDGET_EXCEEDED'
  | 'ALREADY_SETTLED'

/** The error class of this package. Compare `code`: it never changes its meaning. */
export class CostError extends Error {
  readonly code: CostErrorCode
  /** Facts that are safe to show. */
  readonly details: Readonly<Record<string, unknown>>
  readonly retryable: boolean

  constructor(code: CostErrorCode, message: string, details: Readonly<Record<string, unknown>> = {}) {
    super(message)
    this.name = 'CostError'
    this.code = code
    this.details = Object.freeze({ ...details })
    this.retryable = false
  }
}
