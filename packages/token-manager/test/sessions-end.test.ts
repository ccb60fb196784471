import { describe, expect, test } from '@jest/globals'
import { createTestDb, enginesForTests, type TestDb } from '@iron/database/testing'
import { entriesAbout, loggedIn, PASSWORD, staffOf } from './accounts-support.ts'
import { ANN, audited, everything } from './support.ts'

const DAY_MS = 24 * 60 * 60_000

/** Sessions of a user, written at once: logging in as often would take a while. */
async function insertSessions(test: TestDb, userId: string, count: number, expiresAt: number): Promise<void> {
  const at = test.clock.now()
  const row = (index: number) => ({
    id: `sess_${expiresAt}_${String(index).padStart(5, '0')}`,
    user_id: userId,
    refresh_hash: index.toString(16).padStart(64, '0'),
    created_at: at,
    refreshed_at: at,
    expires_at: expiresAt,
  })
  await test.db.write(async (tx) => {
    for (let from = 0; from < count; from += 500) {
      const rows = Array.from({ length: Math.min(500, count - from) }, (_, index) => row(from + index))
      await tx.sql.insertInto('sessions').values(rows).execute()
    }
  })
}

describe.each(await enginesForTests())('the end of sessions on %s', (dialect) => {
  test('of a user with thousands of them is one entry with the exact count', async () => {
    await using test = await createTestDb({ dialect })
    const { users, sessions, admin, ann } = await staffOf(test.db)
    const later = test.clock.now() + DAY_MS
    await insertSessions(test, ann.id, 3_000, later)
    expect(await sessions.endAll(ann.id, admin.id)).toBe(3_000)
    const [entry, ...others] = await entriesAbout(test, ann.id)
    expect(others).toEqual([])
    expect(entry?.metadata).toMatchObject({ sessions_ended: 3_000, reason: 'admin' })
    expect(entry?.metadata.session_ids).toHaveLength(400)
    await insertSessions(test, ann.id, 3_000, later + 1)
    await users.suspendUser(ann.id, admin.id)
    await insertSessions(test, ann.id, 3_000, later + 2)
    expect((await users.deleteUser(ann.id, admin.id)).sessionsEnded).toBe(3_000)
    expect(await test.scalar('SELECT count(*) FROM sessions WHERE revoked_at IS NULL')).toBe(0)
  })

  test('AUT-08 takes expired ones with it, uncounted, so that no clock revives them', async () => {
    await using test = await createTestDb({ dialect })
    const { sessions, users, admin, ann } = await staffOf(test.db)
    const { accessToken, refreshToken, refreshExpiresAt } = await loggedIn(sessions)
    const loggedInAt = test.clock.now()
    test.clock.set(refreshExpiresAt)
    expect(await sessions.endAll(ann.id, admin.id)).toBe(0)
    expect(await entriesAbout(test, ann.id)).toEqual([])
    await users.resetPassword(ann.id, PASSWORD, admin.id, { forceChange: false })
    test.clock.set(loggedInAt)
    expect(await sessions.authenticate(accessToken)).toEqual({ outcome: 'refused', code: 'TOKEN_REVOKED' })
    expect(await sessions.refresh(refreshToken)).toEqual({ outcome: 'refused', code: 'TOKEN_REVOKED' })
  })

  test('CON-21 AUT-06 of two refreshes at once one wins, the other is reuse, and the session is over', async () => {
    await using test = await createTestDb({ dialect })
    const { sessions } = await staffOf(test.db, 1_000)
    for (let round = 0; round < 5; round += 1) {
      const { sessionId, accessToken, refreshToken } = await loggedIn(sessions)
      expect((await sessions.authenticate(accessToken)).outcome).toBe('ok')
      const results = await Promise.all([sessions.refresh(refreshToken), sessions.refresh(refreshToken)])
      const [winner, ...more] = results.filter((result) => result.outcome === 'ok')
      expect(more).toEqual([])
      expect(results).toContainEqual({ outcome: 'refused', code: 'TOKEN_REVOKED' })
      const won = winner?.outcome === 'ok' ? winner.tokens : undefined
      for (const token of [accessToken, won?.accessToken ?? '']) {
        expect(await sessions.authenticate(token)).toEqual({ outcome: 'refused', code: 'TOKEN_REVOKED' })
      }
      expect(await sessions.refresh(won?.refreshToken ?? '')).toEqual({ outcome: 'refused', code: 'TOKEN_REVOKED' })
      const operations = await audited(test, { type: 'session', id: sessionId })
      expect(operations).toEqual(['SESSION_CREATED', 'SESSION_REUSE_DETECTED'])
    }
  })

  test('AUT-08 a login at the very moment of a suspension opens no session that outlives it', async () => {
    await using test = await createTestDb({ dialect })
    const { sessions, users, admin, ann } = await staffOf(test.db)
    for (let round = 0; round < 5; round += 1) {
      const logins = Array.from({ length: 4 }, () => sessions.login(ANN.email, PASSWORD))
      const [results] = await Promise.all([Promise.all(logins), users.suspendUser(ann.id, admin.id)])
      expect((await sessions.list({ userId: ann.id })).total).toBe(0)
      await users.activateUser(ann.id, admin.id)
      for (const result of results) {
        if (result.outcome !== 'ok') expect(result).toEqual({ outcome: 'suspended' })
        else expect((await sessions.authenticate(result.tokens.accessToken)).outcome).toBe('refused')
      }
    }
  })

  test('AUT-23 login, failure, lock, logout and reuse leave one record each, with address and without password', async () => {
    await using test = await createTestDb({ dialect })
    const { sessions, ann } = await staffOf(test.db)
    const context = { ip: '10.1.2.3', userAgent: 'test', requestId: 'r-1' }
    const wrong = 'a wrong canary password'
    for (let count = 0; count < 10; count += 1) await sessions.login(ANN.email, wrong, context)
    test.clock.advance(30 * 60_000)
    const logins = [
      await sessions.login(ANN.email, PASSWORD, context),
      await sessions.login(ANN.email, PASSWORD, context),
    ]
    const [first, second] = logins.map((login) => (login.outcome === 'ok' ? login.tokens : undefined))
    await sessions.end(first?.sessionId ?? '', { type: 'user', id: ann.id, ...context })
    await sessions.refresh(second?.refreshToken ?? '', context)
    await sessions.refresh(second?.refreshToken ?? '', context)
    const rows = await test.rows<{ operation: string; ip: string }>(
      "SELECT operation, ip FROM audit_log WHERE operation <> 'USER_CREATED' ORDER BY seq",
    )
    expect(rows.map(({ operation }) => operation)).toEqual([
      ...Array<string>(10).fill('LOGIN_FAILED'),
      'ACCOUNT_LOCKED',
      'SESSION_CREATED',
      'SESSION_CREATED',
      'SESSION_ENDED',
      'SESSION_REUSE_DETECTED',
    ])
    for (const { ip } of rows) expect(ip).toBe('10.1.2.3')
    expect(await everything(test)).not.toContain(wrong)
  })
})
