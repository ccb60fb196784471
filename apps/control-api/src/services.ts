import { createHmac, createSecretKey, hkdfSync } from 'node:crypto'
import { AgentRegistry, OwnerLifecycle } from '@iron/agent-registry'
import { Analytics, TraceLog } from '@iron/analytics'
import type { BudgetProtocol } from '@iron/budget-protocol'
import { CostCalculator, createPriceBook } from '@iron/cost-calculator'
import {
  type Clock,
  DatabaseError,
  IdempotencyStore,
  type IdSource,
  type IronDatabase,
  openDatabase,
} from '@iron/database'
import { IcTokenManager } from '@iron/ic-token'
import { SecretVault } from '@iron/ip-token-crypto'
import { type AuditLog, EventLog, RequestLog } from '@iron/journal'
import { AgentBudgetManager, BudgetRequestManager, LeaseManager, Ledger } from '@iron/lease-manager'
import {
  LimitEnforcer,
  ProviderCatalog,
  ProviderKeyStorage,
  SessionService,
  TokenManager,
  UserService,
} from '@iron/token-manager'
import { openAuditLog } from './audit-log.ts'
import type { ControlApiConfig } from './config.ts'
import { RateLimits } from './http/rate-limits.ts'
import { CountedBudgetProtocol } from './observability/budget-decisions.ts'
import { EventLag } from './observability/event-lag.ts'
import { Metrics } from './observability/metrics.ts'
import { Readiness } from './observability/readiness.ts'
import { openTracing, type Tracing, type TracingSettings } from './observability/tracing.ts'
import type { SharedRateLimitStore } from './rate-limit-store.ts'
import type { Secrets } from './secrets.ts'

/**
 * How long the services believe what they have read of a session or token, in milliseconds: together with the time between two
 * looks at an open socket's credential it stays below a second (EVT-03).
 */
const ACCOUNT_CACHE_MS = 400

/** Everything the routes call: one database, and the services on it. */
export interface Services {
  readonly database: IronDatabase
  readonly idempotency: IdempotencyStore
  readonly audit: AuditLog
  readonly events: EventLog
  readonly requests: RequestLog
  readonly users: UserService
  readonly sessions: SessionService
  readonly tokens: TokenManager
  readonly limits: LimitEnforcer
  readonly providers: ProviderCatalog
  readonly keys: ProviderKeyStorage
  readonly budgets: AgentBudgetManager
  readonly leases: LeaseManager
  readonly ledger: Ledger
  readonly budgetRequests: BudgetRequestManager
  readonly analytics: Analytics
  readonly traces: TraceLog
  readonly agents: AgentRegistry
  readonly owners: OwnerLifecycle
  readonly protocol: BudgetProtocol
  /** The app's own: its limiters, and what it tells of itself. */
  readonly rateLimits: RateLimits
  readonly metrics: Metrics
  readonly eventLag: EventLag
  readonly readiness: Readiness
  /** Absent: no traces are wanted. */
  readonly tracing: Tracing | undefined
  /** A keyed hash of a secret: tells whether two are equal, and nothing to whom the key is unknown. */
  readonly fingerprint: (secret: string) => string
  /** Lets go of everything but the database. */
  readonly close: () => Promise<void>
}

/** What a host may steer besides the configuration. */
export interface ComposeOptions {
  readonly clock?: Clock | undefined
  readonly ids?: IdSource | undefined
  /** Base-two logarithm of bcrypt's rounds. Default 12; less is for tests only. */
  readonly bcryptCost?: number | undefined
  readonly onBackgroundError?: ((error: unknown) => void) | undefined
}

/**
 * Opens the database and makes the services on it.
 *
 * @throws {ConfigError} when IRON_AUDIT_KEY is not the audit log's own; {DatabaseError}
 */
