import { describe, expect, test } from '@jest/globals'
import { manualClock, type ManualClock } from '@iron/test-kit'
import { addressKey } from '../../src/http/rate-gate.ts'
import { RATE_CLASS_NAMES, RATE_CLASSES, type RateClass } from '../../src/http/rate-classes.ts'
import { RateLimits } from '../../src/http/rate-limits.ts'
import { routes } from '../../src/routes/index.ts'
import { RATES_OFF, startApi, type TestApi } from '../support/api.ts'
import type { Answer } from '../support/http-client.ts'
import { ADMIN, createAgent, expectStatus } from '../support/server-process.ts'

const WRONG = 'a wrong password'

/** A server on the default limits of the named classes, all others off, and a clock of the test's own. */
async function startLimited(...classes: RateClass[]): Promise<TestApi & { readonly clock: ManualClock }> {
  const clock = manualClock()
  const rateLimits = Object.fromEntries(
    Object.entries(RATES_OFF).filter(([name]) => !classes.includes(name as RateClass)),
  )
  const api = await startApi({ rateLimits, trustedProxies: 1 }, { clock })
  return Object.assign(api, { clock })
}

const from = (address: string): Record<string, string> => ({ 'X-Forwarded-For': address })
const login = (api: TestApi, address: string, email = ADMIN.email, password = WRONG): Promise<Answer> =>
  api.client.post('/auth/login', { email, password }, from(address))
const signIn = async (api: TestApi): Promise<Record<string, string>> => {
  const answer = expectStatus(await login(api, '192.0.2.250', ADMIN.email, ADMIN.password), 200)
  return { Authorization: `Bearer ${String(answer.body.access_token)}` }
}
const figures = ({ headers }: Answer): readonly (string | undefined)[] =>
  ['ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset'].map((name) => headers[name] as string | undefined)

/** The table of http-api 1.10, written again by hand. */
const TABLE: Readonly<Record<RateClass, string>> = {
  flood: '60000/60',
  authfail: '60/60',
  login: '5/300',
  login_email: '15/300',
  auth: '60/60',
  public: '300/60',
  read: '300/60',
  write: '60/60',
  secret: '10/60',
  analytics: '60/60',
  grant: '120/60',
  report: '6000/60',
  batch: '600/60',
  beat: '120/60',
}

test('the defaults are those of the table', () => {
  const made = RATE_CLASS_NAMES.map((name) => [name, `${RATE_CLASSES[name].count}/${RATE_CLASSES[name].seconds}`])
  expect(Object.fromEntries(made)).toEqual(TABLE)
})

test('LIM-10 a route of strangers is counted by address, any other by principal', () => {
  for (const { method, path, auth, rateLimit } of routes) {
    const byAddress = ['public', 'login', 'refresh'].includes(auth)
    expect([method, path, RATE_CLASSES[rateLimit].key]).toEqual([method, path, byAddress ? 'address' : 'principal'])
  }
})

