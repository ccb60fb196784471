/** What is shown, what decides, what was booked and what analytics tell are the same money. */
import net from 'node:net'
import { describe, expect, test } from '@jest/globals'
import { enginesForTests, seededRandom } from '@iron/database/testing'
import { routes } from '../../src/routes/index.ts'
import type { Answer } from '../support/http-client.ts'
import { type MadeAgent, type Operators, refusal, startOperators } from '../support/operators.ts'
import { expectStatus } from '../support/server-process.ts'

const MICROUSD = 0.000001
const STEPS = 60
/** So that some end by themselves, in milliseconds. */
const SHORT_LEASES = { leaseTtlMs: 120_000, leaseGraceMs: 30_000 }
/** Cents, so that sums of floats are exact to six decimals. */
const cents = (random: () => number, most: number): number => (1 + Math.floor(random() * most * 100)) / 100
const rounded = (usd: number): number => Math.round(usd * 1e6) / 1e6

/** Whatever may happen to an agent's money, some of it too late, too much, or again. `least`: what it is always allocated. */
async function live(ops: Operators, agent: MadeAgent, least: number, each: () => Promise<void>): Promise<void> {
  const { client, admin, clock } = ops
  const random = seededRandom(7)
  const leases: string[] = []
  for (let step = 0; step < STEPS; step += 1) {
    const lease_id = leases[Math.floor(random() * leases.length)] ?? (await ops.newLease(agent, 1))
    const deed = Math.floor(random() * 6)
    if (deed === 0) {
      const { status, body } = await client.post('/budget/reserve', { requested_usd: cents(random, 9) }, agent.runtime)
      if (status === 200) leases.push(String(body.lease_id))
    } else if (deed === 1) {
      expectStatus(await client.post('/budget/return', { lease_id, spent_usd: cents(random, 3) }, agent.runtime), 200)
    } else if (deed === 2) {
      await client.put(`${agent.path}/budget`, { allocated_usd: least + cents(random, 40), force: true }, admin.session)
    } else {
      const request_id = `call-${Math.floor(random() * STEPS)}`
      const call = { lease_id, request_id, model: 'gpt-4o', cost_usd: cents(random, 2) }
      const { status } = await client.post('/budget/report', call, agent.runtime)
      expect([200, 409]).toContain(status)
    }
    clock.advance(Math.floor(random() * 50_000))
    await each()
  }
}

const budgetOf = async ({ client, admin }: Operators, agent: MadeAgent) =>
  expectStatus(await client.get(`${agent.path}/budget`, admin.session), 200).body as unknown as Record<
    'allocated_usd' | 'spent_usd' | 'reserved_usd' | 'remaining_usd',
    number
  >

