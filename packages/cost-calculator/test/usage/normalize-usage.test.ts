import { describe, expect, test } from '@jest/globals'
import { normalizeUsage, type ProviderKind, type Usage } from '../../src/index.ts'
import { OUTPUT_UNITS, INPUT_UNITS } from '../../src/usage/usage.ts'
import { refusal } from '../refusal.ts'

/** A payload as the provider sends it, the parts it must become, and the provider's own total of tokens. */
interface Recorded {
  readonly name: string
  readonly kind: ProviderKind
  readonly payload: unknown
  readonly usage: Usage
  readonly total: number
}

const RECORDED: readonly Recorded[] = [
  {
    name: 'OpenAI chat: cached inside the prompt, reasoning inside the completion (PRI-02, PRI-04)',
    kind: 'openai',
    payload: {
      prompt_tokens: 2_006,
      completion_tokens: 300,
      total_tokens: 2_306,
      prompt_tokens_details: { cached_tokens: 1_920, audio_tokens: 0 },
      completion_tokens_details: {
        reasoning_tokens: 192,
        audio_tokens: 0,
        accepted_prediction_tokens: 0,
        rejected_prediction_tokens: 0,
      },
    },
    usage: { input: 86, cacheRead: 1_920, audioInput: 0, output: 108, reasoning: 192, audioOutput: 0 },
    total: 2_306,
  },
  {
    name: 'OpenAI responses: the same under its own names',
    kind: 'openai',
    payload: {
      input_tokens: 36,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: 87,
      output_tokens_details: { reasoning_tokens: 64 },
      total_tokens: 123,
    },
    usage: { input: 36, cacheRead: 0, output: 23, reasoning: 64 },
    total: 123,
  },
  {
    name: 'OpenAI realtime: cached text and cached audio apart (PRI-05)',
    kind: 'openai',
    payload: {
      total_tokens: 253,
      input_tokens: 132,
      output_tokens: 121,
      input_token_details: {
        text_tokens: 119,
        audio_tokens: 13,
        image_tokens: 0,
        cached_tokens: 64,
        cached_tokens_details: { text_tokens: 56, audio_tokens: 8, image_tokens: 0 },
      },
      output_token_details: { text_tokens: 30, audio_tokens: 91 },
    },
    // text 119 of which 56 cached; audio 13 of which 8 cached: 63 + 56 + 5 + 8 = 132
    usage: {
      input: 63,
      cacheRead: 56,
      audioCacheRead: 8,
      imageCacheRead: 0,
      audioInput: 5,
      imageInput: 0,
      output: 30,
      audioOutput: 91,
    },
    total: 253,
  },
  {
    name: 'OpenAI images: text and image input apart',
    kind: 'openai',
    payload: {
      total_tokens: 4_210,
      input_tokens: 50,
      output_tokens: 4_160,
      input_tokens_details: { text_tokens: 10, image_tokens: 40 },
    },
    usage: { input: 10, imageInput: 40, output: 4_160 },
    total: 4_210,
  },
  {
    name: 'OpenAI embeddings: input only',
    kind: 'openai',
    payload: { prompt_tokens: 8, total_tokens: 8 },
    usage: { input: 8 },
    total: 8,
  },
  {
    name: 'OpenAI: a total alone is unsplit (PRI-37)',
    kind: 'openai',
    payload: { total_tokens: 99 },
    usage: { unsplit: 99 },
    total: 99,
  },
  {
    name: 'OpenAI form with reasoning beside the completion, as its total shows (PRI-04)',
    kind: 'openai',
    payload: {
      prompt_tokens: 32,
      completion_tokens: 9,
      total_tokens: 135,
      prompt_tokens_details: { text_tokens: 32, audio_tokens: 0, image_tokens: 0, cached_tokens: 6 },
      completion_tokens_details: { reasoning_tokens: 94, audio_tokens: 0 },
    },
    usage: { input: 26, cacheRead: 6, audioInput: 0, imageInput: 0, output: 9, audioOutput: 0, reasoning: 94 },
    total: 135,
  },
  {
    name: 'DeepSeek: hits and misses inside the prompt',
    kind: 'custom',
    payload: {
      prompt_tokens: 100,
      completion_tokens: 5,
      total_tokens: 105,
      prompt_cache_hit_tokens: 64,
      prompt_cache_miss_tokens: 36,
    },
    usage: { input: 36, cacheRead: 64, output: 5 },
    total: 105,
  },
  {
    name: 'OpenAI form whose total holds more than its parts: the rest is charged, too',
    kind: 'custom',
    payload: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 20 },
    usage: { input: 10, output: 5, unsplit: 5 },
    total: 20,
  },
  {
    name: 'Azure: like OpenAI',
    kind: 'azure_openai',
    payload: {
      prompt_tokens: 1_200,
      completion_tokens: 310,
      total_tokens: 1_510,
      prompt_tokens_details: { cached_tokens: 1_000 },
      completion_tokens_details: null,
    },
    usage: { input: 200, cacheRead: 1_000, output: 310 },
    total: 1_510,
  },
  {
    name: 'Anthropic: cache beside the input, two lifetimes (PRI-02, PRI-03), web searches (PRI-06)',
    kind: 'anthropic',
    payload: {
      input_tokens: 2_048,
      cache_read_input_tokens: 1_800,
      cache_creation_input_tokens: 248,
      cache_creation: { ephemeral_5m_input_tokens: 148, ephemeral_1h_input_tokens: 100 },
      output_tokens: 503,
      server_tool_use: { web_search_requests: 2, web_fetch_requests: 1 },
      service_tier: 'standard',
    },
    usage: { input: 2_048, cacheRead: 1_800, cacheWrite: 148, cacheWrite1h: 100, output: 503, webSearches: 2 },
    total: 2_048 + 1_800 + 248 + 503,
  },
  {
    name: 'Anthropic: a written total without lifetimes is of the short one',
    kind: 'custom',
    payload: { input_tokens: 10, cache_creation_input_tokens: 20, cache_read_input_tokens: null, output_tokens: 5 },
    usage: { input: 10, cacheWrite: 20, output: 5 },
    total: 35,
  },
  {
    name: 'Anthropic: lifetimes without a written total; thinking inside the output',
    kind: 'anthropic',
    payload: {
      input_tokens: 1,
      cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 7 },
      output_tokens: 50,
      output_tokens_details: { thinking_tokens: 30 },
    },
    usage: { input: 1, cacheWrite: 0, cacheWrite1h: 7, output: 20, reasoning: 30 },
    total: 58,
  },
  {
    name: 'Anthropic stream: start and delta, the final output once (PRI-18)',
    kind: 'anthropic',
    payload: [
      { input_tokens: 25, cache_read_input_tokens: 100, cache_creation_input_tokens: 0, output_tokens: 1 },
      { output_tokens: 8 },
      { output_tokens: 15, cache_read_input_tokens: null },
    ],
    usage: { input: 25, cacheRead: 100, cacheWrite: 0, output: 15 },
    total: 140,
  },
  {
    name: 'Google: cached inside the prompt, thoughts beside the candidates, tool results beside the prompt (PRI-02, PRI-04)',
    kind: 'google',
    payload: {
      promptTokenCount: 1_000,
      cachedContentTokenCount: 400,
      candidatesTokenCount: 100,
      thoughtsTokenCount: 250,
      toolUsePromptTokenCount: 50,
      totalTokenCount: 1_400,
      promptTokensDetails: [{ modality: 'TEXT', tokenCount: 1_000 }],
      cacheTokensDetails: [{ modality: 'TEXT', tokenCount: 400 }],
    },
    usage: { input: 650, cacheRead: 400, output: 100, reasoning: 250 },
    total: 1_400,
  },
  {
    name: 'Google: audio, image and video by modality, cached audio apart (PRI-05)',
    kind: 'google',
    payload: {
      promptTokenCount: 2_000,
      cachedContentTokenCount: 500,
      candidatesTokenCount: 1_300,
      totalTokenCount: 3_300,
      promptTokensDetails: [
        { modality: 'TEXT', tokenCount: 100 },
        { modality: 'AUDIO', tokenCount: 800 },
        { modality: 'IMAGE', tokenCount: 258 },
        { modality: 'VIDEO', tokenCount: 842 },
      ],
      cacheTokensDetails: [
        { modality: 'TEXT', tokenCount: 60 },
        { modality: 'AUDIO', tokenCount: 440 },
      ],
      candidatesTokensDetails: [{ modality: 'IMAGE', tokenCount: 1_290 }],
    },
    // 40 text + 60 cached text + 440 cached audio + 360 audio + 258 image + 842 video = 2000
    usage: {
      input: 40,
      cacheRead: 60,
      audioCacheRead: 440,
      audioInput: 360,
      imageInput: 258,
      videoInput: 842,
      output: 10,
      imageOutput: 1_290,
    },
    total: 3_300,
  },
  {
    name: 'Google without details of the cache: what does not fit beside the audio is cached audio',
    kind: 'google',
    payload: {
      promptTokenCount: 100,
      cachedContentTokenCount: 90,
      promptTokensDetails: [{ modality: 'AUDIO', tokenCount: 80 }],
      totalTokenCount: 100,
    },
    // 90 + 80 - 100 = 70 audio tokens are cached for sure
    usage: { input: 0, cacheRead: 20, audioCacheRead: 70, audioInput: 10 },
    total: 100,
  },
  {
    name: 'Google in its Python spelling',
    kind: 'custom',
    payload: { prompt_token_count: 7, candidates_token_count: 3, total_token_count: 10, thoughts_token_count: null },
    usage: { input: 7, output: 3 },
    total: 10,
  },
]

