/**
 * Turns the data of @pydantic/genai-prices into entries, once. Its floats become whole microdollars per million units here,
 * rounded up; what is missing, null, negative or 0 there is unknown, never free (budget protocol 8.6).
 */
import {
  findProvider,
  type MatchLogic,
  type ModelInfo,
  type ModelPrice,
  type Provider,
  type TieredPrices,
} from '@pydantic/genai-prices'
import { micros, type Microdollars, usd } from '../money.ts'
import { USAGE_UNITS, type UsageUnit } from '../usage/usage.ts'
import { priceId } from './price-id.ts'
import type { PriceEntry, PriceSeller, PriceVersion } from './price-index.ts'
import type { LongContextRates, Price, Rates } from './price.ts'

/** The data's version: that of the package it comes in; a test holds the two together. */
export const DATA_VERSION = 'genai-prices-0.1.8'

/** Providers in the data, which the package gives out one by one; a test holds the list complete. */
const PROVIDERS = (
  'anthropic arcee avian aws azure baseten cerebras cloudflare cohere cursor deepseek doubleword fireworks github-copilot google ' +
  'groq huggingface_cerebras huggingface_fireworks-ai huggingface_groq huggingface_hyperbolic huggingface_nebius huggingface_novita ' +
  'huggingface_nscale huggingface_ovhcloud huggingface_publicai huggingface_sambanova huggingface_together minimax mistral modal ' +
  'moonshotai novita openai openrouter ovhcloud perplexity quicksilverpro together typesafe voyageai x-ai zai zhipuai'
).split(' ')

/** Where a rate of the data goes and how many of its units make a million of ours. */
const RATE_KEYS: readonly (readonly [
  key: string,
  unit: UsageUnit,
  perMillion: readonly [multiply: bigint, divide: bigint],
])[] = [
  ['input_mtok', 'input', [1n, 1n]],
  ['cache_read_mtok', 'cacheRead', [1n, 1n]],
  ['cache_write_mtok', 'cacheWrite', [1n, 1n]],
  ['cache_write_1h_mtok', 'cacheWrite1h', [1n, 1n]],
  ['input_audio_mtok', 'audioInput', [1n, 1n]],
  ['cache_audio_read_mtok', 'audioCacheRead', [1n, 1n]],
  ['input_image_mtok', 'imageInput', [1n, 1n]],
  ['cache_image_read_mtok', 'imageCacheRead', [1n, 1n]],
  ['input_video_mtok', 'videoInput', [1n, 1n]],
  ['output_mtok', 'output', [1n, 1n]],
  ['output_reasoning_mtok', 'reasoning', [1n, 1n]],
  ['output_citation_mtok', 'citation', [1n, 1n]],
  ['output_audio_mtok', 'audioOutput', [1n, 1n]],
  ['output_image_mtok', 'imageOutput', [1n, 1n]],
  ['output_video_mtok', 'videoOutput', [1n, 1n]],
  ['input_audio_hours', 'audioSeconds', [1_000_000n, 3_600n]],
  ['audio_hours', 'audioSeconds', [1_000_000n, 3_600n]],
  ['web_searches_kcount', 'webSearches', [1_000n, 1n]],
  ['storage_searches_kcount', 'storageSearches', [1_000n, 1n]],
  ['input_document_kpages', 'documentPages', [1_000n, 1n]],
  ['requests_kcount', 'requests', [1_000n, 1n]],
]
/** Gemini's price list has one row for text, image and video input unless the model names them apart. */
const GOOGLE_TEXT_PRICED = ['imageInput', 'videoInput'] as const

type DeepRates = Map<number, { [U in UsageUnit]?: Microdollars }>

/** All bundled entries that have a price, and the providers. */
export function bundledEntries(): {
  readonly entries: readonly PriceEntry[]
  readonly sellers: readonly PriceSeller[]
} {
  const providers = PROVIDERS.map((providerId) => findProvider({ providerId })).filter(
    (provider) => provider !== undefined,
  )
  return {
    entries: providers.flatMap((provider) => provider.models.flatMap((model) => entryOf(provider, model))),
    sellers: providers.map(({ id, fallback_model_providers }) => ({
      id,
      fallbacks: Object.freeze(fallback_model_providers ?? []),
    })),
  }
}

function entryOf(provider: Provider, model: ModelInfo): PriceEntry[] {
  const conditional = Array.isArray(model.prices) ? model.prices : [{ prices: model.prices }]
  const versions = conditional.flatMap(({ constraint, prices }): PriceVersion[] => {
    // Both kinds may come without their `type` in older data; the fields tell.
    const validFrom =
      constraint !== undefined && 'start_date' in constraint
        ? Date.parse(`${constraint.start_date}T00:00:00Z`)
        : undefined
    const hours =
      constraint !== undefined && 'start_time' in constraint
        ? { startMs: timeOfDay(constraint.start_time), endMs: timeOfDay(constraint.end_time) }
        : undefined
    const price = priceOf(provider, model, prices, validFrom, hours?.startMs)
    return price === undefined ? [] : [{ price, hours }]
  })
  if (versions.length === 0) return []
  return [
    {
      provider: provider.id,
      model: model.id,
      aliases: aliasesOf(provider, model),
      firstParty: provider.model_match !== undefined && matches(provider.model_match, model.id.toLowerCase()),
      versions,
    },
  ]
}

