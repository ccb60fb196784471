/** What does a rate limit cost: a call in memory, the memory of a million keys, the moment they expire, a call over Redis. */
import { setImmediate as turn } from 'node:timers/promises'
import { assert, roundRobin, shuffled, timed, timeOfCall } from '../micro.ts'
import type { Contestant, Question } from '../question.ts'

/** Never reached, so that every contestant answers "allowed" throughout. */
const MANY = 1_000_000_000
const HOUR_MS = 3_600_000
const MILLION = 1_000_000
const BUCKET = 'Map of buckets'

type Limit = (key: string) => unknown
/** A limiter of so many calls a key in so many ms. */
type Maker = (calls: number, intervalMs: number) => Promise<{ readonly limit: Limit; readonly allows: Limit }>

const ours = async (calls: number, intervalMs: number) => {
  const { MemoryRateLimitStore, RateLimiter } = await import('@iron/rate-limiter')
  // Fewer than the keys that are asked for would make them share records.
  const store = new MemoryRateLimitStore({ maxKeys: 2 * MILLION })
  return new RateLimiter({ capacity: calls, refill: calls, intervalMs, store })
}
const oursSync: Maker = async (calls, intervalMs) => {
  const limiter = await ours(calls, intervalMs)
  const limit = (key: string) => limiter.consumeSync(key)
  return { limit, allows: (key) => limit(key).allowed }
}
const oursAsync: Maker = async (calls, intervalMs) => {
  const limiter = await ours(calls, intervalMs)
  const limit = (key: string) => limiter.consume(key)
  return { limit, allows: async (key) => (await limit(key)).allowed }
}

const flexible: Maker = async (calls, intervalMs) => {
  const { RateLimiterMemory } = await import('rate-limiter-flexible')
  const limiter = new RateLimiterMemory({ points: calls, duration: intervalMs / 1_000 })
  const limit = (key: string) => limiter.consume(key)
  return {
    limit,
    allows: (key) =>
      limit(key).then(
        () => true,
        () => false,
      ),
  }
}

const express: Maker = async (calls, intervalMs) => {
  const { MemoryStore } = await import('express-rate-limit')
  const store = new MemoryStore()
  store.init({ windowMs: intervalMs } as Parameters<typeof store.init>[0])
  const limit = (key: string) => store.increment(key)
  return { limit, allows: async (key) => (await limit(key)).totalHits <= calls }
}

const limiterPackage: Maker = async (calls, intervalMs) => {
  const { TokenBucket } = await import('limiter')
  const buckets = new Map<string, InstanceType<typeof TokenBucket>>()
  const limit = (key: string) => {
    let bucket = buckets.get(key)
    if (bucket === undefined) {
      bucket = new TokenBucket({ bucketSize: calls, tokensPerInterval: calls, interval: intervalMs })
      // It starts empty.
      bucket.content = calls
      buckets.set(key, bucket)
    }
    return bucket.tryRemoveTokens(1)
  }
  return { limit, allows: limit }
}

/** The least that is a token bucket a key and says what it decided. */
const buckets: Maker = async (calls, intervalMs) => {
  const all = new Map<string, { tokens: number; at: number }>()
  const perMs = calls / intervalMs
  const limit = (key: string) => {
    const now = Date.now()
    let bucket = all.get(key)
    if (bucket === undefined) all.set(key, (bucket = { tokens: calls, at: now }))
    const tokens = Math.min(calls, bucket.tokens + (now - bucket.at) * perMs)
    const allowed = tokens >= 1
    bucket.tokens = allowed ? tokens - 1 : tokens
    bucket.at = now
    return {
      allowed,
      limit: calls,
      remaining: Math.floor(bucket.tokens),
      retryAfterMs: allowed ? 0 : Math.ceil((1 - tokens) / perMs),
      resetAtMs: now + Math.ceil((calls - bucket.tokens) / perMs),
    }
  }
  return { limit, allows: (key) => limit(key).allowed }
}
const bucketsAsync: Maker = async (calls, intervalMs) => {
  const { limit, allows } = await buckets(calls, intervalMs)
  return { limit: async (key) => limit(key), allows }
}