describe('recorded payloads', () => {
  test.each(RECORDED)('PRI-01 $name', ({ kind, payload, usage, total }) => {
    const parts = normalizeUsage(kind, payload)
    expect(parts).toEqual(usage)
    const tokens = [...INPUT_UNITS, ...OUTPUT_UNITS, 'unsplit' as const].reduce(
      (left, unit) => left + (parts[unit] ?? 0),
      0,
    )
    expect(tokens).toBe(total)
    expect(Object.isFrozen(parts)).toBe(true)
  })

  test('PRI-06 seconds, pages and searches are units of their own', () => {
    expect(normalizeUsage('openai', { type: 'duration', seconds: 9.2 })).toEqual({ audioSeconds: 10 })
    expect(normalizeUsage('custom', { pages_processed: 3, doc_size_bytes: 1_000 })).toEqual({ documentPages: 3 })
    expect(
      normalizeUsage('custom', { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3, num_search_queries: 4 }),
    ).toEqual({
      input: 1,
      output: 2,
      webSearches: 4,
    })
  })

  test('PRI-17 zeros stay zeros; no usage is not zero', () => {
    expect(normalizeUsage('openai', { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 })).toEqual({
      input: 0,
      output: 0,
    })
    for (const payload of [undefined, null, {}, 'usage', 5, [], [null], { prompt_tokens: null }]) {
      expect(refusal(() => normalizeUsage('openai', payload)).code).toBe('INVALID_USAGE')
    }
  })
})

