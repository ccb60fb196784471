/**
 * Loaded into a server under test by `node --import`, and by nothing else: no byte of it is part of the control API. A request
 * with the header `X-Crash-At: <k>` counts the points that it passes; the process kills itself with SIGKILL at the k-th, and a
 * request with `X-Crash-At: 0` only counts.
 *
 * Between two points nothing that outlives the process changes, so a kill at a point stands for a kill at every await before it.
 * A point is, on SQLite, each statement of the writer's thread, and the return of COMMIT; on PostgreSQL each write to its server
 * when it has been sent and nothing was answered, and a COMMIT also before it is sent; on both the response, before and after it
 * is written.
 */
import { createHook } from 'node:async_hooks'
import { subscribe } from 'node:diagnostics_channel'
import { writeSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { isMainThread } from 'node:worker_threads'
import Database, { type Statement } from 'better-sqlite3'

/** The request that is counted, if there is one. */
let counted: IncomingMessage | undefined
let crashAt = 0
let points: string[] = []
let awaits = 0

if (isMainThread) {
  hookStatements()
  hookSockets()
  createHook({ before: () => void (awaits += 1) }).enable()
  subscribe('http.server.request.start', (message) => {
    const { request } = message as { readonly request: IncomingMessage }
    const header = request.headers['x-crash-at']
    if (header === undefined) return
    counted = request
    crashAt = Number(header)
    points = []
    awaits = 0
  })
  subscribe('http.server.response.finish', (message) => {
    const { request } = message as { readonly request: IncomingMessage }
    if (request !== counted) return
    counted = undefined
    tell({ points, awaits })
  })
}

function pass(point: string): void {
  if (counted === undefined) return
  points.push(point)
  if (points.length !== crashAt) return
  tell({ point })
  process.kill(process.pid, 'SIGKILL')
}

function tell(fact: object): void {
  writeSync(2, `crash point ${JSON.stringify(fact)}\n`)
}

function hookStatements(): void {
  type Method = (this: Statement, ...values: unknown[]) => unknown
  const database = new Database(':memory:')
  const prototype = Object.getPrototypeOf(database.prepare('SELECT 1')) as Record<'run' | 'all' | 'get', Method>
  database.close()
  for (const name of ['run', 'all', 'get'] as const) {
    const original = prototype[name]
    prototype[name] = function (...values) {
      pass(this.source)
      const result = original.apply(this, values)
      if (this.source === 'COMMIT') pass('COMMIT returned')
      return result
    }
  }
}

function hookSockets(): void {
  const { prototype } = Socket as unknown as { readonly prototype: Record<'_write' | '_writev', Method> }
  type Method = (this: Socket, ...values: unknown[]) => unknown
  for (const name of ['_write', '_writev'] as const) {
    const original = prototype[name]
    prototype[name] = function (...values) {
      const message = isResponse(this) ? 'the response' : isCommit(values[0]) ? 'COMMIT' : 'a statement'
      if (message !== 'a statement') pass(`before sending ${message}`)
      const result = original.apply(this, values)
      pass(`after sending ${message}`)
      return result
    }
  }
}

/** Otherwise it leads to PostgreSQL, which is all that a server without Redis connects to. */
function isResponse(socket: Socket): boolean {
  return 'server' in socket && socket.server !== null && socket.server !== undefined
}

/** Whether the bytes for PostgreSQL, one piece or a list of pieces, hold a COMMIT. */
function isCommit(sent: unknown): boolean {
  if (Array.isArray(sent)) return sent.some((piece: { readonly chunk: unknown }) => isCommit(piece.chunk))
  return Buffer.isBuffer(sent) && sent.includes('COMMIT')
}
