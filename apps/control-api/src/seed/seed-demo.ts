/**
 * Two weeks of five agents, told through the services as they would have been used: with a clock that steps through the past, so
 * that ledger, audit chain, counters, events and roll-ups are right by construction (seed-and-dev-workflow 1.3).
 */
import type { AgentPrincipal } from '@iron/agent-registry'
import { CostCalculator, type Microdollars, usd } from '@iron/cost-calculator'
import type { Actor } from '@iron/journal'
import { type ManualClock, seededRandom, SEED_USERS } from '@iron/token-manager/testing'
import type { Services } from '../services.ts'
import { DEMO_AGENTS, type DemoAgent } from './demo-agents.ts'
import { planCalls, type PlannedCall, totalOf } from './plan-calls.ts'
import { planLeases, type PlannedLease } from './plan-leases.ts'
import { planTrace, TRACE_SIZES } from './plan-trace.ts'

const SECOND_MS = 1_000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
/** From a lease to its first call, and from its last call to its return, in milliseconds. */
const BEFORE_FIRST_CALL_MS = 30 * SECOND_MS
const AFTER_LAST_CALL_MS = 30 * SECOND_MS

/** Who the audit log says set the agents up; what follows is done by whoever would have done it. */
const SEEDER: Actor = Object.freeze({ type: 'system', id: 'system:seed' })

/** What the demo is told with. */
export interface DemoParts {
  /** The clock of the services, which the demo moves; it stands at the anchor afterwards. */
  readonly clock: ManualClock
  /** "Now" of the seed, epoch ms. */
  readonly anchor: number
  readonly seed: number
}

/** What only the seeder gets to see. */
export interface SeededDemo {
  /** The IC token of the first agent. */
  readonly agentToken: string
}

interface Step {
  readonly at: number
  readonly run: () => Promise<unknown>
}

/** An agent of the demo while its story is told. */
interface Runtime {
  readonly agent: DemoAgent
  principal?: AgentPrincipal
  leaseId?: string
}

/** Fills a database that has the base seed. Every step is a transaction of its own, as in real life. */
export async function seedDemo(services: Services, parts: DemoParts): Promise<SeededDemo> {
  const { clock, anchor } = parts
  let agentToken = ''
  const steps: Step[] = []
  const runtimes = Object.values<DemoAgent>(DEMO_AGENTS).map((agent): Runtime => ({ agent }))
  for (const [index, runtime] of runtimes.entries()) {
    const create = async (): Promise<void> => {
      const token = await createAgent(services, runtime)
      if (index === 0) agentToken = token
    }
    steps.push({ at: anchor - 15 * DAY_MS + index * MINUTE_MS, run: create })
    const calls = planAgentCalls(runtime.agent, parts, index)
    steps.push(...workSteps(services, runtime, calls), ...stateSteps(services, runtime, calls, anchor))
  }
  steps.push(...requestSteps(services, anchor), ...endSteps(services, anchor), safetyStep(services, anchor))
  // Stable: steps of one moment stay in the order in which they were planned.
  for (const { at, run } of steps.sort((a, b) => a.at - b.at)) {
    clock.set(at)
    await run()
  }
  clock.set(anchor)
  while ((await services.requests.rollUp()) > 0);
  return Object.freeze({ agentToken })
}

/** Planned with the bundled prices, which the seeding services charge. */
export function planAgentCalls(
  agent: DemoAgent,
  { anchor, seed }: Omit<DemoParts, 'clock'>,
  index: number,
): PlannedCall[] {
  const random = seededRandom(seed * 100 + index)
  return planCalls(agent, { anchor, random, pricing: new CostCalculator(), withUnlistedModel: index === 0 })
}