/** Three calls of four are allowed, and another key is another limit. */
async function assertLimits(make: Maker): Promise<void> {
  const { allows } = await make(3, HOUR_MS)
  const answers: unknown[] = []
  for (const key of ['a', 'a', 'a', 'b', 'a']) answers.push(await allows(key))
  assert.deepEqual(answers, [true, true, true, true, false])
}

/** Texts of their own, hashed like any text that came over a wire, in an order that is not that of memory. */
function keysFor(count: number): string[] {
  return shuffled(
    Array.from({ length: count }, (_, index) => Buffer.from(`user:${index}`, 'latin1').toString('latin1')),
  )
}

function consuming(make: Maker, keyCount: number): () => Promise<() => unknown> {
  return async () => {
    await assertLimits(make)
    const keys = keysFor(keyCount)
    const { limit } = await make(MANY, HOUR_MS)
    for (const key of keys) await limit(key)
    const next = roundRobin(keys)
    return () => limit(next())
  }
}

function question(keys: number, title: string, isSync: boolean): Question {
  const flexibleTimes = isSync ? 4 : 3
  return {
    figures: timeOfCall(
      `rate limit, ${title}`,
      { against: 'rate-limiter-flexible', times: flexibleTimes },
      ...(isSync ? [{ against: BUCKET, times: 1 / 1.6 }] : []),
    ),
    contestants: [
      timed('ours', isSync ? 'consumeSync' : 'consume', consuming(isSync ? oursSync : oursAsync, keys)),
      timed('rival', 'rate-limiter-flexible', consuming(flexible, keys)),
      timed('rival', 'express-rate-limit store', consuming(express, keys)),
      ...(isSync ? [timed('rival', 'limiter', consuming(limiterPackage, keys))] : []),
      timed('limit', BUCKET, consuming(isSync ? buckets : bucketsAsync, keys)),
    ],
  }
}

/** Bytes a key that a limiter holds, besides the text of the key. */
function heap(role: Contestant['role'], name: string, make: Maker): Contestant {
  const measure = async () => {
    const { gc } = globalThis
    if (gc === undefined) throw new Error('needs --expose-gc')
    const held = () => {
      for (let index = 0; index < 4; index += 1) gc()
      const { heapUsed, arrayBuffers } = process.memoryUsage()
      return heapUsed + arrayBuffers
    }
    const keys = keysFor(MILLION)
    const { limit } = await make(MANY, HOUR_MS)
    const before = held()
    for (const key of keys) await limit(key)
    const bytes = (held() - before) / keys.length
    // Asked once more, so that nothing was given up before it was weighed.
    await limit(keys[0] ?? '')
    return { bytes }
  }
  return { role, name, measure }
}

/** Keys that live so long, and how long the loop is watched: until all are gone and forgotten. */
const EXPIRY_MS = 4_000
const WATCHED_MS = 3 * EXPIRY_MS
const CALLS_A_TURN = 100

/** The longest turn of the event loop while a million keys expire beside ordinary calls. */
function stall(role: Contestant['role'], name: string, make: Maker): Contestant {
  const measure = async () => {
    const { limit } = await make(10, EXPIRY_MS)
    const others = roundRobin(keysFor(10_000))
    for (const [index, key] of keysFor(MILLION).entries()) {
      void limit(`expiring ${key}`)
      if (index % 1_000 === 0) await turn()
    }
    const began = performance.now()
    let longest = 0
    for (let from = began; from < began + WATCHED_MS;) {
      for (let call = 0; call < CALLS_A_TURN; call += 1) void Promise.resolve(limit(others())).catch(() => undefined)
      await turn()
      const now = performance.now()
      longest = Math.max(longest, now - from)
      from = now
    }
    return { ms: longest }
  }
  return { role, name, measure }
}

const IN_FLIGHT = 50
const REDIS_MS = 3_000
const REDIS_KEYS = 10_000
/** What is left in Redis is gone after this. */
const REDIS_EXPIRY_MS = 20_000

