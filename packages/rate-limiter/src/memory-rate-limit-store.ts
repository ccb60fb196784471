import type { Charge } from './charge.ts'
import { Faults } from './faults.ts'
import { applyAll } from './memory/apply.ts'
import { Spaces } from './memory/spaces.ts'
import { meterOf } from './meter.ts'
import type { RateLimitStore, StoreOperation, StoreResult, StoreRule } from './store.ts'

export interface MemoryStoreOptions {
  /**
   * Most records kept, of all limiters together; default 100,000. Beyond that, keys that have none share one record a
   * rule, and are limited as if they were one key.
   */
  readonly maxKeys?: number | undefined
}

const KEYS_MAX = 100_000

let spacesIn: (store: MemoryRateLimitStore) => Spaces

/** Keeps its records in this process. It has no timers: what says nothing any more is forgotten as others come. */
export class MemoryRateLimitStore implements RateLimitStore {
  static {
    spacesIn = (store) => store.#spaces
  }
  readonly #spaces: Spaces

  /** @throws {RateLimitError} INVALID_LIMIT `maxKeys` is not a whole number, 1 or more */
  constructor(options: MemoryStoreOptions = {}) {
    const { maxKeys = KEYS_MAX } = options
    const faults = new Faults()
    faults.whole('maxKeys', maxKeys, 1, Number.MAX_SAFE_INTEGER)
    faults.throwIfAny('INVALID_LIMIT', 'The options of the memory store are not valid')
    this.#spaces = new Spaces(maxKeys)
  }

  /** How many records are kept; never more than `maxKeys`. */
  get size(): number {
    return this.#spaces.size
  }

  /** `apply` without a promise. */
  applySync(operations: readonly StoreOperation[], now: number): readonly StoreResult[] {
    return applyAll(this.#spaces, operations.map(toCharge), now).map(toResult)
  }

  async apply(operations: readonly StoreOperation[], now: number): Promise<readonly StoreResult[]> {
    return this.applySync(operations, now)
  }

  async delete(key: string): Promise<void> {
    for (const space of this.#spaces.ofOperations()) this.#spaces.remove(space, key)
  }
}

/** Where the limiters of this package keep their records, if this store works as it is written here. */
export function spacesOf(store: RateLimitStore): Spaces | undefined {
  const isOurs = store instanceof MemoryRateLimitStore && store.apply === MemoryRateLimitStore.prototype.apply
  return isOurs ? spacesIn(store) : undefined
}

/** Records under keys of the caller's, apart from those of limiters. */
function toCharge({ key, rule, mode, cost }: StoreOperation): Charge {
  return { place: { prefix: rawPrefix(rule), rule, meter: meterOf(rule) }, key, mode, cost }
}

function rawPrefix(rule: StoreRule): string {
  return rule.kind === 'bucket' ? '' : `@${rule.startsAt}-${rule.endsAt}`
}

function toResult({ allowed, remaining, retryAfterMs, resetAtMs }: StoreResult): StoreResult {
  return { allowed, remaining, retryAfterMs, resetAtMs }
}
