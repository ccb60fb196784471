/**
 * The one error class of this package. Its texts and details never name the role that would have been needed, so that a
 * refusal teaches nothing about other people's rights (pitfall ACL-20).
 */

/** What went wrong: `FORBIDDEN` and `NOT_OWNER` come from `authorize`, `INVALID_POLICY` from `definePolicy`. */
export type RbacErrorCode = 'FORBIDDEN' | 'NOT_OWNER' | 'INVALID_POLICY'

const messages: Readonly<Record<RbacErrorCode, string>> = {
  FORBIDDEN: 'This is not permitted',
  NOT_OWNER: 'This belongs to somebody else',
  INVALID_POLICY: 'The policy is not valid',
}

/** Thrown by `authorize` and `definePolicy`; compare `code`, which never changes meaning. */
export class RbacError extends Error {
  override readonly name = 'RbacError'
  /** See {@link RbacErrorCode}. */
  readonly code: RbacErrorCode
  /** Safe to show: `{ permission }` of a refusal, `{ fields }` of an invalid policy. */
  readonly details: Readonly<Record<string, unknown>>
  /** Always false: asking again changes nothing. */
  readonly retryable: boolean = false

  constructor(code: RbacErrorCode, details: Record<string, unknown> = {}) {
    super(messages[code])
    this.code = code
    this.details = Object.freeze(details)
  }
}
