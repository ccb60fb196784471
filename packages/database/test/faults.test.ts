import { expect, test } from '@jest/globals'
import { Faults } from '../src/index.ts'

const faultOf = (value: unknown, max = 5, multiline = false): string | undefined => {
  const faults = new Faults()
  faults.text('x', value, { max, multiline })
  return faults.details.fields['x']
}

test('VAL-06 lengths count code points after NFC', () => {
  expect(faultOf('12345')).toBeUndefined()
  expect(faultOf('123456')).toBe('must be 1 to 5 characters long')
  expect(faultOf('😀😀😀😀😀')).toBeUndefined()
  expect(faultOf('😀😀😀😀😀😀')).toBeDefined()
  expect(faultOf('e\u0301'.repeat(5))).toBeUndefined()
  expect(faultOf('')).toBeDefined()
})

test('VAL-07 NUL and control characters are refused at every position', () => {
  for (const bad of ['\0', '\u0007', '\u001b', '\u007f', '\u0085']) {
    for (const text of [`${bad}ab`, `a${bad}b`, `ab${bad}`])
      expect(faultOf(text)).toBe('must not contain control characters')
  }
  expect(faultOf('a\nb')).toBeDefined()
  expect(faultOf('a\n\tb', 5, true)).toBeUndefined()
  expect(faultOf('a\0b', 5, true)).toBeDefined()
  expect(faultOf('a\ud800')).toBe('must be valid Unicode')
})

test('VAL-02 VAL-12 the first fault of each path is kept, whatever its name', () => {
  const faults = new Faults()
  faults.id('__proto__', '')
  faults.id('__proto__', 7)
  faults.integer('n', '1', 0)
  faults.oneOf('o', 'z', ['a', 'b'])
  expect(Object.entries(faults.details.fields)).toEqual([
    ['__proto__', 'must be 1 to 255 characters long'],
    ['n', 'must be a whole number'],
    ['o', 'must be one of a, b'],
  ])
})

test('a key is visible ASCII of a bounded length, whatever it is instead', () => {
  for (const bad of ['', '123456', 'a b', 'é', 'a\n', 7, null]) {
    const faults = new Faults()
    faults.key('k', bad, 5)
    expect([bad, faults.details.fields['k']]).toEqual([bad, 'must be 1 to 5 visible ASCII characters'])
  }
  const faults = new Faults()
  faults.key('k', '!~12', 5)
  expect(faults.any).toBe(false)
})
