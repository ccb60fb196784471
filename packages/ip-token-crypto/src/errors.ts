/**
 * The one error class of this package. Whatever keeps a value from opening is one error with one text and no cause: an
 * answer that told a bad tag from bad padding or a wrong context would help whoever probes it (pitfall SEC-28).
 */

/**
 * `DECRYPT_FAILED` covers everything that can be wrong with a value to open, `UNKNOWN_KEY` only a key id the vault lacks
 * (the operator must add that key). The others refuse what a caller wants to seal or seal with.
 */
export type CryptoErrorCode = 'INVALID_KEY' | 'UNKNOWN_KEY' | 'INVALID_FORMAT' | 'DECRYPT_FAILED' | 'SECRET_TOO_LONG'

const messages: Readonly<Record<CryptoErrorCode, string>> = {
  INVALID_KEY: 'The master keys are not valid',
  UNKNOWN_KEY: 'The value was sealed with a key that this vault does not hold',
  INVALID_FORMAT: 'The value cannot be sealed',
  DECRYPT_FAILED: 'The value cannot be opened',
  SECRET_TOO_LONG: 'The secret is too long',
}

/** Compare `code`, which never changes meaning. Never carries key, secret or ciphertext. */
export class CryptoError extends Error {
  override readonly name = 'CryptoError'
  /** See {@link CryptoErrorCode}. */
  readonly code: CryptoErrorCode
  /** Safe to show: `{ fields: { path: text } }` for refused input, `{ keyId }` of UNKNOWN_KEY, else empty. */
  readonly details: Readonly<Record<string, unknown>>
  /** Always false: the same input fails again. */
  readonly retryable: boolean = false

  constructor(code: CryptoErrorCode, details: Record<string, unknown> = {}) {
    super(messages[code])
    this.code = code
    this.details = Object.freeze(details)
  }
}
