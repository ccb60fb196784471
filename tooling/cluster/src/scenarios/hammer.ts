/** Everything at once on many agents through all processes: no error but refusals, no deadlock that reaches a client, every invariant holds. */
import { seededRandom } from '@iron/test-kit'
import { type Answer, Client } from '../client.ts'
import type { Cluster } from '../cluster.ts'
import { rowsOf, SETTINGS } from '../installation.ts'
import { type Agent, createPopulation, type Population } from '../population.ts'
import { hold, type Play, type Setting, type Stage } from '../scenario.ts'
import { deadlocks, requireSound } from '../sound.ts'
import { Tally } from '../tally.ts'

const SIZES = { short: { agents: 24, seconds: 4, atOnce: 48 }, full: { agents: 300, seconds: 60, atOnce: 300 } }
/** Refusals that the protocol knows; anything else is a fault. */
const REFUSALS = [
  '403 BUDGET_EXCEEDED',
  '403 AGENT_STOPPED',
  '409 LEASE_CAP_REACHED',
  '409 LEASE_NOT_ACTIVE',
  '409 BUDGET_BELOW_SPENT',
  '400 BUDGET_DECREASE_REQUIRES_CONFIRMATION',
  '409 CONFLICT',
]

export const hammer: Play = {
  env: (size) => ({ IRON_SWEEP_SECONDS: '1', ...(size === 'full' && { IRON_LEASES_MAX: '8' }) }),
  perform,
}

async function perform({ cluster }: Stage, { size, say }: Setting): Promise<void> {
  const { agents, seconds, atOnce } = SIZES[size]
  using client = new Client(cluster.address, atOnce)
  const population = await createPopulation(client, agents, 20)
  say(
    `hammer: ${agents} agents, ${atOnce} callers, ${seconds} s, 3 processes; ${SETTINGS}, but ${cluster.env['IRON_LEASES_MAX']} leases`,
  )
  const tally = new Tally()
  const until = performance.now() + seconds * 1_000
  await Promise.all(
    Array.from({ length: atOnce }, async (_, index) => {
      const caller = new Caller(client, population, seededRandom(index + 1))
      while (performance.now() < until) tally.note(await caller.next())
    }),
  )
  const others = tally.others('200', ...REFUSALS)
  hold(others.length === 0, `answers that nobody should get: ${others.join(', ')} of ${String(tally)}`)
  await requireSound(cluster)
  say(`  ${String(tally)}`)
  say(
    `  ${Math.round(tally.total / seconds)} messages/s; deadlocks run again inside: ${await deadlocks(cluster.databaseUrl)}`,
  )
  say(`  ${await figuresOf(cluster)}; iron verify finds nothing`)
}

/** Picks an agent and a message at random, as a careless fleet of runtimes with several workers and admins would. */
class Caller {
  readonly #client: Client
  readonly #population: Population
  readonly #random: () => number
  readonly #leases: { readonly agent: Agent; readonly id: string }[] = []
  #made = 0
  readonly #name: string

  constructor(client: Client, population: Population, random: () => number) {
    this.#client = client
    this.#population = population
    this.#random = random
    this.#name = random().toString(36).slice(2)
  }

  async next(): Promise<Answer> {
    const dice = this.#random()
    const lease = this.#any(this.#leases)
    if (lease === undefined || dice < 0.15) return this.#borrow()
    if (dice < 0.65) return this.#report(lease)
    if (dice < 0.75) return this.#replace(lease)
    if (dice < 0.85) return this.#giveBack(lease)
    return dice < 0.93 ? this.#borrow('/budget/reserve') : this.#allocate()
  }

  async #borrow(path = '/budget/handshake'): Promise<Answer> {
    const agent = this.#any(this.#population.agents) as Agent
    const answer = await this.#post(path, { requested_usd: 1 + Math.floor(this.#random() * 4) }, agent)
    if (answer.status === 200) this.#leases.push({ agent, id: String(answer.body['lease_id']) })
    return answer
  }

  #report({ agent, id }: { readonly agent: Agent; readonly id: string }): Promise<Answer> {
    // One in ten is an earlier call told again.
    if (this.#random() >= 0.1) this.#made += 1
    const index = Math.max(1, this.#made)
    const body = { lease_id: id, request_id: `${this.#name}-${index}`, model: 'gpt-4o', cost_usd: 0.01 }
    return this.#post('/budget/report', body, agent)
  }

  async #replace(lease: { readonly agent: Agent; readonly id: string }): Promise<Answer> {
    const answer = await this.#post('/budget/refresh', { lease_id: lease.id, requested_usd: 2 }, lease.agent)
    if (answer.status === 200) {
      this.#forget(lease)
      this.#leases.push({ agent: lease.agent, id: String(answer.body['lease_id']) })
    }
    return answer
  }

  async #giveBack(lease: { readonly agent: Agent; readonly id: string }): Promise<Answer> {
    this.#forget(lease)
    return this.#post('/budget/return', { lease_id: lease.id, spent_usd: 0.01 }, lease.agent)
  }

  #allocate(): Promise<Answer> {
    const { id } = this.#any(this.#population.agents) as Agent
    const body = { allocated_usd: 10 + Math.floor(this.#random() * 30), force: this.#random() < 0.5 }
    return this.#client.call('PUT', `/agents/${id}/budget`, body, this.#population.admin)
  }

  #post(path: string, body: object, agent: Agent): Promise<Answer> {
    return this.#client.call('POST', path, body, agent.runtime)
  }

  #any<T>(list: readonly T[]): T | undefined {
    return list[Math.floor(this.#random() * list.length)]
  }

  #forget(lease: { readonly id: string }): void {
    const index = this.#leases.findIndex(({ id }) => id === lease.id)
    if (index >= 0) this.#leases.splice(index, 1)
  }
}

async function figuresOf({ databaseUrl }: Cluster): Promise<string> {
  const [row] = await rowsOf<Record<string, string>>(
    databaseUrl,
    `SELECT (SELECT COUNT(*) FROM ledger_entries) AS entries, (SELECT COUNT(*) FROM leases) AS leases,
      (SELECT head_seq FROM log_heads WHERE name = 'events') AS events, (SELECT COUNT(*) FROM audit_log) AS audit`,
  )
  return Object.entries(row ?? {})
    .map(([name, count]) => `${count} ${name}`)
    .join(', ')
}