/** The other spelling of Google's fields, all the way down. */
function inSnakeCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inSnakeCase)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      inSnakeCase(inner),
    ]),
  )
}

describe('Google’s spellings and media', () => {
  const everything = {
    promptTokenCount: 2_000,
    cachedContentTokenCount: 500,
    candidatesTokenCount: 1_300,
    thoughtsTokenCount: 40,
    toolUsePromptTokenCount: 60,
    totalTokenCount: 3_405,
    promptTokensDetails: [
      { modality: 'TEXT', tokenCount: 100 },
      { modality: 'audio', tokenCount: 800 },
      { modality: 'IMAGE', tokenCount: 258 },
      { modality: 'VIDEO', tokenCount: 842 },
    ],
    toolUsePromptTokensDetails: [
      { modality: 'IMAGE', tokenCount: 30 },
      { modality: 'AUDIO', tokenCount: 10 },
    ],
    cacheTokensDetails: [
      { modality: 'AUDIO', tokenCount: 300 },
      { modality: 'IMAGE', tokenCount: 100 },
      { modality: 'VIDEO', tokenCount: 42 },
    ],
    candidatesTokensDetails: [
      { modality: 'AUDIO', tokenCount: 500 },
      { modality: 'IMAGE', tokenCount: 400 },
      { modality: 'VIDEO', tokenCount: 300 },
    ],
  }
  const usage: Usage = {
    input: 62,
    cacheRead: 100,
    audioCacheRead: 300,
    imageCacheRead: 100,
    audioInput: 510,
    imageInput: 188,
    videoInput: 800,
    output: 100,
    audioOutput: 500,
    imageOutput: 400,
    videoOutput: 300,
    reasoning: 40,
    unsplit: 5,
  }
  const { candidatesTokenCount, candidatesTokensDetails, ...rest } = everything
  const ofLive = { ...rest, responseTokenCount: candidatesTokenCount, responseTokensDetails: candidatesTokensDetails }
  test.each([
    ['as its API writes them', everything],
    ['of its live API', ofLive],
    ['in Python', inSnakeCase(everything)],
    ['of its live API in Python', inSnakeCase(ofLive)],
  ])('%s are all read', (_, payload) => {
    expect(normalizeUsage('google', payload)).toEqual(usage)
    expect(normalizeUsage('custom', payload)).toEqual(usage)
  })

  test('of a cache without details, what cannot be text is the medium', () => {
    const cached = (modality: string) =>
      normalizeUsage('google', {
        promptTokenCount: 100,
        cachedContentTokenCount: 90,
        promptTokensDetails: [{ modality, tokenCount: 80 }],
      })
    expect(cached('IMAGE')).toEqual({ input: 0, cacheRead: 20, imageCacheRead: 70, imageInput: 10 })
    // There is no rate of cached video: it is read like text.
    expect(cached('VIDEO')).toEqual({ input: 0, cacheRead: 90, videoInput: 10 })
  })

  test('a total alone is unsplit, also one of nothing', () => {
    for (const total of [0, 7]) {
      for (const kind of ['google', 'custom'] as const) {
        expect(normalizeUsage(kind, { totalTokenCount: total })).toEqual({ unsplit: total })
      }
    }
    expect(normalizeUsage('google', { candidatesTokenCount: 3, totalTokenCount: 5 })).toEqual({ output: 3, unsplit: 2 })
  })
})

