/**
 * What one agent's money must do, written down a second time from budget protocol 4 to 11 and sharing nothing with the package.
 * Amounts are plain microdollars. Every command answers what the package must answer; a refusal is its code.
 */

export interface ModelLease {
  readonly id: string
  readonly granted: number
  readonly createdAt: number
  order: number
  spent: number
  overrun: number
  released: number
  unreported: number
  status: 'active' | 'closed' | 'superseded' | 'revoked'
  reason: 'returned' | 'lapsed' | 'superseded' | 'revoked' | null
  expiresAt: number
  successor: string | null
  returned: { spent: number; unreported: number } | null
}

interface Booked {
  readonly lease: string
  readonly cost: number
  readonly late: boolean
  readonly overrun: number
}

export interface ModelRules {
  readonly ttlMs: number
  readonly graceMs: number
  readonly maxOpen: number
}

export const TOLERANCE_MS = 300_000

export class AgentModel {
  readonly rules: ModelRules
  readonly leases = new Map<string, ModelLease>()
  readonly requests = new Map<string, Booked>()
  allocated = 0
  spent = 0
  overruns = 0
  credits = 0
  charges = 0
  version = 0
  rows = 0
  updatedAt = 0
  /** Overdue leases that the command before ended or cut. */
  swept = 0
  now = 0

  constructor(rules: ModelRules, now: number) {
    this.rules = rules
    this.now = this.updatedAt = now
  }

  get reserved(): number {
    return [...this.leases.values()].reduce((sum, lease) => sum + holdOf(lease), 0)
  }

  get available(): number {
    return this.allocated - this.reserved - this.spent
  }

  get open(): ModelLease[] {
    return [...this.leases.values()].filter(({ status }) => status === 'active')
  }

  /** Every command begins so. */
  begin(clock: number): void {
    const ahead = this.updatedAt - clock
    this.now = ahead > 0 && ahead <= TOLERANCE_MS ? this.updatedAt : clock
    this.swept = 0
  }

  /** What time has done to the leases: everything but the repeat of a report looks at it first. */
  sweep(): void {
    for (const lease of this.open) {
      if (lease.expiresAt + this.rules.graceMs <= this.now) this.#end(lease, 'closed', 'lapsed')
      else if (lease.expiresAt > this.now + this.rules.ttlMs + TOLERANCE_MS)
        lease.expiresAt = this.now + this.rules.ttlMs
      else continue
      this.swept += 1
    }
  }

  grant(id: string, requested: number, room: number | null): number | string {
    this.sweep()
    return this.#grant(id, requested, room, undefined)
  }

  refresh(
    oldId: string,
    id: string,
    requested: number,
    room: number | null,
  ): { granted: number } | { replay: string } | string {
    this.sweep()
    const old = this.leases.get(oldId)
    if (old === undefined) return 'LEASE_NOT_FOUND'
    const successor = old.successor === null ? undefined : this.leases.get(old.successor)
    if (successor?.status === 'active') return { replay: successor.id }
    if (old.status !== 'active') return 'LEASE_NOT_ACTIVE'
    const granted = this.#grant(id, requested, room, old)
    return typeof granted === 'string' ? granted : { granted }
  }

  report(agentLease: string, requestId: string, cost: number): (Booked & { duplicate: boolean }) | string {
    const known = this.requests.get(requestId)
    if (known !== undefined) return known.cost === cost ? { ...known, duplicate: true } : 'IDEMPOTENCY_CONFLICT'
    this.sweep()
    const lease = this.leases.get(agentLease)
    if (lease === undefined) return 'LEASE_NOT_FOUND'
    let late = true
    let overrun = 0
    if (lease.status === 'active') {
      late = this.now >= lease.expiresAt
      overrun = this.#use(lease, cost)
      if (!late) lease.expiresAt = this.now + this.rules.ttlMs
    } else {
      const itemised = Math.min(cost, lease.unreported)
      lease.unreported -= itemised
      overrun = this.#use(lease, cost - itemised)
    }
    const booked = { lease: lease.id, cost, late, overrun }
    this.requests.set(requestId, booked)
    return { ...booked, duplicate: false }
  }

