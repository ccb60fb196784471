import type { ReadTx } from '@iron/database'
import { type Agent, agentOf } from '../agent.ts'
import { findProviderIds } from '../providers/assignment-rows.ts'
import type { RegistryParts } from '../registry-parts.ts'
import { findAgentRow } from './agent-rows.ts'

/** An agent with its budget and its providers. */
export async function loadAgent(
  tx: ReadTx,
  id: string,
  { budgets }: Pick<RegistryParts, 'budgets'>,
): Promise<Agent | undefined> {
  const row = await findAgentRow(tx, id)
  const budget = await budgets.get(id, { tx })
  if (row === undefined || budget === undefined) return undefined
  return agentOf(row, budget, await findProviderIds(tx, id))
}

/** An agent that must be there because this transaction holds its lock. */
export async function loadLockedAgent(tx: ReadTx, id: string, parts: Pick<RegistryParts, 'budgets'>): Promise<Agent> {
  const agent = await loadAgent(tx, id, parts)
  if (agent === undefined) throw new Error('an agent that is locked is missing')
  return agent
}
