import { minus, toUsd } from '@iron/cost-calculator'
import type { Balance, BalanceSum, Budget, BudgetChange } from '@iron/lease-manager'
import { id, nullable, oneOf, time } from '../http/schemas.ts'
import { isoTime } from './scalars.ts'
import { component, dollars, percent, type Shaped, shown, signedDollars, usuallyNull, whole } from './shape.ts'

const balanceFields = {
  allocated_usd: dollars(100),
  spent_usd: dollars(4.5),
  reserved_usd: dollars(20),
  remaining_usd: dollars(75.5),
  overdrawn_usd: dollars(0),
  percent_used: percent(4.5),
}

export const balanceShape = component('Balance', balanceFields)

export const budgetStatus = oneOf('active', 'exhausted', 'unfunded')

/** A balance with what it comes to, as the status of an agent shows it. */
export const balanceWithStatusShape = component('BalanceWithStatus', { ...balanceFields, status: budgetStatus })

const budgetFields = {
  budget_id: id('budget'),
  agent_id: id('agent'),
  agent_name: nullable(shown('research-bot')),
  ...balanceFields,
  status: budgetStatus,
  risk_level: oneOf('low', 'medium', 'high', 'critical', 'exhausted'),
  open_leases: whole(1),
  allocation_version: whole(1),
  updated_at: time(),
}

export const budgetShape = component('Budget', budgetFields)

/** A budget after its allocation was set. */
export const changedBudgetShape = component('ChangedBudget', {
  ...budgetFields,
  previous_allocated_usd: dollars(0),
  change_usd: signedDollars(100),
  leases_revoked: whole(0),
})

export const budgetChangeShape = component('BudgetChange', {
  version: whole(1),
  changed_at: time(),
  previous_allocated_usd: dollars(0),
  allocated_usd: dollars(100),
  change_usd: signedDollars(100),
  reason: usuallyNull(nullable(shown('More work in March'))),
  changed_by: nullable(shown('user_0199c2f0-5a00-7000-8000-000000000001')),
  budget_request_id: usuallyNull(nullable(id('breq'))),
})

/** `Balance` of http-api 4.4. */
export function balanceAnswer(balance: Balance | BalanceSum): Shaped<typeof balanceShape> {
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
export function budgetAnswer(budget: Budget): Shaped<typeof budgetShape> {
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
export function budgetChangeAnswer(change: BudgetChange): Shaped<typeof budgetChangeShape> {
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
