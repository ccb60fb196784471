/** What one connection may do and how long it may take (websocket.md 2, 7, 8); times in milliseconds. */
export interface SocketLimits {
  /** From the upgrade to a good `auth` frame. */
  readonly authMs: number
  readonly heartbeatMs: number
  /** Silence of the client that closes the connection. */
  readonly idleMs: number
  /** Messages, pings and pongs of the client within `framesWindowMs`. */
  readonly framesMax: number
  readonly framesWindowMs: number
  /** Frames that are no good within `invalidWindowMs`; the last of them closes. */
  readonly invalidMax: number
  readonly invalidWindowMs: number
  /** What may wait for a client that reads slower than events come. */
  readonly queueBytesMax: number
  readonly queueFramesMax: number
  /** During replay the server waits for the client, but not longer than this without progress. */
  readonly replayStallMs: number
  /**
   * How often credentials are looked at again. Together with how long the services believe what they have read
   * (`ACCOUNT_CACHE_MS`) it stays below the second of websocket.md 2.
   */
  readonly recheckMs: number
  /** What a closed connection gets to take what still waits, and the close frame, before it is cut. */
  readonly closeMs: number
}

/** The limits of every connection; tests may shorten them. */
export const SOCKET_LIMITS: SocketLimits = {
  authMs: 5_000,
  heartbeatMs: 30_000,
  idleMs: 60_000,
  framesMax: 20,
  framesWindowMs: 10_000,
  invalidMax: 10,
  invalidWindowMs: 60_000,
  queueBytesMax: 1_048_576,
  queueFramesMax: 1_000,
  replayStallMs: 30_000,
  recheckMs: 400,
  closeMs: 10_000,
}

/** Bytes of a client's message (websocket.md 8). */
export const PAYLOAD_BYTES_MAX = 65_536
