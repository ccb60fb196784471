import { describe, expect, test } from '@jest/globals'
import { createTestDb, enginesForTests } from '@iron/database/testing'
import {
  AuditLog,
  EventLog,
  EVENTS_PAGE,
  type IronEvent,
  JournalError,
  type NewEvent,
  type OwnedPage,
} from '@iron/journal'

const engines = await enginesForTests()
const DAY_MS = 24 * 3_600_000

function event(agentId: string, extra: Partial<NewEvent> = {}): NewEvent {
  return { type: 'agent.started', agentId, data: { previous_state: 'idle', reason: null }, ...extra }
}

async function collect(events: AsyncIterable<IronEvent>, count: number, stop: AbortController): Promise<number[]> {
  const seen: number[] = []
  for await (const { seq } of events) if (seen.push(seq) === count) stop.abort()
  return seen
}

describe.each(engines)('event log on %s', (dialect) => {
  test('EVT-06: a rolled-back change emits nothing, also in a savepoint; the same dedupe key is appended once', async () => {
    await using t = await createTestDb({ dialect })
    const events = new EventLog(t.db)
    await expect(
      t.db.write(async (tx) => {
        events.defer(event('a'), { tx })
        throw new Error('undone')
      }),
    ).rejects.toThrow('undone')
    const again = await t.db.write(async (tx) => {
      events.defer(event('a', { dedupeKey: 'k' }), { tx })
      await tx
        .savepoint(async (inner) => {
          events.defer(event('b'), { tx: inner })
          throw new Error('inner')
        })
        .catch(() => undefined)
      events.defer(event('c', { dedupeKey: 'k' }), { tx })
      events.defer(event('d'), { tx })
      return null
    })
    expect(again).toBeNull()
    expect((await events.read()).data.map(({ seq, agentId }) => [seq, agentId])).toEqual([
      [1, 'a'],
      [2, 'd'],
    ])
    expect(await t.db.write((tx) => events.append(event('e', { dedupeKey: 'k' }), { tx }))).toBeNull()
    expect(await t.db.write((tx) => events.append(event('e'), { tx }))).toMatchObject({
      seq: 3,
      agentId: 'e',
      at: t.clock.now(),
    })
    expect(await events.bounds()).toEqual({ oldest: 1, head: 3 })
  })

  test('EVT-05: numbers of parallel transactions follow the commit order without gaps', async () => {
    await using t = await createTestDb({ dialect, storage: 'file' })
    const events = new EventLog(t.db)
    const audit = new AuditLog(t.db)
    const stop = new AbortController()
    const seen = collect(events.subscribe({}, { after: 0, signal: stop.signal }), 40, stop)
    await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        t.db.write(async (tx) => {
          // Both orders: the heads are locked in one order all the same.
          if (n % 2 === 0) await audit.append({ operation: 'A', resourceType: 'x', actor: 'u' }, { tx })
          await events.append(event(`agent-${String(n)}`), { tx })
          if (n % 2 === 1) await audit.append({ operation: 'A', resourceType: 'x', actor: 'u' }, { tx })
        }),
      ),
    )
    expect(await seen).toEqual(Array.from({ length: 40 }, (_, n) => n + 1))
    expect((await audit.verify()).ok).toBe(true)
  })

  test('EVT-05: what parallel transactions defer is numbered without gaps, each in the order in which it was handed in', async () => {
    await using t = await createTestDb({ dialect, storage: 'file' })
    const events = new EventLog(t.db)
    const names = Array.from({ length: 40 }, (_, n) => `agent-${String(n)}`)
    // Every second one with a key, whose numbers are given in another way.
    await Promise.all(
      names.map((name, n) =>
        t.db.write(async (tx) => {
          for (const reason of ['a', 'b', 'c']) {
            const dedupeKey = n % 2 === 0 || reason !== 'b' ? undefined : name
            events.defer(event(name, { dedupeKey, data: { previous_state: 'idle', reason } }), { tx })
          }
        }),
      ),
    )
    const { data } = await events.read()
    expect(data.map(({ seq }) => seq)).toEqual(Array.from({ length: 120 }, (_, index) => index + 1))
    for (let index = 0; index < 120; index += 3) {
      const three = data.slice(index, index + 3)
      expect(three.map(({ data: { reason } }) => reason)).toEqual(['a', 'b', 'c'])
      expect(new Set(three.map(({ agentId }) => agentId)).size).toBe(1)
    }
    expect(await t.scalar("SELECT head_seq FROM log_heads WHERE name = 'events'")).toBe(120)
  })

  test('a log that has lost its head takes nothing more', async () => {
    await using t = await createTestDb({ dialect })
    const events = new EventLog(t.db)
    await t.rows(`DROP TRIGGER log_heads_no_delete${dialect === 'postgres' ? ' ON log_heads' : ''}`)
    await t.rows("DELETE FROM log_heads WHERE name = 'events'")
    const written = t.db.write(async (tx) => events.defer(event('a'), { tx }))
    await expect(written).rejects.toThrow('log_heads has lost a row')
    expect(await t.scalar('SELECT COUNT(*) FROM events')).toBe(0)
  })

  test('EVT-15: an event whose wake-up is lost is found by looking', async () => {
    await using t = await createTestDb({ dialect })
    const events = new EventLog(t.db)
    const stop = new AbortController()
    const following = events.subscribe({}, { after: 0, signal: stop.signal })[Symbol.asyncIterator]()
    const next = following.next()
    await t.db.write((tx) => events.append(event('a'), { tx }))
    const silent = (id: string): Promise<unknown> =>
      t.rows(
        `INSERT INTO events (seq, id, at, type, agent_id, data)
          SELECT head_seq + 1, ?, 1, 'agent.started', 'a', '{}' FROM log_heads WHERE name = 'events'`,
        id,
      )
    // As a process appends whose notification the network swallows.
    await silent('evt_silent')
    const seen = [(await next).value as IronEvent]
    while (seen.at(-1)?.id !== 'evt_silent') seen.push((await following.next()).value as IronEvent)
    const found = following.next()
    await silent('evt_later')
    expect((await found).value).toMatchObject({ id: 'evt_later' })
    stop.abort()
  }, 20_000)

  test('subscribe replays more than a page, follows without gap or duplicate, and ends at the signal', async () => {
    await using t = await createTestDb({ dialect })
    const events = new EventLog(t.db)
    const append = (count: number): Promise<void> =>
      t.db.write(async (tx) => {
        for (let n = 0; n < count; n += 1) events.defer(event(n % 2 === 0 ? 'even' : 'odd'), { tx })
      })
    await append(EVENTS_PAGE + 10)
    const stop = new AbortController()
    const seen: number[] = []
    for await (const { seq } of events.subscribe({}, { after: 5, signal: stop.signal })) {
      seen.push(seq)
      if (seq === EVENTS_PAGE + 10) await append(4)
      if (seq === EVENTS_PAGE + 14) stop.abort()
    }
    expect(seen).toEqual(Array.from({ length: EVENTS_PAGE + 9 }, (_, n) => n + 6))
    for await (const _ of events.subscribe({}, { after: 0, signal: AbortSignal.abort() }))
      throw new Error('nothing is read')
    const live = new AbortController()
    const following = events.subscribe({ agentIds: ['odd'] }, { signal: live.signal })[Symbol.asyncIterator]()
    const next = following.next()
    // The iteration has begun at the head only once it listens: the first append may come before that.
    const waiting = setInterval(() => void append(2), 20)
    expect((await next).value).toMatchObject({ agentId: 'odd' })
    clearInterval(waiting)
    live.abort()
    let rest = await following.next()
    while (rest.done !== true) rest = await following.next()
    expect(rest).toEqual({ done: true, value: undefined })
  })

  test('DAT-20: polling with nextCursor neither skips nor repeats, also past filtered events', async () => {
    await using t = await createTestDb({ dialect })
    const events = new EventLog(t.db)
    await t.db.write(async (tx) => {
      for (const agentId of ['a', 'b', 'a', 'b', 'a']) events.defer(event(agentId), { tx })
      events.defer(event('a', { type: 'budget.exhausted' }), { tx })
      events.defer(event('b', { type: 'lease.closed' }), { tx })
    })
    const first = await events.read({ agentIds: ['a'] }, { limit: 2 })
    expect([first.data.map(({ seq }) => seq), first.nextCursor]).toEqual([[1, 3], 3])
    const second = await events.read({ agentIds: ['a'] }, { limit: 5, after: first.nextCursor })
    expect([second.data.map(({ seq }) => seq), second.nextCursor]).toEqual([[5, 6], 7])
    expect(await events.read({}, { after: 'latest' })).toEqual({ data: [], nextCursor: 7 })
    expect((await events.read({ types: ['budget.*', 'lease.closed'] })).data.map(({ seq }) => seq)).toEqual([6, 7])
    const newest = await events.read({}, { order: 'desc', limit: 3 })
    expect(newest.data.map(({ seq }) => seq)).toEqual([7, 6, 5])
    const older = await events.read({}, { order: 'desc', limit: 9, after: newest.nextCursor })
    expect([older.data.map(({ seq }) => seq), older.nextCursor]).toEqual([[4, 3, 2, 1], 1])
    expect((await events.read({ agentIds: [] })).data).toEqual([])
    await expect(events.read({ types: ['budget.none'] }, { limit: 0 })).rejects.toMatchObject({
      code: 'VALIDATION_ERROR',
      details: { fields: { 'types.0': expect.any(String), limit: expect.any(String) } },
    })
    const ofOtherKinds = { types: 'budget.*', agentIds: 'a', ownerId: 5 } as never
    await expect(events.read(ofOtherKinds)).rejects.toMatchObject({
      code: 'VALIDATION_ERROR',
      details: { fields: { types: expect.any(String), agentIds: expect.any(String), ownerId: expect.any(String) } },
    })
    await expect(events.read({ types: [5], agentIds: ['a', null] } as never)).rejects.toMatchObject({
      code: 'VALIDATION_ERROR',
      details: { fields: { 'types.0': expect.any(String), 'agentIds.1': expect.any(String) } },
    })
  })

  test('EVT-07: a position older than what is kept, or from another database, is answered as such', async () => {
    await using t = await createTestDb({ dialect })
    const audit = new AuditLog(t.db)
    const events = new EventLog(t.db, { audit })
    await t.db.write(async (tx) => {
      for (let n = 0; n < 6; n += 1) events.defer(event('a'), { tx })
    })
    t.clock.advance(2 * DAY_MS)
    await t.db.write(async (tx) => events.defer(event('a'), { tx }))
    await expect(events.prune({ olderThan: t.clock.now() })).rejects.toMatchObject({ code: 'VALIDATION_ERROR' })
    expect(await events.prune({ olderThan: t.clock.now() - DAY_MS, limit: 4 })).toBe(4)
    expect(await events.bounds()).toEqual({ oldest: 5, head: 7 })
    expect(await events.prune({ olderThan: t.clock.now() - DAY_MS })).toBe(2)
    expect(await events.prune({ olderThan: t.clock.now() - DAY_MS })).toBe(0)
    expect((await audit.list({ operation: 'LOG_PRUNED' })).data.map(({ metadata }) => metadata)).toEqual([
      { log: 'events', floor: 6, rows: 2 },
      { log: 'events', floor: 4, rows: 4 },
    ])
    expect((await audit.verify()).ok).toBe(true)
    await expect(events.read({}, { after: 5 })).rejects.toMatchObject({
      code: 'CURSOR_EXPIRED',
      details: { reason: 'too_old', oldest: 7, oldestCursor: '6', head: 7 },
    })
    await expect(events.read({}, { after: 8 })).rejects.toMatchObject({
      code: 'CURSOR_EXPIRED',
      details: { reason: 'unknown_position' },
    })
    const expired = events.subscribe({}, { after: 0 })[Symbol.asyncIterator]().next()
    await expect(expired).rejects.toBeInstanceOf(JournalError)
    expect((await events.read()).data.map(({ seq }) => seq)).toEqual([7])
    expect((await events.read({}, { after: 6 })).data.map(({ seq }) => seq)).toEqual([7])
  })

  test('DAT-21: events of a clock that stood ahead are pruned with the old ones after them, and kept where none follows', async () => {
    await using t = await createTestDb({ dialect })
    const events = new EventLog(t.db, { audit: new AuditLog(t.db) })
    const start = t.clock.now()
    const publish = (atMs: number): Promise<void> => {
      t.clock.set(start + atMs)
      return t.db.write(async (tx) => events.defer(event('a'), { tx }))
    }
    const prune = (): Promise<number> => events.prune({ olderThan: t.clock.now() - DAY_MS })
    for (const at of [0, 365 * DAY_MS, 0, 365 * DAY_MS]) await publish(at)
    t.clock.set(start + 2 * DAY_MS)
    expect(await prune()).toBe(3)
    expect(await events.bounds()).toEqual({ oldest: 4, head: 4 })
    await publish(2 * DAY_MS)
    expect(await prune()).toBe(0)
    t.clock.set(start + 4 * DAY_MS)
    expect(await prune()).toBe(2)
  })

  test('DAT-09: the database refuses to change an event or to delete one that is kept', async () => {
    await using t = await createTestDb({ dialect })
    const events = new EventLog(t.db)
    await t.db.write(async (tx) => events.defer(event('a'), { tx }))
    await expect(t.rows("UPDATE events SET data = '{}' WHERE seq = 1")).rejects.toMatchObject({
      code: 'DATABASE_CONSTRAINT',
    })
    await expect(t.rows('DELETE FROM events WHERE seq = 1')).rejects.toMatchObject({ code: 'DATABASE_CONSTRAINT' })
  })

  test('what is wrong with an event is said when it is handed in', async () => {
    await using t = await createTestDb({ dialect })
    const events = new EventLog(t.db)
    const wrong = { type: 'agent.unknown', agentId: '', data: {}, dedupeKey: '' } as unknown as NewEvent
    await expect(t.db.write(async (tx) => events.defer(wrong, { tx }))).rejects.toMatchObject({
      details: { fields: { type: expect.any(String), agentId: expect.any(String), dedupeKey: expect.any(String) } },
    })
    const large = event('a', { data: { text: 'x'.repeat(16_384) } })
    await expect(t.db.write(async (tx) => events.defer(large, { tx }))).rejects.toMatchObject({
      code: 'ENTRY_TOO_LARGE',
    })
  })

  test('ACL-15 EVT-02 the owner that is asked for and told of is the present one', async () => {
    await using t = await createTestDb({ dialect })
    const events = new EventLog(t.db)
    const now = t.clock.now()
    for (const [agentId, owner] of [
      ['a', 'user-1'],
      ['b', 'user-2'],
      ['c', null],
    ]) {
      await t.rows(
        'INSERT INTO agent_budgets (agent_id, owner_id, allocated_micros, created_at, updated_at) VALUES (?, ?, 0, ?, ?)',
        agentId,
        owner,
        now,
        now,
      )
    }
    await t.db.write(async (tx) => {
      for (const agentId of ['a', 'b', 'c', 'unknown', 'a']) events.defer(event(agentId), { tx })
    })
    const stop = new AbortController()
    const feed = events.feed({ after: 0, signal: stop.signal })[Symbol.asyncIterator]()
    const ownersOf = (page: IteratorResult<OwnedPage>): unknown[] =>
      (page.value as OwnedPage).data.map(({ seq, agentId, ownerId }) => [seq, agentId, ownerId])
    const mine = async (ownerId: string): Promise<number[]> =>
      (await events.read({ ownerId })).data.map(({ seq }) => seq)
    expect(await mine('user-1')).toEqual([1, 5])
    expect(ownersOf(await feed.next())).toEqual([
      [1, 'a', 'user-1'],
      [2, 'b', 'user-2'],
      [3, 'c', null],
      [4, 'unknown', null],
      [5, 'a', 'user-1'],
    ])
    await t.rows("UPDATE agent_budgets SET owner_id = 'user-2' WHERE agent_id = 'a'")
    expect(await mine('user-1')).toEqual([])
    expect(await mine('user-2')).toEqual([1, 2, 5])
    const next = feed.next()
    await t.db.write((tx) => events.append(event('a'), { tx }))
    expect(ownersOf(await next)).toEqual([[6, 'a', 'user-2']])
    const last = feed.next()
    stop.abort()
    expect(await last).toEqual({ done: true, value: undefined })
  })
})
