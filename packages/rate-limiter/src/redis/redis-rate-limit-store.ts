import { Faults } from '../faults.ts'
import type { RateLimitStore, StoreOperation, StoreResult } from '../store.ts'
import { Calls } from './calls.ts'
import { isRedisLike, type RedisLike, send } from './client.ts'
import { SCRIPT, SCRIPT_SHA1 } from './script.ts'

export interface RedisStoreOptions {
  /** Begins every key, in braces; without braces itself, 1 to 100 characters. Default `iron:limits`. */
  readonly prefix?: string | undefined
}

const PREFIX = 'iron:limits'
const PREFIX_RULE = /^[^{}]{1,100}$/

/**
 * Limits shared by any number of processes. Every call is one step of a script, which calls of one turn of the event loop share; buckets
 * go by the clock of Redis. The prefix is the keys' hash tag, so all keys of a store lie on one shard of a Redis Cluster; stores
 * of different prefixes spread.
 *
 * @example
 * const store = new RedisRateLimitStore(await createClient({ url }).on('error', log).connect())
 * const limiter = new RateLimiter(100, { store })
 */
export class RedisRateLimitStore implements RateLimitStore {
  readonly #client: RedisLike
  readonly #prefix: string
  readonly #calls = new Calls((keys, args) => this.#run(keys, args))

  /**
   * @param client is only used: connecting, its `error` events and closing stay with the caller
   * @throws {RateLimitError} INVALID_LIMIT with `details.fields`
   */
  constructor(client: RedisLike, options: RedisStoreOptions = {}) {
    const { prefix = PREFIX } = options
    const faults = new Faults()
    faults.check(isRedisLike(client), 'client', 'must have the method sendCommand or call')
    faults.check(PREFIX_RULE.test(prefix), 'prefix', 'must be 1 to 100 characters without braces')
    faults.throwIfAny('INVALID_LIMIT', 'The options of the Redis store are not valid')
    this.#client = client
    this.#prefix = `{${prefix}}`
  }

  async apply(operations: readonly StoreOperation[], now: number): Promise<readonly StoreResult[]> {
    if (operations.length === 0) return []
    return this.#calls.add(operations, now)
  }

  async delete(key: string): Promise<void> {
    this.#calls.send()
    await send(this.#client, 'DEL', this.#prefix + key)
  }

  /** By its hash; a Redis that does not know the script (the first time, or after it restarted) learns it so. */
  async #run(keys: readonly string[], rest: readonly string[]): Promise<unknown> {
    const args = [String(keys.length), ...keys.map((key) => this.#prefix + key), ...rest]
    try {
      return await send(this.#client, 'EVALSHA', SCRIPT_SHA1, ...args)
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
      return await send(this.#client, 'EVAL', SCRIPT, ...args)
    }
  }
}
