import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** One request and what must come back. */
export interface Call {
  readonly path: string
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

/** What one connection does next, given the body of the answer before (undefined at first). */
export type Script = (previous: string | undefined) => Call

/** What a run measured. Latencies in milliseconds, of the calls the script marks by their path. */
export interface Measurement {
  readonly calls: number
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly failures: number
}

/**
 * Loads a server from a bounded number of keep-alive connections, one request in flight on each, for a bounded time. Raw
 * sockets, because a client library would measure itself.
 */
export async function load(
  address: string,
  options: {
    readonly connections: number
    readonly seconds: number
    readonly measured: string
    readonly script: () => Script
    /** Calls a second of all connections together; without it each sends its next call as soon as it was answered. */
    readonly perSecond?: number
  },
): Promise<Measurement> {
  const { hostname, port } = new URL(address)
  const latencies: number[] = []
  let failures = 0
  const began = performance.now()
  const until = began + options.seconds * 1_000
  const everyMs = options.perSecond === undefined ? 0 : (options.connections * 1_000) / options.perSecond
  const connections = Array.from({ length: options.connections }, async (_, index) => {
    const connection = new Connection(await connect(hostname, Number(port)))
    const next = options.script()
    let previous: string | undefined
    let dueAt = began + (index * everyMs) / options.connections
    while (performance.now() < until) {
      if (everyMs > 0) {
        await sleep(Math.max(0, dueAt - performance.now()))
        dueAt += everyMs
      }
      const call = next(previous)
      const sent = performance.now()
      const answer = await connection.send(call)
      if (answer.status !== 200) failures += 1
      else if (call.path === options.measured) latencies.push(performance.now() - sent)
      previous = answer.body
    }
    connection.close()
  })
  await Promise.all(connections)
  const seconds = (performance.now() - began) / 1_000
  latencies.sort((a, b) => a - b)
  const at = (share: number): number =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? Number.NaN
  return { calls: latencies.length, perSecond: latencies.length / seconds, p50Ms: at(0.5), p99Ms: at(0.99), failures }
}

function connect(host: string, port: number): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host, port, noDelay: true }, () => resolve(socket))
    socket.once('error', reject)
  })
}

class Connection {
  readonly #socket: net.Socket
  #received = ''
  #waiting:
    | { readonly resolve: (answer: { status: number; body: string }) => void; readonly reject: (error: Error) => void }
    | undefined

  constructor(socket: net.Socket) {
    this.#socket = socket
    // Every body of this bench is ASCII, so that characters are bytes.
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => {
      this.#received += chunk
      this.#answer()
    })
    socket.on('close', () => this.#waiting?.reject(new Error('the server closed the connection')))
    socket.on('error', (error) => this.#waiting?.reject(error))
  }

  send(call: Call): Promise<{ status: number; body: string }> {
    const headers = Object.entries(call.headers).map(([name, value]) => `${name}: ${value}\r\n`)
    const head = `POST ${call.path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${call.body.length}\r\n`
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
      this.#socket.write(`${head}${headers.join('')}\r\n${call.body}`, 'latin1')
    })
  }

  close(): void {
    this.#waiting = undefined
    this.#socket.destroy()
  }

  #answer(): void {
    const end = this.#received.indexOf('\r\n\r\n')
    if (end < 0) return
    const head = this.#received.slice(0, end)
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? Number.NaN)
    if (Number.isNaN(length)) throw new Error(`an answer without Content-Length:\n${head}`)
    if (this.#received.length < end + 4 + length) return
    const body = this.#received.slice(end + 4, end + 4 + length)
    this.#received = this.#received.slice(end + 4 + length)
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.resolve({ status: Number(head.slice(9, 12)), body })
  }
}
