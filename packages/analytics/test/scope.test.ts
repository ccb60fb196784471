import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { DIMENSIONS, type Period, type Scope } from '../src/index.ts'
import { call, openWorld, PLACES, type World } from './world.ts'

async function seed(world: World, callers: readonly string[] = ['a1', 'a2', 't1', 't2']): Promise<void> {
  for (const user of ['u1', 'u2']) await world.user(user)
  await world.agent('a1', { owner: 'u1', name: 'One', allocated: 100 })
  await world.agent('a2', { owner: 'u2', name: 'Two', allocated: 1_000 })
  await world.agent('idle', { owner: 'u2', name: 'Idle' })
  await world.token('t1', { owner: 'u1', project: 'x' })
  await world.token('t2', { owner: 'u2', project: 'x' })
  const calls = [
    call({ agentId: 'a1', cost: 1, provider: 'p', model: 'm', latencyMs: 5 }),
    call({ agentId: 'a2', cost: 20, provider: 'q', model: 'n', latencyMs: 500, outcome: 'failed' }),
    call({ tokenId: 't1', cost: 300, model: 'm' }),
    call({ tokenId: 't2', cost: 4_000, provider: 'p', model: 'n' }),
  ]
  for (const each of calls) {
    if (callers.includes((each.agentId ?? each.tokenId) as string)) await world.requests.record(each)
  }
}

/** Every answer there is. */
async function everything({ analytics }: World, period: Period, scope: Scope): Promise<unknown[]> {
  return [
    await analytics.overview(period, scope),
    await analytics.totals(period, scope),
    await analytics.timeline('hour', period, scope),
    await analytics.costs(period, scope),
    await analytics.range(period, scope),
    ...(await Promise.all(DIMENSIONS.map((dimension) => analytics.by(dimension, period, scope)))),
  ]
}

describe.each(PLACES)('filters on $dialect $storage', (place) => {
  const worlds: World[] = []

  beforeAll(async () => {
    for (const rolled of [false, true]) {
      const world = await openWorld(place)
      worlds.push(world)
      await seed(world)
      if (rolled) await world.rollUp()
    }
  })
  afterAll(async () => {
    for (const world of worlds) await world[Symbol.asyncDispose]()
  })

  test.each<[Scope, number]>([
    [{}, 4_321],
    [{ ownerId: 'u1' }, 301],
    [{ ownerId: 'u2' }, 4_020],
    [{ ownerId: 'nobody' }, 0],
    [{ agentId: 'a2' }, 20],
    [{ agentId: 'a2', ownerId: 'u2' }, 20],
    [{ tokenId: 't1' }, 300],
    [{ tokenId: 't1', ownerId: 'u2' }, 0],
    [{ tokenId: 'nobody' }, 0],
    [{ tokenId: 't1', agentId: 'a1' }, 0],
    [{ projectId: 'x' }, 4_300],
    [{ projectId: 'x', ownerId: 'u1' }, 300],
    [{ source: 'agent' }, 21],
    [{ source: 'api_token' }, 4_300],
    [{ provider: 'p' }, 4_001],
    [{ provider: 'P' }, 0],
    [{ model: 'm' }, 301],
    [{ outcome: 'failed' }, 20],
    [{ outcome: 'completed', provider: 'p', model: 'n', ownerId: 'u2', source: 'api_token' }, 4_000],
  ])('PRI-28 %p on every question, of calls and of roll-ups', async (scope, spend) => {
    for (const { analytics } of worlds) {
      const totals = await analytics.totals('today', scope)
      expect(totals.spend).toBe(spend)
      expect((await analytics.overview('today', scope)).totals).toEqual(totals)
      expect((await analytics.costs('today', scope)).spend).toBe(spend)
      const points = await analytics.timeline('hour', 'today', scope)
      expect(points.reduce((sum, point) => sum + point.cost, 0)).toBe(spend)
      for (const dimension of DIMENSIONS) {
        const { data, totals: all } = await analytics.by(dimension, 'today', scope, { perPage: 1 })
        expect([all.cost, data.length]).toEqual([spend, totals.requests.total === 0 ? 0 : 1])
      }
    }
  })
})

