import { describe, expect, test } from '@jest/globals'
import {
  bundledPriceBook,
  type Cost,
  CostCalculator,
  type CostOptions,
  createPriceBook,
  micros,
  normalizeUsage,
  type PriceInput,
  usd,
  type Usage,
  usageFromCounts,
} from '../src/index.ts'
import { refusal } from './refusal.ts'

/** Prices written down here, so that no update of the bundle can change what these cases mean. USD per million units. */
const PRICES: readonly PriceInput[] = [
  { model: 'plain', usdPerMillion: { input: 2.5, output: 10 } },
  { model: 'cached', usdPerMillion: { input: 2.5, cacheRead: 1.25, output: 10 } },
  { model: 'cheap', usdPerMillion: { input: 0.15, output: 0.6 } },
  {
    model: 'writer',
    usdPerMillion: { input: 3, cacheRead: 0.3, cacheWrite: 3.75, cacheWrite1h: 6, output: 15, webSearches: 10_000 },
  },
  { model: 'thinker', usdPerMillion: { input: 2, output: 8, reasoning: 3, citation: 2 } },
  {
    model: 'voice',
    usdPerMillion: {
      input: 4,
      cacheRead: 0.4,
      audioInput: 32,
      audioCacheRead: 0.4,
      imageInput: 5,
      output: 16,
      audioOutput: 64,
      imageOutput: 40,
    },
  },
  {
    model: 'long',
    usdPerMillion: { input: 1.25, cacheRead: 0.125, output: 10 },
    longContext: [
      { aboveInputTokens: 400_000, usdPerMillion: { input: 5, output: 20 } },
      { aboveInputTokens: 200_000, usdPerMillion: { input: 2.5, cacheRead: 0.25, output: 15 } },
    ],
    serviceTiers: { batch: { input: 0.625, output: 5 }, priority: { input: 2.5, output: 20 } },
  },
  {
    model: 'tiered',
    usdPerMillion: { input: 2, cacheRead: 0.5, output: 8 },
    serviceTiers: {
      batch: { input: 1, output: 4 },
      flex: { input: 1, cacheRead: 0.25, output: 4 },
      priority: { input: 3.5, cacheRead: 0.875, output: 14 },
    },
  },
  {
    model: 'surcharged',
    usdPerMillion: { input: 2, cacheRead: 0.5, output: 8 },
    serviceTiers: { priority: { input: 3.5 } },
  },
  { model: 'free', usdPerMillion: { input: 0, output: 0 } },
  {
    model: 'items',
    usdPerMillion: { audioSeconds: 100, documentPages: 1_000, requests: 14_000, storageSearches: 2_500 },
  },
  { model: 'tiny', usdPerMillion: { input: '0.000001' } },
  {
    model: 'dearest',
    usdPerMillion: { input: 150, output: 600, audioInput: 40, audioOutput: 80, imageInput: 10, videoInput: 12 },
  },
]
const book = createPriceBook(PRICES, { base: null })
const prices = new CostCalculator(book)

/** Model, usage, expected microdollars. The sum beside each case is worked out by hand; a rate in USD per million is µ$ a unit. */
type Golden = readonly [
  name: string,
  model: string,
  usage: Usage,
  expected: number,
  pricing?: Cost['pricing'],
  options?: CostOptions,
]

