/** What a client may say, how often, and what becomes of what it may not (websocket.md 4, 7, 8, 9). */
import type net from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { MadeAgent, Operators, Person } from '../support/operators.ts'
import { startOperators } from '../support/operators.ts'
import { expectStatus } from '../support/server-process.ts'
import { type Frame, SocketClient } from '../support/socket-client.ts'

const HEARTBEAT_MS = 300
const IDLE_MS = 1_000

let server: Operators
let user: Person
let agents: readonly [MadeAgent, MadeAgent]
beforeAll(async () => {
  server = await startOperators('sqlite', { sockets: { heartbeatMs: HEARTBEAT_MS, idleMs: IDLE_MS, closeMs: 500 } })
  user = await server.newPerson()
  agents = [await server.newAgent(user), await server.newAgent(user, { allocated_usd: 10 })]
})
afterAll(async () => server[Symbol.asyncDispose]())

async function connected(headers: Record<string, string> = user.session): Promise<SocketClient> {
  const client = await SocketClient.open(server.port, { headers })
  expect(await client.next()).toMatchObject({ type: 'hello' })
  return client
}

/** The next frame that is no heartbeat. */
async function nextNews(client: SocketClient): Promise<Frame> {
  for (;;) {
    const frame = await client.next()
    if (frame.type !== 'heartbeat') return frame
  }
}

const reportState = async (agent: MadeAgent, state: string): Promise<void> => {
  expectStatus(await server.client.post(`/agents/${agent.id}/state`, { state }, agent.runtime), 200)
}

describe('a later auth', () => {
  const token = (headers: Record<string, string>): string => Object.values(headers)[0]?.replace('Bearer ', '') ?? ''

  test('replaces the credential of the same principal, and no other', async () => {
    const login = { email: user.email, password: 'correct horse battery' }
    const { body } = expectStatus(await server.client.post('/auth/login', login), 200)
    using client = await connected()
    client.send({ type: 'auth', token: body.access_token, id: 'again' })
    expect(await nextNews(client)).toMatchObject({ type: 'ack', ref: 'again', of: 'auth' })
    // The first session no longer matters.
    const other = { Authorization: `Bearer ${String(body.access_token)}` }
    client.send({ type: 'auth', token: token(other), since: 3, id: 's' })
    expect(await nextNews(client)).toMatchObject({
      type: 'error',
      code: 'VALIDATION_ERROR',
      ref: 's',
      details: { fields: { since: expect.any(String) } },
    })
    client.send({ type: 'auth', token: token(server.admin.session), id: 'other' })
    expect(await client.lastWord()).toEqual([4403, 'FORBIDDEN'])
    expect(client.frames.at(-1)?.['ref']).toBe('other')

    using agent = await connected(agents[0].runtime)
    agent.send({ type: 'auth', token: token(agents[1].runtime) })
    expect(await agent.lastWord()).toEqual([4403, 'FORBIDDEN'])
    using failing = await connected()
    failing.send({ type: 'auth', token: 'expired-or-so' })
    expect(await failing.lastWord()).toEqual([4401, 'UNAUTHORIZED'])
  })
})

describe('a subscription', () => {
  test('narrows what comes from its ack on; the next one replaces it', async () => {
    const [one, two] = agents
    using client = await connected()
    client.send({ type: 'subscribe', agent_ids: [two.id, 'agent_unknown'], types: ['agent.*'], id: 's1' })
    expect(await nextNews(client)).toMatchObject({ type: 'ack', ref: 's1', of: 'subscribe' })
    await reportState(one, 'running')
    await reportState(two, 'running')
    await server.newLease(two, 1)
    await reportState(two, 'idle')
    await reportState(two, 'failed')
    expect(await nextNews(client)).toMatchObject({ type: 'agent.started', agent_id: two.id })
    expect(await nextNews(client)).toMatchObject({ type: 'agent.failed', agent_id: two.id })
    client.send({ type: 'subscribe', types: [], agent_ids: [] })
    expect(await nextNews(client)).toMatchObject({ type: 'ack', ref: null })
    await reportState(one, 'failed')
    await server.newLease(two, 1)
    expect(await nextNews(client)).toMatchObject({ type: 'agent.failed', agent_id: one.id })
    expect(await nextNews(client)).toMatchObject({ type: 'lease.granted', agent_id: two.id })
  })

  test('names what is wrong with it, and stays as it was', async () => {
    using client = await connected()
    const faults: readonly (readonly [object, string])[] = [
      [{ type: 'subscribe', types: ['budget.gone'] }, 'types[0]'],
      [{ type: 'subscribe', types: ['*'] }, 'types[0]'],
      [{ type: 'subscribe', agent_ids: 'agent_1' }, 'agent_ids'],
      [{ type: 'subscribe', agent_ids: Array.from({ length: 101 }, () => 'a') }, 'agent_ids'],
      [{ type: 'subscribe', filter: 1 }, 'filter'],
      [{ type: 'listen', id: 7 }, 'type'],
      [{}, 'type'],
    ]
    for (const [frame, field] of faults) {
      client.send(frame)
      const { type, code, details } = await nextNews(client)
      expect([frame, type, code, details]).toEqual([
        frame,
        'error',
        'VALIDATION_ERROR',
        { fields: { [field]: expect.any(String) } },
      ])
    }
  })
})

