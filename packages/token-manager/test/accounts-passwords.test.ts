import { describe, expect, test } from '@jest/globals'
import { createTestDb, enginesForTests, type TestDb } from '@iron/database/testing'
import { hashPassword, loginKey, passwordQueue, type SessionService } from '../src/index.ts'
import {
  entriesAbout,
  failLogins,
  insertApiToken,
  loggedIn,
  PASSWORD,
  passwordHash,
  staffOf,
  whileHeld,
} from './accounts-support.ts'
import { ANN, everything, sessionsOn, TEST_COST } from './support.ts'

const EMAIL = ANN.email
const NEXT = 'another battery staple'

async function isInForce(sessions: SessionService, accessToken: string): Promise<boolean> {
  return (await sessions.authenticate(accessToken)).outcome === 'ok'
}

function failuresOf(test: TestDb): Promise<number | undefined> {
  return test.scalar('SELECT failures FROM login_attempts WHERE account_key = ?', EMAIL)
}

describe.each(await enginesForTests())('passwords on %s', (dialect) => {
  describe('resetPassword', () => {
    test('AUT-09 AUT-10 AUT-13 all sessions end, the login is unlocked, and the next one must change it', async () => {
      await using test = await createTestDb({ dialect })
      const { users, sessions, admin, ann } = await staffOf(test.db)
      const tokens = [await loggedIn(sessions), await loggedIn(sessions)]
      await insertApiToken(test, 'tok_a', ann.id)
      await failLogins(sessions, 10)
      const user = await users.resetPassword(ann.id, NEXT, admin.id)
      expect(user).toMatchObject({ id: ann.id, forcePasswordChange: true })
      for (const { accessToken, refreshToken } of tokens) {
        expect(await isInForce(sessions, accessToken)).toBe(false)
        expect(await sessions.refresh(refreshToken)).toEqual({ outcome: 'refused', code: 'TOKEN_REVOKED' })
      }
      expect(await sessions.login(EMAIL, PASSWORD)).toEqual({ outcome: 'invalid_credentials' })
      const { accessToken } = await loggedIn(sessions, EMAIL, NEXT)
      expect(await sessions.authenticate(accessToken)).toMatchObject({ principal: { forcePasswordChange: true } })
      const reset = (await entriesAbout(test, ann.id)).filter(({ operation }) => operation === 'USER_PASSWORD_RESET')
      expect(reset).toMatchObject([
        {
          actor: { id: admin.id },
          changes: { after: { password: '[redacted]', force_password_change: true } },
          metadata: { sessions_ended: 2, api_tokens_revoked: [] },
        },
      ])
      expect(await test.scalar("SELECT revoked_at FROM api_tokens WHERE id = 'tok_a'")).toBeNull()
      const reasons = await test.rows('SELECT DISTINCT revoke_reason FROM sessions WHERE revoked_at IS NOT NULL')
      expect(reasons).toEqual([{ revoke_reason: 'password_changed' }])
    })

    test('a reset without forced change, with the API tokens, inside a transaction', async () => {
      await using test = await createTestDb({ dialect })
      const { users, sessions, admin, ann } = await staffOf(test.db)
      for (const id of ['tok_b', 'tok_a']) await insertApiToken(test, id, ann.id)
      const hash = await hashPassword(NEXT, { cost: TEST_COST })
      await test.db.write(async (tx) => {
        await expect(users.resetPassword(ann.id, NEXT, admin.id, { tx })).rejects.toMatchObject({
          code: 'PASSWORD_NOT_HASHED',
        })
        await users.resetPassword(ann.id, hash, admin.id, { tx, forceChange: false, revokeApiTokens: true })
      })
      const { accessToken } = await loggedIn(sessions, EMAIL, NEXT)
      expect(await sessions.authenticate(accessToken)).toMatchObject({ principal: { forcePasswordChange: false } })
      expect(await entriesAbout(test, ann.id)).toMatchObject([
        { metadata: { sessions_ended: 0, api_tokens_revoked: ['tok_a', 'tok_b'] } },
      ])
      expect(await test.scalar('SELECT count(*) FROM api_tokens WHERE revoked_at IS NULL')).toBe(0)
    })

    test('AUT-15 VAL-06 a new password is bounded and hashed with the given cost', async () => {
      await using test = await createTestDb({ dialect })
      const { users, admin, ann } = await staffOf(test.db)
      for (const bad of ['1234567', 'x'.repeat(1_001), 'password\0', null, { passwordHash: '$2b$99$x' }] as string[]) {
        await expect(users.resetPassword(ann.id, bad, admin.id)).rejects.toMatchObject({
          code: 'VALIDATION_ERROR',
          details: { fields: { newPassword: expect.any(String) } },
        })
      }
      expect(await entriesAbout(test, ann.id)).toEqual([])
      const storedHash = () => test.scalar('SELECT password_hash FROM users WHERE id = ?', ann.id)
      await users.resetPassword(ann.id, NEXT, admin.id)
      expect(await storedHash()).toMatch(/^\$2b\$04\$/)
      expect(await users.changeOwnPassword(ann.id, NEXT, PASSWORD)).toBe('changed')
      expect(await storedHash()).toMatch(/^\$2b\$04\$/)
    })

    test('a provisioned owner with a password still has no e-mail to log in with', async () => {
      await using test = await createTestDb({ dialect })
      const { users, sessions, admin } = await staffOf(test.db)
      await test.db.write((tx) => users.requireOwner('user-001', admin.id, { tx, provision: true }))
      await users.resetPassword('user-001', NEXT, admin.id)
      expect(await sessions.login('user-001', NEXT)).toEqual({ outcome: 'invalid_credentials' })
      expect(await users.changeOwnPassword('user-001', 'a wrong password', PASSWORD)).toBe('wrong_password')
      await users.updateUser('user-001', { email: 'owner@example.com' }, admin.id)
      await loggedIn(sessions, 'owner@example.com', NEXT)
    })
  })

  describe('changeOwnPassword', () => {
    test('AUT-09 AUT-10 AUT-23 the other sessions end, the forced change is done, and it is recorded', async () => {
      await using test = await createTestDb({ dialect })
      const { users, sessions, admin, ann } = await staffOf(test.db)
      await users.resetPassword(ann.id, PASSWORD, admin.id)
      const [kept, other] = [await loggedIn(sessions), await loggedIn(sessions)]
      const root = await loggedIn(sessions, 'root@example.com')
      const options = { keepSessionId: kept.sessionId, context: { ip: '10.1.2.3', requestId: 'r-1' } }
      expect(await users.changeOwnPassword(ann.id, PASSWORD, NEXT, options)).toBe('changed')
      expect(await sessions.authenticate(kept.accessToken)).toMatchObject({
        outcome: 'ok',
        principal: { forcePasswordChange: false },
      })
      expect(await isInForce(sessions, other.accessToken)).toBe(false)
      expect(await isInForce(sessions, root.accessToken)).toBe(true)
      expect((await sessions.refresh(kept.refreshToken)).outcome).toBe('ok')
      expect(await sessions.login(EMAIL, PASSWORD)).toEqual({ outcome: 'invalid_credentials' })
      await loggedIn(sessions, EMAIL, NEXT)
      const entry = (await entriesAbout(test, ann.id)).find(({ operation }) => operation === 'PASSWORD_CHANGED')
      expect(entry).toMatchObject({
        actor: { type: 'user', id: ann.id, role: 'user', ip: '10.1.2.3', requestId: 'r-1' },
        metadata: { sessions_ended: 1 },
      })
      expect(await test.scalar('SELECT revoke_reason FROM sessions WHERE id = ?', other.sessionId)).toBe(
        'password_changed',
      )
      const stored = await everything(test)
      for (const secret of [PASSWORD, NEXT]) expect(stored).not.toContain(secret)
    })

    test('without a session to keep all end; a session of somebody else is not kept by naming it', async () => {
      await using test = await createTestDb({ dialect })
      const { users, sessions, ann } = await staffOf(test.db)
      const root = await loggedIn(sessions, 'root@example.com')
      const mine = await loggedIn(sessions)
      await users.changeOwnPassword(ann.id, PASSWORD, NEXT, { keepSessionId: root.sessionId })
      expect(await isInForce(sessions, mine.accessToken)).toBe(false)
      expect(await isInForce(sessions, root.accessToken)).toBe(true)
    })

    test('an equal new password changes nothing, whatever its Unicode form', async () => {
      await using test = await createTestDb({ dialect })
      const { users, sessions, admin, ann } = await staffOf(test.db)
      const accented = 'crème brûlée'
      await users.resetPassword(ann.id, accented.normalize('NFC'), admin.id)
      const { accessToken } = await loggedIn(sessions, EMAIL, accented)
      const before = await test.rows('SELECT * FROM users')
      expect(await users.changeOwnPassword(ann.id, accented, accented.normalize('NFD'))).toBe('unchanged')
      expect(await test.rows('SELECT * FROM users')).toEqual(before)
      expect(await isInForce(sessions, accessToken)).toBe(true)
      expect(await users.changeOwnPassword(ann.id, 'wrong but equal', 'wrong but equal')).toBe('wrong_password')
    })

    test('AUT-13 AUT-23 wrong passwords count towards the lock of the login, in both directions', async () => {
      await using test = await createTestDb({ dialect })
      const { users, sessions, ann } = await staffOf(test.db)
      const context = { ip: '10.1.2.3' }
      await failLogins(sessions, 4)
      for (let count = 5; count <= 10; count += 1) {
        expect(await users.changeOwnPassword(ann.id, 'a wrong password', NEXT, { context })).toBe('wrong_password')
      }
      const until = test.clock.now() + 30 * 60_000
      expect(await users.changeOwnPassword(ann.id, PASSWORD, NEXT)).toBe('locked')
      expect(await users.changeOwnPassword(ann.id, PASSWORD, PASSWORD)).toBe('locked')
      expect(await sessions.login(EMAIL, PASSWORD)).toEqual({ outcome: 'locked', until })
      const entries = await entriesAbout(test, ann.id)
      expect(entries.map(({ operation }) => operation)).toEqual([
        ...Array<string>(10).fill('LOGIN_FAILED'),
        'ACCOUNT_LOCKED',
      ])
      expect(entries[9]).toMatchObject({
        actor: { type: 'user', id: ann.id, ip: '10.1.2.3' },
        metadata: { reason: 'password_change', failures: 10 },
      })
      test.clock.set(until)
      expect(await users.changeOwnPassword(ann.id, 'a wrong password', NEXT)).toBe('wrong_password')
      expect(await failuresOf(test)).toBe(1)
      expect(await users.changeOwnPassword(ann.id, PASSWORD, NEXT)).toBe('changed')
      expect(await failuresOf(test)).toBeUndefined()
    })

    test('AUT-13 of thirty parallel guesses ten are looked at, however they are made', async () => {
      await using test = await createTestDb({ dialect })
      const { users, sessions, ann } = await staffOf(test.db)
      const guesses = Array.from({ length: 30 }, (_, index) =>
        index % 2 === 0
          ? users.changeOwnPassword(ann.id, 'a wrong password', 'a wrong password')
          : sessions.login(EMAIL, 'a wrong password').then(({ outcome }) => outcome),
      )
      const answers = await Promise.all(guesses)
      expect(answers.filter((answer) => answer === 'locked')).toHaveLength(20)
      expect(await failuresOf(test)).toBe(10)
    })

    test('CON-17 of two changes at once one is done, and the other has the wrong password', async () => {
      await using test = await createTestDb({ dialect })
      const { users, sessions, ann } = await staffOf(test.db)
      const changes = ['a first password', 'a second password'].map((next) =>
        users.changeOwnPassword(ann.id, PASSWORD, next),
      )
      expect((await Promise.all(changes)).sort()).toEqual(['changed', 'wrong_password'])
      const logins = ['a first password', 'a second password', PASSWORD].map((next) => sessions.login(EMAIL, next))
      expect((await Promise.all(logins)).filter(({ outcome }) => outcome === 'ok')).toHaveLength(1)
    })

    test('VAL-02 both passwords are checked at once', async () => {
      await using test = await createTestDb({ dialect })
      const { users, ann } = await staffOf(test.db)
      await expect(users.changeOwnPassword(ann.id, '', 'short')).rejects.toMatchObject({
        code: 'VALIDATION_ERROR',
        details: { fields: { currentPassword: expect.any(String), newPassword: expect.any(String) } },
      })
      expect(await failuresOf(test)).toBeUndefined()
    })
  })

  test('AUT-13 whatever clears or counts failures waits for the login that is counting one', async () => {
    await using test = await createTestDb({ dialect })
    const { users, admin, ann } = await staffOf(test.db)
    const hash = await passwordHash()
    const changes = [
      () => users.unlockUser(ann.id, admin.id),
      () => users.resetPassword(ann.id, hash, admin.id),
      () => users.changeOwnPassword(ann.id, PASSWORD, NEXT),
      async () => {
        await users.suspendUser(ann.id, admin.id)
        await users.activateUser(ann.id, admin.id)
      },
    ]
    for (const change of changes) {
      expect(await whileHeld(test, `login:${loginKey(EMAIL)}`, change)).toEqual(['held', 'changed'])
    }
  })

  describe('the work of a login', () => {
    const COST = 6

    async function roundsOf(work: () => Promise<unknown>): Promise<number> {
      const before = passwordQueue().rounds
      await work()
      return passwordQueue().rounds - before
    }

    test('AUT-12 is the same whoever has the e-mail, with a password of whatever cost, or none', async () => {
      await using test = await createTestDb({ dialect })
      const { users, admin, ann } = await staffOf(test.db)
      const sessions = sessionsOn(test.db, { bcryptCost: COST })
      const equal = {
        ...ANN,
        username: 'equal',
        email: 'equal@x',
        password: await hashPassword(PASSWORD, { cost: COST }),
      }
      await users.createUser(equal, admin.id)
      const gone = { ...ANN, username: 'gone', email: 'gone@x', password: await passwordHash() }
      await users.deleteUser((await users.createUser(gone, admin.id)).id, admin.id)
      const halted = { ...ANN, username: 'halted', email: 'halted@x', password: await passwordHash() }
      await users.suspendUser((await users.createUser(halted, admin.id)).id, admin.id)
      await test.db.write((tx) => users.requireOwner('user-001', admin.id, { tx, provision: true }))
      await users.updateUser('user-001', { email: 'owner@x' }, admin.id)
      await test.rows("UPDATE users SET password_hash = 'not a hash of any kind' WHERE id = ?", admin.id)
      const attempts: [string, string][] = [
        ['nobody@x', PASSWORD],
        [EMAIL, 'a wrong password'],
        [EMAIL, PASSWORD],
        ['equal@x', 'a wrong password'],
        ['equal@x', PASSWORD],
        ['gone@x', PASSWORD],
        ['halted@x', 'a wrong password'],
        ['halted@x', PASSWORD],
        ['owner@x', PASSWORD],
        ['root@example.com', PASSWORD],
        ['\ufdfa'.repeat(255), PASSWORD],
      ]
      for (const [email, password] of attempts) {
        expect({ email, rounds: await roundsOf(() => sessions.login(email, password)) }).toEqual({
          email,
          rounds: 2 ** COST,
        })
      }
      expect(ann.email).toBe(EMAIL)
    })

    test('AUT-12 is that of the dearest password, also when it is dearer than what is asked for', async () => {
      await using test = await createTestDb({ dialect })
      const { users, admin, ann } = await staffOf(test.db)
      await users.resetPassword(ann.id, await hashPassword(PASSWORD, { cost: COST }), admin.id)
      const sessions = sessionsOn(test.db, { bcryptCost: TEST_COST })
      for (const email of ['nobody@x', EMAIL, 'root@example.com']) {
        expect(await roundsOf(() => sessions.login(email, 'a wrong password'))).toBe(2 ** COST)
      }
      // One that became dearer since is noticed at its first login.
      await users.resetPassword(ann.id, await hashPassword(PASSWORD, { cost: COST + 1 }), admin.id)
      await sessions.login(EMAIL, PASSWORD)
      expect(await roundsOf(() => sessions.login('nobody@x', PASSWORD))).toBe(2 ** (COST + 1))
    })

    test('AUT-13 a locked e-mail costs no work, known or not', async () => {
      await using test = await createTestDb({ dialect })
      const { sessions } = await staffOf(test.db)
      for (const email of [EMAIL, 'nobody@x']) {
        await failLogins(sessions, 10, email)
        expect(await roundsOf(() => sessions.login(email, PASSWORD))).toBe(0)
      }
    })
  })
})

describe('loginKey', () => {
  test('AUT-17 folds as the lock does: whatever is counted together has one key', async () => {
    await using test = await createTestDb()
    const { sessions } = await staffOf(test.db)
    const spellings = [EMAIL, ' ANN@Example.COM ', 'ann＠example.com', '\u00a0Ann@example.com\u2003']
    expect(new Set(spellings.map(loginKey))).toEqual(new Set([EMAIL]))
    for (const email of spellings) await sessions.login(email, 'a wrong password')
    expect(await failuresOf(test)).toBe(spellings.length)
  })

  test('is 1 to 255 code points long for any text, and tells texts apart', () => {
    const texts = ['', ' ', 'x'.repeat(255), 'x'.repeat(256), 'x'.repeat(10_000), '\ufdfa'.repeat(255), '\ud800', '\0']
    for (const text of texts) {
      const length = Array.from(loginKey(text)).length
      expect(length).toBeGreaterThanOrEqual(1)
      expect(length).toBeLessThanOrEqual(255)
    }
    expect(loginKey('x'.repeat(256))).not.toBe(loginKey('x'.repeat(257)))
    expect(loginKey('ann@x')).not.toBe(loginKey('ann@y'))
  })
})
