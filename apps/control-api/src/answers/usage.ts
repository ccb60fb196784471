import type { Grouped, GroupRow, Totals } from '@iron/analytics'
import { toUsd } from '@iron/cost-calculator'
import type { UsageTotals } from '@iron/journal'
import type { UsageCheck, UsageReceipt } from '@iron/token-manager'
import { exceededAnswer } from './limit.ts'

/** `UsageTotals` of http-api 4.14. */
export function usageTotalsAnswer(totals: UsageTotals) {
  return {
    requests: totals.requests,
    completed: totals.completed,
    failed: totals.failed,
    input_tokens: totals.inputTokens,
    output_tokens: totals.outputTokens,
    total_tokens: totals.totalTokens,
    cost_usd: toUsd(totals.cost),
  }
}

/** The part of an analysis that usage shows. */
export function usageTotalsOf({ requests, tokens, spend }: Totals): UsageTotals {
  return {
    requests: requests.total,
    completed: requests.completed,
    failed: requests.failed,
    inputTokens: tokens.input,
    outputTokens: tokens.output,
    totalTokens: tokens.total,
    cost: spend,
  }
}

/** The rows of `GET /usage`, grouped. */
export function usageRowsAnswer(grouped: Grouped) {
  return grouped.data.map((row: GroupRow) => ({ key: row.key, label: row.label, ...usageTotalsAnswer(row) }))
}

/** What became of recorded API-token usage. */
export function usageReceiptAnswer({ call, duplicate, exceeded }: UsageReceipt) {
  return {
    id: call.id,
    request_id: call.requestId,
    cost_usd: toUsd(call.cost),
    pricing: call.pricing,
    duplicate,
    exceeded: exceeded === null ? null : exceededAnswer(exceeded),
  }
}

/** Whether API-token usage would fit. */
export function usageCheckAnswer({ allowed, cost, pricing, exceeded }: UsageCheck) {
  return { allowed, cost_usd: toUsd(cost), pricing, exceeded: exceeded === null ? null : exceededAnswer(exceeded) }
}
