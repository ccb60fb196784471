import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import {
  bundledPriceBook,
  CostCalculator,
  createPriceBook,
  MAX_AMOUNT,
  type Price,
  type PriceInput,
  type ServiceTier,
  type Usage,
  type UsageUnit,
} from '../../src/index.ts'
import { USAGE_UNITS } from '../../src/usage/usage.ts'

/** Requests compared with the oracle. */
const REQUESTS = 200_000
const TIERS: readonly ServiceTier[] = ['standard', 'batch', 'flex', 'priority']
const book = createPriceBook([
  {
    model: 'own-tiers',
    usdPerMillion: { input: 2, cacheRead: 0.5, output: 8 },
    longContext: [{ aboveInputTokens: 1_000, usdPerMillion: { input: 4, output: 9 } }],
    serviceTiers: { batch: { input: 1, output: 4 }, priority: { input: 3.5, cacheRead: 0.9, output: 14 } },
  },
  { model: 'own-free', usdPerMillion: { input: 0, output: 0 } },
])
const calculator = new CostCalculator(book)

/** The rules of budget protocol 8 once more, in BigInt and in the words of the protocol; shares nothing with the package. */
function oracle(price: Price | undefined, usage: Usage, tier: ServiceTier): bigint {
  const of = (unit: UsageUnit): bigint => BigInt(usage[unit] ?? 0)
  const inputTotal =
    of('input') +
    of('cacheRead') +
    of('cacheWrite') +
    of('cacheWrite1h') +
    of('audioInput') +
    of('audioCacheRead') +
    of('imageInput') +
    of('imageCacheRead') +
    of('videoInput') +
    of('unsplit')
  const above = (price?.longContext ?? []).filter(({ aboveInputTokens }) => inputTotal > BigInt(aboveInputTokens))
  const plain = { ...price?.rates, ...above.at(-1)?.rates }
  const own = price?.serviceTiers?.[tier]
  const rule = (rates: Usage, unit: UsageUnit): bigint | undefined => {
    const parent: Record<string, UsageUnit> = {
      cacheRead: 'input',
      cacheWrite: 'input',
      cacheWrite1h: 'input',
      audioCacheRead: 'audioInput',
      imageCacheRead: 'imageInput',
      reasoning: 'output',
      citation: 'output',
    }
    if (unit === 'unsplit' && rates.unsplit === undefined) {
      if (rates.input === undefined || rates.output === undefined) return undefined
      return BigInt(Math.max(rates.input, rates.output))
    }
    const rate = rates[unit] ?? rates[parent[unit] ?? unit]
    return rate === undefined ? undefined : BigInt(rate)
  }
  const max = (...values: (bigint | undefined)[]): bigint | undefined =>
    values.reduce(
      (best, value) => (value !== undefined && (best === undefined || value > best) ? value : best),
      undefined,
    )
  let total = 0n
  for (const unit of USAGE_UNITS) {
    if (of(unit) === 0n) continue
    const ceiling = BigInt(book.highest(unit))
    const standard = price === undefined ? undefined : rule(plain, unit)
    let rate: bigint | undefined
    if (tier === 'priority') {
      const priority = own === undefined ? undefined : rule(own, unit)
      rate = priority !== undefined && above.length === 0 ? priority : max(ceiling, standard, priority)
    } else if (above.length === 0) {
      const named = own?.[unit]
      rate = named === undefined ? standard : BigInt(named)
    } else {
      const named = own?.[unit]
      rate = max(standard, named === undefined ? undefined : BigInt(named))
    }
    total += of(unit) * (rate ?? ceiling)
  }
  return (total + 999_999n) / 1_000_000n
}

