import type { Provider } from '@iron/token-manager'
import { ProtocolError } from './errors.ts'

/** Which provider a grant may use, or why it may use none. */
export type ProviderChoice =
  | { readonly ok: true; readonly provider: Provider }
  | {
      readonly ok: false
      readonly code: 'NO_PROVIDER_ASSIGNED' | 'PROVIDER_NOT_ASSIGNED' | 'PROVIDER_DISABLED' | 'NO_ACTIVE_KEY'
      readonly providerId?: string
    }

/**
 * Picks the provider of a grant: the named one, else the first in the agent's order that is active and has an active key; if
 * none is, the answer is about the first in that order (budget protocol 4.2, http-api 4.9.3, ACL-14).
 */
export function decideProvider(assigned: readonly Provider[], named?: string): ProviderChoice {
  const candidates = named === undefined ? assigned : assigned.filter(({ id, name }) => id === named || name === named)
  const [first] = candidates
  if (first === undefined) {
    return {
      ok: false,
      code: named === undefined || assigned.length === 0 ? 'NO_PROVIDER_ASSIGNED' : 'PROVIDER_NOT_ASSIGNED',
    }
  }
  const usable = candidates.find(({ status, hasKey }) => status === 'active' && hasKey)
  if (usable !== undefined) return { ok: true, provider: usable }
  return { ok: false, code: first.status === 'active' ? 'NO_ACTIVE_KEY' : 'PROVIDER_DISABLED', providerId: first.id }
}

const MESSAGES = {
  NO_PROVIDER_ASSIGNED: 'the agent has no provider',
  PROVIDER_NOT_ASSIGNED: 'the provider is not assigned to the agent',
  PROVIDER_DISABLED: 'the provider is disabled',
  NO_ACTIVE_KEY: 'the provider has no active key',
} as const

/** The provider, or the refusal thrown. */
export function requireProvider(assigned: readonly Provider[], named?: string): Provider {
  const choice = decideProvider(assigned, named)
  if (choice.ok) return choice.provider
  const details = choice.providerId === undefined ? {} : { provider_id: choice.providerId }
  throw new ProtocolError(choice.code, MESSAGES[choice.code], { details })
}
