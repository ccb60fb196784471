/**
 * Nonces for AES-GCM, 12 random bytes each (NIST SP 800-38D 8.2.2). Random bytes are fetched for many nonces at once,
 * since one fetch costs more than the encryption itself; what was handed out is zeroed and never handed out again.
 * Random 96-bit nonces are safe for 2^32 seals under one key (SP 800-38D 8.3): rotate the master key long before.
 */
import { randomFillSync } from 'node:crypto'

/** NIST SP 800-38D 5.2.1.1 recommends exactly 96 bits. */
export const NONCE_BYTES = 12

/** Nonces fetched at once: 3 KiB of random bytes. */
const POOLED_NONCES = 256

export class NoncePool {
  readonly #pool = Buffer.alloc(NONCE_BYTES * POOLED_NONCES)
  readonly #fill: (pool: Uint8Array) => void
  #used = this.#pool.length

  /** `fill` is replaced by tests only, to see what is taken from the pool and what stays in it. */
  constructor(fill: (pool: Uint8Array) => void = randomFillSync) {
    this.#fill = fill
  }

  /** Twelve bytes that no other call gets; the caller owns them. */
  take(): Buffer {
    if (this.#used === this.#pool.length) {
      this.#fill(this.#pool)
      this.#used = 0
    }
    const bytes = this.#pool.subarray(this.#used, this.#used + NONCE_BYTES)
    const nonce = Buffer.from(bytes)
    bytes.fill(0)
    this.#used += NONCE_BYTES
    return nonce
  }
}
