/** How a connection begins, or is refused (websocket.md 1, 2, 8). */
import { once } from 'node:events'
import net from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { WebSocket } from 'ws'
import type { Operators, Person } from '../support/operators.ts'
import { startOperators } from '../support/operators.ts'
import { answersIn, rawExchange } from '../support/raw-http.ts'
import { expectStatus } from '../support/server-process.ts'
import { SocketClient } from '../support/socket-client.ts'

const ORIGIN = 'https://console.iron.test'
const ID = /^[a-z]+_[0-9a-f-]{36}$/

let server: Operators
let user: Person
beforeAll(async () => {
  server = await startOperators('sqlite', {
    config: { allowedOrigins: [ORIGIN], wsMaxPerPrincipal: 3, wsMaxPerAddress: 12 },
    sockets: { authMs: 400 },
  })
  user = await server.newPerson()
})
afterAll(async () => server[Symbol.asyncDispose]())

async function apiToken(scopes?: readonly string[]): Promise<{ readonly id: string; readonly token: string }> {
  const body = scopes === undefined ? { name: 't' } : { name: 't', scopes }
  const answer = expectStatus(await server.client.post('/tokens', body, user.session), 201)
  return { id: String(answer.body.id), token: String(answer.body.token) }
}

const refused = async (options: Parameters<typeof SocketClient.refused>[1]): Promise<unknown[]> => {
  const { status, body } = await SocketClient.refused(server.port, options)
  return [status, body['code']]
}

describe('an upgrade', () => {
  test.each(['/ws', '/api/v1/ws', '/ws/'])('a plain GET of %s is told to upgrade', async (path) => {
    const answer = await server.client.request('GET', path)
    expect([answer.status, answer.body.code, answer.headers['upgrade']]).toEqual([426, 'UPGRADE_REQUIRED', 'websocket'])
    // What a proxy makes of an upgrade that it does not pass on.
    expect((await server.client.request('GET', `${path}?since=3`)).body.code).toBe('UPGRADE_REQUIRED')
    using client = await SocketClient.open(server.port, { path })
    expect(client.socket.extensions + client.socket.protocol).toBe('')
  })

  test('OPS-12 the answer that opens one has a request id, the client’s own where it is safe', async () => {
    const ids: (string | undefined)[] = []
    for (const own of ['my-id.1', 'not safe']) {
      const socket = new WebSocket(`ws://127.0.0.1:${server.port}/ws`, { headers: { 'X-Request-Id': own } })
      socket.once('upgrade', ({ headers }) => ids.push(headers['x-request-id'] as string | undefined))
      await once(socket, 'open')
      socket.terminate()
    }
    expect(ids).toEqual(['my-id.1', expect.stringMatching(/^[0-9a-f-]{36}$/)])
  })

  test('EVT-12 a foreign origin is refused, an allowed one and none are not', async () => {
    expect(await refused({ headers: { Origin: 'https://evil.test' } })).toEqual([403, 'ORIGIN_NOT_ALLOWED'])
    expect(await refused({ headers: { Origin: 'null' } })).toEqual([403, 'ORIGIN_NOT_ALLOWED'])
    using client = await SocketClient.open(server.port, { headers: { Origin: ORIGIN } })
    expect(client.socket.readyState).toBe(client.socket.OPEN)
  })

  test('EVT-01 a token in the URL is refused, and so is every other parameter and a bad resume point', async () => {
    const { token } = await apiToken()
    for (const [query, field] of [
      [`token=${token}`, 'query.token'],
      [`access_token=${token}`, 'query.access_token'],
      ['since=-1', 'query.since'],
      ['since=1.5', 'query.since'],
      ['since=1&since=2', 'query.since'],
    ]) {
      const { status, body } = await SocketClient.refused(server.port, { path: `/ws?${query ?? ''}` })
      expect([status, body['code'], Object.keys((body['details'] as { fields: object }).fields)]).toEqual([
        400,
        'VALIDATION_ERROR',
        [field],
      ])
    }
  })

  test('a credential that is no good is refused as a request would be, before the upgrade', async () => {
    const { token } = await apiToken(['agents:read'])
    const bearer = (value: string): Record<string, string> => ({ Authorization: `Bearer ${value}` })
    expect(await refused({ headers: bearer('nonsense') })).toEqual([401, 'UNAUTHORIZED'])
    expect(await refused({ headers: { 'X-IC-Token': 'ic_nonsense' } })).toEqual([401, 'UNAUTHORIZED'])
    expect(await refused({ headers: { ...user.session, 'X-API-Token': token } })).toEqual([
      400,
      'AMBIGUOUS_CREDENTIALS',
    ])
    expect(await refused({ headers: { 'X-API-Token': token } })).toEqual([403, 'FORBIDDEN'])
    const path = '/nowhere'
    expect(await refused({ path })).toEqual([404, 'NOT_FOUND'])
  })

  test('426 names Upgrade in Connection, and says whether that goes on; HTTP/1.0 knows no upgrade', async () => {
    const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n'
    const ask = (version: string, headers: string): string =>
      `GET /ws HTTP/${version}\r\nHost: x\r\nUpgrade: websocket\r\n${key}${headers}\r\n`
    const last = 'GET /version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
    const answers = async (bytes: string): Promise<unknown[]> => {
      const { text } = await rawExchange(server.port, bytes)
      return answersIn(text).map(({ status, headers }) => {
        const valueOf = (name: string): string | undefined => new RegExp(`^${name}: (.*)$`, 'im').exec(headers)?.[1]
        return status === 426 ? [status, valueOf('Upgrade'), valueOf('Connection')] : status
      })
    }
    expect(await answers(ask('1.1', '') + last)).toEqual([[426, 'websocket', 'Upgrade'], 200])
    expect(await answers(ask('1.1', 'Connection: close\r\n'))).toEqual([[426, 'websocket', 'close, Upgrade']])
    expect(await answers(ask('1.0', 'Connection: Upgrade\r\n'))).toEqual([[426, 'websocket', 'close, Upgrade']])
    const old = ask('1.1', 'Connection: Upgrade\r\n').replace('Version: 13', 'Version: 8')
    expect(await answers(old)).toEqual([[426, 'websocket', 'close, Upgrade']])
    // Clients that keep connections go on with theirs.
    const { status, headers } = await fetch(`http://127.0.0.1:${server.port}/ws`)
    expect([status, headers.get('upgrade')]).toEqual([426, 'websocket'])
  })

  test('what is no WebSocket handshake is answered in the one error shape', async () => {
    const handshake = { Connection: 'Upgrade', Upgrade: 'websocket' }
    const key = 'dGhlIHNhbXBsZSBub25jZQ=='
    const ask = async (headers: Record<string, string>): Promise<unknown[]> => {
      const { status, body } = await server.client.request('GET', '/ws', undefined, { ...handshake, ...headers })
      return [status, body.code]
    }
    expect(await ask({ 'Sec-WebSocket-Version': '8', 'Sec-WebSocket-Key': key })).toEqual([426, 'UPGRADE_REQUIRED'])
    expect(await ask({ 'Sec-WebSocket-Version': '13' })).toEqual([400, 'VALIDATION_ERROR'])
    expect(await ask({ 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'short' })).toEqual([
      400,
      'VALIDATION_ERROR',
    ])
    const other = { Connection: 'Upgrade', Upgrade: 'h2c' }
    expect((await server.client.request('GET', '/ws', undefined, other)).status).toBe(426)
    expect((await server.client.request('GET', '/health', undefined, { ...handshake, ...other })).status).toBe(200)
    expect((await server.client.request('POST', '/ws', {}, handshake)).status).toBe(405)
  })

  test('behind a request that waits for its answer is none: that answer would be written between the frames', async () => {
    const upgrade = 'Connection: Upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n'
    const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
    const both = `GET /version HTTP/1.1\r\nHost: x\r\n\r\nGET /ws HTTP/1.1\r\nHost: x\r\n${upgrade}${key}\r\n`
    const { text } = await rawExchange(server.port, both)
    expect(answersIn(text).map(({ status }) => status)).toEqual([200, 426])
  })
})

