import { expect, test } from '@jest/globals'
import { recomputeKeptSums, verifyKeptSums } from '../../src/index.ts'
import { leaveTrace, open, openBehindProxy, query, timed, traces, withPostgres } from './open-postgres.ts'

/** The server's and the client's limits, ten times shorter than in earnest. */
const SHORT = {
  connectMs: 1_000,
  acquireMs: 1_000,
  statementMs: 1_000,
  answerMarginMs: 200,
  lookupMs: 1_000,
  commitMs: 200,
  rollbackMs: 200,
  closeMs: 500,
  goodbyeMs: 200,
  heartbeatMs: 200,
}
/** What a busy machine may add to a limit. */
const SLACK_MS = 1_500

withPostgres('a connection that hangs', () => {
  test('OPS-02 ends a read, a lookup, a ping and a write in time, and is not lent again', async () => {
    await using place = await openBehindProxy(SHORT)
    const { db, proxy } = place
    await Promise.all([1, 2, 3, 4].map(() => traces(db, 'warm')))
    proxy.hang()
    const calls: Promise<unknown>[] = [
      db.read((tx) => tx.execute(query('SELECT 1'))),
      db.read((tx) => tx.execute(query('SELECT 1')), { lookup: true }),
      db.ping(),
    ]
    const timeoutMs = 700
    const writing = timed(db.write((tx) => leaveTrace(tx, 'hung'), { timeoutMs }))
    for (const { ms, outcome } of await Promise.all(calls.map((call) => timed(call)))) {
      expect(outcome).toMatchObject({ code: 'DATABASE_UNAVAILABLE', retryable: true })
      expect(ms).toBeLessThan(SHORT.statementMs + SHORT.answerMarginMs + SLACK_MS)
    }
    const { ms, outcome } = await writing
    expect(outcome).toMatchObject({ code: 'WRITE_TIMEOUT', retryable: true })
    expect(ms).toBeLessThan(timeoutMs + SLACK_MS)

    proxy.flow()
    expect(await traces(db, 'hung')).toBe(0)
    await db.write((tx) => leaveTrace(tx, 'hung'))
    expect(await traces(db, 'hung')).toBe(1)
  })

  test('OPS-02 while it is made ends the call in time', async () => {
    await using place = await openBehindProxy(SHORT)
    const { db, proxy } = place
    proxy.hang()
    proxy.cut()
    const calls: Promise<unknown>[] = [
      db.ping(),
      traces(db, 'x'),
      db.write((tx) => leaveTrace(tx, 'x'), { timeoutMs: 500 }),
    ]
    for (const { ms, outcome } of await Promise.all(calls.map((call) => timed(call)))) {
      expect(outcome).toMatchObject({ code: 'DATABASE_UNAVAILABLE', retryable: true })
      expect(ms).toBeLessThan(SHORT.connectMs + SLACK_MS)
    }
    proxy.flow()
    await db.ping()
  })

  test('OPS-03 does not let a start wait for ever', async () => {
    await using place = await openBehindProxy(SHORT)
    place.proxy.hang()
    const { ms, outcome } = await timed(open(place.proxy.through(place.truth.url), SHORT))
    expect(outcome).toMatchObject({ code: 'DATABASE_UNAVAILABLE' })
    expect(ms).toBeLessThan(SHORT.connectMs + SLACK_MS)
  })

  test('CON-13 more calls than connections end within one wait, each with an error that may be tried again', async () => {
    await using place = await openBehindProxy({ ...SHORT, connectionsMax: 3 })
    const { db, proxy } = place
    await traces(db, 'warm')
    proxy.hang()
    const calls = Array.from({ length: 300 }, (_, index) =>
      timed<unknown>(index % 2 === 0 ? traces(db, 'x') : db.write((tx) => leaveTrace(tx, 'x'), { timeoutMs: 800 })),
    )
    for (const { ms, outcome } of await Promise.all(calls)) {
      expect(outcome).toMatchObject({ retryable: true })
      expect(['DATABASE_UNAVAILABLE', 'DATABASE_BUSY', 'WRITE_TIMEOUT']).toContain((outcome as { code?: string }).code)
      expect(ms).toBeLessThan(SHORT.acquireMs + SHORT.statementMs + SHORT.answerMarginMs + SLACK_MS)
    }
    expect(proxy.open).toBeLessThanOrEqual(3)
    proxy.flow()
    await db.write((tx) => leaveTrace(tx, 'x'))
    expect(await traces(db, 'x')).toBe(1)
  })

  test('OPS-05 does not keep the handle from closing: idle, working and listening connections end', async () => {
    await using place = await openBehindProxy(SHORT)
    const { db, proxy } = place
    await db.listen('iron_test', () => undefined)
    await Promise.all([1, 2, 3].map(() => traces(db, 'warm')))
    const busy = Promise.withResolvers<undefined>()
    const writing = timed(
      db.write(async (tx) => {
        await leaveTrace(tx, 'closed')
        busy.resolve(undefined)
        await new Promise(() => undefined)
      }),
    )
    await busy.promise
    proxy.hang()
    const reading = timed(traces(db, 'x'))
    const { ms } = await timed(db.close())
    expect(ms).toBeLessThan(SHORT.closeMs + SHORT.goodbyeMs + SLACK_MS)
    expect((await writing).outcome).toMatchObject({ code: 'DATABASE_CLOSED' })
    expect((await reading).outcome).toMatchObject({ name: 'DatabaseError' })
    await expect(db.ping()).rejects.toMatchObject({ code: 'DATABASE_CLOSED' })
    expect(await traces(place.truth, 'closed')).toBe(0)
    proxy.flow()
    while (proxy.open > 0) await traces(place.truth, 'wait')
  })

  test('that lets the server answer in its own time: its limit comes first', async () => {
    await using place = await openBehindProxy({ ...SHORT, statementMs: 300, answerMarginMs: 1_000 })
    const { db } = place
    const slow = db.read((tx) => tx.execute(query('SELECT pg_sleep(5)')))
    await expect(slow).rejects.toMatchObject({ code: 'DATABASE_BUSY', cause: { code: '57014' } })
  })

  test('is not what a computation of all kept sums is taken for, which takes what a statement may not', async () => {
    await using place = await openBehindProxy({ ...SHORT, statementMs: 300, answerMarginMs: 100 })
    const { db, truth } = place
    await truth.write(async (tx) => {
      await tx.execute(query("INSERT INTO agent_budgets (agent_id, created_at, updated_at) VALUES ('a', 1, 1)"))
      await tx.execute(
        query(
          'CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.8); RETURN NULL; END $$',
        ),
      )
      await tx.execute(query('CREATE TRIGGER slow AFTER INSERT ON list_counts EXECUTE FUNCTION slow()'))
    })
    await recomputeKeptSums(db)
    expect(await verifyKeptSums(truth)).toEqual([])
    await expect(recomputeKeptSums(db, { timeoutMs: 300 })).rejects.toMatchObject({ code: 'WRITE_TIMEOUT' })
  })

  test('is not what work is taken for that gave itself more time', async () => {
    await using place = await openBehindProxy({ ...SHORT, statementMs: 200, answerMarginMs: 1_000 })
    const { db } = place
    const slow = (): Promise<string> =>
      db.read(async (tx) => {
        await tx.execute(query(`SELECT set_config('statement_timeout', $1, true)`, '5000'))
        await tx.execute(query('SELECT pg_sleep(1.5)'))
        return 'done'
      })
    expect(await slow()).toBe('done')
    expect(await db.exclusive(async (kysely) => (await kysely.executeQuery(slowly)).rows.length)).toBe(1)
    // What one transaction asked for is not the next one's.
    await expect(db.read((tx) => tx.execute(query('SELECT pg_sleep(1.5)')))).rejects.toMatchObject({
      code: 'DATABASE_BUSY',
    })
  })
})

const slowly = {
  sql: 'SELECT pg_sleep(1.5)',
  parameters: [],
  query: { kind: 'RawNode' },
  queryId: { queryId: 'slow' },
} as never
