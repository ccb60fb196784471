import type { Agent, AgentStatus, IcTokenInfo, IssuedIcToken } from '@iron/agent-registry'
import type { Provider } from '@iron/token-manager'
import { balanceAnswer, budgetAnswer } from './budget.ts'
import { providerAnswer } from './provider.ts'
import { isoTime, isoTimeOrNull } from './scalars.ts'

/** `Agent` of http-api 4.4. */
export function agentAnswer(agent: Agent) {
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
export function agentWithTokenAnswer(agent: Agent & { readonly icToken: IcTokenInfo | null }) {
  return { ...agentAnswer(agent), ic_token: agent.icToken === null ? null : icTokenInfoAnswer(agent.icToken) }
}

/** What an agent does and is told to do: in the answer of whatever asks about it or changes it. */
export function agentStateAnswer(agent: Agent) {
  return { agent_id: agent.id, state: agent.state, desired_state: agent.desiredState }
}

/** The answer of `GET /agents/{id}/status`. */
export function agentStatusAnswer({ agent, requests, lastRequestAt, checkedAt }: AgentStatus) {
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
export function agentProvidersAnswer(agentId: string, providers: readonly Provider[]) {
  return { agent_id: agentId, providers: providers.map(providerAnswer), count: providers.length }
}

/** `IcTokenInfo` of http-api 4.4. */
export function icTokenInfoAnswer(info: IcTokenInfo) {
  return {
    id: info.id,
    permissions: info.permissions,
    created_at: isoTime(info.createdAt),
    expires_at: isoTimeOrNull(info.expiresAt),
    last_used_at: isoTimeOrNull(info.lastUsedAt),
  }
}

/** A new IC token: the one answer that shows it. */
export function issuedIcTokenAnswer(issued: IssuedIcToken) {
  return { ...icTokenInfoAnswer(issued), token: issued.token }
}
