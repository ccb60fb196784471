import path from 'node:path'
import { expect, test } from '@jest/globals'
import { sqliteFile } from '../../src/secrets.ts'

test.each([
  ['sqlite:./iron.db', 'iron.db'],
  ['sqlite://data/iron.db', 'data/iron.db'],
  ['sqlite:///./iron.db?mode=rwc', 'iron.db'],
  ['sqlite:///.data/iron.db', '/.data/iron.db'],
  ['sqlite:my%20iron.db', 'my iron.db'],
  ['file:///srv/my%20iron.db', '/srv/my iron.db'],
  ['./what?.db', 'what?.db'],
])('R5 the secrets of %s stand beside the file that is opened', (databaseUrl, file) => {
  expect(sqliteFile(databaseUrl)).toBe(path.resolve(file))
})
