import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { maskSecret } from '../src/index.ts'

describe('SEC-27 maskSecret', () => {
  test.each([
    ['', '***'],
    ['a', '***'],
    ['123456789012', '***'],
    ['1234567890123', '1234...123'],
    ['sk-demo-1234567890def', 'sk-d...def'],
    ['🔑'.repeat(12), '***'],
    ['🔑'.repeat(13), '🔑🔑🔑🔑...🔑🔑🔑'],
  ])('%p is shown as %p', (secret, masked) => {
    expect(maskSecret(secret)).toBe(masked)
  })

  test('shows at most seven code points, whole ones, and at least six are hidden', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (secret) => {
        const characters = Array.from(secret)
        const masked = maskSecret(secret)
        if (characters.length <= 12) expect(masked).toBe('***')
        else expect(Array.from(masked)).toEqual([...characters.slice(0, 4), '.', '.', '.', ...characters.slice(-3)])
      }),
    )
  })
})
