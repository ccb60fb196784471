import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { enginesForTests } from '@iron/database/testing'
import type { Answer } from '../support/http-client.ts'
import { faults, missingId, type Operators, refusal, startOperators } from '../support/operators.ts'
import { expectStatus } from '../support/server-process.ts'

const NEW = { kind: 'openai', base_url: 'https://api.openai.com/v1', models: ['gpt-4o'] }
const API_KEY = 'sk-demo-0123456789abcdef'

describe.each(await enginesForTests())('providers and keys on %s', (dialect) => {
  let ops: Operators
  beforeAll(async () => {
    ops = await startOperators(dialect)
  }, 60_000)
  afterAll(async () => {
    await ops[Symbol.asyncDispose]()
  })
  const create = (body: unknown, headers = ops.admin.session): Promise<Answer> =>
    ops.client.post('/providers', body, headers)
  const newProvider = async (name: string): Promise<{ id: string; path: string }> => {
    const { body } = expectStatus(await create({ ...NEW, name }), 201)
    return { id: String(body.id), path: `/providers/${String(body.id)}` }
  }

  describe('providers', () => {
    test('are made, read by everybody and changed, with one entry each', async () => {
      const { client, admin } = ops
      const viewer = await ops.newPerson('viewer')
      const body = { ...NEW, name: 'anthropic-main', kind: 'anthropic', models: [' claude ', 'haiku'] }
      const made = expectStatus(await create(body), 201)
      const id = String(made.body.id)
      expect(made.body).toEqual({
        id: expect.stringMatching(/^prov_/),
        name: 'anthropic-main',
        kind: 'anthropic',
        base_url: 'https://api.openai.com/v1',
        models: ['claude', 'haiku'],
        status: 'active',
        has_key: false,
        created_at: ops.at(),
        updated_at: ops.at(),
      })
      const path = `/providers/${id}`
      expect(made.headers.location).toBe(`/api/v1${path}`)
      expect(expectStatus(await client.get(path, viewer.session), 200).body).toEqual(made.body)
      ops.clock.advance(1_000)
      const change = { name: 'anthropic', base_url: 'http://127.0.0.1:8080', models: ['opus'], status: 'disabled' }
      const changed = expectStatus(await client.patch(path, change, admin.session), 200)
      expect(changed.body).toEqual({ ...made.body, ...change, updated_at: ops.at() })
      expect(expectStatus(await client.put(path, change, admin.session), 200).body).toEqual(changed.body)
      expect(await ops.operations(id)).toEqual(['PROVIDER_CREATED', 'PROVIDER_UPDATED'])
      expect(await ops.audited(id)).toMatchObject([
        { actor: { type: 'user', id: admin.id }, changes: { before: null, after: { name: 'anthropic-main' } } },
        { changes: { before: { name: 'anthropic-main', status: 'active' }, after: change } },
      ])
      for (const bad of [
        {},
        { kind: 'openai' },
        { name: null },
        { status: 'gone' },
        { models: [] },
        { has_key: true },
      ]) {
        expect([bad, (await client.patch(path, bad, admin.session)).status]).toEqual([bad, 400])
      }
      expect(refusal(await client.patch(`/providers/${missingId('prov')}`, { name: 'x' }, admin.session))).toEqual([
        404,
        'PROVIDER_NOT_FOUND',
      ])
      expect(refusal(await client.get('/providers/anthropic', admin.session))).toEqual([404, 'PROVIDER_NOT_FOUND'])
    })

    test('VAL-02 VAL-15 bad fields are named; addresses inside are refused', async () => {
      expect(faults(await create({}))).toEqual(['base_url', 'kind', 'models', 'name'])
      const bad = { name: 5, kind: 'x', base_url: '', models: ['', 'x'.repeat(256)], price: 1 }
      expect(faults(await create(bad))).toEqual(['base_url', 'kind', 'models[0]', 'models[1]', 'name', 'price'])
      expect(faults(await create({ ...NEW, name: 'Bad Name', models: [] }))).toEqual(['models', 'name'])
      for (const [field, value] of [
        ['name', 'Open AI'],
        ['name', 'x'.repeat(51)],
        ['models', []],
        ['models', Array.from({ length: 101 }, (_, index) => `m${String(index)}`)],
        ['base_url', 'http://api.openai.com'],
        ['base_url', 'https://user:secret@api.openai.com'],
        ['base_url', 'https://169.254.169.254/latest'],
        ['base_url', 'https://[fe80::1]/'],
        ['base_url', 'ftp://api.openai.com'],
        ['base_url', `https://${'x'.repeat(2_000)}.com`],
      ] as const) {
        const answer = await create({ ...NEW, name: 'bad', [field]: value })
        expect([field, value, faults(answer)]).toEqual([field, value, [field]])
        expect(JSON.stringify(answer.body)).not.toContain('secret')
      }
    })

    test('a name is trimmed', async () => {
      const made = expectStatus(await create({ ...NEW, name: '  blanks-around ' }), 201)
      expect(made.body.name).toBe('blanks-around')
    })

    test('VAL-16 a name is taken by one that exists; a key makes one', async () => {
      const { client, admin } = ops
      const one = await newProvider('taken')
      const two = await newProvider('other')
      expect(refusal(await create({ ...NEW, name: 'taken' }))).toEqual([
        409,
        'PROVIDER_EXISTS',
        { existing_id: one.id },
      ])
      expect(refusal(await client.patch(two.path, { name: 'taken' }, admin.session))).toEqual([
        409,
        'PROVIDER_EXISTS',
        { existing_id: one.id },
      ])
      const headers = { ...admin.session, 'Idempotency-Key': 'provider-once' }
      const first = expectStatus(await create({ ...NEW, name: 'once' }, headers), 201)
      const replay = expectStatus(await create({ ...NEW, name: 'once' }, headers), 201)
      expect([replay.body, replay.headers['idempotency-replayed']]).toEqual([first.body, 'true'])
      expect(refusal(await create({ ...NEW, name: 'twice' }, headers))).toEqual([409, 'IDEMPOTENCY_CONFLICT'])
    })

    test('are listed by name, filtered and counted', async () => {
      const { client, admin, clock } = ops
      for (const name of ['zz-list', 'aa-list', 'mm-list']) {
        clock.advance(10)
        await newProvider(name)
      }
      const { id } = expectStatus(await client.get('/providers?name=mm-l', admin.session), 200).body.data[0]
      expectStatus(await client.patch(`/providers/${String(id)}`, { status: 'disabled' }, admin.session), 200)
      const names = async (query: string): Promise<string[]> => {
        const { body } = expectStatus(await client.get(`/providers?name=-LIST&${query}`, admin.session), 200)
        return (body.data as { name: string }[]).map(({ name }) => name)
      }
      expect(await names('')).toEqual(['aa-list', 'mm-list', 'zz-list'])
      expect(await names('sort=-name')).toEqual(['zz-list', 'mm-list', 'aa-list'])
      expect(await names('sort=created_at')).toEqual(['zz-list', 'aa-list', 'mm-list'])
      expect(await names('status=disabled')).toEqual(['mm-list'])
      expect(await names('status=active&per_page=1&page=2')).toEqual(['zz-list'])
      const past = expectStatus(await client.get('/providers?name=-list&page=9', admin.session), 200)
      expect([past.body.data, past.body.pagination.total]).toEqual([[], 3])
      for (const query of ['sort=kind', 'status=gone', 'kind=openai', 'per_page=0']) {
        expect([query, (await client.get(`/providers?${query}`, admin.session)).status]).toEqual([query, 400])
      }
    })

    test('DAT-13 deleting takes a provider from every agent, and its keys; history and leases stay, the name is free', async () => {
      const { client, admin } = ops
      const gone = await ops.newProvider('going')
      const kept = await ops.newProvider('staying')
      const ann = await ops.newPerson()
      const agents = [
        await ops.newAgent(ann, { provider_ids: [gone, kept], allocated_usd: 20 }),
        await ops.newAgent(ann, { provider_ids: [gone] }),
        await ops.newAgent(ann, { provider_ids: [kept] }),
      ]
      const keys = expectStatus(await client.get(`/providers/${gone}/keys`, admin.session), 200).body.data as {
        id: string
      }[]
      const [first] = agents
      const lease = expectStatus(await client.post('/budget/handshake', { requested_usd: 1 }, first?.runtime), 200)
      expectStatus(await client.delete(agents[1]?.path ?? '', admin.session), 200)
      const affected = [agents[0]?.id ?? '', agents[1]?.id ?? ''].sort()
      const deleted = expectStatus(await client.delete(`/providers/${gone}`, admin.session), 200)
      expect(deleted.body).toEqual({
        id: gone,
        name: 'going',
        deleted: true,
        agents_affected: affected,
        agents_count: 2,
      })
      expect((await ops.audited(gone)).at(-1)).toMatchObject({
        operation: 'PROVIDER_DELETED',
        actor: { type: 'user', id: admin.id },
        metadata: { agents_affected: affected, agents_count: 2 },
      })
      const left = expectStatus(await client.get(first?.path ?? '', ann.session), 200)
      expect(left.body.provider_ids).toEqual([kept])
      const open = await client.get(`${first?.path ?? ''}/leases/${lease.body.lease_id as string}`, ann.session)
      expect(expectStatus(open, 200).body).toMatchObject({ provider_id: gone, status: 'active' })
      for (const answer of [
        await client.get(`/providers/${gone}`, admin.session),
        await client.get(`/providers/${gone}/keys`, admin.session),
        await client.post(`/providers/${gone}/keys`, { api_key: API_KEY }, admin.session),
        await client.delete(`/providers/${gone}`, admin.session),
      ]) {
        expect(refusal(answer)).toEqual([404, 'PROVIDER_NOT_FOUND'])
      }
      expect(refusal(await client.get(`/keys/${keys[0]?.id ?? ''}`, admin.session))).toEqual([404, 'KEY_NOT_FOUND'])
      expect((await client.get(`/keys?provider_id=${gone}`, admin.session)).body.pagination.total).toBe(0)
      await newProvider('going')
    })
  })

  describe('keys', () => {
    test('SEC-16 SEC-27 are added, rotated and retired; masked everywhere, audited once each', async () => {
      const { client, admin, clock } = ops
      const { id, path } = await newProvider('keyed')
      const added = expectStatus(await client.post(`${path}/keys`, { api_key: API_KEY }, admin.session), 201)
      const key = added.body as Record<string, unknown>
      expect(key).toEqual({
        id: expect.stringMatching(/^key_/),
        provider_id: id,
        provider_name: 'keyed',
        masked: 'sk-d...def',
        status: 'active',
        vault_key_id: 'k1',
        created_at: ops.at(),
        retired_at: null,
        last_used_at: null,
      })
      const keyPath = `/keys/${String(key['id'])}`
      expect(added.headers.location).toBe(`/api/v1${keyPath}`)
      expect(expectStatus(await client.get(keyPath, admin.session), 200).body).toEqual(key)
      expect(expectStatus(await client.get(path, admin.session), 200).body.has_key).toBe(true)
      const again = await client.post(`${path}/keys`, { api_key: 'other' }, admin.session)
      expect(refusal(again)).toEqual([409, 'PROVIDER_KEY_EXISTS', { existing_id: key['id'] }])

      clock.advance(1_000)
      const short = { api_key: 'short' }
      const rotated = expectStatus(await client.post(`${path}/keys/rotate`, short, admin.session), 200)
      const { retired_key_id: retired, ...next } = rotated.body as Record<string, unknown>
      expect(retired).toBe(key['id'])
      expect(next).toEqual({ ...key, id: next['id'], masked: '***', created_at: ops.at() })
      expect(expectStatus(await client.get(keyPath, admin.session), 200).body).toEqual({
        ...key,
        status: 'retired',
        retired_at: ops.at(),
      })
      const retire = (): Promise<Answer> => client.put(`/keys/${String(next['id'])}/retire`, undefined, admin.session)
      expect(expectStatus(await retire(), 200).body).toEqual({ ...next, status: 'retired', retired_at: ops.at() })
      expect(refusal(await retire())).toEqual([409, 'KEY_NOT_ACTIVE'])
      expect(expectStatus(await client.get(path, admin.session), 200).body.has_key).toBe(false)
      const third = expectStatus(await client.post(`${path}/keys/rotate`, short, admin.session), 200)
      expect(third.body.retired_key_id).toBeNull()
      expect([await ops.operations(String(key['id'])), await ops.operations(String(next['id']))]).toEqual([
        ['PROVIDER_KEY_ADDED'],
        ['PROVIDER_KEY_ROTATED', 'PROVIDER_KEY_RETIRED'],
      ])
      const log = await client.get('/audit?limit=1000', admin.session)
      expect(JSON.stringify(expectStatus(log, 200).body)).not.toContain(API_KEY)
    })

    test('SEC-24 of rotations at once each retires the one before it: one key is active in the end', async () => {
      const { client, admin } = ops
      const { path } = await newProvider('raced')
      const rotate = (index: number): Promise<Answer> =>
        client.post(`${path}/keys/rotate`, { api_key: `sk-raced-${String(index)}` }, admin.session)
      const answers = await Promise.all(Array.from({ length: 10 }, (_, index) => rotate(index)))
      expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200))
      const retired = answers.map(({ body }) => body.retired_key_id as string | null)
      expect(new Set(retired).size).toBe(10)
      const active = expectStatus(await client.get(`${path}/keys?status=active`, admin.session), 200)
      expect(active.body.data).toHaveLength(1)
      expect(retired).not.toContain(active.body.data[0].id)
    })

    test('are listed by provider and in all, newest first, by status and by use', async () => {
      const { client, admin, clock } = ops
      const { id, path } = await newProvider('listed')
      expectStatus(await client.post(`${path}/keys`, { api_key: API_KEY }, admin.session), 201)
      clock.advance(10)
      expectStatus(await client.post(`${path}/keys/rotate`, { api_key: API_KEY }, admin.session), 200)
      const agent = await ops.newAgent(admin, { provider_ids: [id], allocated_usd: 5 })
      expectStatus(await client.post('/budget/handshake', {}, agent.runtime), 200)
      const statuses = async (query: string, list = `${path}/keys`): Promise<string[]> => {
        const { body } = expectStatus(await client.get(`${list}${query}`, admin.session), 200)
        return (body.data as { status: string; last_used_at: string | null }[]).map(
          ({ status, last_used_at: used }) => `${status}${used === null ? '' : ' used'}`,
        )
      }
      expect(await statuses('')).toEqual(['active used', 'retired'])
      expect(await statuses('?sort=created_at')).toEqual(['retired', 'active used'])
      expect(await statuses('?sort=last_used_at')).toEqual(['retired', 'active used'])
      expect(await statuses('?status=retired')).toEqual(['retired'])
      expect(await statuses(`?provider_id=${id}&per_page=1&page=2`, '/keys')).toEqual(['retired'])
      expect((await statuses('', '/keys')).length).toBeGreaterThan(2)
      for (const [list, query] of [
        ['/keys', '?sort=masked'],
        ['/keys', '?status=gone'],
        ['/keys', '?provider_id=openai'],
        [`${path}/keys`, `?provider_id=${id}`],
      ] as const) {
        expect([query, (await client.get(`${list}${query}`, admin.session)).status]).toEqual([query, 400])
      }
    })

    test('VAL-03 bad keys are refused without being repeated; a key makes one; what is missing is not found', async () => {
      const { client, admin } = ops
      const { path } = await newProvider('strict')
      for (const apiKey of [undefined, null, '', 'with space', 'with\nline', 'é', 'x'.repeat(501), 5]) {
        for (const to of [`${path}/keys`, `${path}/keys/rotate`]) {
          const answer = await client.post(to, { api_key: apiKey }, admin.session)
          expect([apiKey, faults(answer)]).toEqual([apiKey, ['api_key']])
          if (typeof apiKey === 'string' && apiKey.length > 1) {
            expect(JSON.stringify(answer.body)).not.toContain(JSON.stringify(apiKey).slice(1, -1))
          }
        }
      }
      for (const [to, status] of [
        [`${path}/keys`, 201],
        [`${path}/keys/rotate`, 200],
      ] as const) {
        const headers = { ...admin.session, 'Idempotency-Key': 'key-once' }
        const first = expectStatus(await client.post(to, { api_key: API_KEY }, headers), status)
        const replay = expectStatus(await client.post(to, { api_key: API_KEY }, headers), status)
        expect([replay.body, replay.headers['idempotency-replayed']]).toEqual([first.body, 'true'])
        expect(refusal(await client.post(to, { api_key: 'other' }, headers))).toEqual([409, 'IDEMPOTENCY_CONFLICT'])
      }
      const missing = `/providers/${missingId('prov')}/keys`
      for (const to of [missing, `${missing}/rotate`]) {
        const answer = await client.post(to, { api_key: API_KEY }, admin.session)
        expect(refusal(answer)).toEqual([404, 'PROVIDER_NOT_FOUND'])
      }
      expect(refusal(await client.get(missing, admin.session))).toEqual([404, 'PROVIDER_NOT_FOUND'])
      for (const answer of [
        await client.get(`/keys/${missingId('key')}`, admin.session),
        await client.put(`/keys/${missingId('key')}/retire`, {}, admin.session),
        await client.get('/keys/1', admin.session),
      ]) {
        expect(refusal(answer)).toEqual([404, 'KEY_NOT_FOUND'])
      }
    })
  })
})
