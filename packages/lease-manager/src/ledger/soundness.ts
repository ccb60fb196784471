/** Checks 2 and 3 of budget protocol 3.5: the cached balances against the last ledger row and against the active leases. */
import { prepare, type ReadTx } from '@iron/database'
import { type Microdollars, ZERO } from '@iron/cost-calculator'
import { plus } from '../amount.ts'
import type { BudgetState } from '../budget/budget-row.ts'
import { holdOf, isOpen, type LeaseState } from '../lease/lease.ts'

/** Something that two places of the books say differently (rulings R7). Amounts in microdollars, counts as they are. */
export interface LedgerFault {
  readonly agentId: string
  /** The ledger row at fault, the first of its kind; null when it is a cached figure. */
  readonly seq: number | null
  readonly what: string
  readonly cached: number
  readonly ledger: number
}

/** What the last row of an agent's ledger says. */
export interface LastEntry {
  readonly seq: number
  readonly version: number
  readonly allocated_after: Microdollars
  readonly reserved_after: Microdollars
  readonly spent_after: Microdollars
  readonly hash: string
}

const lastEntry = prepare<{ agentId: string }, LastEntry>(
  (db, p) =>
    db
      .selectFrom('ledger_entries')
      .select(['seq', 'version', 'allocated_after', 'reserved_after', 'spent_after', 'hash'])
      .where('agent_id', '=', p('agentId'))
      .orderBy('seq', 'desc')
      .limit(1),
  { together: { agentId: 'text' } },
)

export function readLastEntry(tx: ReadTx, budget: BudgetState): Promise<LastEntry | undefined> {
  return lastEntry.first(tx, { agentId: budget.agentId })
}

/** The differences; none when the books are sound. */
export function decideSound(
  budget: BudgetState,
  last: LastEntry | undefined,
  leases: readonly LeaseState[],
): LedgerFault[] {
  const faults: LedgerFault[] = []
  const compare = (what: string, cached: number, ledger: number): void => {
    if (cached !== ledger) faults.push({ agentId: budget.agentId, seq: null, what, cached, ledger })
  }
  compare('allocated', budget.allocated, last?.allocated_after ?? ZERO)
  compare('reserved', budget.reserved, last?.reserved_after ?? ZERO)
  compare('spent', budget.spent, last?.spent_after ?? ZERO)
  compare('version', budget.version, last?.version ?? 0)
  compare('ledger_seq', budget.seq, last?.seq ?? 0)
  const held = leases.filter(isOpen).reduce((sum, lease) => plus(sum, holdOf(lease)), ZERO)
  compare('held', budget.reserved, held)
  return faults
}
