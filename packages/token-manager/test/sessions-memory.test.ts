import { describe, expect, test } from '@jest/globals'
import { type IronDatabase, openDatabase } from '@iron/database'
import { createTestDb, enginesForTests, type TestDb } from '@iron/database/testing'
import type { SessionService } from '../src/index.ts'
import { loggedIn, PASSWORD, passwordHash, type Staff, staffOf } from './accounts-support.ts'
import { sessionsOn, usersOn } from './support.ts'

const CACHE_MS = 1_000
const REVOKED = { outcome: 'refused', code: 'TOKEN_REVOKED' }

/** What alters an authentication, by whichever service, and what it answers then. */
const CHANGES: [
  name: string,
  change: (staff: Staff, token: { sessionId: string; refreshToken: string }) => Promise<unknown>,
  answer: object,
][] = [
  ['a suspension', ({ users, ann, admin }) => users.suspendUser(ann.id, admin.id), REVOKED],
  ['a deletion', ({ users, ann, admin }) => users.deleteUser(ann.id, admin.id), REVOKED],
  [
    'a new role',
    ({ users, ann, admin }) => users.changeUserRole(ann.id, 'viewer', admin.id),
    { outcome: 'ok', principal: { role: 'viewer' } },
  ],
  [
    'a password reset',
    async ({ users, ann, admin }) => users.resetPassword(ann.id, await passwordHash(), admin.id),
    REVOKED,
  ],
  ['a new password', ({ users, ann }) => users.changeOwnPassword(ann.id, PASSWORD, 'another password'), REVOKED],
  [
    'a new password that ends a forced change',
    ({ users, ann }, { sessionId }) =>
      users.changeOwnPassword(ann.id, PASSWORD, 'another password', { keepSessionId: sessionId }),
    { outcome: 'ok', principal: { forcePasswordChange: false } },
  ],
  ['a logout', ({ sessions, ann }, { sessionId }) => sessions.end(sessionId, ann.id), REVOKED],
  ['the end of all sessions', ({ sessions, ann, admin }) => sessions.endAll(ann.id, admin.id), REVOKED],
  [
    'a refresh token used twice',
    async ({ sessions }, { refreshToken }) => {
      await sessions.refresh(refreshToken)
      await sessions.refresh(refreshToken)
    },
    REVOKED,
  ],
]

