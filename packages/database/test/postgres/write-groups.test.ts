import { expect, test } from '@jest/globals'
import type { DeferredQueue, WriteGroup, WriteTx } from '../../src/index.ts'
import { createTestDb } from '../../src/testing.ts'
import { leaveTrace, open, openBehindProxy, query, timed, traces, withPostgres } from './open-postgres.ts'

/** Locks rows of `meta`, as a package locks rows of its own, and remembers what was asked of it. */
function lockingGroups() {
  const asked: (readonly string[])[] = []
  const lock: WriteGroup['lock'] = async (tx, keys) => {
    asked.push(keys)
    return [tx.execute(query('SELECT key FROM meta WHERE key = ANY($1) ORDER BY key FOR UPDATE', keys))]
  }
  return { asked, of: (key: string, decidesOn?: string): WriteGroup => ({ key, lock, decidesOn }) }
}

const transactionOf = async (tx: WriteTx): Promise<number> =>
  (await tx.execute<{ id: number }>(query('SELECT txid_current() AS id'))).rows[0]?.id ?? 0

const times = <T>(count: number, run: (index: number) => Promise<T>): Promise<T>[] =>
  Array.from({ length: count }, (_, index) => run(index))

withPostgres('grouped writes', () => {
  test('that wait together share one transaction, its locks and what they deferred', async () => {
    await using place = await createTestDb({ dialect: 'postgres' })
    const groups = lockingGroups()
    const flushed: number[] = []
    const queue: DeferredQueue<number> = { order: 1, flush: async (_, items) => void flushed.push(items.length) }
    const afterCommit: number[] = []
    const ids = await Promise.all(
      times(60, (index) =>
        place.db.write(
          async (tx) => {
            tx.defer(queue, index)
            tx.afterCommit(() => afterCommit.push(index))
            await leaveTrace(tx, `trace-${index}`)
            return transactionOf(tx)
          },
          { group: groups.of(`agent-${String(index % 30).padStart(2, '0')}`) },
        ),
      ),
    )
    expect(new Set(ids).size).toBe(1)
    expect(groups.asked).toEqual([[...new Set(groups.asked.flat())].sort()])
    expect(groups.asked[0]).toHaveLength(30)
    expect(flushed).toEqual([60])
    expect(afterCommit).toHaveLength(60)
  })

  test('know what the locks of their group hold, and ask for no lock twice', async () => {
    await using place = await createTestDb({ dialect: 'postgres' })
    const lock: WriteGroup['lock'] = async (tx, keys) => {
      return [tx.lock('shared', { shared: true }), ...keys.map((each) => tx.lock(`row ${each}`, { taken: true }))]
    }
    const heldBy = async (tx: WriteTx): Promise<unknown[]> => {
      await tx.lock('row a')
      const { rows } = await tx.execute<{ locks: number }>(
        query("SELECT count(*) AS locks FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"),
      )
      const names = ['row a', 'row b', 'row c', 'shared']
      return [rows[0]?.locks, ...names.map((name) => tx.holds(name)), tx.holds('shared', { shared: true })]
    }
    const [one, other] = await Promise.all(['a', 'b'].map((key) => place.db.write(heldBy, { group: { key, lock } })))
    expect(one).toEqual([1, true, true, false, false, true])
    expect(other).toEqual(one)
    expect(await place.db.write(heldBy)).toEqual([1, true, false, false, false, false])
  })

  test('tell their lock what is known of their keys, and do not wait for its answers', async () => {
    await using place = await createTestDb({ dialect: 'postgres' })
    const told: object[] = []
    let answered = 0
    const lock: WriteGroup['lock'] = async (tx, keys, hints) => {
      told.push({ keys, hints: Object.fromEntries(hints) })
      return [tx.execute(query('SELECT pg_sleep(0.2)')).then(() => (answered = performance.now()))]
    }
    const job = (key: string, hint?: string): Promise<number[]> =>
      place.db.write(
        async (tx) => {
          const asked = performance.now()
          await tx.execute(query('SELECT 1 AS one'))
          return [asked, performance.now()]
        },
        { group: { key, lock, hint } },
      )
    const jobs = await Promise.all([job('b', 'of b'), job('a'), job('c', 'of c')])
    expect(told).toEqual([{ keys: ['a', 'b', 'c'], hints: { b: 'of b', c: 'of c' } }])
    for (const [asked = Infinity, heard = 0] of jobs) {
      expect(answered - asked).toBeGreaterThan(150)
      expect(heard).toBeGreaterThanOrEqual(answered)
    }
  })

  test('never happen without a transaction: what follows a BEGIN that failed is not committed by itself', async () => {
    await using place = await openBehindProxy()
    const { db, proxy, truth } = place
    await db.write((tx) => leaveTrace(tx, 'before'))
    let doomed = proxy.doom('BEGIN', 'garbled')
    await expect(db.write((tx) => leaveTrace(tx, 'alone'))).rejects.toThrow('syntax error')
    await doomed
    expect(await traces(truth, 'alone')).toBe(0)
    doomed = proxy.doom('BEGIN', 'garbled')
    const lock: WriteGroup['lock'] = async () => []
    const ids = await Promise.all(
      ['a', 'b'].map((key) =>
        db.write(
          async (tx) => {
            // What only reads does not wait for BEGIN: this one is run outside of any transaction.
            await tx.execute(query('SELECT 1 AS one'))
            await leaveTrace(tx, key)
            return transactionOf(tx)
          },
          { group: { key, lock } },
        ),
      ),
    )
    await doomed
    // Each alone, after the group was given up.
    expect(new Set(ids).size).toBe(2)
    expect([await traces(truth, 'a'), await traces(truth, 'b')]).toEqual([1, 1])
  })

  test('let nothing overtake a write that waits for BEGIN', async () => {
    await using place = await createTestDb({ dialect: 'postgres' })
    const count = query("SELECT count(*)::int AS traces FROM meta WHERE key = 'overtaken'")
    const seen = await place.db.write(async (tx) => {
      const before = tx.execute<{ traces: number }>(count)
      const written = leaveTrace(tx, 'overtaken')
      const after = tx.execute<{ traces: number }>(count)
      await written
      return [await before, await after].map(({ rows }) => rows[0]?.traces)
    })
    expect(seen).toEqual([0, 1])
  })

  test('run apart when their locks cannot be taken', async () => {
    await using place = await createTestDb({ dialect: 'postgres' })
    const lock: WriteGroup['lock'] = async (tx) => [tx.execute(query('SELECT 1 / 0'))]
    const ids = await Promise.all(['a', 'b'].map((key) => place.db.write(transactionOf, { group: { key, lock } })))
    expect(new Set(ids).size).toBe(2)
  })

  test('of one key run one after the other, in the order of arrival', async () => {
    await using place = await createTestDb({ dialect: 'postgres' })
    const groups = lockingGroups()
    const order: number[] = []
    const read = query("SELECT value FROM meta WHERE key = 'counter'")
    const write = "INSERT INTO meta (key, value) VALUES ('counter', $1) ON CONFLICT (key) DO UPDATE SET value = $1"
    const count = async (tx: WriteTx, index: number): Promise<void> => {
      const { rows } = await tx.execute<{ value: string }>(read)
      await tx.execute(query(write, String(Number(rows[0]?.value ?? 0) + 1)))
      order.push(index)
    }
    await Promise.all(
      times(60, (index) =>
        index % 2 === 0
          ? place.db.write((tx) => count(tx, index), { group: groups.of('counter') })
          : place.db.write((tx) => leaveTrace(tx, `other-${index}`), { group: groups.of(`other-${index}`) }),
      ),
    )
    expect(order).toEqual([...order].sort((a, b) => a - b))
    expect(await place.scalar<string>("SELECT value FROM meta WHERE key = 'counter'")).toBe('30')
  })

  test('CON-16 a failing one undoes no other, whether it or the database refuses', async () => {
    await using place = await createTestDb({ dialect: 'postgres' })
    const groups = lockingGroups()
    const settled = await Promise.allSettled(
      times(40, (index) =>
        place.db.write(
          async (tx) => {
            await leaveTrace(tx, `job-${index}`)
            if (index % 10 === 1) throw new Error(`job ${index}`)
            if (index % 10 === 2) await tx.execute(query('INSERT INTO meta (key, value) VALUES (NULL, NULL)'))
            return index
          },
          { group: groups.of(`agent-${index}`) },
        ),
      ),
    )
    const reasons = settled.flatMap((end, index) => (end.status === 'rejected' ? [[index, end.reason] as const] : []))
    expect(reasons.map(([index]) => index)).toEqual([1, 2, 11, 12, 21, 22, 31, 32])
    expect(reasons[0]?.[1]).toEqual(new Error('job 1'))
    expect(reasons[1]?.[1]).toMatchObject({ code: 'DATABASE_CONSTRAINT' })
    expect(await place.scalar<number>("SELECT count(*) FROM meta WHERE key LIKE 'job-%' AND value = '1'")).toBe(32)
  })

  test('that need a savepoint get a transaction of their own', async () => {
    await using place = await createTestDb({ dialect: 'postgres' })
    const groups = lockingGroups()
    const undoing = async (tx: WriteTx, key: string): Promise<string> => {
      await leaveTrace(tx, key)
      await tx
        .savepoint(async (inner) => {
          await leaveTrace(inner, 'undone')
          throw new Error('undo')
        })
        .catch(() => undefined)
      await leaveTrace(tx, key)
      return key
    }
    const jobs = times(5, (index) =>
      place.db.write((tx) => undoing(tx, `key-${index}`), { group: groups.of(`key-${index}`) }),
    )
    expect(await Promise.all(jobs)).toHaveLength(5)
    expect(await place.scalar<number>("SELECT count(*) FROM meta WHERE key LIKE 'key-%' AND value = '2'")).toBe(5)
    expect(await place.scalar<number>("SELECT count(*) FROM meta WHERE key = 'undone'")).toBe(0)
  })

  test('that decide on more than their key share with none but their like', async () => {
    await using place = await createTestDb({ dialect: 'postgres' })
    const groups = lockingGroups()
    const jobs = await Promise.all(
      times(60, async (index) => {
        const decidesOn = ['owner-1', 'owner-2', undefined][index % 3]
        const id = await place.db.write(transactionOf, { group: groups.of(`agent-${index % 7}`, decidesOn) })
        return { decidesOn, id }
      }),
    )
    const sharing = [...Map.groupBy(jobs, ({ id }) => id).values()]
    for (const shared of sharing) expect(new Set(shared.map(({ decidesOn }) => decidesOn)).size).toBe(1)
    expect(sharing.length).toBeLessThan(20)
  })

  test('take turns where they decide on the same, each seeing what those before it did', async () => {
    await using place = await createTestDb({ dialect: 'postgres' })
    const groups = lockingGroups()
    const read = query("SELECT value FROM meta WHERE key = 'left'")
    await place.db.write((tx) => tx.execute(query("INSERT INTO meta (key, value) VALUES ('left', '7')")))
    let inside = 0
    const take = async (tx: WriteTx): Promise<boolean> => {
      expect((inside += 1)).toBe(1)
      const left = Number((await tx.execute<{ value: string }>(read)).rows[0]?.value)
      if (left > 0) await tx.execute(query("UPDATE meta SET value = $1 WHERE key = 'left'", String(left - 1)))
      inside -= 1
      return left > 0
    }
    const taken = await Promise.all(
      times(20, (index) =>
        place.db.write((tx) => tx.inTurn('left', () => take(tx)), { group: groups.of(`agent-${index}`, 'all') }),
      ),
    )
    expect(taken.filter(Boolean)).toHaveLength(7)
  })

  test('CON-12 of several processes on the same rows lose nothing and refuse nobody', async () => {
    await using place = await openBehindProxy()
    const { db: other } = await open(place.truth.url)
    try {
      const groups = lockingGroups()
      await place.truth.write(async (tx) => {
        for (let index = 0; index < 12; index += 1) await leaveTrace(tx, `row-${index}`)
      })
      await Promise.all(
        times(300, (index) =>
          (index % 2 === 0 ? place.db : other).write((tx) => leaveTrace(tx, `row-${(index * 7) % 12}`), {
            group: groups.of(`row-${(index * 7) % 12}`),
          }),
        ),
      )
      const sums = await Promise.all(times(12, (index) => traces(place.truth, `row-${index}`)))
      expect(sums).toEqual(Array.from({ length: 12 }, () => 26))
    } finally {
      await other.close()
    }
  })

  test('whose connection is lost are all told so, and none of them happened', async () => {
    await using place = await openBehindProxy()
    const { db, proxy, truth } = place
    const groups = lockingGroups()
    const doomed = proxy.doom('INSERT INTO meta', 'cut after')
    const settled = await Promise.allSettled(
      times(10, (index) => db.write((tx) => leaveTrace(tx, `lost-${index}`), { group: groups.of(`lost-${index}`) })),
    )
    await doomed
    for (const end of settled) {
      expect(end).toMatchObject({ status: 'rejected', reason: { code: 'DATABASE_UNAVAILABLE', retryable: true } })
    }
    expect(await Promise.all(times(10, (index) => traces(truth, `lost-${index}`)))).toEqual(Array(10).fill(0))
  })

  test('OPS-02 wait in the queue no longer than they said', async () => {
    await using place = await openBehindProxy()
    const { db, proxy } = place
    const groups = lockingGroups()
    const doomed = proxy.doom('INSERT INTO meta', 'hang after')
    const first = timed(db.write((tx) => leaveTrace(tx, 'held'), { group: groups.of('held'), timeoutMs: 3_000 }))
    await doomed
    const { ms, outcome } = await timed(
      db.write((tx) => leaveTrace(tx, 'held'), { group: groups.of('held'), timeoutMs: 300 }),
    )
    expect(outcome).toMatchObject({ code: 'WRITE_TIMEOUT', retryable: true })
    expect(ms).toBeLessThan(2_000)
    expect((await first).outcome).toMatchObject({ code: 'WRITE_TIMEOUT' })
  })

  test('CON-14 refuse a nested write without its transaction', async () => {
    await using place = await createTestDb({ dialect: 'postgres' })
    const groups = lockingGroups()
    const jobs = times(3, (index) =>
      place.db.write(() => place.db.write((tx) => leaveTrace(tx, 'nested')), { group: groups.of(`agent-${index}`) }),
    )
    for (const end of await Promise.allSettled(jobs)) {
      expect(end).toMatchObject({ status: 'rejected', reason: { code: 'NESTED_WRITE' } })
    }
  })
})
