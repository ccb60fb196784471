import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { manualClock, type ManualClock } from '@iron/test-kit'
import { startApi, type TestApi } from '../support/api.ts'
import type { Answer } from '../support/http-client.ts'
import { ADMIN, createAgent, expectStatus } from '../support/server-process.ts'

type Headers = Record<string, string>

const PASSWORD = 'correct horse battery'
const MINUTE_MS = 60_000
let api: TestApi
let clock: ManualClock
let admin: Headers

beforeAll(async () => {
  clock = manualClock()
  api = await startApi({ prices: [{ model: 'demo-large', usdPerMillion: { input: '2.5', output: '10' } }] }, { clock })
  admin = await sessionOf(ADMIN.email, ADMIN.password)
})
afterAll(async () => {
  await api[Symbol.asyncDispose]()
})

async function sessionOf(email: string, password = PASSWORD): Promise<Headers> {
  const { body } = expectStatus(await api.client.post('/auth/login', { email, password }), 200)
  return { Authorization: `Bearer ${String(body.access_token)}` }
}
let made = 0
async function newUser(): Promise<{ id: string; session: Headers }> {
  made += 1
  const email = `lim${made}@example.com`
  const user = expectStatus(
    await api.client.post('/users', { username: `lim${made}`, email, password: PASSWORD }, admin),
    201,
  )
  return { id: String(user.body.id), session: await sessionOf(email) }
}
async function tokenOf(session: Headers, projectId?: string): Promise<Headers> {
  const body = { name: 'script', ...(projectId === undefined ? {} : { project_id: projectId }) }
  return { 'X-API-Token': String(expectStatus(await api.client.post('/tokens', body, session), 201).body.token) }
}
const createLimit = async (body: object): Promise<Record<string, unknown>> =>
  expectStatus(await api.client.post('/limits', body, admin), 201).body as Record<string, unknown>

