import { describe, expect, test } from '@jest/globals'
import { usd, ZERO } from '@iron/cost-calculator'
import { enginesForTests } from '@iron/database/testing'
import { auditedSince, auditHead, createWorld, eventsOf, outcomeOf, type World } from './world.ts'

const REVOKED = { outcome: 'refused', code: 'TOKEN_REVOKED' }

/** How a token authenticates: `ok`, or the code of the refusal. */
async function accepted({ registry }: World, token: string): Promise<string> {
  const answer = await registry.authenticate(token)
  return answer.outcome === 'ok' ? 'ok' : answer.code
}

describe.each(await enginesForTests())('IC tokens on %s', (dialect) => {
  test('SEC-11 SEC-14 a regenerated token is the only one, and the leases under the old one end with it', async () => {
    await using world = await createWorld(dialect)
    const { registry, owner, leases, ledger } = world
    const { agent, icToken } = await world.agent()
    const { lease } = await leases.open(agent.id, usd(10))
    await leases.report(lease.id, { requestId: 'r', model: 'gpt-4o', cost: usd(3) })
    const seq = await auditHead(world)
    // The same millisecond: the token differs all the same.
    const next = await registry.regenerateIcToken(agent.id, owner.id, { permissions: ['llm:call', 'llm:call'] })
    expect(next).toMatchObject({ permissions: ['llm:call'], oldTokenInvalidated: true, expiresAt: null })
    expect([await accepted(world, icToken.token), await accepted(world, next.token)]).toEqual(['TOKEN_REVOKED', 'ok'])
    expect(await leases.get(lease.id)).toMatchObject({ status: 'revoked', returned: usd(7) })
    expect((await eventsOf(world, agent.id)).at(-1)).toMatchObject({
      type: 'lease.closed',
      data: { cause: 'ic_token_replaced' },
    })
    expect((await registry.get(agent.id))?.icToken).toMatchObject({ id: next.id, permissions: ['llm:call'] })
    const audited = await auditedSince(world, seq)
    expect(audited.map(({ operation }) => operation)).toEqual(['LEASE_REVOKED', 'IC_TOKEN_REGENERATED'])
    expect(audited[1]).toMatchObject({
      resourceType: 'ic_token',
      resourceId: next.id,
      metadata: {
        agent_id: agent.id,
        previous_id: icToken.id,
        permissions: ['llm:call'],
        leases_revoked: [lease.id],
        released_usd: 7,
      },
    })
    expect(await ledger.verify()).toEqual([])
  })

  test('SEC-14 a revoked token ends with its leases; a second time there is nothing to do', async () => {
    await using world = await createWorld(dialect)
    const { registry, owner, leases } = world
    const { agent, icToken } = await world.agent()
    const { lease } = await leases.open(agent.id, usd(10))
    const seq = await auditHead(world)
    expect(await registry.revokeIcToken(agent.id, owner.id)).toBe(true)
    expect(await registry.authenticate(icToken.token)).toEqual(REVOKED)
    expect(await leases.get(lease.id)).toMatchObject({ status: 'revoked', returned: usd(10) })
    expect((await eventsOf(world, agent.id)).at(-1)?.data).toMatchObject({ cause: 'ic_token_revoked' })
    expect(await registry.get(agent.id)).toMatchObject({ icToken: null, budget: { reserved: ZERO } })
    expect(await registry.revokeIcToken(agent.id, owner.id)).toBe(false)
    const audited = await auditedSince(world, seq)
    expect(audited.map(({ operation, resourceId }) => [operation, resourceId])).toEqual([
      ['LEASE_REVOKED', lease.id],
      ['IC_TOKEN_REVOKED', icToken.id],
    ])
    expect(await outcomeOf(registry.revokeIcToken('agent_none', owner.id))).toBe('AGENT_NOT_FOUND')
  })

  test('one is issued only where there is none; a regenerated first one invalidates nothing', async () => {
    await using world = await createWorld(dialect)
    const { registry, owner, clock } = world
    const { agent, icToken } = await world.agent()
    await expect(registry.issueIcToken(agent.id, owner.id)).rejects.toMatchObject({
      code: 'IC_TOKEN_EXISTS',
      details: { existing_id: icToken.id },
    })
    await registry.revokeIcToken(agent.id, owner.id)
    const seq = await auditHead(world)
    const expiresAt = clock.now() + 90_000
    const issued = await registry.issueIcToken(agent.id, owner.id, { permissions: ['analytics:write'], expiresAt })
    expect(issued).toMatchObject({ permissions: ['analytics:write'], expiresAt, oldTokenInvalidated: false })
    expect(await auditedSince(world, seq)).toMatchObject([
      { operation: 'IC_TOKEN_CREATED', resourceId: issued.id, metadata: { agent_id: agent.id } },
    ])
    clock.advance(90_000)
    expect(await accepted(world, issued.token)).toBe('TOKEN_EXPIRED')
    // It had stopped working by itself.
    expect(await registry.regenerateIcToken(agent.id, owner.id)).toMatchObject({ oldTokenInvalidated: false })
    await registry.revokeIcToken(agent.id, owner.id)
    expect(await registry.regenerateIcToken(agent.id, owner.id)).toMatchObject({ oldTokenInvalidated: false })
  })

  test('AUT-04 the expiry that is told is the one that holds: whole seconds, never longer than asked', async () => {
    await using world = await createWorld(dialect)
    const { registry, owner, clock } = world
    const { agent } = await world.agent()
    const now = clock.now()
    const token = await registry.regenerateIcToken(agent.id, owner.id, { expiresAt: now + 2_900 })
    expect(token.expiresAt).toBe(Math.floor((now + 2_900) / 1_000) * 1_000)
    expect((await registry.get(agent.id))?.icToken?.expiresAt).toBe(token.expiresAt)
    clock.advance(token.expiresAt! - now - 1)
    expect(await accepted(world, token.token)).toBe('ok')
    clock.advance(1)
    expect(await accepted(world, token.token)).toBe('TOKEN_EXPIRED')
  })

  test('VAL-02 wrong options are all named and change nothing', async () => {
    await using world = await createWorld(dialect)
    const { registry, owner, clock } = world
    const { agent, icToken } = await world.agent()
    for (const expiresAt of [clock.now(), clock.now() + 999, 0.5, NaN]) {
      await expect(
        registry.regenerateIcToken(agent.id, owner.id, { permissions: ['llm:call', 'admin'], expiresAt }),
      ).rejects.toMatchObject({
        code: 'VALIDATION_ERROR',
        details: { fields: { 'permissions[1]': expect.any(String), expiresAt: expect.any(String) } },
      })
    }
    expect(await outcomeOf(registry.issueIcToken(agent.id, owner.id, { permissions: [] }))).toBe('VALIDATION_ERROR')
    const noList = { permissions: 'llm:call' } as never
    await expect(registry.regenerateIcToken(agent.id, owner.id, noList)).rejects.toMatchObject({
      code: 'VALIDATION_ERROR',
      details: { fields: { permissions: expect.any(String) } },
    })
    expect(await accepted(world, icToken.token)).toBe('ok')
  })

  test('CON-20 CON-22 of many issued, regenerated and revoked at once at most one token lives', async () => {
    await using world = await createWorld(dialect)
    const { registry, owner, test: db } = world
    const { agent } = await world.agent()
    await registry.revokeIcToken(agent.id, owner.id)
    const issued = await Promise.all(
      Array.from({ length: 20 }, () => outcomeOf(registry.issueIcToken(agent.id, owner.id))),
    )
    expect(issued.filter((code) => code === 'ok')).toHaveLength(1)
    expect(new Set(issued)).toEqual(new Set(['ok', 'IC_TOKEN_EXISTS']))
    const tokens = await Promise.all(Array.from({ length: 10 }, () => registry.regenerateIcToken(agent.id, owner.id)))
    const answers = await Promise.all(tokens.map(({ token }) => accepted(world, token)))
    expect(answers.filter((answer) => answer === 'ok')).toHaveLength(1)
    await Promise.all(
      [
        registry.revokeIcToken(agent.id, owner.id),
        registry.regenerateIcToken(agent.id, owner.id),
        registry.archive(agent.id, owner.id),
      ].map(outcomeOf),
    )
    expect(await db.scalar('SELECT count(*) FROM ic_tokens WHERE revoked_at IS NULL')).toBe(0)
  })

  test('SEC-01 no table holds a token', async () => {
    await using world = await createWorld(dialect)
    const { registry, owner } = world
    const { agent, icToken } = await world.agent()
    const next = await registry.regenerateIcToken(agent.id, owner.id)
    await registry.revokeIcToken(agent.id, owner.id)
    for (const table of ['ic_tokens', 'audit_log', 'events', 'agents']) {
      const rows = JSON.stringify(await world.test.rows(`SELECT * FROM ${table}`))
      for (const { token } of [icToken, next]) expect(rows).not.toContain(token.slice(3, 60))
      for (const { token } of [icToken, next]) expect(rows).not.toContain(token.slice(-43))
    }
  })
})
