/** What a host can see of the load on its database. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel'
import { describe, expect, test } from '@jest/globals'
import {
  type CallMessage,
  CALLS_CHANNEL,
  type CommitMessage,
  COMMITS_CHANNEL,
  recheckSchema,
  verifySchema,
} from '../src/index.ts'
import { createTestDb, enginesForTests } from '../src/testing.ts'

/** Another first digit in what a migration recorded of the schema. */
const OTHER_HASH = `UPDATE schema_migrations
  SET schema_hash = CASE WHEN schema_hash LIKE 'f%' THEN '0' ELSE 'f' END || substr(schema_hash, 2)`

/** The sizes of the commits that happen during `work`, largest last. */
async function commitsDuring(work: () => Promise<unknown>): Promise<number[]> {
  const sizes: number[] = []
  const note = (message: unknown): void => void sizes.push((message as CommitMessage).writes)
  subscribe(COMMITS_CHANNEL, note)
  try {
    await work()
  } finally {
    unsubscribe(COMMITS_CHANNEL, note)
  }
  return sizes.sort((a, b) => a - b)
}

describe.each(await enginesForTests())('load on %s', (dialect) => {
  test('commits tell how many writes shared them; what was undone is in none', async () => {
    await using test = await createTestDb({ dialect })
    const put = (key: string): Promise<unknown> =>
      test.db.write((tx) => tx.sql.insertInto('meta').values({ key, value: '' }).execute(), { group: true })
    const sizes = await commitsDuring(async () => {
      await Promise.allSettled([put('a'), put('b'), put('a'), put('c')])
      await expect(test.db.write(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
    })
    expect(sizes).toEqual(dialect === 'sqlite' ? [3] : [1, 1, 1])
  })

  test('calls are told from their start to their end, in the context of who calls; what joins a transaction is none', async () => {
    await using test = await createTestDb({ dialect })
    const { db } = test
    const caller = new AsyncLocalStorage<string>()
    const told: string[] = []
    const channel = tracingChannel<CallMessage>(CALLS_CHANNEL)
    const nothing = (): void => undefined
    const watch = {
      start: ({ kind }: CallMessage) => void told.push(`${kind} of ${String(caller.getStore())}`),
      asyncEnd: ({ kind, error }: CallMessage) =>
        void told.push(`${kind} ${error instanceof Error ? error.message : 'done'}`),
      end: nothing,
      asyncStart: nothing,
      error: nothing,
    }
    channel.subscribe(watch)
    try {
      await caller.run('a', () => db.write((tx) => db.read(async () => undefined, { tx })))
      await caller.run('b', () => db.read(async () => undefined, { lookup: true }))
      await caller.run('c', () => db.read(async () => undefined))
      await caller.run('d', () => db.write(() => Promise.reject(new Error('no')))).catch(nothing)
    } finally {
      channel.unsubscribe(watch)
    }
    await db.read(async () => undefined)
    expect(told).toEqual([
      ...['write of a', 'write done', 'lookup of b', 'lookup done'],
      ...['read of c', 'read done', 'write of d', 'write no'],
    ])
  })

  test('CON-13 calls that wait for their turn are counted, and no longer than they wait', async () => {
    await using test = await createTestDb({ dialect })
    const { db } = test
    expect(db.waiting).toBe(0)
    const gate = Promise.withResolvers<undefined>()
    // More than the connections of a pool.
    const writes = Array.from({ length: 100 }, () => db.write(() => gate.promise))
    await new Promise((resolve) => setImmediate(resolve))
    expect(db.waiting).toBeGreaterThan(50)
    expect(db.waiting).toBeLessThan(100)
    gate.resolve(undefined)
    await Promise.all(writes)
    expect(db.waiting).toBe(0)
  })

  test('R8 a schema that changes while it is in use is found', async () => {
    await using test = await createTestDb({ dialect })
    await recheckSchema(test.db)
    await test.rows(`DROP TRIGGER audit_log_no_update${dialect === 'postgres' ? ' ON audit_log' : ''}`)
    await expect(recheckSchema(test.db)).rejects.toMatchObject({
      code: 'SCHEMA_MISMATCH',
      details: { reason: 'dirty', differences: [{ object: 'trigger audit_log_no_update' }] },
    })
  })

  test('R8 another spelling of the same schema is not another schema', async () => {
    await using test = await createTestDb({ dialect })
    await test.rows(OTHER_HASH)
    await recheckSchema(test.db)
  })

  test('DAT-07 a newer version that migrated meanwhile ends no running process, and what else changed is still found', async () => {
    await using test = await createTestDb({ dialect })
    await test.rows(`INSERT INTO schema_migrations (number, name, checksum, schema_hash, app_version, applied_at)
      SELECT number + 1, 'next', checksum, schema_hash, app_version, applied_at FROM schema_migrations
      ORDER BY number DESC LIMIT 1`)
    await recheckSchema(test.db)
    await expect(verifySchema(test.db)).rejects.toMatchObject({ details: { reason: 'newer' } })
    await test.rows(OTHER_HASH)
    await expect(recheckSchema(test.db)).rejects.toMatchObject({ code: 'SCHEMA_MISMATCH' })
  })
})
