import { describe, expect, test } from '@jest/globals'
import { type Microdollars, usd, ZERO } from '@iron/cost-calculator'
import { enginesForTests } from '@iron/database/testing'
import { type AgentBudgetManager, LeaseError, LeaseManager } from '../src/index.ts'
import { ADMIN, call, eventsOf, moneyState, openWorld, refusal, usdOf, type World } from './world.ts'

/** Agents a to e, spent 0, 49, 80, 100 and 120 percent; f has nothing, g spent of nothing. */
async function fleet(world: World): Promise<void> {
  const { budgets, leases } = world
  for (const [id, allocated, spent] of [
    ['a', 100, 0],
    ['b', 100, 49],
    ['c', 10, 8],
    ['d', 20, 20],
    ['e', 10, 12],
  ] as const) {
    await budgets.create(id, usd(allocated), { ownerId: id === 'a' ? 'owner-2' : 'owner-1' })
    const { lease } = await leases.open(id, usd(allocated))
    await leases.report(lease.id, call('r', spent))
    if (id !== 'a') await leases.returnLease(lease.id)
  }
  await budgets.create('f', usd(0), { ownerId: 'owner-1' })
  await budgets.create('g', usd(0), { ownerId: 'owner-1' })
  await budgets.adjust('g', 'charge', usd(1), 'invoice', ADMIN)
}

