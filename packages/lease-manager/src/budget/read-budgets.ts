/** Reading budgets by the ids of their agents. */
import type { ReadTx } from '@iron/database'
import { countOpenLeases } from '../lease/find-leases.ts'
import { type Budget, publicBudget } from './budget.ts'
import { agentNameOf, BUDGET_COLUMNS, budgetState, readBudget } from './budget-row.ts'

export async function getBudget(tx: ReadTx, agentId: string): Promise<Budget | undefined> {
  const budget = await readBudget(tx, agentId)
  return budget === undefined ? undefined : publicBudget(budget, await countOpenLeases(tx, agentId))
}

/** Several budgets in one statement, in the order of the ids; an unknown id is missing. */
export async function getBudgets(tx: ReadTx, agentIds: readonly string[]): Promise<ReadonlyMap<string, Budget>> {
  const found = new Map<string, Budget>()
  if (agentIds.length === 0) return found
  const rows = await tx.sql
    .selectFrom('agent_budgets as b')
    .select(BUDGET_COLUMNS)
    .select((eb) => [
      agentNameOf(eb).as('agent_name'),
      eb
        .selectFrom('leases as l')
        .select(eb.fn.countAll<number>().as('n'))
        .whereRef('l.agent_id', '=', 'b.agent_id')
        .where('l.status', '=', 'active')
        .as('open_leases'),
    ])
    .where('b.agent_id', 'in', agentIds)
    .execute()
  const byId = new Map(rows.map((row) => [row.agent_id, row]))
  for (const id of agentIds) {
    const row = byId.get(id)
    if (row !== undefined) found.set(id, publicBudget(budgetState(row), row.open_leases ?? 0))
  }
  return found
}
