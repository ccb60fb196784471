/** PRI-35 starts here: which indexes the questions use. Finished hours are read from the roll-ups, by time or by subject. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { PreparedQuery, ReadTx } from '@iron/database'
import { DIMENSIONS, type Period, type Scope } from '../src/index.ts'
import { call, DAY, HOUR, MINUTE, openWorld, PLACES, type World } from './world.ts'

/** The statements of every question about a period, as they reach the engine. */
async function statements(world: World, period: Period, scope: Scope): Promise<readonly PreparedQuery[]> {
  const seen: PreparedQuery[] = []
  await world.test.db.read(async (snapshot) => {
    const tx: ReadTx = {
      dialect: snapshot.dialect,
      sql: snapshot.sql,
      execute: (query) => {
        if (!query.sql.includes('statement_timeout')) seen.push(query)
        return snapshot.execute(query)
      },
    }
    const { analytics } = world
    await analytics.overview(period, scope, { tx })
    await analytics.totals(period, scope, { tx })
    await analytics.timeline('day', period, scope, { tx })
    await analytics.range(period, scope, { tx })
    for (const dimension of DIMENSIONS) await analytics.by(dimension, period, scope, { tx })
  })
  return seen
}

/** What the engine does for a statement, line by line. */
async function planOf({ test: { db } }: World, { sql, parameters }: PreparedQuery): Promise<string[]> {
  const explain = db.dialect === 'sqlite' ? 'EXPLAIN QUERY PLAN' : 'EXPLAIN (COSTS OFF)'
  const query = { sql: `${explain} ${sql}`, parameters }
  const { rows } = await db.read((tx) => tx.execute<{ detail?: string; 'QUERY PLAN'?: string }>(query))
  return rows.map((row) => row.detail ?? row['QUERY PLAN'] ?? '')
}

const HOURS = 30 * 24
const AGENTS = 50

/** Enough that PostgreSQL decides as it would with more: a call a minute for a month, and roll-ups of each hour and agent. */
async function fill({ clock, test }: World): Promise<void> {
  const from = clock.now() - HOURS * HOUR
  const count = (n: number): string =>
    `WITH RECURSIVE n(i) AS (SELECT CAST(0 AS bigint) UNION ALL SELECT i + 1 FROM n WHERE i < ${String(n - 1)})`
  await test.rows(`INSERT INTO requests (id, source, subject_id, provider, model, total_tokens, cost_micros, pricing, billed, at, received_at)
    ${count(HOURS * 60)} SELECT 'req-' || i, 'agent', 'agent-' || (i % ${String(AGENTS)}), 'p', 'm', 1, 1, 'reported', 0,
      ${String(from)} + i * ${String(MINUTE)}, ${String(from)} + i * ${String(MINUTE)} FROM n`)
  const zeros =
    'input_tokens, cache_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens, billed_micros, ceiling_micros'
  await test.rows(`INSERT INTO request_rollups (hour_start, subject_id, provider, model, outcome, requests, total_tokens, cost_micros, ${zeros})
    ${count(HOURS * AGENTS)} SELECT ${String(from)} + (i / ${String(AGENTS)}) * ${String(HOUR)}, 'agent-' || (i % ${String(AGENTS)}),
      'p', 'm', 'completed', 1, 1, 1, 0, 0, 0, 0, 0, 0, 0 FROM n`)
  const every = async (grain: string, ms: number, subjects: number): Promise<void> => {
    const subject = subjects === 1 ? "''" : `'agent-' || (i % ${String(subjects)})`
    await test.rows(`INSERT INTO request_sums (grain, start, subject_id, provider, model, outcome, requests, total_tokens, cost_micros, ${zeros})
      ${count(((HOURS * HOUR) / ms) * subjects)} SELECT '${grain}', ${String(from - (from % ms))} + (i / ${String(subjects)}) * ${String(ms)},
        ${subject}, 'p', 'm', 'completed', 1, 1, 1, 0, 0, 0, 0, 0, 0, 0 FROM n`)
  }
  await every('hour', HOUR, 1)
  await every('day', DAY, 1)
  await every('each_day', DAY, AGENTS)
  for (const key of ['rollup.hour', 'rollup.summed'])
    await test.rows('INSERT INTO meta (key, value) VALUES (?, ?)', key, String(clock.now() - 2 * HOUR))
  if (test.db.dialect === 'postgres') await test.rows('ANALYZE requests, request_rollups, request_sums')
}

