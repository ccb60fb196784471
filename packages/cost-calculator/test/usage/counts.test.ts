import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { countsOf, type TokenCounts, usageFromCounts } from '../../src/index.ts'
import { refusal } from '../refusal.ts'

describe('usageFromCounts', () => {
  test('PRI-01 takes the parts out of the totals that contain them', () => {
    const counts = {
      inputTokens: 1_000,
      cacheReadTokens: 600,
      cacheWriteTokens: 100,
      cacheWrite1hTokens: 50,
      audioInputTokens: 30,
      imageInputTokens: 20,
      outputTokens: 500,
      reasoningTokens: 200,
      audioOutputTokens: 40,
      imageOutputTokens: 10,
    }
    expect(usageFromCounts(counts)).toEqual({
      input: 200,
      cacheRead: 600,
      cacheWrite: 100,
      cacheWrite1h: 50,
      audioInput: 30,
      imageInput: 20,
      output: 250,
      reasoning: 200,
      audioOutput: 40,
      imageOutput: 10,
    })
  })

  test('PRI-37 a total without a split stays unsplit', () => {
    expect(usageFromCounts({ totalTokens: 7 })).toEqual({ unsplit: 7 })
  })

  test('PRI-17 an explicit zero stays zero, no count at all is refused', () => {
    expect(usageFromCounts({ inputTokens: 0 })).toEqual({ input: 0 })
    expect(refusal(() => usageFromCounts({})).code).toBe('INVALID_USAGE')
    expect(refusal(() => usageFromCounts({ inputTokens: undefined })).code).toBe('INVALID_USAGE')
  })

  test('PRI-21 every fault is named at once', () => {
    const error = refusal(() =>
      usageFromCounts({
        inputTokens: 10,
        cacheReadTokens: 11,
        outputTokens: -1,
        reasoningTokens: 1.5,
        totalTokens: 21,
      }),
    )
    expect(error.code).toBe('INVALID_USAGE')
    expect(Object.keys(error.details['fields'] as object).sort()).toEqual([
      'inputTokens',
      'outputTokens',
      'reasoningTokens',
      'totalTokens',
    ])
  })

  test('PRI-21 what is said of a part without its total holds for its name on the wire too', () => {
    const error = refusal(() => usageFromCounts({ cacheReadTokens: 1, audioOutputTokens: 1 }))
    expect(error.details['fields']).toEqual({
      cacheReadTokens: 'needs the input count that it is part of',
      audioOutputTokens: 'needs the output count that it is part of',
    })
  })

  test.each<TokenCounts>([
    { cacheReadTokens: 1 },
    { outputTokens: 1, audioInputTokens: 1 },
    { inputTokens: 1, totalTokens: 1 },
    { inputTokens: 2 ** 53 },
    { inputTokens: NaN },
    { inputTokens: '5' as unknown as number },
    { inputTokens: null as unknown as number },
    { inputTokens: 3, cacheReadTokens: 2, imageInputTokens: 2 },
  ])('PRI-21 refuses %j', (counts) => {
    expect(refusal(() => usageFromCounts(counts)).code).toBe('INVALID_USAGE')
  })
})

describe('countsOf', () => {
  test('is the inverse, with the total always set', () => {
    const part = fc.nat({ max: 1_000_000 })
    const counts = fc
      .record({
        rest: part,
        cacheReadTokens: part,
        cacheWriteTokens: part,
        audioInputTokens: part,
        out: part,
        reasoningTokens: part,
      })
      .map(({ rest, out, ...parts }) => ({
        inputTokens: rest + parts.cacheReadTokens + parts.cacheWriteTokens + parts.audioInputTokens,
        outputTokens: out + parts.reasoningTokens,
        ...parts,
      }))
    fc.assert(
      fc.property(counts, (given) => {
        expect(countsOf(usageFromCounts(given))).toEqual({
          ...given,
          totalTokens: given.inputTokens + given.outputTokens,
        })
      }),
    )
    expect(countsOf({ unsplit: 9 })).toEqual({ totalTokens: 9 })
    expect(countsOf({})).toEqual({ totalTokens: 0 })
  })

  test('parts without a wire field count in their totals', () => {
    expect(
      countsOf({
        input: 1,
        audioCacheRead: 2,
        imageCacheRead: 3,
        videoInput: 4,
        citation: 5,
        videoOutput: 6,
        webSearches: 7,
      }),
    ).toEqual({
      inputTokens: 10,
      cacheReadTokens: 5,
      outputTokens: 11,
      totalTokens: 21,
    })
  })
})
