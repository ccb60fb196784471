/**
 * Every method against the naive model: random calls, telemetry and reports, clocks that stand, jump and step back, roll-ups
 * and pruning at random moments, agents that change hands, and random questions in between.
 */
import { describe, expect, test } from '@jest/globals'
import type { TestDbOptions } from '@iron/database/testing'
import type { Call } from '@iron/journal'
import fc from 'fast-check'
import { type Dimension, DIMENSIONS, type Period, PERIOD_NAMES, type Scope } from '../src/index.ts'
import {
  allGroups,
  costs,
  groups,
  inScope,
  knowsAgent,
  type Model,
  percentile,
  select,
  timeline,
  totals,
} from './model.ts'
import { billed, call, DAY, HOUR, MINUTE, openWorld, PLACES, type World } from './world.ts'

const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined })

/** 'c' has no budget; 'é' and '𝄞' sort by bytes, not by UTF-16. */
const subject = fc.constantFrom('a', 'a', 'b', 'c', '𝄞', 't1', 't2')
const provider = fc.constantFrom('p', 'q', '\uffee')
const model = fc.constantFrom('m', 'n', '𝄞')
const outcome = fc.constantFrom('completed' as const, 'failed' as const)

const told = fc.record({
  kind: fc.constantFrom('report' as const, 'telemetry' as const),
  subject,
  id: fc.nat(2),
  cost: fc.oneof(fc.constant(0), fc.nat(20), fc.nat(5_000_000)),
  provider: optional(provider),
  model: optional(model),
  outcome: optional(outcome),
  latencyMs: optional(fc.nat(3_000)),
  usage: optional(
    fc.record({
      input: fc.nat(50),
      cacheRead: fc.nat(50),
      output: fc.nat(50),
      reasoning: fc.nat(5),
      unsplit: fc.nat(9),
    }),
  ),
})
const wait = fc.record({
  kind: fc.constant('wait' as const),
  ms: fc.constantFrom(0, MINUTE, 20 * MINUTE, HOUR, 5 * HOUR, DAY, 20 * DAY, 35 * DAY, -90 * MINUTE),
})
const rollUp = fc.record({ kind: fc.constant('rollUp' as const), limit: fc.constantFrom(1, 1_000) })
const prune = fc.record({ kind: fc.constant('prune' as const) })
/** From a version that had no sums. */
const upgrade = fc.record({ kind: fc.constant('upgrade' as const) })
/** From a version whose roll-ups counted no single costs. */
const forgetCosts = fc.record({ kind: fc.constant('forgetCosts' as const) })
const hand = fc.record({
  kind: fc.constant('hand' as const),
  agent: fc.constantFrom('a', 'b'),
  owner: fc.constantFrom('u1', 'u2'),
})

const period: fc.Arbitrary<(now: number) => Period> = fc.oneof(
  fc.constantFrom(...PERIOD_NAMES).map((name) => () => name),
  fc
    .record({
      hours: fc.integer({ min: 1, max: 1_200 }),
      back: fc.integer({ min: 0, max: 3_000 }),
      ms: fc.nat(HOUR - 1),
    })
    .map(({ hours, back, ms }) => (now: number) => {
      const from = now - back * HOUR + ms
      return { from, to: from + hours * HOUR }
    }),
)
const scope: fc.Arbitrary<Scope> = fc.oneof(
  fc.constant({}),
  fc.record({
    ownerId: optional(fc.constantFrom('u1', 'u2', 'u3')),
    agentId: fc.constantFrom(undefined, undefined, undefined, 'a', 'b', 'c', 't1', 'nobody'),
    tokenId: fc.constantFrom(undefined, undefined, undefined, 't1', 't2', 'nobody'),
    projectId: fc.constantFrom(undefined, undefined, undefined, 'x', 'y'),
    source: fc.constantFrom(undefined, undefined, 'agent' as const, 'api_token' as const),
    provider: fc.constantFrom(undefined, undefined, 'p', 'q', 'P'),
    model: fc.constantFrom(undefined, undefined, 'm', '𝄞'),
    outcome: optional(outcome),
  }),
)
const question = fc.record({
  kind: fc.constant('ask' as const),
  period,
  scope,
  dimension: fc.constantFrom(...DIMENSIONS),
  sort: optional(
    fc.constantFrom('cost', '-cost', 'requests', '-requests', 'totalTokens', '-totalTokens', 'key', '-key'),
  ),
  page: fc.integer({ min: 1, max: 3 }),
  perPage: fc.integer({ min: 1, max: 4 }),
  bucket: fc.constantFrom('hour' as const, 'day' as const),
})

