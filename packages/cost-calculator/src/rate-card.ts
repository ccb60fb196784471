/**
 * A price made ready for charging: one rate for every unit, all fallbacks and the ceiling already decided, for one service
 * tier and one long-context step. No rate of a card is missing, so no part can be free by accident (PRI-10).
 */
import { type Microdollars, ZERO } from './money.ts'
import { effectiveRate } from './prices/effective-rate.ts'
import type { Price, Rates, ServiceTier } from './prices/price.ts'
import { USAGE_UNITS, type UsageUnit } from './usage/usage.ts'

/** What a unit is charged at. */
export interface CardRate {
  /** Microdollars per million units. */
  readonly rate: Microdollars
  /** Whether it is the ceiling's. */
  readonly atCeiling: boolean
}

/** All rates of one step. */
export interface RateCard {
  /** The step holds for calls whose whole input is above this. */
  readonly aboveInputTokens: number
  /** One for each of `USAGE_UNITS`; any other text has none. */
  readonly rates: ReadonlyMap<string, CardRate>
}

/** The steps of a price in one service tier, the highest bound first, the last bound being -1. */
export interface RateSheet {
  readonly priceId: string
  /** Whether nobody knows the price: what is charged by it is said to be at the ceiling, no tokens at all too. */
  readonly isCeiling: boolean
  readonly steps: readonly RateCard[]
}

/** The dearest rate a unit may be charged at when nobody knows its price. */
export type Ceiling = (unit: UsageUnit) => Microdollars

/** The sheet of a model nobody knows. */
export function ceilingSheet(priceId: string, ceiling: Ceiling): RateSheet {
  return { priceId, isCeiling: true, steps: [card(-1, () => undefined, ceiling)] }
}

/** The sheet of a price (budget protocol 8.3, 8.4; PRI-07, PRI-08). */
export function rateSheet(price: Price, tier: ServiceTier, ceiling: Ceiling): RateSheet {
  const own = price.serviceTiers?.[tier]
  const steps = [{ aboveInputTokens: -1, rates: {} as Rates }, ...price.longContext].map(
    ({ aboveInputTokens, rates }) => {
      const plain: Rates = { ...price.rates, ...rates }
      return card(aboveInputTokens, (unit) => tierRate(unit, tier, own, plain, aboveInputTokens >= 0), ceiling)
    },
  )
  return { priceId: price.id, isCeiling: false, steps: steps.reverse() }
}

/**
 * A missing discount costs the standard rate, a missing surcharge the ceiling. The rates of a tier are those of calls below
 * the first bound: above it a discount is unknown, and so is a surcharge.
 */
function tierRate(
  unit: UsageUnit,
  tier: ServiceTier,
  own: Rates | undefined,
  plain: Rates,
  aboveBound: boolean,
): TierRate {
  const standard = effectiveRate(plain, unit)
  const ofTier = own === undefined ? undefined : effectiveRate(own, unit)
  if (tier === 'priority') return aboveBound ? { atLeast: dearer(ofTier, standard) } : (ofTier ?? { atLeast: standard })
  if (tier === 'standard') return aboveBound ? dearer(ofTier, standard) : (own?.[unit] ?? standard ?? ofTier)
  if (aboveBound) return dearer(own?.[unit], standard)
  return own?.[unit] ?? standard ?? ofTier
}

/** A rate, nothing known, or the ceiling but at least what is known. */
type TierRate = Microdollars | undefined | { readonly atLeast: Microdollars | undefined }

function dearer(one: Microdollars | undefined, other: Microdollars | undefined): Microdollars | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return one > other ? one : other
}

function card(aboveInputTokens: number, rateOf: (unit: UsageUnit) => TierRate, ceiling: Ceiling): RateCard {
  const rates = new Map<UsageUnit, CardRate>()
  for (const unit of USAGE_UNITS) {
    const rate = rateOf(unit)
    const known = typeof rate === 'number'
    rates.set(unit, { rate: known ? rate : (dearer(ceiling(unit), rate?.atLeast) ?? ZERO), atCeiling: !known })
  }
  return { aboveInputTokens, rates }
}
