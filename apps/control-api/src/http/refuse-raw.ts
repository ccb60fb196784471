import http from 'node:http'
import type { Duplex } from 'node:stream'
import { type ApiError, errorBody } from './errors.ts'

/** What every answer says (http-api 1.10), here where no application adds it. */
const HEADERS = {
  'Cache-Control': 'no-store',
  Vary: 'Origin',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'X-Frame-Options': 'DENY',
} as const

/** How long a refused client may take to read the answer and go, in milliseconds, before it is cut off. */
const LINGER_MS = 1_000

/** Answers with an error on the bare connection, where there is no response to write to, and ends it. */
export function refuseRaw(socket: Duplex, refusal: ApiError, requestId: string): void {
  const body = JSON.stringify(errorBody(refusal, requestId))
  const headers: Readonly<Record<string, string>> = {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': String(Buffer.byteLength(body)),
    'X-Request-Id': requestId,
    ...HEADERS,
    // Who sends Upgrade names it here (RFC 9110 7.8).
    Connection: refusal.headers['Upgrade'] === undefined ? 'close' : 'close, Upgrade',
    ...refusal.headers,
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const status = `HTTP/1.1 ${refusal.status} ${http.STATUS_CODES[refusal.status] ?? ''}\r\n`
  socket.end(`${status}${lines.join('')}\r\n${body}`)
  // What it still sends is not read by anybody, and must not keep its goodbye from being heard.
  socket.resume()
  const cut = setTimeout(() => socket.destroy(), LINGER_MS).unref()
  socket.once('close', () => clearTimeout(cut))
}
