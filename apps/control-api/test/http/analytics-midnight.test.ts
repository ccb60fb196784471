/** A question that is asked while a UTC day ends: its bounds and its figures are of the same day. */
import { expect, test } from '@jest/globals'
import { manualClock } from '@iron/database/testing'
import { startApi } from '../support/api.ts'
import { createAgent, expectStatus } from '../support/server-process.ts'

const MIDNIGHT = Date.parse('2028-03-01T00:00:00.000Z')
/** More often than one question looks at the clock. */
const LOOKS = 20
const QUESTIONS = ['/analytics/spending/total', '/usage', '/usage?group_by=model']

test('today is the day of the bounds, wherever between two looks at the clock it ends', async () => {
  const manual = manualClock(MIDNIGHT - 60_000)
  let looksLeft = Infinity
  const clock = { now: () => (looksLeft-- > 0 ? manual.now() : MIDNIGHT) }
  await using api = await startApi({}, { clock })
  const agent = await createAgent(api.client, { allocatedUsd: 100 })
  const lease = expectStatus(await api.client.post('/budget/reserve', { requested_usd: 10 }, agent.runtime), 200).body
  const call = { lease_id: String(lease.lease_id), request_id: 'call-1', model: 'gpt-4o', cost_usd: 2 }
  expectStatus(await api.client.post('/budget/report', call, agent.runtime), 200)
  const spent = { '2028-02-29T00:00:00.000Z': 2, '2028-03-01T00:00:00.000Z': 0 }
  const days = new Set<unknown>()
  for (let looks = 0; looks < LOOKS; looks += 1) {
    for (const path of [...QUESTIONS, `/agents/${agent.agentId}/metrics`]) {
      looksLeft = looks
      const { body } = expectStatus(
        await api.client.get(`${path}${path.includes('?') ? '&' : '?'}period=today`, agent.admin),
        200,
      )
      const figures = (body.totals ?? body) as { spend_usd?: number; cost_usd?: number }
      const shown = [looks, path, body.from, figures.spend_usd ?? figures.cost_usd]
      expect(shown).toEqual([looks, path, body.from, spent[body.from as keyof typeof spent]])
      looksLeft = Infinity
      days.add(body.from)
    }
  }
  expect([...days]).toEqual(expect.arrayContaining(Object.keys(spent)))
}, 60_000)
