/**
 * Checks an operator's prices and turns them into entries. Outside data ends here: what leaves is whole, non-negative and
 * never cheaper above a long-context bound than below it, so that cost cannot fall when usage grows (PRI-15, PRI-16).
 */
import { CostError } from '../errors.ts'
import { type Microdollars, usd, type UsdAmount } from '../money.ts'
import { USAGE_UNITS, type UsageUnit } from '../usage/usage.ts'
import { effectiveRate } from './effective-rate.ts'
import { priceId, shortHash } from './price-id.ts'
import { type PriceEntry, type PriceSeller, providerKey } from './price-index.ts'
import type { LongContextRates, Price, PriceBook, PriceInput, Rates, ServiceTier } from './price.ts'

const SERVICE_TIERS: readonly ServiceTier[] = ['standard', 'batch', 'flex', 'priority']
const UNITS = new Set<string>(USAGE_UNITS)
const MODEL_MAX = 255
const PROVIDER_MAX = 100
/** A bound or token maximum: what a count on the wire may be (http-api 4.9.5). */
const TOKENS_MAX = 1_000_000_000

type Faults = Record<string, string>
type Draft = Omit<Price, 'id' | 'source'> & { readonly aliases: readonly string[] }

export interface OverrideEntries {
  readonly entries: readonly PriceEntry[]
  readonly sellers: readonly PriceSeller[]
  readonly version: string
}

/** @throws {CostError} INVALID_PRICE */
export function overrideEntries(inputs: readonly PriceInput[], base: PriceBook | null): OverrideEntries {
  const faults: Faults = {}
  if (!Array.isArray(inputs))
    throw new CostError('INVALID_PRICE', 'prices are a list', { fields: { $: 'must be a list of prices' } })
  const checked = inputs.map((input, at) => draftOf(input, `[${String(at)}]`, faults))
  refuseDoubles(checked, faults)
  if (Object.keys(faults).length > 0) throw new CostError('INVALID_PRICE', 'a price is not valid', { fields: faults })
  const drafts = checked.filter((draft) => draft !== undefined)
  const version = `${base?.version ?? 'own'}+${shortHash(JSON.stringify(drafts), 12)}`
  const groups = Map.groupBy(drafts, ({ provider, model }) => `${provider ?? ''}\0${model.toLowerCase()}`)
  const entries = [...groups.values()].map((group) => entryOf(group, version))
  const ids = new Set([...(base?.providers() ?? []), ...entries.flatMap(({ provider }) => provider ?? [])])
  return { entries, sellers: [...ids].map((id) => ({ id, fallbacks: [] })), version }
}

function entryOf(group: readonly Draft[], version: string): PriceEntry {
  const sorted = group.toSorted((a, b) => (a.validFrom ?? -Infinity) - (b.validFrom ?? -Infinity))
  const [{ provider, model }] = sorted as [Draft]
  return {
    provider,
    model,
    aliases: [...new Set(group.flatMap(({ aliases }) => aliases))],
    firstParty: false,
    versions: sorted.map(({ aliases: _, ...draft }) => ({
      price: Object.freeze({
        id: priceId(
          version,
          provider,
          model,
          draft.validFrom === undefined ? '' : `@${new Date(draft.validFrom).toISOString()}`,
        ),
        source: 'override' as const,
        ...draft,
      }),
    })),
  }
}

/** Two prices of one name, provider and start would make the order of the list decide. */
function refuseDoubles(drafts: readonly (Draft | undefined)[], faults: Faults): void {
  const seen = new Set<string>()
  drafts.forEach((draft, at) => {
    if (draft === undefined) return
    for (const name of new Set([draft.model, ...draft.aliases].map((text) => text.toLowerCase()))) {
      const key = JSON.stringify([draft.provider, name, draft.validFrom ?? null])
      if (seen.has(key)) faults[`[${String(at)}].model`] = `there is another price of ${name} from the same instant`
      seen.add(key)
    }
  })
}

