/** A lease of the model: budget protocol 2 and 6. */
export interface ModelLease {
  readonly id: string
  readonly granted: number
  readonly requested: number
  readonly withKey: boolean
  readonly supersedes: string | null
  readonly createdAt: number
  readonly conforming: boolean
  spent: number
  overrun: number
  released: number
  unreported: number
  status: 'active' | 'closed' | 'superseded' | 'revoked'
  reason: 'returned' | 'lapsed' | 'superseded' | 'revoked' | null
  expiresAt: number
  successor: string | null
  returned: { readonly spent: number; readonly unreported: number } | null
}

/** h: what the lease keeps from others. */
export function hold(lease: ModelLease): number {
  return lease.status === 'active' ? lease.granted - lease.spent : 0
}

/** What of an ended lease its runtime may have spent unheard: its share in R of the exposure statement. */
export function unheard(lease: ModelLease): number {
  return lease.status === 'active' || lease.returned !== null ? 0 : Math.max(0, lease.released - lease.overrun)
}
