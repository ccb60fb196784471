/**
 * Books one LLM call (budget protocol 4.4). Order: duplicate, overdue leases, lease, booking. Neither owner, agent, lease state,
 * limits nor budget can refuse it: what was spent is always booked in full, and once (I15).
 */
import { type Amounts, CostError, minus, type Pricing, toUsd, ZERO } from '@iron/cost-calculator'
import { allDone, Faults, type InTx, type WriteTx } from '@iron/database'
import {
  type ActorRef,
  type CallFacts,
  hasUsage,
  JournalError,
  type NewCall,
  priceCall,
  type PricedCall,
} from '@iron/journal'
import { plus } from '../amount.ts'
import { ledgerActor } from '../books.ts'
import { announceThresholds } from '../budget/announce.ts'
import { type Budget, publicBudget } from '../budget/budget.ts'
import type { LockedBudget } from '../budget/budget-row.ts'
import { LeaseError } from '../errors.ts'
import { available } from '../ledger/movement.ts'
import { decideMove, type Move, writeMove } from '../ledger/post.ts'
import { auditOverrun } from './announce.ts'
import type { LeaseContext, PricingContext } from './context.ts'
import type { Counted } from './counted.ts'
import { isOverdue, overdueBounds } from './decide-overdue.ts'
import { decideReport, type ReportDecision } from './decide-report.ts'
import { endOverdueLeases } from './end-lease.ts'
import { findBilled, isConflict } from './find-billed.ts'
import { leaseNotFound } from './grant.ts'
import { type Lease, type LeaseState, publicLease } from './lease.ts'
import { agentOfLease, readDueLeases } from './find-leases.ts'
import { lockWithLeases } from './lock-with-leases.ts'
import { type LeaseChange, updateLease } from './write-lease.ts'
import { checkActor, checkReport, refuseFaults } from './validate.ts'

/** One LLM call. `cost` is charged as given; without it the server prices `model` and `usage`. */
export interface UsageReport extends CallFacts {
  /** Names the call, once per agent and for ever. 1..100 visible ASCII characters. */
  readonly requestId: string
  readonly model: string
}

/** Options of a report. */
export interface ReportOptions extends InTx {
  /** The lease must be this agent's. Default: whoever's it is. */
  readonly agentId?: string | undefined
  /** Whose prices apply. Default: the reported provider's. */
  readonly priceProvider?: string | undefined
  /** Default: the agent itself. */
  readonly actor?: ActorRef | undefined
}

/** `overrun`: the part of the cost no hold covered. */
export interface ReportResult extends Amounts<'cost' | 'overrun'> {
  readonly requestId: string
  /** The lease of the first booking, as it is now. */
  readonly lease: Lease
  readonly budget: Budget
  readonly pricing: Pricing
  /** The call was booked before: charge and flags are those of the first booking. */
  readonly duplicate: boolean
  /** The lease was not active any more. */
  readonly late: boolean
  /** Nothing is available any more: no grant succeeds until that changes. */
  readonly overBudget: boolean
  readonly counted: Counted
}

/** A report that has been checked and priced. */
export interface ReadyReport {
  readonly leaseId: string
  readonly report: UsageReport
  readonly priced: PricedCall
  readonly actor: ActorRef | undefined
}

/** Checks and prices before the transaction, where nothing is held. @throws {LeaseError} VALIDATION_ERROR */
export function readyReport(
  context: PricingContext,
  leaseId: string,
  report: UsageReport,
  { priceProvider, actor }: Pick<ReportOptions, 'priceProvider' | 'actor'>,
): ReadyReport {
  const faults = new Faults()
  faults.id('leaseId', leaseId)
  if (actor !== undefined) checkActor(faults, actor)
  if (typeof report !== 'object' || (report as unknown) === null) faults.add('report', 'must be an object')
  else {
    checkReport(faults, report)
    if (report.cost === undefined && report.outcome !== 'failed' && !faults.any && !hasUsage(report)) {
      faults.add('cost', 'is required unless usage is given or the call failed')
    }
  }
  refuseFaults(faults)
  return { leaseId, report, priced: price(context, report, priceProvider), actor }
}

