/**
 * The buckets of all rate classes (http-api 1.10): in this process, or in Redis for all processes. It counts what it refused
 * and decided without the shared store, so that an operator sees both.
 */
import {
  type Clock,
  consumeAll,
  MemoryRateLimitStore,
  type RateDecision,
  RateLimiter,
  type RateLimitStore,
} from '@iron/rate-limiter'
import { RATE_CLASS_NAMES, RATE_CLASSES, type RateClass, type RateRule } from './rate-classes.ts'

/** Buckets that are remembered, of addresses and e-mails and of principals each; a full bucket need not be. */
const BUCKETS_MAX = 500_000

/** One request, counted in one bucket. */
export interface RateUse {
  readonly rateClass: RateClass
  readonly key: string
}

/** What the limiters say of a use; `rateClass` is the bucket closest to empty, or the one that refuses. */
export interface RateVerdict extends RateDecision {
  readonly rateClass: RateClass
  /** How long the class's window is, for those who can only be told to come back later. */
  readonly windowSeconds: number
}

/** How a class stands for one key. */
export interface RateStanding {
  readonly rateClass: RateClass
  readonly limit: number
  readonly windowSeconds: number
  readonly remaining: number
  readonly resetSeconds: number
}

/** What {@link RateLimits} are made with. */
export interface RateLimitsOptions {
  readonly clock: Clock
  /** Shared by all processes. Default: the memory of this one. */
  readonly store?: RateLimitStore | undefined
}

/** The limiters of every class that is not switched off. */
export class RateLimits {
  readonly #clock: Clock
  readonly #limiters = new Map<RateClass, RateLimiter>()
  readonly #rules = new Map<RateClass, RateRule>()
  readonly #refused = new Map<RateClass, number>()
  #degraded = false
  #degradedDecisions = 0

  /** @param rules what differs from the defaults; `off` = the class limits nothing */
  constructor(rules: Readonly<Partial<Record<RateClass, RateRule | 'off'>>>, options: RateLimitsOptions) {
    this.#clock = options.clock
    // Apart, so that strangers who come from ever new addresses never crowd out the buckets of those who are known.
    const strangers = options.store ?? new MemoryRateLimitStore({ maxKeys: BUCKETS_MAX })
    const principals = options.store ?? new MemoryRateLimitStore({ maxKeys: BUCKETS_MAX })
    for (const rateClass of RATE_CLASS_NAMES) {
      const rule = rules[rateClass] ?? RATE_CLASSES[rateClass]
      if (rule === 'off') continue
      const store = RATE_CLASSES[rateClass].key === 'principal' ? principals : strangers
      const limiter = new RateLimiter({
        name: rateClass,
        capacity: rule.count,
        refill: rule.count,
        intervalMs: rule.seconds * 1_000,
        clock: options.clock,
        store,
      })
      this.#limiters.set(rateClass, limiter)
      this.#rules.set(rateClass, rule)
    }
  }

  /** Takes one from each bucket, or from none when one of them refuses. `undefined`: all these classes are off. */
  async take(uses: readonly RateUse[]): Promise<RateVerdict | undefined> {
    const counted = uses.filter(({ rateClass }) => this.#limiters.has(rateClass))
    const parts = counted.map(({ rateClass, key }) => ({ limiter: this.#limiter(rateClass), key }))
    const [first] = counted
    if (first === undefined) return undefined
    const decision: RateDecision & { readonly refusedBy?: number } =
      parts.length === 1 ? await this.#limiter(first.rateClass).consume(first.key) : await consumeAll(parts)
    return this.#verdict(decision, counted)
  }

  /** What {@link take} would say of one use; takes nothing (LIM-02). */
  async peek(use: RateUse): Promise<RateVerdict | undefined> {
    const limiter = this.#limiters.get(use.rateClass)
    return limiter === undefined ? undefined : this.#verdict(await limiter.peek(use.key), [use])
  }

  /** How the given classes stand for a key; those switched off are left out. */
  async standings(classes: readonly RateClass[], key: string): Promise<readonly RateStanding[]> {
    const verdicts = await Promise.all(classes.map((rateClass) => this.peek({ rateClass, key })))
    return verdicts
      .filter((verdict) => verdict !== undefined)
      .map((verdict) => ({
        rateClass: verdict.rateClass,
        limit: verdict.limit,
        windowSeconds: verdict.windowSeconds,
        remaining: verdict.remaining,
        resetSeconds: this.secondsUntil(verdict.resetAtMs),
      }))
  }

  /** Counts an answer that was refused by a class. */
  noteRefusal(rateClass: RateClass): void {
    this.#refused.set(rateClass, (this.#refused.get(rateClass) ?? 0) + 1)
  }

  /** Whole seconds from now, never negative. */
  secondsUntil(atMs: number): number {
    return Math.max(0, Math.ceil((atMs - this.#clock.now()) / 1_000))
  }

  /** Whether the last decision was made without the shared store. */
  get degraded(): boolean {
    return this.#degraded
  }

  /** Decisions made without the shared store since the start. */
  get degradedDecisions(): number {
    return this.#degradedDecisions
  }

  /** Refused requests since the start, by class. */
  get refused(): ReadonlyMap<RateClass, number> {
    return this.#refused
  }

  #limiter(rateClass: RateClass): RateLimiter {
    const limiter = this.#limiters.get(rateClass)
    if (limiter === undefined) throw new TypeError(`the rate class ${rateClass} is off`)
    return limiter
  }

  #verdict(decision: RateDecision & { readonly refusedBy?: number }, uses: readonly RateUse[]): RateVerdict {
    this.#degraded = decision.degraded
    if (decision.degraded) this.#degradedDecisions += 1
    const rateClass = (uses[decision.refusedBy ?? 0] as RateUse).rateClass
    return { ...decision, rateClass, windowSeconds: this.#rules.get(rateClass)?.seconds ?? 1 }
  }
}
