/**
 * One seed, one world: runtimes that lend, call, report and return over a network that loses, repeats and reorders, admins who
 * change allocations, a clock that jumps, a server that crashes before it commits. Every answer is compared with the model's,
 * and the books are verified after every commit (budget protocol 16).
 */
import { isDeepStrictEqual } from 'node:util'
import type { Microdollars } from '@iron/cost-calculator'
import { type WriteTx } from '@iron/database'
import { seededRandom, type TestDbOptions } from '@iron/database/testing'
import { type Lease, LeaseError } from '../../src/index.ts'
import { ADMIN, DAY, MINUTE, moneyState, openWorld, type World } from '../world.ts'
import { AgentModel, type ModelRules } from './model.ts'

const RULES: ModelRules = { ttlMs: 10 * MINUTE, graceMs: MINUTE, maxOpen: 4 }
const AGENTS = ['agent-a', 'agent-b']
const USD = 1_000_000

export interface SimulationOptions extends TestDbOptions {
  readonly seed: number
  readonly steps: number
}

interface Called {
  readonly requestId: string
  readonly leaseId: string
  readonly cost: number
}

type Message =
  | { readonly kind: 'open'; readonly key: string; readonly amount: number }
  | { readonly kind: 'refresh'; readonly leaseId: string; readonly key: string; readonly amount: number }
  | { readonly kind: 'report'; readonly call: Called }
  | { readonly kind: 'batch'; readonly calls: readonly Called[] }
  | { readonly kind: 'return'; readonly leaseId: string; readonly claim: number | undefined }

/** A process that spends an agent's money. A conforming one starts a call only when it fits its lease. */
interface Runtime {
  readonly name: string
  readonly agentId: string
  readonly conforming: boolean
  lease: { readonly id: string; readonly granted: number; used: number; deadline: number } | undefined
  /** Calls whose report was not acknowledged. */
  journal: Called[]
  serial: number
}

/** How an operation ends, as both sides can say it. */
type Outcome = { readonly refused: string } | { readonly answer: unknown }

/** Resolves to everything the world left in its books and logs, for comparing engines. */
export async function simulate(options: SimulationOptions): Promise<unknown> {
  await using world = await openWorld({
    ...options,
    leases: { ttlMs: RULES.ttlMs, graceMs: RULES.graceMs, maxOpenPerAgent: RULES.maxOpen },
  })
  const simulation = new Simulation(world, options.seed)
  await simulation.start()
  for (let step = 0; step < options.steps; step += 1) await simulation.step()
  await simulation.finish()
  const { test } = world
  return {
    ledger: await test.rows('SELECT * FROM ledger_entries ORDER BY agent_id, seq'),
    leases: await test.rows('SELECT * FROM leases ORDER BY agent_id, created_at, id'),
    events: await test.rows('SELECT type, agent_id, data FROM events ORDER BY seq'),
    audit: await test.rows('SELECT operation, resource_id, actor_id, reason, metadata FROM audit_log ORDER BY seq'),
  }
}

class Simulation {
  readonly #world: World
  readonly #random: () => number
  readonly #models = new Map<string, AgentModel>()
  readonly #keys = new Map<
    string,
    { readonly lease: string; readonly amount: number; readonly refreshOf: string | null }
  >()
  readonly #runtimes: Runtime[]
  readonly #network: { readonly runtime: Runtime; readonly message: Message }[] = []
  readonly #conforming = new Set<string>()
  readonly #taken = new Set<string>()
  readonly #calls: (Called & { readonly agentId: string })[] = []
  #log: string[] = []

