/** VAL-01, VAL-18: whatever text comes, a parser reads it or refuses it in its own words, and soon. For longer: `pnpm fuzz parsers`. */
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { chanceOf } from '../src/chance.ts'
import { readCorpus } from '../src/parsers/corpus.ts'
import { fuzzParsers } from '../src/parsers/fuzz-parsers.ts'
import { mutated } from '../src/parsers/mutate.ts'
import { faultOf, type Parser } from '../src/parsers/parser.ts'
import { PARSERS } from '../src/parsers/parsers.ts'

const corpus = await readCorpus()
/** Changed texts for each parser. */
const CHANGED = 300
/** Characters of the longest texts: a square of them would take far longer than a text may. */
const LONG = 30_000

describe.each(PARSERS.map((parser) => [parser.name, parser] as const))('%s', (name, parser) => {
  test('takes its own texts, and reads the one it spells as the same again', () => {
    for (const text of parser.seeds) expect(faultOf(parser, text)).toBeUndefined()
    for (const text of corpus[name] ?? []) expect([text, faultOf(parser, text)]).toEqual([text, undefined])
  })

  test('reads or refuses any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
        expect(faultOf(parser, text)).toBeUndefined()
      }),
    )
    for (let index = 0; index < CHANGED; index += 1) {
      const text = mutated(chanceOf(1, index), [...parser.seeds, ...(corpus[name] ?? [])])
      expect([text, faultOf(parser, text)]).toEqual([text, undefined])
    }
  })

  test('takes a time that grows with the text', () => {
    for (const seed of parser.seeds) {
      for (const part of [seed, ...new Set(seed)]) {
        const long = part.repeat(Math.ceil(LONG / part.length))
        expect([part, faultOf(parser, long)]).toEqual([part, undefined])
        expect([part, faultOf(parser, `${seed}${long}!`)]).toEqual([part, undefined])
      }
    }
  })
})

describe('a wrong parser is found', () => {
  const wrong = (read: Parser['read']): Parser => ({ name: 'wrong', seeds: ['ok'], read })

  test.each<[string, Parser['read'], RegExp]>([
    ['that fails in words of its own', (text) => decodeURIComponent(text), /^throws URIError/],
    ['that reads what it spells as something else', (text) => `${text}x`, /^is read as/],
    ['that refuses what it spells', (text) => (text === '' ? Buffer.alloc(-1).toString() : ''), /which is refused/],
  ])('%s', (_, read, fault) => {
    expect(faultOf(wrong(read), '%')).toMatch(fault)
  })

  test('that takes too long', () => {
    const slow = wrong((text) => void /^(a+)+$/.test(text))
    expect(faultOf(slow, `${'a'.repeat(27)}!`)).toMatch(/^slow/)
  })

  test('behind several conditions, by what texts reach on their way', async () => {
    const load = async (): Promise<Parser[]> => [(await import('./nested-conditions.ts')).NESTED]
    const options = { load, scripts: /nested-conditions/, seed: 1, seconds: 20, corpus: {} }
    const { found } = await fuzzParsers(options)
    expect(found).toMatchObject([{ parser: 'nested conditions', fault: expect.stringMatching(/TypeError/) }])
  }, 30_000)
})
