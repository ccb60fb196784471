/** Telemetry, the call log, traces and the event log over HTTP (http-api 4.15 to 4.18). */
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
import { ADMIN, expectStatus } from '../support/server-process.ts'

type Headers = Record<string, string>
type Row = Readonly<Record<string, unknown>>

const DAY_MS = 86_400_000
const uuid = (n: number): string => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`

describe.each(await enginesForTests())('telemetry on %s', (dialect) => {
  let ops: Operators
  let user: Person
  let other: Person
  let viewer: Person

  beforeAll(async () => {
    ops = await startOperators(dialect)
    user = await ops.newPerson()
    other = await ops.newPerson()
    viewer = await ops.newPerson('viewer')
  }, 60_000)
  afterAll(async () => {
    await ops[Symbol.asyncDispose]()
  })

  const tell = (agent: MadeAgent, ...events: unknown[]): Promise<Answer> =>
    ops.client.post('/analytics/events', { events }, agent.runtime)
  const completed = (id: string, more: object = {}): object => ({
    event_id: id,
    type: 'request.completed',
    timestamp: ops.at(),
    request_id: id,
    model: 'gpt-4o',
    cost_usd: 0.5,
    ...more,
  })
  const failed = (id: string, more: object = {}): object => ({
    event_id: id,
    type: 'request.failed',
    timestamp: ops.at(),
    request_id: id,
    model: 'gpt-4o',
    error_code: 'timeout',
    ...more,
  })
  const rowsOf = async (query: string, who: Headers = ops.admin.session): Promise<Row[]> =>
    expectStatus(await ops.client.get(`/requests?${query}`, who), 200).body.data as Row[]
  const statusesOf = ({ body }: Answer): string[] => (body.results as { status: string }[]).map(({ status }) => status)

  describe('POST /analytics/events', () => {
    test('takes in what it can and answers each event in its place, with the names of what is wrong', async () => {
      const agent = await ops.newAgent(user)
      const answer = expectStatus(
        await tell(
          agent,
          completed('a'),
          completed('a', { cost_usd: 9 }),
          completed('b', { cost_usd: undefined }),
          completed('c', { cost_usd: 1.5, input_tokens: 1, cache_read_tokens: 2, prompt: 'secret', latency_ms: -1 }),
          completed('d', { error_code: 'x' }),
          failed('e', { error_code: undefined, timestamp: 'yesterday' }),
          { event_id: 'f', type: 'request.begun', timestamp: ops.at() },
          'nonsense',
          null,
          {
            event_id: 'g',
            type: 'safety.pii_detected',
            timestamp: ops.at(),
            categories: ['E'],
            count: 0,
            action: 'sold',
            direction: 'in',
          },
          completed('h', { cost_usd: undefined, input_tokens: 1, cache_read_tokens: 2 }),
        ),
        200,
      )
      expect(answer.body).toMatchObject({ accepted: 1, duplicates: 1, failed: 9 })
      const told = (answer.body.results as { index: number; event_id: string; details?: { fields: object } }[]).map(
        ({ index, event_id: id, details }) => [
          index,
          id,
          details === undefined ? [] : Object.keys(details.fields).sort(),
        ],
      )
      expect(told).toEqual([
        [0, 'a', []],
        [1, 'a', []],
        [2, 'b', ['events[2].cost_usd']],
        [3, 'c', ['events[3].latency_ms', 'events[3].prompt']],
        [4, 'd', ['events[4].error_code']],
        [5, 'e', ['events[5].error_code', 'events[5].timestamp']],
        [6, 'f', ['events[6].type']],
        [7, null, ['events[7]']],
        [8, null, ['events[8]']],
        [9, 'g', ['events[9].action', 'events[9].categories[0]', 'events[9].count', 'events[9].direction']],
        [10, 'h', ['events[10].input_tokens']],
      ])
      expect(answer.body.results[3]).toMatchObject({
        status: 'error',
        error: 'Validation failed',
        code: 'VALIDATION_ERROR',
      })
      expect(JSON.stringify(answer.body)).not.toContain('secret')
      expect(await rowsOf(`agent_id=${agent.id}`)).toHaveLength(1)
      expect(faults(await tell(agent))).toEqual(['events'])
      expect(faults(await ops.client.post('/analytics/events', { events: 'x' }, agent.runtime))).toEqual(['events'])
      expect(faults(await ops.client.post('/analytics/events', {}, agent.runtime))).toEqual(['events'])
      const many = Array.from({ length: 1_001 }, () => 1)
      expect(faults(await tell(agent, ...many))).toEqual(['events'])
    })

    test('PRI-33 PRI-36 CON-03 it and the report are one row and one event in either order, and no budget moves for it', async () => {
      for (const reportFirst of [true, false]) {
        const agent = await ops.newAgent(user, { allocated_usd: 10 })
        const lease = await ops.newLease(agent, 5)
        const report = {
          lease_id: lease,
          request_id: 'r',
          model: 'gpt-4o',
          cost_usd: 2,
          input_tokens: 4,
          output_tokens: 2,
        }
        const steps = [
          async () => expectStatus(await ops.client.post('/budget/report', report, agent.runtime), 200),
          async () =>
            expectStatus(await tell(agent, completed('r', { latency_ms: 7, input_tokens: 9, provider: 'p' })), 200),
        ]
        for (const step of reportFirst ? steps : [...steps].reverse()) await step()
        for (const step of steps) await step()
        expect(await rowsOf(`agent_id=${agent.id}`)).toMatchObject([
          {
            request_id: 'r',
            lease_id: lease,
            cost_usd: 2,
            input_tokens: 4,
            billed: true,
            latency_ms: 7,
            provider: 'p',
          },
        ])
        const { body: budget } = await ops.client.get(`${agent.path}/budget`, user.session)
        expect(budget).toMatchObject({ spent_usd: 2, reserved_usd: 3 })
        const told = (await ops.events(agent.id)).filter(({ type }) => type.startsWith('request.'))
        expect(told).toMatchObject([
          { type: 'request.completed', data: { billed: reportFirst, cost_usd: reportFirst ? 2 : 0.5 } },
        ])
      }
    })

    test('EVT-17 personal data and failures are events; nothing is audited', async () => {
      const agent = await ops.newAgent(user)
      const pii = {
        event_id: 'p',
        type: 'safety.pii_detected',
        timestamp: ops.at(),
        categories: ['email', 'phone_number'],
        count: 3,
        action: 'blocked',
        direction: 'output',
        request_id: 'r',
      }
      const before = await ops.operations(agent.id)
      expect(statusesOf(await tell(agent, pii, failed('r', { error_message: 'no\nluck' }), pii))).toEqual([
        'accepted',
        'accepted',
        'duplicate',
      ])
      const { event_id: _, type: __, timestamp: ___, ...data } = pii
      expect(await ops.events(agent.id)).toEqual([
        { type: 'safety.pii_detected', data },
        {
          type: 'request.failed',
          data: expect.objectContaining({
            error_code: 'timeout',
            error_message: 'no\nluck',
            billed: false,
            cost_usd: 0,
          }),
        },
      ])
      expect(await ops.operations(agent.id)).toEqual(before)
    })

    test('what tells no cost is priced as a report would be: by the kind of the provider it names', async () => {
      const agent = await ops.newAgent(user)
      await ops.newProvider('priced-as-openai')
      const usage = { cost_usd: undefined, input_tokens: 1_000_000 }
      await tell(
        agent,
        completed('k', { ...usage, provider: 'priced-as-openai' }),
        completed('l', { ...usage, provider: 'openai' }),
        completed('u', { ...usage, model: 'nobody-knows' }),
      )
      const rows = await rowsOf(`agent_id=${agent.id}&order=asc`)
      expect(rows.map((row) => row['pricing'])).toEqual(['price_book', 'price_book', 'ceiling'])
      expect(rows[0]?.['cost_usd']).toBe(rows[1]?.['cost_usd'])
    })
  })

  describe('GET /requests', () => {
    test('shows every column of a call, and none of its errors to a viewer', async () => {
      const agent = await ops.newAgent(viewer, { name: 'seen' })
      const trace = `trace_${uuid(1)}`
      expectStatus(
        await tell(
          agent,
          failed('r', {
            error_message: 'no',
            latency_ms: 5,
            input_tokens: 10,
            cache_read_tokens: 4,
            cost_usd: 0,
            trace_id: trace,
          }),
        ),
        200,
      )
      const [row] = await rowsOf(`agent_id=${agent.id}`)
      expect(row).toEqual({
        id: expect.stringMatching(/^req_/),
        request_id: 'r',
        source: 'agent',
        agent_id: agent.id,
        agent_name: 'seen',
        token_id: null,
        lease_id: null,
        provider: null,
        model: 'gpt-4o',
        outcome: 'failed',
        error_code: 'timeout',
        error_message: 'no',
        input_tokens: 10,
        cache_read_tokens: 4,
        cache_write_tokens: null,
        output_tokens: null,
        reasoning_tokens: null,
        total_tokens: 10,
        cost_usd: 0,
        pricing: 'reported',
        billed: false,
        latency_ms: 5,
        trace_id: trace,
        timestamp: ops.at(),
        received_at: ops.at(),
      })
      const path = `/requests/${String(row?.['id'])}`
      expect(expectStatus(await ops.client.get(path, ops.admin.session), 200).body).toEqual(row)
      const hidden = { ...row, error_message: null }
      expect(expectStatus(await ops.client.get(path, viewer.session), 200).body).toEqual(hidden)
      expect(await rowsOf(`agent_id=${agent.id}`, viewer.session)).toEqual([hidden])
    })

    test('ACL-03 ACL-05 ACL-15 people see the calls of agents and tokens that they own now', async () => {
      const agent = await ops.newAgent(user)
      await tell(agent, completed('mine'))
      const [row] = await rowsOf(`agent_id=${agent.id}`)
      const issued = expectStatus(await ops.client.post('/tokens', { name: 't' }, user.session), 201).body
      const asToken: Headers = { 'X-API-Token': String(issued.token) }
      const used = expectStatus(await ops.client.post('/usage', { cost_usd: 1 }, asToken), 201)
      const location = String(used.headers['location']).replace('/api/v1', '')
      expect(expectStatus(await ops.client.get(location, user.session), 200).body).toMatchObject({
        id: used.body.id as string,
        source: 'api_token',
        agent_id: null,
        agent_name: null,
        token_id: issued.id as string,
        billed: true,
      })
      const path = `/requests/${String(row?.['id'])}`
      const missing = await ops.client.get(`/requests/${missingId('req')}`, other.session)
      for (const hidden of [path, location, '/requests/nothing']) {
        const answer = await ops.client.get(hidden, other.session)
        expect([answer.status, answer.body]).toEqual([404, missing.body])
      }
      for (const query of [`agent_id=${agent.id}`, `token_id=${String(issued.id)}`, `owner_id=${user.id}`, '']) {
        expect(await rowsOf(query, other.session)).toEqual([])
      }
      expect((await rowsOf(`owner_id=${user.id}&limit=1000`)).length).toBeGreaterThan(1)
      expectStatus(await ops.client.patch(agent.path, { owner_id: other.id }, ops.admin.session), 200)
      expect((await ops.client.get(path, user.session)).status).toBe(404)
      expect((await ops.client.get(path, other.session)).status).toBe(200)
      expect(await rowsOf('', other.session)).toHaveLength(1)
    })

    test('DAT-20 VAL-08 filters, pages and times; what is none of ours is named', async () => {
      const agent = await ops.newAgent(user)
      const start = ops.at()
      for (let n = 0; n < 5; n += 1) {
        await tell(agent, n % 2 === 0 ? completed(`r${n}`, { provider: 'p' }) : failed(`r${n}`, { model: 'o1' }))
        ops.clock.advance(1)
      }
      const of = `agent_id=${agent.id}`
      const idsOf = (rows: readonly Row[]): unknown[] => rows.map((row) => row['request_id'])
      expect(idsOf(await rowsOf(of))).toEqual(['r4', 'r3', 'r2', 'r1', 'r0'])
      expect(idsOf(await rowsOf(`${of}&order=asc&outcome=failed`))).toEqual(['r1', 'r3'])
      expect(idsOf(await rowsOf(`${of}&provider=p&order=asc`))).toEqual(['r0', 'r2', 'r4'])
      expect(idsOf(await rowsOf(`${of}&model=o1`))).toEqual(['r3', 'r1'])
      expect(idsOf(await rowsOf(`${of}&from=${start}&to=${ops.at(-4)}`))).toEqual(['r0'])
      const read: unknown[] = []
      let after = ''
      do {
        const { body } = expectStatus(await ops.client.get(`/requests?${of}&limit=2${after}`, user.session), 200)
        read.push(...idsOf(body.data as Row[]))
        after = body.next_cursor === null ? '' : `&after=${String(body.next_cursor)}`
        await tell(agent, completed(`late${read.length}`))
      } while (after !== '')
      expect(read).toEqual(['r4', 'r3', 'r2', 'r1', 'r0'])
      const wrong = await ops.client.get(
        '/requests?limit=0&order=up&outcome=lost&agent_id=x&from=now&what=1',
        user.session,
      )
      expect(faults(wrong)).toEqual(
        ['agent_id', 'from', 'limit', 'order', 'outcome', 'what'].map((name) => `query.${name}`),
      )
      expect(faults(await ops.client.get('/requests?after=xyz', user.session))).toEqual(['query.after'])
    })
  })

  describe('traces', () => {
    const span = (trace: number, id: string, more: object = {}): object => ({
      trace_id: `trace_${uuid(trace)}`,
      span_id: id,
      name: 'step',
      started_at: ops.at(),
      status: 'ok',
      ...more,
    })
    const append = (agent: MadeAgent, ...spans: unknown[]): Promise<Answer> =>
      ops.client.post('/traces', { spans }, agent.runtime)

    test('are kept span by span, and read as they were told', async () => {
      const agent = await ops.newAgent(viewer)
      const stranger = await ops.newAgent(other)
      expectStatus(await append(stranger, span(10, 's')), 200)
      const root = span(11, 'root', { attributes: { tool: 'search' } })
      const child = span(11, 'child', { parent_id: 'root', duration_ms: 5, status: 'error', started_at: ops.at(1) })
      const answer = expectStatus(
        await append(
          agent,
          child,
          root,
          root,
          span(10, 'x'),
          span(12, '', { status: 'bad', duration_ms: 0.5, prompt: 'p' }),
          7,
        ),
        200,
      )
      expect(answer.body).toEqual({
        accepted: 2,
        duplicates: 1,
        failed: 3,
        results: [
          { index: 0, trace_id: `trace_${uuid(11)}`, span_id: 'child', status: 'accepted' },
          { index: 1, trace_id: `trace_${uuid(11)}`, span_id: 'root', status: 'accepted' },
          { index: 2, trace_id: `trace_${uuid(11)}`, span_id: 'root', status: 'duplicate' },
          {
            index: 3,
            trace_id: `trace_${uuid(10)}`,
            span_id: 'x',
            status: 'error',
            error: 'Not found',
            code: 'TRACE_NOT_FOUND',
          },
          expect.objectContaining({
            details: {
              fields: Object.fromEntries(
                ['span_id', 'status', 'duration_ms', 'prompt'].map((name) => [`spans[4].${name}`, expect.any(String)]),
              ),
            },
          }),
          expect.objectContaining({ trace_id: null, span_id: null, code: 'VALIDATION_ERROR' }),
        ],
      })
      const path = `/traces/trace_${uuid(11)}`
      const whole = expectStatus(await ops.client.get(path, ops.admin.session), 200).body
      expect(whole).toEqual({
        trace_id: `trace_${uuid(11)}`,
        agent_id: agent.id,
        started_at: ops.at(),
        spans: [
          { ...root, parent_id: null, agent_id: agent.id, duration_ms: null },
          { ...child, agent_id: agent.id, attributes: {} },
        ],
      })
      const seen = expectStatus(await ops.client.get(path, viewer.session), 200).body.spans as Row[]
      expect(seen.map((each) => each['attributes'])).toEqual([null, null])
      const listed = await ops.client.get(`/traces?agent_id=${agent.id}`, viewer.session)
      expect(listed.body).toEqual({
        data: [{ trace_id: `trace_${uuid(11)}`, agent_id: agent.id, started_at: ops.at(), spans: 2 }],
        next_cursor: null,
      })
      const missing = await ops.client.get(`/traces/${missingId('trace')}`, other.session)
      const foreign = await ops.client.get(path, other.session)
      expect([foreign.status, foreign.body]).toEqual([404, missing.body])
      expect(refusal(missing)).toEqual([404, 'TRACE_NOT_FOUND'])
      for (const query of [`agent_id=${agent.id}`, `owner_id=${viewer.id}`]) {
        expect((await ops.client.get(`/traces?${query}`, other.session)).body).toEqual({ data: [], next_cursor: null })
      }
      expect(faults(await ops.client.post('/traces', { spans: [] }, agent.runtime))).toEqual(['spans'])
      expect(faults(await ops.client.get('/traces?after=x', user.session))).toEqual(['query.after'])
      expect(faults(await ops.client.get('/traces?limit=2000&sort=x', user.session))).toEqual([
        'query.limit',
        'query.sort',
      ])
    })
  })

  describe('GET /events', () => {
    const read = async (query: string, who: Headers): Promise<{ data: Row[]; next_cursor: string | null }> =>
      expectStatus(await ops.client.get(`/events?${query}`, who), 200).body as {
        data: Row[]
        next_cursor: string | null
      }

    test('DAT-20 EVT-02 polling with the last position neither misses nor repeats, whatever is filtered out', async () => {
      const mine = await ops.newAgent(other)
      const foreign = await ops.newAgent(user)
      const latest = await read('after=latest', other.session)
      expect(latest).toEqual({ data: [], next_cursor: expect.stringMatching(/^\d+$/) })
      let after = String(latest.next_cursor)
      const seen: unknown[] = []
      for (let n = 0; n < 12; n += 1) {
        await tell(n % 3 === 0 ? mine : foreign, n % 2 === 0 ? completed(`c${n}`) : failed(`c${n}`))
        const page = await read(`after=${after}&limit=1&type=request.*`, other.session)
        seen.push(...page.data.map((event) => (event['data'] as Row)['request_id']))
        expect(Number(page.next_cursor)).toBeGreaterThanOrEqual(Number(after))
        after = String(page.next_cursor)
      }
      expect(seen).toEqual(['c0', 'c3', 'c6', 'c9'])
      expect(await read(`after=${after}`, other.session)).toEqual({ data: [], next_cursor: after })
      const start = String(latest.next_cursor)
      const failures = await read(`after=${start}&type=request.failed,budget.*`, other.session)
      expect(failures.data.map((event) => event['type'])).toEqual(['request.failed', 'request.failed'])
      expect((await read(`after=${start}&agent_id=${foreign.id}`, other.session)).data).toEqual([])
      const [event] = (await read(`after=${start}&agent_id=${mine.id}`, other.session)).data
      expect(event).toEqual({
        type: 'request.completed',
        id: expect.stringMatching(/^evt_/),
        seq: expect.any(Number),
        timestamp: ops.at(),
        agent_id: mine.id,
        data: expect.objectContaining({ request_id: 'c0' }),
      })
    })

    test('EVT-02 backwards it ends with null; viewers get no error texts', async () => {
      const agent = await ops.newAgent(viewer)
      await tell(agent, failed('x', { error_message: 'no' }), completed('y'))
      const down = await read(`order=desc&agent_id=${agent.id}&limit=2`, viewer.session)
      expect(down.data.map((event) => (event['data'] as Row)['request_id'])).toEqual(['y', 'x'])
      expect(down.data[1]?.['data']).toMatchObject({ error_code: 'timeout', error_message: null })
      const rest = await read(
        `order=desc&agent_id=${agent.id}&limit=2&after=${String(down.next_cursor)}`,
        viewer.session,
      )
      expect(rest.next_cursor).toBeNull()
      const all = await read(`order=desc&agent_id=${agent.id}&limit=1000`, ops.admin.session)
      expect(all.data.find((event) => event['type'] === 'request.failed')?.['data']).toMatchObject({
        error_message: 'no',
      })
    })

    test('VAL-08 what is none of its types and positions is named', async () => {
      for (const [query, name] of [
        ['after=x', 'after'],
        ['after=-1', 'after'],
        ['after=9999999999999999', 'after'],
        ['type=request.*,nothing', 'type'],
        ['type=', 'type'],
        ['order=up', 'order'],
        ['agent_id=7', 'agent_id'],
      ] as const) {
        expect([query, faults(await ops.client.get(`/events?${query}`, user.session))]).toEqual([
          query,
          [`query.${name}`],
        ])
      }
    })
  })

  test('EVT-07 positions older than what is kept, or of another database, are expired and tell the oldest', async () => {
    const agent = await ops.newAgent(user)
    const span = (trace: number): object => ({
      trace_id: `trace_${uuid(trace)}`,
      span_id: 's',
      name: 'n',
      started_at: ops.at(),
      status: 'ok',
    })
    await tell(agent, completed('old1'), completed('old2'))
    await ops.client.post('/traces', { spans: [span(90), span(91)] }, agent.runtime)
    const cursorOf = async (path: string): Promise<string> =>
      String((await ops.client.get(`${path}?order=asc&limit=1`, ops.admin.session)).body.next_cursor)
    const cursors = await Promise.all(['/requests', '/traces', '/events'].map(cursorOf))
    ops.clock.advance(DAY_MS)
    await tell(agent, completed('kept'))
    await ops.client.post('/traces', { spans: [span(92)] }, agent.runtime)
    ops.clock.advance(61 * DAY_MS)
    const { requests, traces, events } = ops.services
    while ((await requests.rollUp()) > 0);
    const olderThan = ops.clock.now() - 61 * DAY_MS - DAY_MS / 2
    await Promise.all([requests.prune({ olderThan }), traces.prune({ olderThan }), events.prune({ olderThan })])
    // Sessions are over by now: a new admin's one.
    const { body: login } = await ops.client.post('/auth/login', { email: ops.admin.email, password: ADMIN.password })
    const admin = { Authorization: `Bearer ${String(login.access_token)}` }
    for (const [index, path] of ['/requests', '/traces', '/events'].entries()) {
      const expired = await ops.client.get(`${path}?order=asc&after=${String(cursors[index])}`, admin)
      expect([path, ...refusal(expired)]).toEqual([path, 410, 'CURSOR_EXPIRED', { oldest_cursor: expect.any(String) }])
      const oldest = String(expired.body.details.oldest_cursor)
      const kept = expectStatus(await ops.client.get(`${path}?order=asc&after=${oldest}`, admin), 200)
      const first = expectStatus(await ops.client.get(`${path}?order=asc`, admin), 200)
      expect([path, kept.body.data.length > 0, kept.body.data]).toEqual([path, true, first.body.data])
    }
    const beyond = await ops.client.get('/events?after=999999999', admin)
    expect(refusal(beyond).slice(0, 2)).toEqual([410, 'CURSOR_EXPIRED'])
  })
})
