/** A ledger row as the package shows it (http-api 4.8). */
import type { Microdollars } from '@iron/cost-calculator'
import type { LedgerEntriesTable, ReadTx } from '@iron/database'
import { type Balances, balancesOf } from '../budget/balance.ts'
import { ACCOUNTS, type LedgerAccount, type LedgerType } from './movement.ts'

export interface LedgerEntry {
  /** Per agent, from 1, without gaps. */
  readonly seq: number
  readonly at: number
  readonly agentId: string
  readonly type: LedgerType
  /** Above 0. */
  readonly amount: Microdollars
  readonly fromAccount: LedgerAccount
  readonly toAccount: LedgerAccount
  readonly leaseId: string | null
  /** Of the report. */
  readonly requestId: string | null
  readonly budgetRequestId: string | null
  readonly reason: string | null
  /** Null: the agent itself. */
  readonly actorId: string | null
  /** Of the allocation. */
  readonly version: number
  /** After this row. */
  readonly balances: Balances
}

export function ledgerEntry(row: Readonly<LedgerEntriesTable>): LedgerEntry {
  const { from, to } = ACCOUNTS[row.type]
  return Object.freeze({
    seq: row.seq,
    at: row.created_at,
    agentId: row.agent_id,
    type: row.type,
    amount: row.amount_micros,
    fromAccount: from,
    toAccount: to,
    leaseId: row.lease_id,
    requestId: row.request_id,
    budgetRequestId: row.budget_request_id,
    reason: row.reason,
    actorId: row.actor_id,
    version: row.version,
    balances: Object.freeze(
      balancesOf({ allocated: row.allocated_after, reserved: row.reserved_after, spent: row.spent_after }),
    ),
  })
}

export async function findEntry(tx: ReadTx, agentId: string, seq: number): Promise<LedgerEntry | undefined> {
  const row = await tx.sql
    .selectFrom('ledger_entries')
    .selectAll()
    .where('agent_id', '=', agentId)
    .where('seq', '=', seq)
    .executeTakeFirst()
  return row === undefined ? undefined : ledgerEntry(row)
}
