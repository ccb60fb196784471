/**
 * Master keys: how they are made, written in a configuration and checked. Their bytes never reach an error, nor the
 * output of `util.inspect` or `JSON.stringify`.
 */
import { randomBytes } from 'node:crypto'
import { KEY_BYTES } from './aes-gcm.ts'
import { fromBase64 } from './base64.ts'
import { CryptoError } from './errors.ts'

/** A master key and the id that sealed values name it by. */
export interface VaultKey {
  /** 1 to 32 of `A-Z a-z 0-9 . _ -`. */
  readonly id: string
  /**
   * Exactly 32 bytes. In what {@link parseMasterKeys} returns it is behind an accessor that is not enumerable, so that printing shows the
   * id only, hidden properties included.
   */
  readonly key: Uint8Array
}

/** How the id of a master key looks; also what may be repeated of one in an error. */
export const KEY_ID = /^[A-Za-z0-9._-]{1,32}$/

/** A fresh key: 32 random bytes. */
export function generateMasterKey(): Uint8Array {
  // Copied out: a Buffer may be a window on memory that others see.
  return new Uint8Array(randomBytes(KEY_BYTES))
}

/**
 * Master keys as a configuration holds them: `id:base64,id:base64`, the first is current. Spaces around entries are
 * ignored.
 *
 * @throws {CryptoError} INVALID_KEY with `details.fields`, all faults at once, none of which repeats the text
 */
export function parseMasterKeys(text: string): readonly [VaultKey, ...VaultKey[]] {
  const entries = typeof text === 'string' ? text.split(',') : []
  const keys = entries.map((entry) => {
    const [id = '', encoded, ...rest] = entry.trim().split(':')
    return vaultKey(id, rest.length === 0 ? fromBase64(encoded) : undefined)
  })
  checkVaultKeys(keys)
  return Object.freeze(keys)
}

/** @throws {CryptoError} INVALID_KEY unless there is at least one key and all have 32 bytes and ids of their own */
export function checkVaultKeys(keys: unknown): asserts keys is readonly [VaultKey, ...VaultKey[]] {
  const fields: Record<string, string> = {}
  const ids = new Set<string>()
  const list: unknown[] = Array.isArray(keys) ? keys : []
  if (list.length === 0) fields.keys = 'must hold at least one key'
  list.forEach((entry, index) => {
    const { id, key } = (entry ?? {}) as Partial<VaultKey>
    if (typeof id !== 'string' || !KEY_ID.test(id)) fields[`keys[${index}].id`] = 'must be 1 to 32 of A-Z a-z 0-9 . _ -'
    else if (ids.has(id)) fields[`keys[${index}].id`] = 'is used twice'
    else ids.add(id)
    const isKey = key instanceof Uint8Array && key.byteLength === KEY_BYTES
    if (!isKey) fields[`keys[${index}].key`] = `must be exactly ${KEY_BYTES} bytes`
  })
  if (Object.keys(fields).length > 0) throw new CryptoError('INVALID_KEY', { fields: Object.freeze(fields) })
}

function vaultKey(id: string, key: Uint8Array | undefined): VaultKey {
  return Object.freeze(Object.defineProperty({ id }, 'key', { get: () => key, enumerable: false })) as VaultKey
}
