import { expect, test } from '@jest/globals'
import { leaveTrace, openBehindProxy, query, sleeping, traces, untilRunning, withPostgres } from './open-postgres.ts'

const gone = { code: 'DATABASE_UNAVAILABLE', retryable: true }

withPostgres('a lost connection', () => {
  test('OPS-02 with a query of a read in flight is an error of that read, and nothing else', async () => {
    await using place = await openBehindProxy()
    const { db, proxy, truth } = place
    const reading = db.read((tx) => tx.execute(sleeping(5)))
    const looking = db.read((tx) => tx.execute(sleeping(5)), { lookup: true })
    await untilRunning(truth, 'pg_sleep')
    proxy.cut()
    await expect(reading).rejects.toMatchObject(gone)
    await expect(looking).rejects.toMatchObject(gone)
    expect(place.reported).toEqual([])
    expect(await traces(db, 'none')).toBe(0)
  })

  test('OPS-02 with a query of a write in flight undoes the write', async () => {
    await using place = await openBehindProxy()
    const { db, proxy, truth } = place
    const writing = db.write(async (tx) => {
      await leaveTrace(tx, 'lost')
      await tx.execute(sleeping(1))
    })
    await untilRunning(truth, 'pg_sleep')
    proxy.cut()
    await expect(writing).rejects.toMatchObject({ ...gone, details: {} })
    await db.write((tx) => leaveTrace(tx, 'lost'))
    expect(await traces(truth, 'lost')).toBe(1)
  })

  test('between two statements is known before the next one, even if none follows', async () => {
    await using place = await openBehindProxy()
    const { db, proxy } = place
    const open = Promise.withResolvers<undefined>()
    const writing = db.write(async (tx) => {
      await leaveTrace(tx, 'idle')
      open.resolve(undefined)
      await new Promise(() => undefined)
    })
    await open.promise
    proxy.cut()
    await expect(writing).rejects.toMatchObject(gone)
    expect(await traces(db, 'idle')).toBe(0)
  })

  test('that nobody used is replaced, and reported once', async () => {
    await using place = await openBehindProxy()
    const { db, proxy, reported } = place
    await Promise.all([1, 2, 3].map(() => db.read((tx) => tx.execute(sleeping(0.05)))))
    const idle = proxy.open
    expect(idle).toBe(3)
    proxy.cut()
    while (reported.length < idle) await traces(place.truth, 'wait')
    await db.write((tx) => leaveTrace(tx, 'after'))
    expect(await traces(db, 'after')).toBe(1)
    expect(reported).toHaveLength(idle)
  })

  test('that the operator terminates is an error of its user only', async () => {
    await using place = await openBehindProxy()
    const { db, truth } = place
    const reading = db.read((tx) => tx.execute(sleeping(5)))
    const settled = expect(reading).rejects.toMatchObject({ ...gone, cause: { code: '57P01' } })
    await untilRunning(truth, 'pg_sleep')
    const terminate = query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%pg_sleep%'`,
    )
    await truth.read((tx) => tx.execute(terminate))
    await settled
    expect(await traces(db, 'none')).toBe(0)
  })

  test('is made again as soon as the server takes connections', async () => {
    await using place = await openBehindProxy()
    const { db, proxy } = place
    await proxy.refuse()
    await expect(db.write((tx) => leaveTrace(tx, 'refused'))).rejects.toMatchObject(gone)
    await expect(db.ping()).rejects.toMatchObject(gone)
    await proxy.admit()
    await db.write((tx) => leaveTrace(tx, 'refused'))
    await db.ping()
    expect(await traces(db, 'refused')).toBe(1)
  })

  test('ends many calls at once, and the handle serves as many again', async () => {
    await using place = await openBehindProxy()
    const { db, proxy, truth } = place
    const calls = Array.from({ length: 50 }, (_, index) =>
      db.write(async (tx) => {
        await tx.execute(sleeping(0.2))
        await leaveTrace(tx, `call-${String(index % 5)}`)
        return 'done'
      }),
    )
    const settled = Promise.allSettled(calls)
    await untilRunning(truth, 'pg_sleep')
    proxy.cut()
    const failed = (await settled).filter(({ status }) => status === 'rejected')
    expect(failed.length).toBeGreaterThan(0)
    for (const call of failed) expect(call).toMatchObject({ reason: gone })
    const again = Array.from({ length: 50 }, () => db.write((tx) => leaveTrace(tx, 'again')))
    await Promise.all(again)
    expect(await traces(truth, 'again')).toBe(50)
  })
})
