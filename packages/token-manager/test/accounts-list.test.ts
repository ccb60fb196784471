import { describe, expect, test } from '@jest/globals'
import type { Page } from '@iron/database'
import { createTestDb, enginesForTests, type TestDb } from '@iron/database/testing'
import fc from 'fast-check'
import type { UserFilter, UserService } from '../src/index.ts'
import { loggedIn, passwordHash, staffOf } from './accounts-support.ts'
import { sessionsOn } from './support.ts'

const PEOPLE = [
  { id: 'u1', username: 'zoe', email: 'zoe@example.com', name: 'Zoé Émile', role: 'user' },
  { id: 'u2', username: 'Bob_99', email: 'bob@example.org', name: '100% Bob', role: 'viewer' },
  { id: 'u3', username: 'carl', email: 'c.arl@example.com', name: 'ΣΊΣΥΦΟΣ [x]*?', role: 'admin' },
  { id: 'u4', username: 'dora', email: 'dora@example.com', name: null, role: 'user' },
  { id: 'u5', username: 'Émile', email: 'straße@example.com', name: 'O\'Neil \\ "x" ^-$.|(){}+', role: 'user' },
] as const

async function people(test: TestDb): Promise<UserService> {
  const { users, admin } = await staffOf(test.db)
  const password = await passwordHash()
  await users.deleteUser((await users.listUsers({ search: 'ann@' })).data[0]?.id ?? '', admin.id)
  for (const { name, ...person } of PEOPLE) {
    test.clock.advance(10)
    await users.createUser({ ...person, password, ...(name !== null && { name }) }, admin.id)
  }
  await test.db.write((tx) => users.requireOwner('u6', admin.id, { tx, provision: true }))
  await users.suspendUser('u4', admin.id)
  await users.deleteUser('u5', admin.id)
  return users
}

const ids = async (users: UserService, filter: UserFilter = {}, page: Page = {}): Promise<string[]> =>
  (await users.listUsers(filter, page)).data.map(({ id }) => (id.startsWith('user_') ? 'root' : id))

