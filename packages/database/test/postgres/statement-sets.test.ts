import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { prepare, type ReadTx, type WriteGroup } from '../../src/index.ts'
import { createTestDb } from '../../src/testing.ts'
import { withPostgres } from './open-postgres.ts'

interface Pair {
  readonly key: string
  readonly value: string
}

const types = { key: 'text', value: 'text' } as const
const put = prepare<Pair>((db, p) => db.insertInto('meta').values({ key: p('key'), value: p('value') }), {
  together: types,
  key: 'key',
})
const change = prepare<Pair>(
  (db, p) =>
    db
      .updateTable('meta')
      .set({ value: p('value') })
      .where('key', '=', p('key')),
  {
    together: types,
  },
)
const get = prepare<{ key: string }, Pair>(
  (db, p) =>
    db
      .selectFrom('meta')
      .select(['key', 'value'])
      .where('key', '=', p('key'))
      .unionAll(db.selectFrom('meta').select(['key', 'value']).where('value', '=', p('key'))),
  { together: { key: 'text' } },
)

const lock: WriteGroup['lock'] = async () => []
const group = (key: string): WriteGroup => ({ key, lock })
const KEYS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'] as const

withPostgres('statements that are asked for together', () => {
  test('answer each what it would be answered alone', async () => {
    await using place = await createTestDb({ dialect: 'postgres' })
    // Quotes, escapes and what is beyond the basic plane must come through a set as they do through parameters.
    const value = fc
      .string({ unit: 'grapheme', maxLength: 8 })
      .filter((text) => !text.includes('\0') && text.isWellFormed())
    const pairs = fc.tuple(...KEYS.map((key) => fc.record({ key: fc.constant(key), value, isThere: fc.boolean() })))
    await fc.assert(
      fc.asyncProperty(pairs, async (rows) => {
        await place.db.write((tx) => tx.sql.deleteFrom('meta').execute())
        await Promise.all(
          rows
            .filter(({ isThere }) => isThere)
            .map((row) => place.db.write((tx) => put.run(tx, row), { group: group(row.key) })),
        )
        const changed = await Promise.all(
          rows.map(({ key, value: old }) =>
            place.db.write((tx) => change.run(tx, { key, value: `${old}!` }), { group: group(key) }),
          ),
        )
        expect(changed).toEqual(rows.map(({ isThere }) => Number(isThere)))
        const together = await Promise.all(
          rows.map(({ key }) => place.db.read((tx) => get.all(tx, { key }), { lookup: true })),
        )
        expect(together).toEqual(
          rows.map(({ key, value: old, isThere }) => (isThere ? [{ key, value: `${old}!` }] : [])),
        )
      }),
      { numRuns: 25 },
    )
  })

  test('are one statement, in a group and as lookups', async () => {
    await using place = await createTestDb({ dialect: 'postgres' })
    const shared = prepare<{ name: string }, { statement: string }>(
      (db, p) =>
        db
          .selectFrom('meta')
          .select((eb) => eb.fn<string>('current_query').as('statement'))
          .where('key', '<>', p('name')),
      { together: { name: 'text' } },
    )
    await place.db.write((tx) => put.run(tx, { key: 'one', value: 'row' }))
    const ask = async (tx: ReadTx, name: string): Promise<string> => (await shared.first(tx, { name }))?.statement ?? ''
    const inGroup = KEYS.map((key) => place.db.write((tx) => ask(tx, key), { group: group(key) }))
    const lookUp = (key: string): Promise<string> => place.db.read((tx) => ask(tx, key), { lookup: true })
    const asLookups = KEYS.map(lookUp)
    for (const statement of await Promise.all([...inGroup, ...asLookups]))
      expect(statement).toMatch(/json_to_recordset/)
    // As requests are read: each in a callback of its own, after which whatever waited for a promise has run.
    const inCallbacks = await new Promise<Promise<string>[]>((resolve) => {
      const asked: Promise<string>[] = []
      for (const key of KEYS) setImmediate(() => asked.push(lookUp(key)))
      setImmediate(() => resolve(asked))
    })
    expect(inCallbacks).toHaveLength(KEYS.length)
    for (const statement of await Promise.all(inCallbacks)) expect(statement).toMatch(/json_to_recordset/)
    const alone = await place.db.read((tx) => ask(tx, 'a'), { lookup: true })
    expect(alone).not.toMatch(/json_to_recordset/)
  })

  test('VAL-07 a lookup of a text that PostgreSQL cannot hold fails alone', async () => {
    await using place = await createTestDb({ dialect: 'postgres' })
    await place.db.write((tx) => put.run(tx, { key: 'a', value: 'row' }))
    const look = (key: string): Promise<unknown> => place.db.read((tx) => get.all(tx, { key }), { lookup: true })
    const refused = { code: 'VALIDATION_ERROR', details: { fields: { $: 'must hold no NUL' } } }
    const [first, nul, second, torn] = ['a', 'a\0b', 'a', 'a\ud800'].map(look)
    await expect(nul).rejects.toMatchObject(refused)
    expect(await Promise.all([first, second, torn])).toEqual([
      [{ key: 'a', value: 'row' }],
      [{ key: 'a', value: 'row' }],
      [],
    ])
    await expect(look('a\0b')).rejects.toMatchObject(refused)
    await expect(place.db.write((tx) => put.run(tx, { key: 'b', value: '\0' }))).rejects.toMatchObject(refused)
  })

  test('fail all together when one fails, and the group is run again apart', async () => {
    await using place = await createTestDb({ dialect: 'postgres' })
    await place.db.write((tx) => put.run(tx, { key: 'c', value: 'taken' }))
    const settled = await Promise.allSettled(
      KEYS.map((key) => place.db.write((tx) => put.run(tx, { key, value: 'new' }), { group: group(key) })),
    )
    expect(settled.map(({ status }) => status === 'fulfilled')).toEqual(KEYS.map((key) => key !== 'c'))
    expect(await place.scalar<number>('SELECT count(*) FROM meta')).toBe(KEYS.length)
  })
})

test('a statement that has no set form is refused when it is first used', async () => {
  await using place = await createTestDb({ dialect: 'sqlite' })
  const keyless = prepare<Pair>((db, p) => db.insertInto('meta').values({ key: p('key'), value: p('value') }), {
    together: types,
  })
  const postgres = { ...place.db, dialect: 'postgres' } as unknown as ReadTx
  await expect(keyless.run(postgres, { key: 'a', value: 'b' })).rejects.toThrow('there is no set form of: insert into')
})
