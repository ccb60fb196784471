/** Pages of some agents' events are those of the whole log without the others, however much of it the index of agents has. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { lastIndexedEvent, verifyKeptSums } from '@iron/database'
import { createTestDb, enginesForTests, seededRandom, type TestDb } from '@iron/database/testing'
import { AuditLog, type EventFilter, EventLog, type EventPage, type IronEvent } from '@iron/journal'

const DAY_MS = 24 * 3_600_000
/** Some owned by one user, some by another, one by nobody; the last never has an event. */
const AGENTS = ['a', 'b', 'c', 'd', 'e', 'f', 'silent']
const OWNERS: Readonly<Record<string, string | null>> = { a: 'x', b: 'x', c: 'y', d: 'y', e: 'y', f: null, silent: 'x' }
const TYPES = ['agent.started', 'agent.stopped'] as const

describe.each(await enginesForTests())('events of agents on %s', (dialect) => {
  let t: TestDb
  let log: EventLog

  beforeEach(async () => {
    t = await createTestDb({ dialect })
    log = new EventLog(t.db)
    for (const agent of AGENTS) {
      const columns = 'agent_id, owner_id, allocated_micros, created_at, updated_at'
      await t.rows(`INSERT INTO agent_budgets (${columns}) VALUES (?, ?, 0, 1, 1)`, agent, OWNERS[agent] ?? null)
    }
  })
  afterEach(async () => t[Symbol.asyncDispose]())

  /** Events of a transaction each, as many as are given; agents and types from `pick`. */
  async function append(sizes: readonly number[], pick: <T>(from: readonly T[]) => T): Promise<void> {
    for (const size of sizes) {
      await t.db.write(async (tx) => {
        for (let index = 0; index < size; index += 1) {
          const agentId = pick(AGENTS.slice(0, -1))
          log.defer({ type: pick(TYPES), agentId, data: { previous_state: 'idle', reason: null } }, { tx })
        }
      })
    }
  }

  /** Every kept event, read along the log. */
  async function everything(): Promise<IronEvent[]> {
    const all: IronEvent[] = []
    for (let page = await log.read(); page.data.length > 0; page = await log.read({}, { after: page.nextCursor }))
      all.push(...page.data)
    return all
  }

  async function isIndexed(): Promise<void> {
    expect(await verifyKeptSums(t.db)).toEqual([])
    const { oldest, head } = await log.bounds()
    const entries = await t.scalar<number>('SELECT count(*) FROM agent_events')
    expect(entries).toBe(Math.max(0, lastIndexedEvent(head) - oldest + 1))
  }

  test.each([1, 2, 3])('are those of the whole log, page by page (seed %i)', async (seed) => {
    const random = seededRandom(seed)
    const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
    const upTo = (most: number): number => Math.floor(random() * most)
    const some = <T>(from: readonly T[]): readonly T[] => from.filter(() => random() < 0.4)
    for (const round of [1, 2, 3, 4]) {
      const head = (await log.bounds()).head
      // To the multiple itself, just beyond it, over two of them at once, and to anywhere.
      const missing = 1_024 - (head % 1_024)
      const ends = [[missing], [missing - 1, 1, 1], [missing + 1_024], [upTo(700), upTo(700), upTo(700)]]
      await append(ends[(round + seed) % ends.length] ?? [], pick)
      if (round === 3) {
        t.clock.advance(3 * DAY_MS)
        await new EventLog(t.db).prune({ olderThan: t.clock.now() - 2 * DAY_MS, limit: 300 + upTo(1_500) })
      }
      await isIndexed()
      const all = await everything()
      const { oldest, head: last } = await log.bounds()
      for (let question = 0; question < 25; question += 1) {
        const filter: EventFilter = {
          ...(random() < 0.6
            ? { agentIds: random() < 0.5 ? [pick(AGENTS)] : some(AGENTS) }
            : { ownerId: pick(['x', 'y', 'z']) }),
          ...(random() < 0.3 ? { types: some(TYPES) } : {}),
        }
        const order = pick(['asc', 'desc'] as const)
        const after = random() < 0.3 ? undefined : oldest - 1 + upTo(last - oldest + 2)
        const limit = pick([1, 7, 256, 1_000])
        const wanted = all.filter(
          ({ seq, type, agentId }) =>
            (after === undefined || (order === 'asc' ? seq > after : seq < after)) &&
            (filter.types?.includes(type) ?? true) &&
            (filter.agentIds?.includes(agentId) ?? true) &&
            (filter.ownerId === undefined || OWNERS[agentId] === filter.ownerId),
        )
        if (order === 'desc') wanted.reverse()
        const page: EventPage = await log.read(filter, { after, limit, order })
        expect({ filter, order, after, data: page.data }).toEqual({
          filter,
          order,
          after,
          data: wanted.slice(0, limit),
        })
      }
    }
  })

  test('of an agent that is named twice are found once, and of an owner only those of agents that are named', async () => {
    await append([1_100], (from) => from[0] as never)
    await append([2], (from) => from[1] as never)
    const numbers = async (filter: EventFilter): Promise<number[]> =>
      (await log.read(filter, { after: 1_020 })).data.map(({ seq }) => seq)
    const ofA = Array.from({ length: 80 }, (_, index) => 1_021 + index)
    expect(await numbers({ agentIds: ['a', 'a'] })).toEqual(ofA)
    expect(await numbers({ agentIds: ['a', 'b', 'a'] })).toEqual([...ofA, 1_101, 1_102])
    expect(await numbers({ agentIds: ['a', 'c'], ownerId: 'x' })).toEqual(ofA)
    expect(await numbers({ agentIds: ['a', 'c'], ownerId: 'y' })).toEqual([])
  })

  test('are pruned with their entries, and what is missing or too much is found', async () => {
    await append([1_500], (from) => from[0] as never)
    t.clock.advance(3 * DAY_MS)
    await append([1], (from) => from[1] as never)
    expect(await log.prune({ olderThan: t.clock.now() - 2 * DAY_MS, limit: 1_000 })).toBe(1_000)
    await isIndexed()
    expect(await t.rows('SELECT * FROM agent_events ORDER BY seq')).toHaveLength(24)
    await t.rows('DELETE FROM agent_events WHERE seq = 1010')
    await t.rows("INSERT INTO agent_events (agent_id, seq) VALUES ('b', 1012)")
    const fault = { table: 'agent_events', what: 'events', kept: null, computed: null }
    expect(await verifyKeptSums(t.db)).toEqual([
      { ...fault, key: 'a' },
      { ...fault, key: 'b' },
    ])
    expect((await new AuditLog(t.db).verify()).ok).toBe(true)
  })
})
