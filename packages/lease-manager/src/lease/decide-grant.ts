/**
 * What a grant may take (budget protocol 4.2, 4.6, 5). Order of precedence of the refusals: cap, budget, limit (http-api 4.9.2).
 * Exact and without tolerance: S + V ≤ A at every grant (E1).
 */
import { type Microdollars, ZERO } from '@iron/cost-calculator'
import { plus, smaller } from '../amount.ts'

/** A bound set by the caller, as token-manager's limits give it; a refresh adds its own hold to `left`. */
export interface GrantRoom {
  /** Of the month; null = unlimited, may be negative. */
  readonly left: Microdollars | null
  /** The day or the minute is used up. */
  readonly blocked: boolean
  /** What is exceeded; becomes the details of LIMIT_EXCEEDED. */
  readonly exceeded: object | null
}

export interface GrantQuestion {
  /** q */
  readonly requested: Microdollars
  /** M */
  readonly available: Microdollars
  /** h of the lease that is given back for this one; nothing for a new lease. */
  readonly ownHold: Microdollars
  /** Leases that stay open beside the new one. */
  readonly otherLeases: number
  readonly maxOpen: number
  readonly room?: GrantRoom | undefined
}

export type GrantDecision =
  | { readonly outcome: 'granted'; readonly amount: Microdollars; readonly partial: boolean }
  | { readonly outcome: 'cap_reached' }
  | { readonly outcome: 'budget_exceeded' }
  | { readonly outcome: 'limit_exceeded' }

export function decideGrant(question: GrantQuestion): GrantDecision {
  const { requested, available, ownHold, otherLeases, maxOpen, room } = question
  if (otherLeases >= maxOpen) return { outcome: 'cap_reached' }
  const ofBudget = plus(available, ownHold)
  if (ofBudget <= ZERO) return { outcome: 'budget_exceeded' }
  const ofMonth = room === undefined || room.left === null ? ofBudget : plus(room.left, ownHold)
  if (room?.blocked === true || ofMonth <= ZERO) return { outcome: 'limit_exceeded' }
  const amount = smaller(requested, smaller(ofBudget, ofMonth))
  return { outcome: 'granted', amount, partial: amount < requested }
}
