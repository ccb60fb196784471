import type { WriteTx } from '@iron/database'
import type { Provider } from '@iron/token-manager'
import { lockLiveAgent } from '../agents/lock-agent.ts'
import { AgentError } from '../errors.ts'
import type { Acting } from '../registry-parts.ts'
import { dropAssignment, findProviderIds, findProviders } from './assignment-rows.ts'
import { auditProviders } from './audit-providers.ts'

/** Takes one provider from an agent. @throws {AgentError} AGENT_NOT_FOUND, AGENT_ARCHIVED, ASSIGNMENT_NOT_FOUND, in this order */
export async function removeProvider(
  tx: WriteTx,
  agentId: string,
  providerId: string,
  acting: Acting,
): Promise<readonly Provider[]> {
  const { parts } = acting
  await lockLiveAgent(tx, agentId, parts)
  const before = await findProviderIds(tx, agentId)
  if (!(await dropAssignment(tx, agentId, providerId)))
    throw new AgentError('ASSIGNMENT_NOT_FOUND', 'the agent does not have this provider')
  const after = before.filter((id) => id !== providerId)
  auditProviders(tx, agentId, before, after, acting)
  return findProviders(tx, agentId, parts)
}
