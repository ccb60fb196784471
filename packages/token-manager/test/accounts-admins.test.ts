import { describe, expect, test } from '@jest/globals'
import { type IronDatabase, openDatabase } from '@iron/database'
import { createTestDb, enginesForTests, type TestDb } from '@iron/database/testing'
import type { ActorRef } from '@iron/journal'
import type { TokenManagerError, User, UserService } from '../src/index.ts'
import { decideDeletion, decideRole, decideSuspension } from '../src/users/decide-change.ts'
import { entriesAbout, loggedIn, passwordHash, staffOf, whileHeld } from './accounts-support.ts'
import { audited, usersOn } from './support.ts'

/** What removes an active admin, and what a second removal of the same one answers. */
const REMOVALS = {
  demote: {
    run: (users: UserService, id: string, actor: ActorRef) => users.changeUserRole(id, 'user', actor),
    again: 'fulfilled',
    operation: 'USER_ROLE_CHANGED',
  },
  suspend: {
    run: (users: UserService, id: string, actor: ActorRef) => users.suspendUser(id, actor),
    again: 'USER_ALREADY_SUSPENDED',
    operation: 'USER_SUSPENDED',
  },
  delete: {
    run: (users: UserService, id: string, actor: ActorRef) => users.deleteUser(id, actor),
    again: 'USER_NOT_FOUND',
    operation: 'USER_DELETED',
  },
} as const
const KINDS = Object.keys(REMOVALS) as (keyof typeof REMOVALS)[]
const ATTEMPTS = 20

async function twoAdmins(test: TestDb): Promise<readonly [User, User]> {
  const { users, admin } = await staffOf(test.db)
  const eve = { username: 'eve', email: 'eve@example.com', role: 'admin', password: await passwordHash() } as const
  return [admin, await users.createUser(eve, admin.id)]
}

async function activeAdmins(test: TestDb): Promise<readonly string[]> {
  const rows = await test.rows<{ id: string }>(
    "SELECT id FROM users WHERE role = 'admin' AND suspended_at IS NULL AND deleted_at IS NULL",
  )
  return rows.map(({ id }) => id)
}

const outcomeOf = (result: PromiseSettledResult<unknown>): string =>
  result.status === 'fulfilled' ? 'fulfilled' : (result.reason as TokenManagerError).code

