import { describe, expect, test } from '@jest/globals'
import type { Microdollars } from '@iron/cost-calculator'
import * as fc from 'fast-check'
import {
  decideGrant,
  decideOverdue,
  decideReplay,
  decideReport,
  decideReturn,
  type GrantQuestion,
} from '../../src/index.ts'
import { leaseFixture } from './lease-fixture.ts'

const m = (value: number): Microdollars => value as Microdollars

describe('decideGrant', () => {
  const question = (change: { [K in keyof GrantQuestion]?: unknown }): GrantQuestion =>
    ({ requested: m(10), available: m(100), ownHold: m(0), otherLeases: 0, maxOpen: 32, ...change }) as GrantQuestion
  const room = (left: number | null, blocked = false) => ({ left, blocked, exceeded: null })

  test.each<[string, { [K in keyof GrantQuestion]?: unknown }, object]>([
    ['whole', {}, { outcome: 'granted', amount: 10, partial: false }],
    ['exactly what is left (MON-11)', { available: 10 }, { outcome: 'granted', amount: 10, partial: false }],
    ['partial (MON-28)', { available: 3 }, { outcome: 'granted', amount: 3, partial: true }],
    ['nothing left is a refusal, not a grant of 0 (MON-28)', { available: 0 }, { outcome: 'budget_exceeded' }],
    ['overdrawn', { available: -1 }, { outcome: 'budget_exceeded' }],
    ['a refresh counts its own hold', { available: 0, ownHold: 4 }, { outcome: 'granted', amount: 4, partial: true }],
    [
      'the deficit comes out of the own hold',
      { available: -3, ownHold: 4 },
      { outcome: 'granted', amount: 1, partial: true },
    ],
    ['a deficit of the whole hold', { available: -4, ownHold: 4 }, { outcome: 'budget_exceeded' }],
    ['one lease below the cap (CON-20)', { otherLeases: 31 }, { outcome: 'granted', amount: 10, partial: false }],
    ['at the cap', { otherLeases: 32 }, { outcome: 'cap_reached' }],
    ['the cap comes before the budget', { otherLeases: 32, available: 0 }, { outcome: 'cap_reached' }],
    ['cut to the month (MON-33)', { room: room(5) }, { outcome: 'granted', amount: 5, partial: true }],
    ['unlimited month', { room: room(null) }, { outcome: 'granted', amount: 10, partial: false }],
    ['month used up', { room: room(0) }, { outcome: 'limit_exceeded' }],
    [
      'month used up, but for the own hold',
      { room: room(0), ownHold: 5 },
      { outcome: 'granted', amount: 5, partial: true },
    ],
    ['day or minute used up', { room: room(null, true) }, { outcome: 'limit_exceeded' }],
    ['the budget comes before the limit', { room: room(0), available: 0 }, { outcome: 'budget_exceeded' }],
  ])('%s', (_, change, expected) => {
    expect(decideGrant(question(change))).toEqual(expected)
  })

  test('E1 never lends more than asked for, than is available, or than the month leaves', () => {
    const amount = fc.integer({ min: -50, max: 50 })
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        amount,
        fc.nat(30),
        fc.option(amount),
        (requested, available, ownHold, left) => {
          const decision = decideGrant(
            question({ requested, available, ownHold, room: left === null ? undefined : room(left) }),
          )
          const bound = Math.min(requested, available + ownHold, left === null ? Infinity : left + ownHold)
          if (decision.outcome === 'granted') expect(decision.amount).toBe(bound)
          else expect(bound).toBeLessThanOrEqual(0)
        },
      ),
    )
  })
})

describe('decideReport', () => {
  const active = leaseFixture({ granted: 10, spent: 4, expiresAt: 1_000 })
  const closed = leaseFixture({ stored: 'closed', granted: 10, spent: 4, released: 6, unreported: 3, expiresAt: 1_000 })
  const onTime = { itemised: 0, late: false, expiresAt: 999 + 3_600 }

  test.each([
    ['inside the hold', active, 5, 999, { spend: 5, overrun: 0, ...onTime }],
    ['exactly the hold (MON-11)', active, 6, 999, { spend: 6, overrun: 0, ...onTime }],
    ['beyond the hold (MON-10)', active, 9, 999, { spend: 6, overrun: 3, ...onTime }],
    ['nothing slides the deadline too (MON-11)', active, 0, 999, { spend: 0, overrun: 0, ...onTime }],
    ['at the deadline (MON-21)', active, 5, 1_000, { spend: 5, overrun: 0, itemised: 0, late: true, expiresAt: 1_000 }],
    [
      'on an ended lease (MON-12)',
      closed,
      5,
      2_000,
      { spend: 0, overrun: 2, itemised: 3, late: true, expiresAt: 1_000 },
    ],
    [
      'explaining part of a return (MON-14)',
      closed,
      2,
      2_000,
      { spend: 0, overrun: 0, itemised: 2, late: true, expiresAt: 1_000 },
    ],
  ])('%s', (_, lease, cost, now, expected) => {
    expect(decideReport(lease, m(cost), now, 3_600)).toEqual(expected)
  })

  test('MON-08 every cost is wholly spend, overrun or itemised', () => {
    fc.assert(
      fc.property(fc.nat(50), fc.nat(20), fc.nat(20), fc.boolean(), (cost, granted, used, open) => {
        const spent = Math.min(granted, used)
        const lease = open
          ? leaseFixture({ granted, spent })
          : leaseFixture({ stored: 'revoked', granted, spent, released: granted - spent, unreported: spent })
        const { spend, overrun, itemised } = decideReport(lease, m(cost), 5, 100)
        expect(spend + overrun + itemised).toBe(cost)
      }),
    )
  })
})

