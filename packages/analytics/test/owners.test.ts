/**
 * Pages of the logs of one owner: those of an owner of many agents are found along the log, or, where they lie far back in it, gathered
 * like those of an owner of few. Either way they are the whole log without the rows of others.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type AtTx, type Cursor, type CursorPage, recomputeKeptSums } from '@iron/database'
import { enginesForTests, recordStatements } from '@iron/database/testing'
import { EventLog, OWNER_WALK_MAX, ownsMany, RequestLog } from '@iron/journal'
import { TraceLog } from '../src/index.ts'
import { openWorld, type World } from './world.ts'

/** Of each of two owners, and as many that are nobody's or of an owner of few. */
const AGENTS = 1_100
/** More than is looked at row by row, so that the oldest rows are beyond it. */
const ROWS = OWNER_WALK_MAX * 2.5
/** Rows from which on the agents of `idle` did nothing any more. */
const IDLE_FROM = 1_500
const LIMIT = 400
const OWNERS = ['busy', 'idle', 'small', 'nobody'] as const
type Owner = (typeof OWNERS)[number]

/** Whose agent row number `i` is of. */
function ownerOf(i: number): Owner {
  const agent = agentOf(i)
  if (agent % 3 === 0) return 'busy'
  if (agent % 3 === 1) return 'idle'
  return agent < 60 ? 'small' : 'nobody'
}

function agentOf(i: number): number {
  const agent = (i * 7919) % (AGENTS * 3)
  return agent % 3 === 1 && i >= IDLE_FROM ? agent - 1 : agent
}