test('who answers in nobody’s own form is told by its fields', () => {
  for (const field of ['cache_read_input_tokens', 'cache_creation_input_tokens']) {
    // Beside the input at Anthropic, unknown elsewhere.
    expect(normalizeUsage('custom', { input_tokens: 5, [field]: 3 })).toMatchObject({ input: 5 })
    expect(Object.values(normalizeUsage('custom', { input_tokens: 5, [field]: 3 }))).toEqual([5, 3])
  }
  const written = { input_tokens: 5, cache_creation: { ephemeral_1h_input_tokens: 3 } }
  expect(normalizeUsage('custom', written)).toEqual({ input: 5, cacheWrite1h: 3 })
  const anthropic = {
    output_tokens: 9,
    cache_creation_input_tokens: 8,
    cache_creation: { ephemeral_5m_input_tokens: 3, ephemeral_1h_input_tokens: 4 },
    output_tokens_details: { reasoning_tokens: 2 },
  }
  expect(normalizeUsage('anthropic', anthropic)).toEqual({ cacheWrite: 4, cacheWrite1h: 4, output: 7, reasoning: 2 })
})

test('OpenAI’s media in the cache, and what is written to it', () => {
  const payload = {
    input_tokens: 100,
    input_tokens_details: {
      cached_tokens: 60,
      cached_tokens_details: { audio_tokens: 10, image_tokens: 20 },
      audio_tokens: 15,
      image_tokens: 22,
      cache_write_tokens: 7,
    },
  }
  expect(normalizeUsage('openai', payload)).toEqual({
    input: 26,
    cacheRead: 30,
    audioCacheRead: 10,
    imageCacheRead: 20,
    cacheWrite: 7,
    audioInput: 5,
    imageInput: 2,
  })
})

