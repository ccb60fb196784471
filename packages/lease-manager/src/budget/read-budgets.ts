/** Reading budgets: one, a page with the sums over all matches, and the changes of one allocation. */
import { type Microdollars, minus, ZERO } from '@iron/cost-calculator'
import {
  type AgentBudgetsTable,
  type AtTx,
  type Cursor,
  type CursorPage,
  cursorPage,
  cursorWindow,
  Faults,
  type IronSchema,
  keptCount,
  type LedgerEntriesTable,
  type Page,
  type Paged,
  pageSlice,
  type PageSlice,
  pageWindow,
  prepare,
  type ReadTx,
} from '@iron/database'
import {
  type Expression,
  type ExpressionBuilder,
  expressionBuilder,
  type SelectQueryBuilder,
  sql,
  type SqlBool,
} from 'kysely'
import { LeaseError } from '../errors.ts'
import { countOpenLeases } from '../lease/lease-row.ts'
import { refuseFaults } from '../lease/validate.ts'
import {
  type BalanceSum,
  BUDGET_STATUSES,
  type BudgetStatus,
  percentUsed,
  RISK_LEVELS,
  type RiskLevel,
} from './balance.ts'
import { type Budget, publicBudget } from './budget.ts'
import { BUDGET_COLUMNS, budgetState, readBudget } from './budget-row.ts'
import { GRADE_MAX, gradesOf, readGradeSums } from './grades.ts'
import { restSum, wholeSum, wideSum } from './wide-sum.ts'

/** Which budgets. Archived agents are left out unless named by `agentId`. */
export interface BudgetFilter {
  readonly ownerId?: string | undefined
  readonly agentId?: string | undefined
  readonly status?: BudgetStatus | undefined
  readonly riskLevel?: RiskLevel | undefined
  /** Percent used strictly above, 0..100. */
  readonly threshold?: number | undefined
}

/** Balances summed over every match, not only the page. */
export interface BudgetSummary extends BalanceSum {
  readonly agents: number
  readonly active: number
  readonly exhausted: number
  readonly unfunded: number
}

/** A page of budgets and the sums over all of them. */
export interface BudgetPage extends Paged<Budget> {
  readonly summary: BudgetSummary
}

/** One change of the allocation; version 0 is the empty budget before the first. */
export interface BudgetChange {
  readonly version: number
  readonly at: number
  readonly previousAllocated: Microdollars
  readonly allocated: Microdollars
  readonly reason: string | null
  readonly changedBy: string
  readonly budgetRequestId: string | null
}

export async function getBudget(tx: ReadTx, agentId: string): Promise<Budget | undefined> {
  const budget = await readBudget(tx, agentId)
  return budget === undefined ? undefined : publicBudget(budget, await countOpenLeases(tx, agentId))
}

/** Several budgets in one statement, in the order of the ids; an unknown id is missing. */
export async function getBudgets(tx: ReadTx, agentIds: readonly string[]): Promise<ReadonlyMap<string, Budget>> {
  const found = new Map<string, Budget>()
  if (agentIds.length === 0) return found
  const rows = await tx.sql
    .selectFrom('agent_budgets as b')
    .select(BUDGET_COLUMNS)
    .select((eb) => [nameOf(eb).as('agent_name'), openLeasesOf(eb).as('open_leases')])
    .where('b.agent_id', 'in', agentIds)
    .execute()
  const byId = new Map(rows.map((row) => [row.agent_id, row]))
  for (const id of agentIds) {
    const row = byId.get(id)
    if (row !== undefined) found.set(id, publicBudget(budgetState(row), row.open_leases ?? 0))
  }
  return found
}

function openLeasesOf(eb: Budgets) {
  return eb
    .selectFrom('leases as l')
    .select(eb.fn.countAll<number>().as('n'))
    .whereRef('l.agent_id', '=', 'b.agent_id')
    .where('l.status', '=', 'active')
}

type Joined = IronSchema & { b: AgentBudgetsTable }
type Budgets = ExpressionBuilder<Joined, 'b'>

