import type { Costs, Grouped, GroupRow, Overview, TimelinePoint, Totals } from '@iron/analytics'
import type { AgentsOverview } from '@iron/agent-registry'
import { toUsd, ZERO } from '@iron/cost-calculator'
import { nullable, oneOf, time } from '../http/schemas.ts'
import { balanceAnswer, balanceShape, budgetShape } from './budget.ts'
import { pageFields } from './list.ts'
import { isoTime } from './scalars.ts'
import { always, component, dollars, list, percent, shape, type Shaped, shown, whole } from './shape.ts'
import { modelRowAnswer, modelRowShape, totalsAnswer, totalsFields } from './totals.ts'

/** What a period came to be: in the answer of every question. */
export const periodShapeFields = {
  period: oneOf('all-time', 'today', 'yesterday', 'last-7-days', 'last-30-days', 'this-month', 'last-month', 'custom'),
  from: time(),
  to: time(),
  calculated_at: time(),
}

const agentSpendingShape = component('AgentSpending', {
  agent_id: nullable(shown('agent_0199c2f0-5a00-7000-8000-000000000002')),
  agent_name: nullable(shown('research-bot')),
  spend_usd: dollars(4.5),
  allocated_usd: dollars(100),
  percent_used: percent(4.5),
  requests: whole(2),
})

const providerSpendingShape = component('ProviderSpending', {
  provider: nullable(shown('openai')),
  spend_usd: dollars(4.5),
  requests: whole(2),
  avg_cost_per_request_usd: dollars(2.25),
})

const agentCountsShape = shape({
  total: whole(1),
  running: whole(1),
  idle: whole(0),
  stopped: whole(0),
  failed: whole(0),
})

const overviewFields = {
  ...totalsFields,
  agents: agentCountsShape,
  budget: balanceShape,
  top_agents: list(agentSpendingShape),
  top_models: list(modelRowShape),
  by_provider: list(providerSpendingShape),
}

export const overviewShape = component('AnalyticsOverview', { ...periodShapeFields, ...overviewFields })

const spendingFields = {
  spend_usd: dollars(4.5),
  billed_usd: dollars(4.5),
  unbilled_usd: dollars(0),
  currency: always('USD'),
}

export const spendingShape = shape({ ...periodShapeFields, ...spendingFields })

const agentSpendingSummaryShape = shape({
  total_spend_usd: dollars(4.5),
  total_allocated_usd: dollars(100),
  percent_used: percent(4.5),
  agents: whole(1),
})

export const spendingByAgentShape = shape({
  ...periodShapeFields,
  summary: agentSpendingSummaryShape,
  ...pageFields(agentSpendingShape),
})

const providerSpendingSummaryShape = shape({
  total_spend_usd: dollars(4.5),
  total_requests: whole(2),
  avg_cost_per_request_usd: dollars(2.25),
  providers: whole(1),
})

export const spendingByProviderShape = shape({
  ...periodShapeFields,
  summary: providerSpendingSummaryShape,
  ...pageFields(providerSpendingShape),
})

const costsFields = {
  avg_usd: dollars(2.25),
  median_usd: dollars(2.25),
  min_usd: dollars(1.5),
  max_usd: dollars(3),
  total_requests: whole(2),
  total_spend_usd: dollars(4.5),
}

export const costsShape = shape({ ...periodShapeFields, ...costsFields })

const requestCountsFields = {
  total_requests: whole(2),
  completed_requests: whole(2),
  failed_requests: whole(0),
  success_rate: percent(100),
}

export const requestCountsShape = shape({ ...periodShapeFields, ...requestCountsFields })

const tokenSumsFields = {
  input_tokens: whole(400_000),
  output_tokens: whole(50_000),
  total_tokens: whole(450_000),
  requests: whole(2),
  avg_tokens_per_request: whole(225_000),
}

const agentTokensShape = component('AgentTokens', {
  agent_id: nullable(shown('agent_0199c2f0-5a00-7000-8000-000000000002')),
  agent_name: nullable(shown('research-bot')),
  ...tokenSumsFields,
})

export const tokensByAgentShape = shape({
  ...periodShapeFields,
  summary: shape(tokenSumsFields),
  ...pageFields(agentTokensShape),
})

const modelsSummaryShape = shape({
  models: whole(1),
  total_requests: whole(2),
  total_spend_usd: dollars(4.5),
  total_tokens: whole(450_000),
})

export const modelsShape = shape({ ...periodShapeFields, summary: modelsSummaryShape, ...pageFields(modelRowShape) })

export const timelineMetric = oneOf('spend_usd', 'requests', 'failed', 'total_tokens')
export const timelineBucket = oneOf('day', 'hour')
const timelinePointShape = component('TimelinePoint', { start: time(), value: dollars(4.5) })

export const timelineShape = shape({
  ...periodShapeFields,
  metric: timelineMetric,
  bucket: timelineBucket,
  data: list(timelinePointShape),
})

/** Budgets with a summary over all matches (http-api 4.9.9). */
export const budgetListFields = {
  summary: component('BudgetSummary', {
    agents: whole(1),
    active: whole(1),
    exhausted: whole(0),
    unfunded: whole(0),
    allocated_usd: dollars(100),
    spent_usd: dollars(4.5),
    reserved_usd: dollars(20),
    remaining_usd: dollars(75.5),
    overdrawn_usd: dollars(0),
    percent_used: percent(4.5),
  }),
  ...pageFields(budgetShape),
}

