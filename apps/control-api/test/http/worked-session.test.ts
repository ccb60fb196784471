import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { playWorkedSession } from '../../src/demo/worked-session.ts'
import { startApi, type TestApi } from '../support/api.ts'
import { ADMIN, createAgent, expectStatus, type TestAgent } from '../support/server-process.ts'

const DEMO_PRICE = { model: 'demo-large', usdPerMillion: { input: '2.5', output: '10' } }
let api: TestApi

beforeAll(async () => {
  api = await startApi({ prices: [DEMO_PRICE] })
})
afterAll(async () => {
  await api[Symbol.asyncDispose]()
})

test('the worked session of http-api 6, every figure compared', async () => {
  const printed: string[] = []
  await playWorkedSession({ address: api.address, ...ADMIN }, (text) => printed.push(text))
  expect(printed.join('\n')).toContain('Ledger verified')
  expect(printed.join('\n')).not.toContain('sk-demo-0123456789abcdef')
})

describe('the continuations of http-api 6', () => {
  const post = (agent: TestAgent, path: string, body: object) => api.client.post(path, body, agent.runtime)
  const fresh = (): Promise<TestAgent> => createAgent(api.client, { allocatedUsd: 100 })

  test('a partial grant, then a refusal that tells why', async () => {
    const agent = await fresh()
    const lease = expectStatus(await post(agent, '/budget/handshake', { requested_usd: 10 }), 200)
    await post(agent, '/budget/report', { lease_id: lease.body.lease_id, request_id: 'c1', model: 'm', cost_usd: 4.5 })
    await post(agent, '/budget/return', { lease_id: lease.body.lease_id })
    const partial = expectStatus(await post(agent, '/budget/handshake', { requested_usd: 200 }), 200)
    expect(partial.body).toMatchObject({ requested_usd: 200, granted_usd: 95.5, partial: true })
    expect(partial.body.budget).toMatchObject({ reserved_usd: 95.5, remaining_usd: 0, spent_usd: 4.5 })
    const refused = await post(agent, '/budget/handshake', { requested_usd: 200 })
    expect([refused.status, refused.body]).toEqual([
      403,
      {
        error: 'Budget exceeded',
        code: 'BUDGET_EXCEEDED',
        details: { spent: 4.5, limit: 100, reserved: 95.5, requested: 200 },
      },
    ])
  })

  test('MON-10 an overrun is recorded in full, blocks grants, and an allocation brings them back', async () => {
    const agent = await fresh()
    const lease = expectStatus(await post(agent, '/budget/handshake', { requested_usd: 100 }), 200)
    expect(lease.body.budget).toMatchObject({ reserved_usd: 100, remaining_usd: 0 })
    const report = { lease_id: lease.body.lease_id, request_id: 'big', model: 'm', cost_usd: 105.5 }
    const over = expectStatus(await post(agent, '/budget/report', report), 200)
    expect(over.body).toMatchObject({
      cost_usd: 105.5,
      overrun_usd: 5.5,
      over_budget: true,
      lease: { spent_usd: 100, remaining_usd: 0 },
    })
    expect(over.body.budget).toEqual({
      allocated_usd: 100,
      spent_usd: 105.5,
      reserved_usd: 0,
      remaining_usd: 0,
      overdrawn_usd: 5.5,
      percent_used: 105.5,
    })
    const refused = await post(agent, '/budget/handshake', {})
    expect([refused.status, refused.body]).toEqual([
      403,
      { error: 'Budget exceeded', code: 'BUDGET_EXCEEDED', details: { spent: 105.5, limit: 100 } },
    ])
    const raised = expectStatus(
      await api.client.put(`/agents/${agent.agentId}/budget`, { allocated_usd: 200 }, agent.admin),
      200,
    )
    expect(raised.body).toMatchObject({
      allocation_version: 2,
      spent_usd: 105.5,
      remaining_usd: 94.5,
      overdrawn_usd: 0,
      percent_used: 52.75,
      previous_allocated_usd: 100,
      change_usd: 100,
      leases_revoked: 0,
    })
    const again = expectStatus(await post(agent, '/budget/handshake', {}), 200)
    expect(again.body).toMatchObject({ granted_usd: 10, budget: { reserved_usd: 10, remaining_usd: 84.5 } })
    const events = await (await api.state.services()).events.read({ agentIds: [agent.agentId] }, { limit: 100 })
    expect(
      events.data.map(({ type, data }) =>
        type === 'budget.threshold_reached' ? `${type} ${(data['threshold'] as number).toString()}` : type,
      ),
    ).toEqual([
      'lease.granted',
      'request.completed',
      'budget.threshold_reached 50',
      'budget.threshold_reached 80',
      'budget.threshold_reached 90',
      'budget.threshold_reached 100',
      'budget.exhausted',
      'budget.changed',
      'lease.granted',
    ])
  })

  test('MON-14 a returned figure above the reports is unreported usage, which a late report itemises', async () => {
    const agent = await fresh()
    const lease = expectStatus(await post(agent, '/budget/handshake', { requested_usd: 10 }), 200)
    const { lease_id } = lease.body
    await post(agent, '/budget/report', { lease_id, request_id: 'c1', model: 'm', cost_usd: 3 })
    const returned = expectStatus(await post(agent, '/budget/return', { lease_id, spent_usd: 5 }), 200)
    expect(returned.body).toMatchObject({
      status: 'closed',
      spent_usd: 5,
      unreported_usd: 2,
      returned_usd: 5,
      duplicate: false,
    })
    expect(returned.body.budget).toMatchObject({ spent_usd: 5, reserved_usd: 0, remaining_usd: 95 })
    const late = expectStatus(
      await post(agent, '/budget/report', { lease_id, request_id: 'c2', model: 'm', cost_usd: 2 }),
      200,
    )
    expect(late.body).toMatchObject({
      cost_usd: 2,
      late: true,
      overrun_usd: 0,
      budget: { spent_usd: 5, remaining_usd: 95 },
    })
    const shown = expectStatus(await api.client.get(`/agents/${agent.agentId}/leases/${lease_id}`, agent.admin), 200)
    expect(shown.body).toMatchObject({ status: 'closed', close_reason: 'returned', unreported_usd: 0, returned_usd: 5 })
    const replay = expectStatus(await post(agent, '/budget/return', { lease_id, spent_usd: 99 }), 200)
    expect(replay.body).toMatchObject({ spent_usd: 5, returned_usd: 5, unreported_usd: 2, duplicate: true })
  })

  test('CON-07 a batch answers every item in its place', async () => {
    const agent = await fresh()
    const lease = expectStatus(await post(agent, '/budget/handshake', { requested_usd: 10 }), 200)
    const { lease_id } = lease.body
    const reports = [
      { lease_id, request_id: 'b1', model: 'm', cost_usd: 1 },
      { lease_id, request_id: 'b2', model: 'm', cost_usd: -1, extra: true },
      'nonsense',
      { lease_id, request_id: 'b1', model: 'm', cost_usd: 1 },
      { lease_id: 'lease_00000000-0000-7000-8000-000000000000', request_id: 'b3', model: 'm', cost_usd: 1 },
      { lease_id, request_id: 'b4', model: 'm', cost_usd: 2 },
    ]
    const batch = expectStatus(await post(agent, '/budget/report/batch', { reports }), 200)
    expect(batch.body).toMatchObject({ recorded: 2, duplicates: 1, failed: 3 })
    expect(
      (batch.body.results as { index: number; status: string; code?: string }[]).map((item) => [
        item.index,
        item.status,
        item.code,
      ]),
    ).toEqual([
      [0, 'recorded', undefined],
      [1, 'error', 'VALIDATION_ERROR'],
      [2, 'error', 'VALIDATION_ERROR'],
      [3, 'duplicate', undefined],
      [4, 'error', 'LEASE_NOT_FOUND'],
      [5, 'recorded', undefined],
    ])
    expect(Object.keys(batch.body.results[1].details.fields as object).sort()).toEqual([
      'reports[1].cost_usd',
      'reports[1].extra',
    ])
    expect(batch.body.results[5].budget).toMatchObject({ spent_usd: 3, reserved_usd: 7 })
  })

  test('MON-24 lowering an allocation needs force, revokes until it fits, and never goes below what is spent', async () => {
    const agent = await fresh()
    const lease = expectStatus(await post(agent, '/budget/handshake', { requested_usd: 60 }), 200)
    await post(agent, '/budget/report', { lease_id: lease.body.lease_id, request_id: 'c1', model: 'm', cost_usd: 20 })
    const set = (body: object) => api.client.put(`/agents/${agent.agentId}/budget`, body, agent.admin)
    const unforced = await set({ allocated_usd: 50 })
    expect([unforced.status, unforced.body.code]).toEqual([400, 'BUDGET_DECREASE_REQUIRES_CONFIRMATION'])
    expect(unforced.body.details).toEqual({
      allocated_usd: 100,
      requested_allocated_usd: 50,
      spent_usd: 20,
      reserved_usd: 40,
      remaining_after_usd: expect.any(Number),
      leases_to_revoke: [lease.body.lease_id],
    })
    expect((await set({ allocated_usd: 19.999999, force: true })).body.code).toBe('BUDGET_BELOW_SPENT')
    expect((await set({ allocated_usd: 100, expected_version: 7 })).body).toMatchObject({
      code: 'CONFLICT',
      details: { allocation_version: 1, allocated_usd: 100 },
    })
    const forced = expectStatus(await set({ allocated_usd: 50, force: true, reason: 'smaller team' }), 200)
    expect(forced.body).toMatchObject({
      allocated_usd: 50,
      spent_usd: 20,
      reserved_usd: 0,
      leases_revoked: 1,
      allocation_version: 2,
    })
    const same = expectStatus(await set({ allocated_usd: 50 }), 200)
    expect(same.body).toMatchObject({ change_usd: 0, allocation_version: 2 })
  })

  test('archiving ends the token and releases what was held', async () => {
    const agent = await fresh()
    expectStatus(await post(agent, '/budget/handshake', { requested_usd: 10 }), 200)
    const archived = expectStatus(
      await api.client.request('DELETE', `/api/v1/agents/${agent.agentId}`, undefined, agent.admin),
      200,
    )
    expect(archived.body).toMatchObject({ status: 'archived', leases_revoked: 1, released_usd: 10 })
    const after = await post(agent, '/budget/handshake', {})
    expect([after.status, after.body.code]).toEqual([401, 'TOKEN_REVOKED'])
  })
})

test('/ready asks the database, the vault and the ledger; /version tells what runs', async () => {
  const ready = expectStatus(await api.client.get('/ready'), 200)
  expect(ready.body).toEqual({
    status: 'ready',
    checks: { database: 'ok', migrations: 'ok', vault: 'ok', events: 'ok', ledger: 'ok' },
  })
  expect((await api.client.request('GET', '/version')).body).toMatchObject({
    name: 'iron-control-api',
    api_version: 'v1',
  })
})
