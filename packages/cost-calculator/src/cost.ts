/** What a call cost and how that was found. */
import type { Microdollars } from './money.ts'
import type { PriceQuery, ServiceTier } from './prices/price.ts'
import type { UsageUnit } from './usage/usage.ts'

/** reported: the cost was given. price_book: bundled prices or the operator's overrides. ceiling: a price was unknown. */
export type Pricing = 'reported' | 'price_book' | 'ceiling'

/** One part of a cost, unrounded: `quantity` × `rate` / 1 000 000 microdollars. */
export interface CostLine {
  readonly unit: UsageUnit
  readonly quantity: number
  /** Microdollars per 1 000 000 units. */
  readonly rate: Microdollars
}

/** The cost of one call. */
export interface Cost {
  /** The sum of the lines, rounded up once. */
  readonly amount: Microdollars
  readonly pricing: Exclude<Pricing, 'reported'>
  /** The price used; for an unknown model the book's version and `ceiling`. */
  readonly priceId: string
  readonly lines: readonly CostLine[]
}

/** Which price a call is charged at. */
export interface CostOptions extends PriceQuery {
  /** Default `standard`. */
  readonly serviceTier?: ServiceTier | undefined
}
