import type { DeletedProvider } from '@iron/agent-registry'
import type { Provider, ProviderKey } from '@iron/token-manager'
import { isoTime, isoTimeOrNull } from './scalars.ts'

/** `Provider` of http-api 4.11. */
export function providerAnswer(provider: Provider) {
  return {
    id: provider.id,
    name: provider.name,
    kind: provider.kind,
    base_url: provider.baseUrl,
    models: provider.models,
    status: provider.status,
    has_key: provider.hasKey,
    created_at: isoTime(provider.createdAt),
    updated_at: isoTime(provider.updatedAt),
  }
}

/** The answer of `DELETE /providers/{id}`: the ids of the agents that had it, archived ones too. */
export function deletedProviderAnswer({ provider, agentsAffected }: DeletedProvider) {
  return {
    id: provider.id,
    name: provider.name,
    deleted: true,
    agents_affected: agentsAffected,
    agents_count: agentsAffected.length,
  }
}

/** `Key` of http-api 4.12: what may be shown of it. */
export function keyAnswer(key: ProviderKey) {
  return {
    id: key.id,
    provider_id: key.providerId,
    provider_name: key.providerName,
    masked: key.masked,
    status: key.status,
    vault_key_id: key.vaultKeyId,
    created_at: isoTime(key.createdAt),
    retired_at: isoTimeOrNull(key.retiredAt),
    last_used_at: isoTimeOrNull(key.lastUsedAt),
  }
}
