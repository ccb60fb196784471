/**
 * Leaves a failed store alone, so that an outage does not cost every call its deadline. After a while one call at a time
 * tries it again; the first answer ends the outage.
 */

/** How long a store is left alone after a failure. */
export const RETRY_AFTER_MS = 1000

export class Breaker {
  #failedAt: number | undefined
  #calls = 0
  #lastAnswered = 0
  /** The one call that tries a failed store. */
  #probe: number | undefined

  get isOpen(): boolean {
    return this.#failedAt !== undefined
  }

  /** The number of the call to be made, or nothing while the store is left alone. */
  admit(now: number): number | undefined {
    if (this.#failedAt !== undefined) {
      if (this.#probe !== undefined || this.retryAfterMs(now) > 0) return undefined
      this.#probe = this.#calls + 1
    }
    this.#calls += 1
    return this.#calls
  }

  answered(call: number): void {
    this.#failedAt = undefined
    this.#probe = undefined
    this.#lastAnswered = Math.max(this.#lastAnswered, call)
  }

  failed(call: number, now: number): void {
    if (call === this.#probe) this.#probe = undefined
    // A call from before the store came back says nothing about it now.
    if (call > this.#lastAnswered) this.#failedAt = now
  }

  /** How long until the store is tried again; 0: now. */
  retryAfterMs(now: number): number {
    const sinceMs = now - (this.#failedAt ?? -Infinity)
    // A clock that stepped back does not prolong it.
    return sinceMs >= 0 && sinceMs < RETRY_AFTER_MS ? RETRY_AFTER_MS - sinceMs : 0
  }
}
