import type { ProviderKind } from '@iron/cost-calculator'
import { type EpochMs, Faults, type JsonText } from '@iron/database'
import { refuseFaults } from '../errors.ts'
import { checkBaseUrl } from './base-url.ts'

/** An LLM provider as agents know it. Prices are not part of it. */
export interface Provider {
  readonly id: string
  /** 1..50 of `a-z 0-9 -`; unique among the providers that exist. */
  readonly name: string
  /** Whose API it speaks; never changes. */
  readonly kind: ProviderKind
  readonly baseUrl: string
  /** What runtimes and dashboards show; other models are recorded and charged all the same. */
  readonly models: readonly string[]
  /** `disabled`: its key is handed to nobody; running leases go on. */
  readonly status: 'active' | 'disabled'
  /** Whether there is an active key. */
  readonly hasKey: boolean
  /** Epoch ms. */
  readonly createdAt: number
  readonly updatedAt: number
}

/** What a provider is created from. */
export type NewProvider = Pick<Provider, 'name' | 'kind' | 'baseUrl' | 'models'>

/** What may be changed of a provider; what is absent stays. */
export type ProviderChange = {
  readonly [Field in 'name' | 'baseUrl' | 'models' | 'status']?: Provider[Field] | undefined
}

/** Which providers are listed. */
export interface ProviderFilter {
  /** Part of the name. */
  readonly name?: string | undefined
  readonly status?: Provider['status'] | undefined
}

/** Bounds of http-api 4.11; texts in code points. */
const MODELS_MAX = 100
const MODEL_NAME_MAX = 255
const KINDS: readonly ProviderKind[] = ['openai', 'anthropic', 'google', 'azure_openai', 'custom']
export const PROVIDER_STATUSES: readonly Provider['status'][] = ['active', 'disabled']

/** @throws {TokenManagerError} VALIDATION_ERROR */
export function checkNewProvider(provider: NewProvider): NewProvider {
  const faults = new Faults()
  checkProviderName(faults, 'name', provider.name)
  faults.oneOf('kind', provider.kind, KINDS)
  checkBaseUrl(faults, 'baseUrl', provider.baseUrl)
  const models = checkedModels(faults, provider.models)
  refuseFaults(faults)
  return { name: provider.name, kind: provider.kind, baseUrl: provider.baseUrl, models }
}

/** @throws {TokenManagerError} VALIDATION_ERROR, also for a change of nothing (VAL-05) */
export function checkProviderChange(change: ProviderChange): ProviderChange {
  const faults = new Faults()
  const { name, baseUrl, models, status } = change
  const given = [name, baseUrl, models, status].some((value) => value !== undefined)
  faults.check(given, '$', 'must change something')
  if (name !== undefined) checkProviderName(faults, 'name', name)
  if (baseUrl !== undefined) checkBaseUrl(faults, 'baseUrl', baseUrl)
  const trimmed = models === undefined ? undefined : checkedModels(faults, models)
  if (status !== undefined) faults.oneOf('status', status, PROVIDER_STATUSES)
  refuseFaults(faults)
  return { name, baseUrl, models: trimmed, status }
}

/** Notes under `path` what is wrong with the name of a provider. */
export function checkProviderName(faults: Faults, path: string, name: unknown): void {
  const slug = typeof name === 'string' && /^[a-z0-9-]{1,50}$/.test(name)
  faults.check(slug, path, 'must be 1 to 50 of a-z, 0-9 and -')
}

function checkedModels(faults: Faults, models: unknown): readonly string[] {
  if (!Array.isArray(models) || models.length < 1 || models.length > MODELS_MAX) {
    faults.add('models', `must be 1 to ${MODELS_MAX} names`)
    return []
  }
  return models.map((model: unknown, index) => {
    const trimmed = typeof model === 'string' ? model.trim() : model
    faults.text(`models[${index}]`, trimmed, { max: MODEL_NAME_MAX })
    return String(trimmed)
  })
}

/** A row of `providers`, and whether it has an active key. */
export interface ProviderRow {
  readonly id: string
  readonly name: string
  readonly kind: ProviderKind
  readonly base_url: string
  readonly models: JsonText
  readonly status: Provider['status']
  readonly created_at: EpochMs
  readonly updated_at: EpochMs
  readonly active_key_id: string | null
}

export function toProvider(row: ProviderRow): Provider {
  return Object.freeze({
    id: row.id,
    name: row.name,
    kind: row.kind,
    baseUrl: row.base_url,
    models: Object.freeze(JSON.parse(row.models) as string[]),
    status: row.status,
    hasKey: row.active_key_id !== null,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  })
}

/** A provider in an audit entry: wire names, nothing secret. */
export function auditedProvider(row: ProviderRow): Record<string, string | string[]> {
  return {
    name: row.name,
    kind: row.kind,
    base_url: row.base_url,
    models: JSON.parse(row.models) as string[],
    status: row.status,
  }
}