/** A maker or region, a dot, a model: `anthropic.claude-…`, `us.amazon.nova-…`. */
const BEDROCK_NAME = /^[a-z-]+\.[a-z]/

/** Bedrock's entries also match what other sellers call a model; only its own dotted names are its own. */
function aliasesOf({ id }: Provider, { match }: ModelInfo): readonly string[] {
  const names = [...literals(match, id)]
  return id === 'aws' ? names.filter((name) => BEDROCK_NAME.test(name)) : names
}

/** The names a match rule spells out. Patterns price by likeness, which PRI-12 forbids, and give none. */
function* literals(match: MatchLogic, provider: string): Generator<string> {
  if ('or' in match) for (const part of match.or) yield* literals(part, provider)
  else if ('equals' in match) yield match.equals
  else if ('starts_with' in match) yield match.starts_with.replace(/-$/, '')
  else if (provider === 'aws' && 'contains' in match) yield match.contains
  else if (provider === 'aws' && 'ends_with' in match) yield match.ends_with
}

function matches(match: MatchLogic, name: string): boolean {
  if ('or' in match) return match.or.some((part) => matches(part, name))
  if ('and' in match) return match.and.every((part) => matches(part, name))
  if ('equals' in match) return name === match.equals.toLowerCase()
  if ('starts_with' in match) return name.startsWith(match.starts_with.toLowerCase())
  if ('ends_with' in match) return name.endsWith(match.ends_with.toLowerCase())
  if ('contains' in match) return name.includes(match.contains.toLowerCase())
  return new RegExp(match.regex).test(name)
}

function timeOfDay(text: string): number {
  return Date.parse(`1970-01-01T${text}`)
}

function priceOf(
  provider: Provider,
  model: ModelInfo,
  prices: ModelPrice,
  validFrom: number | undefined,
  startMs: number | undefined,
): Price | undefined {
  const byBound = ratesByBound(prices)
  const base = byBound.get(0) ?? {}
  if (provider.id === 'google')
    for (const rates of byBound.values()) for (const unit of GOOGLE_TEXT_PRICED) rates[unit] ??= rates.input
  if (USAGE_UNITS.every((unit) => base[unit] === undefined)) return undefined
  const suffix =
    (validFrom === undefined ? '' : `@${new Date(validFrom).toISOString().slice(0, 10)}`) +
    (startMs === undefined ? '' : `@${new Date(startMs).toISOString().slice(11, 16)}`)
  return Object.freeze({
    id: priceId(DATA_VERSION, provider.id, model.id, suffix),
    provider: provider.id,
    model: model.id,
    source: 'bundled' as const,
    ...(validFrom === undefined ? {} : { validFrom }),
    ...(model.context_window === undefined ? {} : { contextTokens: model.context_window }),
    rates: Object.freeze(base),
    longContext: Object.freeze(longContextOf(byBound)),
  })
}

/** Rates that hold above each bound, bound 0 being every call; a bound names only the rates that change there. */
function ratesByBound(prices: ModelPrice): DeepRates {
  const byBound: DeepRates = new Map([[0, {}]])
  for (const [key, unit, scale] of RATE_KEYS) {
    const value: unknown = prices[key]
    for (const [bound, amount] of steps(value)) {
      const rate = rateOf(amount, scale)
      if (rate === undefined) continue
      const rates = byBound.get(bound) ?? {}
      byBound.set(bound, rates)
      if (rate > (rates[unit] ?? -1)) rates[unit] = rate
    }
  }
  return byBound
}

function steps(value: unknown): (readonly [bound: number, usdAmount: unknown])[] {
  if (typeof value !== 'object' || value === null) return [[0, value]]
  const { base, tiers } = value as TieredPrices
  return [[0, base], ...tiers.map(({ start, price }) => [start, price] as const)]
}

/** Whole microdollars per million of our units, rounded up; `undefined`: unknown. */
function rateOf(amount: unknown, [multiply, divide]: readonly [bigint, bigint]): Microdollars | undefined {
  if (typeof amount !== 'number' || !Number.isFinite(amount) || amount <= 0) return undefined
  const microsPerUnit = BigInt(usd(amount, { rounding: 'up' }))
  return micros((microsPerUnit * multiply + divide - 1n) / divide)
}

function longContextOf(byBound: DeepRates): LongContextRates[] {
  const bounds = [...byBound.keys()].filter((bound) => bound > 0).sort((a, b) => a - b)
  let above: Rates = {}
  return bounds.map((aboveInputTokens) => {
    above = Object.freeze({ ...above, ...byBound.get(aboveInputTokens) })
    return Object.freeze({ aboveInputTokens, rates: above })
  })
}
