/**
 * Keeps secrets in memory for as short as JavaScript allows: buffers are zeroed whether their use succeeds or throws.
 * Strings cannot be zeroed; they are made last and handed over at once.
 */

/** What `use` makes of the bytes, which are zero afterwards in every case. */
export function zeroAfter<T>(bytes: Uint8Array, use: (bytes: Uint8Array) => T): T {
  try {
    return use(bytes)
  } finally {
    bytes.fill(0)
  }
}
