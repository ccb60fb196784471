/** A world as it runs: servers on one database beside the model, and the comparison of the two after every step. */
import { isDeepStrictEqual } from 'node:util'
import { Ledger } from '@iron/lease-manager'
import type { ManualClock, TestDb } from '@iron/database/testing'
import { type Answer, type Command, describe, type Outcome } from './commands.ts'
import type { Dice } from './dice.ts'
import { AgentModel } from './model/agent.ts'
import { OwnerModel } from './model/owner.ts'
import { brokenPromise, unsettled } from './model/promises.ts'
import { expectedState } from './model/state.ts'
import { WorldModel } from './model/world.ts'
import { ALLOCATED_AT_FIRST } from './rules.ts'
import type { Runtime } from './runtime.ts'
import { ShortNames } from './short-names.ts'
import { authenticate, obey, outcomeOf, send } from './world/execute.ts'
import { Crash, type Ticket, tickets } from './world/fragile-database.ts'
import { Host, SKEWS_MS } from './world/host.ts'
import type { Installation } from './world/setup.ts'
import { StoredBooks } from './world/stored.ts'

/** Something was not as it must be. */
export class Mismatch extends Error {}

/** What a universe is made of. */
export interface Parts {
  readonly test: TestDb
  readonly start: Installation
  readonly runtimes: readonly Runtime[]
  readonly dice: Dice
  readonly trace: (line: string) => void
}

/** How commands are run together. */
export interface Circumstances {
  /** The server dies before that statement, or when everything is committed and nothing answered. */
  readonly crash?: number | 'unanswered' | undefined
  /** How probable it is that an answer is lost. */
  readonly lose?: number | undefined
}

interface Running {
  readonly command: Command
  readonly clock: number
  readonly ticket: Ticket
  readonly outcome: Promise<Outcome>
}

export class Universe {
  readonly model: WorldModel
  readonly runtimes: readonly Runtime[]
  readonly clock: ManualClock
  readonly #parts: Parts
  readonly #books: StoredBooks
  readonly #ledger: Ledger
  readonly #hosts: readonly Host[]
  readonly #names = new ShortNames()

  constructor(parts: Parts) {
    const { test, start, runtimes } = parts
    this.#parts = parts
    this.runtimes = runtimes
    this.clock = test.clock
    this.#books = new StoredBooks(test.db)
    this.#ledger = new Ledger(test.db)
    this.#hosts = SKEWS_MS.map((skewMs, index) => new Host(`server-${index + 1}`, skewMs, test, start.adminId))
    const conforming = new Set(runtimes.filter((runtime) => runtime.conforming).map(({ name }) => name))
    this.model = new WorldModel((name) => conforming.has(name))
  }

  get now(): number {
    return this.clock.now()
  }

  /** Tells the model what the installation left. */
  async begin(): Promise<void> {
    const { start, test } = this.#parts
    for (const id of start.ownerIds) this.model.owners.set(id, new OwnerModel(id))
    for (const { id, token } of start.agents) {
      const [row] = await test.rows<{ owner_id: string }>('SELECT owner_id FROM agent_budgets WHERE agent_id = ?', id)
      const agent = new AgentModel(id, String(row?.owner_id), start.at, this.model.told)
      agent.allocate(ALLOCATED_AT_FIRST)
      this.model.issue(agent, token, start.at)
      this.model.agents.set(id, agent)
    }
    this.model.told.take()
    const { state } = await this.#books.read()
    this.#expect(state, expectedState(this.model), 'the start')
  }

