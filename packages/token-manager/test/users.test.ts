import { describe, expect, test } from '@jest/globals'
import { createTestDb, enginesForTests } from '@iron/database/testing'
import fc from 'fast-check'
import { hashPassword, type NewUser, UserService } from '../src/index.ts'
import { emailKey, usernameKey } from '../src/users/account-keys.ts'
import { ADMIN, ANN, audited, TEST_COST, usersOn } from './support.ts'

describe.each(await enginesForTests())('UserService on %s', (dialect) => {
  test('creates a user in both ways of calling, with one audit entry each', async () => {
    await using test = await createTestDb({ dialect })
    const users = usersOn(test.db)
    const ann = await users.createUser('Ann', 'correct horse battery', ' Ann@Example.com ', 'viewer', 1)
    expect(ann).toEqual({
      id: expect.stringMatching(/^user_/),
      username: 'Ann',
      email: 'ann@example.com',
      name: null,
      role: 'viewer',
      status: 'active',
      forcePasswordChange: false,
      createdAt: test.clock.now(),
      lastLoginAt: null,
      suspendedAt: null,
      deletedAt: null,
    })
    expect(Object.isFrozen(ann)).toBe(true)
    const bob = await users.createUser(
      {
        username: 'bob',
        email: 'bob@example.com',
        password: 'correct horse battery',
        id: 'user-bob',
        name: ' Bob ',
        forcePasswordChange: true,
      },
      ADMIN,
    )
    expect(bob).toMatchObject({ id: 'user-bob', name: 'Bob', role: 'user', forcePasswordChange: true })
    expect(await users.getUser('user-bob')).toEqual(bob)
    expect(await users.getUser('user-none')).toBeUndefined()
    expect(await audited(test, { type: 'user', id: bob.id })).toEqual(['USER_CREATED'])
    const entries = await users.getUserAuditLog(bob.id)
    expect(entries).toHaveLength(1)
    expect(entries[0]).toMatchObject({
      operation: 'USER_CREATED',
      actor: { type: 'user', id: ADMIN },
      changes: { after: { username: 'bob', role: 'user' } },
    })
  })

  test('VAL-02 VAL-07 names every fault at once', async () => {
    await using test = await createTestDb({ dialect })
    const bad = { username: 'a b', email: 'nobody', password: 'short', role: 'root', name: '' } as unknown as NewUser
    await expect(usersOn(test.db).createUser(bad, ADMIN)).rejects.toMatchObject({
      code: 'VALIDATION_ERROR',
      details: {
        fields: {
          username: expect.any(String),
          email: expect.any(String),
          password: expect.any(String),
          role: expect.any(String),
          name: expect.any(String),
        },
      },
    })
    expect(await test.scalar('SELECT count(*) FROM users')).toBe(0)
  })

  test('AUT-17 VAL-16 VAL-17 one account per user name and e-mail, however they are written', async () => {
    await using test = await createTestDb({ dialect })
    const users = usersOn(test.db)
    const zoe = await users.createUser({ ...ANN, username: 'Zoé', email: 'zoé@example.com' }, ADMIN)
    const other = { ...ANN, username: 'other', email: 'other@example.com' }
    for (const username of ['zoé', 'ZOÉ', 'Zoé'.normalize('NFD'), 'Ｚoé', ' zoé ']) {
      await expect(users.createUser({ ...other, username }, ADMIN)).rejects.toMatchObject({
        code: 'DUPLICATE_USERNAME',
        details: { existing_id: zoe.id },
      })
    }
    for (const email of [
      'ZOÉ@Example.COM',
      ' zoé@example.com',
      'zoé@example.com'.normalize('NFD'),
      'zoé＠example.com',
    ]) {
      await expect(users.createUser({ ...other, email }, ADMIN)).rejects.toMatchObject({
        code: 'DUPLICATE_EMAIL',
        details: { existing_id: zoe.id },
      })
    }
    for (const hidden of ['\u200b', '\u200d', '\u202e', '\u2066', '\ufeff', '\u00ad', '\u034f', '\u3164', '\ufe0f']) {
      await expect(users.createUser({ ...other, username: `zo${hidden}é` }, ADMIN)).rejects.toMatchObject({
        code: 'VALIDATION_ERROR',
      })
      await expect(users.createUser({ ...other, email: `zo${hidden}é@example.com` }, ADMIN)).rejects.toMatchObject({
        code: 'VALIDATION_ERROR',
      })
    }
    expect(await test.scalar('SELECT count(*) FROM users')).toBe(1)
  })

  test('VAL-16 of twenty parallel calls for one name one creates', async () => {
    await using test = await createTestDb({ dialect })
    const users = usersOn(test.db)
    const password = await hashPassword(ANN.password as string, { cost: TEST_COST })
    const calls = Array.from({ length: 20 }, (_, index) =>
      users.createUser({ ...ANN, email: `ann${index}@example.com`, password }, ADMIN),
    )
    const settled = await Promise.allSettled(calls)
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const result of settled) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'DUPLICATE_USERNAME' })
    }
  })

  test('inside a transaction only a hash is taken, and a refusal leaves the transaction usable', async () => {
    await using test = await createTestDb({ dialect })
    const users = usersOn(test.db)
    const password = await hashPassword('correct horse battery', { cost: TEST_COST })
    await test.db.write(async (tx) => {
      await expect(users.createUser(ANN, ADMIN, { tx })).rejects.toMatchObject({ code: 'PASSWORD_NOT_HASHED' })
      await users.createUser({ ...ANN, password }, ADMIN, { tx })
      await expect(users.createUser({ ...ANN, password }, ADMIN, { tx })).rejects.toMatchObject({
        code: 'DUPLICATE_USERNAME',
      })
      await users.createUser({ ...ANN, username: 'bob', email: 'bob@example.com', password }, ADMIN, { tx })
    })
    expect(await test.scalar('SELECT count(*) FROM users')).toBe(2)
    await expect(users.createUser({ ...ANN, password: { passwordHash: 'plain text' } }, ADMIN)).rejects.toMatchObject({
      code: 'VALIDATION_ERROR',
    })
  })

  test('bootstrapAdmin works once, on an empty table, whoever calls at the same time', async () => {
    await using test = await createTestDb({ dialect })
    const users = usersOn(test.db)
    const calls = Array.from({ length: 5 }, (_, index) =>
      users.bootstrapAdmin({ ...ANN, username: `admin${index}`, email: `admin${index}@example.com` }),
    )
    const settled = await Promise.allSettled(calls)
    const created = settled.filter((result) => result.status === 'fulfilled')
    expect(created).toHaveLength(1)
    expect(created[0]?.value).toMatchObject({ role: 'admin', status: 'active' })
    for (const result of settled) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'ALREADY_BOOTSTRAPPED' })
    }
    await expect(users.bootstrapAdmin(ANN)).rejects.toMatchObject({ code: 'ALREADY_BOOTSTRAPPED' })
  })

  test('isOnlyActiveAdmin knows the last one', async () => {
    await using test = await createTestDb({ dialect })
    const users = usersOn(test.db)
    const first = await users.bootstrapAdmin(ANN)
    expect(await users.isOnlyActiveAdmin(first.id)).toBe(true)
    const second = await users.createUser(
      { ...ANN, username: 'bob', email: 'bob@example.com', role: 'admin' },
      first.id,
    )
    expect(await users.isOnlyActiveAdmin(first.id)).toBe(false)
    await test.rows('UPDATE users SET suspended_at = 1 WHERE id = ?', second.id)
    expect(await users.isOnlyActiveAdmin(first.id)).toBe(true)
    expect(await users.isOnlyActiveAdmin(second.id)).toBe(false)
  })

  test('AUT-15 what is stored is a bcrypt hash of the given cost', async () => {
    await using test = await createTestDb({ dialect })
    await usersOn(test.db).createUser(ANN, ADMIN)
    expect(await test.scalar('SELECT password_hash FROM users')).toMatch(/^\$2b\$04\$/)
  })
})

