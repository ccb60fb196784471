import { allDone, type WriteTx } from '@iron/database'
import { budgetLock, ownerLock, sortedOwners } from './budget-row.ts'

/**
 * Takes the locks of several agents in the order of budget protocol 12.1: owners first, shared and ascending, then budget rows
 * ascending. Three statements for any number of agents; what each agent's own message locks afterwards it holds already.
 *
 * @param agentIds ascending
 */
export function lockBudgets(tx: WriteTx, agentIds: readonly string[]): Promise<void> {
  return lockAll(tx, agentIds, true)
}

/** The same for messages that grant: nobody else may use the owners' money meanwhile. */
export function lockBudgetsForGrants(tx: WriteTx, agentIds: readonly string[]): Promise<void> {
  return lockAll(tx, agentIds, false)
}

async function lockAll(tx: WriteTx, agentIds: readonly string[], shared: boolean): Promise<void> {
  if (tx.dialect === 'sqlite') return
  const { rows } = await tx.execute<{ owner_id: string | null }>({
    sql: 'SELECT DISTINCT owner_id FROM agent_budgets WHERE agent_id = ANY($1)',
    parameters: [agentIds],
    name: 'budget_owners',
  })
  const owners = sortedOwners(...rows.map(({ owner_id: owner }) => owner))
  // Sent in this order, and that is how the server takes them.
  await allDone([
    ...owners.map((owner) => tx.lock(ownerLock(owner), { shared })),
    tx.execute({
      sql: 'SELECT agent_id FROM agent_budgets WHERE agent_id = ANY($1) ORDER BY agent_id FOR UPDATE',
      parameters: [agentIds],
      name: 'budgets_lock',
    }),
  ])
  await Promise.all(agentIds.map((agentId) => tx.lock(budgetLock(agentId), { taken: true })))
}