  giveBack(
    leaseId: string,
    claimed: number | undefined,
  ): { spent: number; returned: number; unreported: number; duplicate: boolean } | string {
    this.sweep()
    const lease = this.leases.get(leaseId)
    if (lease === undefined) return 'LEASE_NOT_FOUND'
    if (lease.returned !== null) return { ...lease.returned, returned: lease.released, duplicate: true }
    const gap = Math.max(0, (claimed ?? 0) - lease.spent - lease.overrun)
    this.#use(lease, gap)
    lease.unreported += gap
    if (lease.status === 'active') this.#end(lease, 'closed', 'returned')
    lease.returned = { spent: lease.spent + lease.overrun, unreported: gap }
    return { ...lease.returned, returned: lease.released, duplicate: false }
  }

  revoke(leaseId: string): string | undefined {
    this.sweep()
    const lease = this.leases.get(leaseId)
    if (lease === undefined) return 'LEASE_NOT_FOUND'
    if (lease.status !== 'active') return 'LEASE_NOT_ACTIVE'
    this.#end(lease, 'revoked', 'revoked')
    return undefined
  }

  revokeAll(): string[] {
    this.sweep()
    const ended = this.open
    for (const lease of ended) this.#end(lease, 'revoked', 'revoked')
    return ended.map(({ id }) => id)
  }

  allocate(amount: number, force: boolean): { revoked: string[]; changed: boolean } | string {
    this.sweep()
    if (amount === this.allocated) return { revoked: [], changed: false }
    const revoked: string[] = []
    if (amount < this.allocated) {
      if (amount < this.spent) return 'BUDGET_BELOW_SPENT'
      if (!force) return 'BUDGET_DECREASE_REQUIRES_CONFIRMATION'
      const newestFirst = this.open.sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1))
      for (const lease of newestFirst) {
        if (this.spent + this.reserved <= amount) break
        this.#end(lease, 'revoked', 'revoked')
        revoked.push(lease.id)
      }
    }
    this.allocated = amount
    this.version += 1
    this.#row()
    return { revoked, changed: true }
  }

  adjust(direction: 'credit' | 'charge', amount: number): string | undefined {
    this.sweep()
    if (direction === 'credit') {
      if (amount > this.spent) return 'ADJUSTMENT_TOO_LARGE'
      this.spent -= amount
      this.credits += amount
    } else {
      this.spent += amount
      this.charges += amount
      this.overruns += amount
    }
    this.#row()
    return undefined
  }

  #grant(id: string, requested: number, room: number | null, old: ModelLease | undefined): number | string {
    const own = old === undefined ? 0 : holdOf(old)
    if (this.open.length - (old === undefined ? 0 : 1) >= this.rules.maxOpen) return 'LEASE_CAP_REACHED'
    if (this.available + own <= 0) return 'BUDGET_EXCEEDED'
    if (room !== null && room + own <= 0) return 'LIMIT_EXCEEDED'
    const granted = Math.min(requested, this.available + own, room === null ? Infinity : room + own)
    if (old !== undefined) {
      this.#end(old, 'superseded', 'superseded')
      old.successor = id
    }
    this.leases.set(id, {
      id,
      granted,
      createdAt: this.now,
      order: this.leases.size,
      spent: 0,
      overrun: 0,
      released: 0,
      unreported: 0,
      status: 'active',
      reason: null,
      expiresAt: this.now + this.rules.ttlMs,
      successor: null,
      returned: null,
    })
    this.#row()
    return granted
  }

  /** Books `amount` on a lease: the hold first, the rest as overrun, which is returned. */
  #use(lease: ModelLease, amount: number): number {
    const held = Math.min(amount, holdOf(lease))
    const beyond = amount - held
    lease.spent += held
    lease.overrun += beyond
    this.spent += amount
    this.overruns += beyond
    if (held > 0) this.#row()
    if (beyond > 0) this.#row()
    return beyond
  }

  #end(lease: ModelLease, status: ModelLease['status'], reason: ModelLease['reason']): void {
    const hold = holdOf(lease)
    lease.released = hold
    lease.status = status
    lease.reason = reason
    if (hold > 0) this.#row()
  }

  #row(): void {
    this.rows += 1
    this.updatedAt = this.now
  }
}

function holdOf(lease: ModelLease): number {
  return lease.status === 'active' ? lease.granted - lease.spent : 0
}
