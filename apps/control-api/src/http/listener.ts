/**
 * The HTTP listener: its limits on headers, time and connections (OPS-13), the answer to what is not HTTP (VAL-01), and the
 * drain at shutdown. It knows no routes.
 */
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { IdSource } from '@iron/database'
import { ApiError } from './errors.ts'
import { refuseRaw } from './refuse-raw.ts'
import { newRequestId } from './request-context.ts'

/** Bytes of a header block (http-api 1.6). */
const HEADER_BYTES_MAX = 16 * 1_024
/** How long a client may take to send its headers, and its whole request, in milliseconds. */
const HEADERS_TIMEOUT_MS = 10_000
const REQUEST_TIMEOUT_MS = 30_000
/** How often those two are looked at, in milliseconds: they may be overrun by this much. */
const TIMEOUT_CHECK_MS = 1_000
/** How long an idle connection is kept, in milliseconds, and how many requests it may carry. */
const KEEP_ALIVE_MS = 65_000
const REQUESTS_PER_CONNECTION_MAX = 100_000
/** How often connections that fell idle are looked for while draining, in milliseconds. */
const DRAIN_CHECK_MS = 25

/** Who takes connections over from HTTP. */
export interface Upgrades {
  /** Whether a request is one of theirs; all others are answered as HTTP, whatever they would like to become (RFC 9110 7.8). */
  accepts(request: http.IncomingMessage): boolean
  /** Answers it and takes the connection. */
  serve(request: http.IncomingMessage, socket: Duplex, head: Buffer): void
}

/** What a listener may be told; times are for tests. */
export interface ListenerOptions {
  readonly upgrades?: Upgrades | undefined
  readonly headersTimeoutMs?: number | undefined
  readonly requestTimeoutMs?: number | undefined
}

/** What keeps a server from listening, said by the variable that mends it. */
const LISTEN_FAULTS: Readonly<Record<string, (at: { readonly host: string; readonly port: number }) => string>> = {
  EADDRINUSE: ({ host, port }) => `PORT ${port} of ${host} is taken by another process`,
  EACCES: ({ port }) => `PORT ${port} needs rights that this process does not have`,
  EADDRNOTAVAIL: ({ host }) => `HOST ${host} is no address of this machine`,
  ENOTFOUND: unknownHost,
  // Nobody could be asked for the name.
  EAI_AGAIN: unknownHost,
}

function unknownHost({ host }: { readonly host: string }): string {
  return `HOST ${host} is neither an address nor a name that is known`
}

/** One listening socket and the connections on it. */
export class Listener {
  readonly #server: http.Server
  readonly #ids: IdSource
  /** The answer being written on a connection, so that none is written into another. */
  readonly #answers = new WeakMap<Duplex, http.ServerResponse>()

  /** Answers that are not finished. */
  readonly #unfinished = new Set<http.ServerResponse>()
  #isDraining = false

  /** Connections that are refused as soon as their answer is written. */
  readonly #refused = new WeakSet<Duplex>()

