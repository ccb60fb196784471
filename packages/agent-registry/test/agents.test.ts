import { describe, expect, test } from '@jest/globals'
import { usd, ZERO } from '@iron/cost-calculator'
import { enginesForTests } from '@iron/database/testing'
import { createWorld } from './world.ts'

describe.each(await enginesForTests())('agents on %s', (dialect) => {
  test('MON-27 an agent is created with budget, providers, token and first ledger row at once', async () => {
    await using world = await createWorld(dialect)
    const [b, a] = [await world.provider('beta'), await world.provider('alpha')]
    const { agent, icToken } = await world.registry.create(
      {
        name: ' research-bot ',
        ownerId: world.owner.id,
        allocated: usd(100),
        providerIds: [b.id, a.id, b.id],
        tags: ['x'],
      },
      world.owner.id,
    )
    expect(agent).toMatchObject({
      name: 'research-bot',
      ownerId: world.owner.id,
      status: 'active',
      state: 'idle',
      desiredState: 'running',
      providerIds: [b.id, a.id],
      tags: ['x'],
      budgetId: agent.id.replace('agent_', 'budget_'),
      budget: { allocated: usd(100), spent: ZERO, reserved: ZERO, allocationVersion: 1, agentName: 'research-bot' },
    })
    expect(icToken.token).toMatch(/^ic_/)
    const found = await world.registry.get(agent.id)
    expect(found).toMatchObject({ ...agent, icToken: { id: icToken.id, permissions: ['llm:call', 'analytics:write'] } })
    const rows = await world.test.rows<{ operation: string }>('SELECT operation FROM audit_log ORDER BY seq')
    expect(rows.slice(-2).map(({ operation }) => operation)).toEqual(['AGENT_CREATED', 'IC_TOKEN_CREATED'])
    expect(await world.test.scalar('SELECT count(*) FROM ledger_entries')).toBe(1)
  })

  test('VAL-09 VAL-02 unknown providers are all named, an unknown owner is refused, faults come at once', async () => {
    await using world = await createWorld(dialect)
    const { registry, owner } = world
    const ghosts = ['prov_00000000-0000-7000-8000-000000000001', 'prov_00000000-0000-7000-8000-000000000002']
    await expect(
      registry.create({ name: 'a', ownerId: owner.id, providerIds: ghosts }, owner.id),
    ).rejects.toMatchObject({
      code: 'INVALID_PROVIDER_ID',
      details: { missing: ghosts },
    })
    await expect(registry.create({ name: 'a', ownerId: 'nobody' }, owner.id)).rejects.toMatchObject({
      code: 'USER_NOT_FOUND',
    })
    const bad = {
      name: ' ',
      ownerId: '',
      tags: Array.from({ length: 21 }, () => 't'),
      icToken: { permissions: ['admin'], expiresAt: 1 },
    }
    await expect(registry.create(bad, owner.id)).rejects.toMatchObject({
      code: 'VALIDATION_ERROR',
      details: {
        fields: {
          name: expect.any(String),
          ownerId: expect.any(String),
          tags: expect.any(String),
          'icToken.permissions[0]': expect.any(String),
          'icToken.expiresAt': expect.any(String),
        },
      },
    })
    expect(await world.test.scalar('SELECT count(*) FROM agent_budgets')).toBe(0)
  })

  test('CON-27 a fault while the token is written leaves no trace of the agent', async () => {
    await using world = await createWorld(dialect)
    const { registry, owner, db, test } = world
    const failure = db.write(async (tx) => {
      await registry.create({ name: 'a', ownerId: owner.id, allocated: usd(5) }, owner.id, { tx })
      throw new Error('fault')
    })
    await expect(failure).rejects.toThrow('fault')
    for (const table of ['agents', 'agent_budgets', 'ic_tokens', 'ledger_entries']) {
      expect([table, await test.scalar(`SELECT count(*) FROM ${table}`)]).toEqual([table, 0])
    }
  })

  test('ACL-05 DAT-19 lists filter before they count, and text is literal', async () => {
    await using world = await createWorld(dialect)
    const { registry, owner } = world
    const ann = await world.user('ann')
    for (const name of ['100% Bot', 'bot_two', 'Other'])
      await registry.create({ name, ownerId: owner.id, tags: ['red'] }, owner.id)
    await registry.create({ name: 'ann bot', ownerId: ann.id, tags: ['redder'] }, owner.id)
    const names = async (filter: object, page = {}): Promise<[number, ...string[]]> => {
      const { data, total } = await registry.list(filter, { sort: 'name', ...page })
      return [total, ...data.map(({ name }) => name)]
    }
    expect(await names({ name: 'BOT' })).toEqual([3, '100% Bot', 'ann bot', 'bot_two'])
    expect(await names({ name: '%' })).toEqual([1, '100% Bot'])
    expect(await names({ name: '_' })).toEqual([1, 'bot_two'])
    expect(await names({ ownerId: ann.id })).toEqual([1, 'ann bot'])
    expect(await names({ tag: 'red' })).toEqual([3, '100% Bot', 'Other', 'bot_two'])
    expect(await names({}, { page: 2, perPage: 3 })).toEqual([4, 'bot_two'])
    expect(await names({ status: 'archived' })).toEqual([0])
  })

  test('MON-26 SEC-08 archiving releases what was reserved, ends the token, keeps the history', async () => {
    await using world = await createWorld(dialect)
    const { registry, owner, leases } = world
    const { agent, icToken } = await registry.create({ name: 'a', ownerId: owner.id, allocated: usd(10) }, owner.id)
    const { lease } = await leases.open(agent.id, usd(4))
    const archived = await registry.archive(agent.id, owner.id)
    expect(archived).toMatchObject({
      leasesRevoked: [lease.id],
      released: usd(4),
      agent: { status: 'archived', state: 'stopped' },
    })
    expect(archived.agent.budget).toMatchObject({ reserved: ZERO, allocated: usd(10) })
    expect(await registry.authenticate(icToken.token)).toEqual({ outcome: 'refused', code: 'TOKEN_REVOKED' })
    expect(await registry.archive(agent.id, owner.id)).toMatchObject({ leasesRevoked: [], released: ZERO })
    await expect(registry.archive('agent_none', owner.id)).rejects.toMatchObject({ code: 'AGENT_NOT_FOUND' })
    const { data } = await world.events.read({ agentIds: [agent.id] })
    expect(data.map(({ type }) => type)).toEqual(['lease.granted', 'lease.closed', 'agent.stopped'])
    const audited = "SELECT count(*) FROM audit_log WHERE operation = 'AGENT_ARCHIVED'"
    expect(await world.test.scalar(audited)).toBe(1)
  })
})

