import type { Agent, IcTokenInfo, IssuedIcToken } from '@iron/agent-registry'
import { budgetAnswer } from './budget.ts'
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
