import { describe, expect, test } from '@jest/globals'
import { CostCalculator, createPriceBook, type Usage } from '../../src/index.ts'
import { refusal } from '../refusal.ts'

const book = createPriceBook(
  [
    { model: 'm', maxOutputTokens: 1_000, usdPerMillion: { input: 1, output: 10, audioInput: 50, audioOutput: 100 } },
    { model: 'text', usdPerMillion: { input: 1, output: 10 } },
  ],
  { base: null },
)
const prices = new CostCalculator(book)
const bytes = (text: string): number => Buffer.byteLength(text)

/**
 * Requests with the text a model reads in them and what their provider billed. A tokeniser that works on bytes never makes
 * more tokens than bytes, so the billed figures are bounded by `text` whatever the model; images by 4096 each.
 */
const CORPUS: readonly {
  readonly name: string
  readonly body: unknown
  readonly text: readonly string[]
  readonly media: number
  readonly messages: number
}[] = [
  {
    name: 'CJK',
    body: { model: 'm', messages: [{ role: 'user', content: '我们需要一份关于市场的详细报告。请用中文回答。' }] },
    text: ['user', '我们需要一份关于市场的详细报告。请用中文回答。'],
    media: 0,
    messages: 1,
  },
  {
    name: 'emoji, skin tones and joiners',
    body: { model: 'm', messages: [{ role: 'user', content: '👩🏽‍🚀👨‍👩‍👧‍👦🏳️‍🌈'.repeat(50) }] },
    text: ['👩🏽‍🚀👨‍👩‍👧‍👦🏳️‍🌈'.repeat(50)],
    media: 0,
    messages: 1,
  },
  {
    name: 'tools with schemas, tool calls and results',
    body: {
      model: 'm',
      tools: [
        {
          type: 'function',
          function: {
            name: 'look_up',
            description: 'Looks up a word',
            parameters: { type: 'object', properties: { word: { type: 'string' } } },
          },
        },
      ],
      messages: [
        {
          role: 'assistant',
          tool_calls: [{ id: 'call_1', function: { name: 'look_up', arguments: '{"word":"lease"}' } }],
        },
        { role: 'tool', tool_call_id: 'call_1', content: 'a contract of letting' },
      ],
    },
    text: [
      'look_up',
      'Looks up a word',
      'parameters',
      'properties',
      'word',
      'string',
      '{"word":"lease"}',
      'a contract of letting',
    ],
    media: 0,
    messages: 2,
  },
  {
    name: 'images by URL and by data, whose bytes do not count as text',
    body: {
      model: 'm',
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is here?' },
            { type: 'image_url', image_url: { url: `data:image/png;base64,${'A'.repeat(200_000)}`, detail: 'high' } },
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'A'.repeat(200_000) } },
            { type: 'input_image', image_url: 'https://example.com/a.png' },
          ],
        },
      ],
    },
    text: ['What is here?', 'high'],
    media: 3,
    messages: 1,
  },
  {
    name: 'a system text in array form and a plain document',
    body: {
      model: 'm',
      system: [{ type: 'text', text: 'You are brief.', cache_control: { type: 'ephemeral' } }],
      messages: [
        {
          role: 'user',
          content: [
            {
              type: 'document',
              source: { type: 'text', media_type: 'text/plain', data: 'a long contract '.repeat(500) },
            },
          ],
        },
      ],
    },
    text: ['You are brief.', 'a long contract '.repeat(500)],
    media: 1,
    messages: 2,
  },
  {
    name: 'responses form',
    body: {
      model: 'm',
      instructions: 'Answer in French.',
      input: 'How are you?',
      text: { format: { type: 'json_schema', schema: { title: 'Réponse' } } },
    },
    text: ['Answer in French.', 'How are you?', 'schema', 'Réponse'],
    media: 0,
    messages: 1,
  },
  {
    name: 'Google form',
    body: {
      model: 'm',
      systemInstruction: { parts: [{ text: 'Sei höflich.' }] },
      contents: [
        {
          role: 'user',
          parts: [
            { text: 'Beschreibe das Bild.' },
            { inlineData: { mimeType: 'image/png', data: 'A'.repeat(100_000) } },
          ],
        },
      ],
    },
    text: ['Sei höflich.', 'Beschreibe das Bild.'],
    media: 1,
    messages: 2,
  },
  {
    name: 'fields nobody knows count as text',
    body: { model: 'm', messages: [], x_context: { notes: ['remember the milk', 12_345, true] } },
    text: ['x_context', 'notes', 'remember the milk', '12345', 'true'],
    media: 0,
    messages: 0,
  },
]

