import { describe, expect, test } from '@jest/globals'
import { usd } from '@iron/cost-calculator'
import { enginesForTests } from '@iron/database/testing'
import type { AgentChange } from '../src/index.ts'
import { auditedSince, auditHead, createWorld, eventsOf, outcomeOf } from './world.ts'

describe.each(await enginesForTests())('changes of an agent on %s', (dialect) => {
  test('VAL-05 what is given changes, null clears, the rest stays; the entry names only what changed', async () => {
    await using world = await createWorld(dialect)
    const { registry, owner, clock } = world
    const { agent } = await world.agent({ name: 'old', description: 'first', tags: ['a', 'b'] })
    const seq = await auditHead(world)
    clock.advance(5_000)
    const renamed = await registry.update(agent.id, { name: '  new ' }, owner.id)
    expect(renamed).toEqual({
      ...agent,
      name: 'new',
      updatedAt: clock.now(),
      budget: { ...agent.budget, agentName: 'new' },
    })
    const cleared = await registry.update(agent.id, { description: null, tags: ['c', ' c', 'a'] }, owner.id)
    expect(cleared).toMatchObject({ name: 'new', description: null, tags: ['c', 'a'] })
    const audited = await auditedSince(world, seq)
    expect(audited).toMatchObject([
      { operation: 'AGENT_UPDATED', resourceType: 'agent', resourceId: agent.id, actorId: owner.id },
      { operation: 'AGENT_UPDATED' },
    ])
    expect(audited.map(({ changes }) => changes)).toEqual([
      { before: { name: 'old' }, after: { name: 'new' } },
      { before: { description: 'first', tags: ['a', 'b'] }, after: { description: null, tags: ['c', 'a'] } },
    ])
  })

  test('a change that makes no difference writes nothing', async () => {
    await using world = await createWorld(dialect)
    const { registry, owner, clock } = world
    const { agent } = await world.agent({ tags: ['a'] })
    const seq = await auditHead(world)
    clock.advance(5_000)
    const same = { name: agent.name, description: null, tags: ['a'], ownerId: owner.id }
    expect(await registry.update(agent.id, same, owner.id)).toEqual(agent)
    expect(await auditedSince(world, seq)).toEqual([])
  })

  test('VAL-02 VAL-06 faults come at once, limits count code points in NFC', async () => {
    await using world = await createWorld(dialect)
    const { registry, owner } = world
    const { agent } = await world.agent()
    const bad: AgentChange = { name: ' ', description: 'x\0', tags: ['', 'x'.repeat(51)], ownerId: '' }
    const faults = { name: 1, description: 1, 'tags[0]': 1, 'tags[1]': 1, ownerId: 1 }
    for (const [change, fields] of [
      [bad, faults],
      [{}, { $: 1 }],
      [{ tags: Array.from({ length: 21 }, (_, index) => `t${index}`) }, { tags: 1 }],
      [{ tags: 'all' as never }, { tags: 1 }],
      [{ name: 5 as never }, { name: 1 }],
    ] as const) {
      await expect(registry.update(agent.id, change, owner.id)).rejects.toMatchObject({
        code: 'VALIDATION_ERROR',
        details: { fields: Object.fromEntries(Object.keys(fields).map((path) => [path, expect.any(String)])) },
      })
    }
    for (const letter of ['a', '😀', 'e\u0301']) {
      const texts = { name: letter.repeat(100), description: letter.repeat(500), tags: [letter.repeat(50)] }
      const stored = (text: string): string => text.normalize('NFC')
      expect(await registry.update(agent.id, texts, owner.id)).toMatchObject({
        name: stored(texts.name),
        description: stored(texts.description),
        tags: texts.tags.map(stored),
      })
      expect(await outcomeOf(registry.update(agent.id, { name: letter.repeat(101) }, owner.id))).toBe(
        'VALIDATION_ERROR',
      )
    }
    expect(await outcomeOf(registry.update('', { name: 'x' }, owner.id))).toBe('VALIDATION_ERROR')
    expect(await outcomeOf(registry.update('agent_0', { name: 'x' }, owner.id))).toBe('AGENT_NOT_FOUND')
  })

  test('ACL-15 a new owner has everything at once, and its limits count from there', async () => {
    await using world = await createWorld(dialect)
    const { registry, owner, leases, budgets } = world
    const ann = await world.user('ann')
    const { agent, icToken } = await world.agent({ tags: ['x'] })
    const { lease } = await leases.open(agent.id, usd(4))
    const seq = await auditHead(world)
    const moved = await registry.update(agent.id, { ownerId: ann.id, name: 'hers' }, owner.id)
    expect(moved).toMatchObject({ ownerId: ann.id, name: 'hers', budget: { ownerId: ann.id, reserved: usd(4) } })
    expect((await registry.list({ ownerId: owner.id })).total).toBe(0)
    expect((await registry.list({ ownerId: ann.id })).data).toEqual([moved])
    expect((await budgets.list({ ownerId: ann.id })).total).toBe(1)
    expect(await leases.get(lease.id)).toMatchObject({ status: 'active' })
    expect(await registry.authenticate(icToken.token)).toMatchObject({ outcome: 'ok', principal: { ownerId: ann.id } })
    expect((await world.events.read({ ownerId: ann.id })).data.map(({ type }) => type)).toEqual(['lease.granted'])
    const audited = await auditedSince(world, seq)
    expect(audited.map(({ operation, changes }) => [operation, changes])).toEqual([
      ['AGENT_UPDATED', { before: { name: 'triage' }, after: { name: 'hers' } }],
      ['AGENT_OWNER_CHANGED', { before: { owner_id: owner.id }, after: { owner_id: ann.id } }],
    ])
  })

  test('the new owner must be an active user, and nothing else of the change happens otherwise', async () => {
    await using world = await createWorld(dialect)
    const { registry, owner, users, owners } = world
    const [ann, bob] = [await world.user('ann'), await world.user('bob')]
    await users.suspendUser(ann.id, owner.id)
    await owners.deleteUser(bob.id, owner.id)
    const { agent } = await world.agent()
    const seq = await auditHead(world)
    for (const ownerId of [ann.id, bob.id, 'nobody']) {
      await expect(registry.update(agent.id, { ownerId, name: 'x' }, owner.id)).rejects.toMatchObject({
        code: 'USER_NOT_FOUND',
        details: { owner_id: ownerId },
      })
    }
    // Inside the caller's transaction the refusal has changed nothing either.
    await world.db.write(async (tx) => {
      expect(await outcomeOf(registry.update(agent.id, { ownerId: ann.id, name: 'x' }, owner.id, { tx }))).toBe(
        'USER_NOT_FOUND',
      )
    })
    expect(await registry.get(agent.id)).toMatchObject(agent)
    expect(await auditedSince(world, seq)).toEqual([])
  })

  test('an archived agent cannot be changed by anything', async () => {
    await using world = await createWorld(dialect)
    const { registry, owner } = world
    const { agent } = await world.agent()
    const openai = await world.provider('openai')
    await registry.archive(agent.id, owner.id)
    const seq = await auditHead(world)
    for (const attempt of [
      registry.update(agent.id, { name: 'x' }, owner.id),
      registry.update(agent.id, { ownerId: owner.id }, owner.id),
      registry.stop(agent.id, owner.id),
      registry.resume(agent.id, owner.id),
      registry.reportState(agent.id, 'running'),
      registry.heartbeat(agent.id),
      registry.setProviders(agent.id, [openai.id], owner.id),
      registry.removeProvider(agent.id, openai.id, owner.id),
      registry.issueIcToken(agent.id, owner.id),
      registry.regenerateIcToken(agent.id, owner.id),
    ]) {
      expect(await outcomeOf(attempt)).toBe('AGENT_ARCHIVED')
    }
    expect(await registry.revokeIcToken(agent.id, owner.id)).toBe(false)
    expect(await auditedSince(world, seq)).toEqual([])
    expect(await eventsOf(world, agent.id)).toMatchObject([{ type: 'agent.stopped' }])
  })

  test('CON-12 agents that change owners against each other while money is lent end with one owner each', async () => {
    await using world = await createWorld(dialect)
    const { registry, owner, leases, ledger } = world
    const people = [owner, await world.user('ann'), await world.user('bob')]
    const agents = await Promise.all([world.agent(), world.agent(), world.agent()])
    const moves = Array.from({ length: 18 }, (_, index) => {
      const { agent } = agents[index % 3]!
      return registry.update(agent.id, { ownerId: people[(index * 2 + 1) % 3]!.id }, owner.id)
    })
    const grants = Array.from({ length: 18 }, (_, index) => leases.open(agents[index % 3]!.agent.id, usd(1)))
    await Promise.all([...moves, ...grants])
    for (const { agent } of agents) {
      const found = (await registry.get(agent.id))!
      expect(people.map(({ id }) => id)).toContain(found.ownerId)
      expect(found.budget).toMatchObject({ ownerId: found.ownerId, reserved: usd(6) })
    }
    expect(await ledger.verify()).toEqual([])
  })
})
