/**
 * Every route with every credential that must not open it, and with those that must (AUT-01, ACL-01): generated from the
 * route table, judged by a matrix that was written by hand from the specification.
 */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type Permission, PERMISSIONS, type Role, ROLES } from '@iron/rbac'
import type { RouteDefinition } from '../../src/http/route.ts'
import { routes } from '../../src/routes/index.ts'
import { startApi, type TestApi } from '../support/api.ts'
import { bent, claimsOf, forgeJwt, unissuedApiToken } from '../support/forge.ts'
import type { Answer } from '../support/http-client.ts'
import { type Expectation, GRANTS, type Kind, MATRIX, WHILE_PENDING } from '../support/route-matrix.ts'
import { createAgent, expectStatus } from '../support/server-process.ts'

type Headers = Record<string, string>

const secret = (): string => randomBytes(32).toString('base64')
const JWT_KEY = secret()
const IC_KEY = secret()
const SCRAPE_TOKEN = 'scrape-token-of-the-test-0123456789'
const PASSWORD = 'correct horse battery'
const nameOf = (route: RouteDefinition): string => `${route.method} ${route.path}`
const bearer = (token: string): Headers => ({ Authorization: `Bearer ${token}` })

/** A user with a session and a token without scopes. */
interface Somebody {
  readonly id: string
  readonly session: Headers
  readonly token: Headers
}

let api: TestApi
const people = new Map<Role, Somebody>()
let stranger: { readonly ids: Readonly<Record<string, string>> }
let agents: Readonly<Record<'both' | 'llm:call' | 'analytics:write', Headers>>
/** Credentials that open nothing, with the code each is refused by. */
let worthless: readonly (readonly [name: string, headers: Headers, status: number, code: string])[]
let pending: Headers

beforeAll(async () => {
  api = await startApi({
    jwtSecret: `k1:${JWT_KEY}`,
    icTokenSecret: `k1:${IC_KEY}`,
    metricsToken: SCRAPE_TOKEN,
  })
  const owner = await createAgent(api.client, { allocatedUsd: 10 })
  const admin = owner.admin
  for (const role of ROLES) people.set(role, await somebody(admin, role, role))
  const other = await somebody(admin, 'user', 'stranger')
  stranger = { ids: await idsOf(admin, other) }
  agents = await agentTokens(other.session)
  worthless = await worthlessCredentials(admin, other)
  pending = await sessionOf(await newUser(admin, { role: 'admin', name: 'pending', force_password_change: true }))
}, 60_000)
afterAll(async () => {
  await api[Symbol.asyncDispose]()
})

async function newUser(admin: Headers, about: { role: Role; name: string; force_password_change?: boolean }) {
  const { name, ...rest } = about
  const body = { username: `the-${name}`, email: `${name}@example.com`, password: PASSWORD, ...rest }
  return expectStatus(await api.client.post('/users', body, admin), 201).body as { id: string; email: string }
}

async function sessionOf(user: { readonly email: string }): Promise<Headers> {
  const login = expectStatus(await api.client.post('/auth/login', { email: user.email, password: PASSWORD }), 200)
  return bearer(String(login.body.access_token))
}

/** Tokens are made through the service: a viewer may not issue any, and more than ten a user are needed. */
async function tokenOf(ownerId: string, scopes?: readonly Permission[]): Promise<Headers> {
  const { tokens } = await api.state.services()
  const { secret: token, token: made } = await tokens.issueToken(ownerId, 'test', 'test', {
    scopes: scopes && [...scopes],
  })
  issued.push(made.id)
  return { 'X-API-Token': token }
}
const issued: string[] = []

function sessionFor(role: Role): Headers {
  const person = people.get(role)
  if (person === undefined) throw new Error(`nobody is ${role}`)
  return person.session
}

async function logInAgain(role: Role): Promise<void> {
  const person = people.get(role)
  if (person !== undefined) people.set(role, { ...person, session: await sessionOf({ email: `${role}@example.com` }) })
}

