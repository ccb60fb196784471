import { readFileSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, jest, test } from '@jest/globals'
import { enginesForTests } from '@iron/database/testing'
import { hashPassword } from '@iron/token-manager'
import { loadConfig } from '../../src/config.ts'
import { startJobs } from '../../src/jobs/start-jobs.ts'
import { createLogger } from '../../src/observability/logger.ts'
import { RATES_OFF } from '../support/api.ts'
import { startOperators, type Operators } from '../support/operators.ts'

/** What a scrape says of a metric: its labels as text, and its value. */
async function scrape({ client, admin }: Operators, name: string): Promise<Record<string, number>> {
  const { body } = await client.request('GET', '/metrics', undefined, admin.session)
  const lines = String(body).split('\n')
  return Object.fromEntries(
    lines
      .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
      .map((line) => [line.slice(name.length, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  )
}

describe.each(await enginesForTests())('GET /metrics on %s', (dialect) => {
  test('OPS-21 counts what the budget protocol decided, and shows what can still be spent as one figure', async () => {
    await using world = await startOperators(dialect)
    const { client, admin } = world
    const provider = await world.newProvider()
    const agent = await world.newAgent(admin, { allocated_usd: 30, provider_ids: [provider] })
    await client.post('/budget/handshake', { requested_usd: 10 }, agent.runtime)
    const lease = await world.newLease(agent, 5)
    const key = { 'Idempotency-Key': 'once' }
    await client.post('/budget/reserve', { requested_usd: 25 }, { ...agent.runtime, ...key })
    await client.post('/budget/reserve', { requested_usd: 25 }, { ...agent.runtime, ...key })
    await client.post('/budget/reserve', { requested_usd: 1 }, agent.runtime)
    const report = { lease_id: lease, request_id: 'r1', model: 'gpt-4o', cost_usd: 6.5 }
    await client.post('/budget/report', report, agent.runtime)
    await client.post('/budget/report', report, agent.runtime)
    await client.post('/budget/return', { lease_id: lease }, agent.runtime)
    expect(await scrape(world, 'iron_budget_grants_total')).toEqual({
      '{message="handshake",size="full"}': 1,
      '{message="reserve",size="full"}': 1,
      '{message="reserve",size="partial"}': 1,
    })
    expect(await scrape(world, 'iron_budget_refusals_total')).toEqual({
      '{message="reserve",code="BUDGET_EXCEEDED"}': 1,
    })
    expect(await scrape(world, 'iron_budget_reports_total')).toEqual({
      '{outcome="booked"}': 1,
      '{outcome="duplicate"}': 1,
    })
    expect(await scrape(world, 'iron_budget_overruns_total')).toEqual({ '': 1 })
    expect(await scrape(world, 'iron_budget_overrun_usd_total')).toEqual({ '': 1.5 })
    expect(await scrape(world, 'iron_budget_allocated_usd')).toEqual({ '': 30 })
    expect(await scrape(world, 'iron_budget_spent_usd')).toEqual({ '': 6.5 })
    expect(await scrape(world, 'iron_budget_reserved_usd')).toEqual({ '': 25 })
    expect(await scrape(world, 'iron_budget_outstanding_usd')).toEqual({ '': 25 })
    expect(await scrape(world, 'iron_leases')).toEqual({ '{state="active"}': 2, '{state="expired"}': 0 })
    expect(await scrape(world, 'iron_lease_endings_total')).toEqual({ '{reason="returned"}': 1 })
    expect(await scrape(world, 'iron_ledger_faults')).toEqual({ '': 0 })
    expect((await scrape(world, 'iron_database_commit_writes_count'))['']).toBeGreaterThan(5)
    // Work of the server's own may be waiting at the moment of a scrape; none waits for long.
    while ((await scrape(world, 'iron_database_waiting_calls'))[''] !== 0) await nextTurn()
    expect(await scrape(world, 'iron_event_lag_seconds')).toEqual({ '': 0 })
  })

  test('requests, refusals, waiting calls and hashes move with what happens', async () => {
    const rateLimits = { ...RATES_OFF, public: { count: 2, seconds: 60 } }
    await using world = await startOperators(dialect, { config: { rateLimits } })
    const { admin, client, services } = world
    const agent = await world.newAgent(admin)
    await client.get(agent.path, admin.session)
    await client.get('/agents/agent_00000000-0000-7000-8000-000000000000', admin.session)
    const route = 'route="GET /agents/{id}"'
    expect(await scrape(world, 'iron_http_requests_total')).toMatchObject({
      [`{${route},status="200"}`]: 1,
      [`{${route},status="404"}`]: 1,
    })
    expect(await scrape(world, 'iron_http_request_duration_seconds_count')).toMatchObject({ [`{${route}}`]: 2 })
    for (let times = 0; times < 5; times += 1) await client.get('/openapi.json')
    expect(await scrape(world, 'iron_rate_limit_refusals_total')).toEqual({ '{class="public"}': 3 })

    let release = (): void => undefined
    const held = new Promise<void>((resolve) => (release = resolve))
    // More than there are connections, or than there are writers.
    const writes = Array.from({ length: 50 }, () => services.database.write(() => held))
    const hash = hashPassword('a password')
    await nextTurn()
    const read = services.metrics.read()
    release()
    await Promise.all([...writes, hash])
    const { content } = await read
    expect(Number(/^iron_database_waiting_calls (\d+)$/m.exec(content)?.[1])).toBeGreaterThan(0)
    expect(content).toMatch(/^iron_password_hashes_pending 1$/m)
  })

  test('the ledger is verified when the server starts and a minute later, and a difference is counted', async () => {
    await using world = await startOperators(dialect)
    const { clock, services } = world
    const verifiedAt = async (): Promise<unknown> => (await scrape(world, 'iron_ledger_verified_timestamp_seconds'))['']
    const seen = async (): Promise<unknown> => (await scrape(world, 'iron_ledger_faults'))['']
    while ((await verifiedAt()) === 0) await nextTurn()
    expect([await verifiedAt(), await seen()]).toEqual([clock.now() / 1_000, 0])
    jest.spyOn(services.ledger, 'verify').mockResolvedValue([{ rule: 'R', where: 'w', text: 't' }] as never)
    clock.advance(60_000)
    const timers = startJobs(services, loadConfig({}), createLogger('silent'))
    while ((await seen()) === 0) await nextTurn()
    await timers.stop()
    expect([await verifiedAt(), await seen()]).toEqual([clock.now() / 1_000, 1])
  })

  test('sockets are counted as the WebSocket layer tells, close codes that clients make up as one', async () => {
    await using world = await startOperators(dialect)
    const { sockets } = world.services.metrics
    for (let n = 0; n < 4; n += 1) sockets.opened('pending')
    sockets.became('session')
    sockets.closed('session', 1000)
    for (const code of [3000, 4999, 4408]) sockets.closed('pending', code)
    sockets.opened('ic_token')
    expect(await scrape(world, 'iron_websocket_connections')).toEqual({
      '{kind="pending"}': 0,
      '{kind="session"}': 0,
      '{kind="api_token"}': 0,
      '{kind="ic_token"}': 1,
    })
    expect(await scrape(world, 'iron_websocket_closes_total')).toEqual({
      '{code="1000"}': 1,
      '{code="4408"}': 1,
      '{code="other"}': 2,
    })
  })

  test('OPS-12 a request id of the caller is on the audit row of what it did', async () => {
    await using world = await startOperators(dialect)
    const headers = { ...world.admin.session, 'X-Request-Id': 'trace.me-1' }
    const { body } = await world.client.post('/agents', { name: 'traced' }, headers)
    const entries = await world.audited(String(body.id))
    expect(entries.length).toBeGreaterThan(0)
    expect(new Set(entries.map(({ request_id }) => request_id))).toEqual(new Set(['trace.me-1']))
  })
})

test('the README lists every metric of ours and no other; the rest are those of Node', async () => {
  await using world = await startOperators('sqlite')
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const listed = [...readme.matchAll(/^\| `(iron_[a-z_]+)`/gm)].map(([, name]) => name)
  const names = world.services.metrics.describe().map(({ name }) => name)
  expect(names.filter((name) => name.startsWith('iron_')).sort()).toEqual(listed.sort())
  expect(names.filter((name) => !/^(iron|process|nodejs)_/.test(name))).toEqual([])
})

test('a figure that cannot be read is NaN, never 0', async () => {
  await using world = await startOperators('sqlite')
  const { metrics, database } = world.services
  await database.close()
  const { content } = await metrics.read()
  expect(content).toMatch(/^iron_budget_outstanding_usd NaN$/im)
  expect(content).toMatch(/^iron_event_lag_seconds NaN$/im)
})
