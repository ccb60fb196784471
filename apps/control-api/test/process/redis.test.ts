import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from '@jest/globals'
import { privateRedis, redisForTests } from '@iron/test-kit'
import { HttpClient } from '../support/http-client.ts'
import { ADMIN, createInstallation, expectStatus, type ServerProcess, startServer } from '../support/server-process.ts'

const METRICS = { Authorization: 'Bearer scrape-token-of-the-test-0123456789' }
/** How soon requests are limited together again once Redis is back, in milliseconds. */
const RECOVERY_MAX_MS = 10_000
/** For 120 requests without Redis. */
const NO_WAIT_MAX_MS = 5_000

/** A figure of `GET /metrics`. */
async function metric(client: HttpClient, name: string): Promise<number> {
  const { body } = expectStatus(await client.get('/metrics', METRICS), 200)
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(String(body))?.[1])
}

/** Asks until it holds, or gives up. */
async function until(holds: () => Promise<boolean>): Promise<number> {
  const began = performance.now()
  while (!(await holds())) {
    if (performance.now() - began > RECOVERY_MAX_MS) throw new Error('did not come about in time')
    await pause(50)
  }
  return performance.now() - began
}

const present = (await redisForTests()) !== undefined

const maybe = present ? test : test.skip
maybe(
  'LIM-07 LIM-08 two processes limit together on Redis, each alone without it, and together again when it is back',
  async () => {
    await using stack = new AsyncDisposableStack()
    const redis = stack.use(await privateRedis())
    await using installation = await createInstallation('postgres', {
      REDIS_URL: redis.url,
      IRON_RATE_LIMIT_READ: '40/3600',
      IRON_METRICS_TOKEN: METRICS.Authorization.slice('Bearer '.length),
    })
    const servers: ServerProcess[] = []
    for (let index = 0; index < 2; index += 1) servers.push(stack.use(await startServer(installation)))
    const [first, second] = servers.map(({ address }) => stack.use(new HttpClient(address, { connections: 20 })))
    if (first === undefined || second === undefined) throw new Error('two servers were started')

    /** Forty may read an hour: how many of sixty requests over both processes are let through. */
    let tookMs = 0
    const admitted = async (): Promise<number> => {
      const login = expectStatus(await first.post('/auth/login', ADMIN), 200)
      const user = await newUser(first, String(login.body.access_token))
      const began = performance.now()
      const answers = await Promise.all(
        Array.from({ length: 120 }, (_, index) => (index % 2 === 0 ? first : second).get('/auth/me', user)),
      )
      tookMs = performance.now() - began
      const statuses = new Set(answers.map(({ status }) => status))
      expect([...statuses].filter((status) => status !== 200 && status !== 429)).toEqual([])
      return answers.filter(({ status }) => status === 200).length
    }

    /** Decisions that were made without Redis, by both. A busy machine may miss the deadline of one. */
    const alone = async (): Promise<number> =>
      (await metric(first, 'iron_rate_limiter_degraded_decisions_total')) +
      (await metric(second, 'iron_rate_limiter_degraded_decisions_total'))
    const admittedTogether = async (): Promise<number> => {
      for (;;) {
        for (const client of [first, second]) {
          await until(async () => (await metric(client, 'iron_rate_limiter_degraded')) === 0)
        }
        const before = await alone()
        const count = await admitted()
        if ((await alone()) === before) return count
      }
    }
    expect(await admittedTogether()).toBe(40)

    await redis.stop()
    // Nobody is refused or kept waiting for it: each process admits its own forty.
    expect(await admitted()).toBe(80)
    expect(tookMs).toBeLessThan(NO_WAIT_MAX_MS)
    expect(await metric(first, 'iron_rate_limiter_degraded')).toBe(1)
    expect(await metric(first, 'iron_rate_limiter_degraded_decisions_total')).toBeGreaterThan(0)

    await redis.restart()
    expect(await admittedTogether()).toBe(40)
  },
  120_000,
)

let made = 0

async function newUser(client: HttpClient, accessToken: string): Promise<Record<string, string>> {
  made += 1
  const admin = { Authorization: `Bearer ${accessToken}` }
  const body = { username: `reader${made}`, email: `reader${made}@example.com`, password: 'correct horse battery' }
  const user = expectStatus(await client.post('/users', body, admin), 201)
  const token = await client.post('/tokens', { name: 'reader', user_id: user.body.id as string }, admin)
  return { 'X-API-Token': String(expectStatus(token, 201).body.token) }
}
