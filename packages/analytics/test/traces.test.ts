import { describe, expect, test } from '@jest/globals'
import type { JsonObject, ReadTx } from '@iron/database'
import type { ItemResult } from '@iron/journal'
import { type NewSpan, SPANS_MAX, type Trace, TraceLog } from '../src/index.ts'
import { TRACE_ATTRIBUTES_MAX, TRACE_SPANS_MAX } from '../src/traces/trace-room.ts'
import { DAY, openWorld, PLACES, type World } from './world.ts'

function span(traceId: string, spanId: string, about: Partial<NewSpan> = {}): NewSpan {
  return { traceId, spanId, name: 'step', startedAt: 1_000, status: 'ok', ...about }
}

const statuses = (results: readonly ItemResult[]): string[] =>
  results.map((result) => (result.status === 'error' ? result.code : result.status))

/** Every trace, page by page. */
async function readAll(
  traces: TraceLog,
  limit: number,
  order: 'asc' | 'desc',
  between: () => Promise<unknown> = async () => undefined,
): Promise<Trace[]> {
  const all: Trace[] = []
  let after: string | null = null
  do {
    const page = await traces.list({}, { limit, order, ...(after === null ? {} : { after }) })
    all.push(...page.data)
    after = page.nextCursor
    if (after !== null) await between()
  } while (after !== null)
  return all
}

