/**
 * Budgets of agents: what each may spend in all (budget protocol 4.8). Every method is one transaction; a refused one has changed
 * nothing but overdue leases that it ended on its way (rulings R1).
 */
import type { Microdollars } from '@iron/cost-calculator'
import {
  type AtTx,
  commitBeforeRefusing,
  type Cursor,
  type CursorPage,
  DatabaseService,
  type DbSource,
  type InTx,
  type IronDatabase,
  type Page,
  type WriteTx,
} from '@iron/database'
import type { ActorRef } from '@iron/journal'
import { checkAmount } from './amount.ts'
import { type Books, type BooksOptions, openBooks } from './books.ts'
import { type Adjustment, adjustBudget } from './budget/adjust-budget.ts'
import { type Budget, publicBudget } from './budget/budget.ts'
import type { BudgetFilter } from './budget/budget-filter.ts'
import { type BudgetChange, budgetHistory } from './budget/budget-history.ts'
import { type AllocationChange, type AllocationOptions, changeAllocation } from './budget/change-allocation.ts'
import { createBudget } from './budget/create-budget.ts'
import { type BudgetPage, listBudgets } from './budget/list-budgets.ts'
import { archiveBudget, moveBudget, moveBudgets } from './budget/move-budget.ts'
import { getBudget, getBudgets } from './budget/read-budgets.ts'
import { isRefusal } from './errors.ts'
import type { LeaseTimes } from './lease/decide-overdue.ts'
import { checkActor, checkIds, REASON_MAX } from './lease/validate.ts'

/** Until when an allocation change still finds leases in grace, in milliseconds: LeaseManager's default. */
const GRACE_DEFAULT_MS = 60_000

/** The times of the LeaseManager on the same database, if they are not its defaults. */
export interface AgentBudgetManagerOptions extends BooksOptions {
  /** Default: deadlines that lie too far ahead are left to LeaseManager. */
  readonly ttlMs?: number | undefined
  /** Default 60 000. */
  readonly graceMs?: number | undefined
}

/** The times by which a budget's operations end overdue leases; without `ttlMs` no deadline is taken for too far ahead. */
export function leaseTimesOf(options: AgentBudgetManagerOptions): LeaseTimes {
  return { ttlMs: options.ttlMs, graceMs: options.graceMs ?? GRACE_DEFAULT_MS }
}

/** Budgets of agents: what each may spend in all, how that changed, and corrections. Every method is one transaction. */
export class AgentBudgetManager extends DatabaseService {
  readonly #options: AgentBudgetManagerOptions
  #books: Books | undefined

  constructor(source: DbSource, options: AgentBudgetManagerOptions = {}) {
    super(source, options)
    this.#options = options
  }

