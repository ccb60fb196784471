/**
 * When spending has reached 50, 80, 90 or 100 percent of the allocation (budget protocol 10). The mark on the budget row is the
 * highest threshold announced for the present allocation version, so each is announced at most once a version (I13, EVT-08).
 */
import type { Amounts, Microdollars } from '@iron/cost-calculator'

/** A percentage that is announced when it is reached. */
export type Threshold = 50 | 80 | 90 | 100
/** The highest threshold already announced; 0 before the first. */
export type Mark = 0 | Threshold

export const THRESHOLDS: readonly Threshold[] = [50, 80, 90, 100]

/** Allocation and spending: all that a threshold looks at. */
export type Spending = Amounts<'allocated' | 'spent'>

/**
 * The smallest spending that meets threshold `t`: T(t) = ⌊A/100⌋·t + ⌈(A mod 100)·t/100⌉, which is ⌈A·t/100⌉ without a product
 * that leaves the exact integers.
 */
export function thresholdAmount(allocated: Microdollars, t: Threshold): Microdollars {
  return (Math.floor(allocated / 100) * t + Math.ceil(((allocated % 100) * t) / 100)) as Microdollars
}

function meets({ allocated, spent }: Spending, t: Threshold): boolean {
  return allocated > 0 && spent >= thresholdAmount(allocated, t)
}

/** The highest threshold that is met; 0 when none is. */
export function highestMet(spending: Spending): Mark {
  return THRESHOLDS.findLast((t) => meets(spending, t)) ?? 0
}

/** What a movement announces and the mark it leaves. */
export interface Crossing {
  readonly crossed: readonly Threshold[]
  readonly mark: Mark
}

function announceAbove(spending: Spending, mark: Mark): Crossing {
  const crossed = THRESHOLDS.filter((t) => t > mark && meets(spending, t))
  return { crossed, mark: crossed.at(-1) ?? mark }
}

/** After a movement into spent: every met threshold above the mark, ascending. */
export function crossedBySpending(after: Spending, mark: Mark): Crossing {
  return announceAbove(after, mark)
}

/**
 * After a changed allocation: the mark falls back to what was met before and still is, then the rule of spending runs. A raise
 * announces nothing, for it meets no threshold that was not met before; one from an allocation of 0, where nothing counts as
 * met, announces nothing either (I13).
 */
export function crossedByAllocation(before: Spending, after: Spending): Crossing {
  if (after.allocated >= before.allocated) return { crossed: [], mark: highestMet(after) }
  const kept = THRESHOLDS.findLast((t) => meets(before, t) && meets(after, t)) ?? 0
  return announceAbove(after, kept)
}
