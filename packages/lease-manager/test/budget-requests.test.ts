import { describe, expect, test } from '@jest/globals'
import { type Microdollars, usd } from '@iron/cost-calculator'
import type { TestDbOptions } from '@iron/database/testing'
import { enginesForTests } from '@iron/database/testing'
import type { Actor } from '@iron/journal'
import { BudgetRequestManager } from '../src/index.ts'
import { ADMIN, auditCounts, call, eventsOf, openWorld, refusal, type World } from './world.ts'

const AGENT = 'agent-1'
const ANN = 'user-ann'
const WHY = 'The crawl needs twice as many pages.'
const NO = 'Not before the next quarter, sorry.'

type RequestWorld = World & { readonly requests: World['requests']; readonly asked: BudgetRequestManager }

/** An agent of Ann's with 10 USD, and requests about it. */
async function requestWorld(options: TestDbOptions = {}): Promise<RequestWorld> {
  const world = await openWorld(options)
  await world.budgets.create(AGENT, usd(10), { ownerId: ANN, actor: ADMIN })
  return { ...world, asked: new BudgetRequestManager(world.test.db) }
}

function ask({ asked }: RequestWorld, requested = 20, agentId = AGENT) {
  const request = { agentId, requesterId: ANN, requestedAllocated: usd(requested), justification: WHY }
  return asked.create(request, ANN)
}

