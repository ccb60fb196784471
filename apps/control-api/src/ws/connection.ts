import { randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import type { JournalError } from '@iron/journal'
import type { RawData, WebSocket } from 'ws'
import { credentialOf, type PresentedCredential } from '../http/credentials.ts'
import { toApiError } from '../http/errors.ts'
import { forbidden, type Principal, principalRef } from '../http/principal.ts'
import type { RequestContext } from '../http/request-context.ts'
import type { Logger } from '../observability/logger.ts'
import type { Services } from '../services.ts'
import { type AuthFrame, type ClientFrame, readFrame } from './client-frame.ts'
import { CLOSE, closeCodeOf } from './close-code.ts'
import type { EventHub } from './event-hub.ts'
import { EventStream, type StreamEnd, type StreamOwner } from './event-stream.ts'
import type { SocketLimits } from './limits.ts'
import type { LogIn } from './log-in.ts'
import { Outbox } from './outbox.ts'
import { type Reader, readerOf, seesAs } from './reader.ts'
import {
  ackFrame,
  type Beginning,
  errorFrame,
  heartbeatFrame,
  helloFrame,
  type ResyncReason,
  resyncFrame,
  type SocketError,
} from './server-frame.ts'
import type { Seat } from './socket-caps.ts'
import { Subscription } from './subscription.ts'
import { WindowCount } from './window-count.ts'

/** What a connection is made of. */
export interface ConnectionParts {
  readonly socket: WebSocket
  /** The connection below the WebSocket. */
  readonly transport: Duplex
  readonly services: Services
  readonly hub: EventHub
  readonly limits: SocketLimits
  readonly logger: Logger
  readonly context: RequestContext
  readonly seat: Seat
  readonly logIn: LogIn
  /** The resume point of the upgrade. */
  readonly since: number | undefined
}

/** Somebody who has proved who they are, and with what. */
export interface LoggedIn {
  readonly credential: PresentedCredential
  readonly reader: Reader
}

/** One client: what it says is answered one frame after the other, and what it may see is streamed to it. */
export class Connection implements StreamOwner {
  readonly #parts: ConnectionParts
  readonly #id = `c-${randomBytes(8).toString('hex')}`
  readonly #outbox: Outbox
  readonly #frames: WindowCount
  readonly #invalid: WindowCount
  readonly #openedAtMs = performance.now()
  #inbox: Promise<void> = Promise.resolve()
  #login: LoggedIn | undefined
  #stream: EventStream | undefined
  #heardAtMs = this.#openedAtMs
  #wasHeard = false
  #beatAtMs = Infinity
  #cutAtMs = Infinity
  /** The code that this side closed with; a client that does not read never repeats it. */
  #closedWith: number | undefined

  constructor(parts: ConnectionParts) {
    this.#parts = parts
    const { socket, transport, limits } = parts
    this.#outbox = new Outbox(socket, transport, limits)
    this.#frames = new WindowCount(limits.framesMax, limits.framesWindowMs)
    this.#invalid = new WindowCount(limits.invalidMax - 1, limits.invalidWindowMs)
    socket.on('message', (data, isBinary) => this.#onMessage(data, isBinary))
    socket.on('ping', () => this.#hear())
    socket.on('pong', () => this.#hear())
    // Protocol faults: the library has closed with 1002, 1007 or 1009.
    socket.on('error', () => this.#end())
    const { sockets } = parts.services.metrics
    sockets.opened('pending')
    socket.on('close', (code) => {
      this.#stop()
      parts.seat.release()
      sockets.closed(this.#login?.reader.principal.kind ?? 'pending', this.#closedWith ?? code)
    })
  }

  /** Who is connected and how they proved it; `undefined` before they have, and after the end. */
  get login(): LoggedIn | undefined {
    return this.#isClosing ? undefined : this.#login
  }

  get context(): RequestContext {
    return this.#parts.context
  }

  /** Whether the client said anything since this was last asked. */
  takeSignOfLife(): boolean {
    const wasHeard = this.#wasHeard
    this.#wasHeard = false
    return wasHeard
  }

  /** Begins with a credential of the upgrade. */
  begin(login: LoggedIn): void {
    this.#inbox = this.#enter(login, this.#parts.since).catch((error: unknown) => this.refuse(error))
  }

  /** Whatever is due by now. */
  tick(nowMs: number): void {
    const { socket, limits } = this.#parts
    if (nowMs >= this.#cutAtMs) socket.terminate()
    if (this.#isClosing) return
    if (this.#login === undefined && nowMs - this.#openedAtMs >= limits.authMs) {
      this.#close(CLOSE.timeout, { code: 'UNAUTHORIZED', message: 'No credential came in time' })
    } else if (nowMs - this.#heardAtMs >= limits.idleMs) {
      this.#close(CLOSE.timeout, { code: 'IDLE_TIMEOUT', message: 'Nothing was heard for too long' })
    } else if (nowMs >= this.#beatAtMs) {
      this.#beatAtMs = nowMs + limits.heartbeatMs
      socket.ping()
      this.#say(heartbeatFrame(this.#stream?.position ?? 0, this.#now()))
    }
  }

  /** What a check of the credential found: who is behind it now. */
  recheck(principal: Principal): void {
    if (this.#login === undefined || this.#isClosing) return
    try {
      const reader = readerOf(principal)
      if (!seesAs(reader, this.#login.reader)) this.#stream?.changeReader(reader)
      this.#login = { ...this.#login, reader }
    } catch (error) {
      this.refuse(error)
    }
  }

  /** Closes with what an error says. @param ref the `id` of the frame that it is the answer of */
  refuse(thrown: unknown, ref?: string): void {
    const error = toApiError(thrown)
    if (error.status >= 500)
      this.#parts.logger.error({ connection: this.#id, err: error.cause ?? error }, 'socket failed')
    this.#close(closeCodeOf(error), error, ref)
  }

  /** The server leaves. */
  goAway(): void {
    this.#close(CLOSE.goingAway)
  }

  /** Ends it without a word. */
  cut(): void {
    this.#parts.socket.terminate()
  }

  onStreamEnd(end: StreamEnd, cause?: unknown): void {
    if (end === 'slow')
      this.#close(CLOSE.slow, { code: 'SLOW_CONSUMER', message: 'Events came faster than they were read' })
    else this.refuse(cause)
  }

  async onStreamReset(error: JournalError): Promise<number> {
    const bounds = await this.#parts.services.events.bounds()
    this.#say(resyncFrame(error.details['reason'] as ResyncReason, bounds))
    return bounds.head
  }

  get #isClosing(): boolean {
    return this.#cutAtMs < Infinity || this.#parts.socket.readyState !== this.#parts.socket.OPEN
  }

  #onMessage(data: RawData, isBinary: boolean): void {
    if (this.#isClosing) return
    if (isBinary) this.#close(CLOSE.binary)
    // Waits for the one before: a new credential must be known before what is asked with it.
    else if (this.#hear()) {
      const text = (data as Buffer).toString()
      this.#inbox = this.#inbox.then(() => this.#read(text)).catch((error: unknown) => this.refuse(error))
    }
  }

  /** Notes that the client lives. @returns whether it may go on talking */
  #hear(): boolean {
    const now = performance.now()
    this.#heardAtMs = now
    this.#wasHeard = true
    if (this.#isClosing) return false
    if (!this.#frames.exceededBy(now)) return true
    this.#close(CLOSE.tooMany, { code: 'RATE_LIMIT_EXCEEDED', message: 'Too many frames' })
    this.#parts.socket.pause()
    return false
  }

  async #read(message: string): Promise<void> {
    if (this.#isClosing) return
    const received = readFrame(message)
    const isFirst = this.#login === undefined
    if (received.kind === 'malformed') {
      this.#close(CLOSE.malformed, { code: 'MALFORMED_JSON', message: 'A frame must be a JSON object' })
    } else if (received.kind === 'invalid') {
      this.#refuseFrame(received.fields, received.ref, isFirst)
    } else if (isFirst && received.frame.type !== 'auth') {
      this.#refuseFrame({ type: 'must be auth, in the first frame' }, received.frame.id ?? null, true)
    } else {
      await this.#obey(received.frame).catch((error: unknown) => this.refuse(error, received.frame.id))
    }
  }

  async #obey(frame: ClientFrame): Promise<void> {
    switch (frame.type) {
      case 'auth':
        await (this.#login === undefined ? this.#logIn(frame) : this.#renew(frame))
        break
      case 'subscribe':
        this.#stream?.subscribe(new Subscription(frame))
        this.#say(ackFrame('subscribe', frame.id, this.#now()))
        break
      case 'heartbeat':
    }
  }

  /** The stream goes on after a faulty frame, but not for ever, and not before a login. */
  #refuseFrame(fields: Readonly<Record<string, string>>, ref: string | null, isFirst: boolean): void {
    const error: SocketError = { code: 'VALIDATION_ERROR', message: 'Validation failed', details: { fields } }
    if (isFirst || this.#invalid.exceededBy(performance.now())) this.#close(CLOSE.malformed, error, ref)
    else this.#say(errorFrame(error, ref))
  }

  async #logIn({ token, since }: AuthFrame): Promise<void> {
    const login = await this.#prove(token)
    if (this.#isClosing) return
    this.#parts.seat.takeFor(login.reader.key)
    await this.#enter(login, since ?? this.#parts.since)
  }

  async #prove(token: string): Promise<LoggedIn> {
    const { logIn, context } = this.#parts
    const credential = credentialOf(token)
    return { credential, reader: await logIn(credential, context) }
  }

  /** A later `auth`: the same reader with another credential. */
  async #renew({ token, since, id }: AuthFrame): Promise<void> {
    if (since !== undefined) {
      this.#refuseFrame({ since: 'is not allowed in a later auth' }, id ?? null, false)
      return
    }
    const login = await this.#prove(token)
    if (this.#isClosing) return
    if (login.reader.key !== this.#login?.reader.key) throw forbidden()
    this.#login = login
    this.recheck(login.reader.principal)
    this.#say(ackFrame('auth', id, this.#now()))
  }

  async #enter(login: LoggedIn, since: number | undefined): Promise<void> {
    const { services, hub, limits, logger, context } = this.#parts
    const from = await this.#beginning(login.reader, since)
    if (this.#isClosing) return
    this.#login = login
    services.metrics.sockets.became(login.reader.principal.kind)
    this.#beatAtMs = performance.now() + limits.heartbeatMs
    logger.debug(
      { connection: this.#id, request_id: context.requestId, principal: principalRef(login.reader.principal) },
      'socket opened',
    )
    this.#say(helloFrame(this.#id, login.reader, this.#now(), from, limits))
    const reason = since === undefined ? undefined : resyncReason(since, from)
    if (reason !== undefined) this.#say(resyncFrame(reason, from.bounds))
    const parts = { hub, log: services.events, outbox: this.#outbox, owner: this }
    this.#stream = new EventStream(parts, login.reader, from.seq)
    this.#stream.start()
  }

  /** Head and desired state of one moment: what comes after the head is news to the state (websocket.md 10). */
  #beginning({ scope }: Reader, since: number | undefined): Promise<Beginning> {
    const { database, events, agents } = this.#parts.services
    return database.read(async (tx) => {
      const bounds = await events.bounds({ tx })
      const desiredState = scope.kind === 'agent' ? await agents.desiredState(scope.agentId, { tx }) : undefined
      const resumed = since !== undefined && since >= bounds.oldest - 1 && since <= bounds.head
      return { bounds, seq: resumed ? since : bounds.head, resumed, desiredState }
    })
  }

  #say(frame: Buffer): void {
    if (!this.#isClosing && !this.#outbox.push(frame)) this.onStreamEnd('slow')
  }

  #close(code: number, error?: SocketError, ref?: string | null): void {
    if (this.#isClosing) return
    const { socket } = this.#parts
    this.#closedWith = code
    this.#end()
    if (error !== undefined && code >= CLOSE.malformed) this.#outbox.send(errorFrame(error, ref))
    socket.close(code, error?.code)
  }

  /** Nothing more comes of it; what is left is cut when its time is up. */
  #end(): void {
    this.#cutAtMs = performance.now() + this.#parts.limits.closeMs
    this.#stop()
  }

  #stop(): void {
    this.#stream?.stop()
    this.#outbox.close()
  }

  #now(): number {
    return this.#parts.services.database.clock.now()
  }
}

function resyncReason(since: number, { bounds }: Beginning): ResyncReason | undefined {
  if (since > bounds.head) return 'unknown_position'
  return since < bounds.oldest - 1 ? 'too_old' : undefined
}
