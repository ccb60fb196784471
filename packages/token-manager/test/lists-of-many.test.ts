/** Pages of many tokens, users and keys are those of everything sorted here, whether a page is gathered or found along its order. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type ReadTx, verifyKeptSums } from '@iron/database'
import { createTestDb, enginesForTests, plansOf, type TestDb } from '@iron/database/testing'
import { ProviderKeyStorage, type TokenFilter, TokenManager, type UserFilter } from '../src/index.ts'
import { freshVault, usersOn } from './support.ts'

/** More than are gathered for a page. */
const TOKENS = 2_600
const USERS = 1_600
const KEYS = 300
/** Many, few and none; what a pattern would mean is plain (VAL-11). */
const TEXTS = ['T1', 'person 7', '77', 'n', 'B%C', 'c_', '\\éß', 'ς*', '[X', '%1', '__', 'a*'] as const
const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000

interface Token {
  readonly id: string
  readonly name: string
  readonly created_at: number
  readonly expires_at: number | null
  readonly last_used_at: number | null
  readonly revoked_at: number | null
}

interface User {
  readonly id: string
  readonly username_key: string
  readonly email: string | null
  readonly name: string | null
  readonly role: string
  readonly created_at: number
  readonly suspended_at: number | null
  readonly deleted_at: number | null
}