describe.each(await enginesForTests())('budget requests on %s', (dialect) => {
  test('MON-25 I23 an approval sets the absolute amount, names itself in ledger and history, and is told once', async () => {
    await using world = await requestWorld({ dialect })
    const { asked, budgets, clock, test: db } = world
    const created = await asked.create(
      { agentId: AGENT, requesterId: ANN, requestedAllocated: usd(20), justification: `  ${WHY}\n` },
      ANN,
    )
    expect(created).toMatchObject({
      agentId: AGENT,
      agentName: null,
      requesterId: ANN,
      requesterName: null,
      status: 'pending',
      allocated: usd(10),
      requestedAllocated: usd(20),
      approvedAllocated: null,
      justification: WHY,
      reviewNotes: null,
      createdAt: clock.now(),
      updatedAt: clock.now(),
    })
    // Meanwhile the allocation changes: the snapshot stays, the approval looks at the live figure.
    await budgets.setAllocation(AGENT, usd(12), ADMIN)
    clock.advance(1_000)
    const approval = await asked.approve(created.id, ADMIN, { reviewNotes: 'Good.', approvedAllocated: usd(18) })
    expect(approval).toMatchObject({
      previousAllocated: usd(12),
      budget: { allocated: usd(18), allocationVersion: 3 },
      request: {
        ...created,
        status: 'approved',
        allocated: usd(10),
        approvedAllocated: usd(18),
        reviewNotes: 'Good.',
        reviewedBy: ADMIN,
        reviewedAt: clock.now(),
        updatedAt: clock.now(),
      },
    })
    expect(await asked.get(created.id)).toEqual(approval.request)
    const rows = await db.rows('SELECT type, amount_micros, budget_request_id FROM ledger_entries ORDER BY seq')
    expect(rows.at(-1)).toEqual({ type: 'allocate', amount_micros: usd(6), budget_request_id: created.id })
    expect((await budgets.history(AGENT)).data[0]).toMatchObject({
      version: 3,
      previousAllocated: usd(12),
      allocated: usd(18),
      changedBy: ADMIN,
      budgetRequestId: created.id,
    })
    expect((await eventsOf(world, AGENT)).at(-1)).toMatchObject({
      type: 'budget.changed',
      data: {
        reason: 'request_approved',
        previous_allocated_usd: 12,
        allocated_usd: 18,
        budget_request_id: created.id,
        note: 'Good.',
        changed_by: ADMIN,
        adjustment_usd: null,
      },
    })
    expect(await auditCounts(world)).toEqual({
      BUDGET_REQUEST_CREATED: 1,
      BUDGET_REQUEST_APPROVED: 1,
      BUDGET_UPDATED: 2,
    })
    expect(await world.ledger.verify()).toEqual([])
  })

  test('MON-24 an approval serves the next grant, after overruns too', async () => {
    await using world = await requestWorld({ dialect })
    const { asked, leases } = world
    const { lease } = await leases.open(AGENT, usd(10))
    await leases.report(lease.id, call('r1', 14))
    const { id } = await ask(world)
    expect((await refusal(leases.open(AGENT, usd(1)))).code).toBe('BUDGET_EXCEEDED')
    expect((await asked.approve(id, ADMIN)).budget).toMatchObject({ allocated: usd(20), available: usd(6) })
    expect((await leases.open(AGENT, usd(1))).partial).toBe(false)
  })

  test('ACL-07 the requester does not approve the own request unless that is allowed', async () => {
    await using world = await requestWorld({ dialect })
    const { asked } = world
    const { id } = await ask(world)
    const token: Actor = { type: 'api_token', id: 'tok_1', userId: ANN }
    for (const actor of [ANN, token]) {
      expect((await refusal(asked.approve(id, actor))).code).toBe('SELF_APPROVAL_FORBIDDEN')
    }
    expect(await asked.get(id)).toMatchObject({ status: 'pending', updatedAt: world.clock.now() })
    const { request } = await asked.approve(id, token, { allowSelf: true, reviewNotes: '' })
    expect(request).toMatchObject({ status: 'approved', reviewedBy: ANN, reviewNotes: null })
  })

  test('a decided request tells the next reviewer what, who and when', async () => {
    await using world = await requestWorld({ dialect })
    const { asked, clock } = world
    const at = new Date(clock.now()).toISOString()
    const [a, b, c] = [await ask(world), await ask(world, 30), await ask(world, 40)]
    await asked.approve(a.id, ADMIN)
    expect(await asked.reject(b.id, NO, ADMIN)).toMatchObject({
      status: 'rejected',
      reviewNotes: NO,
      reviewedBy: ADMIN,
      cancelledAt: null,
    })
    expect(await asked.cancel(c.id, ANN)).toMatchObject({
      status: 'cancelled',
      cancelledBy: ANN,
      cancelledAt: clock.now(),
      reviewedBy: null,
      reviewedAt: null,
    })
    clock.advance(60_000)
    for (const [id, status, who] of [
      [a.id, 'approved', ADMIN],
      [b.id, 'rejected', ADMIN],
      [c.id, 'cancelled', ANN],
    ] as const) {
      for (const attempt of [asked.approve(id, 'root'), asked.reject(id, NO, 'root'), asked.cancel(id, 'root')]) {
        const refused = await refusal(attempt)
        expect([refused.code, refused.details]).toEqual([
          'REQUEST_ALREADY_REVIEWED',
          { status, reviewed_by: who, reviewed_at: at },
        ])
      }
    }
    expect(await auditCounts(world)).toEqual({
      BUDGET_REQUEST_CREATED: 3,
      BUDGET_REQUEST_APPROVED: 1,
      BUDGET_REQUEST_REJECTED: 1,
      BUDGET_REQUEST_CANCELLED: 1,
      BUDGET_UPDATED: 1,
    })
  })

  test('amounts not above the live allocation are refused with it, missing things by their codes', async () => {
    await using world = await requestWorld({ dialect })
    const { asked, budgets, test: db } = world
    const { id } = await ask(world)
    for (const requested of [1, 10]) {
      const refused = await refusal(ask(world, requested))
      expect([refused.code, refused.details]).toEqual(['BUDGET_DECREASE_REQUEST', { allocated_usd: 10 }])
    }
    await budgets.setAllocation(AGENT, usd(25.5), ADMIN)
    const refused = await refusal(asked.approve(id, ADMIN))
    expect([refused.code, refused.details]).toEqual(['APPROVAL_DECREASES_BUDGET', { allocated_usd: 25.5 }])
    expect((await asked.get(id))?.status).toBe('pending')
    expect((await refusal(ask(world, 20, 'agent-2'))).code).toBe('AGENT_NOT_FOUND')
    for (const attempt of [
      asked.approve('breq_1', ADMIN),
      asked.reject('breq_1', NO, ADMIN),
      asked.cancel('breq_1', ANN),
    ])
      expect((await refusal(attempt)).code).toBe('BUDGET_REQUEST_NOT_FOUND')
    expect(await asked.get('breq_1')).toBeUndefined()

    await db.db.write((tx) => budgets.archive(AGENT, { tx }))
    expect((await refusal(ask(world, 30))).code).toBe('AGENT_ARCHIVED')
    expect((await refusal(asked.approve(id, ADMIN, { approvedAllocated: usd(30) }))).code).toBe('AGENT_ARCHIVED')
    // What is left open on a closed budget can still be put away.
    expect((await asked.cancel(id, ANN)).status).toBe('cancelled')
    expect(await world.ledger.verify()).toEqual([])
  })

  test('ACL-16 MON-26 cancelAll takes what is pending of an agent or a requester, and nothing else', async () => {
    await using world = await requestWorld({ dialect })
    const { asked, budgets, test: db, clock } = world
    await budgets.create('agent-2', usd(1), { ownerId: 'user-bob' })
    const decided = await ask(world, 15)
    await asked.approve(decided.id, ADMIN)
    const [a, b, c] = [await ask(world), await ask(world, 30), await ask(world, 40, 'agent-2')]
    const bobs = await asked.create(
      { agentId: 'agent-2', requesterId: 'user-bob', requestedAllocated: usd(5), justification: WHY },
      'user-bob',
    )
    const system: Actor = { type: 'system', id: 'system:test' }
    const cancelAll = (filter: object, actor: Actor | string, note = 'Auto-cancelled: test') =>
      db.db.write((tx) => asked.cancelAll(filter, actor, note, { tx }))
    expect(await cancelAll({ agentId: 'agent-2', requesterId: ANN }, ADMIN)).toEqual([c.id])
    expect(await asked.get(c.id)).toMatchObject({ cancelledBy: ADMIN, reviewNotes: 'Auto-cancelled: test' })
    expect(await cancelAll({ requesterId: ANN }, system)).toEqual([a.id, b.id])
    expect(await asked.get(a.id)).toMatchObject({ status: 'cancelled', cancelledBy: null, cancelledAt: clock.now() })
    expect(await cancelAll({ requesterId: ANN }, system)).toEqual([])
    expect((await asked.get(decided.id))?.status).toBe('approved')
    expect((await asked.get(bobs.id))?.status).toBe('pending')
    expect(await auditCounts(world)).not.toHaveProperty('BUDGET_REQUEST_CANCELLED')
    for (const filter of [{}, { agentId: '' }])
      expect((await refusal(cancelAll(filter, system))).code).toBe('VALIDATION_ERROR')
  })

  test('MON-26 reassignAll moves all of an owner, archived ones too, and nobody else’s', async () => {
    await using world = await requestWorld({ dialect })
    const { budgets, leases, test: db } = world
    await budgets.create('agent-2', usd(2), { ownerId: ANN })
    await budgets.create('agent-3', usd(3), { ownerId: 'user-bob' })
    const { lease } = await leases.open(AGENT, usd(4))
    await db.db.write((tx) => budgets.archive('agent-2', { tx }))
    const reassign = (from: string) => db.db.write((tx) => budgets.reassignAll(from, ADMIN, { tx }))
    expect(await reassign(ANN)).toEqual([AGENT, 'agent-2'])
    expect(await budgets.get(AGENT)).toMatchObject({ ownerId: ADMIN, reserved: usd(4) })
    expect(await budgets.get('agent-2')).toMatchObject({ ownerId: ADMIN, archived: true, allocated: usd(2) })
    expect(await budgets.get('agent-3')).toMatchObject({ ownerId: 'user-bob' })
    expect((await leases.get(lease.id))?.status).toBe('active')
    expect(await reassign(ANN)).toEqual([])
    expect(await world.ledger.verify()).toEqual([])
    expect((await refusal(reassign(''))).code).toBe('VALIDATION_ERROR')
  })

  test('ACL-05 DAT-19 lists filter before they count and sort by age or amount', async () => {
    await using world = await requestWorld({ dialect })
    const { asked, budgets, clock } = world
    await budgets.create('agent-2', usd(1), { ownerId: 'user-bob' })
    const [a, b] = [await ask(world, 30), await ask(world, 20)]
    clock.advance(10)
    const c = await asked.create(
      { agentId: 'agent-2', requesterId: 'user-bob', requestedAllocated: usd(25), justification: WHY },
      'user-bob',
    )
    await asked.reject(b.id, NO, ADMIN)
    const ids = async (...options: Parameters<BudgetRequestManager['list']>): Promise<(string | number)[]> => {
      const { data, total } = await asked.list(...options)
      return [total, ...data.map(({ id }) => id)]
    }
    expect(await ids()).toEqual([3, c.id, b.id, a.id])
    expect(await ids({}, { sort: 'createdAt' })).toEqual([3, a.id, b.id, c.id])
    expect(await ids({}, { sort: '-requestedAllocated' })).toEqual([3, a.id, c.id, b.id])
    expect(await ids({}, { sort: 'requestedAllocated', perPage: 2, page: 2 })).toEqual([3, a.id])
    expect(await ids({ agentId: AGENT })).toEqual([2, b.id, a.id])
    expect(await ids({ requesterId: 'user-bob' })).toEqual([1, c.id])
    expect(await ids({ status: 'pending', agentId: AGENT })).toEqual([1, a.id])
    expect(await ids({ requesterId: 'nobody' })).toEqual([0])
    await expect(asked.list({}, { sort: 'status' })).rejects.toMatchObject({ code: 'VALIDATION_ERROR' })
    expect((await refusal(asked.list({ status: 'open' as never, agentId: '' }))).details.fields).toEqual({
      status: expect.any(String),
      agentId: expect.any(String),
    })
  })

  test('names of requester and reviewer are the display name, else the user name', async () => {
    await using world = await requestWorld({ dialect })
    const { asked, test: db, clock } = world
    for (const [id, name] of [
      [ANN, 'Ann Smith'],
      [ADMIN, null],
    ]) {
      await db.rows(
        `INSERT INTO users (id, username, username_key, name, role, force_password_change, created_at, updated_at)
         VALUES (?, ?, ?, ?, 'user', 0, ?, ?)`,
        ...[id, `the-${id}`, `the-${id}`, name, clock.now(), clock.now()],
      )
    }
    const { id } = await ask(world)
    await asked.reject(id, NO, ADMIN)
    const shown = { requesterName: 'Ann Smith', reviewedByName: `the-${ADMIN}` }
    expect(await asked.get(id)).toMatchObject(shown)
    expect((await asked.list()).data).toMatchObject([shown])
  })

  test('DAT-10 a step whose audit row cannot be written has not happened', async () => {
    await using world = await requestWorld({ dialect })
    const { asked, test: db } = world
    const { id } = await ask(world)
    const before = await world.budgets.get(AGENT)
    const failing = db.db.write(async (tx) => {
      await asked.approve(id, ADMIN, { tx })
      throw new Error('the log is full')
    })
    await expect(failing).rejects.toThrow('the log is full')
    expect((await asked.get(id))?.status).toBe('pending')
    expect(await world.budgets.get(AGENT)).toEqual(before)
    const refused = await db.db.write(async (tx) => {
      const error = await refusal(asked.approve(id, ANN, { tx }))
      await asked.cancel(id, ANN, { tx })
      return error
    })
    expect(refused.code).toBe('SELF_APPROVAL_FORBIDDEN')
    expect((await asked.get(id))?.status).toBe('cancelled')
  })

  test('VAL-06 VAL-08 texts count code points after trimming, in NFC, and come back verbatim', async () => {
    await using world = await requestWorld({ dialect })
    const { asked } = world
    const create = (justification: string) =>
      asked.create({ agentId: AGENT, requesterId: ANN, requestedAllocated: usd(20), justification }, ANN)
    for (const letter of ['a', '😀', 'e\u0301', '<', "'"]) {
      for (const length of [20, 500]) {
        const text = letter.repeat(length)
        expect((await create(`\n ${text} `)).justification).toBe(text.normalize('NFC'))
      }
      for (const length of [19, 501]) {
        expect((await refusal(create(` ${letter.repeat(length)}`))).details.fields).toEqual({
          justification: expect.any(String),
        })
      }
    }
    const { id } = await ask(world)
    for (const notes of [' '.repeat(30), 'x'.repeat(19), 'x'.repeat(1_001), `${'x'.repeat(30)}\0`, 5 as never]) {
      expect((await refusal(asked.reject(id, notes, ADMIN))).details.fields).toEqual({
        reviewNotes: expect.any(String),
      })
    }
    expect((await refusal(asked.approve(id, ADMIN, { reviewNotes: 'x'.repeat(1_001) }))).code).toBe('VALIDATION_ERROR')
    const longest = 'e\u0301'.repeat(1_000)
    expect((await asked.approve(id, ADMIN, { reviewNotes: longest })).request.reviewNotes).toBe(
      longest.normalize('NFC'),
    )
  })
})

