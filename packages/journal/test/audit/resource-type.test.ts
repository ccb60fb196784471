/** Entries of a resource type are read by its index, be they most of the log or few, and in the order of the log. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createTestDb, enginesForTests, plansOf, type TestDb } from '@iron/database/testing'
import { type AuditFilter, AuditLog } from '@iron/journal'

const ENTRIES = 5_200
const RARE_EVERY = 1_000

describe.each(await enginesForTests())('entries of a resource type on %s', (dialect) => {
  let world: TestDb
  let audit: AuditLog

  beforeAll(async () => {
    world = await createTestDb({ dialect })
    audit = new AuditLog(world.db)
    await world.db.write(async (tx) => {
      const run = (sql: string) => tx.execute({ sql, parameters: [] })
      if (dialect === 'postgres') await run('SET LOCAL session_replication_role = replica')
      else for (const name of ['audit_log_insert', 'audit_log_head']) await run(`DROP TRIGGER ${name}`)
      const id = dialect === 'postgres' ? "'aud_' || lpad(i::text, 6, '0')" : "printf('aud_%06d', i)"
      const hash = `'${'0'.repeat(64)}'`
      await run(`INSERT INTO audit_log (seq, id, at, actor_type, actor_id, operation, resource_type, resource_id, prev_hash, hash)
        WITH RECURSIVE n(i) AS (SELECT CAST(1 AS bigint) UNION ALL SELECT i + 1 FROM n WHERE i < ${String(ENTRIES)})
        SELECT i, ${id}, i, 'system', 's', 'X', CASE WHEN i % ${String(RARE_EVERY)} = 0 THEN 'rare' ELSE 'common' END,
          'r' || (i * 7919 % 997), ${hash}, ${hash} FROM n`)
    })
  }, 30_000)
  afterAll(async () => {
    await world.close()
  })

  test.each(['asc', 'desc'] as const)('pages %s follow the numbers', async (order) => {
    const seen: number[] = []
    for (let after: string | undefined; ;) {
      const page = await audit.list({ resourceType: 'common' }, { after, order, limit: 1_000 })
      seen.push(...page.data.map(({ seq }) => seq))
      if (page.nextCursor === null) break
      after = page.nextCursor
    }
    const all = Array.from({ length: ENTRIES }, (_, index) => index + 1).filter((seq) => seq % RARE_EVERY !== 0)
    expect(seen).toEqual(order === 'asc' ? all : all.toReversed())
    const rare = await audit.list({ resourceType: 'rare' }, { order })
    const rareOnes = [1_000, 2_000, 3_000, 4_000, 5_000]
    expect(rare.data.map(({ seq }) => seq)).toEqual(order === 'asc' ? rareOnes : rareOnes.toReversed())
  })

  test.each(['asc', 'desc'] as const)(
    'a resource is found without its type, and a range of times, %s',
    async (order) => {
      const numbers = async (filter: AuditFilter): Promise<number[]> =>
        (await audit.list(filter, { order, limit: 1_000 })).data.map(({ seq }) => seq)
      const all = Array.from({ length: ENTRIES }, (_, index) => index + 1)
      const inOrder = (some: readonly number[]): readonly number[] => (order === 'asc' ? some : some.toReversed())
      expect(await numbers({ resourceId: 'r5' })).toEqual(inOrder(all.filter((seq) => (seq * 7919) % 997 === 5)))
      expect(await numbers({ from: 3_990, to: 4_010 })).toEqual(inOrder(all.slice(3_989, 4_009)))
      expect(await numbers({ resourceType: 'rare', from: 3_000, to: 4_000 })).toEqual([3_000])
      expect((await numbers({ from: 100 })).at(0)).toBe(order === 'asc' ? 100 : ENTRIES)
      expect(await numbers({ resourceId: 'nobody' })).toEqual([])
    },
  )

  test('neither reads the whole log', async () => {
    const plansBy = async (filter: AuditFilter) =>
      (await plansOf(world.db, (tx) => audit.list(filter, { tx }))).map(({ plan }) => plan).join('\n')
    const sorted = /TEMP B-TREE|Sort/
    for (const resourceType of ['common', 'rare']) {
      const plan = await plansBy({ resourceType })
      expect(plan).not.toMatch(sorted)
      if (resourceType === 'rare' || dialect === 'sqlite') expect(plan).toMatch(/audit_log_type/)
    }
    if (dialect === 'sqlite') expect(await plansBy({ resourceId: 'r5' })).toMatch(/audit_log_resource/)
    for (const [filter, index] of [
      [{ actorId: 's' }, /PRIMARY KEY \(actor_id=\? AND seq>\? AND seq<\?\)/],
      [{ operation: 'X' }, /audit_log_operation/],
      [{ userId: 'nobody' }, /audit_log_user/],
    ] as const) {
      const plan = await plansBy({ resourceType: 'rare', ...filter })
      expect(plan).not.toMatch(/audit_log_type|audit_log_resource/)
      if (dialect === 'sqlite') expect(plan).toMatch(index)
    }
  })
})
