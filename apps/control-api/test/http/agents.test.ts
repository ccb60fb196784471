import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { enginesForTests } from '@iron/database/testing'
import type { Answer } from '../support/http-client.ts'
import { faults, missingId, type Operators, refusal, startOperators } from '../support/operators.ts'
import { expectStatus } from '../support/server-process.ts'

describe.each(await enginesForTests())('agents on %s', (dialect) => {
  let ops: Operators
  beforeAll(async () => {
    ops = await startOperators(dialect)
  }, 60_000)
  afterAll(async () => {
    await ops[Symbol.asyncDispose]()
  })
  const create = (body: unknown, headers = ops.admin.session): Promise<Answer> =>
    ops.client.post('/agents', body, headers)

  describe('POST /agents', () => {
    test('answers the agent and, only here, its IC token; audited once each, with who and from where', async () => {
      const { client, admin } = ops
      const ann = await ops.newPerson()
      const providers = [await ops.newProvider(), await ops.newProvider()]
      const body = {
        name: ' research bot ',
        description: 'line one\nline two',
        tags: [' a ', 'b', 'a'],
        provider_ids: [providers[1], providers[0], providers[1]],
        owner_id: ann.id,
        allocated_usd: 12.345678,
        ic_token_permissions: ['llm:call'],
        ic_token_expires_at: ops.at(86_400_000),
      }
      const headers = { ...admin.session, 'X-Request-Id': `create-${dialect}`, 'User-Agent': 'tests/1' }
      const answer = expectStatus(await create(body, headers), 201)
      const { ic_token: icToken, ...agent } = answer.body as { ic_token: { token: string }; id: string }
      const { id } = agent
      const budgetId = id.replace('agent_', 'budget_')
      expect(agent).toEqual({
        id: expect.stringMatching(/^agent_/),
        budget_id: budgetId,
        name: 'research bot',
        description: 'line one\nline two',
        owner_id: ann.id,
        tags: ['a', 'b'],
        status: 'active',
        state: 'idle',
        desired_state: 'running',
        state_reason: null,
        last_seen_at: null,
        provider_ids: [providers[1], providers[0]],
        budget: {
          budget_id: budgetId,
          agent_id: id,
          agent_name: 'research bot',
          allocated_usd: 12.345678,
          spent_usd: 0,
          reserved_usd: 0,
          remaining_usd: 12.345678,
          overdrawn_usd: 0,
          percent_used: 0,
          status: 'active',
          risk_level: 'low',
          open_leases: 0,
          allocation_version: 1,
          updated_at: ops.at(),
        },
        created_at: ops.at(),
        updated_at: ops.at(),
      })
      const { token, ...info } = icToken
      expect(token).toMatch(/^ic_/)
      expect(info).toEqual({
        id: expect.stringMatching(/^ic_/),
        permissions: ['llm:call'],
        created_at: ops.at(),
        expires_at: ops.at(86_400_000),
        last_used_at: null,
      })
      expect(answer.headers.location).toBe(`/api/v1/agents/${id}`)
      const read = expectStatus(await client.get(`/agents/${id}`, ann.session), 200)
      expect(read.body).toEqual({ ...agent, ic_token: info })

      const entries = [...(await ops.audited(id)), ...(await ops.audited((info as unknown as { id: string }).id))]
      expect(entries.map(({ operation }) => operation)).toEqual(['AGENT_CREATED', 'IC_TOKEN_CREATED'])
      for (const entry of entries) {
        expect(entry).toMatchObject({
          actor: { type: 'user', id: admin.id, role: 'admin' },
          ip: '127.0.0.1',
          user_agent: 'tests/1',
          request_id: `create-${dialect}`,
        })
        expect(JSON.stringify(entry)).not.toContain(token)
      }
    })

    test('a user makes agents for themselves only, and without money; defaults', async () => {
      const ann = await ops.newPerson()
      const ben = await ops.newPerson()
      const made = expectStatus(await create({ name: 'mine', owner_id: ann.id, allocated_usd: 0 }, ann.session), 201)
      expect(made.body).toMatchObject({
        owner_id: ann.id,
        description: null,
        tags: [],
        provider_ids: [],
        budget: { allocated_usd: 0, status: 'unfunded', allocation_version: 0 },
        ic_token: { permissions: ['llm:call', 'analytics:write'], expires_at: null },
      })
      expect(expectStatus(await create({ name: 'mine too' }, ann.session), 201).body.owner_id).toBe(ann.id)
      expect(refusal(await create({ name: 'x', owner_id: ben.id }, ann.session))).toEqual([403, 'FORBIDDEN'])
      expect(refusal(await create({ name: 'x', allocated_usd: 0.000001 }, ann.session))).toEqual([403, 'FORBIDDEN'])
      const { body } = expectStatus(await ops.client.get('/agents', ann.session), 200)
      expect((body.data as { name: string }[]).map(({ name }) => name)).toEqual(['mine too', 'mine'])
    })

    test('VAL-02 VAL-03 VAL-04 every fault at once, each under the name it was sent with', async () => {
      const bad = {
        name: ' ',
        description: 7,
        tags: ['', 'x'.repeat(51), 5],
        provider_ids: ['prov_1', 'openai'],
        owner_id: 'user_1',
        allocated_usd: 0.0000001,
        ic_token_permissions: ['llm:call', 'root'],
        ic_token_expires_at: 'tomorrow',
        extra: true,
      }
      expect(faults(await create(bad))).toEqual([
        'allocated_usd',
        'description',
        'extra',
        'ic_token_expires_at',
        'ic_token_permissions[1]',
        'name',
        'owner_id',
        'provider_ids[0]',
        'provider_ids[1]',
        'tags[0]',
        'tags[1]',
        'tags[2]',
      ])
      expect(faults(await create({}))).toEqual(['name'])
      expect(faults(await create({ name: 'x', ic_token_expires_at: ops.at() }))).toEqual(['ic_token_expires_at'])
      for (const [field, value] of [
        ['name', null],
        ['name', 'x'.repeat(101)],
        ['name', 'nul\u0000'],
        ['description', 'x'.repeat(501)],
        ['tags', Array.from({ length: 21 }, (_, index) => `t${String(index)}`)],
        ['tags', 'a'],
        ['provider_ids', Array.from({ length: 51 }, () => missingId('prov'))],
        ['allocated_usd', '5'],
        ['allocated_usd', -1],
        ['allocated_usd', 1_000_000_000.1],
        ['ic_token_permissions', []],
      ] as const) {
        expect([field, value, faults(await create({ name: 'x', [field]: value }))]).toEqual([field, value, [field]])
      }
      const longest = { name: '𝄞'.repeat(100), description: '𝄞'.repeat(500), tags: ['𝄞'.repeat(50)] }
      expect(expectStatus(await create(longest), 201).body).toMatchObject(longest)
    })

    test('VAL-09 VAL-16 unknown providers are all named, an unknown or suspended owner is not found', async () => {
      const known = await ops.newProvider()
      const missing = [missingId('prov'), 'prov_00000000-0000-7000-8000-0000000000fe']
      expect(refusal(await create({ name: 'x', provider_ids: [missing[0], known, missing[1]] }))).toEqual([
        400,
        'INVALID_PROVIDER_ID',
        { missing },
      ])
      expect(refusal(await create({ name: 'x', owner_id: missingId('user') }))).toEqual([404, 'USER_NOT_FOUND'])
      const ann = await ops.newPerson()
      expectStatus(await ops.client.put(`/users/${ann.id}/suspend`, {}, ops.admin.session), 200)
      expect(refusal(await create({ name: 'x', owner_id: ann.id }))).toEqual([404, 'USER_NOT_FOUND'])
    })

    test('http-api 1.9 a key makes one agent; a replay has no token and says so', async () => {
      const headers = { ...ops.admin.session, 'Idempotency-Key': 'agent-once' }
      const answers = await Promise.all([1, 2, 3].map(() => create({ name: 'once', allocated_usd: 5 }, headers)))
      expect(answers.map(({ status }) => status)).toEqual([201, 201, 201])
      const replays = answers.filter((answer) => answer.headers['idempotency-replayed'] === 'true')
      const first = answers.find((answer) => answer.headers['idempotency-replayed'] === undefined)
      expect(replays).toHaveLength(2)
      for (const replay of replays) {
        const icToken = { ...(first?.body.ic_token as object), token: null }
        expect(replay.body).toEqual({ ...first?.body, ic_token: icToken, secret_omitted: true })
        expect(replay.headers.location).toBe(first?.headers.location)
      }
      expect(await ops.operations(String(first?.body.id))).toEqual(['AGENT_CREATED'])
      expect(refusal(await create({ name: 'other' }, headers))).toEqual([409, 'IDEMPOTENCY_CONFLICT'])
      const listed = expectStatus(await ops.client.get('/agents?name=once', ops.admin.session), 200)
      expect(listed.body.pagination.total).toBe(1)
    })
  })

  describe('GET /agents', () => {
    test('ACL-05 DAT-19 VAL-11 filters, sorts and counts what the caller may see', async () => {
      const { client, admin, clock } = ops
      const ann = await ops.newPerson()
      const ben = await ops.newPerson('viewer')
      for (const [name, tag] of [
        ['List 100%', 'blue'],
        ['list 100x', 'red'],
        ['other', 'red'],
      ] as const) {
        clock.advance(10)
        await ops.newAgent(ann, { name, tags: [tag, 'all'] })
      }
      clock.advance(10)
      const theirs = await ops.newAgent(ben, { name: 'list of ben' })
      const names = async (query: string, who = ann.session): Promise<string[]> => {
        const { body } = expectStatus(await client.get(`/agents?${query}`, who), 200)
        return (body.data as { name: string }[]).map(({ name }) => name)
      }
      expect(await names('')).toEqual(['other', 'list 100x', 'List 100%'])
      expect(await names('sort=created_at')).toEqual(['List 100%', 'list 100x', 'other'])
      expect(await names('name=LIST%20100%25')).toEqual(['List 100%'])
      expect(await names('tag=red&sort=-created_at')).toEqual(['other', 'list 100x'])
      expect(await names(`owner_id=${ben.id}`)).toEqual([])
      expect(await names(`owner_id=${ben.id}`, admin.session)).toEqual(['list of ben'])
      expect(await names('', ben.session)).toEqual(['list of ben'])
      expect(await names('state=running')).toEqual([])
      expect(await names('state=idle&name=other')).toEqual(['other'])
      const page = expectStatus(await client.get('/agents?per_page=2&page=2&sort=created_at', ann.session), 200)
      expect(page.body.pagination).toEqual({ page: 2, per_page: 2, total: 3, total_pages: 2 })
      expect(page.body.data).toHaveLength(1)
      const listed = expectStatus(await client.get('/agents', ben.session), 200).body.data[0] as object
      expect({ ...listed, ic_token: expect.anything() }).toEqual(
        expectStatus(await client.get(theirs.path, ben.session), 200).body,
      )

      expectStatus(await client.delete(theirs.path, admin.session), 200)
      expect(await names('', ben.session)).toEqual([])
      expect(await names('status=archived', ben.session)).toEqual(['list of ben'])
      for (const query of [
        'sort=allocated_usd',
        'status=gone',
        'state=busy',
        'owner_id=user_1',
        'page=0',
        'per_page=101',
        'page=1&page=2',
        'q=1',
      ]) {
        expect([query, (await client.get(`/agents?${query}`, ann.session)).status]).toEqual([query, 400])
      }
    })
  })

  describe('PATCH /agents/{id}', () => {
    test('VAL-05 changes what is given, null clears, and nothing is audited where nothing changed', async () => {
      const { client, clock } = ops
      const ann = await ops.newPerson()
      const agent = await ops.newAgent(ann, { name: 'before', description: 'words', tags: ['a'] })
      clock.advance(1_000)
      const patch = (body: unknown): Promise<Answer> => client.patch(agent.path, body, ann.session)
      const { ic_token: _, ...before } = agent.body as Record<string, unknown>
      const changed = expectStatus(await patch({ name: ' after ', tags: ['b', ' b ', 'c'] }), 200)
      const now = { ...before, name: 'after', tags: ['b', 'c'], updated_at: ops.at() }
      const budget = { ...(before['budget'] as object), agent_name: 'after' }
      expect(changed.body).toEqual({ ...now, budget })
      clock.advance(1_000)
      expect(expectStatus(await patch({ name: 'after', tags: ['b', 'c'] }), 200).body).toEqual(changed.body)
      expect(expectStatus(await patch({ description: null }), 200).body.description).toBeNull()
      const alias = expectStatus(await client.put(agent.path, { description: '' }, ann.session), 200)
      expect(alias.body).toMatchObject({ name: 'after', description: '' })
      const entries = await ops.audited(agent.id)
      expect(entries.map(({ operation, changes }) => [operation, changes])).toEqual([
        ['AGENT_CREATED', expect.anything()],
        ['AGENT_UPDATED', { before: { name: 'before', tags: ['a'] }, after: { name: 'after', tags: ['b', 'c'] } }],
        ['AGENT_UPDATED', { before: { description: 'words' }, after: { description: null } }],
        ['AGENT_UPDATED', { before: { description: null }, after: { description: '' } }],
      ])
      expect(entries[1]).toMatchObject({ actor: { type: 'user', id: ann.id, role: 'user' }, ip: '127.0.0.1' })

      expect(faults(await patch({}))).toEqual(['$'])
      expect(faults(await patch({ name: null, tags: null, owner_id: null, state: 'running' }))).toEqual([
        'name',
        'owner_id',
        'state',
        'tags',
      ])
      const many = Array.from({ length: 21 }, (__, index) => `t${String(index)}`)
      expect(faults(await patch({ name: 'x'.repeat(101), description: 'nul\u0000', tags: many }))).toEqual([
        'description',
        'name',
      ])
      expect(faults(await patch({ tags: many }))).toEqual(['tags'])
      expect(faults(await patch({ tags: ['x'.repeat(51), '', 'ok', 'tab\there'] }))).toEqual([
        'tags[0]',
        'tags[1]',
        'tags[3]',
      ])
    })

    test('ACL-06 ACL-15 only an admin gives an agent away, and then access moves at once', async () => {
      const { client, admin } = ops
      const ann = await ops.newPerson()
      const ben = await ops.newPerson()
      const agent = await ops.newAgent(ann, { allocated_usd: 10 })
      const give = (owner: string, who = admin.session): Promise<Answer> =>
        client.patch(agent.path, { owner_id: owner, name: 'given' }, who)
      expect(refusal(await give(ben.id, ann.session))).toEqual([403, 'FORBIDDEN'])
      expect(refusal(await give(missingId('user')))).toEqual([404, 'USER_NOT_FOUND'])
      expectStatus(await client.patch(agent.path, { owner_id: ann.id, description: 'kept' }, ann.session), 200)
      expect(expectStatus(await give(ben.id), 200).body).toMatchObject({ owner_id: ben.id, name: 'given' })
      expect(refusal(await client.get(agent.path, ann.session))).toEqual([404, 'AGENT_NOT_FOUND'])
      expect((await client.get(`${agent.path}/ledger`, ben.session)).status).toBe(200)
      expect(await ops.operations(agent.id)).toEqual([
        'AGENT_CREATED',
        'AGENT_UPDATED',
        'AGENT_UPDATED',
        'AGENT_OWNER_CHANGED',
      ])
      expect((await ops.audited(agent.id)).at(-1)).toMatchObject({
        changes: { before: { owner_id: ann.id }, after: { owner_id: ben.id } },
      })
      expect(refusal(await client.patch(`/agents/${missingId('agent')}`, { name: 'x' }, admin.session))).toEqual([
        404,
        'AGENT_NOT_FOUND',
      ])
      expectStatus(await client.delete(agent.path, ben.session), 200)
      expect(refusal(await give(ann.id))).toEqual([409, 'AGENT_ARCHIVED'])
    })

    test('the tags of an orphaned agent can be sent back as they were read', async () => {
      const { client, admin } = ops
      const own = Array.from({ length: 20 }, (_, index) => `tag-${String(index)}`)
      const ann = await ops.newPerson()
      const second = await ops.newPerson('admin')
      const agent = await ops.newAgent(ann, { tags: own })
      expectStatus(await client.delete(`/users/${ann.id}`, second.session), 200)
      expectStatus(await client.delete(`/users/${second.id}`, admin.session), 200)
      const read = expectStatus(await client.get(agent.path, admin.session), 200).body.tags as string[]
      expect(read).toEqual([...own, 'orphaned', `original-owner:${ann.id}`, `original-owner:${second.id}`])
      const sent = expectStatus(await client.patch(agent.path, { tags: read, name: 'found' }, admin.session), 200)
      expect(sent.body).toMatchObject({ tags: read, name: 'found' })
      expect((await ops.audited(agent.id)).at(-1)).toMatchObject({
        operation: 'AGENT_UPDATED',
        changes: { before: { name: agent.body.name as string }, after: { name: 'found' } },
      })
      expect(faults(await client.patch(agent.path, { tags: [...read, 'one more'] }, admin.session))).toEqual(['tags'])
      const long = `original-owner:${'x'.repeat(256)}`
      expect(faults(await client.patch(agent.path, { tags: [long] }, admin.session))).toEqual(['tags[0]'])
      expectStatus(await client.patch(agent.path, { tags: [] }, admin.session), 200)
    })
  })

  describe('DELETE /agents/{id}', () => {
    test('MON-26 SEC-14 archives: token dead, leases released, requests cancelled, history kept; a repeat does nothing', async () => {
      const { client } = ops
      const ann = await ops.newPerson()
      const agent = await ops.newAgent(ann, { allocated_usd: 50 })
      const lease = await ops.newLease(agent, 10)
      const report = { lease_id: lease, request_id: 'r1', model: 'm', cost_usd: 4 }
      expectStatus(await client.post('/budget/report', report, agent.runtime), 200)
      const asked = { agent_id: agent.id, requested_allocated_usd: 60, justification: 'more work than was foreseen' }
      const request = expectStatus(await client.post('/budget-requests', asked, ann.session), 201)
      const archived = expectStatus(await client.delete(agent.path, ann.session), 200)
      const { ic_token: _, ...before } = agent.body as Record<string, unknown>
      expect(archived.body).toMatchObject({
        ...before,
        status: 'archived',
        state: 'stopped',
        desired_state: 'stopped',
        state_reason: 'archived',
        last_seen_at: ops.at(),
        budget: { allocated_usd: 50, spent_usd: 4, reserved_usd: 0, remaining_usd: 46, open_leases: 0 },
        leases_revoked: 1,
        released_usd: 6,
        budget_requests_cancelled: 1,
      })
      expect(refusal(await client.post('/budget/reserve', {}, agent.runtime))).toEqual([401, 'TOKEN_REVOKED'])
      expect(await ops.operations(agent.id)).toEqual(['AGENT_CREATED', 'AGENT_ARCHIVED'])
      expect((await ops.events(agent.id)).slice(-2)).toMatchObject([
        { type: 'lease.closed', data: { lease_id: lease, status: 'revoked', cause: 'agent_archived' } },
        { type: 'agent.stopped', data: { previous_state: 'idle', reason: 'archived', by: ann.id } },
      ])
      const cancelled = await client.get(`/budget-requests/${String(request.body.id)}`, ann.session)
      expect(expectStatus(cancelled, 200).body).toMatchObject({
        status: 'cancelled',
        review_notes: 'Auto-cancelled: agent archived',
        cancelled_by: null,
        cancelled_at: ops.at(),
      })
      const again = expectStatus(await client.delete(agent.path, ann.session), 200)
      expect(again.body).toEqual({
        ...archived.body,
        leases_revoked: 0,
        released_usd: 0,
        budget_requests_cancelled: 0,
      })
      expect(await ops.operations(agent.id)).toHaveLength(2)
      const ledger = expectStatus(await client.get(`${agent.path}/ledger`, ann.session), 200)
      expect(ledger.body.data).toHaveLength(4)
      expect(expectStatus(await client.get(agent.path, ann.session), 200).body.ic_token).toBeNull()
      expect(refusal(await client.delete(`/agents/${missingId('agent')}`, ops.admin.session))).toEqual([
        404,
        'AGENT_NOT_FOUND',
      ])
    })
  })
})
