/**
 * The signature of IC tokens: HMAC-SHA256 over header and payload as they stand (RFC 7515 5.2, RFC 7518 3.2). Nothing here
 * reads the token: which algorithm it names was decided before.
 */
import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto'

/** Whether a key made the signature of a token, compared in constant time. */
export function isSignedBy(jwt: string, key: KeyObject): boolean {
  const end = jwt.lastIndexOf('.')
  const made = createHmac('sha256', key).update(jwt.slice(0, end)).digest('base64url')
  // Texts and not bytes are compared: other texts decode to the same bytes, and a token is one text.
  const given = Buffer.from(jwt.slice(end + 1), 'latin1')
  return given.length === made.length && timingSafeEqual(given, Buffer.from(made, 'latin1'))
}
