/**
 * Leases: slices of an agent's budget, lent, used up by reports, refreshed and returned (budget protocol 4 to 7). Every method
 * is one transaction; a refused one has changed nothing but overdue leases that it ended on its way (rulings R1).
 */
import { CostCalculator, type Microdollars, usd } from '@iron/cost-calculator'
import {
  type AtTx,
  commitBeforeRefusing,
  type Cursor,
  type CursorPage,
  DatabaseService,
  type DbSource,
  Faults,
  IDEMPOTENCY_KEY_MAX,
  type InTx,
  type IronDatabase,
  type WriteGroup,
  type WriteTx,
} from '@iron/database'
import type { ActorRef } from '@iron/journal'
import { checkAmount } from './amount.ts'
import { type BooksOptions, openBooks } from './books.ts'
import { holdsBudget, lockKnownBudget, lockLiveBudget, ownerLock } from './budget/budget-row.ts'
import { lockBudgets, lockBudgetsForGrants } from './budget/lock-budgets.ts'
import { isRefusal } from './errors.ts'
import type { LeaseContext, LeaseRules, PricingContext } from './lease/context.ts'
import { endOverdueLeases } from './lease/end-lease.ts'
import { checkGrantInput, type Grant, type GrantOptions } from './lease/grant.ts'
import { type Lease, publicLease, REVOKE_CAUSES, type RevokeCause } from './lease/lease.ts'
import { readActiveLeases } from './lease/find-leases.ts'
import { findReplay, openLease } from './lease/open-lease.ts'
import { getLease, type LeaseFilter, listLeases } from './lease/read-leases.ts'
import { refreshLease, type Refreshed } from './lease/refresh-lease.ts'
import {
  BATCH_MAX,
  type BatchItem,
  type BatchOptions,
  bookBatch,
  readyBatch,
  type ReportItem,
} from './lease/report-batch.ts'
import { bookReport, readyReport, type ReportOptions, type ReportResult, type UsageReport } from './lease/report.ts'
import { returnLease, type ReturnOptions, type ReturnResult } from './lease/return-lease.ts'
import { revokeAllLeases, type RevokedLeases, revokeLease } from './lease/revoke-lease.ts'
import { SWEEP_BATCH, sweepLeases } from './lease/sweep-leases.ts'
import { checkActor, checkIds, REASON_MAX, refuseFaults } from './lease/validate.ts'

/** What is lent when no amount is asked for (budget protocol 2). */
export const DEFAULT_GRANT: Microdollars = usd(10)
/** The largest single grant (budget protocol 2). */
export const MAX_GRANT: Microdollars = usd(1_000)
/** How long a lease lives after its grant and after each report on time, in milliseconds. */
export const LEASE_TTL_MS = 3_600_000
/** How long after its deadline a lease is still served, in milliseconds. */
export const LEASE_GRACE_MS = 60_000
/** Open leases of one agent. */
export const MAX_OPEN_PER_AGENT = 32

/** How a {@link LeaseManager} lends (budget protocol 2). */
export interface LeaseManagerOptions extends BooksOptions {
  /** Prices reports without a cost. Default: the bundled prices. */
  readonly pricing?: CostCalculator | undefined
  /** Default {@link DEFAULT_GRANT}. */
  readonly defaultGrant?: Microdollars | undefined
  /** Default {@link MAX_GRANT}; at most 1e9 USD. */
  readonly maxGrant?: Microdollars | undefined
  /** Default {@link LEASE_TTL_MS}; one minute to 24 hours. */
  readonly ttlMs?: number | undefined
  /** Default {@link LEASE_GRACE_MS}; 0 to 10 minutes. */
  readonly graceMs?: number | undefined
  /** Default {@link MAX_OPEN_PER_AGENT}; 1 to 1000. */
  readonly maxOpenPerAgent?: number | undefined
}

/** An agent that is locked until the end of the transaction. */
export interface AgentLock {
  readonly agentId: string
  readonly ownerId: string | null
  /** The agent's present (budget protocol 11.2). */
  readonly now: number
}

/** How a message shares its transaction (budget protocol 12.3); without an agent known beforehand it does not on PostgreSQL. */
function groupOf(agentId: string | undefined): WriteGroup | true {
  return agentId === undefined ? true : { key: agentId, lock: lockBudgets }
}

