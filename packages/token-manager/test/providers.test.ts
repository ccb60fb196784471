import { describe, expect, test } from '@jest/globals'
import { createTestDb, enginesForTests } from '@iron/database/testing'
import { type NewProvider, ProviderCatalog, ProviderKeyStorage } from '../src/index.ts'
import { ADMIN, audited, freshVault } from './support.ts'

const OPENAI: NewProvider = {
  name: 'openai-main',
  kind: 'openai',
  baseUrl: 'https://api.openai.com/v1',
  models: ['gpt-4o', ' gpt-4o-mini '],
}

describe.each(await enginesForTests())('ProviderCatalog on %s', (dialect) => {
  test('creates, changes and finds providers, with one audit entry a change', async () => {
    await using test = await createTestDb({ dialect })
    const catalog = new ProviderCatalog(test.db)
    const created = await catalog.create(OPENAI, ADMIN)
    expect(created).toEqual({
      id: expect.stringMatching(/^prov_/),
      name: 'openai-main',
      kind: 'openai',
      baseUrl: 'https://api.openai.com/v1',
      models: ['gpt-4o', 'gpt-4o-mini'],
      status: 'active',
      hasKey: false,
      createdAt: test.clock.now(),
      updatedAt: test.clock.now(),
    })
    test.clock.advance(5)
    const updated = await catalog.update(created.id, { status: 'disabled', models: ['o3'] }, ADMIN)
    expect(updated).toEqual({ ...created, status: 'disabled', models: ['o3'], updatedAt: test.clock.now() })
    test.clock.advance(5)
    expect(await catalog.update(created.id, { status: 'disabled' }, ADMIN)).toEqual(updated)
    expect(await catalog.get(created.id)).toEqual(updated)
    expect(await catalog.resolve('openai-main')).toEqual(updated)
    expect(await catalog.resolve(created.id)).toEqual(updated)
    expect(await catalog.resolve('other')).toBeUndefined()
    expect(await audited(test, { id: created.id })).toEqual(['PROVIDER_CREATED', 'PROVIDER_UPDATED'])
    const entry = await test.scalar<string>("SELECT changes FROM audit_log WHERE operation = 'PROVIDER_UPDATED'")
    expect(JSON.parse(entry)).toEqual({
      before: { models: ['gpt-4o', 'gpt-4o-mini'], status: 'active' },
      after: { models: ['o3'], status: 'disabled' },
    })
  })

  test('VAL-16 a name is taken once, by create, rename and in parallel, and free after deletion', async () => {
    await using test = await createTestDb({ dialect })
    const catalog = new ProviderCatalog(test.db)
    const first = await catalog.create(OPENAI, ADMIN)
    const taken = { code: 'PROVIDER_EXISTS', details: { existing_id: first.id } }
    await expect(catalog.create(OPENAI, ADMIN)).rejects.toMatchObject(taken)
    const second = await catalog.create({ ...OPENAI, name: 'second' }, ADMIN)
    await test.db.write(async (tx) => {
      await expect(catalog.update(second.id, { name: OPENAI.name }, ADMIN, { tx })).rejects.toMatchObject(taken)
      await catalog.update(second.id, { name: 'third' }, ADMIN, { tx })
    })
    expect(await catalog.get(second.id)).toMatchObject({ name: 'third' })
    await catalog.delete(first.id, ADMIN, { metadata: { agents_affected: [] } })
    expect(await catalog.get(first.id)).toBeUndefined()
    const calls = await Promise.allSettled(Array.from({ length: 8 }, () => catalog.create(OPENAI, ADMIN)))
    expect(calls.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    await expect(catalog.update(first.id, { status: 'active' }, ADMIN)).rejects.toMatchObject({
      code: 'PROVIDER_NOT_FOUND',
    })
    await expect(catalog.delete(first.id, ADMIN)).rejects.toMatchObject({ code: 'PROVIDER_NOT_FOUND' })
  })

  test('VAL-11 lists by part of the name, literally, and by status', async () => {
    await using test = await createTestDb({ dialect })
    const catalog = new ProviderCatalog(test.db)
    for (const name of ['b-one', 'a-one', 'c-two']) await catalog.create({ ...OPENAI, name }, ADMIN)
    const { data } = await catalog.list({ name: 'ONE' })
    expect(data.map(({ name }) => name)).toEqual(['a-one', 'b-one'])
    expect(await catalog.list({ name: '%' })).toMatchObject({ total: 0, data: [] })
    expect(await catalog.list({ name: '_' })).toMatchObject({ total: 0 })
    await catalog.update(data[0]!.id, { status: 'disabled' }, ADMIN)
    expect(await catalog.list({ status: 'disabled' })).toMatchObject({ total: 1, data: [{ name: 'a-one' }] })
    expect((await catalog.list({}, { sort: '-name', perPage: 1 })).data[0]).toMatchObject({ name: 'c-two' })
    expect(await catalog.list({}, { page: 9 })).toMatchObject({ total: 3, data: [] })
    await expect(catalog.list({}, { sort: 'kind' })).rejects.toMatchObject({ code: 'VALIDATION_ERROR' })
    await expect(catalog.list({ status: 'gone' as 'active' })).rejects.toMatchObject({ code: 'VALIDATION_ERROR' })
  })

  test('deletion retires the keys and destroys their ciphertext', async () => {
    await using test = await createTestDb({ dialect })
    const catalog = new ProviderCatalog(test.db)
    const keys = new ProviderKeyStorage(test.db, freshVault())
    const { id } = await catalog.create(OPENAI, ADMIN)
    const old = await keys.add(id, 'sk-first-1234567890', ADMIN)
    const { key } = await keys.rotate(id, 'sk-second-1234567890', ADMIN)
    expect(await catalog.get(id)).toMatchObject({ hasKey: true })
    test.clock.advance(1_000)
    expect(await catalog.delete(id, ADMIN)).toMatchObject({ id, hasKey: true })
    expect(await test.scalar('SELECT count(*) FROM provider_keys WHERE sealed IS NULL AND vault_key_id IS NULL')).toBe(
      2,
    )
    expect(await test.scalar('SELECT retired_at FROM provider_keys WHERE id = ?', old.id)).toBe(
      test.clock.now() - 1_000,
    )
    expect(await test.scalar('SELECT retired_at FROM provider_keys WHERE id = ?', key.id)).toBe(test.clock.now())
    expect(await keys.get(key.id)).toBeUndefined()
    expect(await keys.list()).toMatchObject({ total: 0 })
    await expect(keys.unseal(id)).rejects.toMatchObject({ code: 'PROVIDER_NOT_FOUND' })
    await expect(keys.add(id, 'sk-third-1234567890', ADMIN)).rejects.toMatchObject({ code: 'PROVIDER_NOT_FOUND' })
    await expect(test.db.write((tx) => keys.disclose(key.id, 'lease_1', ADMIN, { tx }))).rejects.toMatchObject({
      code: 'KEY_NOT_ACTIVE',
    })
    await expect(keys.retire(key.id, ADMIN)).rejects.toMatchObject({ code: 'KEY_NOT_ACTIVE' })
  })

  test('VAL-02 VAL-05 names every fault of a provider at once, and refuses a change of nothing', async () => {
    await using test = await createTestDb({ dialect })
    const catalog = new ProviderCatalog(test.db)
    const bad = { name: 'Open AI', kind: 'cohere', baseUrl: 'ftp://x', models: ['ok', '', 7] } as unknown as NewProvider
    await expect(catalog.create(bad, ADMIN)).rejects.toMatchObject({
      code: 'VALIDATION_ERROR',
      details: {
        fields: {
          name: expect.any(String),
          kind: expect.any(String),
          baseUrl: expect.any(String),
          'models[1]': expect.any(String),
          'models[2]': expect.any(String),
        },
      },
    })
    for (const models of [[], Array.from({ length: 101 }, (_, index) => `m${index}`)]) {
      await expect(catalog.create({ ...OPENAI, models }, ADMIN)).rejects.toMatchObject({
        details: { fields: { models: expect.any(String) } },
      })
    }
    await expect(catalog.update('prov-none', {}, ADMIN)).rejects.toMatchObject({
      details: { fields: { $: expect.any(String) } },
    })
  })
})
