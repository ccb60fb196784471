/**
 * The only code that touches balances (budget protocol 3.4). One movement is one conditional UPDATE of the agent's budget row,
 * which repeats the guard, and one INSERT of the ledger row with the resulting balances and the next link of its hash chain;
 * a trigger compares the two. Rows are never changed afterwards: a correction is a movement of its own (MON-31).
 */
import { type Microdollars, ZERO } from '@iron/cost-calculator'
import { prepare, type SetType, type Statement, type WriteTx } from '@iron/database'
import { type LockedBudget, lostRace } from '../budget/budget-row.ts'
import {
  type Crossing,
  crossedByAllocation,
  crossedBySpending,
  type Mark,
  type Threshold,
} from '../budget/threshold.ts'
import { admits, changesAllocation, type LedgerType, moved } from './movement.ts'
import { rowHash, type UnsealedRow } from './row-hash.ts'

/** What is to be booked. */
export interface Movement {
  readonly type: LedgerType
  /** 0 books nothing. */
  readonly amount: Microdollars
  readonly leaseId?: string | undefined
  /** Of the report. */
  readonly requestId?: string | undefined
  readonly budgetRequestId?: string | undefined
  /** Absent: the agent itself. */
  readonly actorId?: string | undefined
  readonly reason?: string | undefined
}

/** The budget after the movement, and what its owner is to be told. */
export interface Posted {
  readonly budget: LockedBudget
  readonly crossed: readonly Threshold[]
}

/** A movement that is decided, and the two rows that book it; none for an amount of 0. */
export interface Move extends Posted {
  readonly rows: MoveRows | undefined
}

interface MoveRows {
  readonly update: BudgetUpdate
  readonly entry: UnsealedRow & { readonly hash: string }
}

interface BudgetUpdate {
  readonly agentId: string
  readonly seq: number
  readonly amount: number
  readonly allocated: number
  readonly reserved: number
  readonly spent: number
  readonly version: number
  readonly nextSeq: number
  readonly hash: string
  readonly mark: Mark
  readonly at: number
}

/** Which sum of columns must cover the amount, as SQL sees it. */
type Guard = 'available' | 'reserved' | 'spent' | 'none'

/** The guard of a movement. */
const GUARDS: Readonly<Record<LedgerType, Guard>> = {
  allocate: 'none',
  deallocate: 'available',
  grant: 'available',
  spend: 'reserved',
  overrun: 'none',
  release: 'reserved',
  adjust: 'spent',
}

const UPDATE_TYPES: Readonly<Record<keyof BudgetUpdate, SetType>> = {
  agentId: 'text',
  seq: 'bigint',
  amount: 'bigint',
  allocated: 'bigint',
  reserved: 'bigint',
  spent: 'bigint',
  version: 'bigint',
  nextSeq: 'bigint',
  hash: 'text',
  mark: 'bigint',
  at: 'bigint',
}

/** An allocation is named where it changes and nowhere else: SQLite writes the index of every column that is named. */
function guardedUpdate(guard: Guard, changes: 'allocation' | 'balances'): Statement<BudgetUpdate, never> {
  return prepare<BudgetUpdate>(
    (db, p) => {
      const update = db
        .updateTable('agent_budgets')
        .set({
          ...(changes === 'allocation' && { allocated_micros: p('allocated') as never, version: p('version') }),
          reserved_micros: p('reserved') as never,
          spent_micros: p('spent') as never,
          ledger_seq: p('nextSeq'),
          ledger_hash: p('hash'),
          alerted_percent: p('mark'),
          updated_at: p('at'),
        })
        .where('agent_id', '=', p('agentId'))
        .where('ledger_seq', '=', p('seq'))
      switch (guard) {
        case 'none':
          return update
        case 'available':
          return update.where((eb) =>
            eb(
              eb(eb('allocated_micros', '-', eb.ref('reserved_micros')), '-', eb.ref('spent_micros')),
              '>=',
              p('amount') as never,
            ),
          )
        case 'reserved':
          return update.where('reserved_micros', '>=', p('amount') as never)
        case 'spent':
          return update.where('spent_micros', '>=', p('amount') as never)
      }
    },
    { together: UPDATE_TYPES },
  )
}

const updates = {
  allocation: { none: guardedUpdate('none', 'allocation'), available: guardedUpdate('available', 'allocation') },
  balances: {
    none: guardedUpdate('none', 'balances'),
    available: guardedUpdate('available', 'balances'),
    reserved: guardedUpdate('reserved', 'balances'),
    spent: guardedUpdate('spent', 'balances'),
  },
}

function updateFor(type: LedgerType): Statement<BudgetUpdate, never> {
  switch (type) {
    case 'allocate':
      return updates.allocation.none
    case 'deallocate':
      return updates.allocation.available
    default:
      return updates.balances[GUARDS[type]]
  }
}

