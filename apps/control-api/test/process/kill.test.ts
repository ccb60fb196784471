import { describe, expect, test } from '@jest/globals'
import { enginesForTests } from '@iron/database/testing'
import { HttpClient } from '../support/http-client.ts'
import { createAgent, createInstallation, expectStatus, startServer } from '../support/server-process.ts'

const REPORTS = 2_000
const CONNECTIONS = 50
/** Micro-dollars make every sum exact in a number. */
const costOf = (index: number): number => (index % 7) + 1

describe.each(await enginesForTests())('kill -9 on %s', (dialect) => {
  test('CON-24 MON-20 every acknowledged report is in the ledger, none twice, and verification is clean', async () => {
    await using installation = await createInstallation(dialect)
    const acknowledged = new Set<number>()
    let agent
    let leaseId: string
    {
      await using server = await startServer(installation)
      using client = new HttpClient(server.address, { connections: CONNECTIONS })
      agent = await createAgent(client, { allocatedUsd: 1_000 })
      const lease = expectStatus(await client.post('/budget/handshake', { requested_usd: 100 }, agent.runtime), 200)
      leaseId = lease.body.lease_id
      const { runtime } = agent
      let next = 0
      const sendUntilItDies = async (): Promise<void> => {
        while (next < REPORTS) {
          const index = next
          next += 1
          const answer = await client.post('/budget/report', reportOf(leaseId, index), runtime)
          expect(answer.status).toBe(200)
          acknowledged.add(index)
          if (acknowledged.size === REPORTS / 2) server.process.kill('SIGKILL')
        }
      }
      const senders = await Promise.allSettled(Array.from({ length: CONNECTIONS }, sendUntilItDies))
      expect(senders.some(({ status }) => status === 'rejected')).toBe(true)
      expect((await server.process.exited).signal).toBe('SIGKILL')
    }
    expect(acknowledged.size).toBeGreaterThanOrEqual(REPORTS / 2)
    expect(acknowledged.size).toBeLessThan(REPORTS)

    await using server = await startServer(installation)
    using client = new HttpClient(server.address, { connections: CONNECTIONS })
    const login = expectStatus(
      await client.post('/auth/login', { email: 'admin@iron.test', password: 'correct horse battery' }),
      200,
    )
    const admin = { Authorization: `Bearer ${String(login.body.access_token)}` }
    const booked = await spendRows(client, agent.agentId, admin)
    const ids = booked.map(({ request_id }) => request_id)
    expect(new Set(ids).size).toBe(ids.length)
    for (const index of acknowledged) expect(ids).toContain(`call-${String(index)}`)

    // What was not acknowledged is sent again, with everything else: each call is charged once.
    for (let from = 0; from < REPORTS; from += 500) {
      const reports = Array.from({ length: 500 }, (_, index) => reportOf(leaseId, from + index))
      const batch = expectStatus(await client.post('/budget/report/batch', { reports }, agent.runtime), 200)
      expect(batch.body.failed).toBe(0)
    }
    const total = Array.from({ length: REPORTS }, (_, index) => costOf(index)).reduce((sum, cost) => sum + cost, 0)
    const budget = expectStatus(await client.get(`/agents/${agent.agentId}/budget`, admin), 200)
    expect(Math.round(budget.body.spent_usd * 1e6)).toBe(total)
    const verified = expectStatus(await client.get(`/agents/${agent.agentId}/budget/verify`, admin), 200)
    expect(verified.body).toMatchObject({ consistent: true, differences: [] })
  }, 120_000)
})

function reportOf(leaseId: string, index: number): object {
  return { lease_id: leaseId, request_id: `call-${String(index)}`, model: 'gpt-4o', cost_usd: costOf(index) / 1e6 }
}

async function spendRows(
  client: HttpClient,
  agentId: string,
  admin: Record<string, string>,
): Promise<{ readonly request_id: string }[]> {
  const rows: { readonly request_id: string; readonly type: string }[] = []
  let after = ''
  for (;;) {
    const page = expectStatus(await client.get(`/agents/${agentId}/ledger?order=asc&limit=1000${after}`, admin), 200)
    rows.push(...(page.body.data as typeof rows))
    if (page.body.next_cursor === null) return rows.filter(({ type }) => type === 'spend')
    after = `&after=${String(page.body.next_cursor)}`
  }
}
