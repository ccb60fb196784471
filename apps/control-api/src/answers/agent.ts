import type { Agent, AgentStatus, IcTokenInfo, IssuedIcToken } from '@iron/agent-registry'
import type { Provider } from '@iron/token-manager'
import { id, nullable, oneOf, optional, time } from '../http/schemas.ts'
import { balanceAnswer, balanceWithStatusShape, budgetAnswer, budgetShape } from './budget.ts'
import { secretOmitted } from './list.ts'
import { providerAnswer, providerShape } from './provider.ts'
import { isoTime, isoTimeOrNull } from './scalars.ts'
import { always, component, dollars, flag, list, shape, type Shaped, shown, usuallyNull, whole } from './shape.ts'

export const agentState = oneOf('running', 'idle', 'stopped', 'failed')
export const desiredState = oneOf('running', 'stopped')
const agentStatus = oneOf('active', 'archived')

const agentFields = {
  id: id('agent'),
  budget_id: id('budget'),
  name: shown('research-bot'),
  description: usuallyNull(nullable(shown('Reads papers at night'))),
  owner_id: id('user'),
  tags: list(shown('research')),
  status: agentStatus,
  state: agentState,
  desired_state: desiredState,
  state_reason: usuallyNull(nullable(shown('heartbeat_missed'))),
  last_seen_at: nullable(time()),
  provider_ids: list(id('prov')),
  budget: budgetShape,
  created_at: time(),
  updated_at: time(),
}

export const agentShape = component('Agent', agentFields)

const icTokenInfoFields = {
  id: id('ic'),
  permissions: list(shown('llm:call')),
  created_at: time(),
  expires_at: usuallyNull(nullable(time())),
  last_used_at: usuallyNull(nullable(time())),
}

const icTokenInfoShape = component('IcTokenInfo', icTokenInfoFields)

export const issuedIcTokenShape = component('IssuedIcToken', {
  ...icTokenInfoFields,
  token: nullable(shown('ic_eyJhbGciOiJIUzI1NiJ9.eyJhZ2VudF9pZCI6Ii4uLiJ9.c2lnbmF0dXJl')),
})

export const agentWithTokenShape = component('AgentWithToken', {
  ...agentFields,
  ic_token: nullable(icTokenInfoShape),
})

export const newAgentShape = component('NewAgent', { ...agentFields, ic_token: issuedIcTokenShape, ...secretOmitted })

export const archivedAgentShape = component('ArchivedAgent', {
  ...agentFields,
  leases_revoked: whole(1),
  released_usd: dollars(20),
  budget_requests_cancelled: whole(0),
})

export const agentStateFields = { agent_id: id('agent'), state: agentState, desired_state: desiredState }

export const agentStateShape = shape({ ...agentStateFields, changed: flag(true) })

export const stoppedAgentShape = shape({
  agent_id: id('agent'),
  state: always('stopped'),
  desired_state: always('stopped'),
  changed: flag(true),
  leases_revoked: whole(1),
  released_usd: dollars(20),
})

export const heartbeatShape = shape({
  ...agentStateFields,
  server_time: time(),
  heartbeat_timeout_seconds: whole(90),
})

export const agentStatusShape = component('AgentStatus', {
  ...agentStateFields,
  name: shown('research-bot'),
  status: agentStatus,
  state_reason: usuallyNull(nullable(shown('heartbeat_missed'))),
  last_seen_at: nullable(time()),
  open_leases: whole(1),
  budget: balanceWithStatusShape,
  requests: shape({ total: whole(2), today: whole(2) }),
  last_request_at: nullable(time()),
  checked_at: time(),
})

export const agentProvidersShape = component('AgentProviders', {
  agent_id: id('agent'),
  providers: list(providerShape),
  count: whole(1),
  warning: optional({ ...shown('The agent has no provider: handshakes are refused until it has one'), examples: [] }),
})

export const icTokenStandingShape = shape({
  agent_id: id('agent'),
  has_ic_token: flag(true),
  ic_token: nullable(icTokenInfoShape),
})

const newIcTokenFields = { agent_id: id('agent'), ic_token: issuedIcTokenShape, ...secretOmitted }

export const newIcTokenShape = shape(newIcTokenFields)

export const regeneratedIcTokenShape = shape({ ...newIcTokenFields, old_token_invalidated: flag(true) })

/** `Agent` of http-api 4.4. */
export function agentAnswer(agent: Agent): Shaped<typeof agentShape> {
  return {
    id: agent.id,
    budget_id: agent.budgetId,
    name: agent.name,
    description: agent.description,
    owner_id: agent.ownerId,
    tags: agent.tags,
    status: agent.status,
    state: agent.state,
    desired_state: agent.desiredState,
    state_reason: agent.stateReason,
    last_seen_at: isoTimeOrNull(agent.lastSeenAt),
    provider_ids: agent.providerIds,
    budget: budgetAnswer(agent.budget),
    created_at: isoTime(agent.createdAt),
    updated_at: isoTime(agent.updatedAt),
  }
}

/** An agent with what may be known of its IC token. */
export function agentWithTokenAnswer(
  agent: Agent & { readonly icToken: IcTokenInfo | null },
): Shaped<typeof agentWithTokenShape> {
  return { ...agentAnswer(agent), ic_token: agent.icToken === null ? null : icTokenInfoAnswer(agent.icToken) }
}

/** What an agent does and is told to do: in the answer of whatever asks about it or changes it. */
export function agentStateAnswer(agent: Agent) {
  return { agent_id: agent.id, state: agent.state, desired_state: agent.desiredState }
}

/** The answer of `GET /agents/{id}/status`. */
export function agentStatusAnswer({
  agent,
  requests,
  lastRequestAt,
  checkedAt,
}: AgentStatus): Shaped<typeof agentStatusShape> {
  const { budget } = agent
  return {
    ...agentStateAnswer(agent),
    name: agent.name,
    status: agent.status,
    state_reason: agent.stateReason,
    last_seen_at: isoTimeOrNull(agent.lastSeenAt),
    open_leases: budget.openLeases,
    budget: { ...balanceAnswer(budget), status: budget.status },
    requests: { total: requests.total, today: requests.today },
    last_request_at: isoTimeOrNull(lastRequestAt),
    checked_at: isoTime(checkedAt),
  }
}

/** An agent's providers, in its order of preference (http-api 4.6). */
export function agentProvidersAnswer(
  agentId: string,
  providers: readonly Provider[],
): Shaped<typeof agentProvidersShape> {
  return { agent_id: agentId, providers: providers.map(providerAnswer), count: providers.length }
}

/** `IcTokenInfo` of http-api 4.4. */
export function icTokenInfoAnswer(info: IcTokenInfo): Shaped<typeof icTokenInfoShape> {
  return {
    id: info.id,
    permissions: info.permissions,
    created_at: isoTime(info.createdAt),
    expires_at: isoTimeOrNull(info.expiresAt),
    last_used_at: isoTimeOrNull(info.lastUsedAt),
  }
}

/** A new IC token: the one answer that shows it. */
export function issuedIcTokenAnswer(issued: IssuedIcToken): Shaped<typeof issuedIcTokenShape> {
  return { ...icTokenInfoAnswer(issued), token: issued.token }
}
