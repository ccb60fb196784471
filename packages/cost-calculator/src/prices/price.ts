/** What a model costs: the shapes of prices, their queries and the book that holds them. */
import type { Microdollars, UsdAmount } from '../money.ts'
import type { UsageUnit } from '../usage/usage.ts'

/** Microdollars per 1 000 000 units, for every unit; so a rate is exact in 10^-12 USD per token (budget protocol 8.5). */
export type Rates = { readonly [U in UsageUnit]?: Microdollars | undefined }

/** How fast and how reliably the provider was asked to answer. */
export type ServiceTier = 'standard' | 'batch' | 'flex' | 'priority'

/** All rates of a call whose whole input is above a bound. */
export interface LongContextRates {
  readonly aboveInputTokens: number
  /** Rates that differ above the bound; the others stay those of the price. */
  readonly rates: Rates
}

/** One price of one model at one provider, valid from `validFrom` until the next one of the same model. */
export interface Price {
  /** Book version and entry; at most 200 characters. Stored with each charge (budget protocol 8.8). */
  readonly id: string
  /** `null`: an override for all providers. */
  readonly provider: string | null
  readonly model: string
  readonly source: 'bundled' | 'override'
  /** Epoch ms; absent: always valid. */
  readonly validFrom?: number | undefined
  readonly contextTokens?: number | undefined
  readonly maxOutputTokens?: number | undefined
  readonly rates: Rates
  /** Ascending by `aboveInputTokens`. */
  readonly longContext: readonly LongContextRates[]
  readonly serviceTiers?: { readonly [T in ServiceTier]?: Rates | undefined } | undefined
}

/** Narrows a lookup. */
export interface PriceQuery {
  /** A provider of the book or a `ProviderKind`. Absent, `custom` or unknown: the model alone decides. */
  readonly provider?: string | undefined
  /** Epoch ms of the call; absent: the newest price. NaN and infinities are refused (INVALID_USAGE). */
  readonly at?: number | undefined
}

/** A frozen set of prices; a new book never changes what an old one answered. */
export interface PriceBook {
  /** Data version and, with overrides, their hash. */
  readonly version: string
  providers(): readonly string[]
  models(provider?: string): readonly string[]
  /** The dearest known rate of a unit; 0 when the book has none. */
  highest(unit: UsageUnit): Microdollars
  find(model: string, query?: PriceQuery): Price | undefined
}

/** Rates as a person writes them: US dollars per million units. */
export type UsdRates = { readonly [U in UsageUnit]?: UsdAmount | undefined }

/** An operator's own price. */
export interface PriceInput {
  readonly model: string
  /** Absent: for every provider. */
  readonly provider?: string | undefined
  readonly aliases?: readonly string[] | undefined
  /** Epoch ms; absent: always valid. */
  readonly validFrom?: number | undefined
  readonly maxOutputTokens?: number | undefined
  readonly usdPerMillion: UsdRates
  readonly longContext?: readonly { readonly aboveInputTokens: number; readonly usdPerMillion: UsdRates }[] | undefined
  readonly serviceTiers?: { readonly [T in ServiceTier]?: UsdRates | undefined } | undefined
}