describe.each(await enginesForTests())('recorded spend on %s', (dialect) => {
  test('MON-23 the balance that is shown is the balance that decides', async () => {
    await using ops = await startOperators(dialect, { config: SHORT_LEASES })
    const agent = await ops.newAgent(ops.admin, { allocated_usd: 15 })
    const outcomes = new Set<string>()
    await live(ops, agent, 0, async () => {
      // What a grant, like the sweeper, ends first.
      await ops.services.leases.sweep()
      const shown = await budgetOf(ops, agent)
      const asked = { requested_usd: rounded(shown.remaining_usd + MICROUSD) }
      const answer = await ops.client.post('/budget/reserve', asked, agent.runtime)
      if (shown.remaining_usd === 0) {
        outcomes.add('refused')
        expect([answer.status, answer.body.code, answer.body.details.spent, answer.body.details.limit]).toEqual([
          403,
          'BUDGET_EXCEEDED',
          shown.spent_usd,
          shown.allocated_usd,
        ])
        return
      }
      outcomes.add('granted')
      expect(expectStatus(answer, 200).body).toMatchObject({ granted_usd: shown.remaining_usd, partial: true })
      await ops.client.post('/budget/return', { lease_id: answer.body.lease_id as string }, agent.runtime)
      expect(await budgetOf(ops, agent)).toMatchObject(figuresOf(shown))
    })
    expect(outcomes).toEqual(new Set(['granted', 'refused']))
  }, 60_000)

  test('PRI-24 what analytics tell of an agent is what its ledger spent on the same calls', async () => {
    await using ops = await startOperators(dialect, { config: SHORT_LEASES })
    const { client, admin } = ops
    const agent = await ops.newAgent(admin, { allocated_usd: 50 })
    await live(ops, agent, 20, async () => {})
    const logged = async (path: string): Promise<Record<string, unknown>[]> =>
      expectStatus(await client.get(`${path}limit=1000`, admin.session), 200).body.data as Record<string, unknown>[]
    const total = (rows: Record<string, unknown>[], field: string): number =>
      rows.reduce((sum, row) => sum + Number(row[field]), 0)
    const charged = (await logged(`${agent.path}/ledger?`)).filter(({ type }) => type === 'spend' || type === 'overrun')
    expect(new Set(charged.map(({ type }) => type)).size).toBe(2)
    // What a return claimed is spent before the calls are told that it was spent on.
    const unreported = total(await logged(`${agent.path}/leases?`), 'unreported_usd')
    expect(unreported).toBeGreaterThan(0)
    const sum = rounded(total(charged, 'amount_usd') - unreported)
    for (const path of ['/analytics/spending/total?', '/analytics/spending/by-agent?', '/usage?']) {
      const told = expectStatus(
        await client.get(`${path}agent_id=${agent.id}&period=all-time`, admin.session),
        200,
      ).body
      const figures = (told.totals ?? told.summary ?? told) as Record<string, number>
      expect([path, figures['spend_usd'] ?? figures['total_spend_usd'] ?? figures['cost_usd']]).toEqual([path, sum])
    }
  }, 60_000)

  test('OPS-15 a client that is gone after its last byte has its call recorded', async () => {
    await using ops = await startOperators(dialect)
    const agent = await ops.newAgent(ops.admin, { allocated_usd: 50 })
    const lease_id = await ops.newLease(agent, 10)
    const calls = 20
    for (let call = 0; call < calls; call += 1) {
      const body = JSON.stringify({ lease_id, request_id: `call-${call}`, model: 'gpt-4o', cost_usd: 0.01 })
      await sendAndLeave(ops.port, '/api/v1/budget/report', body, agent.runtime)
    }
    while ((await budgetOf(ops, agent)).spent_usd < calls * 0.01) await new Promise((resolve) => setImmediate(resolve))
    expect((await budgetOf(ops, agent)).spent_usd).toBe(calls * 0.01)
  })

  test('OPS-20 a refusal names the limit, the balances and the rule that decided', async () => {
    await using ops = await startOperators(dialect, { config: { leasesMax: 1 } })
    const { client, admin } = ops
    const owner = await ops.newPerson()
    const poor = await ops.newAgent(owner, { allocated_usd: 5 })
    const reserve = (agent: MadeAgent, usd: number): Promise<Answer> =>
      client.post('/budget/reserve', { requested_usd: usd }, agent.runtime)
    const lease_id = await ops.newLease(poor, 5)
    const limit_usd = 6
    const limit = { user_id: owner.id, max_cost_per_month_usd: limit_usd }
    expectStatus(await client.post('/limits', limit, admin.session), 201)
    expect(refusal(await reserve(poor, 1))).toEqual([409, 'LEASE_CAP_REACHED', { max: 1 }])
    const report = { lease_id, request_id: 'r', model: 'gpt-4o', cost_usd: 5 }
    expectStatus(await client.post('/budget/report', report, poor.runtime), 200)
    expectStatus(await client.post('/budget/return', { lease_id }, poor.runtime), 200)
    expect(refusal(await reserve(poor, 1))).toEqual([403, 'BUDGET_EXCEEDED', { spent: 5, limit: 5, requested: 1 }])
    const lowered = await client.put(`${poor.path}/budget`, { allocated_usd: 4, force: true }, admin.session)
    expect(refusal(lowered)).toEqual([409, 'BUDGET_BELOW_SPENT', { allocated_usd: 5, spent_usd: 5 }])
    const rich = await ops.newAgent(owner, { allocated_usd: 50 })
    await ops.newLease(rich, 1)
    const last = await ops.newAgent(owner, { allocated_usd: 50 })
    const [status, code, details] = refusal(await reserve(last, 2))
    expect([status, code]).toEqual([403, 'LIMIT_EXCEEDED'])
    expect(details).toMatchObject({ window: 'cost_per_month', limit_usd, used_usd: 6 })
  })
})