test('a service on a path opens its file itself', async () => {
  await using users = new UserService(':memory:', { bcryptCost: TEST_COST })
  const ann = await users.createUser(ANN, 1)
  expect(await users.getUser(ann.id)).toEqual(ann)
  expect(await users.getUserAuditLog(ann.id)).toHaveLength(1)
})

describe('account keys', () => {
  test('VAL-17 AUT-17 names that differ in case only are one name, whatever the case does to their letters', () => {
    expect(usernameKey('Straße')).toBe(usernameKey('STRASSE'))
    expect(usernameKey('ΣΊΣΥΦΟΣ')).toBe(usernameKey('σίσυφος'))
    expect(usernameKey('σίσυφοσ')).toBe(usernameKey('σίσυφος'))
    expect(emailKey('ΝΊΚΟΣ@example.com')).toBe(emailKey('νίκος@example.com'))
    // Mail to one of these does not reach the other.
    expect(emailKey('straße@example.com')).not.toBe(emailKey('strasse@example.com'))
  })

  test('VAL-17 a key is a fixed point: its own key is itself', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const key = usernameKey(text)
        expect(usernameKey(key)).toBe(key)
        expect(emailKey(emailKey(text))).toBe(emailKey(text))
        expect(usernameKey(text.toUpperCase())).toBe(key)
        expect(emailKey(text.toUpperCase().toLowerCase())).toBe(
          emailKey(text.toUpperCase().toLowerCase().normalize('NFKC')),
        )
      }),
    )
  })
})