describe('AUT-14 logins', () => {
  test('five from one address in five minutes, right ones included; waiting as told helps', async () => {
    await using api = await startLimited('login')
    expectStatus(await login(api, '192.0.2.1', ADMIN.email, ADMIN.password), 200)
    for (const left of ['3', '2', '1', '0']) {
      const answer = expectStatus(await login(api, '192.0.2.1', 'nobody@example.com'), 401)
      expect(figures(answer).slice(0, 2)).toEqual(['5', left])
    }
    const refused = expectStatus(await login(api, '192.0.2.1', 'nobody@example.com'), 429)
    expect(refused.body).toEqual({
      error: 'Too many requests',
      code: 'RATE_LIMIT_EXCEEDED',
      details: { retry_after: 60 },
    })
    expect([refused.headers['retry-after'], ...figures(refused)]).toEqual(['60', '5', '0', '300'])
    expectStatus(await login(api, '192.0.2.2', 'nobody@example.com'), 401)
    api.clock.advance(59_999)
    expectStatus(await login(api, '192.0.2.1', 'nobody@example.com'), 429)
    api.clock.advance(1)
    expectStatus(await login(api, '192.0.2.1', 'nobody@example.com'), 401)
    expectStatus(await login(api, '192.0.2.1', 'nobody@example.com'), 429)
  })

  test('fifteen for one e-mail in five minutes, from wherever and however it is written', async () => {
    await using api = await startLimited('login', 'login_email')
    for (let index = 0; index < 15; index += 1) {
      const email = index % 2 === 0 ? 'Nobody@Example.com ' : 'nobody@example.com'
      const answer = await login(api, `198.51.100.${index}`, email)
      // The tenth failure locks; what is limited is the attempt, not its outcome.
      expect(answer.status).toBe(index < 10 ? 401 : 403)
    }
    expectStatus(await login(api, '198.51.100.200', 'nobody@example.com'), 429)
    expectStatus(await login(api, '198.51.100.200', 'somebody@example.com'), 401)
  })

  test('LIM-10 what one bucket refuses takes nothing from the other', async () => {
    await using api = await startLimited('login', 'login_email')
    for (let index = 0; index < 5; index += 1) await login(api, '192.0.2.1', 'victim@example.com')
    for (let index = 0; index < 30; index += 1) {
      expectStatus(await login(api, '192.0.2.1', 'victim@example.com'), 429)
    }
    // Ten of the e-mail's fifteen are left: the thirty refused ones have not used them up.
    const answer = expectStatus(await login(api, '192.0.2.2', 'victim@example.com'), 401)
    expect(figures(answer).slice(0, 2)).toEqual(['5', '4'])
  })

  test('a forged forwarding header changes nothing where no proxy is configured', async () => {
    await using api = await startApi({ rateLimits: { ...RATES_OFF, login: { count: 2, seconds: 60 } } })
    const attempt = (index: number): Promise<Answer> => login(api, `192.0.2.${index}`, 'nobody@example.com')
    expect([(await attempt(1)).status, (await attempt(2)).status, (await attempt(3)).status]).toEqual([401, 401, 429])
  })
})

describe('LIM-10 failed authentications', () => {
  const garbage = { Authorization: 'Bearer garbage' }

  test('sixty a minute from one address, then every credential is refused unseen', async () => {
    await using api = await startLimited('authfail')
    const admin = await signIn(api)
    for (let index = 0; index < 60; index += 1) {
      expectStatus(await api.client.get('/users', { ...garbage, ...from('192.0.2.1') }), 401)
    }
    const refused = expectStatus(await api.client.get('/users', { ...garbage, ...from('192.0.2.1') }), 429)
    expect([refused.headers['retry-after'], ...figures(refused)]).toEqual(['1', '60', '0', '60'])
    expectStatus(await api.client.get('/users', { ...admin, ...from('192.0.2.1') }), 429)
    expectStatus(await api.client.get('/users', { ...admin, ...from('192.0.2.2') }), 200)
    expectStatus(await api.client.get('/health', from('192.0.2.1')), 200)
    expectStatus(await api.client.get('/users', from('192.0.2.1')), 401)
    api.clock.advance(1_000)
    expectStatus(await api.client.get('/users', { ...admin, ...from('192.0.2.1') }), 200)
  })

  test('a hundred at once are no more than sixty', async () => {
    await using api = await startLimited('authfail')
    const answers = await Promise.all(Array.from({ length: 100 }, () => api.client.get('/users', garbage)))
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(60)
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(40)
  })

  test('wrong passwords and spent refresh tokens count, requests without a credential do not', async () => {
    await using api = await startLimited('authfail')
    for (let index = 0; index < 70; index += 1) expectStatus(await api.client.get('/users'), 401)
    for (let index = 0; index < 60; index += 1) {
      expectStatus(await api.client.post('/auth/refresh', { refresh_token: 'garbage' }), 401)
    }
    expectStatus(await api.client.post('/auth/login', { email: 'a@example.com', password: WRONG }), 429)
  })
})

