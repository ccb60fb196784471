import { describe, expect, jest, test } from '@jest/globals'
import { type Microdollars, usd } from '@iron/cost-calculator'
import { TABLE_OWNERS, verifyKeptSums } from '@iron/database'
import { enginesForTests } from '@iron/database/testing'
import * as fc from 'fast-check'
import { type BatchItem, LeaseError, type ReportResult, type UsageReport } from '../../src/index.ts'
import { call, HOUR, MINUTE, openWorld, type World } from '../world.ts'

const AGENT = 'agent-1'
const OTHER = 'agent-2'

/** Leases a report may name. */
const LEASES = ['first', 'second', 'third', 'returned', 'of another', 'unknown'] as const
type LeaseName = (typeof LEASES)[number]

interface Told {
  readonly lease: LeaseName
  readonly report: UsageReport
}

interface Story {
  /** From the first grant to the batches, in milliseconds. */
  readonly waits: readonly [number, number]
  /** The clock runs ahead, an hour is rolled up, and it comes back. */
  readonly stepsBack: boolean
  readonly batches: readonly (readonly Told[])[]
  /** Without it, whoever's the leases are. */
  readonly names: boolean
}

/** Half of the ids were used before the batch: billed, or told of by telemetry. */
const requestId = fc.constantFrom('billed-1', 'billed-2', 'told-1', 'told-2', 'a', 'b', 'c', 'd', 'e', 'f')
const micros = (...amounts: number[]) => fc.constantFrom(...amounts.map((amount) => usd(amount)))

const report: fc.Arbitrary<UsageReport> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ requestId, model: fc.constant('gpt-4o'), cost: micros(0, 0.5, 1, 1, 1, 3, 7) }) },
  fc.record({ requestId, model: fc.constantFrom('gpt-4o', 'gpt-4o-mini'), cost: micros(1) }),
  fc.record({
    requestId,
    model: fc.constant('gpt-4o'),
    outcome: fc.constant('failed' as const),
    errorCode: fc.constant('timeout'),
  }),
  fc.record({
    requestId,
    model: fc.constant('gpt-4o'),
    usage: fc.record({ input: fc.constantFrom(0, 40_000), output: fc.constant(1_000) }),
    latencyMs: fc.constant(12),
  }),
  // Refused before anything is read.
  fc.record({ requestId, model: fc.constant('gpt-4o'), cost: fc.constant(0.5 as Microdollars) }),
)

const story: fc.Arbitrary<Story> = fc.record({
  waits: fc.tuple(
    fc.constantFrom(0, 20 * MINUTE, 50 * MINUTE),
    fc.constantFrom(0, 15 * MINUTE, 60 * MINUTE, 62 * MINUTE),
  ),
  stepsBack: fc.boolean(),
  batches: fc.array(
    fc.array(
      fc.record({
        lease: fc.oneof({ weight: 6, arbitrary: fc.constantFrom('first', 'second') }, fc.constantFrom(...LEASES)),
        report,
      }) as fc.Arbitrary<Told>,
      { minLength: 1, maxLength: 12 },
    ),
    { minLength: 1, maxLength: 2 },
  ),
  names: fc.boolean(),
})

