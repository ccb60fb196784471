import { describe, expect, test } from '@jest/globals'
import { usd, ZERO } from '@iron/cost-calculator'
import { enginesForTests } from '@iron/database/testing'
import { auditedSince, auditHead, createWorld, eventsOf, outcomeOf, type World } from './world.ts'

const WHY = 'The crawl needs twice as many pages.'

function ask({ budgetRequests }: World, agentId: string, requesterId: string, amount = 200) {
  const request = { agentId, requesterId, requestedAllocated: usd(amount), justification: WHY }
  return budgetRequests.create(request, requesterId)
}

describe.each(await enginesForTests())('budget requests of agents on %s', (dialect) => {
  test('ACL-07 the only active admin approves the own request; with another one nobody does', async () => {
    await using world = await createWorld(dialect)
    const { registry, owner, owners, users } = world
    const { agent } = await world.agent()
    const first = await ask(world, agent.id, owner.id, 150)
    expect(first).toMatchObject({ agentName: 'triage', requesterName: 'admin' })
    expect((await registry.approveBudgetRequest(first.id, owner.id)).budget).toMatchObject({ allocated: usd(150) })

    const [other, suspended] = [await world.user('other', 'admin'), await world.user('gone', 'admin')]
    const own = await ask(world, agent.id, owner.id)
    for (const actor of [owner.id, { type: 'api_token', id: 'tok_1', userId: owner.id } as const])
      expect(await outcomeOf(registry.approveBudgetRequest(own.id, actor))).toBe('SELF_APPROVAL_FORBIDDEN')
    // Suspended and deleted admins review nothing.
    await owners.suspendUser(other.id, owner.id)
    await owners.deleteUser(suspended.id, owner.id)
    const approved = await registry.approveBudgetRequest(own.id, owner.id, {
      approvedAllocated: usd(180),
      reviewNotes: 'Nobody else is here.',
    })
    expect(approved).toMatchObject({
      previousAllocated: usd(150),
      budget: { allocated: usd(180), agentName: 'triage' },
      request: {
        status: 'approved',
        reviewedBy: owner.id,
        reviewedByName: 'admin',
        reviewNotes: 'Nobody else is here.',
      },
    })

    await users.activateUser(other.id, owner.id)
    const third = await ask(world, agent.id, owner.id)
    expect(await outcomeOf(registry.approveBudgetRequest(third.id, owner.id))).toBe('SELF_APPROVAL_FORBIDDEN')
    expect(await outcomeOf(registry.approveBudgetRequest(third.id, other.id))).toBe('ok')
    expect(await outcomeOf(registry.approveBudgetRequest('breq_none', other.id))).toBe('BUDGET_REQUEST_NOT_FOUND')
    const told = (await eventsOf(world, agent.id)).map(({ type, data }) => [type, data.reason, data.allocated_usd])
    expect(told).toEqual([
      ['budget.changed', 'request_approved', 150],
      ['budget.changed', 'request_approved', 180],
      ['budget.changed', 'request_approved', 200],
    ])
  })

  test('archiving cancels what is pending, in the same commit and named by its one entry', async () => {
    await using world = await createWorld(dialect)
    const { registry, owner, leases, budgetRequests, clock } = world
    const { agent } = await world.agent()
    const other = await world.agent()
    const ann = await world.user('ann')
    const decided = await ask(world, agent.id, ann.id, 120)
    await budgetRequests.reject(decided.id, 'Not before the next quarter.', owner.id)
    const [a, b] = [await ask(world, agent.id, ann.id), await ask(world, agent.id, owner.id)]
    const kept = await ask(world, other.agent.id, ann.id)
    const { lease } = await leases.open(agent.id, usd(3))
    const seq = await auditHead(world)
    const archived = await registry.archive(agent.id, owner.id)
    expect(archived).toMatchObject({
      budgetRequestsCancelled: [a.id, b.id],
      leasesRevoked: [lease.id],
      released: usd(3),
      agent: { status: 'archived', state: 'stopped', desiredState: 'stopped' },
    })
    expect(await budgetRequests.get(a.id)).toMatchObject({
      status: 'cancelled',
      cancelledBy: null,
      cancelledAt: clock.now(),
      reviewNotes: 'Auto-cancelled: agent archived',
    })
    expect((await budgetRequests.get(decided.id))?.status).toBe('rejected')
    expect((await budgetRequests.get(kept.id))?.status).toBe('pending')
    const audited = await auditedSince(world, seq)
    expect(audited.map(({ operation }) => operation)).toEqual(['LEASE_REVOKED', 'AGENT_ARCHIVED'])
    expect(audited[1]?.metadata).toEqual({
      leases_revoked: [lease.id],
      released_usd: 3,
      budget_requests_cancelled: [a.id, b.id],
    })
    expect(await registry.archive(agent.id, owner.id)).toMatchObject({
      budgetRequestsCancelled: [],
      leasesRevoked: [],
      released: ZERO,
    })
    expect(await outcomeOf(registry.approveBudgetRequest(a.id, owner.id))).toBe('REQUEST_ALREADY_REVIEWED')
    expect(await outcomeOf(ask(world, agent.id, ann.id))).toBe('AGENT_ARCHIVED')
  })

  test('CON-18 archiving, approving and asking at once leave nothing pending and nothing paid twice', async () => {
    await using world = await createWorld(dialect)
    const { registry, owner, budgetRequests, ledger, budgets } = world
    await world.user('other', 'admin')
    const { agent } = await world.agent()
    const ann = await world.user('ann')
    const asked = await Promise.all(Array.from({ length: 5 }, (_, index) => ask(world, agent.id, ann.id, 150 + index)))
    const work = [
      ...asked.slice(0, 3).map(({ id }) => outcomeOf(registry.approveBudgetRequest(id, owner.id))),
      outcomeOf(registry.archive(agent.id, owner.id)),
      outcomeOf(registry.archive(agent.id, owner.id)),
      ...asked.slice(3).map(({ id }) => outcomeOf(registry.approveBudgetRequest(id, owner.id))),
      outcomeOf(ask(world, agent.id, ann.id, 500)),
    ]
    await Promise.all(work)
    expect((await budgetRequests.list({ status: 'pending' })).total).toBe(0)
    const approved = (await budgetRequests.list({ status: 'approved' })).data.map(
      ({ approvedAllocated }) => approvedAllocated,
    )
    expect((await budgets.get(agent.id))?.allocated).toBe(Math.max(usd(100), ...approved.map((amount) => amount ?? 0)))
    const archivings = (await auditedSince(world)).filter(({ operation }) => operation === 'AGENT_ARCHIVED')
    expect(archivings).toHaveLength(1)
    expect(await ledger.verify()).toEqual([])
  })
})