const step = fc.oneof(
  { weight: 8, arbitrary: told },
  { weight: 3, arbitrary: wait },
  { weight: 2, arbitrary: rollUp },
  { weight: 1, arbitrary: prune },
  { weight: 1, arbitrary: upgrade },
  { weight: 1, arbitrary: forgetCosts },
  { weight: 1, arbitrary: hand },
  { weight: 3, arbitrary: question },
)

/** Runs of the property: those in a file and on PostgreSQL each make a database. */
const RUNS = { memory: 60, file: 10, postgres: 10 }
/** How long a counterexample is searched and shrunk, in milliseconds. */
const SEARCH_MS = 100_000

describe.each(PLACES)('on $dialect $storage', (place) => {
  test('PRI-25 PRI-28 PRI-29 ACL-15 CON-26 every figure equals the naive one (property)', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 45 }), question, (steps, last) =>
        live(place, [...steps, last]),
      ),
      {
        numRuns: RUNS[place.dialect === 'postgres' ? 'postgres' : (place.storage ?? 'memory')],
        interruptAfterTimeLimit: SEARCH_MS,
      },
    )
  }, 120_000)
})

type Told = Of<typeof told>
type Question = Of<typeof question>
type Step = Of<typeof step>
type Of<A> = A extends fc.Arbitrary<infer T> ? T : never

async function live(place: TestDbOptions, steps: readonly Step[]): Promise<void> {
  await using world = await openWorld(place)
  const owners = new Map<string, string>([
    ['a', 'u1'],
    ['b', 'u2'],
    ['𝄞', 'u2'],
  ])
  await world.user('u1', 'Ann')
  await world.user('u2')
  await world.agent('a', { owner: 'u1', name: 'Agent A', allocated: 1_000 })
  await world.agent('b', { owner: 'u2', allocated: 7 })
  await world.agent('𝄞', { owner: 'u2', name: 'Agent G' })
  await world.token('t1', { owner: 'u1', project: 'x' })
  await world.token('t2', { owner: 'u2' })
  const calls = new Map<string, Call>()
  for (const step of steps) {
    if (step.kind === 'wait') world.clock.advance(step.ms)
    else if (step.kind === 'hand') {
      owners.set(step.agent, step.owner)
      await world.test.rows('UPDATE agent_budgets SET owner_id = ? WHERE agent_id = ?', step.owner, step.agent)
    } else if (step.kind === 'rollUp') await world.requests.rollUp({ limit: step.limit })
    else if (step.kind === 'upgrade') {
      await world.test.rows('DELETE FROM request_sums')
      await world.test.rows("DELETE FROM meta WHERE key = 'rollup.summed'")
    } else if (step.kind === 'forgetCosts') await world.forgetCosts()
    else if (step.kind === 'prune') await world.requests.prune({ olderThan: world.clock.now() - 60 * DAY })
    else if (step.kind === 'ask') await ask(world, modelOf(world, calls, owners), step)
    else await tell(world, step, calls)
  }
}

function modelOf(world: World, calls: ReadonlyMap<string, Call>, owners: ReadonlyMap<string, string>): Model {
  const agent = (id: string, name: string | null, allocated: number) =>
    [id, { owner: owners.get(id) ?? null, name, allocated }] as const
  return {
    calls: [...calls.values()],
    now: world.clock.now(),
    agents: new Map([agent('a', 'Agent A', 1_000), agent('b', null, 7), agent('𝄞', 'Agent G', 0)]),
    tokens: new Map([
      ['t1', { owner: 'u1', project: 'x' }],
      ['t2', { owner: 'u2', project: null }],
    ]),
    users: new Map([
      ['u1', 'Ann'],
      ['u2', 'u2'],
    ]),
  }
}

