/**
 * What a limiter asks of a store. The rule travels with every operation, so a store keeps nothing but one small record a
 * key, and any number of limiters may share it.
 */

/** What is limited. Buckets refill evenly; windows begin anew. All numbers are whole, times in ms. */
export type StoreRule =
  | { readonly kind: 'bucket'; readonly capacity: number; readonly refill: number; readonly intervalMs: number }
  | { readonly kind: 'window'; readonly limit: number; readonly startsAt: number; readonly endsAt: number }

/** `peek` changes nothing; its `cost` is what it asks about. `refund` gives back. */
export type StoreMode = 'consume' | 'peek' | 'refund'

export interface StoreOperation {
  /** Names the record; of a window rule it holds the window's start. */
  readonly key: string
  readonly rule: StoreRule
  readonly mode: StoreMode
  /** Whole, at least 1. */
  readonly cost: number
}

/** How one record stands. Of a list that was refused: as if nothing had been asked. */
export interface StoreResult {
  /** Whether this operation alone would pass. A list in which one is false changed nothing. */
  readonly allowed: boolean
  /** What is left, whole. */
  readonly remaining: number
  /** How long until the cost is there; 0 when allowed, Infinity when it never is. */
  readonly retryAfterMs: number
  /** When the bucket is full, or the window ends; epoch ms of the `now` that was given. */
  readonly resetAtMs: number
}

export interface RateLimitStore {
  /**
   * One atomic step for the whole list: all consumed, or none. Each operation sees what those before it took. One result
   * an operation, in their order. A rejection means that the store failed, never that somebody is limited.
   */
  apply(operations: readonly StoreOperation[], now: number): Promise<readonly StoreResult[]>
  /** Forgets a record: a full bucket, an untouched window. */
  delete(key: string): Promise<void>
}