describe('limits', () => {
  test('are created, read, changed and lifted, each with one audit entry', async () => {
    const { id, session } = await newUser()
    const created = await api.client.post(
      '/limits',
      { user_id: id, max_tokens_per_day: 1_000, max_cost_per_month_usd: 12.345678 },
      admin,
    )
    expectStatus(created, 201)
    expect(created.body).toEqual({
      id: expect.stringMatching(/^lim_/),
      user_id: id,
      project_id: null,
      max_tokens_per_day: 1_000,
      max_requests_per_minute: null,
      max_cost_per_month_usd: 12.345678,
      usage: { tokens_today: 0, requests_this_minute: 0, cost_this_month_usd: 0, reserved_usd: 0 },
      resets_at: {
        minute: '2026-01-15T12:01:00.000Z',
        day: '2026-01-16T00:00:00.000Z',
        month: '2026-02-01T00:00:00.000Z',
      },
      created_at: '2026-01-15T12:00:00.000Z',
      updated_at: '2026-01-15T12:00:00.000Z',
    })
    const path = `/limits/${String(created.body.id)}`
    expect(created.headers.location).toBe(`/api/v1${path}`)
    expect(expectStatus(await api.client.get(path, session), 200).body).toEqual(created.body)
    const changed = await api.client.patch(path, { max_tokens_per_day: null, max_requests_per_minute: 0 }, admin)
    expect(expectStatus(changed, 200).body).toMatchObject({
      max_tokens_per_day: null,
      max_requests_per_minute: 0,
      max_cost_per_month_usd: 12.345678,
    })
    const twice = await api.client.post('/limits', { user_id: id, max_tokens_per_day: 1 }, admin)
    expect([twice.status, twice.body.code, twice.body.details]).toEqual([
      409,
      'DUPLICATE_LIMIT',
      { existing_id: created.body.id },
    ])
    await createLimit({ user_id: id, project_id: 'alpha', max_tokens_per_day: 1 })
    const listed = expectStatus(await api.client.get('/limits', session), 200)
    expect(listed.body.pagination.total).toBe(2)
    expect(expectStatus(await api.client.get(`/limits?project_id=alpha`, session), 200).body.data).toHaveLength(1)
    expectStatus(await api.client.delete(path, admin), 204)
    expect((await api.client.get(path, admin)).body.code).toBe('LIMIT_NOT_FOUND')
    expect((await api.client.delete(path, admin)).status).toBe(404)
    const log = `/audit?resource_id=${String(created.body.id)}&order=asc`
    const { body } = expectStatus(await api.client.get(log, admin), 200)
    expect((body.data as { operation: string }[]).map(({ operation }) => operation)).toEqual([
      'LIMIT_CREATED',
      'LIMIT_UPDATED',
      'LIMIT_DELETED',
    ])
  })

  test('MON-03 VAL-05 VAL-13 bad maxima are refused with their field', async () => {
    const { id } = await newUser()
    for (const [body, field] of [
      [{ max_tokens_per_day: -1 }, 'max_tokens_per_day'],
      [{ max_tokens_per_day: 1.5 }, 'max_tokens_per_day'],
      [{ max_requests_per_minute: '5' }, 'max_requests_per_minute'],
      [{ max_cost_per_month_usd: 0.0000001 }, 'max_cost_per_month_usd'],
      [{ max_cost_per_month_usd: 1_000_000_000.5 }, 'max_cost_per_month_usd'],
      [{ project_id: '', max_tokens_per_day: 1 }, 'project_id'],
      [{}, '$'],
      [{ max_tokens_per_day: null, max_requests_per_minute: null }, '$'],
      [{ max_tokens_per_day: null }, '$'],
    ] as const) {
      const answer = expectStatus(await api.client.post('/limits', { user_id: id, ...body }, admin), 400)
      expect([body, Object.keys(answer.body.details.fields as object)]).toEqual([body, [field]])
    }
    const unknown = { user_id: 'user_00000000-0000-7000-8000-0000000000ff', max_tokens_per_day: 1 }
    expect((await api.client.post('/limits', unknown, admin)).body.code).toBe('USER_NOT_FOUND')
  })

  test('LIM-19 each of the three refuses handshake, reserve and refresh alike, and tells which and until when', async () => {
    for (const [maximum, window, figures] of [
      ['max_tokens_per_day', 'tokens_per_day', { limit: 100, used: 100 }],
      ['max_requests_per_minute', 'requests_per_minute', { limit: 1, used: 1 }],
      ['max_cost_per_month_usd', 'cost_per_month', { limit_usd: 2, used_usd: 2 }],
    ] as const) {
      const { id, session } = await newUser()
      const agent = expectStatus(await api.client.post('/agents', { name: 'a' }, session), 201)
      const agentId = String(agent.body.id)
      const runtime = { 'X-IC-Token': String(agent.body.ic_token.token) }
      expectStatus(await api.client.put(`/agents/${agentId}/budget`, { allocated_usd: 50 }, admin), 200)
      const lease = expectStatus(await api.client.post('/budget/reserve', { requested_usd: 1 }, runtime), 200)
      const value = { max_tokens_per_day: 100, max_requests_per_minute: 1, max_cost_per_month_usd: 2 }[maximum]
      const limit = await createLimit({ user_id: id, [maximum]: value })
      const used = { input_tokens: 90, output_tokens: 10, cost_usd: 2 }
      const report = { lease_id: lease.body.lease_id as string, request_id: 'r1', model: 'm', ...used }
      expectStatus(await api.client.post('/budget/report', report, runtime), 200)
      const refused = [
        await api.client.post('/budget/reserve', { requested_usd: 1 }, runtime),
        await api.client.post(
          '/budget/refresh',
          { lease_id: lease.body.lease_id as string, requested_usd: 1 },
          runtime,
        ),
      ]
      for (const { status, body } of refused) {
        expect([status, body.code, body.details]).toEqual([
          403,
          'LIMIT_EXCEEDED',
          { limit_id: limit['id'], window, ...figures, resets_at: expect.stringMatching(/T\d\d:\d\d:00\.000Z$/) },
        ])
      }
      // A fact is never refused.
      expectStatus(await api.client.post('/budget/report', { ...report, request_id: 'r2' }, runtime), 200)
    }
  })
})

