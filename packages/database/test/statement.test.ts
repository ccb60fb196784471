import { describe, expect, test } from '@jest/globals'
import { type PreparedQuery, prepare, type ReadTx } from '../src/index.ts'
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

describe.each(await enginesForTests())('on %s', (dialect) => {
  test('a statement is bound anew at each use', async () => {
    await using test = await createTestDb({ dialect })
    const put = prepare<{ key: string; value: string }>((db, p) =>
      db.insertInto('meta').values({ key: p('key'), value: p('value') }),
    )
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
})
