import {
  appendFileSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { steps } from '@iron/migrations'
import { migrations } from '../../src/migrate/migrations.ts'

interface Generator {
  readonly manifestOf: (folder: string) => string
}

const folder = fileURLToPath(new URL('../../../../migrations/', import.meta.url))
const { manifestOf } = (await import(path.join(folder, 'generate-manifest.mjs'))) as Generator

test('DAT-03 the committed manifest is the one of the committed steps', () => {
  expect(readFileSync(path.join(folder, 'manifest.ts'), 'utf8')).toBe(manifestOf(folder))
})

test('DAT-03 every step file is shipped, in order, and public without its code', () => {
  const files = readdirSync(folder).filter((file) => /^\d{4}_\w+\.ts$/.test(file))
  const labels = steps.map(({ number, name }) => `${String(number).padStart(4, '0')}_${name}.ts`)
  expect(labels).toEqual(files.sort())
  expect(migrations).toEqual(steps.map(({ number, name, checksum }) => ({ number, name, checksum })))
  expect(migrations.every((migration) => Object.isFrozen(migration))).toBe(true)
  expect(migrations.every(({ checksum }) => /^[0-9a-f]{64}$/.test(checksum))).toBe(true)
})

test('DAT-06 no step names a user, a secret or sample data', () => {
  const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
    /^\d{4}_.*\.ts$/.test(file),
  )
  expect(sources.length).toBeGreaterThan(5)
  const inserts = sources.flatMap((file) => [
    ...readFileSync(path.join(folder, file), 'utf8').matchAll(/insert\s+into\s+(\w+)/gi),
  ])
  // Empty heads of the logs, from which hour on roll-ups count single costs, and sums over the rows there are, their tags and indexes.
  expect(new Set(inserts.map(([, table]) => table))).toEqual(
    new Set([
      'log_heads',
      'meta',
      'budget_sums',
      'list_counts',
      'agent_tags',
      'actor_entries',
      'agent_events',
      'lease_entries',
    ]),
  )
})

describe('a copy of the steps', () => {
  let copy: string
  let before: string

  beforeEach(() => {
    copy = mkdtempSync(path.join(tmpdir(), 'iron-steps-'))
    for (const entry of readdirSync(folder).filter((name) => name.startsWith('0001_'))) {
      cpSync(path.join(folder, entry), path.join(copy, entry), { recursive: true })
    }
    before = manifestOf(copy)
  })
  afterEach(() => rmSync(copy, { recursive: true }))

  test('DAT-03 has another checksum when a step or anything it imports is edited', () => {
    appendFileSync(path.join(copy, '0001_baseline.ts'), '\n// edited')
    const edited = manifestOf(copy)
    expect(edited).not.toBe(before)
    appendFileSync(path.join(copy, '0001_baseline', 'columns.ts'), '\n// edited')
    expect(manifestOf(copy)).not.toBe(edited)
  })

  test('has the same checksum with the line ends of another system', () => {
    const file = path.join(copy, '0001_baseline.ts')
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll('\n', '\r\n'))
    expect(manifestOf(copy)).toBe(before)
  })

  test('DAT-03 is refused when a number is missing or given twice', () => {
    const step = path.join(copy, '0003_late.ts')
    writeFileSync(step, 'export async function up() {}\n')
    expect(() => manifestOf(copy)).toThrow('0003_late.ts should have the number 2')
    renameSync(step, path.join(copy, '0001_again.ts'))
    expect(() => manifestOf(copy)).toThrow('0001_baseline.ts should have the number 2')
    renameSync(path.join(copy, '0001_again.ts'), path.join(copy, '0002_again.ts'))
    expect(manifestOf(copy)).toContain("name: 'again'")
  })
})