  constructor(application: http.RequestListener, ids: IdSource, options: ListenerOptions = {}) {
    this.#ids = ids
    const { upgrades } = options
    this.#server = http.createServer({
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: options.headersTimeoutMs ?? HEADERS_TIMEOUT_MS,
      requestTimeout: options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      // The application refuses a missing Host in the one error shape.
      requireHostHeader: false,
      shouldUpgradeCallback: (request) =>
        upgrades?.accepts(inOriginForm(request)) === true && !this.#isAnswering(request.socket),
    })
    this.#server.maxRequestsPerSocket = REQUESTS_PER_CONNECTION_MAX
    const serve: http.RequestListener = (request, response) => {
      this.#answers.set(request.socket, response)
      this.#unfinished.add(response)
      response.once('close', () => this.#unfinished.delete(response))
      if (this.#isDraining) announceEnd(response)
      application(inOriginForm(request), response)
    }
    this.#server.on('request', serve)
    // An Expect other than 100-continue is ignored (RFC 9110 10.1.1) instead of answered in Node's own shape.
    this.#server.on('checkExpectation', serve)
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) => this.#refuseBytes(error, socket))
    if (upgrades !== undefined) {
      this.#server.on('upgrade', (request: http.IncomingMessage, socket: Duplex, head: Buffer) => {
        socket.on('error', () => socket.destroy())
        // Versions of Node that know no shouldUpgradeCallback ask nobody.
        if (upgrades.accepts(inOriginForm(request)) && !this.#isAnswering(socket)) upgrades.serve(request, socket, head)
        else this.#refuseInTurn(socket, new ApiError('NOT_FOUND', 'Not found'))
      })
    }
    // A tunnel: Node would close without a word.
    this.#server.on('connect', (_, socket: Duplex) => {
      socket.on('error', () => socket.destroy())
      this.#refuseInTurn(socket, tunnelRefusal())
    })
  }

  /** Listens; port 0 picks a free one. @throws {Error} that names `HOST` or `PORT`, whichever keeps it from listening */
  listen(port: number, host: string): Promise<AddressInfo> {
    return new Promise((resolve, reject) => {
      const refuse = (error: NodeJS.ErrnoException): void => {
        const why = LISTEN_FAULTS[error.code ?? '']?.({ host, port }) ?? error.message
        reject(new Error(`cannot listen: ${why}`, { cause: error }))
      }
      this.#server.once('error', refuse)
      this.#server.listen(port, host, () => {
        this.#server.removeListener('error', refuse)
        resolve(this.#server.address() as AddressInfo)
      })
    })
  }

  /**
   * Accepts nothing more, lets requests in flight finish for `drainMs`, then ends what is left. Every answer says that its
   * connection ends with it, so that no client sends its next request into a connection that is being closed.
   */
  async close(drainMs: number): Promise<void> {
    if (!this.#server.listening) return
    this.#isDraining = true
    for (const response of this.#unfinished) {
      // Of several on one connection the last one: those before it would take its answer away.
      if (this.#answers.get(response.req.socket) === response) announceEnd(response)
    }
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.#server.closeIdleConnections()
    const idle = setInterval(() => this.#server.closeIdleConnections(), DRAIN_CHECK_MS)
    const late = setTimeout(() => this.#server.closeAllConnections(), drainMs)
    await closed
    clearInterval(idle)
    clearTimeout(late)
  }

  /** What is not HTTP at all, or never ends, is answered in the one error shape too. */
  #refuseBytes(error: NodeJS.ErrnoException, socket: Duplex): void {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy()
      return
    }
    const refusal =
      error.code === 'HPE_HEADER_OVERFLOW'
        ? new ApiError('HEADERS_TOO_LARGE', 'The headers are too large')
        : new ApiError('MALFORMED_JSON', 'The request is not valid HTTP')
    const current = this.#answers.get(socket)
    const hasCome = current?.req.complete === true
    if (current === undefined || current.writableFinished) this.#refuse(socket, refusal)
    // What follows a good request does not cost that request its answer.
    else if (hasCome) this.#refuseAfter(current, socket, refusal)
    else if (current.headersSent) socket.destroy()
    else this.#refuse(socket, refusal)
  }

  /** Whether an earlier request of the connection still waits for its answer: it would be written into what comes after. */
  #isAnswering(socket: Duplex): boolean {
    return this.#answers.get(socket)?.writableFinished === false
  }

  #refuseInTurn(socket: Duplex, refusal: ApiError): void {
    const current = this.#answers.get(socket)
    if (current?.writableFinished === false) this.#refuseAfter(current, socket, refusal)
    else this.#refuse(socket, refusal)
  }

  #refuseAfter(current: http.ServerResponse, socket: Duplex, refusal: ApiError): void {
    if (this.#refused.has(socket)) return
    this.#refused.add(socket)
    current.once('finish', () => this.#refuse(socket, refusal))
  }

  #refuse(socket: Duplex, refusal: ApiError): void {
    refuseRaw(socket, refusal, newRequestId(this.#ids))
  }
}

/** `GET http://host/path` asks for `/path` (RFC 9112 3.2.2); the host is looked at no more than the Host header. */
function inOriginForm(request: http.IncomingMessage): http.IncomingMessage {
  const { url = '/' } = request
  const authority = url.startsWith('/') ? undefined : /^https?:\/\/[^/?]+/i.exec(url)?.[0]
  if (authority !== undefined) request.url = url.slice(authority.length).replace(/^(?!\/)/, '/')
  return request
}

function announceEnd(response: http.ServerResponse): void {
  if (!response.headersSent) response.setHeader('Connection', 'close')
}

const tunnelRefusal = (): ApiError =>
  new ApiError('METHOD_NOT_ALLOWED', 'Method not allowed', {
    headers: { Allow: 'DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT' },
  })
