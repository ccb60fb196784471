/**
 * EVT-04 EVT-15: clients of every kind disconnect and resume at random, hopping between two server processes where the engine
 * allows them, while events are produced. What each has seen equals the log filtered by its scope.
 *
 * Short by default; in full: `IRON_TEST_SOCKET_CLIENTS=500 IRON_TEST_SOCKET_SECONDS=60 IRON_TEST_SOCKET_EVENTS=20000`.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { enginesForTests, seededRandom } from '@iron/database/testing'
import { describe, expect, test } from '@jest/globals'
import { HttpClient } from '../support/http-client.ts'
import { ADMIN, createInstallation, expectStatus, startServer } from '../support/server-process.ts'
import { type LoggedEvent, WanderingClient, type Wanderer } from '../support/wandering-client.ts'

const setting = (name: string, otherwise: number): number =>
  Number(process.env[`IRON_TEST_SOCKET_${name}`] ?? otherwise)
const CLIENTS = setting('CLIENTS', 60)
const SECONDS = setting('SECONDS', 6)
const EVENTS = setting('EVENTS', 2_000)
/** How long the last event may take to reach the last client, in milliseconds. */
const SETTLE_MS = 15_000
const LIMITS = { IRON_WS_MAX_PER_PRINCIPAL: '1000', IRON_WS_MAX_PER_ADDRESS: '2000', LOG_LEVEL: 'error' }

type Headers = Record<string, string>

interface Runtime {
  readonly headers: Headers
}

interface Population {
  readonly admin: Headers
  readonly wanderers: readonly Wanderer[]
  readonly runtimes: readonly Runtime[]
}

/** An admin, users and a viewer with agents, their API tokens and their runtimes. */
async function population(client: HttpClient): Promise<Population> {
  const login = async (email: string, password: string): Promise<Headers> => {
    const { body } = expectStatus(await client.post('/auth/login', { email, password }), 200)
    return { Authorization: `Bearer ${String(body.access_token)}` }
  }
  const admin = await login(ADMIN.email, ADMIN.password)
  const wanderers: Wanderer[] = [{ headers: admin, sees: () => true }]
  const runtimes: Runtime[] = []
  for (const role of ['user', 'viewer', 'user']) {
    const name = `${role}${String(runtimes.length)}`
    const account = { username: name, email: `${name}@iron.test`, password: ADMIN.password, role }
    const { body: user } = expectStatus(await client.post('/users', account, admin), 201)
    const session = await login(account.email, account.password)
    const own: string[] = []
    for (let made = 0; made < 3; made += 1) {
      const agent = { name: `${name}-${String(made)}`, owner_id: user.id, allocated_usd: 1 }
      const { body } = expectStatus(await client.post('/agents', agent, admin), 201)
      own.push(String(body.id))
      const runtime = { headers: { 'X-IC-Token': String(body.ic_token.token) } }
      runtimes.push(runtime)
      wanderers.push({ ...runtime, sees: ({ agent_id }) => agent_id === body.id })
    }
    const sees = ({ agent_id }: LoggedEvent): boolean => own.includes(agent_id)
    wanderers.push({ headers: session, sees })
    // A viewer makes no tokens.
    if (role === 'viewer') continue
    const token = expectStatus(await client.post('/tokens', { name: 't', scopes: ['events:read'] }, session), 201)
    wanderers.push({ headers: { 'X-API-Token': String(token.body.token) }, sees })
  }
  return { admin, wanderers, runtimes }
}

/** Telemetry of runtimes at an even pace, a few events in each request, to any of the servers. */
async function produce(
  clients: readonly HttpClient[],
  runtimes: readonly Runtime[],
  random: () => number,
): Promise<void> {
  const any = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
  const from = performance.now()
  for (let made = 0; made < EVENTS;) {
    const count = Math.min(1 + Math.floor(random() * 16), EVENTS - made)
    const events = Array.from({ length: count }, (_, index) => ({
      event_id: `e${String(made + index)}`,
      type: 'request.completed',
      request_id: `r${String(made + index)}`,
      model: 'demo-large',
      cost_usd: 0.000_001,
      timestamp: new Date().toISOString(),
    }))
    const { body } = expectStatus(await any(clients).post('/analytics/events', { events }, any(runtimes).headers), 200)
    expect(body.accepted).toBe(count)
    made += count
    await sleep(Math.max(0, from + (made / EVENTS) * SECONDS * 1_000 - performance.now()))
  }
}

/** The whole log after a position. */
async function logAfter(client: HttpClient, admin: Headers, position: number): Promise<LoggedEvent[]> {
  const events: LoggedEvent[] = []
  for (let after = position; ;) {
    const { body } = expectStatus(await client.get(`/events?after=${String(after)}&limit=1000`, admin), 200)
    events.push(...(body.data as LoggedEvent[]))
    if (body.data.length === 0) return events
    after = Number(body.next_cursor)
  }
}

describe.each(await enginesForTests())('wandering clients on %s', (dialect) => {
  test(
    'EVT-04 EVT-15 EVT-16 each has seen the log filtered by its scope: no gap, no duplicate, no foreign event',
    async () => {
      const random = seededRandom(7)
      await using cleanUp = new AsyncDisposableStack()
      const installation = cleanUp.use(await createInstallation(dialect, LIMITS))
      const servers = [cleanUp.use(await startServer(installation))]
      if (dialect === 'postgres') servers.push(cleanUp.use(await startServer(installation)))
      const clients = servers.map(({ address }) => cleanUp.use(new HttpClient(address)))
      const [first] = clients as [HttpClient]
      const { admin, wanderers, runtimes } = await population(first)
      const ports = servers.map(({ address }) => Number(new URL(address).port))
      const since = Number(expectStatus(await first.get('/events?after=latest', admin), 200).body.next_cursor)
      const all = Array.from({ length: CLIENTS }, (_, index) => {
        const who = wanderers[index % wanderers.length] as Wanderer
        return new WanderingClient(ports, who, since, random)
      })
      cleanUp.defer(() => all.forEach((client) => client.leave()))

      const wandering = all.map((client) => client.wander())
      await produce(clients, runtimes, random)
      for (const client of all) client.settle()
      await Promise.all(wandering)

      const log = await logAfter(first, admin, since)
      expect(log).toHaveLength(EVENTS)
      const expected = (client: WanderingClient): number[] => log.filter(client.who.sees).map(({ seq }) => seq)
      const until = performance.now() + SETTLE_MS
      const isBehind = (client: WanderingClient): boolean => client.seen.length < expected(client).length
      while (all.some(isBehind) && performance.now() < until) await sleep(50)
      for (const client of all) expect(client.seen).toEqual(expected(client))
      expect(all.reduce((sum, { reconnects }) => sum + reconnects, 0)).toBeGreaterThan(CLIENTS)
    },
    (SECONDS * 4 + 60) * 1_000,
  )
})
