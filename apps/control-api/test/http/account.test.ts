import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { startApi, type TestApi } from '../support/api.ts'
import { ADMIN, expectStatus } from '../support/server-process.ts'

type Headers = Record<string, string>

const PASSWORD = 'correct horse battery'
let api: TestApi
let admin: Headers

beforeAll(async () => {
  api = await startApi()
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
async function newUser(): Promise<string> {
  made += 1
  const email = `me${made}@example.com`
  expectStatus(await api.client.post('/users', { username: `me${made}`, email, password: PASSWORD }, admin), 201)
  return email
}
async function operationsOf(session: Headers): Promise<string[]> {
  const me = expectStatus(await api.client.get('/auth/me', session), 200)
  const { body } = expectStatus(await api.client.get(`/users/${String(me.body.id)}/audit?order=asc`, admin), 200)
  return (body.data as { operation: string }[]).map(({ operation }) => operation)
}

describe('the own account', () => {
  test('GET and PATCH /auth/me', async () => {
    const session = await sessionOf(await newUser())
    const me = expectStatus(await api.client.get('/auth/me', session), 200)
    expect(me.body).toMatchObject({ role: 'user', name: null, permissions: expect.arrayContaining(['tokens:write']) })
    expect(me.body.last_login_at).toEqual(expect.any(String))
    expect(expectStatus(await api.client.patch('/auth/me', { name: ' Me ' }, session), 200).body.name).toBe('Me')
    expect(expectStatus(await api.client.put('/auth/me', { name: null }, session), 200).body.name).toBeNull()
    for (const bad of [{}, { name: '' }, { name: 'x'.repeat(256) }, { role: 'admin' }, { name: 'a', email: 'b@c.d' }]) {
      expect([bad, (await api.client.patch('/auth/me', bad, session)).status]).toEqual([bad, 400])
    }
    const { body } = await api.client.patch('/auth/me', {}, session)
    expect(body.details).toEqual({ fields: { $: 'must name at least one field' } })
    expect(await operationsOf(session)).toEqual(['USER_CREATED', 'PROFILE_UPDATED', 'PROFILE_UPDATED'])
  })

  test('AUT-09 POST /auth/password ends every other session and keeps this one', async () => {
    const email = await newUser()
    const session = await sessionOf(email)
    const other = await sessionOf(email)
    const change = (current: string, next: string, who = session) =>
      api.client.post('/auth/password', { current_password: current, new_password: next }, who)
    const wrong = expectStatus(await change('not the password', 'another horse battery'), 400)
    expect(wrong.body.details.fields).toEqual({ current_password: 'is not the current password' })
    const same = expectStatus(await change(PASSWORD, PASSWORD), 400)
    expect(same.body.details.fields).toEqual({ new_password: 'must differ from the current password' })
    const short = expectStatus(await change(PASSWORD, 'seven77'), 400)
    expect(Object.keys(short.body.details.fields as object)).toEqual(['new_password'])
    expectStatus(await change(PASSWORD, 'another horse battery'), 204)
    expectStatus(await api.client.get('/auth/me', session), 200)
    expect((await api.client.get('/auth/me', other)).body.code).toBe('TOKEN_REVOKED')
    expect((await api.client.post('/auth/login', { email, password: PASSWORD })).status).toBe(401)
    await sessionOf(email, 'another horse battery')
    expect(await operationsOf(session)).toContain('PASSWORD_CHANGED')
  })

  test('AUT-13 wrong passwords count towards the lock, whichever door they come by', async () => {
    const email = await newUser()
    const session = await sessionOf(email)
    const body = { current_password: 'not the password', new_password: 'another horse battery' }
    for (let index = 0; index < 5; index += 1) {
      expectStatus(await api.client.post('/auth/password', body, session), 400)
      expectStatus(await api.client.post('/auth/login', { email, password: 'not the password' }), 401)
    }
    const locked = expectStatus(
      await api.client.post('/auth/password', { ...body, current_password: PASSWORD }, session),
      403,
    )
    expect([locked.body.code, Object.keys(locked.body.details as object).sort()]).toEqual([
      'ACCOUNT_LOCKED',
      ['locked_until', 'retry_after'],
    ])
    expect(Number(locked.headers['retry-after'])).toBe(locked.body.details.retry_after)
    expect((await api.client.post('/auth/login', { email, password: PASSWORD })).body.code).toBe('ACCOUNT_LOCKED')
  }, 60_000)
})

describe('the own sessions', () => {
  test('are listed newest first, ended one by one or all but this one', async () => {
    const email = await newUser()
    const first = await sessionOf(email)
    const second = await sessionOf(email)
    const third = await sessionOf(email)
    const listed = expectStatus(await api.client.get('/auth/sessions', third), 200)
    expect(listed.body.pagination).toEqual({ page: 1, per_page: 50, total: 3, total_pages: 1 })
    const sessions = listed.body.data as { id: string; current: boolean; created_at: string }[]
    expect(sessions.map(({ current }) => current)).toEqual([true, false, false])
    expect(sessions.map(({ created_at: at }) => at)).toEqual(
      sessions
        .map(({ created_at: at }) => at)
        .sort()
        .reverse(),
    )
    expectStatus(await api.client.delete(`/auth/sessions/${sessions[2]?.id ?? ''}`, third), 204)
    expect((await api.client.get('/auth/me', first)).body.code).toBe('TOKEN_REVOKED')
    expectStatus(await api.client.get('/auth/me', second), 200)
    expect(expectStatus(await api.client.delete('/auth/sessions', third), 200).body).toEqual({ ended: 1 })
    expect((await api.client.get('/auth/me', second)).status).toBe(401)
    expectStatus(await api.client.get('/auth/me', third), 200)
    expect(expectStatus(await api.client.delete('/auth/sessions', third), 200).body).toEqual({ ended: 0 })
    expectStatus(await api.client.post('/auth/logout', {}, third), 204)
    expect((await api.client.post('/auth/logout', {}, third)).body.code).toBe('TOKEN_REVOKED')
  })

  test('expires_in is the life of the token, however long its answer takes', async () => {
    let now = Date.now()
    await using slow = await startApi({}, { clock: { now: () => (now += 300) } })
    for (let turn = 0; turn < 3; turn += 1) {
      const login = await slow.client.post('/auth/login', ADMIN)
      expect(expectStatus(login, 200).body.expires_in).toBe(3_600)
      const refresh = await slow.client.post('/auth/refresh', { refresh_token: login.body.refresh_token })
      expect(expectStatus(refresh, 200).body.expires_in).toBe(3_600)
    }
  })

  test('AUT-18 a refresh token comes in the body or as Bearer and by no other header', async () => {
    const email = await newUser()
    const login = expectStatus(await api.client.post('/auth/login', { email, password: PASSWORD }), 200)
    expect(login.body.expires_in).toBe(3_600)
    const token = String(login.body.refresh_token)
    for (const header of ['X-API-Token', 'X-IC-Token']) {
      const answer = await api.client.post('/auth/refresh', {}, { [header]: token })
      expect([answer.status, answer.body.code]).toEqual([401, 'UNAUTHORIZED'])
    }
    expectStatus(await api.client.post('/auth/refresh', { refresh_token: token }), 200)
  })

  test('VAL-03 a blank e-mail is no e-mail, and a password is as long as it is after NFC', async () => {
    const blank = expectStatus(await api.client.post('/auth/login', { email: '  ', password: PASSWORD }), 400)
    expect(Object.keys(blank.body.details.fields as object)).toEqual(['email'])
    const composed = '\u00e9'.repeat(1_000)
    const login = (password: string) => api.client.post('/auth/login', { email: 'nobody@example.com', password })
    expect((await login(composed.normalize('NFD'))).status).toBe(401)
    expect((await login(`${composed}x`)).status).toBe(400)
  })

  test('AUT-06 a spent refresh token ends the session, and the log tells of it', async () => {
    const email = await newUser()
    const login = expectStatus(await api.client.post('/auth/login', { email, password: PASSWORD }), 200)
    const spent = String(login.body.refresh_token)
    const next = expectStatus(await api.client.post('/auth/refresh', {}, { Authorization: `Bearer ${spent}` }), 200)
    expect(next.body.session_id).toBe(login.body.session_id)
    expectStatus(await api.client.get('/auth/me', { Authorization: `Bearer ${String(login.body.access_token)}` }), 200)
    const reuse = await api.client.post('/auth/refresh', { refresh_token: spent })
    expect([reuse.status, reuse.body.code]).toEqual([401, 'TOKEN_REVOKED'])
    for (const token of [login.body.access_token, next.body.access_token] as string[]) {
      expect((await api.client.get('/auth/me', { Authorization: `Bearer ${token}` })).body.code).toBe('TOKEN_REVOKED')
    }
    const log = `/audit?operation=SESSION_REUSE_DETECTED&resource_id=${String(login.body.session_id)}`
    expect(expectStatus(await api.client.get(log, admin), 200).body.data).toHaveLength(1)
  })
})