async function createAgent(services: Services, runtime: Runtime): Promise<string> {
  const { name, description, ownerId, providers, allocated, id } = runtime.agent
  const { data } = await services.providers.list()
  const providerIds = providers.map((wanted) => data.find((provider) => provider.name === wanted)?.id ?? wanted)
  const made = await services.agents.create(
    { name, description, ownerId, allocated, providerIds, tags: ['demo'] },
    SEEDER,
  )
  if (made.agent.id !== id) throw new Error(`the demo needs ids of its own: agent ${name} became ${made.agent.id}`)
  const { token } = made.icToken
  const answer = await services.agents.authenticate(token, { isSignOfLife: false })
  if (answer.outcome !== 'ok') throw new Error(`the token of agent ${name} is refused: ${answer.code}`)
  runtime.principal = answer.principal
  return token
}

/** Leases with their calls and endings. */
function workSteps(services: Services, runtime: Runtime, calls: readonly PlannedCall[]): Step[] {
  const leases = planLeases(runtime.agent, calls)
  const traced = tracedCalls(runtime.agent, calls)
  return leases.flatMap((lease, index): Step[] => {
    const [first, last] = [lease.calls[0] as PlannedCall, lease.calls.at(-1) as PlannedCall]
    const isRefresh = leases[index - 1]?.ending === 'superseded'
    const begin: Step = {
      at: first.at - BEFORE_FIRST_CALL_MS,
      run: () => beginLease(services, runtime, lease, isRefresh),
    }
    const reports = lease.calls.map((call): Step => {
      const size = TRACE_SIZES[traced.indexOf(call)]
      return { at: call.at, run: () => reportCall(services, runtime, call, size) }
    })
    if (lease.ending !== 'returned') return [begin, ...reports]
    const beforeReturn = lease.isLastLate ? (lease.calls.at(-2) as PlannedCall) : last
    const spent = lease.isLastLate ? totalOf(lease.calls) : undefined
    const end: Step = {
      at: beforeReturn.at + AFTER_LAST_CALL_MS,
      run: () => services.protocol.returnLease(principalOf(runtime), leaseOf(runtime), { spent }),
    }
    return [begin, ...reports, end]
  })
}

async function beginLease(
  services: Services,
  runtime: Runtime,
  lease: PlannedLease,
  isRefresh: boolean,
): Promise<void> {
  const { requested } = lease
  const agent = principalOf(runtime)
  const grant = isRefresh
    ? await services.protocol.refresh(agent, leaseOf(runtime), { requested })
    : await services.protocol.handshake(agent, { requested, runtimeId: `${runtime.agent.name}-1` })
  runtime.leaseId = grant.lease.id
}

async function reportCall(
  services: Services,
  runtime: Runtime,
  { at, cost, report }: PlannedCall,
  traceSize: number | undefined,
): Promise<void> {
  const agent = principalOf(runtime)
  const traceId = traceSize === undefined ? undefined : services.database.ids.next('trace')
  const booked = await services.protocol.report(agent, leaseOf(runtime), { ...report, traceId })
  if (booked.cost !== cost)
    throw new Error(`${report.requestId} was charged ${String(booked.cost)}, planned ${String(cost)}`)
  if (traceId === undefined || traceSize === undefined) return
  await services.traces.append(agent.agentId, planTrace(traceId, traceSize, { at, cost, report }))
}

/** Completed calls of the first agent, spread over its time: those that are traced. */
function tracedCalls(agent: DemoAgent, calls: readonly PlannedCall[]): readonly PlannedCall[] {
  if (agent !== DEMO_AGENTS.supportTriage) return []
  const completed = calls.filter(({ report }) => report.outcome === undefined)
  return TRACE_SIZES.map((_, index) => {
    const place = Math.floor((completed.length * (index + 1)) / TRACE_SIZES.length) - 2
    return completed[place] as PlannedCall
  })
}

