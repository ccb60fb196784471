/** Totals that no agent is looked at for are those of the agents, whatever became of them. */
import { describe, expect, test } from '@jest/globals'
import { usd } from '@iron/cost-calculator'
import { verifyKeptSums } from '@iron/database'
import { enginesForTests } from '@iron/database/testing'
import { createWorld, grant } from './world.ts'

describe.each(await enginesForTests())('on %s', (dialect) => {
  test('agents by state and status, users by role and status', async () => {
    await using world = await createWorld(dialect)
    const { registry, users, budgets, leases, owner, db } = world
    const ids: string[] = []
    for (let n = 0; n < 8; n += 1) ids.push((await world.agent({ name: `agent ${String(n)}` })).agent.id)
    const [first = '', second = '', third = ''] = ids
    const lease = await grant(world, first, usd(5))
    await leases.report(lease, { requestId: 'r1', model: 'gpt-4o', cost: usd(7) })
    await leases.returnLease(lease)
    await registry.stop(second, owner.id)
    await registry.archive(third, owner.id)
    await budgets.setAllocation(first, usd(50), owner.id, { force: true })
    const somebody = await world.user('somebody')
    await world.user('another', 'viewer')
    await users.suspendUser(somebody.id, owner.id)

    for (const status of [undefined, 'active', 'archived'] as const) {
      for (const state of [undefined, 'running', 'idle', 'stopped', 'failed'] as const) {
        const { data, total } = await registry.list({ status, state })
        expect([status, state, total]).toEqual([status, state, data.length])
      }
    }
    for (const status of [undefined, 'active', 'suspended', 'deleted'] as const) {
      for (const role of [undefined, 'admin', 'user', 'viewer'] as const) {
        const { data, total } = await users.listUsers({ status, role })
        expect([status, role, total]).toEqual([status, role, data.length])
      }
    }
    const { agents, budget } = await registry.overview()
    const { agents: owned, budget: ofOwner } = await registry.overview({ ownerId: owner.id })
    expect([agents, budget]).toEqual([owned, ofOwner])
    expect(agents.total).toBe(7)
    expect(await verifyKeptSums(db)).toEqual([])
  })
})