describe.each(PLACES)('traces on $dialect $storage', (place) => {
  test('a trace is read as it was told, by start', async () => {
    await using world = await openWorld(place)
    const traces = new TraceLog(world.test.db)
    const child = span('t1', 'b', {
      parentId: 'a',
      name: 'ask',
      startedAt: 20,
      durationMs: 0,
      status: 'error',
      attributes: { k: [1, null], '': 'two\nlines' },
    })
    expect(statuses(await traces.append('agent', [child, span('t1', 'a', { startedAt: 10 })]))).toEqual([
      'accepted',
      'accepted',
    ])
    const root = { parentId: null, name: 'step', startedAt: 10, durationMs: null, status: 'ok', attributes: {} }
    expect(await traces.get('t1')).toEqual({
      traceId: 't1',
      agentId: 'agent',
      startedAt: 10,
      spans: [
        { traceId: 't1', spanId: 'a', agentId: 'agent', ...root },
        { ...child, agentId: 'agent' },
      ],
    })
    expect(await traces.get('t2')).toBeUndefined()
    expect(await traces.list()).toEqual({
      data: [{ traceId: 't1', agentId: 'agent', startedAt: 10, spans: 2 }],
      nextCursor: null,
    })
  })

  test('PRI-33 a span counts once in its trace, whatever a repeat says', async () => {
    await using world = await openWorld(place)
    const traces = new TraceLog(world.test.db)
    const told = [span('t1', 'a'), span('t1', 'a', { name: 'other' }), span('t2', 'a')]
    expect(statuses(await traces.append('agent', told))).toEqual(['accepted', 'duplicate', 'accepted'])
    const again = await Promise.all(Array.from({ length: 5 }, () => traces.append('agent', [...told, span('t2', 'b')])))
    expect(again.flatMap(statuses).filter((status) => status === 'accepted')).toHaveLength(1)
    expect((await traces.get('t1'))?.spans.map(({ name }) => name)).toEqual(['step'])
  })

  test("ACL-03 a span of another agent's trace is refused as if the trace were not there, also in a race for it", async () => {
    await using world = await openWorld(place)
    const traces = new TraceLog(world.test.db)
    await traces.append('one', [span('t1', 'a')])
    const results = await traces.append('two', [span('t1', 'b'), span('t2', 'a'), span('t1', 'a')])
    expect(results).toEqual([
      { status: 'error', code: 'TRACE_NOT_FOUND', message: 'there is no such trace', details: {} },
      { status: 'accepted' },
      expect.objectContaining({ code: 'TRACE_NOT_FOUND' }),
    ])
    const racers = Array.from({ length: 8 }, (_, n) => `racer${String(n)}`)
    await Promise.all(
      racers.map((racer) => traces.append(racer, [span('t4', racer), span('t3', racer), span('t4', `${racer}x`)])),
    )
    for (const traceId of ['t3', 't4']) {
      expect(new Set((await traces.get(traceId))?.spans.map(({ agentId }) => agentId)).size).toBe(1)
    }
  })

  test('a trace holds so many spans and so much attributes; repeats and other traces go on', async () => {
    await using world = await openWorld(place)
    const traces = new TraceLog(world.test.db)
    const many = Array.from({ length: TRACE_SPANS_MAX }, (_, n) => span('t1', `s${String(n)}`))
    for (let from = 0; from < many.length; from += SPANS_MAX) {
      expect(new Set(statuses(await traces.append('agent', many.slice(from, from + SPANS_MAX))))).toEqual(
        new Set(['accepted']),
      )
    }
    const full = { status: 'error', code: 'VALIDATION_ERROR', details: { fields: { traceId: expect.any(String) } } }
    const results = await traces.append('agent', [span('t1', 'more'), span('t1', 's7'), span('t2', 'more')])
    expect(results).toMatchObject([full, { status: 'duplicate' }, { status: 'accepted' }])
    expect((await traces.get('t1'))?.spans).toHaveLength(TRACE_SPANS_MAX)

    const attributes = { text: 'x'.repeat(16_384 - '{"text":""}'.length) }
    const fit = TRACE_ATTRIBUTES_MAX / 16_384
    const large = Array.from({ length: fit + 1 }, (_, n) => span('t3', `s${String(n)}`, { attributes }))
    const kept = await traces.append('agent', [...large, span('t3', 'small')])
    expect(statuses(kept)).toEqual([...Array<string>(fit).fill('accepted'), 'VALIDATION_ERROR', 'VALIDATION_ERROR'])
  })

  test('VAL-02 a faulty span is refused with all its faults and affects no other', async () => {
    await using world = await openWorld(place)
    const traces = new TraceLog(world.test.db)
    const bad = [
      span('', 'x'.repeat(101), { parentId: '', name: '', startedAt: -1, durationMs: 0.5, status: 'odd' as 'ok' }),
      span('t1', 'a', { attributes: { text: 'ä'.repeat(8_190) } }),
    ]
    const [all, large, none, good] = await traces.append('agent', [
      ...bad,
      null as never,
      span('t1', 'a', { attributes: { text: 'ä'.repeat(8_180) } }),
    ])
    const fieldsOf = (result: ItemResult | undefined): string[] =>
      result?.status === 'error' ? Object.keys(result.details['fields'] as object) : []
    expect(fieldsOf(all)).toEqual(['traceId', 'spanId', 'parentId', 'name', 'startedAt', 'durationMs', 'status'])
    expect(fieldsOf(large)).toEqual(['attributes'])
    expect(fieldsOf(none)).toEqual(['$'])
    expect(good).toEqual({ status: 'accepted' })
    // VAL-07: in names and values, at any depth; lines are text.
    const texts: JsonObject[] = [
      { 'k\u0000': 1 },
      { k: [{ deep: 'a\u0007' }] },
      { k: '\ud800' },
      { k: 'at one\n\tat two\r\n' },
    ]
    const told = await traces.append(
      'agent',
      texts.map((attributes, n) => span('t2', String(n), { attributes })),
    )
    expect(statuses(told)).toEqual([...Array<string>(3).fill('VALIDATION_ERROR'), 'accepted'])
    expect(told.slice(0, 3).map(fieldsOf)).toEqual([['attributes'], ['attributes'], ['attributes']])
    const tooMany = Array.from({ length: SPANS_MAX + 1 }, () => span('t', 's'))
    await expect(traces.append('', tooMany)).rejects.toMatchObject({
      code: 'VALIDATION_ERROR',
      details: { fields: { agentId: expect.any(String), spans: expect.any(String) } },
    })
    expect(await traces.append('agent', [])).toEqual([])
  })

  test('DAT-20 pages neither skip nor repeat, whatever arrives meanwhile and however early it began', async () => {
    await using world = await openWorld(place)
    const traces = new TraceLog(world.test.db)
    for (let n = 0; n < 6; n += 1) {
      if (n % 2 === 0) world.clock.advance(1)
      await traces.append('agent', [span(`t${String(n)}`, 'b', { startedAt: 1_000 - n }), span(`t${String(n)}`, 'c')])
    }
    const ids = ['t0', 't1', 't2', 't3', 't4', 't5']
    let root = 0
    const tellRoots = async (): Promise<void> => {
      world.clock.advance(1)
      await traces.append(
        'agent',
        ids.map((id) => span(id, `a${String((root += 1))}`, { startedAt: 1 })),
      )
    }
    const down = await readAll(traces, 2, 'desc', tellRoots)
    expect(down.map(({ traceId }) => traceId)).toEqual(['t5', 't4', 't3', 't2', 't1', 't0'])
    expect(down.at(-1)).toMatchObject({ startedAt: 1, spans: 4 })
    expect((await readAll(traces, 1, 'asc', tellRoots)).map(({ traceId }) => traceId)).toEqual(ids)
    await expect(traces.list({}, { after: 'x' })).rejects.toMatchObject({ code: 'INVALID_CURSOR' })
  })

  test('ACL-15 lists show the traces of agents that are owned now', async () => {
    await using world = await openWorld(place)
    const traces = new TraceLog(world.test.db)
    for (const user of ['u1', 'u2']) await world.user(user)
    await world.agent('a1', { owner: 'u1' })
    await world.agent('a2', { owner: 'u2' })
    const start = world.clock.now()
    await traces.append('a1', [span('t1', 'a')])
    world.clock.advance(10)
    await traces.append('a2', [span('t2', 'a')])
    const idsOf = async (filter: Parameters<TraceLog['list']>[0]): Promise<string[]> =>
      (await traces.list(filter)).data.map(({ traceId }) => traceId)
    expect(await idsOf({ ownerId: 'u1' })).toEqual(['t1'])
    expect(await idsOf({ ownerId: 'u1', agentId: 'a2' })).toEqual([])
    expect(await idsOf({ agentId: 'a2' })).toEqual(['t2'])
    expect(await idsOf({ from: start, to: start + 10 })).toEqual(['t1'])
    expect(await idsOf({ from: start + 10 })).toEqual(['t2'])
    await world.test.rows("UPDATE agent_budgets SET owner_id = 'u2' WHERE agent_id = 'a1'")
    expect(await idsOf({ ownerId: 'u1' })).toEqual([])
    expect(await idsOf({ ownerId: 'u2' })).toEqual(['t2', 't1'])
  })

  test('EVT-07 spans are pruned by their age, and positions before that expire', async () => {
    await using world = await openWorld(place)
    const traces = new TraceLog(world.test.db)
    for (const id of ['t1', 't2', 't3', 't4']) {
      await traces.append('agent', [span(id, 'a')])
      world.clock.advance(DAY)
    }
    const page = await traces.list({}, { order: 'asc', limit: 1 })
    const after = page.nextCursor ?? ''
    const olderThan = world.clock.now() - 2 * DAY
    await expect(traces.prune({ olderThan: world.clock.now(), limit: 0 })).rejects.toMatchObject({
      details: { fields: { olderThan: expect.any(String), limit: expect.any(String) } },
    })
    await expect(traces.list({ from: Number.NaN, to: 0.5 })).rejects.toMatchObject({
      code: 'VALIDATION_ERROR',
      details: { fields: { from: 'must be a whole number', to: 'must be a whole number' } },
    })
    expect(await traces.prune({ olderThan, limit: 1 })).toBe(1)
    expect(await traces.prune({ olderThan })).toBe(1)
    expect(await traces.prune({ olderThan })).toBe(0)
    const expired = await traces.list({}, { order: 'asc', after }).catch((error: unknown) => error)
    expect(expired).toMatchObject({ code: 'CURSOR_EXPIRED' })
    const { oldestCursor } = (expired as { details: { oldestCursor: string } }).details
    const rest = await traces.list({}, { order: 'asc', after: oldestCursor })
    expect(rest.data.map(({ traceId }) => traceId)).toEqual(['t3', 't4'])
    expect(await traces.get('t1')).toBeUndefined()
  })

  test('a page of traces walks the spans in order of arrival', async () => {
    await using world = await openWorld(place)
    await fill(world)
    const plan = await planOfList(world)
    expect(plan).toMatch(/spans_age/)
    expect(plan).not.toMatch(/Seq Scan|Hash|SCAN \w+$/m)
  })
})

