import { expect, test } from '@jest/globals'
import { createIdSource, isId } from '../src/index.ts'

const at = Date.parse('2026-01-15T12:00:00.000Z')

test('ids are UUIDv7 of the clock, with the prefix', () => {
  const id = createIdSource({ now: () => at }).next('agent')
  expect(id).toMatch(/^agent_[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(parseInt(id.slice(6, 14) + id.slice(15, 19), 16)).toBe(at)
  expect(isId(id, 'agent')).toBe(true)
})

test('AUT-11 ids of one millisecond, or of a clock that steps back, rise and differ', () => {
  let now = at
  const ids = createIdSource({ now: () => now })
  const made = Array.from({ length: 20_000 }, (_, index) => {
    if (index % 1_000 === 999) now -= 5
    return ids.next('evt')
  })
  expect(new Set(made).size).toBe(made.length)
  expect([...made].sort()).toEqual(made)
})

test('VAL-09 an id of another prefix, case, length or alphabet is none of ours', () => {
  const good = 'lease_01900000-0000-7000-8000-000000000001'
  expect(isId(good, 'lease')).toBe(true)
  const bad = [
    good.replace('lease', 'agent'),
    good.toUpperCase(),
    `${good}0`,
    good.slice(0, -1),
    good.replace('-7000', '-9000'),
    good.replace('-8000', '-c000'),
    good.replace('lease_', 'lease-'),
    ` ${good}`,
    `${good}\n`,
    '',
    null,
    7,
    { toString: () => good },
  ]
  for (const value of bad) expect([value, isId(value, 'lease')]).toEqual([value, false])
})
