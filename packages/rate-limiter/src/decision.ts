import { fits, type Meter, waitMs } from './meter.ts'

/** What a limiter answers. */
export interface RateDecision {
  readonly allowed: boolean
  /** Capacity of the bucket, or limit of the window. */
  readonly limit: number
  /** What is left now, whole. */
  readonly remaining: number
  /** How long to wait until the same call is allowed if nobody else comes; 0 when allowed, Infinity when it never will be. */
  readonly retryAfterMs: number
  /** When the bucket is full again, or the window ends; epoch ms of the limiter's clock. */
  readonly resetAtMs: number
  /** Whether the store failed and `onStoreError` decided. */
  readonly degraded: boolean
}

/** The decision on a record that stands at `level`. */
export function decisionAt(
  meter: Meter,
  level: number,
  now: number,
  allowed: boolean,
  retryAfterMs: number,
): RateDecision {
  const left = meter.full - level
  return {
    allowed,
    limit: meter.limit,
    // A window counted under a higher limit than today's may stand above it.
    remaining: left > 0 ? Math.floor(left / meter.unit) : 0,
    retryAfterMs,
    resetAtMs: meter.perMs === 0 ? meter.endsAt : now + Math.ceil(level / meter.perMs),
    degraded: false,
  }
}

/** What a call for `cost` gets from a record that stands at `level`: all of it, or nothing and how long to wait. */
export function decideConsume(meter: Meter, level: number, cost: number, now: number): RateDecision {
  if (fits(meter, level, cost)) return decisionAt(meter, level + cost * meter.unit, now, true, 0)
  return decisionAt(meter, level, now, false, waitMs(meter, level, cost, now))
}
