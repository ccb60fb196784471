import { wholeMs } from './clock.ts'
import type { RateDecision } from './decision.ts'
import { RateLimitError } from './errors.ts'
import { chargeOf, type Limiter, partsOf } from './limiter.ts'
import type { LimitKey } from './limit-key.ts'
import { type LimiterCharge, settle } from './settle.ts'

/** One of several limits that a call must pass. */
export interface ConsumePart {
  readonly limiter: Limiter
  readonly key: LimitKey
  /** Default 1. */
  readonly cost?: number | undefined
}

/** The decision that matters most among several. */
export interface CombinedDecision extends RateDecision {
  /** Index of the first part that refused; absent when all allowed. Parts on one record refuse together. */
  readonly refusedBy?: number | undefined
}

/** No limit admits everything (LIM-03). */
const UNLIMITED: RateDecision = {
  allowed: true,
  limit: Infinity,
  remaining: Infinity,
  retryAfterMs: 0,
  resetAtMs: 0,
  degraded: false,
}

/**
 * Takes from all limits or from none, in one atomic step of the store they share. Allowed: the decision of the part
 * with the fewest tokens left. Refused: that of the refusing part with the longest wait. Without parts everything is
 * allowed.
 *
 * @throws {RateLimitError} MIXED_STORES the limiters do not share one store (limiters made without `store` have one
 * each); INVALID_KEY, INVALID_COST
 */
export async function consumeAll(parts: readonly ConsumePart[]): Promise<CombinedDecision> {
  const limiters = parts.map(({ limiter }) => partsOf(limiter))
  const [first] = limiters
  if (first === undefined) return { ...UNLIMITED }
  const stranger = limiters.findIndex(({ options }) => options.store !== first.options.store)
  if (stranger !== -1) {
    throw new RateLimitError('MIXED_STORES', 'consumeAll needs limiters that share one store', { index: stranger })
  }
  const now = wholeMs(first.options.clock)
  const charges = parts.map(({ limiter, key, cost = 1 }) => chargeOf(partsOf(limiter), 'consume', key, cost, now))
  const { once, indexes } = eachRecordOnce(charges)
  const [head, ...tail] = once
  if (head === undefined) return { ...UNLIMITED }
  const decisions = await settle([head, ...tail], now)
  const [decided, ...others] = indexes.map((index) => decisions[index] ?? decisions[0])
  return combined([decided ?? decisions[0], ...others])
}

/**
 * Parts that take from the same record take their costs together: a sum that never fits is refused for ever, and not until
 * each of them would fit alone.
 *
 * @returns the charges, and for each part which of them is its
 */
function eachRecordOnce(charges: readonly LimiterCharge[]): {
  readonly once: readonly LimiterCharge[]
  readonly indexes: readonly number[]
} {
  const once: LimiterCharge[] = []
  const indexes = charges.map((charge) => {
    const index = once.findIndex((other) => isSameRecord(other, charge))
    const other = once[index]
    if (other === undefined) return once.push(charge) - 1
    once[index] = { ...other, cost: Math.min(other.cost + charge.cost, Number.MAX_SAFE_INTEGER) }
    return index
  })
  return { once, indexes }
}

function isSameRecord(one: LimiterCharge, other: LimiterCharge): boolean {
  return (
    one.key === other.key &&
    one.place.prefix === other.place.prefix &&
    JSON.stringify(one.place.rule) === JSON.stringify(other.place.rule)
  )
}

/** The decision on the whole list; pure. */
export function combined(decisions: readonly [RateDecision, ...RateDecision[]]): CombinedDecision {
  const refusedBy = decisions.findIndex(({ allowed }) => !allowed)
  if (refusedBy === -1) return decisions.reduce((least, next) => (next.remaining < least.remaining ? next : least))
  const refused = decisions.filter(({ allowed }) => !allowed)
  const longest = refused.reduce((most, next) => (next.retryAfterMs > most.retryAfterMs ? next : most))
  return { ...longest, refusedBy }
}
