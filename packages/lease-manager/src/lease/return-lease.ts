/** The last word on a lease: books what was never reported, releases the rest (budget protocol 4.7). */
import { type Amounts, type Microdollars, ZERO } from '@iron/cost-calculator'
import { toUsd } from '@iron/cost-calculator'
import { type InTx, prepare, type ReadTx, type WriteTx } from '@iron/database'
import type { ActorRef } from '@iron/journal'
import { plus } from '../amount.ts'
import { ledgerActor } from '../books.ts'
import { announceThresholds } from '../budget/announce.ts'
import { type Budget, publicBudget } from '../budget/budget.ts'
import type { LockedBudget } from '../budget/budget-row.ts'
import { post } from '../ledger/post.ts'
import { indexedRows } from '../ledger/read-entries.ts'
import { announceClosed, auditOverrun, auditReturned } from './announce.ts'
import type { LeaseContext } from './context.ts'
import type { Counted } from './counted.ts'
import { decideReturn } from './decide-return.ts'
import { endLease, endOverdueLeases } from './end-lease.ts'
import { leaseNotFound } from './grant.ts'
import { isOpen, type Lease, type LeaseState, type LeaseStatus, publicLease, statusAt } from './lease.ts'
import { agentOfLease } from './find-leases.ts'
import { lockWithLeases } from './lock-with-leases.ts'
import { updateLease } from './write-lease.ts'

/** Options of a return. */
export interface ReturnOptions extends InTx {
  /** The lease must be this agent's. */
  readonly agentId?: string | undefined
  /** The caller's own total for this lease, every call included. */
  readonly spent?: Microdollars | undefined
  /** Default: the agent itself. */
  readonly actor?: ActorRef | undefined
}

/** `spent`: the recorded total, overrun included. A repeat gets the figures of the first call. */
export interface ReturnResult extends Amounts<'spent' | 'returned' | 'unreported'> {
  readonly lease: Lease
  readonly budget: Budget
  readonly status: LeaseStatus
  readonly duplicate: boolean
  readonly counted: Counted
}

/** Reason of the ledger rows that book what a return claims beyond the reports. */
export const UNREPORTED_USAGE = 'unreported_usage'

export async function returnLease(
  tx: WriteTx,
  context: LeaseContext,
  leaseId: string,
  options: ReturnOptions,
): Promise<ReturnResult> {
  const agentId = options.agentId ?? (await agentOfLease(tx, leaseId))
  const found = agentId === undefined ? undefined : await lockWithLeases(tx, context, agentId, leaseId)
  if (found === undefined) throw leaseNotFound()
  const { budget: locked, read } = found
  const swept = await endOverdueLeases(
    tx,
    context,
    locked,
    read.named === undefined ? read.due : [...read.due, read.named],
  )
  const lease = swept.leases.find(({ id }) => id === leaseId)
  if (lease === undefined) throw leaseNotFound()
  const openLeases = read.openLeases - swept.ended

  const decision = decideReturn(lease, options.spent)
  if (decision.outcome === 'replayed') {
    const unreported = await unreportedOf(tx, lease.agentId, leaseId)
    return resultOf(lease, swept.budget, openLeases, {
      spent: lease.returnSpent ?? ZERO,
      unreported,
      counted: ZERO,
      duplicate: true,
    })
  }
  const wasOpen = isOpen(lease)
  const { spend, overrun, gap } = decision
  const { actor } = options
  const actorId = actor === undefined ? undefined : ledgerActor(actor)
  const cause = { leaseId, reason: UNREPORTED_USAGE, actorId }
  const spent = await post(tx, swept.budget, { type: 'spend', amount: spend, ...cause })
  const booked = await post(tx, spent.budget, { type: 'overrun', amount: overrun, ...cause })
  const change = {
    spent: plus(lease.spent, spend),
    overrun: plus(lease.overrun, overrun),
    unreported: plus(lease.unreported, gap),
    returnedAt: booked.budget.now,
    returnSpent: decision.total,
  }
  const ended = wasOpen
    ? await endLease(tx, booked.budget, lease, { closeReason: 'returned', actorId, change })
    : { budget: booked.budget, lease: await updateLease(tx, lease, change) }
  auditReturned(tx, context, ended.lease, gap, actor)
  if (overrun > ZERO) auditOverrun(tx, context, ended.lease, overrun, { unreported_usd: toUsd(gap) }, actor)
  if (wasOpen) announceClosed(tx, context, ended.lease)
  announceThresholds(tx, context, ended.budget, [...spent.crossed, ...booked.crossed], leaseId)
  return resultOf(ended.lease, ended.budget, openLeases - (wasOpen ? 1 : 0), {
    spent: decision.total,
    unreported: gap,
    counted: gap,
    duplicate: false,
  })
}

function resultOf(
  lease: LeaseState,
  budget: LockedBudget,
  openLeases: number,
  figures: Amounts<'spent' | 'unreported' | 'counted'> & { readonly duplicate: boolean },
): ReturnResult {
  return Object.freeze({
    lease: publicLease(lease, budget.now),
    budget: publicBudget(budget, openLeases),
    status: statusAt(lease, budget.now),
    spent: figures.spent,
    returned: lease.released,
    unreported: figures.unreported,
    duplicate: figures.duplicate,
    counted: Object.freeze({ cost: figures.counted, tokens: 0, requests: 0 }),
  })
}

const unreportedRows = prepare<{ agentId: string; leaseId: string; indexed: number }, { total: Microdollars | null }>(
  (db, p) =>
    db
      .selectFrom(
        db
          .selectFrom('lease_entries as e')
          .crossJoin('ledger_entries as l')
          .select('l.amount_micros')
          .where('e.lease_id', '=', p('leaseId'))
          .where('e.seq', '<=', p('indexed'))
          .where('l.agent_id', '=', p('agentId'))
          .whereRef('l.seq', '=', 'e.seq')
          .where('l.reason', '=', UNREPORTED_USAGE)
          .unionAll(
            db
              .selectFrom('ledger_entries as l')
              .select('l.amount_micros')
              .where('l.agent_id', '=', p('agentId'))
              .where('l.seq', '>', p('indexed'))
              .where('l.lease_id', '=', p('leaseId'))
              .where('l.reason', '=', UNREPORTED_USAGE),
          )
          .as('booked'),
      )
      .select((eb) => eb.fn.sum<Microdollars | null>('booked.amount_micros').as('total')),
)

/** What the first return booked: later reports shrink the lease's own figure, the ledger keeps it. */
async function unreportedOf(tx: ReadTx, agentId: string, leaseId: string): Promise<Microdollars> {
  const indexed = await indexedRows(tx, agentId)
  return (await unreportedRows.first(tx, { agentId, leaseId, indexed }))?.total ?? ZERO
}
