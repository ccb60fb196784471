/** Which budgets a list shows, as a check of what the caller asked for and as the conditions of its statement. */
import { type Microdollars, ZERO } from '@iron/cost-calculator'
import { type AgentBudgetsTable, Faults, type IronSchema, type ReadTx, sql } from '@iron/database'
import type { SelectQueryBuilder, SqlBool } from 'kysely'
import { refuseFaults } from '../lease/validate.ts'
import { BUDGET_STATUSES, RISK_LEVELS, type RiskLevel } from './balance.ts'
import type { GradeFilter } from './grades.ts'

/** Which budgets; every field given must fit. Archived agents are left out unless named by `agentId`. */
export interface BudgetFilter extends GradeFilter {
  readonly ownerId?: string | undefined
  readonly agentId?: string | undefined
}

/** The tables a list of budgets is selected from. */
export type BudgetTables = IronSchema & { b: AgentBudgetsTable }

/** From which percentage a risk level begins, and at which the next one does. */
const RISK_PERCENT: Readonly<Record<Exclude<RiskLevel, 'exhausted'>, readonly [from: number, below: number]>> = {
  low: [0, 50],
  medium: [50, 80],
  high: [80, 90],
  critical: [90, 100],
}

/** @throws {LeaseError} VALIDATION_ERROR */
export function checkFilter(filter: BudgetFilter): void {
  const faults = new Faults()
  if (filter.ownerId !== undefined) faults.id('ownerId', filter.ownerId)
  if (filter.agentId !== undefined) faults.id('agentId', filter.agentId)
  if (filter.status !== undefined) faults.oneOf('status', filter.status, BUDGET_STATUSES)
  if (filter.riskLevel !== undefined) faults.oneOf('riskLevel', filter.riskLevel, RISK_LEVELS)
  if (filter.threshold !== undefined) faults.integer('threshold', filter.threshold, 0, 100)
  refuseFaults(faults)
}

/** Whether a filter leaves no owner and no agent out. */
export function isOfAll({ ownerId, agentId }: BudgetFilter): boolean {
  return ownerId === undefined && agentId === undefined
}

/** Whether a filter asks how much of the allocation is used. */
export function asksForGrades({ status, riskLevel, threshold }: GradeFilter): boolean {
  return status !== undefined || riskLevel !== undefined || threshold !== undefined
}

/** The budgets `b` that a filter admits. */
export function matching(tx: ReadTx, filter: BudgetFilter) {
  return filtered(tx.sql.selectFrom('agent_budgets as b'), filter)
}

/** The same, the owner asked one by one: a truth is in no index, and PostgreSQL knows how many it is true of. */
export function matchingAlong(tx: ReadTx, { ownerId, ...others }: BudgetFilter) {
  return matching(tx, others).where(sql<SqlBool>`(${sql.ref('b.owner_id')} = ${ownerId}) IS TRUE`)
}

/** The same beside their agents `a`; a budget without an agent of the registry is missing. */
export function matchingNamed(tx: ReadTx, filter: BudgetFilter) {
  return filtered(tx.sql.selectFrom('agents as a').innerJoin('agent_budgets as b', 'b.agent_id', 'a.id'), filter)
}

/** Percentages are compared as products of integers, so that both engines agree with the figures shown, exactly. */
function filtered<O>(budgets: SelectQueryBuilder<BudgetTables, 'b', O>, filter: BudgetFilter) {
  const hundred = 100 as Microdollars
  const percent = (value: number): Microdollars => value as Microdollars
  const { ownerId, agentId, status, riskLevel, threshold } = filter
  let query = budgets
  if (agentId !== undefined) query = query.where('b.agent_id', '=', agentId)
  if (ownerId !== undefined) query = query.where('b.owner_id', '=', ownerId)
  // One owner's budgets are few: `+ 0` keeps engines off the indexes of all budgets in use.
  if (agentId === undefined) {
    query =
      ownerId === undefined
        ? query.where('b.archived_at', 'is', null)
        : query.where(sql<SqlBool>`${sql.ref('b.archived_at')} + 0 IS NULL`)
  }
  if (status === 'unfunded') query = query.where('b.allocated_micros', '=', ZERO).where('b.spent_micros', '=', ZERO)
  if (status === 'active') query = query.whereRef('b.spent_micros', '<', 'b.allocated_micros')
  if (status === 'exhausted' || riskLevel === 'exhausted') {
    query = query.whereRef('b.spent_micros', '>=', 'b.allocated_micros').where('b.spent_micros', '>', ZERO)
  }
  if (riskLevel !== undefined && riskLevel !== 'exhausted') {
    const [from, below] = RISK_PERCENT[riskLevel]
    query = query.where((eb) => {
      const between = eb.and([
        eb(eb('b.spent_micros', '*', hundred), '>=', eb('b.allocated_micros', '*', percent(from))),
        eb(eb('b.spent_micros', '*', hundred), '<', eb('b.allocated_micros', '*', percent(below))),
      ])
      // Nothing spent of nothing allocated is 0 percent.
      const unfunded = eb.and([eb('b.allocated_micros', '=', ZERO), eb('b.spent_micros', '=', ZERO)])
      return from === 0 ? eb.or([between, unfunded]) : between
    })
  }
  if (threshold !== undefined) {
    query = query.where((eb) =>
      eb(eb('b.spent_micros', '*', hundred), '>', eb('b.allocated_micros', '*', percent(threshold))),
    )
    // Something spent of nothing allocated is 100 percent and no more.
    if (threshold === 100) query = query.where('b.allocated_micros', '>', ZERO)
  }
  return query
}
