/** A page of budgets and the sums over all matches. */
import { ZERO } from '@iron/cost-calculator'
import {
  type AtTx,
  expressionBuilder,
  keptCount,
  type Page,
  type Paged,
  pageSlice,
  type PageSlice,
  pageWindow,
  type ReadTx,
  sql,
} from '@iron/database'
import type { Expression, ExpressionBuilder } from 'kysely'
import type { Budget } from './budget.ts'
import { agentNameOf } from './budget-row.ts'
import {
  asksForGrades,
  type BudgetFilter,
  type BudgetTables,
  checkFilter,
  isOfAll,
  matching,
  matchingAlong,
  matchingNamed,
} from './budget-filter.ts'
import { type BudgetSummary, summarise } from './budget-summary.ts'
import { GRADE_MAX, gradesOf, readGradeSums } from './grades.ts'
import { getBudgets } from './read-budgets.ts'

/** A page of budgets and the sums over all of them. */
export interface BudgetPage extends Paged<Budget> {
  readonly summary: BudgetSummary
}

type Budgets = ExpressionBuilder<BudgetTables, 'b'>

/**
 * What a list is ordered by: figures of the budget's own row, so that nothing else is looked up for rows of other pages. Where a
 * rank comes first, its index gives the budgets rank by rank, and only those of one rank are sorted.
 */
const ORDERS = {
  used: (eb: Budgets) => [
    eb.ref('b.used_rank'),
    eb
      .case()
      .when('b.allocated_micros', '>', ZERO)
      .then(eb(double(eb, 'b.spent_micros'), '/', double(eb, 'b.allocated_micros')))
      .when('b.spent_micros', '>', ZERO)
      .then(eb.cast<number>(eb.val(1), 'double precision'))
      .else(eb.cast<number>(eb.val(0), 'double precision'))
      .end(),
  ],
  left: (eb: Budgets) => [
    eb.ref('b.left_rank'),
    eb(eb('b.allocated_micros', '-', eb.ref('b.reserved_micros')), '-', eb.ref('b.spent_micros')),
  ],
  name: (eb: Budgets) => [eb.fn.coalesce(agentNameOf(eb), eb.val(''))],
  allocated: (eb: Budgets) => [eb.ref('b.allocated_micros')],
  spent: (eb: Budgets) => [eb.ref('b.spent_rank'), eb.ref('b.spent_micros')],
  created: (eb: Budgets) => [eb.ref('b.created_at')],
} as const satisfies Readonly<Record<string, (eb: Budgets) => readonly Expression<unknown>[]>>

type Order = keyof typeof ORDERS
type Direction = PageSlice['direction']

const SORTS = {
  percentUsed: 'used',
  allocated: 'allocated',
  spent: 'spent',
  remaining: 'left',
  agentName: 'name',
  createdAt: 'created',
} as const satisfies Readonly<Record<string, Order>>

function double(eb: Budgets, column: 'b.spent_micros' | 'b.allocated_micros') {
  return eb.cast<number>(column, 'double precision')
}

export async function listBudgets(tx: ReadTx, filter: BudgetFilter, options: Page & AtTx): Promise<BudgetPage> {
  checkFilter(filter)
  const window = pageWindow(options, SORTS, '-percentUsed')
  const { page, perPage } = window
  const summary = await summarise(tx, filter)
  const total = summary.agents
  const slice = pageSlice(window, total)
  const ids = slice.limit === 0 ? [] : await idsOfPage(tx, filter, window.column, slice, total)
  if (slice.direction !== window.direction) ids.reverse()
  const budgets = await getBudgets(tx, ids)
  return Object.freeze({ data: Object.freeze([...budgets.values()]), page, perPage, total, summary })
}

async function idsOfPage(
  tx: ReadTx,
  filter: BudgetFilter,
  order: Order,
  slice: PageSlice,
  total: number,
): Promise<string[]> {
  const { limit, offset, direction } = slice
  const ordered =
    order === 'name' && isOfAll(filter) && (await allAreNamed(tx))
      ? alongTheNames(tx, filter, direction)
      : inOrder(tx, filter, order, direction, total, await isFoundAlong(tx, filter, order, slice, total))
  const rows = await ordered.limit(limit).offset(offset).execute()
  return rows.map((row) => row.agent_id)
}

/** Whether every budget in use is that of an agent with a name: then the index of names gives budgets in their order. */
async function allAreNamed(tx: ReadTx): Promise<boolean> {
  const named = await keptCount(tx, 'agents', ['running active', 'idle active', 'stopped active', 'failed active'])
  return named === (await countAll(tx))
}

async function countAll(tx: ReadTx): Promise<number> {
  return (await readGradeSums(tx, gradesOf({}))).agents
}

function alongTheNames(tx: ReadTx, filter: BudgetFilter, direction: Direction) {
  return matchingNamed(tx, filter)
    .select('b.agent_id')
    .orderBy(sql.ref('a.name'), direction)
    .orderBy(sql.ref('a.id'), direction)
}

/** Up to this many matches are gathered and sorted; more are read along the index of the order. */
const SORTED_MAX = 2_000

/**
 * Whether the page of an owner of many agents is looked for along the order, among everybody's budgets: it is, where that is expected to
 * take fewer steps than to gather the owner's own.
 */
async function isFoundAlong(
  tx: ReadTx,
  { ownerId, agentId }: BudgetFilter,
  order: Order,
  { limit, offset }: PageSlice,
  total: number,
): Promise<boolean> {
  if (ownerId === undefined || agentId !== undefined || order === 'name' || total <= SORTED_MAX) return false
  return (offset + limit) * (await countAll(tx)) < total * total
}

function inOrder(
  tx: ReadTx,
  filter: BudgetFilter,
  order: Order,
  direction: Direction,
  total: number,
  isAlong: boolean,
) {
  const isGraded = (isAlong || isOfAll(filter)) && asksForGrades(filter)
  const isSorted = isAlong ? false : !isOfAll(filter) || (isGraded && total <= SORTED_MAX)
  let query = (isAlong ? matchingAlong(tx, filter) : matching(tx, filter)).select('b.agent_id')
  if (isGraded && (isSorted || order === 'used')) {
    // A rank is the grade, except that it is not negative and has no end.
    const { from, to } = gradesOf(filter)
    if (from > 0) query = query.where('b.used_rank', '>=', from)
    if (to < GRADE_MAX) query = query.where('b.used_rank', '<=', Math.max(to, 0))
  }
  // Unfunded budgets differ in neither of these figures: their ids alone order them.
  const areAlike = filter.status === 'unfunded' && (order === 'used' || order === 'allocated' || order === 'spent')
  for (const [index, term] of (areAlike ? [] : ORDERS[order](expressionBuilder())).entries()) {
    // `+ 0` keeps engines off the index of the order, where the matches are to be gathered first.
    const isHidden = isSorted && index === 0 && order !== 'name'
    query = query.orderBy(isHidden ? sql`${term} + 0` : term, direction)
  }
  return query.orderBy('b.agent_id', direction)
}
