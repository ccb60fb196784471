import { describe, expect, test } from '@jest/globals'
import { type IronDatabase, openDatabase, type ReadTx } from '@iron/database'
import { createTestDb, enginesForTests, type TestDb } from '@iron/database/testing'
import fc from 'fast-check'
import { generateApiToken, hashApiToken, type TokenManager } from '../src/index.ts'
import { decideToken, type SecretStanding } from '../src/tokens/decide-token.ts'
import { ADMIN, ANN, usersOn } from './support.ts'
import { DAY_MS, HOUR_MS, OWNER, principalFor, tokensOn, verdict } from './tokens-support.ts'

const MINUTE_MS = 60_000

/** The handle, told of every read and write that is asked of it. */
function watched(
  db: IronDatabase,
  on: { readonly read?: () => Promise<void> | void; readonly write?: () => Promise<void> | void },
): IronDatabase {
  return new Proxy(db, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      const told = name === 'read' ? on.read : name === 'write' ? on.write : undefined
      if (told === undefined) return value.bind(target)
      return async (...call: unknown[]): Promise<unknown> => {
        const result: unknown = await value.apply(target, call)
        await told()
        return result
      }
    },
  })
}

describe('the decision about a secret', () => {
  const NOW = 1_000
  const settled = { revoked_at: null, valid_until: null, expires_at: null, deleted_at: null, suspended_at: null }
  /** In their order of precedence. */
  const reasons: readonly [Partial<SecretStanding> & { foreign?: true }, string][] = [
    [{ revoked_at: 1 }, 'TOKEN_REVOKED'],
    [{ valid_until: NOW }, 'TOKEN_REVOKED'],
    [{ expires_at: NOW }, 'TOKEN_EXPIRED'],
    [{ deleted_at: 1 }, 'TOKEN_REVOKED'],
    [{ suspended_at: 1 }, 'ACCOUNT_SUSPENDED'],
    [{ foreign: true }, 'IP_NOT_ALLOWED'],
  ]

  test('SEC-04 SEC-07 of several reasons the first in the documented order is the answer', () => {
    for (let chosen = 0; chosen < 2 ** reasons.length; chosen += 1) {
      const present = reasons.filter((_, index) => chosen & (1 << index))
      const { foreign, ...state } = Object.assign({}, settled, ...present.map(([reason]) => reason))
      const answer = decideToken(state, () => foreign !== true, NOW)
      expect(answer?.code).toBe(present[0]?.[1])
      if (answer?.code === 'TOKEN_EXPIRED') expect(answer.expiredAt).toBe(NOW)
    }
  })

  test('ends are exact: valid until the instant before', () => {
    for (const end of ['valid_until', 'expires_at'] as const) {
      const state = { ...settled, [end]: NOW }
      expect(decideToken(state, () => true, NOW - 1)).toBeUndefined()
      expect(decideToken(state, () => true, NOW)).toBeDefined()
    }
  })
})