describe.each(PLACES)('scope on $dialect $storage', (place) => {
  test('ACL-05 nothing of another owner shows through, in no figure of any question', async () => {
    await using world = await openWorld(place)
    await using alone = await openWorld(place)
    await seed(world)
    await seed(alone, ['a1', 't1'])
    const scope = { ownerId: 'u1' }
    const answers = await everything(alone, 'today', scope)
    expect(await everything(world, 'today', scope)).toEqual(answers)
    for (const each of [world, alone]) await each.rollUp()
    await world.requests.record(call({ agentId: 'a2', cost: 7 }))
    expect(await everything(world, 'today', scope)).toEqual(await everything(alone, 'today', scope))
    expect(JSON.stringify(answers)).not.toMatch(/a2|Two|t2|u2|"q"|"n"/)
  })

  test('ACL-05 all time begins with the first call of the scope', async () => {
    await using world = await openWorld(place)
    const { analytics, clock, requests } = world
    await world.agent('a1', { owner: 'u1' })
    await requests.record(call({ agentId: 'a2' }))
    await world.rollUp()
    const first = clock.now()
    await requests.record(call({ agentId: 'a1' }))
    const range = async () => (await analytics.range('all-time', { ownerId: 'u1' })).from
    expect(await range()).toBe(first)
    await world.rollUp()
    expect(await range()).toBe(first)
  })

  test('an agent that is not the owner’s, or is nobody’s, is not found: on every question alike', async () => {
    await using world = await openWorld(place)
    await seed(world)
    const { analytics } = world
    const scopes: Scope[] = [
      { ownerId: 'u1', agentId: 'a2' },
      { ownerId: 'u1', agentId: 'missing' },
      { ownerId: 'nobody', agentId: 'a1' },
      { agentId: 'missing' },
      { agentId: 't1' },
      { agentId: 't1', ownerId: 'u1' },
    ]
    for (const scope of scopes) {
      const refused = {
        code: 'AGENT_NOT_FOUND',
        message: 'there is no such agent',
        details: { agentId: scope.agentId },
      }
      await expect(analytics.overview('today', scope)).rejects.toMatchObject(refused)
      await expect(analytics.totals('today', scope)).rejects.toMatchObject(refused)
      await expect(analytics.by('model', 'today', scope)).rejects.toMatchObject(refused)
      await expect(analytics.timeline('day', 'today', scope)).rejects.toMatchObject(refused)
      await expect(analytics.costs('today', scope)).rejects.toMatchObject(refused)
      await expect(analytics.range('today', scope)).rejects.toMatchObject(refused)
    }
    expect(await analytics.totals('today', { agentId: 'idle' })).toMatchObject({ spend: 0 })
    expect(await analytics.totals('today', { agentId: 'idle', ownerId: 'u2' })).toMatchObject({ spend: 0 })
  })

  test('where there are no budgets, an agent is known by its calls, also when only roll-ups are left of them', async () => {
    await using world = await openWorld(place)
    await world.requests.record(call({ agentId: 'opaque', cost: 3 }))
    const spend = async () => (await world.analytics.totals('all-time', { agentId: 'opaque' })).spend
    expect(await spend()).toBe(3)
    await world.rollUp()
    world.clock.advance(62 * 24 * 3_600_000)
    await world.requests.prune({ olderThan: world.clock.now() - 60 * 24 * 3_600_000 })
    expect(await world.test.scalar('SELECT count(*) FROM requests')).toBe(0)
    expect(await spend()).toBe(3)
    expect((await world.analytics.by('agent', 'all-time')).data).toMatchObject([
      { key: 'opaque', label: null, allocated: 0 },
    ])
    expect((await world.analytics.by('owner', 'all-time')).data).toMatchObject([{ key: null, label: null, cost: 3 }])
  })

  test('ACL-15 a new owner has the whole history at once, the old one none of it', async () => {
    await using world = await openWorld(place)
    await seed(world)
    await world.rollUp()
    await world.requests.record(call({ agentId: 'a2', cost: 50_000 }))
    const { analytics } = world
    const spends = async () =>
      Promise.all(['u1', 'u2'].map(async (ownerId) => (await analytics.totals('today', { ownerId })).spend))
    expect(await spends()).toEqual([301, 54_020])
    await world.test.rows("UPDATE agent_budgets SET owner_id = 'u1' WHERE agent_id = 'a2'")
    expect(await spends()).toEqual([50_321, 4_000])
    expect((await analytics.by('owner', 'today')).data.map((row) => [row.key, row.cost])).toEqual([
      ['u1', 50_321],
      ['u2', 4_000],
    ])
    expect(await analytics.totals('today', { ownerId: 'u1', agentId: 'a2' })).toMatchObject({ spend: 50_020 })
    const refused = { code: 'AGENT_NOT_FOUND' }
    await expect(analytics.totals('today', { ownerId: 'u2', agentId: 'a2' })).rejects.toMatchObject(refused)
    await world.test.rows("UPDATE agent_budgets SET owner_id = NULL WHERE agent_id = 'a2'")
    await expect(analytics.totals('today', { ownerId: 'u1', agentId: 'a2' })).rejects.toMatchObject(refused)
    expect(await spends()).toEqual([301, 4_000])
  })

  test('PRI-34 archived agents, revoked tokens and deleted users keep their names', async () => {
    await using world = await openWorld(place)
    await seed(world)
    const now = world.clock.now()
    await world.test.rows('UPDATE agent_budgets SET archived_at = ?', now)
    await world.test.rows('UPDATE api_tokens SET revoked_at = ?, revoked_by = ?', now, 'u1')
    await world.test.rows('UPDATE users SET deleted_at = ?, deleted_by = ?', now, 'u1')
    const labels = async (dimension: 'agent' | 'token' | 'owner') =>
      (await world.analytics.by(dimension, 'today', {}, { sort: 'key' })).data.map((row) => row.label)
    expect(await labels('agent')).toEqual(['One', 'Two', null])
    expect(await labels('token')).toEqual(['name of t1', 'name of t2', null])
    expect(await labels('owner')).toEqual(['u1', 'u2'])
  })
})

