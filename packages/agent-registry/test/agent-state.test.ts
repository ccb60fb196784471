import { describe, expect, test } from '@jest/globals'
import { usd, ZERO } from '@iron/cost-calculator'
import { enginesForTests } from '@iron/database/testing'
import { type AgentError, AgentRegistry, type Standing } from '../src/index.ts'
import { auditedSince, auditHead, createWorld, eventsOf, grant, outcomeOf, servicesOn } from './world.ts'

const HOUR = 3_600_000

describe.each(await enginesForTests())('the state of an agent on %s', (dialect) => {
  test('a stop revokes all leases in one commit and tells in order; a repeat does nothing', async () => {
    await using world = await createWorld(dialect)
    const { registry, owner, leases, ledger } = world
    const { agent } = await world.agent()
    await registry.reportState(agent.id, 'running')
    const [a, b] = [await leases.open(agent.id, usd(20)), await leases.open(agent.id, usd(5))]
    await leases.report(a.lease.id, { requestId: 'r1', model: 'gpt-4o', cost: usd(4.5) })
    const seq = await auditHead(world)
    const before = (await eventsOf(world, agent.id)).length
    const stopped = await registry.stop(agent.id, owner.id, { reason: 'maintenance' })
    expect(stopped).toMatchObject({
      changed: true,
      leasesRevoked: [a.lease.id, b.lease.id],
      released: usd(20.5),
      agent: { state: 'stopped', desiredState: 'stopped', stateReason: 'maintenance', budget: { reserved: ZERO } },
    })
    const told = (await eventsOf(world, agent.id)).slice(before)
    expect(told.map(({ type }) => type)).toEqual([
      'agent.stop_requested',
      'lease.closed',
      'lease.closed',
      'agent.stopped',
    ])
    expect(told[0]?.data).toEqual({
      reason: 'maintenance',
      requested_by: owner.id,
      leases_revoked: 2,
      released_usd: 20.5,
    })
    expect(told[1]?.data).toMatchObject({ lease_id: a.lease.id, cause: 'agent_stopped', returned_usd: 15.5 })
    expect(told[3]?.data).toEqual({
      previous_state: 'running',
      reason: 'stop_requested',
      message: 'maintenance',
      by: owner.id,
    })
    const audited = await auditedSince(world, seq)
    expect(audited.map(({ operation }) => operation)).toEqual(['LEASE_REVOKED', 'LEASE_REVOKED', 'AGENT_STOPPED'])
    expect(audited.at(-1)).toMatchObject({
      reason: 'maintenance',
      changes: {
        before: { state: 'running', desired_state: 'running' },
        after: { state: 'stopped', desired_state: 'stopped' },
      },
      metadata: { leases_revoked: [a.lease.id, b.lease.id], released_usd: 20.5 },
    })
    expect(await grant(world, agent.id)).toBe('AGENT_STOPPED')

    const events = (await eventsOf(world, agent.id)).length
    expect(await registry.stop(agent.id, owner.id, { reason: 'again' })).toMatchObject({
      changed: false,
      leasesRevoked: [],
      released: ZERO,
      agent: { stateReason: 'maintenance' },
    })
    expect(await auditedSince(world, seq)).toHaveLength(3)
    expect(await eventsOf(world, agent.id)).toHaveLength(events)
    expect(await ledger.verify()).toEqual([])
  })

  test('the order to an agent that stands already is told without a second agent.stopped', async () => {
    await using world = await createWorld(dialect)
    const { registry, owner } = world
    const { agent } = await world.agent()
    await registry.reportState(agent.id, 'stopped', { reason: 'done' })
    expect(await registry.stop(agent.id, owner.id)).toMatchObject({ changed: true })
    expect(await eventsOf(world, agent.id)).toEqual([
      { type: 'agent.stopped', data: { previous_state: 'idle', reason: 'runtime', message: 'done', by: null } },
      {
        type: 'agent.stop_requested',
        data: { reason: null, requested_by: owner.id, leases_revoked: 0, released_usd: 0 },
      },
    ])
  })

  test('leases that are overdue when the order comes lapse; only the rest is revoked', async () => {
    await using world = await createWorld(dialect)
    const { registry, owner, leases, clock } = world
    const { agent } = await world.agent()
    await leases.open(agent.id, usd(7))
    clock.advance(2 * HOUR)
    const { lease } = await leases.open(agent.id, usd(3))
    const stopped = await registry.stop(agent.id, owner.id)
    expect(stopped).toMatchObject({
      leasesRevoked: [lease.id],
      released: usd(3),
      agent: { budget: { reserved: ZERO } },
    })
    clock.advance(2 * HOUR)
    await registry.resume(agent.id, owner.id)
    await leases.open(agent.id, usd(2))
    clock.advance(2 * HOUR)
    const before = (await eventsOf(world, agent.id)).length
    expect(await registry.stop(agent.id, owner.id)).toMatchObject({ leasesRevoked: [], released: ZERO })
    expect((await eventsOf(world, agent.id)).slice(before)).toMatchObject([
      { type: 'lease.closed', data: { close_reason: 'lapsed' } },
      { type: 'agent.stop_requested', data: { leases_revoked: 0, released_usd: 0 } },
      { type: 'agent.stopped' },
    ])
  })

  test('a resumed agent is idle, may be lent money again, and tells no event', async () => {
    await using world = await createWorld(dialect)
    const { registry, owner } = world
    const { agent } = await world.agent()
    await registry.stop(agent.id, owner.id, { reason: 'maintenance' })
    expect(await outcomeOf(registry.reportState(agent.id, 'running'))).toBe('AGENT_STOPPED')
    const seq = await auditHead(world)
    const events = (await eventsOf(world, agent.id)).length
    expect(await registry.resume(agent.id, owner.id)).toMatchObject({
      changed: true,
      agent: { state: 'idle', desiredState: 'running', stateReason: null },
    })
    expect(await grant(world, agent.id)).toMatch(/^lease_/)
    expect((await eventsOf(world, agent.id)).slice(events).map(({ type }) => type)).toEqual(['lease.granted'])
    await registry.reportState(agent.id, 'running')
    expect(await registry.resume(agent.id, owner.id)).toMatchObject({ changed: false, agent: { state: 'running' } })
    const resumed = (await auditedSince(world, seq)).filter(({ operation }) => operation === 'AGENT_RESUMED')
    expect(resumed).toMatchObject([{ changes: { before: { state: 'stopped' }, after: { state: 'idle' } } }])
  })

  test('a runtime tells its state: one event for each it enters, none for idle or a repeat', async () => {
    await using world = await createWorld(dialect)
    const { registry, owner, clock } = world
    const { agent } = await world.agent()
    const seq = await auditHead(world)
    const at = clock.now()
    const say = (...said: Parameters<typeof registry.reportState>) => registry.reportState(...said)
    expect(await say(agent.id, 'running', { reason: 'boot' })).toMatchObject({
      changed: true,
      agent: { state: 'running', stateReason: 'boot', lastSeenAt: at },
    })
    clock.advance(1_000)
    expect(await say(agent.id, 'running', { reason: 'again' })).toMatchObject({
      changed: false,
      agent: { stateReason: 'boot', lastSeenAt: at + 1_000 },
    })
    expect(await say(agent.id, 'idle', { reason: '' })).toMatchObject({ changed: true, agent: { stateReason: null } })
    expect(await say(agent.id, 'failed', { reason: 'out of memory' })).toMatchObject({ changed: true })
    expect(await say(agent.id, 'stopped')).toMatchObject({ changed: true })
    expect(await eventsOf(world, agent.id)).toEqual([
      { type: 'agent.started', data: { previous_state: 'idle', reason: 'boot' } },
      {
        type: 'agent.failed',
        data: {
          previous_state: 'idle',
          reason: 'runtime',
          message: 'out of memory',
          last_seen_at: new Date(at + 1_000).toISOString(),
        },
      },
      { type: 'agent.stopped', data: { previous_state: 'failed', reason: 'runtime', message: null, by: null } },
    ])
    const audited = await auditedSince(world, seq)
    expect(audited.map(({ operation, actorId, changes }) => [operation, actorId, changes?.after])).toEqual(
      ['running', 'idle', 'failed', 'stopped'].map((state) => ['AGENT_STATE_CHANGED', agent.id, { state }]),
    )

    await registry.stop(agent.id, owner.id, { reason: 'enough' })
    for (const state of ['running', 'idle'] as const) {
      await expect(say(agent.id, state)).rejects.toMatchObject({
        code: 'AGENT_STOPPED',
        details: { reason: 'enough' },
      })
    }
    expect(await say(agent.id, 'stopped')).toMatchObject({ changed: false })
    const told = (): Promise<Standing> => world.db.read((tx) => registry.standing(agent.id, { tx }))
    expect((await told()).stateReason).toBe('enough')
    expect(await say(agent.id, 'failed', { reason: 'out of memory' })).toMatchObject({
      changed: true,
      agent: { desiredState: 'stopped', stateReason: 'out of memory' },
    })
    // What the runtime says of its failure is not why it was told to stop.
    const refusal = (await say(agent.id, 'running').catch((error: unknown) => error)) as AgentError
    expect([refusal.code, refusal.details]).toEqual(['AGENT_STOPPED', {}])
    expect((await told()).stateReason).toBeNull()
    await expect(say(agent.id, 'asleep' as never, { reason: 'x'.repeat(501) })).rejects.toMatchObject({
      details: { fields: { state: expect.any(String), reason: expect.any(String) } },
    })
    expect(await outcomeOf(say('agent_none', 'idle'))).toBe('AGENT_NOT_FOUND')
    expect(await outcomeOf(registry.stop(agent.id, owner.id, { reason: '' }))).toBe('VALIDATION_ERROR')
  })

  test('CON-10 grants racing a stop leave no lease open, and conserve money', async () => {
    await using world = await createWorld(dialect)
    const { registry, owner, leases, ledger } = world
    const { agent } = await world.agent()
    for (let round = 0; round < 3; round += 1) {
      const grants = Array.from({ length: 10 }, () => grant(world, agent.id))
      const stops = [registry.stop(agent.id, owner.id), registry.stop(agent.id, owner.id)]
      await Promise.all([...grants.slice(0, 5), ...stops, ...grants.slice(5)])
      expect((await Promise.all(stops)).filter(({ changed }) => changed)).toHaveLength(1)
      expect((await leases.list({ agentId: agent.id, status: 'active' })).data).toEqual([])
      expect((await registry.get(agent.id))?.budget).toMatchObject({ reserved: ZERO, openLeases: 0 })
      await registry.resume(agent.id, owner.id)
    }
    expect(await ledger.verify()).toEqual([])
  })
})

