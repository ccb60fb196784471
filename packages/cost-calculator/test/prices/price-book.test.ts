import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { waitForUpdate } from '@pydantic/genai-prices'
import { bundledPriceBook, CostCalculator, createPriceBook, type PriceInput, usd } from '../../src/index.ts'
import { USAGE_UNITS } from '../../src/usage/usage.ts'
import { refusal } from '../refusal.ts'

const bundled = bundledPriceBook()

describe('the bundled book', () => {
  test('knows every provider of the data, and its version is that of the package', async () => {
    const data = (await waitForUpdate()) ?? []
    expect(bundled.providers()).toEqual(data.map(({ id }) => id).sort())
    const entry = import.meta.resolve('@pydantic/genai-prices')
    const manifest = JSON.parse(readFileSync(new URL('../package.json', entry), 'utf8')) as { version: string }
    expect(bundled.version).toBe(`genai-prices-${manifest.version}`)
  })

  test('PRI-09 PRI-10 has no rate of 0 and no price without a rate', () => {
    for (const provider of bundled.providers()) {
      for (const model of bundled.models(provider)) {
        const price = bundled.find(model, { provider })
        const rates = Object.values(price?.rates ?? {}) as number[]
        expect(rates.length).toBeGreaterThan(0)
        expect(rates.every((rate) => Number.isSafeInteger(rate) && rate > 0)).toBe(true)
      }
    }
  })

  test('PRI-09 an entry without prices in the data is unknown, not free', () => {
    expect(bundled.find('gpt-4o', { provider: 'github-copilot' })).toBeUndefined()
    expect(bundled.find('deepseek/deepseek-r1:free')).toBeUndefined()
  })

  test('PRI-16 no rate is lower above a long-context bound than below it', () => {
    for (const provider of bundled.providers()) {
      for (const model of bundled.models(provider)) {
        const price = bundled.find(model, { provider })
        let below = price?.rates ?? {}
        for (const { rates } of price?.longContext ?? []) {
          for (const unit of USAGE_UNITS)
            expect(rates[unit] ?? below[unit] ?? 0).toBeGreaterThanOrEqual(below[unit] ?? 0)
          below = { ...below, ...rates }
        }
      }
    }
  })

  test('is made once and cannot be changed', () => {
    expect(bundledPriceBook()).toBe(bundled)
    const price = bundled.find('gpt-4o')
    expect(Object.isFrozen(bundled) && Object.isFrozen(price) && Object.isFrozen(price?.rates)).toBe(true)
  })
})