async function somebody(admin: Headers, role: Role, name: string): Promise<Somebody> {
  const user = await newUser(admin, { role, name })
  const session = await sessionOf(user)
  const token = await tokenOf(user.id)
  return { id: user.id, session, token }
}

/** Rows of somebody else, by the prefix of their ids. */
async function idsOf(admin: Headers, other: Somebody): Promise<Record<string, string>> {
  const agent = expectStatus(await api.client.post('/agents', { name: 'theirs' }, other.session), 201)
  const token = expectStatus(await api.client.post('/tokens', { name: 'theirs' }, other.session), 201)
  const limit = expectStatus(await api.client.post('/limits', { user_id: other.id, max_tokens_per_day: 5 }, admin), 201)
  const sessions = expectStatus(await api.client.get('/auth/sessions', other.session), 200)
  const asked = {
    agent_id: String(agent.body.id),
    requested_allocated_usd: 5,
    justification: 'a budget to begin with',
  }
  const request = expectStatus(await api.client.post('/budget-requests', asked, other.session), 201)
  const called = expectStatus(await api.client.post('/usage', { cost_usd: 1 }, other.token), 201)
  const trace = 'trace_00000000-0000-7000-8000-00000000000b'
  const span = { trace_id: trace, span_id: 's', name: 'n', started_at: new Date().toISOString(), status: 'ok' }
  const runtime = { 'X-IC-Token': String(agent.body.ic_token.token) }
  expectStatus(await api.client.post('/traces', { spans: [span] }, runtime), 200)
  return {
    user: other.id,
    agent: String(agent.body.id),
    breq: String(request.body.id),
    req: String(called.body.id),
    trace,
    tok: String(token.body.id),
    lim: String(limit.body.id),
    sess: String(sessions.body.data[0].id),
    lease: 'lease_00000000-0000-7000-8000-00000000000a',
  }
}

async function agentTokens(session: Headers): Promise<typeof agents> {
  const make = async (permissions: readonly string[]): Promise<Headers> => {
    const made = await api.client.post('/agents', { name: 'a', ic_token_permissions: permissions }, session)
    return { 'X-IC-Token': String(expectStatus(made, 201).body.ic_token.token) }
  }
  return {
    both: await make(['llm:call', 'analytics:write']),
    'llm:call': await make(['llm:call']),
    'analytics:write': await make(['analytics:write']),
  }
}