describe('usage of API tokens', () => {
  test('LIM-17 LIM-19 is recorded, priced, counted on both rows, and told of the limit it passes', async () => {
    const { id, session } = await newUser()
    const token = await tokenOf(session, 'alpha')
    const general = await createLimit({ user_id: id, max_tokens_per_day: 500_000 })
    const project = await createLimit({ user_id: id, project_id: 'alpha', max_cost_per_month_usd: 1 })
    const call = { request_id: 'call-1', model: 'demo-large', input_tokens: 400_000, output_tokens: 50_000 }
    const first = expectStatus(await api.client.post('/usage', call, token), 201)
    expect(first.body).toEqual({
      id: expect.stringMatching(/^req_/),
      request_id: 'call-1',
      cost_usd: 1.5,
      pricing: 'price_book',
      duplicate: false,
      exceeded: {
        limit_id: project['id'],
        window: 'cost_per_month',
        limit_usd: 1,
        used_usd: 1.5,
        resets_at: '2026-02-01T00:00:00.000Z',
      },
    })
    const again = expectStatus(await api.client.post('/usage', call, token), 200)
    expect(again.body).toEqual({ ...first.body, duplicate: true })
    const other = await api.client.post('/usage', { ...call, output_tokens: 1 }, token)
    expect([other.status, other.body.code]).toEqual([409, 'IDEMPOTENCY_CONFLICT'])
    const more = { model: 'x', cost_usd: 0.25, total_tokens: 60_000 }
    const passed = expectStatus(await api.client.post('/usage', more, token), 201)
    expect(passed.body).toMatchObject({
      request_id: null,
      cost_usd: 0.25,
      pricing: 'reported',
      exceeded: { limit_id: general['id'], window: 'tokens_per_day', limit: 500_000, used: 510_000 },
    })
    const shown = expectStatus(await api.client.get(`/limits/${String(general['id'])}`, session), 200)
    expect(shown.body.usage).toEqual({
      tokens_today: 510_000,
      requests_this_minute: 2,
      cost_this_month_usd: 1.75,
      reserved_usd: 0,
    })
    const labelled = expectStatus(await api.client.get(`/limits/${String(project['id'])}`, session), 200)
    expect(labelled.body.usage).toMatchObject({ tokens_today: 510_000, cost_this_month_usd: 1.75 })
    clock.advance(MINUTE_MS)
    const later = expectStatus(await api.client.get(`/limits/${String(general['id'])}`, session), 200)
    expect(later.body.usage.requests_this_minute).toBe(0)
  })

  test('LIM-20 the check beforehand counts nothing and agrees with what recording says', async () => {
    const { id, session } = await newUser()
    const token = await tokenOf(session)
    await createLimit({ user_id: id, max_requests_per_minute: 2, max_cost_per_month_usd: 1 })
    for (const [cost, allowed, window] of [
      [0.5, true, null],
      [0.5, true, null],
      [0.1, false, 'requests_per_minute'],
    ] as const) {
      const call = { model: 'x', cost_usd: cost }
      for (let index = 0; index < 3; index += 1) {
        const checked = expectStatus(await api.client.post('/usage/check', call, token), 200)
        expect([checked.body.allowed, checked.body.exceeded?.window ?? null]).toEqual([allowed, window])
      }
      const recorded = expectStatus(await api.client.post('/usage', call, token), 201)
      expect(recorded.body.exceeded?.window ?? null).toBe(window)
    }
    clock.advance(MINUTE_MS)
    const month = expectStatus(await api.client.post('/usage/check', { model: 'x', cost_usd: 0 }, token), 200)
    expect([month.body.allowed, month.body.exceeded.window]).toEqual([false, 'cost_per_month'])
  })

  test('PRI-09 PRI-17 PRI-21 what cannot be priced or contradicts itself is refused, explicit zeros are not', async () => {
    const { session } = await newUser()
    const token = await tokenOf(session)
    for (const [body, field] of [
      [{}, 'cost_usd'],
      [{ model: 'demo-large' }, 'cost_usd'],
      [{ input_tokens: 5 }, 'model'],
      [{ model: 'demo-large', input_tokens: 5, cache_read_tokens: 6 }, undefined],
      [{ model: 'demo-large', cost_usd: '1' }, 'cost_usd'],
      [{ model: 'demo-large', cost_usd: 1, lease_id: 'lease_1' }, 'lease_id'],
    ] as const) {
      for (const path of ['/usage', '/usage/check']) {
        const answer = await api.client.post(path, body, token)
        expect([body, path, answer.status, answer.body.code]).toEqual([body, path, 400, 'VALIDATION_ERROR'])
        if (field !== undefined) expect(Object.keys(answer.body.details.fields as object)).toContain(field)
      }
    }
    expect(
      expectStatus(await api.client.post('/usage', { model: 'x', input_tokens: 0 }, token), 201).body.cost_usd,
    ).toBe(0)
    const failed = expectStatus(
      await api.client.post('/usage', { outcome: 'failed', error_code: 'timeout', error_message: '' }, token),
      201,
    )
    expect([failed.body.cost_usd, failed.body.pricing]).toEqual([0, 'reported'])
    const unknown = await api.client.post('/usage', { model: 'no-such-model-9', input_tokens: 1_000_000 }, token)
    expect(expectStatus(unknown, 201).body.pricing).toBe('ceiling')
    expect(unknown.body.cost_usd).toBeGreaterThan(0)
  })
})

