/** The questions of http-api 4.15 over HTTP: figures, scope, periods and what is refused. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { enginesForTests } from '@iron/database/testing'
import type { Answer } from '../support/http-client.ts'
import {
  faults,
  type MadeAgent,
  missingId,
  type Operators,
  type Person,
  refusal,
  startOperators,
} from '../support/operators.ts'
import { expectStatus } from '../support/server-process.ts'

type Headers = Record<string, string>

const HOUR_MS = 3_600_000
const QUESTIONS = [
  '/analytics',
  '/analytics/spending/total',
  '/analytics/spending/by-agent',
  '/analytics/spending/by-provider',
  '/analytics/spending/avg-per-request',
  '/analytics/usage/requests',
  '/analytics/usage/tokens/by-agent',
  '/analytics/usage/models',
  '/analytics/timeseries',
]

describe.each(await enginesForTests())('analytics on %s', (dialect) => {
  let ops: Operators
  let user: Person
  let other: Person
  let agent: MadeAgent
  let foreign: MadeAgent
  let tokenId: string
  let asToken: Headers
  let firstAt: string

  /** Of the user: an agent with a report of 2 USD, telemetry of 1 USD and a failure, and a token's call of 4 USD. */
  beforeAll(async () => {
    ops = await startOperators(dialect)
    user = await ops.newPerson()
    other = await ops.newPerson()
    agent = await ops.newAgent(user, { name: 'mine', allocated_usd: 10 })
    foreign = await ops.newAgent(other, { name: 'foreign', allocated_usd: 10 })
    firstAt = ops.at()
    const lease = await ops.newLease(agent, 5)
    const report = { lease_id: lease, request_id: 'r1', model: 'gpt-4o', provider: 'openai', cost_usd: 2 }
    const counts = { input_tokens: 100, output_tokens: 20 }
    expectStatus(await ops.client.post('/budget/report', { ...report, ...counts, latency_ms: 100 }, agent.runtime), 200)
    const event = { timestamp: ops.at(), model: 'gpt-4o', provider: 'openai' }
    const events = [
      { ...event, event_id: 'a', type: 'request.completed', request_id: 'r2', cost_usd: 1, input_tokens: 7 },
      { ...event, event_id: 'b', type: 'request.failed', request_id: 'r3', error_code: 'x', provider: undefined },
    ]
    expectStatus(await ops.client.post('/analytics/events', { events }, agent.runtime), 200)
    const { body } = expectStatus(await ops.client.post('/tokens', { name: 'script' }, user.session), 201)
    tokenId = String(body.id)
    asToken = { 'X-API-Token': String(body.token) }
    const used = { cost_usd: 4, model: 'o1', provider: 'openai', total_tokens: 50 }
    expectStatus(await ops.client.post('/usage', used, asToken), 201)
    const theirs = { ...event, event_id: 'a', type: 'request.completed', request_id: 'z', cost_usd: 100 }
    expectStatus(await ops.client.post('/analytics/events', { events: [theirs] }, foreign.runtime), 200)
  }, 60_000)
  afterAll(async () => {
    await ops[Symbol.asyncDispose]()
  })

  const ask = (path: string, who: Headers = user.session): Promise<Answer> => ops.client.get(path, who)
  const answerOf = async (path: string, who?: Headers): Promise<Answer['body']> =>
    expectStatus(await ask(path, who), 200).body
  const whole = (period = 'all-time'): object => ({
    period,
    from: expect.any(String),
    to: ops.at(),
    calculated_at: ops.at(),
  })
  const pagination = (total: number): object => ({ page: 1, per_page: 50, total, total_pages: Math.min(total, 1) })
  const mine = { agent_name: 'mine', spend_usd: 3, allocated_usd: 10, percent_used: 30, requests: 3 }
  const models = [
    {
      model: 'o1',
      provider: 'openai',
      requests: 1,
      spend_usd: 4,
      input_tokens: 0,
      output_tokens: 0,
      total_tokens: 50,
      avg_cost_per_request_usd: 4,
    },
    {
      model: 'gpt-4o',
      provider: 'openai',
      requests: 2,
      spend_usd: 3,
      input_tokens: 107,
      output_tokens: 20,
      total_tokens: 127,
      avg_cost_per_request_usd: 1.5,
    },
    {
      model: 'gpt-4o',
      provider: null,
      requests: 1,
      spend_usd: 0,
      input_tokens: 0,
      output_tokens: 0,
      total_tokens: 0,
      avg_cost_per_request_usd: 0,
    },
  ]
  const providers = [
    { provider: 'openai', spend_usd: 7, requests: 3, avg_cost_per_request_usd: 2.333334 },
    { provider: null, spend_usd: 0, requests: 1, avg_cost_per_request_usd: 0 },
  ]

  test('PRI-31 PRI-32 the overview of one’s own, to the last figure', async () => {
    expect(await answerOf('/analytics')).toEqual({
      ...whole(),
      from: firstAt,
      spend_usd: 7,
      billed_usd: 6,
      unbilled_usd: 1,
      requests: { total: 4, completed: 3, failed: 1, success_rate: 75 },
      tokens: { input: 107, output: 20, total: 177 },
      avg_cost_per_request_usd: 1.75,
      latency: { p50_ms: expect.any(Number), p95_ms: expect.any(Number) },
      agents: { total: 1, running: 0, idle: 1, stopped: 0, failed: 0 },
      budget: {
        allocated_usd: 10,
        spent_usd: 2,
        reserved_usd: 3,
        remaining_usd: 5,
        overdrawn_usd: 0,
        percent_used: 20,
      },
      top_agents: [{ agent_id: agent.id, ...mine }],
      top_models: models,
      by_provider: providers,
    })
  })

  test('spending, in all and by agent, provider and call', async () => {
    expect(await answerOf('/analytics/spending/total')).toEqual({
      ...whole(),
      spend_usd: 7,
      billed_usd: 6,
      unbilled_usd: 1,
      currency: 'USD',
    })
    expect(await answerOf('/analytics/spending/by-agent')).toEqual({
      ...whole(),
      summary: { total_spend_usd: 3, total_allocated_usd: 10, percent_used: 30, agents: 1 },
      data: [{ agent_id: agent.id, ...mine }],
      pagination: pagination(1),
    })
    expect(await answerOf('/analytics/spending/by-provider')).toEqual({
      ...whole(),
      summary: { total_spend_usd: 7, total_requests: 4, avg_cost_per_request_usd: 1.75, providers: 2 },
      data: providers,
      pagination: pagination(2),
    })
    expect(await answerOf('/analytics/spending/avg-per-request')).toEqual({
      ...whole('last-30-days'),
      avg_usd: 1.75,
      median_usd: 1.5,
      min_usd: 0,
      max_usd: 4,
      total_requests: 4,
      total_spend_usd: 7,
    })
  })

  test('requests, tokens and models', async () => {
    expect(await answerOf('/analytics/usage/requests')).toEqual({
      ...whole(),
      total_requests: 4,
      completed_requests: 3,
      failed_requests: 1,
      success_rate: 75,
    })
    const sums = { input_tokens: 107, output_tokens: 20, total_tokens: 127, requests: 3, avg_tokens_per_request: 42 }
    expect(await answerOf('/analytics/usage/tokens/by-agent')).toEqual({
      ...whole(),
      summary: sums,
      data: [{ agent_id: agent.id, agent_name: 'mine', ...sums }],
      pagination: pagination(1),
    })
    expect(await answerOf('/analytics/usage/models')).toEqual({
      ...whole(),
      summary: { models: 3, total_requests: 4, total_spend_usd: 7, total_tokens: 177 },
      data: models,
      pagination: pagination(3),
    })
    const second = await answerOf('/analytics/usage/models?page=2&per_page=1')
    expect([second.data, second.summary.models, second.pagination]).toEqual([
      [models[1]],
      3,
      { page: 2, per_page: 1, total: 3, total_pages: 3 },
    ])
  })

  test('a timeline shows every span of the period, those without calls as 0', async () => {
    const days = await answerOf('/analytics/timeseries')
    expect(days).toMatchObject({ ...whole('last-30-days'), metric: 'spend_usd', bucket: 'day' })
    expect(days.data).toHaveLength(31)
    expect(days.data.map((point: { value: number }) => point.value)).toEqual([
      ...Array.from({ length: 30 }, () => 0),
      7,
    ])
    expect(days.data[30].start).toBe(`${ops.at().slice(0, 10)}T00:00:00.000Z`)
    for (const [metric, value] of [
      ['requests', 4],
      ['failed', 1],
      ['total_tokens', 177],
    ] as const) {
      const hours = await answerOf(`/analytics/timeseries?period=today&bucket=hour&metric=${metric}`)
      expect([metric, hours.data.at(-1).value]).toEqual([metric, value])
    }
    expect((await answerOf('/analytics/timeseries?period=all-time', (await ops.newPerson()).session)).data).toEqual([])
    const long = `/analytics/timeseries?bucket=hour&from=${ops.at(-1_002 * HOUR_MS)}&to=${ops.at()}`
    expect(faults(await ask(long))).toEqual(['query.to'])
  })

  test('budgets as GET /budget shows them, with the time they were read', async () => {
    const { body } = await ask('/budget')
    expect(await answerOf('/analytics/budget/status')).toEqual({ calculated_at: ops.at(), ...body })
    expect(body.data).toHaveLength(1)
    expect(faults(await ask('/analytics/budget/status?period=today'))).toEqual(['query.period'])
    expect(faults(await ask('/budget?threshold=50.5'))).toEqual(['query.threshold'])
    expect(refusal(await ask(`/analytics/budget/status?agent_id=${foreign.id}`))).toEqual([404, 'AGENT_NOT_FOUND'])
    expect((await ask(`/analytics/budget/status?agent_id=${agent.id}`)).body.data).toHaveLength(1)
  })

  test('filters name calls exactly, and together', async () => {
    const countOf = async (query: string): Promise<number> =>
      (await answerOf(`/analytics/usage/requests?${query}`)).total_requests as number
    for (const [query, count] of [
      [`agent_id=${agent.id}`, 3],
      [`token_id=${tokenId}`, 1],
      [`agent_id=${agent.id}&token_id=${tokenId}`, 0],
      ['provider=openai', 3],
      ['provider=open', 0],
      ['model=gpt-4o&outcome=failed', 1],
      [`owner_id=${user.id}`, 4],
    ] as const) {
      expect([query, await countOf(query)]).toEqual([query, count])
    }
  })

  test('ACL-03 ACL-05 what is somebody else’s is in no figure, and their agent is as one that is not there', async () => {
    for (const path of QUESTIONS) {
      const theirs = await ask(`${path}?agent_id=${foreign.id}`)
      const missing = await ask(`${path}?agent_id=${missingId('agent')}`)
      expect([path, theirs.status, theirs.body]).toEqual([path, 404, missing.body])
      expect([path, ...refusal(theirs)]).toEqual([path, 404, 'AGENT_NOT_FOUND'])
      const nobody = await ask(path, (await ops.newPerson('viewer')).session)
      const asked = expectStatus(await ask(`${path}?owner_id=${other.id}`), 200).body
      const none = expectStatus(nobody, 200).body
      expect([path, asked]).toEqual([path, none])
      expect(JSON.stringify(await answerOf(path))).not.toContain(foreign.id)
    }
    const all = await answerOf('/analytics/spending/total', ops.admin.session)
    expect(all.spend_usd).toBe(107)
    const one = await answerOf(`/analytics/spending/total?owner_id=${other.id}`, ops.admin.session)
    expect(one.spend_usd).toBe(100)
  })

  test('PRI-30 periods are the documented ones, echoed; faults name the parameter', async () => {
    for (const period of [
      'today',
      'yesterday',
      'last-7-days',
      'last-30-days',
      'this-month',
      'last-month',
      'all-time',
    ]) {
      expect((await answerOf(`/analytics/spending/total?period=${period}`)).period).toBe(period)
    }
    const hour = ops.at().slice(0, 13)
    const custom = await answerOf(
      `/analytics/spending/total?from=${hour}:00:30Z&to=${ops.at(2 * HOUR_MS).slice(0, 13)}:59:59Z`,
    )
    expect(custom).toMatchObject({ period: 'custom', from: `${hour}:00:00.000Z`, spend_usd: 7 })
    for (const [query, ...names] of [
      ['period=week', 'period'],
      [`period=today&from=${ops.at()}&to=${ops.at()}`, 'period'],
      [`from=${ops.at()}`, 'to'],
      [`from=${ops.at()}&to=${ops.at(-HOUR_MS)}`, 'to'],
      ['outcome=lost&token_id=x&per_page=101&what=1', 'outcome', 'per_page', 'token_id', 'what'],
    ] as const) {
      const found = faults(await ask(`/analytics/usage/models?${query}`))
      expect([query, found]).toEqual([query, names.map((name) => `query.${name}`)])
    }
    const long = `from=${ops.at(-32 * 24 * HOUR_MS)}&to=${ops.at()}`
    expect(faults(await ask(`/analytics/spending/avg-per-request?${long}`))).toEqual(['query.to'])
    expect(faults(await ask('/analytics/timeseries?metric=money&bucket=week'))).toEqual([
      'query.bucket',
      'query.metric',
    ])
  })

  test('PRI-25 figures are the same once the hours are rolled up', async () => {
    const answers = (): Promise<object[]> =>
      Promise.all(
        QUESTIONS.map(async (path) => {
          const { from: _, to: __, calculated_at: ___, ...figures } = await answerOf(path, asToken)
          return { path, ...(figures as object) }
        }),
      )
    const before = await answers()
    ops.clock.advance(HOUR_MS + 5 * 60_000)
    while ((await ops.services.requests.rollUp()) > 0);
    expect(await answers()).toEqual(before)
  })
})
