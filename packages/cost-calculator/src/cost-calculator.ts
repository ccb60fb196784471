/**
 * Says what a call cost, and what one may cost at most. It keeps no money: the same call at the same book gives the same
 * cost for ever. Every part is charged once, nothing unknown is free, and more usage never costs less.
 */
import { charge } from './charge.ts'
import type { Cost, CostOptions } from './cost.ts'
import { CostError } from './errors.ts'
import { type RequestSize, sizeOf } from './estimate/request-size.ts'
import { type Microdollars } from './money.ts'
import { effectiveRate } from './prices/effective-rate.ts'
import { bundledPriceBook } from './prices/price-book.ts'
import { priceId } from './prices/price-id.ts'
import type { Price, PriceBook, Rates, ServiceTier } from './prices/price.ts'
import { ceilingSheet, type RateSheet, rateSheet } from './rate-card.ts'
import { checkedCount, OUTPUT_UNITS, USAGE_UNITS, type Usage, type UsageUnit } from './usage/usage.ts'

/** Output assumed of a model whose limits nobody knows, in tokens. */
const UNKNOWN_OUTPUT_TOKENS = 128_000
/** Longest model name (http-api 4.9.5). */
const MODEL_MAX = 255

const TIERS: ReadonlySet<string> = new Set<ServiceTier>(['standard', 'batch', 'flex', 'priority'])
/** Input a caller cannot rule out: any text may be written to a cache or read from one. */
const TEXT_INPUT = ['input', 'cacheRead', 'cacheWrite', 'cacheWrite1h'] as const satisfies readonly UsageUnit[]
const MEDIA_INPUT = [
  'audioInput',
  'audioCacheRead',
  'imageInput',
  'imageCacheRead',
  'videoInput',
] as const satisfies readonly UsageUnit[]

/** What a worst case is worked out for. */
export interface MaxCostRequest {
  readonly inputTokens: number
  /** For each choice. Default: what the model can write, else 128 000. */
  readonly maxOutputTokens?: number | undefined
  /** Answers asked for (`n`). Default 1. */
  readonly choices?: number | undefined
}

/** What is done about models without a price. */
export interface CostCalculatorOptions {
  /** Default `ceiling`: charged at the dearest rates, and said so. `refuse`: `UNKNOWN_MODEL` is thrown. */
  readonly unknownModel?: 'ceiling' | 'refuse' | undefined
  /** Rates of the ceiling, Microdollars per million units; where it names none, the book's highest. */
  readonly ceiling?: Rates | undefined
}

/** An upper bound of a request's cost. */
export interface CostEstimate extends Cost {
  readonly inputTokens: number
  /** For all choices together. */
  readonly maxOutputTokens: number
}

/** Says what a call cost, and what one may cost at most: every part charged once, one rounding up at the end, nothing unknown free. */
export class CostCalculator {
  readonly #book: PriceBook
  readonly #refuse: boolean
  readonly #ceiling: Rates
  readonly #sheets = new WeakMap<Price, Map<ServiceTier, RateSheet>>()
  #unknown: RateSheet | undefined

  /** @throws {CostError} INVALID_PRICE for a ceiling that is no amount, 0 or of no usage unit, with every fault in `details.fields` */
  constructor(book?: PriceBook, options: CostCalculatorOptions = {}) {
    this.#book = book ?? bundledPriceBook()
    this.#refuse = options.unknownModel === 'refuse'
    this.#ceiling = checkedCeiling(options.ceiling ?? {})
  }

