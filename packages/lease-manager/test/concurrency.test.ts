import { describe, expect, test } from '@jest/globals'
import { sum, usd } from '@iron/cost-calculator'
import { openDatabase } from '@iron/database'
import { enginesForTests } from '@iron/database/testing'
import { AgentBudgetManager, LeaseError, LeaseManager, type ReportResult } from '../src/index.ts'
import { ADMIN, call, eventsOf, HOUR, MINUTE, openWorld, usdOf, type World } from './world.ts'

const AGENT = 'agent-1'

type Storage = 'memory' | 'file' | undefined
const engines = (await enginesForTests()).flatMap(
  (dialect): { dialect: 'sqlite' | 'postgres'; storage: Storage; name: string }[] =>
    dialect === 'sqlite'
      ? [
          { dialect, storage: 'memory', name: 'sqlite in memory' },
          { dialect, storage: 'file', name: 'a sqlite file' },
        ]
      : [{ dialect, storage: undefined, name: 'postgres' }],
)

function times<T>(count: number, run: (index: number) => Promise<T>): Promise<PromiseSettledResult<T>[]> {
  return Promise.allSettled(Array.from({ length: count }, (_, index) => run(index)))
}

function values<T>(results: readonly PromiseSettledResult<T>[]): T[] {
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason
    return result.value
  })
}

async function sound({ ledger, budgets }: World, balances: number[]): Promise<void> {
  expect(await ledger.verify()).toEqual([])
  const budget = await budgets.get(AGENT)
  expect(usdOf(budget!)).toEqual(balances)
}

