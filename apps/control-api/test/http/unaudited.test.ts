/** DAT-10: what cannot be audited does not happen, on any route: every one that changes something is tried. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { TABLE_OWNERS } from '@iron/database'
import { enginesForTests } from '@iron/database/testing'
import type { RouteDefinition } from '../../src/http/route.ts'
import { routes } from '../../src/routes/index.ts'
import type { Answer } from '../support/http-client.ts'
import { type Operators, startOperators } from '../support/operators.ts'
import { ADMIN, expectStatus } from '../support/server-process.ts'

type Headers = Readonly<Record<string, string>>

/** A request that its route carries out, and its status when that is no success. */
interface Example {
  readonly ids?: Readonly<Record<string, string>>
  readonly body?: object
  readonly headers?: Headers
  readonly status?: number
}

const nameOf = (route: RouteDefinition): string => `${route.method} ${route.path}`
const changing = routes.filter(({ method }) => method !== 'GET')
/** What http-api 1.13 leaves to other records than the audit log. */
const NEVER_AUDITED = [
  'POST /agents/{id}/heartbeat',
  'POST /analytics/events',
  'POST /traces',
  'POST /usage',
  'POST /usage/check',
]
const PASSWORD = 'correct horse battery'
const WHY = 'The crawl needs twice as many pages.'
const API_KEY = { api_key: 'sk-0123456789abcdef' }