/** The same for one that grants, together with other grants of `ownerId`; without it, of the agent. */
function grantGroupOf(agentId: string | undefined, ownerId: string | undefined): WriteGroup | true {
  if (agentId === undefined) return true
  return { key: agentId, lock: lockBudgetsForGrants, decidesOn: ownerLock(ownerId ?? agentId) }
}

/** Leases: slices of an agent's budget, lent, used up by reports, refreshed and returned. Every method is one transaction. */
export class LeaseManager extends DatabaseService {
  readonly #options: LeaseManagerOptions
  readonly #rules: LeaseRules
  #pricing: CostCalculator | undefined
  #context: LeaseContext | undefined

  /** @throws {LeaseError} VALIDATION_ERROR naming every option out of its range */
  constructor(source: DbSource, options: LeaseManagerOptions = {}) {
    super(source, options)
    this.#options = options
    this.#rules = rulesOf(options)
    this.#pricing = options.pricing
  }

  /**
   * Lends up to `requested` (default {@link DEFAULT_GRANT}); less when less is left, which `partial` tells.
   *
   * @throws {LeaseError} AGENT_NOT_FOUND, AGENT_ARCHIVED, IDEMPOTENCY_CONFLICT, LEASE_NOT_ACTIVE (replay), LEDGER_MISMATCH,
   * LEASE_CAP_REACHED, BUDGET_EXCEEDED, LIMIT_EXCEEDED, in this order; VALIDATION_ERROR
   */
  async open(agentId: string, requested?: Microdollars, options: GrantOptions = {}): Promise<Grant> {
    checkGrantInput('agentId', agentId, requested, options, this.#rules.maxGrant)
    return this.#command((tx, context) => openLease(tx, context, agentId, requested, options), {
      tx: options.tx,
      group: grantGroupOf(agentId, undefined),
    })
  }

  /**
   * Refuses an amount that no grant may have, for operations that look at something else before they grant.
   *
   * @throws {LeaseError} VALIDATION_ERROR
   */
  checkRequested(requested: Microdollars | undefined): void {
    const faults = new Faults()
    if (requested !== undefined) checkAmount(faults, 'requested', requested, 1, this.#rules.maxGrant)
    refuseFaults(faults)
  }

  /**
   * The lease that an idempotency key stands for, or undefined. `providerId`: the provider the call names, null when it takes
   * none, undefined when the server chose one.
   *
   * @throws {LeaseError} IDEMPOTENCY_CONFLICT when the key was used for another call; LEASE_NOT_ACTIVE when its lease has ended
   */
  async replay(
    agentId: string,
    request: {
      readonly idempotencyKey: string
      readonly requested?: Microdollars | undefined
      readonly providerId?: string | null | undefined
      readonly refreshOf?: string | undefined
    },
    options: AtTx = {},
  ): Promise<Lease | undefined> {
    checkIds({ agentId }, (faults) => faults.key('idempotencyKey', request.idempotencyKey, IDEMPOTENCY_KEY_MAX))
    const requested = request.requested ?? this.#rules.defaultGrant
    return this.read(async (tx) => {
      const call = { requested, providerId: request.providerId, refreshOf: request.refreshOf }
      const known = await findReplay(tx, agentId, request.idempotencyKey, call)
      return known === undefined ? undefined : publicLease(known, this.clock.now())
    }, options)
  }

  /**
   * Books one LLM call, in full and once, whatever the state of its lease.
   *
   * @throws {LeaseError} VALIDATION_ERROR; LEASE_NOT_FOUND for an unknown lease and for another agent's; IDEMPOTENCY_CONFLICT when
   * the request id was booked with other content
   */
  async report(leaseId: string, report: UsageReport, options: ReportOptions = {}): Promise<ReportResult> {
    const ready = readyReport(this.#prices(), leaseId, report, options)
    return this.#command((tx, context) => bookReport(tx, context, ready, options.agentId), {
      tx: options.tx,
      group: groupOf(options.agentId),
    })
  }

  /**
   * Books 1..1000 calls in one transaction and answers each in order; a refused one affects no other.
   *
   * @throws {LeaseError} VALIDATION_ERROR when the batch itself is malformed
   */
  async reportBatch(
    items: readonly ReportItem[],
    options: BatchOptions = {},
  ): Promise<readonly BatchItem<ReportResult>[]> {
    const faults = new Faults()
    const fits = Array.isArray(items) && items.length >= 1 && items.length <= BATCH_MAX
    faults.check(fits, 'items', `must be a list of 1 to ${BATCH_MAX} reports`)
    if (options.actor !== undefined) checkActor(faults, options.actor)
    refuseFaults(faults)
    const ready = readyBatch(this.#prices(), items, options)
    return this.#command((tx, context) => bookBatch(tx, context, ready, options.agentId), options)
  }

  /**
   * Gives back what is left of a lease and lends up to `requested` on a new one, which is at least what was left if that was
   * asked for. Of a superseded lease: its successor again, while that is open.
   *
   * @throws {LeaseError} LEASE_NOT_FOUND, AGENT_ARCHIVED, IDEMPOTENCY_CONFLICT, LEASE_NOT_ACTIVE, LEDGER_MISMATCH,
   * LEASE_CAP_REACHED, BUDGET_EXCEEDED, LIMIT_EXCEEDED, in this order; VALIDATION_ERROR. The lease is untouched then.
   */
  async refresh(
    leaseId: string,
    requested?: Microdollars,
    options: GrantOptions & { readonly agentId?: string | undefined } = {},
  ): Promise<Refreshed> {
    checkGrantInput('leaseId', leaseId, requested, options, this.#rules.maxGrant)
    return this.#command((tx, context) => refreshLease(tx, context, leaseId, requested, options), {
      tx: options.tx,
      group: grantGroupOf(options.agentId, undefined),
    })
  }

  /**
   * The last word on a lease, accepted in every state: books what `spent` claims beyond the reports, releases the rest. A repeat
   * gets the first answer, whatever it says.
   *
   * @throws {LeaseError} LEASE_NOT_FOUND, VALIDATION_ERROR
   */
  async returnLease(leaseId: string, options: ReturnOptions = {}): Promise<ReturnResult> {
    checkIds({ leaseId }, (faults) => {
      if (options.spent !== undefined) checkAmount(faults, 'spent', options.spent, 0)
      if (options.actor !== undefined) checkActor(faults, options.actor)
    })
    return this.#command((tx, context) => returnLease(tx, context, leaseId, options), {
      tx: options.tx,
      group: groupOf(options.agentId),
    })
  }

  /** Ends an open lease before its time. @throws {LeaseError} LEASE_NOT_FOUND, AGENT_ARCHIVED, LEASE_NOT_ACTIVE, VALIDATION_ERROR */
  async revoke(
    id: string,
    actor: ActorRef,
    options: InTx & { readonly agentId?: string | undefined; readonly reason?: string | undefined } = {},
  ): Promise<Lease> {
    checkIds({ id }, (faults) => {
      if (options.reason !== undefined) faults.text('reason', options.reason, { max: REASON_MAX, multiline: true })
      checkActor(faults, actor)
    })
    return this.#command((tx, context) => revokeLease(tx, context, id, actor, options), options)
  }

  /** Ends every open lease of an agent. @throws {LeaseError} AGENT_NOT_FOUND, AGENT_ARCHIVED, VALIDATION_ERROR */
  async revokeAll(
    agentId: string,
    actor: ActorRef,
    options: InTx & { readonly cause?: RevokeCause | undefined } = {},
  ): Promise<RevokedLeases> {
    const cause = options.cause ?? 'operator'
    checkIds({ agentId }, (faults) => {
      faults.oneOf('cause', cause, REVOKE_CAUSES)
      checkActor(faults, actor)
    })
    return this.#command((tx, context) => revokeAllLeases(tx, context, agentId, actor, cause), options)
  }

  /** One lease by id. */
  async get(id: string, options: AtTx = {}): Promise<Lease | undefined> {
    return this.read((tx) => getLease(tx, id, this.clock), { ...options, lookup: true })
  }

  /** Leases, newest first unless `order` says otherwise. */
  async list(filter: LeaseFilter = {}, options: Cursor & AtTx = {}): Promise<CursorPage<Lease>> {
    return this.read((tx) => listLeases(tx, filter, options, this.clock), options)
  }

  /**
   * Ends leases whose grace is over and cuts deadlines that a stepping clock has put too far ahead; looks at most `limit` leases
   * at a time (default 500, up to 10 000). Resolves to how many it ended or cut. The host calls it at start and every 15 s.
   *
   * @throws AggregateError after all others were swept: agents whose books are damaged, one error each
   */
  async sweep(options: { readonly limit?: number | undefined } = {}): Promise<number> {
    const limit = options.limit ?? SWEEP_BATCH
    const faults = new Faults()
    faults.integer('limit', limit, 1, 10_000)
    refuseFaults(faults)
    const db = await this.ready()
    return sweepLeases(db, this.#contextOn(db), limit)
  }

  /**
   * Locks an agent's owner and then its budget until the end of the caller's transaction (budget protocol 12.1): for operations
   * that read facts about the agent before they grant. `exclusive`: no other grant of the same owner meanwhile. `newOwnerId`:
   * an owner that is locked as well, because the agent moves to it.
   *
   * @throws {LeaseError} AGENT_NOT_FOUND, AGENT_ARCHIVED
   * @throws {DatabaseError} DATABASE_BUSY, on which `db.write` runs again, when the agent's owner changed meanwhile
   */
  async lockAgent(
    agentId: string,
    options: {
      readonly tx: WriteTx
      readonly exclusive?: boolean | undefined
      readonly newOwnerId?: string | undefined
    },
  ): Promise<AgentLock> {
    const budget = await lockLiveBudget(options.tx, agentId, this.clock, options)
    return Object.freeze({ agentId, ownerId: budget.ownerId, now: budget.now })
  }

  /**
   * How a message of an agent that is composed with this manager's operations shares its transaction with those of other agents:
   * for the `group` of `db.write`. One that grants names the `grantsOf` owner, and shares with grants of that owner only: what it
   * decides on the owner's limits, it decides in `tx.inTurn`. `ownerId`: whose agent it was a moment ago, which spares asking.
   */
  groupOf(
    agentId: string,
    options: { readonly grantsOf?: string | undefined; readonly ownerId?: string | undefined } = {},
  ): WriteGroup {
    const { grantsOf, ownerId = grantsOf } = options
    if (grantsOf === undefined) return { key: agentId, lock: lockBudgets, hint: ownerId }
    return { key: agentId, lock: lockBudgetsForGrants, decidesOn: ownerLock(grantsOf), hint: ownerId }
  }

  /** Whether the transaction has locked the agent, so that nobody else changes what it is told until the commit. */
  isLocked(agentId: string, options: { readonly tx: WriteTx }): boolean {
    return holdsBudget(options.tx, agentId)
  }

  /**
   * Ends the agent's leases whose grace is over, as every message of the agent does first. Resolves to how many.
   *
   * @throws {LeaseError} AGENT_NOT_FOUND
   */
  async endOverdue(agentId: string, options: { readonly tx: WriteTx }): Promise<number> {
    const context = this.#contextOn(await this.ready())
    const budget = await lockKnownBudget(options.tx, agentId, this.clock)
    const { active } = await readActiveLeases(options.tx, agentId)
    return (await endOverdueLeases(options.tx, context, budget, active)).ended
  }

  async #command<T>(
    work: (tx: WriteTx, context: LeaseContext) => Promise<T>,
    { tx, group = true }: InTx & { readonly group?: WriteGroup | true },
  ): Promise<T> {
    const db = await this.ready()
    const context = this.#contextOn(db)
    return commitBeforeRefusing(db, isRefusal, (open) => work(open, context), { group, tx })
  }

  #contextOn(db: IronDatabase): LeaseContext {
    this.#context ??= {
      ...openBooks(db, this.#options, this.clock, this.idsOf(db), this.#rules),
      ...this.#prices(),
      rules: this.#rules,
    }
    return this.#context
  }

  #prices(): PricingContext {
    return { pricing: () => (this.#pricing ??= new CostCalculator()), clock: this.clock }
  }
}

function rulesOf(options: LeaseManagerOptions): LeaseRules {
  const rules: LeaseRules = {
    defaultGrant: options.defaultGrant ?? DEFAULT_GRANT,
    maxGrant: options.maxGrant ?? MAX_GRANT,
    ttlMs: options.ttlMs ?? LEASE_TTL_MS,
    graceMs: options.graceMs ?? LEASE_GRACE_MS,
    maxOpenPerAgent: options.maxOpenPerAgent ?? MAX_OPEN_PER_AGENT,
  }
  const faults = new Faults()
  checkAmount(faults, 'maxGrant', rules.maxGrant, 1)
  checkAmount(faults, 'defaultGrant', rules.defaultGrant, 1, Math.max(1, rules.maxGrant))
  faults.integer('ttlMs', rules.ttlMs, 60_000, 86_400_000)
  faults.integer('graceMs', rules.graceMs, 0, 600_000)
  faults.integer('maxOpenPerAgent', rules.maxOpenPerAgent, 1, 1_000)
  refuseFaults(faults)
  return Object.freeze(rules)
}
