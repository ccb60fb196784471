import { describe, expect, test } from '@jest/globals'
import { CostCalculator, createPriceBook, type Microdollars, usd } from '@iron/cost-calculator'
import { createTestDb, enginesForTests } from '@iron/database/testing'
import { type Call, EventLog, INGEST_MAX, type ItemResult, RequestLog, type TelemetryEvent } from '@iron/journal'
import fc from 'fast-check'

const engines = await enginesForTests()
const DAY_MS = 86_400_000

type CallEvent = TelemetryEvent & { readonly type: 'request.completed' | 'request.failed' }

function completed(eventId: string, call: Partial<CallEvent['call']> = {}, at = 0): CallEvent {
  return { eventId, at, type: 'request.completed', call: { requestId: 'r1', model: 'm', cost: usd(1), ...call } }
}

function failed(eventId: string, call: Partial<CallEvent['call']> = {}, at = 0): CallEvent {
  return { eventId, at, type: 'request.failed', call: { requestId: 'r1', model: 'm', errorCode: 'timeout', ...call } }
}

const pii = {
  eventId: 'p1',
  at: 0,
  type: 'safety.pii_detected',
  categories: ['email'],
  count: 2,
  action: 'redacted',
  direction: 'input',
} as const

const statuses = (results: readonly ItemResult[]): string[] => results.map(({ status }) => status)

/** What came as JSON may be anything. */
const asEvent = (value: unknown): TelemetryEvent => value as TelemetryEvent

