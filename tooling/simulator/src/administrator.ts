/** Admins who change whatever can be changed, often to the very figure where rules meet. */
import type { Maxima, Order } from './commands.ts'
import type { Dice } from './dice.ts'
import type { AgentModel } from './model/agent.ts'
import type { WorldModel } from './model/world.ts'
import { USD } from './rules.ts'

export function nextOrder(dice: Dice, world: WorldModel): Order {
  const agent = dice.pick([...world.agents.values()])
  const agentId = agent.id
  const kind = dice.weighted(WEIGHTS)
  switch (kind) {
    case 'stop':
    case 'archive':
      return agent.stopped && kind === 'stop' ? { kind: 'resume', agentId } : { kind, agentId }
    case 'resume':
    case 'rotate':
      return { kind, agentId }
    case 'token':
      return { kind: agent.token === null ? 'issue' : 'untoken', agentId }
    case 'suspend': {
      const owner = dice.pick([...world.owners.values()])
      return { kind: owner.active ? 'suspend' : 'activate', ownerId: owner.id }
    }
    case 'move':
      return { kind, agentId, ownerId: dice.pick([...world.owners.keys()]) }
    case 'allocate':
      return { kind, agentId, amount: amountFor(dice, agent), force: dice.chance(0.6) }
    case 'credit':
    case 'charge':
      return { kind, agentId, amount: 1 + dice.below(dice.chance(0.3) ? Math.max(1, agent.spent) : 8 * USD) }
    case 'revoke': {
      const leases = [...agent.leases.keys()]
      return leases.length === 0 ? { kind: 'sweep' } : { kind, agentId, leaseId: dice.pick(leases) }
    }
    case 'ask':
      return { kind, agentId, ownerId: agent.ownerId, amount: agent.allocated + dice.below(30 * USD) }
    case 'decide': {
      const requests = [...world.requests.keys()]
      if (requests.length === 0) return { kind: 'sweep' }
      return { kind: dice.pick(['approve', 'approve', 'reject', 'cancel'] as const), requestId: dice.pick(requests) }
    }
    case 'limit':
      return { kind, ownerId: dice.pick([...world.owners.keys()]), maxima: maximaFor(dice) }
    case 'sweep':
      return { kind }
  }
}

const WEIGHTS = {
  ...{
    stop: 3,
    resume: 1,
    archive: 0.4,
    rotate: 2,
    token: 1,
    suspend: 1.5,
    move: 1,
    allocate: 9,
    credit: 6,
    charge: 3,
  },
  ...{ revoke: 2, ask: 2, decide: 3, limit: 2, sweep: 4 },
}

export function maximaFor(dice: Dice): Maxima {
  const tokensPerDay = dice.chance(0.2) ? dice.below(40_000) : null
  // A limit bounds something.
  const costPerMonth = tokensPerDay === null || dice.chance(0.7) ? dice.below(60 * USD) : null
  return { tokensPerDay, costPerMonth, requestsPerMinute: dice.chance(0.2) ? dice.below(20) : null }
}

function amountFor(dice: Dice, { allocated, spent, reserved }: AgentModel): number {
  const edges = [allocated, spent, spent + reserved, spent * 2, dice.below(120 * USD), allocated + dice.below(20 * USD)]
  return Math.max(0, dice.pick(edges) + dice.pick([0, 0, 1, -1]))
}
