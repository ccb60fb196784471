import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { Redis } from 'ioredis'
import pg from 'pg'
import {
  enginesForTests,
  postgresForTests,
  type PrivateService,
  privatePostgres,
  privateRedis,
  redisForTests,
  startProcess,
} from '../../src/index.ts'
import { canStartPostgres } from '../../src/services/postgres.ts'
import { canStartRedis } from '../../src/services/redis.ts'

const index = fileURLToPath(new URL('../../src/index.ts', import.meta.url))

/** Runs an expression with the test-kit's names in a process of its own, so that the environment can differ. */
async function ask(
  expression: string,
  env: Record<string, string | undefined>,
): Promise<{ out: string; err: string; code: number | null }> {
  const program = `const kit = await import(${JSON.stringify(index)}); console.log(JSON.stringify(await (${expression}) ?? null)); process.exit(0)`
  const child = await startProcess(process.execPath, ['--input-type=module', '-e', program], { env })
  const { code } = await child.exited
  return { out: child.stdout.trim(), err: child.stderr, code }
}

async function rows(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 3_000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return (await client.query<Record<string, unknown>>(sql)).rows
  } finally {
    await client.end().catch(() => undefined)
  }
}

const withPostgres = canStartPostgres() || process.env.IRON_REQUIRE_SERVICES === '1' ? describe : describe.skip
const withRedis = canStartRedis() || process.env.IRON_REQUIRE_SERVICES === '1' ? describe : describe.skip

describe('the services tests run against (R9)', () => {
  test('what is found answers, and the engines follow from it', async () => {
    const postgres = await postgresForTests()
    const redis = await redisForTests()
    expect(await enginesForTests()).toEqual(postgres === undefined ? ['sqlite'] : ['sqlite', 'postgres'])
    if (postgres !== undefined) expect(await rows(postgres.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    if (redis !== undefined) {
      const client = new Redis(redis.url)
      expect(await client.ping()).toBe('PONG')
      client.disconnect()
    }
  })

  test('one that is named but does not answer is an error, never a silent other one', async () => {
    const answer = await ask('kit.postgresForTests()', { IRON_TEST_POSTGRES_URL: 'postgres://nobody@127.0.0.1:1/x' })
    expect(answer.code).toBe(1)
    expect(answer.err).toContain('IRON_TEST_POSTGRES_URL does not answer')
    const redis = await ask('kit.redisForTests()', { IRON_TEST_REDIS_URL: 'redis://127.0.0.1:1/0' })
    expect(redis.code).toBe(1)
    expect(redis.err).toContain('IRON_TEST_REDIS_URL does not answer')
  })
})

withPostgres('a private postgres', () => {
  let service: PrivateService
  beforeAll(async () => {
    service = await privatePostgres()
  })
  afterAll(async () => {
    await service[Symbol.asyncDispose]()
  })

  test('keeps its address and its data over a crash and a restart', async () => {
    await rows(service.url, 'CREATE TABLE kept (n int)')
    await rows(service.url, 'INSERT INTO kept VALUES (7)')
    const before = service.pid
    await service.stop('SIGKILL')
    await expect(rows(service.url, 'SELECT 1')).rejects.toThrow('ECONNREFUSED')
    await service.restart()
    expect(service.pid).not.toBe(before)
    expect(await rows(service.url, 'SELECT n FROM kept')).toEqual([{ n: 7 }])
  })

  test('paused it hangs, also on an open connection; resumed it answers', async () => {
    const client = new pg.Client({ connectionString: service.url })
    client.on('error', () => undefined)
    await client.connect()
    service.pause()
    let answered = false
    const query = client.query<{ one: number }>('SELECT 1 AS one').then((result) => {
      answered = true
      return result.rows
    })
    await expect(rows(service.url, 'SELECT 1')).rejects.toThrow(/timeout/)
    expect(answered).toBe(false)
    service.resume()
    expect(await query).toEqual([{ one: 1 }])
    await client.end()
  })
})

withRedis('a private redis', () => {
  test('keeps its address and its data over a crash and a restart', async () => {
    await using service = await privateRedis()
    const client = new Redis(service.url, { maxRetriesPerRequest: null, retryStrategy: () => 20 })
    client.on('error', () => undefined)
    await client.set('kept', '7')
    await service.stop('SIGKILL')
    await service.restart()
    expect(await client.get('kept')).toBe('7')
    client.disconnect()
  })
})

withPostgres('the shared postgres', () => {
  const shared = fileURLToPath(new URL('../../src/services/shared-service.ts', import.meta.url))
  const share = `(await import(${JSON.stringify(shared)})).sharedService('postgres')`

  test('processes that ask at the same time get the same one', async () => {
    const answers = await Promise.all([1, 2, 3].map(() => ask(share, {})))
    const urls = new Set(answers.map(({ out, err }) => out || err))
    expect(urls.size).toBe(1)
    const [url] = [...urls].map((text) => JSON.parse(text) as string)
    expect(await rows(url!, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  })
})
