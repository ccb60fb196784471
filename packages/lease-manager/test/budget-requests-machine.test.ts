/** The state machine of budget requests: random histories against a small model, and races for one transition. */
import { describe, expect, test } from '@jest/globals'
import { type Microdollars, usd } from '@iron/cost-calculator'
import { openDatabase } from '@iron/database'
import { enginesForTests } from '@iron/database/testing'
import type { Actor } from '@iron/journal'
import fc from 'fast-check'
import { type BudgetRequestStatus, BudgetRequestManager, LeaseError } from '../src/index.ts'
import { ADMIN, eventsOf, openWorld, type World } from './world.ts'

const AGENT = 'agent-1'
const ANN = 'user-ann'
const WHY = 'The crawl needs twice as many pages.'
const NO = 'Not before the next quarter, sorry.'
const SYSTEM: Actor = { type: 'system', id: 'system:test' }

/** The code a call is refused with, or `ok`. */
async function outcomeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call
    return 'ok'
  } catch (error) {
    if (error instanceof LeaseError) return error.code
    throw error
  }
}

interface ModelRequest {
  status: BudgetRequestStatus
  readonly requested: number
  approved: number | null
}

/** What the service must do, in as few lines as can be (budget protocol 14). */
class Model {
  allocated = 10
  archived = false
  readonly requests: ModelRequest[] = []

  create(requested: number): string {
    if (this.archived) return 'AGENT_ARCHIVED'
    if (requested <= this.allocated) return 'BUDGET_DECREASE_REQUEST'
    this.requests.push({ status: 'pending', requested, approved: null })
    return 'ok'
  }

  approve(request: ModelRequest, amount: number | undefined, own: boolean, allowSelf: boolean): string {
    if (request.status !== 'pending') return 'REQUEST_ALREADY_REVIEWED'
    if (own && !allowSelf) return 'SELF_APPROVAL_FORBIDDEN'
    if (this.archived) return 'AGENT_ARCHIVED'
    const approved = amount ?? request.requested
    if (approved <= this.allocated) return 'APPROVAL_DECREASES_BUDGET'
    Object.assign(request, { status: 'approved', approved })
    this.allocated = approved
    return 'ok'
  }

  end(request: ModelRequest, status: 'rejected' | 'cancelled'): string {
    if (request.status !== 'pending') return 'REQUEST_ALREADY_REVIEWED'
    request.status = status
    return 'ok'
  }
}

const amount = fc.integer({ min: 1, max: 30 })
const pick = fc.nat(5)
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('create' as const), requested: amount }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('approve' as const),
      pick,
      amount: fc.option(amount, { nil: undefined }),
      own: fc.boolean(),
      allowSelf: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('reject' as const, 'cancel' as const), pick }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('allocate' as const), amount }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('cancelAll' as const, 'archive' as const) }) },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

/** One history: an agent and a requester of its own, what the model says of them, and the requests made so far. */
interface History {
  readonly world: World
  readonly asked: BudgetRequestManager
  readonly agentId: string
  readonly requesterId: string
  readonly model: Model
  readonly ids: string[]
}

/** Runs one step on both and compares what they say. */
async function runStep(history: History, next: Step): Promise<void> {
  const { asked, agentId, requesterId, model, ids } = history
  const { budgets, test: db } = history.world
  switch (next.kind) {
    case 'create': {
      const request = { agentId, requesterId, requestedAllocated: usd(next.requested), justification: WHY }
      const said = await outcomeOf(asked.create(request, ANN).then(({ id }) => ids.push(id)))
      expect(said).toBe(model.create(next.requested))
      return
    }
    case 'allocate': {
      if (model.archived) return
      await budgets.setAllocation(agentId, usd(next.amount), ADMIN, { force: true })
      model.allocated = next.amount
      return
    }
    case 'cancelAll': {
      const pending = ids.filter((_, index) => model.requests[index]?.status === 'pending')
      expect(await db.db.write((tx) => asked.cancelAll({ requesterId }, SYSTEM, NO, { tx }))).toEqual(pending)
      for (const request of model.requests) model.end(request, 'cancelled')
      return
    }
    case 'archive': {
      if (!model.archived) await db.db.write((tx) => budgets.archive(agentId, { tx }))
      model.archived = true
      return
    }
    case 'approve':
    case 'reject':
    case 'cancel':
      await reviewStep(history, next)
  }
}

