import type { GroupRow, Period, ResolvedRange, Totals } from '@iron/analytics'
import type { Budget } from '@iron/lease-manager'
import { id } from '../http/schemas.ts'
import { periodShapeFields } from './analytics.ts'
import { balanceAnswer, balanceShape } from './budget.ts'
import { isoTime } from './scalars.ts'
import { component, list, type Shaped } from './shape.ts'
import { modelRowAnswer, modelRowShape, totalsAnswer, totalsFields } from './totals.ts'

export const agentMetricsShape = component('AgentMetrics', {
  agent_id: id('agent'),
  ...periodShapeFields,
  ...totalsFields,
  models: list(modelRowShape),
  budget: balanceShape,
})

/** What the metrics of an agent are made of. */
export interface AgentMetrics {
  readonly period: Period
  readonly range: ResolvedRange
  readonly totals: Totals
  readonly models: readonly GroupRow[]
  readonly budget: Budget
}

/** `AgentMetrics` of http-api 5.3. */
export function agentMetricsAnswer({
  period,
  range,
  totals,
  models,
  budget,
}: AgentMetrics): Shaped<typeof agentMetricsShape> {
  return {
    agent_id: budget.agentId,
    period: typeof period === 'string' ? period : 'custom',
    from: isoTime(range.from),
    to: isoTime(range.to),
    calculated_at: isoTime(range.calculatedAt),
    ...totalsAnswer(totals),
    models: models.map(modelRowAnswer),
    budget: balanceAnswer(budget),
  }
}
