import type { AgentPrincipal, AgentRegistry, DesiredState, Standing } from '@iron/agent-registry'
import type { Microdollars, ProviderKind } from '@iron/cost-calculator'
import {
  allDone,
  commitBeforeRefusing,
  DatabaseService,
  type DbSource,
  type ServiceOptions,
  type WriteGroup,
  type WriteTx,
} from '@iron/database'
import {
  type BatchItem,
  type Counted,
  type Grant,
  type Lease,
  LeaseError,
  LeaseManager,
  type ReportResult,
  type ReturnResult,
  type UsageReport,
} from '@iron/lease-manager'
import { LimitEnforcer, type LimitRoom, ProviderCatalog, type ProviderKeyStorage } from '@iron/token-manager'
import { requireProvider } from './choose-provider.ts'
import { isRefusal, ProtocolError } from './errors.ts'
import { checkGrantRequest, type GrantRequest } from './grant-request.ts'
import { discloseKey, type LeaseGrant, providerOf } from './lease-grant.ts'

/** A booked report, and what the agent is told to do. */
export interface ReportAnswer extends ReportResult {
  readonly desiredState: DesiredState
}

/** A returned lease, and what the agent is told to do. */
export interface ReturnAnswer extends ReturnResult {
  readonly desiredState: DesiredState
}

/** Options of {@link BudgetProtocol}. Collaborators that are not given are made on the same database. */
export interface BudgetProtocolOptions extends ServiceOptions {
  readonly registry: AgentRegistry
  readonly keys: ProviderKeyStorage
  readonly leases?: LeaseManager | undefined
  readonly limits?: LimitEnforcer | undefined
  readonly providers?: ProviderCatalog | undefined
}

/**
 * The messages between an agent's runtime and the control plane. One message is one transaction, composed here from agent,
 * owner's limits, lease, ledger and key disclosure; nothing that can fail follows its commit (budget protocol 4.1).
 */
export class BudgetProtocol extends DatabaseService {
  readonly #registry: AgentRegistry
  readonly #keys: ProviderKeyStorage
  readonly #leases: LeaseManager
  readonly #limits: LimitEnforcer
  readonly #providers: ProviderCatalog

  constructor(source: DbSource, options: BudgetProtocolOptions) {
    super(source, options)
    this.#registry = options.registry
    this.#keys = options.keys
    this.#leases = options.leases ?? new LeaseManager(source, options)
    this.#limits = options.limits ?? new LimitEnforcer(source, options)
    this.#providers = options.providers ?? new ProviderCatalog(source, options)
  }

