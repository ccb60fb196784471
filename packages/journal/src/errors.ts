import { IronError } from '@iron/database'

/** Why the journal could not do what it was asked. */
export type JournalErrorCode =
  | 'VALIDATION_ERROR'
  | 'CURSOR_EXPIRED'
  | 'ENTRY_TOO_LARGE'
  | 'AUDIT_KEY_MISMATCH'
  | 'IDEMPOTENCY_CONFLICT'
  | 'QUERY_TIMEOUT'

/** The error class of this package. */
export class JournalError extends IronError<JournalErrorCode> {}

/** The `VALIDATION_ERROR` of a set of faults. */
export function invalid(message: string) {
  return (details: { readonly fields: Readonly<Record<string, string>> }): JournalError =>
    new JournalError('VALIDATION_ERROR', message, { details })
}
