import { createHash } from 'node:crypto'
import { canonicalJson } from '@iron/database'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { startApi, type TestApi } from '../support/api.ts'
import type { Answer } from '../support/http-client.ts'
import { ADMIN, createAgent, expectStatus } from '../support/server-process.ts'

type Headers = Record<string, string>

const PASSWORD = 'correct horse battery'
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
let api: TestApi
let admin: Headers
let adminId: string

beforeAll(async () => {
  api = await startApi()
  const login = expectStatus(await api.client.post('/auth/login', ADMIN), 200)
  admin = { Authorization: `Bearer ${String(login.body.access_token)}` }
  adminId = String(login.body.user.id)
})
afterAll(async () => {
  await api[Symbol.asyncDispose]()
})

let made = 0
async function newUser(more: object = {}): Promise<{ id: string; email: string; username: string }> {
  made += 1
  const body = { username: `user${made}`, email: `user${made}@example.com`, password: PASSWORD, ...more }
  return expectStatus(await api.client.post('/users', body, admin), 201).body as never
}
async function login(email: string, password = PASSWORD): Promise<Answer> {
  return api.client.post('/auth/login', { email, password })
}
async function sessionOf(email: string, password = PASSWORD): Promise<Headers> {
  return { Authorization: `Bearer ${String(expectStatus(await login(email, password), 200).body.access_token)}` }
}
/** Operations audited about a user, oldest first. */
async function auditedOf(id: string): Promise<string[]> {
  const { body } = expectStatus(await api.client.get(`/users/${id}/audit?order=asc`, admin), 200)
  return (body.data as { operation: string }[]).map(({ operation }) => operation)
}

describe('POST /users', () => {
  test('answers the user, a Location, and no password', async () => {
    const answer = await api.client.post(
      '/users',
      { username: ' Ann ', email: ' Ann@Example.com ', password: PASSWORD, name: ' Ann A. ', role: 'viewer' },
      admin,
    )
    expectStatus(answer, 201)
    expect(answer.body).toEqual({
      id: expect.stringMatching(/^user_/),
      username: 'Ann',
      email: 'ann@example.com',
      name: 'Ann A.',
      role: 'viewer',
      status: 'active',
      force_password_change: false,
      last_login_at: null,
      suspended_at: null,
      deleted_at: null,
      created_at: expect.stringMatching(ISO),
    })
    expect(answer.headers.location).toBe(`/api/v1/users/${String(answer.body.id)}`)
    expect((await api.client.get(`/users/${String(answer.body.id)}`, admin)).body).toEqual(answer.body)
  })

  test('VAL-02 names every fault at once, and VAL-16 duplicates by their own code', async () => {
    const bad = { username: '', email: 'x', password: 'short', role: 'root', name: 7, extra: 1 }
    const answer = expectStatus(await api.client.post('/users', bad, admin), 400)
    expect(Object.keys(answer.body.details.fields as object).sort()).toEqual([
      'email',
      'extra',
      'name',
      'password',
      'role',
      'username',
    ])
    const bob = await newUser({ username: 'bob', email: 'bob@example.com' })
    const again = { username: 'BOB', email: 'other@example.com', password: PASSWORD }
    const name = expectStatus(await api.client.post('/users', again, admin), 409)
    expect([name.body.code, name.body.details]).toEqual(['DUPLICATE_USERNAME', { existing_id: bob.id }])
    const mail = { ...again, username: 'bob2', email: 'BOB@example.com' }
    expect((await api.client.post('/users', mail, admin)).body.code).toBe('DUPLICATE_EMAIL')
    const secret = 'with\u0000nul and more'
    const nul = expectStatus(await api.client.post('/users', { ...mail, email: 'q@q.q', password: secret }, admin), 400)
    expect(Object.keys(nul.body.details.fields as object)).toEqual(['password'])
    expect(JSON.stringify(nul.body)).not.toContain('with')
  })

  test('VAL-02 the rules of names, e-mails and passwords are told together with everything else', async () => {
    const bad = { username: 'a b', email: 'no-mail', password: '\u00e9'.normalize('NFD').repeat(7), name: 7 }
    const answer = expectStatus(await api.client.post('/users', bad, admin), 400)
    expect(answer.body.details.fields).toEqual({
      username: 'must not contain white space or @',
      email: 'must be an e-mail address',
      // Seven characters, although they came as fourteen code points.
      password: 'must be 8 to 1000 characters long',
      name: 'must be a text',
    })
  })

  test('SEC-01 what a repeat is compared by does not tell the password', async () => {
    const body = { username: 'hashed', email: 'hashed@example.com', password: PASSWORD }
    const headers = { ...admin, 'Idempotency-Key': 'hashed-once' }
    expectStatus(await api.client.post('/users', body, headers), 201)
    const { database } = await api.state.services()
    const stored = await database.read((tx) =>
      tx.sql.selectFrom('idempotency_keys').selectAll().where('key', '=', 'hashed-once').executeTakeFirstOrThrow(),
    )
    const plain = createHash('sha256').update(canonicalJson(body)).digest('hex')
    expect(stored.payload_hash).not.toBe(plain)
    expect((await api.client.post('/users', body, headers)).headers['idempotency-replayed']).toBe('true')
    const other = await api.client.post('/users', { ...body, password: `${PASSWORD}!` }, headers)
    expect([other.status, other.body]).toEqual([409, { error: expect.any(String), code: 'IDEMPOTENCY_CONFLICT' }])
  })

  test('an idempotency key makes one user; a replay says so', async () => {
    const body = { username: 'once', email: 'once@example.com', password: PASSWORD }
    const headers = { ...admin, 'Idempotency-Key': 'make-once' }
    const answers = await Promise.all([1, 2, 3].map(() => api.client.post('/users', body, headers)))
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201])
    expect(new Set(answers.map((answer) => answer.body.id as string)).size).toBe(1)
    expect(answers.filter((answer) => answer.headers['idempotency-replayed'] === 'true')).toHaveLength(2)
    const other = await api.client.post('/users', { ...body, name: 'Other' }, headers)
    expect([other.status, other.body.code]).toEqual([409, 'IDEMPOTENCY_CONFLICT'])
  })
})

