import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { enginesForTests } from '@iron/database/testing'
import { claimsOf, forgeJwt } from '../support/forge.ts'
import type { Answer } from '../support/http-client.ts'
import { faults, type MadeAgent, missingId, type Operators, refusal, startOperators } from '../support/operators.ts'
import { expectStatus } from '../support/server-process.ts'

type Headers = Record<string, string>

const DAY_MS = 86_400_000

describe.each(await enginesForTests())('IC tokens on %s', (dialect) => {
  let ops: Operators
  beforeAll(async () => {
    ops = await startOperators(dialect)
  }, 60_000)
  afterAll(async () => {
    await ops[Symbol.asyncDispose]()
  })
  const pathOf = (agent: MadeAgent): string => `${agent.path}/ic-token`
  const runtimeOf = ({ body }: Answer): Headers => ({ 'X-IC-Token': String(body.ic_token.token) })
  const verify = (runtime: Headers): Promise<Answer> => ops.client.get('/auth/verify', runtime)
  const infoOf = ({ body }: Answer): Record<string, unknown> => {
    const { token: _, ...info } = body.ic_token as Record<string, unknown>
    return info
  }

  test('SEC-11 a token is ended, asked about and issued anew; shown once, audited once each', async () => {
    const { client } = ops
    const ann = await ops.newPerson()
    const agent = await ops.newAgent(ann, { allocated_usd: 20 })
    const path = pathOf(agent)
    const about = async (): Promise<unknown> => expectStatus(await client.get(path, ann.session), 200).body as unknown
    const { token: secret, ...info } = agent.body.ic_token as { token: string; id: string }
    expect(await about()).toEqual({ agent_id: agent.id, has_ic_token: true, ic_token: info })
    const exists = await client.post(path, {}, ann.session)
    expect(refusal(exists)).toEqual([409, 'IC_TOKEN_EXISTS', { existing_id: info.id }])
    const lease = await ops.newLease(agent, 5)

    const ended = expectStatus(await client.delete(path, ann.session), 204)
    expect(ended.body).toBe('')
    expect(refusal(await verify(agent.runtime))).toEqual([401, 'TOKEN_REVOKED'])
    expect(await about()).toEqual({ agent_id: agent.id, has_ic_token: false, ic_token: null })
    expect((await ops.events(agent.id)).at(-1)).toMatchObject({
      type: 'lease.closed',
      data: { lease_id: lease, status: 'revoked', cause: 'ic_token_revoked', returned_usd: 5 },
    })
    expectStatus(await client.delete(path, ann.session), 204)

    const body = { permissions: ['analytics:write', 'analytics:write'], expires_at: ops.at(DAY_MS + 999) }
    const issued = expectStatus(await client.post(path, body, ann.session), 201)
    expect(issued.body).toEqual({
      agent_id: agent.id,
      ic_token: {
        id: expect.stringMatching(/^ic_/),
        permissions: ['analytics:write'],
        created_at: ops.at(),
        expires_at: ops.at(DAY_MS),
        last_used_at: null,
        token: expect.stringMatching(/^ic_ey/),
      },
    })
    expect(issued.headers.location).toBe(`/api/v1${path}`)
    expect(await about()).toEqual({ agent_id: agent.id, has_ic_token: true, ic_token: infoOf(issued) })
    const verified = expectStatus(await verify(runtimeOf(issued)), 200)
    expect(verified.body).toMatchObject({ agent_id: agent.id, permissions: ['analytics:write'] })
    expect(refusal(await client.post('/budget/reserve', {}, runtimeOf(issued)))).toEqual([403, 'FORBIDDEN'])

    expect(await ops.operations(info.id)).toEqual(['IC_TOKEN_CREATED', 'IC_TOKEN_REVOKED'])
    expect(await ops.operations(issued.body.ic_token.id as string)).toEqual(['IC_TOKEN_CREATED'])
    expect(await ops.operations(lease)).toEqual(['LEASE_GRANTED', 'LEASE_REVOKED'])
    const log = JSON.stringify(expectStatus(await client.get('/audit?limit=1000', ops.admin.session), 200).body)
    for (const shown of [secret, issued.body.ic_token.token as string]) expect(log).not.toContain(shown)
  })

  test('SEC-11 SEC-14 regenerating kills the old one within the same second and releases what it held', async () => {
    const { client } = ops
    const ann = await ops.newPerson()
    const agent = await ops.newAgent(ann, { allocated_usd: 20, ic_token_permissions: ['llm:call'] })
    const lease = await ops.newLease(agent, 5)
    const regenerate = (body: unknown = {}): Promise<Answer> =>
      client.post(`${pathOf(agent)}/regenerate`, body, ann.session)
    const first = expectStatus(await regenerate(), 200)
    expect(first.body).toEqual({
      agent_id: agent.id,
      ic_token: {
        id: expect.stringMatching(/^ic_/),
        permissions: ['llm:call', 'analytics:write'],
        created_at: ops.at(),
        expires_at: null,
        last_used_at: null,
        token: expect.stringMatching(/^ic_ey/),
      },
      old_token_invalidated: true,
    })
    expect(refusal(await verify(agent.runtime))).toEqual([401, 'TOKEN_REVOKED'])
    expectStatus(await verify(runtimeOf(first)), 200)
    expect((await ops.events(agent.id)).at(-1)).toMatchObject({
      type: 'lease.closed',
      data: { lease_id: lease, cause: 'ic_token_replaced' },
    })
    const budget = expectStatus(await client.get(`${agent.path}/budget`, ann.session), 200)
    expect(budget.body).toMatchObject({ reserved_usd: 0, remaining_usd: 20 })

    const second = expectStatus(await regenerate({ permissions: ['llm:call'], expires_at: ops.at(DAY_MS) }), 200)
    expect(second.body).toMatchObject({ ic_token: { permissions: ['llm:call'], expires_at: ops.at(DAY_MS) } })
    expect(refusal(await verify(runtimeOf(first)))).toEqual([401, 'TOKEN_REVOKED'])
    expectStatus(await client.delete(pathOf(agent), ann.session), 204)
    expect(expectStatus(await regenerate(), 200).body.old_token_invalidated).toBe(false)
    const about = await ops.audited(first.body.ic_token.id as string)
    expect(about).toMatchObject([
      {
        operation: 'IC_TOKEN_REGENERATED',
        actor: { type: 'user', id: ann.id },
        metadata: { agent_id: agent.id, previous_id: agent.body.ic_token.id as string, leases_revoked: [lease] },
      },
    ])
    const { data } = expectStatus(
      await client.get('/audit?operation=IC_TOKEN_REGENERATED', ops.admin.session),
      200,
    ).body
    expect(
      (data as { metadata: { agent_id: string } }[]).filter(({ metadata }) => metadata.agent_id === agent.id),
    ).toHaveLength(3)
  })

  test('http-api 1.9 replays have no token and change nothing more', async () => {
    const { client, admin } = ops
    const agent = await ops.newAgent(admin)
    expectStatus(await client.delete(pathOf(agent), admin.session), 204)
    for (const [path, status, key] of [
      [pathOf(agent), 201, 'issue'],
      [`${pathOf(agent)}/regenerate`, 200, 'replace'],
    ] as const) {
      const headers = { ...admin.session, 'Idempotency-Key': key }
      const first = expectStatus(await client.post(path, {}, headers), status)
      const replay = expectStatus(await client.post(path, {}, headers), status)
      const icToken = { ...(first.body.ic_token as object), token: null }
      expect(replay.body).toEqual({ ...first.body, ic_token: icToken, secret_omitted: true })
      expect(replay.headers['idempotency-replayed']).toBe('true')
      expectStatus(await verify(runtimeOf(first)), 200)
      const other = await client.post(path, { permissions: ['llm:call'] }, headers)
      expect(refusal(other)).toEqual([409, 'IDEMPOTENCY_CONFLICT'])
      expect(await ops.operations(first.body.ic_token.id as string)).toHaveLength(1)
    }
  })

  test('what is refused: bad options, archived and unknown agents', async () => {
    const { client, admin } = ops
    const agent = await ops.newAgent(admin)
    const paths = [pathOf(agent), `${pathOf(agent)}/regenerate`]
    for (const path of paths) {
      for (const [body, fields] of [
        [{ permissions: [], expires_at: 'soon', ttl: 1 }, ['expires_at', 'permissions', 'ttl']],
        [{ permissions: ['agents:read'] }, ['permissions[0]']],
        [{ permissions: null, expires_at: null }, ['expires_at', 'permissions']],
        [{ expires_at: ops.at() }, ['expires_at']],
        [{ expires_at: ops.at(-DAY_MS) }, ['expires_at']],
      ] as const) {
        expect([path, body, faults(await client.post(path, body, admin.session))]).toEqual([path, body, fields])
      }
    }
    expectStatus(await verify(agent.runtime), 200)
    expectStatus(await client.delete(agent.path, admin.session), 200)
    for (const path of paths) {
      expect(refusal(await client.post(path, {}, admin.session))).toEqual([409, 'AGENT_ARCHIVED'])
    }
    expectStatus(await client.delete(pathOf(agent), admin.session), 204)
    const nobody = `/agents/${missingId('agent')}/ic-token`
    for (const answer of [
      await client.get(nobody, admin.session),
      await client.post(nobody, {}, admin.session),
      await client.post(`${nobody}/regenerate`, {}, admin.session),
      await client.delete(nobody, admin.session),
    ]) {
      expect(refusal(answer)).toEqual([404, 'AGENT_NOT_FOUND'])
    }
  })

  test('SEC-12 a well signed token of an agent that is not there, or not its own, is worth nothing', async () => {
    const agent = await ops.newAgent(ops.admin)
    const claims = claimsOf(String(agent.runtime['X-IC-Token']).slice('ic_'.length))
    const forged = (changed: object): Headers => ({
      'X-IC-Token': `ic_${forgeJwt({ alg: 'HS256', typ: 'JWT', kid: 'k1' }, { ...claims, ...changed }, ops.icTokenSecret)}`,
    })
    const beat = async (runtime: Headers, id = agent.id): Promise<unknown> =>
      refusal(await ops.client.post(`/agents/${id}/heartbeat`, {}, runtime)).slice(0, 2)
    expect(await beat(forged({}))).toEqual([200, undefined])
    const nobody = { agent_id: missingId('agent'), budget_id: missingId('budget') }
    expect(await beat(forged(nobody), nobody.agent_id)).toEqual([401, 'UNAUTHORIZED'])
    expect(await beat(forged({ jti: missingId('ic') }))).toEqual([401, 'TOKEN_REVOKED'])
    expect(await beat(forged({ permissions: [] }))).toEqual([401, expect.any(String)])
    const other = await ops.newAgent(ops.admin)
    const borrowed = { agent_id: other.id, budget_id: other.body.budget_id as string }
    expect(await beat(forged(borrowed), other.id)).toEqual([401, 'TOKEN_REVOKED'])
  })
})
