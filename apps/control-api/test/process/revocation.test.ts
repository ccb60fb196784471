import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from '@jest/globals'
import { enginesForTests } from '@iron/database/testing'
import { HttpClient } from '../support/http-client.ts'
import { ADMIN, createInstallation, expectStatus, type ServerProcess, startServer } from '../support/server-process.ts'

type Headers = Record<string, string>

const PASSWORD = 'correct horse battery'
/** How old a remembered authentication may be, in milliseconds (http-api 2). */
const MEMORY_MS = 1_000
const ASKED_EVERY_MS = 50
const settings = (await enginesForTests()).flatMap((dialect) =>
  (dialect === 'postgres' ? [1, 2] : [1]).map((processes) => ({ dialect, processes })),
)

describe.each(settings)('AUT-05 AUT-07 SEC-05 $processes process(es) on $dialect', ({ dialect, processes }) => {
  test('what ends a credential ends it at once where it happened, and within a second everywhere', async () => {
    await using installation = await createInstallation(dialect)
    await using stack = new AsyncDisposableStack()
    const servers: ServerProcess[] = []
    for (let index = 0; index < processes; index += 1) servers.push(stack.use(await startServer(installation)))
    const clients = servers.map(({ address }) => stack.use(new HttpClient(address)))
    const here = clients[0] as HttpClient
    const there = clients.at(-1) as HttpClient
    const login = async (email: string): Promise<{ session: Headers; refresh: string }> => {
      const password = email === ADMIN.email ? ADMIN.password : PASSWORD
      const { body } = expectStatus(await here.post('/auth/login', { email, password }), 200)
      return { session: { Authorization: `Bearer ${String(body.access_token)}` }, refresh: String(body.refresh_token) }
    }
    const { session: admin } = await login(ADMIN.email)

    /** A new user with a session and an API token, both used on every process, so that all remember them. */
    let made = 0
    const newUser = async (role = 'user') => {
      made += 1
      const email = `user${made}@example.com`
      const body = { username: `user${made}`, email, password: PASSWORD, role }
      const user = expectStatus(await here.post('/users', body, admin), 201)
      const id = String(user.body.id)
      const { session, refresh } = await login(email)
      const issued = expectStatus(await here.post('/tokens', { name: 'mine', user_id: id }, admin), 201)
      const token: Headers = { 'X-API-Token': String(issued.body.token) }
      for (const client of clients) {
        for (const credential of [session, token]) expectStatus(await client.get('/auth/me', credential), 200)
      }
      return { id, email, session, refresh, token, tokenId: String(issued.body.id) }
    }
    /** What a credential is told: at once by the process that made the change, within a second by the other. */
    const told = async (credential: Headers, path = '/auth/me'): Promise<readonly unknown[]> => {
      const at = async (client: HttpClient): Promise<string> => {
        const { status, body } = await client.get(path, credential)
        return `${status} ${(body as { code?: string }).code ?? ''}`.trim()
      }
      const began = performance.now()
      const first = await at(here)
      let second = await at(there)
      while (second !== first && performance.now() - began < MEMORY_MS) {
        await pause(ASKED_EVERY_MS)
        second = await at(there)
      }
      return [...new Set([first, second])]
    }

    const suspended = await newUser()
    expectStatus(await here.put(`/users/${suspended.id}/suspend`, {}, admin), 200)
    expect(await told(suspended.session)).toEqual(['401 TOKEN_REVOKED'])
    expect(await told(suspended.token)).toEqual(['403 ACCOUNT_SUSPENDED'])
    expect((await there.post('/auth/refresh', { refresh_token: suspended.refresh })).status).toBe(401)
    expectStatus(await here.put(`/users/${suspended.id}/activate`, {}, admin), 200)
    expect(await told(suspended.session)).toEqual(['401 TOKEN_REVOKED'])
    expect(await told(suspended.token)).toEqual(['200'])

    const deleted = await newUser()
    expectStatus(await here.delete(`/users/${deleted.id}`, admin), 200)
    expect(await told(deleted.session)).toEqual(['401 TOKEN_REVOKED'])
    expect(await told(deleted.token)).toEqual(['401 TOKEN_REVOKED'])

    const demoted = await newUser('admin')
    expect(await told(demoted.session, '/users')).toEqual(['200'])
    expectStatus(await here.put(`/users/${demoted.id}/role`, { role: 'viewer' }, admin), 200)
    expect(await told(demoted.session, '/users')).toEqual(['403 FORBIDDEN'])
    expect(await told(demoted.token, '/users')).toEqual(['403 FORBIDDEN'])

    const reset = await newUser()
    const body = { new_password: 'another horse battery', revoke_api_tokens: true }
    expectStatus(await here.post(`/users/${reset.id}/reset-password`, body, admin), 200)
    expect(await told(reset.session)).toEqual(['401 TOKEN_REVOKED'])
    expect(await told(reset.token)).toEqual(['401 TOKEN_REVOKED'])

    const out = await newUser()
    expectStatus(await here.post('/auth/logout', {}, out.session), 204)
    expect(await told(out.session)).toEqual(['401 TOKEN_REVOKED'])
    expect((await there.post('/auth/refresh', { refresh_token: out.refresh })).body.code).toBe('TOKEN_REVOKED')
    expect((await there.post('/auth/logout', {}, out.session)).status).toBe(401)

    const revoked = await newUser()
    expectStatus(await here.delete(`/tokens/${revoked.tokenId}`, admin), 200)
    expect(await told(revoked.token)).toEqual(['401 TOKEN_REVOKED'])

    const rotated = await newUser()
    const replacement = expectStatus(await here.post(`/tokens/${rotated.tokenId}/rotate`, {}, admin), 200)
    expect(await told(rotated.token)).toEqual(['401 TOKEN_REVOKED'])
    expect(await told({ 'X-API-Token': String(replacement.body.token) })).toEqual(['200'])
  }, 120_000)

  test('CON-21 AUT-06 of refreshes at once one wins, and the session ends', async () => {
    await using installation = await createInstallation(dialect)
    await using stack = new AsyncDisposableStack()
    const clients: HttpClient[] = []
    for (let index = 0; index < processes; index += 1) {
      const server = stack.use(await startServer(installation))
      clients.push(stack.use(new HttpClient(server.address, { connections: 20 })))
    }
    const login = expectStatus(await (clients[0] as HttpClient).post('/auth/login', ADMIN), 200)
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        (clients[index % clients.length] as HttpClient).post('/auth/refresh', {
          refresh_token: login.body.refresh_token as string,
        }),
      ),
    )
    const won = answers.filter(({ status }) => status === 200)
    expect(won).toHaveLength(1)
    for (const { status, body } of answers.filter((answer) => answer.status !== 200)) {
      expect([status, body.code]).toEqual([401, 'TOKEN_REVOKED'])
    }
    // Somebody else held the token, too: nobody keeps the session.
    const again = await (clients[0] as HttpClient).post('/auth/refresh', {
      refresh_token: won[0]?.body.refresh_token as string,
    })
    expect([again.status, again.body.code]).toEqual([401, 'TOKEN_REVOKED'])
  })

  test('CON-19 ACL-10 two admins demote, suspend and delete each other twenty times at once: one is left', async () => {
    await using installation = await createInstallation(dialect)
    await using stack = new AsyncDisposableStack()
    const clients: HttpClient[] = []
    for (let index = 0; index < processes; index += 1) {
      const server = stack.use(await startServer(installation))
      clients.push(stack.use(new HttpClient(server.address, { connections: 20 })))
    }
    const here = clients[0] as HttpClient
    const tokens = await Promise.all(
      [ADMIN, { email: 'second@example.com', password: PASSWORD }].map(async (who, index) => {
        if (index === 1) {
          const { body } = expectStatus(await here.post('/auth/login', ADMIN), 200)
          const second = { username: 'second', role: 'admin', ...who }
          expectStatus(await here.post('/users', second, { Authorization: `Bearer ${String(body.access_token)}` }), 201)
        }
        const { body } = expectStatus(await here.post('/auth/login', who), 200)
        return { id: String(body.user.id), session: { Authorization: `Bearer ${String(body.access_token)}` } }
      }),
    )
    const [a, b] = tokens
    if (a === undefined || b === undefined) throw new Error('two admins were made')
    const attempts = Array.from({ length: 20 }, (_, index) => {
      const [actor, target] = index % 2 === 0 ? [a, b] : [b, a]
      const client = clients[index % clients.length] as HttpClient
      switch (index % 3) {
        case 0:
          return client.put(`/users/${target.id}/role`, { role: 'user' }, actor.session)
        case 1:
          return client.put(`/users/${target.id}/suspend`, {}, actor.session)
        default:
          return client.delete(`/users/${target.id}`, actor.session)
      }
    })
    const answers = await Promise.all(attempts)
    expect(answers.map(({ status }) => status).filter((status) => status >= 500)).toEqual([])
    const listed = []
    for (const { session } of tokens) {
      const answer = await here.get('/users?role=admin&status=active', session)
      if (answer.status === 200) listed.push(answer.body.pagination.total as number)
    }
    expect(listed).toContain(1)
  })
})