describe.each(await enginesForTests())('remembered sessions on %s', (dialect) => {
  test.each(CHANGES)(
    'AUT-05 AUT-07 AUT-09 %s is in force with the next request everywhere',
    async (_, change, answer) => {
      await using test = await createTestDb({ dialect, storage: 'file' })
      const staff = await staffOf(test.db, CACHE_MS)
      const elsewhere = sessionsOn(test.db, { cacheMs: CACHE_MS })
      const tokens = await loggedIn(staff.sessions)
      for (let times = 0; times < 2; times += 1) {
        for (const sessions of [staff.sessions, elsewhere]) {
          expect((await sessions.authenticate(tokens.accessToken)).outcome).toBe('ok')
        }
      }
      await change(staff, tokens)
      for (const sessions of [staff.sessions, elsewhere]) {
        expect(await sessions.authenticate(tokens.accessToken)).toMatchObject(answer)
      }
    },
  )

  /** A service of another handle on the same database, as another process would have it, that remembers the session. */
  async function another(test: TestDb, accessToken: string): Promise<{ db: IronDatabase; sessions: SessionService }> {
    const db =
      dialect === 'sqlite' ? test.db : await openDatabase(test.db.url, { migrations: 'verify', clock: test.clock })
    const sessions = sessionsOn(db, { cacheMs: CACHE_MS })
    expect((await sessions.authenticate(accessToken)).outcome).toBe('ok')
    return { db, sessions }
  }

  test('AUT-07 what another process commits is heard, and a lost announcement is made good in a second', async () => {
    await using test = await createTestDb({ dialect })
    const { sessions, ann } = await staffOf(test.db)
    const { accessToken } = await loggedIn(sessions)
    const there = await another(test, accessToken)
    const heard = new Promise<void>((resolve, reject) => {
      there.db.listen('iron_accounts', () => resolve()).then(undefined, reject)
    })
    await there.db.listen('iron_accounts', () => {})
    // Written past every service of this process: nothing here knows of it but by what PostgreSQL tells.
    await test.db.write(async (tx) => {
      await tx.sql.updateTable('users').set({ role: 'viewer' }).where('id', '=', ann.id).execute()
      tx.notify('iron_accounts', '')
    })
    await heard
    expect(await there.sessions.authenticate(accessToken)).toMatchObject({ principal: { role: 'viewer' } })
    await test.rows("UPDATE users SET role = 'admin' WHERE id = ?", ann.id)
    test.clock.advance(CACHE_MS - 1)
    expect(await there.sessions.authenticate(accessToken)).toMatchObject({ principal: { role: 'viewer' } })
    test.clock.advance(1)
    expect(await there.sessions.authenticate(accessToken)).toMatchObject({ principal: { role: 'admin' } })
    if (there.db !== test.db) await there.db.close()
  })

  test('a refusal is never remembered: what became good again is good with the next request', async () => {
    await using test = await createTestDb({ dialect })
    const { sessions, ann } = await staffOf(test.db, CACHE_MS)
    const { accessToken } = await loggedIn(sessions)
    await test.rows('UPDATE users SET suspended_at = 1 WHERE id = ?', ann.id)
    expect(await sessions.authenticate(accessToken)).toEqual({ outcome: 'refused', code: 'ACCOUNT_SUSPENDED' })
    await test.rows('UPDATE users SET suspended_at = NULL WHERE id = ?', ann.id)
    expect((await sessions.authenticate(accessToken)).outcome).toBe('ok')
  })

  test('AUT-04 a session refreshed in its last moment does not expire by what is remembered of it', async () => {
    await using test = await createTestDb({ dialect })
    const { ann } = await staffOf(test.db)
    const lives = { accessTtlMs: 60_000, refreshTtlMs: 120_000, cacheMs: CACHE_MS }
    const [here, there] = [sessionsOn(test.db, lives), sessionsOn(test.db, lives)]
    const first = await loggedIn(here)
    test.clock.set(first.refreshExpiresAt - 500)
    const refreshed = await here.refresh(first.refreshToken)
    if (refreshed.outcome !== 'ok') throw new Error(refreshed.code)
    // Remembered with the old expiry by a service that another process refreshed past.
    await test.rows('UPDATE sessions SET expires_at = ?', first.refreshExpiresAt)
    expect((await there.authenticate(refreshed.tokens.accessToken)).outcome).toBe('ok')
    await test.rows('UPDATE sessions SET expires_at = ?', refreshed.tokens.refreshExpiresAt)
    test.clock.set(first.refreshExpiresAt + 100)
    expect(await there.authenticate(refreshed.tokens.accessToken)).toMatchObject({ principal: { userId: ann.id } })
  })

  test('AUT-22 without a database nothing is accepted beyond what is remembered, and nothing refused', async () => {
    await using test = await createTestDb({ dialect })
    const { sessions } = await staffOf(test.db, CACHE_MS)
    const [known, unknown] = [await loggedIn(sessions), await loggedIn(sessions)]
    expect((await sessions.authenticate(known.accessToken)).outcome).toBe('ok')
    await test.db.close()
    expect((await sessions.authenticate(known.accessToken)).outcome).toBe('ok')
    const failure = { code: expect.stringMatching(/^DATABASE_/) }
    await expect(sessions.authenticate(unknown.accessToken)).rejects.toMatchObject(failure)
    test.clock.advance(CACHE_MS)
    await expect(sessions.authenticate(known.accessToken)).rejects.toMatchObject(failure)
    await expect(sessions.refresh(known.refreshToken)).rejects.toMatchObject(failure)
    await expect(usersOn(test.db).changeOwnPassword('user-x', PASSWORD, 'another password')).rejects.toMatchObject(
      failure,
    )
  })

  test('AUT-22 a database that does not listen authenticates all the same', async () => {
    await using test = await createTestDb({ dialect })
    const { sessions } = await staffOf(test.db)
    const { accessToken } = await loggedIn(sessions)
    const deaf = new Proxy(test.db, {
      get: (db, name) => {
        if (name === 'listen') return async () => Promise.reject(new Error('deaf'))
        const value: unknown = Reflect.get(db, name)
        return typeof value === 'function' ? (value.bind(db) as unknown) : value
      },
    })
    const services = sessionsOn(deaf, { cacheMs: CACHE_MS })
    for (let times = 0; times < 3; times += 1) expect((await services.authenticate(accessToken)).outcome).toBe('ok')
  })
})