describe.each(engines)('at the same time on $name', ({ dialect, storage }) => {
  test('CON-01 CON-07: a batch that is sent again and again, beside its own reports, charges once', async () => {
    await using world = await openWorld({ dialect, storage })
    await world.budgets.create(AGENT, usd(100), { ownerId: 'owner-1' })
    const ids = [(await world.leases.open(AGENT, usd(20))).lease.id, (await world.leases.open(AGENT, usd(5))).lease.id]
    const items = Array.from({ length: 40 }, (_, index) => ({
      leaseId: ids[index % 2]!,
      report: call(`r${index}`, 0.5),
    }))
    const batches = times(6, () => world.leases.reportBatch(items, { agentId: AGENT }))
    const singles = times(40, (index) => world.leases.report(ids[0]!, call(`r${index}`, 0.5), { agentId: AGENT }))
    const told = [
      ...values(await batches).flatMap((batch) => batch.map((item) => (item.ok ? item.result : undefined))),
      ...values(await singles),
    ]
    expect(told.every((result) => result !== undefined)).toBe(true)
    expect(told.filter((result) => result?.duplicate === false)).toHaveLength(40)
    expect((await world.budgets.get(AGENT))?.spent).toBe(usd(20))
    expect(await world.ledger.verify()).toEqual([])
    expect((await eventsOf(world, AGENT)).filter(({ type }) => type === 'request.completed')).toHaveLength(40)
  })

  test('messages of agents whose owner is known are locked together, under the owner of now', async () => {
    await using world = await openWorld({ dialect, storage })
    const agents = ['agent-1', 'agent-2', 'agent-3']
    for (const agent of agents) await world.budgets.create(agent, usd(1), { ownerId: 'owner-1' })
    await world.test.db.write((tx) =>
      tx.sql.updateTable('agent_budgets').set({ owner_id: 'owner-2' }).where('agent_id', '=', 'agent-2').execute(),
    )
    const lockedKnowing = (owners: readonly string[]): Promise<unknown[]> =>
      Promise.all(
        agents.map((agent, index) =>
          world.test.db.write(
            async (tx) => {
              const isLocked = world.leases.isLocked(agent, { tx })
              const { ownerId } = await world.leases.lockAgent(agent, { tx })
              return { isLocked, ownerId, isOwnerLocked: tx.holds(`owner:${String(ownerId)}`, { shared: true }) }
            },
            { group: world.leases.groupOf(agent, { ownerId: owners[index] }) },
          ),
        ),
      )
    const owners = ['owner-1', 'owner-2', 'owner-1']
    const isPostgres = dialect === 'postgres'
    const told = (isLocked: boolean): unknown[] =>
      owners.map((ownerId) => ({ isLocked, ownerId, isOwnerLocked: isPostgres }))
    expect(await lockedKnowing(owners)).toEqual(told(isPostgres))
    // What was known is not so any more: each takes its own locks.
    expect(await lockedKnowing(['owner-1', 'owner-1', 'owner-1'])).toEqual(told(false))
  })

  test('MON-21: of agents that report together, one whose last booking is ahead of the clock is decided on at that time', async () => {
    await using world = await openWorld({ dialect, storage, leases: { ttlMs: HOUR, graceMs: MINUTE } })
    const { leases, clock, test: db } = world
    const agents = ['agent-1', 'agent-2']
    const old: string[] = []
    for (const agent of agents) {
      await world.budgets.create(agent, usd(10), { ownerId: 'owner-1' })
      old.push((await leases.open(agent, usd(1))).lease.id)
    }
    clock.advance(HOUR)
    const fresh = await Promise.all(agents.map(async (agent) => (await leases.open(agent, usd(1))).lease.id))
    const ahead = clock.now() + 2 * MINUTE
    await db.db.write((tx) =>
      tx.sql.updateTable('agent_budgets').set({ updated_at: ahead }).where('agent_id', '=', 'agent-1').execute(),
    )
    const held = await Promise.all(
      agents.map((agent, index) =>
        db.db.write(
          async (tx) => {
            await leases.report(fresh[index] ?? '', call('r', 0.1), { agentId: agent, tx })
            return leases.isLocked(agent, { tx })
          },
          { group: leases.groupOf(agent, { ownerId: 'owner-1' }) },
        ),
      ),
    )
    expect(held).toEqual(agents.map(() => dialect === 'postgres'))
    const ended = await Promise.all(old.map(async (id) => (await leases.get(id))?.closeReason ?? null))
    expect(ended).toEqual(['lapsed', null])
    expect(await world.ledger.verify()).toEqual([])
  })

  test('CON-08 CON-20 MON-09 P5: 200 grants of 3 USD on 77 USD give 25 whole ones, one of 2 USD, and 174 refusals', async () => {
    await using world = await openWorld({ dialect, storage, leases: { maxOpenPerAgent: 1_000 } })
    const { budgets, leases } = world
    await budgets.create(AGENT, usd(77), { ownerId: 'owner-1' })
    const results = await times(200, () => leases.open(AGENT, usd(3)))
    const grants = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
    const refusals = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as LeaseError] : []))
    expect(grants.filter(({ partial }) => !partial)).toHaveLength(25)
    expect(grants.filter(({ partial }) => partial).map(({ lease }) => lease.granted)).toEqual([usd(2)])
    expect(refusals).toHaveLength(174)
    for (const refused of refusals) {
      expect(refused).toBeInstanceOf(LeaseError)
      expect([refused.code, refused.details]).toEqual([
        'BUDGET_EXCEEDED',
        { spent: 0, limit: 77, reserved: 77, requested: 3 },
      ])
    }
    await sound(world, [77, 77, 0, 0])
  })

  test('CON-20 the cap of open leases holds', async () => {
    await using world = await openWorld({ dialect, storage, leases: { maxOpenPerAgent: 5 } })
    await world.budgets.create(AGENT, usd(100))
    const results = await times(20, () => world.leases.open(AGENT, usd(1)))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(5)
    const codes = results.flatMap((result) =>
      result.status === 'rejected' ? [(result.reason as LeaseError).code] : [],
    )
    expect(new Set(codes)).toEqual(new Set(['LEASE_CAP_REACHED']))
    await sound(world, [100, 5, 0, 95])
  })

  test('CON-01 CON-04 I15: the same report sent 100 times charges once', async () => {
    await using world = await openWorld({ dialect, storage })
    await world.budgets.create(AGENT, usd(100))
    const { lease } = await world.leases.open(AGENT, usd(10))
    const results = values(await times(100, () => world.leases.report(lease.id, call('r1', 3))))
    expect(results.filter(({ duplicate }) => !duplicate)).toHaveLength(1)
    expect(sum(results.map(({ counted }) => counted.cost))).toBe(usd(3))
    await sound(world, [100, 7, 3, 90])
    expect((await eventsOf(world, AGENT)).filter(({ type }) => type === 'request.completed')).toHaveLength(1)
  })

  test('CON-09 EVT-08: 40 reports on one lease lose nothing and cross each threshold once', async () => {
    await using world = await openWorld({ dialect, storage })
    await world.budgets.create(AGENT, usd(40))
    const { lease } = await world.leases.open(AGENT, usd(30))
    const results: ReportResult[] = values(
      await times(40, (index) => world.leases.report(lease.id, call(`r${index}`, 1))),
    )
    expect(sum(results.map(({ overrun }) => overrun))).toBe(usd(10))
    await sound(world, [40, 0, 40, 0])
    const events = (await eventsOf(world, AGENT)).filter(({ type }) => type.startsWith('budget.'))
    expect(events.map(({ type, data }) => data.threshold ?? type)).toEqual([50, 80, 90, 100, 'budget.exhausted'])
  })

  test('MON-15 CON-10: refresh, return, revoke, sweep and allocation racing reports conserve money', async () => {
    await using world = await openWorld({ dialect, storage })
    const { budgets, leases, clock } = world
    await budgets.create(AGENT, usd(1_000), { ownerId: 'owner-1' })
    for (let round = 0; round < 6; round += 1) {
      const { lease } = await leases.open(AGENT, usd(20))
      clock.advance(round % 2 === 0 ? 0 : 2 * HOUR)
      const racers: (() => Promise<unknown>)[] = [
        () => leases.refresh(lease.id, usd(5)),
        () => leases.returnLease(lease.id, { spent: usd(4) }),
        () => leases.returnLease(lease.id),
        () => leases.revoke(lease.id, ADMIN),
        () => leases.sweep(),
        () => budgets.setAllocation(AGENT, usd(1_000 + round), ADMIN, { force: true }),
      ]
      const reports = Array.from(
        { length: 10 },
        (_, index) => () => leases.report(lease.id, call(`r${round}.${index}`, 1)),
      )
      const mixed = [...reports.slice(0, 5), ...racers.slice(round), ...reports.slice(5), ...racers.slice(0, round)]
      const results = await Promise.allSettled(mixed.map((run) => run()))
      for (const result of results) {
        if (result.status === 'rejected') expect((result.reason as LeaseError).code).toBe('LEASE_NOT_ACTIVE')
      }
      expect(await world.ledger.verify()).toEqual([])
      expect(await leases.get(lease.id)).toMatchObject({ remaining: 0 })
    }
    await leases.revokeAll(AGENT, ADMIN)
    await sound(world, [1_005, 0, 60, 945])
  })

  test('CON-17 MON-24: grants racing a lowered allocation never pass it', async () => {
    await using world = await openWorld({ dialect, storage })
    const { budgets, leases } = world
    await budgets.create(AGENT, usd(30))
    const grants = times(20, () => leases.open(AGENT, usd(2)))
    const lowered = times(3, (index) =>
      budgets.setAllocation(AGENT, usd(20 - index), ADMIN, { force: true, expectedVersion: 1 }),
    )
    const changes = await lowered
    const refused = (await grants).flatMap((result) =>
      result.status === 'rejected' ? [(result.reason as LeaseError).code] : [],
    )
    expect(new Set([...refused, 'BUDGET_EXCEEDED'])).toEqual(new Set(['BUDGET_EXCEEDED']))
    const losers = changes.flatMap((result) =>
      result.status === 'rejected' ? [(result.reason as LeaseError).code] : [],
    )
    expect(losers).toEqual(['CONFLICT', 'CONFLICT'])
    expect(await world.ledger.verify()).toEqual([])
    const budget = await budgets.get(AGENT)
    expect(budget?.available).toBeGreaterThanOrEqual(0)
  })

  test('CON-16 a refused one of a group undoes no other', async () => {
    await using world = await openWorld({ dialect, storage })
    await world.budgets.create(AGENT, usd(100))
    const { lease } = await world.leases.open(AGENT, usd(10))
    await world.leases.report(lease.id, call('r0', 0))
    const results = await Promise.allSettled([
      world.leases.report(lease.id, call('r1', 1)),
      world.leases.report('lease-unknown', call('r2', 1)),
      world.leases.report(lease.id, call('r0', 2)),
      world.leases.report(lease.id, call('r3', 1)),
    ])
    expect(
      results.map((result) => (result.status === 'fulfilled' ? 'ok' : (result.reason as LeaseError).code)),
    ).toEqual(['ok', 'LEASE_NOT_FOUND', 'IDEMPOTENCY_CONFLICT', 'ok'])
    await sound(world, [100, 8, 2, 90])
  })

  test('CON-12 grants racing changes of the owner are run again inside', async () => {
    await using world = await openWorld({ dialect, storage })
    const { budgets, leases, test: db } = world
    await budgets.create(AGENT, usd(100), { ownerId: 'owner-0' })
    const moves = times(6, (index) => db.db.write((tx) => budgets.setOwner(AGENT, `owner-${index % 2}`, { tx })))
    const grants = times(20, () => leases.open(AGENT, usd(1)))
    values(await moves)
    values(await grants)
    await sound(world, [100, 20, 0, 80])
  })

  test('CON-25 two sweepers do each piece of work once', async () => {
    await using world = await openWorld({ dialect, storage })
    for (let index = 0; index < 8; index += 1) {
      await world.budgets.create(`agent-${index}`, usd(10))
      await world.leases.open(`agent-${index}`, usd(1))
    }
    world.clock.advance(2 * HOUR)
    const other = new LeaseManager(world.test.db)
    const swept = await Promise.all([world.leases.sweep(), other.sweep(), world.leases.sweep()])
    expect(swept.reduce((total, count) => total + count, 0)).toBe(8)
    expect(await world.test.scalar("SELECT COUNT(*) FROM audit_log WHERE operation = 'LEASE_EXPIRED'")).toBe(8)
  })
})

