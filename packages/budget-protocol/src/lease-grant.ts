import type { AgentPrincipal, DesiredState } from '@iron/agent-registry'
import type { WriteTx } from '@iron/database'
import { sealIpToken } from '@iron/ip-token-crypto'
import type { Grant } from '@iron/lease-manager'
import { type Provider, type ProviderKeyStorage, TokenManagerError } from '@iron/token-manager'

/** A granted lease with the provider and its key, sealed for this agent and lease. */
export interface LeaseGrant extends Grant {
  readonly desiredState: DesiredState
  /** How long the lease lives from now, in milliseconds. */
  readonly ttlMs: number
  /** Null for a lease without provider (reserve). */
  readonly provider: Pick<Provider, 'id' | 'name' | 'kind' | 'baseUrl' | 'models'> | null
  /** `AES256:…`, opened with the IC token (ip-token-crypto). Null for a lease without provider. */
  readonly ipToken: string | null
}

/** How often a key that was replaced between its opening and its disclosure is opened anew. */
const OPENINGS_MAX = 10

/**
 * Opens the provider's active key, records that it is handed over (SEC-25), and seals it for one lease; the clear key never
 * leaves this function. A key that is replaced between the two is not handed over, its successor is (SEC-24).
 *
 * @returns `AES256:…`
 * @throws {TokenManagerError} NO_ACTIVE_KEY, PROVIDER_DISABLED, PROVIDER_NOT_FOUND, CRYPTO_UNAVAILABLE; KEY_NOT_ACTIVE when
 * that many keys in a row were replaced
 */
export async function discloseKey(
  tx: WriteTx,
  keys: ProviderKeyStorage,
  agent: AgentPrincipal,
  about: { readonly providerId: string; readonly leaseId: string; readonly purpose: string },
): Promise<string> {
  const { providerId, leaseId, purpose } = about
  for (let opening = 1; ; opening += 1) {
    const { keyId, apiKey } = await keys.unseal(providerId, { tx })
    try {
      await keys.disclose(keyId, purpose, agent.actor, { tx })
    } catch (error) {
      if (isReplaced(error) && opening < OPENINGS_MAX) continue
      throw error
    }
    return sealIpToken(apiKey, { icToken: agent.jwt, agentId: agent.agentId, leaseId, providerId })
  }
}

function isReplaced(error: unknown): boolean {
  return error instanceof TokenManagerError && error.code === 'KEY_NOT_ACTIVE'
}

/** The part of a provider that a runtime is told. */
export function providerOf(provider: Provider): NonNullable<LeaseGrant['provider']> {
  const { id, name, kind, baseUrl, models } = provider
  return Object.freeze({ id, name, kind, baseUrl, models })
}
