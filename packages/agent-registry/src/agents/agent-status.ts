import type { ReadTx } from '@iron/database'
import type { Agent } from '../agent.ts'
import type { RegistryParts } from '../registry-parts.ts'
import { loadAgent } from './load-agent.ts'

/** An agent at a glance, from one snapshot. Times are epoch ms. */
export interface AgentStatus {
  readonly agent: Agent
  readonly requests: {
    readonly total: number
    /** Since 00:00 UTC. */
    readonly today: number
  }
  readonly lastRequestAt: number | null
  readonly checkedAt: number
}

export async function agentStatus(
  tx: ReadTx,
  id: string,
  now: number,
  parts: Pick<RegistryParts, 'budgets' | 'requests'>,
): Promise<AgentStatus | undefined> {
  const agent = await loadAgent(tx, id, parts)
  if (agent === undefined) return undefined
  const { total, today, lastAt } = await parts.requests.activity(id, { tx })
  return Object.freeze({ agent, requests: Object.freeze({ total, today }), lastRequestAt: lastAt, checkedAt: now })
}