type ReviewStep = Extract<Step, { readonly pick: number }>

/** A step about one of the requests made so far. */
async function reviewStep({ asked, requesterId, model, ids }: History, next: ReviewStep): Promise<void> {
  if (ids.length === 0) return
  const index = next.pick % ids.length
  const [id, request] = [ids[index]!, model.requests[index]!]
  switch (next.kind) {
    case 'approve': {
      const approvedAllocated = next.amount === undefined ? undefined : usd(next.amount)
      const by = next.own ? requesterId : ADMIN
      const said = await outcomeOf(asked.approve(id, by, { approvedAllocated, allowSelf: next.allowSelf }))
      expect(said).toBe(model.approve(request, next.amount, next.own, next.allowSelf))
      return
    }
    case 'reject':
      expect(await outcomeOf(asked.reject(id, NO, ADMIN))).toBe(model.end(request, 'rejected'))
      return
    case 'cancel':
      expect(await outcomeOf(asked.cancel(id, requesterId))).toBe(model.end(request, 'cancelled'))
  }
}

async function expectSame({ world, asked, agentId, model, ids }: History): Promise<void> {
  for (const [index, request] of model.requests.entries()) {
    expect(await asked.get(ids[index]!)).toMatchObject({
      status: request.status,
      approvedAllocated: request.approved === null ? null : usd(request.approved),
    })
  }
  expect((await world.budgets.get(agentId))?.allocated).toBe(usd(model.allocated))
  // I23: approved if and only if exactly one allocate row names the request.
  const named = await world.test.rows<{ id: string }>(
    'SELECT budget_request_id AS id FROM ledger_entries WHERE budget_request_id IS NOT NULL AND agent_id = ?',
    agentId,
  )
  const approved = ids.filter((_, index) => model.requests[index]?.status === 'approved')
  expect(named.map(({ id }) => id).sort()).toEqual(approved.sort())
  expect(await world.ledger.verify({ agentId })).toEqual([])
}

