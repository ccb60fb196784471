/** Which calls of a demo agent run on which lease, and how much each lease is asked for. Pure. */
import { type Microdollars, usd } from '@iron/cost-calculator'
import type { DemoAgent, DemoEnding } from './demo-agents.ts'
import { type PlannedCall, totalOf } from './plan-calls.ts'

/** More is asked for than is needed, rounded up. */
const HEADROOM = 1.2
const ROUNDED_TO: Microdollars = usd('0.1')

/** One lease with its calls, by time. */
export interface PlannedLease {
  readonly ending: DemoEnding
  readonly requested: Microdollars
  readonly calls: readonly PlannedCall[]
  /** The last call is reported after the return, which counts it already. */
  readonly isLastLate: boolean
}

/** Spreads an agent's calls over its leases. */
export function planLeases(agent: DemoAgent, calls: readonly PlannedCall[]): PlannedLease[] {
  const { leases, lastLeaseCalls, lateReports = 0 } = agent
  const even = lastLeaseCalls === undefined ? leases.length : leases.length - 1
  const spread = calls.length - (lastLeaseCalls ?? 0)
  const firstOf = (index: number): number => (index > even ? calls.length : Math.round((spread * index) / even))
  return leases.map((ending, index) => {
    const own = calls.slice(firstOf(index), firstOf(index + 1))
    const requested = (Math.ceil((totalOf(own) * HEADROOM) / ROUNDED_TO) * ROUNDED_TO) as Microdollars
    return { ending, requested, calls: own, isLastLate: index >= 1 && index <= lateReports }
  })
}
