/**
 * Standard base64 with padding (RFC 4648 4), read strictly: node's own decoder skips what it does not know, so that many
 * texts would mean the same bytes and a changed character could go unnoticed.
 */

export function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}

/** The bytes, or `undefined` unless this text is exactly what {@link toBase64} makes of them. */
export function fromBase64(text: unknown): Buffer | undefined {
  if (typeof text !== 'string') return undefined
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : undefined
}
