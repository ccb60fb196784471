import { keptCount, type Page, type Paged, pageSlice, pageWindow, type ReadTx } from '@iron/database'
import { type RawBuilder, sql, type SqlBool } from 'kysely'
import type { AgentBudgetManager } from '@iron/lease-manager'
import { type Agent, AGENT_STATES, agentOf, type AgentState } from '../agent.ts'
import { findProviderIdsOfAll } from '../providers/assignment-rows.ts'

/** Which agents. Text matches a case-insensitive substring, everything else exactly. */
export interface AgentFilter {
  /** The present owner. */
  readonly ownerId?: string | undefined
  readonly name?: string | undefined
  readonly tag?: string | undefined
  readonly state?: AgentState | undefined
  /** Default: both. */
  readonly status?: Agent['status'] | undefined
}

const SORTS = { createdAt: 'a.created_at', updatedAt: 'a.updated_at', name: 'a.name' } as const

/** One page of agents; filters apply before the page and to the total (DAT-19). */
export async function listAgents(
  tx: ReadTx,
  filter: AgentFilter,
  page: Page,
  budgets: AgentBudgetManager,
): Promise<Paged<Agent>> {
  const window = pageWindow(page, SORTS)
  const { column } = window
  const total = await countAgents(tx, filter)
  const { limit, offset, direction } = pageSlice(window, total)
  const ids = matchingAgents(tx, filter)
    .select('a.id')
    .orderBy(column, direction)
    .orderBy('a.id', direction)
    .limit(limit)
    .offset(offset)
  const rows = await tx.sql
    .selectFrom('agents as a')
    .selectAll()
    .where('a.id', 'in', ids)
    .orderBy(column, window.direction)
    .orderBy('a.id', window.direction)
    .execute()
  const found = rows.map(({ id }) => id)
  const budgetsOf = await budgets.getAll(found, { tx })
  const providerIds = await findProviderIdsOfAll(tx, found)
  const data: Agent[] = []
  for (const row of rows) {
    const budget = budgetsOf.get(row.id)
    if (budget !== undefined) data.push(agentOf(row, budget, providerIds.get(row.id) ?? []))
  }
  return { data, page: window.page, perPage: window.perPage, total }
}

/** Agents that fit, with their budgets as far as these decide. */
function matchingAgents(tx: ReadTx, { ownerId, state, status, name, tag }: AgentFilter) {
  let matching = tx.sql.selectFrom('agents as a')
  if (ownerId !== undefined || status !== undefined) {
    let owned = tx.sql.selectFrom('agents as a').innerJoin('agent_budgets as b', 'b.agent_id', 'a.id')
    if (ownerId !== undefined) owned = owned.where('b.owner_id', '=', ownerId)
    if (status !== undefined) {
      // The indexes of budgets in use are not for what one owner has: behind a sum they are not taken.
      const archivedAt = ownerId === undefined ? sql.ref('b.archived_at') : sql`${sql.ref('b.archived_at')} + 0`
      owned = owned.where(archivedAt, status === 'active' ? 'is' : 'is not', null)
    }
    matching = owned
  }
  // Written out: with a parameter in its place no engine could know that the index of the state applies.
  if (state !== undefined) matching = matching.where('a.state', '=', sql.lit(state))
  if (name !== undefined) matching = matching.where(contains(tx, sql`lower(a.name)`, name.toLowerCase()))
  if (tag !== undefined) matching = matching.where(contains(tx, sql.ref('a.tags'), JSON.stringify(tag)))
  return matching
}

/** How many fit: of everybody's agents by state and status without a look at them. */
async function countAgents(tx: ReadTx, filter: AgentFilter): Promise<number> {
  const { ownerId, state, status, name, tag } = filter
  if (ownerId !== undefined || name !== undefined || tag !== undefined) return countOf(matchingAgents(tx, filter))
  const states = state === undefined ? AGENT_STATES : [state]
  const statuses = status === undefined ? (['active', 'archived'] as const) : [status]
  return keptCount(
    tx,
    'agents',
    states.flatMap((one) => statuses.map((other) => `${one} ${other}`)),
  )
}

async function countOf(matching: ReturnType<typeof matchingAgents>): Promise<number> {
  const { total } = await matching.select(({ fn }) => fn.countAll<number>().as('total')).executeTakeFirstOrThrow()
  return total
}

/** A plain substring: no character of the text is special (VAL-11). */
function contains(tx: ReadTx, column: RawBuilder<unknown>, text: string): RawBuilder<SqlBool> {
  return tx.dialect === 'sqlite'
    ? sql<SqlBool>`instr(${column}, ${text}) > 0`
    : sql<SqlBool>`strpos(${column}, ${text}) > 0`
}
