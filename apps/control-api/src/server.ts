import http from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { createApp } from './app.ts'
import { errorBody, ApiError, type ApiErrorCode } from './http/errors.ts'
import { startJobs } from './jobs/start-jobs.ts'
import type { Timers } from './jobs/timers.ts'
import type { StateManager } from './state-manager.ts'

/** Bytes of a header block (http-api 1.6). */
const HEADER_BYTES_MAX = 16 * 1_024
/** How long a client may take to send its headers, and its whole request, in milliseconds (OPS-13). */
const HEADERS_TIMEOUT_MS = 10_000
const REQUEST_TIMEOUT_MS = 30_000
/** How long an idle connection is kept, in milliseconds, and how many requests it may carry. */
const KEEP_ALIVE_MS = 65_000
const REQUESTS_PER_CONNECTION_MAX = 100_000
/** How long requests in flight may take to finish at shutdown, in milliseconds (packages.md 13). */
const DRAIN_MS = 10_000

/** The process edge: listens, serves, and shuts down without losing what it acknowledged. */
export class ApiServer {
  readonly #state: StateManager
  readonly #port: number
  readonly #host: string
  readonly #drainMs: number
  readonly #address = Promise.withResolvers<AddressInfo>()
  readonly #stopped = Promise.withResolvers<undefined>()
  #server: http.Server | undefined
  #timers: Timers | undefined
  #stopping: Promise<void> | undefined

  constructor(
    state: StateManager,
    port: number,
    options: { readonly host?: string | undefined; readonly drainMs?: number | undefined } = {},
  ) {
    this.#state = state
    this.#port = port
    this.#host = options.host ?? state.config.host
    this.#drainMs = options.drainMs ?? DRAIN_MS
    // Somebody who only awaits start() hears of a failure there.
    this.#address.promise.catch(() => undefined)
  }

  /** Where the server listens; settles once it does. */
  get address(): Promise<AddressInfo> {
    return this.#address.promise
  }

  /** Serves until {@link stop}, SIGTERM or SIGINT; resolves when everything is closed. */
  async start(): Promise<void> {
    try {
      await this.#listen()
    } catch (error) {
      this.#address.reject(error)
      await this.#state.close()
      throw error
    }
    const stop = (signal: NodeJS.Signals): void => void this.stop(signal)
    process.once('SIGTERM', stop)
    process.once('SIGINT', stop)
    try {
      await this.#stopped.promise
    } finally {
      process.removeListener('SIGTERM', stop)
      process.removeListener('SIGINT', stop)
    }
  }

  /** Stops accepting, lets requests in flight finish, then closes timers and database. */
  stop(reason = 'stop'): Promise<void> {
    this.#stopping ??= this.#stop(reason)
    return this.#stopping
  }

  async #listen(): Promise<void> {
    const { config, logger } = this.#state
    const services = await this.#state.services()
    await services.leases.sweep()
    const app = createApp(services, config, logger)
    const server = http.createServer({ maxHeaderSize: HEADER_BYTES_MAX }, app as http.RequestListener)
    server.headersTimeout = HEADERS_TIMEOUT_MS
    server.requestTimeout = REQUEST_TIMEOUT_MS
    server.keepAliveTimeout = KEEP_ALIVE_MS
    server.maxRequestsPerSocket = REQUESTS_PER_CONNECTION_MAX
    server.on('clientError', refuseConnection)
    this.#server = server
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(this.#port, this.#host, resolve)
    })
    this.#timers = startJobs(services, config, logger)
    this.#address.resolve(server.address() as AddressInfo)
  }

  async #stop(reason: string): Promise<void> {
    const { logger } = this.#state
    logger.info({ reason }, 'shutting down')
    const server = this.#server
    if (server !== undefined) {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeIdleConnections()
      const late = setTimeout(() => server.closeAllConnections(), this.#drainMs)
      await closed
      clearTimeout(late)
    }
    await this.#timers?.stop()
    await this.#state.close()
    this.#stopped.resolve(undefined)
  }
}

const CLIENT_ERRORS: Readonly<Record<string, readonly [code: ApiErrorCode, message: string]>> = {
  HPE_HEADER_OVERFLOW: ['HEADERS_TOO_LARGE', 'The headers are too large'],
}

/** What is not HTTP at all is answered in the one error shape too (VAL-01). */
function refuseConnection(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const [code, message] = CLIENT_ERRORS[error.code ?? ''] ?? ['MALFORMED_JSON', 'The request is not valid HTTP']
  const refusal = new ApiError(code, message)
  const body = JSON.stringify(errorBody(refusal, ''))
  socket.end(
    `HTTP/1.1 ${refusal.status} ${http.STATUS_CODES[refusal.status] ?? ''}\r\nContent-Type: application/json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n${body}`,
  )
}
