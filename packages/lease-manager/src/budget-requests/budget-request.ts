/** A request to raise an agent's allocation, as the package shows it (http-api 4.10). Times are epoch ms. */
import type { BudgetRequestsTable } from '@iron/database'
import type { Microdollars } from '@iron/cost-calculator'

/** `pending` until it is decided; the others are final. */
export type BudgetRequestStatus = BudgetRequestsTable['status']

export const BUDGET_REQUEST_STATUSES: readonly BudgetRequestStatus[] = ['pending', 'approved', 'rejected', 'cancelled']

export interface BudgetRequest {
  readonly id: string
  readonly agentId: string
  /** Null: a budget without an agent of the registry. */
  readonly agentName: string | null
  readonly requesterId: string
  /** The display name, else the user name; null for somebody who is no user of this database. */
  readonly requesterName: string | null
  readonly status: BudgetRequestStatus
  /** The allocation when the request was made: informative, an approval looks at the live one. */
  readonly allocated: Microdollars
  /** Absolute, not an increase. */
  readonly requestedAllocated: Microdollars
  /** What the allocation was set to; null unless approved. */
  readonly approvedAllocated: Microdollars | null
  readonly justification: string
  readonly reviewNotes: string | null
  readonly reviewedBy: string | null
  readonly reviewedByName: string | null
  readonly reviewedAt: number | null
  /** Null on a cancelled request: the system. */
  readonly cancelledBy: string | null
  readonly cancelledAt: number | null
  readonly createdAt: number
  /** When it was decided; until then when it was made. */
  readonly updatedAt: number
}

/** The columns of {@link BudgetRequest} as SQL gives them. */
export interface BudgetRequestRow extends Readonly<BudgetRequestsTable> {
  readonly agent_name: string | null
  readonly requester_name: string | null
  readonly reviewed_by_name: string | null
}

export function budgetRequestOf(row: BudgetRequestRow): BudgetRequest {
  return Object.freeze({
    id: row.id,
    agentId: row.agent_id,
    agentName: row.agent_name,
    requesterId: row.requester_id,
    requesterName: row.requester_name,
    status: row.status,
    allocated: row.allocated_micros,
    requestedAllocated: row.requested_allocated_micros,
    approvedAllocated: row.approved_allocated_micros,
    justification: row.justification,
    reviewNotes: row.review_notes,
    reviewedBy: row.reviewed_by,
    reviewedByName: row.reviewed_by_name,
    reviewedAt: row.reviewed_at,
    cancelledBy: row.cancelled_by,
    cancelledAt: row.cancelled_at,
    createdAt: row.created_at,
    updatedAt: row.reviewed_at ?? row.cancelled_at ?? row.created_at,
  })
}
