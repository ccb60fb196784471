import { minus, toUsd } from '@iron/cost-calculator'
import type { Balance, Budget, BudgetChange } from '@iron/lease-manager'
import { isoTime } from './scalars.ts'

/** `Balance` of http-api 4.4. */
export function balanceAnswer(balance: Balance) {
  return {
    allocated_usd: toUsd(balance.allocated),
    spent_usd: toUsd(balance.spent),
    reserved_usd: toUsd(balance.reserved),
    remaining_usd: toUsd(balance.remaining),
    overdrawn_usd: toUsd(balance.overdrawn),
    percent_used: balance.percentUsed,
  }
}

/** `Budget` of http-api 4.4. */
export function budgetAnswer(budget: Budget) {
  return {
    budget_id: budget.budgetId,
    agent_id: budget.agentId,
    agent_name: budget.agentName,
    ...balanceAnswer(budget),
    status: budget.status,
    risk_level: budget.riskLevel,
    open_leases: budget.openLeases,
    allocation_version: budget.allocationVersion,
    updated_at: isoTime(budget.updatedAt),
  }
}

/** A row of `GET /agents/{id}/budget/history` (http-api 4.7). */
export function budgetChangeAnswer(change: BudgetChange) {
  return {
    version: change.version,
    changed_at: isoTime(change.at),
    previous_allocated_usd: toUsd(change.previousAllocated),
    allocated_usd: toUsd(change.allocated),
    change_usd: toUsd(minus(change.allocated, change.previousAllocated)),
    reason: change.reason,
    changed_by: change.changedBy,
    budget_request_id: change.budgetRequestId,
  }
}
