import { type Faults, IronError } from '@iron/database'

/** Why an operation on people, credentials, providers or limits was refused. */
export type TokenManagerErrorCode =
  | 'VALIDATION_ERROR'
  | 'USER_NOT_FOUND'
  | 'SESSION_NOT_FOUND'
  | 'LIMIT_NOT_FOUND'
  | 'PROVIDER_NOT_FOUND'
  | 'KEY_NOT_FOUND'
  | 'DUPLICATE_USERNAME'
  | 'DUPLICATE_EMAIL'
  | 'DUPLICATE_LIMIT'
  | 'PROVIDER_EXISTS'
  | 'PROVIDER_KEY_EXISTS'
  | 'KEY_NOT_ACTIVE'
  | 'NO_ACTIVE_KEY'
  | 'PROVIDER_DISABLED'
  | 'CRYPTO_UNAVAILABLE'
  | 'ALREADY_BOOTSTRAPPED'
  | 'PASSWORD_NOT_HASHED'
  | 'WEAK_SECRET'
  | 'USER_ALREADY_SUSPENDED'
  | 'USER_ALREADY_ACTIVE'
  | 'SELF_MODIFICATION_FORBIDDEN'
  | 'LAST_ADMIN'
  | 'TOKEN_NOT_FOUND'
  | 'TOKEN_ALREADY_REVOKED'
  | 'TOKEN_NOT_ACTIVE'
  | 'TOKEN_LIMIT_EXCEEDED'
  /** The refusals of a credential, where a method that needs a valid one throws them. */
  | 'UNAUTHORIZED'
  | 'TOKEN_EXPIRED'
  | 'TOKEN_REVOKED'
  | 'ACCOUNT_SUSPENDED'
  | 'IP_NOT_ALLOWED'
  | 'IDEMPOTENCY_CONFLICT'
  | 'SEED_REFUSED'
  /** Too many passwords wait to be hashed: `retryable`, nothing was changed. */
  | 'HASHING_BUSY'

/** The error class of this package. */
export class TokenManagerError extends IronError<TokenManagerErrorCode> {}

/** Throws every fault of an input at once. @throws {TokenManagerError} VALIDATION_ERROR */
export function refuseFaults(faults: Faults): void {
  faults.throwIfAny((details) => new TokenManagerError('VALIDATION_ERROR', 'the input is not valid', { details }))
}
