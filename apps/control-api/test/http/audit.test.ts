import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { startApi, type TestApi } from '../support/api.ts'
import { ADMIN, createAgent, expectStatus } from '../support/server-process.ts'

interface Entry {
  readonly id: string
  readonly seq: number
  readonly operation: string
  readonly timestamp: string
  readonly resource_id: string
  readonly prev_hash: string
  readonly hash: string
}

let api: TestApi
let admin: Record<string, string>

beforeAll(async () => {
  api = await startApi()
  ;({ admin } = await createAgent(api.client, { allocatedUsd: 10 }))
})
afterAll(async () => {
  await api[Symbol.asyncDispose]()
})

const get = async (path: string) => expectStatus(await api.client.get(path, admin), 200).body

describe('GET /audit', () => {
  test('DAT-20 pages through everything in order, without gap or repeat, while it grows', async () => {
    const seen: Entry[] = []
    let after: string | null = ''
    while (after !== null) {
      const page: { data: Entry[]; next_cursor: string | null } = await get(
        `/audit?order=asc&limit=2${after === '' ? '' : `&after=${after}`}`,
      )
      seen.push(...page.data)
      after = page.next_cursor
      if (seen.length < 8) expectStatus(await api.client.post('/auth/login', ADMIN), 200)
    }
    expect(seen.map(({ seq }) => seq)).toEqual(seen.map((_, index) => index + 1))
    for (const [index, { prev_hash: previous }] of seen.entries()) {
      expect(previous).toBe(index === 0 ? '0'.repeat(64) : seen[index - 1]?.hash)
    }
    const newest = await get('/audit?limit=1')
    expect(newest.data[0].seq).toBe(seen.length)
  })

  test('filters are exact and joined', async () => {
    const { data } = (await get('/audit?operation=AGENT_CREATED')) as { data: Entry[] }
    expect(data).toHaveLength(1)
    const id = data[0]?.resource_id ?? ''
    expect((await get(`/audit?operation=AGENT_CREATED&resource_type=agent&resource_id=${id}`)).data).toHaveLength(1)
    expect((await get(`/audit?operation=AGENT_CREATED&resource_type=user`)).data).toEqual([])
    const me = String((await api.client.get('/auth/me', admin)).body.id)
    expect((await get(`/audit?actor_id=${me}&operation=AGENT_CREATED`)).data).toHaveLength(1)
    const at = data[0]?.timestamp ?? ''
    expect((await get(`/audit?operation=AGENT_CREATED&from=${at}`)).data).toHaveLength(1)
    expect((await get(`/audit?operation=AGENT_CREATED&to=${at}`)).data).toEqual([])
    for (const bad of ['?from=yesterday', '?after=zzz', '?limit=1001', '?order=up', '?operation=', '?nonsense=1']) {
      expect([bad, (await api.client.get(`/audit${bad}`, admin)).status]).toEqual([bad, 400])
    }
  })

  test('one entry is found by its id, and no other', async () => {
    const [entry] = (await get('/audit?limit=1')).data as Entry[]
    expect(await get(`/audit/${entry?.id ?? ''}`)).toEqual(entry)
    const missing = await api.client.get('/audit/aud_00000000-0000-7000-8000-0000000000ff', admin)
    expect([missing.status, missing.body.code]).toEqual([404, 'AUDIT_ENTRY_NOT_FOUND'])
  })
})

