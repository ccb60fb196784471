/**
 * Rewrites an agent's cached figures from its ledger (data-model 4): the balances of the budget row and the sums of its leases.
 * The ledger itself is never rewritten; rows that contradict each other are a case for the backup.
 */
import { type Microdollars, minus, toUsd, ZERO } from '@iron/cost-calculator'
import type { WriteTx } from '@iron/database'
import type { ActorRef } from '@iron/journal'
import { plus } from '../amount.ts'
import type { Books } from '../books.ts'
import { type Balances, balancesOf } from '../budget/balance.ts'
import { lockKnownBudget } from '../budget/budget-row.ts'
import { LeaseError } from '../errors.ts'
import { isOpen } from '../lease/lease.ts'
import type { Stored } from './movement.ts'
import { replayLedger } from './replay-ledger.ts'
import { allLeases, costsOfLeases } from './verify-agent.ts'

/** @throws {LeaseError} AGENT_NOT_FOUND; LEDGER_MISMATCH when the ledger's own rows disagree */
export async function rebuildAgent(tx: WriteTx, books: Books, agentId: string, actor: ActorRef): Promise<Balances> {
  const budget = await lockKnownBudget(tx, agentId, books.clock, { exclusive: true })
  const replay = await replayLedger(tx, agentId)
  const [broken] = replay.faults
  if (broken !== undefined) {
    throw new LeaseError('LEDGER_MISMATCH', 'the ledger itself is damaged; only a backup can repair it', {
      details: { what: broken.what, seq: broken.seq },
    })
  }
  await tx.sql
    .updateTable('agent_budgets')
    .set({
      allocated_micros: replay.stored.allocated,
      reserved_micros: replay.stored.reserved,
      spent_micros: replay.stored.spent,
      version: replay.version,
      ledger_seq: replay.seq,
      ledger_hash: replay.hash,
      updated_at: replay.at ?? budget.createdAt,
    })
    .where('agent_id', '=', agentId)
    .execute()
  const costs = await costsOfLeases(tx, agentId)
  for (const lease of await allLeases(tx, agentId)) {
    const sums = replay.leases.get(lease.id)
    const spent = sums?.spent ?? ZERO
    const overrun = sums?.overrun ?? ZERO
    await tx.sql
      .updateTable('leases')
      .set({
        spent_micros: spent,
        overrun_micros: overrun,
        released_micros: isOpen(lease) ? ZERO : (sums?.released ?? ZERO),
        unreported_micros: minus(plus(spent, overrun), costs.get(lease.id) ?? ZERO),
      })
      .where('id', '=', lease.id)
      .execute()
  }
  books.audit.defer(
    {
      operation: 'LEDGER_REBUILT',
      resourceType: 'agent',
      resourceId: agentId,
      actor,
      changes: { before: figures(budget), after: figures(replay.stored) },
      metadata: { ledger_seq: replay.seq },
    },
    { tx },
  )
  return Object.freeze(balancesOf(replay.stored))
}

function figures(stored: Stored): { readonly [name: string]: number } {
  const usd = (amount: Microdollars): number => toUsd(amount)
  return { allocated_usd: usd(stored.allocated), reserved_usd: usd(stored.reserved), spent_usd: usd(stored.spent) }
}