describe('per principal', () => {
  test('all sessions of a user share one bucket, an API token and an agent have their own', async () => {
    await using api = await startLimited('read')
    const { admin, runtime } = await createAgent(api.client, { allocatedUsd: 1 })
    const other = await signIn(api)
    for (let index = 0; index < 150; index += 1) {
      expectStatus(await api.client.get('/providers', admin), 200)
      expectStatus(await api.client.get('/providers', other), 200)
    }
    const refused = expectStatus(await api.client.get('/providers', admin), 429)
    expect([refused.headers['retry-after'], ...figures(refused)]).toEqual(['1', '300', '0', '60'])
    expectStatus(await api.client.get('/providers', other), 429)
    expectStatus(await api.client.get('/budget', runtime), 200)
    const token = expectStatus(await api.client.post('/tokens', { name: 'mine' }, admin), 201)
    expectStatus(await api.client.get('/providers', { 'X-API-Token': String(token.body.token) }), 200)
    api.clock.advance(200)
    expectStatus(await api.client.get('/providers', admin), 200)
  })

  test('http-api 1.6 the limit comes after the credential and before permission and validation', async () => {
    await using api = await startApi({ rateLimits: { ...RATES_OFF, write: { count: 0, seconds: 60 } } })
    const admin = await signIn(api)
    expectStatus(await api.client.post('/limits', { nonsense: 1 }), 401)
    const refused = expectStatus(await api.client.post('/limits', { nonsense: 1 }, admin), 429)
    expect([refused.headers['retry-after'], refused.body.details]).toEqual(['60', { retry_after: 60 }])
  })

  test('every answer of a limited route tells its bucket, refusals of other kinds too', async () => {
    await using api = await startLimited('read', 'flood')
    const admin = await signIn(api)
    expect(figures(await api.client.get('/users', admin))).toEqual(['300', '299', '1'])
    expect(figures(await api.client.get('/users?nonsense=1', admin))).toEqual(['300', '298', '1'])
    expect(figures(await api.client.get('/users/user_1', admin))).toEqual(['300', '297', '1'])
    expect(figures(await api.client.get('/health')).slice(0, 1)).toEqual(['60000'])
  })

  test('a class that is off shows in no header', async () => {
    await using api = await startApi()
    expect(figures(await api.client.get('/users', await signIn(api)))).toEqual([undefined, undefined, undefined])
  })

  test('LIM-02 GET /limits tells how the caller stands and uses nothing up', async () => {
    await using api = await startLimited('read', 'write', 'secret')
    const admin = await signIn(api)
    const read = { class: 'read', limit: 300, window_seconds: 60, remaining: 300, reset_seconds: 0 }
    const write = { class: 'write', limit: 60, window_seconds: 60, remaining: 60, reset_seconds: 0 }
    const secret = { class: 'secret', limit: 10, window_seconds: 60, remaining: 10, reset_seconds: 0 }
    for (let index = 0; index < 3; index += 1) {
      const answer = expectStatus(await api.client.get('/limits', admin), 200)
      expect(answer.body.rate_limits).toEqual([read, write, secret])
      expect(figures(answer)).toEqual(['300', '300', '0'])
    }
    await api.client.get('/users', admin)
    const after = expectStatus(await api.client.get('/limits', admin), 200)
    expect(after.body.rate_limits).toEqual([{ ...read, remaining: 299, reset_seconds: 1 }, write, secret])
  })
})

test('the flood guard refuses before a body is read', async () => {
  await using api = await startApi({ rateLimits: { ...RATES_OFF, flood: { count: 0, seconds: 9 } } })
  const refused = expectStatus(await api.client.request('POST', '/api/v1/auth/login', '{'), 429)
  expect(refused.headers['retry-after']).toBe('9')
  expectStatus(await api.client.get('/no-such-route'), 404)
})

describe('addresses', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::1', '2001:db8:1:2::/64'],
    ['2001:DB8:0001:2::', '2001:db8:1:2::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['2001:db8::', '2001:db8:0:0::/64'],
  ])('%s counts as %s', (address, key) => {
    expect(addressKey(address)).toBe(key)
  })

  test('a class counts its refusals', async () => {
    const limits = new RateLimits({ read: { count: 1, seconds: 60 } }, { clock: manualClock() })
    expect((await limits.take([{ rateClass: 'read', key: 'a' }]))?.allowed).toBe(true)
    expect((await limits.take([{ rateClass: 'read', key: 'a' }]))?.allowed).toBe(false)
    limits.noteRefusal('read')
    expect([...limits.refused]).toEqual([['read', 1]])
    expect(limits.degraded).toBe(false)
  })
})
