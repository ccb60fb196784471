import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { manualClock } from '@iron/test-kit'
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { Redis } from 'ioredis'
import { consumeAll, MemoryRateLimitStore, QuotaLimiter, RateLimiter, type StoreOperation } from '../../src/index.ts'
import { type RedisLike, RedisRateLimitStore } from '../../src/redis.ts'
import { OPERATIONS_MAX } from '../../src/redis/calls.ts'
import { allowedOf, ioredisStore, keysOf, nodeRedisStore, randomPrefix, redisUrl, refusal, times } from '../setup.ts'

const packageRoot = fileURLToPath(new URL('../..', import.meta.url))
const HOUR_MS = 3_600_000
const SLOW = { capacity: 10, refill: 10, intervalMs: 10 * HOUR_MS } as const

/** A client that is a list of answers, and keeps what it was sent. */
function scripted(...answers: unknown[]): { readonly client: RedisLike; readonly sent: (readonly string[])[] } {
  const sent: (readonly string[])[] = []
  const sendCommand = async (args: readonly string[]): Promise<unknown> => {
    sent.push(args)
    const answer = answers.shift()
    if (answer instanceof Error) throw answer
    return answer
  }
  return { client: { sendCommand }, sent }
}

const one: StoreOperation = {
  key: 'k',
  rule: { kind: 'bucket', capacity: 2, refill: 2, intervalMs: 2_000 },
  mode: 'consume',
  cost: 1,
}

describe('what is sent', () => {
  test('one command: EVALSHA, with all keys in the hash tag of the prefix', async () => {
    const { client, sent } = scripted([1, 1_000, 0, 1, 1_000, 0])
    const store = new RedisRateLimitStore(client, { prefix: 'mine' })
    expect(await store.apply([one, { ...one, key: 'l' }], 5_000)).toEqual([
      { allowed: true, remaining: 1, retryAfterMs: 0, resetAtMs: 6_000 },
      { allowed: true, remaining: 1, retryAfterMs: 0, resetAtMs: 6_000 },
    ])
    expect(sent.map((args) => args.slice(2, 5))).toEqual([['2', '{mine}k', '{mine}l']])
    expect(sent[0]?.[0]).toBe('EVALSHA')
  })

  test('the script itself only to a Redis that does not know it', async () => {
    const { client, sent } = scripted(new Error('NOSCRIPT No matching script.'), [1, 0, 0], [1, 0, 0])
    const store = new RedisRateLimitStore(client)
    await store.apply([one], 0)
    await store.apply([one], 0)
    expect(sent.map(([command]) => command)).toEqual(['EVALSHA', 'EVAL', 'EVALSHA'])
  })

  test('lists of one turn of the event loop share a script, in their order', async () => {
    const { client, sent } = scripted([1, 1_000, 0, 1, 0, 0, 0, 2_000, 2_000])
    const store = new RedisRateLimitStore(client, { prefix: 'mine' })
    const results = await Promise.all([
      store.apply([one, { ...one, key: 'l' }], 5_000),
      store.apply([{ ...one, key: 'm' }], 7_000),
    ])
    expect(results.map((list) => list.map(({ allowed, resetAtMs }) => [allowed, resetAtMs]))).toEqual([
      [
        [true, 6_000],
        [true, 5_000],
      ],
      [[false, 9_000]],
    ])
    expect(sent.map((args) => args.slice(2))).toEqual([
      ['3', '{mine}k', '{mine}l', '{mine}m', ...['C', 'c', 'C'].flatMap((mode) => [mode, '1000', '2000', '1', '0'])],
    ])
  })

  test('so many operations at most share one, but a list is never split', async () => {
    const { client, sent } = scripted(...times(4, () => 'no matter'))
    const store = new RedisRateLimitStore(client)
    const list = (length: number): Promise<unknown> =>
      store.apply(
        times(length, () => one),
        0,
      )
    await Promise.allSettled([list(OPERATIONS_MAX - 1), list(1), list(1), list(OPERATIONS_MAX + 1), list(2)])
    expect(sent.map(([, , keys]) => Number(keys))).toEqual([OPERATIONS_MAX, 1, OPERATIONS_MAX + 1, 2])
  })

  test('a key is forgotten after the calls that came before', async () => {
    const { client, sent } = scripted([1, 0, 0], 1)
    const store = new RedisRateLimitStore(client)
    await Promise.all([store.apply([one], 0), store.delete('k')])
    expect(sent.map(([command]) => command)).toEqual(['EVALSHA', 'DEL'])
  })

  test('a script that fails fails all of its lists', async () => {
    const store = new RedisRateLimitStore(scripted(new Error('READONLY')).client)
    const lists = [store.apply([one], 0), store.apply([one], 0)].map((list) => expect(list).rejects.toThrow('READONLY'))
    await Promise.all(lists)
  })

  test('also while the timers are fake', async () => {
    jest.useFakeTimers()
    try {
      const store = new RedisRateLimitStore(scripted([1, 0, 0]).client)
      expect(await store.apply([one], 0)).toHaveLength(1)
    } finally {
      jest.useRealTimers()
    }
  })

  test('nothing for an empty list', async () => {
    const { client, sent } = scripted()
    expect(await new RedisRateLimitStore(client).apply([], 0)).toEqual([])
    expect(sent).toEqual([])
  })

  test('by call where there is one: the sendCommand of ioredis takes something else', async () => {
    const commands: string[] = []
    const client = {
      call: async (command: string): Promise<unknown> => {
        commands.push(command)
        return [1, 0, 0]
      },
      sendCommand: () => Promise.reject(new Error('not this one')),
    }
    await new RedisRateLimitStore(client).apply([one], 0)
    expect(commands).toEqual(['EVALSHA'])
  })

  test.each([null, 'OK', [], [1, 2], [1, 'x', 0], [1, 0, 0, 1], { 0: 1 }])(
    'an answer that is none: %p',
    async (answer) => {
      await expect(new RedisRateLimitStore(scripted(answer).client).apply([one], 0)).rejects.toThrow('something else')
    },
  )
})

