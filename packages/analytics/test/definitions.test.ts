/** The definitions of http-api 5.3, by figures worked out by hand; before and after the hours are rolled up and pruned. */
import { describe, expect, test } from '@jest/globals'
import { billed, call, DAY, HOUR, MINUTE, openWorld, PLACES, type World } from './world.ts'

/** Thursday 15 January 2026: 11:00 is the first hour with calls. */
const ELEVEN = Date.UTC(2026, 0, 15, 11)

/** Six calls in two hours: agents a and b, API token t; one failed call that cost money, one told without any figure. */
async function seed(world: World): Promise<void> {
  await world.user('u1', 'Ann Lee')
  await world.user('u2')
  await world.agent('a', { owner: 'u1', name: 'Agent A', allocated: 1_000 })
  await world.agent('b', { owner: 'u2' })
  await world.token('t', { owner: 'u2', project: 'x' })
  const { requests, clock } = world
  const openai = { provider: 'openai', model: 'gpt' }
  clock.set(ELEVEN)
  await requests.record(
    billed({
      requestId: 'r1',
      ...openai,
      cost: 100,
      usage: { input: 10, output: 5 },
      latencyMs: 10,
      outcome: 'completed',
    }),
  )
  await requests.record(
    billed({ requestId: 'r2', ...openai, cost: 51, usage: { input: 7, cacheRead: 3, unsplit: 1 }, latencyMs: 20 }),
  )
  await requests.record(
    call({ requestId: 'r3', provider: 'azure', model: 'gpt', cost: 9, outcome: 'failed', latencyMs: 1_000 }),
  )
  clock.set(ELEVEN + HOUR)
  await requests.record(call({ agentId: 'b', requestId: 'r1' }))
  await requests.record(
    call({ tokenId: 't', billed: true, cost: 100, model: 'gpt', usage: { output: 4 }, latencyMs: 15 }),
  )
  await requests.record(call({ tokenId: 't', billed: true, cost: 0, provider: 'openai', model: 'mini' }))
}

const TOTALS = {
  spend: 260,
  billed: 251,
  unbilled: 9,
  avgCostPerRequest: 44,
  requests: { total: 6, completed: 5, failed: 1, successRate: 83.33 },
  tokens: { input: 20, output: 9, total: 30 },
  latency: { p50Ms: 15, p95Ms: expect.any(Number) },
}

