/** Results are frozen (packages.md 0.2), down to the JSON values that were stored as they came. */
import { describe, expect, test } from '@jest/globals'
import { usd } from '@iron/cost-calculator'
import { enginesForTests } from '@iron/database/testing'
import { AgentBudgetManager, BudgetRequestManager } from '@iron/lease-manager'
import { SessionService, TokenManager, UsageTracker } from '@iron/token-manager'
import { createWorld } from './world.ts'

const STORED_AS_THEY_CAME = ['changes', 'metadata', 'data']

/** Where an answer could be changed by who holds it. */
function changeable(value: unknown, at = '$'): string[] {
  if (typeof value !== 'object' || value === null) return []
  const inside = Object.entries(value).flatMap(([name, part]) =>
    STORED_AS_THEY_CAME.includes(name) && !Array.isArray(part) ? [] : changeable(part, `${at}.${name}`),
  )
  return Object.isFrozen(value) ? inside : [at, ...inside]
}

describe.each(await enginesForTests())('answers on %s', (dialect) => {
  test('messages, pages and credentials are frozen', async () => {
    await using world = await createWorld(dialect)
    const { audit, db, events, icToken, keys, leases, ledger, limits, openai, owner, principal, protocol, providers } =
      world
    const { registry, requests, users } = world
    const sessions = new SessionService(db, { keys: [{ kid: 's1', secret: 'a signing secret of 32 bytes and more' }] })
    const tokens = new TokenManager(db)
    await tokens.issueToken(owner.id, 'ci', owner.id)
    await limits.create({ ownerId: owner.id, maxTokensPerDay: 1_000_000 }, owner.id)
    const report = { requestId: 'r1', model: 'gpt-4o', cost: usd('0.5') }

    const login = await sessions.login('admin@iron.test', 'correct horse')
    if (login.outcome !== 'ok') throw new Error(login.outcome)
    const first = await protocol.handshake(principal, { requested: usd(2) })
    const batch = [
      { leaseId: first.lease.id, report: { ...report, requestId: 'r2' } },
      { leaseId: 'lease_unknown', report },
    ]
    const answers = {
      login,
      session: await sessions.authenticate(login.tokens.accessToken),
      renewed: await sessions.refresh(login.tokens.refreshToken),
      agentLogin: await registry.authenticate(icToken.token),
      created: await registry.create({ name: 'second', ownerId: owner.id, allocated: usd(1) }, owner.id),
      handshake: first,
      reserve: await protocol.reserve(principal, { requested: usd(1) }),
      report: await protocol.report(principal, first.lease.id, report),
      batch: await protocol.reportBatch(principal, batch),
      leasesBatch: await leases.reportBatch(batch),
      refresh: await protocol.refresh(principal, first.lease.id),
      return: await protocol.returnLease(principal, first.lease.id),
      room: await limits.room(owner.id),
      roomWithoutLimit: await limits.room('somebody'),
      unsealed: await keys.unseal(openai.id),
      rotated: await keys.rotate(openai.id, 'sk-another-secret-key', owner.id),
      rewrapped: await keys.rewrap(),
      canary: await keys.checkCanary(),
      users: await users.listUsers(),
      history: await users.getUserAuditLog(owner.id),
      sessions: await sessions.list({ userId: owner.id }),
      tokens: await tokens.listTokens(),
      limits: await limits.list(),
      providers: await providers.list(),
      keys: await keys.list(),
      usage: await new UsageTracker(db).list(),
      agents: await registry.list(),
      leases: await leases.list(),
      ledger: await ledger.list({ agentId: principal.agentId }),
      budgets: await new AgentBudgetManager(db).list(),
      budgetHistory: await new AgentBudgetManager(db).history(principal.agentId),
      budgetRequests: await new BudgetRequestManager(db).list(),
      calls: await requests.list(),
      rollups: await requests.verifyRollups(),
      audit: await audit.list(),
      auditHead: await audit.head(),
      verified: await audit.verify(),
      verifiedPart: await audit.verify({ toSeq: 2 }),
      cutOff: await audit.verify({ fromSeq: 1_000 }),
      events: await events.read(),
      noEvents: await events.read({}, { after: 'latest' }),
    }
    expect(changeable(answers).filter((place) => place !== '$')).toEqual([])
  })
})