describe.each(await enginesForTests())('admins on %s', (dialect) => {
  /** The database as two processes have it open, where the engine lets them. */
  async function handles(test: TestDb): Promise<readonly IronDatabase[]> {
    if (dialect === 'sqlite') return [test.db, test.db]
    return [test.db, await openDatabase(test.db.url, { migrations: 'verify', clock: test.clock })]
  }

  test.each(KINDS)('CON-19 ACL-10 of two admins who %s each other at once exactly one stays', async (kind) => {
    await using test = await createTestDb({ dialect })
    const [one, other] = await twoAdmins(test)
    const [here, there] = await handles(test)
    const { run, again, operation } = REMOVALS[kind]
    const attempts = Array.from({ length: ATTEMPTS }, async (_, index) => {
      const users = usersOn((index % 4 < 2 ? here : there) as IronDatabase)
      const [actor, id] = index % 2 === 0 ? [one.id, other.id] : [other.id, one.id]
      return { id, outcome: outcomeOf((await Promise.allSettled([run(users, id, actor)]))[0]) }
    })
    const done = await Promise.all(attempts)
    if (there !== test.db) await there?.close()
    const [left, ...none] = await activeAdmins(test)
    expect(none).toEqual([])
    const gone = left === one.id ? other.id : one.id
    const expected = ['fulfilled', ...Array<string>(ATTEMPTS / 2 - 1).fill(again)]
    expect(
      done
        .filter(({ id }) => id === gone)
        .map(({ outcome }) => outcome)
        .sort(),
    ).toEqual(expected.sort())
    expect(done.filter(({ id }) => id === left).map(({ outcome }) => outcome)).toEqual(
      Array(ATTEMPTS / 2).fill('LAST_ADMIN'),
    )
    expect((await audited(test)).filter((known) => known === operation)).toHaveLength(1)
  })

  test('CON-19 demoting, suspending and deleting each other in any mixture leaves one active admin', async () => {
    await using test = await createTestDb({ dialect })
    const [one, other] = await twoAdmins(test)
    const users = usersOn(test.db)
    const done = await Promise.all(
      Array.from({ length: ATTEMPTS }, async (_, index) => {
        const [actor, id] = index % 2 === 0 ? [one.id, other.id] : [other.id, one.id]
        const { run } = REMOVALS[KINDS[index % KINDS.length] as (typeof KINDS)[number]]
        return { id, outcome: outcomeOf((await Promise.allSettled([run(users, id, actor)]))[0]) }
      }),
    )
    const [left, ...none] = await activeAdmins(test)
    expect(none).toEqual([])
    const onLeft = done.filter(({ id }) => id === left).map(({ outcome }) => outcome)
    expect(onLeft).toEqual(Array(ATTEMPTS / 2).fill('LAST_ADMIN'))
  })

  test.each(KINDS)('ACL-10 the last active admin cannot be removed (%s), by whomever', async (kind) => {
    await using test = await createTestDb({ dialect })
    const [one, other] = await twoAdmins(test)
    const users = usersOn(test.db)
    await users.suspendUser(other.id, one.id)
    for (const actor of [other.id, 1, { type: 'system', id: 'system:test' } as const]) {
      await expect(REMOVALS[kind].run(users, one.id, actor)).rejects.toMatchObject({
        code: 'LAST_ADMIN',
        retryable: false,
      })
    }
    // Whoever is suspended is no active admin: taking that one away leaves as many as before.
    await REMOVALS[kind === 'suspend' ? 'demote' : kind].run(users, other.id, one.id)
    await users.updateUser(one.id, { name: 'still here' }, one.id)
    expect(await activeAdmins(test)).toEqual([one.id])
  })

  test('ACL-09 nobody suspends, deletes or re-roles the own account, through whatever credential', async () => {
    await using test = await createTestDb({ dialect })
    const [one] = await twoAdmins(test)
    const users = usersOn(test.db)
    const numbered = await users.createUser(
      { username: 'seven', email: 'seven@x', id: '7', password: await passwordHash() },
      one.id,
    )
    const selves: [string, ActorRef][] = [
      [one.id, one.id],
      [one.id, { type: 'user', id: one.id }],
      [one.id, { type: 'api_token', id: 'tok_1', userId: one.id }],
      [numbered.id, 7],
    ]
    for (const [id, actor] of selves) {
      for (const kind of KINDS) {
        await expect(REMOVALS[kind].run(users, id, actor)).rejects.toMatchObject({
          code: 'SELF_MODIFICATION_FORBIDDEN',
        })
      }
      await expect(users.changeUserRole(id, 'admin', actor)).rejects.toMatchObject({
        code: 'SELF_MODIFICATION_FORBIDDEN',
      })
    }
    expect(await entriesAbout(test, one.id)).toEqual([])
  })

  test('AUT-07 a new role is in force at once and recorded; the same role is neither', async () => {
    await using test = await createTestDb({ dialect })
    const { users, sessions, admin, ann } = await staffOf(test.db)
    const { accessToken } = await loggedIn(sessions)
    const before = await users.changeUserRole(ann.id, 'user', admin.id)
    expect(before).toEqual(await users.getUser(ann.id))
    test.clock.advance(5)
    expect(await users.changeUserRole(ann.id, 'viewer', admin.id)).toEqual({ ...before, role: 'viewer' })
    expect(await sessions.authenticate(accessToken)).toMatchObject({ principal: { role: 'viewer' } })
    expect(await entriesAbout(test, ann.id)).toMatchObject([
      { operation: 'USER_ROLE_CHANGED', changes: { before: { role: 'user' }, after: { role: 'viewer' } } },
    ])
    for (const role of ['root', '', null, 'Admin', '__proto__']) {
      await expect(users.changeUserRole(ann.id, role as 'user', admin.id)).rejects.toMatchObject({
        code: 'VALIDATION_ERROR',
        details: { fields: { role: expect.any(String) } },
      })
    }
  })

  test('ACL-10 twenty suspensions of one user at once: one suspends, and one entry tells of it', async () => {
    await using test = await createTestDb({ dialect })
    const { users, sessions, admin, ann } = await staffOf(test.db)
    await loggedIn(sessions)
    const settled = await Promise.allSettled(
      Array.from({ length: ATTEMPTS }, () => users.suspendUser(ann.id, admin.id)),
    )
    const outcomes = settled.map(outcomeOf).sort()
    expect(outcomes).toEqual([...Array<string>(ATTEMPTS - 1).fill('USER_ALREADY_SUSPENDED'), 'fulfilled'])
    const activated = await Promise.allSettled(
      Array.from({ length: ATTEMPTS }, () => users.activateUser(ann.id, admin.id)),
    )
    expect(activated.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const operations = (await entriesAbout(test, ann.id)).map(({ operation }) => operation)
    expect(operations).toEqual(['USER_SUSPENDED', 'USER_ACTIVATED'])
  })

  test('VAL-16 of twenty users renamed to one name at once one gets it', async () => {
    await using test = await createTestDb({ dialect })
    const { users, admin } = await staffOf(test.db)
    const password = await passwordHash()
    const ids: string[] = []
    for (let index = 0; index < ATTEMPTS; index += 1) {
      const user = { username: `user${index}`, email: `user${index}@example.com`, password }
      ids.push((await users.createUser(user, admin.id)).id)
    }
    const settled = await Promise.allSettled(ids.map((id) => users.updateUser(id, { email: 'wanted@x' }, admin.id)))
    const outcomes = settled.map(outcomeOf).sort()
    expect(outcomes).toEqual([...Array<string>(ATTEMPTS - 1).fill('DUPLICATE_EMAIL'), 'fulfilled'])
  })

  test.each(['suspend', 'delete'] as const)('ACL-16 CON-23 %s waits for whatever holds the owner', async (kind) => {
    await using test = await createTestDb({ dialect })
    const { users, admin, ann } = await staffOf(test.db)
    const order = await whileHeld(test, `owner:${ann.id}`, () => REMOVALS[kind].run(users, ann.id, admin.id))
    expect(order).toEqual(['held', 'changed'])
  })
})

describe('decisions', () => {
  const active = { suspended_at: null, role: 'admin' } as const
  const suspended = { ...active, suspended_at: 1 }
  const facts = (isSelf: boolean, isOnlyActiveAdmin: boolean) => ({ isSelf, isOnlyActiveAdmin })

  test.each([
    [active, facts(true, true), 'SELF_MODIFICATION_FORBIDDEN'],
    [suspended, facts(true, false), 'SELF_MODIFICATION_FORBIDDEN'],
    [suspended, facts(false, false), 'USER_ALREADY_SUSPENDED'],
    [active, facts(false, true), 'LAST_ADMIN'],
    [active, facts(false, false), 'suspend'],
  ])('suspension %#', (user, known, expected) => {
    expect(decideSuspension(user, known)).toBe(expected)
  })

  test.each([
    [facts(true, true), 'SELF_MODIFICATION_FORBIDDEN'],
    [facts(true, false), 'SELF_MODIFICATION_FORBIDDEN'],
    [facts(false, true), 'LAST_ADMIN'],
    [facts(false, false), 'delete'],
  ])('deletion %#', (known, expected) => {
    expect(decideDeletion(known)).toBe(expected)
  })

  test.each([
    ['admin', facts(true, true), 'SELF_MODIFICATION_FORBIDDEN'],
    ['user', facts(true, false), 'SELF_MODIFICATION_FORBIDDEN'],
    ['admin', facts(false, true), 'unchanged'],
    ['user', facts(false, true), 'LAST_ADMIN'],
    ['viewer', facts(false, false), 'change'],
  ] as const)('role %#', (role, known, expected) => {
    expect(decideRole(active, role, known)).toBe(expected)
  })
})