const withPostgres = (await enginesForTests()).includes('postgres') ? describe : describe.skip
withPostgres('several handles on one postgres, as several processes have', () => {
  const dialect = 'postgres'
  test('CON-01 CON-11 CON-13: they share one budget exactly', async () => {
    await using world = await openWorld({ dialect })
    await world.budgets.create(AGENT, usd(50), { ownerId: 'owner-1' })
    const [url] = await world.test.rows<{ name: string }>('SELECT current_database() AS name')
    const place = new URL(world.test.db.url)
    place.pathname = `/${url!.name}`
    const handles = await Promise.all([1, 2, 3].map(() => openDatabase(place.href, { clock: world.clock })))
    try {
      const managers = handles.map((db) => new LeaseManager(db))
      const results = await times(60, (index) => managers[index % managers.length]!.open(AGENT, usd(4)))
      const granted = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value.lease.granted] : []))
      expect(sum(granted)).toBe(usd(50))
      const first = results.find((result) => result.status === 'fulfilled')!
      const { lease } = (first as PromiseFulfilledResult<{ lease: { id: string } }>).value
      const reports = values(
        await times(60, (index) => managers[index % managers.length]!.report(lease.id, call(`r${index % 20}`, 0.1))),
      )
      expect(reports.filter(({ duplicate }) => !duplicate)).toHaveLength(20)
      const budgets = new AgentBudgetManager(handles[0]!)
      expect(await budgets.get(AGENT)).toMatchObject({ spent: usd(2), reserved: usd(48) })
      expect(await world.ledger.verify()).toEqual([])
    } finally {
      await Promise.all(handles.map((db) => db.close()))
    }
  })
})