const GOLDEN: readonly Golden[] = [
  // 1000 x 2.5 + 100 x 10 = 2500 + 1000
  ['plain text', 'plain', { input: 1_000, output: 100 }, 3_500],
  // budget protocol 17 / http-api 6, step 7: 400000 x 2.5 + 50000 x 10 = 1000000 + 500000 = 1.5 USD
  ['the worked session', 'plain', { input: 400_000, output: 50_000 }, 1_500_000],
  // budget protocol 8.5: 1 x 0.15 + 1 x 0.6 = 0.75 -> 1
  ['PRI-16 one token in, one out of a cheap model', 'cheap', { input: 1, output: 1 }, 1],
  // 1 x 0.000001 = 0.000001 -> 1
  ['PRI-16 one token at the smallest rate there is', 'tiny', { input: 1 }, 1],
  // 1000000 x 0.000001 = 1 exactly, nothing to round
  ['no rounding where nothing is left', 'tiny', { input: 1_000_000 }, 1],
  // 7 x 0.15 + 1 x 0.6 = 1.05 + 0.6 = 1.65 -> 2; rounded line by line it would be 2 + 1 = 3
  ['MON-03 one rounding on the sum', 'cheap', { input: 7, output: 1 }, 2],
  // 24000 x 2.5 + 96000 x 1.25 + 4500 x 10 = 60000 + 120000 + 45000 = 225000, where floats give 0.22499999999999998
  ['PRI-02 cached tokens, exactly', 'cached', { input: 24_000, cacheRead: 96_000, output: 4_500 }, 225_000],
  // 100000 x 2.5 + 900000 x 1.25 = 250000 + 1125000
  ['PRI-02 mostly cached', 'cached', { input: 100_000, cacheRead: 900_000 }, 1_375_000],
  // no cache rate: 200 x 2.5 + 1000 x 2.5 = 3000
  ['PRI-10 cached tokens without a rate cost like input', 'plain', { input: 200, cacheRead: 1_000 }, 3_000],
  // no write rate: 10 x 2.5 + 10 x 2.5 + 10 x 2.5 = 75
  ['PRI-10 cache writes without a rate cost like input', 'plain', { input: 10, cacheWrite: 10, cacheWrite1h: 10 }, 75],
  // 2048 x 3 + 1800 x 0.3 + 148 x 3.75 + 100 x 6 + 503 x 15 = 6144 + 540 + 555 + 600 + 7545 = 15384
  [
    'PRI-03 two lifetimes',
    'writer',
    { input: 2_048, cacheRead: 1_800, cacheWrite: 148, cacheWrite1h: 100, output: 503 },
    15_384,
  ],
  // 10 x 3 + 2 x 10000 = 30 + 20000
  ['PRI-06 web searches', 'writer', { input: 10, webSearches: 2 }, 20_030],
  // 10 s x 100 + 3 pages x 1000 + 1 request x 14000 + 2 searches x 2500 = 1000 + 3000 + 14000 + 5000
  [
    'PRI-06 seconds, pages, requests, file searches',
    'items',
    { audioSeconds: 10, documentPages: 3, requests: 1, storageSearches: 2 },
    23_000,
  ],
  // 100 x 2 + 50 x 8 + 1000 x 3 + 20 x 2 = 200 + 400 + 3000 + 40
  [
    'PRI-04 reasoning and citations at their own rates',
    'thinker',
    { input: 100, output: 50, reasoning: 1_000, citation: 20 },
    3_640,
  ],
  // 100 x 2.5 + 50 x 10 + 1000 x 10 + 20 x 10 = 250 + 500 + 10000 + 200
  [
    'PRI-04 PRI-10 without own rates they cost like output',
    'plain',
    { input: 100, output: 50, reasoning: 1_000, citation: 20 },
    10_950,
  ],
  // 63 x 4 + 56 x 0.4 + 5 x 32 + 8 x 0.4 + 30 x 16 + 91 x 64 = 252 + 22.4 + 160 + 3.2 + 480 + 5824 = 6741.6
  [
    'PRI-05 audio',
    'voice',
    { input: 63, cacheRead: 56, audioInput: 5, audioCacheRead: 8, output: 30, audioOutput: 91 },
    6_742,
  ],
  // 10 x 5 + 4 x 5 (no cached-image rate: like fresh) + 3 x 40 = 50 + 20 + 120
  ['PRI-05 images', 'voice', { imageInput: 10, imageCacheRead: 4, imageOutput: 3 }, 190],
  // no audio rate: the book's highest, 40: 100 x 2.5 + 10 x 40 = 650
  ['PRI-10 audio without a rate costs the highest', 'plain', { input: 100, audioInput: 10 }, 650, 'ceiling'],
  // no cached-audio rate and no audio rate: the highest a cached audio token costs in this book is dearest's 40
  ['PRI-10 cached audio without any audio rate', 'plain', { audioCacheRead: 10 }, 400, 'ceiling'],
  // an unused part without a rate changes nothing: 100 x 2.5
  ['PRI-17 a zero part is no use of it', 'plain', { input: 100, audioInput: 0, webSearches: 0 }, 250],
  // dearer of 2.5 and 10: 7 x 10
  ['PRI-37 a total without a split', 'plain', { unsplit: 7 }, 70],
  // 150000 + 50000 = 200000, not above the bound: 150000 x 1.25 + 50000 x 0.125 + 10 x 10 = 187500 + 6250 + 100
  ['PRI-07 at the bound', 'long', { input: 150_000, cacheRead: 50_000, output: 10 }, 193_850],
  // one more: 150001 x 2.5 + 50000 x 0.25 + 10 x 15 = 375002.5 + 12500 + 150 = 387652.5
  [
    'PRI-07 one token above the bound, all of it at the higher tier',
    'long',
    { input: 150_001, cacheRead: 50_000, output: 10 },
    387_653,
  ],
  // 400000 x 2.5 + 10 x 15 = 1000000 + 150
  ['PRI-07 at the second bound', 'long', { input: 400_000, output: 10 }, 1_000_150],
  // 1 x 5 + 400000 x 0.25 (the highest bound that names it) + 10 x 20 = 5 + 100000 + 200
  ['PRI-07 above the second bound', 'long', { input: 1, cacheRead: 400_000, output: 10 }, 100_205],
  // unsplit tokens count towards the bound: dearer of 2.5 and 15: 200001 x 15
  ['PRI-07 PRI-37 unsplit above the bound', 'long', { unsplit: 200_001 }, 3_000_015],
  // output does not: 10 x 1.25 + 300000 x 10 = 12.5 + 3000000
  ['PRI-07 output does not count towards the bound', 'long', { input: 10, output: 300_000 }, 3_000_013],
  // 100 x 1 + 40 x 0.5 (no batch rate for cached: standard) + 10 x 4 = 100 + 20 + 40
  ['PRI-08 batch', 'tiered', { input: 100, cacheRead: 40, output: 10 }, 160, 'price_book', { serviceTier: 'batch' }],
  // 100 x 1 + 40 x 0.25 + 10 x 4 = 100 + 10 + 40
  ['PRI-08 flex', 'tiered', { input: 100, cacheRead: 40, output: 10 }, 150, 'price_book', { serviceTier: 'flex' }],
  // 100 x 3.5 + 40 x 0.875 + 10 x 14 = 350 + 35 + 140
  [
    'PRI-08 priority',
    'tiered',
    { input: 100, cacheRead: 40, output: 10 },
    525,
    'price_book',
    { serviceTier: 'priority' },
  ],
  // 100 x 2 + 40 x 0.5 + 10 x 8 = 200 + 20 + 80
  [
    'PRI-08 standard',
    'tiered',
    { input: 100, cacheRead: 40, output: 10 },
    300,
    'price_book',
    { serviceTier: 'standard' },
  ],
  // no batch rates at all: 100 x 2.5 + 10 x 10
  [
    'PRI-08 a missing discount costs the standard rate',
    'plain',
    { input: 100, output: 10 },
    350,
    'price_book',
    { serviceTier: 'batch' },
  ],
  // no priority rates: the ceiling, 100 x 150 + 10 x 600
  [
    'PRI-08 a missing surcharge costs the ceiling',
    'plain',
    { input: 100, output: 10 },
    21_000,
    'ceiling',
    { serviceTier: 'priority' },
  ],
  // only input has one: 100 x 3.5 + 40 x 3.5 (cached like priority input) + 10 x 600
  [
    'PRI-08 a partly missing surcharge',
    'surcharged',
    { input: 100, cacheRead: 40, output: 10 },
    6_490,
    'ceiling',
    { serviceTier: 'priority' },
  ],
  // at the bound the batch rates hold: 200000 x 0.625 + 10 x 5 = 125000 + 50
  [
    'PRI-07 PRI-08 batch at the bound',
    'long',
    { input: 200_000, output: 10 },
    125_050,
    'price_book',
    { serviceTier: 'batch' },
  ],
  // above it no discount is known: 200001 x 2.5 + 10 x 15 = 500002.5 + 150 = 500152.5
  [
    'PRI-07 PRI-08 batch above the bound',
    'long',
    { input: 200_001, output: 10 },
    500_153,
    'price_book',
    { serviceTier: 'batch' },
  ],
  // above it no surcharge is known: the ceiling, 200001 x 150 + 10 x 600 = 30000150 + 6000
  [
    'PRI-07 PRI-08 priority above the bound',
    'long',
    { input: 200_001, output: 10 },
    30_006_150,
    'ceiling',
    { serviceTier: 'priority' },
  ],
  ['PRI-17 zero usage', 'plain', { input: 0, output: 0 }, 0],
  ['PRI-09 an explicit price of 0 is free', 'free', { input: 5_000_000, cacheRead: 5, output: 7 }, 0],
  // unknown: 100 x 150 + 10 x 150 (a cached token is at most an input token) + 10 x 600
  [
    'PRI-09 an unknown model costs the ceiling',
    'nobody-knows',
    { input: 100, cacheRead: 10, output: 10 },
    22_500,
    'ceiling',
  ],
  ['PRI-09 an unknown model without tokens is unknown still', 'nobody-knows', { input: 0, output: 0 }, 0, 'ceiling'],
  // 3 x 600
  ['PRI-09 an unknown model, unsplit', 'nobody-knows', { unsplit: 3 }, 1_800, 'ceiling'],
]

