import { describe, expect, test } from '@jest/globals'
import { createTestDb, enginesForTests, type TestDbOptions } from '../src/testing.ts'

const places: TestDbOptions[] = (await enginesForTests()).flatMap((dialect): TestDbOptions[] =>
  dialect === 'sqlite'
    ? [
        { dialect, storage: 'memory' },
        { dialect, storage: 'file' },
      ]
    : [{ dialect }],
)

describe.each(places)('read on $dialect $storage', (place) => {
  test('sees committed data', async () => {
    await using test = await createTestDb(place)
    await test.db.write((tx) => tx.sql.insertInto('meta').values({ key: 'k', value: 'v' }).execute())
    const read = (lookup: boolean): Promise<{ value: string } | undefined> =>
      test.db.read((tx) => tx.sql.selectFrom('meta').select('value').where('key', '=', 'k').executeTakeFirst(), {
        lookup,
      })
    expect(await read(false)).toEqual({ value: 'v' })
    expect(await read(true)).toEqual({ value: 'v' })
  })

  test('errors cross from where the query ran', async () => {
    await using test = await createTestDb(place)
    const bad = test.db.read((tx) => tx.execute({ sql: 'SELECT 1 FROM nowhere', parameters: [] }))
    await expect(bad).rejects.toThrow(/nowhere/)
    await expect(test.db.read((tx) => tx.sql.selectFrom('meta').selectAll().execute())).resolves.toEqual([])
  })

  test('a read that has ended refuses further use', async () => {
    await using test = await createTestDb(place)
    const kept = await test.db.read(async (tx) => tx)
    expect(() => kept.sql).toThrow(/ended/)
  })
})

describe.each(places.filter(({ storage }) => storage !== 'memory'))('snapshots on $dialect $storage', (place) => {
  test('one read sees one snapshot and does not wait for a writer', async () => {
    await using test = await createTestDb(place)
    const count = { sql: 'SELECT count(*) AS n FROM meta', parameters: [] }
    const begun = Promise.withResolvers<undefined>()
    const written = Promise.withResolvers<undefined>()
    const reading = test.db.read(async (tx) => {
      const before = (await tx.execute<{ n: number }>(count)).rows[0]!.n
      begun.resolve(undefined)
      await written.promise
      return [before, (await tx.execute<{ n: number }>(count)).rows[0]!.n]
    })
    await begun.promise
    await test.db.write((tx) => tx.sql.insertInto('meta').values({ key: 'k', value: 'v' }).execute())
    written.resolve(undefined)
    expect(await reading).toEqual([0, 0])
    expect((await test.db.read((tx) => tx.execute<{ n: number }>(count))).rows[0]!.n).toBe(1)
  })

  test('more reads than readers are served in turn', async () => {
    await using test = await createTestDb(place)
    const reads = Array.from({ length: 50 }, (_, index) =>
      test.db.read(
        async (tx) =>
          (await tx.execute<{ n: number }>({ sql: `SELECT ${String(index)} AS n`, parameters: [] })).rows[0]!.n,
      ),
    )
    expect(await Promise.all(reads)).toEqual(Array.from({ length: 50 }, (_, index) => index))
  })
})

test('OPS-08 readers of a file cannot write', async () => {
  await using test = await createTestDb({ storage: 'file' })
  const sneak = (lookup: boolean): Promise<unknown> =>
    test.db.read((tx) => tx.execute({ sql: "INSERT INTO meta (key, value) VALUES ('k', 'v')", parameters: [] }), {
      lookup,
    })
  await expect(sneak(true)).rejects.toThrow()
  await expect(sneak(false)).rejects.toThrow()
})

test('a lookup during a write sees committed data only', async () => {
  await using test = await createTestDb({ storage: 'file' })
  const count = { sql: 'SELECT count(*) AS n FROM meta', parameters: [] }
  const inside = Promise.withResolvers<undefined>()
  const looked = Promise.withResolvers<undefined>()
  const writing = test.db.write(async (tx) => {
    await tx.sql.insertInto('meta').values({ key: 'k', value: 'v' }).execute()
    inside.resolve(undefined)
    await looked.promise
  })
  await inside.promise
  const lookup = async (): Promise<number> =>
    test.db.read(async (tx) => (await tx.execute<{ n: number }>(count)).rows[0]!.n, { lookup: true })
  expect(await lookup()).toBe(0)
  looked.resolve(undefined)
  await writing
  expect(await lookup()).toBe(1)
})
