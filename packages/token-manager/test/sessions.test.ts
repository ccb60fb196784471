import { createHmac } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import type { IronDatabase } from '@iron/database'
import { createTestDb, enginesForTests, type TestDb } from '@iron/database/testing'
import jwt from 'jsonwebtoken'
import { type LoginResult, type SessionTokens, TokenManagerError, type User } from '../src/index.ts'
import { ADMIN, ANN, audited, everything, sessionsOn, TEST_KEY, usersOn } from './support.ts'

const PASSWORD = ANN.password as string
const EMAIL = ANN.email
const DAY_MS = 24 * 60 * 60_000

async function ann(db: IronDatabase): Promise<User> {
  return usersOn(db).createUser(ANN, ADMIN)
}

function tokensOf(result: LoginResult | { outcome: string }): SessionTokens {
  if (result.outcome !== 'ok') throw new Error(`login: ${result.outcome}`)
  return (result as Extract<LoginResult, { outcome: 'ok' }>).tokens
}

async function lastAudit(test: TestDb, operation: string): Promise<number> {
  return (await audited(test)).filter((known) => known === operation).length
}

describe.each(await enginesForTests())('SessionService on %s', (dialect) => {
  test('AUT-17 AUT-23 logs in whatever the case of the e-mail, and the session shows where from', async () => {
    await using test = await createTestDb({ dialect })
    const user = await ann(test.db)
    const sessions = sessionsOn(test.db)
    test.clock.advance(1_234)
    const result = await sessions.login('  ANN@Example.com ', PASSWORD, {
      ip: '10.1.2.3',
      userAgent: 'test',
      requestId: 'r1',
    })
    const tokens = tokensOf(result)
    expect(result).toMatchObject({ outcome: 'ok', user: { id: user.id, lastLoginAt: test.clock.now() } })
    expect(await sessions.authenticate(tokens.accessToken)).toEqual({
      outcome: 'ok',
      principal: {
        kind: 'session',
        userId: user.id,
        role: 'user',
        sessionId: tokens.sessionId,
        expiresAt: tokens.expiresAt,
        forcePasswordChange: false,
      },
    })
    const page = await sessions.list({ userId: user.id })
    expect(page).toMatchObject({ total: 1, data: [{ id: tokens.sessionId, ip: '10.1.2.3', userAgent: 'test' }] })
    expect(await audited(test, { type: 'session', id: tokens.sessionId })).toEqual(['SESSION_CREATED'])
  })

  test('AUT-12 unknown e-mail, wrong password and suspended account with a wrong password answer alike', async () => {
    await using test = await createTestDb({ dialect })
    const user = await ann(test.db)
    const sessions = sessionsOn(test.db)
    const invalid = { outcome: 'invalid_credentials' }
    expect(await sessions.login('nobody@example.com', PASSWORD)).toEqual(invalid)
    expect(await sessions.login(EMAIL, 'wrong password')).toEqual(invalid)
    await test.rows('UPDATE users SET suspended_at = 1 WHERE id = ?', user.id)
    expect(await sessions.login(EMAIL, 'wrong password')).toEqual(invalid)
    expect(await sessions.login(EMAIL, PASSWORD)).toEqual({ outcome: 'suspended' })
    await test.rows('UPDATE users SET deleted_at = 2 WHERE id = ?', user.id)
    expect(await sessions.login(EMAIL, PASSWORD)).toEqual(invalid)
    expect(await test.scalar('SELECT count(*) FROM sessions')).toBe(0)
  })

  test.each([
    ['a known e-mail', EMAIL],
    ['an unknown e-mail', 'nobody@example.com'],
  ])('AUT-13 ten failures lock %s for 30 minutes, also against the right password', async (_, email) => {
    await using test = await createTestDb({ dialect })
    await ann(test.db)
    const sessions = sessionsOn(test.db)
    for (let count = 1; count <= 10; count += 1) {
      expect(await sessions.login(count % 2 === 0 ? email : email.toUpperCase(), 'wrong password')).toEqual({
        outcome: 'invalid_credentials',
      })
    }
    const until = test.clock.now() + 30 * 60_000
    expect(await sessions.login(email, PASSWORD)).toEqual({ outcome: 'locked', until })
    test.clock.set(until - 1)
    expect(await sessions.login(email, 'wrong password')).toEqual({ outcome: 'locked', until })
    test.clock.set(until)
    const expected = email === EMAIL ? 'ok' : 'invalid_credentials'
    expect((await sessions.login(email, PASSWORD)).outcome).toBe(expected)
    expect(await lastAudit(test, 'ACCOUNT_LOCKED')).toBe(email === EMAIL ? 1 : 0)
    expect(await lastAudit(test, 'LOGIN_FAILED')).toBe(email === EMAIL ? 10 : 0)
  })

  test('AUT-13 a lock set by a clock that stood ahead ends with it; one that steps back a little lifts none', async () => {
    await using test = await createTestDb({ dialect })
    await ann(test.db)
    const sessions = sessionsOn(test.db)
    const now = test.clock.now()
    test.clock.advance(DAY_MS)
    for (let count = 0; count < 10; count += 1) await sessions.login(EMAIL, 'wrong password')
    test.clock.advance(-5 * 60_000)
    expect((await sessions.login(EMAIL, PASSWORD)).outcome).toBe('locked')
    test.clock.set(now)
    for (let count = 0; count < 9; count += 1) await sessions.login(EMAIL, 'wrong password')
    expect((await sessions.login(EMAIL, PASSWORD)).outcome).toBe('ok')
  })

  test('AUT-13 success, the end of a lock and a day of silence clear the count', async () => {
    await using test = await createTestDb({ dialect })
    await ann(test.db)
    const sessions = sessionsOn(test.db)
    const fail = async (times: number): Promise<void> => {
      for (let count = 0; count < times; count += 1) await sessions.login(EMAIL, 'wrong password')
    }
    await fail(9)
    expect((await sessions.login(EMAIL, PASSWORD)).outcome).toBe('ok')
    await fail(9)
    test.clock.advance(DAY_MS)
    await fail(9)
    expect((await sessions.login(EMAIL, 'wrong password')).outcome).toBe('invalid_credentials')
    expect((await sessions.login(EMAIL, PASSWORD)).outcome).toBe('locked')
    test.clock.advance(30 * 60_000)
    await fail(9)
    expect((await sessions.login(EMAIL, PASSWORD)).outcome).toBe('ok')
  })

  test('AUT-13 thirty parallel guesses count no more than the lock allows', async () => {
    await using test = await createTestDb({ dialect })
    await ann(test.db)
    const sessions = sessionsOn(test.db)
    const results = await Promise.all(Array.from({ length: 30 }, () => sessions.login(EMAIL, 'wrong password')))
    expect(results.filter(({ outcome }) => outcome === 'invalid_credentials')).toHaveLength(10)
    expect(results.filter(({ outcome }) => outcome === 'locked')).toHaveLength(20)
    expect(await test.scalar('SELECT failures FROM login_attempts')).toBe(10)
  })

  test('VAL-03 an e-mail or password out of bounds is a fault of the input', async () => {
    await using test = await createTestDb({ dialect })
    const sessions = sessionsOn(test.db)
    await expect(sessions.login('', '')).rejects.toMatchObject({
      code: 'VALIDATION_ERROR',
      details: { fields: { email: expect.any(String), password: expect.any(String) } },
    })
    await expect(sessions.login('x'.repeat(256), 'x'.repeat(1_001))).rejects.toMatchObject({ code: 'VALIDATION_ERROR' })
    // Folding may lengthen what was typed; such an e-mail is nobody's and is counted all the same.
    expect(await sessions.login('\ufdfa'.repeat(255), 'x')).toEqual({ outcome: 'invalid_credentials' })
  })

  test('AUT-06 each refresh rotates, and a spent token ends the session', async () => {
    await using test = await createTestDb({ dialect })
    const user = await ann(test.db)
    const sessions = sessionsOn(test.db)
    const first = tokensOf(await sessions.login(EMAIL, PASSWORD))
    test.clock.advance(60_000)
    const second = tokensOf(await sessions.refresh(first.refreshToken))
    expect(second.sessionId).toBe(first.sessionId)
    expect(second.refreshToken).not.toBe(first.refreshToken)
    expect(second.refreshExpiresAt).toBe(first.refreshExpiresAt + 60_000)
    expect(second.refreshExpiresAt).toBeGreaterThan(second.expiresAt)
    expect((await sessions.authenticate(first.accessToken)).outcome).toBe('ok')
    const revoked = { outcome: 'refused', code: 'TOKEN_REVOKED' }
    expect(await sessions.refresh(first.refreshToken, { ip: '10.9.9.9' })).toEqual(revoked)
    expect(await sessions.refresh(second.refreshToken)).toEqual(revoked)
    expect(await sessions.authenticate(second.accessToken)).toEqual(revoked)
    expect(await audited(test, { type: 'session', id: first.sessionId })).toEqual([
      'SESSION_CREATED',
      'SESSION_REUSE_DETECTED',
    ])
    expect((await sessions.list({ userId: user.id })).total).toBe(0)
  })

  test('CON-21 of two simultaneous refreshes with one token one wins, and the other ends the session', async () => {
    await using test = await createTestDb({ dialect })
    await ann(test.db)
    const sessions = sessionsOn(test.db)
    const { refreshToken } = tokensOf(await sessions.login(EMAIL, PASSWORD))
    const results = await Promise.all(Array.from({ length: 8 }, () => sessions.refresh(refreshToken)))
    expect(results.filter(({ outcome }) => outcome === 'ok')).toHaveLength(1)
    for (const result of results) {
      if (result.outcome === 'refused') expect(result.code).toBe('TOKEN_REVOKED')
    }
    expect(await lastAudit(test, 'SESSION_REUSE_DETECTED')).toBe(1)
  })

  test('AUT-04 expiry is exact, without leeway', async () => {
    await using test = await createTestDb({ dialect })
    await ann(test.db)
    const sessions = sessionsOn(test.db)
    const tokens = tokensOf(await sessions.login(EMAIL, PASSWORD))
    expect(tokens.expiresAt).toBe(test.clock.now() + 3_600_000)
    test.clock.set(tokens.expiresAt - 1)
    expect((await sessions.authenticate(tokens.accessToken)).outcome).toBe('ok')
    test.clock.set(tokens.expiresAt)
    const expired = { outcome: 'refused', code: 'TOKEN_EXPIRED', expiredAt: tokens.expiresAt }
    expect(await sessions.authenticate(tokens.accessToken)).toEqual(expired)
    test.clock.set(tokens.refreshExpiresAt)
    expect(await sessions.refresh(tokens.refreshToken)).toMatchObject({ code: 'TOKEN_EXPIRED' })
  })

  test('AUT-04 a token issued more than 60 s in the future is refused', async () => {
    await using test = await createTestDb({ dialect })
    await ann(test.db)
    const sessions = sessionsOn(test.db)
    const { accessToken } = tokensOf(await sessions.login(EMAIL, PASSWORD))
    test.clock.advance(-60_000)
    expect((await sessions.authenticate(accessToken)).outcome).toBe('ok')
    test.clock.advance(-1)
    expect(await sessions.authenticate(accessToken)).toEqual({ outcome: 'refused', code: 'UNAUTHORIZED' })
  })

  test('AUT-11 logins of one millisecond have different sessions and tokens', async () => {
    await using test = await createTestDb({ dialect })
    await ann(test.db)
    const sessions = sessionsOn(test.db)
    const all = await Promise.all(
      Array.from({ length: 5 }, async () => tokensOf(await sessions.login(EMAIL, PASSWORD))),
    )
    expect(
      new Set(all.flatMap(({ accessToken, refreshToken, sessionId }) => [accessToken, refreshToken, sessionId])).size,
    ).toBe(15)
  })

  test('AUT-07 suspension, deletion and a new role are in force with the next request', async () => {
    await using test = await createTestDb({ dialect })
    const user = await ann(test.db)
    const sessions = sessionsOn(test.db)
    const { accessToken, refreshToken } = tokensOf(await sessions.login(EMAIL, PASSWORD))
    await test.rows("UPDATE users SET role = 'admin', force_password_change = 1 WHERE id = ?", user.id)
    expect(await sessions.authenticate(accessToken)).toMatchObject({
      principal: { role: 'admin', forcePasswordChange: true },
    })
    await test.rows('UPDATE users SET suspended_at = 1 WHERE id = ?', user.id)
    expect(await sessions.authenticate(accessToken)).toEqual({ outcome: 'refused', code: 'ACCOUNT_SUSPENDED' })
    expect(await sessions.refresh(refreshToken)).toEqual({ outcome: 'refused', code: 'ACCOUNT_SUSPENDED' })
    await test.rows('UPDATE users SET deleted_at = 2 WHERE id = ?', user.id)
    expect(await sessions.authenticate(accessToken)).toEqual({ outcome: 'refused', code: 'TOKEN_REVOKED' })
    expect(await sessions.refresh(refreshToken)).toEqual({ outcome: 'refused', code: 'TOKEN_REVOKED' })
  })

  test('AUT-05 logout ends access and refresh on every service at once, and may be repeated', async () => {
    await using test = await createTestDb({ dialect })
    const user = await ann(test.db)
    const here = sessionsOn(test.db, { cacheMs: 1_000 })
    const elsewhere = sessionsOn(test.db, { cacheMs: 1_000 })
    const { accessToken, refreshToken, sessionId } = tokensOf(await here.login(EMAIL, PASSWORD))
    for (const sessions of [here, elsewhere]) expect((await sessions.authenticate(accessToken)).outcome).toBe('ok')
    await here.end(sessionId, user.id)
    const revoked = { outcome: 'refused', code: 'TOKEN_REVOKED' }
    for (const sessions of [here, elsewhere]) {
      expect(await sessions.authenticate(accessToken)).toEqual(revoked)
      expect(await sessions.refresh(refreshToken)).toEqual(revoked)
    }
    await here.end(sessionId, user.id)
    expect(await audited(test, { type: 'session', id: sessionId })).toEqual(['SESSION_CREATED', 'SESSION_ENDED'])
  })

  test('ends only sessions of the named user, all but one if asked', async () => {
    await using test = await createTestDb({ dialect })
    const user = await ann(test.db)
    const sessions = sessionsOn(test.db)
    const all = []
    for (let count = 0; count < 4; count += 1) {
      test.clock.advance(10)
      all.push(tokensOf(await sessions.login(EMAIL, PASSWORD)).sessionId)
    }
    const [first, , , last] = all as [string, string, string, string]
    expect((await sessions.list({ userId: user.id }, { perPage: 2 })).data.map(({ id }) => id)).toEqual([last, all[2]])
    await expect(sessions.end(first, 'user-other', { userId: 'user-other' })).rejects.toMatchObject({
      code: 'SESSION_NOT_FOUND',
    })
    await expect(sessions.end('sess-none', user.id)).rejects.toBeInstanceOf(TokenManagerError)
    expect(await sessions.endAll(user.id, user.id, { exceptSessionId: last })).toBe(3)
    expect((await sessions.list({ userId: user.id })).data.map(({ id }) => id)).toEqual([last])
    expect(await sessions.endAll(user.id, ADMIN)).toBe(1)
    expect(await sessions.endAll(user.id, ADMIN)).toBe(0)
    await expect(sessions.endAll('user-none', ADMIN)).rejects.toMatchObject({ code: 'USER_NOT_FOUND' })
    const reasons = await test.rows<{ revoke_reason: string }>('SELECT revoke_reason FROM sessions ORDER BY created_at')
    expect(reasons.map((row) => row.revoke_reason)).toEqual(['logout', 'logout', 'logout', 'admin'])
    expect(await lastAudit(test, 'SESSION_ENDED')).toBe(2)
  })

  test('prune forgets sessions that ended long ago and failures that have been silent for a day', async () => {
    await using test = await createTestDb({ dialect })
    const user = await ann(test.db)
    const sessions = sessionsOn(test.db)
    const ended = tokensOf(await sessions.login(EMAIL, PASSWORD))
    const kept = tokensOf(await sessions.login(EMAIL, PASSWORD))
    await sessions.end(ended.sessionId, user.id)
    await sessions.login('nobody@example.com', 'wrong password')
    test.clock.advance(29 * DAY_MS)
    expect(await sessions.prune({ olderThan: test.clock.now() - 30 * DAY_MS })).toBe(1)
    await sessions.login('nobody@example.com', 'wrong password')
    test.clock.advance(2 * DAY_MS - 1)
    expect(await sessions.prune({ olderThan: test.clock.now() - 30 * DAY_MS })).toBe(2)
    expect(await sessions.refresh(ended.refreshToken)).toMatchObject({ code: 'TOKEN_EXPIRED' })
    expect(await test.scalar('SELECT count(*) FROM sessions')).toBe(1)
    expect(kept.sessionId).toBe(await test.scalar('SELECT id FROM sessions'))
    const open = tokensOf(await sessions.login(EMAIL, PASSWORD))
    await sessions.prune({ olderThan: Number.MAX_SAFE_INTEGER })
    expect(await test.scalar('SELECT id FROM sessions WHERE id = ?', open.sessionId)).toBe(open.sessionId)
    await expect(sessions.prune({ olderThan: 0.5, limit: Number.NaN })).rejects.toMatchObject({
      code: 'VALIDATION_ERROR',
      details: { fields: { olderThan: 'must be a whole number', limit: 'must be a whole number' } },
    })
  })

  test('AUT-22 a failing database is an error, never a refusal', async () => {
    await using test = await createTestDb({ dialect })
    await ann(test.db)
    const sessions = sessionsOn(test.db)
    const { accessToken } = tokensOf(await sessions.login(EMAIL, PASSWORD))
    await test.db.close()
    await expect(sessions.authenticate(accessToken)).rejects.toMatchObject({
      code: expect.stringMatching(/^DATABASE_/),
    })
    await expect(sessions.login(EMAIL, PASSWORD)).rejects.toMatchObject({ code: expect.stringMatching(/^DATABASE_/) })
  })

  test('SEC-01 neither password nor token stands in any table', async () => {
    await using test = await createTestDb({ dialect })
    await ann(test.db)
    const sessions = sessionsOn(test.db)
    await sessions.login(EMAIL, 'a wrong canary password')
    const tokens = tokensOf(await sessions.login(EMAIL, PASSWORD))
    const again = tokensOf(await sessions.refresh(tokens.refreshToken))
    const stored = await everything(test)
    expect(stored).toContain(EMAIL)
    for (const secret of [
      PASSWORD,
      'a wrong canary password',
      tokens.accessToken,
      tokens.refreshToken,
      again.refreshToken,
    ]) {
      expect(stored).not.toContain(secret)
      const signature = secret.split('.').at(-1)!
      expect(stored).not.toContain(signature)
    }
  })
})

