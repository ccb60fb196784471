import { wholeMs } from './clock.ts'
import type { RateDecision } from './decision.ts'
import { RateLimitError } from './errors.ts'
import { chargeOf, type Limiter, partsOf } from './limiter.ts'
import type { LimitKey } from './limit-key.ts'
import { settle } from './settle.ts'

/** One of several limits that a call must pass. */
export interface ConsumePart {
  readonly limiter: Limiter
  readonly key: LimitKey
  /** Default 1. */
  readonly cost?: number | undefined
}

/** The decision that matters most among several. */
export interface CombinedDecision extends RateDecision {
  /** Index of the first part that refused; absent when all allowed. */
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
  const [head, ...tail] = parts.map(({ limiter, key, cost = 1 }) =>
    chargeOf(partsOf(limiter), 'consume', key, cost, now),
  )
  return head === undefined ? { ...UNLIMITED } : combined(await settle([head, ...tail], now))
}

/** The decision on the whole list; pure. */
export function combined(decisions: readonly [RateDecision, ...RateDecision[]]): CombinedDecision {
  const refusedBy = decisions.findIndex(({ allowed }) => !allowed)
  if (refusedBy === -1) return decisions.reduce((least, next) => (next.remaining < least.remaining ? next : least))
  const refused = decisions.filter(({ allowed }) => !allowed)
  const longest = refused.reduce((most, next) => (next.retryAfterMs > most.retryAfterMs ? next : most))
  return { ...longest, refusedBy }
}
