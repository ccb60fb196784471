import { IronError } from '@iron/database'
import { AgentError } from '@iron/agent-registry'
import { LeaseError } from '@iron/lease-manager'

/** Why a message was refused before it reached the budget. Refusals of the called services pass through unchanged. */
export type ProtocolErrorCode =
  | 'VALIDATION_ERROR'
  | 'TOKEN_REVOKED'
  | 'ACCOUNT_SUSPENDED'
  | 'AGENT_STOPPED'
  | 'NO_PROVIDER_ASSIGNED'
  | 'PROVIDER_NOT_ASSIGNED'
  | 'PROVIDER_DISABLED'
  | 'NO_ACTIVE_KEY'

/** The error class of this package. */
export class ProtocolError extends IronError<ProtocolErrorCode> {}

/**
 * Whether an error is a refusal of a message, after which its transaction commits what it rightly did before (overdue leases
 * ended; rulings R1), and not a failure, after which everything is undone.
 */
export function isRefusal(error: unknown): boolean {
  // An error of the key storage comes after the lease was written: it must undo the grant (MON-18), so it is none of these.
  return error instanceof ProtocolError || error instanceof LeaseError || error instanceof AgentError
}
