import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { manualClock, type ManualClock } from '@iron/test-kit'
import { startApi, type TestApi } from '../support/api.ts'
import type { Answer } from '../support/http-client.ts'
import { ADMIN, expectStatus } from '../support/server-process.ts'

type Headers = Record<string, string>

const PASSWORD = 'correct horse battery'
const DAY_MS = 86_400_000
let api: TestApi
let clock: ManualClock
let admin: Headers

beforeAll(async () => {
  clock = manualClock()
  api = await startApi({ trustedProxies: 1 }, { clock })
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
async function newUser(role = 'user'): Promise<{ id: string; session: Headers }> {
  made += 1
  const email = `tok${made}@example.com`
  const body = { username: `tok${made}`, email, password: PASSWORD, role }
  const user = expectStatus(await api.client.post('/users', body, admin), 201)
  return { id: String(user.body.id), session: await sessionOf(email) }
}
const inMs = (ms: number): string => new Date(clock.now() + ms).toISOString()
const withToken = (secret: unknown): Headers => ({ 'X-API-Token': String(secret) })
const me = (secret: unknown, more: Headers = {}): Promise<Answer> =>
  api.client.get('/auth/me', { ...withToken(secret), ...more })

describe('POST /tokens', () => {
  test('SEC-01 SEC-02 shows the secret once and stores only what is in Token', async () => {
    const { id, session } = await newUser()
    const body = {
      name: ' ci ',
      description: 'line\nline',
      scopes: ['agents:read'],
      expires_at: inMs(DAY_MS),
      project_id: 'alpha',
      allowed_ips: ['127.0.0.1', '10.0.0.0/8'],
    }
    const issued = expectStatus(await api.client.post('/tokens', body, session), 201)
    const { token, ...shown } = issued.body as { token: string; id: string }
    expect(token).toMatch(/^at_[A-Za-z0-9_-]{43}[0-9A-Za-z]{6}$/)
    expect(shown).toEqual({
      id: expect.stringMatching(/^tok_/),
      name: 'ci',
      description: 'line\nline',
      user_id: id,
      project_id: 'alpha',
      scopes: ['agents:read'],
      allowed_ips: ['127.0.0.1', '10.0.0.0/8'],
      hint: `${token.slice(0, 7)}...${token.slice(-4)}`,
      status: 'active',
      created_at: inMs(0),
      expires_at: body.expires_at,
      last_used_at: null,
      rotated_at: null,
      revoked_at: null,
    })
    expect(issued.headers.location).toBe(`/api/v1/tokens/${shown.id}`)
    const one = expectStatus(await api.client.get(`/tokens/${shown.id}`, session), 200)
    expect(one.body).toEqual({
      ...shown,
      usage: {
        requests: 0,
        completed: 0,
        failed: 0,
        input_tokens: 0,
        output_tokens: 0,
        total_tokens: 0,
        cost_usd: 0,
      },
    })
    for (const path of ['/tokens', `/tokens/${shown.id}`, '/audit?limit=1000']) {
      expect(JSON.stringify((await api.client.get(path, admin)).body)).not.toContain(token)
    }
    const verified = expectStatus(await api.client.get('/auth/verify', withToken(token)), 200)
    expect(verified.body).toEqual({
      valid: true,
      kind: 'api_token',
      user_id: id,
      role: 'user',
      permissions: ['agents:read'],
      session_id: null,
      token_id: shown.id,
      agent_id: null,
      budget_id: null,
      expires_at: body.expires_at,
    })
  })

  test('VAL-02 names every fault', async () => {
    const { session } = await newUser()
    const bad = {
      name: '',
      scopes: [],
      expires_at: '2020-01-01',
      project_id: '',
      allowed_ips: ['a b'],
      user_id: 'user_1',
      extra: 1,
    }
    const answer = expectStatus(await api.client.post('/tokens', bad, session), 400)
    expect(Object.keys(answer.body.details.fields as object).sort()).toEqual(
      ['allowed_ips[0]', 'expires_at', 'extra', 'name', 'project_id', 'scopes', 'user_id'].sort(),
    )
    for (const [field, value] of [
      ['expires_at', inMs(-1)],
      ['expires_at', inMs(0)],
      ['expires_at', '9999-12-31T23:59:59-01:00'],
      ['allowed_ips', ['10.0.0.0/33']],
      ['allowed_ips', ['example.com']],
      ['scopes', ['users:manage']],
      ['scopes', ['agents:fly']],
    ] as const) {
      const one = await api.client.post('/tokens', { name: 'x', [field]: value }, session)
      expect([field, value, one.status]).toEqual([field, value, 400])
      expect(Object.keys(one.body.details.fields as object)[0]).toMatch(new RegExp(`^${field}`))
    }
  })

  test('CON-20 SEC-09 ten in force a user, under parallel requests; revoked and expired ones do not count', async () => {
    const { session } = await newUser()
    const answers = await Promise.all(
      Array.from({ length: 15 }, (_, index) =>
        api.client.post('/tokens', { name: `t${index}`, ...(index < 5 && { expires_at: inMs(1_000) }) }, session),
      ),
    )
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(10)
    for (const { status, body } of answers.filter((answer) => answer.status !== 201)) {
      expect([status, body.code, body.details]).toEqual([409, 'TOKEN_LIMIT_EXCEEDED', { max: 10 }])
    }
    const listed = expectStatus(await api.client.get('/tokens?status=active', session), 200)
    expect(listed.body.pagination.total).toBe(10)
    expectStatus(await api.client.delete(`/tokens/${String(listed.body.data[0].id)}`, session), 200)
    expectStatus(await api.client.post('/tokens', { name: 'again' }, session), 201)
    expect((await api.client.post('/tokens', { name: 'too many' }, session)).status).toBe(409)
    clock.advance(1_000)
    expectStatus(await api.client.post('/tokens', { name: 'after expiry' }, session), 201)
  })

  test('only an admin issues for others, and only for those who are there and active', async () => {
    const one = await newUser()
    const two = await newUser()
    const forOther = (userId: string, who: Headers): Promise<Answer> =>
      api.client.post('/tokens', { name: 'x', user_id: userId }, who)
    expect((await forOther(two.id, one.session)).body.code).toBe('FORBIDDEN')
    const issued = expectStatus(await forOther(two.id, admin), 201)
    expect(issued.body.user_id).toBe(two.id)
    expect((await me(issued.body.token)).body.id).toBe(two.id)
    expectStatus(await api.client.put(`/users/${two.id}/suspend`, {}, admin), 200)
    expect((await forOther(two.id, admin)).body.code).toBe('USER_NOT_FOUND')
    expect((await forOther('user_00000000-0000-7000-8000-0000000000ff', admin)).body.code).toBe('USER_NOT_FOUND')
  })

  test('http-api 1.9 a replay has no secret and says so', async () => {
    const { session } = await newUser()
    const headers = { ...session, 'Idempotency-Key': 'token-1' }
    const first = expectStatus(await api.client.post('/tokens', { name: 'x' }, headers), 201)
    const replay = expectStatus(await api.client.post('/tokens', { name: 'x' }, headers), 201)
    expect(replay.body).toEqual({ ...first.body, token: null, secret_omitted: true })
    expect(replay.headers['idempotency-replayed']).toBe('true')
  })
})

describe('use', () => {
  test('addresses, expiry and last use', async () => {
    const { session } = await newUser()
    const issued = expectStatus(
      await api.client.post(
        '/tokens',
        { name: 'x', allowed_ips: ['203.0.113.0/24'], expires_at: inMs(60_000) },
        session,
      ),
      201,
    )
    const at = (ip: string): Promise<Answer> => me(issued.body.token, { 'X-Forwarded-For': ip })
    expectStatus(await at('203.0.113.7'), 200)
    expectStatus(await at('::ffff:203.0.113.7'), 200)
    expect((await at('203.0.114.7')).body.code).toBe('IP_NOT_ALLOWED')
    expect((await me(issued.body.token)).body.code).toBe('IP_NOT_ALLOWED')
    clock.advance(60_000)
    const expired = await at('203.0.113.7')
    expect([expired.status, expired.body.code, expired.body.details]).toEqual([
      401,
      'TOKEN_EXPIRED',
      { expired_at: issued.body.expires_at },
    ])
    const shown = expectStatus(await api.client.get(`/tokens/${String(issued.body.id)}`, session), 200)
    expect(shown.body).toMatchObject({ status: 'expired', last_used_at: inMs(-60_000) })
    const rotate = await api.client.post(`/tokens/${String(issued.body.id)}/rotate`, {}, session)
    expect([rotate.status, rotate.body.code]).toEqual([409, 'TOKEN_NOT_ACTIVE'])
  })

  test('SEC-03 exactly one string authenticates', async () => {
    const { session } = await newUser()
    const issued = expectStatus(await api.client.post('/tokens', { name: 'x' }, session), 201)
    const secret = String(issued.body.token)
    const variants = [secret.slice(3), secret.toUpperCase(), `${secret}A`, secret.slice(0, -1), `ic_${secret}`]
    for (const variant of variants) expect([variant, (await me(variant)).status]).toEqual([variant, 401])
    expectStatus(await api.client.get('/auth/me', { Authorization: `Bearer ${secret}` }), 200)
    expect((await api.client.get(`/auth/me?token=${secret}`)).status).toBe(401)
  })
})

describe('PATCH, rotate, DELETE', () => {
  test('VAL-05 a change is in force at the next request', async () => {
    const { session } = await newUser()
    const issued = expectStatus(await api.client.post('/tokens', { name: 'x', scopes: ['agents:read'] }, session), 201)
    const path = `/tokens/${String(issued.body.id)}`
    expectStatus(await api.client.get('/agents', withToken(issued.body.token)), 200)
    const narrowed = expectStatus(await api.client.patch(path, { scopes: ['limits:read'] }, session), 200)
    expect(narrowed.body).toMatchObject({ scopes: ['limits:read'], name: 'x' })
    expect((await api.client.get('/agents', withToken(issued.body.token))).status).toBe(403)
    const widened = expectStatus(await api.client.patch(path, { scopes: null, description: null }, session), 200)
    expect(widened.body.scopes).toBeNull()
    expectStatus(await api.client.get('/agents', withToken(issued.body.token)), 200)
    expect((await api.client.patch(path, {}, session)).status).toBe(400)
    expect((await api.client.patch(path, { name: null }, session)).status).toBe(400)
    expect((await api.client.patch(path, { expires_at: inMs(-1) }, session)).status).toBe(400)
    const log = `/audit?resource_id=${String(issued.body.id)}&order=asc`
    const { body } = expectStatus(await api.client.get(log, admin), 200)
    expect((body.data as { operation: string }[]).map(({ operation }) => operation)).toEqual([
      'API_TOKEN_CREATED',
      'API_TOKEN_UPDATED',
      'API_TOKEN_UPDATED',
    ])
    expect(body.data[1].changes).toEqual({ before: { scopes: ['agents:read'] }, after: { scopes: ['limits:read'] } })
  })

  test('SEC-06 SEC-07 rotation keeps everything but the secret, honours the grace exactly, and revocation ends both', async () => {
    const { session } = await newUser()
    const issued = expectStatus(await api.client.post('/tokens', { name: 'x', project_id: 'p' }, session), 201)
    const path = `/tokens/${String(issued.body.id)}`
    clock.advance(1_000)
    const rotated = expectStatus(await api.client.post(`${path}/rotate`, { grace_seconds: 60 }, session), 200)
    const { token: next, ...shown } = rotated.body as { token: string }
    const { token: first, ...before } = issued.body as { token: string }
    expect(shown).toEqual({
      ...before,
      hint: `${next.slice(0, 7)}...${next.slice(-4)}`,
      rotated_at: inMs(0),
      last_used_at: null,
    })
    clock.advance(59_999)
    expect([(await me(first)).status, (await me(next)).status]).toEqual([200, 200])
    clock.advance(1)
    expect([(await me(first)).body.code, (await me(next)).status]).toEqual(['TOKEN_REVOKED', 200])
    const again = expectStatus(await api.client.post(`${path}/rotate`, { grace_seconds: 604_800 }, session), 200)
    expect([(await me(next)).status, (await me(again.body.token)).status]).toEqual([200, 200])
    expect((await api.client.post(`${path}/rotate`, { grace_seconds: 604_801 }, session)).status).toBe(400)
    const revoked = expectStatus(await api.client.delete(path, session), 200)
    expect(revoked.body).toMatchObject({ status: 'revoked', revoked_at: inMs(0) })
    for (const secret of [first, next, again.body.token]) expect((await me(secret)).body.code).toBe('TOKEN_REVOKED')
    for (const answer of [
      await api.client.delete(path, session),
      await api.client.patch(path, { name: 'y' }, session),
      await api.client.post(`${path}/rotate`, {}, session),
    ]) {
      expect([answer.status, answer.body.code, answer.body.details]).toEqual([
        409,
        'TOKEN_ALREADY_REVOKED',
        { revoked_at: inMs(0) },
      ])
    }
  })
})

test('GET /tokens filters, sorts and counts; an admin sees those of others, never a secret (ACL-18)', async () => {
  const { id, session } = await newUser()
  for (const [name, project] of [
    ['alpha one', 'p1'],
    ['beta_two', 'p1'],
    ['gamma', 'p2'],
  ]) {
    expectStatus(await api.client.post('/tokens', { name, project_id: project }, session), 201)
    clock.advance(10)
  }
  const names = async (query: string, who = session): Promise<string[]> => {
    const { body } = expectStatus(await api.client.get(`/tokens?${query}`, who), 200)
    return (body.data as { name: string }[]).map(({ name }) => name)
  }
  expect(await names('')).toEqual(['gamma', 'beta_two', 'alpha one'])
  expect(await names('sort=name')).toEqual(['alpha one', 'beta_two', 'gamma'])
  expect(await names('name=A_T')).toEqual(['beta_two'])
  expect(await names('project_id=p1&sort=-name')).toEqual(['beta_two', 'alpha one'])
  expect(await names('status=revoked')).toEqual([])
  expect(await names(`user_id=${id}`, admin)).toHaveLength(3)
  const adminId = String((await api.client.get('/auth/me', admin)).body.id)
  expect(await names(`user_id=${adminId}`)).toEqual([])
})
