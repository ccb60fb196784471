/** Whether a secret authenticates, from what was read of it. Pure; the order of the tests is the order of the answers. */
import type { AuthRefusal } from '../sessions/session.ts'
import type { SecretState } from './statements.ts'

/** What decides, apart from the address. */
export type SecretStanding = Pick<
  SecretState,
  'revoked_at' | 'valid_until' | 'expires_at' | 'deleted_at' | 'suspended_at'
>

/**
 * The refusals of a known secret in their order: revoked, replaced and past its grace, expired, owner deleted, owner
 * suspended, address (http-api 2). Revocation beats grace (SEC-07). `undefined`: it authenticates.
 */
export function decideToken(
  state: SecretStanding,
  addressAllowed: () => boolean,
  nowMs: number,
): AuthRefusal | undefined {
  if (state.revoked_at !== null) return REVOKED
  if (state.valid_until !== null && nowMs >= state.valid_until) return REVOKED
  if (state.expires_at !== null && nowMs >= state.expires_at) {
    return { outcome: 'refused', code: 'TOKEN_EXPIRED', expiredAt: state.expires_at }
  }
  if (state.deleted_at !== null) return REVOKED
  if (state.suspended_at !== null) return SUSPENDED
  return addressAllowed() ? undefined : FOREIGN_ADDRESS
}

const refusal = (code: AuthRefusal['code']): AuthRefusal => Object.freeze({ outcome: 'refused', code })
const REVOKED = refusal('TOKEN_REVOKED')
const SUSPENDED = refusal('ACCOUNT_SUSPENDED')
const FOREIGN_ADDRESS = refusal('IP_NOT_ALLOWED')
/** A text that is no token of this database, whatever is wrong with it. */
export const UNKNOWN = refusal('UNAUTHORIZED')
