/**
 * What may be sealed: provider keys as providers hand them out, visible ASCII. Checked before sealing and again after
 * opening, so that neither side ever meets anything else.
 */
import { CryptoError } from './errors.ts'

/** Longest secret, in characters (= bytes). */
export const SECRET_MAX_CHARS = 4096

const VISIBLE_ASCII = /^[\x21-\x7e]+$/

/**
 * The bytes of a secret, which the caller zeroes after use.
 *
 * @throws {CryptoError} SECRET_TOO_LONG; INVALID_FORMAT when it is empty or not visible ASCII
 */
export function secretBytes(secret: string): Buffer {
  if (typeof secret !== 'string' || !VISIBLE_ASCII.test(secret.slice(0, SECRET_MAX_CHARS))) {
    throw new CryptoError('INVALID_FORMAT', {
      fields: { secret: `must be 1 to ${SECRET_MAX_CHARS} visible ASCII characters` },
    })
  }
  if (secret.length > SECRET_MAX_CHARS) {
    throw new CryptoError('SECRET_TOO_LONG', { fields: { secret: `must be at most ${SECRET_MAX_CHARS} characters` } })
  }
  return Buffer.from(secret, 'latin1')
}

/** @throws {CryptoError} DECRYPT_FAILED when the bytes are no secret that {@link secretBytes} would have taken */
export function secretOf(bytes: Uint8Array): string {
  if (bytes.byteLength > SECRET_MAX_CHARS) throw new CryptoError('DECRYPT_FAILED')
  const secret = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  if (!VISIBLE_ASCII.test(secret)) throw new CryptoError('DECRYPT_FAILED')
  return secret
}

/** Up to this many characters everything is hidden: the ends of a short secret are too much of it. */
const HIDDEN_UP_TO = 12
const SHOWN_AT_START = 4
const SHOWN_AT_END = 3

/**
 * What may be shown of a secret (http-api 4.12): its first 4 and last 3 characters (code points), `***` up to 12.
 *
 * @example
 * maskSecret('sk-demo-1234567890def') // 'sk-d...def'
 */
export function maskSecret(secret: string): string {
  const characters = Array.from(secret)
  if (characters.length <= HIDDEN_UP_TO) return '***'
  return `${characters.slice(0, SHOWN_AT_START).join('')}...${characters.slice(-SHOWN_AT_END).join('')}`
}
