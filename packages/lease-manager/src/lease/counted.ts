import type { Microdollars } from '@iron/cost-calculator'

/** What the owner's limits must take from a message: what no earlier message counted (budget protocol 9). */
export interface Counted {
  readonly cost: Microdollars
  readonly tokens: number
  readonly requests: number
}