describe('decideReturn', () => {
  const active = leaseFixture({ granted: 10, spent: 4 })
  test.each([
    [
      'without a figure releases the rest (MON-13)',
      active,
      undefined,
      { gap: 0, spend: 0, overrun: 0, release: 6, total: 4 },
    ],
    ['a smaller figure is ignored (MON-14)', active, 1, { gap: 0, spend: 0, overrun: 0, release: 6, total: 4 }],
    ['a larger figure is booked on the hold', active, 7, { gap: 3, spend: 3, overrun: 0, release: 3, total: 7 }],
    ['a figure above the grant', active, 15, { gap: 11, spend: 6, overrun: 5, release: 0, total: 15 }],
    [
      'of an ended lease books the gap as overrun and releases nothing',
      leaseFixture({ stored: 'revoked', granted: 10, spent: 4, released: 6 }),
      7,
      { gap: 3, spend: 0, overrun: 3, release: 0, total: 7 },
    ],
  ])('%s', (_, lease, claimed, expected) => {
    const decision = decideReturn(lease, claimed === undefined ? undefined : m(claimed))
    expect(decision).toEqual({ outcome: 'recorded', ...expected })
  })

  test('a second one is replayed (MON-15)', () => {
    expect(decideReturn(leaseFixture({ stored: 'closed', returnedAt: 5 }), m(99))).toEqual({ outcome: 'replayed' })
  })
})

describe('decideReplay', () => {
  const reserve = leaseFixture({ idempotencyKey: 'k' })
  const handshake = leaseFixture({ idempotencyKey: 'k', providerId: 'prov-1' })
  const refresh = leaseFixture({ idempotencyKey: 'k', providerId: 'prov-1', supersedes: 'lease-0' })
  const asked = { requested: m(10) }
  test.each([
    ['the same reserve', reserve, { ...asked, providerId: null }, 'replayed'],
    ['another amount', reserve, { requested: m(11), providerId: null }, 'conflict'],
    ['a reserve as a handshake', reserve, { ...asked, providerId: 'prov-1' }, 'conflict'],
    ['a reserve as a handshake that leaves the provider to the server', reserve, asked, 'conflict'],
    ['a handshake as a reserve', handshake, { ...asked, providerId: null }, 'conflict'],
    ['the same handshake', handshake, { ...asked, providerId: 'prov-1' }, 'replayed'],
    ['the server chose the provider', handshake, asked, 'replayed'],
    ['another provider', handshake, { ...asked, providerId: 'prov-2' }, 'conflict'],
    ['the same refresh', refresh, { ...asked, refreshOf: 'lease-0' }, 'replayed'],
    ['a refresh of another lease', refresh, { ...asked, refreshOf: 'lease-9' }, 'conflict'],
    ['a refresh as a handshake', refresh, { ...asked, providerId: 'prov-1' }, 'conflict'],
    [
      'a lease that has ended',
      leaseFixture({ idempotencyKey: 'k', stored: 'closed' }),
      { ...asked, providerId: null },
      'not_active',
    ],
    [
      'another kind of call after the lease has ended',
      { ...handshake, stored: 'closed' },
      { ...asked, providerId: null },
      'conflict',
    ],
  ] as const)('%s: %s', (_, known, ask, expected) => {
    expect(decideReplay(known, ask)).toBe(expected)
  })
})

describe('decideOverdue', () => {
  const times = { ttlMs: 3_600_000, graceMs: 60_000 }
  const at = (expiresAt: number) => leaseFixture({ expiresAt })
  test.each([
    ['in time', at(10_000_001), 10_000_000, times, { outcome: 'keep' }],
    ['in grace', at(9_940_001), 10_000_000, times, { outcome: 'keep' }],
    ['when the grace is over (MON-21)', at(9_940_000), 10_000_000, times, { outcome: 'lapse' }],
    ['as far ahead as the tolerance allows', at(13_900_000), 10_000_000, times, { outcome: 'keep' }],
    ['further ahead', at(13_900_001), 10_000_000, times, { outcome: 'cut', expiresAt: 13_600_000 }],
    [
      'further ahead, for who does not know the lifetime',
      at(13_900_001),
      10_000_000,
      { ...times, ttlMs: undefined },
      { outcome: 'keep' },
    ],
    ['ended long ago', leaseFixture({ stored: 'closed', expiresAt: 0 }), 10_000_000, times, { outcome: 'keep' }],
  ])('%s', (_, lease, now, rules, expected) => {
    expect(decideOverdue(lease, now, rules)).toEqual(expected)
  })
})
