import { ZERO } from '@iron/cost-calculator'
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
import { type ActorRef, AuditLog, EventLog } from '@iron/journal'
import { AgentBudgetManager, LeaseManager } from '@iron/lease-manager'
import { type ClientContext, type Provider, ProviderCatalog, TokenManagerError, UserService } from '@iron/token-manager'
import { type Agent, agentOf, type DesiredState } from './agent.ts'
import { findAgentRow, findLiveIcToken, findProviderIds } from './agents/agent-rows.ts'
import { archiveAgent, type ArchivedAgent } from './agents/archive-agent.ts'
import { createAgent } from './agents/create-agent.ts'
import { type AgentFilter, listAgents } from './agents/list-agents.ts'
import { type AgentAuthentication, authenticateAgent } from './authenticate.ts'
import { AgentError, agentNotFound } from './errors.ts'
import { type IcTokenInfo, icTokenInfoOf, type IssuedIcToken } from './ic-tokens/ic-token-info.ts'
import { checkNewAgent, type NewAgent } from './new-agent.ts'
import { SignsOfLife } from './sign-of-life.ts'
import { desiredStateOf, type Standing, standingOf } from './standing.ts'

/** Options of {@link AgentRegistry}. Collaborators that are not given are made on the same database. */
export interface AgentRegistryOptions extends ServiceOptions {
  readonly icTokens: IcTokenManager
  readonly users?: UserService | undefined
  readonly providers?: ProviderCatalog | undefined
  readonly budgets?: AgentBudgetManager | undefined
  readonly leases?: LeaseManager | undefined
  /** Create an unknown owner instead of refusing. Default: true for a path or URL, false for an open handle. */
  readonly provisionOwners?: boolean | undefined
}

/**
 * Agents with owner, providers and credential, and what ties them to users and budgets. Each operation is one transaction
 * with its budget, audit and event parts: an agent without a budget cannot exist (MON-27).
 */
export class AgentRegistry extends DatabaseService {
  readonly #icTokens: IcTokenManager
  readonly #users: UserService
  readonly #providers: ProviderCatalog
  readonly #budgets: AgentBudgetManager
  readonly #leases: LeaseManager
  readonly #audit: AuditLog
  readonly #events: EventLog
  readonly #provisionOwners: boolean
  readonly #signsOfLife = new SignsOfLife()

  constructor(source: DbSource, options: AgentRegistryOptions) {
    super(source, options)
    this.#icTokens = options.icTokens
    this.#users = options.users ?? new UserService(source, options)
    this.#providers = options.providers ?? new ProviderCatalog(source, options)
    this.#budgets = options.budgets ?? new AgentBudgetManager(source, options)
    this.#leases = options.leases ?? new LeaseManager(source, options)
    this.#audit = new AuditLog(source, options)
    this.#events = new EventLog(source, options)
    this.#provisionOwners = options.provisionOwners ?? this.opensItself
  }

  /**
   * Creates an agent with budget, providers and IC token in one transaction. The token is in the answer and nowhere else.
   *
   * @throws {AgentError} VALIDATION_ERROR, USER_NOT_FOUND (the owner is no active user), INVALID_PROVIDER_ID
   */
  async create(
    input: NewAgent,
    actor: ActorRef,
    options: InTx = {},
  ): Promise<{ readonly agent: Agent; readonly icToken: IssuedIcToken }> {
    const now = this.clock.now()
    const checked = checkNewAgent(input, now)
    return this.write(async (tx, db) => {
      // Held together with the deletion of the owner: an agent is either moved with the others or refused (CON-23).
      await tx.lock(`owner:${input.ownerId}`, { shared: true })
      await this.#requireActiveOwner(input.ownerId, actor, tx)
      const parts = {
        icTokens: this.#icTokens,
        providers: this.#providers,
        budgets: this.#budgets,
        audit: this.#audit,
        ids: this.idsOf(db),
      }
      return createAgent(tx, input, checked, { parts, actor, now })
    }, options)
  }

