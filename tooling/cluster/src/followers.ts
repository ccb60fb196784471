/** Clients of the live events that come back, after any break, to whichever server takes them, and go on where they were. */
import { WebSocket } from 'ws'

/** Pause before a follower whose connection ended comes back, in milliseconds. */
const RECONNECT_AFTER_MS = 100

export class Follower implements Disposable {
  /** Numbers of the events, in the order in which they came. */
  readonly seen: number[] = []
  reconnects = 0
  readonly #url: string
  readonly #headers: Readonly<Record<string, string>>
  #position: number
  #socket: WebSocket | undefined
  #again: NodeJS.Timeout | undefined
  #isDone = false

  constructor(address: string, headers: Readonly<Record<string, string>>, since: number) {
    this.#url = address.replace('http:', 'ws:')
    this.#headers = headers
    this.#position = since
    this.#connect()
  }

  [Symbol.dispose](): void {
    this.#isDone = true
    clearTimeout(this.#again)
    this.#socket?.terminate()
  }

  #connect(): void {
    const socket = new WebSocket(`${this.#url}/ws?since=${this.#position}`, { headers: this.#headers })
    this.#socket = socket
    socket.on('message', (data: Buffer) => {
      const frame = JSON.parse(data.toString()) as { readonly seq?: number; readonly id?: string }
      if (frame.id === undefined || frame.seq === undefined) return
      this.seen.push(frame.seq)
      this.#position = frame.seq
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      if (this.#isDone) return
      this.reconnects += 1
      this.#again = setTimeout(() => this.#connect(), RECONNECT_AFTER_MS)
    })
  }
}
