/**
 * IP tokens: a provider key wrapped for one agent, one lease and one provider, openable only with that agent's IC token
 * (http-api 4.9.3). The key is derived from the IC token itself, so that whoever holds less learns nothing, and a
 * replaced IC token opens no earlier lease's key.
 */
import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import { decrypt, encrypt, KEY_BYTES } from './aes-gcm.ts'
import { fromBase64, toBase64 } from './base64.ts'
import { CryptoError } from './errors.ts'
import { NoncePool } from './nonces.ts'
import { secretBytes, SECRET_MAX_CHARS, secretOf } from './secret-text.ts'
import { zeroAfter } from './zeroing.ts'

/** What an IP token is bound to; opening needs exactly the same. Ids are opaque text without `|`. */
export interface IpTokenBinding {
  /** The IC token of the agent, with or without `ic_`. */
  readonly icToken: string
  readonly agentId: string
  readonly leaseId: string
  readonly providerId: string
}

const SCHEME = 'AES256'
const HKDF_INFO = Buffer.from('iron/ip-token/v1', 'latin1')
const IC_PREFIX = 'ic_'
/** Scheme, nonce, tag, colons and base64 of the longest secret, rounded up: nothing longer is looked at. */
const IP_TOKEN_MAX_CHARS = 64 + Math.ceil(SECRET_MAX_CHARS / 3) * 4

const nonces = new NoncePool()

/**
 * `AES256:<iv>:<ciphertext>:<tag>`, the parts in standard base64. Two tokens for the same key differ.
 *
 * @throws {CryptoError} INVALID_FORMAT the key is empty or not visible ASCII, or a part of the binding is empty,
 * ill-formed or contains `|`; SECRET_TOO_LONG over 4096 characters
 */
export function sealIpToken(providerKey: string, binding: IpTokenBinding): string {
  const fields = faultsOfBinding(binding)
  if (Object.keys(fields).length > 0) throw new CryptoError('INVALID_FORMAT', { fields: Object.freeze(fields) })
  return zeroAfter(secretBytes(providerKey), (secret) => {
    const nonce = nonces.take()
    const { ciphertext, tag } = encrypt(keyOf(binding), nonce, secret, aadOf(binding))
    return [SCHEME, toBase64(nonce), toBase64(ciphertext), toBase64(tag)].join(':')
  })
}

/**
 * The provider key.
 *
 * @throws {CryptoError} DECRYPT_FAILED whatever is wrong: another IC token, agent, lease or provider, a changed byte, a
 * text of another form
 */
export function openIpToken(token: string, binding: IpTokenBinding): string {
  const parts = partsOf(token)
  if (parts === undefined || Object.keys(faultsOfBinding(binding)).length > 0) throw new CryptoError('DECRYPT_FAILED')
  const [nonce, ciphertext, tag] = parts
  return zeroAfter(decrypt(keyOf(binding), nonce, { ciphertext, tag }, aadOf(binding)), secretOf)
}

/** HKDF-SHA256 (RFC 5869), 32 bytes, which the caller zeroes after use. */
export function deriveKey(ikm: Uint8Array, salt: Uint8Array, info: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', createSecretKey(ikm), salt, info, KEY_BYTES))
}

/** Node clears what a KeyObject held when it is collected. */
function keyOf({ icToken, leaseId }: IpTokenBinding): KeyObject {
  const salt = Buffer.from(leaseId, 'utf8')
  const derived = zeroAfter(Buffer.from(jwtOf(icToken), 'utf8'), (ikm) => deriveKey(ikm, salt, HKDF_INFO))
  return zeroAfter(derived, createSecretKey)
}

function aadOf({ agentId, leaseId, providerId }: IpTokenBinding): Buffer {
  return Buffer.from([agentId, leaseId, providerId].join('|'), 'utf8')
}

function jwtOf(icToken: string): string {
  return icToken.startsWith(IC_PREFIX) ? icToken.slice(IC_PREFIX.length) : icToken
}

function partsOf(token: unknown): [Buffer, Buffer, Buffer] | undefined {
  if (typeof token !== 'string' || token.length > IP_TOKEN_MAX_CHARS) return undefined
  const [scheme, ...encoded] = token.split(':')
  if (scheme !== SCHEME || encoded.length !== 3) return undefined
  const [nonce, ciphertext, tag] = encoded.map(fromBase64)
  return nonce && ciphertext && tag && [nonce, ciphertext, tag]
}

function faultsOfBinding(binding: IpTokenBinding): Record<string, string> {
  const given = binding as Partial<Record<keyof IpTokenBinding, unknown>> | null | undefined
  const fields: Record<string, string> = {}
  if (!isText(given?.icToken) || jwtOf(given.icToken) === '') fields['binding.icToken'] = 'must be an IC token'
  for (const name of ['agentId', 'leaseId', 'providerId'] as const) {
    const id = given?.[name]
    // With `|` inside an id, two different bindings could be authenticated by the same bytes.
    if (!isText(id) || id.includes('|')) fields[`binding.${name}`] = "must be non-empty text without '|'"
  }
  return fields
}

/** Lone surrogates are refused: two different ones become the same bytes in UTF-8. */
function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.isWellFormed()
}
