import { keptCount, type ReadTx } from '@iron/database'
import type { BalanceSum } from '@iron/lease-manager'
import { AGENT_STATES, type AgentState } from '../agent.ts'
import type { RegistryParts } from '../registry-parts.ts'

/** How many agents there are, by state, and the sum of their budgets; archived ones are left out of both. */
export interface AgentsOverview {
  readonly agents: { readonly total: number } & Readonly<Record<AgentState, number>>
  readonly budget: BalanceSum
}

export async function agentsOverview(
  tx: ReadTx,
  { ownerId }: { readonly ownerId?: string | undefined },
  { budgets }: Pick<RegistryParts, 'budgets'>,
): Promise<AgentsOverview> {
  const counts: Record<AgentState, number> = { running: 0, idle: 0, stopped: 0, failed: 0 }
  for (const { state, count } of await statesOf(tx, ownerId)) counts[state] = count
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0)
  const { summary } = await budgets.list({ ownerId }, { tx, perPage: 1 })
  const { allocated, spent, reserved, available, remaining, overdrawn, percentUsed } = summary
  return Object.freeze({
    agents: Object.freeze({ total, ...counts }),
    budget: Object.freeze({ allocated, spent, reserved, available, remaining, overdrawn, percentUsed }),
  })
}

/** How many agents in use there are by state; of all owners without a look at them. */
async function statesOf(
  tx: ReadTx,
  ownerId: string | undefined,
): Promise<readonly { readonly state: AgentState; readonly count: number }[]> {
  if (ownerId === undefined) {
    const states: { state: AgentState; count: number }[] = []
    for (const state of AGENT_STATES) {
      states.push({ state, count: await keptCount(tx, 'agents', [`${state} active`]) })
    }
    return states
  }
  return tx.sql
    .selectFrom('agents as a')
    .innerJoin('agent_budgets as b', 'b.agent_id', 'a.id')
    .where('b.archived_at', 'is', null)
    .where('b.owner_id', '=', ownerId)
    .select(({ fn }) => ['a.state', fn.countAll<number>().as('count')])
    .groupBy('a.state')
    .execute()
}