describe.each(PLACES)('definitions on $dialect $storage', (place) => {
  test('PRI-26 an empty database gives zeros and empty lists', async () => {
    await using world = await openWorld(place)
    const { analytics, clock } = world
    const nothing = {
      spend: 0,
      billed: 0,
      unbilled: 0,
      avgCostPerRequest: 0,
      requests: { total: 0, completed: 0, failed: 0, successRate: 0 },
      tokens: { input: 0, output: 0, total: 0 },
      latency: { p50Ms: null, p95Ms: null },
    }
    const usage = { requests: 0, completed: 0, failed: 0, inputTokens: 0, outputTokens: 0, totalTokens: 0, cost: 0 }
    const averages = { avgCostPerRequest: 0, avgTokensPerRequest: 0 }
    const empty = { data: [], page: 1, perPage: 50, total: 0 }
    for (const period of ['today', 'last-month', 'all-time'] as const) {
      expect(await analytics.totals(period)).toEqual(nothing)
      expect(await analytics.overview(period)).toEqual({
        totals: nothing,
        topAgents: [],
        topModels: [],
        byProvider: [],
      })
      for (const dimension of ['owner', 'provider', 'model', 'token', 'project', 'day'] as const) {
        const totals = { ...usage, ...averages, groups: 0, allocated: null, percentUsed: null }
        expect(await analytics.by(dimension, period)).toEqual({ ...empty, totals })
      }
      const totals = { ...usage, ...averages, groups: 0, allocated: 0, percentUsed: 0 }
      expect(await analytics.by('agent', period)).toEqual({ ...empty, totals })
    }
    expect(await analytics.timeline('day', 'all-time')).toEqual([])
    expect(await analytics.timeline('day', 'today')).toEqual([{ start: clock.now() - 12 * HOUR, ...usage }])
    expect(await analytics.costs('all-time')).toEqual({ requests: 0, spend: 0, avg: 0, median: 0, min: 0, max: 0 })
    const now = clock.now()
    expect(await analytics.range('all-time')).toEqual({ from: now, to: now, calculatedAt: now })
  })

  test('PRI-27 PRI-31 totals: failed calls count with their cost, money averages round up', async () => {
    await using world = await openWorld(place)
    await seed(world)
    expect(await world.analytics.totals('today')).toEqual(TOTALS)
    expect((await world.analytics.totals('today')).latency.p95Ms).toBeGreaterThanOrEqual(950)
    expect(await world.analytics.totals('today', { outcome: 'failed' })).toMatchObject({
      spend: 9,
      requests: { total: 1, completed: 0, failed: 1, successRate: 0 },
    })
    // The journal's own totals are the same sums.
    expect(await world.requests.totals()).toMatchObject({ requests: 6, failed: 1, totalTokens: 30, cost: 260 })
  })

  test('`now` counts a named period from another moment', async () => {
    await using world = await openWorld(place)
    await seed(world)
    const { analytics, clock } = world
    const { calculatedAt: now } = await analytics.range('today')
    clock.advance(DAY)
    expect(await analytics.totals('today')).toMatchObject({ spend: 0 })
    expect(await analytics.totals('today', {}, { now })).toEqual(TOTALS)
    expect(await analytics.totals('yesterday', {}, { now })).toMatchObject({ spend: 0 })
    expect((await analytics.by('model', 'today', {}, { now })).totals).toMatchObject({ cost: 260 })
    expect(await analytics.range('today', {}, { now })).toEqual({
      from: ELEVEN - 11 * HOUR,
      to: now,
      calculatedAt: now,
    })
    for (const wrong of [-1, 0.5, NaN]) {
      await expect(analytics.totals('today', {}, { now: wrong })).rejects.toMatchObject({
        code: 'VALIDATION_ERROR',
        details: { fields: { now: expect.any(String) } },
      })
    }
  })

  test('PRI-25 roll-ups and pruning change no figure', async () => {
    await using world = await openWorld(place)
    await seed(world)
    const { analytics, clock, requests, test } = world
    const period = { from: ELEVEN, to: ELEVEN + 2 * HOUR }
    const answers = async () => ({
      totals: await analytics.totals(period),
      overview: await analytics.overview(period),
      groups: await Promise.all(
        (['agent', 'owner', 'provider', 'model', 'token', 'project', 'day'] as const).map((d) =>
          analytics.by(d, period),
        ),
      ),
      timeline: await analytics.timeline('hour', period),
    })
    const raw = await answers()
    expect(raw.totals).toEqual(TOTALS)
    await world.rollUp()
    expect(await test.scalar('SELECT count(*) FROM request_rollups')).toBeGreaterThan(0)
    expect(await answers()).toEqual(raw)
    clock.advance(61 * DAY)
    await requests.rollUp()
    expect(await requests.prune({ olderThan: clock.now() - 60 * DAY })).toBe(6)
    expect(await answers()).toEqual(raw)
    expect(await analytics.range('all-time')).toMatchObject({ from: ELEVEN })
  })

  test('by agent: names, allocation of today, percent used; tokens are the group without key', async () => {
    await using world = await openWorld(place)
    await seed(world)
    const page = await world.analytics.by('agent', 'today')
    expect(page).toMatchObject({ total: 3, page: 1, perPage: 50 })
    expect(page.data).toEqual([
      expect.objectContaining({
        key: 'a',
        label: 'Agent A',
        provider: null,
        requests: 3,
        completed: 2,
        failed: 1,
        inputTokens: 20,
        outputTokens: 5,
        totalTokens: 26,
        cost: 160,
        allocated: 1_000,
        percentUsed: 16,
        avgCostPerRequest: 54,
        avgTokensPerRequest: 9,
      }),
      expect.objectContaining({ key: null, label: null, cost: 100, requests: 2, allocated: null, percentUsed: null }),
      expect.objectContaining({ key: 'b', label: null, cost: 0, requests: 1, allocated: 0, percentUsed: 0 }),
    ])
    // What tokens cost is not held against the allocation of agents.
    expect(page.totals).toMatchObject({
      groups: 3,
      cost: 260,
      allocated: 1_000,
      percentUsed: 16,
      avgCostPerRequest: 44,
    })
    const agentsOnly = await world.analytics.by('agent', 'today', { source: 'agent' })
    expect(agentsOnly.data.map((row) => row.key)).toEqual(['a', 'b'])
    expect(agentsOnly.totals).toMatchObject({ groups: 2, cost: 160, allocated: 1_000, percentUsed: 16 })
  })

  test('PRI-29 by model: one name at two providers is two groups, as is a model of no known provider', async () => {
    await using world = await openWorld(place)
    await seed(world)
    const { data, totals } = await world.analytics.by('model', 'today')
    expect(data.map(({ key, provider, cost, requests }) => [key, provider, cost, requests])).toEqual([
      ['gpt', 'openai', 151, 2],
      ['gpt', null, 100, 1],
      ['gpt', 'azure', 9, 1],
      ['mini', 'openai', 0, 1],
      [null, null, 0, 1],
    ])
    expect(totals).toMatchObject({ groups: 5, cost: 260, requests: 6, allocated: null, percentUsed: null })
  })

  test('by provider, token, owner, project and day', async () => {
    await using world = await openWorld(place)
    await seed(world)
    const keys = async (dimension: 'provider' | 'token' | 'owner' | 'project' | 'day') =>
      (await world.analytics.by(dimension, 'today')).data.map(({ key, label, cost }) => [key, label, cost])
    expect(await keys('provider')).toEqual([
      ['openai', null, 151],
      [null, null, 100],
      ['azure', null, 9],
    ])
    expect(await keys('token')).toEqual([
      [null, null, 160],
      ['t', 'name of t', 100],
    ])
    expect(await keys('owner')).toEqual([
      ['u1', 'Ann Lee', 160],
      ['u2', 'u2', 100],
    ])
    expect(await keys('project')).toEqual([
      [null, null, 160],
      ['x', null, 100],
    ])
    expect(await keys('day')).toEqual([['2026-01-15', null, 260]])
  })

  test('overview: the five dearest, agents only where agents are meant', async () => {
    await using world = await openWorld(place)
    await seed(world)
    for (let n = 1; n <= 6; n += 1) {
      await world.requests.record(call({ agentId: `agent-${String(n)}`, model: `model-${String(n)}`, cost: n }))
    }
    const { totals, topAgents, topModels, byProvider } = await world.analytics.overview('today')
    expect(totals).toEqual(await world.analytics.totals('today'))
    expect(topAgents.map((row) => row.key)).toEqual(['a', 'agent-6', 'agent-5', 'agent-4', 'agent-3'])
    expect(topModels.map((row) => [row.key, row.provider])).toEqual([
      ['gpt', 'openai'],
      ['gpt', null],
      ['gpt', 'azure'],
      ['model-6', null],
      ['model-5', null],
    ])
    expect(byProvider.map((row) => row.key)).toEqual(['openai', null, 'azure'])
    expect((await world.analytics.overview('today', { source: 'api_token' })).topAgents).toEqual([])
  })

  test('timeline: every span of the period, in UTC', async () => {
    await using world = await openWorld(place)
    await seed(world)
    const spans = await world.analytics.timeline('hour', { from: ELEVEN - HOUR, to: ELEVEN + 3 * HOUR })
    expect(spans.map(({ start, requests, cost }) => [start - ELEVEN, requests, cost])).toEqual([
      [-HOUR, 0, 0],
      [0, 3, 160],
      [HOUR, 3, 100],
      [2 * HOUR, 0, 0],
    ])
    const days = await world.analytics.timeline('day', 'last-7-days')
    expect(days.map(({ cost }) => cost)).toEqual([0, 0, 0, 0, 0, 0, 0, 260])
    // A period that begins within a day has the start of the day, and only its own calls.
    const part = await world.analytics.timeline('day', { from: ELEVEN + HOUR, to: ELEVEN + 2 * HOUR })
    expect(part).toMatchObject([{ start: ELEVEN - 11 * HOUR, requests: 3, cost: 100 }])
    const all = await world.analytics.timeline('hour', 'all-time')
    expect(all.map(({ start }) => start - ELEVEN)).toEqual([0, HOUR])
  })

  test('timeline: more than 1000 spans are refused', async () => {
    await using world = await openWorld(place)
    const { analytics, clock, requests } = world
    const to = clock.now()
    expect(await analytics.timeline('hour', { from: to - 1_000 * HOUR, to })).toHaveLength(1_000)
    const tooMany = { code: 'VALIDATION_ERROR', details: { fields: { period: expect.any(String) } } }
    await expect(analytics.timeline('hour', { from: to - 1_001 * HOUR, to })).rejects.toMatchObject(tooMany)
    await requests.record(call({}))
    clock.advance(1_001 * HOUR)
    await expect(analytics.timeline('hour', 'all-time')).rejects.toMatchObject(tooMany)
    expect(await analytics.timeline('day', 'all-time')).toHaveLength(43)
  })

  test('what was recorded before the question is in the answer, also in the same millisecond', async () => {
    await using world = await openWorld(place)
    const { analytics, clock, requests } = world
    clock.set(Date.UTC(2026, 1, 1))
    await requests.record(call({ cost: 3 }))
    for (const period of ['today', 'last-7-days', 'last-30-days', 'this-month', 'all-time'] as const) {
      expect(await analytics.totals(period)).toMatchObject({ spend: 3 })
      expect(await analytics.costs(period)).toMatchObject({ spend: 3 })
      expect((await analytics.timeline('day', period)).at(-1)).toMatchObject({ start: clock.now(), cost: 3 })
    }
    for (const period of ['yesterday', 'last-month'] as const) {
      expect(await analytics.totals(period)).toMatchObject({ spend: 0 })
    }
  })

  test('a call of the hour in progress is counted once, whatever the roll-ups have reached', async () => {
    await using world = await openWorld(place)
    const { analytics, clock, requests } = world
    clock.set(ELEVEN + 59 * MINUTE)
    await requests.record(call({ requestId: 'r1', cost: 1 }))
    clock.set(ELEVEN + HOUR + 4 * MINUTE)
    await requests.record(call({ requestId: 'r2', cost: 2 }))
    await requests.rollUp()
    expect(await analytics.totals('today')).toMatchObject({ spend: 3, requests: { total: 2 } })
    clock.advance(2 * MINUTE)
    await requests.rollUp()
    expect(await analytics.totals('today')).toMatchObject({ spend: 3, requests: { total: 2 } })
    // A finished hour that changes is read from its calls until it is rolled up again.
    await requests.record(billed({ requestId: 'r1', cost: 10 }))
    expect(await analytics.totals('today')).toMatchObject({ spend: 12, billed: 10, requests: { total: 2 } })
    await requests.rollUp()
    expect(await analytics.totals('today')).toMatchObject({ spend: 12, billed: 10, requests: { total: 2 } })
  })

  test('what is told late of calls in finished hours is in the next answer', async () => {
    await using world = await openWorld(place)
    const { analytics, requests } = world
    for (const requestId of ['r1', 'r2']) await requests.record(call({ requestId, cost: 1 }))
    await world.rollUp()
    await requests.record(call({ requestId: 'r1', outcome: 'failed', provider: 'p', latencyMs: 9 }))
    for (const rolled of [false, true]) {
      if (rolled) await world.rollUp()
      expect(await analytics.totals('today')).toMatchObject({
        spend: 2,
        requests: { total: 2, failed: 1 },
        latency: { p50Ms: 9 },
      })
      expect((await analytics.by('provider', 'today')).data).toMatchObject([
        { key: 'p', cost: 1 },
        { key: null, cost: 1 },
      ])
    }
  })

  test('latency is read over all hours of a period, however many there are', async () => {
    await using world = await openWorld(place)
    const { analytics, clock, requests } = world
    for (let latencyMs = 1; latencyMs <= 20; latencyMs += 1) {
      await requests.record(call({ latencyMs }))
      clock.advance(18 * HOUR)
    }
    expect((await analytics.totals('all-time')).latency).toEqual({ p50Ms: 10, p95Ms: 19 })
    await world.rollUp()
    expect((await analytics.totals('all-time')).latency).toEqual({ p50Ms: 10, p95Ms: 19 })
    const first = { from: ELEVEN + HOUR, to: ELEVEN + HOUR + 72 * HOUR + HOUR }
    expect((await analytics.totals(first)).latency).toEqual({ p50Ms: 3, p95Ms: 5 })
  })
})