describe.each(await enginesForTests())('budgets on %s', (dialect) => {
  test('are listed by percent used, filtered, sorted, and summed over all matches', async () => {
    await using world = await openWorld({ dialect })
    await fleet(world)
    const { budgets } = world
    const ids = async (...options: Parameters<AgentBudgetManager['list']>) =>
      (await budgets.list(...options)).data.map(({ agentId }) => agentId)
    expect(await ids()).toEqual(['e', 'g', 'd', 'c', 'b', 'f', 'a'])
    expect(await ids({}, { sort: 'percentUsed' })).toEqual(['a', 'f', 'b', 'c', 'd', 'g', 'e'])
    expect(await ids({}, { sort: '-spent', perPage: 2, page: 2 })).toEqual(['e', 'c'])
    expect(await ids({}, { sort: 'remaining' })).toEqual(['e', 'g', 'a', 'd', 'f', 'c', 'b'])
    expect(await ids({}, { sort: 'agentName' })).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g'])
    expect(await ids({ ownerId: 'owner-2' })).toEqual(['a'])
    expect(await ids({ agentId: 'c' })).toEqual(['c'])
    expect(await ids({ status: 'unfunded' })).toEqual(['f'])
    expect(await ids({ status: 'active' })).toEqual(['c', 'b', 'a'])
    expect(await ids({ status: 'exhausted' })).toEqual(['e', 'g', 'd'])
    expect(await ids({ riskLevel: 'low' })).toEqual(['b', 'f', 'a'])
    expect(await ids({ riskLevel: 'high' })).toEqual(['c'])
    expect(await ids({ riskLevel: 'medium' })).toEqual([])
    expect(await ids({ riskLevel: 'exhausted' })).toEqual(['e', 'g', 'd'])
    expect(await ids({ threshold: 80 })).toEqual(['e', 'g', 'd'])
    expect(await ids({ threshold: 100 })).toEqual(['e'])
    expect(await ids({ threshold: 0 })).toEqual(['e', 'g', 'd', 'c', 'b'])

    const { summary, total } = await budgets.list({}, { perPage: 1 })
    expect(total).toBe(7)
    expect(summary).toEqual({
      agents: 7,
      active: 3,
      exhausted: 3,
      unfunded: 1,
      allocated: BigInt(usd(240)),
      spent: BigInt(usd(90)),
      reserved: BigInt(usd(100)),
      available: BigInt(usd(50)),
      remaining: BigInt(usd(53)),
      overdrawn: BigInt(usd(3)),
      percentUsed: 37.5,
    })
    const page = await budgets.list({}, { perPage: 100 })
    for (const budget of page.data) expect(await budgets.get(budget.agentId)).toEqual(budget)
    const nothing = await budgets.list({ ownerId: 'nobody' })
    expect(nothing).toMatchObject({ total: 0, data: [], summary: { agents: 0, allocated: 0n, percentUsed: 0 } })
  })

  test('MON-06 sums near 2^53 lose no digit: over agents they go beyond it, of one agent they are refused', async () => {
    await using world = await openWorld({ dialect })
    const most = 1_000_000_000_000_000 as Microdollars
    for (let index = 0; index < 10; index += 1) await world.budgets.create(`agent-${index}`, most)
    await world.budgets.create('agent-z', usd(0.000001))
    expect((await world.budgets.list()).summary).toMatchObject({
      allocated: 10_000_000_000_000_001n,
      available: 10_000_000_000_000_001n,
      remaining: 10_000_000_000_000_001n,
      overdrawn: 0n,
      percentUsed: 0,
    })
    const before = await moneyState(world)
    const beyond = (async () => {
      for (let index = 0; index < 10; index += 1)
        await world.budgets.adjust('agent-1', 'charge', most, 'too much', ADMIN)
    })()
    await expect(beyond).rejects.toMatchObject({ code: 'AMOUNT_OUT_OF_RANGE' })
    expect((await world.budgets.get('agent-1'))?.spent).toBe(9 * most)
    expect(before).not.toEqual(await moneyState(world))
    expect(await world.ledger.verify()).toEqual([])
  })

  test('keep the history of their allocation; P10 a raise lowered again restores everything', async () => {
    await using world = await openWorld({ dialect })
    const { budgets } = world
    await budgets.create('a', usd(8.2), { actor: ADMIN })
    await budgets.setAllocation('a', usd(64.1), 'user-2', { reason: 'more to do', expectedVersion: 1 })
    const { budget } = await budgets.setAllocation('a', usd(8.2), ADMIN, { force: true })
    expect(usdOf(budget)).toEqual([8.2, 0, 0, 8.2])
    const { data, nextCursor } = await budgets.history('a', { limit: 2 })
    expect(data).toMatchObject([
      {
        version: 3,
        previousAllocated: usd(64.1),
        allocated: usd(8.2),
        reason: null,
        changedBy: ADMIN,
        budgetRequestId: null,
      },
      { version: 2, previousAllocated: usd(8.2), allocated: usd(64.1), reason: 'more to do', changedBy: 'user-2' },
    ])
    expect((await budgets.history('a', { limit: 2, after: nextCursor! })).data.map(({ version }) => version)).toEqual([
      1,
    ])
    const stale = await refusal(budgets.setAllocation('a', usd(9), ADMIN, { expectedVersion: 2 }))
    expect([stale.code, stale.details]).toEqual(['CONFLICT', { allocation_version: 3, allocated_usd: 8.2 }])
  })

  test('a charge may overdraw, a credit not; both are told and audited (MON-31)', async () => {
    await using world = await openWorld({ dialect })
    const { budgets } = world
    await budgets.create('a', usd(10))
    const charged = await budgets.adjust('a', 'charge', usd(12), 'late invoice', ADMIN)
    expect(charged).toMatchObject({
      entry: { type: 'overrun', leaseId: null, reason: 'late invoice' },
      budget: { overdrawn: usd(2) },
    })
    const refused = await refusal(budgets.adjust('a', 'credit', usd(13), 'refund', ADMIN))
    expect([refused.code, refused.details]).toEqual(['ADJUSTMENT_TOO_LARGE', { spent_usd: 12 }])
    await budgets.adjust('a', 'credit', usd(12), 'refund', ADMIN)
    const told = (await eventsOf(world, 'a')).map(({ type, data }) => data.threshold ?? data.adjustment_usd ?? type)
    expect(told).toEqual([12, 50, 80, 90, 100, 'budget.exhausted', -12])
    const again = await budgets.adjust('a', 'charge', usd(10), 'again', ADMIN)
    expect(again.budget.status).toBe('exhausted')
    expect((await eventsOf(world, 'a')).slice(7).map(({ type }) => type)).toEqual(['budget.changed'])
  })

  test('what is booked in the name of somebody stands so in the ledger and in the audit log', async () => {
    await using world = await openWorld({ dialect })
    const { budgets, leases, test: db } = world
    await budgets.create('a', usd(10), { actor: ADMIN })
    const actor = { type: 'user', id: 'session-1', userId: 'user-ann', requestId: 'http-1' } as const
    const { lease } = await leases.open('a', usd(1))
    await leases.report(lease.id, call('r1', 2), { actor })
    await leases.reportBatch([{ leaseId: lease.id, report: call('r2', 1) }], { actor })
    await leases.returnLease(lease.id, { spent: usd(4), actor })
    const booked = 'SELECT type, actor_id FROM ledger_entries ORDER BY seq'
    expect(await db.rows(booked)).toEqual([
      { type: 'allocate', actor_id: ADMIN },
      { type: 'grant', actor_id: null },
      { type: 'spend', actor_id: 'user-ann' },
      { type: 'overrun', actor_id: 'user-ann' },
      { type: 'overrun', actor_id: 'user-ann' },
      { type: 'overrun', actor_id: 'user-ann' },
    ])
    const told = "SELECT operation, actor_user_id FROM audit_log WHERE http_request_id = 'http-1' ORDER BY seq"
    expect(await db.rows(told)).toEqual(
      ['USAGE_OVERRUN', 'USAGE_OVERRUN', 'LEASE_RETURNED', 'USAGE_OVERRUN'].map((operation) => ({
        operation,
        actor_user_id: 'user-ann',
      })),
    )
    expect(await world.ledger.verify()).toEqual([])
  })

  test('MON-02 any amount of six decimals comes back unchanged', async () => {
    await using world = await openWorld({ dialect })
    for (const [index, amount] of [8.2, 64.1, 105.5, 0.000001, 999_999_999.999999].entries()) {
      await world.budgets.create(`agent-${index}`, usd(amount))
      expect((await world.budgets.get(`agent-${index}`))!.allocated / 1_000_000).toBe(amount)
    }
  })
})

