/** What the lease operations need besides their transaction. */
import type { CostCalculator, Microdollars } from '@iron/cost-calculator'
import type { Clock } from '@iron/database'
import type { Books } from '../books.ts'

/** The rules of one LeaseManager (budget protocol 2). */
export interface LeaseRules {
  readonly defaultGrant: Microdollars
  readonly maxGrant: Microdollars
  readonly ttlMs: number
  readonly graceMs: number
  readonly maxOpenPerAgent: number
}

/** What checking and pricing a report needs: no database. */
export interface PricingContext {
  readonly clock: Clock
  /** Made at the first report that has to be priced. */
  readonly pricing: () => CostCalculator
}

export interface LeaseContext extends Books, PricingContext {
  readonly rules: LeaseRules
}
