/**
 * The one error class of this package. Every refusal of a token carries the same text and no details: only `code`, which
 * stays inside the process, tells an operator which check failed (pitfalls AUT-02, SEC-28).
 */

/** In the order in which `verify` checks; `WEAK_SECRET` comes from the constructor alone. */
export type IcTokenErrorCode =
  | 'TOO_LONG'
  | 'MALFORMED'
  | 'BAD_ALGORITHM'
  | 'UNKNOWN_KEY'
  | 'BAD_SIGNATURE'
  | 'BAD_ISSUER'
  | 'BAD_CLAIMS'
  | 'NOT_YET_VALID'
  | 'EXPIRED'
  | 'WEAK_SECRET'

const PUBLIC_MESSAGE = 'The IC token is not valid'

/** Thrown by the constructor, `issue` and `verify`; compare `code`, which never changes meaning. */
export class IcTokenError extends Error {
  override readonly name = 'IcTokenError'
  /** See {@link IcTokenErrorCode}. Do not show it to whoever sent the token. */
  readonly code: IcTokenErrorCode
  /** Safe to show: `{ fields: { path: text } }` when options or input were wrong, empty when a token was refused. */
  readonly details: Readonly<Record<string, unknown>>
  /** Always false: the same token is refused again. */
  readonly retryable: boolean = false

  constructor(code: IcTokenErrorCode, details: Record<string, unknown> = {}, message: string = PUBLIC_MESSAGE) {
    super(message)
    this.code = code
    this.details = Object.freeze(details)
  }
}