const insertEntry = prepare<UnsealedRow & { hash: string }>(
  (db, p) =>
    db.insertInto('ledger_entries').values({
      agent_id: p('agent_id'),
      seq: p('seq'),
      type: p('type'),
      amount_micros: p('amount_micros'),
      lease_id: p('lease_id'),
      request_id: p('request_id'),
      budget_request_id: p('budget_request_id'),
      version: p('version'),
      allocated_after: p('allocated_after'),
      reserved_after: p('reserved_after'),
      spent_after: p('spent_after'),
      actor_id: p('actor_id'),
      reason: p('reason'),
      created_at: p('created_at'),
      hash: p('hash'),
    }),
  {
    together: {
      agent_id: 'text',
      seq: 'bigint',
      type: 'text',
      amount_micros: 'bigint',
      lease_id: 'text',
      request_id: 'text',
      budget_request_id: 'text',
      version: 'bigint',
      allocated_after: 'bigint',
      reserved_after: 'bigint',
      spent_after: 'bigint',
      actor_id: 'text',
      reason: 'text',
      created_at: 'bigint',
      hash: 'text',
    },
    key: 'hash',
  },
)

/**
 * Books one movement on a locked budget.
 *
 * @throws {DatabaseError} DATABASE_BUSY, to be run again, when the row is not the one that was read
 */
export async function post(tx: WriteTx, budget: LockedBudget, movement: Movement): Promise<Posted> {
  const move = decideMove(budget, movement)
  await writeMove(tx, move)
  return move
}

/** What a movement makes of a budget; nothing is written. @throws {CostError} when a balance leaves the exact integers */
export function decideMove(budget: LockedBudget, movement: Movement): Move {
  const { type, amount } = movement
  if (amount === ZERO) return { budget, crossed: [], rows: undefined }
  if (amount < 0 || !admits(budget, type, amount))
    throw new Error(`ledger: ${type} of ${amount} was not decided on these balances`)
  const after = moved(budget, type, amount)
  const { crossed, mark } = crossing(budget, after, type)
  const version = changesAllocation(type) ? budget.version + 1 : budget.version
  const seq = budget.seq + 1
  const row: UnsealedRow = {
    agent_id: budget.agentId,
    seq,
    type,
    amount_micros: amount,
    lease_id: movement.leaseId ?? null,
    request_id: movement.requestId ?? null,
    budget_request_id: movement.budgetRequestId ?? null,
    version,
    allocated_after: after.allocated,
    reserved_after: after.reserved,
    spent_after: after.spent,
    actor_id: movement.actorId ?? null,
    reason: movement.reason ?? null,
    created_at: budget.now,
  }
  const hash = rowHash(budget.hash, row)
  return {
    budget: { ...budget, ...after, version, seq, hash, mark, updatedAt: budget.now },
    crossed,
    rows: {
      update: {
        agentId: budget.agentId,
        seq: budget.seq,
        amount,
        ...after,
        version,
        nextSeq: seq,
        hash,
        mark,
        at: budget.now,
      },
      entry: { ...row, hash },
    },
  }
}

/** Books a decided movement. @throws {DatabaseError} as {@link post} */
export async function writeMove(tx: WriteTx, { rows }: Move): Promise<void> {
  if (rows === undefined) return
  const [updated, inserted] = await Promise.allSettled([
    updateFor(rows.entry.type).run(tx, rows.update),
    insertEntry.run(tx, rows.entry),
  ])
  // Then the ledger refuses the row as well: it does not match the budget.
  if (updated.status === 'fulfilled' && updated.value !== 1) throw lostRace(CHANGED)
  for (const done of [updated, inserted]) if (done.status === 'rejected') throw done.reason
}

/**
 * Books movements that were decided one upon the other, in their order: each row of the ledger must meet the balances of its own
 * movement. They travel together.
 *
 * @throws {DatabaseError} as {@link post}
 */
export async function writeMoves(tx: WriteTx, moves: readonly Move[]): Promise<void> {
  const queries = moves.flatMap(({ rows }) =>
    rows === undefined
      ? []
      : [updateFor(rows.entry.type).bind(tx.dialect, rows.update), insertEntry.bind(tx.dialect, rows.entry)],
  )
  const results = await tx.executeAll(queries)
  if (results.some(({ numAffectedRows }) => numAffectedRows !== 1n)) throw lostRace(CHANGED)
}

const CHANGED = 'the budget changed under its lock'

function crossing(
  before: LockedBudget,
  after: { readonly allocated: Microdollars; readonly spent: Microdollars },
  type: LedgerType,
): Crossing {
  if (changesAllocation(type)) return crossedByAllocation(before, after)
  if (type === 'spend' || type === 'overrun') return crossedBySpending(after, before.mark)
  return { crossed: [], mark: before.mark }
}
