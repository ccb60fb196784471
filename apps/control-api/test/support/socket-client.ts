import { once } from 'node:events'
import { WebSocket } from 'ws'

/** A frame as it came; tests look at any part of it. */
export type Frame = Readonly<Record<string, unknown>> & {
  readonly type: string
  readonly data?: Record<string, unknown>
}

/** How a client connects. */
export interface SocketOptions {
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly since?: number
}

/** A WebSocket client that remembers what came. */
export class SocketClient implements Disposable {
  readonly socket: WebSocket
  readonly frames: Frame[] = []
  #taken = 0
  #wake: (() => void) | undefined
  #end: { readonly code: number; readonly reason: string } | undefined

  constructor(port: number, { path = '/ws', headers = {}, since }: SocketOptions = {}) {
    const query = since === undefined ? '' : `${path.includes('?') ? '&' : '?'}since=${String(since)}`
    this.socket = new WebSocket(`ws://127.0.0.1:${String(port)}${path}${query}`, { headers, perMessageDeflate: false })
    this.socket.on('message', (data: Buffer) => {
      this.frames.push(JSON.parse(data.toString()) as Frame)
      this.#wake?.()
    })
    this.socket.on('close', (code, reason) => {
      this.#end = { code, reason: reason.toString() }
      this.#wake?.()
    })
    this.socket.on('error', () => undefined)
  }

  /** Connects. @throws Error with the status when the upgrade is refused */
  static async open(port: number, options: SocketOptions = {}): Promise<SocketClient> {
    const client = new SocketClient(port, options)
    await once(client.socket, 'open')
    return client
  }

  /** The answer of an upgrade that is refused. */
  static refused(
    port: number,
    options: SocketOptions = {},
  ): Promise<{ status: number; body: Record<string, unknown> }> {
    const { socket } = new SocketClient(port, options)
    return new Promise((resolve, reject) => {
      socket.once('open', () => reject(new Error('the upgrade was not refused')))
      socket.once('unexpected-response', (_, response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () => {
          const body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>
          resolve({ status: response.statusCode ?? 0, body })
        })
      })
    })
  }

  send(frame: unknown): void {
    this.socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame))
  }

  /** The next frame that was not taken yet. @throws Error when the connection ends first */
  async next(): Promise<Frame> {
    for (;;) {
      const frame = this.frames[this.#taken]
      if (frame !== undefined) {
        this.#taken += 1
        return frame
      }
      if (this.#end !== undefined) throw new Error(`closed with ${String(this.#end.code)} ${this.#end.reason}`)
      await this.#more()
    }
  }

  /** Several in their order. */
  async take(count: number): Promise<Frame[]> {
    const taken: Frame[] = []
    while (taken.length < count) taken.push(await this.next())
    return taken
  }

  /** Code and reason of the end. */
  async closed(): Promise<{ readonly code: number; readonly reason: string }> {
    while (this.#end === undefined) await this.#more()
    return this.#end
  }

  /** The last frame that came before the end, and the code of the end. */
  async lastWord(): Promise<readonly [code: number, error: unknown]> {
    const { code } = await this.closed()
    return [code, this.frames.at(-1)?.['code']]
  }

  [Symbol.dispose](): void {
    this.socket.terminate()
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }
}
