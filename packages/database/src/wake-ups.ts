/** Listeners of this process, by channel. */
export class WakeUps {
  readonly #listeners = new Map<string, Set<(payload: string) => void>>()
  readonly #report: (error: unknown) => void

  constructor(report: (error: unknown) => void) {
    this.#report = report
  }

  add(channel: string, wake: (payload: string) => void): () => void {
    const listeners = this.#listeners.get(channel) ?? new Set()
    // A wrapper, so that the same function listening twice is two listeners.
    const listener = (payload: string): void => wake(payload)
    this.#listeners.set(channel, listeners.add(listener))
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0) this.#listeners.delete(channel)
    }
  }

  get channels(): string[] {
    return [...this.#listeners.keys()]
  }

  wake(channel: string, payload: string): void {
    for (const listener of this.#listeners.get(channel) ?? []) {
      try {
        listener(payload)
      } catch (error) {
        this.#report(error)
      }
    }
  }
}
