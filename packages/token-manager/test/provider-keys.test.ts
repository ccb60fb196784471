import { describe, expect, test } from '@jest/globals'
import { createTestDb, enginesForTests, type TestDb } from '@iron/database/testing'
import { generateMasterKey, SecretVault } from '@iron/ip-token-crypto'
import { ProviderCatalog, ProviderKeyStorage } from '../src/index.ts'
import { ADMIN, audited, everything, freshVault } from './support.ts'

const SECRET = 'sk-canary-4f1d9c7be2a84d55'
const OTHER = 'sk-canary-second-0a1b2c3d4e'

async function provider(test: TestDb, name = 'openai-main'): Promise<string> {
  const { id } = await new ProviderCatalog(test.db).create(
    { name, kind: 'openai', baseUrl: 'https://api.openai.com/v1', models: ['gpt-4o'] },
    ADMIN,
  )
  return id
}

describe.each(await enginesForTests())('ProviderKeyStorage on %s', (dialect) => {
  test('SEC-01 SEC-16 a key goes in once, shows masked, and stands nowhere in clear', async () => {
    await using test = await createTestDb({ dialect })
    const keys = new ProviderKeyStorage(test.db, freshVault())
    const providerId = await provider(test)
    const key = await keys.add(providerId, SECRET, ADMIN)
    expect(key).toEqual({
      id: expect.stringMatching(/^key_/),
      providerId,
      providerName: 'openai-main',
      masked: 'sk-c...d55',
      status: 'active',
      vaultKeyId: 'k1',
      createdAt: test.clock.now(),
      retiredAt: null,
      lastUsedAt: null,
    })
    expect(await keys.unseal(providerId)).toEqual({ keyId: key.id, apiKey: SECRET })
    expect(await keys.get(key.id)).toEqual(key)
    await expect(keys.add(providerId, OTHER, ADMIN)).rejects.toMatchObject({
      code: 'PROVIDER_KEY_EXISTS',
      details: { existing_id: key.id },
    })
    await keys.rotate(providerId, OTHER, ADMIN)
    await test.db.write((tx) => keys.disclose(key.id, 'lease_1', ADMIN, { tx })).catch(() => undefined)
    const stored = await everything(test)
    expect(stored).toContain('sk-c...d55')
    for (const secret of [SECRET, OTHER]) {
      expect(stored).not.toContain(secret)
      expect(stored).not.toContain(Buffer.from(secret).toString('base64').slice(0, 20))
      expect(stored).not.toContain(Buffer.from(secret).toString('hex'))
    }
    expect(await test.scalar<string>('SELECT sealed FROM provider_keys LIMIT 1')).toMatch(
      /^[\w+/]{16}:[\w+/=]+:[\w+/]{22}==$/,
    )
  })

  test('rotation replaces in one step, works without a key too, and audits each change once', async () => {
    await using test = await createTestDb({ dialect })
    const keys = new ProviderKeyStorage(test.db, freshVault())
    const providerId = await provider(test)
    const first = await keys.rotate(providerId, SECRET, ADMIN)
    expect(first.retiredKeyId).toBeNull()
    test.clock.advance(10)
    const second = await keys.rotate(providerId, OTHER, ADMIN)
    expect(second.retiredKeyId).toBe(first.key.id)
    expect(await keys.get(first.key.id)).toMatchObject({ status: 'retired', retiredAt: test.clock.now() })
    expect(await keys.unseal(providerId)).toEqual({ keyId: second.key.id, apiKey: OTHER })
    expect(await keys.retire(second.key.id, ADMIN)).toMatchObject({ status: 'retired' })
    await expect(keys.retire(second.key.id, ADMIN)).rejects.toMatchObject({ code: 'KEY_NOT_ACTIVE' })
    await expect(keys.retire('key-none', ADMIN)).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' })
    await expect(keys.unseal(providerId)).rejects.toMatchObject({ code: 'NO_ACTIVE_KEY' })
    expect(await audited(test, { type: 'provider_key' })).toEqual([
      'PROVIDER_KEY_ROTATED',
      'PROVIDER_KEY_ROTATED',
      'PROVIDER_KEY_RETIRED',
    ])
    const { data, total } = await keys.list({ providerId })
    expect(total).toBe(2)
    expect(data.map(({ id }) => id)).toEqual([second.key.id, first.key.id])
    expect(await keys.list({ status: 'active' })).toMatchObject({ total: 0 })
    expect(await keys.list({}, { sort: 'lastUsedAt' })).toMatchObject({ total: 2 })
  })

  test('totals are of the keys that the pages show: those of deleted providers are left out', async () => {
    await using test = await createTestDb({ dialect })
    const keys = new ProviderKeyStorage(test.db, freshVault())
    for (const id of ['p1', 'p2', 'p3']) {
      await test.rows(
        "INSERT INTO providers (id, name, kind, base_url, created_at, updated_at) VALUES (?, ?, 'openai', 'https://p.test', 1, 1)",
        id,
        id,
      )
      await keys.add(id, SECRET, ADMIN)
      for (let turn = 0; turn < 3; turn += 1) await keys.rotate(id, OTHER, ADMIN)
    }
    await test.rows("UPDATE providers SET deleted_at = 2 WHERE id = 'p2'")
    const shown: Record<string, number> = {}
    for (const providerId of [undefined, 'p1', 'p2']) {
      for (const status of [undefined, 'active', 'retired'] as const) {
        const { data, total } = await keys.list({ providerId, status }, { perPage: 100 })
        expect(total).toBe(data.length)
        shown[`${providerId ?? 'all'} ${status ?? ''}`] = total
      }
    }
    expect(shown).toEqual({
      'all ': 8,
      'all active': 2,
      'all retired': 6,
      'p1 ': 4,
      'p1 active': 1,
      'p1 retired': 3,
      'p2 ': 0,
      'p2 active': 0,
      'p2 retired': 0,
    })
  })

  test('an actor that is no id is refused by name, and nothing is changed', async () => {
    await using test = await createTestDb({ dialect })
    const keys = new ProviderKeyStorage(test.db, freshVault())
    const providerId = await provider(test)
    const refused = { code: 'VALIDATION_ERROR', details: { fields: { 'actor.id': expect.any(String) } } }
    await expect(keys.add(providerId, SECRET, '')).rejects.toMatchObject(refused)
    const { id } = await keys.add(providerId, SECRET, ADMIN)
    await expect(keys.rotate(providerId, SECRET, 'a'.repeat(256))).rejects.toMatchObject(refused)
    expect(await keys.get(id)).toMatchObject({ status: 'active' })
  })

  test('SEC-24 parallel rotation and adding leave exactly one active key at every moment', async () => {
    await using test = await createTestDb({ dialect })
    const keys = new ProviderKeyStorage(test.db, freshVault())
    const providerId = await provider(test)
    const added = await Promise.allSettled(Array.from({ length: 6 }, () => keys.add(providerId, SECRET, ADMIN)))
    expect(added.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const rotated = await Promise.all(
      Array.from({ length: 12 }, (_, index) => keys.rotate(providerId, `${OTHER}-${index}`, ADMIN)),
    )
    expect(new Set(rotated.map(({ retiredKeyId }) => retiredKeyId)).size).toBe(12)
    const active = await test.rows<{ id: string }>("SELECT id FROM provider_keys WHERE status = 'active'")
    expect(active).toHaveLength(1)
    expect((await keys.unseal(providerId)).keyId).toBe(active[0]?.id)
  })

  test('SEC-17 a sealed value moved to another row opens in neither', async () => {
    await using test = await createTestDb({ dialect })
    const keys = new ProviderKeyStorage(test.db, freshVault())
    const [a, b] = [await provider(test, 'a'), await provider(test, 'b')]
    const [keyA, keyB] = [await keys.add(a, SECRET, ADMIN), await keys.add(b, OTHER, ADMIN)]
    const sealed = (id: string): Promise<string> => test.scalar('SELECT sealed FROM provider_keys WHERE id = ?', id)
    const [sealedA, sealedB] = [await sealed(keyA.id), await sealed(keyB.id)]
    await test.rows('UPDATE provider_keys SET sealed = ? WHERE id = ?', sealedB, keyA.id)
    await test.rows('UPDATE provider_keys SET sealed = ? WHERE id = ?', sealedA, keyB.id)
    const failures = await Promise.all([a, b].map((id) => keys.unseal(id).catch((error: unknown) => error)))
    for (const failure of failures) expect(failure).toMatchObject({ code: 'CRYPTO_UNAVAILABLE', details: {} })
    // SEC-28: a flipped bit, a cut value and a missing master key are told in the same words.
    await test.rows('UPDATE provider_keys SET sealed = ? WHERE id = ?', sealedA.slice(0, -6), keyA.id)
    const cut = (await keys.unseal(a).catch((error: unknown) => error)) as Error
    const elsewhere = new ProviderKeyStorage(test.db, freshVault('k2'))
    const missing = (await elsewhere.unseal(b).catch((error: unknown) => error)) as Error
    expect(new Set([cut.message, missing.message, ...failures.map((failure) => (failure as Error).message)]).size).toBe(
      1,
    )
    await test.rows('UPDATE provider_keys SET sealed = ? WHERE id = ?', sealedA, keyA.id)
    expect((await keys.unseal(a)).apiKey).toBe(SECRET)
  })

  test('SEC-25 disclosure is audited in the transaction of its caller, and gone with it', async () => {
    await using test = await createTestDb({ dialect })
    const keys = new ProviderKeyStorage(test.db, freshVault())
    const providerId = await provider(test)
    const { id } = await keys.add(providerId, SECRET, ADMIN)
    const disclosed = await test.db.write((tx) =>
      keys.disclose(id, 'lease_1', { type: 'agent', id: 'agent_1' }, { tx }),
    )
    expect(disclosed).toMatchObject({ id, lastUsedAt: test.clock.now() })
    const failing = test.db.write(async (tx) => {
      await keys.disclose(id, 'lease_2', ADMIN, { tx })
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    const rows = await test.rows<{ metadata: string; actor_id: string }>(
      "SELECT metadata, actor_id FROM audit_log WHERE operation = 'PROVIDER_KEY_DISCLOSED'",
    )
    expect(rows).toHaveLength(1)
    expect(rows[0]?.actor_id).toBe('agent_1')
    expect(JSON.parse(rows[0]!.metadata)).toEqual({ provider_id: providerId, purpose: 'lease_1' })
  })

  test('last use is stamped at most once a minute', async () => {
    await using test = await createTestDb({ dialect })
    const keys = new ProviderKeyStorage(test.db, freshVault())
    const { id } = await keys.add(await provider(test), SECRET, ADMIN)
    const use = (): Promise<number | null> =>
      test.db.write(async (tx) => (await keys.disclose(id, 'lease_1', ADMIN, { tx })).lastUsedAt)
    const first = test.clock.now()
    expect(await use()).toBe(first)
    test.clock.advance(60_000)
    expect(await use()).toBe(first)
    test.clock.advance(1)
    expect(await use()).toBe(first + 60_001)
    expect(await keys.get(id)).toMatchObject({ lastUsedAt: first + 60_001 })
    // A stamp of a clock that was ahead does not stay until it is then.
    test.clock.set(first)
    expect(await use()).toBe(first)
    expect(await keys.get(id)).toMatchObject({ lastUsedAt: first })
  })

  test('ACL-14 nothing is opened or disclosed of a disabled provider or a replaced key', async () => {
    await using test = await createTestDb({ dialect })
    const keys = new ProviderKeyStorage(test.db, freshVault())
    const providerId = await provider(test)
    const old = await keys.add(providerId, SECRET, ADMIN)
    const { key } = await keys.rotate(providerId, OTHER, ADMIN)
    await test.db.write(async (tx) => {
      await expect(keys.disclose(old.id, 'lease_1', ADMIN, { tx })).rejects.toMatchObject({ code: 'KEY_NOT_ACTIVE' })
      await expect(keys.disclose('key-none', 'lease_1', ADMIN, { tx })).rejects.toMatchObject({ code: 'KEY_NOT_FOUND' })
    })
    await new ProviderCatalog(test.db).update(providerId, { status: 'disabled' }, ADMIN)
    await expect(keys.unseal(providerId)).rejects.toMatchObject({
      code: 'PROVIDER_DISABLED',
      details: { provider_id: providerId },
    })
    await expect(test.db.write((tx) => keys.disclose(key.id, 'lease_1', ADMIN, { tx }))).rejects.toMatchObject({
      code: 'PROVIDER_DISABLED',
    })
    await expect(keys.unseal('prov-none')).rejects.toMatchObject({ code: 'PROVIDER_NOT_FOUND' })
    expect(await audited(test)).not.toContain('PROVIDER_KEY_DISCLOSED')
  })

  test.each([[''], ['with space'], ['tab\t'], ['ünïcode-key'], ['x'.repeat(501)], [7]])(
    'VAL-07 refuses the key %p',
    async (apiKey) => {
      await using test = await createTestDb({ dialect })
      const keys = new ProviderKeyStorage(test.db, freshVault())
      await expect(keys.add('prov-1', apiKey as string, ADMIN)).rejects.toMatchObject({
        code: 'VALIDATION_ERROR',
        details: { fields: { apiKey: expect.any(String) } },
      })
    },
  )

  test('SEC-27 short keys are masked whole', async () => {
    await using test = await createTestDb({ dialect })
    const keys = new ProviderKeyStorage(test.db, freshVault())
    expect(await keys.add(await provider(test), 'sk-123456789', ADMIN)).toMatchObject({ masked: '***' })
  })

  test('SEC-18 re-wrapping goes on where it stopped, and then the old master key may go', async () => {
    await using test = await createTestDb({ dialect })
    const old = { id: 'k1', key: generateMasterKey() }
    const next = { id: 'k2', key: generateMasterKey() }
    const before = new ProviderKeyStorage(test.db, new SecretVault([old]))
    const ids: string[] = []
    for (const name of ['a', 'b', 'c']) {
      const id = await provider(test, name)
      ids.push(id)
      await before.add(id, `${SECRET}-${name}`, ADMIN)
    }
    const both = new ProviderKeyStorage(test.db, new SecretVault([next, old]))
    expect(await both.rewrap({ limit: 2 })).toEqual({ rewrapped: 2, left: 1 })
    expect(await both.checkCanary()).toEqual([
      { vaultKeyId: 'k1', ok: true },
      { vaultKeyId: 'k2', ok: true },
    ])
    expect(await both.rewrap()).toEqual({ rewrapped: 1, left: 0 })
    expect(await both.rewrap()).toEqual({ rewrapped: 0, left: 0 })
    const after = new ProviderKeyStorage(test.db, new SecretVault([next]))
    expect(await Promise.all(ids.map(async (id) => (await after.unseal(id)).apiKey))).toEqual(
      ['a', 'b', 'c'].map((name) => `${SECRET}-${name}`),
    )
    expect(await after.checkCanary()).toEqual([{ vaultKeyId: 'k2', ok: true }])
    expect((await audited(test, { type: 'vault' })).length).toBe(2)
  })

  test('SEC-18 every sealed column of the schema is one that re-wrapping covers', async () => {
    await using test = await createTestDb({ dialect })
    const columns =
      dialect === 'postgres'
        ? await test.rows<{ name: string }>(
            "SELECT table_name || '.' || column_name AS name FROM information_schema.columns WHERE table_schema = 'public' AND column_name LIKE '%sealed%'",
          )
        : await test.rows<{ name: string }>(
            "SELECT m.name || '.' || c.name AS name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' AND c.name LIKE '%sealed%'",
          )
    expect(columns.map(({ name }) => name)).toEqual(['provider_keys.sealed'])
  })

  test('SEC-19 SEC-20 a missing or wrong master key shows, before anybody needs a key', async () => {
    await using test = await createTestDb({ dialect })
    const keys = new ProviderKeyStorage(test.db, freshVault())
    expect(await keys.checkCanary()).toEqual([{ vaultKeyId: 'k1', ok: true }])
    await keys.add(await provider(test), SECRET, ADMIN)
    expect(await keys.checkCanary()).toEqual([{ vaultKeyId: 'k1', ok: true }])
    const wrong = new ProviderKeyStorage(test.db, freshVault())
    expect(await wrong.checkCanary()).toEqual([{ vaultKeyId: 'k1', ok: false }])
    const missing = new ProviderKeyStorage(test.db, freshVault('k2'))
    expect(await missing.checkCanary()).toEqual([
      { vaultKeyId: 'k1', ok: false },
      { vaultKeyId: 'k2', ok: true },
    ])
    await expect(missing.rewrap()).rejects.toMatchObject({ code: 'CRYPTO_UNAVAILABLE' })
  })
})
