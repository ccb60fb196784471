/** What is answered and told of agents: every answer, event and audit entry of a story, whole (websocket.md 5, http-api 1.13). */
import { describe, expect, test } from '@jest/globals'
import { usd } from '@iron/cost-calculator'
import { asToldIn, enginesForTests, Names } from '@iron/database/testing'
import type { Actor } from '@iron/journal'
import { createWorld, grant, type World } from './world.ts'

const MINUTE = 60_000

/** Everything that is answered on the way, by what was asked. */
async function story(world: World, names: Names): Promise<Record<string, unknown>> {
  const { registry, budgetRequests, owners, clock } = world
  const answers: Record<string, unknown> = {}
  const admin = names.name(world.owner.id, 'user-admin')
  const ann = names.name((await world.user('ann')).id, 'user-ann')
  const actor: Actor = { type: 'user', id: admin, userId: admin, role: 'admin', ip: '192.0.2.7', requestId: 'http-1' }
  const openai = names.name((await world.provider('openai')).id, 'prov-openai')
  const claude = names.name((await world.provider('claude')).id, 'prov-claude')
  const lent = async (name: string): Promise<void> => {
    names.name(await grant(world, agent, usd(2)), name)
  }

  const expiresAt = clock.now() + 3_600_000
  const made = await registry.create(
    {
      ...{ name: 'triage', description: 'Sorts mail', tags: ['mail', 'prod'], ownerId: ann, allocated: usd(10) },
      ...{ providerIds: [openai], icToken: { permissions: ['llm:call'], expiresAt } },
    },
    actor,
  )
  const agent = names.name(made.agent.id, 'agent-1')
  names.name(agent.replace('agent_', 'budget_'), 'budget-1')
  names.name(made.icToken.id, 'ic-1')
  answers['create'] = made
  clock.advance(1_000)
  const context = { ip: '192.0.2.8', userAgent: 'runtime/1', requestId: 'http-2' }
  answers['authenticate'] = await registry.authenticate(made.icToken.token, { context })
  let seen = await registry.get(agent)
  // A sign of life is written down beside the answer.
  while (seen?.lastSeenAt === null) seen = await registry.get(agent)
  answers['get'] = seen
  answers['update'] = await registry.update(agent, { name: 'sorter', description: '', tags: ['mail'] }, actor)
  answers['setProviders'] = await registry.setProviders(agent, [claude, openai], actor)
  answers['removeProvider'] = await registry.removeProvider(agent, openai, actor)

  // What its runtime says, and what is done when it says nothing.
  answers['running'] = await registry.reportState(agent, 'running', { reason: 'a new batch' })
  clock.advance(5 * MINUTE)
  answers['failSilent'] = await registry.failSilent()
  answers['heartbeat'] = await registry.heartbeat(agent)
  answers['runningAgain'] = await registry.reportState(agent, 'running')
  answers['failed'] = await registry.reportState(agent, 'failed', { reason: 'out of memory', actor })
  answers['idle'] = await registry.reportState(agent, 'idle')

  // Orders, and the leases they end.
  await lent('lease-1')
  answers['stop'] = await registry.stop(agent, actor, { reason: 'maintenance' })
  answers['status'] = await registry.status(agent)
  answers['resume'] = await registry.resume(agent, actor)
  await lent('lease-2')
  const regenerated = await registry.regenerateIcToken(agent, actor, { permissions: ['llm:call', 'analytics:write'] })
  names.name(regenerated.id, 'ic-2')
  answers['regenerateIcToken'] = regenerated
  await lent('lease-3')
  answers['revokeIcToken'] = await registry.revokeIcToken(agent, actor)
  const issued = await registry.issueIcToken(agent, actor)
  names.name(issued.id, 'ic-3')
  answers['issueIcToken'] = issued
  answers['reassign'] = await registry.update(agent, { ownerId: admin }, actor)
  await registry.update(agent, { ownerId: ann }, actor)

  // Whoever goes away leaves agents and requests behind.
  const request = { agentId: agent, requesterId: ann, requestedAllocated: usd(50), justification: 'x'.repeat(20) }
  names.name((await budgetRequests.create(request, ann)).id, 'breq-1')
  answers['deleteUser'] = await owners.deleteUser(ann, actor, { reason: 'left the company' })
  names.name((await budgetRequests.create({ ...request, requesterId: admin }, admin)).id, 'breq-2')
  await lent('lease-4')
  answers['archive'] = await registry.archive(agent, actor)
  answers['deleteProvider'] = await registry.deleteProvider(claude, actor)
  return answers
}

describe.each(await enginesForTests())('what is told on %s', (dialect) => {
  test('every answer, event and audit entry is as it stands in vectors/told.json', async () => {
    await using world = await createWorld(dialect)
    const names = new Names([/"(?:eyJ|ic_eyJ)[\w.-]+"/g, '"<token>"'])
    const answers = await story(world, names)
    const { data: entries } = await world.audit.list({}, { order: 'asc', limit: 100 })
    const { data: events } = await world.events.read({}, { limit: 100 })
    const told = {
      answers,
      audit: entries
        .filter(({ operation }) => operation !== 'USER_CREATED')
        .map(({ id: _id, seq: _seq, at: _at, prevHash: _prevHash, hash: _hash, ...entry }) => entry),
      events: events.map(({ type, data }) => ({ type, ...data })),
    }
    const named = names.in(told)
    expect(named).toEqual(asToldIn(new URL('vectors/told.json', import.meta.url), named))
  })
})
