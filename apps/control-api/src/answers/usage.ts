import type { Grouped, GroupRow, Totals } from '@iron/analytics'
import { toUsd } from '@iron/cost-calculator'
import type { UsageTotals } from '@iron/journal'
import type { UsageCheck, UsageReceipt } from '@iron/token-manager'
import { id, nullable, oneOf } from '../http/schemas.ts'
import { periodShapeFields } from './analytics.ts'
import { exceededAnswer, exceededShape } from './limit.ts'
import { pageFields } from './list.ts'
import { pricing } from './protocol.ts'
import { component, dollars, flag, shape, type Shaped, shown, usuallyAs, usuallyNull, whole } from './shape.ts'

const usageTotalsFields = {
  requests: whole(2),
  completed: whole(2),
  failed: whole(0),
  input_tokens: whole(400_000),
  output_tokens: whole(50_000),
  total_tokens: whole(450_000),
  cost_usd: dollars(4.5),
}

export const usageTotalsShape = component('UsageTotals', usageTotalsFields)

/** What usage can be shown by. */
export const USAGE_DIMENSIONS = ['day', 'agent', 'token', 'provider', 'model', 'project', 'owner'] as const

const usageRowShape = component('UsageRow', {
  key: nullable(shown('demo-large')),
  label: usuallyNull(nullable(shown('research-bot'))),
  ...usageTotalsFields,
})

export const usageShape = shape({
  ...periodShapeFields,
  group_by: usuallyAs('model', oneOf('none', ...USAGE_DIMENSIONS)),
  totals: usageTotalsShape,
  ...pageFields(usageRowShape),
})

const exceededOrNull = usuallyNull(nullable(exceededShape))

export const usageReceiptShape = component('UsageReceipt', {
  id: id('req'),
  request_id: nullable(shown('call-2')),
  cost_usd: dollars(1.5),
  pricing,
  duplicate: flag(false),
  exceeded: exceededOrNull,
})

export const usageCheckShape = component('UsageCheck', {
  allowed: flag(true),
  cost_usd: dollars(1.5),
  pricing,
  exceeded: exceededOrNull,
})

/** `UsageTotals` of http-api 4.14. */
export function usageTotalsAnswer(totals: UsageTotals): Shaped<typeof usageTotalsShape> {
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

/**
 * The rows of `GET /usage`, grouped. One model at two providers is two rows (http-api 5.3): the label says whose each is, or they
 * could not be told apart.
 */
export function usageRowsAnswer(grouped: Grouped, dimension: (typeof USAGE_DIMENSIONS)[number]) {
  return grouped.data.map((row: GroupRow) => ({
    key: row.key,
    label: dimension === 'model' ? row.provider : row.label,
    ...usageTotalsAnswer(row),
  }))
}

/** What became of recorded API-token usage. */
export function usageReceiptAnswer({ call, duplicate, exceeded }: UsageReceipt): Shaped<typeof usageReceiptShape> {
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
export function usageCheckAnswer({ allowed, cost, pricing, exceeded }: UsageCheck): Shaped<typeof usageCheckShape> {
  return { allowed, cost_usd: toUsd(cost), pricing, exceeded: exceeded === null ? null : exceededAnswer(exceeded) }
}
