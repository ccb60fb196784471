export { CostError, type CostErrorCode } from './errors.ts'
export { type Amounts, formatUsd, MAX_AMOUNT, micros, MIN_AMOUNT, type Microdollars, minus, sum, toUsd, usd, type UsdAmount, ZERO } from './money.ts'