async function worthlessCredentials(admin: Headers, other: Somebody): Promise<typeof worthless> {
  const { tokens, database } = await api.state.services()
  const session = String(other.session['Authorization']).slice('Bearer '.length)
  const claims = claimsOf(session)
  const header = { alg: 'HS256', typ: 'JWT', kid: 'k1' }
  const nowSeconds = Math.floor(database.clock.now() / 1_000)
  const past = { ...claims, iat: nowSeconds - 7_200, exp: nowSeconds - 3_600 }
  const login = { email: 'stranger@example.com', password: PASSWORD }
  const loggedOut = expectStatus(await api.client.post('/auth/login', login), 200).body as Record<string, string>
  const ended = bearer(loggedOut['access_token'] ?? '')
  expectStatus(await api.client.post('/auth/logout', {}, ended), 204)
  const living = expectStatus(await api.client.post('/auth/login', login), 200).body as Record<string, string>

  const issue = async (options: object = {}, ownerId = other.id) => tokens.issueToken(ownerId, 'x', 'test', options)
  const revoked = await issue()
  await tokens.revokeToken(revoked.token.id, 'test')
  const replaced = await issue()
  await tokens.rotateToken(replaced.token.id, 'test')
  const expired = await issue({ expiresAt: database.clock.now() + 30 })
  const elsewhere = await issue({ allowedIps: ['203.0.113.0/24'] })
  const suspended = await newUser(admin, { role: 'user', name: 'suspended' })
  const ofSuspended = await issue({}, suspended.id)
  expectStatus(await api.client.put(`/users/${suspended.id}/suspend`, {}, admin), 200)
  const gone = await newUser(admin, { role: 'user', name: 'gone' })
  const ofGone = await issue({}, gone.id)
  expectStatus(await api.client.delete(`/users/${gone.id}`, admin), 200)

  const agent = expectStatus(await api.client.post('/agents', { name: 'archived' }, other.session), 201)
  const archived = String(agent.body.ic_token.token)
  const icClaims = claimsOf(archived)
  expectStatus(await api.client.delete(`/agents/${String(agent.body.id)}`, other.session), 200)
  const icPast = { ...icClaims, iat: nowSeconds - 7_200, exp: nowSeconds - 3_600 }
  while (database.clock.now() <= (expired.token.expiresAt ?? 0)) await new Promise((resolve) => setImmediate(resolve))

  const token = (value: string): Headers => ({ 'X-API-Token': value })
  const ic = (value: string): Headers => ({ 'X-IC-Token': value })
  const unauthorized = [401, 'UNAUTHORIZED'] as const
  return [
    ['no credential', {}, ...unauthorized],
    ['an empty bearer', { Authorization: 'Bearer ' }, ...unauthorized],
    ['another scheme', { Authorization: `Basic ${Buffer.from('a:b').toString('base64')}` }, ...unauthorized],
    ['garbage', bearer('garbage'), ...unauthorized],
    ['session: alg none', bearer(forgeJwt({ ...header, alg: 'none' }, claims, JWT_KEY)), ...unauthorized],
    ['session: another algorithm', bearer(forgeJwt({ ...header, alg: 'HS512' }, claims, JWT_KEY)), ...unauthorized],
    ['session: asymmetric algorithm', bearer(forgeJwt({ ...header, alg: 'RS256' }, claims, JWT_KEY)), ...unauthorized],
    ['session: another key', bearer(forgeJwt(header, claims, secret())), ...unauthorized],
    ['session: unknown key id', bearer(forgeJwt({ ...header, kid: 'k2' }, claims, JWT_KEY)), ...unauthorized],
    ['session: no key id', bearer(forgeJwt({ alg: 'HS256', typ: 'JWT' }, claims, JWT_KEY)), ...unauthorized],
    ['session: signed by the agents’ key', bearer(forgeJwt(header, claims, IC_KEY)), ...unauthorized],
    ['session: bent', bearer(bent(session)), ...unauthorized],
    ['session: cut', bearer(session.slice(0, -5)), ...unauthorized],
    ['session: role raised', bearer(forgeJwt(header, { ...claims, role: 'admin' }, secret())), ...unauthorized],
    ['session: of the future', bearer(forgeJwt(header, { ...claims, iat: nowSeconds + 90 }, JWT_KEY)), ...unauthorized],
    ['session: expired', bearer(forgeJwt(header, past, JWT_KEY)), 401, 'TOKEN_EXPIRED'],
    ['session: logged out', ended, 401, 'TOKEN_REVOKED'],
    ['a refresh token', bearer(living['refresh_token'] ?? ''), ...unauthorized],
    ['API token: never issued', token(unissuedApiToken()), ...unauthorized],
    ['API token: broken checksum', token(bent(String(other.token['X-API-Token']))), ...unauthorized],
    ['API token: with a space', bearer(` ${String(other.token['X-API-Token'])}x`), ...unauthorized],
    ['API token: revoked', token(revoked.secret), 401, 'TOKEN_REVOKED'],
    ['API token: replaced', token(replaced.secret), 401, 'TOKEN_REVOKED'],
    ['API token: expired', token(expired.secret), 401, 'TOKEN_EXPIRED'],
    ['API token: elsewhere', token(elsewhere.secret), 403, 'IP_NOT_ALLOWED'],
    ['API token: owner suspended', token(ofSuspended.secret), 403, 'ACCOUNT_SUSPENDED'],
    ['API token: owner deleted', token(ofGone.secret), 401, 'TOKEN_REVOKED'],
    ['IC token: garbage', ic('ic_garbage'), ...unauthorized],
    ['IC token: alg none', ic(`ic_${forgeJwt({ ...header, alg: 'none' }, icClaims, IC_KEY)}`), ...unauthorized],
    ['IC token: another key', ic(`ic_${forgeJwt(header, icClaims, secret())}`), ...unauthorized],
    ['IC token: signed by the sessions’ key', ic(`ic_${forgeJwt(header, icClaims, JWT_KEY)}`), ...unauthorized],
    ['IC token: expired', ic(`ic_${forgeJwt(header, icPast, IC_KEY)}`), 401, 'TOKEN_EXPIRED'],
    ['IC token: agent archived', ic(archived), 401, 'TOKEN_REVOKED'],
    ['a session where an API token belongs', token(session), ...unauthorized],
    ['a session where an IC token belongs', ic(session), ...unauthorized],
    ['an API token where an IC token belongs', ic(String(other.token['X-API-Token'])), ...unauthorized],
  ]
}

