/** Calls of a rare provider or model are found by the roll-ups; the pages are those of the whole log without the others. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createTestDb, enginesForTests, plansOf, type TestDb } from '@iron/database/testing'
import { type CallFilter, HOUR_MS, hourOf, RequestLog } from '@iron/journal'

/** More than are looked at one after the other, and so many hours. */
const CALLS = 3_000
const HOURS = 40
const STEP_MS = (HOURS * HOUR_MS) / CALLS
const LIMIT = 20
const KEPT_MS = 60 * 24 * HOUR_MS

interface Row {
  readonly id: string
  readonly provider: string | null
  readonly model: string
  readonly outcome: string | null
  readonly received_at: number
}

describe.each(await enginesForTests())('rare calls on %s', (dialect) => {
  let world: TestDb
  let calls: RequestLog
  let began: number

  beforeAll(async () => {
    world = await createTestDb({ dialect })
    calls = new RequestLog(world.db)
    began = hourOf(world.clock.now())
    await insert('req', CALLS, `${String(began)} + i / 2 * 2 * ${String(STEP_MS)}`)
    // The last two hours are not rolled up yet.
    world.clock.set(began + (HOURS - 2) * HOUR_MS)
    while ((await calls.rollUp()) > 0);
  })
  afterAll(async () => {
    await world.close()
  })

  /** Every hundredth call is of a rare provider, most of those of one model; in one hour all are. */
  async function insert(prefix: string, count: number, at: string): Promise<void> {
    const id = dialect === 'postgres' ? `'${prefix}_' || lpad(i::text, 6, '0')` : `printf('${prefix}_%06d', i)`
    const isRare = '(i % 100 = 3 OR i / 75 = 10)'
    await world.rows(`INSERT INTO requests
        (id, source, subject_id, provider, model, outcome, total_tokens, cost_micros, pricing, billed, at, received_at)
      WITH RECURSIVE n(i) AS (SELECT CAST(0 AS bigint) UNION ALL SELECT i + 1 FROM n WHERE i < ${String(count - 1)})
      SELECT ${id}, 'api_token', 'tok_' || (i * 7919 % 11),
        CASE WHEN ${isRare} THEN 'rare' WHEN i % 7 = 0 THEN NULL ELSE 'frequent' END,
        CASE WHEN ${isRare} AND i % 3 <> 0 THEN 'small' ELSE 'large' END,
        CASE WHEN i % 5 = 0 THEN 'failed' WHEN i % 2 = 0 THEN 'completed' END, 1, 1, 'reported', 0, ${at}, ${at} FROM n`)
  }

  const FILTERS: readonly CallFilter[] = [
    { provider: 'rare' },
    { model: 'small' },
    { provider: 'rare', model: 'large', outcome: 'failed' },
    { provider: 'frequent' },
    { provider: 'nobody' },
    { provider: '' },
  ]
  const timesOf = (): readonly Pick<CallFilter, 'from' | 'to'>[] => [
    {},
    { from: began + 5.5 * HOUR_MS },
    { to: began + 35.5 * HOUR_MS },
    { from: began + 10.25 * HOUR_MS, to: began + 10.75 * HOUR_MS },
    { from: began + 20 * HOUR_MS, to: began + 39.5 * HOUR_MS },
  ]

  async function isWhole(): Promise<void> {
    const all = await world.rows<Row>('SELECT id, provider, model, outcome, received_at FROM requests')
    const inOrder = all.toSorted((one, other) => one.received_at - other.received_at || (one.id < other.id ? -1 : 1))
    for (const filter of FILTERS.flatMap((kind) => timesOf().map((times) => ({ ...kind, ...times })))) {
      const wanted = inOrder.flatMap((row) => {
        const fits =
          (filter.provider === undefined || row.provider === filter.provider) &&
          (filter.model === undefined || row.model === filter.model) &&
          (filter.outcome === undefined || (row.outcome ?? 'completed') === filter.outcome) &&
          row.received_at >= (filter.from ?? 0) &&
          row.received_at < (filter.to ?? Infinity)
        return fits ? [row.id] : []
      })
      for (const order of ['asc', 'desc'] as const) {
        const seen: string[] = []
        const limit = filter.provider === 'frequent' ? 1_000 : LIMIT
        for (let after: string | undefined; ;) {
          const page = await calls.list(filter, { after, order, limit })
          seen.push(...page.data.map(({ id }) => id))
          if (page.nextCursor === null) break
          after = page.nextCursor
        }
        expect([filter, order, seen]).toEqual([filter, order, order === 'asc' ? wanted : wanted.toReversed()])
      }
    }
  }

  test('every page, from both ends', isWhole, 60_000)

  test('the page looks at the hours that have such calls', async () => {
    const plans = await plansOf(world.db, (tx) => calls.list({ provider: 'rare' }, { tx, limit: LIMIT }))
    const page = plans.filter(({ sql }) => sql.includes('cell')).map(({ plan }) => plan)
    // Of so few roll-ups PostgreSQL may read the primary key just as well.
    expect(page.join('\n')).toMatch(/request_rollups_provider|Index Only Scan using request_rollups_pkey/)
    expect(page.join('\n')).toMatch(/requests_(subject_time|key)/)
  })

  test('calls that came to an hour later are there, and so are those of an hour that was pruned in part', async () => {
    const late = began + 3 * HOUR_MS
    await insert('late', 40, `${String(late)} + i`)
    await world.rows('INSERT INTO meta (key, value) VALUES (?, ?)', `rollup.dirty.${String(late)}`, String(late))
    await isWhole()
    while ((await calls.rollUp()) > 0);
    await isWhole()
    world.clock.set(began + 3 * HOUR_MS + KEPT_MS)
    await calls.prune({ olderThan: began + 3 * HOUR_MS, limit: 200 })
    expect(await world.scalar('SELECT min(received_at) FROM requests')).toBeGreaterThan(began + HOUR_MS)
    await isWhole()
  }, 120_000)
})