describe('GET /usage', () => {
  const usage = async (query: string, who: Headers): Promise<Answer['body']> =>
    expectStatus(await api.client.get(`/usage${query}`, who), 200).body

  test('PRI-26 nothing is zeros and an empty list', async () => {
    const { session } = await newUser()
    expect(await usage('', session)).toEqual({
      period: 'all-time',
      from: expect.any(String),
      to: new Date(clock.now()).toISOString(),
      group_by: 'none',
      totals: {
        requests: 0,
        completed: 0,
        failed: 0,
        input_tokens: 0,
        output_tokens: 0,
        total_tokens: 0,
        cost_usd: 0,
      },
      data: [],
      pagination: { page: 1, per_page: 50, total: 0, total_pages: 0 },
      calculated_at: new Date(clock.now()).toISOString(),
    })
  })

  test('PRI-27 PRI-28 PRI-29 groups by every dimension, in scope, with totals over all groups', async () => {
    const { session, id } = await newUser()
    const token = await tokenOf(session, 'alpha')
    const agent = expectStatus(await api.client.post('/agents', { name: 'worker' }, session), 201)
    const agentId = String(agent.body.id)
    const runtime = { 'X-IC-Token': String(agent.body.ic_token.token) }
    expectStatus(await api.client.put(`/agents/${agentId}/budget`, { allocated_usd: 50 }, admin), 200)
    const lease = expectStatus(await api.client.post('/budget/reserve', { requested_usd: 10 }, runtime), 200)
    const report = { lease_id: lease.body.lease_id as string, provider: 'openai', cost_usd: 2, input_tokens: 10 }
    expectStatus(await api.client.post('/budget/report', { ...report, request_id: 'a1', model: 'm1' }, runtime), 200)
    const failed = { request_id: 'a2', model: 'm2', outcome: 'failed' }
    expectStatus(await api.client.post('/budget/report', { ...report, ...failed }, runtime), 200)
    expectStatus(
      await api.client.post('/usage', { model: 'm1', provider: 'other', cost_usd: 3, output_tokens: 5 }, token),
      201,
    )
    const totals = {
      requests: 3,
      completed: 2,
      failed: 1,
      input_tokens: 20,
      output_tokens: 5,
      total_tokens: 25,
      cost_usd: 7,
    }
    expect((await usage('', session)).totals).toEqual(totals)
    const keysBy = async (dimension: string): Promise<unknown[]> => {
      const answer = await usage(`?group_by=${dimension}`, session)
      expect([dimension, answer.totals]).toEqual([dimension, totals])
      return (answer.data as { key: string; label: string; cost_usd: number }[]).map((row) => [
        row.key,
        row.label,
        row.cost_usd,
      ])
    }
    expect(await keysBy('agent')).toEqual([
      [agentId, 'worker', 4],
      [null, null, 3],
    ])
    expect(await keysBy('provider')).toEqual([
      ['openai', null, 4],
      ['other', null, 3],
    ])
    expect(await keysBy('model')).toEqual([
      ['m1', 'other', 3],
      ['m1', 'openai', 2],
      ['m2', 'openai', 2],
    ])
    expect((await keysBy('project')).map((row) => (row as unknown[]).slice(0, 1))).toEqual([[null], ['alpha']])
    expect(await keysBy('day')).toEqual([['2026-01-15', null, 7]])
    expect((await keysBy('token')).map((row) => (row as unknown[])[2])).toEqual([4, 3])
    expect((await api.client.get('/usage?group_by=owner', session)).status).toBe(403)
    const byOwner = await usage(`?group_by=owner&owner_id=${id}`, admin)
    expect(byOwner.data).toEqual([expect.objectContaining({ key: id, cost_usd: 7 })])
    expect((await usage(`?agent_id=${agentId}`, session)).totals.cost_usd).toBe(4)
    expect((await usage('?outcome=failed', session)).totals.requests).toBe(1)
    expect((await usage('?model=m1&provider=other', session)).totals.cost_usd).toBe(3)
    expect((await usage('?group_by=model&per_page=1&page=2&sort=cost_usd', session)).pagination).toEqual({
      page: 2,
      per_page: 1,
      total: 3,
      total_pages: 3,
    })
  })

  test('ACL-05 ACL-17 others see none of it', async () => {
    const { agentId } = await createAgent(api.client, { allocatedUsd: 10 })
    const { session, id } = await newUser()
    const foreign = await api.client.get(`/usage?agent_id=${agentId}`, session)
    expect([foreign.status, foreign.body.code]).toEqual([404, 'AGENT_NOT_FOUND'])
    const missing = await api.client.get('/usage?agent_id=agent_00000000-0000-7000-8000-0000000000ff', session)
    expect(missing.body).toEqual(foreign.body)
    expect((await usage(`?owner_id=${id}`, session)).totals.requests).toBe(0)
    const adminId = String((await api.client.get('/auth/me', admin)).body.id)
    expect((await usage(`?owner_id=${adminId}`, session)).totals.requests).toBe(0)
    expect((await usage('', session)).totals.requests).toBe(0)
  })

  test('PRI-30 periods are the documented ones and nothing else', async () => {
    const { session } = await newUser()
    for (const [period, from] of [
      ['today', '2026-01-15T00:00:00.000Z'],
      ['last-7-days', '2026-01-08T00:00:00.000Z'],
      ['last-30-days', '2025-12-16T00:00:00.000Z'],
      ['this-month', '2026-01-01T00:00:00.000Z'],
    ]) {
      expect(await usage(`?period=${period}`, session)).toMatchObject({ period, from })
    }
    expect(await usage('?period=last-month', session)).toMatchObject({
      from: '2025-12-01T00:00:00.000Z',
      to: '2026-01-01T00:00:00.000Z',
    })
    const custom = '?from=2026-01-01T10:30:00Z&to=2026-01-02T10:59:59%2B00:00'
    expect(await usage(custom, session)).toMatchObject({
      period: 'custom',
      from: '2026-01-01T10:00:00.000Z',
      to: '2026-01-02T10:00:00.000Z',
    })
    for (const bad of [
      '?period=last-8-days',
      '?from=2026-01-01T00:00:00Z',
      '?period=today&from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z',
      '?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z',
      '?from=2000-01-01T00:00:00Z&to=2026-01-01T00:00:00Z',
      '?from=2026-01-01&to=2026-01-02',
      '?group_by=colour',
      '?sort=name',
    ]) {
      const answer = await api.client.get(`/usage${bad}`, session)
      expect([bad, answer.status]).toEqual([bad, 400])
      for (const path of Object.keys(answer.body.details.fields as object)) expect(path).toMatch(/^query\.\w+$/)
    }
  })
})