  /**
   * What a call cost.
   *
   * @param usage disjoint parts; an empty usage costs 0, an absent one is refused
   * @throws {CostError} INVALID_USAGE, AMOUNT_OUT_OF_RANGE (beyond 1 000 000 000 USD), UNKNOWN_MODEL with `unknownModel: 'refuse'`
   */
  cost(model: string, usage: Usage, options: CostOptions = {}): Cost {
    if (typeof usage !== 'object' || (usage as Usage | null) === null || Array.isArray(usage)) {
      throw new CostError('INVALID_USAGE', 'there is no usage', { fields: { $: 'must be an object of counts' } })
    }
    return charge(usage, this.#sheet(this.#find(model, options), options.serviceTier))
  }

  /**
   * The most a call of this size can cost (budget protocol 8.9): all input at the dearest rate it may be charged at, all
   * output at the dearest of the output. A limit above the model's maximum counts as the maximum (PRI-19).
   *
   * @throws {CostError} as `cost`
   */
  maxCost(model: string, request: MaxCostRequest, options: CostOptions = {}): Cost {
    const price = this.#find(model, options)
    const input = checkedCount(request.inputTokens, 'inputTokens')
    const output = outputTokens(price, request.maxOutputTokens, request.choices)
    return this.#worstCase(price, input, output, request.choices ?? 1, new Set(), options)
  }

  /**
   * An upper bound of what a request body can cost, before it is sent. Understands the bodies of OpenAI (both), Azure,
   * Anthropic and Google. Input: UTF-8 bytes of all text / `bytesPerToken` (1) + 16 per message + 4096 per image or file,
   * unless `inputTokens` says it.
   *
   * @throws {CostError} as `cost`; a body without a model is one of an unknown model
   */
  estimate(
    requestBody: unknown,
    options: CostOptions & {
      readonly inputTokens?: number | undefined
      readonly bytesPerToken?: number | undefined
    } = {},
  ): CostEstimate {
    const size: RequestSize = sizeOf(requestBody, options.bytesPerToken ?? 1)
    const price = this.#find(size.model ?? '', options)
    const inputTokens =
      options.inputTokens === undefined ? size.inputTokens : checkedCount(options.inputTokens, 'inputTokens')
    const maxOutputTokens = outputTokens(price, size.maxOutputTokens, size.choices)
    const tier = options.serviceTier ?? size.serviceTier
    const cost = this.#worstCase(price, inputTokens, maxOutputTokens, size.choices, size.media, {
      ...options,
      serviceTier: tier,
    })
    return Object.freeze({ ...cost, inputTokens, maxOutputTokens })
  }

  #find(model: string, options: CostOptions): Price | undefined {
    const price = typeof model === 'string' && model.length <= MODEL_MAX ? this.#book.find(model, options) : undefined
    if (price === undefined && this.#refuse) {
      throw new CostError('UNKNOWN_MODEL', 'the model has no price', {
        model: typeof model === 'string' ? model.slice(0, MODEL_MAX) : null,
        provider: options.provider,
      })
    }
    return price
  }

  #sheet(price: Price | undefined, tier: ServiceTier = 'standard'): RateSheet {
    const known = price === undefined ? undefined : this.#sheets.get(price)?.get(tier)
    return known ?? this.#newSheet(price, tier)
  }

  #newSheet(price: Price | undefined, tier: ServiceTier): RateSheet {
    if (!TIERS.has(tier))
      throw new CostError('INVALID_USAGE', 'unknown service tier', {
        fields: { serviceTier: 'must be a service tier' },
      })
    const ceiling = (unit: UsageUnit): Microdollars => this.#ceilingOf(unit)
    if (price === undefined) {
      return (this.#unknown ??= ceilingSheet(priceId(this.#book.version, null, 'ceiling'), ceiling))
    }
    let tiers = this.#sheets.get(price)
    if (tiers === undefined) this.#sheets.set(price, (tiers = new Map<ServiceTier, RateSheet>()))
    const sheet = rateSheet(price, tier, ceiling)
    tiers.set(tier, sheet)
    return sheet
  }

  /** The configured rate, else the book's highest; a book that knows none leaves it to the bundled one. Never 0. */
  #ceilingOf(unit: UsageUnit): Microdollars {
    const own = effectiveRate(this.#ceiling, unit)
    if (own !== undefined) return own
    const highest = this.#book.highest(unit)
    return highest > 0 ? highest : bundledPriceBook().highest(unit)
  }

  #worstCase(
    price: Price | undefined,
    inputTokens: number,
    output: number,
    choices: number,
    media: ReadonlySet<UsageUnit>,
    options: CostOptions,
  ): Cost {
    const sheet = this.#sheet(price, options.serviceTier)
    const step = sheet.steps.find(({ aboveInputTokens }) => inputTokens > aboveInputTokens)
    const dearest = (units: readonly UsageUnit[]): UsageUnit =>
      units.reduce((best, unit) => ((rateAt(unit) ?? 0) > (rateAt(best) ?? 0) ? unit : best))
    const rateAt = (unit: UsageUnit): Microdollars | undefined => step?.rates.get(unit)?.rate
    const named = (unit: UsageUnit): boolean => price?.rates[unit] !== undefined
    const inputUnits = [...TEXT_INPUT, ...MEDIA_INPUT.filter((unit) => media.has(unit) || named(unit))]
    const outputUnits = OUTPUT_UNITS.filter((unit) => unit === 'output' || media.has(unit) || named(unit))
    const usage: { [U in UsageUnit]?: number } = {}
    // A tie keeps the first, so that a plain model shows plain lines.
    usage[dearest(inputUnits)] = inputTokens
    usage[dearest(outputUnits)] = output
    if (named('requests')) usage.requests = choices
    return charge(usage, sheet)
  }
}

/** Output of all choices: the smaller of request and model maximum, else the context window, else 128 000. */
function outputTokens(price: Price | undefined, requested: number | undefined, choices = 1): number {
  const most = price?.maxOutputTokens
  const each =
    requested === undefined
      ? (most ?? price?.contextTokens ?? UNKNOWN_OUTPUT_TOKENS)
      : Math.min(checkedCount(requested, 'maxOutputTokens'), most ?? Infinity)
  return checkedCount(each * checkedCount(choices, 'choices'), 'maxOutputTokens')
}

function checkedCeiling(ceiling: Rates): Rates {
  const faults: Record<string, string> = {}
  for (const [unit, rate] of Object.entries<unknown>(ceiling)) {
    if (!(USAGE_UNITS as readonly string[]).includes(unit)) faults[`ceiling.${unit}`] = 'is not a usage unit'
    else if (rate !== undefined && !(Number.isSafeInteger(rate) && (rate as number) > 0)) {
      faults[`ceiling.${unit}`] = 'must be a whole number of microdollars above 0'
    }
  }
  if (Object.keys(faults).length > 0) throw new CostError('INVALID_PRICE', 'a ceiling is not valid', { fields: faults })
  return Object.freeze({ ...ceiling })
}
