// `pnpm bench flood`: what one client that opens ten thousand sockets, reads nothing and never goes does to everybody else: the
// requests and event delays of others before and meanwhile, the server's memory, and how many of its sockets it was left.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { residentMiB, startProcess } from '@iron/test-kit'
import { WebSocket } from 'ws'
import { ADMIN, call, startServer } from '../server.ts'

const SOCKETS = Number(process.env['IRON_TEST_BENCH_SOCKETS'] ?? 10_000)
const SECONDS = Number(process.env['IRON_TEST_BENCH_SECONDS'] ?? 10)
/** Whose events are timed. */
const FOLLOWERS = 20
/** Between two requests of the others, and two events. */
const EVERY_MS = 20
/** How long an event may be on its way, in milliseconds. */
const ARRIVED_WITHIN_MS = 10_000
/** Where the flood comes from: everything in 127.0.0.0/8 is this machine. */
const FLOOD_ADDRESS = '127.0.0.2'
const here = path.dirname(fileURLToPath(import.meta.url))

const say = (text: string): void => void process.stdout.write(`${text}\n`)

/** Files and sockets that a process has open. */
function descriptors(pid: number): number {
  return readdirSync(`/proc/${String(pid)}/fd`).length
}

function percentiles(times: number[]): string {
  times.sort((one, other) => one - other)
  const at = (share: number): string => (times[Math.floor((times.length - 1) * share)] ?? NaN).toFixed(1)
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms`
}

const folder = mkdtempSync(path.join(tmpdir(), 'iron-bench-'))
const server = await startServer(path.join(folder, 'bench.db'))
try {
  const { hostname, port } = new URL(server.address)
  const login = await call(server.address, '/auth/login', ADMIN)
  const token = String(login['access_token'])
  const admin = { Authorization: `Bearer ${token}` }
  const agent = await call(server.address, '/agents', { name: 'bench', allocated_usd: 1 }, admin)
  const runtime = { 'X-IC-Token': (agent['ic_token'] as unknown as { token: string }).token }
  const victim = { username: 'flooding', email: 'flooding@bench.test', password: ADMIN.password, role: 'user' }
  await call(server.address, '/users', victim, admin)
  const flooding = await call(server.address, '/auth/login', { email: victim.email, password: victim.password })

  let delays: number[] = []
  const followers = Array.from(
    { length: FOLLOWERS },
    () => new WebSocket(`${server.address.replace('http', 'ws')}/ws`, { headers: admin }),
  )
  // The stream begins where it says hello.
  const greeted = followers.map((follower) => new Promise((resolve) => follower.once('message', resolve)))
  for (const follower of followers) {
    follower.on('message', (data: Buffer) => {
      const { timestamp, type } = JSON.parse(data.toString()) as { timestamp: string; type: string }
      if (type === 'request.failed') delays.push(Date.now() - Date.parse(timestamp))
    })
  }
  await Promise.all(greeted)

  let event = 0
  const measure = async (what: string): Promise<void> => {
    delays = []
    const times: number[] = []
    const until = performance.now() + SECONDS * 1_000
    while (performance.now() < until) {
      event += 1
      const began = performance.now()
      await call(
        server.address,
        '/analytics/events',
        {
          events: [
            {
              event_id: `e${event}`,
              type: 'request.failed',
              request_id: `r${event}`,
              model: 'demo-large',
              error_code: 'upstream',
              timestamp: new Date().toISOString(),
            },
          ],
        },
        runtime,
      )
      times.push(performance.now() - began)
      await sleep(EVERY_MS)
    }
    const sent = times.length * FOLLOWERS
    for (let waited = 0; delays.length < sent && waited < ARRIVED_WITHIN_MS; waited += EVERY_MS) await sleep(EVERY_MS)
    say(`${what}: ${times.length} requests of others, ${percentiles(times)}`)
    say(`${what}: ${delays.length} events to ${FOLLOWERS} others, ${percentiles(delays)}`)
    if (delays.length !== sent) {
      say(`${what}: ${sent - delays.length} events did not arrive`)
      process.exitCode = 1
    }
  }

  await measure('before')
  const memory = residentMiB(server.process.pid)
  const before = descriptors(server.process.pid)
  const flood = await startProcess(
    process.execPath,
    [
      path.join(here, 'flood-client.ts'),
      hostname,
      port,
      String(flooding['access_token']),
      FLOOD_ADDRESS,
      String(SOCKETS),
    ],
    { ready: /asked for/ },
  )
  await measure('meanwhile')
  say(`memory: ${memory.toFixed(0)} MiB before, ${residentMiB(server.process.pid).toFixed(0)} MiB meanwhile`)
  say(`of ${SOCKETS} sockets from ${FLOOD_ADDRESS} the server has ${descriptors(server.process.pid) - before} open`)
  await flood.stop()
  for (const follower of followers) follower.terminate()
} finally {
  await server.process.stop()
  rmSync(folder, { recursive: true, force: true })
}
