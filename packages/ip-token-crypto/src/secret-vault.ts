/**
 * Seals secrets at rest under versioned master keys. Every sealed value is bound to a context, the row it belongs to: in
 * another row it does not open (pitfall SEC-17). The vault stores nothing and shows nothing of its keys.
 */
import { createSecretKey, type KeyObject } from 'node:crypto'
import { decrypt, encrypt, TAG_BYTES } from './aes-gcm.ts'
import { fromBase64, toBase64 } from './base64.ts'
import { CryptoError } from './errors.ts'
import { checkVaultKeys, KEY_ID, type VaultKey } from './master-keys.ts'
import { NoncePool } from './nonces.ts'
import { secretBytes, secretOf } from './secret-text.ts'
import { zeroAfter } from './zeroing.ts'

/** A secret as it may be stored. Both texts are standard base64 with padding. */
export interface SealedSecret {
  /** Id of the master key that opens it. */
  readonly keyId: string
  /** 12 bytes. */
  readonly nonce: string
  /** The encrypted secret followed by its 16-byte tag. */
  readonly ciphertext: string
}

const nonces = new NoncePool()

/**
 * Seals secrets at rest under versioned master keys; each value opens only in the context that it was sealed for.
 *
 * @example
 * const vault = new SecretVault([{ id: 'k1', key: generateMasterKey() }])
 * vault.open(vault.seal('sk-secret', 'key_1|prov_1'), 'key_1|prov_1') // 'sk-secret'
 */
export class SecretVault {
  readonly #currentKeyId: string
  readonly #keys: ReadonlyMap<unknown, KeyObject>

  /**
   * The first key seals; all keys open. The bytes are copied: the caller may zero its own.
   *
   * @throws {CryptoError} INVALID_KEY with `details.fields`, all faults at once
   */
  constructor(keys: readonly [VaultKey, ...VaultKey[]]) {
    checkVaultKeys(keys)
    this.#currentKeyId = keys[0].id
    this.#keys = new Map(keys.map(({ id, key }) => [id, createSecretKey(key)]))
  }

  /** Id of the key that `seal` uses. */
  get currentKeyId(): string {
    return this.#currentKeyId
  }

  /**
   * Seals with the current key and a fresh nonce: sealing twice gives two different values. `context` is authenticated,
   * not stored: give the ids of the row.
   *
   * @throws {CryptoError} INVALID_FORMAT the secret is empty or not visible ASCII, or the context empty or ill-formed;
   * SECRET_TOO_LONG over 4096 characters
   */
  seal(secret: string, context: string): SealedSecret {
    const aad = contextBytes(context)
    if (aad === undefined) {
      throw new CryptoError('INVALID_FORMAT', { fields: { context: 'must be well-formed, non-empty text' } })
    }
    return zeroAfter(secretBytes(secret), (bytes) => this.#seal(bytes, aad))
  }

  /**
   * @throws {CryptoError} UNKNOWN_KEY the vault lacks the key it was sealed with; DECRYPT_FAILED for everything else:
   * another context, a changed bit, text that is not canonical base64
   */
  open(sealed: SealedSecret, context: string): string {
    return zeroAfter(this.#open(sealed, context), secretOf)
  }

  /**
   * The same secret sealed anew with the current key; it never becomes a string on the way.
   *
   * @throws {CryptoError} as `open`
   */
  rewrap(sealed: SealedSecret, context: string): SealedSecret {
    return zeroAfter(this.#open(sealed, context), (bytes) => this.#seal(bytes, Buffer.from(context, 'utf8')))
  }

  /** Whether another key than the current one sealed it. */
  needsRewrap(sealed: SealedSecret): boolean {
    return sealed.keyId !== this.#currentKeyId
  }

  #seal(secret: Uint8Array, aad: Uint8Array): SealedSecret {
    const nonce = nonces.take()
    const { ciphertext, tag } = encrypt(this.#key(this.#currentKeyId), nonce, secret, aad)
    const sealed = {
      keyId: this.#currentKeyId,
      nonce: toBase64(nonce),
      ciphertext: toBase64(Buffer.concat([ciphertext, tag])),
    }
    return Object.freeze(sealed)
  }

  /** Takes less than the public type promises: what is read from storage may lack parts. */
  #open(sealed: Partial<SealedSecret> | null | undefined, context: string): Buffer {
    const { keyId, nonce, ciphertext }: Partial<SealedSecret> = sealed ?? {}
    const key = this.#key(keyId)
    const aad = contextBytes(context)
    const nonceBytes = fromBase64(nonce)
    const sealedBytes = fromBase64(ciphertext)
    if (aad === undefined || nonceBytes === undefined || sealedBytes === undefined || sealedBytes.length <= TAG_BYTES) {
      throw new CryptoError('DECRYPT_FAILED')
    }
    const tagAt = sealedBytes.length - TAG_BYTES
    const encrypted = { ciphertext: sealedBytes.subarray(0, tagAt), tag: sealedBytes.subarray(tagAt) }
    return decrypt(key, nonceBytes, encrypted, aad)
  }

  #key(keyId: unknown): KeyObject {
    const key = this.#keys.get(keyId)
    if (key === undefined)
      throw new CryptoError('UNKNOWN_KEY', typeof keyId === 'string' && KEY_ID.test(keyId) ? { keyId } : {})
    return key
  }
}

/** Lone surrogates are refused: two different ones become the same bytes, and so two contexts one. */
function contextBytes(context: string): Buffer | undefined {
  if (typeof context !== 'string' || context === '' || !context.isWellFormed()) return undefined
  return Buffer.from(context, 'utf8')
}
