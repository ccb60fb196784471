/** A server on a SQLite file, and a runtime that remembers what was acknowledged to it. */
import { chown, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import {
  type Answer,
  Client,
  hold,
  installationSettings,
  logIn,
  RATE_LIMITS_OFF,
  requireSound,
  type Server,
  startServer,
} from '@iron/cluster'
import type { StartedProcess } from '@iron/test-kit'
import { createSubject, type Subject } from '../points/subject.ts'
import type { Setting } from '../setting.ts'

type User = { readonly uid: number; readonly gid: number }

export interface CaseOptions {
  /** Where the database is made. Default: a folder of its own. */
  readonly folder?: string | undefined
  /** As whom the server runs. Default: as whoever runs this. */
  readonly user?: User | undefined
}

/** Large enough that no call is refused for want of money, in USD. */
const GRANT_USD = 100

export class Case implements AsyncDisposable {
  readonly file: string
  readonly #program: Setting['program']
  readonly #user: User | undefined
  readonly #env: Readonly<Record<string, string>>
  readonly #acknowledged = new Set<string>()
  #server: Server | undefined
  #client: Client | undefined
  #subject: Subject | undefined
  #leaseId = ''
  #calls = 0

  private constructor(file: string, program: Setting['program'], user: User | undefined) {
    this.file = file
    this.#program = program
    this.#user = user
    this.#env = installationSettings(`sqlite:${file}`, RATE_LIMITS_OFF)
  }

  /** A database in a new folder, a server on it, an agent and its lease. */
  static async begin({ program }: Setting, { folder, user }: CaseOptions = {}): Promise<Case> {
    const place = folder ?? (await mkdtemp(path.join(tmpdir(), 'iron-crash-')))
    if (user !== undefined) await chown(place, user.uid, user.gid)
    const made = new Case(path.join(place, 'iron.db'), program, user)
    await made.start()
    const admin = await logIn(made.client)
    const subject = await createSubject(made.client, admin)
    const lease = await made.client.must('POST', '/budget/handshake', { requested_usd: GRANT_USD }, subject.runtime)
    made.#subject = subject
    made.#leaseId = String(lease['lease_id'])
    return made
  }

  get client(): Client {
    if (this.#client === undefined) throw new Error('the server does not run')
    return this.#client
  }

  get process(): StartedProcess {
    if (this.#server === undefined) throw new Error('the server does not run')
    return this.#server.process
  }

  get acknowledged(): ReadonlySet<string> {
    return this.#acknowledged
  }

  async start(): Promise<void> {
    this.#server = await startServer(this.#program, this.#env, { user: this.#user })
    this.#client = new Client(this.#server.address)
  }

  /** Starts it where it must not start. @returns what it says */
  async refusedStart(): Promise<string> {
    try {
      await using server = await startServer(this.#program, this.#env, { user: this.#user })
      throw new Error(`it serves at ${server.address}`)
    } catch (error) {
      const [, said] = /^iron: (.*)$/m.exec(String(error)) ?? []
      hold(said !== undefined, `it should not have started: ${String(error)}`)
      return said
    }
  }

  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    await this.#server?.process.stop(signal)
    this.#client?.[Symbol.dispose]()
    this.#server = undefined
    this.#client = undefined
  }

  /** One report. */
  async report(): Promise<Answer> {
    this.#calls += 1
    const requestId = `call-${this.#calls}`
    const body = { lease_id: this.#leaseId, request_id: requestId, model: 'gpt-4o', cost_usd: 0.000_001 }
    const answer = await this.client.call('POST', '/budget/report', body, this.#subject?.runtime)
    if (answer.status === 200) this.#acknowledged.add(requestId)
    return answer
  }

  /** Reports that must be acknowledged. */
  async reports(count: number): Promise<void> {
    for (let sent = 0; sent < count; sent += 1) {
      const { status, text } = await this.report()
      hold(status === 200, `a report was answered with ${status} ${text}`)
    }
  }

  /** A read of the agent's balance. */
  look(): Promise<Answer> {
    return this.client.call('GET', `/agents/${this.#subject?.agentId}/budget`, undefined, this.#subject?.admin)
  }

  ready(): Promise<Answer> {
    return this.client.call('GET', '/ready')
  }

  /** What was acknowledged and is not there. */
  async lost(): Promise<string[]> {
    const { agentId, admin } = this.#subject as Subject
    const booked = new Set<unknown>()
    for (let after = ''; ;) {
      const page = await this.client.must('GET', `/agents/${agentId}/ledger?limit=1000${after}`, undefined, admin)
      for (const row of page['data'] as readonly Readonly<Record<string, unknown>>[]) booked.add(row['request_id'])
      if (page['next_cursor'] === null) return [...this.#acknowledged].filter((id) => !booked.has(id))
      after = `&after=${page['next_cursor'] as string}`
    }
  }

  /** The server runs and takes reports, nothing is lost, and the books are sound. */
  async requireWhole(): Promise<void> {
    const lost = await this.lost()
    hold(lost.length === 0, `${lost.length} acknowledged reports are lost: ${lost.join(' ')}`)
    await this.reports(1)
    await this.requireSound()
  }

  /** @throws {Violation} with what `iron verify` finds */
  requireSound(): Promise<void> {
    return requireSound({ program: this.#program, env: this.#env })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end('SIGKILL')
    await rm(path.dirname(this.file), { recursive: true, force: true }).catch(() => undefined)
  }
}
