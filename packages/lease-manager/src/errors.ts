import { IronError } from '@iron/database'

/** Why a budget, a lease or the ledger refused. What each one means stands in the README. */
export type LeaseErrorCode =
  | 'VALIDATION_ERROR'
  | 'AGENT_NOT_FOUND'
  | 'AGENT_ARCHIVED'
  | 'BUDGET_EXISTS'
  | 'BUDGET_EXCEEDED'
  | 'LIMIT_EXCEEDED'
  | 'BUDGET_BELOW_SPENT'
  | 'BUDGET_DECREASE_REQUIRES_CONFIRMATION'
  | 'CONFLICT'
  | 'ADJUSTMENT_TOO_LARGE'
  | 'LEDGER_MISMATCH'
  | 'LEASE_NOT_FOUND'
  | 'LEASE_NOT_ACTIVE'
  | 'LEASE_CAP_REACHED'
  | 'IDEMPOTENCY_CONFLICT'
  | 'BUDGET_REQUEST_NOT_FOUND'
  | 'REQUEST_ALREADY_REVIEWED'
  | 'BUDGET_DECREASE_REQUEST'
  | 'APPROVAL_DECREASES_BUDGET'
  | 'SELF_APPROVAL_FORBIDDEN'

/** The error class of this package. Amounts in `details` are US dollars under their wire names (http-api 1.6). */
export class LeaseError extends IronError<LeaseErrorCode> {}

/** Whether an error is a refusal of ours: its transaction may commit, for it changed nothing but overdue leases (rulings R1). */
export function isRefusal(error: unknown): boolean {
  return error instanceof LeaseError
}
