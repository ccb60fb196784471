import { type Microdollars, toUsd } from '@iron/cost-calculator'
import type { Exceeded, UsageLimit } from '@iron/token-manager'
import type { RateStanding } from '../http/rate-limits.ts'
import { id, nullable, oneOf, optional, time } from '../http/schemas.ts'
import { pageFields } from './list.ts'
import { isoTime } from './scalars.ts'
import { component, dollars, list, shape, type Shaped, shown, usuallyNull, whole } from './shape.ts'

export const limitShape = component('Limit', {
  id: id('lim'),
  user_id: shown('user_0199c2f0-5a00-7000-8000-000000000001'),
  project_id: usuallyNull(nullable(shown('billing'))),
  max_tokens_per_day: nullable(whole(1_000_000)),
  max_requests_per_minute: nullable(whole(60)),
  max_cost_per_month_usd: nullable(dollars(500)),
  usage: shape({
    tokens_today: whole(450_000),
    requests_this_minute: whole(2),
    cost_this_month_usd: dollars(4.5),
    reserved_usd: dollars(20),
  }),
  resets_at: shape({ minute: time(), day: time(), month: time() }),
  created_at: time(),
  updated_at: time(),
})

/** Money has `limit_usd` and `used_usd`, everything else `limit` and `used`. */
export const exceededShape = component('Exceeded', {
  limit_id: id('lim'),
  window: oneOf('tokens_per_day', 'requests_per_minute', 'cost_per_month'),
  limit: optional(whole(1_000_000)),
  used: optional(whole(1_000_450)),
  limit_usd: optional({ ...dollars(500), examples: [] }),
  used_usd: optional({ ...dollars(500.2), examples: [] }),
  resets_at: time(),
})

const rateStandingShape = component('RateStanding', {
  class: shown('read'),
  limit: whole(300),
  window_seconds: whole(60),
  remaining: whole(299),
  reset_seconds: whole(1),
})

export const limitListShape = shape({ ...pageFields(limitShape), rate_limits: list(rateStandingShape) })

/** `Limit` of http-api 4.13. */
export function limitAnswer(limit: UsageLimit): Shaped<typeof limitShape> {
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
export function exceededAnswer(exceeded: Exceeded): Shaped<typeof exceededShape> {
  const { limitId, window, limit, used, resetsAt } = exceeded
  const figures =
    window === 'cost_per_month'
      ? { limit_usd: toUsd(limit as Microdollars), used_usd: toUsd(used as Microdollars) }
      : { limit, used }
  return { limit_id: limitId, window, ...figures, resets_at: isoTime(resetsAt) }
}

/** An entry of `rate_limits` of `GET /limits`. */
export function rateStandingAnswer(standing: RateStanding): Shaped<typeof rateStandingShape> {
  return {
    class: standing.rateClass,
    limit: standing.limit,
    window_seconds: standing.windowSeconds,
    remaining: standing.remaining,
    reset_seconds: standing.resetSeconds,
  }
}