  /**
   * Runs commands at the same time, all on one server if it is to crash, else each on any; then compares: answers in the order
   * in which the writes ran, and the books.
   */
  async together(commands: readonly Command[], { crash, lose = 0 }: Circumstances): Promise<void> {
    const { dice } = this.#parts
    const doomed = crash === undefined ? undefined : dice.pick(this.#hosts)
    const running: Running[] = []
    const admitted: { command: Command; host: Host; run: () => Promise<Answer> }[] = []
    for (const command of commands) {
      const host = doomed ?? dice.pick(this.#hosts)
      const run = await this.#admit(command, host)
      if (run !== undefined) admitted.push({ command, host, run })
    }
    if (typeof crash === 'number') doomed?.db.crashAfter(crash)
    for (const { command, host, run } of admitted) {
      const ticket: Ticket = { ran: undefined }
      const outcome = tickets.run(ticket, () => outcomeOf(run()))
      // Looked at below; a rejection must not count as unhandled until then.
      outcome.catch(() => undefined)
      running.push({ command, clock: host.db.clock.now(), ticket, outcome })
    }
    const settled = await Promise.allSettled(running.map(({ outcome }) => outcome))
    const done = running.flatMap((each, index) => {
      const result = settled[index] as PromiseSettledResult<Outcome>
      if (result.status === 'fulfilled') return [{ ...each, outcome: result.value }]
      if (!(result.reason instanceof Crash)) throw result.reason
      this.#trace(`${describe(each.command)} → lost in a crash`)
      return []
    })
    done.sort((a, b) => (a.ticket.ran ?? Infinity) - (b.ticket.ran ?? Infinity))
    for (const { command, clock, outcome } of done) {
      const name = describe(command)
      const isHeard = crash !== 'unanswered' && !dice.chance(lose)
      this.#trace(`${name} → ${JSON.stringify(Object.values(outcome)[0])}${isHeard ? '' : ' (unheard)'}`)
      const expected = this.model.apply(command, clock, 'answer' in outcome ? outcome.answer : {})
      this.#expect(outcome, expected, name)
      if (isHeard && 'sent' in command) this.#runtime(command.sent.from).hear(command.sent, outcome, this.now)
    }
    if (doomed !== undefined && (crash === 'unanswered' || doomed.db.isDead)) {
      this.#trace(`${doomed.name} crashed and starts again`)
      doomed.boot()
    } else doomed?.db.crashAfter(undefined)
    await this.#check(commands.map(describe).join(' | '))
  }

  /** The chains, rows against sums, as `iron verify` does it. */
  async verify(): Promise<void> {
    this.#expect(await this.#ledger.verify(), [], 'verify (P1)')
  }

  /** What must hold once everything was reported and nothing is held any more. */
  settled(): void {
    const fault = unsettled(this.model, this.runtimes)
    if (fault !== undefined) throw new Mismatch(`${fault} at the end`)
  }

  /** Authenticates a message; what then is to be run, or nothing when the token is refused. */
  async #admit(command: Command, host: Host): Promise<(() => Promise<Answer>) | undefined> {
    const { server } = host
    if ('order' in command) return () => obey(server, command.order)
    const { sent } = command
    const answer = await authenticate(server, sent.token)
    const refused = typeof answer === 'string' ? answer : undefined
    this.#expect(refused, this.model.refusedToken(sent, host.db.clock.now()), `the token of ${describe(command)}`)
    if (typeof answer !== 'string') return () => send(server, answer, sent.message)
    this.#trace(`${describe(command)} → ${answer}`)
    const runtime = this.#runtime(sent.from)
    runtime.token = this.model.agent(sent.agentId).token?.text ?? runtime.token
    return undefined
  }

  async #check(where: string): Promise<void> {
    const { state, told, fault } = await this.#books.read()
    if (fault !== undefined) throw new Mismatch(`${fault} after ${where}`)
    this.#expect(told, this.model.told.take(), `what was written by ${where}`)
    this.#expect(state, expectedState(this.model), `the books after ${where}`)
    const broken = brokenPromise(this.model, this.runtimes)
    if (broken !== undefined) throw new Mismatch(`${broken} is broken after ${where}`)
  }

  #runtime(name: string): Runtime {
    const runtime = this.runtimes.find((each) => each.name === name)
    if (runtime === undefined) throw new Error(`there is no runtime ${name}`)
    return runtime
  }

  #expect(actual: unknown, expected: unknown, what: string): void {
    if (!isDeepStrictEqual(actual, expected)) throw new Mismatch(`${what}\n${difference(actual, expected)}`)
  }

  #trace(line: string): void {
    this.#parts.trace(`${new Date(this.now).toISOString()} ${this.#names.shorten(line)}`)
  }
}

/** Only what differs: of lists the lines that one side alone has. */
function difference(actual: unknown, expected: unknown): string {
  if (isRecord(actual) && isRecord(expected)) {
    const keys = new Set([...Object.keys(actual), ...Object.keys(expected)])
    return [...keys]
      .filter((key) => !isDeepStrictEqual(actual[key], expected[key]))
      .map((key) => `${key}: ${difference(actual[key], expected[key])}`)
      .join('\n')
  }
  if (Array.isArray(actual) && Array.isArray(expected) && actual.length + expected.length > 6) {
    const surplus = actual.filter((line) => !expected.includes(line))
    const missing = expected.filter((line) => !actual.includes(line))
    return `is ${JSON.stringify(surplus)}, must be ${JSON.stringify(missing)}`
  }
  return `is ${JSON.stringify(actual)}, must be ${JSON.stringify(expected)}`
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
