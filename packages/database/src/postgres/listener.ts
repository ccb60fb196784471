import type { WakeUps } from '../wake-ups.ts'
import { clientConfig, executorOf, loadDriver, watchedClient } from './client.ts'
import type { PostgresConnection } from './connection.ts'
import { connectFailure, unavailable } from './failure.ts'
import type { PostgresLimits } from './limits.ts'

/** First and longest pause before a lost connection is made again, in milliseconds. */
const RECONNECT_FIRST_MS = 100
const RECONNECT_LONGEST_MS = 5_000

/** What {@link PostgresListener} needs to know. */
export interface PostgresListenerOptions {
  readonly url: string
  readonly limits: PostgresLimits
  readonly wakeUps: WakeUps
  readonly report: (error: unknown) => void
}

/**
 * The one connection that hears NOTIFY from every process. When it is lost it is made again, and every channel is woken
 * once: what was notified meanwhile is found by reading, since a wake-up carries nothing that must not be lost. It is asked now and
 * then whether it still hears, because a connection that only listens would not notice that the network swallows everything.
 */
export class PostgresListener {
  readonly #options: PostgresListenerOptions
  readonly #live = new Set<PostgresConnection>()
  #connection: Promise<PostgresConnection> | undefined
  #pauseMs = RECONNECT_FIRST_MS
  #reconnect: NodeJS.Timeout | undefined
  #heartbeat: NodeJS.Timeout | undefined
  #hasMissed = false
  #isClosed = false

  constructor(options: PostgresListenerOptions) {
    this.#options = options
  }

  /** Hears `channel` from here on, and again after a loss. @throws {DatabaseError} DATABASE_UNAVAILABLE, DATABASE_BUSY */
  async listen(channel: string): Promise<void> {
    const connection = await this.#connected()
    await hear(connection, channel)
  }

  /** Ends in bounded time whatever hangs. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#reconnect)
    clearTimeout(this.#heartbeat)
    for (const connection of this.#live) connection.destroy(unavailable())
    await Promise.all([...this.#live].map((connection) => connection.ended))
  }

  #connected(): Promise<PostgresConnection> {
    this.#connection ??= this.#connect().catch((error: unknown) => {
      this.#connection = undefined
      this.#reconnectLater()
      throw error
    })
    return this.#connection
  }

  async #connect(): Promise<PostgresConnection> {
    const { limits, url, wakeUps } = this.#options
    const driver = await loadDriver()
    if (this.#isClosed) throw unavailable()
    const Client = watchedClient(driver, limits, (connection) => this.#watch(connection))
    const { idle_in_transaction_session_timeout: _, ...config } = clientConfig(url, limits)
    const client = new Client(config)
    client.on('notification', ({ channel, payload }) => wakeUps.wake(channel, payload ?? ''))
    const connection = executorOf(client)
    try {
      await client.connect()
      for (const channel of wakeUps.channels) await hear(connection, channel)
    } catch (error) {
      connection.destroy(unavailable(error))
      throw connectFailure(error)
    }
    this.#begin(connection)
    connection.onLost((error) => this.#lost(error))
    return connection
  }

  #watch(connection: PostgresConnection): void {
    this.#live.add(connection)
    void connection.ended.then(() => this.#live.delete(connection))
  }

  #begin(connection: PostgresConnection): void {
    clearTimeout(this.#reconnect)
    this.#pauseMs = RECONNECT_FIRST_MS
    this.#beatLater(connection)
    if (!this.#hasMissed) return
    this.#hasMissed = false
    for (const channel of this.#options.wakeUps.channels) this.#options.wakeUps.wake(channel, '')
  }

  #beatLater(connection: PostgresConnection): void {
    if (connection.failure !== undefined) return
    this.#heartbeat = setTimeout(() => {
      // A connection that does not answer is lost, and whoever waits for that is told so.
      connection.command('SELECT 1').then(
        () => this.#beatLater(connection),
        () => undefined,
      )
    }, this.#options.limits.heartbeatMs).unref()
  }

  #lost(error: Error): void {
    if (this.#isClosed) return
    clearTimeout(this.#heartbeat)
    this.#connection = undefined
    this.#hasMissed = true
    this.#options.report(error)
    this.#reconnectLater()
  }

  #reconnectLater(): void {
    if (this.#isClosed) return
    clearTimeout(this.#reconnect)
    this.#reconnect = setTimeout(() => {
      if (this.#options.wakeUps.channels.length === 0) return
      this.#connected().catch(this.#options.report)
    }, this.#pauseMs).unref()
    this.#pauseMs = Math.min(this.#pauseMs * 2, RECONNECT_LONGEST_MS)
  }
}

function hear(connection: PostgresConnection, channel: string): Promise<void> {
  return connection.command(`LISTEN ${connection.client.escapeIdentifier(channel)}`)
}
