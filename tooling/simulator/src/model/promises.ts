/** What budget protocol 13 promises of any history, asked of the model, with which the database was compared before. */
import type { Runtime } from '../runtime.ts'
import type { AgentModel } from './agent.ts'
import { hold, type ModelLease, unheard } from './lease.ts'
import type { WorldModel } from './world.ts'

/** The first promise that is broken. */
export function brokenPromise(world: WorldModel, runtimes: readonly Runtime[]): string | undefined {
  for (const agent of world.agents.values()) {
    if (agent.spent + agent.reserved > agent.allocated + agent.overruns) return `E2 of ${agent.id}`
    for (const lease of agent.leases.values()) {
      const broken = brokenLease(lease)
      if (broken !== undefined) return `${broken} of ${lease.id}`
    }
    const own = ofAgent(runtimes, agent)
    if (own.every(({ conforming }) => conforming) && spentBy(own) > exposed(agent)) return `E4 of ${agent.id}`
  }
  return undefined
}

/** What is wrong when every journal is drained and every lease has run out. */
export function unsettled(world: WorldModel, runtimes: readonly Runtime[]): string | undefined {
  for (const agent of world.agents.values()) {
    if (agent.reserved !== 0) return `${agent.id} still holds ${agent.reserved}`
    const leases = [...agent.leases.values()]
    const unreported = leases.reduce((sum, lease) => sum + lease.unreported, 0)
    const billed = [...agent.booked.values()].reduce((sum, { call }) => sum + call.cost, 0)
    if (agent.spent - agent.adjusted !== billed + unreported) return `I10 of ${agent.id}`
    // An archived agent has no token to report with any more.
    if (agent.archived) continue
    const own = ofAgent(runtimes, agent)
    if (own.some(({ journal }) => journal.size > 0)) return `a journal of ${agent.id} is not drained`
    if (own.every(({ conforming }) => conforming) && agent.spent - agent.adjusted !== spentBy(own))
      return `${agent.id} spent ${spentBy(own)}, and the books say ${agent.spent - agent.adjusted}`
  }
  return undefined
}

/** I8 and E3. */
function brokenLease(lease: ModelLease): string | undefined {
  const { granted, spent, overrun, released, unreported, status, conforming } = lease
  if (hold(lease) < 0 || spent + released > granted || unreported > spent + overrun) return 'I8'
  if (status === 'active' ? released !== 0 : spent + released !== granted) return 'I8'
  return conforming && overrun > released ? 'E3' : undefined
}

/** S + V + R, credits added back and charges taken out: the most that conforming runtimes can have spent. */
function exposed(agent: AgentModel): number {
  const unheardOf = [...agent.leases.values()].reduce((sum, lease) => sum + unheard(lease), 0)
  return agent.spent - agent.adjusted + agent.reserved + unheardOf
}

function ofAgent(runtimes: readonly Runtime[], { id }: AgentModel): Runtime[] {
  return runtimes.filter(({ agentId }) => agentId === id)
}

function spentBy(runtimes: readonly Runtime[]): number {
  return runtimes.reduce((sum, { spent }) => sum + spent, 0)
}
