import { describe, expect, test } from '@jest/globals'
import { type Microdollars, usd } from '@iron/cost-calculator'
import { enginesForTests } from '@iron/database/testing'
import { EventLog } from '@iron/journal'
import type { LedgerHead } from '../src/index.ts'
import { ADMIN, auditCounts, call, DAY, HOUR, openWorld, refusal, usdOf, type World } from './world.ts'

const AGENT = 'agent-1'

/** Takes away what protects the ledger from tampering, as somebody with the file in hands could. */
async function unprotect({ test: db }: World): Promise<void> {
  const onTable = db.db.dialect === 'postgres'
  for (const [name, table] of [
    ['ledger_entries_no_update', 'ledger_entries'],
    ['ledger_entries_no_delete', 'ledger_entries'],
    ['leases_final', 'leases'],
  ]) {
    await db.rows(`DROP TRIGGER ${name!}${onTable ? ` ON ${table!}` : ''}`)
  }
}

async function history(world: World): Promise<{ readonly open: string; readonly ended: string }> {
  const { budgets, leases } = world
  await budgets.create(AGENT, usd(100), { ownerId: 'owner-1', actor: ADMIN })
  const ended = (await leases.open(AGENT, usd(10))).lease.id
  await leases.report(ended, call('r1', 12))
  await leases.returnLease(ended)
  const open = (await leases.open(AGENT, usd(20))).lease.id
  await leases.report(open, call('r2', 5))
  await budgets.adjust(AGENT, 'credit', usd(1), 'refund', ADMIN)
  await budgets.setAllocation(AGENT, usd(120), ADMIN)
  return { open, ended }
}

