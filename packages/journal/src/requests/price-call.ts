/** What a call costs (budget protocol 8): the given figure, or the price book's, worked out before any transaction. */
import { CostError, type CostCalculator, type Microdollars, type Pricing, ZERO } from '@iron/cost-calculator'
import { invalid } from '../errors.ts'
import type { CallFacts } from './call.ts'

/** How far a caller's clock is believed, in milliseconds; what is further is clamped (http-api 4.9.5). */
const CLOCK_OFF_MAX_MS = 24 * 3_600_000

/** The cost of a call and where it comes from. */
export interface PricedCall {
  readonly cost: Microdollars
  readonly pricing: Pricing
  readonly priceId?: string | undefined
}

/** What {@link priceCall} works with. */
export interface PriceCallOptions {
  /** Asked only when the call has to be priced: a price book takes a while to make. */
  readonly pricing: () => CostCalculator
  /** The server's clock, epoch ms. */
  readonly now: number
  /** The provider or kind whose prices count; default: the one the call names. */
  readonly provider?: string | undefined
}

/** Whether a call says anything that has a price: an explicit count of 0 does. */
export function hasUsage(facts: CallFacts): boolean {
  return (
    facts.usage !== undefined && Object.values<number | undefined>(facts.usage).some((count) => count !== undefined)
  )
}

/** The caller's time of a call, clamped to 24 h around its arrival. */
export function clampedAt(at: number | undefined, now: number): number {
  return Math.min(Math.max(at ?? now, now - CLOCK_OFF_MAX_MS), now + CLOCK_OFF_MAX_MS)
}

/**
 * Prices a call that has been checked. Without a cost and without usage it costs 0.
 *
 * @throws {JournalError} VALIDATION_ERROR for usage that contradicts itself
 */
export function priceCall(facts: CallFacts, options: PriceCallOptions): PricedCall {
  if (facts.cost !== undefined) return { cost: facts.cost, pricing: 'reported' }
  if (facts.usage === undefined || !hasUsage(facts)) return { cost: ZERO, pricing: 'reported' }
  const at = clampedAt(facts.at, options.now)
  try {
    const provider = options.provider ?? facts.provider
    const cost = options.pricing().cost(facts.model ?? '', facts.usage, { provider, at })
    return { cost: cost.amount, pricing: cost.pricing, priceId: cost.priceId }
  } catch (error) {
    if (!(error instanceof CostError) || error.code === 'UNKNOWN_MODEL') throw error
    throw invalid('the call is not valid')({ fields: { usage: error.message } })
  }
}
