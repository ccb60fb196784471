/**
 * Requests to raise an agent's allocation (budget protocol 14). A request is decided once and for ever; an approval sets the
 * allocation to an absolute amount in the same transaction, through the code that sets any allocation.
 */
import {
  type AtTx,
  DatabaseService,
  type DbSource,
  type InTx,
  type IronDatabase,
  type Page,
  type Paged,
  type WriteTx,
} from '@iron/database'
import type { ActorRef } from '@iron/journal'
import { type AgentBudgetManagerOptions, leaseTimesOf } from './agent-budget-manager.ts'
import { type Books, openBooks } from './books.ts'
import { type ApprovalOptions, approveRequest, type BudgetApproval } from './budget-requests/approve-request.ts'
import type { BudgetRequest } from './budget-requests/budget-request.ts'
import { type CancelFilter, cancelRequest, cancelRequests } from './budget-requests/cancel-request.ts'
import {
  checkApproval,
  checkNewRequest,
  checkRejection,
  type NewBudgetRequest,
  REVIEW_NOTES_MAX,
} from './budget-requests/check-request.ts'
import { createRequest } from './budget-requests/create-request.ts'
import { type BudgetRequestFilter, listRequests } from './budget-requests/list-requests.ts'
import { rejectRequest } from './budget-requests/reject-request.ts'
import { findRequest } from './budget-requests/request-rows.ts'
import { checkActor, checkIds } from './lease/validate.ts'

/** Requests to change an agent's budget: made, approved, rejected, cancelled, found. Every method is one transaction. */
export class BudgetRequestManager extends DatabaseService {
  readonly #options: AgentBudgetManagerOptions
  #books: Books | undefined

  constructor(source: DbSource, options: AgentBudgetManagerOptions = {}) {
    super(source, options)
    this.#options = options
  }

  /**
   * Asks for an allocation above the present one; several requests of one agent may be pending. Audited as
   * `BUDGET_REQUEST_CREATED`.
   *
   * @throws {LeaseError} VALIDATION_ERROR; AGENT_NOT_FOUND, AGENT_ARCHIVED, BUDGET_DECREASE_REQUEST (`details.allocated_usd`),
   * in this order
   */
  async create(request: NewBudgetRequest, actor: ActorRef, options: InTx = {}): Promise<BudgetRequest> {
    const checked = checkNewRequest(request, actor)
    return this.#command((tx, books) => createRequest(tx, books, checked, actor), options)
  }

  /**
   * Sets the agent's allocation to `approvedAllocated` (default: what was requested) and ends the request, in one transaction.
   * The ledger row and the history name the request. Audited as `BUDGET_REQUEST_APPROVED` and `BUDGET_UPDATED`; event
   * `budget.changed`.
   *
   * @throws {LeaseError} VALIDATION_ERROR; BUDGET_REQUEST_NOT_FOUND; REQUEST_ALREADY_REVIEWED (`details` `status`,
   * `reviewed_by`, `reviewed_at`); SELF_APPROVAL_FORBIDDEN for the requester unless `allowSelf`; AGENT_ARCHIVED;
   * APPROVAL_DECREASES_BUDGET when the amount is not above the live allocation (`details.allocated_usd`), in this order
   */
  async approve(id: string, actor: ActorRef, options: ApprovalOptions = {}): Promise<BudgetApproval> {
    const { tx: _, ...review } = options
    const reviewNotes = checkApproval(id, actor, review)
    return this.#command((tx, books) => approveRequest(tx, books, id, actor, { ...review, reviewNotes }), options)
  }

  /**
   * Ends the request without money. Audited as `BUDGET_REQUEST_REJECTED`.
   *
   * @param reviewNotes 20..1000 code points
   * @throws {LeaseError} VALIDATION_ERROR; BUDGET_REQUEST_NOT_FOUND, REQUEST_ALREADY_REVIEWED
   */
  async reject(id: string, reviewNotes: string, actor: ActorRef, options: InTx = {}): Promise<BudgetRequest> {
    const notes = checkRejection(id, actor, reviewNotes)
    return this.#command((tx, books) => rejectRequest(tx, books, id, notes, actor), options)
  }

  /**
   * Takes the request back. Audited as `BUDGET_REQUEST_CANCELLED`.
   *
   * @throws {LeaseError} VALIDATION_ERROR; BUDGET_REQUEST_NOT_FOUND, REQUEST_ALREADY_REVIEWED
   */
  async cancel(id: string, actor: ActorRef, options: InTx = {}): Promise<BudgetRequest> {
    checkIds({ id }, (faults) => checkActor(faults, actor))
    return this.#command((tx, books) => cancelRequest(tx, books, id, actor), options)
  }

  /**
   * Cancels the pending requests of an agent, of a requester, or of a requester for an agent, as part of what makes them
   * pointless. Audits nothing: the operation that it is part of names the ids.
   *
   * @param actor a system actor leaves `cancelledBy` null
   * @param note 1..1000 code points; becomes the review notes
   * @returns the ids, ascending
   * @throws {LeaseError} VALIDATION_ERROR, also when the filter names neither
   */
  async cancelAll(
    filter: CancelFilter,
    actor: ActorRef,
    note: string,
    options: { readonly tx: WriteTx },
  ): Promise<readonly string[]> {
    const { agentId, requesterId } = filter
    checkIds({}, (faults) => {
      faults.check(agentId !== undefined || requesterId !== undefined, '$', 'must name an agent or a requester')
      if (agentId !== undefined) faults.id('agentId', agentId)
      if (requesterId !== undefined) faults.id('requesterId', requesterId)
      faults.text('note', note, { max: REVIEW_NOTES_MAX, multiline: true })
      checkActor(faults, actor)
    })
    return cancelRequests(options.tx, filter, { by: actor, at: this.clock.now(), note: note.normalize('NFC') })
  }

  /** One request by id. */
  async get(id: string, options: AtTx = {}): Promise<BudgetRequest | undefined> {
    return this.read((tx) => findRequest(tx, id), { tx: options.tx, lookup: true })
  }

  /** Sorts: createdAt (default, newest first), requestedAllocated. @throws {LeaseError} VALIDATION_ERROR */
  async list(filter: BudgetRequestFilter = {}, options: Page & AtTx = {}): Promise<Paged<BudgetRequest>> {
    return this.read((tx) => listRequests(tx, filter, options), options)
  }

  async #command<T>(work: (tx: WriteTx, books: Books) => Promise<T>, { tx }: InTx): Promise<T> {
    return this.write((open, db) => work(open, this.#booksOn(db)), { group: true, tx })
  }

  #booksOn(db: IronDatabase): Books {
    return (this.#books ??= openBooks(db, this.#options, this.clock, this.idsOf(db), leaseTimesOf(this.#options)))
  }
}
