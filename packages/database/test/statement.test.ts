import { describe, expect, test } from '@jest/globals'
import type { Kysely } from 'kysely'
import {
  type IronSchema,
  type Parameter,
  type PreparedQuery,
  prepare,
  type ReadTx,
  type WriteTx,
} from '../src/index.ts'
import { createTestDb, enginesForTests } from '../src/testing.ts'

const compiled = async (
  dialect: 'sqlite' | 'postgres',
  run: (tx: ReadTx) => Promise<unknown>,
): Promise<PreparedQuery> => {
  const seen: PreparedQuery[] = []
  const execute = (query: PreparedQuery) => {
    seen.push(query)
    return Promise.resolve({ rows: [] })
  }
  await run({ dialect, execute } as unknown as ReadTx)
  return seen[0]!
}

test('constants stand in the text, parameters are bound', async () => {
  const statement = prepare<{ id: string; role: string }>((db, p) =>
    db
      .updateTable('users')
      .set({ name: "O'Brien", force_password_change: 1, last_login_at: null })
      .where('id', '=', p('id'))
      .where('role', 'in', ['admin', 'user'])
      .where('status' as 'name', '=', 'active'),
  )
  const query = await compiled('sqlite', (tx) => statement.run(tx, { id: 'u1', role: 'x' }))
  expect(query.sql).toBe(
    `update "users" set "name" = 'O''Brien', "force_password_change" = 1, "last_login_at" = null where "id" = +? and "role" in ('admin', 'user') and "status" = 'active'`,
  )
  expect(query.parameters).toEqual(['u1'])
})

const put = prepare<{ key: string; value: string }>((db, p) =>
  db.insertInto('meta').values({ key: p('key'), value: p('value') }),
)
/** Changes its row only when it is what the statement before it left. */
const next = prepare<{ key: string; from: string }>(
  (db, p) =>
    db
      .updateTable('meta')
      .set((eb) => ({ value: eb(eb.ref('value'), '||', eb.val('x')) }))
      .where('key', '=', p('key'))
      .where('value', '=', p('from')),
  { together: { key: 'text', from: 'text' } },
)

describe.each(await enginesForTests())('on %s', (dialect) => {
  test('a statement is bound anew at each use', async () => {
    await using test = await createTestDb({ dialect })
    const fixed = prepare<{ value: string }>((db, p) =>
      db.insertInto('meta').values({ key: 'fixed', value: p('value') }),
    )
    const get = prepare<{ key: string }, { value: string }>((db, p) =>
      db.selectFrom('meta').select('value').where('key', '=', p('key')),
    )
    await test.db.write(async (tx) => {
      expect(await put.run(tx, { key: 'a', value: '1' })).toBe(1)
      await put.run(tx, { key: 'b', value: "2'" })
      await fixed.run(tx, { value: '3' })
      expect(await get.first(tx, { key: 'b' })).toEqual({ value: "2'" })
      expect(await get.first(tx, { key: 'fixed' })).toEqual({ value: '3' })
      expect(await get.all(tx, { key: 'none' })).toEqual([])
    })
  })

  test('a statement runs for each of many parameters, with or without a set form', async () => {
    await using test = await createTestDb({ dialect })
    const build = (db: Kysely<IronSchema>, p: Parameter<{ value: string }>) =>
      db.selectFrom('meta').select(['key', 'value']).where('value', '=', p('value')).orderBy('key')
    const apart = prepare<{ value: string }, { key: string; value: string }>(build)
    const together = prepare<{ value: string }, { key: string; value: string }>(build, { together: { value: 'text' } })
    await test.db.write(async (tx) => {
      for (const [key, value] of [
        ['a', "it's"],
        ['b', '"two"'],
        ['c', "it's"],
      ] as const) {
        await put.run(tx, { key, value })
      }
      const list = ["it's", 'none', '"two"', "it's"].map((value) => ({ value }))
      const keys = [['a', 'c'], [], ['b'], ['a', 'c']]
      for (const statement of [apart, together]) {
        expect((await statement.each(tx, list)).map((rows) => rows.map(({ key }) => key))).toEqual(keys)
        expect(await statement.each(tx, list.slice(2, 3))).toEqual([[{ key: 'b', value: '"two"' }]])
        expect(await statement.each(tx, [])).toEqual([])
      }
    })
  })

  test('queries that are run together run in their order, each seeing what those before it did', async () => {
    await using test = await createTestDb({ dialect })
    const all = (tx: WriteTx, key: string) => [
      put.bind(tx.dialect, { key, value: '' }),
      ...Array.from({ length: 300 }, (_, index) => next.bind(tx.dialect, { key, from: 'x'.repeat(index) })),
    ]
    const results = await test.db.write((tx) => tx.executeAll(all(tx, 'alone')))
    expect(results.map(({ numAffectedRows }) => numAffectedRows)).toEqual(Array.from({ length: 301 }, () => 1n))
    const group = (key: string) => ({ key, lock: async () => [] })
    await Promise.all(
      ['a', 'b', 'c'].map((key) => test.db.write((tx) => tx.executeAll(all(tx, key)), { group: group(key) })),
    )
    expect(await test.rows('SELECT length(value) AS length FROM meta')).toEqual(
      Array.from({ length: 4 }, () => ({ length: 300 })),
    )
  })

  test('the first that fails says why, and what the savepoint did is undone', async () => {
    await using test = await createTestDb({ dialect })
    await test.db.write(async (tx) => {
      const failing = tx.savepoint((inner) =>
        inner.executeAll([
          put.bind(tx.dialect, { key: 'a', value: '1' }),
          put.bind(tx.dialect, { key: 'a', value: '2' }),
          { sql: 'no such statement', parameters: [] },
        ]),
      )
      await expect(failing).rejects.toMatchObject({ code: 'DATABASE_CONSTRAINT' })
      await put.run(tx, { key: 'b', value: '1' })
    })
    expect(await test.rows('SELECT key FROM meta')).toEqual([{ key: 'b' }])
  })
})