describe('lists', () => {
  test('DAT-19 VAL-11 filter, search literally, sort and count', async () => {
    for (const name of ['100%', '100x']) {
      await newUser({ username: `list-${name}`, email: `${encodeURIComponent(name)}@list.example`, role: 'viewer' })
    }
    const get = async (query: string): Promise<Answer> => api.client.get(`/users?${query}`, admin)
    const found = expectStatus(await get('search=LIST-100%25&role=viewer'), 200)
    expect((found.body.data as { username: string }[]).map(({ username }) => username)).toEqual(['list-100%'])
    expect(found.body.pagination).toEqual({ page: 1, per_page: 50, total: 1, total_pages: 1 })
    const page = expectStatus(await get('search=list-&sort=-username&per_page=1&page=2'), 200)
    expect((page.body.data as { username: string }[]).map(({ username }) => username)).toEqual(['list-100%'])
    expect(page.body.pagination).toEqual({ page: 2, per_page: 1, total: 2, total_pages: 2 })
    const past = expectStatus(await get('search=list-&page=9'), 200)
    expect([past.body.data, past.body.pagination.total]).toEqual([[], 2])
    for (const query of ['sort=password_hash', 'role=root', 'status=gone', 'page=0', 'per_page=101', 'page=1&page=2']) {
      expect([query, (await get(query)).status]).toEqual([query, 400])
    }
  })
})

describe('PATCH /users/{id}', () => {
  test('VAL-05 changes what is given, clears with null, refuses nothing at all; PUT means the same', async () => {
    const user = await newUser({ name: 'Before' })
    const path = `/users/${user.id}`
    const changed = expectStatus(await api.client.patch(path, { email: 'after@example.com' }, admin), 200)
    expect(changed.body).toMatchObject({ email: 'after@example.com', name: 'Before', username: user.username })
    expect(expectStatus(await api.client.put(path, { name: null }, admin), 200).body.name).toBeNull()
    const empty = expectStatus(await api.client.patch(path, {}, admin), 400)
    expect(empty.body.details.fields).toEqual({ $: 'must name at least one field' })
    expect((await api.client.patch(path, { username: null }, admin)).status).toBe(400)
    expect(expectStatus(await api.client.patch(path, { username: user.username }, admin), 200).body.name).toBeNull()
    expect(await auditedOf(user.id)).toEqual(['USER_CREATED', 'USER_UPDATED', 'USER_UPDATED'])
  })
})

