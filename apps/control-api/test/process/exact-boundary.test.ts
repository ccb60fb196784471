import { describe, expect, test } from '@jest/globals'
import { enginesForTests } from '@iron/database/testing'
import { HttpClient } from '../support/http-client.ts'
import {
  createAgent,
  createInstallation,
  expectStatus,
  type ServerProcess,
  startServer,
} from '../support/server-process.ts'

const settings = (await enginesForTests()).flatMap((dialect) =>
  (dialect === 'postgres' ? [1, 2] : [1]).map((processes) => ({ dialect, processes })),
)

describe.each(settings)('$processes process(es) on $dialect', ({ dialect, processes }) => {
  test('CON-08 MON-09 200 concurrent handshakes of 3 USD on 77 USD: 25 whole, one of 2 USD, 174 refused', async () => {
    await using installation = await createInstallation(dialect, { IRON_LEASES_MAX: '1000' })
    const servers: ServerProcess[] = []
    await using stack = new AsyncDisposableStack()
    for (let index = 0; index < processes; index += 1) servers.push(stack.use(await startServer(installation)))
    const clients = servers.map(({ address }) => stack.use(new HttpClient(address, { connections: 50 })))
    const { agentId, admin, runtime } = await createAgent(clients[0]!, { allocatedUsd: 77 })

    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        clients[index % clients.length]!.post('/budget/handshake', { requested_usd: 3 }, runtime),
      ),
    )

    const granted = answers.filter(({ status }) => status === 200)
    const refused = answers.filter(({ status }) => status !== 200)
    expect(granted.map(({ body }) => body.granted_usd as number).sort()).toEqual([
      2,
      ...Array.from({ length: 25 }, () => 3),
    ])
    expect(granted.filter(({ body }) => body.partial)).toHaveLength(1)
    expect(refused).toHaveLength(174)
    for (const { status, body } of refused) {
      expect([status, body.code]).toEqual([403, 'BUDGET_EXCEEDED'])
      expect(body.details).toEqual({ spent: 0, limit: 77, reserved: 77, requested: 3 })
    }
    const budget = expectStatus(await clients.at(-1)!.get(`/agents/${agentId}/budget`, admin), 200)
    expect(budget.body).toMatchObject({
      allocated_usd: 77,
      reserved_usd: 77,
      spent_usd: 0,
      remaining_usd: 0,
      open_leases: 26,
    })
    const verified = expectStatus(await clients[0]!.get(`/agents/${agentId}/budget/verify`, admin), 200)
    expect(verified.body).toMatchObject({ consistent: true, differences: [] })
    const ledger = expectStatus(await clients[0]!.get(`/agents/${agentId}/ledger?order=asc&limit=1000`, admin), 200)
    expect((ledger.body.data as { seq: number }[]).map(({ seq }) => seq)).toEqual(
      Array.from({ length: 27 }, (_, index) => index + 1),
    )
  })

  test('CON-01 the same request_id sent 100 times concurrently charges once', async () => {
    await using installation = await createInstallation(dialect)
    await using stack = new AsyncDisposableStack()
    const clients: HttpClient[] = []
    for (let index = 0; index < processes; index += 1) {
      const server = stack.use(await startServer(installation))
      clients.push(stack.use(new HttpClient(server.address, { connections: 50 })))
    }
    const { agentId, admin, runtime } = await createAgent(clients[0]!, { allocatedUsd: 100 })
    const lease = expectStatus(await clients[0]!.post('/budget/handshake', { requested_usd: 10 }, runtime), 200)
    const report = { lease_id: lease.body.lease_id, request_id: 'call-1', model: 'gpt-4o', cost_usd: 1.25 }

    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        clients[index % clients.length]!.post('/budget/report', report, runtime),
      ),
    )

    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect(answers.filter(({ body }) => !body.duplicate)).toHaveLength(1)
    expect(new Set(answers.map(({ body }) => body.cost_usd as number))).toEqual(new Set([1.25]))
    const budget = expectStatus(await clients[0]!.get(`/agents/${agentId}/budget`, admin), 200)
    expect(budget.body).toMatchObject({ spent_usd: 1.25, reserved_usd: 8.75, remaining_usd: 90 })
    const conflict = await clients[0]!.post('/budget/report', { ...report, cost_usd: 1.26 }, runtime)
    expect([conflict.status, conflict.body.code]).toEqual([409, 'IDEMPOTENCY_CONFLICT'])
  })
})
