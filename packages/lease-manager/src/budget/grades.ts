/**
 * Budgets by grade (data-model 3.4): twice the percentage used, rounded down, and one more when something was cut off; 200 for all
 * of it, 201 beyond, -1 for nothing of nothing. Whatever a list is filtered by is a range of grades, whose sums triggers keep: of
 * everybody's budgets by grade, of an owner's by level of risk.
 */
import { type ReadTx, sql } from '@iron/database'
import type { BudgetStatus, RiskLevel } from './balance.ts'
import { wideSum } from './wide-sum.ts'

/** Both ends included; empty when `from` is above `to`. */
export interface Grades {
  readonly from: number
  readonly to: number
}

const UNFUNDED = -1
const ALL_USED = 200
/** Whose sums are those of all. */
const EVERYBODY = ''
/** Beyond it `used_rank` goes on and grades do not. */
export const GRADE_MAX = 201

const EVERY: Grades = { from: UNFUNDED, to: GRADE_MAX }

const OF_STATUS: Readonly<Record<BudgetStatus, Grades>> = {
  unfunded: { from: UNFUNDED, to: UNFUNDED },
  active: { from: 0, to: ALL_USED - 1 },
  exhausted: { from: ALL_USED, to: GRADE_MAX },
}

/** Nothing of nothing is 0 percent. */
const OF_RISK: Readonly<Record<RiskLevel, Grades>> = {
  low: { from: UNFUNDED, to: 99 },
  medium: { from: 100, to: 159 },
  high: { from: 160, to: 179 },
  critical: { from: 180, to: ALL_USED - 1 },
  exhausted: { from: ALL_USED, to: GRADE_MAX },
}

/** Where the sums of an owner's begin. */
const LEVELS: ReadonlySet<number> = new Set([UNFUNDED, ...Object.values(OF_RISK).map(({ to }) => to + 1), 0])

/** What a filter of a list is made of. */
export interface GradeFilter {
  readonly status?: BudgetStatus | undefined
  readonly riskLevel?: RiskLevel | undefined
  /** Percent used strictly above, 0..100. */
  readonly threshold?: number | undefined
}

/** The grades that a filter admits: every field must fit. */
export function gradesOf({ status, riskLevel, threshold }: GradeFilter): Grades {
  const ranges = [
    status === undefined ? EVERY : OF_STATUS[status],
    riskLevel === undefined ? EVERY : OF_RISK[riskLevel],
    threshold === undefined ? EVERY : { from: 2 * threshold + 1, to: GRADE_MAX },
  ]
  return { from: Math.max(...ranges.map(({ from }) => from)), to: Math.min(...ranges.map(({ to }) => to)) }
}

/** Sums over the budgets in use of some grades, in microdollars. */
export interface GradeSums {
  readonly agents: number
  readonly active: number
  readonly unfunded: number
  readonly allocated: bigint
  readonly reserved: bigint
  readonly spent: bigint
  /** By how much all together are below nothing. */
  readonly overdrawn: bigint
}

/** Whether the sums of some grades are kept for an owner, too. */
export function areLevels({ from, to }: Grades): boolean {
  return LEVELS.has(from) && LEVELS.has(to + 1)
}

/** Of everybody's budgets, or of one owner's. Reads no budget. */
export async function readGradeSums(tx: ReadTx, { from, to }: Grades, ownerId = EVERYBODY): Promise<GradeSums> {
  const row = await tx.sql
    .selectFrom('budget_sums')
    .where('owner_id', '=', ownerId)
    .where('grade', '>=', from)
    .where('grade', '<=', to)
    .select(({ fn }) => [
      fn.sum<number | null>('agents').as('agents'),
      sql<number | null>`sum(CASE WHEN grade BETWEEN 0 AND ${sql.lit(ALL_USED - 1)} THEN agents ELSE 0 END)`.as(
        'active',
      ),
      sql<number | null>`sum(CASE WHEN grade = ${sql.lit(UNFUNDED)} THEN agents ELSE 0 END)`.as('unfunded'),
      fn.sum<number | null>('allocated_whole').as('allocated_whole'),
      fn.sum<number | null>('allocated_rest').as('allocated_rest'),
      fn.sum<number | null>('reserved_whole').as('reserved_whole'),
      fn.sum<number | null>('reserved_rest').as('reserved_rest'),
      fn.sum<number | null>('spent_whole').as('spent_whole'),
      fn.sum<number | null>('spent_rest').as('spent_rest'),
      fn.sum<number | null>('overdrawn_whole').as('overdrawn_whole'),
      fn.sum<number | null>('overdrawn_rest').as('overdrawn_rest'),
    ])
    .executeTakeFirstOrThrow()
  return {
    agents: row.agents ?? 0,
    active: row.active ?? 0,
    unfunded: row.unfunded ?? 0,
    allocated: wideSum(row.allocated_whole, row.allocated_rest),
    reserved: wideSum(row.reserved_whole, row.reserved_rest),
    spent: wideSum(row.spent_whole, row.spent_rest),
    overdrawn: wideSum(row.overdrawn_whole, row.overdrawn_rest),
  }
}
