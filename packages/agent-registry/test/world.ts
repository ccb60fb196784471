/** What every test of this package starts from: an installation on an empty database, and a clock that the test moves. */
import { type Microdollars, usd } from '@iron/cost-calculator'
import type { IronDatabase } from '@iron/database'
import { createTestDb, type TestDbOptions } from '@iron/database/testing'
import { IcTokenManager } from '@iron/ic-token'
import { AuditLog, EventLog, RequestLog } from '@iron/journal'
import { AgentBudgetManager, BudgetRequestManager, LeaseManager, Ledger } from '@iron/lease-manager'
import { ProviderCatalog, type Role, UserService } from '@iron/token-manager'
import { AgentRegistry, type NewAgent, OwnerLifecycle } from '../src/index.ts'

export const SECRET = 'at-least-thirty-two-bytes-of-secret'
/** The hash of a password nobody needs: hashing is not what these tests are about. */
const PASSWORD = { passwordHash: '$2b$04$abcdefghijklmnopqrstuuWqvFvZ0dRkPqgPvGZzQ0mBrYqDqPq6i' }

/** The services of one process on a database. */
export function servicesOn(db: IronDatabase, clock = db.clock) {
  const icTokens = new IcTokenManager({ keys: [{ kid: 'k1', secret: SECRET }], clock })
  const users = new UserService(db, { bcryptCost: 4 })
  const providers = new ProviderCatalog(db)
  const budgets = new AgentBudgetManager(db)
  const leases = new LeaseManager(db)
  const budgetRequests = new BudgetRequestManager(db)
  const registry = new AgentRegistry(db, { icTokens, users, providers, budgets, leases, budgetRequests })
  return {
    ...{ db, icTokens, users, providers, budgets, leases, budgetRequests, registry },
    owners: new OwnerLifecycle(db, { registry, users, budgetRequests }),
    ledger: new Ledger(db),
    requests: new RequestLog(db),
    audit: new AuditLog(db),
    events: new EventLog(db),
  }
}

export type Services = ReturnType<typeof servicesOn>

export async function createWorld(dialect: 'sqlite' | 'postgres', options: TestDbOptions = {}) {
  const test = await createTestDb({ dialect, ...options })
  const services = servicesOn(test.db)
  const { users, providers, registry } = services
  const owner = await users.bootstrapAdmin({ username: 'admin', email: 'admin@iron.test', password: 'correct horse' })
  const provider = (name: string) =>
    providers.create({ name, kind: 'openai', baseUrl: 'https://api.openai.com/v1', models: ['gpt-4o'] }, owner.id)
  const user = (name: string, role: Role = 'user') =>
    users.createUser({ username: name, email: `${name}@iron.test`, password: PASSWORD, role }, owner.id)
  const agent = (input: Partial<NewAgent> = {}) =>
    registry.create({ name: 'triage', ownerId: owner.id, allocated: usd(100), ...input }, owner.id)
  return {
    ...services,
    ...{ test, clock: test.clock, owner, provider, user, agent },
    [Symbol.asyncDispose]: () => test.close(),
  }
}

export type World = Awaited<ReturnType<typeof createWorld>>

/** Lends money as the budget protocol does: locks, then the agent's standing, then the lease, in one transaction. */
export function grant(services: Services, agentId: string, amount: Microdollars = usd(1)): Promise<string> {
  const { db, leases, registry } = services
  return db.write(async (tx) => {
    await leases.lockAgent(agentId, { tx, exclusive: true })
    const { ownerActive, desiredState } = await registry.standing(agentId, { tx })
    if (!ownerActive) return 'ACCOUNT_SUSPENDED'
    if (desiredState === 'stopped') return 'AGENT_STOPPED'
    return (await leases.open(agentId, amount, { tx })).lease.id
  })
}

/** The operations audited since `seq`, in order, with what they are about. */
export async function auditedSince({ test }: World, seq = 0): Promise<readonly AuditedEntry[]> {
  const rows = await test.rows<Record<string, unknown>>('SELECT * FROM audit_log WHERE seq > ? ORDER BY seq', seq)
  return rows.map((row) => ({
    operation: row['operation'] as string,
    resourceType: row['resource_type'] as string,
    resourceId: row['resource_id'] as string,
    actorId: row['actor_id'] as string,
    reason: row['reason'] as string | null,
    changes: JSON.parse((row['changes'] as string | null) ?? 'null') as AuditedEntry['changes'],
    metadata: JSON.parse(row['metadata'] as string) as AuditedEntry['metadata'],
  }))
}

/** An audit entry as tests look at it. */
export interface AuditedEntry {
  readonly operation: string
  readonly resourceType: string
  readonly resourceId: string
  readonly actorId: string
  readonly reason: string | null
  readonly changes: { readonly before?: object; readonly after?: object } | null
  readonly metadata: Record<string, unknown>
}

/** The number of the last audit entry. */
export async function auditHead({ audit }: World): Promise<number> {
  return (await audit.head()).seq
}

/** Type and data of an agent's events, oldest first. */
export async function eventsOf({ events }: World, agentId: string) {
  return (await events.read({ agentIds: [agentId] }, { limit: 1_000 })).data.map(({ type, data }) => ({ type, data }))
}

/** The code a call is refused with, or `ok`; an error that is not ours is thrown. */
export async function outcomeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call
    return 'ok'
  } catch (error) {
    if (error instanceof Error && 'code' in error && 'retryable' in error) return String(error.code)
    throw error
  }
}
