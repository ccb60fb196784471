/**
 * The text of an API token: `at_`, 43 characters base64url of 32 random bytes, and 6 characters of checksum, by which a
 * mistyped or invented one is told from ours without asking the database. Only the hash of a token is ever stored.
 */
import { hash, randomFillSync } from 'node:crypto'
import { crc32 } from 'node:zlib'

/** What scanners for leaked secrets look for. */
const PREFIX = 'at_'
/** Random bytes of a token: 256 bits (SEC-02). */
const RANDOM_BYTES = 32
/** Random bytes fetched at once: one system call serves 64 tokens. */
const POOL_BYTES = 2_048
/** Characters that the checksum is computed over: the prefix and 32 bytes as base64url. */
const CHECKED_LENGTH = 46
/** The exact form of a token. */
const FORM = /^at_[\w-]{43}[0-9A-Za-z]{6}$/
/** Longest text that is looked up as a token, in UTF-16 units. */
const SECRET_MAX = 512

/** Digits of base 62, from 0 to 61. */
const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
/** Digits that hold any 32-bit number: 62^6 is above 2^32. */
const CHECKSUM_LENGTH = 6

const pool = Buffer.alloc(POOL_BYTES)
let used = POOL_BYTES

/**
 * A new API token: `at_`, 32 random bytes as base64url, and the checksum of those 46 characters: their CRC-32 (as in zip and
 * PNG) as six base-62 digits `0-9A-Za-z`, the most significant first, padded with `0`.
 */
export function generateApiToken(): string {
  if (used === POOL_BYTES) {
    randomFillSync(pool)
    used = 0
  }
  const text = PREFIX + pool.toString('base64url', used, used + RANDOM_BYTES)
  // What was handed out must not be found in memory once its holder has dropped it.
  pool.fill(0, used, used + RANDOM_BYTES)
  used += RANDOM_BYTES
  return text + checksumOf(text)
}

/** The form in which a token is stored and looked up: lower-case hex SHA-256 of its text. */
export function hashApiToken(secret: string): string {
  return hash('sha256', secret, 'hex')
}

/** Whether something is a text that may have been stored as a token: 1..512 characters, valid Unicode. */
export function isSecretText(secret: unknown): secret is string {
  // Lone surrogates would be hashed as U+FFFD: two texts must not be one token (SEC-03).
  return typeof secret === 'string' && secret.length >= 1 && secret.length <= SECRET_MAX && secret.isWellFormed()
}

/**
 * Whether a text has the exact form of our tokens and not their checksum: it was mistyped or made up, which is known without
 * a query. Texts of any other form say nothing by themselves (http-api 2).
 */
export function hasBrokenChecksum(secret: string): boolean {
  if (secret.length !== CHECKED_LENGTH + CHECKSUM_LENGTH || !FORM.test(secret)) return false
  return !secret.endsWith(checksumOf(secret.slice(0, CHECKED_LENGTH)))
}

function checksumOf(text: string): string {
  let rest = crc32(text)
  let digits = ''
  for (let place = 0; place < CHECKSUM_LENGTH; place += 1) {
    digits = BASE62.charAt(rest % BASE62.length) + digits
    rest = Math.floor(rest / BASE62.length)
  }
  return digits
}

/** Characters of a hint at both ends (http-api 4.3). */
const HINT_HEAD = 7
const HINT_TAIL = 4
/** Below this length a hint would give away most of the secret (SEC-27). */
const HINTED_LENGTH_MIN = 20

/** What may be shown of a token for ever: its first 7 and last 4 characters, `***` of a short one. */
export function hintOf(secret: string): string {
  const characters = Array.from(secret)
  if (characters.length < HINTED_LENGTH_MIN) return '***'
  return `${characters.slice(0, HINT_HEAD).join('')}...${characters.slice(-HINT_TAIL).join('')}`
}
