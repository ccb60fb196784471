/**
 * A development database: three users with one password, two providers with keys, five API tokens in every state, three
 * limits, and some usage. Written through the services of this package with a clock that steps through the past, so that
 * counters, audit chain and call log are right by construction.
 */
import { generateMasterKey, SecretVault } from '@iron/ip-token-crypto'
import type { IronDatabase, ReadTx } from '@iron/database'
import { TokenManagerError } from './errors.ts'
import { hashPassword } from './passwords/hash-password.ts'
import { SEED_LIMITS, SEED_PASSWORD, SEED_PROVIDERS, SEED_TOKENS, SEED_USERS } from './seed/base-data.ts'
import { tellStory } from './seed/tell-story.ts'

/** Options of {@link seed}. */
export interface SeedOptions {
  /** "Now" of the seed, epoch ms; everything lies before it. Default: the database's clock, cut to the minute. */
  readonly anchor?: number | undefined
  /** Seals the providers' keys. Default: one whose key nobody keeps, so that they never open. */
  readonly vault?: SecretVault | undefined
  /** Default 12. */
  readonly bcryptCost?: number | undefined
}

/** How many of each were made. */
export interface Seeded {
  readonly users: number
  readonly providerKeys: number
  readonly tokens: number
  readonly limits: number
}

/** Under which key of `meta` a seeded database says so. */
const SEEDED_KEY = 'seeded'
/** Of every id that is not fixed. */
const SEED_NUMBER = 42
const MINUTE_MS = 60_000

/**
 * Fills an empty database in one transaction. The same anchor gives the same rows, but for password hashes and sealed keys.
 *
 * @throws {TokenManagerError} SEED_REFUSED for a database that has users or was seeded before; VALIDATION_ERROR
 */
export async function seed(db: IronDatabase, options: SeedOptions = {}): Promise<Seeded> {
  const now = db.clock.now()
  const anchor = options.anchor ?? now - (now % MINUTE_MS)
  await db.read((tx) => refuseUsedDatabase(tx))
  const hashes = await Promise.all(SEED_USERS.map(() => hashPassword(SEED_PASSWORD, { cost: options.bcryptCost })))
  // Only a seed needs ids that repeat: what makes them belongs to the tests and is loaded with them.
  const { seededIds } = await import('@iron/database/testing')
  const vault = options.vault ?? new SecretVault([{ id: 'dev1', key: generateMasterKey() }])
  await db.write(async (tx) => {
    await tx.lock('users:bootstrap')
    await refuseUsedDatabase(tx)
    await tellStory(tx, db, { anchor, hashes, vault, idsAt: (clock) => seededIds(SEED_NUMBER, clock) })
    const value = JSON.stringify({ anchor, seed: SEED_NUMBER })
    await tx.sql.insertInto('meta').values({ key: SEEDED_KEY, value }).execute()
  })
  return Object.freeze({
    users: SEED_USERS.length,
    providerKeys: SEED_PROVIDERS.length,
    tokens: SEED_TOKENS.length,
    limits: SEED_LIMITS.length,
  })
}

async function refuseUsedDatabase({ sql }: Pick<ReadTx, 'sql'>): Promise<void> {
  const user = await sql.selectFrom('users').select('id').limit(1).executeTakeFirst()
  const mark = await sql.selectFrom('meta').select('key').where('key', '=', SEEDED_KEY).executeTakeFirst()
  if (user === undefined && mark === undefined) return
  throw new TokenManagerError('SEED_REFUSED', 'only a database without users can be seeded, and once: reset it first')
}
