/** Whose connection it is: not authenticated yet, or one of the credentials (websocket.md 2). */
export type SocketKind = 'pending' | 'session' | 'api_token' | 'ic_token'

export const SOCKET_KINDS: readonly SocketKind[] = ['pending', 'session', 'api_token', 'ic_token']

/** Close codes that are counted by name (websocket.md 9, RFC 6455 7.4); clients choose their own, so all others are `other`. */
const CLOSE_CODES = new Set([1000, 1001, 1002, 1003, 1005, 1006, 1007, 1009, 1011, 4400, 4401, 4403, 4408, 4413, 4429])

/** The WebSocket connections of this process, as its WebSocket layer tells of them. */
export class SocketCounts {
  readonly #open = new Map<SocketKind, number>()
  readonly #closed = new Map<string, number>()

  /** A connection was accepted; `pending` until it says who it is. */
  opened(kind: SocketKind): void {
    this.#add(kind, 1)
  }

  /** A pending connection authenticated. */
  became(kind: Exclude<SocketKind, 'pending'>): void {
    this.#add('pending', -1)
    this.#add(kind, 1)
  }

  /** A connection ended with a close code, ours or the client's. */
  closed(kind: SocketKind, code: number): void {
    this.#add(kind, -1)
    const label = closeLabel(code)
    this.#closed.set(label, (this.#closed.get(label) ?? 0) + 1)
  }

  /** Open connections, of every kind. */
  get open(): ReadonlyMap<SocketKind, number> {
    return new Map(SOCKET_KINDS.map((kind) => [kind, this.#open.get(kind) ?? 0]))
  }

  /** Ended connections since the start, by close code or `other`. */
  get ended(): ReadonlyMap<string, number> {
    return this.#closed
  }

  #add(kind: SocketKind, change: number): void {
    this.#open.set(kind, (this.#open.get(kind) ?? 0) + change)
  }
}

function closeLabel(code: number): string {
  return CLOSE_CODES.has(code) ? String(code) : 'other'
}
