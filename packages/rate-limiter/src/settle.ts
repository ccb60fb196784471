import { type Charge, toOperation } from './charge.ts'
import type { RateDecision } from './decision.ts'
import { decideWithoutStore } from './guard/decide-without-store.ts'
import type { LimiterParts } from './limiter.ts'
import { applyAll } from './memory/apply.ts'
import type { RateLimitStore, StoreResult } from './store.ts'

export interface LimiterCharge extends Charge {
  readonly limiter: LimiterParts
}

type Charges = readonly [LimiterCharge, ...LimiterCharge[]]
type Decisions = readonly [RateDecision, ...RateDecision[]]

/** Decides charges of limiters that share a store, all or none, whatever the store does. One decision a charge. */
export async function settle(charges: Charges, now: number): Promise<Decisions> {
  const { local, guard, options } = charges[0].limiter
  if (local !== undefined) return applyAll(local.spaces, charges, now) as Decisions
  const timeoutMs = Math.min(...charges.map(({ limiter }) => limiter.options.storeTimeoutMs))
  const answer = await guard.ask((store) => ask(store, charges, now), options.clock, timeoutMs)
  if (answer.value === undefined) return decideWithoutStore(guard, charges, now) as Decisions
  return answer.value
}

async function ask(store: RateLimitStore, charges: Charges, now: number): Promise<Decisions> {
  const results = await store.apply(charges.map(toOperation), now)
  const decisions = charges.map((charge, index) => decisionOf(charge, results[index]))
  return decisions as unknown as Decisions
}

/** @throws Error when the store gave fewer answers than it was asked for: it has failed */
function decisionOf({ place }: Charge, result: StoreResult | undefined): RateDecision {
  if (result === undefined) throw new Error('The store left an operation unanswered')
  const { allowed, remaining, retryAfterMs, resetAtMs } = result
  return { allowed, limit: place.meter.limit, remaining, retryAfterMs, resetAtMs, degraded: false }
}
