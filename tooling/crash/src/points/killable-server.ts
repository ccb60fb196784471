/** A server with the hook in it, that is started again when it died. */
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client, logIn, type Server, startServer } from '@iron/cluster'
import type { Installation } from '../installation.ts'
import type { Headers } from './subject.ts'

/** Reading the program is most of a start; hundreds of starts share it. */
const COMPILE_CACHE = path.join(tmpdir(), 'iron-crash-compile-cache')

const HOOK = fileURLToPath(new URL('hook.ts', import.meta.url))

/** What the hook says: where the process dies, or what was passed. */
export interface Told {
  readonly point?: string
  readonly points?: readonly string[]
  readonly awaits?: number
}

export class KillableServer implements AsyncDisposable {
  /** A session survives every restart. */
  readonly admin: Headers
  readonly #installation: Installation
  #server: Server
  #client: Client
  #linesRead = 0

  private constructor(installation: Installation, server: Server, client: Client, admin: Headers) {
    this.#installation = installation
    this.#server = server
    this.#client = client
    this.admin = admin
  }

  static async start(installation: Installation): Promise<KillableServer> {
    const server = await begin(installation)
    const client = new Client(server.address)
    return new KillableServer(installation, server, client, await logIn(client))
  }

  get client(): Client {
    return this.#client
  }

  /** What the hook says next. */
  async nextTold(): Promise<Told> {
    this.#linesRead += 1
    const line = new RegExp(`(?:crash point (\\{.*\\})\\n[^]*?){${this.#linesRead}}`)
    const [, told = ''] = await this.#server.process.waitFor(line, { stream: 'stderr' })
    return JSON.parse(told) as Told
  }

  /** Waits for its end and starts another on the same database. */
  async restart(): Promise<void> {
    await this.#server.process.exited
    this.#client[Symbol.dispose]()
    this.#server = await begin(this.#installation)
    this.#client = new Client(this.#server.address)
    this.#linesRead = 0
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client[Symbol.dispose]()
    await this.#server[Symbol.asyncDispose]()
  }
}

function begin({ program, env }: Installation): Promise<Server> {
  return startServer(program, { ...env, NODE_COMPILE_CACHE: COMPILE_CACHE }, { node: ['--import', HOOK] })
}
