/** The lines of budget protocol 7 that concern this package, and the refusals around them. */
import { describe, expect, test } from '@jest/globals'
import { MAX_AMOUNT, type Microdollars, usd } from '@iron/cost-calculator'
import { enginesForTests } from '@iron/database/testing'
import type { Grant, LeaseStatus } from '../src/index.ts'
import {
  ADMIN,
  auditCounts,
  call,
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
const OTHER = 'agent-2'

async function funded(world: World, allocatedUsd = 100): Promise<World> {
  await world.budgets.create(AGENT, usd(allocatedUsd), { ownerId: 'owner-1', actor: ADMIN })
  return world
}

/** Brings a lease into a state. */
const ENDINGS: readonly [status: LeaseStatus, end: (world: World, leaseId: string) => Promise<unknown>][] = [
  ['superseded', ({ leases }, id) => leases.refresh(id, usd(5))],
  ['closed', ({ leases }, id) => leases.returnLease(id)],
  ['revoked', ({ leases }, id) => leases.revoke(id, ADMIN)],
]

describe.each(await enginesForTests())('on %s', (dialect) => {
  const world = async (options = {}) => funded(await openWorld({ dialect, ...options }))

  describe('a report', () => {
    test.each(ENDINGS)(
      'on a %s lease is late, itemises what a return claimed, and the rest is overrun (MON-12, MON-14)',
      async (status, end) => {
        await using w = await world()
        const { lease } = await w.leases.open(AGENT, usd(10))
        await w.leases.report(lease.id, call('r1', 3))
        await end(w, lease.id)
        expect((await w.leases.get(lease.id))?.status).toBe(status)
        const late = await w.leases.report(lease.id, call('r2', 2))
        expect(late).toMatchObject({ late: true, overrun: usd(2), lease: { status, spent: usd(3), overrun: usd(2) } })
        const again = await w.leases.report(lease.id, call('r1', 3))
        expect(again).toMatchObject({ duplicate: true, late: false, overrun: 0 })
        expect(await w.ledger.verify()).toEqual([])
      },
    )

    test('in grace is booked on the hold, late, and does not slide; after it the lease is closed for every message (MON-21)', async () => {
      await using w = await world()
      const { lease } = await w.leases.open(AGENT, usd(10))
      w.clock.set(lease.expiresAt)
      expect((await w.leases.get(lease.id))?.status).toBe('expired')
      const inGrace = await w.leases.report(lease.id, call('r1', 3))
      expect(inGrace).toMatchObject({
        late: true,
        overrun: 0,
        lease: { status: 'expired', expiresAt: lease.expiresAt, remaining: usd(7) },
      })
      w.clock.advance(MINUTE)
      const after = await w.leases.report(lease.id, call('r2', 3))
      expect(after).toMatchObject({
        late: true,
        overrun: usd(3),
        lease: { status: 'closed', closeReason: 'lapsed', returned: usd(7) },
      })
      expect(await auditCounts(w)).toMatchObject({ LEASE_EXPIRED: 1, USAGE_OVERRUN: 1 })
    })

    test('of a failed call with a cost is charged, without any figure it costs nothing (MON-29)', async () => {
      await using w = await world()
      const { lease } = await w.leases.open(AGENT, usd(10))
      const charged = await w.leases.report(lease.id, { ...call('r1', 2), outcome: 'failed', errorCode: 'timeout' })
      expect([charged.cost, charged.pricing]).toEqual([usd(2), 'reported'])
      const free = await w.leases.report(lease.id, { requestId: 'r2', model: 'gpt-4o', outcome: 'failed' })
      expect([free.cost, free.pricing]).toEqual([0, 'reported'])
      const types = (await eventsOf(w, AGENT)).map(({ type }) => type)
      expect(types).toEqual(['lease.granted', 'request.failed', 'request.failed'])
      const again = await w.leases.report(lease.id, { requestId: 'r2', model: 'gpt-4o', outcome: 'failed' })
      expect(again.duplicate).toBe(true)
    })

    test('of nothing keeps its request row and slides the deadline (MON-11)', async () => {
      await using w = await world()
      const { lease } = await w.leases.open(AGENT, usd(10))
      w.clock.advance(10 * MINUTE)
      const result = await w.leases.report(lease.id, call('r1', 0))
      expect(result.lease.expiresAt).toBe(lease.expiresAt + 10 * MINUTE)
      expect(result.counted).toEqual({ cost: 0, tokens: 0, requests: 1 })
      expect(await w.test.scalar('SELECT COUNT(*) FROM requests')).toBe(1)
      expect((await w.ledger.list({ agentId: AGENT })).data.map(({ type }) => type)).toEqual(['grant', 'allocate'])
    })

    test('for an unknown lease, or another agent’s, is refused and nothing is booked', async () => {
      await using w = await world()
      await w.budgets.create(OTHER, usd(10))
      const { lease } = await w.leases.open(OTHER, usd(5))
      const before = await moneyState(w)
      expect((await refusal(w.leases.report('lease-unknown', call('r1', 1)))).code).toBe('LEASE_NOT_FOUND')
      expect((await refusal(w.leases.report(lease.id, call('r1', 1), { agentId: AGENT }))).code).toBe('LEASE_NOT_FOUND')
      expect((await refusal(w.leases.report(lease.id, call('r1', 1), { agentId: 'agent-unknown' }))).code).toBe(
        'LEASE_NOT_FOUND',
      )
      expect(await moneyState(w)).toEqual(before)
    })

    test('the same request id of two agents is two requests; on a refreshed lease it is a duplicate (CON-03, CON-05)', async () => {
      await using w = await world()
      await w.budgets.create(OTHER, usd(10))
      const mine = (await w.leases.open(AGENT, usd(5))).lease
      const theirs = (await w.leases.open(OTHER, usd(5))).lease
      await w.leases.report(mine.id, call('r1', 1))
      expect(await w.leases.report(theirs.id, call('r1', 2))).toMatchObject({ duplicate: false, cost: usd(2) })
      const next = await w.leases.refresh(mine.id, usd(5))
      const retried = await w.leases.report(next.lease.id, call('r1', 1), { agentId: AGENT })
      expect(retried).toMatchObject({ duplicate: true, lease: { id: mine.id } })
      expect(await w.leases.report('lease-unknown', call('r1', 1), { agentId: AGENT })).toMatchObject({
        duplicate: true,
      })
    })

    test('without a cost is priced by the server, and a repeat is not priced again', async () => {
      await using w = await world()
      const { lease } = await w.leases.open(AGENT, usd(10))
      const report = { requestId: 'r1', model: 'gpt-4o', usage: { input: 1_200, output: 310 } }
      const priced = await w.leases.report(lease.id, report)
      expect(priced.pricing).not.toBe('reported')
      expect(priced.cost).toBeGreaterThan(0)
      expect(priced.counted).toEqual({ cost: priced.cost, tokens: 1_510, requests: 1 })
      expect(await w.leases.report(lease.id, report)).toMatchObject({
        duplicate: true,
        cost: priced.cost,
        pricing: priced.pricing,
      })
      const conflict = { ...report, cost: priced.cost }
      expect((await refusal(w.leases.report(lease.id, conflict))).code).toBe('IDEMPOTENCY_CONFLICT')
    })

    test('crossing several thresholds tells each, ascending, after the request (EVT-08)', async () => {
      await using w = await world()
      const { lease } = await w.leases.open(AGENT, usd(100))
      const result = await w.leases.report(lease.id, call('r1', 105.5))
      expect(result).toMatchObject({
        overrun: usd(5.5),
        overBudget: true,
        budget: { overdrawn: usd(5.5), remaining: 0, percentUsed: 105.5 },
      })
      const told = (await eventsOf(w, AGENT)).map(({ type, data }) => data.threshold ?? type)
      expect(told).toEqual(['lease.granted', 'request.completed', 50, 80, 90, 100, 'budget.exhausted'])
      expect((await refusal(w.leases.open(AGENT))).details).toEqual({ spent: 105.5, limit: 100 })
      const raised = await w.budgets.setAllocation(AGENT, usd(200), ADMIN)
      expect(raised.budget).toMatchObject({
        allocationVersion: 2,
        percentUsed: 52.75,
        remaining: usd(94.5),
        riskLevel: 'medium',
      })
      expect((await eventsOf(w, AGENT)).at(-1)?.type).toBe('budget.changed')
      expect((await w.leases.open(AGENT)).budget.remaining).toBe(usd(84.5))
    })
  })

  describe('a batch (CON-07)', () => {
    test('answers each item in order; a bad one affects no other, and a repeat charges nothing', async () => {
      await using w = await world()
      const { lease } = await w.leases.open(AGENT, usd(10))
      const item = (requestId: string, costUsd: number, leaseId = lease.id) => ({
        leaseId,
        report: call(requestId, costUsd),
      })
      const malformed = { leaseId: lease.id, report: { requestId: 'bad', model: 'gpt-4o', cost: 0.5 as Microdollars } }
      const items = [
        item('r1', 1),
        item('r2', 1, 'lease-unknown'),
        item('r1', 1),
        malformed,
        item('r1', 9),
        item('r3', 2),
      ]
      const codes = async () =>
        (await w.leases.reportBatch(items, { agentId: AGENT })).map((one) =>
          one.ok ? [one.result.cost, one.result.duplicate] : one.error.code,
        )
      const refused = ['LEASE_NOT_FOUND', [usd(1), true], 'VALIDATION_ERROR', 'IDEMPOTENCY_CONFLICT']
      expect(await codes()).toEqual([[usd(1), false], ...refused, [usd(2), false]])
      expect(await codes()).toEqual([[usd(1), true], ...refused, [usd(2), true]])
      expect(usdOf((await w.budgets.get(AGENT))!)).toEqual([100, 7, 3, 90])
      expect(await w.ledger.verify()).toEqual([])
    })

    test('refuses alone what no figure can hold', async () => {
      await using w = await world()
      const { lease } = await w.leases.open(AGENT, usd(10))
      const most = Array.from({ length: 10 }, (_, index) => ({
        leaseId: lease.id,
        report: { requestId: `most-${index}`, model: 'gpt-4o', cost: MAX_AMOUNT },
      }))
      const items = [...most, { leaseId: lease.id, report: call('last', 1) }]
      const results = await w.leases.reportBatch(items, { agentId: AGENT })
      expect(results.map((one) => (one.ok ? 'booked' : one.error.code))).toEqual([
        ...Array.from({ length: 9 }, () => 'booked'),
        'AMOUNT_OUT_OF_RANGE',
        'booked',
      ])
      expect((await w.budgets.get(AGENT))?.spent).toBe(9 * MAX_AMOUNT + usd(1))
      expect(await w.ledger.verify()).toEqual([])
    })

    test('CON-07 an item that is nothing, or holds no report, is one faulty item', async () => {
      await using w = await world()
      const { lease } = await w.leases.open(AGENT, usd(5))
      const items = [null, undefined, 'x', { leaseId: lease.id, report: null }, { report: call('r1', 1) }] as never[]
      const results = await w.leases.reportBatch([...items, { leaseId: lease.id, report: call('r2', 1) }])
      expect(results.map((one) => (one.ok ? 'booked' : Object.keys(one.error.details['fields'] as object)))).toEqual([
        ['leaseId', 'report'],
        ['leaseId', 'report'],
        ['leaseId', 'report'],
        ['report'],
        ['leaseId'],
        'booked',
      ])
    })

    test('of several agents is booked on each', async () => {
      await using w = await world()
      await w.budgets.create(OTHER, usd(10))
      const mine = (await w.leases.open(AGENT, usd(5))).lease.id
      const theirs = (await w.leases.open(OTHER, usd(5))).lease.id
      await w.leases.reportBatch([
        { leaseId: theirs, report: call('r1', 1) },
        { leaseId: mine, report: call('r1', 2) },
      ])
      expect([(await w.budgets.get(AGENT))?.spent, (await w.budgets.get(OTHER))?.spent]).toEqual([usd(2), usd(1)])
    })

    test('holds 1 to 1000 items', async () => {
      await using w = await world()
      expect((await refusal(w.leases.reportBatch([]))).code).toBe('VALIDATION_ERROR')
      const many = Array.from({ length: 1_001 }, (_, index) => ({ leaseId: 'l', report: call(`r${index}`, 1) }))
      expect((await refusal(w.leases.reportBatch(many))).code).toBe('VALIDATION_ERROR')
    })
  })

  describe('a refresh', () => {
    test('counts its own hold, and takes a deficit out of it (MON-16)', async () => {
      await using w = await world()
      const { lease } = await w.leases.open(AGENT, usd(60))
      await w.budgets.adjust(AGENT, 'charge', usd(50), 'late invoice', ADMIN)
      const next = await w.leases.refresh(lease.id, usd(60))
      expect(next).toMatchObject({
        partial: true,
        lease: { granted: usd(50) },
        previous: { status: 'superseded', returned: usd(60) },
      })
      expect(usdOf(next.budget)).toEqual([100, 50, 50, 0])
      const told = (await eventsOf(w, AGENT)).slice(-2).map(({ type }) => type)
      expect(told).toEqual(['lease.closed', 'lease.granted'])
    })

    test('refused changes no row (MON-17)', async () => {
      await using w = await world()
      const { lease } = await w.leases.open(AGENT, usd(10))
      const room = (left: number) => ({
        room: { left: usd(left, { signed: true }), blocked: false, exceeded: { window: 'cost_per_month' } },
      })
      const before = await moneyState(w)
      const refused = await refusal(w.leases.refresh(lease.id, usd(5), room(-10)))
      expect([refused.code, refused.details]).toEqual(['LIMIT_EXCEEDED', { window: 'cost_per_month' }])
      expect(await moneyState(w)).toEqual(before)
      expect((await w.leases.refresh(lease.id, usd(30), room(5))).lease.granted).toBe(usd(15))
    })

    test('is allowed in grace, and refused of a closed or revoked lease (MON-34)', async () => {
      await using w = await world()
      const { lease } = await w.leases.open(AGENT, usd(10))
      w.clock.set(lease.expiresAt + MINUTE - 1)
      const next = await w.leases.refresh(lease.id, usd(10))
      expect(next.duplicate).toBe(false)
      await w.leases.returnLease(next.lease.id)
      for (const id of [lease.id, next.lease.id]) {
        const refused = await refusal(w.leases.refresh(id, usd(10)))
        expect(refused.code).toBe('LEASE_NOT_ACTIVE')
      }
      const details = (await refusal(w.leases.refresh(lease.id))).details
      expect(details).toEqual({ lease_id: lease.id, status: 'superseded', superseded_by: next.lease.id })
      expect((await refusal(w.leases.refresh('lease-unknown'))).code).toBe('LEASE_NOT_FOUND')
      expect((await refusal(w.leases.refresh(lease.id, usd(1), { agentId: OTHER }))).code).toBe('LEASE_NOT_FOUND')
    })

    test('does not count against the cap', async () => {
      await using w = await world({ leases: { maxOpenPerAgent: 1 } })
      const { lease } = await w.leases.open(AGENT, usd(10))
      expect((await refusal(w.leases.open(AGENT, usd(1)))).details).toEqual({ max: 1 })
      expect((await w.leases.refresh(lease.id, usd(20))).lease.granted).toBe(usd(20))
    })
  })

  describe('a return', () => {
    test('releases granted minus recorded, never the whole grant (MON-13), and a smaller figure changes nothing (MON-14)', async () => {
      await using w = await world()
      const first = (await w.leases.open(AGENT, usd(10))).lease
      await w.leases.report(first.id, call('r1', 3))
      expect(await w.leases.returnLease(first.id)).toMatchObject({
        spent: usd(3),
        returned: usd(7),
        unreported: 0,
        status: 'closed',
      })
      const second = (await w.leases.open(AGENT, usd(10))).lease
      await w.leases.report(second.id, call('r2', 3))
      expect(await w.leases.returnLease(second.id, { spent: usd(1) })).toMatchObject({
        spent: usd(3),
        returned: usd(7),
      })
    })

    test('claims beyond the grant: the hold first, then overrun, audited (MON-14)', async () => {
      await using w = await world()
      const { lease } = await w.leases.open(AGENT, usd(10))
      await w.leases.report(lease.id, call('r1', 3))
      const result = await w.leases.returnLease(lease.id, { spent: usd(15) })
      expect(result).toMatchObject({
        spent: usd(15),
        unreported: usd(12),
        returned: 0,
        lease: { spent: usd(10), overrun: usd(5) },
      })
      expect(await auditCounts(w)).toMatchObject({ LEASE_RETURNED: 1, USAGE_OVERRUN: 1 })
      const itemised = await w.leases.report(lease.id, call('r2', 20))
      expect(itemised).toMatchObject({
        late: true,
        overrun: usd(8),
        counted: { cost: usd(8), requests: 1 },
        lease: { unreported: 0 },
      })
      expect(await w.leases.returnLease(lease.id, { spent: usd(99) })).toMatchObject({
        duplicate: true,
        spent: usd(15),
        unreported: usd(12),
      })
      expect((await w.budgets.get(AGENT))?.spent).toBe(usd(23))
      expect(await w.ledger.verify()).toEqual([])
    })

    test.each(ENDINGS.filter(([status]) => status !== 'closed'))(
      'of a %s lease is recorded once and keeps its status and close reason (MON-19)',
      async (status, end) => {
        await using w = await world()
        const { lease } = await w.leases.open(AGENT, usd(10))
        await end(w, lease.id)
        const closeReason = (await w.leases.get(lease.id))?.closeReason
        const first = await w.leases.returnLease(lease.id, { spent: usd(4) })
        expect(first).toMatchObject({
          status,
          duplicate: false,
          spent: usd(4),
          unreported: usd(4),
          returned: usd(10),
          lease: { closeReason },
        })
        const before = await moneyState(w)
        expect(await w.leases.returnLease(lease.id, { spent: usd(5) })).toMatchObject({
          duplicate: true,
          spent: usd(4),
          returned: usd(10),
        })
        expect(await moneyState(w)).toEqual(before)
      },
    )

    test('of an unknown lease, or another agent’s, is refused', async () => {
      await using w = await world()
      const { lease } = await w.leases.open(AGENT, usd(10))
      expect((await refusal(w.leases.returnLease('lease-unknown'))).code).toBe('LEASE_NOT_FOUND')
      expect((await refusal(w.leases.returnLease(lease.id, { agentId: OTHER }))).code).toBe('LEASE_NOT_FOUND')
    })
  })

  describe('the end of a lease', () => {
    test('a lease that nobody tends gives everything back: swept, audited, told (MON-20, MON-21)', async () => {
      await using w = await world()
      const { lease } = await w.leases.open(AGENT, usd(10))
      await w.leases.report(lease.id, call('r1', 3))
      w.clock.advance(HOUR + MINUTE - 1)
      expect(await w.leases.sweep()).toBe(0)
      w.clock.advance(1)
      expect(await w.leases.sweep()).toBe(1)
      expect(usdOf((await w.budgets.get(AGENT))!)).toEqual([100, 0, 3, 97])
      expect((await eventsOf(w, AGENT)).at(-1)).toMatchObject({
        type: 'lease.closed',
        data: {
          status: 'closed',
          close_reason: 'lapsed',
          cause: null,
          spent_usd: 3,
          returned_usd: 7,
          superseded_by: null,
        },
      })
      const [release] = (await w.ledger.list({ agentId: AGENT }, { limit: 1 })).data
      expect(release).toMatchObject({ type: 'release', reason: 'lapsed', actorId: 'system:sweep' })
    })

    test('a stop revokes every open lease with its cause; each end is told once', async () => {
      await using w = await world()
      const ids = [(await w.leases.open(AGENT, usd(10))).lease.id, (await w.leases.open(AGENT, usd(5))).lease.id]
      const stopped = await w.leases.revokeAll(AGENT, ADMIN, { cause: 'agent_stopped' })
      expect([[...stopped.leases].sort(), stopped.released]).toEqual([[...ids].sort(), usd(15)])
      expect(await w.leases.revokeAll(AGENT, ADMIN)).toEqual({ leases: [], released: 0 })
      const closed = (await eventsOf(w, AGENT)).filter(({ type }) => type === 'lease.closed')
      expect(closed.map(({ data }) => data.cause)).toEqual(['agent_stopped', 'agent_stopped'])
      const [release] = (await w.ledger.list({ agentId: AGENT }, { limit: 1 })).data
      expect(release).toMatchObject({ type: 'release', reason: 'agent_stopped', actorId: ADMIN })
    })

    test('an operator may say why; a final lease cannot be revoked (MON-19)', async () => {
      await using w = await world()
      const { lease } = await w.leases.open(AGENT, usd(10))
      expect((await refusal(w.leases.revoke(lease.id, ADMIN, { agentId: OTHER }))).code).toBe('LEASE_NOT_FOUND')
      const revoked = await w.leases.revoke(lease.id, ADMIN, { reason: 'runaway loop' })
      expect(revoked).toMatchObject({ status: 'revoked', closeReason: 'revoked', returned: usd(10), remaining: 0 })
      expect((await refusal(w.leases.revoke(lease.id, ADMIN))).code).toBe('LEASE_NOT_ACTIVE')
      expect(await w.test.scalar("SELECT reason FROM audit_log WHERE operation = 'LEASE_REVOKED'")).toBe('runaway loop')
    })

    test('archiving keeps all history; then only reports and returns are accepted (MON-26)', async () => {
      await using w = await world()
      const { lease } = await w.leases.open(AGENT, usd(10))
      await w.test.db.write(async (tx) => {
        await w.leases.revokeAll(AGENT, ADMIN, { cause: 'agent_archived', tx })
        expect(await w.budgets.archive(AGENT, { tx })).toMatchObject({ archived: true, reserved: 0, openLeases: 0 })
      })
      const refused = [
        w.leases.open(AGENT, usd(1)),
        w.leases.refresh(lease.id),
        w.leases.revoke(lease.id, ADMIN),
        w.leases.revokeAll(AGENT, ADMIN),
        w.budgets.setAllocation(AGENT, usd(1), ADMIN),
        w.budgets.adjust(AGENT, 'credit', usd(1), 'x', ADMIN),
        w.test.db.write((tx) => w.leases.lockAgent(AGENT, { tx })),
        w.test.db.write((tx) => w.budgets.setOwner(AGENT, 'owner-2', { tx })),
        w.test.db.write((tx) => w.budgets.archive(AGENT, { tx })),
      ]
      for (const promise of refused) promise.catch(() => undefined)
      for (const promise of refused) expect((await refusal(promise)).code).toBe('AGENT_ARCHIVED')
      expect(await w.leases.report(lease.id, call('r1', 1))).toMatchObject({ late: true, overrun: usd(1) })
      expect(await w.leases.returnLease(lease.id)).toMatchObject({ status: 'revoked', spent: usd(1) })
      expect((await w.budgets.list()).total).toBe(0)
      expect((await w.budgets.list({ agentId: AGENT })).data).toMatchObject([{ archived: true, spent: usd(1) }])
    })

    test('a clock that jumped ten years ahead and back frees held money within lifetime and grace', async () => {
      await using w = await world()
      const here = w.clock.now()
      w.clock.advance(3_650 * 24 * HOUR)
      const { lease } = await w.leases.open(AGENT, usd(10))
      w.clock.set(here)
      expect(await w.leases.sweep()).toBe(1)
      expect((await w.leases.get(lease.id))?.expiresAt).toBe(here + HOUR)
      expect(await auditCounts(w)).toEqual({ LEASE_GRANTED: 1 })
      w.clock.advance(HOUR + MINUTE)
      expect(await w.leases.sweep()).toBe(1)
      expect((await w.budgets.get(AGENT))?.reserved).toBe(0)
    })

    test('a clock that stepped back two minutes revives nothing (MON-21)', async () => {
      await using w = await world()
      const { lease } = await w.leases.open(AGENT, usd(10))
      w.clock.set(lease.expiresAt)
      await w.leases.report(lease.id, call('r1', 1))
      w.clock.advance(-2 * MINUTE)
      expect((await w.leases.get(lease.id))?.status).toBe('expired')
      expect(await w.leases.report(lease.id, call('r2', 1))).toMatchObject({ late: true })
      expect((await w.leases.list({ agentId: AGENT, status: 'expired' })).data.map(({ id }) => id)).toEqual([lease.id])
      expect((await w.leases.list({ agentId: AGENT, status: 'active' })).data).toEqual([])
    })
  })

  describe('a grant with an idempotency key', () => {
    test('is the same lease while it is open, a conflict as another call, and refused when it has ended (CON-06)', async () => {
      await using w = await world()
      const options = { idempotencyKey: 'k1', providerId: 'prov-1', runtimeId: 'rt-1' }
      const first: Grant = await w.leases.open(AGENT, usd(10), options)
      const before = await moneyState(w)
      expect(await w.leases.open(AGENT, usd(10), options)).toMatchObject({
        duplicate: true,
        lease: { id: first.lease.id },
      })
      expect(
        await w.leases.replay(AGENT, { idempotencyKey: 'k1', requested: usd(10), providerId: 'prov-1' }),
      ).toMatchObject({ id: first.lease.id })
      expect(await w.leases.replay(AGENT, { idempotencyKey: 'k1' })).toMatchObject({ id: first.lease.id })
      expect(await w.leases.replay(AGENT, { idempotencyKey: 'k2' })).toBeUndefined()
      for (const other of [
        w.leases.open(AGENT, usd(11), options),
        w.leases.open(AGENT, usd(10), { idempotencyKey: 'k1' }),
        w.leases.refresh(first.lease.id, usd(10), { idempotencyKey: 'k1' }),
        w.leases.replay(AGENT, { idempotencyKey: 'k1', requested: usd(10), refreshOf: 'lease-0' }),
      ]) {
        expect((await refusal(other)).code).toBe('IDEMPOTENCY_CONFLICT')
      }
      expect(await moneyState(w)).toEqual(before)
      const next = await w.leases.refresh(first.lease.id, usd(20), { idempotencyKey: 'k2' })
      expect(await w.leases.refresh(first.lease.id, usd(20), { idempotencyKey: 'k2' })).toMatchObject({
        duplicate: true,
        lease: { id: next.lease.id },
      })
      expect((await refusal(w.leases.open(AGENT, usd(10), options))).code).toBe('LEASE_NOT_ACTIVE')
      await w.leases.returnLease(next.lease.id)
      expect((await refusal(w.leases.refresh(first.lease.id, usd(20), { idempotencyKey: 'k2' }))).code).toBe(
        'LEASE_NOT_ACTIVE',
      )
    })
  })

  describe('refusals', () => {
    test('CON-28 keep the overdue leases that were ended on their way', async () => {
      await using w = await world()
      await w.leases.open(AGENT, usd(60))
      await w.leases.open(AGENT, usd(40))
      w.clock.advance(2 * HOUR)
      await w.budgets.create(OTHER, usd(1))
      expect((await refusal(w.leases.report('lease-unknown', call('r', 1), { agentId: AGENT }))).code).toBe(
        'LEASE_NOT_FOUND',
      )
      expect((await w.budgets.get(AGENT))?.reserved).toBe(0)
    })

    test('CON-28 R1 inside the caller’s transaction leave it usable, and committed work stands', async () => {
      await using w = await world()
      const { lease } = await w.leases.open(AGENT, usd(100))
      w.clock.advance(2 * HOUR)
      await w.test.db.write(async (tx) => {
        expect((await refusal(w.leases.refresh(lease.id, usd(1), { tx }))).code).toBe('LEASE_NOT_ACTIVE')
        await w.leases.open(AGENT, usd(30), { tx })
      })
      expect(usdOf((await w.budgets.get(AGENT))!)).toEqual([100, 30, 0, 70])
      expect(await w.ledger.verify()).toEqual([])
    })

    test('MON-27 no budget comes into being by being used', async () => {
      await using w = await world()
      const codes = []
      for (const promise of [
        w.leases.open('nobody', usd(1)),
        w.leases.revokeAll('nobody', ADMIN),
        w.budgets.setAllocation('nobody', usd(1), ADMIN),
        w.budgets.adjust('nobody', 'charge', usd(1), 'x', ADMIN),
        w.budgets.history('nobody'),
        w.ledger.balancesAt('nobody'),
        w.ledger.verify({ agentId: 'nobody' }),
        w.ledger.rebuild('nobody', ADMIN),
        w.test.db.write((tx) => w.leases.lockAgent('nobody', { tx, exclusive: true })),
        w.test.db.write((tx) => w.leases.endOverdue('nobody', { tx })),
      ]) {
        codes.push((await refusal(promise)).code)
      }
      expect(new Set(codes)).toEqual(new Set(['AGENT_NOT_FOUND']))
      expect(await w.budgets.get('nobody')).toBeUndefined()
      expect(await w.leases.get('nothing')).toBeUndefined()
      expect((await refusal(w.budgets.create(AGENT, usd(1)))).code).toBe('BUDGET_EXISTS')
    })

    test('CON-14 a call without the open transaction inside it fails at once', async () => {
      await using w = await world()
      await expect(w.test.db.write(() => w.leases.open(AGENT, usd(1)))).rejects.toMatchObject({ code: 'NESTED_WRITE' })
    })

    test('MON-18 CON-27 a failure after the grant leaves no hold', async () => {
      await using w = await world()
      const before = await moneyState(w)
      const failing = w.test.db.write(async (tx) => {
        await w.leases.open(AGENT, usd(10), { tx })
        throw new Error('the key could not be opened')
      })
      await expect(failing).rejects.toThrow('the key could not be opened')
      expect(await moneyState(w)).toEqual(before)
    })
  })

  test('setOwner moves money and history to another owner; endOverdue and lockAgent serve composing operations', async () => {
    await using w = await world()
    await w.leases.open(AGENT, usd(10))
    await w.test.db.write(async (tx) => {
      expect(await w.leases.lockAgent(AGENT, { tx, exclusive: true })).toEqual({
        agentId: AGENT,
        ownerId: 'owner-1',
        now: w.clock.now(),
      })
      await w.budgets.setOwner(AGENT, 'owner-2', { tx })
    })
    w.clock.advance(2 * HOUR)
    expect(await w.test.db.write((tx) => w.leases.endOverdue(AGENT, { tx }))).toBe(1)
    expect((await w.budgets.list({ ownerId: 'owner-2' })).data).toMatchObject([{ agentId: AGENT, openLeases: 0 }])
    expect((await w.budgets.list({ ownerId: 'owner-1' })).total).toBe(0)
  })
})