describe('PRI-21 what does not add up is refused', () => {
  test.each<[ProviderKind, unknown]>([
    ['openai', { prompt_tokens: 10, prompt_tokens_details: { cached_tokens: 11 }, completion_tokens: 1 }],
    [
      'openai',
      { prompt_tokens: 10, prompt_tokens_details: { cached_tokens: 6, audio_tokens: 6 }, completion_tokens: 1 },
    ],
    ['openai', { prompt_tokens: 10, completion_tokens: 1, completion_tokens_details: { reasoning_tokens: 2 } }],
    ['openai', { prompt_tokens_details: { cached_tokens: 11 }, completion_tokens: 1 }],
    ['openai', { prompt_tokens: 10, completion_tokens: 5, total_tokens: 14 }],
    ['openai', { prompt_tokens: -1, completion_tokens: 5 }],
    ['openai', { prompt_tokens: 1.5, completion_tokens: 5 }],
    ['openai', { prompt_tokens: '12', completion_tokens: 5 }],
    [
      'anthropic',
      {
        input_tokens: 1,
        cache_creation_input_tokens: 5,
        cache_creation: { ephemeral_5m_input_tokens: 3, ephemeral_1h_input_tokens: 3 },
      },
    ],
    ['anthropic', { input_tokens: 1, output_tokens: 5, output_tokens_details: { thinking_tokens: 6 } }],
    ['google', { promptTokenCount: 10, cachedContentTokenCount: 11, candidatesTokenCount: 0 }],
    ['google', { promptTokenCount: 10, candidatesTokenCount: 5, totalTokenCount: 14 }],
    [
      'google',
      {
        promptTokenCount: 10,
        candidatesTokenCount: 5,
        candidatesTokensDetails: [{ modality: 'AUDIO', tokenCount: 6 }],
      },
    ],
    ['google', { candidatesTokenCount: 5, cachedContentTokenCount: 1 }],
    ['nobody' as ProviderKind, { prompt_tokens: 1 }],
  ])('%s %j', (kind, payload) => {
    expect(refusal(() => normalizeUsage(kind, payload)).code).toBe('INVALID_USAGE')
  })

  test.each<[ProviderKind, unknown, Record<string, string>]>([
    ['nobody' as ProviderKind, { prompt_tokens: 1 }, { kind: 'must be a provider kind' }],
    ['openai', 'usage', { $: 'must be a usage object' }],
    ['openai', {}, { $: 'must hold at least one count' }],
    ['openai', { total_tokens: 0.5 }, { total_tokens: 'must be a whole number from 0' }],
    [
      'openai',
      { input_tokens: 5, input_tokens_details: { cached_tokens: '1' } },
      { 'input_tokens_details.cached_tokens': 'must be a whole number from 0' },
    ],
    [
      'google',
      { promptTokenCount: 5, promptTokensDetails: ['text', { modality: 'AUDIO', tokenCount: -1 }] },
      { 'promptTokensDetails[1].tokenCount': 'must be a whole number from 0' },
    ],
    ['google', { promptTokenCount: 5, totalTokenCount: 4 }, { totalTokenCount: 'is less than its parts' }],
    [
      'anthropic',
      { cache_creation_input_tokens: 1, cache_creation: { ephemeral_1h_input_tokens: 2 } },
      { cache_creation_input_tokens: 'is less than its parts' },
    ],
  ])('%s %j by the field at fault', (kind, payload, fields) => {
    expect(refusal(() => normalizeUsage(kind, payload)).details).toEqual({ fields })
  })
})
