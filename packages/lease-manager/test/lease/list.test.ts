import { describe, expect, test } from '@jest/globals'
import { usd } from '@iron/cost-calculator'
import { enginesForTests } from '@iron/database/testing'
import type { Lease } from '../../src/index.ts'
import { ADMIN, HOUR, MINUTE, openWorld, type World } from '../world.ts'

const AGENTS = ['agent-1', 'agent-2'] as const

/** Leases of every status, some made at the same time. */
async function lend({ leases, clock }: World, agentId: string): Promise<string[]> {
  const ids: string[] = []
  const open = async (): Promise<string> => {
    const { lease } = await leases.open(agentId, usd(1))
    ids.push(lease.id)
    return lease.id
  }
  const [closed, revoked] = [await open(), await open()]
  await leases.returnLease(closed)
  await leases.revoke(revoked, ADMIN)
  await open()
  clock.advance(HOUR)
  const refreshed = await leases.refresh(await open(), usd(2))
  ids.push(refreshed.lease.id)
  await open()
  await leases.returnLease(await open())
  return ids
}

/** All pages, one after the other. */
async function pages({ leases }: World, filter: object, order: 'asc' | 'desc', limit: number): Promise<Lease[]> {
  const found: Lease[] = []
  let after: string | undefined
  do {
    const page = await leases.list(filter, { order, limit, after })
    expect(page.data.length).toBeLessThanOrEqual(limit)
    found.push(...page.data)
    after = page.nextCursor ?? undefined
  } while (after !== undefined)
  return found
}

describe.each(await enginesForTests())('leases on %s', (dialect) => {
  test('are listed by agent and by the status they have now, in pages that neither skip nor repeat', async () => {
    await using world = await openWorld({ dialect, leases: { ttlMs: HOUR, graceMs: MINUTE } })
    for (const agent of AGENTS) await world.budgets.create(agent, usd(100))
    const ids = [...(await lend(world, 'agent-1')), ...(await lend(world, 'agent-2'))]
    const all = (await Promise.all(ids.map((id) => world.leases.get(id)))) as Lease[]
    const oldestFirst = all.sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1))
    const statuses = ['active', 'expired', 'closed', 'superseded', 'revoked'] as const
    expect(new Set(all.map(({ status }) => status))).toEqual(new Set(statuses))
    for (const status of [undefined, ...statuses]) {
      for (const agentId of [undefined, ...AGENTS, 'agent-3']) {
        const expected = oldestFirst.filter(
          (lease) => (agentId ?? lease.agentId) === lease.agentId && (status ?? lease.status) === lease.status,
        )
        expect(await pages(world, { agentId, status }, 'asc', 2)).toEqual(expected)
        expect(await pages(world, { agentId, status }, 'desc', 3)).toEqual(expected.toReversed())
      }
    }
  })
})
