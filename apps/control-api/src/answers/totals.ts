import type { GroupRow, Totals } from '@iron/analytics'
import { toUsd } from '@iron/cost-calculator'

/** `Totals` of http-api 5.3. */
export function totalsAnswer(totals: Totals) {
  const { requests, tokens, latency } = totals
  return {
    spend_usd: toUsd(totals.spend),
    billed_usd: toUsd(totals.billed),
    unbilled_usd: toUsd(totals.unbilled),
    requests: {
      total: requests.total,
      completed: requests.completed,
      failed: requests.failed,
      success_rate: requests.successRate,
    },
    tokens: { input: tokens.input, output: tokens.output, total: tokens.total },
    avg_cost_per_request_usd: toUsd(totals.avgCostPerRequest),
    latency: { p50_ms: latency.p50Ms, p95_ms: latency.p95Ms },
  }
}

/** A row of `GET /analytics/usage/models` (http-api 4.15). */
export function modelRowAnswer(row: GroupRow) {
  return {
    model: row.key,
    provider: row.provider,
    requests: row.requests,
    spend_usd: toUsd(row.cost),
    input_tokens: row.inputTokens,
    output_tokens: row.outputTokens,
    total_tokens: row.totalTokens,
    avg_cost_per_request_usd: toUsd(row.avgCostPerRequest),
  }
}