export async function composeServices(
  config: ControlApiConfig,
  secrets: Secrets,
  options: ComposeOptions = {},
): Promise<Services> {
  const database = await open(config, options)
  const audit = await openAuditLog(database, config)
  const tracing = await openTracing(tracingSettings(config), options.onBackgroundError ?? ignore)
  const { clock } = database
  const vault = new SecretVault([...secrets.masterKeys])
  const icTokens = new IcTokenManager({ keys: [...secrets.icToken], clock })
  const book = createPriceBook([...config.prices])
  const pricing = new CostCalculator(book, config.ceiling === undefined ? {} : { ceiling: config.ceiling })
  const { bcryptCost } = options
  const users = new UserService(database, { bcryptCost })
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
  const budgetRequests = new BudgetRequestManager(database, times)
  const agents = new AgentRegistry(database, { icTokens, users, providers, budgets, leases, budgetRequests })
  const tokens = new TokenManager(database, { pricing, cacheMs: ACCOUNT_CACHE_MS })
  const shared = await openSharedLimits(config, options.onBackgroundError ?? ignore)
  const rateLimits = new RateLimits(config.rateLimits, { clock, store: shared?.store })
  const metrics = new Metrics(rateLimits, config.metricsToken)
  const ledger = new Ledger(database)
  const events = new EventLog(database)
  const eventLag = new EventLag(database, events)
  metrics.watch({ database, ledger, eventLag })
  return {
    database,
    idempotency: new IdempotencyStore(database),
    audit,
    events,
    requests: new RequestLog(database, { pricing }),
    users,
    sessions: new SessionService(database, { keys: [...secrets.jwt], bcryptCost, cacheMs: ACCOUNT_CACHE_MS }),
    limits,
    providers,
    keys,
    budgets,
    leases,
    ledger,
    tokens,
    budgetRequests,
    analytics: new Analytics(database),
    traces: new TraceLog(database),
    agents,
    owners: new OwnerLifecycle(database, { registry: agents, users, budgetRequests }),
    protocol: new CountedBudgetProtocol(metrics.decisions, database, {
      registry: agents,
      keys,
      leases,
      limits,
      providers,
    }),
    rateLimits,
    fingerprint: fingerprintWith(secrets),
    metrics,
    eventLag,
    readiness: new Readiness({ database, keys, eventLag }),
    tracing,
    close: async () => {
      shared?.close()
      metrics.close()
      await eventLag.stop()
      await tokens.close()
      await tracing?.close()
    },
  }
}

/** The client of Redis is loaded only where there is one: it takes 5 MB. */
async function openSharedLimits(
  { redisUrl }: ControlApiConfig,
  onError: (error: unknown) => void,
): Promise<SharedRateLimitStore | undefined> {
  if (redisUrl === undefined) return undefined
  const { openRateLimitStore } = await import('./rate-limit-store.ts')
  return openRateLimitStore(redisUrl, onError)
}

function tracingSettings(config: ControlApiConfig): TracingSettings | undefined {
  const { tracesEndpoint: endpoint, tracesHeaders: headers, tracesServiceName: serviceName } = config
  if (endpoint === undefined) return undefined
  return { endpoint, headers, serviceName, sampler: config.tracesSampler, samplerRatio: config.tracesSamplerRatio }
}

/** Bytes of the key of {@link Services.fingerprint}. */
const FINGERPRINT_KEY_BYTES = 32

/** Keyed by what signs sessions, which all processes of an installation share. */
function fingerprintWith({ jwt: [{ secret }] }: Secrets): Services['fingerprint'] {
  const bytes = hkdfSync('sha256', secret, '', 'iron idempotency payload', FINGERPRINT_KEY_BYTES)
  const key = createSecretKey(new Uint8Array(bytes))
  return (text) => createHmac('sha256', key).update(text).digest('hex')
}

const ignore = (): void => undefined

/**
 * Opens the database. A PostgreSQL that already holds data is changed only when the operator said so: `IRON_AUTO_MIGRATE=true`
 * is the confirmation of a backup (rulings R10).
 */
async function open(
  config: ControlApiConfig,
  { clock, ids, onBackgroundError }: ComposeOptions,
): Promise<IronDatabase> {
  const attempt = (migrations: 'apply' | 'verify'): Promise<IronDatabase> =>
    openDatabase(config.databaseUrl, { clock, ids, onBackgroundError, migrations })
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