describe('golden table', () => {
  test.each(GOLDEN)('%s', (_name, model, usage, expected, pricing = 'price_book', options = {}) => {
    const cost = prices.cost(model, usage, options)
    expect({ amount: cost.amount, pricing: cost.pricing }).toEqual({ amount: expected, pricing })
  })
})

describe('golden table of the bundled prices, provider by provider', () => {
  const bundled = new CostCalculator()

  test.each<readonly [string, string, string, Usage, number]>([
    // 86 x 2.5 + 1920 x 1.25 + 108 x 10 + 192 x 10 = 215 + 2400 + 1080 + 1920
    [
      'OpenAI chat, cached inside',
      'openai',
      'gpt-4o-2024-08-06',
      normalizeUsage('openai', {
        prompt_tokens: 2_006,
        prompt_tokens_details: { cached_tokens: 1_920 },
        completion_tokens: 300,
        completion_tokens_details: { reasoning_tokens: 192 },
      }),
      5_615,
    ],
    // the same through Azure, which sells OpenAI's models at OpenAI's prices
    ['Azure', 'azure_openai', 'gpt-4o', { input: 86, cacheRead: 1_920, output: 108, reasoning: 192 }, 5_615],
    // 2048 x 3 + 1800 x 0.3 + 148 x 3.75 + 100 x 6 + 503 x 15 + 2 x 10000 = 15384 + 20000
    [
      'Anthropic, cache beside the input, two searches',
      'anthropic',
      'claude-sonnet-4-5-20250929',
      normalizeUsage('anthropic', {
        input_tokens: 2_048,
        cache_read_input_tokens: 1_800,
        cache_creation_input_tokens: 248,
        cache_creation: { ephemeral_5m_input_tokens: 148, ephemeral_1h_input_tokens: 100 },
        output_tokens: 503,
        server_tool_use: { web_search_requests: 2 },
      }),
      35_384,
    ],
    // 600 x 1.25 + 400 x 0.125 + 100 x 10 + 250 x 10 = 750 + 50 + 1000 + 2500
    [
      'Google, thoughts beside',
      'google',
      'gemini-2.5-pro',
      normalizeUsage('google', {
        promptTokenCount: 1_000,
        cachedContentTokenCount: 400,
        candidatesTokenCount: 100,
        thoughtsTokenCount: 250,
      }),
      4_300,
    ],
    // 200000 x 1.25 + 10 x 10 = 250000 + 100
    ['PRI-07 Google at its bound', 'google', 'gemini-2.5-pro', { input: 200_000, output: 10 }, 250_100],
    // 200001 x 2.5 + 10 x 15 = 500002.5 + 150
    ['PRI-07 Google above its bound', 'google', 'gemini-2.5-pro', { input: 200_001, output: 10 }, 500_153],
    // 40 x 0.3 + 60 x 0.03 + 440 x 0.1 + 360 x 1 + 258 x 0.3 + 842 x 0.3 = 12 + 1.8 + 44 + 360 + 77.4 + 252.6 = 747.8
    [
      'PRI-05 Google, media',
      'google',
      'gemini-2.5-flash',
      { input: 40, cacheRead: 60, audioCacheRead: 440, audioInput: 360, imageInput: 258, videoInput: 842 },
      748,
    ],
    // 63 x 4 + 56 x 0.4 + 5 x 32 + 8 x 0.4 + 30 x 16 + 91 x 64 = 6741.6
    [
      'PRI-05 OpenAI realtime',
      'openai',
      'gpt-realtime-2025-08-28',
      { input: 63, cacheRead: 56, audioInput: 5, audioCacheRead: 8, output: 30, audioOutput: 91 },
      6_742,
    ],
    // 9 s x 0.36 USD / 3600 s = 0.0009 USD
    ['PRI-06 transcription by the second', 'openai', 'whisper-1', { audioSeconds: 9 }, 900],
    // 3 pages x 1 USD / 1000
    ['PRI-06 documents by the page', 'mistral', 'mistral-ocr-2505', { documentPages: 3 }, 3_000],
    // 100 x 2 + 50 x 8 + 1000 x 3 + 20 x 2 + 4 x 5000 = 200 + 400 + 3000 + 40 + 20000
    [
      'PRI-04 PRI-06 Perplexity, reasoning and citations at their own rates',
      'perplexity',
      'sonar-deep-research',
      { input: 100, output: 50, reasoning: 1_000, citation: 20, webSearches: 4 },
      23_640,
    ],
  ])('%s', (_name, provider, model, usage, expected) => {
    const cost = bundled.cost(model, usage, { provider })
    expect({ amount: cost.amount, pricing: cost.pricing }).toEqual({ amount: expected, pricing: 'price_book' })
  })

  test('PRI-09 the ceiling is the dearest of all bundled rates', () => {
    const { highest } = { highest: (unit: 'input' | 'output') => bundledPriceBook().highest(unit) }
    const cost = bundled.cost('no-such-model', { input: 1_000_000, output: 1_000_000 })
    expect(cost.amount).toBe(highest('input') + highest('output'))
    expect(cost.pricing).toBe('ceiling')
    expect(cost.priceId).toBe(`${bundledPriceBook().version}/*/ceiling`)
  })
})

