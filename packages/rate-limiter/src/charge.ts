import { encodeForWire } from './limit-key.ts'
import type { Place } from './scheme.ts'
import type { StoreMode, StoreOperation } from './store.ts'

/** What one limiter asks about one key, checked, wherever its records are kept. */
export interface Charge {
  readonly place: Place
  readonly key: string
  readonly mode: StoreMode
  readonly cost: number
}

/** The name of a record in a store that may be outside this process. */
export function storeKey(place: Place, key: string): string {
  return place.prefix + encodeForWire(key)
}

export function toOperation({ place, key, mode, cost }: Charge): StoreOperation {
  return { key: storeKey(place, key), rule: place.rule, mode, cost }
}
