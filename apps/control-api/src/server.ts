import type { RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createApp } from './app.ts'
import { Listener } from './http/listener.ts'
import { startJobs } from './jobs/start-jobs.ts'
import type { Timers } from './jobs/timers.ts'
import type { Logger } from './observability/logger.ts'
import type { Services } from './services.ts'
import type { StateManager } from './state-manager.ts'
import type { SocketLimits } from './ws/limits.ts'
import { SocketEndpoint } from './ws/socket-endpoint.ts'

/** How long requests in flight may take to finish at shutdown, in milliseconds (packages.md 13). */
const DRAIN_MS = 10_000

/** How a server may differ from its configuration. */
export interface ApiServerOptions {
  readonly host?: string | undefined
  readonly drainMs?: number | undefined
  /** For tests, which cannot wait that long. */
  readonly sockets?: Partial<SocketLimits> | undefined
}

/** The process edge: listens, serves, and shuts down without losing what it acknowledged. */
export class ApiServer {
  readonly #state: StateManager
  readonly #port: number
  readonly #host: string
  readonly #drainMs: number
  readonly #socketLimits: Partial<SocketLimits>
  readonly #address = Promise.withResolvers<AddressInfo>()
  readonly #stopped = Promise.withResolvers<undefined>()
  #listener: Listener | undefined
  #sockets: SocketEndpoint | undefined
  #timers: Timers | undefined
  #stopping: Promise<void> | undefined

  constructor(state: StateManager, port: number, options: ApiServerOptions = {}) {
    this.#state = state
    this.#port = port
    this.#host = options.host ?? state.config.host
    this.#drainMs = options.drainMs ?? DRAIN_MS
    this.#socketLimits = options.sockets ?? {}
    // Somebody who only awaits start() hears of a failure there.
    this.#address.promise.catch(() => undefined)
  }

  /** Where the server listens; settles once it does. */
  get address(): Promise<AddressInfo> {
    return this.#address.promise
  }

  /** Serves until {@link stop}, SIGTERM or SIGINT; resolves when everything is closed. */
  async start(): Promise<void> {
    try {
      await this.#listen()
    } catch (error) {
      this.#address.reject(error)
      await this.#state.close()
      throw error
    }
    const stop = (signal: NodeJS.Signals): void => void this.stop(signal)
    process.once('SIGTERM', stop)
    process.once('SIGINT', stop)
    try {
      await this.#stopped.promise
    } finally {
      process.removeListener('SIGTERM', stop)
      process.removeListener('SIGINT', stop)
    }
  }

  /** Stops accepting, sends sockets away, lets requests in flight finish, then closes timers and database. */
  stop(reason = 'stop'): Promise<void> {
    this.#stopping ??= this.#stop(reason)
    return this.#stopping
  }

  async #listen(): Promise<void> {
    const { config, logger } = this.#state
    const services = await this.#state.services()
    await sweepBeforeServing(services, logger)
    const app = createApp(services, config, logger)
    this.#sockets = new SocketEndpoint(services, config, logger, this.#socketLimits)
    const listener = new Listener(app as RequestListener, services.database.ids, { upgrades: this.#sockets })
    this.#listener = listener
    const address = await listener.listen(this.#port, this.#host)
    this.#timers = startJobs(services, config, logger)
    await services.eventLag.start()
    services.readiness.serve()
    this.#address.resolve(address)
  }

  async #stop(reason: string): Promise<void> {
    const { logger } = this.#state
    logger.info({ reason }, 'shutting down')
    const services = await this.#state.services().catch(() => undefined)
    services?.readiness.stop()
    await Promise.all([this.#listener?.close(this.#drainMs), this.#sockets?.close()])
    await this.#timers?.stop()
    await this.#state.close()
    this.#stopped.resolve(undefined)
  }
}

/** An agent whose books are damaged keeps nobody else from being served; the job that verifies the ledger makes it known. */
async function sweepBeforeServing({ leases }: Services, logger: Logger): Promise<void> {
  try {
    await leases.sweep()
  } catch (error) {
    if (!(error instanceof AggregateError)) throw error
    logger.error({ job: 'sweep', err: error }, 'job failed')
  }
}