describe('suspend, activate, unlock', () => {
  test('AUT-08 AUT-12 AUT-13 each does what it says, once, with one audit entry', async () => {
    const user = await newUser()
    const session = await sessionOf(user.email)
    const suspended = expectStatus(await api.client.put(`/users/${user.id}/suspend`, { reason: 'left' }, admin), 200)
    expect(suspended.body).toMatchObject({ status: 'suspended', suspended_at: expect.stringMatching(ISO) })
    const again = await api.client.put(`/users/${user.id}/suspend`, {}, admin)
    expect([again.status, again.body.code]).toEqual([409, 'USER_ALREADY_SUSPENDED'])
    expect((await api.client.get('/auth/me', session)).body.code).toBe('TOKEN_REVOKED')
    expect((await login(user.email)).body.code).toBe('ACCOUNT_SUSPENDED')
    expect((await login(user.email, 'wrong password')).body.code).toBe('UNAUTHORIZED')
    expect(expectStatus(await api.client.put(`/users/${user.id}/activate`, {}, admin), 200).body.status).toBe('active')
    const active = await api.client.put(`/users/${user.id}/activate`, {}, admin)
    expect([active.status, active.body.code]).toEqual([409, 'USER_ALREADY_ACTIVE'])
    expect((await api.client.get('/auth/me', session)).body.code).toBe('TOKEN_REVOKED')

    for (let index = 0; index < 10; index += 1) expect((await login(user.email, 'wrong password')).status).toBe(401)
    const locked = expectStatus(await login(user.email), 403)
    expect([locked.body.code, Object.keys(locked.body.details as object).sort()]).toEqual([
      'ACCOUNT_LOCKED',
      ['locked_until', 'retry_after'],
    ])
    expect(Number(locked.headers['retry-after'])).toBe(locked.body.details.retry_after)
    for (let index = 0; index < 2; index += 1) {
      expectStatus(await api.client.put(`/users/${user.id}/unlock`, {}, admin), 200)
    }
    await sessionOf(user.email)
    expect((await auditedOf(user.id)).filter((operation) => operation.startsWith('USER_'))).toEqual([
      'USER_CREATED',
      'USER_SUSPENDED',
      'USER_ACTIVATED',
      'USER_UNLOCKED',
    ])
  }, 60_000)
})

describe('roles and oneself', () => {
  test('ACL-09 ACL-10 nobody changes the own role, suspends or deletes themselves', async () => {
    for (const answer of [
      await api.client.put(`/users/${adminId}/role`, { role: 'viewer' }, admin),
      await api.client.put(`/users/${adminId}/suspend`, {}, admin),
      await api.client.delete(`/users/${adminId}`, admin),
    ]) {
      expect([answer.status, answer.body.code]).toEqual([403, 'SELF_MODIFICATION_FORBIDDEN'])
    }
    const second = await newUser({ role: 'admin' })
    const session = await sessionOf(second.email)
    expectStatus(await api.client.put(`/users/${adminId}/role`, { role: 'user' }, session), 200)
    const back = await api.client.put(`/users/${second.id}/role`, { role: 'user' }, admin)
    expect([back.status, back.body.code]).toEqual([403, 'FORBIDDEN'])
    expectStatus(await api.client.put(`/users/${adminId}/role`, { role: 'admin' }, session), 200)
    expectStatus(await api.client.put(`/users/${second.id}/role`, { role: 'user' }, admin), 200)
    // The last one can only be demoted through a token of somebody who was an admin a moment ago: never.
    expect((await api.client.put(`/users/${adminId}/role`, { role: 'user' }, session)).status).toBe(403)
  })

  test('a role change is in force at the next request of every credential, and setting the same one is no change', async () => {
    const user = await newUser()
    const session = await sessionOf(user.email)
    expect((await api.client.get('/users', session)).status).toBe(403)
    for (let index = 0; index < 2; index += 1) {
      expectStatus(await api.client.put(`/users/${user.id}/role`, { role: 'admin' }, admin), 200)
    }
    expect((await api.client.get('/users', session)).status).toBe(200)
    expect(await auditedOf(user.id)).toEqual(['USER_CREATED', 'USER_ROLE_CHANGED'])
  })
})

