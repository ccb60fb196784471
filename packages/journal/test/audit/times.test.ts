/** Entries of a time are found by halving the log, and are all there however far the clocks of those who write are apart. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { verifyKeptSums } from '@iron/database'
import { createTestDb, enginesForTests, plansOf, seededRandom, type TestDb } from '@iron/database/testing'
import { AuditLog } from '@iron/journal'

const ENTRIES = 300
const STEP_MS = 1_000
const BEGAN_AT = 1_000_000
/** How far apart the clocks are: the second process is behind. */
const APART_MS = 20_000

describe.each(await enginesForTests())('entries of a time on %s', (dialect) => {
  let world: TestDb
  let audit: AuditLog
  /** By number, from 1. */
  const times: number[] = []

  beforeAll(async () => {
    world = await createTestDb({ dialect })
    const random = seededRandom(7)
    const now = { at: 0 }
    audit = new AuditLog(world.db, { clock: { now: () => now.at } })
    for (let n = 0; n < ENTRIES; n += 1) {
      now.at = BEGAN_AT + n * STEP_MS - (random() < 0.3 ? Math.floor(random() * APART_MS) : 0)
      times.push(now.at)
      const entry = { operation: 'X', resourceType: 'r', actor: { type: 'system', id: 'system:test' } } as const
      await world.db.write((tx) => audit.append(entry, { tx }))
    }
  })
  afterAll(async () => {
    await world.close()
  })

  const read = async (filter: { from?: number; to?: number }, order: 'asc' | 'desc'): Promise<number[]> => {
    const seen: number[] = []
    for (let after: string | undefined; ;) {
      const page = await audit.list(filter, { after, order, limit: 7 })
      seen.push(...page.data.map(({ seq }) => seq))
      if (page.nextCursor === null) return seen
      after = page.nextCursor
    }
  }

  test('what is asked for is what the times say', async () => {
    const random = seededRandom(11)
    const anyTime = (): number => BEGAN_AT - APART_MS + Math.floor(random() * (ENTRIES * STEP_MS + 3 * APART_MS))
    const ends = [undefined, 0, BEGAN_AT + 10 * ENTRIES * STEP_MS, ...times.slice(0, 3)]
    for (let round = 0; round < 60; round += 1) {
      const [from, to] = round < ends.length ? [ends[round], ends[ends.length - 1 - round]] : [anyTime(), anyTime()]
      const order = round % 2 === 0 ? 'asc' : 'desc'
      const numbers = times.flatMap((at, index) => (at >= (from ?? 0) && at < (to ?? Infinity) ? [index + 1] : []))
      expect([from, to, await read({ from, to }, order)]).toEqual([
        from,
        to,
        order === 'asc' ? numbers : numbers.toReversed(),
      ])
    }
  }, 60_000)

  test('how late the latest entry was is kept, and computed anew', async () => {
    const newest = times.map((_, index) => Math.max(...times.slice(0, index + 1)))
    const late = Math.max(...times.map((at, index) => (newest[index] ?? 0) - at))
    const [head] = await world.rows("SELECT newest_at, late_ms FROM log_heads WHERE name = 'audit'")
    expect(head).toEqual({ newest_at: Math.max(...times), late_ms: late })
    expect(late).toBeGreaterThan(STEP_MS)
    expect(await verifyKeptSums(world.db)).toEqual([])
  })

  test('a page looks at no entry of another time', async () => {
    const [from, to] = [BEGAN_AT + 100 * STEP_MS, BEGAN_AT + 110 * STEP_MS]
    const plans = await plansOf(world.db, (tx) => audit.list({ from, to }, { tx }))
    const page = plans.at(-1)?.plan ?? ''
    const bounds =
      dialect === 'sqlite' ? 'rowid>? AND rowid<?' : "Index Cond: ((seq > '83'::bigint) AND (seq < '130'::bigint))"
    expect(page).toContain(bounds)
  })
})
