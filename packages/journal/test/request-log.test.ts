import { describe, expect, test } from '@jest/globals'
import { type Microdollars, type Usage, usd } from '@iron/cost-calculator'
import { createTestDb, enginesForTests } from '@iron/database/testing'
import { EventLog, type NewCall, RequestLog } from '@iron/journal'
import fc from 'fast-check'

const engines = await enginesForTests()
const usage: Usage = { input: 5, cacheRead: 10, cacheWrite1h: 2, output: 3, reasoning: 4 }

function call(extra: Partial<NewCall> = {}): NewCall {
  return {
    agentId: 'a',
    leaseId: 'l1',
    requestId: 'r1',
    model: 'm',
    provider: 'p',
    usage,
    cost: usd(1.5),
    billed: true,
    ...extra,
  }
}

/** What telemetry tells of the same call. */
function told(extra: Partial<NewCall> = {}): NewCall {
  return call({ billed: false, leaseId: undefined, ...extra })
}

describe.each(engines)('request log on %s', (dialect) => {
  test('a call is recorded with all that was told, and its event once', async () => {
    await using t = await createTestDb({ dialect })
    const requests = new RequestLog(t.db)
    const full = call({
      outcome: 'failed',
      errorCode: 'e',
      errorMessage: 'no\nluck',
      latencyMs: 7,
      traceId: 't',
      at: 0,
      late: true,
      overrun: usd(0.5),
      pricing: 'price_book',
      priceId: 'x',
    })
    const { call: row, duplicate } = await requests.record(full)
    expect(duplicate).toBe(false)
    expect(row).toMatchObject({
      requestId: 'r1',
      source: 'agent',
      agentId: 'a',
      tokenId: null,
      leaseId: 'l1',
      outcome: 'failed',
      errorMessage: 'no\nluck',
      usage,
      totalTokens: 24,
      cost: 1_500_000,
      overrun: 500_000,
      pricing: 'price_book',
      billed: true,
      late: true,
      at: t.clock.now() - 86_400_000,
      receivedAt: t.clock.now(),
    })
    expect(await requests.get(row.id)).toEqual(row)
    const { data } = await new EventLog(t.db).read()
    expect(data).toEqual([
      expect.objectContaining({
        type: 'request.failed',
        agentId: 'a',
        data: {
          request_row_id: row.id,
          request_id: 'r1',
          lease_id: 'l1',
          provider: 'p',
          model: 'm',
          input_tokens: 17,
          output_tokens: 7,
          total_tokens: 24,
          cost_usd: 1.5,
          pricing: 'price_book',
          billed: true,
          late: true,
          latency_ms: 7,
          error_code: 'e',
          error_message: 'no\nluck',
        },
      }),
    ])
  })

  test('CON-01, CON-03: the same call told again in parallel is recorded and published once', async () => {
    await using t = await createTestDb({ dialect, storage: 'file' })
    const requests = new RequestLog(t.db)
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, n) => requests.record(call({ leaseId: `l${String(n)}` }))),
    )
    expect(results.filter(({ duplicate }) => !duplicate)).toHaveLength(1)
    expect(new Set(results.map((result) => result.call.id)).size).toBe(1)
    expect(await t.scalar('SELECT count(*) FROM events')).toBe(1)
    expect(await requests.billed({ agentId: 'a' }, call())).toMatchObject({ cost: 1_500_000, late: false })
  })

  test('CON-02: the same request id with other content is refused and changes nothing', async () => {
    await using t = await createTestDb({ dialect })
    const requests = new RequestLog(t.db)
    const { call: row } = await requests.record(call())
    const others: Partial<NewCall>[] = [
      { model: 'n' },
      { provider: undefined },
      { cost: usd(1.6) },
      { outcome: 'completed' },
      { pricing: 'price_book' },
      { usage: { ...usage, cacheWrite: 0 } },
      { usage: { ...usage, input: 6 } },
      { usage: undefined },
    ]
    for (const other of others) {
      await expect(requests.record(call(other))).rejects.toMatchObject({
        code: 'IDEMPOTENCY_CONFLICT',
        details: { requestId: 'r1' },
      })
      const facts = call(other)
      const asGiven = other.pricing === undefined ? facts : { ...facts, cost: undefined }
      await expect(requests.billed({ agentId: 'a' }, asGiven)).rejects.toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' })
    }
    expect(await requests.record(call({ latencyMs: 9, errorCode: 'x', traceId: 'y', leaseId: 'l9' }))).toEqual({
      call: row,
      duplicate: true,
    })
    expect(await requests.get(row.id)).toEqual(row)
  })

  test('CON-04: the row is committed with its booking or not at all', async () => {
    await using t = await createTestDb({ dialect })
    const requests = new RequestLog(t.db)
    const booking = t.db.write(async (tx) => {
      await requests.record(call(), { tx })
      expect(await requests.billed({ agentId: 'a' }, call(), { tx })).toMatchObject({ leaseId: 'l1' })
      throw new Error('undone')
    })
    await expect(booking).rejects.toThrow('undone')
    expect(await requests.billed({ agentId: 'a' }, call())).toBeUndefined()
    expect(await t.scalar('SELECT count(*) FROM events')).toBe(0)
  })

  test('CON-05: the same request id of two agents is two calls; calls of tokens make no event', async () => {
    await using t = await createTestDb({ dialect })
    const requests = new RequestLog(t.db)
    await requests.record(call())
    expect(await requests.record(call({ agentId: 'b' }))).toMatchObject({ duplicate: false })
    const token = { agentId: undefined, tokenId: 'tok', leaseId: undefined }
    expect(await requests.record(call(token))).toMatchObject({
      duplicate: false,
      call: { source: 'api_token', tokenId: 'tok', agentId: null },
    })
    expect(await requests.record(call(token))).toMatchObject({ duplicate: true })
    expect(await requests.record(call({ ...token, requestId: undefined }))).toMatchObject({
      duplicate: false,
      call: { requestId: null },
    })
    expect(await requests.record(call({ ...token, requestId: undefined }))).toMatchObject({ duplicate: false })
    expect(await requests.billed({ tokenId: 'tok' }, call())).toMatchObject({ leaseId: null })
    expect(await requests.billed({ tokenId: 'tok' }, { model: 'm' })).toBeUndefined()
    expect(await t.scalar('SELECT count(*) FROM events')).toBe(2)
  })

  test('many calls are looked up and recorded as each would be', async () => {
    await using t = await createTestDb({ dialect })
    const requests = new RequestLog(t.db)
    await requests.record(call({ requestId: 'billed' }))
    await requests.record(told({ requestId: 'told', latencyMs: 7 }))
    const calls = ['new-1', 'told', 'new-2'].map((requestId) => call({ requestId }))
    const recorded = await t.db.write(async (tx) => {
      const facts = [...calls, call({ requestId: 'billed' }), call({ requestId: 'billed', model: 'other' })]
      const billed = await requests.billedAll({ agentId: 'a' }, facts, { tx })
      expect(calls.map(billed)).toEqual([undefined, undefined, undefined])
      expect(billed(call({ requestId: 'billed' }))).toMatchObject({ leaseId: 'l1', cost: 1_500_000 })
      expect(() => billed(call({ requestId: 'billed', model: 'other' }))).toThrow(
        expect.objectContaining({ code: 'IDEMPOTENCY_CONFLICT' }),
      )
      const record = await requests.recordAll(calls, { tx })
      const results = []
      for (const one of [...calls].reverse()) results.push(await record(one))
      return results
    })
    expect(recorded.map(({ call: row, duplicate }) => [row.requestId, row.billed, duplicate, row.latencyMs])).toEqual([
      ['new-2', true, false, null],
      ['told', true, false, 7],
      ['new-1', true, false, null],
    ])
    const events = (await new EventLog(t.db).read()).data.map(({ data }) => data['request_id'])
    expect(events).toEqual(['billed', 'told', 'new-2', 'new-1'])
    await expect(
      t.db.write((tx) => requests.recordAll([call({ cost: -1 as Microdollars })], { tx })),
    ).rejects.toMatchObject({
      code: 'VALIDATION_ERROR',
    })
    await expect(requests.billedAll({ agentId: '' }, [])).rejects.toMatchObject({ code: 'VALIDATION_ERROR' })
  })

  test('a failed call that costs nothing is repeated with or without its cost', async () => {
    await using t = await createTestDb({ dialect })
    const requests = new RequestLog(t.db)
    await requests.record(call({ outcome: 'failed', usage: undefined, cost: 0 as Microdollars }))
    const facts = { requestId: 'r1', model: 'm', provider: 'p', outcome: 'failed' } as const
    expect(await requests.billed({ agentId: 'a' }, facts)).toMatchObject({ cost: 0, pricing: 'reported' })
  })

  test('PRI-36: a report after telemetry makes the row the billed one, once', async () => {
    await using t = await createTestDb({ dialect })
    const requests = new RequestLog(t.db)
    const first = await requests.record(
      told({ cost: usd(9), usage: { input: 1 }, outcome: 'failed', errorCode: 'e', latencyMs: 3 }),
    )
    expect(first).toMatchObject({ duplicate: false, call: { billed: false, leaseId: null } })
    expect(await requests.billed({ agentId: 'a' }, call())).toBeUndefined()
    t.clock.advance(60_000)
    const billed = await requests.record(call({ outcome: 'completed', latencyMs: 8, traceId: 't' }))
    expect(billed).toMatchObject({
      duplicate: false,
      call: {
        id: first.call.id,
        billed: true,
        leaseId: 'l1',
        cost: 1_500_000,
        usage,
        outcome: 'failed',
        latencyMs: 3,
        traceId: 't',
        receivedAt: t.clock.now(),
      },
    })
    expect(await requests.get(first.call.id)).toEqual(billed.call)
    expect(await requests.record(call({ outcome: 'completed' }))).toMatchObject({ duplicate: true })
    expect(await t.scalar('SELECT count(*) FROM events')).toBe(1)
  })

  test('PRI-36, PRI-33: telemetry after a report fills what is empty and changes no figure', async () => {
    await using t = await createTestDb({ dialect })
    const requests = new RequestLog(t.db)
    const { call: row } = await requests.record(call({ provider: undefined }))
    t.clock.advance(60_000)
    const filled = await requests.record(
      told({
        cost: usd(9),
        usage: { input: 1 },
        provider: 'q',
        latencyMs: 5,
        traceId: 't',
        outcome: 'failed',
        errorCode: 'e',
      }),
    )
    const expected = { ...row, provider: 'q', latencyMs: 5, traceId: 't', outcome: 'failed', errorCode: 'e' }
    expect(filled).toEqual({ call: expected, duplicate: true })
    await requests.record(told({ provider: 'z', latencyMs: 6, outcome: 'completed', errorMessage: 'm' }))
    expect(await requests.get(row.id)).toEqual({ ...expected, errorMessage: 'm' })
    expect(await t.scalar('SELECT count(*) FROM events')).toBe(1)
  })

  test('all faults of a call are told at once', async () => {
    await using t = await createTestDb({ dialect })
    const wrong = {
      tokenId: 't',
      agentId: 'a',
      requestId: 'a b',
      cost: -1,
      usage: { input: -1, what: 1 },
      latencyMs: 0.5,
      billed: true,
    } as unknown as NewCall
    const outcome = new RequestLog(t.db).record(wrong)
    await expect(outcome).rejects.toMatchObject({ code: 'VALIDATION_ERROR' })
    const error = (await outcome.catch((failure: unknown) => failure)) as { details: { fields: object } }
    expect(Object.keys(error.details.fields).sort()).toEqual([
      'agentId',
      'cost',
      'latencyMs',
      'leaseId',
      'requestId',
      'usage.input',
      'usage.what',
    ])
  })

  test('DAT-09: the database refuses to change the figures of a billed call or to delete it without its key', async () => {
    await using t = await createTestDb({ dialect })
    await new RequestLog(t.db).record(call())
    for (const change of ['cost_micros = 1', 'lease_id = NULL', 'input_tokens = 18', 'billed = 0', 'late = 1']) {
      await expect(t.rows(`UPDATE requests SET ${change}`)).rejects.toMatchObject({ code: 'DATABASE_CONSTRAINT' })
    }
    await expect(t.rows('DELETE FROM requests')).rejects.toMatchObject({ code: 'DATABASE_CONSTRAINT' })
  })

  test('DAT-20: pages of calls neither skip nor repeat, filtered or not', async () => {
    await using t = await createTestDb({ dialect })
    const requests = new RequestLog(t.db)
    for (let n = 0; n < 7; n += 1) {
      await requests.record(
        call({ requestId: `r${String(n)}`, agentId: n % 2 === 0 ? 'a' : 'b', outcome: n === 4 ? 'failed' : undefined }),
      )
      if (n % 3 === 0) t.clock.advance(1_000)
    }
    await requests.record(call({ agentId: undefined, tokenId: 'tok', leaseId: undefined }))
    for (const order of ['asc', 'desc'] as const) {
      const seen: (string | null)[] = []
      let after: string | undefined
      do {
        const page = await requests.list({ source: 'agent' }, { limit: 3, order, after })
        seen.push(...page.data.map(({ requestId }) => requestId))
        after = page.nextCursor ?? undefined
      } while (after !== undefined)
      const all = ['r0', 'r1', 'r2', 'r3', 'r4', 'r5', 'r6']
      expect(seen).toEqual(order === 'asc' ? all : all.reverse())
    }
    const ids = async (filter: Parameters<RequestLog['list']>[0]): Promise<unknown[]> =>
      (await requests.list(filter, { order: 'asc' })).data.map(({ requestId }) => requestId)
    expect(await ids({ agentId: 'b', provider: 'p', model: 'm' })).toEqual(['r1', 'r3', 'r5'])
    expect(await ids({ outcome: 'failed' })).toEqual(['r4'])
    expect(await ids({ tokenId: 'tok' })).toEqual(['r1'])
    expect(await ids({ agentId: 'a', tokenId: 'tok' })).toEqual([])
    expect(await ids({ agentId: 'a', source: 'api_token' })).toEqual([])
    expect(await ids({ ownerId: 'nobody' })).toEqual([])
    expect(await ids({ from: t.clock.now(), to: t.clock.now() + 1, source: 'agent' })).toEqual([])
    await expect(requests.list({}, { after: 'x' })).rejects.toMatchObject({ code: 'INVALID_CURSOR' })
  })
})

