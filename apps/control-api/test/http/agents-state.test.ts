import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { enginesForTests } from '@iron/database/testing'
import { loadConfig } from '../../src/config.ts'
import { startJobs } from '../../src/jobs/start-jobs.ts'
import { createLogger } from '../../src/observability/logger.ts'
import type { Answer } from '../support/http-client.ts'
import { faults, type MadeAgent, missingId, type Operators, refusal, startOperators } from '../support/operators.ts'
import { expectStatus } from '../support/server-process.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

describe.each(await enginesForTests())('the state of agents on %s', (dialect) => {
  let ops: Operators
  beforeAll(async () => {
    ops = await startOperators(dialect)
  }, 60_000)
  afterAll(async () => {
    await ops[Symbol.asyncDispose]()
  })
  const say = (agent: MadeAgent, body: unknown): Promise<Answer> =>
    ops.client.post(`${agent.path}/state`, body, agent.runtime)
  const report = async (agent: MadeAgent, leaseId: string, more: Record<string, unknown>): Promise<void> => {
    const body = { lease_id: leaseId, model: 'gpt-4o', provider: 'openai', ...more }
    expectStatus(await ops.client.post('/budget/report', body, agent.runtime), 200)
  }
  const status = async (agent: MadeAgent): Promise<Answer['body']> =>
    expectStatus(await ops.client.get(`${agent.path}/status`, ops.admin.session), 200).body as unknown

  describe('GET /agents/{id}/status', () => {
    test('what the agent does, is told, has left and was last asked for', async () => {
      const ann = await ops.newPerson('viewer')
      const agent = await ops.newAgent(ann, { name: `looked-at-${dialect}`, allocated_usd: 20 })
      const asked = (): Promise<Answer> => ops.client.get(`${agent.path}/status`, ann.session)
      const idle = {
        agent_id: agent.id,
        name: `looked-at-${dialect}`,
        status: 'active',
        state: 'idle',
        desired_state: 'running',
        state_reason: null,
        last_seen_at: null,
        open_leases: 0,
        budget: {
          allocated_usd: 20,
          spent_usd: 0,
          reserved_usd: 0,
          remaining_usd: 20,
          overdrawn_usd: 0,
          percent_used: 0,
          status: 'active',
        },
        requests: { total: 0, today: 0 },
        last_request_at: null,
        checked_at: ops.at(),
      }
      expect(expectStatus(await asked(), 200).body).toEqual(idle)
      const lease = await ops.newLease(agent, 5)
      await report(agent, lease, { request_id: 'r1', cost_usd: 2 })
      expectStatus(await say(agent, { state: 'running', reason: 'at work' }), 200)
      const seen = ops.at()
      ops.clock.advance(1_000)
      expect(expectStatus(await asked(), 200).body).toEqual({
        ...idle,
        state: 'running',
        state_reason: 'at work',
        last_seen_at: seen,
        open_leases: 1,
        budget: { ...idle.budget, spent_usd: 2, reserved_usd: 3, remaining_usd: 15, percent_used: 10 },
        requests: { total: 1, today: 1 },
        last_request_at: seen,
        checked_at: ops.at(),
      })
      expect(refusal(await ops.client.get(`/agents/${missingId('agent')}/status`, ops.admin.session))).toEqual([
        404,
        'AGENT_NOT_FOUND',
      ])
    })
  })

  describe('GET /agents/{id}/metrics', () => {
    test('PRI-26 nothing yet is zeros', async () => {
      const agent = await ops.newAgent(ops.admin)
      const { body } = expectStatus(await ops.client.get(`${agent.path}/metrics`, ops.admin.session), 200)
      expect(body).toEqual({
        agent_id: agent.id,
        period: 'all-time',
        from: ops.at(),
        to: ops.at(),
        calculated_at: ops.at(),
        spend_usd: 0,
        billed_usd: 0,
        unbilled_usd: 0,
        requests: { total: 0, completed: 0, failed: 0, success_rate: 0 },
        tokens: { input: 0, output: 0, total: 0 },
        avg_cost_per_request_usd: 0,
        latency: { p50_ms: null, p95_ms: null },
        models: [],
        budget: {
          allocated_usd: 0,
          spent_usd: 0,
          reserved_usd: 0,
          remaining_usd: 0,
          overdrawn_usd: 0,
          percent_used: 0,
        },
      })
    })

    test("the agent's own calls of a period, models the dearest first, and the budget as it is now", async () => {
      const { client, clock } = ops
      const ann = await ops.newPerson('viewer')
      const agent = await ops.newAgent(ann, { allocated_usd: 20 })
      const other = await ops.newAgent(ann, { allocated_usd: 20 })
      const lease = await ops.newLease(agent, 10)
      const first = ops.at()
      await report(agent, lease, {
        request_id: 'r1',
        cost_usd: 1,
        input_tokens: 100,
        output_tokens: 20,
        latency_ms: 200,
      })
      await report(other, await ops.newLease(other, 1), { request_id: 'r1', cost_usd: 0.5 })
      clock.advance(HOUR_MS / 2)
      await report(agent, lease, { request_id: 'r2', cost_usd: 2, model: 'claude', provider: 'anthropic' })
      await report(agent, lease, { request_id: 'r3', cost_usd: 0.000001, outcome: 'failed', error_code: 'timeout' })
      const get = (query: string): Promise<Answer> => client.get(`${agent.path}/metrics${query}`, ann.session)
      const all = expectStatus(await get(''), 200).body as Record<string, unknown>
      const latency = expect.closeTo(200, -1) as unknown
      expect(all).toEqual({
        agent_id: agent.id,
        period: 'all-time',
        from: first,
        to: ops.at(),
        calculated_at: ops.at(),
        spend_usd: 3.000001,
        billed_usd: 3.000001,
        unbilled_usd: 0,
        requests: { total: 3, completed: 2, failed: 1, success_rate: 66.67 },
        tokens: { input: 100, output: 20, total: 120 },
        avg_cost_per_request_usd: 1.000001,
        latency: { p50_ms: latency, p95_ms: latency },
        models: [
          {
            model: 'claude',
            provider: 'anthropic',
            requests: 1,
            spend_usd: 2,
            input_tokens: 0,
            output_tokens: 0,
            total_tokens: 0,
            avg_cost_per_request_usd: 2,
          },
          {
            model: 'gpt-4o',
            provider: 'openai',
            requests: 2,
            spend_usd: 1.000001,
            input_tokens: 100,
            output_tokens: 20,
            total_tokens: 120,
            avg_cost_per_request_usd: 0.500001,
          },
        ],
        budget: {
          allocated_usd: 20,
          spent_usd: 3.000001,
          reserved_usd: 6.999999,
          remaining_usd: 10,
          overdrawn_usd: 0,
          percent_used: 15,
        },
      })
      const today = expectStatus(await get('?period=today'), 200).body as Record<string, unknown>
      expect(today).toEqual({ ...all, period: 'today', from: `${first.slice(0, 10)}T00:00:00.000Z` })
      const none = expectStatus(await get('?period=yesterday'), 200).body as Record<string, unknown>
      expect(none).toMatchObject({ spend_usd: 0, requests: { total: 0 }, models: [], budget: all['budget'] })
      const since = expectStatus(await get(`?from=${first}&to=${ops.at(2 * HOUR_MS)}`), 200).body
      expect([since.period, since.spend_usd, since.from.slice(14)]).toEqual(['custom', 3.000001, '00:00.000Z'])
      for (const query of [
        '?period=tomorrow',
        '?period=today&from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z',
        '?from=2026-01-01T00:00:00Z',
        '?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z',
        '?from=2026-01-01&to=2026-01-02',
        '?agent_id=x',
      ]) {
        expect([query, (await get(query)).status]).toEqual([query, 400])
      }
      expect(refusal(await client.get(`/agents/${missingId('agent')}/metrics`, ops.admin.session))).toEqual([
        404,
        'AGENT_NOT_FOUND',
      ])
    })
  })

  describe('POST /agents/{id}/stop, /resume', () => {
    test('stop revokes the leases in the same commit and refuses grants; a repeat changes nothing; resume takes it back', async () => {
      const { client } = ops
      const ann = await ops.newPerson()
      const agent = await ops.newAgent(ann, { allocated_usd: 50 })
      const leases = [await ops.newLease(agent, 10), await ops.newLease(agent, 5)]
      await report(agent, leases[0] ?? '', { request_id: 'r1', cost_usd: 4 })
      expectStatus(await say(agent, { state: 'running' }), 200)
      const before = (await ops.events(agent.id)).length
      const stop = (body: unknown): Promise<Answer> => client.post(`${agent.path}/stop`, body, ann.session)
      const stopped = expectStatus(await stop({ reason: 'main\ntenance' }), 200)
      expect(stopped.body).toEqual({
        agent_id: agent.id,
        state: 'stopped',
        desired_state: 'stopped',
        changed: true,
        leases_revoked: 2,
        released_usd: 11,
      })
      expect(await status(agent)).toMatchObject({
        state_reason: 'main\ntenance',
        open_leases: 0,
        budget: { spent_usd: 4, reserved_usd: 0, remaining_usd: 46 },
      })
      const closed = { status: 'revoked', close_reason: 'revoked', cause: 'agent_stopped' }
      expect((await ops.events(agent.id)).slice(before)).toMatchObject([
        {
          type: 'agent.stop_requested',
          data: { reason: 'main\ntenance', requested_by: ann.id, leases_revoked: 2, released_usd: 11 },
        },
        { type: 'lease.closed', data: closed },
        { type: 'lease.closed', data: closed },
        {
          type: 'agent.stopped',
          data: { previous_state: 'running', reason: 'stop_requested', message: 'main\ntenance', by: ann.id },
        },
      ])
      expect(refusal(await client.post('/budget/reserve', {}, agent.runtime))).toEqual([
        403,
        'AGENT_STOPPED',
        { reason: 'main\ntenance' },
      ])

      const nothing = { agent_id: agent.id, state: 'stopped', desired_state: 'stopped', changed: false }
      expect(expectStatus(await stop({}), 200).body).toEqual({ ...nothing, leases_revoked: 0, released_usd: 0 })
      const resume = (): Promise<Answer> => client.post(`${agent.path}/resume`, undefined, ann.session)
      const running = { agent_id: agent.id, state: 'idle', desired_state: 'running' }
      expect(expectStatus(await resume(), 200).body).toEqual({ ...running, changed: true })
      expect(expectStatus(await resume(), 200).body).toEqual({ ...running, changed: false })
      await ops.newLease(agent, 1)
      expect((await ops.events(agent.id)).slice(before + 4).map(({ type }) => type)).toEqual(['lease.granted'])
      const entries = await ops.audited(agent.id)
      expect(entries.map(({ operation }) => operation)).toEqual([
        'AGENT_CREATED',
        'AGENT_STATE_CHANGED',
        'AGENT_STOPPED',
        'AGENT_RESUMED',
      ])
      expect(entries[2]).toMatchObject({ actor: { type: 'user', id: ann.id }, reason: 'main\ntenance' })
    })

    test('bad reasons, archived and unknown agents', async () => {
      const { client, admin } = ops
      const agent = await ops.newAgent(admin)
      const stop = (body: unknown, path = agent.path): Promise<Answer> =>
        client.post(`${path}/stop`, body, admin.session)
      for (const reason of ['', 'x'.repeat(501), 'nul\u0000', null, 5]) {
        expect([reason, faults(await stop({ reason }))]).toEqual([reason, ['reason']])
      }
      expect(faults(await stop({ force: true }))).toEqual(['force'])
      expect(faults(await client.post(`${agent.path}/resume`, { reason: 'x' }, admin.session))).toEqual(['reason'])
      expectStatus(await client.delete(agent.path, admin.session), 200)
      expect(refusal(await stop({}))).toEqual([409, 'AGENT_ARCHIVED'])
      expect(refusal(await client.post(`${agent.path}/resume`, {}, admin.session))).toEqual([409, 'AGENT_ARCHIVED'])
      for (const path of [`/agents/${missingId('agent')}`, '/agents/0', '/agents/AGENT_1']) {
        expect(refusal(await stop({}, path))).toEqual([404, 'AGENT_NOT_FOUND'])
        expect(refusal(await client.post(`${path}/resume`, {}, admin.session))).toEqual([404, 'AGENT_NOT_FOUND'])
      }
    })
  })

  describe('POST /agents/{id}/state, /heartbeat', () => {
    test('a runtime tells its state; an event for each it enters but idle, one entry a change, none for a repeat', async () => {
      const agent = await ops.newAgent(ops.admin)
      const told = async (state: string, reason?: string): Promise<unknown> => {
        const answer = expectStatus(await say(agent, { state, ...(reason !== undefined && { reason }) }), 200)
        expect(answer.body).toEqual({
          agent_id: agent.id,
          state,
          desired_state: 'running',
          changed: expect.any(Boolean),
        })
        return answer.body.changed
      }
      expect(await told('running', 'off we go')).toBe(true)
      expect(await told('running', 'still')).toBe(false)
      expect(await told('failed', '')).toBe(true)
      expect(await told('stopped')).toBe(true)
      expect(await told('idle')).toBe(true)
      expect(await ops.events(agent.id)).toEqual([
        { type: 'agent.started', data: { previous_state: 'idle', reason: 'off we go' } },
        {
          type: 'agent.failed',
          data: { previous_state: 'running', reason: 'runtime', message: null, last_seen_at: ops.at() },
        },
        { type: 'agent.stopped', data: { previous_state: 'failed', reason: 'runtime', message: null, by: null } },
      ])
      const entries = await ops.audited(agent.id)
      expect(entries.slice(1).map(({ operation, changes, reason }) => [operation, changes, reason])).toEqual(
        [
          ['idle', 'running', 'off we go'],
          ['running', 'failed', null],
          ['failed', 'stopped', null],
          ['stopped', 'idle', null],
        ].map(([before, after, reason]) => [
          'AGENT_STATE_CHANGED',
          { before: { state: before }, after: { state: after } },
          reason,
        ]),
      )
      expect(entries[1]).toMatchObject({ actor: { type: 'agent', id: agent.id }, ip: '127.0.0.1' })
      for (const [body, fields] of [
        [{}, ['state']],
        [{ state: 'busy' }, ['state']],
        [{ state: null, reason: 'x'.repeat(501), pid: 1 }, ['pid', 'reason', 'state']],
      ] as const) {
        expect([body, faults(await say(agent, body))]).toEqual([body, fields])
      }
      const inBody = { state: 'running', ic_token: agent.runtime['X-IC-Token'] }
      expectStatus(await ops.client.post(`${agent.path}/state`, inBody), 200)
    })

    test('one that is told to stop does not go on, but may say that it stopped or failed', async () => {
      const agent = await ops.newAgent(ops.admin)
      expectStatus(await ops.client.post(`${agent.path}/stop`, { reason: 'enough' }, ops.admin.session), 200)
      for (const state of ['running', 'idle']) {
        expect(refusal(await say(agent, { state }))).toEqual([403, 'AGENT_STOPPED', { reason: 'enough' }])
      }
      const stopped = { agent_id: agent.id, state: 'stopped', desired_state: 'stopped' }
      expect(expectStatus(await say(agent, { state: 'stopped' }), 200).body).toEqual({ ...stopped, changed: false })
      const failed = expectStatus(await say(agent, { state: 'failed' }), 200)
      expect(failed.body).toEqual({ ...stopped, state: 'failed', changed: true })
      expect((await ops.operations(agent.id)).slice(1)).toEqual(['AGENT_STOPPED', 'AGENT_STATE_CHANGED'])
    })

    test('a heartbeat is a sign of life, tells the time and the order, and is not audited', async () => {
      const agent = await ops.newAgent(ops.admin)
      ops.clock.advance(5_000)
      const beat = (): Promise<Answer> => ops.client.post(`${agent.path}/heartbeat`, undefined, agent.runtime)
      const expected = {
        agent_id: agent.id,
        state: 'idle',
        desired_state: 'running',
        server_time: ops.at(),
        heartbeat_timeout_seconds: 90,
      }
      expect(expectStatus(await beat(), 200).body).toEqual(expected)
      expect((await status(agent)).last_seen_at).toBe(ops.at())
      expectStatus(await ops.client.post(`${agent.path}/stop`, {}, ops.admin.session), 200)
      expect(expectStatus(await beat(), 200).body).toEqual({
        ...expected,
        state: 'stopped',
        desired_state: 'stopped',
      })
      expect(await ops.operations(agent.id)).toEqual(['AGENT_CREATED', 'AGENT_STOPPED'])
      expect(faults(await ops.client.post(`${agent.path}/heartbeat`, { at: 1 }, agent.runtime))).toEqual(['at'])
    })

    test('ACL-12 SEC-13 another agent, an unknown one and nonsense are not found, whoever owns them', async () => {
      const agent = await ops.newAgent(ops.admin)
      const sibling = await ops.newAgent(ops.admin)
      for (const id of [
        sibling.id,
        missingId('agent'),
        '0',
        '-1',
        'abc',
        '99999999999999999999',
        agent.body.budget_id,
      ]) {
        for (const [path, body] of [
          ['state', { state: 'running' }],
          ['heartbeat', {}],
        ] as const) {
          const answer = await ops.client.post(`/agents/${String(id)}/${path}`, body, agent.runtime)
          expect([id, path, ...refusal(answer)]).toEqual([id, path, 404, 'AGENT_NOT_FOUND'])
        }
      }
      expect([(await status(sibling)).state, (await status(agent)).state]).toEqual(['idle', 'idle'])
      expectStatus(await ops.client.delete(agent.path, ops.admin.session), 200)
      expect(refusal(await say(agent, { state: 'running' }))).toEqual([401, 'TOKEN_REVOKED'])
    })
  })

  test('EVT-19 a silent running agent fails once, and comes back by saying that it runs; the rest is not watched', async () => {
    const { services, clock, client } = ops
    const running = await ops.newAgent(ops.admin)
    const idle = await ops.newAgent(ops.admin)
    expectStatus(await say(running, { state: 'running' }), 200)
    expectStatus(await client.post(`${idle.path}/heartbeat`, {}, idle.runtime), 200)
    clock.advance(89_999)
    await services.agents.failSilent()
    expect((await status(running)).state).toBe('running')
    const seen = ops.at(-89_999)
    clock.advance(1)
    await Promise.all([1, 2, 3].map(() => services.agents.failSilent()))
    expect(await status(running)).toMatchObject({ state: 'failed', state_reason: 'heartbeat_missed' })
    expect((await status(idle)).state).toBe('idle')
    expect(await ops.events(running.id)).toMatchObject([
      { type: 'agent.started' },
      {
        type: 'agent.failed',
        data: { previous_state: 'running', reason: 'heartbeat_missed', message: null, last_seen_at: seen },
      },
    ])
    const entries = (await ops.audited(running.id)).slice(1)
    expect(entries.map(({ operation, actor }) => [operation, actor.type])).toEqual([
      ['AGENT_STATE_CHANGED', 'agent'],
      ['AGENT_STATE_CHANGED', 'system'],
    ])
    const beat = expectStatus(await client.post(`${running.path}/heartbeat`, {}, running.runtime), 200)
    expect(beat.body.state).toBe('failed')
    expect(expectStatus(await say(running, { state: 'running' }), 200).body.changed).toBe(true)
    await services.agents.failSilent()
    expect((await status(running)).state).toBe('running')
  })

  test('EVT-19 the server itself looks every 15 seconds', async () => {
    const agent = await ops.newAgent(ops.admin)
    expectStatus(await say(agent, { state: 'running' }), 200)
    ops.clock.advance(90_000)
    const spied = jest.spyOn(ops.services.agents, 'failSilent')
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance', 'Date'] })
    const timers = startJobs(ops.services, loadConfig({}), createLogger('silent'))
    jest.advanceTimersByTime(14_999)
    expect(spied).not.toHaveBeenCalled()
    jest.advanceTimersByTime(1)
    expect(spied).toHaveBeenCalledTimes(1)
    jest.useRealTimers()
    await timers.stop()
    spied.mockRestore()
    expect((await status(agent)).state).toBe('failed')
  })
})