describe('bad input (MON-04, VAL-02)', () => {
  test('every fault is named at once, and nothing is written', async () => {
    await using world = await requestWorld()
    const { asked } = world
    const bad = { agentId: '', requesterId: '', requestedAllocated: 0.5 as Microdollars, justification: 'short' }
    expect(Object.keys((await refusal(asked.create(bad, ''))).details.fields as object).sort()).toEqual([
      'actor',
      'agentId',
      'justification',
      'requestedAllocated',
      'requesterId',
    ])
    const { id } = await ask(world)
    for (const amount of [0, -1, NaN, Infinity, -0, 0.5, '5', null, 10 ** 15 + 1]) {
      const approvedAllocated = amount as Microdollars
      expect((await refusal(asked.approve(id, ADMIN, { approvedAllocated }))).details.fields).toEqual({
        approvedAllocated: expect.any(String),
      })
    }
    const fieldsOf = async (refused: Promise<unknown>) =>
      Object.keys((await refusal(refused)).details.fields as object).sort()
    const long = 'x'.repeat(1_001)
    expect(await fieldsOf(asked.cancel('', ''))).toEqual(['actor', 'id'])
    expect(await fieldsOf(asked.approve('', '', { reviewNotes: long }))).toEqual(['actor', 'id', 'reviewNotes'])
    expect(await fieldsOf(asked.reject('', long, ''))).toEqual(['actor', 'id', 'reviewNotes'])
    expect(await fieldsOf(asked.list({ agentId: '', requesterId: '', status: 'x' as never }))).toEqual([
      'agentId',
      'requesterId',
      'status',
    ])
    await world.test.db.write(async (tx) => {
      expect(await fieldsOf(asked.cancelAll({ agentId: '', requesterId: '' }, '', '', { tx }))).toEqual([
        'actor',
        'agentId',
        'note',
        'requesterId',
      ])
      expect(await fieldsOf(asked.cancelAll({}, ADMIN, 'note', { tx }))).toEqual(['$'])
    })
    expect((await asked.list()).data).toEqual([expect.objectContaining({ id, status: 'pending' })])
  })
})