describe('bad input (MON-04, MON-05)', () => {
  const amounts = [NaN, Infinity, -Infinity, 1e308, -0, -1, 0.5, '5', null, 10 ** 15 + 1]
  const refusedFields = async (promise: Promise<unknown>) => {
    const refused = await refusal(promise)
    expect(refused.code).toBe('VALIDATION_ERROR')
    return Object.keys(refused.details.fields as object).sort()
  }

  test.each(amounts)('%p is refused as an amount everywhere, before anything happens', async (value) => {
    await using world = await openWorld()
    const amount = value as Microdollars
    await world.budgets.create('a', usd(10))
    const { lease } = await world.leases.open('a', usd(1))
    const before = await moneyState(world)
    expect(await refusedFields(world.budgets.create('b', amount))).toEqual(['allocated'])
    expect(await refusedFields(world.budgets.setAllocation('a', amount, ADMIN))).toEqual(['allocated'])
    expect(await refusedFields(world.budgets.adjust('a', 'credit', amount, 'x', ADMIN))).toEqual(['amount'])
    expect(await refusedFields(world.leases.open('a', amount))).toEqual(['requested'])
    expect(await refusedFields(world.leases.refresh(lease.id, amount))).toEqual(['requested'])
    expect(await refusedFields(world.leases.returnLease(lease.id, { spent: amount }))).toEqual(['spent'])
    expect(await refusedFields(world.leases.report(lease.id, { requestId: 'r', model: 'm', cost: amount }))).toEqual([
      'cost',
    ])
    expect(await moneyState(world)).toEqual(before)
  })

  test('every fault is named at once', async () => {
    await using world = await openWorld()
    const actor = { type: 'user', id: '' } as const
    expect(
      await refusedFields(
        world.budgets.setAllocation('', -1 as Microdollars, actor, { reason: '', expectedVersion: 0.5 }),
      ),
    ).toEqual(['actor.id', 'agentId', 'allocated', 'expectedVersion', 'reason'])
    expect(await refusedFields(world.budgets.create('', -1 as Microdollars, { ownerId: '', actor }))).toEqual([
      'actor.id',
      'agentId',
      'allocated',
      'ownerId',
    ])
    const nobody = { type: 'agent', id: 'a', userId: '' } as const
    expect(await refusedFields(world.budgets.create('a', usd(1), { actor: nobody }))).toEqual(['actor.userId'])
    const { budgets, leases } = world
    await world.test.db.write(async (tx) => {
      expect(await refusedFields(budgets.setOwner('', '', { tx }))).toEqual(['agentId', 'ownerId'])
      expect(await refusedFields(budgets.reassignAll('', '', { tx }))).toEqual(['newOwnerId', 'ownerId'])
      expect(await refusedFields(budgets.archive('', { tx }))).toEqual(['agentId'])
    })
    const bad = {
      requestId: 'with space',
      model: '',
      provider: '',
      usage: { input: -1, output: 0.5 },
      outcome: 'lost' as never,
      errorCode: '\0',
      errorMessage: 'x'.repeat(1_001),
      latencyMs: -1,
      traceId: '',
      at: NaN,
    }
    expect(await refusedFields(world.leases.report('', bad))).toEqual(
      [
        'at',
        'errorCode',
        'errorMessage',
        'latencyMs',
        'leaseId',
        'model',
        'outcome',
        'provider',
        'requestId',
        'traceId',
        'usage.input',
        'usage.output',
      ].sort(),
    )
    expect(await refusedFields(world.leases.report('l', { requestId: 'r', model: 'm' }))).toEqual(['cost'])
    expect(await refusedFields(world.leases.report('l', { requestId: 'r', model: 'm', usage: {} }))).toEqual(['cost'])
    const foreign = { ...call('r', 1), usage: { words: 5 } as never }
    expect(await refusedFields(world.leases.report('l', foreign))).toEqual(['usage.words'])
    expect(await refusedFields(leases.report('l', { ...call('r', 1), usage: null as never }))).toEqual(['usage'])
    expect(await refusedFields(world.leases.report('l', null as never))).toEqual(['report'])
    const room = { left: 0.5 as Microdollars, blocked: false, exceeded: null }
    expect(
      await refusedFields(
        world.leases.open('a', usd(1_001), { idempotencyKey: 'ü', runtimeId: '', providerId: '', leaseId: '', room }),
      ),
    ).toEqual(['idempotencyKey', 'leaseId', 'providerId', 'requested', 'room.left', 'runtimeId'].sort())
    expect(await refusedFields(leases.open('a', usd(1), { actor: '' }))).toEqual(['actor'])
    expect(await refusedFields(leases.report('l', call('r', 1), { actor: '' }))).toEqual(['actor'])
    expect(await refusedFields(leases.reportBatch([], { actor: '' }))).toEqual(['actor', 'items'])
    expect(await refusedFields(leases.returnLease('', { actor }))).toEqual(['actor.id', 'leaseId'])
    expect(() => leases.checkRequested(usd(1_001))).toThrow('the input is not valid')
    expect(() => {
      leases.checkRequested(usd(1_000))
    }).not.toThrow()
    expect(await refusedFields(leases.refresh('', usd(1), { leaseId: '', actor }))).toEqual([
      'actor.id',
      'leaseId',
      'options.leaseId',
    ])
    expect(await refusedFields(world.leases.revokeAll('', '', { cause: 'boredom' as never }))).toEqual([
      'actor',
      'agentId',
      'cause',
    ])
    expect(await refusedFields(world.leases.revoke('', '', { reason: 'x'.repeat(501) }))).toEqual([
      'actor',
      'id',
      'reason',
    ])
    expect(await refusedFields(world.leases.sweep({ limit: 0 }))).toEqual(['limit'])
    expect(await refusedFields(world.leases.list({ agentId: '', status: 'gone' as never }))).toEqual([
      'agentId',
      'status',
    ])
    expect(
      await refusedFields(
        world.budgets.list({ ownerId: '', status: 'x' as never, riskLevel: 'x' as never, threshold: 101 }),
      ),
    ).toEqual(['ownerId', 'riskLevel', 'status', 'threshold'])
    expect(await refusedFields(world.budgets.adjust('', 'give' as never, 0 as Microdollars, '', ADMIN))).toEqual([
      'agentId',
      'amount',
      'direction',
      'reason',
    ])
    expect(await refusedFields(world.ledger.rebuild('', ''))).toEqual(['actor', 'agentId'])
  })

  test('texts may have lines, an error may say nothing, and what starts at 0 may be 0', async () => {
    await using world = await openWorld()
    const { budgets, leases } = world
    const reason = 'one line\nand another'
    await budgets.create('a', ZERO)
    await budgets.setAllocation('a', usd(10), ADMIN, { reason, expectedVersion: 0 })
    expect((await budgets.adjust('a', 'charge', 1 as Microdollars, reason, ADMIN)).entry).toMatchObject({ reason })
    expect((await budgets.history('a')).data[0]).toMatchObject({ reason })
    const { lease } = await leases.open('a', usd(1))
    const failed = { ...call('r1', 0), outcome: 'failed', errorMessage: '', latencyMs: 0 } as const
    expect((await leases.report(lease.id, failed)).cost).toBe(0)
    expect(await leases.revoke(lease.id, ADMIN, { reason })).toMatchObject({ status: 'revoked' })
  })

  test('options out of range are refused by the constructor', () => {
    const bad = {
      ttlMs: 1,
      graceMs: -1,
      maxOpenPerAgent: 0,
      maxGrant: 5 as Microdollars,
      defaultGrant: 6 as Microdollars,
    }
    const refused = (() => {
      try {
        return new LeaseManager(':memory:', bad)
      } catch (error) {
        return error as LeaseError
      }
    })()
    expect(refused).toBeInstanceOf(LeaseError)
    const { fields } = (refused as LeaseError).details
    expect(Object.keys(fields as object).sort()).toEqual(['defaultGrant', 'graceMs', 'maxOpenPerAgent', 'ttlMs'])
  })
})
