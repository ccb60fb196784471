/**
 * The statements on the budget_requests table. A request is protected by the lock on its agent's budget row; every transition
 * repeats its condition in the UPDATE, so that exactly one wins whatever holds which lock (CON-18).
 */
import { type IronSchema, prepare, type ReadTx, type WriteTx } from '@iron/database'
import type { Microdollars } from '@iron/cost-calculator'
import { lockKnownBudget, type LockedBudget, lostRace } from '../budget/budget-row.ts'
import type { Books } from '../books.ts'
import { LeaseError } from '../errors.ts'
import { type BudgetRequest, budgetRequestOf, type BudgetRequestRow } from './budget-request.ts'

/** Every request with the names of its agent, requester and reviewer; subqueries, so that a list can be ordered by an index. */
export function selectRequests(sql: ReadTx['sql']) {
  return sql
    .selectFrom('budget_requests as r')
    .selectAll('r')
    .select((eb) => [
      eb
        .selectFrom('agent_owner as o')
        .select('o.agent_name')
        .whereRef('o.agent_id', '=', 'r.agent_id')
        .as('agent_name'),
      eb
        .selectFrom('user_name as u')
        .select((name) => name.fn.coalesce('u.name', 'u.username').as('shown'))
        .whereRef('u.user_id', '=', 'r.requester_id')
        .as('requester_name'),
      eb
        .selectFrom('user_name as v')
        .select((name) => name.fn.coalesce('v.name', 'v.username').as('shown'))
        .whereRef('v.user_id', '=', 'r.reviewed_by')
        .as('reviewed_by_name'),
    ])
}

const requestById = prepare<{ id: string }, BudgetRequestRow>((db, p) => selectRequests(db).where('r.id', '=', p('id')))

const agentOfRequest = prepare<{ id: string }, { agent_id: string }>((db, p) =>
  db.selectFrom('budget_requests').select('agent_id').where('id', '=', p('id')),
)

/** One request by id. */
export async function findRequest(tx: ReadTx, id: string): Promise<BudgetRequest | undefined> {
  const row = await requestById.first(tx, { id })
  return row === undefined ? undefined : budgetRequestOf(row)
}

/** One request that must be there because this transaction has just written it. */
export async function writtenRequest(tx: ReadTx, id: string): Promise<BudgetRequest> {
  const request = await findRequest(tx, id)
  if (request === undefined) throw new Error('a budget request that was just written is missing')
  return request
}

/** A request and the budget it is about, both locked until the end of the transaction. */
export interface LockedRequest {
  readonly request: BudgetRequest
  readonly budget: LockedBudget
}

/**
 * Locks a request by its agent's locks, then reads it.
 *
 * @throws {LeaseError} BUDGET_REQUEST_NOT_FOUND
 */
export async function lockRequest(tx: WriteTx, books: Books, id: string): Promise<LockedRequest> {
  const seen = await agentOfRequest.first(tx, { id })
  if (seen === undefined) throw new LeaseError('BUDGET_REQUEST_NOT_FOUND', 'there is no such budget request')
  const budget = await lockKnownBudget(tx, seen.agent_id, books.clock)
  return { request: await writtenRequest(tx, id), budget }
}

interface NewRequestRow {
  readonly id: string
  readonly agentId: string
  readonly requesterId: string
  readonly allocated: Microdollars
  readonly requested: Microdollars
  readonly justification: string
  readonly at: number
}

const insert = prepare<NewRequestRow>((db, p) =>
  db.insertInto('budget_requests').values({
    id: p('id'),
    agent_id: p('agentId'),
    requester_id: p('requesterId'),
    status: 'pending',
    allocated_micros: p('allocated'),
    requested_allocated_micros: p('requested'),
    justification: p('justification'),
    created_at: p('at'),
  }),
)

/** Adds a pending request. */
export async function insertRequest(tx: WriteTx, row: NewRequestRow): Promise<void> {
  await insert.run(tx, row)
}

/** What a transition writes. */
export type Transition = Pick<
  IronSchema['budget_requests'],
  | 'status'
  | 'approved_allocated_micros'
  | 'reviewed_at'
  | 'reviewed_by'
  | 'cancelled_at'
  | 'cancelled_by'
  | 'review_notes'
>

const decide = prepare<Transition & { id: string }>((db, p) =>
  db
    .updateTable('budget_requests')
    .set({
      status: p('status'),
      approved_allocated_micros: p('approved_allocated_micros'),
      reviewed_at: p('reviewed_at'),
      reviewed_by: p('reviewed_by'),
      cancelled_at: p('cancelled_at'),
      cancelled_by: p('cancelled_by'),
      review_notes: p('review_notes'),
    })
    .where('id', '=', p('id'))
    .where('status', '=', 'pending'),
)

/** What a transition does not name stays empty: a request makes exactly one (I23). */
const NOTHING: Omit<Transition, 'status'> = {
  approved_allocated_micros: null,
  reviewed_at: null,
  reviewed_by: null,
  cancelled_at: null,
  cancelled_by: null,
  review_notes: null,
}

/**
 * Ends a pending request.
 *
 * @throws {DatabaseError} DATABASE_BUSY, to be run again, when another transition has won meanwhile
 */
export async function endRequest(
  tx: WriteTx,
  id: string,
  transition: Pick<Transition, 'status'> & Partial<Transition>,
): Promise<void> {
  if ((await decide.run(tx, { ...NOTHING, ...transition, id })) !== 1) throw decidedMeanwhile()
}

/** As {@link endRequest}, for several that end alike. */
export async function endRequests(
  tx: WriteTx,
  ids: readonly string[],
  transition: Pick<Transition, 'status'> & Partial<Transition>,
): Promise<void> {
  const { numUpdatedRows } = await tx.sql
    .updateTable('budget_requests')
    .set({ ...NOTHING, ...transition })
    .where('id', 'in', ids)
    .where('status', '=', 'pending')
    .executeTakeFirst()
  if (numUpdatedRows !== BigInt(ids.length)) throw decidedMeanwhile()
}

function decidedMeanwhile(): Error {
  return lostRace('the budget request was decided under its lock')
}
