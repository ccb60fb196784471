/** How the messages of budget protocol 4 must be answered, refusals in the order of http-api 4.9.2. */
import type { Answer, Call, Message, Sent } from '../commands.ts'
import type { AgentModel, Asked, Booked } from './agent.ts'
import type { ModelLease } from './lease.ts'
import type { WorldModel } from './world.ts'

export function answerMessage(world: WorldModel, sent: Sent, clock: number, actual: Answer): Answer | string {
  const agent = world.agent(sent.agentId)
  const { message } = sent
  agent.begin(clock)
  switch (message.kind) {
    case 'open':
    case 'refresh':
      return grant(world, agent, sent, message, clock, String(actual.lease))
    case 'report':
      return report(world, agent, message.call, clock)
    case 'batch':
      return { items: message.calls.map((call) => report(world, agent, call, clock)) }
    case 'return':
      return giveBack(world, agent, message.leaseId, message.claim, clock)
    case 'telemetry':
      return {}
  }
}

function grant(
  world: WorldModel,
  agent: AgentModel,
  sent: Sent,
  message: Message & { readonly kind: 'open' | 'refresh' },
  clock: number,
  newId: string,
): Answer | string {
  if (agent.archived) return 'AGENT_ARCHIVED'
  agent.sweep()
  const old = message.kind === 'refresh' ? agent.leases.get(message.leaseId) : undefined
  if (message.kind === 'refresh' && old === undefined) return 'LEASE_NOT_FOUND'
  // Authenticated before the locks: replaced or revoked since.
  if (agent.token?.text !== sent.token) return 'TOKEN_REVOKED'
  if (!world.owner(agent.ownerId).active) return 'ACCOUNT_SUSPENDED'
  if (agent.stopped) return 'AGENT_STOPPED'
  const { key, requested } = message
  const asked: Asked = {
    requested,
    withKey: message.kind === 'open' ? message.withKey : (old?.withKey ?? false),
    supersedes: old?.id ?? null,
    conforming: world.conforming(sent.from),
  }
  const known = key === undefined ? undefined : agent.keys.get(key)
  const replay = known === undefined ? undefined : replayOf(agent.leases.get(known), asked)
  if (typeof replay === 'string') return replay
  const successor = agent.leases.get(old?.successor ?? '')
  const repeated = replay ?? (successor?.status === 'active' ? successor : undefined)
  if (repeated !== undefined) return granted(world, agent, repeated, true)
  if (old !== undefined && old.status !== 'active') return 'LEASE_NOT_ACTIVE'
  const lease = agent.grant(newId, asked, roomOf(world, agent, clock), old)
  if (typeof lease === 'string') return lease
  if (key !== undefined) agent.keys.set(key, lease.id)
  return granted(world, agent, lease, false)
}

function replayOf(known: ModelLease | undefined, asked: Asked): ModelLease | string {
  const same =
    known?.requested === asked.requested && known.withKey === asked.withKey && known.supersedes === asked.supersedes
  if (!same) return 'IDEMPOTENCY_CONFLICT'
  return known.status === 'active' ? known : 'LEASE_NOT_ACTIVE'
}

function roomOf(world: WorldModel, agent: AgentModel, clock: number) {
  return world.owner(agent.ownerId).room(clock, world.reservedOf(agent.ownerId))
}

function granted(world: WorldModel, agent: AgentModel, lease: ModelLease, duplicate: boolean): Answer {
  if (lease.withKey) world.told.audit.push('PROVIDER_KEY_DISCLOSED')
  return {
    lease: lease.id,
    granted: lease.granted,
    partial: lease.granted < lease.requested,
    expiresAt: lease.expiresAt,
    sealed: lease.withKey,
    duplicate,
    ...standing(agent),
  }
}

function report(world: WorldModel, agent: AgentModel, call: Call, clock: number): Answer | string {
  const known = agent.booked.get(call.requestId)
  if (known !== undefined) {
    const same = known.call.cost === call.cost && known.call.tokens === call.tokens
    return same ? charged(agent, known, true) : 'IDEMPOTENCY_CONFLICT'
  }
  agent.sweep()
  const lease = agent.leases.get(call.leaseId)
  if (lease === undefined) return 'LEASE_NOT_FOUND'
  const booked = agent.book(lease, call)
  world.owner(agent.ownerId).count(clock, { tokens: call.tokens, requests: 1, cost: booked.counted })
  return charged(agent, booked, false)
}

function charged(agent: AgentModel, { call, late, overrun }: Booked, duplicate: boolean): Answer {
  const { leaseId: lease, cost } = call
  return { lease, cost, late, overrun, duplicate, overBudget: agent.available < 0, ...standing(agent) }
}

function giveBack(
  world: WorldModel,
  agent: AgentModel,
  leaseId: string,
  claim: number | undefined,
  clock: number,
): Answer | string {
  agent.sweep()
  const lease = agent.leases.get(leaseId)
  if (lease === undefined) return 'LEASE_NOT_FOUND'
  const duplicate = lease.returned !== null
  if (!duplicate) {
    const gap = agent.giveBack(lease, claim)
    world.owner(agent.ownerId).count(clock, { tokens: 0, requests: 0, cost: gap })
  }
  return { ...lease.returned, returned: lease.released, status: lease.status, duplicate, ...standing(agent) }
}

/** What every answer tells of the agent (I24). */
function standing(agent: AgentModel): Answer {
  return { balance: agent.balance, desired: agent.stopped || agent.archived ? 'stopped' : 'running' }
}