/** Reading `requests` by an index of which a span of time is a condition. PostgreSQL writes the condition on the next line. */
const READS_CALLS = {
  sqlite: /(SEARCH|SCAN) requests\b/,
  postgres: /Scan .*\bon requests\b/,
}
const BY_TIME = {
  sqlite: /SEARCH requests USING [A-Z ]*INDEX \w+ \(.*\breceived_at>\? AND received_at<\?/,
  postgres: /(Index Cond|Recheck Cond): .*received_at >= .*received_at < /,
}

describe.each(PLACES)('query plans on $dialect $storage', (place) => {
  let world: World

  beforeAll(async () => {
    world = await openWorld(place)
    await world.user('u1')
    await world.token('t', { owner: 'u1', project: 'x' })
    await world.agent('agent-7', { owner: 'u1' })
    await fill(world)
  }, 60_000)
  afterAll(async () => {
    await world[Symbol.asyncDispose]()
  })

  test.each<Scope>([
    {},
    { ownerId: 'u1' },
    { agentId: 'agent-7' },
    { agentId: 'agent-7', ownerId: 'u1' },
    { provider: 'p', model: 'm', outcome: 'failed', source: 'agent', projectId: 'x' },
  ])('%p reads calls by time, whichever hours have changed', async (scope) => {
    const now = world.clock.now()
    const { dialect } = world.test.db
    await world.test.rows("DELETE FROM meta WHERE key LIKE 'rollup.dirty.%'")
    for (const changed of [undefined, now - 20 * DAY, now - 5 * HOUR]) {
      if (changed !== undefined)
        await world.test.rows('INSERT INTO meta (key, value) VALUES (?, ?)', `rollup.dirty.${String(changed)}`, '')
      const asked = [
        ...(await statements(world, { from: now - DAY, to: now }, scope)),
        ...(await statements(world, 'all-time', scope)),
      ].filter(({ sql }) => !sql.includes('EXISTS'))
      const plans = await Promise.all(asked.map((statement) => planOf(world, statement)))
      const reads = plans.flatMap((plan) =>
        plan.flatMap((line, index) => (READS_CALLS[dialect].test(line) ? [`${line} ${plan[index + 1] ?? ''}`] : [])),
      )
      for (const read of reads) expect(read).toMatch(BY_TIME[dialect])
      expect(reads.length).toBeGreaterThan(20)
      if (dialect === 'sqlite') expect(plans.flat().filter((line) => /SCAN request/.test(line))).toEqual([])
    }
  })

  test('PRI-25 finished hours are not read from their calls', async () => {
    await using world = await openWorld(place)
    const { analytics, clock, test } = world
    const from = clock.now()
    await world.requests.record(call({ cost: 5, latencyMs: 10 }))
    await world.rollUp()
    await test.rows('UPDATE requests SET cost_micros = 7, latency_ms = 70')
    const period = { from, to: from + HOUR }
    expect(await analytics.totals(period)).toMatchObject({ spend: 5, latency: { p50Ms: 10 } })
    expect((await analytics.overview(period)).topAgents).toMatchObject([{ cost: 5 }])
    for (const dimension of DIMENSIONS) expect((await analytics.by(dimension, period)).totals.cost).toBe(5)
    expect(await analytics.timeline('hour', period)).toMatchObject([{ cost: 5 }])
  })
})
