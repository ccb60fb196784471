import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { RateLimiter } from '../src/index.ts'
import { encodeForWire, encodeKey, KEY_MAX_CHARS, type LimitKey } from '../src/limit-key.ts'
import { refusal } from './setup.ts'

/** Text with many separators, quotes, escapes and broken surrogates. */
const text = fc.string({
  unit: fc.constantFrom(...Array.from(':,"[]{}\\ab1\u00e9\ud83d\ude00\0'), '\ud800', '\ud801'),
  minLength: 1,
})
const part = fc.oneof(text, fc.constant(''), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer())
const key: fc.Arbitrary<LimitKey> = fc.oneof(text, fc.array(part, { minLength: 1, maxLength: 4 }))

describe('LIM-05', () => {
  test('two keys have one name only if they are one key, here and on the wire', () => {
    const bytes = (encoded: string): string => Buffer.from(encodeForWire(encoded), 'utf8').toString('hex')
    fc.assert(
      fc.property(key, key, (one, other) => {
        const isSame = JSON.stringify(one) === JSON.stringify(other)
        expect(encodeKey(one) === encodeKey(other)).toBe(isSame)
        expect(bytes(encodeKey(one)) === bytes(encodeKey(other))).toBe(isSame)
      }),
      { numRuns: 20_000 },
    )
  })

  test('broken surrogates, which bytes cannot hold, are told apart on the wire', () => {
    const broken = ['\ud800', '\ud801', '\udc00', '\ufffd', 'a\ud800', 'a\ufffd']
    const wire = broken.map((text) => Buffer.from(encodeForWire(encodeKey(text)), 'utf8').toString('hex'))
    expect(new Set(wire).size).toBe(broken.length)
  })

  test('a key that looks like another one written out is still its own', () => {
    for (const one of [['a', 'b'], '"a"', '\ud800', ['\ud800'], '[', 'plain'] satisfies LimitKey[]) {
      const mimics = [encodeKey(one), encodeForWire(encodeKey(one)), JSON.stringify(one)]
      for (const mimic of mimics.filter((other) => other !== one)) {
        expect(encodeForWire(encodeKey(mimic))).not.toBe(encodeForWire(encodeKey(one)))
      }
    }
  })
})

test('plain texts stay what they are', () => {
  expect(encodeKey('user-001')).toBe('user-001')
  expect(encodeKey('2001:db8::1')).toBe('2001:db8::1')
})

test.each<{ readonly name: string; readonly key: unknown; readonly field: string }>([
  { name: 'empty text', key: '', field: 'key' },
  { name: 'no parts', key: [], field: 'key' },
  { name: 'undefined', key: undefined, field: 'key' },
  { name: 'a number', key: 7, field: 'key' },
  { name: 'an object', key: { length: 1 }, field: 'key' },
  { name: 'NaN among the parts', key: ['a', Number.NaN], field: 'key[1]' },
  { name: 'infinity among the parts', key: [Infinity], field: 'key[0]' },
  { name: 'undefined among the parts', key: ['a', undefined], field: 'key[1]' },
  { name: 'a hole among the parts', key: ['a', , 'b'], field: 'key[1]' },
  { name: 'a list among the parts', key: [['a']], field: 'key[0]' },
  { name: 'too long a text', key: 'x'.repeat(KEY_MAX_CHARS + 1), field: 'key' },
  { name: 'parts that are too long together', key: ['x'.repeat(1024), 'x'.repeat(1024)], field: 'key' },
])('INVALID_KEY: $name', async ({ key: wrong, field }) => {
  const limiter = new RateLimiter(1)
  for (const call of ['check', 'consume', 'consumeSync', 'peek', 'refund', 'reset'] as const) {
    const error = await refusal(() => limiter[call](wrong as LimitKey))
    expect(error).toMatchObject({ code: 'INVALID_KEY', retryable: false })
    expect(Object.keys(error.details['fields'] as object)).toEqual([field])
  }
})

test('the longest key is a key', async () => {
  expect(await new RateLimiter(1).check('x'.repeat(KEY_MAX_CHARS))).toBe(true)
})
