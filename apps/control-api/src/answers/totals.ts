import type { GroupRow, Totals } from '@iron/analytics'
import { toUsd } from '@iron/cost-calculator'
import { nullable } from '../http/schemas.ts'
import { component, dollars, percent, shape, type Shaped, shown, whole } from './shape.ts'

export const totalsFields = {
  spend_usd: dollars(4.5),
  billed_usd: dollars(4.5),
  unbilled_usd: dollars(0),
  requests: shape({ total: whole(2), completed: whole(2), failed: whole(0), success_rate: percent(100) }),
  tokens: shape({ input: whole(400_000), output: whole(50_000), total: whole(450_000) }),
  avg_cost_per_request_usd: dollars(2.25),
  latency: shape({ p50_ms: nullable(whole(850)), p95_ms: nullable(whole(2_100)) }),
}

export const modelRowShape = component('ModelUsage', {
  model: nullable(shown('demo-large')),
  provider: nullable(shown('openai')),
  requests: whole(2),
  spend_usd: dollars(4.5),
  input_tokens: whole(400_000),
  output_tokens: whole(50_000),
  total_tokens: whole(450_000),
  avg_cost_per_request_usd: dollars(2.25),
})

/** `Totals` of http-api 5.3. */
export function totalsAnswer(totals: Totals): Shaped<ReturnType<typeof shape<typeof totalsFields>>> {
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
export function modelRowAnswer(row: GroupRow): Shaped<typeof modelRowShape> {
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
