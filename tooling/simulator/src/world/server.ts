/** One server process: every service of the money path on its own handle. A restart makes a new one. */
import { AgentRegistry } from '@iron/agent-registry'
import { BudgetProtocol } from '@iron/budget-protocol'
import type { IronDatabase } from '@iron/database'
import { IcTokenManager } from '@iron/ic-token'
import { SecretVault } from '@iron/ip-token-crypto'
import { RequestLog } from '@iron/journal'
import { AgentBudgetManager, BudgetRequestManager, LeaseManager } from '@iron/lease-manager'
import { LimitEnforcer, ProviderCatalog, ProviderKeyStorage, UserService } from '@iron/token-manager'
import { GRACE_MS, OPEN_LEASES_MAX, TTL_MS } from '../rules.ts'

const IC_TOKEN_KEYS = [{ kid: 'k1', secret: 'at-least-thirty-two-bytes-of-secret' }] as const
const VAULT_KEYS = [{ id: 'm1', key: Buffer.alloc(32, 7) }] as const

export class Server {
  readonly db: IronDatabase
  readonly adminId: string
  readonly users: UserService
  readonly providers: ProviderCatalog
  readonly keys: ProviderKeyStorage
  readonly budgets: AgentBudgetManager
  readonly leases: LeaseManager
  readonly requests: RequestLog
  readonly budgetRequests: BudgetRequestManager
  readonly limits: LimitEnforcer
  readonly registry: AgentRegistry
  readonly protocol: BudgetProtocol

  constructor(db: IronDatabase, adminId: string) {
    const times = { ttlMs: TTL_MS, graceMs: GRACE_MS }
    this.db = db
    this.adminId = adminId
    this.users = new UserService(db)
    this.providers = new ProviderCatalog(db)
    this.keys = new ProviderKeyStorage(db, new SecretVault(VAULT_KEYS))
    this.budgets = new AgentBudgetManager(db, times)
    this.leases = new LeaseManager(db, { ...times, maxOpenPerAgent: OPEN_LEASES_MAX })
    this.requests = new RequestLog(db)
    this.budgetRequests = new BudgetRequestManager(db, times)
    this.limits = new LimitEnforcer(db)
    const icTokens = new IcTokenManager({ keys: IC_TOKEN_KEYS, clock: db.clock })
    const { users, providers, keys, budgets, leases, budgetRequests, limits } = this
    this.registry = new AgentRegistry(db, { icTokens, users, providers, budgets, leases, budgetRequests })
    this.protocol = new BudgetProtocol(db, { registry: this.registry, keys, leases, limits, providers })
  }
}
