import type { AuthRefusal } from '../sessions/session.ts'
import { addressTest } from './allowed-ips.ts'
import { decideToken } from './decide-token.ts'
import type { SecretState } from './statements.ts'
import { allowedIpsOf, scopesOf, type TokenAuthentication } from './token.ts'

/** An empty list as it is stored: nothing to parse, for nearly every token. */
const ANY_ADDRESS = '[]'

/**
 * A secret as it was read, with everything that does not depend on the instant or the address worked out once. The decision
 * is made anew for every call, so that no memory outlives an expiry or the end of a grace.
 */
export class KnownToken {
  readonly tokenId: string
  /** When the use was last stamped, as far as is known here; epoch ms. */
  lastUsedAt: number | null
  /** The answer while nothing refuses; one promise for all calls, as it says the same to all. */
  readonly accepted: Promise<TokenAuthentication>
  readonly #state: SecretState
  #allows: ((address: string | undefined) => boolean) | undefined

  constructor(state: SecretState) {
    this.#state = state
    this.tokenId = state.token_id
    this.lastUsedAt = state.last_used_at
    const principal = Object.freeze({
      kind: 'api_token' as const,
      tokenId: state.token_id,
      userId: state.owner_id,
      role: state.role,
      scopes: scopesOf(state.scopes),
      projectId: state.project_id,
      expiresAt: state.expires_at,
    })
    this.accepted = Promise.resolve(Object.freeze({ outcome: 'ok', principal }))
  }

  /** Why the secret is refused at this instant, used from this address; `undefined`: it is not. */
  refusal(address: string | undefined, nowMs: number): AuthRefusal | undefined {
    return decideToken(this.#state, () => this.#isAllowed(address), nowMs)
  }

  #isAllowed(address: string | undefined): boolean {
    if (this.#state.allowed_ips === ANY_ADDRESS) return true
    this.#allows ??= addressTest(allowedIpsOf(this.#state.allowed_ips))
    return this.#allows(address)
  }
}