test('EVT-13 OPS-13 who is refused and does not go is cut off', async () => {
  // It never ends its side of the connection.
  const socket = net.connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true })
  // Sending on is how it finds out.
  const cut = new Promise((resolve) => socket.once('error', resolve))
  let sending: NodeJS.Timeout | undefined
  try {
    const handshake = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n'
    const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nX-API-Token: x\r\n'
    socket.write(`GET /ws HTTP/1.1\r\nHost: x\r\n${handshake}${key}\r\n`)
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 401 [\s\S]*"code":"UNAUTHORIZED"/)
    sending = setInterval(() => socket.write('x'), 50)
    const late = new Promise((resolve) => setTimeout(() => resolve('still open'), 5_000).unref())
    expect(await Promise.race([cut, late])).toMatchObject({ code: expect.stringMatching(/^(EPIPE|ECONNRESET)$/) })
  } finally {
    clearInterval(sending)
    socket.destroy()
  }
})

describe('a login', () => {
  test('by a session, an API token and an IC token, in the header and in the first message', async () => {
    const agent = await server.newAgent(user)
    const { id: tokenId, token } = await apiToken(['events:read'])
    const nobody = { user_id: null, role: null, token_id: null, agent_id: null }
    const { head } = await server.services.events.bounds()
    const hello = (principal: object, scope: string): object => ({
      type: 'hello',
      connection_id: expect.stringMatching(/^c-[0-9a-f]{16}$/),
      principal: { ...nobody, ...principal },
      scope,
      seq: head,
      head_seq: head,
      oldest_seq: 1,
      resumed: false,
      heartbeat_interval_ms: 30_000,
      idle_timeout_ms: 60_000,
      max_payload_bytes: 65_536,
      server_time: expect.stringMatching(/^2026-.*Z$/),
    })
    const person = { user_id: user.id, role: 'user' }
    const session = user.session['Authorization']?.slice('Bearer '.length) ?? ''
    const icToken = agent.runtime['X-IC-Token'] ?? ''
    for (const [header, first, expected] of [
      [user.session, session, hello({ kind: 'session', ...person }, 'own')],
      [server.admin.session, undefined, hello({ kind: 'session', user_id: server.admin.id, role: 'admin' }, 'all')],
      [{ 'X-API-Token': token }, token, hello({ kind: 'api_token', ...person, token_id: tokenId }, 'own')],
      [
        agent.runtime,
        icToken,
        { ...hello({ kind: 'ic_token', agent_id: agent.id }, 'agent'), desired_state: 'running' },
      ],
    ] as const) {
      {
        using client = await SocketClient.open(server.port, { headers: header })
        expect(await client.next()).toEqual(expected)
      }
      if (first === undefined) continue
      using client = await SocketClient.open(server.port)
      client.send({ type: 'auth', token: first, id: 'a1' })
      expect(await client.next()).toEqual(expected)
    }
    expect(tokenId).toMatch(ID)
  })

  test('EVT-01 that does not come in time, fails, or is something else closes as documented', async () => {
    const outcome = async (...frames: readonly unknown[]): Promise<readonly unknown[]> => {
      using client = await SocketClient.open(server.port)
      for (const frame of frames) client.send(frame)
      return await client.lastWord()
    }
    const { token } = await apiToken(['agents:read'])
    expect(await outcome()).toEqual([4408, 'UNAUTHORIZED'])
    expect(await outcome({ type: 'auth', token: 'wrong' })).toEqual([4401, 'UNAUTHORIZED'])
    expect(await outcome({ type: 'auth', token })).toEqual([4403, 'FORBIDDEN'])
    expect(await outcome({ type: 'heartbeat' })).toEqual([4400, 'VALIDATION_ERROR'])
    expect(await outcome({ type: 'auth' })).toEqual([4400, 'VALIDATION_ERROR'])
    expect(await outcome('[]')).toEqual([4400, 'MALFORMED_JSON'])
  })

  test('of somebody who must change the password is refused', async () => {
    const person = await server.newPerson()
    const password = 'another correct horse'
    const path = `/users/${person.id}/reset-password`
    expectStatus(await server.client.post(path, { new_password: password }, server.admin.session), 200)
    const login = { email: person.email, password }
    const session = expectStatus(await server.client.post('/auth/login', login), 200)
    const token = String(session.body.access_token)
    expect(await refused({ headers: { Authorization: `Bearer ${token}` } })).toEqual([403, 'PASSWORD_CHANGE_REQUIRED'])
    using client = await SocketClient.open(server.port)
    client.send({ type: 'auth', token })
    expect(await client.lastWord()).toEqual([4403, 'PASSWORD_CHANGE_REQUIRED'])
  })
})

