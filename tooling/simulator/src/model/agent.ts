/**
 * What one agent's money must do, written from budget protocol 3 to 11 and sharing nothing with the packages. Every change says
 * which rows, audit entries and events it leaves.
 */
import type { Call } from '../commands.ts'
import { GRACE_MS, OPEN_LEASES_MAX, TOLERANCE_MS, TTL_MS } from '../rules.ts'
import { hold, type ModelLease } from './lease.ts'
import { metUnder, reached } from './thresholds.ts'
import type { Told } from './told.ts'

/** How a call was booked the first time. */
export interface Booked {
  readonly call: Call
  readonly late: boolean
  readonly overrun: number
  /** What no earlier message had counted. */
  readonly counted: number
}

/** What a grant asks for. */
export interface Asked {
  readonly requested: number
  readonly withKey: boolean
  readonly supersedes: string | null
  readonly conforming: boolean
}

/** What the owner's limits leave. */
export interface Room {
  readonly left: number | null
  readonly blocked: boolean
}

export class AgentModel {
  readonly id: string
  readonly told: Told
  readonly leases = new Map<string, ModelLease>()
  readonly keys = new Map<string, string>()
  readonly booked = new Map<string, Booked>()
  ownerId: string
  token: { readonly text: string; readonly issuedAt: number } | null = null
  stopped = false
  archived = false
  allocated = 0
  spent = 0
  version = 0
  seq = 0
  mark = 0
  updatedAt: number
  overruns = 0
  /** Charges less credits: what admins have added to the spending. */
  adjusted = 0
  now: number

  constructor(id: string, ownerId: string, at: number, told: Told) {
    this.id = id
    this.ownerId = ownerId
    this.told = told
    this.now = this.updatedAt = at
  }

  get reserved(): number {
    let sum = 0
    for (const lease of this.leases.values()) sum += hold(lease)
    return sum
  }

  get available(): number {
    return this.allocated - this.reserved - this.spent
  }

  get open(): ModelLease[] {
    return [...this.leases.values()].filter(({ status }) => status === 'active')
  }

  get balance(): readonly number[] {
    return [this.allocated, this.reserved, this.spent]
  }

  /** The agent's present for a message that meets this clock (budget protocol 11.2). */
  begin(clock: number): void {
    const ahead = this.updatedAt - clock
    this.now = ahead > 0 && ahead <= TOLERANCE_MS ? this.updatedAt : clock
  }

  /** Budget protocol 11.1. */
  sweep(): void {
    for (const lease of this.open) {
      if (lease.expiresAt + GRACE_MS <= this.now) {
        this.end(lease, 'closed', 'lapsed')
        this.told.audit.push(`LEASE_EXPIRED ${lease.id}`)
      } else if (lease.expiresAt > this.now + TTL_MS + TOLERANCE_MS) lease.expiresAt = this.now + TTL_MS
    }
  }

  /** Grants, or says why not; `old` is the lease that is given back for it. Budget protocol 4.2, 4.6, 5. */
  grant(id: string, asked: Asked, room: Room, old?: ModelLease): ModelLease | string {
    const own = old === undefined ? 0 : hold(old)
    if (this.open.length - (old === undefined ? 0 : 1) >= OPEN_LEASES_MAX) return 'LEASE_CAP_REACHED'
    const ofBudget = this.available + own
    if (ofBudget <= 0) return 'BUDGET_EXCEEDED'
    const ofMonth = room.left === null ? Infinity : room.left + own
    if (room.blocked || ofMonth <= 0) return 'LIMIT_EXCEEDED'
    const granted = Math.min(asked.requested, ofBudget, ofMonth)
    if (old !== undefined) {
      this.end(old, 'superseded', 'superseded')
      old.successor = id
    }
    const lease: ModelLease = {
      ...{ id, granted, ...asked, createdAt: this.now, spent: 0, overrun: 0, released: 0, unreported: 0 },
      ...{ status: 'active', reason: null, expiresAt: this.now + TTL_MS, successor: null, returned: null },
    }
    this.leases.set(id, lease)
    this.#row('grant', granted, id)
    this.told.audit.push(old === undefined ? `LEASE_GRANTED ${id}` : `LEASE_REFRESHED ${old.id}`)
    this.told.events.push(`lease.granted ${id}`)
    return lease
  }