describe('EVT-11 frames that are no good', () => {
  test.each<[string, (client: SocketClient) => void, number, string | undefined]>([
    ['binary', (client) => client.socket.send(Buffer.from('{}'), { binary: true }), 1003, undefined],
    ['too large', (client) => client.send('x'.repeat(65_537)), 1009, undefined],
    ['no UTF-8', (client) => client.socket.send(Buffer.from([0xff, 0xfe]), { binary: false }), 1007, undefined],
    ['no JSON', (client) => client.send('{"type":'), 4400, 'MALFORMED_JSON'],
    ['no object', (client) => client.send('"subscribe"'), 4400, 'MALFORMED_JSON'],
  ])('%s close', async (_, send, code, word) => {
    using client = await connected()
    send(client)
    const [closed, last] = await client.lastWord()
    expect([closed, last]).toEqual([code, word])
  })

  test('the largest frame is read', async () => {
    using client = await connected()
    const frame = JSON.stringify({ type: 'subscribe', types: [], agent_ids: [] })
    client.send(frame + ' '.repeat(65_536 - frame.length))
    expect(await nextNews(client)).toMatchObject({ type: 'ack' })
  })

  test('are answered with their id where it is one: of up to 100 characters, however many units they are', async () => {
    using client = await connected()
    const ids = ['x', '😀'.repeat(100), '😀'.repeat(101), '', 7]
    for (const id of ids) client.send({ type: 'nonsense', id })
    const refs: unknown[] = []
    while (refs.length < ids.length) refs.push((await nextNews(client))['ref'])
    expect(refs).toEqual(['x', '😀'.repeat(100), undefined, undefined, undefined])
  })

  test('ten within a minute close', async () => {
    using client = await connected()
    for (let sent = 0; sent < 10; sent += 1) client.send({ type: 'nonsense', id: String(sent) })
    expect(await client.lastWord()).toEqual([4400, 'VALIDATION_ERROR'])
    expect(client.frames.filter(({ type }) => type === 'error').map(({ ref }) => ref)).toEqual(
      Array.from({ length: 10 }, (_, index) => String(index)),
    )
  })

  test('twenty in ten seconds are answered, one more closes; pings count', async () => {
    using client = await connected()
    for (let sent = 0; sent < 19; sent += 1) client.send({ type: 'subscribe', id: String(sent) })
    client.socket.ping()
    for (let taken = 0; taken < 19; taken += 1) expect(await nextNews(client)).toMatchObject({ ref: String(taken) })
    client.socket.ping()
    expect(await client.lastWord()).toEqual([4429, 'RATE_LIMIT_EXCEEDED'])
  })

  test('a client that breaks the protocol or just goes harms nobody', async () => {
    using bystander = await connected()
    for (const bytes of [Buffer.from([0x8f, 0x80, 0, 0, 0, 0]), Buffer.from([0x81, 0x05, 1, 2, 3]), Buffer.alloc(0)]) {
      const client = await connected()
      const raw = (client.socket as unknown as { _socket: net.Socket })._socket
      raw.write(bytes)
      raw.resetAndDestroy()
      await client.closed()
    }
    bystander.send({ type: 'subscribe', id: 'still here' })
    expect(await nextNews(bystander)).toMatchObject({ type: 'ack', ref: 'still here' })
  })
})

describe('EVT-10 a connection', () => {
  test('that answers pings stays open, and is told its position', async () => {
    using client = await connected()
    const opened = Date.now()
    const { head } = await server.services.events.bounds()
    let beats = 0
    while (Date.now() - opened < IDLE_MS * 2) {
      expect(await client.next()).toEqual({ type: 'heartbeat', timestamp: expect.any(String), seq: head })
      beats += 1
    }
    expect(beats).toBeGreaterThanOrEqual(3)
  })

  test('that says nothing is closed', async () => {
    const client = await SocketClient.open(server.port, { headers: user.session })
    // Reads on, but answers no ping.
    client.socket.pong = () => undefined
    ;(client.socket as unknown as { _autoPong: boolean })._autoPong = false
    expect(await client.lastWord()).toEqual([4408, 'IDLE_TIMEOUT'])
  })

  test('of a runtime is a sign of life of its agent', async () => {
    const agent = await server.newAgent(user)
    using client = await connected(agent.runtime)
    const seenAt = async (): Promise<unknown> =>
      expectStatus(await server.client.get(agent.path, user.session), 200).body.last_seen_at
    server.clock.advance(60_000)
    const expected = server.at()
    while ((await seenAt()) !== expected) await new Promise((resolve) => setTimeout(resolve, 20))
    expect(client.socket.readyState).toBe(client.socket.OPEN)
  })
})

test('a client that never reads again is counted under the code it was closed with, not as one that went away', async () => {
  const { sockets } = server.services.metrics
  const timeouts = (): number => sockets.ended.get('4408') ?? 0
  const before = timeouts()
  using client = await connected()
  client.socket.pause()
  const untilMs = performance.now() + 10 * IDLE_MS
  while (timeouts() === before && performance.now() < untilMs) {
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  expect(timeouts()).toBe(before + 1)
})