async function examplesOf(world: Operators): Promise<Readonly<Record<string, Example>>> {
  const { client, admin } = world
  const newPerson = () => world.newPerson()
  const newProvider = () => world.newProvider()
  const post = async (path: string, body: object, headers: Headers = admin.session): Promise<Answer['body']> => {
    const answer = await client.post(path, body, headers)
    return expectStatus(answer, answer.status === 200 ? 200 : 201).body
  }
  const person = async (): Promise<Readonly<Record<'id', string>>> => ({ id: (await newPerson()).id })
  const suspended = await person()
  expectStatus(await client.put(`/users/${suspended.id}/suspend`, {}, admin.session), 200)
  const locked = await newPerson()
  for (let attempt = 0; attempt < 10; attempt += 1) {
    await client.post('/auth/login', { email: locked.email, password: 'not the password' })
  }
  const own = await newPerson()
  const pair = await post('/auth/login', { email: own.email, password: PASSWORD }, {})
  const again = { refresh_token: String(pair.refresh_token) }
  await post('/auth/refresh', again, {})
  const token = async () => ({ id: String((await post('/tokens', { name: 'one' })).id) })
  const provider = await newProvider()
  const keyless = await post('/providers', {
    name: 'keyless',
    kind: 'openai',
    base_url: 'https://api.openai.com/v1',
    models: ['gpt-4o'],
  })
  const agent = (more: object = {}) => world.newAgent(admin, { provider_ids: [provider], allocated_usd: 100, ...more })
  const idOf = async (more?: object) => ({ id: (await agent(more)).id })
  const bare = await agent()
  expectStatus(await client.delete(`${bare.path}/ic-token`, admin.session), 204)
  const stopped = await agent()
  await post(`${stopped.path}/stop`, {})
  const runtime = await agent()
  const headers = runtime.runtime
  const lease = async () => ({ lease_id: await world.newLease(runtime, 1) })
  const revocable = { id: runtime.id, ...(await lease()) }
  const leased = await post('/budget/handshake', { requested_usd: 1 }, headers)
  const request = async () => {
    const body = { agent_id: (await idOf()).id, requested_allocated_usd: 200, justification: WHY }
    return { id: String((await post('/budget-requests', body)).id) }
  }
  const limit = async () => {
    const body = { user_id: (await person()).id, max_tokens_per_day: 5 }
    return { id: String((await post('/limits', body)).id) }
  }
  const overrun = (requestId: string, leaseId: string) => ({
    ...{ lease_id: leaseId, request_id: requestId, model: 'gpt-4o', cost_usd: 3 },
  })
  const key = expectStatus(await client.get(`/providers/${await newProvider()}/keys`, admin.session), 200).body.data[0]
  const sessions = expectStatus(await client.get('/auth/sessions', own.session), 200).body.data as { id: string }[]
  const twice = await newPerson()
  await post('/auth/login', { email: twice.email, password: PASSWORD }, {})
  return {
    'POST /auth/login': { body: { email: ADMIN.email, password: ADMIN.password }, headers: {} },
    'POST /auth/refresh': { body: again, headers: {}, status: 401 },
    'PATCH /auth/me': { body: { name: 'Another Name' } },
    'POST /users': { body: { username: 'new', email: 'new@example.com', password: PASSWORD } },
    'PATCH /users/{id}': { ids: await person(), body: { name: 'Another Name' } },
    'PUT /users/{id}/suspend': { ids: await person(), body: {} },
    'PUT /users/{id}/activate': { ids: suspended, body: {} },
    'PUT /users/{id}/unlock': { ids: { id: locked.id }, body: {} },
    'PUT /users/{id}/role': { ids: await person(), body: { role: 'viewer' } },
    'POST /users/{id}/reset-password': { ids: await person(), body: { new_password: 'another password' } },
    'DELETE /users/{id}': { ids: await person() },
    'DELETE /users/{id}/sessions': { ids: await person() },
    'POST /tokens': { body: { name: 'new' } },
    'PATCH /tokens/{id}': { ids: await token(), body: { name: 'another' } },
    'POST /tokens/{id}/rotate': { ids: await token(), body: {} },
    'DELETE /tokens/{id}': { ids: await token() },
    'POST /agents': { body: { name: 'new', allocated_usd: 1 } },
    'PATCH /agents/{id}': { ids: await idOf(), body: { name: 'another' } },
    'DELETE /agents/{id}': { ids: await idOf() },
    'POST /agents/{id}/stop': { ids: await idOf(), body: {} },
    'POST /agents/{id}/resume': { ids: { id: stopped.id }, body: {} },
    'POST /agents/{id}/state': { ids: { id: runtime.id }, body: { state: 'running' }, headers },
    'POST /agents/{id}/ic-token': { ids: { id: bare.id }, body: {} },
    'POST /agents/{id}/ic-token/regenerate': { ids: await idOf(), body: {} },
    'DELETE /agents/{id}/ic-token': { ids: await idOf() },
    'PUT /agents/{id}/providers': { ids: await idOf(), body: { provider_ids: [] } },
    'DELETE /agents/{id}/providers/{provider_id}': { ids: { ...(await idOf()), provider_id: provider } },
    'PUT /agents/{id}/budget': { ids: await idOf(), body: { allocated_usd: 200 } },
    'POST /agents/{id}/budget/adjustments': {
      ids: await idOf(),
      body: { direction: 'charge', amount_usd: 1, reason: WHY },
    },
    'POST /agents/{id}/leases/{lease_id}/revoke': { ids: revocable, body: {} },
    'POST /budget/handshake': { body: { requested_usd: 1 }, headers },
    'POST /budget/reserve': { body: { requested_usd: 1 }, headers },
    'POST /budget/report': { body: overrun('call-1', (await lease()).lease_id), headers },
    'POST /budget/report/batch': { body: { reports: [overrun('call-2', (await lease()).lease_id)] }, headers },
    'POST /budget/refresh': { body: { lease_id: String(leased.lease_id), requested_usd: 1 }, headers },
    'POST /budget/return': { body: await lease(), headers },
    'POST /budget-requests': {
      body: { agent_id: (await idOf()).id, requested_allocated_usd: 200, justification: WHY },
    },
    'PUT /budget-requests/{id}/approve': { ids: await request(), body: {} },
    'PUT /budget-requests/{id}/reject': { ids: await request(), body: { review_notes: WHY } },
    'DELETE /budget-requests/{id}': { ids: await request() },
    'POST /providers': {
      body: { name: 'new', kind: 'openai', base_url: 'https://api.openai.com/v1', models: ['gpt-4o'] },
    },
    'PATCH /providers/{id}': { ids: { id: await newProvider() }, body: { name: 'another' } },
    'DELETE /providers/{id}': { ids: { id: await newProvider() } },
    'POST /providers/{id}/keys': { ids: { id: String(keyless.id) }, body: API_KEY },
    'POST /providers/{id}/keys/rotate': { ids: { id: await newProvider() }, body: API_KEY },
    'PUT /keys/{id}/retire': { ids: { id: String(key.id) }, body: {} },
    'POST /limits': { body: { user_id: (await person()).id, max_tokens_per_day: 5 } },
    'PATCH /limits/{id}': { ids: await limit(), body: { max_tokens_per_day: 6 } },
    'DELETE /limits/{id}': { ids: await limit() },
    // Last: each ends sessions that the ones above it use.
    'DELETE /auth/sessions/{id}': { ids: { id: sessions[1]?.id ?? '' }, headers: own.session },
    'DELETE /auth/sessions': { headers: twice.session },
    'POST /auth/logout': { body: {}, headers: (await newPerson()).session },
    'POST /auth/password': {
      body: { current_password: PASSWORD, new_password: 'another password' },
      headers: (await newPerson()).session,
    },
  }
}