  /**
   * Gives an agent its budget: 0 to 1e9 USD. Audits nothing; the operation that creates the agent does.
   *
   * @throws {LeaseError} BUDGET_EXISTS, VALIDATION_ERROR
   */
  async create(
    agentId: string,
    allocated: Microdollars,
    options: InTx & { readonly ownerId?: string | undefined; readonly actor?: ActorRef | undefined } = {},
  ): Promise<Budget> {
    checkIds({ agentId }, (faults) => {
      checkAmount(faults, 'allocated', allocated, 0)
      if (options.ownerId !== undefined) faults.id('ownerId', options.ownerId)
      if (options.actor !== undefined) checkActor(faults, options.actor)
    })
    return this.#command(
      async (tx, books) => publicBudget(await createBudget(tx, books, agentId, allocated, options), 0),
      options,
    )
  }

  /** By agent id. */
  async get(agentId: string, options: AtTx = {}): Promise<Budget | undefined> {
    return this.read((tx) => getBudget(tx, agentId), options)
  }

  /** As {@link get}, for several agents in one statement; an agent without budget is missing. */
  async getAll(agentIds: readonly string[], options: AtTx = {}): Promise<ReadonlyMap<string, Budget>> {
    return this.read((tx) => getBudgets(tx, agentIds), options)
  }

  /** Sorts: percentUsed (default, descending), allocated, spent, remaining, agentName, createdAt. */
  async list(filter: BudgetFilter = {}, options: Page & AtTx = {}): Promise<BudgetPage> {
    return this.read((tx) => listBudgets(tx, filter, options), options)
  }

  /**
   * Sets the allocation to an absolute amount. A raise serves the next grant; a decrease needs `force` and revokes leases, newest
   * first, until what is spent and lent fits.
   *
   * @throws {LeaseError} AGENT_NOT_FOUND, AGENT_ARCHIVED, CONFLICT, BUDGET_BELOW_SPENT, BUDGET_DECREASE_REQUIRES_CONFIRMATION, in
   * this order; VALIDATION_ERROR
   */
  async setAllocation(
    agentId: string,
    allocated: Microdollars,
    actor: ActorRef,
    options: AllocationOptions = {},
  ): Promise<AllocationChange> {
    checkIds({ agentId }, (faults) => {
      checkAmount(faults, 'allocated', allocated, 0)
      if (options.reason !== undefined) faults.text('reason', options.reason, { max: REASON_MAX, multiline: true })
      if (options.expectedVersion !== undefined) faults.integer('expectedVersion', options.expectedVersion, 0)
      checkActor(faults, actor)
    })
    return this.#command((tx, books) => changeAllocation(tx, books, agentId, allocated, actor, options), options)
  }

  /**
   * Corrects the books: a credit gives back spent money, a charge books extra spending and may overdraw.
   *
   * @throws {LeaseError} AGENT_NOT_FOUND, AGENT_ARCHIVED, ADJUSTMENT_TOO_LARGE, VALIDATION_ERROR
   */
  async adjust(
    agentId: string,
    direction: 'credit' | 'charge',
    amount: Microdollars,
    reason: string,
    actor: ActorRef,
    options: InTx = {},
  ): Promise<Adjustment> {
    checkIds({ agentId }, (faults) => {
      faults.oneOf('direction', direction, ['credit', 'charge'])
      checkAmount(faults, 'amount', amount, 1)
      faults.text('reason', reason, { max: REASON_MAX, multiline: true })
      checkActor(faults, actor)
    })
    return this.#command((tx, books) => adjustBudget(tx, books, agentId, { direction, amount, reason }, actor), options)
  }

  /** Changes of the allocation, newest first unless `order` says otherwise. @throws {LeaseError} AGENT_NOT_FOUND */
  async history(agentId: string, options: Cursor & AtTx = {}): Promise<CursorPage<BudgetChange>> {
    return this.read((tx) => budgetHistory(tx, agentId, options), options)
  }

  /** Moves the budget to another owner. @throws {LeaseError} AGENT_NOT_FOUND, AGENT_ARCHIVED, VALIDATION_ERROR */
  async setOwner(agentId: string, ownerId: string, options: { readonly tx: WriteTx }): Promise<void> {
    checkIds({ agentId, ownerId })
    await this.#command((tx, books) => moveBudget(tx, books, agentId, ownerId), options)
  }

  /**
   * Moves every budget of an owner who goes away to another, those of archived agents too. Locks both owners, so that no grant of
   * either runs meanwhile. Resolves to the agent ids, ascending.
   *
   * @throws {LeaseError} VALIDATION_ERROR
   */
  async reassignAll(
    ownerId: string,
    newOwnerId: string,
    options: { readonly tx: WriteTx },
  ): Promise<readonly string[]> {
    checkIds({ ownerId, newOwnerId })
    return moveBudgets(options.tx, ownerId, newOwnerId)
  }

  /** Closes the budget for good; its leases are revoked beforehand. @throws {LeaseError} AGENT_NOT_FOUND, AGENT_ARCHIVED */
  async archive(agentId: string, options: { readonly tx: WriteTx }): Promise<Budget> {
    checkIds({ agentId })
    return this.#command((tx, books) => archiveBudget(tx, books, agentId), options)
  }

  async #command<T>(work: (tx: WriteTx, books: Books) => Promise<T>, { tx }: InTx): Promise<T> {
    const db = await this.ready()
    const books = this.#booksOn(db)
    return commitBeforeRefusing(db, isRefusal, (open) => work(open, books), { group: true, tx })
  }

  #booksOn(db: IronDatabase): Books {
    return (this.#books ??= openBooks(db, this.#options, this.clock, this.idsOf(db), leaseTimesOf(this.#options)))
  }
}
