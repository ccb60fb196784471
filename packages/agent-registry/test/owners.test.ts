import { describe, expect, test } from '@jest/globals'
import { usd } from '@iron/cost-calculator'
import { openDatabase } from '@iron/database'
import { enginesForTests } from '@iron/database/testing'
import type { Actor } from '@iron/journal'
import {
  auditedSince,
  auditHead,
  createWorld,
  eventsOf,
  grant,
  outcomeOf,
  type Services,
  servicesOn,
  type World,
} from './world.ts'

const WHY = 'The crawl needs twice as many pages.'

/** The services of a second process, where there may be one; on SQLite the same process again. */
async function secondProcess(world: World): Promise<Services & { readonly close: () => Promise<void> }> {
  if (world.db.dialect === 'sqlite') return { ...servicesOn(world.db), close: async () => undefined }
  const [row] = await world.test.rows<{ name: string }>('SELECT current_database() AS name')
  const place = new URL(world.db.url)
  place.pathname = `/${row!.name}`
  const db = await openDatabase(place.href, { clock: world.clock })
  return { ...servicesOn(db), close: () => db.close() }
}

function ask({ budgetRequests }: World, agentId: string, requesterId: string) {
  const request = { agentId, requesterId, requestedAllocated: usd(500), justification: WHY }
  return budgetRequests.create(request, requesterId)
}

describe.each(await enginesForTests())('suspended owners on %s', (dialect) => {
  test('ACL-16 from the commit on no process grants the agents anything; what is lent lives on', async () => {
    await using world = await createWorld(dialect)
    const { owners, users, owner, leases, ledger } = world
    const other = await secondProcess(world)
    try {
      const ann = await world.user('ann')
      const { agent } = await world.agent({ ownerId: ann.id })
      const leaseId = await grant(other, agent.id, usd(10))
      const user = await owners.suspendUser(ann.id, owner.id, 'unpaid')
      expect(user).toMatchObject({ id: ann.id, status: 'suspended' })
      for (const services of [world, other]) expect(await grant(services, agent.id)).toBe('ACCOUNT_SUSPENDED')
      await leases.report(leaseId, { requestId: 'r', model: 'gpt-4o', cost: usd(4) })
      expect(await leases.returnLease(leaseId)).toMatchObject({ status: 'closed', spent: usd(4), returned: usd(6) })
      expect(await outcomeOf(owners.suspendUser(ann.id, owner.id))).toBe('USER_ALREADY_SUSPENDED')
      await users.activateUser(ann.id, owner.id)
      expect(await grant(other, agent.id)).toMatch(/^lease_/)
      expect(await ledger.verify()).toEqual([])
    } finally {
      await other.close()
    }
  })

  test('ACL-16 of grants racing the suspension none is committed after it', async () => {
    await using world = await createWorld(dialect)
    const { owners, users, owner } = world
    const other = await secondProcess(world)
    try {
      const ann = await world.user('ann')
      const agents = await Promise.all([1, 2, 3].map(() => world.agent({ ownerId: ann.id })))
      for (let round = 0; round < 3; round += 1) {
        const seq = await auditHead(world)
        const grants = Array.from({ length: 18 }, (_, index) => () => {
          return grant(index % 2 === 0 ? world : other, agents[index % 3]!.agent.id)
        })
        const before = grants.slice(0, 9).map((run) => run())
        const suspension = owners.suspendUser(ann.id, owner.id)
        await Promise.all([...before, suspension, ...grants.slice(9).map((run) => run())])
        // The audit log's order is the order of the commits.
        const operations = (await auditedSince(world, seq)).map(({ operation }) => operation)
        const at = operations.indexOf('USER_SUSPENDED')
        expect(at).toBeGreaterThanOrEqual(0)
        expect(operations.slice(at + 1)).toEqual([])
        await users.activateUser(ann.id, owner.id)
      }
    } finally {
      await other.close()
    }
  })
})