describe('session tokens', () => {
  const other = { kid: 'k2', secret: 'another signing secret of the tests, long enough' }
  const open = async (test: TestDb) => {
    await ann(test.db)
    const sessions = sessionsOn(test.db)
    return { sessions, tokens: tokensOf(await sessions.login(EMAIL, PASSWORD)) }
  }
  const refusal = { outcome: 'refused', code: 'UNAUTHORIZED' }
  const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const forged = (header: unknown, claims: unknown, secret: string): string => {
    const input = `${encoded(header)}.${encoded(claims)}`
    return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
  }

  test('AUT-02 SEC-23 unsigned, algorithm-swapped, foreign and unknown keys are refused alike', async () => {
    await using test = await createTestDb()
    const { sessions, tokens } = await open(test)
    const claims = jwt.decode(tokens.accessToken) as Record<string, unknown>
    const attempts = [
      `${encoded({ alg: 'none', kid: 'k1' })}.${encoded(claims)}.`,
      `${encoded({ alg: 'none', kid: 'k1' })}.${encoded(claims)}.${tokens.accessToken.split('.')[2]!}`,
      forged({ alg: 'HS512', kid: 'k1' }, claims, TEST_KEY.secret),
      jwt.sign(claims, TEST_KEY.secret, { algorithm: 'HS384', keyid: 'k1' }),
      forged({ alg: 'HS256', kid: 'k1' }, claims, other.secret),
      forged({ alg: 'HS256', kid: 'k2' }, claims, TEST_KEY.secret),
      forged({ alg: 'HS256' }, claims, TEST_KEY.secret),
      forged({ alg: 'HS256', kid: '__proto__' }, claims, TEST_KEY.secret),
      forged({ alg: 'RS256', kid: 'k1' }, claims, TEST_KEY.secret),
    ]
    for (const attempt of attempts) expect(await sessions.authenticate(attempt)).toEqual(refusal)
    // The same forging with the right key is accepted: it is the fault that is refused, not the forger.
    expect((await sessions.authenticate(forged({ alg: 'HS256', kid: 'k1' }, claims, TEST_KEY.secret))).outcome).toBe(
      'ok',
    )
  })

  test('AUT-02 AUT-21 every changed character, every truncation and any garbage is refused', async () => {
    await using test = await createTestDb()
    const { sessions, tokens } = await open(test)
    const token = tokens.accessToken
    for (let at = 0; at < token.length; at += 1) {
      const changed = `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`
      expect(await sessions.authenticate(changed)).toEqual(refusal)
      expect(await sessions.authenticate(token.slice(0, at))).toEqual(refusal)
    }
    const garbage = [
      '',
      '.',
      '..',
      'null',
      'a.b.c',
      ` ${token}`,
      `${token} `,
      `${token}\n`,
      `Bearer ${token}`,
      `${token}.`,
      'x'.repeat(5_000),
    ]
    for (const text of [...garbage, null, undefined, 7, {}, []]) {
      expect(await sessions.authenticate(text as string)).toEqual(refusal)
      expect(await sessions.refresh(text as string)).toEqual(refusal)
    }
  })

  test('AUT-03 a refresh token is no access token, nor the reverse, nor an IC token either', async () => {
    await using test = await createTestDb()
    const { sessions, tokens } = await open(test)
    expect(await sessions.authenticate(tokens.refreshToken)).toEqual(refusal)
    expect(await sessions.refresh(tokens.accessToken)).toEqual(refusal)
    const iat = test.clock.now() / 1_000
    const ic = {
      agent_id: 'agent_1',
      budget_id: 'budget_1',
      iss: 'iron-control-panel',
      iat,
      exp: iat + 60,
      jti: 'ic_1',
      permissions: [],
    }
    const icToken = forged({ alg: 'HS256', kid: 'k1' }, ic, TEST_KEY.secret)
    expect(await sessions.authenticate(icToken)).toEqual(refusal)
    expect(await sessions.refresh(icToken)).toEqual(refusal)
    expect((await sessions.authenticate(tokens.accessToken)).outcome).toBe('ok')
  })

  test('AUT-02 claims of the wrong shape are refused, signed or not', async () => {
    await using test = await createTestDb()
    const { sessions, tokens } = await open(test)
    const claims = jwt.decode(tokens.accessToken) as Record<string, unknown>
    const wrong: Record<string, unknown>[] = [
      { sub: 7 },
      { sid: '' },
      { jti: null },
      { iat: 'now' },
      { exp: undefined },
      { exp: 1e308 },
      { exp: -1 },
      { typ: ['access'] },
      { sub: 'user-other' },
    ]
    for (const change of wrong) {
      const token = forged({ alg: 'HS256', kid: 'k1' }, { ...claims, ...change }, TEST_KEY.secret)
      expect(await sessions.authenticate(token)).toEqual(refusal)
    }
  })

  test('SEC-22 old keys verify until they are removed; the first key signs', async () => {
    await using test = await createTestDb()
    const { tokens } = await open(test)
    const rotated = sessionsOn(test.db, { keys: [other, TEST_KEY] })
    expect((await rotated.authenticate(tokens.accessToken)).outcome).toBe('ok')
    const next = tokensOf(await rotated.refresh(tokens.refreshToken))
    expect(jwt.decode(next.accessToken, { complete: true })?.header).toMatchObject({ alg: 'HS256', kid: 'k2' })
    const removed = sessionsOn(test.db, { keys: [other] })
    expect(await removed.authenticate(tokens.accessToken)).toEqual(refusal)
    expect((await removed.authenticate(next.accessToken)).outcome).toBe('ok')
  })

  test('SEC-21 short secrets, doubled key ids and impossible lives are refused at construction', async () => {
    await using test = await createTestDb()
    expect(() => sessionsOn(test.db, { keys: [{ kid: 'k', secret: 'x'.repeat(31) }] })).toThrow(
      expect.objectContaining({ code: 'WEAK_SECRET' }),
    )
    expect(() => sessionsOn(test.db, { keys: [TEST_KEY, TEST_KEY] })).toThrow(
      expect.objectContaining({ code: 'VALIDATION_ERROR' }),
    )
    expect(() => sessionsOn(test.db, { keys: [] })).toThrow(expect.objectContaining({ code: 'VALIDATION_ERROR' }))
    expect(sessionsOn(test.db).accessTtlMs).toBe(3_600_000)
    expect(sessionsOn(test.db, { accessTtlMs: 5_999 }).accessTtlMs).toBe(5_000)
    expect(() => sessionsOn(test.db, { accessTtlMs: 5_000, refreshTtlMs: 5_000 })).toThrow(
      expect.objectContaining({ details: { fields: { refreshTtlMs: expect.any(String) } } }),
    )
    expect(() => sessionsOn(test.db, { cacheMs: 1_001 })).toThrow(expect.objectContaining({ code: 'VALIDATION_ERROR' }))
  })
})