/** Enough that PostgreSQL decides as it would with more. */
async function fill({ test, clock }: World): Promise<void> {
  await test.rows(`INSERT INTO spans (trace_id, span_id, agent_id, name, status, started_at, received_at)
    WITH RECURSIVE n(i) AS (SELECT CAST(0 AS bigint) UNION ALL SELECT i + 1 FROM n WHERE i < 19999)
    SELECT 't' || (i / 20), 's' || i, 'a', 'n', 'ok', ${String(clock.now())} + i, ${String(clock.now())} + i FROM n`)
  if (test.db.dialect === 'postgres') await test.rows('ANALYZE spans')
}

/** What the engine does to list traces. */
async function planOfList({ test: { db } }: World): Promise<string> {
  const explain = db.dialect === 'sqlite' ? 'EXPLAIN QUERY PLAN' : 'EXPLAIN (COSTS OFF)'
  const lines: string[] = []
  await db.read(async (snapshot) => {
    const tx: ReadTx = {
      dialect: snapshot.dialect,
      sql: snapshot.sql,
      execute: async ({ sql, parameters }) => {
        const query = { sql: `${explain} ${sql}`, parameters }
        const { rows } = await snapshot.execute<{ detail?: string; 'QUERY PLAN'?: string }>(query)
        lines.push(...rows.map((row) => row.detail ?? row['QUERY PLAN'] ?? ''))
        return { rows: [] }
      },
    }
    await new TraceLog(db).list({}, { limit: 10, tx })
  })
  return lines.join('\n')
}
