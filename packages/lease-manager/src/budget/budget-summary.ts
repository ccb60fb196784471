/** Balances summed over every budget that a filter admits. */
import { ZERO } from '@iron/cost-calculator'
import type { ReadTx } from '@iron/database'
import { type BalanceSum, percentUsed } from './balance.ts'
import { type BudgetFilter, matching } from './budget-filter.ts'
import { areLevels, gradesOf, type GradeSums, readGradeSums } from './grades.ts'
import { restSum, wholeSum, wideSum } from './wide-sum.ts'

/** Balances summed over every match, not only the page. */
export interface BudgetSummary extends BalanceSum {
  readonly agents: number
  readonly active: number
  readonly exhausted: number
  readonly unfunded: number
}

/** Sums that nobody keeps are added up. */
export async function summarise(tx: ReadTx, filter: BudgetFilter): Promise<BudgetSummary> {
  const { agentId, ownerId } = filter
  const grades = gradesOf(filter)
  const isKept = agentId === undefined && (ownerId === undefined || areLevels(grades))
  const sums = isKept ? await readGradeSums(tx, grades, ownerId) : await addUp(tx, filter)
  const { agents, active, unfunded, allocated, spent, reserved, overdrawn } = sums
  const available = allocated - reserved - spent
  return Object.freeze({
    agents,
    active,
    unfunded,
    exhausted: agents - active - unfunded,
    allocated,
    spent,
    reserved,
    available,
    remaining: available + overdrawn,
    overdrawn,
    percentUsed: percentUsed(allocated, spent),
  })
}

async function addUp(tx: ReadTx, filter: BudgetFilter): Promise<GradeSums> {
  const row = await matching(tx, filter)
    .select((eb) => {
      const left = eb(eb('b.allocated_micros', '-', eb.ref('b.reserved_micros')), '-', eb.ref('b.spent_micros'))
      const remaining = eb.case().when(left, '>', ZERO).then(left).else(ZERO).end()
      return [
        eb.fn.countAll<number>().as('agents'),
        wholeSum(eb.ref('b.allocated_micros')).as('allocated_whole'),
        restSum(eb.ref('b.allocated_micros')).as('allocated_rest'),
        wholeSum(eb.ref('b.reserved_micros')).as('reserved_whole'),
        restSum(eb.ref('b.reserved_micros')).as('reserved_rest'),
        wholeSum(eb.ref('b.spent_micros')).as('spent_whole'),
        restSum(eb.ref('b.spent_micros')).as('spent_rest'),
        wholeSum(remaining).as('remaining_whole'),
        restSum(remaining).as('remaining_rest'),
        eb.fn
          .sum<number | null>(eb.case().whenRef('b.spent_micros', '<', 'b.allocated_micros').then(1).else(0).end())
          .as('active'),
        eb.fn
          .sum<number | null>(
            eb
              .case()
              .when(eb.and([eb('b.allocated_micros', '=', ZERO), eb('b.spent_micros', '=', ZERO)]))
              .then(1)
              .else(0)
              .end(),
          )
          .as('unfunded'),
      ]
    })
    .executeTakeFirstOrThrow()
  const allocated = wideSum(row.allocated_whole, row.allocated_rest)
  const spent = wideSum(row.spent_whole, row.spent_rest)
  const reserved = wideSum(row.reserved_whole, row.reserved_rest)
  const remaining = wideSum(row.remaining_whole, row.remaining_rest)
  // Available is what is left of some budgets less what others have overdrawn.
  const overdrawn = remaining - (allocated - reserved - spent)
  return {
    agents: row.agents,
    active: row.active ?? 0,
    unfunded: row.unfunded ?? 0,
    allocated,
    spent,
    reserved,
    overdrawn,
  }
}