describe.each(await enginesForTests())('authentication by API token on %s', (dialect) => {
  const open = (): Promise<TestDb> => createTestDb({ dialect, storage: 'file' })

  test('SEC-03 exactly one string authenticates', async () => {
    await using test = await open()
    const tokens = tokensOn(test.db)
    const secret = await tokens.createToken(OWNER, 'x')
    expect(await verdict(tokens, secret)).toBe('ok')
    const variants = [
      ` ${secret}`,
      `${secret} `,
      `${secret}\n`,
      `${secret}\u0000`,
      secret.slice(3),
      `at_${secret}`,
      `Bearer ${secret}`,
      secret.toLowerCase(),
      secret.toUpperCase(),
      `AT_${secret.slice(3)}`,
      secret.slice(0, -1),
      secret.slice(0, 46),
      `${secret}=`,
      secret.replaceAll('_', '-'),
      encodeURIComponent(`${secret}+`),
      Buffer.from(secret).toString('base64'),
      hashApiToken(secret),
      secret.split('').reverse().join(''),
    ].filter((variant) => variant !== secret)
    for (const variant of variants) expect([variant, await verdict(tokens, variant)]).toEqual([variant, 'UNAUTHORIZED'])
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 80 }), async (text) => {
        fc.pre(text !== secret)
        expect(await verdict(tokens, text)).toBe('UNAUTHORIZED')
      }),
      { numRuns: 50 },
    )
  })

  test('SEC-04 unknown, revoked and expired are told apart by the code and by nothing else', async () => {
    await using test = await open()
    const tokens = tokensOn(test.db)
    const revoked = await tokens.issueToken(OWNER, 'x', ADMIN)
    const expiredAt = test.clock.now() + 1
    const expired = await tokens.createToken(OWNER, 'y', { expiresAt: expiredAt })
    await tokens.revokeToken(revoked.token.id, ADMIN)
    test.clock.advance(1)
    const refused = { outcome: 'refused' }
    expect(await tokens.authenticate(generateApiToken())).toEqual({ ...refused, code: 'UNAUTHORIZED' })
    expect(await tokens.authenticate('some_other_token')).toEqual({ ...refused, code: 'UNAUTHORIZED' })
    expect(await tokens.authenticate(revoked.secret)).toEqual({ ...refused, code: 'TOKEN_REVOKED' })
    expect(await tokens.authenticate(expired)).toEqual({ ...refused, code: 'TOKEN_EXPIRED', expiredAt })
  })

  test('SEC-06 rotation keeps everything but the secret, and the grace of the old one is exact', async () => {
    await using test = await open()
    const tokens = tokensOn(test.db)
    const options = { scopes: ['agents:read' as const], expiresAt: test.clock.now() + 9 * DAY_MS, projectId: 'p' }
    const { secret: first, token } = await tokens.issueToken(OWNER, 'x', ADMIN, options)
    test.clock.advance(7)
    const at = test.clock.now()
    const { secret: second, token: rotated } = await tokens.rotateToken(token.id, ADMIN, { graceMs: HOUR_MS })
    expect(rotated).toEqual({ ...token, hint: `${second.slice(0, 7)}...${second.slice(-4)}`, rotatedAt: at })
    expect((await tokens.listTokens()).data).toEqual([rotated])
    expect(await principalFor(tokens, first)).toEqual(await principalFor(tokens, second))
    test.clock.set(at + HOUR_MS - 1)
    expect([await verdict(tokens, first), await verdict(tokens, second)]).toEqual(['ok', 'ok'])
    test.clock.set(at + HOUR_MS)
    expect([await verdict(tokens, first), await verdict(tokens, second)]).toEqual(['TOKEN_REVOKED', 'ok'])
  })

  test('SEC-06 without a grace the old secret dies at once, and a rotation can be repeated after a lost answer', async () => {
    await using test = await open()
    const tokens = tokensOn(test.db)
    const { secret: first, token } = await tokens.issueToken(OWNER, 'x', ADMIN)
    const { secret: lost } = await tokens.rotateToken(token.id, ADMIN, { graceMs: DAY_MS })
    const { secret: third } = await tokens.rotateToken(token.id, ADMIN, { graceMs: HOUR_MS })
    // The one in its grace is older than the one replaced now: it dies at once.
    const now = async (): Promise<string[]> =>
      Promise.all([first, lost, third].map((secret) => verdict(tokens, secret)))
    expect(await now()).toEqual(['TOKEN_REVOKED', 'ok', 'ok'])
    const { secret: last } = await tokens.rotateToken(token.id, ADMIN)
    expect(await now()).toEqual(['TOKEN_REVOKED', 'TOKEN_REVOKED', 'TOKEN_REVOKED'])
    expect(await verdict(tokens, last)).toBe('ok')
    for (const graceMs of [-1, 0.5, 604_800_001, '1' as never]) {
      await expect(tokens.rotateToken(token.id, ADMIN, { graceMs })).rejects.toMatchObject({
        code: 'VALIDATION_ERROR',
        details: { fields: { graceMs: expect.any(String) } },
      })
    }
    await tokens.rotateToken(token.id, ADMIN, { graceMs: 604_800_000 })
    expect(await verdict(tokens, last)).toBe('ok')
  })

  test('SEC-07 revocation also ends a secret in its grace; an expired token is not rotated', async () => {
    await using test = await open()
    const tokens = tokensOn(test.db)
    const { secret: first, token } = await tokens.issueToken(OWNER, 'x', ADMIN)
    const { secret: second } = await tokens.rotateToken(token.id, ADMIN, { graceMs: DAY_MS })
    await tokens.revokeToken(token.id, ADMIN)
    expect([await verdict(tokens, first), await verdict(tokens, second)]).toEqual(['TOKEN_REVOKED', 'TOKEN_REVOKED'])
    const other = await tokens.issueToken(OWNER, 'y', ADMIN, { expiresAt: test.clock.now() + 1 })
    test.clock.advance(1)
    await expect(tokens.rotateToken(other.token.id, ADMIN)).rejects.toMatchObject({ code: 'TOKEN_NOT_ACTIVE' })
  })

  test('SEC-06 the grace of a replaced secret does not outlive the expiry of its token', async () => {
    await using test = await open()
    const tokens = tokensOn(test.db)
    const { secret, token } = await tokens.issueToken(OWNER, 'x', ADMIN, { expiresAt: test.clock.now() + HOUR_MS })
    await tokens.rotateToken(token.id, ADMIN, { graceMs: DAY_MS })
    test.clock.advance(HOUR_MS)
    expect(await verdict(tokens, secret)).toBe('TOKEN_EXPIRED')
  })

  test('CON-22 rotations and revocations at once end with at most one live secret', async () => {
    await using test = await open()
    const tokens = tokensOn(test.db, { maxActivePerOwner: 100 })
    for (let round = 0; round < 6; round += 1) {
      const { secret, token } = await tokens.issueToken(OWNER, `round ${round}`, ADMIN)
      const calls = [
        tokens.rotateToken(token.id, ADMIN),
        tokens.rotateToken(token.id, ADMIN),
        tokens.revokeToken(token.id, ADMIN),
        tokens.rotateToken(token.id, ADMIN),
      ]
      // Half of the rounds without a revocation.
      const settled = await Promise.allSettled(round % 2 === 0 ? calls : calls.filter((_, index) => index !== 2))
      if (round % 2 === 1) await calls[2]
      for (const result of settled) {
        if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'TOKEN_ALREADY_REVOKED' })
      }
      const secrets = [
        secret,
        ...settled.flatMap((result) =>
          result.status === 'fulfilled' && 'secret' in result.value ? [result.value.secret] : [],
        ),
      ]
      const verdicts = await Promise.all(secrets.map((each) => verdict(tokens, each)))
      expect(verdicts.filter((each) => each === 'ok')).toHaveLength(0)
      expect(
        await test.scalar(
          'SELECT count(*) FROM api_token_secrets WHERE token_id = ? AND valid_until IS NULL',
          token.id,
        ),
      ).toBe(1)
    }
  })

  test('CON-22 of rotations at once the last secret lives, all others are dead', async () => {
    await using test = await open()
    const tokens = tokensOn(test.db)
    const { secret, token } = await tokens.issueToken(OWNER, 'x', ADMIN)
    const rotated = await Promise.all(Array.from({ length: 8 }, () => tokens.rotateToken(token.id, ADMIN)))
    const secrets = [secret, ...rotated.map((each) => each.secret)]
    const verdicts = await Promise.all(secrets.map((each) => verdict(tokens, each)))
    expect(verdicts.filter((each) => each === 'ok')).toHaveLength(1)
    expect(verdicts.filter((each) => each === 'TOKEN_REVOKED')).toHaveLength(8)
  })

  test('SEC-08 a suspended owner refuses the token, a deleted one ends it', async () => {
    await using test = await open()
    const tokens = tokensOn(test.db, { cacheMs: 1_000 })
    const users = usersOn(test.db)
    const { id } = await users.createUser(ANN, ADMIN)
    const secret = await tokens.createToken(id, 'x')
    expect(await verdict(tokens, secret)).toBe('ok')
    await users.suspendUser(id, ADMIN)
    expect(await verdict(tokens, secret)).toBe('ACCOUNT_SUSPENDED')
    await users.activateUser(id, ADMIN)
    expect(await verdict(tokens, secret)).toBe('ok')
    await users.deleteUser(id, ADMIN)
    expect(await verdict(tokens, secret)).toBe('TOKEN_REVOKED')
    expect(await tokens.listTokens({ ownerId: id })).toMatchObject({ data: [{ status: 'revoked' }] })
  })

  test('a token bound to addresses is refused from elsewhere and from nowhere, on every call', async () => {
    await using test = await open()
    const tokens = tokensOn(test.db, { cacheMs: 1_000 })
    const secret = await tokens.createToken(OWNER, 'x', { allowedIps: ['10.0.0.0/8', '2001:db8::/32'] })
    const asked = ['10.1.2.3', '11.1.2.3', undefined, '::ffff:10.9.9.9', '2001:db8::7', '2001:db9::7', 'garbage']
    const expected = ['ok', 'IP_NOT_ALLOWED', 'IP_NOT_ALLOWED', 'ok', 'ok', 'IP_NOT_ALLOWED', 'IP_NOT_ALLOWED']
    for (let round = 0; round < 2; round += 1) {
      expect(await Promise.all(asked.map((ip) => verdict(tokens, secret, ip)))).toEqual(expected)
    }
    expect(await tokens.verify(secret)).toBe(false)
    const { id } = (await tokens.listTokens()).data[0]!
    await tokens.updateToken(id, { allowedIps: ['11.1.2.3'] }, ADMIN)
    expect(await Promise.all(asked.map((ip) => verdict(tokens, secret, ip)))).toEqual(
      asked.map((ip) => (ip === '11.1.2.3' ? 'ok' : 'IP_NOT_ALLOWED')),
    )
    await tokens.updateToken(id, { allowedIps: [] }, ADMIN)
    expect(await tokens.verify(secret)).toBe(true)
  })

  test('AUT-22 a database that fails is an error, never a refusal and never an acceptance', async () => {
    await using test = await open()
    const tokens = tokensOn(test.db)
    const secret = await tokens.createToken(OWNER, 'x')
    await test.rows('ALTER TABLE api_token_secrets RENAME TO gone')
    for (const asked of [secret, generateApiToken(), 'some_other_token']) {
      await expect(tokens.authenticate(asked)).rejects.toThrow(/api_token_secrets/)
      await expect(tokens.verify(asked)).rejects.toThrow(/api_token_secrets/)
      await expect(tokens.recordUsage(asked, 1, 1)).rejects.toThrow(/api_token_secrets/)
    }
    await test.rows('ALTER TABLE gone RENAME TO api_token_secrets')
    expect(await verdict(tokens, secret)).toBe('ok')
    await test.close()
    await expect(tokens.authenticate(secret)).rejects.toMatchObject({ code: 'DATABASE_CLOSED' })
  })

  test('one read per authentication, none while it is remembered, none for a broken checksum', async () => {
    await using test = await open()
    const count = { read: 0, write: 0 }
    const db = watched(test.db, { read: () => void (count.read += 1), write: () => void (count.write += 1) })
    const tokens = tokensOn(db, { cacheMs: 1_000 })
    const secret = await tokens.createToken(OWNER, 'x')
    count.write = 0
    for (let use = 0; use < 50; use += 1) expect(await verdict(tokens, secret)).toBe('ok')
    expect(count.read).toBe(1)
    await verdict(tokens, generateApiToken())
    expect(count.read).toBe(2)
    await verdict(tokens, `${secret.slice(0, 51)}${secret.endsWith('0') ? '1' : '0'}`)
    expect(count.read).toBe(2)
    const uncached = tokensOn(db)
    for (let use = 0; use < 3; use += 1) expect(await verdict(uncached, secret)).toBe('ok')
    expect(count.read).toBe(5)
  })

  test('SEC-05 what was read is believed for less than cacheMs, even if nobody announces a change', async () => {
    await using test = await open()
    const tokens = tokensOn(test.db, { cacheMs: 1_000 })
    const { secret, token } = await tokens.issueToken(OWNER, 'x', ADMIN)
    const start = test.clock.now()
    expect(await verdict(tokens, secret)).toBe('ok')
    // As a process would that shares nothing but the file.
    await test.rows('UPDATE api_tokens SET revoked_at = 1 WHERE id = ?', token.id)
    test.clock.set(start + 999)
    expect(await verdict(tokens, secret)).toBe('ok')
    test.clock.set(start + 1_000)
    expect(await verdict(tokens, secret)).toBe('TOKEN_REVOKED')
    await test.rows('UPDATE api_tokens SET revoked_at = NULL WHERE id = ?', token.id)
    // A refusal is not remembered.
    expect(await verdict(tokens, secret)).toBe('ok')
    // A clock that steps back makes no memory older than it is.
    await test.rows('UPDATE users SET suspended_at = 1')
    test.clock.set(start)
    expect(await verdict(tokens, secret)).toBe('ACCOUNT_SUSPENDED')
  })

  test('a memory never outlives an expiry or the end of a grace', async () => {
    await using test = await open()
    const tokens = tokensOn(test.db, { cacheMs: 1_000 })
    const start = test.clock.now()
    const short = await tokens.createToken(OWNER, 'x', { expiresAt: start + 500 })
    const { secret: old, token } = await tokens.issueToken(OWNER, 'y', ADMIN)
    await tokens.rotateToken(token.id, ADMIN, { graceMs: 500 })
    const now = async (): Promise<string[]> => [await verdict(tokens, short), await verdict(tokens, old)]
    expect(await now()).toEqual(['ok', 'ok'])
    test.clock.set(start + 499)
    expect(await now()).toEqual(['ok', 'ok'])
    test.clock.set(start + 500)
    expect(await now()).toEqual(['TOKEN_EXPIRED', 'TOKEN_REVOKED'])
  })

  test('what refuses is read anew: it may have been changed since', async () => {
    await using test = await open()
    const tokens = tokensOn(test.db, { cacheMs: 1_000 })
    const secret = await tokens.createToken(OWNER, 'x', { expiresAt: test.clock.now() + 500 })
    expect(await verdict(tokens, secret)).toBe('ok')
    // As a process would that shares nothing but the file.
    await test.rows('UPDATE api_tokens SET expires_at = expires_at + 1')
    test.clock.advance(500)
    expect(await verdict(tokens, secret)).toBe('ok')
    test.clock.advance(1)
    expect(await verdict(tokens, secret)).toBe('TOKEN_EXPIRED')
  })

  test('SEC-05 what any service of this process changes is seen at the next use', async () => {
    await using test = await open()
    const tokens = tokensOn(test.db, { cacheMs: 1_000 })
    const elsewhere = tokensOn(test.db)
    const users = usersOn(test.db)
    const { id } = await users.createUser(ANN, ADMIN)
    const { secret, token } = await tokens.issueToken(id, 'x', ADMIN)
    expect(await principalFor(tokens, secret)).toMatchObject({ role: 'user', scopes: null })
    await users.changeUserRole(id, 'viewer', ADMIN)
    expect(await principalFor(tokens, secret)).toMatchObject({ role: 'viewer' })
    await elsewhere.updateToken(token.id, { scopes: ['agents:read'] }, ADMIN)
    expect(await principalFor(tokens, secret)).toMatchObject({ scopes: ['agents:read'] })
    const { secret: next } = await elsewhere.rotateToken(token.id, ADMIN)
    expect([await verdict(tokens, secret), await verdict(tokens, next)]).toEqual(['TOKEN_REVOKED', 'ok'])
    await elsewhere.revokeAll(id, ADMIN)
    expect(await verdict(tokens, next)).toBe('TOKEN_REVOKED')
  })

  test('a revocation counts from its commit, also while it is being written', async () => {
    await using test = await open()
    const tokens = tokensOn(test.db)
    const { secret, token } = await tokens.issueToken(OWNER, 'x', ADMIN)
    const revoked = Promise.withResolvers<undefined>()
    const gate = Promise.withResolvers<undefined>()
    const writing = test.db.write(async (tx) => {
      await tokens.revokeToken(token.id, ADMIN, { tx })
      revoked.resolve(undefined)
      await gate.promise
    })
    await revoked.promise
    expect(await verdict(tokens, secret)).toBe('ok')
    gate.resolve(undefined)
    await writing
    expect(await verdict(tokens, secret)).toBe('TOKEN_REVOKED')
  })

  test('SEC-05 what was read before a revocation and arrives after it is not remembered', async () => {
    await using test = await open()
    const gate = Promise.withResolvers<undefined>()
    const arrived = Promise.withResolvers<undefined>()
    const hold = { first: true }
    const db = watched(test.db, {
      read: async () => {
        if (!hold.first) return
        hold.first = false
        arrived.resolve(undefined)
        await gate.promise
      },
    })
    const tokens = tokensOn(db, { cacheMs: 1_000 })
    const other = tokensOn(test.db)
    const { secret, token } = await other.issueToken(OWNER, 'x', ADMIN)
    const early = verdict(tokens, secret)
    await arrived.promise
    await other.revokeToken(token.id, ADMIN)
    gate.resolve(undefined)
    expect(await early).toBe('ok')
    expect(await verdict(tokens, secret)).toBe('TOKEN_REVOKED')
  })

  test('SEC-10 a use is stamped at most once a minute, without a write per request', async () => {
    await using test = await open()
    const count = { write: 0 }
    const db = watched(test.db, { write: () => void (count.write += 1) })
    const lastUsed = async (tokens: TokenManager): Promise<number | null> => {
      await tokens.close()
      return (await tokens.listTokens({ name: 'x' })).data[0]!.lastUsedAt
    }
    for (const cacheMs of [0, 1_000]) {
      const tokens = tokensOn(db, { cacheMs })
      const { secret, token } = await tokens.issueToken(`user-${cacheMs}`, 'x', ADMIN)
      expect((await tokens.getToken(token.id))?.lastUsedAt).toBeNull()
      count.write = 0
      const first = test.clock.now()
      for (let use = 0; use < 40; use += 1) await tokens.authenticate(secret)
      expect(await lastUsed(tokens)).toBe(first)
      // A read that began before the stamp was written may ask for it once more; that one changes nothing.
      expect(count.write).toBeGreaterThanOrEqual(1)
      expect(count.write).toBeLessThanOrEqual(2)
      count.write = 0
      test.clock.set(first + MINUTE_MS - 1)
      for (let use = 0; use < 40; use += 1) await tokens.authenticate(secret)
      expect(await lastUsed(tokens)).toBe(first)
      expect(count.write).toBe(0)
      test.clock.set(first + MINUTE_MS)
      await tokens.authenticate(secret)
      expect(await lastUsed(tokens)).toBe(first + MINUTE_MS)
      expect(count.write).toBe(1)
      // A refused use is none.
      await tokens.revokeToken(token.id, ADMIN)
      test.clock.advance(MINUTE_MS)
      await tokens.authenticate(secret)
      expect(await lastUsed(tokens)).toBe(first + MINUTE_MS)
    }
  })

  test('SEC-10 uses of many tokens in one turn share a transaction, and two processes stamp once', async () => {
    await using test = await open()
    const count = { write: 0 }
    const db = watched(test.db, { write: () => void (count.write += 1) })
    const tokens = tokensOn(db, { maxActivePerOwner: 100 })
    const other = tokensOn(test.db)
    const secrets: string[] = []
    for (let index = 0; index < 30; index += 1) secrets.push(await tokens.createToken(OWNER, 'x'))
    count.write = 0
    await Promise.all(secrets.map((secret) => tokens.authenticate(secret)))
    await tokens.close()
    expect(count.write).toBeLessThanOrEqual(dialect === 'sqlite' ? 1 : 20)
    const stamped = test.clock.now()
    test.clock.advance(MINUTE_MS - 1)
    await other.authenticate(secrets[0]!)
    await other.close()
    expect(await test.rows('SELECT DISTINCT last_used_at FROM api_tokens')).toEqual([{ last_used_at: stamped }])
    // A stamp of a clock that was a day ahead does not stay for a day.
    await test.rows('UPDATE api_tokens SET last_used_at = ?', stamped + DAY_MS)
    await other.authenticate(secrets[0]!)
    await other.close()
    expect(await test.scalar('SELECT min(last_used_at) FROM api_tokens')).toBe(test.clock.now())
  })

  test('SEC-10 a stamp that fails fails no authentication, and is made by a later use', async () => {
    await using test = await open()
    const broken = { now: true }
    const db = watched(test.db, {})
    const failing = new Proxy(db, {
      get(target, name) {
        if (name !== 'write' || !broken.now) return Reflect.get(target, name, target) as unknown
        return () => Promise.reject(new Error('the disk is full'))
      },
    })
    const secret = await tokensOn(test.db).createToken(OWNER, 'x')
    const tokens = tokensOn(failing)
    expect(await verdict(tokens, secret)).toBe('ok')
    await tokens.close()
    expect(await test.scalar('SELECT last_used_at FROM api_tokens')).toBeNull()
    broken.now = false
    expect(await verdict(tokens, secret)).toBe('ok')
    await tokens.close()
    expect(await test.scalar('SELECT last_used_at FROM api_tokens')).toBe(test.clock.now())
  })
})