describe.each(PLACES.slice(0, 1))('bad questions', (place) => {
  test('VAL-11 every fault is named at once', async () => {
    await using world = await openWorld(place)
    const { analytics } = world
    const text = expect.any(String)
    const scope = {
      ownerId: '',
      agentId: 'x'.repeat(256),
      tokenId: 7,
      projectId: 'x'.repeat(101),
      source: 'user',
      provider: '',
      model: 'a\u0000b',
      outcome: 'unknown',
    } as unknown as Scope
    const faults = { period: text, ...Object.fromEntries(Object.keys(scope).map((field) => [field, text])) }
    const bad = 'never' as 'today'
    const refused = (fields: object) => ({ code: 'VALIDATION_ERROR', details: { fields } })
    await expect(analytics.totals(bad, scope)).rejects.toMatchObject(refused(faults))
    await expect(analytics.timeline('week' as 'day', bad, scope)).rejects.toMatchObject(
      refused({ ...faults, bucket: text }),
    )
    const page = { page: 0, perPage: 101, sort: 'costs' }
    await expect(analytics.by('team' as 'agent', bad, scope, page)).rejects.toMatchObject(
      refused({ ...faults, dimension: text, page: text, perPage: text, sort: text }),
    )
    await expect(analytics.by('constructor' as 'agent', 'today')).rejects.toMatchObject(refused({ dimension: text }))
  })
})