function draftOf(input: unknown, path: string, faults: Faults): Draft | undefined {
  if (!isRecord(input)) {
    faults[path] = 'must be an object'
    return undefined
  }
  const before = Object.keys(faults).length
  const model = nameOf(input['model'], `${path}.model`, MODEL_MAX, faults)
  const provider =
    input['provider'] === undefined ? undefined : nameOf(input['provider'], `${path}.provider`, PROVIDER_MAX, faults)
  const aliases = aliasesOf(input['aliases'], `${path}.aliases`, faults)
  const validFrom = wholeOf(input['validFrom'], `${path}.validFrom`, 0, 8.64e15, faults)
  const maxOutputTokens = wholeOf(input['maxOutputTokens'], `${path}.maxOutputTokens`, 1, TOKENS_MAX, faults)
  const rates = ratesOf(input['usdPerMillion'], `${path}.usdPerMillion`, faults)
  const longContext = longContextOf(input['longContext'], `${path}.longContext`, rates, faults)
  const serviceTiers = serviceTiersOf(input['serviceTiers'], `${path}.serviceTiers`, faults)
  if (Object.keys(faults).length > before || model === undefined) return undefined
  return {
    provider: providerKey(provider) ?? null,
    model,
    aliases,
    ...(validFrom === undefined ? {} : { validFrom }),
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    rates,
    longContext,
    ...(serviceTiers === undefined ? {} : { serviceTiers }),
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function nameOf(value: unknown, path: string, max: number, faults: Faults): string | undefined {
  if (typeof value === 'string') {
    const name = value.trim()
    if (name !== '' && Array.from(name).length <= max && !/\p{Cc}/u.test(name)) return name
  }
  faults[path] = `must be text of 1 to ${String(max)} characters`
  return undefined
}

function aliasesOf(value: unknown, path: string, faults: Faults): readonly string[] {
  if (value === undefined) return []
  if (!Array.isArray(value)) {
    faults[path] = 'must be a list of names'
    return []
  }
  return value.flatMap((alias: unknown, at) => nameOf(alias, `${path}[${String(at)}]`, MODEL_MAX, faults) ?? [])
}

function wholeOf(value: unknown, path: string, min: number, max: number, faults: Faults): number | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) return value
  faults[path] = `must be a whole number from ${String(min)} to ${String(max)}`
  return undefined
}

function ratesOf(value: unknown, path: string, faults: Faults): Rates {
  if (!isRecord(value) || Object.values(value).every((rate) => rate === undefined)) {
    faults[path] = 'must name at least one rate in US dollars per million'
    return {}
  }
  const rates: { [U in UsageUnit]?: Microdollars } = {}
  for (const [unit, amount] of Object.entries(value)) {
    if (amount === undefined) continue
    if (!UNITS.has(unit)) faults[`${path}.${unit}`] = 'is not a usage unit'
    else {
      try {
        rates[unit as UsageUnit] = usd(amount as UsdAmount, { rounding: 'up' })
      } catch (error) {
        if (!(error instanceof CostError)) throw error
        faults[`${path}.${unit}`] = error.message
      }
    }
  }
  return Object.freeze(rates)
}

function longContextOf(value: unknown, path: string, base: Rates, faults: Faults): readonly LongContextRates[] {
  if (value === undefined) return Object.freeze([])
  if (!Array.isArray(value)) {
    faults[path] = 'must be a list of bounds with rates'
    return []
  }
  const given = value.map((step: unknown, at) => {
    const here = `${path}[${String(at)}]`
    const { aboveInputTokens, usdPerMillion } = isRecord(step) ? step : {}
    if (aboveInputTokens === undefined) faults[`${here}.aboveInputTokens`] = 'is needed'
    return {
      here,
      aboveInputTokens: wholeOf(aboveInputTokens, `${here}.aboveInputTokens`, 1, TOKENS_MAX, faults) ?? 0,
      rates: ratesOf(usdPerMillion, `${here}.usdPerMillion`, faults),
    }
  })
  let lower = base
  let lastBound = 0
  return Object.freeze(
    given
      .toSorted((a, b) => a.aboveInputTokens - b.aboveInputTokens)
      .map(({ here, aboveInputTokens, rates }) => {
        if (aboveInputTokens === lastBound && aboveInputTokens !== 0)
          faults[`${here}.aboveInputTokens`] = 'is given twice'
        const all = { ...lower, ...rates }
        for (const unit of USAGE_UNITS) {
          if ((effectiveRate(all, unit) ?? 0) < (effectiveRate(lower, unit) ?? 0)) {
            faults[`${here}.usdPerMillion.${unit}`] = 'must not be below the rate of a smaller call'
          }
        }
        lower = all
        lastBound = aboveInputTokens
        const changed = Object.fromEntries(
          Object.entries(all).filter(([unit, rate]) => rate !== base[unit as UsageUnit]),
        )
        return Object.freeze({ aboveInputTokens, rates: Object.freeze(changed) })
      }),
  )
}

function serviceTiersOf(value: unknown, path: string, faults: Faults): Price['serviceTiers'] {
  if (value === undefined) return undefined
  if (!isRecord(value)) {
    faults[path] = 'must be an object of rates by service tier'
    return undefined
  }
  const tiers: { [T in ServiceTier]?: Rates } = {}
  for (const [tier, rates] of Object.entries(value)) {
    if (rates === undefined) continue
    if (!SERVICE_TIERS.includes(tier as ServiceTier)) faults[`${path}.${tier}`] = 'is not a service tier'
    else tiers[tier as ServiceTier] = ratesOf(rates, `${path}.${tier}`, faults)
  }
  return Object.freeze(tiers)
}
