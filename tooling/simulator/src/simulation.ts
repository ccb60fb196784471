/**
 * One seed, one world (budget protocol 16): runtimes over a network that loses, repeats and reorders, admins, clocks that jump,
 * servers that crash. Every answer and, after every step, everything stored is compared with the model.
 */
import { createTestDb } from '@iron/database/testing'
import { maximaFor, nextOrder } from './administrator.ts'
import type { Command, Order, Sent } from './commands.ts'
import { Dice } from './dice.ts'
import { DAY, GRACE_MS, MINUTE, SECOND, TOLERANCE_MS, TTL_MS } from './rules.ts'
import { Runtime } from './runtime.ts'
import { Universe } from './universe.ts'
import { type Installation, installation } from './world/setup.ts'

/** Steps of one world, besides those that end it. */
const STEPS = 30
/** Whole chains are verified after so many steps, and at the end; what changes is compared after every step. */
const VERIFY_EVERY = 15
/** Ten years, for a clock that is set wrong for a while. */
const FAR_MS = 3_650 * DAY
/** Statements within which a planned crash happens: about what two messages need. */
const CRASH_WITHIN = 30

/**
 * Lives one world.
 *
 * @param trace is told of everything that happens, one line each
 * @throws {Mismatch} naming what differs from the model; whatever a server throws that is no refusal
 */
export async function simulate(seed: number, trace: (line: string) => void = () => undefined): Promise<void> {
  const start = await installation()
  await using test = await createTestDb({ image: start.image, seed, at: start.at + DAY })
  const dice = new Dice(seed)
  const runtimes = populate(start, dice)
  const simulation = new Simulation(new Universe({ test, start, runtimes, dice, trace }), dice)
  await simulation.run()
}

/** One agent of conforming runtimes, one of both kinds, one of a careless one. */
function populate({ agents }: Installation, dice: Dice): readonly Runtime[] {
  return agents.flatMap((agent) => {
    const kinds = { careful: [true, true], mixed: [true, false], careless: [false] }[agent.name] ?? []
    return kinds.map((conforming, index) => new Runtime(`${agent.name}-${index + 1}`, agent, conforming, dice))
  })
}

class Simulation {
  readonly #universe: Universe
  readonly #dice: Dice
  readonly #network: Sent[] = []
  #isFar = false

  constructor(universe: Universe, dice: Dice) {
    this.#universe = universe
    this.#dice = dice
  }

  async run(): Promise<void> {
    const universe = this.#universe
    await universe.begin()
    if (this.#dice.chance(0.6)) {
      const ownerId = this.#dice.pick([...universe.model.owners.keys()])
      await this.#order({ kind: 'limit', ownerId, maxima: maximaFor(this.#dice) })
    }
    for (let step = 1; step <= STEPS; step += 1) {
      await this.#step()
      if (step % VERIFY_EVERY === 0) await universe.verify()
    }
    await this.#end()
  }

  async #step(): Promise<void> {
    switch (this.#dice.weighted({ act: 40, deliver: 45, order: 9, time: 6 })) {
      case 'act':
        for (let acts = 1 + this.#dice.below(4); acts > 0; acts -= 1) {
          const runtime = this.#dice.pick(this.#universe.runtimes)
          this.#network.push(...runtime.act(this.#universe.now))
        }
        return
      case 'deliver':
        return this.#deliver()
      case 'order':
        return this.#order(nextOrder(this.#dice, this.#universe.model))
      case 'time':
        return this.#time()
    }
  }

  /** Some messages arrive together, sometimes while an admin acts, sometimes at a server that is about to crash. */
  async #deliver(): Promise<void> {
    const dice = this.#dice
    const commands: Command[] = []
    for (let arriving = 1 + dice.below(4); arriving > 0 && this.#network.length > 0; arriving -= 1) {
      const index = dice.below(this.#network.length)
      const sent = this.#network[index] as Sent
      const fate = dice.weighted({ arrives: 78, arrivesAgainLater: 14, isLost: 8 })
      if (fate !== 'arrivesAgainLater') this.#network.splice(index, 1)
      if (fate !== 'isLost') commands.push({ sent })
    }
    if (dice.chance(0.12)) {
      const order = this.#sane(nextOrder(dice, this.#universe.model))
      if (order.kind !== 'sweep') commands.splice(dice.below(commands.length + 1), 0, { order })
    }
    const crash = dice.chance(0.08) ? dice.pick(['unanswered', dice.below(CRASH_WITHIN)] as const) : undefined
    await this.#universe.together(commands, { crash, lose: 0.12 })
  }

  async #order(order: Order): Promise<void> {
    await this.#universe.together([{ order: this.#sane(order) }], {})
  }

  /** A token issued in the far future would stay unusable after the clock is set right. */
  #sane(order: Order): Order {
    return this.#isFar && (order.kind === 'rotate' || order.kind === 'issue') ? { kind: 'sweep' } : order
  }

  async #time(): Promise<void> {
    const dice = this.#dice
    const { clock } = this.#universe
    switch (dice.weighted({ passes: 45, lapses: 20, stepsBack: 15, months: 10, isWrong: 10 })) {
      case 'passes':
        clock.advance(dice.below(4 * MINUTE))
        break
      case 'lapses':
        clock.advance(TTL_MS + dice.below(2 * GRACE_MS))
        break
      case 'stepsBack':
        clock.advance(-dice.below(2 * MINUTE))
        break
      case 'months':
        clock.advance(61 * DAY + dice.below(DAY))
        return this.#order({ kind: 'prune' })
      case 'isWrong': {
        const here = clock.now()
        clock.advance(FAR_MS)
        this.#isFar = true
        await this.#order(nextOrder(dice, this.#universe.model))
        await this.#deliver()
        this.#isFar = false
        clock.set(here + SECOND)
        break
      }
    }
    if (dice.chance(0.3)) await this.#order({ kind: 'sweep' })
  }

  /** The journals are drained and every lease runs out: then nothing is held, and what was really spent stands in the books. */
  async #end(): Promise<void> {
    const { model, clock, runtimes } = this.#universe
    for (const agent of model.agents.values()) {
      if (agent.archived) continue
      if (agent.token === null) await this.#order({ kind: 'issue', agentId: agent.id })
      clock.set(Math.max(clock.now(), agent.token?.issuedAt ?? 0))
    }
    for (const runtime of runtimes) {
      runtime.token = model.agent(runtime.agentId).token?.text ?? runtime.token
      for (const sent of runtime.flush()) await this.#universe.together([{ sent }], {})
    }
    await this.#order({ kind: 'sweep' })
    // An agent's time may be ahead of the clock by the tolerance.
    clock.advance(TTL_MS + GRACE_MS + TOLERANCE_MS + 10 * SECOND)
    await this.#order({ kind: 'sweep' })
    this.#universe.settled()
    await this.#universe.verify()
  }
}
