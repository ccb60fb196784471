/** The rows of a lease are those of its agent's ledger that name it, however many of them its index has. */
import { describe, expect, test } from '@jest/globals'
import { usd } from '@iron/cost-calculator'
import { verifyKeptSums } from '@iron/database'
import { enginesForTests, plansOf, seededRandom } from '@iron/database/testing'
import type { LedgerEntry } from '../../src/index.ts'
import { ADMIN, call, openWorld, type World } from '../world.ts'

const AGENTS = ['agent-1', 'agent-2']

async function pages(
  { ledger }: World,
  agentId: string,
  leaseId: string | undefined,
  order: 'asc' | 'desc',
  limit: number,
): Promise<LedgerEntry[]> {
  const found: LedgerEntry[] = []
  let after: string | undefined
  do {
    const page = await ledger.list({ agentId, leaseId }, { order, limit, after })
    found.push(...page.data)
    after = page.nextCursor ?? undefined
  } while (after !== undefined)
  return found
}

describe.each(await enginesForTests())('rows of a lease on %s', (dialect) => {
  test.each([1, 2])('are those that name it (seed %i)', async (seed) => {
    await using world = await openWorld({ dialect })
    const { budgets, leases, test: t } = world
    const random = seededRandom(seed)
    const upTo = (most: number): number => Math.floor(random() * most)
    const open = new Map<string, string>()
    const all: (readonly [agentId: string, leaseId: string])[] = []
    for (const agentId of AGENTS) await budgets.create(agentId, usd(1_000), { actor: ADMIN })
    let calls = 0
    const report = (): ReturnType<typeof call> => call(`call-${String((calls += 1))}`, 0.01)
    for (let step = 0; step < 100; step += 1) {
      const agentId = AGENTS[upTo(AGENTS.length)] as string
      const own = [...open].filter(([, owner]) => owner === agentId).map(([id]) => id)
      const leaseId = own[upTo(own.length)]
      if (leaseId === undefined || (own.length < 3 && random() < 0.3)) {
        const { lease } = await leases.open(agentId, usd(2))
        open.set(lease.id, agentId)
        all.push([agentId, lease.id])
      } else if (random() < 0.15) {
        await leases.returnLease(leaseId)
        open.delete(leaseId)
      } else if (random() < 0.5) {
        await leases.reportBatch(Array.from({ length: 1 + upTo(30) }, () => ({ leaseId, report: report() })))
      } else await leases.report(leaseId, report())
      // Late reports name leases that ended long ago.
      const [, ended] = all[upTo(all.length)] ?? []
      if (ended !== undefined && random() < 0.2) await leases.report(ended, report())
    }
    expect(await verifyKeptSums(t.db)).toEqual([])
    const entries = await t.scalar<number>('SELECT count(*) FROM lease_entries')
    let indexed = 0
    for (const agentId of AGENTS) {
      const whole = await pages(world, agentId, undefined, 'asc', 500)
      expect(whole.length).toBeGreaterThan(130)
      const last = whole.length - (whole.length % 64)
      indexed += whole.filter(({ seq, leaseId }) => seq <= last && leaseId !== null).length
      for (const [, leaseId] of all) {
        // Another agent's lease has no rows here.
        const wanted = whole.filter((entry) => entry.leaseId === leaseId)
        for (const limit of [1 + upTo(40), 500]) {
          expect(await pages(world, agentId, leaseId, 'asc', limit)).toEqual(wanted)
          expect(await pages(world, agentId, leaseId, 'desc', limit)).toEqual([...wanted].reverse())
        }
      }
    }
    expect(entries).toBe(indexed)
  })

  test('are found by their index, and the last ones among the last of the agent', async () => {
    await using world = await openWorld({ dialect })
    const read = plansOf(world.test.db, (tx) => world.ledger.list({ agentId: 'a', leaseId: 'lease_1' }, { tx }))
    const plans = (await read).map(({ plan }) => plan).join('\n')
    expect(plans).toMatch(/lease_entries USING PRIMARY KEY \(lease_id=\? AND seq>\? AND seq<\?\)|lease_entries_pkey/)
    expect(plans).not.toMatch(/Seq Scan|SCAN (lease|ledger)_entries|TEMP B-TREE/)
    if (dialect === 'sqlite')
      expect(plans).toMatch(/ledger_entries USING PRIMARY KEY \(agent_id=\? AND seq>\? AND seq<\?\)/)
  })

  test('what a return booked is told again, whether or not its row is in the index yet', async () => {
    await using world = await openWorld({ dialect })
    const { budgets, leases, test: t } = world
    const agentId = 'agent-1'
    await budgets.create(agentId, usd(1_000), { actor: ADMIN })
    const { lease } = await leases.open(agentId, usd(5))
    await leases.report(lease.id, call('told', 1))
    expect(await leases.returnLease(lease.id, { spent: usd(3) })).toMatchObject({
      unreported: usd(2),
      duplicate: false,
    })
    const again = { unreported: usd(2), duplicate: true }
    expect(await leases.returnLease(lease.id, { spent: usd(3) })).toMatchObject(again)
    const { lease: next } = await leases.open(agentId, usd(5))
    for (let seq = 7; seq <= 70; seq += 1) {
      await leases.report(next.id, call(`call-${String(seq)}`, 0.01))
      if (seq < 62 || seq > 66) continue
      expect(await t.scalar('SELECT max(seq) FROM ledger_entries')).toBe(seq)
      expect(await t.scalar('SELECT count(*) FROM lease_entries')).toBe(seq < 64 ? 0 : 63)
      expect(await leases.returnLease(lease.id, { spent: usd(3) })).toMatchObject(again)
    }
  })

  test('what is missing in the index, or too much, is found', async () => {
    await using world = await openWorld({ dialect })
    const { budgets, leases, test: t } = world
    await budgets.create('agent-1', usd(1_000), { actor: ADMIN })
    const { lease } = await leases.open('agent-1', usd(5))
    const { lease: other } = await leases.open('agent-1', usd(5))
    await leases.reportBatch(
      Array.from({ length: 70 }, (_, index) => ({ leaseId: lease.id, report: call(`call-${String(index)}`, 0.01) })),
    )
    expect(await verifyKeptSums(t.db)).toEqual([])
    await t.rows('DELETE FROM lease_entries WHERE seq = 10')
    await t.rows('INSERT INTO lease_entries (lease_id, seq) VALUES (?, 10)', other.id)
    const fault = { table: 'lease_entries', what: 'entries', kept: null, computed: null }
    expect(await verifyKeptSums(t.db)).toEqual([lease.id, other.id].sort().map((key) => ({ ...fault, key })))
  })
})
