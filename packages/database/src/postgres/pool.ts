import type pg from 'pg'
import type { Pool, PoolClient } from 'pg'
import { DatabaseError } from '../errors.ts'
import { clientConfig, executorOf, watchedClient } from './client.ts'
import type { PostgresConnection } from './connection.ts'
import { busy, connectFailure, noAnswer, spoilsConnection } from './failure.ts'
import type { PostgresLimits } from './limits.ts'
import { Permits } from './permits.ts'
import { type Deadline, settledWithin } from './within.ts'

/**
 * The connections of one process. The driver's pool makes and keeps them; who may have one, how long anybody waits and which one is not
 * lent again is decided here.
 */
export class PostgresPool {
  readonly #limits: PostgresLimits
  readonly #pool: Pool
  readonly #permits: Permits
  readonly #live = new Set<PostgresConnection>()
  readonly #lent = new Set<PostgresConnection>()
  #closing = false

  /** @param report told of connections that broke while nobody used them */
  constructor(driver: typeof pg, url: string, limits: PostgresLimits, report: (error: unknown) => void) {
    this.#limits = limits
    this.#permits = new Permits(limits.connectionsMax, limits.waitingMax, () => busy('too many calls are waiting'))
    const Client = watchedClient(driver, limits, (connection) => this.#watch(connection, report))
    this.#pool = new driver.Pool({ ...clientConfig(url, limits), Client })
    // It repeats what its connections have said.
    this.#pool.on('error', () => undefined)
  }

  /** Calls that wait for a connection. */
  get waiting(): number {
    return this.#permits.waiting
  }

  /**
   * Lends a connection to `work`.
   *
   * @param patience how long to wait for one, connecting included
   * @throws {DatabaseError} DATABASE_CLOSED; DATABASE_BUSY when too many wait; DATABASE_UNAVAILABLE when none can be made; `patience.late`
   */
  async use<T>(patience: Deadline, work: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    if (this.#closing) throw closed()
    await this.#permits.take(patience)
    const client = await this.#connect(patience.deadlineMs)
    const connection = executorOf(client)
    this.#lent.add(connection)
    try {
      return await work(connection)
    } catch (error) {
      if (spoilsConnection(error)) connection.destroy(error as Error)
      throw error
    } finally {
      this.#lent.delete(connection)
      connection.settle()
      client.release(connection.failure !== undefined)
      this.#permits.give()
    }
  }

  /**
   * Lets what runs and waits finish for a while, then takes its connections away. Ends in bounded time whatever hangs.
   */
  async close(): Promise<void> {
    this.#closing = true
    await settledWithin(this.#permits.idle(), this.#limits.closeMs)
    this.#permits.close(closed())
    for (const connection of this.#live) if (!this.#isIdle(connection)) connection.destroy(closed())
    await this.#pool.end()
    await Promise.all([...this.#live].map((connection) => connection.ended))
  }

  /** Holds the permit until the attempt is over, also for a caller who has gone: else ever more attempts would pile up. */
  async #connect(deadlineMs: number): Promise<PoolClient> {
    const connecting = this.#pool.connect()
    const isInTime = await settledWithin(connecting, deadlineMs - performance.now())
    if (!isInTime) {
      void connecting
        .then(
          (client) => client.release(),
          () => undefined,
        )
        .then(() => this.#permits.give())
      throw noAnswer()
    }
    try {
      return await connecting
    } catch (error) {
      this.#permits.give()
      throw connectFailure(error)
    }
  }

  #isIdle(connection: PostgresConnection): boolean {
    return connection.isConnected && !this.#lent.has(connection)
  }

  #watch(connection: PostgresConnection, report: (error: unknown) => void): void {
    this.#live.add(connection)
    void connection.ended.then(() => this.#live.delete(connection))
    connection.onLost((error) => {
      // One that breaks while it is used tells its user; while it is being made, whoever waits for it; while all is closed, nobody.
      if (this.#isIdle(connection) && !this.#closing) report(error)
    })
  }
}

function closed(): DatabaseError {
  return new DatabaseError('DATABASE_CLOSED', 'the database is closed')
}