describe.each(PLACES)('many changed hours on $dialect $storage', (place) => {
  test('more of them than are read one by one change no figure', async () => {
    await using world = await openWorld(place)
    const { analytics, clock, requests, test } = world
    const start = clock.now()
    const ids = Array.from({ length: 12 }, (_, index) => `r${String(index)}`)
    for (const requestId of ids) {
      await requests.record(call({ requestId, cost: 1 }))
      clock.advance(100 * HOUR)
    }
    await world.rollUp()
    const period = { from: start + 50 * HOUR, to: start + 450 * HOUR }
    const answers = async () => [
      await analytics.totals('all-time'),
      await analytics.totals(period),
      await analytics.by('day', 'all-time'),
      await analytics.range('all-time'),
      await requests.totals(),
    ]
    const before = await answers()
    expect(before.slice(0, 2)).toMatchObject([{ spend: 12 }, { spend: 4 }])
    for (const requestId of ids) await requests.record(call({ requestId, traceId: 'late' }))
    // A note of an hour without calls is as good as one of an hour with some.
    for (let hour = start + 2 * HOUR; hour < start + 1_100 * HOUR; hour += 2 * HOUR) {
      if ((hour - start) % (100 * HOUR) === 0) continue
      await test.rows('INSERT INTO meta (key, value) VALUES (?, ?)', `rollup.dirty.${String(hour)}`, String(hour))
    }
    expect(await test.scalar("SELECT count(*) FROM meta WHERE key LIKE 'rollup.dirty.%'")).toBeGreaterThan(500)
    expect(await answers()).toEqual(before)
    await requests.record(call({ requestId: 'r0', latencyMs: 9 }))
    expect(await analytics.totals('all-time')).toMatchObject({ spend: 12, latency: { p50Ms: 9 } })
  })
})

