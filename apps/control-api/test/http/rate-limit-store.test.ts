import { expect, test } from '@jest/globals'
import { RateLimiter } from '@iron/rate-limiter'
import { privateRedis, redisForTests } from '@iron/test-kit'
import { Redis } from 'ioredis'
import { openRateLimitStore } from '../../src/rate-limit-store.ts'

const maybe = (await redisForTests()) === undefined ? test.skip : test

maybe('LIM-08 a Redis that answers and takes no writes is told of, and not once for each request', async () => {
  await using stack = new AsyncDisposableStack()
  const redis = stack.use(await privateRedis())
  const operator = new Redis(redis.url)
  stack.defer(() => operator.disconnect())
  const told: string[] = []
  const shared = openRateLimitStore(redis.url, (error) => told.push((error as Error).message))
  stack.defer(() => shared.close())
  const take = (): ReturnType<RateLimiter['consume']> =>
    // Limiters of one store leave it alone together after a failure; these ask it each time.
    new RateLimiter(100, { store: { ...shared.store } }).consume('user')
  while ((await take()).degraded) await new Promise((resolve) => setTimeout(resolve, 10))

  await operator.config('SET', 'maxmemory', '1')
  for (let call = 0; call < 20; call += 1) expect(await take()).toMatchObject({ allowed: true, degraded: true })
  expect(told).toEqual([expect.stringMatching(/^rate limits are not shared while Redis fails: OOM /)])
  await operator.config('SET', 'maxmemory', '0')
  expect(await take()).toMatchObject({ degraded: false })
  await operator.call('REPLICAOF', '127.0.0.1', '1')
  for (let call = 0; call < 20; call += 1) expect(await take()).toMatchObject({ allowed: true, degraded: true })
  expect(told).toEqual([expect.stringContaining('OOM'), expect.stringContaining('READONLY')])
})
