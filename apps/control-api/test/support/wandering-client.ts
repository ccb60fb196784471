import { setTimeout as sleep } from 'node:timers/promises'
import { WebSocket } from 'ws'

/** Longest pauses of a client, in milliseconds: while it is connected, and before it comes back. */
const STAY_MS = 4_000
const AWAY_MS = 400

/** An event as the log shows it. */
export interface LoggedEvent {
  readonly seq: number
  readonly agent_id: string
}

/** Somebody who reads events, and what of the log they may see. */
export interface Wanderer {
  readonly headers: Readonly<Record<string, string>>
  readonly sees: (event: LoggedEvent) => boolean
}

/**
 * A client that connects to any of several servers, goes away at random in whatever way clients go, and resumes from the last
 * number it has processed.
 */
export class WanderingClient {
  readonly seen: number[] = []
  readonly #ports: readonly number[]
  readonly #who: Wanderer
  readonly #random: () => number
  #position: number
  #socket: WebSocket | undefined
  readonly #settled = Promise.withResolvers<undefined>()
  #isOver = false
  #reconnects = 0

  constructor(ports: readonly number[], who: Wanderer, since: number, random: () => number) {
    this.#ports = ports
    this.#who = who
    this.#position = since
    this.#random = random
  }

  get who(): Wanderer {
    return this.#who
  }

  get reconnects(): number {
    return this.#reconnects
  }

  /** Wanders until {@link settle}, and stays connected then. */
  async wander(): Promise<void> {
    for (;;) {
      const gone = this.#connect()
      await Promise.race([gone, sleep(this.#random() * STAY_MS, undefined, { ref: false }), this.#settled.promise])
      const { readyState } = this.#socket as WebSocket
      if (this.#isOver && (readyState === WebSocket.OPEN || readyState === WebSocket.CONNECTING)) return
      if (this.#random() < 0.5) this.#socket?.terminate()
      else this.#socket?.close()
      await gone
      this.#reconnects += 1
      if (!this.#isOver) await sleep(this.#random() * AWAY_MS)
    }
  }

  settle(): void {
    this.#isOver = true
    this.#settled.resolve(undefined)
  }

  leave(): void {
    this.#socket?.terminate()
  }

  /** Resolves when the connection is over. */
  #connect(): Promise<void> {
    const port = this.#ports[Math.floor(this.#random() * this.#ports.length)] ?? 0
    const socket = new WebSocket(`ws://127.0.0.1:${String(port)}/ws?since=${String(this.#position)}`, {
      headers: this.#who.headers,
      perMessageDeflate: false,
    })
    this.#socket = socket
    socket.on('message', (data: Buffer) => {
      const { type, seq } = JSON.parse(data.toString()) as { type: string; seq: number }
      if (!type.includes('.')) return
      this.seen.push(seq)
      this.#position = seq
    })
    socket.on('error', () => undefined)
    return new Promise((resolve) => socket.once('close', () => resolve()))
  }
}