/** A path with ids of nothing, or of somebody else's rows. */
function pathOf(route: RouteDefinition, ids?: Readonly<Record<string, string>>): string {
  return route.path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const prefix = route.params?.[name]?.prefix ?? ''
    return ids?.[prefix] ?? `${prefix}_00000000-0000-7000-8000-0000000000ff`
  })
}

function ask(route: RouteDefinition, headers: Headers, ids?: Readonly<Record<string, string>>): Promise<Answer> {
  const takesBody = route.method !== 'GET' && route.method !== 'DELETE'
  return api.client.request(route.method, `/api/v1${pathOf(route, ids)}`, takesBody ? {} : undefined, headers)
}

/** Whether the answer came from behind the gates: found nothing, or found fault with an empty body, or did it. */
function passed({ status, body }: Answer): boolean {
  return status !== 401 && !(status === 403 && ['FORBIDDEN', 'PASSWORD_CHANGE_REQUIRED'].includes(body.code as string))
}

const secured = routes.filter((route) => !['public', 'login', 'refresh'].includes(route.auth))
const verdict = ({ status, body }: Answer): readonly unknown[] => [status, (body as { code?: string }).code]
const takes = (expected: Expectation, kind: Kind): boolean =>
  typeof expected.takes !== 'string' && expected.takes.includes(kind)
const expectationOf = (route: RouteDefinition): Expectation => {
  const expected = MATRIX[nameOf(route)]
  if (expected === undefined) throw new Error(`${nameOf(route)} is not in the matrix`)
  return expected
}

test('not one route is unlisted, and none is listed that is not there', () => {
  expect(routes.map(nameOf).sort()).toEqual(Object.keys(MATRIX).sort())
})

describe('AUT-01 AUT-02 AUT-03 SEC-04 SEC-08 a worthless credential opens nothing', () => {
  test.each(secured.map((route) => [nameOf(route), route] as const))('%s', async (_, route) => {
    for (const [name, headers, status, code] of worthless) {
      const answer = await ask(route, headers)
      expect([name, ...verdict(answer)]).toEqual([name, status, code])
      expect(answer.headers['www-authenticate']).toBe(status === 401 ? 'Bearer' : undefined)
    }
  })

  test('what is public ignores it', async () => {
    for (const route of routes.filter(({ auth }) => auth === 'public')) {
      // A plain GET of the socket's path is told to upgrade, whoever asks.
      const expected = route.path === '/ws' ? 426 : 200
      for (const [, headers] of worthless) expect((await ask(route, headers)).status).toBe(expected)
    }
  })

  test('AUT-03 AUT-06 only a refresh token refreshes', async () => {
    const refresh = (token: string): Promise<Answer> => api.client.post('/auth/refresh', { refresh_token: token })
    for (const [name, headers] of worthless) {
      if (name === 'a refresh token') continue
      const value = Object.values(headers)[0]?.replace(/^\w+ +/, '') ?? ''
      if (value === '') continue
      expect([name, (await refresh(value)).status]).toEqual([name, 401])
    }
    const session = sessionFor('admin')['Authorization']?.slice('Bearer '.length) ?? ''
    expect(verdict(await refresh(session))).toEqual([401, 'UNAUTHORIZED'])
    expect(verdict(await api.client.post('/auth/refresh', {}))).toEqual([401, 'UNAUTHORIZED'])
  })
})

