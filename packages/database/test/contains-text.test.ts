import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { sql } from 'kysely'
import { containsText, globPattern, regexPattern } from '../src/contains-text.ts'
import { createTestDb, enginesForTests } from '../src/testing.ts'

test('VAL-18 patterns grow with the text alone', () => {
  expect(globPattern('aé*')).toBe('*[aA][éÉ][*]*')
  expect(regexPattern('aé*1')).toBe('[aA][éÉ]\\*1')
  expect(globPattern('*'.repeat(255)).length).toBe(255 * 3 + 2)
})

describe.each(await enginesForTests())('VAL-11 a text within another on %s', (dialect) => {
  test('is found whatever the case of either, and no character of it is special', async () => {
    await using place = await createTestDb({ dialect })
    const some = fc.string({ unit: fc.constantFrom(...Array.from(String.raw`aAzKéÉß%_\*?[]^-.$|(' `)), maxLength: 5 })
    const listed = dialect === 'sqlite' ? 'json_each(?)' : 'json_array_elements_text(?::json) AS listed(value)'
    const [before = '', after = ''] = listed.split('?')
    await fc.assert(
      fc.asyncProperty(fc.array(some, { minLength: 1, maxLength: 20 }), some, async (names, text) => {
        const found = await place.db.read(async (tx) => {
          const from = sql`${sql.raw(before)}${JSON.stringify(names)}${sql.raw(after)}`
          return sql<{ value: string }>`SELECT value FROM ${from} WHERE ${containsText(tx, 'value', text)}`.execute(
            tx.sql,
          )
        })
        const expected = names.filter((name) => name.toLowerCase().includes(text.toLowerCase()))
        expect({ text, found: found.rows.map(({ value }) => value) }).toEqual({ text, found: expected })
      }),
      { numRuns: 500 },
    )
  })
})
