/**
 * One agent in a batch of reports. What the batch needs of it is read at once; the reports are then decided in memory, each on what those
 * before it left; what they change is written at once. Nothing is written for a report that is refused.
 */
import type { WriteTx } from '@iron/database'
import { type Recorded, saysTheSame } from '@iron/journal'
import { type LockedBudget, lockBudget } from '../budget/budget-row.ts'
import { writeMoves } from '../ledger/post.ts'
import type { LeaseContext } from './context.ts'
import { isOverdue } from './decide-overdue.ts'
import { endOverdueLeases } from './end-lease.ts'
import { type Billed, bookedOtherwise, type FindBilled, findAllBilled } from './find-billed.ts'
import { leaseNotFound } from './grant.ts'
import type { LeaseState } from './lease.ts'
import { findLeases, readActiveLeases } from './find-leases.ts'
import { updateLeases } from './write-lease.ts'
import {
  announceBooking,
  type Booking,
  bookingResult,
  decideBooking,
  type ReadyReport,
  repeatResult,
  type ReportResult,
} from './report.ts'

/** What a repeat is answered with. */
type FirstBooking = Omit<Billed, 'id'>

/** Gives the result of a report. One that was booked is told of then: after {@link BatchAccount.write}, in the order of the reports. */
export type Conclude = () => Promise<ReportResult>

/** Locked, read, and changed in memory until {@link BatchAccount.write}. */
export class BatchAccount {
  readonly #tx: WriteTx
  readonly #context: LeaseContext
  readonly #findBilled: FindBilled
  /** As the rows say. */
  readonly #stored: Map<string, LeaseState>
  readonly #leases: Map<string, LeaseState>
  /** By request id. */
  readonly #booked = new Map<string, Booking>()
  #budget: LockedBudget
  #openLeases: number
  #isSwept = false
  #record: ((booking: Booking) => Promise<Recorded>) | undefined

  private constructor(
    tx: WriteTx,
    context: LeaseContext,
    budget: LockedBudget,
    read: { readonly findBilled: FindBilled; readonly leases: readonly LeaseState[]; readonly openLeases: number },
  ) {
    this.#tx = tx
    this.#context = context
    this.#budget = budget
    this.#findBilled = read.findBilled
    this.#stored = new Map(read.leases.map((lease) => [lease.id, lease]))
    this.#leases = new Map(this.#stored)
    this.#openLeases = read.openLeases
  }

  /** Locks an agent and reads what these reports need of it. `undefined`: it has no budget. */
  static async open(
    tx: WriteTx,
    context: LeaseContext,
    agentId: string,
    items: readonly ReadyReport[],
  ): Promise<BatchAccount | undefined> {
    const budget = await lockBudget(tx, agentId, context.clock)
    if (budget === undefined) return undefined
    const reports = items.map(({ report }) => report)
    const findBilled = await findAllBilled(tx, context.requests, agentId, reports)
    const { active } = await readActiveLeases(tx, agentId)
    const others = new Set(items.map(({ leaseId }) => leaseId))
    for (const leaseId of firstLeases(findBilled, items)) others.add(leaseId)
    for (const { id } of active) others.delete(id)
    const final = (await findLeases(tx, [...others])).filter((lease) => lease.agentId === agentId)
    return new BatchAccount(tx, context, budget, {
      findBilled,
      leases: [...active, ...final],
      openLeases: active.length,
    })
  }

  /**
   * Decides one report, as `bookReport` does.
   *
   * @throws {LeaseError} LEASE_NOT_FOUND, IDEMPOTENCY_CONFLICT
   * @throws {CostError} when a figure leaves the exact integers; in any case the report changes nothing
   */
  async decide(ready: ReadyReport): Promise<Conclude> {
    const { leaseId, report } = ready
    const first = this.#firstBooking(ready)
    if (first !== undefined) {
      const lease = this.#leases.get(first.leaseId ?? leaseId)
      if (lease === undefined) throw leaseNotFound()
      const result = repeatResult(report.requestId, first, lease, this.#budget, this.#openLeases)
      return async () => result
    }
    await this.#sweep(leaseId)
    const lease = this.#leases.get(leaseId)
    if (lease === undefined) throw leaseNotFound()
    const booking = decideBooking(this.#context, this.#budget, lease, ready)
    this.#budget = booking.budget
    this.#leases.set(leaseId, booking.lease)
    this.#booked.set(report.requestId, booking)
    const openLeases = this.#openLeases
    return () => this.#conclude(booking, openLeases)
  }

  /** Writes what the decided reports change. */
  async write(): Promise<void> {
    const bookings = [...this.#booked.values()]
    await writeMoves(
      this.#tx,
      bookings.flatMap(({ moves }) => moves),
    )
    const changed = new Set(bookings.filter(({ change }) => change !== undefined).map(({ lease }) => lease.id))
    await updateLeases(
      this.#tx,
      [...changed].map((id) => ({
        from: this.#stored.get(id) as LeaseState,
        to: this.#leases.get(id) as LeaseState,
      })),
    )
    const calls = bookings.map(({ call }) => call)
    const record = await this.#context.requests.recordAll(calls, { tx: this.#tx })
    this.#record = ({ call }) => record(call)
  }

  async #conclude(booking: Booking, openLeases: number): Promise<ReportResult> {
    if (this.#record === undefined) throw new Error('a report of a batch is concluded before it is written')
    const { call } = await this.#record(booking)
    announceBooking(this.#tx, this.#context, booking)
    return bookingResult(booking, openLeases, call.totalTokens)
  }

  /** Of this batch or of an earlier message. */
  #firstBooking({ report }: ReadyReport): FirstBooking | undefined {
    const booking = this.#booked.get(report.requestId)
    if (booking === undefined) return this.#findBilled(report)
    if (!saysTheSame(booking.ready.report, report)) throw bookedOtherwise(report)
    const { ready, decision, lease } = booking
    const { cost, pricing } = ready.priced
    return { leaseId: lease.id, cost, pricing, overrun: decision.overrun, late: decision.late }
  }

  /** Ends what is overdue, once: the time of a batch stands still. The named lease is the last, as in a message of its own. */
  async #sweep(namedId: string): Promise<void> {
    if (this.#isSwept) return
    this.#isSwept = true
    const { now } = this.#budget
    const { times } = this.#context
    const due = [...this.#leases.values()].filter((lease) => isOverdue(lease, now, times))
    const inOrder = [...due.filter(({ id }) => id !== namedId), ...due.filter(({ id }) => id === namedId)]
    const swept = await endOverdueLeases(this.#tx, this.#context, this.#budget, inOrder)
    this.#budget = swept.budget
    this.#openLeases -= swept.ended
    for (const lease of swept.leases) {
      this.#stored.set(lease.id, lease)
      this.#leases.set(lease.id, lease)
    }
  }
}

/** The leases on which repeats were booked first. */
function* firstLeases(findBilled: FindBilled, items: readonly ReadyReport[]): Iterable<string> {
  for (const { report } of items) {
    try {
      const leaseId = findBilled(report)?.leaseId
      if (leaseId !== undefined && leaseId !== null) yield leaseId
    } catch {
      // A conflict, which is refused when its turn comes.
    }
  }
}
