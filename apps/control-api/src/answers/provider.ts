import type { DeletedProvider } from '@iron/agent-registry'
import type { Provider, ProviderKey } from '@iron/token-manager'
import { id, nullable, oneOf, time } from '../http/schemas.ts'
import { isoTime, isoTimeOrNull } from './scalars.ts'
import { component, flag, list, shape, type Shaped, shown, usuallyNull, whole } from './shape.ts'

export const providerKind = oneOf('openai', 'anthropic', 'google', 'azure_openai', 'custom')

const providerAccessFields = {
  id: id('prov'),
  name: shown('openai-main'),
  kind: providerKind,
  base_url: shown('https://api.openai.com/v1'),
  models: list(shown('demo-large')),
}

/** What a runtime is told of the provider it calls. */
export const providerAccessShape = component('ProviderAccess', providerAccessFields)

export const providerShape = component('Provider', {
  ...providerAccessFields,
  status: oneOf('active', 'disabled'),
  has_key: flag(true),
  created_at: time(),
  updated_at: time(),
})

export const deletedProviderShape = shape({
  id: id('prov'),
  name: shown('openai-main'),
  deleted: flag(true),
  agents_affected: list(id('agent')),
  agents_count: whole(1),
})

const keyFields = {
  id: id('key'),
  provider_id: id('prov'),
  provider_name: shown('openai-main'),
  masked: shown('sk-d...def'),
  status: oneOf('active', 'retired'),
  vault_key_id: shown('k1'),
  created_at: time(),
  retired_at: usuallyNull(nullable(time())),
  last_used_at: nullable(time()),
}

export const keyShape = component('Key', keyFields)

export const rotatedKeyShape = component('RotatedKey', { ...keyFields, retired_key_id: nullable(id('key')) })

/** `Provider` of http-api 4.11. */
export function providerAnswer(provider: Provider): Shaped<typeof providerShape> {
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
export function deletedProviderAnswer({
  provider,
  agentsAffected,
}: DeletedProvider): Shaped<typeof deletedProviderShape> {
  return {
    id: provider.id,
    name: provider.name,
    deleted: true,
    agents_affected: agentsAffected,
    agents_count: agentsAffected.length,
  }
}

/** `Key` of http-api 4.12: what may be shown of it. */
export function keyAnswer(key: ProviderKey): Shaped<typeof keyShape> {
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