/**
 * What a list is ordered by: figures of the budget's own row, so that nothing else is looked up for rows of other pages. Where a rank
 * comes first, its index gives the budgets rank by rank, and only those of one rank are sorted.
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
  name: (eb: Budgets) => [eb.fn.coalesce(nameOf(eb), eb.val(''))],
  allocated: (eb: Budgets) => [eb.ref('b.allocated_micros')],
  spent: (eb: Budgets) => [eb.ref('b.spent_rank'), eb.ref('b.spent_micros')],
  created: (eb: Budgets) => [eb.ref('b.created_at')],
} as const satisfies Readonly<Record<string, (eb: Budgets) => readonly Expression<unknown>[]>>

const SORTS = {
  percentUsed: 'used',
  allocated: 'allocated',
  spent: 'spent',
  remaining: 'left',
  agentName: 'name',
  createdAt: 'created',
} as const

function double(eb: Budgets, column: 'b.spent_micros' | 'b.allocated_micros') {
  return eb.cast<number>(column, 'double precision')
}

function nameOf(eb: Budgets) {
  return eb.selectFrom('agent_owner as o').select('o.agent_name').whereRef('o.agent_id', '=', 'b.agent_id')
}

/** From which percentage a risk level begins, and at which the next one does. */
const RISK_PERCENT: Readonly<Record<Exclude<RiskLevel, 'exhausted'>, readonly [from: number, below: number]>> = {
  low: [0, 50],
  medium: [50, 80],
  high: [80, 90],
  critical: [90, 100],
}

function checkFilter(filter: BudgetFilter): void {
  const faults = new Faults()
  if (filter.ownerId !== undefined) faults.id('ownerId', filter.ownerId)
  if (filter.agentId !== undefined) faults.id('agentId', filter.agentId)
  if (filter.status !== undefined) faults.oneOf('status', filter.status, BUDGET_STATUSES)
  if (filter.riskLevel !== undefined) faults.oneOf('riskLevel', filter.riskLevel, RISK_LEVELS)
  if (filter.threshold !== undefined) faults.integer('threshold', filter.threshold, 0, 100)
  refuseFaults(faults)
}

/** Percentages are compared as products of integers, so that both engines agree with the figures shown, exactly. */
function matching(tx: ReadTx, filter: BudgetFilter) {
  return filtered(tx.sql.selectFrom('agent_budgets as b'), filter)
}

function matchingNamed(tx: ReadTx, filter: BudgetFilter) {
  return filtered(tx.sql.selectFrom('agents as a').innerJoin('agent_budgets as b', 'b.agent_id', 'a.id'), filter)
}

function filtered<O>(budgets: SelectQueryBuilder<Joined, 'b', O>, filter: BudgetFilter) {
  const hundred = 100 as Microdollars
  const percent = (value: number): Microdollars => value as Microdollars
  const { ownerId, agentId, status, riskLevel, threshold } = filter
  let query = budgets
  if (agentId !== undefined) query = query.where('b.agent_id', '=', agentId)
  if (ownerId !== undefined) query = query.where('b.owner_id', '=', ownerId)
  // The indexes of budgets in use are not for what one owner has: behind a sum they are not taken.
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
      // Nothing of nothing is 0 percent.
      const unfunded = eb.and([eb('b.allocated_micros', '=', ZERO), eb('b.spent_micros', '=', ZERO)])
      return from === 0 ? eb.or([between, unfunded]) : between
    })
  }
  if (threshold !== undefined) {
    query = query.where((eb) =>
      eb(eb('b.spent_micros', '*', hundred), '>', eb('b.allocated_micros', '*', percent(threshold))),
    )
    // Something of nothing is 100 percent and no more.
    if (threshold === 100) query = query.where('b.allocated_micros', '>', ZERO)
  }
  return query
}

export async function listBudgets(tx: ReadTx, filter: BudgetFilter, options: Page & AtTx): Promise<BudgetPage> {
  checkFilter(filter)
  const window = pageWindow(options, SORTS, '-percentUsed')
  const { page, perPage, column } = window
  const isOfAll = filter.ownerId === undefined && filter.agentId === undefined
  const summary = isOfAll ? await keptSummary(tx, filter) : await summarise(tx, filter)
  const total = summary.agents
  const slice = pageSlice(window, total)
  const ids = slice.limit === 0 ? [] : await idsOfPage(tx, filter, column, slice, total)
  if (slice.direction !== window.direction) ids.reverse()
  const budgets = await getBudgets(
    tx,
    ids.map((row) => row.agent_id),
  )
  return Object.freeze({ data: Object.freeze([...budgets.values()]), page, perPage, total, summary })
}

/** Matches up to which a page is found by gathering and sorting them, and beyond which by going along the order. */
const SORTED_MAX = 2_000

