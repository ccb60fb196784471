/**
 * Agents with owner, providers, credential and runtime state, and what ties them to users, budgets and providers. Each
 * operation is one transaction with its budget, lease, audit and event parts: an agent without a budget cannot exist (MON-27).
 */
import type { Microdollars } from '@iron/cost-calculator'
import {
  type AtTx,
  DatabaseService,
  type DbSource,
  type InTx,
  type Page,
  type Paged,
  type ReadTx,
  type ServiceOptions,
  type WriteTx,
} from '@iron/database'
import type { IcTokenManager } from '@iron/ic-token'
import { type ActorRef, actorIdOf, AuditLog, EventLog, RequestLog } from '@iron/journal'
import {
  AgentBudgetManager,
  type BudgetApproval,
  type BudgetRequest,
  BudgetRequestManager,
  LeaseManager,
  type NewBudgetRequest,
} from '@iron/lease-manager'
import { type ClientContext, type Provider, ProviderCatalog, UserService } from '@iron/token-manager'
import { AGENT_STATES, type Agent, type AgentState, type DesiredState } from './agent.ts'
import { type AgentChange, checkAgentChange } from './agent-change.ts'
import { checkProviderIds, checkReason } from './agent-fields.ts'
import { findAgentRow } from './agents/agent-rows.ts'
import { agentStatus, type AgentStatus } from './agents/agent-status.ts'
import { agentsOverview, type AgentsOverview } from './agents/agents-overview.ts'
import { archiveAgent, type ArchivedAgent } from './agents/archive-agent.ts'
import { createAgent } from './agents/create-agent.ts'
import { failSilentAgents, SILENT_BATCH } from './agents/fail-silent.ts'
import { heartbeat } from './agents/heartbeat.ts'
import { type AgentFilter, listAgents } from './agents/list-agents.ts'
import { loadAgent } from './agents/load-agent.ts'
import { type ReportedState, reportState } from './agents/report-state.ts'
import { type ResumedAgent, resumeAgent } from './agents/resume-agent.ts'
import { stopAgent, type StoppedAgent } from './agents/stop-agent.ts'
import { updateAgent } from './agents/update-agent.ts'
import { type AgentAuthentication, authenticateAgent } from './authenticate.ts'
import { agentNotFound, checkIds, checkInput } from './errors.ts'
import { checkIcToken } from './ic-tokens/check-ic-token.ts'
import { type IcTokenInfo, icTokenInfoOf, type IcTokenOptions, type IssuedIcToken } from './ic-tokens/ic-token-info.ts'
import { findLiveIcToken } from './ic-tokens/ic-token-rows.ts'
import { issueIcToken } from './ic-tokens/issue-ic-token.ts'
import { regenerateIcToken } from './ic-tokens/regenerate-ic-token.ts'
import { revokeIcToken } from './ic-tokens/revoke-ic-token.ts'
import { MadeServices } from './made-services.ts'
import { checkNewAgent, type NewAgent } from './new-agent.ts'
import { reassignAgents, type ReassignedAgent } from './owners/reassign-agents.ts'
import { requestBudget } from './owners/request-budget.ts'
import { findProviders } from './providers/assignment-rows.ts'
import { deleteProvider, type DeletedProvider } from './providers/delete-provider.ts'
import { removeProvider } from './providers/remove-provider.ts'
import { setProviders } from './providers/set-providers.ts'
import type { Acting, RegistryParts } from './registry-parts.ts'
import { SignsOfLife } from './sign-of-life.ts'
import { desiredStateOf, type Standing, standingOf } from './standing.ts'

/** How long a running agent may be silent, in milliseconds (http-api 4.4). */
export const HEARTBEAT_TIMEOUT_MS = 90_000

/** Options of {@link AgentRegistry}. Collaborators that are not given are made on the same database. */
export interface AgentRegistryOptions extends ServiceOptions {
  readonly icTokens: IcTokenManager
  readonly users?: UserService | undefined
  readonly providers?: ProviderCatalog | undefined
  readonly budgets?: AgentBudgetManager | undefined
  readonly leases?: LeaseManager | undefined
  readonly budgetRequests?: BudgetRequestManager | undefined
  /** Create an unknown owner instead of refusing. Default: true for a path or URL, false for an open handle. */
  readonly provisionOwners?: boolean | undefined
  /** Default {@link HEARTBEAT_TIMEOUT_MS}; 1 second to a day. */
  readonly heartbeatTimeoutMs?: number | undefined
}

