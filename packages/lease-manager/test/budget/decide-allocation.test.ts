import { describe, expect, test } from '@jest/globals'
import type { Microdollars } from '@iron/cost-calculator'
import { decideAdjustment, decideAllocation } from '../../src/index.ts'
import { leaseFixture } from '../lease/lease-fixture.ts'

const m = (value: number): Microdollars => value as Microdollars
const budget = (allocated: number, reserved: number, spent: number) => ({
  allocated: m(allocated),
  reserved: m(reserved),
  spent: m(spent),
  version: 3,
})
const old = leaseFixture({ id: 'old', granted: 30, createdAt: 1 })
const young = leaseFixture({ id: 'young', granted: 20, createdAt: 2 })
const ids = (leases: readonly { readonly id: string }[]) => leases.map(({ id }) => id)

describe('a new allocation (MON-24, budget protocol 4.8)', () => {
  const lent = budget(100, 50, 20)
  const ask = (allocated: number, force = false, expectedVersion?: number) =>
    decideAllocation({ budget: lent, leases: [old, young], allocated: m(allocated), force, expectedVersion })

  test('the version is asked for first', () => {
    expect(ask(100, true, 2)).toEqual({ outcome: 'stale' })
    expect(ask(100, true, 3)).toEqual({ outcome: 'unchanged' })
  })
  test('the same value changes nothing', () => expect(ask(100)).toEqual({ outcome: 'unchanged' }))
  test('a raise needs nothing', () => expect(ask(101)).toEqual({ outcome: 'raise', by: 1 }))
  test('a raise while overdrawn is a raise', () => {
    const overdrawn = { budget: budget(10, 5, 20), leases: [], allocated: m(12), force: false }
    expect(decideAllocation(overdrawn)).toEqual({ outcome: 'raise', by: 2 })
  })
  test('below spent is refused, force or not', () => {
    expect(ask(19)).toEqual({ outcome: 'below_spent' })
    expect(ask(19, true)).toEqual({ outcome: 'below_spent' })
  })
  test('a decrease needs force even when nothing must go', () => {
    expect(ask(70)).toEqual({ outcome: 'unconfirmed', revoke: [], remaining: 0 })
    expect(ask(70, true)).toEqual({ outcome: 'lower', by: 30, revoke: [] })
  })
  test('leases go newest first, and no more of them than needed', () => {
    const one = ask(69, true)
    expect(one.outcome === 'lower' && ids(one.revoke)).toEqual(['young'])
    const both = ask(49, true)
    expect(both.outcome === 'lower' && ids(both.revoke)).toEqual(['young', 'old'])
    const unconfirmed = ask(69)
    expect(unconfirmed.outcome === 'unconfirmed' && [ids(unconfirmed.revoke), unconfirmed.remaining]).toEqual([
      ['young'],
      19,
    ])
  })
  test('down to what is spent, everything lent goes', () => {
    const all = ask(20, true)
    expect(all.outcome === 'lower' && ids(all.revoke)).toEqual(['young', 'old'])
  })
})

describe('an adjustment', () => {
  test('a credit is at most what is spent', () => {
    expect(decideAdjustment(budget(10, 0, 5), 'credit', m(5))).toEqual({ outcome: 'book', type: 'adjust' })
    expect(decideAdjustment(budget(10, 0, 5), 'credit', m(6))).toEqual({ outcome: 'too_large' })
  })
  test('a charge is always booked', () => {
    expect(decideAdjustment(budget(10, 0, 10), 'charge', m(1_000))).toEqual({ outcome: 'book', type: 'overrun' })
  })
})
