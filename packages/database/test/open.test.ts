import { existsSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { openDatabase } from '../src/index.ts'
import { createTestDb } from '../src/testing.ts'

test.each<[string, object, Readonly<Record<string, string>>]>([
  ['no number', { readers: Number.NaN, writeTimeoutMs: Number.NaN }, { readers: 'whole', writeTimeoutMs: 'whole' }],
  ['out of bounds', { readers: -1, busyTimeoutMs: 2 ** 31 }, { readers: '0 to', busyTimeoutMs: '0 to 2147483647' }],
  ['a write that may take no time', { writeTimeoutMs: 0 }, { writeTimeoutMs: '1 to' }],
  ['another way to migrate', { migrations: 'aply' }, { migrations: 'one of apply, verify, unchecked' }],
])('VAL-02 options that are not valid are refused by name, and nothing is made: %s', async (_, options, said) => {
  await using place = await createTestDb({ storage: 'file' })
  const file = `${place.db.url.replace('sqlite:', '')}.other`
  const fields = Object.fromEntries(Object.entries(said).map(([name, text]) => [name, expect.stringContaining(text)]))
  await expect(openDatabase(file, options)).rejects.toMatchObject({ code: 'VALIDATION_ERROR', details: { fields } })
  expect(existsSync(file)).toBe(false)
})