describe.each(await enginesForTests())('signs of life on %s', (dialect) => {
  test('EVT-19 a running agent that is silent for 90 s fails exactly once, and returns only by saying that it runs', async () => {
    await using world = await createWorld(dialect)
    const { registry, clock, test: db } = world
    const { agent, icToken } = await world.agent()
    await registry.reportState(agent.id, 'running')
    const seenAt = clock.now()
    clock.advance(89_999)
    expect(await registry.failSilent()).toEqual([])
    clock.advance(1)
    const seq = await auditHead(world)
    const other = servicesOn(db.db).registry
    const noticed = await Promise.all([registry.failSilent(), other.failSilent(), registry.failSilent()])
    expect(noticed.flat()).toEqual([agent.id])
    expect((await eventsOf(world, agent.id)).at(-1)).toEqual({
      type: 'agent.failed',
      data: {
        previous_state: 'running',
        reason: 'heartbeat_missed',
        message: null,
        last_seen_at: new Date(seenAt).toISOString(),
      },
    })
    expect(await auditedSince(world, seq)).toMatchObject([
      { operation: 'AGENT_STATE_CHANGED', actorId: 'system:silence', changes: { after: { state: 'failed' } } },
    ])
    expect(await registry.get(agent.id)).toMatchObject({ state: 'failed', stateReason: 'heartbeat_missed' })

    await registry.authenticate(icToken.token)
    await registry.heartbeat(agent.id)
    expect(await registry.get(agent.id)).toMatchObject({ state: 'failed' })
    expect(await registry.failSilent()).toEqual([])
    await registry.reportState(agent.id, 'running')
    expect((await eventsOf(world, agent.id)).at(-1)).toEqual({
      type: 'agent.started',
      data: { previous_state: 'failed', reason: null },
    })
  })

  test('every heartbeat counts; other calls count although they are written down only every 15 s', async () => {
    await using world = await createWorld(dialect)
    const { registry, clock, test: db } = world
    const { agent, icToken } = await world.agent()
    await registry.reportState(agent.id, 'running')
    clock.advance(80_000)
    expect(await registry.heartbeat(agent.id)).toMatchObject({ lastSeenAt: clock.now(), state: 'running' })
    clock.advance(10_000)
    await registry.authenticate(icToken.token)
    await db.db.ping()
    const called = clock.now()
    expect(await db.scalar('SELECT last_seen_at FROM agents')).toBe(called - 10_000)
    clock.advance(80_000)
    expect(await registry.failSilent()).toEqual([])
    expect(await db.scalar('SELECT last_seen_at FROM agents')).toBe(called)
    clock.advance(10_000)
    expect(await registry.authenticate(icToken.token, { isSignOfLife: false })).toMatchObject({ outcome: 'ok' })
    expect(await registry.failSilent()).toEqual([agent.id])
    expect(await outcomeOf(registry.heartbeat('agent_none'))).toBe('AGENT_NOT_FOUND')
    expect(await outcomeOf(registry.heartbeat(''))).toBe('VALIDATION_ERROR')
  })

  test('a clock that stood ahead keeps no agent running: its silence is counted from when the clock is right', async () => {
    await using world = await createWorld(dialect)
    const { registry, clock, db } = world
    const [silent, calling] = [await world.agent(), await world.agent()]
    const start = clock.now()
    clock.advance(24 * HOUR)
    for (const { agent } of [silent, calling]) await registry.reportState(agent.id, 'running')
    for (const { icToken } of [silent, calling]) await registry.authenticate(icToken.token)
    await db.ping()
    clock.set(start)
    await registry.authenticate(calling.icToken.token)
    expect(await registry.failSilent()).toEqual([])
    expect(await registry.get(silent.agent.id)).toMatchObject({ state: 'running', lastSeenAt: start })
    clock.advance(75_000)
    await registry.authenticate(calling.icToken.token)
    clock.advance(15_000)
    expect(await registry.failSilent()).toEqual([silent.agent.id])
  })

  test('OPS-09 a pass looks at so many agents, the longest silent first, and at no idle, stopped or archived one', async () => {
    await using world = await createWorld(dialect)
    const { registry, owner, clock } = world
    const running: string[] = []
    for (let index = 0; index < 4; index += 1) {
      const { agent } = await world.agent()
      await registry.reportState(agent.id, 'running')
      running.push(agent.id)
      clock.advance(10)
    }
    const [idle, stopped, archived] = [await world.agent(), await world.agent(), await world.agent()]
    for (const { agent } of [idle, stopped, archived]) await registry.reportState(agent.id, 'running')
    await registry.reportState(idle.agent.id, 'idle')
    await registry.stop(stopped.agent.id, owner.id)
    await registry.archive(archived.agent.id, owner.id)
    clock.advance(90_000)
    expect(await registry.failSilent({ limit: 3 })).toEqual(running.slice(0, 3))
    expect(await registry.failSilent({ limit: 3 })).toEqual(running.slice(3))
    expect(await outcomeOf(registry.failSilent({ limit: 0 }))).toBe('VALIDATION_ERROR')
  })

  test('the timeout is an option within bounds', async () => {
    await using world = await createWorld(dialect)
    const { icTokens, clock, db } = world
    const quick = new AgentRegistry(db, { icTokens, heartbeatTimeoutMs: 5_000 })
    const { agent } = await world.agent()
    await quick.reportState(agent.id, 'running')
    clock.advance(5_000)
    expect(await quick.failSilent()).toEqual([agent.id])
    expect(() => new AgentRegistry(db, { icTokens, heartbeatTimeoutMs: 999 })).toThrow('not valid')
  })
})

