import { describe, expect, test } from '@jest/globals'
import type { Microdollars } from '@iron/cost-calculator'
import * as fc from 'fast-check'
import { balanceOf, percentUsed, riskLevelOf, statusOf } from '../../src/budget/balance.ts'
import { budgetIdOf } from '../../src/budget/budget.ts'

const stored = (allocated: number, reserved: number, spent: number) =>
  ({ allocated, reserved, spent }) as { allocated: Microdollars; reserved: Microdollars; spent: Microdollars }

describe('balance', () => {
  test.each([
    ['plain', 100, 10, 3, { available: 87, remaining: 87, overdrawn: 0, percentUsed: 3 }],
    ['overdrawn', 100, 50, 54, { available: -4, remaining: 0, overdrawn: 4, percentUsed: 54 }],
    ['nothing of nothing', 0, 0, 0, { available: 0, remaining: 0, overdrawn: 0, percentUsed: 0 }],
    ['something of nothing', 0, 0, 1, { available: -1, remaining: 0, overdrawn: 1, percentUsed: 100 }],
    ['half up', 20_000, 0, 1, { available: 19_999, remaining: 19_999, overdrawn: 0, percentUsed: 0.01 }],
    ['below half', 20_001, 0, 1, { available: 20_000, remaining: 20_000, overdrawn: 0, percentUsed: 0 }],
  ])('%s', (_, allocated, reserved, spent, expected) => {
    expect(balanceOf(stored(allocated, reserved, spent))).toMatchObject(expected)
  })

  test('the percentage is exact to two decimals for any amounts', () => {
    const amount = fc.maxSafeInteger().map(Math.abs)
    fc.assert(
      fc.property(amount, amount, (allocated, spent) => {
        fc.pre(allocated > 0)
        const exact = Number((BigInt(spent) * 20_000n + BigInt(allocated)) / (2n * BigInt(allocated))) / 100
        expect(percentUsed(allocated as Microdollars, spent as Microdollars)).toBe(exact)
      }),
    )
  })
})

describe('status and risk', () => {
  test.each([
    [0, 0, 'unfunded', 'low'],
    [0, 1, 'exhausted', 'exhausted'],
    [100, 0, 'active', 'low'],
    [100, 49, 'active', 'low'],
    [100, 50, 'active', 'medium'],
    [100, 80, 'active', 'high'],
    [100, 90, 'active', 'critical'],
    [1_000_000, 999_999, 'active', 'critical'],
    [100, 100, 'exhausted', 'exhausted'],
    [100, 101, 'exhausted', 'exhausted'],
  ])('%d allocated, %d spent: %s, %s', (allocated, spent, status, risk) => {
    expect([statusOf(stored(allocated, 0, spent)), riskLevelOf(stored(allocated, 0, spent))]).toEqual([status, risk])
  })
})

test('the budget id carries the uuid of the agent id', () => {
  expect(budgetIdOf('agent_01900000-0000-7000-8000-000000000001')).toBe('budget_01900000-0000-7000-8000-000000000001')
  expect(budgetIdOf('agent-7')).toBe('budget_agent-7')
})
