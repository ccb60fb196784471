import { describe, expect, test } from '@jest/globals'
import { commitBeforeRefusing, DatabaseError, type DeferredQueue, type WriteTx } from '../src/index.ts'
import { createTestDb, enginesForTests } from '../src/testing.ts'

const set = (tx: WriteTx, key: string, value: string): Promise<unknown> =>
  tx.sql
    .insertInto('meta')
    .values({ key, value })
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ value }))
    .execute()

describe.each(await enginesForTests())('write on %s', (dialect) => {
  test('commits what resolved and undoes what threw', async () => {
    await using test = await createTestDb({ dialect })
    await test.db.write((tx) => set(tx, 'kept', 'yes'))
    const failure = test.db.write(async (tx) => {
      await set(tx, 'lost', 'yes')
      throw new Error('no')
    })
    await expect(failure).rejects.toThrow('no')
    expect(await test.rows('SELECT key FROM meta ORDER BY key')).toEqual([{ key: 'kept' }])
  })

  test('a transaction of another database is refused, by the handle and by its services', async () => {
    await using one = await createTestDb({ dialect })
    await using other = await createTestDb({ dialect })
    const refused = { code: 'TRANSACTION_CLOSED' }
    const reads = { tx: await one.db.read(async (tx) => tx) }
    await one.db.write(async (tx) => {
      await expect(other.db.write((inner) => set(inner, 'k', 'v'), { tx })).rejects.toMatchObject(refused)
      await expect(other.db.read(async () => 'read', { tx })).rejects.toMatchObject(refused)
      await tx.savepoint((inner) => one.db.write((same) => set(same, 'own', 'v'), { tx: inner }))
    })
    await expect(other.db.read(async () => 'read', reads)).rejects.toMatchObject(refused)
    await expect(
      commitBeforeRefusing(
        other.db,
        () => false,
        async () => 1,
        { tx: reads.tx as WriteTx },
      ),
    ).rejects.toMatchObject(refused)
    expect(await one.rows('SELECT key FROM meta')).toEqual([{ key: 'own' }])
    expect(await other.rows('SELECT key FROM meta')).toEqual([])
  })

  test('a transaction that has ended is refused before anything is done in it', async () => {
    await using test = await createTestDb({ dialect })
    const ended = { code: 'TRANSACTION_CLOSED' }
    const write = await test.db.write(async (tx) => tx)
    const read = await test.db.read(async (tx) => tx)
    const done: string[] = []
    const work = async (): Promise<void> => void done.push('done')
    await expect(test.db.write(work, { tx: write })).rejects.toMatchObject(ended)
    await expect(test.db.read(work, { tx: write })).rejects.toMatchObject(ended)
    await expect(test.db.read(work, { tx: read })).rejects.toMatchObject(ended)
    await expect(commitBeforeRefusing(test.db, () => false, work, { tx: write })).rejects.toMatchObject(ended)
    expect(done).toEqual([])
  })

  test('CON-16 a failing job of a group undoes only itself', async () => {
    await using test = await createTestDb({ dialect })
    const jobs = Array.from({ length: 40 }, (_, index) =>
      test.db.write(
        async (tx) => {
          await set(tx, `job-${String(index)}`, 'done')
          if (index % 4 === 0) throw new Error(`job ${String(index)}`)
          return index
        },
        { group: true },
      ),
    )
    const settled = await Promise.allSettled(jobs)
    expect(settled.filter(({ status }) => status === 'rejected')).toHaveLength(10)
    expect(await test.scalar<number>('SELECT count(*) FROM meta')).toBe(30)
  })

  test('a savepoint undoes only what it did, with its deferred rows and wake-ups', async () => {
    await using test = await createTestDb({ dialect })
    const flushed: string[][] = []
    const queue: DeferredQueue<string> = {
      order: 1,
      flush: async (tx, items) => {
        flushed.push([...items])
        await set(tx, 'flushed', items.join())
      },
    }
    const woken: string[] = []
    await test.db.write(async (tx) => {
      tx.defer(queue, 'outer')
      await set(tx, 'outer', '1')
      await tx
        .savepoint(async (inner) => {
          inner.defer(queue, 'undone')
          inner.afterCommit(() => woken.push('undone'))
          await set(inner, 'inner', '1')
          throw new Error('undo')
        })
        .catch(() => undefined)
      await tx.savepoint(async (inner) => {
        inner.defer(queue, 'second')
        inner.afterCommit(() => woken.push('second'))
      })
      expect(flushed).toEqual([])
    })
    expect(flushed).toEqual([['outer', 'second']])
    expect(woken).toEqual(['second'])
    expect(await test.rows('SELECT key, value FROM meta ORDER BY key')).toEqual([
      { key: 'flushed', value: 'outer,second' },
      { key: 'outer', value: '1' },
    ])
  })

  test('CON-14 a write or read inside a write, without its tx, fails at once', async () => {
    await using test = await createTestDb({ dialect })
    await test.db.write(async (tx) => {
      await expect(test.db.write(async () => 1)).rejects.toMatchObject({ code: 'NESTED_WRITE' })
      await expect(test.db.read(async () => 1)).rejects.toMatchObject({ code: 'NESTED_WRITE' })
      expect(await test.db.write(async () => 'joined', { tx })).toBe('joined')
    })
  })

  test('a finished transaction refuses every use', async () => {
    await using test = await createTestDb({ dialect })
    const kept: WriteTx[] = []
    await test.db.write(async (tx) => kept.push(tx))
    expect(() => kept[0]!.sql).toThrow(DatabaseError)
    expect(() => kept[0]!.afterCommit(() => undefined)).toThrow('this transaction has ended')
  })

  test('work that hangs is rolled back in time and holds nobody up', async () => {
    await using test = await createTestDb({ dialect })
    const hanging = test.db.write(() => new Promise(() => undefined), { timeoutMs: 50 })
    const next = test.db.write((tx) => set(tx, 'next', '1'))
    await expect(hanging).rejects.toMatchObject({ code: 'WRITE_TIMEOUT', retryable: true })
    await next
    expect(await test.scalar('SELECT value FROM meta')).toBe('1')
  })

  test('CON-15 after-commit work runs once, after the commit, and its failure is only reported', async () => {
    await using test = await createTestDb({ dialect })
    const seen: unknown[] = []
    await test.db.write(async (tx) => {
      tx.afterCommit(() => seen.push('after'))
      seen.push('work')
    })
    await expect(
      test.db.write(async (tx) => {
        tx.afterCommit(() => seen.push('never'))
        throw new Error('no')
      }),
    ).rejects.toThrow()
    expect(seen).toEqual(['work', 'after'])
  })

  test('CON-28 a refusal commits what happened before it, then throws', async () => {
    await using test = await createTestDb({ dialect })
    const refused = commitBeforeRefusing(
      test.db,
      (error) => error instanceof DatabaseError,
      async (tx) => {
        await set(tx, 'before', '1')
        throw new DatabaseError('VALIDATION_ERROR', 'refused')
      },
      { group: true },
    )
    await expect(refused).rejects.toThrow('refused')
    expect(await test.scalar('SELECT count(*) FROM meta')).toBe(1)
  })

  test('listeners wake after the commit, and not for what was undone', async () => {
    await using test = await createTestDb({ dialect })
    const woken: string[] = []
    const first = Promise.withResolvers<undefined>()
    const stop = await test.db.listen('iron_test', (payload) => {
      woken.push(payload)
      first.resolve(undefined)
    })
    await expect(
      test.db.write(async (tx) => {
        tx.notify('iron_test', 'undone')
        throw new Error('no')
      }),
    ).rejects.toThrow()
    await test.db.write(async (tx) => {
      tx.notify('iron_test', 'done')
      tx.notify('iron_test', 'done')
    })
    await first.promise
    await stop()
    expect(woken).toEqual(['done'])
  })

  test('MON-01 DAT-15 a constraint of the database is a typed error that names it', async () => {
    await using test = await createTestDb({ dialect })
    const insert = (): Promise<unknown> =>
      test.db.write((tx) => tx.sql.insertInto('meta').values({ key: 'k', value: 'v' }).execute())
    await insert()
    await expect(insert()).rejects.toMatchObject({ code: 'DATABASE_CONSTRAINT' })
  })

  test('DAT-17 an integer beyond 2^53 is an error, not a rounded number', async () => {
    await using test = await createTestDb({ dialect })
    await expect(test.scalar('SELECT CAST(9007199254740993 AS BIGINT) AS big')).rejects.toMatchObject({
      code: 'UNSAFE_INTEGER',
    })
    expect(await test.scalar('SELECT CAST(9007199254740991 AS BIGINT) AS big')).toBe(Number.MAX_SAFE_INTEGER)
  })

  test('CON-12 CON-13 a thousand waiting writers end without an error and lose nothing', async () => {
    await using test = await createTestDb({ dialect })
    await test.db.write((tx) => set(tx, 'count', '0'))
    const increment = (): Promise<void> =>
      test.db.write(async (tx) => {
        await tx.lock('count')
        const { value } = await tx.sql
          .selectFrom('meta')
          .select('value')
          .where('key', '=', 'count')
          .executeTakeFirstOrThrow()
        await set(tx, 'count', String(Number(value) + 1))
      })
    await Promise.all(Array.from({ length: 1_000 }, increment))
    expect(await test.scalar('SELECT value FROM meta')).toBe('1000')
  })

  test('a closed database says so', async () => {
    const test = await createTestDb({ dialect })
    await test.close()
    await expect(test.db.write(async () => 1)).rejects.toMatchObject({ code: 'DATABASE_CLOSED' })
    await expect(test.db.read(async () => 1)).rejects.toMatchObject({ code: 'DATABASE_CLOSED' })
    await expect(test.db.ping()).rejects.toMatchObject({ code: 'DATABASE_CLOSED' })
  })
})
