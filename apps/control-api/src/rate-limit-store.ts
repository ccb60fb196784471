/** The rate limits' connection to Redis, when there is one. */
import { RedisRateLimitStore } from '@iron/rate-limiter/redis'
import type { RateLimitStore } from '@iron/rate-limiter'
import { Redis } from 'ioredis'

/** Longest pause before a lost connection is made again, in milliseconds: limits are shared again soon after Redis is back. */
const RECONNECT_PAUSE_MAX_MS = 1_000
const RECONNECT_STEP_MS = 50
/** After which a command has failed, in milliseconds: nobody waits for it that long, but a Redis that hangs is told of. */
const COMMAND_TIMEOUT_MS = 1_000
/** After which a failure that goes on is told again, in milliseconds. */
const TELL_AGAIN_MS = 60_000
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
 *
 * @param onError is told why limits are not shared: no connection, no answer, or a Redis that takes no writes
 */
export function openRateLimitStore(url: string, onError: (error: unknown) => void): SharedRateLimitStore {
  const client = new Redis(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: COMMAND_TIMEOUT_MS,
    retryStrategy: (attempt) => Math.min(attempt * RECONNECT_STEP_MS, RECONNECT_PAUSE_MAX_MS),
  })
  const shared = new RedisRateLimitStore(client, { prefix: PREFIX })
  let told = { message: '', untilMs: 0 }
  const tell = (error: Error): void => {
    // Once for each kind of failure and then now and again, not once for each attempt or request.
    const { message } = error
    if (message === told.message && performance.now() < told.untilMs) return
    told = { message, untilMs: performance.now() + TELL_AGAIN_MS }
    onError(new Error(`rate limits are not shared while Redis fails: ${message}`, { cause: error }))
  }
  client.on('error', tell)
  client.on('ready', () => (told = { message: '', untilMs: 0 }))
  return {
    store: {
      apply: async (operations, now) => {
        try {
          return await shared.apply(operations, now)
        } catch (error) {
          // Why there is no connection is told above.
          if (client.status === 'ready' && error instanceof Error) tell(error)
          throw error
        }
      },
      delete: (key) => shared.delete(key),
    },
    close: () => client.disconnect(),
  }
}