  constructor(world: World, seed: number) {
    this.#world = world
    this.#random = seededRandom(seed)
    this.#runtimes = [0, 1, 2, 3].map((index) => ({
      name: `runtime-${index}`,
      agentId: AGENTS[index % AGENTS.length]!,
      conforming: index < 2,
      lease: undefined,
      journal: [],
      serial: 0,
    }))
  }

  async start(): Promise<void> {
    for (const agentId of AGENTS) {
      const model = new AgentModel(RULES, this.#world.clock.now())
      this.#models.set(agentId, model)
      await this.#world.budgets.create(agentId, (100 * USD) as Microdollars, { ownerId: 'owner-1', actor: ADMIN })
      model.allocate(100 * USD, false)
    }
    await this.#check('start')
  }

  async step(): Promise<void> {
    const roll = this.#random()
    if (roll < 0.45) this.#act(this.#pick(this.#runtimes))
    else if (roll < 0.85) await this.#deliver()
    else if (roll < 0.94) await this.#administer()
    else await this.#time()
  }

  /** Drains every journal, lets every lease run out, and compares the books with what was really spent. */
  async finish(): Promise<void> {
    this.#network.length = 0
    for (const runtime of this.#runtimes) {
      for (const call of runtime.journal) await this.#report(runtime, call, false)
    }
    // Once to cut deadlines that a jumping clock has put far ahead, once to end them.
    for (let pass = 0; pass < 2; pass += 1) {
      this.#world.clock.advance(RULES.ttlMs + RULES.graceMs + DAY)
      await this.#sweep()
    }
    for (const agentId of AGENTS) {
      const model = this.#model(agentId)
      const budget = await this.#world.budgets.get(agentId)
      this.#expect(budget?.reserved, 0, 'nothing stays held (MON-08, MON-20)')
      const spent = this.#calls.filter((call) => call.agentId === agentId).reduce((sum, { cost }) => sum + cost, 0)
      this.#expect(
        model.spent + model.credits - model.charges,
        spent,
        'the books know every microdollar and no other (MON-08)',
      )
    }
  }

  #act(runtime: Runtime): void {
    const { lease } = runtime
    const now = this.#world.clock.now()
    if (lease === undefined) {
      this.#send(runtime, { kind: 'open', key: this.#name(runtime, 'open'), amount: this.#amount(20) })
    } else if (this.#random() < 0.6) {
      const cost = this.#cost(runtime, lease)
      const fits = lease.used + cost <= lease.granted && now < lease.deadline
      if (runtime.conforming && !fits) return
      const call = { requestId: this.#name(runtime, 'call'), leaseId: lease.id, cost }
      lease.used += cost
      runtime.journal.push(call)
      this.#calls.push({ ...call, agentId: runtime.agentId })
      this.#send(runtime, { kind: 'report', call })
    } else if (this.#random() < 0.3 && runtime.journal.length > 0) {
      this.#send(runtime, { kind: 'batch', calls: [...runtime.journal] })
    } else if (this.#random() < 0.5) {
      if (runtime.conforming && runtime.journal.length > 0) return
      this.#send(runtime, {
        kind: 'refresh',
        leaseId: lease.id,
        key: this.#name(runtime, 'refresh'),
        amount: this.#amount(20),
      })
    } else {
      const claims = [lease.used, undefined, Math.floor(lease.used / 2)]
      const claim = runtime.conforming ? lease.used : this.#pick(claims)
      runtime.lease = undefined
      this.#send(runtime, { kind: 'return', leaseId: lease.id, claim })
    }
  }

  #send(runtime: Runtime, message: Message): void {
    this.#network.push({ runtime, message })
  }

  /** Delivers some message of those under way; it may stay there and arrive again, and its answer may get lost. */
  async #deliver(): Promise<void> {
    if (this.#network.length === 0) return
    const index = Math.floor(this.#random() * this.#network.length)
    const { runtime, message } = this.#network[index]!
    const fate = this.#random()
    if (fate > 0.2) this.#network.splice(index, 1)
    if (fate > 0.9) {
      if (message.kind === 'open') runtime.lease = undefined
      return
    }
    const heard = this.#random() < 0.85
    switch (message.kind) {
      case 'open':
        return this.#open(runtime, message, heard)
      case 'refresh':
        return this.#refresh(runtime, message, heard)
      case 'report':
        return this.#report(runtime, message.call, heard)
      case 'batch':
        return this.#batch(runtime, message.calls, heard)
      case 'return':
        return this.#return(runtime, message)
    }
  }

  async #open(runtime: Runtime, { key, amount }: Message & { kind: 'open' }, heard: boolean): Promise<void> {
    const { leases } = this.#world
    const room = this.#room()
    const leaseId = `lease:${key}`
    const options = {
      idempotencyKey: key,
      leaseId,
      room: { left: room as Microdollars | null, blocked: false, exceeded: null },
    }
    let granted: Lease | undefined
    await this.#command(
      runtime.agentId,
      `open ${amount}`,
      async (tx) => {
        const grant = await leases.open(runtime.agentId, amount as Microdollars, { ...options, tx })
        granted = grant.lease
        return { id: grant.lease.id, granted: grant.lease.granted, duplicate: grant.duplicate }
      },
      (model) => {
        const known = this.#keys.get(key)
        if (known !== undefined) {
          model.sweep()
          const lease = model.leases.get(known.lease)!
          return lease.status === 'active'
            ? { id: lease.id, granted: lease.granted, duplicate: true }
            : 'LEASE_NOT_ACTIVE'
        }
        const answer = model.grant(leaseId, amount, room)
        if (typeof answer === 'string') return answer
        this.#keys.set(key, { lease: leaseId, amount, refreshOf: null })
        if (runtime.conforming) this.#conforming.add(leaseId)
        return { id: leaseId, granted: answer, duplicate: false }
      },
    )
    if (heard && granted !== undefined && runtime.lease === undefined) this.#take(runtime, granted)
  }

  async #refresh(
    runtime: Runtime,
    { leaseId, key, amount }: Message & { kind: 'refresh' },
    heard: boolean,
  ): Promise<void> {
    const { leases } = this.#world
    const room = this.#room()
    const next = `lease:${key}`
    const options = { idempotencyKey: key, leaseId: next, agentId: runtime.agentId }
    const bound = { left: room as Microdollars | null, blocked: false, exceeded: null }
    let granted: Lease | undefined
    await this.#command(
      runtime.agentId,
      `refresh ${leaseId} for ${amount}`,
      async (tx) => {
        const grant = await leases.refresh(leaseId, amount as Microdollars, { ...options, room: bound, tx })
        granted = grant.lease
        return { id: grant.lease.id, granted: grant.lease.granted, duplicate: grant.duplicate }
      },
      (model) => {
        const known = this.#keys.get(key)
        if (known !== undefined) {
          model.sweep()
          const lease = model.leases.get(known.lease)!
          return lease.status === 'active'
            ? { id: lease.id, granted: lease.granted, duplicate: true }
            : 'LEASE_NOT_ACTIVE'
        }
        const answer = model.refresh(leaseId, next, amount, room)
        if (typeof answer === 'string') return answer
        if ('replay' in answer) {
          return { id: answer.replay, granted: model.leases.get(answer.replay)!.granted, duplicate: true }
        }
        this.#keys.set(key, { lease: next, amount, refreshOf: leaseId })
        if (runtime.conforming) this.#conforming.add(next)
        return { id: next, granted: answer.granted, duplicate: false }
      },
    )
    if (heard && granted !== undefined && runtime.lease?.id === leaseId) this.#take(runtime, granted)
  }

  async #report(runtime: Runtime, call: Called, heard: boolean): Promise<void> {
    const { leases } = this.#world
    await this.#command(
      runtime.agentId,
      `report ${call.requestId} ${call.cost} on ${call.leaseId}`,
      async (tx) => {
        const result = await leases.report(call.leaseId, reportOf(call), { agentId: runtime.agentId, tx })
        return {
          lease: result.lease.id,
          cost: result.cost,
          late: result.late,
          overrun: result.overrun,
          duplicate: result.duplicate,
        }
      },
      (model) => model.report(call.leaseId, call.requestId, call.cost),
    )
    if (heard) runtime.journal = runtime.journal.filter(({ requestId }) => requestId !== call.requestId)
    if (heard && runtime.lease?.id === call.leaseId)
      runtime.lease.deadline = this.#world.clock.now() + RULES.ttlMs - 5_000
  }

  async #batch(runtime: Runtime, calls: readonly Called[], heard: boolean): Promise<void> {
    const { leases } = this.#world
    const unknown = { requestId: 'of-no-lease', leaseId: 'lease:unknown', cost: 1 }
    const items = this.#random() < 0.3 ? [unknown, ...calls] : calls
    await this.#command(
      runtime.agentId,
      `batch of ${items.length}`,
      async (tx) => {
        const reports = items.map((call) => ({ leaseId: call.leaseId, report: reportOf(call) }))
        const results = await leases.reportBatch(reports, { agentId: runtime.agentId, tx })
        return results.map((item) =>
          item.ok ? [item.result.cost, item.result.duplicate, item.result.late] : item.error.code,
        )
      },
      (model) => ({
        answers: items.map((call) => {
          const answer = model.report(call.leaseId, call.requestId, call.cost)
          return typeof answer === 'string' ? answer : [answer.cost, answer.duplicate, answer.late]
        }),
      }),
    )
    if (!heard) return
    const known = new Set(calls.map(({ requestId }) => requestId))
    runtime.journal = runtime.journal.filter(({ requestId }) => !known.has(requestId))
  }

  async #return(runtime: Runtime, { leaseId, claim }: Message & { kind: 'return' }): Promise<void> {
    const { leases } = this.#world
    await this.#command(
      runtime.agentId,
      `return ${leaseId} claiming ${String(claim)}`,
      async (tx) => {
        const result = await leases.returnLease(leaseId, {
          agentId: runtime.agentId,
          spent: claim as Microdollars | undefined,
          tx,
        })
        return {
          spent: result.spent,
          returned: result.returned,
          unreported: result.unreported,
          duplicate: result.duplicate,
        }
      },
      (model) => model.giveBack(leaseId, claim),
    )
  }

  async #administer(): Promise<void> {
    const { budgets, leases } = this.#world
    const agentId = this.#pick(AGENTS)
    const model = this.#model(agentId)
    const roll = this.#random()
    if (roll < 0.45) {
      const aims = [model.allocated, model.spent, model.spent + model.reserved, this.#amount(200)]
      const amount = Math.max(0, this.#pick(aims) + this.#pick([0, 0, 1, -1]))
      const force = this.#random() < 0.5
      await this.#command(
        agentId,
        `allocate ${amount}${force ? ' by force' : ''}`,
        async (tx) => {
          const change = await budgets.setAllocation(agentId, amount as Microdollars, ADMIN, { force, tx })
          return { revoked: [...change.leasesRevoked], changed: change.changed }
        },
        (known) => known.allocate(amount, force),
      )
    } else if (roll < 0.65) {
      const direction = this.#pick(['credit', 'charge'] as const)
      const amount = this.#amount(10)
      await this.#command(
        agentId,
        `${direction} ${amount}`,
        async (tx) => {
          await budgets.adjust(agentId, direction, amount as Microdollars, 'corrected', ADMIN, { tx })
        },
        (known) => known.adjust(direction, amount),
      )
    } else if (roll < 0.75) {
      await this.#command(
        agentId,
        'stop',
        async (tx) => ({
          leases: [...(await leases.revokeAll(agentId, ADMIN, { cause: 'agent_stopped', tx })).leases].sort(),
        }),
        (known) => ({ leases: known.revokeAll().sort() }),
      )
    } else if (roll < 0.85 && model.leases.size > 0) {
      const leaseId = this.#pick([...model.leases.keys()])
      await this.#command(
        agentId,
        `revoke ${leaseId}`,
        async (tx) => {
          await leases.revoke(leaseId, ADMIN, { agentId, tx })
        },
        (known) => known.revoke(leaseId),
      )
    } else await this.#sweep()
  }

  async #sweep(): Promise<void> {
    for (const agentId of AGENTS) {
      this.#model(agentId).begin(this.#world.clock.now())
      this.#model(agentId).sweep()
    }
    await this.#world.leases.sweep()
    await this.#check('sweep')
  }

  async #time(): Promise<void> {
    const { clock, requests } = this.#world
    const roll = this.#random()
    if (roll < 0.5) clock.advance(Math.floor(this.#random() * 4 * MINUTE))
    else if (roll < 0.65) clock.advance(RULES.ttlMs + Math.floor(this.#random() * 2 * RULES.graceMs))
    else if (roll < 0.8) clock.advance(-Math.floor(this.#random() * 2 * MINUTE))
    else if (roll < 0.9) {
      const here = clock.now()
      clock.advance(3_650 * DAY)
      await this.#administer()
      await this.#deliver()
      clock.set(here)
    } else {
      clock.advance(61 * DAY)
      await requests.rollUp()
      await requests.prune({ olderThan: clock.now() - 60 * DAY })
    }
    await this.#check('time')
  }

  /**
   * Runs a command on both sides and compares. Now and then the server crashes before the commit: then nothing has happened,
   * and the message is delivered again.
   */
  async #command(
    agentId: string,
    name: string,
    run: (tx: WriteTx) => Promise<unknown>,
    expected: (model: AgentModel) => unknown,
  ): Promise<void> {
    const { test } = this.#world
    this.#log.push(`${this.#world.clock.now()} ${agentId} ${name}`)
    if (this.#random() < 0.05) {
      const before = await moneyState(this.#world)
      await this.#crash(run)
      this.#expect(await moneyState(this.#world), before, 'a crash before the commit leaves no trace (I20, CON-04)')
    }
    const before = this.#random() < 0.2 ? await moneyState(this.#world) : undefined
    const outcome = await test.db.write<Outcome>(async (tx) => {
      try {
        return { answer: await run(tx) }
      } catch (error) {
        if (error instanceof LeaseError) return { refused: error.code }
        throw error
      }
    })
    const model = this.#model(agentId)
    model.begin(this.#world.clock.now())
    const answer = expected(model)
    if (typeof answer === 'string') {
      this.#expect(outcome, { refused: answer }, name)
      if (before !== undefined && model.swept === 0) {
        this.#expect(await moneyState(this.#world), before, 'a refused message changes nothing (P9, I14)')
      }
    } else {
      const comparable = typeof answer === 'object' && answer !== null && 'answers' in answer ? answer.answers : answer
      this.#expect(outcome, { answer: comparable }, name)
    }
    await this.#check(name)
  }

  async #crash(run: (tx: WriteTx) => Promise<unknown>): Promise<void> {
    try {
      await this.#world.test.db.write(async (tx) => {
        await run(tx).catch(() => undefined)
        throw new Crash()
      })
    } catch (error) {
      if (!(error instanceof Crash)) throw error
    }
  }

  /** I1 to I16 as far as one process can see them. */
  async #check(where: string): Promise<void> {
    const { ledger, test } = this.#world
    this.#expect(await ledger.verify(), [], `verify after ${where} (P1)`)
    for (const agentId of AGENTS) {
      const model = this.#model(agentId)
      const [row] = await test.rows<Record<string, number>>(
        'SELECT allocated_micros, reserved_micros, spent_micros, version, ledger_seq FROM agent_budgets WHERE agent_id = ?',
        agentId,
      )
      this.#expect(
        Object.values(row ?? {}).map(Number),
        [model.allocated, model.reserved, model.spent, model.version, model.rows],
        `balances of ${agentId} after ${where}`,
      )
      if (model.spent + model.reserved > model.allocated + model.overruns) this.#fail(`E2 fails after ${where}`)
      if (model.open.length > RULES.maxOpen) this.#fail(`I16 fails after ${where}`)
      const stored = await test.rows<Record<string, unknown>>(
        'SELECT id, status, close_reason, spent_micros, overrun_micros, released_micros, unreported_micros, expires_at FROM leases WHERE agent_id = ?',
        agentId,
      )
      const byId = new Map(stored.map((lease) => [lease.id, lease]))
      this.#expect(stored.length, model.leases.size, `leases after ${where}`)
      for (const lease of model.leases.values()) {
        const { id, status, reason, spent, overrun, released, unreported, expiresAt } = lease
        this.#expect(
          Object.values(byId.get(id) ?? {}),
          [id, status, reason, spent, overrun, released, unreported, expiresAt],
          `lease ${id} after ${where}`,
        )
        if (this.#conforming.has(id) && overrun > released) this.#fail(`E3 fails for ${id} after ${where}`)
      }
    }
  }

  /** A lease is started once: an answer that arrives again is old news. */
  #take(runtime: Runtime, lease: Lease): void {
    if (this.#taken.has(lease.id)) return
    this.#taken.add(lease.id)
    const deadline = this.#world.clock.now() + RULES.ttlMs - 5_000
    runtime.lease = { id: lease.id, granted: lease.granted, used: 0, deadline }
  }

  #cost(runtime: Runtime, lease: NonNullable<Runtime['lease']>): number {
    const free = Math.max(0, lease.granted - lease.used)
    if (runtime.conforming) return Math.floor(this.#random() * (free + 1))
    return this.#pick([0, 1, free, free + 1, Math.floor(this.#random() * 2 * lease.granted)])
  }

  #model(agentId: string): AgentModel {
    return this.#models.get(agentId)!
  }

  #room(): number | null {
    return this.#random() < 0.8 ? null : Math.floor((this.#random() - 0.2) * 20 * USD)
  }

  #amount(mostUsd: number): number {
    return 1 + Math.floor(this.#random() * mostUsd * USD)
  }

  #name(runtime: Runtime, what: string): string {
    runtime.serial += 1
    return `${runtime.name}.${what}.${runtime.serial}`
  }

  #pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.#random() * from.length)]!
  }

  #expect(actual: unknown, expected: unknown, what: string): void {
    if (isDeepStrictEqual(actual, expected)) return
    this.#fail(`${what}\nexpected ${JSON.stringify(expected)}\nactual   ${JSON.stringify(actual)}`)
  }

  #fail(what: string): never {
    throw new Error(`${what}\n${this.#log.slice(-15).join('\n')}`)
  }
}

class Crash extends Error {}

function reportOf({ requestId, cost }: Called) {
  return { requestId, model: 'gpt-4o', cost: cost as Microdollars }
}
