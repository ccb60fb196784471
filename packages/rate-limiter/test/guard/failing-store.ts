import { MemoryRateLimitStore, type RateLimitStore, type StoreOperation, type StoreResult } from '../../src/index.ts'

/** How a store fails: at once, never answering, by throwing instead of rejecting, or with an answer that is none. */
export type Failure = 'reject' | 'hang' | 'throw' | 'shorten'

/** A store that works until a test breaks it, and counts how often it is asked. */
export class FailingStore implements RateLimitStore {
  failure: Failure | undefined
  asked = 0
  readonly #memory = new MemoryRateLimitStore()
  readonly #hanging: { resolve: () => void; reject: (reason: unknown) => void }[] = []

  apply(operations: readonly StoreOperation[], now: number): Promise<readonly StoreResult[]> {
    return this.#ask(async () => this.#memory.apply(operations, now), [])
  }

  delete(key: string): Promise<void> {
    return this.#ask(async () => this.#memory.delete(key), undefined)
  }

  /** Lets the calls that hang end. */
  release(how: 'answer' | 'reject'): void {
    for (const { resolve, reject } of this.#hanging.splice(0)) {
      if (how === 'answer') resolve()
      else reject(new Error('the connection was lost long ago'))
    }
  }

  async #hang(): Promise<void> {
    await new Promise<void>((resolve, reject) => this.#hanging.push({ resolve, reject }))
  }

  #ask<T>(work: () => Promise<T>, short: T): Promise<T> {
    this.asked += 1
    switch (this.failure) {
      case undefined:
        return work()
      case 'reject':
        return Promise.reject(new Error('the store is gone'))
      case 'hang':
        return this.#hang().then(work)
      case 'throw':
        throw new Error('the store is gone')
      case 'shorten':
        return Promise.resolve(short)
    }
  }
}
