import { describe, expect, test } from '@jest/globals'
import { usd } from '@iron/cost-calculator'
import { enginesForTests } from '@iron/database/testing'
import { auditedSince, auditHead, createWorld, outcomeOf } from './world.ts'

const GHOST = 'prov_00000000-0000-7000-8000-000000000001'

describe.each(await enginesForTests())('providers of an agent on %s', (dialect) => {
  test('ACL-14 all are replaced at once, in the order given; open leases go on', async () => {
    await using world = await createWorld(dialect)
    const { registry, owner, leases, db } = world
    const [a, b, c] = [await world.provider('a'), await world.provider('b'), await world.provider('c')]
    const { agent } = await world.agent({ providerIds: [a.id, b.id] })
    const { lease } = await leases.open(agent.id, usd(1), { providerId: a.id })
    const seq = await auditHead(world)
    const set = await registry.setProviders(agent.id, [c.id, b.id, c.id], owner.id)
    expect(set.map(({ name }) => name)).toEqual(['c', 'b'])
    expect(await registry.providers(agent.id)).toEqual(set)
    expect((await registry.get(agent.id))?.providerIds).toEqual([c.id, b.id])
    expect((await registry.list()).data[0]?.providerIds).toEqual([c.id, b.id])
    const { providers } = await db.read((tx) => registry.standing(agent.id, { tx }))
    expect(providers).toEqual(set)
    expect(await leases.get(lease.id)).toMatchObject({ status: 'active', providerId: a.id })
    await registry.setProviders(agent.id, [c.id, b.id], owner.id)
    const audited = await auditedSince(world, seq)
    expect(audited).toMatchObject([{ operation: 'AGENT_PROVIDERS_UPDATED', resourceId: agent.id, actorId: owner.id }])
    expect(audited[0]?.changes).toEqual({
      before: { provider_ids: [a.id, b.id] },
      after: { provider_ids: [c.id, b.id] },
    })
    expect(await registry.setProviders(agent.id, [], owner.id)).toEqual([])
  })

  test('VAL-09 unknown ones are all named and nothing changes; so are too many and malformed ones', async () => {
    await using world = await createWorld(dialect)
    const { registry, owner } = world
    const a = await world.provider('a')
    const { agent } = await world.agent({ providerIds: [a.id] })
    const seq = await auditHead(world)
    await expect(registry.setProviders(agent.id, [GHOST, a.id, 'x'], owner.id)).rejects.toMatchObject({
      code: 'INVALID_PROVIDER_ID',
      details: { missing: [GHOST, 'x'] },
    })
    const many = Array.from({ length: 51 }, (_, index) => `prov_${index}`)
    await expect(registry.setProviders(agent.id, many, owner.id)).rejects.toMatchObject({
      details: { fields: { providerIds: expect.any(String) } },
    })
    await expect(registry.setProviders('', ['', 5 as never], owner.id)).rejects.toMatchObject({
      details: {
        fields: { id: expect.any(String), 'providerIds[0]': expect.any(String), 'providerIds[1]': expect.any(String) },
      },
    })
    expect(await outcomeOf(registry.setProviders(agent.id, 'all' as never, owner.id))).toBe('VALIDATION_ERROR')
    expect(await outcomeOf(registry.setProviders('agent_none', [a.id], owner.id))).toBe('AGENT_NOT_FOUND')
    expect((await registry.get(agent.id))?.providerIds).toEqual([a.id])
    expect(await auditedSince(world, seq)).toEqual([])
  })

  test('one is removed by its id, and only if the agent has it', async () => {
    await using world = await createWorld(dialect)
    const { registry, owner } = world
    const [a, b, c] = [await world.provider('a'), await world.provider('b'), await world.provider('c')]
    const { agent } = await world.agent({ providerIds: [a.id, b.id, c.id] })
    const seq = await auditHead(world)
    expect((await registry.removeProvider(agent.id, b.id, owner.id)).map(({ id }) => id)).toEqual([a.id, c.id])
    expect(await outcomeOf(registry.removeProvider(agent.id, b.id, owner.id))).toBe('ASSIGNMENT_NOT_FOUND')
    expect(await outcomeOf(registry.removeProvider('agent_none', a.id, owner.id))).toBe('AGENT_NOT_FOUND')
    expect((await auditedSince(world, seq)).map(({ changes }) => changes)).toEqual([
      { before: { provider_ids: [a.id, b.id, c.id] }, after: { provider_ids: [a.id, c.id] } },
    ])
    // The gap that it left does not keep another from its place.
    expect(await registry.setProviders(agent.id, [c.id, b.id, a.id], owner.id)).toMatchObject([c, b, a])
  })

  test('a deleted provider is taken from every agent, and the one entry names them', async () => {
    await using world = await createWorld(dialect)
    const { registry, owner, providers, leases } = world
    const [a, b] = [await world.provider('a'), await world.provider('b')]
    const agents = [await world.agent({ providerIds: [a.id, b.id] }), await world.agent({ providerIds: [a.id] })]
    const other = await world.agent({ providerIds: [b.id] })
    const archived = await world.agent({ providerIds: [a.id] })
    await registry.archive(archived.agent.id, owner.id)
    const { lease } = await leases.open(agents[0]!.agent.id, usd(1), { providerId: a.id })
    const seq = await auditHead(world)
    const affected = [...agents, archived].map(({ agent }) => agent.id).sort()
    expect(await registry.deleteProvider(a.id, owner.id)).toEqual({ provider: a, agentsAffected: affected })
    expect(await providers.get(a.id)).toBeUndefined()
    expect((await registry.get(agents[0]!.agent.id))?.providerIds).toEqual([b.id])
    expect((await registry.get(other.agent.id))?.providerIds).toEqual([b.id])
    expect(await leases.get(lease.id)).toMatchObject({ status: 'active' })
    expect(await auditedSince(world, seq)).toMatchObject([
      {
        operation: 'PROVIDER_DELETED',
        resourceId: a.id,
        metadata: { agents_affected: affected, agents_count: 3 },
      },
    ])
    expect(await outcomeOf(registry.deleteProvider(a.id, owner.id))).toBe('PROVIDER_NOT_FOUND')
    expect(await outcomeOf(registry.deleteProvider(GHOST, owner.id))).toBe('PROVIDER_NOT_FOUND')
    expect(await outcomeOf(registry.setProviders(other.agent.id, [a.id], owner.id))).toBe('INVALID_PROVIDER_ID')
  })

  test('no agent keeps a provider that is deleted while it is being assigned', async () => {
    await using world = await createWorld(dialect)
    const { registry, owner, test: db } = world
    for (let round = 0; round < 4; round += 1) {
      const [a, b] = [await world.provider(`a${round}`), await world.provider(`b${round}`)]
      const agents = await Promise.all([world.agent({ providerIds: [b.id] }), world.agent(), world.agent()])
      const work = agents.flatMap(({ agent }) => [
        registry.setProviders(agent.id, [a.id, b.id], owner.id),
        registry.setProviders(agent.id, [b.id, a.id], owner.id),
        world.agent({ providerIds: [a.id, b.id] }),
      ])
      const deletion = registry.deleteProvider(a.id, owner.id)
      const codes = new Set(await Promise.all([...work, deletion].map(outcomeOf)))
      expect([...codes].filter((code) => !['ok', 'INVALID_PROVIDER_ID'].includes(code))).toEqual([])
      expect(await db.scalar('SELECT count(*) FROM agent_providers WHERE provider_id = ?', a.id)).toBe(0)
    }
  })
})
