import type { TestDb } from '@iron/database/testing'
import { FragileDatabase } from './fragile-database.ts'
import { Server } from './server.ts'

/** How far the clocks of the hosts stand apart; hosts must agree within 5 s (budget protocol 11.2). */
export const SKEWS_MS: readonly number[] = [0, 1_700, -2_300]

/** A machine with a clock of its own and one server process at a time. */
export class Host {
  readonly name: string
  readonly #skewMs: number
  readonly #test: TestDb
  readonly #adminId: string
  #db: FragileDatabase
  #server: Server

  constructor(name: string, skewMs: number, test: TestDb, adminId: string) {
    this.name = name
    this.#skewMs = skewMs
    this.#test = test
    this.#adminId = adminId
    this.#db = this.#open()
    this.#server = new Server(this.#db, adminId)
  }

  get db(): FragileDatabase {
    return this.#db
  }

  get server(): Server {
    return this.#server
  }

  /** Starts a new process: nothing that the old one knew is left. */
  boot(): void {
    this.#db = this.#open()
    this.#server = new Server(this.#db, this.#adminId)
  }

  #open(): FragileDatabase {
    return new FragileDatabase(this.#test.db, { now: () => this.#test.clock.now() + this.#skewMs })
  }
}
