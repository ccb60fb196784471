import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocketServer } from 'ws'
import type { ControlApiConfig } from '../config.ts'
import { presentedCredential } from '../http/credentials.ts'
import { ApiError, toApiError, validationError } from '../http/errors.ts'
import type { Upgrades } from '../http/listener.ts'
import { parseQuery } from '../http/query.ts'
import { RateGate } from '../http/rate-gate.ts'
import { refuseRaw } from '../http/refuse-raw.ts'
import { type RequestContext, requestContext } from '../http/request-context.ts'
import { object, optional, Type } from '../http/schemas.ts'
import { compileFindFaults } from '../http/validator.ts'
import type { Logger } from '../observability/logger.ts'
import type { Services } from '../services.ts'
import { Connection, type LoggedIn } from './connection.ts'
import { EventHub } from './event-hub.ts'
import { PAYLOAD_BYTES_MAX, SOCKET_LIMITS, type SocketLimits } from './limits.ts'
import { type LogIn, logInWith } from './log-in.ts'
import { recheckAll } from './recheck.ts'
import { type Seat, SOCKET_CAPS, SocketCaps } from './socket-caps.ts'

/** Where the socket is (websocket.md 1); `/api` is `/api/v1` as for every route. */
const PATHS: ReadonlySet<string> = new Set(['/ws', '/api/v1/ws', '/api/ws'])
/** Under which name upgrades are counted. */
const ROUTE = 'GET /ws'
/** What RFC 6455 4.2.1 asks of a handshake; checked here so that a refusal has the one error shape. */
const VERSION = '13'
const KEY = /^[+/0-9A-Za-z]{22}==$/
/** How often connections are looked at for what is due, in milliseconds. */
const TICK_MS = 100
/** What clients get at shutdown to answer the close frame, in milliseconds. */
const FAREWELL_MS = 2_000

/** What may stand behind the path. */
export const SOCKET_QUERY = object({ since: optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })) })
const faultsOfQuery = compileFindFaults(SOCKET_QUERY, 'query.')

/** The parts of the configuration that concern sockets. */
export type SocketConfig = Pick<
  ControlApiConfig,
  'allowedOrigins' | 'trustedProxies' | 'wsMaxPerPrincipal' | 'wsMaxPerAddress' | 'wsMax'
>

