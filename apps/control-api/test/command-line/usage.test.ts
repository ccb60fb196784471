/** What the program answers to words that are no command, without a database. */
import { describe, expect, test } from '@jest/globals'
import { iron } from '../process/iron.ts'

describe('wrong use is exit code 2 and says what was meant', () => {
  test.each([
    { words: ['migrat'], says: 'Did you mean migrate?' },
    { words: ['vault', 'rewrapp'], says: 'Did you mean rewrap?' },
    { words: ['verify', '--jsn'], says: 'Did you mean --json?' },
    { words: ['vault', 'rewrap', '--batch', 'all'], says: 'must be a whole number' },
    { words: ['vault', 'rewrap', '--batch', '0'], says: 'must be a whole number, 1 or more' },
    { words: ['vault'], says: 'Usage: iron vault' },
    { words: ['admin', 'unlock'], says: "missing required argument 'email'" },
    { words: ['vault', 'generate', 'more'], says: 'too many arguments' },
  ])('iron $words', async ({ words, says }) => {
    const { code, out, err } = await iron({}, words)
    expect({ code, out }).toEqual({ code: '2', out: '' })
    expect(err).toContain(says)
  })
})

test('help and version are answers, on stdout', async () => {
  const help = await iron({}, ['vault', 'rewrap', '--help'])
  expect(help).toMatchObject({ code: '0', err: '' })
  expect(help.out).toContain('Usage: iron vault rewrap')
  expect(await iron({}, ['--version'])).toMatchObject({ code: '0', out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) })
})
