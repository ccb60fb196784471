// `pnpm bench sockets`: how long an event takes to all clients, with some that do not read, and what a connection costs. The
// baseline in the same run: one frame over the same library to as many clients, without database, scope or credential.
// With `--soak` there is no baseline, and a new client that does not read comes every ten seconds, for as long as it runs.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { residentMiB, startProcess } from '@iron/test-kit'
import { WebSocket } from 'ws'
import { ADMIN, call, startServer } from '../server.ts'

const CLIENTS = Number(process.env['IRON_TEST_BENCH_CLIENTS'] ?? 1_000)
/** Clients that never read, besides. */
const STUCK = Number(process.env['IRON_TEST_BENCH_STUCK'] ?? 5)
const EVENTS_PER_SECOND = Number(process.env['IRON_TEST_BENCH_EVENTS'] ?? 200)
const SECONDS = Number(process.env['IRON_TEST_BENCH_SECONDS'] ?? 15)
/** Bytes that an event carries, so that those who do not read fill their queue. */
const TEXT = 'x'.repeat(100)
const isSoak = process.argv.includes('--soak')
/** How often a soak adds a client that does not read, in milliseconds. */
const STUCK_EVERY_MS = 10_000
const here = path.dirname(fileURLToPath(import.meta.url))

const say = (text: string): void => void process.stdout.write(`${text}\n`)

/** Milliseconds from the time in a frame until a client had it. */
class Delays {
  readonly #sorted: number[] = []

  add(ms: number): void {
    this.#sorted.push(ms)
  }

  get text(): string {
    this.#sorted.sort((one, other) => one - other)
    const at = (share: number): string =>
      (this.#sorted[Math.floor((this.#sorted.length - 1) * share)] ?? NaN).toFixed(0)
    return `${String(this.#sorted.length)} delivered, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms`
  }
}

async function connect(url: string, headers: Record<string, string>): Promise<WebSocket> {
  const socket = new WebSocket(url, { headers, perMessageDeflate: false })
  socket.on('error', () => undefined)
  await new Promise((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('close', () => reject(new Error('the connection was refused')))
  })
  return socket
}

async function connectAll(url: string, headers: Record<string, string>, delays: Delays): Promise<WebSocket[]> {
  const sockets: WebSocket[] = []
  while (sockets.length < CLIENTS) {
    const socket = await connect(url, headers)
    socket.on('message', (data: Buffer) => {
      const { timestamp, seq, type } = JSON.parse(data.toString()) as { timestamp: string; seq: number; type: string }
      if (seq > 0 && type.includes('.')) delays.add(Date.now() - Date.parse(timestamp))
    })
    sockets.push(socket)
  }
  return sockets
}

async function measureIron(): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'iron-bench-'))
  const many = String(CLIENTS + STUCK + Math.ceil((SECONDS * 1_000) / STUCK_EVERY_MS))
  const server = await startServer(path.join(folder, 'bench.db'), {
    IRON_WS_MAX_PER_PRINCIPAL: many,
    IRON_WS_MAX_PER_ADDRESS: many,
  })
  try {
    const login = await call(server.address, '/auth/login', ADMIN)
    const admin = { Authorization: `Bearer ${String(login['access_token'])}` }
    const agent = await call(server.address, '/agents', { name: 'bench', allocated_usd: 1 }, admin)
    const runtime = { 'X-IC-Token': (agent['ic_token'] as unknown as { token: string }).token }
    const url = `${server.address.replace('http', 'ws')}/ws`
    const before = residentMiB(server.process.pid)
    const delays = new Delays()
    const sockets = await connectAll(url, admin, delays)
    const connected = residentMiB(server.process.pid)
    const codes: number[] = []
    const stick = async (): Promise<void> => {
      const stuck = await connect(url, admin)
      stuck.pause()
      stuck.on('close', (code) => codes.push(code))
      sockets.push(stuck)
    }
    for (let index = 0; index < STUCK; index += 1) await stick()
    const each = 10
    const rounds = (SECONDS * EVENTS_PER_SECOND) / each
    const from = performance.now()
    const memory: number[] = []
    for (let round = 0; round < rounds; round += 1) {
      const events = Array.from({ length: each }, (_, index) => ({
        event_id: `e${String(round * each + index)}`,
        type: 'request.failed',
        request_id: `r${String(round * each + index)}`,
        model: 'demo-large',
        error_code: 'upstream',
        error_message: TEXT,
        timestamp: new Date().toISOString(),
      }))
      await call(server.address, '/analytics/events', { events }, runtime)
      if (isSoak && performance.now() - from > (sockets.length - CLIENTS - STUCK + 1) * STUCK_EVERY_MS) await stick()
      if (round % Math.max(1, Math.floor(rounds / 8)) === 0) memory.push(Math.round(residentMiB(server.process.pid)))
      await sleep(Math.max(0, from + ((round + 1) * each * 1_000) / EVENTS_PER_SECOND - performance.now()))
    }
    const seconds = (performance.now() - from) / 1_000
    await sleep(1_000)
    say(`iron:     ${delays.text}, ${((SECONDS * EVENTS_PER_SECOND) / seconds).toFixed(0)} events/s`)
    say(
      `memory:   ${(((connected - before) * 1_024) / CLIENTS).toFixed(0)} KiB per connection; MB over the run: ${memory.join(' ')}`,
    )
    for (const socket of sockets) socket.resume()
    await sleep(2_000)
    say(`stuck:    ${String(sockets.length - CLIENTS)} clients, closed with ${codes.join(' ') || 'nothing yet'}`)
    say(`server:   closes by code ${await closesOf(server.address, admin)}`)
    for (const socket of sockets) socket.terminate()
  } finally {
    await server.process.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What the server says it closed, and how often. */
async function closesOf(address: string, admin: Record<string, string>): Promise<string> {
  // eslint-disable-next-line no-restricted-globals -- the bench is a client of the server it started
  const response = await fetch(`${address}/metrics`, { headers: admin })
  const closes = (await response.text()).matchAll(/^iron_websocket_closes_total\{code="(\w+)"\} (\d+)$/gm)
  return [...closes].map(([, code, count]) => `${String(code)}: ${String(count)}`).join(', ') || 'none'
}

async function measureBare(): Promise<void> {
  const bare = await startProcess(
    process.execPath,
    [path.join(here, '..', 'servers', 'bare-fan-out.ts'), String(EVENTS_PER_SECOND), TEXT],
    {
      ready: /listening on (\d+)/,
    },
  )
  try {
    const delays = new Delays()
    const sockets = await connectAll(`ws://127.0.0.1:${bare.ready[1] ?? ''}`, {}, delays)
    await sleep(SECONDS * 1_000)
    for (const socket of sockets) socket.terminate()
    say(`bare ws:  ${delays.text}`)
  } finally {
    await bare.stop()
  }
}

say(
  `${String(CLIENTS)} clients, ${String(EVENTS_PER_SECOND)} events/s, ${String(SECONDS)} s; rate limits off, socket caps raised`,
)
if (!isSoak) await measureBare()
await measureIron()
