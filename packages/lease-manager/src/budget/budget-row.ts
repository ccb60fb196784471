/**
 * The one row per agent under whose lock everything of that agent happens (budget protocol 12.1). Reading it takes the owner's
 * lock first and the row's lock second; guards are evaluated after that and never before.
 */
import type { Microdollars } from '@iron/cost-calculator'
import {
  type AgentBudgetsTable,
  type Clock,
  DatabaseError,
  type IronSchema,
  prepare,
  type ReadTx,
  type WriteTx,
} from '@iron/database'
import type { ExpressionBuilder } from 'kysely'
import { LeaseError } from '../errors.ts'
import type { Stored } from '../ledger/movement.ts'
import { agentNow, warnOfClock } from './agent-now.ts'
import type { Mark } from './threshold.ts'

/** An agent's budget as read from its row. */
export interface BudgetState extends Stored {
  readonly agentId: string
  readonly agentName: string | null
  readonly ownerId: string | null
  /** Of the allocation. */
  readonly version: number
  /** Number and hash of the last ledger row. */
  readonly seq: number
  readonly hash: string
  readonly mark: Mark
  readonly archivedAt: number | null
  readonly createdAt: number
  readonly updatedAt: number
}

/** A budget whose row is locked until the end of the transaction, and the agent's time (budget protocol 11.2). */
export interface LockedBudget extends BudgetState {
  readonly now: number
}

/** The columns of {@link BudgetState} as SQL gives them. */
export interface BudgetRow {
  readonly agent_id: string
  readonly agent_name: string | null
  readonly owner_id: string | null
  readonly allocated_micros: Microdollars
  readonly reserved_micros: Microdollars
  readonly spent_micros: Microdollars
  readonly version: number
  readonly ledger_seq: number
  readonly ledger_hash: string
  readonly alerted_percent: Mark
  readonly archived_at: number | null
  readonly created_at: number
  readonly updated_at: number
}

export const BUDGET_COLUMNS = [
  'b.agent_id',
  'b.owner_id',
  'b.allocated_micros',
  'b.reserved_micros',
  'b.spent_micros',
  'b.version',
  'b.ledger_seq',
  'b.ledger_hash',
  'b.alerted_percent',
  'b.archived_at',
  'b.created_at',
  'b.updated_at',
] as const

/** The name of the agent of a budget `b`, as a part of its row. */
export function agentNameOf(eb: ExpressionBuilder<IronSchema & { b: AgentBudgetsTable }, 'b'>) {
  return eb.selectFrom('agent_owner as o').select('o.agent_name').whereRef('o.agent_id', '=', 'b.agent_id')
}

const budgetById = prepare<{ agentId: string }, BudgetRow>((db, p) =>
  db
    .selectFrom('agent_budgets as b')
    .select(BUDGET_COLUMNS)
    .select((eb) => agentNameOf(eb).as('agent_name'))
    .where('b.agent_id', '=', p('agentId')),
)

const lockedBudgetById = prepare<{ agentId: string }, BudgetRow>(
  (db, p, dialect) => {
    const query = db
      .selectFrom('agent_budgets as b')
      .select(BUDGET_COLUMNS)
      .select((eb) => agentNameOf(eb).as('agent_name'))
      .where('b.agent_id', '=', p('agentId'))
    return dialect === 'postgres' ? query.forUpdate('b') : query
  },
  { together: { agentId: 'text' } },
)

const ownerById = prepare<{ agentId: string }, { owner_id: string | null }>(
  (db, p) => db.selectFrom('agent_budgets').select('owner_id').where('agent_id', '=', p('agentId')),
  { together: { agentId: 'text' } },
)

