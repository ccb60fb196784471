import { describe, expect, test } from '@jest/globals'
import { createTestDb, enginesForTests } from '@iron/database/testing'
import { AuditLog } from '@iron/journal'
import { type NewUser, UserService } from '../src/index.ts'
import { entriesAbout, failLogins, insertApiToken, loggedIn, passwordHash, staffOf } from './accounts-support.ts'
import { ANN, audited, TEST_COST, usersOn } from './support.ts'

const EMAIL = ANN.email
const PASSWORD = ANN.password as string

test('the quick start: created, suspended and re-roled by an actor whom nobody knows', async () => {
  await using service = new UserService(':memory:', { bcryptCost: TEST_COST })
  const user = await service.createUser('john_doe', 'SecurePass123!', 'john@example.com', 'user', 1)
  await service.suspendUser(user.id, 1, 'Violates acceptable use policy')
  await service.changeUserRole(user.id, 'admin', 1)
  const entries = await service.getUserAuditLog(user.id)
  expect(entries.map(({ operation }) => operation)).toEqual(['USER_ROLE_CHANGED', 'USER_SUSPENDED', 'USER_CREATED'])
  expect(entries.map(({ actor }) => actor)).toEqual(Array(3).fill({ type: 'user', id: '1', userId: '1' }))
})

