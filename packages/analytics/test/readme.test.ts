import { expect, test } from '@jest/globals'
import { usd } from '@iron/cost-calculator'
import { RequestLog } from '@iron/journal'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Analytics } from '../src/index.ts'

test('the quick start of the README runs, on a path that both services share', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'iron-analytics-'))
  try {
    const file = path.join(folder, 'analytics.db')
    await using requests = new RequestLog(file)
    await using analytics = new Analytics(file)
    await requests.record({
      requestId: 'call-1',
      agentId: 'agent-7',
      provider: 'openai',
      model: 'gpt-4o',
      usage: { input: 1_200 },
      cost: usd('0.003'),
    })
    expect((await analytics.totals('today')).spend).toBe(usd('0.003'))
    expect((await analytics.by('model', 'last-7-days')).data[0]?.key).toBe('gpt-4o')
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('a service on a path opens, migrates and closes it itself', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'iron-analytics-'))
  try {
    await using analytics = new Analytics(path.join(folder, 'new', 'analytics.db'))
    expect(await analytics.totals('all-time')).toMatchObject({ spend: 0 })
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('results are frozen', async () => {
  await using analytics = new Analytics(':memory:')
  const totals = await analytics.totals('today')
  const overview = await analytics.overview('today')
  const grouped = await analytics.by('agent', 'today')
  const points = await analytics.timeline('day', 'today')
  const others = [await analytics.costs('today'), await analytics.range('today')]
  for (const part of [totals, totals.requests, totals.tokens, totals.latency]) expect(Object.isFrozen(part)).toBe(true)
  for (const part of [overview, overview.topAgents, overview.byProvider]) expect(Object.isFrozen(part)).toBe(true)
  for (const part of [grouped, grouped.data, grouped.totals, points, points[0], ...others])
    expect(Object.isFrozen(part)).toBe(true)
})