describe.each(await enginesForTests())('authentication on %s', (dialect) => {
  test('SEC-11 SEC-12 SEC-13 only the stored token of a living agent is accepted', async () => {
    await using world = await createWorld(dialect)
    const { registry, owner, icTokens } = world
    const { agent, icToken } = await registry.create({ name: 'a', ownerId: owner.id }, owner.id)
    const ok = await registry.authenticate(icToken.token, { permission: 'llm:call' })
    expect(ok).toMatchObject({
      outcome: 'ok',
      principal: {
        kind: 'ic_token',
        agentId: agent.id,
        ownerId: owner.id,
        tokenId: icToken.id,
        expiresAt: null,
        actor: { type: 'agent', id: agent.id },
      },
    })
    expect((await registry.authenticate(icToken.token.slice(3))).outcome).toBe('ok')
    const forged = icTokens.issue({ agentId: agent.id, budgetId: agent.budgetId }).token
    expect(await registry.authenticate(forged)).toEqual({ outcome: 'refused', code: 'TOKEN_REVOKED' })
    const unknown = icTokens.issue({ agentId: 'agent_00000000-0000-7000-8000-000000000000' }).token
    expect(await registry.authenticate(unknown)).toEqual({ outcome: 'refused', code: 'UNAUTHORIZED' })
    for (const bad of ['', 'ic_', 'x', `${icToken.token}x`, 'ic_a.b.c', 'ic_'.padEnd(3_000, 'a')]) {
      expect(await registry.authenticate(bad)).toEqual({ outcome: 'refused', code: 'UNAUTHORIZED' })
    }
  })

  test('ACL-13 AUT-04 permissions and expiry are exact', async () => {
    await using world = await createWorld(dialect)
    const { registry, owner, clock } = world
    const expiresAt = clock.now() + 10_000
    const { icToken } = await registry.create(
      { name: 'a', ownerId: owner.id, icToken: { permissions: ['analytics:write'], expiresAt } },
      owner.id,
    )
    expect(await registry.authenticate(icToken.token, { permission: 'llm:call' })).toEqual({
      outcome: 'refused',
      code: 'FORBIDDEN',
    })
    clock.advance(9_999)
    expect((await registry.authenticate(icToken.token)).outcome).toBe('ok')
    clock.advance(1)
    const expired = { outcome: 'refused', code: 'TOKEN_EXPIRED', expiredAt: expiresAt }
    expect(await registry.authenticate(icToken.token)).toEqual(expired)
    expect(await registry.authenticate(icToken.token.slice('ic_'.length))).toEqual(expired)
  })

  test('SEC-10 a call is a sign of life, written at most every 15 seconds', async () => {
    await using world = await createWorld(dialect)
    const { registry, owner, clock, test } = world
    const { agent, icToken } = await registry.create({ name: 'a', ownerId: owner.id }, owner.id)
    const lastSeen = async (): Promise<number | null | undefined> => {
      await test.rows('SELECT 1')
      return (await registry.get(agent.id))?.lastSeenAt
    }
    /** The stamp is written behind the answer: waits for it, boundedly. */
    const stamped = async (at: number): Promise<number | null | undefined> => {
      for (let look = 0; look < 200 && (await lastSeen()) !== at; look += 1) await test.db.ping()
      return lastSeen()
    }
    const first = clock.now()
    await registry.authenticate(icToken.token)
    expect(await stamped(first)).toBe(first)
    clock.advance(14_999)
    await registry.authenticate(icToken.token)
    clock.advance(1)
    await registry.authenticate(icToken.token)
    expect(await stamped(first + 15_000)).toBe(first + 15_000)
    const lastUsed = (): Promise<unknown> =>
      test.scalar('SELECT last_used_at FROM ic_tokens WHERE agent_id = ?', agent.id)
    expect(await lastUsed()).toBe(first)
    // A stamp of a clock that was a day ahead does not stay for a day.
    await test.rows('UPDATE ic_tokens SET last_used_at = ?', first + 86_400_000)
    clock.advance(15_000)
    await registry.authenticate(icToken.token)
    expect(await stamped(first + 30_000)).toBe(first + 30_000)
    expect(await lastUsed()).toBe(first + 30_000)
  })
})