describe.each(await enginesForTests())('accounts on %s', (dialect) => {
  describe('updateUser', () => {
    test('VAL-05 an absent field stays, null clears the name, and the entry has only what changed', async () => {
      await using test = await createTestDb({ dialect })
      const { users, admin, ann } = await staffOf(test.db)
      test.clock.advance(5)
      const named = await users.updateUser(ann.id, { name: ' Ann Smith ' }, admin.id)
      expect(named).toEqual({ ...ann, name: 'Ann Smith' })
      const renamed = await users.updateUser(ann.id, { username: 'Anna', email: ' Anna@Example.com' }, admin.id)
      expect(renamed).toEqual({ ...named, username: 'Anna', email: 'anna@example.com' })
      expect(await users.updateUser(ann.id, { name: null }, admin.id)).toEqual({ ...renamed, name: null })
      expect((await entriesAbout(test, ann.id)).map(({ operation, changes }) => ({ operation, changes }))).toEqual([
        { operation: 'USER_UPDATED', changes: { before: { name: null }, after: { name: 'Ann Smith' } } },
        {
          operation: 'USER_UPDATED',
          changes: {
            before: { username: 'ann', email: EMAIL },
            after: { username: 'Anna', email: 'anna@example.com' },
          },
        },
        { operation: 'USER_UPDATED', changes: { before: { name: 'Ann Smith' }, after: { name: null } } },
      ])
      expect(await test.scalar('SELECT updated_at FROM users WHERE id = ?', ann.id)).toBe(test.clock.now())
    })

    test('VAL-05 VAL-02 an update without fields is refused on $, and every fault is named', async () => {
      await using test = await createTestDb({ dialect })
      const { users, admin, ann } = await staffOf(test.db)
      for (const change of [{}, { name: undefined }, { role: 'admin' } as object]) {
        await expect(users.updateUser(ann.id, change, admin.id)).rejects.toMatchObject({
          code: 'VALIDATION_ERROR',
          details: { fields: { $: expect.any(String) } },
        })
      }
      const bad = { username: null, email: null, name: '   ' } as unknown as NewUser
      await expect(users.updateUser(ann.id, bad, admin.id)).rejects.toMatchObject({
        details: { fields: { username: expect.any(String), email: expect.any(String), name: expect.any(String) } },
      })
      expect(await users.getUser(ann.id)).toEqual(ann)
    })

    test('AUT-13 another e-mail neither lifts the lock of an account nor brings one', async () => {
      await using test = await createTestDb({ dialect })
      const { users, sessions, admin, ann } = await staffOf(test.db)
      await failLogins(sessions, 10)
      await failLogins(sessions, 10, 'anna@example.com')
      await users.updateUser(ann.id, { email: 'new@example.com' }, admin.id)
      expect((await sessions.login('new@example.com', PASSWORD)).outcome).toBe('locked')
      expect((await sessions.login(EMAIL, PASSWORD)).outcome).toBe('invalid_credentials')
      await users.unlockUser(ann.id, admin.id)
      await users.updateUser(ann.id, { email: 'anna@example.com' }, admin.id)
      expect((await sessions.login('anna@example.com', PASSWORD)).outcome).toBe('ok')
    })

    test('AUT-13 what was tried before there was an account is not held against it', async () => {
      await using test = await createTestDb({ dialect })
      const { users, sessions, admin } = await staffOf(test.db)
      await failLogins(sessions, 10, 'bob@example.com')
      const bob = { username: 'bob', email: 'bob@example.com', password: await passwordHash() }
      await users.createUser(bob, admin.id)
      expect((await sessions.login(bob.email, PASSWORD)).outcome).toBe('ok')
    })

    test('CON-14 two accounts that move to new e-mails at once both arrive', async () => {
      await using test = await createTestDb({ dialect })
      const { users, admin, ann } = await staffOf(test.db)
      for (const [one, other] of [
        ['a@example.com', 'b@example.com'],
        ['c@example.com', 'd@example.com'],
      ] as const) {
        await Promise.all([
          users.updateUser(ann.id, { email: one }, admin.id),
          users.updateUser(admin.id, { email: other }, admin.id),
        ])
        expect([(await users.getUser(ann.id))?.email, (await users.getUser(admin.id))?.email]).toEqual([one, other])
      }
    })

    test('what is equal already is not changed and not recorded, in whatever form it is written', async () => {
      await using test = await createTestDb({ dialect })
      const { users, admin, ann } = await staffOf(test.db)
      test.clock.advance(5)
      const same = await users.updateUser(
        ann.id,
        { username: ' ann ', email: ' ANN@example.com', name: null },
        admin.id,
      )
      expect(same).toEqual(ann)
      expect(await entriesAbout(test, ann.id)).toEqual([])
      // The spelling of the own user name may change, although it stays the same name.
      expect(await users.updateUser(ann.id, { username: 'ANN' }, admin.id)).toMatchObject({ username: 'ANN' })
    })

    test('VAL-16 VAL-17 a user name or e-mail of another user is refused, that of a deleted one is free', async () => {
      await using test = await createTestDb({ dialect })
      const { users, admin, ann } = await staffOf(test.db)
      const changes = [
        [{ username: 'ＲＯＯＴ' }, 'DUPLICATE_USERNAME'],
        [{ email: ' ROOT@example.com ' }, 'DUPLICATE_EMAIL'],
        [{ username: 'Root', email: 'root@example.com', name: 'x' }, 'DUPLICATE_USERNAME'],
      ] as const
      for (const [change, code] of changes) {
        await expect(users.updateUser(ann.id, change, admin.id)).rejects.toMatchObject({
          code,
          details: { existing_id: admin.id },
        })
      }
      for (const username of ['ro\u200bot', 'ro\u202eot', 'root\n']) {
        await expect(users.updateUser(ann.id, { username }, admin.id)).rejects.toMatchObject({
          code: 'VALIDATION_ERROR',
        })
      }
      expect(await users.getUser(ann.id)).toEqual(ann)
      const bob = { username: 'bob', email: 'bob@example.com' }
      const { id } = await users.createUser({ ...bob, password: await passwordHash() }, admin.id)
      await users.deleteUser(id, admin.id)
      expect(await users.updateUser(ann.id, bob, admin.id)).toMatchObject(bob)
    })

    test('VAL-16 a duplicate leaves the transaction of its caller usable', async () => {
      await using test = await createTestDb({ dialect })
      const { users, admin, ann } = await staffOf(test.db)
      await test.db.write(async (tx) => {
        await expect(users.updateUser(ann.id, { username: 'root' }, admin.id, { tx })).rejects.toMatchObject({
          code: 'DUPLICATE_USERNAME',
        })
        await users.updateUser(ann.id, { name: 'Ann' }, admin.id, { tx })
      })
      expect(await users.getUser(ann.id)).toMatchObject({ username: 'ann', name: 'Ann' })
    })

    test('AUT-23 users who change only their own name update a profile', async () => {
      await using test = await createTestDb({ dialect })
      const { users, ann } = await staffOf(test.db)
      const session = { type: 'user', id: ann.id, role: 'user', ip: '10.1.2.3', requestId: 'r-1' } as const
      await users.updateUser(ann.id, { name: 'Ann', username: 'ann' }, session)
      await users.updateUser(ann.id, { name: 'Anna', username: 'anna' }, session)
      await users.updateUser(ann.id, { name: 'Annie' }, { type: 'api_token', id: 'tok_1', userId: ann.id })
      const entries = await entriesAbout(test, ann.id)
      expect(entries.map(({ operation }) => operation)).toEqual(['PROFILE_UPDATED', 'USER_UPDATED', 'PROFILE_UPDATED'])
      // DAT-11: the true actor, address and request.
      expect(entries[0]?.actor).toEqual({ ...session, userId: ann.id })
    })

    test('VAL-06 lengths count code points after trimming, in every script', async () => {
      await using test = await createTestDb({ dialect })
      const { users, admin, ann } = await staffOf(test.db)
      for (const letter of ['a', '😀', 'e\u0301', '<']) {
        const name = letter.repeat(255)
        expect((await users.updateUser(ann.id, { name: ` ${name} ` }, admin.id)).name).toBe(name.normalize('NFC'))
        const username = `u${letter.repeat(254)}`
        expect((await users.updateUser(ann.id, { username: ` ${username} ` }, admin.id)).username).toBe(
          username.normalize('NFC'),
        )
        for (const change of [{ name: letter.repeat(256) }, { username: letter.repeat(256) }]) {
          await expect(users.updateUser(ann.id, change, admin.id)).rejects.toMatchObject({ code: 'VALIDATION_ERROR' })
        }
      }
      const email = `${'e\u0301'.repeat(253)}@x`
      expect((await users.updateUser(ann.id, { email }, admin.id)).email).toBe(email.normalize('NFC'))
      for (const text of ['a\0b', 'ab\n', '\tab', 'a\u0085b']) {
        for (const change of [{ name: text }, { username: text }, { email: `${text}@x` }]) {
          await expect(users.updateUser(ann.id, change, admin.id)).rejects.toMatchObject({ code: 'VALIDATION_ERROR' })
        }
      }
    })
  })

  describe('suspendUser and activateUser', () => {
    test('AUT-07 AUT-08 a suspension ends the sessions for good and refuses new ones', async () => {
      await using test = await createTestDb({ dialect })
      const { users, sessions, admin, ann } = await staffOf(test.db)
      const tokens = [await loggedIn(sessions), await loggedIn(sessions)]
      test.clock.advance(5)
      const suspended = await users.suspendUser(ann.id, admin.id, 'Violates\nthe policy')
      expect(suspended).toMatchObject({ status: 'suspended', suspendedAt: test.clock.now() })
      expect(await test.rows('SELECT DISTINCT revoke_reason FROM sessions')).toEqual([
        { revoke_reason: 'user_suspended' },
      ])
      expect(await sessions.login(EMAIL, PASSWORD)).toEqual({ outcome: 'suspended' })
      const active = await users.activateUser(ann.id, admin.id)
      expect(active).toMatchObject({ status: 'active', suspendedAt: null })
      const row = await test.rows('SELECT suspended_by, suspended_reason FROM users WHERE id = ?', ann.id)
      expect(row).toEqual([{ suspended_by: null, suspended_reason: null }])
      for (const { accessToken, refreshToken } of tokens) {
        expect(await sessions.authenticate(accessToken)).toEqual({ outcome: 'refused', code: 'TOKEN_REVOKED' })
        expect(await sessions.refresh(refreshToken)).toEqual({ outcome: 'refused', code: 'TOKEN_REVOKED' })
      }
      await loggedIn(sessions)
      const [suspension, login, activation] = await entriesAbout(test, ann.id)
      expect(suspension).toMatchObject({
        operation: 'USER_SUSPENDED',
        reason: 'Violates\nthe policy',
        changes: { before: { status: 'active' }, after: { status: 'suspended' } },
        metadata: { sessions_ended: 2 },
      })
      expect(login).toMatchObject({ operation: 'LOGIN_FAILED', metadata: { reason: 'account_suspended' } })
      expect(activation).toMatchObject({ operation: 'USER_ACTIVATED', actor: { id: admin.id } })
    })

    test('states are told apart, and reasons have their bounds', async () => {
      await using test = await createTestDb({ dialect })
      const { users, admin, ann } = await staffOf(test.db)
      await expect(users.activateUser(ann.id, admin.id)).rejects.toMatchObject({ code: 'USER_ALREADY_ACTIVE' })
      for (const reason of ['', 'x'.repeat(1_001), 'a\0b']) {
        await expect(users.suspendUser(ann.id, admin.id, reason)).rejects.toMatchObject({
          code: 'VALIDATION_ERROR',
          details: { fields: { reason: expect.any(String) } },
        })
      }
      const reason = 'e\u0301'.repeat(1_000)
      await users.suspendUser(ann.id, admin.id, reason)
      expect(await test.scalar('SELECT suspended_reason FROM users WHERE id = ?', ann.id)).toBe(reason.normalize('NFC'))
      await expect(users.suspendUser(ann.id, admin.id)).rejects.toMatchObject({ code: 'USER_ALREADY_SUSPENDED' })
      expect(await entriesAbout(test, ann.id)).toHaveLength(1)
    })

    test('AUT-13 an activation unlocks the login', async () => {
      await using test = await createTestDb({ dialect })
      const { users, sessions, admin, ann } = await staffOf(test.db)
      await failLogins(sessions, 10)
      await users.suspendUser(ann.id, admin.id)
      expect((await sessions.login(EMAIL, PASSWORD)).outcome).toBe('locked')
      await users.activateUser(ann.id, admin.id)
      await loggedIn(sessions)
    })
  })

  describe('unlockUser', () => {
    test('AUT-13 an admin unlocks; only what was locked is recorded', async () => {
      await using test = await createTestDb({ dialect })
      const { users, sessions, admin, ann } = await staffOf(test.db)
      expect(await users.unlockUser(ann.id, admin.id)).toEqual(ann)
      await failLogins(sessions, 9)
      await users.unlockUser(ann.id, admin.id)
      await failLogins(sessions, 9)
      expect((await sessions.login(EMAIL, 'a wrong password')).outcome).toBe('invalid_credentials')
      expect((await sessions.login(EMAIL, PASSWORD)).outcome).toBe('locked')
      await users.unlockUser(ann.id, admin.id)
      await loggedIn(sessions)
      const unlocked = (await entriesAbout(test, ann.id)).filter(({ operation }) => operation === 'USER_UNLOCKED')
      const until = new Date(test.clock.now() + 30 * 60_000).toISOString()
      expect(unlocked.map(({ metadata }) => metadata)).toEqual([{ failures: 10, locked_until: until }])
    })

    test('a lock that has run out is forgotten without a record; a user without e-mail has none', async () => {
      await using test = await createTestDb({ dialect })
      const { users, sessions, admin, ann } = await staffOf(test.db)
      await failLogins(sessions, 10)
      test.clock.advance(30 * 60_000)
      await users.unlockUser(ann.id, admin.id)
      expect(await test.scalar('SELECT count(*) FROM login_attempts')).toBe(0)
      expect(await audited(test, { id: ann.id })).not.toContain('USER_UNLOCKED')
      await test.db.write((tx) => users.requireOwner('user-001', admin.id, { tx, provision: true }))
      expect(await users.unlockUser('user-001', admin.id)).toMatchObject({ id: 'user-001', email: null })
    })
  })

  describe('deleteUser', () => {
    test('DAT-13 ACL-16 a deletion ends tokens and sessions in one commit with one entry, and frees the names', async () => {
      await using test = await createTestDb({ dialect })
      const { users, sessions, admin, ann } = await staffOf(test.db)
      const { accessToken, refreshToken } = await loggedIn(sessions)
      for (const id of ['tok_b', 'tok_a', 'tok_old']) await insertApiToken(test, id, ann.id)
      await insertApiToken(test, 'tok_root', admin.id)
      await test.rows("UPDATE api_tokens SET revoked_at = 1, revoked_by = 'x' WHERE id = 'tok_old'")
      test.clock.advance(5)
      const options = { reason: 'Left', metadata: { agents_affected: ['agent_1'], sessions_ended: 99 } }
      const deleted = await users.deleteUser(ann.id, admin.id, options)
      expect(deleted).toEqual({
        user: expect.objectContaining({ id: ann.id, status: 'deleted', deletedAt: test.clock.now(), username: 'ann' }),
        tokensRevoked: ['tok_a', 'tok_b'],
        sessionsEnded: 1,
      })
      expect(await users.getUser(ann.id)).toEqual(deleted.user)
      const revoked = await test.rows('SELECT id, revoked_at, revoked_by FROM api_tokens ORDER BY id')
      expect(revoked).toEqual([
        { id: 'tok_a', revoked_at: test.clock.now(), revoked_by: admin.id },
        { id: 'tok_b', revoked_at: test.clock.now(), revoked_by: admin.id },
        { id: 'tok_old', revoked_at: 1, revoked_by: 'x' },
        { id: 'tok_root', revoked_at: null, revoked_by: null },
      ])
      expect(await test.scalar('SELECT revoke_reason FROM sessions')).toBe('user_deleted')
      expect(await test.scalar('SELECT deleted_by FROM users WHERE id = ?', ann.id)).toBe(admin.id)
      expect(await sessions.authenticate(accessToken)).toEqual({ outcome: 'refused', code: 'TOKEN_REVOKED' })
      expect(await sessions.refresh(refreshToken)).toEqual({ outcome: 'refused', code: 'TOKEN_REVOKED' })
      expect(await sessions.login(EMAIL, PASSWORD)).toEqual({ outcome: 'invalid_credentials' })
      // DAT-11: exactly one entry, with everything in it.
      expect(await entriesAbout(test, ann.id)).toMatchObject([
        {
          operation: 'USER_DELETED',
          reason: 'Left',
          actor: { id: admin.id },
          changes: { before: { username: 'ann', email: EMAIL, role: 'user', status: 'active' } },
          metadata: { agents_affected: ['agent_1'], api_tokens_revoked: ['tok_a', 'tok_b'], sessions_ended: 1 },
        },
      ])
      const again = await users.createUser({ ...ANN, password: await passwordHash() }, admin.id)
      expect(again.id).not.toBe(ann.id)
      await loggedIn(sessions)
    })

    test('AUT-08 DAT-13 every change to a deleted or unknown user is USER_NOT_FOUND', async () => {
      await using test = await createTestDb({ dialect })
      const { users, sessions, admin, ann } = await staffOf(test.db)
      await users.deleteUser(ann.id, admin.id)
      const before = await audited(test)
      const password = await passwordHash()
      for (const id of [ann.id, 'user-none']) {
        const changes = [
          users.updateUser(id, { name: 'x' }, admin.id),
          users.changeUserRole(id, 'admin', admin.id),
          users.suspendUser(id, admin.id),
          users.activateUser(id, admin.id),
          users.unlockUser(id, admin.id),
          users.deleteUser(id, admin.id),
          users.deleteUser(id, id),
          users.resetPassword(id, password, admin.id),
          users.changeOwnPassword(id, PASSWORD, 'another password'),
          sessions.endAll(id, admin.id),
        ]
        for (const change of changes) await expect(change).rejects.toMatchObject({ code: 'USER_NOT_FOUND' })
      }
      expect(await audited(test)).toEqual(before)
    })

    test('a suspended user stays told apart as deleted', async () => {
      await using test = await createTestDb({ dialect })
      const { users, admin, ann } = await staffOf(test.db)
      await users.suspendUser(ann.id, admin.id)
      const { user } = await users.deleteUser(ann.id, admin.id)
      expect(user).toMatchObject({ status: 'deleted', suspendedAt: test.clock.now() })
      expect((await entriesAbout(test, ann.id)).at(-1)?.changes?.before).toMatchObject({ status: 'suspended' })
    })
  })

  test('DAT-10 a change whose audit entry cannot be written has not happened', async () => {
    await using test = await createTestDb({ dialect })
    const { users, sessions, admin, ann } = await staffOf(test.db)
    const { accessToken } = await loggedIn(sessions)
    await insertApiToken(test, 'tok_a', ann.id)
    const state = async () => [
      await test.rows('SELECT * FROM users ORDER BY id'),
      await test.rows('SELECT * FROM sessions'),
      await test.rows('SELECT * FROM api_tokens'),
      await test.rows('SELECT * FROM login_attempts'),
    ]
    const before = await state()
    await test.rows('ALTER TABLE audit_log RENAME TO audit_log_gone')
    const password = await passwordHash()
    const changes = [
      () => users.updateUser(ann.id, { name: 'x' }, admin.id),
      () => users.changeUserRole(ann.id, 'admin', admin.id),
      () => users.suspendUser(ann.id, admin.id),
      () => users.deleteUser(ann.id, admin.id),
      () => users.resetPassword(ann.id, password, admin.id),
      () => users.changeOwnPassword(ann.id, PASSWORD, 'another password'),
      () => users.changeOwnPassword(ann.id, 'a wrong password', 'another password'),
      () => sessions.endAll(ann.id, admin.id),
      () => sessions.login(EMAIL, 'a wrong password'),
      () => sessions.login(EMAIL, PASSWORD),
    ]
    for (const change of changes) await expect(change()).rejects.toThrow(/audit_log/)
    await test.rows('ALTER TABLE audit_log_gone RENAME TO audit_log')
    expect(await state()).toEqual(before)
    expect((await sessions.authenticate(accessToken)).outcome).toBe('ok')
  })

  test('DAT-10 an actor that cannot be recorded changes nothing, also in a transaction that goes on', async () => {
    await using test = await createTestDb({ dialect })
    const { users, admin, ann } = await staffOf(test.db)
    await test.db.write(async (tx) => {
      for (const actor of [
        '',
        { type: 'user', id: admin.id, role: '' },
        { type: 'root' as 'user', id: admin.id },
      ] as const) {
        await expect(users.suspendUser(ann.id, actor, undefined, { tx })).rejects.toMatchObject({
          code: 'VALIDATION_ERROR',
        })
      }
      await users.updateUser(ann.id, { name: 'Ann' }, admin.id, { tx })
    })
    expect(await users.getUser(ann.id)).toEqual({ ...ann, name: 'Ann' })
    expect((await entriesAbout(test, ann.id)).map(({ operation }) => operation)).toEqual(['USER_UPDATED'])
  })

  test('several changes join one transaction, and all or none is done', async () => {
    await using test = await createTestDb({ dialect })
    const { users, admin, ann } = await staffOf(test.db)
    const work = test.db.write(async (tx) => {
      await users.changeUserRole(ann.id, 'viewer', admin.id, { tx })
      await users.suspendUser(ann.id, admin.id, undefined, { tx })
      await users.activateUser(ann.id, admin.id, { tx })
      await users.resetPassword(ann.id, await passwordHash(), admin.id, { tx })
      await users.deleteUser(ann.id, admin.id, { tx })
      throw new Error('changed our mind')
    })
    await expect(work).rejects.toThrow('changed our mind')
    expect(await users.getUser(ann.id)).toEqual(ann)
    expect(await entriesAbout(test, ann.id)).toEqual([])
    expect(await new AuditLog(test.db).verify()).toMatchObject({ ok: true })
  })

  test('results are frozen and hold no secret', async () => {
    await using test = await createTestDb({ dialect })
    const { admin, ann, users } = await staffOf(test.db)
    const results = [
      await users.updateUser(ann.id, { name: 'x' }, admin.id),
      await users.changeUserRole(ann.id, 'viewer', admin.id),
      await users.resetPassword(ann.id, 'another password', admin.id),
      await users.deleteUser(ann.id, admin.id),
    ]
    for (const result of results) {
      expect(Object.isFrozen(result)).toBe(true)
      expect(JSON.stringify(result)).not.toMatch(/\$2b\$|password"/)
    }
    expect(usersOn(test.db)).toBeInstanceOf(UserService)
  })
})
