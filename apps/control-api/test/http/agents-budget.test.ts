import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { enginesForTests } from '@iron/database/testing'
import type { Answer } from '../support/http-client.ts'
import { faults, type MadeAgent, missingId, type Operators, refusal, startOperators } from '../support/operators.ts'
import { expectStatus } from '../support/server-process.ts'

describe.each(await enginesForTests())('budgets, leases and ledgers of agents on %s', (dialect) => {
  let ops: Operators
  beforeAll(async () => {
    ops = await startOperators(dialect)
  }, 60_000)
  afterAll(async () => {
    await ops[Symbol.asyncDispose]()
  })
  const report = async (agent: MadeAgent, leaseId: string, usd: number): Promise<void> => {
    const body = { lease_id: leaseId, request_id: `${leaseId}-${String(usd)}`, model: 'm', cost_usd: usd }
    expectStatus(await ops.client.post('/budget/report', body, agent.runtime), 200)
  }
  const read = async (path: string, who = ops.admin.session): Promise<Answer['body']> =>
    expectStatus(await ops.client.get(path, who), 200).body as unknown

  describe('PUT /agents/{id}/budget', () => {
    test('MON-24 raises, refuses, lowers with force and revokes what no longer fits; the same value writes nothing', async () => {
      const { client, admin } = ops
      const agent = await ops.newAgent(admin, { allocated_usd: 20 })
      const put = (body: unknown): Promise<Answer> => client.put(`${agent.path}/budget`, body, admin.session)
      ops.clock.advance(1_000)
      const raised = expectStatus(await put({ allocated_usd: 30, reason: 'more', expected_version: 1 }), 200)
      expect(raised.body).toEqual({
        budget_id: agent.body.budget_id as string,
        agent_id: agent.id,
        agent_name: agent.body.name as string,
        allocated_usd: 30,
        spent_usd: 0,
        reserved_usd: 0,
        remaining_usd: 30,
        overdrawn_usd: 0,
        percent_used: 0,
        status: 'active',
        risk_level: 'low',
        open_leases: 0,
        allocation_version: 2,
        updated_at: ops.at(),
        previous_allocated_usd: 20,
        change_usd: 10,
        leases_revoked: 0,
      })
      const same = expectStatus(await put({ allocated_usd: 30, force: true }), 200)
      expect(same.body).toEqual({ ...raised.body, previous_allocated_usd: 30, change_usd: 0 })
      const lease = await ops.newLease(agent, 10)
      await report(agent, lease, 4)
      const unconfirmed = await put({ allocated_usd: 8.5 })
      expect(refusal(unconfirmed)).toEqual([
        400,
        'BUDGET_DECREASE_REQUIRES_CONFIRMATION',
        {
          allocated_usd: 30,
          requested_allocated_usd: 8.5,
          spent_usd: 4,
          reserved_usd: 6,
          remaining_after_usd: 4.5,
          leases_to_revoke: [lease],
        },
      ])
      expect(refusal(await put({ allocated_usd: 3.999999, force: true }))).toEqual([
        409,
        'BUDGET_BELOW_SPENT',
        { allocated_usd: 30, spent_usd: 4 },
      ])
      expect(refusal(await put({ allocated_usd: 40, expected_version: 1 }))).toEqual([
        409,
        'CONFLICT',
        { allocation_version: 2, allocated_usd: 30 },
      ])
      const lowered = expectStatus(await put({ allocated_usd: 8.5, force: true }), 200)
      expect(lowered.body).toMatchObject({
        allocated_usd: 8.5,
        reserved_usd: 0,
        remaining_usd: 4.5,
        previous_allocated_usd: 30,
        change_usd: -21.5,
        leases_revoked: 1,
        allocation_version: 3,
      })
      expect(expectStatus(await client.get(`${agent.path}/budget`, admin.session), 200).body).toMatchObject({
        allocated_usd: 8.5,
        open_leases: 0,
        updated_at: ops.at(),
      })
      expect((await ops.operations(agent.id)).slice(1)).toEqual(['BUDGET_UPDATED', 'BUDGET_UPDATED'])
      const changed = (await ops.events(agent.id)).filter(({ type }) => type === 'budget.changed')
      expect(changed).toMatchObject([
        { data: { reason: 'increased', previous_allocated_usd: 20, note: 'more', changed_by: admin.id } },
        { data: { reason: 'decreased', previous_allocated_usd: 30 } },
      ])
    })

    test('MON-03 VAL-03 bad amounts are named; unknown and archived agents are refused', async () => {
      const { client, admin } = ops
      const agent = await ops.newAgent(admin)
      const put = (body: unknown, path = agent.path): Promise<Answer> =>
        client.put(`${path}/budget`, body, admin.session)
      for (const [body, fields] of [
        [{}, ['allocated_usd']],
        [
          { allocated_usd: '5', force: 'yes', reason: '', expected_version: -1, note: 'x' },
          ['allocated_usd', 'expected_version', 'force', 'note', 'reason'],
        ],
        [{ allocated_usd: -1 }, ['allocated_usd']],
        [{ allocated_usd: 1.0000001 }, ['allocated_usd']],
        [{ allocated_usd: 1_000_000_001 }, ['allocated_usd']],
        [{ allocated_usd: 1, reason: 'x'.repeat(501) }, ['reason']],
      ] as const) {
        expect([body, faults(await put(body))]).toEqual([body, fields])
      }
      const nobody = `/agents/${missingId('agent')}`
      expect(refusal(await put({ allocated_usd: 1 }, nobody))).toEqual([404, 'AGENT_NOT_FOUND'])
      expect(refusal(await client.get(`${nobody}/budget`, admin.session))).toEqual([404, 'AGENT_NOT_FOUND'])
      expectStatus(await client.delete(agent.path, admin.session), 200)
      expect(refusal(await put({ allocated_usd: 1 }))).toEqual([409, 'AGENT_ARCHIVED'])
    })
  })

  describe('POST /agents/{id}/budget/adjustments', () => {
    test('MON-31 a credit gives back, a charge books and may cross thresholds; one entry and one event each', async () => {
      const { client, admin } = ops
      const agent = await ops.newAgent(admin, { allocated_usd: 10 })
      const lease = await ops.newLease(agent, 4)
      await report(agent, lease, 4)
      const adjust = (body: unknown): Promise<Answer> =>
        client.post(`${agent.path}/budget/adjustments`, body, admin.session)
      const before = (await ops.events(agent.id)).length
      ops.clock.advance(1_000)
      const credit = expectStatus(await adjust({ direction: 'credit', amount_usd: 1.5, reason: 'billed\ntwice' }), 201)
      const balance = { allocated_usd: 10, reserved_usd: 0, overdrawn_usd: 0 }
      expect(credit.body).toEqual({
        seq: 4,
        timestamp: ops.at(),
        agent_id: agent.id,
        type: 'adjust',
        amount_usd: 1.5,
        from_account: 'spent',
        to_account: 'available',
        lease_id: null,
        request_id: null,
        reason: 'billed\ntwice',
        actor_id: admin.id,
        balances: { allocated_usd: 10, spent_usd: 2.5, reserved_usd: 0, available_usd: 7.5 },
        budget: { ...balance, spent_usd: 2.5, remaining_usd: 7.5, percent_used: 25 },
      })
      expect(credit.headers.location).toBe(`/api/v1${agent.path}/ledger`)
      const charge = expectStatus(await adjust({ direction: 'charge', amount_usd: 8, reason: 'found later' }), 201)
      expect(charge.body).toMatchObject({
        seq: 5,
        type: 'overrun',
        amount_usd: 8,
        from_account: 'available',
        to_account: 'spent',
        balances: { available_usd: -0.5 },
        budget: { spent_usd: 10.5, remaining_usd: 0, overdrawn_usd: 0.5, percent_used: 105 },
      })
      const { budget: _, ...entry } = charge.body as Record<string, unknown>
      expect((await read(`${agent.path}/ledger?limit=1`)).data).toEqual([entry])
      expect(refusal(await adjust({ direction: 'credit', amount_usd: 10.500001, reason: 'x' }))).toEqual([
        409,
        'ADJUSTMENT_TOO_LARGE',
        { spent_usd: 10.5 },
      ])
      const changed = { reason: 'adjusted', previous_allocated_usd: 10, changed_by: admin.id }
      const events = (await ops.events(agent.id)).slice(before)
      expect(events.map(({ type }) => type)).toEqual([
        'budget.changed',
        'budget.changed',
        ...[50, 80, 90, 100].map(() => 'budget.threshold_reached'),
        'budget.exhausted',
      ])
      expect(events).toMatchObject([
        { data: { ...changed, adjustment_usd: -1.5, note: 'billed\ntwice' } },
        { data: { ...changed, adjustment_usd: 8, note: 'found later' } },
        ...[50, 80, 90, 100].map((threshold) => ({ data: { threshold } })),
        { data: { spent_usd: 10.5, lease_id: null } },
      ])
      const entries = (await ops.audited(agent.id)).slice(1)
      expect(entries).toMatchObject([
        {
          operation: 'BUDGET_ADJUSTED',
          actor: { type: 'user', id: admin.id },
          reason: 'billed\ntwice',
          metadata: { direction: 'credit', amount_usd: 1.5, ledger_seq: 4 },
        },
        { operation: 'BUDGET_ADJUSTED', metadata: { direction: 'charge', amount_usd: 8, ledger_seq: 5 } },
      ])
      expect(entries).toHaveLength(2)
    })

    test('http-api 1.9 a key books once, under parallel repeats too', async () => {
      const { client, admin } = ops
      const agent = await ops.newAgent(admin, { allocated_usd: 10 })
      const headers = { ...admin.session, 'Idempotency-Key': 'adjust-once' }
      const adjust = (amount: number): Promise<Answer> => {
        const body = { direction: 'charge', amount_usd: amount, reason: 'once' }
        return client.post(`${agent.path}/budget/adjustments`, body, headers)
      }
      const answers = await Promise.all([1, 2, 3, 4, 5].map(() => adjust(2)))
      expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201, 201])
      expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1)
      expect(answers.filter((answer) => answer.headers['idempotency-replayed'] === 'true')).toHaveLength(4)
      expect((await read(`${agent.path}/budget`)).spent_usd).toBe(2)
      expect(refusal(await adjust(3))).toEqual([409, 'IDEMPOTENCY_CONFLICT'])
      expect(await ops.operations(agent.id)).toEqual(['AGENT_CREATED', 'BUDGET_ADJUSTED'])
    })

    test('what is refused: bad fields, nothing spent, archived and unknown agents', async () => {
      const { client, admin } = ops
      const agent = await ops.newAgent(admin, { allocated_usd: 10 })
      const adjust = (body: unknown, path = agent.path): Promise<Answer> =>
        client.post(`${path}/budget/adjustments`, body, admin.session)
      const good = { direction: 'credit', amount_usd: 1, reason: 'x' }
      expect(faults(await adjust({}))).toEqual(['amount_usd', 'direction', 'reason'])
      for (const [field, value] of [
        ['direction', 'debit'],
        ['amount_usd', 0],
        ['amount_usd', -1],
        ['amount_usd', 0.0000001],
        ['reason', ''],
        ['reason', 'x'.repeat(501)],
        ['reason', 'nul\u0000'],
        ['lease_id', missingId('lease')],
      ] as const) {
        expect([field, value, faults(await adjust({ ...good, [field]: value }))]).toEqual([field, value, [field]])
      }
      expect(refusal(await adjust(good))).toEqual([409, 'ADJUSTMENT_TOO_LARGE', { spent_usd: 0 }])
      expect(refusal(await adjust(good, `/agents/${missingId('agent')}`))).toEqual([404, 'AGENT_NOT_FOUND'])
      expectStatus(await client.delete(agent.path, admin.session), 200)
      expect(refusal(await adjust({ ...good, direction: 'charge' }))).toEqual([409, 'AGENT_ARCHIVED'])
    })
  })

  describe('GET /agents/{id}/budget/history', () => {
    test('every change of the allocation, newest first, without gap or repeat', async () => {
      const { client, admin, clock } = ops
      const ann = await ops.newPerson('viewer')
      const agent = await ops.newAgent(ann, { allocated_usd: 10 })
      const path = `${agent.path}/budget/history`
      const times = [ops.at()]
      for (const body of [
        { allocated_usd: 30, reason: 'more' },
        { allocated_usd: 20, force: true },
      ]) {
        clock.advance(1_000)
        times.push(ops.at())
        expectStatus(await client.put(`${agent.path}/budget`, body, admin.session), 200)
      }
      const row = { reason: null, changed_by: admin.id, budget_request_id: null }
      const expected = [
        { ...row, version: 3, changed_at: times[2], previous_allocated_usd: 30, allocated_usd: 20, change_usd: -10 },
        {
          ...row,
          version: 2,
          changed_at: times[1],
          previous_allocated_usd: 10,
          allocated_usd: 30,
          change_usd: 20,
          reason: 'more',
        },
        { ...row, version: 1, changed_at: times[0], previous_allocated_usd: 0, allocated_usd: 10, change_usd: 10 },
      ]
      expect(await read(path, ann.session)).toEqual({ data: expected, next_cursor: null })
      const first = await read(`${path}?limit=2`, ann.session)
      expect(first).toEqual({ data: expected.slice(0, 2), next_cursor: expect.any(String) })
      const rest = await read(`${path}?limit=2&after=${String(first.next_cursor)}`, ann.session)
      expect(rest).toEqual({ data: expected.slice(2), next_cursor: null })
      expect((await read(`${path}?order=asc`, ann.session)).data).toEqual(expected.toReversed())
      for (const query of ['?after=zzz', '?limit=0', '?limit=1001', '?order=up', '?page=1']) {
        expect([query, (await client.get(`${path}${query}`, ann.session)).status]).toEqual([query, 400])
      }
      const unfunded = await ops.newAgent(ann)
      expect(await read(`${unfunded.path}/budget/history`)).toEqual({ data: [], next_cursor: null })
      expect(refusal(await client.get(`/agents/${missingId('agent')}/budget/history`, admin.session))).toEqual([
        404,
        'AGENT_NOT_FOUND',
      ])
    })
  })

  describe('leases and ledger', () => {
    test('MON-19 a lease is shown, revoked once and released; later grants stay possible', async () => {
      const { client, admin } = ops
      const ann = await ops.newPerson()
      const agent = await ops.newAgent(ann, { allocated_usd: 20 })
      const id = await ops.newLease(agent, 10)
      await report(agent, id, 2.5)
      ops.clock.advance(1_000)
      const path = `${agent.path}/leases/${id}`
      const open = {
        id,
        agent_id: agent.id,
        provider_id: null,
        runtime_id: null,
        status: 'active',
        close_reason: null,
        requested_usd: 10,
        granted_usd: 10,
        spent_usd: 2.5,
        overrun_usd: 0,
        unreported_usd: 0,
        returned_usd: 0,
        remaining_usd: 7.5,
        supersedes: null,
        superseded_by: null,
        created_at: ops.at(-1_000),
        expires_at: ops.at(3_599_000),
        closed_at: null,
      }
      expect(await read(path, ann.session)).toEqual(open)
      expect(await read(`${agent.path}/leases`, ann.session)).toEqual({ data: [open], next_cursor: null })
      const revoke = (body?: unknown): Promise<Answer> => client.post(`${path}/revoke`, body, ann.session)
      const revoked = expectStatus(await revoke({ reason: 'too\nlong' }), 200)
      const final = {
        ...open,
        status: 'revoked',
        close_reason: 'revoked',
        returned_usd: 7.5,
        remaining_usd: 0,
        closed_at: ops.at(),
      }
      expect(revoked.body).toEqual(final)
      expect(refusal(await revoke())).toEqual([409, 'LEASE_NOT_ACTIVE', { lease_id: id, status: 'revoked' }])
      expect(await read(`${agent.path}/leases?status=revoked`, ann.session)).toEqual({
        data: [final],
        next_cursor: null,
      })
      expect((await read(`${agent.path}/leases?status=active`, ann.session)).data).toEqual([])
      expect((await ops.events(agent.id)).at(-1)).toMatchObject({
        type: 'lease.closed',
        data: { lease_id: id, status: 'revoked', close_reason: 'revoked', cause: 'operator', returned_usd: 7.5 },
      })
      expect(await ops.audited(id)).toMatchObject([
        { operation: 'LEASE_GRANTED' },
        { operation: 'LEASE_REVOKED', actor: { type: 'user', id: ann.id }, reason: 'too\nlong' },
      ])
      expect(await ops.audited(id)).toHaveLength(2)
      await ops.newLease(agent, 1)
      const twice = await ops.newLease(agent, 2)
      const raced = await Promise.all(
        Array.from({ length: 8 }, () => client.post(`${agent.path}/leases/${twice}/revoke`, {}, admin.session)),
      )
      expect(raced.map(({ status }) => status).sort()).toEqual([200, ...Array.from({ length: 7 }, () => 409)])
      expect((await read(`${agent.path}/budget`)).reserved_usd).toBe(1)
    })

    test("ACL-03 somebody else's lease, a lease of another agent and nonsense are not found", async () => {
      const { client, admin } = ops
      const ann = await ops.newPerson()
      const ben = await ops.newPerson()
      const agent = await ops.newAgent(ann, { allocated_usd: 20 })
      const other = await ops.newAgent(ann, { allocated_usd: 20 })
      const theirs = await ops.newAgent(ben)
      const id = await ops.newLease(agent, 10)
      const asked = async (path: string, who = ann.session): Promise<unknown> => {
        const answers = [await client.get(path, who), await client.post(`${path}/revoke`, {}, who)]
        const [got, posted] = answers.map((answer) => JSON.stringify(refusal(answer)))
        expect(got).toBe(posted)
        return JSON.parse(got ?? '') as unknown
      }
      const lost = [404, 'LEASE_NOT_FOUND']
      expect(await asked(`${other.path}/leases/${id}`)).toEqual(lost)
      expect(await asked(`${agent.path}/leases/${missingId('lease')}`)).toEqual(lost)
      expect(await asked(`${agent.path}/leases/1`)).toEqual(lost)
      expect(await asked(`${agent.path}/leases/${id}`, ben.session)).toEqual([404, 'AGENT_NOT_FOUND'])
      expect(await asked(`${theirs.path}/leases/${id}`, ben.session)).toEqual(lost)
      expect(await asked(`/agents/${missingId('agent')}/leases/${id}`, admin.session)).toEqual([404, 'AGENT_NOT_FOUND'])
      for (const reason of ['', 'x'.repeat(501), null]) {
        const answer = await client.post(`${agent.path}/leases/${id}/revoke`, { reason }, ann.session)
        expect(faults(answer)).toEqual(['reason'])
      }
      expect((await read(`${agent.path}/leases/${id}`)).status).toBe('active')
      expectStatus(await client.delete(agent.path, ann.session), 200)
      const archived = await client.post(`${agent.path}/leases/${id}/revoke`, {}, ann.session)
      expect(refusal(archived)).toEqual([409, 'AGENT_ARCHIVED'])
    })

    test('the ledger tells every booking, its balances at any time, and that all agrees', async () => {
      const { client, admin, clock } = ops
      const ann = await ops.newPerson('viewer')
      const agent = await ops.newAgent(ann, { allocated_usd: 20 })
      const beginning = ops.at()
      clock.advance(1_000)
      const lease = await ops.newLease(agent, 5)
      clock.advance(1_000)
      await report(agent, lease, 2)
      const ledger = await read(`${agent.path}/ledger?order=asc`, ann.session)
      expect(
        (ledger.data as { type: string; lease_id: string | null }[]).map((row) => [row.type, row.lease_id]),
      ).toEqual([
        ['allocate', null],
        ['grant', lease],
        ['spend', lease],
      ])
      expect((await read(`${agent.path}/ledger?lease_id=${lease}`, ann.session)).data).toHaveLength(2)
      const then = { allocated_usd: 20, spent_usd: 0, reserved_usd: 0, available_usd: 20 }
      const at = encodeURIComponent(beginning)
      expect(await read(`${agent.path}/ledger/balances?at=${at}`, ann.session)).toEqual({
        agent_id: agent.id,
        at: beginning,
        ...then,
      })
      for (const before of ['0000-01-01T00:00:00.000Z', '1969-12-31T23:59:59.999Z']) {
        const nothing = { allocated_usd: 0, spent_usd: 0, reserved_usd: 0, available_usd: 0 }
        expect(await read(`${agent.path}/ledger/balances?at=${before}`, ann.session)).toEqual({
          agent_id: agent.id,
          at: before,
          ...nothing,
        })
      }
      expect(await read(`${agent.path}/ledger/balances`, ann.session)).toEqual({
        agent_id: agent.id,
        at: ops.at(),
        allocated_usd: 20,
        spent_usd: 2,
        reserved_usd: 3,
        available_usd: 15,
      })
      expect(await read(`${agent.path}/budget/verify`)).toEqual({
        agent_id: agent.id,
        consistent: true,
        differences: [],
      })
      const nobody = `/agents/${missingId('agent')}`
      for (const path of ['/leases', '/ledger', '/ledger/balances', '/budget/verify']) {
        expect(refusal(await client.get(`${nobody}${path}`, admin.session))).toEqual([404, 'AGENT_NOT_FOUND'])
      }
      for (const path of ['/leases?status=open', '/ledger?lease_id=1', '/ledger/balances?at=now', '/ledger?after=x']) {
        expect([path, (await client.get(`${agent.path}${path}`, ann.session)).status]).toEqual([path, 400])
      }
    })
  })
})
