import type { EpochMs } from '@iron/database'
import type { SealedSecret } from '@iron/ip-token-crypto'

/** A provider's API key, without the key: it is write-only. */
export interface ProviderKey {
  readonly id: string
  readonly providerId: string
  readonly providerName: string
  /** First 4 and last 3 characters, `***` up to 12. */
  readonly masked: string
  readonly status: 'active' | 'retired'
  /** Which master key sealed it; empty once its ciphertext has been destroyed. */
  readonly vaultKeyId: string
  /** Epoch ms, like all times. */
  readonly createdAt: number
  readonly retiredAt: number | null
  /** Last hand-over to an agent, at most a minute old. */
  readonly lastUsedAt: number | null
}

/** Which keys are listed. */
export interface ProviderKeyFilter {
  readonly providerId?: string | undefined
  readonly status?: ProviderKey['status'] | undefined
}

/** What is read for a {@link ProviderKey}. */
export interface ProviderKeyRow {
  readonly id: string
  readonly provider_id: string
  readonly provider_name: string
  readonly masked: string
  readonly status: ProviderKey['status']
  readonly vault_key_id: string | null
  readonly created_at: EpochMs
  readonly retired_at: EpochMs | null
  readonly last_used_at: EpochMs | null
}

export function toProviderKey(row: ProviderKeyRow): ProviderKey {
  return Object.freeze({
    id: row.id,
    providerId: row.provider_id,
    providerName: row.provider_name,
    masked: row.masked,
    status: row.status,
    vaultKeyId: row.vault_key_id ?? '',
    createdAt: row.created_at,
    retiredAt: row.retired_at,
    lastUsedAt: row.last_used_at,
  })
}

/** What a sealed key is bound to: in another row it does not open (SEC-17). */
export function sealContext(keyId: string, providerId: string): string {
  return `${keyId}|${providerId}`
}

/** Bytes of an AES-GCM tag: the end of a vault's ciphertext. */
const TAG_BYTES = 16

/** The stored form, base64 `iv:ciphertext:tag` (data-model 3.3). */
export function toSealedColumn(sealed: SealedSecret): string {
  const bytes = Buffer.from(sealed.ciphertext, 'base64')
  const tagAt = bytes.length - TAG_BYTES
  return [sealed.nonce, bytes.subarray(0, tagAt).toString('base64'), bytes.subarray(tagAt).toString('base64')].join(':')
}

/** The inverse of {@link toSealedColumn}; what is not of that form becomes something no vault opens. */
export function fromSealedColumn(column: string, vaultKeyId: string): SealedSecret {
  const [nonce = '', ciphertext = '', tag = ''] = column.split(':')
  const bytes = Buffer.concat([Buffer.from(ciphertext, 'base64'), Buffer.from(tag, 'base64')])
  return { keyId: vaultKeyId, nonce, ciphertext: bytes.toString('base64') }
}
