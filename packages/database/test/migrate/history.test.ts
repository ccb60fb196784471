import { describe, expect, test } from '@jest/globals'
import type { MigrationStep } from '@iron/migrations'
import { DatabaseError } from '../../src/errors.ts'
import { checkShipped, decideHistory, type Found, type RecordedStep, refuseHistory } from '../../src/migrate/history.ts'

const step = (number: number, name: string, checksum = name): MigrationStep => ({
  number,
  name,
  checksum,
  up: async () => {},
})
const recorded = (...steps: readonly Omit<RecordedStep, 'schemaHash'>[]): Found => ({
  kind: 'recorded',
  steps: steps.map(({ number, name, checksum }) => ({ number, name, checksum, schemaHash: '' })),
})

const empty: Found = { kind: 'empty' }
const unknown: Found = { kind: 'unknown' }

const a = step(1, 'a')
const b = step(2, 'b')
const c = step(3, 'c')

describe('decideHistory', () => {
  test.each([
    ['an empty database lacks everything', empty, [a, b], { outcome: 'pending', steps: [a, b] }],
    ['all recorded', recorded(a, b), [a, b], { outcome: 'current' }],
    ['the last is missing', recorded(a), [a, b], { outcome: 'pending', steps: [b] }],
    ['tables without a history', unknown, [a], { outcome: 'unknown' }],
    ['more recorded than shipped', recorded(a, b, c), [a, b], { outcome: 'newer', recorded: 3, shipped: 2 }],
    [
      'DAT-03 another name',
      recorded(a, step(2, 'x')),
      [a, b],
      { outcome: 'diverged', at: 2, recorded: '0002_x', shipped: '0002_b' },
    ],
    [
      'DAT-03 a step left out of the record',
      recorded(a, c),
      [a, b, c],
      { outcome: 'diverged', at: 2, recorded: '0003_c', shipped: '0002_b' },
    ],
    [
      'DAT-03 renumbered',
      recorded(a, b, c),
      [a, step(2, 'c'), step(3, 'b')],
      { outcome: 'diverged', at: 2, recorded: '0002_b', shipped: '0002_c' },
    ],
    ['DAT-03 edited', recorded(a, step(2, 'b', 'old')), [a, b, c], { outcome: 'checksum', number: 2, name: 'b' }],
    [
      'the first that differs decides',
      recorded(step(1, 'a', 'old'), step(2, 'x')),
      [a, b],
      { outcome: 'checksum', number: 1, name: 'a' },
    ],
    [
      'a different history is told before a newer one',
      recorded(a, step(2, 'x'), c),
      [a, b],
      { outcome: 'diverged', at: 2, recorded: '0002_x', shipped: '0002_b' },
    ],
  ])('%s', (_, found, shipped, expected) => {
    expect(decideHistory(found, shipped)).toEqual(expected)
  })
})

describe('refuseHistory', () => {
  test.each([
    [{ outcome: 'unknown' } as const, 'SCHEMA_MISMATCH', { reason: 'unknown' }],
    [
      { outcome: 'newer', recorded: 3, shipped: 2 } as const,
      'SCHEMA_MISMATCH',
      { reason: 'newer', recorded: 3, shipped: 2 },
    ],
    [
      { outcome: 'diverged', at: 2, recorded: '0002_x', shipped: '0002_b' } as const,
      'SCHEMA_MISMATCH',
      { reason: 'diverged', number: 2, recorded: '0002_x', shipped: '0002_b' },
    ],
    [{ outcome: 'checksum', number: 2, name: 'b' } as const, 'MIGRATION_CHECKSUM_MISMATCH', { number: 2, name: 'b' }],
  ])('%j', (decision, code, details) => {
    expect(() => refuseHistory(decision)).toThrow(DatabaseError)
    expect(() => refuseHistory(decision)).toThrow(expect.objectContaining({ code, details }))
  })

  test('lets pass what can be brought up', () => {
    expect(() => refuseHistory({ outcome: 'current' })).not.toThrow()
    expect(() => refuseHistory({ outcome: 'pending', steps: [a] })).not.toThrow()
  })
})

describe('DAT-03 checkShipped', () => {
  test.each([
    ['a gap', [a, c]],
    ['a number twice', [a, step(1, 'b')]],
    ['a name twice', [a, step(2, 'a')]],
    ['a late start', [b]],
  ])('refuses %s', (_, shipped) => {
    expect(() => checkShipped(shipped)).toThrow(expect.objectContaining({ code: 'MIGRATION_FAILED' }))
  })

  test('accepts 1, 2, 3', () => {
    expect(() => checkShipped([a, b, c])).not.toThrow()
  })
})