test('what a usage tells survives its columns (property)', async () => {
  await using t = await createTestDb()
  const requests = new RequestLog(t.db)
  const count = fc.option(fc.nat(1_000), { nil: undefined })
  const units = [
    'input',
    'cacheRead',
    'cacheWrite',
    'cacheWrite1h',
    'audioInput',
    'output',
    'reasoning',
    'audioOutput',
    'unsplit',
    'webSearches',
  ] as const
  const usages = fc.record(Object.fromEntries(units.map((unit) => [unit, count])), { requiredKeys: [] })
  await fc.assert(
    fc.asyncProperty(usages, async (parts) => {
      const { call: row } = await requests.record({ tokenId: 't', usage: parts, cost: 1 as Microdollars })
      const given = Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined)) as Usage
      const tokens = Object.entries(given).reduce(
        (sum, [unit, value]) => (unit === 'webSearches' ? sum : sum + value),
        0,
      )
      expect((await requests.get(row.id))?.totalTokens).toBe(tokens)
      // A whole that is told only by its parts has a rest of 0.
      const rest: Record<string, number> = {}
      if (units.slice(1, 5).some((unit) => given[unit] !== undefined)) rest.input = 0
      if (['reasoning', 'audioOutput'].some((unit) => given[unit as 'reasoning'] !== undefined)) rest.output = 0
      const expected = { ...rest, ...given }
      expect(row.usage ?? {}).toEqual(expected)
    }),
    { numRuns: 100 },
  )
})