const withPostgres = (await enginesForTests()).includes('postgres') ? describe : describe.skip
withPostgres('API tokens in two processes on postgres', () => {
  test('SEC-05 a revocation in one process is heard by the other', async () => {
    await using test = await createTestDb({ dialect: 'postgres' })
    await using second = await openDatabase(test.db.url, { clock: test.clock })
    const here = tokensOn(test.db)
    const there = tokensOn(second, { cacheMs: 1_000 })
    const { secret, token } = await here.issueToken(OWNER, 'x', ADMIN)
    expect(await verdict(there, secret)).toBe('ok')
    const heard = Promise.withResolvers<undefined>()
    // Listening comes after the memory's own, on the same connection.
    await second.listen('iron_accounts', () => heard.resolve(undefined))
    await second.read((tx: ReadTx) => tx.sql.selectFrom('users').select('id').execute())
    expect(await verdict(there, secret)).toBe('ok')
    await here.revokeToken(token.id, ADMIN)
    await heard.promise
    expect(await verdict(there, secret)).toBe('TOKEN_REVOKED')
    await there.close()
  })

  test('SEC-10 a stamp waits for nobody: a row that is held is stamped another time', async () => {
    await using test = await createTestDb({ dialect: 'postgres' })
    const tokens = tokensOn(test.db)
    const secret = await tokens.createToken(OWNER, 'x')
    await test.db.write(async (tx) => {
      await tx.sql.updateTable('api_tokens').set({ description: 'held' }).execute()
      await using second = await openDatabase(test.db.url, { clock: test.clock })
      let written = 0
      const there = tokensOn(watched(second, { write: () => void (written += 1) }))
      expect(await verdict(there, secret)).toBe('ok')
      await there.close()
      expect(written).toBe(1)
    })
    expect(await test.scalar('SELECT last_used_at FROM api_tokens')).toBeNull()
    expect(await verdict(tokens, secret)).toBe('ok')
    await tokens.close()
    expect(await test.scalar('SELECT last_used_at FROM api_tokens')).toBe(test.clock.now())
  })
})
