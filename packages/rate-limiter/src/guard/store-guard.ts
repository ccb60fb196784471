import { type Clock, wholeMs } from '../clock.ts'
import { Spaces } from '../memory/spaces.ts'
import type { Place } from '../scheme.ts'
import type { RateLimitStore } from '../store.ts'
import { Breaker } from './breaker.ts'
import { withDeadline } from './deadline.ts'

/** Most records of the limits that hold in this process while the store is away. */
const INSURANCE_KEYS_MAX = 100_000

const guards = new WeakMap<RateLimitStore, StoreGuard>()

/**
 * What stands between limiters and a store that may fail. All limiters of one store share it: when one of them finds the
 * store gone, the others need not find out for themselves, and the limits that hold meanwhile are one memory store.
 */
export class StoreGuard {
  readonly store: RateLimitStore
  readonly #breaker = new Breaker()
  #insurance: Spaces | undefined

  constructor(store: RateLimitStore) {
    this.store = store
  }

  /** The one guard of a store. */
  static of(store: RateLimitStore): StoreGuard {
    let guard = guards.get(store)
    if (guard === undefined) {
      guard = new StoreGuard(store)
      guards.set(store, guard)
    }
    return guard
  }

  /** Whether the store failed and has not answered since. */
  get isDegraded(): boolean {
    return this.#breaker.isOpen
  }

  /** Where `'local'` limits; made at the first outage. */
  get insurance(): Spaces {
    this.#insurance ??= new Spaces(INSURANCE_KEYS_MAX)
    return this.#insurance
  }

  /** Forgets a key in `insurance`, if there is one. */
  forgetInsured(place: Place, key: string): void {
    if (this.#insurance !== undefined) this.#insurance.remove(this.#insurance.at(place), key)
  }

  /** How long until the store is tried again, at least 1 ms. */
  retryAfterMs(now: number): number {
    return Math.max(1, this.#breaker.retryAfterMs(now))
  }

  /** What the store answered, or why it did not. Never rejects. */
  async ask<T>(work: (store: RateLimitStore) => Promise<T>, clock: Clock, timeoutMs: number): Promise<Answer<T>> {
    const call = this.#breaker.admit(wholeMs(clock))
    if (call === undefined) return { failure: new Error('The store failed less than a second ago') }
    try {
      const value = await withDeadline(() => work(this.store), timeoutMs)
      this.#breaker.answered(call)
      return { value }
    } catch (failure) {
      this.#breaker.failed(call, wholeMs(clock))
      return { failure }
    }
  }
}

export type Answer<T> =
  { readonly value: T; readonly failure?: undefined } | { readonly value?: undefined; readonly failure: unknown }
