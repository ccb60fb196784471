import { expect, test } from '@jest/globals'
import { globPattern, regexPattern } from '../src/contains-text.ts'

test('VAL-18 patterns grow with the text alone', () => {
  expect(globPattern('aé*')).toBe('*[aA][éÉ][*]*')
  expect(regexPattern('aé*1')).toBe('[aA][éÉ]\\*1')
  expect(globPattern('*'.repeat(255)).length).toBe(255 * 3 + 2)
})
