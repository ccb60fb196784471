/** The rate limits' connection to Redis, when there is one. */
import { RedisRateLimitStore } from '@iron/rate-limiter/redis'
import type { RateLimitStore } from '@iron/rate-limiter'
import { Redis } from 'ioredis'

/** Longest pause before a lost connection is made again, in milliseconds: limits are shared again soon after Redis is back. */
const RECONNECT_PAUSE_MAX_MS = 1_000
const RECONNECT_STEP_MS = 50
/** Under which all processes of all installations on this Redis keep their buckets. */
const PREFIX = 'iron:rate:'

/** A store that all processes share, and how it is let go. */
export interface SharedRateLimitStore {
  readonly store: RateLimitStore
  close(): void
}

/**
 * Connects in the background: a server starts without Redis, limits on its own meanwhile, and needs no restart. Commands fail
 * at once while there is no connection, so that no request waits for one.
 */
export function openRateLimitStore(url: string, onError: (error: unknown) => void): SharedRateLimitStore {
  const client = new Redis(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(attempt * RECONNECT_STEP_MS, RECONNECT_PAUSE_MAX_MS),
  })
  let lastError = ''
  client.on('error', (error: Error) => {
    // Once for each kind of failure, not once for each attempt to connect.
    if (error.message === lastError) return
    lastError = error.message
    onError(error)
  })
  client.on('ready', () => (lastError = ''))
  return {
    store: new RedisRateLimitStore(client, { prefix: PREFIX }),
    close: () => client.disconnect(),
  }
}
