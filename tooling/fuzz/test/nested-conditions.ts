import type { Parser } from '../src/parsers/parser.ts'

/** Fails for texts with four letters, which chance alone would not bring together. */
export const NESTED: Parser = {
  name: 'nested conditions',
  seeds: ['0000000000000000'],
  read: (text) => {
    if (text.includes('I')) {
      if (text.includes('R')) {
        if (text.includes('O')) {
          if (text.includes('N')) throw new TypeError('found')
        }
      }
    }
    return undefined
  },
}
