/** What the orders of admins, and the server's own clockwork, must do (budget protocol 4.8, 6, 11, 14). */
import type { Answer, Order } from '../commands.ts'
import { GRACE_MS, TOLERANCE_MS, TTL_MS } from '../rules.ts'
import type { AgentModel } from './agent.ts'
import type { WorldModel } from './world.ts'

export function answerOrder(world: WorldModel, order: Order, clock: number, actual: Answer): Answer | string {
  if ('agentId' in order) {
    const agent = world.agent(order.agentId)
    agent.begin(clock)
    return ofAgent(world, agent, order, clock, actual)
  }
  switch (order.kind) {
    case 'suspend':
    case 'activate':
      world.owner(order.ownerId).active = order.kind === 'activate'
      return {}
    case 'limit':
      world.owner(order.ownerId).maxima = order.maxima
      return {}
    case 'approve':
    case 'reject':
    case 'cancel':
      return decide(world, order.requestId, order.kind, clock)
    case 'sweep':
      for (const agent of world.agents.values()) sweepDue(agent, clock)
      return {}
    case 'prune':
      return {}
  }
}

function ofAgent(
  world: WorldModel,
  agent: AgentModel,
  order: Extract<Order, { readonly agentId: string }>,
  clock: number,
  actual: Answer,
): Answer | string {
  if (agent.archived) {
    if (order.kind === 'archive') return { revoked: [] }
    if (order.kind === 'untoken') return { revoked: false }
    if (order.kind === 'revoke') {
      agent.sweep()
      return agent.leases.has(order.leaseId) ? 'AGENT_ARCHIVED' : 'LEASE_NOT_FOUND'
    }
    return 'AGENT_ARCHIVED'
  }
  switch (order.kind) {
    case 'stop': {
      if (agent.stopped) return { changed: false, revoked: [] }
      agent.stopped = true
      agent.sweep()
      return { changed: true, revoked: agent.revokeAll() }
    }
    case 'resume': {
      const changed = agent.stopped
      agent.stopped = false
      return { changed }
    }
    case 'archive': {
      agent.sweep()
      const revoked = agent.revokeAll()
      agent.archived = true
      agent.token = null
      for (const request of world.requests.values()) {
        if (request.agentId === agent.id && request.status === 'pending') request.status = 'cancelled'
      }
      return { revoked }
    }
    case 'rotate':
      agent.sweep()
      agent.revokeAll()
      return { token: world.issue(agent, String(actual.token), clock) }
    case 'issue':
      if (agent.token !== null) return 'IC_TOKEN_EXISTS'
      return { token: world.issue(agent, String(actual.token), clock) }
    case 'untoken': {
      const revoked = agent.token !== null
      if (revoked) {
        agent.sweep()
        agent.revokeAll()
      }
      agent.token = null
      return { revoked }
    }
    case 'move':
      if (order.ownerId !== agent.ownerId && !world.owner(order.ownerId).active) return 'USER_NOT_FOUND'
      agent.ownerId = order.ownerId
      return {}
    case 'allocate':
      return allocate(agent, order.amount, order.force)
    case 'credit':
    case 'charge':
      agent.sweep()
      if (order.kind === 'credit' && order.amount > agent.spent) return 'ADJUSTMENT_TOO_LARGE'
      agent.adjust(order.kind === 'charge' ? order.amount : -order.amount)
      return { balance: agent.balance }
    case 'revoke': {
      agent.sweep()
      const lease = agent.leases.get(order.leaseId)
      if (lease === undefined) return 'LEASE_NOT_FOUND'
      if (lease.status !== 'active') return 'LEASE_NOT_ACTIVE'
      agent.end(lease, 'revoked', 'revoked')
      return {}
    }
    case 'ask': {
      if (order.amount <= agent.allocated) return 'BUDGET_DECREASE_REQUEST'
      const id = String(actual.id)
      world.requests.set(id, { agentId: agent.id, requested: order.amount, status: 'pending' })
      world.told.audit.push(`BUDGET_REQUEST_CREATED ${id}`)
      return { id }
    }
  }
}

function allocate(agent: AgentModel, amount: number, force: boolean): Answer | string {
  agent.sweep()
  const revoked: string[] = []
  const changed = amount !== agent.allocated
  if (changed) {
    if (amount < agent.allocated) {
      if (amount < agent.spent) return 'BUDGET_BELOW_SPENT'
      if (!force) return 'BUDGET_DECREASE_REQUIRES_CONFIRMATION'
      const newestFirst = agent.open.sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1))
      for (const lease of newestFirst) {
        if (agent.spent + agent.reserved <= amount) break
        agent.end(lease, 'revoked', 'revoked')
        revoked.push(lease.id)
      }
    }
    agent.allocate(amount)
  }
  return { changed, revoked: revoked.sort(), balance: agent.balance }
}

function decide(world: WorldModel, id: string, kind: 'approve' | 'reject' | 'cancel', clock: number): Answer | string {
  const request = world.request(id)
  if (request.status !== 'pending') return 'REQUEST_ALREADY_REVIEWED'
  if (kind === 'approve') {
    const agent = world.agent(request.agentId)
    if (request.requested <= agent.allocated) return 'APPROVAL_DECREASES_BUDGET'
    agent.begin(clock)
    agent.sweep()
    agent.allocate(request.requested)
    request.status = 'approved'
    world.told.audit.push(`BUDGET_REQUEST_APPROVED ${id}`)
  } else {
    request.status = kind === 'reject' ? 'rejected' : 'cancelled'
    world.told.audit.push(kind === 'reject' ? `BUDGET_REQUEST_REJECTED ${id}` : `BUDGET_REQUEST_CANCELLED ${id}`)
  }
  return {}
}

/** The sweeper asks its own clock which agents have something due, and each of these by its own time. */
function sweepDue(agent: AgentModel, clock: number): void {
  const due = agent.open.some(
    ({ expiresAt }) => expiresAt + GRACE_MS <= clock || expiresAt > clock + TTL_MS + TOLERANCE_MS,
  )
  if (!due) return
  agent.begin(clock)
  agent.sweep()
}
