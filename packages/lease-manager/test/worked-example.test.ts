import { describe, expect, test } from '@jest/globals'
import { usd } from '@iron/cost-calculator'
import { enginesForTests } from '@iron/database/testing'
import type { LedgerEntry, LedgerFilter } from '../src/index.ts'
import {
  ADMIN,
  auditCounts,
  call,
  DAY,
  eventsOf,
  HOUR,
  MINUTE,
  moneyState,
  openWorld,
  refusal,
  usdOf,
  type World,
} from './world.ts'

const AGENT = 'agent-1'

async function rowsSince({ ledger }: World, seq: number): Promise<string[]> {
  const filter: LedgerFilter = { agentId: AGENT }
  const { data } = await ledger.list(filter, { order: 'asc', limit: 100 })
  return data.filter((row) => row.seq > seq).map((row: LedgerEntry) => `${row.type} ${row.amount / 1_000_000}`)
}

describe.each(await enginesForTests())('the worked example of budget protocol 17 on %s', (dialect) => {
  test('line by line; MON-07, MON-10, MON-12, MON-14, MON-16, MON-24, MON-31, MON-34, CON-02, CON-03, CON-05', async () => {
    await using world = await openWorld({ dialect })
    const { budgets, leases, ledger, requests, clock } = world
    let seq = 0
    /** One line: what it booked and the balances it left. */
    const line = async (rows: string[], balances: number[]): Promise<void> => {
      expect(await rowsSince(world, seq)).toEqual(rows)
      seq += rows.length
      const budget = await budgets.get(AGENT)
      expect(usdOf(budget!)).toEqual(balances)
      expect(await ledger.verify()).toEqual([])
    }
    /** A line that books nothing and leaves no trace at all. */
    const untouched = async (act: () => Promise<unknown>): Promise<void> => {
      const before = await moneyState(world)
      await act()
      expect(await moneyState(world)).toEqual(before)
    }

    await budgets.create(AGENT, usd(0))
    expect(await budgets.setAllocation(AGENT, usd(100), ADMIN)).toMatchObject({ changed: true, previousAllocated: 0 })
    await line(['allocate 100'], [100, 0, 0, 100])
    expect((await budgets.get(AGENT))?.allocationVersion).toBe(1)

    const l1 = (await leases.open(AGENT, usd(10), { providerId: 'prov-1', runtimeId: 'runtime-1' })).lease
    expect(l1.granted).toBe(usd(10))
    await line(['grant 10'], [100, 10, 0, 90])

    const r1 = await leases.report(l1.id, call('r1', 3))
    expect(r1).toMatchObject({ duplicate: false, late: false, overrun: 0, overBudget: false, pricing: 'reported' })
    expect(r1.lease.remaining).toBe(usd(7))
    await line(['spend 3'], [100, 7, 3, 90])

    await untouched(async () => {
      const again = await leases.report(l1.id, call('r1', 3))
      expect(again).toMatchObject({ duplicate: true, cost: usd(3), counted: { cost: 0, tokens: 0, requests: 0 } })
      expect((await refusal(leases.report(l1.id, call('r1', 4)))).code).toBe('IDEMPOTENCY_CONFLICT')
    })

    const refreshed = await leases.refresh(l1.id, usd(20))
    const l2 = refreshed.lease
    expect(refreshed.previous).toMatchObject({ status: 'superseded', returned: usd(7), supersededBy: l2.id })
    expect(l2).toMatchObject({ supersedes: l1.id, providerId: 'prov-1', runtimeId: 'runtime-1' })
    await line(['release 7', 'grant 20'], [100, 20, 3, 77])

    await untouched(async () => {
      expect(await leases.refresh(l1.id, usd(20))).toMatchObject({ duplicate: true, lease: { id: l2.id } })
    })

    expect((await leases.report(l2.id, call('r2', 5))).lease.remaining).toBe(usd(15))
    await line(['spend 5'], [100, 15, 8, 77])

    const r3 = await leases.report(l2.id, call('r3', 16.5))
    expect(r3).toMatchObject({ overrun: usd(1.5), overBudget: false, late: false })
    await line(['spend 15', 'overrun 1.5'], [100, 0, 24.5, 75.5])

    expect(await leases.returnLease(l2.id, { spent: usd(21.5) })).toMatchObject({
      returned: 0,
      status: 'closed',
      unreported: 0,
    })
    await line([], [100, 0, 24.5, 75.5])

    const l3 = (await leases.open(AGENT, usd(50))).lease
    await line(['grant 50'], [100, 50, 24.5, 25.5])

    const fourth = await leases.open(AGENT, usd(40))
    const l4 = fourth.lease
    expect(fourth.partial).toBe(true)
    await line(['grant 25.5'], [100, 75.5, 24.5, 0])

    await untouched(async () => {
      const refused = await refusal(leases.open(AGENT, usd(1)))
      expect(refused.code).toBe('BUDGET_EXCEEDED')
      expect(refused.details).toEqual({ spent: 24.5, limit: 100, reserved: 75.5, requested: 1 })
    })

    const r4 = await leases.report(l4.id, call('r4', 30))
    expect(r4).toMatchObject({ overBudget: true, overrun: usd(4.5), budget: { remaining: 0, overdrawn: usd(4.5) } })
    await line(['spend 25.5', 'overrun 4.5'], [100, 50, 54.5, -4.5])
    expect((await eventsOf(world, AGENT)).filter(({ type }) => type.startsWith('budget.t'))).toMatchObject([
      {
        type: 'budget.threshold_reached',
        data: { threshold: 50, severity: 'info', allocation_version: 1, overdrawn_usd: 4.5 },
      },
    ])

    await untouched(async () => {
      expect((await refusal(leases.refresh(l4.id, usd(10)))).code).toBe('BUDGET_EXCEEDED')
    })

    const l5 = (await leases.refresh(l3.id, usd(60))).lease
    await line(['release 50', 'grant 45.5'], [100, 45.5, 54.5, 0])

    const raised = await budgets.setAllocation(AGENT, usd(150), ADMIN)
    expect(raised).toMatchObject({ changed: true, previousAllocated: usd(100), budget: { allocationVersion: 2 } })
    await line(['allocate 50'], [150, 45.5, 54.5, 50])

    clock.advance(HOUR - 1)
    expect(await leases.report(l5.id, call('r5', 0))).toMatchObject({
      late: false,
      lease: { expiresAt: clock.now() + HOUR },
    })
    clock.advance(MINUTE + 1)
    expect(await leases.sweep()).toBe(1)
    expect(await leases.get(l4.id)).toMatchObject({ status: 'closed', closeReason: 'lapsed', returned: 0 })
    expect(await leases.get(l5.id)).toMatchObject({ status: 'active' })
    await line([], [150, 45.5, 54.5, 50])

    expect(await leases.report(l3.id, call('r6', 2.25))).toMatchObject({ late: true, overrun: usd(2.25) })
    await line(['overrun 2.25'], [150, 45.5, 56.75, 47.75])

    const returned = await leases.returnLease(l5.id, { spent: usd(12) })
    expect(returned).toMatchObject({
      unreported: usd(12),
      returned: usd(33.5),
      counted: { cost: usd(12), tokens: 0, requests: 0 },
    })
    await line(['spend 12', 'release 33.5'], [150, 0, 68.75, 81.25])
    const { data: lastRows } = await ledger.list({ agentId: AGENT, leaseId: l5.id }, { limit: 2 })
    expect(lastRows.map(({ reason }) => reason)).toEqual(['returned', 'unreported_usage'])

    const r7 = await leases.report(l5.id, call('r7', 4))
    expect(r7).toMatchObject({
      late: true,
      overrun: 0,
      counted: { cost: 0, requests: 1 },
      lease: { unreported: usd(8) },
    })
    await line([], [150, 0, 68.75, 81.25])

    await untouched(async () => {
      const again = await leases.returnLease(l5.id, { spent: usd(99) })
      expect(again).toMatchObject({
        duplicate: true,
        returned: usd(33.5),
        unreported: usd(12),
        spent: usd(12),
        status: 'closed',
      })
    })

    const l6 = (await leases.open(AGENT, usd(70))).lease
    await line(['grant 70'], [150, 70, 68.75, 11.25])

    await untouched(async () => {
      expect((await refusal(budgets.setAllocation(AGENT, usd(60), ADMIN, { force: true }))).code).toBe(
        'BUDGET_BELOW_SPENT',
      )
      const unconfirmed = await refusal(budgets.setAllocation(AGENT, usd(120), ADMIN))
      expect(unconfirmed.code).toBe('BUDGET_DECREASE_REQUIRES_CONFIRMATION')
      expect(unconfirmed.details).toEqual({
        allocated_usd: 150,
        requested_allocated_usd: 120,
        spent_usd: 68.75,
        reserved_usd: 70,
        remaining_after_usd: 51.25,
        leases_to_revoke: [l6.id],
      })
    })

    const eventsBefore = (await eventsOf(world, AGENT)).length
    const lowered = await budgets.setAllocation(AGENT, usd(120), ADMIN, { force: true, reason: 'a smaller quarter' })
    expect(lowered).toMatchObject({ leasesRevoked: [l6.id], budget: { allocationVersion: 3 } })
    await line(['release 70', 'deallocate 30'], [120, 0, 68.75, 51.25])
    expect((await eventsOf(world, AGENT)).slice(eventsBefore)).toMatchObject([
      {
        type: 'budget.changed',
        data: { reason: 'decreased', previous_allocated_usd: 150, reserved_usd: 0, note: 'a smaller quarter' },
      },
      {
        type: 'lease.closed',
        data: { lease_id: l6.id, status: 'revoked', cause: 'allocation_lowered', returned_usd: 70 },
      },
      { type: 'budget.threshold_reached', data: { threshold: 50, allocation_version: 3 } },
    ])

    const credited = await budgets.adjust(AGENT, 'credit', usd(1), 'price corrected', ADMIN)
    expect(credited.entry).toMatchObject({
      type: 'adjust',
      fromAccount: 'spent',
      toAccount: 'available',
      actorId: ADMIN,
    })
    await line(['adjust 1'], [120, 0, 67.75, 52.25])
    expect(seq).toBe(22)
    const sum = 'SELECT SUM(amount_micros) FROM ledger_postings WHERE agent_id = ?'
    expect(Number(await world.test.scalar(sum, AGENT))).toBe(0)

    await untouched(async () => {
      expect(await budgets.setAllocation(AGENT, usd(120), ADMIN)).toMatchObject({ changed: false, leasesRevoked: [] })
    })

    clock.advance(91 * DAY)
    await requests.rollUp()
    await requests.prune({ olderThan: clock.now() - 90 * DAY })
    expect(await world.test.scalar('SELECT COUNT(*) FROM requests')).toBe(0)
    await untouched(async () => {
      const again = await leases.report(l6.id, call('r7', 4))
      expect(again).toMatchObject({ duplicate: true, cost: usd(4), late: true, lease: { id: l5.id } })
      expect((await refusal(leases.report(l6.id, call('r1', 4)))).code).toBe('IDEMPOTENCY_CONFLICT')
    })
    await line([], [120, 0, 67.75, 52.25])

    const { LEASE_GRANTED = 0, LEASE_REFRESHED = 0, ...others } = await auditCounts(world)
    expect(LEASE_GRANTED + LEASE_REFRESHED).toBe(6)
    expect(others).toEqual({
      USAGE_OVERRUN: 3,
      LEASE_RETURNED: 2,
      LEASE_EXPIRED: 1,
      LEASE_REVOKED: 1,
      BUDGET_UPDATED: 3,
      BUDGET_ADJUSTED: 1,
    })

    const { data: changes } = await budgets.history(AGENT, { order: 'asc' })
    expect(changes.map(({ version, previousAllocated, allocated }) => [version, previousAllocated, allocated])).toEqual(
      [
        [1, 0, usd(100)],
        [2, usd(100), usd(150)],
        [3, usd(150), usd(120)],
      ],
    )
  })
})