describe.each(engines)('telemetry on %s', (dialect) => {
  test('a call that only telemetry tells of is a row that was charged to nobody, and one event', async () => {
    await using t = await createTestDb({ dialect })
    const requests = new RequestLog(t.db)
    const at = t.clock.now() - 5_000
    expect(await requests.ingest('a', [failed('e1', { latencyMs: 7, errorMessage: 'no\nluck' }, at)])).toEqual([
      { status: 'accepted' },
    ])
    const { data } = await requests.list()
    expect(data).toMatchObject([
      {
        requestId: 'r1',
        agentId: 'a',
        leaseId: null,
        outcome: 'failed',
        errorCode: 'timeout',
        errorMessage: 'no\nluck',
        cost: 0,
        pricing: 'reported',
        billed: false,
        latencyMs: 7,
        at,
        receivedAt: t.clock.now(),
      },
    ])
    const events = await new EventLog(t.db).read()
    expect(events.data).toMatchObject([
      { type: 'request.failed', agentId: 'a', data: { billed: false, error_code: 'timeout', cost_usd: 0 } },
    ])
  })

  test('what tells no cost is priced by the provider it is said to be of', async () => {
    await using t = await createTestDb({ dialect })
    const perMillion = (input: number) => ({ model: 'm', usdPerMillion: { input, output: 8 } })
    const pricing = new CostCalculator(
      createPriceBook([
        { provider: 'openai', ...perMillion(2) },
        { provider: 'google', ...perMillion(4) },
      ]),
    )
    const requests = new RequestLog(t.db, { pricing })
    const usage = { input: 1_000_000, output: 1 }
    const events = [
      completed('e1', { requestId: 'r1', cost: undefined, usage, provider: 'openai' }),
      { ...completed('e2', { requestId: 'r2', cost: undefined, usage, provider: 'ours' }), priceProvider: 'google' },
      completed('e3', { requestId: 'r3', cost: undefined, usage: { input: 1 }, model: 'unknown' }),
    ]
    expect(statuses(await requests.ingest('a', events))).toEqual(['accepted', 'accepted', 'accepted'])
    const { data } = await requests.list({}, { order: 'asc' })
    expect(data.map(({ cost, pricing: how }) => [cost, how]).slice(0, 2)).toEqual([
      [2_000_008, 'price_book'],
      [4_000_008, 'price_book'],
    ])
    expect(data[2]).toMatchObject({ pricing: 'ceiling' })
  })

  test('PRI-33 an event counts once per agent, whatever a repeat says; in one call, in another, or at the same time', async () => {
    await using t = await createTestDb({ dialect, storage: 'file' })
    const requests = new RequestLog(t.db)
    const first = [completed('e1'), completed('e1', { requestId: 'r2' }), completed('e2', { requestId: 'r3' })]
    expect(statuses(await requests.ingest('a', first))).toEqual(['accepted', 'duplicate', 'accepted'])
    expect(statuses(await requests.ingest('a', [failed('e1', { requestId: 'r4' })]))).toEqual(['duplicate'])
    expect(statuses(await requests.ingest('b', first))).toEqual(['accepted', 'duplicate', 'accepted'])
    const many = await Promise.all(Array.from({ length: 20 }, () => requests.ingest('c', first)))
    expect(many.flatMap(statuses).filter((status) => status === 'accepted')).toHaveLength(2)
    expect(await t.scalar('SELECT count(*) FROM requests')).toBe(6)
    expect(await t.scalar('SELECT count(*) FROM events')).toBe(6)
  })

  test('personal data is told of as an event of the log', async () => {
    await using t = await createTestDb({ dialect })
    const requests = new RequestLog(t.db)
    expect(statuses(await requests.ingest('a', [pii, pii]))).toEqual(['accepted', 'duplicate'])
    expect(statuses(await requests.ingest('a', [{ ...pii, eventId: 'p2', requestId: 'r1' }]))).toEqual(['accepted'])
    const { data } = await new EventLog(t.db).read()
    expect(data.map((event) => [event.type, event.agentId, event.data])).toEqual([
      [
        'safety.pii_detected',
        'a',
        { categories: ['email'], count: 2, action: 'redacted', direction: 'input', request_id: null },
      ],
      [
        'safety.pii_detected',
        'a',
        { categories: ['email'], count: 2, action: 'redacted', direction: 'input', request_id: 'r1' },
      ],
    ])
    expect(await t.scalar('SELECT count(*) FROM requests')).toBe(0)
  })

  test('VAL-02 a faulty event is refused with all its faults, takes no id and affects no other', async () => {
    await using t = await createTestDb({ dialect })
    const requests = new RequestLog(t.db)
    const bad = [
      completed('e1', { cost: undefined }),
      completed('x'.repeat(101), { requestId: 'ä', latencyMs: -1 }, 0.5),
      failed('e1', { errorCode: undefined }),
      completed('e1', { errorCode: 'x', errorMessage: 'y' }),
      completed('e1', { cost: undefined, usage: { input: 1, nothing: 3 } as never }),
      { ...pii, categories: [], count: 0, action: 'sold' as 'logged', direction: 'both' as 'input', requestId: '' },
      { ...pii, categories: ['e-mail'] },
      { ...completed('e1'), type: 'request.begun' as 'request.completed' },
      ...[null, 'e1', { ...completed('e1'), call: undefined }, { eventId: 'e1', type: 'x', at: 1 }].map(asEvent),
      { ...pii, categories: 'email' as never },
      { ...pii, categories: [7] as never },
    ]
    const results = await requests.ingest('a', [...bad, completed('e1')])
    expect(
      results.map((result) =>
        result.status === 'error' ? Object.keys(result.details['fields'] as object) : result.status,
      ),
    ).toEqual([
      ['call.cost'],
      ['eventId', 'at', 'call.requestId', 'call.latencyMs'],
      ['call.errorCode'],
      ['call.errorCode', 'call.errorMessage'],
      ['call.usage.nothing'],
      ['categories', 'count', 'action', 'direction', 'requestId'],
      ['categories'],
      ['type'],
      ['$'],
      ['$'],
      ['call'],
      ['type'],
      ['categories'],
      ['categories'],
      'accepted',
    ])
    expect(results.every((result) => result.status !== 'error' || result.code === 'VALIDATION_ERROR')).toBe(true)
    expect(Object.isFrozen(results)).toBe(true)
    const tooMany = Array.from({ length: INGEST_MAX + 1 }, () => pii)
    await expect(requests.ingest('', tooMany)).rejects.toMatchObject({
      code: 'VALIDATION_ERROR',
      details: { fields: { agentId: expect.any(String), events: expect.any(String) } },
    })
    expect(await requests.ingest('a', [])).toEqual([])
  })

  test('a thousand events are taken in, in parts', async () => {
    await using t = await createTestDb({ dialect })
    const requests = new RequestLog(t.db)
    const events = Array.from({ length: INGEST_MAX }, (_, n) => completed(`e${n % 900}`, { requestId: `r${n % 900}` }))
    const results = statuses(await requests.ingest('a', events))
    expect(results.map((status, n) => status === (n < 900 ? 'accepted' : 'duplicate'))).not.toContain(false)
    expect(await requests.totals()).toMatchObject({ requests: 900, cost: 900_000_000 })
  })

  test('a telemetry event about a pruned call is accepted without effect; old ids are forgotten', async () => {
    await using t = await createTestDb({ dialect })
    const requests = new RequestLog(t.db)
    const charged = { agentId: 'a', leaseId: 'l', requestId: 'r1', model: 'm', cost: usd(2), billed: true }
    await requests.record(charged)
    await requests.ingest('a', [completed('e1'), completed('e2', { requestId: 'r2' })])
    t.clock.advance(61 * DAY_MS)
    while ((await requests.rollUp()) > 0);
    const olderThan = t.clock.now() - 60 * DAY_MS
    expect(await requests.prune({ olderThan, limit: 3 })).toBe(3)
    expect(await requests.prune({ olderThan })).toBe(1)
    expect(await t.scalar('SELECT count(*) FROM telemetry_ids')).toBe(0)
    expect(statuses(await requests.ingest('a', [failed('e1')]))).toEqual(['accepted'])
    expect(await t.scalar('SELECT count(*) FROM requests')).toBe(0)
    expect(await requests.totals()).toMatchObject({ requests: 2, failed: 0, cost: 3_000_000 })
  })

  test('PRI-33 PRI-36 CON-26 reports and telemetry in any order and with repeats make the rows that the rules name (property)', async () => {
    const told = {
      requestId: fc.constantFrom('r1', 'r2'),
      cost: fc.nat(5),
      outcome: fc.constantFrom('completed', 'failed'),
      provider: fc.constantFrom(null, 'p', 'q'),
      latencyMs: fc.constantFrom(null, 1, 2),
      traceId: fc.constantFrom(null, 't', 'u'),
    } as const
    const step = fc.oneof(
      fc.record({
        ...told,
        kind: fc.constant('report'),
        outcome: fc.constantFrom(null, 'completed', 'failed'),
      } as const),
      fc.record({ ...told, kind: fc.constant('telemetry'), eventId: fc.constantFrom('e1', 'e2', 'e3', 'e4') } as const),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        await using t = await createTestDb({ dialect })
        const requests = new RequestLog(t.db)
        const model = new CallModel()
        for (const { kind, ...said } of steps) {
          const { outcome, cost, ...rest } = said
          const facts = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== null))
          const money = cost as Microdollars
          if (kind === 'report') {
            const charge = {
              agentId: 'a',
              leaseId: 'l',
              requestId: said.requestId,
              model: 'm',
              cost: money,
              billed: true,
            }
            await requests.record({ ...charge, ...facts, outcome: outcome ?? undefined }).catch(() => undefined)
            model.report({ ...said, errorCode: null })
          } else {
            const { eventId } = said as { eventId: string }
            const make = outcome === 'failed' ? failed : completed
            const { eventId: _, ...call } = facts
            const [result] = await requests.ingest('a', [make(eventId, { ...call, cost: money })])
            const errorCode = outcome === 'failed' ? 'timeout' : null
            expect(result?.status).toBe(model.telemetry(eventId, { ...said, errorCode }))
          }
        }
        const { data } = await requests.list({}, { order: 'asc' })
        expect(Object.fromEntries(data.map((row) => [row.requestId, figuresOf(row)]))).toEqual(model.rows())
        const events = await new EventLog(t.db).read()
        expect(events.data.map((event) => event.data['request_id']).sort()).toEqual(Object.keys(model.rows()).sort())
      }),
      { numRuns: dialect === 'sqlite' ? 80 : 8 },
    )
  }, 60_000)
})

