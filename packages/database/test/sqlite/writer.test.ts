import { expect, test } from '@jest/globals'
import type { DeferredQueue, WriteGroup, WriteTx } from '../../src/index.ts'
import { createTestDb } from '../../src/testing.ts'
import { GROUP_MS_MAX } from '../../src/sqlite/writer.ts'

const group = (key: string, decidesOn?: string): WriteGroup => ({ key, lock: async () => [], decidesOn })

const set = (tx: WriteTx, key: string, value: string): Promise<unknown> =>
  tx.sql.insertInto('meta').values({ key, value }).execute()

/** Remembers what each flush was given. */
function rememberingQueue() {
  const flushed: (readonly string[])[] = []
  const queue: DeferredQueue<string> = { order: 1, flush: async (_, items) => void flushed.push(items) }
  return { flushed, queue }
}

test('what jobs of a group deferred is written once for all of them', async () => {
  await using place = await createTestDb({ dialect: 'sqlite' })
  const { flushed, queue } = rememberingQueue()
  const jobs = ['a', 'b', 'c'].map((key) => place.db.write(async (tx) => tx.defer(queue, key), { group: group(key) }))
  await Promise.all(jobs)
  expect(flushed).toEqual([['a', 'b', 'c']])
})

test('a job that looks beyond its key finds written what earlier jobs deferred', async () => {
  await using place = await createTestDb({ dialect: 'sqlite' })
  const queue: DeferredQueue<string> = {
    order: 1,
    flush: async (tx, items) => {
      for (const item of items) await set(tx, item, 'counted')
    },
  }
  const count = async (tx: WriteTx): Promise<number> => (await tx.sql.selectFrom('meta').select('key').execute()).length
  const write = (key: string, of: WriteGroup | true): Promise<number> =>
    place.db.write(
      async (tx) => {
        const seen = await count(tx)
        tx.defer(queue, key)
        return seen
      },
      { group: of },
    )
  const seen = await Promise.all([
    write('a', group('a')),
    write('b', group('b')),
    write('c', group('c', 'all')),
    write('d', group('d')),
    write('e', true),
  ])
  expect(seen).toEqual([0, 0, 2, 2, 4])
  expect(await place.scalar<number>('SELECT count(*) FROM meta')).toBe(5)
})

test('CON-16 after a failing job the others happen once, with what they deferred, told and woke', async () => {
  await using place = await createTestDb({ dialect: 'sqlite' })
  const { flushed, queue } = rememberingQueue()
  const told: string[] = []
  const woken: string[] = []
  const stop = await place.db.listen('channel', (payload) => woken.push(payload))
  const jobs = ['a', 'b', 'c', 'd'].map((key) =>
    place.db.write(
      async (tx) => {
        await set(tx, key, '1')
        tx.defer(queue, key)
        tx.afterCommit(() => told.push(key))
        tx.notify('channel', key)
        if (key === 'c') throw new Error('no')
        return key
      },
      { group: group(key) },
    ),
  )
  const settled = await Promise.allSettled(jobs)
  await stop()
  expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
  expect(flushed).toEqual([['a'], ['b'], ['d']])
  expect(told).toEqual(['a', 'b', 'd'])
  expect(woken).toEqual(['a', 'b', 'd'])
  expect(await place.rows('SELECT key FROM meta ORDER BY key')).toEqual([{ key: 'a' }, { key: 'b' }, { key: 'd' }])
})

test('a job may use savepoints though it shares its transaction', async () => {
  await using place = await createTestDb({ dialect: 'sqlite' })
  const jobs = ['a', 'b'].map((key) =>
    place.db.write(
      async (tx) => {
        await tx
          .savepoint(async (inner) => {
            await set(inner, `${key}-undone`, '1')
            throw new Error('undo')
          })
          .catch(() => undefined)
        await set(tx, key, '1')
      },
      { group: group(key) },
    ),
  )
  await Promise.all(jobs)
  expect(await place.rows('SELECT key FROM meta ORDER BY key')).toEqual([{ key: 'a' }, { key: 'b' }])
})

test('CON-16 a group takes no more jobs when it has lasted long enough; the others follow in their order', async () => {
  await using place = await createTestDb({ dialect: 'sqlite' })
  const order: string[] = []
  const turns: number[] = []
  let turn = 0
  const count = (): void => {
    turn += 1
    if (order.length < 6) setImmediate(count)
  }
  setImmediate(count)
  const jobs = ['a', 'b', 'c', 'd', 'e', 'f'].map((key) =>
    place.db.write(
      async (tx) => {
        await set(tx, key, '1')
        const untilMs = performance.now() + GROUP_MS_MAX * 0.6
        while (performance.now() < untilMs);
        order.push(key)
        turns.push(turn)
      },
      { group: group(key) },
    ),
  )
  await Promise.all(jobs)
  expect(order).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
  // Two of them last longer than a group may; so does one alone when the machine keeps it from running.
  const groups = Map.groupBy(turns, (each) => each)
  for (const members of groups.values()) expect(members.length).toBeLessThanOrEqual(2)
  expect(groups.size).toBeLessThan(6)
  expect(await place.scalar<number>('SELECT count(*) FROM meta')).toBe(6)
})

test('CON-16 a group that ends early because a job failed leaves the others to the next', async () => {
  await using place = await createTestDb({ dialect: 'sqlite' })
  const jobs = ['a', 'b', 'c', 'd'].map((key) =>
    place.db.write(
      async (tx) => {
        await set(tx, key, '1')
        const untilMs = performance.now() + GROUP_MS_MAX * 0.6
        while (performance.now() < untilMs);
        if (key === 'b') throw new Error('no')
      },
      { group: group(key) },
    ),
  )
  const settled = await Promise.allSettled(jobs)
  expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled'])
  expect(await place.rows('SELECT key FROM meta ORDER BY key')).toEqual([{ key: 'a' }, { key: 'c' }, { key: 'd' }])
})