function price(context: PricingContext, report: UsageReport, provider: string | undefined): PricedCall {
  try {
    return priceCall(report, { pricing: context.pricing, now: context.clock.now(), provider })
  } catch (error) {
    if (!(error instanceof JournalError)) throw error
    throw new LeaseError('VALIDATION_ERROR', 'the input is not valid', { details: error.details, cause: error })
  }
}

export async function bookReport(
  tx: WriteTx,
  context: LeaseContext,
  ready: ReadyReport,
  givenAgentId: string | undefined,
): Promise<ReportResult> {
  const { leaseId, report } = ready
  const agentId = givenAgentId ?? (await agentOfLease(tx, leaseId))
  const found = agentId === undefined ? undefined : await lockWithLeases(tx, context, agentId, leaseId)
  if (agentId === undefined || found === undefined) throw leaseNotFound()
  const { budget: locked, read } = found
  if (read.named !== undefined && read.due.length === 0 && !isOverdue(read.named, locked.now, context.times)) {
    const booked = await bookUnlessKnown(tx, context, locked, read.named, ready, read.openLeases)
    if (booked !== undefined) return booked
  }

  const billed = await findBilled(tx, context.requests, agentId, report)
  if (billed !== undefined) {
    const { named, openLeases } =
      billed.leaseId === null || billed.leaseId === leaseId
        ? read
        : await readDueLeases(tx, agentId, billed.leaseId, overdueBounds(locked.now, context.times))
    if (named === undefined) throw leaseNotFound()
    return repeatResult(report.requestId, billed, named, locked, openLeases)
  }

  const swept = await endOverdueLeases(
    tx,
    context,
    locked,
    read.named === undefined ? read.due : [...read.due, read.named],
  )
  const lease = swept.leases.find(({ id }) => id === leaseId)
  if (lease === undefined) throw leaseNotFound()
  const booking = decideBooking(context, swept.budget, lease, ready)
  const result = await book(tx, context, booking, lease, read.openLeases - swept.ended)
  if (result === undefined) throw new Error('a call was booked while its agent was locked')
  return result
}

/**
 * Books a call on a lease that nothing has to be done about first: writing its row tells whether it is new, which spares asking.
 * `undefined`, and nothing has happened: it is known, or cannot be booked unless it is.
 */
async function bookUnlessKnown(
  tx: WriteTx,
  context: LeaseContext,
  budget: LockedBudget,
  lease: LeaseState,
  ready: ReadyReport,
  openLeases: number,
): Promise<ReportResult | undefined> {
  try {
    return await book(tx, context, decideBooking(context, budget, lease, ready), lease, openLeases)
  } catch (error) {
    if (error instanceof CostError || isConflict(error)) return undefined
    throw error
  }
}

/** Writes a decided call. The row of the call is the first to be written: `undefined`, and nothing has happened, when it was there. */
async function book(
  tx: WriteTx,
  context: LeaseContext,
  booking: Booking,
  lease: LeaseState,
  openLeases: number,
): Promise<ReportResult | undefined> {
  const { call, duplicate } = await context.requests.record(booking.call, { tx })
  if (duplicate) return undefined
  const { moves, change } = booking
  await allDone([writeInTurn(tx, moves), ...(change === undefined ? [] : [updateLease(tx, lease, change)])])
  announceBooking(tx, context, booking)
  return bookingResult(booking, openLeases, call.totalTokens)
}

async function writeInTurn(tx: WriteTx, moves: readonly Move[]): Promise<void> {
  for (const move of moves) await writeMove(tx, move)
}

/** A call as it is booked; nothing is written yet. */
export interface Booking {
  readonly ready: ReadyReport
  readonly decision: ReportDecision
  /** Spending from the hold, then what no hold covers. */
  readonly moves: readonly Move[]
  /** Of the lease; undefined: none. */
  readonly change: LeaseChange | undefined
  readonly call: NewCall
  /** After it. */
  readonly lease: LeaseState
  readonly budget: LockedBudget
}

