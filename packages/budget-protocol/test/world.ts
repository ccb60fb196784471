import { type ProviderKind, usd } from '@iron/cost-calculator'
import { createTestDb, type TestDb } from '@iron/database/testing'
import { AgentRegistry, type AgentPrincipal } from '@iron/agent-registry'
import { IcTokenManager } from '@iron/ic-token'
import { SecretVault } from '@iron/ip-token-crypto'
import { AuditLog, EventLog, RequestLog } from '@iron/journal'
import { AgentBudgetManager, LeaseManager, Ledger } from '@iron/lease-manager'
import { LimitEnforcer, type Provider, ProviderCatalog, ProviderKeyStorage, UserService } from '@iron/token-manager'
import { BudgetProtocol } from '../src/index.ts'

export const API_KEY = 'sk-secret-key-of-the-provider'

/** Everything of a small installation on one database. */
export async function createWorld(
  dialect: 'sqlite' | 'postgres',
  options: { readonly allocated?: string; readonly storage?: 'memory' | 'file' } = {},
) {
  const test: TestDb = await createTestDb({ dialect, storage: options.storage })
  const { db, clock } = test
  const icTokens = new IcTokenManager({ keys: [{ kid: 'k1', secret: 'at-least-thirty-two-bytes-of-secret' }], clock })
  const vault = new SecretVault([{ id: 'm1', key: Buffer.alloc(32, 7) }])
  const users = new UserService(db, { bcryptCost: 4 })
  const providers = new ProviderCatalog(db)
  const keys = new ProviderKeyStorage(db, vault)
  const budgets = new AgentBudgetManager(db)
  const leases = new LeaseManager(db)
  const limits = new LimitEnforcer(db)
  const registry = new AgentRegistry(db, { icTokens, users, providers, budgets, leases })
  const protocol = new BudgetProtocol(db, { registry, keys, leases, limits, providers })
  const owner = await users.bootstrapAdmin({ username: 'admin', email: 'admin@iron.test', password: 'correct horse' })
  const newProvider = async (name: string, kind: ProviderKind): Promise<Provider> => {
    const provider = { name, kind, baseUrl: `https://api.${name}.com/v1`, models: ['gpt-4o'] }
    const { id } = await providers.create(provider, owner.id)
    await keys.add(id, API_KEY, owner.id)
    return (await providers.get(id)) as Provider
  }
  const openai = await newProvider('openai', 'openai')
  const newAgent = async (allocated: string, assigned: readonly Provider[] = [openai]) => {
    const created = await registry.create(
      { name: 'triage', ownerId: owner.id, allocated: usd(allocated), providerIds: assigned.map(({ id }) => id) },
      owner.id,
    )
    return { ...created, principal: await login(created.icToken.token) }
  }
  const login = async (token: string): Promise<AgentPrincipal> => {
    const answer = await registry.authenticate(token, { permission: 'llm:call' })
    if (answer.outcome !== 'ok') throw new Error(answer.code)
    return answer.principal
  }
  const { agent, icToken, principal } = await newAgent(options.allocated ?? '100')
  return {
    ...{ test, db, clock, vault, users, providers, keys, budgets, leases, limits, registry, protocol, owner, openai },
    ...{ agent, icToken, principal, newAgent, newProvider, login },
    audit: new AuditLog(db),
    events: new EventLog(db),
    requests: new RequestLog(db),
    ledger: new Ledger(db),
    [Symbol.asyncDispose]: () => test.close(),
  }
}
