/** How the costs of single calls are spread: counted coarsely first, then exactly where the middle turned out to be. */
import type { Microdollars } from '@iron/cost-calculator'

/** Binary digits of an amount that tell its bucket: a bucket is at most 1/64 of its amounts wide. */
const DIGITS = 7
const STEPS = 2 ** (DIGITS - 1)
/** The last one holds 2^53 - 1. */
const BUCKETS = costBucket(Number.MAX_SAFE_INTEGER) + 1

/** The bucket of an amount in microdollars: the smallest each have their own, larger ones share the first 7 binary digits. */
export function costBucket(cost: number): number {
  if (cost < 2 * STEPS) return cost
  const high = Math.floor(cost / 2 ** 32)
  const length = high === 0 ? 32 - Math.clz32(cost) : 64 - Math.clz32(high)
  return (length - DIGITS) * STEPS + Math.floor(cost / 2 ** (length - DIGITS))
}

/** The smallest amount of a bucket; that of the one behind it is the first that is not in it. */
function firstOf(bucket: number): number {
  if (bucket < 2 * STEPS) return bucket
  const doublings = Math.floor(bucket / STEPS) - 1
  return (bucket - doublings * STEPS) * 2 ** doublings
}

/** Costs of calls by bucket, the smallest and the largest. */
export class CostSpread {
  readonly #counts = new Float64Array(BUCKETS)
  #calls = 0
  #min = Infinity
  #max = 0

  /** Adds calls of one cost. */
  add(cost: number, calls: number): void {
    const bucket = costBucket(cost)
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + calls
    this.#calls += calls
    if (cost < this.#min) this.#min = cost
    if (cost > this.#max) this.#max = cost
  }

  get calls(): number {
    return this.#calls
  }

  /** 0 without calls. */
  get min(): Microdollars {
    return (this.#calls === 0 ? 0 : this.#min) as Microdollars
  }

  get max(): Microdollars {
    return this.#max as Microdollars
  }

  /** The cost at a place of the sorted costs, from 1, still to be told the costs of its bucket. */
  at(place: number): CostAt {
    let before = 0
    const bucket = this.#counts.findIndex((calls) => (before += calls) >= place)
    return new CostAt(bucket, place - (before - (this.#counts[bucket] ?? 0)))
  }
}

/** One place among the costs of one bucket. */
export class CostAt {
  readonly #from: number
  readonly #to: number
  readonly #place: number
  readonly #calls = new Map<number, number>()

  constructor(bucket: number, place: number) {
    this.#from = firstOf(bucket)
    this.#to = firstOf(bucket + 1)
    this.#place = place
  }

  /** Adds calls of one cost; those of other buckets are nothing to it. */
  add(cost: number, calls: number): void {
    if (cost < this.#from || cost >= this.#to) return
    this.#calls.set(cost, (this.#calls.get(cost) ?? 0) + calls)
  }

  /** Once all costs are told; 0 without any. */
  get cost(): Microdollars {
    let passed = 0
    for (const [cost, calls] of [...this.#calls].sort(([one], [other]) => one - other)) {
      passed += calls
      if (passed >= this.#place) return cost as Microdollars
    }
    return 0 as Microdollars
  }
}
