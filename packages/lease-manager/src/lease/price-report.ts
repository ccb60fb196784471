/** What a reported call costs (budget protocol 8): the given figure, or the price book's, worked out before the transaction. */
import { CostError, type CostCalculator, type Microdollars, type Pricing, ZERO } from '@iron/cost-calculator'
import { Faults } from '@iron/database'
import type { UsageReport } from './report.ts'
import { refuseFaults } from './validate.ts'

/** How far a caller's clock is believed, in milliseconds (http-api 4.9.5). */
const CALLER_CLOCK_MS = 86_400_000

export interface PricedReport {
  readonly cost: Microdollars
  readonly pricing: Pricing
  readonly priceId?: string | undefined
}

/** Whether a report says anything that has a price: an explicit 0 counts. */
export function hasUsage(report: UsageReport): boolean {
  return (
    report.usage !== undefined && Object.values<number | undefined>(report.usage).some((count) => count !== undefined)
  )
}

/** `report` has been checked. @throws {LeaseError} VALIDATION_ERROR for usage that contradicts itself */
export function priceReport(
  report: UsageReport,
  pricing: () => CostCalculator,
  now: number,
  priceProvider: string | undefined,
): PricedReport {
  if (report.cost !== undefined) return { cost: report.cost, pricing: 'reported' }
  if (report.usage === undefined || !hasUsage(report)) return { cost: ZERO, pricing: 'reported' }
  const at = Math.min(Math.max(report.at ?? now, now - CALLER_CLOCK_MS), now + CALLER_CLOCK_MS)
  try {
    const cost = pricing().cost(report.model, report.usage, { provider: priceProvider ?? report.provider, at })
    return { cost: cost.amount, pricing: cost.pricing, priceId: cost.priceId }
  } catch (error) {
    if (!(error instanceof CostError) || error.code === 'UNKNOWN_MODEL') throw error
    const faults = new Faults()
    faults.add('usage', error.message)
    refuseFaults(faults)
    throw error
  }
}
