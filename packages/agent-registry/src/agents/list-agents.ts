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
} from '@iron/database'
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

/** Agents with a tag, or of an owner, up to which they are gathered and sorted; beyond it a page is found along its order. */
const GATHERED_MAX = 1_000

/** An owner of more than this part of all agents is asked of those that fit otherwise; of others the agents are gathered. */
const MAIN_SHARE = 10

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
  const owned = await countOwned(tx, filter, budgets)
  const isMain = owned !== undefined && owned.total * MAIN_SHARE > owned.ofAll
  let matching = matchingAgents(tx, filter, isTagRare, isMain)
  const few = filter.name === undefined ? undefined : await fewIds(matching.select('a.id'))
  if (few !== undefined && few.length > 0) matching = tx.sql.selectFrom('agents as a').where('a.id', 'in', few)
  const ownedOnly = hasOwnerOnly(filter) ? owned : undefined
  const total = ownedOnly?.total ?? few?.length ?? (await countAgents(tx, filter, isTagRare, isMain))
  const slice = pageSlice(window, total)
  if (ownedOnly !== undefined) {
    // Along the order of all agents, where that is expected to take fewer steps than to gather the owner's.
    const isAlong = (slice.offset + slice.limit) * ownedOnly.ofAll < total * total
    matching = matchingAgents(tx, filter, isTagRare, isAlong)
  }
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

/** Whether nothing else is asked of agents than their owner, and perhaps their status. */
function hasOwnerOnly({ name, tag, state }: AgentFilter): boolean {
  return name === undefined && tag === undefined && state === undefined
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
 * Agents that fit, with their budgets when an owner decides.
 *
 * @param isTagRare whether those with the tag are gathered by it, and not looked for in the order of the list
 * @param isMain whether the owner is asked of each of the others: as a question about each, no engine gathers agents by their owner first
 */
function matchingAgents(
  tx: ReadTx,
  { ownerId, state, status, name, tag }: AgentFilter,
  isTagRare: boolean,
  isMain: boolean,
) {
  let matching = tx.sql.selectFrom('agents as a')
  if (ownerId !== undefined && isMain) {
    matching = matching.where(
      (eb) => eb.selectFrom('agent_budgets as b').select('b.owner_id').whereRef('b.agent_id', '=', 'a.id'),
      '=',
      ownerId,
    )
  } else if (ownerId !== undefined) {
    matching = tx.sql
      .selectFrom('agents as a')
      .innerJoin('agent_budgets as b', 'b.agent_id', 'a.id')
      .where('b.owner_id', '=', ownerId)
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

/**
 * How many agents in use an owner of many has, and how many there are in all, without a look at them. `undefined`: the owner has few,
 * others than those in use are asked for, or there are budgets of no agent, which are counted with the others.
 */
async function countOwned(
  tx: ReadTx,
  { ownerId, status }: AgentFilter,
  budgets: AgentBudgetManager,
): Promise<{ readonly total: number; readonly ofAll: number } | undefined> {
  if (ownerId === undefined || status !== 'active') return undefined
  const total = await budgets.count({ ownerId }, { tx })
  if (total <= GATHERED_MAX) return undefined
  const ofAll = await keptCount(
    tx,
    'agents',
    AGENT_STATES.map((one) => `${one} active`),
  )
  return ofAll === (await budgets.count({}, { tx })) ? { total, ofAll } : undefined
}

/** How many fit: of everybody's agents by state and status, or by tag and status, without a look at them. */
async function countAgents(tx: ReadTx, filter: AgentFilter, isTagRare: boolean, isMain: boolean): Promise<number> {
  const { ownerId, state, status, name, tag } = filter
  const isOfAll = ownerId === undefined && name === undefined
  if (isOfAll && tag !== undefined && state === undefined) return countTagged(tx, filter)
  if (!isOfAll || tag !== undefined) return countOf(matchingAgents(tx, filter, isTagRare, isMain))
  const states = state === undefined ? AGENT_STATES : [state]
  return keptCount(
    tx,
    'agents',
    states.flatMap((one) => statusesOf(status).map((other) => `${one} ${other}`)),
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
