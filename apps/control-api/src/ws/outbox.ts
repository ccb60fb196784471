import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { SocketLimits } from './limits.ts'

/** Frames and bytes that may wait before a replay reads on. */
const ROOM_FRAMES = 64
const ROOM_BYTES = 128 * 1_024

/** What is on its way to one client: never more than its queue, however slowly the client reads (EVT-09). */
export class Outbox {
  readonly #socket: WebSocket
  readonly #transport: Duplex
  readonly #limits: SocketLimits
  #waiting = 0
  #wake: (() => void) | undefined
  #isCorked = false

  /** @param transport the connection below the WebSocket */
  constructor(socket: WebSocket, transport: Duplex, limits: SocketLimits) {
    this.#socket = socket
    this.#transport = transport
    this.#limits = limits
  }

  /** Whether so little waits that a replay may read on. */
  get hasRoom(): boolean {
    return this.#waiting <= ROOM_FRAMES && this.#socket.bufferedAmount <= ROOM_BYTES
  }

  /** Sends a frame of text. @returns false, and nothing is sent, when the queue is full */
  push(frame: Buffer): boolean {
    if (this.#isFull(frame) && this.#isCorked) {
      // What was only gathered does not wait for the client.
      this.uncork()
      this.cork()
    }
    if (this.#isFull(frame)) return false
    this.send(frame)
    return true
  }

  /** Sends a frame of text even when the queue is full: the last word before a close. */
  send(frame: Buffer): void {
    this.#waiting += 1
    this.#socket.send(frame, TEXT, this.#sent)
  }

  /** Gathers what is pushed until {@link uncork} into one write. */
  cork(): void {
    if (this.#isCorked) return
    this.#isCorked = true
    this.#transport.cork()
  }

  uncork(): void {
    if (!this.#isCorked) return
    this.#isCorked = false
    this.#transport.uncork()
  }

  /** Waits until the client has taken most of what was sent. @returns false when it took nothing for `replayStallMs` */
  async room(): Promise<boolean> {
    while (!this.hasRoom) {
      if (this.#socket.readyState !== this.#socket.OPEN || !(await this.#progress())) return false
    }
    return true
  }

  /** Lets nobody wait any longer. */
  close(): void {
    this.#wake?.()
  }

  #isFull(frame: Buffer): boolean {
    const { queueBytesMax, queueFramesMax } = this.#limits
    const { bufferedAmount } = this.#socket
    // What was taken a moment ago is still counted as waiting, but no byte of it is.
    const waiting = bufferedAmount === 0 ? 0 : this.#waiting
    return waiting >= queueFramesMax || bufferedAmount + frame.length > queueBytesMax
  }

  #progress(): Promise<boolean> {
    return new Promise((resolve) => {
      const stalled = setTimeout(() => resolve(false), this.#limits.replayStallMs)
      this.#wake = () => {
        clearTimeout(stalled)
        resolve(true)
      }
    })
  }

  readonly #sent = (): void => {
    this.#waiting -= 1
    this.#wake?.()
  }
}

const TEXT = { binary: false, compress: false } as const