test.each<readonly [string, unknown, object, string[]]>([
  ['a client that is none', {}, {}, ['client']],
  ['no client', undefined, {}, ['client']],
  ['an empty prefix', scripted().client, { prefix: '' }, ['prefix']],
  ['a prefix with a hash tag of its own', scripted().client, { prefix: '{a}' }, ['prefix']],
  ['both', null, { prefix: '}' }, ['client', 'prefix']],
])('INVALID_LIMIT: %s', async (_, client, options, fields) => {
  const error = await refusal(() => new RedisRateLimitStore(client as RedisLike, options))
  expect(error.code).toBe('INVALID_LIMIT')
  expect(Object.keys(error.details['fields'] as object)).toEqual(fields)
})

const withRedis = redisUrl === undefined ? describe.skip : describe

withRedis('on a real Redis', () => {
  let admin: Redis
  beforeAll(() => void (admin = new Redis(redisUrl ?? '')))
  afterAll(() => admin.quit())

  test('keys expire by themselves: buckets when they are full, windows some time after their end', async () => {
    const prefix = randomPrefix()
    await using opened = await ioredisStore(prefix)
    const clock = manualClock(Date.UTC(2026, 0, 15, 12, 59, 30))
    await new RateLimiter({ ...SLOW, store: opened.store }).consume('user', 3)
    await new QuotaLimiter({ limit: 5, window: 'hour', store: opened.store, clock }).consume('user')
    await new QuotaLimiter({ limit: 5, window: { ms: 60_000 }, store: opened.store, clock }).consume('user')
    const keys = (await keysOf(admin, prefix)).sort()
    expect(keys).toEqual([
      `{${prefix}}b:10/10/36000000:user`,
      `{${prefix}}w:5:60000ms@${Date.UTC(2026, 0, 15, 12, 59)}:user`,
      `{${prefix}}w:5:hour@${Date.UTC(2026, 0, 15, 12)}:user`,
    ])
    const seconds = await Promise.all(keys.map((key) => admin.ttl(key)))
    expect(seconds.map((left) => Math.ceil((left + 20) / 60))).toEqual([181, 2, 61])
  })

  test('LIM-02 reading and refusals write nothing', async () => {
    const prefix = randomPrefix()
    await using opened = await ioredisStore(prefix)
    const limiter = new RateLimiter({ ...SLOW, store: opened.store })
    await limiter.peek('user')
    await limiter.consume('user', 11)
    await limiter.refund('user')
    expect(await keysOf(admin, prefix)).toEqual([])
  })

  test('LIM-09 buckets go by the clock of Redis, windows by that of the caller, whose times are given back', async () => {
    await using opened = await ioredisStore()
    const clock = manualClock(1_000_000)
    const limiter = new RateLimiter({ ...SLOW, store: opened.store, clock })
    await limiter.consume('user', 10)
    clock.advance(100 * HOUR_MS)
    const refused = await limiter.consume('user')
    expect(refused.allowed).toBe(false)
    expect(refused.resetAtMs - clock.now()).toBeGreaterThan(9 * HOUR_MS)
    expect(refused.resetAtMs - clock.now()).toBeLessThanOrEqual(10 * HOUR_MS)
  })

  test('LIM-09 a record from ahead of its time blocks for no longer than one refill', async () => {
    const prefix = randomPrefix()
    await using opened = await ioredisStore(prefix)
    const limiter = new RateLimiter({ ...SLOW, store: opened.store })
    const key = `{${prefix}}b:10/10/36000000:user`
    await admin.set(key, '0', 'PX', 1_000 * HOUR_MS)
    expect((await limiter.consume('user')).retryAfterMs).toBeLessThanOrEqual(HOUR_MS)
    await limiter.refund('user')
    expect(await admin.pttl(key)).toBeLessThanOrEqual(9 * HOUR_MS + 1)
  })

  test('lists that share a script are steps of their own: one that is refused, or finds something else, leaves the others', async () => {
    const prefix = randomPrefix()
    await using opened = await ioredisStore(prefix)
    const { store } = opened
    await admin.rpush(`{${prefix}}list`, 'somebody else')
    const taking = (cost: number, ...keys: string[]): Promise<unknown> =>
      store.apply(
        keys.map((key) => ({ ...one, rule: { ...SLOW, kind: 'bucket' }, key, cost })),
        0,
      )
    const [first, other, refused, last] = await Promise.allSettled([
      taking(4, 'a', 'b'),
      taking(1, 'a', 'list'),
      taking(7, 'b', 'c'),
      taking(6, 'b', 'c'),
    ])
    const remaining = (...left: (readonly [boolean, number])[]): object => ({
      status: 'fulfilled',
      value: left.map(([allowed, n]) => expect.objectContaining({ allowed, remaining: n })),
    })
    expect(first).toMatchObject(remaining([true, 6], [true, 6]))
    expect(other).toMatchObject({ status: 'rejected', reason: { message: expect.stringContaining('WRONGTYPE') } })
    expect(refused).toMatchObject(remaining([false, 6], [true, 10]))
    expect(last).toMatchObject(remaining([true, 0], [true, 4]))
    expect(await taking(6, 'a')).toMatchObject([{ allowed: true, remaining: 0 }])
  })

  test.each([
    ['more parts than a millisecond has', '99999999999'],
    ['no number', '1767225600000:12'],
  ])('a record that nobody wrote so counts by how long it lasts: %s', async (_, value) => {
    const prefix = randomPrefix()
    await using opened = await ioredisStore(prefix)
    const limiter = new RateLimiter({ ...SLOW, store: opened.store })
    await admin.set(`{${prefix}}b:10/10/36000000:user`, value, 'PX', HOUR_MS)
    expect((await limiter.peek('user')).remaining).toBe(9)
  })

  test('the memory store and Redis answer the same list alike', async () => {
    await using opened = await ioredisStore()
    const memory = new MemoryRateLimitStore()
    const window = { kind: 'window', limit: 9, startsAt: 0, endsAt: 10_000 } as const
    const bucket = { kind: 'bucket', capacity: 9, refill: 7, intervalMs: 1_000 * HOUR_MS + 1 } as const
    let seed = 1
    const below = (bound: number): number => {
      seed = (seed * 48_271) % 2_147_483_647
      return seed % bound
    }
    let refusals = 0
    for (let round = 0; round < 150; round += 1) {
      // Some share a script.
      const lists = times(1 + below(3), () =>
        times(1 + below(5), (): StoreOperation => {
          const rule = below(2) === 0 ? window : bucket
          const mode = (['consume', 'consume', 'consume', 'peek', 'refund'] as const)[below(5)]!
          return { key: `${rule.kind}-${below(3)}`, rule, mode, cost: 1 + below(4) }
        }),
      )
      const expected = lists.map((operations) => memory.applySync(operations, 5_000))
      const got = await Promise.all(lists.map((operations) => opened.store.apply(operations, 5_000)))
      // Redis's clock runs: a second is nothing against these rules.
      const rounded = (results: typeof expected): unknown =>
        results.flat().map(({ retryAfterMs, resetAtMs, ...rest }) => ({
          ...rest,
          retryAfter: Math.ceil((retryAfterMs + 300_000) / 600_000),
          resetAt: Math.ceil((resetAtMs + 300_000) / 600_000),
        }))
      expect({ lists, results: rounded(got) }).toEqual({ lists, results: rounded(expected) })
      refusals += expected.filter((results) => results.some(({ allowed }) => !allowed)).length
    }
    expect(refusals).toBeGreaterThan(40)
    expect(refusals).toBeLessThan(260)
  })

  test('LIM-07 several clients of both kinds together admit no more than the limit', async () => {
    const prefix = randomPrefix()
    await using one = await ioredisStore(prefix)
    await using two = await nodeRedisStore(prefix)
    await using three = await ioredisStore(prefix)
    const calls = [one, two, three].flatMap(({ store }) => {
      const limiter = new RateLimiter({ ...SLOW, capacity: 250, store, storeTimeoutMs: 20_000 })
      const quota = new QuotaLimiter({ limit: 200, window: 'month', store, storeTimeoutMs: 20_000 })
      const parts = [
        { limiter, key: 'all' },
        { limiter: quota, key: 'all' },
      ]
      return times(150, () => consumeAll(parts))
    })
    expect(await allowedOf(calls)).toBe(200)
    const left = await new RateLimiter({ ...SLOW, capacity: 250, store: one.store, storeTimeoutMs: 20_000 }).peek('all')
    expect(left).toMatchObject({ remaining: 50, degraded: false })
  })

  test('LIM-07 several processes together admit no more than the limit', async () => {
    const prefix = randomPrefix()
    await using opened = await ioredisStore(prefix)
    const program = `
      import { Redis } from 'ioredis'
      import { RateLimiter } from '@iron/rate-limiter'
      import { RedisRateLimitStore } from '@iron/rate-limiter/redis'
      const client = new Redis(process.argv[1])
      const store = new RedisRateLimitStore(client, { prefix: process.argv[2] })
      const limiter = new RateLimiter({ capacity: 300, refill: 1, intervalMs: 3_600_000, store, storeTimeoutMs: 20_000 })
      const decisions = await Promise.all(Array.from({ length: 200 }, () => limiter.consume('all')))
      console.log(JSON.stringify(decisions.map(({ allowed, degraded }) => [allowed, degraded])))
      client.disconnect()
    `
    const flags = [
      '--conditions=@iron/source',
      '--disable-warning=ExperimentalWarning',
      '--input-type=module-typescript',
    ]
    const runs = times(3, () =>
      promisify(execFile)(process.execPath, [...flags, '--eval', program, redisUrl ?? '', prefix], {
        cwd: packageRoot,
      }),
    )
    const decisions = (await Promise.all(runs)).flatMap(({ stdout }) => JSON.parse(stdout) as [boolean, boolean][])
    expect(decisions).toHaveLength(600)
    expect(decisions.filter(([allowed]) => allowed)).toHaveLength(300)
    expect(decisions.some(([, degraded]) => degraded)).toBe(false)
    expect(
      await new RateLimiter({ capacity: 300, refill: 1, intervalMs: HOUR_MS, store: opened.store }).check('all'),
    ).toBe(false)
  })
})
