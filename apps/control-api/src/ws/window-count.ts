/** Tells when something happens more often than allowed within a sliding window. */
export class WindowCount {
  readonly #max: number
  readonly #windowMs: number
  readonly #times: number[] = []

  constructor(max: number, windowMs: number) {
    this.#max = max
    this.#windowMs = windowMs
  }

  /** Counts one at `nowMs`, a monotonic time. @returns whether it is more than `max` within the window */
  exceededBy(nowMs: number): boolean {
    this.#times.push(nowMs)
    if (this.#times.length <= this.#max) return false
    const before = this.#times.shift() ?? -Infinity
    return nowMs - before < this.#windowMs
  }
}