describe.each(await enginesForTests())('the ledger on %s', (dialect) => {
  test('MON-31 is append-only, and a row that does not equal the budget is refused by the database (MON-22)', async () => {
    await using world = await openWorld({ dialect })
    await history(world)
    const { test: db, ledger } = world
    await expect(db.rows('UPDATE ledger_entries SET amount_micros = 1')).rejects.toMatchObject({
      code: 'DATABASE_CONSTRAINT',
    })
    await expect(db.rows('DELETE FROM ledger_entries')).rejects.toMatchObject({ code: 'DATABASE_CONSTRAINT' })
    const forged = `INSERT INTO ledger_entries (agent_id, seq, type, amount_micros, version, allocated_after, reserved_after, spent_after, actor_id, created_at, hash)
      SELECT agent_id, ledger_seq + 1, 'allocate', 1, version + 1, allocated_micros + 1, reserved_micros, spent_micros, 'x', 0, ledger_hash FROM agent_budgets`
    await expect(db.rows(forged)).rejects.toMatchObject({ code: 'DATABASE_CONSTRAINT' })
    expect(await ledger.verify()).toEqual([])
  })

  test('MON-22 the books are recomputed when retention has taken events away, some or all of them', async () => {
    await using world = await openWorld({ dialect })
    const { leases, ledger, test: db } = world
    const { open } = await history(world)
    db.clock.advance(2 * DAY)
    await leases.report(open, call('r3', 1))
    const events = new EventLog(db.db)
    for (const wait of [0, 2 * DAY]) {
      db.clock.advance(wait)
      expect(await events.prune({ olderThan: db.clock.now() - DAY })).toBeGreaterThan(0)
      expect(await ledger.verify()).toEqual([])
    }
  })

  test('MON-01 a fraction cannot be bound to a money column', async () => {
    await using world = await openWorld({ dialect })
    await history(world)
    await expect(world.test.rows('UPDATE agent_budgets SET allocated_micros = ?', 1.5)).rejects.toThrow()
  })

  describe('MON-22 R7 a corrupted row is named', () => {
    const changes: readonly (readonly [what: string, sql: string, found: string, seq: number | null])[] = [
      ['an amount', 'UPDATE ledger_entries SET amount_micros = amount_micros + 1 WHERE seq = 3', 'row hash', 3],
      [
        'an amount, told by the balances',
        'UPDATE ledger_entries SET amount_micros = amount_micros + 1 WHERE seq = 3',
        'row reserved',
        3,
      ],
      ['a reason', "UPDATE ledger_entries SET reason = 'other' WHERE seq = 7", 'row hash', 7],
      ['a time', 'UPDATE ledger_entries SET created_at = created_at - 1 WHERE seq = 2', 'row hash', 2],
      ['a running balance', 'UPDATE ledger_entries SET spent_after = spent_after + 1 WHERE seq = 6', 'row spent', 6],
      ['a missing row', 'DELETE FROM ledger_entries WHERE seq = 4', 'row missing', 4],
      ['a missing first row', 'DELETE FROM ledger_entries WHERE seq = 1', 'row missing', 1],
      ['a row under another number', 'UPDATE ledger_entries SET seq = 12 WHERE seq = 4', 'row moved', 4],
      ['a missing last row', 'DELETE FROM ledger_entries WHERE seq = 8', 'ledger_seq', null],
      ['a missing last row, told by the hash', 'DELETE FROM ledger_entries WHERE seq = 8', 'tail missing', 8],
      ['a version', 'UPDATE ledger_entries SET version = 7 WHERE seq = 5', 'row version', 5],
      [
        'an amount that no balance can hold',
        'UPDATE ledger_entries SET amount_micros = 9007199254740991 WHERE seq = 8',
        'row amount',
        8,
      ],
      [
        'an amount that no later balance can hold',
        'UPDATE ledger_entries SET amount_micros = 9007199254740991 WHERE seq = 2',
        'row hash',
        2,
      ],
      [
        'an overrun that no sum of its lease can hold',
        'UPDATE ledger_entries SET amount_micros = 9007199254740991 WHERE seq = 4',
        'row hash',
        4,
      ],
      ['a head', `UPDATE agent_budgets SET ledger_hash = '${'a'.repeat(64)}'`, 'ledger_hash', 8],
    ]
    test.each(changes)('%s', async (_, sql, found, seq) => {
      await using world = await openWorld({ dialect })
      await history(world)
      await unprotect(world)
      await world.test.rows(sql)
      const faults = await world.ledger.verify({ agentId: AGENT })
      expect(faults.map((fault) => [fault.what, fault.seq])).toContainEqual([found, seq])
      expect(faults.every(({ agentId }) => agentId === AGENT)).toBe(true)
      const rebuilt = await world.ledger.rebuild(AGENT, ADMIN).catch((error: unknown) => error)
      if (found.startsWith('row ')) expect(rebuilt).toMatchObject({ code: 'LEDGER_MISMATCH' })
    })
  })

  test('MON-22 R7 two rows that changed places are told from changed ones', async () => {
    await using world = await openWorld({ dialect })
    await history(world)
    await unprotect(world)
    for (const [from, to] of [
      [3, 99],
      [6, 3],
      [99, 6],
    ]) {
      await world.test.rows('UPDATE ledger_entries SET seq = ? WHERE seq = ?', to, from)
    }
    expect((await world.ledger.verify())[0]).toEqual({
      agentId: AGENT,
      seq: 3,
      what: 'row moved',
      cached: 6,
      ledger: 3,
    })
  })

  test('MON-22 R7 a row that was added behind the back of the budget is named', async () => {
    await using world = await openWorld({ dialect })
    await history(world)
    await unprotect(world)
    const { test: db, ledger } = world
    const [head] = await db.rows<{ hash: string }>('SELECT hash FROM ledger_entries WHERE seq = 7')
    await db.rows('UPDATE agent_budgets SET ledger_seq = 7, ledger_hash = ?', head!.hash)
    expect((await ledger.verify()).map(({ what, seq }) => [what, seq])).toContainEqual(['row beyond head', 8])
    await db.rows('UPDATE agent_budgets SET ledger_seq = 6')
    expect((await ledger.verify()).map(({ what, seq }) => [what, seq])).toContainEqual(['ledger_hash', null])
  })

  test('DAT-12 R7 a ledger that was cut off or written anew, its head too, is found against a head kept elsewhere', async () => {
    await using world = await openWorld({ dialect })
    const { test: db, ledger, budgets } = world
    await budgets.create(AGENT, usd(1))
    await budgets.create('agent-2', usd(1))
    await budgets.setAllocation(AGENT, usd(2), ADMIN)
    await budgets.setAllocation(AGENT, usd(3), ADMIN)
    const kept: LedgerHead[] = []
    for await (const head of ledger.heads()) kept.push(head)
    expect(kept).toEqual([
      { agentId: AGENT, seq: 3, hash: expect.stringMatching(/^[0-9a-f]{64}$/) },
      { agentId: 'agent-2', seq: 1, hash: expect.stringMatching(/^[0-9a-f]{64}$/) },
    ])
    await budgets.setAllocation(AGENT, usd(4), ADMIN)
    expect(await ledger.verify({ expect: kept })).toEqual([])

    await unprotect(world)
    await db.rows('DELETE FROM ledger_entries WHERE agent_id = ? AND seq > 2', AGENT)
    const [last] = await db.rows<{ hash: string }>(
      'SELECT hash FROM ledger_entries WHERE agent_id = ? AND seq = 2',
      AGENT,
    )
    await db.rows(
      'UPDATE agent_budgets SET allocated_micros = ?, version = 2, ledger_seq = 2, ledger_hash = ? WHERE agent_id = ?',
      usd(2),
      last!.hash,
      AGENT,
    )
    expect(await ledger.verify()).toEqual([])
    expect(await ledger.verify({ expect: kept })).toEqual([
      { agentId: AGENT, seq: 3, what: 'tail missing', cached: 2, ledger: 3 },
    ])
    await budgets.setAllocation(AGENT, usd(3), 'somebody else')
    expect(await ledger.verify({ expect: kept, agentId: AGENT })).toEqual([
      { agentId: AGENT, seq: 3, what: 'row hash', cached: 3, ledger: 3 },
    ])
    await db.rows("DELETE FROM ledger_entries WHERE agent_id = 'agent-2'")
    await db.rows("DELETE FROM agent_budgets WHERE agent_id = 'agent-2'")
    const gone = { agentId: 'agent-2', seq: null, what: 'agent missing', cached: 0, ledger: 1 }
    expect(await ledger.verify({ expect: kept, readOnly: true })).toContainEqual(gone)
    expect(await ledger.verify({ expect: kept, agentId: 'agent-2', readOnly: true })).toEqual([gone])
  })

  test('a verification that is to write nothing audits nothing', async () => {
    await using world = await openWorld({ dialect })
    await history(world)
    await world.test.rows('UPDATE agent_budgets SET allocated_micros = allocated_micros + 7')
    const before = await auditCounts(world)
    expect((await world.ledger.verify({ readOnly: true })).length).toBeGreaterThan(0)
    expect(await auditCounts(world)).toEqual(before)
    await world.ledger.verify()
    expect(await auditCounts(world)).toEqual({ ...before, LEDGER_MISMATCH: 1 })
  })

  describe('a corrupted cache is named, stops grants but no report, and is rebuilt', () => {
    const changes: readonly (readonly [
      what: string,
      sql: (ids: { open: string; ended: string }) => string,
      found: RegExp,
      stops: boolean,
    ])[] = [
      ['allocated', () => 'UPDATE agent_budgets SET allocated_micros = allocated_micros + 7', /^allocated$/, true],
      ['reserved', () => 'UPDATE agent_budgets SET reserved_micros = reserved_micros + 7', /^held$/, true],
      ['spent', () => 'UPDATE agent_budgets SET spent_micros = spent_micros + 7', /^spent by leases and admins$/, true],
      ['version', () => 'UPDATE agent_budgets SET version = 9', /^version$/, true],
      [
        'a hold',
        ({ open }) => `UPDATE leases SET spent_micros = spent_micros + 7 WHERE id = '${open}'`,
        /^held$/,
        true,
      ],
      [
        'an overrun',
        ({ ended }) => `UPDATE leases SET overrun_micros = overrun_micros + 7 WHERE id = '${ended}'`,
        /overrun$/,
        false,
      ],
      [
        'unreported',
        ({ ended }) => `UPDATE leases SET unreported_micros = 7 WHERE id = '${ended}'`,
        /unreported$/,
        false,
      ],
    ]
    test.each(changes)('%s', async (_, sql, found, stops) => {
      await using world = await openWorld({ dialect })
      const ids = await history(world)
      await world.test.rows(sql(ids))
      const faults = await world.ledger.verify()
      expect(faults.some(({ what, seq }) => found.test(what) && seq === null)).toBe(true)
      expect((await world.ledger.verify({ quick: true })).length > 0).toBe(stops)
      await world.ledger.verify()
      expect(await auditCounts(world)).toMatchObject({ LEDGER_MISMATCH: 1 })
      if (stops) {
        const refused = await refusal(world.leases.open(AGENT, usd(1)))
        expect([refused.code, refused.retryable]).toEqual(['LEDGER_MISMATCH', true])
      }
      expect(await world.ledger.rebuild(AGENT, ADMIN)).toMatchObject({
        allocated: usd(120),
        reserved: usd(15),
        spent: usd(16),
      })
      expect(await world.ledger.verify()).toEqual([])
      expect((await world.leases.open(AGENT, usd(1))).partial).toBe(false)
      expect(await auditCounts(world)).toMatchObject({ LEDGER_MISMATCH: 1, LEDGER_REBUILT: 1 })
    })
  })

  test('leases of an agent whose books are damaged cannot be ended, those of all others are', async () => {
    await using world = await openWorld({ dialect })
    const { budgets, leases, test: db } = world
    const agents = ['agent-1', 'agent-2', 'agent-3', 'agent-4']
    for (const agent of agents) {
      await budgets.create(agent, usd(100), { ownerId: 'owner-1', actor: ADMIN })
      await leases.open(agent, usd(10))
    }
    await db.rows("UPDATE agent_budgets SET reserved_micros = 1 WHERE agent_id IN ('agent-1', 'agent-3')")
    db.clock.advance(2 * HOUR)
    // One lease at a look: the damaged ones come first and again.
    const first = await leases.sweep({ limit: 1 }).catch((error: unknown) => error)
    expect(first).toMatchObject({ message: 'overdue leases could not be ended, of agent-1' })
    const second = await leases.sweep().catch((error: unknown) => error)
    expect(second).toMatchObject({ errors: [expect.any(Error), expect.any(Error)] })
    const left = await db.rows<{ agent_id: string }>("SELECT agent_id FROM leases WHERE status = 'active' ORDER BY 1")
    expect(left.map((lease) => lease.agent_id)).toEqual(['agent-1', 'agent-3'])
    for (const agent of ['agent-1', 'agent-3']) await world.ledger.rebuild(agent, ADMIN)
    expect(await leases.sweep()).toBe(2)
  })

  test('a call booked on a lease but not in its figures is found (I10)', async () => {
    await using world = await openWorld({ dialect })
    const { ended } = await history(world)
    await world.test.db.write((tx) =>
      world.requests.record(
        { agentId: AGENT, requestId: 'smuggled', model: 'm', cost: usd(1), billed: true, leaseId: ended },
        { tx },
      ),
    )
    expect(await world.ledger.verify()).toMatchObject([
      { what: `lease ${ended} unreported`, cached: 0, ledger: -1_000_000 },
    ])
  })

  test('P2 balances at any time are those after the last row until then', async () => {
    await using world = await openWorld({ dialect })
    const { budgets, leases, ledger, clock } = world
    const start = clock.now()
    await budgets.create(AGENT, usd(100))
    clock.advance(HOUR)
    await leases.open(AGENT, usd(10))
    expect(usdOf(await ledger.balancesAt(AGENT, start - 1))).toEqual([0, 0, 0, 0])
    expect(usdOf(await ledger.balancesAt(AGENT, start))).toEqual([100, 0, 0, 100])
    expect(usdOf(await ledger.balancesAt(AGENT, start + HOUR - 1))).toEqual([100, 0, 0, 100])
    expect(usdOf(await ledger.balancesAt(AGENT))).toEqual([100, 10, 0, 90])
  })

  test('is read in pages that neither skip nor repeat', async () => {
    await using world = await openWorld({ dialect })
    const { ended } = await history(world)
    const { ledger } = world
    const seqs: number[] = []
    let after: string | undefined
    do {
      const page = await ledger.list({ agentId: AGENT }, { limit: 3, after })
      seqs.push(...page.data.map(({ seq }) => seq))
      after = page.nextCursor ?? undefined
    } while (after !== undefined)
    expect(seqs).toEqual([8, 7, 6, 5, 4, 3, 2, 1].slice(8 - seqs.length))
    expect(seqs.at(-1)).toBe(1)
    const ofLease = await ledger.list({ agentId: AGENT, leaseId: ended }, { order: 'asc' })
    expect(ofLease.data.map(({ type }) => type)).toEqual(['grant', 'spend', 'overrun'])
    expect(ofLease.data[2]).toMatchObject({
      fromAccount: 'available',
      toAccount: 'spent',
      requestId: 'r1',
      actorId: null,
    })
  })

  test('every result is frozen', async () => {
    await using world = await openWorld({ dialect })
    await history(world)
    const budget = (await world.budgets.get(AGENT))!
    expect(() => Object.assign(budget, { spent: 0 as Microdollars })).toThrow(TypeError)
    const [entry] = (await world.ledger.list({ agentId: AGENT })).data
    expect([Object.isFrozen(entry), Object.isFrozen(entry!.balances)]).toEqual([true, true])
  })
})
