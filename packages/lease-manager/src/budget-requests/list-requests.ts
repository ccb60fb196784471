/** One page of budget requests; filters apply before the page and to the total (DAT-19). */
import { Faults, type Page, type Paged, pageSlice, type PageSlice, pageWindow, type ReadTx } from '@iron/database'
import { refuseFaults } from '../lease/validate.ts'
import {
  type BudgetRequest,
  BUDGET_REQUEST_STATUSES,
  budgetRequestOf,
  type BudgetRequestStatus,
} from './budget-request.ts'
import { selectRequests } from './request-rows.ts'

/** Which requests. */
export interface BudgetRequestFilter {
  readonly agentId?: string | undefined
  readonly requesterId?: string | undefined
  readonly status?: BudgetRequestStatus | undefined
}

const SORTS = { createdAt: 'r.created_at', requestedAllocated: 'r.requested_allocated_micros' } as const

export async function listRequests(
  tx: ReadTx,
  filter: BudgetRequestFilter,
  options: Page,
): Promise<Paged<BudgetRequest>> {
  const { agentId, requesterId, status } = filter
  const faults = new Faults()
  if (agentId !== undefined) faults.id('agentId', agentId)
  if (requesterId !== undefined) faults.id('requesterId', requesterId)
  if (status !== undefined) faults.oneOf('status', status, BUDGET_REQUEST_STATUSES)
  refuseFaults(faults)
  const window = pageWindow(options, SORTS)
  const { page, perPage, column } = window
  const matching = matchingRequests(tx, filter)
  const { total } = await matching.select(({ fn }) => fn.countAll<number>().as('total')).executeTakeFirstOrThrow()
  const slice = pageSlice(window, total)
  const ids = slice.limit === 0 ? [] : await idsOf(tx, filter, column, slice)
  const rows =
    ids.length === 0
      ? []
      : await selectRequests(tx.sql)
          .where('r.id', 'in', ids)
          .orderBy(column, window.direction)
          .orderBy('r.id', window.direction)
          .execute()
  return Object.freeze({ data: Object.freeze(rows.map(budgetRequestOf)), page, perPage, total })
}

function matchingRequests(tx: ReadTx, { agentId, requesterId, status }: BudgetRequestFilter) {
  let matching = tx.sql.selectFrom('budget_requests as r')
  if (agentId !== undefined) matching = matching.where('r.agent_id', '=', agentId)
  if (requesterId !== undefined) matching = matching.where('r.requester_id', '=', requesterId)
  if (status !== undefined) matching = matching.where('r.status', '=', status)
  return matching
}

/**
 * The ids of a page. The indexes by age begin with an agent, a requester or a status: for a page of everybody's requests each
 * status gives as many as the page could need, in order, and the page is chosen among those.
 */
async function idsOf(
  tx: ReadTx,
  filter: BudgetRequestFilter,
  column: (typeof SORTS)[keyof typeof SORTS],
  { limit, offset, direction }: PageSlice,
): Promise<string[]> {
  const upTo = (source: BudgetRequestFilter, rows: number) =>
    matchingRequests(tx, source)
      .select(['r.id as id', `${column} as position`])
      .orderBy(column, direction)
      .orderBy('r.id', direction)
      .limit(rows)
  const everybodys = filter.agentId === undefined && filter.requesterId === undefined && filter.status === undefined
  if (!everybodys || column !== 'r.created_at') {
    return (await upTo(filter, limit).offset(offset).execute()).map(({ id }) => id)
  }
  const [first, ...others] = BUDGET_REQUEST_STATUSES.map((status) =>
    tx.sql.selectFrom(upTo({ status }, offset + limit).as('of_status')).selectAll(),
  )
  const rows = await others
    .reduce((merged, other) => merged.unionAll(other), first as NonNullable<typeof first>)
    .orderBy('position', direction)
    .orderBy('id', direction)
    .limit(limit)
    .offset(offset)
    .execute()
  return rows.map(({ id }) => id)
}
