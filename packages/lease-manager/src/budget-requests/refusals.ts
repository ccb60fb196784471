/** What a refused step of a budget request says. */
import { type Microdollars, toUsd } from '@iron/cost-calculator'
import { isoTime } from '../books.ts'
import { LeaseError } from '../errors.ts'
import type { BudgetRequest } from './budget-request.ts'

/** Somebody was faster: `details` tell who, when and what (of a cancelled request, who cancelled it; null = the system). */
export function alreadyReviewed(request: BudgetRequest): LeaseError {
  return new LeaseError('REQUEST_ALREADY_REVIEWED', 'the budget request is no longer pending', {
    details: {
      status: request.status,
      reviewed_by: request.reviewedBy ?? request.cancelledBy,
      reviewed_at: isoTime(request.updatedAt),
    },
  })
}

/** The amount is not above the allocation as it is now. */
export function notAnIncrease(
  code: 'BUDGET_DECREASE_REQUEST' | 'APPROVAL_DECREASES_BUDGET',
  allocated: Microdollars,
): LeaseError {
  return new LeaseError(code, 'the amount is not above the present allocation', {
    details: { allocated_usd: toUsd(allocated) },
  })
}
