/** A Redis that is stopped, frozen, emptied and started again under limiters that go on. The clock of the limiters stands
 * still but for the time that a failed store is left alone, so that nothing here depends on how fast the machine is. */
import { type ManualClock, manualClock, type PrivateService, privateRedis, redisForTests } from '@iron/test-kit'
import { describe, expect, test } from '@jest/globals'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { RateLimiter } from '../../src/index.ts'
import { type RedisLike, RedisRateLimitStore } from '../../src/redis.ts'

const HOUR_MS = 3_600_000
/** Long enough for a round trip on a busy machine. */
const TIMEOUT_MS = 500
/** On top of the deadline, on a busy machine. */
const SLACK_MS = 3_000
const LEFT_ALONE_MS = 1_000
const RECONNECT_MS = 20
const BACK_WITHIN_MS = 20_000

interface Connection extends AsyncDisposable {
  readonly client: RedisLike
}

const CLIENTS: readonly { readonly name: string; readonly connect: (url: string) => Promise<Connection> }[] = [
  {
    name: 'ioredis',
    connect: async (url) => {
      const client = new Redis(url, { retryStrategy: () => RECONNECT_MS, maxRetriesPerRequest: null })
      client.on('error', () => undefined)
      await client.ping()
      return { client, [Symbol.asyncDispose]: async () => client.disconnect() }
    },
  },
  {
    name: 'node-redis',
    connect: async (url) => {
      const client = createClient({ url, socket: { reconnectStrategy: () => RECONNECT_MS } })
      client.on('error', () => undefined)
      await client.connect()
      return { client, [Symbol.asyncDispose]: async () => client.destroy() }
    },
  },
]

interface Scene {
  readonly redis: PrivateService
  readonly clock: ManualClock
  readonly local: RateLimiter
  readonly deny: RateLimiter
  readonly allow: RateLimiter
}

/** Limiters of all policies on a Redis of their own, each with 2 of 10 tokens taken. */
async function withScene(
  connect: (url: string) => Promise<Connection>,
  play: (scene: Scene) => Promise<void>,
): Promise<void> {
  await using redis = await privateRedis()
  await using connection = await connect(redis.url)
  const clock = manualClock()
  const store = new RedisRateLimitStore(connection.client)
  const rule = { capacity: 10, refill: 10, intervalMs: 10 * HOUR_MS, store, clock, storeTimeoutMs: TIMEOUT_MS }
  const limiters = {
    local: new RateLimiter({ ...rule, name: 'local' }),
    deny: new RateLimiter({ ...rule, name: 'deny', onStoreError: 'deny' }),
    allow: new RateLimiter({ ...rule, name: 'allow', onStoreError: 'allow' }),
  }
  for (const limiter of Object.values(limiters)) await untilBack(limiter, clock)
  for (const limiter of Object.values(limiters)) await limiter.reset('user')
  for (const limiter of Object.values(limiters)) {
    expect(await limiter.consume('user', 2)).toMatchObject({ allowed: true, remaining: 8, degraded: false })
  }
  await play({ redis, clock, ...limiters })
}

/** Every policy decides, each call within its deadline. */
async function expectOutage({ clock, local, deny, allow }: Scene): Promise<void> {
  // Each has to find out for itself, as if it were the first.
  for (const limiter of [local, deny, allow]) {
    clock.advance(LEFT_ALONE_MS)
    const startedMs = performance.now()
    expect(await limiter.consume('user')).toMatchObject({ allowed: limiter !== deny, degraded: true })
    expect(performance.now() - startedMs).toBeLessThan(TIMEOUT_MS + SLACK_MS)
    expect(limiter.degraded).toBe(true)
  }
  // Left alone, the store costs nobody anything.
  const startedMs = performance.now()
  for (let call = 0; call < 1_000; call += 1) await deny.consume('user')
  expect(performance.now() - startedMs).toBeLessThan(TIMEOUT_MS + SLACK_MS)
  expect(await local.consume('user', 9)).toMatchObject({ allowed: true, remaining: 0, degraded: true })
  expect(await local.consume('user')).toMatchObject({ allowed: false, degraded: true })
}

/** Tries the store again until it answers, as calls of a server would. */
async function untilBack(limiter: RateLimiter, clock: ManualClock): Promise<void> {
  const deadline = performance.now() + BACK_WITHIN_MS
  do {
    clock.advance(LEFT_ALONE_MS)
    await limiter.peek('nobody')
    if (performance.now() > deadline) throw new Error('Redis did not come back')
  } while (limiter.degraded)
}

const withRedis = (await redisForTests()) === undefined ? describe.skip : describe

withRedis.each(CLIENTS)('LIM-08 $name', ({ connect }) => {
  test('Redis is stopped and started again', () =>
    withScene(connect, async (scene) => {
      await scene.redis.stop()
      await expectOutage(scene)
      await scene.redis.restart()
      await untilBack(scene.local, scene.clock)
      // A call that the client kept through the outage may have been carried out since; none was forgotten.
      const { degraded, remaining } = await scene.local.peek('user')
      expect({ degraded, atMost: Math.max(8, remaining) }).toEqual({ degraded: false, atMost: 8 })
      expect(scene.deny.degraded).toBe(false)
    }))

  test('Redis hangs and goes on', () =>
    withScene(connect, async (scene) => {
      scene.redis.pause()
      await expectOutage(scene)
      scene.redis.resume()
      await untilBack(scene.local, scene.clock)
      const { degraded, remaining } = await scene.local.peek('user')
      expect({ degraded, atMost: Math.max(8, remaining) }).toEqual({ degraded: false, atMost: 8 })
    }))

  test('Redis loses its data and its scripts: everybody starts full, nothing fails', () =>
    withScene(connect, async ({ redis, local }) => {
      const admin = new Redis(redis.url)
      await admin.flushall()
      await admin.script('FLUSH')
      await admin.quit()
      expect(await local.consume('user')).toMatchObject({ allowed: true, remaining: 9, degraded: false })
    }))

  test('Redis holds something else under the key: the policy decides', () =>
    withScene(connect, async ({ redis, local, clock }) => {
      const admin = new Redis(redis.url)
      await admin.del('{iron:limits}b:"local":user')
      await admin.rpush('{iron:limits}b:"local":user', 'x')
      expect(await local.consume('user')).toMatchObject({ allowed: true, remaining: 9, degraded: true })
      await admin.del('{iron:limits}b:"local":user')
      await admin.quit()
      clock.advance(LEFT_ALONE_MS)
      expect(await local.consume('user')).toMatchObject({ allowed: true, remaining: 9, degraded: false })
    }))
})