describe.each(await enginesForTests())('an agent at a glance on %s', (dialect) => {
  test('status tells budget, calls of this day and when the last one was', async () => {
    await using world = await createWorld(dialect)
    const { registry, leases, clock } = world
    const { agent } = await world.agent()
    expect(await registry.status(agent.id)).toEqual({
      agent: await registry.get(agent.id).then((found) => {
        const { icToken: _, ...rest } = found!
        return rest
      }),
      requests: { total: 0, today: 0 },
      lastRequestAt: null,
      checkedAt: clock.now(),
    })
    for (const [requestId, wait] of [
      ['yesterday', 24 * HOUR],
      ['today', 1_000],
    ] as const) {
      const { lease } = await leases.open(agent.id, usd(5))
      await leases.report(lease.id, { requestId, model: 'gpt-4o', cost: usd(2) })
      await leases.returnLease(lease.id)
      clock.advance(wait)
    }
    await leases.open(agent.id, usd(1))
    expect(await registry.status(agent.id)).toMatchObject({
      agent: { budget: { spent: usd(4), reserved: usd(1), openLeases: 1 } },
      requests: { total: 2, today: 1 },
      lastRequestAt: clock.now() - 1_000,
    })
    expect(await registry.status('agent_none')).toBeUndefined()
  })

  test('overview counts agents by state and sums their budgets, of all or of one owner, without archived ones', async () => {
    await using world = await createWorld(dialect)
    const { registry, owner, leases } = world
    const empty = { total: 0, running: 0, idle: 0, stopped: 0, failed: 0 }
    expect(await registry.overview()).toMatchObject({ agents: empty, budget: { allocated: 0n, percentUsed: 0 } })
    const ann = await world.user('ann')
    const [a, b, c] = [await world.agent(), await world.agent(), await world.agent()]
    await world.agent({ ownerId: ann.id, allocated: usd(50) })
    await registry.reportState(a.agent.id, 'running')
    const { lease } = await leases.open(a.agent.id, usd(10))
    await leases.report(lease.id, { requestId: 'r', model: 'gpt-4o', cost: usd(5) })
    await registry.stop(b.agent.id, owner.id)
    await registry.archive(c.agent.id, owner.id)
    expect(await registry.overview()).toEqual({
      agents: { ...empty, total: 3, running: 1, idle: 1, stopped: 1 },
      budget: {
        allocated: BigInt(usd(250)),
        spent: BigInt(usd(5)),
        reserved: BigInt(usd(5)),
        available: BigInt(usd(240)),
        remaining: BigInt(usd(240)),
        overdrawn: 0n,
        percentUsed: 2,
      },
    })
    expect(await registry.overview({ ownerId: ann.id })).toMatchObject({
      agents: { ...empty, total: 1, idle: 1 },
      budget: { allocated: BigInt(usd(50)), spent: 0n },
    })
    expect(await registry.overview({ ownerId: 'nobody' })).toMatchObject({ agents: empty })
  })
})
