import { describe, expect, test } from '@jest/globals'
import { type Microdollars, usd } from '@iron/cost-calculator'
import { enginesForTests } from '@iron/database/testing'
import { EventLog } from '@iron/journal'
import type { LedgerFault, LedgerHead } from '../src/index.ts'
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

interface Leases {
  readonly open: string
  readonly ended: string
}

async function history(world: World): Promise<Leases> {
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

/** Faults as text, leases by what they are. */
function shown(faults: readonly LedgerFault[], { open, ended }: Leases): string[] {
  return faults.map(({ what, seq, cached, ledger }) => {
    const where = what.replace(open, 'open').replace(ended, 'ended')
    return `${where}${seq === null ? '' : ` ${seq}`}: ${cached}, not ${ledger}`
  })
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

  describe('MON-22 R7 a corrupted row is named, with all that does not agree with it', () => {
    const MAX = Number.MAX_SAFE_INTEGER
    const changes: readonly (readonly [what: string, sql: string, found: readonly string[]])[] = [
      [
        'an amount',
        'UPDATE ledger_entries SET amount_micros = amount_micros + 1 WHERE seq = 3',
        [
          'row hash 3: 3, not 3',
          'row reserved 3: 0, not -1',
          'row spent 3: 10000000, not 10000001',
          'row below zero 3: 0, not -1',
          'sum reserved: 15000000, not 14999999',
          'sum spent: 16000000, not 16000001',
          'lease ended spent: 10000000, not 10000001',
        ],
      ],
      ['a reason', "UPDATE ledger_entries SET reason = 'other' WHERE seq = 7", ['row hash 7: 7, not 7']],
      ['a time', 'UPDATE ledger_entries SET created_at = created_at - 1 WHERE seq = 2', ['row hash 2: 2, not 2']],
      [
        'a running balance',
        'UPDATE ledger_entries SET spent_after = spent_after + 1 WHERE seq = 6',
        ['row hash 6: 6, not 6', 'row spent 6: 17000001, not 17000000'],
      ],
      [
        'a missing row',
        'DELETE FROM ledger_entries WHERE seq = 4',
        [
          'row missing 4: 5, not 4',
          'row spent 5: 12000000, not 10000000',
          'sum spent: 16000000, not 14000000',
          'lease ended overrun: 2000000, not 0',
        ],
      ],
      [
        'a missing first row',
        'DELETE FROM ledger_entries WHERE seq = 1',
        [
          'row missing 1: 2, not 1',
          'row allocated 2: 100000000, not 0',
          'row available 2: 0, not -10000000',
          'row version 2: 1, not 0',
          'sum allocated: 120000000, not 20000000',
        ],
      ],
      [
        'a row under another number',
        'UPDATE ledger_entries SET seq = 12 WHERE seq = 4',
        [
          'row moved 4: 12, not 4',
          'row spent 5: 12000000, not 10000000',
          'row allocated 12: 100000000, not 120000000',
          'row reserved 12: 0, not 15000000',
          'row version 12: 1, not 2',
          'allocated: 120000000, not 100000000',
          'reserved: 15000000, not 0',
          'spent: 16000000, not 12000000',
          'version: 2, not 1',
          'ledger_seq: 8, not 12',
          'row beyond head 9: 8, not 12',
        ],
      ],
      [
        'a missing last row',
        'DELETE FROM ledger_entries WHERE seq = 8',
        [
          'allocated: 120000000, not 100000000',
          'version: 2, not 1',
          'ledger_seq: 8, not 7',
          'tail missing 8: 8, not 7',
          'sum allocated: 120000000, not 100000000',
        ],
      ],
      [
        'a version',
        'UPDATE ledger_entries SET version = 7 WHERE seq = 5',
        ['row hash 5: 5, not 5', 'row version 5: 7, not 1'],
      ],
      [
        'an amount that no balance can hold',
        `UPDATE ledger_entries SET amount_micros = ${MAX} WHERE seq = 8`,
        ['row hash 8: 8, not 8', `row amount 8: ${MAX}, not 0`],
      ],
      [
        'an amount that no later balance can hold',
        `UPDATE ledger_entries SET amount_micros = ${MAX} WHERE seq = 2`,
        [
          'row hash 2: 2, not 2',
          `row reserved 2: 10000000, not ${MAX}`,
          `row available 2: 0, not ${100_000_000 - MAX}`,
          'row amount 5: 20000000, not 0',
          `lease ended granted: 10000000, not ${MAX}`,
        ],
      ],
      [
        'an overrun that no sum of its lease can hold',
        `UPDATE ledger_entries SET amount_micros = ${MAX} WHERE seq = 4`,
        ['row hash 4: 4, not 4', `row amount 4: ${MAX}, not 0`, `lease ended overrun: 2000000, not ${MAX}`],
      ],
      ['a head', `UPDATE agent_budgets SET ledger_hash = '${'a'.repeat(64)}'`, ['ledger_hash 8: 8, not 8']],
    ]
    test.each(changes)('%s', async (_, sql, found) => {
      await using world = await openWorld({ dialect })
      const ids = await history(world)
      await unprotect(world)
      await world.test.rows(sql)
      const faults = await world.ledger.verify({ agentId: AGENT })
      expect(shown(faults, ids)).toEqual(found)
      expect(faults.every(({ agentId }) => agentId === AGENT)).toBe(true)
      const rebuilt = await world.ledger.rebuild(AGENT, ADMIN).catch((error: unknown) => error)
      if (found[0]?.startsWith('row ')) expect(rebuilt).toMatchObject({ code: 'LEDGER_MISMATCH' })
    })
  })

  test.each(['agent_budgets SET updated_at', 'ledger_entries SET created_at', 'leases SET expires_at'])(
    'MON-22 a figure that cannot be read is a finding, not the end of the verification: %s',
    async (column) => {
      await using world = await openWorld({ dialect })
      await history(world)
      await world.budgets.create('agent-2', usd(1))
      await unprotect(world)
      await world.test.rows(`UPDATE ${column} = 9007199254740993 WHERE agent_id = ?`, AGENT)
      const found = [{ agentId: AGENT, seq: null, what: 'figure beyond 2^53', cached: 0, ledger: 0 }]
      expect(await world.ledger.verify()).toEqual(found)
      expect(await world.ledger.verify({ agentId: AGENT })).toEqual(found)
    },
  )

  test('I13 a threshold that was told twice for one allocation is named, in however many events', async () => {
    await using world = await openWorld({ dialect })
    const { test: db, ledger } = world
    await history(world)
    const events = new EventLog(db.db)
    const tell = (all: readonly { readonly threshold: number; readonly version: number }[]) =>
      db.db.write(async (tx) => {
        for (const { threshold, version } of all) {
          const data = { threshold, allocation_version: version }
          events.defer({ type: 'budget.threshold_reached', agentId: AGENT, data }, { tx })
        }
      })
    const once = [80, 95].flatMap((threshold) => [1, 2].map((version) => ({ threshold, version })))
    // More than are read at once.
    await tell([...once, ...Array.from({ length: 1_000 }, (_, at) => ({ threshold: 80, version: 3 + at }))])
    expect(await ledger.verify()).toEqual([])
    await tell([{ threshold: 80, version: 1 }])
    expect(await ledger.verify()).toEqual([
      { agentId: AGENT, seq: null, what: 'threshold 80 of version 1', cached: 2, ledger: 1 },
    ])
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

  test('MON-22 a ledger whose budget is gone is named', async () => {
    await using world = await openWorld({ dialect })
    const { ledger, budgets, test: db } = world
    for (const id of ['agent-0', 'agent-2', 'agent-3']) await budgets.create(id, usd(1))
    const strays = async (): Promise<unknown[]> => {
      const found = []
      for await (const fault of ledger.strays()) found.push(fault)
      return found
    }
    expect(await strays()).toEqual([])
    const unbind =
      dialect === 'postgres'
        ? ['ALTER TABLE ledger_entries DROP CONSTRAINT ledger_entries_agent_id_fkey']
        : [
            'CREATE TABLE kept AS SELECT * FROM ledger_entries',
            'DROP TABLE ledger_entries',
            'CREATE TABLE ledger_entries AS SELECT * FROM kept',
          ]
    for (const statement of unbind) await db.rows(statement)
    await db.rows("DELETE FROM agent_budgets WHERE agent_id IN ('agent-0', 'agent-3')")
    const gone = ['agent-0', 'agent-3'].map((agentId) => ({
      agentId,
      seq: null,
      what: 'agent missing',
      cached: 0,
      ledger: 1,
    }))
    expect(await strays()).toEqual(gone)
    expect(await ledger.verify({ readOnly: true })).toEqual(gone)
    expect(await ledger.verify({ quick: true })).toEqual([])
    const expected = [{ agentId: 'agent-3', seq: 1, hash: '0'.repeat(64) }]
    expect(await ledger.verify({ readOnly: true, expect: expected })).toEqual(gone.toReversed())
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
      sql: (ids: Leases) => string,
      /** Also by the quick look, which stops grants. */
      quick: readonly string[],
      rest: readonly string[],
    ])[] = [
      [
        'allocated',
        () => 'UPDATE agent_budgets SET allocated_micros = allocated_micros + 7',
        ['allocated: 120000007, not 120000000'],
        ['sum allocated: 120000007, not 120000000'],
      ],
      [
        'reserved',
        () => 'UPDATE agent_budgets SET reserved_micros = reserved_micros + 7',
        ['reserved: 15000007, not 15000000', 'held: 15000007, not 15000000'],
        ['sum reserved: 15000007, not 15000000'],
      ],
      [
        'spent',
        () => 'UPDATE agent_budgets SET spent_micros = spent_micros + 7',
        ['spent: 16000007, not 16000000'],
        ['sum spent: 16000007, not 16000000', 'spent by leases and admins: 16000007, not 16000000'],
      ],
      ['version', () => 'UPDATE agent_budgets SET version = 9', ['version: 9, not 2'], []],
      [
        'a hold',
        ({ open }) => `UPDATE leases SET spent_micros = spent_micros + 7 WHERE id = '${open}'`,
        ['held: 15000000, not 14999993'],
        [
          'lease open spent: 5000007, not 5000000',
          'lease open unreported: 0, not 7',
          'spent by leases and admins: 16000000, not 16000007',
        ],
      ],
      [
        'an overrun',
        ({ ended }) => `UPDATE leases SET overrun_micros = overrun_micros + 7 WHERE id = '${ended}'`,
        [],
        [
          'lease ended overrun: 2000007, not 2000000',
          'lease ended unreported: 0, not 7',
          'spent by leases and admins: 16000000, not 16000007',
        ],
      ],
      [
        'unreported',
        ({ ended }) => `UPDATE leases SET unreported_micros = 7 WHERE id = '${ended}'`,
        [],
        ['lease ended unreported: 7, not 0'],
      ],
    ]
    test.each(changes)('%s', async (_, sql, quick, rest) => {
      await using world = await openWorld({ dialect })
      const ids = await history(world)
      await world.test.rows(sql(ids))
      expect(shown(await world.ledger.verify(), ids)).toEqual([...quick, ...rest])
      expect(shown(await world.ledger.verify({ quick: true }), ids)).toEqual(quick)
      const stops = quick.length > 0
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