interface Figures {
  readonly billed: boolean
  readonly cost: number
  readonly outcome: string
  readonly errorCode: string | null
  readonly provider: string | null
  readonly latencyMs: number | null
  readonly traceId: string | null
}

function figuresOf({ billed, cost, outcome, errorCode, provider, latencyMs, traceId }: Call): Figures {
  return { billed, cost, outcome, errorCode, provider, latencyMs, traceId }
}

type Said = Omit<Figures, 'billed' | 'outcome'> & { readonly requestId: string; readonly outcome: string | null }
type Row = Omit<Figures, 'outcome'> & { readonly outcome: string | null }

/** http-api 4.15 in a few lines: the report's figures win, everything else is what was told of it first. */
class CallModel {
  readonly #rows = new Map<string, Row>()
  readonly #events = new Set<string>()

  report(said: Said): void {
    const row = this.#rows.get(said.requestId)
    if (row?.billed === true) return
    const merged = this.#merge(said, row)
    this.#rows.set(said.requestId, {
      ...merged,
      billed: true,
      cost: said.cost,
      provider: said.provider ?? merged.provider,
    })
  }

  telemetry(eventId: string, said: Said): string {
    if (this.#events.has(eventId)) return 'duplicate'
    this.#events.add(eventId)
    const row = this.#rows.get(said.requestId)
    this.#rows.set(said.requestId, { ...this.#merge(said, row), billed: row?.billed ?? false })
    return 'accepted'
  }

  rows(): Record<string, Figures> {
    return Object.fromEntries([...this.#rows].map(([id, row]) => [id, { ...row, outcome: row.outcome ?? 'completed' }]))
  }

  #merge({ cost, outcome, errorCode, provider, latencyMs, traceId }: Said, row: Row | undefined): Row {
    const first = row?.outcome ?? outcome
    return {
      billed: false,
      cost: row?.cost ?? cost,
      outcome: first,
      errorCode: row?.errorCode ?? (first === 'failed' ? errorCode : null),
      provider: row?.provider ?? provider,
      latencyMs: row?.latencyMs ?? latencyMs,
      traceId: row?.traceId ?? traceId,
    }
  }
}
