import type { WriteGroup, WriteTx } from '@iron/database'
import { budgetLock, ownerLock, sortedOwners } from './budget-row.ts'

/**
 * Takes the locks of several agents in the order of budget protocol 12.1: owners first, shared and ascending, then budget rows
 * ascending. What each agent's own message locks afterwards it holds already.
 *
 * @param agentIds ascending
 * @param owners whose agents they were a moment ago; when one is not known, all are asked for
 */
export const lockBudgets: WriteGroup['lock'] = (tx, agentIds, owners) => lockAll(tx, agentIds, owners, true)

/** The same for messages that grant: nobody else may use the owners' money meanwhile. */
export const lockBudgetsForGrants: WriteGroup['lock'] = (tx, agentIds, owners) => lockAll(tx, agentIds, owners, false)

async function lockAll(
  tx: WriteTx,
  agentIds: readonly string[],
  known: ReadonlyMap<string, string>,
  shared: boolean,
): Promise<readonly Promise<unknown>[]> {
  if (tx.dialect === 'sqlite') return []
  const isKnown = agentIds.every((agentId) => known.has(agentId))
  const owners = sortedOwners(...(isKnown ? known.values() : await ownersOf(tx, agentIds)))
  // Sent in this order, and that is how the server takes them.
  return [
    ...owners.map((owner) => tx.lock(ownerLock(owner), { shared })),
    tx.execute({
      sql: 'SELECT agent_id FROM agent_budgets WHERE agent_id = ANY($1) ORDER BY agent_id FOR UPDATE',
      parameters: [agentIds],
      name: 'budgets_lock',
    }),
    ...agentIds.map((agentId) => tx.lock(budgetLock(agentId), { taken: true })),
  ]
}

async function ownersOf(tx: WriteTx, agentIds: readonly string[]): Promise<readonly (string | null)[]> {
  const { rows } = await tx.execute<{ owner_id: string | null }>({
    sql: 'SELECT DISTINCT owner_id FROM agent_budgets WHERE agent_id = ANY($1)',
    parameters: [agentIds],
    name: 'budget_owners',
  })
  return rows.map((row) => row.owner_id)
}
