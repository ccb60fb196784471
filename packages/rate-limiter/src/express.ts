/** Limits requests of an Express app. The limiter decides; this only reads the request and writes the answer. */
import type { Request, RequestHandler, Response } from 'express'
import { wholeMs } from './clock.ts'
import type { RateDecision } from './decision.ts'
import { retryAfterSeconds, setRateLimitHeaders } from './express/headers.ts'
import { Faults } from './faults.ts'
import { checkCost, Limiter, partsOf } from './limiter.ts'
import type { LimitKey } from './limit-key.ts'

export interface RateLimitOptions {
  readonly limiter: Limiter
  /** Whom the request counts for; undefined: it is not limited here. Behind a proxy, `request.ip` needs `trust proxy`. */
  readonly key: (request: Request) => LimitKey | undefined
  /** Tokens a request takes. Default 1. */
  readonly cost?: number | ((request: Request) => number) | undefined
  /** Answers instead of the 429 with JSON; the headers are set already. */
  readonly onLimited?: ((decision: RateDecision, request: Request, response: Response) => void) | undefined
}

/**
 * A handler that passes a request on, or answers 429 with `{ error, code: 'RATE_LIMIT_EXCEEDED', details: { retry_after } }`.
 * Both carry `RateLimit-Limit`, `RateLimit-Remaining` and `RateLimit-Reset` (seconds until full), of the limiter closest
 * to empty where several handlers limit one request; the 429 also `Retry-After`.
 *
 * @example
 * app.use(rateLimit({ limiter: new RateLimiter(100), key: (request) => request.ip }))
 * @throws {RateLimitError} INVALID_LIMIT, INVALID_COST when called with wrong options. An invalid key or cost of a
 * request goes to the error handler of the app
 */
export function rateLimit(options: RateLimitOptions): RequestHandler {
  const { limiter, key, cost = 1, onLimited = answer429 } = options
  checkOptions(options)
  const { clock } = partsOf(limiter).options
  return async (request, response, next) => {
    const limited = key(request)
    if (limited === undefined) {
      next()
      return
    }
    const decision = await limiter.consume(limited, typeof cost === 'number' ? cost : cost(request))
    setRateLimitHeaders(response, decision, wholeMs(clock))
    if (decision.allowed) {
      next()
      return
    }
    response.setHeader('Retry-After', String(retryAfterSeconds(decision)))
    onLimited(decision, request, response)
  }
}

function answer429(decision: RateDecision, _request: Request, response: Response): void {
  const details = { retry_after: retryAfterSeconds(decision) }
  response.status(429).json({ error: 'Too many requests', code: 'RATE_LIMIT_EXCEEDED', details })
}

function checkOptions({ limiter, key, cost, onLimited }: RateLimitOptions): void {
  const faults = new Faults()
  faults.check((limiter as unknown) instanceof Limiter, 'limiter', 'must be a RateLimiter or a QuotaLimiter')
  faults.check(typeof key === 'function', 'key', 'must be a function')
  faults.check(onLimited === undefined || typeof onLimited === 'function', 'onLimited', 'must be a function')
  faults.throwIfAny('INVALID_LIMIT', 'The options of rateLimit are not valid')
  if (cost !== undefined && typeof cost !== 'function') checkCost(cost)
}
