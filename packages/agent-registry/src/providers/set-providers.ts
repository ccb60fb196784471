import type { WriteTx } from '@iron/database'
import type { Provider } from '@iron/token-manager'
import { lockLiveAgent } from '../agents/lock-agent.ts'
import type { Acting } from '../registry-parts.ts'
import { findProviderIds, findProviders, replaceAssignments } from './assignment-rows.ts'
import { auditProviders } from './audit-providers.ts'
import { holdProviders } from './hold-providers.ts'

/**
 * Replaces all of an agent's providers at once; open leases go on with theirs.
 *
 * @throws {AgentError} AGENT_NOT_FOUND, AGENT_ARCHIVED, INVALID_PROVIDER_ID, in this order
 */
export async function setProviders(
  tx: WriteTx,
  agentId: string,
  providerIds: readonly string[],
  acting: Acting,
): Promise<readonly Provider[]> {
  const { parts, now } = acting
  await lockLiveAgent(tx, agentId, parts)
  await holdProviders(tx, providerIds, parts)
  const before = await findProviderIds(tx, agentId)
  const same = before.length === providerIds.length && before.every((id, position) => id === providerIds[position])
  if (!same) {
    await replaceAssignments(tx, agentId, providerIds, now)
    auditProviders(tx, agentId, before, providerIds, acting)
  }
  return findProviders(tx, agentId, parts)
}
