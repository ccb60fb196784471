import { describe, expect, test } from '@jest/globals'
import { MAX_AMOUNT, type Microdollars, usd } from '@iron/cost-calculator'
import { createTestDb, enginesForTests, type TestDb } from '@iron/database/testing'
import {
  type CallFilter,
  HOUR_MS,
  hourOf,
  latencyBucket,
  latencyBucketMs,
  moneyTotalSql,
  type NewCall,
  RequestLog,
  SUMMED_MICROS_MAX,
} from '@iron/journal'
import fc from 'fast-check'

const engines = await enginesForTests()
const MINUTE_MS = 60_000
const DAY_MS = 24 * HOUR_MS

function call(requestId: string, extra: Partial<NewCall> = {}): NewCall {
  return {
    agentId: 'a',
    leaseId: 'l',
    requestId,
    model: 'm',
    usage: { input: 10, output: 5 },
    cost: usd(1),
    billed: true,
    ...extra,
  }
}

function told(requestId: string, extra: Partial<NewCall> = {}): NewCall {
  return call(requestId, { billed: false, leaseId: undefined, ...extra })
}

async function dirty(t: TestDb): Promise<number[]> {
  const rows = await t.rows<{ key: string }>("SELECT key FROM meta WHERE key LIKE 'rollup.dirty.%' ORDER BY key")
  return rows.map(({ key }) => Number(key.slice('rollup.dirty.'.length)))
}

/** As a database is that was rolled up before there were sums. */
async function forgetSums(t: TestDb): Promise<void> {
  await t.rows('DELETE FROM request_sums')
  await t.rows("DELETE FROM meta WHERE key = 'rollup.summed'")
}

