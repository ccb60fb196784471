import type { AgentPrincipal, DesiredState } from '@iron/agent-registry'
import type { WriteTx } from '@iron/database'
import { sealIpToken } from '@iron/ip-token-crypto'
import type { Grant } from '@iron/lease-manager'
import type { Provider, ProviderKeyStorage } from '@iron/token-manager'

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

/** A key opened in memory and sealed to one lease. */
export interface SealedKey {
  readonly keyId: string
  readonly ipToken: string
}

/** Opens the provider's active key and seals it for one lease; the clear key never leaves this function. */
export async function sealKeyFor(
  tx: WriteTx,
  keys: ProviderKeyStorage,
  agent: AgentPrincipal,
  providerId: string,
  leaseId: string,
): Promise<SealedKey> {
  const { keyId, apiKey } = await keys.unseal(providerId, { tx })
  return { keyId, ipToken: sealIpToken(apiKey, { icToken: agent.jwt, agentId: agent.agentId, leaseId, providerId }) }
}

/** The part of a provider that a runtime is told. */
export function providerOf(provider: Provider): NonNullable<LeaseGrant['provider']> {
  const { id, name, kind, baseUrl, models } = provider
  return Object.freeze({ id, name, kind, baseUrl, models })
}
