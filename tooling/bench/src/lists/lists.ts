/** Every list of the wire that reads the database (http-api 1.7), as the routes call it. */
import { AgentRegistry } from '@iron/agent-registry'
import { TraceLog } from '@iron/analytics'
import type { AtTx, Cursor, CursorPage, IronDatabase, Page, Paged } from '@iron/database'
import { IcTokenManager } from '@iron/ic-token'
import { SecretVault } from '@iron/ip-token-crypto'
import { AuditLog, type EventFilter, EventLog, RequestLog } from '@iron/journal'
import { AgentBudgetManager, BudgetRequestManager, LeaseManager, Ledger } from '@iron/lease-manager'
import {
  LimitEnforcer,
  ProviderCatalog,
  ProviderKeyStorage,
  SessionService,
  TokenManager,
  UserService,
} from '@iron/token-manager'
import { EARLY, FIRST_AGENT, MAIN_USER, ONE_LEASE, ONE_PROVIDER, ONE_TOKEN, ONE_USER } from './fill-world.ts'

/** A list in pages with a total. */
interface PagedList {
  readonly name: string
  readonly page: (options: Page & AtTx) => Promise<Paged<unknown>>
}

/** A log that is read by cursor. */
interface LogList {
  readonly name: string
  readonly log: (options: Cursor & AtTx) => Promise<CursorPage<unknown>>
}

export type List = PagedList | LogList

const secret = 'a secret of the bench, of 32 bytes and more'

