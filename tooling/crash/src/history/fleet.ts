/** Server processes on one database behind one address, which are killed and started again while clients work. */
import { type Balancer, type Server, startBalancer, startServer } from '@iron/cluster'
import type { Installation } from '../installation.ts'

export class Fleet implements AsyncDisposable {
  readonly #installation: Installation
  readonly #servers: Server[] = []
  #balancer: Balancer | undefined
  kills = 0

  private constructor(installation: Installation) {
    this.#installation = installation
  }

  static async start(installation: Installation, processes: number): Promise<Fleet> {
    const fleet = new Fleet(installation)
    // The first makes the schema and the admin; the others find them.
    for (let started = 0; started < processes; started += 1) await fleet.#begin()
    fleet.#balancer = await startBalancer(() => fleet.#servers)
    return fleet
  }

  get address(): string {
    return String(this.#balancer?.address)
  }

  /** Kills the one that has served longest and starts another. */
  async replaceOne(): Promise<void> {
    const server = this.#servers.shift()
    if (server === undefined) return
    server.process.kill('SIGKILL')
    await server.process.exited
    this.kills += 1
    await this.#begin()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#balancer?.[Symbol.asyncDispose]()
    for (const server of this.#servers) await server[Symbol.asyncDispose]()
  }

  async #begin(): Promise<void> {
    const { program, env } = this.#installation
    this.#servers.push(await startServer(program, env))
  }
}
