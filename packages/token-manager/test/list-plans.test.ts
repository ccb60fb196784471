/** Lists of one owner and lists in the order of an index read what they show; a limit is decided without looking at other owners. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { ReadTx } from '@iron/database'
import { createTestDb, enginesForTests, plansOf, type TestDb } from '@iron/database/testing'
import { LimitEnforcer, ProviderCatalog, ProviderKeyStorage, TokenManager } from '../src/index.ts'
import { freshVault, sessionsOn, usersOn } from './support.ts'

interface Listed {
  readonly name: string
  readonly read: (test: TestDb, tx: ReadTx) => Promise<unknown>
  readonly index: RegExp
  /** Sorts that a plan may hold: of the rows of one page, and of what one owner or provider has. */
  readonly sorts: number
}

const LISTS: readonly Listed[] = [
  { name: 'users', read: ({ db }, tx) => usersOn(db).listUsers({}, { tx }), index: /users_created/, sorts: 1 },
  {
    name: 'users by name',
    read: ({ db }, tx) => usersOn(db).listUsers({}, { sort: 'username', tx }),
    index: /users_username/,
    sorts: 1,
  },
  {
    name: 'users by e-mail',
    read: ({ db }, tx) => usersOn(db).listUsers({}, { sort: 'email', tx }),
    index: /users_email_order/,
    sorts: 1,
  },
  {
    name: 'tokens',
    read: ({ db }, tx) => new TokenManager(db).listTokens({}, { tx }),
    index: /api_tokens_created/,
    sorts: 1,
  },
  {
    name: 'tokens by name',
    read: ({ db }, tx) => new TokenManager(db).listTokens({}, { sort: 'name', tx }),
    index: /api_tokens_name/,
    sorts: 1,
  },
  { name: 'limits', read: ({ db }, tx) => new LimitEnforcer(db).list({}, { tx }), index: /limits_created/, sorts: 1 },
  {
    name: 'keys',
    read: ({ db }, tx) => new ProviderKeyStorage(db, freshVault()).list({}, { tx }),
    index: /provider_keys_created/,
    sorts: 1,
  },
  {
    name: 'sessions of a user',
    read: ({ db }, tx) => sessionsOn(db).list({ userId: 'u' }, { tx }),
    index: /sessions_user/,
    sorts: 1,
  },
  {
    name: 'tokens of an owner',
    read: ({ db }, tx) => new TokenManager(db).listTokens({ ownerId: 'u' }, { tx }),
    index: /api_tokens_owner/,
    sorts: 1,
  },
  {
    name: 'limits of an owner',
    read: ({ db }, tx) => new LimitEnforcer(db).list({ ownerId: 'u' }, { tx }),
    index: /limits_general[^]*limits_project/,
    sorts: 2,
  },
  {
    name: 'the room that a limit leaves',
    read: ({ db }, tx) => new LimitEnforcer(db).room('u', { tx }),
    // Of this owner alone, not of all.
    index:
      /budget_sums USING PRIMARY KEY \(owner_id=\?\)|budget_sums_pkey( on budget_sums)?\s+Index Cond: .*owner_id = 'u'/,
    sorts: 0,
  },
  {
    name: 'providers by name',
    read: ({ db }, tx) => new ProviderCatalog(db).list({}, { tx }),
    index: /providers_name/,
    sorts: 1,
  },
  {
    name: 'keys of a provider',
    read: ({ db }, tx) => new ProviderKeyStorage(db, freshVault()).list({ providerId: 'p' }, { tx }),
    index: /provider_keys_provider/,
    sorts: 1,
  },
]

describe.each(await enginesForTests())('lists on %s', (dialect) => {
  let world: TestDb

  beforeAll(async () => {
    world = await createTestDb({ dialect })
  })
  afterAll(async () => {
    await world.close()
  })

  test.each(LISTS)('$name: $index', async ({ read, index, sorts }) => {
    const statements = await plansOf(world.db, (tx) => read(world, tx))
    const plans = statements.map(({ plan }) => plan).join('\n')
    expect(plans).toMatch(index)
    expect(plans).not.toMatch(/Seq Scan|^SCAN (?!owner_reserved)\w+$/m)
    const whole = dialect === 'sqlite' ? /USE TEMP B-TREE FOR ORDER BY/g : /(?<!Incremental )\bSort$/gm
    expect([...plans.matchAll(whole)].length).toBeLessThanOrEqual(sorts)
  })
})