describe.each(engines)('roll-ups on %s', (dialect) => {
  test('an hour is rolled up once it has been over for five minutes, in one row per key', async () => {
    await using t = await createTestDb({ dialect })
    const requests = new RequestLog(t.db)
    const hour = t.clock.now()
    await requests.record(call('r1', { latencyMs: 100, pricing: 'ceiling' }))
    await requests.record(call('r2', { latencyMs: 101 }))
    await requests.record(
      call('r3', { outcome: 'failed', model: 'n', provider: 'p', usage: { input: 1, cacheRead: 2, reasoning: 4 } }),
    )
    await requests.record(told('r4', { latencyMs: 3_000 }))
    t.clock.advance(HOUR_MS + 5 * MINUTE_MS - 1)
    expect(await requests.rollUp()).toBe(0)
    t.clock.advance(1)
    expect(await requests.rollUp()).toBe(1)
    expect(await requests.rollUp()).toBe(0)
    const common = { hour_start: hour, subject_id: 'a' }
    expect(await t.rows('SELECT * FROM request_rollups ORDER BY model')).toEqual([
      {
        ...common,
        provider: '',
        model: 'm',
        outcome: 'completed',
        requests: 3,
        input_tokens: 30,
        cache_read_tokens: 0,
        cache_write_tokens: 0,
        output_tokens: 15,
        reasoning_tokens: 0,
        total_tokens: 45,
        cost_micros: 3_000_000,
        billed_micros: 2_000_000,
        ceiling_micros: 1_000_000,
        latency: `{"${String(latencyBucket(100))}":2,"${String(latencyBucket(3_000))}":1}`,
        costs: '{"1000000":3}',
      },
      expect.objectContaining({
        ...common,
        provider: 'p',
        model: 'n',
        outcome: 'failed',
        requests: 1,
        input_tokens: 3,
        cache_read_tokens: 2,
        output_tokens: 4,
        latency: '{}',
      }),
    ])
    expect(await requests.verifyRollups()).toEqual({ hours: 1, differences: 0, sumDifferences: 0 })
  })

  test('hours are caught up oldest first, a limited number per call; empty hours cost nothing', async () => {
    await using t = await createTestDb({ dialect })
    const requests = new RequestLog(t.db)
    for (const pause of [HOUR_MS, HOUR_MS, 500 * HOUR_MS, HOUR_MS]) {
      await requests.record(call(`r${String(t.clock.now())}`))
      t.clock.advance(pause)
    }
    t.clock.advance(MINUTE_MS * 6)
    expect(await requests.rollUp({ limit: 2 })).toBe(2)
    expect(await requests.totals()).toMatchObject({ requests: 4, cost: 4_000_000 })
    expect(await requests.rollUp()).toBe(2)
    expect(await t.scalar('SELECT count(*) FROM request_rollups')).toBe(4)
    expect(await requests.totals({ agentId: 'a' })).toEqual({
      requests: 4,
      completed: 4,
      failed: 0,
      inputTokens: 40,
      outputTokens: 20,
      totalTokens: 60,
      cost: 4_000_000,
    })
  })

  test('a change of a finished hour is noted in the same transaction and rolled up again', async () => {
    await using t = await createTestDb({ dialect })
    const requests = new RequestLog(t.db)
    const first = t.clock.now()
    await requests.record(told('r1'))
    await requests.record(call('r2'))
    t.clock.advance(2 * HOUR_MS)
    await requests.rollUp()
    const undone = t.db.write(async (tx) => {
      await requests.record(call('r1'), { tx })
      throw new Error('undone')
    })
    await expect(undone).rejects.toThrow('undone')
    expect(await dirty(t)).toEqual([])
    await requests.record(call('r1'))
    expect(await dirty(t)).toEqual([first])
    expect(await requests.totals({ from: first, to: first + HOUR_MS })).toMatchObject({ requests: 1 })
    expect(await requests.totals()).toMatchObject({ requests: 2, cost: 2_000_000 })
    expect(await requests.rollUp()).toBe(1)
    expect(await dirty(t)).toEqual([])
    await requests.record(told('r2', { outcome: 'failed', provider: 'p' }))
    expect(await dirty(t)).toEqual([first])
    expect(await requests.totals({ outcome: 'failed' })).toMatchObject({ requests: 1, failed: 1, completed: 0 })
    expect(await requests.totals({ provider: 'p' })).toMatchObject({ requests: 1 })
    await requests.rollUp()
    expect(await requests.totals({ outcome: 'failed' })).toMatchObject({ requests: 1, failed: 1, completed: 0 })
    expect(await requests.verifyRollups()).toMatchObject({ differences: 0 })
  })

  test('a clock that stepped back notes the hour it comes to', async () => {
    await using t = await createTestDb({ dialect })
    const requests = new RequestLog(t.db)
    await requests.record(call('r1'))
    t.clock.advance(2 * HOUR_MS)
    await requests.rollUp()
    t.clock.set(t.clock.now() - 2 * HOUR_MS)
    await requests.record(call('r2'))
    expect(await dirty(t)).toEqual([t.clock.now()])
    expect(await requests.totals()).toMatchObject({ requests: 2 })
  })

  test('a time that is none is refused, not answered with nothing', async () => {
    await using t = await createTestDb({ dialect })
    const requests = new RequestLog(t.db)
    const refused = { code: 'VALIDATION_ERROR', details: { fields: { from: 'must be a whole number' } } }
    await expect(requests.totals({ from: Number.NaN })).rejects.toMatchObject(refused)
    await expect(requests.list({ from: 0.5 })).rejects.toMatchObject(refused)
    await expect(requests.verifyRollups({ from: Number.NaN })).rejects.toMatchObject(refused)
  })

  test('verifyRollups finds and repairs what was tampered with', async () => {
    await using t = await createTestDb({ dialect })
    const requests = new RequestLog(t.db)
    await requests.record(call('r1'))
    t.clock.advance(HOUR_MS)
    await requests.record(call('r2'))
    t.clock.advance(2 * HOUR_MS)
    await requests.rollUp()
    await t.rows("UPDATE request_rollups SET cost_micros = 7 WHERE subject_id = 'a'")
    const [row] = await t.rows<{ hour_start: number }>('SELECT min(hour_start) AS hour_start FROM request_rollups')
    await t.rows("UPDATE request_rollups SET model = 'x' WHERE hour_start = ?", row!.hour_start)
    expect(await requests.verifyRollups()).toEqual({ hours: 2, differences: 3, sumDifferences: 5 })
    expect(await requests.verifyRollups({ from: row!.hour_start + HOUR_MS })).toEqual({
      hours: 1,
      differences: 1,
      sumDifferences: 3,
    })
    expect(await requests.verifyRollups({ to: row!.hour_start + HOUR_MS, repair: true })).toEqual({
      hours: 1,
      differences: 2,
      sumDifferences: 2,
    })
    expect(await requests.verifyRollups({ repair: true })).toEqual({ hours: 2, differences: 1, sumDifferences: 2 })
    expect(await requests.verifyRollups()).toEqual({ hours: 2, differences: 0, sumDifferences: 0 })
  })

  test('sums tell of hours, days and months; an hour that is rolled up again leaves them first', async () => {
    await using t = await createTestDb({ dialect })
    const requests = new RequestLog(t.db)
    t.clock.set(Date.UTC(2026, 0, 31, 22))
    for (const id of ['r1', 'r2', 'r3']) {
      await requests.record(told(id, { latencyMs: 100 }))
      t.clock.advance(HOUR_MS)
    }
    t.clock.advance(6 * MINUTE_MS)
    await requests.rollUp()
    const sums = () =>
      t.rows(
        `SELECT grain, start, requests, cost_micros, latency FROM request_sums WHERE subject_id = '' ORDER BY grain, start`,
      )
    const sum = (grain: string, start: number, calls: number) => ({
      grain,
      start,
      requests: calls,
      cost_micros: calls * 1_000_000,
      latency: `{"${String(latencyBucket(100))}":${String(calls)}}`,
    })
    const [january, february] = [Date.UTC(2026, 0, 1), Date.UTC(2026, 1, 1)]
    const all = [
      sum('day', february - DAY_MS, 2),
      sum('day', february, 1),
      ...[-2, -1, 0].map((hours) => sum('hour', february + hours * HOUR_MS, 1)),
      sum('month', january, 2),
      sum('month', february, 1),
    ]
    expect(await sums()).toEqual(all)
    await forgetSums(t)
    await requests.rollUp()
    expect(await sums()).toEqual(all)
    await requests.record(call('r1'))
    await requests.rollUp()
    expect(await sums()).toHaveLength(6)
    await t.rows("DELETE FROM request_sums WHERE grain IN ('day', 'each_month')")
    expect(await requests.verifyRollups()).toMatchObject({ differences: 0, sumDifferences: 6 })
    await requests.record(told('r2', { outcome: 'failed' }))
    await requests.rollUp()
    expect(await requests.verifyRollups({ from: january, to: february })).toMatchObject({ sumDifferences: 0 })
    expect(await requests.totals({ from: january, to: february })).toMatchObject({ requests: 1, failed: 1 })
    expect(await requests.totals({ from: january, to: february, agentId: 'a' })).toMatchObject({ failed: 1 })
    await requests.verifyRollups({ repair: true })
    expect(await requests.verifyRollups()).toMatchObject({ differences: 0, sumDifferences: 0 })
  })

  test('MON-06 a sum that stops is stored as it stands, and the hours it is of keep their figures', async () => {
    await using t = await createTestDb({ dialect })
    const requests = new RequestLog(t.db)
    t.clock.set(Date.UTC(2026, 0, 31, 12))
    const cost = SUMMED_MICROS_MAX as Microdollars
    for (const [agentId, id] of [
      ['a', 'r1'],
      ['a', 'r2'],
      ['b', 'r3'],
    ] as const) {
      await requests.record(call(id, { agentId, cost }))
      t.clock.advance(HOUR_MS)
    }
    t.clock.advance(6 * MINUTE_MS)
    expect(await requests.rollUp()).toBe(3)
    expect(await t.scalar('SELECT count(*) FROM request_rollups')).toBe(3)
    expect(await t.scalar('SELECT max(cost_micros) FROM request_sums')).toBe(SUMMED_MICROS_MAX)
    expect(await requests.totals({ agentId: 'a' })).toMatchObject({ requests: 2, cost: SUMMED_MICROS_MAX })
    expect(await requests.totals({ agentId: 'b' })).toMatchObject({ requests: 1, cost })
    expect(await requests.totals({ from: Date.UTC(2026, 0, 31, 13), to: Date.UTC(2026, 0, 31, 14) })).toMatchObject({
      cost,
    })
    expect(await requests.verifyRollups()).toMatchObject({ differences: 0, sumDifferences: 0 })
  })

  test('hours that are in no sums yet are work left over, also when none has to be rolled up', async () => {
    await using t = await createTestDb({ dialect })
    const requests = new RequestLog(t.db)
    for (const id of ['r1', 'r2', 'r3']) {
      await requests.record(call(id))
      t.clock.advance(HOUR_MS)
    }
    t.clock.advance(6 * MINUTE_MS)
    await requests.rollUp()
    await forgetSums(t)
    expect(await requests.rollUp({ limit: 2 })).toBe(2)
    expect(await requests.rollUp({ limit: 2 })).toBe(1)
    expect(await requests.rollUp({ limit: 2 })).toBe(0)
  })

  test('DAT-25: a repeat of a pruned call is still a duplicate, and with other content refused', async () => {
    await using t = await createTestDb({ dialect })
    const requests = new RequestLog(t.db)
    const { call: row } = await requests.record(call('r1', { late: true, overrun: usd(0.25) }))
    await requests.record(told('r2'))
    await requests.record(call('r3', { agentId: undefined, tokenId: 'tok', leaseId: undefined, requestId: undefined }))
    const before = await requests.totals()
    t.clock.advance(61 * DAY_MS)
    const olderThan = t.clock.now() - 60 * DAY_MS
    expect(await requests.prune({ olderThan })).toBe(0)
    await requests.rollUp()
    await expect(requests.prune({ olderThan: olderThan + 1, limit: 0 })).rejects.toMatchObject({
      details: { fields: { olderThan: expect.any(String), limit: expect.any(String) } },
    })
    expect(await requests.prune({ olderThan, limit: 1 })).toBe(1)
    expect(await requests.prune({ olderThan })).toBe(2)
    expect(await t.scalar('SELECT count(*) FROM requests')).toBe(0)
    expect(await t.scalar('SELECT count(*) FROM request_keys')).toBe(1)

    const first = { id: row.id, leaseId: 'l', cost: 1_000_000, pricing: 'reported', late: true, overrun: 250_000 }
    expect(await requests.billed({ agentId: 'a' }, call('r1'))).toEqual(first)
    await expect(requests.billed({ agentId: 'a' }, call('r1', { cost: usd(2) }))).rejects.toMatchObject({
      code: 'IDEMPOTENCY_CONFLICT',
    })
    expect(await requests.record(call('r1', { leaseId: 'l2' }))).toMatchObject({ duplicate: true, call: first })
    await expect(requests.record(call('r1', { model: 'n' }))).rejects.toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' })
    expect(await requests.record(told('r1', { cost: usd(7) }))).toMatchObject({ duplicate: true })
    expect(await t.scalar('SELECT count(*) FROM requests')).toBe(0)
    expect(await requests.totals()).toEqual(before)
    expect(await requests.verifyRollups()).toEqual({ hours: 0, differences: 0, sumDifferences: 0 })
    expect(await requests.activity('a')).toEqual({ total: 2, today: 0, lastAt: row.receivedAt })
    await expect(t.rows('UPDATE request_keys SET cost_micros = 1')).rejects.toMatchObject({
      code: 'DATABASE_CONSTRAINT',
    })
    await expect(t.rows('DELETE FROM request_keys')).rejects.toMatchObject({ code: 'DATABASE_CONSTRAINT' })
  })

  test('pruning goes hour by hour: never past one that is not rolled up or has changed, and its cursors expire', async () => {
    await using t = await createTestDb({ dialect })
    const requests = new RequestLog(t.db)
    for (let n = 0; n < 3; n += 1) {
      await requests.record(told(`r${String(n)}`))
      t.clock.advance(HOUR_MS)
    }
    const { nextCursor } = await requests.list({}, { limit: 1, order: 'asc' })
    t.clock.advance(60 * DAY_MS)
    await requests.rollUp()
    await requests.record(told('r1', { traceId: 't' }))
    const olderThan = t.clock.now() - 60 * DAY_MS
    expect(await requests.prune({ olderThan })).toBe(1)
    await requests.rollUp()
    expect(await requests.prune({ olderThan: olderThan - HOUR_MS })).toBe(1)
    const expired = await requests.list({}, { order: 'asc', after: nextCursor ?? '' }).catch((error: unknown) => error)
    expect(expired).toMatchObject({ code: 'CURSOR_EXPIRED' })
    const { oldestCursor } = (expired as { details: { oldestCursor: string } }).details
    expect((await requests.list({}, { order: 'asc', after: oldestCursor })).data).toHaveLength(1)
    expect((await requests.list()).data).toHaveLength(1)
    expect(await requests.totals()).toMatchObject({ requests: 3 })
  })

  test('a report for a call of an hour that is being pruned is booked anew', async () => {
    await using t = await createTestDb({ dialect })
    const requests = new RequestLog(t.db)
    for (const id of ['r1', 'r2']) await requests.record(told(id))
    t.clock.advance(61 * DAY_MS)
    await requests.rollUp()
    expect(await requests.prune({ olderThan: t.clock.now() - 60 * DAY_MS, limit: 1 })).toBe(1)
    const left = (await requests.list()).data[0]!
    expect(await requests.record(told(left.requestId!, { traceId: 't' }))).toEqual({ call: left, duplicate: true })
    const { call: booked, duplicate } = await requests.record(call(left.requestId!))
    expect([duplicate, booked.id === left.id]).toEqual([false, false])
    expect(await dirty(t)).toEqual([])
    expect(await requests.totals()).toMatchObject({ requests: 3 })
  })

  test('activity counts all calls of an agent and those of today', async () => {
    await using t = await createTestDb({ dialect })
    const requests = new RequestLog(t.db)
    expect(await requests.activity('a')).toEqual({ total: 0, today: 0, lastAt: null })
    await requests.record(call('r1'))
    t.clock.advance(DAY_MS)
    await requests.record(call('r2'))
    await requests.record(call('r3', { agentId: 'b' }))
    await requests.rollUp()
    expect(await requests.activity('a')).toEqual({ total: 2, today: 1, lastAt: t.clock.now() })
  })

  test('MON-06 costs that no sum can hold stop it, and end no question: also ten thousand times the dearest call', async () => {
    await using t = await createTestDb({ dialect })
    const sumOf = async (micros: number, count: number): Promise<unknown> => {
      const counted = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${String(count)})`
      const sql = `${counted} SELECT ${moneyTotalSql(`${String(micros)} + i - i`)} AS total FROM n`
      return (await t.db.read((tx) => tx.execute<{ total: number }>({ sql, parameters: [] }))).rows[0]?.total
    }
    expect(await sumOf(MAX_AMOUNT, 9)).toBe(9 * MAX_AMOUNT)
    for (const count of [10, 10_000]) expect(await sumOf(MAX_AMOUNT, count)).toBe(SUMMED_MICROS_MAX)
    expect(await sumOf(1_999_999, 1_000)).toBe(1_999_999_000)

    const requests = new RequestLog(t.db)
    const fill = async (prefix: string): Promise<void> => {
      for (let index = 0; index < 12; index += 1)
        await requests.record(told(`${prefix}${String(index)}`, { cost: MAX_AMOUNT }))
    }
    await fill('r')
    expect(await requests.totals()).toMatchObject({ requests: 12, cost: SUMMED_MICROS_MAX })
    t.clock.advance(2 * HOUR_MS)
    while ((await requests.rollUp()) > 0);
    expect(await requests.totals()).toMatchObject({ requests: 12, cost: SUMMED_MICROS_MAX })
    // A late call rolls its hour up again: what had stopped is added up anew.
    await fill('s')
    t.clock.advance(2 * HOUR_MS)
    while ((await requests.rollUp()) > 0);
    expect(await requests.totals()).toMatchObject({ requests: 24, cost: SUMMED_MICROS_MAX })
    expect(await requests.verifyRollups()).toMatchObject({ differences: 0, sumDifferences: 0 })
  })

  test('PRI-25, PRI-22: sums equal a recomputation whatever is told, rolled up or pruned, and reading adds nothing (property)', async () => {
    const step = fc.record({
      kind: fc.constantFrom('report', 'report', 'telemetry', 'wait', 'rollUp', 'prune', 'upgrade'),
      id: fc.nat(6),
      agent: fc.constantFrom('a', 'b'),
      model: fc.constantFrom('m', 'n'),
      cost: fc.oneof({ arbitrary: fc.nat(1_000), weight: 7 }, { arbitrary: fc.constant(MAX_AMOUNT), weight: 3 }),
      latencyMs: fc.option(fc.nat(5_000), { nil: undefined }),
      outcome: fc.constantFrom(undefined, 'completed', 'failed'),
      waitMs: fc.constantFrom(MINUTE_MS, 20 * MINUTE_MS, HOUR_MS, 7 * HOUR_MS, DAY_MS, 30 * DAY_MS),
    })
    /** In hours, back from now. */
    const period = fc.record({ back: fc.nat(3_000), hours: fc.integer({ min: 1, max: 2_500 }) })
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 40 }),
        fc.array(period, { minLength: 3, maxLength: 6 }),
        async (steps, periods) => {
          await using t = await createTestDb({ dialect })
          const requests = new RequestLog(t.db)
          const counted = new Map<string, { cost: number; agent: string; at: number }>()
          let anew = 0
          for (const { kind, id, agent, model, cost, latencyMs, outcome, waitMs } of steps) {
            if (kind === 'wait') t.clock.advance(waitMs)
            else if (kind === 'rollUp') await requests.rollUp()
            else if (kind === 'upgrade') await forgetSums(t)
            else if (kind === 'prune') await requests.prune({ olderThan: t.clock.now() - 60 * DAY_MS })
            else {
              const extra = { agentId: agent, model, cost: cost as Microdollars, latencyMs, outcome }
              const told_ = kind === 'report' ? call(`r${String(id)}`, extra) : told(`r${String(id)}`, extra)
              const result = await requests.record(told_).catch(() => undefined)
              if (result !== undefined && !result.duplicate) {
                const known = counted.get(result.call.id)
                counted.set(result.call.id, { cost, agent, at: result.call.receivedAt })
                if (known === undefined) anew += 1
              }
            }
          }
          const expected = (filter: CallFilter): { requests: number; cost: number } => {
            const rows = [...counted.values()].filter(
              (row) =>
                (filter.agentId === undefined || row.agent === filter.agentId) &&
                row.at >= (filter.from ?? 0) &&
                row.at < (filter.to ?? Infinity),
            )
            const cost = rows.reduce((sum, row) => sum + row.cost, 0)
            return { requests: rows.length, cost: Math.min(cost, SUMMED_MICROS_MAX) }
          }
          expect(counted.size).toBe(anew)
          const now = t.clock.now()
          const spans = periods.map(({ back, hours }) => {
            const from = hourOf(now) - back * HOUR_MS
            return { from, to: from + hours * HOUR_MS }
          })
          const askAll = async (): Promise<void> => {
            for (const agent of [{}, { agentId: 'a' }, { agentId: 'b' }]) {
              for (const span of [{}, ...spans]) {
                const filter = { ...agent, ...span }
                expect(await requests.totals(filter)).toMatchObject(expected(filter))
              }
            }
          }
          await askAll()
          expect(await requests.verifyRollups()).toMatchObject({ differences: 0, sumDifferences: 0 })
          t.clock.advance(2 * HOUR_MS)
          while ((await requests.rollUp()) > 0);
          expect(await dirty(t)).toEqual([])
          expect(await requests.verifyRollups()).toMatchObject({ differences: 0, sumDifferences: 0 })
          await askAll()
        },
      ),
      { numRuns: dialect === 'sqlite' ? 60 : 6 },
    )
  }, 60_000)
})

test('a latency lies in its bucket', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000_000 }), (ms) => {
      const bucket = latencyBucket(ms)
      expect(latencyBucketMs(bucket)).toBeLessThanOrEqual(ms)
      expect(latencyBucketMs(bucket + 1)).toBeGreaterThan(ms)
    }),
  )
  expect([0, 1].map(latencyBucket)).toEqual([0, 0])
})
