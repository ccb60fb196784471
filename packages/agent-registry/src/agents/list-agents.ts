import { pageWindow, type Page, type Paged, type ReadTx } from '@iron/database'
import { type RawBuilder, sql, type SqlBool } from 'kysely'
import type { AgentBudgetManager } from '@iron/lease-manager'
import { type Agent, agentOf, type AgentState } from '../agent.ts'
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
  let matching = tx.sql.selectFrom('agents as a').innerJoin('agent_budgets as b', 'b.agent_id', 'a.id')
  if (filter.ownerId !== undefined) matching = matching.where('b.owner_id', '=', filter.ownerId)
  if (filter.state !== undefined) matching = matching.where('a.state', '=', filter.state)
  if (filter.status !== undefined)
    matching = matching.where('b.archived_at', filter.status === 'active' ? 'is' : 'is not', null)
  const { name, tag } = filter
  if (name !== undefined) matching = matching.where(contains(tx, sql`lower(a.name)`, name.toLowerCase()))
  if (tag !== undefined) matching = matching.where(contains(tx, sql.ref('a.tags'), JSON.stringify(tag)))
  const { total } = await matching.select(({ fn }) => fn.countAll<number>().as('total')).executeTakeFirstOrThrow()
  const rows = await matching
    .selectAll('a')
    .orderBy(window.column, window.direction)
    .orderBy('a.id', window.direction)
    .limit(window.perPage)
    .offset(window.offset)
    .execute()
  const ids = rows.map(({ id }) => id)
  const providerIds = await findProviderIdsOfAll(tx, ids)
  const data: Agent[] = []
  for (const row of rows) {
    const budget = await budgets.get(row.id, { tx })
    if (budget !== undefined) data.push(agentOf(row, budget, providerIds.get(row.id) ?? []))
  }
  return { data, page: window.page, perPage: window.perPage, total }
}

/** A plain substring: no character of the text is special (VAL-11). */
function contains(tx: ReadTx, column: RawBuilder<unknown>, text: string): RawBuilder<SqlBool> {
  return tx.dialect === 'sqlite'
    ? sql<SqlBool>`instr(${column}, ${text}) > 0`
    : sql<SqlBool>`strpos(${column}, ${text}) > 0`
}
