import { type Microdollars, toUsd } from '@iron/cost-calculator'
import type { Exceeded, UsageLimit } from '@iron/token-manager'
import type { RateStanding } from '../http/rate-limits.ts'
import { isoTime } from './scalars.ts'

/** `Limit` of http-api 4.13. */
export function limitAnswer(limit: UsageLimit) {
  const { usage, resetsAt, maxCostPerMonth } = limit
  return {
    id: limit.id,
    user_id: limit.ownerId,
    project_id: limit.projectId,
    max_tokens_per_day: limit.maxTokensPerDay,
    max_requests_per_minute: limit.maxRequestsPerMinute,
    max_cost_per_month_usd: maxCostPerMonth === null ? null : toUsd(maxCostPerMonth),
    usage: {
      tokens_today: usage.tokensToday,
      requests_this_minute: usage.requestsThisMinute,
      cost_this_month_usd: toUsd(usage.costThisMonth),
      reserved_usd: toUsd(usage.reserved),
    },
    resets_at: {
      minute: isoTime(resetsAt.minute),
      day: isoTime(resetsAt.day),
      month: isoTime(resetsAt.month),
    },
    created_at: isoTime(limit.createdAt),
    updated_at: isoTime(limit.updatedAt),
  }
}

/** `Exceeded` of http-api 4.13: the month's figures are money. */
export function exceededAnswer(exceeded: Exceeded) {
  const { limitId, window, limit, used, resetsAt } = exceeded
  const figures =
    window === 'cost_per_month'
      ? { limit_usd: toUsd(limit as Microdollars), used_usd: toUsd(used as Microdollars) }
      : { limit, used }
  return { limit_id: limitId, window, ...figures, resets_at: isoTime(resetsAt) }
}

/** An entry of `rate_limits` of `GET /limits`. */
export function rateStandingAnswer(standing: RateStanding) {
  return {
    class: standing.rateClass,
    limit: standing.limit,
    window_seconds: standing.windowSeconds,
    remaining: standing.remaining,
    reset_seconds: standing.resetSeconds,
  }
}