describe('cost', () => {
  test('PRI-14 names the price used and shows every line', () => {
    const cost = prices.cost('cached', { input: 24_000, cacheRead: 96_000, output: 4_500, reasoning: 0 })
    expect(cost).toEqual({
      amount: 225_000,
      pricing: 'price_book',
      priceId: `${book.version}/*/cached`,
      lines: [
        { unit: 'input', quantity: 24_000, rate: 2_500_000 },
        { unit: 'cacheRead', quantity: 96_000, rate: 1_250_000 },
        { unit: 'output', quantity: 4_500, rate: 10_000_000 },
      ],
    })
    expect(Object.isFrozen(cost) && Object.isFrozen(cost.lines)).toBe(true)
  })

  test('PRI-09 an unknown model is refused on demand', () => {
    const strict = new CostCalculator(book, { unknownModel: 'refuse' })
    expect(refusal(() => strict.cost('nobody-knows', { input: 1 })).code).toBe('UNKNOWN_MODEL')
    expect(refusal(() => strict.maxCost('nobody-knows', { inputTokens: 1 })).code).toBe('UNKNOWN_MODEL')
    expect(refusal(() => strict.estimate({ messages: [] })).code).toBe('UNKNOWN_MODEL')
    expect(strict.cost('plain', { input: 2 }).amount).toBe(5)
  })

  test('PRI-09 a configured ceiling wins, parts of it following input and output; a ceiling of 0 is refused', () => {
    const own = new CostCalculator(book, { ceiling: { input: usd(30), output: usd(180) } })
    // 10 x 30 + 10 x 30 + 1 x 180 + 1 x 180 + 2 x 180
    expect(own.cost('nobody-knows', { input: 10, cacheRead: 10, output: 1, reasoning: 1, unsplit: 2 }).amount).toBe(
      1_320,
    )
    // no audio in it: the book's 40
    expect(own.cost('nobody-knows', { audioInput: 1 }).amount).toBe(40)
    expect(refusal(() => new CostCalculator(book, { ceiling: { input: micros(0) } })).code).toBe('INVALID_PRICE')
    const faulty = { input: 1.5, output: -1, cacheRead: Number.NaN, inputs: 1, reasoning: undefined } as never
    expect(refusal(() => new CostCalculator(book, { ceiling: faulty }))).toMatchObject({
      code: 'INVALID_PRICE',
      details: {
        fields: {
          'ceiling.input': 'must be a whole number of microdollars above 0',
          'ceiling.output': 'must be a whole number of microdollars above 0',
          'ceiling.cacheRead': 'must be a whole number of microdollars above 0',
          'ceiling.inputs': 'is not a usage unit',
        },
      },
    })
  })

  test('PRI-08 a rate that a tier does not name is never below what is known of it', () => {
    const tiers = createPriceBook(
      [
        {
          model: 'tiers',
          usdPerMillion: { input: 10, output: 20 },
          longContext: [{ aboveInputTokens: 1_000, usdPerMillion: { input: 40 } }],
          serviceTiers: { priority: { output: 25 }, batch: { input: 5, audioInput: 3 } },
        },
      ],
      { base: null },
    )
    const low = new CostCalculator(tiers, { ceiling: { input: usd(1), output: usd(2) } })
    const cost = (usage: Usage, serviceTier: 'priority' | 'batch') => low.cost('tiers', usage, { serviceTier }).amount
    // The ceiling is below the standard rate: the standard rate, not less.
    expect(cost({ input: 1, output: 1 }, 'priority')).toBe(10 + 25)
    expect(cost({ input: 2_000, output: 1 }, 'priority')).toBe(2_000 * 40 + 25)
    // Cached audio is known by the tier's audio only.
    expect(cost({ input: 1, audioCacheRead: 1, output: 1 }, 'batch')).toBe(5 + 3 + 20)
    expect(tiers.highest('input')).toBe(usd(40))
    expect(tiers.highest('output')).toBe(usd(25))
    expect(tiers.highest('audioInput')).toBe(usd(3))
  })

  test('PRI-09 an empty book still charges', () => {
    const empty = new CostCalculator(createPriceBook([], { base: null }))
    const cost = empty.cost('gpt-4o', { input: 1, output: 1, audioInput: 1, requests: 1 })
    expect(cost.pricing).toBe('ceiling')
    expect(cost.lines.every(({ rate }) => rate > 0)).toBe(true)
  })

  test('PRI-17 an absent usage is refused, never zero', () => {
    for (const usage of [undefined, null, 5, 'x', []]) {
      expect(refusal(() => prices.cost('plain', usage as unknown as Usage)).code).toBe('INVALID_USAGE')
    }
  })

  test('PRI-21 negative, fractional and unknown parts are refused', () => {
    for (const usage of [
      { input: -1 },
      { input: 0.5 },
      { output: NaN },
      { input: '5' },
      { inputs: 5 },
      { input: null },
    ]) {
      expect(refusal(() => prices.cost('plain', usage as unknown as Usage)).code).toBe('INVALID_USAGE')
    }
    // VAL-02
    const usage = { output: 1, input: -1, foo: 1, reasoning: '2', bar: undefined }
    const error = refusal(() => prices.cost('plain', usage as unknown as Usage))
    const count = 'must be a whole number from 0'
    expect(error.details).toEqual({ fields: { input: count, foo: 'is not a usage unit', reasoning: count } })
    expect(refusal(() => prices.cost('plain', { input: 1 }, { serviceTier: 'fast' as 'flex' })).code).toBe(
      'INVALID_USAGE',
    )
  })

  test('MON-05 MON-06 beyond 2^53 it counts on exactly, and beyond the largest amount it fails', () => {
    // 9007199254741 x 2.5 = 22517998136852.5: the product 2.25e19 is far beyond 2^53
    expect(prices.cost('plain', { input: 9_007_199_254_741 }).amount).toBe(22_517_998_136_853)
    // 100000000000000 x 10 = 10^15, the largest amount, exactly; one token more is above it
    expect(prices.cost('plain', { output: 100_000_000_000_000 }).amount).toBe(1_000_000_000_000_000)
    expect(refusal(() => prices.cost('plain', { output: 100_000_000_000_001 })).code).toBe('AMOUNT_OUT_OF_RANGE')
    expect(refusal(() => prices.cost('plain', { output: Number.MAX_SAFE_INTEGER })).code).toBe('AMOUNT_OUT_OF_RANGE')
  })

  test('PRI-02 the same call costs the same, whether its provider counts the cache inside or beside the input', () => {
    const inside = normalizeUsage('openai', {
      prompt_tokens: 1_200,
      prompt_tokens_details: { cached_tokens: 1_000 },
      completion_tokens: 310,
    })
    const beside = normalizeUsage('anthropic', {
      input_tokens: 200,
      cache_read_input_tokens: 1_000,
      output_tokens: 310,
    })
    const wire = usageFromCounts({ inputTokens: 1_200, cacheReadTokens: 1_000, outputTokens: 310 })
    // 200 x 2.5 + 1000 x 1.25 + 310 x 10 = 500 + 1250 + 3100
    for (const usage of [inside, beside, wire]) expect(prices.cost('cached', usage).amount).toBe(4_850)
  })
})

