export type { Cost, CostLine, CostOptions, Pricing } from './cost.ts'
export {
  CostCalculator,
  type CostCalculatorOptions,
  type CostEstimate,
  type MaxCostRequest,
} from './cost-calculator.ts'
export { CostController, type Reservation } from './cost-controller.ts'
export { CostError, type CostErrorCode } from './errors.ts'
export {
  type Amounts,
  formatUsd,
  MAX_AMOUNT,
  micros,
  MIN_AMOUNT,
  type Microdollars,
  minus,
  sum,
  toUsd,
  usd,
  type UsdAmount,
  ZERO,
} from './money.ts'
export { bundledPriceBook, createPriceBook } from './prices/price-book.ts'
export type {
  LongContextRates,
  Price,
  PriceBook,
  PriceInput,
  PriceQuery,
  Rates,
  ServiceTier,
  UsdRates,
} from './prices/price.ts'
export { countsOf, type TokenCounts, usageFromCounts } from './usage/counts.ts'
export { normalizeUsage } from './usage/normalize-usage.ts'
export type { ProviderKind, Usage, UsageUnit } from './usage/usage.ts'
