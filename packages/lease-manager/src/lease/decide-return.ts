/**
 * The last word on a lease (budget protocol 4.7). The ledger decides: a figure above the recorded one is booked as unreported
 * usage, one below it changes nothing (MON-13, MON-14).
 */
import { type Microdollars, minus, ZERO } from '@iron/cost-calculator'
import { plus, rest, smaller } from '../amount.ts'
import { holdOf, type LeaseState } from './lease.ts'

export type ReturnDecision =
  /** A return was recorded before: it is told again, and nothing is booked. */
  | { readonly outcome: 'replayed' }
  | {
      readonly outcome: 'recorded'
      /** What the caller spent and never reported. */
      readonly gap: Microdollars
      /** The part of it on the hold. */
      readonly spend: Microdollars
      /** The part no hold covers. */
      readonly overrun: Microdollars
      /** What goes back to the budget; nothing when the lease had ended already. */
      readonly release: Microdollars
      /** s + o afterwards. */
      readonly total: Microdollars
    }

export function decideReturn(lease: LeaseState, claimed: Microdollars | undefined): ReturnDecision {
  if (lease.returnedAt !== null) return { outcome: 'replayed' }
  const recorded = plus(lease.spent, lease.overrun)
  const gap = claimed === undefined ? ZERO : rest(claimed, recorded)
  const hold = holdOf(lease)
  const spend = smaller(gap, hold)
  return {
    outcome: 'recorded',
    gap,
    spend,
    overrun: rest(gap, spend),
    release: minus(hold, spend),
    total: plus(recorded, gap),
  }
}
