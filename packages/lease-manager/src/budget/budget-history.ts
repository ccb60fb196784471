/** The changes of one allocation, read from the rows of the ledger that made them. */
import { type Microdollars, minus, ZERO } from '@iron/cost-calculator'
import {
  type AtTx,
  type Cursor,
  type CursorPage,
  cursorPage,
  cursorWindow,
  type LedgerEntriesTable,
  prepare,
  type ReadTx,
} from '@iron/database'
import { LeaseError } from '../errors.ts'
import { readBudget } from './budget-row.ts'

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