/** A small generator with a seed, so that a failure can be repeated (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const catalogue = bundledPriceBook()
  .providers()
  .flatMap((provider) => catalogueOf(provider))

function catalogueOf(provider: string): { readonly provider: string; readonly model: string }[] {
  return bundledPriceBook()
    .models(provider)
    .map((model) => ({ provider, model }))
}

describe('exactness', () => {
  test(`P6 0 of ${String(REQUESTS)} random requests differ from an independent BigInt oracle`, () => {
    const random = seeded(20_261_124)
    const below = (bound: number): number => Math.floor(random() * bound)
    const models = [
      ...catalogue,
      { provider: 'openai', model: 'own-tiers' },
      { provider: 'openai', model: 'own-free' },
      { provider: 'x', model: 'nobody' },
    ]
    const wrong: string[] = []
    for (let at = 0; at < REQUESTS; at++) {
      // A tenth of the requests go to the prices with tiers of their own, the rest all over the catalogue.
      const chosen = models[random() < 0.1 ? models.length - 1 - below(3) : below(models.length)]
      if (chosen === undefined) throw new Error('the catalogue is empty')
      const { provider, model } = chosen
      const tier = TIERS[below(TIERS.length)] ?? 'standard'
      const usage: { [U in UsageUnit]?: number } = {}
      // Few parts of each call, of every size from a token to a billion.
      for (let part = 1 + below(5); part > 0; part--) {
        const unit = USAGE_UNITS[random() < 0.6 ? ([0, 1, 9, 10][below(4)] ?? 0) : below(USAGE_UNITS.length)]
        if (unit !== undefined) usage[unit] = below(10 ** below(10))
      }
      const expected = oracle(book.find(model, { provider }), usage, tier)
      if (expected > BigInt(MAX_AMOUNT)) continue
      const { amount } = calculator.cost(model, usage, { provider, serviceTier: tier })
      if (BigInt(amount) !== expected)
        wrong.push(`${provider}/${model} ${tier} ${JSON.stringify(usage)}: ${String(amount)}, not ${String(expected)}`)
    }
    expect(wrong).toEqual([])
  })

  test('P6 a cost is at least its exact sum and less than a microdollar above it', () => {
    fc.assert(
      fc.property(fc.constantFrom(...catalogue), usages(), ({ provider, model }, usage) => {
        const { amount, lines } = calculator.cost(model, usage, { provider })
        const exact = lines.reduce((sum, { quantity, rate }) => sum + BigInt(quantity) * BigInt(rate), 0n)
        const charged = BigInt(amount) * 1_000_000n
        expect(charged >= exact && charged - exact < 1_000_000n).toBe(true)
        expect(amount > 0).toBe(exact > 0n)
      }),
      { numRuns: 5_000 },
    )
  })

  test('PRI-16 more of any part never costs less, in every service tier and across long-context bounds', () => {
    const models = [...catalogue, { provider: 'openai', model: 'own-tiers' }, { provider: 'x', model: 'nobody' }]
    fc.assert(
      fc.property(
        fc.constantFrom(...models),
        usages(),
        fc.constantFrom(...USAGE_UNITS),
        fc.integer({ min: 1, max: 500_000 }),
        fc.constantFrom(...TIERS),
        ({ provider, model }, usage, unit, more, serviceTier) => {
          const options = { provider, serviceTier }
          const before = calculator.cost(model, usage, options).amount
          const after = calculator.cost(model, { ...usage, [unit]: (usage[unit] ?? 0) + more }, options).amount
          expect(after).toBeGreaterThanOrEqual(before)
        },
      ),
      { numRuns: 10_000 },
    )
  })

  test('PRI-10 PRI-16 used parts are never free unless somebody set 0', () => {
    for (const { provider, model } of catalogue) {
      for (const unit of USAGE_UNITS)
        expect(calculator.cost(model, { [unit]: 1 }, { provider }).amount).toBeGreaterThanOrEqual(1)
    }
  })

  test('PRI-20 the worst case is at least the cost of any call within it', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...catalogue),
        fc.tuple(fc.nat(300_000), fc.nat(300_000), fc.nat(300_000), fc.nat(300_000)),
        fc.tuple(fc.nat(100_000), fc.nat(100_000)),
        ({ provider, model }, [input, cacheRead, cacheWrite, cacheWrite1h], [output, reasoning]) => {
          const request = {
            inputTokens: input + cacheRead + cacheWrite + cacheWrite1h,
            maxOutputTokens: output + reasoning,
          }
          const actual = calculator.cost(
            model,
            { input, cacheRead, cacheWrite, cacheWrite1h, output, reasoning },
            { provider },
          )
          expect(calculator.maxCost(model, request, { provider }).amount).toBeGreaterThanOrEqual(actual.amount)
        },
      ),
      { numRuns: 5_000 },
    )
  })

  test('bundled rates are the data, rounded up to a whole microdollar per million', () => {
    const own: PriceInput = { model: 'm', usdPerMillion: { input: 0.1234561, output: 0.123456 } }
    expect(createPriceBook([own], { base: null }).find('m')?.rates).toEqual({ input: 123_457, output: 123_456 })
  })
})

function usages(): fc.Arbitrary<Usage> {
  return fc.dictionary(fc.constantFrom(...USAGE_UNITS), fc.oneof(fc.nat(10), fc.nat(300_000)), {
    maxKeys: 6,
    noNullPrototype: true,
  })
}