/** Fields by which a call tells what it cost. */
const COST_FIELDS = ['cost_usd', 'spent_usd', 'amount_usd']

/** Those that only answer a question. */
const ASKING = ['POST /usage/check']

test('PRI-23 every route that takes a cost moves a meter', async () => {
  await using ops = await startOperators('sqlite')
  const { client, admin } = ops
  const agent = await ops.newAgent(admin, { allocated_usd: 100 })
  const lease_id = await ops.newLease(agent, 50)
  const issued = expectStatus(await client.post('/tokens', { name: 'script' }, admin.session), 201)
  const token = { 'X-API-Token': String(issued.body.token) }
  const call = (request_id: string) => ({ lease_id, request_id, model: 'gpt-4o', cost_usd: 1 })
  const moving: Readonly<Record<string, () => Promise<Answer>>> = {
    'POST /budget/report': () => client.post('/budget/report', call('a'), agent.runtime),
    'POST /budget/report/batch': () => client.post('/budget/report/batch', { reports: [call('b')] }, agent.runtime),
    'POST /budget/return': () => client.post('/budget/return', { lease_id, spent_usd: 3 }, agent.runtime),
    'POST /agents/{id}/budget/adjustments': () =>
      client.post(
        `${agent.path}/budget/adjustments`,
        { direction: 'charge', amount_usd: 1, reason: 'by hand' },
        admin.session,
      ),
    'POST /usage': () => client.post('/usage', { cost_usd: 1 }, token),
    'POST /analytics/events': () =>
      client.post(
        '/analytics/events',
        {
          events: [
            {
              event_id: 'e',
              type: 'request.completed',
              request_id: 't',
              timestamp: ops.at(),
              model: 'gpt-4o',
              cost_usd: 1,
            },
          ],
        },
        agent.runtime,
      ),
  }
  const taking = routes.filter(({ body }) =>
    COST_FIELDS.some((field) => JSON.stringify(body ?? {}).includes(`"${field}"`)),
  )
  const names = taking.map(({ method, path }) => `${method} ${path}`).filter((name) => !ASKING.includes(name))
  expect(names.sort()).toEqual(Object.keys(moving).sort())
  const meter = async (): Promise<number> => {
    const { totals } = expectStatus(await client.get('/usage?period=all-time', admin.session), 200).body
    return rounded((await budgetOf(ops, agent)).spent_usd + (totals.cost_usd as number))
  }
  for (const [name, move] of Object.entries(moving)) {
    const before = await meter()
    expect([name, (await move()).status < 300]).toEqual([name, true])
    expect([name, (await meter()) - before > 0.9]).toEqual([name, true])
  }
})

const figuresOf = ({ spent_usd, reserved_usd, remaining_usd }: Awaited<ReturnType<typeof budgetOf>>) => ({
  spent_usd,
  reserved_usd,
  remaining_usd,
})

/** Writes a request and resets the connection without waiting for the answer. */
function sendAndLeave(
  port: number,
  path: string,
  body: string,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  const lines = Object.entries({
    Host: 'x',
    'Content-Type': 'application/json',
    'Content-Length': body.length,
    ...headers,
  })
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  return new Promise((resolve, reject) => {
    const socket = net.connect({ port, host: '127.0.0.1' }, () => {
      socket.write(`POST ${path} HTTP/1.1\r\n${head}\r\n${body}`, () => socket.resetAndDestroy())
    })
    socket.on('error', reject)
    socket.on('close', () => resolve())
  })
}
