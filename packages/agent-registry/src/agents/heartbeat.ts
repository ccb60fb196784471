import type { WriteTx } from '@iron/database'
import type { Agent } from '../agent.ts'
import { agentArchived, agentNotFound } from '../errors.ts'
import type { RegistryParts } from '../registry-parts.ts'
import { stampSeen } from '../sign-of-life.ts'
import { loadAgent } from './load-agent.ts'

/**
 * Writes down that an agent lives. Takes no lock: it is an observation, and the row's own is enough.
 *
 * @throws {AgentError} AGENT_NOT_FOUND, AGENT_ARCHIVED
 */
export async function heartbeat(
  tx: WriteTx,
  id: string,
  now: number,
  parts: Pick<RegistryParts, 'budgets'>,
): Promise<Agent> {
  const agent = await loadAgent(tx, id, parts)
  if (agent === undefined) throw agentNotFound(id)
  if (agent.status === 'archived') throw agentArchived()
  await stampSeen.run(tx, { agentId: id, at: now })
  return Object.freeze({ ...agent, lastSeenAt: now })
}