describe('ACL-01 ACL-04 ACL-08 each role by a session', () => {
  test.each(secured.map((route) => [nameOf(route), route] as const))('%s', async (name, route) => {
    const expected = expectationOf(route)
    for (const role of ROLES) {
      const answer = await ask(route, sessionFor(role))
      // Logging in is slow on purpose: only who has logged out does it again.
      if (name === 'POST /auth/logout') await logInAgain(role)
      const allowed = takes(expected, 'U') && (expected.needs ?? []).every((need) => GRANTS[role][need] !== undefined)
      expect([role, name, allowed ? passed(answer) : verdict(answer)]).toEqual([
        role,
        name,
        allowed ? true : [403, 'FORBIDDEN'],
      ])
    }
  })
})

describe('ACL-11 each role by an API token, whole and with each single scope', () => {
  const cases = ROLES.flatMap((role) => [undefined, ...PERMISSIONS].map((scope) => ({ role, scope })))
  test.each(cases)('$role, scope $scope', async ({ role, scope }) => {
    const person = people.get(role)
    if (person === undefined) throw new Error(role)
    if (scope !== undefined && GRANTS[role][scope] === undefined) {
      const { tokens } = await api.state.services()
      const made = tokens.issueToken(person.id, 'test', 'test', { scopes: [scope] })
      await expect(made).rejects.toMatchObject({ code: 'VALIDATION_ERROR' })
      return
    }
    const headers = scope === undefined ? person.token : await tokenOf(person.id, [scope])
    for (const route of secured) {
      const expected = expectationOf(route)
      const holds = (need: Permission): boolean =>
        GRANTS[role][need] !== undefined && (scope === undefined || scope === need)
      const allowed = takes(expected, 'T') && (expected.needs ?? []).every(holds)
      const answer = await ask(route, headers)
      expect([nameOf(route), allowed ? passed(answer) : verdict(answer)]).toEqual([
        nameOf(route),
        allowed ? true : [403, 'FORBIDDEN'],
      ])
    }
    if (scope !== undefined) {
      const { tokens } = await api.state.services()
      await tokens.revokeToken(issued.at(-1) ?? '', 'test')
    }
  })
})

describe('ACL-12 ACL-13 an agent', () => {
  test.each(secured.map((route) => [nameOf(route), route] as const))('%s', async (name, route) => {
    const expected = expectationOf(route)
    for (const permission of ['both', 'llm:call', 'analytics:write'] as const) {
      const { agentNeeds } = expected
      const permitted = agentNeeds === undefined || permission === 'both' || permission === agentNeeds
      const allowed = takes(expected, 'I') && permitted
      const answer = await ask(route, agents[permission])
      expect([permission, name, allowed ? passed(answer) : verdict(answer)]).toEqual([
        permission,
        name,
        allowed ? true : [403, 'FORBIDDEN'],
      ])
    }
  })
})