describe.each(await enginesForTests())('the logs of one owner on %s', (dialect) => {
  let world: World

  beforeAll(async () => {
    world = await openWorld({ dialect })
    const { db } = world.test
    for (const owner of OWNERS) await world.user(owner)
    const numbers = (count: number): string =>
      `(WITH RECURSIVE n(i) AS (SELECT CAST(0 AS bigint) UNION ALL SELECT i + 1 FROM n WHERE i < ${String(count - 1)}) SELECT i FROM n) AS n`
    const number = (text: string): string =>
      dialect === 'postgres' ? `lpad((${text})::text, 6, '0')` : `printf('%06d', ${text})`
    const agent = `(i * 7919 % ${String(AGENTS * 3)})`
    const agentId = `'agent_' || ${number(`CASE WHEN ${agent} % 3 = 1 AND i >= ${String(IDLE_FROM)} THEN ${agent} - 1 ELSE ${agent} END`)}`
    await db.write(async (tx) => {
      const run = (sql: string) => tx.execute({ sql, parameters: [] })
      if (dialect === 'postgres') await run('SET LOCAL session_replication_role = replica')
      else {
        const { rows } = await tx.execute<{ name: string }>({
          sql: "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name IN ('events', 'requests')",
          parameters: [],
        })
        for (const { name } of rows) await run(`DROP TRIGGER ${name}`)
      }
      await run(`INSERT INTO agent_budgets (agent_id, owner_id, created_at, updated_at)
        SELECT 'agent_' || ${number('i')}, CASE WHEN i % 3 = 0 THEN 'busy' WHEN i % 3 = 1 THEN 'idle' WHEN i < 60 THEN 'small' END, 0, 0
        FROM ${numbers(AGENTS * 3)}`)
      await run(`INSERT INTO api_tokens (id, owner_id, name, created_at)
        SELECT 'tok_' || i, CASE WHEN i % 2 = 0 THEN 'busy' ELSE 'small' END, 't', 0 FROM ${numbers(10)}`)
      await run(`INSERT INTO events (seq, id, at, type, agent_id, data)
        SELECT i + 1, 'evt_' || ${number('i')}, i, 'agent.started', ${agentId}, '{}' FROM ${numbers(ROWS)}`)
      await run(`UPDATE log_heads SET head_seq = ${String(ROWS)} WHERE name = 'events'`)
      await run(`INSERT INTO requests
          (id, source, subject_id, provider, outcome, total_tokens, cost_micros, pricing, billed, at, received_at)
        SELECT 'req_' || ${number('i')}, CASE WHEN i % 50 = 7 THEN 'api_token' ELSE 'agent' END,
          CASE WHEN i % 50 = 7 THEN 'tok_' || (i / 50 % 10) ELSE ${agentId} END,
          'openai', CASE WHEN i % 5 = 0 THEN 'failed' END, 1, 1, 'reported', 0, i / 3, i / 3 FROM ${numbers(ROWS)}`)
      await run(`INSERT INTO spans (trace_id, span_id, agent_id, name, status, started_at, received_at)
        SELECT 'trace_' || ${number('i / 2')}, 'span_' || (i % 2), ${agentId.replaceAll('i ', '(i / 2) ')}, 'call', 'ok', i / 6, i / 6
        FROM ${numbers(ROWS)}`)
    })
    await recomputeKeptSums(db)
  }, 60_000)
  afterAll(async () => {
    await world[Symbol.asyncDispose]()
  })

  const numbersTo = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index)

  /** Every page of a list, one after the other. */
  async function readAll(
    order: 'asc' | 'desc',
    list: (cursor: Cursor) => Promise<CursorPage<{ readonly id: string }>>,
  ): Promise<string[]> {
    const seen: string[] = []
    for (let after: string | undefined; ;) {
      const page = await list({ limit: LIMIT, order, after })
      seen.push(...page.data.map(({ id }) => id))
      if (page.nextCursor === null) return seen
      after = page.nextCursor
    }
  }

  const name = (prefix: string, i: number): string => `${prefix}_${String(i).padStart(6, '0')}`

  /** The logs by the name of a row, and whose row number `i` is. */
  function logs(ownerId: Owner) {
    const { db } = world.test
    const [events, calls, traces] = [new EventLog(db), new RequestLog(db), new TraceLog(db)]
    return [
      {
        log: 'events',
        expected: numbersTo(ROWS).flatMap((i) => (ownerOf(i) === ownerId ? [name('evt', i)] : [])),
        list: async ({ after, ...cursor }: Cursor & AtTx) => {
          const position = { ...cursor, after: after === undefined ? undefined : Number(after) }
          const page = await events.read({ ownerId }, position)
          return { data: page.data, nextCursor: page.data.length < LIMIT ? null : String(page.nextCursor) }
        },
      },
      {
        log: 'requests',
        expected: numbersTo(ROWS).flatMap((i) => (callerOf(i) === ownerId ? [name('req', i)] : [])),
        list: (cursor: Cursor & AtTx) => calls.list({ ownerId }, cursor),
      },
      {
        log: 'failed requests',
        expected: numbersTo(ROWS).flatMap((i) => (i % 5 === 0 && callerOf(i) === ownerId ? [name('req', i)] : [])),
        list: (cursor: Cursor & AtTx) => calls.list({ ownerId, outcome: 'failed' }, cursor),
      },
      {
        log: 'traces',
        expected: numbersTo(ROWS / 2).flatMap((i) => (ownerOf(i) === ownerId ? [name('trace', i)] : [])),
        list: async (cursor: Cursor & AtTx) => {
          const { data, nextCursor } = await traces.list({ ownerId }, cursor)
          return { data: data.map(({ traceId: id }) => ({ id })), nextCursor }
        },
      },
    ]
  }

  function callerOf(i: number): Owner {
    if (i % 50 !== 7) return ownerOf(i)
    return Math.trunc(i / 50) % 2 === 0 ? 'busy' : 'small'
  }

  test.each(OWNERS)('%s: page by page, from either end', async (ownerId) => {
    expect(await world.test.db.read((tx) => ownsMany(tx, ownerId))).toBe(ownerId === 'busy' || ownerId === 'idle')
    for (const { log, expected, list } of logs(ownerId)) {
      const own = ownerId === 'nobody' ? [] : expected
      if (ownerId !== 'nobody') expect(own.length).toBeGreaterThan(10)
      expect([log, await readAll('asc', list)]).toEqual([log, own])
      expect([log, await readAll('desc', list)]).toEqual([log, own.toReversed()])
      for (const order of ['asc', 'desc'] as const) {
        const { data } = await list({ order, limit: 20 })
        const first = (order === 'asc' ? own : own.toReversed()).slice(0, 20)
        expect([log, data.map(({ id }) => id)]).toEqual([log, first])
      }
    }
  })

  test('the agents are gathered only where a page is not found along the log', async () => {
    for (const [ownerId, gathers] of [
      ['busy', false],
      ['idle', true],
      ['small', true],
    ] as const) {
      for (const { log, list } of logs(ownerId)) {
        const statements = await recordStatements(world.test.db, (tx) => list({ tx, order: 'desc', limit: 100 }))
        const gathered = statements.some(({ sql }) => /in \(select/i.test(sql))
        expect([ownerId, log, gathered]).toEqual([ownerId, log, gathers])
      }
    }
  })
})
