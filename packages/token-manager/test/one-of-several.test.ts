import { describe, expect, test } from '@jest/globals'
import { createTestDb, enginesForTests, type TestDb } from '@iron/database/testing'
import { generateMasterKey, SecretVault } from '@iron/ip-token-crypto'
import { LimitEnforcer, ProviderCatalog, ProviderKeyStorage, UserService, usd } from '../src/index.ts'
import { PASSWORD } from './accounts-support.ts'
import { ADMIN, ANN, freshVault, sessionsOn, usersOn } from './support.ts'
import { tokensOn, verdict } from './tokens-support.ts'

/** Models that a provider may have. */
const MODELS_MAX = 100
const SECRETS = ['sk-first-1234567890', 'sk-second-1234567890', 'sk-third-1234567890'] as const

interface Told {
  readonly operation: string
  readonly resource_type: string
  readonly changes: string | null
  readonly metadata: string | null
}

async function lastEntry(test: TestDb): Promise<Told> {
  const [row] = await test.rows<Told>(
    'SELECT operation, resource_type, changes, metadata FROM audit_log ORDER BY seq DESC LIMIT 1',
  )
  return row!
}

/** What is done to one of several is done to no other. */
describe.each(await enginesForTests())('one of several on %s', (dialect) => {
  test('a limit that is changed or deleted leaves those of others', async () => {
    await using test = await createTestDb({ dialect })
    const limits = new LimitEnforcer(test.db, { provisionOwners: true })
    const mine = await limits.create({ ownerId: 'user-001', maxTokensPerDay: 10 }, ADMIN)
    const theirs = await limits.create({ ownerId: 'user-002', maxCostPerMonth: usd(7) }, ADMIN)
    const made = await lastEntry(test)
    expect(made.resource_type).toBe('limit')
    expect(JSON.parse(made.changes!)).toMatchObject({ after: { max_tokens_per_day: null, max_cost_per_month_usd: 7 } })
    await expect(limits.create({ ownerId: 'user-002', maxTokensPerDay: 1 }, ADMIN)).rejects.toMatchObject({
      code: 'DUPLICATE_LIMIT',
      details: { existing_id: theirs.id },
    })
    await limits.update(mine.id, { maxTokensPerDay: 20, maxRequestsPerMinute: 3 }, ADMIN)
    expect(await limits.get(theirs.id)).toEqual(theirs)
    expect(await limits.get(mine.id)).toMatchObject({ maxTokensPerDay: 20, maxRequestsPerMinute: 3 })
    await limits.delete(mine.id, ADMIN)
    expect((await limits.list()).data).toEqual([theirs])
    const entry = await lastEntry(test)
    expect(entry).toMatchObject({ operation: 'LIMIT_DELETED', resource_type: 'limit' })
    expect(JSON.parse(entry.changes!)).toEqual({
      before: {
        user_id: 'user-001',
        project_id: null,
        max_tokens_per_day: 20,
        max_requests_per_minute: 3,
        max_cost_per_month_usd: null,
      },
    })
  })

  test('a provider that is changed or deleted leaves others and their keys', async () => {
    await using test = await createTestDb({ dialect })
    const catalog = new ProviderCatalog(test.db)
    const keys = new ProviderKeyStorage(test.db, freshVault())
    const facts = { kind: 'openai', baseUrl: 'https://api.openai.com/v1', models: ['gpt-4o'] } as const
    const first = await catalog.create({ ...facts, name: 'first' }, ADMIN)
    const second = await catalog.create({ ...facts, name: 'second' }, ADMIN)
    expect(first.id).toMatch(/^prov_/)
    await keys.add(first.id, SECRETS[0], ADMIN)
    expect(await lastEntry(test)).toMatchObject({ operation: 'PROVIDER_KEY_ADDED', resource_type: 'provider_key' })
    const kept = await keys.add(second.id, SECRETS[1], ADMIN)
    await expect(catalog.update(first.id, { baseUrl: 'http://10.0.0.7' }, ADMIN)).rejects.toMatchObject({
      code: 'VALIDATION_ERROR',
      details: { fields: { baseUrl: expect.any(String) } },
    })
    await catalog.update(second.id, { status: 'disabled' }, ADMIN)
    await catalog.update(second.id, { baseUrl: 'https://eu.example.com' }, ADMIN)
    expect(await catalog.get(second.id)).toMatchObject({ status: 'disabled', baseUrl: 'https://eu.example.com' })
    expect(await catalog.get(first.id)).toMatchObject({ status: 'active', baseUrl: facts.baseUrl })
    await expect(catalog.create({ ...facts, name: 'second' }, ADMIN)).rejects.toMatchObject({
      code: 'PROVIDER_EXISTS',
      details: { existing_id: second.id },
    })
    await catalog.delete(first.id, ADMIN, { metadata: { agents_affected: ['agent_7'] } })
    const entry = await lastEntry(test)
    expect(entry).toMatchObject({ operation: 'PROVIDER_DELETED', resource_type: 'provider' })
    expect(JSON.parse(entry.metadata!)).toMatchObject({ agents_affected: ['agent_7'] })
    expect(await catalog.list()).toMatchObject({ total: 1, data: [{ id: second.id, hasKey: true }] })
    expect(await keys.list()).toMatchObject({ total: 1, data: [{ id: kept.id, status: 'active' }] })
    await catalog.update(second.id, { status: 'active' }, ADMIN)
    expect(await keys.unseal(second.id)).toEqual({ keyId: kept.id, apiKey: SECRETS[1] })
    const again = await catalog.create({ ...facts, name: 'first' }, ADMIN)
    expect(again.id).not.toBe(first.id)
    await expect(catalog.create({ ...facts, name: 'first' }, ADMIN)).rejects.toMatchObject({
      details: { existing_id: again.id },
    })
  })

  test('keys are listed by provider and status, by age and by last use', async () => {
    await using test = await createTestDb({ dialect })
    const catalog = new ProviderCatalog(test.db)
    const keys = new ProviderKeyStorage(test.db, freshVault())
    const facts = { kind: 'openai', baseUrl: 'https://api.openai.com/v1', models: ['gpt-4o'] } as const
    const [one, two] = [
      (await catalog.create({ ...facts, name: 'one' }, ADMIN)).id,
      (await catalog.create({ ...facts, name: 'two' }, ADMIN)).id,
    ]
    const old = await keys.add(one, SECRETS[0], ADMIN)
    test.clock.advance(1_000)
    const other = await keys.add(two, SECRETS[1], ADMIN)
    test.clock.advance(1_000)
    const { key: young, retiredKeyId } = await keys.rotate(one, SECRETS[2], ADMIN)
    expect(retiredKeyId).toBe(old.id)
    const ids = async (...asked: Parameters<typeof keys.list>): Promise<readonly string[]> =>
      (await keys.list(...asked)).data.map(({ id }) => id)
    expect(await ids()).toEqual([young.id, other.id, old.id])
    expect(await ids({}, { sort: 'createdAt' })).toEqual([old.id, other.id, young.id])
    expect(await ids({ providerId: one })).toEqual([young.id, old.id])
    expect(await ids({ providerId: one, status: 'retired' })).toEqual([old.id])
    expect(await ids({ status: 'active' }, { sort: 'createdAt' })).toEqual([other.id, young.id])
    expect(await keys.list({ providerId: two }, { perPage: 1 })).toMatchObject({ total: 1, page: 1, perPage: 1 })
    await test.db.write((tx) => keys.disclose(other.id, 'lease_1', ADMIN, { tx }))
    test.clock.advance(120_000)
    await test.db.write((tx) => keys.disclose(young.id, 'lease_1', ADMIN, { tx }))
    expect(await ids({}, { sort: 'lastUsedAt' })).toEqual([old.id, other.id, young.id])
    expect(await ids({}, { sort: '-lastUsedAt', perPage: 2, page: 2 })).toEqual([old.id])
    await expect(keys.list({ status: 'lost' as never })).rejects.toMatchObject({
      code: 'VALIDATION_ERROR',
      details: { fields: { status: expect.any(String) } },
    })
    await expect(keys.rewrap({ limit: 0 })).rejects.toMatchObject({
      details: { fields: { limit: expect.any(String) } },
    })
    expect(await keys.rewrap({ limit: 1 })).toEqual({ rewrapped: 0, left: 0 })
  })

  test('sessions of one user end, those that have expired uncounted; what is pruned is old', async () => {
    await using test = await createTestDb({ dialect })
    const users = usersOn(test.db)
    const sessions = sessionsOn(test.db, { accessTtlMs: 1_000, refreshTtlMs: 60_000 })
    const ann = await users.createUser(ANN, ADMIN)
    const bob = await users.createUser({ ...ANN, username: 'bob', email: 'bob@example.com' }, ADMIN)
    const logIn = async (email: string): Promise<string> => {
      const answer = await sessions.login(email, PASSWORD)
      return answer.outcome === 'ok' ? answer.tokens.sessionId : answer.outcome
    }
    await logIn(ann.email!)
    test.clock.advance(60_001)
    const live = [await logIn(ann.email!), await logIn(ann.email!)]
    const other = await logIn(bob.email!)
    expect((await sessions.list({ userId: ann.id })).data.map(({ id }) => id).sort()).toEqual(live.toSorted())
    expect(await sessions.endAll(ann.id, ADMIN)).toBe(2)
    expect(await sessions.endAll(ann.id, ADMIN)).toBe(0)
    expect((await sessions.list({ userId: bob.id })).data.map(({ id }) => id)).toEqual([other])
    await sessions.login('bob@example.com', 'wrong password')
    await sessions.login('nobody@example.com', 'wrong password')
    expect(await sessions.prune({ olderThan: test.clock.now(), limit: 1 })).toBe(1)
    expect(await test.scalar('SELECT count(*) FROM sessions')).toBe(3)
    expect(await test.scalar('SELECT count(*) FROM login_attempts')).toBe(2)
    test.clock.advance(24 * 3_600_000 - 1)
    await sessions.login('bob@example.com', 'wrong password')
    test.clock.advance(1)
    await sessions.prune({ olderThan: 0, limit: 1 })
    expect(await test.rows('SELECT account_key FROM login_attempts')).toEqual([{ account_key: 'bob@example.com' }])
    expect(await test.scalar('SELECT count(*) FROM sessions')).toBe(3)
  })

  test('secrets that rotation replaced are pruned, and no others', async () => {
    await using test = await createTestDb({ dialect })
    const tokens = tokensOn(test.db)
    const first = await tokens.issueToken('user-001', 'first', ADMIN)
    const second = await tokens.issueToken('user-001', 'second', ADMIN)
    expect([first.token.rotatedAt, second.token.id.slice(0, 4)]).toEqual([null, 'tok_'])
    test.clock.advance(1_000)
    const rotated = await tokens.rotateToken(first.token.id, ADMIN, { graceMs: 1_000 })
    const later = await tokens.rotateToken(second.token.id, ADMIN, { graceMs: 60_000 })
    expect(rotated.token.rotatedAt).toBe(test.clock.now())
    test.clock.advance(1_001)
    expect(await tokens.prune({ olderThan: test.clock.now(), limit: 10 })).toBe(1)
    expect(await verdict(tokens, second.secret)).toBe('ok')
    expect(await verdict(tokens, later.secret)).toBe('ok')
    expect(await verdict(tokens, rotated.secret)).toBe('ok')
    expect(await verdict(tokens, first.secret)).not.toBe('ok')
  })

  test('users are found by e-mail, and each says whether its password must be changed', async () => {
    await using test = await createTestDb({ dialect })
    const users = usersOn(test.db)
    const ann = await users.createUser({ ...ANN, forcePasswordChange: true }, ADMIN)
    const bob = await users.createUser({ ...ANN, username: 'bob', email: 'bob@example.com', id: 'user-bob' }, ADMIN)
    expect([ann.forcePasswordChange, bob.forcePasswordChange]).toEqual([true, false])
    expect(await users.getUserByEmail(' ANN@example.com')).toEqual(ann)
    expect(await users.getUserByEmail('nobody@example.com')).toBeUndefined()
    expect(await users.lockedUntil('user-nobody')).toBeNull()
    expect(await users.lockedUntil(bob.id)).toBeNull()
    const sessions = sessionsOn(test.db)
    for (let failure = 0; failure < 10; failure += 1) await sessions.login('bob@example.com', 'wrong password')
    expect(await users.lockedUntil(bob.id)).toBe(test.clock.now() + 30 * 60_000)
    expect(await users.lockedUntil(ann.id)).toBeNull()
    expect(await sessions.login('bob@example.com', PASSWORD)).toMatchObject({ outcome: 'locked' })
    expect((await users.resetPassword(ann.id, 'another long password', ADMIN)).forcePasswordChange).toBe(true)
    const kept = { forceChange: false }
    expect((await users.resetPassword(ann.id, 'another long password', ADMIN, kept)).forcePasswordChange).toBe(false)
    await expect(users.createUser({ ...ANN, id: '' }, ADMIN)).rejects.toMatchObject({
      details: { fields: { id: expect.any(String) } },
    })
    const taken = { ...ANN, username: 'eve', email: 'eve@example.com', id: 'user-bob' }
    await expect(users.createUser(taken, ADMIN)).rejects.toMatchObject({
      code: 'VALIDATION_ERROR',
      details: { fields: { id: expect.any(String) } },
    })
  })

  test('a password that is reset keeps the API tokens unless they are to go', async () => {
    await using test = await createTestDb({ dialect })
    const users = usersOn(test.db)
    const tokens = tokensOn(test.db)
    const ann = await users.createUser(ANN, ADMIN)
    const { secret } = await tokens.issueToken(ann.id, 'key', ADMIN)
    await users.resetPassword(ann.id, 'another long password', ADMIN)
    expect(await verdict(tokens, secret)).toBe('ok')
    await users.resetPassword(ann.id, 'another long password', ADMIN, { revokeApiTokens: true })
    expect(await verdict(tokens, secret)).toBe('TOKEN_REVOKED')
  })

  test('owners with ids of any form are provisioned, each under a name of its own', async () => {
    await using test = await createTestDb({ dialect })
    const tokens = tokensOn(test.db)
    const users = usersOn(test.db)
    const long = 'é'.repeat(255)
    const owners = ['User-1', 'user-1', long, `${long.slice(0, 254)}E`, `${long.slice(0, 254)}e`, '\u00a0']
    for (const owner of owners) await tokens.issueToken(owner, 'key', ADMIN)
    const named = await Promise.all(owners.map((owner) => users.getUser(owner)))
    expect(named.map((user) => [user?.role, user?.email, user?.status])).toEqual(
      owners.map(() => ['user', null, 'active']),
    )
    const names = named.map((user) => user?.username ?? '')
    expect([names[0], names[2]]).toEqual(['User-1', long])
    expect(names[1]).toMatch(/^user-1-[0-9a-f]{16}$/)
    expect(names[4]).toMatch(/^é{200}-[0-9a-f]{16}$/)
    expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(owners.length)
    const told = await test.rows<Told>(
      "SELECT resource_type, metadata, changes FROM audit_log WHERE operation = 'USER_CREATED'",
    )
    expect(told).toHaveLength(owners.length)
    expect(told.map(({ metadata }) => JSON.parse(metadata!))).toEqual(owners.map(() => ({ provisioned: true })))
    expect(told.map(({ resource_type: type }) => type)).toEqual(owners.map(() => 'user'))
  })

  test('an IPv4 range written as IPv6 is the IPv4 range', async () => {
    await using test = await createTestDb({ dialect })
    const tokens = tokensOn(test.db)
    const { secret } = await tokens.issueToken('user-001', 'key', ADMIN, {
      allowedIps: ['::ffff:10.1.0.0/112', 'fd00::/8'],
    })
    const answers: [string | undefined, string][] = [
      ['10.1.2.3', 'ok'],
      ['::ffff:10.1.2.3', 'ok'],
      ['10.2.0.0', 'IP_NOT_ALLOWED'],
      ['fd12::1%eth0', 'ok'],
      ['fe80::1', 'IP_NOT_ALLOWED'],
      ['no address', 'IP_NOT_ALLOWED'],
      [undefined, 'IP_NOT_ALLOWED'],
    ]
    for (const [ip, expected] of answers) expect([ip, await verdict(tokens, secret, ip)]).toEqual([ip, expected])
    for (const range of ['::ffff:10.1.0.0/95', '10.0.0.0/33', '10.0.0.0/8/8', 'fe80::1%eth0', '10.0.0.0/', '::/129']) {
      await expect(tokens.issueToken('user-001', 'key', ADMIN, { allowedIps: [range] })).rejects.toMatchObject({
        code: 'VALIDATION_ERROR',
      })
    }
    await tokens.issueToken('user-001', 'key', ADMIN, {
      allowedIps: ['::ffff:10.1.0.0/96', '0.0.0.0/0', '::/0', '10.0.0.1/32'],
    })
  })

  test('what a filter, a principal or a need says wrongly is named', async () => {
    await using test = await createTestDb({ dialect })
    const tokens = tokensOn(test.db)
    const limits = new LimitEnforcer(test.db, { provisionOwners: true })
    const fields = async (call: Promise<unknown>): Promise<string[]> => {
      const error = (await call.catch((thrown: unknown) => thrown)) as { details: { fields: object } }
      return Object.keys(error.details.fields).sort()
    }
    const long = 'x'.repeat(256)
    expect(await fields(tokens.listTokens({ ownerId: '', projectId: long, name: long, status: 'x' as never }))).toEqual(
      ['name', 'ownerId', 'projectId', 'status'],
    )
    expect((await tokens.listTokens({ projectId: '', name: '' })).total).toBe(0)
    const forged = { kind: 'api_token', tokenId: '', userId: 5 } as never
    expect(await fields(tokens.recordUsage(forged, { model: 'gpt-4o', usage: { input: 1 } }))).toEqual([
      'token.tokenId',
      'token.userId',
    ])
    const need = { tokens: -1, requests: 0.5, cost: -1 } as never
    for (const method of ['check', 'consume', 'record'] as const) {
      expect(await fields(limits[method]({ ownerId: '' }, need))).toEqual(['cost', 'ownerId', 'requests', 'tokens'])
      expect(await limits[method]({ ownerId: 'user-001' }, { tokens: 0, requests: 0, cost: 0 as never })).toBeNull()
    }
  })

  test('labels and names are found in whichever way they are typed, and users by more than white space', async () => {
    await using test = await createTestDb({ dialect })
    const tokens = tokensOn(test.db)
    const users = usersOn(test.db)
    const { token } = await tokens.issueToken('user-001', 'cafe\u0301', ADMIN, { projectId: 'blue\u0301' })
    expect([token.name, token.projectId]).toEqual(['caf\u00e9', 'blu\u00e9'])
    for (const projectId of ['blue\u0301', 'blu\u00e9']) expect((await tokens.listTokens({ projectId })).total).toBe(1)
    for (const name of ['fe\u0301', 'F\u00c9']) expect((await tokens.listTokens({ name })).total).toBe(1)
    await users.createUser(ANN, ADMIN)
    const bob = await users.createUser({ ...ANN, username: 'bob', email: 'bob@example.com' }, ADMIN)
    await users.suspendUser(bob.id, ADMIN)
    const found = async (search: string): Promise<number> => (await users.listUsers({ search })).total
    expect([await found(' \t'), await found(' ANN '), await found('@example')]).toEqual([3, 1, 2])
    expect((await users.listUsers({ status: 'suspended' })).data.map(({ id }) => id)).toEqual([bob.id])
    expect((await users.listUsers({ status: 'active' })).total).toBe(2)
    await users.activateUser(bob.id, ADMIN)
    const entry = await lastEntry(test)
    expect(entry.operation).toBe('USER_ACTIVATED')
    expect(JSON.parse(entry.changes!)).toEqual({ before: { status: 'suspended' }, after: { status: 'active' } })
    expect((await users.listUsers({ status: 'active' })).total).toBe(3)
    await users.deleteUser(bob.id, ADMIN)
    const deleted = JSON.parse((await lastEntry(test)).changes!) as { before: object; after: object }
    expect(deleted).toMatchObject({ after: { status: 'deleted' } })
    await users.createUser({ ...ANN, username: 'bob', email: 'bob@example.com' }, ADMIN)
  })

  test('a change of a provider is checked like a new one', async () => {
    await using test = await createTestDb({ dialect })
    const catalog = new ProviderCatalog(test.db)
    const models = Array.from({ length: MODELS_MAX }, (_, index) => `model-${index}`)
    const facts = { name: 'one', kind: 'openai', baseUrl: 'https://api.openai.com/v1', models } as const
    const { id } = await catalog.create(facts, ADMIN)
    expect((await catalog.get(id))?.models).toHaveLength(MODELS_MAX)
    const wrong = { name: '', baseUrl: 'x', models: [...models, 'another'], status: 'lost' as never }
    await expect(catalog.update(id, wrong, ADMIN)).rejects.toMatchObject({
      code: 'VALIDATION_ERROR',
      details: {
        fields: {
          name: expect.any(String),
          baseUrl: expect.any(String),
          models: expect.any(String),
          status: expect.any(String),
        },
      },
    })
    await catalog.update(id, { name: 'two' }, ADMIN)
    expect(await lastEntry(test)).toMatchObject({ operation: 'PROVIDER_UPDATED', resource_type: 'provider' })
    await expect(catalog.list({ status: 'lost' as never })).rejects.toMatchObject({
      details: { fields: { status: expect.any(String) } },
    })
    expect((await catalog.list({ name: 'TW' })).total).toBe(1)
    expect((await catalog.list({ name: 't_' })).total).toBe(0)
  })

  test('keys are sealed anew by the system, and the old master key may go when none is left', async () => {
    await using test = await createTestDb({ dialect })
    const catalog = new ProviderCatalog(test.db)
    const [k1, k2] = [
      { id: 'k1', key: generateMasterKey() },
      { id: 'k2', key: generateMasterKey() },
    ]
    const before = new ProviderKeyStorage(test.db, new SecretVault([k1]))
    const facts = { kind: 'openai', baseUrl: 'https://api.openai.com/v1', models: ['gpt-4o'] } as const
    const ids: string[] = []
    for (const [index, secret] of SECRETS.entries()) {
      const { id } = await catalog.create({ ...facts, name: `p${index}` }, ADMIN)
      ids.push(id)
      await before.add(id, secret, ADMIN)
    }
    await before.rotate(ids[0]!, 'sk-fourth-1234567890', ADMIN)
    await catalog.delete(ids[2]!, ADMIN)
    const after = new ProviderKeyStorage(test.db, new SecretVault([k2, k1]))
    expect(await after.rewrap({ limit: 2 })).toEqual({ rewrapped: 2, left: 1 })
    const [entry] = await test.rows<{ actor_id: string; metadata: string }>(
      "SELECT actor_id, metadata FROM audit_log WHERE operation = 'VAULT_REWRAPPED'",
    )
    expect(entry?.actor_id).toBe('system:vault')
    expect(JSON.parse(entry!.metadata)).toEqual({ to: 'k2', rewrapped: 2, left: 1 })
    expect(await after.checkCanary()).toEqual([
      { vaultKeyId: 'k1', ok: true },
      { vaultKeyId: 'k2', ok: true },
    ])
    expect(await after.rewrap()).toEqual({ rewrapped: 1, left: 0 })
    expect(await after.rewrap()).toEqual({ rewrapped: 0, left: 0 })
    const alone = new ProviderKeyStorage(test.db, new SecretVault([k2]))
    expect(await alone.checkCanary()).toEqual([{ vaultKeyId: 'k2', ok: true }])
    expect((await alone.unseal(ids[0]!)).apiKey).toBe('sk-fourth-1234567890')
    expect((await alone.unseal(ids[1]!)).apiKey).toBe(SECRETS[1])
  })

  test('AUT-13 a login that succeeds clears the count; a session says who ended it', async () => {
    await using test = await createTestDb({ dialect })
    const users = usersOn(test.db)
    const sessions = sessionsOn(test.db)
    const ann = await users.createUser(ANN, ADMIN)
    const email = String(ann.email)
    const fail = async (times: number): Promise<void> => {
      for (let count = 0; count < times; count += 1) await sessions.login(email, 'wrong password')
    }
    await fail(9)
    const [first, second] = [await sessions.login(email, PASSWORD), await sessions.login(email, PASSWORD)]
    if (first.outcome !== 'ok' || second.outcome !== 'ok') throw new Error('no login')
    await fail(9)
    expect((await sessions.login(email, PASSWORD)).outcome).toBe('ok')
    await sessions.end(first.tokens.sessionId, ann.id)
    await sessions.end(second.tokens.sessionId, ADMIN, { userId: ann.id })
    const reasons = await test.rows<{ id: string; revoke_reason: string }>(
      'SELECT id, revoke_reason FROM sessions WHERE revoked_at IS NOT NULL',
    )
    expect(new Map(reasons.map((row) => [row.id, row.revoke_reason]))).toEqual(
      new Map([
        [first.tokens.sessionId, 'logout'],
        [second.tokens.sessionId, 'admin'],
      ]),
    )
  })

  test('services say which of their options are out of range', () => {
    const fieldsOf = (make: () => unknown): string[] => {
      try {
        make()
      } catch (error) {
        return Object.keys((error as { details: { fields: object } }).details.fields).sort()
      }
      return []
    }
    const key = { kid: 'k1', secret: new Uint8Array(32) }
    const withOptions = (options: object) => (): unknown => sessionsOn(':memory:' as never, { keys: [key], ...options })
    expect(fieldsOf(withOptions({ accessTtlMs: 999, cacheMs: -1, bcryptCost: 3 }))).toEqual([
      'accessTtlMs',
      'bcryptCost',
      'cacheMs',
    ])
    expect(fieldsOf(withOptions({ accessTtlMs: 1_000, refreshTtlMs: 1_000 }))).toEqual(['refreshTtlMs'])
    expect(fieldsOf(withOptions({ accessTtlMs: 1_000, refreshTtlMs: 1_001, cacheMs: 0 }))).toEqual([])
    expect(fieldsOf(withOptions({ keys: [] }))).toEqual(['keys'])
    expect(fieldsOf(withOptions({ keys: [{ kid: 'not a kid', secret: new Uint8Array(32) }] }))).toEqual(['keys[0].kid'])
    expect(withOptions({ keys: [{ kid: 'k1', secret: new Uint8Array(31) }] })).toThrow(
      expect.objectContaining({ code: 'WEAK_SECRET' }),
    )
    expect(fieldsOf(() => new UserService(':memory:', { bcryptCost: 3 }))).toEqual(['bcryptCost'])
    expect(fieldsOf(() => tokensOn(':memory:' as never, { maxActivePerOwner: 0, cacheMs: 1_001 }))).toEqual([
      'cacheMs',
      'maxActivePerOwner',
    ])
  })
})