describe.each(await enginesForTests())('listUsers on %s', (dialect) => {
  test('shows active and suspended users unless asked for others; filters are ANDed', async () => {
    await using test = await createTestDb({ dialect })
    const users = await people(test)
    expect(await ids(users)).toEqual(['u6', 'u4', 'u3', 'u2', 'u1', 'root'])
    expect(await ids(users, { status: 'active' })).toEqual(['u6', 'u3', 'u2', 'u1', 'root'])
    expect(await ids(users, { status: 'suspended' })).toEqual(['u4'])
    expect(await ids(users, { status: 'deleted' })).toEqual(['u5', 'root'])
    expect(await ids(users, { role: 'admin' })).toEqual(['u3', 'root'])
    expect(await ids(users, { role: 'user', status: 'active', search: 'ZOE' })).toEqual(['u1'])
    const [first] = (await users.listUsers({ search: 'zoe' })).data
    expect(first).toEqual(await users.getUser('u1'))
  })

  test('VAL-11 VAL-08 a search is literal, whatever its case and the script', async () => {
    await using test = await createTestDb({ dialect })
    const users = await people(test)
    const cases: [search: string, expected: string[]][] = [
      ['BOB_', ['u2']],
      ['b_b', []],
      ['%', ['u2']],
      ['0% b', ['u2']],
      ['_', ['u2']],
      ['@EXAMPLE.com', ['u4', 'u3', 'u1', 'root']],
      ['éMI', ['u1']],
      ['É', ['u1']],
      ['e\u0301mile', ['u1']],
      ['σίσυφος', ['u3']],
      ['ＣＡＲＬ', ['u3']],
      ['[X]', ['u3']],
      ['*', ['u3']],
      ['?', ['u3']],
      ['  dora  ', ['u4']],
      ['[a-z]', []],
      ['.*', []],
      ['^', []],
      ["' OR 1=1 --", []],
      ['u6', ['u6']],
    ]
    for (const [search, expected] of cases) {
      expect({ search, found: await ids(users, { search }) }).toEqual({ search, found: expected })
    }
  })

  test('VAL-11 every special character is found in a name that has it', async () => {
    await using test = await createTestDb({ dialect })
    const users = await people(test)
    for (const search of Array.from('\'\\"^-$|(){}+')) {
      expect({ search, found: await ids(users, { search, status: 'deleted' }) }).toEqual({ search, found: ['u5'] })
    }
    expect(await ids(users, { search: PEOPLE[4].name.toUpperCase(), status: 'deleted' })).toEqual(['u5'])
    expect(await ids(users, { search: 'STRASSE', status: 'deleted' })).toEqual([])
    expect(await ids(users, { search: 'STRAßE', status: 'deleted' })).toEqual(['u5'])
  })

  test('DAT-19 sorts with ties by id and never-weres first, the same on both engines', async () => {
    await using test = await createTestDb({ dialect })
    const users = await people(test)
    const sessions = sessionsOn(test.db)
    for (const email of ['zoe@example.com', 'bob@example.org']) {
      test.clock.advance(10)
      await loggedIn(sessions, email)
    }
    const sorted = (sort: string): Promise<string[]> => ids(users, {}, { sort })
    expect(await sorted('createdAt')).toEqual(['root', 'u1', 'u2', 'u3', 'u4', 'u6'])
    expect(await sorted('username')).toEqual(['u2', 'u3', 'u4', 'root', 'u6', 'u1'])
    expect(await sorted('-username')).toEqual(['u1', 'u6', 'root', 'u4', 'u3', 'u2'])
    expect(await sorted('email')).toEqual(['u6', 'u2', 'u3', 'u4', 'root', 'u1'])
    expect(await sorted('-email')).toEqual(['u1', 'root', 'u4', 'u3', 'u2', 'u6'])
    expect(await sorted('lastLoginAt')).toEqual(['u3', 'u4', 'u6', 'root', 'u1', 'u2'])
    expect(await sorted('-lastLoginAt')).toEqual(['u2', 'u1', 'root', 'u6', 'u4', 'u3'])
  })

  test('VAL-10 pages of true totals, past the end too', async () => {
    await using test = await createTestDb({ dialect })
    const users = await people(test)
    const seen: string[] = []
    for (let page = 1; page <= 3; page += 1) seen.push(...(await ids(users, {}, { page, perPage: 2, sort: 'email' })))
    expect(seen).toEqual(['u6', 'u2', 'u3', 'u4', 'root', 'u1'])
    const past = await users.listUsers({ search: 'example.com' }, { page: 9, perPage: 2 })
    expect(past).toEqual({ data: [], page: 9, perPage: 2, total: 4 })
    for (const page of [{ page: 0 }, { perPage: 101 }, { sort: 'passwordHash' }, { sort: '__proto__' }]) {
      await expect(users.listUsers({}, page)).rejects.toMatchObject({ code: 'VALIDATION_ERROR' })
    }
  })

  test('VAL-02 VAL-11 unknown roles and states and long searches are refused, all at once; a blank search finds all', async () => {
    await using test = await createTestDb({ dialect })
    const { users } = await staffOf(test.db)
    const filter = { role: 'root', status: 'gone', search: 'x'.repeat(256) } as unknown as UserFilter
    await expect(users.listUsers(filter)).rejects.toMatchObject({
      code: 'VALIDATION_ERROR',
      details: { fields: { role: expect.any(String), status: expect.any(String), search: expect.any(String) } },
    })
    expect((await users.listUsers({ search: '  ' })).total).toBe((await users.listUsers()).total)
    for (const search of ['x'.repeat(256), 'a\0b', '\ud800', null, 7] as string[]) {
      await expect(users.listUsers({ search })).rejects.toMatchObject({ code: 'VALIDATION_ERROR' })
    }
  })

  test('VAL-11 what is in a name is found by any part of it, and nothing else is', async () => {
    await using test = await createTestDb({ dialect })
    const { users, admin, ann } = await staffOf(test.db)
    const text = fc.string({
      unit: fc.constantFrom(...Array.from('aAéÉßσΣς*?[]^-\\%_.$|(){}+😀 1')),
      minLength: 1,
      maxLength: 12,
    })
    await fc.assert(
      fc.asyncProperty(text, text, fc.nat(), fc.nat(), async (name, other, from, length) => {
        fc.pre(name.trim() !== '')
        const stored = (await users.updateUser(ann.id, { name }, admin.id)).name ?? ''
        const characters = Array.from(stored)
        const start = from % characters.length
        const part = characters
          .slice(start, start + 1 + (length % characters.length))
          .join('')
          .trim()
        const find = async (search: string) => (await users.listUsers({ search })).data.some(({ id }) => id === ann.id)
        for (const search of [part, part.toLowerCase()]) if (search !== '') expect(await find(search)).toBe(true)
        const folded = (value: string) => Array.from(value.trim().normalize('NFC'), (c) => fold(c)).join('')
        if (other.trim() !== '' && !'ann@example.com'.includes(other.trim().toLowerCase())) {
          expect(await find(other)).toBe(folded(stored).includes(folded(other)))
        }
      }),
      { numRuns: dialect === 'sqlite' ? 200 : 60 },
    )
  })
})

/** One spelling for all cases of a character that have one character. */
function fold(character: string): string {
  const upper = character.toUpperCase()
  return Array.from(upper).length === 1 ? upper : character
}