test('open connections and how they ended are counted', async () => {
  const counted = async (): Promise<string[]> => {
    const answer = await server.client.request('GET', '/metrics', undefined, server.admin.session)
    return String(answer.body)
      .split('\n')
      .filter((line) => /^iron_websocket.*[^0]$/.test(line) && !line.startsWith('#'))
  }
  const before = await counted()
  const client = await SocketClient.open(server.port, { headers: server.admin.session })
  await client.next()
  const during = await counted()
  expect(during.filter((line) => line.includes('"session"'))).not.toEqual(
    before.filter((line) => line.includes('"session"')),
  )
  client.socket.close(1000)
  await client.closed()
  while ((await counted()).some((line) => line.includes('"session"') && !line.endsWith(' 0'))) {
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  expect((await counted()).some((line) => line.includes('"1000"'))).toBe(true)
})

test('EVT-13 connections of one principal and of one address are bounded, before and after the upgrade', async () => {
  await using mine = new AsyncDisposableStack()
  const open = async (headers: Record<string, string> = {}): Promise<SocketClient> =>
    mine.use(await SocketClient.open(server.port, { headers }))
  const person = await server.newPerson()
  const first = [await open(person.session), await open(person.session), await open(person.session)]
  expect(await refused({ headers: person.session })).toEqual([429, 'RATE_LIMIT_EXCEEDED'])
  const late = await open()
  late.send({ type: 'auth', token: person.session['Authorization']?.slice('Bearer '.length) })
  expect(await late.lastWord()).toEqual([4429, 'RATE_LIMIT_EXCEEDED'])
  first[0]?.socket.close()
  await first[0]?.closed()
  await (await open(person.session)).next()

  const others = await server.newPerson()
  for (const _ of [1, 2, 3]) await open(others.session)
  for (const _ of [1, 2, 3, 4, 5, 6]) await open()
  expect(await refused({})).toEqual([429, 'RATE_LIMIT_EXCEEDED'])
})
