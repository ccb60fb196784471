import {
  containsText,
  fewIds,
  keptCount,
  type Page,
  type Paged,
  pageSlice,
  type PageSlice,
  pageWindow,
  type ReadTx,
  sql,
} from '@iron/database'
import type { RawBuilder, SqlBool } from 'kysely'
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

/** Agents with a tag, or of an owner, up to which they are gathered and sorted; beyond it a page is found along its order. */
const GATHERED_MAX = 1_000

/** One page of agents; filters apply before the page and to the total (DAT-19). */
export async function listAgents(
  tx: ReadTx,
  asked: AgentFilter,
  page: Page,
  budgets: AgentBudgetManager,
): Promise<Paged<Agent>> {
  // In the form in which names and tags are stored.
  const filter = { ...asked, name: asked.name?.normalize('NFC'), tag: asked.tag?.normalize('NFC') }
  const window = pageWindow(page, SORTS)
  const { column } = window
  const isTagRare = (await countTagged(tx, filter)) <= GATHERED_MAX
  let matching = matchingAgents(tx, filter, isTagRare)
  const few = filter.name === undefined ? undefined : await fewIds(matching.select('a.id'))
  if (few !== undefined && few.length > 0) matching = tx.sql.selectFrom('agents as a').where('a.id', 'in', few)
  const total = few?.length ?? (await countAgents(tx, filter, isTagRare))
  const slice = pageSlice(window, total)
  if (await isFoundAlong(tx, filter, column, slice, total)) matching = matchingAgents(tx, filter, isTagRare, true)
  const ids =
    column === 'a.created_at' && hasTagOnly(filter)
      ? idsByTag(tx, filter, slice)
      : matching
          .select('a.id')
          .orderBy(column, slice.direction)
          .orderBy('a.id', slice.direction)
          .limit(slice.limit)
          .offset(slice.offset)
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
  return Object.freeze({ data: Object.freeze(data), page: window.page, perPage: window.perPage, total })
}

/** Whether nothing else is asked of agents than a tag, and perhaps that they are active, as most are. */
function hasTagOnly({ ownerId, name, tag, state, status }: AgentFilter): boolean {
  return (
    tag !== undefined && ownerId === undefined && name === undefined && state === undefined && status !== 'archived'
  )
}

/**
 * Whether the agents of an owner of many are looked for along the order, among everybody's: they are, where that is expected to take
 * fewer steps than to gather and sort the owner's. Their own index has them in the order in which they were made.
 */
async function isFoundAlong(
  tx: ReadTx,
  { ownerId }: AgentFilter,
  column: (typeof SORTS)[keyof typeof SORTS],
  { limit, offset }: PageSlice,
  total: number,
): Promise<boolean> {
  if (ownerId === undefined || column === 'a.created_at' || total <= GATHERED_MAX) return false
  return (offset + limit) * (await keptCount(tx, 'agents')) < total * total
}

/** The page's agents with a tag: their index has them in the order in which they were made. */
function idsByTag(tx: ReadTx, { tag, status }: AgentFilter, { direction, limit, offset }: PageSlice) {
  let tagged = tx.sql.selectFrom('agent_tags as t').where('t.tag', '=', tag ?? '')
  if (status !== undefined) {
    tagged = tx.sql
      .selectFrom('agent_tags as t')
      .innerJoin('agents as a', 'a.id', 't.agent_id')
      .where('t.tag', '=', tag ?? '')
      .where('a.archived', '=', 0)
  }
  return tagged
    .select('t.agent_id as id')
    .orderBy('t.created_at', direction)
    .orderBy('t.agent_id', direction)
    .limit(limit)
    .offset(offset)
}

/**
 * Agents that fit.
 *
 * @param isTagRare whether those with the tag are gathered by it, and not looked for in the order of the list
 * @param isAlong whether no engine is to gather the owner's agents first
 */
function matchingAgents(
  tx: ReadTx,
  { ownerId, state, status, name, tag }: AgentFilter,
  isTagRare: boolean,
  isAlong = false,
) {
  let matching = tx.sql.selectFrom('agents as a')
  if (ownerId !== undefined) {
    const isOwners = sql<SqlBool>`${sql.ref('a.owner_id')} = ${ownerId}`
    // A truth is in no index, and PostgreSQL knows how many it is true of.
    matching = matching.where(isAlong ? sql<SqlBool>`(${isOwners}) IS TRUE` : isOwners)
  }
  // Written out: with parameters in their places no engine could know that the index of the archived or of a state applies.
  if (status !== undefined) matching = matching.where('a.archived', '=', sql.lit(status === 'archived' ? 1 : 0))
  if (state !== undefined) matching = matching.where('a.state', '=', sql.lit(state))
  if (name !== undefined) matching = matching.where(containsText(tx, 'a.name', name))
  if (tag !== undefined) {
    matching = isTagRare
      ? matching.where('a.id', 'in', tx.sql.selectFrom('agent_tags').select('agent_id').where('tag', '=', tag))
      : matching.where(contains(tx, sql.ref('a.tags'), JSON.stringify(tag)))
  }
  return matching
}

/** How many of everybody's agents have the tag of a filter and its status. */
async function countTagged(tx: ReadTx, { tag, status }: AgentFilter): Promise<number> {
  if (tag === undefined) return 0
  return keptCount(
    tx,
    'agent_tags',
    statusesOf(status).map((one) => `${one} ${tag}`),
  )
}

function statusesOf(status: AgentFilter['status']): readonly Agent['status'][] {
  return status === undefined ? ['active', 'archived'] : [status]
}

/** How many fit: of everybody's agents or an owner's by state and status, or by tag and status, without a look at them. */
async function countAgents(tx: ReadTx, filter: AgentFilter, isTagRare: boolean): Promise<number> {
  const { ownerId, state, status, name, tag } = filter
  const isKept = name === undefined && (tag === undefined || (ownerId === undefined && state === undefined))
  if (!isKept) return countOf(matchingAgents(tx, filter, isTagRare))
  if (tag !== undefined) return countTagged(tx, filter)
  const states = state === undefined ? AGENT_STATES : [state]
  const parts = states.flatMap((one) => statusesOf(status).map((other) => `${one} ${other}`))
  if (ownerId === undefined) return keptCount(tx, 'agents', parts)
  return keptCount(
    tx,
    'owned_agents',
    parts.map((part) => `${part} ${ownerId}`),
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
