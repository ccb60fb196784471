/** One page of budget requests; filters apply before the page and to the total (DAT-19). */
import { Faults, type Page, type Paged, pageWindow, type ReadTx } from '@iron/database'
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
  const { page, perPage, offset, column, direction } = pageWindow(options, SORTS)
  let matching = selectRequests(tx.sql)
  let counted = tx.sql.selectFrom('budget_requests as r')
  if (agentId !== undefined) {
    matching = matching.where('r.agent_id', '=', agentId)
    counted = counted.where('r.agent_id', '=', agentId)
  }
  if (requesterId !== undefined) {
    matching = matching.where('r.requester_id', '=', requesterId)
    counted = counted.where('r.requester_id', '=', requesterId)
  }
  if (status !== undefined) {
    matching = matching.where('r.status', '=', status)
    counted = counted.where('r.status', '=', status)
  }
  const { total } = await counted.select((eb) => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow()
  const rows = await matching
    .orderBy(column, direction)
    .orderBy('r.id', direction)
    .limit(perPage)
    .offset(offset)
    .execute()
  return Object.freeze({ data: Object.freeze(rows.map(budgetRequestOf)), page, perPage, total })
}
