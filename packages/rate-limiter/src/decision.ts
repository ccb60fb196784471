import { type Meter, refusedAt, waitMs } from './meter.ts'

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

/** The decision on a call for `cost` with this outcome (see `outcomeOf`). */
export function decisionOn(meter: Meter, outcome: number, cost: number, now: number): RateDecision {
  if (outcome >= 0) return decisionAt(meter, outcome, now, true, 0)
  const level = refusedAt(outcome)
  return decisionAt(meter, level, now, false, waitMs(meter, level, cost, now))
}
