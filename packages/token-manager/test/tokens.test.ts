import { describe, expect, test } from '@jest/globals'
import { createTestDb, enginesForTests, type TestDb } from '@iron/database/testing'
import { AuditLog } from '@iron/journal'
import { PERMISSIONS, permissionsOf } from '@iron/rbac'
import { type ApiToken, type Permission, TokenManager, type TokenOptions, type User } from '../src/index.ts'
import { insertToken } from '../src/tokens/insert-token.ts'
import { ADMIN, ANN, audited, everything, usersOn } from './support.ts'
import { auditedTokens, breakAudit, DAY_MS, HOUR_MS, OWNER, principalFor, tokensOn, verdict } from './tokens-support.ts'

const MISSING = { code: 'TOKEN_NOT_FOUND' }

async function userWith(test: TestDb, role: User['role']): Promise<User> {
  return usersOn(test.db).createUser({ ...ANN, role }, ADMIN)
}

function without<T extends object, K extends keyof T>(value: T, key: K): Omit<T, K> {
  const { [key]: _, ...rest } = value
  return rest
}

describe.each(await enginesForTests())('TokenManager on %s', (dialect) => {
  test('issues a token with all that may be said of it; the secret authenticates', async () => {
    await using test = await createTestDb({ dialect })
    const tokens = tokensOn(test.db)
    const options: TokenOptions = {
      scopes: ['agents:read', 'metrics:read'],
      expiresAt: test.clock.now() + HOUR_MS,
      projectId: 'blue',
      allowedIps: ['10.0.0.0/8', '2001:db8::1'],
      description: 'Nightly report\n\tof the blue team <b>',
    }
    const { secret, token } = await tokens.issueToken(OWNER, '  my-api-key ', ADMIN, options)
    expect(secret).toMatch(/^at_[\w-]{43}[0-9A-Za-z]{6}$/)
    expect(token).toEqual({
      ...options,
      id: expect.stringMatching(/^tok_/),
      ownerId: OWNER,
      name: 'my-api-key',
      hint: `${secret.slice(0, 7)}...${secret.slice(-4)}`,
      status: 'active',
      createdAt: test.clock.now(),
      lastUsedAt: null,
      rotatedAt: null,
      revokedAt: null,
    })
    expect(Object.isFrozen(token)).toBe(true)
    expect(await tokens.authenticate(secret, { ip: '10.1.1.1' })).toEqual({
      outcome: 'ok',
      principal: {
        kind: 'api_token',
        tokenId: token.id,
        userId: OWNER,
        role: 'user',
        scopes: options.scopes,
        projectId: 'blue',
        expiresAt: options.expiresAt,
      },
    })
    await tokens.close()
    const { usage, ...read } = (await tokens.getToken(token.id))!
    expect(read).toEqual({ ...token, lastUsedAt: test.clock.now() })
    expect(usage).toEqual({
      requests: 0,
      completed: 0,
      failed: 0,
      inputTokens: 0,
      outputTokens: 0,
      totalTokens: 0,
      cost: 0,
    })
  })

  test('createToken issues in the own name of its owner, on an empty database', async () => {
    await using test = await createTestDb({ dialect })
    const tokens = tokensOn(test.db)
    const secret = await tokens.createToken(OWNER, 'my-api-key')
    expect(await tokens.verify(secret)).toBe(true)
    expect(await tokens.verify(secret.slice(0, -1))).toBe(false)
    expect(await audited(test)).toEqual(['USER_CREATED', 'API_TOKEN_CREATED'])
    expect(await test.rows('SELECT id, email, password_hash, role FROM users')).toEqual([
      { id: OWNER, email: null, password_hash: null, role: 'user' },
    ])
    expect(await principalFor(tokens, secret)).toMatchObject({ userId: OWNER, scopes: null, projectId: null })
  })

  test('VAL-16 an owner who is unknown, suspended or deleted is USER_NOT_FOUND, and no row is made', async () => {
    await using test = await createTestDb({ dialect })
    const users = usersOn(test.db)
    const { id } = await userWith(test, 'user')
    const strict = new TokenManager(test.db)
    const lenient = tokensOn(test.db)
    const missing = { code: 'USER_NOT_FOUND' }
    await expect(strict.createToken(OWNER, 'x')).rejects.toMatchObject(missing)
    await users.suspendUser(id, ADMIN)
    for (const tokens of [strict, lenient]) await expect(tokens.createToken(id, 'x')).rejects.toMatchObject(missing)
    await users.deleteUser(id, ADMIN)
    for (const tokens of [strict, lenient]) await expect(tokens.createToken(id, 'x')).rejects.toMatchObject(missing)
    expect(await test.scalar('SELECT count(*) FROM api_tokens')).toBe(0)
    expect(await test.scalar('SELECT count(*) FROM users')).toBe(1)
  })

  test('a path is opened and its owners are provisioned; the quick start works on an empty file', async () => {
    await using tokens = new TokenManager(':memory:')
    const token = await tokens.createToken('user-001', 'my-api-key')
    expect(await tokens.verify(token)).toBe(true)
    expect(await tokens.recordUsage(token, 1000, 0.05)).toMatchObject({ duplicate: false, exceeded: null })
  })

  test('VAL-02 VAL-06 VAL-07 VAL-13 every fault of a new token is named, and the limits are exact', async () => {
    await using test = await createTestDb({ dialect })
    const tokens = tokensOn(test.db)
    const bad = {
      scopes: ['agents:read', 'agents:fly', 'agents:read', 7],
      expiresAt: test.clock.now(),
      projectId: '',
      allowedIps: ['10.0.0.1', 'nowhere'],
      description: 'x'.repeat(501),
    } as unknown as TokenOptions
    await expect(tokens.issueToken('', ' ', ADMIN, bad)).rejects.toMatchObject({
      code: 'VALIDATION_ERROR',
      details: {
        fields: {
          ownerId: expect.any(String),
          name: expect.any(String),
          'scopes[1]': expect.any(String),
          'scopes[2]': expect.any(String),
          'scopes[3]': expect.any(String),
          expiresAt: expect.any(String),
          projectId: expect.any(String),
          'allowedIps[1]': expect.any(String),
          description: expect.any(String),
        },
      },
    })
    const faulty: [string, TokenOptions, string][] = [
      ['x'.repeat(101), {}, 'name'],
      ['a\nb', {}, 'name'],
      ['a\u0000', {}, 'name'],
      ['trailing\n', {}, 'name'],
      ['x', { scopes: [] }, 'scopes'],
      ['x', { scopes: 'agents:read' as never }, 'scopes'],
      ['x', { expiresAt: test.clock.now() + 0.5 }, 'expiresAt'],
      ['x', { expiresAt: 8_640_000_000_000_001 }, 'expiresAt'],
      ['x', { expiresAt: '2030-01-01' as never }, 'expiresAt'],
      ['x', { projectId: 'p'.repeat(101) }, 'projectId'],
      ['x', { projectId: 'p\u0000' }, 'projectId'],
      ['x', { allowedIps: Array.from({ length: 51 }, () => '10.0.0.1') }, 'allowedIps'],
      ['x', { allowedIps: '10.0.0.1' as never }, 'allowedIps'],
      ['x', { description: 'a\u0000b' }, 'description'],
    ]
    for (const [name, options, path] of faulty) {
      await expect(tokens.createToken(OWNER, name, options)).rejects.toMatchObject({
        code: 'VALIDATION_ERROR',
        details: { fields: { [path]: expect.any(String) } },
      })
    }
    expect(await test.scalar('SELECT count(*) FROM users')).toBe(0)
    const combining = 'e\u0301'.repeat(100)
    const { token } = await tokens.issueToken(OWNER, combining, ADMIN, {
      description: 'e\u0301'.repeat(500),
      projectId: '👩'.repeat(100),
      expiresAt: test.clock.now() + 1,
      allowedIps: Array.from({ length: 50 }, (_, index) => `10.0.0.${index}`),
      scopes: permissionsOf({ id: OWNER, role: 'user' }),
    })
    expect(token).toMatchObject({ name: combining.normalize('NFC'), description: 'é'.repeat(500) })
  })

  test('ACL-11 a token cannot be given more than its owner has', async () => {
    await using test = await createTestDb({ dialect })
    const tokens = tokensOn(test.db)
    const { id } = await userWith(test, 'viewer')
    const refused = tokens.issueToken(id, 'x', ADMIN, { scopes: ['agents:read', 'agents:write', 'users:manage'] })
    await expect(refused).rejects.toMatchObject({
      code: 'VALIDATION_ERROR',
      details: { fields: { 'scopes[1]': expect.any(String), 'scopes[2]': expect.any(String) } },
    })
    await expect(tokens.createToken('nobody-yet', 'x', { scopes: ['users:manage'] })).rejects.toMatchObject({
      details: { fields: { 'scopes[0]': expect.any(String) } },
    })
    expect(await test.scalar('SELECT count(*) FROM users')).toBe(1)
    const { token } = await tokens.issueToken(id, 'x', ADMIN, { scopes: ['agents:read'] })
    await expect(tokens.updateToken(token.id, { scopes: ['users:manage'] }, ADMIN)).rejects.toMatchObject({
      details: { fields: { 'scopes[0]': expect.any(String) } },
    })
    const admin = await usersOn(test.db).changeUserRole(id, 'admin', ADMIN)
    expect(await tokens.updateToken(token.id, { scopes: [...PERMISSIONS] }, ADMIN)).toMatchObject({
      scopes: PERMISSIONS,
    })
    expect(admin.role).toBe('admin')
  })

  test('ACL-11 a token has the role its owner has now, narrowed by its scopes', async () => {
    await using test = await createTestDb({ dialect })
    const tokens = tokensOn(test.db, { cacheMs: 1_000 })
    const users = usersOn(test.db)
    const { id } = await userWith(test, 'user')
    const [all, some] = [
      await tokens.createToken(id, 'all'),
      await tokens.createToken(id, 'some', { scopes: ['agents:write'] }),
    ]
    const allowed = async (secret: string): Promise<readonly Permission[]> => {
      const { userId, role, scopes } = await principalFor(tokens, secret)
      return permissionsOf({ id: userId, role, scopes })
    }
    expect(await allowed(all)).toEqual(permissionsOf({ id, role: 'user' }))
    expect(await allowed(some)).toEqual(['agents:write'])
    await users.changeUserRole(id, 'viewer', ADMIN)
    expect(await allowed(all)).toEqual(permissionsOf({ id, role: 'viewer' }))
    expect(await allowed(some)).toEqual([])
  })

  test('CON-20 SEC-09 of 20 parallel issues 10 succeed; expired and revoked tokens do not count', async () => {
    await using test = await createTestDb({ dialect })
    const tokens = tokensOn(test.db)
    await tokens.createToken(OWNER, 'soon', { expiresAt: test.clock.now() + 1 })
    const [revoked] = await tokens.listTokens().then(({ data }) => data)
    test.clock.advance(1)
    const again = await tokens.issueToken(OWNER, 'again', ADMIN)
    await tokens.revokeToken(again.token.id, ADMIN)
    const calls = Array.from({ length: 20 }, (_, index) => tokens.createToken(OWNER, `token ${index}`))
    const settled = await Promise.allSettled(calls)
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(10)
    for (const result of settled) {
      if (result.status === 'rejected') {
        expect(result.reason).toMatchObject({ code: 'TOKEN_LIMIT_EXCEEDED', details: { max: 10 } })
      }
    }
    expect(await tokens.listTokens({ status: 'active' })).toMatchObject({ total: 10 })
    expect(await tokens.createToken('user-002', 'of another owner')).toEqual(expect.any(String))
    // What expired would be one too many if it were active again.
    await expect(tokens.updateToken(revoked!.id, { expiresAt: null }, ADMIN)).rejects.toMatchObject({
      code: 'TOKEN_LIMIT_EXCEEDED',
    })
    const [first] = (await tokens.listTokens({ status: 'active', ownerId: OWNER })).data
    await tokens.revokeToken(first!.id, ADMIN)
    expect(await tokens.updateToken(revoked!.id, { expiresAt: null }, ADMIN)).toMatchObject({ status: 'active' })
    await expect(tokens.createToken(OWNER, 'one more')).rejects.toMatchObject({ code: 'TOKEN_LIMIT_EXCEEDED' })
  })

  test('CON-20 the limit also holds between revivals and issues at once', async () => {
    await using test = await createTestDb({ dialect })
    const tokens = tokensOn(test.db, { maxActivePerOwner: 3 })
    const expired: ApiToken[] = []
    for (let count = 0; count < 3; count += 1) {
      expired.push((await tokens.issueToken(OWNER, 'x', ADMIN, { expiresAt: test.clock.now() + 1 })).token)
      test.clock.advance(1)
    }
    const settled = await Promise.allSettled([
      ...expired.map(({ id }) => tokens.updateToken(id, { expiresAt: null }, ADMIN)),
      ...expired.map(() => tokens.createToken(OWNER, 'y')),
    ])
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(3)
    expect(await tokens.listTokens({ status: 'active' })).toMatchObject({ total: 3 })
  })

  test('SEC-08 a token issued while its owner is being deleted is refused or dies with the owner', async () => {
    await using test = await createTestDb({ dialect })
    const tokens = tokensOn(test.db)
    const { id } = await userWith(test, 'user')
    const settled = await Promise.allSettled([
      ...Array.from({ length: 4 }, () => tokens.createToken(id, 'before')),
      usersOn(test.db).deleteUser(id, ADMIN),
      ...Array.from({ length: 4 }, () => tokens.createToken(id, 'after')),
    ])
    for (const result of settled) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'USER_NOT_FOUND' })
      else if (typeof result.value === 'string') expect(await verdict(tokens, result.value)).toBe('TOKEN_REVOKED')
    }
    expect(await tokens.listTokens({ ownerId: id, status: 'active' })).toMatchObject({ total: 0 })
  })

  test('VAL-05 an update changes what is given, clears what is null, and audits only what differs', async () => {
    await using test = await createTestDb({ dialect })
    const tokens = tokensOn(test.db)
    const { token } = await tokens.issueToken(OWNER, 'first', ADMIN, {
      description: 'of old',
      scopes: ['agents:read'],
      expiresAt: test.clock.now() + DAY_MS,
      allowedIps: ['10.0.0.1'],
      projectId: 'blue',
    })
    const before = await auditedTokens(test)
    expect(await tokens.updateToken(token.id, { name: 'first', allowedIps: ['10.0.0.1'] }, ADMIN)).toEqual(token)
    expect(await auditedTokens(test)).toEqual(before)
    const renamed = await tokens.updateToken(token.id, { name: 'second' }, ADMIN)
    expect(renamed).toEqual({ ...token, name: 'second' })
    const cleared = await tokens.updateToken(
      token.id,
      { description: null, scopes: null, expiresAt: null, allowedIps: [] },
      ADMIN,
    )
    expect(cleared).toEqual({ ...renamed, description: null, scopes: null, expiresAt: null, allowedIps: [] })
    expect(without((await tokens.getToken(token.id))!, 'usage')).toEqual(cleared)
    expect((await auditedTokens(test)).slice(1)).toEqual([
      {
        operation: 'API_TOKEN_UPDATED',
        about: `api_token ${token.id}`,
        changes: { before: { name: 'first' }, after: { name: 'second' } },
        metadata: { user_id: OWNER },
        reason: null,
      },
      {
        operation: 'API_TOKEN_UPDATED',
        about: `api_token ${token.id}`,
        changes: {
          before: {
            description: 'of old',
            scopes: ['agents:read'],
            expires_at: new Date(test.clock.now() + DAY_MS).toISOString(),
            allowed_ips: ['10.0.0.1'],
          },
          after: { description: null, scopes: null, expires_at: null, allowed_ips: [] },
        },
        metadata: { user_id: OWNER },
        reason: null,
      },
    ])
    await expect(tokens.updateToken(token.id, {}, ADMIN)).rejects.toMatchObject({
      code: 'VALIDATION_ERROR',
      details: { fields: { $: expect.any(String) } },
    })
    const bad = { name: null, allowedIps: null, scopes: [], expiresAt: 1, description: 7 } as never
    await expect(tokens.updateToken(token.id, bad, ADMIN)).rejects.toMatchObject({
      details: {
        fields: {
          name: expect.any(String),
          allowedIps: expect.any(String),
          scopes: expect.any(String),
          expiresAt: expect.any(String),
          description: expect.any(String),
        },
      },
    })
  })

  test('DAT-14 ACL-03 a token that is not there and one of another owner are refused in the same words', async () => {
    await using test = await createTestDb({ dialect })
    const tokens = tokensOn(test.db)
    const { token } = await tokens.issueToken(OWNER, 'x', ADMIN)
    const other = { ownerId: 'user-002' }
    const failures = await Promise.all(
      [
        tokens.updateToken('tok-none', { name: 'y' }, ADMIN),
        tokens.updateToken(token.id, { name: 'y' }, ADMIN, other),
        tokens.rotateToken('tok-none', ADMIN),
        tokens.rotateToken(token.id, ADMIN, other),
        tokens.revokeToken('tok-none', ADMIN),
        tokens.revokeToken(token.id, ADMIN, other),
      ].map((call) => call.then(String, (error: unknown) => error)),
    )
    for (const failure of failures) expect(failure).toMatchObject({ ...MISSING, details: {} })
    expect(new Set(failures.map((failure) => (failure as Error).message)).size).toBe(1)
    expect(await tokens.getToken('tok-none')).toBeUndefined()
    expect(await tokens.getToken(token.id, other)).toBeUndefined()
    expect(await tokens.getToken(token.id, { ownerId: OWNER })).toMatchObject(token)
    const own = { ownerId: OWNER }
    await tokens.updateToken(token.id, { name: 'y' }, OWNER, own)
    await tokens.rotateToken(token.id, OWNER, own)
    expect(await tokens.revokeToken(token.id, OWNER, own)).toMatchObject({ status: 'revoked', name: 'y' })
  })

  test('a revoked token is final: every change is TOKEN_ALREADY_REVOKED and tells since when', async () => {
    await using test = await createTestDb({ dialect })
    const tokens = tokensOn(test.db)
    const { token } = await tokens.issueToken(OWNER, 'x', ADMIN)
    test.clock.advance(5)
    const revokedAt = test.clock.now()
    expect(await tokens.revokeToken(token.id, ADMIN, { reason: 'leaked\nin a log' })).toEqual({
      ...token,
      status: 'revoked',
      revokedAt,
    })
    expect((await auditedTokens(test)).at(-1)).toEqual({
      operation: 'API_TOKEN_REVOKED',
      about: `api_token ${token.id}`,
      changes: { before: { status: 'active' }, after: { status: 'revoked' } },
      metadata: { user_id: OWNER },
      reason: 'leaked\nin a log',
    })
    expect(await test.rows('SELECT revoked_by FROM api_tokens')).toEqual([{ revoked_by: ADMIN }])
    const entries = (await audited(test)).length
    test.clock.advance(5)
    const refused = {
      code: 'TOKEN_ALREADY_REVOKED',
      details: { revoked_at: new Date(revokedAt).toISOString() },
    }
    await expect(tokens.revokeToken(token.id, ADMIN)).rejects.toMatchObject(refused)
    await expect(tokens.rotateToken(token.id, ADMIN)).rejects.toMatchObject(refused)
    await expect(tokens.updateToken(token.id, { name: 'y' }, ADMIN)).rejects.toMatchObject(refused)
    await expect(tokens.revokeToken(token.id, ADMIN, { reason: 'x'.repeat(1_001) })).rejects.toMatchObject({
      code: 'VALIDATION_ERROR',
    })
    expect((await audited(test)).length).toBe(entries)
  })

  test('DAT-11 revokeAll ends every token of an owner, expired ones too, with one entry that names them', async () => {
    await using test = await createTestDb({ dialect })
    const tokens = tokensOn(test.db)
    const secrets = [
      await tokens.createToken(OWNER, 'a'),
      await tokens.createToken(OWNER, 'b', { expiresAt: test.clock.now() + 1 }),
    ]
    const gone = await tokens.issueToken(OWNER, 'c', ADMIN)
    await tokens.revokeToken(gone.token.id, ADMIN)
    const other = await tokens.createToken('user-002', 'd')
    test.clock.advance(1)
    const ids = (await tokens.listTokens({ ownerId: OWNER })).data
      .filter(({ status }) => status !== 'revoked')
      .map(({ id }) => id)
      .sort()
    const actor = { type: 'api_token', id: 'tok_x', userId: ADMIN, ip: '10.1.1.1', requestId: 'r-1' } as const
    expect(await tokens.revokeAll(OWNER, actor)).toEqual(ids)
    expect(ids).toHaveLength(2)
    for (const secret of [...secrets, gone.secret]) expect(await verdict(tokens, secret)).toBe('TOKEN_REVOKED')
    expect(await verdict(tokens, other)).toBe('ok')
    const entry = (await auditedTokens(test)).at(-1)
    expect(entry).toMatchObject({ about: `user ${OWNER}`, metadata: { token_ids: ids, tokens_revoked: 2 } })
    const [row] = await test.rows(
      'SELECT actor_type, actor_id, actor_user_id, ip, http_request_id FROM audit_log ORDER BY seq DESC LIMIT 1',
    )
    expect(row).toEqual({
      actor_type: 'api_token',
      actor_id: 'tok_x',
      actor_user_id: ADMIN,
      ip: '10.1.1.1',
      http_request_id: 'r-1',
    })
    const entries = (await audited(test)).length
    expect(await tokens.revokeAll(OWNER, ADMIN)).toEqual([])
    expect((await audited(test)).length).toBe(entries)
    await expect(tokens.revokeAll('user-none', ADMIN)).rejects.toMatchObject({ code: 'USER_NOT_FOUND' })
  })

  test('DAT-10 DAT-11 one entry per change, and a change whose entry cannot be written has not happened', async () => {
    await using test = await createTestDb({ dialect })
    const tokens = tokensOn(test.db)
    const { token, secret } = await tokens.issueToken(OWNER, 'x', ADMIN)
    await tokens.updateToken(token.id, { name: 'y' }, ADMIN)
    const rotated = await tokens.rotateToken(token.id, ADMIN, { graceMs: HOUR_MS })
    expect(await audited(test, { type: 'api_token' })).toEqual([
      'API_TOKEN_CREATED',
      'API_TOKEN_UPDATED',
      'API_TOKEN_ROTATED',
    ])
    const state = async (): Promise<unknown> => [
      await test.rows('SELECT * FROM api_tokens'),
      await test.rows('SELECT * FROM api_token_secrets ORDER BY token_hash'),
      await test.rows('SELECT * FROM users'),
    ]
    await tokens.close()
    const before = await state()
    await breakAudit(test, true)
    const changes = [
      () => tokens.createToken(OWNER, 'z'),
      () => tokens.createToken('user-002', 'z'),
      () => tokens.updateToken(token.id, { name: 'z' }, ADMIN),
      () => tokens.rotateToken(token.id, ADMIN),
      () => tokens.revokeToken(token.id, ADMIN),
      () => tokens.revokeAll(OWNER, ADMIN),
    ]
    for (const change of changes) await expect(change()).rejects.toThrow(/audit_log/)
    await breakAudit(test, false)
    expect(await state()).toEqual(before)
    expect(await verdict(tokens, rotated.secret)).toBe('ok')
    expect(await verdict(tokens, secret)).toBe('ok')
  })

  test('DAT-10 an actor that cannot be recorded changes nothing, also in a transaction that goes on', async () => {
    await using test = await createTestDb({ dialect })
    const tokens = tokensOn(test.db)
    const { token, secret } = await tokens.issueToken(OWNER, 'x', ADMIN)
    await test.db.write(async (tx) => {
      const nobody = ''
      const refused = [
        () => tokens.issueToken(OWNER, 'y', nobody, { tx }),
        () => tokens.updateToken(token.id, { name: 'y' }, nobody, { tx }),
        () => tokens.rotateToken(token.id, nobody, { tx }),
        () => tokens.revokeToken(token.id, nobody, { tx }),
        () => tokens.revokeAll(OWNER, nobody, { tx }),
      ]
      for (const change of refused) await expect(change()).rejects.toMatchObject({ code: 'VALIDATION_ERROR' })
      await tokens.updateToken(token.id, { description: 'kept' }, ADMIN, { tx })
    })
    expect((await tokens.listTokens()).data).toEqual([{ ...token, description: 'kept' }])
    expect(await verdict(tokens, secret)).toBe('ok')
    expect(await audited(test, { type: 'api_token' })).toEqual(['API_TOKEN_CREATED', 'API_TOKEN_UPDATED'])
  })

  test('changes join a transaction, and a refusal leaves it usable', async () => {
    await using test = await createTestDb({ dialect })
    const tokens = tokensOn(test.db, { maxActivePerOwner: 1 })
    const secrets = await test.db.write(async (tx) => {
      const first = await tokens.issueToken(OWNER, 'x', ADMIN, { tx })
      await expect(tokens.issueToken(OWNER, 'y', ADMIN, { tx })).rejects.toMatchObject({
        code: 'TOKEN_LIMIT_EXCEEDED',
      })
      const second = await tokens.rotateToken(first.token.id, ADMIN, { tx })
      expect(await tokens.getToken(first.token.id, { tx })).toMatchObject(second.token)
      expect(await tokens.listTokens({}, { tx })).toMatchObject({ total: 1 })
      return [first.secret, second.secret]
    })
    expect([await verdict(tokens, secrets[0]!), await verdict(tokens, secrets[1]!)]).toEqual(['TOKEN_REVOKED', 'ok'])
    const failing = test.db.write(async (tx) => {
      await tokens.revokeAll(OWNER, ADMIN, { tx })
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    expect(await verdict(tokens, secrets[1]!)).toBe('ok')
    await test.db.write(async () => {
      await expect(tokens.createToken(OWNER, 'nested')).rejects.toMatchObject({ code: 'NESTED_WRITE' })
    })
  })

  test('SEC-01 a secret stands nowhere but in its answer: no row, no list, no error, no audit entry', async () => {
    await using test = await createTestDb({ dialect })
    const tokens = tokensOn(test.db)
    const issued = await tokens.issueToken(OWNER, 'x', ADMIN, { description: 'plain' })
    const rotated = await tokens.rotateToken(issued.token.id, ADMIN, { graceMs: HOUR_MS })
    const short = await tokens.createToken(OWNER, 'y')
    const expired = await tokens.createToken(OWNER, 'z', { expiresAt: test.clock.now() + 1 })
    test.clock.advance(1)
    await tokens.recordUsage(issued.secret, 1, 1)
    await tokens.updateToken(issued.token.id, { name: 'renamed' }, ADMIN)
    const refusal: unknown = await tokens.recordUsage(expired, 1, 1).catch((error: unknown) => error)
    await tokens.revokeToken(issued.token.id, ADMIN)
    await tokens.close()
    const shown = JSON.stringify([
      await everything(test),
      await tokens.listTokens(),
      await tokens.getToken(issued.token.id),
      refusal,
      String(refusal),
      issued.token,
      rotated.token,
    ])
    for (const secret of [issued.secret, rotated.secret, short, expired]) {
      const random = secret.slice(3, 46)
      const needles = [
        secret,
        random,
        secret.slice(7, 30),
        Buffer.from(secret).toString('base64').slice(8, 40),
        Buffer.from(secret).toString('hex').slice(14, 60),
        Buffer.from(random, 'base64url').toString('hex'),
      ]
      for (const needle of needles) expect(shown).not.toContain(needle)
    }
    expect(shown).toContain(rotated.token.hint)
  })

  test('DAT-19 VAL-11 lists filter, sort and page alike on both engines, with totals that match', async () => {
    await using test = await createTestDb({ dialect })
    const tokens = tokensOn(test.db)
    const make = async (name: string, options: TokenOptions & { ownerId?: string } = {}): Promise<string> => {
      test.clock.advance(1)
      const { ownerId = OWNER, ...rest } = options
      return tokens.createToken(ownerId, name, rest)
    }
    const now = test.clock.now()
    const used = await make('Ärger 50%', { expiresAt: now + HOUR_MS })
    await make('b_c', { projectId: 'blue', expiresAt: now + 2 * HOUR_MS })
    await make('bxc', { projectId: 'blue' })
    await make('soon over', { expiresAt: now + 10 })
    await make('of another', { ownerId: 'user-002' })
    const gone = (await tokens.listTokens({ name: 'bxc' })).data[0]!
    await tokens.revokeToken(gone.id, ADMIN)
    test.clock.set(now + 20)
    await tokens.authenticate(used)
    await tokens.close()
    const names = async (...call: Parameters<TokenManager['listTokens']>): Promise<string[]> =>
      (await tokens.listTokens(...call)).data.map(({ name }) => name)
    expect(await names()).toEqual(['of another', 'soon over', 'bxc', 'b_c', 'Ärger 50%'])
    expect(await names({}, { sort: 'createdAt' })).toEqual(['Ärger 50%', 'b_c', 'bxc', 'soon over', 'of another'])
    expect(await names({}, { sort: 'name' })).toEqual(['b_c', 'bxc', 'of another', 'soon over', 'Ärger 50%'])
    expect((await names({}, { sort: '-lastUsedAt' }))[0]).toBe('Ärger 50%')
    expect((await names({}, { sort: 'lastUsedAt' })).at(-1)).toBe('Ärger 50%')
    expect((await names({}, { sort: 'expiresAt' })).slice(0, 3)).toEqual(['soon over', 'Ärger 50%', 'b_c'])
    expect((await names({}, { sort: '-expiresAt' })).slice(2)).toEqual(['b_c', 'Ärger 50%', 'soon over'])
    expect(await names({ name: 'ärGER' })).toEqual(['Ärger 50%'])
    expect(await names({ name: '0%' })).toEqual(['Ärger 50%'])
    expect(await names({ name: 'B_C' })).toEqual(['b_c'])
    expect(await names({ name: '*' })).toEqual([])
    expect(await names({ ownerId: 'user-002' })).toEqual(['of another'])
    expect(await names({ projectId: 'blue' })).toEqual(['bxc', 'b_c'])
    expect(await names({ projectId: 'blu' })).toEqual([])
    expect(await names({ status: 'active' })).toEqual(['of another', 'b_c', 'Ärger 50%'])
    expect(await names({ status: 'expired' })).toEqual(['soon over'])
    expect(await names({ status: 'revoked' })).toEqual(['bxc'])
    expect(await names({ status: 'active', projectId: 'blue', ownerId: OWNER, name: 'c' })).toEqual(['b_c'])
    expect(await tokens.listTokens({ status: 'active' }, { perPage: 2, page: 2 })).toMatchObject({
      data: [{ name: 'Ärger 50%' }],
      total: 3,
      page: 2,
      perPage: 2,
    })
    expect(await tokens.listTokens({}, { page: 9 })).toMatchObject({ data: [], total: 5 })
    for (const bad of [{ status: 'gone' }, { name: 'a\u0000' }, { projectId: 7 }, { ownerId: '' }] as never[]) {
      await expect(tokens.listTokens(bad)).rejects.toMatchObject({ code: 'VALIDATION_ERROR' })
    }
    for (const page of [{ sort: 'hint' }, { page: 0 }, { perPage: 101 }, { page: 1.5 }]) {
      await expect(tokens.listTokens({}, page)).rejects.toMatchObject({ code: 'VALIDATION_ERROR' })
    }
  })

  test('insertToken stores any secret and any past, and audits it like an issue', async () => {
    await using test = await createTestDb({ dialect })
    const tokens = tokensOn(test.db)
    const { id: ownerId } = await userWith(test, 'admin')
    const nowMs = test.clock.now()
    const context = { actor: ADMIN, audit: new AuditLog(test.db), nowMs }
    const inserted = await test.db.write(async (tx) => [
      await insertToken(tx, 'iron_dev_admin_token_001', { id: 'tok_1', ownerId, name: null, createdAt: 5 }, context),
      await insertToken(
        tx,
        'old',
        { id: 'tok_2', ownerId, name: 'Old', createdAt: 5, expiresAt: 10, projectId: 'p', scopes: ['agents:read'] },
        context,
      ),
    ])
    expect(inserted[0]).toMatchObject({ id: 'tok_1', name: 'API token', hint: 'iron_de..._001', createdAt: 5 })
    expect(inserted[1]).toMatchObject({ id: 'tok_2', status: 'expired', hint: '***', projectId: 'p' })
    expect(without((await tokens.getToken('tok_2'))!, 'usage')).toEqual(inserted[1])
    expect(await verdict(tokens, 'iron_dev_admin_token_001')).toBe('ok')
    expect(await tokens.authenticate('old')).toEqual({ outcome: 'refused', code: 'TOKEN_EXPIRED', expiredAt: 10 })
    expect(await audited(test, { type: 'api_token' })).toEqual(['API_TOKEN_CREATED', 'API_TOKEN_CREATED'])
    await expect(
      test.db.write((tx) => insertToken(tx, 'old', { id: 'tok_3', ownerId, name: null, createdAt: 5 }, context)),
    ).rejects.toMatchObject({ code: 'DATABASE_CONSTRAINT' })
  })

  test('pruning forgets replaced secrets whose grace is long over, and nothing else', async () => {
    await using test = await createTestDb({ dialect })
    const tokens = tokensOn(test.db)
    const { secret: first, token } = await tokens.issueToken(OWNER, 'x', ADMIN)
    test.clock.advance(HOUR_MS)
    const rotatedAt = test.clock.now()
    const { secret: second } = await tokens.rotateToken(token.id, ADMIN, { graceMs: HOUR_MS })
    expect(await tokens.prune({ olderThan: rotatedAt + HOUR_MS })).toBe(0)
    expect(await tokens.prune({ olderThan: rotatedAt + 2 * HOUR_MS })).toBe(0)
    await expect(tokens.prune({ olderThan: rotatedAt, limit: -1 })).rejects.toMatchObject({ code: 'VALIDATION_ERROR' })
    test.clock.advance(2 * HOUR_MS)
    expect(await verdict(tokens, first)).toBe('TOKEN_REVOKED')
    expect(await tokens.prune({ olderThan: test.clock.now() })).toBe(1)
    expect(await tokens.prune({ olderThan: test.clock.now() })).toBe(0)
    expect(await verdict(tokens, first)).toBe('UNAUTHORIZED')
    expect(await verdict(tokens, second)).toBe('ok')
    expect(await tokens.getToken(token.id)).toMatchObject({ rotatedAt, status: 'active' })
  })

  test('options that make no sense are refused when the service is made', async () => {
    await using test = await createTestDb({ dialect })
    for (const options of [{ cacheMs: 1_001 }, { cacheMs: -1 }, { maxActivePerOwner: 0 }, { maxActivePerOwner: 1.5 }]) {
      expect(() => new TokenManager(test.db, options)).toThrow(expect.objectContaining({ code: 'VALIDATION_ERROR' }))
    }
  })
})