describe('lookup', () => {
  test.each([
    ['gpt-4o', 'gpt-4o'],
    ['GPT-4O', 'gpt-4o'],
    [' gpt-4o ', 'gpt-4o'],
    ['openai/gpt-4o', 'gpt-4o'],
    ['azure/gpt-4o', 'gpt-4o'],
    ['openrouter/openai/gpt-4o', 'gpt-4o'],
    ['litellm_proxy/openai/gpt-4o', 'gpt-4o'],
    ['gpt-4o-2024-08-06', 'gpt-4o'],
    ['gpt-4o-2031-01-31', 'gpt-4o'],
    ['gpt-4o-latest', 'gpt-4o'],
    ['claude-sonnet-4-5', 'claude-sonnet-4-5'],
    ['claude-sonnet-4-5-20250929', 'claude-sonnet-4-5'],
    ['claude-sonnet-4-5@20250929', 'claude-sonnet-4-5'],
    ['claude-sonnet-4-5-latest', 'claude-sonnet-4-5'],
    ['anthropic/claude-sonnet-4.5', 'claude-sonnet-4-5'],
    ['vertex_ai/claude-sonnet-4-5@20250929', 'claude-sonnet-4-5'],
    ['models/gemini-2.5-pro', 'gemini-2.5-pro'],
    ['publishers/google/models/gemini-2.5-pro', 'gemini-2.5-pro'],
    ['gemini/gemini-2.5-flash', 'gemini-2.5-flash'],
    ['gemini-2.5-flash-preview-09-2025', 'gemini-2.5-flash'],
  ])('PRI-11 %s is priced as %s', (name, model) => {
    const found = bundled.find(name)
    expect(found?.model).toBe(model)
    expect(found?.rates).toEqual(bundled.find(model)?.rates)
  })

  test('PRI-11 Bedrock names, region or not, versioned or not, find their own entry or the plain model', () => {
    expect(bundled.find('us.anthropic.claude-sonnet-4-5-20250929-v1:0')?.model).toBe(
      'regional.anthropic.claude-sonnet-4-5-20250929-v1:0',
    )
    const own = createPriceBook([{ model: 'llama-9', usdPerMillion: { input: 1, output: 2 } }], { base: null })
    for (const name of [
      'us.meta.llama-9-v1:0',
      'eu.meta.llama-9',
      'meta.llama-9',
      'bedrock/apac.meta.llama-9-v2:0',
      'meta.llama-9-20260101-v1:0',
    ]) {
      expect(own.find(name)?.model).toBe('llama-9')
    }
  })

  test.each([
    'gpt-4o-mini-x',
    'gpt-4o-pro',
    'gpt-4o-2024',
    'gpt-4o-20249999',
    'claude-sonnet-4-5-mini',
    'claude-sonnet-4-5-20250929-thinking',
    'gemini-2.5-pro-ultra',
    'xgpt-4o',
    'somebody/gpt-4o',
    'gpt-4o/',
    'gpt-4o:free',
    'gpt',
    '',
    '/',
    'toString',
    '__proto__',
  ])('PRI-12 %p is no known model', (name) => {
    expect(bundled.find(name)).toBeUndefined()
  })

  test('PRI-12 a fine-tuned model matches only an entry for fine-tuned ones', () => {
    expect(bundled.find('ft:gpt-4o-mini-2024-07-18:acme::abc123')?.model).toBe('ft:gpt-4o-mini')
    expect(bundled.find('ft:gpt-4.1-2025-04-14:acme::abc123')).toBeUndefined()
  })

  test('PRI-13 one model at two providers is priced by provider; without one the dearest counts', () => {
    const prices: PriceInput[] = [
      { model: 'twin', provider: 'one', usdPerMillion: { input: 1, output: 2 } },
      { model: 'twin', provider: 'two', usdPerMillion: { input: 3, output: 4 } },
    ]
    const book = createPriceBook(prices, { base: null })
    expect(book.find('twin', { provider: 'one' })?.rates.input).toBe(usd(1))
    expect(book.find('twin', { provider: 'TWO' })?.rates.input).toBe(usd(3))
    for (const provider of [undefined, 'custom', 'my-gateway'])
      expect(book.find('twin', { provider })?.provider).toBe('two')
    expect(bundled.find('gpt-4o', { provider: 'anthropic' })).toBeUndefined()
    expect(bundled.find('gpt-4o', { provider: 'azure_openai' })?.provider).toBe('openai')
    expect(bundled.find('claude-sonnet-4-5', { provider: 'google' })?.provider).toBe('google')
  })

  test('PRI-14 the price valid at the time of the call counts', () => {
    const june = Date.UTC(2025, 5, 10)
    expect(bundled.find('o3', { at: june - 1 })?.rates.input).toBe(usd(10))
    expect(bundled.find('o3', { at: june })?.rates.input).toBe(usd(2))
    expect(bundled.find('o3')?.rates.input).toBe(usd(2))
    expect(bundled.find('o3', { at: june - 1 })?.id).not.toBe(bundled.find('o3', { at: june })?.id)
  })

  test('PRI-14 prices by the hour of the day: the end of an hour belongs to the next; without a time the dearest', () => {
    const find = (hour: number, minute: number) =>
      bundled.find('deepseek-chat', { provider: 'deepseek', at: Date.UTC(2025, 2, 1, hour, minute) })?.rates.input
    expect(find(0, 29)).toBe(usd(0.135))
    expect(find(0, 30)).toBe(usd(0.27))
    expect(find(16, 29)).toBe(usd(0.27))
    expect(find(16, 30)).toBe(usd(0.135))
    expect(bundled.find('deepseek-chat', { provider: 'deepseek' })?.rates.input).toBe(usd(0.27))
  })

  test('more names than a book remembers change no answer', () => {
    const book = createPriceBook([{ model: 'm', usdPerMillion: { input: 1 } }], { base: null })
    for (let at = 0; at < 25_000; at++) book.find(`unknown-${String(at)}`)
    expect(book.find('m')?.model).toBe('m')
    expect(book.find('unknown-1')).toBeUndefined()
  })
})