describe.each(await enginesForTests())('lists of many on %s', (dialect) => {
  let world: TestDb
  let now: number

  beforeAll(async () => {
    world = await createTestDb({ dialect })
    now = world.clock.now()
    const id = (prefix: string): string =>
      dialect === 'postgres' ? `'${prefix}' || lpad(i::text, 5, '0')` : `printf('${prefix}%05d', i)`
    const fill = (table: string, count: number, values: Readonly<Record<string, string>>): Promise<unknown> =>
      world.rows(`INSERT INTO ${table} (${Object.keys(values).join(', ')})
        WITH RECURSIVE n(i) AS (SELECT CAST(0 AS bigint) UNION ALL SELECT i + 1 FROM n WHERE i < ${String(count - 1)})
        SELECT ${Object.values(values).join(', ')} FROM n`)
    await fill('users', USERS, {
      id: id('user'),
      username: id('User'),
      username_key: `'n' || (i * 7919 % 10007)`,
      email: `CASE WHEN i % 3 = 0 THEN 'm' || i || '@bench.test' END`,
      name: String.raw`CASE WHEN i % 60 = 8 THEN 'Ab%c_\ÉßΣ*[x] ' || i WHEN i % 2 = 0 THEN 'Person ' || (i % 97) END`,
      role: "CASE WHEN i % 400 = 0 THEN 'admin' WHEN i % 3 = 0 THEN 'viewer' ELSE 'user' END",
      suspended_at: 'CASE WHEN i % 7 = 1 THEN 5 END',
      deleted_at: 'CASE WHEN i % 11 = 1 THEN 5 END',
      created_at: 'i / 2',
      updated_at: '1',
    })
    // Long over, over today, just now, later today, tomorrow, long to go, never.
    const ends = [now - 30 * DAY_MS, now - HOUR_MS, now, now + HOUR_MS, now + DAY_MS, now + 30 * DAY_MS]
    await fill('api_tokens', TOKENS, {
      id: id('tok'),
      owner_id: `'user00000'`,
      name: String.raw`CASE WHEN i % 60 = 8 THEN 'Ab%c_\ÉßΣ*[x] ' || i ELSE 't' || (i * 7919 % 2003) END`,
      created_at: 'i / 2',
      expires_at: `CASE i % 7 ${ends.map((at, index) => `WHEN ${String(index)} THEN ${String(at)}`).join(' ')} END`,
      last_used_at: 'CASE WHEN i % 3 <> 0 THEN i * 7919 % 997 END',
      revoked_at: 'CASE WHEN i % 5 = 4 THEN 5 END',
      revoked_by: "CASE WHEN i % 5 = 4 THEN 'a' END",
    })
    await fill('providers', KEYS / 5, {
      id: id('prov'),
      name: id('p'),
      kind: `'openai'`,
      base_url: `'https://example.com/v1'`,
      created_at: '1',
      updated_at: '1',
      deleted_at: 'CASE WHEN i = 3 THEN 2 END',
    })
    const provider = dialect === 'postgres' ? `'prov' || lpad((i / 5)::text, 5, '0')` : `printf('prov%05d', i / 5)`
    await fill('provider_keys', KEYS, {
      id: id('key'),
      provider_id: provider,
      status: `'retired'`,
      masked: `'***'`,
      created_at: '1',
      created_by: `'a'`,
      retired_at: '2',
      last_used_at: 'CASE WHEN i % 3 <> 0 THEN i * 7919 % 53 END',
    })
  })
  afterAll(async () => {
    await world.close()
  })

  /** A page's rows: sorted by what `of` takes from them, then by id. */
  function pageOf<R extends { readonly id: string }>(
    rows: readonly R[],
    of: (row: R) => number | string,
    descending: boolean,
    page: number,
  ): string[] {
    const sign = descending ? -1 : 1
    const compare = (one: number | string, other: number | string): number => (one < other ? -1 : one > other ? 1 : 0)
    const sorted = rows.toSorted((a, b) => sign * (compare(of(a), of(b)) || compare(a.id, b.id)))
    return sorted.slice((page - 1) * 50, page * 50).map(({ id }) => id)
  }

  const pagesOf = (total: number): number[] => [1, 2, Math.ceil(total / 50 / 2), Math.ceil(total / 50)]

  test.each([undefined, 'active', 'expired', 'revoked'] as const)('tokens: %s', async (status) => {
    const manager = new TokenManager(world.db, { clock: world.clock })
    const all = await world.rows<Token>('SELECT * FROM api_tokens')
    const isOver = ({ expires_at: at }: Token): boolean => at !== null && at <= now
    const orders: Readonly<Record<string, (row: Token) => number | string>> = {
      createdAt: (row) => row.created_at,
      name: (row) => row.name,
      lastUsedAt: (row) => row.last_used_at ?? -1,
      expiresAt: (row) => row.expires_at ?? Infinity,
    }
    for (const few of [false, true]) {
      // Tokens of a name are counted one by one, those of all are not.
      const filter: TokenFilter = few ? { status, name: 'T1' } : { status }
      const rows = all.filter((row) => {
        const is = row.revoked_at !== null ? 'revoked' : isOver(row) ? 'expired' : 'active'
        return (status === undefined || is === status) && (!few || row.name.includes('t1'))
      })
      for (const [name, of] of Object.entries(orders)) {
        for (const [index, page] of pagesOf(rows.length).entries()) {
          const sort = `${index % 2 === 0 ? '-' : ''}${name}`
          const { data, total } = await manager.listTokens(filter, { sort, page })
          expect([sort, page, total, data.map(({ id }) => id)]).toEqual([
            sort,
            page,
            rows.length,
            pageOf(rows, of, index % 2 === 0, page),
          ])
        }
      }
    }
  })

  test('a token that expires at another time is counted there', async () => {
    const manager = new TokenManager(world.db, { clock: world.clock })
    const before = (await manager.listTokens({ status: 'active' })).total
    await world.rows("UPDATE api_tokens SET expires_at = 1 WHERE id = 'tok00006'")
    expect(await manager.listTokens({ status: 'active' })).toMatchObject({ total: before - 1 })
    await world.rows("UPDATE api_tokens SET expires_at = NULL WHERE id = 'tok00006'")
    expect(await manager.listTokens({ status: 'active' })).toMatchObject({ total: before })
    expect(await verifyKeptSums(world.db)).toEqual([])
  })

  test.each(['admin', 'viewer', 'user'] as const)('users: %s', async (role) => {
    const users = usersOn(world.db)
    const all = await world.rows<User>('SELECT * FROM users')
    for (const status of [undefined, 'active', 'suspended', 'deleted'] as const) {
      const filter: UserFilter = { role, status }
      const rows = all.filter((row) => {
        const is = row.deleted_at !== null ? 'deleted' : row.suspended_at !== null ? 'suspended' : 'active'
        return row.role === role && (status === undefined ? is !== 'deleted' : is === status)
      })
      for (const [sort, of] of [
        ['-createdAt', (row: User) => row.created_at],
        ['username', (row: User) => row.username_key],
      ] as const) {
        for (const page of pagesOf(rows.length)) {
          const { data, total } = await users.listUsers(filter, { sort, page })
          const wanted = pageOf(rows, of, sort.startsWith('-'), page)
          expect([status, sort, page, total, data.map(({ id }) => id)]).toEqual([
            status,
            sort,
            page,
            rows.length,
            wanted,
          ])
        }
      }
    }
  })

  /** One spelling for all cases of a character that have one character. */
  const folded = (text: string): string =>
    Array.from(text, (c) => (Array.from(c.toUpperCase()).length === 1 ? c.toUpperCase() : c)).join('')

  test.each(TEXTS)('a text that is looked for: %j', async (text) => {
    const has = (...texts: readonly (string | null)[]): boolean =>
      texts.some((one) => one !== null && folded(one).includes(folded(text)))
    const manager = new TokenManager(world.db, { clock: world.clock })
    const tokens = (await world.rows<Token>('SELECT * FROM api_tokens')).filter(({ name }) => has(name))
    for (const [sort, of] of [
      ['-createdAt', (row: Token) => row.created_at],
      ['-lastUsedAt', (row: Token) => row.last_used_at ?? -1],
    ] as const) {
      for (const page of pagesOf(tokens.length)) {
        const { data, total } = await manager.listTokens({ name: text }, { sort, page: Math.max(1, page) })
        expect([sort, page, total]).toEqual([sort, page, tokens.length])
        expect(data.map(({ id }) => id)).toEqual(pageOf(tokens, of, true, page))
      }
    }
    const all = (await world.rows<User>('SELECT * FROM users')).filter((row) =>
      has(row.username_key, row.email, row.name),
    )
    for (const status of [undefined, 'active', 'suspended', 'deleted'] as const) {
      for (const role of [undefined, 'viewer', 'admin'] as const) {
        const rows = all.filter((row) => {
          const is = row.deleted_at !== null ? 'deleted' : row.suspended_at !== null ? 'suspended' : 'active'
          return (role === undefined || row.role === role) && (status === undefined ? is !== 'deleted' : is === status)
        })
        for (const page of pagesOf(rows.length)) {
          const options = { sort: 'username', page: Math.max(1, page) }
          const { data, total } = await usersOn(world.db).listUsers({ search: text, status, role }, options)
          expect([status, role, page, total]).toEqual([status, role, page, rows.length])
          expect(data.map(({ id }) => id)).toEqual(pageOf(rows, (row) => row.username_key, false, page))
        }
      }
    }
  })

  test('a rare text is looked for once', async () => {
    const searches = async (work: (tx: ReadTx) => Promise<unknown>): Promise<string[]> =>
      (await plansOf(world.db, work)).filter(({ sql }) => /LIKE|strpos/.test(sql)).map(({ plan }) => plan)
    const manager = new TokenManager(world.db, { clock: world.clock })
    const ofTokens = await searches((tx) => manager.listTokens({ name: '77' }, { tx }))
    const ofUsers = await searches((tx) => usersOn(world.db).listUsers({ search: 'person 77' }, { tx }))
    expect([ofTokens.length, ofUsers.length]).toEqual([1, 1])
    if (dialect === 'sqlite') {
      expect([...ofTokens, ...ofUsers]).toEqual(['SCAN t USING COVERING INDEX api_tokens_name', 'SCAN users'])
    }
  })

  test('keys by their last use', async () => {
    const keys = new ProviderKeyStorage(world.db, freshVault())
    const rows = (await world.rows<Token & { provider_id: string }>('SELECT * FROM provider_keys')).filter(
      ({ provider_id: id }) => id !== 'prov00003',
    )
    for (const page of [1, 3, 6]) {
      const { data, total } = await keys.list({}, { sort: '-lastUsedAt', page })
      expect(total).toBe(rows.length)
      expect(data.map(({ id }) => id)).toEqual(pageOf(rows, (row) => row.last_used_at ?? -1, true, page))
    }
  })
})