/** The WebSocket of the control plane: takes upgrades, keeps connections, ends them. */
export class SocketEndpoint implements Upgrades {
  readonly #services: Services
  readonly #config: SocketConfig
  readonly #logger: Logger
  readonly #limits: SocketLimits
  readonly #origins: ReadonlySet<string>
  readonly #caps: SocketCaps
  readonly #hub: EventHub
  readonly #logIn: LogIn
  readonly #connections = new Set<Connection>()
  readonly #protocol = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: PAYLOAD_BYTES_MAX,
    perMessageDeflate: false,
    handleProtocols: () => false,
  })
  readonly #ticks: NodeJS.Timeout
  #recheckAtMs = 0
  #isRechecking = false
  #isClosed = false

  /** @param limits what a test may shorten */
  constructor(services: Services, config: SocketConfig, logger: Logger, limits: Partial<SocketLimits> = {}) {
    this.#services = services
    this.#config = config
    this.#logger = logger
    this.#limits = { ...SOCKET_LIMITS, ...limits }
    this.#origins = new Set(config.allowedOrigins)
    this.#caps = new SocketCaps({
      perPrincipal: config.wsMaxPerPrincipal ?? SOCKET_CAPS.perPrincipal,
      perAddress: config.wsMaxPerAddress ?? SOCKET_CAPS.perAddress,
      perServer: config.wsMax ?? SOCKET_CAPS.perServer,
    })
    this.#hub = new EventHub(services.events, logger)
    this.#logIn = logInWith(services)
    this.#ticks = setInterval(() => this.#tick(), TICK_MS).unref()
  }

  accepts({ method, url = '', headers, httpVersion }: IncomingMessage): boolean {
    // HTTP/1.0 knows no upgrade: the header is ignored there (RFC 9110 7.8), and the request is a plain GET.
    if (method !== 'GET' || httpVersion !== '1.1') return false
    const [path = ''] = url.split('?', 1)
    return PATHS.has(path.replace(/(.)\/$/, '$1')) && headers.upgrade?.toLowerCase() === 'websocket'
  }

  serve(request: IncomingMessage, transport: Duplex, head: Buffer): void {
    const context = requestContext(request, this.#services.database.ids, this.#config.trustedProxies)
    const began = performance.now()
    const answered = (status: number): void =>
      this.#services.metrics.countRequest({ route: ROUTE, status, seconds: (performance.now() - began) / 1_000 })
    this.#upgrade(request, transport, head, context).then(
      () => answered(101),
      (thrown: unknown) => {
        const error = toApiError(thrown)
        const { requestId: request_id, ip } = context
        if (error.status >= 500) this.#logger.error({ request_id, ip, err: error.cause ?? error }, 'upgrade failed')
        else this.#logger.info({ request_id, ip, status: error.status, code: error.code }, 'upgrade refused')
        refuseRaw(transport, error, request_id)
        answered(error.status)
      },
    )
  }

  /** Tells every client to come back (1001), and cuts whoever does not answer. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#ticks)
    for (const connection of this.#connections) connection.goAway()
    const until = performance.now() + FAREWELL_MS
    while (this.#connections.size > 0 && performance.now() < until) await sleep(TICK_MS / 4)
    for (const connection of this.#connections) connection.cut()
    await this.#hub.close()
  }

  /** The checks in the order of http-api 1.6, and then the connection. @throws {ApiError} */
  async #upgrade(request: IncomingMessage, transport: Duplex, head: Buffer, context: RequestContext): Promise<void> {
    const gate = new RateGate(this.#services.rateLimits, context.ip)
    await gate.enter(true)
    this.#mayUpgrade(request)
    const since = sinceOf(request)
    const seat = this.#caps.take(context.ip)
    transport.once('close', () => seat.release())
    const presented = presentedCredential(request)
    const login: LoggedIn | undefined =
      presented === undefined
        ? undefined
        : { credential: presented, reader: await this.#logIn(presented, context, gate) }
    if (login !== undefined) seat.takeFor(login.reader.key)
    if (this.#isClosed) throw closing()
    if (!transport.destroyed) this.#open(request, transport, head, { context, seat, login, since })
  }

  #mayUpgrade({ headers }: IncomingMessage): void {
    if (this.#isClosed) throw closing()
    if (headers.host === undefined) throw new ApiError('MALFORMED_JSON', 'The request has no Host header')
    if (headers['sec-websocket-version'] !== VERSION) throw upgradeRequired()
    if (!KEY.test(headers['sec-websocket-key'] ?? '')) {
      throw validationError({ 'headers.sec-websocket-key': 'must be 16 bytes in Base64' })
    }
    const { origin } = headers
    if (origin !== undefined && !this.#origins.has(origin)) {
      throw new ApiError('ORIGIN_NOT_ALLOWED', 'The origin is not allowed')
    }
  }

  #open(
    request: IncomingMessage,
    transport: Duplex,
    head: Buffer,
    {
      context,
      seat,
      login,
      since,
    }: { context: RequestContext; seat: Seat; login: LoggedIn | undefined; since: number | undefined },
  ): void {
    // A client that asks for a subprotocol or an extension gets a connection without.
    delete request.headers['sec-websocket-protocol']
    delete request.headers['sec-websocket-extensions']
    // The answer that opens it has an id like every other (OPS-12).
    const addRequestId = (lines: string[]): number => lines.push(`X-Request-Id: ${context.requestId}`)
    this.#protocol.once('headers', addRequestId)
    this.#protocol.handleUpgrade(request, transport, head, (socket) => {
      const connection = new Connection({
        socket,
        transport,
        services: this.#services,
        hub: this.#hub,
        limits: this.#limits,
        logger: this.#logger,
        context,
        seat,
        logIn: this.#logIn,
        since,
      })
      this.#connections.add(connection)
      socket.once('close', () => this.#connections.delete(connection))
      if (login !== undefined) connection.begin(login)
    })
    // Without an answer there was no use for it.
    this.#protocol.removeListener('headers', addRequestId)
  }

  #tick(): void {
    const now = performance.now()
    for (const connection of this.#connections) connection.tick(now)
    if (now < this.#recheckAtMs || this.#isRechecking) return
    this.#recheckAtMs = now + this.#limits.recheckMs
    this.#isRechecking = true
    recheckAll(this.#services, this.#connections)
      .catch((error: unknown) => this.#logger.error({ err: error }, 'credentials cannot be rechecked'))
      .finally(() => (this.#isRechecking = false))
  }
}

/** What a plain GET on the socket's path is told, and a client of another version. */
export function upgradeRequired(): ApiError {
  return new ApiError('UPGRADE_REQUIRED', 'This is a WebSocket', {
    headers: { Upgrade: 'websocket', 'Sec-WebSocket-Version': VERSION },
  })
}

function closing(): ApiError {
  return new ApiError('SERVICE_UNAVAILABLE', 'Service unavailable')
}

/** The resume point of the upgrade; tokens in the URL are never read (EVT-01). @throws {ApiError} VALIDATION_ERROR */
function sinceOf({ url = '' }: IncomingMessage): number | undefined {
  const [, search = ''] = url.split(/\?(.*)/s)
  const { values, repeated } = parseQuery(search, SOCKET_QUERY)
  const faults = { ...faultsOfQuery(values) }
  for (const name of repeated) faults[`query.${name}`] = 'is given more than once'
  if (Object.keys(faults).length > 0) throw validationError(faults)
  return values['since'] as number | undefined
}
