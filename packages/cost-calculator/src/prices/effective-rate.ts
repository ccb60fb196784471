/**
 * The rate a part is charged at when a price does not name one (budget protocol 8.3): never nothing. Only the two plain
 * rates stand in for text; a medium without a rate has none here, and the caller charges the ceiling.
 */
import type { Microdollars } from '../money.ts'
import { USAGE_UNITS, type UsageUnit } from '../usage/usage.ts'
import type { Price, Rates } from './price.ts'

/** Which undiscounted part a missing rate is taken from. */
const STAND_IN: { readonly [U in UsageUnit]?: UsageUnit } = {
  cacheRead: 'input',
  cacheWrite: 'input',
  cacheWrite1h: 'input',
  audioCacheRead: 'audioInput',
  imageCacheRead: 'imageInput',
  reasoning: 'output',
  citation: 'output',
}

/** The rate of a unit or of what stands in for it; `undefined`: unknown. */
export function effectiveRate(rates: Rates, unit: UsageUnit): Microdollars | undefined {
  const own = rates[unit]
  if (own !== undefined) return own
  if (unit === 'unsplit') {
    const { input, output } = rates
    if (input === undefined || output === undefined) return undefined
    return input > output ? input : output
  }
  const standIn = STAND_IN[unit]
  return standIn === undefined ? undefined : rates[standIn]
}

/** The dearest effective rate of every unit over some prices, all their tiers included. */
export function highestRates(prices: Iterable<Price>): ReadonlyMap<UsageUnit, Microdollars> {
  const highest = new Map<UsageUnit, Microdollars>()
  for (const price of prices) {
    for (const rates of allRates(price)) {
      for (const unit of USAGE_UNITS) {
        const rate = effectiveRate(rates, unit)
        if (rate !== undefined && rate > (highest.get(unit) ?? -1)) highest.set(unit, rate)
      }
    }
  }
  return highest
}

function allRates(price: Price): Rates[] {
  const { standard, batch, flex, priority } = price.serviceTiers ?? {}
  const tiers = [standard, batch, flex, priority].filter((rates) => rates !== undefined)
  return [price.rates, ...price.longContext.map(({ rates }) => ({ ...price.rates, ...rates })), ...tiers]
}
