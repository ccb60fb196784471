/** Who and what a development database begins with (seed-and-dev-workflow 1.2). Nothing here exists outside a seeded one. */
import { type Microdollars, usd } from '@iron/cost-calculator'
import type { Permission, Role } from '@iron/rbac'
import type { NewProvider } from '../providers/provider.ts'

const DAY_MS = 86_400_000

const userId = (n: number): string => `user_01900000-0000-7000-8000-00000000000${n}`
const tokenId = (n: number): string => `tok_01900000-0000-7000-8000-00000000000${n}`

/** Of all three users. */
export const SEED_PASSWORD = 'IronDev-2026!'

/** A user of the seed. */
export interface SeedUser {
  readonly id: string
  readonly username: string
  readonly email: string
  readonly role: Role
}

export const ADMIN_ID = userId(1)
export const DEVELOPER_ID = userId(2)
export const VIEWER_ID = userId(3)

export const SEED_USERS: readonly SeedUser[] = [
  { id: ADMIN_ID, username: 'admin', email: 'admin@iron.test', role: 'admin' },
  { id: DEVELOPER_ID, username: 'developer', email: 'developer@iron.test', role: 'user' },
  { id: VIEWER_ID, username: 'viewer', email: 'viewer@iron.test', role: 'viewer' },
]

/** An API token of the seed; its times are distances from the anchor, in milliseconds. */
export interface SeedToken {
  readonly id: string
  readonly secret: string
  readonly name: string
  readonly ownerId: string
  readonly projectId?: string
  readonly scopes?: readonly Permission[]
  readonly expiresInMs?: number
  readonly revokedInMs?: number
}

/** When users, providers, limits and tokens of the seed were made, from the anchor. */
export const MADE_IN_MS = -60 * DAY_MS

export const SEED_TOKENS: readonly SeedToken[] = [
  { id: tokenId(1), secret: 'iron_dev_admin_token_001', name: 'Admin', ownerId: ADMIN_ID },
  {
    id: tokenId(2),
    secret: 'iron_dev_pm_token_002',
    name: 'Developer',
    ownerId: DEVELOPER_ID,
    projectId: 'project_alpha',
    expiresInMs: 30 * DAY_MS,
  },
  {
    id: tokenId(3),
    secret: 'iron_dev_viewer_token_003',
    name: 'Viewer',
    ownerId: VIEWER_ID,
    scopes: ['agents:read', 'metrics:read'],
  },
  {
    id: tokenId(4),
    secret: 'iron_dev_revoked_token_004',
    name: 'Revoked',
    ownerId: DEVELOPER_ID,
    revokedInMs: -3 * DAY_MS,
  },
  {
    id: tokenId(5),
    secret: 'iron_dev_expired_token_005',
    name: 'Expired',
    ownerId: DEVELOPER_ID,
    projectId: 'project_alpha',
    expiresInMs: -30 * DAY_MS,
  },
]

/** A provider of the seed with its key, which is none of theirs. */
export interface SeedProvider extends NewProvider {
  readonly apiKey: string
}

export const SEED_PROVIDERS: readonly SeedProvider[] = [
  {
    name: 'openai',
    kind: 'openai',
    baseUrl: 'https://api.openai.com/v1',
    models: ['gpt-4o', 'gpt-4o-mini', 'o3-mini'],
    apiKey: 'sk-dev-openai-not-a-real-key-0001',
  },
  {
    name: 'anthropic',
    kind: 'anthropic',
    baseUrl: 'https://api.anthropic.com',
    models: ['claude-sonnet-4-5', 'claude-haiku-4-5'],
    apiKey: 'sk-ant-dev-not-a-real-key-0002',
  },
]

export const SEED_LIMITS = [
  {
    ownerId: ADMIN_ID,
    maxTokensPerDay: 100_000_000,
    maxRequestsPerMinute: 10_000,
    maxCostPerMonth: usd(100_000),
  },
  { ownerId: DEVELOPER_ID, maxTokensPerDay: 2_000_000, maxRequestsPerMinute: 60, maxCostPerMonth: usd(100) },
  { ownerId: VIEWER_ID, maxTokensPerDay: 400_000, maxRequestsPerMinute: 10, maxCostPerMonth: usd(10) },
] as const

/** Calls made with a token, evenly over a time that ends at the anchor; their sums are exact. */
export interface SeedUsage {
  readonly tokenId: string
  readonly provider: string
  readonly model: string
  readonly rows: number
  readonly tokens: number
  readonly cost: Microdollars
  /** How far before the anchor the first one is. `day`: no further than the anchor's UTC midnight. */
  readonly overMs: number | 'day'
}

export const SEED_USAGE: readonly SeedUsage[] = [
  {
    tokenId: tokenId(2),
    provider: 'openai',
    model: 'gpt-4o-mini',
    rows: 12,
    tokens: 400_000,
    cost: usd(3),
    overMs: 7 * DAY_MS,
  },
  {
    tokenId: tokenId(3),
    provider: 'anthropic',
    model: 'claude-haiku-4-5',
    rows: 3,
    tokens: 90_000,
    cost: usd('0.3'),
    overMs: 'day',
  },
]