describe("ACL-03 another user's row is not there", () => {
  const owned = secured.filter((route) => MATRIX[nameOf(route)]?.foreign !== undefined)
  test.each(owned.map((route) => [nameOf(route), route] as const))('%s', async (name, route) => {
    const expected = expectationOf(route)
    for (const role of ['user', 'viewer'] as const) {
      if (!(expected.needs ?? []).every((need) => GRANTS[role][need] !== undefined)) continue
      const body = BODIES[name] ?? {}
      const about = (ids?: Readonly<Record<string, string>>): Promise<Answer> =>
        api.client.request(
          route.method,
          `/api/v1${pathOf(route, ids)}`,
          route.method === 'GET' || route.method === 'DELETE' ? undefined : body,
          sessionFor(role),
        )
      const foreign = await about(stranger.ids)
      const missing = await about()
      expect([role, ...verdict(foreign)]).toEqual([role, 404, expected.foreign])
      expect(JSON.stringify(foreign.body)).toBe(JSON.stringify(missing.body))
    }
  })

  test('ACL-05 no list shows it or counts it', async () => {
    for (const path of ['/agents', '/tokens', '/limits', '/budget']) {
      const answer = await api.client.get(path, sessionFor('user'))
      expect([path, answer.status]).toEqual([path, 200])
      expect([path, JSON.stringify(answer.body).includes(stranger.ids['user'] ?? '')]).toEqual([path, false])
      const asked = await api.client.get(
        path === '/limits' || path === '/tokens' ? `${path}?user_id=${stranger.ids['user'] ?? ''}` : path,
        sessionFor('viewer'),
      )
      if (path === '/tokens') expect(asked.status).toBe(403)
      else expect(asked.body.pagination).toMatchObject({ total: 0, total_pages: 0 })
    }
  })
})

/** Bodies that pass validation, for routes that would otherwise be refused before the row is looked for. */
const BODIES: Readonly<Record<string, object>> = {
  'PATCH /tokens/{id}': { name: 'mine now' },
  'PATCH /agents/{id}': { name: 'mine now' },
  'PUT /agents/{id}/providers': { provider_ids: [] },
}

test('AUT-10 who must change the password can do nothing else', async () => {
  for (const route of secured) {
    const answer = await ask(route, pending)
    const name = nameOf(route)
    const takesSessions = takes(expectationOf(route), 'U')
    const wanted = !takesSessions ? 'FORBIDDEN' : WHILE_PENDING.includes(name) ? 'passes' : 'PASSWORD_CHANGE_REQUIRED'
    const got = passed(answer) ? 'passes' : (answer.body as { code: string }).code
    expect([name, got]).toEqual([name, wanted])
    if (name === 'POST /auth/logout') pending = await sessionOf({ email: 'pending@example.com' })
  }
})

test('AUT-18 two different credentials are refused, the same one twice is not', async () => {
  const tokenHeader = people.get('user')?.token ?? {}
  const both = { ...sessionFor('user'), ...tokenHeader }
  expect(verdict(await api.client.get('/auth/me', both))).toEqual([400, 'AMBIGUOUS_CREDENTIALS'])
  const token = tokenHeader['X-API-Token'] ?? ''
  expect((await api.client.get('/auth/me', { ...bearer(token), 'X-API-Token': token })).status).toBe(200)
})

test('the scrape token reads the metrics and nothing else', async () => {
  const scrape = bearer(SCRAPE_TOKEN)
  const metrics = await api.client.request('GET', '/metrics', undefined, scrape)
  expect([metrics.status, metrics.headers['content-type']]).toEqual([200, expect.stringContaining('text/plain')])
  expect(metrics.body).toContain('iron_http_requests_total')
  for (const route of secured.filter(({ path }) => path !== '/metrics')) {
    expect(verdict(await ask(route, scrape))).toEqual([401, 'UNAUTHORIZED'])
  }
  expect(verdict(await api.client.get('/metrics', bearer(`${SCRAPE_TOKEN}x`)))).toEqual([401, 'UNAUTHORIZED'])
  for (const header of ['X-API-Token', 'X-IC-Token']) {
    expect(verdict(await api.client.get('/metrics', { [header]: SCRAPE_TOKEN }))).toEqual([401, 'UNAUTHORIZED'])
  }
})