describe.each(await enginesForTests())('the state machine on %s', (dialect) => {
  test('I23 MON-25 any history ends as the model says, and every approval is one ledger row', async () => {
    await using world = await openWorld({ dialect })
    const asked = new BudgetRequestManager(world.test.db)
    let run = 0
    const histories = fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 30 }), async (steps) => {
      run += 1
      const [agentId, requesterId] = [`agent-${run}`, `user-${run}`]
      await world.budgets.create(agentId, usd(10), { ownerId: requesterId })
      const history: History = { world, asked, agentId, requesterId, model: new Model(), ids: [] }
      for (const next of steps) await runStep(history, next)
      await expectSame(history)
    })
    await fc.assert(histories, { numRuns: dialect === 'sqlite' ? 200 : 30, endOnFailure: true })
  })

  test('CON-17 CON-18 of 20 at once exactly one transition wins; the others learn who, and nothing is booked twice', async () => {
    await using world = await openWorld({ dialect })
    const asked = new BudgetRequestManager(world.test.db)
    await world.budgets.create(AGENT, usd(1), { ownerId: ANN })
    for (let round = 1; round <= 5; round += 1) {
      const requested = usd(round * 10)
      const { id } = await asked.create(
        { agentId: AGENT, requesterId: ANN, requestedAllocated: requested, justification: WHY },
        ANN,
      )
      const attempts = Array.from({ length: 20 }, (_, index) => {
        const reviewer = `admin-${index}`
        if (index % 5 === round % 5) return asked.reject(id, NO, reviewer)
        if (index % 5 === (round + 1) % 5) return asked.cancel(id, reviewer)
        return asked.approve(id, reviewer, { approvedAllocated: (requested + index) as Microdollars })
      })
      const results = await Promise.allSettled(attempts)
      const winners = results.flatMap((result, index) => (result.status === 'fulfilled' ? [index] : []))
      expect(winners).toHaveLength(1)
      const request = (await asked.get(id))!
      const who = request.reviewedBy ?? request.cancelledBy
      expect(who).toBe(`admin-${winners[0]!}`)
      for (const result of results) {
        if (result.status === 'fulfilled') continue
        const { code, details } = result.reason as LeaseError
        expect([code, details]).toEqual([
          'REQUEST_ALREADY_REVIEWED',
          { status: request.status, reviewed_by: who, reviewed_at: expect.any(String) },
        ])
      }
      const booked = 'SELECT COUNT(*) FROM ledger_entries WHERE budget_request_id = ?'
      expect(await world.test.scalar(booked, id)).toBe(request.status === 'approved' ? 1 : 0)
      expect((await world.budgets.get(AGENT))?.allocated).toBe(
        request.approvedAllocated ?? usd(Math.max(1, (round - 1) * 10)),
      )
      // The next round starts from a known figure.
      if (request.status !== 'approved' || request.approvedAllocated !== requested)
        await world.budgets.setAllocation(AGENT, requested, ADMIN, { force: true })
    }
    const approvals = (await eventsOf(world, AGENT)).filter(({ data }) => data.reason === 'request_approved')
    expect(approvals).toHaveLength(
      await world.test.scalar<number>("SELECT COUNT(*) FROM budget_requests WHERE status = 'approved'"),
    )
    expect(await world.ledger.verify()).toEqual([])
  })

  test('CON-18 cancelling all of a requester races approvals without losing either', async () => {
    await using world = await openWorld({ dialect })
    const { budgets, test: db } = world
    const asked = new BudgetRequestManager(db.db)
    const ids: string[] = []
    for (let index = 0; index < 10; index += 1) {
      await budgets.create(`agent-${index}`, usd(1), { ownerId: `owner-${index % 3}` })
      const request = { agentId: `agent-${index}`, requesterId: ANN, requestedAllocated: usd(5), justification: WHY }
      ids.push((await asked.create(request, ANN)).id)
    }
    const approvals = ids.map((id) => outcomeOf(asked.approve(id, ADMIN)))
    const cancelled = await db.db.write((tx) => asked.cancelAll({ requesterId: ANN }, SYSTEM, NO, { tx }))
    const codes = await Promise.all(approvals)
    for (const [index, id] of ids.entries()) {
      expect([id, codes[index]]).toEqual([id, cancelled.includes(id) ? 'REQUEST_ALREADY_REVIEWED' : 'ok'])
      expect((await budgets.get(`agent-${index}`))?.allocated).toBe(cancelled.includes(id) ? usd(1) : usd(5))
    }
    expect(await world.ledger.verify()).toEqual([])
  })
})

const withPostgres = (await enginesForTests()).includes('postgres') ? describe : describe.skip
withPostgres('a transition that another process has decided but not committed on postgres', () => {
  const dialect = 'postgres'
  test('CON-17 CON-18 waits for it, and learns then that it has lost', async () => {
    await using world = await openWorld({ dialect })
    const { budgets, test: db } = world
    await budgets.create(AGENT, usd(1), { ownerId: ANN })
    const ours = new BudgetRequestManager(db.db)
    const [row] = await db.rows<{ name: string }>('SELECT current_database() AS name')
    const place = new URL(db.db.url)
    place.pathname = `/${row!.name}`
    const handle = await openDatabase(place.href, { clock: world.clock })
    const theirs = new BudgetRequestManager(handle)
    try {
      const request = { agentId: AGENT, requesterId: ANN, requestedAllocated: usd(5), justification: WHY }
      const { id } = await ours.create(request, ANN)
      let approval: Promise<string> | undefined
      await db.db.write(async (tx) => {
        // Takes no lock of the agent's: only the row stands between it and the approval.
        await ours.cancelAll({ requesterId: ANN }, SYSTEM, NO, { tx })
        approval = outcomeOf(theirs.approve(id, ADMIN))
        const waiting =
          "SELECT count(*) AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        for (let look = 0; look < 10_000; look += 1) {
          const { rows } = await tx.execute<{ n: number }>({ sql: waiting, parameters: [] })
          if (Number(rows[0]?.n) > 0) return
        }
        throw new Error('the approval does not wait')
      })
      expect(await approval).toBe('REQUEST_ALREADY_REVIEWED')
      expect(await ours.get(id)).toMatchObject({ status: 'cancelled', approvedAllocated: null })
      expect((await budgets.get(AGENT))?.allocated).toBe(usd(1))
      expect(await world.ledger.verify()).toEqual([])
    } finally {
      await handle.close()
    }
  })
})