/** Agents with owner, providers, credential and runtime state. Each operation is one transaction with its budget, lease, audit and event parts. */
export class AgentRegistry extends DatabaseService {
  readonly #parts: RegistryParts
  readonly #made = new MadeServices()
  readonly #provisionOwners: boolean
  readonly #heartbeatTimeoutMs: number
  readonly #signsOfLife = new SignsOfLife()

  /** @throws {AgentError} VALIDATION_ERROR for an option out of its range */
  constructor(source: DbSource, options: AgentRegistryOptions) {
    super(source, options)
    this.#provisionOwners = options.provisionOwners ?? this.opensItself
    this.#heartbeatTimeoutMs = options.heartbeatTimeoutMs ?? HEARTBEAT_TIMEOUT_MS
    checkInput({}, (faults) => faults.integer('heartbeatTimeoutMs', this.#heartbeatTimeoutMs, 1_000, 86_400_000))
    const made = this.#made
    this.#parts = {
      icTokens: options.icTokens,
      users: options.users ?? made.add(new UserService(source, options)),
      providers: options.providers ?? made.add(new ProviderCatalog(source, options)),
      budgets: options.budgets ?? made.add(new AgentBudgetManager(source, options)),
      leases: options.leases ?? made.add(new LeaseManager(source, options)),
      budgetRequests: options.budgetRequests ?? made.add(new BudgetRequestManager(source, options)),
      audit: made.add(new AuditLog(source, options)),
      events: made.add(new EventLog(source, options)),
      requests: made.add(new RequestLog(source, options)),
    }
  }

  /**
   * Creates an agent with budget, providers and IC token in one transaction. The token is in the answer and nowhere else.
   * Audited as `AGENT_CREATED` and `IC_TOKEN_CREATED`.
   *
   * @throws {AgentError} VALIDATION_ERROR; INVALID_PROVIDER_ID, USER_NOT_FOUND (the owner is no active user)
   */
  async create(
    input: NewAgent,
    actor: ActorRef,
    options: InTx = {},
  ): Promise<{ readonly agent: Agent; readonly icToken: IssuedIcToken }> {
    const checked = checkNewAgent(input, this.clock.now())
    return this.#act(actor, options, (tx, acting) => {
      return createAgent(tx, input, checked, { ...acting, provisionOwners: this.#provisionOwners })
    })
  }

  /** One agent with what may be known of its IC token. */
  get(id: string, options: AtTx = {}): Promise<(Agent & { readonly icToken: IcTokenInfo | null }) | undefined> {
    return this.read(async (tx) => {
      const agent = await loadAgent(tx, id, this.#parts)
      if (agent === undefined) return undefined
      const token = await findLiveIcToken(tx, id)
      return Object.freeze({ ...agent, icToken: token === undefined ? null : icTokenInfoOf(token) })
    }, options)
  }

  /** One page of agents. Sorts: `createdAt`, `updatedAt`, `name`. */
  list(filter: AgentFilter = {}, options: Page & AtTx = {}): Promise<Paged<Agent>> {
    return this.read((tx) => listAgents(tx, filter, options, this.#parts.budgets), options)
  }

  /** One agent with how often and when it last called, from one snapshot. */
  status(id: string, options: AtTx = {}): Promise<AgentStatus | undefined> {
    return this.read((tx) => agentStatus(tx, id, this.clock.now(), this.#parts), options)
  }

  /** How many agents are in which state, and the sum of their budgets; archived ones are left out. */
  overview(filter: { readonly ownerId?: string | undefined } = {}, options: AtTx = {}): Promise<AgentsOverview> {
    return this.read((tx) => agentsOverview(tx, filter, this.#parts), options)
  }

  /**
   * Changes what is given; nothing is written when it makes no difference. A new owner has everything of the agent from this
   * commit on. Audited as `AGENT_UPDATED`, `AGENT_OWNER_CHANGED`.
   *
   * @throws {AgentError} VALIDATION_ERROR, also for a change of nothing; AGENT_NOT_FOUND, AGENT_ARCHIVED, USER_NOT_FOUND (the
   * new owner is no active user), in this order
   */
  async update(id: string, change: AgentChange, actor: ActorRef, options: InTx = {}): Promise<Agent> {
    const checked = checkAgentChange(id, change)
    return this.#act(actor, options, (tx, acting) => {
      return updateAgent(tx, id, checked, { ...acting, provisionOwners: this.#provisionOwners })
    })
  }

  /**
   * Ends an agent for good: leases revoked, token ended, pending budget requests cancelled, budget closed. A repeat changes
   * nothing. Audited as `AGENT_ARCHIVED`; events `lease.closed`, and `agent.stopped` if it was not.
   *
   * @throws {AgentError} VALIDATION_ERROR, AGENT_NOT_FOUND
   */
  async archive(id: string, actor: ActorRef, options: InTx = {}): Promise<ArchivedAgent> {
    checkIds({ id })
    return this.#act(actor, options, (tx, acting) => archiveAgent(tx, id, acting))
  }

  /**
   * Orders an agent to stop and revokes its leases in the same commit; `changed` is false when it stood stopped already.
   * Audited as `AGENT_STOPPED`; events `agent.stop_requested`, `lease.closed` each, `agent.stopped`.
   *
   * @param options.reason 1..500 code points
   * @throws {AgentError} VALIDATION_ERROR, AGENT_NOT_FOUND, AGENT_ARCHIVED
   */
  async stop(
    id: string,
    actor: ActorRef,
    options: InTx & { readonly reason?: string | undefined } = {},
  ): Promise<StoppedAgent> {
    const reason = checkInput({ id }, (faults) => checkReason(faults, options.reason, 1))
    return this.#act(actor, options, (tx, acting) => stopAgent(tx, id, reason, acting))
  }

  /**
   * Takes a stop order back: the agent is idle and may be granted money again. Audited as `AGENT_RESUMED` if it was told to
   * stop.
   *
   * @throws {AgentError} VALIDATION_ERROR, AGENT_NOT_FOUND, AGENT_ARCHIVED
   */
  async resume(id: string, actor: ActorRef, options: InTx = {}): Promise<ResumedAgent> {
    checkIds({ id })
    return this.#act(actor, options, (tx, acting) => resumeAgent(tx, id, acting))
  }

  /**
   * What the runtime says of itself, and a sign of life. Audited as `AGENT_STATE_CHANGED` if it changes anything; event of the
   * state it enters (`agent.started`, `agent.stopped`, `agent.failed`).
   *
   * @param options.actor default: the agent
   * @param options.reason up to 500 code points
   * @throws {AgentError} VALIDATION_ERROR; AGENT_NOT_FOUND, AGENT_ARCHIVED; AGENT_STOPPED for `running` and `idle` while it is
   * told to stop (`details.reason`)
   */
  async reportState(
    id: string,
    state: AgentState,
    options: InTx & { readonly reason?: string | undefined; readonly actor?: ActorRef | undefined } = {},
  ): Promise<ReportedState> {
    const reason = checkInput({ id }, (faults) => {
      faults.oneOf('state', state, AGENT_STATES)
      return checkReason(faults, options.reason, 0)
    })
    const actor = options.actor ?? ({ type: 'agent', id } as const)
    return this.#act(actor, options, (tx, acting) => reportState(tx, id, state, reason, acting))
  }

  /** A sign of life. @throws {AgentError} VALIDATION_ERROR, AGENT_NOT_FOUND, AGENT_ARCHIVED */
  async heartbeat(id: string): Promise<Agent> {
    checkIds({ id })
    const now = this.clock.now()
    this.#signsOfLife.note(id, now)
    return this.write((tx) => heartbeat(tx, id, now, this.#parts), { group: true })
  }

  /**
   * Fails running agents that have been silent for `heartbeatTimeoutMs`, each in a transaction of its own and once, whichever
   * process notices first. Audited as `AGENT_STATE_CHANGED`; event `agent.failed`. The host calls it every 15 s.
   *
   * @param options.limit agents looked at, 1..10 000; default {@link SILENT_BATCH}
   * @returns the ids of those that failed, longest silent first
   * @throws {AgentError} VALIDATION_ERROR
   */
  async failSilent(options: { readonly limit?: number | undefined } = {}): Promise<readonly string[]> {
    const limit = options.limit ?? SILENT_BATCH
    checkInput({}, (faults) => faults.integer('limit', limit, 1, 10_000))
    return failSilentAgents(await this.ready(), {
      parts: this.#parts,
      signs: this.#signsOfLife,
      now: this.clock.now(),
      timeoutMs: this.#heartbeatTimeoutMs,
      limit,
    })
  }

  /** The agent's providers, in order of preference. @throws {AgentError} AGENT_NOT_FOUND */
  providers(id: string, options: AtTx = {}): Promise<readonly Provider[]> {
    return this.read(async (tx) => {
      if ((await findAgentRow(tx, id)) === undefined) throw agentNotFound(id)
      return findProviders(tx, id, this.#parts)
    }, options)
  }

  /**
   * Replaces all providers of an agent; the order is the order of preference, duplicates are dropped, open leases go on.
   * Audited as `AGENT_PROVIDERS_UPDATED` if anything changed.
   *
   * @param providerIds up to 50
   * @throws {AgentError} VALIDATION_ERROR; AGENT_NOT_FOUND, AGENT_ARCHIVED, INVALID_PROVIDER_ID (`details.missing`), in this
   * order
   */
  async setProviders(
    id: string,
    providerIds: readonly string[],
    actor: ActorRef,
    options: InTx = {},
  ): Promise<readonly Provider[]> {
    const distinct = checkInput({ id }, (faults) => checkProviderIds(faults, providerIds))
    return this.#act(actor, options, (tx, acting) => setProviders(tx, id, distinct, acting))
  }

  /**
   * Takes one provider from an agent. Audited as `AGENT_PROVIDERS_UPDATED`.
   *
   * @returns the providers that are left, in order of preference
   * @throws {AgentError} VALIDATION_ERROR; AGENT_NOT_FOUND, AGENT_ARCHIVED, ASSIGNMENT_NOT_FOUND, in this order
   */
  async removeProvider(
    id: string,
    providerId: string,
    actor: ActorRef,
    options: InTx = {},
  ): Promise<readonly Provider[]> {
    checkIds({ id, providerId })
    return this.#act(actor, options, (tx, acting) => removeProvider(tx, id, providerId, acting))
  }

  /**
   * Deletes a provider with its keys and takes it from every agent, in one commit; open leases go on. Audited as
   * `PROVIDER_DELETED`, which names the agents.
   *
   * @throws {AgentError} VALIDATION_ERROR
   * @throws {TokenManagerError} PROVIDER_NOT_FOUND
   */
  async deleteProvider(providerId: string, actor: ActorRef, options: InTx = {}): Promise<DeletedProvider> {
    checkIds({ providerId })
    return this.#act(actor, options, (tx, acting) => deleteProvider(tx, providerId, acting))
  }

  /**
   * Gives an agent without IC token one; it is in the answer and nowhere else. Audited as `IC_TOKEN_CREATED`.
   *
   * @throws {AgentError} VALIDATION_ERROR; AGENT_NOT_FOUND, AGENT_ARCHIVED, IC_TOKEN_EXISTS (`details.existing_id`), in this
   * order
   */
  async issueIcToken(id: string, actor: ActorRef, options: InTx & IcTokenOptions = {}): Promise<IssuedIcToken> {
    const checked = this.#checkIcToken(id, options)
    return this.#act(actor, options, (tx, acting) => issueIcToken(tx, id, checked, acting))
  }

  /**
   * Replaces an agent's IC token, if it has one, without grace: the old one is dead and its leases are revoked with this
   * commit. Audited as `IC_TOKEN_REGENERATED`; events `lease.closed`.
   *
   * @throws {AgentError} VALIDATION_ERROR, AGENT_NOT_FOUND, AGENT_ARCHIVED
   */
  async regenerateIcToken(id: string, actor: ActorRef, options: InTx & IcTokenOptions = {}): Promise<IssuedIcToken> {
    const checked = this.#checkIcToken(id, options)
    return this.#act(actor, options, (tx, acting) => regenerateIcToken(tx, id, checked, acting))
  }

  /**
   * Ends an agent's IC token and revokes its leases in the same commit. Audited as `IC_TOKEN_REVOKED` if there was one; events
   * `lease.closed`.
   *
   * @returns whether there was one; an archived agent has none
   * @throws {AgentError} VALIDATION_ERROR, AGENT_NOT_FOUND
   */
  async revokeIcToken(id: string, actor: ActorRef, options: InTx = {}): Promise<boolean> {
    checkIds({ id })
    return this.#act(actor, options, (tx, acting) => revokeIcToken(tx, id, acting))
  }

  /**
   * Checks a presented IC token; any accepted call is a sign of life of its agent.
   *
   * @param options.isSignOfLife default true; false for a check that nobody asked for, as of a connection that stands open
   */
  async authenticate(
    icToken: string,
    options: {
      readonly permission?: string | undefined
      readonly context?: ClientContext | undefined
      readonly isSignOfLife?: boolean | undefined
    } = {},
  ): Promise<AgentAuthentication> {
    const db = await this.ready()
    const read = <T>(work: (tx: ReadTx) => Promise<T>): Promise<T> => db.read(work, { lookup: true })
    const answer = await authenticateAgent(this.#parts.icTokens, read, icToken, options)
    const isSignOfLife = options.isSignOfLife ?? true
    if (answer.outcome === 'ok' && isSignOfLife) this.#noteSignOfLife(answer.principal.agentId)
    return answer
  }

  /** What a grant must know about an agent. @throws {AgentError} AGENT_NOT_FOUND */
  standing(id: string, options: { readonly tx: ReadTx }): Promise<Standing> {
    return standingOf(options.tx, id, this.#parts)
  }

  /** What the agent is told to do. */
  desiredState(id: string, options: { readonly tx: ReadTx }): Promise<DesiredState> {
    return desiredStateOf(options.tx, id)
  }

  /**
   * `BudgetRequestManager.create`, where the requester may be a user who is being deleted: the request is cancelled with the
   * others of that user, or not made.
   *
   * @param options `ownerId`: whose agent it must be
   * @throws {AgentError} VALIDATION_ERROR; AGENT_NOT_FOUND when the requester is deleted, and for an agent of another owner
   * @throws {LeaseError} as `BudgetRequestManager.create`
   */
  async requestBudget(
    request: NewBudgetRequest,
    actor: ActorRef,
    options: InTx & { readonly ownerId?: string | undefined } = {},
  ): Promise<BudgetRequest> {
    checkIds({ agentId: request.agentId, requesterId: request.requesterId })
    return this.write((tx) => requestBudget(tx, request, actor, options.ownerId, this.#parts), options)
  }

  /**
   * `BudgetRequestManager.approve`, where the requester may be the reviewer only as the only active admin there is (ACL-07);
   * that is decided inside the transaction.
   *
   * @throws {LeaseError} as `BudgetRequestManager.approve`
   */
  approveBudgetRequest(
    id: string,
    actor: ActorRef,
    options: InTx & {
      readonly approvedAllocated?: Microdollars | undefined
      readonly reviewNotes?: string | undefined
    } = {},
  ): Promise<BudgetApproval> {
    const { users, budgetRequests } = this.#parts
    const { approvedAllocated, reviewNotes } = options
    return this.write(async (tx) => {
      const allowSelf = await users.isOnlyActiveAdmin(actorIdOf(actor), { tx })
      return budgetRequests.approve(id, actor, { tx, approvedAllocated, reviewNotes, allowSelf })
    }, options)
  }

  /**
   * Moves every agent of an owner, archived ones too, to another, marked as orphaned, as part of the owner's end. The caller
   * holds the locks of both owners. Audits nothing: the operation that it is part of names the agents.
   *
   * @returns the agents, by id
   * @throws {AgentError} VALIDATION_ERROR
   */
  async reassignAll(
    ownerId: string,
    newOwnerId: string,
    options: { readonly tx: WriteTx },
  ): Promise<readonly ReassignedAgent[]> {
    checkIds({ ownerId, newOwnerId })
    return reassignAgents(options.tx, ownerId, newOwnerId, this.#parts, this.clock.now())
  }

  override async close(): Promise<void> {
    await super.close()
    await this.#made.close()
  }

  #act<T>(actor: ActorRef, { tx }: InTx, work: (tx: WriteTx, acting: Acting) => Promise<T>): Promise<T> {
    return this.write(
      (open, db) => work(open, { parts: this.#parts, ids: this.idsOf(db), actor, now: this.clock.now() }),
      { tx },
    )
  }

  #checkIcToken(id: string, options: IcTokenOptions): IcTokenOptions {
    return checkInput({ id }, (faults) => checkIcToken(faults, '', options, this.clock.now()))
  }

  #noteSignOfLife(agentId: string): void {
    const now = this.clock.now()
    if (!this.#signsOfLife.note(agentId, now)) return
    // An observation: the answer does not wait for it, and a failure is made good by the next call.
    void this.write((tx) => this.#signsOfLife.stamp(tx, agentId, now), { group: true }).catch(() => undefined)
  }
}
