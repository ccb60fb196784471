/**
 * Exact arithmetic of one charge: whole numbers only, one rounding up at the end (budget protocol 8.5). Plain numbers carry
 * it while every product and the sum stay below 2^53, BigInt beyond; a cost above the largest amount is an error.
 */
import type { Cost, CostLine } from './cost.ts'
import { CostError } from './errors.ts'
import { MAX_AMOUNT, type Microdollars } from './money.ts'
import type { RateSheet } from './rate-card.ts'
import { COUNT_RULE, INPUT_UNITS, isCount, type Usage, type UsageUnit } from './usage/usage.ts'

/** Units a rate is for. */
const RATE_UNITS = 1_000_000
/** The parts that count towards a long-context bound. */
const MAYBE_INPUT: ReadonlySet<string> = new Set<UsageUnit>([...INPUT_UNITS, 'unsplit'])

/** Charges a usage by a sheet. @throws {CostError} INVALID_USAGE, AMOUNT_OUT_OF_RANGE */
export function charge(usage: Usage, sheet: RateSheet): Cost {
  const { steps } = sheet
  const step = (steps.length === 1 ? undefined : stepFor(usage, steps)) ?? steps[steps.length - 1]
  if (step === undefined) throw new TypeError('a rate sheet has at least one step')
  const { rates } = step
  const lines: CostLine[] = []
  let total = 0
  let ceiling = sheet.isCeiling
  for (const unit in usage) {
    const quantity = usage[unit as keyof Usage]
    if (quantity === undefined) continue
    const known = rates.get(unit)
    if (known === undefined || !Number.isSafeInteger(quantity) || quantity < 0) throw faultsOf(usage, rates)
    if (quantity === 0) continue
    const { rate } = known
    if (known.atCeiling) ceiling = true
    // Both factors are exact; the product is too unless it leaves the safe range, and then the sum shows it.
    total += quantity * rate
    // Not frozen one by one: that would cost more than the charge, and nobody else holds them.
    lines.push({ unit: unit as keyof Usage, quantity, rate })
  }
  return Object.freeze({
    amount: total <= Number.MAX_SAFE_INTEGER ? roundedUp(total) : exactly(lines),
    pricing: ceiling ? 'ceiling' : 'price_book',
    priceId: sheet.priceId,
    lines: Object.freeze(lines),
  })
}

/** The highest step whose bound the whole input exceeds; cached parts count (PRI-07). */
function stepFor(usage: Usage, steps: RateSheet['steps']): RateSheet['steps'][number] | undefined {
  let input = 0
  for (const unit in usage) {
    if (MAYBE_INPUT.has(unit)) input += usage[unit as keyof Usage] ?? 0
  }
  for (const step of steps) if (input > step.aboveInputTokens) return step
  return undefined
}

/** The quotient is exact or at least 1e-6 from a whole number; a division below 2^53 / 1e6 is off by less than that. */
function roundedUp(total: number): Microdollars {
  return inRange(Math.ceil(total / RATE_UNITS))
}

function exactly(lines: readonly CostLine[]): Microdollars {
  let total = 0n
  for (const { quantity, rate } of lines) total += BigInt(quantity) * BigInt(rate)
  return inRange(Number((total + BigInt(RATE_UNITS) - 1n) / BigInt(RATE_UNITS)))
}

function inRange(amount: number): Microdollars {
  if (amount <= MAX_AMOUNT) return amount as Microdollars
  throw new CostError('AMOUNT_OUT_OF_RANGE', 'a cost is at most 1000000000 USD', { max_usd: 1_000_000_000 })
}

/** All that is wrong with a usage. */
function faultsOf(usage: Usage, rates: ReadonlyMap<string, unknown>): CostError {
  const faults: (readonly [unit: string, text: string])[] = []
  for (const unit in usage) {
    const quantity = usage[unit as keyof Usage]
    if (quantity === undefined) continue
    if (!rates.has(unit)) faults.push([unit, 'is not a usage unit'])
    else if (!isCount(quantity)) faults.push([unit, COUNT_RULE])
  }
  const message = faults.map(([unit, text]) => `${unit} ${text}`).join(', ')
  return new CostError('INVALID_USAGE', message, { fields: Object.fromEntries(faults) })
}