/** The lists on a database. */
export function listsOf(db: IronDatabase): readonly List[] {
  const registry = new AgentRegistry(db, { icTokens: new IcTokenManager({ keys: [{ kid: 'k1', secret }] }) })
  const budgets = new AgentBudgetManager(db)
  const leases = new LeaseManager(db)
  const ledger = new Ledger(db)
  const requests = new BudgetRequestManager(db)
  const users = new UserService(db)
  const sessions = new SessionService(db, { keys: [{ kid: 'k1', secret }] })
  const tokens = new TokenManager(db)
  const limits = new LimitEnforcer(db)
  const providers = new ProviderCatalog(db)
  const keys = new ProviderKeyStorage(db, new SecretVault([{ id: 'k1', key: Buffer.alloc(32, 1) }]))
  const audit = new AuditLog(db)
  const events = new EventLog(db)
  const calls = new RequestLog(db)
  const traces = new TraceLog(db)
  const agents = (name: string, filter: Parameters<AgentRegistry['list']>[0], sort?: string): List => ({
    name: `/agents ${name}`,
    page: (options) => registry.list({ status: 'active', ...filter }, { sort, ...options }),
  })
  const budget = (name: string, filter: Parameters<AgentBudgetManager['list']>[0], sort?: string): List => ({
    name: `/budget ${name}`,
    page: (options) => budgets.list(filter, { sort, ...options }),
  })
  const asked = (name: string, filter: Parameters<BudgetRequestManager['list']>[0], sort?: string): List => ({
    name: `/budget-requests ${name}`,
    page: (options) => requests.list(filter, { sort, ...options }),
  })
  const people = (name: string, filter: Parameters<UserService['listUsers']>[0], sort?: string): List => ({
    name: `/users ${name}`,
    page: (options) => users.listUsers(filter, { sort, ...options }),
  })
  const apiTokens = (name: string, filter: Parameters<TokenManager['listTokens']>[0], sort?: string): List => ({
    name: `/tokens ${name}`,
    page: (options) => tokens.listTokens(filter, { sort, ...options }),
  })
  const catalogue = (name: string, filter: Parameters<ProviderCatalog['list']>[0], sort?: string): List => ({
    name: `/providers ${name}`,
    page: (options) => providers.list(filter, { sort, ...options }),
  })
  const sealed = (name: string, filter: Parameters<ProviderKeyStorage['list']>[0], sort?: string): List => ({
    name: `/keys ${name}`,
    page: (options) => keys.list(filter, { sort, ...options }),
  })
  const maxima = (name: string, filter: Parameters<LimitEnforcer['list']>[0]): List => ({
    name: `/limits ${name}`,
    page: (options) => limits.list(filter, options),
  })
  const entries = (name: string, filter: Parameters<AuditLog['list']>[0]): List => ({
    name: `/audit ${name}`,
    log: (options) => audit.list(filter, options),
  })
  const happened = (name: string, filter: EventFilter): List => ({
    name: `/events ${name}`,
    log: (options) => eventsLog(events, filter, options),
  })
  const called = (name: string, filter: Parameters<RequestLog['list']>[0]): List => ({
    name: `/requests ${name}`,
    log: (options) => calls.list(filter, options),
  })
  const traced = (name: string, filter: Parameters<TraceLog['list']>[0]): List => ({
    name: `/traces ${name}`,
    log: (options) => traces.list(filter, options),
  })
  return [
    agents('', {}),
    agents('?sort=created_at', {}, 'createdAt'),
    agents('?sort=name', {}, 'name'),
    agents('?sort=-updated_at', {}, '-updatedAt'),
    agents('active and archived', { status: undefined }),
    agents('?status=archived', { status: 'archived' }),
    agents('?state=running', { state: 'running' }),
    agents('?state=running&sort=name', { state: 'running' }, 'name'),
    agents('?name=777', { name: '777' }),
    agents('?name=agent', { name: 'agent' }),
    agents('?tag=rare', { tag: 'rare' }),
    agents('?tag=batch', { tag: 'batch' }),
    agents('of one owner', { ownerId: ONE_USER }),
    agents('of one owner, by name', { ownerId: ONE_USER }, 'name'),
    agents('of the owner of half', { ownerId: MAIN_USER }),
    agents('of the owner of half, by name', { ownerId: MAIN_USER }, 'name'),
    agents('of the owner of half, ?state=running', { ownerId: MAIN_USER, state: 'running' }),
    agents('of the owner of half, ?name=777', { ownerId: MAIN_USER, name: '777' }),
    budget('', {}),
    budget('?sort=allocated_usd', {}, 'allocated'),
    budget('?sort=-spent_usd', {}, '-spent'),
    budget('?sort=remaining_usd', {}, 'remaining'),
    budget('?sort=agent_name', {}, 'agentName'),
    budget('?sort=created_at', {}, 'createdAt'),
    budget('?status=active', { status: 'active' }),
    budget('?status=exhausted', { status: 'exhausted' }),
    budget('?status=unfunded', { status: 'unfunded' }),
    budget('?risk_level=low', { riskLevel: 'low' }),
    budget('?risk_level=high', { riskLevel: 'high' }),
    budget('?risk_level=critical&sort=created_at', { riskLevel: 'critical' }, 'createdAt'),
    budget('?threshold=80', { threshold: 80 }),
    budget('?agent_id=', { agentId: FIRST_AGENT }),
    budget('of one owner', { ownerId: ONE_USER }),
    budget('of the owner of half', { ownerId: MAIN_USER }),
    budget('of the owner of half, ?status=exhausted', { ownerId: MAIN_USER, status: 'exhausted' }),
    { name: '/agents/{id}/budget/history', log: (options) => budgets.history(FIRST_AGENT, options) },
    { name: '/agents/{id}/ledger', log: (options) => ledger.list({ agentId: FIRST_AGENT }, options) },
    {
      name: '/agents/{id}/ledger?lease_id=',
      log: (options) => ledger.list({ agentId: FIRST_AGENT, leaseId: ONE_LEASE }, options),
    },
    { name: '/agents/{id}/leases', log: (options) => leases.list({ agentId: FIRST_AGENT }, options) },
    {
      name: '/agents/{id}/leases?status=active',
      log: (options) => leases.list({ agentId: FIRST_AGENT, status: 'active' }, options),
    },
    {
      name: '/agents/{id}/leases?status=revoked',
      log: (options) => leases.list({ agentId: FIRST_AGENT, status: 'revoked' }, options),
    },
    asked('', {}),
    asked('?status=pending', { status: 'pending' }),
    asked('?status=cancelled', { status: 'cancelled' }),
    asked('?agent_id=', { agentId: FIRST_AGENT }),
    asked('?requester_id=', { requesterId: ONE_USER }),
    asked('?sort=requested_allocated_usd', {}, 'requestedAllocated'),
    asked('?status=pending&sort=requested_allocated_usd', { status: 'pending' }, 'requestedAllocated'),
    people('', {}),
    people('?sort=username', {}, 'username'),
    people('?sort=email', {}, 'email'),
    people('?sort=-last_login_at', {}, '-lastLoginAt'),
    people('?role=viewer', { role: 'viewer' }),
    people('?role=admin', { role: 'admin' }),
    people('?status=suspended', { status: 'suspended' }),
    people('?status=deleted', { status: 'deleted' }),
    people('?search=777', { search: '777' }),
    people('?search=person 7', { search: 'person 7' }),
    { name: '/users/{id}/sessions', page: (options) => sessions.list({ userId: ONE_USER }, options) },
    entries('of one user', { userId: ONE_USER }),
    entries('about one user', { resourceType: 'user', resourceId: ONE_USER }),
    entries('of one user, ?operation=', { userId: ONE_USER, operation: 'LEASE_REVOKED' }),
    apiTokens('', {}),
    apiTokens('?sort=name', {}, 'name'),
    apiTokens('?sort=-last_used_at', {}, '-lastUsedAt'),
    apiTokens('?sort=expires_at', {}, 'expiresAt'),
    apiTokens('?status=active', { status: 'active' }),
    apiTokens('?status=expired', { status: 'expired' }),
    apiTokens('?status=revoked', { status: 'revoked' }),
    apiTokens('?name=777', { name: '777' }),
    apiTokens('?project_id=', { projectId: 'project-4' }),
    apiTokens('of one owner', { ownerId: ONE_USER }),
    maxima('', {}),
    maxima('?user_id=', { ownerId: ONE_USER }),
    maxima('?project_id=', { projectId: 'project-4' }),
    catalogue('', {}),
    catalogue('?sort=created_at', {}, 'createdAt'),
    catalogue('?name=777', { name: '777' }),
    catalogue('?status=disabled', { status: 'disabled' }),
    sealed('', {}),
    sealed('?sort=-last_used_at', {}, '-lastUsedAt'),
    sealed('?status=active', { status: 'active' }),
    sealed('?provider_id=', { providerId: ONE_PROVIDER }),
    entries('', {}),
    entries('?operation=AGENT_CREATED', { operation: 'AGENT_CREATED' }),
    entries('?operation=LEASE_REVOKED', { operation: 'LEASE_REVOKED' }),
    entries('?actor_id=', { actorId: ONE_USER }),
    entries('?actor_id=&operation=', { actorId: ONE_USER, operation: 'LEASE_REVOKED' }),
    entries('?resource_type=agent', { resourceType: 'agent' }),
    entries('?resource_type=vault', { resourceType: 'vault' }),
    entries('?resource_type=&resource_id=', { resourceType: 'agent', resourceId: FIRST_AGENT }),
    entries('?resource_id=', { resourceId: FIRST_AGENT }),
    entries('?from=&to=', EARLY),
    happened('', {}),
    happened('of one owner', { ownerId: ONE_USER }),
    happened('of the owner of half', { ownerId: MAIN_USER }),
    happened('?agent_id=', { agentIds: [FIRST_AGENT] }),
    happened('?type=lease.granted', { types: ['lease.granted'] }),
    happened('?type=budget.*', { types: ['budget.*'] }),
    happened('?type=lease.granted&agent_id=', { types: ['lease.granted'], agentIds: [FIRST_AGENT] }),
    called('', {}),
    called('of one owner', { ownerId: ONE_USER }),
    called('of the owner of half', { ownerId: MAIN_USER }),
    called('?agent_id=', { agentId: FIRST_AGENT }),
    called('?token_id=', { tokenId: ONE_TOKEN }),
    called('?provider=openai', { provider: 'openai' }),
    called('?provider=anthropic', { provider: 'anthropic' }),
    called('?model=claude-haiku', { model: 'claude-haiku' }),
    called('?outcome=failed', { outcome: 'failed' }),
    called('?from=&to=', EARLY),
    called('?provider=anthropic&from=&to=', { provider: 'anthropic', ...EARLY }),
    traced('', {}),
    traced('of one owner', { ownerId: ONE_USER }),
    traced('of the owner of half', { ownerId: MAIN_USER }),
    traced('?agent_id=', { agentId: FIRST_AGENT }),
    traced('?from=&to=', EARLY),
  ]
}

/** The event log as the other logs are read: its cursor is the number itself. */
async function eventsLog(
  events: EventLog,
  filter: EventFilter,
  { after, limit = 100, order = 'desc', tx }: Cursor & AtTx,
): Promise<CursorPage<unknown>> {
  const position = { after: after === undefined ? undefined : Number(after), limit, order }
  const { data, nextCursor } = await events.read(filter, { ...position, tx })
  return { data, nextCursor: String(nextCursor) }
}
