import { describe, expect, test } from '@jest/globals'
import type { Microdollars } from '@iron/cost-calculator'
import { CostError } from '@iron/cost-calculator'
import { canonicalJson } from '@iron/database'
import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { ACCOUNTS, admits, available, type LedgerType, moved, type Stored } from '../../src/ledger/movement.ts'
import { CHAIN_START, rowHash, type UnsealedRow } from '../../src/ledger/row-hash.ts'

const m = (value: number): Microdollars => value as Microdollars
const stored = (allocated: number, reserved: number, spent: number): Stored => ({
  allocated: m(allocated),
  reserved: m(reserved),
  spent: m(spent),
})
const types = Object.keys(ACCOUNTS) as LedgerType[]

/** The four accounts as budget protocol 3.1 defines them. */
function accounts(state: Stored) {
  return {
    funding: 0 - state.allocated,
    available: available(state),
    reserved: state.reserved,
    spent: state.spent,
  }
}

describe('movements (budget protocol 3.2)', () => {
  test.each<[LedgerType, Stored]>([
    ['allocate', stored(107, 20, 30)],
    ['deallocate', stored(93, 20, 30)],
    ['grant', stored(100, 27, 30)],
    ['release', stored(100, 13, 30)],
    ['spend', stored(100, 13, 37)],
    ['overrun', stored(100, 20, 37)],
    ['adjust', stored(100, 20, 23)],
  ])('%s', (type, after) => {
    expect(moved(stored(100, 20, 30), type, m(7))).toEqual(after)
  })

  test('I3 each moves its amount from one account to the other and the four always cancel', () => {
    const amount = fc.nat(1_000_000)
    fc.assert(
      fc.property(amount, amount, amount, amount, fc.constantFrom(...types), (a, v, s, x, type) => {
        const before = stored(a, v, s)
        const after = accounts(moved(before, type, m(x)))
        const expected: Record<string, number> = accounts(before)
        expected[ACCOUNTS[type].to] = (expected[ACCOUNTS[type].to] ?? 0) + x
        expected[ACCOUNTS[type].from] = (expected[ACCOUNTS[type].from] ?? 0) - x
        expect(after).toEqual(expected)
        expect(after.funding + after.available + after.reserved + after.spent).toBe(0)
      }),
    )
  })

  test.each<[LedgerType, number, number]>([
    ['deallocate', 50, 51],
    ['grant', 50, 51],
    ['release', 20, 21],
    ['spend', 20, 21],
    ['adjust', 30, 31],
  ])('%s is admitted up to %d and not at %d (MON-09)', (type, most, more) => {
    expect([admits(stored(100, 20, 30), type, m(most)), admits(stored(100, 20, 30), type, m(more))]).toEqual([
      true,
      false,
    ])
  })

  test('facts are always admitted', () => {
    expect(admits(stored(0, 0, 0), 'overrun', m(1))).toBe(true)
    expect(admits(stored(0, 0, 0), 'allocate', m(1))).toBe(true)
  })

  test('MON-06 a sum beyond 2^53 fails loudly', () => {
    expect(() => moved(stored(Number.MAX_SAFE_INTEGER, 0, 0), 'allocate', m(1))).toThrow(CostError)
    expect(() => moved(stored(0, 0, Number.MAX_SAFE_INTEGER), 'overrun', m(1))).toThrow(CostError)
  })
})

test('a row hash covers the hash before it and every other column (R7)', () => {
  const row: UnsealedRow = {
    agent_id: 'a',
    seq: 1,
    type: 'allocate',
    amount_micros: m(5),
    lease_id: null,
    request_id: null,
    budget_request_id: null,
    version: 1,
    allocated_after: m(5),
    reserved_after: m(0),
    spent_after: m(0),
    actor_id: 'u',
    reason: null,
    created_at: 9,
  }
  const text = CHAIN_START + canonicalJson(row)
  expect(rowHash(CHAIN_START, row)).toBe(createHash('sha256').update(text).digest('hex'))
  for (const column of Object.keys(row)) {
    expect(rowHash(CHAIN_START, { ...row, [column]: 'other' })).not.toBe(rowHash(CHAIN_START, row))
  }
  expect(rowHash('1'.repeat(64), row)).not.toBe(rowHash(CHAIN_START, row))
})
