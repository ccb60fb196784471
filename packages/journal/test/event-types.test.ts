/** Events of some types are read type by type; the pages are those of the whole log without the others. */
import { describe, expect, test } from '@jest/globals'
import { createTestDb, enginesForTests, plansOf, seededRandom } from '@iron/database/testing'
import { EventLog, type EventType } from '@iron/journal'

const EVENTS = 120
const TYPES = ['request.completed', 'request.failed', 'lease.granted', 'budget.changed', 'budget.exhausted'] as const
const ASKED: readonly (readonly string[])[] = [
  ['budget.*'],
  ['budget.changed'],
  ['budget.changed', 'budget.*', 'lease.granted'],
  ['request.*'],
  ['request.failed', 'budget.exhausted'],
  ['agent.*'],
]

describe.each(await enginesForTests())('events of some types on %s', (dialect) => {
  test('every page, from both ends', async () => {
    await using world = await createTestDb({ dialect })
    const events = new EventLog(world.db)
    const random = seededRandom(3)
    const types: EventType[] = []
    for (let n = 0; n < EVENTS; n += 1) {
      const type = TYPES[Math.floor(random() ** 2 * TYPES.length)] ?? 'lease.granted'
      types.push(type)
      await world.db.write((tx) => events.append({ type, agentId: `agent-${String(n % 3)}`, data: {} }, { tx }))
    }
    for (const asked of ASKED) {
      const fits = (type: string): boolean =>
        asked.some((name) => name === type || (name.endsWith('.*') && type.startsWith(name.slice(0, -1))))
      const wanted = types.flatMap((type, index) => (fits(type) ? [index + 1] : []))
      for (const order of ['asc', 'desc'] as const) {
        const seen: number[] = []
        for (let after: number | undefined; ;) {
          const page = await events.read({ types: asked }, { after, order, limit: 5 })
          seen.push(...page.data.map(({ seq }) => seq))
          if (page.data.length === 0) break
          after = page.nextCursor
        }
        expect([asked, order, seen]).toEqual([asked, order, order === 'asc' ? wanted : wanted.toReversed()])
      }
    }
    const plans = await plansOf(world.db, (tx) => events.read({ types: ['budget.*'] }, { tx }))
    expect(plans.map(({ plan }) => plan).filter((plan) => plan.includes('events_type'))).toHaveLength(3)
  })
})