/** What the runtimes say of themselves. */
function stateSteps(services: Services, { agent }: Runtime, calls: readonly PlannedCall[], anchor: number): Step[] {
  const [first, last] = [calls[0] as PlannedCall, calls.at(-1) as PlannedCall]
  const say = (at: number, state: 'running' | 'idle' | 'failed', reason?: string): Step => ({
    at,
    run: () => services.agents.reportState(agent.id, state, { reason }),
  })
  const started = say(first.at - MINUTE_MS, 'running')
  if (agent === DEMO_AGENTS.codeReview) return [started, say(last.at + MINUTE_MS, 'idle')]
  if (agent === DEMO_AGENTS.dataEnrichment)
    return [started, say(last.at + MINUTE_MS, 'failed', 'the budget is exhausted')]
  if (agent === DEMO_AGENTS.nightlyReport) return [started]
  return [started, { at: anchor - 5 * SECOND_MS, run: () => services.agents.heartbeat(agent.id) }]
}

/** The admin stops one agent, and takes the credential of another that failed. */
function endSteps({ agents }: Services, anchor: number): Step[] {
  const { nightlyReport, dataEnrichment } = DEMO_AGENTS
  const reason = 'Replaced by the new reporting pipeline'
  return [
    { at: anchor - 19 * HOUR_MS, run: () => agents.stop(nightlyReport.id, byUser('admin'), { reason }) },
    { at: anchor - 26 * HOUR_MS, run: () => agents.revokeIcToken(dataEnrichment.id, byUser('admin')) },
  ]
}

function safetyStep({ requests }: Services, anchor: number): Step {
  const at = anchor - 2 * HOUR_MS
  const found = {
    type: 'safety.pii_detected',
    categories: ['email'],
    count: 1,
    action: 'redacted',
    direction: 'input',
  } as const
  return { at, run: () => requests.ingest(DEMO_AGENTS.supportTriage.id, [{ ...found, eventId: 'demo-pii-1', at }]) }
}

/** One budget request of each kind. */
function requestSteps({ agents, budgetRequests }: Services, anchor: number): Step[] {
  const ids = new Map<string, string>()
  const { supportTriage, codeReview, dataEnrichment } = DEMO_AGENTS
  const ask = (agentId: string, requestedAllocated: Microdollars, justification: string) => async (): Promise<void> => {
    const request = { agentId, requesterId: userId('developer'), requestedAllocated, justification }
    ids.set(agentId, (await budgetRequests.create(request, byUser('developer'))).id)
  }
  const idOf = (agentId: string): string => ids.get(agentId) ?? agentId
  const [asked1, asked2, asked3] = [
    ask(supportTriage.id, usd(40), 'Support volume doubled with the new region; 25 USD last a week.'),
    ask(codeReview.id, usd(25), 'The second team starts to use the reviewer next week.'),
    ask(dataEnrichment.id, usd(80), 'Enrich the whole archive instead of new records only.'),
  ]
  const approved = { reviewNotes: 'Approved for this quarter.' }
  const notes = 'The archive is out of scope: ask again with a sample first.'
  return [
    { at: anchor - 9 * DAY_MS, run: asked1 },
    {
      at: anchor - 9 * DAY_MS + 3 * HOUR_MS,
      run: () => agents.approveBudgetRequest(idOf(supportTriage.id), byUser('admin'), approved),
    },
    { at: anchor - 4 * DAY_MS, run: asked3 },
    { at: anchor - 3 * DAY_MS, run: () => budgetRequests.reject(idOf(dataEnrichment.id), notes, byUser('admin')) },
    { at: anchor - 5 * HOUR_MS, run: asked2 },
  ]
}

function byUser(username: string): Actor {
  const user = SEED_USERS.find((one) => one.username === username)
  return { type: 'user', id: userId(username), userId: userId(username), role: user?.role }
}

function userId(username: string): string {
  return SEED_USERS.find((user) => user.username === username)?.id ?? username
}

function principalOf({ principal, agent }: Runtime): AgentPrincipal {
  if (principal === undefined) throw new Error(`agent ${agent.name} acts before it was created`)
  return principal
}

function leaseOf({ leaseId, agent }: Runtime): string {
  if (leaseId === undefined) throw new Error(`agent ${agent.name} works before it has a lease`)
  return leaseId
}
