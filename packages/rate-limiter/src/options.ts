import { type Clock, systemClock } from './clock.ts'
import type { Faults } from './faults.ts'
import { MemoryRateLimitStore } from './memory-rate-limit-store.ts'
import type { RateLimitStore } from './store.ts'

/** What decides when the store does not: limit in this process, refuse, or admit. */
export type OnStoreError = 'local' | 'deny' | 'allow'

export interface LimiterOptions {
  /** Default: a memory store of the limiter's own. */
  readonly store?: RateLimitStore | undefined
  /** Default: the system clock. Limiters that share a store share a clock. */
  readonly clock?: Clock | undefined
  /**
   * Separates limiters that share a store; 1 to 100 characters. Default: the rule itself, so that limiters of the same
   * rule share their records and a changed rule begins anew. Under a name, records outlive a changed rule.
   */
  readonly name?: string | undefined
  /** Default `'local'`. */
  readonly onStoreError?: OnStoreError | undefined
  /** How long a store may take, in ms. Default 250. */
  readonly storeTimeoutMs?: number | undefined
}

export interface CheckedOptions {
  readonly store: RateLimitStore
  readonly clock: Clock
  readonly name: string | undefined
  readonly onStoreError: OnStoreError
  readonly storeTimeoutMs: number
}

const STORE_TIMEOUT_MS = 250
const STORE_TIMEOUT_MAX_MS = 60_000
const NAME_MAX_CHARS = 100
const POLICIES: readonly unknown[] = ['local', 'deny', 'allow'] satisfies OnStoreError[]

/** The options with their defaults; what is wrong with them goes into `faults`. */
export function checkedOptions(options: LimiterOptions, faults: Faults): CheckedOptions {
  const { name, onStoreError = 'local', storeTimeoutMs = STORE_TIMEOUT_MS, clock = systemClock } = options
  const store = options.store ?? new MemoryRateLimitStore()
  const isStore = typeof store.apply === 'function' && typeof store.delete === 'function'
  faults.check(isStore, 'store', 'must have the methods apply and delete')
  faults.check(typeof clock.now === 'function', 'clock', 'must have a method now')
  faults.check(name === undefined || isName(name), 'name', `must be a text of 1 to ${NAME_MAX_CHARS} characters`)
  faults.check(POLICIES.includes(onStoreError), 'onStoreError', "must be 'local', 'deny' or 'allow'")
  faults.whole('storeTimeoutMs', storeTimeoutMs, 1, STORE_TIMEOUT_MAX_MS)
  return { store, clock, name, onStoreError, storeTimeoutMs }
}

function isName(name: unknown): boolean {
  return typeof name === 'string' && name.length >= 1 && name.length <= NAME_MAX_CHARS && name.isWellFormed()
}