async function idsOfPage(
  tx: ReadTx,
  filter: BudgetFilter,
  column: keyof typeof ORDERS,
  { limit, offset, direction }: PageSlice,
  total: number,
): Promise<{ agent_id: string }[]> {
  const isOfAll = filter.ownerId === undefined && filter.agentId === undefined
  if (column === 'name' && isOfAll && (await allAreNamed(tx))) {
    return matchingNamed(tx, filter)
      .select('b.agent_id')
      .orderBy(sql.ref('a.name'), direction)
      .orderBy(sql.ref('a.id'), direction)
      .limit(limit)
      .offset(offset)
      .execute()
  }
  let query = matching(tx, filter)
  const { from, to } = gradesOf(filter)
  const isFiltered = filter.status !== undefined || filter.riskLevel !== undefined || filter.threshold !== undefined
  const isSorted = !isOfAll || (isFiltered && total <= SORTED_MAX)
  if (isOfAll && isFiltered && (isSorted || column === 'used')) {
    // The rank is that of the grade, but for nothing of nothing, and beyond the last grade.
    if (from > 0) query = query.where('b.used_rank', '>=', from)
    if (to < GRADE_MAX) query = query.where('b.used_rank', '<=', Math.max(to, 0))
  }
  // Nothing is used of nothing: all are alike but for their ids.
  const areAlike = filter.status === 'unfunded' && (column === 'used' || column === 'allocated' || column === 'spent')
  for (const [index, term] of (areAlike ? [] : ORDERS[column](expressionBuilder())).entries()) {
    // A sum is no column of an index: the matches are gathered by what they have in common, and not along the order.
    const isHidden = isSorted && index === 0 && column !== 'name'
    query = query.orderBy(isHidden ? sql`${term} + 0` : term, direction)
  }
  return query.select('b.agent_id').orderBy('b.agent_id', direction).limit(limit).offset(offset).execute()
}

/** Whether every budget in use is that of an agent with a name: then the index of names gives budgets in their order. */
async function allAreNamed(tx: ReadTx): Promise<boolean> {
  const named = await keptCount(tx, 'agents', ['running active', 'idle active', 'stopped active', 'failed active'])
  return named === (await readGradeSums(tx, gradesOf({}))).agents
}

async function keptSummary(tx: ReadTx, filter: BudgetFilter): Promise<BudgetSummary> {
  const { agents, active, unfunded, allocated, spent, reserved, overdrawn } = await readGradeSums(tx, gradesOf(filter))
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

async function summarise(tx: ReadTx, filter: BudgetFilter): Promise<BudgetSummary> {
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
  const available = allocated - reserved - spent
  const active = row.active ?? 0
  const unfunded = row.unfunded ?? 0
  return Object.freeze({
    agents: row.agents,
    active,
    unfunded,
    exhausted: row.agents - active - unfunded,
    allocated,
    spent,
    reserved,
    available,
    remaining,
    // What is left of some, less what others have overdrawn, is what all have together.
    overdrawn: remaining - available,
    percentUsed: percentUsed(allocated, spent),
  })
}

type ChangeRow = Pick<
  LedgerEntriesTable,
  'version' | 'created_at' | 'type' | 'amount_micros' | 'allocated_after' | 'reason' | 'actor_id' | 'budget_request_id'
>

/** Prepared, since the types of the rows must stand in the text: as parameters they hide the index of allocation rows. */
function changesInOrder(order: 'asc' | 'desc') {
  return prepare<{ agentId: string; beyond: number; limit: number }, ChangeRow>((db, p) =>
    db
      .selectFrom('ledger_entries')
      .select([
        'version',
        'created_at',
        'type',
        'amount_micros',
        'allocated_after',
        'reason',
        'actor_id',
        'budget_request_id',
      ])
      .where('agent_id', '=', p('agentId'))
      .where('type', 'in', ['allocate', 'deallocate'])
      .where('version', order === 'asc' ? '>' : '<', p('beyond'))
      .orderBy('version', order)
      .limit(p('limit')),
  )
}

const CHANGES = { asc: changesInOrder('asc'), desc: changesInOrder('desc') } as const

/** The allocation rows of the ledger, newest first unless `order` says otherwise. @throws {LeaseError} AGENT_NOT_FOUND */
export async function budgetHistory(
  tx: ReadTx,
  agentId: string,
  options: Cursor & AtTx,
): Promise<CursorPage<BudgetChange>> {
  const { after, limit, order } = cursorWindow(options, ['number'])
  if ((await readBudget(tx, agentId)) === undefined) throw new LeaseError('AGENT_NOT_FOUND', 'there is no such agent')
  const [version = order === 'asc' ? -1 : Number.MAX_SAFE_INTEGER] = after ?? []
  const rows = await CHANGES[order].all(tx, { agentId, beyond: Number(version), limit: limit + 1 })
  return cursorPage(
    rows,
    limit,
    (row): BudgetChange => {
      const change = row.type === 'allocate' ? row.amount_micros : minus(ZERO, row.amount_micros)
      return Object.freeze({
        version: row.version,
        at: row.created_at,
        previousAllocated: minus(row.allocated_after, change),
        allocated: row.allocated_after,
        reason: row.reason,
        changedBy: row.actor_id ?? agentId,
        budgetRequestId: row.budget_request_id,
      })
    },
    (row) => [row.version],
  )
}
