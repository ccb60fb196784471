import {
  copyDatabase,
  DatabaseError,
  type IdSource,
  type IronDatabase,
  openDatabase,
  systemClock,
} from '@iron/database'
import { SecretVault } from '@iron/ip-token-crypto'
import { seed } from '@iron/token-manager'
import { type ManualClock, manualClock, seededIds } from '@iron/token-manager/testing'
import { RefusedError } from '../command-line/exit-codes.ts'
import type { ControlApiConfig } from '../config.ts'
import { loadSecrets, type Secrets } from '../secrets.ts'
import { composeServices, type Services } from '../services.ts'
import { DEMO_AGENTS, DEMO_LEASE_TTL_MS } from './demo-agents.ts'
import { seedDemo } from './seed-demo.ts'

const MINUTE_MS = 60_000
/** What the base seed makes its own ids from; the demo's come from the next number, so that no two are alike. */
export const SEED_NUMBER = 42

/** Options of {@link seedDatabase}. */
export interface SeedDatabaseOptions {
  /** "Now" of the seed, epoch ms; everything lies before it. Default: the current time, cut to the minute. */
  readonly anchor?: number | undefined
  /** Base-two logarithm of bcrypt's rounds. Default 12. */
  readonly bcryptCost?: number | undefined
}

/** A seeded database, and what is shown of it once. */
export interface SeededDatabase {
  readonly anchor: number
  /** The IC token of the first agent. */
  readonly agentToken: string
}

/**
 * Fills the configured database, which may be new, with the demo seed. The story is told in memory and copied in one transaction:
 * all of it is there afterwards, or nothing.
 *
 * @throws {RefusedError} in production, and for a database that holds anything; nothing is written
 */
export async function seedDatabase(
  config: ControlApiConfig,
  options: SeedDatabaseOptions = {},
): Promise<SeededDatabase> {
  if (config.environment === 'production') {
    throw new RefusedError('a production database is never seeded: unset IRON_ENV, or take another DATABASE_URL')
  }
  const secrets = loadSecrets(config)
  await using target = await openDatabase(config.databaseUrl)
  await refuseUsed(target)
  const now = systemClock.now()
  const anchor = options.anchor ?? now - (now % MINUTE_MS)
  const clock = manualClock(anchor)
  const services = await openForSeeding(config, secrets, clock)
  try {
    const { agentToken } = await tellSeed(services, secrets, { clock, anchor, bcryptCost: options.bcryptCost })
    await copyInto(target, services.database)
    return Object.freeze({ anchor, agentToken })
  } finally {
    await services.close()
    await services.database.close()
  }
}

/** Base and demo seed on the services of a database without users, whose clock is moved through the past. */
export async function tellSeed(
  services: Services,
  secrets: Secrets,
  options: { readonly clock: ManualClock; readonly anchor: number; readonly bcryptCost?: number | undefined },
): Promise<{ readonly agentToken: string }> {
  const { clock, anchor, bcryptCost } = options
  await seed(services.database, { anchor, vault: new SecretVault([...secrets.masterKeys]), bcryptCost })
  return seedDemo(services, { clock, anchor, seed: SEED_NUMBER })
}

/**
 * Services in memory that tell the story: on its clock, with its ids, and by the rules it was written for instead of the
 * operator's prices and grants.
 */
export function openForSeeding(config: ControlApiConfig, secrets: Secrets, clock: ManualClock): Promise<Services> {
  const ofStory = {
    databaseUrl: ':memory:',
    redisUrl: undefined,
    autoMigrate: undefined,
    prices: [],
    ceiling: undefined,
    leaseTtlMs: DEMO_LEASE_TTL_MS,
    leaseGraceMs: undefined,
    grantDefault: undefined,
    grantMax: undefined,
  }
  const ids = withDemoAgentIds(seededIds(SEED_NUMBER + 1, clock))
  return composeServices({ ...config, ...ofStory }, secrets, { clock, ids })
}

/** The first agents get the ids that documents and tests name. */
function withDemoAgentIds(ids: IdSource): IdSource {
  const left = Object.values(DEMO_AGENTS).map(({ id }) => id)
  return { next: (prefix) => (prefix === 'agent' ? left.shift() : undefined) ?? ids.next(prefix) }
}

const NOT_EMPTY = 'only an empty database is seeded, and once; `pnpm db:reset-seed` starts ./iron.db again from nothing'

/** Asked before the story is told, which takes a moment; the copy asks again under its lock. */
async function refuseUsed(target: IronDatabase): Promise<void> {
  const user = await target.read(({ sql }) => sql.selectFrom('users').select('id').limit(1).executeTakeFirst())
  if (user !== undefined) throw new RefusedError(NOT_EMPTY)
}

async function copyInto(target: IronDatabase, source: IronDatabase): Promise<void> {
  try {
    await copyDatabase(source, target)
  } catch (error) {
    const isUsed = error instanceof DatabaseError && error.code === 'COPY_REFUSED'
    throw isUsed ? new RefusedError(NOT_EMPTY) : error
  }
}
