/** What arrives: everything in scope, once, in order, from wherever the client was (websocket.md 3, 5, 6, 8). */
import { enginesForTests } from '@iron/database/testing'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { MadeAgent, Operators, Person } from '../support/operators.ts'
import { startOperators } from '../support/operators.ts'
import { expectStatus } from '../support/server-process.ts'
import { type Frame, SocketClient } from '../support/socket-client.ts'

const DAY_MS = 24 * 3_600_000
/** Longest time until a change of rights is felt (EVT-03), and what a busy machine may add. */
const FELT_WITHIN_MS = 1_000
const SLACK_MS = 1_000

describe.each(await enginesForTests())('the stream on %s', (dialect) => {
  let server: Operators
  let owner: Person
  let agent: MadeAgent
  beforeAll(async () => {
    server = await startOperators(dialect)
    owner = await server.newPerson()
    agent = await server.newAgent(owner, { allocated_usd: 1_000 })
  })
  afterAll(async () => server[Symbol.asyncDispose]())

  const connected = async (headers: Record<string, string>, since?: number): Promise<[SocketClient, Frame]> => {
    const client = await SocketClient.open(server.port, since === undefined ? { headers } : { headers, since })
    return [client, await client.next()]
  }
  const head = async (): Promise<number> => (await server.services.events.bounds()).head
  /** Appends events without meaning, as fast as the log takes them. */
  const append = (agentIds: readonly string[], data: Record<string, string> = {}): Promise<unknown> =>
    server.services.database.write(async (tx) => {
      for (const agentId of agentIds) server.services.events.defer({ type: 'request.failed', agentId, data }, { tx })
    })
  const seqs = (frames: readonly Frame[]): unknown[] => frames.map(({ seq }) => seq)
  /** The numbers an asker finds by polling. */
  const polled = async (headers: Record<string, string>, after: number): Promise<unknown[]> => {
    const answer = await server.client.get(`/events?after=${String(after)}&limit=1000`, headers)
    return (expectStatus(answer, 200).body.data as Frame[]).map(({ seq }) => seq)
  }

  test('EVT-16 a frame is the object that polling shows, and follows the change at once', async () => {
    const [client, hello] = await connected(owner.session)
    using _ = client
    const leaseId = await server.newLease(agent, 2)
    const frame = await client.next()
    expect(frame).toMatchObject({
      type: 'lease.granted',
      agent_id: agent.id,
      data: { lease_id: leaseId, granted_usd: 2 },
    })
    const { body } = await server.client.get(`/events?after=${String(hello['seq'])}`, owner.session)
    expect(body.data).toEqual([frame])
  })

  test('EVT-02 each reader gets what they may see: all, their own, their agent', async () => {
    const other = await server.newPerson('viewer')
    const foreign = await server.newAgent(other)
    const opened = await Promise.all(
      [server.admin.session, owner.session, other.session, agent.runtime, foreign.runtime].map((headers) =>
        connected(headers),
      ),
    )
    const [admin, mine, theirs, runtime, foreignRuntime] = opened.map(([client]) => client) as [
      SocketClient,
      SocketClient,
      SocketClient,
      SocketClient,
      SocketClient,
    ]
    const before = await head()
    await append([agent.id, foreign.id, agent.id, 'agent_nobody', foreign.id], {
      error_message: 'the upstream said no',
    })
    const at = (...offsets: number[]): number[] => offsets.map((offset) => before + offset)
    expect(seqs(await admin.take(5))).toEqual(at(1, 2, 3, 4, 5))
    expect(seqs(await mine.take(2))).toEqual(at(1, 3))
    expect(seqs(await runtime.take(2))).toEqual(at(1, 3))
    expect(seqs(await foreignRuntime.take(2))).toEqual(at(2, 5))
    const hidden = await theirs.take(2)
    expect(seqs(hidden)).toEqual(at(2, 5))
    expect(hidden.map(({ data }) => data?.['error_message'])).toEqual([null, null])
    expect(admin.frames.at(-1)?.data?.['error_message']).toBe('the upstream said no')
    for (const [client] of opened) client[Symbol.dispose]()
  })

  test('EVT-04 a client that resumes gets what it missed and then what comes, without a seam', async () => {
    const start = await head()
    const other = await server.newAgent(await server.newPerson())
    for (let batch = 0; batch < 6; batch += 1) {
      await append(Array.from({ length: 100 }, (_, index) => (index % 3 === 0 ? other.id : agent.id)))
    }
    const [client, hello] = await connected(owner.session, start)
    using _ = client
    expect(hello).toMatchObject({ type: 'hello', seq: start, resumed: true, head_seq: await head() })
    for (let batch = 0; batch < 6; batch += 1) await append([agent.id, other.id, agent.id])
    const expected = await polled(owner.session, start)
    expect(seqs(await client.take(expected.length))).toEqual(expected)
    await append([agent.id])
    expect(await client.next()).toMatchObject({ seq: await head() })

    const [again, second] = await connected(owner.session, await head())
    using __ = again
    expect(second).toMatchObject({ resumed: true, seq: await head() })
    await append([agent.id])
    expect(await again.next()).toMatchObject({ seq: await head() })
  })

  test('a filter set during a replay takes effect with its ack', async () => {
    const start = await head()
    const second = await server.newAgent(owner)
    for (let batch = 0; batch < 8; batch += 1) await append(Array.from({ length: 200 }, () => agent.id))
    const [client] = await connected(owner.session, start)
    using _ = client
    client.send({ type: 'subscribe', agent_ids: [second.id] })
    for (let frame = await client.next(); frame.type !== 'ack'; frame = await client.next()) {
      expect(frame.agent_id).toBe(agent.id)
    }
    await append([agent.id, second.id])
    expect(await client.next()).toMatchObject({ agent_id: second.id, seq: await head() })
  })

  test('EVT-14 a runtime learns of a stop at once, and of an older one by its state', async () => {
    const stopped = await server.newAgent(owner, { allocated_usd: 5 })
    const leaseId = await server.newLease(stopped, 1)
    const [client, hello] = await connected(stopped.runtime)
    using _ = client
    expect(hello['desired_state']).toBe('running')
    expectStatus(await server.client.post(`${stopped.path}/stop`, { reason: 'maintenance' }, owner.session), 200)
    const frames = await client.take(3)
    expect(frames.map(({ type, data }) => [type, data?.['lease_id']])).toEqual([
      ['agent.stop_requested', undefined],
      ['lease.closed', leaseId],
      ['agent.stopped', undefined],
    ])
    const [late, again] = await connected(stopped.runtime, Number(hello['seq']))
    using __ = late
    expect(again).toMatchObject({ desired_state: 'stopped', resumed: true })
    expect(seqs(await late.take(3))).toEqual(seqs(frames))
  })

  test('ACL-15 a new owner sees the next event, and the old one no more', async () => {
    const other = await server.newPerson()
    const moved = await server.newAgent(owner)
    const [mine] = await connected(owner.session)
    const [theirs] = await connected(other.session)
    using _ = mine
    using __ = theirs
    await append([moved.id])
    expect(await mine.next()).toMatchObject({ agent_id: moved.id })
    expectStatus(await server.client.patch(moved.path, { owner_id: other.id }, server.admin.session), 200)
    await append([moved.id, agent.id])
    expect(await theirs.next()).toMatchObject({ agent_id: moved.id, seq: (await head()) - 1 })
    expect(await mine.next()).toMatchObject({ agent_id: agent.id, seq: await head() })
  })

  /** Milliseconds until a promise settles. */
  const timeOf = async (work: Promise<unknown>): Promise<number> => {
    const from = performance.now()
    await work
    return performance.now() - from
  }

  describe('EVT-03 the end of a right ends the stream within a second', () => {
    const ends: readonly (readonly [
      what: string,
      end: (person: Person, token: string) => Promise<unknown>,
      code: number,
      word: string,
    ])[] = [
      ['logout', (person) => server.client.post('/auth/logout', {}, person.session), 4401, 'TOKEN_REVOKED'],
      [
        'suspension',
        (person) => server.client.put(`/users/${person.id}/suspend`, {}, server.admin.session),
        4403,
        'ACCOUNT_SUSPENDED',
      ],
      [
        'deletion',
        (person) => server.client.delete(`/users/${person.id}`, server.admin.session),
        4401,
        'TOKEN_REVOKED',
      ],
      [
        'a password reset',
        (person) =>
          server.client.post(
            `/users/${person.id}/reset-password`,
            { new_password: 'a new horse battery' },
            server.admin.session,
          ),
        4401,
        'TOKEN_REVOKED',
      ],
    ]
    test.each(ends)('%s', async (_, end, code, word) => {
      const person = await server.newPerson()
      const [client] = await connected(person.session)
      using __ = client
      const answer = (await end(person, '')) as { status: number }
      expect(answer.status).toBeLessThan(300)
      expect(await timeOf(client.closed())).toBeLessThan(FELT_WITHIN_MS + SLACK_MS)
      expect(await client.lastWord()).toEqual([code, word])
    })

    test('an API token revoked, an IC token replaced, a lost permission', async () => {
      const person = await server.newPerson()
      const { body } = await server.client.post('/tokens', { name: 't', scopes: ['events:read'] }, person.session)
      const runtime = await server.newAgent(person)
      const [byToken] = await connected({ 'X-API-Token': String(body.token) })
      const [byAgent] = await connected(runtime.runtime)
      expectStatus(await server.client.delete(`/tokens/${String(body.id)}`, person.session), 200)
      expectStatus(await server.client.post(`${runtime.path}/ic-token/regenerate`, {}, person.session), 200)
      expect(await byToken.lastWord()).toEqual([4401, 'TOKEN_REVOKED'])
      expect(await byAgent.lastWord()).toEqual([4401, 'TOKEN_REVOKED'])
    })

    test('a demotion narrows it, and a suspended owner does not end the streams of their agents', async () => {
      const person = await server.newPerson('admin')
      const own = await server.newAgent(person)
      const [client, hello] = await connected(person.session)
      const [runtime] = await connected(own.runtime)
      using _ = client
      using __ = runtime
      expect(hello['scope']).toBe('all')
      expectStatus(await server.client.put(`/users/${person.id}/role`, { role: 'user' }, server.admin.session), 200)
      await new Promise((resolve) => setTimeout(resolve, FELT_WITHIN_MS))
      await append([agent.id, own.id])
      expect(await client.next()).toMatchObject({ agent_id: own.id, seq: await head() })
      expectStatus(await server.client.put(`/users/${person.id}/suspend`, {}, server.admin.session), 200)
      expect(await client.lastWord()).toEqual([4403, 'ACCOUNT_SUSPENDED'])
      await append([own.id])
      await runtime.next()
      expect(await runtime.next()).toMatchObject({ agent_id: own.id, seq: await head() })
    })
  })

  test('EVT-09 who does not read is closed with 4413, and delays nobody', async () => {
    const [slow] = await connected(owner.session)
    const [quick] = await connected(owner.session)
    using _ = slow
    using __ = quick
    slow.socket.pause()
    const text = 'x'.repeat(12_000)
    const sent = 1_500
    const from = await head()
    const batch = 60
    for (let next = from + 1; next < from + sent; next += batch) {
      await append(
        Array.from({ length: batch }, () => agent.id),
        { text },
      )
      expect(seqs(await quick.take(batch))).toEqual(Array.from({ length: batch }, (___, index) => next + index))
    }
    slow.socket.resume()
    expect(await slow.lastWord()).toEqual([4413, 'SLOW_CONSUMER'])
    const last = Number(slow.frames.at(-2)?.['seq'])
    expect(last).toBeLessThan(from + sent)
    const [resumed] = await connected(owner.session, last)
    using ___ = resumed
    expect(await resumed.next()).toMatchObject({ seq: last + 1 })
    expect(seqs(await resumed.take(from + sent - last - 1))).toEqual(
      Array.from({ length: from + sent - last - 1 }, (____, index) => last + index + 2),
    )
  })

  test('EVT-07 a position that is not kept, or from elsewhere, is answered as such, and the stream goes on', async () => {
    const [ahead, hello] = await connected(agent.runtime, (await head()) + 50)
    using _ = ahead
    const position = await head()
    expect(hello).toMatchObject({ resumed: false, seq: position })
    expect(await ahead.next()).toEqual({
      type: 'resync_required',
      reason: 'unknown_position',
      oldest_seq: 1,
      seq: position,
    })
    // The last test: no session outlives this.
    server.clock.advance(2 * DAY_MS)
    await server.services.events.prune({ olderThan: server.clock.now() - DAY_MS })
    await append([agent.id])
    expect(await ahead.next()).toMatchObject({ seq: position + 1 })
    const [behind, late] = await connected(agent.runtime, 0)
    using __ = behind
    expect(late).toMatchObject({ resumed: false, oldest_seq: position + 1, seq: position + 1 })
    expect(await behind.next()).toEqual({
      type: 'resync_required',
      reason: 'too_old',
      oldest_seq: position + 1,
      seq: position + 1,
    })
    await append([agent.id])
    expect(await behind.next()).toMatchObject({ seq: position + 2 })
  })
})

test('OPS-05 a server that shuts down sends its clients away with 1001', async () => {
  const server = await startOperators('sqlite')
  const clients = [
    await SocketClient.open(server.port, { headers: server.admin.session }),
    await SocketClient.open(server.port),
  ]
  await clients[0]?.next()
  await server[Symbol.asyncDispose]()
  expect(await Promise.all(clients.map(async (client) => (await client.closed()).code))).toEqual([1001, 1001])
})
