/** What bounds an answer: its time, and the largest number that is exact. */
import { describe, expect, test } from '@jest/globals'
import { openDatabase } from '@iron/database'
import { SUMMED_MICROS_MAX } from '@iron/journal'
import { boundedRead } from '../src/bounded-read.ts'
import { Analytics } from '../src/index.ts'
import { call, openWorld, PLACES, type World } from './world.ts'

const LATE = { name: 'AnalyticsError', code: 'QUERY_TIMEOUT', details: { timeoutMs: 50 } }

/** Keeps every read of a database waiting until it is told to stop. */
async function hold({ test: { db } }: World): Promise<() => Promise<void>> {
  const gate = Promise.withResolvers<undefined>()
  const locked = Promise.withResolvers<undefined>()
  const holders =
    db.dialect === 'postgres'
      ? [
          db.write(async (tx) => {
            await tx.execute({ sql: 'LOCK TABLE requests IN ACCESS EXCLUSIVE MODE', parameters: [] })
            locked.resolve(undefined)
            await gate.promise
          }),
        ]
      : Array.from({ length: 4 }, () => db.read(() => gate.promise))
  if (db.dialect === 'postgres') await locked.promise
  return async () => {
    gate.resolve(undefined)
    await Promise.all(holders)
  }
}

describe.each(PLACES)('time on $dialect $storage', (place) => {
  test('an answer that is not there in time is QUERY_TIMEOUT, and the database goes on', async () => {
    await using world = await openWorld(place)
    await world.requests.record(call({ cost: 3 }))
    const hurried = new Analytics(world.test.db, { queryTimeoutMs: 50 })
    const release = await hold(world)
    await expect(hurried.overview('today')).rejects.toMatchObject(LATE)
    await expect(hurried.costs('today')).rejects.toMatchObject(LATE)
    await release()
    expect(await world.analytics.totals('today')).toMatchObject({ spend: 3 })
  })

  test('no statement starts after the time is over', async () => {
    await using world = await openWorld(place)
    const late = Promise.withResolvers<undefined>()
    const inner = Promise.withResolvers<readonly [Promise<unknown>]>()
    const one = { sql: 'SELECT 1 AS one', parameters: [] }
    const answer = boundedRead(world.test.db, {}, 50, async (tx) => {
      await tx.execute(one)
      await late.promise
      const running = tx.execute(one)
      inner.resolve([running])
      await running
    })
    await expect(answer).rejects.toMatchObject(LATE)
    late.resolve(undefined)
    const [running] = await inner.promise
    await expect(running).rejects.toMatchObject(LATE)
  })

  test('in the transaction of the caller too, whose own limits stay', async () => {
    await using world = await openWorld(place)
    await world.requests.record(call({ cost: 3 }))
    const { analytics, test } = world
    await test.db.read(async (tx) => {
      const setting = async () =>
        tx.dialect === 'sqlite' ? [] : (await tx.execute({ sql: 'SHOW statement_timeout', parameters: [] })).rows
      const before = await setting()
      expect(await analytics.totals('today', {}, { tx })).toMatchObject({ spend: 3 })
      await expect(analytics.totals('today', { agentId: 'missing' }, { tx })).rejects.toMatchObject({
        code: 'AGENT_NOT_FOUND',
      })
      expect(await setting()).toEqual(before)
    })
  })

  test('what is asked inside a write sees what it wrote', async () => {
    await using world = await openWorld(place)
    const { analytics, requests, test } = world
    await test.db.write(async (tx) => {
      await requests.record(call({ cost: 3 }), { tx })
      expect(await analytics.totals('today', {}, { tx })).toMatchObject({ spend: 3 })
    })
  })

  test('a failure that has nothing to do with time stays what it is', async () => {
    await using world = await openWorld(place)
    const failing = boundedRead(world.test.db, {}, 30_000, (tx) =>
      tx.execute({ sql: 'SELECT nothing', parameters: [] }),
    )
    await expect(failing).rejects.toThrow(/nothing/)
  })
})

const postgres = PLACES.find(({ dialect }) => dialect === 'postgres')
const withPostgres = postgres === undefined ? describe.skip : describe
withPostgres('on postgres', () => {
  const place = postgres!
  test('the server itself stops the statement', async () => {
    await using world = await openWorld(place)
    // Shorter than the timeout of the connection: without one of its own the statement would end well.
    const sleep = { sql: 'SELECT pg_sleep(5)', parameters: [] }
    const inner = Promise.withResolvers<readonly [Promise<unknown>]>()
    const answer = boundedRead(world.test.db, {}, 50, (tx) => {
      const running = tx.execute(sleep)
      inner.resolve([running])
      return running
    })
    await expect(answer).rejects.toMatchObject(LATE)
    const [running] = await inner.promise
    await expect(running).rejects.toMatchObject({ cause: { code: '57014' } })
  })
})

test('a memory database reads within the time of its writer: what takes longer is QUERY_TIMEOUT too', async () => {
  await using db = await openDatabase(':memory:', { writeTimeoutMs: 50 })
  const analytics = new Analytics(db)
  const holder = db.write(() => new Promise<never>(() => undefined), { timeoutMs: 100 })
  const answer = analytics.totals('today')
  await expect(holder).rejects.toMatchObject({ code: 'WRITE_TIMEOUT' })
  await expect(answer).rejects.toMatchObject({ code: 'QUERY_TIMEOUT' })
})

describe.each(PLACES)('numbers on $dialect $storage', (place) => {
  test('MON-06 sums of costs are exact up to nine billion dollars and stop there, also of calls and roll-ups together', async () => {
    await using world = await openWorld(place)
    const { analytics, requests } = world
    const half = (SUMMED_MICROS_MAX - 2) / 2
    await requests.record(call({ agentId: 'a', cost: half }))
    await world.rollUp()
    await requests.record(call({ agentId: 'b', cost: half }))
    const all = async () => [
      (await analytics.totals('today')).spend,
      (await analytics.overview('today')).totals.spend,
      (await analytics.by('agent', 'today')).totals.cost,
      (await analytics.by('day', 'today')).data[0]?.cost,
      (await analytics.timeline('day', 'today'))[0]?.cost,
      (await analytics.costs('today')).spend,
      (await requests.totals()).cost,
    ]
    expect(await all()).toEqual(Array(7).fill(2 * half))
    expect(await analytics.costs('today')).toMatchObject({ avg: half, median: half, min: half, max: half })
    await requests.record(call({ agentId: 'b', cost: half }))
    expect(await all()).toEqual(Array(7).fill(SUMMED_MICROS_MAX))
    expect((await analytics.totals('today')).requests.total).toBe(3)
  })
})

test.each([0, -1, 1.5, 2 ** 31, NaN])('a timeout of %p ms is refused', (queryTimeoutMs) => {
  expect(() => new Analytics('./never-opened.db', { queryTimeoutMs })).toThrow(
    expect.objectContaining({ code: 'VALIDATION_ERROR', details: { fields: { queryTimeoutMs: expect.any(String) } } }),
  )
})
