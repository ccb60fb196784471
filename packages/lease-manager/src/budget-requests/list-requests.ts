/** One page of budget requests; filters apply before the page and to the total (DAT-19). */
import { Faults, keptCount, type Page, type Paged, pageSlice, pageWindow, type ReadTx } from '@iron/database'
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
  const total = await countRequests(tx, filter)
  const { limit, offset, direction } = pageSlice(window, total)
  const ids = matching.select('r.id').orderBy(column, direction).orderBy('r.id', direction).limit(limit).offset(offset)
  const rows = await selectRequests(tx.sql)
    .where('r.id', 'in', ids)
    .orderBy(column, window.direction)
    .orderBy('r.id', window.direction)
    .execute()
  return Object.freeze({ data: Object.freeze(rows.map(budgetRequestOf)), page, perPage, total })
}

/** How many fit: of a status, or all, without a look at them. */
async function countRequests(tx: ReadTx, filter: BudgetRequestFilter): Promise<number> {
  if (filter.agentId === undefined && filter.requesterId === undefined) {
    return keptCount(tx, 'budget_requests', filter.status === undefined ? undefined : [filter.status])
  }
  const { total } = await matchingRequests(tx, filter)
    .select(({ fn }) => fn.countAll<number>().as('total'))
    .executeTakeFirstOrThrow()
  return total
}

function matchingRequests(tx: ReadTx, { agentId, requesterId, status }: BudgetRequestFilter) {
  let matching = tx.sql.selectFrom('budget_requests as r')
  if (agentId !== undefined) matching = matching.where('r.agent_id', '=', agentId)
  if (requesterId !== undefined) matching = matching.where('r.requester_id', '=', requesterId)
  if (status !== undefined) matching = matching.where('r.status', '=', status)
  return matching
}
