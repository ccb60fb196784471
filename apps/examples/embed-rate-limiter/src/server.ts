/** A plain Node server that asks two limits at once: a few requests at a time, and a quota by the calendar. */
import { createServer, type Server } from 'node:http'
import { consumeAll, MemoryRateLimitStore, QuotaLimiter, RateLimiter } from '@iron/rate-limiter'

export interface Limits {
  /** Requests of one client at once; one comes back every `refillMs`. */
  readonly burst: number
  readonly refillMs: number
  /** Requests of one client in a calendar month, UTC. */
  readonly perMonth: number
  /** Time in epoch ms; default the system's. */
  readonly clock?: { now(): number }
}

export function limitedServer({ burst, refillMs, perMonth, clock }: Limits): Server {
  const store = new MemoryRateLimitStore()
  const bucket = new RateLimiter({ capacity: burst, refill: 1, intervalMs: refillMs, store, clock })
  const month = new QuotaLimiter({ limit: perMonth, window: 'month', store, clock })
  return createServer((request, response) => {
    const client = request.headers['x-client'] ?? request.socket.remoteAddress ?? 'unknown'
    // From both or from neither: who is refused by one limit uses up nothing of the other.
    consumeAll([
      { limiter: bucket, key: String(client) },
      { limiter: month, key: String(client) },
    ]).then(
      ({ allowed, remaining, retryAfterMs, refusedBy }) => {
        response.setHeader('RateLimit-Remaining', remaining)
        if (allowed) {
          response.end('here you are\n')
        } else {
          response.setHeader('Retry-After', Math.max(1, Math.ceil(retryAfterMs / 1000)))
          response.writeHead(429).end(refusedBy === 0 ? 'slower, please\n' : 'nothing is left for this month\n')
        }
      },
      (error: unknown) => {
        console.error(error)
        response.writeHead(500).end()
      },
    )
  })
}
