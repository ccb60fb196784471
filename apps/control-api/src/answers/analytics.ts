import type { Costs, Grouped, GroupRow, Overview, TimelinePoint, Totals } from '@iron/analytics'
import type { AgentsOverview } from '@iron/agent-registry'
import { toUsd, ZERO } from '@iron/cost-calculator'
import { balanceAnswer } from './budget.ts'
import { isoTime } from './scalars.ts'
import { modelRowAnswer, totalsAnswer } from './totals.ts'

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
export function agentSpendingAnswer(row: GroupRow) {
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
export function agentSpendingSummary({ totals }: Grouped) {
  return {
    total_spend_usd: toUsd(totals.cost),
    total_allocated_usd: toUsd(totals.allocated ?? ZERO),
    percent_used: totals.percentUsed ?? 0,
    agents: totals.groups,
  }
}

/** A row of `GET /analytics/spending/by-provider`. */
export function providerSpendingAnswer(row: GroupRow) {
  return {
    provider: row.key,
    spend_usd: toUsd(row.cost),
    requests: row.requests,
    avg_cost_per_request_usd: toUsd(row.avgCostPerRequest),
  }
}

/** Its summary. */
export function providerSpendingSummary({ totals }: Grouped) {
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
export function agentTokensAnswer(row: GroupRow) {
  return { agent_id: row.key, agent_name: row.label, ...tokenSumsAnswer(row) }
}

/** The summary of `GET /analytics/usage/models`. */
export function modelsSummary({ totals }: Grouped) {
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