/** A world in which the story has come to its batches, and the ids of its leases. */
async function begun(
  dialect: 'sqlite' | 'postgres',
  { waits, stepsBack }: Story,
): Promise<{ world: World; ids: Record<LeaseName, string> }> {
  const world = await openWorld({ dialect, leases: { ttlMs: HOUR, graceMs: MINUTE } })
  const { budgets, leases, requests, clock } = world
  await budgets.create(AGENT, usd(20), { ownerId: 'owner-1' })
  await budgets.create(OTHER, usd(20), { ownerId: 'owner-1' })
  const open = async (agentId: string, amount: number) => (await leases.open(agentId, usd(amount))).lease.id
  const ids: Record<LeaseName, string> = {
    first: await open(AGENT, 4),
    returned: await open(AGENT, 3),
    'of another': await open(OTHER, 3),
    unknown: 'lease-unknown',
    second: '',
    third: '',
  }
  clock.advance(waits[0])
  ids.second = await open(AGENT, 5)
  ids.third = await open(AGENT, 2)
  for (const id of ['told-1', 'told-2']) {
    await requests.record({ agentId: AGENT, requestId: id, model: 'gpt-4o', cost: usd(0), latencyMs: 5 })
  }
  await leases.report(ids.first, call('billed-1', 1))
  await leases.report(ids.third, call('billed-2', 1))
  await leases.returnLease(ids.returned, { spent: usd(2) })
  clock.advance(waits[1])
  if (stepsBack) {
    clock.advance(3 * HOUR)
    await requests.rollUp()
    clock.advance(-3 * HOUR)
  }
  return { world, ids }
}

/** Everything in the database, but for ids that were given out in another order and the chains that hold them. */
async function everything({ test: db }: World): Promise<unknown> {
  const calls = await db.rows<{ id: string; subject_id: string; request_id: string }>('SELECT * FROM requests')
  const names = new Map(calls.map(({ id, subject_id, request_id: named }) => [id, `${subject_id} ${named}`]))
  const named = (text: string): string =>
    text.replace(/req_[0-9a-f-]{36}/g, (id) => names.get(id) ?? id).replace(/(evt|aud)_[0-9a-f-]{36}/g, '$1')
  const tables: Record<string, unknown> = {}
  for (const table of Object.keys(TABLE_OWNERS)) {
    // Sums are held by transactions that differ; that they are right is verified.
    if (table === 'schema_migrations' || table === 'budget_sums' || table === 'list_counts') continue
    const rows = await db.rows<Record<string, unknown>>(`SELECT * FROM ${table}`)
    const isChained = table === 'audit_log' || table === 'log_heads'
    const kept = table === 'meta' ? rows.filter(({ key }) => String(key).startsWith('rollup.')) : rows
    tables[table] = kept
      .map((row) => named(JSON.stringify(isChained ? { ...row, hash: 0, prev_hash: 0, head_hash: 0 } : row)))
      .sort()
  }
  return tables
}

async function oneByOne(
  { leases }: World,
  items: readonly { readonly leaseId: string; readonly report: UsageReport }[],
  agentId: string | undefined,
): Promise<BatchItem<ReportResult>[]> {
  const results: BatchItem<ReportResult>[] = []
  for (const item of items) {
    try {
      results.push({ ok: true, result: await leases.report(item.leaseId, item.report, { agentId }) })
    } catch (error) {
      if (!(error instanceof LeaseError)) throw error
      const { code, message, details } = error
      results.push({ ok: false, error: { code, message, details } })
    }
  }
  return results
}

jest.setTimeout(180_000)

describe.each(await enginesForTests())('batches on %s', (dialect) => {
  test('a batch leaves what its reports leave one by one, and answers the same (CON-07)', async () => {
    await fc.assert(
      fc.asyncProperty(story, async (told) => {
        const apart = await begun(dialect, told)
        await using one = apart.world
        const together = await begun(dialect, told)
        await using all = together.world
        expect(together.ids).toEqual(apart.ids)
        const agentId = told.names ? AGENT : undefined
        for (const batch of told.batches) {
          const items = batch
            .filter(({ lease }) => told.names || lease !== 'of another')
            .map((item) => ({ leaseId: apart.ids[item.lease], report: item.report }))
          if (items.length === 0) continue
          expect(await all.leases.reportBatch(items, { agentId })).toEqual(await oneByOne(one, items, agentId))
          expect(await everything(all)).toEqual(await everything(one))
        }
        expect(await all.ledger.verify()).toEqual([])
        expect(await verifyKeptSums(all.test.db)).toEqual([])
      }),
      { numRuns: dialect === 'sqlite' ? 60 : 8 },
    )
  })
})
