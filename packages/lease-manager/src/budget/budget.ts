/** An agent's budget as the package shows it (http-api 4.4). */
import { balanceOf, type Balance, type BudgetStatus, riskLevelOf, type RiskLevel, statusOf } from './balance.ts'
import type { BudgetState } from './budget-row.ts'

export interface Budget extends Balance {
  /** `budget_` and the uuid of the agent id; derived, never stored. */
  readonly budgetId: string
  readonly agentId: string
  /** Null: a budget without an agent of the registry. */
  readonly agentName: string | null
  readonly ownerId: string | null
  readonly status: BudgetStatus
  readonly riskLevel: RiskLevel
  /** Leases that hold money. */
  readonly openLeases: number
  /** Rises by 1 with every change of the allocation. */
  readonly allocationVersion: number
  readonly archived: boolean
  readonly createdAt: number
  /** The last booking. */
  readonly updatedAt: number
}

/** The id of an agent's budget; of an opaque agent id it is that id behind the prefix. */
export function budgetIdOf(agentId: string): string {
  return `budget_${agentId.startsWith('agent_') ? agentId.slice('agent_'.length) : agentId}`
}

export function publicBudget(budget: BudgetState, openLeases: number): Budget {
  return Object.freeze({
    budgetId: budgetIdOf(budget.agentId),
    agentId: budget.agentId,
    agentName: budget.agentName,
    ownerId: budget.ownerId,
    ...balanceOf(budget),
    status: statusOf(budget),
    riskLevel: riskLevelOf(budget),
    openLeases,
    allocationVersion: budget.version,
    archived: budget.archivedAt !== null,
    createdAt: budget.createdAt,
    updatedAt: budget.updatedAt,
  })
}
