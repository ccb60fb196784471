import type { Microdollars, Pricing } from '@iron/cost-calculator'
import type { Call } from '@iron/journal'
import type { Exceeded } from '../limits/limit.ts'

/** A recorded call. */
export interface UsageReceipt {
  readonly call: Call
  /** Whether it was recorded before: nothing was counted again. */
  readonly duplicate: boolean
  /** The first limit that is passed now, this call included; null = within all. */
  readonly exceeded: Exceeded | null
}

/** What recording a call would lead to. */
export interface UsageCheck {
  /** Whether the call stays within all limits. */
  readonly allowed: boolean
  readonly cost: Microdollars
  readonly pricing: Pricing
  /** The first limit that the call would pass; `used` is without it, since nothing is counted. */
  readonly exceeded: Exceeded | null
}