export function budgetState(row: BudgetRow): BudgetState {
  return {
    agentId: row.agent_id,
    agentName: row.agent_name,
    ownerId: row.owner_id,
    allocated: row.allocated_micros,
    reserved: row.reserved_micros,
    spent: row.spent_micros,
    version: row.version,
    seq: row.ledger_seq,
    hash: row.ledger_hash,
    mark: row.alerted_percent,
    archivedAt: row.archived_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

/** An agent's budget as committed, without lock. */
export async function readBudget(tx: ReadTx, agentId: string): Promise<BudgetState | undefined> {
  const row = await budgetById.first(tx, { agentId })
  return row === undefined ? undefined : budgetState(row)
}

/** The name of an owner's lock. Other packages that must exclude grants of an owner take the same (budget protocol 12.1). */
export function ownerLock(ownerId: string): string {
  return `owner:${ownerId}`
}

/** What the lock of an agent's budget row is remembered by in a transaction. */
export function budgetLock(agentId: string): string {
  return `budget:${agentId}`
}

/** How an agent is locked. */
export interface LockOptions {
  /** Of the owner: grants and owner changes exclude each other, everything else of one owner may run side by side. */
  readonly exclusive?: boolean | undefined
  /** An owner that is to be locked as well, because the agent moves to it. */
  readonly newOwnerId?: string | undefined
}

/**
 * Locks an agent: its owner, then its budget row. `undefined` when there is no budget: none comes into being by being used
 * (MON-27).
 *
 * @throws {DatabaseError} DATABASE_BUSY, to be run again, when the agent changed its owner between the two locks
 */
export async function lockBudget(
  tx: WriteTx,
  agentId: string,
  clock: Clock,
  options: LockOptions = {},
): Promise<LockedBudget | undefined> {
  if (tx.dialect === 'postgres' && (options.newOwnerId !== undefined || !holdsBudget(tx, agentId))) {
    const seen = await ownerById.first(tx, { agentId })
    if (seen === undefined) return undefined
    const shared = options.exclusive !== true
    for (const owner of sortedOwners(seen.owner_id, options.newOwnerId)) await tx.lock(ownerLock(owner), { shared })
    const row = await lockedBudgetById.first(tx, { agentId })
    if (row === undefined) return undefined
    if (row.owner_id !== seen.owner_id) throw lostRace('the agent changed its owner while it was being locked')
    return lockedBudget(row, clock)
  }
  // The one writer of a SQLite file holds every lock already (budget protocol 12.2), and a group of messages those of its agents.
  const row = await lockedBudgetById.first(tx, { agentId })
  if (row === undefined) return undefined
  if (tx.dialect === 'postgres' && row.owner_id !== null) {
    const shared = options.exclusive !== true
    // Nobody may wait for an owner while he holds a budget: whoever moves the agent holds the owner and waits for the budget.
    if (!tx.holds(ownerLock(row.owner_id), { shared }))
      throw lostRace('the agent has another owner than its group knew')
  }
  return lockedBudget(row, clock)
}

/** Whether the transaction has locked an agent together with others; nobody can have changed it since. */
export function holdsBudget(tx: WriteTx, agentId: string): boolean {
  return tx.holds(budgetLock(agentId))
}

/** Locks an agent that must exist. @throws {LeaseError} AGENT_NOT_FOUND */
export async function lockKnownBudget(
  tx: WriteTx,
  agentId: string,
  clock: Clock,
  options: LockOptions = {},
): Promise<LockedBudget> {
  const budget = await lockBudget(tx, agentId, clock, options)
  if (budget === undefined) throw new LeaseError('AGENT_NOT_FOUND', 'there is no such agent')
  return budget
}

/** Locks an agent that must be in use. @throws {LeaseError} AGENT_NOT_FOUND, AGENT_ARCHIVED */
export async function lockLiveBudget(
  tx: WriteTx,
  agentId: string,
  clock: Clock,
  options: LockOptions = {},
): Promise<LockedBudget> {
  const budget = await lockKnownBudget(tx, agentId, clock, options)
  if (budget.archivedAt !== null) throw new LeaseError('AGENT_ARCHIVED', 'the agent is archived')
  return budget
}

/** An optimistic step lost: `db.write` runs the whole transaction again, as after a serialization failure (CON-12). */
export function lostRace(text: string): DatabaseError {
  const cause = Object.assign(new Error(text), { code: '40001' })
  return new DatabaseError('DATABASE_BUSY', text, { retryable: true, cause })
}

function lockedBudget(row: BudgetRow, clock: Clock): LockedBudget {
  warnOfClock(clock, row.agent_id, row.updated_at)
  return { ...budgetState(row), now: agentNow(clock, row.updated_at) }
}

/** Each once, in the order in which they are locked. */
export function sortedOwners(...owners: (string | null | undefined)[]): string[] {
  const known = new Set(owners.filter((owner) => owner !== null && owner !== undefined))
  return [...known].sort((a, b) => (a < b ? -1 : 1))
}
