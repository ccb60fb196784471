/**
 * What is decided while the store is away. Each limiter's own policy holds for its charge, and a list stays one step: if
 * one charge is refused, nothing is taken in this process either.
 */
import type { Charge } from '../charge.ts'
import { decisionAt, type RateDecision } from '../decision.ts'
import { applyAll } from '../memory/apply.ts'
import type { LimiterCharge } from '../settle.ts'
import type { StoreGuard } from './store-guard.ts'

export function decideWithoutStore(
  guard: StoreGuard,
  charges: readonly LimiterCharge[],
  now: number,
): readonly RateDecision[] {
  const fixed = charges.map((charge) => fixedDecision(guard, charge, now))
  const isRefused = fixed.some((decision) => decision?.allowed === false)
  const local = charges
    .filter((_, index) => fixed[index] === undefined)
    .map((charge): Charge => (isRefused ? { ...charge, mode: 'peek' } : charge))
  const decided = applyAll(guard.insurance, local, now).values()
  return fixed.map((decision) => ({ ...(decision ?? nextOf(decided)), degraded: true }))
}

/** The decision of a policy that counts nothing. */
function fixedDecision(guard: StoreGuard, charge: LimiterCharge, now: number): RateDecision | undefined {
  const { meter } = charge.place
  const { onStoreError } = charge.limiter.options
  if (onStoreError === 'local') return undefined
  // What never fits is refused whoever decides.
  if (charge.cost > meter.limit) return decisionAt(meter, 0, now, false, Infinity)
  if (onStoreError === 'allow') return decisionAt(meter, 0, now, true, 0)
  return decisionAt(meter, meter.full, now, false, guard.retryAfterMs(now))
}

function nextOf(decisions: Iterator<RateDecision>): RateDecision {
  const next = decisions.next()
  if (next.done === true) throw new Error('a charge was left undecided')
  return next.value
}