describe('GET /audit/verify', () => {
  test('DAT-12 says that the chain holds, and finds a tail that was cut off', async () => {
    const verified = await get('/audit/verify')
    expect(verified).toEqual({
      valid: true,
      head_seq: expect.any(Number),
      head_hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      first_invalid_seq: null,
      fault: null,
    })
    const { head_seq: seq, head_hash: hash } = verified as { head_seq: number; head_hash: string }
    expect((await get(`/audit/verify?head_seq=${seq}&head_hash=${hash}`)).valid).toBe(true)
    expect(await get(`/audit/verify?head_seq=${seq + 5}&head_hash=${hash}`)).toMatchObject({
      valid: false,
      fault: 'truncated',
    })
    const other = 'a'.repeat(64)
    expect(await get(`/audit/verify?head_seq=${seq}&head_hash=${other}`)).toMatchObject({ valid: false })
    for (const bad of [`?head_seq=${seq}`, `?head_hash=${hash}`, `?head_seq=1&head_hash=xyz`, '?head_seq=-1']) {
      expect([bad, (await api.client.get(`/audit/verify${bad}`, admin)).status]).toEqual([bad, 400])
    }
  })
})

test('DAT-11 every mutating route leaves exactly one entry of what it names, and reads leave none', async () => {
  const count = async (): Promise<number> => Number((await get('/audit?limit=1')).data[0].seq)
  const made = async (work: () => Promise<unknown>): Promise<string[]> => {
    const before = await count()
    await work()
    const after = await count()
    const { data } = (await get(`/audit?limit=${Math.max(1, after - before)}`)) as { data: Entry[] }
    return data.slice(0, after - before).map(({ operation }) => operation)
  }
  const user = { username: 'once', email: 'once@example.com', password: 'correct horse battery' }
  let id = ''
  let limit = ''
  let token = ''
  const steps: readonly (readonly [string, () => Promise<unknown>])[] = [
    ['USER_CREATED', async () => (id = String((await api.client.post('/users', user, admin)).body.id))],
    ['USER_UPDATED', () => api.client.patch(`/users/${id}`, { name: 'Once' }, admin)],
    ['USER_ROLE_CHANGED', () => api.client.put(`/users/${id}/role`, { role: 'viewer' }, admin)],
    ['USER_SUSPENDED', () => api.client.put(`/users/${id}/suspend`, {}, admin)],
    ['USER_ACTIVATED', () => api.client.put(`/users/${id}/activate`, {}, admin)],
    [
      'USER_PASSWORD_RESET',
      () => api.client.post(`/users/${id}/reset-password`, { new_password: 'x'.repeat(8) }, admin),
    ],
    [
      'LIMIT_CREATED',
      async () =>
        (limit = String((await api.client.post('/limits', { user_id: id, max_tokens_per_day: 1 }, admin)).body.id)),
    ],
    ['LIMIT_UPDATED', () => api.client.patch(`/limits/${limit}`, { max_tokens_per_day: 2 }, admin)],
    ['LIMIT_DELETED', () => api.client.delete(`/limits/${limit}`, admin)],
    [
      'API_TOKEN_CREATED',
      async () => (token = String((await api.client.post('/tokens', { name: 'x' }, admin)).body.id)),
    ],
    ['API_TOKEN_UPDATED', () => api.client.patch(`/tokens/${token}`, { name: 'y' }, admin)],
    ['API_TOKEN_ROTATED', () => api.client.post(`/tokens/${token}/rotate`, {}, admin)],
    ['API_TOKEN_REVOKED', () => api.client.delete(`/tokens/${token}`, admin)],
    ['PROFILE_UPDATED', () => api.client.patch('/auth/me', { name: 'The admin' }, admin)],
    ['USER_DELETED', () => api.client.delete(`/users/${id}`, admin)],
  ]
  for (const [operation, work] of steps) expect([operation, await made(work)]).toEqual([operation, [operation]])
  const nothing: readonly (() => Promise<unknown>)[] = [
    () => api.client.get('/users', admin),
    () => api.client.get('/audit/verify', admin),
    () => api.client.patch('/auth/me', { name: 'The admin' }, admin),
    () => api.client.post('/users', { username: 'x' }, admin),
    () => api.client.delete(`/users/${id}`, admin),
    () => api.client.get('/usage', admin),
  ]
  for (const work of nothing) expect(await made(work)).toEqual([])
})