async function tell(world: World, { kind, subject, id, ...facts }: Told, calls: Map<string, Call>): Promise<void> {
  const requestId = `r${String(id)}`
  const who = subject.startsWith('t') ? { tokenId: subject } : { agentId: subject }
  const charge = kind === 'report' ? (who.tokenId === undefined ? billed : chargedToToken) : call
  try {
    const { call: recorded } = await world.requests.record(charge({ ...facts, ...who, requestId }))
    // A repeat of a call whose row was pruned is answered from its key, and counts nothing.
    const known = calls.has(recorded.id)
    const kept = await world.requests.get(recorded.id)
    if (kept !== undefined || !known) calls.set(recorded.id, kept ?? recorded)
  } catch (error) {
    expect(error).toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' })
  }
}

function chargedToToken(about: Parameters<typeof call>[0]) {
  return call({ ...about, billed: true })
}

async function ask(world: World, model: Model, question: Question): Promise<void> {
  const { analytics } = world
  const { scope, dimension, sort, page, perPage, bucket } = question
  const period = question.period(model.now)
  if (!knowsAgent(model, scope)) {
    const refused = { code: 'AGENT_NOT_FOUND' }
    await expect(analytics.totals(period, scope)).rejects.toMatchObject(refused)
    await expect(analytics.by(dimension, period, scope)).rejects.toMatchObject(refused)
    return
  }
  const calls = select(model, period, scope)
  const overview = await analytics.overview(period, scope)
  const { latency, ...rest } = await analytics.totals(period, scope)
  expect(rest).toEqual(totals(calls))
  near(latency.p50Ms, percentile(calls, 50))
  near(latency.p95Ms, percentile(calls, 95))
  const rows = groups(model, calls, dimension, sort)
  expect(await analytics.by(dimension, period, scope, { sort, page, perPage })).toEqual({
    data: rows.slice((page - 1) * perPage, page * perPage),
    page,
    perPage,
    total: rows.length,
    totals: allGroups(model, calls, dimension),
  })
  const top = (by: Dimension) => groups(model, calls, by).filter((row) => by !== 'agent' || row.key !== null)
  expect(overview).toEqual({
    totals: { ...rest, latency },
    topAgents: top('agent').slice(0, 5),
    topModels: top('model').slice(0, 5),
    byProvider: top('provider'),
  })
  await askSpans(world, model, period, scope, bucket)
}

async function askSpans(
  { analytics, test: db }: World,
  model: Model,
  period: Period,
  scope: Scope,
  bucket: 'hour' | 'day',
) {
  const calls = select(model, period, scope)
  const expected = timeline(model, bucket, period, scope)
  const points = analytics.timeline(bucket, period, scope)
  if (expected === undefined) await expect(points).rejects.toMatchObject({ code: 'VALIDATION_ERROR' })
  else expect(await points).toEqual(expected)

  const { from, to } = await analytics.range(period, scope)
  const earlier = inScope(model, scope).filter((call) => call.receivedAt <= model.now)
  const pruned = Number(
    (await db.scalar<string | undefined>("SELECT value FROM meta WHERE key = 'rollup.pruned'")) ?? -HOUR,
  )
  const gone = (call: Call): boolean => call.receivedAt < pruned + HOUR
  const costsFrom = Number(
    (await db.scalar<string | undefined>("SELECT value FROM meta WHERE key = 'rollup.costs'")) ?? 0,
  )
  if (period === 'all-time' && earlier.length > 0) {
    const first = Math.min(...earlier.map((call) => call.receivedAt))
    expect(from).toBe(earlier.some((call) => call.receivedAt === first && gone(call)) ? first - (first % HOUR) : first)
  }
  const spread = analytics.costs(period, scope)
  if (to - from > 31 * DAY || calls.some((made) => gone(made) && made.receivedAt < costsFrom)) {
    await expect(spread).rejects.toMatchObject({
      code: 'VALIDATION_ERROR',
      details: { fields: { period: expect.any(String) } },
    })
  } else expect(await spread).toEqual(costs(calls))
}

/** Within 5 percent. */
function near(actual: number | null, exact: number | null): void {
  if (exact === null || actual === null) expect(actual).toBe(exact)
  else expect(Math.abs(actual - exact)).toBeLessThanOrEqual(exact * 0.05)
}
