import type { Client } from 'pg'
import type { WakeUps } from '../wake-ups.ts'
import { clientConfig, loadDriver } from './client.ts'
import { postgresFailure } from './failure.ts'

/** First and longest pause before a lost connection is made again, in milliseconds. */
const RECONNECT_FIRST_MS = 100
const RECONNECT_LONGEST_MS = 5_000

/**
 * The one connection that hears NOTIFY from every process. When it is lost it is made again, and every channel is woken
 * once: what was notified meanwhile is found by reading, since a wake-up carries nothing that must not be lost.
 */
export class PostgresListener {
  readonly #url: string
  readonly #wakeUps: WakeUps
  readonly #report: (error: unknown) => void
  #client: Promise<Client> | undefined
  #pauseMs = RECONNECT_FIRST_MS
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(url: string, wakeUps: WakeUps, report: (error: unknown) => void) {
    this.#url = url
    this.#wakeUps = wakeUps
    this.#report = report
  }

  async listen(channel: string): Promise<void> {
    const client = await this.#connected()
    await client.query(`LISTEN ${client.escapeIdentifier(channel)}`)
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    const client = await this.#client?.catch(() => undefined)
    await client?.end()
  }

  #connected(): Promise<Client> {
    this.#client ??= this.#connect().catch((error: unknown) => {
      this.#client = undefined
      throw postgresFailure(error)
    })
    return this.#client
  }

  async #connect(): Promise<Client> {
    const driver = await loadDriver()
    const { idle_in_transaction_session_timeout: _, ...config } = clientConfig(this.#url)
    const client = new driver.Client(config)
    client.on('notification', ({ channel, payload }) => this.#wakeUps.wake(channel, payload ?? ''))
    client.on('error', (error) => this.#lost(error))
    client.on('end', () => this.#lost(undefined))
    await client.connect()
    for (const channel of this.#wakeUps.channels) await client.query(`LISTEN ${client.escapeIdentifier(channel)}`)
    this.#pauseMs = RECONNECT_FIRST_MS
    return client
  }

  #lost(error: unknown): void {
    if (this.#closed || this.#client === undefined) return
    this.#client = undefined
    if (error !== undefined) this.#report(error)
    this.#timer = setTimeout(() => {
      this.#connected().then(
        () => {
          for (const channel of this.#wakeUps.channels) this.#wakeUps.wake(channel, '')
        },
        (failure: unknown) => {
          this.#pauseMs = Math.min(this.#pauseMs * 2, RECONNECT_LONGEST_MS)
          this.#client ??= Promise.reject(postgresFailure(failure))
          this.#client.catch(() => undefined)
          this.#lost(failure)
        },
      )
    }, this.#pauseMs)
    this.#timer.unref()
  }
}