describe('maxCost', () => {
  test('all input at the dearest rate it may be charged at, all output at the dearest output', () => {
    // 1200 x 2.5 + 500 x 10
    expect(prices.maxCost('cached', { inputTokens: 1_200, maxOutputTokens: 500 }).amount).toBe(8_000)
    // a cache write for an hour costs 6: 1000 x 6 + 10 x 15
    expect(prices.maxCost('writer', { inputTokens: 1_000, maxOutputTokens: 10 }).amount).toBe(6_150)
    // audio in at 32, audio out at 64: 10 x 32 + 10 x 64
    expect(prices.maxCost('voice', { inputTokens: 10, maxOutputTokens: 10 }).amount).toBe(960)
    // above the bound: 200001 x 2.5 + 10 x 15
    expect(prices.maxCost('long', { inputTokens: 200_001, maxOutputTokens: 10 }).amount).toBe(500_153)
  })

  test('PRI-19 several choices multiply the output, a limit above the model maximum counts as the maximum', () => {
    const capped = new CostCalculator(
      createPriceBook([{ model: 'm', maxOutputTokens: 100, usdPerMillion: { input: 1, output: 10 } }], { base: null }),
    )
    // 10 x 1 + 3 x 50 x 10
    expect(capped.maxCost('m', { inputTokens: 10, maxOutputTokens: 50, choices: 3 }).amount).toBe(1_510)
    // 10 x 1 + 100 x 10
    expect(capped.maxCost('m', { inputTokens: 10, maxOutputTokens: 1_000_000 }).amount).toBe(1_010)
    expect(capped.maxCost('m', { inputTokens: 10 }).amount).toBe(1_010)
    // nobody knows the limits: 128000 x 600
    expect(prices.maxCost('nobody-knows', { inputTokens: 0 }).amount).toBe(76_800_000)
    expect(refusal(() => prices.maxCost('plain', { inputTokens: 1, choices: -1 })).code).toBe('INVALID_USAGE')
    expect(refusal(() => prices.maxCost('plain', { inputTokens: 0.5 })).code).toBe('INVALID_USAGE')
  })
})
