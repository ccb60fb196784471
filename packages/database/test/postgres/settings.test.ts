/** What every connection is opened with. */
import { expect, test } from '@jest/globals'
import { Client } from 'pg'
import { openDatabase } from '../../src/index.ts'
import { createTestDb } from '../../src/testing.ts'
import { withPostgres } from './open-postgres.ts'

withPostgres('what every connection is opened with', () => {
  test('no statement is compiled: a page would wait longer for that than for its rows', async () => {
    await using world = await createTestDb({ dialect: 'postgres' })
    expect(await world.scalar('SHOW jit')).toBe('off')
  })

  test('an encoding that holds not every text is refused, and so are migrations of a database that is read-only', async () => {
    await using world = await createTestDb({ dialect: 'postgres' })
    const name = `${new URL(world.db.url).pathname.slice(1)}_other`
    const url = new URL(world.db.url)
    url.pathname = `/${name}`
    const refusal = (): Promise<unknown> =>
      openDatabase(url).then(
        (db) => db.close(),
        (error: unknown) => error,
      )
    const alone = (sql: string): Promise<unknown> => administer(world.db.url, sql)
    for (const encoding of ['LATIN1', 'SQL_ASCII']) {
      await alone(`CREATE DATABASE ${name} ENCODING '${encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`)
      try {
        expect(await refusal()).toMatchObject({
          code: 'DATABASE_UNAVAILABLE',
          message: `the database's encoding is ${encoding}, and must be UTF8`,
          details: { reason: 'encoding', database: url.href },
        })
      } finally {
        await alone(`DROP DATABASE ${name} WITH (FORCE)`)
      }
    }
    expect(await refusal()).toMatchObject({ code: 'DATABASE_UNAVAILABLE', message: 'there is no such database' })
    await alone(`CREATE DATABASE ${name} ENCODING 'UTF8' TEMPLATE template0`)
    try {
      await alone(`ALTER DATABASE ${name} SET default_transaction_read_only = on`)
      const why = 'the database is read-only'
      expect(await refusal()).toMatchObject({ code: 'MIGRATION_FAILED', details: { why, database: url.href } })
    } finally {
      await alone(`DROP DATABASE ${name} WITH (FORCE)`)
    }
  })

  test.each([
    ['synchronous_commit', 'off'],
    ['session_replication_role', 'replica'],
    ['default_transaction_read_only', 'on', 'read-only'],
  ])('a database with %s = %s is not ready', async (setting, value, reason = setting) => {
    await using world = await createTestDb({ dialect: 'postgres' })
    const name = new URL(world.db.url).pathname.slice(1)
    await world.db.ping()
    await administer(world.db.url, `ALTER DATABASE ${name} SET ${setting} = ${value}`)
    await using again = await openDatabase(world.db.url)
    await expect(again.ping()).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE', details: { reason } })
  })
})

async function administer(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}
