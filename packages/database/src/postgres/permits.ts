import type { Deadline } from './within.ts'

interface Waiter {
  readonly admit: () => void
  readonly refuse: (error: Error) => void
}

/**
 * A fixed number of permits, given in the order of asking. Nobody waits longer than they said, and nobody joins a queue that is full:
 * a crowd in front of a database that hangs must neither fill the memory nor be answered after its callers have gone (CON-13).
 */
export class Permits {
  readonly #size: number
  readonly #waitingMax: number
  readonly #full: () => Error
  readonly #waiting = new Set<Waiter>()
  #free: number
  #refusal: Error | undefined
  #idle: (() => void) | undefined

  /** @param full the error of a caller for whom there is no room in the queue */
  constructor(size: number, waitingMax: number, full: () => Error) {
    this.#size = this.#free = size
    this.#waitingMax = waitingMax
    this.#full = full
  }

  /** How many wait for one. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** Resolves with a permit, to be given back with {@link give}. */
  async take({ deadlineMs, late }: Deadline): Promise<void> {
    if (this.#refusal !== undefined) throw this.#refusal
    if (this.#free > 0) {
      this.#free -= 1
      return
    }
    if (this.#waiting.size >= this.#waitingMax) throw this.#full()
    await new Promise<void>((resolve, reject) => {
      const waiter: Waiter = {
        admit: () => {
          clearTimeout(timer)
          resolve()
        },
        refuse: (error) => {
          clearTimeout(timer)
          this.#waiting.delete(waiter)
          reject(error)
        },
      }
      const timer = setTimeout(() => waiter.refuse(late()), Math.max(0, deadlineMs - performance.now()))
      this.#waiting.add(waiter)
    })
  }

  give(): void {
    const [next] = this.#waiting
    if (next === undefined) {
      this.#free += 1
      if (this.#free === this.#size) this.#idle?.()
    } else {
      this.#waiting.delete(next)
      next.admit()
    }
  }

  /** Resolves when every permit is back and nobody waits. */
  async idle(): Promise<void> {
    if (this.#free < this.#size) await new Promise<void>((resolve) => (this.#idle = resolve))
  }

  /** Refuses everyone who waits, and everyone who comes. */
  close(error: Error): void {
    this.#refusal = error
    for (const waiter of [...this.#waiting]) waiter.refuse(error)
  }
}
