/**
 * Reads an agent's ledger from its first row and recomputes what every row should say: numbers, balances, floor of available, and
 * the hash chain (checks 1, 7 and 9 of budget protocol 3.5). Constant memory: rows come in pages.
 */
import { type Microdollars, ZERO } from '@iron/cost-calculator'
import { type LedgerEntriesTable, prepare, type ReadTx } from '@iron/database'
import { plus } from '../amount.ts'
import { available, changesAllocation, type LedgerType, moved, type Stored } from './movement.ts'
import { CHAIN_START, rowHash } from './row-hash.ts'
import type { LedgerFault } from './soundness.ts'

/** Rows read at once. */
const PAGE_ROWS = 1_000

/** Sums of the rows that name a lease: what the lease row should say. */
export interface LeaseSums {
  readonly granted: Microdollars
  readonly spent: Microdollars
  readonly overrun: Microdollars
  readonly released: Microdollars
}

/** What the rows of a ledger add up to. */
export interface Replay {
  readonly stored: Stored
  readonly version: number
  readonly seq: number
  /** Of the last row, as it is stored. */
  readonly hash: string
  /** Time of the last row. */
  readonly at: number | undefined
  readonly leases: ReadonlyMap<string, LeaseSums>
  /** Sums of the rows without lease: charges and credits of admins. */
  readonly charged: Microdollars
  readonly credited: Microdollars
  readonly faults: readonly LedgerFault[]
}

const page = prepare<{ agentId: string; after: number }, Readonly<LedgerEntriesTable>>((db, p) =>
  db
    .selectFrom('ledger_entries')
    .select([
      'agent_id',
      'seq',
      'type',
      'amount_micros',
      'lease_id',
      'request_id',
      'budget_request_id',
      'version',
      'allocated_after',
      'reserved_after',
      'spent_after',
      'actor_id',
      'reason',
      'created_at',
      'hash',
    ])
    .where('agent_id', '=', p('agentId'))
    .where('seq', '>', p('after'))
    .orderBy('seq')
    .limit(PAGE_ROWS),
)

const NO_SUMS: LeaseSums = { granted: ZERO, spent: ZERO, overrun: ZERO, released: ZERO }
const SUM_OF: Partial<Record<LedgerType, keyof LeaseSums>> = {
  grant: 'granted',
  spend: 'spent',
  overrun: 'overrun',
  release: 'released',
}

export async function replayLedger(tx: ReadTx, agentId: string): Promise<Replay> {
  const faults: LedgerFault[] = []
  const known = new Set<string>()
  /** The first fault of each kind is named: what follows from it would only repeat it. */
  const fault = (what: string, seq: number, cached: number, ledger: number): void => {
    if (known.has(what)) return
    known.add(what)
    faults.push({ agentId, seq, what, cached, ledger })
  }
  const leases = new Map<string, LeaseSums>()
  let stored: Stored = { allocated: ZERO, reserved: ZERO, spent: ZERO }
  let version = 0
  let seq = 0
  let hash = CHAIN_START
  let at: number | undefined
  let charged = ZERO
  let credited = ZERO

  for (
    let rows = await page.all(tx, { agentId, after: 0 });
    rows.length > 0;
    rows = await page.all(tx, { agentId, after: seq })
  ) {
    for (const row of rows) {
      const { hash: sealed, ...columns } = row
      if (row.seq !== seq + 1) fault('row seq', row.seq, row.seq, seq + 1)
      if (rowHash(hash, columns) !== sealed) fault('row hash', row.seq, row.seq, seq)
      stored = moved(stored, row.type, row.amount_micros)
      if (changesAllocation(row.type)) version += 1
      if (row.allocated_after !== stored.allocated)
        fault('row allocated', row.seq, row.allocated_after, stored.allocated)
      if (row.reserved_after !== stored.reserved) fault('row reserved', row.seq, row.reserved_after, stored.reserved)
      if (row.spent_after !== stored.spent) fault('row spent', row.seq, row.spent_after, stored.spent)
      if (row.version !== version) fault('row version', row.seq, row.version, version)
      const left = available(stored)
      if ((row.type === 'grant' || row.type === 'deallocate') && left < ZERO)
        fault('row available', row.seq, ZERO, left)
      if (stored.reserved < ZERO || stored.spent < ZERO)
        fault('row below zero', row.seq, ZERO, Math.min(stored.reserved, stored.spent))

      const field = SUM_OF[row.type]
      if (row.lease_id !== null && field !== undefined) {
        const sums = leases.get(row.lease_id) ?? NO_SUMS
        leases.set(row.lease_id, { ...sums, [field]: plus(sums[field], row.amount_micros) })
      } else if (row.type === 'overrun') charged = plus(charged, row.amount_micros)
      else if (row.type === 'adjust') credited = plus(credited, row.amount_micros)
      seq = row.seq
      hash = sealed
      at = row.created_at
    }
  }
  return { stored, version, seq, hash, at, leases, charged, credited, faults }
}