export const budgetStandingShape = shape({ calculated_at: time(), ...budgetListFields })

/** The overview of `GET /analytics`: calls of a period, agents and money of now. */
export function overviewAnswer(overview: Overview, { agents, budget }: AgentsOverview) {
  return {
    ...totalsAnswer(overview.totals),
    agents: {
      total: agents.total,
      running: agents.running,
      idle: agents.idle,
      stopped: agents.stopped,
      failed: agents.failed,
    },
    budget: balanceAnswer(budget),
    top_agents: overview.topAgents.map(agentSpendingAnswer),
    top_models: overview.topModels.map(modelRowAnswer),
    by_provider: overview.byProvider.map(providerSpendingAnswer),
  }
}

/** The answer of `GET /analytics/spending/total`. */
export function spendingAnswer({ spend, billed, unbilled }: Totals) {
  return { spend_usd: toUsd(spend), billed_usd: toUsd(billed), unbilled_usd: toUsd(unbilled), currency: 'USD' }
}

/** A row of `GET /analytics/spending/by-agent`. */
export function agentSpendingAnswer(row: GroupRow): Shaped<typeof agentSpendingShape> {
  return {
    agent_id: row.key,
    agent_name: row.label,
    spend_usd: toUsd(row.cost),
    allocated_usd: toUsd(row.allocated ?? ZERO),
    percent_used: row.percentUsed ?? 0,
    requests: row.requests,
  }
}

/** Its summary: of all agents, not of the page. */
export function agentSpendingSummary({ totals }: Grouped): Shaped<typeof agentSpendingSummaryShape> {
  return {
    total_spend_usd: toUsd(totals.cost),
    total_allocated_usd: toUsd(totals.allocated ?? ZERO),
    percent_used: totals.percentUsed ?? 0,
    agents: totals.groups,
  }
}

/** A row of `GET /analytics/spending/by-provider`. */
export function providerSpendingAnswer(row: GroupRow): Shaped<typeof providerSpendingShape> {
  return {
    provider: row.key,
    spend_usd: toUsd(row.cost),
    requests: row.requests,
    avg_cost_per_request_usd: toUsd(row.avgCostPerRequest),
  }
}

/** Its summary. */
export function providerSpendingSummary({ totals }: Grouped): Shaped<typeof providerSpendingSummaryShape> {
  return {
    total_spend_usd: toUsd(totals.cost),
    total_requests: totals.requests,
    avg_cost_per_request_usd: toUsd(totals.avgCostPerRequest),
    providers: totals.groups,
  }
}

/** The answer of `GET /analytics/spending/avg-per-request`. */
export function costsAnswer(costs: Costs) {
  return {
    avg_usd: toUsd(costs.avg),
    median_usd: toUsd(costs.median),
    min_usd: toUsd(costs.min),
    max_usd: toUsd(costs.max),
    total_requests: costs.requests,
    total_spend_usd: toUsd(costs.spend),
  }
}

/** The answer of `GET /analytics/usage/requests`. */
export function requestCountsAnswer({ requests }: Totals) {
  return {
    total_requests: requests.total,
    completed_requests: requests.completed,
    failed_requests: requests.failed,
    success_rate: requests.successRate,
  }
}

type Tokens = Pick<GroupRow, 'inputTokens' | 'outputTokens' | 'totalTokens' | 'requests' | 'avgTokensPerRequest'>

/** The sums of `GET /analytics/usage/tokens/by-agent`: of a row, and of all of them. */
export function tokenSumsAnswer(sums: Tokens) {
  return {
    input_tokens: sums.inputTokens,
    output_tokens: sums.outputTokens,
    total_tokens: sums.totalTokens,
    requests: sums.requests,
    avg_tokens_per_request: sums.avgTokensPerRequest,
  }
}

/** A row of `GET /analytics/usage/tokens/by-agent`. */
export function agentTokensAnswer(row: GroupRow): Shaped<typeof agentTokensShape> {
  return { agent_id: row.key, agent_name: row.label, ...tokenSumsAnswer(row) }
}

/** The summary of `GET /analytics/usage/models`. */
export function modelsSummary({ totals }: Grouped): Shaped<typeof modelsSummaryShape> {
  return {
    models: totals.groups,
    total_requests: totals.requests,
    total_spend_usd: toUsd(totals.cost),
    total_tokens: totals.totalTokens,
  }
}

/** What a timeline can show, and where its value stands. */
export const TIMELINE_VALUES = {
  spend_usd: (point) => toUsd(point.cost),
  requests: (point) => point.requests,
  failed: (point) => point.failed,
  total_tokens: (point) => point.totalTokens,
} as const satisfies Record<string, (point: TimelinePoint) => number>

/** A figure of a timeline. */
export type TimelineMetric = keyof typeof TIMELINE_VALUES

/** The rows of `GET /analytics/timeseries`. */
export function timelineAnswer(points: readonly TimelinePoint[], metric: TimelineMetric) {
  const valueOf = TIMELINE_VALUES[metric]
  return points.map((point) => ({ start: isoTime(point.start), value: valueOf(point) }))
}
