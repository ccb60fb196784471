import { expect, test } from '@jest/globals'
import { usd } from '@iron/cost-calculator'
import { openDatabase } from '@iron/database'
import { AuditLog, EventLog, RequestLog } from '@iron/journal'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

test('the quick starts of the README run', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'iron-journal-'))
  try {
    await using db = await openDatabase(path.join(folder, 'journal.db'))
    const audit = new AuditLog(db)
    const events = new EventLog(db)
    await db.write(async (tx) => {
      await audit.append(
        { operation: 'AGENT_STOPPED', resourceType: 'agent', resourceId: 'agent_7', actor: 'user-001' },
        { tx },
      )
      await events.append({ type: 'agent.stopped', agentId: 'agent_7', data: { reason: 'stop_requested' } }, { tx })
    })
    const seen: string[] = []
    for await (const event of events.subscribe({}, { after: 0, signal: AbortSignal.timeout(100) }))
      seen.push(event.type)
    expect(seen).toEqual(['agent.stopped'])
    expect(await audit.verify()).toMatchObject({ ok: true, head: { seq: 1 } })

    const requests = new RequestLog(db)
    const call = {
      agentId: 'agent_7',
      leaseId: 'lease_1',
      requestId: 'call-1',
      model: 'gpt-4o',
      usage: { input: 200, output: 310 },
      cost: usd(0.01),
    }
    for (let attempt = 0; attempt < 2; attempt += 1) {
      await db.write(async (tx) => {
        if ((await requests.billed({ agentId: 'agent_7' }, call, { tx })) === undefined)
          await requests.record({ ...call, billed: true }, { tx })
      })
    }
    expect(await requests.totals({ agentId: 'agent_7' })).toMatchObject({ requests: 1, cost: 10_000 })
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('each log works alone on a path that it opens, migrates and closes itself', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'iron-journal-'))
  try {
    const file = path.join(folder, 'journal.db')
    await using requests = new RequestLog(file)
    await using events = new EventLog(file)
    await using audit = new AuditLog(file)
    await requests.record({ agentId: 'a', leaseId: 'l', requestId: 'r', cost: usd(1), billed: true })
    expect((await events.read()).data).toMatchObject([{ type: 'request.completed', agentId: 'a' }])
    const db = await audit.ready()
    await db.write(async (tx) => audit.defer({ operation: 'A', resourceType: 'x', actor: 'u' }, { tx }))
    expect(await audit.head()).toMatchObject({ seq: 1 })
  } finally {
    rmSync(folder, { recursive: true })
  }
})
