import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { enginesForTests } from '@iron/test-kit'
import { applyMigrations } from '../../src/migrate/apply.ts'
import { describeSchema } from '../../src/migrate/describe-schema.ts'
import { openEmpty } from '../migrate/open-empty.ts'

/** Files that show a reviewer what a step did to the schema: `IRON_TEST_WRITE_SCHEMA=1` writes them anew. */
const FILES = new URL('../../../../migrations/', import.meta.url)

/** PostgreSQL spells some expressions differently from one major version to the next; the file is written by this one. */
const SNAPSHOT_MAJOR = '15'

describe.each(await enginesForTests())('schema text of %s', (dialect) => {
  test('DAT-08 is the committed one', async () => {
    await using database = await openEmpty(dialect)
    await applyMigrations(database.host, { mode: 'apply', appVersion: '0.0.0' })
    const objects = await describeSchema(database.db, dialect)
    const text = objects.map(({ kind, name, sql }) => `-- ${kind} ${name}\n${readable(sql)};\n`).join('\n')
    const file = new URL(`schema.${dialect}.sql`, FILES)
    if (process.env.IRON_TEST_WRITE_SCHEMA === '1') writeFileSync(file, text)
    const committed = readFileSync(file, 'utf8')
    if (dialect === 'postgres') {
      const [row] = await database.rows<{ server_version: string }>('SHOW server_version')
      const names = (snapshot: string): string[] =>
        [...snapshot.matchAll(/^-- (.*)$/gm)].map(([, name]) => name as string)
      expect(names(text)).toEqual(names(committed))
      if (row?.server_version.split('.')[0] !== SNAPSHOT_MAJOR) return
    }
    expect(text).toBe(committed)
  })
})

/** One column or constraint a line: what a diff is read by. */
function readable(sql: string): string {
  if (!/^create table/i.test(sql) || sql.includes('\n')) return sql.replace(/;$/, '')
  return sql
    .replace(/ \(/, ' (\n  ')
    .replace(/, (?="\w+" (?:text|integer)\b|constraint ")/g, ',\n  ')
    .replace(/\)( strict.*)$/, '\n)$1')
}
