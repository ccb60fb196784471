/** DAT-12: entries chained with another key than the log's own would break its chain for ever. */
import { describe, expect, test } from '@jest/globals'
import { openDatabase } from '@iron/database'
import { createTestDb, enginesForTests, type TestDb } from '@iron/database/testing'
import { AuditLog } from '@iron/journal'

const KEYS = { none: undefined, first: Buffer.alloc(32, 7), second: Buffer.alloc(32, 8) } as const
const NAMES = ['none', 'first', 'second'] as const

/** A log as another process would open it: the key belongs to its handle. */
async function withLog<T>(t: TestDb, key: keyof typeof KEYS, work: (audit: AuditLog) => Promise<T>): Promise<T> {
  await using db = await openDatabase(t.db.url, { migrations: 'verify', clock: t.clock })
  return await work(new AuditLog(db, { hmacKey: KEYS[key] }))
}

const append = (audit: AuditLog, db: TestDb['db']): Promise<unknown> =>
  db.write((tx) => audit.append({ operation: 'A', resourceType: 'x', actor: 'u' }, { tx }))
const mark = (t: TestDb): Promise<unknown> => t.scalar("SELECT value FROM meta WHERE key = 'audit.key'")
const mismatch = (begunWith: string): unknown =>
  expect.objectContaining({ code: 'AUDIT_KEY_MISMATCH', details: { begunWith } })

describe.each(await enginesForTests())('DAT-12 the key a log was begun with on %s', (dialect) => {
  describe.each(NAMES)('%s', (begun) => {
    const others = NAMES.filter((name) => name !== begun)
    const begunWith = begun === 'none' ? 'no key' : 'another key'

    test('is noted on an empty log and refuses every other', async () => {
      await using t = await createTestDb({ dialect, storage: 'file' })
      await withLog(t, begun, (audit) => audit.confirmKey())
      for (const other of others) {
        await expect(withLog(t, other, (audit) => audit.confirmKey())).rejects.toEqual(mismatch(begunWith))
      }
      await withLog(t, begun, async (audit) => {
        await audit.confirmKey()
        await append(audit, t.db)
        expect(await audit.verify()).toMatchObject({ ok: true })
      })
      expect(await mark(t)).toMatch(begun === 'none' ? /^none$/ : /^[0-9a-f]{32}$/)
    })

    test('of a log without a note is told by the last entry, and noted only then', async () => {
      await using t = await createTestDb({ dialect, storage: 'file' })
      await withLog(t, begun, async (audit) => {
        await append(audit, t.db)
        await append(audit, t.db)
      })
      for (const other of others) {
        await expect(withLog(t, other, (audit) => audit.confirmKey())).rejects.toEqual(mismatch(begunWith))
        expect(await mark(t)).toBeUndefined()
      }
      await withLog(t, begun, (audit) => audit.confirmKey())
      expect(await mark(t)).toBeDefined()
    })
  })

  test('of two that begin it at once with different keys, one is refused', async () => {
    await using t = await createTestDb({ dialect, storage: 'file' })
    const outcomes = await Promise.allSettled(
      (['first', 'second'] as const).map((key) => withLog(t, key, (audit) => audit.confirmKey())),
    )
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({ reason: mismatch('another key') })
  })

  test('is not noted while the last entry is gone', async () => {
    await using t = await createTestDb({ dialect, storage: 'file' })
    await t.rows("UPDATE log_heads SET head_seq = 1, head_hash = ? WHERE name = 'audit'", 'a'.repeat(64))
    await expect(withLog(t, 'first', (audit) => audit.confirmKey())).rejects.toEqual(mismatch('another key'))
    expect(await mark(t)).toBeUndefined()
  })

  test('its mark tells nothing of the key', async () => {
    await using t = await createTestDb({ dialect })
    await new AuditLog(t.db, { hmacKey: KEYS.first }).confirmKey()
    expect(String(await mark(t))).not.toContain(KEYS.first.toString('hex').slice(0, 16))
  })
})
