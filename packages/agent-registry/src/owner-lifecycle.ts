/**
 * Users together with what they own: where there are agents, accounts are suspended and deleted here, so that no agent is
 * ever without an owner who may be asked about it.
 */
import { DatabaseService, type DbSource, type InTx, type ServiceOptions } from '@iron/database'
import type { ActorRef } from '@iron/journal'
import { BudgetRequestManager } from '@iron/lease-manager'
import { type User, UserService } from '@iron/token-manager'
import type { AgentRegistry } from './agent-registry.ts'
import { checkIds } from './errors.ts'
import { MadeServices } from './made-services.ts'
import { type DeletedOwner, deleteOwner, type OwnerParts } from './owners/delete-owner.ts'

/** What {@link OwnerLifecycle} is composed of. What is not given is made on the same database. */
export interface OwnerLifecycleParts extends ServiceOptions {
  readonly registry: AgentRegistry
  readonly users?: UserService | undefined
  readonly budgetRequests?: BudgetRequestManager | undefined
}

/** Suspends and deletes users together with what they own: their agents, tokens, sessions and pending budget requests. */
export class OwnerLifecycle extends DatabaseService {
  readonly #parts: OwnerParts
  readonly #made = new MadeServices()

  constructor(source: DbSource, parts: OwnerLifecycleParts) {
    super(source, parts)
    this.#parts = {
      registry: parts.registry,
      users: parts.users ?? this.#made.add(new UserService(source, parts)),
      budgetRequests: parts.budgetRequests ?? this.#made.add(new BudgetRequestManager(source, parts)),
    }
  }

  /**
   * Suspends a user: sessions end, API tokens are refused, and from this commit on the user's agents get no grant, on every
   * process. Leases, reports and returns go on. Audited as `USER_SUSPENDED`.
   *
   * @throws {TokenManagerError} USER_NOT_FOUND, SELF_MODIFICATION_FORBIDDEN, USER_ALREADY_SUSPENDED, LAST_ADMIN,
   * VALIDATION_ERROR
   */
  suspendUser(id: string, actor: ActorRef, reason?: string, options: InTx = {}): Promise<User> {
    // A grant reads its owner's state under the owner's lock, which the suspension takes as well.
    return this.#parts.users.suspendUser(id, actor, reason, options)
  }

  /**
   * Deletes a user for good, in one transaction. Every agent, archived ones too, goes to the acting user with the tags
   * `orphaned` and `original-owner:<user id>` and keeps token, budget, providers and state; the user's pending budget requests
   * are cancelled; API tokens are revoked and sessions ended. One audit entry, `USER_DELETED`, names all of it (of more than
   * 400 agents or requests the first 400).
   *
   * @param actor whoever gets the agents: an active user, or an API token of one
   * @throws {AgentError} USER_NOT_FOUND (`details.owner_id`) when the acting user is not active
   * @throws {TokenManagerError} USER_NOT_FOUND, SELF_MODIFICATION_FORBIDDEN, LAST_ADMIN, VALIDATION_ERROR
   */
  async deleteUser(
    id: string,
    actor: ActorRef,
    options: InTx & { readonly reason?: string | undefined } = {},
  ): Promise<DeletedOwner> {
    checkIds({ id })
    // The account refuses last: inside a transaction of the caller what was done by then is undone, and the rest stays usable.
    return this.write(
      (tx) => tx.savepoint((inner) => deleteOwner(inner, id, actor, options.reason, this.#parts)),
      options,
    )
  }

  override async close(): Promise<void> {
    await super.close()
    await this.#made.close()
  }
}
