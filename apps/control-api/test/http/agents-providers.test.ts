import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { enginesForTests } from '@iron/database/testing'
import type { Answer } from '../support/http-client.ts'
import { faults, missingId, type Operators, type Person, refusal, startOperators } from '../support/operators.ts'
import { expectStatus } from '../support/server-process.ts'

const WARNING = { warning: expect.stringContaining('no provider') as unknown }

describe.each(await enginesForTests())('providers of agents on %s', (dialect) => {
  let ops: Operators
  let ann: Person
  /** Three providers as they are answered. */
  let known: { id: string; name: string }[]
  beforeAll(async () => {
    ops = await startOperators(dialect)
    ann = await ops.newPerson()
    for (const name of ['one', 'two', 'three']) await ops.newProvider(name)
    const listed = expectStatus(await ops.client.get('/providers?sort=created_at', ops.admin.session), 200)
    known = listed.body.data as typeof known
  }, 60_000)
  afterAll(async () => {
    await ops[Symbol.asyncDispose]()
  })
  const id = (index: number): string => known[index]?.id ?? ''
  const of = (agentId: string, ...indexes: number[]): unknown => ({
    agent_id: agentId,
    providers: indexes.map((index) => known[index]),
    count: indexes.length,
  })

  test('are replaced as a whole, in the order given, duplicates dropped; audited if anything changed', async () => {
    const { client } = ops
    const agent = await ops.newAgent(ann, { provider_ids: [id(0)] })
    const path = `${agent.path}/providers`
    const get = async (): Promise<unknown> => expectStatus(await client.get(path, ann.session), 200).body as unknown
    const put = async (...ids: string[]): Promise<unknown> =>
      expectStatus(await client.put(path, { provider_ids: ids }, ann.session), 200).body as unknown
    expect(await get()).toEqual(of(agent.id, 0))
    expect(known[0]).toEqual({
      id: id(0),
      name: 'one',
      kind: 'openai',
      base_url: 'https://api.openai.com/v1',
      models: ['gpt-4o'],
      status: 'active',
      has_key: true,
      created_at: ops.at(),
      updated_at: ops.at(),
    })
    expect(await put(id(2), id(0), id(2), id(1))).toEqual(of(agent.id, 2, 0, 1))
    expect(await get()).toEqual(of(agent.id, 2, 0, 1))
    expect(await put(id(2), id(0), id(1))).toEqual(of(agent.id, 2, 0, 1))
    expect(expectStatus(await client.get(agent.path, ann.session), 200).body.provider_ids).toEqual([
      id(2),
      id(0),
      id(1),
    ])
    expect(await put()).toEqual({ ...(of(agent.id) as object), ...WARNING })
    expect(await get()).toEqual(of(agent.id))
    expect(await put()).toEqual({ ...(of(agent.id) as object), ...WARNING })
    const entries = (await ops.audited(agent.id)).slice(1)
    expect(entries.map(({ operation, changes }) => [operation, changes])).toEqual([
      [
        'AGENT_PROVIDERS_UPDATED',
        { before: { provider_ids: [id(0)] }, after: { provider_ids: [id(2), id(0), id(1)] } },
      ],
      ['AGENT_PROVIDERS_UPDATED', { before: { provider_ids: [id(2), id(0), id(1)] }, after: { provider_ids: [] } }],
    ])
    expect(entries[0]).toMatchObject({ actor: { type: 'user', id: ann.id, role: 'user' } })
  })

  test('ACL-14 the first that can serve is taken; an open lease goes on when its provider is taken away', async () => {
    const { client, admin } = ops
    const agent = await ops.newAgent(ann, { provider_ids: [id(1), id(0)], allocated_usd: 20 })
    const handshake = async (): Promise<Answer> =>
      expectStatus(await client.post('/budget/handshake', { requested_usd: 1 }, agent.runtime), 200)
    const lease = await handshake()
    expect(lease.body.provider.id).toBe(id(1))
    const remove = (providerId: string): Promise<Answer> =>
      client.delete(`${agent.path}/providers/${providerId}`, ann.session)
    expect(expectStatus(await remove(id(1)), 200).body).toEqual(of(agent.id, 0))
    expect((await handshake()).body.provider.id).toBe(id(0))
    const report = { lease_id: lease.body.lease_id as string, request_id: 'r1', model: 'm', cost_usd: 0.5 }
    expectStatus(await client.post('/budget/report', report, agent.runtime), 200)
    expect(refusal(await remove(id(1)))).toEqual([404, 'ASSIGNMENT_NOT_FOUND'])
    expect(refusal(await remove(missingId('prov')))).toEqual([404, 'ASSIGNMENT_NOT_FOUND'])
    expect(refusal(await remove('one'))).toEqual([404, 'ASSIGNMENT_NOT_FOUND'])
    expect(expectStatus(await remove(id(0)), 200).body).toEqual({ ...(of(agent.id) as object), ...WARNING })
    const refused = await client.post('/budget/handshake', {}, agent.runtime)
    expect(refusal(refused)).toEqual([403, 'NO_PROVIDER_ASSIGNED'])
    const kinds = (await ops.operations(agent.id)).slice(1)
    expect(kinds).toEqual(['AGENT_PROVIDERS_UPDATED', 'AGENT_PROVIDERS_UPDATED'])
    expect(expectStatus(await client.get(`${agent.path}/providers`, admin.session), 200).body.count).toBe(0)
  })

  test('VAL-09 unknown ids are all named and nothing is changed; archived and unknown agents are refused', async () => {
    const { client, admin } = ops
    const agent = await ops.newAgent(ann, { provider_ids: [id(0)] })
    const put = (body: unknown, path = agent.path): Promise<Answer> =>
      client.put(`${path}/providers`, body, admin.session)
    const missing = [missingId('prov'), 'prov_00000000-0000-7000-8000-0000000000fe']
    expect(refusal(await put({ provider_ids: [missing[0], id(1), missing[1]] }))).toEqual([
      400,
      'INVALID_PROVIDER_ID',
      { missing },
    ])
    expect(expectStatus(await client.get(`${agent.path}/providers`, ann.session), 200).body).toEqual(of(agent.id, 0))
    for (const [body, fields] of [
      [{}, ['provider_ids']],
      [{ provider_ids: null }, ['provider_ids']],
      [{ provider_ids: ['one', 5], order: 1 }, ['order', 'provider_ids[0]', 'provider_ids[1]']],
      [{ provider_ids: Array.from({ length: 51 }, () => id(0)) }, ['provider_ids']],
    ] as const) {
      expect(faults(await put(body))).toEqual(fields)
    }
    expectStatus(await client.delete(agent.path, admin.session), 200)
    const read = expectStatus(await client.get(`${agent.path}/providers`, ann.session), 200)
    expect(read.body).toEqual(of(agent.id, 0))
    expect(refusal(await put({ provider_ids: [] }))).toEqual([409, 'AGENT_ARCHIVED'])
    const remove = await client.delete(`${agent.path}/providers/${id(0)}`, admin.session)
    expect(refusal(remove)).toEqual([409, 'AGENT_ARCHIVED'])
    const nobody = `/agents/${missingId('agent')}`
    for (const answer of [
      await client.get(`${nobody}/providers`, admin.session),
      await put({ provider_ids: [] }, nobody),
      await client.delete(`${nobody}/providers/${id(0)}`, admin.session),
    ]) {
      expect(refusal(answer)).toEqual([404, 'AGENT_NOT_FOUND'])
    }
  })
})
