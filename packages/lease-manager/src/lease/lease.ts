/** A lease as the package sees it and as it shows it (budget protocol 6, http-api 4.8). */
import { type Amounts, type Microdollars, minus, ZERO } from '@iron/cost-calculator'

/** `active` and `expired` (in grace) are open and hold money; the others are final. */
export type LeaseStatus = 'active' | 'expired' | 'closed' | 'superseded' | 'revoked'
/** Why a lease ended: `lapsed` when its grace was over. */
export type CloseReason = 'returned' | 'lapsed' | 'superseded' | 'revoked'
/** Why a lease was revoked. */
export type RevokeCause =
  'operator' | 'agent_stopped' | 'agent_archived' | 'ic_token_replaced' | 'ic_token_revoked' | 'allocation_lowered'

export const LEASE_STATUSES: readonly LeaseStatus[] = ['active', 'expired', 'closed', 'superseded', 'revoked']
export const REVOKE_CAUSES: readonly RevokeCause[] = [
  'operator',
  'agent_stopped',
  'agent_archived',
  'ic_token_replaced',
  'ic_token_revoked',
  'allocation_lowered',
]

/** A slice of an agent's budget, lent until `expiresAt`. */
export interface Lease extends Amounts<
  'requested' | 'granted' | 'spent' | 'overrun' | 'unreported' | 'returned' | 'remaining'
> {
  readonly id: string
  readonly agentId: string
  /** Null: made by reserve. */
  readonly providerId: string | null
  readonly runtimeId: string | null
  readonly status: LeaseStatus
  readonly closeReason: CloseReason | null
  readonly supersedes: string | null
  readonly supersededBy: string | null
  readonly createdAt: number
  readonly expiresAt: number
  readonly closedAt: number | null
}

/** What is stored: `expired` is an active lease past its deadline and never written. */
export type StoredStatus = Exclude<LeaseStatus, 'expired'>

/** A lease as read from its row; g, s, r, o, u of budget protocol 2. */
export interface LeaseState extends Amounts<'requested' | 'granted' | 'spent' | 'released' | 'overrun' | 'unreported'> {
  readonly id: string
  readonly agentId: string
  readonly providerId: string | null
  readonly runtimeId: string | null
  readonly idempotencyKey: string | null
  readonly stored: StoredStatus
  readonly closeReason: CloseReason | null
  readonly supersedes: string | null
  readonly supersededBy: string | null
  readonly createdAt: number
  readonly expiresAt: number
  readonly closedAt: number | null
  readonly returnedAt: number | null
  readonly returnSpent: Microdollars | null
}

/** Whether a lease still holds money. */
export function isOpen(lease: LeaseState): boolean {
  return lease.stored === 'active'
}

/** h = g − s − r: the money a lease keeps from being granted to others. */
export function holdOf(lease: LeaseState): Microdollars {
  return minus(minus(lease.granted, lease.spent), lease.released)
}

/** The status to show: a lease is expired when `now` equals its deadline (MON-21). */
export function statusAt(lease: LeaseState, now: number): LeaseStatus {
  return lease.stored === 'active' && now >= lease.expiresAt ? 'expired' : lease.stored
}

export function publicLease(lease: LeaseState, now: number): Lease {
  return Object.freeze({
    id: lease.id,
    agentId: lease.agentId,
    providerId: lease.providerId,
    runtimeId: lease.runtimeId,
    status: statusAt(lease, now),
    closeReason: lease.closeReason,
    requested: lease.requested,
    granted: lease.granted,
    spent: lease.spent,
    overrun: lease.overrun,
    unreported: lease.unreported,
    returned: lease.released,
    remaining: isOpen(lease) ? holdOf(lease) : ZERO,
    supersedes: lease.supersedes,
    supersededBy: lease.supersededBy,
    createdAt: lease.createdAt,
    expiresAt: lease.expiresAt,
    closedAt: lease.closedAt,
  })
}

/** Oldest first; ids break ties. */
export function byAge(a: LeaseState, b: LeaseState): number {
  return a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1)
}
