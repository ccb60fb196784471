/** What is told of budgets and leases: every event and audit entry of a story, and the ledger, whole (websocket.md 5, http-api 1.13). */
import { describe, expect, test } from '@jest/globals'
import { usd } from '@iron/cost-calculator'
import { asToldIn, enginesForTests, Names } from '@iron/database/testing'
import { type Actor, AuditLog, EventLog } from '@iron/journal'
import { BudgetRequestManager } from '../src/index.ts'
import { ADMIN, call, HOUR, MINUTE, openWorld, type World } from './world.ts'

const AGENT = 'agent-1'
const ANN: Actor = { type: 'user', id: 'session-1', userId: 'user-ann' }
const WHY = 'The nightly report needs more than it has.'

async function story(world: World, names: Names): Promise<void> {
  const { budgets, leases, clock, test: db } = world
  const requests = new BudgetRequestManager(db.db)
  await budgets.create(AGENT, usd(20), { ownerId: 'user-ann', actor: ADMIN })

  // A handshake that gets less than it asked for, in the name of somebody, and its refresh.
  const handshake = { providerId: 'prov-1', runtimeId: 'worker-1', idempotencyKey: 'key-1', actor: ANN }
  const first = names.name((await leases.open(AGENT, usd(25), handshake)).lease.id, 'lease-1')
  await leases.report(first, call('r1', 4.5))
  const refreshed = await leases.refresh(first, usd(6), { runtimeId: 'worker-2' })
  const second = names.name(refreshed.lease.id, 'lease-2')
  await leases.report(second, call('r2', 7))
  await leases.returnLease(second, { spent: usd(8) })

  // What operators do.
  await budgets.setAllocation(AGENT, usd(40), ANN, { reason: 'more work' })
  await budgets.adjust(AGENT, 'credit', usd(1), 'a refund', ADMIN)
  await budgets.adjust(AGENT, 'charge', usd(2), 'an invoice', ANN)
  const third = names.name((await leases.open(AGENT, usd(3))).lease.id, 'lease-3')
  names.name((await leases.open(AGENT, usd(3))).lease.id, 'lease-4')
  await budgets.setAllocation(AGENT, usd(18), ADMIN, { force: true })
  await leases.revoke(third, ANN, { reason: 'not needed' })

  // A lease that nobody tends, and one whose agent is stopped.
  const fifth = names.name((await leases.open(AGENT, usd(1))).lease.id, 'lease-5')
  await leases.report(fifth, call('r3', 0.25))
  clock.advance(HOUR + MINUTE)
  expect(await leases.sweep()).toBe(1)
  names.name((await leases.open(AGENT, usd(1), { runtimeId: 'worker-3' })).lease.id, 'lease-6')
  await leases.revokeAll(AGENT, ADMIN, { cause: 'agent_stopped' })

  // Requests for more.
  const ask = async (name: string, amount: number): Promise<string> => {
    const asked = { agentId: AGENT, requesterId: 'user-ann', requestedAllocated: usd(amount), justification: WHY }
    return names.name((await requests.create(asked, ANN)).id, name)
  }
  await requests.approve(await ask('breq-1', 50), ADMIN, { approvedAllocated: usd(45), reviewNotes: 'for a while' })
  await requests.approve(await ask('breq-2', 50), ADMIN)
  await requests.reject(await ask('breq-3', 60), 'There is enough for this month.', ADMIN)
  await requests.cancel(await ask('breq-4', 60), ANN)

  // Damage, and its repair.
  await db.rows('UPDATE agent_budgets SET spent_micros = spent_micros + 1')
  await db.rows('UPDATE leases SET overrun_micros = overrun_micros + 1 WHERE id = ?', second)
  await world.ledger.verify()
  await world.ledger.rebuild(AGENT, ADMIN)
}

describe.each(await enginesForTests())('what is told on %s', (dialect) => {
  test('every event, audit entry and row of the ledger is as it stands in vectors/told.json', async () => {
    await using world = await openWorld({ dialect, leases: { ttlMs: HOUR, graceMs: MINUTE } })
    const names = new Names([/\breq_[0-9a-f-]{36}/g, 'req'])
    await story(world, names)
    const { data: audit } = await new AuditLog(world.test.db).list({}, { order: 'asc', limit: 100 })
    const { data: events } = await new EventLog(world.test.db).read({ agentIds: [AGENT] }, { limit: 100 })
    const { data: ledger } = await world.ledger.list({ agentId: AGENT }, { order: 'asc', limit: 100 })
    const { data: leases } = await world.leases.list({ agentId: AGENT }, { order: 'asc' })
    const told = {
      audit: audit.map(({ id: _id, seq: _seq, at: _at, prevHash: _prevHash, hash: _hash, ...entry }) => entry),
      events: events.map(({ type, data }) => ({ type, ...data })),
      ledger,
      leases,
      budget: await world.budgets.get(AGENT),
    }
    const named = names.in(told)
    expect(named).toEqual(asToldIn(new URL('vectors/told.json', import.meta.url), named))
  })
})
