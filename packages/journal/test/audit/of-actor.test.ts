/** Pages of what an actor did are those of the whole log without the others, however much of it the index of actors has. */
import { describe, expect, test } from '@jest/globals'
import { lastIndexedAudit, verifyKeptSums } from '@iron/database'
import { createTestDb, enginesForTests, seededRandom } from '@iron/database/testing'
import { type AuditEntry, type AuditFilter, AuditLog } from '@iron/journal'

const ACTORS = ['a', 'b', 'c', 'silent']
const OPERATIONS = ['X', 'Y']
const TYPES = ['lease', 'agent']
const BEGAN_AT = 1_000_000
/** Pages that are read of an answer. */
const PAGES_MAX = 5

describe.each(await enginesForTests())('entries of an actor on %s', (dialect) => {
  test('are those of the whole log, page by page', async () => {
    await using t = await createTestDb({ dialect })
    const random = seededRandom(5)
    const upTo = (most: number): number => Math.floor(random() * most)
    const pick = <T>(from: readonly T[]): T => from[upTo(from.length)] as T
    const now = { at: BEGAN_AT }
    const audit = new AuditLog(t.db, { clock: { now: () => now.at } })
    const whole: AuditEntry[] = []
    // To just before a multiple, to it, beyond it, and over the next one.
    for (const ends of [1_023, 1_024, 1_030, 2_100]) {
      while (whole.length < ends) {
        const size = Math.min(ends - whole.length, 1 + upTo(400))
        await t.db.write(async (tx) => {
          for (let index = 0; index < size; index += 1) {
            now.at += upTo(20) - 5
            // One of the actors hardly ever does anything.
            const id = random() < 0.01 ? 'c' : pick(['a', 'b'])
            const entry = { operation: pick(OPERATIONS), resourceType: pick(TYPES), resourceId: pick(['1', '2']) }
            whole.push(await audit.append({ ...entry, actor: { type: 'system', id } }, { tx }))
          }
        })
      }
      expect(await verifyKeptSums(t.db)).toEqual([])
      expect(await t.scalar('SELECT count(*) FROM actor_entries')).toBe(lastIndexedAudit(ends))
      for (let question = 0; question < 40; question += 1) {
        const some = <T>(value: T): T | undefined => (random() < 0.25 ? value : undefined)
        const filter: AuditFilter = {
          actorId: pick(ACTORS),
          operation: some(pick(OPERATIONS)),
          resourceType: some(pick(TYPES)),
          resourceId: some(pick(['1', '2'])),
          from: some(BEGAN_AT + upTo(now.at - BEGAN_AT)),
          to: some(BEGAN_AT + upTo(now.at - BEGAN_AT)),
        }
        const order = pick(['asc', 'desc'] as const)
        const limit = pick([1, 9, 300, 1_000])
        const wanted = whole.filter(
          (entry) =>
            entry.actor.id === filter.actorId &&
            entry.operation === (filter.operation ?? entry.operation) &&
            entry.resourceType === (filter.resourceType ?? entry.resourceType) &&
            entry.resourceId === (filter.resourceId ?? entry.resourceId) &&
            entry.at >= (filter.from ?? -Infinity) &&
            entry.at < (filter.to ?? Infinity),
        )
        if (order === 'desc') wanted.reverse()
        const found: AuditEntry[] = []
        let after: string | undefined
        for (let page = 0; page < PAGES_MAX; page += 1) {
          const { data, nextCursor } = await audit.list(filter, { order, limit, after })
          found.push(...data)
          if (nextCursor === null) break
          after = nextCursor
        }
        expect({ filter, order, found }).toEqual({ filter, order, found: wanted.slice(0, found.length) })
        expect(found.length).toBe(Math.min(wanted.length, limit * PAGES_MAX))
      }
    }
    await t.rows(`DELETE FROM actor_entries WHERE seq = 7`)
    expect(await verifyKeptSums(t.db)).toEqual([
      { table: 'actor_entries', key: whole[6]?.actor.id, what: 'entries', kept: null, computed: null },
    ])
  }, 60_000)
})
