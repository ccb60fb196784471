import { createHash } from 'node:crypto'
import { emailKey } from '../users/account-keys.ts'

/** Longest e-mail that can be an account's, in code points. */
const EMAIL_MAX = 255

/**
 * The key under which failed logins of an e-mail are counted, whether anybody has that e-mail or not: the e-mail without
 * case, surrounding space and compatibility forms, or a hash of it when no account can have it. A rate limiter that counts
 * logins by this key counts exactly what the lock counts: no spelling of an e-mail gets a count of its own.
 *
 * @param email as it was typed; any text
 * @returns 1..255 code points
 * @example
 * loginKey(' Ann@Example.COM ') // 'ann@example.com'
 */
export function loginKey(email: string): string {
  const key = emailKey(email)
  const length = Array.from(key).length
  return length >= 1 && length <= EMAIL_MAX ? key : `sha256:${createHash('sha256').update(key).digest('hex')}`
}

/** The lock under which the failures of a {@link loginKey} are read and written. */
export function loginLock(key: string): string {
  return `login:${key}`
}
