/** Whether a grant with an idempotency key is the call that key stands for (budget protocol 4.2). */
import type { Microdollars } from '@iron/cost-calculator'
import { isOpen, type LeaseState } from './lease.ts'

/** A grant as its caller asked for it. */
export interface GrantCall {
  readonly requested: Microdollars
  /** A named provider; null: the call takes none (reserve); undefined: whichever the server chose, but one (handshake). */
  readonly providerId?: string | null | undefined
  /** The lease a refresh gives back. */
  readonly refreshOf?: string | undefined
}

export type ReplayDecision = 'replayed' | 'conflict' | 'not_active'

export function decideReplay(known: LeaseState, call: GrantCall): ReplayDecision {
  const sameProvider =
    call.refreshOf !== undefined ||
    (call.providerId === undefined ? known.providerId !== null : known.providerId === call.providerId)
  const same = known.requested === call.requested && known.supersedes === (call.refreshOf ?? null) && sameProvider
  if (!same) return 'conflict'
  return isOpen(known) ? 'replayed' : 'not_active'
}