/** Calls a second over one connection, so many at a time. */
function redis(
  role: Contestant['role'],
  name: string,
  make: (client: RedisClient, prefix: string) => Promise<(key: string) => Promise<unknown>>,
): Contestant {
  const measure = async () => {
    const client = await connected()
    const limit = await make(client, `bench-${process.pid}-${Date.now()}`)
    const next = roundRobin(keysFor(REDIS_KEYS))
    const run = async (ms: number): Promise<number> => {
      const until = performance.now() + ms
      let calls = 0
      const caller = async (): Promise<void> => {
        for (; performance.now() < until; calls += 1) await limit(next())
      }
      await Promise.all(Array.from({ length: IN_FLIGHT }, caller))
      return (calls / ms) * 1_000
    }
    await run(REDIS_MS / 3)
    const perSecond = await run(REDIS_MS)
    client.destroy()
    return { perSecond }
  }
  return { role, name, measure }
}

const connected = async () => {
  const { createClient } = await import('redis')
  const client = createClient({ url: process.env['IRON_TEST_REDIS_URL'] ?? 'redis://127.0.0.1:6379/15' })
  client.on('error', () => undefined)
  return client.connect()
}
type RedisClient = Awaited<ReturnType<typeof connected>>

const redisQuestion: Question = {
  figures: {
    perSecond: {
      title: `rate limit over Redis, ${IN_FLIGHT} in flight`,
      unit: '/s',
      better: 'more',
      targets: [{ against: 'rate-limiter-flexible', times: 0.9 }],
    },
  },
  contestants: [
    redis('ours', 'consume', async (client, prefix) => {
      const { RateLimiter } = await import('@iron/rate-limiter')
      const { RedisRateLimitStore } = await import('@iron/rate-limiter/redis')
      const store = new RedisRateLimitStore(client, { prefix })
      const limiter = new RateLimiter({ capacity: MANY, refill: MANY, intervalMs: REDIS_EXPIRY_MS, store })
      return async (key) => {
        const { allowed, degraded } = await limiter.consume(key)
        assert(allowed && !degraded)
      }
    }),
    redis('rival', 'rate-limiter-flexible', async (client, prefix) => {
      const { RateLimiterRedis } = await import('rate-limiter-flexible')
      const limiter = new RateLimiterRedis({
        storeClient: client,
        useRedisPackage: true,
        keyPrefix: prefix,
        points: MANY,
        duration: REDIS_EXPIRY_MS / 1_000,
      })
      return async (key) => assert((await limiter.consume(key)).consumedPoints > 0)
    }),
    redis('limit', 'INCR', async (client, prefix) => {
      return async (key) => {
        const name = `${prefix}:${key}`
        const count = await client.incr(name)
        if (count === 1) await client.pExpire(name, REDIS_EXPIRY_MS)
      }
    }),
  ],
}

export const questions: Readonly<Record<string, Question>> = {
  'limiter-sync-10k': question(10_000, 'synchronous, 10k keys', true),
  'limiter-sync-1m': question(MILLION, 'synchronous, 1M keys', true),
  'limiter-async-10k': question(10_000, 'asynchronous, 10k keys', false),
  'limiter-async-1m': question(MILLION, 'asynchronous, 1M keys', false),
  'limiter-memory': {
    figures: {
      bytes: {
        title: 'memory of a key, of 1M',
        unit: 'B',
        better: 'less',
        targets: [{ bound: 64 }, { against: BUCKET, times: 1 }],
      },
    },
    contestants: [
      heap('ours', 'consume', oursSync),
      heap('rival', 'rate-limiter-flexible', flexible),
      heap('rival', 'express-rate-limit store', express),
      heap('rival', 'limiter', limiterPackage),
      heap('limit', BUCKET, buckets),
    ],
  },
  'limiter-expiry': {
    figures: { ms: { title: 'longest stall, 1M keys expire', unit: 'ms', better: 'less', targets: [{ bound: 15 }] } },
    contestants: [
      stall('ours', 'consumeSync', oursSync),
      stall('rival', 'rate-limiter-flexible', flexible),
      stall('rival', 'express-rate-limit store', express),
    ],
  },
  'limiter-redis': redisQuestion,
}
