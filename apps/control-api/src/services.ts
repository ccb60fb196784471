import { AgentRegistry } from '@iron/agent-registry'
import { BudgetProtocol } from '@iron/budget-protocol'
import { CostCalculator, createPriceBook } from '@iron/cost-calculator'
import { type Clock, DatabaseError, IdempotencyStore, type IronDatabase, openDatabase } from '@iron/database'
import { IcTokenManager } from '@iron/ic-token'
import { SecretVault } from '@iron/ip-token-crypto'
import { AuditLog, EventLog, RequestLog } from '@iron/journal'
import { AgentBudgetManager, LeaseManager, Ledger } from '@iron/lease-manager'
import { LimitEnforcer, ProviderCatalog, ProviderKeyStorage, SessionService, UserService } from '@iron/token-manager'
import type { ControlApiConfig } from './config.ts'
import type { Secrets } from './secrets.ts'

/** Everything the routes call: one database, and the services on it. */
export interface Services {
  readonly database: IronDatabase
  readonly idempotency: IdempotencyStore
  readonly audit: AuditLog
  readonly events: EventLog
  readonly requests: RequestLog
  readonly users: UserService
  readonly sessions: SessionService
  readonly limits: LimitEnforcer
  readonly providers: ProviderCatalog
  readonly keys: ProviderKeyStorage
  readonly budgets: AgentBudgetManager
  readonly leases: LeaseManager
  readonly ledger: Ledger
  readonly agents: AgentRegistry
  readonly protocol: BudgetProtocol
}

/** Opens the database and makes the services on it. */
export async function composeServices(
  config: ControlApiConfig,
  secrets: Secrets,
  options: {
    readonly clock?: Clock | undefined
    readonly onBackgroundError?: ((error: unknown) => void) | undefined
  } = {},
): Promise<Services> {
  const database = await open(config, options)
  const { clock } = database
  const vault = new SecretVault([...secrets.masterKeys])
  const icTokens = new IcTokenManager({ keys: [...secrets.icToken], clock })
  const book = createPriceBook([...config.prices])
  const pricing = new CostCalculator(book, config.ceiling === undefined ? {} : { ceiling: config.ceiling })
  const users = new UserService(database)
  const limits = new LimitEnforcer(database)
  const providers = new ProviderCatalog(database)
  const keys = new ProviderKeyStorage(database, vault)
  const times = { ttlMs: config.leaseTtlMs, graceMs: config.leaseGraceMs }
  const budgets = new AgentBudgetManager(database, times)
  const leases = new LeaseManager(database, {
    pricing,
    defaultGrant: config.grantDefault,
    maxGrant: config.grantMax,
    ...times,
    maxOpenPerAgent: config.leasesMax,
  })
  const agents = new AgentRegistry(database, { icTokens, users, providers, budgets, leases })
  const hmacKey = config.auditKey === undefined ? undefined : Buffer.from(config.auditKey)
  return {
    database,
    idempotency: new IdempotencyStore(database),
    audit: new AuditLog(database, { hmacKey }),
    events: new EventLog(database),
    requests: new RequestLog(database),
    users,
    sessions: new SessionService(database, { keys: [...secrets.jwt] }),
    limits,
    providers,
    keys,
    budgets,
    leases,
    ledger: new Ledger(database),
    agents,
    protocol: new BudgetProtocol(database, { registry: agents, keys, leases, limits, providers }),
  }
}

/**
 * Opens the database. A PostgreSQL that already holds data is changed only when the operator said so: `IRON_AUTO_MIGRATE=true`
 * is the confirmation of a backup (rulings R10).
 */
async function open(
  config: ControlApiConfig,
  options: { readonly clock?: Clock | undefined; readonly onBackgroundError?: ((error: unknown) => void) | undefined },
): Promise<IronDatabase> {
  const attempt = (migrations: 'apply' | 'verify'): Promise<IronDatabase> =>
    openDatabase(config.databaseUrl, { ...options, migrations })
  if (config.autoMigrate !== undefined) return attempt(config.autoMigrate ? 'apply' : 'verify')
  if (!/^postgres(ql)?:/i.test(config.databaseUrl)) return attempt('apply')
  try {
    return await attempt('verify')
  } catch (error) {
    const isEmpty =
      error instanceof DatabaseError && error.code === 'SCHEMA_MISMATCH' && error.details['holdsData'] === false
    if (!isEmpty) throw error
    return attempt('apply')
  }
}