describe.each(await enginesForTests())('deleted owners on %s', (dialect) => {
  test('ACL-16 MON-26 DAT-13 all that the user had ends or moves in one commit, told by one entry', async () => {
    await using world = await createWorld(dialect)
    const { owners, owner, registry, leases, budgetRequests, ledger, clock } = world
    const ann = await world.user('ann')
    const openai = await world.provider('openai')
    const tags = Array.from({ length: 20 }, (_, index) => `tag-${index}`)
    const running = await world.agent({ ownerId: ann.id, name: 'a', tags, providerIds: [openai.id] })
    const archived = await world.agent({ ownerId: ann.id, name: 'b' })
    const foreign = await world.agent({ name: 'c' })
    await registry.reportState(running.agent.id, 'running')
    const { lease } = await leases.open(running.agent.id, usd(10))
    const { lease: late } = await leases.open(archived.agent.id, usd(5))
    await registry.archive(archived.agent.id, ann.id)
    const own = await ask(world, running.agent.id, ann.id)
    const onForeign = await ask(world, foreign.agent.id, ann.id)
    const kept = await ask(world, running.agent.id, owner.id)
    const events = (await eventsOf(world, running.agent.id)).length
    const seq = await auditHead(world)
    clock.advance(5)

    const deleted = await owners.deleteUser(ann.id, owner.id, { reason: 'left' })
    expect(deleted).toMatchObject({
      user: { id: ann.id, status: 'deleted', deletedAt: clock.now() },
      budgetRequestsCancelled: [own.id, onForeign.id],
      apiTokensRevoked: [],
      sessionsEnded: 0,
    })
    expect(deleted.agentsAffected).toEqual([
      { agentId: running.agent.id, name: 'a', newOwnerId: owner.id },
      { agentId: archived.agent.id, name: 'b', newOwnerId: owner.id },
    ])
    const marks = ['orphaned', `original-owner:${ann.id}`]
    const moved = (await registry.get(running.agent.id))!
    expect(moved).toMatchObject({
      ownerId: owner.id,
      tags: [...tags, ...marks],
      state: 'running',
      desiredState: 'running',
      providerIds: [openai.id],
      icToken: { id: running.icToken.id },
      budget: { ownerId: owner.id, allocated: usd(100), reserved: usd(10) },
    })
    expect(await registry.authenticate(running.icToken.token)).toMatchObject({
      outcome: 'ok',
      principal: { ownerId: owner.id },
    })
    expect(await leases.get(lease.id)).toMatchObject({ status: 'active' })
    expect(await grant(world, running.agent.id)).toMatch(/^lease_/)
    expect(await registry.get(archived.agent.id)).toMatchObject({ ownerId: owner.id, status: 'archived', tags: marks })
    expect((await registry.list({ ownerId: ann.id })).total).toBe(0)
    // A late report on the archived agent's lease is booked, and belongs to the new owner.
    const report = await leases.report(late.id, { requestId: 'late', model: 'gpt-4o', cost: usd(1) })
    expect(report).toMatchObject({ late: true, budget: { ownerId: owner.id, spent: usd(1) } })

    expect(await budgetRequests.get(onForeign.id)).toMatchObject({
      status: 'cancelled',
      cancelledBy: null,
      reviewNotes: 'Auto-cancelled: user deleted',
      requesterName: 'ann',
    })
    expect((await budgetRequests.get(kept.id))?.status).toBe('pending')
    const audited = (await auditedSince(world, seq)).filter(({ operation }) => operation !== 'LEASE_GRANTED')
    expect(audited.map(({ operation }) => operation)).toEqual(['USER_DELETED', 'USAGE_OVERRUN'])
    expect(audited[0]).toMatchObject({
      resourceType: 'user',
      resourceId: ann.id,
      actorId: owner.id,
      reason: 'left',
      metadata: {
        new_owner_id: owner.id,
        agents_affected: [running.agent.id, archived.agent.id],
        agents_count: 2,
        budget_requests_cancelled: [own.id, onForeign.id],
        api_tokens_revoked: [],
        sessions_ended: 0,
      },
    })
    const told = (await eventsOf(world, running.agent.id)).slice(events)
    expect(told.map(({ type }) => type)).toEqual(['lease.granted'])
    expect(await ledger.verify()).toEqual([])
    expect(await outcomeOf(owners.deleteUser(ann.id, owner.id))).toBe('USER_NOT_FOUND')
  })

  test('an agent that is orphaned twice names both owners, and its marks survive a change of tags', async () => {
    await using world = await createWorld(dialect)
    const { owners, owner, registry } = world
    const [ann, bob] = [await world.user('ann'), await world.user('bob', 'admin')]
    const { agent } = await world.agent({ ownerId: ann.id, tags: ['x'] })
    const byToken: Actor = { type: 'api_token', id: 'tok_1', userId: bob.id }
    expect((await owners.deleteUser(ann.id, byToken)).agentsAffected).toMatchObject([{ newOwnerId: bob.id }])
    await owners.deleteUser(bob.id, owner.id)
    const marks = ['orphaned', `original-owner:${ann.id}`, `original-owner:${bob.id}`]
    expect((await registry.get(agent.id))?.tags).toEqual(['x', ...marks])
    const tags = [...Array.from({ length: 20 }, (_, index) => `t${index}`), ...marks]
    expect((await registry.update(agent.id, { tags }, owner.id)).tags).toEqual(tags)
    expect(await outcomeOf(registry.update(agent.id, { tags: [...tags, 't20'] }, owner.id))).toBe('VALIDATION_ERROR')
  })

  test('ACL-09 ACL-10 refusals come through, also inside a transaction that goes on after them', async () => {
    await using world = await createWorld(dialect)
    const { owners, owner, registry, budgetRequests, db } = world
    const [ann, bob] = [await world.user('ann'), await world.user('bob')]
    const { agent } = await world.agent({ ownerId: ann.id })
    const request = await ask(world, agent.id, ann.id)
    await owners.suspendUser(bob.id, owner.id)
    const seq = await auditHead(world)
    const system: Actor = { type: 'system', id: 'system:test' }
    const attempts = [
      ['SELF_MODIFICATION_FORBIDDEN', ann.id, ann.id],
      ['LAST_ADMIN', owner.id, ann.id],
      ['USER_NOT_FOUND', 'nobody', owner.id],
      ['USER_NOT_FOUND', ann.id, bob.id],
      ['USER_NOT_FOUND', ann.id, 'nobody'],
      ['USER_NOT_FOUND', ann.id, system],
      ['VALIDATION_ERROR', '', owner.id],
    ] as const
    for (const [code, id, actor] of attempts) {
      expect([code, await outcomeOf(owners.deleteUser(id, actor))]).toEqual([code, code])
    }
    await db.write(async (tx) => {
      for (const [code, id, actor] of attempts) {
        expect([code, await outcomeOf(owners.deleteUser(id, actor, { tx }))]).toEqual([code, code])
      }
    })
    expect(await registry.get(agent.id)).toMatchObject({ ...agent, ownerId: ann.id, tags: [] })
    expect((await budgetRequests.get(request.id))?.status).toBe('pending')
    expect(await auditedSince(world, seq)).toEqual([])
    expect(await outcomeOf(owners.suspendUser(ann.id, ann.id))).toBe('SELF_MODIFICATION_FORBIDDEN')
    expect(await outcomeOf(owners.suspendUser(owner.id, ann.id))).toBe('LAST_ADMIN')
    expect(await outcomeOf(owners.suspendUser('nobody', owner.id))).toBe('USER_NOT_FOUND')
  })

  test('ACL-16 a budget requested while its requester is being deleted is cancelled with the others or refused', async () => {
    await using world = await createWorld(dialect)
    const { owners, owner, registry, budgetRequests } = world
    const other = await secondProcess(world)
    try {
      for (let round = 0; round < 4; round += 1) {
        const ann = await world.user(`ann-${round}`)
        const { agent } = await registry.create({ name: 'n', ownerId: ann.id, allocated: usd(1) }, owner.id)
        const request = {
          agentId: agent.id,
          requesterId: ann.id,
          requestedAllocated: usd(5),
          justification: 'x'.repeat(20),
        }
        const ask = (services: Services, ownerId?: string) =>
          outcomeOf(services.registry.requestBudget(request, ann.id, { ownerId }))
        const early = Array.from({ length: round * 2 }, (_, index) => ask(index % 2 === 0 ? world : other, ann.id))
        const deletion = owners.deleteUser(ann.id, owner.id)
        const late = Array.from({ length: 6 }, (_, index) => ask(index % 2 === 0 ? other : world, ann.id))
        const codes = await Promise.all([...early, ...late])
        const { budgetRequestsCancelled } = await deletion
        expect(codes.filter((code) => code !== 'AGENT_NOT_FOUND')).toEqual(budgetRequestsCancelled.map(() => 'ok'))
        expect((await budgetRequests.list({ status: 'pending' })).total).toBe(0)
        // Also to whom every agent is there: an admin who has been deleted asks for nothing.
        expect(await ask(world)).toBe('AGENT_NOT_FOUND')
      }
      const { agent } = await world.agent()
      const request = {
        agentId: agent.id,
        requesterId: owner.id,
        requestedAllocated: usd(500),
        justification: 'x'.repeat(20),
      }
      expect(await outcomeOf(registry.requestBudget(request, owner.id, { ownerId: 'user_other' }))).toBe(
        'AGENT_NOT_FOUND',
      )
      expect(await outcomeOf(registry.requestBudget({ ...request, agentId: 'agent_none' }, owner.id))).toBe(
        'AGENT_NOT_FOUND',
      )
      expect(await outcomeOf(registry.requestBudget(request, owner.id))).toBe('ok')
    } finally {
      await other.close()
    }
  })

  test('CON-23 an agent created while its owner is being deleted is moved with the others or refused', async () => {
    await using world = await createWorld(dialect)
    const { owners, owner, registry } = world
    const other = await secondProcess(world)
    const seen = new Set<string>()
    try {
      for (let round = 0; round < 6; round += 1) {
        const ann = await world.user(`ann-${round}`)
        const create = (services: Services) =>
          services.registry.create({ name: `n${round}`, ownerId: ann.id, allocated: usd(1) }, owner.id)
        const early = Array.from({ length: round * 2 }, (_, index) =>
          outcomeOf(create(index % 2 === 0 ? world : other)),
        )
        const deletion = owners.deleteUser(ann.id, owner.id)
        const late = Array.from({ length: 6 }, (_, index) => outcomeOf(create(index % 2 === 0 ? other : world)))
        const codes = await Promise.all([...early, ...late])
        const { agentsAffected } = await deletion
        for (const code of codes) seen.add(code)
        const created = codes.filter((code) => code === 'ok').length
        expect(agentsAffected).toHaveLength(created)
        expect((await registry.list({ ownerId: ann.id })).total).toBe(0)
        expect((await registry.list({ tag: `original-owner:${ann.id}` })).total).toBe(created)
      }
      expect(seen).toEqual(new Set(['ok', 'USER_NOT_FOUND']))
    } finally {
      await other.close()
    }
  })

  test('CON-19 of two admins who delete each other one stays and has all agents', async () => {
    await using world = await createWorld(dialect)
    const { owners, owner, registry, users } = world
    let survivor = owner
    for (let round = 0; round < 5; round += 1) {
      const rival = await world.user(`rival-${round}`, 'admin')
      await world.agent({ ownerId: survivor.id })
      await world.agent({ ownerId: rival.id })
      const codes = await Promise.all([
        outcomeOf(owners.deleteUser(rival.id, survivor.id)),
        outcomeOf(owners.deleteUser(survivor.id, rival.id)),
      ])
      expect(codes.toSorted()).toEqual(['USER_NOT_FOUND', 'ok'])
      if (codes[1] === 'ok') survivor = rival
      expect((await registry.list({ ownerId: survivor.id })).total).toBe((round + 1) * 2)
      expect(await users.isOnlyActiveAdmin(survivor.id)).toBe(true)
    }
  })

  test('CON-12 deleting owners whose agents change hands at the same time loses no agent', async () => {
    await using world = await createWorld(dialect)
    const { owners, owner, registry } = world
    const [ann, bob] = [await world.user('ann'), await world.user('bob')]
    const agents = await Promise.all([ann, bob, ann, bob].map(({ id }) => world.agent({ ownerId: id })))
    const moves = agents.flatMap(({ agent }) => [
      outcomeOf(registry.update(agent.id, { ownerId: bob.id }, owner.id)),
      outcomeOf(registry.update(agent.id, { ownerId: ann.id }, owner.id)),
    ])
    const deletions = [outcomeOf(owners.deleteUser(ann.id, owner.id)), outcomeOf(owners.deleteUser(bob.id, owner.id))]
    expect(await Promise.all(deletions)).toEqual(['ok', 'ok'])
    for (const code of await Promise.all(moves)) expect(['ok', 'USER_NOT_FOUND']).toContain(code)
    expect((await registry.list({ ownerId: owner.id })).total).toBe(4)
  })

  test('a user of very many agents can be deleted: the entry names as many as it can hold, the tag finds all', async () => {
    await using world = await createWorld(dialect)
    const { owners, owner, registry } = world
    const ann = await world.user('ann')
    const count = 450
    for (let index = 0; index < count; index += 50) {
      await world.db.write(async (tx) => {
        for (let n = 0; n < 50; n += 1) {
          const { agent } = await registry.create({ name: `n${index + n}`, ownerId: ann.id }, owner.id, { tx })
          const request = { agentId: agent.id, requesterId: ann.id, requestedAllocated: usd(5), justification: WHY }
          await world.budgetRequests.create(request, ann.id, { tx })
        }
      })
    }
    const seq = await auditHead(world)
    const deleted = await owners.deleteUser(ann.id, owner.id)
    expect([deleted.agentsAffected.length, deleted.budgetRequestsCancelled.length]).toEqual([count, count])
    const [entry] = await auditedSince(world, seq)
    const ids = deleted.agentsAffected.map(({ agentId }) => agentId)
    expect(entry?.metadata).toMatchObject({ agents_count: count, agents_affected: ids.slice(0, 400) })
    expect((await registry.list({ tag: `original-owner:${ann.id}` })).total).toBe(count)
  }, 60_000)
})
