/** What a decision looks like in HTTP: whole seconds, rounded so that waiting them is always long enough. */
import type { Response } from 'express'
import type { RateDecision } from '../decision.ts'

/** Said where no waiting helps (a limit of 0, a cost above the limit): a year. */
const NEVER_SECONDS = 31_536_000

/** `Retry-After`: at least 1, and long enough for the same call to succeed. */
export function retryAfterSeconds({ retryAfterMs }: RateDecision): number {
  return Number.isFinite(retryAfterMs) ? Math.max(1, Math.ceil(retryAfterMs / 1000)) : NEVER_SECONDS
}

/** Sets `RateLimit-*` unless a limiter that stands closer to empty has set them on this response before. */
export function setRateLimitHeaders(response: Response, decision: RateDecision, now: number): void {
  const before = response.getHeader('RateLimit-Remaining')
  if (before !== undefined && Number(before) <= decision.remaining) return
  response.setHeader('RateLimit-Limit', String(decision.limit))
  response.setHeader('RateLimit-Remaining', String(decision.remaining))
  response.setHeader('RateLimit-Reset', String(Math.max(0, Math.ceil((decision.resetAtMs - now) / 1000))))
}