  /**
   * Lends a slice of the agent's budget together with a provider key sealed for it (budget protocol 4.2).
   *
   * @throws {ProtocolError} TOKEN_REVOKED (since it was authenticated), ACCOUNT_SUSPENDED, AGENT_STOPPED, NO_PROVIDER_ASSIGNED, PROVIDER_NOT_ASSIGNED, PROVIDER_DISABLED,
   * NO_ACTIVE_KEY, VALIDATION_ERROR
   * @throws {LeaseError} LEASE_CAP_REACHED, BUDGET_EXCEEDED, LIMIT_EXCEEDED, IDEMPOTENCY_CONFLICT, LEASE_NOT_ACTIVE (replay)
   * @throws {TokenManagerError} CRYPTO_UNAVAILABLE: the key cannot be opened, nothing is reserved
   */
  async handshake(agent: AgentPrincipal, request: GrantRequest = {}): Promise<LeaseGrant> {
    this.#checkGrant(request)
    return this.#grant(agent, async (tx) => {
      const standing = await this.#admit(tx, agent)
      const replayed = await this.#replay(tx, agent, request, { withKey: true, standing })
      if (replayed !== undefined) return replayed
      const provider = requireProvider(standing.providers, request.provider)
      const grant = await this.#open(tx, agent, standing, request, provider.id)
      return this.#withKey(tx, agent, standing, grant, 'handshake')
    })
  }

  /** Lends a slice of the budget to a runtime that already holds a key (budget protocol 4.3). Refusals as handshake. */
  async reserve(agent: AgentPrincipal, request: Omit<GrantRequest, 'provider'> = {}): Promise<LeaseGrant> {
    this.#checkGrant(request)
    return this.#grant(agent, async (tx) => {
      const standing = await this.#admit(tx, agent)
      const replayed = await this.#replay(tx, agent, request, { withKey: false, standing })
      if (replayed !== undefined) return replayed
      return this.#withoutKey(await this.#open(tx, agent, standing, request, undefined), standing)
    })
  }

  /**
   * Gives back what is left of a lease and lends the next slice under a new lease id (budget protocol 4.6). A refusal leaves
   * the old lease untouched.
   *
   * @throws {LeaseError} LEASE_NOT_FOUND, LEASE_NOT_ACTIVE, and the refusals of a handshake
   */
  async refresh(
    agent: AgentPrincipal,
    leaseId: string,
    request: Pick<GrantRequest, 'requested' | 'idempotencyKey'> = {},
  ): Promise<LeaseGrant & { readonly previous: Lease }> {
    this.#checkGrant(request)
    return this.#grant(agent, async (tx) => {
      await this.#lock(tx, agent)
      const old = await this.#leases.get(leaseId, { tx })
      if (old?.agentId !== agent.agentId) throw leaseNotFound(leaseId)
      const standing = await this.#standing(tx, agent)
      const { requested, idempotencyKey } = request
      const open = old.status === 'active' || old.status === 'expired'
      if (open && old.providerId !== null) {
        // As in a handshake, the key of another call is refused before a provider. Of this call it is none: the lease would be superseded.
        if (idempotencyKey !== undefined) {
          await this.#leases.replay(agent.agentId, { idempotencyKey, requested, refreshOf: leaseId }, { tx })
        }
        requireProvider(standing.providers, old.providerId)
      }
      const refreshed = await this.#within(tx, standing, async (room) =>
        this.#leases.refresh(leaseId, requested, {
          tx,
          agentId: agent.agentId,
          room,
          leaseId: await this.#newLeaseId(),
          idempotencyKey,
          actor: agent.actor,
        }),
      )
      const answer =
        refreshed.lease.providerId === null
          ? this.#withoutKey(refreshed, standing)
          : await this.#withKey(tx, agent, standing, refreshed, 'refresh')
      return Object.freeze({ ...answer, previous: refreshed.previous })
    })
  }

  /**
   * Books one LLM call (budget protocol 4.4). Never refused for the state of lease, agent, owner or budget.
   *
   * @throws {LeaseError} VALIDATION_ERROR, LEASE_NOT_FOUND, IDEMPOTENCY_CONFLICT
   */
  report(agent: AgentPrincipal, leaseId: string, report: UsageReport): Promise<ReportAnswer> {
    const { agentId, ownerId, actor } = agent
    return this.#message(this.#leases.groupOf(agentId, { ownerId }), async (tx) => {
      const priceProvider = await this.#priceProvider(tx, leaseId, report)
      return this.#withDesiredState(tx, agentId, async () => {
        const result = await this.#leases.report(leaseId, report, { tx, agentId, priceProvider, actor })
        this.#count(tx, result.budget.ownerId, [result.counted])
        return result
      })
    })
  }

  /** Books up to 1000 calls, each on its own: a bad item affects no other (budget protocol 4.5). */
  reportBatch(
    agent: AgentPrincipal,
    items: readonly { readonly leaseId: string; readonly report: UsageReport }[],
  ): Promise<readonly BatchItem<ReportAnswer>[]> {
    // Up to a thousand bookings are enough for one transaction: others of a group would wait for them.
    return this.#message(true, async (tx) => {
      const known = new Map<string, ProviderKind | undefined>()
      const priced = []
      for (const item of items) {
        if (!isReport(item)) {
          priced.push(item)
          continue
        }
        const { leaseId, report } = item
        const key = JSON.stringify([leaseId, report.provider, report.cost === undefined])
        if (!known.has(key)) known.set(key, await this.#priceProvider(tx, leaseId, report))
        priced.push({ ...item, priceProvider: known.get(key) })
      }
      const results = await this.#leases.reportBatch(priced, { tx, agentId: agent.agentId, actor: agent.actor })
      const booked = results.flatMap((item) => (item.ok ? [item.result] : []))
      this.#count(
        tx,
        booked[0]?.budget.ownerId ?? null,
        booked.map(({ counted }) => counted),
      )
      const desiredState = await this.#registry.desiredState(agent.agentId, { tx })
      const answers = results.map((item): BatchItem<ReportAnswer> =>
        item.ok ? Object.freeze({ ok: true, result: Object.freeze({ ...item.result, desiredState }) }) : item,
      )
      return Object.freeze(answers)
    })
  }

  /**
   * The last word on a lease: books what was spent and not reported, releases the rest (budget protocol 4.7). Accepted in
   * every state; a repeat gets the first answer.
   *
   * @throws {LeaseError} LEASE_NOT_FOUND, VALIDATION_ERROR
   */
  returnLease(
    agent: AgentPrincipal,
    leaseId: string,
    request: { readonly spent?: Microdollars | undefined } = {},
  ): Promise<ReturnAnswer> {
    const { agentId, ownerId, actor } = agent
    return this.#message(this.#leases.groupOf(agentId, { ownerId }), (tx) =>
      this.#withDesiredState(tx, agentId, async () => {
        const result = await this.#leases.returnLease(leaseId, { tx, agentId, spent: request.spent, actor })
        this.#count(tx, result.budget.ownerId, [result.counted])
        return result
      }),
    )
  }

  /** Every message joins the group commit: its transaction is shared with the messages that wait beside it. */
  async #message<T>(group: WriteGroup | true, work: (tx: WriteTx) => Promise<T>): Promise<T> {
    return commitBeforeRefusing(await this.ready(), isRefusal, work, { group })
  }

  /** Runs `work`, and reads what the agent is told to do: beside it when the agent is locked already, otherwise after it has been. */
  async #withDesiredState<T extends object>(
    tx: WriteTx,
    agentId: string,
    work: () => Promise<T>,
  ): Promise<T & { readonly desiredState: DesiredState }> {
    const read = (): Promise<DesiredState> => this.#registry.desiredState(agentId, { tx })
    if (!this.#leases.isLocked(agentId, { tx })) {
      const result = await work()
      return Object.freeze({ ...result, desiredState: await read() })
    }
    const [working, reading] = [work(), read()]
    await allDone([working, reading])
    return Object.freeze({ ...(await working), desiredState: await reading })
  }

  /** Before anything is asked of the agent's state (http-api 1.6). */
  #checkGrant(request: GrantRequest): void {
    checkGrantRequest(request)
    this.#leases.checkRequested(request.requested)
  }

  #grant<T>(agent: AgentPrincipal, work: (tx: WriteTx) => Promise<T>): Promise<T> {
    return this.#message(this.#leases.groupOf(agent.agentId, { grantsOf: agent.ownerId }), work)
  }

  /** Locks, then ends what is overdue: in this order before every grant, and kept when the grant is refused (R1). */
  async #lock(tx: WriteTx, agent: AgentPrincipal): Promise<void> {
    await this.#leases.lockAgent(agent.agentId, { tx, exclusive: true })
    await this.#leases.endOverdue(agent.agentId, { tx })
  }

  async #admit(tx: WriteTx, agent: AgentPrincipal): Promise<Standing> {
    await this.#lock(tx, agent)
    return this.#standing(tx, agent)
  }

  async #standing(tx: WriteTx, agent: AgentPrincipal): Promise<Standing> {
    const standing = await this.#registry.standing(agent.agentId, { tx })
    // Authentication came before the locks: a token that was replaced since must not leave a lease behind (SEC-14).
    if (standing.liveTokenId !== agent.tokenId) {
      throw new ProtocolError('TOKEN_REVOKED', 'the token has been replaced or revoked')
    }
    if (!standing.ownerActive) throw new ProtocolError('ACCOUNT_SUSPENDED', "the agent's owner is suspended")
    if (standing.desiredState === 'stopped') {
      const details = standing.stateReason === null ? {} : { reason: standing.stateReason }
      throw new ProtocolError('AGENT_STOPPED', 'the agent has been told to stop', { details })
    }
    return standing
  }

  /** The lease of an earlier call with the same key, freshly sealed; `undefined` when there was none. */
  async #replay(
    tx: WriteTx,
    agent: AgentPrincipal,
    request: GrantRequest,
    call: { readonly withKey: boolean; readonly standing: Standing },
  ): Promise<LeaseGrant | undefined> {
    const { idempotencyKey, requested, provider } = request
    if (idempotencyKey === undefined) return undefined
    const providerId = call.withKey ? await this.#providerIdOf(tx, call.standing, provider) : null
    const lease = await this.#leases.replay(agent.agentId, { idempotencyKey, requested, providerId }, { tx })
    if (lease === undefined) return undefined
    const grant = await this.#leases.open(agent.agentId, requested, {
      tx,
      idempotencyKey,
      providerId: lease.providerId ?? undefined,
    })
    return call.withKey
      ? this.#withKey(tx, agent, call.standing, grant, 'handshake')
      : this.#withoutKey(grant, call.standing)
  }

  async #open(
    tx: WriteTx,
    agent: AgentPrincipal,
    standing: Standing,
    request: GrantRequest,
    providerId: string | undefined,
  ): Promise<Grant> {
    return this.#within(tx, standing, async (room) =>
      this.#leases.open(agent.agentId, request.requested, {
        tx,
        room,
        leaseId: await this.#newLeaseId(),
        idempotencyKey: request.idempotencyKey,
        runtimeId: request.runtimeId,
        providerId,
        actor: agent.actor,
      }),
    )
  }

  /**
   * Grants within what the owner's limit leaves. Grants of one owner share transactions; those of an owner without a limit need not wait
   * for each other there, the others look at what is left once those before them have taken theirs (CON-06).
   */
  async #within<T>(tx: WriteTx, { ownerId }: Standing, grant: (room: LimitRoom) => Promise<T>): Promise<T> {
    const room = await this.#limits.room(ownerId, { tx })
    if (room.left === null && !room.blocked) return grant(room)
    return tx.inTurn(`grants of ${ownerId}`, async (isFirst) =>
      grant(isFirst ? room : await this.#limits.room(ownerId, { tx })),
    )
  }

  async #newLeaseId(): Promise<string> {
    return this.idsOf(await this.ready()).next('lease')
  }

  /** Adds provider and sealed key to a grant, and records the disclosure in the same transaction (SEC-25). */
  async #withKey(
    tx: WriteTx,
    agent: AgentPrincipal,
    standing: Standing,
    grant: Grant,
    purpose: string,
  ): Promise<LeaseGrant> {
    const { id: leaseId, providerId } = grant.lease
    const provider = requireProvider(standing.providers, providerId ?? undefined)
    const ipToken = await discloseKey(tx, this.#keys, agent, { providerId: provider.id, leaseId, purpose })
    return Object.freeze({
      ...grant,
      desiredState: standing.desiredState,
      ttlMs: this.#ttlOf(grant),
      provider: providerOf(provider),
      ipToken,
    })
  }

  #withoutKey(grant: Grant, standing: Standing): LeaseGrant {
    const { desiredState } = standing
    return Object.freeze({ ...grant, desiredState, ttlMs: this.#ttlOf(grant), provider: null, ipToken: null })
  }

  #ttlOf(grant: Grant): number {
    return Math.max(0, grant.lease.expiresAt - this.clock.now())
  }

  /** Counts on the owner's general row what no earlier message counted (budget protocol 9). */
  #count(tx: WriteTx, ownerId: string | null, counted: readonly Counted[]): void {
    const need = { tokens: 0, requests: 0, cost: 0 }
    for (const { tokens, requests, cost } of counted) {
      need.tokens += tokens
      need.requests += requests
      need.cost += cost
    }
    if (ownerId === null || (need.tokens === 0 && need.requests === 0 && need.cost === 0)) return
    this.#limits.recordLater({ ownerId }, { ...need, cost: need.cost as Microdollars }, { tx })
  }

  /** The kind that decides the price: of the provider the report names, else of the lease's (budget protocol 8.2). */
  async #priceProvider(tx: WriteTx, leaseId: string, report: UsageReport): Promise<ProviderKind | undefined> {
    if (report.cost !== undefined) return undefined
    if (report.provider !== undefined) {
      const named = await this.#providers.resolve(report.provider, { tx })
      if (named !== undefined) return named.kind
    }
    const lease = await this.#leases.get(leaseId, { tx })
    const providerId = lease?.providerId ?? null
    return providerId === null ? undefined : (await this.#providers.resolve(providerId, { tx }))?.kind
  }

  async #providerIdOf(tx: WriteTx, standing: Standing, named: string | undefined): Promise<string | undefined> {
    if (named === undefined) return undefined
    const assigned = standing.providers.find(({ id, name }) => id === named || name === named)
    return assigned?.id ?? (await this.#providers.resolve(named, { tx }))?.id ?? named
  }
}

function leaseNotFound(leaseId: string): LeaseError {
  return new LeaseError('LEASE_NOT_FOUND', 'there is no such lease', { details: { lease_id: leaseId } })
}

/** What is no report has no price; the batch names its faults. */
function isReport<Item extends { readonly leaseId: string; readonly report: UsageReport }>(
  item: Item | null | undefined,
): item is Item {
  return typeof item?.leaseId === 'string' && typeof item.report === 'object' && (item.report as unknown) !== null
}