/** What a call does to its budget and its lease. @throws {CostError} when a figure leaves the exact integers */
export function decideBooking(
  context: LeaseContext,
  budget: LockedBudget,
  lease: LeaseState,
  ready: ReadyReport,
): Booking {
  const { report, priced, actor } = ready
  const { cost, pricing, priceId } = priced
  const decision = decideReport(lease, cost, budget.now, context.rules.ttlMs)
  const { late, overrun } = decision
  const actorId = actor === undefined ? undefined : ledgerActor(actor)
  const cause = { leaseId: lease.id, requestId: report.requestId, actorId }
  const spent = decideMove(budget, { type: 'spend', amount: decision.spend, ...cause })
  const booked = decideMove(spent.budget, { type: 'overrun', amount: overrun, ...cause })
  const change = changeOf(lease, decision)
  const { agentId } = budget
  return {
    ready,
    decision,
    moves: [spent, booked],
    change,
    call: { ...report, agentId, leaseId: lease.id, cost, pricing, priceId, billed: true, late, overrun },
    lease: { ...lease, ...change },
    budget: booked.budget,
  }
}

/** Tells of a call that was booked, after its own event. */
export function announceBooking(tx: WriteTx, context: LeaseContext, booking: Booking): void {
  const { ready, decision, moves, lease, budget } = booking
  const { overrun, late } = decision
  const { report, priced, actor } = ready
  if (overrun > ZERO) {
    const from = { request_id: report.requestId, cost_usd: toUsd(priced.cost), late }
    auditOverrun(tx, context, lease, overrun, from, actor)
  }
  const crossed = moves.flatMap((move) => move.crossed)
  announceThresholds(tx, context, budget, crossed, lease.id)
}

/** @param tokens of the call, as they were recorded */
export function bookingResult(booking: Booking, openLeases: number, tokens: number): ReportResult {
  const { ready, decision, lease, budget } = booking
  const { cost, pricing } = ready.priced
  const { overrun, late, itemised } = decision
  return resultOf(ready.report.requestId, lease, budget, openLeases, {
    cost,
    overrun,
    pricing,
    late,
    duplicate: false,
    // What an earlier return counted is not counted again (budget protocol 9).
    counted: Object.freeze({ cost: minus(cost, itemised), tokens, requests: 1 }),
  })
}

/** The answer to a repeat: charge and flags of the first booking, lease and budget as they are now. */
export function repeatResult(
  requestId: string,
  first: Pick<ReportResult, 'cost' | 'overrun' | 'pricing' | 'late'>,
  lease: LeaseState,
  budget: LockedBudget,
  openLeases: number,
): ReportResult {
  return resultOf(requestId, lease, budget, openLeases, { ...first, duplicate: true, counted: NOTHING_COUNTED })
}

const NOTHING_COUNTED: Counted = Object.freeze({ cost: ZERO, tokens: 0, requests: 0 })

/** The columns a report changes; undefined when it changes none. */
function changeOf(lease: LeaseState, decision: ReportDecision): LeaseChange | undefined {
  const { spend, overrun, itemised, expiresAt } = decision
  if (spend === ZERO && overrun === ZERO && itemised === ZERO && expiresAt === lease.expiresAt) return undefined
  return {
    spent: plus(lease.spent, spend),
    overrun: plus(lease.overrun, overrun),
    unreported: minus(lease.unreported, itemised),
    expiresAt,
  }
}

function resultOf(
  requestId: string,
  lease: LeaseState,
  budget: LockedBudget,
  openLeases: number,
  booked: Pick<ReportResult, 'cost' | 'overrun' | 'pricing' | 'late' | 'duplicate' | 'counted'>,
): ReportResult {
  return Object.freeze({
    requestId,
    lease: publicLease(lease, budget.now),
    budget: publicBudget(budget, openLeases),
    cost: booked.cost,
    overrun: booked.overrun,
    pricing: booked.pricing,
    duplicate: booked.duplicate,
    late: booked.late,
    overBudget: available(budget) < ZERO,
    counted: booked.counted,
  })
}