describe('POST /users/{id}/reset-password', () => {
  test('AUT-09 AUT-10 ends the sessions and asks for a new password', async () => {
    const user = await newUser()
    const session = await sessionOf(user.email)
    const path = `/users/${user.id}/reset-password`
    const reset = expectStatus(await api.client.post(path, { new_password: 'another horse battery' }, admin), 200)
    expect(reset.body.force_password_change).toBe(true)
    expect((await api.client.get('/auth/me', session)).status).toBe(401)
    const next = await sessionOf(user.email, 'another horse battery')
    expect((await api.client.get('/agents', next)).body.code).toBe('PASSWORD_CHANGE_REQUIRED')
    const change = { current_password: 'another horse battery', new_password: 'my own horse battery' }
    expectStatus(await api.client.post('/auth/password', change, next), 204)
    expectStatus(await api.client.get('/agents', next), 200)
    const soft = { new_password: PASSWORD, force_change: false }
    expect(expectStatus(await api.client.post(path, soft, admin), 200).body.force_password_change).toBe(false)
    const bad = expectStatus(await api.client.post(path, { new_password: 'short' }, admin), 400)
    expect(Object.keys(bad.body.details.fields as object)).toEqual(['new_password'])
  })
})

describe('DELETE /users/{id}', () => {
  test('ACL-16 DAT-13 is final: agents go to the admin, tokens and sessions end, names become free', async () => {
    const user = await newUser({ username: 'leaver', email: 'leaver@example.com' })
    const session = await sessionOf(user.email)
    const agent = expectStatus(await api.client.post('/agents', { name: 'orphan', tags: ['a'] }, session), 201)
    const icToken = { 'X-IC-Token': String(agent.body.ic_token.token) }
    const token = expectStatus(await api.client.post('/tokens', { name: 't' }, session), 201)
    const deleted = expectStatus(await api.client.delete(`/users/${user.id}`, admin), 200)
    expect(deleted.body).toMatchObject({
      id: user.id,
      status: 'deleted',
      deleted_at: expect.stringMatching(ISO),
      agents_affected: [{ agent_id: agent.body.id, name: 'orphan', new_owner_id: adminId }],
      agents_count: 1,
      budget_requests_cancelled: 0,
      api_tokens_revoked: 1,
      sessions_ended: 1,
    })
    const kept = expectStatus(await api.client.get(`/agents/${String(agent.body.id)}`, admin), 200)
    expect(kept.body).toMatchObject({
      owner_id: adminId,
      status: 'active',
      tags: ['a', 'orphaned', `original-owner:${user.id}`],
    })
    expectStatus(await api.client.get('/budget', icToken), 200)
    expect((await api.client.get('/auth/me', session)).body.code).toBe('TOKEN_REVOKED')
    expect((await api.client.get('/auth/me', { 'X-API-Token': String(token.body.token) })).body.code).toBe(
      'TOKEN_REVOKED',
    )
    expect((await login(user.email)).body.code).toBe('UNAUTHORIZED')
    expect(expectStatus(await api.client.get(`/users/${user.id}`, admin), 200).body.status).toBe('deleted')
    for (const [method, path, body] of [
      ['PATCH', '', { name: 'x' }],
      ['PUT', '/suspend', {}],
      ['PUT', '/activate', {}],
      ['PUT', '/unlock', {}],
      ['PUT', '/role', { role: 'user' }],
      ['POST', '/reset-password', { new_password: PASSWORD }],
      ['DELETE', '', undefined],
      ['DELETE', '/sessions', undefined],
    ] as const) {
      const answer = await api.client.request(method, `/api/v1/users/${user.id}${path}`, body, admin)
      expect([method, path, answer.status, answer.body.code]).toEqual([method, path, 404, 'USER_NOT_FOUND'])
    }
    await newUser({ username: 'leaver', email: 'leaver@example.com' })
    expect(await auditedOf(user.id)).toEqual(['USER_CREATED', 'USER_DELETED'])
  })
})

