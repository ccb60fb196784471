import type { IncomingMessage, ServerResponse } from 'node:http'

const METHODS = 'GET, POST, PUT, PATCH, DELETE'
const HEADERS = 'Authorization, Content-Type, X-API-Token, X-IC-Token, Idempotency-Key, X-Request-Id'
const EXPOSED =
  'X-Request-Id, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, Retry-After, Idempotency-Replayed, Location'
/** How long a preflight answer is believed, in seconds (http-api 1.11). */
const MAX_AGE_SECONDS = '600'

/** Adds the CORS headers for an allowed origin, and none for any other (http-api 1.11). */
export function addCorsHeaders(request: IncomingMessage, response: ServerResponse, allowed: ReadonlySet<string>): void {
  const { origin } = request.headers
  if (origin === undefined || !allowed.has(origin)) return
  response.setHeader('Access-Control-Allow-Origin', origin)
  response.setHeader('Access-Control-Expose-Headers', EXPOSED)
  if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) return
  response.setHeader('Access-Control-Allow-Methods', METHODS)
  response.setHeader('Access-Control-Allow-Headers', HEADERS)
  response.setHeader('Access-Control-Max-Age', MAX_AGE_SECONDS)
}