describe.each(await enginesForTests())('DAT-10 a log that takes no entry, on %s', (dialect) => {
  let world: Operators
  let examples: Readonly<Record<string, Example>>
  beforeAll(async () => {
    world = await startOperators(dialect)
    examples = await examplesOf(world)
  }, 120_000)
  afterAll(async () => {
    await world[Symbol.asyncDispose]()
  })

  const run = async <T>(sql: string): Promise<readonly T[]> =>
    (await world.services.database.write((tx) => tx.execute<T>({ sql, parameters: [] }))).rows
  /** Every row of every table. */
  const everything = async (): Promise<Record<string, string[]>> => {
    const tables: Record<string, string[]> = {}
    for (const table of Object.keys(TABLE_OWNERS)) {
      tables[table] = (await run(`SELECT * FROM ${table}`)).map((row) => JSON.stringify(row)).sort()
    }
    return tables
  }
  const ask = (name: string): Promise<Answer> => {
    const [method = '', template = ''] = name.split(' ')
    const { ids = {}, body, headers = world.admin.session } = examples[name] as Example
    const path = template.replaceAll(/\{(\w+)\}/g, (_, id: string) => ids[id] ?? '')
    return world.client.request(method, `/api/v1${path}`, body, headers)
  }

  test('not one route is unlisted', () => {
    const audited = changing.filter(({ audit }) => audit.length > 0)
    expect(Object.keys(examples).sort()).toEqual(audited.map(nameOf).sort())
    const without = changing.filter(({ audit }) => audit.length === 0).map(nameOf)
    expect(without.filter((name) => !NEVER_AUDITED.includes(name))).toEqual([])
  })

  test('every request fails and changes nothing; with the log back, every one is carried out', async () => {
    await run(
      dialect === 'postgres'
        ? 'ALTER TABLE audit_log ADD CONSTRAINT full_log CHECK (seq < 0) NOT VALID'
        : "CREATE TRIGGER full_log BEFORE INSERT ON audit_log BEGIN SELECT RAISE(ABORT, 'full'); END",
    )
    const before = await everything()
    const failed: unknown[] = []
    for (const name of Object.keys(examples)) failed.push([name, (await ask(name)).status])
    expect(failed).toEqual(Object.keys(examples).map((name) => [name, 503]))
    expect(await everything()).toEqual(before)

    await run(dialect === 'postgres' ? 'ALTER TABLE audit_log DROP CONSTRAINT full_log' : 'DROP TRIGGER full_log')
    const [head] = await run<{ seq: number }>('SELECT max(seq) AS seq FROM audit_log')
    for (const [name, { status }] of Object.entries(examples)) {
      const answer = await ask(name)
      const isDone = status === undefined ? answer.status < 300 : answer.status === status
      expect([name, isDone ? 'done' : [answer.status, answer.body]]).toEqual([name, 'done'])
    }
    // Each entry names the request it came with (http-api 1.10).
    const untraced = `SELECT operation FROM audit_log WHERE seq > ${String(head?.seq)} AND http_request_id IS NULL`
    expect(await run(untraced)).toEqual([])
  }, 120_000)
})