describe('overrides', () => {
  const own: PriceInput = {
    model: 'GPT-4o',
    aliases: ['house-model'],
    usdPerMillion: { input: 1, output: '2.0000001' },
  }

  test('PRI-15 win over the bundle, at every provider and under every routed name, and say where they are from', () => {
    const book = createPriceBook([own])
    for (const name of [
      'gpt-4o',
      'openai/gpt-4o',
      'gpt-4o-latest',
      'gpt-4o-2024-08-06',
      'house-model',
      'HOUSE-MODEL',
    ]) {
      for (const provider of [undefined, 'openai', 'azure_openai', 'nobody']) {
        const price = book.find(name, { provider })
        expect(price?.source).toBe('override')
        // A rate finer than a microdollar per million is rounded up.
        expect(price?.rates).toEqual({ input: 1_000_000, output: 2_000_001 })
      }
    }
    expect(new CostCalculator(book).cost('gpt-4o', { input: 1 }).pricing).toBe('price_book')
  })

  test('PRI-15 a dated model with a bundled price of its own keeps it', () => {
    const book = createPriceBook([own])
    expect(book.find('gpt-4o-2024-05-13')?.source).toBe('bundled')
    expect(book.find('gpt-4.1')?.source).toBe('bundled')
  })

  test('PRI-15 one for a provider holds there only', () => {
    const book = createPriceBook([{ ...own, provider: 'azure_openai' }])
    expect(book.find('gpt-4o', { provider: 'azure_openai' })?.source).toBe('override')
    expect(book.find('gpt-4o', { provider: 'openai' })?.source).toBe('bundled')
  })

  test('a moment that is none has no price: it is refused, not charged at the ceiling', () => {
    const book = createPriceBook([{ ...own, validFrom: 1_000 }])
    for (const at of [Number.NaN, Infinity, -Infinity]) {
      const refused = expect.objectContaining({
        code: 'INVALID_USAGE',
        details: { fields: { at: expect.any(String) } },
      })
      expect(() => book.find('gpt-4o', { at })).toThrow(refused)
      expect(() => new CostCalculator(book).cost('gpt-4o', { input: 1 }, { at })).toThrow(refused)
    }
  })

  test('PRI-14 one that starts later leaves the bundle in force before it', () => {
    const book = createPriceBook([{ ...own, validFrom: 1_000 }])
    expect(book.find('gpt-4o', { at: 999 })?.source).toBe('bundled')
    expect(book.find('gpt-4o', { at: 1_000 })?.source).toBe('override')
  })

  test('PRI-14 a new book changes no old one, and each has a version of its own', () => {
    const first = createPriceBook([own])
    const before = first.find('gpt-4o')
    const second = createPriceBook([{ ...own, usdPerMillion: { input: 9 } }])
    expect(first.find('gpt-4o')).toBe(before)
    expect(new Set([bundled.version, first.version, second.version]).size).toBe(3)
    expect(createPriceBook([own]).version).toBe(first.version)
    expect(second.find('gpt-4o')?.id).not.toBe(before?.id)
    expect(createPriceBook([])).toBe(bundled)
  })

  test('lists what both layers know, and the highest rate of both', () => {
    const book = createPriceBook([{ model: 'gold', provider: 'mint', usdPerMillion: { input: 9_999, audioInput: 1 } }])
    expect(book.providers()).toContain('mint')
    expect(book.providers()).toContain('openai')
    expect(book.models('mint')).toEqual(['gold'])
    expect(book.models()).toEqual(expect.arrayContaining(['gold', 'gpt-4o']))
    expect(book.highest('input')).toBe(usd(9_999))
    expect(book.highest('audioInput')).toBe(bundled.highest('audioInput'))
    expect(book.providers()).toEqual(expect.arrayContaining([...bundled.providers()]))
    expect(book.models('openai')).toEqual(bundled.models('openai'))
    expect(book.models('openai')).not.toContain('gold')
  })

  test('PRI-15 an override is of its model however either is written', () => {
    const book = createPriceBook([{ model: 'GPT-4o', usdPerMillion: { input: 7, output: 8 } }])
    for (const name of ['gpt-4o', 'GPT-4O', ' gpt-4o ', 'openai/gpt-4o']) {
      expect(book.find(name, { provider: 'openai' })).toMatchObject({ source: 'override', rates: { input: usd(7) } })
    }
  })

  test('PRI-09 a price id never outgrows its column', () => {
    const model = 'm'.repeat(255)
    const book = createPriceBook([{ model, usdPerMillion: { input: 1 } }])
    const id = book.find(model)?.id ?? ''
    expect(id.length).toBe(200)
  })

  test('PRI-15 a broken list is refused with every fault, and the old book works on', () => {
    const old = createPriceBook([own])
    const broken = [
      { model: '', usdPerMillion: { input: 1 } },
      { model: 'a', usdPerMillion: {} },
      { model: 'b', usdPerMillion: { input: -1, output: null, inputs: 3, cacheRead: 'x' } },
      {
        model: 'c',
        usdPerMillion: { input: 2 },
        longContext: [{ aboveInputTokens: 0.5, usdPerMillion: { input: 1 } }],
        serviceTiers: { fast: {} },
      },
      { model: 'd', usdPerMillion: { input: 2 }, validFrom: -1, maxOutputTokens: 0, aliases: 'x' },
      { model: 'e', usdPerMillion: { input: 1 } },
      { model: 'f', aliases: ['E'], usdPerMillion: { input: 1 } },
      null,
    ] as unknown as PriceInput[]
    const error = refusal(() => createPriceBook(broken))
    expect(error.code).toBe('INVALID_PRICE')
    expect(Object.keys(error.details['fields'] as object).sort()).toEqual(
      [
        '[0].model',
        '[1].usdPerMillion',
        '[2].usdPerMillion.cacheRead',
        '[2].usdPerMillion.input',
        '[2].usdPerMillion.inputs',
        '[2].usdPerMillion.output',
        '[3].longContext[0].aboveInputTokens',
        '[3].longContext[0].usdPerMillion.cacheRead',
        '[3].longContext[0].usdPerMillion.cacheWrite',
        '[3].longContext[0].usdPerMillion.cacheWrite1h',
        '[3].longContext[0].usdPerMillion.input',
        '[3].serviceTiers.fast',
        '[4].aliases',
        '[4].maxOutputTokens',
        '[4].validFrom',
        '[6].model',
        '[7]',
      ].sort(),
    )
    expect(old.find('gpt-4o')?.source).toBe('override')
  })

  test('PRI-16 a price that falls when the input grows is refused', () => {
    const falling: PriceInput = {
      model: 'm',
      usdPerMillion: { input: 2, output: 4 },
      longContext: [
        { aboveInputTokens: 10, usdPerMillion: { input: 3 } },
        { aboveInputTokens: 20, usdPerMillion: { input: 2.5 } },
      ],
    }
    expect(Object.keys(refusal(() => createPriceBook([falling])).details['fields'] as object)).toContain(
      '[0].longContext[1].usdPerMillion.input',
    )
  })
})