describe.each(PLACES)('costs of single calls on $dialect $storage', (place) => {
  test('the median of an even count is the mean of the two in the middle; averages round up', async () => {
    await using world = await openWorld(place)
    const { analytics, requests } = world
    const table: [readonly number[], { avg: number; median: number; min: number; max: number }][] = [
      [[7], { avg: 7, median: 7, min: 7, max: 7 }],
      [[7, 8], { avg: 8, median: 8, min: 7, max: 8 }],
      [[0, 0, 5], { avg: 2, median: 0, min: 0, max: 5 }],
      [[1, 4, 4, 4, 9, 10], { avg: 6, median: 4, min: 1, max: 10 }],
      [[1, 2, 5, 5], { avg: 4, median: 4, min: 1, max: 5 }],
    ]
    for (const rolled of [false, true]) {
      if (rolled) await world.rollUp()
      for (const [index, [amounts, expected]] of table.entries()) {
        const agentId = `agent-${String(index)}`
        if (!rolled) for (const cost of amounts) await requests.record(call({ agentId, cost }))
        const spend = amounts.reduce((sum, amount) => sum + amount, 0)
        const all = { requests: amounts.length, spend, ...expected }
        expect(await analytics.costs('today', { agentId })).toEqual(all)
      }
    }
  })

  test('a period of more than 31 days is refused, also when all time is that long', async () => {
    await using world = await openWorld(place)
    const { analytics, clock, requests } = world
    const to = clock.now()
    const tooLong = { code: 'VALIDATION_ERROR', details: { fields: { period: expect.stringContaining('31 days') } } }
    expect(await analytics.costs({ from: to - 31 * DAY, to })).toMatchObject({ requests: 0 })
    await expect(analytics.costs({ from: to - 31 * DAY - HOUR, to })).rejects.toMatchObject(tooLong)
    await requests.record(call({ cost: 5 }))
    clock.advance(31 * DAY)
    expect(await analytics.costs('all-time')).toMatchObject({ requests: 1, median: 5 })
    clock.advance(1)
    await expect(analytics.costs('all-time')).rejects.toMatchObject(tooLong)
    expect(await analytics.costs('all-time', { agentId: 'a', outcome: 'failed' })).toMatchObject({ requests: 0 })
  })

  test('a period of which calls were pruned that had been rolled up without costs is refused', async () => {
    await using world = await openWorld(place)
    const { analytics, clock, requests } = world
    const start = clock.now()
    await requests.record(call({ agentId: 'a', cost: 1 }))
    clock.advance(HOUR)
    await requests.record(call({ agentId: 'b', cost: 2 }))
    clock.advance(60 * DAY)
    await requests.rollUp()
    await world.forgetCosts()
    expect(await requests.prune({ olderThan: clock.now() - 60 * DAY })).toBe(1)
    const gone = {
      code: 'VALIDATION_ERROR',
      details: { fields: { period: expect.stringContaining('no longer kept') } },
    }
    const period = { from: start, to: start + DAY }
    await expect(analytics.costs(period)).rejects.toMatchObject(gone)
    expect(await analytics.costs(period, { agentId: 'b' })).toMatchObject({ requests: 1, spend: 2 })
    expect(await analytics.costs({ ...period, from: start + HOUR })).toMatchObject({ requests: 1, spend: 2 })
  })

  test('an hour of which some calls are left counts as pruned', async () => {
    await using world = await openWorld(place)
    const { analytics, clock, requests } = world
    const start = clock.now()
    for (let minute = 1; minute <= 2; minute += 1) {
      clock.advance(MINUTE)
      await requests.record(call({ cost: minute }))
    }
    clock.advance(61 * DAY)
    await requests.rollUp()
    await world.forgetCosts()
    expect(await requests.prune({ olderThan: clock.now() - 60 * DAY, limit: 1 })).toBe(1)
    expect(await analytics.range('all-time')).toMatchObject({ from: start })
    expect(await analytics.totals('all-time')).toMatchObject({ spend: 3 })
    const gone = {
      code: 'VALIDATION_ERROR',
      details: { fields: { period: expect.stringContaining('no longer kept') } },
    }
    await expect(analytics.costs({ from: start, to: start + HOUR })).rejects.toMatchObject(gone)
  })

  test('costs outlive their calls, and are exact in periods that begin and end within a day', async () => {
    await using world = await openWorld(place)
    const { analytics, clock, requests } = world
    const start = clock.now()
    for (let hour = 0; hour < 60; hour += 1) {
      await requests.record(call({ agentId: hour % 2 === 0 ? 'a' : 'b', cost: hour * hour }))
      clock.advance(HOUR)
    }
    clock.advance(60 * DAY)
    await world.rollUp()
    for (const pruned of [false, true]) {
      if (pruned) expect(await requests.prune({ olderThan: clock.now() - 60 * DAY })).toBe(60)
      const period = { from: start + 3 * HOUR, to: start + 58 * HOUR }
      expect(await analytics.costs(period)).toMatchObject({ requests: 55, median: 30 * 30, min: 9, max: 57 * 57 })
      const even = { requests: 27, median: 30 * 30, min: 16, max: 56 * 56 }
      expect(await analytics.costs(period, { agentId: 'a' })).toMatchObject(even)
      const odd = { requests: 28, median: (29 * 29 + 31 * 31) / 2, min: 9, max: 57 * 57 }
      expect(await analytics.costs(period, { agentId: 'b' })).toMatchObject(odd)
    }
  })
})
