/** What the seed does, in the order in which it happened: every step at its own time, all in one transaction. */
import { CostCalculator } from '@iron/cost-calculator'
import type { Clock, IdSource, IronDatabase, WriteTx } from '@iron/database'
import type { SecretVault } from '@iron/ip-token-crypto'
import { type Actor, AuditLog, RequestLog } from '@iron/journal'
import { LimitEnforcer } from '../limit-enforcer.ts'
import type { PasswordHash } from '../passwords/hash-password.ts'
import { ProviderCatalog } from '../provider-catalog.ts'
import { ProviderKeyStorage } from '../provider-key-storage.ts'
import { TokenManager } from '../token-manager.ts'
import { insertToken } from '../tokens/insert-token.ts'
import { recordUsage } from '../tokens/record-usage.ts'
import type { ApiTokenPrincipal } from '../tokens/token.ts'
import { UserService } from '../user-service.ts'
import {
  MADE_IN_MS,
  SEED_LIMITS,
  SEED_PROVIDERS,
  SEED_TOKENS,
  SEED_USAGE,
  SEED_USERS,
  type SeedToken,
} from './base-data.ts'
import { type PlannedCall, planUsage } from './plan-usage.ts'

/** Who the audit log says did it. */
const SEEDER: Actor = Object.freeze({ type: 'system', id: 'system:seed' })

/** What the story is told with. */
export interface StoryParts {
  readonly anchor: number
  /** One for each user. */
  readonly hashes: readonly PasswordHash[]
  readonly vault: SecretVault
  readonly idsAt: (clock: Clock) => unknown
}

interface Step {
  readonly at: number
  readonly run: () => Promise<unknown>
}

/** Writes users, providers, keys, tokens, limits and usage. Runs again from the beginning when the transaction does. */
export async function tellStory(tx: WriteTx, db: IronDatabase, parts: StoryParts): Promise<void> {
  const { anchor } = parts
  const made = anchor + MADE_IN_MS
  let nowMs = made
  const clock: Clock = { now: () => nowMs }
  const sources = { clock, ids: parts.idsAt(clock) as IdSource }
  const tokens = new TokenManager(db, sources)
  const usage = usageStep(tx, db, sources)
  const steps: Step[] = [
    { at: made, run: () => makeAccounts(tx, db, sources, parts) },
    ...SEED_TOKENS.filter(({ revokedInMs }) => revokedInMs !== undefined).map(({ id, revokedInMs = 0 }) => ({
      at: anchor + revokedInMs,
      run: () => tokens.revokeToken(id, SEEDER, { tx }),
    })),
    ...SEED_USAGE.flatMap((plan) => planUsage(plan, anchor)).map((call) => ({ at: call.at, run: () => usage(call) })),
  ]
  for (const { at, run } of steps.sort((a, b) => a.at - b.at)) {
    nowMs = at
    await run()
  }
}

interface Sources {
  readonly clock: Clock
  readonly ids: IdSource
}

async function makeAccounts(tx: WriteTx, db: IronDatabase, sources: Sources, parts: StoryParts): Promise<void> {
  const users = new UserService(db, sources)
  for (const [index, user] of SEED_USERS.entries()) {
    await users.createUser({ ...user, password: parts.hashes[index] as PasswordHash }, SEEDER, { tx })
  }
  const providers = new ProviderCatalog(db, sources)
  const keys = new ProviderKeyStorage(db, parts.vault, sources)
  for (const { apiKey, ...provider } of SEED_PROVIDERS) {
    const { id } = await providers.create(provider, SEEDER, { tx })
    await keys.add(id, apiKey, SEEDER, { tx })
  }
  const context = { actor: SEEDER, audit: new AuditLog(db, sources), nowMs: sources.clock.now() }
  for (const token of SEED_TOKENS) {
    const expiresAt = token.expiresInMs === undefined ? null : parts.anchor + token.expiresInMs
    await insertToken(tx, token.secret, { ...token, createdAt: context.nowMs, expiresAt }, context)
  }
  const limits = new LimitEnforcer(db, sources)
  for (const limit of SEED_LIMITS) await limits.create(limit, SEEDER, { tx })
}

/** Records a call as the token would have. */
function usageStep(tx: WriteTx, db: IronDatabase, sources: Sources): (call: PlannedCall) => Promise<unknown> {
  const books = {
    requests: new RequestLog(db, sources),
    limits: new LimitEnforcer(db, sources),
    providers: new ProviderCatalog(db, sources),
    pricing: () => new CostCalculator(),
    clock: sources.clock,
  }
  return ({ token, facts }) => {
    const priced = { cost: facts.cost, pricing: 'reported' } as const
    return recordUsage(tx, principalOf(token), { facts, priced }, books)
  }
}

function principalOf(token: SeedToken): ApiTokenPrincipal {
  const role = SEED_USERS.find(({ id }) => id === token.ownerId)?.role ?? 'viewer'
  return {
    kind: 'api_token',
    tokenId: token.id,
    userId: token.ownerId,
    role,
    scopes: token.scopes ?? null,
    projectId: token.projectId ?? null,
    expiresAt: null,
  }
}
