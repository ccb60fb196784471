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

const WHY = 'twenty characters are needed at least'
const NO = 'there is no money left this quarter'

describe.each(await enginesForTests())('budget requests on %s', (dialect) => {
  let ops: Operators
  let ann: Person
  let agent: MadeAgent
  beforeAll(async () => {
    ops = await startOperators(dialect)
    ann = await ops.newPerson()
  }, 60_000)
  afterAll(async () => {
    await ops[Symbol.asyncDispose]()
  })
  const create = (body: Record<string, unknown>, headers: Headers = ann.session): Promise<Answer> => {
    const asked = { agent_id: agent.id, requested_allocated_usd: 50, justification: WHY, ...body }
    return ops.client.post('/budget-requests', asked, headers)
  }
  /** Asks about an agent of its own with 20 USD. */
  const asking = async (usd = 50): Promise<{ id: string; path: string; body: Record<string, unknown> }> => {
    agent = await ops.newAgent(ann, { allocated_usd: 20 })
    const { body } = expectStatus(await create({ requested_allocated_usd: usd }), 201)
    return { id: String(body.id), path: `/budget-requests/${String(body.id)}`, body: body as Record<string, unknown> }
  }
  const approve = (path: string, body: unknown = {}, who = ops.admin): Promise<Answer> =>
    ops.client.put(`${path}/approve`, body, who.session)
  const reject = (path: string, body: unknown = { review_notes: NO }, who = ops.admin): Promise<Answer> =>
    ops.client.put(`${path}/reject`, body, who.session)
  const cancel = (path: string, who = ann): Promise<Answer> => ops.client.delete(path, who.session)
  const budgetOf = async (): Promise<Record<string, unknown>> =>
    expectStatus(await ops.client.get(`${agent.path}/budget`, ops.admin.session), 200).body as Record<string, unknown>

  describe('POST /budget-requests', () => {
    test('ACL-06 is made in the name of who asks, shown with the live budget, and audited once', async () => {
      const { client, clock } = ops
      agent = await ops.newAgent(ann, { allocated_usd: 20 })
      const made = expectStatus(await create({ requested_allocated_usd: 50.5, justification: `  ${WHY}\n ` }), 201)
      const request = made.body as Record<string, unknown>
      const path = `/budget-requests/${String(request['id'])}`
      expect(request).toEqual({
        id: expect.stringMatching(/^breq_/),
        agent_id: agent.id,
        agent_name: agent.body.name as string,
        requester_id: ann.id,
        requester_name: ann.name,
        status: 'pending',
        allocated_usd: 20,
        requested_allocated_usd: 50.5,
        approved_allocated_usd: null,
        justification: WHY,
        review_notes: null,
        reviewed_by: null,
        reviewed_by_name: null,
        reviewed_at: null,
        cancelled_by: null,
        cancelled_at: null,
        created_at: ops.at(),
        updated_at: ops.at(),
      })
      expect(made.headers.location).toBe(`/api/v1${path}`)
      clock.advance(1_000)
      expectStatus(await client.put(`${agent.path}/budget`, { allocated_usd: 30 }, ops.admin.session), 200)
      const read = expectStatus(await client.get(path, ann.session), 200)
      expect(read.body).toEqual({ ...request, agent_budget: await budgetOf() })
      expect(read.body.agent_budget.allocated_usd).toBe(30)
      expect(await ops.audited(String(request['id']))).toMatchObject([
        {
          operation: 'BUDGET_REQUEST_CREATED',
          actor: { type: 'user', id: ann.id, role: 'user' },
          ip: '127.0.0.1',
          reason: WHY,
        },
      ])
      expectStatus(await create({ requested_allocated_usd: 31 }), 201)
      expect(faults(await create({ requester_id: ops.admin.id }))).toEqual(['requester_id'])
    })

    test('who asked no longer sees the budget when the agent is somebody else’s', async () => {
      const { client, admin } = ops
      const { path } = await asking()
      const other = await ops.newPerson()
      expectStatus(await client.patch(agent.path, { owner_id: other.id }, admin.session), 200)
      expect(expectStatus(await client.get(path, ann.session), 200).body).toMatchObject({
        status: 'pending',
        agent_budget: null,
      })
      expect(expectStatus(await client.get(path, admin.session), 200).body.agent_budget).toEqual(await budgetOf())
      expectStatus(await client.get(path, other.session), 404)
    })

    test('DAT-11 by an API token: the requester is its owner, the actor the token', async () => {
      agent = await ops.newAgent(ann)
      const body = { name: 'script', scopes: ['budgets:request'] }
      const token = expectStatus(await ops.client.post('/tokens', body, ann.session), 201)
      const made = expectStatus(await create({}, { 'X-API-Token': String(token.body.token) }), 201)
      expect(made.body.requester_id).toBe(ann.id)
      const [entry] = await ops.audited(String(made.body.id))
      expect(entry?.actor).toEqual({ type: 'api_token', id: token.body.id as string, role: 'user' })
      expect(refusal(await ops.client.get('/agents', { 'X-API-Token': String(token.body.token) }))).toEqual([
        403,
        'FORBIDDEN',
      ])
    })

    test('VAL-06 lengths count code points after trimming; every fault is named', async () => {
      agent = await ops.newAgent(ann)
      expect(faults(await ops.client.post('/budget-requests', {}, ann.session))).toEqual([
        'agent_id',
        'justification',
        'requested_allocated_usd',
      ])
      const bad = { agent_id: 'agent_1', requested_allocated_usd: 0, justification: 'short', extra: 1 }
      expect(faults(await create(bad))).toEqual(['agent_id', 'extra', 'justification', 'requested_allocated_usd'])
      for (const usd of [-1, 0.0000001, 1_000_000_001, '5', null]) {
        expect([usd, faults(await create({ requested_allocated_usd: usd }))]).toEqual([
          usd,
          ['requested_allocated_usd'],
        ])
      }
      const blanks = ' '.repeat(100)
      for (const [justification, status] of [
        ['𝄞'.repeat(20), 201],
        ['𝄞'.repeat(19), 400],
        [`${blanks}${'x'.repeat(19)}${blanks}`, 400],
        [`${blanks}${'e\u0301'.repeat(500)}${blanks.repeat(50)}`, 201],
        ['x'.repeat(501), 400],
        [blanks, 400],
        [`${WHY}\u0000`, 400],
        [`${WHY}\u000b`, 400],
      ] as const) {
        const answer = await create({ justification })
        expect([justification, answer.status]).toEqual([justification, status])
        if (status === 400) expect(faults(answer)).toEqual(['justification'])
      }
      // VAL-02: measured together with all else, and told the bounds that hold.
      const long = await create({ justification: 'x'.repeat(501), requested_allocated_usd: -1 })
      expect(faults(long)).toEqual(['justification', 'requested_allocated_usd'])
      const { fields } = long.body.details as { fields: Record<string, string> }
      expect(fields['justification']).toBe('must be 20 to 500 characters long')
    })

    test('what does not raise the allocation, archived and unknown agents; ACL-03 those of others are not there', async () => {
      const { client, admin } = ops
      agent = await ops.newAgent(ann, { allocated_usd: 20 })
      for (const usd of [20, 19.999999]) {
        const answer = await create({ requested_allocated_usd: usd })
        expect(refusal(answer)).toEqual([400, 'BUDGET_DECREASE_REQUEST', { allocated_usd: 20 }])
      }
      const ben = await ops.newPerson()
      const foreign = await create({}, ben.session)
      const missing = await create({ agent_id: missingId('agent') }, ben.session)
      expect(refusal(foreign)).toEqual([404, 'AGENT_NOT_FOUND'])
      expect(JSON.stringify(foreign.body)).toBe(JSON.stringify(missing.body))
      expect(refusal(await create({ agent_id: missingId('agent') }, admin.session))).toEqual([404, 'AGENT_NOT_FOUND'])
      expect(expectStatus(await create({}, admin.session), 201).body.requester_id).toBe(admin.id)
      expectStatus(await client.delete(agent.path, ann.session), 200)
      expect(refusal(await create({}))).toEqual([409, 'AGENT_ARCHIVED'])
    })

    test('http-api 1.9 a key makes one', async () => {
      agent = await ops.newAgent(ann)
      const headers = { ...ann.session, 'Idempotency-Key': 'request-once' }
      const answers = await Promise.all([1, 2, 3].map(() => create({}, headers)))
      expect(answers.map(({ status }) => status)).toEqual([201, 201, 201])
      expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1)
      expect(answers.filter((answer) => answer.headers['idempotency-replayed'] === 'true')).toHaveLength(2)
      expect(refusal(await create({ requested_allocated_usd: 51 }, headers))).toEqual([409, 'IDEMPOTENCY_CONFLICT'])
      const query = `/budget-requests?agent_id=${agent.id}`
      expect(expectStatus(await ops.client.get(query, ann.session), 200).body.pagination.total).toBe(1)
    })
  })

  test('ACL-05 ACL-17 GET /budget-requests shows the caller’s own, filtered, sorted and counted', async () => {
    const { client, admin, clock } = ops
    const ben = await ops.newPerson()
    const agents = [await ops.newAgent(ben), await ops.newAgent(ben)]
    const made: string[] = []
    for (const [index, usd] of [
      [0, 30],
      [0, 10],
      [1, 20],
    ] as const) {
      clock.advance(10)
      const asked = { agent_id: agents[index]?.id, requested_allocated_usd: usd }
      made.push(String(expectStatus(await create(asked, ben.session), 201).body.id))
    }
    expectStatus(await cancel(`/budget-requests/${made[1] ?? ''}`, ben), 200)
    const amounts = async (query: string, who = ben): Promise<number[]> => {
      const { body } = expectStatus(await client.get(`/budget-requests?${query}`, who.session), 200)
      return (body.data as { requested_allocated_usd: number }[]).map((row) => row.requested_allocated_usd)
    }
    expect(await amounts('')).toEqual([20, 10, 30])
    expect(await amounts('sort=requested_allocated_usd')).toEqual([10, 20, 30])
    expect(await amounts('sort=-requested_allocated_usd&per_page=2')).toEqual([30, 20])
    expect(await amounts('status=pending&sort=created_at')).toEqual([30, 20])
    expect(await amounts(`agent_id=${agents[0]?.id ?? ''}`)).toEqual([10, 30])
    expect(await amounts(`requester_id=${ben.id}`, admin)).toEqual([20, 10, 30])
    expect(await amounts(`requester_id=${ann.id}`)).toEqual([])
    expect(await amounts(`requester_id=${ben.id}`, ann)).toEqual([])
    expect(await amounts(`agent_id=${agents[0]?.id ?? ''}`, ann)).toEqual([])
    const page = expectStatus(await client.get('/budget-requests?page=2&per_page=2', ben.session), 200)
    expect(page.body.pagination).toEqual({ page: 2, per_page: 2, total: 3, total_pages: 2 })
    for (const query of ['sort=status', 'status=open', 'agent_id=1', 'requester_id=1', 'page=0', 'q=1']) {
      expect([query, (await client.get(`/budget-requests?${query}`, ben.session)).status]).toEqual([query, 400])
    }
    // An agent given away takes its history along, but not what somebody else has asked.
    expectStatus(await client.patch(agents[0]?.path ?? '', { owner_id: ann.id }, admin.session), 200)
    expect(await amounts(`agent_id=${agents[0]?.id ?? ''}`)).toEqual([10, 30])
    expect(await amounts(`agent_id=${agents[0]?.id ?? ''}`, ann)).toEqual([])
    const body = { name: 'reader', scopes: ['agents:read'] }
    const token = expectStatus(await client.post('/tokens', body, ben.session), 201)
    const narrowed = await client.get('/budget-requests', { 'X-API-Token': String(token.body.token) })
    expect(refusal(narrowed)).toEqual([403, 'FORBIDDEN'])
  })

  describe('PUT /budget-requests/{id}/approve', () => {
    test('MON-25 sets the allocation to what was asked for, with request, history, ledger and event in one commit', async () => {
      const { client, admin, clock } = ops
      const request = await asking(50)
      expectStatus(await client.put(`${agent.path}/budget`, { allocated_usd: 30 }, admin.session), 200)
      clock.advance(1_000)
      const approved = expectStatus(await approve(request.path, { review_notes: 'fine\nby me' }), 200)
      const { budget, previous_allocated_usd: previous, ...now } = approved.body as Record<string, unknown>
      expect(now).toEqual({
        ...request.body,
        status: 'approved',
        approved_allocated_usd: 50,
        review_notes: 'fine\nby me',
        reviewed_by: admin.id,
        reviewed_by_name: admin.name,
        reviewed_at: ops.at(),
        updated_at: ops.at(),
      })
      expect(previous).toBe(30)
      expect(budget).toEqual(await budgetOf())
      expect(budget).toMatchObject({ allocated_usd: 50, allocation_version: 3 })
      const history = expectStatus(await client.get(`${agent.path}/budget/history?limit=1`, ann.session), 200)
      expect(history.body.data).toEqual([
        {
          version: 3,
          changed_at: ops.at(),
          previous_allocated_usd: 30,
          allocated_usd: 50,
          change_usd: 20,
          reason: null,
          changed_by: admin.id,
          budget_request_id: request.id,
        },
      ])
      expect(await ops.operations(request.id)).toEqual(['BUDGET_REQUEST_CREATED', 'BUDGET_REQUEST_APPROVED'])
      expect((await ops.audited(agent.id)).at(-1)).toMatchObject({
        operation: 'BUDGET_UPDATED',
        actor: { type: 'user', id: admin.id },
        metadata: { budget_request_id: request.id },
      })
      expect((await ops.events(agent.id)).at(-1)).toMatchObject({
        type: 'budget.changed',
        data: {
          reason: 'request_approved',
          previous_allocated_usd: 30,
          allocated_usd: 50,
          budget_request_id: request.id,
          note: 'fine\nby me',
        },
      })
    })

    test('MON-25 another amount may be approved, if it is above the live allocation', async () => {
      const { client, admin } = ops
      const request = await asking(50)
      expectStatus(await client.put(`${agent.path}/budget`, { allocated_usd: 60 }, admin.session), 200)
      const decreases = [400, 'APPROVAL_DECREASES_BUDGET', { allocated_usd: 60 }]
      expect(refusal(await approve(request.path))).toEqual(decreases)
      expect(refusal(await approve(request.path, { approved_allocated_usd: 60 }))).toEqual(decreases)
      const other = expectStatus(await approve(request.path, { approved_allocated_usd: 60.000001 }), 200)
      expect(other.body).toMatchObject({
        status: 'approved',
        requested_allocated_usd: 50,
        approved_allocated_usd: 60.000001,
        review_notes: null,
        previous_allocated_usd: 60,
        budget: { allocated_usd: 60.000001 },
      })
      for (const body of [
        { approved_allocated_usd: 0 },
        { approved_allocated_usd: '70' },
        { review_notes: 'x'.repeat(1_001) },
        { review_notes: null },
        { reviewed_by: ann.id },
      ]) {
        expect([body, faults(await approve(request.path, body))]).toEqual([body, Object.keys(body)])
      }
    })

    test('ACL-07 nobody approves the own request, unless nobody else could', async () => {
      const { admin, client } = ops
      agent = await ops.newAgent(admin)
      const { body } = expectStatus(await create({}, admin.session), 201)
      const path = `/budget-requests/${String(body.id)}`
      const second = await ops.newPerson('admin')
      expect(refusal(await approve(path))).toEqual([403, 'SELF_APPROVAL_FORBIDDEN'])
      expect(refusal(await approve(path, {}, ann))).toEqual([403, 'FORBIDDEN'])
      expectStatus(await client.put(`/users/${second.id}/suspend`, {}, admin.session), 200)
      const approved = expectStatus(await approve(path), 200)
      expect(approved.body).toMatchObject({ status: 'approved', requester_id: admin.id, reviewed_by: admin.id })
      expect((await budgetOf())['allocated_usd']).toBe(50)
    })
  })

  test('PUT /budget-requests/{id}/reject: with a reason, once, and no money moves', async () => {
    const { admin, clock } = ops
    const request = await asking()
    for (const [body, fields] of [
      [{}, ['review_notes']],
      [{ review_notes: 'x'.repeat(19) }, ['review_notes']],
      [{ review_notes: 'x'.repeat(1_001), status: 'rejected' }, ['review_notes', 'status']],
      [{ review_notes: ' '.repeat(30) }, ['review_notes']],
    ] as const) {
      expect([body, faults(await reject(request.path, body))]).toEqual([body, fields])
    }
    clock.advance(1_000)
    const rejected = expectStatus(await reject(request.path, { review_notes: ` ${NO}\n` }), 200)
    expect(rejected.body).toEqual({
      ...request.body,
      status: 'rejected',
      review_notes: ` ${NO}\n`,
      reviewed_by: admin.id,
      reviewed_by_name: admin.name,
      reviewed_at: ops.at(),
      updated_at: ops.at(),
    })
    const details = { status: 'rejected', reviewed_by: admin.id, reviewed_at: ops.at() }
    for (const answer of [await reject(request.path), await approve(request.path), await cancel(request.path)]) {
      expect(refusal(answer)).toEqual([409, 'REQUEST_ALREADY_REVIEWED', details])
    }
    expect(await budgetOf()).toMatchObject({ allocated_usd: 20, allocation_version: 1 })
    expect(await ops.operations(request.id)).toEqual(['BUDGET_REQUEST_CREATED', 'BUDGET_REQUEST_REJECTED'])
    expect(await ops.operations(agent.id)).toEqual(['AGENT_CREATED'])
    expect(await ops.events(agent.id)).toEqual([])
  })

  test('DELETE /budget-requests/{id}: by who asked or an admin; ACL-03 for others it is not there', async () => {
    const { client, admin, clock } = ops
    const ben = await ops.newPerson()
    const request = await asking()
    const missing = `/budget-requests/${missingId('breq')}`
    for (const [foreign, unknown] of [
      [await cancel(request.path, ben), await cancel(missing, ben)],
      [await client.get(request.path, ben.session), await client.get(missing, ben.session)],
    ] as const) {
      expect(refusal(foreign)).toEqual([404, 'BUDGET_REQUEST_NOT_FOUND'])
      expect(JSON.stringify(foreign.body)).toBe(JSON.stringify(unknown.body))
    }
    clock.advance(1_000)
    const cancelled = expectStatus(await cancel(request.path), 200)
    expect(cancelled.body).toEqual({
      ...request.body,
      status: 'cancelled',
      cancelled_by: ann.id,
      cancelled_at: ops.at(),
      updated_at: ops.at(),
    })
    const details = { status: 'cancelled', reviewed_by: ann.id, reviewed_at: ops.at() }
    for (const answer of [await cancel(request.path), await approve(request.path)]) {
      expect(refusal(answer)).toEqual([409, 'REQUEST_ALREADY_REVIEWED', details])
    }
    expect(await ops.audited(request.id)).toMatchObject([
      { operation: 'BUDGET_REQUEST_CREATED' },
      { operation: 'BUDGET_REQUEST_CANCELLED', actor: { type: 'user', id: ann.id } },
    ])
    const second = await asking()
    expect(expectStatus(await cancel(second.path, admin), 200).body.cancelled_by).toBe(admin.id)
    for (const path of [missing, '/budget-requests/1']) {
      for (const answer of [
        await client.get(path, admin.session),
        await approve(path),
        await reject(path),
        await cancel(path, admin),
      ]) {
        expect(refusal(answer)).toEqual([404, 'BUDGET_REQUEST_NOT_FOUND'])
      }
    }
  })

  test('CON-17 CON-18 of twenty approvals, rejections and cancellations at once exactly one wins', async () => {
    const admins = [ops.admin]
    while (admins.length < 4) admins.push(await ops.newPerson('admin'))
    for (let round = 0; round < 6; round += 1) {
      const request = await asking()
      const before = (await ops.events(agent.id)).length
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, index) => {
          const who = admins[index % admins.length]
          // Each round another kind comes first.
          switch ((index + round) % 3) {
            case 0:
              return approve(request.path, {}, who)
            case 1:
              return reject(request.path, { review_notes: NO }, who)
            default:
              return cancel(request.path, index % 2 === 0 ? ann : who)
          }
        }),
      )
      const won = answers.filter(({ status }) => status === 200)
      expect([round, won.length]).toEqual([round, 1])
      const { status, reviewed_by: by, cancelled_by: canceller } = won[0]?.body as Record<string, string | null>
      const details = { status, reviewed_by: by ?? canceller, reviewed_at: ops.at() }
      for (const lost of answers.filter((answer) => answer.status !== 200)) {
        expect(refusal(lost)).toEqual([409, 'REQUEST_ALREADY_REVIEWED', details])
      }
      const approved = status === 'approved'
      expect(await budgetOf()).toMatchObject({
        allocated_usd: approved ? 50 : 20,
        allocation_version: approved ? 2 : 1,
      })
      const decided = `BUDGET_REQUEST_${String(status).toUpperCase()}`
      expect(await ops.operations(request.id)).toEqual(['BUDGET_REQUEST_CREATED', decided])
      expect(await ops.operations(agent.id)).toEqual(['AGENT_CREATED', ...(approved ? ['BUDGET_UPDATED'] : [])])
      const events = (await ops.events(agent.id)).slice(before).map(({ type }) => type)
      expect(events).toEqual(approved ? ['budget.changed'] : [])
    }
  }, 60_000)
})
