/** Every list of the wire that reads the database (http-api 1.7), as the routes call it. */
import { AgentRegistry } from '@iron/agent-registry'
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
import { FIRST_AGENT, ONE_LEASE, ONE_PROVIDER, ONE_USER } from './fill-world.ts'

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
  const agents = (name: string, filter: Parameters<AgentRegistry['list']>[0], sort?: string): List => ({
    name: `/agents ${name}`,
    page: (options) => registry.list({ status: 'active', ...filter }, { sort, ...options }),
  })
  const budget = (name: string, filter: Parameters<AgentBudgetManager['list']>[0], sort?: string): List => ({
    name: `/budget ${name}`,
    page: (options) => budgets.list(filter, { sort, ...options }),
  })
  return [
    agents('', {}),
    agents('oldest first', {}, 'createdAt'),
    agents('?sort=name', {}, 'name'),
    agents('?sort=-updated_at', {}, '-updatedAt'),
    agents('active and archived', { status: undefined }),
    agents('?status=archived', { status: 'archived' }),
    agents('?state=running', { state: 'running' }),
    agents('?name=777', { name: '777' }),
    agents('?tag=rare', { tag: 'rare' }),
    agents('of one owner', { ownerId: ONE_USER }),
    agents('of one owner, by name', { ownerId: ONE_USER }, 'name'),
    budget('', {}),
    budget('?sort=agent_name', {}, 'agentName'),
    budget('?sort=created_at', {}, 'createdAt'),
    budget('?risk_level=high', { riskLevel: 'high' }),
    budget('of one owner', { ownerId: ONE_USER }),
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
    { name: '/budget-requests', page: (options) => requests.list({}, options) },
    { name: '/budget-requests?status=pending', page: (options) => requests.list({ status: 'pending' }, options) },
    { name: '/budget-requests of one user', page: (options) => requests.list({ requesterId: ONE_USER }, options) },
    {
      name: '/budget-requests?sort=requested_allocated_usd',
      page: (options) => requests.list({}, { sort: 'requestedAllocated', ...options }),
    },
    { name: '/users', page: (options) => users.listUsers({}, options) },
    { name: '/users?sort=username', page: (options) => users.listUsers({}, { sort: 'username', ...options }) },
    { name: '/users?sort=email', page: (options) => users.listUsers({}, { sort: 'email', ...options }) },
    { name: '/users?search=', page: (options) => users.listUsers({ search: 'person 7' }, options) },
    { name: '/users/{id}/sessions', page: (options) => sessions.list({ userId: ONE_USER }, options) },
    { name: '/users/{id}/audit', log: (options) => audit.list({ userId: ONE_USER }, options) },
    { name: '/tokens', page: (options) => tokens.listTokens({}, options) },
    { name: '/tokens?sort=name', page: (options) => tokens.listTokens({}, { sort: 'name', ...options }) },
    { name: '/tokens of one owner', page: (options) => tokens.listTokens({ ownerId: ONE_USER }, options) },
    { name: '/limits', page: (options) => limits.list({}, options) },
    { name: '/limits of one owner', page: (options) => limits.list({ ownerId: ONE_USER }, options) },
    { name: '/providers', page: (options) => providers.list({}, options) },
    { name: '/providers?sort=created_at', page: (options) => providers.list({}, { sort: 'createdAt', ...options }) },
    { name: '/keys', page: (options) => keys.list({}, options) },
    { name: '/providers/{id}/keys', page: (options) => keys.list({ providerId: ONE_PROVIDER }, options) },
    { name: '/audit', log: (options) => audit.list({}, options) },
    { name: '/audit?operation=', log: (options) => audit.list({ operation: 'AGENT_CREATED' }, options) },
    { name: '/audit?actor_id=', log: (options) => audit.list({ actorId: ONE_USER }, options) },
    { name: '/audit?resource_type=', log: (options) => audit.list({ resourceType: 'agent' }, options) },
    {
      name: '/audit?resource_type=&resource_id=',
      log: (options) => audit.list({ resourceType: 'agent', resourceId: FIRST_AGENT }, options),
    },
    { name: '/events of one owner', log: (options) => eventsLog(events, { ownerId: ONE_USER }, options) },
    { name: '/events', log: (options) => eventsLog(events, {}, options) },
    { name: '/analytics/requests', log: (options) => calls.list({}, options) },
    { name: '/analytics/requests?agent_id=', log: (options) => calls.list({ agentId: FIRST_AGENT }, options) },
    { name: '/analytics/requests of one owner', log: (options) => calls.list({ ownerId: ONE_USER }, options) },
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
