import { describe, expect, test } from '@jest/globals'
import { usd, ZERO } from '@iron/cost-calculator'
import { enginesForTests } from '@iron/database/testing'
import { openIpToken } from '@iron/ip-token-crypto'
import { API_KEY, createWorld } from './world.ts'

const report = (requestId: string, cost: string) => ({ requestId, model: 'gpt-4o', cost: usd(cost) })

describe.each(await enginesForTests())('messages on %s', (dialect) => {
  test('the worked session of http-api 6', async () => {
    await using world = await createWorld(dialect)
    const { protocol, principal, icToken, agent, openai } = world
    const first = await protocol.handshake(principal, { requested: usd(10), runtimeId: 'worker-1' })
    expect(first).toMatchObject({ partial: false, duplicate: false, ttlMs: 3_600_000, desiredState: 'running' })
    expect(first.provider).toEqual({
      id: openai.id,
      name: 'openai',
      kind: 'openai',
      baseUrl: 'https://api.openai.com/v1',
      models: ['gpt-4o'],
    })
    expect(first.budget).toMatchObject({ allocated: usd(100), reserved: usd(10), spent: ZERO, available: usd(90) })
    const binding = { icToken: icToken.token, agentId: agent.id, leaseId: first.lease.id, providerId: openai.id }
    expect(openIpToken(first.ipToken!, binding)).toBe(API_KEY)
    await protocol.report(principal, first.lease.id, report('call-1', '3'))
    const second = await protocol.report(principal, first.lease.id, report('call-2', '1.5'))
    expect(second).toMatchObject({
      cost: usd('1.5'),
      duplicate: false,
      late: false,
      overBudget: false,
      desiredState: 'running',
    })
    expect(second.budget).toMatchObject({ reserved: usd('5.5'), spent: usd('4.5'), available: usd(90) })
    expect(await protocol.report(principal, first.lease.id, report('call-2', '1.5'))).toMatchObject({ duplicate: true })
    const next = await protocol.refresh(principal, first.lease.id, { requested: usd(20) })
    expect(next.previous).toMatchObject({
      id: first.lease.id,
      status: 'superseded',
      spent: usd('4.5'),
      returned: usd('5.5'),
    })
    expect(next.budget).toMatchObject({ reserved: usd(20), spent: usd('4.5'), available: usd('75.5') })
    expect(openIpToken(next.ipToken!, { ...binding, leaseId: next.lease.id })).toBe(API_KEY)
    const last = await protocol.returnLease(principal, next.lease.id, { spent: ZERO })
    expect(last).toMatchObject({ status: 'closed', spent: ZERO, returned: usd(20), unreported: ZERO, duplicate: false })
    expect(last.budget).toMatchObject({ reserved: ZERO, spent: usd('4.5'), available: usd('95.5') })

    expect(await world.ledger.verify()).toEqual([])
    expect(await world.audit.verify()).toMatchObject({ ok: true })
    const rows = await world.test.rows<{ operation: string }>('SELECT operation FROM audit_log ORDER BY seq')
    const operations = rows.map(({ operation }) => operation)
    expect(operations.slice(operations.indexOf('IC_TOKEN_CREATED') + 1)).toEqual([
      'LEASE_GRANTED',
      'PROVIDER_KEY_DISCLOSED',
      'LEASE_REFRESHED',
      'PROVIDER_KEY_DISCLOSED',
      'LEASE_RETURNED',
    ])
    const { data } = await world.events.read({ agentIds: [agent.id] })
    expect(data.map(({ type }) => type)).toEqual([
      'lease.granted',
      'request.completed',
      'request.completed',
      'lease.closed',
      'lease.granted',
      'lease.closed',
    ])
  })

  test('reserve lends without provider and key', async () => {
    await using world = await createWorld(dialect)
    const grant = await world.protocol.reserve(world.principal, { requested: usd(5) })
    expect(grant).toMatchObject({ provider: null, ipToken: null })
    expect(grant.lease.providerId).toBeNull()
    const disclosed = "SELECT count(*) FROM audit_log WHERE operation = 'PROVIDER_KEY_DISCLOSED'"
    expect(await world.test.scalar(disclosed)).toBe(0)
  })

  test('the audit entry of every message names the request that brought it', async () => {
    await using world = await createWorld(dialect)
    const { protocol, principal, test } = world
    const from = (requestId: string): typeof principal => ({
      ...principal,
      actor: { ...principal.actor, requestId, ip: '192.0.2.1', userAgent: 'runtime/1' },
    })
    const { lease } = await protocol.handshake(from('http-1'), { requested: usd(1) })
    await protocol.report(from('http-2'), lease.id, report('call-1', '2'))
    await protocol.reportBatch(from('http-3'), [{ leaseId: lease.id, report: report('call-2', '1') }])
    const next = await protocol.refresh(from('http-4'), lease.id, { requested: usd(1) })
    await protocol.returnLease(from('http-5'), next.lease.id, { spent: usd(3) })
    const rows = await test.rows(
      'SELECT operation, http_request_id, ip, user_agent FROM audit_log WHERE http_request_id IS NOT NULL ORDER BY seq',
    )
    const entry = (operation: string, requestId: string) => ({
      ...{ operation, http_request_id: requestId },
      ...{ ip: '192.0.2.1', user_agent: 'runtime/1' },
    })
    expect(rows).toEqual([
      entry('LEASE_GRANTED', 'http-1'),
      entry('PROVIDER_KEY_DISCLOSED', 'http-1'),
      entry('USAGE_OVERRUN', 'http-2'),
      entry('USAGE_OVERRUN', 'http-3'),
      entry('LEASE_REFRESHED', 'http-4'),
      entry('PROVIDER_KEY_DISCLOSED', 'http-4'),
      entry('LEASE_RETURNED', 'http-5'),
      entry('USAGE_OVERRUN', 'http-5'),
    ])
    const actors = "SELECT count(*) FROM ledger_entries WHERE actor_id IS NOT NULL AND type <> 'allocate'"
    expect(await test.scalar(actors)).toBe(0)
  })

  test('an amount no grant may have is refused before anything is asked of agent, lease or provider', async () => {
    await using world = await createWorld(dialect)
    const { protocol, principal, agent, registry, owner } = world
    await registry.setProviders(agent.id, [], owner.id)
    await registry.stop(agent.id, owner.id)
    const requested = usd('1000.000001')
    const refusal = { code: 'VALIDATION_ERROR', details: { fields: { requested: expect.any(String) } } }
    await expect(protocol.handshake(principal, { requested })).rejects.toMatchObject(refusal)
    await expect(protocol.reserve(principal, { requested })).rejects.toMatchObject(refusal)
    await expect(protocol.refresh(principal, 'lease_unknown', { requested })).rejects.toMatchObject(refusal)
  })

  test('refusals come in the documented order, and each leaves the state as it was', async () => {
    await using world = await createWorld(dialect, { allocated: '10' })
    const { protocol, principal, users, owner, test, providers, openai, keys } = world
    const refused = (request = {}): Promise<{ code: string; details: unknown }> =>
      protocol.handshake(principal, { requested: usd(20), ...request }).then(
        () => ({ code: 'granted', details: {} }),
        (error: unknown) => error as { code: string; details: unknown },
      )
    const refusal = async (request = {}): Promise<string> => (await refused(request)).code
    await world.limits.create({ ownerId: owner.id, maxCostPerMonth: ZERO }, owner.id)
    await protocol.reserve(principal, {}).catch(() => undefined)
    const before = await test.rows('SELECT * FROM agent_budgets')
    expect(await refusal()).toBe('LIMIT_EXCEEDED')
    await world.budgets.setAllocation(world.agent.id, ZERO, owner.id, { force: true })
    expect(await refusal()).toBe('BUDGET_EXCEEDED')
    const key = (await keys.list({ providerId: openai.id })).data[0]!
    await keys.retire(key.id, owner.id)
    expect(await refusal()).toBe('NO_ACTIVE_KEY')
    await providers.update(openai.id, { status: 'disabled' }, owner.id)
    expect(await refused()).toMatchObject({ code: 'PROVIDER_DISABLED', details: { provider_id: openai.id } })
    const { code, details } = await refused({ provider: 'anthropic' })
    expect([code, details]).toEqual(['PROVIDER_NOT_ASSIGNED', {}])
    await test.rows(
      "UPDATE agents SET desired_state = 'stopped', state_reason = 'maintenance' WHERE id = ? RETURNING id",
      world.agent.id,
    )
    expect(await refused()).toMatchObject({ code: 'AGENT_STOPPED', details: { reason: 'maintenance' } })
    await test.rows('UPDATE agents SET state_reason = NULL WHERE id = ? RETURNING id', world.agent.id)
    expect((await refused()).details).toEqual({})
    await test.rows('UPDATE users SET suspended_at = 1 WHERE id = ? RETURNING id', owner.id)
    expect(await refusal()).toBe('ACCOUNT_SUSPENDED')
    expect((await users.getUser(owner.id))?.status).toBe('suspended')
    expect(before).toHaveLength(1)
    expect(await world.ledger.verify()).toEqual([])
    expect(await test.scalar('SELECT count(*) FROM leases')).toBe(0)
  })

  test('MON-33 LIM-18 the owner’s month bounds grants of all agents, settled and held', async () => {
    await using world = await createWorld(dialect)
    const { protocol, limits, owner } = world
    await limits.create({ ownerId: owner.id, maxCostPerMonth: usd(40) }, owner.id)
    const other = await world.newAgent('100')
    const lease = await protocol.handshake(world.principal, { requested: usd(35) })
    await protocol.report(world.principal, lease.lease.id, report('a1', '30'))
    const cut = await protocol.handshake(other.principal, { requested: usd(10) })
    expect(cut).toMatchObject({ partial: true, lease: { granted: usd(5) } })
    await expect(protocol.handshake(other.principal, { requested: usd(1) })).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
    })
    const refreshed = await protocol.refresh(world.principal, lease.lease.id, { requested: usd(10) })
    expect(refreshed.lease.granted).toBe(usd(5))
    const [limit] = (await limits.list({ ownerId: owner.id })).data
    expect(limit?.usage).toMatchObject({ costThisMonth: usd(30), reserved: usd(10), requestsThisMinute: 1 })
  })

  test('CON-06 a repeated handshake with its key is the same lease, freshly sealed', async () => {
    await using world = await createWorld(dialect)
    const { protocol, principal, icToken, agent, openai } = world
    const request = { requested: usd(10), idempotencyKey: 'start-1' }
    const first = await protocol.handshake(principal, request)
    const again = await protocol.handshake(principal, request)
    expect(again).toMatchObject({ duplicate: true, lease: { id: first.lease.id } })
    expect(again.ipToken).not.toBe(first.ipToken)
    const binding = { icToken: icToken.token, agentId: agent.id, leaseId: first.lease.id, providerId: openai.id }
    expect(openIpToken(again.ipToken!, binding)).toBe(API_KEY)
    expect(again.budget.reserved).toBe(usd(10))
    await expect(protocol.handshake(principal, { ...request, requested: usd(11) })).rejects.toMatchObject({
      code: 'IDEMPOTENCY_CONFLICT',
    })
    await expect(protocol.reserve(principal, request)).rejects.toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' })
    for (const provider of ['openai', openai.id]) {
      expect(await protocol.handshake(principal, { ...request, provider })).toMatchObject({ duplicate: true })
    }
    for (const provider of ['nobody', (await world.newProvider('claude', 'anthropic')).name]) {
      await expect(protocol.handshake(principal, { ...request, provider })).rejects.toMatchObject({
        code: 'IDEMPOTENCY_CONFLICT',
      })
    }
    await protocol.returnLease(principal, first.lease.id)
    await expect(protocol.handshake(principal, request)).rejects.toMatchObject({ code: 'LEASE_NOT_ACTIVE' })
  })

  test('CON-06 a key used by another kind of call is a conflict, also once its lease has ended', async () => {
    await using world = await createWorld(dialect)
    const { protocol, principal } = world
    const conflict = { code: 'IDEMPOTENCY_CONFLICT' }
    const shaken = { requested: usd(10), idempotencyKey: 'shaken' }
    const reserved = { requested: usd(10), idempotencyKey: 'reserved' }
    const leases = [await protocol.handshake(principal, shaken), await protocol.reserve(principal, reserved)]
    for (const _ of ['open', 'ended']) {
      await expect(protocol.reserve(principal, shaken)).rejects.toMatchObject(conflict)
      await expect(protocol.handshake(principal, reserved)).rejects.toMatchObject(conflict)
      for (const { lease } of leases) await protocol.returnLease(principal, lease.id)
    }
    await expect(protocol.reserve(principal, reserved)).rejects.toMatchObject({ code: 'LEASE_NOT_ACTIVE' })
  })

  test('MON-34 a refresh in grace needs its provider, after its key and its lease are looked at', async () => {
    await using world = await createWorld(dialect)
    const { protocol, principal, providers, openai, owner, clock } = world
    const ended = (await protocol.handshake(principal, { idempotencyKey: 'start-1' })).lease
    await protocol.returnLease(principal, ended.id)
    const { lease } = await protocol.handshake(principal, { requested: usd(10) })
    clock.advance(3_600_000 + 1_000)
    await providers.update(openai.id, { status: 'disabled' }, owner.id)
    await expect(protocol.refresh(principal, ended.id)).rejects.toMatchObject({ code: 'LEASE_NOT_ACTIVE' })
    await expect(protocol.refresh(principal, lease.id, { idempotencyKey: 'start-1' })).rejects.toMatchObject({
      code: 'IDEMPOTENCY_CONFLICT',
    })
    await expect(protocol.refresh(principal, lease.id)).rejects.toMatchObject({
      code: 'PROVIDER_DISABLED',
      details: { provider_id: openai.id },
    })
    expect(await world.leases.get(lease.id)).toMatchObject({ status: 'expired', supersededBy: null })
    await providers.update(openai.id, { status: 'active' }, owner.id)
    expect((await protocol.refresh(principal, lease.id, { idempotencyKey: 'next-1' })).lease.supersedes).toBe(lease.id)
  })

  test('what is granted is audited with where the call came from', async () => {
    await using world = await createWorld(dialect)
    const { protocol, principal } = world
    const caller = { ...principal, actor: { ...principal.actor, ip: '192.0.2.7', requestId: 'http-1' } }
    const { lease } = await protocol.handshake(caller)
    const next = await protocol.refresh(caller, lease.id)
    for (const resourceId of [lease.id, next.lease.id]) {
      const { data } = await world.audit.list({ resourceType: 'lease', resourceId })
      for (const { actor } of data) expect(actor).toMatchObject({ ip: '192.0.2.7', requestId: 'http-1' })
    }
    const { data } = await world.audit.list({ resourceType: 'lease', resourceId: lease.id }, { order: 'asc' })
    expect(data.map(({ operation }) => operation)).toEqual(['LEASE_GRANTED', 'LEASE_REFRESHED'])
  })

  test('MON-34 a repeated refresh is the successor; a lease of another agent does not exist', async () => {
    await using world = await createWorld(dialect)
    const { protocol, principal } = world
    const first = await protocol.handshake(principal, { requested: usd(10) })
    const next = await protocol.refresh(principal, first.lease.id, { requested: usd(20) })
    const again = await protocol.refresh(principal, first.lease.id, { requested: usd(20) })
    expect(again).toMatchObject({ duplicate: true, lease: { id: next.lease.id } })
    const other = await world.newAgent('10')
    for (const attempt of [
      protocol.refresh(other.principal, next.lease.id),
      protocol.report(other.principal, next.lease.id, report('x', '1')),
      protocol.returnLease(other.principal, next.lease.id),
    ]) {
      await expect(attempt).rejects.toMatchObject({ code: 'LEASE_NOT_FOUND' })
    }
  })

  test('CON-07 a batch gives one result per item; bad ones affect no other', async () => {
    await using world = await createWorld(dialect)
    const { protocol, principal, limits, owner } = world
    await limits.create({ ownerId: owner.id, maxRequestsPerMinute: 1_000 }, owner.id)
    const { lease } = await protocol.handshake(principal, { requested: usd(10) })
    const items = [
      { leaseId: lease.id, report: report('b1', '1') },
      { leaseId: 'lease_00000000-0000-7000-8000-000000000000', report: report('b2', '1') },
      { leaseId: lease.id, report: report('b1', '1') },
      { leaseId: lease.id, report: report('b1', '2') },
      { leaseId: lease.id, report: report('b3', '2') },
    ]
    const results = await protocol.reportBatch(principal, items)
    expect(results.map((item) => (item.ok ? item.result.duplicate : item.error.code))).toEqual([
      false,
      'LEASE_NOT_FOUND',
      true,
      'IDEMPOTENCY_CONFLICT',
      false,
    ])
    const [limit] = (await limits.list({ ownerId: owner.id })).data
    expect(limit?.usage).toMatchObject({ costThisMonth: usd(3), requestsThisMinute: 2 })
    expect((await world.budgets.get(world.agent.id))?.spent).toBe(usd(3))
  })

  test('CON-07 an item of a batch that is no report at all is one faulty item', async () => {
    await using world = await createWorld(dialect)
    const { protocol, principal } = world
    const { lease } = await protocol.handshake(principal, { requested: usd(10) })
    const items = [null, { leaseId: lease.id, report: null }, { report: report('b1', '1') }] as never[]
    const results = await protocol.reportBatch(principal, [...items, { leaseId: lease.id, report: report('b1', '1') }])
    expect(results.map((item) => (item.ok ? 'booked' : item.error.code))).toEqual([
      'VALIDATION_ERROR',
      'VALIDATION_ERROR',
      'VALIDATION_ERROR',
      'booked',
    ])
  })

  test('a report without cost is priced by the kind of its provider', async () => {
    await using world = await createWorld(dialect)
    const { protocol, principal } = world
    const { lease } = await protocol.handshake(principal, { requested: usd(10) })
    const usage = { input: 400_000, output: 50_000 }
    const priced = await protocol.report(principal, lease.id, { requestId: 'p1', model: 'gpt-4o', usage })
    expect(priced.pricing).toBe('price_book')
    expect(priced.cost).toBe(usd('1.5'))
    const unknown = await protocol.report(principal, lease.id, {
      requestId: 'p2',
      model: 'no-such-model',
      usage: { input: 1 },
    })
    expect(unknown.pricing).toBe('ceiling')
    expect(unknown.cost).toBeGreaterThan(0)

    // Nobody has prices of this model at Anthropic.
    const claude = await world.newProvider('claude', 'anthropic')
    const other = await world.newAgent('100', [claude])
    const theirs = (await protocol.handshake(other.principal, { requested: usd(10) })).lease.id
    const reserved = (await protocol.reserve(principal, { requested: usd(10) })).lease.id
    const calls = [
      ['the lease’s', principal, lease.id, undefined, 'price_book'],
      ['the lease’s', other.principal, theirs, undefined, 'ceiling'],
      ['the named one’s, by name', principal, lease.id, 'claude', 'ceiling'],
      ['the named one’s, by id', principal, lease.id, claude.id, 'ceiling'],
      ['the lease’s, when nobody is named so', other.principal, theirs, 'nobody', 'ceiling'],
      ['nobody’s', principal, reserved, undefined, 'price_book'],
    ] as const
    for (const [index, [, caller, leaseId, provider, pricing]] of calls.entries()) {
      const report = (requestId: string) => ({ requestId, model: 'gpt-4o', usage: { input: 1_000 }, provider })
      expect(await protocol.report(caller, leaseId, report(`alone-${index}`))).toMatchObject({ pricing })
      expect(await protocol.reportBatch(caller, [{ leaseId, report: report(`batch-${index}`) }])).toMatchObject([
        { ok: true, result: { pricing } },
      ])
    }
  })

  test('MON-18 SEC-25 a failed disclosure or a key that cannot be opened reserves nothing', async () => {
    await using world = await createWorld(dialect)
    const { protocol, principal, test, agent } = world
    await test.rows("UPDATE provider_keys SET sealed = 'AAAA:AAAA:AAAA' RETURNING id")
    await expect(protocol.handshake(principal)).rejects.toMatchObject({ code: 'CRYPTO_UNAVAILABLE' })
    expect(await world.budgets.get(agent.id)).toMatchObject({ reserved: ZERO, openLeases: 0 })
    expect(await test.scalar('SELECT count(*) FROM leases')).toBe(0)
  })

  test('CON-28 a refused handshake keeps the overdue leases it ended', async () => {
    await using world = await createWorld(dialect, { allocated: '10' })
    const { protocol, principal, clock, agent } = world
    const { lease } = await protocol.handshake(principal, { requested: usd(10) })
    clock.advance(3_600_000 + 60_000)
    await world.test.rows("UPDATE agents SET desired_state = 'stopped' WHERE id = ? RETURNING id", agent.id)
    await expect(protocol.handshake(principal)).rejects.toMatchObject({ code: 'AGENT_STOPPED' })
    expect(await world.leases.get(lease.id)).toMatchObject({
      status: 'closed',
      closeReason: 'lapsed',
      returned: usd(10),
    })
    expect((await world.budgets.get(agent.id))?.reserved).toBe(ZERO)
  })

  test('SEC-14 a token that was replaced after it was authenticated borrows nothing', async () => {
    await using world = await createWorld(dialect)
    const { protocol, registry, principal, agent, owner, leases } = world
    const { lease } = await protocol.handshake(principal)
    const { token } = await registry.regenerateIcToken(agent.id, owner.id)
    const calls = [
      () => protocol.handshake(principal),
      () => protocol.reserve(principal),
      () => protocol.refresh(principal, lease.id),
    ]
    for (const call of calls) await expect(call()).rejects.toMatchObject({ code: 'TOKEN_REVOKED' })
    expect((await leases.list({ agentId: agent.id, status: 'active' })).data).toEqual([])
    const successor = await protocol.handshake(await world.login(token))
    expect(successor.lease.status).toBe('active')
    await registry.revokeIcToken(agent.id, owner.id)
    await expect(protocol.handshake(principal)).rejects.toMatchObject({ code: 'TOKEN_REVOKED' })
  })

  test('malformed requests are refused by field, before anything is touched', async () => {
    await using world = await createWorld(dialect)
    const { protocol, principal } = world
    const bad = { runtimeId: 'x'.repeat(101), idempotencyKey: 'ä', provider: 'x'.repeat(101) }
    for (const call of [protocol.handshake(principal, bad), protocol.reserve(principal, bad)]) {
      await expect(call).rejects.toMatchObject({
        code: 'VALIDATION_ERROR',
        details: {
          fields: { runtimeId: expect.any(String), idempotencyKey: expect.any(String), provider: expect.any(String) },
        },
      })
    }
    const longest = { runtimeId: 'x'.repeat(100), idempotencyKey: '!'.repeat(255) }
    expect((await protocol.handshake(principal, longest)).lease).toMatchObject({ runtimeId: longest.runtimeId })
  })
})
