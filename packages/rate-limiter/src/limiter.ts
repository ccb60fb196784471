/**
 * What both kinds of limiter do. With a memory store a call is decided at once, in one step of the event loop; any other
 * store is asked behind a guard that answers in time, whatever the store does.
 */
import { storeKey } from './charge.ts'
import { type Clock, wholeMs } from './clock.ts'
import { decisionOn, type RateDecision } from './decision.ts'
import { RateLimitError } from './errors.ts'
import { StoreGuard } from './guard/store-guard.ts'
import { encodeKey, type LimitKey } from './limit-key.ts'
import { LocalLimits } from './memory/local-limits.ts'
import { spacesOf } from './memory-rate-limit-store.ts'
import type { CheckedOptions } from './options.ts'
import type { Place, Scheme } from './scheme.ts'
import { type LimiterCharge, settle } from './settle.ts'
import type { StoreMode } from './store.ts'

/** What the rest of this package may know of a limiter. */
export interface LimiterParts {
  readonly scheme: Scheme
  readonly options: CheckedOptions
  /** Only with a memory store. */
  readonly local: LocalLimits | undefined
  readonly guard: StoreGuard
}

let partsIn: (limiter: Limiter) => LimiterParts

/** What `RateLimiter` and `QuotaLimiter` have in common; see there. Keys are independent of each other. */
export abstract class Limiter {
  static {
    partsIn = (limiter) => limiter.#parts
  }
  readonly #parts: LimiterParts
  // Copies of the parts, one step nearer for the hot path.
  readonly #local: LocalLimits | undefined
  readonly #scheme: Scheme
  readonly #clock: Clock

  /** Only `RateLimiter` and `QuotaLimiter` are limiters. */
  protected constructor(scheme: Scheme, options: CheckedOptions) {
    const spaces = spacesOf(options.store)
    this.#local = spaces === undefined ? undefined : new LocalLimits(spaces)
    this.#scheme = scheme
    this.#clock = options.clock
    this.#parts = { scheme, options, local: this.#local, guard: StoreGuard.of(options.store) }
  }

  /**
   * Whether the store failed and has not answered since, so that `onStoreError` decides. It is noticed by calls, not by
   * watching. Always false with a memory store.
   */
  get degraded(): boolean {
    return this.#parts.guard.isDegraded
  }

  /** `consume` for those who only want to know whether they may. @throws {RateLimitError} as `consume` */
  async check(key: LimitKey, cost = 1): Promise<boolean> {
    if (this.#local === undefined) return (await this.#ask('consume', key, cost)).allowed
    const now = wholeMs(this.#clock)
    return this.#take(this.#scheme.placeAt(now), key, cost, now) >= 0
  }

  /**
   * Takes `cost` tokens of `key` if they are there, in one atomic step; a refusal takes nothing. Never rejects because
   * of the store.
   *
   * @param cost whole, at least 1; above the limit it is refused with `retryAfterMs: Infinity`
   * @throws {RateLimitError} INVALID_KEY an empty, too long or ill-typed key; INVALID_COST
   */
  consume(key: LimitKey, cost = 1): Promise<RateDecision> {
    return this.#local === undefined ? this.#ask('consume', key, cost) : this.#consumeHere(key, cost)
  }

  /**
   * `consume` without a promise, for the memory store.
   *
   * @throws {RateLimitError} ASYNC_STORE the store is another one; INVALID_KEY, INVALID_COST
   */
  consumeSync(key: LimitKey, cost = 1): RateDecision {
    const now = wholeMs(this.#clock)
    const place = this.#scheme.placeAt(now)
    return decisionOn(place.meter, this.#take(place, key, cost, now), cost, now)
  }

  /** How the key stands; takes nothing. `allowed`: whether one token is there. @throws {RateLimitError} INVALID_KEY */
  async peek(key: LimitKey): Promise<RateDecision> {
    return this.#ask('peek', key, 1)
  }

  /**
   * Gives tokens back, never above the limit. A quota gives back to the present window. If the store fails the tokens
   * stay taken.
   *
   * @throws {RateLimitError} INVALID_KEY, INVALID_COST
   */
  async refund(key: LimitKey, cost = 1): Promise<void> {
    await this.#ask('refund', key, cost)
  }

  /**
   * Forgets what the key has taken; of a quota, in the present window.
   *
   * @throws {RateLimitError} INVALID_KEY; STORE_UNAVAILABLE the store did not do it, with `cause`
   */
  async reset(key: LimitKey): Promise<void> {
    const { guard, options } = this.#parts
    const text = encodeKey(key)
    const place = this.#scheme.placeAt(wholeMs(this.#clock))
    if (this.#local !== undefined) {
      this.#local.remove(place, text)
      return
    }
    guard.forgetInsured(place, text)
    const name = storeKey(place, text)
    const { failure } = await guard.ask(async (store) => store.delete(name), this.#clock, options.storeTimeoutMs)
    if (failure !== undefined) {
      throw new RateLimitError('STORE_UNAVAILABLE', 'The store did not forget the key', {}, { cause: failure })
    }
  }

  /** `consumeSync` once more: an async function without `await` that makes its result itself is a third faster. */
  async #consumeHere(key: LimitKey, cost: number): Promise<RateDecision> {
    const now = wholeMs(this.#clock)
    const place = this.#scheme.placeAt(now)
    return decisionOn(place.meter, this.#take(place, key, cost, now), cost, now)
  }

  /** Takes from the memory store; what came of it (see `outcomeOf`). */
  #take(place: Place, key: LimitKey, cost: number, now: number): number {
    const local = this.#local ?? asyncStore()
    const text = encodeKey(key)
    if (cost !== 1) checkCost(cost)
    return local.take(place, text, cost, now)
  }

  async #ask(mode: StoreMode, key: LimitKey, cost: number): Promise<RateDecision> {
    const now = wholeMs(this.#clock)
    const [decision] = await settle([chargeOf(this.#parts, mode, key, cost, now)], now)
    return decision
  }
}

/** The parts of a limiter. @throws TypeError for anything else */
export function partsOf(limiter: Limiter): LimiterParts {
  return partsIn(limiter)
}

/** @throws {RateLimitError} INVALID_KEY, INVALID_COST */
export function chargeOf(
  parts: LimiterParts,
  mode: StoreMode,
  key: LimitKey,
  cost: number,
  now: number,
): LimiterCharge {
  const text = encodeKey(key)
  checkCost(cost)
  return { limiter: parts, place: parts.scheme.placeAt(now), key: text, mode, cost }
}

/** @throws {RateLimitError} INVALID_COST */
export function checkCost(cost: unknown): void {
  if (Number.isSafeInteger(cost) && (cost as number) >= 1) return
  const fields = { cost: 'must be a whole number, 1 or more' }
  throw new RateLimitError('INVALID_COST', 'The cost of a call is not valid', { fields })
}

function asyncStore(): never {
  throw new RateLimitError('ASYNC_STORE', 'consumeSync needs a MemoryRateLimitStore')
}
