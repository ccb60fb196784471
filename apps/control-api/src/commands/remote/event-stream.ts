import type { IncomingMessage } from 'node:http'
import { json as readJson } from 'node:stream/consumers'
import { WebSocket } from 'ws'
import { UsageError } from '../../command-line/exit-codes.ts'
import { reasonOf, type ServerAccess, ServerError, unreachable } from './server-api.ts'

/** An event as it is sent (websocket 5). */
export interface StreamedEvent {
  readonly type: string
  readonly seq: number
  readonly timestamp: string
  readonly agent_id: string
  readonly data: Readonly<Record<string, unknown>>
}

/** Which events, and from where. */
export interface StreamOptions {
  readonly types: readonly string[]
  readonly agents: readonly string[]
  readonly since?: number | undefined
  /** Told what is no event and of interest to whoever watches. */
  readonly notice: (text: string) => void
}

interface Frame {
  readonly type: string
  readonly seq?: number
  readonly error?: string
  readonly code?: string
  readonly details?: unknown
  readonly ref?: string
  readonly reason?: string
}

/** Without any frame for so long the connection is dead, in milliseconds (websocket 7). */
const SILENCE_MS = 75_000
/** Close codes after which nothing gets better by itself (websocket 9). */
const FINAL_CODES: ReadonlySet<number> = new Set([1003, 1007, 1009, 4400, 4401, 4403])

/** The id of the frame that sets the filter: an error with this `ref` is the server's answer to it. */
const FILTER_ID = 'filter'

/** The events of one connection, until it ends. */
export class EventStream implements AsyncIterable<StreamedEvent> {
  readonly #access: ServerAccess
  readonly #options: StreamOptions
  #position: number | undefined
  #end = 'the connection was lost'
  #refusal: string | undefined
  #wasOpen = false

  constructor(access: ServerAccess, options: StreamOptions) {
    this.#access = access
    this.#options = options
    this.#position = options.since
  }

  /** The last event that was handed on or passed over: where the next connection goes on. */
  get position(): number | undefined {
    return this.#position
  }

  /** Whether the server ever let it in. */
  get wasOpen(): boolean {
    return this.#wasOpen
  }

  /** Why it ended. */
  get end(): string {
    return this.#end
  }

  /**
   * @throws {ServerError} when a new connection would not help either
   * @throws {UsageError} when the server knows no such types
   */
  async *[Symbol.asyncIterator](): AsyncIterator<StreamedEvent> {
    const socket = this.#connect()
    const frames: Frame[] = []
    const state = { isClosed: false, wake: (): void => undefined }
    const close = (): void => {
      state.isClosed = true
      state.wake()
    }
    let deadline = setTimeout(() => socket.terminate(), SILENCE_MS)
    socket.on('message', (text: Buffer) => {
      frames.push(JSON.parse(text.toString()) as Frame)
      deadline = deadline.refresh()
      state.wake()
    })
    socket.on('ping', () => deadline.refresh())
    let final: ServerError | undefined
    let isRefused = false
    socket.on('error', (error) => {
      // A refused connection is given up with an error of its own, which says less than the refusal.
      if (!isRefused) this.#end = unreachable(this.#access.url, error).message
    })
    socket.on('unexpected-response', (_, response) => {
      isRefused = true
      void refusal(response, this.#access.url).then((refused) => {
        if (response.statusCode === 401 || response.statusCode === 403) final = refused
        this.#end = refused.message
        socket.terminate()
        close()
      })
    })
    socket.on('close', (code) => {
      if (FINAL_CODES.has(code)) final = new ServerError(this.#refusal ?? `the server closed with ${String(code)}`)
      else if (code > 1006) this.#end = this.#refusal ?? `the server closed with ${String(code)}`
      close()
    })
    try {
      for (;;) {
        const frame = frames.shift()
        if (frame !== undefined) {
          const event = this.#take(frame, socket)
          if (event !== undefined) yield event
        } else if (state.isClosed) break
        else await new Promise<void>((resolve) => (state.wake = resolve))
      }
      if (final !== undefined) throw final
    } finally {
      clearTimeout(deadline)
      socket.close()
      if (socket.readyState !== WebSocket.CLOSED) await new Promise((resolve) => socket.once('close', resolve))
    }
  }

  #connect(): WebSocket {
    const { url, token } = this.#access
    const since = this.#position === undefined ? '' : `?since=${String(this.#position)}`
    return new WebSocket(`${url.replace(/^http/, 'ws')}/api/v1/ws${since}`, {
      headers: { Authorization: `Bearer ${token}` },
      perMessageDeflate: false,
    })
  }

  /** The event a frame holds, if it is one that is wanted. */
  #take(frame: Frame, socket: WebSocket): StreamedEvent | undefined {
    const { types, agents, notice } = this.#options
    if (frame.type === 'hello') {
      this.#wasOpen = true
      this.#position = frame.seq
      if (types.length + agents.length > 0) {
        socket.send(JSON.stringify({ type: 'subscribe', id: FILTER_ID, types, agent_ids: agents }))
      }
    } else if (frame.type === 'error') {
      if (frame.ref === FILTER_ID) throw new UsageError(reasonOf(400, frame, this.#access.url))
      this.#refusal = `${frame.error ?? ''} (${frame.code ?? ''})`
    } else if (frame.type === 'resync_required') {
      this.#position = frame.seq
      notice(`events before ${String(frame.seq)} are not kept any more or not known there (${frame.reason ?? ''})`)
    } else if (frame.type === 'heartbeat') {
      this.#position = frame.seq
    } else if (frame.type.includes('.')) {
      const event = frame as unknown as StreamedEvent
      this.#position = event.seq
      // What was on its way before the filter took effect is passed over here.
      if (isWanted(event.type, types) && (agents.length === 0 || agents.includes(event.agent_id))) return event
    }
    return undefined
  }
}

function isWanted(type: string, types: readonly string[]): boolean {
  return (
    types.length === 0 ||
    types.some((wanted) => (wanted.endsWith('.*') ? type.startsWith(wanted.slice(0, -1)) : type === wanted))
  )
}

async function refusal(response: IncomingMessage, url: string): Promise<ServerError> {
  const body = await readJson(response).catch(() => undefined)
  return new ServerError(reasonOf(response.statusCode ?? 0, body, url))
}