describe('sessions and audit of a user', () => {
  test('an admin sees and ends them', async () => {
    const user = await newUser()
    const session = await sessionOf(user.email)
    await sessionOf(user.email)
    const listed = expectStatus(await api.client.get(`/users/${user.id}/sessions`, admin), 200)
    expect(listed.body.pagination.total).toBe(2)
    expect(listed.body.data[0]).toEqual({
      id: expect.stringMatching(/^sess_/),
      created_at: expect.stringMatching(ISO),
      last_used_at: expect.stringMatching(ISO),
      expires_at: expect.stringMatching(ISO),
      ip: '127.0.0.1',
      user_agent: null,
      current: false,
    })
    expect(expectStatus(await api.client.delete(`/users/${user.id}/sessions`, admin), 200).body).toEqual({ ended: 2 })
    expect((await api.client.get('/auth/me', session)).status).toBe(401)
    expect((await api.client.get('/users/user_00000000-0000-7000-8000-0000000000ff/sessions', admin)).status).toBe(404)
  })

  test('DAT-11 the audit log tells who did it, from where and by which request', async () => {
    const user = await newUser()
    const headers = { ...admin, 'X-Request-Id': 'suspend-1', 'User-Agent': 'a browser' }
    expectStatus(await api.client.put(`/users/${user.id}/suspend`, { reason: 'why\nnot' }, headers), 200)
    const { body } = expectStatus(await api.client.get(`/users/${user.id}/audit?limit=1`, admin), 200)
    expect(body.data).toEqual([
      expect.objectContaining({
        operation: 'USER_SUSPENDED',
        resource_type: 'user',
        resource_id: user.id,
        actor: { type: 'user', id: adminId, role: 'admin' },
        ip: '127.0.0.1',
        user_agent: 'a browser',
        request_id: 'suspend-1',
        reason: 'why\nnot',
        prev_hash: expect.stringMatching(/^[0-9a-f]{64}$/),
        hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      }),
    ])
    expect(body.next_cursor).toEqual(expect.any(String))
    const rest = await api.client.get(`/users/${user.id}/audit?limit=1&after=${String(body.next_cursor)}`, admin)
    expect(rest.body.data.map(({ operation }: { operation: string }) => operation)).toEqual(['USER_CREATED'])
    const byAdmin = expectStatus(await api.client.get(`/users/${adminId}/audit?as=actor&limit=1000`, admin), 200)
    const about = (byAdmin.body.data as { resource_id: string }[]).map((entry) => entry.resource_id)
    expect(about).toContain(user.id)
    const none = `/users/${user.id}/audit?from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z`
    expect(expectStatus(await api.client.get(none, admin), 200).body).toEqual({ data: [], next_cursor: null })
  })

  test('a range of a log that ends before it begins is refused, and the field named', async () => {
    const logs = [`/users/${adminId}/audit`, '/audit', '/requests', '/traces']
    for (const log of logs) {
      for (const to of ['2020-01-02T00:00:00Z', '2020-01-01T00:00:00Z']) {
        const { body } = expectStatus(await api.client.get(`${log}?from=2020-01-02T00:00:00Z&to=${to}`, admin), 400)
        expect(body).toMatchObject({
          code: 'VALIDATION_ERROR',
          details: { fields: { 'query.to': 'must be after from' } },
        })
      }
      expectStatus(await api.client.get(`${log}?from=2020-01-02T00:00:00Z&to=2020-01-02T00:00:00.001Z`, admin), 200)
    }
  })

  test('DAT-11 every change by an API token names the token and the person behind it', async () => {
    const issued = expectStatus(await api.client.post('/tokens', { name: 'script' }, admin), 201)
    const token = { 'X-API-Token': String(issued.body.token) }
    const user = await newUser()
    expectStatus(await api.client.put(`/users/${user.id}/suspend`, {}, token), 200)
    const { body } = expectStatus(await api.client.get(`/users/${user.id}/audit?limit=1`, admin), 200)
    expect(body.data[0].actor).toEqual({ type: 'api_token', id: issued.body.id, role: 'admin' })
    const self = await api.client.put(`/users/${adminId}/suspend`, {}, token)
    expect(self.body.code).toBe('SELF_MODIFICATION_FORBIDDEN')
  })
})

test('ACL-16 a suspended owner gets no new grant for any agent, and their runtimes may still report', async () => {
  const { runtime } = await createAgent(api.client, { allocatedUsd: 10 })
  const user = await newUser()
  const session = await sessionOf(user.email)
  const own = expectStatus(await api.client.post('/agents', { name: 'mine' }, session), 201)
  const ic = { 'X-IC-Token': String(own.body.ic_token.token) }
  expectStatus(await api.client.put(`/agents/${String(own.body.id)}/budget`, { allocated_usd: 5 }, admin), 200)
  const lease = expectStatus(await api.client.post('/budget/reserve', { requested_usd: 1 }, ic), 200)
  expectStatus(await api.client.put(`/users/${user.id}/suspend`, {}, admin), 200)
  const refused = await api.client.post('/budget/reserve', { requested_usd: 1 }, ic)
  expect([refused.status, refused.body.code]).toEqual([403, 'ACCOUNT_SUSPENDED'])
  const report = { lease_id: lease.body.lease_id as string, request_id: 'r1', model: 'm', cost_usd: 0.5 }
  expectStatus(await api.client.post('/budget/report', report, ic), 200)
  expectStatus(await api.client.post('/budget/handshake', { requested_usd: 1 }, runtime), 200)
})
