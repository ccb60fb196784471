import { randomUUID } from 'node:crypto'
import { redisForTests } from '@iron/test-kit'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { MemoryRateLimitStore, RateLimitError, type RateLimitStore } from '../src/index.ts'
import { RedisRateLimitStore } from '../src/redis.ts'

/** The Redis of the tests; undefined, and said so, where there is none. */
export const redisUrl = (await redisForTests())?.url

/** A store of a test's own. Disposing it removes its keys and closes its connection. */
export interface TestStore extends AsyncDisposable {
  readonly store: RateLimitStore
}

export function memoryStore(maxKeys?: number): TestStore {
  return { store: new MemoryRateLimitStore({ maxKeys }), [Symbol.asyncDispose]: () => Promise.resolve() }
}

/** The memory store as a store of somebody else's: limiters reach it through its public interface alone. */
export function foreignStore(): TestStore {
  const memory = new MemoryRateLimitStore()
  const store: RateLimitStore = {
    apply: (operations, now) => memory.apply(operations, now),
    delete: (key) => memory.delete(key),
  }
  return { store, [Symbol.asyncDispose]: () => Promise.resolve() }
}

export async function ioredisStore(prefix: string = randomPrefix()): Promise<TestStore> {
  const client = new Redis(neededUrl())
  return {
    store: new RedisRateLimitStore(client, { prefix }),
    [Symbol.asyncDispose]: async () => {
      await forget(client, prefix)
      await client.quit()
    },
  }
}

export async function nodeRedisStore(prefix: string = randomPrefix()): Promise<TestStore> {
  const client = createClient({ url: neededUrl() })
  client.on('error', () => undefined)
  await client.connect()
  return {
    store: new RedisRateLimitStore(client, { prefix }),
    [Symbol.asyncDispose]: async () => {
      await client.close()
      const cleaner = await ioredisStore(prefix)
      await cleaner[Symbol.asyncDispose]()
    },
  }
}

export function randomPrefix(): string {
  return `iron-test:${randomUUID()}`
}

/** Keys a store with this prefix has in Redis. */
export async function keysOf(client: Redis, prefix: string): Promise<string[]> {
  const keys: string[] = []
  for await (const batch of client.scanStream({ match: `{${prefix}}*`, count: 1000 })) keys.push(...(batch as string[]))
  return keys
}

async function forget(client: Redis, prefix: string): Promise<void> {
  const keys = await keysOf(client, prefix)
  if (keys.length > 0) await client.del(...keys)
}

function neededUrl(): string {
  if (redisUrl === undefined) throw new Error('there is no Redis')
  return redisUrl
}

/** The error a call throws or rejects with; fails when it is none of ours. */
export async function refusal(call: () => unknown): Promise<RateLimitError> {
  try {
    await call()
  } catch (error) {
    if (error instanceof RateLimitError) return error
    throw error
  }
  throw new Error('nothing was refused')
}

/** How many of the calls were allowed. */
export async function allowedOf(calls: Iterable<Promise<{ readonly allowed: boolean }>>): Promise<number> {
  return (await Promise.all(calls)).filter(({ allowed }) => allowed).length
}

export function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index))
}
