/** How many budgets are in use, as triggers keep it. */
import { keptCount, type ReadTx } from '@iron/database'
import { type BudgetFilter, checkFilter } from './budget-filter.ts'
import { gradesOf, readGradeSums } from './grades.ts'

/** Everybody's, or one owner's. */
export async function countBudgets(tx: ReadTx, { ownerId }: Pick<BudgetFilter, 'ownerId'>): Promise<number> {
  checkFilter({ ownerId })
  if (ownerId !== undefined) return keptCount(tx, 'agent_budgets', [`${ownerId} active`])
  return (await readGradeSums(tx, gradesOf({}))).agents
}
