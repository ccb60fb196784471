import { describe, expect, jest, test } from '@jest/globals'
import { type Microdollars, usd } from '@iron/cost-calculator'
import { enginesForTests } from '@iron/database/testing'
import * as fc from 'fast-check'
import { openWorld, type World } from '../world.ts'

const AGENT = 'agent-1'

interface Told {
  readonly requestId: string
  readonly cost: number
}

/** What the books say, without the order things happened in. */
async function books({ test: db, budgets, ledger }: World): Promise<unknown> {
  const budget = await budgets.get(AGENT)
  expect(await ledger.verify()).toEqual([])
  const rows = await db.rows<{ type: string; total: unknown }>(
    'SELECT type, SUM(amount_micros) AS total FROM ledger_entries GROUP BY type ORDER BY type',
  )
  return {
    spent: budget?.spent,
    reserved: budget?.reserved,
    moved: rows.map(({ type, total }) => [type, Number(total)]),
    calls: await db.rows('SELECT request_id, cost_micros, billed FROM requests WHERE billed = 1 ORDER BY request_id'),
  }
}

/** Reports as they arrive: every call at least once, in any order, some again. */
const arrivals = fc
  .uniqueArray(fc.record({ requestId: fc.integer({ min: 1, max: 99 }).map((n) => `r${n}`), cost: fc.nat(4_000_000) }), {
    selector: ({ requestId }) => requestId,
    minLength: 1,
    maxLength: 8,
  })
  .chain((calls) =>
    fc.record({
      calls: fc.constant<readonly Told[]>(calls),
      order: fc.array(fc.nat(calls.length - 1), { maxLength: 8 }).chain((repeats) =>
        fc.shuffledSubarray([...calls.keys(), ...repeats.map((index) => index)], {
          minLength: calls.length + repeats.length,
        }),
      ),
      cuts: fc.array(fc.boolean(), { minLength: 20, maxLength: 20 }),
    }),
  )

async function lent(dialect: 'sqlite' | 'postgres'): Promise<{ world: World; leaseId: string }> {
  const world = await openWorld({ dialect })
  await world.budgets.create(AGENT, usd(12))
  const { lease } = await world.leases.open(AGENT, usd(10))
  return { world, leaseId: lease.id }
}

function report({ requestId, cost }: Told) {
  return { requestId, model: 'gpt-4o', cost: cost as Microdollars }
}

jest.setTimeout(120_000)

describe.each(await enginesForTests())('reports on %s', (dialect) => {
  const runs = { numRuns: dialect === 'sqlite' ? 40 : 2 }

  test('P3 I15: any order and any repeats book the same calls, once (CON-01)', async () => {
    await fc.assert(
      fc.asyncProperty(arrivals, async ({ calls, order }) => {
        const straight = await lent(dialect)
        await using first = straight.world
        for (const call of calls) await first.leases.report(straight.leaseId, report(call))
        const shuffled = await lent(dialect)
        await using second = shuffled.world
        for (const index of order) await second.leases.report(shuffled.leaseId, report(calls[index]!))
        expect(await books(second)).toEqual(await books(first))
      }),
      runs,
    )
  })

  test('P4: however they are split into batches (CON-07)', async () => {
    await fc.assert(
      fc.asyncProperty(arrivals, async ({ calls, order, cuts }) => {
        const single = await lent(dialect)
        await using first = single.world
        for (const index of order) await first.leases.report(single.leaseId, report(calls[index]!))
        const batched = await lent(dialect)
        await using second = batched.world
        let batch: Parameters<typeof second.leases.reportBatch>[0] = []
        for (const [position, index] of order.entries()) {
          batch = [...batch, { leaseId: batched.leaseId, report: report(calls[index]!) }]
          if (cuts[position] === true || position === order.length - 1) {
            await second.leases.reportBatch(batch)
            batch = []
          }
        }
        expect(await books(second)).toEqual(await books(first))
      }),
      runs,
    )
  })

  test('P11: telemetry before, between and after them changes no balance', async () => {
    await fc.assert(
      fc.asyncProperty(arrivals, async ({ calls, order, cuts }) => {
        const quiet = await lent(dialect)
        await using first = quiet.world
        for (const index of order) await first.leases.report(quiet.leaseId, report(calls[index]!))
        const chatty = await lent(dialect)
        await using second = chatty.world
        for (const [position, index] of order.entries()) {
          const { requestId } = calls[(index + position) % calls.length]!
          const telemetry = {
            agentId: AGENT,
            requestId,
            model: 'gpt-4o',
            cost: 0 as Microdollars,
            billed: false,
            latencyMs: 5,
          }
          if (cuts[position] === true) await second.requests.record(telemetry)
          await second.leases.report(chatty.leaseId, report(calls[index]!))
          if (cuts[position] !== true) await second.requests.record(telemetry)
        }
        expect(await books(second)).toEqual(await books(first))
      }),
      runs,
    )
  })

  test('MON-08: report only, return only, both, or neither until expiry, spent ends at the true usage', async () => {
    const style = fc.constantFrom('report', 'return', 'both', 'late', 'neither' as const)
    await fc.assert(
      fc.asyncProperty(arrivals, style, async ({ calls, order }, client) => {
        const { world, leaseId } = await lent(dialect)
        await using w = world
        const total = calls.reduce((sum, { cost }) => sum + cost, 0)
        const deliver = async () => {
          for (const index of order) await w.leases.report(leaseId, report(calls[index]!))
        }
        if (client === 'report' || client === 'both') await deliver()
        if (client === 'return' || client === 'both')
          await w.leases.returnLease(leaseId, { spent: total as Microdollars })
        if (client === 'late') {
          await w.leases.returnLease(leaseId, { spent: total as Microdollars })
          await deliver()
        }
        w.clock.advance(2 * 3_600_000)
        await w.leases.sweep()
        const budget = await w.budgets.get(AGENT)
        expect([budget?.spent, budget?.reserved]).toEqual([client === 'neither' ? 0 : total, 0])
        expect(await w.ledger.verify()).toEqual([])
      }),
      runs,
    )
  })
})
