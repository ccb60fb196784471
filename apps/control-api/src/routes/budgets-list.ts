/** Budgets with a summary over all matches (http-api 4.9.9), as two routes show them. */
import { balanceAnswer, budgetAnswer } from '../answers/budget.ts'
import { id, object, oneOf, optional, page, sort, type Static, Type } from '../http/schemas.ts'
import type { Services } from '../services.ts'
import { pagedAnswer, pageOf } from './lists.ts'

export const budgetsQuery = object({
  ...page,
  ...sort('percent_used', 'allocated_usd', 'spent_usd', 'remaining_usd', 'agent_name', 'created_at'),
  agent_id: optional(id('agent')),
  status: optional(oneOf('unfunded', 'active', 'exhausted')),
  risk_level: optional(oneOf('low', 'medium', 'high', 'critical', 'exhausted')),
  threshold: optional(Type.Integer({ minimum: 0, maximum: 100 })),
})

/** A page of the budgets that `mine` leaves to see. */
export async function listBudgets(
  services: Pick<Services, 'budgets'>,
  query: Static<typeof budgetsQuery>,
  mine: { readonly agentId?: string | undefined; readonly ownerId?: string | undefined },
) {
  const { status, risk_level: riskLevel, threshold } = query
  const sorted = pageOf({ ...query, sort: (query.sort ?? '-percent_used').replace(/_usd$/, '') })
  const listed = await services.budgets.list({ ...mine, status, riskLevel, threshold }, sorted)
  const { agents, active, exhausted, unfunded, ...balance } = listed.summary
  return {
    summary: { agents, active, exhausted, unfunded, ...balanceAnswer(balance) },
    ...pagedAnswer(listed, budgetAnswer),
  }
}
