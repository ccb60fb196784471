import { describe, expect, test } from '@jest/globals'
import { createTestDb, enginesForTests } from '@iron/database/testing'
import { AuditLog, EventLog, RequestLog } from '@iron/journal'
describe.each(await enginesForTests())('on %s', (dialect) => {
  test('smoke', async () => {
    await using t = await createTestDb({ dialect })
    const audit = new AuditLog(t.db),
      events = new EventLog(t.db),
      requests = new RequestLog(t.db)
    const r = await t.db.write(async (tx) => {
      audit.defer({ operation: 'A', resourceType: 'x', actor: 'u' }, { tx })
      audit.defer({ operation: 'B', resourceType: 'x', actor: 'u', metadata: { password: 'p' } }, { tx })
      events.defer({ type: 'agent.started', agentId: 'a', data: {}, dedupeKey: 'k' }, { tx })
      events.defer({ type: 'agent.started', agentId: 'a', data: {}, dedupeKey: 'k' }, { tx })
      return requests.record(
        {
          agentId: 'a',
          leaseId: 'l',
          requestId: 'r1',
          model: 'm',
          cost: 5 as never,
          billed: true,
          usage: { input: 5, output: 3 },
        },
        { tx },
      )
    })
    expect(r).toMatchObject({ duplicate: false })
    expect(
      await requests.billed(
        { agentId: 'a' },
        { requestId: 'r1', model: 'm', cost: 5 as never, usage: { input: 5, output: 3 } },
      ),
    ).toMatchObject({ leaseId: 'l', cost: 5 })
    expect(
      await requests.record({
        agentId: 'a',
        leaseId: 'l2',
        requestId: 'r1',
        model: 'm',
        cost: 5 as never,
        billed: true,
        usage: { input: 5, output: 3 },
      }),
    ).toMatchObject({ duplicate: true })
    expect(await t.rows('select seq, type from events order by seq')).toEqual([
      { seq: 1, type: 'agent.started' },
      { seq: 2, type: 'request.completed' },
    ])
    expect(await t.rows('select seq, operation, metadata from audit_log order by seq')).toEqual([
      { seq: 1, operation: 'A', metadata: '{}' },
      { seq: 2, operation: 'B', metadata: '{"password":"[redacted]"}' },
    ])
  })
})