  /** Books a call that was never booked before (budget protocol 4.4, 5). */
  book(lease: ModelLease, call: Call): Booked {
    const { requestId, cost } = call
    const isOpen = lease.status === 'active'
    const late = !isOpen || this.now >= lease.expiresAt
    const itemised = isOpen ? 0 : Math.min(cost, lease.unreported)
    lease.unreported -= itemised
    const overrun = this.#use(lease, cost - itemised, requestId)
    if (!late) lease.expiresAt = this.now + TTL_MS
    const booked = { call: { ...call, leaseId: lease.id }, late, overrun, counted: cost - itemised }
    this.booked.set(requestId, booked)
    return booked
  }

  /** Records a return; resolves to the gap (budget protocol 4.7). */
  giveBack(lease: ModelLease, claim: number | undefined): number {
    const gap = Math.max(0, (claim ?? 0) - lease.spent - lease.overrun)
    this.#use(lease, gap, '-')
    lease.unreported += gap
    if (lease.status === 'active') this.end(lease, 'closed', 'returned')
    lease.returned = { spent: lease.spent + lease.overrun, unreported: gap }
    this.told.audit.push(`LEASE_RETURNED ${lease.id}`)
    return gap
  }

  /** Ends a lease and releases what it holds (budget protocol 6). */
  end(lease: ModelLease, status: ModelLease['status'], reason: ModelLease['reason']): void {
    lease.released = hold(lease)
    lease.status = status
    lease.reason = reason
    this.#row('release', lease.released, lease.id)
    if (status === 'revoked') this.told.audit.push(`LEASE_REVOKED ${lease.id}`)
    this.told.events.push(`lease.closed ${lease.id} ${String(reason)}`)
  }

  /** Ends every open lease. */
  revokeAll(): string[] {
    const ended = this.open
    for (const lease of ended) this.end(lease, 'revoked', 'revoked')
    return ended.map(({ id }) => id).sort()
  }

  /** Sets the allocation, which differs (budget protocol 4.8, 10). */
  allocate(amount: number): void {
    const before = this.allocated
    this.allocated = amount
    this.version += 1
    this.#row(amount > before ? 'allocate' : 'deallocate', Math.abs(amount - before), '-')
    if (amount > before) this.mark = metUnder([amount], this.spent)
    else {
      this.mark = metUnder([before, amount], this.spent)
      this.#announce()
    }
    this.told.audit.push(`BUDGET_UPDATED ${this.id}`)
    this.told.events.push(`budget.changed ${this.id}`)
  }

  /** A correction by an admin, negative for a credit. */
  adjust(by: number): void {
    this.spent += by
    this.adjusted += by
    this.#row(by > 0 ? 'overrun' : 'adjust', Math.abs(by), '-')
    if (by > 0) {
      this.overruns += by
      this.#announce()
    }
    this.told.audit.push(`BUDGET_ADJUSTED ${this.id}`)
    this.told.events.push(`budget.changed ${this.id}`)
  }

  /** Spends on a lease: its hold first; what goes beyond is returned. */
  #use(lease: ModelLease, amount: number, requestId: string): number {
    const held = Math.min(amount, hold(lease))
    const beyond = amount - held
    this.#row('spend', held, lease.id, requestId)
    this.#row('overrun', beyond, lease.id, requestId)
    lease.spent += held
    lease.overrun += beyond
    this.spent += amount
    this.overruns += beyond
    if (beyond > 0) this.told.audit.push(`USAGE_OVERRUN ${lease.id}`)
    this.#announce()
    return beyond
  }

  #announce(): void {
    for (const percent of reached(this.allocated, this.spent, this.mark)) {
      this.told.events.push(`budget.threshold_reached ${this.id} v${this.version} ${percent}`)
      if (percent === 100) this.told.events.push(`budget.exhausted ${this.id}`)
      this.mark = percent
    }
  }

  #row(type: string, amount: number, leaseId: string, requestId = '-'): void {
    if (amount === 0) return
    this.seq += 1
    this.updatedAt = this.now
    this.told.ledger.push(`${this.id} ${type} ${amount} ${leaseId} ${requestId}`)
  }
}
