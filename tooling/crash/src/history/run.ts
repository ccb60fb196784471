/** `pnpm crash history`: many clients at once, servers killed under them, and everything that they saw held against the rules. */
import { randomInt } from 'node:crypto'
import { Client, hold, logIn, requireSound, sleep } from '@iron/cluster'
import { seededRandom } from '@iron/test-kit'
import type { Engine } from '../engines.ts'
import { createInstallation } from '../installation.ts'
import { createSubject, type Headers } from '../points/subject.ts'
import type { Setting } from '../setting.ts'
import { Administrator } from './administrator.ts'
import { check } from './check.ts'
import { FinalState } from './final-state.ts'
import { Fleet } from './fleet.ts'
import type { History, Tail } from './history.ts'
import { follow, watchBalances } from './observer.ts'
import { Recorder } from './recorder.ts'
import type { Run, RunAgent } from './run-state.ts'
import { Runtime } from './runtime.ts'

interface Size {
  /** On PostgreSQL; a SQLite file has one. */
  readonly processes: number
  readonly agents: number
  readonly runtimesPerAgent: number
  readonly seconds: number
  /** Kills, evenly spread. */
  readonly kills: number
}

const SIZES: Readonly<Record<Setting['size'], Size>> = {
  short: { processes: 2, agents: 4, runtimesPerAgent: 2, seconds: 4, kills: 1 },
  full: { processes: 3, agents: 8, runtimesPerAgent: 4, seconds: 60, kills: 8 },
}
/** Little, so that budgets run out. In USD. */
const ALLOCATED_USD = 8
/** Each decides about agents of its own, so that it knows which allocation its decisions stand on. */
const ADMINISTRATORS = 2
const CONNECTIONS = 60
const SEED_MAX = 1_000_000_000
const FAULTS_SHOWN = 20

/** @throws {Violation} with what the rules found */
export async function checkHistory(engine: Engine, { program, size, say }: Setting): Promise<History> {
  const { agents, runtimesPerAgent, seconds, kills, ...limits } = SIZES[size]
  const processes = engine.name === 'postgres' ? limits.processes : 1
  const seed = randomInt(SEED_MAX)
  await using stack = new AsyncDisposableStack()
  const installation = stack.use(await createInstallation(engine, program))
  const fleet = stack.use(await Fleet.start(installation, processes))
  using client = new Client(fleet.address, CONNECTIONS)
  const admin = await logIn(client)
  const run: Run = { recorder: new Recorder(client), admin, random: seededRandom(seed), isOver: false }
  const population = await Promise.all(Array.from({ length: agents }, () => createRunAgent(client, admin)))

  const clients = population.flatMap((agent, at) =>
    Array.from({ length: runtimesPerAgent }, (_, each) => new Runtime(run, agent, `${at}-${each}`).work()),
  )
  for (let each = 0; each < ADMINISTRATORS; each += 1) {
    const own = population.filter((_, at) => at % ADMINISTRATORS === each)
    clients.push(new Administrator(run, own, `admin-${each}`).work())
  }
  clients.push(watchBalances(run, population))
  const logs: Tail['log'][] = ['events', ...population.map(({ id }) => ({ agentId: id }))]
  const following = logs.map((log) => follow(run, log))
  for (let kill = 0; kill < kills; kill += 1) {
    await sleep((seconds * 1_000) / (kills + 1))
    await fleet.replaceOne()
  }
  await sleep((seconds * 1_000) / (kills + 1))
  run.isOver = true
  await Promise.all(clients)
  const tails = await Promise.all(following)

  const final = new FinalState(client, admin)
  const history: History = {
    calls: run.recorder.calls,
    tails,
    agents: await Promise.all(population.map(({ id }) => final.agent(id))),
    events: await final.events(),
  }
  const faults = check(history)
  hold(faults.length === 0, `${faults.length} faults:\n${faults.slice(0, FAULTS_SHOWN).join('\n')}`)
  await requireSound(installation)
  say(`${engine.name}: ${processes} processes, ${fleet.kills} × kill -9, seed ${seed}: ${figuresOf(history)}`)
  say(`${engine.name}: no rule is broken, iron verify finds nothing`)
  return history
}

async function createRunAgent(client: Client, admin: Headers): Promise<RunAgent> {
  const { agentId, runtime } = await createSubject(client, admin, ALLOCATED_USD)
  return { id: agentId, token: { headers: runtime, number: 0 } }
}

function figuresOf({ calls, tails, agents, events }: History): string {
  const count = (kind: string): number => calls.filter(({ outcome }) => outcome.kind === kind).length
  const rows = agents.reduce((sum, { ledger }) => sum + ledger.length, 0)
  const read = tails.reduce((sum, tail) => sum + tail.rows.length, 0)
  return (
    `${calls.length} calls (${count('done')} done, ${count('refused')} refused, ${count('unknown')} without outcome), ` +
    `${rows} ledger rows, ${events.length} events, ${read} rows read by tails`
  )
}
