/** A token bucket by the book, in BigInt; shares nothing with the package. Times are counted in 1/refill ms. */
export class ExactBucket {
  readonly #capacity: bigint
  readonly #refill: bigint
  readonly #intervalMs: bigint
  #fullAt = -(10n ** 30n)

  constructor(rule: { readonly capacity: number; readonly refill: number; readonly intervalMs: number }) {
    this.#capacity = BigInt(rule.capacity)
    this.#refill = BigInt(rule.refill)
    this.#intervalMs = BigInt(rule.intervalMs)
  }

  consume(
    cost: number,
    nowMs: number,
  ): { allowed: boolean; remaining: number; retryAfterMs: number; resetAtMs: number } {
    const now = BigInt(nowMs) * this.#refill
    const emptyUntil = now + this.#capacity * this.#intervalMs
    // Ahead of that, it was written before the clock stepped back.
    if (this.#fullAt > emptyUntil) this.#fullAt = emptyUntil
    let fullAt = this.#fullAt < now ? now : this.#fullAt
    const missing = fullAt + BigInt(cost) * this.#intervalMs - emptyUntil
    if (missing <= 0n) this.#fullAt = fullAt += BigInt(cost) * this.#intervalMs
    return {
      allowed: missing <= 0n,
      remaining: Number((emptyUntil - fullAt) / this.#intervalMs),
      retryAfterMs: missing <= 0n ? 0 : BigInt(cost) > this.#capacity ? Infinity : this.#wholeMs(missing),
      resetAtMs: this.#wholeMs(fullAt),
    }
  }

  /** Rounded up. A division of BigInts rounds towards 0, which is up already for times before 1970. */
  #wholeMs(time: bigint): number {
    return Number((time > 0n ? time + this.#refill - 1n : time) / this.#refill)
  }
}