describe('estimate', () => {
  test.each(CORPUS)('PRI-20 is an upper bound: $name', ({ body, text, media, messages }) => {
    const least = text.reduce((sum, part) => sum + bytes(part), 0) + media * 4_096 + messages * 16
    const estimate = prices.estimate(body)
    expect(estimate.inputTokens).toBeGreaterThanOrEqual(least)
    // Still of the request's order: a payload of an image is not measured as text.
    expect(estimate.inputTokens).toBeLessThan(least + 1_000)
    const actual: Usage = { input: least, output: estimate.maxOutputTokens }
    expect(estimate.amount).toBeGreaterThanOrEqual(prices.cost('m', actual).amount)
  })

  test('PRI-19 n choices multiply the output; a limit above the model maximum counts as the maximum', () => {
    const body = { model: 'm', messages: [{ role: 'user', content: 'hi' }] }
    expect(prices.estimate(body).maxOutputTokens).toBe(1_000)
    expect(prices.estimate({ ...body, max_tokens: 10, n: 3 }).maxOutputTokens).toBe(30)
    expect(prices.estimate({ ...body, max_completion_tokens: 5_000, n: 2 }).maxOutputTokens).toBe(2_000)
    expect(prices.estimate({ ...body, max_output_tokens: 7 }).maxOutputTokens).toBe(7)
    expect(
      prices.estimate({ ...body, generationConfig: { maxOutputTokens: 8, candidateCount: 2 } }).maxOutputTokens,
    ).toBe(16)
    expect(prices.estimate({ ...body, model: 'text' }).maxOutputTokens).toBe(128_000)
    expect(prices.estimate({ ...body, max_tokens: null }).maxOutputTokens).toBe(1_000)
  })

  test('a limit or count of its own replaces what is measured', () => {
    const body = { model: 'text', messages: [{ role: 'user', content: 'x'.repeat(1_000) }], max_tokens: 10 }
    // 50 x 1 + 10 x 10
    expect(prices.estimate(body, { inputTokens: 50 })).toMatchObject({
      amount: 150,
      inputTokens: 50,
      maxOutputTokens: 10,
      pricing: 'price_book',
    })
    const whole = prices.estimate(body).inputTokens
    const quarter = prices.estimate(body, { bytesPerToken: 4 }).inputTokens
    expect(quarter).toBe(Math.ceil((whole - 16) / 4) + 16)
  })

  test('PRI-05 audio in the request is bounded by the audio rate, in and out', () => {
    const body = {
      model: 'm',
      modalities: ['text', 'audio'],
      max_tokens: 10,
      messages: [{ role: 'user', content: [{ type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } }] }],
    }
    const { amount, inputTokens } = prices.estimate(body)
    expect(amount).toBe(inputTokens * 50 + 10 * 100)
    // A model without an audio rate: the book's highest, and said so.
    expect(prices.estimate({ ...body, model: 'text' }).pricing).toBe('ceiling')
  })

  test('PRI-05 media of every form are bounded by their own rate, in and out', () => {
    // The model names no media: they cost what the dearest of the book does.
    const dear = { audioInput: 5, imageInput: 7, videoInput: 11, audioOutput: 13, imageOutput: 17 }
    const list = [
      { model: 'plain', usdPerMillion: { input: 1, output: 1 } },
      { model: 'media', usdPerMillion: { input: 1, output: 1, ...dear } },
    ]
    const media = new CostCalculator(createPriceBook(list, { base: null }))
    const estimate = (more: object) => media.estimate({ model: 'plain', max_tokens: 10, ...more })
    const ofGoogle = (name: string, mime: string, type: string) => ({ [name]: { [mime]: `${type}/x`, data: 'AAAA' } })
    for (const [type, rate] of [
      ['audio', 5],
      ['image', 7],
      ['video', 11],
      ['text', 1],
    ] as const) {
      const parts = [
        ofGoogle('inlineData', 'mimeType', type),
        ofGoogle('inline_data', 'mime_type', type),
        ofGoogle('fileData', 'mimeType', type),
        ofGoogle('file_data', 'mime_type', type),
      ]
      for (const part of parts) {
        const { amount, inputTokens } = estimate({ contents: [{ parts: [part] }] })
        expect([inputTokens > 4_096, amount]).toEqual([true, inputTokens * rate + 10])
      }
    }
    const output = (more: object): number => {
      const { amount, inputTokens } = estimate(more)
      return (amount - inputTokens) / 10
    }
    expect(output({})).toBe(1)
    expect(output({ modalities: ['text', 'audio'] })).toBe(13)
    for (const config of ['generationConfig', 'generation_config', 'config']) {
      for (const field of ['responseModalities', 'response_modalities']) {
        expect(output({ [config]: { [field]: ['TEXT', 'IMAGE'] } })).toBe(17)
        expect(output({ [config]: { [field]: ['TEXT'] } })).toBe(1)
      }
    }
  })

  test('PRI-20 every message, name and figure counts, to the byte', () => {
    const tokens = (body: object): number => prices.estimate({ model: 'm', ...body }).inputTokens
    expect(tokens({})).toBe(0)
    expect(tokens({ messages: [] })).toBe(0)
    const message = { role: 'user', content: '' }
    const one = tokens({ messages: [message] })
    expect(tokens({ messages: [message, message] })).toBe(2 * one)
    expect(tokens({ messages: [{ ...message, content: 'äöü' }] })).toBe(one + 6)
    expect(tokens({ seedling: 12_345 }) - tokens({ seedling: 1 })).toBe(4)
    expect(tokens({ seedling: false }) - tokens({ seedling: 'x' })).toBe(4)
    expect(tokens({ seedlings: 1 }) - tokens({ seedling: 1 })).toBe(1)
  })

  test('PRI-08 the service tier of the request counts', () => {
    const body = { model: 'text', messages: [], max_tokens: 10, service_tier: 'priority' }
    expect(prices.estimate(body).pricing).toBe('ceiling')
    expect(prices.estimate(body, { serviceTier: 'standard' }).pricing).toBe('price_book')
  })

  test('PRI-09 a body without a model, or of an unknown one, costs the ceiling', () => {
    expect(prices.estimate({ messages: [], max_tokens: 1 }).pricing).toBe('ceiling')
    expect(prices.estimate({ model: 'nobody-knows', messages: [] })).toMatchObject({
      pricing: 'ceiling',
      maxOutputTokens: 128_000,
    })
  })

  test('what is no request body is refused, however deep it is', () => {
    let deep: unknown = 'x'
    for (let at = 0; at < 5_000; at++) deep = [deep]
    for (const body of [
      null,
      'x',
      [],
      { model: 'm', messages: deep },
      { model: 'm', max_tokens: -1 },
      { model: 'm', n: 1.5 },
    ]) {
      expect(refusal(() => prices.estimate(body)).code).toBe('INVALID_USAGE')
    }
    for (const bytesPerToken of [0, -1, NaN, Infinity]) {
      const { code, details } = refusal(() => prices.estimate({ model: 'm' }, { bytesPerToken }))
      expect([code, details]).toEqual(['INVALID_USAGE', { fields: { bytesPerToken: 'must be above 0' } }])
    }
    for (const field of ['max_completion_tokens', 'max_output_tokens', 'max_tokens', 'n']) {
      for (const value of [-1, 0.5, '5', 2 ** 53]) {
        const { details } = refusal(() => prices.estimate({ model: 'm', [field]: value }))
        expect(details).toEqual({ fields: { [field]: 'must be a whole number from 0' } })
      }
    }
  })
})