  /** One agent with what may be known of its IC token. */
  get(id: string, options: AtTx = {}): Promise<(Agent & { readonly icToken: IcTokenInfo | null }) | undefined> {
    return this.read(async (tx) => {
      const row = await findAgentRow(tx, id)
      const budget = await this.#budgets.get(id, { tx })
      if (row === undefined || budget === undefined) return undefined
      const token = await findLiveIcToken(tx, id)
      const agent = agentOf(row, budget, await findProviderIds(tx, id))
      return Object.freeze({ ...agent, icToken: token === undefined ? null : icTokenInfoOf(token) })
    }, options)
  }

  /** One page of agents. Sorts: `createdAt`, `updatedAt`, `name`. */
  list(filter: AgentFilter = {}, options: Page & AtTx = {}): Promise<Paged<Agent>> {
    return this.read((tx) => listAgents(tx, filter, options, this.#budgets), options)
  }

  /**
   * Ends an agent for good; a repeat changes nothing.
   *
   * @throws {AgentError} AGENT_NOT_FOUND
   */
  archive(id: string, actor: ActorRef, options: InTx = {}): Promise<ArchivedAgent> {
    return this.write((tx) => {
      const parts = { budgets: this.#budgets, leases: this.#leases, audit: this.#audit, events: this.#events }
      return archiveAgent(tx, id, { parts, actor, now: this.clock.now(), nothing: ZERO })
    }, options)
  }

  /** The agent's providers, in order of preference. @throws {AgentError} AGENT_NOT_FOUND */
  providers(id: string, options: AtTx = {}): Promise<readonly Provider[]> {
    return this.read(async (tx) => {
      if ((await findAgentRow(tx, id)) === undefined) throw agentNotFound(id)
      const providers: Provider[] = []
      for (const providerId of await findProviderIds(tx, id)) {
        const provider = await this.#providers.get(providerId, { tx })
        if (provider !== undefined) providers.push(provider)
      }
      return providers
    }, options)
  }

  /** Checks a presented IC token; any accepted call is a sign of life of its agent. */
  async authenticate(
    icToken: string,
    options: { readonly permission?: string | undefined; readonly context?: ClientContext | undefined } = {},
  ): Promise<AgentAuthentication> {
    const db = await this.ready()
    const read = <T>(work: (tx: ReadTx) => Promise<T>): Promise<T> => db.read(work, { lookup: true })
    const answer = await authenticateAgent(this.#icTokens, read, icToken, options)
    if (answer.outcome === 'ok') this.#noteSignOfLife(answer.principal.agentId)
    return answer
  }

  /** What a grant must know about an agent. @throws {AgentError} AGENT_NOT_FOUND */
  standing(id: string, options: { readonly tx: ReadTx }): Promise<Standing> {
    return standingOf(options.tx, id, { users: this.#users, providers: this.#providers })
  }

  /** What the agent is told to do. */
  desiredState(id: string, options: { readonly tx: ReadTx }): Promise<DesiredState> {
    return desiredStateOf(options.tx, id)
  }

  /** @throws {AgentError} USER_NOT_FOUND unless the owner is an active user */
  async #requireActiveOwner(ownerId: string, actor: ActorRef, tx: WriteTx): Promise<void> {
    const refusal = new AgentError('USER_NOT_FOUND', 'the owner is no active user', { details: { owner_id: ownerId } })
    try {
      const owner = await this.#users.requireOwner(ownerId, actor, { tx, provision: this.#provisionOwners })
      if (owner.status !== 'active') throw refusal
    } catch (error) {
      if (error instanceof TokenManagerError && error.code === 'USER_NOT_FOUND') throw refusal
      throw error
    }
  }

  #noteSignOfLife(agentId: string): void {
    const now = this.clock.now()
    if (!this.#signsOfLife.isDue(agentId, now)) return
    // An observation: the answer does not wait for it, and a failure is made good by the next call.
    void this.write((tx) => this.#signsOfLife.stamp(tx, agentId, now), { group: true }).catch(() => undefined)
  }
}
